"""How far probabilities can be taken at their word."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

_SMALLEST = 1e-7


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


def brier_score(probability: ArrayLike, truth: ArrayLike) -> float:
    r"""Return the mean squared error of probabilities.

    .. math:: \operatorname{mean}((p - t)^2)

    Parameters
    ----------
    probability : (...) [0..1]
        Predicted probabilities.
    truth : (...) of 0 and 1
        What was true.

    Returns
    -------
    float
        0 to 1; 0 is perfect, 0.25 is a coin.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, or there is nothing.

    Notes
    -----
    Brier, Monthly Weather Review 78 (1950), of one class at a time: half of his sum
    over two classes.

    Examples
    --------
    >>> round(brier_score([0.9, 0.4], [1, 0]), 6)  # (0.01 + 0.16) / 2
    0.085
    """
    stated, is_true = _pairs(probability, truth)
    return float(np.mean((stated - is_true) ** 2))


def expected_calibration_error(
    probability: ArrayLike, truth: ArrayLike, *, bins: int = 10
) -> float:
    r"""Return how far stated probabilities lie from observed shares, on average.

    .. math:: \sum_b \frac{n_b}{N} |\bar p_b - \bar t_b|

    Parameters
    ----------
    probability : (...) [0..1]
        Predicted probabilities.
    truth : (...) of 0 and 1
        What was true.
    bins : int
        Number of bins of equal width in 0..1; bin k is (k / bins, (k + 1) / bins],
        and 0 is in the first.

    Returns
    -------
    float
        0 to 1; 0 is calibrated.

    Raises
    ------
    InvalidArgumentError
        If the shapes differ, there is nothing, a probability is not in 0..1 or there
        is no bin.

    Notes
    -----
    Naeini et al., AAAI 2015, of the probability of the class itself. It depends on the
    number of bins and is never below that of fewer bins that these split.

    Examples
    --------
    >>> error = expected_calibration_error([0.1, 0.1, 0.9, 0.9], [0, 1, 1, 1])
    >>> round(error, 6)  # 2/4 * |0.1 - 0.5| + 2/4 * |0.9 - 1|
    0.25
    """
    stated, is_true = _pairs(probability, truth)
    if bins < 1 or not ((stated >= 0) & (stated <= 1)).all():
        raise InvalidArgumentError(
            f"Probabilities must be 0..1 and bins at least 1, got {stated.min():g}.."
            f"{stated.max():g} and {bins}."
        )
    edges = np.arange(1, bins) / bins
    where = np.searchsorted(edges, stated, side="left")
    gap = np.bincount(where, weights=stated - is_true, minlength=bins)
    return float(np.abs(gap).sum() / stated.size)


def _pairs(probability: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return probabilities and truths, flat."""
    stated, is_true = np.asarray(probability, float), np.asarray(truth, float)
    if stated.shape != is_true.shape or not stated.size:
        raise InvalidArgumentError(
            "Probabilities and truths must have one shape that is not empty, got "
            f"{stated.shape} and {is_true.shape}."
        )
    return stated.ravel(), is_true.ravel()
