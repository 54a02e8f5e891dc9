"""Tissue Doppler of EchoXFlow: codes of two kinds become velocities when sliced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Array
from cardium.datasets._echoxflow.attributes import object_of, path_of
from cardium.datasets._echoxflow.layout import LINEAR_TISSUE, RAW_TISSUE
from cardium.datasets._echoxflow.sectors import read_limit
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.io.zarr import DecodedArray, ZarrArray

_FLOAT32: np.dtype[Any] = np.dtype(np.float32)
_CODES = 65536


def decode_tissue(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Decode tissue Doppler by its encoding; what cannot be decoded fails when read.

    The refusal waits for the values, so that the other streams can be read.

    Raises
    ------
    DataCorruptError
        If the velocity limit is no number, or the codes are not of their type.
    """
    encoding = sector.get("storage_encoding")
    if encoding is None and stored.dtype.kind == "f":
        return DecodedArray(stored, _as_float32, _FLOAT32)
    where = f"Recording '{opened.recording}', tissue_velocity"
    limit = read_limit(sector, where)
    if encoding not in (LINEAR_TISSUE, RAW_TISSUE):
        return _refused(
            stored,
            f"{where}: {stored.dtype} codes with the encoding {encoding!r:.80}; known "
            f"are {LINEAR_TISSUE}, {RAW_TISSUE} and none with floats.",
        )
    if limit is None:
        return _refused(
            stored,
            f"{where}: the store states no velocity limit, without which the codes "
            f"of {encoding} are no velocities.",
        )
    if encoding == LINEAR_TISSUE:
        expect_type(stored, np.dtype(np.uint8))
        decode = partial(_look_up, _linear_velocities(limit))
        return DecodedArray(stored, decode, _FLOAT32)
    expect_type(stored, np.dtype(np.uint16))
    return DecodedArray(stored, _RawVelocities(opened, sector, limit), _FLOAT32)


def expect_type(stored: ZarrArray, dtype: np.dtype[Any]) -> None:
    """Refuse an array of another type, whatever the order of its bytes."""
    if stored.dtype.newbyteorder("=") != dtype:
        raise DataCorruptError(f"{stored.where} is {stored.dtype}, expected {dtype}.")


class _RawVelocities:
    """Decode raw codes through the table in the store, which is read once, if ever."""

    def __init__(
        self, opened: RecordingStore, sector: Mapping[str, Any], limit: float
    ) -> None:
        self._opened = opened
        self._sector = sector
        self._limit = limit

    def __call__(self, codes: NDArray[Any]) -> NDArray[Any]:
        return _look_up(self._velocities, codes)

    @cached_property
    def _velocities(self) -> NDArray[np.float32]:
        """Return the velocity of each of the 65536 codes [m/s]."""
        native = object_of(self._sector.get("native_tdi_lookup_tables"))
        other = object_of(self._sector.get("tdi_tables"))
        path = path_of(native.get("fenc_lookup_table")) or path_of(
            other.get("fenc_table")
        )
        if not path:
            raise NotProvidedError(
                f"Recording '{self._opened.recording}', tissue_velocity: the sector "
                f"names no table to decode {RAW_TISSUE} with."
            )
        stored = self._opened.store.open_array(path)
        size = math.prod(stored.shape)
        if stored.dtype != np.uint8 or size < _CODES * 4 or size % 4:
            raise DataCorruptError(
                f"{stored.where} is {stored.dtype} {stored.shape}, expected at least "
                "65536 rows of 4 bytes."
            )
        column = stored[:].reshape(-1, 4)[:_CODES, 0].astype(np.int64)
        return _linear_velocities(self._limit)[255 - (column + 128) % 256]


def _linear_velocities(limit: float) -> NDArray[np.float32]:
    """Return the velocity of each 8-bit code, -limit for 0 and limit for 255 [m/s]."""
    return ((2 * np.arange(256) / 255 - 1) * limit).astype(np.float32)


def _look_up(table: NDArray[np.float32], codes: NDArray[Any]) -> NDArray[Any]:
    """Return the velocity of each code."""
    return np.take(table, codes)


def _as_float32(values: NDArray[Any]) -> NDArray[Any]:
    """Convert numbers, whatever they were stored as."""
    return values.astype(np.float32, copy=False)


def _refused(stored: ZarrArray, message: str) -> Array:
    """Return an array of the right shape that says why it cannot be read."""
    return DecodedArray(stored, partial(_refuse, message), _FLOAT32)


def _refuse(message: str, codes: NDArray[Any]) -> NDArray[Any]:
    """Say why a stream cannot be read."""
    raise NotProvidedError(message)
