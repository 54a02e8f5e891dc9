from __future__ import annotations

import numpy as np
import pytest

from cardium.core import STRUCTURES
from cardium.errors import InvalidArgumentError
from cardium.phantom.anatomy import (
    ECHOGENICITY_DB,
    TISSUES,
    Function,
    LeftVentricle,
    sample_heart,
)


def integrate(lv: LeftVentricle, *, fraction: float) -> float:
    """Volume inside a layer, by the trapezoid rule."""
    z = np.linspace(-lv.wall, lv.length, 200_001)
    squared = lv.layer_radius_squared(z, fraction=fraction)
    return float(np.trapezoid(np.pi * squared, z))


def test_volumes_match_numeric_integration():
    lv = LeftVentricle(0.051, 0.024, 0.009, 0.65)
    inner, outer = (integrate(lv, fraction=f) for f in (0.0, 1.0))
    assert lv.cavity_volume == pytest.approx(inner, rel=1e-8)
    assert lv.myocardial_volume == pytest.approx(outer - inner, rel=1e-8)


def test_whole_sphere_has_the_volume_of_a_sphere():
    lv = LeftVentricle(0.03, 0.03, 0.01, 1 - 1e-9)
    assert lv.cavity_volume == pytest.approx(4 / 3 * np.pi * 0.03**3, rel=1e-8)


def test_layer_points_run_from_septal_to_lateral_base_on_their_layer():
    lv = LeftVentricle(0.05, 0.024, 0.010, 0.6)
    x, z = lv.layer_points(0.5, 41).T
    assert x[0] < 0 < x[-1]
    assert (np.diff(x[15:26]) > 0).all()
    assert z[[0, -1]] == pytest.approx(lv.length)
    assert (x[20], z[20]) == pytest.approx((0, -0.005), abs=1e-15)
    np.testing.assert_allclose(x**2, lv.layer_radius_squared(z, fraction=0.5), 1e-9)


def test_patients_lie_in_the_physiological_ranges_and_fill_them():
    hearts = [sample_heart(seed) for seed in range(300)]
    volume = np.array([h.ventricle.cavity_volume * 1e6 for h in hearts])
    fraction = np.array([h.function.ejection_fraction for h in hearts])
    wall = np.array([h.ventricle.wall for h in hearts])
    rate = np.array([h.function.heart_rate for h in hearts])
    diameter = np.array([2 * h.ventricle.short_axis for h in hearts])
    for value, low, high in (
        (volume, 60, 200),
        (fraction, 0.25, 0.70),
        (wall, 0.007, 0.012),
        (rate, 50, 90),
        (diameter, 0.035, 0.060),
    ):
        assert low <= value.min() < low + 0.25 * (high - low)
        assert high - 0.25 * (high - low) < value.max() <= high
    assert np.corrcoef(fraction, volume)[0, 1] < -0.4


def test_same_seed_same_heart():
    assert sample_heart(5) == sample_heart(5)
    assert sample_heart(5) != sample_heart(6)


def test_tissues_begin_with_the_first_structures():
    assert TISSUES[:6] == STRUCTURES[:6]
    assert set(ECHOGENICITY_DB) == set(TISSUES)


def test_classify_puts_the_right_heart_at_the_septum():
    heart = sample_heart(2)
    lv = heart.ventricle
    rim, middle = lv.short_axis + lv.wall, lv.long_axis
    points = {
        "lv_cavity": (0.0, 0.0, middle),
        "myocardium": (lv.short_axis + lv.wall / 2, 0.0, middle),
        "rv_cavity": (-rim - 0.008, 0.0, middle),
        "pericardium": (rim + 0.001, 0.0, middle),
        "la_cavity": (0.0, 0.0, lv.length + 0.02),
        "ra_cavity": (-rim - 0.012, 0.0, lv.length + 0.02),
        "background": (rim + 0.02, 0.0, middle),
    }
    codes = heart.classify(np.array(list(points.values())))
    assert codes.dtype == np.uint8
    assert [TISSUES[code] for code in codes] == list(points)


def test_classified_volumes_match_the_closed_form():
    heart = sample_heart(4)
    side = np.arange(-0.04, 0.04, 0.0008)
    height = np.arange(-0.014, 0.11, 0.0008)
    points = np.stack(np.meshgrid(side, side, height, indexing="ij"), axis=-1)
    count = np.bincount(heart.classify(points).ravel(), minlength=len(TISSUES))
    volume = dict(zip(TISSUES, count * 0.0008**3, strict=True))
    lv = heart.ventricle
    assert volume["lv_cavity"] == pytest.approx(lv.cavity_volume, rel=0.005)
    assert volume["myocardium"] == pytest.approx(lv.myocardial_volume, rel=0.005)


def test_the_lung_is_darker_than_the_tissue_over_the_apex():
    heart = sample_heart(2)
    points = np.array([[0.0, 0.0, -0.015], [0.08, 0.0, 0.05]])
    over, lung = heart.echogenicity(points, heart.classify(points))
    assert over == ECHOGENICITY_DB["background"]
    assert lung < over - 5


@pytest.mark.parametrize(
    "change", [{"wall": 0.0}, {"short_axis": -1.0}, {"truncation": 1.0}]
)
def test_impossible_ventricles_are_refused(change):
    good = {"long_axis": 0.05, "short_axis": 0.02, "wall": 0.01, "truncation": 0.6}
    with pytest.raises(InvalidArgumentError, match="LeftVentricle"):
        LeftVentricle(**{**good, **change})


def test_percent_is_refused():
    with pytest.raises(InvalidArgumentError, match="percent"):
        Function(60, 55.0, 0.15, 0.1, 0.6)
    with pytest.raises(InvalidArgumentError, match="wholly"):
        Function(60, 1.0, 0.15, 0.1, 0.6)


def test_negative_seeds_are_refused():
    with pytest.raises(InvalidArgumentError, match="seed"):
        sample_heart(-1)
