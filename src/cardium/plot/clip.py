"""A recording as a file to look at: a still, an animation, a video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from cardium.core import FloatArray, Recording, need
from cardium.core.files import written_aside
from cardium.errors import InvalidArgumentError, MissingLibraryError
from cardium.plot.ecg import draw_ecg
from cardium.plot.film import Film, open_film
from cardium.plot.plane import nearest
from cardium.plot.style import png_bytes

FASTEST = {".gif": 25.0, ".mp4": 60.0}
"""Frames a second that a file has at most unless more are asked for."""

_GIF_LIMIT = 50.0  # viewers slow a GIF down whose frames last less than 20 ms


def write_picture(
    recording: Recording,
    path: Path,
    *,
    stream: str | None = None,
    frame_rate: float | None = None,
) -> None:
    """Write a recording as a still, an animation or a video, by the file's ending.

    Images are scan converted to true aspect, with velocities in colour, what readers
    drew, a depth ruler, and the ECG with a cursor below, where the recording has them.
    A recording without images is drawn as an ECG on millimetre paper.

    Parameters
    ----------
    recording : Recording
        What is shown.
    path : Path
        ``.png``, a still: the first annotated frame, or the middle one; ``.gif`` or
        ``.mp4``, the whole clip in real time.
    stream : str, optional
        The stream whose frames are shown. If not given, everything there is.
    frame_rate : float [Hz], optional
        Frames a second of the file; each shows what is nearest in time. If not given,
        those of the recording, up to 25 in a GIF and 60 in a video.

    Raises
    ------
    InvalidArgumentError
        If the ending is none of the three, the rate is out of its range, or an ECG is
        to be animated.
    NotProvidedError
        If the recording has neither images nor an ECG, or not the stream named.
    MissingLibraryError
        If pillow, PyAV or its H.264 encoder is not there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core import Entry, Stream
    >>> ecg = Stream("ecg", np.zeros(100), np.arange(100) / 100, ("time",), "mV")
    >>> recording = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> with TemporaryDirectory() as folder:
    ...     write_picture(recording, Path(folder) / "ecg.png")
    ...     (Path(folder) / "ecg.png").read_bytes()[1:4]
    b'PNG'
    """
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in (".png", *FASTEST):
        raise InvalidArgumentError(
            f"'{path.name}' ends in '{path.suffix}'. Choose an ending: .png (a still), "
            ".gif (an animation) or .mp4 (a video)."
        )
    if _is_ecg(recording, stream):
        _write_ecg(recording, path, stream or "ecg")
        return
    film = open_film(recording, stream=stream)
    if ending == ".png":
        _write_png(film, path)
        return
    rate = _checked_rate(frame_rate, film, ending)
    write = _write_gif if ending == ".gif" else _write_mp4
    write(film, path, rate)


def frame_times(clock: FloatArray, rate: float, frame_rate: float) -> FloatArray:
    """Return the time that each frame of a file shows [s].

    Parameters
    ----------
    clock : (T,) [s]
        Times of the recording's frames.
    rate : float [Hz]
        Its frames a second; each lasts ``1 / rate``, the last one too.
    frame_rate : float [Hz]
        Frames a second of the file.

    Returns
    -------
    (N,) [s]
        Times of frames that the recording has.

    Examples
    --------
    >>> frame_times(np.array([1.0, 1.1, 1.2, 1.3]), 10.0, 5.0)
    array([1. , 1.2])
    """
    span = float(clock[-1] - clock[0]) + 1 / rate
    count = max(1, round(span * frame_rate))
    wanted = clock[0] + np.arange(count) / frame_rate
    return np.asarray(clock[nearest(clock, wanted)])


def _is_ecg(recording: Recording, stream: str | None) -> bool:
    """Say whether an ECG is what there is to show."""
    if stream is not None:
        return stream.startswith("ecg")
    images = [s for s in recording.streams.values() if s.geometry is not None]
    return not images and "ecg" in recording.streams


def _write_ecg(recording: Recording, path: Path, stream: str) -> None:
    """Write the ECG plot."""
    if path.suffix.lower() != ".png":
        raise InvalidArgumentError(
            f"'{path.name}': an ECG is drawn as a still. Choose the ending .png."
        )
    picture = png_bytes(draw_ecg(recording[stream], title=recording.entry.id))
    with written_aside(path) as aside:
        aside.write_bytes(picture)


def _checked_rate(frame_rate: float | None, film: Film, ending: str) -> float:
    """Return the frames a second of the file."""
    if frame_rate is None:
        return min(film.rate, FASTEST[ending])
    most = _GIF_LIMIT if ending == ".gif" else 1000.0
    if not 0 < frame_rate <= most:
        raise InvalidArgumentError(
            f"The frame rate of a {ending} file must lie above 0 and be at most "
            f"{most:g} Hz, got {frame_rate:g}."
        )
    return frame_rate


def _write_png(film: Film, path: Path) -> None:
    """Write the still."""
    from PIL import Image

    with written_aside(path) as aside:
        Image.fromarray(film.draw(film.still)).save(aside, format="PNG")


def _write_gif(film: Film, path: Path, rate: float) -> None:
    """Write an endless animation; delays are whole hundredths of a second."""
    from PIL import Image

    times = frame_times(film.clock, film.rate, rate)
    first = Image.fromarray(film.draw(film.still)).quantize(256)

    def frames() -> Iterator[Image.Image]:
        for time in times:
            image = Image.fromarray(film.draw(float(time)))
            yield image.quantize(palette=first, dither=Image.Dither.NONE)

    # Rounded on the running sum, so that the whole lasts as long as it should.
    ends = np.round(np.arange(len(times) + 1) * 100 / rate).astype(int)
    every = frames()
    with written_aside(path) as aside:
        next(every).save(
            aside,
            format="GIF",
            save_all=True,
            append_images=every,
            duration=(np.diff(ends) * 10).tolist(),
            loop=0,
            optimize=False,
        )


def _write_mp4(film: Film, path: Path, rate: float) -> None:
    """Write a video in H.264, one frame in memory at a time."""
    need("av", extra="plot")
    import av

    if "libx264" not in av.codecs_available:
        raise MissingLibraryError(
            f"'{path.name}': this build of PyAV has no H.264 encoder (libx264). "
            'Type: pip install --force-reinstall "av>=14", or write a .gif.'
        )
    with written_aside(path) as aside:
        options = {"movflags": "+faststart"}
        with av.open(str(aside), "w", format="mp4", options=options) as file:
            video = file.add_stream(
                "libx264", rate=Fraction(rate).limit_denominator(1000)
            )
            video.height, video.width = film.ground.shape[:2]
            video.pix_fmt = "yuv420p"
            video.options = {"crf": "18", "preset": "veryfast"}
            for time in frame_times(film.clock, film.rate, rate):
                picture = film.draw(float(time))
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                file.mux(video.encode(frame))
            file.mux(video.encode())
