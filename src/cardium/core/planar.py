"""Where samples lie in a plane: frozen, in metres and radians, sane when built.

One pixel convention holds everywhere: *a sample index is the centre of a sample*. The
first and last values of an axis are the places of the first and the last sample, not
the edges of the outer pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.errors import GeometryError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sector:
    """A fan of beams around one virtual apex: where beamspace samples lie.

    z points away from the probe, x and the angle grow to the right of the image. All
    beams come from the virtual apex, which lies `apex_offset` above the origin, so a
    sample lies at ``x = radius * sin(angle)``, ``z = radius * cos(angle) -
    apex_offset``, where ``radius = depth + apex_offset``.

    Parameters
    ----------
    depth : (first, last) [m]
        Distance along the beam of the first and last sample from the probe's face: from
        the arc of radius `apex_offset` around the apex.
    angle : (first, last) [rad]
        Angle of the first and last beam; zero is straight down.
    shape : (R, A)
        Number of range samples and of beams.
    apex_offset : float [m]
        Distance of the virtual apex behind the face of a curved probe. Zero for a
        phased array, whose apex is on its face: depth is then the radius.

    Raises
    ------
    GeometryError
        If depths or angles are not finite and ascending, a sample is behind the apex,
        the fan is wider than a full turn, or there are fewer than two samples either
        way.

    Examples
    --------
    >>> sector = Sector(depth=(0.0, 0.5), angle=(-0.75, 0.75), shape=(5, 7))
    >>> sector.range_spacing, sector.beam_spacing
    (0.125, 0.25)
    >>> curved = Sector((0.0, 0.1), (-0.5, 0.5), (3, 3), apex_offset=0.25)
    >>> curved.radii.tolist(), curved.points()[1][:, 1].tolist()
    ([0.25, 0.3, 0.35], [0.0, 0.04999999999999999, 0.09999999999999998])
    """

    depth: tuple[float, float]
    angle: tuple[float, float]
    shape: tuple[int, int]
    apex_offset: float = 0.0

    def __post_init__(self) -> None:
        settle(self, "depth", "angle")
        object.__setattr__(self, "apex_offset", float(self.apex_offset))
        (r0, r1), (a0, a1) = self.depth, self.angle
        if not (math.isfinite(r0) and math.isfinite(r1) and r0 < r1):
            raise GeometryError(
                f"Sector depth must be first < last in metres, got {self.depth}. "
                "Were the two depths swapped?"
            )
        if not (math.isfinite(self.apex_offset) and r0 + self.apex_offset >= 0):
            raise GeometryError(
                f"Sector depth {self.depth} begins behind the virtual apex, whose "
                f"offset is {self.apex_offset} metres. A depth counts from the probe's "
                "face, and 0 <= depth + offset."
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

    @classmethod
    def from_width(
        cls,
        depth: tuple[float, float],
        width: float,
        shape: tuple[int, int],
        *,
        tilt: float = 0.0,
        apex_offset: float = 0.0,
    ) -> Sector:
        """Make the sector of a width [rad] around a centre beam at `tilt` [rad]."""
        angle = (tilt - width / 2, tilt + width / 2)
        return cls(depth, angle, shape, apex_offset)

    @property
    def width(self) -> float:
        """Angle from the first to the last beam [rad]."""
        return self.angle[1] - self.angle[0]

    @property
    def tilt(self) -> float:
        """Angle of the centre of the fan: how far it is steered to the right [rad]."""
        return (self.angle[0] + self.angle[1]) / 2

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
    def radii(self) -> FloatArray:
        """Distance of each range sample from the virtual apex, (R,) [m]."""
        return self.depths + self.apex_offset

    @property
    def angles(self) -> FloatArray:
        """Angle of each beam, (A,) [rad]."""
        return np.linspace(*self.angle, self.shape[1])

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Return x and z of every sample, each (R, A) [m]."""
        return self.point_at(self.depths[:, None], self.angles)

    def point_at(
        self, depth: FloatArray, angle: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return x and z of points given by depth [m] and angle [rad]."""
        radius = np.asarray(depth) + self.apex_offset
        return radius * np.sin(angle), radius * np.cos(angle) - self.apex_offset

    def polar_of(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return depth [m] and angle [rad] of points given in metres."""
        below = np.asarray(z) + self.apex_offset
        return np.hypot(x, below) - self.apex_offset, np.arctan2(x, below)

    def index_of(self, x: FloatArray, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the fractional (range, beam) index of points given in metres."""
        depth, angle = self.polar_of(x, z)
        row = (depth - self.depth[0]) / self.range_spacing
        return row, (angle - self.angle[0]) / self.beam_spacing

    def sample_areas(self) -> FloatArray:
        """Return the area that each sample stands for, (R, A) [m^2]: exact.

        A sample stands for half a spacing to each side; nothing lies behind the apex.
        """
        half = self.range_spacing / 2
        inner = np.maximum(self.radii - half, 0)
        ring = ((self.radii + half) ** 2 - inner**2) / 2
        return np.broadcast_to(ring[:, None] * self.beam_spacing, self.shape)


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
        settle(self, "x", "z")
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

    def sample_areas(self) -> FloatArray:
        """Return the area of each pixel, (Z, X) [m^2]."""
        return np.full(self.shape, math.prod(self.spacing))


def settle(geometry: Sector | PlaneGrid, *axes: str) -> None:
    """Keep plain numbers, so that equal geometries hash and print alike."""
    for name in axes:
        first, last = getattr(geometry, name)
        object.__setattr__(geometry, name, (float(first), float(last)))
    rows, columns = geometry.shape
    object.__setattr__(geometry, "shape", (int(rows), int(columns)))
