"""Clips finished from what a pack stores, with few passes over memory.

An item is tens of megabytes, and what it costs is to write them: numbers that are
written only to be read once more, channels that are copied to be stacked, and fresh
memory, which the system has to clear. So a protocol that needs no more is finished here
straight from the codes, channels are decoded side by side, and large arrays are used
again when nobody holds them any more.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cardium.core import Field, Item, Protocol
from cardium.fit._pack_codes import decode, is_coded

_LARGE = 1 << 25  # bytes from which malloc asks the system for memory each time
_HELD = 24


@dataclass(frozen=True, slots=True)
class Coded:
    """A field of a clip as it is stored.

    Parameters
    ----------
    field : Field
        How.
    codes : array (n, ...)
        What is stored; not to be written to.
    scale : float
        What the largest code means.
    """

    field: Field
    codes: NDArray[Any]
    scale: float

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the prepared values."""
        return np.dtype(np.float32) if is_coded(self.field) else self.codes.dtype


Coding = Mapping[str, Coded]


class Memory:
    """Large arrays that are used again once nobody else holds them or a part of them.

    Examples
    --------
    >>> memory = Memory(least=0)
    >>> one = memory.empty((2, 3), np.float32)
    >>> part = one[0]
    >>> memory.empty((2, 3), np.float32) is one
    False
    >>> del one, part
    >>> len(memory), memory.empty((2, 3), np.float32).shape, len(memory)
    (2, (2, 3), 2)
    """

    def __init__(self, *, least: int = _LARGE) -> None:
        self._least = least
        self._held: list[NDArray[Any]] = [np.empty(0)]
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held) - 1

    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array that holds anything."""
        kind = np.dtype(dtype)
        if math.prod(shape) * kind.itemsize < self._least:
            return np.empty(shape, kind)
        with self._lock:
            held = self._held
            alone = sys.getrefcount(held[0])  # of an array that only the list holds
            for k in range(1, len(held)):
                alike = held[k].shape == shape and held[k].dtype == kind
                if alike and sys.getrefcount(held[k]) == alone:
                    return held[k]
            held.append(np.empty(shape, kind))
            del held[1:-_HELD]
            return held[-1]


def finish(protocol: Protocol, stored: Coding, memory: Memory) -> Item:
    """Make of a stored clip what a model sees and learns."""
    own = _AT_ONCE.get((protocol.name, protocol.task.name))
    return own(stored, memory) if own else protocol.finish(prepared(stored, memory))


def prepared(stored: Coding, memory: Memory) -> Item:
    """Turn a stored clip into what a protocol prepared.

    Fields that run alike along time, and are of one type, lie one after the other in
    one array: a protocol that stacks them need not copy.
    """
    groups: dict[tuple[str, tuple[int, ...], np.dtype[Any]], list[str]] = {}
    for name, coded in stored.items():
        key = coded.field.per, coded.codes.shape, coded.dtype
        groups.setdefault(key, []).append(name)
    item = dict[str, NDArray[Any]]()
    for (_, shape, dtype), names in groups.items():
        whole = memory.empty((len(names), *shape), dtype)
        for name, out in zip(names, whole, strict=True):
            item[name] = _decoded(stored[name], out)
    return {name: item[name] for name in stored}


def _decoded(coded: Coded, out: NDArray[Any]) -> NDArray[Any]:
    """Return a field as it was prepared."""
    decode(coded.field, coded.codes, coded.scale, out)
    return out.reshape(out.shape[1:]) if coded.field.per == "case" else out


def _tissue(stored: Coding, memory: Memory) -> Item:
    """Finish a published clip of tissue velocities: the codes are stretched."""
    from cardium.fit._pack_kernels import stretch_codes

    codes = stored["input"].codes
    grey = memory.empty(codes.shape, np.float32)
    stretch_codes(codes.reshape(-1), grey.reshape(-1))
    rest = {name: coded for name, coded in stored.items() if name != "input"}
    item = prepared(rest, memory)
    return {"input": grey[None], **item, "target": item["target"][None]}


# What `finish` of these protocols does, at once. Any other is finished by its own.
_AT_ONCE: Mapping[tuple[str, str], Callable[[Coding, Memory], Item]] = {
    ("published", "tissue_velocity"): _tissue,
}
