"""Strain analyses and meshes as they are stored: drawn on images of another store."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from cardium.core import Gate, Mark, Recording, Sector, Stream
from cardium.datasets._echoxflow.encoding import encode_contour, encode_defined
from cardium.datasets._echoxflow.layout import (
    LA_STRAIN,
    LAYERS,
    LV_STRAIN,
    PATHS,
    ROLES,
    RV_LAYERS,
    RV_STRAIN,
    TIMES,
)
from cardium.datasets._echoxflow.pack import Pack, describe_geometry, reference
from cardium.errors import GeometryError, InvalidArgumentError

CHAMBERS: Mapping[str, tuple[str, str, int]] = {
    "lv": (LV_STRAIN, "left_ventricular_strain", len(LAYERS)),
    "la": (LA_STRAIN, "left_atrial_strain", len(LAYERS)),
    "rv": (RV_STRAIN, "right_ventricular_strain", len(RV_LAYERS)),
}
"""Content type, annotation type and number of layers of an analysis of a chamber."""


@dataclass(frozen=True, slots=True)
class Images:
    """The recording that an analysis was drawn on.

    Parameters
    ----------
    recording : str
        Its id.
    path : str
        Where its store lies under the dataset's root.
    frames, times : str
        Paths of the images and of their times in that store.
    """

    recording: str
    path: str
    frames: str = PATHS["b_mode"]
    times: str = TIMES["b_mode"]

    def describe(self, store: str) -> dict[str, str]:
        """Say where the images are, seen from another store of the dataset."""
        return {
            "recording_id": self.recording,
            "recording_zarr_path": self.path,
            "relative_zarr_path": posixpath.relpath(
                self.path, str(PurePosixPath(store).parent)
            ),
            "frames_array_path": self.frames,
            "timestamps_array_path": self.times,
        }


def chamber_of(view: Recording) -> str:
    """Name the chamber that a recording analyses; empty if it is no strain analysis.

    Raises
    ------
    InvalidArgumentError
        If it analyses several: their arrays would have one name.
    """
    found = [
        c for c in CHAMBERS if {f"{c}_contour", f"{c}_strain"} & {*view.annotations}
    ]
    if len(found) > 1:
        raise InvalidArgumentError(
            f"Recording '{view.entry.id}' analyses {' and '.join(found)}. The format "
            "holds one chamber a recording; write two."
        )
    return "".join(found)


def role_for(view: Recording, chamber: str) -> str:
    """Name the view of an analysis, after which its arrays are called.

    Raises
    ------
    InvalidArgumentError
        If neither the label ``view`` nor the end of the id says which it is.
    """
    stated = str(view.entry.labels.get("view") or "").lower()
    for role in (stated, view.entry.id.rpartition(".")[2], chamber):
        if role in ROLES and (role != "lv" or stated == "lv"):
            return role
    raise InvalidArgumentError(
        f"Recording '{view.entry.id}': a strain analysis needs the label 'view', one "
        f"of {', '.join(role.upper() for role in ROLES)}."
    )


def pack_view(
    pack: Pack, view: Recording, role: str, images: Images, store: str
) -> None:
    """Add the contours, curves and QRS times of one view, and its panel.

    Parameters
    ----------
    pack : Pack
        Is added to.
    view : Recording
        With ``lv_contour``, ``lv_strain`` or those of another chamber.
    role : str
        The view: ``"4ch"``.
    images : Images
        What it was drawn on.
    store : str
        Where the analysis itself will lie.
    """
    chamber = chamber_of(view)
    content, kind, _ = CHAMBERS[chamber]
    pack.kinds.add("strain")
    pack.manifest["annotation_type"] = kind
    panel: dict[str, Any] = {"role_id": role, "view_code": role}
    if "b_mode" in view.streams:
        panel["geometry"] = describe_geometry(view.streams["b_mode"])
    panel["frame_timestamps"] = reference(images.times, recording_zarr_path=images.path)
    panel["linked_recording"] = images.describe(store)
    if "qrs" in view.annotations:
        times = view.annotations["qrs"].time
        panel["linked_recording"]["ecg_qrs_trigger_times"] = times.tolist()
    pack.listed("linked_panels").append(panel)
    for what, field_name in (("contour", "contour_points"), ("strain", "strain_curve")):
        stream = view.annotations.get(f"{chamber}_{what}")
        if stream is None:
            continue
        name = f"{role}_{'curve' if what == 'strain' else what}"
        if what == "contour":
            _expect_layers(stream, chamber)
            pack.put(f"data/{name}", encode_contour(stream), content)
        else:
            pack.put(f"data/{name}", encode_defined(stream), content)
        times_path = pack.put_times(f"timestamps/{name}", stream.time, content)
        pack.count(content, stream.time)
        _annotate(pack, name, times_path, role, field_name)
    if "qrs" in view.annotations:
        pack_qrs(pack, view.annotations["qrs"], f"{role}_")
        name = f"{role}_ecg_qrs"
        _annotate(pack, name, f"timestamps/{name}", role, "ecg_qrs")


def pack_qrs(pack: Pack, qrs: Stream, prefix: str = "") -> None:
    """Add the times of the QRS complexes: markers in data/, times in timestamps/."""
    pack.put(f"data/{prefix}ecg_qrs", np.ones(len(qrs.time), np.float32))
    pack.put_times(f"timestamps/{prefix}ecg_qrs", qrs.time)
    if not prefix:
        metadata = pack.manifest.setdefault("metadata", {})
        metadata["qrs_trigger_times"] = qrs.time.tolist()


def describe_volume(images: Images, store: str) -> dict[str, str]:
    """Say which volume a mesh was drawn on."""
    return {**images.describe(store), "panel_role_id": "3d_brightness_mode"}


def from_apex(recording: Recording) -> Recording:
    """Move the origin to the apex of the fan, from which the format counts depths.

    A curved probe's depths count from its face, `Sector.apex_offset` below the apex.

    Raises
    ------
    GeometryError
        If the sectors of the recording have several offsets.
    """
    sectors = [s.geometry for s in recording.streams.values()]
    offsets = {g.apex_offset for g in sectors if isinstance(g, Sector)}
    if len(offsets) > 1:
        raise GeometryError(
            f"Recording '{recording.entry.id}' has sectors with the apex offsets "
            f"{sorted(offsets)}; the format has one apex. Resample them to one."
        )
    offset = offsets.pop() if offsets else 0.0
    if not offset:
        return recording
    annotations = {
        name: stream.with_values(stream.load() + np.array([0.0, offset]))
        if "xz" in stream.dims
        else stream
        for name, stream in recording.annotations.items()
    }
    return replace(
        recording,
        annotations=annotations,
        marks=tuple(_lower_mark(mark, offset) for mark in recording.marks),
        gates=tuple(_lower_gate(gate, offset) for gate in recording.gates),
    )


def _lower_mark(mark: Mark, offset: float) -> Mark:
    """Count the depth of a mark from the apex."""
    if mark.dims != ("x", "z"):
        return mark
    return replace(mark, points=mark.points + np.array([0.0, offset]))


def _lower_gate(gate: Gate, offset: float) -> Gate:
    """Count the depth of a gate from the apex."""
    return gate if gate.depth is None else replace(gate, depth=gate.depth + offset)


def _expect_layers(stream: Stream, chamber: str) -> None:
    """Refuse a contour of another number of layers than readers assume."""
    layers = CHAMBERS[chamber][2]
    if stream.dims != ("time", "layer", "point", "xz") or stream.shape[1] != layers:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has the axes {stream.dims} of size "
            f"{stream.shape}; the format holds (time, layer, point, xz) with {layers} "
            "layers."
        )


def _annotate(pack: Pack, name: str, times: str, role: str, field_name: str) -> None:
    """Add the annotation of an array of a panel."""
    kinds = {"contour_points": "contour", "strain_curve": "curve", "ecg_qrs": "qrs"}
    pack.listed("annotations").append(
        {
            "kind": kinds[field_name],
            "target": {
                "type": "linked_panel",
                "semantic_id": role,
                "field": field_name,
            },
            "time": reference(times),
            "value": reference(f"data/{name}"),
        }
    )
