"""Means by patient."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.metrics import mean_over_patients


def test_every_patient_counts_the_same():
    patients = np.array([2, 0, 0, 0, 2])
    columns = {"dice": np.array([0.4, 1.0, 1.0, 1.0, 0.6])}
    assert mean_over_patients(columns, patients) == {"dice": 0.75}


def test_missing_numbers_are_left_out_and_all_missing_is_missing():
    nan = np.nan
    columns = {"a": np.array([1.0, nan, nan]), "b": np.full(3, nan)}
    mean = mean_over_patients(columns, np.array([0, 0, 1]))
    assert mean["a"] == 1.0
    assert math.isnan(mean["b"])


def test_order_does_not_matter():
    rng = np.random.default_rng(0)
    column, patients = rng.random(30), rng.integers(0, 7, 30)
    order = rng.permutation(30)
    one = mean_over_patients({"a": column}, patients)["a"]
    other = mean_over_patients({"a": column[order]}, patients[order])["a"]
    assert one == pytest.approx(other)
    expected = np.mean([column[patients == p].mean() for p in range(7)])
    assert one == pytest.approx(expected)
