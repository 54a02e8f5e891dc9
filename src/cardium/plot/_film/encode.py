"""Pictures written to a file one at a time: a still, an animation, a video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cardium.core import FloatArray, need
from cardium.core.files import written_aside
from cardium.errors import InvalidArgumentError, MissingLibraryError
from cardium.plot._film.canvas import Picture

FASTEST = {".gif": 25.0, ".mp4": 60.0}
"""Frames a second that a file has at most unless more are asked for."""

_BT709, _VIDEO_RANGE = 1, 1  # how ITU-T H.273 numbers the colours of video
_GREYS, _VIVID = 86, 14  # greys of an animation; what differs more is a colour
_GIF_LIMIT = 50.0  # viewers slow a GIF down whose frames last less than 20 ms


class Shown(Protocol):
    """What can be written: pictures of one size, drawn for a time."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns [px]; both even."""

    @property
    def clock(self) -> FloatArray:
        """Times of the frames (T,) [s]."""

    @property
    def rate(self) -> float:
        """Frames a second [Hz]."""

    @property
    def still(self) -> float:
        """Time of the frame that stands for all [s]."""

    def draw(self, time: float) -> Picture:
        """Draw the picture of a time [s]."""


def ending_of(path: Path) -> str:
    """Return the ending of a file that can be written.

    Raises
    ------
    InvalidArgumentError
        If it is none of ``.png``, ``.gif`` and ``.mp4``.
    """
    ending = path.suffix.lower()
    if ending not in (".png", *FASTEST):
        raise InvalidArgumentError(
            f"'{path.name}' ends in '{path.suffix}'. Choose an ending: .png (a still), "
            ".gif (an animation) or .mp4 (a video)."
        )
    return ending


def check_rate(
    frame_rate: float | None, speed: float, *, rate: float, ending: str
) -> float:
    """Return the frames a second of a file.

    Parameters
    ----------
    frame_rate : float [Hz], optional
        What is asked for.
    speed : float
        How fast time passes; 0.5 is slow motion.
    rate : float [Hz]
        Frames a second of what is shown.
    ending : {".gif", ".mp4"}
        The file's ending.

    Returns
    -------
    float [Hz]
        What is asked for, or every frame once, up to what viewers can show.

    Raises
    ------
    InvalidArgumentError
        If the rate or the speed is out of its range.
    """
    if not 0.01 <= speed <= 100:
        raise InvalidArgumentError(
            f"The speed must lie between 0.01 and 100, got {speed:g}."
        )
    if frame_rate is None:
        return min(rate * speed, FASTEST[ending])
    most = _GIF_LIMIT if ending == ".gif" else 1000.0
    if not 0 < frame_rate <= most:
        raise InvalidArgumentError(
            f"The frame rate of a {ending} file must lie above 0 and be at most "
            f"{most:g} Hz, got {frame_rate:g}."
        )
    return frame_rate


def write_png(shown: Shown, path: Path, time: float) -> None:
    """Write a still of a time [s]."""
    from PIL import Image

    picture = Image.fromarray(shown.draw(time))
    with written_aside(path) as aside:
        picture.save(aside, format="PNG")


def write_gif(shown: Shown, path: Path, times: FloatArray, rate: float) -> None:
    """Write an endless animation, one frame in memory at a time.

    All frames have the colours of the still, see `choose_colours`. Delays are whole
    hundredths of a second, rounded on the running sum, so that the whole lasts as long
    as it should.
    """
    _check_encoder(path, "gif", "GIF")
    import av
    from PIL import Image

    colours = choose_colours(shown.draw(shown.still))
    first = Image.new("P", (1, 1))
    first.putpalette(colours.tobytes())
    opaque = np.full((256, 1), 255, np.uint8)
    palette = np.concatenate([opaque, colours], axis=1)
    ends = np.round(np.arange(len(times) + 1) * 100 / rate).astype(int).tolist()
    lengths = iter(np.diff(ends).tolist())
    tick = Fraction(1, 100)
    with (
        written_aside(path) as aside,
        av.open(str(aside), "w", format="gif", options={"loop": "0"}) as file,
    ):
        video = file.add_stream("gif", rate=100)
        video.height, video.width = shown.size
        video.pix_fmt = "pal8"
        video.time_base = video.codec_context.time_base = tick
        # One round more than there are frames takes what the encoder still holds.
        for end, time in zip(ends, [*times, None], strict=True):
            frame = None
            if time is not None:
                image = Image.fromarray(shown.draw(float(time)))
                codes = image.quantize(palette=first, dither=Image.Dither.NONE)
                coded: Any = (np.asarray(codes), palette)
                frame = av.VideoFrame.from_ndarray(coded, format="pal8")
                frame.pts, frame.time_base = end, tick
            for packet in video.encode(frame):
                packet.duration = next(lengths)
                file.mux(packet)


def write_mp4(shown: Shown, path: Path, times: FloatArray, rate: float) -> None:
    """Write a video in H.264, one frame in memory at a time."""
    _check_encoder(path, "libx264", "H.264")
    import av

    options = {"movflags": "+faststart"}
    with (
        written_aside(path) as aside,
        av.open(str(aside), "w", format="mp4", options=options) as file,
    ):
        video = file.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        video.height, video.width = shown.size
        video.pix_fmt = "yuv420p"
        # Speckle leaves slow presets little to gain: as good, half as large again, in a
        # third of the time.
        video.options = {"crf": "20", "preset": "ultrafast", "x264-params": "cabac=1"}
        # Players guess what is not stated, by the size, and then show other colours.
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _VIDEO_RANGE
        for time in times:
            picture = av.VideoFrame.from_ndarray(shown.draw(float(time)), "rgb24")
            frame = picture.reformat(
                format="yuv420p", dst_colorspace=_BT709, dst_color_range=_VIDEO_RANGE
            )
            file.mux(video.encode(frame))
        file.mux(video.encode())


def choose_colours(picture: Picture) -> Picture:
    """Choose the 256 colours of an animation.

    Parameters
    ----------
    picture : (H, W, 3) uint8
        A frame with its colour bar.

    Returns
    -------
    (256, 3) uint8
        Greys, and of the other colours that occur those that cover them best, however
        few pixels have them: a colour bar counts as much as a colour box.
    """
    from PIL import Image

    greys = np.linspace(0, 255, _GREYS).round().astype(np.uint8)
    colours = np.repeat(greys, 256 // _GREYS + 1)[:256, None].repeat(3, axis=1)
    colours[:_GREYS] = greys[:, None]
    flat = picture.reshape(-1, 3)
    vivid = flat[np.ptp(flat, axis=1) > _VIVID]
    if len(vivid):
        once = np.unique(vivid >> 2, axis=0) << 2
        count = 256 - _GREYS
        best = Image.fromarray(once[None]).quantize(count, Image.Quantize.MEDIANCUT)
        found = np.array(best.getpalette(), np.uint8).reshape(-1, 3)[:count]
        colours[_GREYS : _GREYS + len(found)] = found
    return colours


def _check_encoder(path: Path, codec: str, name: str) -> None:
    """Make sure that PyAV is there and has an encoder."""
    need("av", extra="plot")
    import av

    if codec not in av.codecs_available:
        raise MissingLibraryError(
            f"'{path.name}': this build of PyAV has no {name} encoder ({codec}). "
            'Type: pip install --force-reinstall "av>=14", or write a .png.'
        )
