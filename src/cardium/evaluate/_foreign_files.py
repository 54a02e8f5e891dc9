"""Files of predictions as rows: which recording, when, and one number a class."""

from __future__ import annotations

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Task
from cardium.errors import DataCorruptError, UnknownNameError

_UNREADABLE = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)
_ROUNDING = 1e-3  # of probabilities that should add up to 1


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a file says, row by row.

    Parameters
    ----------
    file : Path
        Where it was read from.
    recordings : tuple of str
        As the file names them, N; empty if it names none.
    values : (N, C)
        One column a class, in the order of the task.
    time : (N,) [s], optional
        Where rows have times; NaN where one has none.
    places : tuple of str
        What a person would look for: ``"line 3"``; empty if rows are only counted.
    """

    file: Path
    recordings: tuple[str, ...]
    values: FloatArray
    time: FloatArray | None = None
    places: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """Say where a row stands."""
        return self.places[row] if self.places else f"row {row}"


def read_csv(file: Path, task: Task) -> Rows:
    """Read a table; its columns may stand in any order."""
    kind, classes = task.output.kind, task.output.classes
    needed: tuple[str, ...] = ("recording", *classes)
    if kind == "events":
        needed = ("recording", "time")
    elif kind == "event_class":
        needed = ("recording", "time", *classes)
    header, table, lines = _read_lines(file)
    hard = kind == "event_class" and "class" in header and "class" not in classes
    if hard:
        needed = ("recording", "time", "class")
    _check_header(file, header, needed)
    where = {name: header.index(name) for name in needed}
    places = tuple(f"line {line}" for line in lines)
    time = None
    if "time" in where:
        column = [row[where["time"]].strip() for row in table]
        if kind == "events":
            column = [text or "nan" for text in column]
        time = _numbers(file, places, {"time": column})[:, 0]
    if hard:
        values = _one_hot(file, places, [row[where["class"]] for row in table], classes)
    elif kind == "events":
        values = np.zeros((len(table), 0))
    else:
        values = _numbers(
            file, places, {name: [r[where[name]] for r in table] for name in classes}
        )
    named = tuple(row[where["recording"]].strip() for row in table)
    return Rows(file, named, values, time, places)


def read_arrays(file: Path, task: Task) -> Rows:
    """Read an array, and the names of its rows and columns where there are."""
    classes = task.output.classes
    arrays = _load(file)
    recordings, names = arrays.pop("recording", None), arrays.pop("classes", None)
    wanted = task.output.name
    if wanted not in arrays and len(arrays) != 1:
        raise DataCorruptError(
            f"'{file}' must hold one array, or one named '{wanted}'; it holds "
            f"{', '.join(sorted(arrays)) or 'none'}."
        )
    values = arrays.get(wanted, next(iter(arrays.values())))
    if (
        values.ndim != 2
        or values.shape[1] != len(classes)
        or values.dtype.kind not in "fiub"
    ):
        raise DataCorruptError(
            f"'{file}' must hold numbers of the shape (rows, {len(classes)}), a column "
            f"for each of {', '.join(classes)}; it holds {values.dtype} of the shape "
            f"{values.shape}."
        )
    values = values.astype(np.float64)
    if names is not None:
        header = [str(name) for name in names.ravel()]
        _check_header(file, header, classes)
        values = values[:, [header.index(name) for name in classes]]
    named = () if recordings is None else tuple(str(r) for r in recordings.ravel())
    if recordings is not None and len(named) != len(values):
        raise DataCorruptError(
            f"'{file}' names {len(named)} recordings for {len(values)} rows."
        )
    return Rows(file, named, values)


def check_values(rows: Rows, task: Task) -> None:
    """Refuse numbers that are none, and probabilities that are none."""
    kind, classes = task.output.kind, task.output.classes
    wrong = ~np.isfinite(rows.values)
    if kind != "quantity":
        wrong |= (rows.values < 0) | (rows.values > 1)
    if wrong.any():
        row, column = (int(k) for k in np.argwhere(wrong)[0])
        value = float(rows.values[row, column])
        last_step = "a sigmoid" if kind == "multilabel" else "a softmax"
        advice = (
            f"is no probability 0..1. If these are logits, apply {last_step} first."
            if np.isfinite(value)
            else "is not a finite number. Leave the recording out if there is no "
            "prediction of it."
        )
        raise DataCorruptError(
            f"'{rows.file}' {rows.place(row)}, class '{classes[column]}': {value:g} "
            f"{advice}"
        )
    if kind == "event_class":
        total = rows.values.sum(axis=1)
        if (off := np.flatnonzero(np.abs(total - 1) > _ROUNDING)).size:
            raise DataCorruptError(
                f"'{rows.file}' {rows.place(int(off[0]))}: the probabilities of an "
                f"event must add up to 1, got {total[off[0]]:g}. Apply a softmax first."
            )


def _read_lines(file: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Read header, rows of its length, and the number of each row's line."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows = [(reader.line_num, row) for row in _not_empty(reader)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataCorruptError(
            f"'{file}' cannot be read as a table with commas, in UTF-8 ({error})."
        ) from error
    if len(rows) < 2:
        raise DataCorruptError(
            f"'{file}' must have a header and a row at least; it has {len(rows)} lines."
        )
    header = [name.strip() for name in rows[0][1]]
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise DataCorruptError(
                f"'{file}' line {line} has {len(row)} cells, the header has "
                f"{len(header)}."
            )
    return header, [row for _, row in rows[1:]], [line for line, _ in rows[1:]]


def _not_empty(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Pass over blank lines."""
    return (row for row in reader if any(cell.strip() for cell in row))


def _check_header(file: Path, header: Sequence[str], needed: Sequence[str]) -> None:
    """Hold the columns there are against those there must be, in any order."""
    said = f"It needs: {', '.join(needed)}."
    if lacking := [name for name in needed if name not in header]:
        raise DataCorruptError(
            f"'{file}' has no column '{lacking[0]}'; it has: {', '.join(header)}. "
            f"{said}"
        )
    if unknown := [name for name in header if name not in needed]:
        raise DataCorruptError(
            f"'{file}' has a column '{unknown[0]}' that the task does not know. {said}"
        )
    if twice := [name for name in needed if list(header).count(name) > 1]:
        raise DataCorruptError(f"'{file}' has two columns '{twice[0]}'. {said}")


def _numbers(
    file: Path, places: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> FloatArray:
    """Turn texts into numbers, (rows, columns)."""
    found = np.empty((len(places), len(columns)))
    for k, (name, texts) in enumerate(columns.items()):
        for row, text in enumerate(texts):
            try:
                found[row, k] = float(text)
            except ValueError as error:
                raise DataCorruptError(
                    f"'{file}' {places[row]}, column '{name}': '{text}' is no number."
                ) from error
    return found


def _one_hot(
    file: Path, places: Sequence[str], names: Sequence[str], classes: Sequence[str]
) -> FloatArray:
    """Turn names of classes into probabilities of 0 and 1."""
    code = {name: k for k, name in enumerate(classes)}
    chosen = [code.get(name.strip(), -1) for name in names]
    if -1 in chosen:
        row = chosen.index(-1)
        known = UnknownNameError("class", names[row], classes)
        raise DataCorruptError(f"'{file}' {places[row]}: {known}")
    found: FloatArray = np.eye(len(classes))[chosen]
    return found


def _load(file: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a file; nothing in it is unpickled."""
    try:
        with file.open("rb") as opened:
            stored = np.load(opened, allow_pickle=False)
            if isinstance(stored, np.ndarray):
                return {"": stored}
            return {name: stored[name] for name in stored.files}
    except _UNREADABLE as error:
        raise DataCorruptError(
            f"'{file}' cannot be read as an array of numpy ({error}). Write it with "
            "numpy.save or numpy.savez, without objects."
        ) from error
