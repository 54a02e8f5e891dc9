"""MIT-BIH Malignant Ventricular Ectopy: half-hour ECGs with ventricular tachycardia.

Layout of version 1.0.0::

    RECORDS                  the names of the 22 records
    418.hea, 418.dat         WFDB format 212, 525,000 samples at 250 Hz, 2 signals
    418.atr                  changes of rhythm; no beats
    SHA256SUMS.txt           checksums of all files

A recording provides ``ecg`` (time, lead) in mV, with leads ``ECG1`` and ``ECG2``, and
``rhythm``, each of which holds from its mark to the next: read it from the start of
the record, for a part does not say in which rhythm it begins. What is changed: the
source writes VF and VFIB for ventricular fibrillation, and both are VFIB here.

The source does not say which records are of one patient, so each record counts as one.
There is no official split.

References
----------
Greenwald, Development and analysis of a ventricular fibrillation detector, MS thesis,
MIT Department of Electrical Engineering and Computer Science, 1986.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cardium.core import Catalog, Check, Dataset, Entry, Info, KnownAnswer, Recording
from cardium.datasets._wfdb_records import (
    absent_records,
    audit_checksums,
    files_of,
    load_record,
    make_entry,
    present_records,
)

INFO = Info(
    title="MIT-BIH Malignant Ventricular Ectopy Database",
    summary="22 half-hour ECGs of two leads from people with sustained ventricular "
    "tachycardia, flutter or fibrillation, with all changes of rhythm.",
    version="1.0.0",
    url="https://physionet.org/content/vfdb/1.0.0/",
    license="ODC-BY 1.0",
    citation="Greenwald 1986, MS thesis, MIT (dataset doi:10.13026/C22P44)",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch "
    "malignant_ventricular', or by hand from "
    "https://physionet.org/content/vfdb/1.0.0/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/vfdb/1.0.0/",
)
RATE = 250.0
PUBLISHED = (
    *map(str, range(418, 431)),
    "602", "605", "607", "609", "610", "611", "612", "614", "615",
)  # fmt: skip
"""All records, in the order of the source."""

_NEEDED = (".hea", ".dat")


def index(root: Path) -> Catalog:
    """List the records that are there."""
    names = present_records(root, INFO, PUBLISHED, _NEEDED)
    return Catalog(tuple(_entry(root, name) for name in names))


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its rhythms; samples are read when sliced."""
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
    provides = {"ecg", "rhythm"} if files[-1].suffix == ".atr" else {"ecg"}
    return make_entry(name, files, provides, {})


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_malignant_ventricular

    return write_malignant_ventricular(root)


DATASET = Dataset(
    name="malignant_ventricular",
    info=INFO,
    provides=frozenset({"ecg", "rhythm"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
