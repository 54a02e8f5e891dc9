"""Folded velocity errors: closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.metrics import folded_difference, velocity_error


def test_velocities_on_both_sides_of_the_limit_are_near():
    difference = folded_difference(
        np.array([0.14, -0.14, 0.1]), np.array([-0.14, 0.14, 0.05]), velocity_limit=0.15
    )
    np.testing.assert_allclose(difference, [-0.02, 0.02, 0.05], atol=1e-15)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(-3, 3))
def test_whole_turns_do_not_count(prediction, truth, turns):
    limit = 0.5
    plain, turned = (
        np.exp(
            1j
            * np.pi
            / limit
            * folded_difference(np.array(p), np.array(truth), velocity_limit=limit)
        )
        for p in (prediction, prediction + 2 * limit * turns)
    )
    assert plain == pytest.approx(turned, abs=1e-9)
    size = abs(
        folded_difference(np.array(prediction), np.array(truth), velocity_limit=limit)
    )
    assert size <= limit
    assert size <= abs(prediction - truth) + 1e-12


def test_error_units_and_sign():
    truth = np.array([[0.0, 0.10], [np.nan, -0.05]])
    error = velocity_error(truth + 0.03, truth, velocity_limit=0.6)
    assert error.mean_absolute == pytest.approx(0.03)
    assert error.percent_of_limit == pytest.approx(5.0)
    assert error.bias == pytest.approx(0.03)
    assert error.samples == 3
    assert velocity_error(truth - 0.03, truth, velocity_limit=0.6).bias < 0


def test_noise_over_the_whole_range_is_half_the_limit():
    rng = np.random.default_rng(0)
    error = velocity_error(
        rng.uniform(-0.2, 0.2, 100_000),
        rng.uniform(-0.05, 0.2, 100_000),
        velocity_limit=0.2,
    )
    assert error.percent_of_limit == pytest.approx(50, abs=0.5)


def test_nothing_to_compare_is_not_zero():
    error = velocity_error(np.zeros(3), np.full(3, np.nan), velocity_limit=0.2)
    assert math.isnan(error.mean_absolute)
    assert error.samples == 0


def test_wrong_arguments_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"\(2,\) and \(3,\)"):
        folded_difference(np.zeros(2), np.zeros(3), velocity_limit=0.2)
    with pytest.raises(InvalidArgumentError, match="positive"):
        folded_difference(np.zeros(2), np.zeros(2), velocity_limit=0.0)
