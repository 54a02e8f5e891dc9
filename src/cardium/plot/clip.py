"""Recordings as files to look at: stills, animations, videos, panels of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from cardium.core import FloatArray, Recording
from cardium.errors import InvalidArgumentError
from cardium.plot._film.board import open_board, phase_time
from cardium.plot._film.canvas import Picture
from cardium.plot._film.encode import (
    Shown,
    check_rate,
    ending_of,
    write_gif,
    write_mp4,
    write_png,
)
from cardium.plot._film.film import Film, open_film
from cardium.plot._film.scene import everything
from cardium.plot.ecg_picture import write_ecg
from cardium.signal.clock import nearest


def write_picture(
    recording: Recording,
    path: Path,
    *,
    stream: str | None = None,
    view: str = "cartesian",
    frame: int | None = None,
    time: float | None = None,
    phase: float | None = None,
    frame_rate: float | None = None,
    speed: float = 1.0,
    size: int = 640,
) -> None:
    """Write a recording as a still, an animation or a video, by the file's ending.

    Images have the true aspect, with Doppler in colour, what readers drew, gates and a
    depth ruler; volumes are shown as planes with the sections of their mesh; spectra,
    M-modes, strain and the ECG lie below, with a cursor. A recording of an ECG alone is
    drawn on millimetre paper, by `cardium.plot.ecg_picture.write_ecg`.

    Parameters
    ----------
    recording : Recording
        What is shown.
    path : Path
        ``.png``, a still; ``.gif`` or ``.mp4``, the whole clip; of an ECG ``.png``,
        ``.svg`` or ``.pdf``.
    stream : str, optional
        A stream, a strain curve or a mesh to show alone. If not given, everything
        there is.
    view : {"cartesian", "beamspace", "both"}
        Images true to scale, as beams side by side, or the two beside each other.
    frame : int, optional
        Number of the frame of a still, from 0; negative ones count from the end. If
        neither this nor `time` nor `phase` is given, the first annotated frame, or the
        middle one.
    time : float [s], optional
        Time of a still, on the recording's clock; the nearest frame is shown.
    phase : float, optional
        Cardiac phase of a still, 0 at the R peak and 1 at the next, in the first whole
        beat; the nearest frame is shown.
    frame_rate : float [Hz], optional
        Frames a second of the file; each shows what is nearest in time. If not given,
        those of the recording, up to 25 in a GIF and 60 in a video.
    speed : float
        How fast time passes in an animation or a video; 0.5 is slow motion.
    size : int [px]
        Longer side of an image.

    Raises
    ------
    InvalidArgumentError
        If the ending is none of the three, an option is out of its range, does not fit
        the ending or contradicts another, or an ECG is to be animated.
    NotProvidedError
        If the recording has nothing to show, not the stream named, or no whole beat
        for a phase.
    MissingLibraryError
        If pillow, PyAV or its encoder is not there.

    Notes
    -----
    Frames are read, drawn and encoded one after the other, so memory does not grow
    with the length of the clip.

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
    if is_ecg(recording, stream):
        write_ecg(recording, path, stream=stream or "ecg")
        return
    ending = ending_of(path)
    film = open_film(recording, stream=stream, view=view, size=size)
    chosen = _choose_time(film, recording, frame=frame, time=time, phase=phase)
    _write(film, path, ending, chosen, frame_rate=frame_rate, speed=speed)


def draw_picture(
    recording: Recording,
    *,
    stream: str | None = None,
    view: str = "cartesian",
    frame: int | None = None,
    time: float | None = None,
    phase: float | None = None,
    size: int = 640,
) -> Picture:
    """Draw a still of a recording as an array, for a notebook.

    Parameters
    ----------
    recording : Recording
        What is shown.
    stream : str, optional
        As of `write_picture`, and so are the others.
    view : {"cartesian", "beamspace", "both"}
        How images are shown.
    frame : int, optional
        Number of the frame.
    time : float [s], optional
        Time of the still.
    phase : float, optional
        Cardiac phase of the still.
    size : int [px]
        Longer side of an image.

    Returns
    -------
    (H, W, 3) uint8
        Red, green and blue.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range or contradicts another.
    NotProvidedError
        If the recording has nothing to show, not the stream named, or no whole beat
        for a phase.

    Examples
    --------
    >>> from cardium.core import Entry, PlaneGrid, Stream
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.04), shape=(5, 5))
    >>> grey = Stream("b_mode", np.full((3, 5, 5), 99, np.uint8), np.arange(3) / 50,
    ...               ("time", "z", "x"), "grey", geometry=grid)
    >>> entry = Entry("r0", "p0", "", frozenset({"b_mode"}))
    >>> picture = draw_picture(Recording(entry, {"b_mode": grey}), frame=0, size=200)
    >>> picture.shape, picture[100, 100].tolist()
    ((230, 240, 3), [99, 99, 99])
    """
    film = open_film(recording, stream=stream, view=view, size=size)
    chosen = _choose_time(film, recording, frame=frame, time=time, phase=phase)
    return film.draw(film.still if chosen is None else chosen)


def write_panels(
    recordings: Sequence[Recording],
    path: Path,
    *,
    sync: str = "time",
    stream: str | None = None,
    view: str = "cartesian",
    frame: int | None = None,
    time: float | None = None,
    phase: float | None = None,
    frame_rate: float | None = None,
    speed: float = 1.0,
    size: int = 420,
) -> None:
    """Write several recordings into one picture, each with its title and its ECG.

    Parameters
    ----------
    recordings : sequence of Recording
        What is shown, row by row.
    path : Path
        ``.png``, ``.gif`` or ``.mp4``.
    sync : {"time", "phase"}
        ``"time"``: all begin at their first frame and run on; the last frame stays
        until the longest one ends. ``"phase"``: R peaks coincide; the whole beats of
        the first recording set the pace, and the others follow beat by beat, stretched
        or compressed, beginning again when they have no more.
    stream : str, optional
        As of `write_picture`.
    view : {"cartesian", "beamspace", "both"}
        As of `write_picture`.
    frame : int, optional
        Which frame of the common clock a still shows.
    time : float [s], optional
        Which time of the common clock, which begins at 0, a still shows.
    phase : float, optional
        A still of each recording at a phase of its own first whole beat.
    frame_rate : float [Hz], optional
        As of `write_picture`.
    speed : float
        As of `write_picture`.
    size : int [px]
        Longer side of an image.

    Raises
    ------
    InvalidArgumentError
        If there is no recording, an option is out of its range, does not fit the
        ending or contradicts another.
    NotProvidedError
        If a recording has nothing to show, or no whole beat where phases are asked
        for.
    MissingLibraryError
        If pillow, PyAV or its encoder is not there.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core import Entry, PlaneGrid, Stream
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.04), shape=(5, 5))
    >>> grey = Stream("b_mode", np.zeros((3, 5, 5), np.uint8), np.arange(3) / 50,
    ...               ("time", "z", "x"), "grey", geometry=grid)
    >>> pair = [Recording(Entry(name, "p0", "", frozenset()), {"b_mode": grey})
    ...         for name in ("r0", "r1")]
    >>> with TemporaryDirectory() as folder:
    ...     write_panels(pair, Path(folder) / "both.png")
    ...     (Path(folder) / "both.png").read_bytes()[1:4]
    b'PNG'
    """
    path = Path(path)
    ending = ending_of(path)
    films = [open_film(r, stream=stream, view=view, size=size) for r in recordings]
    board = open_board(recordings, films, sync=sync)
    if phase is not None:
        _refuse_two(frame, time, phase)
        moments = [
            phase_time(r, f.clock, phase)
            for r, f in zip(recordings, films, strict=True)
        ]
        board = replace(board, clocks=tuple(_always(moment) for moment in moments))
        chosen: float | None = 0.0
    else:
        chosen = _choose_time(board, None, frame=frame, time=time, phase=None)
    _write(board, path, ending, chosen, frame_rate=frame_rate, speed=speed)


def frame_times(
    clock: FloatArray, rate: float, frame_rate: float, *, speed: float = 1.0
) -> FloatArray:
    """Return the time that each frame of a file shows [s].

    Parameters
    ----------
    clock : (T,) [s]
        Times of the recording's frames.
    rate : float [Hz]
        Its frames a second; each lasts ``1 / rate``, the last one too.
    frame_rate : float [Hz]
        Frames a second of the file.
    speed : float
        Seconds of the recording in a second of the file.

    Returns
    -------
    (N,) [s]
        Times of frames that the recording has.

    Examples
    --------
    >>> frame_times(np.array([1.0, 1.1, 1.2, 1.3]), 10.0, 5.0)
    array([1. , 1.2])
    >>> len(frame_times(np.array([1.0, 1.1, 1.2, 1.3]), 10.0, 5.0, speed=0.5))
    4
    """
    span = float(clock[-1] - clock[0]) + 1 / rate
    count = max(1, round(span * frame_rate / speed))
    wanted = clock[0] + np.arange(count) * speed / frame_rate
    return np.asarray(clock[nearest(clock, wanted)])


def is_ecg(recording: Recording, stream: str | None) -> bool:
    """Say whether an ECG is what there is to show."""
    if stream is not None:
        return stream.startswith("ecg")
    return "ecg" in recording.streams and everything(recording).is_empty


def _choose_time(
    shown: Shown,
    recording: Recording | None,
    *,
    frame: int | None,
    time: float | None,
    phase: float | None,
) -> float | None:
    """Return the time of the still that is asked for; None if none is."""
    _refuse_two(frame, time, phase)
    clock = shown.clock
    if frame is not None:
        if not -len(clock) <= frame < len(clock):
            raise InvalidArgumentError(
                f"There is no frame {frame}; there are {len(clock)}, from 0."
            )
        return float(clock[frame])
    if phase is not None and recording is not None:
        time = phase_time(recording, clock, phase)
        return float(clock[nearest(clock, time)])
    if time is None:
        return None
    slack = 1 / shown.rate
    if not clock[0] - slack <= time <= clock[-1] + slack:
        raise InvalidArgumentError(
            f"There is nothing at {time:g} s; frames lie between {clock[0]:.3f} and "
            f"{clock[-1]:.3f} s."
        )
    return float(clock[nearest(clock, time)])


def _refuse_two(*chosen: float | None) -> None:
    """Refuse more than one way to choose a frame."""
    if sum(value is not None for value in chosen) > 1:
        raise InvalidArgumentError(
            "A still is chosen by one of frame, time and phase, not by several."
        )


def _always(moment: float) -> Callable[[float], float]:
    """Make a clock that stands still."""
    return lambda _: moment


def _write(
    shown: Film | Shown,
    path: Path,
    ending: str,
    chosen: float | None,
    *,
    frame_rate: float | None,
    speed: float,
) -> None:
    """Write what is shown to a file."""
    if ending == ".png":
        write_png(shown, path, shown.still if chosen is None else chosen)
        return
    if chosen is not None:
        raise InvalidArgumentError(
            f"'{path.name}': frame, time and phase choose a still. Choose the ending "
            ".png, or leave them out."
        )
    rate = check_rate(frame_rate, speed, rate=shown.rate, ending=ending)
    times = frame_times(shown.clock, shown.rate, rate, speed=speed)
    (write_gif if ending == ".gif" else write_mp4)(shown, path, times, rate)
