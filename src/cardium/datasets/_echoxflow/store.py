"""EchoXFlow's recording stores: the manifest, and what it says of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from cardium.core import FloatArray
from cardium.datasets._echoxflow.attributes import (
    number_of,
    object_of,
    objects,
    path_of,
    semantic_id,
)
from cardium.datasets._echoxflow.contents import times_by_name
from cardium.datasets._echoxflow.layout import CONTENT, PATHS
from cardium.datasets._files import inside
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.zarr import ZarrStore, open_store

_COLOUR = frozenset({"2d_color_doppler", "color_doppler"})
_ROLES: Mapping[str, frozenset[str]] = {
    PATHS["b_mode"]: frozenset({"bmode"}),
    PATHS["b_mode_3d"]: frozenset({"bmode", "3d_brightness_mode"}),
    PATHS["colour_velocity"]: _COLOUR | {"2d_color_doppler_velocity"},
    PATHS["colour_power"]: _COLOUR | {"2d_color_doppler_power"},
    PATHS["tissue_velocity"]: frozenset({"tissue_doppler", "predicted_tissue_doppler"}),
}
_CONTENT_OF = {PATHS[name]: content for name, content in CONTENT.items()}
_NUMBERS = "fiu"


@dataclass(frozen=True)
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

    @cached_property
    def documents(self) -> Sequence[Mapping[str, Any]]:
        """The manifest and the documents of older layouts, which say the same things.

        They are in the manifest's ``documents``, or in the attribute
        ``render_inputs``, at the root or under ``metadata``.
        """
        attributes = self.store.attributes
        places = (
            self.manifest.get("documents"),
            attributes.get("render_inputs"),
            object_of(attributes.get("metadata")).get("render_inputs"),
        )
        older = (
            object_of(item.get("document")) or item
            for place in places
            for item in objects(place)
        )
        return (self.manifest, *older)

    def listed(self, key: str) -> Iterable[Mapping[str, Any]]:
        """Yield the objects that all documents list under a key."""
        return (
            item for document in self.documents for item in objects(document.get(key))
        )

    def find_sector(self, array: str) -> Mapping[str, Any]:
        """Return the sector that an array was sampled in; empty if none is stated.

        A sector that names the array wins over one that fits by its semantic id,
        wherever it stands in the list. A volume's sector never fits a plane, nor one
        plane's another.
        """
        sectors = objects(self.manifest.get("sectors"))
        for sector in sectors:
            if path_of(sector.get("frames")) == array:
                return sector
        for sector in sectors:
            if _fits(sector, array):
                return sector
        return {}

    def find_track(self, array: str, names: Iterable[str]) -> Mapping[str, Any]:
        """Return the track of an array, by its data or by a semantic id; else empty."""
        tracks = [*self.listed("tracks")]
        for track in tracks:
            if path_of(track.get("data")) == array:
                return track
        known = frozenset(names)
        for track in tracks:
            if semantic_id(track).lower() in known and not path_of(track.get("data")):
                return track
        return {}

    def find_times(self, array: str, *stated: Mapping[str, Any]) -> str:
        """Return the path of an array's times, by the format's order of precedence.

        Parameters
        ----------
        array : str
            Path of the array.
        *stated : mapping
            Its sector, its track: what may refer to its times.

        Raises
        ------
        DataMissingError
            If none of the places it may be at exists.
        """
        places = [
            path_of(item.get("timestamps"))
            for item in stated
            if (path_of(item.get("frames")) or path_of(item.get("data"))) in ("", array)
        ]
        if array == PATHS["b_mode_3d"]:
            timelines = object_of(self.manifest.get("timelines"))
            places.append(path_of(timelines.get("frame_timestamps")))
        places += times_by_name(array)
        for place in places:
            if place and place in self.store:
                return place
        raise DataMissingError(
            f"Recording '{self.recording}': '{array}' has no times; looked for "
            f"{', '.join(dict.fromkeys(filter(None, places)))} in '{self.path}'."
        )

    def load_times(self, path: str, count: int | None = None) -> FloatArray:
        """Read times on the recording's clock [s], and hold them against the samples.

        Raises
        ------
        DataMissingError
            If there is no such array.
        DataCorruptError
            If they are too few or too many, not finite, or do not ascend.
        """
        return self.load_stored_times(path, count) - self.clock_start

    def load_stored_times(self, path: str, count: int | None = None) -> FloatArray:
        """Read times as they are stored [s]; otherwise as `load_times`."""
        stored = self.store.open_array(path, sparse=True)
        if count is not None and stored.shape != (count,):
            raise DataCorruptError(
                f"{stored.where} has shape {stored.shape}, but its data has {count} "
                f"samples (recording '{self.recording}'). Restore the store."
            )
        if stored.dtype.kind not in _NUMBERS:
            raise DataCorruptError(
                f"{stored.where} is {stored.dtype}, expected times in seconds "
                f"(recording '{self.recording}'). Restore the store."
            )
        return self.check_times(stored[:].astype(np.float64), stored.where)

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

    @property
    def origin(self) -> float | None:
        """The time of the volumes' origin on the stored clock [s], if it is stated."""
        where = f"Recording '{self.recording}', time_reference"
        return number_of(
            self._time_reference, where, "volume_time_origin_s", "origin_s"
        )

    @property
    def counts_qrs_from_origin(self) -> bool:
        """Whether the manifest's QRS times count from the volumes' origin already."""
        return self._time_reference.get("basis") == "relative_to_volume_origin"

    @cached_property
    def clock_start(self) -> float:
        """What the stored clock shows when the recording's clock begins [s].

        Zero but for volumes whose times begin at or after their origin: these count
        from there, and with them all that was recorded on the same clock.
        """
        array = PATHS["b_mode_3d"]
        if self.origin is None or array not in self.store:
            return 0.0
        times = self.find_times(array, self.find_sector(array))
        time = self.load_stored_times(times)
        return self.origin if len(time) and time[0] >= self.origin else 0.0

    @property
    def _time_reference(self) -> Mapping[str, Any]:
        """What the manifest says of the clock of volumes."""
        metadata = object_of(self.manifest.get("metadata"))
        return object_of(metadata.get("time_reference"))


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
            f"'{store.path}' is {manifest!r:.80}, expected an object. "
            "Restore the store."
        )
    return RecordingStore(recording, relative, store, manifest)


def _fits(sector: Mapping[str, Any], array: str) -> bool:
    """Say whether a sector that does not name an array is its own all the same."""
    frames, name = path_of(sector.get("frames")), semantic_id(sector)
    roles = _ROLES.get(array, frozenset())
    if frames in _CONTENT_OF and _CONTENT_OF[frames] != _CONTENT_OF.get(array):
        return False
    old = name.startswith("sector_") and "_b_mode" in name and array == PATHS["b_mode"]
    system = object_of(sector.get("geometry")).get("coordinate_system")
    volume = system == "spherical_sector_3d" or frames == PATHS["b_mode_3d"]
    named = name in roles and (
        name != "bmode" or volume == (array == PATHS["b_mode_3d"])
    )
    return named or (old and not volume)
