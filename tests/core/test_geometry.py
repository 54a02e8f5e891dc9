from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.core import PlaneGrid, Sector, geometry_from_dict, geometry_to_dict
from cardium.errors import DataCorruptError, GeometryError

SECTOR = Sector(depth=(0.02, 0.12), angle=(-0.5, 0.7), shape=(11, 13))
PLANE = PlaneGrid(x=(-0.03, 0.05), z=(0.01, 0.11), shape=(21, 9))


def test_straight_down_is_z_and_positive_angles_lie_right() -> None:
    x, z = Sector(
        depth=(0.0, 0.1), angle=(-math.pi / 2, math.pi / 2), shape=(2, 3)
    ).points()
    np.testing.assert_allclose(x[1], [-0.1, 0.0, 0.1], atol=1e-15)
    np.testing.assert_allclose(z[1], [0.0, 0.1, 0.0], atol=1e-15)


@pytest.mark.parametrize("geometry", [SECTOR, PLANE])
def test_samples_lie_at_whole_indices(geometry: Sector | PlaneGrid) -> None:
    row, column = geometry.index_of(*geometry.points())
    rows, columns = np.indices(geometry.shape)
    np.testing.assert_allclose(row, rows, atol=1e-9)
    np.testing.assert_allclose(column, columns, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"depth": (0.12, 0.02)}, "swapped"),
        ({"depth": (0.05, 0.05)}, "first < last"),
        ({"depth": (-0.01, 0.1)}, "behind the virtual apex"),
        ({"depth": (0.0, math.nan)}, "first < last"),
        ({"angle": (0.5, -0.5)}, "swapped"),
        ({"angle": (-35.0, 35.0)}, "degrees"),
        ({"shape": (1, 10)}, "2 range samples"),
    ],
)
def test_a_sector_refuses_nonsense(change: dict, what: str) -> None:
    good = {"depth": (0.0, 0.1), "angle": (-0.5, 0.5), "shape": (4, 4)}
    with pytest.raises(GeometryError, match=what):
        Sector(**(good | change))


@pytest.mark.parametrize(
    "change", [{"x": (0.1, 0.0)}, {"z": (0.0, math.inf)}, {"shape": (1, 2)}]
)
def test_a_plane_refuses_nonsense(change: dict) -> None:
    good = {"x": (0.0, 0.1), "z": (0.0, 0.1), "shape": (4, 4)}
    with pytest.raises(GeometryError):
        PlaneGrid(**(good | change))


@given(
    first=st.floats(0, 0.1),
    length=st.floats(1e-3, 0.3),
    angle=st.floats(-1.5, 0.0),
    width=st.floats(1e-2, 1.5),
    shape=st.tuples(st.integers(2, 999), st.integers(2, 999)),
)
def test_a_geometry_survives_json(first, length, angle, width, shape) -> None:
    sector = Sector((first, first + length), (angle, angle + width), shape)
    plane = PlaneGrid((-first, length), (first, first + length), shape)
    for geometry in (sector, plane):
        assert geometry_from_dict(geometry_to_dict(geometry)) == geometry
    assert geometry_from_dict(geometry_to_dict(None)) is None


@pytest.mark.parametrize(
    "value", [{}, {"type": "cone", "shape": [2, 2]}, {"type": "plane", "shape": [2]}]
)
def test_what_is_no_geometry_is_corrupt(value: dict) -> None:
    with pytest.raises(DataCorruptError):
        geometry_from_dict(value)


def test_numpy_numbers_become_plain_ones() -> None:
    sector = Sector((np.float64(0), np.float64(0.1)), (-0.5, 0.5), (np.int64(4), 4))
    assert "np." not in repr(sector)
    assert hash(sector) == hash(Sector((0.0, 0.1), (-0.5, 0.5), (4, 4)))


@given(
    offset=st.floats(0, 0.1),
    depth=st.floats(-0.02, 0.05),
    length=st.floats(0.01, 0.2),
    tilt=st.floats(-0.5, 0.5),
    width=st.floats(0.1, 2.0),
)
def test_points_of_a_curved_and_tilted_fan_find_their_way_back(
    offset, depth, length, tilt, width
) -> None:
    depth = max(depth, -offset)
    sector = Sector.from_width(
        (depth, depth + length), width, (7, 9), tilt=tilt, apex_offset=offset
    )
    assert sector.tilt == pytest.approx(tilt)
    assert sector.width == pytest.approx(width)
    x, z = sector.points()
    depths, angles = sector.polar_of(x, z)
    np.testing.assert_allclose(
        depths, np.broadcast_to(sector.depths[:, None], (7, 9)), atol=1e-12
    )
    row, column = sector.index_of(x, z)
    off_apex = np.broadcast_to(sector.radii[:, None] > 1e-6, (7, 9))
    np.testing.assert_allclose(row, np.indices((7, 9))[0], atol=1e-8)
    np.testing.assert_allclose(
        column[off_apex], np.indices((7, 9))[1][off_apex], atol=1e-7
    )
    np.testing.assert_allclose(
        angles[off_apex], np.broadcast_to(sector.angles, (7, 9))[off_apex], atol=1e-8
    )
    again = sector.point_at(depths, angles)
    np.testing.assert_allclose(again, (x, z), atol=1e-12)


def test_the_face_of_a_curved_probe_lies_at_depth_zero() -> None:
    # A 60 mm probe: its face bulges to z = 0 in the middle and lies above at the edge.
    convex = Sector((0.0, 0.1), (-0.5, 0.5), (3, 3), apex_offset=0.06)
    x, z = convex.points()
    np.testing.assert_allclose(x[0], [-0.06 * np.sin(0.5), 0, 0.06 * np.sin(0.5)])
    np.testing.assert_allclose(
        z[0], [0.06 * np.cos(0.5) - 0.06, 0, z[0, 0]], atol=1e-15
    )
    assert z[2, 1] == pytest.approx(0.1)


def test_areas_of_samples_add_up_to_the_fan() -> None:
    for offset in (0.0, 0.05):
        sector = Sector((0.02, 0.12), (-0.5, 0.7), (11, 13), offset)
        half_r, half_a = sector.range_spacing / 2, sector.beam_spacing / 2
        outer, inner = 0.12 + offset + half_r, 0.02 + offset - half_r
        expected = (1.2 + 2 * half_a) * (outer**2 - inner**2) / 2
        assert sector.sample_areas().sum() == pytest.approx(expected, rel=1e-12)
