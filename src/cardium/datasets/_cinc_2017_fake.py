"""A small training set of the Challenge 2017, of known content."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from cardium.core import Entry, KnownAnswer
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer, simulate, stream_of
from cardium.datasets._files import write_checksums
from cardium.io.challenge import write_record

_RATE = 300.0
_RECORDS = (
    ("N", "normal", 62.0, 9.0),
    ("A", "af", 105.0, 12.0),
    ("O", "other", 48.0, 9.5),
    ("~", "noise", 75.0, 10.0),
    ("N", "normal", 81.0, 15.0),
    ("A", "af", 88.0, 9.0),
    ("O", "other", 135.0, 9.0),
    ("N", "normal", 70.0, 30.0),
)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write eight records of all four classes and the table."""
    known, rows = [], []
    for number, (sign, rhythm, heart_rate, seconds) in enumerate(_RECORDS, start=1):
        name = f"A{number:05d}"
        header = PurePosixPath("training2017") / f"{name}.hea"
        values = simulate(
            number,
            seconds=seconds,
            rate=_RATE,
            heart_rate=heart_rate,
            fibrillates=sign == "A",
            leads=1,
        )
        if sign == "~":
            values = _noise(values)
        path = root / header
        write_record(path, values, rate=_RATE, leads=["ECG"])
        # this challenge's headers say nothing of the patient
        lines = path.read_text("utf-8").splitlines()
        write_text(path, "".join(f"{x}\n" for x in lines if not x.startswith("#")))
        entry = Entry(
            name,
            name,
            "",
            frozenset({"ecg", "rhythm_class"}),
            (header, header.with_suffix(".mat")),
            {"rhythm_class": rhythm},
        )
        known.append(answer(entry, stream_of(values, _RATE, ("I",))))
        rows.append(f"{name},{sign}\n")
    write_text(root / "REFERENCE-v3.csv", "".join(rows))
    write_checksums(root)
    return tuple(known)


def _noise(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Replace a trace by steps as of a loose contact, in whole microvolts."""
    steps = (np.arange(len(values)) // 37 * 7919) % 1000 - 500
    return np.asarray(steps[:, None] / 1000.0).astype(np.float32)
