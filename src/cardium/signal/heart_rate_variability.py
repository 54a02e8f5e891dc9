"""Variability of the heart rate: how the intervals between normal beats vary.

Definitions are those of the Task Force of the European Society of Cardiology and the
North American Society of Pacing and Electrophysiology, Circulation 93 (1996).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError, NotProvidedError

NORMAL_BEATS = ("N", "L", "R", "B")
"""Symbols of beats that begin in the sinus node, bundle branch block or not."""

BANDS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"vlf": (0.003, 0.04), "lf": (0.04, 0.15), "hf": (0.15, 0.4)}
)
"""Very low, low and high frequency [Hz]: a band begins at the first, ends below the
second."""


class Intervals(NamedTuple):
    """Normal-to-normal intervals.

    Parameters
    ----------
    times : (N,) [s]
        When each ends.
    nn : (N,) [s]
        How long it is.
    joined : (N,) bool
        Whether it begins where the one before it in this list ends, so that the two
        may be subtracted.
    """

    times: FloatArray
    nn: FloatArray
    joined: NDArray[np.bool_]


def normal_intervals(
    times: ArrayLike,
    labels: Sequence[str] | None = None,
    *,
    normal: Collection[str] = NORMAL_BEATS,
) -> Intervals:
    """Return the intervals between neighbouring beats that are both normal.

    Parameters
    ----------
    times : (K,) [s]
        Times of the R peaks, strictly ascending.
    labels : sequence of str, optional
        What each beat is. If not given, all are normal.
    normal : collection of str
        Labels of normal beats.

    Returns
    -------
    Intervals
        None of them begins or ends with another beat.

    Raises
    ------
    InvalidArgumentError
        If times do not ascend, or there is not one label for each.

    Examples
    --------
    >>> found = normal_intervals([0.0, 0.8, 1.6, 2.0, 3.2, 4.0, 4.8], "NNNVNNN")
    >>> found.nn.round(6).tolist(), found.joined.tolist()
    ([0.8, 0.8, 0.8, 0.8], [False, True, False, True])
    """
    peaks = np.asarray(times, np.float64)
    rr = np.diff(peaks)
    if peaks.ndim != 1 or not np.isfinite(peaks).all() or (rr <= 0).any():
        raise InvalidArgumentError(
            "normal_intervals: times of beats must be finite and strictly ascending, "
            f"got {peaks}."
        )
    if labels is not None and len(labels) != len(peaks):
        raise InvalidArgumentError(
            f"normal_intervals: {len(peaks)} beats but {len(labels)} labels."
        )
    good = np.ones(len(peaks), np.bool_)
    if labels is not None:
        good = np.array([label in normal for label in labels], np.bool_)
    kept = good[1:] & good[:-1]
    joined = kept & np.append(False, kept[:-1])[: len(kept)]
    return Intervals(peaks[1:][kept], rr[kept], joined[kept])


def time_domain(intervals: Intervals) -> dict[str, float]:
    """Compute measures of variability in time.

    Parameters
    ----------
    intervals : Intervals
        Of `normal_intervals`.

    Returns
    -------
    dict of str to float
        ``mean_nn_ms``; ``sdnn_ms``, their standard deviation; ``rmssd_ms``, root mean
        square of differences between neighbours; ``sdsd_ms``, standard deviation of
        these; ``pnn50_percent``, share of them above 50 ms. Deviations are those of a
        sample (N - 1). NaN where there are too few.

    Examples
    --------
    Intervals of 800 and 860 ms in turn: all differences are 60 ms.

    >>> times = np.append(0, np.cumsum(np.tile([0.80, 0.86], 50)))
    >>> found = time_domain(normal_intervals(times))
    >>> {name: round(value, 1) for name, value in found.items()}
    {'mean_nn_ms': 830.0, 'sdnn_ms': 30.2, 'rmssd_ms': 60.0, 'sdsd_ms': 60.3,
     'pnn50_percent': 100.0}
    """
    nn = 1000 * intervals.nn
    steps = _steps(intervals)
    many, some = len(nn) > 1, len(steps) > 0
    nan = float("nan")
    # Times in seconds carry a millionth of a millisecond or so of rounding.
    long = np.abs(steps) > _LONG_STEP + _ROUNDING
    return {
        "mean_nn_ms": float(nn.mean()) if len(nn) else nan,
        "sdnn_ms": float(nn.std(ddof=1)) if many else nan,
        "rmssd_ms": float(np.sqrt(np.mean(steps**2))) if some else nan,
        "sdsd_ms": float(steps.std(ddof=1)) if len(steps) > 1 else nan,
        "pnn50_percent": 100 * float(long.mean()) if some else nan,
    }


def frequency_domain(intervals: Intervals) -> dict[str, float]:
    """Compute the power of the variability in the standard bands.

    Parameters
    ----------
    intervals : Intervals
        Of `normal_intervals`; of two minutes at least for `lf`, five for `vlf` to mean
        anything.

    Returns
    -------
    dict of str to float
        ``vlf_ms2``, ``lf_ms2``, ``hf_ms2``: power in `BANDS`; ``lf_to_hf``;
        ``lf_percent``, share of `lf` in the sum of `lf` and `hf` (normalised units).

    Raises
    ------
    NotProvidedError
        If there are fewer than ten intervals, or they last less than 25 s, one period
        of the lower edge of the low frequencies.

    Notes
    -----
    By the Lomb-Scargle periodogram (Lomb 1976; Scargle 1982), which takes intervals
    when they occur and needs none where beats are not normal. Frequencies are one over
    the span apart. A sinusoid of amplitude a contributes its variance, a^2 / 2, as long
    as there are no gaps; a band has what lies within its edges.

    Examples
    --------
    An interval that varies by 40 ms at 0.1 Hz has 40^2 / 2 = 800 ms^2 there.

    >>> times = [0.0]
    >>> while times[-1] < 300:
    ...     times.append(times[-1] + 0.8 + 0.04 * np.sin(2 * np.pi * 0.1 * times[-1]))
    >>> found = frequency_domain(normal_intervals(times))
    >>> 760 < found["lf_ms2"] < 840, found["hf_ms2"] < 40
    (True, True)
    """
    nn, span = intervals.nn, 0.0
    if len(nn):
        span = float(intervals.times[-1] - intervals.times[0]) + float(nn.mean())
    if len(nn) < _FEWEST or span < _SHORTEST:
        raise NotProvidedError(
            f"Variability in frequency: {len(nn)} normal intervals over {span:.3g} s; "
            f"it takes {_FEWEST} over {_SHORTEST:g} s at least."
        )
    from scipy.signal import lombscargle

    step = 1 / span
    lowest, highest = BANDS["vlf"][0], BANDS["hf"][1]
    first = max(1, int(np.ceil(lowest / step - _ROUNDING)))
    at = step * np.arange(first, int(np.ceil(highest / step)) + 1)
    swing = 1000 * (nn - nn.mean())
    power = lombscargle(intervals.times - intervals.times[0], swing, 2 * np.pi * at)
    # The periodogram of a sinusoid of amplitude a is N a^2 / 4; its variance a^2 / 2.
    power = 2 * np.asarray(power) / len(nn)
    found = {
        f"{name}_ms2": float(power[(at >= low) & (at < high)].sum())
        for name, (low, high) in BANDS.items()
    }
    lf, hf = found["lf_ms2"], found["hf_ms2"]
    nan = float("nan")
    return found | {
        "lf_to_hf": lf / hf if hf > 0 else nan,
        "lf_percent": 100 * lf / (lf + hf) if lf + hf > 0 else nan,
    }


def poincare(intervals: Intervals) -> dict[str, float]:
    """Describe the cloud of each interval against the one before it.

    Parameters
    ----------
    intervals : Intervals
        Of `normal_intervals`.

    Returns
    -------
    dict of str to float
        ``sd1_ms``, its standard deviation across the line of identity, and ``sd2_ms``,
        along it. NaN for fewer than two pairs.

    Notes
    -----
    Standard deviations of ``(y - x) / sqrt(2)`` and ``(y + x) / sqrt(2)`` (Brennan et
    al., IEEE Transactions on Biomedical Engineering 48, 2001); `sd1_ms` is `sdsd_ms`
    over the square root of 2.

    Examples
    --------
    >>> times = np.append(0, np.cumsum(np.tile([0.80, 0.86], 50)))
    >>> found = poincare(normal_intervals(times))
    >>> {name: round(value, 1) for name, value in found.items()}
    {'sd1_ms': 42.6, 'sd2_ms': 0.0}
    """
    y = np.flatnonzero(intervals.joined)
    if len(y) < 2:
        return {"sd1_ms": float("nan"), "sd2_ms": float("nan")}
    now, before = 1000 * intervals.nn[y], 1000 * intervals.nn[y - 1]
    return {
        "sd1_ms": float(np.std(now - before, ddof=1) / np.sqrt(2)),
        "sd2_ms": float(np.std(now + before, ddof=1) / np.sqrt(2)),
    }


def sample_entropy(
    intervals: Intervals, *, length: int = 2, tolerance: float = 0.2
) -> float:
    """Say how hard it is to foresee the next interval.

    Parameters
    ----------
    intervals : Intervals
        Of `normal_intervals`; gaps are not minded.
    length : int
        How many intervals are compared.
    tolerance : float
        How far two intervals that match may be apart, in standard deviations.

    Returns
    -------
    float
        ``-ln(A / B)``: of the pairs of runs of `length` that match, B, those that
        match with one interval more, A. NaN where none do.

    Raises
    ------
    InvalidArgumentError
        If the length or the tolerance is not positive, or there are more than 20,000
        intervals, whose pairs would take minutes.

    Notes
    -----
    Richman and Moorman, American Journal of Physiology 278 (2000). A run does not match
    itself, and both counts are over the same N - length runs.

    Examples
    --------
    >>> times = np.append(0, np.cumsum(np.tile([0.80, 0.86], 50)))
    >>> round(sample_entropy(normal_intervals(times)), 3)
    0.0
    """
    if length < 1 or not tolerance > 0 or len(intervals.nn) > _PAIRED:
        raise InvalidArgumentError(
            f"sample_entropy: the length must be 1 at least, the tolerance positive, "
            f"and there may be {_PAIRED} intervals; got {length}, {tolerance} and "
            f"{len(intervals.nn)}. Take a part of a long recording."
        )
    nn = intervals.nn
    count = len(nn) - length
    if count < 2:
        return float("nan")
    radius = tolerance * float(np.std(nn, ddof=1)) + 1e-12
    runs = np.lib.stride_tricks.sliding_window_view(nn, length)[:count]
    following = nn[length:]
    shorter = longer = 0
    for i in range(count - 1):
        same = (np.abs(runs[i + 1 :] - runs[i]) <= radius).all(axis=1)
        shorter += int(same.sum())
        longer += int((np.abs(following[i + 1 :] - following[i])[same] <= radius).sum())
    return float(np.log(shorter / longer)) if longer else float("nan")


_LONG_STEP = 50.0  # [ms]
_ROUNDING = 1e-6
_FEWEST = 10
_SHORTEST = 25.0
_PAIRED = 20_000


def _steps(intervals: Intervals) -> FloatArray:
    """Differences between neighbouring intervals that share a beat [ms]."""
    y = np.flatnonzero(intervals.joined)
    return np.asarray(1000 * (intervals.nn[y] - intervals.nn[y - 1]), np.float64)
