"""What the catalogue says of a recording that is to be written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cardium.core import Recording
from cardium.core.files import plain
from cardium.datasets._echoxflow.layout import CONTENT, PATHS, ROLES, TIMES
from cardium.datasets._echoxflow.pack import VOLUME, Pack
from cardium.datasets._echoxflow.panels import CHAMBERS, Images, chamber_of
from cardium.errors import InvalidArgumentError

_CONTENT_TYPES = {*CONTENT.values(), *(content for content, _, _ in CHAMBERS.values())}


def name_of_store(views: Sequence[Recording]) -> str:
    """Name the recording of some views: the id without the view."""
    name, _, role = views[0].entry.id.rpartition(".")
    is_view = bool(name) and role in ROLES and bool(chamber_of(views[0]))
    if len(views) > 1 and not is_view:
        raise InvalidArgumentError(
            "Several recordings are written as one only if they are views of a strain "
            f"analysis, '<id>.4ch'; got {[view.entry.id for view in views]}."
        )
    return name if is_view else views[0].entry.id


def with_source(view: Recording, source: str | None) -> Recording:
    """Add the recording that one is derived from to its links."""
    if source is None or source in view.links:
        return view
    return replace(view, links=(source, *view.links))


def fold_of_views(views: Sequence[Recording]) -> int | None:
    """Return the fold that an entry's split names."""
    found = re.fullmatch(r"fold(\d)", views[0].entry.split)
    return int(found[1]) if found else None


def link_row(name: str, other: Images, role: str, view: Recording) -> dict[str, str]:
    """Describe a link by the format's reversed names."""
    key = VOLUME if view.meshes else "b_mode"
    arrays = {
        "linked_frame_array_id": f"{other.recording}/{PATHS[key]}",
        "linked_timestamp_array_id": f"{other.recording}/{TIMES[key]}",
    }
    return {
        "source_recording_id": name,
        "linked_recording_id": other.recording,
        "panel_role_id": role,
        **(arrays if role else dict.fromkeys(arrays, "")),
    }


def recording_row(
    pack: Pack,
    exam: str,
    name: str,
    store: str,
    modes: Iterable[str] | None,
    links: Sequence[Mapping[str, str]],
    stitched_beats: int | None,
    prediction: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Make the catalogue's row of a recording."""
    if stitched_beats is not None:
        if stitched_beats < 1:
            raise InvalidArgumentError(
                f"A volume is made of 1 beat at least, got {stitched_beats}."
            )
        pack.manifest["stitch_beat_count"] = stitched_beats
        pack.manifest.setdefault("metadata", {})["stitch_beat_count"] = stitched_beats
    kinds = dict.fromkeys(
        c for path in pack.arrays for c in pack.content[path] if c in _CONTENT_TYPES
    )
    return {
        "exam_id": exam,
        "recording_id": name,
        "zarr_path": store,
        "modes": list(kinds if modes is None else modes),
        "content_types": list(kinds),
        "frame_counts_by_content_type": pack.counts,
        "median_delta_time_by_content_type": pack.steps,
        "array_paths": list(pack.arrays),
        "stitch_beat_count": stitched_beats,
        "source_recording_id": links[0]["linked_recording_id"] if links else None,
        "velocity_limit_mps_by_content_type": pack.limits,
        "prediction_manifest": None if prediction is None else plain(prediction),
    }
