"""Where the samples of one geometry lie between the samples of another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlanarGeometry, Sector

_TOLERANCE = 1e-9  # index units: what rounding may do to a sample on the rim


@dataclass(frozen=True, eq=False)
class SamplingTable:
    """Where the samples of one geometry lie between the samples of another.

    It lists the n target samples that are inside the source; there is nothing for the
    others. It depends on the geometries alone: make it once, use it for every frame.

    Parameters
    ----------
    source, target : Sector or PlaneGrid
        From where to where.
    pixel : (n,) int32
        Flat index of the sample in the target, ascending.
    corner : (n,) int32
        Flat index, in the source, of the upper left of its four neighbours, the one
        of least row and column.
    row_weight : (n,) [0..1]
        Share of the two neighbours in the next row.
    column_weight : (n,) [0..1]
        Share of the two neighbours in the next column.
    """

    source: PlanarGeometry
    target: PlanarGeometry
    pixel: NDArray[np.int32]
    corner: NDArray[np.int32]
    row_weight: FloatArray
    column_weight: FloatArray

    @cached_property
    def nearest(self) -> NDArray[np.int32]:
        """Flat index of the nearest source sample, (n,); the lower one on a tie."""
        down = (self.row_weight > 0.5 + _TOLERANCE) * self.source.shape[1]
        right = self.column_weight > 0.5 + _TOLERANCE
        return (self.corner + down + right).astype(np.int32)

    @cached_property
    def runs(self) -> NDArray[np.int64]:
        """Unbroken stretches of a target row: first pixel, first entry, length."""
        row = self.pixel // self.target.shape[1]
        starts = np.ones(len(self.pixel), np.bool_)
        starts[1:] = (np.diff(self.pixel) != 1) | (np.diff(row) != 0)
        entry = np.flatnonzero(starts)
        length = np.diff(entry, append=len(self.pixel))
        return np.stack([self.pixel[entry], entry, length], axis=1).astype(np.int64)

    @cached_property
    def single_weights(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Row and column weights in single precision."""
        return self.row_weight.astype(np.float32), self.column_weight.astype(np.float32)


@lru_cache(maxsize=16)
def sampling_table(source: PlanarGeometry, target: PlanarGeometry) -> SamplingTable:
    """Make the table that takes samples from one geometry to another.

    Parameters
    ----------
    source : Sector or PlaneGrid
        Where the samples lie.
    target : Sector or PlaneGrid
        Where they are wanted.

    Returns
    -------
    SamplingTable
        The same object when asked again; the last 16 are kept.

    Notes
    -----
    A target sample is inside when its place is between the first and the last source
    sample of both axes, both included; 1e-9 of a sample is forgiven, since the rim of a
    sector goes through a sine and an arctangent and back.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> source = PlaneGrid(x=(0.0, 0.2), z=(0.0, 0.2), shape=(3, 3))
    >>> target = PlaneGrid(x=(0.05, 0.3), z=(0.0, 0.1), shape=(2, 2))
    >>> table = sampling_table(source, target)
    >>> table.pixel, table.corner, table.column_weight.round(6)
    (array([0, 2], dtype=int32), array([0, 3], dtype=int32), array([0.5, 0.5]))
    """
    rows, columns = source.shape
    row, column = _indices(source, target)
    within = (
        (row >= -_TOLERANCE)
        & (row <= rows - 1 + _TOLERANCE)
        & (column >= -_TOLERANCE)
        & (column <= columns - 1 + _TOLERANCE)
    )
    row = np.clip(row[within], 0, rows - 1)
    column = np.clip(column[within], 0, columns - 1)
    upper = np.minimum(row.astype(np.int32), rows - 2)
    left = np.minimum(column.astype(np.int32), columns - 2)
    pixel = np.flatnonzero(within).astype(np.int32)
    corner = upper * np.int32(columns) + left
    arrays = pixel, corner, row - upper, column - left
    for array in arrays:
        array.setflags(write=False)
    return SamplingTable(source, target, *arrays)


def inside(source: PlanarGeometry, target: PlanarGeometry) -> NDArray[np.bool_]:
    """Say which samples of a target are inside a source, its rim included.

    Parameters
    ----------
    source : Sector or PlaneGrid
        What has values.
    target : Sector or PlaneGrid
        Where they would be wanted.

    Returns
    -------
    (*target.shape) bool
        True where `resample` gives a value of the source, False where it gives
        `outside`.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> sector = Sector(depth=(0.0, 0.1), angle=(-0.5, 0.5), shape=(3, 3))
    >>> plane = PlaneGrid(x=(-0.1, 0.1), z=(0.0, 0.1), shape=(3, 5))
    >>> inside(sector, plane).astype(int)
    array([[0, 0, 1, 0, 0],
           [0, 0, 1, 0, 0],
           [0, 0, 1, 0, 0]])
    """
    mask = np.zeros(math.prod(target.shape), np.bool_)
    mask[sampling_table(source, target).pixel] = True
    return mask.reshape(target.shape)


def _indices(
    source: PlanarGeometry, target: PlanarGeometry
) -> tuple[FloatArray, FloatArray]:
    """Return the fractional source index of every target sample."""
    if isinstance(source, Sector) and isinstance(target, Sector):
        # Same apex: range and angle stay apart, and the apex keeps its beams.
        row = (target.depths - source.depth[0]) / source.range_spacing
        column = (target.angles - source.angle[0]) / source.beam_spacing
        first, second = np.meshgrid(row, column, indexing="ij")
        return first, second
    return source.index_of(*target.points())
