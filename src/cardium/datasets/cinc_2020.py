"""PhysioNet/CinC Challenge 2020: 43,101 twelve-lead ECGs from six collections.

Layout of version 1.0.2::

    training/<collection>/g1/A0001.{hea,mat}   WFDB header, MATLAB 4 array of int16
    SHA256SUMS.txt                             checksums of all files

Headers are found anywhere under the root, so that the folders of the challenge's own
archives, which hold records without folders above them, work too. ``ecg`` is (time,
lead) in mV at the rate of the record: 500 Hz, 1 kHz (PTB) or 257 Hz (INCART, whose
records last half an hour).

The labels: ``age`` (NaN if none is stated), ``sex``, ``source``, the collection by its
folder or else by the record's name, ``dx``, the codes of SNOMED CT in their order
without repeats, ``scored``, the names of the classes that the challenge scores (27
codes, 24 classes, `cardium.metrics.challenge.SCORED_2020`), and ``unscored``, the
other codes. What is not stated is not provided.

Copies from before the release have records without diagnoses, records called
``E00001.mat`` and wrong gains: 200/mV in PTB-XL (five times too large), 2,000,000/mV in
PTB (a thousand times too small). All can be read. ``cardium verify`` tells amplitudes
that are none of a heart's, but a factor of five it may miss: get the release.

There is no official split: the validation and test data were never published. Make
folds (``folds=5``). **The source names no patients**, so the record is the patient;
PTB, PTB-XL and INCART do hold several records of some patients, which folds by record
can put on two sides.

References
----------
Perez Alday et al., Classification of 12-lead ECGs: the PhysioNet/Computing in
Cardiology Challenge 2020, Physiological Measurement 41:124003, 2020.
https://doi.org/10.1088/1361-6579/abc960
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
from cardium.metrics.challenge import SCORED_2020

INFO = Info(
    title="PhysioNet/CinC Challenge 2020",
    summary="43,101 twelve-lead ECGs from six collections of four countries, with "
    "diagnoses as SNOMED CT codes; no patients are named and there is no split.",
    version="1.0.2",
    url="https://physionet.org/content/challenge-2020/1.0.2/",
    license="CC BY 4.0 (some collections have terms of their own)",
    citation="Perez Alday et al. 2020, doi:10.1088/1361-6579/abc960",
    access="Version 1.0.2 is free to download: 'cardium fetch cinc_2020', or by hand "
    "from https://physionet.org/content/challenge-2020/1.0.2/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/challenge-2020/1.0.2/",
)


def index(root: Path) -> Catalog:
    """Read the comments of every header; open no samples."""
    return index_records(root, INFO, SCORED_2020)


def load(root: Path, entry: Entry) -> Recording:
    """Open one record; nothing is read of its samples."""
    return load_record(root, entry, INFO)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold checksums, first samples and amplitudes against each header."""
    return audit_records(root, find_records(root, INFO), limit)


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._cinc_fake import FakeRecord, write_challenge

    sinus, fibrillation = ("426783006",), ("164889003",)
    records = (
        FakeRecord("cpsc_2018", "A0001", sinus, ("NSR",), age=74.0, sex="male"),
        FakeRecord(
            "cpsc_2018", "A0002", fibrillation, ("AF",), heart_rate=105.0, seconds=8.0
        ),
        FakeRecord(
            "cpsc_2018_extra",
            "Q0001",
            ("713427006", "59118001"),
            ("CRBBB|RBBB",),
            sex=None,
        ),
        FakeRecord(
            "georgia",
            "E00001",
            ("427084000", "6374002"),
            ("STach",),
            ("6374002",),
            heart_rate=120.0,
            age=float("nan"),
        ),
        FakeRecord("georgia", "E00002", (), ()),
        FakeRecord("ptb", "S0001", sinus, ("NSR",), rate=1000.0, sex="male"),
        FakeRecord(
            "ptb_xl",
            "HR00001",
            ("426783006", "164909002", "426783006"),
            ("NSR", "LBBB"),
        ),
        FakeRecord("ptb_xl", "HR00002", fibrillation, ("AF",), heart_rate=95.0),
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
    return write_challenge(root, records, blank="")


DATASET = Dataset(
    name="cinc_2020",
    info=INFO,
    provides=frozenset({"ecg", "age", "sex", "source", "dx", "scored", "unscored"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    audit=audit,
)
"""The dataset: what it is, and the functions that read it."""
