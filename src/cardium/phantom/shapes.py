"""The shapes that a heart at end-diastole is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.cycle import smooth_step, smooth_step_rate

SEPTUM = math.radians(-168)
"""Direction of the middle of the septum, where a septal excess is greatest [rad]."""


@dataclass(frozen=True, slots=True)
class LeftVentricle:
    """A thick-walled spheroid, cut off at the base.

    The endocardium has the semi-axes `long_axis` and `short_axis` around the point
    ``z = long_axis``; the epicardium has both longer by `wall`. Both end at the base,
    ``z = long_axis * (1 + truncation)``.

    Parameters
    ----------
    long_axis : float [m]
        Semi-axis of the endocardium from apex to base.
    short_axis : float [m]
        Semi-axis of the endocardium across.
    wall : float [m]
        Thickness of the wall at the equator and at the apex.
    truncation : float
        Where the base lies beyond the equator, as a part of `long_axis`, 0..1.
    septal_excess : float [m]
        By how much the basal septum is thicker, outwards.
    eccentricity : float
        Stretch of x, and of 1 / y: an elliptic cross-section of the same area.

    Raises
    ------
    InvalidArgumentError
        If a length is not positive, the truncation not between 0 and 1 or the
        eccentricity not near 1.

    Notes
    -----
    Radii, angles and levels are in the *round frame*, where the endocardium is a
    spheroid; `to_round` and `from_round` lead there and back. With an eccentricity of
    1, the default, it is the frame of the ventricle itself. Points are never in the
    round frame unless it is said.

    Examples
    --------
    Half a sphere of 3 cm has 2/3 pi 3^3 = 56.5 mL.

    >>> half = LeftVentricle(long_axis=0.03, short_axis=0.03, wall=0.01, truncation=0.0)
    >>> round(half.cavity_volume * 1e6, 1), round(half.myocardial_volume * 1e6, 1)
    (56.5, 77.5)
    """

    long_axis: float
    short_axis: float
    wall: float
    truncation: float
    septal_excess: float = 0.0
    eccentricity: float = 1.0

    def __post_init__(self) -> None:
        if min(self.long_axis, self.short_axis, self.wall) <= 0:
            raise InvalidArgumentError(
                "LeftVentricle: semi-axes and wall must be positive metres, got "
                f"{self.long_axis}, {self.short_axis} and {self.wall}."
            )
        if not 0 <= self.truncation < 1:
            raise InvalidArgumentError(
                f"LeftVentricle: truncation must be in 0..1, got {self.truncation}."
            )
        if not (0 <= self.septal_excess < self.short_axis):
            raise InvalidArgumentError(
                "LeftVentricle: the septal excess must be in 0..short_axis "
                f"({self.short_axis} m), got {self.septal_excess}."
            )
        if not 0.7 <= self.eccentricity <= 1.4:
            raise InvalidArgumentError(
                "LeftVentricle: eccentricity must be in 0.7..1.4, got "
                f"{self.eccentricity}."
            )

    @property
    def length(self) -> float:
        """Distance from the endocardial apex to the base [m]."""
        return self.long_axis * (1 + self.truncation)

    @property
    def cavity_volume(self) -> float:
        """Volume inside the endocardium, the end-diastolic volume [m^3]."""
        return self._layer_volume(0.0)

    @property
    def myocardial_volume(self) -> float:
        """Volume between endocardium and epicardium [m^3]."""
        return self._layer_volume(1.0) - self._layer_volume(0.0) + self._swell_volume()

    def to_round(self, points: FloatArray) -> FloatArray:
        """Bring points (..., 3) [m] into the round frame."""
        stretch = np.array([self.eccentricity, 1 / self.eccentricity, 1.0])
        return np.asarray(points / stretch.astype(points.dtype))

    def from_round(self, points: FloatArray) -> FloatArray:
        """Bring points (..., 3) [m] of the round frame back."""
        stretch = np.array([self.eccentricity, 1 / self.eccentricity, 1.0])
        return np.asarray(points * stretch.astype(points.dtype))

    def cylindrical(
        self, points: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Radius [m], angle [rad] and height [m] of points (..., 3) in the round frame.

        Examples
        --------
        >>> oval = LeftVentricle(0.05, 0.025, 0.009, 0.6, eccentricity=1.25)
        >>> radius, angle, z = oval.cylindrical(np.array([0.0, 0.02, 0.04]))
        >>> round(float(radius), 3), round(float(angle), 3), float(z)
        (0.025, 1.571, 0.04)
        """
        x, y, z = np.moveaxis(self.to_round(points), -1, 0)
        return np.hypot(x, y), np.arctan2(y, x), z

    def azimuth(self, angle: FloatArray) -> FloatArray:
        """Angle [rad] in the round frame of a direction across the long axis."""
        squeezed = self.eccentricity**2 * np.sin(angle)
        return np.asarray(np.arctan2(squeezed, np.cos(angle)))

    def layer_radius_squared(
        self, z: FloatArray, *, fraction: float = 0.0, theta: FloatArray | None = None
    ) -> FloatArray:
        """Squared radius of a layer at heights along the long axis.

        Parameters
        ----------
        z : (...) [m]
            Heights above the endocardial apex; the spheroid is not cut off here.
        fraction : float
            Depth in the wall: 0 is the endocardium, 1 the epicardium.
        theta : (...) [rad], optional
            Angles in the round frame, for the septal excess; without them it is left
            out. The endocardium does not depend on them.

        Returns
        -------
        squared : (...) [m^2]
            Squared radius in the round frame; zero beyond the poles of the spheroid.
        """
        along, across = self._semi_axes(fraction)
        height = (z - self.long_axis) / along
        squared = np.maximum(across**2 * (1 - height**2), 0.0)
        if theta is None:
            return np.asarray(squared)
        if self.septal_excess == 0:
            return np.asarray(squared + np.zeros(np.shape(theta)))
        swell = fraction * self.septal_swell(theta, z)
        return np.asarray((np.sqrt(squared) + swell) ** 2)

    def septal_swell(self, theta: FloatArray, z: FloatArray) -> FloatArray:
        """By how much the wall is thicker at angles [rad] and heights [m], in m.

        It is `septal_excess` in the middle of the septum at the base, and falls to
        nothing 75 degrees aside and at a third of the height, with two continuous
        derivatives.
        """
        centre, edge, core, start, end = SWELL
        window = smooth_step((np.cos(theta - centre) - edge) / (core - edge))
        rise = smooth_step((z / self.length - start) / (end - start))
        return np.asarray(self.septal_excess * window * rise)

    def epicardial_level(
        self, radius: FloatArray, z: FloatArray, *, theta: FloatArray | None = None
    ) -> FloatArray:
        """Where points lie against the epicardium: 1 on it, less inside.

        Parameters
        ----------
        radius : (...) [m]
            Distances from the long axis in the round frame.
        z : (...) [m]
            Heights above the endocardial apex.
        theta : (...) [rad], optional
            Angles in the round frame, for the septal excess.

        Returns
        -------
        level : (...)
            Distance from the centre in units of the semi-axes, less the excess.
        """
        along, across = self._semi_axes(1.0)
        if theta is not None and self.septal_excess > 0:
            radius = np.maximum(radius - self.septal_swell(theta, z), 0.0)
        return np.asarray(np.hypot(radius / across, (z - self.long_axis) / along))

    def layer_points(
        self, fraction: float, count: int, *, rotation: float = 0.0
    ) -> FloatArray:
        """Points of one layer in a plane through the long axis, from base to base.

        Parameters
        ----------
        fraction : float
            Depth in the wall: 0 is the endocardium, 1 the epicardium.
        count : int
            Number of points; odd numbers have one on the long axis.
        rotation : float [rad]
            Direction of the plane's right side, from x towards y.

        Returns
        -------
        points : (count, 2) [m]
            Place across, growing from the left to the right side, and z. Both ends
            lie on the base exactly; points are evenly spaced in the spheroid's
            eccentric angle, but for one on each side: see `layer_heights`.
        """
        z, right = self.layer_heights(fraction, count)
        angle = np.asarray(self.azimuth(np.asarray(rotation))) + np.where(
            right, 0, math.pi
        )
        radius = np.sqrt(self.layer_radius_squared(z, fraction=fraction, theta=angle))
        reach = self.round_to_plane(rotation)
        return np.stack([np.where(right, reach, -reach) * radius, z], axis=-1)

    def layer_heights(
        self, fraction: float, count: int
    ) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Heights [m] of the points of `layer_points`, and which are on the right.

        With 41 points and more the one nearest to the height of the endocardial apex
        is put on it: where cavity begins, a moved layer has a corner.
        """
        along, _ = self._semi_axes(fraction)
        end = math.acos((self.long_axis - self.length) / along)
        angle = np.linspace(-end, end, count)
        z = self.long_axis - along * np.cos(angle)
        z[[0, -1]] = self.length
        if fraction > 0 and count > _COARSE:
            corner = abs(z[: count // 2]).argmin()
            z[[corner, -1 - corner]] = 0.0
        return z, angle >= 0

    def round_to_plane(self, rotation: FloatArray | float) -> FloatArray:
        """Length across the axis, along a direction [rad], of 1 m in the round frame.

        Examples
        --------
        >>> oval = LeftVentricle(0.05, 0.025, 0.009, 0.6, eccentricity=1.25)
        >>> oval.round_to_plane(np.array([0, math.pi / 2])).round(9).tolist()
        [1.25, 0.8]
        """
        x = np.cos(rotation) / self.eccentricity
        return np.asarray(1 / np.hypot(x, np.sin(rotation) * self.eccentricity))

    def wall_directions(
        self, points: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Radial, circumferential and longitudinal direction of the wall at points.

        Parameters
        ----------
        points : (..., 3) [m]
            End-diastolic points of the wall.

        Returns
        -------
        radial, circumferential, longitudinal : (..., 3)
            Unit vectors: across the layer that goes through a point, outwards; around
            the long axis, from x towards y; and along the layer, towards the base.

        Examples
        --------
        >>> lv = LeftVentricle(0.05, 0.025, 0.01, 0.6)
        >>> [int(d.argmax()) for d in lv.wall_directions(np.array([0.03, 0, 0.05]))]
        [0, 1, 2]
        """
        radius, theta, z = self.cylindrical(points)
        fraction = self.layer_fraction(points)
        along, across = self._semi_axes(fraction)
        swell, by_angle, by_z = self._swell_slopes(theta, z)
        out = (radius - fraction * swell) / across**2
        turn = -out * fraction * by_angle / np.maximum(radius, _TINY)
        up = (z - self.long_axis) / along**2 - out * fraction * by_z
        cos, sin = np.cos(theta), np.sin(theta)
        normal = np.stack([out * cos - turn * sin, out * sin + turn * cos, up], -1)
        # A normal is turned by the inverse of what stretches the points.
        radial = _unit(self.to_round(normal))
        around = np.stack([-radial[..., 1], radial[..., 0], 0 * z], axis=-1)
        flat = np.hypot(around[..., 0], around[..., 1]) < 1e-9
        around[flat] = (0.0, 1.0, 0.0)
        circumferential = _unit(around)
        return radial, circumferential, np.cross(radial, circumferential)

    def layer_fraction(self, points: FloatArray) -> FloatArray:
        """Depth in the wall of end-diastolic points (..., 3): 0 inside, 1 outside.

        Examples
        --------
        >>> lv = LeftVentricle(0.05, 0.025, 0.01, 0.6)
        >>> lv.layer_fraction(np.array([[0.025, 0, 0.05], [0, 0, -0.005]])).round(9)
        array([0. , 0.5])
        """
        radius, theta, z = self.cylindrical(points)
        swell = self.septal_swell(theta, z)
        low, high = np.zeros(z.shape), np.ones(z.shape)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            along, across = self._semi_axes(middle)
            inner = np.maximum(radius - middle * swell, 0.0)
            beyond = np.hypot(inner / across, (z - self.long_axis) / along) > 1
            low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
        return np.asarray((low + high) / 2)

    def _semi_axes(self, fraction: FloatArray | float) -> tuple[Any, Any]:
        """Semi-axes of layers along and across the long axis [m]."""
        growth = fraction * self.wall
        return self.long_axis + growth, self.short_axis + growth

    def _layer_volume(self, fraction: float) -> float:
        """Volume inside a layer, from its apex to the base, without excess [m^3]."""
        along, across = self._semi_axes(fraction)
        end = (self.length - self.long_axis) / along
        return float(math.pi * across**2 * along * (end - end**3 / 3 + 2 / 3))

    def _swell_volume(self) -> float:
        """Volume of the septal excess [m^3]."""
        if self.septal_excess == 0:
            return 0.0
        centre, edge, core, start, end = SWELL
        node, weight = np.polynomial.legendre.leggauss(32)
        cuts = np.array([0.0, math.acos(core), math.acos(edge)])
        half = np.diff(cuts)[:, None] / 2
        theta = centre + (cuts[:-1, None] + half * (1 + node)).ravel()
        heights = np.array([start, end, max(end, 1.0)]) * self.length
        tall = np.diff(heights)[:, None] / 2
        z = (heights[:-1, None] + tall * (1 + node)).ravel()
        swell = self.septal_swell(theta[:, None], z)
        plain = np.sqrt(self.layer_radius_squared(z, fraction=1.0))
        ring = (half * weight).ravel() @ (swell * (2 * plain + swell))
        return float(ring @ (tall * weight).ravel())

    def _swell_slopes(
        self, theta: FloatArray, z: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`septal_swell`, and its derivatives by the angle and the height."""
        centre, edge, core, start, end = SWELL
        u = (np.cos(theta - centre) - edge) / (core - edge)
        v = (z / self.length - start) / (end - start)
        by_angle = smooth_step_rate(u) * -np.sin(theta - centre) / (core - edge)
        by_z = smooth_step_rate(v) / ((end - start) * self.length)
        return (
            self.septal_swell(theta, z),
            self.septal_excess * by_angle * smooth_step(v),
            self.septal_excess * by_z * smooth_step(u),
        )


SWELL = (SEPTUM, math.cos(math.radians(75)), math.cos(math.radians(15)), 0.33, 0.8)
"""Where the septal excess is: azimuth, cosines of edge and core, heights."""

_TINY = 1e-12
_HALVINGS = 50
_COARSE = 40


def _unit(vectors: FloatArray) -> FloatArray:
    """Scale vectors (..., 3) to length 1."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
