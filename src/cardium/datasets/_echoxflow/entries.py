"""The catalog: an entry for each recording, and for each view of a strain analysis."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from cardium.core import Entry, Label
from cardium.datasets._echoxflow.contents import Contents, read_contents
from cardium.datasets._echoxflow.labels import (
    ENDLESS,
    USUAL,
    Labels,
    StoreFiles,
    labels_of,
)
from cardium.datasets._echoxflow.layout import (
    LV_ROLES,
    PATHS,
)
from cardium.datasets._echoxflow.links import Link, find_links
from cardium.datasets._echoxflow.roles import chambers_of, curve_paths
from cardium.datasets._files import inside
from cardium.errors import DataCorruptError
from cardium.io.croissant import Croissant, RecordingRow

_NOTHING: Mapping[str, Label] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Linked:
    """What the links of a catalogue say of each recording.

    Parameters
    ----------
    rows : mapping of str to RecordingRow
        The recordings that are linked, by id.
    sources, derived : mapping of str to sequence of Link
        The links that lead to a recording's sources, and from it.
    """

    rows: Mapping[str, RecordingRow]
    sources: Mapping[str, Sequence[Link]]
    derived: Mapping[str, Sequence[Link]]

    @classmethod
    def of(cls, croissant: Croissant) -> Linked:
        """Sort the links of a catalogue by their two ends."""
        sources: dict[str, list[Link]] = {}
        derived: dict[str, list[Link]] = {}
        for link in find_links(croissant):
            sources.setdefault(link.derived, []).append(link)
            derived.setdefault(link.source, []).append(link)
        rows = {
            r.recording_id: r for r in croissant.recordings if r.recording_id in derived
        }
        return cls(rows, sources, derived)

    def images_of(self, recording: str, role: str) -> tuple[Link, RecordingRow] | None:
        """Find the images of a view: its own link, or one for all of the recording."""
        links = self.sources.get(recording, ())
        for wanted in (role, ""):
            for link in links:
                if link.role == wanted and link.source in self.rows:
                    return link, self.rows[link.source]
        return None

    def volume_of(self, recording: str) -> RecordingRow | None:
        """Find the recording that has the volume of a mesh."""
        for link in self.sources.get(recording, ()):
            row = self.rows.get(link.source)
            if row is not None and PATHS["b_mode_3d"] in row.array_paths:
                return row
        return None


def make_entries(
    croissant: Croissant, folds: Mapping[str, int] | None
) -> tuple[Entry, ...]:
    """Make the entries of a catalogue, in its order.

    Parameters
    ----------
    croissant : Croissant
        The catalogue.
    folds : mapping of str to int, optional
        The fold of each examination, where the release has folds.

    Raises
    ------
    DataCorruptError
        If a row is not what the format says, an examination is in no fold, or a store
        lies outside the dataset.
    """
    with _collection_paused():
        linked = Linked.of(croissant)
        ends = linked.sources.keys() | linked.derived.keys()
        splits = _splits_of(croissant, folds)
        entries: list[Entry] = []
        for row in croissant.recordings:
            held = read_contents(row.array_paths)
            name, split = row.recording_id, splits[row.exam_id]
            if held.roles:
                entries += _make_views(row, split, linked)
                if held.streams in ((), ("ecg",)):
                    continue
            if name in ends:
                entries.append(_make_linked(row, split, held, linked))
            else:
                entries.append(_entry(row, name, split, held.names))
        return tuple(entries)


def _splits_of(
    croissant: Croissant, folds: Mapping[str, int] | None
) -> Mapping[str, str]:
    """Name the split of each examination; empty where the release has no folds."""
    exams = dict.fromkeys(row.exam_id for row in croissant.recordings)
    if folds is None:
        return dict.fromkeys(exams, "")
    for exam in exams:
        if exam not in folds:
            raise DataCorruptError(
                f"Examination '{exam}' is in '{croissant.path}' but in none of the "
                "folds. Get the fold file again."
            )
    return {exam: f"fold{folds[exam]}" for exam in exams}


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Keep the garbage collector from walking again and again over a growing table."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _make_linked(
    row: RecordingRow, split: str, held: Contents, linked: Linked
) -> Entry:
    """Make the entry of a recording that is linked with another.

    What a mesh was drawn on is part of it, if it lies in another recording.
    """
    views = _views_of(row.recording_id, linked)
    more: dict[str, Label] = {"view": views[0]} if len(views) == 1 else {}
    more |= _ends(row.recording_id, linked, None)
    other, names = "", held.names
    volume = linked.volume_of(row.recording_id) if held.meshes else None
    if volume is not None and "b_mode_3d" not in held.streams:
        there = read_contents(volume.array_paths).names
        names |= there & {"b_mode_3d", "ecg", "qrs"}
        other = _path(volume)
    return _entry(row, row.recording_id, split, names, more, other)


def _make_views(row: RecordingRow, split: str, linked: Linked) -> Iterator[Entry]:
    """Make the entry of each view of a strain analysis."""
    views = _views_in(row.array_paths, row.content_types)
    for role, names in views.items():
        found = linked.images_of(row.recording_id, role)
        other = ""
        if found is not None:
            link, images = found
            names |= _seen(images.array_paths, link.frames or PATHS["b_mode"])
            other = _path(images) if images is not row else ""
        more = {"view": role.upper(), **_ends(row.recording_id, linked, role)}
        yield _entry(row, f"{row.recording_id}.{role}", split, names, more, other)


@lru_cache(maxsize=4096)
def _seen(arrays: tuple[str, ...], frames: str) -> frozenset[str]:
    """Say what a recording gives to the analyses that were drawn on its frames."""
    images = {"b_mode"} if frames in arrays else set()
    return (read_contents(arrays).names & {"ecg", "qrs"}) | images


@lru_cache(maxsize=4096)
def _views_in(
    arrays: tuple[str, ...], content_types: tuple[str, ...]
) -> Mapping[str, frozenset[str]]:
    """Say what each view of a strain analysis provides on its own."""
    held, there = read_contents(arrays), frozenset(arrays)
    found = {}
    for role, chamber in chambers_of(content_types, held.roles).items():
        prefix = f"{chamber}_".lstrip("_")
        names = set()
        if f"data/{role}_contour" in there:
            names.add(f"{prefix}contour")
        if not there.isdisjoint(curve_paths(role)):
            names.add(f"{prefix}strain")
        if f"data/{role}_ecg" in there or "ecg" in held.streams:
            names.add("ecg")
        if not {"", f"{role}_"}.isdisjoint(held.qrs):
            names.add("qrs")
        found[role] = frozenset(names)
    return {role: found[role] for role in held.roles}


def _entry(
    row: RecordingRow,
    name: str,
    split: str,
    names: frozenset[str],
    more: Mapping[str, Label] = _NOTHING,
    other: str = "",
) -> Entry:
    """Make one entry."""
    content = row.content_types
    main = content[0] if content else ""
    frames = row.frame_counts_by_content_type.get(main) or 0
    step = row.median_delta_time_by_content_type.get(main) or 0
    usual = 0 < frames < ENDLESS and 0 < step < ENDLESS
    if usual and not row.stitch_beat_count:
        provides = _with_usual(names, *more)
    else:
        provides = names.union(labels_of(row), more)
    exam, files = row.exam_id, StoreFiles(_path(row), other)
    return Entry(name, exam, split, provides, files, Labels(row, more), exam)


@lru_cache(maxsize=4096)
def _with_usual(names: frozenset[str], *more: str) -> frozenset[str]:
    """Add the labels that a row usually has, and more, to what a recording provides."""
    return names.union(USUAL, more)


def _views_of(recording: str, linked: Linked) -> list[str]:
    """Name the views that a recording was analysed as."""
    roles = {link.role for link in linked.derived.get(recording, ())}
    return [role.upper() for role in LV_ROLES if role in roles]


def _ends(recording: str, linked: Linked, role: str | None) -> dict[str, Label]:
    """Name the recordings that one was derived from, and that were derived from it."""
    ends: dict[str, Label] = {}
    sources = {
        link.source: None
        for link in linked.sources.get(recording, ())
        if link.source != recording and (role is None or link.role in ("", role))
    }
    if sources:
        ends["sources"] = (*sources,)
    links = linked.derived.get(recording, ())
    derived = {link.derived: None for link in links if link.derived != recording}
    if derived:
        ends["derived"] = (*derived,)
    return ends


def _path(row: RecordingRow) -> str:
    """Take the path of a store, which must not lead out of the dataset."""
    text = row.zarr_path
    if text[0] == "/" or ".." in text or "\\" in text:
        return str(inside(text))
    return text
