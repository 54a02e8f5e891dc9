"""Where samples lie in space: frozen, in metres and radians, sane when built.

One pixel convention holds everywhere: *a sample index is the centre of a sample*. The
first and last values of an axis are the places of the first and the last sample, not
the edges of the outer pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.errors import DataCorruptError, GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sector:
    """A fan of beams around one virtual apex: where beamspace samples lie.

    The apex is the origin of the scan plane; z points away from the probe, x and the
    angle grow to the right of the image, so a sample lies at
    ``(x, z) = depth * (sin(angle), cos(angle))``.

    Parameters
    ----------
    depth : (first, last) [m]
        Distance from the virtual apex of the first and last sample of a beam.
    angle : (first, last) [rad]
        Angle of the first and last beam; zero is straight down.
    shape : (R, A)
        Number of range samples and of beams.

    Raises
    ------
    GeometryError
        If depths or angles are not finite and ascending, a depth is negative, the
        fan is wider than a full turn, or there are fewer than two samples either way.

    Examples
    --------
    >>> sector = Sector(depth=(0.0, 0.5), angle=(-0.75, 0.75), shape=(5, 7))
    >>> sector.range_spacing, sector.beam_spacing
    (0.125, 0.25)
    """

    depth: tuple[float, float]
    angle: tuple[float, float]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        _settle(self, "depth", "angle")
        (r0, r1), (a0, a1) = self.depth, self.angle
        if not (math.isfinite(r0) and math.isfinite(r1) and 0 <= r0 < r1):
            raise GeometryError(
                f"Sector depth must be 0 <= first < last in metres, got {self.depth}. "
                "Were the two depths swapped?"
            )
        if not (math.isfinite(a0) and math.isfinite(a1) and a0 < a1):
            raise GeometryError(
                "Sector angle must be first < last in radians, "
                f"got {self.angle}. Were the two angles swapped?"
            )
        if not (-math.pi <= a0 and a1 <= math.pi):
            raise GeometryError(
                "Sector angle must lie between -pi and pi radians, "
                f"got {self.angle}. Was it given in degrees?"
            )
        if min(self.shape) < 2:
            raise GeometryError(
                "Sector needs 2 range samples and 2 beams at least, "
                f"got shape {self.shape}."
            )

    @property
    def range_spacing(self) -> float:
        """Distance between samples along a beam [m]."""
        return (self.depth[1] - self.depth[0]) / (self.shape[0] - 1)

    @property
    def beam_spacing(self) -> float:
        """Angle between neighbouring beams [rad]."""
        return (self.angle[1] - self.angle[0]) / (self.shape[1] - 1)

    @property
    def depths(self) -> FloatArray:
        """Depth of each range sample, (R,) [m]."""
        return np.linspace(*self.depth, self.shape[0])

    @property
    def angles(self) -> FloatArray:
        """Angle of each beam, (A,) [rad]."""
        return np.linspace(*self.angle, self.shape[1])

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Return x and z of every sample, each (R, A) [m]."""
        depth = self.depths[:, None]
        return depth * np.sin(self.angles), depth * np.cos(self.angles)

    def index_of(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the fractional (range, beam) index of points given in metres."""
        row = (np.hypot(x, z) - self.depth[0]) / self.range_spacing
        return row, (np.arctan2(x, z) - self.angle[0]) / self.beam_spacing


@dataclass(frozen=True, slots=True)
class PlaneGrid:
    """A regular image plane: rows along z (down), columns along x (right).

    Parameters
    ----------
    x : (first, last) [m]
        Centre of the first and of the last column.
    z : (first, last) [m]
        Centre of the first and of the last row.
    shape : (Z, X)
        Number of rows and of columns.

    Raises
    ------
    GeometryError
        If an axis is not finite and ascending, or has fewer than two samples.

    Examples
    --------
    >>> PlaneGrid(x=(-0.5, 0.5), z=(0.0, 1.0), shape=(9, 5)).spacing
    (0.125, 0.25)
    """

    x: tuple[float, float]
    z: tuple[float, float]
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        _settle(self, "x", "z")
        for name, (first, last) in (("x", self.x), ("z", self.z)):
            if not (math.isfinite(first) and math.isfinite(last) and first < last):
                raise GeometryError(
                    f"PlaneGrid {name} must be first < last in metres, "
                    f"got {(first, last)}. Were the two ends swapped?"
                )
        if min(self.shape) < 2:
            raise GeometryError(
                f"PlaneGrid needs 2 rows and 2 columns at least, got {self.shape}."
            )

    @property
    def spacing(self) -> tuple[float, float]:
        """Distance between rows and between columns, (dz, dx) [m]."""
        (x0, x1), (z0, z1), (rows, columns) = self.x, self.z, self.shape
        return (z1 - z0) / (rows - 1), (x1 - x0) / (columns - 1)

    @property
    def xs(self) -> FloatArray:
        """Centre of each column, (X,) [m]."""
        return np.linspace(*self.x, self.shape[1])

    @property
    def zs(self) -> FloatArray:
        """Centre of each row, (Z,) [m]."""
        return np.linspace(*self.z, self.shape[0])

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Return x and z of every pixel centre, each (Z, X) [m]."""
        x, z = np.meshgrid(self.xs, self.zs)
        return x, z

    def index_of(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the fractional (row, column) index of points given in metres."""
        dz, dx = self.spacing
        return (z - self.z[0]) / dz, (x - self.x[0]) / dx


Geometry = Sector | PlaneGrid


def geometry_to_dict(geometry: Geometry | None) -> dict[str, Any] | None:
    """Describe a geometry by what JSON can hold.

    Parameters
    ----------
    geometry : Sector, PlaneGrid or None
        What is described.

    Returns
    -------
    dict or None
        Its type and its fields; None for None.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.2), shape=(3, 2))
    >>> geometry_to_dict(plane)
    {'type': 'plane', 'x': [0.0, 0.1], 'z': [0.0, 0.2], 'shape': [3, 2]}
    >>> geometry_from_dict(geometry_to_dict(plane)) == plane
    True
    """
    match geometry:
        case None:
            return None
        case Sector(depth, angle, shape):
            first = {"type": "sector", "depth": list(depth), "angle": list(angle)}
        case PlaneGrid(x, z, shape):
            first = {"type": "plane", "x": list(x), "z": list(z)}
    return {**first, "shape": list(shape)}


def geometry_from_dict(value: dict[str, Any] | None) -> Geometry | None:
    """Build the geometry that `geometry_to_dict` described.

    Parameters
    ----------
    value : dict or None
        What `geometry_to_dict` returned.

    Returns
    -------
    Sector, PlaneGrid or None
        The geometry; None for None.

    Raises
    ------
    DataCorruptError
        If the description is of no known type or lacks a number.

    Examples
    --------
    >>> geometry_from_dict({"type": "plane", "x": [0, 1], "z": [0, 2], "shape": [3, 2]})
    PlaneGrid(x=(0.0, 1.0), z=(0.0, 2.0), shape=(3, 2))
    """
    if value is None:
        return None
    try:
        shape = (int(value["shape"][0]), int(value["shape"][1]))
        pairs = {
            k: (float(v[0]), float(v[1]))
            for k, v in value.items()
            if k not in ("type", "shape")
        }
        if value["type"] == "sector":
            return Sector(shape=shape, **pairs)
        if value["type"] == "plane":
            return PlaneGrid(shape=shape, **pairs)
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise DataCorruptError(f"Not a geometry: {value!r} ({error}).") from error
    raise DataCorruptError(f"Not a geometry: type {value['type']!r} is not known.")


def _settle(geometry: Sector | PlaneGrid, *axes: str) -> None:
    """Keep plain numbers, so that equal geometries hash and print alike."""
    for name in axes:
        first, last = getattr(geometry, name)
        object.__setattr__(geometry, name, (float(first), float(last)))
    rows, columns = geometry.shape
    object.__setattr__(geometry, "shape", (int(rows), int(columns)))
