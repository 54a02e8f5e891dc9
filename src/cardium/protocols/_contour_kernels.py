"""Compiled loops that draw the walls of a ventricle as the paper's code does.

Places are (row, column) in samples. Two conventions meet in one polygon: its inside is
filled along lines through the *edges* of samples, half a sample below their centres,
and its outline is painted through the centres. Every kernel runs on one thread and lets
go of the interpreter's lock.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray

_NO_AREA = 1e-6  # of a quad, in samples: it is not drawn, not even its outline


@njit(cache=True, nogil=True, error_model="numpy")
def draw_walls(
    places: FloatArray, cavity: NDArray[np.uint8], wall: NDArray[np.uint8]
) -> None:
    """Draw each frame of places (T, layer, point, 2) on maps of zeros (T, H, W).

    The cavity is the first layer, closed from its last point to its first. The wall is
    all quads between neighbouring points of neighbouring layers, less the cavity. A
    point that is not finite in one layer is left out of all; with fewer than two points
    nothing is drawn.
    """
    layers, points = places.shape[1:3]
    kept = np.empty(points, np.int64)
    outline = np.empty((points, 2))
    quad = np.empty((4, 2))
    crossings = np.empty(max(points, 4))
    for t in range(len(places)):
        frame, count = places[t], _keep_finite(places[t], kept)
        if count < 2:
            continue
        for k in range(count):
            outline[k] = frame[0, kept[k]]
        _draw(outline[:count], crossings, cavity[t])
        for k in range(count - 1):
            here, there = kept[k], kept[k + 1]
            for layer in range(layers - 1):
                quad[0], quad[1] = frame[layer, here], frame[layer, there]
                quad[2], quad[3] = frame[layer + 1, there], frame[layer + 1, here]
                if abs(_area(quad)) > _NO_AREA:
                    _draw(quad, crossings, wall[t])
        within, around = cavity[t].ravel(), wall[t].ravel()
        for k in range(len(around)):
            around[k] &= ~within[k]


@njit(cache=True, nogil=True)
def _keep_finite(frame: FloatArray, kept: NDArray[np.int64]) -> int:
    """Name the points (layer, point, 2) that are finite in all layers; count them."""
    count = 0
    for p in range(frame.shape[1]):
        finite = True
        for layer in range(frame.shape[0]):
            row, column = frame[layer, p]
            finite &= np.isfinite(row) and np.isfinite(column)
        if finite:
            kept[count] = p
            count += 1
    return count


@njit(cache=True, nogil=True)
def _area(corners: FloatArray) -> float:
    """Signed area of a polygon."""
    twice, before = 0.0, len(corners) - 1
    for k in range(len(corners)):
        twice += corners[before, 1] * corners[k, 0] - corners[k, 1] * corners[before, 0]
        before = k
    return twice / 2


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(corners: FloatArray, crossings: FloatArray, image: NDArray[np.uint8]) -> None:
    """Fill a closed polygon and paint its outline."""
    rows, columns = image.shape
    before, top, bottom = len(corners) - 1, np.inf, -np.inf
    for k in range(len(corners)):
        _paint_edge(
            corners[before, 0], corners[before, 1], corners[k, 0], corners[k, 1], image
        )
        top, bottom = min(top, corners[k, 0]), max(bottom, corners[k, 0])
        before = k
    first, last = max(np.ceil(top - 0.5), 0.0), min(np.floor(bottom - 0.5), rows - 1.0)
    for row in range(int(first), int(last) + 1):
        count = _cross(corners, row + 0.5, crossings)
        for k in range(0, count - 1, 2):
            left = max(np.ceil(crossings[k] - 0.5), 0.0)
            right = min(np.floor(crossings[k + 1] - 0.5), columns - 1.0)
            for column in range(int(left), int(right) + 1):
                image[row, column] = 1


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _cross(corners: FloatArray, line: float, crossings: FloatArray) -> int:
    """Find where the edges cross a line of one row, ascending; count them."""
    count, before = 0, len(corners) - 1
    for k in range(len(corners)):
        row, end_row = corners[before, 0], corners[k, 0]
        if (row <= line) != (end_row <= line):
            share = (line - row) / (end_row - row)
            place = corners[before, 1] + share * (corners[k, 1] - corners[before, 1])
            n = count
            while n > 0 and crossings[n - 1] > place:
                crossings[n] = crossings[n - 1]
                n -= 1
            crossings[n] = place
            count += 1
        before = k
    return count


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _paint_edge(
    row: float,
    column: float,
    end_row: float,
    end_column: float,
    image: NDArray[np.uint8],
) -> None:
    """Paint the samples nearest to points on an edge, half a sample apart or less."""
    rows, columns = image.shape
    extent = max(abs(end_row - row), abs(end_column - column))
    steps = max(int(np.ceil(2 * extent)), 1)
    down, across = (end_row - row) / steps, (end_column - column) / steps
    for k in range(steps + 1):
        i, j = np.rint(row + k * down), np.rint(column + k * across)
        if 0 <= i < rows and 0 <= j < columns:
            image[np.uint32(i), np.uint32(j)] = 1
