"""Compiled loops that move samples from one geometry to another, a frame at a time.

All take frames (T, P) and fill out (T, N), both flat in space. A run, a row of (m, 3),
is a stretch of the target: first sample in the target, first entry in the table, and
length. Corners come unsigned: a signed index would be tested for counting from the end,
which keeps loops from being vectorised. Each frame is filled with the value for the
outside just before it is computed, while its memory is in the cache. Every kernel runs
on one thread and lets go of the interpreter's lock, so callers can use threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import UNLABELLED, FloatArray

_TIE = 1e-9  # votes closer than this are a tie; far above the rounding of a weight


@njit(cache=True, nogil=True, error_model="numpy")
def blend_bytes(
    frames: NDArray[np.uint8],
    columns: int,
    corner: NDArray[np.uint32],
    row_weight: NDArray[np.float32],
    column_weight: NDArray[np.float32],
    runs: NDArray[np.int64],
    outside: np.uint8,
    out: NDArray[np.uint8],
) -> None:
    """Interpolate bytes; the four neighbours travel as one 32-bit word."""
    corners = frames.shape[1] - columns - 1
    quads = np.empty(corners, np.uint32)
    fetched = np.empty(len(corner), np.uint32)
    byte, half = np.uint32(255), np.float32(0.5)
    for t in range(len(frames)):
        out[t] = outside
        upper_left, upper_right = frames[t, :corners], frames[t, 1 : corners + 1]
        lower_left, lower_right = frames[t, columns:-1], frames[t, columns + 1 :]
        for p in range(corners):
            quads[p] = (
                np.uint32(upper_left[p])
                | (np.uint32(upper_right[p]) << np.uint32(8))
                | (np.uint32(lower_left[p]) << np.uint32(16))
                | (np.uint32(lower_right[p]) << np.uint32(24))
            )
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[t, first : first + length]
            where = corner[entry : entry + length]
            u = row_weight[entry : entry + length]
            v = column_weight[entry : entry + length]
            # Two loops, because fetching cannot be vectorised and blending can.
            for k in range(length):
                fetched[k] = quads[where[k]]
            for k in range(length):
                quad = fetched[k]
                a = np.float32(np.int32(quad & byte))
                b = np.float32(np.int32((quad >> np.uint32(8)) & byte))
                c = np.float32(np.int32((quad >> np.uint32(16)) & byte))
                d = np.float32(np.int32(quad >> np.uint32(24)))
                upper, lower = a + v[k] * (b - a), c + v[k] * (d - c)
                line[k] = np.uint8(np.int32(upper + u[k] * (lower - upper) + half))


@njit(cache=True, nogil=True, error_model="numpy")
def blend_floats(
    frames: NDArray[Any],
    columns: int,
    corner: NDArray[np.uint32],
    row_weight: NDArray[Any],
    column_weight: NDArray[Any],
    runs: NDArray[np.int64],
    outside: Any,  # noqa: ANN401 - a number of the frames' type
    out: NDArray[Any],
) -> None:
    """Interpolate floats, with weights of the same type."""
    for t in range(len(frames)):
        out[t] = outside
        upper_left, upper_right = frames[t], frames[t, 1:]
        lower_left, lower_right = frames[t, columns:], frames[t, columns + 1 :]
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[t, first : first + length]
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
def pick(
    frames: NDArray[Any],
    nearest: NDArray[np.uint32],
    runs: NDArray[np.int64],
    out: NDArray[Any],
) -> None:
    """Copy the nearest sample of a frame to each place that is inside."""
    for t in range(len(frames)):
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[t, first : first + length]
            where = nearest[entry : entry + length]
            for k in range(length):
                line[k] = frames[t, where[k]]


@njit(cache=True, nogil=True, error_model="numpy")
def vote_labels(
    frames: NDArray[np.uint8],
    columns: int,
    corner: NDArray[np.uint32],
    row_weight: FloatArray,
    column_weight: FloatArray,
    pixel: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Give each sample the code of the greatest weight among its four neighbours."""
    for t in range(len(frames)):
        out[t] = UNLABELLED
        frame, lower = frames[t], frames[t, columns:]
        for k in range(len(pixel)):
            p, u, v = corner[k], row_weight[k], column_weight[k]
            codes = (frame[p], frame[p + 1], lower[p], lower[p + 1])
            if codes[0] == codes[1] == codes[2] == codes[3]:
                out[t, pixel[k]] = codes[0]
            else:
                upper, left = 1 - u, 1 - v
                weights = (upper * left, upper * v, u * left, u * v)
                out[t, pixel[k]] = winner(codes, weights, _TIE)


@njit(cache=True, nogil=True)
def winner(codes: tuple[np.uint8, ...], weights: tuple[float, ...], tie: float) -> int:
    """Return the code that wins the vote; see `cardium.geometry.resample_labels`."""
    labelled = 0.0
    for i in range(len(codes)):
        if codes[i] != UNLABELLED:
            labelled += weights[i]
    if labelled < 0.5 - tie:
        return UNLABELLED
    best, most = UNLABELLED, 0.0
    for i in range(len(codes)):
        if codes[i] == UNLABELLED:
            continue
        votes = 0.0
        for j in range(len(codes)):
            if codes[j] == codes[i]:
                votes += weights[j]
        if votes > most + tie or (votes > most - tie and codes[i] < best):
            best, most = int(codes[i]), votes
    return best
