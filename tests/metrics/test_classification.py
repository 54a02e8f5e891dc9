"""Ranking metrics: closed forms and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from cardium.errors import InvalidArgumentError
from cardium.metrics import (
    auroc,
    average_precision,
    macro_areas,
    macro_auroc,
    macro_average_precision,
)


def drawn(seed, levels):
    """Scores with many ties and a truth of both outcomes."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 60))
    truth = rng.integers(0, 2, count)
    truth[:2] = 0, 1
    return rng.integers(0, levels, count) / levels, truth


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 5, 1000]))
def test_areas_agree_with_sklearn(seed, levels):
    score, truth = drawn(seed, levels)
    assert auroc(score, truth) == pytest.approx(oracle.roc_auc_score(truth, score))
    assert average_precision(score, truth) == pytest.approx(
        oracle.average_precision_score(truth, score)
    )


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10_000))
def test_auroc_is_the_share_of_pairs_ranked_rightly(seed):
    score, truth = drawn(seed, 6)
    high, low = score[truth == 1][:, None], score[truth == 0]
    pairs = (high > low) + 0.5 * (high == low)
    assert auroc(score, truth) == pytest.approx(pairs.mean())
    assert auroc(-score, truth) == pytest.approx(1 - pairs.mean())


def test_order_of_recordings_does_not_matter():
    score, truth = drawn(3, 4)
    order = np.random.default_rng(0).permutation(len(score))
    assert auroc(score[order], truth[order]) == auroc(score, truth)
    assert average_precision(score[order], truth[order]) == pytest.approx(
        average_precision(score, truth)
    )


def test_perfect_constant_and_reversed_scores():
    truth = np.array([0, 0, 1, 1])
    assert auroc(truth, truth) == average_precision(truth, truth) == 1.0
    assert auroc(np.full(4, 0.3), truth) == 0.5
    assert average_precision(np.full(4, 0.3), truth) == 0.5
    assert auroc(1 - truth, truth) == 0.0


def test_one_outcome_alone_is_not_a_half():
    assert math.isnan(auroc([0.1, 0.2], [0, 0]))
    assert math.isnan(auroc([0.1, 0.2], [1, 1]))
    assert math.isnan(average_precision([0.1, 0.2], [0, 0]))
    assert average_precision([0.1, 0.2], [1, 1]) == 1.0


def test_macro_mean_leaves_out_by_name():
    rng = np.random.default_rng(0)
    score, truth = rng.random((40, 3)), rng.integers(0, 2, (40, 3))
    truth[:, 1] = 0
    mean = macro_auroc(score, truth, classes=("CD", "HYP", "MI"))
    assert mean.left_out == ("HYP",)
    assert math.isnan(mean.per_class["HYP"])
    assert mean.value == pytest.approx(
        oracle.roc_auc_score(truth[:, [0, 2]], score[:, [0, 2]], average="macro")
    )
    precision = macro_average_precision(score, truth, classes=("CD", "HYP", "MI"))
    assert precision.left_out == ("HYP",)
    assert precision.value == pytest.approx(
        oracle.average_precision_score(truth[:, [0, 2]], score[:, [0, 2]])
    )
    nothing = macro_auroc(score, truth * 0, classes=("CD", "HYP", "MI"))
    assert math.isnan(nothing.value)
    assert nothing.left_out == ("CD", "HYP", "MI")


@pytest.mark.parametrize(
    ("score", "truth"),
    [([0.1], [0, 1]), ([], []), ([np.nan, 0.1], [0, 1]), ([0.1, 0.2], [0, 2])],
)
def test_wrong_arguments_are_refused(score, truth):
    with pytest.raises(InvalidArgumentError):
        auroc(score, truth)


def test_columns_must_match_names():
    with pytest.raises(InvalidArgumentError, match="one column for each of CD, MI"):
        macro_auroc(np.zeros((4, 3)), np.zeros((4, 3)), classes=("CD", "MI"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_all_classes_at_once_are_as_one_by_one(dtype):
    """And as scikit-learn has them, with ties and a class of one positive."""
    rng = np.random.default_rng(5)
    score = np.round(rng.random((200, 7)), 2).astype(dtype)
    truth = (rng.random((200, 7)) < 0.3).astype(int)
    truth[:, 2] = 0
    truth[17, 2] = 1
    names = [f"c{k}" for k in range(7)]
    areas, precisions = macro_areas(score, truth, classes=names)
    for k, name in enumerate(names):
        assert areas.per_class[name] == auroc(score[:, k], truth[:, k])
        assert precisions.per_class[name] == average_precision(score[:, k], truth[:, k])
        assert areas.per_class[name] == pytest.approx(
            oracle.roc_auc_score(truth[:, k], score[:, k]), abs=1e-12
        )
        assert precisions.per_class[name] == pytest.approx(
            oracle.average_precision_score(truth[:, k], score[:, k]), abs=1e-12
        )
    assert areas == macro_auroc(score, truth, classes=names)
    assert precisions == macro_average_precision(score, truth, classes=names)


def test_columns_are_not_mixed_up():
    score = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    truth = np.array([[1, 1], [1, 0], [0, 0]])
    areas = macro_auroc(score, truth, classes=("AF", "SB"))
    assert areas.per_class == {"AF": 1.0, "SB": 0.0}


@pytest.mark.parametrize("truth", [[[0.5], [0]], [[2], [0]], [[np.nan], [0]]])
def test_truths_are_0_or_1(truth):
    with pytest.raises(InvalidArgumentError, match="0 or 1"):
        macro_auroc(np.zeros((2, 1)), np.array(truth), classes=("AF",))


def test_no_row_is_refused():
    with pytest.raises(InvalidArgumentError, match="no row"):
        macro_auroc(np.zeros((0, 1)), np.zeros((0, 1)), classes=("AF",))
