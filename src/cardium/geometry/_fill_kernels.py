"""Compiled loops that cut meshes by planes, and fill samples along lines.

A line of samples meets the edges of closed polygons an even number of times if each
corner is on one side of it only. So every corner gets its side once, and an edge is met
where the sides of its two corners differ; rounding can then move a crossing by a
rounding, but never lose one. The crossings are toggled at the first sample behind them,
and the samples between the first and second, third and fourth, ... are filled.

Sides are held as ranks: a corner of rank n is behind the lines n, n + 1, ... and not
behind those before; if it is flipped, the other way round. Corners of a rank are not
looked at again for lines that lie outside the ranks of an edge.

Lines lie in rows of lines; a row spans a plane. Their linear forms take a point (p, q)
of that plane, ``a p + b q + c``: `across` is zero on the line, `along` is the
fractional index of the sample beside the point. Every kernel runs on one thread and
lets go of the interpreter's lock.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.core import FloatArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@njit(cache=True, nogil=True, error_model="numpy")
def fill_polygons(
    vertices: FloatArray,
    polygons: Ints,
    across: FloatArray,
    along: FloatArray,
    out: NDArray[np.uint8],
) -> None:
    """Set the samples (L, S) that are inside any of the polygons, each even-odd.

    `polygons` (P, corners) names vertices (N, 2); `across` and `along` are (L, 3).
    """
    lines, samples = out.shape
    beside, ahead = np.empty(len(vertices)), np.empty(len(vertices))
    toggles = np.zeros(samples + 1, np.uint8)
    for line in range(lines):
        a, b = across[line], along[line]
        for v in range(len(vertices)):
            p, q = vertices[v]
            beside[v] = a[0] * p + a[1] * q + a[2]
            ahead[v] = b[0] * p + b[1] * q + b[2]
        for n in range(len(polygons)):
            first, last = samples, 0
            here = polygons[n, -1]
            for k in range(polygons.shape[1]):
                before, here = here, polygons[n, k]
                if (beside[before] <= 0) == (beside[here] <= 0):
                    continue
                # From the same end whichever way the polygon runs, so that two that
                # share an edge agree on the crossing to the last bit.
                i, j = (before, here) if beside[before] <= 0 else (here, before)
                part = _share(beside[i], beside[j])
                place = _sample_behind(ahead[i] + part * (ahead[j] - ahead[i]), samples)
                toggles[place] ^= 1
                first, last = min(first, place), max(last, place)
            inside = np.uint8(0)
            for s in range(first, last):
                inside ^= toggles[s]
                out[line, s] |= inside
                toggles[s] = 0
            toggles[last] = 0


@njit(cache=True, nogil=True, error_model="numpy")
def count_cuts(faces: Ints, rank: Ints, flipped: Bools, rows: int) -> int:
    """Count the pairs of a face and a row whose plane cuts it."""
    cuts = 0
    for f in range(len(faces)):
        start, stop = _row_range(faces[f], rank, flipped, rows)
        for row in range(start, stop):
            cuts += _is_cut(faces[f], rank, flipped, row)
    return cuts


@njit(cache=True, nogil=True, error_model="numpy")
def cut_faces(
    points: FloatArray,
    faces: Ints,
    rank: Ints,
    flipped: Bools,
    planes: FloatArray,
    row_of: Ints,
    ends: FloatArray,
    edges: Ints,
) -> None:
    """Cut faces by the planes (E, 4) of the rows: segments and the edges they end on.

    Fills the row (M,) of each cut, the two ends (M, 2, 3) of the segment, and for
    each the edge (M, 2) that it lies on, ``lower corner * P + higher corner``. Both
    faces of an edge get the same end, bit for bit.
    """
    m, number = 0, len(points)
    for f in range(len(faces)):
        start, stop = _row_range(faces[f], rank, flipped, len(planes))
        for row in range(start, stop):
            if not _is_cut(faces[f], rank, flipped, row):
                continue
            n = 0
            for k in range(3):
                i, j = faces[f, k], faces[f, (k + 1) % 3]
                if _is_behind(i, rank, flipped, row) == _is_behind(
                    j, rank, flipped, row
                ):
                    continue
                i, j = min(i, j), max(i, j)
                part = _share(
                    _height(points[i], planes[row]), _height(points[j], planes[row])
                )
                for d in range(3):
                    ends[m, n, d] = points[i, d] + part * (points[j, d] - points[i, d])
                edges[m, n] = i * number + j
                n += 1
            row_of[m] = row
            m += 1


@njit(cache=True, nogil=True, error_model="numpy")
def fill_sections(
    row_of: Ints,
    ends: FloatArray,
    rank: Ints,
    flipped: Bools,
    across: FloatArray,
    along: FloatArray,
    out: NDArray[np.uint8],
) -> None:
    """Set the samples (E, A, R) inside the sections of a closed mesh.

    `row_of` (M,) is the row of each segment, `ends` (M, 2, 2) its ends in the plane of
    the row, `rank` and `flipped` (M, 2) their sides; `across` and `along` are
    (E, A, 3).
    """
    rows, lines, samples = out.shape
    met = np.zeros((rows, lines), np.bool_)
    for m in range(len(row_of)):
        row = row_of[m]
        (p, q), (u, v) = ends[m]
        start, stop = min(rank[m, 0], rank[m, 1]), max(rank[m, 0], rank[m, 1])
        if flipped[m, 0] != flipped[m, 1]:
            start, stop = 0, lines
        for line in range(start, stop):
            if _is_behind(0, rank[m], flipped[m], line) == _is_behind(
                1, rank[m], flipped[m], line
            ):
                continue
            a, b = across[row, line], along[row, line]
            part = _share(a[0] * p + a[1] * q + a[2], a[0] * u + a[1] * v + a[2])
            near, far = b[0] * p + b[1] * q + b[2], b[0] * u + b[1] * v + b[2]
            place = _sample_behind(near + part * (far - near), samples)
            met[row, line] = True
            if place < samples:
                out[row, line, place] ^= 1
    for row in range(rows):
        for line in range(lines):
            if met[row, line]:
                inside, beam = np.uint8(0), out[row, line]
                for s in range(samples):
                    inside ^= beam[s]
                    beam[s] = inside


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _share(here: float, there: float) -> float:
    """Part of the way from a height to another at which height 0 is met."""
    if here == there:
        return 0.5
    return min(max(here / (here - there), 0.0), 1.0)


@njit(cache=True, nogil=True, inline="always")
def _sample_behind(place: float, samples: int) -> int:
    """First sample at or behind a fractional index, at most one past the last."""
    return int(np.ceil(min(max(place, 0.0), float(samples))))


@njit(cache=True, nogil=True, inline="always")
def _is_behind(corner: int, rank: Ints, flipped: Bools, line: int) -> bool:
    """Say whether a corner is behind a line or a row."""
    return bool((rank[corner] <= line) != flipped[corner])


@njit(cache=True, nogil=True, inline="always")
def _height(point: FloatArray, plane: FloatArray) -> float:
    """Signed distance of a point from a plane, in units of its normal."""
    d: float = (
        plane[0] * point[0] + plane[1] * point[1] + plane[2] * point[2] + plane[3]
    )
    return d


@njit(cache=True, nogil=True)
def _row_range(face: Ints, rank: Ints, flipped: Bools, rows: int) -> tuple[int, int]:
    """First row that may cut a face, and the one past the last."""
    i, j, k = face
    if flipped[i] != flipped[j] or flipped[i] != flipped[k]:
        return 0, rows
    return min(rank[i], rank[j], rank[k]), max(rank[i], rank[j], rank[k])


@njit(cache=True, nogil=True)
def _is_cut(face: Ints, rank: Ints, flipped: Bools, row: int) -> bool:
    """Say whether the corners of a face lie on both sides of a row."""
    one = _is_behind(face[0], rank, flipped, row)
    two = _is_behind(face[1], rank, flipped, row)
    return bool(one != two or one != _is_behind(face[2], rank, flipped, row))
