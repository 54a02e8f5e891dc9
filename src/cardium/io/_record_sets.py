"""Inline rows of a Croissant record set, decoded straight into typed rows.

A key may be spelt in several ways, so each spelling is a field of a struct that is made
for the record set at hand; one pass of the decoder then fills all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from cardium.errors import DataCorruptError

Row = TypeVar("Row", bound=msgspec.Struct)
_ROW = re.compile(r"at `\$\[(\d+)\](?:\.([^`\[]+))?")


class RecordSet(msgspec.Struct):
    """A record set as it lies in the file; its rows are not decoded yet."""

    id: Any = msgspec.field(default=None, name="@id")
    name: Any = None
    field: msgspec.Raw = msgspec.Raw(b"[]")
    data: msgspec.Raw = msgspec.Raw(b"[]")


@dataclass(frozen=True, slots=True)
class Column:
    """One value of a row: its type in JSON, and other names of its key."""

    type: Any
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """How the rows of one record set are read.

    Parameters
    ----------
    name : str
        The record set.
    columns : mapping of str to Column
        In the order that `make` takes them.
    make : function (*values) -> row
        Build a row of values, None where the file has none; raises ValueError where
        it cannot.
    row : type
        What a row is; it is decoded at once where a file spells all keys as usual.
    are_sound : function (rows) -> bool
        Whether rows that were decoded at once are what `make` would have made.
    """

    name: str
    columns: Mapping[str, Column]
    make: Callable[..., Row]
    row: type[Row]
    are_sound: Callable[[Sequence[Row]], bool]


def decode_rows(
    table: Table[Row], record_set: RecordSet | None, path: Path
) -> tuple[Row, ...]:
    """Decode the rows of a record set.

    Raises
    ------
    DataCorruptError
        If a row is not what the format says; the message names it and its value.
    """
    if record_set is None:
        return ()
    try:
        usual = msgspec.json.decode(record_set.data, type=tuple[table.row, ...])  # type: ignore[name-defined]
        if table.are_sound(usual):
            return usual
    except (msgspec.ValidationError, RecursionError):
        pass  # Keys may have other names; what is wrong is told below.
    try:
        found, columns = _decode(table, record_set)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refusal(table, record_set, path, error) from error
    rows = []
    for number, row in enumerate(found):
        values = msgspec.structs.astuple(row)
        try:
            rows.append(table.make(*_merge(values, columns, table.columns)))
        except ValueError as error:
            raise DataCorruptError(
                f"Row {number} of record set '{table.name}' in '{path}' is not what "
                f"the format says: {error}."
            ) from error
    return tuple(rows)


def _decode(
    table: Table[Row], record_set: RecordSet
) -> tuple[list[msgspec.Struct], tuple[str, ...]]:
    """Decode rows with every spelling of a key: first the usual one of each column.

    Returns the columns of the other spellings as well, in the order of a row.
    """
    spellings = _spellings(table, _declared(table, record_set))
    usual = [(name, keys[0]) for name, keys in spellings.items()]
    others = [(name, key) for name, keys in spellings.items() for key in keys[1:]]
    fields: list[tuple[str, Any, Any]] = []
    renamed = {}
    for number, (name, key) in enumerate([*usual, *others]):
        fields.append((f"f{number}", table.columns[name].type | None, None))
        renamed[f"f{number}"] = key
    wide = msgspec.defstruct(table.name, fields, rename=renamed, gc=False)
    found = msgspec.json.decode(record_set.data, type=list[wide])  # type: ignore[valid-type]
    return found, tuple(name for name, _ in others)


def _declared(table: Table[Row], record_set: RecordSet) -> Mapping[str, list[str]]:
    """List the keys that the record set's own fields declare, by the field's name."""
    fields = msgspec.json.decode(record_set.field)
    stated: dict[str, list[str]] = {}
    for field in fields if isinstance(fields, list) else ():
        key, name = (field.get("@id"), field.get("name")) if _is_object(field) else "  "
        if isinstance(key, str) and isinstance(name, str):
            stated.setdefault(name.removeprefix(f"{table.name}/"), []).append(key)
    return stated


def _spellings(
    table: Table[Row], declared: Mapping[str, list[str]]
) -> Mapping[str, tuple[str, ...]]:
    """List the keys of each column: prefixed, plain, and as they are declared."""
    found = {}
    taken: set[str] = set()
    for name, column in table.columns.items():
        names = (name, *column.aliases)
        keys = [
            k for n in names for k in (f"{table.name}/{n}", n, *declared.get(n, ()))
        ]
        found[name] = tuple(k for k in dict.fromkeys(keys) if k not in taken)
        taken.update(keys)
    return found


def _merge(
    values: Sequence[Any], columns: Sequence[str], names: Collection[str]
) -> list[Any]:
    """Take each value by its usual key, or else by the first of the others."""
    usual, others = values[: len(names)], values[len(names) :]
    # Entered last is kept, so the first comes last.
    pairs = reversed([*zip(columns, others, strict=True)])
    stated = {name: value for name, value in pairs if value is not None}
    merged = zip(names, usual, strict=True)
    return [stated.get(name) if value is None else value for name, value in merged]


def _refusal(
    table: Table[Row], record_set: RecordSet, path: Path, error: Exception
) -> DataCorruptError:
    """Say which row cannot be read, and what it holds."""
    where = _ROW.search(str(error))
    if where is None:
        return DataCorruptError(
            f"'{path}': the rows of record set '{table.name}' cannot be read: {error}."
        )
    number, key = int(where[1]), where[2]
    rows = msgspec.json.decode(record_set.data, type=list[msgspec.Raw])
    row = msgspec.json.decode(rows[number])
    held = row.get(key) if _is_object(row) and key else row
    return DataCorruptError(
        f"Row {number} of record set '{table.name}' in '{path}' is not what the format "
        f"says: {error}, found {held!r:.200}."
    )


def _is_object(value: object) -> bool:
    """Say whether a value of JSON is an object."""
    return isinstance(value, dict)
