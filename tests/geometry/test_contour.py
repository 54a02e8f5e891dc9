"""Contours: areas known in closed form, and what independent libraries fill."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.core import STRUCTURES, UNLABELLED, PlaneGrid, Sector, SectorVolume
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import (
    chamber_label_map,
    contour_mask,
    lv_label_map,
    plane_around,
    polygon_area,
    with_shape,
)

SECTOR = Sector(depth=(0.005, 0.12), angle=(-0.7, 0.6), shape=(400, 300))
CURVED = Sector((0.005, 0.12), (-0.5, 0.6), (300, 330), apex_offset=0.04)
PLANE = PlaneGrid(x=(-0.06, 0.07), z=(0.0, 0.12), shape=(400, 430))
WIDE = Sector(depth=(0.0, 0.12), angle=(-1.4, 1.4), shape=(400, 600))
CAVITY, MYOCARDIUM = STRUCTURES.index("lv_cavity"), STRUCTURES.index("myocardium")


def ventricle(half_width, length, points=41):
    """Half an ellipse, open at the valve: apex up at 20 mm, valve at 20 mm + length."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, points)
    x = 0.01 + half_width * np.sin(angle)
    return np.stack([x, 0.02 + length - length * np.cos(angle)], axis=1)


def crossing_number(contour, x, z):
    """Even-odd rule for points, one edge after another, from the definition."""
    odd = np.zeros(np.shape(x), bool)
    for (x0, z0), (x1, z1) in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        if z0 != z1:
            at = x0 + (z - z0) / (z1 - z0) * (x1 - x0)
            odd ^= ((z0 > z) != (z1 > z)) & (x < at)
    return odd


star = np.array([(0.0, 0.02), (0.03, 0.1), (-0.035, 0.05), (0.04, 0.05), (-0.02, 0.1)])


@pytest.mark.parametrize(
    "geometry", [PLANE, SECTOR, CURVED], ids=["plane", "sector", "curved"]
)
@pytest.mark.parametrize(
    "contour",
    [
        ventricle(0.02, 0.07),
        star,
        np.array([(0.0101, 0.0203), (0.0507, 0.0601), (-0.0209, 0.1003)]),
    ],
    ids=["ventricle", "star", "triangle"],
)
def test_mask_is_the_even_odd_rule_at_sample_centres(contour, geometry):
    expected = crossing_number(contour, *geometry.points())
    np.testing.assert_array_equal(contour_mask(contour, geometry), expected)


@given(
    st.lists(
        st.tuples(st.integers(-80, 80), st.integers(-30, 150)),
        min_size=3,
        max_size=12,
        unique=True,
    ),
    st.sampled_from(
        [
            with_shape(SECTOR, (23, 19)),
            Sector(depth=(0.0, 0.1), angle=(-np.pi, np.pi), shape=(17, 30)),
            Sector((-0.01, 0.1), (-1.0, 0.8), (19, 21), apex_offset=0.03),
            with_shape(PLANE, (21, 26)),
        ]
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_polygon_even_around_the_apex(vertices, geometry):
    contour = np.array(vertices) / 1000
    x, z = geometry.points()
    clear = np.ones(geometry.shape, bool)  # samples that no edge touches
    for a, b in zip(contour, np.roll(contour, -1, axis=0), strict=True):
        edge = b - a
        along = ((x - a[0]) * edge[0] + (z - a[1]) * edge[1]) / (edge @ edge)
        along = np.clip(along, 0, 1)
        gap = np.hypot(x - a[0] - along * edge[0], z - a[1] - along * edge[1])
        clear &= gap > 1e-9
    expected = crossing_number(contour, x, z)
    mask = contour_mask(contour, geometry)
    np.testing.assert_array_equal(mask[clear], expected[clear])


def test_agrees_with_skimage_and_matplotlib():
    contour = ventricle(0.0213, 0.0701)
    mask = contour_mask(contour, PLANE)
    row, column = PLANE.index_of(*contour.T)
    draw = pytest.importorskip("skimage.draw")
    polygon = draw.polygon2mask(PLANE.shape, np.stack([row, column], axis=1))
    np.testing.assert_array_equal(mask, polygon)
    path = pytest.importorskip("matplotlib.path").Path(contour)
    points = np.stack([a.ravel() for a in PLANE.points()], axis=1)
    np.testing.assert_array_equal(mask.ravel(), path.contains_points(points))
    beams = np.stack([a.ravel() for a in SECTOR.points()], axis=1)
    in_beams = contour_mask(contour, SECTOR)
    np.testing.assert_array_equal(in_beams.ravel(), path.contains_points(beams))


@pytest.mark.parametrize(
    "geometry", [PLANE, SECTOR, CURVED], ids=["plane", "sector", "curved"]
)
def test_area_by_samples_is_the_area_by_the_shoelace(geometry):
    contour = ventricle(0.02, 0.07)
    area = (geometry.sample_areas() * contour_mask(contour, geometry)).sum()
    assert area == pytest.approx(polygon_area(contour), rel=2e-3)


def test_area_in_closed_form():
    assert polygon_area(np.array([(1.0, 1), (1, 3), (4, 3), (4, 1)])) == 6.0
    assert polygon_area(np.array([(4.0, 1), (4, 3), (1, 3), (1, 1)])) == 6.0
    n, radius = 1000, 0.03
    angle = np.arange(n) * 2 * np.pi / n
    circle = np.stack([radius * np.cos(angle) + 5, radius * np.sin(angle)], axis=1)
    expected = n / 2 * radius**2 * np.sin(2 * np.pi / n)
    assert polygon_area(circle) == pytest.approx(expected, rel=1e-9)


def test_asymmetric_contour_stays_on_its_side():
    contour = np.array([(0.02, 0.03), (0.04, 0.03), (0.04, 0.09), (0.02, 0.09)])
    for geometry in (PLANE, SECTOR):
        x, z = geometry.points()
        mask = contour_mask(contour, geometry)
        assert x[mask].min() >= 0.02 - 1e-12
        assert (z[mask].min(), z[mask].max()) == pytest.approx((0.03, 0.09), abs=5e-4)
        within = (x > 0.0201) & (x < 0.0399) & (z > 0.0301) & (z < 0.0899)
        assert mask[within].all()


def test_contours_that_share_an_edge_share_no_sample():
    plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.1), shape=(11, 11))
    left = np.array([(0.0, 0.0), (0.05, 0.0), (0.05, 0.1), (0.0, 0.1)])
    right = left + np.array([0.05, 0.0])
    masks = contour_mask(left, plane).astype(int) + contour_mask(right, plane)
    assert masks.max() == 1
    assert masks[:-1, :-1].sum() == 100


def test_start_and_direction_do_not_matter():
    contour = ventricle(0.0213, 0.0701)
    for geometry in (PLANE, SECTOR):
        expected = contour_mask(contour, geometry)
        for other in (contour[::-1], np.roll(contour, 7, axis=0)):
            np.testing.assert_array_equal(contour_mask(other, geometry), expected)


def test_missing_vertices_are_dropped():
    contour = ventricle(0.02, 0.07)
    gaps = np.insert(contour, [0, 5, 41], np.nan, axis=0)
    gaps[0, 0] = 0.3  # one number of a vertex is not a vertex
    for geometry in (PLANE, SECTOR):
        expected = contour_mask(contour, geometry)
        np.testing.assert_array_equal(contour_mask(gaps, geometry), expected)
        for few in (np.empty((0, 2)), contour[:2], np.full((9, 2), np.nan)):
            mask = contour_mask(few, geometry)
            assert mask.shape == geometry.shape
            assert not mask.any()
    assert polygon_area(gaps) == polygon_area(contour)
    assert polygon_area(contour[:2]) == 0.0


def test_contour_larger_than_the_fan_and_beside_it():
    whole = np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])
    assert contour_mask(whole, SECTOR).all()
    assert contour_mask(whole, PLANE).all()
    behind_the_probe = np.array([(-0.1, -0.1), (0.1, -0.1), (0.0, -0.01)])
    assert not contour_mask(behind_the_probe, SECTOR).any()


@pytest.mark.parametrize("geometry", [PLANE, WIDE], ids=["plane", "sector"])
def test_label_map_of_a_ventricle(geometry):
    inner, outer = ventricle(0.02, 0.07, 101), ventricle(0.03, 0.07, 101)
    outer[:, 1] = 0.012 + (outer[:, 1] - 0.02) * 0.078 / 0.07
    labels = lv_label_map(inner, outer, geometry)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, CAVITY, MYOCARDIUM}
    areas = geometry.sample_areas()
    cavity = areas[labels == CAVITY].sum()
    muscle = areas[labels == MYOCARDIUM].sum()
    assert cavity == pytest.approx(np.pi / 2 * 0.02 * 0.07, rel=4e-3)
    expected = np.pi / 2 * (0.03 * 0.078 - 0.02 * 0.07)
    assert muscle == pytest.approx(expected, rel=4e-3)
    x, z = geometry.points()
    behind_valve = (abs(x - 0.01) < 0.019) & (z > 0.0901)
    assert (labels[behind_valve] == STRUCTURES.index("background")).all()
    assert (labels[behind_valve].size) > 100


def test_frame_without_contours_is_unlabelled():
    inner, none = ventricle(0.02, 0.07), np.full((41, 2), np.nan)
    for pair in ((inner, none), (none, inner), (none, none)):
        assert (lv_label_map(*pair, PLANE) == UNLABELLED).all()


def test_wrong_shapes_are_refused():
    contour = ventricle(0.02, 0.07)
    for wrong in (contour.T, contour[None], contour.ravel()):
        with pytest.raises(InvalidArgumentError, match=r"\(N, 2\)"):
            contour_mask(wrong, PLANE)
        with pytest.raises(InvalidArgumentError, match=r"\(N, 2\)"):
            polygon_area(wrong)


def test_beams_and_pixels_see_the_same_ventricle():
    contour = ventricle(0.02, 0.07)
    fine = with_shape(plane_around(SECTOR), (500, 600))
    pixels = (fine.sample_areas() * contour_mask(contour, fine)).sum()
    beams = (SECTOR.sample_areas() * contour_mask(contour, SECTOR)).sum()
    assert beams == pytest.approx(pixels, rel=3e-3)


def layered(half_width, length, *, layers, growth=0.01, points=81):
    """Layers of half an ellipse, evenly apart from the cavity outwards."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, points)
    grown = growth * np.linspace(0, 1, layers)[:, None]
    x = 0.01 + (half_width + grown) * np.sin(angle)
    return np.stack([x, 0.09 - (length + grown) * np.cos(angle)], axis=-1)


@pytest.mark.parametrize(
    ("chamber", "layers", "names"),
    [
        ("lv", 5, ("lv_cavity", "myocardium")),
        ("la", 5, ("la_cavity", "la_wall")),
        ("rv", 3, ("rv_cavity", "rv_wall")),
    ],
)
@pytest.mark.parametrize(
    "geometry", [PLANE, WIDE, CURVED], ids=["plane", "sector", "curved"]
)
def test_label_map_of_a_chamber(chamber, layers, names, geometry):
    contour = layered(0.02, 0.06, layers=layers)
    labels = chamber_label_map(contour, geometry, chamber=chamber)
    cavity, wall = map(STRUCTURES.index, names)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, cavity, wall}
    areas = geometry.sample_areas()
    assert areas[labels == cavity].sum() == pytest.approx(
        polygon_area(contour[0]), rel=4e-3
    )
    strip = np.concatenate([contour[0], contour[-1][::-1]])
    assert areas[labels == wall].sum() == pytest.approx(polygon_area(strip), rel=4e-3)
    x, z = geometry.points()
    behind_valve = (abs(x - 0.01) < 0.03) & (z > 0.0901)
    assert (labels[behind_valve] == 0).all()
    # The wall is the cavity's neighbour on both sides and above it, not across.
    for place in ((-0.015, 0.08), (0.035, 0.08), (0.01, 0.025)):
        row, column = np.rint(geometry.index_of(*map(np.array, place))).astype(int)
        assert labels[row, column] == wall
    row, column = np.rint(geometry.index_of(np.array(0.01), np.array(0.06))).astype(int)
    assert labels[row, column] == cavity


def test_label_map_of_layers_is_the_one_of_its_borders():
    contour = layered(0.02, 0.06, layers=5)
    for geometry in (PLANE, SECTOR, CURVED):
        expected = lv_label_map(contour[0], contour[-1], geometry)
        labels = chamber_label_map(contour, geometry, chamber="lv")
        np.testing.assert_array_equal(labels, expected)


def test_a_point_that_one_layer_lacks_is_dropped_from_all():
    contour = layered(0.02, 0.06, layers=5)
    gaps = contour.copy()
    gaps[2, 10], gaps[4, 70, 1] = np.nan, np.inf
    expected = chamber_label_map(
        np.delete(contour, [10, 70], axis=1), PLANE, chamber="lv"
    )
    np.testing.assert_array_equal(
        chamber_label_map(gaps, PLANE, chamber="lv"), expected
    )
    gaps[0, 1:] = np.nan
    assert (chamber_label_map(gaps, PLANE, chamber="lv") == UNLABELLED).all()
    two = chamber_label_map(contour[:, :2], PLANE, chamber="lv")
    assert set(np.unique(two)) == {0, MYOCARDIUM}


def test_a_wall_that_folds_onto_itself_has_no_hole():
    # Down, right, up and back over its own start: the strip crosses itself.
    inner = np.array(
        [(0.02, 0.02), (0.02, 0.06), (0.05, 0.06), (0.05, 0.03), (0.0, 0.03)]
    )
    outer = np.array(
        [(0.01, 0.02), (0.01, 0.07), (0.06, 0.07), (0.06, 0.04), (0.0, 0.04)]
    )
    labels = chamber_label_map(np.stack([inner, outer]), PLANE, chamber="lv")
    row, column = np.rint(PLANE.index_of(np.array(0.015), np.array(0.035))).astype(int)
    assert labels[row, column] == MYOCARDIUM


def test_chambers_volumes_and_shapes_that_make_no_sense_are_refused():
    contour = layered(0.02, 0.06, layers=5)
    fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.5, 0.5), (3, 4, 5))
    with pytest.raises(GeometryError, match="SectorVolume"):
        chamber_label_map(contour, fan, chamber="lv")
    with pytest.raises(GeometryError, match="SectorVolume"):
        contour_mask(contour[0], fan)
    with pytest.raises(GeometryError, match="SectorVolume"):
        lv_label_map(contour[0], contour[-1], fan)
    with pytest.raises(InvalidArgumentError, match="'ra'"):
        chamber_label_map(contour, PLANE, chamber="ra")
    for wrong in (contour[0], contour[:1], contour[None], contour.transpose(2, 1, 0)):
        with pytest.raises(InvalidArgumentError, match="layer"):
            chamber_label_map(wrong, PLANE, chamber="lv")
