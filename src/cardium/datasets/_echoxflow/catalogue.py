"""The catalogue and the folds of a dataset that grows: read once, written once."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cardium.core.files import plain, read_json, write_text
from cardium.datasets._echoxflow.folds import (
    PATIENT_COLUMN,
    read_folds,
    read_patients,
)
from cardium.datasets._echoxflow.layout import (
    CATALOGUE,
    FOLD_COLUMNS,
    FOLD_FILES,
    FOLDS,
)
from cardium.datasets._echoxflow.pack import FENC_TABLE
from cardium.errors import DataCorruptError, InvalidArgumentError, RunConflictError
from cardium.io.croissant import CONTEXT

Row = dict[str, Any]
_SETS = "recordSet"
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "recordings": (
        "exam_id",
        "recording_id",
        "zarr_path",
        "modes",
        "content_types",
        "frame_counts_by_content_type",
        "median_delta_time_by_content_type",
        "array_paths",
        "stitch_beat_count",
        "source_recording_id",
        "velocity_limit_mps_by_content_type",
        "prediction_manifest",
    ),
    "arrays": (
        "recording_id",
        "array_path",
        "content_types",
        "role",
        "dtype",
        "shape",
        "data_sha256",
    ),
    "recording_links": (
        "exam_id",
        "source_recording_id",
        "linked_recording_id",
        "panel_role_id",
        "linked_frame_array_id",
        "linked_timestamp_array_id",
    ),
}
_REPEATED = frozenset({"modes", "content_types", "array_paths", "shape"})
_INTEGERS = frozenset({"shape", "stitch_beat_count"})


@dataclass(slots=True)
class Catalogue:
    """A catalogue in memory: the rows of a file that may exist, and new ones.

    What the file holds besides rows that are added stays as it is, whoever wrote it.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    document : dict
        The file as JSON.
    recordings : dict
        Rows of the recordings, by id.
    hashes : dict
        SHA-256 of the values of each array, by recording and path, where stated.
    folds : dict
        Fold of each examination.
    patients : dict
        Patient of each examination that does not stand for one itself.
    exams : set of str
        The examinations that have a recording.
    """

    root: Path
    document: Row
    recordings: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    hashes: dict[tuple[str, str], str] = field(default_factory=dict)
    folds: dict[str, int] = field(default_factory=dict)
    patients: dict[str, str] = field(default_factory=dict)
    exams: set[str] = field(default_factory=set)
    _seen: tuple[int, int] | None = None

    @classmethod
    def open(cls, root: Path, header: Mapping[str, str]) -> Catalogue:
        """Read the catalogue of a root, or begin one with a header.

        Raises
        ------
        DataCorruptError
            If there is one and it cannot be read.
        """
        path = root / CATALOGUE
        if not path.exists():
            return cls(root, _begin(header))
        document = read_json(path)
        sets = document.get("recordSet")
        if not isinstance(sets, list) or not all(isinstance(s, dict) for s in sets):
            raise DataCorruptError(f"'{path}' has no list 'recordSet' of objects.")
        found = cls(root, document, _seen=_stamp(path))
        for row in rows_of(document, "recordings"):
            found.recordings[str(field_of(row, "recordings", "recording_id"))] = row
            found.exams.add(str(field_of(row, "recordings", "exam_id")))
        for row in rows_of(document, "arrays"):
            recording, name, digest = (
                str(field_of(row, "arrays", key) or "")
                for key in ("recording_id", "array_path", "data_sha256")
            )
            if digest:
                found.hashes[recording, name] = digest
        found.folds |= read_folds(root) or {}
        found.patients |= read_patients(root)
        return found

    def expect_fold(self, exam: str, fold: int | None, patient: str = "") -> None:
        """Refuse a fold that an examination of a patient cannot be in.

        Raises
        ------
        InvalidArgumentError
            If it, or another of the patient, is in another, the number is no fold, or
            only some examinations would have one.
        """
        known = self.folds.get(exam)
        if fold is not None and fold not in range(FOLDS):
            raise InvalidArgumentError(f"Folds are 0..{FOLDS - 1}, got {fold}.")
        if fold is not None and known is not None and known != fold:
            raise InvalidArgumentError(
                f"Examination '{exam}' is in fold {known} and cannot be in fold {fold} "
                "too: no examination may stand on two sides."
            )
        for other in (e for e, p in self.patients.items() if patient and p == patient):
            if fold is not None and self.folds.get(other, fold) != fold:
                raise InvalidArgumentError(
                    f"Examination '{other}' of patient '{patient}' is in fold "
                    f"{self.folds[other]}, so '{exam}' cannot be in fold {fold}: no "
                    "patient may stand on two sides."
                )
        others = self.exams - {exam}
        unlike = bool(self.folds) if fold is None else bool(others - self.folds.keys())
        if known is None and others and unlike:
            raise InvalidArgumentError(
                f"Examination '{exam}' has {'no' if fold is None else 'a'} fold, "
                "unlike the others of the dataset. Give all of them one, or none."
            )

    def add(self, name: str, row: Mapping[str, Any]) -> None:
        """Add a row to a record set; every column that is not given is empty."""
        full = {f"{name}/{key}": row.get(key) for key in _FIELDS[name]}
        self._rows(name).append(full)
        if name == "recordings":
            self.recordings[str(row["recording_id"])] = full
            self.exams.add(str(row["exam_id"]))
        elif name == "arrays":
            key = str(row["recording_id"]), str(row["array_path"])
            self.hashes[key] = str(row["data_sha256"])

    def merge(self, other: Catalogue) -> None:
        """Add all that another catalogue, whose recordings are new, holds."""
        for exam, fold in other.folds.items():
            self.expect_fold(exam, fold, other.patients.get(exam, ""))
        for name in _FIELDS:
            self._rows(name).extend(dict(row) for row in rows_of(other.document, name))
        self.recordings |= other.recordings
        self.hashes |= other.hashes
        self.folds |= other.folds
        self.patients |= other.patients
        self.exams |= other.exams

    def write(self) -> None:
        """Write the folds, then the catalogue, each aside and renamed.

        A process that dies between the two leaves the old catalogue and more folds
        than it needs, which is a valid dataset.

        Raises
        ------
        RunConflictError
            If somebody else wrote the catalogue since it was read.
        """
        path = self.root / CATALOGUE
        if (_stamp(path) if path.exists() else None) != self._seen:
            raise RunConflictError(
                f"'{path}' was changed by another writer since it was opened. Open the "
                "dataset again and add the recordings again; theirs are kept."
            )
        if self.folds:
            where = next((n for n in FOLD_FILES if (self.root / n).is_file()), None)
            write_text(self.root / (where or FOLD_FILES[0]), self._fold_table())
        write_text(path, _encode(self.document))
        self._seen = _stamp(path)

    def _fold_table(self) -> str:
        """Write the folds, and the patients where they are named."""
        rows = [
            ["exam_id", FOLD_COLUMNS[0]],
            *([e, str(f)] for e, f in self.folds.items()),
        ]
        if self.patients:
            for row, name in zip(rows, (PATIENT_COLUMN, *self.folds), strict=True):
                row.append(self.patients.get(name, name))
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue()

    def _rows(self, name: str) -> list[Row]:
        """Return the rows of a record set, to be added to; describe what it lacks."""
        sets: list[Row] = self.document["recordSet"]
        for record_set in sets:
            if name in (record_set.get("@id"), record_set.get("name")):
                break
        else:
            record_set = {"@id": name, "name": name, "@type": "cr:RecordSet"}
            record_set["description"] = name.replace("_", " ")
            sets.append(record_set)
        fields: list[Row] = record_set.setdefault("field", [])
        stated = {field.get("@id") for field in fields}
        fields += [field for field in _fields(name) if field["@id"] not in stated]
        rows: list[Row] = record_set.setdefault("data", [])
        return rows


def rows_of(document: Row, name: str) -> list[Mapping[str, Any]]:
    """List the rows of a record set that are objects; what is none has no rows."""
    sets = document.get("recordSet")
    for one in sets if isinstance(sets, list) else ():
        if isinstance(one, dict) and name in (one.get("@id"), one.get("name")):
            data = one.get("data")
            rows = data if isinstance(data, list) else []
            return [row for row in rows if isinstance(row, dict)]
    return []


def field_of(row: Mapping[str, Any], name: str, key: str) -> Any:  # noqa: ANN401 - JSON
    """Return a column of a row of a record set, with or without the prefix."""
    value = row.get(f"{name}/{key}")
    return row.get(key) if value is None else value


def array_rows(
    recording: str,
    arrays: Mapping[str, NDArray[Any]],
    content: Mapping[str, tuple[str, ...]],
) -> Iterable[Row]:
    """Describe the arrays of a recording: type, shape and hash of the values."""
    for path, values in arrays.items():
        yield {
            "recording_id": recording,
            "array_path": path,
            "content_types": list(content.get(path, ())),
            "role": _role_of(path),
            "dtype": values.dtype.name,
            "shape": list(values.shape),
            "data_sha256": hash_values(values),
        }


def hash_values(values: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's values in C order, little-endian.

    Examples
    --------
    >>> hash_values(np.zeros(0, np.uint8))[:16]
    'e3b0c44298fc1c14'
    """
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little).data).hexdigest()


def _role_of(path: str) -> str:
    """Say what an array is for."""
    if path.startswith("timestamps/"):
        return "timestamps"
    if path == FENC_TABLE:
        return "lookup_table"
    for part, role in (
        ("_mask", "mask"),
        ("_overlay_", "annotation"),
        ("_annotation_", "annotation"),
        ("_contour", "annotation"),
        ("_curve", "annotation"),
        ("_qrs", "annotation"),
        ("_mesh/", "annotation"),
    ):
        if part in path:
            return role
    return "frames"


def _begin(header: Mapping[str, str]) -> Row:
    """Begin a Croissant file; what the header leaves blank is left out."""
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        **{key: value for key, value in header.items() if value},
        "recordSet": [],
    }


@cache
def _fields(name: str) -> Sequence[Row]:
    """Describe the fields of a record set."""
    described = []
    for column in _FIELDS[name]:
        one: Row = {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "description": column.replace("_", " "),
            "dataType": "sc:Integer" if column in _INTEGERS else "sc:Text",
        }
        described.append(one | ({"repeated": True} if column in _REPEATED else {}))
    return described


def _stamp(path: Path) -> tuple[int, int]:
    """Say which writing of a file this is."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _encode(document: Row) -> str:
    """Write the document with a line for each row, so that changes can be seen."""
    sets = [
        _members(one, "data", map(_dump, one.get("data", ())))
        for one in document[_SETS]
    ]
    return _members(document, _SETS, sets) + "\n"


def _members(value: Row, last: str, rows: Iterable[str]) -> str:
    """Write an object whose member `last` is a list of texts of JSON."""
    members = [f"{_dump(k)}: {_dump(v)}" for k, v in value.items() if k != last]
    listed = ",\n".join(rows)
    members.append(f"{_dump(last)}: [\n{listed}\n]")
    return "{\n" + ",\n".join(members) + "\n}"


def _dump(value: object) -> str:
    """Write a value as JSON in one line; numbers that are not finite become null."""
    return msgspec.json.encode(value, enc_hook=plain).decode()
