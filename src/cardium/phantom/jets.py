"""Blood through small openings: the free turbulent jet behind, the sink before.

Both are given by a Stokes stream function psi, ``u_x = (dpsi/dr) / r`` and
``u_r = -(dpsi/dx) / r``, so neither has divergence anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

CORE_LENGTH = 6.2
"""Length of the core of a free jet, in diameters of its opening."""


class Axial(NamedTuple):
    """An axis, and points by their place along it and across it.

    Parameters
    ----------
    along : (N,) [m]
        Distance from the origin of the axis in its direction.
    across : (N,) [m]
        Distance from the axis.
    outward : (N, 3)
        Unit vectors away from the axis; zero on it.
    direction : (3,)
        Unit vector of the axis.
    """

    along: FloatArray
    across: FloatArray
    outward: FloatArray
    direction: FloatArray

    @classmethod
    def of(cls, points: FloatArray, origin: FloatArray, direction: FloatArray) -> Axial:
        """Describe points (N, 3) [m] by an axis."""
        apart = points - origin
        along = apart @ direction
        aside = apart - along[:, None] * direction
        across = np.sqrt(np.einsum("ni,ni->n", aside, aside))
        outward = aside / np.maximum(across, _TINY)[:, None]
        return cls(along, across, outward, direction)

    def vectors(self, axial: FloatArray, radial: FloatArray) -> FloatArray:
        """Put together vectors (N, 3) of a part along the axis and one away from it."""
        return axial[:, None] * self.direction + radial[:, None] * self.outward

    def around(self, size: FloatArray) -> FloatArray:
        """Vectors (N, 3) of a size (N,) around the axis, clockwise as seen along it."""
        return size[:, None] * np.cross(self.direction, self.outward)


@dataclass(frozen=True, slots=True, eq=False)
class FreeJet:
    """A round turbulent jet into blood at rest.

    Parameters
    ----------
    origin : (3,) [m]
        Middle of the opening.
    direction : (3,)
        Unit vector along the jet.
    diameter : float [m]
        Diameter of the opening.
    speed : float [m/s]
        Speed in the opening.

    Raises
    ------
    InvalidArgumentError
        If the diameter is not positive, the speed negative or the direction not of
        length 1.

    Notes
    -----
    The core keeps the speed U of the opening for 6.2 diameters d; from there on the
    speed on the axis is ``6.2 U d / x`` and the profile a Gaussian whose half width is
    a tenth of the distance x: the free jet of Albertson et al. (1950) and of
    Schlichting, *Boundary-Layer Theory*. Within the core the profile is flat up to
    ``r_c = d/2 (1 - x / 6.2 d)`` and beyond it a Gaussian edge of width b,

        b^2 / 4 + sqrt(pi / 8) r_c b + r_c^2 / 2 = d^2 / 8,

    by which every section carries the momentum ``pi rho U^2 d^2 / 4`` of the opening.
    The jet draws blood in from the side; its flow grows with x. Turbulence is a quarter
    of the local speed beyond the core (Wygnanski & Fiedler 1969), and is in the shear
    layer around the core; as no blood is faster than in the opening, it is at most a
    third of what the local speed is below that.

    Examples
    --------
    At twice the length of the core the speed on the axis has halved, and the jet
    carries four times as much blood as the opening:

    >>> jet = FreeJet(np.zeros(3), np.array([0.0, 0.0, 1.0]), 0.004, 5.0)
    >>> far = 2 * CORE_LENGTH * jet.diameter
    >>> float(jet.velocity(np.array([[0.0, 0.0, far]]))[0, 2].round(6))
    2.5
    >>> round(float(jet.flux(np.array(far)) / (np.pi / 4 * 0.004**2 * 5)), 2)
    4.0
    """

    origin: FloatArray
    direction: FloatArray
    diameter: float
    speed: float

    def __post_init__(self) -> None:
        length = float(np.linalg.norm(self.direction))
        if not (self.diameter > 0 and self.speed >= 0 and abs(length - 1) < 1e-9):
            raise InvalidArgumentError(
                "FreeJet: needs a positive diameter, a speed of 0 or more and a "
                f"direction of length 1, got {self.diameter} m, {self.speed} m/s and "
                f"length {length}."
            )

    def velocity(self, points: FloatArray, *, reach: float = math.inf) -> FloatArray:
        """Velocity of the blood.

        Parameters
        ----------
        points : (N, 3) [m]
            Points; those before the opening have no velocity.
        reach : float [m]
            Beyond this distance along the axis there is none of this flow: from 0.6 of
            it on it turns back, without divergence.

        Returns
        -------
        velocity : (N, 3) [m/s]
        """
        place = Axial.of(points, self.origin, self.direction)
        psi, axial, radial = self.stream(place.along, place.across)
        if math.isfinite(reach):
            left, slope = fade(place.along, 0.6 * reach, reach)
            radial = radial * left - psi / np.maximum(place.across, _TINY) * slope
            axial = axial * left
        return place.vectors(axial, radial)

    def potential(self, points: FloatArray, *, reach: float = math.inf) -> FloatArray:
        """Vector potential (N, 3) [m^2/s]: `velocity` is its curl."""
        place = Axial.of(points, self.origin, self.direction)
        psi, _, _ = self.stream(place.along, place.across)
        if math.isfinite(reach):
            psi = psi * fade(place.along, 0.6 * reach, reach)[0]
        return place.around(psi / np.maximum(place.across, _TINY))

    def turbulence(self, points: FloatArray) -> FloatArray:
        """Return the standard deviation (N,) [m/s] of the velocity about its mean."""
        place = Axial.of(points, self.origin, self.direction)
        _, axial, _ = self.stream(place.along, place.across)
        speed = np.maximum(self._axis_speed(place.along), _TINY)
        profile = axial / speed
        grown = np.minimum(place.along / (CORE_LENGTH * self.diameter), 1) ** 2
        sheared = 4 * profile * (1 - profile)
        deviation = _INTENSITY * speed * (grown * profile + (1 - grown) * sheared)
        return np.minimum(deviation, np.maximum(self.speed - axial, 0) / 3)

    def flux(self, along: FloatArray) -> FloatArray:
        """Flow [m^3/s] through whole sections at distances [m] from the opening."""
        core, width, _, _ = self._shape(np.asarray(along, float))
        half = core**2 / 2 + width**2 / 2 + core * width * _ROOT_PI / 2
        return 2 * math.pi * self._axis_speed(np.asarray(along, float)) * half

    def stream(
        self, along: FloatArray, across: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Stream function and velocity by place along and across the jet.

        Parameters
        ----------
        along, across : (N,) [m]
            Distances from the opening and from the axis.

        Returns
        -------
        psi : (N,) [m^3/s]
            Stream function; 2 pi times it flows within the radius. Zero before the
            opening.
        axial, radial : (N,) [m/s]
            Velocity along the jet and away from its axis.
        """
        from scipy.special import erf

        core, width, core_slope, width_slope = self._shape(along)
        y = np.maximum(across - core, 0)
        edge = np.exp(-((y / width) ** 2))
        mound = _ROOT_PI / 2 * erf(y / width)
        inner = np.minimum(across, core)
        psi = inner**2 / 2 + width**2 / 2 * (1 - edge) + core * width * mound
        by_width = (
            width * (1 - edge) - y**2 / width * edge + core * (mound - y / width * edge)
        )
        by_core = core + width * mound - (core + y) * edge
        speed = self._axis_speed(along)
        # Beyond the core the speed falls as 1/x.
        fading = np.where(core > 0, 0.0, -1 / np.maximum(along, _TINY))
        slope = fading * psi + by_width * width_slope
        slope += np.where(across > core, by_core * core_slope, 0.0)
        radial = -speed * slope / np.maximum(across, _TINY)
        return speed * psi, speed * edge, np.where(across > _TINY, radial, 0.0)

    def _axis_speed(self, along: FloatArray) -> FloatArray:
        """Speed on the axis [m/s]."""
        end = CORE_LENGTH * self.diameter
        speed = self.speed * np.minimum(end / np.maximum(along, _TINY), 1)
        return np.where(along > 0, speed, 0.0)

    def _shape(self, along: FloatArray) -> tuple[FloatArray, ...]:
        """Radius of the core, width of its edge, and the slopes of both."""
        d, end = self.diameter, CORE_LENGTH * self.diameter
        x = np.maximum(along, 1e-6 * d)
        core = np.maximum(d / 2 * (1 - x / end), 0)
        core_slope = np.where(core > 0, -d / 2 / end, 0.0)
        half = math.sqrt(math.pi / 8) * core
        root = np.sqrt(half**2 + d**2 / 8 - core**2 / 2)
        near = 2 * (root - half)
        # From the derivative of the balance of momentum.
        near_slope = -(half / np.maximum(core, _TINY) * near + core) / root * core_slope
        far_slope = 1 / (CORE_LENGTH * math.sqrt(2))
        width = np.where(core > 0, near, far_slope * x)
        return core, width, core_slope, np.where(core > 0, near_slope, far_slope)


@dataclass(frozen=True, slots=True, eq=False)
class Sink:
    """Blood that converges on a small opening in a plane: proximal isovelocity surface.

    Parameters
    ----------
    origin : (3,) [m]
        Middle of the opening.
    direction : (3,)
        Unit vector from the opening to where the blood comes from.
    area : float [m^2]
        Effective area of the opening.
    flow : float [m^3/s]
        Flow through it.

    Notes
    -----
    Half a sphere of radius r around the opening has the area ``2 pi r^2``, so the blood
    crosses it with ``Q / (2 pi r^2)`` (Recusani et al., Circulation 83, 1991). This
    holds outside ``r_0 = sqrt(area / 2 pi)``, where the speed is that in the opening.
    Within r_0 the stream function is multiplied by ``u^2 (2 - u^2)``, ``u = r / r_0``,
    which keeps the velocity finite and continuous.

    Examples
    --------
    200 mL/s at 1 cm: 200 / (2 pi) = 31.8 cm/s, back towards the opening.

    >>> sink = Sink(np.zeros(3), np.array([0.0, 0.0, 1.0]), 4e-5, 2e-4)
    >>> points = np.array([[0.0, 0.0, 0.01], [0.006, 0.0, 0.008]])
    >>> np.linalg.norm(sink.velocity(points), axis=1).round(4)
    array([0.3183, 0.3183])
    """

    origin: FloatArray
    direction: FloatArray
    area: float
    flow: float

    @property
    def inner_radius(self) -> float:
        """Radius from which on the speed is exactly ``Q / (2 pi r^2)`` [m]."""
        return math.sqrt(self.area / (2 * math.pi))

    def velocity(self, points: FloatArray, *, reach: float = math.inf) -> FloatArray:
        """Velocity of the blood.

        Parameters
        ----------
        points : (N, 3) [m]
            Points; those beyond the plane of the opening have no velocity.
        reach : float [m]
            Beyond this distance there is none of this flow: from 0.6 of it on it turns
            back, so that the total through any plane vanishes, without divergence.

        Returns
        -------
        velocity : (N, 3) [m/s]
        """
        place = Axial.of(points, self.origin, self.direction)
        r, weight, slope = self._weight(place, reach)
        cos, sin = place.along / r, place.across / r
        strength = self.flow / (2 * math.pi)
        inward = strength * weight / r**2
        # (1 - cos) / sin is the tangent of half the angle.
        turning = strength * slope * sin / (1 + np.maximum(cos, 0)) / r
        axial, radial = -inward * cos - turning * sin, -inward * sin + turning * cos
        ahead = place.along >= 0
        return place.vectors(np.where(ahead, axial, 0), np.where(ahead, radial, 0))

    def potential(self, points: FloatArray, *, reach: float = math.inf) -> FloatArray:
        """Vector potential (N, 3) [m^2/s]: `velocity` is its curl."""
        place = Axial.of(points, self.origin, self.direction)
        r, weight, _ = self._weight(place, reach)
        half = place.across / (r + np.maximum(place.along, 0))
        size = -self.flow / (2 * math.pi) * weight * half / r
        return place.around(np.where(place.along >= 0, size, 0.0))

    def _weight(self, place: Axial, reach: float) -> tuple[FloatArray, ...]:
        """Distance, and how much of the flow there is at it, with its slope."""
        distance = np.hypot(place.along, place.across)
        u = np.minimum(distance / self.inner_radius, 1)
        weight, slope = u**2 * (2 - u**2), 4 * u * (1 - u**2) / self.inner_radius
        if math.isfinite(reach):
            cut, cut_slope = fade(distance, 0.6 * reach, reach)
            weight, slope = weight * cut, weight * cut_slope + slope * cut
        return np.maximum(distance, _TINY), weight, slope


def fade(values: FloatArray, start: float, end: float) -> tuple[FloatArray, FloatArray]:
    """Fall smoothly from 1 at `start` to 0 at `end`; and the slope of it.

    Parameters
    ----------
    values : (...)
        Where, in any unit.
    start, end : float
        Where the fall begins and ends, in the same unit.

    Returns
    -------
    left : (...)
        1 before the fall, 0 behind it, ``1 - u^3 (10 - 15 u + 6 u^2)`` between.
    slope : (...)
        Its derivative, by that unit; never positive.

    Examples
    --------
    Half way ``-30 u^2 (1 - u)^2`` is -30 / 16.

    >>> left, slope = fade(np.array([0.0, 1.5, 3.0]), 1.0, 2.0)
    >>> left.tolist(), float(slope[1])
    ([1.0, 0.5, 0.0], -1.875)
    """
    u = np.clip((values - start) / (end - start), 0, 1)
    slope = -30 * u**2 * (1 - u) ** 2 / (end - start)
    return 1 - u**3 * (10 - 15 * u + 6 * u**2), slope


def gradient_of(velocity: FloatArray) -> FloatArray:
    """Pressure gradient of a jet by the simplified Bernoulli equation, p = 4 v^2.

    Parameters
    ----------
    velocity : (...) [m/s]
        Velocity of the jet; its sign does not count.

    Returns
    -------
    gradient : (...) [mmHg]
        Fall of pressure from before the opening to the jet.

    Examples
    --------
    4 m/s, from which on aortic stenosis is severe:

    >>> float(gradient_of(np.array(4.0)))
    64.0
    """
    return np.asarray(4 * np.asarray(velocity, float) ** 2)


def velocity_of(gradient: FloatArray) -> FloatArray:
    """Velocity of a jet that a pressure gradient drives, 4 v^2 = p.

    Parameters
    ----------
    gradient : (...) [mmHg]
        Fall of pressure; below 0 there is no jet.

    Returns
    -------
    velocity : (...) [m/s]
        Not negative; `gradient_of` leads back.

    Examples
    --------
    >>> float(velocity_of(np.array(100.0)))
    5.0
    """
    return np.asarray(np.sqrt(np.maximum(np.asarray(gradient, float), 0) / 4))


_TINY = 1e-12
_ROOT_PI = math.sqrt(math.pi)
_INTENSITY = 0.25
