"""Small copies of two tables from Kaggle, of known content."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, KnownAnswer, Label, Stream
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer
from cardium.signal import BEAT_SYMBOLS, label_stream

# file, split, label, classes of its rows by number and name
_HEARTBEAT: tuple[tuple[str, str, str, tuple[tuple[int, str], ...]], ...] = (
    (
        "mitbih_train",
        "train",
        "beat_class",
        # an odd number: half of the file ends within a row
        ((0, "N"), (1, "S"), (2, "V"), (3, "F"), (4, "Q"), (0, "N"), (2, "V")),
    ),
    ("mitbih_test", "test", "beat_class", ((0, "N"), (2, "V"), (1, "S"))),
    ("ptbdb_normal", "", "diagnosis", ((0, "normal"), (0, "normal"))),
    ("ptbdb_abnormal", "", "diagnosis", ((1, "abnormal"), (1, "abnormal"))),
)
_SAMPLES, _HEARTBEAT_RATE = 187, 125.0
_NAMES = (
    "record,type,0_pre-RR,0_post-RR,0_pPeak,0_tPeak,0_rPeak,0_sPeak,0_qPeak,"
    "0_qrs_interval,0_pq_interval,0_qt_interval,0_st_interval,0_qrs_morph0,"
    "0_qrs_morph1,0_qrs_morph2,0_qrs_morph3,0_qrs_morph4,1_pre-RR,1_post-RR,1_pPeak,"
    "1_tPeak,1_rPeak,1_sPeak,1_qPeak,1_qrs_interval,1_pq_interval,1_qt_interval,"
    "1_st_interval,1_qrs_morph0,1_qrs_morph1,1_qrs_morph2,1_qrs_morph3,1_qrs_morph4"
)
_HEAD = _NAMES.split(",")
_IS_TIME = ("RR", "interval")
_TYPES = (("N", "N"), ("SVEB", "S"), ("N", "N"), ("VEB", "V"), ("F", "F"), ("Q", "Q"))
# source, file, rate, records and their split
_TABLES = (
    (
        "mit_bih",
        "MIT-BIH Arrhythmia Database.csv",
        360.0,
        (("101", "train"), ("100", "test"), ("102", "")),
    ),
    (
        "svdb",
        "MIT-BIH Supraventricular Arrhythmia Database.csv",
        128.0,
        (("100", ""), ("800", "")),
    ),
    ("incart", "INCART 2-lead Arrhythmia Database.csv", 257.0, (("I01", ""),)),
    ("sddb", "Sudden Cardiac Death Holter Database.csv", 250.0, (("30", ""),)),
)


def write_heartbeat(root: Path) -> tuple[KnownAnswer, ...]:
    """Write beats of each class in each of the four files."""
    known = []
    time = np.arange(_SAMPLES) / _HEARTBEAT_RATE
    for file, split, label, rows in _HEARTBEAT:
        lines = []
        for row, (number, kind) in enumerate(rows):
            values = _beat(row, number)
            fields = [*values.astype(float), float(number)]
            lines.append(",".join(f"{value:.18e}" for value in fields) + "\n")
            name = f"{file}-{row:06d}"
            labels: dict[str, Label] = {"beat_class": None, "diagnosis": None}
            entry = Entry(
                name,
                name,
                split,
                frozenset({"ecg", label}),
                (PurePosixPath(f"{file}.csv"),),
                {**labels, label: kind},
            )
            coords = {"lead": ("ECG",)}
            stream = Stream(
                "ecg", values[:, None], time, ("time", "lead"), "", coords=coords
            )
            known.append(answer(entry, stream))
        write_text(root / f"{file}.csv", "".join(lines))
    return tuple(known)


def _beat(row: int, number: int) -> NDArray[np.float32]:
    """Draw a beat, scaled to 0..1 and filled with zeros; each row and class differs."""
    time: NDArray[np.float64] = np.arange(_SAMPLES) / _HEARTBEAT_RATE
    width = 0.02 + 0.015 * number
    beat: NDArray[np.float64] = np.exp(-((time / width) ** 2)) + 0.3 * np.exp(
        -(((time - 0.3) / 0.06) ** 2)
    )
    beat = (beat + 0.1) / (beat + 0.1).max()
    beat[100 + 10 * row :] = 0.0
    return beat.astype(np.float32)


def write_arrhythmia(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six beats, one of them of each class, for seven records in four tables."""
    known = []
    for place, (source, file, rate, records) in enumerate(_TABLES):
        lines = [",".join(_HEAD) + "\n"]
        for number, (record, split) in enumerate(records):
            cells = _cells(3 * place + number, rate)
            for row, (kind, _) in zip(cells, _TYPES, strict=True):
                numbers = ",".join(f"{value:g}" for value in row)
                lines.append(f"{record},{kind},{numbers}\n")
            name = f"{source}-{record}"
            streams = _streams(cells, rate)
            entry = Entry(
                name,
                name,
                split,
                frozenset({"beat_intervals", "beat_amplitudes", "beats", "source"}),
                (PurePosixPath(file),),
                {"source": source},
            )
            beats = label_stream(
                "beats", streams[0].time, [k for _, k in _TYPES], known=BEAT_SYMBOLS
            )
            known.append(answer(entry, *streams, beats=beats))
        write_text(root / file, "".join(lines))
    return tuple(known)


def _cells(number: int, rate: float) -> NDArray[np.float64]:
    """Make the numbers of six rows: samples in the times, else tenths."""
    count = len(_TYPES)
    rr = np.round(rate * (0.7 + 0.02 * number + 0.05 * np.arange(count + 1)))
    cells = np.empty((count, len(_HEAD) - 2))
    for column, name in enumerate(_HEAD[2:]):
        rows = np.arange(count)
        if name.endswith("pre-RR"):
            cells[:, column] = rr[:-1]
        elif name.endswith("post-RR"):
            cells[:, column] = rr[1:]
        elif name.endswith("interval"):
            cells[:, column] = 9 + column + rows
        else:
            cells[:, column] = (column - 12 + rows + 0.5 * number) / 8
    return cells


def _streams(cells: NDArray[np.float64], rate: float) -> tuple[Stream, Stream]:
    """Say what reading must give: times in seconds, amplitudes as they are."""
    time = np.concatenate([[0.0], np.cumsum(cells[1:, 0])]) / rate
    made = []
    for name, unit, is_time in (
        ("beat_intervals", "s", True),
        ("beat_amplitudes", "", False),
    ):
        columns = [
            k for k, c in enumerate(_HEAD[2:]) if c.endswith(_IS_TIME) is is_time
        ]
        features = tuple(_HEAD[2 + k] for k in columns)
        values = (cells[:, columns] / (rate if is_time else 1.0)).astype(np.float32)
        coords = {"feature": features}
        made.append(
            Stream(name, values, time, ("time", "feature"), unit, coords=coords)
        )
    return made[0], made[1]
