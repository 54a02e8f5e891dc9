"""Compiled loops of `cardium.phantom.receive`: one thread, one order, same bits.

Grids are (rows, columns) of complex samples per pulse. Distances come in metres,
`first` and `per` turn a distance or an angle into a row or a column.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray

Complex = NDArray[np.complex64]
Floats = NDArray[np.floating[Any]]
Axis = tuple[float, float]

_SLICE_WIDTHS = 2.5
_TURN = 2 * math.pi
_COSINE = tuple((-1) ** k / math.factorial(2 * k) for k in range(11))
_SINE = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(11))


@njit(cache=True, nogil=True)
def look_up(
    codes: NDArray[np.uint16], table: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Write what a table has for each code."""
    for n in range(len(codes)):
        out[n] = table[codes[n]]


@njit(cache=True, nogil=True)
def move(vectors: Floats, rotation: Floats, shift: Floats, out: Floats) -> None:
    """Turn and shift vectors (N, 3); all numbers are of one type."""
    for n in range(len(vectors)):
        x, y, z = vectors[n, 0], vectors[n, 1], vectors[n, 2]
        for k in range(3):
            turned = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * z
            out[n, k] = turned + shift[k]


@njit(cache=True, nogil=True)
def carrier(turns: float) -> tuple[float, float]:
    """Cosine and sine of a phase of so many turns, to 1e-8, by their series."""
    angle = _TURN * (turns - math.floor(turns) - 0.5)
    square = angle * angle
    cos, sin = _COSINE[-1], _SINE[-1]
    for k in range(len(_COSINE) - 2, -1, -1):
        cos = _COSINE[k] + square * cos
        sin = _SINE[k] + square * sin
    return -cos, -angle * sin


@njit(cache=True, nogil=True, error_model="numpy")
def add_echoes(
    points: Floats,
    amplitude: NDArray[np.float32],
    down: Axis,
    across: Axis,
    elevation: FloatArray,
    wave: float,
    grid: Complex,
) -> None:
    """Add each echo to its nearest cell, with its carrier's phase."""
    rows, columns = grid.shape
    for n in range(len(points)):
        x = np.float64(points[n, 0])
        y, z = np.float64(points[n, 1]), np.float64(points[n, 2])
        distance = math.sqrt(x * x + y * y + z * z)
        row = (distance - down[0]) * down[1] + 0.5
        if not 0 <= row < rows:
            continue
        i = int(row)
        aside = y / elevation[i]
        if abs(aside) >= _SLICE_WIDTHS:
            continue
        column = (math.atan2(x, z) - across[0]) * across[1] + 0.5
        if not 0 <= column < columns:
            continue
        weight = amplitude[n] * math.exp(-aside * aside / 2)
        cos, sin = carrier(-distance * wave)
        grid[i, int(column)] += np.complex64(complex(weight * cos, weight * sin))


@njit(cache=True, nogil=True, error_model="numpy")
def add_packets(
    points: FloatArray,
    steps: FloatArray,
    amplitude: NDArray[np.float32],
    down: Axis,
    across: Axis,
    elevation: FloatArray,
    wave: float,
    grid: Complex,
) -> None:
    """Add each echo of each pulse to the four cells around it; grid (rows, cols, P).

    Distance, and the logarithm of the slice profile, are parabolas of the pulse's
    number to 2e-7 m. So each echo is the one before times a factor, and the factor is
    the one before times another: two products in place of a sine, a cosine and so on.
    """
    rows, columns, pulses = grid.shape
    middle = (pulses - 1) / 2
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        distance = math.sqrt(x * x + y * y + z * z)
        row = (distance - down[0]) * down[1]
        if not 0 <= row < rows - 1:
            continue
        i = int(row)
        aside = y / elevation[i]
        if abs(aside) >= _SLICE_WIDTHS:
            continue
        column = (math.atan2(x, z) - across[0]) * across[1]
        if not 0 <= column < columns - 1:
            continue
        dx, dy, dz = steps[n, 0], steps[n, 1], steps[n, 2]
        away = (x * dx + y * dy + z * dz) / distance
        bend = (dx * dx + dy * dy + dz * dz - away * away) / (2 * distance)
        column_step = (z * dx - x * dz) / (x * x + z * z) * across[1]
        aside_step = dy / elevation[i]
        # Exponent a + b late + c late^2 of the echo, late counting from the middle.
        turns = distance * wave
        a = complex(-aside * aside / 2, -_TURN * (turns - math.floor(turns)))
        b = complex(-aside * aside_step, -_TURN * wave * away)
        c = complex(-aside_step * aside_step / 2, -_TURN * wave * bend)
        echo = amplitude[n] * cmath.exp(a - middle * b + middle * middle * c)
        factor = cmath.exp(b + (1 - 2 * middle) * c)
        again = cmath.exp(2 * c)
        for p in range(pulses):
            late = p - middle
            u = row + (away + bend * late) * late * down[1]
            v = column + late * column_step
            if 0 <= u < rows - 1 and 0 <= v < columns - 1:
                i, j = int(u), int(v)
                u, v = u - i, v - j
                near, far = (1 - u) * echo, u * echo
                grid[i, j, p] += np.complex64((1 - v) * near)
                grid[i, j + 1, p] += np.complex64(v * near)
                grid[i + 1, j, p] += np.complex64((1 - v) * far)
                grid[i + 1, j + 1, p] += np.complex64(v * far)
            echo *= factor
            factor *= again


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def convolve(
    grid: NDArray[np.float32],
    pulse: NDArray[np.float32],
    beams: NDArray[np.float32],
    out: NDArray[np.float32],
) -> None:
    """Convolve with a pulse and with each row's beam, and keep every second cell.

    ``grid`` is (rows, columns, parts), the parts being the real and imaginary ones of
    all pulses; ``beams`` is (R, taps); ``out`` is (R, A, parts).
    """
    columns, parts = grid.shape[1], grid.shape[2]
    width, kept = columns * parts, out.shape[1] * parts
    flat, result = grid.reshape(grid.shape[0], width), out.reshape(len(out), kept)
    line = np.empty(width, np.float32)
    # Even and odd columns lie apart, so that kept samples have theirs in a row.
    apart = np.zeros((2, (columns + 1) // 2 * parts), np.float32)
    for r in range(len(out)):
        line[:] = 0
        for k in range(len(pulse)):
            source, weight = flat[2 * r + k], pulse[k]
            for m in range(width):
                line[m] += weight * source[m]
        for j in range(columns):
            for part in range(parts):
                apart[j % 2, j // 2 * parts + part] = line[j * parts + part]
        target = result[r]
        target[:] = 0
        for k in range(beams.shape[1]):
            source, weight = apart[k % 2, k // 2 * parts :], beams[r, k]
            for m in range(kept):
                target[m] += weight * source[m]
