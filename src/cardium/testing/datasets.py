"""The contract of a dataset: it reads back what its fake was written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np

from cardium.core import (
    UNLABELLED,
    Catalog,
    Dataset,
    Geometry,
    KnownAnswer,
    Label,
    Mark,
    Mesh,
    OpenDataset,
    Recording,
    Stream,
    geometry_to_dict,
)
from cardium.errors import CardiumError, DataMissingError
from cardium.testing.expect import ConformanceError, expect


def check_dataset(dataset: Dataset, folder: Path) -> None:
    """Hold a dataset to its contract, on the fake it writes.

    Parameters
    ----------
    dataset : Dataset
        The dataset.
    folder : Path
        An empty folder to write to.

    Raises
    ------
    ConformanceError
        If the data sheet has a gap; if the catalog differs from the known one in
        order, patients, splits or labels; if a stream differs in values, times, axes,
        unit, geometry or names; if a mesh, a mark, a gate or a link differs; if a
        slice is not the slice of the whole; if a missing folder or a truncated file
        gives no clear error.
    """
    _check_info(dataset)
    root = folder / "whole"
    root.mkdir(parents=True)
    known = dataset.write_fake(root)
    data = dataset.open(root)
    _check_catalog(dataset, data.catalog, known)
    for answer in known:
        _check_recording(data, answer)
    _check_missing(dataset, folder)
    _check_truncated(dataset, folder)


def _check_info(dataset: Dataset) -> None:
    """Every line of the data sheet that is not optional must say something."""
    for field in fields(dataset.info):
        value = getattr(dataset.info, field.name)
        expect(
            value or field.name in ("checksums", "download"),
            f"{dataset.name}: info.{field.name} is empty.",
        )


def _check_catalog(
    dataset: Dataset, catalog: Catalog, known: tuple[KnownAnswer, ...]
) -> None:
    """Hold the rows against the known ones, in order."""
    name = dataset.name
    ids = [entry.id for entry in catalog]
    want = [answer.recording.entry.id for answer in known]
    expect(ids == want, f"{name}: the catalog lists {ids}, the fake holds {want}.")
    for entry, answer in zip(catalog, known, strict=True):
        there = answer.recording.entry
        for field in ("patient", "split", "exam", "provides", "files"):
            got, expected = getattr(entry, field), getattr(there, field)
            expect(
                got == expected,
                f"{name}: {field} of '{entry.id}' is {got!r}, expected {expected!r}.",
            )
        _check_labels(entry.id, entry.labels, there.labels)
    listed = frozenset().union(*(entry.provides for entry in catalog))
    expect(
        listed == dataset.provides,
        f"{name}: the dataset says it provides {sorted(dataset.provides)}, "
        f"its fake holds {sorted(listed)}.",
    )


def _check_labels(
    recording: str, got: Mapping[str, Label], want: Mapping[str, Label]
) -> None:
    """Hold labels against the known ones; NaN equals NaN."""
    expect(
        set(got) == set(want),
        f"labels of '{recording}' are {sorted(got)}, expected {sorted(want)}.",
    )
    for key, value in want.items():
        same = got[key] == value or (got[key] != got[key] and value != value)
        expect(same, f"label {key} of '{recording}': {got[key]!r}, expected {value!r}.")


def _check_recording(data: OpenDataset, answer: KnownAnswer) -> None:
    """Open one recording and hold every stream against the known one."""
    entry = answer.recording.entry
    recording = data[entry.id]
    for part in ("streams", "annotations"):
        got, want = getattr(recording, part), getattr(answer.recording, part)
        expect(
            set(got) == set(want),
            f"{part} of '{entry.id}' are {sorted(got)}, expected {sorted(want)}.",
        )
        for name, stream in want.items():
            where = f"'{name}' of '{entry.id}'"
            _check_stream(where, got[name], stream, answer.tolerance.get(name, 0.0))
    _check_drawn(recording, answer)
    parts = (recording.streams, recording.annotations, recording.meshes, entry.labels)
    there = {name for part in parts for name in part}
    expect(
        entry.provides <= there,
        f"'{entry.id}' says it provides {sorted(entry.provides - there)}, "
        "which it does not have.",
    )


def _check_drawn(recording: Recording, answer: KnownAnswer) -> None:
    """Hold links, meshes, marks and gates against the known ones."""
    want, where = answer.recording, answer.recording.entry.id
    expect(
        recording.links == want.links,
        f"links of '{where}' are {recording.links}, expected {want.links}.",
    )
    expect(
        set(recording.meshes) == set(want.meshes),
        f"meshes of '{where}' are {sorted(recording.meshes)}, "
        f"expected {sorted(want.meshes)}.",
    )
    for name, mesh in want.meshes.items():
        allowed = max(answer.tolerance.get(name, 0.0), 1e-6)
        _check_mesh(f"'{name}' of '{where}'", recording.meshes[name], mesh, allowed)
    got, known = (sorted(r.marks, key=_mark_key) for r in (recording, want))
    expect(
        [(m.label, m.on, m.dims) for m in got]
        == [(m.label, m.on, m.dims) for m in known],
        f"marks of '{where}' are {got}, expected {known}.",
    )
    for mark, other in zip(got, known, strict=True):
        same = mark.points.shape == other.points.shape and np.allclose(
            mark.points, other.points, rtol=0, atol=1e-6, equal_nan=True
        )
        clocks = [m.time if m.time is not None else np.zeros(0) for m in (mark, other)]
        same &= len(clocks[0]) == len(clocks[1]) and np.allclose(
            clocks[0], clocks[1], rtol=0, atol=1e-6
        )
        expect(same, f"mark of '{where}' is {mark}, expected {other}.")
    gates, known_gates = (sorted(map(repr, r.gates)) for r in (recording, want))
    expect(
        gates == known_gates, f"gates of '{where}' are {gates}, expected {known_gates}."
    )


def _mark_key(mark: Mark) -> tuple[object, ...]:
    """Sort marks by what they are, and those of one label by their place."""
    return mark.on, mark.label, mark.points.round(6).tolist()


def _check_mesh(where: str, got: Mesh, want: Mesh, tolerance: float) -> None:
    """Hold one mesh against the known one, frame by frame."""
    expect(
        len(got) == len(want) and np.allclose(got.time, want.time, rtol=0, atol=1e-6),
        f"times of {where} are {got.time}, expected {want.time}.",
    )
    for number in range(len(want)):
        (points, faces), (known, corners) = got.frame(number), want.frame(number)
        same = points.shape == known.shape and np.allclose(
            points, known, rtol=0, atol=tolerance
        )
        expect(same, f"points of {where} differ in frame {number}.")
        expect(
            np.array_equal(faces, corners),
            f"faces of {where} differ in frame {number}.",
        )


def _check_stream(where: str, got: Stream, want: Stream, tolerance: float) -> None:
    """Hold one stream against the known one."""
    for field in ("dims", "unit", "shape"):
        expect(
            getattr(got, field) == getattr(want, field),
            f"{field} of {where}: {getattr(got, field)}, "
            f"expected {getattr(want, field)}.",
        )
    names = {k: tuple(v) for k, v in want.coords.items()}
    expect(dict(got.coords) == names, f"coords of {where}: {dict(got.coords)}.")
    expect(
        np.allclose(got.time, want.time, rtol=0, atol=1e-6),
        f"times of {where} differ from the known ones by more than 1 microsecond.",
    )
    limits = (got.velocity_limit or np.nan, want.velocity_limit or np.nan)
    expect(
        np.allclose(*limits, rtol=1e-6, equal_nan=True),
        f"velocity limit of {where}: {limits[0]} m/s, expected {limits[1]} m/s.",
    )
    expect(
        set(got.axes) == set(want.axes)
        and all(
            np.allclose(got.axes[k], v, rtol=1e-6, atol=1e-9)
            for k, v in want.axes.items()
        ),
        f"axes of {where} are {dict(got.axes)}, expected {dict(want.axes)}.",
    )
    _check_geometry(where, got.geometry, want.geometry)
    values, known = got.load(), want.load()
    apart = np.abs(values.astype(np.float64) - known.astype(np.float64))
    one_sided = np.isnan(values.astype(np.float64)) != np.isnan(
        known.astype(np.float64)
    )
    worst = float(np.nanmax(apart, initial=0.0))
    expect(
        not one_sided.any() and worst <= tolerance,
        f"values of {where} are off by up to {worst:g} {want.unit}, "
        f"allowed {tolerance:g}.",
    )
    part = slice(1, 3)
    expect(
        np.array_equal(
            got.samples(part).load(), values[part], equal_nan=values.dtype.kind == "f"
        ),
        f"a slice of {where} is not the slice of the whole.",
    )
    if want.unit == "label":
        codes = set(np.unique(values).tolist()) - {UNLABELLED}
        expect(
            codes <= set(range(len(got.coords["label"]))),
            f"{where} holds the codes {sorted(codes)}, "
            f"but names {got.coords['label']}.",
        )


def _check_geometry(where: str, got: Geometry | None, want: Geometry | None) -> None:
    """Geometries agree in kind and shape, and in place to a nanometre."""
    expect(type(got) is type(want), f"geometry of {where}: {got}, expected {want}.")
    one, other = geometry_to_dict(got) or {}, geometry_to_dict(want) or {}
    for key in (one.keys() | other.keys()) - {"type"}:
        ends = one.get(key), other.get(key)
        near = ends[0] == ends[1] or (
            None not in ends
            and not isinstance(ends[1], str)
            and np.allclose(np.array(ends[0]), np.array(ends[1]), rtol=0, atol=1e-9)
        )
        expect(
            near,
            f"geometry of {where}: {key} is {ends[0]}, expected {ends[1]}.",
        )


def _check_missing(dataset: Dataset, folder: Path) -> None:
    """Expect a missing and an empty folder to be missing data, by name."""
    empty = folder / "empty"
    empty.mkdir()
    for root in (folder / "nowhere", empty):
        try:
            dataset.open(root).catalog  # noqa: B018 - reading it is the point
        except DataMissingError as error:
            expect(
                str(root) in str(error),
                f"{dataset.name}: the error for a missing root does not name it.",
            )
            continue
        raise ConformanceError(f"{dataset.name}: '{root}' raised no DataMissingError.")


def _check_truncated(dataset: Dataset, folder: Path) -> None:
    """Half a file is an error of cardium's, or does not change what is read."""
    root = folder / "truncated"
    root.mkdir()
    first = dataset.write_fake(root)[0]
    entry = first.recording.entry
    files = [
        path
        for name in entry.files
        for path in (
            (root / name).rglob("*") if (root / name).is_dir() else [root / name]
        )
        if path.is_file()
    ]
    expect(files, f"{dataset.name}: '{entry.id}' names no file that exists.")
    refused = 0
    for path in files:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        try:
            _check_recording(dataset.open(root), first)
        except CardiumError:
            refused += 1
        finally:
            path.write_bytes(whole)
    expect(
        refused, f"{dataset.name}: no truncated file of '{entry.id}' gives an error."
    )
