"""How good decisions are: counts of what was true and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.metrics.classification import (
    ClassMean,
    check_columns,
    divided,
    mean_over_classes,
)

_THRESHOLDS = np.arange(101) / 100


@dataclass(frozen=True, slots=True)
class ClassRates:
    """How well one class is told from all others; NaN where there is no such share.

    Parameters
    ----------
    sensitivity : float
        Share of the class that was answered as it: TP / (TP + FN).
    ppv : float
        Positive predictive value, +P of EC57: TP / (TP + FP).
    false_positive_rate : float
        Share of all others that were answered as the class: FP / (FP + TN).
    f1 : float
        2 TP / (2 TP + FP + FN).
    """

    sensitivity: float
    ppv: float
    false_positive_rate: float
    f1: float


def fmax(probability: NDArray[Any], truth: NDArray[Any]) -> float:
    r"""Return the largest F1 of records over common thresholds, as PTB-XL has it.

    .. math:: F_{max} = \max_t \frac{2 P(t) R(t)}{P(t) + R(t)}

    Parameters
    ----------
    probability : (N, C) [0..1]
        One row a record.
    truth : (N, C) of 0 and 1
        Which classes the record has.

    Returns
    -------
    float
        0 to 1. NaN if there is no record that has a class.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or a probability is not finite.

    Notes
    -----
    The definition of Strodthoff et al., IEEE JBHI 25 (2021), for the thresholds
    t = 0, 0.01, … 1, above which (strictly) a class is predicted. P is the mean over
    the records with at least one prediction of the share of predictions that are true;
    R is the mean over the records with at least one class of the share of classes that
    are predicted. The threshold is the best for the very records that are scored, which
    flatters: F at a threshold fixed beforehand is lower.

    Examples
    --------
    >>> truth = np.array([[1, 1], [1, 0]])
    >>> fmax(np.array([[0.9, 0.8], [0.7, 0.2]]), truth)
    1.0
    >>> round(fmax(np.array([[0.9, 0.1], [0.2, 0.3]]), truth), 6)  # P = 3/4, R = 1
    0.857143
    """
    if probability.shape != truth.shape or probability.ndim != 2:
        raise InvalidArgumentError(
            f"Probabilities {probability.shape} and truths {truth.shape} must both be "
            "(N, C): one row a record, one column a class."
        )
    if not np.isfinite(probability).all():
        raise InvalidArgumentError("Probabilities must be finite.")
    from cardium.metrics._ranking_kernels import shares_above

    shares, recall = np.zeros((2, len(_THRESHOLDS)))
    answered = np.zeros(len(_THRESHOLDS), np.int64)
    stated = shares_above(
        np.ascontiguousarray(probability, np.float64),
        np.ascontiguousarray(truth, np.bool_),
        _THRESHOLDS,
        shares,
        recall,
        answered,
    )
    if not stated:
        return float("nan")
    precision, recall = shares / np.maximum(answered, 1), recall / stated
    f1 = divided(2 * precision * recall, precision + recall)
    return float(np.nan_to_num(f1).max())


def f_beta(
    predicted: NDArray[Any],
    truth: NDArray[Any],
    *,
    classes: Sequence[str],
    beta: float = 1.0,
) -> ClassMean:
    r"""Return the F-measure of each class, and its mean.

    .. math:: F = \frac{(1 + \beta^2) TP}{(1 + \beta^2) TP + FP + \beta^2 FN}

    Parameters
    ----------
    predicted : (N, C) of 0 and 1
        Which classes were predicted.
    truth : (N, C) of 0 and 1
        Which classes are there.
    classes : sequence of str
        Names of the C classes.
    beta : float
        How many times as much a missed record weighs as a false one; 1 for F1.

    Returns
    -------
    ClassMean
        A class that is neither true nor predicted anywhere is NaN, named in
        ``left_out``, and not in the mean.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names, or beta is not positive.

    Examples
    --------
    >>> predicted = np.array([[1, 1], [1, 0], [0, 0]])
    >>> truth = np.array([[1, 0], [0, 0], [1, 0]])
    >>> f_beta(predicted, truth, classes=("AF", "SB")).per_class  # TP = FP = FN = 1
    {'AF': 0.5, 'SB': 0.0}
    """
    check_columns(predicted, truth, classes)
    if not beta > 0:
        raise InvalidArgumentError(f"beta must be positive, got {beta:g}.")
    answered, is_true = np.asarray(predicted, bool), np.asarray(truth, bool)
    hits = (answered & is_true).sum(axis=0)
    false, missed = answered.sum(axis=0) - hits, is_true.sum(axis=0) - hits
    weighted = (1 + beta**2) * hits
    return mean_over_classes(
        divided(weighted, weighted + false + beta**2 * missed), classes
    )


def f_and_g_beta(
    predicted: NDArray[Any],
    truth: NDArray[Any],
    *,
    classes: Sequence[str],
    beta: float = 2.0,
) -> tuple[ClassMean, ClassMean]:
    r"""Return the F and G measures of the Challenge 2020 and of the ICBEB table.

    .. math::

        F = \frac{(1 + \beta^2) TP}{(1 + \beta^2) TP + FP + \beta^2 FN}, \quad
        G = \frac{TP}{TP + FP + \beta FN}

    Parameters
    ----------
    predicted : (N, C) of 0 and 1
        Which classes were predicted.
    truth : (N, C) of 0 and 1
        Which classes are there.
    classes : sequence of str
        Names of the C classes.
    beta : float
        How many times as much a missed record weighs as a false one.

    Returns
    -------
    f, g : ClassMean
        A class that is neither true nor predicted anywhere is NaN, named in
        ``left_out``, and not in the mean.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names, or beta is not positive.

    Notes
    -----
    Each record counts one divided by the number of its true classes, so that records
    with many do not rule; a record without any counts one.

    Examples
    --------
    >>> truth = np.array([[1, 1], [1, 0]])
    >>> f, g = f_and_g_beta(np.array([[1, 0], [0, 0]]), truth, classes=("AF", "SB"))
    >>> round(f.per_class["AF"], 6), g.per_class["AF"]  # TP = 1/2, FN = 1
    (0.384615, 0.2)
    """
    check_columns(predicted, truth, classes)
    if not beta > 0:
        raise InvalidArgumentError(f"beta must be positive, got {beta:g}.")
    answered, is_true = np.asarray(predicted, bool), np.asarray(truth, bool)
    share = 1 / np.maximum(is_true.sum(axis=1), 1)
    hits = share @ (answered & is_true)
    false, missed = share @ (answered & ~is_true), share @ (~answered & is_true)
    weighted = (1 + beta**2) * hits
    f = divided(weighted, weighted + false + beta**2 * missed)
    g = divided(hits, hits + false + beta * missed)
    return mean_over_classes(f, classes), mean_over_classes(g, classes)


def class_rates(
    confusion: ArrayLike, *, classes: Sequence[str]
) -> Mapping[str, ClassRates]:
    """Return sensitivity, predictive value and F1 of each class of a table of counts.

    Parameters
    ----------
    confusion : (C, C)
        Counts: a row for each true class, a column for each answered one.
    classes : sequence of str
        Names of the C classes.

    Returns
    -------
    mapping of str to ClassRates
        By class.

    Raises
    ------
    InvalidArgumentError
        If the table is not square with a row for each class.

    Examples
    --------
    >>> rates = class_rates([[8, 2], [1, 3]], classes=("N", "V"))["V"]
    >>> rates.sensitivity, rates.ppv, rates.false_positive_rate, round(rates.f1, 6)
    (0.75, 0.6, 0.2, 0.666667)
    """
    table = _table(confusion)
    if len(table) != len(classes):
        raise InvalidArgumentError(
            f"A table of {len(table)} classes was given {len(classes)} names: "
            f"{', '.join(classes)}."
        )
    hits, true, answered = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    shares = zip(
        divided(hits, true).tolist(),
        divided(hits, answered).tolist(),
        divided(answered - hits, table.sum() - true).tolist(),
        divided(2 * hits, true + answered).tolist(),
        strict=True,
    )
    return {
        name: ClassRates(*rates) for name, rates in zip(classes, shares, strict=True)
    }


def cohen_kappa(confusion: ArrayLike) -> float:
    r"""Return the agreement of truths and answers beyond chance.

    .. math:: \kappa = \frac{p_o - p_e}{1 - p_e}

    Parameters
    ----------
    confusion : (C, C)
        Counts: a row for each true class, a column for each answered one.

    Returns
    -------
    float
        1 is full agreement, 0 is that of chance. NaN if truths and answers are all of
        one class, for then chance agrees fully.

    Raises
    ------
    InvalidArgumentError
        If the table is not square.

    Notes
    -----
    Cohen, Educational and Psychological Measurement 20 (1960).

    Examples
    --------
    >>> round(cohen_kappa([[20, 5], [10, 15]]), 6)  # (0.7 - 0.5) / (1 - 0.5)
    0.4
    """
    table = _table(confusion)
    total = table.sum()
    agreed = table.trace() * total
    chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return float(divided(agreed - chance, total**2 - chance))


def j_kappa(confusion: ArrayLike, *, classes: Sequence[str]) -> float:
    r"""Return the index of beat classifiers that weighs rare classes.

    .. math:: jk = \frac{\kappa}{2} + \frac{Se_S + Se_V + {+P}_S + {+P}_V}{8}

    Parameters
    ----------
    confusion : (C, C)
        Counts of beats: a row for each true class, a column for each answered one.
    classes : sequence of str
        Names of the C classes; ``"S"`` and ``"V"`` among them.

    Returns
    -------
    float
        1 is perfect. NaN if no beat is S, or none V.

    Raises
    ------
    InvalidArgumentError
        If the table is not square with a row for each class, or S or V is no class.

    Notes
    -----
    Mar et al., IEEE Transactions on Biomedical Engineering 58 (2011); kappa is
    `cohen_kappa` of the whole table. Sensitivity and predictive value are those of
    supraventricular (S) and ventricular (V) ectopic beats. The predictive value of a
    class that is never answered does not exist; it counts 0 here, as its sensitivity
    does.

    Examples
    --------
    >>> table = [[80, 5, 5], [1, 4, 0], [0, 0, 5]]
    >>> round(j_kappa(table, classes=("N", "S", "V")), 4)
    0.6327
    """
    rates = class_rates(confusion, classes=classes)
    if lacking := [name for name in ("S", "V") if name not in rates]:
        raise InvalidArgumentError(
            f"j_kappa needs the classes S and V, there is no '{lacking[0]}' in "
            f"{', '.join(classes)}."
        )
    values = [0.0 if np.isnan(rates[n].ppv) else rates[n].ppv for n in "SV"]
    parts = [rates[n].sensitivity for n in "SV"] + values
    return cohen_kappa(confusion) / 2 + sum(parts) / 8


def _table(confusion: ArrayLike) -> FloatArray:
    """Return counts as a square table."""
    table = np.asarray(confusion, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise InvalidArgumentError(
            f"A table of confusion must be square, got shape {table.shape}."
        )
    return table
