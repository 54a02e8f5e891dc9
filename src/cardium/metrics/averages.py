"""Means in which every patient counts the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def mean_over_patients(
    columns: Mapping[str, NDArray[np.floating[Any]]], patients: NDArray[np.intp]
) -> dict[str, float]:
    """Average each column within every patient, then over the patients.

    Parameters
    ----------
    columns : mapping of str to (N,)
        One number a recording; NaN where it could not be computed.
    patients : (N,) int
        Whose recording it is: numbers from zero, in any order.

    Returns
    -------
    dict of str to float
        One mean a column; NaN if the column has no number at all.

    Notes
    -----
    Recordings of one patient are alike. A plain mean over recordings would let the
    patient with the most recordings weigh the most. A NaN is left out of its
    patient's mean, and a patient without a number out of the mean over patients.

    Examples
    --------
    >>> scores = {"dice": np.array([0.8, 0.6, 0.9])}
    >>> mean = mean_over_patients(scores, np.array([0, 0, 1]))
    >>> round(mean["dice"], 6)  # (0.7 + 0.9) / 2
    0.8
    """
    return {
        name: _mean_of_means(np.asarray(column, np.float64), patients)
        for name, column in columns.items()
    }


def _mean_of_means(column: NDArray[np.float64], patients: NDArray[np.intp]) -> float:
    """Average within, then over, the patients that have a number."""
    there = ~np.isnan(column)
    count = np.bincount(patients[there])
    total = np.bincount(patients[there], weights=column[there])
    counted = count > 0
    return float(np.mean(total[counted] / count[counted])) if counted.any() else np.nan
