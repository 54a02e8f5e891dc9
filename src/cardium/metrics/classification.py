"""How well probabilities rank and tell true from false, class by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

_SMALLEST = 1e-7


@dataclass(frozen=True, slots=True)
class ClassMean:
    """A mean over classes, and what went into it.

    Parameters
    ----------
    value : float
        Unweighted mean over the classes that have a number; NaN if none has.
    per_class : mapping of str to float
        Each class's number; NaN where it is not defined.
    left_out : tuple of str
        The classes that are not in the mean because theirs is not defined.
    """

    value: float
    per_class: Mapping[str, float]
    left_out: tuple[str, ...]


def auroc(score: ArrayLike, truth: ArrayLike) -> float:
    r"""Return the area under the receiver operating characteristic of one class.

    .. math:: A = \frac{1}{PN} \sum_{p,n} [s_p > s_n] + \tfrac12 [s_p = s_n]

    Parameters
    ----------
    score : (N,)
        The larger, the likelier; only the order matters.
    truth : (N,) of 0 and 1
        Whether the class is there.

    Returns
    -------
    float
        0 to 1; 0.5 is chance. NaN if the truth is all 0 or all 1: there is no pair
        to rank, and 0.5 would be an invention.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, a score is not finite or a truth is not 0 or 1.

    Notes
    -----
    The share of pairs ranked rightly, ties counted half (Hanley and McNeil, Radiology
    143, 1982). It is summed as trapezoids under the curve, which is the same number
    in one sort.

    Examples
    --------
    >>> auroc([0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1])  # 3 of 4 pairs right, 1 tied
    0.875
    """
    hits, alarms = _curve(score, truth)
    if not (hits[-1] and alarms[-1]):
        return float("nan")
    area = np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2)
    return float(area / (hits[-1] * alarms[-1]))


def average_precision(score: ArrayLike, truth: ArrayLike) -> float:
    r"""Return the average precision of one class.

    .. math:: AP = \sum_k (R_k - R_{k-1}) P_k

    Parameters
    ----------
    score : (N,)
        The larger, the likelier; only the order matters.
    truth : (N,) of 0 and 1
        Whether the class is there.

    Returns
    -------
    float
        0 to 1; chance is the share of ones. NaN if the truth has no 1.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, a score is not finite or a truth is not 0 or 1.

    Notes
    -----
    Precision at each distinct score, weighted by the step in recall, without
    interpolation: the definition of scikit-learn's ``average_precision_score``.

    Examples
    --------
    >>> average_precision([0.9, 0.8, 0.7], [1, 0, 1])  # 1/2 * 1 + 1/2 * 2/3
    0.8333333333333333
    """
    hits, alarms = _curve(score, truth)
    if not hits[-1]:
        return float("nan")
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float(np.sum(np.diff(hits) * precision) / hits[-1])


def macro_auroc(
    score: NDArray[Any], truth: NDArray[Any], *, classes: Sequence[str]
) -> ClassMean:
    """Return the mean over classes of the area under the ROC curve.

    Parameters
    ----------
    score : (N, C)
        One column a class.
    truth : (N, C) of 0 and 1
        Whether the class is there.
    classes : sequence of str
        Names of the C classes.

    Returns
    -------
    ClassMean
        A class without both outcomes is NaN, named in ``left_out``, and not in the
        mean.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names.

    Examples
    --------
    >>> score = np.array([[0.9, 0.1], [0.2, 0.3]])
    >>> macro_auroc(score, np.array([[1, 0], [0, 0]]), classes=("MI", "HYP"))
    ClassMean(value=1.0, per_class={'MI': 1.0, 'HYP': nan}, left_out=('HYP',))
    """
    return _over_classes(auroc, score, truth, classes)


def macro_average_precision(
    score: NDArray[Any], truth: NDArray[Any], *, classes: Sequence[str]
) -> ClassMean:
    """Return the mean over classes of the average precision.

    Parameters
    ----------
    score : (N, C)
        One column a class.
    truth : (N, C) of 0 and 1
        Whether the class is there.
    classes : sequence of str
        Names of the C classes.

    Returns
    -------
    ClassMean
        A class that is nowhere true is NaN, named in ``left_out``, and not in the
        mean.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names.

    Examples
    --------
    >>> score = np.array([[0.9, 0.1], [0.2, 0.3]])
    >>> macro_average_precision(
    ...     score, np.array([[1, 0], [0, 0]]), classes=("MI", "HYP")
    ... ).left_out
    ('HYP',)
    """
    return _over_classes(average_precision, score, truth, classes)


def log_loss(probability: ArrayLike, truth: ArrayLike) -> float:
    r"""Return the mean binary cross entropy.

    .. math:: -\operatorname{mean}(t \ln p + (1 - t) \ln(1 - p))

    Parameters
    ----------
    probability : (...) [0..1]
        Predicted probabilities.
    truth : (...) of 0 and 1
        What was true.

    Returns
    -------
    float
        In nats; 0 is perfect, ln 2 is a coin. Probabilities are kept 1e-7 away from
        0 and 1, so that one certain error costs 16 and not infinity.

    Examples
    --------
    >>> round(log_loss([0.5, 0.5], [0, 1]), 6)
    0.693147
    """
    right = np.where(np.asarray(truth, bool), probability, 1 - np.asarray(probability))
    return float(-np.log(np.clip(right, _SMALLEST, 1 - _SMALLEST)).mean())


def _curve(score: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Count true and false positives above each distinct score, from none to all."""
    values, is_true = np.asarray(score, np.float64), np.asarray(truth, np.float64)
    if values.ndim != 1 or values.shape != is_true.shape or not values.size:
        raise InvalidArgumentError(
            "Scores and truths must be two lists of one length, got shapes "
            f"{values.shape} and {is_true.shape}."
        )
    if not np.isfinite(values).all() or ((is_true != 0) & (is_true != 1)).any():
        raise InvalidArgumentError("Scores must be finite, truths 0 or 1.")
    order = np.argsort(-values)
    values, is_true = values[order], is_true[order]
    last_of_tie = np.append(np.flatnonzero(values[1:] != values[:-1]), values.size - 1)
    hits = np.concatenate([[0.0], np.cumsum(is_true)[last_of_tie]])
    alarms = np.concatenate([[0.0], last_of_tie + 1.0 - hits[1:]])
    return hits, alarms


def _over_classes(
    metric: Callable[[ArrayLike, ArrayLike], float],
    score: NDArray[Any],
    truth: NDArray[Any],
    classes: Sequence[str],
) -> ClassMean:
    """Compute a metric by class and average the classes that have one."""
    if score.shape != truth.shape or score.shape[1:] != (len(classes),):
        raise InvalidArgumentError(
            f"Scores {score.shape} and truths {truth.shape} must both be "
            f"(N, {len(classes)}): one column for each of {', '.join(classes)}."
        )
    values = [metric(score[:, k], truth[:, k]) for k in range(len(classes))]
    per_class = dict(zip(classes, values, strict=True))
    defined = [value for value in values if not np.isnan(value)]
    return ClassMean(
        float(np.mean(defined)) if defined else float("nan"),
        per_class,
        tuple(name for name, value in per_class.items() if np.isnan(value)),
    )
