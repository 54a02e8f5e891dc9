"""Compiled loops that move voxels from one volume to another, a frame at a time.

As in `cardium.geometry._kernels`: frames (T, P) and out (T, N) are flat in space, a run
is a stretch of a target row that is inside the source (first sample, first entry of the
table, length), and each kernel runs on one thread without the interpreter's lock. The
eight neighbours of a place are four pairs along the last axis: at `corner`, one `row`
further, one `plane` further, and both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import UNLABELLED
from cardium.geometry._kernels import winner


@njit(cache=True, nogil=True, error_model="numpy")
def blend_bytes(
    frames: NDArray[np.uint8],
    row: int,
    plane: int,
    corner: NDArray[np.uint32],
    plane_weight: NDArray[np.float32],
    row_weight: NDArray[np.float32],
    weight: NDArray[np.float32],
    runs: NDArray[np.int64],
    outside: np.uint8,
    out: NDArray[np.uint8],
) -> None:
    """Interpolate bytes; the eight neighbours travel as two 32-bit words."""
    corners = frames.shape[1] - row - 1
    longest = runs[:, 2].max() if len(runs) else 0
    quads = np.empty(corners, np.uint32)
    near, far = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    byte, half = np.uint32(255), np.float32(0.5)
    for t in range(len(frames)):
        out[t] = outside
        upper_left, upper_right = frames[t, :corners], frames[t, 1 : corners + 1]
        lower_left, lower_right = frames[t, row:-1], frames[t, row + 1 :]
        for p in range(corners):
            quads[p] = (
                np.uint32(upper_left[p])
                | (np.uint32(upper_right[p]) << np.uint32(8))
                | (np.uint32(lower_left[p]) << np.uint32(16))
                | (np.uint32(lower_right[p]) << np.uint32(24))
            )
        behind = quads[plane:]
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[t, first : first + length]
            where = corner[entry : entry + length]
            u = plane_weight[entry : entry + length]
            v = row_weight[entry : entry + length]
            w = weight[entry : entry + length]
            # Two loops, because fetching cannot be vectorised and blending can.
            for k in range(length):
                near[k] = quads[where[k]]
                far[k] = behind[where[k]]
            for k in range(length):
                q = near[k]
                a = np.float32(np.int32(q & byte))
                b = np.float32(np.int32((q >> np.uint32(8)) & byte))
                c = np.float32(np.int32((q >> np.uint32(16)) & byte))
                d = np.float32(np.int32(q >> np.uint32(24)))
                upper, lower = a + w[k] * (b - a), c + w[k] * (d - c)
                before = upper + v[k] * (lower - upper)
                q = far[k]
                a = np.float32(np.int32(q & byte))
                b = np.float32(np.int32((q >> np.uint32(8)) & byte))
                c = np.float32(np.int32((q >> np.uint32(16)) & byte))
                d = np.float32(np.int32(q >> np.uint32(24)))
                upper, lower = a + w[k] * (b - a), c + w[k] * (d - c)
                after = upper + v[k] * (lower - upper)
                line[k] = np.uint8(np.int32(before + u[k] * (after - before) + half))


@njit(cache=True, nogil=True, error_model="numpy")
def blend_floats(
    frames: NDArray[Any],
    row: int,
    plane: int,
    corner: NDArray[np.uint32],
    plane_weight: NDArray[np.float32],
    row_weight: NDArray[np.float32],
    weight: NDArray[np.float32],
    runs: NDArray[np.int64],
    outside: Any,  # noqa: ANN401 - a number of the frames' type
    out: NDArray[Any],
) -> None:
    """Interpolate floats of single or double precision."""
    for t in range(len(frames)):
        out[t] = outside
        a, b = frames[t], frames[t, 1:]
        c, d = frames[t, row:], frames[t, row + 1 :]
        e, f = frames[t, plane:], frames[t, plane + 1 :]
        g, h = frames[t, plane + row :], frames[t, plane + row + 1 :]
        for m in range(len(runs)):
            first, entry, length = runs[m]
            line = out[t, first : first + length]
            where = corner[entry : entry + length]
            u = plane_weight[entry : entry + length]
            v = row_weight[entry : entry + length]
            w = weight[entry : entry + length]
            for k in range(length):
                p = where[k]
                upper = a[p] + w[k] * (b[p] - a[p])
                lower = c[p] + w[k] * (d[p] - c[p])
                before = upper + v[k] * (lower - upper)
                upper = e[p] + w[k] * (f[p] - e[p])
                lower = g[p] + w[k] * (h[p] - g[p])
                after = upper + v[k] * (lower - upper)
                line[k] = before + u[k] * (after - before)


@njit(cache=True, nogil=True, error_model="numpy")
def vote_labels(
    frames: NDArray[np.uint8],
    row: int,
    plane: int,
    corner: NDArray[np.uint32],
    plane_weight: NDArray[np.float32],
    row_weight: NDArray[np.float32],
    weight: NDArray[np.float32],
    pixel: NDArray[np.int32],
    out: NDArray[np.uint8],
) -> None:
    """Give each voxel the code of the greatest weight among its eight neighbours."""
    for t in range(len(frames)):
        out[t] = UNLABELLED
        f = frames[t]
        for k in range(len(pixel)):
            p = corner[k]
            q = p + np.uint32(plane)
            s, z = p + np.uint32(row), q + np.uint32(row)
            codes = (f[p], f[p + 1], f[s], f[s + 1], f[q], f[q + 1], f[z], f[z + 1])
            alike = True
            for code in codes:
                alike &= code == codes[0]
            if alike:
                out[t, pixel[k]] = codes[0]
                continue
            u1, v1, w1 = plane_weight[k], row_weight[k], weight[k]
            one = np.float32(1)
            u0, v0, w0 = one - u1, one - v1, one - w1
            shares = (
                u0 * v0 * w0, u0 * v0 * w1, u0 * v1 * w0, u0 * v1 * w1,
                u1 * v0 * w0, u1 * v0 * w1, u1 * v1 * w0, u1 * v1 * w1,
            )  # fmt: skip
            out[t, pixel[k]] = winner(codes, shares, 1e-6)
