"""The parts of a heart around the left ventricle: shapes of plain numbers.

All are at end-diastole, in the frame of the left ventricle (origin at the endocardial
apex, z to the base, x to the lateral wall, y to the inferior wall). They are tuples of
numbers, so that compiled code takes them as they are.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cardium.core import FloatArray

Vector = tuple[float, float, float]
"""x, y and z [m]."""

NOTCH_WIDTH = 0.87
"""Angle beside its middle at which a ring's notch has fallen to 1/e [rad]."""


class Atrium(NamedTuple):
    """A chamber with a shape between an ellipsoid and a box.

    Parameters
    ----------
    centre : Vector [m]
        Its middle.
    heading : float [rad]
        Angle, from x towards y, of the first semi-axis; the second is 90 degrees on,
        the third along z.
    semi_axes : Vector [m]
        Half lengths of the cavity.
    wall : float [m]
        Thickness of its wall.
    floor : float [m]
        Height z of the plane of its valve, where it ends.

    Notes
    -----
    The surface is where ``|u/a|^2.5 + |v/b|^2.5 + |w/c|^2.5 = 1``.
    """

    centre: Vector
    heading: float
    semi_axes: Vector
    wall: float
    floor: float

    def reach(self, angle: float) -> float:
        """How far it reaches from its centre at an angle [rad] across z [m]."""
        u, v = math.cos(angle - self.heading), math.sin(angle - self.heading)
        a, b, _ = self.semi_axes
        return float((abs(u / a) ** 2.5 + abs(v / b) ** 2.5) ** (-1 / 2.5))


class Tube(NamedTuple):
    """A straight vessel or strand with round ends.

    Parameters
    ----------
    start, end : Vector [m]
        Ends of its middle line.
    start_radius, end_radius : float [m]
        Radius at these ends.
    """

    start: Vector
    end: Vector
    start_radius: float
    end_radius: float


class RightVentricle(NamedTuple):
    """A crescent around the septum, with an outflow tract in front of the aorta.

    Parameters
    ----------
    heading : float [rad]
        Angle of its middle, from x towards y.
    apex : float [m]
        Height z of its apex.
    floor : float [m]
        Height z of the plane of the tricuspid valve, where the inflow ends.
    width : float [m]
        Greatest distance from the septum to the free wall.
    wall : float [m]
        Thickness of the free wall.
    outflow, trunk : Tube
        Infundibulum, from the crescent to the pulmonary valve, and pulmonary trunk.
    """

    heading: float
    apex: float
    floor: float
    width: float
    wall: float
    outflow: Tube
    trunk: Tube


class AorticRoot(NamedTuple):
    """Annulus, sinuses and ascending aorta around a straight axis.

    Parameters
    ----------
    centre : Vector [m]
        Middle of the annulus.
    axis : Vector
        Unit vector along the axis, away from the ventricle.
    across : Vector
        Unit vector across it, towards the middle of the right coronary cusp.
    annulus, sinus, junction, ascending : float [m]
        Radii of the annulus, the sinuses, the sinotubular junction and the aorta.
    height : float [m]
        From the annulus to the sinotubular junction.
    length : float [m]
        From the annulus to the end of what is modelled.
    wall : float [m]
        Thickness of the wall.
    """

    centre: Vector
    axis: Vector
    across: Vector
    annulus: float
    sinus: float
    junction: float
    ascending: float
    height: float
    length: float
    wall: float


class Ring(NamedTuple):
    """A flat ring that carries the leaflets of a valve: an ellipse with a notch.

    Parameters
    ----------
    hub : Vector [m]
        Middle of the ellipse; angles are seen from there.
    first, second : Vector [m]
        Its two half axes, as vectors. ``first x second`` points out of the ventricle.
    notch : float
        How far the ring is pushed in on the side away from `first`, in half axes: the
        aorta wedges the mitral ring.

    Examples
    --------
    >>> ring = Ring((0.0, 0.0, 0.08), (0.012, 0.0, 0.0), (0.0, 0.017, 0.0))
    >>> ring.points(np.array([0.0, np.pi / 2])).round(3).tolist()
    [[0.012, 0.0, 0.08], [0.0, 0.017, 0.08]]
    """

    hub: Vector
    first: Vector
    second: Vector
    notch: float = 0.0

    @property
    def area(self) -> float:
        """Area that the ring encloses [m^2]."""
        return self._moments()[0]

    @property
    def centre(self) -> Vector:
        """Middle of that area [m]."""
        _, shift = self._moments()
        x, y, z = (np.array(self.hub) + shift * np.array(self.first)).tolist()
        return x, y, z

    def points(self, angle: FloatArray) -> FloatArray:
        """Points (..., 3) [m] of the ring at angles (...) [rad] from `first`."""
        radius = self._radius(angle)
        cos = (radius * np.cos(angle))[..., None]
        sin = (radius * np.sin(angle))[..., None]
        across = cos * np.array(self.first) + sin * np.array(self.second)
        return np.asarray(np.array(self.hub) + across)

    def _radius(self, angle: FloatArray) -> FloatArray:
        """Distance from the hub at angles, in half axes."""
        beside = np.remainder(angle, 2 * math.pi) - math.pi
        return np.asarray(1 - self.notch * np.exp(-((beside / NOTCH_WIDTH) ** 4)))

    def _moments(self) -> tuple[float, float]:
        """Area [m^2], and how far along `first` its middle is from the hub."""
        angle = np.linspace(0, 2 * math.pi, 256, endpoint=False)
        radius = self._radius(angle)
        square, unit = np.mean(radius**2), np.cross(self.first, self.second)
        shift = 2 / 3 * np.mean(radius**3 * np.cos(angle)) / square
        return float(math.pi * square * np.linalg.norm(unit)), float(shift)


class Papillary(NamedTuple):
    """A papillary muscle: a body on the wall, and two heads.

    Parameters
    ----------
    body, first, second : Tube
        The body from the wall, and the heads from the end of the body.
    """

    body: Tube
    first: Tube
    second: Tube
