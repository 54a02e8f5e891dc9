"""Probabilities at their word: closed forms and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from cardium.errors import InvalidArgumentError
from cardium.metrics import brier_score, expected_calibration_error, log_loss


def test_log_loss_agrees_with_sklearn():
    rng = np.random.default_rng(0)
    probability, truth = rng.random(50), rng.integers(0, 2, 50)
    assert log_loss(probability, truth) == pytest.approx(
        oracle.log_loss(truth, probability)
    )
    assert log_loss([0.0], [1]) == pytest.approx(-math.log(1e-7))
    assert log_loss([1.0], [1]) == pytest.approx(1e-7, rel=1e-3)


def test_brier_score_agrees_with_sklearn():
    rng = np.random.default_rng(1)
    probability, truth = rng.random(50), rng.integers(0, 2, 50)
    assert brier_score(probability, truth) == pytest.approx(
        oracle.brier_score_loss(truth, probability)
    )
    assert brier_score(np.full(4, 0.5), [0, 1, 0, 1]) == 0.25
    columns = brier_score(probability.reshape(10, 5), truth.reshape(10, 5))
    assert columns == pytest.approx(brier_score(probability, truth))


def restated(probability, truth, bins):
    """The definition, bin by bin."""
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        inside = (probability > low) & (probability <= high)
        if b == 0:
            inside |= probability == 0
        if inside.any():
            gap = abs(probability[inside].mean() - truth[inside].mean())
            total += inside.mean() * gap
    return total


@pytest.mark.parametrize("bins", [1, 2, 10, 15])
def test_calibration_error_is_its_definition(bins):
    rng = np.random.default_rng(2)
    probability = np.append(rng.random(300), [0.0, 1.0, 0.1, 0.2, 0.5])
    truth = rng.integers(0, 2, 305)
    found = expected_calibration_error(probability, truth, bins=bins)
    assert found == pytest.approx(restated(probability, truth, bins))


def test_calibration_of_chance_and_of_certainty():
    assert expected_calibration_error([0.5] * 4, [0, 1, 0, 1]) == 0
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0
    assert expected_calibration_error([1.0, 0.0], [0, 1]) == 1


def test_wrong_arguments_are_refused():
    with pytest.raises(InvalidArgumentError, match="one shape"):
        brier_score([0.1], [0, 1])
    with pytest.raises(InvalidArgumentError, match="one shape"):
        brier_score([], [])
    with pytest.raises(InvalidArgumentError, match=r"1\.5"):
        expected_calibration_error([0.1, 1.5], [0, 1])
    with pytest.raises(InvalidArgumentError, match="at least 1"):
        expected_calibration_error([0.1], [0], bins=0)
