"""Where the leaflets and cusps of the valves are hinged, and where they meet."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.anatomy import Heart
from cardium.phantom.chambers import Ring


class LeafletShape(NamedTuple):
    """Proportions of an atrioventricular valve, in half the ring's first axis."""

    commissure: float
    meeting: float
    tent: float
    coaptation: float
    wide: tuple[float, float]


MITRAL = LeafletShape(
    math.radians(105), 0.48, 0.25, 0.26, (math.radians(104), math.radians(90))
)
TRICUSPID = LeafletShape(
    math.radians(100), -0.1, 0.25, 0.35, (math.radians(70), math.radians(82))
)
PLACES = 33
_LAST_PLACE = 0.97


def line_of_closure(ring: Ring, shape: LeafletShape) -> tuple[FloatArray, FloatArray]:
    """Hinges (2, W, 3) of both leaflets and the line of closure (W, 3) in the ring."""
    w = np.linspace(-_LAST_PLACE, _LAST_PLACE, PLACES)
    end = shape.commissure
    hinges = [ring.points(math.pi - w * (math.pi - end)), ring.points(w * end)]
    centre, first, second = (np.array(v) for v in (ring.hub, ring.first, ring.second))
    tip = ring.points(np.array(end)) - centre
    u = float(tip @ first / (first @ first))
    across = shape.meeting + (u - shape.meeting) * w**2
    beside = 0.98 * w * float(tip @ second / (second @ second))
    line = centre + across[:, None] * first + beside[:, None] * second
    return np.stack(hinges), line


def tent(shape: LeafletShape, size: float) -> FloatArray:
    """How much nearer to the apex than the ring the leaflets meet, (W,) [m]."""
    w = np.linspace(-_LAST_PLACE, _LAST_PLACE, PLACES)
    return np.asarray(shape.tent * size * (1 - w**2))


def coaptation(shape: LeafletShape, size: float) -> FloatArray:
    """Over what length the leaflets lie together at end-diastole, (W,) [m]."""
    w = np.linspace(-_LAST_PLACE, _LAST_PLACE, PLACES)
    return np.asarray(shape.coaptation * size * (1 - 0.8 * w**2))


def aortic_annulus(heart: Heart) -> FloatArray:
    """Four points of the aortic annulus, (4, 3) [m]."""
    root = heart.aorta
    axis, first = np.array(root.axis), np.array(root.across)
    return _cross_points(np.array(root.centre), first, axis, root.annulus)


def pulmonary_annulus(heart: Heart) -> FloatArray:
    """Four points of the pulmonary annulus, (4, 3) [m]."""
    trunk = heart.right_ventricle.trunk
    start = np.array(trunk.start)
    axis = np.array(trunk.end) - start
    axis /= np.linalg.norm(axis)
    first = np.cross(axis, [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    return _cross_points(start, first, axis, trunk.start_radius)


def _cross_points(
    centre: FloatArray, first: FloatArray, axis: FloatArray, radius: float
) -> FloatArray:
    """Points of a circle, a quarter turn apart, (4, 3)."""
    second = np.cross(axis, first)
    return centre + radius * np.stack([first, second, -first, -second])


def ring_frame(points: FloatArray) -> FloatArray:
    """Centre, half axes and unit normal of four points of a ring, (4, 3)."""
    first, second = (points[0] - points[2]) / 2, (points[1] - points[3]) / 2
    normal = np.cross(first, second)
    normal = normal / np.linalg.norm(normal)
    return np.stack([points.mean(axis=0), first, second, normal])


def edge_place(frame: FloatArray, radius: float, area: float) -> float:
    """Place of the edges, 0 star to 1 circle, that encloses an area [m^2]."""
    from cardium.phantom._valve_kernels import COMMISSURE_RADIUS

    size = float(np.linalg.norm(frame[1]))
    # An oval ring squeezes circle and star alike.
    squeeze = float(np.linalg.norm(frame[2])) / size
    linear = 9 / math.pi * COMMISSURE_RADIUS * size * radius * squeeze
    square = math.pi * radius**2 * squeeze - linear
    root = math.sqrt(linear**2 + 4 * square * area)
    return 2 * area / (linear + root)
