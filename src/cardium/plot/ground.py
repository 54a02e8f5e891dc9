"""What surrounds a moving picture and stands still: ruler, colour bar, ECG."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlaneGrid, Stream
from cardium.plot.style import DARK, FAINT, INK, rgb_of, velocity_table

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

STRIP = 96
"""Height of the ECG below the image [px]."""

_RULER, _BAR = 46, 52  # px
_TRACE = "#63e087"


def draw_ground(
    plane: PlaneGrid, clock: FloatArray, scale: float, ecg: Stream | None
) -> NDArray[np.uint8]:
    """Draw what does not change: depth ruler, colour bar, ECG."""
    from PIL import Image, ImageDraw

    rows, columns = plane.shape
    width = columns + _RULER + (_BAR if scale else 0)
    height = rows + (STRIP if ecg else 0)
    # Video in 4:2:0 needs even sizes.
    image = Image.new("RGB", (width + width % 2, height + height % 2), DARK)
    draw = ImageDraw.Draw(image)
    _draw_ruler(draw, plane)
    if scale:
        bar = velocity_table()[::-1].repeat(14, axis=0).reshape(256, 14, 3)
        top, left = max(rows // 2 - 128, 24), columns + _RULER + 8
        image.paste(Image.fromarray(bar), (left, top))
        for y, text in (
            (top - 20, f"+{scale * 100:g}"),
            (top + 262, f"-{scale * 100:g}"),
        ):
            draw.text((left + 7, y), text, fill=INK, font=typeface(13), anchor="ma")
        draw.text(
            (left + 7, top + 280), "cm/s", fill=FAINT, font=typeface(12), anchor="ma"
        )
    if ecg is not None:
        line = _ecg_line(ecg, clock, image.width)
        draw_lines(image, [line + np.array([0, rows])], _TRACE, 1.4)
        right = image.width - 10
        draw.text((right, rows + 4), "ECG", fill=FAINT, font=typeface(12), anchor="ra")
    return np.asarray(image)


def draw_lines(
    picture: Image, lines: Iterable[FloatArray], colour: str, width: float
) -> None:
    """Draw smooth lines through (column, row) pixel centres, in place."""
    from PIL import Image, ImageDraw

    kept = [line[np.isfinite(line).all(axis=1)] for line in lines]
    kept = [line for line in kept if len(line) > 1]
    if not kept:
        return
    # Only the box that holds the lines is drawn larger and reduced.
    every = np.concatenate(kept)
    low = np.maximum(np.floor(every.min(axis=0) - width), 0).astype(int)
    high = np.minimum(np.ceil(every.max(axis=0) + width) + 1, picture.size).astype(int)
    if (high <= low).any():
        return
    fine = 3
    mask = Image.new("L", tuple(((high - low) * fine).tolist()))
    draw = ImageDraw.Draw(mask)
    for line in kept:
        at = [(float(x), float(y)) for x, y in (line + 0.5 - low) * fine]
        draw.line(at, fill=255, width=round(width * fine), joint="curve")
    picture.paste(rgb_of(colour), tuple(low.tolist()), mask.reduce(fine))


def strip_x(times: FloatArray, clock: FloatArray, width: int) -> FloatArray:
    """Place times [s] along the ECG below the image, frame first to last."""
    span = float(clock[-1] - clock[0]) or 1.0
    return np.asarray(10 + (times - clock[0]) / span * (width - 20))


def typeface(size: int) -> FreeTypeFont | ImageFont:
    """Return the typeface that comes with pillow."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _draw_ruler(draw: ImageDraw, plane: PlaneGrid) -> None:
    """Draw a tick every centimetre of z, and its number every five."""
    left = plane.shape[1] + 2
    for cm in range(int(np.ceil(plane.z[0] * 100)), int(plane.z[1] * 100 + 1e-6) + 1):
        y = (cm / 100 - plane.z[0]) / plane.spacing[0]
        long = cm % 5 == 0
        draw.line([(left, y), (left + (9 if long else 5), y)], fill=FAINT)
        if long and cm:
            draw.text(
                (left + 13, y), f"{cm}", fill=FAINT, font=typeface(12), anchor="lm"
            )
    draw.text((left, 4), "cm", fill=FAINT, font=typeface(12))


def _ecg_line(ecg: Stream, clock: FloatArray, width: int) -> FloatArray:
    """Place the first lead of an ECG in the strip, (N, 2) pixels."""
    part = ecg.between(float(clock[0]), float(clock[-1]) + 1e-9)
    values = np.asarray(part.values, float).reshape(len(part.time), -1)[:, 0]
    kept = np.isfinite(values)
    times, values = part.time[kept], values[kept]
    low, high = (values.min(), values.max()) if values.size else (0.0, 1.0)
    share = (values - low) / (high - low or 1.0)
    y = STRIP - 14 - share * (STRIP - 34)
    return np.stack([strip_x(times, clock, width), y], axis=-1)
