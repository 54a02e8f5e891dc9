"""St Petersburg INCART: half-hour 12-lead Holter ECGs in which every beat is named.

Layout of version 1.0.0::

    RECORDS                  the names of the 75 records, I01 to I75
    I01.hea, I01.dat         WFDB format 16, 462,600 samples at 257 Hz, 12 signals
    I01.atr                  every beat, found by a program and corrected by hand
    SHA256SUMS.txt           checksums of all files

A recording provides ``ecg`` (time, lead) in mV, with the names of the standard leads
(aVR for AVR), and ``beats``. The source's beats were placed by a program and may lie
some samples beside the R peak.

The 75 records are of 32 patients. Comments of the headers name them (``patient 1``),
with ``age``, ``sex``, ``diagnoses`` and ``notes``. Where a header names no patient the
record counts as one, and then a split by patient does not part people: look at
``catalog.patients`` before you trust it. There is no official split.

References
----------
Goldberger et al., PhysioBank, PhysioToolkit, and PhysioNet, Circulation
101(23):e215-e220, 2000. https://doi.org/10.1161/01.CIR.101.23.e215
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from cardium.core import (
    Catalog,
    Check,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
)
from cardium.datasets._wfdb_records import (
    absent_records,
    age_and_sex,
    audit_checksums,
    files_of,
    load_record,
    make_entry,
    present_records,
)
from cardium.io.wfdb import read_comments

INFO = Info(
    title="St Petersburg INCART 12-lead Arrhythmia Database",
    summary="75 half-hour 12-lead Holter ECGs from 32 patients with coronary disease, "
    "with about 175,000 beats named.",
    version="1.0.0",
    url="https://physionet.org/content/incartdb/1.0.0/",
    license="ODC-BY 1.0",
    citation="Goldberger et al. 2000, doi:10.1161/01.CIR.101.23.e215 (dataset "
    "doi:10.13026/C2V88N)",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch incart', or "
    "by hand from https://physionet.org/content/incartdb/1.0.0/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/incartdb/1.0.0/",
)
RATE = 257.0
PUBLISHED = tuple(f"I{number:02d}" for number in range(1, 76))
"""All records, in the order of the source."""

_NEEDED = (".hea", ".dat")
_PATIENT = re.compile(r"\W*patient\W*(\d{1,3})\W*(?:patient\W*)?", re.IGNORECASE)
_DIAGNOSES = re.compile(r"\bdiagnos[ie]s\b\W*(.*)", re.IGNORECASE)


def index(root: Path) -> Catalog:
    """List the records that are there, and read the comments of their headers."""
    names = present_records(root, INFO, PUBLISHED, _NEEDED)
    return Catalog(tuple(_entry(root, name) for name in names))


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its beats; samples are read when sliced."""
    return load_record(root, entry, INFO, rate=RATE)


def absent(root: Path) -> tuple[str, ...]:
    """Name the records that are listed and lack their header or their samples."""
    return absent_records(root, PUBLISHED, _NEEDED)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold the samples against the checksums in the headers."""
    return audit_checksums(index, root, limit)


def _entry(root: Path, name: str) -> Entry:
    """Make the entry of one record."""
    files = files_of(root, name, (".hea", ".dat", ".atr"))
    provides = {"ecg", "beats"} if files[-1].suffix == ".atr" else {"ecg"}
    patient, labels = _person(read_comments(root / f"{name}.hea"))
    return make_entry(name, files, provides, labels, patient=patient)


def _person(comments: Iterable[str]) -> tuple[str, dict[str, Label]]:
    """Read patient, age, sex and diagnoses; other comments are notes."""
    patient, diagnoses, notes = "", "", []
    lines = [line for line in comments if line]
    for line in lines:
        named, diagnosed = _PATIENT.fullmatch(line), _DIAGNOSES.search(line)
        if named is not None:
            patient = f"patient{int(named[1]):02d}"
        elif diagnosed is not None:
            diagnoses = diagnosed[1]
        elif not re.match(r"\W*(?:age|sex|gender)\b", line, re.IGNORECASE):
            notes.append(line)
    age, sex = age_and_sex(lines)
    split = (part.strip(" .") for part in diagnoses.split(","))
    return patient, {
        "age": age,
        "sex": sex,
        "diagnoses": tuple(part for part in split if part),
        "notes": " ".join(notes) or None,
    }


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_incart

    return write_incart(root)


DATASET = Dataset(
    name="incart",
    info=INFO,
    provides=frozenset({"ecg", "beats", "age", "sex", "diagnoses", "notes"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
