"""EchoXFlow's streams: codes become physical values when they are sliced.

To read another modality, add a row to `MODALITIES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Array, FloatArray, Geometry, Stream
from cardium.datasets._echoxflow.layout import PATHS
from cardium.datasets._echoxflow.sectors import read_limit, read_sector, read_volume
from cardium.datasets._echoxflow.spectra import TRACKS, read_depths, read_velocities
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.datasets._echoxflow.tissue import decode_tissue, expect_type
from cardium.errors import DataCorruptError
from cardium.io.zarr import DecodedArray, ZarrArray

_FLOAT32: np.dtype[Any] = np.dtype(np.float32)
_BEAMSPACE = ("time", "range", "beam")
_PLANES = ("time", "plane", "range", "beam")
_VOLUME = ("time", "elevation", "azimuth", "range")
_NOTHING: Mapping[str, FloatArray] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Places:
    """Where the samples of a stream lie, and the limit of its velocities."""

    geometry: Geometry | None = None
    axes: Mapping[str, FloatArray] = field(default_factory=lambda: _NOTHING)
    velocity_limit: float | None = None


@dataclass(frozen=True, slots=True)
class Modality:
    """One kind of stream: what cardium calls it, and where and how it is stored.

    Parameters
    ----------
    name : str
        Name of the stream.
    path : str
        Its array in the store.
    dims : tuple of tuple of str
        Its axes; several where arrays of several numbers of axes are found.
    unit : str
        Unit of the decoded values.
    decode : function (store, array, sector) -> array-like
        From the stored array to a lazy array of physical values.
    place : function (store, sector, shape) -> Places
        Where the samples lie.
    """

    name: str
    path: str
    dims: tuple[tuple[str, ...], ...]
    unit: str
    decode: Callable[[RecordingStore, ZarrArray, Mapping[str, Any]], Array]
    place: Callable[[RecordingStore, Mapping[str, Any], tuple[int, ...], str], Places]


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
    stored = open_values(opened, modality.path)
    dims = next((d for d in modality.dims if len(d) == len(stored.shape)), None)
    if dims is None:
        raise DataCorruptError(
            f"{stored.where} has shape {stored.shape}, expected the axes "
            f"{' or '.join(map(str, modality.dims))}."
        )
    sector = opened.find_sector(modality.path)
    if time is None:
        track = opened.find_track(modality.path, TRACKS.get(modality.name, ()))
        times = opened.find_times(modality.path, sector, track)
        time = opened.load_times(times, stored.shape[0])
    where = f"Recording '{opened.recording}', {modality.name}"
    if geometry is not None:
        sector = {**sector, "geometry": geometry}
    places = modality.place(opened, sector, stored.shape, where)
    return Stream(
        modality.name,
        modality.decode(opened, stored, sector),
        time,
        dims,
        modality.unit,
        geometry=places.geometry,
        velocity_limit=places.velocity_limit,
        axes=places.axes,
    )


def open_values(opened: RecordingStore, path: str, *, whole: bool = True) -> ZarrArray:
    """Open an array, and decide whether a chunk of it may have been left out.

    Writers of Zarr leave out chunks of nothing but the fill value. That is likely of a
    part of each image, or of a signal or a flow, and unlikely of images as a whole: a
    frame that is not there was lost.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    path : str
        The array.
    whole : bool
        Whether samples are images or outlines, of which none is constant.
    """
    stored = opened.store.open_array(path)
    flow = path in (PATHS["colour_velocity"], PATHS["colour_power"], PATHS["ecg"])
    in_parts = any(
        c < n for c, n in zip(stored.chunks[1:], stored.shape[1:], strict=True)
    )
    if flow or not whole or in_parts:
        return opened.store.open_array(path, sparse=True)
    return stored


def open_other(opened: RecordingStore, name: str) -> Stream:
    """Open an array that the format does not describe, as it is.

    Its axes are those of a sector that names it, or else have no names: ``axis_1`` ….

    Raises
    ------
    DataMissingError
        If the array or its times are not there.
    DataCorruptError
        If it does not hold numbers, or its times are wrong.
    """
    path = f"data/{name}"
    stored = open_values(opened, path, whole=False)
    sector = opened.find_sector(path)
    time = opened.load_times(opened.find_times(path, sector), stored.shape[0])
    dims = ("time", *(f"axis_{k}" for k in range(1, len(stored.shape))))
    where = f"Recording '{opened.recording}', {name}"
    geometry: Geometry | None = None
    if sector and len(stored.shape) == 3:
        geometry = read_sector(sector.get("geometry"), stored.shape, where)
        dims = _BEAMSPACE if geometry is not None else dims
    return Stream(
        name, decode_numbers(opened, stored, sector), time, dims, "", geometry=geometry
    )


def decode_numbers(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Take numbers as they are, as float32."""
    if stored.dtype.kind not in "fiub":
        raise DataCorruptError(f"{stored.where} is {stored.dtype}, expected numbers.")
    if stored.dtype == _FLOAT32:
        return stored
    return DecodedArray(stored, _as_float32, _FLOAT32)


def _decode_grey(
    opened: RecordingStore, stored: ZarrArray, sector: Mapping[str, Any]
) -> Array:
    """Take grey levels as they are; the format has no other type."""
    expect_type(stored, np.dtype(np.uint8))
    return stored


def _as_float32(values: NDArray[Any]) -> NDArray[Any]:
    """Convert numbers, whatever they were stored as."""
    return values.astype(np.float32)


def _in_sector(
    opened: RecordingStore,
    sector: Mapping[str, Any],
    shape: tuple[int, ...],
    where: str,
) -> Places:
    """Place images by their sector."""
    return Places(read_sector(sector.get("geometry"), shape, where))


def _with_limit(
    opened: RecordingStore,
    sector: Mapping[str, Any],
    shape: tuple[int, ...],
    where: str,
) -> Places:
    """Place velocities by their sector."""
    geometry = read_sector(sector.get("geometry"), shape, where)
    return Places(geometry, velocity_limit=read_limit(sector, where))


def _in_volume(
    opened: RecordingStore,
    sector: Mapping[str, Any],
    shape: tuple[int, ...],
    where: str,
) -> Places:
    """Place volumes by their fan."""
    return Places(read_volume(sector.get("geometry"), shape, where))


def _by_depth(
    opened: RecordingStore,
    sector: Mapping[str, Any],
    shape: tuple[int, ...],
    where: str,
) -> Places:
    """Place the rows of an M-mode."""
    depths = read_depths(opened, sector, shape[1])
    return Places() if depths is None else Places(axes={"range": depths})


def _by_velocity(
    name: str,
) -> Callable[[RecordingStore, Mapping[str, Any], tuple[int, ...], str], Places]:
    """Return what places the rows of a spectrum."""

    def place(
        opened: RecordingStore,
        sector: Mapping[str, Any],
        shape: tuple[int, ...],
        where: str,
    ) -> Places:
        velocities, limit = read_velocities(opened, name, shape[1])
        axes = _NOTHING if velocities is None else {"velocity": velocities}
        return Places(axes=axes, velocity_limit=limit)

    return place


def _nowhere(
    opened: RecordingStore,
    sector: Mapping[str, Any],
    shape: tuple[int, ...],
    where: str,
) -> Places:
    """Place nothing."""
    return Places()


_SPECTRUM = ("time", "velocity")
MODALITIES: Mapping[str, Modality] = {
    name: Modality(name, PATHS[name], dims, unit, decode, place)
    for name, dims, unit, decode, place in (
        ("b_mode", (_BEAMSPACE,), "grey", _decode_grey, _in_sector),
        ("b_mode_0", (_BEAMSPACE,), "grey", _decode_grey, _in_sector),
        ("b_mode_1", (_BEAMSPACE,), "grey", _decode_grey, _in_sector),
        ("b_mode_2", (_BEAMSPACE,), "grey", _decode_grey, _in_sector),
        ("b_mode_biplane", (_PLANES, _BEAMSPACE), "grey", _decode_grey, _in_sector),
        ("b_mode_triplane", (_PLANES, _BEAMSPACE), "grey", _decode_grey, _in_sector),
        ("b_mode_3d", (_VOLUME,), "grey", _decode_grey, _in_volume),
        ("m_mode", (("time", "range"),), "grey", decode_numbers, _by_depth),
        (
            "pulsed_wave",
            (_SPECTRUM,),
            "grey",
            decode_numbers,
            _by_velocity("pulsed_wave"),
        ),
        (
            "continuous_wave",
            (_SPECTRUM,),
            "grey",
            decode_numbers,
            _by_velocity("continuous_wave"),
        ),
        ("tissue_velocity", (_BEAMSPACE,), "m/s", decode_tissue, _with_limit),
        ("colour_velocity", (_BEAMSPACE,), "m/s", decode_numbers, _with_limit),
        ("colour_power", (_BEAMSPACE,), "", decode_numbers, _in_sector),
        ("ecg", (("time",),), "", decode_numbers, _nowhere),
    )
}
"""How each stream of `PATHS` is read."""
