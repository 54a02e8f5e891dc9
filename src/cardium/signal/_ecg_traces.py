"""What filters share: columns without gaps, and gaps put back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError

Filter = Callable[[FloatArray], FloatArray]


def filtered(stream: Stream, work: Filter) -> Stream:
    """Filter a stream along time, (T, N) at once; gaps are bridged and put back."""
    values = np.asarray(stream.load())
    kind = values.dtype if values.dtype == np.float64 else np.dtype(np.float32)
    if not values.size:
        return stream.with_values(values.astype(kind))
    columns = values.reshape(len(values), -1).astype(np.float64)
    missing = ~np.isfinite(columns)
    bridge(columns, missing)
    out = work(columns)
    out[missing] = np.nan
    return stream.with_values(out.reshape(values.shape).astype(kind))


def bridge(columns: FloatArray, missing: NDArray[np.bool_]) -> None:
    """Fill gaps of columns (T, N) by straight lines, in place; empty ones by 0."""
    for k in np.flatnonzero(missing.any(axis=0)):
        gap = missing[:, k]
        there = np.flatnonzero(~gap)
        filled = (
            np.interp(np.flatnonzero(gap), there, columns[there, k])
            if len(there)
            else 0.0
        )
        columns[gap, k] = filled


def steady_rate(stream: Stream, purpose: str) -> float:
    """Return the rate of a stream whose samples are evenly spaced [Hz]."""
    rate = stream.rate
    if len(stream.time) < 2:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has {len(stream.time)} samples; {purpose} needs "
            "two at least."
        )
    longest = float(np.diff(stream.time).max())
    if longest * rate > _UNEVEN:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has {rate:g} samples a second but a gap of "
            f"{longest:.3g} s; {purpose} needs evenly spaced samples. Cut it there, or "
            "fill the gap with NaN."
        )
    return rate


_UNEVEN = 1.5
