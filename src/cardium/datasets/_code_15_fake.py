"""A small CODE-15% of known content, in the layout of the deposit."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, KnownAnswer, Label, need
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer, simulate, stream_of

_RATE = 400.0
_LENGTH = 4096
_HEAD = (
    "exam_id,age,is_male,nn_predicted_age,1dAVb,RBBB,LBBB,SB,ST,AF,patient_id,death,"
    "timey,normal_ecg,trace_file\n"
)
_CLASSES = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
# exam, patient, age, is male, diagnoses, heart rate, seconds, death, years, part
_EXAMS: tuple[
    tuple[int, int, str, bool, tuple[str, ...], float, float, str, str, int], ...
] = (
    (1169160, 523632, "38", True, (), 65.0, 10.0, "False", "2.1", 0),
    (2873686, 1724173, "73", True, ("RBBB", "AF"), 102.0, 10.0, "True", "6.6", 0),
    (168405, 51421, "67", False, ("ST",), 121.0, 7.0, "False", "1.4", 0),
    (271011, 1737282, "", False, ("SB",), 45.0, 7.0, "False", "0.1", 0),
    (384368, 331652, "62", False, ("1dAVb", "LBBB"), 71.0, 10.0, "", "", 1),
    (271012, 523632, "40", True, (), 70.0, 10.0, "", "", 1),
)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six exams of five patients in two files, each with an empty last row."""
    parts: dict[int, list[tuple[int, NDArray[np.float32]]]] = {0: [], 1: []}
    known, rows = [], [_HEAD]
    for number, exam in enumerate(_EXAMS):
        id_, patient, age, male, names, heart_rate, seconds, death, years, part = exam
        signal = simulate(
            number,
            seconds=seconds,
            rate=_RATE,
            heart_rate=heart_rate,
            fibrillates="AF" in names,
        )
        values = np.zeros((_LENGTH, 12), np.float32)
        before = (_LENGTH - len(signal)) // 2
        values[before : before + len(signal)] = signal
        parts[part].append((id_, values))
        file = f"exams_part{part}.hdf5"
        flags = ",".join(str(name in names) for name in _CLASSES)
        rows.append(
            f"{id_},{age},{male},50.1,{flags},{patient},{death},{years},{not names},"
            f"{file}\n"
        )
        labels: dict[str, Label] = {
            "age": float(age or "nan"),
            "sex": "male" if male else "female",
            "diagnoses": names,
            "normal_ecg": not names,
            "death": {"True": True, "False": False, "": None}[death],
            "follow_up": float(years or "nan"),
        }
        lacking = {"age"} if not age else set()
        lacking |= {"death", "follow_up"} if not death else set()
        provides = frozenset({"ecg", *labels} - lacking)
        files = (PurePosixPath(file),)
        entry = Entry(str(id_), str(patient), "", provides, files, labels)
        known.append(answer(entry, stream_of(values, _RATE)))
    for part, exams in parts.items():
        _write_part(root / f"exams_part{part}.hdf5", exams)
    write_text(root / "exams.csv", "".join(rows))
    return tuple(known)


def _write_part(path: Path, exams: list[tuple[int, NDArray[np.float32]]]) -> None:
    """Write one file, in another order than the table's."""
    need("h5py", extra="ecg")
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["exam_id"] = np.array([id_ for id_, _ in exams[::-1]] + [0], np.int64)
        empty = np.zeros((_LENGTH, 12), np.float32)
        file["tracings"] = np.stack([values for _, values in exams[::-1]] + [empty])
