"""Compiled code that places points of leaflets, cusps and chordae."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

CUSP = 4
"""First kind of a cusp; before it come the leaflets, two of each valve."""
CHORD = 10
"""First kind of a chorda, to an anterior leaflet; the next is to a posterior one."""

BELOW_EDGE = 0.7
"""Part of a cusp that is below the zone in which cusps touch."""
COMMISSURE_HEIGHT = 1.3
"""Height of the commissures above the annulus, in radii of the annulus."""
COMMISSURE_RADIUS = 1.15
"""Their distance from the axis, in radii of the annulus."""
_SECTOR = math.pi / 3


class AtrioventricularState(NamedTuple):
    """A valve with two leaflets at one time; W places along the line of closure."""

    hinges: NDArray[np.float64]
    """(2, W, 3) [m], of both leaflets."""
    meeting: NDArray[np.float64]
    """(W, 3) [m], where they meet, in the plane of the ring."""
    tent: NDArray[np.float64]
    """(W,) [m], how much nearer to the apex they really meet."""
    lengths: NDArray[np.float64]
    """(2, W) [m], from hinge to tip."""
    opening: float
    wide: tuple[float, float]
    """Angle of each leaflet to the ring when it is wide open [rad]."""


class SemilunarState(NamedTuple):
    """A valve with three cusps at one time."""

    frame: NDArray[np.float64]
    """(4, 3) [m]: centre, two half axes of the ring, unit normal."""
    radius: float
    """Radius of the circle that the cusps open to [m]."""
    opening: float
    """Where the edges are between the star, 0, and the circle, 1."""


@njit(cache=True)
def place_flaps(
    kind: NDArray[np.uint8],
    place: NDArray[np.float32],
    along: NDArray[np.float32],
    offset: NDArray[np.float32],
    valves: tuple[AtrioventricularState, AtrioventricularState],
    cusps: tuple[SemilunarState, SemilunarState],
    tips: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return where points of the valves are, (N, 3) [m]; `tips` (2, 2, 3) of muscle."""
    out = np.empty((len(kind), 3))
    table = np.empty((CUSP, valves[0].meeting.shape[0], 11))
    _tabulate(table, 0, valves[0])
    _tabulate(table, 2, valves[1])
    slack = (1 - valves[0].opening, 1 - valves[1].opening)
    for i in range(len(kind)):
        k = kind[i]
        if k < CUSP:
            _leaflet(out, i, table, k, place[i], along[i], offset[i], slack[k // 2])
        elif k < CUSP + 3:
            _cusp(out, i, k - CUSP, place[i], along[i], offset[i], cusps[0])
        elif k < CHORD:
            _cusp(out, i, k - CUSP - 3, place[i], along[i], offset[i], cusps[1])
        else:
            _leaflet(out, i, table, k - CHORD, place[i], 1.0, 0.0, 0.0)
            muscle = 0 if place[i] < 0 else 1
            head = round(100 * abs(place[i])) % 2
            for axis in range(3):
                tip = tips[muscle, head, axis]
                out[i, axis] = tip + along[i] * (out[i, axis] - tip)
    return out


@njit(cache=True)
def _tabulate(
    table: NDArray[np.float64], first: int, valve: AtrioventricularState
) -> None:
    """Tabulate hinge, bend, normal, way to the bend and length of two leaflets."""
    for side in range(2):
        for n in range(valve.meeting.shape[0]):
            hx, hy, hz = valve.hinges[side, n]
            ex, ey = valve.meeting[n, 0] - hx, valve.meeting[n, 1] - hy
            across = max(math.sqrt(ex * ex + ey * ey), 1e-9)
            ex, ey = ex / across, ey / across
            tent = valve.tent[n] + hz - valve.meeting[n, 2]
            shut, bridge = math.atan2(tent, across), math.hypot(across, tent)
            # Beside the middle a leaflet opens less: the wall is near.
            w = 2 * n / (valve.meeting.shape[0] - 1) - 1
            wide = valve.wide[side] - 0.6 * w * w
            angle = shut + valve.opening * (wide - shut)
            cos, sin = math.cos(angle), math.sin(angle)
            row = table[first + side, n]
            row[0], row[1], row[2] = hx, hy, hz
            row[3], row[4] = hx + ex * bridge * cos, hy + ey * bridge * cos
            row[5] = hz - bridge * sin
            row[6], row[7], row[8] = ex * sin, ey * sin, cos
            row[9], row[10] = bridge, valve.lengths[side, n]


@njit(cache=True)
def _leaflet(
    out: NDArray[np.float64],
    i: int,
    table: NDArray[np.float64],
    leaflet: int,
    place: float,
    along: float,
    offset: float,
    slack: float,
) -> None:
    """Place a point of a leaflet: straight from the hinge to the bend, then down."""
    last = table.shape[1] - 1
    at = min(max((place + 1) / 2 * last, 0.0), last - 1e-9)
    n = int(at)
    part = at - n
    bridge = _mix(table, leaflet, n, part, 9)
    length = along * _mix(table, leaflet, n, part, 10)
    s = min(length / bridge, 1.0)
    # Shut, the leaflet bulges to the atrium; towards the bend what is thick of it moves
    # to the side of the ventricle, as beyond it the atrial sides touch.
    turned = min(max(5 * s - 4, 0.0), 1.0)
    thick = offset * (1 - 2 * turned) if offset > 0 else offset
    lift = 0.0048 * slack * s * (1 - s) + thick
    for axis in range(3):
        hinge = _mix(table, leaflet, n, part, axis)
        bend = _mix(table, leaflet, n, part, 3 + axis)
        normal = _mix(table, leaflet, n, part, 6 + axis)
        out[i, axis] = hinge + s * (bend - hinge) + lift * normal
    if length > bridge:
        out[i, 2] -= length - bridge


@njit(cache=True)
def _mix(
    table: NDArray[np.float64], leaflet: int, n: int, part: float, column: int
) -> float:
    """Entry of a table between its rows n and n + 1."""
    first: float = table[leaflet, n, column]
    after: float = table[leaflet, n + 1, column]
    return first + part * (after - first)


@njit(cache=True)
def _cusp(
    out: NDArray[np.float64],
    i: int,
    number: int,
    place: float,
    along: float,
    offset: float,
    valve: SemilunarState,
) -> None:
    """Place a point of a cusp: from its hinge up to the free edge."""
    size = math.sqrt(
        valve.frame[1, 0] ** 2 + valve.frame[1, 1] ** 2 + valve.frame[1, 2] ** 2
    )
    side, o = abs(place), valve.opening
    middle = number * 2 * _SECTOR
    beta = middle + place * _SECTOR
    ray = middle + (_SECTOR if place > 0 else -_SECTOR)
    # The hinge is a crown: low in the middle, high at the commissures.
    low, wide = side * side, 1 + (COMMISSURE_RADIUS - 1) * side * side
    hu, hv = wide * math.cos(beta), wide * math.sin(beta)
    shut = (1 - o) * COMMISSURE_RADIUS * side
    open_radius = o * valve.radius / size
    eu = shut * math.cos(ray) + open_radius * math.cos(beta)
    ev = shut * math.sin(ray) + open_radius * math.sin(beta)
    top = 0.62 + 0.38 * side + 0.3 * o * (1 - side)
    start = top - 0.25 * (1 - side)
    if along < BELOW_EDGE:
        q = along / BELOW_EDGE
        u, v = hu + q * (eu - hu), hv + q * (ev - hv)
        h = low + q * (start - low) - 0.35 * (1 - o) * (1 - side) * q * (1 - q)
    else:
        q = (along - BELOW_EDGE) / (1 - BELOW_EDGE)
        u, v, h = eu, ev, start + q * (top - start)
    for axis in range(3):
        out[i, axis] = (
            valve.frame[0, axis]
            + u * valve.frame[1, axis]
            + v * valve.frame[2, axis]
            + (COMMISSURE_HEIGHT * h * size + offset) * valve.frame[3, axis]
        )
