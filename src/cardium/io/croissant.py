"""EchoXFlow's ``croissant.json``: recordings, arrays and links, from plain JSON.

A Croissant file describes record sets and may hold their rows inline. Only the rows of
the record sets ``recordings``, ``arrays`` and ``recording_links`` are interpreted; they
are decoded when their record set is first asked for. Keys are read with and without the
prefix of their record set, by their other names in the format, and by the record set's
own list of fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from cardium.errors import DataCorruptError, DataMissingError
from cardium.io._croissant_rows import (
    ARRAYS,
    LINKS,
    RECORDINGS,
    ArrayRow,
    LinkRow,
    RecordingRow,
    Relationship,
)
from cardium.io._record_sets import RecordSet, decode_rows

__all__ = [
    "CONTEXT",
    "ArrayRow",
    "Croissant",
    "LinkRow",
    "RecordingRow",
    "Relationship",
    "read_croissant",
]


@dataclass(frozen=True)
class Croissant:
    """The record sets of a Croissant file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    record_sets : mapping of str to RecordSet
        The inline rows of each record set, as they are in the file.
    """

    path: Path
    record_sets: Mapping[str, RecordSet]

    @cached_property
    def recordings(self) -> tuple[RecordingRow, ...]:
        """The rows of ``recordings``, in the file's order."""
        return decode_rows(RECORDINGS, self.record_sets.get("recordings"), self.path)

    @cached_property
    def arrays(self) -> tuple[ArrayRow, ...]:
        """The rows of ``arrays``; empty where the file has none."""
        return decode_rows(ARRAYS, self.record_sets.get("arrays"), self.path)

    @cached_property
    def links(self) -> tuple[LinkRow, ...]:
        """The rows of ``recording_links``; empty where the file has none."""
        return decode_rows(LINKS, self.record_sets.get("recording_links"), self.path)


def read_croissant(path: Path) -> Croissant:
    """Read a Croissant file with its rows inline.

    Parameters
    ----------
    path : Path
        ``croissant.json``.

    Returns
    -------
    Croissant
        The rows, by record set.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it is not JSON, has no record set ``recordings``, or rows are no list.

    Notes
    -----
    Numbers that are not JSON, ``NaN`` and ``Infinity``, which Python's own writer
    leaves in a file, count as not stated.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.core.files import write_json
    >>> rows = [{"exam_id": "e1", "recording_id": "r1", "zarr_path": "r1.zarr"}]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "croissant.json"
    ...     write_json(path, {"recordSet": [{"name": "recordings", "data": rows}]})
    ...     croissant = read_croissant(path)
    >>> croissant.recordings[0].zarr_path, croissant.links
    ('r1.zarr', ())
    """
    try:
        stated = _decode(path.read_bytes())
    except FileNotFoundError as error:
        raise DataMissingError(f"'{path}' does not exist.") from error
    except msgspec.ValidationError as error:
        raise DataCorruptError(f"'{path}' has no list 'recordSet': {error}.") from error
    except (ValueError, RecursionError) as error:
        raise DataCorruptError(
            f"'{path}' is not JSON ({error}). Restore it or delete it."
        ) from error
    found = {str(part.id or part.name): part for part in stated.recordSet}
    for name, part in found.items():
        if bytes(memoryview(part.data)[:1]) != b"[":
            raise DataCorruptError(f"'{path}': the data of '{name}' is not a list.")
    if "recordings" not in found:
        raise DataCorruptError(
            f"'{path}' has no record set 'recordings'; it has {sorted(found)}."
        )
    return Croissant(path, found)


def _decode(text: bytes) -> _File:
    """Decode the file but not its rows; numbers that are not JSON become null."""
    try:
        return msgspec.json.decode(text, type=_File)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        lenient = json.loads(text, parse_constant=lambda constant: None)
        return msgspec.json.decode(msgspec.json.encode(lenient), type=_File)


class _File(msgspec.Struct):
    """What is read of the file itself."""

    recordSet: list[RecordSet]  # noqa: N815 - the format's name


_TERMS = (
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileObject",
    "fileProperty",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)
CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
