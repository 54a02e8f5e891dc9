"""EchoXFlow's strain recordings: panels that lead to the images they were drawn on."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Array, FloatArray, Stream
from cardium.datasets._echoxflow.attributes import (
    object_of,
    objects,
    path_of,
    semantic_id,
    text_of,
)
from cardium.datasets._echoxflow.layout import LAYERS, LV_ROLES, PATHS, RV_LAYERS
from cardium.datasets._echoxflow.qrs import OpenStream, locate_panel_qrs, locate_qrs
from cardium.datasets._echoxflow.roles import curve_paths, normal_role
from cardium.datasets._echoxflow.store import RecordingStore, open_recording
from cardium.datasets._echoxflow.streams import (
    MODALITIES,
    decode_numbers,
    open_stream,
    open_values,
)
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.zarr import DecodedArray, ZarrArray


@dataclass(frozen=True)
class Panel:
    """One view of a strain analysis, with the images that it was drawn on.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    role : str
        The view: ``"4ch"``.
    strain : RecordingStore
        The analysis.
    stated : mapping, optional
        The panel in the analysis' manifest, if it has one.
    """

    root: Path
    role: str
    strain: RecordingStore
    stated: Mapping[str, Any] | None

    @cached_property
    def images(self) -> RecordingStore:
        """The recording whose frames it was drawn on; it may be the same store.

        Raises
        ------
        DataCorruptError
            If the manifest does not have the panel, or it leads out of the root.
        DataMissingError
            If the store it leads to does not exist.
        """
        return _open_images(self.root, self.strain, self._expect_stated())

    def open_b_mode(self) -> Stream:
        """Open the images, with the geometry and the times that the panel states.

        What the panel leaves out is taken from the images' own store.
        """
        stated = self._expect_stated()
        linked = object_of(stated.get("linked_recording"))
        frames = text_of(linked, "frames_array_path") or PATHS["b_mode"]
        return open_stream(
            self.images,
            replace(MODALITIES["b_mode"], path=frames.strip("/")),
            geometry=stated.get("geometry"),
            time=self._frame_times(frames, linked),
        )

    def open_ecg(self) -> Stream:
        """Open the ECG of the view, or else of its images, or of the analysis."""
        own = f"data/{self.role}_ecg"
        ecg = MODALITIES["ecg"]
        if own in self.strain.store:
            return open_stream(self.strain, replace(ecg, path=own))
        if self.stated is not None and ecg.path in self.images.store:
            return open_stream(self.images, ecg)
        return open_stream(self.strain, ecg)

    def locate_qrs(self) -> OpenStream | None:
        """Find the QRS times of the view in the analysis itself."""
        places = (
            partial(locate_qrs, self.strain, self.role),
            partial(locate_panel_qrs, self.strain, self.stated or {}),
            partial(locate_qrs, self.strain),
        )
        return next((found for find in places if (found := find()) is not None), None)

    def open_qrs(self) -> Stream:
        """Open the QRS times of the view, or else of its images."""
        found = self.locate_qrs() or locate_qrs(self.images)
        if found is None:
            raise DataMissingError(
                f"Recording '{self.strain.recording}' has no QRS times of "
                f"'{self.role}', nor have its images."
            )
        return found()

    def open_contour(self, name: str, chamber: str) -> Stream:
        """Open the contours: dims (time, layer, point, xz) in metres, NaN undefined.

        Stored points are ordered by row along the wall, then by layer. The ventricle
        on the left and the atrium have five layers, the ventricle on the right three.

        Parameters
        ----------
        name : str
            Name of the stream: ``"lv_contour"``.
        chamber : {"lv", "la", "rv", ""}
            Whose contours they are; if it is not known, their number says how many
            layers there are.
        """
        path = f"data/{self.role}_contour"
        stored = open_values(self.strain, path)
        points = stored.shape[1] if len(stored.shape) == 3 else 0
        layers = _layers_of(chamber, points)
        if not points or points % len(layers) or stored.shape[2] != 2:
            raise DataCorruptError(
                f"{stored.where} has shape {stored.shape}, expected (time, rows times "
                f"{len(layers)} layers, 2)."
            )
        values = decode_numbers(self.strain, stored, {})
        return Stream(
            name,
            DecodedArray(
                values,
                partial(_split_layers, len(layers)),
                np.float32,
                sample_shape=(len(layers), points // len(layers), 2),
            ),
            self._annotation_times(path, stored),
            ("time", "layer", "point", "xz"),
            "m",
            coords={"layer": layers},
        )

    def open_curve(self, name: str) -> Stream:
        """Open a strain curve in percent: (time,) or (time, segment).

        Time is the axis that is as long as the times, the first if both are.
        """
        path = next((p for p in self._curve_paths() if p in self.strain.store), "")
        if not path:
            raise DataMissingError(
                f"Recording '{self.strain.recording}' has no strain curve of "
                f"'{self.role}'; looked for {', '.join(curve_paths(self.role))}."
            )
        stored = open_values(self.strain, path, whole=False)
        time = self._annotation_times(path)
        values = decode_numbers(self.strain, stored, {})
        if stored.shape in ((len(time),), (len(time), *stored.shape[1:2])):
            dims = ("time", "segment")[: len(stored.shape)]
            return Stream(name, values, time, dims, "%")
        if len(stored.shape) == 2 and stored.shape[1] == len(time):
            return Stream(name, _Transposed(values), time, ("time", "segment"), "%")
        raise DataCorruptError(
            f"{stored.where} has shape {stored.shape}, but {len(time)} times."
        )

    def _curve_paths(self) -> Iterator[str]:
        """Yield the places that the curve may be at."""
        yield from curve_paths(self.role)
        for annotation in self.strain.listed("annotations"):
            target = object_of(annotation.get("target"))
            role, field = semantic_id(target), text_of(target, "field")
            if "curve" in field and role and normal_role(role) == self.role:
                yield path_of(annotation.get("value"))

    def _annotation_times(
        self, path: str, stored: ZarrArray | None = None
    ) -> FloatArray:
        """Read the times of an array: the annotation's, else by name."""
        count = None if stored is None else stored.shape[0]
        for annotation in self.strain.listed("annotations"):
            stated = path_of(annotation.get("time"))
            if path_of(annotation.get("value")) == path and stated:
                return self.strain.load_times(stated, count)
        return self.strain.load_times(path.replace("data/", "timestamps/", 1), count)

    def _frame_times(self, frames: str, linked: Mapping[str, Any]) -> FloatArray | None:
        """Read the times that the panel states; None where it states none.

        A reference that names no store leads to the analysis' own, if that has the
        array, and to the images' otherwise.
        """
        count = self.images.store.open_array(frames.strip("/")).shape[0]
        reference = object_of(self._expect_stated().get("frame_timestamps"))
        path = path_of(reference)
        if path:
            own = path in self.strain.store and not reference.get("recording_zarr_path")
            return (self.strain if own else self.images).load_times(path, count)
        stated = text_of(linked, "timestamps_array_path")
        return self.images.load_times(stated, count) if stated else None

    def _expect_stated(self) -> Mapping[str, Any]:
        """Return the panel of the manifest, or say that it has none."""
        if self.stated is not None:
            return self.stated
        panels = objects(self.strain.manifest.get("linked_panels"))
        there = ", ".join(filter(None, map(role_of, panels))) or "none"
        raise DataCorruptError(
            f"Recording '{self.strain.recording}': its manifest has no panel "
            f"'{self.role}', which leads to its images; it has: {there}."
        )


def open_panel(root: Path, strain: RecordingStore, role: str) -> Panel:
    """Open one view of a strain analysis; its images are opened when they are used.

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
    """
    panels = objects(strain.manifest.get("linked_panels"))
    stated = next((panel for panel in panels if role_of(panel) == role), None)
    return Panel(root, role, strain, stated)


def role_of(panel: Mapping[str, Any]) -> str:
    """Return the view of a panel, by any of its keys and spellings.

    Examples
    --------
    >>> role_of({"role_id": "apical_four_chamber"}), role_of({"view_code": "2-CH"})
    ('4ch', '2ch')
    >>> role_of({"linked_recording": {"recording_id": "a/4ch_source.zarr"}})
    '4ch'
    """
    stated = text_of(panel, "role_id", "semantic_id", "view_code", "view")
    if stated:
        return normal_role(stated)
    linked = object_of(panel.get("linked_recording"))
    for key in ("recording_id", "recording_zarr_path", "relative_zarr_path"):
        role = normal_role(text_of(linked, key))
        if role in LV_ROLES:
            return role
    return ""


class _Transposed:
    """A small array whose time is its second axis."""

    def __init__(self, source: Array) -> None:
        self._source = source
        self.shape: tuple[int, ...] = source.shape[::-1]
        self.dtype: np.dtype[Any] = source.dtype

    def __getitem__(self, time: slice) -> NDArray[Any]:
        return np.ascontiguousarray(self._source[:].T[time])


def _open_images(
    root: Path, strain: RecordingStore, panel: Mapping[str, Any]
) -> RecordingStore:
    """Open the store that a panel was drawn on."""
    linked = object_of(panel.get("linked_recording"))
    recording = text_of(linked, "recording_id")
    if path := text_of(linked, "recording_zarr_path"):
        pass
    elif relative := text_of(linked, "relative_zarr_path"):
        path = posixpath.normpath(f"{strain.path.parent}/{relative}")
    elif recording in ("", strain.recording):
        return strain
    else:
        raise DataCorruptError(
            f"Recording '{strain.recording}': a panel was drawn on '{recording}', but "
            "states no path to its store."
        )
    return open_recording(root, path, recording or path)


def _layers_of(chamber: str, points: int) -> tuple[str, ...]:
    """Name the layers of a contour, from the inside out."""
    if chamber:
        return RV_LAYERS if chamber == "rv" else LAYERS
    return RV_LAYERS if points % 3 == 0 and points % 5 else LAYERS


def _split_layers(layers: int, points: NDArray[Any]) -> NDArray[np.float32]:
    """Turn (time, rows times layers, 2) into (time, layer, row, 2)."""
    apart = points.reshape(len(points), -1, layers, 2)
    return apart.swapaxes(1, 2).astype(np.float32)
