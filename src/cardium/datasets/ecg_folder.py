"""Your own ECG files: a folder of them, in any formats, with a table or without.

Layout, of which only the files themselves are needed::

    recordings.csv              a row a recording: what is known of it
    cart/rest_1.xml             files of any of the formats of `cardium.io.ecg_file`,
    holter/day.edf              in folders of any names and depth
    research/r01.{hea,dat}

``recordings.csv`` has the column ``file``, relative to the folder, and may have

- ``patient``: whose recording it is, by your own pseudonym;
- ``split``: ``train``, ``val``, ``test``, ``fold0`` …, or nothing;
- ``rate`` in Hz and ``unit``, for files that state none, such as CSV;
- ``age`` in years and ``sex`` (male, female, M, F);
- any other column, which becomes a label: numbers if all its cells are; several names
  if a cell has a bar between them (``AFIB|LBBB``); text otherwise. An empty cell says
  nothing.

With a table, its rows are the recordings, in its order. Without one, every file in a
known format is, and every file with the extension of one, in the order of their paths.

The patient of a recording whose row names none, and of all recordings without a table,
is read from the file, which is opened for that, and called by a pseudonym
(`cardium.io.ecg_file.pseudonym`); age and sex come from the file then, unless the table
has them. A file that names no patient, or cannot be read, is a patient of its own.
Streams are ``ecg``, (time, lead) in mV, and ``median`` where the file has a median
beat, and of a WFDB record with an ``.atr`` file the annotations ``beats`` and
``rhythm``; the catalog only knows of these in files that it opened. A file that cannot
be read is in the catalog all the same, and loading it says why.

Nothing else about a person is read from the files, but file names and the table are
taken as they are: to de-identify these is yours.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
    is_stated,
)
from cardium.datasets._files import inside, require
from cardium.errors import CardiumError, DataCorruptError, DataMissingError
from cardium.io.ecg_file import detect_format, open_ecg
from cardium.io.tables import read_rows

TABLE = "recordings.csv"
INFO = Info(
    title="A folder of ECG files",
    summary="Your own ECGs: HL7 aECG, BDF, CSV, DICOM, EDF, ISHNE, MUSE XML, SCP-ECG "
    "and WFDB files in one folder.",
    version="any",
    url="https://cardium.readthedocs.io/",
    license="yours",
    citation="none",
    access="Put ECG files into a folder, and what is known of them into "
    f"'{TABLE}' beside them.",
)

_SUFFIXES = {
    *(".edf", ".bdf", ".dcm", ".scp", ".ecg", ".xml", ".hea", ".csv", ".tsv"),
}
_PARTS = (".dat", ".mat", ".atr")  # of a WFDB record: samples, annotations
_SPLIT = re.compile(r"|train|val|test|fold\d+")
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_COLUMNS = ("file", "patient", "split", "rate", "unit", "age", "sex")


def index(root: Path) -> Catalog:
    """Read the table, or look for files; open those whose patient is not known."""
    rows = _rows(root)
    names = [inside(row["file"]) for row in rows]
    labels = _labels(rows, root)
    entries = []
    for row, name, label, identity in zip(
        rows, names, labels, _ids(names), strict=True
    ):
        entries.append(_entry(root, row, name, label, identity))
    return Catalog(tuple(entries))


def load(root: Path, entry: Entry) -> Recording:
    """Open one file."""
    rate, unit = entry.labels.get("rate"), entry.labels.get("unit")
    recording = open_ecg(
        require(root, entry.files[0], INFO),
        rate=rate if isinstance(rate, float) else None,
        unit=unit if isinstance(unit, str) else None,
    )
    return replace(recording, entry=entry)


def _rows(root: Path) -> list[dict[str, str]]:
    """Return a row a recording."""
    if (root / TABLE).is_file():
        return read_rows(root / TABLE, required=("file",))
    files = list(_find(root))
    if not files:
        raise DataMissingError(f"There is no ECG file under '{root}'. {INFO.access}")
    return [{"file": name} for name in files]


def _find(root: Path) -> Iterator[str]:
    """Look for ECG files, in the order of their paths."""
    found = []
    for folder, _, names in os.walk(root):
        found += [Path(folder, name).relative_to(root) for name in names]
    for path in sorted(found, key=lambda path: path.as_posix()):
        if not path.name.startswith(".") and _is_ecg(root / path):
            yield path.as_posix()


def _is_ecg(path: Path) -> bool:
    """Say whether a file is named or built like an ECG."""
    if path.suffix.lower() in _SUFFIXES:
        return True
    try:
        detect_format(path)
    except CardiumError:
        return False
    return True


def _ids(names: Sequence[PurePosixPath]) -> Iterator[str]:
    """Name recordings by their paths, with the extension where it tells two apart."""
    short = ["-".join(name.with_suffix("").parts) for name in names]
    long = ["-".join(name.parts) for name in names]
    counts, taken = Counter(short), Counter(long)
    for one, other in zip(short, long, strict=True):
        if taken[other] > 1:
            raise DataCorruptError(f"'{TABLE}' names '{other}' twice. Mend the table.")
        yield one if counts[one] == 1 else other


def _labels(rows: Sequence[Mapping[str, str]], root: Path) -> list[dict[str, Label]]:
    """Make labels of the columns of the table."""
    found: list[dict[str, Label]] = [{} for _ in rows]
    for column in rows[0] if rows else ():
        cells = [row[column].strip() for row in rows]
        match column:
            case "age":
                values: Iterable[Label] = _numbers(cells, column, root)
            case "sex":
                values = [_SEXES.get(cell.lower()) for cell in cells]
            case _ if column in _COLUMNS or not column:
                continue
            case _:
                values = _guessed(cells)
        for labels, value in zip(found, values, strict=True):
            labels[column] = value
    return found


def _guessed(cells: Sequence[str]) -> list[Label]:
    """Read cells as several names, as numbers, or as text."""
    if any("|" in cell for cell in cells):
        return [tuple(filter(None, cell.split("|"))) for cell in cells]
    try:
        return [float(cell) if cell else math.nan for cell in cells]
    except ValueError:
        return [cell or None for cell in cells]


def _numbers(cells: Sequence[str], column: str, root: Path) -> list[float]:
    """Read a column of numbers."""
    try:
        return [float(cell or "nan") for cell in cells]
    except ValueError as error:
        raise DataCorruptError(
            f"'{root / TABLE}', column '{column}': {error}. Write numbers or nothing."
        ) from error


def _given(row: Mapping[str, str], root: Path) -> tuple[float | None, str | None]:
    """Return what a row says of the rate [Hz] and the unit of its file."""
    (rate,) = _numbers([row.get("rate", "").strip()], "rate", root)
    return (None if math.isnan(rate) else rate), row.get("unit", "").strip() or None


def _entry(
    root: Path,
    row: Mapping[str, str],
    name: PurePosixPath,
    labels: dict[str, Label],
    identity: str,
) -> Entry:
    """Make the entry of a row; the file is opened if the row names no patient."""
    patient, split = row.get("patient", "").strip(), row.get("split", "").strip()
    if not _SPLIT.fullmatch(split):
        raise DataCorruptError(
            f"'{root / TABLE}' has the split '{split}' for '{name}'; there are train, "
            "val, test, fold0, fold1 … and none. Mend the table."
        )
    rate, unit = _given(row, root)
    known: dict[str, Label] = {"age": math.nan, "sex": None, "format": None}
    streams = frozenset({"ecg"})
    try:
        if patient:
            known["format"] = detect_format(root / name)
        else:
            opened = open_ecg(root / name, rate=rate, unit=unit)
            named = opened.entry.patient
            patient = identity if named == opened.entry.id else named
            known |= {key: opened.entry.labels[key] for key in known}
            streams = frozenset(opened.streams) | frozenset(opened.annotations)
    except CardiumError:
        pass  # `load` says what is wrong with the file
    known |= {k: v for k, v in labels.items() if is_stated(v) or k not in known}
    stated = frozenset(key for key, value in known.items() if is_stated(value))
    given: dict[str, Label] = {"rate": rate, "unit": unit}
    known |= {key: value for key, value in given.items() if value is not None}
    beside = (name.with_suffix(end) for end in _PARTS if name.suffix == ".hea")
    return Entry(
        id=identity,
        patient=patient or identity,
        split=split,
        provides=streams | stated,
        files=(name, *(other for other in beside if (root / other).is_file())),
        labels=MappingProxyType(known),
    )


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._ecg_folder_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="ecg_folder",
    info=INFO,
    provides=frozenset({"ecg", "median", "age", "sex", "format"}),
    index=index,
    load=load,
    write_fake=_write_fake,
)
