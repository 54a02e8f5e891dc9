"""A small China Physiological Signal Challenge 2018, of known content."""

from __future__ import annotations

import math
from pathlib import Path, PurePosixPath

from cardium.core import Entry, KnownAnswer, Label
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer, simulate, stream_of
from cardium.io.challenge import Sex, write_record
from cardium.signal import LEADS

# numbers of the table, names, codes, heart rate, seconds, age, sex
_RECORDS: tuple[
    tuple[str, tuple[str, ...], tuple[str, ...], float, float, float, Sex | None], ...
] = (
    ("1,,", ("Normal",), ("426783006",), 61.0, 10.0, 40.0, "male"),
    ("2,,", ("AF",), ("164889003",), 105.0, 8.0, 74.0, "female"),
    ("2,7,", ("AF", "PVC"), ("164889003", "164884008"), 90.0, 9.0, 68.0, "male"),
    ("5,,", ("RBBB",), ("59118001",), 72.0, 10.0, math.nan, "female"),
    ("8,6,3", ("STD", "PAC", "I-AVB"), ("429622005",), 66.0, 12.0, 59.0, None),
    ("4,9,", ("LBBB", "STE"), ("164909002", "164931005"), 80.0, 10.0, 81.0, "male"),
)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six records of all nine classes, and the table."""
    known, rows = [], ["Recording,First_label,Second_label,Third_label\n"]
    for number, record in enumerate(_RECORDS, start=1):
        numbers, names, codes, heart_rate, seconds, age, sex = record
        name = f"A{number:04d}"
        header = PurePosixPath(f"{name}.hea")
        values = simulate(
            number, seconds=seconds, heart_rate=heart_rate, fibrillates="AF" in names
        )
        write_record(
            root / header,
            values,
            rate=500.0,
            leads=LEADS,
            age=age,
            sex=sex,
            dx=codes,
        )
        labels: dict[str, Label] = {"age": age, "sex": sex, "cpsc_classes": names}
        lacking = {"age"} if math.isnan(age) else {"sex"} if sex is None else set()
        entry = Entry(
            name,
            name,
            "",
            frozenset({"ecg", *labels} - lacking),
            (header, header.with_suffix(".mat")),
            labels,
        )
        known.append(answer(entry, stream_of(values, 500.0)))
        rows.append(f"{name},{numbers}\n")
    write_text(root / "REFERENCE.csv", "".join(rows))
    return tuple(known)
