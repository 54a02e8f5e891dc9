"""Where samples lie in space: frozen, in metres and radians, sane when built.

The frame is the probe's: z points away from it, x to the right of the image plane, and
y completes them. As in a plane, a sample index is the centre of a sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from cardium.core.planar import FloatArray, PlaneGrid
from cardium.errors import GeometryError

AngleConvention = Literal["spherical", "tangent"]
"""How two angles make a direction; see `SectorVolume`."""

Points = tuple[FloatArray, FloatArray, FloatArray]
"""x, y and z of points, each of one shape [m]."""

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class SectorVolume:
    """A fan of beams in space around one apex: where a 3D beamspace lies.

    Two angles can make a direction in two ways, and they differ by millimetres at the
    edge of a volume, so the convention is part of the geometry:

    - ``"spherical"``: ``x = r sin(az)``, ``y = r cos(az) sin(el)``,
      ``z = r cos(az) cos(el)``, as EchoXFlow stores volumes.
    - ``"tangent"``: ``x = z tan(az)``, ``y = z tan(el)``, ``z = r / sqrt(1 + tan(az)^2
      + tan(el)^2)``, the pyramid of zea and others.

    Parameters
    ----------
    depth : (first, last) [m]
        Distance of the first and last sample of a beam from the apex.
    azimuth : (first, last) [rad]
        Angle towards +x of the first and last beam of a row; zero is straight down.
    elevation : (first, last) [rad]
        Angle towards +y of the first and last row of beams.
    shape : (E, A, R)
        Number of elevations, of azimuths and of range samples.
    convention : {"spherical", "tangent"}
        How the two angles make a direction.

    Raises
    ------
    GeometryError
        If an axis is not finite and ascending, a depth is negative, an angle is not
        between -pi/2 and pi/2, the convention is not known, or an axis has fewer than
        two samples.

    Examples
    --------
    >>> fan = SectorVolume((0.5, 1.0), (-0.6, 0.6), (-0.4, 0.4), (3, 5, 2))
    >>> x, y, z = fan.points()
    >>> x.shape, float(z[1, 2, 1]), float(y[1, 4, 1])
    ((3, 5, 2), 1.0, 0.0)
    >>> [round(float(v), 4) for v in fan.point_at(1.0, 0.3, 0.2)]
    [0.2955, 0.1898, 0.9363]
    """

    depth: tuple[float, float]
    azimuth: tuple[float, float]
    elevation: tuple[float, float]
    shape: tuple[int, int, int]
    convention: AngleConvention = "spherical"

    def __post_init__(self) -> None:
        for name in ("depth", "azimuth", "elevation"):
            _settle_pair(self, name)
        _settle_shape(self)
        if self.depth[0] < 0:
            raise GeometryError(
                f"SectorVolume depth must not be negative, got {self.depth} metres."
            )
        for name in ("azimuth", "elevation"):
            first, last = getattr(self, name)
            if not -math.pi / 2 < first < last < math.pi / 2:
                raise GeometryError(
                    f"SectorVolume {name} must lie between -pi/2 and pi/2 radians, got "
                    f"{(first, last)}. Was it given in degrees?"
                )
        if self.convention not in get_args(AngleConvention):
            raise GeometryError(
                f"SectorVolume convention '{self.convention}' is not known; known are "
                f"{', '.join(get_args(AngleConvention))}."
            )

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Steps between elevations [rad], azimuths [rad] and samples [m]."""
        ends = (self.elevation, self.azimuth, self.depth)
        e, a, r = (
            (b - a) / (n - 1) for (a, b), n in zip(ends, self.shape, strict=True)
        )
        return e, a, r

    @property
    def elevations(self) -> FloatArray:
        """Angle of each row of beams, (E,) [rad]."""
        return np.linspace(*self.elevation, self.shape[0])

    @property
    def azimuths(self) -> FloatArray:
        """Angle of each beam of a row, (A,) [rad]."""
        return np.linspace(*self.azimuth, self.shape[1])

    @property
    def depths(self) -> FloatArray:
        """Depth of each range sample, (R,) [m]."""
        return np.linspace(*self.depth, self.shape[2])

    def directions(self) -> FloatArray:
        """Return the unit vector (x, y, z) of every beam, (E, A, 3)."""
        elevation, azimuth = self.elevations[:, None], self.azimuths[None, :]
        unit = self.point_at(np.ones(self.shape[:2]), azimuth, elevation)
        return np.stack(unit, axis=-1)

    def points(self) -> Points:
        """Return x, y and z of every sample, each (E, A, R) [m]."""
        x, y, z = np.moveaxis(
            self.directions()[:, :, None] * self.depths[:, None], -1, 0
        )
        return x, y, z

    def point_at(
        self, depth: FloatArray, azimuth: FloatArray, elevation: FloatArray
    ) -> Points:
        """Return x, y and z of points given by depth [m] and two angles [rad]."""
        if self.convention == "spherical":
            across = depth * np.cos(azimuth)
            x = np.asarray(depth * np.sin(azimuth) + 0 * elevation)
            return x, across * np.sin(elevation), across * np.cos(elevation)
        u, v = np.tan(azimuth), np.tan(elevation)
        z = depth / np.sqrt(1 + u**2 + v**2)
        return z * u, z * v, z

    def polar_of(self, x: FloatArray, y: FloatArray, z: FloatArray) -> Points:
        """Return depth [m], azimuth [rad] and elevation [rad] of points in metres."""
        depth = np.sqrt(x**2 + y**2 + z**2)
        flat = z if self.convention == "tangent" else np.hypot(y, z)
        return depth, np.arctan2(x, flat), np.arctan2(y, z)

    def index_of(self, x: FloatArray, y: FloatArray, z: FloatArray) -> Points:
        """Return the fractional (elevation, azimuth, range) index of points [m]."""
        depth, azimuth, elevation = self.polar_of(x, y, z)
        step_e, step_a, step_r = self.spacing
        return (
            (elevation - self.elevation[0]) / step_e,
            (azimuth - self.azimuth[0]) / step_a,
            (depth - self.depth[0]) / step_r,
        )

    def sample_volumes(self) -> FloatArray:
        """Return the volume that each sample stands for, (E, A, R) [m^3]: exact.

        A sample stands for half a step to each side along each axis; nothing lies
        behind the apex, nor beyond a right angle.
        """
        step_e, step_a, step_r = self.spacing
        inner = np.maximum(self.depths - step_r / 2, 0)
        shell = ((self.depths + step_r / 2) ** 3 - inner**3) / 3
        azimuth = _borders(self.azimuths, step_a)
        elevation = _borders(self.elevations, step_e)
        if self.convention == "spherical":
            solid = np.diff(elevation)[:, None] * np.diff(np.sin(azimuth))
        else:
            u, v = np.tan(azimuth), np.tan(elevation)[:, None]
            corner = np.arctan2(u * v, np.sqrt(1 + u**2 + v**2))
            solid = np.diff(np.diff(corner, axis=0), axis=1)
        return np.asarray(solid[:, :, None] * shell)


@dataclass(frozen=True, slots=True)
class VolumeGrid:
    """A regular grid of voxels, which may lie aslant: three axes, each of equal steps.

    Parameters
    ----------
    origin : (x, y, z) [m]
        Centre of the first voxel.
    steps : three times (x, y, z) [m]
        From one voxel to the next along the first, second and third array axis.
    shape : (K, J, I)
        Number of voxels along each array axis.

    Raises
    ------
    GeometryError
        If a number is not finite, the steps span no volume, or an axis has fewer than
        two voxels.

    Examples
    --------
    >>> box = VolumeGrid.box(x=(-0.02, 0.02), y=(0.0, 0.03), z=(0.0, 0.1),
    ...                      shape=(11, 4, 5))
    >>> [round(step, 6) for step in box.spacing], round(box.voxel_volume * 1e9, 6)
    ([0.01, 0.01, 0.01], 1000.0)
    >>> [round(float(i), 6) for i in box.index_of(0.01, 0.02, 0.05)]
    [5.0, 2.0, 3.0]
    """

    origin: Vector
    steps: tuple[Vector, Vector, Vector]
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        origin = tuple(map(float, self.origin))
        steps = tuple(tuple(map(float, step)) for step in self.steps)
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "steps", steps)
        _settle_shape(self)
        matrix = np.array(steps)
        if matrix.shape != (3, 3) or len(origin) != 3:
            raise GeometryError(
                f"VolumeGrid needs an origin and three steps of x, y and z, got "
                f"{origin} and {steps}."
            )
        if not (np.isfinite(matrix).all() and np.isfinite(origin).all()):
            raise GeometryError(
                f"VolumeGrid must be finite, got origin {origin} and steps {steps}."
            )
        lengths = np.linalg.norm(matrix, axis=1)
        if not abs(np.linalg.det(matrix)) > 1e-6 * np.prod(lengths):
            raise GeometryError(f"VolumeGrid steps {steps} span no volume.")

    @classmethod
    def box(
        cls,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
        shape: tuple[int, int, int],
    ) -> VolumeGrid:
        """Make the upright grid whose first and last voxels lie at these ends [m].

        Its array axes are z, y and x, so `shape` is (Z, Y, X).
        """
        step = [
            (float(last) - float(first)) / (count - 1) if count > 1 else math.nan
            for (first, last), count in zip((z, y, x), shape, strict=True)
        ]
        if not min(step) > 0:
            raise GeometryError(
                f"VolumeGrid needs first < last along each axis and two voxels, got x "
                f"{x}, y {y}, z {z} and shape {shape}."
            )
        steps = ((0.0, 0.0, step[0]), (0.0, step[1], 0.0), (step[2], 0.0, 0.0))
        return cls((x[0], y[0], z[0]), steps, shape)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Distance between voxels along each array axis [m]."""
        first, second, third = (math.hypot(*step) for step in self.steps)
        return first, second, third

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel [m^3]."""
        return abs(float(np.linalg.det(np.array(self.steps))))

    @property
    def affine(self) -> FloatArray:
        """Matrix from an index (k, j, i, 1) to (x, y, z, 1) in metres, (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(self.steps).T
        matrix[:3, 3] = self.origin
        return matrix

    def points(self) -> Points:
        """Return x, y and z of every voxel centre, each (K, J, I) [m]."""
        k, j, i = (np.arange(n, dtype=float) for n in self.shape)
        a, b, c = self.steps
        x, y, z = (
            o + k[:, None, None] * a[d] + j[:, None] * b[d] + i * c[d]
            for d, o in enumerate(self.origin)
        )
        return x, y, z

    def index_of(self, x: FloatArray, y: FloatArray, z: FloatArray) -> Points:
        """Return the fractional (k, j, i) index of points given in metres."""
        inverse = np.linalg.inv(np.array(self.steps).T)
        x, y, z = (
            np.asarray(v) - o for v, o in zip((x, y, z), self.origin, strict=True)
        )
        k, j, i = (row[0] * x + row[1] * y + row[2] * z for row in inverse)
        return k, j, i

    def sample_volumes(self) -> FloatArray:
        """Return the volume of each voxel, (K, J, I) [m^3]."""
        return np.full(self.shape, self.voxel_volume)


@dataclass(frozen=True, slots=True)
class SlicePlane:
    """A flat cut through space, and the pixels wanted on it.

    Parameters
    ----------
    grid : PlaneGrid
        The pixels, in the plane's own x (right) and z (down).
    origin : (x, y, z) [m]
        Where the plane's own (0, 0) lies in space.
    right, down : (x, y, z)
        Directions of the plane's x and z; made unit vectors, and must be at right
        angles.

    Raises
    ------
    GeometryError
        If a number is not finite, a direction has no length, or the two are not at
        right angles.

    Examples
    --------
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.1), shape=(11, 5))
    >>> cut = SlicePlane(grid, origin=(0.01, 0, 0), right=(0, 2, 0), down=(0, 0, 1))
    >>> x, y, z = cut.points()
    >>> float(x[0, 0]), y[0].round(6).tolist(), cut.normal
    (0.01, [-0.02, -0.01, 0.0, 0.01, 0.02], (-1.0, 0.0, 0.0))
    """

    grid: PlaneGrid
    origin: Vector
    right: Vector
    down: Vector

    def __post_init__(self) -> None:
        for name in ("origin", "right", "down"):
            vector = tuple(map(float, getattr(self, name)))
            if len(vector) != 3 or not np.isfinite(vector).all():
                raise GeometryError(
                    f"SlicePlane {name} must be three finite numbers, got {vector}."
                )
            object.__setattr__(self, name, vector)
        for name in ("right", "down"):
            vector = getattr(self, name)
            length = math.hypot(*vector)
            if not length > 0:
                raise GeometryError(f"SlicePlane {name} has no length: {vector}.")
            object.__setattr__(self, name, tuple(v / length for v in vector))
        if abs(np.dot(self.right, self.down)) > 1e-6:
            raise GeometryError(
                f"SlicePlane right {self.right} and down {self.down} are not at right "
                "angles."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return self.grid.shape

    @property
    def normal(self) -> Vector:
        """Unit vector down x right: +y for the probe's own plane (right x, down z)."""
        x, y, z = np.cross(self.down, self.right)
        # Adding 0 turns -0 into 0, so that equal planes print alike.
        return float(x) + 0.0, float(y) + 0.0, float(z) + 0.0

    def points(self) -> Points:
        """Return x, y and z of every pixel centre, each (Z, X) [m]."""
        u, w = self.grid.points()
        x, y, z = (
            self.origin[d] + u * self.right[d] + w * self.down[d] for d in range(3)
        )
        return x, y, z

    def project(self, x: FloatArray, y: FloatArray, z: FloatArray) -> Points:
        """Return the plane's own x and z of points, and their signed distance [m]."""
        away = np.stack(np.broadcast_arrays(x, y, z), axis=-1) - np.array(self.origin)
        return away @ self.right, away @ self.down, away @ self.normal


def _borders(centres: FloatArray, step: float) -> FloatArray:
    """Return the borders between cells of equal steps, one more than centres."""
    borders = np.append(centres - step / 2, centres[-1] + step / 2)
    return np.asarray(np.clip(borders, -math.pi / 2, math.pi / 2))


def _settle_pair(geometry: SectorVolume, name: str) -> None:
    """Keep two plain ascending numbers."""
    first, last = map(float, getattr(geometry, name))
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise GeometryError(
            f"SectorVolume {name} must be first < last, got {(first, last)}. "
            "Were the two ends swapped?"
        )
    object.__setattr__(geometry, name, (first, last))


def _settle_shape(geometry: SectorVolume | VolumeGrid) -> None:
    """Keep three plain counts of at least two."""
    shape = tuple(map(int, geometry.shape))
    if len(shape) != 3 or min(shape) < 2:
        raise GeometryError(
            f"{type(geometry).__name__} needs three axes of 2 samples at least, got "
            f"{shape}."
        )
    object.__setattr__(geometry, "shape", shape)
