from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import PlaneGrid, SlicePlane
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry import polygon_area
from cardium.geometry.mesh import mesh_section
from cardium.phantom.acquisition import Acquisition, begin
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.probe import Placement
from cardium.phantom.views import APICAL_VIEWS, SHORT_AXIS_VIEWS, VIEWS, hold_probe
from cardium.phantom.views import outline as cut

SICK = Patient(
    number=4,
    ef_percent=42,
    gls_percent=-12.5,
    septal_excess_mm=3,
    conditions=("infarct",),
    infarct=Infarct("lad", 0.8),
)


def scene(view: str, patient: Patient = Patient()) -> Acquisition:  # noqa: B008
    return begin(patient, what=f"b_mode {view}", beats=1)


def where(view: str, degrees: float, height: float = 0.5) -> np.ndarray:
    """Image place of the wall at an angle around the axis, against the axis itself."""
    at = scene(view)
    lv, angle = at.heart.ventricle, math.radians(degrees)
    z = height * lv.length
    wall = np.array([0.03 * math.cos(angle), 0.03 * math.sin(angle), z])
    placement = hold_probe(at, view)
    return placement.to_image(wall) - placement.to_image(np.array([0.0, 0.0, z]))


@pytest.mark.parametrize(
    ("view", "right", "left"),
    [("4ch", 0, 180), ("2ch", -60, 120), ("3ch", -120, 60)],
)
def test_apical_views_show_their_walls_left_and_right(view, right, left):
    assert where(view, right)[0] > 0.028
    assert where(view, left)[0] < -0.028
    at = scene(view)
    placement = hold_probe(at, view)
    apex, base = placement.to_image(
        np.array([[0.0, 0.0, 0.0], [0.0, 0.0, at.heart.ventricle.length]])
    )
    assert 0.015 < apex[2] < 0.035
    assert base[2] > apex[2] + 0.06


def test_parasternal_long_axis_has_the_apex_left_and_the_right_ventricle_on_top():
    at = scene("plax")
    placement = hold_probe(at, "plax")
    apex, base = placement.to_image(
        np.array([[0.0, 0.0, 0.0], [0.0, 0.0, at.heart.ventricle.length]])
    )
    assert apex[0] < base[0] - 0.06
    # Anteroseptal wall, near the right ventricle and the outflow tract, on top.
    assert where("plax", -120)[2] < -0.028
    assert where("plax", 60)[2] > 0.028
    # The left atrium is to the right and below, the aorta to the right and above.
    atrium = placement.to_image(np.array(at.heart.left_atrium.centre))
    assert atrium[0] > base[0]
    assert atrium[2] > base[2]


@pytest.mark.parametrize("view", SHORT_AXIS_VIEWS)
def test_short_axis_is_seen_from_the_apex(view):
    assert where(view, -60)[2] < -0.025  # anterior on top
    assert where(view, 120)[2] > 0.025  # inferior below
    assert where(view, -167)[0] < -0.025  # septum, next to the right ventricle, left
    assert where(view, 0)[0] > 0.025  # lateral right
    assert hold_probe(scene(view), view).rotation[1] == pytest.approx([0, 0, -1])


def test_short_axis_levels_go_from_base_to_apex():
    heights = []
    for view in SHORT_AXIS_VIEWS:
        at = scene(view)
        placement = hold_probe(at, view)
        heights.append(placement.origin[1] / at.heart.ventricle.length)
    assert heights[0] > heights[1] + 0.15 > heights[2] + 0.3


def test_views_vary_with_the_examination_and_not_otherwise():
    first, again = (hold_probe(scene("4ch"), "4ch") for _ in range(2))
    np.testing.assert_array_equal(first.rotation, again.rotation)
    other = hold_probe(scene("4ch", Patient(visit=1)), "4ch")
    assert abs(other.rotation - first.rotation).max() > 1e-4
    tilted = hold_probe(scene("4ch"), "4ch", tilt=0.2, offset=(0.01, 0.0, 0.0))
    plain = hold_probe(scene("4ch"), "4ch", tilt=0.0, offset=(0.0, 0.0, 0.0))
    assert tilted.origin - plain.origin == pytest.approx([0.01, 0, 0])
    assert tilted.rotation[0, 2] == pytest.approx(math.sin(0.2))


def mesh_of_layer(at: Acquisition, fraction: float, time: float):
    """A fine mesh of a layer at a time, by the forward map alone."""
    lv, rows, columns = at.heart.ventricle, 240, 300
    along = lv.long_axis + fraction * lv.wall
    last = math.acos((lv.long_axis - lv.length) / along)
    polar = np.linspace(1e-4, last, rows)
    theta = np.linspace(0, 2 * math.pi, columns, endpoint=False)
    z = np.broadcast_to(
        (lv.long_axis - along * np.cos(polar))[:, None], (rows, columns)
    )
    square = lv.layer_radius_squared(z, fraction=fraction, theta=theta[None])
    radius = np.sqrt(square) * (1 + 1e-12)
    points = np.stack([radius * np.cos(theta), radius * np.sin(theta), z], axis=-1)
    moved = at.motion.forward(lv.from_round(points), time).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns), indexing="ij")
    k = (j + 1) % columns
    a, b, c, d = (x * columns + y for x, y in ((i, j), (i, k), (i + 1, j), (i + 1, k)))
    quads = np.stack([np.stack([a, b, d], -1), np.stack([a, d, c], -1)])
    return moved, quads.reshape(-1, 3)


@pytest.mark.parametrize(
    ("view", "foreshortening"),
    [("4ch", 0.0), ("4ch", 0.25), ("plax", 0.15), ("psax_mid", 0.0), ("psax_mid", 0.1)],
)
def test_outlines_lie_on_sections_of_meshes(view, foreshortening):
    at = scene(view, SICK)
    placement = hold_probe(at, view, foreshortening=foreshortening)
    time = at.motion.cycle.beats[0].end_systole
    outlines = cut(at.motion, placement, np.array([0.1, time]), layers=3)[1]
    grid = PlaneGrid((0.0, 0.1), (0.0, 0.1), (2, 2))
    plane = SlicePlane(grid, origin=(0, 0, 0), right=(1, 0, 0), down=(0, 0, 1))
    for line, fraction in zip(outlines, (0.0, 0.5, 1.0), strict=True):
        points, faces = mesh_of_layer(at, fraction, time)
        sections = mesh_section(placement.to_image(points), faces, plane)
        # A plane through the apex meets the mesh's small hole there: two lines.
        a = np.concatenate([section[:-1] for section in sections])
        side = np.concatenate([np.diff(section, axis=0) for section in sections])
        part = np.sum((line[:, None] - a) * side, -1) / np.sum(side**2, -1)
        nearest = a + np.clip(part, 0, 1)[..., None] * side
        distance = np.linalg.norm(nearest - line[:, None], axis=-1).min(axis=1)
        assert distance.max() < 3e-5
        ends = np.concatenate([section[[0, -1]] for section in sections])
        if view != "psax_mid":
            gaps = np.linalg.norm(ends[:, None] - line[[0, -1]], axis=-1)
            assert gaps.min(axis=0).max() < 3e-5


def test_formulas_and_root_finding_agree_where_both_hold():
    at = scene("3ch", SICK)
    exact = hold_probe(at, "3ch")
    shifted = Placement(exact.rotation, exact.origin + np.array([0.0, 2e-9, 0.0]))
    times = np.array([0.1, 0.3])
    by_formula, by_search = (cut(at.motion, held, times) for held in (exact, shifted))
    # The points are spaced differently, the outlines enclose the same area.
    for one, other in zip(
        by_formula.reshape(-1, 61, 2), by_search.reshape(-1, 61, 2), strict=True
    ):
        assert one[0] == pytest.approx(other[0], abs=2e-6)
        assert one[-1] == pytest.approx(other[-1], abs=2e-6)
        assert polygon_area(one) == pytest.approx(polygon_area(other), rel=2e-3)


def test_a_round_ring_has_the_area_of_the_formula():
    at = scene("psax_mid")
    placement = hold_probe(at, "psax_mid")
    height = placement.origin[1]
    ring = cut(at.motion, placement, at.rhythm.r_times[:1])[0]
    for line, fraction in ((ring[0], 0.0), (ring[-1], 1.0)):
        square = at.heart.ventricle.layer_radius_squared(
            np.array(height), fraction=fraction
        )
        # A polygon of 60 corners has 60 / (2 pi) sin(2 pi / 60) of the circle.
        part = 60 / (2 * math.pi) * math.sin(2 * math.pi / 60)
        assert polygon_area(line) == pytest.approx(part * math.pi * square, rel=1e-3)
        np.testing.assert_array_equal(line[0], line[-1])
        assert line[0, 0] == pytest.approx(line[:, 0].min(), abs=1e-3)
        assert line[15, 1] == pytest.approx(line[:, 1].min(), abs=1e-3)


def test_foreshortening_cuts_the_spheroid_as_geometry_says():
    angle, at = 0.2, scene("4ch")
    lv = at.heart.ventricle
    placement = hold_probe(at, "4ch", foreshortening=angle, tilt=0.0)
    line = cut(at.motion, placement, at.rhythm.r_times[:1])[0, 0]
    # The plane through the middle of the base, off the axis by the angle, leaves the
    # spheroid (x / a)^2 + ((z - c) / c)^2 = 1 at a distance s from the base.
    sin, cos = math.sin(angle), math.cos(angle)
    across = placement.rotation[1]
    out_of_plane = lv.round_to_plane(math.atan2(across[1], across[0]))
    a, c, above = lv.short_axis * out_of_plane, lv.long_axis, lv.length - lv.long_axis
    roots = np.roots(
        [(sin / a) ** 2 + (cos / c) ** 2, -2 * above * cos / c**2, (above / c) ** 2 - 1]
    )
    # The most distant point of the section lies in its plane of symmetry.
    assert np.ptp(line[:, 1]) == pytest.approx(roots.max(), rel=4e-3)
    full = cut(at.motion, hold_probe(scene("4ch"), "4ch"), at.rhythm.r_times[:1])[0]
    # The probe sits on the chest as ever: the epicardium is no deeper.
    epicardium = cut(at.motion, placement, at.rhythm.r_times[:1])[0, -1]
    assert epicardium[:, 1].min() == pytest.approx(full[-1, :, 1].min(), abs=2e-3)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_outlines_of_all_its_frames(view):
    at = scene(view, SICK)
    times = np.linspace(0.0, 0.9, 4)
    line = cut(at.motion, hold_probe(at, view), times)
    assert line.shape == (4, 5, 61, 2)
    closed = (line[:, :, 0] == line[:, :, -1]).all(axis=(1, 2))
    assert closed.all() == (view in SHORT_AXIS_VIEWS)
    if view in APICAL_VIEWS:
        assert (line[:, :, 0, 0] < line[:, :, -1, 0] - 0.02).all()
    inner, outer = (polygon_area(line[0, k]) for k in (0, 4))
    assert outer > 1.3 * inner


def test_wrong_views_and_angles_are_refused():
    with pytest.raises(UnknownNameError, match="'4ch'"):
        hold_probe(scene("4ch"), "4hc")
    with pytest.raises(InvalidArgumentError, match="degrees"):
        hold_probe(scene("4ch"), "4ch", foreshortening=15)
    at = scene("4ch")
    far = hold_probe(at, "4ch", offset=(0.0, 0.06, 0.0))
    with pytest.raises(InvalidArgumentError, match="misses"):
        cut(at.motion, far, np.array([0.1]))
    high = hold_probe(at, "psax_mid", offset=(0.0, 0.09, 0.0))
    with pytest.raises(InvalidArgumentError, match="long axis"):
        cut(at.motion, high, np.array([0.1]))
