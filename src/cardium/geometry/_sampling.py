"""Where the samples of one geometry lie between the samples of another."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    Geometry,
    PlaneGrid,
    Sector,
    SectorVolume,
    SlicePlane,
    VolumeGrid,
)
from cardium.errors import GeometryError

Target = Geometry | SlicePlane
"""Where values can be wanted: anywhere they can lie, and on a cut through space."""

_TOLERANCE = 1e-9  # index units: what rounding may do to a sample on the rim
_BUDGET = 256 * 2**20  # bytes of tables that are kept for the next call
_SLAB = 2**18  # samples placed at a time: what fits a cache, not a memory


@dataclass(frozen=True, eq=False)
class SamplingTable:
    """Where the samples of one geometry lie between the samples of another.

    It lists the n target samples that are inside the source; there is nothing for the
    others. It depends on the geometries alone: make it once, use it for every frame.

    Parameters
    ----------
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        From where.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        To where.
    pixel : (n,) int32
        Flat index of the sample in the target, ascending.
    corner : (n,) int32
        Flat index, in the source, of the one of its four or eight neighbours that has
        the least index along each axis.
    weights : one (n,) array for each source axis [0..1]
        Share of the neighbours that are one further along that axis; double precision
        in a plane, single in a volume.
    """

    source: Geometry
    target: Target
    pixel: NDArray[np.int32]
    corner: NDArray[np.int32]
    weights: tuple[NDArray[np.floating[Any]], ...]

    @property
    def nbytes(self) -> int:
        """Size of the table itself [bytes]."""
        return sum(a.nbytes for a in (self.pixel, self.corner, *self.weights))

    @property
    def strides(self) -> tuple[int, ...]:
        """Steps of the flat source index to the next sample along each axis."""
        shape = self.source.shape
        return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))

    @cached_property
    def nearest(self) -> NDArray[np.int32]:
        """Flat index of the nearest source sample, (n,); the lower one on a tie."""
        index = self.corner.copy()
        for weight, stride in zip(self.weights, self.strides, strict=True):
            index += (weight > 0.5 + self._tie(weight)) * np.int32(stride)
        return index

    @cached_property
    def runs(self) -> NDArray[np.int64]:
        """Unbroken stretches of a target row: first pixel, first entry, length."""
        row = self.pixel // self.target.shape[-1]
        starts = np.ones(len(self.pixel), np.bool_)
        starts[1:] = (np.diff(self.pixel) != 1) | (np.diff(row) != 0)
        entry = np.flatnonzero(starts)
        length = np.diff(entry, append=len(self.pixel))
        return np.stack([self.pixel[entry], entry, length], axis=1).astype(np.int64)

    @cached_property
    def single_weights(self) -> tuple[NDArray[np.float32], ...]:
        """The weights in single precision."""
        return tuple(w.astype(np.float32, copy=False) for w in self.weights)

    @staticmethod
    def _tie(weight: NDArray[np.floating[Any]]) -> float:
        """Say how far from a half rounding may have moved a weight."""
        return _TOLERANCE if weight.dtype == np.float64 else 1e-6


_kept: OrderedDict[tuple[Geometry, Target], SamplingTable] = OrderedDict()
_lock = Lock()


def sampling_table(source: Geometry, target: Target) -> SamplingTable:
    """Make the table that takes samples from one geometry to another.

    Parameters
    ----------
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        Where the samples lie.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Where they are wanted: in the plane of a planar source, or in the space of a
        volume.

    Returns
    -------
    SamplingTable
        The same object when asked again; the last ones used are kept, 256 MiB of them.
        A table takes 24 bytes a pixel, 20 a voxel.

    Raises
    ------
    GeometryError
        If one of the two lies in a plane and the other in space.

    Notes
    -----
    A target sample is inside when its place is between the first and the last source
    sample of every axis, both included; 1e-9 of a sample is forgiven, since the rim of
    a fan goes through a sine and an arctangent and back. Two fans of one apex (and one
    angle convention) are compared axis by axis, which keeps their beams at the apex;
    all others meet in metres.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> source = PlaneGrid(x=(0.0, 0.2), z=(0.0, 0.2), shape=(3, 3))
    >>> target = PlaneGrid(x=(0.05, 0.3), z=(0.0, 0.1), shape=(2, 2))
    >>> table = sampling_table(source, target)
    >>> table.pixel, table.corner, table.weights[1].round(6)
    (array([0, 2], dtype=int32), array([0, 3], dtype=int32), array([0.5, 0.5]))
    """
    key = source, target
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    made = _make_table(source, target)
    with _lock:
        table = _kept.setdefault(key, made)
        total = sum(one.nbytes for one in _kept.values())
        while total > _BUDGET and len(_kept) > 1:
            total -= _kept.popitem(last=False)[1].nbytes
    return table


def inside(source: Geometry, target: Target) -> NDArray[np.bool_]:
    """Say which samples of a target are inside a source, its rim included.

    Parameters
    ----------
    source : Sector, PlaneGrid, SectorVolume or VolumeGrid
        What has values.
    target : Sector, PlaneGrid, SectorVolume, VolumeGrid or SlicePlane
        Where they would be wanted.

    Returns
    -------
    (*target.shape) bool
        True where `resample` gives a value of the source, False where it gives
        `outside`.

    Raises
    ------
    GeometryError
        If one of the two lies in a plane and the other in space.

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


def lies_within(source: Geometry, index: tuple[FloatArray, ...]) -> NDArray[np.bool_]:
    """Say which fractional indices, one array an axis, are those of inside points."""
    within = np.ones(np.broadcast_shapes(*(i.shape for i in index)), np.bool_)
    for along, count in zip(index, source.shape, strict=True):
        within &= (along >= -_TOLERANCE) & (along <= count - 1 + _TOLERANCE)
    return within


def _make_table(source: Geometry, target: Target) -> SamplingTable:
    """Place the target samples slab by slab."""
    precision = np.float64 if isinstance(source, Sector | PlaneGrid) else np.float32
    parts = [_place(source, *slab, precision) for slab in _slabs(source, target)]
    arrays = [np.concatenate(column) for column in zip(*parts, strict=True)]
    for array in arrays:
        array.setflags(write=False)
    return SamplingTable(source, target, arrays[0], arrays[1], tuple(arrays[2:]))


def _place(
    source: Geometry,
    first: int,
    index: tuple[FloatArray, ...],
    precision: type[np.floating[Any]],
) -> tuple[NDArray[Any], ...]:
    """Return the columns of a table for the samples from a flat index on."""
    within = lies_within(source, index)
    corner = np.zeros(within.sum(), np.int32)
    weights = []
    for along, count in zip(index, source.shape, strict=True):
        place = np.clip(np.broadcast_to(along, within.shape)[within], 0, count - 1)
        low = np.minimum(place.astype(np.int32), count - 2)
        corner = corner * np.int32(count) + low
        weights.append((place - low).astype(precision))
    return (first + np.flatnonzero(within)).astype(np.int32), corner, *weights


def _slabs(
    source: Geometry, target: Target
) -> Iterator[tuple[int, tuple[FloatArray, ...]]]:
    """Yield the flat index of a slab's first sample, and fractional source indices."""
    match source, target:
        case (Sector(), Sector()) if source.apex_offset == target.apex_offset:
            # Same apex: range and angle stay apart, and the apex keeps its beams.
            row = (target.depths - source.depth[0]) / source.range_spacing
            column = (target.angles - source.angle[0]) / source.beam_spacing
            yield 0, (row[:, None], column[None, :])
        case (Sector() | PlaneGrid(), Sector() | PlaneGrid()):
            yield 0, source.index_of(*target.points())
        case (SectorVolume() | VolumeGrid(), SlicePlane()):
            yield 0, source.index_of(*target.points())
        case (SectorVolume() | VolumeGrid(), SectorVolume() | VolumeGrid()):
            layer = math.prod(target.shape[1:])
            step = max(1, _SLAB // layer)
            for k in range(0, target.shape[0], step):
                part = slice(k, min(k + step, target.shape[0]))
                yield k * layer, _volume_indices(source, target, part)
        case _:
            raise _mixed(source, target)


def _volume_indices(
    source: SectorVolume | VolumeGrid, target: SectorVolume | VolumeGrid, part: slice
) -> tuple[FloatArray, ...]:
    """Return the fractional source indices of some layers of a volume."""
    if isinstance(target, VolumeGrid):
        k, j, i = (np.arange(n, dtype=np.float64) for n in target.shape)
        a, b, c = target.steps
        layers = k[part, None, None]
        x, y, z = (
            o + layers * a[d] + j[:, None] * b[d] + i * c[d]
            for d, o in enumerate(target.origin)
        )
        return source.index_of(x, y, z)
    axes = (
        target.elevations[part, None, None],
        target.azimuths[None, :, None],
        target.depths[None, None, :],
    )
    if isinstance(source, SectorVolume) and source.convention == target.convention:
        starts = source.elevation[0], source.azimuth[0], source.depth[0]
        return tuple(
            (axis - start) / step
            for axis, start, step in zip(axes, starts, source.spacing, strict=True)
        )
    elevation, azimuth, depth = axes
    return source.index_of(*target.point_at(depth, azimuth, elevation))


def _mixed(source: object, target: object) -> GeometryError:
    """Say why there is no way from one geometry to the other."""
    names = type(source).__name__, type(target).__name__
    if isinstance(source, SlicePlane):
        return GeometryError(
            "Resampling: a SlicePlane is where values are wanted, not where they lie. "
            "What was cut lies on its grid, a PlaneGrid: give `plane.grid` as source."
        )
    if isinstance(source, Sector | PlaneGrid):
        return GeometryError(
            f"Resampling: a {names[0]} lies in a plane, a {names[1]} in space. One "
            "plane does not fill a volume; take a plane as target."
        )
    return GeometryError(
        f"Resampling: a {names[0]} lies in space, a {names[1]} in a plane that could "
        "be any. Say which: SlicePlane(grid, origin, right, down), apical_plane or "
        "short_axis_plane."
    )
