"""Tables as CSV files that are whole or not there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cardium.core.files import write_text
from cardium.errors import DataCorruptError, DataMissingError


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Read a CSV file that must have some columns.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Names that its header must have.

    Returns
    -------
    list of dict
        One a row, by column.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If a column is missing.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "training.csv"
    ...     write_table(path, ("step", "train_loss"), [{"step": 10, "train_loss": 0.5}])
    ...     read_table(path, ("step",))
    [{'step': '10', 'train_loss': '0.5'}]
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataMissingError(
            f"'{path}' does not exist. Was predicting interrupted? Predict into the "
            "folder again: it goes on where it was left."
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    there = reader.fieldnames or ()
    if lacking := [name for name in columns if name not in there]:
        raise DataCorruptError(
            f"'{path}' has no column '{lacking[0]}'; it has: {', '.join(there)}."
        )
    return list(reader)


def write_table(
    path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write a CSV file whole; what a row does not have stays empty.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Its header.
    rows : iterable of mapping
        One a row, by column.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     write_table(path, ("recording", "reason"), [{"recording": "r0"}])
    ...     read_table(path, ("recording",))
    [{'recording': 'r0', 'reason': ''}]
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())
