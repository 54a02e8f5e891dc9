"""Marks, gates and meshes as a store holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from cardium.core import Gate, Mark, Mesh
from cardium.datasets._echoxflow.encoding import encode_mesh
from cardium.datasets._echoxflow.layout import MESH, PATHS
from cardium.datasets._echoxflow.pack import TISSUE, Pack, reference, semantic_id_of
from cardium.errors import InvalidArgumentError, UnknownNameError

_GATE_KEYS = {
    "pulsed_wave": "sampling_gate_metadata",
    "continuous_wave": "sampling_line_metadata",
    "m_mode": "cursor_line_metadata",
}


def pack_marks(pack: Pack, marks: Sequence[Mark]) -> None:
    """Add landmarks, calipers and traces."""
    for number, mark in enumerate(marks):
        name = PATHS.get(mark.on, "data/").removeprefix("data/")
        if not name or ("time" in mark.dims) != name.startswith("1d_"):
            raise InvalidArgumentError(
                f"Mark '{mark.label}' on '{mark.on}' with the axes {mark.dims} has no "
                "place in the format: (x, z) on images, (time, velocity) on spectra, "
                "(time, range) on an M-mode."
            )
        on_image = mark.dims == ("x", "z")
        what = "bmode" if mark.on == "b_mode" else name
        label = re.sub(r"\W+", "_", mark.label).strip("_").lower() or "mark"
        stem = f"{what}_overlay_physical_points_{number:02d}"
        if not on_image:
            stem = f"{name}_annotation_{label}"
            stem += f"_{number:02d}" if f"data/{stem}" in pack.arrays else ""
        _pack_mark(pack, mark, stem, name if not on_image else semantic_id_of(mark.on))


def pack_gates(pack: Pack, gates: Sequence[Gate]) -> None:
    """Add sample volumes and cursor lines."""
    for gate in gates:
        stated = {
            "gate_tilt_rad": gate.angle,
            "gate_center_depth_m": gate.depth,
            "gate_sample_volume_m": gate.length,
        }
        stated = {k: v for k, v in stated.items() if v is not None}
        key = _GATE_KEYS.get(gate.on)
        if gate.on == "tissue_velocity":
            kind = {"kind": "tissue_doppler_gate", "sector_semantic_id": TISSUE}
            track = {
                "semantic_id": "tissue_doppler_gate",
                "derived_from": kind | stated,
            }
            pack.listed("tracks").append(track)
        elif key is not None and key not in pack.manifest:
            pack.manifest[key] = stated
        else:
            raise InvalidArgumentError(
                f"Gate on '{gate.on}' has no place in the format, which has one each "
                f"on tissue_velocity, {', '.join(_GATE_KEYS)}."
            )


def pack_mesh(pack: Pack, meshes: Mapping[str, Mesh]) -> None:
    """Add the surface of the left ventricle, the only one that the format has."""
    for name in meshes.keys() - {"lv_mesh"}:
        raise UnknownNameError("EchoXFlow mesh", name, ["lv_mesh"])
    for mesh in meshes.values():
        for path, values in encode_mesh(mesh).items():
            pack.put(path, values)
        times = pack.put_times(MESH.replace("data/", "timestamps/"), mesh.time)
        pack.count(MESH.removeprefix("data/"), mesh.time)
        pack.kinds.add("3d")
        group = {"array_path": MESH, "zarr_path": MESH, "format": "zarr_group"}
        sequence = {"semantic_id": "lv", "mesh_key": "LV", "mesh_data": group}
        sequence["timestamps"] = reference(times)
        pack.listed("linked_mesh_sequences").append(sequence)
        target = {"type": "linked_mesh_sequence", "semantic_id": "lv"}
        pack.listed("annotations").append(
            {
                "kind": "mesh",
                "label": "LV",
                "target": {**target, "field": "mesh_data"},
                "time": reference(times),
                "value": group,
            }
        )


def _pack_mark(pack: Pack, mark: Mark, stem: str, semantic_id: str) -> None:
    """Add the points of one mark, and the annotation that explains them."""
    path = f"data/{stem}"
    pack.put(path, np.asarray(mark.points).astype(np.float32))
    on_image = mark.dims == ("x", "z")
    kind = "physical_geometry" if on_image else "scatter"
    unit = {} if on_image else {"y_unit": "m/s" if "velocity" in mark.dims else "m"}
    annotation = {
        "kind": kind,
        "label": mark.label,
        "target": {
            "type": "sector" if on_image else "track",
            "semantic_id": semantic_id,
            "field": "point_coordinates" if on_image else "trace_points",
        },
        "value": reference(path),
        "links": {"geometry_kind": "physical_point"} if on_image else {},
        **unit,
    }
    pack.array_attributes[path] |= unit
    if mark.time is not None:
        times = pack.put_times(f"timestamps/{stem}", mark.time)
        annotation["time"] = reference(times)
    pack.listed("annotations").append(annotation)
