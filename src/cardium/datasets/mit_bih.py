"""MIT-BIH Arrhythmia: half-hour ECGs of two leads in which every beat is named.

Layout of version 1.0.0::

    RECORDS                  the names of the 48 records
    100.hea, 100.dat         WFDB format 212, 650,000 samples at 360 Hz, 2 signals
    100.atr                  every beat and every change of rhythm
    SHA256SUMS.txt           checksums of all files

A recording provides ``ecg`` (time, lead) in mV, ``beats`` and ``rhythm``. Leads are to
be chosen by name: record 114 has V5 first and MLII second, 102 and 104 have no MLII.
A record whose samples are not there has no entry, so a part of the dataset can be used.

Kept as the source has it: the symbols of the beats (`cardium.signal.beat_classes` turns
them into the classes of AAMI), and the rhythms, each of which holds from its mark to
the next. From the comments of the headers come ``age``, ``sex``, ``medication`` (empty
if there was none) and ``notes``.

The split is the one of de Chazal et al., which nearly all papers use: 22 records train
(``ds`` is DS1), 22 are scored (DS2), and four of patients with a pacemaker (102, 104,
107, 217; ``paced``) are in neither. **It is by record, and it leaks**: 201, in DS1, and
202, in DS2, are of one man (their ``subject`` is 201). So that the published split can
be used, each record counts as a patient here. The dataset ``mit_bih_strict`` has the
same files with both records on one side.

References
----------
Moody and Mark, The impact of the MIT-BIH arrhythmia database, IEEE Engineering in
Medicine and Biology 20(3):45-50, 2001. https://doi.org/10.1109/51.932724

de Chazal, O'Dwyer and Reilly, Automatic classification of heartbeats using ECG
morphology and heartbeat interval features, IEEE Transactions on Biomedical Engineering
51:1196-1206, 2004. https://doi.org/10.1109/TBME.2004.827359
"""

from __future__ import annotations

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
    plausible_age,
    sex_of,
)
from cardium.datasets._wfdb_records import (
    PERSON,
    absent_records,
    audit_checksums,
    files_of,
    load_record,
    make_entry,
    present_records,
)
from cardium.io.wfdb import read_comments

INFO = Info(
    title="MIT-BIH Arrhythmia Database",
    summary="48 half-hour ECGs of two leads from 47 people, with about 110,000 beats "
    "and all changes of rhythm named by two cardiologists.",
    version="1.0.0",
    url="https://physionet.org/content/mitdb/1.0.0/",
    license="ODC-BY 1.0",
    citation="Moody and Mark 2001, doi:10.1109/51.932724",
    access="Version 1.0.0 is free to download (ODC-BY 1.0): 'cardium fetch mit_bih', "
    "or by hand from https://physionet.org/content/mitdb/1.0.0/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/mitdb/1.0.0/",
)
RATE = 360.0
DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)  # fmt: skip
"""The records that train in the split of de Chazal et al."""
DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)  # fmt: skip
"""The records that are scored in it."""
PACED = ("102", "104", "107", "217")
"""The records of patients with a pacemaker, which are in neither."""
PUBLISHED = tuple(sorted([*DS1, *DS2, *PACED]))
"""All records, in the order of the source."""

_SAME_SUBJECT = {"202": "201"}
_NEEDED = (".hea", ".dat")


def index(root: Path) -> Catalog:
    """List the records that are there, and read the comments of their headers."""
    names = present_records(root, INFO, PUBLISHED, _NEEDED)
    return Catalog(tuple(_entry(root, name) for name in names))


def load(root: Path, entry: Entry) -> Recording:
    """Open one record and read its annotations; samples are read when sliced."""
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
    ds = "DS1" if name in DS1 else "DS2" if name in DS2 else ""
    labels: dict[str, Label] = {
        **_labels(read_comments(root / f"{name}.hea")),
        "subject": _SAME_SUBJECT.get(name, name),
        "ds": ds,
        "paced": name in PACED,
    }
    provides = {"ecg"}
    if files[-1].suffix == ".atr":
        provides |= {"beats", "rhythm"}
    split = {"DS1": "train", "DS2": "test"}.get(ds, "")
    return make_entry(name, files, provides, labels, split=split)


def _labels(comments: tuple[str, ...]) -> dict[str, Label]:
    """Read ``69 M 1085 1629 x1``, the medication on the next line, and the notes."""
    lines = [line for line in comments if line]
    for k, line in enumerate(lines):
        if (person := PERSON.match(line)) is not None:
            drugs = lines[k + 1].split(",") if len(lines) > k + 1 else []
            names = tuple(drug.strip() for drug in drugs)
            return {
                "age": plausible_age(person[1]),
                "sex": sex_of(person[2]),
                "medication": () if names == ("None",) else names,
                "notes": " ".join(lines[k + 2 :]) or None,
            }
    return {"age": plausible_age(""), "sex": None, "medication": (), "notes": None}


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted."""
    from cardium.datasets._wfdb_fake import write_mit_bih

    return write_mit_bih(root)


DATASET = Dataset(
    name="mit_bih",
    info=INFO,
    provides=frozenset(
        {"ecg", "beats", "rhythm", "age", "sex", "medication", "notes"}
        | {"subject", "ds", "paced"}
    ),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
