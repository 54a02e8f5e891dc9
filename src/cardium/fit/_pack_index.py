"""What a pack says of itself: what was asked for, and where each recording lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cardium.core import (
    Entry,
    OpenDataset,
    Protocol,
    fingerprint,
)
from cardium.core.files import plain
from cardium.errors import DataCorruptError, DataMissingError, RunConflictError

INDEX = "pack.json"
"""The file that is written last."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """How one frame of a field is stored.

    Parameters
    ----------
    dtype : str
        Type of a code.
    frame : tuple of int
        Shape of a frame.
    """

    dtype: str
    frame: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames of a recording that follow one another in the pack.

    Parameters
    ----------
    start, stop : int
        B-mode frames of the recording.
    at : dict of str to int
        Where each field begins in its array.
    scale : dict of str to float
        What the largest code of a field means.
    length : dict of str to int
        Samples of each field.
    """

    start: int
    stop: int
    at: dict[str, int]
    scale: dict[str, float]
    length: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Packed:
    """A recording in a pack.

    Parameters
    ----------
    id, patient, split : str
        Those of its entry.
    train : tuple of (int, int)
        Clips to learn from.
    scored : (int, int)
        The clip that is scored.
    geometry : dict
        Where the samples of ``input`` lie.
    arrays : dict of str to Stored
        In which array each field lies.
    stretches : tuple of Stretch
        Its frames.
    """

    id: str
    patient: str
    split: str
    train: tuple[tuple[int, int], ...]
    scored: tuple[int, int]
    geometry: dict[str, Any] | None
    arrays: dict[str, Stored]
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A recording that is not in a pack, and why."""

    id: str
    patient: str
    reason: str


@dataclass(frozen=True, slots=True)
class Index:
    """All that a pack says.

    Parameters
    ----------
    facts : dict
        What was asked for: task, protocol, options, dataset.
    fields : dict of str to (str, str)
        How each field runs along time and is stored, see `cardium.core.Field`.
    recordings : tuple of Packed
        In the catalogue's order.
    skipped : tuple of Left
        The others.
    """

    facts: dict[str, Any]
    fields: dict[str, tuple[str, str]]
    recordings: tuple[Packed, ...]
    skipped: tuple[Left, ...]


def array_name(name: str, stored: Stored) -> str:
    """Name the array of a field: recordings of one size share it.

    Examples
    --------
    >>> array_name("input", Stored("uint16", (256, 128)))
    'input-256x128'
    """
    return "-".join([name, *filter(None, ["x".join(map(str, stored.frame))])])


def read_index(path: Path) -> Index:
    """Read the index of a pack.

    Raises
    ------
    DataMissingError
        If there is none: no pack, or one that was not finished.
    DataCorruptError
        If it is not what it should be.
    """
    try:
        text = (path / INDEX).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataMissingError(
            f"'{path}' is no finished pack: it has no {INDEX}. Make it, or go on with "
            "it, by: cardium prepare."
        ) from error
    try:
        return msgspec.json.decode(text, type=Index)
    except msgspec.DecodeError as error:
        raise _corrupt(path, error) from error


def read_facts(path: Path, line: bytes) -> dict[str, Any]:
    """Read the first line of the journal of a pack: what was asked for."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise _corrupt(path, error) from error


def read_row(path: Path, line: bytes) -> Packed | Left:
    """Read one line of the journal of a pack."""
    try:
        if b'"reason"' in line:
            return msgspec.json.decode(line, type=Left)
        return msgspec.json.decode(line, type=Packed)
    except msgspec.DecodeError as error:
        raise _corrupt(path, error) from error


def facts_of(
    protocol: Protocol, data: OpenDataset, entries: Iterable[Entry] | None = None
) -> dict[str, Any]:
    """Say what a pack of a protocol and a dataset is; and of which recordings."""
    usable = protocol.task.usable(data.catalog)
    facts = {
        **_about(protocol),
        "dataset": {
            "name": data.dataset.name,
            "version": data.dataset.info.version,
            "fingerprint": fingerprint(usable),
        },
    }
    if entries is not None:
        facts["entries"] = fingerprint(entries)
    return facts


def expect_protocol(path: Path, facts: Mapping[str, Any], protocol: Protocol) -> None:
    """Refuse a pack of another protocol, or one that was set otherwise."""
    wanted = _about(protocol)
    expect_same(path, {key: facts.get(key) for key in wanted}, wanted)


def expect_same(path: Path, made: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Refuse a pack that was made otherwise than is wanted.

    Raises
    ------
    RunConflictError
        It names the first thing that differs, with both values.
    """
    for what, one, other in _differences("", made, plain(dict(wanted))):
        raise RunConflictError(
            f"Pack '{path}' was made with {what} {one!r}, and {other!r} is asked for. "
            "Choose another folder for the pack, or ask for the same."
        )


def _about(protocol: Protocol) -> dict[str, Any]:
    """Say what a protocol is and how it was set."""
    return {
        "format": FORMAT,
        "task": protocol.task.name,
        "protocol": protocol.name,
        "options": dict(protocol.options),
    }


def _differences(
    where: str, made: object, wanted: object
) -> Iterable[tuple[str, object, object]]:
    """Yield what differs between two values that JSON holds."""
    if not (isinstance(made, Mapping) and isinstance(wanted, Mapping)):
        if made != wanted:
            yield where, made, wanted
        return
    for key in dict.fromkeys([*wanted, *made]):
        inner = f"{where}.{key}" if where else str(key)
        yield from _differences(inner, made.get(key), wanted.get(key))


def _corrupt(path: Path, error: Exception) -> DataCorruptError:
    """Say that an index or a journal is not what it should be."""
    return DataCorruptError(
        f"Pack '{path}' does not say properly what it holds ({error}). Delete it and "
        "make it again."
    )
