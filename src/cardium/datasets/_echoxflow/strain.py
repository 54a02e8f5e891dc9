"""EchoXFlow's strain recordings: panels that lead to the images they were drawn on."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.datasets._echoxflow.layout import LAYERS, PATHS
from cardium.datasets._echoxflow.store import (
    RecordingStore,
    first_of,
    object_of,
    objects,
    open_recording,
    path_of,
)
from cardium.datasets._echoxflow.streams import MODALITIES, open_stream
from cardium.errors import DataCorruptError
from cardium.io.zarr import DecodedArray

_CHAMBERS = re.compile(r"(?:apical_)?(two|three|four|[234])_?(?:ch|chamber)(?=_|$)")
_DIGITS = {"two": "2", "three": "3", "four": "4"}
_ENDINGS = re.compile(
    r"_(?:source|recording|contour_points|contour|strain_curve|curve|points)$"
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One view of a strain analysis, with the images that it was drawn on.

    Parameters
    ----------
    role : str
        The view: ``"4ch"``.
    strain : RecordingStore
        The analysis.
    images : RecordingStore
        The recording whose frames it was drawn on; it may be the same store.
    stated : mapping
        The panel in the analysis' manifest.
    """

    role: str
    strain: RecordingStore
    images: RecordingStore
    stated: Mapping[str, Any]

    def open_b_mode(self) -> Stream:
        """Open the images, with the geometry and the times that the panel states.

        What the panel leaves out is taken from the images' own store.
        """
        linked = object_of(self.stated.get("linked_recording"))
        frames = str(linked.get("frames_array_path") or PATHS["b_mode"])
        return open_stream(
            self.images,
            replace(MODALITIES["b_mode"], path=frames),
            geometry=self.stated.get("geometry"),
            time=self._frame_times(frames, linked),
        )

    def open_contour(self) -> Stream:
        """Open the contours: dims (time, layer, point, xz) in metres, NaN undefined.

        Stored points are ordered by row along the wall, then by layer.
        """
        path = f"data/{self.role}_contour"
        stored = self.strain.store.open_array(path)
        points = stored.shape[1] if len(stored.shape) == 3 else 0
        if not points or points % len(LAYERS) or stored.shape[2] != 2:
            raise DataCorruptError(
                f"{stored.where} has shape {stored.shape}, expected (time, rows times "
                f"{len(LAYERS)} layers, 2)."
            )
        return Stream(
            "lv_contour",
            DecodedArray(
                stored,
                partial(_split_layers, len(LAYERS)),
                np.float32,
                sample_shape=(len(LAYERS), points // len(LAYERS), 2),
            ),
            self.strain.load_times(self._contour_times(path), stored.shape[0]),
            ("time", "layer", "point", "xz"),
            "m",
            coords={"layer": LAYERS},
        )

    def _contour_times(self, contour: str) -> str:
        """Return the path of the contour's times: the annotation's, else by name."""
        for annotation in objects(self.strain.manifest.get("annotations")):
            stated = path_of(annotation.get("time"))
            if path_of(annotation.get("value")) == contour and stated:
                return stated
        return contour.replace("data/", "timestamps/", 1)

    def _frame_times(self, frames: str, linked: Mapping[str, Any]) -> FloatArray | None:
        """Read the times that the panel states; None where it states none.

        A reference that names no store leads to the analysis' own, if that has the
        array, and to the images' otherwise.
        """
        count = self.images.store.open_array(frames).shape[0]
        reference = object_of(self.stated.get("frame_timestamps"))
        path = path_of(reference)
        if path:
            own = path in self.strain.store and not reference.get("recording_zarr_path")
            return (self.strain if own else self.images).load_times(path, count)
        stated = str(linked.get("timestamps_array_path") or "")
        return self.images.load_times(stated, count) if stated else None


def open_panel(root: Path, strain: RecordingStore, role: str) -> Panel:
    """Open one view of a strain analysis and the recording it was drawn on.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    strain : RecordingStore
        The analysis.
    role : str
        The view: ``"4ch"``.

    Returns
    -------
    Panel
        The view; nothing but metadata is read.

    Raises
    ------
    DataCorruptError
        If the manifest does not have the panel, or it leads out of the root.
    DataMissingError
        If the store it leads to does not exist.
    """
    panels = objects(strain.manifest.get("linked_panels"))
    for stated in panels:
        if role_of(stated) == role:
            return Panel(role, strain, _open_images(root, strain, stated), stated)
    there = ", ".join(filter(None, map(role_of, panels))) or "none"
    raise DataCorruptError(
        f"Recording '{strain.recording}': its manifest has no panel '{role}', which "
        f"its contours need; it has: {there}."
    )


def role_of(panel: Mapping[str, Any]) -> str:
    """Return the view of a panel, by any of its keys and spellings.

    Examples
    --------
    >>> role_of({"role_id": "apical_four_chamber"}), role_of({"view_code": "2-CH"})
    ('4ch', '2ch')
    >>> role_of({"linked_recording": {"recording_id": "a/4ch_source.zarr"}})
    '4ch'
    """
    stated = first_of(panel, "role_id", "semantic_id", "view_code", "view")
    if stated:
        return _normal_role(str(stated))
    linked = object_of(panel.get("linked_recording"))
    for key in ("recording_id", "recording_zarr_path", "relative_zarr_path"):
        role = _normal_role(str(linked.get(key) or ""))
        if role in ("2ch", "3ch", "4ch"):
            return role
    return ""


def _normal_role(name: str) -> str:
    """Spell a role as the names of arrays do."""
    role = re.sub(r"[-\s]", "_", PurePosixPath(name).stem.lower())
    while (shorter := _ENDINGS.sub("", role)) != role:
        role = shorter
    if found := _CHAMBERS.fullmatch(role):
        return _DIGITS.get(found[1], found[1]) + "ch"
    return role


def _open_images(
    root: Path, strain: RecordingStore, panel: Mapping[str, Any]
) -> RecordingStore:
    """Open the store that a panel was drawn on."""
    linked = object_of(panel.get("linked_recording"))
    recording = str(linked.get("recording_id") or "")
    if linked.get("recording_zarr_path"):
        path = str(linked["recording_zarr_path"])
    elif linked.get("relative_zarr_path"):
        folder = str(strain.path.parent)
        path = posixpath.normpath(f"{folder}/{linked['relative_zarr_path']}")
    elif recording in ("", strain.recording):
        return strain
    else:
        raise DataCorruptError(
            f"Recording '{strain.recording}': a panel was drawn on '{recording}', but "
            "states no path to its store."
        )
    return open_recording(root, path, recording or path)


def _split_layers(layers: int, points: NDArray[Any]) -> NDArray[np.float32]:
    """Turn (time, rows times layers, 2) into (time, layer, row, 2)."""
    apart = points.reshape(len(points), -1, layers, 2)
    return apart.swapaxes(1, 2).astype(np.float32)
