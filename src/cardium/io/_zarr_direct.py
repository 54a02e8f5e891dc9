"""Chunks read straight from their files, where an array is stored in the plainest way.

Zarr reads each chunk through an event loop and a pipeline of codecs, which for a film
costs several times as much as reading and unpacking it. What is here reads arrays of
whole frames, one codec, C order and a folder; whatever else there is, or is not there,
or cannot be unpacked, is left to Zarr, whose errors are the only ones.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store
from zarr.codecs import BloscCodec, BytesCodec, Endian, GzipCodec, ZstdCodec
from zarr.core.metadata import ArrayV3Metadata
from zarr.storage import LocalStore, WrapperStore

_Unpack = Callable[[bytes], Any]
_FAILURES = (OSError, RuntimeError, ValueError, EOFError, MemoryError, zlib.error)
_BLOSC_HEADER = 16


@dataclass(frozen=True, slots=True)
class DirectChunks:
    """Where the chunks of an array lie, and how they are unpacked.

    Parameters
    ----------
    folder : Path
        The folder of the array.
    key : function (chunk index) -> str
        Name of a chunk's file in it.
    unpack : function (bytes) -> buffer
        Undo the codec.
    chunk : tuple of int
        Shape of a chunk: some whole frames.
    shape : tuple of int
        Shape of the array.
    dtype : dtype
        Type of a sample.
    """

    folder: Path
    key: Callable[[tuple[int, ...]], str]
    unpack: _Unpack
    chunk: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def read(self, time: slice) -> NDArray[Any] | None:
        """Read a slice of the first axis; None if Zarr must do it.

        Parameters
        ----------
        time : slice
            Of step 1.
        """
        start, stop, step = time.indices(self.shape[0])
        if step != 1 or stop <= start:
            return None
        try:
            return self._read(start, stop)
        except _FAILURES:
            return None

    def _read(self, start: int, stop: int) -> NDArray[Any]:
        """Read some frames; whatever is unusual raises."""
        frames, zeros = self.chunk[0], (0,) * (len(self.shape) - 1)
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        for number in range(start // frames, (stop - 1) // frames + 1):
            packed = (self.folder / self.key((number, *zeros))).read_bytes()
            chunk = np.frombuffer(self.unpack(packed), self.dtype).reshape(self.chunk)
            first = number * frames
            here, end = max(start, first), min(stop, first + frames)
            out[here - start : end - start] = chunk[here - first : end - first]
        return out


def find_chunks(array: zarr.Array[Any]) -> DirectChunks | None:
    """Say how the chunks of an array can be read directly; None if they cannot.

    Parameters
    ----------
    array : zarr.Array
        An opened array.

    Returns
    -------
    DirectChunks or None
        None unless it lies in a folder, in chunks of whole frames, in the order and
        the byte order of this machine, packed by one codec at most.
    """
    store: Store = array.store
    while isinstance(store, WrapperStore):
        store = store._store
    whole = tuple(array.chunks[1:]) == tuple(array.shape[1:])
    if not isinstance(store, LocalStore) or array.shards is not None or not whole:
        return None
    dtype = np.dtype(array.dtype)
    plain = dtype.kind in "fiub" and dtype.isnative and sys.byteorder == "little"
    unpack = _unpacking(array)
    if not plain or unpack is None or array.order != "C":
        return None
    return DirectChunks(
        Path(store.root) / array.path,
        array.metadata.encode_chunk_key,
        unpack,
        tuple(array.chunks),
        tuple(array.shape),
        dtype,
    )


def _unpacking(array: zarr.Array[Any]) -> _Unpack | None:
    """Return what undoes the one codec of an array; None if there are others."""
    import numcodecs  # type: ignore[import-untyped]

    if array.filters:
        return None
    codecs: tuple[Any, ...] = tuple(array.compressors)
    if isinstance(array.metadata, ArrayV3Metadata):
        first, *codecs_left = array.metadata.codecs
        if not isinstance(first, BytesCodec) or first.endian == Endian.big:
            return None
        codecs = tuple(codecs_left)
    if not codecs:
        return bytes
    if len(codecs) > 1:
        return None
    codec = codecs[0]
    if isinstance(codec, (numcodecs.Zstd, ZstdCodec)):
        unpack: _Unpack = numcodecs.Zstd().decode
        return unpack
    if isinstance(codec, (numcodecs.GZip, GzipCodec)):
        unpack = numcodecs.GZip().decode
        return unpack
    if isinstance(codec, (numcodecs.Blosc, BloscCodec)):
        return _unpack_blosc
    return None


def _unpack_blosc(packed: bytes) -> Any:  # noqa: ANN401 - a buffer
    """Unpack a chunk of Blosc, which decodes a truncated one to wrong numbers."""
    import numcodecs

    stated = int.from_bytes(packed[12:16], "little")
    if len(packed) < _BLOSC_HEADER or stated != len(packed):
        raise ValueError("a truncated chunk")
    return numcodecs.Blosc().decode(packed)
