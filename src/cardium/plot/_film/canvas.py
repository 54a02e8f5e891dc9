"""Drawing on arrays of pixels: smooth lines, text that fits, filled shapes.

Everything draws in place, on the box of pixels that it touches and no others, so that a
frame of a video costs what changes in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.plot.style import DARK, INK, rgb_of

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont

Picture = NDArray[np.uint8]
Anchor = Literal["left", "middle", "right"]

_FINE = 3  # lines are drawn so many times larger, and reduced


def blank(rows: int, columns: int, colour: str = DARK) -> Picture:
    """Make a picture of one colour, (rows, columns, 3)."""
    return np.full((rows, columns, 3), rgb_of(colour), np.uint8)


def draw_lines(
    picture: Picture,
    lines: Iterable[FloatArray],
    colour: str,
    width: float = 1.5,
    *,
    opacity: float = 1.0,
) -> None:
    """Draw smooth lines through points, in place.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        What is drawn on; lines may leave it.
    lines : iterable of (N, 2)
        Column and row of each point; the index of a pixel is its centre. Points that
        are not finite interrupt a line.
    colour : str
        ``"#rrggbb"``.
    width : float [px]
        Thickness.
    opacity : float
        0 leaves the picture as it is.

    Examples
    --------
    >>> picture = blank(5, 7, "#000000")
    >>> draw_lines(picture, [np.array([(0.0, 2.0), (6.0, 2.0)])], "#ffffff", 1)
    >>> picture[:, 3, 0].tolist()
    [0, 0, 255, 0, 0]
    """
    from PIL import Image, ImageDraw

    kept = [part for line in lines for part in _unbroken(line)]
    box = _box(kept, width, picture)
    if box is None:
        return
    low, high = box
    mask = Image.new("L", tuple(((high - low) * _FINE).tolist()))
    draw = ImageDraw.Draw(mask)
    for line in kept:
        points = [tuple(p) for p in ((line + 0.5 - low) * _FINE - 0.5).tolist()]
        draw.line(points, fill=255, width=max(round(width * _FINE), 1), joint="curve")
    blend(picture, low, np.asarray(mask.reduce(_FINE)), colour, opacity)


def write_text(
    picture: Picture,
    place: tuple[float, float],
    text: str,
    *,
    colour: str = INK,
    size: int = 13,
    anchor: Anchor = "left",
    room: float | None = None,
) -> None:
    """Write one line of text whose middle is at the height of a place, in place.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        What is written on; what does not fit on it is cut off.
    place : (column, row)
        The text's left end, middle or right end, and its mid-height.
    text : str
        What is written.
    colour : str
        ``"#rrggbb"``.
    size : int [px]
        Height of the letters' line.
    anchor : {"left", "middle", "right"}
        What of the text lies at `place`.
    room : float [px], optional
        Longer text is shortened to this width.
    """
    shown = text if room is None else fit_text(text, room, size)
    if not shown:
        return
    mask = _text_mask(shown, size)
    rows, columns = mask.shape
    share = {"left": 0.0, "middle": 0.5, "right": 1.0}[anchor]
    low = np.array([round(place[0] - share * columns), round(place[1] - rows / 2)])
    blend(picture, low, mask, colour)


def text_width(text: str, size: int = 13) -> int:
    """Return how wide a text is [px]."""
    return int(np.ceil(typeface(size).getlength(text)))


def fit_text(text: str, room: float, size: int = 13) -> str:
    """Shorten a text to a width [px], with dots where something is missing.

    Examples
    --------
    >>> fit_text("exam", 100), len(fit_text("a very long name" * 9, 100)) < 20
    ('exam', True)
    """
    if text_width(text, size) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        half = (low + high + 1) // 2
        if text_width(text[:half] + "…", size) <= room:
            low = half
        else:
            high = half - 1
    return text[:low] + "…" if low else ""


@lru_cache(maxsize=16)
def typeface(size: int) -> FreeTypeFont | ImageFont:
    """Return the typeface that comes with pillow."""
    from PIL import ImageFont

    return ImageFont.load_default(size)


def blend(
    picture: Picture,
    low: NDArray[np.integer],
    mask: Picture,
    colour: str,
    opacity: float = 1.0,
) -> None:
    """Lay a colour on the pixels of a mask (0..255) whose first pixel is at `low`."""
    (x, y), (rows, columns) = low.tolist(), mask.shape
    left, top = max(-x, 0), max(-y, 0)
    right = min(columns, picture.shape[1] - x)
    bottom = min(rows, picture.shape[0] - y)
    if right <= left or bottom <= top:
        return
    part = picture[y + top : y + bottom, x + left : x + right]
    share = mask[top:bottom, left:right, None] * np.float32(opacity / 255)
    ink = np.array(rgb_of(colour), np.float32)
    part[:] = np.round(part + share * (ink - part))


@lru_cache(maxsize=256)
def _text_mask(text: str, size: int) -> Picture:
    """Return how much ink each pixel of a text has; as high for every text."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (text_width(text, size) + 1, round(size * 1.3)))
    place = (0, image.height / 2 + size * 0.36)
    ImageDraw.Draw(image).text(place, text, fill=255, font=typeface(size), anchor="ls")
    return np.asarray(image)


def _unbroken(line: FloatArray) -> list[FloatArray]:
    """Split a line where a point is not finite; lone points are no lines."""
    finite = np.isfinite(line).all(axis=1)
    if finite.all():
        return [line] if len(line) > 1 else []
    cuts = np.flatnonzero(np.diff(finite)) + 1
    parts = np.split(line, cuts)
    return [p for p in parts if len(p) > 1 and np.isfinite(p[0]).all()]


def _box(
    lines: list[FloatArray], width: float, picture: Picture
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the first and last pixel that lines may touch on a picture."""
    if not lines:
        return None
    every = np.concatenate(lines)
    size = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(every.min(axis=0) - width), 0, size).astype(np.int64)
    high = np.clip(np.ceil(every.max(axis=0) + width) + 1, 0, size).astype(np.int64)
    return None if (high <= low).any() else (low, high)
