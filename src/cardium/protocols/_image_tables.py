"""Where the samples of resized and converted frames come from; made once, kept."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlanarGeometry, PlaneGrid, Sector
from cardium.geometry import sampling_table, with_shape

TABLES = 64
"""How many tables of a kind are kept: those of some examinations."""

Axis = tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.float32]]


class Pick(NamedTuple):
    """Which source sample each target sample copies; see `_image_kernels.pick_runs`."""

    source: NDArray[np.uint32]
    runs: NDArray[np.int64]


class Ringed(NamedTuple):
    """Where target samples lie in a source that has a ring of zeros around it."""

    corner: NDArray[np.uint32]
    row_weight: NDArray[np.float32]
    column_weight: NDArray[np.float32]
    pixel: NDArray[np.uint32]


def reshaped(geometry: PlanarGeometry, shape: tuple[int, ...]) -> PlanarGeometry:
    """Sample the extent of a fan or a plane with another number of samples."""
    if isinstance(geometry, Sector):
        return with_shape(geometry, shape)
    return with_shape(geometry, shape)


def place_to_array(geometry: PlanarGeometry) -> FloatArray:
    """Return the extent of a fan or a plane as numbers, for an item to carry.

    Returns
    -------
    (5,) or (4,)
        Depths, angles and the offset of the apex; or x and z, first and last.
    """
    if isinstance(geometry, Sector):
        return np.array([*geometry.depth, *geometry.angle, geometry.apex_offset])
    return np.array([*geometry.x, *geometry.z])


def place_from_array(numbers: NDArray[Any], shape: tuple[int, int]) -> PlanarGeometry:
    """Return the fan or the plane of `place_to_array`, with a shape.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.2), shape=(3, 2))
    >>> place_from_array(place_to_array(plane), (3, 2)) == plane
    True
    """
    first, last, left, right, *offset = numbers.tolist()
    if offset:
        return Sector((first, last), (left, right), shape, offset[0])
    return PlaneGrid((first, last), (left, right), shape)


def conversion(sector: Sector, plane: PlaneGrid) -> tuple[Any, ...]:
    """Return what `convert_frames` needs to know of two geometries."""
    table = sampling_table(sector, plane)
    u, v = table.single_weights
    return sector.shape[1], table.corner.view(np.uint32), (u, v), table.runs


def resize_axes(source: tuple[int, ...], target: tuple[int, int]) -> tuple[Axis, Axis]:
    """Return the table of a resize along rows and along columns."""
    return _resize_axis(source[0], target[0]), _resize_axis(source[1], target[1])


@lru_cache(maxsize=TABLES)
def _resize_axis(count: int, wanted: int) -> Axis:
    """Return, by target sample, its two neighbours and the share of the second.

    In single precision, as PyTorch has it: that moves weights by up to 1e-5.
    """
    half, index = np.float32(0.5), np.arange(wanted, dtype=np.float32)
    step = np.float32(count) / np.float32(wanted)
    place = np.maximum(step * (index + half) - half, 0).astype(np.float32)
    first = np.minimum(place.astype(np.uint32), count - 1).astype(np.uint32)
    second = np.minimum(first + 1, count - 1).astype(np.uint32)
    return first, second, (place - first).astype(np.float32)


def nearest_axis(count: int, wanted: int) -> NDArray[np.intp]:
    """Return, by target sample, the source sample that PyTorch's nearest resize takes.

    Examples
    --------
    >>> nearest_axis(3, 6).tolist(), nearest_axis(4, 2).tolist()
    ([0, 0, 1, 1, 2, 2], [0, 2])
    """
    step = np.float32(count) / np.float32(wanted)
    place = np.arange(wanted, dtype=np.float32) * step
    return np.minimum(place.astype(np.intp), count - 1)


@lru_cache(maxsize=TABLES)
def pick_table(source: Sector, target: PlanarGeometry, shape: tuple[int, int]) -> Pick:
    """Return which source sample each sample of a resized target copies."""
    table = sampling_table(source, target)
    row, column = np.divmod(table.corner, source.shape[1])
    nearest = [
        low + ((weight > 0.5) | ((weight == 0.5) & (low % 2 == 1)))
        for low, weight in zip((row, column), table.weights, strict=True)
    ]
    whole = np.full(math.prod(target.shape), -1, np.int64)
    whole[table.pixel] = nearest[0] * source.shape[1] + nearest[1]
    rows, columns = (
        nearest_axis(have, want) for have, want in zip(target.shape, shape, strict=True)
    )
    resized = whole.reshape(target.shape)[rows[:, None], columns].ravel()
    pixel = np.flatnonzero(resized >= 0)
    starts = np.flatnonzero(np.diff(pixel, prepend=-2) != 1)
    length = np.diff(starts, append=len(pixel))
    runs = np.stack([pixel[starts], starts, length], axis=1).astype(np.int64)
    return Pick(resized[pixel].astype(np.uint32), runs)


@lru_cache(maxsize=TABLES)
def ringed_table(source: PlanarGeometry, plane: PlanarGeometry) -> Ringed:
    """Place the pixels of a plane among the samples of a source and its ring."""
    index = np.stack(source.index_of(*plane.points())).reshape(2, -1) + 1
    limits = np.array(source.shape)[:, None] + 1
    pixel = np.flatnonzero(((index > 0) & (index < limits)).all(axis=0))
    row, column = index[:, pixel]
    corner = np.floor(row) * (source.shape[1] + 2) + np.floor(column)
    return Ringed(
        corner.astype(np.uint32),
        (row % 1).astype(np.float32),
        (column % 1).astype(np.float32),
        pixel.astype(np.uint32),
    )
