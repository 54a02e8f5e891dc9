"""From rows to numbers: means over folds, intervals by patient, paired differences."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cardium.bench.rows import Row
from cardium.core import FloatArray
from cardium.evaluate import Estimate, bootstrap_intervals
from cardium.metrics import mean_over_patients

Place = tuple[str, str, str]
"""Task, model and domain: a line of a table and the columns of a task."""


@dataclass(frozen=True, slots=True)
class FoldMean:
    """A number over folds.

    Parameters
    ----------
    mean : float
        Over the folds.
    sd : float
        Between them, with n - 1; NaN of a single one.
    folds : int
        How many there are.
    """

    mean: float
    sd: float
    folds: int


def published_folds(rows: Iterable[Row], metric: str) -> dict[int, float]:
    """Average a published metric in each fold: over batches, then over seeds.

    Parameters
    ----------
    rows : iterable of Row
        Of one task, model and domain.
    metric : str
        Which.

    Returns
    -------
    dict of int to float
        One mean a fold. Every batch counts the same, as in the paper's code; those
        that have no number are left out.

    Examples
    --------
    >>> def row(fold, batch, value):
    ...     of = ("t", "m", "d", fold, 0, "published", batch, ("r",), ("p",))
    ...     return Row(*of, "loss", value)
    >>> published_folds([row(0, 0, 1.0), row(0, 1, 3.0), row(1, 0, 5.0)], "loss")
    {0: 2.0, 1: 5.0}
    """
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for row in rows:
        if row.protocol == "published" and row.metric == metric:
            found[row.fold, row.seed].append(row.value)
    return _over_seeds({where: _mean(values) for where, values in found.items()})


def corrected_folds(rows: Iterable[Row], metric: str) -> dict[int, float]:
    """Average a corrected metric in each fold: by patient, patients, then seeds.

    Parameters
    ----------
    rows : iterable of Row
        Of one task, model and domain.
    metric : str
        Which.

    Returns
    -------
    dict of int to float
        One mean a fold, in which every patient counts the same.

    Examples
    --------
    >>> def row(patient, value):
    ...     of = ("t", "m", "d", 0, 0, "corrected", 0, ("r",), (patient,))
    ...     return Row(*of, "error", value)
    >>> corrected_folds([row("a", 1.0), row("a", 2.0), row("b", 4.5)], "error")
    {0: 3.0}
    """
    found: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        if row.protocol == "corrected" and row.metric == metric:
            found[row.fold, row.seed].append(row)
    means = {}
    for where, some in found.items():
        values, patients = _values(some), _patients(some)
        number = np.unique(patients, return_inverse=True)[1].astype(np.intp)
        means[where] = mean_over_patients({"it": values}, number)["it"]
    return _over_seeds(means)


def over_folds(values: Mapping[int, float]) -> FoldMean:
    """Average over folds, with the standard deviation between them.

    Parameters
    ----------
    values : mapping of int to float
        One number a fold; NaN where there is none.

    Returns
    -------
    FoldMean
        Of the folds that have one.

    Examples
    --------
    >>> over_folds({0: 1.0, 1: 2.0, 2: 3.0})
    FoldMean(mean=2.0, sd=1.0, folds=3)
    """
    there = [value for value in values.values() if not math.isnan(value)]
    sd = float(np.std(there, ddof=1)) if len(there) > 1 else math.nan
    return FoldMean(_mean(there), sd, len(there))


def pooled(
    rows: Iterable[Row], metrics: Sequence[str], *, draws: int
) -> dict[str, Estimate]:
    """Average corrected metrics over the patients of all folds, with intervals.

    Parameters
    ----------
    rows : iterable of Row
        Of one task, model and domain.
    metrics : sequence of str
        Which.
    draws : int
        Bootstrap draws of the patients; 0 for no intervals.

    Returns
    -------
    dict of str to Estimate
        Each patient is scored in one fold alone, so all of them are one sample.

    Examples
    --------
    >>> def row(fold, patient, value):
    ...     of = ("t", "m", "d", fold, 0, "corrected", 0, (patient,), (patient,))
    ...     return Row(*of, "error", value)
    >>> rows = [row(0, "a", 1.0), row(0, "b", 2.0), row(1, "c", 6.0)]
    >>> pooled(rows, ["error"], draws=0)["error"].value  # of folds it would be 3.75
    3.0
    """
    by_metric = [(metric, _by_recording(rows, metric)) for metric in metrics]
    found: dict[str, Estimate] = {}
    for metric, values in by_metric:
        if values:
            found |= _interval(metric, values, draws)
    return found


def differences(
    rows: Iterable[Row], reference: Iterable[Row], metric: str, *, draws: int
) -> Estimate | None:
    """Estimate how much a model differs from another on the recordings of both.

    Parameters
    ----------
    rows, reference : iterable of Row
        Of one task and domain, and of a model each.
    metric : str
        A corrected metric.
    draws : int
        Bootstrap draws of the patients.

    Returns
    -------
    Estimate or None
        The model less the reference, mean within patients, then over them; None if
        they share no recording. Paired: what is hard for both cancels.

    Examples
    --------
    >>> def row(patient, value):
    ...     of = ("t", "m", "d", 0, 0, "corrected", 0, (patient,), (patient,))
    ...     return Row(*of, "error", value)
    >>> one, other = [row("a", 3.0), row("b", 9.0)], [row("a", 2.5), row("b", 8.5)]
    >>> found = differences(one, other, "error", draws=100)
    >>> found.value, found.low, found.high
    (0.5, 0.5, 0.5)
    """
    ours, theirs = _by_recording(rows, metric), _by_recording(reference, metric)
    both = {
        name: (patient, value - theirs[name][1])
        for name, (patient, value) in ours.items()
        if name in theirs
    }
    return _interval(metric, both, draws)[metric] if both else None


def _by_recording(rows: Iterable[Row], metric: str) -> dict[str, tuple[str, float]]:
    """Return whose each recording is, and its corrected score, averaged over seeds."""
    patient: dict[str, str] = {}
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.protocol == "corrected" and row.metric == metric:
            name = row.recordings[0]
            patient[name] = row.patients[0]
            values[name].append(row.value)
    return {name: (patient[name], _mean(some)) for name, some in values.items()}


def _interval(
    metric: str, values: Mapping[str, tuple[str, float]], draws: int
) -> dict[str, Estimate]:
    """Average over recordings by patient, with an interval."""
    patients = [patient for patient, _ in values.values()]
    column = np.array([value for _, value in values.values()])
    return bootstrap_intervals(
        {metric: column}, patients, mean_over_patients, draws=draws
    )


def _over_seeds(values: Mapping[tuple[int, int], float]) -> dict[int, float]:
    """Average the seeds of each fold."""
    folds = sorted({fold for fold, _ in values})
    return {
        fold: _mean([value for (one, _), value in values.items() if one == fold])
        for fold in folds
    }


def _mean(values: Iterable[float]) -> float:
    """Average the numbers there are; NaN if there are none."""
    there = [value for value in values if not math.isnan(value)]
    return float(np.mean(there)) if there else math.nan


def _values(rows: Sequence[Row]) -> FloatArray:
    """Return the values of rows."""
    return np.array([row.value for row in rows], np.float64)


def _patients(rows: Sequence[Row]) -> list[str]:
    """Return whose rows they are."""
    return [row.patients[0] for row in rows]
