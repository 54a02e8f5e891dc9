"""How simulated streams are stored: codes, sectors and manifests of EchoXFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Sector, Stream
from cardium.datasets._echoxflow.layout import LINEAR_TISSUE, PATHS, TIMES
from cardium.errors import InvalidArgumentError

ROUNDED = frozenset({"tissue_velocity"})
"""Streams that are stored in 8 bits."""

_SEMANTIC_IDS: Mapping[str, str] = {
    "b_mode": "bmode",
    "tissue_velocity": "tissue_doppler",
    "colour_velocity": "2d_color_doppler_velocity",
    "colour_power": "2d_color_doppler_power",
}
_FLOW_LIMIT = 0.6


def encode(stream: Stream) -> NDArray[Any]:
    """Turn values into what the format stores for a stream."""
    values = stream.load()
    if stream.name == "b_mode":
        return values.astype(np.uint8)
    if stream.name not in ROUNDED:
        return values.astype(np.float32)
    if stream.velocity_limit is None:
        raise InvalidArgumentError(
            f"Stream '{stream.name}' has no velocity limit, which its codes need."
        )
    share = np.clip(np.nan_to_num(values) / stream.velocity_limit, -1, 1)
    codes: NDArray[np.uint8] = np.rint(255 * (share + 1) / 2).astype(np.uint8)
    return codes


def describe_sector(stream: Stream) -> dict[str, Any]:
    """Describe where and how a stream was sampled."""
    if not isinstance(stream.geometry, Sector):
        raise InvalidArgumentError(f"Stream '{stream.name}' is not in beamspace.")
    described: dict[str, Any] = {
        "semantic_id": _SEMANTIC_IDS[stream.name],
        "frames": _reference(PATHS[stream.name]),
        "timestamps": _reference(TIMES[stream.name]),
        "geometry": _geometry(stream.geometry),
    }
    if stream.velocity_limit is not None:
        limit = stream.velocity_limit
        described |= {"velocity_limit_mps": limit, "value_range": [-limit, limit]}
    if stream.name in ROUNDED:
        described["storage_encoding"] = LINEAR_TISSUE
    return described


def describe_strain(
    role: str, images: str, store: str, b_mode: Stream, qrs: Stream
) -> dict[str, Any]:
    """Describe a strain analysis of one view."""
    if not isinstance(b_mode.geometry, Sector):
        raise InvalidArgumentError("A strain analysis needs B-mode in beamspace.")
    target = {"type": "linked_panel", "semantic_id": role}
    annotations = [
        {
            "kind": "contour",
            "target": {**target, "field": "contour_points"},
            "time": _reference(f"timestamps/{role}_contour"),
            "value": _reference(f"data/{role}_contour"),
        },
        {
            "kind": "qrs",
            "target": {**target, "field": "ecg_qrs"},
            "time": _reference(f"timestamps/{role}_ecg_qrs"),
            "value": _reference(f"data/{role}_ecg_qrs"),
        },
    ]
    return {
        "manifest_type": "strain",
        "schema_version": 4,
        "annotation_type": "left_ventricular_strain",
        "linked_panels": [
            {
                "role_id": role,
                "view_code": role,
                "geometry": _geometry(b_mode.geometry),
                "frame_timestamps": _reference(
                    TIMES["b_mode"], recording_zarr_path=store
                ),
                "linked_recording": {
                    "recording_id": images,
                    "recording_zarr_path": store,
                    "relative_zarr_path": PurePosixPath(store).name,
                    "frames_array_path": PATHS["b_mode"],
                    "timestamps_array_path": TIMES["b_mode"],
                    "ecg_qrs_trigger_times": qrs.time.tolist(),
                },
            }
        ],
        "annotations": annotations,
    }


def qrs_arrays(qrs: Stream, prefix: str) -> dict[str, NDArray[Any]]:
    """Store QRS times: markers in data/, times in timestamps/."""
    return {
        f"data/{prefix}ecg_qrs": np.ones(len(qrs.time), np.float32),
        f"timestamps/{prefix}ecg_qrs": qrs.time.astype(np.float32),
    }


def make_flow(b_mode: Stream) -> tuple[Stream, Stream]:
    """Make velocity and power that are linear in time, depth and angle, on a box."""
    if not isinstance(b_mode.geometry, Sector):
        raise InvalidArgumentError("A colour box needs B-mode in beamspace.")
    (r0, r1), (a0, a1) = b_mode.geometry.depth, b_mode.geometry.angle
    box = Sector(
        depth=(0.7 * r0 + 0.3 * r1, 0.2 * r0 + 0.8 * r1),
        angle=(0.6 * a0 + 0.4 * a1, 0.2 * a0 + 0.8 * a1),
        shape=(24, 14),
    )
    time = np.linspace(b_mode.time[0], b_mode.time[-1], 10)
    t = np.linspace(0, 1, len(time))[:, None, None]
    r = np.linspace(0, 1, box.shape[0])[:, None]
    a = np.linspace(0, 1, box.shape[1])
    limit = _FLOW_LIMIT
    moving = limit * (3 * r - 1.5 + 0.3 * t + 0.2 * a)
    folded = (moving + limit) % (2 * limit) - limit
    power = 0.5 * a + 0.3 * r + 0.2 * t
    dims = ("time", "range", "beam")
    return (
        Stream(
            "colour_velocity",
            folded.astype(np.float32),
            time,
            dims,
            "m/s",
            geometry=box,
            velocity_limit=limit,
        ),
        Stream("colour_power", power.astype(np.float32), time, dims, "", geometry=box),
    )


def _reference(path: str, **more: str) -> dict[str, str]:
    """Refer to an array by both names that the format knows."""
    return {"array_path": path, "zarr_path": path, "format": "zarr_array", **more}


def _geometry(sector: Sector) -> dict[str, Any]:
    """Describe a sector by the format's names."""
    return {
        "depth_start_m": sector.depth[0],
        "depth_end_m": sector.depth[1],
        "angle_start_rad": sector.angle[0],
        "angle_end_rad": sector.angle[1],
        "grid_shape": list(sector.shape),
    }
