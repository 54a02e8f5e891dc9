"""A folder of WFDB records, from any source or of one's own.

Layout::

    patients.csv             record,patient: whose each record is; may be left out
    a/100.hea, a/100.dat     records, in folders of any depth and in any format
    a/100.atr                beats and changes of rhythm, if there are any
    a/100.qrs, a/100.qrsc    times of beats, found by a program, and corrected

Every header is a record, but for those that a record of several segments names as its
parts. The record ``a/100.hea`` is called ``a.100``. It provides ``ecg`` (time, lead) in
mV, made of the signals that are voltages; ``beats``, ``rhythm`` and ``qrs`` as far as
the files say such; and ``age`` and ``sex`` if the header's comments state them, as in
``# Age: 56`` and ``# Sex: Female``, or ``# 56 F``.

In ``patients.csv`` a record goes by its name or its path, ``a.100`` or ``a/100``. A
record that it does not name, and every record if there is no such table, counts as a
patient of its own. **Then records of one person may come on two sides of a split.**

A record whose header cannot be read is listed all the same, and opening it raises the
error, so that one bad file neither stops the rest nor goes unseen.

References
----------
Moody, WFDB Applications Guide, https://physionet.org/physiotools/wag/header-5.htm
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from types import MappingProxyType

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
from cardium.datasets._files import require
from cardium.datasets._wfdb_records import (
    age_and_sex,
    audit_checksums,
    files_of,
    kinds_in,
    load_annotations,
    make_entry,
    open_ecg,
)
from cardium.errors import CardiumError, DataMissingError
from cardium.io._wfdb_header import Header, parse_header
from cardium.io.tables import read_rows

INFO = Info(
    title="Folder of WFDB records",
    summary="Any folder of WFDB records, with the annotations and the patients that "
    "stand beside them.",
    version="WFDB 10",
    url="https://physionet.org/physiotools/wag/header-5.htm",
    license="That of the records.",
    citation="The records' own source.",
    access="Put the records (.hea, .dat and annotations) into one folder, in folders "
    "of any depth, and a table 'patients.csv' (record,patient) beside them.",
)
PATIENTS = "patients.csv"

_ANNOTATIONS = (".atr", ".qrsc", ".qrs")


def index(root: Path) -> Catalog:
    """List the records, and read their headers and annotations."""
    paths = sorted(root.rglob("*.hea"))
    if not paths:
        raise DataMissingError(
            f"{INFO.title}: no header (*.hea) is under '{root}'. {INFO.access}"
        )
    headers = {path: _header(path) for path in paths}
    parts = {
        header.path.with_name(f"{name}.hea")
        for header in headers.values()
        if header is not None
        for name, _ in header.segments
    }
    patients = _patients(root)
    return Catalog(
        tuple(
            _entry(root, path, header, patients)
            for path, header in headers.items()
            if path not in parts
        )
    )


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its annotations; samples are read when sliced."""
    path = require(root, entry.files[0], INFO)
    header = parse_header(path)
    streams = {}
    if "ecg" in entry.provides:
        streams["ecg"] = open_ecg(path, voltages_only=True)
    found = load_annotations(root, entry, INFO, rate=header.rate)
    return Recording(entry, MappingProxyType(streams), MappingProxyType(found))


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold the samples against the checksums in the headers."""
    return audit_checksums(index, root, limit)


def _header(path: Path) -> Header | None:
    """Read a header; None if it cannot be read, which opening the record tells."""
    try:
        return parse_header(path)
    except CardiumError:
        return None


def _patients(root: Path) -> dict[str, str]:
    """Read whose each record is."""
    if not (root / PATIENTS).is_file():
        return {}
    rows = read_rows(root / PATIENTS, required=("record", "patient"))
    return {row["record"].replace("/", "."): row["patient"].strip() for row in rows}


def _entry(
    root: Path, path: Path, header: Header | None, patients: dict[str, str]
) -> Entry:
    """Make the entry of one record."""
    stem = path.relative_to(root).with_suffix("")
    name = ".".join(stem.parts)
    beside = files_of(root, stem.as_posix(), _ANNOTATIONS)
    provides = {"ecg"}
    age, sex = math.nan, None
    files: list[PurePosixPath] = [PurePosixPath(f"{stem.as_posix()}.hea")]
    if header is not None:
        age, sex = age_and_sex(header.comments)
        provides = {"ecg"} if header.count else set()
        provides |= _kinds(root, beside, header.rate)
        files += _samples(root, stem, header)
    labels: dict[str, Label] = {"age": age, "sex": sex}
    return make_entry(
        name, [*files, *beside], provides, labels, patient=patients.get(name, "")
    )


def _samples(root: Path, stem: Path, header: Header) -> list[PurePosixPath]:
    """List the files of a record's samples that are there."""
    names = [line.file for line in header.lines]
    names += [f"{name}{end}" for name, _ in header.segments for end in (".hea", ".dat")]
    folder = stem.parent
    return [
        PurePosixPath((folder / name).as_posix())
        for name in dict.fromkeys(names)
        if (root / folder / name).is_file()
    ]


def _kinds(root: Path, files: tuple[PurePosixPath, ...], rate: float) -> set[str]:
    """Name what the annotations hold; a file that cannot be read promises beats."""
    try:
        return kinds_in(root, files, rate)
    except CardiumError:
        return {"beats" if files[0].suffix == ".atr" else "qrs"}


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_folder

    return write_folder(root)


DATASET = Dataset(
    name="wfdb_folder",
    info=INFO,
    provides=frozenset({"ecg", "beats", "rhythm", "qrs", "age", "sex"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    audit=audit,
)
