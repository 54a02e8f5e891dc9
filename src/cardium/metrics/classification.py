"""How well probabilities rank and tell true from false, class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError


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
    return float(_area(score, truth)[0][0])


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
    return float(_area(score, truth)[1][0])


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
    return mean_over_classes(_areas(score, truth, classes)[0], classes)


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
    return mean_over_classes(_areas(score, truth, classes)[1], classes)


def macro_areas(
    score: NDArray[Any], truth: NDArray[Any], *, classes: Sequence[str]
) -> tuple[ClassMean, ClassMean]:
    """Return `macro_auroc` and `macro_average_precision`, from one sort of the scores.

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
    areas : ClassMean
        Under the ROC curves.
    precisions : ClassMean
        The average precisions.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names.

    Examples
    --------
    >>> score = np.array([[0.9], [0.8], [0.7]])
    >>> areas, precisions = macro_areas(score, score != 0.8, classes=("MI",))
    >>> areas.value, round(precisions.value, 6)  # 1 of 2 pairs; 1/2 + 1/2 * 2/3
    (0.5, 0.833333)
    """
    areas, precisions = _areas(score, truth, classes)
    return mean_over_classes(areas, classes), mean_over_classes(precisions, classes)


def mean_over_classes(values: ArrayLike, classes: Sequence[str]) -> ClassMean:
    """Average the numbers of classes, and name those that have none.

    Parameters
    ----------
    values : (C,)
        One number a class; NaN where it is not defined.
    classes : sequence of str
        Names of the C classes.

    Returns
    -------
    ClassMean
        The mean of those that are defined.

    Examples
    --------
    >>> mean_over_classes([0.5, float("nan"), 1.0], ("N", "S", "V"))
    ClassMean(value=0.75, per_class={'N': 0.5, 'S': nan, 'V': 1.0}, left_out=('S',))
    """
    numbers = np.asarray(values, np.float64)
    there = ~np.isnan(numbers)
    return ClassMean(
        float(numbers[there].mean()) if there.any() else float("nan"),
        dict(zip(classes, numbers.tolist(), strict=True)),
        tuple(n for n, known in zip(classes, there.tolist(), strict=True) if not known),
    )


def _area(score: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return the area and the average precision of a single class."""
    values, is_true = np.asarray(score, np.float64), np.asarray(truth, np.float64)
    if values.ndim != 1 or values.shape != is_true.shape or not values.size:
        raise InvalidArgumentError(
            "Scores and truths must be two lists of one length, got shapes "
            f"{values.shape} and {is_true.shape}."
        )
    return _areas(values[:, None], is_true[:, None], ("",))


def _areas(
    score: NDArray[Any], truth: NDArray[Any], classes: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Return the area and the average precision of each class."""
    check_columns(score, truth, classes)
    descending = np.negative(score.T, order="C", dtype=np.float64)
    is_true = np.ascontiguousarray(truth.T, np.bool_)
    if not descending.shape[1]:
        raise InvalidArgumentError("Scores and truths have no row.")
    if not np.isfinite(descending).all() or (is_true != truth.T).any():
        raise InvalidArgumentError("Scores must be finite, truths 0 or 1.")
    from cardium.metrics._ranking_kernels import rank

    areas, precisions = np.empty(len(classes)), np.empty(len(classes))
    rank(descending, is_true, np.argsort(descending, axis=1), areas, precisions)
    return areas, precisions


def divided(above: ArrayLike, below: ArrayLike) -> FloatArray:
    """Divide arrays; NaN, and no warning, where the divisor is zero.

    Parameters
    ----------
    above, below : (...)
        Numbers, of shapes that fit.

    Returns
    -------
    (...)
        Their ratio: a share that does not exist is NaN.

    Examples
    --------
    >>> divided([1, 0], [2, 0]).tolist()
    [0.5, nan]
    """
    top, bottom = np.broadcast_arrays(
        np.asarray(above, np.float64), np.asarray(below, np.float64)
    )
    there = bottom != 0
    ratio: FloatArray = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=ratio, where=there)
    return ratio


def check_columns(
    score: NDArray[Any], truth: NDArray[Any], classes: Sequence[str]
) -> None:
    """Refuse arrays that have not one column a class.

    Parameters
    ----------
    score, truth : (N, C)
        What must be of one shape.
    classes : sequence of str
        Names of the C classes.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ or do not match the names.

    Examples
    --------
    >>> check_columns(np.zeros((3, 1)), np.zeros((3, 1)), ["AF"])
    """
    if score.shape != truth.shape or score.shape[1:] != (len(classes),):
        raise InvalidArgumentError(
            f"Scores {score.shape} and truths {truth.shape} must both be "
            f"(N, {len(classes)}): one column for each of {', '.join(classes)}."
        )
