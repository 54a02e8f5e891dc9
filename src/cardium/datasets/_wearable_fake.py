"""A small folder of wearable ECGs, of known content."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from cardium.core import Entry, KnownAnswer
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer, simulate, stream_of

# record, patient, rhythm, rate, split, heart rate
_RECORDS = (
    ("w0001", "p01", "sinus rhythm", 400.0, "train", 66.0),
    ("w0002", "p01", "atrial fibrillation", 400.0, "train", 101.0),
    ("w0003", "p02", "sinus rhythm", 250.0, "train", 84.0),
    ("w0004", "p03", "atrial fibrillation", 400.0, "val", 92.0),
    ("w0005", "p04", "sinus rhythm", 400.0, "test", 58.0),
    ("w0006", "p05", "ventricular tachycardia", 400.0, "test", 150.0),
)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six records of five people at two rates."""
    known, rows = [], ["record,patient,rhythm,rate_hz,split\n"]
    for number, (name, patient, rhythm, rate, split, pulse) in enumerate(_RECORDS):
        values = simulate(
            number,
            seconds=30.0,
            rate=rate,
            heart_rate=pulse,
            fibrillates=rhythm == "atrial fibrillation",
            leads=2,
        )
        file = PurePosixPath(f"records/{name}.csv")
        lines = ["Lead I,Lead II\n", *(f"{a:.3f},{b:.3f}\n" for a, b in values)]
        write_text(root / file, "".join(lines))
        entry = Entry(
            name,
            patient,
            split,
            frozenset({"ecg", "rhythm_class", "rate_hz"}),
            (file,),
            {"rhythm_class": rhythm, "rate_hz": rate},
        )
        known.append(answer(entry, stream_of(values, rate, ("I", "II"))))
        rows.append(f"{name},{patient},{rhythm},{rate:g},{split}\n")
    write_text(root / "labels.csv", "".join(rows))
    return tuple(known)
