"""What a release holds, by content type: the table of contents of the paper."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from cardium.core import Progress, Rows
from cardium.datasets._echoxflow.attributes import object_of, objects
from cardium.datasets._echoxflow.layout import CATALOGUE, CONTENT, MESH, PATHS, STRAIN
from cardium.datasets._files import inside
from cardium.errors import CardiumError
from cardium.io.croissant import ArrayRow, Croissant, RecordingRow, read_croissant

ECG, SURFACE, VOLUME = "ecg", MESH.removeprefix("data/"), CONTENT["b_mode_3d"]
KINDS = (*dict.fromkeys(CONTENT.values()), *STRAIN.values(), ECG, SURFACE)
"""What is counted, in the table's order: content types, ECG and meshes."""

_MARKED = ("_annotation_", "_overlay_physical_points_")
_COUNTED_AS = {"2d_tissue_doppler": ("tissue_doppler",)}
_GIGA = 1e9


@dataclass(frozen=True, slots=True)
class _Item:
    """What one recording has of one kind."""

    frames: int | None
    step: float | None
    sizes: tuple[tuple[int, ...], ...]
    bytes: int
    key: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    """What has been counted of one kind."""

    exams: set[str] = field(default_factory=set)
    items: list[_Item] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)
    repeated: int = 0

    def add(self, exam: str, item: _Item) -> None:
        """Count an item, unless its values were counted before."""
        if item.key and item.key in self.seen:
            self.repeated += 1
            return
        self.seen.add(item.key)
        self.exams.add(exam)
        self.items.append(item)


def count_contents(root: Path, progress: Progress | None = None) -> Mapping[str, Rows]:
    """Count what a release holds.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    progress : function (done, total), optional
        Called after each store that has to be opened.

    Returns
    -------
    mapping of str to rows
        ``contents``: a row a content type, the ECG and the meshes: recordings,
        examinations, frames, rate (median, least, greatest), duration (median and
        all together), size of a frame (least and greatest) and gigabytes of values.
        ``beats``: recordings with volumes by the beats they were put together from.
        ``labels``: annotations by label, as readers call them in the paper.

    Raises
    ------
    DataMissingError, DataCorruptError
        If the catalogue is not there or not what the format says.

    Notes
    -----
    Values of one SHA-256 are counted once. The catalogue says it all but the labels,
    which are in the manifests of the stores that have any; a store is opened for
    shapes only if the catalogue has no row for its arrays. A store that is not there
    counts without them.
    """
    croissant = read_croissant(root / CATALOGUE)
    described = _described(croissant)
    marked = [row for row in croissant.recordings if _is_marked(row)]
    tallies = {kind: _Tally() for kind in KINDS}
    for row in croissant.recordings:
        arrays = described.get(row.recording_id, {})
        for kind in _kinds_of(row):
            item = _item(root, row, kind, arrays)
            tallies[kind].add(row.exam_id, item)
    contents = [_content_row(kind, tally) for kind, tally in tallies.items()]
    return {
        "contents": [row for row in contents if row["recordings"]],
        "beats": _beats(croissant.recordings, described),
        "labels": _labels(root, marked, progress),
    }


def normal_label(label: str) -> str:
    """Return the name of an annotation without what scanners put around it.

    Examples
    --------
    >>> normal_label("Cardiac/SD/MV Eprime septal Velocity/Manual")
    "MV E' septal"
    >>> normal_label("CAD LVOT trace")
    'LVOT trace'
    """
    parts = [part.strip() for part in label.split("/")]
    kept = [part for part in parts if part and part.lower() != "manual"]
    name = kept[-1] if kept else label.strip()
    name = re.sub(r"\b(?:CAD|Velocity)\b", " ", name)
    name = re.sub(r"\b([SEA])prime\b", r"\1'", name)
    return " ".join(name.split())


def _described(croissant: Croissant) -> Mapping[str, Mapping[str, ArrayRow]]:
    """Sort the rows of arrays by recording and path."""
    found: dict[str, dict[str, ArrayRow]] = {}
    for row in croissant.arrays:
        found.setdefault(row.recording_id, {})[row.array_path] = row
    return found


def _kinds_of(row: RecordingRow) -> Iterator[str]:
    """Name what a recording has that is counted."""
    types = {*row.content_types}
    if not types:
        types = {
            CONTENT[n]
            for n, p in PATHS.items()
            if n in CONTENT and p in row.array_paths
        }
    for kind in KINDS:
        surface = kind == SURFACE and f"{MESH}/point_values" in row.array_paths
        if kind in types or surface or (kind == ECG and PATHS[ECG] in row.array_paths):
            yield kind


def _arrays_of(row: RecordingRow, kind: str) -> list[str]:
    """List the arrays in which a recording has something."""
    if kind == SURFACE:
        return [f"{MESH}/point_values", f"{MESH}/face_values"]
    if kind in STRAIN.values():
        return [p for p in row.array_paths if p.endswith(("_contour", "_curve"))]
    if kind == ECG:
        return [PATHS[ECG]]
    own = [PATHS[n] for n, content in CONTENT.items() if content == kind]
    if "plane" in kind:
        own += [PATHS[f"b_mode_{k}"] for k in range(3)]
    return [p for p in dict.fromkeys(own) if p in row.array_paths]


def _item(
    root: Path, row: RecordingRow, kind: str, described: Mapping[str, ArrayRow]
) -> _Item:
    """Say what a recording has of a kind, from the catalogue if that says it."""
    arrays = [p for p in _arrays_of(row, kind) if p in row.array_paths]
    rows = {path: described[path] for path in arrays if path in described}
    lacking = [path for path in arrays if path not in rows or not rows[path].shape]
    shapes = {p: (r.shape, r.dtype) for p, r in rows.items() if r.shape}
    shapes |= _open_shapes(root, row, lacking)
    keys = (
        kind,
        *_COUNTED_AS.get(kind, ()),
        *(p.removeprefix("data/") for p in arrays),
    )
    first = next(iter(shapes.values()), ((), ""))[0]
    stored = first[0] if first and kind != SURFACE else None
    frames = _first(row.frame_counts_by_content_type, keys)
    images = kind not in (ECG, SURFACE, *STRAIN.values())
    return _Item(
        frames=stored if frames is None else int(frames),
        step=_first(row.median_delta_time_by_content_type, keys),
        sizes=tuple(shape[1:] for shape, _ in shapes.values()) if images else (),
        bytes=sum(prod(shape) * _itemsize(dtype) for shape, dtype in shapes.values()),
        key=_key(rows, arrays),
    )


def _itemsize(dtype: str) -> int:
    """Return the bytes of a value; nothing where the catalogue states no type."""
    try:
        return np.dtype(dtype).itemsize if dtype else 0
    except TypeError:
        return 0


def _key(rows: Mapping[str, ArrayRow], arrays: Sequence[str]) -> tuple[str, ...]:
    """Return the hashes of the arrays; nothing where one is not stated."""
    hashes = [rows[path].data_sha256 if path in rows else "" for path in arrays]
    return tuple(hashes) if all(hashes) else ()


def _open_shapes(
    root: Path, row: RecordingRow, paths: Sequence[str]
) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return shape and type of arrays that the catalogue does not describe."""
    from cardium.io.zarr import open_store

    found: dict[str, tuple[tuple[int, ...], str]] = {}
    if not paths:
        return found
    try:
        store = open_store(root / inside(row.zarr_path))
        for path in paths:
            array = store.open_array(path)
            found[path] = (array.shape, array.dtype.name)
    except CardiumError:
        return found  # `verify` says why; what is not there is not counted
    return found


def _first(
    values: Mapping[str, int | float | None], keys: Iterable[str]
) -> int | float | None:
    """Return the first value that is stated under one of some keys."""
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _content_row(kind: str, tally: _Tally) -> dict[str, str | int | float | None]:
    """Write what was counted of one kind."""
    items = tally.items
    rates = [1 / item.step for item in items if item.step and item.step > 0]
    lasting = [item.frames * item.step for item in items if item.frames and item.step]
    sizes = sorted({size for item in items for size in item.sizes}, key=prod)
    return {
        "content": kind,
        "recordings": len(items),
        "exams": len(tally.exams),
        "repeated": tally.repeated,
        "frames": sum(item.frames or 0 for item in items),
        "rate_hz": _median(rates),
        "rate_min_hz": round(min(rates), 2) if rates else None,
        "rate_max_hz": round(max(rates), 2) if rates else None,
        "duration_s": _median(lasting),
        "total_s": round(sum(lasting), 3) if lasting else None,
        "frame_min": _size(sizes[:1]),
        "frame_max": _size(sizes[-1:]),
        "gb": sum(item.bytes for item in items) / _GIGA,
    }


def _median(values: Sequence[float]) -> float | None:
    """Return the median, as far as times stored as float32 can carry it."""
    return round(float(np.median(values)), 2) if values else None


def _size(sizes: Sequence[tuple[int, ...]]) -> str | None:
    """Write the size of a frame as ``"192x64"``."""
    return "x".join(map(str, sizes[0])) if sizes and sizes[0] else None


def _beats(
    rows: Iterable[RecordingRow], described: Mapping[str, Mapping[str, ArrayRow]]
) -> Rows:
    """Count volumes by the beats they were put together from."""
    found: Counter[int] = Counter()
    seen: set[str] = set()
    for row in rows:
        path = PATHS["b_mode_3d"]
        if VOLUME not in row.content_types and path not in row.array_paths:
            continue
        array = described.get(row.recording_id, {}).get(path)
        digest = array.data_sha256 if array else ""
        if not digest or digest not in seen:
            found[row.stitch_beat_count or 1] += 1
        seen.add(digest)
    return [{"beats": beats, "recordings": found[beats]} for beats in sorted(found)]


def _is_marked(row: RecordingRow) -> bool:
    """Say whether a recording has landmarks, calipers or traces."""
    return any(part in path for path in row.array_paths for part in _MARKED)


def _labels(
    root: Path, rows: Sequence[RecordingRow], progress: Progress | None
) -> Rows:
    """Count annotations by label, the most frequent first."""
    from cardium.io.zarr import open_store

    counts: Counter[str] = Counter()
    recordings: dict[str, set[str]] = {}
    exams: dict[str, set[str]] = {}
    for done, row in enumerate(rows, start=1):
        try:
            attributes = open_store(root / inside(row.zarr_path)).attributes
        except CardiumError:
            continue  # `verify` says why; what is not there is not counted
        manifest = object_of(attributes.get("recording_manifest"))
        for annotation in objects(manifest.get("annotations")):
            label = normal_label(str(annotation.get("label") or ""))
            if label and annotation.get("kind") not in ("contour", "curve", "mesh"):
                counts[label] += 1
                recordings.setdefault(label, set()).add(row.recording_id)
                exams.setdefault(label, set()).add(row.exam_id)
        if progress is not None:
            progress(done, len(rows))
    return [
        {
            "label": label,
            "annotations": count,
            "recordings": len(recordings[label]),
            "exams": len(exams[label]),
        }
        for label, count in counts.most_common()
    ]
