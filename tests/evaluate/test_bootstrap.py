"""Intervals: coverage, patients rather than rows, undefined draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from cardium.errors import InvalidArgumentError
from cardium.evaluate import bootstrap_intervals
from cardium.metrics import mean_over_patients
from cardium.tasks import open_task


def test_coverage_of_a_known_mean():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(100):
        column = rng.normal(0.5, 0.1, 40)
        found = bootstrap_intervals(
            {"a": column}, np.arange(40), mean_over_patients, draws=200, seed=trial
        )["a"]
        hits += found.low <= 0.5 <= found.high
    assert 0.88 <= hits / 100 <= 0.99


def test_agrees_with_scipy():
    column = np.random.default_rng(1).gamma(2.0, size=50)
    mine = bootstrap_intervals(
        {"a": column}, np.arange(50), mean_over_patients, draws=4000
    )["a"]
    theirs = bootstrap(
        (column,), np.mean, n_resamples=4000, method="percentile", rng=0
    ).confidence_interval
    assert mine.value == pytest.approx(column.mean())
    assert mine.low == pytest.approx(theirs.low, abs=0.03)
    assert mine.high == pytest.approx(theirs.high, abs=0.03)


def test_recordings_of_one_patient_do_not_make_it_surer():
    rng = np.random.default_rng(2)
    column = rng.normal(0.5, 0.1, 30)
    once = bootstrap_intervals({"a": column}, np.arange(30), mean_over_patients)["a"]
    repeated = bootstrap_intervals(
        {"a": np.repeat(column, 5)}, np.repeat(np.arange(30), 5), mean_over_patients
    )["a"]
    assert repeated.high - repeated.low == pytest.approx(once.high - once.low)
    assert (repeated.n_patients, repeated.n_recordings) == (30, 150)


def test_each_draw_has_whole_patients_and_counts_duplicates_apart():
    patients = np.array(["b", "a", "b", "c", "b"])
    seen = []

    def summarize(columns, numbers):
        seen.append((columns["row"].astype(int), numbers))
        return {"n": float(len(numbers))}

    found = bootstrap_intervals(
        {"row": np.arange(5.0)}, patients, summarize, draws=50, seed=3
    )
    assert found["n"].value == 5
    whole = {"a": [1], "b": [0, 2, 4], "c": [3]}
    duplicated = False
    for rows, numbers in seen[1:]:
        assert set(numbers) == {0, 1, 2}
        drawn = []
        for number in range(3):
            own = rows[numbers == number].tolist()
            drawn.append(patients[own[0]])
            assert own == whole[patients[own[0]]]
        duplicated |= len(set(drawn)) < 3
    assert duplicated


def test_order_of_rows_does_not_matter():
    rng = np.random.default_rng(4)
    column, patients = rng.random(60), rng.integers(0, 20, 60)
    order = rng.permutation(60)
    one = bootstrap_intervals({"a": column}, patients, mean_over_patients)["a"]
    other = bootstrap_intervals(
        {"a": column[order]}, patients[order], mean_over_patients
    )["a"]
    assert one.low == pytest.approx(other.low)
    assert one.high == pytest.approx(other.high)


def test_undefined_draws_are_counted_and_left_out():
    def rare(columns, numbers):
        return {"rare": 1.0 if columns["a"].any() else float("nan")}

    column = np.zeros(10)
    column[0] = 1
    found = bootstrap_intervals({"a": column}, np.arange(10), rare, draws=1000)["rare"]
    assert found.undefined_draws / 1000 == pytest.approx(0.9**10, abs=0.05)
    assert (found.low, found.high) == (1.0, 1.0)


def test_counts_are_of_rows_with_a_number():
    found = bootstrap_intervals(
        {"a": [1.0, math.nan, 3.0], "b": [math.nan] * 3},
        ["x", "x", "y"],
        mean_over_patients,
        draws=20,
    )
    assert (found["a"].n_patients, found["a"].n_recordings) == (2, 2)
    assert (found["b"].n_patients, found["b"].n_recordings) == (0, 0)
    assert math.isnan(found["b"].low)
    assert found["b"].undefined_draws == 20


def test_no_interval_from_one_patient_or_no_draws():
    one = bootstrap_intervals({"a": [1.0, 2.0]}, ["x", "x"], mean_over_patients)["a"]
    assert one.value == 1.5
    assert math.isnan(one.low)
    none = bootstrap_intervals(
        {"a": [1.0, 2.0]}, ["x", "y"], mean_over_patients, draws=0
    )["a"]
    assert math.isnan(none.high)


@pytest.mark.parametrize(
    ("columns", "patients", "options", "message"),
    [
        ({"a": []}, [], {}, "no row"),
        ({"a": [1.0]}, ["x", "y"], {}, "Column 'a'"),
        ({"a": [1.0]}, ["x"], {"level": 95}, "level"),
        ({"a": [1.0]}, ["x"], {"draws": -1}, "draws"),
    ],
)
def test_wrong_arguments_are_refused(columns, patients, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        bootstrap_intervals(columns, patients, mean_over_patients, **options)


def test_areas_of_a_real_sized_ecg_set():
    rng = np.random.default_rng(0)
    task = open_task("ecg_superclass")
    columns = {"log_loss": rng.random(2000)}
    for name in task.output.classes:
        truth = rng.integers(0, 2, 2000)
        columns[f"truth_{name}"] = truth.astype(float)
        columns[f"probability_{name}"] = rng.random(2000) + 0.5 * truth
    patients = rng.integers(0, 1800, 2000)
    found = bootstrap_intervals(columns, patients, task.summarize, draws=100)
    # P(u + 1/2 > v) of two uniform numbers is 7/8.
    assert found["macro_auroc"].value == pytest.approx(0.875, abs=0.02)
    assert found["macro_auroc"].low < 0.875 < found["macro_auroc"].high + 0.01
