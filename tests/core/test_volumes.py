"""Volumes in space: closed forms, both angle conventions, round trips, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad

from cardium.core import (
    PlaneGrid,
    SectorVolume,
    SlicePlane,
    VolumeGrid,
    geometry_from_dict,
    geometry_to_dict,
)
from cardium.errors import GeometryError

CONVENTIONS = ("spherical", "tangent")


def fan(convention="spherical", **change):
    given = {
        "depth": (0.02, 0.14),
        "azimuth": (-0.7, 0.6),
        "elevation": (-0.4, 0.5),
        "shape": (9, 11, 13),
    }
    return SectorVolume(**{**given, **change}, convention=convention)


fans = st.builds(
    lambda d, r, a, wa, e, we, s, c: SectorVolume(
        (d, d + r), (a, a + wa), (e, e + we), s, c
    ),
    st.floats(0, 0.05),
    st.floats(0.01, 0.2),
    st.floats(-1.2, 0.2),
    st.floats(0.1, 1.2),
    st.floats(-1.2, 0.2),
    st.floats(0.1, 1.2),
    st.tuples(*[st.integers(2, 9)] * 3),
    st.sampled_from(CONVENTIONS),
)


@pytest.mark.parametrize(
    ("convention", "point"),
    [
        # sin .3, cos .3 sin .2, cos .3 cos .2
        ("spherical", (0.2955, 0.1898, 0.9363)),
        # z = 1 / sqrt(1 + tan(.3)^2 + tan(.2)^2), x = z tan .3, y = z tan .2
        ("tangent", (0.2901, 0.1901, 0.9379)),
    ],
)
def test_angles_make_the_known_point(convention, point):
    found = fan(convention).point_at(1.0, 0.3, 0.2)
    np.testing.assert_allclose(found, point, atol=5e-5)
    np.testing.assert_allclose(fan(convention).polar_of(*found), (1.0, 0.3, 0.2))


def test_tangent_points_are_those_of_the_published_rule():
    # The pyramid as zea converts it: z from the depth and both tangents, then x and y.
    depth, azimuth, elevation = np.meshgrid(
        np.linspace(0.01, 0.15, 5), np.linspace(-0.6, 0.5, 7), np.linspace(-0.5, 0.6, 6)
    )
    z = depth / np.sqrt(1 + np.tan(azimuth) ** 2 + np.tan(elevation) ** 2)
    expected = z * np.tan(azimuth), z * np.tan(elevation), z
    found = fan("tangent").point_at(depth, azimuth, elevation)
    np.testing.assert_allclose(found, expected, atol=1e-15)
    # At 12 cm, 30 degrees both ways: 120 / sqrt(1 + 2/3) mm down, 0.577 of it across.
    corner = fan("tangent").point_at(0.12, math.pi / 6, math.pi / 6)
    np.testing.assert_allclose(
        np.array(corner) * 1000, (53.666, 53.666, 92.952), atol=1e-3
    )


def test_conventions_part_by_millimetres_at_the_edge_and_agree_on_the_axes():
    ends = np.array(0.12), np.array(0.5), np.array(0.5)
    gap = np.subtract(fan("spherical").point_at(*ends), fan("tangent").point_at(*ends))
    assert 0.003 < np.linalg.norm(gap) < 0.01
    for angles in ((0.5, 0.0), (0.0, 0.5)):
        np.testing.assert_allclose(
            fan("spherical").point_at(0.12, *angles),
            fan("tangent").point_at(0.12, *angles),
            atol=1e-15,
        )


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_azimuth_goes_to_x_elevation_to_y_and_depth_down(convention):
    volume = fan(convention)
    x, y, z = volume.points()
    assert x.shape == volume.shape == (9, 11, 13)
    assert (np.diff(x, axis=1) > 0).all()
    assert (np.diff(y, axis=0) > 0).all()
    assert (np.diff(z, axis=2) > 0).all()
    np.testing.assert_allclose(
        np.sqrt(x**2 + y**2 + z**2), np.broadcast_to(volume.depths, x.shape)
    )
    index = volume.index_of(x, y, z)
    np.testing.assert_allclose(index, np.indices(volume.shape), atol=1e-9)


@given(fans)
@settings(max_examples=80, deadline=None)
def test_points_find_their_way_back(volume):
    e, a, r = volume.index_of(*volume.points())
    expected = np.indices(volume.shape)
    np.testing.assert_allclose(r, expected[2], atol=1e-7)
    off_apex = np.broadcast_to(volume.depths > 1e-6, volume.shape)
    np.testing.assert_allclose(e[off_apex], expected[0][off_apex], atol=1e-7)
    np.testing.assert_allclose(a[off_apex], expected[1][off_apex], atol=1e-7)
    assert geometry_from_dict(geometry_to_dict(volume)) == volume


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("change", [{}, {"depth": (0.0, 0.1)}, {"shape": (2, 3, 2)}])
def test_sample_volumes_add_up_to_the_fan_they_stand_for(convention, change):
    volume = fan(convention, **change)
    half_e, half_a, half_r = (step / 2 for step in volume.spacing)
    (r0, r1), (a0, a1), (e0, e1) = volume.depth, volume.azimuth, volume.elevation
    (a0, a1), (e0, e1) = (a0 - half_a, a1 + half_a), (e0 - half_e, e1 + half_e)
    shell = ((r1 + half_r) ** 3 - max(r0 - half_r, 0) ** 3) / 3

    def density(azimuth, elevation):
        if convention == "spherical":
            return math.cos(azimuth)
        u, v = math.tan(azimuth), math.tan(elevation)
        return (1 + u * u) * (1 + v * v) / (1 + u * u + v * v) ** 1.5

    solid, _ = dblquad(density, e0, e1, a0, a1, epsabs=1e-11)
    weights = volume.sample_volumes()
    assert weights.shape == volume.shape
    assert weights.sum() == pytest.approx(solid * shell, rel=1e-9)
    if convention == "spherical":
        closed = (math.sin(a1) - math.sin(a0)) * (e1 - e0) * shell
        assert weights.sum() == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_each_sample_volume_is_the_determinant_of_its_steps(convention):
    fine = fan(convention, shape=(90, 110, 130))
    e, a, r = 40, 95, 70
    centre = fine.depths[r], fine.azimuths[a], fine.elevations[e]
    step_e, step_a, step_r = fine.spacing
    ways = []
    for k, step in enumerate((step_r, step_a, step_e)):
        ahead, behind = list(centre), list(centre)
        ahead[k] += step / 2
        behind[k] -= step / 2
        ways.append(np.subtract(fine.point_at(*ahead), fine.point_at(*behind)))
    box = abs(np.linalg.det(ways))
    assert fine.sample_volumes()[e, a, r] == pytest.approx(box, rel=1e-3)


def test_a_ball_has_its_volume_in_both_conventions():
    for convention in CONVENTIONS:
        volume = fan(convention, shape=(90, 110, 130), depth=(0.0, 0.14))
        x, y, z = volume.points()
        ball = (x - 0.003) ** 2 + (y - 0.002) ** 2 + (z - 0.08) ** 2 < 0.025**2
        measured = volume.sample_volumes()[ball].sum()
        assert measured == pytest.approx(4 / 3 * math.pi * 0.025**3, rel=2e-3)


def test_a_cell_that_would_pass_the_right_angle_ends_there():
    wide = fan("tangent", azimuth=(-1.5, 1.5), shape=(3, 3, 3))
    assert (wide.sample_volumes() > 0).all()


@given(
    st.lists(st.floats(-0.02, 0.02), min_size=9, max_size=9),
    st.tuples(*[st.floats(-0.2, 0.2)] * 3),
)
@settings(max_examples=60, deadline=None)
def test_voxels_of_any_grid_lie_at_whole_indices(numbers, origin):
    steps = np.array(numbers).reshape(3, 3)
    # Steps that span next to no volume are refused, or ill-conditioned.
    lengths = np.linalg.norm(steps, axis=1)
    if lengths.min() < 1e-4 or abs(np.linalg.det(steps)) < 1e-2 * lengths.prod():
        return
    grid = VolumeGrid(origin, tuple(map(tuple, steps)), (3, 4, 5))
    found = grid.index_of(*grid.points())
    np.testing.assert_allclose(found, np.indices(grid.shape), atol=1e-7)
    index = np.array([2, 1, 3, 1.0])
    place = [float(p[2, 1, 3]) for p in grid.points()]
    np.testing.assert_allclose((grid.affine @ index)[:3], place, atol=1e-12)
    assert geometry_from_dict(geometry_to_dict(grid)) == grid


def test_box_has_z_first():
    box = VolumeGrid.box(x=(0, 0.1), y=(0, 0.3), z=(0, 0.6), shape=(4, 3, 2))
    x, y, z = box.points()
    assert (z[1, 0, 0], y[0, 1, 0], x[0, 0, 1]) == pytest.approx((0.2, 0.15, 0.1))
    assert box.sample_volumes().sum() == pytest.approx(0.2 * 0.15 * 0.1 * 24)


def test_slice_projects_what_it_places():
    grid = PlaneGrid(x=(-0.02, 0.03), z=(0.0, 0.1), shape=(5, 4))
    cut = SlicePlane(grid, (0.01, 0.02, 0.03), right=(0, 3, 4), down=(1, 0, 0))
    x, y, z = cut.points()
    across, down, away = cut.project(x, y, z)
    own_x, own_z = grid.points()
    np.testing.assert_allclose(across, own_x, atol=1e-15)
    np.testing.assert_allclose(down, own_z, atol=1e-15)
    np.testing.assert_allclose(away, 0, atol=1e-15)
    lifted = np.array(cut.origin) + 0.007 * np.array(cut.normal)
    assert cut.project(*lifted)[2] == pytest.approx(0.007)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"depth": (0.1, 0.02)}, "swapped"),
        ({"depth": (-0.01, 0.1)}, "negative"),
        ({"depth": (0.0, math.nan)}, "first < last"),
        ({"azimuth": (0.5, -0.5)}, "swapped"),
        ({"azimuth": (-35.0, 35.0)}, "degrees"),
        ({"elevation": (-1.6, 0.1)}, "pi/2"),
        ({"shape": (1, 4, 4)}, "2 samples"),
        ({"shape": (4, 4)}, "three axes"),
    ],
)
def test_a_fan_refuses_nonsense(change, what):
    with pytest.raises(GeometryError, match=what):
        fan(**change)
    with pytest.raises(GeometryError, match="'polar' is not known"):
        fan("polar")


def test_a_grid_and_a_slice_refuse_nonsense():
    flat = ((0.01, 0, 0), (0, 0.01, 0), (0.01, 0.01, 0))
    with pytest.raises(GeometryError, match="no volume"):
        VolumeGrid((0, 0, 0), flat, (3, 3, 3))
    upright = ((0, 0, 0.01), (0, 0.01, 0), (0.01, 0, 0))
    with pytest.raises(GeometryError, match="2 samples"):
        VolumeGrid((0, 0, 0), upright, (3, 3, 1))
    with pytest.raises(GeometryError, match="finite"):
        VolumeGrid((0, 0, math.inf), upright, (3, 3, 3))
    with pytest.raises(GeometryError, match="first < last"):
        VolumeGrid.box(x=(0.1, 0.0), y=(0, 1), z=(0, 1), shape=(2, 2, 2))
    grid = PlaneGrid(x=(0, 1), z=(0, 1), shape=(2, 2))
    with pytest.raises(GeometryError, match="right angles"):
        SlicePlane(grid, (0, 0, 0), (1, 0, 0), (1, 1, 0))
    with pytest.raises(GeometryError, match="no length"):
        SlicePlane(grid, (0, 0, 0), (0, 0, 0), (1, 1, 0))
