"""Kaggle's ECG Heartbeat Categorization Dataset: cut-out beats, without patients.

Layout, any of the four files; no line of names, 187 samples and a class in each row::

    mitbih_train.csv      87,554 beats of MIT-BIH Arrhythmia, classes 0 to 4: N S V F Q
    mitbih_test.csv       21,892
    ptbdb_normal.csv       4,046 beats of PTB, class 0
    ptbdb_abnormal.csv    10,506, class 1

.. warning::

   **No file says whose a beat is, and beats of one person are on both sides of the
   published split.** A model can recognise the person; scores of 99 % say nothing of a
   new one. This cannot be repaired here, since no record ids were kept: use
   ``mit_bih`` or ``mit_bih_strict`` for numbers that are to mean something.

Each row is a recording and, since nothing better is known, a patient of its own; do not
read this as a split by patient. Kept as the source has it: its split of the MIT-BIH
beats (PTB has none), and the samples, (187, 1) at 125 Hz, **scaled to 0..1 beat by
beat**, so they have no unit, and **filled with zeros to the right**, by which the
length of the beat, and so the heart rate, can be read off. The files do not name the
lead; it is called ``ECG``.

Labels: ``beat_class`` (N, S, V, F or Q by AAMI EC57) of the MIT-BIH beats,
``diagnosis`` (``normal`` or ``abnormal``) of the PTB beats. Ids are the file's name and
the row, counted from 0. A file is read once for its classes, and a row when it is
sliced.

References
----------
Kachuee, Fazeli, Sarrafzadeh, ECG heartbeat classification: a deep transferable
representation, IEEE ICHI 2018. https://doi.org/10.1109/ICHI.2018.00092
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

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
)
from cardium.datasets._csv_lines import Lines, find_lines
from cardium.datasets._files import require
from cardium.errors import DataCorruptError, DataMissingError
from cardium.signal import BEAT_CLASSES

INFO = Info(
    title="Kaggle ECG Heartbeat Categorization Dataset",
    summary="123,998 cut-out beats of MIT-BIH Arrhythmia and PTB without patients: "
    "its split has beats of one person on both sides, which inflates every score.",
    version="as on Kaggle, 2018",
    url="https://www.kaggle.com/datasets/shayanfazeli/heartbeat",
    license="see the Kaggle page; the sources are ODC-BY 1.0",
    citation="Kachuee et al. 2018, doi:10.1109/ICHI.2018.00092",
    access="Get mitbih_train.csv, mitbih_test.csv, ptbdb_normal.csv and "
    "ptbdb_abnormal.csv from https://www.kaggle.com/datasets/shayanfazeli/heartbeat "
    "(with an account there) into one folder.",
)


class _File(NamedTuple):
    """One of the four files: its split, the label it has, and the names of classes."""

    name: str
    split: str
    label: str
    classes: Mapping[int, str]


_BEATS = dict(enumerate(BEAT_CLASSES))
_FILES = (
    _File("mitbih_train", "train", "beat_class", _BEATS),
    _File("mitbih_test", "test", "beat_class", _BEATS),
    _File("ptbdb_normal", "", "diagnosis", {0: "normal"}),
    _File("ptbdb_abnormal", "", "diagnosis", {1: "abnormal"}),
)
_SAMPLES, _RATE = 187, 125.0
_TIME = np.arange(_SAMPLES) / _RATE


class _Beat:
    """The samples of one row, read when they are sliced."""

    dtype = np.dtype(np.float32)
    shape = (_SAMPLES, 1)

    def __init__(self, lines: Lines, row: int) -> None:
        self._lines, self._row = lines, row

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, 1) float32."""
        (fields,) = self._lines.read(self._row)
        try:
            values = np.array([*map(float, fields[:_SAMPLES])], np.float32)
        except ValueError as error:
            raise DataCorruptError(
                f"'{self._lines.path}', line {self._row + 1} holds what is no number "
                f"({error}). Get the file again."
            ) from error
        if len(fields) != _SAMPLES + 1:
            raise DataCorruptError(
                f"'{self._lines.path}', line {self._row + 1} has {len(fields)} values, "
                f"expected {_SAMPLES + 1}. Get the file again."
            )
        return values[time, None]


def index(root: Path) -> Catalog:
    """Read the classes of all rows of the files that are there."""
    there = [file for file in _FILES if (root / f"{file.name}.csv").is_file()]
    if not there:
        raise DataMissingError(
            f"{INFO.title}: none of {', '.join(f.name + '.csv' for f in _FILES)} is "
            f"under '{root}'. {INFO.access}"
        )
    return Catalog(tuple(entry for file in there for entry in _entries(root, file)))


def load(root: Path, entry: Entry) -> Recording:
    """Open one beat; its samples are read when sliced."""
    path = require(root, entry.files[0], INFO)
    lines = find_lines(path, columns=_SAMPLES + 1)
    row = int(entry.id.rpartition("-")[2])
    if row >= len(lines):
        raise DataCorruptError(
            f"'{path}' has {len(lines)} rows, '{entry.id}' is row {row}. "
            "Read the catalog again."
        )
    ecg = Stream(
        "ecg",
        _Beat(lines, row),
        _TIME,
        ("time", "lead"),
        "",
        coords=MappingProxyType({"lead": ("ECG",)}),
    )
    return Recording(entry, MappingProxyType({"ecg": ecg}))


def _entries(root: Path, file: _File) -> Iterator[Entry]:
    """Make the entries of one file."""
    path = root / f"{file.name}.csv"
    files, provides = (PurePosixPath(path.name),), frozenset({"ecg", file.label})
    known: dict[str, Mapping[str, Label]] = {}
    for row, text in enumerate(find_lines(path, columns=_SAMPLES + 1).fields(-1)):
        if text not in known:
            known[text] = MappingProxyType(_labels(path, row, text, file))
        name = f"{file.name}-{row:06d}"
        yield Entry(name, name, file.split, provides, files, known[text])


def _labels(path: Path, row: int, text: str, file: _File) -> dict[str, Label]:
    """Read the class of a row."""
    try:
        name = file.classes[int(float(text))]
    except (ValueError, KeyError, OverflowError) as error:
        raise DataCorruptError(
            f"'{path}', line {row + 1}: the class is '{text[:40]}', expected one of "
            f"{', '.join(map(str, file.classes))}. Get the file again."
        ) from error
    return {"beat_class": None, "diagnosis": None, file.label: name}


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._kaggle_fake import write_heartbeat

    return write_heartbeat(root)


DATASET = Dataset(
    name="kaggle_heartbeat",
    info=INFO,
    provides=frozenset({"ecg", "beat_class", "diagnosis"}),
    index=index,
    load=load,
    write_fake=_write_fake,
)
"""The dataset: what it is, and the functions that read it."""
