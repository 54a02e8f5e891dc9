"""Compiled loops that bring clips to the size of a network, a frame at a time.

All take frames (T, P) that are flat in space. A run, a row of (m, 3), is a stretch of
the target: first sample in the target, first entry in the table, and length. Every
kernel runs on one thread and lets go of the interpreter's lock, so callers can use
threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True, error_model="numpy")
def resize_frame(
    frame: NDArray[Any],
    rows: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    factor: np.float32,
    line: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Interpolate one frame (R, A), first down the columns, then along the rows."""
    above, below, down = rows
    left, right, across = columns
    count, width = len(line), len(left)
    for i in range(len(above)):
        upper, lower, u = frame[above[i]], frame[below[i]], down[i]
        # Two loops, because gathering cannot be vectorised and blending can.
        for j in range(count):
            a, b = np.float32(upper[j]), np.float32(lower[j])
            line[j] = factor * (a + u * (b - a))
        for k in range(width):
            c, d = line[left[k]], line[right[k]]
            out[i, k] = c + across[k] * (d - c)


@njit(cache=True, nogil=True, error_model="numpy")
def resize_frames(
    frames: NDArray[Any],
    rows: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    factor: np.float32,
    out: NDArray[np.float32],
) -> None:
    """Interpolate frames (T, R, A) to another number of rows and columns."""
    line = np.empty(frames.shape[2], np.float32)
    for t in range(len(frames)):
        resize_frame(frames[t], rows, columns, factor, line, out[t])


@njit(cache=True, nogil=True, error_model="numpy")
def convert_frame(
    frame: NDArray[np.uint8],
    step: int,
    corner: NDArray[np.uint32],
    row_weight: NDArray[np.float32],
    column_weight: NDArray[np.float32],
    runs: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Interpolate the bytes of one flat frame; halves are rounded to even."""
    upper_left, upper_right = frame, frame[1:]
    lower_left, lower_right = frame[step:], frame[step + 1 :]
    for m in range(len(runs)):
        first, entry, length = runs[m]
        line = out[first : first + length]
        where = corner[entry : entry + length]
        u = row_weight[entry : entry + length]
        v = column_weight[entry : entry + length]
        for k in range(length):
            p = where[k]
            a, b = np.float32(upper_left[p]), np.float32(upper_right[p])
            c, d = np.float32(lower_left[p]), np.float32(lower_right[p])
            upper, lower = a + v[k] * (b - a), c + v[k] * (d - c)
            line[k] = np.uint8(np.int32(np.rint(upper + u[k] * (lower - upper))))


@njit(cache=True, nogil=True, error_model="numpy")
def convert_frames(
    frames: NDArray[np.uint8],
    step: int,
    corner: NDArray[np.uint32],
    weights: tuple[NDArray[np.float32], NDArray[np.float32]],
    runs: NDArray[np.int64],
    out: NDArray[np.uint8],
) -> None:
    """Interpolate the bytes of flat frames to flat frames that hold zeros."""
    u, v = weights
    for t in range(len(frames)):
        convert_frame(frames[t], step, corner, u, v, runs, out[t])


@njit(cache=True, nogil=True, error_model="numpy")
def convert_and_resize(
    frames: NDArray[np.uint8],
    step: int,
    corner: NDArray[np.uint32],
    weights: tuple[NDArray[np.float32], NDArray[np.float32]],
    runs: NDArray[np.int64],
    rows: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    factor: np.float32,
    plane: NDArray[np.uint8],
    out: NDArray[np.float32],
) -> None:
    """Interpolate flat frames to a plane of zeros (Z, X), and that to the output."""
    u, v = weights
    line = np.empty(plane.shape[1], np.float32)
    for t in range(len(frames)):
        convert_frame(frames[t], step, corner, u, v, runs, plane.ravel())
        resize_frame(plane, rows, columns, factor, line, out[t])


@njit(cache=True, nogil=True, error_model="numpy")
def pick_runs(
    frames: NDArray[np.float32],
    source: NDArray[np.uint32],
    runs: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    """Copy one source sample to each place that has one; the others are zero."""
    for t in range(len(frames)):
        frame, filled = frames[t], 0
        for m in range(len(runs)):
            first, entry, length = runs[m]
            out[t, filled:first] = 0
            line = out[t, first : first + length]
            where = source[entry : entry + length]
            for k in range(length):
                line[k] = frame[where[k]]
            filled = first + length
        out[t, filled:] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def blend_ringed(
    frames: NDArray[np.float32],
    step: int,
    corner: NDArray[np.uint32],
    row_weight: NDArray[np.float32],
    column_weight: NDArray[np.float32],
    pixel: NDArray[np.uint32],
    out: NDArray[np.float32],
) -> None:
    """Interpolate flat frames that have a ring of zeros around them."""
    for t in range(len(frames)):
        frame = frames[t]
        for k in range(len(pixel)):
            p, u, v = corner[k], row_weight[k], column_weight[k]
            a, c = frame[p], frame[p + np.uint32(step)]
            upper = a + v * (frame[p + np.uint32(1)] - a)
            lower = c + v * (frame[p + np.uint32(step + 1)] - c)
            out[t, pixel[k]] = upper + u * (lower - upper)


@njit(cache=True, nogil=True, error_model="numpy")
def folded_sum(
    prediction: NDArray[np.float32], truth: NDArray[np.float32], limit: float
) -> tuple[float, int]:
    """Return the sum of the folded errors of flat values, and how many are finite."""
    total, count, turn = 0.0, 0, 2 * limit
    for k in range(len(truth)):
        place = np.float64(prediction[k]) - np.float64(truth[k]) + limit
        if np.isfinite(place):
            total += abs(place - turn * np.floor(place / turn) - limit)
            count += 1
    return total, count


@njit(cache=True, nogil=True, error_model="numpy")
def stretch(
    values: NDArray[np.float32],
    low: np.float32,
    span: np.float32,
    out: NDArray[np.float32],
) -> None:
    """Subtract and divide in one pass over memory."""
    for k in range(len(values)):
        out[k] = (values[k] - low) / span
