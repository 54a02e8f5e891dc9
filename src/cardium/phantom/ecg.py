"""Electrocardiograms in closed form, with R peaks exactly where they are wanted."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom._ecg_waves import (
    NORMAL,
    Pattern,
    Wave,
    ectopic_waves,
    fibrillation_leads,
    sinus_waves,
)
from cardium.phantom.rhythm import Rhythm

LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""Names of the leads, in the order of `ecg_12_lead`."""


def ecg_trace(time: FloatArray, beats: FloatArray | Rhythm) -> FloatArray:
    """Single-lead electrocardiogram with R peaks at given times.

    Parameters
    ----------
    time : (T,) [s]
        Sample times.
    beats : (K,) [s] or Rhythm
        Times of the R peaks, ascending, two at least; or the beats with their kinds.
        Before the first and after the last, beats like these follow.

    Returns
    -------
    trace : (T,) [mV]
        Lead II of `ecg_12_lead`.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two R times, or they do not ascend.

    Examples
    --------
    >>> time = np.arange(1000) / 500
    >>> trace = ecg_trace(time, np.array([0.4, 1.2]))
    >>> time[:500][trace[:500].argmax()], round(float(trace.max()), 1)
    (np.float64(0.4), 1.1)
    """
    return _independent_leads(time, beats, NORMAL)[:, 1]


def ecg_12_lead(
    time: FloatArray, beats: FloatArray | Rhythm, *, pattern: Pattern = NORMAL
) -> FloatArray:
    """Twelve-lead electrocardiogram with R peaks at given times.

    Parameters
    ----------
    time : (T,) [s]
        Sample times.
    beats : (K,) [s] or Rhythm
        Times of the R peaks, ascending, two at least; or the beats with their kinds.
        Before the first and after the last, beats like these follow.
    pattern : Pattern
        Axis, voltage, intervals and disease.

    Returns
    -------
    leads : (T, 12) [mV]
        In the order of `LEADS`.

    Raises
    ------
    InvalidArgumentError
        If there are fewer than two R times, or they do not ascend.

    Notes
    -----
    Each wave is ``a (1 - u^2)^3`` for ``|u| < 1`` and nothing elsewhere, u being the
    time from its peak over its half duration: smooth, and with a beginning and an end
    that are exact. At an R time the main wave of the QRS complex has its peak and the
    others are flat and zero, so R is where it should be in every lead that has one.

    Of the limb leads, I and II are given; the others follow from them by definition
    (Einthoven; Goldberger): III = II - I, AVR = -(I + II) / 2, AVL = I - II / 2,
    AVF = II - I / 2.

    The interval from Q to T goes with the square root of the interval before the beat
    (Bazett 1920). A fibrillating beat has no P wave; between such beats the baseline
    has sawtooth-like waves of 4 to 9 Hz whose frequency and size wander (Stridh and
    Sörnmo, IEEE Trans. Biomed. Eng. 48, 2001). An ectopic beat has no P wave, a QRS
    complex of 160 ms and a T wave against it.

    Examples
    --------
    >>> time, peaks = np.arange(1000) / 500, np.array([0.4, 1.2])
    >>> level = Pattern(axis_degrees=0.0)
    >>> leads = dict(zip(LEADS, ecg_12_lead(time, peaks, pattern=level).T))
    >>> bool(np.allclose(leads["II"], leads["I"] + leads["III"]))
    True
    >>> [round(float(leads[name].max()), 2) for name in ("I", "II")]
    [1.1, 0.55]
    """
    return complete_leads(_independent_leads(time, beats, pattern))


def complete_leads(independent: FloatArray) -> FloatArray:
    """Add the limb leads that follow by definition from I and II.

    Parameters
    ----------
    independent : (T, 8) [mV]
        I, II and V1 to V6.

    Returns
    -------
    leads : (T, 12) [mV]
        In the order of `LEADS`.

    Examples
    --------
    With 1 mV in I and 0.5 mV in II, III is 0.5 - 1 and AVR is -(1 + 0.5) / 2.

    >>> leads = complete_leads(np.array([[1.0, 0.5, 0, 0, 0, 0, 0, 0]]))
    >>> dict(zip(LEADS[:6], leads[0, :6].tolist()))
    {'I': 1.0, 'II': 0.5, 'III': -0.5, 'AVR': -0.75, 'AVL': 0.75, 'AVF': 0.0}
    """
    one, two = independent[:, 0], independent[:, 1]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.column_stack([*limb, independent[:, 2:]])


def _independent_leads(
    time: FloatArray, beats: FloatArray | Rhythm, pattern: Pattern
) -> NDArray[np.float64]:
    """Leads I, II and V1 to V6, (T, 8) [mV]."""
    time = np.asarray(time, float)
    rhythm = beats if isinstance(beats, Rhythm) else _sinus(beats)
    leads = np.zeros((len(time), 8))
    if not len(time):
        return leads
    sinus, ectopic = sinus_waves(pattern), ectopic_waves(pattern)
    for r, before, kind in _around(rhythm, float(time.min()), float(time.max())):
        for wave in ectopic if kind == "ectopic" else sinus:
            if kind == "sinus" or not wave.atrial:
                _add(leads, time, wave, r, math.sqrt(before))
    if "fibrillating" in rhythm.kinds:
        leads += _fibrillation(time, pattern.fibrillation_hz)
    return leads


def _sinus(r_times: FloatArray) -> Rhythm:
    """Take bare R times for sinus beats."""
    r_times = np.asarray(r_times, float)
    if r_times.ndim != 1 or len(r_times) < 2 or (np.diff(r_times) <= 0).any():
        raise InvalidArgumentError(
            f"ECG: R times must be two or more that ascend, got {r_times}."
        )
    return Rhythm(r_times, ("sinus",) * len(r_times))


def _around(rhythm: Rhythm, start: float, end: float) -> list[tuple[float, float, str]]:
    """R time, interval before and kind of all beats that reach into a span [s]."""
    times, kinds = rhythm.r_times, list(rhythm.kinds)
    first, last = times[1] - times[0], times[-1] - times[-2]
    ahead = max(math.ceil((times[0] - start) / first) + 1, 1)
    behind = max(math.ceil((end - times[-1]) / last) + 1, 1)
    times = np.concatenate(
        [
            times[0] - first * np.arange(ahead, 0, -1),
            times,
            times[-1] + last * np.arange(1, behind + 1),
        ]
    )
    kinds = [_filler(kinds[0])] * ahead + kinds + [_filler(kinds[-1])] * behind
    intervals = np.append(first, np.diff(times))
    return list(zip(times.tolist(), intervals.tolist(), kinds, strict=True))


def _filler(kind: str) -> str:
    """Kind of the beats beyond a beat: an ectopic beat is not repeated."""
    return "sinus" if kind == "ectopic" else kind


def _add(
    leads: FloatArray, time: FloatArray, wave: Wave, r: float, stretch: float
) -> None:
    """Add one wave of one beat to the leads, in place."""
    scale = stretch if wave.with_rate else 1.0
    peak = r + scale * wave.peak
    rise, fall = scale * wave.rise, scale * wave.fall
    first, last = np.searchsorted(time, [peak - rise, peak + fall])
    away = time[first:last] - peak
    u = away / np.where(away < 0, rise, fall)
    leads[first:last] += ((1 - u**2) ** 3)[:, None] * np.array(wave.leads)


def _fibrillation(time: FloatArray, frequency: float) -> FloatArray:
    """Waves of fibrillating atria on eight leads, (T, 8) [mV]."""
    leads = np.zeros((len(time), 8))
    for source, weights in enumerate(fibrillation_leads()):
        # Two sources that drift against each other, as the two atria do.
        phase = 2 * math.pi * (frequency * (1 + 0.07 * source)) * time
        phase = phase + 1.6 * np.sin(2 * math.pi * 0.31 * time + 2.0 * source)
        size = 1 + 0.35 * np.sin(2 * math.pi * 0.23 * time + 1.0 + 2.4 * source)
        saw = sum(np.sin(k * phase) / k for k in (1, 2, 3)) * size
        leads += saw[:, None] * np.array(weights)
    return leads
