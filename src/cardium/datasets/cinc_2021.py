"""PhysioNet/CinC Challenge 2021: 88,253 twelve-lead ECGs from eight collections.

Layout of version 1.0.3::

    training/<collection>/g1/JS00001.{hea,mat}   WFDB header, MATLAB 4 array of int16
    SHA256SUMS.txt                               checksums of all files

Headers are found anywhere under the root, so that a folder of records without those
above it works too. ``ecg`` is (time, lead) in mV at the rate of the record: 500 Hz,
1 kHz (PTB) or 257 Hz (INCART, whose records last half an hour).

The labels: ``age`` (NaN if none is stated), ``sex``, ``source``, the collection by its
folder or else by the record's name, ``dx``, the codes of SNOMED CT in their order
without repeats, ``scored``, the names of the classes that the challenge scores (30
codes, 26 classes, `cardium.metrics.challenge.SCORED_2021`), and ``unscored``, the
other codes. What is not stated is not provided.

Kept as the source has it: every label, also where it is known to be wrong. Ningbo has
7,615 records of atrial flutter and none of atrial fibrillation, which cannot be right;
PTB-XL has no ventricular extrasystole under the scored code. The catalog reads comments
alone: a header that is broken is told when its record is opened.

There is no official split: the validation and test data (6,630 and 36,266 records) were
never published. Make folds (``folds=5``). **The source names no patients**, so the
record is the patient; PTB, PTB-XL and INCART do hold several records of some patients,
which folds by record can put on two sides. Use `cardium.datasets.ptb_xl` where that
matters.

References
----------
Reyna et al., Will two do? Varying dimensions in electrocardiography: The
PhysioNet/Computing in Cardiology Challenge 2021, Computing in Cardiology 48, 2021.
https://doi.org/10.23919/CinC53138.2021.9662687
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cardium.core import Catalog, Check, Dataset, Entry, Info, KnownAnswer, Recording
from cardium.datasets._challenge import (
    audit_records,
    find_records,
    index_records,
    load_record,
)
from cardium.metrics.challenge import SCORED_2021

INFO = Info(
    title="PhysioNet/CinC Challenge 2021",
    summary="88,253 twelve-lead ECGs from eight collections of four countries, with "
    "diagnoses as SNOMED CT codes; no patients are named and there is no split.",
    version="1.0.3",
    url="https://physionet.org/content/challenge-2021/1.0.3/",
    license="CC BY 4.0 (some collections have terms of their own)",
    citation="Reyna et al. 2021, doi:10.23919/CinC53138.2021.9662687",
    access="Version 1.0.3 is free to download: 'cardium fetch cinc_2021', or by hand "
    "from https://physionet.org/content/challenge-2021/1.0.3/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/challenge-2021/1.0.3/",
)


def index(root: Path) -> Catalog:
    """Read the comments of every header; open no samples."""
    return index_records(root, INFO, SCORED_2021)


def load(root: Path, entry: Entry) -> Recording:
    """Open one record; nothing is read of its samples."""
    return load_record(root, entry, INFO)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold checksums, first samples and amplitudes against each header."""
    return audit_records(root, find_records(root, INFO), limit)


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._cinc_fake import FakeRecord, write_challenge

    sinus, fast = ("426783006",), ("427084000",)
    records = (
        FakeRecord("chapman_shaoxing", "JS00001", sinus, ("NSR",), age=85.0),
        FakeRecord(
            "chapman_shaoxing",
            "JS10646",
            ("164889003", "59118001", "164934002"),
            ("AF", "CRBBB|RBBB", "TAb"),
            sex="male",
            heart_rate=110.0,
        ),
        FakeRecord("cpsc_2018", "A0001", sinus, ("NSR",), seconds=7.0),
        FakeRecord(
            "cpsc_2018",
            "A0002",
            ("713427006", "59118001"),
            ("CRBBB|RBBB",),
            group="g2",
        ),
        FakeRecord("cpsc_2018_extra", "Q0001", ("6374002",), ("BBB",), sex=None),
        FakeRecord(
            "georgia",
            "E00001",
            ("427084000", "67741000119109"),
            ("STach",),
            ("67741000119109",),
            heart_rate=120.0,
            age=float("nan"),
        ),
        FakeRecord("ningbo", "JS10647", fast, ("STach",), heart_rate=115.0),
        FakeRecord("ptb", "S0001", sinus, ("NSR",), rate=1000.0, sex="male"),
        FakeRecord(
            "ptb_xl",
            "HR00001",
            ("426783006", "164934002", "426783006"),
            ("NSR", "TAb"),
        ),
        FakeRecord(
            "st_petersburg_incart",
            "I0001",
            ("164884008",),
            (),
            ("164884008",),
            rate=257.0,
            seconds=30.0,
        ),
    )
    return write_challenge(root, records, blank=" ")


DATASET = Dataset(
    name="cinc_2021",
    info=INFO,
    provides=frozenset({"ecg", "age", "sex", "source", "dx", "scored", "unscored"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    audit=audit,
)
"""The dataset: what it is, and the functions that read it."""
