"""Several recordings in one picture, synchronised by time or by cardiac phase."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Recording
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.plot._film.canvas import Picture, blank
from cardium.plot._film.film import Film
from cardium.plot.style import DARK

_GAP = 8  # px
_FASTEST = 60.0  # Hz

Clock = Callable[[float], float]
"""From a time of the board to a time of a recording [s]."""


@dataclass(frozen=True)
class Board:
    """Films in rows and columns, each on a clock of its own.

    Parameters
    ----------
    films : tuple of Film
        What is shown.
    clocks : tuple of function
        From the board's time, which begins at 0, to that of each film [s].
    clock : (T,) [s]
        Times of the frames.
    rate : float [Hz]
        Frames a second.
    still : float [s]
        Time of the frame that stands for all.
    """

    films: tuple[Film, ...]
    clocks: tuple[Clock, ...]
    clock: FloatArray
    rate: float
    still: float = 0.0

    @property
    def columns(self) -> int:
        """Films side by side."""
        count = len(self.films)
        return count if count <= 3 else math.ceil(math.sqrt(count))

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the picture [px]; both even, as those of the films."""
        down, across = self._rooms()
        rows = sum(down) + _GAP * (len(down) - 1)
        return rows, sum(across) + _GAP * (len(across) - 1)

    def draw(self, time: float) -> Picture:
        """Draw the picture of a time [s], (H, W, 3) uint8."""
        picture = blank(*self.size, DARK)
        down, across = self._rooms()
        for k, (film, clock) in enumerate(zip(self.films, self.clocks, strict=True)):
            row, column = divmod(k, self.columns)
            top = sum(down[:row]) + row * _GAP
            left = sum(across[:column]) + column * _GAP
            left += (across[column] - film.size[1]) // 2
            part = picture[top : top + film.size[0], left : left + film.size[1]]
            film.paint(part, clock(time))
        return picture

    def _rooms(self) -> tuple[list[int], list[int]]:
        """Return the height of each row and the width of each column [px]."""
        sizes = [film.size for film in self.films]
        each = self.columns
        down = [max(s[0] for s in sizes[k : k + each])
                for k in range(0, len(sizes), each)]  # fmt: skip
        across = [max(s[1] for s in sizes[k::each]) for k in range(each)]
        return down, across


def open_board(
    recordings: Sequence[Recording], films: Sequence[Film], *, sync: str
) -> Board:
    """Put films on one clock.

    Parameters
    ----------
    recordings : sequence of Recording
        Where the films come from; their R peaks are used.
    films : sequence of Film
        One a recording.
    sync : {"time", "phase"}
        See `cardium.plot.write_panels`.

    Returns
    -------
    Board

    Raises
    ------
    InvalidArgumentError
        If there is nothing to show, or `sync` is not known.
    NotProvidedError
        If phases are asked for and a recording has no whole beat.
    """
    if not films:
        raise InvalidArgumentError("Panels: there is no recording to show.")
    rate = min(max(film.rate for film in films), _FASTEST)
    if sync == "time":
        length = max(float(f.clock[-1] - f.clock[0]) for f in films)
        clocks: tuple[Clock, ...] = tuple(_since_start(film) for film in films)
    elif sync == "phase":
        beats = [
            whole_beats_of(r, f.clock) for r, f in zip(recordings, films, strict=True)
        ]
        length = sum(stop - start for start, stop in beats[0]) - 1 / rate
        clocks = tuple(_by_phase(beats[0], own) for own in beats)
    else:
        raise InvalidArgumentError(
            f"Panels: sync must be 'time' or 'phase', got '{sync}'."
        )
    times = np.arange(int(length * rate + 1e-6) + 1) / rate
    return Board(tuple(films), clocks, times, rate)


def whole_beats_of(
    recording: Recording, clock: FloatArray
) -> tuple[tuple[float, float], ...]:
    """Return the beats that the frames of a recording cover, (start, stop) [s].

    Raises
    ------
    NotProvidedError
        If there is none, or it has no R peaks.
    """
    from cardium.measure.timing import whole_beats
    from cardium.signal.beats import r_peaks

    peaks, _ = r_peaks(recording)
    beats = whole_beats(peaks, clock)
    if not beats:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}': its frames, {clock[0]:.3f} to "
            f"{clock[-1]:.3f} s, cover no whole beat; there are {len(peaks)} R peaks, "
            "so it has no cardiac phase."
        )
    return beats


def phase_time(recording: Recording, clock: FloatArray, phase: float) -> float:
    """Return the time of a phase of the first whole beat [s].

    Parameters
    ----------
    recording : Recording
        With R peaks or an ECG.
    clock : (T,) [s]
        Times of the frames.
    phase : float
        0 at the R peak, 1 at the next.

    Returns
    -------
    float [s]

    Raises
    ------
    InvalidArgumentError
        If the phase does not lie between 0 and 1.
    NotProvidedError
        If there is no whole beat.
    """
    if not 0 <= phase <= 1:
        raise InvalidArgumentError(f"A phase lies between 0 and 1, got {phase:g}.")
    start, stop = whole_beats_of(recording, clock)[0]
    return start + phase * (stop - start)


def _since_start(film: Film) -> Clock:
    """Count from the first frame; the last one stays."""
    first, last = float(film.clock[0]), float(film.clock[-1])
    return lambda time: min(first + time, last)


def _by_phase(
    lead: Sequence[tuple[float, float]], own: Sequence[tuple[float, float]]
) -> Clock:
    """Follow the phase of the leading recording, beat after beat, and begin again."""
    lengths = np.array([stop - start for start, stop in lead])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])

    def at(time: float) -> float:
        beat = int(
            np.clip(np.searchsorted(starts, time, "right") - 1, 0, len(lead) - 1)
        )
        phase = min(max((time - starts[beat]) / lengths[beat], 0.0), 1.0)
        start, stop = own[beat % len(own)]
        return float(start + phase * (stop - start))

    return at
