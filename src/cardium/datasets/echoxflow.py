"""EchoXFlow: beamspace echocardiograms with Doppler, ECG and strain contours.

Layout, as released::

    croissant.json      the catalogue: record sets recordings, arrays, recording_links
    splits.csv          exam_id,five_fold_split     (or five_fold_split.csv)
    <zarr_path>         one Zarr store a recording, format 2 or 3, folder or zip file

What is read, time first, each array with the times and the geometry it was sampled
with:

- ``b_mode`` (time, range, beam), ``b_mode_0`` to ``b_mode_2`` for the planes of a
  biplane or triplane view, ``b_mode_biplane`` and ``b_mode_triplane`` where they are in
  one array, and ``b_mode_3d`` (time, elevation, azimuth, range), in grey levels;
- ``tissue_velocity`` and ``colour_velocity`` in m/s with their Nyquist limits, and
  ``colour_power`` 0..1;
- ``m_mode`` (time, range), ``pulsed_wave`` and ``continuous_wave`` (time, velocity) in
  grey levels, with the depth [m] or the velocity [m/s] of each row;
- ``ecg`` (time,) in arbitrary units, and any other array that has times, as stored.

Annotations: ``qrs``, whose values and times are those of the QRS complexes;
``lv_contour``, ``la_contour`` and ``rv_contour`` (time, layer, point, xz) in metres,
five layers from the inside out, three of the right ventricle; ``lv_strain`` … in
percent, (time,) or (time, segment); masks by their stored name. `Recording.meshes` has
``lv_mesh``, in the frame of the volume; `Recording.marks` landmarks, calipers and
traces; `Recording.gates` sample volumes and cursor lines. All of these are opened when
they are asked for: what is wrong with one raises then, and leaves the images readable.
A stream that is wrong raises when its recording is opened.

A recording is one entry. A strain analysis is one entry a view, ``<recording_id>.4ch``:
contours and curve with the B-mode they were drawn on, which lies in another recording,
with the geometry and the times that the analysis states. The content type says which
chamber it is; where it does not, the names are ``contour`` and ``strain``. A mesh has
the volume of the recording that it was drawn on. Where a link leads to no recording of
the catalogue, the entry lacks those images.

What is changed: velocities are decoded to m/s when they are read, meshes turned to the
frame of their volume, times of volumes counted from their origin, with all else on that
clock. Points on spectra whose unit is not stated are taken for m/s, rows or cm/s, by
where they lie. The release names no patients; `patient` is the examination, which is
what its five folds are made of, so two examinations of one patient count as two. A fold
file with a column ``patient_id``, as `Writer` makes it, names them. Without a fold file
`split` is empty.

Writers of Zarr may leave out a chunk of nothing but the fill value. Where that is
likely, in a signal, a flow, a mask or a part of each image, such a chunk is read as the
fill value; an image or an outline as a whole that is not there was lost, and is an
error. ``cardium verify`` holds arrays against the hashes of the catalogue besides.

References
----------
EchoXFlow, arXiv 2605.05447, 2026. https://arxiv.org/abs/2605.05447
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from cardium.core import (
    Catalog,
    Check,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Progress,
    Recording,
    Rows,
    need,
)
from cardium.datasets._echoxflow.entries import make_entries
from cardium.datasets._echoxflow.exams import write_examinations
from cardium.datasets._echoxflow.folds import read_folds, read_patients
from cardium.datasets._echoxflow.labels import LABELS
from cardium.datasets._echoxflow.layout import ANNOTATIONS, CATALOGUE, FOLDS, PATHS
from cardium.datasets._echoxflow.links import Link, find_links
from cardium.datasets._echoxflow.selection import select
from cardium.datasets._echoxflow.truth import Row
from cardium.datasets._echoxflow.writer import Writer, write_recordings
from cardium.datasets._files import make_root, require
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.io.croissant import read_croissant

__all__ = [
    "DATASET",
    "INFO",
    "Link",
    "Writer",
    "index",
    "links",
    "load",
    "select",
    "write_examinations",
    "write_fake",
    "write_phantom",
    "write_recordings",
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
    >>> from cardium.core.files import write_json
    >>> row = {"exam_id": "exam1", "recording_id": "r1", "zarr_path": "r1.zarr",
    ...        "array_paths": ["data/ecg"]}
    >>> with TemporaryDirectory() as folder:
    ...     write_json(
    ...         Path(folder) / "croissant.json",
    ...         {"recordSet": [{"@id": "recordings", "data": [row]}]},
    ...     )
    ...     entry = index(Path(folder))["r1"]
    >>> entry.patient, entry.split, "ecg" in entry.provides
    ('exam1', '', True)
    """
    croissant = read_croissant(require(root, CATALOGUE, INFO))
    return Catalog(make_entries(croissant, read_folds(root), read_patients(root)))


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
        Annotations, meshes, marks and gates are opened when they are asked for, and
        raise then.

    Raises
    ------
    DataMissingError
        If the store or an array of a stream is not there.
    DataCorruptError
        If a stream is not what the format says.
    GeometryError
        If a sector contradicts itself.
    """
    from cardium.datasets._echoxflow.opening import open_entry

    return open_entry(root, entry)


def links(root: Path) -> tuple[Link, ...]:
    """List which recordings were derived from which, from the source to the derived.

    Parameters
    ----------
    root : Path
        The dataset's folder.

    Returns
    -------
    tuple of Link
        All links that the catalogue states or implies, also those to recordings that
        it does not list.

    Raises
    ------
    DataMissingError
        If there is no catalogue.
    DataCorruptError
        If it is not what the format says.

    Notes
    -----
    In the format's record set ``recording_links`` the *source* is the derived
    recording; here it is the images. A recording's own links are the labels ``sources``
    and ``derived`` of its entry.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core.files import write_json
    >>> row = {"source_recording_id": "strain", "linked_recording_id": "images"}
    >>> sets = [
    ...     {"@id": "recordings", "data": []}, {"@id": "recording_links", "data": [row]}
    ... ]
    >>> with TemporaryDirectory() as folder:
    ...     write_json(Path(folder) / "croissant.json", {"recordSet": sets})
    ...     [(link.source, link.derived) for link in links(Path(folder))]
    [('images', 'strain')]
    """
    return find_links(read_croissant(require(root, CATALOGUE, INFO)))


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write five examinations, one a fold, with every array that the format has.

    Each has a simulated tissue Doppler recording, a B-mode recording and a strain
    analysis of it, and recordings whose values are simple formulas: colour Doppler,
    planes, volumes, meshes, M-mode, spectra, marks, gates, analyses of other chambers
    and a predicted label map. Stores of both versions, folders and zip files, follow
    one another.

    Parameters
    ----------
    root : Path
        The folder to write.

    Returns
    -------
    tuple of KnownAnswer
        What reading it must give back, a recording each, in the catalog's order.
    """
    from cardium.datasets._echoxflow.known import write_known
    from cardium.phantom.exam import simulate
    from cardium.phantom.population import sample_patient

    patients = map(sample_patient, range(FOLDS))
    return write_known(root, (simulate(patient) for patient in patients))


def write_phantom(
    root: Path,
    *,
    exams: int = 10,
    preset: str = "tiny",
    seed: int = 0,
    visits: int = 1,
    conditions: tuple[str, ...] | None = None,
    modes: str = "all",
    dense: bool = False,
    coherence: float = 0.95,
    frame_rate: float | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Write simulated patients as a dataset in EchoXFlow's layout.

    Parameters
    ----------
    root : Path
        The folder to write; it must be empty or not exist.
    exams : int
        Number of examinations. Patients are dealt to five folds in turn.
    preset : {"tiny", "bench", "full"}
        ``"tiny"``: seconds an examination. ``"bench"``: as small, but each film is
        long enough for clips of 33 frames: see `cardium.phantom.exam.simulate` and
        `cardium.phantom.colour.simulate_flow`. ``"full"``: clinical size.
    seed : int
        Another seed draws other patients.
    visits : int
        Examinations of each patient. They share the anatomy and the fold.
    conditions : tuple of str, optional
        Diseases that all patients have, of `cardium.phantom.patient.CONDITIONS`; an
        empty tuple for healthy ones. As they come, if not given.
    modes : {"all", "benchmark", "4ch"}
        ``"all"``: three apical views with tissue Doppler and strain, parasternal views,
        colour, M-mode, spectra, two and three planes, volumes of one beat and of four
        and their meshes; beside them cine MRI and a 12-lead electrocardiogram.
        ``"benchmark"``: the apical views, colour, and the volume of one beat with its
        mesh. ``"4ch"``: the four-chamber view with tissue Doppler and strain alone,
        which is several times faster.
    dense : bool
        Write what is true at every point too: see Notes.
    coherence : float
        Part of the echo power of tissue that stays from frame to frame in apical views,
        0..1.
    frame_rate : float, optional [1/s]
        Frames a second of apical views, if not those of the preset.
    workers : int
        Processes that work at once. The files do not depend on it.
    progress : function (done, total), optional
        Called after each examination.

    Returns
    -------
    list of dict
        What is true of each examination, as in ``truth.parquet``: the parameters of
        the patient, volumes of each beat, strain, the peaks and the integrals of the
        spectra along their beams, times of the valves.

    Raises
    ------
    InvalidArgumentError
        If the folder has something in it, or a number or a condition is senseless.
    UnknownNameError
        If there is no such preset, no such choice of modes or no such condition.
    MissingLibraryError
        If a library that a complete examination needs is not installed: nibabel, wfdb.
    CardiumError
        If the folder cannot be written to, or a process ended before its work.

    Notes
    -----
    Beside the release's files lie ``truth.parquet``; of complete examinations
    ``cine_mri/<exam>.nii.gz`` with ``<exam>_labels.nii.gz``, whose codes are the
    indices in `cardium.core.STRUCTURES`, and ``ecg_12_lead/<exam>.hea``; and with
    `dense` ``truth/<recording>.zarr``. The catalogue is written last: a root without
    one was not finished.
    """
    from cardium.datasets._echoxflow.patients import MODES, PRESETS, Order
    from cardium.datasets._echoxflow.production import write_patients
    from cardium.phantom.population import sample_population

    if min(exams, visits, workers) < 1 or seed < 0:
        raise InvalidArgumentError(
            "exams, visits and workers must be positive and seed not negative, got "
            f"{exams}, {visits}, {workers} and {seed}."
        )
    if not (0 <= coherence <= 1 and (frame_rate is None or 1 <= frame_rate <= 1000)):
        raise InvalidArgumentError(
            "coherence must be in 0..1 and the frame rate 1 to 1000 a second, got "
            f"{coherence} and {frame_rate}."
        )
    if preset not in PRESETS:
        raise UnknownNameError("preset", preset, PRESETS)
    if modes not in MODES:
        raise UnknownNameError("modes", modes, MODES)
    if modes == "all":
        need("nibabel", extra="echo")
        need("wfdb", extra="ecg")
    count = -(-exams // visits)
    patients = sample_population(count, seed=seed, visits=visits, conditions=conditions)
    make_root(root)
    return write_patients(
        root,
        patients[:exams],
        Order(preset, modes, dense, coherence, frame_rate),
        workers=workers,
        progress=progress,
    )


def _audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold the catalogue against itself and against the stores."""
    from cardium.datasets._echoxflow.audit import audit

    return audit(root, limit)


def _tables(root: Path, progress: Progress | None) -> Mapping[str, Rows]:
    """Count what the release holds by content type."""
    from cardium.datasets._echoxflow.table import count_contents

    return count_contents(root, progress)


DATASET = Dataset(
    name="echoxflow",
    info=INFO,
    provides=frozenset((*PATHS, *ANNOTATIONS, *LABELS)),
    index=index,
    load=load,
    write_fake=write_fake,
    audit=_audit,
    tables=_tables,
)
"""The dataset, for the registry."""
