"""R peaks of an ECG that is still coming in."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.signal import find_r_peaks

_LONGEST_BRIDGE = 0.05
_INTERVALS = 10
_EDGE = 0.15
"""A wave that is cut off by a gap looks steep: nothing is reported so close to one."""


class RPeak(NamedTuple):
    """An R peak and the heart rate after it.

    Parameters
    ----------
    place : int
        Number of its sample, from the first that was ever pushed.
    heart_rate : float [beats/min]
        See `RPeakDetector.heart_rate`.
    """

    place: int
    heart_rate: float


class RPeakDetector:
    """Finds R peaks in the last seconds, and reports each of them once.

    Parameters
    ----------
    rate : float [Hz]
        Samples a second.
    window : float [s]
        How much of the past is looked at, again at each call.
    delay : float [s]
        How old a peak must be to be reported: long enough for the whole QRS complex
        and the start of the ST segment to be there.
    warm_up : float [s]
        How much there must be before anything is reported, at the start and after a
        gap; then the peaks in it are.
    refractory : float [s]
        No two peaks are closer.

    Raises
    ------
    InvalidArgumentError
        If the times do not fit in each other.

    Notes
    -----
    The detector is `cardium.signal.find_r_peaks`, run on the window each time samples
    are added: what is found while it streams is what is found in the file, but for
    peaks that only what follows would reveal. A gap up to 0.05 s is bridged for the
    search alone; after a longer one the past is forgotten, no interval goes over it,
    and nothing is reported in its first 0.15 s.

    Examples
    --------
    >>> time = np.arange(0, 6, 1 / 250)
    >>> trace = np.exp(-((((time - 0.4) % 0.8 - 0.4) / 0.012) ** 2))
    >>> detector = RPeakDetector(250.0)
    >>> found = [p for part in np.split(trace, 60) for p in detector.push(part)]
    >>> [peak.place for peak in found], round(detector.heart_rate, 1)
    ([200, 400, 600, 800, 1000, 1200, 1400], 75.0)
    """

    def __init__(
        self,
        rate: float,
        *,
        window: float = 10.0,
        delay: float = 0.3,
        warm_up: float = 2.0,
        refractory: float = 0.25,
    ) -> None:
        if not 0 < delay < warm_up <= window or refractory <= 0 or rate <= 0:
            raise InvalidArgumentError(
                "The detector needs delay < warm_up <= window, all positive, got "
                f"{delay:g}, {warm_up:g} and {window:g} s at {rate:g} Hz."
            )
        self.rate = rate
        self._length = round(window * rate)
        self._delay = round(delay * rate)
        self._warm_up = round(warm_up * rate)
        self._refractory = round(refractory * rate)
        self._edge = round(_EDGE * rate)
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._count = 0
        self._start = 0
        self._last: int | None = None
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)

    @property
    def count(self) -> int:
        """Samples so far, with those that were missing."""
        return self._count

    @property
    def heart_rate(self) -> float:
        """From the median of the last ten intervals [beats/min]; NaN before two."""
        if not self._intervals:
            return float("nan")
        return 60 * self.rate / float(np.median(self._intervals))

    def skip(self, missing: int) -> None:
        """Pass over samples that are not there.

        Parameters
        ----------
        missing : int
            How many; with 0 the signal does not go on where it was, and the past is
            forgotten as well.
        """
        self._count += missing
        if 0 < missing <= _LONGEST_BRIDGE * self.rate:
            self._extend(np.full(missing, np.nan, np.float32))
            return
        self._values, self._start = self._values[:0], self._count
        self._last = None
        self._intervals.clear()

    def push(self, values: NDArray[np.floating]) -> list[RPeak]:
        """Add samples, and return the peaks that have become certain.

        Parameters
        ----------
        values : (N,) [mV]
            What follows on the samples before.

        Returns
        -------
        list of RPeak
            In the order of time.
        """
        self._count += len(values)
        self._extend(np.asarray(values, np.float32))
        if self._count - self._start < self._warm_up:
            return []
        confirmed = []
        for place in self._search():
            if place > self._count - 1 - self._delay:
                break
            if place < self._start + self._edge:
                continue
            if self._last is not None:
                if place < self._last + self._refractory:
                    continue
                self._intervals.append(place - self._last)
            self._last = place
            confirmed.append(RPeak(place, self.heart_rate))
        return confirmed

    def _extend(self, values: NDArray[np.float32]) -> None:
        """Keep the last seconds."""
        self._values = np.concatenate([self._values, values])[-self._length :]

    def _search(self) -> list[int]:
        """Find the peaks of the window."""
        time: FloatArray = np.arange(len(self._values)) / self.rate
        found = find_r_peaks(Stream("ecg", self._values, time, ("time",), "mV"))
        first = self._count - len(self._values)
        return [first + round(float(at) * self.rate) for at in found]
