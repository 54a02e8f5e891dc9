"""The loop behind `cardium.phantom.cavity`: blood at points of the cavity.

Everything here is in the round frame of the ventricle. One thread, so that results
depend on nothing but the input.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.phantom._motion_kernels import BASE_TURN, Body, State, _around, local

Array = NDArray[Any]


class Tables(NamedTuple):
    """Integrals of the weight of contraction, on even nodes.

    Parameters
    ----------
    volume : (N, 2) [m^3, m^2]
        Volume of the cavity from the apex to heights from 0 to the length, weighted
        with the mean contraction across, and its slope.
    turned : (regions, M, 2)
        Integral of a region's window less its mean over the angle from its middle, for
        angles from 0 to pi, and its slope.
    """

    volume: Array
    turned: Array


class Course(NamedTuple):
    """A path of blood through the cavity.

    Parameters
    ----------
    rate : float [1/s]
        Its flow, positive towards the base, by the cavity's volume.
    x, y : float
        How far its middle lies off the axis, before it is bent there, in radii.
    area : float [m^2]
        Area of the jet at the base, to where it has fallen to 1/e.
    spread : float
        How much wider than at the base it is at the apex, in parts of its radius.
    counter : float
        Strength of the flow back around it.
    swirl : float [m/s]
        Speed of a vortex ring around it, on the axis.
    """

    rate: float
    x: float
    y: float
    area: float
    spread: float
    counter: float
    swirl: float


class Section(NamedTuple):
    """The cavity's section at a height at end-diastole.

    Squared radius and its relative slope, the volume below and its slope.
    """

    square: float
    slope: float
    volume: float
    volume_slope: float


@njit(cache=True)
def _between(table: Array, u: float) -> float:
    """Interpolate values with slopes by node (N, 2) at a place in nodes."""
    last = table.shape[0] - 2
    i = min(max(int(u), 0), last)
    t = u - i
    a, b = table[i, 0], table[i + 1, 0]
    da, db = table[i, 1], table[i + 1, 1]
    rise = b - a
    curve = 3 * rise - 2 * da - db + t * (da + db - 2 * rise)
    return float(a + t * (da + t * curve))


@njit(cache=True)
def _step(u: float) -> tuple[float, float]:
    """Step from 0 to 1 and its slope."""
    u = min(max(u, 0.0), 1.0)
    return u**3 * (10 - 15 * u + 6 * u * u), 30 * u * u * (1 - u) ** 2


@njit(cache=True)
def _bent(z: float, length: float) -> tuple[float, float]:
    """How far a course is off the axis at a height, 0..1, and its slope."""
    value, slope = _step((z / length - 0.25) / 0.65)
    return value, slope / (0.65 * length)


@njit(cache=True)
def _profile(
    course: Course, section: Section, share: float, z: float, length: float
) -> tuple[float, float, float]:
    """Profile G of a course by the squared radius S: G/S, slope in S, slope in z/S."""
    away = 1 - z / length
    wide = 1 + course.spread * away
    narrow = math.pi * section.square / (course.area * wide * wide)
    narrow_z = narrow * (section.slope + 2 * course.spread / (length * wide))
    narrow += 0.02
    whole = -math.expm1(-narrow)
    left = math.exp(-narrow * share)
    part = -math.expm1(-narrow * share)
    s = max(share, 1e-12)
    jet = part / (whole * s)
    jet_share = narrow * left / whole
    jet_narrow = (left * whole - part / s * math.exp(-narrow)) / (whole * whole)
    bump = math.sin(math.pi * away)
    counter = course.counter * bump * bump
    counter_z = -course.counter * math.sin(2 * math.pi * away) * math.pi / length
    return (
        (1 + counter) * jet - counter,
        (1 + counter) * jet_share - counter,
        (1 + counter) * jet_narrow * narrow_z + counter_z * (jet - 1),
    )


@njit(cache=True)
def _swirl(
    course: Course, section: Section, share: float, z: float, body: Body
) -> tuple[float, float]:
    """Stream function of a vortex ring: its slope by S, and its slope by z over S."""
    u = (z / body.length - 0.2) / 0.75
    if u <= 0 or u >= 1:
        return 0.0, 0.0
    bump = math.sin(math.pi * u)
    bump_z = math.sin(2 * math.pi * u) * math.pi / (0.75 * body.length)
    size = course.swirl * body.short_axis**2 / 2
    rest = 1 - share
    return size * bump * bump * rest * (1 - 3 * share), size * bump_z * rest * rest


@njit(cache=True)
def _add_course(
    course: Course,
    body: Body,
    section: Section,
    place: tuple[float, float, float],
    out: Array,
) -> None:
    """Add a course's velocity at an end-diastolic point, without divergence.

    It is ``grad psi x grad phi`` with phi the angle, and S the squared radius, of
    ``P = p - d (1 - |p|^2)``: p is the point in radii of the section, d the course's
    bend, and P = p on the wall.
    """
    x, y, z = place
    radius = math.sqrt(section.square)
    p, q = x / radius, y / radius
    bent, bent_z = _bent(z, body.length)
    a, b = course.x * bent, course.y * bent
    rest = 1 - p * p - q * q
    u, v = p - a * rest, q - b * rest
    share = u * u + v * v
    # Gradients of u and v by x, y and z.
    ux, uy = (1 + 2 * a * p) / radius, 2 * a * q / radius
    vx, vy = 2 * b * p / radius, (1 + 2 * b * q) / radius
    shrink = -section.slope / 2
    uz = shrink * (x * ux + y * uy) - course.x * bent_z * rest
    vz = shrink * (x * vx + y * vy) - course.y * bent_z * rest
    profile, by_share, by_z = _profile(course, section, share, z, body.length)
    flow = course.rate / (2 * math.pi)
    psi_share = flow * section.volume * by_share
    psi_z = flow * (section.volume_slope * profile + section.volume * by_z)
    if course.swirl != 0:
        swirl_share, swirl_z = _swirl(course, section, share, z, body)
        psi_share += swirl_share
        psi_z += swirl_z
    # psi_z holds 1 / S, which the gradient of the angle has.
    out[0] += 2 * psi_share * (uy * vz - uz * vy) - psi_z * (u * vy - v * uy)
    out[1] += 2 * psi_share * (uz * vx - ux * vz) + psi_z * (u * vx - v * ux)
    out[2] += 2 * psi_share * (ux * vy - uy * vx)


@njit(cache=True)
def _section(body: Body, tables: Tables, z: float) -> Section:
    """Describe the section at a height of end-diastole."""
    u = z / body.long_axis - 1
    square = max(body.short_axis**2 * (1 - u * u), 1e-30)
    slope = -2 * body.short_axis**2 * u / body.long_axis / square
    nodes = tables.volume.shape[0] - 1
    volume = _between(tables.volume, z / body.length * nodes)
    mean, _, _ = _around(body, z)
    return Section(square, slope, volume, math.pi * square * mean)


@njit(cache=True)
def _turned(body: Body, tables: Tables, angle: float, z: float) -> float:
    """Integral over the angle of the contraction across, less its mean."""
    total = 0.0
    nodes = tables.turned.shape[1] - 1
    for row in range(body.regions.shape[0]):
        across, _, _, start, end, centre, edge, core, _ = body.regions[row]
        if core <= edge:
            continue
        rise, _ = _step((z / body.length - start) / (end - start))
        apart = angle - centre
        apart -= 2 * math.pi * math.floor(apart / (2 * math.pi) + 0.5)
        value = _between(tables.turned[row], abs(apart) / math.pi * nodes)
        total -= across * body.radial * rise * math.copysign(value, apart)
    return total


@njit(cache=True)
def _find(
    body: Body, state: State, r: float, angle: float, z: float
) -> tuple[float, float, float]:
    """Find radius, angle and height at end-diastole of what is at a point now."""
    height = z / (1 - state.shortening * body.axial)
    slope = -BASE_TURN / body.length * state.twist
    for _ in range(40):
        height = min(max(height, -0.2 * body.length), 1.5 * body.length)
        there = angle - state.twist - slope * height
        here, (_, axial, mean) = local(body, there, height), _around(body, height)
        along = 1 - state.shortening * (here.axial - slope * here.height_angle)
        square = r * r * along / (1 - state.emptying * here.radial)
        u = height / body.long_axis - 1
        inner = max(body.short_axis**2 * (1 - u * u), 1e-12)
        share = min(square / inner, 1.5)
        lift = -state.shortening * (here.height - mean)
        error = height - state.shortening * mean + share * lift - z
        if abs(error) < 1e-15 or body.regions.shape[0] == 0:
            break
        # The slope by the height alone; what else depends on it converges quickly.
        height -= error / (
            1
            - state.shortening * axial
            - share * state.shortening * (here.axial - axial)
        )
    return math.sqrt(square), there, height


@njit(cache=True)
def _point(
    body: Body,
    state: State,
    tables: Tables,
    courses: tuple[Course, ...],
    point: Array,
    out: Array,
) -> bool:
    """Velocity of blood at a point (3,); false, and nothing, outside the cavity."""
    r, theta = math.hypot(point[0], point[1]), math.atan2(point[1], point[0])
    big_r, angle, big_z = _find(body, state, r, theta, point[2])
    if not 0 < big_z < body.length:
        return False
    section = _section(body, tables, big_z)
    if big_r * big_r >= section.square:
        return False
    cos, sin = math.cos(angle), math.sin(angle)
    out[:] = 0.0
    for course in courses:
        if course.rate != 0 or course.swirl != 0:
            place = (big_r * cos, big_r * sin, big_z)
            _add_course(course, body, section, place, out)
    across = cos * out[0] + sin * out[1]
    around = cos * out[1] - sin * out[0]
    mean, _, _ = _around(body, big_z)
    across += state.emptying_rate * mean / 2 * big_r
    around += big_r * state.emptying_rate * _turned(body, tables, angle, big_z)
    v_r, v_t, v_z = _carry(
        body, state, section, (big_r, angle, big_z), (across, around, out[2])
    )
    out[0], out[1] = (
        v_r * math.cos(theta) - v_t * math.sin(theta),
        (v_r * math.sin(theta) + v_t * math.cos(theta)),
    )
    out[2] = v_z
    return True


@njit(cache=True)
def _carry(
    body: Body,
    state: State,
    section: Section,
    place: tuple[float, float, float],
    flow: tuple[float, float, float],
) -> tuple[float, float, float]:
    """Carry a flow of end-diastole along the map of the cavity; add the map's own.

    Parts are across, around and along the axis. See `cardium.phantom.cavity`.
    """
    big_r, angle, big_z = place
    s, s_rate = state.shortening, state.shortening_rate
    slope = -BASE_TURN / body.length * state.twist
    slope_rate = -BASE_TURN / body.length * state.twist_rate
    here = local(body, angle, big_z)
    _, axial, mean = _around(body, big_z)
    share, steep = big_r * big_r / section.square, section.slope
    # y = (1 - k) / D, the squared radius against that of end-diastole.
    d = 1 - s * (here.axial - slope * here.height_angle)
    d_t = -s * (here.axial_angle - slope * here.height_angle_angle)
    d_z = -s * (here.axial_z - slope * here.axial_angle)
    d_rate = -s_rate * (here.axial - slope * here.height_angle)
    d_rate += s * slope_rate * here.height_angle
    y = (1 - state.emptying * here.radial) / d
    y_t = -(state.emptying * here.radial_angle + y * d_t) / d
    y_z = -(state.emptying * here.radial_z + y * d_z) / d
    y_rate = -(state.emptying_rate * here.radial + y * d_rate) / d
    # The lift of a wall point over the mean of its ring.
    lift, lift_rate = -s * (here.height - mean), -s_rate * (here.height - mean)
    lift_t, lift_z = -s * here.height_angle, -s * (here.axial - axial)
    along_lift = lift_z - slope * lift_t
    along_y = y_z - slope * y_t
    b = y * along_lift - y * steep * lift - lift * along_y
    j = y * (1 - s * axial) + share * b
    w_r, w_t, w_z = flow
    if body.regions.shape[0] > 0:
        d_t_rate = -s_rate * (here.axial_angle - slope * here.height_angle_angle)
        d_t_rate += s * slope_rate * here.height_angle_angle
        d_z_rate = -s_rate * (here.axial_z - slope * here.axial_angle)
        d_z_rate += s * slope_rate * here.axial_angle
        y_t_rate = (
            -(
                state.emptying_rate * here.radial_angle
                + y_rate * d_t
                + y * d_t_rate
                + y_t * d_rate
            )
            / d
        )
        y_z_rate = (
            -(
                state.emptying_rate * here.radial_z
                + y_rate * d_z
                + y * d_z_rate
                + y_z * d_rate
            )
            / d
        )
        lift_z_rate = -s_rate * (here.axial - axial)
        lift_t_rate = -s_rate * here.height_angle
        along_lift_rate = lift_z_rate - slope * lift_t_rate - slope_rate * lift_t
        along_y_rate = y_z_rate - slope * y_t_rate - slope_rate * y_t
        moment_rate = y_rate * lift + y * lift_rate
        b_rate = y_rate * along_lift + y * along_lift_rate - steep * moment_rate
        b_rate -= lift_rate * along_y + lift * along_y_rate
        moment_z = y_z_rate * lift + y_rate * lift_z + y_z * lift_rate
        moment_z += y * lift_z_rate + steep * moment_rate
        w_z += moment_rate * share
        w_r += moment_rate * share * big_r * steep / 2
        w_r -= (b_rate + moment_z) * big_r * (share - 1) / 4
        w_t -= big_r / 2 * (slope_rate * y * lift + slope * moment_rate)
    ratio, turn = math.sqrt(y), w_t / max(big_r, 1e-12)
    v_r = ratio * w_r + big_r / (2 * ratio) * (y_t * turn + y_z * w_z)
    v_t = big_r * ratio * (turn + slope * w_z)
    v_z = (1 - s * axial + share * (lift_z - steep * lift)) * w_z
    v_z += share * lift_t * turn + 2 * big_r / section.square * lift * w_r
    spin = state.twist_rate + slope_rate * big_z
    return (
        v_r / j + big_r * y_rate / (2 * ratio),
        v_t / j + big_r * ratio * spin,
        v_z / j - s_rate * mean + share * lift_rate,
    )


@njit(cache=True)
def blood(
    body: Body,
    state: State,
    tables: Tables,
    courses: tuple[Course, ...],
    points: Array,
    out: Array,
) -> None:
    """Velocity of blood at points (N, 3) of the round frame; NaN outside the cavity."""
    for i in range(points.shape[0]):
        if not _point(body, state, tables, courses, points[i], out[i]):
            out[i] = np.nan


@njit(cache=True)
def mean_all(body: Body, z: Array, out: Array) -> None:
    """Mean contraction across at heights (N,)."""
    for i in range(z.size):
        out[i] = _around(body, z[i])[0]


@njit(cache=True)
def shares(body: Body, state: State, points: Array, out: Array) -> None:
    """Squared radius against the wall's at points (N, 3) of the round frame."""
    for i in range(points.shape[0]):
        x, y, z = points[i]
        r, _, height = _find(body, state, math.hypot(x, y), math.atan2(y, x), z)
        u = height / body.long_axis - 1
        out[i] = r * r / max(body.short_axis**2 * (1 - u * u), 1e-30)
