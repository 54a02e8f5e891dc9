"""The loops behind `cardium.phantom.motion`: the inverse of the map, and its gradient.

As in `cardium.phantom._motion_kernels`, in the round frame and in one thread.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from cardium.phantom._motion_kernels import (
    BASE_TURN,
    CORE,
    Array,
    Body,
    State,
    endocardium,
    local,
    outside,
    weigh,
)

_STEP = 1e-6
_SIDE_STEP = 1e-8
_NEWTON_STEPS = 60
_GOAL = 1e-13
_ENOUGH = 1e-12


@njit(cache=True)
def _forward(
    body: Body, state: State, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Move one end-diastolic point of the round frame."""
    one = weigh(body, x, y, z)
    along = 1 - state.shortening * (one.contraction - state.twist * one.shear)
    full = math.sqrt((1 - state.emptying * one.share) / along)
    scale = 1 + one.radial * (full - 1) - state.emptying * one.inward
    angle = state.twist * one.turn
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    up = state.lift * one.lid - state.shortening * one.axial
    return cos * x - sin * y, sin * x + cos * y, z + up


@njit(cache=True)
def _is_exact(body: Body, x: float, y: float, z: float) -> bool:
    """Tell whether the formulas of wall and cavity hold at an end-diastolic point."""
    if z > body.length:
        return False
    square = x * x + y * y
    if outside(body, math.sqrt(square), math.atan2(y, x), z) > 0:
        return False
    plain = body.regions.shape[0] == 0
    return plain or square >= CORE**2 * endocardium(body, z)


@njit(cache=True)
def _inverse_exact(
    body: Body, state: State, x: float, y: float, z: float
) -> tuple[float, float, float]:
    """Undo the formulas of wall and cavity; the height is the root of one equation."""
    square, angle = x * x + y * y, math.atan2(y, x)
    slope = -BASE_TURN / body.length * state.twist
    height, along = z / (1 - state.shortening), 1 - state.shortening
    emptying, there = state.emptying, angle - state.twist - slope * height
    if body.regions.shape[0] > 0:
        for _ in range(_NEWTON_STEPS):
            there = angle - state.twist - slope * height
            here = local(body, there, height)
            sheared = here.axial - slope * here.height_angle
            along = 1 - state.shortening * sheared
            emptying = state.emptying * here.radial
            error = z - height + state.shortening * here.height
            if abs(error) < 1e-17 or along <= 0:
                break
            change = error / along
            height = min(max(height + change, -body.length), 2 * body.length)
            if abs(change) < 1e-16:
                break
        there = angle - state.twist - slope * height
    inner = endocardium(body, min(height, body.length))
    if square * along < (1 - emptying) * inner:
        square = square * along / (1 - emptying)
    else:
        square = square * along + emptying * inner
    radius = math.sqrt(max(square, 0.0))
    return radius * math.cos(there), radius * math.sin(there), height


@njit(cache=True)
def _jacobian(
    body: Body, state: State, x: float, y: float, z: float, out: Array
) -> None:
    """Differentiate the map at an end-diastolic point by central differences."""
    for axis in range(3):
        dx = _STEP if axis == 0 else 0.0
        dy = _STEP if axis == 1 else 0.0
        dz = _STEP if axis == 2 else 0.0
        ahead = _forward(body, state, x + dx, y + dy, z + dz)
        behind = _forward(body, state, x - dx, y - dy, z - dz)
        for row in range(3):
            out[row, axis] = (ahead[row] - behind[row]) / (2 * _STEP)


@njit(cache=True)
def _solve(matrix: Array, a: float, b: float, c: float) -> tuple[float, float, float]:
    """Solve a 3 x 3 system by Cramer's rule."""
    m = matrix
    p = m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]
    q = m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2]
    r = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
    whole = m[0, 0] * p + m[0, 1] * q + m[0, 2] * r
    if whole == 0:
        # The map is flat here: no step helps, and the search ends with its miss.
        return 0.0, 0.0, 0.0
    s, t, u = (
        m[0, 2] * m[2, 1] - m[0, 1] * m[2, 2],
        m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0],
        m[0, 1] * m[2, 0] - m[0, 0] * m[2, 1],
    )
    v, w, e = (
        m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1],
        m[0, 2] * m[1, 0] - m[0, 0] * m[1, 2],
        m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0],
    )
    return (
        (p * a + s * b + v * c) / whole,
        (q * a + t * b + w * c) / whole,
        (r * a + u * b + e * c) / whole,
    )


@njit(cache=True)
def _miss(
    body: Body,
    state: State,
    guess: tuple[float, float, float],
    goal: tuple[float, float, float],
) -> tuple[float, float, float, float]:
    """How far the image of a guess is from its goal: the three parts, and the most."""
    there = _forward(body, state, guess[0], guess[1], guess[2])
    a, b, c = goal[0] - there[0], goal[1] - there[1], goal[2] - there[2]
    return a, b, c, max(abs(a), abs(b), abs(c))


@njit(cache=True)
def _newton(
    body: Body,
    state: State,
    guess: tuple[float, float, float],
    goal: tuple[float, float, float],
    matrix: Array,
) -> tuple[tuple[float, float, float], float]:
    """Undo the map by Newton's method; steps that do not help are halved."""
    a, b, c, worst = _miss(body, state, guess, goal)
    for _ in range(_NEWTON_STEPS):
        if worst < _GOAL:
            break
        for axis in range(3):
            aside = (
                guess[0] + (_SIDE_STEP if axis == 0 else 0.0),
                guess[1] + (_SIDE_STEP if axis == 1 else 0.0),
                guess[2] + (_SIDE_STEP if axis == 2 else 0.0),
            )
            a2, b2, c2, _ = _miss(body, state, aside, goal)
            matrix[0, axis] = (a - a2) / _SIDE_STEP
            matrix[1, axis] = (b - b2) / _SIDE_STEP
            matrix[2, axis] = (c - c2) / _SIDE_STEP
        dx, dy, dz = _solve(matrix, a, b, c)
        part, better = 1.0, False
        while part > 1e-3:
            nearer = (guess[0] + part * dx, guess[1] + part * dy, guess[2] + part * dz)
            a2, b2, c2, worst2 = _miss(body, state, nearer, goal)
            if worst2 < worst:
                better = True
                break
            part /= 2
        if not better:
            break
        guess, a, b, c, worst = nearer, a2, b2, c2, worst2
    return guess, worst


@njit(cache=True)
def invert(body: Body, state: State, points: Array, out: Array) -> float:
    """Find where points (N, 3) of the round frame were; return the worst miss [m]."""
    matrix = np.empty((3, 3))
    worst = 0.0
    for i in range(points.shape[0]):
        goal = (points[i, 0], points[i, 1], points[i, 2])
        was = _inverse_exact(body, state, goal[0], goal[1], goal[2])
        if not _is_exact(body, was[0], was[1], was[2]):
            inside = was[2] <= body.length and (
                outside(
                    body, math.hypot(was[0], was[1]), math.atan2(was[1], was[0]), was[2]
                )
                <= 0
            )
            was, miss = _newton(body, state, was if inside else goal, goal, matrix)
            if miss > _ENOUGH:
                worst = max(worst, miss)
        out[i, 0], out[i, 1], out[i, 2] = was
    return worst


@njit(cache=True)
def _gradient_exact(
    body: Body, state: State, x: float, y: float, z: float, out: Array
) -> None:
    """Differentiate the formulas of wall and cavity."""
    square, angle = x * x + y * y, math.atan2(y, x)
    radius = max(math.sqrt(square), 1e-12)
    here = local(body, angle, z)
    s, slope = state.shortening, -BASE_TURN / body.length * state.twist
    along = 1 - s * (here.axial - slope * here.height_angle)
    along_angle = -s * (here.axial_angle - slope * here.height_angle_angle)
    along_z = -s * (here.axial_z - slope * here.axial_angle)
    k, k_angle = state.emptying * here.radial, state.emptying * here.radial_angle
    k_z = state.emptying * here.radial_z
    inner = endocardium(body, z)
    if square >= inner:
        part = inner / max(square, 1e-24)
        u = z / body.long_axis - 1
        inner_z = -2 * body.short_axis**2 * u / body.long_axis if inner > 0 else 0.0
        ratio = math.sqrt((1 - k * part) / along)
        out_r = 1 / (ratio * along)
        out_z = -(k_z * part + k * inner_z / max(square, 1e-24)) / along
        out_angle = -k_angle * part / along
    else:
        ratio = math.sqrt((1 - k) / along)
        out_r, out_z, out_angle = ratio, -k_z / along, -k_angle / along
    # Slopes of ratio^2, of which those of r = R ratio follow.
    out_z -= ratio * ratio * along_z / along
    out_angle -= ratio * ratio * along_angle / along
    rows = (
        (out_r, out_angle / (2 * ratio), radius * out_z / (2 * ratio)),
        (0.0, ratio, radius * ratio * slope),
        (0.0, -s * here.height_angle / radius, 1 - s * here.axial),
    )
    turned = angle + state.twist + slope * z
    c, d = math.cos(angle), math.sin(angle)
    cos, sin = math.cos(turned), math.sin(turned)
    for j in range(3):
        first = (c, d, 0.0)[j]
        second = (-d, c, 0.0)[j]
        third = (0.0, 0.0, 1.0)[j]
        a = rows[0][0] * first + rows[0][1] * second + rows[0][2] * third
        b = rows[1][0] * first + rows[1][1] * second + rows[1][2] * third
        out[0, j] = cos * a - sin * b
        out[1, j] = sin * a + cos * b
        out[2, j] = rows[2][1] * second + rows[2][2] * third


@njit(cache=True)
def differentiate(body: Body, state: State, points: Array, out: Array) -> None:
    """Gradient (N, 3, 3) of the map at end-diastolic points of the round frame."""
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if _is_exact(body, x, y, z):
            _gradient_exact(body, state, x, y, z, out[i])
        else:
            _jacobian(body, state, x, y, z, out[i])
