"""Compiled loops that find a patch of one frame in the next, along the beams.

Every kernel runs on one thread and lets go of the interpreter's lock.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@njit(cache=True, nogil=True, error_model="numpy")
def match_rows(
    before: Floats,
    after: Floats,
    half_rows: int,
    half_beams: int,
    reach: int,
    shift: Floats,
    likeness: Floats,
) -> None:
    """Find by how many rows each patch of a frame (R, A) went deeper, and how alike.

    A patch is compared by normalised cross-correlation with those that lie up to
    `reach` rows above and below it, and the place of the highest is refined by a
    parabola. Beyond its border a frame goes on with its outermost samples. Where a
    patch has no contrast, shift and likeness are 0.
    """
    rows, beams = before.shape
    margin = half_rows + reach
    first, second = _widen(before, margin), _widen(after, margin)
    size = (2 * half_rows + 1) * (2 * half_beams + 1)
    tall = rows + 2 * reach
    mean, spread = np.empty((tall, beams)), np.empty((tall, beams))
    mean_after, spread_after = np.empty((tall, beams)), np.empty((tall, beams))
    scratch, cross = np.empty((tall, beams)), np.empty((rows, beams))
    _statistics(first, half_rows, half_beams, size, scratch, mean, spread)
    _statistics(second, half_rows, half_beams, size, scratch, mean_after, spread_after)
    curve = np.empty((rows, beams, 2 * reach + 1), np.float32)
    for k in range(2 * reach + 1):
        _box_sum(
            first[reach : reach + rows + 2 * half_rows],
            second[k : k + rows + 2 * half_rows],
            half_rows,
            half_beams,
            scratch,
            cross,
        )
        for r in range(rows):
            for a in range(beams):
                both = spread[r + reach, a] * spread_after[r + k, a]
                covered = cross[r, a] / size - mean[r + reach, a] * mean_after[r + k, a]
                curve[r, a, k] = covered / both if both > _CONTRAST else 0.0
    for r in range(rows):
        for a in range(beams):
            shift[r, a], likeness[r, a] = _peak(curve[r, a], reach)


@njit(cache=True, nogil=True, error_model="numpy")
def _widen(frame: Floats, margin: int) -> NDArray[np.float64]:
    """Repeat the first and the last row."""
    rows, beams = frame.shape
    wide = np.empty((rows + 2 * margin, beams))
    for r in range(rows + 2 * margin):
        wide[r] = frame[min(max(r - margin, 0), rows - 1)]
    return wide


@njit(cache=True, nogil=True, error_model="numpy")
def _statistics(
    wide: NDArray[np.float64],
    half_rows: int,
    half_beams: int,
    size: int,
    scratch: NDArray[np.float64],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Compute mean and standard deviation of the patches around all samples."""
    ones = np.ones(wide.shape)
    _box_sum(wide, ones, half_rows, half_beams, scratch, mean)
    _box_sum(wide, wide, half_rows, half_beams, scratch, spread)
    for r in range(len(mean)):
        for a in range(mean.shape[1]):
            mean[r, a] /= size
            spread[r, a] = np.sqrt(max(spread[r, a] / size - mean[r, a] ** 2, 0.0))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _box_sum(
    one: NDArray[np.float64],
    other: NDArray[np.float64],
    half_rows: int,
    half_beams: int,
    scratch: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Sum the products of two frames over the patch around each sample.

    The frames have `half_rows` rows more at each end than `out`; beside the first and
    the last beam these are repeated.
    """
    rows, beams = out.shape
    for a in range(beams):
        scratch[0, a] = 0.0
    for r in range(2 * half_rows + 1):
        for a in range(beams):
            scratch[0, a] += one[r, a] * other[r, a]
    for r in range(1, rows):
        new, old = r + 2 * half_rows, r - 1
        for a in range(beams):
            scratch[r, a] = (
                scratch[r - 1, a]
                + one[new, a] * other[new, a]
                - one[old, a] * other[old, a]
            )
    for r in range(rows):
        total = 0.0
        for b in range(-half_beams, half_beams + 1):
            total += scratch[r, min(max(b, 0), beams - 1)]
        out[r, 0] = total
        for a in range(1, beams):
            total += scratch[r, min(a + half_beams, beams - 1)]
            total -= scratch[r, max(a - 1 - half_beams, 0)]
            out[r, a] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _peak(curve: Floats, reach: int) -> tuple[float, float]:
    """Find the highest place of a curve over -reach ... reach, and its height."""
    best = reach
    for k in range(len(curve)):
        if curve[k] > curve[best]:
            best = k
    height = curve[best]
    if height <= 0 or best in (0, len(curve) - 1):
        return float(best - reach) if height > 0 else 0.0, max(height, np.float32(0))
    left, right = curve[best - 1], curve[best + 1]
    bend = left - 2 * height + right
    step = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return best - reach + step, height


_CONTRAST = 1e-6
