"""Wearable arrhythmia ECGs: 2,000 records of 30 s from a wearable of two leads.

**The layout of the authors' files is not known to us**, so this reads one that you can
bring them into, or ECGs of your own wearable::

    labels.csv            record,patient,rhythm,rate_hz[,split]
    records/<record>.csv  a line of lead names, then a line of numbers in mV a sample

``ecg`` is (time, lead) in mV at ``rate_hz``, leads as the file names them, standard
ones as ``aVR`` and ``V1``; a file is read when it is sliced, and ends with a line end,
or else it was cut short. ``rhythm_class`` is the text under ``rhythm``. ``split`` is
``train``, ``val``, ``test`` or empty; where the column is missing there is none, and
folds are by ``patient``, which every row must name: the records are of some 200 people.
A record of the table without a file has no ``ecg``.

References
----------
Shen et al., An open-access arrhythmia database of wearable electrocardiogram, Journal
of Medical and Biological Engineering 40:564-574, 2020.
https://doi.org/10.1007/s40846-020-00554-3
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
    Stream,
)
from cardium.datasets._files import inside, require
from cardium.errors import DataCorruptError
from cardium.io.tables import read_rows
from cardium.signal import lead_name

INFO = Info(
    title="Wearable arrhythmia ECGs",
    summary="2,000 two-lead ECGs of 30 s from over 200 people with sinus, atrial and "
    "ventricular rhythms, recorded with a wearable and labelled by cardiologists.",
    version="none; a layout of cardium's",
    url="https://doi.org/10.1007/s40846-020-00554-3",
    license="as its authors say",
    citation="Shen et al. 2020, doi:10.1007/s40846-020-00554-3",
    access="Ask the authors of https://doi.org/10.1007/s40846-020-00554-3 for the "
    "records, and bring them into the layout that 'cardium info wearable_arrhythmia' "
    "and the documentation show: labels.csv and records/<record>.csv.",
)
LABELS = "labels.csv"

_COLUMNS = ("record", "patient", "rhythm", "rate_hz")
_SPLITS = ("", "train", "val", "test")


class _Samples:
    """The numbers of one file, read whole when they are sliced."""

    dtype = np.dtype(np.float32)

    def __init__(self, path: Path, shape: tuple[int, int]) -> None:
        self._path, self.shape = path, shape

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32 [mV]."""
        try:
            values = np.loadtxt(
                self._path, np.float64, delimiter=",", skiprows=1, ndmin=2
            )
        except (ValueError, OSError) as error:
            raise DataCorruptError(
                f"'{self._path}' is not a table of numbers below a line of names "
                f"({error}). Write it again."
            ) from error
        if values.shape != self.shape:
            raise DataCorruptError(
                f"'{self._path}' holds numbers of shape {values.shape}, its lines and "
                f"names promise {self.shape}. Write it again."
            )
        return values[time].astype(np.float32)


def index(root: Path) -> Catalog:
    """Read the table; open no record."""
    rows = read_rows(require(root, LABELS, INFO), required=_COLUMNS)
    return Catalog(tuple(_entry(root, row) for row in rows))


def load(root: Path, entry: Entry) -> Recording:
    """Read the names of the leads and count the lines; the numbers when sliced."""
    path = require(root, PurePosixPath(f"records/{entry.id}.csv"), INFO)
    rate = entry.labels["rate_hz"]
    with path.open("rb") as file:
        names = file.readline().decode("utf-8-sig", errors="replace").strip()
        lines = [line for line in file if line.strip()]
    leads = tuple(lead_name(name) for name in names.split(","))
    if lines and not lines[-1].endswith(b"\n"):
        raise DataCorruptError(
            f"'{path}' ends within line {len(lines) + 1}, of which there is "
            f"'{lines[-1].decode(errors='replace')[:40]}'. It may be cut short: write "
            "it again."
        )
    if not lines or not all(leads) or _is_number(leads[0]):
        raise DataCorruptError(
            f"'{path}' begins with '{names[:40]}' and holds {len(lines)} samples; "
            "expected a line of lead names and a line a sample. Write it again."
        )
    ecg = Stream(
        "ecg",
        _Samples(path, (len(lines), len(leads))),
        np.arange(len(lines)) / float(rate),  # type: ignore[arg-type]
        ("time", "lead"),
        "mV",
        coords=MappingProxyType({"lead": leads}),
    )
    return Recording(entry, MappingProxyType({"ecg": ecg}))


def _is_number(text: str) -> bool:
    """Say whether a text is a number, which no lead is called."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _entry(root: Path, row: Mapping[str, str]) -> Entry:
    """Make the entry of one row."""
    name, split = row["record"].strip(), row.get("split", "").strip()
    try:
        rate = float(row["rate_hz"])
    except ValueError:
        rate = math.nan
    if not 1 <= rate <= 1e5 or split not in _SPLITS or "/" in name or not name:
        raise DataCorruptError(
            f"'{root / LABELS}', record '{name}': rate_hz is '{row['rate_hz']}' and "
            f"split '{split}'; expected a rate from 1 Hz and one of train, val, test "
            "or nothing. Mend the table."
        )
    file = inside(f"records/{name}.csv")
    is_there = (root / file).is_file()
    labels: dict[str, Label] = {
        "rhythm_class": row["rhythm"].strip() or None,
        "rate_hz": rate,
    }
    stated = {key for key, label in labels.items() if label is not None}
    return Entry(
        id=name,
        patient=row["patient"].strip(),
        split=split,
        provides=frozenset(stated | {"ecg"} if is_there else stated),
        files=(file,) if is_there else (),
        labels=MappingProxyType(labels),
    )


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._wearable_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="wearable_arrhythmia",
    info=INFO,
    provides=frozenset({"ecg", "rhythm_class", "rate_hz"}),
    index=index,
    load=load,
    write_fake=_write_fake,
)
"""The dataset: what it is, and the functions that read it."""
