"""When the heart beats: R times of regular, varying, fibrillating and ectopic beats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import Patient

BEAT_KINDS = ("sinus", "fibrillating", "ectopic")
"""How a beat begins: by the atria in order, by fibrillating atria, in the ventricle."""


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """The beats of a recording.

    Parameters
    ----------
    r_times : (K,) [s]
        Times of the R peaks, ascending, two at least.
    kinds : (K,) tuple of str
        What begins at each R peak, of `BEAT_KINDS`. An ectopic beat has no P wave and
        no atrial kick before it.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend, are fewer than two or not as many as kinds, or a kind
        is unknown.

    Examples
    --------
    >>> Rhythm.regular(60.0, beats=2, first_r=0.1).r_times
    array([0.1, 1.1, 2.1])
    """

    r_times: FloatArray
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        times = np.asarray(self.r_times, float)
        object.__setattr__(self, "r_times", times)
        if times.ndim != 1 or len(times) < 2 or not (np.diff(times) > 0).all():
            raise InvalidArgumentError(
                f"Rhythm: R times must be two or more that ascend, got {times}."
            )
        if len(self.kinds) != len(times) or not set(self.kinds) <= set(BEAT_KINDS):
            raise InvalidArgumentError(
                f"Rhythm: each of the {len(times)} R times needs a kind, one of "
                f"{BEAT_KINDS}, got {self.kinds}."
            )

    @classmethod
    def regular(cls, rate: float, *, beats: int, first_r: float = 0.0) -> Rhythm:
        """Build whole sinus beats at a rate [1/min], the first R peak at a time [s]."""
        times = first_r + 60 / rate * np.arange(beats + 1.0)
        return cls(times, ("sinus",) * len(times))

    @property
    def intervals(self) -> FloatArray:
        """Times from R to R, (K - 1,) [s]."""
        return np.diff(self.r_times)


def draw_rhythm(
    patient: Patient, *, beats: int, first_r: float, rng: np.random.Generator
) -> Rhythm:
    """Draw the beats of a recording.

    Parameters
    ----------
    patient : Patient
        Heart rate, its variability and the rhythm.
    beats : int
        Number of whole beats; with ectopy at least one in four is ectopic if there are
        four or more.
    first_r : float [s]
        Time of the first R peak.
    rng : Generator
        Draws the intervals.

    Returns
    -------
    rhythm : Rhythm
        ``beats + 1`` R peaks.

    Notes
    -----
    Sinus intervals vary with a slow (0.1 Hz) and a respiratory (0.25 Hz) wave, the two
    peaks of the spectrum of heart rate variability, in the ratio of power 1 to 2 that
    ECGSYN uses (McSharry et al. 2003). In atrial fibrillation intervals are drawn one
    by one from a gamma distribution with a coefficient of variation of 0.2. An ectopic
    beat comes after 0.6 of an interval and is followed by a full compensatory pause.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw_rhythm(Patient(), beats=3, first_r=0.1, rng=rng).kinds
    ('sinus', 'sinus', 'sinus', 'sinus')
    """
    mean = 60 / patient.heart_rate
    kinds = ["sinus"] * (beats + 1)
    if patient.rhythm == "atrial_fibrillation":
        shape = 1 / _FIBRILLATION_VARIATION**2
        intervals = rng.gamma(shape, mean / shape, beats)
        intervals = np.clip(intervals, _LEAST_INTERVAL, 2 * mean)
        kinds = ["fibrillating"] * (beats + 1)
    else:
        intervals = _sinus_intervals(mean, patient.rr_deviation, beats, rng)
        if patient.rhythm == "ectopy":
            for early in range(int(rng.integers(1, 3)), beats, _ECTOPIC_EVERY):
                kinds[early] = "ectopic"
                shift = (1 - _PREMATURITY) * intervals[early - 1]
                intervals[early - 1] -= shift
                intervals[early] += shift
    times = first_r + np.concatenate([[0.0], np.cumsum(intervals)])
    return Rhythm(times, tuple(kinds))


_FIBRILLATION_VARIATION = 0.2
_LEAST_INTERVAL = 0.36
_ECTOPIC_EVERY = 4
_PREMATURITY = 0.6


def _sinus_intervals(
    mean: float, deviation: float, beats: int, rng: np.random.Generator
) -> FloatArray:
    """Intervals that vary with blood pressure (0.1 Hz) and breath (0.25 Hz)."""
    at = mean * np.arange(beats)
    slow, breath = rng.uniform(0, 2 * math.pi, 2)
    # Two sines of power 1/3 and 2/3 have together a variance of 1.
    wave = math.sqrt(2 / 3) * np.sin(2 * math.pi * 0.1 * at + slow)
    wave += math.sqrt(4 / 3) * np.sin(2 * math.pi * 0.25 * at + breath)
    intervals: FloatArray = np.maximum(mean + deviation * wave, 0.5 * mean)
    return intervals
