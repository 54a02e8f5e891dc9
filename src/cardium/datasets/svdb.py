"""MIT-BIH Supraventricular Arrhythmia: half-hour ECGs rich in supraventricular beats.

Layout of version 1.0.0::

    RECORDS                  the names of the 78 records
    800.hea, 800.dat         WFDB format 212, 230,400 samples at 128 Hz, 2 signals
    800.atr                  every beat
    SHA256SUMS.txt           checksums of all files

A recording provides ``ecg`` (time, lead) in mV and ``beats``; the source marks no
changes of rhythm. It does not say which leads were taken either: both are called ECG,
here ``ECG1`` and ``ECG2``. Nor does it name the patients, so each record counts as one,
and it has no official split.

References
----------
Greenwald, Improved detection and classification of arrhythmias in noise-corrupted
electrocardiograms using contextual information, PhD thesis, Harvard-MIT Division of
Health Sciences and Technology, 1990.
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
    title="MIT-BIH Supraventricular Arrhythmia Database",
    summary="78 half-hour ECGs of two leads with every beat named, chosen for their "
    "supraventricular arrhythmia.",
    version="1.0.0",
    url="https://physionet.org/content/svdb/1.0.0/",
    license="ODC-BY 1.0",
    citation="Greenwald 1990, PhD thesis, Harvard-MIT Division of Health Sciences and "
    "Technology; doi:10.13026/C2V30W",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch svdb', or "
    "by hand from https://physionet.org/content/svdb/1.0.0/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/svdb/1.0.0/",
)
RATE = 128.0
PUBLISHED = tuple(map(str, [*range(800, 813), *range(820, 830), *range(840, 895)]))
"""All records, in the order of the source."""

_NEEDED = (".hea", ".dat")


def index(root: Path) -> Catalog:
    """List the records that are there."""
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
    return make_entry(name, files, provides, {})


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_svdb

    return write_svdb(root)


DATASET = Dataset(
    name="svdb",
    info=INFO,
    provides=frozenset({"ecg", "beats"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
