"""Kaggle's ECG Arrhythmia Classification Dataset: features of beats, in four tables.

Layout, any of the four files, a row a beat::

    MIT-BIH Arrhythmia Database.csv
    MIT-BIH Supraventricular Arrhythmia Database.csv
    INCART 2-lead Arrhythmia Database.csv
    Sudden Cardiac Death Holter Database.csv

    record, type, then for 0_ and for 1_, the two leads: pre-RR, post-RR, pPeak, tPeak,
    rPeak, sPeak, qPeak, qrs_interval, pq_interval, qt_interval, st_interval,
    qrs_morph0 to qrs_morph4

A recording is one record of one table, and holds no ECG: ``beat_intervals``, (time,
feature) in s, the two RR intervals and four others of both leads, and
``beat_amplitudes``, (time, feature), the peaks and the shape of the QRS complex.
``beats`` says what each beat is, N, S, V, F or Q by AAMI EC57, which the tables write
N, SVEB, VEB, F and Q.

What is changed: **the tables count intervals in samples**, although the rates differ;
they are divided by 360, 128, 257 and 250 Hz, in the order above. A beat's time is the
sum of the RR intervals before it; it is 0 at the first beat, and runs short where a
table leaves beats out. Kept as the source has it: the order of rows; the RR intervals
of lead 1, which repeat those of lead 0; amplitudes, whose unit the tables do not say.

The tables have no split, and one that draws rows puts beats of one patient on both
sides. Here the record is the patient, and the records of MIT-BIH are ``train`` and
``test`` as de Chazal et al. (2004) divided them; the paced records 102, 104, 107 and
217, and the records of the other tables, have no split. Two things remain: 201 (train)
and 202 (test) are of one person, and the 75 records of INCART are of 32.

The layout is written from a description of the tables; the reader was not tried on
them. See the page on Kaggle for the licence.

References
----------
Sakib et al., Migrating intelligence from cloud to ultra-edge smart IoT sensor based on
deep learning: an arrhythmia monitoring use-case, IWCMC 2020. https://doi.org/10.1109/IWCMC48107.2020.9148134

de Chazal, O'Dwyer, Reilly, Automatic classification of heartbeats using ECG morphology
and heartbeat interval features, IEEE Transactions on Biomedical Engineering 51, 2004.
https://doi.org/10.1109/TBME.2004.827359
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    FloatArray,
    Info,
    KnownAnswer,
    Recording,
    Stream,
)
from cardium.datasets._csv_lines import Lines, find_lines
from cardium.datasets._files import require
from cardium.datasets.mit_bih import DS1, DS2
from cardium.errors import DataCorruptError, DataMissingError
from cardium.signal import BEAT_SYMBOLS, label_stream

INFO = Info(
    title="Kaggle ECG Arrhythmia Classification Dataset",
    summary="Features of beats from four databases in four tables, with AAMI classes; "
    "split by record, since rows drawn at random put one patient on both sides.",
    version="as on Kaggle",
    url="https://www.kaggle.com/datasets/sadmansakib7/"
    "ecg-arrhythmia-classification-dataset",
    license="see the Kaggle page",
    citation="Sakib et al. 2020, doi:10.1109/IWCMC48107.2020.9148134",
    access="Get the four tables from https://www.kaggle.com/datasets/sadmansakib7/"
    "ecg-arrhythmia-classification-dataset (with an account there) into one folder.",
)


class _Table(NamedTuple):
    """One of the four tables, and the rate of its source [Hz]."""

    source: str
    file: str
    rate: float


_TABLES = (
    _Table("mit_bih", "MIT-BIH Arrhythmia Database.csv", 360.0),
    _Table("svdb", "MIT-BIH Supraventricular Arrhythmia Database.csv", 128.0),
    _Table("incart", "INCART 2-lead Arrhythmia Database.csv", 257.0),
    _Table("sddb", "Sudden Cardiac Death Holter Database.csv", 250.0),
)
_INTERVALS = (
    "pre-RR",
    "post-RR",
    *(f"{k}_interval" for k in ("qrs", "pq", "qt", "st")),
)
_AMPLITUDES = (
    *(f"{wave}Peak" for wave in "ptrsq"),
    *(f"qrs_morph{number}" for number in range(5)),
)
INTERVALS = tuple(f"{lead}_{name}" for lead in (0, 1) for name in _INTERVALS)
"""The twelve features that are times [s], as the tables name them."""
AMPLITUDES = tuple(f"{lead}_{name}" for lead in (0, 1) for name in _AMPLITUDES)
"""The twenty features that are amplitudes, as the tables name them."""

_CLASSES = {"N": "N", "SVEB": "S", "VEB": "V", "F": "F", "Q": "Q"}
_COLUMNS = ("record", "type", *INTERVALS, *AMPLITUDES)
_SPLITS = {**dict.fromkeys(DS1, "train"), **dict.fromkeys(DS2, "test")}
_NAME = re.compile(r"[\w.-]+")


class _Rows(NamedTuple):
    """The lines of a table by record, and the place of each column."""

    lines: Lines
    columns: Mapping[str, int]
    records: Mapping[str, tuple[tuple[int, int], ...]]


def index(root: Path) -> Catalog:
    """Read the first column of the tables that are there."""
    there = [table for table in _TABLES if (root / table.file).is_file()]
    if not there:
        raise DataMissingError(
            f"{INFO.title}: none of the tables, such as '{_TABLES[0].file}', is under "
            f"'{root}'. {INFO.access}"
        )
    return Catalog(tuple(entry for table in there for entry in _entries(root, table)))


def load(root: Path, entry: Entry) -> Recording:
    """Read the rows of one record."""
    source, _, record = entry.id.partition("-")
    table = next(one for one in _TABLES if one.source == source)
    path = require(root, table.file, INFO)
    rows = _open(path)
    if record not in rows.records:
        raise DataCorruptError(
            f"'{path}' has no record '{record}' any more. Read the catalog again."
        )
    cells = [
        cells
        for first, count in rows.records[record]
        for cells in rows.lines.read(first, count)
    ]
    intervals = _numbers(path, record, rows, cells, INTERVALS) / table.rate
    amplitudes = _numbers(path, record, rows, cells, AMPLITUDES)
    time = _clock(path, record, intervals[:, 0])
    streams = {
        name: Stream(
            name,
            values.astype(np.float32),
            time,
            ("time", "feature"),
            unit,
            coords=MappingProxyType({"feature": features}),
        )
        for name, values, unit, features in (
            ("beat_intervals", intervals, "s", INTERVALS),
            ("beat_amplitudes", amplitudes, "", AMPLITUDES),
        )
    }
    kinds = [_class(path, record, row[rows.columns["type"]].strip()) for row in cells]
    beats = label_stream("beats", time, kinds, known=BEAT_SYMBOLS)
    return Recording(
        entry, MappingProxyType(streams), MappingProxyType({"beats": beats})
    )


def _entries(root: Path, table: _Table) -> Iterator[Entry]:
    """Make the entries of one table, in its order of records."""
    for record in _open(root / table.file).records:
        if not _NAME.fullmatch(record):
            raise DataCorruptError(
                f"'{root / table.file}': a record is called '{record[:40]}', expected "
                "letters and digits. Get the file again."
            )
        name = f"{table.source}-{record}"
        yield Entry(
            id=name,
            patient=name,
            split=_SPLITS.get(record, "") if table.source == "mit_bih" else "",
            provides=frozenset(
                {"beat_intervals", "beat_amplitudes", "beats", "source"}
            ),
            files=(PurePosixPath(table.file),),
            labels=MappingProxyType({"source": table.source}),
        )


def _open(path: Path) -> _Rows:
    """Find the rows of each record, once for each file as it is on disk."""
    status = path.stat()
    return _scan(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _scan(path: Path, _modified: int, _size: int) -> _Rows:
    """Find the rows of each record; they need not stand together."""
    lines = find_lines(path, columns=len(_COLUMNS))
    head = [name.strip().removeprefix("\ufeff") for name in lines.read(0)[0]]
    columns = {name: place for place, name in enumerate(head)}
    if lacking := [name for name in _COLUMNS if name not in columns]:
        raise DataCorruptError(
            f"'{path}' has no column '{lacking[0]}'. It has: {', '.join(head)}."
        )
    records: dict[str, list[tuple[int, int]]] = {}
    last = ""
    for number, record in enumerate(lines.fields(columns["record"])):
        if not number:
            continue  # the line of names
        parts = records.setdefault(record, [])
        if record == last:
            parts[-1] = parts[-1][0], parts[-1][1] + 1
        else:
            parts.append((number, 1))
        last = record
    return _Rows(lines, columns, {name: tuple(p) for name, p in records.items()})


def _numbers(
    path: Path,
    record: str,
    rows: _Rows,
    cells: list[list[str]],
    names: tuple[str, ...],
) -> FloatArray:
    """Read some columns of some rows; an empty cell is NaN."""
    places = [rows.columns[name] for name in names]
    try:
        numbers = [[float(row[k] or "nan") for k in places] for row in cells]
    except (ValueError, IndexError) as error:
        raise DataCorruptError(
            f"'{path}', record {record}: a row is cut short or holds what is no number "
            f"({error}). Get the file again."
        ) from error
    return np.array(numbers)


def _clock(path: Path, record: str, steps: FloatArray) -> NDArray[np.float64]:
    """Sum up the RR intervals before each beat but the first."""
    if not (steps[1:] > 0).all():
        row = 1 + int(np.flatnonzero(~(steps[1:] > 0))[0])
        raise DataCorruptError(
            f"'{path}', record {record}: 0_pre-RR of its beat {row} is {steps[row]:g} "
            "s, expected a positive number. Get the file again."
        )
    return np.concatenate([[0.0], np.cumsum(steps[1:])])


def _class(path: Path, record: str, text: str) -> str:
    """Turn the type of a beat into its class."""
    if text not in _CLASSES:
        raise DataCorruptError(
            f"'{path}', record {record}: the type of a beat is '{text[:40]}', expected "
            f"one of {', '.join(_CLASSES)}. Get the file again."
        )
    return _CLASSES[text]


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._kaggle_fake import write_arrhythmia

    return write_arrhythmia(root)


DATASET = Dataset(
    name="kaggle_arrhythmia",
    info=INFO,
    provides=frozenset({"beat_intervals", "beat_amplitudes", "beats", "source"}),
    index=index,
    load=load,
    write_fake=_write_fake,
)
"""The dataset: what it is, and the functions that read it."""
