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
