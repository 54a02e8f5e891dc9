"""The catalogue of a release held against itself: rows, ids, links and folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cardium.core import Check, Finding
from cardium.core.files import read_json
from cardium.datasets._echoxflow.attributes import first_of, objects
from cardium.datasets._echoxflow.audit_store import audit_store, error, warning
from cardium.datasets._echoxflow.catalogue import field_of, rows_of
from cardium.datasets._echoxflow.folds import fold_file, read_folds
from cardium.datasets._echoxflow.layout import CATALOGUE
from cardium.datasets._files import inside
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    SplitLeakError,
)

Row = Mapping[str, Any]
_SOURCES = (
    "source_recording_id",
    "derived_from_recording_id",
    "source_bmode_recording_id",
)
_AGAIN = "Get the catalogue again; if it stays, tell the source."


@dataclass(slots=True)
class Tables:
    """The rows of a catalogue that can be used, and what is wrong with the others.

    Parameters
    ----------
    recordings : dict
        Rows by recording.
    arrays : dict
        Rows of the arrays of each recording, by path.
    links : list of (derived, images)
        Which recording was derived from which.
    findings : list of Finding
        What is wrong with rows.
    """

    recordings: dict[str, Row] = field(default_factory=dict)
    arrays: dict[str, dict[str, Row]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def audit(root: Path, limit: int | None = None) -> Iterator[Check]:
    """Yield the checks of a catalogue: of its rows, its folds, and a store each.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    limit : int, optional
        Open only this many stores.

    Yields
    ------
    Check
        What is checked, and the function that checks it.
    """
    tables = Tables()
    yield CATALOGUE, partial(_check_rows, root, tables)
    folds = fold_file(root)
    yield folds.name if folds else CATALOGUE, partial(_check_folds, root, tables)
    yield CATALOGUE, partial(_check_links, tables)
    for name in _names(root)[:limit]:
        yield name, partial(_check_store, root, tables, name)


def _names(root: Path) -> Sequence[str]:
    """List the recordings of a catalogue, if it can be read at all."""
    try:
        document = read_json(root / CATALOGUE)
    except CardiumError:
        return ()
    rows = rows_of(document, "recordings")
    names = (_text(row, "recordings", "recording_id") for row in rows)
    return [*dict.fromkeys(filter(None, names))]


def _check_rows(root: Path, tables: Tables) -> Iterator[Finding]:
    """Read the catalogue row by row; a broken row does not hide the next."""
    try:
        document = read_json(root / CATALOGUE)
    except (DataCorruptError, UnicodeDecodeError) as raised:
        yield error("unreadable-catalogue", CATALOGUE, str(raised), _AGAIN)
        return
    stores: dict[str, str] = {}
    for number, row in enumerate(rows_of(document, "recordings")):
        yield from _check_recording_row(tables, stores, number, row)
    for number, row in enumerate(rows_of(document, "arrays")):
        name = _text(row, "arrays", "recording_id")
        path = _text(row, "arrays", "array_path") or _text(row, "arrays", "name")
        if name not in tables.recordings or not path:
            problem = (
                f"Row {number} of 'arrays' is of no recording: '{name}', '{path}'."
            )
            yield error("broken-row", CATALOGUE, problem, _AGAIN)
            continue
        folder = "" if path.startswith(("data/", "timestamps/")) else "data/"
        arrays = tables.arrays.setdefault(name, {})
        if f"{folder}{path}" in arrays:
            problem = f"Two rows of 'arrays' describe '{path}'."
            yield error("duplicate-id", name, problem, _AGAIN)
        arrays[f"{folder}{path}"] = row
    for row in rows_of(document, "recording_links"):
        derived = _text(row, "recording_links", "source_recording_id")
        images = _text(row, "recording_links", "linked_recording_id")
        tables.links.append((derived, images))


def _check_recording_row(
    tables: Tables, stores: dict[str, str], number: int, row: Row
) -> Iterator[Finding]:
    """Check one recording's row, and keep it if it can be used."""
    columns = ("exam_id", "recording_id", "zarr_path")
    exam, name, path = (_text(row, "recordings", key) for key in columns)
    where = name or f"row {number}"
    for key, text in zip(columns, (exam, name, path), strict=True):
        if not text:
            stated = field_of(row, "recordings", key)
            problem = f"Row {number} of 'recordings' states {key} {stated!r}."
            yield error("broken-row", where, problem, _AGAIN)
    listed = field_of(row, "recordings", "array_paths")
    if listed is not None and not _is_texts(listed):
        problem = f"array_paths is {str(listed)[:80]!r}, expected a list of paths."
        yield error("broken-row", where, problem, _AGAIN)
    if name in tables.recordings:
        problem = f"Two recordings are called '{name}'."
        yield error("duplicate-id", name, problem, _AGAIN)
        return
    if path:
        yield from _check_path(stores, where, path)
    if exam and name:
        tables.recordings[name] = row
    tables.links += _stated_links(row, name)


def _stated_links(row: Row, name: str) -> Iterator[tuple[str, str]]:
    """Yield what a recording's row says it is derived from, by any of the keys."""
    stated = (field_of(row, "recordings", key) for key in _SOURCES)
    sources = [source for source in stated if isinstance(source, str) and source]
    yield from ((name, source) for source in sources)
    listed = field_of(row, "recordings", "relationships")
    listed = listed or field_of(row, "recordings", "links")
    for item in objects(listed):
        derived = first_of(item, "target_recording_id", "target", "to") or name
        images = first_of(item, "source_recording_id", "source", "from")
        images = images or next(iter(sources), "")
        yield str(derived), str(images)


def _check_path(stores: dict[str, str], name: str, path: str) -> Iterator[Finding]:
    """Expect a store inside the dataset that is of one recording."""
    try:
        inside(path)
    except DataCorruptError as raised:
        yield error("path-outside", name, str(raised), _AGAIN)
        return
    other = stores.setdefault(path, name)
    if other != name:
        problem = f"Its store '{path}' is that of '{other}' as well."
        yield error("duplicate-store", name, problem, _AGAIN)


def _check_folds(root: Path, tables: Tables) -> Iterator[Finding]:
    """Every examination has one fold, and no link or image crosses between two."""
    path = fold_file(root)
    if path is None:
        return
    try:
        folds = read_folds(root) or {}
    except CardiumError as raised:
        remedy = "Get the fold file again."
        leak = isinstance(raised, SplitLeakError)
        kind = "exam-on-two-sides" if leak else "unreadable-folds"
        yield error(kind, path.name, str(raised), remedy)
        return
    exams = {n: _text(r, "recordings", "exam_id") for n, r in tables.recordings.items()}
    for exam in dict.fromkeys(exams.values()):
        if exam not in folds:
            problem = f"Examination '{exam}' is in none of the folds."
            yield error("exam-without-fold", path.name, problem, "Add it to the file.")
    side = {name: folds.get(exam) for name, exam in exams.items()}
    for derived, images in dict.fromkeys(tables.links):
        ends = side.get(derived), side.get(images)
        if None not in ends and ends[0] != ends[1]:
            problem = (
                f"It is in fold {ends[0]}, and was derived from '{images}' in fold "
                f"{ends[1]}: what it shows stands on two sides."
            )
            yield error("exam-on-two-sides", derived, problem, "Mend the folds.")
    yield from _check_shared_images(tables, side)


def _check_shared_images(
    tables: Tables, side: Mapping[str, int | None]
) -> Iterator[Finding]:
    """Find images that are in two folds, whatever they are called."""
    seen: dict[str, str] = {}
    for name, arrays in tables.arrays.items():
        for path, row in arrays.items():
            digest = _text(row, "arrays", "data_sha256")
            if "brightness_mode" not in path or not path.startswith("data/"):
                continue
            other = seen.setdefault(digest, name) if digest else name
            if side.get(other) != side.get(name):
                problem = (
                    f"'{path}' has the values of '{other}', which is in fold "
                    f"{side.get(other)}, not {side.get(name)}."
                )
                remedy = "Put the examinations into one fold."
                yield warning("content-on-two-sides", name, problem, remedy)


def _check_links(tables: Tables) -> Iterator[Finding]:
    """Links lead to recordings, and not in circles."""
    known = tables.recordings
    sources: dict[str, set[str]] = {}
    for derived, images in dict.fromkeys(tables.links):
        for end in (derived, images):
            if end not in known:
                problem = f"A link from '{derived}' to '{images}': no row is '{end}'."
                yield error("broken-link", derived or CATALOGUE, problem, _AGAIN)
        if derived in known and images in known:
            sources.setdefault(derived, set()).add(images)
    circle = _circle(sources)
    if circle:
        problem = f"Recordings were derived from one another: {' from '.join(circle)}."
        yield error("circular-link", circle[0], problem, _AGAIN)


def _circle(sources: Mapping[str, set[str]]) -> list[str]:
    """Find a circle among links: the recordings on it, the first again at the end."""
    left = {name: set(others) for name, others in sources.items()}
    while True:
        ends = [name for name, others in left.items() if not others & left.keys()]
        if not ends:
            break
        for name in ends:
            del left[name]
    if not left:
        return []
    path = [min(left)]
    while path.count(path[-1]) < 2:
        path.append(min(left[path[-1]] & left.keys()))
    return path[path.index(path[-1]) :]


def _check_store(root: Path, tables: Tables, name: str) -> Iterator[Finding]:
    """Hold one store against its rows."""
    row = tables.recordings.get(name)
    path = _text(row, "recordings", "zarr_path") if row else ""
    if not row or not path:
        return
    try:
        inside(path)
        yield from audit_store(
            root, row, tables.arrays.get(name, {}), tables.recordings
        )
    except DataMissingError as problem:
        remedy = "Get its files; a part of the dataset needs a catalogue of that part."
        yield error("missing-store", name, str(problem), remedy)
    except DataCorruptError as problem:
        if "leads out" not in str(problem):
            remedy = "Get its files again; if it stays, tell the source."
            yield error("unreadable-store", name, str(problem), remedy)


def _text(row: Row, name: str, key: str) -> str:
    """Return a text of a row; empty if there is none."""
    value = field_of(row, name, key)
    return value.strip() if isinstance(value, str) else ""


def _is_texts(value: object) -> bool:
    """Say whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(v, str) for v in value)
