"""Decisions: Fmax, F and G measures, kappa and rates by closed forms and peers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from cardium.errors import InvalidArgumentError
from cardium.metrics import (
    class_rates,
    cohen_kappa,
    f_and_g_beta,
    f_beta,
    fmax,
    j_kappa,
)


def restated_fmax(probability, truth):
    """The definition of the paper of PTB-XL, threshold by threshold."""
    best = 0.0
    for step in range(101):
        predicted = probability > step / 100
        precisions, recalls = [], []
        for row, true in zip(predicted, truth.astype(bool), strict=True):
            if row.any():
                precisions.append((row & true).sum() / row.sum())
            recalls.append((row & true).sum() / true.sum())
        if precisions:
            p, r = np.mean(precisions), np.mean(recalls)
            best = max(best, 2 * p * r / (p + r) if p + r else 0.0)
    return best


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([10, 100, 1 << 20]))
def test_fmax_is_its_definition(seed, levels):
    """With probabilities that lie on thresholds, which are not predicted there."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (12, 4))
    truth[truth.sum(axis=1) == 0, 0] = 1
    probability = rng.integers(0, levels + 1, (12, 4)) / levels
    assert fmax(probability, truth) == pytest.approx(
        restated_fmax(probability, truth), abs=1e-12
    )


def test_fmax_at_its_ends():
    truth = np.array([[1, 0], [0, 1]])
    assert fmax(truth.astype(float), truth) == 1.0
    assert fmax(np.zeros((2, 2)), truth) == 0.0
    # everything is predicted at 0: precision 1/2, recall 1
    assert fmax(np.full((2, 2), 0.5), truth) == pytest.approx(2 / 3)
    # a threshold is strict: 0.3 is not above 0.3, and 0.31 is
    assert fmax(np.array([[0.31, 0.3], [0.3, 0.31]]), truth) == 1.0


def test_fmax_averages_over_records_and_not_over_labels():
    """A record of 4 labels, all found, counts as much as one of 1, missed."""
    truth = np.array([[1, 1, 1, 1], [1, 0, 0, 0]])
    probability = np.array([[0.9, 0.9, 0.9, 0.9], [0.0, 0.0, 0.0, 0.0]])
    assert fmax(probability, truth) == pytest.approx(2 * 1 * 0.5 / 1.5)


def test_fmax_of_nothing():
    assert math.isnan(fmax(np.zeros((2, 2)), np.zeros((2, 2))))
    with pytest.raises(InvalidArgumentError, match="one row a record"):
        fmax(np.zeros((2, 2)), np.zeros((2, 3)))
    with pytest.raises(InvalidArgumentError, match="finite"):
        fmax(np.array([[np.nan]]), np.array([[1]]))


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_f_beta_agrees_with_sklearn(beta):
    rng = np.random.default_rng(0)
    predicted, truth = rng.integers(0, 2, (2, 60, 4))
    found = f_beta(predicted, truth, classes=tuple("abcd"), beta=beta)
    theirs = oracle.fbeta_score(truth, predicted, beta=beta, average=None)
    np.testing.assert_allclose([*found.per_class.values()], theirs)
    assert found.value == pytest.approx(theirs.mean())


def test_f_beta_leaves_out_what_is_nowhere():
    truth = np.array([[1, 0, 0], [1, 0, 0]])
    predicted = np.array([[1, 0, 1], [0, 0, 0]])
    found = f_beta(predicted, truth, classes=("a", "b", "c"))
    assert found.left_out == ("b",)
    assert found.per_class["c"] == 0.0
    assert found.value == pytest.approx((2 / 3 + 0) / 2)
    with pytest.raises(InvalidArgumentError, match="beta"):
        f_beta(predicted, truth, classes=("a", "b", "c"), beta=0)


def restated_f_and_g(predicted, truth, beta):
    """Each record's share is one by the number of its labels, loop by loop."""
    f, g = [], []
    for k in range(truth.shape[1]):
        tp = fp = fn = 0.0
        for row, true in zip(predicted, truth, strict=True):
            share = 1 / max(true.sum(), 1)
            tp += share * (row[k] and true[k])
            fp += share * (row[k] and not true[k])
            fn += share * (not row[k] and true[k])
        if tp + fp + fn:
            both = (1 + beta**2) * tp
            f.append(both / (both + fp + beta**2 * fn))
            g.append(tp / (tp + fp + beta * fn))
    return np.mean(f), np.mean(g)


def test_f_and_g_by_labels_of_a_record():
    rng = np.random.default_rng(1)
    for _ in range(10):
        predicted, truth = rng.random((2, 20, 5)) < 0.3
        f, g = f_and_g_beta(predicted, truth, classes=tuple("abcde"))
        expected = restated_f_and_g(predicted, truth, 2.0)
        assert (f.value, g.value) == pytest.approx(expected)


def test_f_and_g_on_paper():
    """Records with 2, 1 and no labels: shares 1/2, 1 and 1."""
    truth = np.array([[1, 1], [1, 0], [0, 0]])
    predicted = np.array([[1, 0], [0, 0], [1, 1]])
    f, g = f_and_g_beta(predicted, truth, classes=("a", "b"))
    # a: TP 1/2, FN 1, FP 1; b: TP 0, FN 1/2, FP 1
    assert f.per_class["a"] == pytest.approx(2.5 / (2.5 + 1 + 4))
    assert g.per_class["a"] == pytest.approx(0.5 / (0.5 + 1 + 2))
    assert f.per_class["b"] == g.per_class["b"] == 0.0


def labels_of(table):
    """The truths and answers that a table counts."""
    size = len(table)
    places = np.repeat(np.arange(size * size), np.ravel(table))
    return places // size, places % size


def test_kappa_and_rates_agree_with_sklearn():
    table = np.array([[50, 3, 2], [4, 20, 1], [0, 6, 9]])
    true, given = labels_of(table)
    assert cohen_kappa(table) == pytest.approx(oracle.cohen_kappa_score(true, given))
    ppv, sensitivity, f1, _ = oracle.precision_recall_fscore_support(true, given)
    rates = class_rates(table, classes=("N", "S", "V"))
    for k, one in enumerate(rates.values()):
        assert one.sensitivity == pytest.approx(sensitivity[k])
        assert one.ppv == pytest.approx(ppv[k])
        assert one.f1 == pytest.approx(f1[k])
    assert rates["V"].false_positive_rate == pytest.approx((2 + 1) / (55 + 25))


def test_rows_are_true_and_columns_are_given():
    rates = class_rates([[10, 0], [5, 5]], classes=("N", "V"))["V"]
    assert (rates.sensitivity, rates.ppv) == (0.5, 1.0)


def test_what_is_not_there_is_nan():
    rates = class_rates([[10, 0], [0, 0]], classes=("N", "V"))["V"]
    assert all(math.isnan(v) for v in (rates.sensitivity, rates.ppv, rates.f1))
    assert rates.false_positive_rate == 0
    assert math.isnan(cohen_kappa([[10, 0], [0, 0]]))
    assert cohen_kappa([[5, 0], [0, 5]]) == 1
    assert cohen_kappa([[25, 25], [25, 25]]) == 0
    assert math.isnan(j_kappa([[10, 0, 0], [0, 0, 0], [0, 0, 2]], classes="NSV"))


def test_j_kappa_on_paper():
    """Perfect is 1; kappa 0.4 with Se 0.6 and +P 0.75 for V alone as S and V."""
    assert j_kappa(np.diag([90, 5, 5]), classes=("N", "S", "V")) == 1.0
    table = [[20, 5], [10, 15]]  # kappa 0.4; S: 20/25, 20/30; V: 15/25, 15/20
    expected = 0.4 / 2 + (0.8 + 2 / 3 + 0.6 + 0.75) / 8
    assert j_kappa(table, classes=("S", "V")) == pytest.approx(expected)


def test_wrong_tables_are_refused():
    with pytest.raises(InvalidArgumentError, match="square"):
        cohen_kappa([[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InvalidArgumentError, match="2 classes was given 3 names"):
        class_rates(np.eye(2), classes="NSV")
    with pytest.raises(InvalidArgumentError, match="no 'S'"):
        j_kappa(np.eye(2), classes=("N", "V"))
