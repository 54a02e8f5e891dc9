"""EchoXFlow's recording stores: the manifest, and what it says of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.datasets._echoxflow.layout import PATHS
from cardium.datasets._files import inside
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.zarr import ZarrStore, open_store

_COLOUR = frozenset({"2d_color_doppler", "color_doppler"})
_ROLES: Mapping[str, frozenset[str]] = {
    PATHS["b_mode"]: frozenset({"bmode"}),
    PATHS["colour_velocity"]: _COLOUR | {"2d_color_doppler_velocity"},
    PATHS["colour_power"]: _COLOUR | {"2d_color_doppler_power"},
    PATHS["tissue_velocity"]: frozenset({"tissue_doppler", "predicted_tissue_doppler"}),
}


@dataclass(frozen=True, slots=True)
class RecordingStore:
    """The opened store of one recording.

    Parameters
    ----------
    recording : str
        The recording's id, for messages.
    path : PurePosixPath
        Where the store lies under the dataset's root.
    store : ZarrStore
        Its arrays.
    manifest : mapping
        Its ``recording_manifest``.
    """

    recording: str
    path: PurePosixPath
    store: ZarrStore
    manifest: Mapping[str, Any]

    def find_sector(self, array: str) -> Mapping[str, Any]:
        """Return the sector that an array was sampled in; empty if none is stated.

        A sector that names the array wins over one that fits by its semantic id,
        wherever it stands in the list; a volume's sector never fits a plane.
        """
        sectors = objects(self.manifest.get("sectors"))
        for sector in sectors:
            if path_of(sector.get("frames")) == array:
                return sector
        roles = _ROLES.get(array, frozenset())
        for sector in sectors:
            if _fits(semantic_id(sector), roles) and not _is_volume(sector):
                return sector
        return {}

    def find_times(self, array: str, sector: Mapping[str, Any]) -> str:
        """Return the path of an array's times, by the format's order of precedence.

        Raises
        ------
        DataMissingError
            If none of the places it may be at exists.
        """
        name = array.removeprefix("data/")
        shared = name.removesuffix("_velocity").removesuffix("_power")
        places = [f"timestamps/{name}", f"timestamps/{shared}"]
        if path_of(sector.get("frames")) in ("", array):
            places.insert(0, path_of(sector.get("timestamps")))
        for place in places:
            if place and place in self.store:
                return place
        raise DataMissingError(
            f"Recording '{self.recording}': '{array}' has no times; looked for "
            f"{', '.join(dict.fromkeys(filter(None, places)))} in '{self.store.path}'."
        )

    def load_times(self, path: str, count: int | None = None) -> FloatArray:
        """Read times [s], and hold them against the number of samples, if given.

        Raises
        ------
        DataMissingError
            If there is no such array.
        DataCorruptError
            If they are too few or too many, not finite, or do not ascend.
        """
        stored = self.store.open_array(path)
        if count is not None and stored.shape != (count,):
            raise DataCorruptError(
                f"{stored.where} has shape {stored.shape}, but its data has {count} "
                f"samples (recording '{self.recording}'). Restore the store."
            )
        return self.check_times(np.asarray(stored[:], np.float64), stored.where)

    def check_times(self, time: FloatArray, what: str) -> FloatArray:
        """Return times that are finite and ascend, and refuse others."""
        if time.ndim != 1 or not np.isfinite(time).all():
            raise DataCorruptError(
                f"{what} holds times that are not finite (recording "
                f"'{self.recording}'). Restore the store."
            )
        back = np.flatnonzero(np.diff(time) <= 0)
        if len(back):
            first = int(back[0])
            raise DataCorruptError(
                f"{what} does not ascend: {time[first]:.6f} s is followed by "
                f"{time[first + 1]:.6f} s at sample {first + 1} (recording "
                f"'{self.recording}'). Restore the store."
            )
        return time


def open_recording(
    root: Path, path: str | PurePosixPath, recording: str
) -> RecordingStore:
    """Open the store of a recording by its path under the dataset's root.

    Raises
    ------
    DataMissingError
        If it does not exist.
    DataCorruptError
        If it is no Zarr group, has no manifest, or its path leads out of the root.
    """
    relative = inside(path)
    store = open_store(root / relative)
    manifest = store.attributes.get("recording_manifest")
    if not isinstance(manifest, Mapping):
        raise DataCorruptError(
            f"Recording '{recording}': the attribute 'recording_manifest' of "
            f"'{store.path}' is {manifest!r}, expected an object. Restore the store."
        )
    return RecordingStore(recording, relative, store, manifest)


def open_qrs(opened: RecordingStore, prefix: str = "") -> Stream | None:
    """Read the times of the QRS complexes, as a stream whose values are its times [s].

    They are in ``timestamps/<prefix>ecg_qrs`` or, without that array, in ``data/``,
    or, for a recording as a whole, in the manifest; None where they are nowhere.
    """
    for folder in ("timestamps", "data"):
        path = f"{folder}/{prefix}ecg_qrs"
        if path in opened.store:
            return _qrs_stream(opened.load_times(path))
    stated = object_of(opened.manifest.get("metadata")).get("qrs_trigger_times")
    if prefix or not stated:
        return None
    what = f"'{opened.store.path}', qrs_trigger_times"
    try:
        time = np.asarray(stated, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataCorruptError(f"{what}: {stated!r} are no times.") from error
    return _qrs_stream(opened.check_times(time, what))


def path_of(reference: object) -> str:
    """Return the path of a reference to an array; empty if it is none."""
    found = first_of(object_of(reference), "array_path", "zarr_path", "path")
    return str(found or "").strip("/")


def semantic_id(item: Mapping[str, Any]) -> str:
    """Return the semantic id of a sector, whatever the key is called."""
    return str(first_of(item, "semantic_id", "sector_role_id", "track_role_id") or "")


def first_of(item: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - JSON
    """Return the first value there is among the aliases of a key, or None."""
    return next((item[n] for n in names if item.get(n) is not None), None)


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object in the manifest; empty if there is none."""
    return value if isinstance(value, Mapping) else {}


def objects(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list in the manifest; empty if there is no list."""
    listed = value if isinstance(value, list) else []
    return [item for item in listed if isinstance(item, Mapping)]


def _fits(name: str, roles: frozenset[str]) -> bool:
    """Say whether a sector's semantic id is one of an array's, or an old name of it."""
    old = name.startswith("sector_") and "_b_mode" in name
    return name in roles or (old and "bmode" in roles)


def _is_volume(sector: Mapping[str, Any]) -> bool:
    """Say whether a sector is the fan of a volume."""
    system = object_of(sector.get("geometry")).get("coordinate_system")
    frames = path_of(sector.get("frames"))
    return system == "spherical_sector_3d" or frames == "data/3d_brightness_mode"


def _qrs_stream(time: FloatArray) -> Stream:
    """Make the stream of QRS times."""
    return Stream("qrs", time, time, ("time",), "s")
