"""Reliability curves: known answers, and the section of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from cardium.errors import InvalidArgumentError
from cardium.evaluate.report import Report, ScoreTable
from cardium.plot import write_report
from cardium.plot.calibration import (
    POOLED,
    calibration,
    draw_calibration,
    reliabilities,
    reliability,
)
from cardium.plot.style import png_bytes

RANDOM = np.random.default_rng(0)
PROBABILITY = RANDOM.uniform(size=(400, 3)) ** 2
TRUTH = (RANDOM.uniform(size=PROBABILITY.shape) < PROBABILITY).astype(int)


def test_the_curve_is_that_of_scikit_learn() -> None:
    found = reliability(PROBABILITY[:, 0], TRUTH[:, 0], bins=7)
    share, mean = calibration_curve(TRUTH[:, 0], PROBABILITY[:, 0], n_bins=7)
    there = found.count > 0
    assert np.allclose(found.share[there], share)
    assert np.allclose(found.mean[there], mean)
    assert found.count.sum() == 400
    assert found.true == TRUTH[:, 0].sum()


def test_the_error_is_the_mean_distance() -> None:
    always = reliability(np.full(10, 0.9), np.r_[np.ones(4), np.zeros(6)])
    assert np.isclose(always.error, 0.5)
    assert reliability([1.0, 0.0], [1, 0]).error == 0
    assert reliability([1.0, 0.0], [0, 1]).error == 1
    assert reliability([0.0, 1.0], [0, 1]).count.tolist() == [1, *[0] * 8, 1]


def test_all_classes_together_and_then_each() -> None:
    curves = reliabilities(PROBABILITY, TRUTH, ("a", "b", "c"))
    assert [c.name for c in curves] == [POOLED, "a", "b", "c"]
    assert curves[0].count.sum() == 1200
    by_hand = reliability(PROBABILITY[:, 1], TRUTH[:, 1])
    assert curves[2].error == by_hand.error
    assert curves[1].error != curves[2].error


@pytest.mark.parametrize(
    ("probability", "truth"),
    [([1.2], [1]), ([0.5], [2]), ([], []), ([0.5, 0.5], [1]), ([np.nan], [1])],
)
def test_what_is_no_probability_is_refused(probability, truth) -> None:
    with pytest.raises(InvalidArgumentError):
        reliability(probability, truth)


def test_columns_must_have_names() -> None:
    with pytest.raises(InvalidArgumentError, match="a, b"):
        reliabilities(PROBABILITY, TRUTH, ("a", "b"))


def test_the_picture_has_a_panel_a_class_with_counts() -> None:
    figure = draw_calibration(PROBABILITY, TRUTH, ("a", "b", "c"), title="x")
    assert len(figure.axes) == 4
    assert f"true {TRUTH[:, 1].sum()} of 400" in figure.axes[2].get_title(loc="left")
    curve = figure.axes[2].lines[1].get_xydata()
    expected = reliability(PROBABILITY[:, 1], TRUTH[:, 1])
    assert np.allclose(curve, np.stack([expected.mean, expected.share], axis=1))
    assert png_bytes(figure).startswith(b"\x89PNG")


def scored(report: Report, classes: tuple[str, ...] = ("a", "b<c", "d")) -> Report:
    """A report of many recordings with probabilities."""
    count = len(PROBABILITY)
    columns = {
        f"{kind}_{name}": values[:, k % 3].astype(float)
        for kind, values in (("probability", PROBABILITY), ("truth", TRUTH))
        for k, name in enumerate(classes)
    }
    names = tuple(map(str, range(count)))
    return replace(report, scores=ScoreTable(names, names, {}, columns))


def test_the_page_says_how_far_probabilities_are_off(
    report: Report, tmp_path: Path
) -> None:
    write_report([scored(report)], tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    pooled = reliabilities(PROBABILITY, TRUTH, ("a", "b", "c"))[0]
    assert "<h2>Calibration</h2>" in page
    assert f"{pooled.error:.3f}" in page
    assert "b&lt;c" in page
    assert "b<c" not in page
    assert len(page) < 60_000


def test_a_page_without_probabilities_has_no_such_section(report: Report) -> None:
    assert calibration({"unet": report}) == ""


def test_of_many_classes_the_commonest_are_drawn(report: Report) -> None:
    many = tuple(f"k{k}" for k in range(71))
    text = calibration({"one": scored(report, many), "two": scored(report, many)})
    assert "the 12 commonest" in text
    assert len(text) < 60_000
