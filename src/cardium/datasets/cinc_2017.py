"""PhysioNet/CinC Challenge 2017: 8,528 short single-lead ECGs from a hand-held device.

Layout, with records in one folder (``training2017``, of the archive) or in folders of a
thousand under ``training`` (of PhysioNet's pages)::

    training2017/A00001.{hea,mat}   WFDB header, MATLAB 4 array of int16, 300 Hz
    REFERENCE-v3.csv                a row a record without a header line: A00001,N

``ecg`` is (time, lead) in mV at 300 Hz, 9 to 61 s. The headers call the lead ``ECG``;
it is named ``I`` here, since the device (AliveCor) is held with the fingers of both
hands. Some were held the wrong way round: expect inverted traces.

``rhythm_class`` is ``normal``, ``af``, ``other`` or ``noise``, which the table writes
``N``, ``A``, ``O`` and ``~``. The labels were revised three times, so **version 3 of
the table is required** and no other one is read. A record of the table that is not on
disk has no entry. The copies under ``validation`` repeat records of the training set
and are not read.

There is no official split: the test data were never published. Make folds
(``folds=5``). **The source names no patients**, so the record is the patient, and folds
by record may put one person on two sides. The layout is written from the challenge's
description; the reader was not tried on the whole release.

References
----------
Clifford et al., AF classification from a short single lead ECG recording: the
PhysioNet/Computing in Cardiology Challenge 2017, Computing in Cardiology 44, 2017.
https://doi.org/10.22489/CinC.2017.065-469
"""

from __future__ import annotations

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
    Recording,
)
from cardium.datasets._challenge import Found, audit_records, ecg_stream, find_records
from cardium.datasets._files import require
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.challenge import open_record

INFO = Info(
    title="PhysioNet/CinC Challenge 2017",
    summary="8,528 single-lead ECGs of 9 to 61 s from a hand-held device, in four "
    "classes: normal, atrial fibrillation, other rhythm, noise; no patients are named.",
    version="1.0.0",
    url="https://physionet.org/content/challenge-2017/1.0.0/",
    license="ODC-BY 1.0",
    citation="Clifford et al. 2017, doi:10.22489/CinC.2017.065-469",
    access="Version 1.0.0 is free to download: 'cardium fetch cinc_2017', or by hand "
    "from https://physionet.org/content/challenge-2017/1.0.0/, with REFERENCE-v3.csv.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/challenge-2017/1.0.0/",
)
REFERENCE = "REFERENCE-v3.csv"
CLASSES = MappingProxyType({"N": "normal", "A": "af", "O": "other", "~": "noise"})
"""The four classes, by the signs of the table."""

_RATE = 300.0
_FOLDERS = ("training2017", "training")


def index(root: Path) -> Catalog:
    """Read the table and list the records; open none."""
    table = read_reference(root)
    return Catalog(
        tuple(
            _entry(name, there, table[name])
            for name, there in _on_disk(root).items()
            if name in table
        )
    )


def load(root: Path, entry: Entry) -> Recording:
    """Open one record; nothing is read of its samples."""
    header = require(root, entry.files[0], INFO)
    signal = open_record(header)
    if (signal.rate, signal.shape[1]) != (_RATE, 1):
        raise DataCorruptError(
            f"'{header}' has {signal.shape[1]} leads at {signal.rate:g} Hz; expected "
            f"1 at {_RATE:g} Hz. Get the file again."
        )
    return Recording(entry, MappingProxyType({"ecg": ecg_stream(signal, ("I",))}))


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold checksums, first samples and amplitudes against each header."""
    return audit_records(root, _on_disk(root).values(), limit)


def absent(root: Path) -> tuple[str, ...]:
    """Name the records of the table that are not on disk."""
    there = _on_disk(root)
    return tuple(name for name in read_reference(root) if name not in there)


def read_reference(root: Path) -> dict[str, str]:
    r"""Read the class of each record from version 3 of the table.

    Parameters
    ----------
    root : Path
        The folder that holds it, or that holds the folder of records that does.

    Returns
    -------
    dict of str to str
        One of the names of `CLASSES` for each record.

    Raises
    ------
    DataMissingError
        If it is not there; if another version is, the message says so.
    DataCorruptError
        If a row is not a record and one of the four signs, or a record repeats.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / REFERENCE).write_text("A00001,N\nA00002,~\n")
    ...     read_reference(Path(folder))
    {'A00001': 'normal', 'A00002': 'noise'}
    """
    places = [root, *(root / name for name in _FOLDERS)]
    path = next((p / REFERENCE for p in places if (p / REFERENCE).is_file()), None)
    if path is None:
        others = sorted(
            file.relative_to(root).as_posix()
            for place in places
            for file in place.glob("REFERENCE*.csv")
        )
        raise DataMissingError(
            f"{INFO.title}: '{REFERENCE}' is not under '{root}'"
            + (f", only {others[0]}, whose labels differ" if others else "")
            + f". {INFO.access}"
        )
    table: dict[str, str] = {}
    lines = path.read_text("utf-8-sig", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        name, _, sign = (part.strip() for part in line.partition(","))
        if not line.strip():
            continue
        if sign not in CLASSES or name in table:
            raise DataCorruptError(
                f"'{path}', line {number} is '{line[:40]}'; expected a record that "
                f"was not named before and one of {', '.join(CLASSES)}. "
                "Get the file again."
            )
        table[name] = CLASSES[sign]
    return table


def _folder(root: Path) -> Path:
    """Find the folder of the training records."""
    return next((root / n for n in _FOLDERS if (root / n).is_dir()), root)


def _on_disk(root: Path) -> dict[str, Found]:
    """List the records on disk by name, relative to the root."""
    folder = _folder(root)
    place = PurePosixPath(folder.relative_to(root).as_posix())
    found = find_records(folder, INFO)
    return {one.header.stem: Found(place / one.header, one.whole) for one in found}


def _entry(name: str, there: Found, rhythm: str) -> Entry:
    """Make the entry of one record."""
    return Entry(
        id=name,
        patient=name,
        split="",
        provides=frozenset({"rhythm_class"} | ({"ecg"} if there.whole else set())),
        files=there.files,
        labels=MappingProxyType({"rhythm_class": rhythm}),
    )


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._cinc_2017_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="cinc_2017",
    info=INFO,
    provides=frozenset({"ecg", "rhythm_class"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
"""The dataset: what it is, and the functions that read it."""
