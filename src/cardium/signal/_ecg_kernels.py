"""Compiled steps of the detector of QRS complexes.

Candidates are the tops of the envelope of a band-passed trace. All arrays about them
are parallel: `at` (sample), `score` (how much each stands out) and `kept`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray

Places = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SHARE = 1.3  # of an RR interval: two beats this near leave no room for a third
_WEAK = 0.6  # of the usual score
_LATE = 1.5  # RR intervals without a beat: one is looked for again
_AGAIN = 0.1  # of the way from what is no beat to what is one
_LEAST = 0.12  # of the usual score
_T_WAVE = 0.3  # of the score of the complex before it
_NEIGHBOURS = 8  # intervals on either side whose median is the usual one


@njit(cache=True, nogil=True)
def envelope(trace: FloatArray, half: int) -> FloatArray:
    """Root mean square over ``2 half + 1`` samples; nothing lies beyond the ends."""
    count = len(trace)
    out = np.empty(count)
    total = 0.0
    for i in range(min(half, count)):
        total += trace[i] * trace[i]
    for i in range(count):
        if i + half < count:
            total += trace[i + half] * trace[i + half]
        if i > half:
            total -= trace[i - half - 1] * trace[i - half - 1]
        out[i] = np.sqrt(max(total, 0.0) / (2 * half + 1))
    return out


@njit(cache=True, nogil=True)
def moving_mean(values: FloatArray, half: int) -> FloatArray:
    """Mean over ``2 half + 1`` samples, of fewer at the ends."""
    count = len(values)
    total = np.zeros(count + 1)
    for i in range(count):
        total[i + 1] = total[i] + values[i]
    out = np.empty(count)
    for i in range(count):
        first, stop = max(i - half, 0), min(i + half + 1, count)
        out[i] = (total[stop] - total[first]) / (stop - first)
    return out


@njit(cache=True, nogil=True)
def find_tops(values: FloatArray, reach: int) -> Places:
    """Find the samples that are positive and the largest within a reach."""
    count = len(values)
    found = np.empty(count // (reach + 1) + 2, np.int64)
    size, i = 0, 0
    while i < count:
        here, following = values[i], i + 1
        largest = here > 0
        for j in range(i + 1, min(count, i + reach + 1)):
            if values[j] > here:
                largest, following = False, j
                break
        if largest:
            for j in range(max(0, i - reach), i):
                if values[j] >= here:
                    largest = False
                    break
        if largest:
            found[size] = i
            size, following = size + 1, i + reach + 1
        i = following
    return found[:size]


@njit(cache=True, nogil=True)
def choose(
    at: Places,
    score: FloatArray,
    level: FloatArray,
    reach: int,
    refractory: int,
    t_wave: int,
) -> Flags:
    """Say which candidates are QRS complexes; `level` is a first guess at a beat's."""
    kept = score > 0.3 * level
    beat, rest = level.copy(), np.zeros(len(at))
    for _ in range(3):
        beat, rest = _levels(at, score, kept, level, reach)
        for i in range(len(at)):
            # Half-way between the two on a scale of ratios: noise raises it.
            kept[i] = score[i] >= max(np.sqrt(beat[i] * rest[i]), _LEAST * beat[i])
    _thin(at, score, kept, refractory)
    _drop_t_waves(at, score, kept, t_wave)
    _drop_squeezed(at, score, kept, beat)
    for _ in range(3):
        if not _search_back(at, score, kept, beat, rest, refractory, t_wave):
            break
    return kept


@njit(cache=True, nogil=True)
def climb(
    trace: FloatArray, first: Places, stop: Places, refractory: int, margin: int
) -> Places:
    """Find the top of each stretch of a trace; of two that meet, keep the higher.

    A top at an end of the trace is a complex that was cut off.
    """
    tops = np.empty(len(first), np.int64)
    size = 0
    for k in range(len(first)):
        if stop[k] <= first[k]:
            continue
        top = first[k]
        for i in range(first[k] + 1, stop[k]):
            if trace[i] > trace[top]:
                top = i
        if top < margin or top >= len(trace) - margin:
            continue
        if size and top - tops[size - 1] < refractory:
            if trace[top] > trace[tops[size - 1]]:
                tops[size - 1] = top
        else:
            tops[size] = top
            size += 1
    return tops[:size]


@njit(cache=True, nogil=True)
def _levels(
    at: Places, score: FloatArray, kept: Flags, level: FloatArray, reach: int
) -> tuple[FloatArray, FloatArray]:
    """Median score of what is kept, and of the rest, around each candidate."""
    count = len(at)
    beat, rest = np.empty(count), np.empty(count)
    ours, others = np.empty(count), np.empty(count)
    first, stop = 0, 0
    for i in range(count):
        while at[first] < at[i] - reach:
            first += 1
        while stop < count and at[stop] <= at[i] + reach:
            stop += 1
        m, n = 0, 0
        for j in range(first, stop):
            if kept[j]:
                ours[m] = score[j]
                m += 1
            else:
                others[n] = score[j]
                n += 1
        beat[i] = np.median(ours[:m]) if m else level[i]
        rest[i] = np.median(others[:n]) if n else 0.0
    return beat, rest


@njit(cache=True, nogil=True)
def _thin(at: Places, score: FloatArray, kept: Flags, refractory: int) -> None:
    """Of complexes too near to each other, keep the one that stands out most."""
    for i in np.argsort(-score):
        if not kept[i]:
            continue
        j = i + 1
        while j < len(at) and at[j] - at[i] < refractory:
            kept[j] = False
            j += 1
        j = i - 1
        while j >= 0 and at[i] - at[j] < refractory:
            kept[j] = False
            j -= 1


@njit(cache=True, nogil=True)
def _drop_t_waves(at: Places, score: FloatArray, kept: Flags, t_wave: int) -> None:
    """Drop what follows a complex soon and stands out far less."""
    last = -1
    for i in range(len(at)):
        if not kept[i]:
            continue
        soon = last >= 0 and at[i] - at[last] < t_wave
        if soon and score[i] < _T_WAVE * score[last]:
            kept[i] = False
        else:
            last = i


@njit(cache=True, nogil=True)
def _usual(rr: FloatArray, k: int) -> float:
    """Return the median of the intervals around one."""
    around = rr[max(0, k - _NEIGHBOURS) : k + _NEIGHBOURS + 1]
    return float(np.median(around))


@njit(cache=True, nogil=True)
def _drop_squeezed(
    at: Places, score: FloatArray, kept: Flags, beat: FloatArray
) -> None:
    """Drop weak complexes between two that are hardly more than an RR apart."""
    dropped = True
    while dropped:
        dropped = False
        index = np.flatnonzero(kept)
        if len(index) < 5:
            return
        rr = np.diff(at[index]).astype(np.float64)
        for k in range(1, len(index) - 1):
            i = index[k]
            if score[i] >= _WEAK * beat[i] or not kept[index[k - 1]]:
                continue
            if at[index[k + 1]] - at[index[k - 1]] < _SHARE * _usual(rr, k):
                kept[i] = False
                dropped = True


@njit(cache=True, nogil=True)
def _search_back(
    at: Places,
    score: FloatArray,
    kept: Flags,
    beat: FloatArray,
    rest: FloatArray,
    refractory: int,
    t_wave: int,
) -> bool:
    """Where a beat is overdue, take the candidate that stands out most."""
    index = np.flatnonzero(kept)
    found = False
    if len(index) < 3:
        return found
    rr = np.diff(at[index]).astype(np.float64)
    for k in range(len(rr)):
        before, after = index[k], index[k + 1]
        if rr[k] <= _LATE * _usual(rr, k):
            continue
        best = -1
        for j in range(before + 1, after):
            away = at[j] - at[before]
            if away < refractory or at[after] - at[j] < refractory:
                continue
            if away < t_wave and score[j] < _T_WAVE * score[before]:
                continue
            if best < 0 or score[j] > score[best]:
                best = j
        if best < 0:
            continue
        least = rest[best] + _AGAIN * (beat[best] - rest[best])
        if score[best] >= max(least, _LEAST * beat[best]):
            kept[best] = found = True
    return found
