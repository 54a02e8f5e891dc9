"""China Physiological Signal Challenge 2018: 6,877 twelve-lead ECGs in nine classes.

The form that is read is that of the PhysioNet challenges, in which these records came
to be used most; headers are found anywhere under the root::

    A0001.{hea,mat}   WFDB header, MATLAB 4 array of int16, 12 leads at 500 Hz
    REFERENCE.csv     Recording,First_label,Second_label,Third_label; if it is there

``ecg`` is (time, lead) in mV, 6 to 60 s (a few last longer). The labels are ``age``
(NaN if none is stated), ``sex`` and ``cpsc_classes``, one to three of `CLASSES`. They
are those of ``REFERENCE.csv``, whose numbers 1 to 9 are the classes in that order;
where there is no such table, as in PhysioNet's copies, they follow from the SNOMED CT
codes in the headers. A record of the table that is not on disk has no entry.

What is verified: the form of PhysioNet, on a real record of this collection, and the
nine codes, on the counts that the challenge's tables give for it. What is not: the
table, which is read as the challenge describes it. The first release, whose ``.mat``
files hold a structure and have no headers, is not read.

There is no official split of the published records. Make folds (``folds=5``). **The
source names no patients**, so the record is the patient.

References
----------
Liu et al., An open access database for evaluating the algorithms of electrocardiogram
rhythm and morphology abnormality detection, Journal of Medical Imaging and Health
Informatics 8:1368-1373, 2018. https://doi.org/10.1166/jmihi.2018.2442
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
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
    is_stated,
)
from cardium.datasets._challenge import (
    Found,
    audit_records,
    find_records,
    load_record,
)
from cardium.errors import DataCorruptError, DataMissingError
from cardium.io.challenge import read_comments
from cardium.io.tables import read_rows

INFO = Info(
    title="China Physiological Signal Challenge 2018",
    summary="6,877 twelve-lead ECGs of 6 to 60 s from eleven hospitals in nine "
    "classes; no patients are named and there is no split.",
    version="as in PhysioNet/CinC Challenge 2020 1.0.2 and 2021 1.0.3",
    url="http://2018.icbeb.org/Challenge.html",
    license="CC BY 4.0 (the copies on PhysioNet)",
    citation="Liu et al. 2018, doi:10.1166/jmihi.2018.2442",
    access="The records are a part of the PhysioNet/CinC Challenge 2021: 'cardium "
    "fetch cinc_2021 --only training/cpsc_2018/'. Give that folder as the root.",
)
REFERENCE = "REFERENCE.csv"
CLASSES = ("Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE")
"""The nine classes; number 1 of the table is the first."""

_CODES = {
    "426783006": "Normal",
    "164889003": "AF",
    "270492004": "I-AVB",
    "164909002": "LBBB",
    "59118001": "RBBB",
    "284470004": "PAC",
    "164884008": "PVC",
    "429622005": "STD",
    "164931005": "STE",
}
_COLUMNS = ("First_label", "Second_label", "Third_label")
_NUMBERS = tuple("123456789")
_NAME = re.compile(r"A\d{4}")


def index(root: Path) -> Catalog:
    """Read the table, if it is there, and the comments of every header."""
    found = _on_disk(root)
    table = read_reference(root) if (root / REFERENCE).is_file() else None
    return Catalog(
        tuple(
            _entry(root, name, there, table)
            for name, there in found.items()
            if table is None or name in table
        )
    )


def load(root: Path, entry: Entry) -> Recording:
    """Open one record; nothing is read of its samples."""
    return load_record(root, entry, INFO)


def audit(root: Path, limit: int | None) -> Iterable[Check]:
    """Hold checksums, first samples and amplitudes against each header."""
    return audit_records(root, _on_disk(root).values(), limit)


def absent(root: Path) -> tuple[str, ...]:
    """Name the records of the table that are not on disk."""
    if not (root / REFERENCE).is_file():
        return ()
    there = _on_disk(root)
    return tuple(name for name in read_reference(root) if name not in there)


def read_reference(root: Path) -> dict[str, tuple[str, ...]]:
    r"""Read the classes of each record from the table.

    Parameters
    ----------
    root : Path
        The folder that holds ``REFERENCE.csv``.

    Returns
    -------
    dict of str to tuple of str
        One to three of `CLASSES` for each record, in the order of the table.

    Raises
    ------
    DataMissingError
        If it is not there.
    DataCorruptError
        If it lacks a column, or a label is not a number from 1 to 9.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> text = "Recording,First_label,Second_label,Third_label\nA0001,5,,\nA0004,2,7,\n"
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / REFERENCE).write_text(text)
    ...     read_reference(Path(folder))
    {'A0001': ('RBBB',), 'A0004': ('AF', 'PVC')}
    """
    path = root / REFERENCE
    if not path.is_file():
        raise DataMissingError(f"{INFO.title}: there is no '{path}'. {INFO.access}")
    table = {}
    for row in read_rows(path, required=("Recording", *_COLUMNS)):
        numbers = [row[column].strip() for column in _COLUMNS]
        try:
            names = [CLASSES[_NUMBERS.index(n)] for n in numbers if n]
        except ValueError as error:
            raise DataCorruptError(
                f"'{path}', {row['Recording']}: the labels are {numbers}, expected "
                "numbers from 1 to 9. Get the file again."
            ) from error
        table[row["Recording"].strip()] = tuple(dict.fromkeys(names))
    return table


def _on_disk(root: Path) -> dict[str, Found]:
    """List the records on disk by name; those of other collections are passed over."""
    found = {
        one.header.stem: one
        for one in find_records(root, INFO)
        if _NAME.fullmatch(one.header.stem)
    }
    if not found:
        raise DataMissingError(
            f"{INFO.title}: no record of it (A0001.hea) is under '{root}'. "
            f"{INFO.access}"
        )
    return found


def _entry(
    root: Path,
    name: str,
    there: Found,
    table: Mapping[str, tuple[str, ...]] | None,
) -> Entry:
    """Make the entry of one record."""
    comments = read_comments(root / there.header)
    if table is None:
        classes = tuple(_CODES[code] for code in comments.dx if code in _CODES)
    else:
        classes = table[name]
    labels: dict[str, Label] = {
        "age": comments.age,
        "sex": comments.sex,
        "cpsc_classes": classes,
    }
    stated = {key for key, label in labels.items() if is_stated(label)}
    return Entry(
        id=name,
        patient=name,
        split="",
        provides=frozenset(stated | {"ecg"} if there.whole else stated),
        files=there.files,
        labels=MappingProxyType(labels),
    )


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._cpsc_2018_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="cpsc_2018",
    info=INFO,
    provides=frozenset({"ecg", "age", "sex", "cpsc_classes"}),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
    audit=audit,
)
"""The dataset: what it is, and the functions that read it."""
