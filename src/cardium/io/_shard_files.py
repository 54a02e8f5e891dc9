"""How frames lie in the files of a sharded Zarr array, and how a file is held to it."""

from __future__ import annotations

import math
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)

SHARD_BYTES = 1 << 25
"""How large a shard becomes, about."""

ABSENT = np.uint64(0xFFFFFFFFFFFFFFFF)
"""What the index says of a chunk that is not there."""

_CHUNK_BYTES = 1 << 16
_TYPES = ("bool", "uint8", "uint16", "int16", "float32")
_LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
_INDEX_CODECS = [_LITTLE, {"name": "crc32c"}]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the frames of an array are dealt to chunks and shards.

    Parameters
    ----------
    frame : tuple of int
        Shape of one frame; empty if it is one number.
    dtype : numpy.dtype
        Type of one number.
    chunk : int
        Frames in a chunk.
    chunks : int
        Chunks in a shard.

    Examples
    --------
    >>> Layout.of((256, 256), np.uint16)
    Layout(frame=(256, 256), dtype=dtype('uint16'), chunk=1, chunks=256)
    """

    frame: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: int
    chunks: int

    @classmethod
    def of(
        cls, frame: tuple[int, ...], dtype: DTypeLike, *, shard_bytes: int = SHARD_BYTES
    ) -> Layout:
        """Choose a layout: a frame a chunk, or as many as make 64 KiB.

        Raises
        ------
        InvalidArgumentError
            If frames hold nothing, or the type is none that is stored.
        """
        kind = np.dtype(dtype)
        if kind.name not in _TYPES or math.prod(frame) < 1:
            raise InvalidArgumentError(
                f"Frames of {frame} {kind} cannot be stored. They must hold something, "
                f"of type {', '.join(_TYPES)}."
            )
        size = math.prod(frame) * kind.itemsize
        chunk = max(1, _CHUNK_BYTES // size)
        return cls(tuple(frame), kind, chunk, max(1, shard_bytes // (chunk * size)))

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame."""
        return math.prod(self.frame) * self.dtype.itemsize

    @property
    def frames(self) -> int:
        """Frames in a shard."""
        return self.chunk * self.chunks

    @property
    def index_bytes(self) -> int:
        """Bytes of the index of a shard, with its checksum."""
        return 16 * self.chunks + 4

    def file(self, folder: Path, shard: int) -> Path:
        """Say which file holds a shard."""
        return folder.joinpath("c", str(shard), *["0"] * len(self.frame))


def read_shard(path: Path, layout: Layout, used: int) -> NDArray[Any]:
    """Map a shard and hold its index against the file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < layout.index_bytes:
                raise _broken(path, f"has {size} bytes, its index alone has more")
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError as error:
        raise DataMissingError(
            f"Shard '{path}' does not exist. Make the folder again."
        ) from error
    packed = held[size - layout.index_bytes : size - 4]
    if checksum(packed) != held[size - 4 :]:
        raise _broken(path, "has an index whose checksum is wrong: it was cut short")
    count, length = -(-used // layout.chunk), layout.chunk * layout.frame_bytes
    index = np.frombuffer(packed, "<u8").reshape(-1, 2)[:count]
    offset = index[:, 0]
    if (index == ABSENT).any():
        raise _broken(path, f"lacks {int((offset == ABSENT).sum())} of its chunks")
    room = size - layout.index_bytes - length
    if (index[:, 1] != length).any() or room < 0 or int(offset.max()) > room:
        raise _broken(path, f"has an index that {size} bytes do not go with")
    stored, frames = layout.dtype.newbyteorder("<"), (count * layout.chunk,)
    begin = int(offset[0])
    if (offset == begin + np.arange(count, dtype=np.uint64) * length).all():
        run = np.frombuffer(held, stored, math.prod((*frames, *layout.frame)), begin)
        return run.reshape(*frames, *layout.frame)[:used]
    chunks = [held[int(o) : int(o) + length] for o in offset]  # of another writer
    run = np.frombuffer(b"".join(chunks), stored)
    return run.reshape(*frames, *layout.frame)[:used]


def _broken(path: Path, what: str) -> DataCorruptError:
    """Say what is wrong with a shard."""
    return DataCorruptError(f"Shard '{path}' {what}. Make the folder again.")


def checksum(packed: bytes) -> bytes:
    """Return the CRC-32C of bytes as Zarr appends it."""
    import google_crc32c

    return int(google_crc32c.value(packed)).to_bytes(4, "little")


def describe(layout: Layout, length: int) -> dict[str, Any]:
    """Return the metadata of an array."""
    endian = layout.dtype.itemsize > 1
    sharding = {
        "chunk_shape": [layout.chunk, *layout.frame],
        "codecs": [_LITTLE if endian else {"name": "bytes"}],
        "index_codecs": _INDEX_CODECS,
        "index_location": "end",
    }
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [length, *layout.frame],
        "data_type": layout.dtype.name,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [layout.frames, *layout.frame]},
        },
        "chunk_key_encoding": {
            "name": "default",
            "configuration": {"separator": "/"},
        },
        "fill_value": False if layout.dtype == np.bool_ else 0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
        "attributes": {},
    }


def layout_of(about: Mapping[str, Any]) -> tuple[Layout, int]:
    """Read the layout of an array, and its length, from its metadata.

    Raises
    ------
    ValueError
        If it is stored otherwise than `describe` says.
    """
    length, *frame = (int(n) for n in about["shape"])
    chunk, *inner = about["codecs"][0]["configuration"]["chunk_shape"]
    shard, *outer = about["chunk_grid"]["configuration"]["chunk_shape"]
    kind = np.dtype(str(about["data_type"]))
    if kind.name not in _TYPES or chunk < 1 or shard % chunk:
        raise ValueError(f"{kind} in shards of {shard} frames by {chunk}")
    layout = Layout(tuple(frame), kind, int(chunk), int(shard // chunk))
    wanted = describe(layout, length)
    for key in ("chunk_grid", "chunk_key_encoding", "codecs"):
        if _plainly(about[key]) != _plainly(wanted[key]):
            raise ValueError(f"{key}: {about[key]}")
    if inner != frame or outer != frame:
        raise ValueError(f"chunks of {inner} and shards of {outer}")
    return layout, length


def _plainly(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Leave out what may be said or not: empty settings, the order of single bytes."""
    if isinstance(value, list):
        return [_plainly(v) for v in value]
    if not isinstance(value, dict):
        return value
    if value.get("name") == "bytes":
        return {"name": "bytes"}
    return {k: _plainly(v) for k, v in value.items() if v != {}}
