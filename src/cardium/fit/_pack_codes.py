"""Prepared arrays as they are packed: codes, and the number that gives them a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Clip, Field, Item
from cardium.errors import InvalidArgumentError

_STEPS = {"unit": 65535, "signed": 32767}
_CODES = {"unit": np.uint16, "signed": np.int16}


def count_of(field: Field, frames: int) -> int:
    """Say how many samples a field has in some frames that follow one another.

    Examples
    --------
    >>> [count_of(Field(per, "unit"), 33) for per in ("frame", "interval", "half")]
    [33, 32, 64]
    >>> count_of(Field("case", "float"), 33)
    1
    """
    intervals = frames - 1
    return {"frame": frames, "interval": intervals, "half": 2 * intervals, "case": 1}[
        field.per
    ]


def samples_of(field: Field, clip: Clip, start: int) -> slice:
    """Say which samples of frames that begin at `start` are those of a clip.

    Examples
    --------
    >>> samples_of(Field("half", "unit"), Clip(20, 53), 10)
    slice(20, 84, None)
    """
    first = clip.start - start
    step = {"frame": 1, "interval": 1, "half": 2, "case": 0}[field.per]
    return slice(
        step * first, step * first + count_of(field, clip.stop - clip.start), None
    )


def range_of(name: str, fields: Mapping[str, Field], item: Item) -> float:
    """Return the number that the largest code of a field means, if nothing is larger.

    Raises
    ------
    InvalidArgumentError
        If it is to be the velocity limit, and the item states none above zero.
    """
    if fields[name].store != "signed":
        return 1.0
    limit = item["limit"].item() if "limit" in item else None
    if limit is None or not limit > 0:
        raise InvalidArgumentError(
            f"Protocol: '{name}' is stored by the prepared 'limit', which is {limit}."
        )
    return float(limit)


def largest(field: Field, values: NDArray[Any]) -> float:
    """Return the largest magnitude of what is stored as codes; 0 for anything else.

    Raises
    ------
    InvalidArgumentError
        If a value is not finite, or is negative and may not be.
    """
    if field.store not in _STEPS or not values.size:
        return 0.0
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high) or (field.store == "unit" and low < 0):
        raise InvalidArgumentError(
            f"Protocol: values from {low:g} to {high:g} cannot be stored as "
            f"'{field.store}'."
        )
    return max(-low, high)


def encode(field: Field, values: NDArray[Any], scale: float) -> NDArray[Any]:
    """Turn prepared values into what is stored.

    Parameters
    ----------
    field : Field
        How they are stored.
    values : array (n, ...)
        Prepared.
    scale : float
        What the largest code means.

    Returns
    -------
    array (n, ...)
        uint16, int16, uint8 or bool, or float32.

    Examples
    --------
    >>> encode(Field("interval", "signed"), np.array([-0.3, 0.6]), 0.6)
    array([-16384,  32767], dtype=int16)
    """
    if field.store == "float":
        return np.asarray(values, np.float32)
    if field.store == "mask":
        kind = values.dtype if values.dtype == np.bool_ else np.uint8
        return np.asarray(values, kind)
    steps = _STEPS[field.store] / scale
    codes: NDArray[Any] = np.rint(values * steps).astype(_CODES[field.store])
    return codes


def is_coded(field: Field) -> bool:
    """Say whether a field is stored as codes of another type."""
    return field.store in _STEPS


def decode(
    field: Field, codes: NDArray[Any], scale: float, out: NDArray[Any]
) -> NDArray[Any]:
    """Turn what is stored into prepared values.

    Examples
    --------
    >>> codes = encode(Field("frame", "unit"), np.array([0.2, 1.0]), 1.0)
    >>> decode(Field("frame", "unit"), codes, 1.0, np.empty(2, np.float32))
    array([0.2, 1. ], dtype=float32)
    """
    if not is_coded(field):
        np.copyto(out, codes)
        return out
    from cardium.fit._pack_kernels import divide_codes

    divisor = np.float32(_STEPS[field.store] / scale)
    divide_codes(codes.reshape(-1), divisor, out.reshape(-1))
    return out


def stretches_of(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """Join clips that overlap, so that each stretch can be prepared as one.

    Clips that only touch are not joined: nobody asked for the interval between them.

    Examples
    --------
    >>> stretches_of([Clip(0, 33), Clip(40, 73), Clip(16, 49), Clip(73, 80)])
    (Clip(start=0, stop=73), Clip(start=73, stop=80))
    """
    joined: list[Clip] = []
    for clip in sorted(clips, key=lambda one: (one.start, one.stop)):
        if joined and clip.start < joined[-1].stop:
            last = joined.pop()
            clip = Clip(last.start, max(last.stop, clip.stop))
        joined.append(clip)
    return tuple(joined)


def blocks_of(clip: Clip, frames: int) -> tuple[Clip, ...]:
    """Cut a long stretch into blocks that share a frame: each interval is in one.

    Examples
    --------
    >>> blocks_of(Clip(10, 16), 2)
    (Clip(start=10, stop=13), Clip(start=12, stop=15), Clip(start=14, stop=16))
    """
    last = max(clip.stop - 1, clip.start + 1)
    return tuple(
        Clip(start, min(start + frames + 1, clip.stop))
        for start in range(clip.start, last, frames)
    )
