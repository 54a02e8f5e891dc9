"""MIT-BIH Arrhythmia with each of its people on one side of the split.

The files are those of ``mit_bih``, and so is all that is read from them. The published
split has record 201 among those that train and record 202 among those that are scored,
though both are of one man. Here the patient is the person (``subject``), and 202 stands
beside 201: 23 records train, 21 are scored, and nobody is on both sides. Numbers made
with it are not comparable with the published ones to the last digit, and are cleaner.

References
----------
Moody and Mark, The impact of the MIT-BIH arrhythmia database, IEEE Engineering in
Medicine and Biology 20(3):45-50, 2001. https://doi.org/10.1109/51.932724
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from cardium.core import Catalog, Check, Entry, KnownAnswer, Recording
from cardium.datasets import mit_bih
from cardium.datasets._wfdb_records import audit_checksums, load_record

INFO = replace(
    mit_bih.INFO,
    title="MIT-BIH Arrhythmia Database, split by person",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch mit_bih'; "
    "the files are the same. By hand it is at "
    "https://physionet.org/content/mitdb/1.0.0/.",
)


def index(root: Path) -> Catalog:
    """List the records that are there, by person."""
    return Catalog(tuple(_of_person(entry) for entry in mit_bih.index(root)))


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its annotations; samples are read when sliced."""
    return load_record(root, entry, INFO, rate=mit_bih.RATE)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold the samples against the checksums in the headers."""
    return audit_checksums(index, root, limit)


def _of_person(entry: Entry) -> Entry:
    """Name the person as the patient; 202 goes where 201 is."""
    split = "train" if entry.id == "202" else entry.split
    return replace(entry, patient=str(entry.labels["subject"]), split=split)


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write the fake of the same files."""
    return tuple(
        replace(
            known,
            recording=replace(known.recording, entry=_of_person(known.recording.entry)),
        )
        for known in mit_bih.DATASET.write_fake(root)
    )


DATASET = replace(
    mit_bih.DATASET,
    name="mit_bih_strict",
    info=INFO,
    index=index,
    load=load,
    write_fake=_write_fake,
    audit=audit,
    folder="mit_bih",
)
