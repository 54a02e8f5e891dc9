"""A compiled loop that adds the echoes of point scatterers to the beams of a volume."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.phantom._receive_kernels import Axis, Complex, carrier


@njit(cache=True, nogil=True, error_model="numpy")
def add_echoes(
    points: NDArray[np.floating[Any]],
    amplitude: NDArray[np.float32],
    axes: tuple[Axis, Axis, Axis],
    beam: NDArray[np.float64],
    wave: float,
    grid: Complex,
) -> None:
    """Add scatterers (N, 3) to a grid (rows, columns, E) of distances and azimuths.

    Each goes to the nearest row and column, with its carrier's phase, and to all
    elevations with its profile. `axes` turn elevation, azimuth and distance into a
    place, `beam` (rows,) holds the standard deviation across the elevations, in
    samples. It runs on one thread, so that sums do not depend on how many there are.
    """
    rows, columns, count = grid.shape
    (first_e, per_e), (first_a, per_a), (first_r, per_r) = axes
    across = np.empty(math.ceil(2 * REACH * beam.max()) + 2, np.float32)
    for n in range(len(points)):
        x = np.float64(points[n, 0])
        y, z = np.float64(points[n, 1]), np.float64(points[n, 2])
        level = y * y + z * z
        distance = math.sqrt(level + x * x)
        row = (distance - first_r) * per_r + 0.5
        if not 0 <= row < rows:
            continue
        i = int(row)
        e = (math.atan2(y, z) - first_e) * per_e
        start, end = _profile(e, beam[i], count, across)
        if start >= end:
            continue
        column = (math.atan2(x, math.sqrt(level)) - first_a) * per_a + 0.5
        if not 0 <= column < columns:
            continue
        cos, sin = carrier(-distance * wave)
        echo = np.complex64(complex(amplitude[n] * cos, amplitude[n] * sin))
        line = grid[i, int(column)]
        for m in range(end - start):
            line[start + m] += across[m] * echo


REACH = 3.0
"""Standard deviations from its middle at which a profile ends."""


@njit(cache=True, nogil=True, error_model="numpy")
def _profile(
    place: float, width: float, count: int, out: NDArray[np.float32]
) -> tuple[int, int]:
    """Write a Gaussian around a place, and return the samples that it covers."""
    first = max(math.ceil(place - REACH * width), 0)
    end = min(math.floor(place + REACH * width) + 1, count)
    if first >= end:
        return first, end
    away, steep = np.float32(first - place), np.float32(0.5 / width**2)
    # exp(-s (d + n)^2) = exp(-s d^2) exp(-2 s d)^n exp(-s)^(n^2): three exponentials
    # for the whole profile.
    value = math.exp(-steep * away * away)
    ratio = math.exp(-steep * (away + away + np.float32(1)))
    curve = math.exp(-steep - steep)
    for n in range(end - first):
        out[n] = value
        value *= ratio
        ratio *= curve
    return first, end
