"""Contours of a chamber: their points, their long axis, their diameters across it."""

from __future__ import annotations

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError

LEAST_POINTS = 5
"""Fewest finite points of a contour that has a shape."""


def usable(contour: FloatArray) -> bool:
    """Say whether one frame (N, 2) has both ends of the annulus and enough points."""
    finite = np.isfinite(contour)
    ends = finite[0].all() and finite[-1].all()
    return bool(ends and finite.all(axis=-1).sum() >= LEAST_POINTS)


def finite_points(contour: FloatArray) -> FloatArray:
    """Drop the points of one contour that are not finite; refuse one without a base."""
    contour = np.asarray(contour, np.float64)
    if contour.ndim != 2 or contour.shape[1:] != (2,) or len(contour) < LEAST_POINTS:
        raise InvalidArgumentError(
            "Contour: must be (N, 2), x and z of each point in metres, with "
            f"{LEAST_POINTS} points at least, got shape {contour.shape}. Give one "
            "frame and one layer at a time."
        )
    if not usable(contour):
        raise NotProvidedError(
            "Contour: an end is not finite, or fewer than "
            f"{LEAST_POINTS} of {len(contour)} points are. Without both ends of the "
            "annulus it has no base."
        )
    return contour[np.isfinite(contour).all(axis=1)]


def in_axis_frame(contour: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Return finite points along and across the long axis [m], and the apex's index.

    The axis begins midway between the ends and leads to the apex: the farthest point of
    the middle half of the contour, which no wide base can hold.
    """
    points = finite_points(contour)
    offsets = points - (points[0] + points[-1]) / 2
    passed = arc_lengths(points)
    distance = np.hypot(*offsets.T)
    middle = abs(passed - passed[-1] / 2) <= passed[-1] / 4
    apex = int(np.where(middle, distance, 0).argmax())
    if distance[apex] == 0:
        raise InvalidArgumentError("Contour: all its points are the same.")
    down = offsets[apex] / distance[apex]
    across = offsets @ np.array([-down[1], down[0]])
    return offsets @ down, across, apex


def arc_lengths(points: FloatArray) -> FloatArray:
    """Return the length of a line (..., N, 2) from its first to each point [m]."""
    steps = np.linalg.norm(np.diff(points, axis=-2), axis=-1)
    zero = np.zeros((*steps.shape[:-1], 1))
    return np.concatenate([zero, np.cumsum(steps, axis=-1)], axis=-1)


def diameters(contour: FloatArray, discs: int) -> tuple[FloatArray, float]:
    """Return the diameter of each disc across the long axis, and its length [m].

    Discs are counted from the base; each is measured in its middle. What the straight
    line across the valve cuts off a slanted base is left out.
    """
    along, across, apex = in_axis_frame(contour)
    length = float(along[apex])
    middles = (np.arange(discs) + 0.5)[:, None] / discs * length
    before = along < middles
    after = np.roll(before, -1, axis=1)
    step = np.roll(along, -1) - along
    # A level edge crosses no line; its slope is never used.
    slope = (np.roll(across, -1) - across) / np.where(step == 0, 1.0, step)
    crossing = across + (middles - along) * slope
    signed = crossing * (before.astype(np.int8) - after.astype(np.int8))
    return np.abs(signed.sum(axis=1)), length


def layer_points(contour: Stream, layer: str) -> FloatArray:
    """Read one layer of a contour stream, (time, point, xz) [m]."""
    if contour.dims != ("time", "layer", "point", "xz"):
        raise InvalidArgumentError(
            f"Stream '{contour.name}': a contour has the axes (time, layer, point, "
            f"xz), got {contour.dims}."
        )
    names = contour.coords.get("layer", ())
    if layer not in names:
        raise NotProvidedError(
            f"Stream '{contour.name}' has no layer '{layer}'. It has: "
            f"{', '.join(names) or 'no names of layers'}."
        )
    points = np.asarray(contour.load(), np.float64)
    return points[:, names.index(layer)]


def from_left(frames: FloatArray) -> FloatArray:
    """Turn contours round that begin on the right of the image."""
    ends = frames[:, [0, -1], 0]
    finite = np.isfinite(ends).all(axis=1)
    first, last = np.median(ends[finite], axis=0) if finite.any() else (0.0, 0.0)
    return frames[:, ::-1] if first > last else frames


def filled(frames: FloatArray) -> FloatArray:
    """Bridge single missing points straight; a frame without its ends stays NaN."""
    count = np.arange(frames.shape[1])
    filled = np.full_like(frames, np.nan)
    for target, frame in zip(filled, frames, strict=True):
        if usable(frame):
            there = np.isfinite(frame).all(axis=1)
            for axis in range(2):
                target[:, axis] = np.interp(count, count[there], frame[there, axis])
    return filled


def frame_at(contour: Stream, frames: FloatArray, time: float) -> int:
    """Return the frame nearest to a time; it must have a contour."""
    frame = int(abs(contour.time - time).argmin())
    if not np.isfinite(frames[frame]).all():
        raise NotProvidedError(
            f"Stream '{contour.name}': the frame at {contour.time[frame]:.3f} s has no "
            "whole contour to measure."
        )
    return frame
