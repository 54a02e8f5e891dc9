"""Volumes: the voxels around a fan, the standard cuts through it, its angles.

A cut is a `SlicePlane`; ``resample(values, volume, cut)`` gives the picture on it, and
``cut.grid`` is where that picture's pixels lie in the plane.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    AngleConvention,
    FloatArray,
    PlaneGrid,
    SectorVolume,
    SlicePlane,
    VolumeGeometry,
    VolumeGrid,
)
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry._sampling import lies_within

Axis = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Apex and base of a ventricle, or two other points on a line, (x, y, z) each [m]."""

_APICAL = {"4ch": 0.0, "2ch": 60.0, "3ch": 120.0}  # degrees about the axis
_SHORT_AXIS = {"base": 5 / 6, "mid": 1 / 2, "apex": 1 / 6}  # of the way to the base
_TRIAL = 256  # pixels a side of the plane that finds where a cut lies


def grid_around(
    volume: VolumeGeometry,
    *,
    shape: tuple[int, int, int] | None = None,
    spacing: float | None = None,
) -> VolumeGrid:
    """Make the upright grid of voxels that just holds a volume.

    Parameters
    ----------
    volume : SectorVolume or VolumeGrid
        What it is to hold.
    shape : (Z, Y, X), optional
        Number of voxels along z, y and x; the first and the last of each axis lie on
        the bounding box.
    spacing : float [m], optional
        Side of cubic voxels instead: exact, so that the grid may reach beyond the
        bounding box by half a voxel to each side.

    Returns
    -------
    VolumeGrid
        Axes z, y, x. If neither is given, the bounding box with as many voxels along z
        as a beam has samples (a grid: as its own finest step asks for), cubic as nearly
        as whole numbers allow.

    Raises
    ------
    InvalidArgumentError
        If both are given, or the spacing is not positive.

    Notes
    -----
    The bounding box of a fan is exact, its curved cap included: x, y and z are extreme
    at the ends of depth and, in both conventions, where an angle is at an end or zero.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.4, 0.4), (9, 9, 11))
    >>> box = grid_around(fan)
    >>> x, y, z = box.points()
    >>> [round(float(v.max()) * 1000, 2) for v in (x, y, z)], box.shape
    ([47.94, 38.94, 100.0], (11, 9, 11))
    >>> [round(step, 6) for step in grid_around(fan, spacing=0.004).spacing]
    [0.004, 0.004, 0.004]
    """
    if shape is not None and spacing is not None:
        raise InvalidArgumentError(
            f"Grid around a volume: shape {shape} and spacing {spacing} m were both "
            "given. Give one."
        )
    low, high = _bounding_box(volume)
    extent = high - low
    if spacing is not None:
        if not (np.isfinite(spacing) and spacing > 0):
            raise InvalidArgumentError(
                f"Grid around a volume: the spacing must be positive, got {spacing} m."
            )
        steps = np.ceil(extent / spacing - 1e-9)
        margin = (np.maximum(steps, 1) * spacing - extent) / 2
        low, high, counts = low - margin, high + margin, np.maximum(steps, 1) + 1
    elif shape is not None:
        counts = np.array(shape)[::-1]
    else:
        step = min(volume.spacing)
        if isinstance(volume, SectorVolume):
            step = extent[2] / (volume.shape[2] - 1)
        counts = np.maximum(np.round(extent / step), 1) + 1
    x, y, z = zip(low.tolist(), high.tolist(), strict=True)
    columns, rows, layers = (int(n) for n in counts)
    return VolumeGrid.box(x=x, y=y, z=z, shape=(layers, rows, columns))


def apical_plane(
    volume: VolumeGeometry,
    rotation: float = 0.0,
    *,
    axis: Axis | None = None,
    rows: int | None = None,
) -> SlicePlane:
    """Cut a volume along the long axis of a ventricle.

    Parameters
    ----------
    volume : SectorVolume or VolumeGrid
        What is cut; the plane just holds the cut.
    rotation : float [rad]
        How far the plane is turned about the axis, from x towards y.
    axis : (apex, base), optional
        Two points (x, y, z) in metres. If not given, the line straight down from the
        probe to the far end of a fan, or through the middle of a grid.
    rows : int, optional
        Pixels down the plane. If not given, square pixels of the volume's own range
        spacing, or of a grid's finest step.

    Returns
    -------
    SlicePlane
        Its z runs from the apex to the base, zero at the apex; its x to the right, zero
        on the axis.

    Raises
    ------
    GeometryError
        If the axis has no length, or the plane misses the volume.

    Notes
    -----
    With the axis straight down the right of the plane is (cos, sin, 0) of the rotation:
    at zero it is the plane of azimuth, the four-chamber view of a probe held for one.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.4, 0.4), (9, 9, 101))
    >>> cut = apical_plane(fan, np.pi / 2)
    >>> [round(v, 3) for v in cut.right], cut.down
    ([0.0, 1.0, 0.0], (0.0, 0.0, 1.0))
    """
    apex, down, _ = _long_axis(volume, axis)
    across, behind = _frame(down)
    right = np.cos(rotation) * across + np.sin(rotation) * behind
    return _fitted(volume, apex, right, down, rows)


def short_axis_plane(
    volume: VolumeGeometry,
    depth: float,
    *,
    axis: Axis | None = None,
    rows: int | None = None,
) -> SlicePlane:
    """Cut a volume across the long axis of a ventricle.

    Parameters
    ----------
    volume : SectorVolume or VolumeGrid
        What is cut; the plane just holds the cut.
    depth : float [m]
        Where along the axis, from its first point on: from the apex, or from the probe
        if no axis is given.
    axis : (apex, base), optional
        As of `apical_plane`.
    rows : int, optional
        Pixels down the plane; as of `apical_plane`.

    Returns
    -------
    SlicePlane
        Its x and z cross on the axis. With the axis straight down, they are the
        probe's x and y.

    Raises
    ------
    GeometryError
        If the axis has no length, or the plane misses the volume.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.4, 0.4), (9, 9, 101))
    >>> cut = short_axis_plane(fan, 0.06)
    >>> cut.origin, cut.right, cut.down
    ((0.0, 0.0, 0.06), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    """
    apex, along, _ = _long_axis(volume, axis)
    right, down = _frame(along)
    return _fitted(volume, apex + depth * along, right, down, rows)


def standard_planes(
    volume: VolumeGeometry, axis: Axis | None = None
) -> dict[str, SlicePlane]:
    """Cut a volume into the views of an echocardiographic examination.

    Parameters
    ----------
    volume : SectorVolume or VolumeGrid
        What is cut.
    axis : (apex, base), optional
        As of `apical_plane`.

    Returns
    -------
    dict of str to SlicePlane
        ``"4ch"``, ``"2ch"`` and ``"3ch"``: apical at 0, 60 and 120 degrees; ``"base"``,
        ``"mid"`` and ``"apex"``: short axes at the middle of each third of the axis.

    Raises
    ------
    GeometryError
        If the axis has no length, or a plane misses the volume.

    Notes
    -----
    Sixty degrees between apical views and thirds of the long axis are the usual ones
    (Lang et al., J Am Soc Echocardiogr 2015;28:1-39). Which wall lies at zero depends
    on how the probe was held, which no volume states.

    Examples
    --------
    >>> fan = SectorVolume((0.0, 0.12), (-0.5, 0.5), (-0.4, 0.4), (9, 9, 61))
    >>> planes = standard_planes(fan)
    >>> list(planes), round(planes["mid"].origin[2], 3)
    (['4ch', '2ch', '3ch', 'base', 'mid', 'apex'], 0.06)
    """
    _, _, length = _long_axis(volume, axis)
    apical = {
        name: apical_plane(volume, float(np.deg2rad(turn)), axis=axis)
        for name, turn in _APICAL.items()
    }
    return apical | {
        name: short_axis_plane(volume, share * length, axis=axis)
        for name, share in _SHORT_AXIS.items()
    }


def convert_angles(
    azimuth: FloatArray,
    elevation: FloatArray,
    source: AngleConvention,
    target: AngleConvention,
) -> tuple[FloatArray, FloatArray]:
    """Name the same directions by the two angles of another convention.

    Parameters
    ----------
    azimuth, elevation : array [rad]
        Angles between -pi/2 and pi/2, of shapes that broadcast.
    source, target : {"spherical", "tangent"}
        Their convention, and the one wanted; see `cardium.core.SectorVolume`.

    Returns
    -------
    azimuth, elevation : array [rad]
        Of one shape.

    Raises
    ------
    InvalidArgumentError
        If a convention is not known.

    Notes
    -----
    Elevation is atan2(y, z) in both. Azimuth is that of x against hypot(y, z) or
    against z, so their tangents differ by the cosine of the elevation.

    Examples
    --------
    >>> azimuth, elevation = convert_angles(0.3, 0.2, "spherical", "tangent")
    >>> round(float(azimuth), 6), float(elevation)
    (0.305732, 0.2)
    """
    known = ("spherical", "tangent")
    for name in (source, target):
        if name not in known:
            raise InvalidArgumentError(
                f"Angles: convention must be one of {', '.join(known)}, got '{name}'."
            )
    azimuth, elevation = np.broadcast_arrays(
        np.asarray(azimuth, np.float64), np.asarray(elevation, np.float64)
    )
    if source == target:
        return azimuth.copy(), elevation.copy()
    sine, cosine, shrink = np.sin(azimuth), np.cos(azimuth), np.cos(elevation)
    if target == "tangent":
        return np.arctan2(sine, cosine * shrink), elevation.copy()
    return np.arctan2(sine * shrink, cosine), elevation.copy()


def _bounding_box(volume: VolumeGeometry) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest x, y and z of a volume's samples."""
    if isinstance(volume, SectorVolume):
        angles = [
            [*ends, 0.0] if ends[0] < 0 < ends[1] else [*ends]
            for ends in (volume.azimuth, volume.elevation)
        ]
        corners = np.array(list(product(volume.depth, *angles))).T
        points = np.stack(volume.point_at(*corners), axis=-1)
    else:
        ends = product(*((0, count - 1) for count in volume.shape))
        points = volume.origin + np.array(list(ends)) @ np.array(volume.steps)
    return points.min(axis=0), points.max(axis=0)


def _long_axis(
    volume: VolumeGeometry, axis: Axis | None
) -> tuple[FloatArray, FloatArray, float]:
    """Return where an axis begins, its direction, and its length [m]."""
    if axis is not None:
        apex, base = np.array(axis, np.float64)
    elif isinstance(volume, SectorVolume):
        apex, base = np.zeros(3), np.array([0.0, 0.0, volume.depth[1]])
    else:
        low, high = _bounding_box(volume)
        apex, base = (low + high) / 2, (low + high) / 2
        apex[2], base[2] = low[2], high[2]
    length = float(np.linalg.norm(base - apex))
    if not (np.isfinite(length) and length > 0):
        raise GeometryError(
            f"Axis from {apex.tolist()} to {base.tolist()} m has no length. Give the "
            "apex and the base of the ventricle."
        )
    return apex, (base - apex) / length, length


def _frame(along: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return two directions at right angles to an axis, nearest to x, and along x x."""
    x, y = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    # An axis along x itself has no nearest: there, y stands in.
    reference = x if abs(along[0]) < 0.99 else y
    right = reference - (reference @ along) * along
    right /= np.linalg.norm(right)
    return right, np.cross(along, right)


def _fitted(
    volume: VolumeGeometry,
    origin: FloatArray,
    right: FloatArray,
    down: FloatArray,
    rows: int | None,
) -> SlicePlane:
    """Return the plane through a point that holds its cut, of square pixels."""
    low, high = _bounding_box(volume)
    reach = float(np.linalg.norm(np.maximum(abs(low - origin), abs(high - origin))))
    x, z = (-reach, reach), (-reach, reach)
    place: list[Any] = [tuple(v.tolist()) for v in (origin, right, down)]
    # The first plane holds the whole volume, the next ones what the last one met.
    for _ in range(3):
        trial = SlicePlane(PlaneGrid(x=x, z=z, shape=(_TRIAL, _TRIAL)), *place)
        met = lies_within(volume, volume.index_of(*trial.points()))
        if not met.any():
            raise GeometryError(
                f"Plane through {place[0]} m, right {place[1]}, down {place[2]}: it "
                f"misses the volume, which lies from {low.tolist()} to "
                f"{high.tolist()} m."
            )
        z = _extent(trial.grid.zs, np.flatnonzero(met.any(axis=1)))
        x = _extent(trial.grid.xs, np.flatnonzero(met.any(axis=0)))
    if rows is None:
        fan = isinstance(volume, SectorVolume)
        step = volume.spacing[2] if fan else min(volume.spacing)
        rows = max(round((z[1] - z[0]) / step) + 1, 2)
    step = (z[1] - z[0]) / max(rows - 1, 1)
    steps = max(math.ceil((x[1] - x[0]) / step - 1e-9), 1)
    margin = (steps * step - (x[1] - x[0])) / 2
    x = x[0] - margin, x[1] + margin
    return SlicePlane(PlaneGrid(x=x, z=z, shape=(rows, steps + 1)), *place)


def _extent(places: FloatArray, found: NDArray[np.intp]) -> tuple[float, float]:
    """Return the ends of what was found, one step further out each."""
    first, last = max(found[0] - 1, 0), min(found[-1] + 1, len(places) - 1)
    return float(places[first]), float(places[last])
