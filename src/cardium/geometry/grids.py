"""Grids made from other grids: the plane around a fan, the same extent sampled anew."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from cardium.core import (
    FloatArray,
    PlaneGrid,
    Sector,
    SectorVolume,
    SlicePlane,
    VolumeGrid,
)
from cardium.errors import GeometryError

AnyGeometry = TypeVar(
    "AnyGeometry", Sector, PlaneGrid, SectorVolume, VolumeGrid, SlicePlane
)


def plane_around(sector: Sector, *, rows: int | None = None) -> PlaneGrid:
    """Make the image plane that just holds a sector.

    Parameters
    ----------
    sector : Sector
        What it is to hold.
    rows : int, optional
        Number of rows. If not given, as many as there are range samples.

    Returns
    -------
    PlaneGrid
        The bounding box of the sector. The spacing of its columns is that of its rows,
        as nearly as a whole number of columns allows: ``round(width / dz) + 1``.

    Raises
    ------
    GeometryError
        If there are fewer than two rows.

    Notes
    -----
    The box touches the corners of the sector and, where the fan includes straight
    down, straight right, straight left or straight up, its arc. Beams come back from
    the plane almost unharmed if its pixels are no wider than two thirds of the closest
    samples, of `range_spacing` and of the distance between beams at the far end.

    Examples
    --------
    >>> half = Sector(depth=(0.0, 0.1), angle=(-np.pi / 2, np.pi / 2), shape=(101, 64))
    >>> plane = plane_around(half)
    >>> plane.x, plane.shape
    ((-0.1, 0.1), (101, 201))
    """
    first, last = sector.angle
    quarter = math.pi / 2
    quarters = range(math.ceil(first / quarter), math.floor(last / quarter) + 1)
    angles = np.array([first, last, *(quarter * k for k in quarters)])
    x, z = sector.point_at(np.array(sector.depth)[:, None], angles)
    (x0, x1), (z0, z1) = _span(x), _span(z)
    count = sector.shape[0] if rows is None else rows
    if count < 2:
        raise GeometryError(f"Plane around a sector: needs 2 rows, got {count}.")
    columns = round((x1 - x0) / (z1 - z0) * (count - 1)) + 1
    return PlaneGrid(x=(x0, x1), z=(z0, z1), shape=(count, max(columns, 2)))


def with_shape(geometry: AnyGeometry, shape: tuple[int, ...]) -> AnyGeometry:
    """Sample the same extent with another number of samples.

    Parameters
    ----------
    geometry : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Its first and last samples stay where they are.
    shape : (rows, columns) or (E, A, R) or (K, J, I)
        Number of samples along each axis, in the order of the geometry's own.

    Returns
    -------
    Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Of the type of `geometry`.

    Raises
    ------
    GeometryError
        If there are fewer than two samples along an axis, or too few or many axes.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.2), shape=(3, 2))
    >>> with_shape(plane, (5, 3)).spacing
    (0.05, 0.05)
    """
    if len(shape) != len(geometry.shape):
        raise GeometryError(
            f"A {type(geometry).__name__} has {len(geometry.shape)} axes, got the "
            f"shape {tuple(shape)}."
        )
    if isinstance(geometry, SlicePlane):
        return replace(geometry, grid=with_shape(geometry.grid, shape))
    changed: dict[str, Any] = {"shape": shape}
    if isinstance(geometry, VolumeGrid):
        # Its steps hold the extent. A count of 1 is refused by the grid itself.
        scale = (np.array(geometry.shape) - 1) / np.maximum(np.array(shape) - 1, 1)
        changed["steps"] = np.array(geometry.steps) * scale[:, None]
    return replace(geometry, **changed)


def _span(values: FloatArray) -> tuple[float, float]:
    """Return the least and the greatest value."""
    return float(values.min()), float(values.max())
