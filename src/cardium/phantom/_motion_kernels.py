"""The loops behind `cardium.phantom.motion`: the map and its rate.

Everything here is in the round frame of the ventricle, before `eccentricity` stretches
it. One thread, so that results depend on nothing but the input.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit
from numpy.typing import NDArray

from cardium.phantom._free_wall import FreeWall, pull, step_around, step_up

Array = NDArray[Any]


class Body(NamedTuple):
    """The ventricle and where it contracts, as the loops need them.

    Parameters
    ----------
    long_axis, short_axis, wall, length, septal_excess : float [m]
        As in `cardium.phantom.shapes.LeftVentricle`.
    septum : (azimuth, cosine where it ends, cosine of its core, start, end)
        Where the excess is: around the septum [rad], and in heights [part of length].
    radial, axial : float
        Contraction across and along the long axis where nothing is lost.
    regions : (N, 9)
        Rows of `cardium.phantom.region.Contraction.table`.
    free_wall : FreeWall
        The free wall of the right ventricle.
    """

    long_axis: float
    short_axis: float
    wall: float
    length: float
    septal_excess: float
    septum: tuple[float, float, float, float, float]
    radial: float
    axial: float
    regions: Array
    free_wall: FreeWall


class State(NamedTuple):
    """How far the ventricle has contracted at one time, and how fast it does.

    Parameters
    ----------
    emptying, shortening : float
        Of the cavity and of the long axis, on average.
    twist : float [rad]
        Rotation of the apex; `BASE_TURN` of it is that against the base.
    lift : float [m]
        How much higher the middle of the base is than the mean of its edge.
    emptying_rate, shortening_rate, twist_rate, lift_rate : float
        Their derivatives in time.
    """

    emptying: float
    shortening: float
    twist: float
    lift: float
    emptying_rate: float
    shortening_rate: float
    twist_rate: float
    lift_rate: float


class Local(NamedTuple):
    """Contraction at an angle and a height: values, and derivatives by both.

    `radial` and `axial` are the weights of emptying and shortening, `height` is the
    integral of `axial` from the apex.
    """

    radial: float
    radial_angle: float
    radial_z: float
    axial: float
    axial_angle: float
    axial_z: float
    height: float
    height_angle: float
    height_angle_angle: float


class Weights(NamedTuple):
    """The fields of `cardium.phantom.motion.Material` after x, y and z."""

    share: float
    radial: float
    axial: float
    contraction: float
    shear: float
    turn: float
    lid: float
    inward: float


BASE_TURN = 1.4
"""Rotation of the apex against the base, per rotation of the apex."""

CORE = 0.6
"""Part of the cavity's radius within which regions are levelled around the axis."""

RADIAL_REACH = 0.017
RING_REACH = 0.012
AXIAL_REACH = 0.042
POSTERIOR_REACH = 0.016
"""Behind the heart the aorta lies on the spine, and is not drawn along far."""

_POSTERIOR = (math.radians(60), math.cos(math.radians(90)), math.cos(math.radians(40)))

SERIES = tuple(
    tuple((-1) ** k / math.factorial(2 * k + odd) for k in range(9)) for odd in (0, 1)
)
"""Coefficients of cosine and sine; up to 1 rad they are exact to double precision."""


@njit(cache=True)
def local(body: Body, angle: float, z: float) -> Local:
    """Contraction at an angle [rad] and a height [m]."""
    radial, axial, height = body.radial, body.axial, body.axial * z
    radial_angle = radial_z = axial_angle = axial_z = 0.0
    height_angle = height_angle_angle = 0.0
    for row in range(body.regions.shape[0]):
        across, along, apex, start, end, centre, edge, core, _ = body.regions[row]
        window, slope, bend = 1.0, 0.0, 0.0
        if core > edge:
            window, slope, bend = step_around(angle - centre, edge, core)
        span = (end - start) * body.length
        whole, rise, rise_z, _ = step_up((z - start * body.length) / span)
        whole, rise_z = whole * span, rise_z / span
        loss = apex + (window - apex) * rise
        across, along = across * body.radial, along * body.axial
        radial -= across * loss
        radial_angle -= across * rise * slope
        radial_z -= across * rise_z * (window - apex)
        axial -= along * loss
        axial_angle -= along * rise * slope
        axial_z -= along * rise_z * (window - apex)
        height -= along * (apex * z + (window - apex) * whole)
        height_angle -= along * whole * slope
        height_angle_angle -= along * whole * bend
    return Local(
        radial,
        radial_angle,
        radial_z,
        axial,
        axial_angle,
        axial_z,
        height,
        height_angle,
        height_angle_angle,
    )


@njit(cache=True)
def _around(body: Body, z: float) -> tuple[float, float, float]:
    """Mean over all angles of the weights and of the height."""
    radial, axial, height = body.radial, body.axial, body.axial * z
    for row in range(body.regions.shape[0]):
        across, along, apex, start, end, _, _, _, mean = body.regions[row]
        span = (end - start) * body.length
        whole, rise, _, _ = step_up((z - start * body.length) / span)
        radial -= across * body.radial * (apex + (mean - apex) * rise)
        axial -= along * body.axial * (apex + (mean - apex) * rise)
        height -= along * body.axial * (apex * z + (mean - apex) * whole * span)
    return radial, axial, height


@njit(cache=True)
def endocardium(body: Body, z: float) -> float:
    """Squared radius of the endocardium at a height."""
    u = z / body.long_axis - 1
    return max(body.short_axis**2 * (1 - u * u), 0.0)


@njit(cache=True)
def outside(body: Body, radius: float, angle: float, z: float) -> float:
    """How far a point lies outside the epicardium, about [m]; negative inside."""
    swell = 0.0
    if body.septal_excess > 0:
        centre, edge, core, start, end = body.septum
        window, _, _ = step_around(angle - centre, edge, core)
        _, rise, _, _ = step_up((z / body.length - start) / (end - start))
        swell = body.septal_excess * window * rise
    across = body.short_axis + body.wall
    u = max(radius - swell, 0.0) / across
    v = (min(z, body.length) - body.long_axis) / (body.long_axis + body.wall)
    return (math.sqrt(u * u + v * v) - 1) * across


@njit(cache=True)
def weigh(body: Body, x: float, y: float, z: float) -> Weights:
    """Find what moves an end-diastolic point of the round frame."""
    square = x * x + y * y
    plain = body.regions.shape[0] == 0
    angle = math.atan2(y, x)
    height = min(max(z, -body.wall), body.length)
    beyond = max(outside(body, math.sqrt(square), angle, z), 0.0)
    below = max(z - body.length, 0.0)
    inner = endocardium(body, height)
    share = inner / square if square > inner else 1.0
    contraction, travel, shear, lid = 1.0, height, 0.0, 0.0
    if not plain:
        here = local(body, angle, height)
        across, contraction, travel = here.radial, here.axial, here.height
        shear = -BASE_TURN / body.length * here.height_angle
        if square < CORE**2 * inner:
            _, part, _, _ = step_up(math.sqrt(square / inner) / CORE)
            radial, axial, mean = _around(body, height)
            across = radial + part * (across - radial)
            contraction = axial + part * (contraction - axial)
            travel = mean + part * (travel - mean)
            shear *= part
            lid = (1 - part) * (max(height, 0.0) / body.length) ** 2
        share *= across
    near = math.exp(-((beyond / RADIAL_REACH) ** 2) - (below / RING_REACH) ** 2)
    reach = AXIAL_REACH
    if beyond > 0 and z > 0:
        # Not under the apex, where the axis would be torn.
        middle, edge, core = _POSTERIOR
        behind = step_around(angle - middle, edge, core)[0]
        behind *= step_up(2 * z / body.length)[1]
        reach += behind * (POSTERIOR_REACH - AXIAL_REACH)
    far = math.exp(-((beyond / reach) ** 2) - (below / AXIAL_REACH) ** 2)
    turn = (1 - BASE_TURN * height / body.length) * near
    axial, inward = travel * far, 0.0
    across, along = pull(body.free_wall, angle, z, beyond)
    if across > 0 or along > 0:
        axial, inward = axial + along, across / math.sqrt(square)
    return Weights(share, near, axial, contraction, shear, turn, lid * far, inward)


@njit(cache=True)
def weigh_all(body: Body, x: Array, y: Array, z: Array, out: Array) -> None:
    """`weigh` many points, (N,) each, into (8, N)."""
    for i in range(x.size):
        one = weigh(body, x[i], y[i], z[i])
        out[0, i] = one.share
        out[1, i] = one.radial
        out[2, i] = one.axial
        out[3, i] = one.contraction
        out[4, i] = one.shear
        out[5, i] = one.turn
        out[6, i] = one.lid
        out[7, i] = one.inward


@njit(cache=True)
def _turned(
    angle: float, cosine: tuple[float, ...], sine: tuple[float, ...]
) -> tuple[float, float]:
    """Cosine and sine by their series, which the compiler can do for many at once."""
    square = angle * angle
    cos, sin = cosine[8], sine[8]
    for k in range(7, -1, -1):
        cos = cosine[k] + square * cos
        sin = sine[k] + square * sin
    return cos, angle * sin


@njit(cache=True, error_model="numpy")
def place(
    x: Array,
    y: Array,
    z: Array,
    share: Array,
    radial: Array,
    axial: Array,
    contraction: Array,
    shear: Array,
    turn: Array,
    lid: Array,
    inward: Array,
    state: tuple[float, ...],
    ellipse: tuple[float, float],
    series: tuple[tuple[float, ...], tuple[float, ...]],
    out: Array,
) -> None:
    """Move material into `out` (3, N); all numbers are of the arrays' type."""
    emptying, shortening, twist, lift, _, _, _, _ = state
    stretch, squeeze = ellipse
    cosine, sine = series
    one = cosine[0]
    for i in range(x.size):
        along = one - shortening * (contraction[i] - twist * shear[i])
        full = math.sqrt((one - emptying * share[i]) / along)
        scale = one + radial[i] * (full - one) - emptying * inward[i]
        cos, sin = _turned(twist * turn[i], cosine, sine)
        out[0, i] = stretch * scale * (cos * x[i] - sin * y[i])
        out[1, i] = squeeze * scale * (sin * x[i] + cos * y[i])
        out[2, i] = z[i] - shortening * axial[i] + lift * lid[i]


@njit(cache=True, error_model="numpy")
def move_rate(
    x: Array,
    y: Array,
    z: Array,
    share: Array,
    radial: Array,
    axial: Array,
    contraction: Array,
    shear: Array,
    turn: Array,
    lid: Array,
    inward: Array,
    state: tuple[float, ...],
    ellipse: tuple[float, float],
    series: tuple[tuple[float, ...], tuple[float, ...]],
    out: Array,
) -> None:
    """Velocity of material into `out` (3, N), as `place`."""
    emptying, shortening, twist, _ = state[:4]
    emptying_rate, shortening_rate, twist_rate, lift_rate = state[4:]
    stretch, squeeze = ellipse
    cosine, sine = series
    one = cosine[0]
    half = one / (one + one)
    for i in range(x.size):
        sheared = contraction[i] - twist * shear[i]
        along = one - shortening * sheared
        along_rate = shortening * twist_rate * shear[i] - shortening_rate * sheared
        across = one - emptying * share[i]
        full = math.sqrt(across / along)
        growth = -emptying_rate * share[i] / across - along_rate / along
        scale = one + radial[i] * (full - one) - emptying * inward[i]
        swell = half * radial[i] * full * growth - emptying_rate * inward[i]
        spin = scale * twist_rate * turn[i]
        cos, sin = _turned(twist * turn[i], cosine, sine)
        a, b = swell * cos - spin * sin, swell * sin + spin * cos
        out[0, i] = stretch * (a * x[i] - b * y[i])
        out[1, i] = squeeze * (b * x[i] + a * y[i])
        out[2, i] = lift_rate * lid[i] - shortening_rate * axial[i]


@njit(cache=True)
def local_all(body: Body, angle: Array, z: Array, out: Array) -> None:
    """`local` at many places, (N,) each, into (9, N)."""
    for i in range(angle.size):
        here = local(body, angle[i], z[i])
        for j in range(9):
            out[j, i] = here[j]
