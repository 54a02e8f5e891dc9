"""Resampling of torch tensors: a differentiable gather with the same table."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from cardium.core import Geometry
from cardium.geometry._antialias import filters_for
from cardium.geometry._sampling import SamplingTable, Target, sampling_table


def gather(
    values: torch.Tensor,
    source: Geometry,
    target: Target,
    *,
    method: str,
    outside: float,
) -> torch.Tensor:
    """Resample (..., *source.shape) to (..., *target.shape) on the tensor's device."""
    table = sampling_table(source, target)
    lead = values.shape[: values.ndim - len(source.shape)]
    frames = values.reshape(lead.numel(), math.prod(source.shape))
    if method == "nearest":
        picked = frames.index_select(1, _nearest(table, values.device))
    else:
        wide = frames.to(_working_type(values.dtype))
        blend = _blend_plane if len(source.shape) == 2 else _blend_volume
        picked = settle(blend(wide, table), values.dtype)
    out = frames.new_full((len(frames), math.prod(target.shape)), outside)
    out = out.index_copy(1, _pixels(table, values.device), picked)
    return out.reshape(*lead, *target.shape)


def low_pass(values: torch.Tensor, source: Geometry, target: Target) -> torch.Tensor:
    """Multiply the flat frames with one matrix after another; floats come out."""
    dtype, size = _working_type(values.dtype), math.prod(source.shape)
    columns = values.reshape(values.numel() // size, size).to(dtype).T
    for matrix in _filters(source, target, values.device, dtype):
        columns = torch.sparse.mm(matrix, columns)
    return columns.T.reshape(values.shape)


def settle(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return floats in another type; integers are rounded, halves up."""
    return (values if dtype.is_floating_point else (values + 0.5).floor()).to(dtype)


def _blend_plane(frames: torch.Tensor, table: SamplingTable) -> torch.Tensor:
    """Interpolate (T, P) between four neighbours."""
    neighbours, weights = _neighbours(table, frames.device, frames.dtype)
    # One row a sample and one column a frame: a weighted sum of four rows is what
    # an embedding bag computes, faster than four gathers and their gradients.
    bags: torch.Tensor = torch.nn.functional.embedding_bag(
        neighbours,
        frames.T.contiguous(),
        per_sample_weights=weights,
        mode="sum",
    )
    return bags.T


def _blend_volume(frames: torch.Tensor, table: SamplingTable) -> torch.Tensor:
    """Interpolate (T, P) between eight neighbours, pair by pair.

    A table of eight indices and shares a voxel would be five times as large.
    """
    corner, (u, v, w) = _corners(table, frames.device, frames.dtype)
    plane, row, one = table.strides

    def along_row(offset: int) -> torch.Tensor:
        first = frames.index_select(1, corner + offset)
        return torch.lerp(first, frames.index_select(1, corner + (offset + one)), w)

    def in_plane(offset: int) -> torch.Tensor:
        return torch.lerp(along_row(offset), along_row(offset + row), v)

    return torch.lerp(in_plane(0), in_plane(plane), u)


def _working_type(dtype: torch.dtype) -> torch.dtype:
    """Choose the float type that holds every value of a type."""
    narrow = {torch.uint8, torch.float16, torch.bfloat16, torch.float32}
    return torch.float32 if dtype in narrow else torch.float64


@lru_cache(maxsize=8)
def _pixels(table: SamplingTable, device: torch.device) -> torch.Tensor:
    """Put the table's pixels on a device, (n,)."""
    return torch.tensor(table.pixel, dtype=torch.int64, device=device)


@lru_cache(maxsize=8)
def _nearest(table: SamplingTable, device: torch.device) -> torch.Tensor:
    """Put the nearest samples on a device, (n,)."""
    return torch.tensor(table.nearest, device=device)


@lru_cache(maxsize=8)
def _neighbours(
    table: SamplingTable, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the four neighbours and their shares on a device, each (n, 4)."""
    columns, (u, v) = table.strides[0], table.weights
    index = table.corner[:, None] + np.array([0, 1, columns, columns + 1])
    shares = [(1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v]
    return (
        torch.tensor(index, dtype=torch.int64, device=device),
        torch.tensor(np.stack(shares, axis=1), dtype=dtype, device=device),
    )


@lru_cache(maxsize=2)
def _corners(
    table: SamplingTable, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the corners (n,) and the three weights (3, n) on a device."""
    return (
        torch.tensor(table.corner, device=device),
        torch.tensor(np.stack(table.weights), dtype=dtype, device=device),
    )


@lru_cache(maxsize=2)
def _filters(
    source: Geometry, target: Target, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, ...]:
    """Put the filters on a device."""
    entries = [matrix.tocoo() for matrix in filters_for(source, target)]
    return tuple(
        torch.sparse_coo_tensor(
            torch.tensor(np.stack([matrix.row, matrix.col]), device=device),
            torch.tensor(matrix.data, dtype=dtype, device=device),
            matrix.shape,
            check_invariants=True,
        ).coalesce()
        for matrix in entries
    )
