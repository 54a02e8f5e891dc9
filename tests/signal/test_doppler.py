"""Folding and its undoing: closed-form jets, and an independent library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from cardium.errors import InvalidArgumentError
from cardium.metrics.velocity import folded_difference
from cardium.signal import fold, turbulence, unfold

LIMIT = 0.6
ROWS, BEAMS = np.mgrid[-1:1:180j, -1:1:90j]


def jet(peak: float, width: float = 0.35) -> np.ndarray:
    """A Gaussian jet that bends a little, with a slow counterflow beside it."""
    across = BEAMS - 0.15 * np.sin(2 * ROWS)
    core = peak * np.exp(-((across / width) ** 2) - ROWS**2 / 0.8)
    return core - 0.15 * np.exp(-(((across - 0.8) / 0.2) ** 2))


@given(st.floats(-10, 10), st.floats(0.05, 5))
def test_folding_keeps_the_phase_and_the_interval(velocity, limit) -> None:
    folded = float(fold(velocity, limit))
    assert -limit <= folded < limit
    turns = (velocity - folded) / (2 * limit)
    assert turns == pytest.approx(round(turns), abs=1e-6)


def test_the_limit_itself_is_the_lower_end() -> None:
    assert fold([0.6, -0.6, 1.8], 0.6).tolist() == pytest.approx([-0.6] * 3)
    single = fold(np.nextafter(np.float32(0.6), np.float32(0)), 0.6)
    assert single.dtype == np.float32
    assert single < np.float32(0.6)


def test_folding_agrees_with_the_metric_and_keeps_nan() -> None:
    values = np.array([0.7, -2.0, np.nan])
    other = folded_difference(values, np.zeros(3), velocity_limit=0.6)
    assert np.allclose(fold(values, 0.6), other, equal_nan=True)
    with pytest.raises(InvalidArgumentError, match="positive"):
        fold(values, 0.0)


@pytest.mark.parametrize("peak", [0.5, 1.1, -1.1, 2.3])
def test_a_jet_is_unfolded_even_twice(peak) -> None:
    true = jet(peak)
    assert np.abs(unfold(fold(true, LIMIT), LIMIT) - true).max() < 1e-9


def test_a_noisy_jet_is_unfolded_but_for_a_few_samples() -> None:
    noise = 0.08 * np.random.default_rng(0).standard_normal(ROWS.shape)
    true = jet(1.1)
    got = unfold(fold(true + noise, LIMIT), LIMIT)
    assert (np.abs(got - true - noise) > LIMIT).mean() < 1e-3


def test_what_is_unfolded_folds_back() -> None:
    rng = np.random.default_rng(1)
    seen = rng.uniform(-LIMIT, LIMIT, (3, 40, 30))
    power = rng.uniform(0, 1, seen.shape)
    got = unfold(seen, LIMIT, power=power)
    assert (np.isnan(got) == (power < 0.3)).all()
    lit = power >= 0.3
    assert np.abs(fold(got[lit] - seen[lit] + 0.1, LIMIT) - 0.1).max() < 1e-9


def test_the_rim_anchors_a_region_that_is_mostly_folded() -> None:
    """Fast nearly everywhere, slow at the wall: most samples are folded."""
    radius = np.hypot(ROWS, BEAMS)
    vessel = 1.0 * np.minimum(1, (1 - radius) / 0.15)
    power = (radius < 0.97).astype(float)
    seen = fold(np.where(radius < 1, vessel, 0.0), LIMIT)
    got = unfold(seen, LIMIT, power=power)
    inside = power > 0
    assert (np.abs(seen[inside]) != np.abs(vessel[inside])).mean() > 0.5
    assert np.abs(got - vessel)[inside].max() < 1e-9
    # Without power there is no rim, and the most samples win, wrongly.
    assert np.abs(unfold(seen, LIMIT) - vessel)[inside].max() > LIMIT


def test_regions_that_do_not_touch_stand_alone() -> None:
    true, power = np.zeros((40, 60)), np.zeros((40, 60))
    for column, sign in ((15, 1), (45, -1)):
        rows, beams = np.mgrid[-20:20, -column : 60 - column]
        spot = np.exp(-(rows**2 + beams**2) / 60)
        true += sign * 1.0 * spot
        power += spot > 0.15
    got = unfold(fold(true, LIMIT), LIMIT, power=power)
    lit = power > 0
    assert np.abs(got - true)[lit].max() < 1e-9
    assert np.isnan(got[~lit]).all()


def test_frames_stand_alone_or_are_one_block() -> None:
    film = np.stack([jet(p) for p in (0.2, 0.5, 0.8, 1.1)])
    seen = fold(film, LIMIT)
    assert np.abs(unfold(seen, LIMIT) - film).max() < 1e-9
    assert np.abs(unfold(seen, LIMIT, over_time=True) - film).max() < 1e-9
    assert np.abs(unfold(seen[3:], LIMIT, over_time=True) - film[3:]).max() < 1e-9


def test_missing_velocities_stay_missing() -> None:
    seen = fold(jet(1.1), LIMIT)
    seen[:20] = np.nan
    got = unfold(seen, LIMIT)
    assert np.isnan(got[:20]).all()
    assert np.abs(got - jet(1.1))[20:].max() < 1e-9
    assert np.isnan(unfold(np.full((5, 5), np.nan), LIMIT)).all()


def test_velocities_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"\(R, A\) or \(T, R, A\)"):
        unfold(np.zeros(5), LIMIT)
    with pytest.raises(InvalidArgumentError, match=r"\(5, 5\) and a power of \(5, 4\)"):
        unfold(np.zeros((5, 5)), LIMIT, power=np.zeros((5, 4)))


@pytest.mark.parametrize("size", [3, 5])
def test_turbulence_is_the_published_proxy(size) -> None:
    values = np.random.default_rng(2).normal(0.3, 0.2, (2, 20, 15))
    box = {"size": (1, size, size), "mode": "constant", "cval": 0.0}
    mean = ndimage.uniform_filter(values, **box)
    squares = ndimage.uniform_filter(values**2, **box)
    assert np.allclose(turbulence(values, size), np.sqrt(squares - mean**2))


def test_the_corrected_border_takes_what_there_is() -> None:
    values = np.random.default_rng(3).normal(0.3, 0.2, (20, 15))
    got = turbulence(values, border="corrected")
    assert got[5, 5] == pytest.approx(values[4:7, 4:7].std())
    assert got[0, 0] == pytest.approx(values[:2, :2].std())
    assert got[0, 7] == pytest.approx(values[:2, 6:9].std())
    values[8, 8] = np.nan
    holed = turbulence(values, border="corrected")
    assert np.isnan(holed[8, 8])
    assert holed[7, 7] == pytest.approx(np.nanstd(values[6:9, 6:9]))
    assert np.isnan(turbulence(values)[7:10, 7:10]).all()


def test_a_fold_is_no_turbulence_where_the_limit_is_known() -> None:
    flow = np.tile(np.linspace(0.5, 0.7, 20), (9, 1))
    seen = fold(flow, LIMIT)
    known = {"border": "corrected", "velocity_limit": LIMIT}
    assert turbulence(seen, border="corrected").max() > 0.5
    assert turbulence(seen, **known) == pytest.approx(
        turbulence(flow, border="corrected")
    )


@pytest.mark.parametrize(("size", "border"), [(2, "published"), (3, "reflect")])
def test_options_that_make_no_sense_are_refused(size, border) -> None:
    with pytest.raises(InvalidArgumentError, match="turbulence"):
        turbulence(np.zeros((4, 4)), size, border=border)
