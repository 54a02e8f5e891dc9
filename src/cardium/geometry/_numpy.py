"""Resampling of numpy arrays with the compiled loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Geometry
from cardium.geometry._antialias import filters_for
from cardium.geometry._sampling import SamplingTable, Target, sampling_table

_COMPILED = (np.uint8, np.float32, np.float64)


def gather(
    values: NDArray[Any],
    source: Geometry,
    target: Target,
    *,
    method: str,
    outside: float,
) -> NDArray[Any]:
    """Resample (..., *source.shape) to (..., *target.shape)."""
    values = np.asarray(values)
    table, frames = sampling_table(source, target), _flat_frames(values, source)
    size = len(frames), math.prod(target.shape)
    if method == "nearest":
        from cardium.geometry import _kernels

        out = np.full(size, outside, values.dtype)
        # Whole samples are copied as words of their size, whatever they mean.
        word, nearest = f"u{values.itemsize}", table.nearest.view(np.uint32)
        _kernels.pick(frames.view(word), nearest, table.runs, out.view(word))
    elif values.dtype in _COMPILED:
        out = _interpolate(frames, table, outside)
    else:
        wide = _interpolate(frames.astype(np.float64), table, 0)
        out = np.full(size, outside, values.dtype)
        out[:, table.pixel] = settle(wide[:, table.pixel], values.dtype)
    return out.reshape(*_leading(values, source), *target.shape)


def vote(
    labels: NDArray[np.uint8], source: Geometry, target: Target
) -> NDArray[np.uint8]:
    """Resample label maps (..., *source.shape) by the vote of the neighbours."""
    from cardium.geometry import _kernels, _volume_kernels

    table, frames = sampling_table(source, target), _flat_frames(labels, source)
    out = np.empty((len(frames), math.prod(target.shape)), np.uint8)
    count: Any = _kernels.vote_labels
    if len(table.strides) == 3:
        count = _volume_kernels.vote_labels
    corner = table.corner.view(np.uint32)
    count(frames, *_outer_steps(table), corner, *table.weights, table.pixel, out)
    return out.reshape(*_leading(labels, source), *target.shape)


def low_pass(
    values: NDArray[Any], source: Geometry, target: Target
) -> NDArray[np.floating[Any]]:
    """Multiply the flat frames with one matrix after another; floats come out."""
    narrow = values.dtype in (np.uint8, np.float16, np.float32)
    columns: Any = _flat_frames(values, source).T
    for matrix in filters_for(source, target):
        columns = matrix @ columns
    dtype = np.float32 if narrow else np.float64
    smooth: NDArray[np.floating[Any]] = np.asarray(columns.T, dtype)
    return smooth.reshape(values.shape)


def settle(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return floats in another type; integers are rounded, halves up."""
    rounded = values if dtype.kind == "f" else np.floor(values + 0.5)
    return rounded.astype(dtype, copy=False)


def _interpolate(
    frames: NDArray[Any], table: SamplingTable, outside: float
) -> NDArray[Any]:
    """Interpolate flat frames of bytes or floats with the kernel of their type."""
    from cardium.geometry import _kernels, _volume_kernels

    out = np.empty((len(frames), math.prod(table.target.shape)), frames.dtype)
    kernels: Any = _kernels if len(table.strides) == 2 else _volume_kernels
    blend = kernels.blend_bytes if out.dtype == np.uint8 else kernels.blend_floats
    double = out.dtype == np.float64
    weights = table.weights if double else table.single_weights
    corner, fill = table.corner.view(np.uint32), out.dtype.type(outside)
    blend(frames, *_outer_steps(table), corner, *weights, table.runs, fill, out)
    return out


def _outer_steps(table: SamplingTable) -> tuple[int, ...]:
    """Return the flat steps along all axes but the last, the shortest first."""
    return table.strides[-2::-1]


def _flat_frames(values: NDArray[Any], source: Geometry) -> NDArray[Any]:
    """Return (..., *source.shape) as contiguous frames (T, P)."""
    lead = math.prod(_leading(values, source))
    return np.ascontiguousarray(values).reshape(lead, math.prod(source.shape))


def _leading(values: NDArray[Any], source: Geometry) -> tuple[int, ...]:
    """Return the axes before those that the geometry places."""
    return values.shape[: values.ndim - len(source.shape)]
