"""How the right ventricle contracts: its free wall and the tricuspid ring, in loops.

As in `cardium.phantom._motion_kernels`, in the round frame and in one thread.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numba import njit


class FreeWall(NamedTuple):
    """Where the free wall of the right ventricle is, as the loops need it.

    Parameters
    ----------
    heading : float [rad]
        Direction of its middle.
    apex, floor : float [m]
        Heights of the apex and of the tricuspid ring.
    width : float [m]
        Greatest distance from the septum; 0 if there is no right ventricle.
    inward : float [m]
        How far it comes to the septum per emptying of the left ventricle.
    """

    heading: float
    apex: float
    floor: float
    width: float
    inward: float


NO_WALL = FreeWall(0.0, 0.0, 1.0, 0.0, 0.0)

INWARD = 0.47
"""Way of the free wall to the septum in a healthy systole [widths of the ventricle]."""

DESCENT = 0.75
"""Way along the axis, beyond that of the septum, per shortening [heights of floor]."""

_HEALTHY = 0.6
_WEAKER = 0.35

_CORE = math.cos(math.radians(45))
_EDGE = math.cos(math.radians(115))
_FADE = 0.035
_REACH = 1.05
_BEND = 0.2
_BELLOWS = (0.5, 0.65, 0.045)
_DRAWN = (1.15, 0.06)


def inward_of(width: float, ejection_fraction: float) -> float:
    """How far the free wall comes to the septum per emptying [m].

    As far in every healthy systole; in a weaker heart less than in proportion.
    """
    part = ejection_fraction / _HEALTHY
    return INWARD / _HEALTHY * width * (part**_WEAKER if part < 1 else 1 / part)


@njit(cache=True)
def step_up(u: float) -> tuple[float, float, float, float]:
    """Step from 0 to 1: its integral, value, slope and curvature."""
    if u <= 0:
        return 0.0, 0.0, 0.0, 0.0
    if u >= 1:
        return u - 0.5, 1.0, 0.0, 0.0
    return (
        u**4 * (2.5 - 3 * u + u * u),
        u**3 * (10 - 15 * u + 6 * u * u),
        30 * u * u * (1 - u) ** 2,
        60 * u * (1 - u) * (1 - 2 * u),
    )


@njit(cache=True)
def step_around(angle: float, edge: float, core: float) -> tuple[float, float, float]:
    """Step around a direction by the cosines of its edges: value, two derivatives."""
    cos, sin = math.cos(angle), math.sin(angle)
    width = core - edge
    _, value, slope, bend = step_up((cos - edge) / width)
    slope, bend = slope / width, bend / width**2
    return value, -slope * sin, bend * sin * sin - slope * cos


@njit(cache=True)
def pull(wall: FreeWall, angle: float, z: float, beyond: float) -> tuple[float, float]:
    """Way [m] towards the axis per emptying, and down it per shortening.

    `beyond` is how far the point lies outside the left ventricle: where that is 0, both
    and their derivatives are 0.
    """
    span = wall.floor - wall.apex
    up = (z - wall.apex) / span
    if wall.width <= 0 or beyond <= 0 or up <= 0:
        return 0.0, 0.0
    side, _, _ = step_around(angle - wall.heading, _EDGE, _CORE)
    if side <= 0:
        return 0.0, 0.0
    width = wall.width * (0.4 + 0.6 * step_up(up / 0.6)[1])
    side *= math.exp(-((max(beyond - width, 0.0) / _FADE) ** 2))
    depth = beyond / (_REACH * width)
    start, end = step_up(depth / _BEND)[0], step_up((depth - 1 + _BEND) / _BEND)[0]
    side *= (start - end) * _BEND / (1 - _BEND)
    low, middle, above = _BELLOWS
    bellows = (
        step_up(up / low)[1] - step_up((up - middle) / (1 - middle + above / span))[1]
    )
    whole, above = _DRAWN
    drawn = step_up(up / whole)[1] * (1 - step_up((z - wall.floor) / above)[1])
    return wall.inward * side * bellows, DESCENT * wall.floor * side * drawn
