"""Compiled loops over the pixels of a picture."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import UNLABELLED


@njit(cache=True, nogil=True, error_model="numpy")
def spread_grey(grey: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Write grey levels into the three channels of a picture."""
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            level = grey[i, j]
            out[i, j, 0] = level
            out[i, j, 1] = level
            out[i, j, 2] = level


@njit(cache=True, nogil=True, error_model="numpy")
def paint_velocity(
    velocity: NDArray[np.float32],
    weight: NDArray[np.float32],
    scale: np.float32,
    table: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Blend colours of velocities into a picture, by the weight of each pixel."""
    one, half = np.float32(1), np.float32(0.5)
    steps = np.float32((len(table) - 1) / 2)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            share = weight[i, j]
            if share <= 0:
                continue
            place = min(max(velocity[i, j] / scale, -one), one)
            row = np.int32((place + one) * steps + half)
            for c in range(3):
                under, over = np.float32(out[i, j, c]), np.float32(table[row, c])
                out[i, j, c] = np.uint8(np.int32(under + share * (over - under) + half))


@njit(cache=True, nogil=True, error_model="numpy")
def tint_labels(
    codes: NDArray[np.uint8],
    colours: NDArray[np.uint8],
    body: float,
    border: float,
    out: NDArray[np.uint8],
) -> None:
    """Tint structures in their colours, their borders more strongly."""
    rows, columns = codes.shape
    for i in range(rows):
        for j in range(columns):
            code = codes[i, j]
            if code in (0, UNLABELLED):
                continue
            inner = (
                0 < i < rows - 1
                and 0 < j < columns - 1
                and code == codes[i - 1, j]
                and code == codes[i + 1, j]
                and code == codes[i, j - 1]
                and code == codes[i, j + 1]
            )
            share = body if inner else border
            for c in range(3):
                level = out[i, j, c] * (1 - share) + colours[code, c] * share
                out[i, j, c] = np.uint8(level + 0.5)
