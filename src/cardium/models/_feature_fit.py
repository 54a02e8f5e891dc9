"""Fitting a classifier to features; a module of its own, since it imports sklearn."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor

from cardium.core import FloatArray
from cardium.errors import NotProvidedError

_PASSES = 50
_RATE = 1e-3
_DECAY = 20.0
_INVERSE_PENALTY = 0.003
_PENALTY = 300.0
_RARE = 1e-4
_FAR = 10.0
_SAME = 1e-9


def fit_layers(
    features: FloatArray, truths: FloatArray, *, hidden: int, classes: bool
) -> Mapping[str, NDArray[Any]]:
    """Fit one hidden layer, or none, to standardised features.

    Parameters
    ----------
    features : (N, D)
        Of each record.
    truths : (N, C)
        0 or 1 for classes, numbers for quantities; NaN where it is not known.
    hidden : int
        Units of the hidden layer, which is fitted to the records of which everything
        is known; 0, each class or quantity is fitted by itself to those of which it is.
    classes : bool
        Whether it is about classes.

    Returns
    -------
    mapping
        ``mean`` and ``deviation`` (D,) of the features; ``weight_0`` (D, H) and
        ``bias_0`` (H,) of the hidden layer, which is rectified; ``weight`` and ``bias``
        (C,) of the last; ``centre`` and ``spread`` (C,) of quantities.

    Raises
    ------
    NotProvidedError
        If a hidden layer is asked for and of no record everything is known.
    """
    mean, deviation = features.mean(0), features.std(0)
    # what differs by rounding alone is the same for everybody
    deviation = np.where(deviation > _SAME * abs(mean), deviation, 1.0)
    inputs = ((features - mean) / deviation).clip(-_FAR, _FAR)
    learnt = {"mean": mean, "deviation": deviation}
    known = np.isfinite(truths)
    count = np.maximum(known.sum(0), 1)
    centre = np.where(known, truths, 0).sum(0) / count
    if not classes:
        apart = np.where(known, truths - centre, 0)
        spread = np.sqrt((apart**2).sum(0) / count)
        spread = np.where(spread > 0, spread, 1.0)
        truths = (truths - centre) / spread
        learnt |= {"centre": centre, "spread": spread}
    varied = np.array([len(np.unique(row[ok])) > 1 for row, ok in _columns(truths)])
    bias = np.zeros(len(varied))
    if classes:
        sure = centre.clip(_RARE, 1 - _RARE)
        bias = np.log(sure / (1 - sure))
    if not hidden:
        weight = np.zeros((inputs.shape[1], len(varied)))
        for k in np.flatnonzero(varied):
            rows = known[:, k]
            weight[:, k], bias[k] = _line(inputs[rows], truths[rows, k], classes)
        return {**learnt, "weight": weight, "bias": bias}
    weight = np.zeros((hidden, len(varied)))
    first, bias_0 = np.zeros((inputs.shape[1], hidden)), np.zeros(hidden)
    if varied.any():
        whole = known[:, varied].all(1)
        if not whole.any():
            raise NotProvidedError(
                f"Of none of the {len(truths)} records all {varied.sum()} values are "
                "known. Take the setting classifier='linear'."
            )
        first, bias_0, weight[:, varied], bias[varied] = _hidden_layer(
            inputs[whole], truths[whole][:, varied], hidden, classes
        )
    learnt |= {"weight_0": first, "bias_0": bias_0}
    return {**learnt, "weight": weight, "bias": bias}


def _columns(truths: FloatArray) -> list[tuple[FloatArray, NDArray[np.bool_]]]:
    """Give the truths of each class with what is known of them."""
    return [(column, np.isfinite(column)) for column in truths.T]


def _line(inputs: FloatArray, truth: FloatArray, classes: bool) -> tuple[Any, Any]:
    """Fit a logistic or a ridge regression; returns weights (D,) and bias."""
    if not classes:
        line = Ridge(alpha=_PENALTY).fit(inputs, truth)
        return line.coef_, line.intercept_
    line = LogisticRegression(C=_INVERSE_PENALTY, max_iter=500)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        line.fit(inputs, truth > 0.5)
    return line.coef_[0], line.intercept_[0]


def _hidden_layer(
    inputs: FloatArray, truths: FloatArray, hidden: int, classes: bool
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit a perceptron of one hidden layer for a fixed number of passes."""
    kind = MLPClassifier if classes else MLPRegressor
    network = kind(
        hidden_layer_sizes=(hidden,),
        alpha=_DECAY,
        learning_rate_init=_RATE,
        max_iter=_PASSES,
        n_iter_no_change=_PASSES,
        batch_size=min(128, len(inputs)),
        random_state=0,
    )
    wanted = truths > 0.5 if classes else truths
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(inputs, wanted[:, 0] if wanted.shape[1] == 1 else wanted)
    (first, last), (bias_0, bias) = network.coefs_, network.intercepts_
    return first, bias_0, last, bias
