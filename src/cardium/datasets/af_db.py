"""MIT-BIH Atrial Fibrillation: ten-hour ECGs with every change of rhythm.

Layout of version 1.0.0::

    RECORDS                  the names of the 25 records (or of the 23 with signals)
    04015.hea, 04015.dat     WFDB format 212, about 9.2 million samples at 250 Hz, 2
                             signals; 00735 and 03665 have none
    04015.atr                changes of rhythm: AFIB, AFL (flutter), J (junctional), N
    04015.qrs                beats, found by a program and not corrected
    04015.qrsc               the same, corrected; not for all records
    SHA256SUMS.txt           checksums of all files

A recording provides ``ecg`` (time, lead) in mV, if its samples are there, with leads
``ECG1`` and ``ECG2``; ``rhythm``, each of which holds from its mark to the next; and
``qrs``, the times of the beats, corrected ones where there are any. 00735, 03665, and
any record whose samples are not there, provide the annotations alone. The beats have no
names, for the source's program gives none.

The source names no patients, so each record counts as one. There is no official split.

References
----------
Moody and Mark, A new method for detecting atrial fibrillation using R-R intervals,
Computers in Cardiology 10:227-230, 1983.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from cardium.core import Catalog, Check, Dataset, Entry, Info, KnownAnswer, Recording
from cardium.datasets._wfdb_records import (
    absent_records,
    audit_checksums,
    files_of,
    list_records,
    load_record,
    make_entry,
    present_records,
)

INFO = Info(
    title="MIT-BIH Atrial Fibrillation Database",
    summary="25 ECGs of ten hours from people with (mostly paroxysmal) atrial "
    "fibrillation, with all changes of rhythm; 23 with signals.",
    version="1.0.0",
    url="https://physionet.org/content/afdb/1.0.0/",
    license="ODC-BY 1.0",
    citation="Moody and Mark 1983, Computers in Cardiology 10:227-230 (dataset "
    "doi:10.13026/C2MW2D)",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch af_db', or "
    "by hand from https://physionet.org/content/afdb/1.0.0/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/afdb/1.0.0/",
)
RATE = 250.0
WITHOUT_SIGNALS = ("00735", "03665")
"""The records that have annotations only."""
PUBLISHED = (
    *WITHOUT_SIGNALS,
    "04015", "04043", "04048", "04126", "04746", "04908", "04936", "05091", "05121",
    "05261", "06426", "06453", "06995", "07162", "07859", "07879", "07910", "08215",
    "08219", "08378", "08405", "08434", "08455",
)  # fmt: skip
"""All records, in the order of the source."""

_NEEDED = (".atr",)
_ENDS = (".hea", ".dat", ".atr", ".qrsc", ".qrs")


def index(root: Path) -> Catalog:
    """List the records whose annotations are there."""
    present_records(root, INFO, PUBLISHED, _NEEDED)
    there = {name: files_of(root, name, _ENDS) for name in _names(root)}
    return Catalog(
        tuple(
            _entry(name, files)
            for name, files in there.items()
            if any(file.suffix == ".atr" for file in files)
        )
    )


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its annotations; samples are read when sliced."""
    return load_record(root, entry, INFO, rate=RATE)


def absent(root: Path) -> tuple[str, ...]:
    """Name the records that are listed and lack their annotations."""
    return absent_records(root, PUBLISHED, _NEEDED)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold the samples against the checksums in the headers."""
    return audit_checksums(index, root, limit)


def _names(root: Path) -> tuple[str, ...]:
    """Name the records, those without signals too, which a list may leave out."""
    listed = list_records(root, PUBLISHED)
    return tuple(name for name in WITHOUT_SIGNALS if name not in listed) + listed


def _entry(name: str, files: tuple[PurePosixPath, ...]) -> Entry:
    """Make the entry of one record."""
    ends = {file.suffix for file in files}
    provides = {"rhythm"}
    if {".hea", ".dat"} <= ends:
        provides.add("ecg")
    if ends & {".qrsc", ".qrs"}:
        provides.add("qrs")
    return make_entry(name, files, provides, {})


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_af_db

    return write_af_db(root)


DATASET = Dataset(
    name="af_db",
    info=INFO,
    provides=frozenset({"ecg", "rhythm", "qrs"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
