"""Resampling of torch tensors: a differentiable gather with the same table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from cardium.core import PlanarGeometry
from cardium.geometry._sampling import sampling_table


def gather(
    values: torch.Tensor,
    source: PlanarGeometry,
    target: PlanarGeometry,
    *,
    method: str,
    outside: float,
) -> torch.Tensor:
    """Resample (..., *source.shape) to (..., *target.shape) on the tensor's device."""
    lead = values.shape[:-2]
    frames = values.reshape(lead.numel(), source.shape[0] * source.shape[1])
    pixel, nearest = _places(source, target, values.device)
    if method == "nearest":
        picked = frames.index_select(1, nearest)
    else:
        dtype = _working_type(values.dtype)
        neighbours, weights = _neighbours(source, target, values.device, dtype)
        # One row a sample and one column a frame: a weighted sum of four rows is what
        # an embedding bag computes, faster than four gathers and their gradients.
        picked = torch.nn.functional.embedding_bag(
            neighbours,
            frames.to(dtype).T.contiguous(),
            per_sample_weights=weights,
            mode="sum",
        ).T
        if not values.dtype.is_floating_point:
            picked = (picked + 0.5).floor()
    out = frames.new_full((len(frames), target.shape[0] * target.shape[1]), outside)
    out = out.index_copy(1, pixel, picked.to(values.dtype))
    return out.reshape(*lead, *target.shape)


def _working_type(dtype: torch.dtype) -> torch.dtype:
    """Choose the float type that holds every value of a type."""
    narrow = {torch.uint8, torch.float16, torch.bfloat16, torch.float32}
    return torch.float32 if dtype in narrow else torch.float64


@lru_cache(maxsize=8)
def _places(
    source: PlanarGeometry, target: PlanarGeometry, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the table's pixels and nearest samples on a device, each (n,)."""
    table = sampling_table(source, target)
    pixel = torch.tensor(table.pixel, dtype=torch.int64, device=device)
    return pixel, torch.tensor(table.nearest, dtype=torch.int64, device=device)


@lru_cache(maxsize=8)
def _neighbours(
    source: PlanarGeometry,
    target: PlanarGeometry,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Put the four neighbours and their shares on a device, each (n, 4)."""
    table, columns = sampling_table(source, target), source.shape[1]
    u, v = table.row_weight, table.column_weight
    index = table.corner[:, None] + np.array([0, 1, columns, columns + 1])
    shares = [(1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v]
    return (
        torch.tensor(index, dtype=torch.int64, device=device),
        torch.tensor(np.stack(shares, axis=1), dtype=dtype, device=device),
    )
