"""CODE-15%: 345,779 twelve-lead ECGs of 233,770 patients from Minas Gerais, Brazil.

Layout of the deposit (Zenodo 4916206), all in one folder::

    exams.csv                exam_id, age, is_male, 1dAVb, RBBB, LBBB, SB, ST, AF,
                             patient_id, death, timey, normal_ecg, trace_file, ...
    exams_part0.hdf5         to exams_part17.hdf5:
        exam_id (N,)         which exam each row is; the last row is an empty one
        tracings (N, 4096, 12)  float32, 400 Hz

``ecg`` is (4096, 12) at 400 Hz, leads I, II, III, aVR, aVL, aVF, V1 to V6; one row is
read when it is sliced. Kept as the source has it, also **the zeros around the signal**:
ECGs of 10 s (4000 samples) and of 7 s (2800) lie in the middle of 4096 samples, which
is how the models of the authors saw them. `without_padding` cuts them off.

The labels: ``age``, ``sex``, ``diagnoses``, a tuple of up to six of `CLASSES`, which is
empty if an exam has none of them, ``normal_ecg``, and, where they are stated, ``death``
and ``follow_up`` (``timey``, in years). Splits: none is published with it; patients
are named, so folds are by patient.

**Not verified on the deposit: the unit.** mV is assumed. The authors feed a network for
such signals with values of 1e-4 V, so look at one recording before you trust a
millivolt: R peaks of 10 "mV" say that the numbers are ten times too large.

References
----------
Ribeiro et al., Automatic diagnosis of the 12-lead ECG using a deep neural network,
Nature Communications 11:1760, 2020. https://doi.org/10.1038/s41467-020-15432-4

Ribeiro et al., CODE-15%: a large scale annotated dataset of 12-lead ECGs, Zenodo, 2021.
https://doi.org/10.5281/zenodo.4916206
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
    Stream,
    is_stated,
    need,
)
from cardium.datasets._files import inside, require
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io._hdf5_nodes import damage_of
from cardium.io.tables import read_rows
from cardium.signal import LEADS

if TYPE_CHECKING:
    import h5py

INFO = Info(
    title="CODE-15%",
    summary="345,779 twelve-lead ECGs of 7 or 10 s from 233,770 patients in Brazil, "
    "with six diagnoses, age and mortality.",
    version="1.0.0",
    url="https://zenodo.org/records/4916206",
    license="CC BY 4.0",
    citation="Ribeiro et al. 2020, doi:10.1038/s41467-020-15432-4",
    access="Get exams.csv and as many of exams_part0.zip to exams_part17.zip as you "
    "want from https://zenodo.org/records/4916206, and unpack them into one folder.",
)
EXAMS = "exams.csv"
CLASSES = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
"""Block of the first degree, bundle branch blocks, sinus bradycardia and tachycardia,
atrial fibrillation; named as the table names them."""

_RATE = 400.0
_COLUMNS = ("exam_id", "age", "is_male", "patient_id", "trace_file")
_BOOLEANS = {"True": True, "False": False, "": None}


class _Row:
    """One exam of a file, read when it is sliced."""

    dtype = np.dtype(np.float32)

    def __init__(self, path: Path, row: int, shape: tuple[int, int]) -> None:
        self._path, self._row, self.shape = path, row, shape

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, 12) float32."""
        import h5py

        start, stop, step = time.indices(self.shape[0])
        if step < 1:
            return self[:][time]
        with damage_of(self._path), h5py.File(self._path, "r") as file:
            values = _member(self._path, file, "tracings")[self._row, start:stop:step]
        return np.asarray(values, np.float32)


def index(root: Path) -> Catalog:
    """Read the table and list the files; open none."""
    columns = (*_COLUMNS, *CLASSES)
    rows = read_rows(require(root, EXAMS, INFO), required=columns)
    on_disk = frozenset(os.listdir(root))
    files = {
        name: (path,) if str(path := inside(name)) in on_disk else ()
        for name in {row["trace_file"] for row in rows}
    }
    return Catalog(tuple(_entry(root, row, files[row["trace_file"]]) for row in rows))


def load(root: Path, entry: Entry) -> Recording:
    """Find the row of an exam in its file; its samples are read when sliced."""
    if not entry.files:
        raise DataMissingError(
            f"{INFO.title}: the file of exam '{entry.id}' is not under '{root}'. "
            f"{INFO.access}"
        )
    path = require(root, entry.files[0], INFO)
    status = path.stat()
    rows, shape = _rows(path, status.st_mtime_ns, status.st_size)
    if int(entry.id) not in rows:
        raise DataCorruptError(
            f"'{path}' holds {len(rows)} exams and not '{entry.id}', which '{EXAMS}' "
            "says it does. Get both again."
        )
    ecg = Stream(
        "ecg",
        _Row(path, rows[int(entry.id)], shape),
        np.arange(shape[0]) / _RATE,
        ("time", "lead"),
        "mV",
        coords=MappingProxyType({"lead": LEADS}),
    )
    return Recording(entry, MappingProxyType({"ecg": ecg}))


def without_padding(ecg: Stream) -> Stream:
    """Cut off the samples before and after an ECG at which all leads are zero.

    Parameters
    ----------
    ecg : Stream (time, lead)
        An ECG with zeros around it.

    Returns
    -------
    Stream (time, lead)
        What lies between them, in memory, its clock beginning with 0; the stream
        itself if it is zero throughout.

    Examples
    --------
    >>> values = np.array([[0.0], [0.3], [0.0], [0.1], [0.0], [0.0]])
    >>> ecg = Stream("ecg", values, np.arange(6) / 400, ("time", "lead"), "mV")
    >>> cut = without_padding(ecg)
    >>> cut.values[:, 0].tolist(), float(cut.time[0])
    ([0.3, 0.0, 0.1], 0.0)
    """
    values = ecg.load()
    filled = np.flatnonzero((values != 0).any(axis=1))
    if not len(filled):
        return ecg
    part = slice(int(filled[0]), int(filled[-1]) + 1)
    time = ecg.time[part]
    return replace(ecg, values=values[part], time=time - time[0])


@lru_cache(maxsize=32)
def _rows(
    path: Path, _modified: int, _size: int
) -> tuple[Mapping[int, int], tuple[int, int]]:
    """Read which row each exam of a file is, once for each file as it is on disk."""
    need("h5py", extra="ecg")
    import h5py

    with damage_of(path), h5py.File(path, "r") as file:
        exams, tracings = (_member(path, file, n) for n in ("exam_id", "tracings"))
        shape = tuple(map(int, tracings.shape))
        if len(shape) != 3 or shape[2] != len(LEADS) or exams.shape != shape[:1]:
            raise DataCorruptError(
                f"'{path}' has tracings of shape {shape} and exam_id of shape "
                f"{exams.shape}; expected (N, 4096, 12) and (N,). Get the file again."
            )
        numbers = np.asarray(exams[:], np.int64)
    # the last row is empty, and its id, 0, is no exam's
    rows = {int(exam): row for row, exam in enumerate(numbers) if exam}
    return MappingProxyType(rows), (shape[1], shape[2])


def _member(path: Path, file: h5py.File, name: str) -> h5py.Dataset:
    """Return an array of the file itself: links to other files are not followed."""
    import h5py

    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise DataCorruptError(
            f"'{path}' has no '{name}'. It has: {', '.join(file)}. Get the file again."
        )
    found = file[name]
    if found.external or found.is_virtual:
        raise DataCorruptError(
            f"'{path}' keeps '{name}' in other files. Get the file again."
        )
    return found


def _entry(
    root: Path, row: Mapping[str, str], files: tuple[PurePosixPath, ...]
) -> Entry:
    """Make the entry of one row."""
    try:
        exam, patient = str(int(row["exam_id"])), str(int(row["patient_id"]))
        age = float(row["age"] or "nan")
        follow_up = float(row.get("timey") or "nan")
        is_male = _BOOLEANS[row["is_male"]]
        names = tuple(name for name in CLASSES if _BOOLEANS[row[name]])
        more = {key: _BOOLEANS[row.get(key, "")] for key in ("normal_ecg", "death")}
    except (ValueError, KeyError) as error:
        raise DataCorruptError(
            f"'{root / EXAMS}', exam {row['exam_id']}: exam_id, patient_id, age, a "
            f"diagnosis or another column of True and False cannot be read ({error}). "
            "Get the file again."
        ) from error
    labels: dict[str, Label] = {
        "age": age,
        "sex": None if is_male is None else "male" if is_male else "female",
        "diagnoses": names,
        **more,
        "follow_up": follow_up,
    }
    stated = {key for key, label in labels.items() if is_stated(label)}
    return Entry(
        id=exam,
        patient=patient,
        split="",
        # an exam with none of the six diagnoses was read for all of them
        provides=frozenset(stated | {"diagnoses"} | ({"ecg"} if files else set())),
        files=files,
        labels=MappingProxyType(labels),
    )


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._code_15_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="code_15",
    info=INFO,
    provides=frozenset(
        {"ecg", "age", "sex", "diagnoses", "normal_ecg", "death", "follow_up"}
    ),
    index=index,
    load=load,
    write_fake=_write_fake,
)
"""The dataset: what it is, and the functions that read it."""
