"""EchoXFlow's streams: codes become physical values when they are sliced.

To read another modality, add a row to `MODALITIES`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Array, FloatArray, Sector, Stream
from cardium.datasets._echoxflow.layout import LINEAR_TISSUE, PATHS, RAW_TISSUE
from cardium.datasets._echoxflow.store import (
    RecordingStore,
    first_of,
    object_of,
    path_of,
)
from cardium.errors import DataCorruptError, GeometryError, NotProvidedError
from cardium.io.zarr import DecodedArray, ZarrArray

_FLOAT32: np.dtype[Any] = np.dtype(np.float32)
_BEAMSPACE = ("time", "range", "beam")
_TILT = ("tilt_rad", "Tilt", "Angle")
_WIDTH = ("width_rad", "Width")
_ANGLE_START = ("angle_start_rad", "AngleStart")


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of stream: what cardium calls it, and where and how it is stored.

    Parameters
    ----------
    name : str
        Name of the stream.
    path : str
        Its array in the store.
    dims : tuple of str
        Its axes.
    unit : str
        Unit of the decoded values.
    decode : function (store, array, sector) -> array-like
        From the stored array to a lazy array of physical values.
    """

    name: str
    path: str
    dims: tuple[str, ...]
    unit: str
    decode: Callable[[RecordingStore, ZarrArray, Mapping[str, Any]], Array]


def open_stream(
    opened: RecordingStore,
    modality: Modality,
    *,
    geometry: Mapping[str, Any] | None = None,
    time: FloatArray | None = None,
) -> Stream:
    """Open one stream of a recording; its values are read when sliced.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    modality : Modality
        Which stream.
    geometry : mapping, optional
        The stored geometry to use instead of the sector's.
    time : (T,) [s], optional
        The times to use instead of the store's.

    Returns
    -------
    Stream
        With the sector's geometry and velocity limit, where it states them.

    Raises
    ------
    DataMissingError
        If the array or its times are not there.
    DataCorruptError
        If the array or its times are not what the format says.
    GeometryError
        If the geometry contradicts itself.
    """
    stored = opened.store.open_array(modality.path)
    if len(stored.shape) != len(modality.dims):
        raise DataCorruptError(
            f"{stored.where} has shape {stored.shape}, expected the axes "
            f"{modality.dims}."
        )
    sector = opened.find_sector(modality.path)
    if time is None:
        times = opened.find_times(modality.path, sector)
        time = opened.load_times(times, stored.shape[0])
    where = f"Recording '{opened.recording}', {modality.name}"
    stated = sector.get("geometry") if geometry is None else geometry
    return Stream(
        modality.name,
        modality.decode(opened, stored, sector),
        time,
        modality.dims,
        modality.unit,
        geometry=_read_geometry(stated, stored.shape, where),
        velocity_limit=_velocity_limit(sector, where)
        if modality.unit == "m/s"
        else None,
    )


def _read_geometry(stated: object, shape: tuple[int, ...], where: str) -> Sector | None:
    """Build the sector that a stored geometry describes, by any of its names."""
    if stated is None:
        return None
    if not isinstance(stated, Mapping):
        raise GeometryError(f"{where}: the geometry is {stated!r}, expected an object.")
    depth = (
        _number(stated, where, "depth_start_m", "DepthStart"),
        _number(stated, where, "depth_end_m", "DepthEnd"),
    )
    try:
        return Sector(depth, _read_angles(stated, where), (shape[-2], shape[-1]))
    except GeometryError as error:
        raise GeometryError(f"{where}: {error}") from error


def _read_angles(stated: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Return the first and last angle, stated as such or as a centre and a width."""
    if first_of(stated, *_WIDTH) is None or first_of(stated, *_ANGLE_START) is not None:
        return (
            _number(stated, where, *_ANGLE_START),
            _number(stated, where, "angle_end_rad", "AngleEnd"),
        )
    untilted = first_of(stated, *_TILT) is None
    tilt = 0.0 if untilted else _number(stated, where, *_TILT)
    half = _number(stated, where, *_WIDTH) / 2
    return tilt - half, tilt + half


def _number(item: Mapping[str, Any], where: str, *names: str) -> float:
    """Return a finite number by any of its names."""
    value = first_of(item, *names)
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise GeometryError(
            f"{where}: the geometry's {' or '.join(names)} is {value!r}, "
            "expected a number."
        )
    return float(value)


def _velocity_limit(sector: Mapping[str, Any], where: str) -> float | None:
    """Return the Nyquist limit that a sector states [m/s]; None if it states none."""
    value = first_of(sector, "velocity_limit_mps", "velocity_scale_mps")
    if value is None:
        return None
    if not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise DataCorruptError(
            f"{where}: the velocity limit is {value!r}, expected a positive number in "
            "m/s."
        )
    return float(value)


def _grey(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Take grey levels as they are; the format has no other type."""
    _expect_type(stored, np.dtype(np.uint8))
    return stored


def _number_as_stored(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Take numbers as they are, as float32."""
    if stored.dtype == _FLOAT32:
        return stored
    return DecodedArray(stored, _as_float32, _FLOAT32)


def _tissue_velocity(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Decode tissue Doppler by its encoding; what cannot be decoded fails when read.

    The refusal waits for the values, so that the other streams can be read.
    """
    encoding = sector.get("storage_encoding")
    if encoding is None and stored.dtype.kind == "f":
        return _number_as_stored(opened, stored, sector)
    where = f"Recording '{opened.recording}', tissue_velocity"
    limit = _velocity_limit(sector, where)
    if encoding not in (LINEAR_TISSUE, RAW_TISSUE):
        return _refused(
            stored,
            f"{where}: {stored.dtype} codes with the encoding {encoding!r}; known are "
            f"{LINEAR_TISSUE}, {RAW_TISSUE} and none with floats.",
        )
    if limit is None:
        return _refused(
            stored,
            f"{where}: the store states no velocity limit, without which the codes "
            f"of {encoding} are no velocities.",
        )
    if encoding == LINEAR_TISSUE:
        _expect_type(stored, np.dtype(np.uint8))
        decode = partial(_look_up, _linear_velocities(limit))
        return DecodedArray(stored, decode, _FLOAT32)
    _expect_type(stored, np.dtype(np.uint16))
    return DecodedArray(stored, _RawVelocities(opened, sector, limit), _FLOAT32)


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
        if stored.dtype != np.uint8 or math.prod(stored.shape) < 65536 * 4:
            raise DataCorruptError(
                f"{stored.where} is {stored.dtype} {stored.shape}, expected at least "
                "65536 rows of 4 bytes."
            )
        column = stored[:].reshape(-1, 4)[:65536, 0].astype(np.int64)
        return _linear_velocities(self._limit)[255 - (column + 128) % 256]


def _linear_velocities(limit: float) -> NDArray[np.float32]:
    """Return the velocity of each 8-bit code, -limit for 0 and limit for 255 [m/s]."""
    return ((2 * np.arange(256) / 255 - 1) * limit).astype(np.float32)


def _look_up(table: NDArray[np.float32], codes: NDArray[Any]) -> NDArray[Any]:
    """Return the velocity of each code."""
    return np.take(table, codes)


def _as_float32(values: NDArray[Any]) -> NDArray[Any]:
    """Convert numbers, whatever they were stored as."""
    return values.astype(np.float32)


def _refused(stored: ZarrArray, message: str) -> Array:
    """Return an array of the right shape that says why it cannot be read."""
    return DecodedArray(stored, partial(_refuse, message), _FLOAT32)


def _refuse(message: str, codes: NDArray[Any]) -> NDArray[Any]:
    """Say why a stream cannot be read."""
    raise NotProvidedError(message)


def _expect_type(stored: ZarrArray, dtype: np.dtype[Any]) -> None:
    """Refuse an array of another type."""
    if stored.dtype != dtype:
        raise DataCorruptError(f"{stored.where} is {stored.dtype}, expected {dtype}.")


MODALITIES: Mapping[str, Modality] = {
    name: Modality(name, PATHS[name], dims, unit, decode)
    for name, dims, unit, decode in (
        ("b_mode", _BEAMSPACE, "grey", _grey),
        ("tissue_velocity", _BEAMSPACE, "m/s", _tissue_velocity),
        ("colour_velocity", _BEAMSPACE, "m/s", _number_as_stored),
        ("colour_power", _BEAMSPACE, "", _number_as_stored),
        ("ecg", ("time",), "", _number_as_stored),
    )
}
