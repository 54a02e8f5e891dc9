"""Tables in CSV: rows by column name, with the columns that a reader relies on."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from cardium.errors import DataCorruptError


def read_rows(path: Path, *, required: Iterable[str] = ()) -> list[dict[str, str]]:
    r"""Read a CSV file with a header line; every value stays text.

    Parameters
    ----------
    path : Path
        A file in UTF-8, with or without a byte order mark.
    required : iterable of str
        Columns that must be there; others are read as well.

    Returns
    -------
    list of dict
        One dictionary a row, by column name.

    Raises
    ------
    DataCorruptError
        If it is not UTF-8 text, lacks a required column, or has a row with more or
        fewer values than columns.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("id,age\n1,56.0\n")
    ...     read_rows(path, required=("id", "age"))
    [{'id': '1', 'age': '56.0'}]
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            rows = [_checked(row, path, reader.line_num) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataCorruptError(
            f"'{path}' is not a CSV table in UTF-8 ({error}). Get the file again."
        ) from error
    if lacking := [name for name in required if name not in columns]:
        raise DataCorruptError(
            f"'{path}' has no column '{lacking[0]}'. It has: "
            f"{', '.join(columns) or 'none'}. Is it another release's?"
        )
    return rows


def _checked(row: dict[str, str], path: Path, line: int) -> dict[str, str]:
    """Refuse a row that is longer or shorter than the header."""
    if None in row or None in row.values():
        raise DataCorruptError(
            f"'{path}', line {line}: more or fewer values than the header has columns. "
            "Get the file again."
        )
    return row
