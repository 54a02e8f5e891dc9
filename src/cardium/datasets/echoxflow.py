"""EchoXFlow: beamspace echocardiograms with Doppler, ECG and strain contours.

Layout, as released::

    croissant.json      the catalogue: record sets recordings, arrays, recording_links
    splits.csv          exam_id,five_fold_split     (or five_fold_split.csv)
    <zarr_path>         one Zarr store a recording, format 2 or 3, folder or zip file

What is read: ``b_mode`` (time, range, beam) in grey levels, ``tissue_velocity`` and
``colour_velocity`` in m/s with their Nyquist limits, ``colour_power`` 0..1, each with
the sector it was sampled in, ``ecg`` (time,) in arbitrary units; ``qrs``, whose values
and times are those of the QRS complexes; and ``lv_contour`` (time, layer, point, xz) in
metres, five layers from the endocardium to the epicardium.

A recording is one entry. An analysis of left-ventricular strain is one entry a view,
``<recording_id>.4ch``: the contours with the B-mode they were drawn on, which lies in
another recording, with the geometry and the times that the analysis states. Analyses
of other chambers are entries without contours.

What is changed: velocities are decoded to m/s when they are read. The release names no
patients; `patient` is the examination, which is what its five folds are made of, so
two examinations of one patient count as two. Without a fold file `split` is empty.

What is not read: volumes, M-mode, spectra, meshes, strain curves.

References
----------
EchoXFlow, arXiv 2605.05447, 2026. https://arxiv.org/abs/2605.05447
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import Catalog, Dataset, Entry, Info, KnownAnswer, Label, Recording
from cardium.datasets._echoxflow.layout import (
    CATALOGUE,
    FOLD_COLUMNS,
    FOLD_FILES,
    FOLDS,
    LA_STRAIN,
    LV_ROLES,
    LV_STRAIN,
    PATHS,
)
from cardium.datasets._echoxflow.writer import TRUTH, write_examinations
from cardium.datasets._files import inside, require
from cardium.errors import DataCorruptError, InvalidArgumentError, SplitLeakError
from cardium.io.croissant import Croissant, LinkRow, RecordingRow, read_croissant

if TYPE_CHECKING:
    from cardium.core import Stream

__all__ = [
    "DATASET",
    "INFO",
    "index",
    "load",
    "write_examinations",
    "write_fake",
    "write_phantom",
]

INFO = Info(
    title="EchoXFlow",
    summary="Clinical echocardiograms as acquired: B-mode, tissue, colour and spectral "
    "Doppler in beamspace, volumes, ECG and annotations, of 666 examinations of 622 "
    "patients.",
    version="1.0",
    url="https://github.com/Ahus-AIM/EchoXFlow",
    license="CC BY-NC-SA 4.0",
    citation="arXiv:2605.05447",
    access="Follow the link to the data at https://github.com/Ahus-AIM/EchoXFlow, "
    "accept the licence (CC BY-NC-SA 4.0, no commercial use), and unpack the release "
    "so that croissant.json lies in its folder.",
)
_Links = Mapping[str, Mapping[str, RecordingRow]]


def index(root: Path) -> Catalog:
    """Read the catalogue and the folds; open no recording.

    Parameters
    ----------
    root : Path
        The folder that holds ``croissant.json``.

    Returns
    -------
    Catalog
        In the catalogue's order. What an entry provides is taken from its
        ``array_paths``, which the format says to trust.

    Raises
    ------
    DataMissingError
        If there is no catalogue.
    DataCorruptError
        If the catalogue or the folds are not what the format says, a store lies
        outside the root, or an examination is in no fold.
    SplitLeakError
        If an examination is in two folds.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.io.croissant import write_croissant
    >>> row = RecordingRow("exam1", "r1", "r1.zarr", array_paths=("data/ecg",))
    >>> with TemporaryDirectory() as folder:
    ...     write_croissant(
    ...         Path(folder) / "croissant.json", recordings=[row], name="one",
    ...         description="", license="", url="", version="", cite_as="",
    ...         date_published="2026-01-31",
    ...     )
    ...     entry = index(Path(folder))["r1"]
    >>> entry.patient, entry.split, "ecg" in entry.provides
    ('exam1', '', True)
    """
    croissant = read_croissant(require(root, CATALOGUE, INFO))
    folds = _read_folds(root)
    links = _resolve_links(croissant)
    views = _find_views(croissant.links)
    return Catalog(
        tuple(
            entry
            for row in croissant.recordings
            for entry in _make_entries(row, _fold_of(row, folds, root), links, views)
        )
    )


def load(root: Path, entry: Entry) -> Recording:
    """Open one recording, or one view of a strain analysis.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    entry : Entry
        A row of the catalog.

    Returns
    -------
    Recording
        Values are read when sliced. Tissue Doppler whose codes cannot be decoded,
        for want of a velocity limit, raises when it is read; the rest is readable.

    Raises
    ------
    DataMissingError
        If the store or one of its arrays is not there.
    DataCorruptError
        If it is not what the format says.
    GeometryError
        If a sector contradicts itself.
    """
    from cardium.datasets._echoxflow.store import open_qrs, open_recording
    from cardium.datasets._echoxflow.strain import open_panel
    from cardium.datasets._echoxflow.streams import MODALITIES, open_stream

    opened = open_recording(root, entry.files[0], entry.id)
    streams: dict[str, Stream] = {}
    annotations: dict[str, Stream | None] = {}
    links: tuple[str, ...] = ()
    if "lv_contour" in entry.provides:
        panel = open_panel(root, opened, entry.id.rpartition(".")[2])
        annotations["qrs"] = open_qrs(opened, f"{panel.role}_")
        annotations["lv_contour"] = panel.open_contour()
        streams["b_mode"] = panel.open_b_mode()
        opened, links = panel.images, (panel.images.recording,)
    else:
        annotations["qrs"] = open_qrs(opened)
    for name, modality in MODALITIES.items():
        if name in entry.provides and name not in streams:
            streams[name] = open_stream(opened, modality)
    kept = {k: v for k, v in annotations.items() if v is not None}
    return Recording(entry, MappingProxyType(streams), MappingProxyType(kept), links)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write five examinations of a phantom, one a fold, in every kind of store.

    Each has a tissue Doppler recording, a B-mode recording and a strain analysis of
    it; the first has colour Doppler of a known flow as well.

    Parameters
    ----------
    root : Path
        The folder to write.

    Returns
    -------
    tuple of KnownAnswer
        What reading it must give back, a recording each, in the catalog's order.
    """
    from cardium.datasets._echoxflow.writer import write_known_examinations
    from cardium.phantom.exam import simulate

    return write_known_examinations(root, (simulate(seed) for seed in range(FOLDS)))


def write_phantom(
    root: Path,
    *,
    exams: int = 10,
    preset: str = "tiny",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[dict[str, str | float]]:
    """Write simulated patients as a dataset in EchoXFlow's layout.

    Parameters
    ----------
    root : Path
        The folder to write; it must be empty or not exist.
    exams : int
        Number of examinations, one a patient, dealt to five folds in turn.
    preset : {"tiny", "full"}
        See `cardium.phantom.exam.simulate`.
    seed : int
        Another seed draws other patients.
    progress : function (done, total), optional
        Called after each examination.

    Returns
    -------
    list of dict
        What is true of each examination, as in ``truth.csv``: ``exam_id``, ``edv_ml``,
        ``esv_ml``, ``ef_percent``.

    Raises
    ------
    InvalidArgumentError
        If the folder has something in it, or `exams` is not positive.
    UnknownNameError
        If there is no such preset.
    """
    from cardium.phantom.exam import simulate

    if exams < 1 or seed < 0:
        raise InvalidArgumentError(
            f"exams must be positive and seed not negative, got {exams} and {seed}."
        )
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise InvalidArgumentError(
            f"'{root}' is not an empty folder. Name a new one, or empty it."
        )
    patients = np.random.SeedSequence(seed).generate_state(exams)
    write_examinations(
        root,
        (simulate(int(patient), preset=preset) for patient in patients),
        progress=None if progress is None else lambda done: progress(done, exams),
    )
    with (root / TRUTH).open(newline="", encoding="utf-8") as file:
        return [
            {k: v if k == "exam_id" else float(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def _read_folds(root: Path) -> Mapping[str, int] | None:
    """Read the fold of each examination; None where the release has no fold file."""
    path = next((root / n for n in FOLD_FILES if (root / n).is_file()), None)
    if path is None:
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = next((c for c in FOLD_COLUMNS if rows and c in rows[0]), None)
    if column is None or "exam_id" not in rows[0]:
        raise DataCorruptError(
            f"'{path}' must have rows with the columns exam_id and "
            f"{' or '.join(FOLD_COLUMNS)}."
        )
    folds: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        exam, text = (row["exam_id"] or "").strip(), (row[column] or "").strip()
        if not exam or text not in map(str, range(FOLDS)):
            raise DataCorruptError(
                f"'{path}', line {number}: expected an examination and a fold "
                f"0..{FOLDS - 1}, found '{exam}' and '{text}'."
            )
        if folds.setdefault(exam, int(text)) != int(text):
            raise SplitLeakError(
                f"'{path}', line {number}: examination '{exam}' is in fold "
                f"{folds[exam]} and in fold {text}. Get the file again."
            )
    return folds


def _fold_of(row: RecordingRow, folds: Mapping[str, int] | None, root: Path) -> str:
    """Name the split of a recording; empty where the release has no folds."""
    if folds is None:
        return ""
    if row.exam_id not in folds:
        raise DataCorruptError(
            f"Examination '{row.exam_id}' (recording '{row.recording_id}') is in "
            f"'{root / CATALOGUE}' but in none of the folds. Get the fold file again."
        )
    return f"fold{folds[row.exam_id]}"


def _resolve_links(croissant: Croissant) -> _Links:
    """Find the images of each view of each analysis."""
    rows = {row.recording_id: row for row in croissant.recordings}
    found: dict[str, dict[str, RecordingRow]] = {}
    for link in croissant.links:
        images = rows.get(link.linked_recording_id)
        if images is None:
            raise DataCorruptError(
                f"'{croissant.path}': recording '{link.source_recording_id}' is linked "
                f"to '{link.linked_recording_id}', which is not in the catalogue."
            )
        panels = found.setdefault(link.source_recording_id, {})
        panels[link.panel_role_id.lower()] = images
    return found


def _find_views(links: Iterable[LinkRow]) -> Mapping[str, str]:
    """Name the view of each recording that an analysis was drawn on."""
    views: dict[str, set[str]] = {}
    for link in links:
        if link.panel_role_id.lower() in LV_ROLES:
            found = views.setdefault(link.linked_recording_id, set())
            found.add(link.panel_role_id.upper())
    return {k: next(iter(v)) for k, v in views.items() if len(v) == 1}


def _make_entries(
    row: RecordingRow, split: str, links: _Links, views: Mapping[str, str]
) -> Iterator[Entry]:
    """Make the entry of a recording, or of each view of a strain analysis."""
    path = inside(row.zarr_path)
    there = row.array_paths
    roles = [r for r in _contoured(row) if f"data/{r}_contour" in there]
    if not roles:
        labels = {"view": views[row.recording_id]} if row.recording_id in views else {}
        provides = _streams_in(there) | _qrs_in(there, "")
        yield _entry(row, row.recording_id, split, (path,), provides, labels)
    for role in roles:
        images = links.get(row.recording_id, {}).get(role)
        provides = frozenset({"lv_contour"}) | _qrs_in(there, f"{role}_")
        files: tuple[PurePosixPath, ...] = (path,)
        if images is not None:
            provides |= _streams_in(images.array_paths) & {"b_mode", "ecg"}
            files = (path, inside(images.zarr_path))
        name = f"{row.recording_id}.{role}"
        yield _entry(row, name, split, files, provides, {"view": role.upper()})


def _contoured(row: RecordingRow) -> tuple[str, ...]:
    """List the views that may have left-ventricular contours.

    Analyses of the left atrium name their arrays alike, so that a recording of both
    does not say whose contours it holds.
    """
    ventricle = LV_STRAIN in row.content_types and LA_STRAIN not in row.content_types
    return LV_ROLES if ventricle else ()


@lru_cache(maxsize=1024)
def _streams_in(arrays: tuple[str, ...]) -> frozenset[str]:
    """Name the streams whose arrays a recording has."""
    return frozenset(name for name, path in PATHS.items() if path in arrays)


@lru_cache(maxsize=1024)
def _qrs_in(arrays: tuple[str, ...], prefix: str) -> frozenset[str]:
    """Say whether a recording has the times of the QRS complexes."""
    places = {f"timestamps/{prefix}ecg_qrs", f"data/{prefix}ecg_qrs"}
    return frozenset() if places.isdisjoint(arrays) else frozenset({"qrs"})


def _entry(
    row: RecordingRow,
    name: str,
    split: str,
    files: tuple[PurePosixPath, ...],
    provides: frozenset[str],
    view: Mapping[str, Label],
) -> Entry:
    """Make one entry, with what the catalogue says of its recording."""
    labels = {"content_types": row.content_types, "modes": row.modes, **view}
    return Entry(
        id=name,
        patient=row.exam_id,
        split=split,
        provides=provides | labels.keys(),
        files=files,
        labels=MappingProxyType(labels),
        exam=row.exam_id,
    )


DATASET = Dataset(
    name="echoxflow",
    info=INFO,
    provides=frozenset(PATHS) | {"qrs", "lv_contour", "content_types", "modes", "view"},
    index=index,
    load=load,
    write_fake=write_fake,
)
"""The dataset, for the registry."""
