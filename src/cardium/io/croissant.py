"""EchoXFlow's ``croissant.json``: recordings, arrays and links, from plain JSON.

A Croissant file describes record sets and may hold their rows inline. Only the rows of
the record sets ``recordings``, ``arrays`` and ``recording_links`` are interpreted; a
row becomes typed when its record set is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from cardium.core.files import read_json, write_json
from cardium.errors import DataCorruptError

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One row of the record set ``recordings``.

    Parameters
    ----------
    exam_id, recording_id, zarr_path : str
        Examination, recording, and its store relative to the dataset's root.
    modes, content_types : tuple of str
        What was acquired.
    frame_counts_by_content_type : mapping of str to int
        Number of samples in time.
    median_delta_time_by_content_type : mapping of str to float [s]
        Median step in time.
    array_paths : tuple of str
        Every array in the store.
    stitch_beat_count : int, optional
        Beats that were combined into one volume.
    """

    exam_id: str
    recording_id: str
    zarr_path: str
    modes: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    frame_counts_by_content_type: Mapping[str, int] = field(default_factory=dict)
    median_delta_time_by_content_type: Mapping[str, float] = field(default_factory=dict)
    array_paths: tuple[str, ...] = ()
    stitch_beat_count: int | None = None


@dataclass(frozen=True, slots=True)
class ArrayRow:
    """One row of the record set ``arrays``.

    Parameters
    ----------
    recording_id, array_path : str
        The recording and the array in its store; without a folder it is in ``data/``.
    content_types : tuple of str
        What it belongs to.
    role, dtype : str
        What it is for, and its type.
    shape : tuple of int
        Length of each axis.
    data_sha256 : str
        Hash of its values in C order, little-endian.
    """

    recording_id: str
    array_path: str
    content_types: tuple[str, ...] = ()
    role: str = ""
    dtype: str = ""
    shape: tuple[int, ...] = ()
    data_sha256: str = ""


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One row of the record set ``recording_links``.

    The format's names are the reverse of what one expects: its *source* is the derived
    recording, and its *linked* recording is what that was derived from.

    Parameters
    ----------
    source_recording_id : str
        The derived recording: a strain analysis, a mesh.
    linked_recording_id : str
        The images it was derived from.
    exam_id : str
        The examination.
    panel_role_id : str
        The part of the derived recording: ``"4ch"``.
    linked_frame_array_id, linked_timestamp_array_id : str
        The linked arrays, as ``<linked recording id>/<path in the store>``.
    """

    source_recording_id: str
    linked_recording_id: str
    exam_id: str = ""
    panel_role_id: str = ""
    linked_frame_array_id: str = ""
    linked_timestamp_array_id: str = ""


@dataclass(frozen=True)
class Croissant:
    """The record sets of a Croissant file.

    Parameters
    ----------
    path : Path
        The file, for messages.
    record_sets : mapping of str to rows
        The inline rows of each record set, as they are in the file.
    """

    path: Path
    record_sets: Mapping[str, Sequence[Row]]

    @cached_property
    def recordings(self) -> tuple[RecordingRow, ...]:
        """The rows of ``recordings``, in the file's order."""
        return self._typed("recordings", RecordingRow)

    @cached_property
    def arrays(self) -> tuple[ArrayRow, ...]:
        """The rows of ``arrays``; empty where the file has none."""
        return self._typed("arrays", ArrayRow)

    @cached_property
    def links(self) -> tuple[LinkRow, ...]:
        """The rows of ``recording_links``; empty where the file has none."""
        return self._typed("recording_links", LinkRow)

    def _typed(self, name: str, kind: Callable[..., T]) -> tuple[T, ...]:
        """Read the rows of a record set, with or without the prefix of their keys."""
        columns = [
            (f.name, f"{name}/{f.name}", _reader(f))
            for f in fields(kind)  # type: ignore[arg-type]
        ]
        typed = []
        for number, row in enumerate(self.record_sets.get(name, ())):
            values = {}
            try:
                for plain, prefixed, read in columns:
                    value = row.get(prefixed)
                    value = row.get(plain) if value is None else value
                    if value is not None:
                        values[plain] = read(value)
                if name == "arrays":
                    values["array_path"] = _array_path(row, values)
                typed.append(kind(**values))
            except (TypeError, ValueError, AttributeError) as error:
                raise DataCorruptError(
                    f"Row {number} of record set '{name}' in '{self.path}' is not what "
                    f"the format says: {error}."
                ) from error
        return tuple(typed)


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

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rows = [{"exam_id": "e1", "recording_id": "r1", "zarr_path": "r1.zarr"}]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "croissant.json"
    ...     write_json(path, {"recordSet": [{"name": "recordings", "data": rows}]})
    ...     croissant = read_croissant(path)
    >>> croissant.recordings[0].zarr_path, croissant.links
    ('r1.zarr', ())
    """
    stated = read_json(path).get("recordSet")
    if not isinstance(stated, list):
        raise DataCorruptError(f"'{path}' has no list 'recordSet'.")
    found: dict[str, Sequence[Row]] = {}
    for record_set in stated:
        if not isinstance(record_set, dict):
            raise DataCorruptError(f"'{path}': a record set is not an object.")
        name = str(record_set.get("@id") or record_set.get("name"))
        rows = record_set.get("data", [])
        if not isinstance(rows, list):
            raise DataCorruptError(f"'{path}': the data of '{name}' is not a list.")
        found[name] = rows
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
    rows: dict[str, Sequence[RecordingRow | ArrayRow | LinkRow]] = {
        "recordings": recordings,
        "arrays": arrays,
        "recording_links": links,
    }
    kinds = {"recordings": RecordingRow, "arrays": ArrayRow, "recording_links": LinkRow}
    write_json(
        path,
        {
            "@context": _CONTEXT,
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
                _describe(key, kinds[key], some) for key, some in rows.items() if some
            ],
        },
    )


def _describe(
    name: str, kind: type[Any], rows: Sequence[RecordingRow | ArrayRow | LinkRow]
) -> dict[str, Any]:
    """Describe a record set and its fields, with the rows inline."""
    described = []
    for column in fields(kind):
        one: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{name}/{column.name}",
            "name": column.name,
            "description": column.name.replace("_", " "),
            "dataType": "sc:Integer" if "int" in str(column.type) else "sc:Text",
        }
        if str(column.type).startswith("tuple"):
            one["repeated"] = True
        described.append(one)
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": name.replace("_", " "),
        "field": described,
        "data": [{f"{name}/{k}": v for k, v in asdict(row).items()} for row in rows],
    }


def _array_path(row: Row, values: Mapping[str, Any]) -> str:
    """Return the path of an array in its store, whichever way the row states it."""
    path = values.get("array_path") or _text(row.get("name"))
    return path if path.startswith(("data/", "timestamps/")) else f"data/{path}"


def _reader(column: Field[Any]) -> Callable[[Any], Any]:
    """Choose how a column is read, by its type; what has no default is required."""
    kind = str(column.type)
    if kind == "str" and column.default is MISSING:
        return _text
    return _READERS[kind]


def _text(value: object) -> str:
    """Accept a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text, found {value!r}")
    return value


def _any_text(value: object) -> str:
    """Accept a text, blank too."""
    return "" if value == "" else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    """Accept a list of texts."""
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"expected a list of texts, found {value!r}")
    return tuple(value)


def _sizes(value: object) -> tuple[int, ...]:
    """Accept the shape of an array."""
    if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
        raise ValueError(f"expected the lengths of axes, found {value!r}")
    return tuple(value)


def _numbers(value: object) -> Mapping[str, Any]:
    """Accept an object of numbers."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object of numbers, found {value!r}")
    return value


def _count(value: object) -> int | None:
    """Accept a positive count; anything else means that there is none."""
    return value if isinstance(value, int) and value > 0 else None


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "str": _any_text,
    "tuple[str, ...]": _texts,
    "tuple[int, ...]": _sizes,
    "Mapping[str, int]": _numbers,
    "Mapping[str, float]": _numbers,
    "int | None": _count,
}
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
_CONTEXT: Mapping[str, Any] = {
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
