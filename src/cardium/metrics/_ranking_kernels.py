"""Compiled loops over ranked scores, and over records at many thresholds."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray


@njit(cache=True, nogil=True, error_model="numpy")
def rank(
    descending: FloatArray,
    truth: NDArray[np.bool_],
    order: NDArray[np.intp],
    areas: FloatArray,
    precisions: FloatArray,
) -> None:
    """Sum areas and precisions of classes (C, N) over their distinct scores.

    Hits and alarms are counted at the last of equal scores, so ties count half. Areas
    are sums of halves of whole numbers, which are exact.
    """
    classes, count = descending.shape
    for k in range(classes):
        value, is_true, by = descending[k], truth[k], order[k]
        hits, alarms, area, precision = 0, 0, 0.0, 0.0
        before, alarms_before = 0, 0
        for n in range(count):
            if is_true[by[n]]:
                hits += 1
            else:
                alarms += 1
            if n + 1 == count or value[by[n + 1]] != value[by[n]]:
                area += (alarms - alarms_before) * (hits + before) / 2
                precision += (hits - before) * (hits / (hits + alarms))
                before, alarms_before = hits, alarms
        areas[k] = area / (float(hits) * alarms) if hits and alarms else np.nan
        precisions[k] = precision / hits if hits else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def shares_above(
    probability: FloatArray,
    truth: NDArray[np.bool_],
    thresholds: FloatArray,
    precision: FloatArray,
    recall: FloatArray,
    answered: NDArray[np.int64],
) -> int:
    """Add up precision and recall of records (N, C) at each threshold.

    Returns how many records have a true class; `answered` counts, for each threshold,
    the records with at least one prediction.
    """
    records, classes = probability.shape
    steps = len(thresholds)
    predicted_at, hits_at = np.zeros(steps + 1), np.zeros(steps + 1)
    stated = 0
    for n in range(records):
        predicted_at[:] = 0
        hits_at[:] = 0
        true = 0
        for c in range(classes):
            # the class is predicted at the first `below` thresholds: a guess, mended
            p = probability[n, c]
            below = min(max(int(np.ceil(p * (steps - 1))), 0), steps)
            while below > 0 and thresholds[below - 1] >= p:
                below -= 1
            while below < steps and thresholds[below] < p:
                below += 1
            predicted_at[below] += 1
            if truth[n, c]:
                hits_at[below] += 1
                true += 1
        stated += true > 0
        predicted, hits = 0.0, 0.0
        for i in range(steps - 1, -1, -1):
            predicted += predicted_at[i + 1]
            hits += hits_at[i + 1]
            if predicted:
                precision[i] += hits / predicted
                answered[i] += 1
            if true:
                recall[i] += hits / true
    return stated
