"""Compiled loops of the blood flow: targets of a clip in few passes, and weights.

Frames of the target hold zeros when they come in, and only the rectangle around the
measured box is written: the rest of the memory is not even touched. All arithmetic is
in single precision, as in the paper's code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.protocols._image_kernels import resize_frame

_ONE = np.float32(1)
_ZERO = np.float32(0)
_HALF = np.float32(0.5)
_NINTH = np.float32(1 / 9)


@njit(cache=True, nogil=True, error_model="numpy")
def place_beams(
    frames: NDArray[np.float32],
    rows: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    columns: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    corner: tuple[int, int],
    each: int,
    out: NDArray[np.float32],
) -> None:
    """Interpolate frames (T, R, A) axis by axis, into a rectangle of every each-th."""
    top, left = corner
    height, width = len(rows[0]), len(columns[0])
    line = np.empty(frames.shape[2], np.float32)
    for t in range(len(frames)):
        box = out[each * t, top : top + height, left : left + width]
        resize_frame(frames[t], rows, columns, _ONE, line, box)


@njit(cache=True, nogil=True, error_model="numpy")
def place_samples(
    frames: NDArray[np.float32],
    step: int,
    corner: NDArray[np.uint32],
    weights: tuple[NDArray[np.float32], NDArray[np.float32]],
    runs: NDArray[np.int64],
    each: int,
    out: NDArray[np.float32],
) -> None:
    """Interpolate flat frames (T, P) to the samples that have a source, as above."""
    row_weight, column_weight = weights
    for t in range(len(frames)):
        upper_left, upper_right = frames[t], frames[t, 1:]
        lower_left, lower_right = frames[t, step:], frames[t, step + 1 :]
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[each * t, first : first + length]
            where = corner[entry : entry + length]
            u = row_weight[entry : entry + length]
            v = column_weight[entry : entry + length]
            for k in range(length):
                p = where[k]
                a, c = upper_left[p], lower_left[p]
                upper = a + v[k] * (upper_right[p] - a)
                lower = c + v[k] * (lower_right[p] - c)
                line[k] = upper + u[k] * (lower - upper)


@njit(cache=True, nogil=True, error_model="numpy")
def clip_to_unit(
    values: NDArray[np.float32], box: NDArray[np.int64], each: int
) -> None:
    """Clip every each-th frame (H, W) to 0..1 in a rectangle; NaN stays."""
    top, bottom, left, right = box
    for t in range(0, len(values), each):
        for i in range(top, bottom):
            line = values[t, i, left:right]
            for k in range(len(line)):
                x = line[k]
                x = _ZERO if x < _ZERO else x
                line[k] = _ONE if x > _ONE else x


@njit(cache=True, nogil=True, error_model="numpy")
def spread_of(
    velocity: NDArray[np.float32],
    box: NDArray[np.int64],
    each: int,
    out: NDArray[np.float32],
) -> None:
    """Take the deviation over 3 x 3 samples of every each-th frame.

    What lies beyond a frame is zero, and counts.
    `velocity` (T, H, W) is zero outside of the rectangle `box`; `out` holds zeros.
    """
    top, bottom, left, right = box
    frames, height, width = velocity.shape
    nothing = np.zeros(width, np.float32)
    # One column more on each side stands for the zeros beyond the frame.
    sums, squares = np.zeros(width + 2, np.float32), np.zeros(width + 2, np.float32)
    start, stop = max(left - 1, 0), min(right + 1, width)
    total, square = sums[left + 1 : right + 1], squares[left + 1 : right + 1]
    for t in range(0, frames, each):
        for i in range(max(top - 1, 0), min(bottom + 1, height)):
            above = velocity[t, i - 1] if i > 0 else nothing
            below = velocity[t, i + 1] if i + 1 < height else nothing
            a, b, c = above[left:right], velocity[t, i, left:right], below[left:right]
            for k in range(len(total)):
                total[k] = a[k] + b[k] + c[k]
                square[k] = a[k] * a[k] + b[k] * b[k] + c[k] * c[k]
            line = out[t, i, start:stop]
            s0, s1, s2 = sums[start:], sums[start + 1 :], sums[start + 2 :]
            q0, q1, q2 = squares[start:], squares[start + 1 :], squares[start + 2 :]
            for k in range(len(line)):
                mean = (s0[k] + s1[k] + s2[k]) * _NINTH
                spread = (q0[k] + q1[k] + q2[k]) * _NINTH - mean * mean
                # Not max(), which would make a number of what is none.
                line[k] = np.sqrt(_ZERO if spread < _ZERO else spread)


@njit(cache=True, nogil=True, error_model="numpy")
def weigh(
    grey: NDArray[np.float32],
    power: NDArray[np.float32],
    valid: NDArray[np.bool_],
    dark: np.float32,
    strong: np.float32,
    little: np.float32,
    out: NDArray[np.float32],
) -> None:
    """Weigh flat halves (2 (T - 1), P): 1 where blood is seen, else little, or none."""
    pixels = grey.shape[1]
    for h in range(len(out)):
        before, after = grey[h // 2], grey[h // 2 + 1]
        seen, there, line = power[h], valid[h], out[h]
        for k in range(pixels):
            blood = ((before[k] + after[k]) * _HALF < dark) & (seen[k] > strong)
            line[k] = (_ONE if blood else little) if there[k] else _ZERO


@njit(cache=True, nogil=True, error_model="numpy")
def weighted_sums(
    prediction: NDArray[np.float32],
    truth: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> tuple[float, float]:
    """Return the sum of weighted sizes of differences, and that of the weights."""
    total, weights = 0.0, 0.0
    for k in range(len(weight)):
        w = np.float64(weight[k])
        if w > 0:
            apart = np.float64(prediction[k]) - np.float64(truth[k])
            total += w * abs(apart)
            weights += w
    return total, weights
