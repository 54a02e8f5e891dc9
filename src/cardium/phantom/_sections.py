"""Sections of the wall's layers with planes that do not hold the long axis."""

from __future__ import annotations

import math

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement


def ring(
    motion: Motion, placement: Placement, times: FloatArray, layers: int, count: int
) -> FloatArray:
    """Cut across the long axis: closed rings (T, layers, count, 2) [m]."""
    across, length = placement.rotation[1], motion.ventricle.length
    height = -placement.origin[1] / across[2]
    if not 0 < height < length:
        raise InvalidArgumentError(
            f"outline: the plane crosses the long axis {100 * height:.1f} cm above the "
            f"apex, the ventricle is {100 * length:.1f} cm long. Hold the probe nearer."
        )
    pivot = placement.to_image(np.array([0.0, 0.0, height]))[[0, 2]]
    turn = math.pi + np.linspace(0, 2 * math.pi, count)
    angle = np.broadcast_to(turn, (layers, count))
    rings = np.empty((len(times), layers, count, 2))
    reach = None
    for points, time in zip(rings, times, strict=True):
        reach = _find_reach(motion, placement, float(time), pivot, angle, near=reach)
        points[...] = _on_rays(pivot, angle, reach)
    rings[..., -1, :] = rings[..., 0, :]
    _refuse_base(motion, placement, rings, times)
    return rings


def arch(
    motion: Motion, placement: Placement, times: FloatArray, layers: int, count: int
) -> FloatArray:
    """Cut along the ventricle, beside its apex: open arches (T, layers, count, 2)."""
    up = -placement.rotation[[0, 2], 2]
    arches = np.empty((len(times), layers, count, 2))
    parts = reach = None
    for points, time in zip(arches, times, strict=True):
        ends = _base_ends(motion, placement, float(time), layers)
        pivot = ends[0].mean(axis=0) + _PIVOT_HEIGHT * motion.ventricle.length * up
        first, last = _sweep(ends - pivot, up)
        if parts is None:
            coarse = np.linspace(first, last, _FIRST_ANGLES, axis=-1)
            rough = _find_reach(motion, placement, float(time), pivot, coarse)
            parts = _even_parts(_on_rays(pivot, coarse, rough), count)
        angle = first[:, None] + (last - first)[:, None] * parts
        reach = _find_reach(motion, placement, float(time), pivot, angle, near=reach)
        points[...] = _on_rays(pivot, angle, reach)
        points[:, [0, -1]] = ends
    return arches


_FARTHEST = 0.14
_NEARLY = 0.005
_TOLERANCE = 1e-9
_BASE_POINTS = 1441
_PIVOT_HEIGHT = 0.25
_FIRST_ANGLES = 181


def _sweep(spokes: FloatArray, up: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Angles from the left over the top to the right end of layers, each (layers,)."""
    upright = math.atan2(up[1], up[0])
    angle = np.arctan2(spokes[..., 1], spokes[..., 0])
    return (
        upright - np.mod(upright - angle[:, 0], 2 * math.pi),
        upright + np.mod(angle[:, 1] - upright, 2 * math.pi),
    )


def _even_parts(points: FloatArray, count: int) -> FloatArray:
    """Parts of the sweep (layers, count) that space points evenly along each layer."""
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    along = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)], 1)
    even = np.linspace(0, along[:, -1], count, axis=-1)
    part = np.linspace(0, 1, points.shape[1])
    return np.stack([np.interp(*row, part) for row in zip(even, along, strict=True)])


def _on_rays(pivot: FloatArray, angle: FloatArray, reach: FloatArray) -> FloatArray:
    """Points (..., 2) at distances from a pivot in the image."""
    away = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.asarray(pivot + reach[..., None] * away)


def _find_reach(
    motion: Motion,
    placement: Placement,
    time: float,
    pivot: FloatArray,
    angle: FloatArray,
    *,
    near: FloatArray | None = None,
) -> FloatArray:
    """Distances (layers, P) at which rays from a pivot in the image meet the layers.

    They are looked for about those `near`, where they were a frame ago, and where they
    are not, everywhere.
    """
    from scipy.optimize import elementwise

    fractions = np.linspace(0, 1, len(angle))[:, None]
    fraction = np.broadcast_to(fractions, angle.shape)

    def beyond(
        reach: FloatArray, right: FloatArray, down: FloatArray, fraction: FloatArray
    ) -> FloatArray:
        """How far points lie beyond their layers."""
        x, z = pivot[0] + reach * right, pivot[1] + reach * down
        image = np.stack([x, np.zeros_like(x), z], axis=-1)
        rest = motion.inverse(placement.to_heart(image), time)
        return _beyond_layer(motion, rest, fraction)

    brackets = [(np.zeros(angle.shape), np.full(angle.shape, _FARTHEST))]
    if near is not None:
        brackets.insert(0, (near - _NEARLY, near + _NEARLY))
    for bracket in brackets:
        found = elementwise.find_root(
            beyond,
            bracket,
            args=(np.cos(angle), np.sin(angle), fraction),
            tolerances={"xatol": _TOLERANCE, "xrtol": 0.0},
        )
        if found.success.all():
            return np.asarray(found.x)
    raise InvalidArgumentError(
        f"outline: the plane misses the ventricle at {time:.3f} s. Hold the probe "
        "nearer to its long axis, or with less foreshortening."
    )


def _beyond_layer(motion: Motion, rest: FloatArray, fraction: FloatArray) -> FloatArray:
    """How far end-diastolic points lie outside layers: 0 on them, less inside."""
    lv = motion.ventricle
    radius, theta, z = lv.cylindrical(rest)
    inner = np.maximum(radius - fraction * lv.septal_swell(theta, z), 0.0)
    across = inner / (lv.short_axis + fraction * lv.wall)
    along = (z - lv.long_axis) / (lv.long_axis + fraction * lv.wall)
    return np.asarray(across**2 + along**2 - 1)


def _base_ends(
    motion: Motion, placement: Placement, time: float, layers: int
) -> FloatArray:
    """Left and right end (layers, 2, 2) of the layers, where they meet the base."""
    lv = motion.ventricle
    theta = np.linspace(-math.pi, math.pi, _BASE_POINTS)
    ends = np.empty((layers, 2, 2))
    for end, fraction in zip(ends, np.linspace(0, 1, layers), strict=True):
        base = np.full_like(theta, lv.length)
        square = lv.layer_radius_squared(base, fraction=float(fraction), theta=theta)
        # Rounding must not put the endocardium's points into the cavity.
        radius = np.sqrt(square) * (1 + _OUTWARDS)
        flat = [radius * np.cos(theta), radius * np.sin(theta), base]
        circle = lv.from_round(np.stack(flat, axis=-1))
        x, y, z = np.moveaxis(placement.to_image(motion.forward(circle, time)), -1, 0)
        (k,) = np.nonzero((y[:-1] > 0) != (y[1:] > 0))
        if len(k) != 2:
            raise InvalidArgumentError(
                f"outline: the plane misses the base of the ventricle at {time:.3f} s. "
                "Hold the probe nearer to its long axis."
            )
        part = y[k] / (y[k] - y[k + 1])
        points = np.stack([v[k] + part * (v[k + 1] - v[k]) for v in (x, z)], axis=-1)
        # Seen with the apex on top, from left to right.
        right = np.array([placement.rotation[2, 2], -placement.rotation[0, 2]])
        end[...] = points[np.argsort(points @ right)]
    return ends


def _refuse_base(
    motion: Motion, placement: Placement, rings: FloatArray, times: FloatArray
) -> None:
    """Refuse rings that leave the ventricle at its base."""
    flat = np.stack([rings[..., 0], np.zeros(rings.shape[:-1]), rings[..., 1]], axis=-1)
    for points, time in zip(placement.to_heart(flat), times, strict=True):
        top = float(motion.inverse(points, float(time))[..., 2].max())
        if top > motion.ventricle.length + _LEEWAY:
            raise InvalidArgumentError(
                f"outline: the plane leaves the ventricle at its base at {time:.3f} s. "
                "Hold the probe lower, or less obliquely."
            )


_OUTWARDS = 1e-12
_LEEWAY = 1e-6
