"""One store of a release held against its rows in the catalogue."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cardium.core import Finding
from cardium.datasets._echoxflow.attributes import (
    as_number,
    first_of,
    object_of,
    objects,
)
from cardium.datasets._echoxflow.catalogue import field_of, hash_values
from cardium.datasets._echoxflow.layout import CONTENT, PATHS, TISSUE_CONTENT
from cardium.datasets._echoxflow.sectors import read_sector, read_volume
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.datasets._files import inside
from cardium.errors import CardiumError, DataMissingError, GeometryError
from cardium.io.zarr import ZarrStore, open_store

Row = Mapping[str, Any]
_RESTORE = "Get the store again; if it stays, tell the source."
_METADATA = ("/.zarray", "/zarr.json")
_LIMITS = ("velocity_limit_mps", "velocity_scale_mps")
_FLOW = ("tissue_velocity", "colour_velocity")
_IMAGES = ("b_mode", "b_mode_0", "b_mode_1", "b_mode_2", "b_mode_3d", *_FLOW)
_SAME_STEP = 0.05


@dataclass(frozen=True, slots=True)
class _Store:
    """A store, its rows, and what the catalogue knows of other recordings."""

    name: str
    store: ZarrStore
    row: Row
    arrays: Mapping[str, Row]
    others: Mapping[str, Row]
    there: frozenset[str]

    @property
    def opened(self) -> RecordingStore:
        """The store as reading opens it."""
        manifest = object_of(self.store.attributes.get("recording_manifest"))
        path = inside(str(field_of(self.row, "recordings", "zarr_path")))
        return RecordingStore(self.name, path, self.store, manifest)


def audit_store(
    root: Path, row: Row, arrays: Mapping[str, Row], others: Mapping[str, Row]
) -> Iterator[Finding]:
    """Hold one store against its rows; values are read, but not decoded.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    row : mapping
        The recording's row.
    arrays : mapping of str to row
        The rows of its arrays, by path.
    others : mapping of str to row
        The rows of all recordings, by id.

    Yields
    ------
    Finding
        One a problem.

    Raises
    ------
    DataMissingError, DataCorruptError
        If the store cannot be opened.
    """
    path = root / inside(str(field_of(row, "recordings", "zarr_path")))
    name = str(field_of(row, "recordings", "recording_id"))
    store = open_store(path)
    audited = _Store(name, store, row, arrays, others, frozenset(list_arrays(path)))
    checks: tuple[Callable[[_Store], Iterator[Finding]], ...] = (
        _check_identity,
        _check_paths,
        _check_arrays,
        _check_times,
        _check_counts,
        _check_steps,
        _check_sectors,
        _check_panels,
    )
    for check in checks:
        yield from _guarded(name, partial(check, audited))


def error(kind: str, where: str, problem: str, remedy: str) -> Finding:
    """Make the finding of something that is broken."""
    return Finding("error", where, problem, remedy, kind)


def warning(kind: str, where: str, problem: str, remedy: str) -> Finding:
    """Make the finding of something that is worth knowing."""
    return Finding("warning", where, problem, remedy, kind)


def list_arrays(path: Path) -> list[str]:
    """List the arrays of a store by its files, though some cannot be opened."""
    if path.is_dir():
        files = {
            file.relative_to(path).as_posix(): file.read_bytes
            for name in (".zarray", "zarr.json")
            for file in path.rglob(name)
        }
        return sorted(_array_names(files))
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return sorted(_array_names({n: partial(archive.read, n) for n in names}))


def _array_names(files: Mapping[str, Callable[[], bytes]]) -> Iterator[str]:
    """Yield the folders whose metadata is that of an array."""
    for name, read in files.items():
        for ending in _METADATA:
            if name.endswith(ending) and b'"group"' not in read():
                yield name.removesuffix(ending)


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Make a finding of what a check stumbles over; the next check goes on."""
    try:
        yield from check()
    except (CardiumError, zipfile.BadZipFile) as problem:
        yield error("unreadable-store", name, str(problem), _RESTORE)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as problem:
        said = f"The store or its rows are not what the format says: {problem!r}."
        yield error("unreadable-store", name, said, _RESTORE)


def _check_identity(audited: _Store) -> Iterator[Finding]:
    """Expect the store that the row means, with a manifest."""
    attributes = audited.store.attributes
    if not isinstance(attributes.get("recording_manifest"), Mapping):
        found = f"{attributes.get('recording_manifest')!r:.80}"
        problem = f"Its 'recording_manifest' is {found}, expected an object."
        yield error("no-manifest", audited.name, problem, _RESTORE)
    for key in ("exam_id", "recording_id"):
        own, stated = attributes.get(key), field_of(audited.row, "recordings", key)
        if own is not None and own != stated:
            problem = f"The store is of {key} '{own}', its row of '{stated}'."
            yield error("other-recording", audited.name, problem, _RESTORE)


def _check_paths(audited: _Store) -> Iterator[Finding]:
    """Expect what is listed to be there, and what is there to be listed."""
    stated = field_of(audited.row, "recordings", "array_paths")
    listed = [p for p in stated if isinstance(p, str)] if stated else []
    for path in dict.fromkeys([*listed, *audited.arrays]):
        if path not in audited.there:
            problem = f"'{path}' is listed and is not in the store."
            yield error("missing-array", audited.name, problem, _RESTORE)
    for path in sorted(audited.there - {*listed}):
        problem = f"'{path}' is in the store, and array_paths does not list it."
        remedy = "Nothing, if it is not wanted: what is not listed is not read."
        yield warning("unlisted-array", audited.name, problem, remedy)


def _check_arrays(audited: _Store) -> Iterator[Finding]:
    """Expect the shapes, the types and the values that the rows state."""
    unlike: list[Finding] = []
    hashed = 0
    for path in sorted(audited.there):
        row = audited.arrays.get(path, {})
        try:
            stored = audited.store.open_array(path)
            values = stored[:]
        except CardiumError as raised:
            yield error("unreadable-array", audited.name, str(raised), _RESTORE)
            continue
        shape, dtype = (field_of(row, "arrays", key) for key in ("shape", "dtype"))
        digest = field_of(row, "arrays", "data_sha256")
        if shape and list(values.shape) != shape:
            problem = f"'{path}' has the shape {list(values.shape)}, its row {shape}."
            yield error("wrong-shape", audited.name, problem, _RESTORE)
        elif dtype and values.dtype.name != dtype:
            problem = f"'{path}' is {values.dtype.name}, its row says {dtype}."
            yield error("wrong-dtype", audited.name, problem, _RESTORE)
        elif isinstance(digest, str) and digest:
            hashed += 1
            found = hash_values(values)
            if found != digest:
                problem = f"'{path}' has SHA-256 {found[:12]}…, its row {digest[:12]}…."
                unlike.append(error("wrong-hash", audited.name, problem, _RESTORE))
    if len(unlike) > 2 and len(unlike) == hashed:
        problem = f"None of its {hashed} arrays has the SHA-256 that its row states."
        remedy = "Either all are others, or the source hashes in another way."
        yield warning("wrong-hash", audited.name, problem, remedy)
    else:
        yield from unlike


def _check_times(audited: _Store) -> Iterator[Finding]:
    """Expect times that ascend, one a sample."""
    opened = audited.opened
    for path in sorted(p for p in audited.there if p.startswith("timestamps/")):
        try:
            times = np.asarray(audited.store.open_array(path)[:], np.float64)
        except CardiumError:
            continue
        if not np.isfinite(times).all():
            bad = int((~np.isfinite(times)).sum())
            problem = f"'{path}' has {bad} times that are not finite."
            yield error("bad-times", audited.name, problem, _RESTORE)
        elif times.ndim != 1 or (np.diff(times) <= 0).any():
            problem = f"'{path}' does not ascend."
            yield error("bad-times", audited.name, problem, _RESTORE)
    for path in (p for p in PATHS.values() if p in audited.there):
        try:
            times_path = opened.find_times(path, opened.find_sector(path))
            samples, count = (
                audited.store.open_array(p).shape[0] for p in (path, times_path)
            )
        except DataMissingError as raised:
            yield error("missing-times", audited.name, str(raised), _RESTORE)
            continue
        except CardiumError:
            continue
        if samples != count:
            problem = f"'{path}' has {samples} samples, '{times_path}' {count} times."
            yield error("bad-times", audited.name, problem, _RESTORE)


def _check_counts(audited: _Store) -> Iterator[Finding]:
    """Expect counts to be those of an array of the content type."""
    counts = field_of(audited.row, "recordings", "frame_counts_by_content_type")
    for content, count in object_of(counts).items():
        found = {
            s.shape[0] for s in map(audited.store.open_array, _of(audited, content))
        }
        if found and count is not None and count not in found:
            stored = " or ".join(map(str, sorted(found)))
            problem = f"Its row counts {count} of '{content}', the store has {stored}."
            yield error("wrong-count", audited.name, problem, _RESTORE)


def _check_steps(audited: _Store) -> Iterator[Finding]:
    """Expect steps to be those of an array of the content type."""
    stated = field_of(audited.row, "recordings", "median_delta_time_by_content_type")
    for content, step in object_of(stated).items():
        found = [m for m in (_step(audited, p) for p in _of(audited, content)) if m]
        near = [m for m in found if abs(m - step) <= _SAME_STEP * abs(step)]
        if found and not near:
            problem = (
                f"Its row says {step:g} s between samples of '{content}', the store "
                f"{found[0]:g} s."
            )
            yield warning("wrong-step", audited.name, problem, _RESTORE)


def _step(audited: _Store, path: str) -> float | None:
    """Return the median step of an array's times; None if they have none."""
    opened = audited.opened
    try:
        times = audited.store.open_array(
            opened.find_times(path, opened.find_sector(path))
        )[:].astype(np.float64)
    except CardiumError:
        return None
    if times.ndim != 1 or len(times) < 2 or not np.isfinite(times).all():
        return None
    return float(np.median(np.diff(times)))


def _of(audited: _Store, content: str) -> list[str]:
    """List the arrays of a content type, or of that name."""
    names = [PATHS[name] for name, kind in CONTENT.items() if kind == content]
    names.append(f"data/{content}")
    if content == TISSUE_CONTENT:
        names.append(PATHS["tissue_velocity"])
    if content.endswith("_strain"):
        drawn = ("_contour", "_curve")
        names += [p for p in audited.there if p.endswith(drawn)]
    return [p for p in dict.fromkeys(names) if p in audited.there]


def _check_sectors(audited: _Store) -> Iterator[Finding]:
    """Expect velocities to have a limit, and images a geometry that is possible."""
    opened = audited.opened
    for name in (n for n in _IMAGES if PATHS[n] in audited.there):
        path = PATHS[name]
        sector = opened.find_sector(path)
        limit = first_of(sector, *_LIMITS)
        if name in _FLOW and not (as_number(limit) or 0) > 0:
            problem = f"'{path}' has the velocity limit {limit!r}, expected one in m/s."
            remedy = (
                "Ask the source; without it velocities cannot be decoded or folded."
            )
            yield error("no-velocity-limit", audited.name, problem, remedy)
            continue
        if sector.get("geometry") is None:
            problem = f"'{path}' states no geometry, so that it lies nowhere."
            remedy = "Ask the source; the values can be read without it."
            yield warning("no-geometry", audited.name, problem, remedy)
        try:
            shape = audited.store.open_array(path).shape
            read = read_volume if name == "b_mode_3d" else read_sector
            read(sector.get("geometry"), shape, f"'{path}'")
        except GeometryError as raised:
            yield error("bad-geometry", audited.name, str(raised), _RESTORE)
        except CardiumError:
            continue  # the check of arrays has said why


def _check_panels(audited: _Store) -> Iterator[Finding]:
    """Expect panels and volumes to lead to recordings of the catalogue."""
    manifest = audited.opened.manifest
    linked = [
        object_of(p.get("linked_recording"))
        for p in objects(manifest.get("linked_panels"))
    ]
    linked.append(object_of(manifest.get("linked_volume")))
    for stated in linked:
        name = first_of(stated, "recording_id", "linked_recording_id")
        path = stated.get("recording_zarr_path")
        if not isinstance(name, str) or not name:
            continue
        row = audited.others.get(name)
        expected = field_of(row, "recordings", "zarr_path") if row else None
        if row is None:
            problem = f"Its manifest leads to '{name}', which the catalogue lacks."
            yield error("broken-link", audited.name, problem, _RESTORE)
        elif isinstance(path, str) and path != expected:
            problem = f"Its manifest has '{name}' at '{path}', its row at '{expected}'."
            yield error("broken-link", audited.name, problem, _RESTORE)
