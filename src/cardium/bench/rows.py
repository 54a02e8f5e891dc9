"""Rows: what a cell came to, a number a line, and what it left out and why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from cardium.core.files import write_text
from cardium.errors import DataCorruptError, DataMissingError

ROWS = "rows.csv"
SKIPPED = "skipped.csv"
_BETWEEN = ";"


@dataclass(frozen=True, slots=True)
class Row:
    """One number.

    Parameters
    ----------
    task, model, domain : str
        The cell.
    fold, seed : int
        The cell.
    protocol : {"published", "corrected"}
        By which it was scored.
    batch : int
        Which batch of the scored recordings, from 0.
    recordings, patients : tuple of str
        What it is of: one recording, or those that were scored together.
    metric : str
        What it is.
    value : float
        NaN where there was nothing to average.
    """

    task: str
    model: str
    domain: str
    fold: int
    seed: int
    protocol: str
    batch: int
    recordings: tuple[str, ...]
    patients: tuple[str, ...]
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A recording that was left out.

    Parameters
    ----------
    recording, patient : str
        Which, and whose.
    step : {"train", "predict", "published", "corrected"}
        Where it was left out: of the training, of what is predicted, or of one of the
        scores alone.
    reason : str
        Why.
    """

    recording: str
    patient: str
    step: str
    reason: str


_COLUMNS = tuple(one.name for one in fields(Row))


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Write ``rows.csv``: numbers read back the same, NaN is an empty cell."""
    cells = (
        (*astuple(row)[:7], *map(_BETWEEN.join, (row.recordings, row.patients)),
         row.metric, "" if row.value != row.value else repr(row.value))
        for row in rows
    )  # fmt: skip
    _write(folder / ROWS, _COLUMNS, cells)


def read_rows(folder: Path) -> list[Row]:
    """Read ``rows.csv``.

    Parameters
    ----------
    folder : Path
        A cell's folder.

    Returns
    -------
    list of Row
        As they were written.

    Raises
    ------
    DataMissingError
        If it is not there.
    DataCorruptError
        If it is not what `write_rows` writes.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> row = Row("t", "m", "d", 0, 0, "published", 3, ("a", "b"), ("p", "p"), "e", 0.1)
    >>> with TemporaryDirectory() as folder:
    ...     write_rows(Path(folder), [row])
    ...     read_rows(Path(folder)) == [row]
    True
    """
    try:
        return [_row(cells) for cells in _read(folder / ROWS)]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataCorruptError(
            f"'{folder / ROWS}' is not a table of rows ({error}). Delete the folder "
            "and run the benchmark again."
        ) from error


def write_skipped(folder: Path, rows: Iterable[Skipped]) -> None:
    """Write ``skipped.csv``."""
    names = tuple(one.name for one in fields(Skipped))
    _write(folder / SKIPPED, names, map(astuple, rows))


def read_skipped(folder: Path) -> list[Skipped]:
    """Read ``skipped.csv``; see `read_rows` for what it raises."""
    try:
        return [Skipped(**cells) for cells in _read(folder / SKIPPED)]
    except TypeError as error:
        raise DataCorruptError(
            f"'{folder / SKIPPED}' does not say what was left out ({error})."
        ) from error


def _row(cells: dict[str, str]) -> Row:
    """Read one row."""
    return Row(
        task=cells["task"],
        model=cells["model"],
        domain=cells["domain"],
        fold=int(cells["fold"]),
        seed=int(cells["seed"]),
        protocol=cells["protocol"],
        batch=int(cells["batch"]),
        recordings=tuple(cells["recordings"].split(_BETWEEN)),
        patients=tuple(cells["patients"].split(_BETWEEN)),
        metric=cells["metric"],
        value=float(cells["value"] or "nan"),
    )


def _write(
    path: Path, header: tuple[str, ...], rows: Iterable[Iterable[object]]
) -> None:
    """Write a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def _read(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    if not path.is_file():
        raise DataMissingError(f"There is no '{path}'.")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
