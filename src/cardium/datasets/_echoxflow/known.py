"""The fake: simulated and analytic recordings, and what reading must give back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from cardium.core import KnownAnswer, Label, Recording
from cardium.datasets._echoxflow.exams import (
    open_writer,
    recordings_of,
)
from cardium.datasets._echoxflow.fake import analytic_recordings
from cardium.datasets._echoxflow.layout import CATALOGUE, LV_ROLES

if TYPE_CHECKING:
    from cardium.datasets._echoxflow.encoding import TissueEncoding
    from cardium.phantom.exam import Examination

_STORES: tuple[tuple[Literal[2, 3], bool, Any], ...] = (
    (2, False, "blosc"),
    (3, False, "zstd"),
    (3, True, None),
    (2, True, "gzip"),
)
_ENCODINGS: Mapping[str, TissueEncoding] = {
    "raw_tissue": "raw",
    "float_tissue": "float",
}


def write_known(
    root: Path, examinations: Iterable[Examination]
) -> tuple[KnownAnswer, ...]:
    """Write examinations and analytic recordings in every kind of store.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    examinations : iterable of Examination
        Five; all are kept in memory.

    Returns
    -------
    tuple of KnownAnswer
        What reading must give, in the catalogue's order.
    """
    stores = cycle(_STORES)
    written: list[Recording] = []
    with open_writer(root) as writer:
        for number, examination in enumerate(examinations):
            made = [*recordings_of(number, examination), *analytic_recordings(number)]
            written += made
            for name, views in _by_store(made).items():
                writer.zarr_format, writer.zipped, writer.compressor = next(stores)
                what = name.partition("_")[2]
                beats = 4 if what == "volume" else None
                writer.add(views, stitched_beats=beats, tissue=_encoding_of(what))
    rows = _rows(root)
    return tuple(_known(recording, written, rows) for recording in written)


def _by_store(made: Sequence[Recording]) -> Mapping[str, list[Recording]]:
    """Put the views of one analysis together."""
    stores: dict[str, list[Recording]] = {}
    for recording in made:
        stores.setdefault(_store_of(recording), []).append(recording)
    return stores


def _store_of(recording: Recording) -> str:
    """Name the stored recording that an entry is of, or is a view of."""
    return recording.entry.id.partition(".")[0]


def _encoding_of(what: str) -> TissueEncoding:
    """Choose how tissue velocities are stored."""
    return _ENCODINGS.get(what, "linear")


def _rows(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """Read the rows that were written, without the prefix of their keys."""
    sets = json.loads((root / CATALOGUE).read_text("utf-8"))["recordSet"]
    rows = next(s["data"] for s in sets if s["@id"] == "recordings")
    plain = [{k.partition("/")[2]: v for k, v in row.items()} for row in rows]
    return {row["recording_id"]: row for row in plain}


def _known(
    recording: Recording,
    written: Sequence[Recording],
    rows: Mapping[str, Mapping[str, Any]],
) -> KnownAnswer:
    """Complete the entry of a recording as the catalog must list it."""
    name = _store_of(recording)
    row = rows[name]
    labels: dict[str, Label] = {
        "content_types": tuple(row["content_types"]),
        "modes": tuple(row["modes"]),
        "arrays": tuple(row["array_paths"]),
    }
    if row["content_types"]:
        main = row["content_types"][0]
        frames = row["frame_counts_by_content_type"][main]
        step = row["median_delta_time_by_content_type"][main]
        labels |= {"frames": frames, "rate_hz": 1 / step}
        labels["duration_s"] = (frames - 1) * step
    if row["stitch_beat_count"]:
        labels["stitched_beats"] = row["stitch_beat_count"]
    derived = [r for r in written if name in r.links]
    views = {r.entry.id.rpartition(".")[2] for r in derived} & {*LV_ROLES}
    if "." in recording.entry.id:
        labels["view"] = recording.entry.id.rpartition(".")[2].upper()
    elif views:
        labels["view"] = min(views).upper()
    if recording.links:
        labels["sources"] = recording.links
    if derived:
        labels["derived"] = tuple(dict.fromkeys(map(_store_of, derived)))
    names = {*recording.streams, *recording.annotations, *recording.meshes}
    files = dict.fromkeys(rows[n]["zarr_path"] for n in (name, *recording.links))
    entry = replace(
        recording.entry,
        provides=frozenset(names | labels.keys()),
        files=tuple(map(PurePosixPath, files)),
        labels=labels,
    )
    return KnownAnswer(replace(recording, entry=entry), _tolerance(recording, name))


def _tolerance(recording: Recording, name: str) -> Mapping[str, float]:
    """Say what 8 bits round: half a code, and the float32 that it becomes."""
    tissue = recording.streams.get("tissue_velocity")
    if tissue is None or _encoding_of(name.partition("_")[2]) == "float":
        return {}
    return {"tissue_velocity": (tissue.velocity_limit or 0.0) * (1 / 255 + 1e-6)}
