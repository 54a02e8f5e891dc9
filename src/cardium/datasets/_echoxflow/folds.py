"""The five folds of a release: which examination is in which."""

from __future__ import annotations

import csv
from pathlib import Path

from cardium.datasets._echoxflow.layout import FOLD_COLUMNS, FOLD_FILES, FOLDS
from cardium.errors import DataCorruptError, SplitLeakError

PATIENT_COLUMN = "patient_id"
"""Column of the fold file that the release has not: whose examination it is."""


def fold_file(root: Path) -> Path | None:
    """Find the file of the folds; None where the release has none."""
    return next((root / n for n in FOLD_FILES if (root / n).is_file()), None)


def read_folds(root: Path) -> dict[str, int] | None:
    """Read the fold of each examination; None where the release has no fold file.

    Raises
    ------
    DataCorruptError
        If a line is not an examination and a fold.
    SplitLeakError
        If an examination is in two folds, or a patient that the file names.
    """
    path = fold_file(root)
    if path is None:
        return None
    rows = _read(path)
    column = next((c for c in FOLD_COLUMNS if rows and c in rows[0]), None)
    if column is None or "exam_id" not in rows[0]:
        raise DataCorruptError(
            f"'{path}' must have rows with the columns exam_id and "
            f"{' or '.join(FOLD_COLUMNS)}."
        )
    folds: dict[str, int] = {}
    sides: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        exam, text = (row["exam_id"] or "").strip(), (row[column] or "").strip()
        if not exam or text not in map(str, range(FOLDS)):
            raise DataCorruptError(
                f"'{path}', line {number}: expected an examination and a fold "
                f"0..{FOLDS - 1}, found '{exam}' and '{text}'."
            )
        patient = (row.get(PATIENT_COLUMN) or "").strip()
        for what, name, seen in (
            ("examination", exam, folds),
            ("patient", patient, sides),
        ):
            if name and seen.setdefault(name, int(text)) != int(text):
                raise SplitLeakError(
                    f"'{path}', line {number}: {what} '{name}' is in fold "
                    f"{seen[name]} and in fold {text}. Get the file again."
                )
    return folds


def read_patients(root: Path) -> dict[str, str]:
    """Read whose examination each is, where the fold file says so.

    Raises
    ------
    DataCorruptError
        If the file is no table.
    """
    path = fold_file(root)
    return {
        row["exam_id"].strip(): row[PATIENT_COLUMN].strip()
        for row in (() if path is None else _read(path))
        if row.get("exam_id") and (row.get(PATIENT_COLUMN) or "").strip()
    }


def _read(path: Path) -> list[dict[str, str]]:
    """Read the rows of a fold file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataCorruptError(f"'{path}' is no table: {error}.") from error
