"""Blood in the outflow tract of the left ventricle, the aortic valve and the root."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.chambers import AorticRoot
from cardium.phantom.jets import Axial, FreeJet, Sink, fade


@dataclass(frozen=True, slots=True, eq=False)
class Outflow:
    """The flow at one time.

    Parameters
    ----------
    centre : (3,) [m]
        Middle of the aortic ring at that time.
    root : AorticRoot
        Axis and radii.
    forward : float [m^3/s]
        Flow from the ventricle into the aorta.
    opening : float [m^2]
        Effective area of the open valve: of the vena contracta.
    leak : float [m^3/s]
        Flow back through the shut valve.
    leak_speed : float [m/s]
        Speed in the leak.
    aim : (3,) [m]
        Where the jet of the leak points to.

    Notes
    -----
    In the tract the profile is flat but for a thin layer at the wall,
    ``(1 + 2/n) (1 - (r / r_0)^n)`` with n = 30. Over the last 4 mm before the valve its
    radius r_0 falls, or grows, to that of the vena contracta. Behind it follows a free
    jet, and around the jet an even flow back, such that the same flow passes every
    section, before and behind the valve. It is that past a place that does not move.

    Examples
    --------
    Flow by effective area is the velocity in the tract:

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> root = build_heart(Patient()).aorta
    >>> outflow = Outflow(np.array(root.centre), root, 4e-4, 3e-4)
    >>> place = np.array(root.centre) - 0.006 * np.array(root.axis)
    >>> speed = outflow.velocity(place[None])[0] @ np.array(root.axis)
    >>> bool(np.isclose(speed, 4e-4 / outflow.tract_area))
    True
    """

    centre: FloatArray
    root: AorticRoot
    forward: float
    opening: float
    leak: float = 0.0
    leak_speed: float = 0.0
    aim: tuple[float, float, float] = (0.0, 0.0, 0.03)

    @property
    def axis(self) -> FloatArray:
        """Unit vector (3,) along the axis, away from the ventricle."""
        return np.array(self.root.axis)

    @property
    def tract_radius(self) -> float:
        """Radius of the tract [m]."""
        return _TRACT * self.root.annulus

    @property
    def tract_area(self) -> float:
        """Effective area of the tract: its flow by the velocity in its middle [m^2]."""
        return math.pi * self.tract_radius**2 * _FLATNESS / (_FLATNESS + 2)

    @property
    def jet(self) -> FreeJet | None:
        """Jet behind the open valve; None while it is shut."""
        if self.forward <= _LEAST_FLOW:
            return None
        diameter = math.sqrt(4 * self.opening / math.pi)
        return FreeJet(self.centre, self.axis, diameter, self.forward / self.opening)

    @property
    def leak_jet(self) -> FreeJet | None:
        """Jet of a leak into the ventricle; None when there is none."""
        return leak_jet(self.centre, self.leak_direction, self.leak, self.leak_speed)

    @property
    def leak_direction(self) -> FloatArray:
        """Unit vector (3,) along the jet of a leak."""
        way = np.array(self.aim) - self.centre
        return np.asarray(way / np.linalg.norm(way))

    def contains(self, points: FloatArray) -> NDArray[np.bool_]:
        """Tell which points (N, 3) [m] are in the tract or the root."""
        place = Axial.of(points, self.centre, self.axis)
        inside: NDArray[np.bool_] = (
            (place.along > -_TRACT_LENGTH)
            & (place.along < self.root.length)
            & (place.across < self._radius(place.along))
        )
        return inside

    def velocity(self, points: FloatArray) -> FloatArray:
        """Velocity (N, 3) [m/s] of blood at points (N, 3) [m] of tract and root."""
        place = Axial.of(points, self.centre, self.axis)
        axial, radial = self._before(place)
        behind = place.along > 0
        if self.jet is not None and behind.any():
            axial[behind], radial[behind] = self._behind(self.jet, place, behind)
        velocity = place.vectors(axial, radial)
        if self.leak_jet is not None:
            velocity += self.leak_jet.velocity(points)
            orifice = self.leak / self.leak_speed
            velocity += Sink(self.centre, self.axis, orifice, self.leak).velocity(
                points
            )
        return velocity

    def _before(self, place: Axial) -> tuple[FloatArray, FloatArray]:
        """Velocity along and across in the tract, zero behind the valve."""
        tract, valve = self.tract_radius, math.sqrt(self.opening / math.pi)
        left, slope = fade(place.along, -_NARROWING, 0.0)
        radius = valve + (tract - valve) * left
        share = np.minimum(place.across / radius, 1)
        peak = self.forward / (math.pi * radius**2) * (1 + 2 / _FLATNESS)
        axial = np.where(place.along <= 0, peak * (1 - share**_FLATNESS), 0.0)
        # Streamlines follow the radius: u_r / u_x = r / r_0 dr_0 / dx.
        return axial, axial * share * (tract - valve) * slope

    def _behind(
        self, jet: FreeJet, place: Axial, where: NDArray[np.bool_]
    ) -> tuple[FloatArray, FloatArray]:
        """Velocity along and across behind the valve."""
        along, across = place.along[where], place.across[where]
        _, axial, radial = jet.stream(along, across)
        wall = self._radius(along)
        psi, _, _ = jet.stream(along, wall)
        back = (2 * math.pi * psi - self.forward) / (math.pi * wall**2)
        return axial - back, radial

    def _radius(self, along: FloatArray) -> FloatArray:
        """Radius of tract, sinuses and aorta by the place along the axis [m]."""
        root = self.root
        nodes = np.array([-_TRACT_LENGTH, 0.0, 0.45, 1.0, 1.0]) * [
            1,
            1,
            *[root.height] * 3,
        ]
        nodes[4] = root.length
        radii = [self.tract_radius] * 2 + [root.sinus, root.junction, root.ascending]
        return np.interp(along, nodes, radii)


def leak_jet(
    origin: FloatArray, direction: FloatArray, flow: float, speed: float
) -> FreeJet | None:
    """Build the jet of a leak, the area of its opening being its flow by its speed.

    Parameters
    ----------
    origin : (3,) [m]
        Middle of the leak.
    direction : (3,)
        Unit vector along the jet.
    flow : float [m^3/s]
        Flow through it.
    speed : float [m/s]
        Speed in it.

    Returns
    -------
    jet : FreeJet or None
        None where there is no flow, or hardly any.

    Examples
    --------
    62.8 mL/s at 5 m/s go through 12.6 mm^2, which are 4 mm across.

    >>> jet = leak_jet(np.zeros(3), np.array([0.0, 0.0, 1.0]), 62.8e-6, 5.0)
    >>> round(jet.diameter, 4)
    0.004
    """
    if flow <= _LEAST_FLOW or speed <= _LEAST_SPEED:
        return None
    return FreeJet(origin, direction, math.sqrt(4 * flow / speed / math.pi), speed)


_TRACT = 1.10
_TRACT_LENGTH = 0.014
_NARROWING = 0.004
_FLATNESS = 30
_LEAST_FLOW = 1e-8
_LEAST_SPEED = 0.05
