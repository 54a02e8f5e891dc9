"""Small training sets of the Challenges 2020 and 2021, of known content."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

from cardium.core import Entry, KnownAnswer, Label
from cardium.core.files import write_text
from cardium.datasets._ecg_fake import answer, simulate, stream_of
from cardium.datasets._files import write_checksums
from cardium.io.challenge import Sex, write_record
from cardium.signal import LEADS


class FakeRecord(NamedTuple):
    """A record, its labels, and the rhythm of whom it is of."""

    source: str
    name: str
    codes: tuple[str, ...]
    scored: tuple[str, ...]
    unscored: tuple[str, ...] = ()
    heart_rate: float = 70.0
    rate: float = 500.0
    seconds: float = 10.0
    age: float = 60.0
    sex: Sex | None = "female"
    group: str = "g1"


def write_challenge(
    root: Path, records: Sequence[FakeRecord], *, blank: str
) -> tuple[KnownAnswer, ...]:
    """Write records as ``training/<source>/g1/NAME``; `blank` stands after ``#``."""
    known = []
    for number, record in enumerate(records):
        folder = f"training/{record.source.replace('ptb_xl', 'ptb-xl')}/{record.group}"
        header = PurePosixPath(folder) / f"{record.name}.hea"
        values = simulate(
            number,
            seconds=record.seconds,
            rate=record.rate,
            heart_rate=record.heart_rate,
            fibrillates="AF" in record.scored,
        )
        path = root / header
        write_record(
            path,
            values,
            rate=record.rate,
            leads=LEADS,
            age=record.age,
            sex=record.sex,
            dx=record.codes,
        )
        write_text(path, path.read_text("utf-8").replace("# ", f"#{blank}"))
        entry = _entry(record, header)
        known.append(answer(entry, stream_of(values, record.rate)))
    write_text(root / "LICENSE.txt", "Simulated signals, free of any rights.\n")
    write_checksums(root)
    return tuple(known)


def _entry(record: FakeRecord, header: PurePosixPath) -> Entry:
    """Say what the catalog must say of a record."""
    labels: dict[str, Label] = {
        "age": record.age,
        "sex": record.sex,
        "source": record.source,
        "dx": tuple(dict.fromkeys(record.codes)),
        "scored": record.scored,
        "unscored": record.unscored,
    }
    lacking = {key for key, value in labels.items() if value in ((), None)}
    if math.isnan(record.age):
        lacking.add("age")
    return Entry(
        id=record.name,
        patient=record.name,
        split="",
        provides=frozenset({"ecg", *labels} - lacking),
        files=(header, header.with_suffix(".mat")),
        labels=MappingProxyType(labels),
    )
