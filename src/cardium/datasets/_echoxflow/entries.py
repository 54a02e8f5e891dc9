"""The catalog: an entry for each recording, and for each view of a strain analysis."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from cardium.core import Entry, Label
from cardium.datasets._echoxflow.contents import read_contents
from cardium.datasets._echoxflow.labels import labels_of
from cardium.datasets._echoxflow.layout import (
    LV_ROLES,
    PATHS,
)
from cardium.datasets._echoxflow.links import Link, find_links
from cardium.datasets._echoxflow.roles import chambers_of, curve_paths
from cardium.datasets._files import inside
from cardium.errors import DataCorruptError
from cardium.io.croissant import Croissant, RecordingRow


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


@dataclass(frozen=True, slots=True)
class Parts:
    """What an entry says besides whose recording it is."""

    provides: frozenset[str]
    files: tuple[PurePosixPath, ...]
    labels: Mapping[str, Label]


class CatalogueEntry(Entry):
    """An entry that works out what it provides, where and how when it is first asked.

    Of the tens of thousands of recordings of a catalogue few are asked. To everybody
    else it is an `Entry`: copies and pickles of it are plain ones.
    """

    __slots__ = ("_found", "_linked", "_role", "_row")
    _row: RecordingRow
    _linked: Linked | None
    _role: str
    _found: Parts | None

    def __new__(cls, *fields: Any, **named: Any) -> Entry:  # type: ignore[misc] # noqa: ANN401
        """Make a plain entry, as ``dataclasses.replace`` asks for."""
        return Entry(*fields, **named)

    @classmethod
    def of(
        cls,
        row: RecordingRow,
        side: tuple[str, str],
        linked: Linked | None,
        role: str = "",
    ) -> CatalogueEntry:
        """Make the entry of a row, or of a view of it, with the links it has.

        `side` is the patient and the split.
        """
        entry = object.__new__(cls)
        name = row.recording_id
        _set_id(entry, f"{name}.{role}" if role else name)
        _set_patient(entry, side[0])
        _set_exam(entry, row.exam_id)
        _set_split(entry, side[1])
        _set_row(entry, row)
        _set_linked(entry, linked)
        _set_role(entry, role)
        _set_found(entry, None)
        return entry

    @property
    def provides(self) -> frozenset[str]:
        """Names of streams, annotations and labels."""
        return self._parts.provides

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """The store, and that of what it was drawn on."""
        return self._parts.files

    @property
    def labels(self) -> Mapping[str, Label]:
        """What the catalogue says."""
        return self._parts.labels

    def __reduce__(self) -> tuple[type[Entry], tuple[Any, ...]]:
        plain = {column.name: getattr(self, column.name) for column in fields(Entry)}
        return Entry, tuple((plain | {"labels": dict(self.labels)}).values())

    @property
    def _parts(self) -> Parts:
        """Return what the entry says, worked out once."""
        found = self._found
        if found is None:
            make = _view_of if self._role else _recording_of
            found = make(self._row, self._linked, self._role)
            _set_found(self, found)
        return found


# A frozen class refuses `self._row = row`, and the usual way around is slow.
_set_id, _set_patient, _set_exam, _set_split = (
    vars(Entry)[name].__set__ for name in ("id", "patient", "exam", "split")
)
_set_row, _set_linked, _set_role, _set_found = (
    vars(CatalogueEntry)[name].__set__
    for name in ("_row", "_linked", "_role", "_found")
)


def make_entries(
    croissant: Croissant,
    folds: Mapping[str, int] | None,
    patients: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Entry, ...]:
    """Make the entries of a catalogue, in its order.

    Parameters
    ----------
    croissant : Croissant
        The catalogue.
    folds : mapping of str to int, optional
        The fold of each examination, where the release has folds.
    patients : mapping of str to str
        The patient of each examination. The release names none; an examination that
        is not here stands for one.

    Raises
    ------
    DataCorruptError
        If a row is not what the format says, an examination is in no fold, or a store
        lies outside the dataset.
    """
    with _collection_paused():
        linked = Linked.of(croissant)
        ends = linked.sources.keys() | linked.derived.keys()
        sides = {
            exam: (patients.get(exam, exam), split)
            for exam, split in _splits_of(croissant, folds).items()
        }
        make = CatalogueEntry.of
        entries: list[Entry] = []
        for row in croissant.recordings:
            _check_path(row.zarr_path)
            held, side = read_contents(row.array_paths), sides[row.exam_id]
            links = linked if row.recording_id in ends else None
            if held.roles:
                entries += [make(row, side, links, role) for role in held.roles]
                if held.streams in ((), ("ecg",)):
                    continue
            entries.append(make(row, side, links))
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


def _recording_of(row: RecordingRow, linked: Linked | None, role: str) -> Parts:
    """Say what the entry of a recording says.

    What a mesh was drawn on is part of it, if it lies in another recording.
    """
    held, labels = read_contents(row.array_paths), labels_of(row)
    files, names = [row.zarr_path], held.names
    if linked is not None:
        views = _views_of(row.recording_id, linked)
        labels |= {"view": views[0]} if len(views) == 1 else {}
        labels |= _ends(row.recording_id, linked, None)
        volume = linked.volume_of(row.recording_id) if held.meshes else None
        if volume is not None and "b_mode_3d" not in held.streams:
            there = read_contents(volume.array_paths).names
            names |= there & {"b_mode_3d", "ecg", "qrs"}
            files.append(volume.zarr_path)
    return _parts_of(names, files, labels)


def _view_of(row: RecordingRow, linked: Linked | None, role: str) -> Parts:
    """Say what the entry of one view of a strain analysis says."""
    names = _views_in(row.array_paths, row.content_types)[role]
    labels = {**labels_of(row), "view": role.upper()}
    files = [row.zarr_path]
    if linked is not None:
        labels |= _ends(row.recording_id, linked, role)
        found = linked.images_of(row.recording_id, role)
        if found is not None:
            link, images = found
            names |= _seen(images.array_paths, link.frames or PATHS["b_mode"])
            files.append(images.zarr_path)
    return _parts_of(names, files, labels)


def _parts_of(
    names: frozenset[str], files: Iterable[str], labels: Mapping[str, Label]
) -> Parts:
    """Put together what an entry says."""
    paths = tuple(PurePosixPath(name) for name in dict.fromkeys(files))
    return Parts(names.union(labels), paths, MappingProxyType(dict(labels)))


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


def _check_path(text: str) -> None:
    """Refuse the path of a store that leads out of the dataset."""
    if text[0] == "/" or ".." in text or "\\" in text:
        inside(text)
