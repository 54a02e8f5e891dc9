"""One recording as its store will hold it: arrays, and the manifest that names them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector, SectorVolume, Stream
from cardium.datasets._echoxflow.encoding import (
    TissueEncoding,
    encode_grey,
    encode_labels,
    encode_numbers,
    encode_times,
    encode_tissue,
    fenc_table,
)
from cardium.datasets._echoxflow.layout import (
    CONTENT,
    LINEAR_TISSUE,
    PATHS,
    RAW_TISSUE,
    TIMES,
)
from cardium.errors import GeometryError, InvalidArgumentError

FENC_TABLE = "data/tissue_doppler_fenc_table"
SPECTRA = ("pulsed_wave", "continuous_wave")
VOLUME = "b_mode_3d"
TISSUE = "tissue_doppler"
_GREY = frozenset(name for name in PATHS if name.startswith("b_mode"))
_ENCODINGS = {"linear": LINEAR_TISSUE, "raw": RAW_TISSUE}
_SEMANTIC_IDS: Mapping[str, str] = {"b_mode": "bmode"}


@dataclass(slots=True)
class Pack:
    """The arrays of one store, and what the manifest and the catalogue say of them.

    Parameters
    ----------
    arrays : dict
        By path in the store.
    array_attributes : dict
        Attributes of the arrays, by path.
    content : dict
        Content types of the arrays, by path.
    counts, steps : dict
        Number of samples in time, and their median step [s], by content type.
    manifest : dict
        Its lists and objects, which grow.
    kinds : set of {"2d", "3d", "strain"}
        What the recording is, together its ``manifest_type``.
    limits : dict [m/s]
        Velocity limits by content type.
    """

    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    array_attributes: dict[str, dict[str, Any]] = field(default_factory=dict)
    content: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    limits: dict[str, float] = field(default_factory=dict)

    def put(self, path: str, values: NDArray[Any], content: str = "") -> None:
        """Add an array; one path holds one array.

        Raises
        ------
        InvalidArgumentError
            If another array has the path.
        """
        if path in self.arrays:
            raise InvalidArgumentError(
                f"Two things of one recording are stored as '{path}'. Write one of "
                "them as a recording of its own."
            )
        self.arrays[path] = values
        self.content[path] = (content,) if content else ()
        self.array_attributes[path] = {"content_type": content} if content else {}

    def put_times(self, path: str, time: FloatArray, content: str = "") -> str:
        """Add times, or find that they are there already; return their path."""
        stored = encode_times(time, f"'{path}'")
        if path not in self.arrays:
            self.put(path, stored, content)
        elif not np.array_equal(self.arrays[path], stored):
            raise InvalidArgumentError(f"'{path}' would hold two different clocks.")
        return path

    def count(self, content: str, time: FloatArray) -> None:
        """Note the samples of a content type, and their median step."""
        self.counts[content] = len(time)
        if len(time) > 1:
            self.steps[content] = float(np.median(np.diff(time)))

    def listed(self, key: str) -> list[dict[str, Any]]:
        """Return a list of the manifest, to be added to."""
        found: list[dict[str, Any]] = self.manifest.setdefault(key, [])
        return found


def pack_streams(
    pack: Pack,
    streams: Mapping[str, Stream],
    *,
    tissue: TissueEncoding = "linear",
    predicted: bool = False,
) -> None:
    """Add what the machine recorded: images, spectra, ECG.

    Raises
    ------
    InvalidArgumentError
        If values, times or axes cannot be stored.
    GeometryError
        If a stream does not lie where the format can say it does.
    """
    order = [*PATHS]
    for name in sorted(streams, key=lambda n: order.index(n) if n in PATHS else 99):
        if name not in PATHS:
            _pack_other(pack, streams[name])
            continue
        stream, path = streams[name], PATHS[name]
        content = content_of(name, streams)
        pack.put(path, _encode(stream, tissue), content)
        times = pack.put_times(_clock(pack, stream), stream.time, content)
        if content or name == "ecg":
            pack.count(content or "ecg", stream.time)
        if content and stream.velocity_limit is not None:
            pack.limits[content] = stream.velocity_limit
        if name == "ecg":
            continue
        pack.kinds.add("3d" if name == VOLUME else "2d")
        if name in SPECTRA or name == "m_mode":
            pack.listed("tracks").append(_describe_track(stream, times))
            continue
        sector = describe_sector(stream, path, times, semantic_id_of(name, predicted))
        if name == "tissue_velocity" and tissue in _ENCODINGS:
            sector["storage_encoding"] = _ENCODINGS[tissue]
        if name == "tissue_velocity" and tissue == "raw":
            pack.put(FENC_TABLE, fenc_table(), content)
            table = reference(FENC_TABLE)
            sector["native_tdi_lookup_tables"] = {"fenc_lookup_table": table}
        pack.listed("sectors").append(sector)
        if name == VOLUME:
            pack.manifest["timelines"] = {"frame_timestamps": reference(times)}
    _note_spectrum(pack)


def pack_masks(pack: Pack, masks: Iterable[Stream]) -> None:
    """Add label maps, with the sectors they lie in."""
    for mask in masks:
        path = f"data/{mask.name}"
        pack.put(path, encode_labels(mask), "segmentation_mask")
        times = pack.put_times(f"timestamps/{mask.name}", mask.time)
        pack.array_attributes[path]["classes"] = list(mask.coords.get("label", ()))
        pack.kinds.add("3d" if isinstance(mask.geometry, SectorVolume) else "2d")
        pack.listed("sectors").append(describe_sector(mask, path, times, mask.name))


def describe_sector(
    stream: Stream, path: str, times: str, semantic_id: str
) -> dict[str, Any]:
    """Describe where and how a stream was sampled."""
    described: dict[str, Any] = {
        "semantic_id": semantic_id,
        "frames": reference(path),
        "timestamps": reference(times),
    }
    if stream.geometry is not None:
        described["geometry"] = describe_geometry(stream)
    if stream.velocity_limit is not None:
        limit = stream.velocity_limit
        described |= {"velocity_limit_mps": limit, "value_range": [-limit, limit]}
    return described


def describe_geometry(stream: Stream) -> dict[str, Any]:
    """Describe a sector or a fan in space by the format's names.

    Raises
    ------
    GeometryError
        If it is no beamspace, or a fan that is not centred or of the other convention.
    """
    match stream.geometry:
        case Sector(depth=depth, angle=angle, shape=shape, apex_offset=offset):
            return {
                "depth_start_m": depth[0] + offset,
                "depth_end_m": depth[1] + offset,
                "angle_start_rad": angle[0],
                "angle_end_rad": angle[1],
                "grid_shape": list(shape),
            }
        case SectorVolume(convention="spherical") as fan:
            ends = np.array([fan.azimuth, fan.elevation])
            if np.allclose(ends.sum(axis=1), 0, rtol=0, atol=1e-9):
                return {
                    "coordinate_system": "spherical_sector_3d",
                    "DepthStart": fan.depth[0],
                    "DepthEnd": fan.depth[1],
                    "Width": fan.azimuth[1] - fan.azimuth[0],
                    "ElevationWidth": fan.elevation[1] - fan.elevation[0],
                }
    raise GeometryError(
        f"Stream '{stream.name}' lies in {stream.geometry}. The format holds sectors, "
        "and fans of the 'spherical' convention that are centred on the z axis; "
        "resample it to one."
    )


def reference(path: str, **more: str) -> dict[str, str]:
    """Refer to an array by both names that the format knows."""
    return {"array_path": path, "zarr_path": path, "format": "zarr_array", **more}


def content_of(name: str, streams: Iterable[str]) -> str:
    """Name the content type of a stream; three planes are no biplane."""
    triplane = "b_mode_2" in streams and name in ("b_mode_0", "b_mode_1")
    return CONTENT.get("b_mode_2" if triplane else name, "")


def semantic_id_of(name: str, predicted: bool = False) -> str:
    """Name the sector of a stream."""
    if name == "tissue_velocity" and predicted:
        return f"predicted_{TISSUE}"
    return _SEMANTIC_IDS.get(name, PATHS[name].removeprefix("data/"))


def _clock(pack: Pack, stream: Stream) -> str:
    """Name the array of a stream's times; velocity and power may share theirs."""
    shared = TIMES[stream.name]
    there = pack.arrays.get(shared)
    if there is None or np.array_equal(there, stream.time.astype(np.float32)):
        return shared
    return PATHS[stream.name].replace("data/", "timestamps/")


def _encode(stream: Stream, tissue: TissueEncoding) -> NDArray[Any]:
    """Turn values into what the format stores for a stream."""
    if stream.name in _GREY:
        return encode_grey(stream)
    if stream.name == "tissue_velocity":
        return encode_tissue(stream, tissue)
    if stream.name == "colour_velocity" and stream.velocity_limit is None:
        raise InvalidArgumentError(
            "Stream 'colour_velocity' has no velocity limit, which the format demands."
        )
    return encode_numbers(stream)


def _pack_other(pack: Pack, stream: Stream) -> None:
    """Add a stream that the format has no name for, under its own."""
    if not re.fullmatch(r"[A-Za-z]\w*", stream.name, re.ASCII):
        raise InvalidArgumentError(
            f"Stream '{stream.name}': a name in the format is of letters, digits, '_'."
        )
    path = f"data/{stream.name}"
    pack.put(path, encode_numbers(stream))
    times = pack.put_times(f"timestamps/{stream.name}", stream.time)
    pack.kinds.add("2d")
    if stream.geometry is not None:
        sector = describe_sector(stream, path, times, stream.name)
        pack.listed("sectors").append(sector)


def _describe_track(stream: Stream, times: str) -> dict[str, Any]:
    """Describe a spectrum or an M-mode, with the places of its rows."""
    name = PATHS[stream.name].removeprefix("data/")
    track: dict[str, Any] = {
        "semantic_id": name,
        "kind": "matrix",
        "data": reference(PATHS[stream.name]),
        "timestamps": reference(times),
    }
    axis = "range" if stream.name == "m_mode" else "velocity"
    if axis not in stream.axes:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' states no places along '{axis}'. Give its axes."
        )
    places = np.asarray(stream.axes[axis], np.float64)
    steps = np.diff(places)
    if axis == "range":
        even = np.allclose(steps, steps.mean(), rtol=1e-3, atol=0)
        if len(steps) == 0 or steps.min() <= 0 or not even:
            raise InvalidArgumentError(
                "Stream 'm_mode': the format holds depths that ascend in equal steps."
            )
        return {**track, "depth_range_m": [places[0], places[-1]]}
    if len(steps) == 0 or steps.max() >= 0:
        raise InvalidArgumentError(
            f"Stream '{stream.name}': velocities must descend, the first row being the "
            "most positive."
        )
    limit = stream.velocity_limit or float(np.abs(places).max())
    zero = np.interp(0.0, places[::-1], np.arange(len(places))[::-1])
    spectrum = {"nyquist_mps": limit, "row_velocity_mps": places.tolist()}
    return {**track, **spectrum, "baseline_row": float(zero)}


def _note_spectrum(pack: Pack) -> None:
    """State the spectrum for the recording too, where there is only one."""
    spectra = [t for t in pack.manifest.get("tracks", ()) if "nyquist_mps" in t]
    if len(spectra) == 1:
        keys = ("nyquist_mps", "row_velocity_mps", "baseline_row")
        pack.manifest["spectral_metadata"] = {k: spectra[0][k] for k in keys}
