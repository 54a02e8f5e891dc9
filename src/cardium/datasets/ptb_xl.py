"""PTB-XL: 12-lead clinical ECGs of 10 s with diagnostic statements.

Layout of version 1.0.3::

    ptbxl_database.csv                    a row a recording
    scp_statements.csv                    a row a statement: what kind it is of
    records500/00000/00001_hr.{hea,dat}   WFDB format 16, (5000, 12), 1000 units/mV
    records100/00000/00001_lr.{hea,dat}   the authors' copy at 100 Hz, (1000, 12)
    SHA256SUMS.txt                        checksums of all files

A recording provides ``ecg`` (500 Hz) and ``ecg_100hz`` as far as their files are
there, so a copy with one of the two folders can be used. Both are (time, lead) in mV,
leads I, II, III, aVR, aVL, aVF, V1 to V6; the 100 Hz copy was filtered by the authors
and is not every fifth sample.

Kept as the source has it: the order of the rows, and the ten folds that no patient
crosses, of which 1 to 8 train, 9 validates and 10 is scored, as the authors advise.
What is changed: an age of 300 means "over 89" and becomes NaN with ``age_over_89``
true, in the band ``75+`` of ``age_band``; a patient ``15709.0`` is called ``15709``;
headers write AVR where the leads say aVR; statements become six labels, sorted tuples
of names, by the rules of `cardium.measure.statements`, and ``scp_codes`` keeps each
with its likelihood as ``"IMI:15"``. The label of rhythms is ``rhythm_statements``,
since ``rhythm`` is the name of changes over time elsewhere. A recording with no name
under a label, such as one without a diagnostic statement, does not provide that label.

References
----------
Wagner et al., PTB-XL, a large publicly available electrocardiography dataset,
Scientific Data 7:154, 2020. https://doi.org/10.1038/s41597-020-0495-6

Strodthoff et al., Deep learning for ECG analysis: benchmarks and insights from PTB-XL,
IEEE Journal of Biomedical and Health Informatics 25:1519-1528, 2021.
https://doi.org/10.1109/JBHI.2020.3022989
"""

from __future__ import annotations

import ast
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import get_args

import numpy as np

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
    Stream,
    age_band,
    is_stated,
)
from cardium.datasets._files import inside, require
from cardium.errors import DataCorruptError
from cardium.io.tables import read_rows
from cardium.io.wfdb import open_signal
from cardium.measure.statements import Statement, StatementKind, statements
from cardium.signal import LEADS, lead_name

INFO = Info(
    title="PTB-XL",
    summary="21,799 12-lead ECGs of 10 s from 18,869 patients, with diagnostic, form "
    "and rhythm statements by cardiologists.",
    version="1.0.3",
    url="https://physionet.org/content/ptb-xl/1.0.3/",
    license="CC BY 4.0",
    citation="Wagner et al. 2020, doi:10.1038/s41597-020-0495-6",
    access="Version 1.0.3 is free to download (CC BY 4.0): 'cardium fetch ptb_xl', or "
    "by hand from https://physionet.org/content/ptb-xl/1.0.3/.",
    checksums="SHA256SUMS.txt",
    download="https://physionet.org/files/ptb-xl/1.0.3/",
)
RECORDS = "ptbxl_database.csv"
STATEMENTS = "scp_statements.csv"

LABELS: Mapping[StatementKind, str] = MappingProxyType(
    {
        kind: "rhythm_statements" if kind == "rhythm" else kind
        for kind in get_args(StatementKind)
    }
)
"""The label of each kind; ``rhythm`` alone is, elsewhere, an annotation over time."""

# stream, rate [Hz], column of the table and end of the file name
_COPIES = (
    ("ecg", 500.0, "filename_hr", "_hr"),
    ("ecg_100hz", 100.0, "filename_lr", "_lr"),
)
_SPLITS = {**{fold: "train" for fold in range(1, 9)}, 9: "val", 10: "test"}
_SEXES = {"0": "male", "1": "female"}
_TRUE = ("1", "1.0")
_OVER_89 = 300.0


def index(root: Path) -> Catalog:
    """Read both tables and list the folders of records; open no record."""
    table = read_statements(root)
    rows = _read_records(root)
    there = _present(root, (row[column] for row in rows for _, _, column, _ in _COPIES))
    return Catalog(tuple(_entry(root, row, table, there) for row in rows))


def load(root: Path, entry: Entry) -> Recording:
    """Open one recording at the rates whose files are there; nothing is read."""
    streams = {}
    for name, rate, _, end in _COPIES:
        if name not in entry.provides:
            continue
        header = next(path for path in entry.files if path.name.endswith(f"{end}.hea"))
        signal = open_signal(require(root, header, INFO))
        leads = tuple(map(lead_name, signal.channels))
        if (signal.rate, leads, {*signal.units}) != (rate, LEADS, {"mV"}):
            raise DataCorruptError(
                f"'{root / header}' has {signal.rate:g} Hz, leads "
                f"{' '.join(signal.channels)} and units {sorted({*signal.units})}; "
                f"expected {rate:g} Hz, {' '.join(LEADS)} and mV. Get the file again."
            )
        streams[name] = Stream(
            name,
            signal,
            np.arange(signal.shape[0]) / rate,
            ("time", "lead"),
            "mV",
            coords=MappingProxyType({"lead": LEADS}),
        )
    return Recording(entry, MappingProxyType(streams))


def read_statements(root: Path) -> dict[str, Statement]:
    """Read what kind each SCP code is of, from ``scp_statements.csv``."""
    classes = "diagnostic_class", "diagnostic_subclass"
    columns = "", "diagnostic", "form", "rhythm", *classes
    rows = read_rows(require(root, STATEMENTS, INFO), required=columns)
    return {
        row[""]: Statement(
            diagnostic=row["diagnostic"] in _TRUE,
            form=row["form"] in _TRUE,
            rhythm=row["rhythm"] in _TRUE,
            superclass=row["diagnostic_class"],
            subclass=row["diagnostic_subclass"],
        )
        for row in rows
    }


def read_codes(root: Path) -> dict[str, dict[str, float]]:
    r"""Read the SCP codes of every recording with their likelihoods [%], by its id.

    With `statements` it gives labels by other rules than those of the catalog, such as
    the superclasses that are stated with a likelihood of 100.

    Parameters
    ----------
    root : Path
        The folder that holds ``ptbxl_database.csv``.

    Returns
    -------
    dict of str to dict of str to float [%]
        Codes and likelihoods by recording.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> head = "ecg_id,patient_id,age,sex,scp_codes,strat_fold,filename_lr,filename_hr"
    >>> row = "1,9,60,0,\"{'NORM': 80.0, 'SR': 0.0}\",1,lr,hr"
    >>> with TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / RECORDS).write_text(f"{head}\n{row}\n")
    ...     read_codes(Path(folder))
    {'00001': {'NORM': 80.0, 'SR': 0.0}}
    """
    return {
        _id(row): _codes(root, row["ecg_id"], row["scp_codes"])
        for row in _read_records(root)
    }


def _read_records(root: Path) -> list[dict[str, str]]:
    """Read the table of recordings."""
    columns = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold")
    files = (column for _, _, column, _ in _COPIES)
    return read_rows(require(root, RECORDS, INFO), required=(*columns, *files))


def _present(root: Path, stems: Iterable[str]) -> frozenset[str]:
    """List the files beside some record names; each folder is looked at once."""
    found = set()
    for folder in {inside(stem).parent for stem in stems}:
        if (root / folder).is_dir():
            found |= {str(folder / name) for name in os.listdir(root / folder)}
    return frozenset(found)


def _id(row: Mapping[str, str]) -> str:
    """Name a recording as its files are named: five digits."""
    number = row["ecg_id"]
    if not number.isdecimal():
        raise DataCorruptError(
            f"'{RECORDS}': ecg_id is '{number}', expected a whole number. "
            "Get the file again."
        )
    return number.zfill(5)


def _entry(
    root: Path,
    row: Mapping[str, str],
    table: Mapping[str, Statement],
    there: frozenset[str],
) -> Entry:
    """Make the entry of one row."""
    try:
        patient, fold = str(int(float(row["patient_id"]))), int(row["strat_fold"])
        split, sex = _SPLITS[fold], _SEXES[row["sex"]]
        age = float(row["age"] or "nan")
    except (ValueError, KeyError, OverflowError) as error:
        raise DataCorruptError(
            f"'{root / RECORDS}', ecg_id {row['ecg_id']}: patient_id, strat_fold (1 to "
            f"10), sex (0 or 1) or age cannot be read ({error}). Get the file again."
        ) from error
    codes = _codes(root, row["ecg_id"], row["scp_codes"])
    names = {
        LABELS[kind]: statements(codes, table, kind=kind)
        for kind in get_args(StatementKind)
    }
    labels: dict[str, Label] = {
        "age": math.nan if age == _OVER_89 else age,
        "age_over_89": None if math.isnan(age) else age > 89,
        "age_band": age_band(age),
        "sex": sex,
        "fold": fold,
        "scp_codes": tuple(f"{code}:{value:g}" for code, value in codes.items()),
        **names,
    }
    streams, files = set(), []
    for name, _, column, _ in _COPIES:
        pair = [f"{row[column]}.hea", f"{row[column]}.dat"]
        if there.issuperset(pair):
            streams.add(name)
            files += [PurePosixPath(file) for file in pair]
    return Entry(
        id=_id(row),
        patient=patient,
        split=split,
        provides=frozenset(streams | {k for k, v in labels.items() if is_stated(v)}),
        files=tuple(files),
        labels=MappingProxyType(labels),
    )


def _codes(root: Path, record: str, text: str) -> dict[str, float]:
    """Parse the codes of a row, a Python dictionary written as text."""
    try:
        parsed = ast.literal_eval(text)
        codes = {str(code): float(value) for code, value in parsed.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError) as error:
        raise DataCorruptError(
            f"'{root / RECORDS}', ecg_id {record}: scp_codes is '{text[:80]}', "
            "expected codes and likelihoods such as \"{'NORM': 100.0}\". "
            "Get the file again."
        ) from error
    return codes


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._ptb_xl_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="ptb_xl",
    info=INFO,
    provides=frozenset(
        {"ecg", "ecg_100hz", "age", "age_over_89", "age_band", "sex", "fold"}
        | {"scp_codes"}
        | {*LABELS.values()}
    ),
    index=index,
    load=load,
    write_fake=_write_fake,
)
