"""ECGs in CSV: a header of lead names, then a row a sample."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import NotProvidedError
from cardium.io._ecg_parts import (
    Content,
    Options,
    Wave,
    as_float32,
    corrupt,
    even_times,
    standard,
    to_millivolts,
    to_number,
    unique,
)

_LARGEST = 1 << 30
_TIME = re.compile(r"(time|t|seconds|sec|timestamp)(?:_(s|ms|us))?", re.IGNORECASE)
_NUMBERS = ("", "index", "sample", "#")  # what a first column that counts is called
_SECONDS = {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
_COLUMN = re.compile(r"^(.*?)\s*(?:[\[(]([^\])]*)[\])])?$")
_MISSING = ("", "nan", "na", "null")


class Column(NamedTuple):
    """A column: its name, and its unit as the header has it in brackets."""

    name: str
    unit: str


def delimiter_of(line: str) -> str:
    """Return what separates the columns of a header line."""
    return max(",;\t", key=line.count)


def columns_of(line: str) -> tuple[Column, ...]:
    """Read a header line."""
    names = next(csv.reader([line], delimiter=delimiter_of(line)), [])
    found = (_COLUMN.match(name.strip()) for name in names)
    return tuple(Column(m[1].strip(), (m[2] or "").strip()) for m in found if m)


def is_table(lines: Sequence[str]) -> bool:
    """Say whether text begins with names, and goes on with numbers."""
    if len(lines) < 2:
        return False
    names = columns_of(lines[0])
    cells = lines[1].split(delimiter_of(lines[0]))
    numbers = [c for c in cells if np.isfinite(to_number(_point(c, lines[0])))]
    named = all(
        (c.name or n == 0) and not np.isfinite(to_number(c.name))
        for n, c in enumerate(names)
    )
    return bool(numbers) and named and len(cells) == len(names)


def read(path: Path, options: Options) -> Content:
    """Read the table: leads by time."""
    if (size := path.stat().st_size) > _LARGEST:
        raise NotProvidedError(
            f"'{path}' has {size} bytes of text; cardium reads up to {_LARGEST}."
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            columns = columns_of(head)
            table = _numbers(file, head, path, len(columns))
    except (UnicodeDecodeError, csv.Error) as error:
        raise corrupt(path, f"is not a CSV table in UTF-8 ({error})") from error
    if not len(table):
        raise corrupt(path, "has no rows of samples")
    clock = next((n for n, c in enumerate(columns) if _TIME.fullmatch(c.name)), None)
    counts = columns[0].name.lower() in _NUMBERS
    leads = [n for n in range(int(counts), len(columns)) if n != clock]
    if not leads:
        raise corrupt(path, f"has no column of a lead, only {head.strip()[:80]!r}")
    factors = [
        to_millivolts(
            columns[n].unit, f"'{columns[n].name}'", path, options.unit or "mV"
        )
        for n in leads
    ]
    time = _times(table, columns, clock, path, options)
    values = as_float32(table[:, leads] * np.array(factors))
    return Content(Wave(unique(standard(columns[n].name) for n in leads), values, time))


def _numbers(
    file: Iterable[str], head: str, path: Path, count: int
) -> NDArray[np.float64]:
    """Read the rows; an empty cell is NaN."""
    rows = array("d")
    reader = csv.reader(file, delimiter=delimiter_of(head))
    for number, row in enumerate(reader, start=2):
        if not row:
            continue
        if len(row) != count:
            raise corrupt(
                path, f"has {len(row)} values in line {number}, the header has {count}"
            )
        rows.extend(_row(row, head, path, number))
    return np.frombuffer(rows, np.float64).reshape(-1, count)


def _row(row: Sequence[str], head: str, path: Path, number: int) -> list[float]:
    """Read a row of numbers."""
    try:
        return [float(cell) for cell in row]
    except ValueError:
        pass
    cells = [_point(cell.strip(), head) for cell in row]
    numbers = [to_number(cell) for cell in cells]
    for cell, value in zip(cells, numbers, strict=True):
        if value != value and cell.lower() not in _MISSING:
            raise corrupt(path, f"has {cell[:40]!r} in line {number}, no number")
    return numbers


def _point(cell: str, head: str) -> str:
    """Write a decimal comma as a point, where commas do not separate columns."""
    return cell if delimiter_of(head) == "," else cell.replace(",", ".")


def _times(
    table: NDArray[np.float64],
    columns: Sequence[Column],
    clock: int | None,
    path: Path,
    options: Options,
) -> FloatArray:
    """Return the times of the samples: the file's, or those of a rate [s]."""
    if options.rate is not None:
        return even_times(len(table), options.rate)
    if clock is None:
        raise NotProvidedError(
            f"'{path}' has no column 'time', so its rate is not known. Say it with "
            "rate=500."
        )
    named = _TIME.fullmatch(columns[clock].name)
    unit = (columns[clock].unit or (named and named[2]) or "s").lower()
    if unit not in _SECONDS:
        raise corrupt(path, f"has times in '{unit}'; known are s, ms and us")
    time = table[:, clock] * _SECONDS[unit]
    if not np.isfinite(time).all() or (np.diff(time) <= 0).any():
        raise corrupt(path, "has times that do not ascend from row to row")
    return time
