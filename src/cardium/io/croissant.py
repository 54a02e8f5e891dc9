"""EchoXFlow's ``croissant.json``: recordings, arrays and links, from plain JSON.

A Croissant file describes record sets and may hold their rows inline. Only the rows of
the record sets ``recordings``, ``arrays`` and ``recording_links`` are interpreted; they
are decoded when their record set is first asked for. Keys are read with and without the
prefix of their record set, by their other names in the format, and by the record set's
own list of fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from cardium.core.files import plain, write_text
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
    "write_croissant",
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


def write_croissant(
    path: Path,
    *,
    name: str,
    description: str,
    license: str,
    url: str,
    version: str,
    cite_as: str,
    date_published: str,
    recordings: Sequence[RecordingRow],
    arrays: Sequence[ArrayRow] = (),
    links: Sequence[LinkRow] = (),
) -> None:
    """Write a Croissant 1.0 file with its rows inline, whole.

    Parameters
    ----------
    path : Path
        Where it is to be.
    name, description, license, url, version, cite_as : str
        The dataset's description; licence and home are addresses.
    date_published : str
        As ``"2026-01-31"``.
    recordings, arrays, links : sequences of rows
        The record sets.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> row = RecordingRow("e1", "r1", "r1.zarr", array_paths=("data/ecg",))
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "croissant.json"
    ...     write_croissant(
    ...         path, recordings=[row], name="one", description="One recording.",
    ...         license="https://creativecommons.org/publicdomain/zero/1.0/",
    ...         url="https://example.org", version="1.0", cite_as="nobody",
    ...         date_published="2026-01-31",
    ...     )
    ...     read_croissant(path).recordings == (row,)
    True
    """
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": description,
        "license": license,
        "url": url,
        "version": version,
        "citeAs": cite_as,
        "datePublished": date_published,
        "recordSet": [
            _describe(key, _list_rows(key, rows))
            for key, rows in (
                ("recordings", recordings),
                ("arrays", arrays),
                ("recording_links", links),
            )
            if rows
        ],
    }
    text = msgspec.json.encode(described, enc_hook=plain)
    write_text(path, msgspec.json.format(text, indent=1).decode() + "\n")


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


def _list_rows(name: str, rows: Sequence[msgspec.Struct]) -> list[dict[str, Any]]:
    """Turn rows into objects with prefixed keys; what few rows state may be unset."""
    return [
        {
            f"{name}/{key}": value
            for key, value in msgspec.structs.asdict(row).items()
            if key not in _RARE or value
        }
        for row in rows
    ]


def _describe(name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Describe a record set and its fields, with the rows inline."""
    described = []
    for key in dict.fromkeys(key for row in rows for key in row):
        column = key.partition("/")[2]
        one: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": key,
            "name": column,
            "description": column.replace("_", " "),
            "dataType": "sc:Integer" if column in _INTEGERS else "sc:Text",
        }
        described.append(one | ({"repeated": True} if column in _REPEATED else {}))
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": name.replace("_", " "),
        "field": described,
        "data": rows,
    }


_RARE = frozenset(
    {
        "source_recording_id",
        "relationships",
        "nyquist_mps",
        "velocity_limit_mps_by_content_type",
        "prediction_manifest",
    }
)
_REPEATED = frozenset({"modes", "content_types", "array_paths", "shape"})
_INTEGERS = frozenset({"shape", "stitch_beat_count"})
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
