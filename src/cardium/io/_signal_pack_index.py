"""What a pack of signals says of itself, as messages that end with it or grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from io import BufferedRandom
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec

from cardium.core import Entry, Info
from cardium.core.files import locked_journal
from cardium.errors import DataCorruptError, RunConflictError

INDEX = "signals.msgpack"
"""The file that is written last."""

T = TypeVar("T")
_JOURNAL = "unfinished.msgpack"
_FORMAT = 1
_SIZE = 4


@dataclass(frozen=True, slots=True)
class PackedStream:
    """Where a signal lies in a pack.

    Parameters
    ----------
    array : str
        The array that holds it.
    start, length : int
        Its samples there.
    rate : float [Hz]
        Its clock, from 0; 0 if `time` says it.
    gain : list of float [1/mV]
        What the codes of each lead are divided by; empty if they are the values.
    dims, unit, coords
        Those of the stream.
    time : list of float [s], optional
        Its clock, if it is not even.
    whole : bool
        Whether every sample is a number.
    """

    array: str
    start: int
    length: int
    rate: float
    gain: list[float]
    dims: list[str]
    unit: str
    coords: dict[str, list[str]]
    time: list[float] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class PackedAnnotation:
    """An annotation of points in time, whole."""

    values: list[float]
    dtype: str
    time: list[float]
    unit: str
    coords: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class PackedEntry:
    """An entry as it was when it was packed."""

    id: str
    patient: str
    split: str
    provides: list[str]
    files: list[str]
    labels: dict[str, str | float | int | bool | list[str] | None]
    exam: str

    @classmethod
    def of(cls, entry: Entry) -> PackedEntry:
        """Take an entry apart."""
        labels = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in entry.labels.items()
        }
        return cls(
            entry.id,
            entry.patient,
            entry.split,
            sorted(entry.provides),
            [str(file) for file in entry.files],
            labels,
            entry.exam,
        )

    def entry(self) -> Entry:
        """Put it together again."""
        labels = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.labels.items()
        }
        return Entry(
            self.id,
            self.patient,
            self.split,
            frozenset(self.provides),
            tuple(map(PurePosixPath, self.files)),
            MappingProxyType(labels),
            self.exam,
        )


@dataclass(frozen=True, slots=True)
class PackedRecording:
    """A recording in a pack; with a reason it is one that could not be packed."""

    entry: PackedEntry
    streams: dict[str, PackedStream] = field(default_factory=dict)
    annotations: dict[str, PackedAnnotation] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PackFacts:
    """What was asked for.

    Parameters
    ----------
    format : int
        Of the pack.
    name, info, provides
        Those of the dataset.
    streams : list of str
        The signals that are packed where they are there.
    entries : str
        Fingerprint of the entries.
    """

    name: str
    info: Info
    provides: list[str]
    streams: list[str]
    entries: str
    format: int = _FORMAT


@dataclass(frozen=True, slots=True)
class PackIndex:
    """All that a pack says."""

    facts: PackFacts
    recordings: list[PackedRecording]


def read_index(path: Path) -> PackIndex:
    """Read the index of a finished pack."""
    return _decode((path / INDEX).read_bytes(), PackIndex, path)


def encode(value: PackIndex | PackFacts | PackedRecording) -> bytes:
    """Write a message."""
    return msgspec.msgpack.encode(value)


@contextmanager
def open_journal(
    path: Path, facts: PackFacts
) -> Iterator[tuple[BufferedRandom, list[PackedRecording]]]:
    """Yield the journal of a pack, locked, and what it says is written."""
    with locked_journal(path / _JOURNAL) as file:
        messages, whole = _split(file.read())
        file.truncate(whole)  # a message that was cut off is none
        if messages:
            expect_same(path, _decode(messages[0], PackFacts, path), facts)
        else:
            append(file, facts)
        yield file, [_decode(one, PackedRecording, path) for one in messages[1:]]
    (path / _JOURNAL).unlink()


def discard(path: Path) -> None:
    """Remove a pack that nothing was written to."""
    (path / _JOURNAL).unlink()
    path.rmdir()


def append(file: BufferedRandom, message: PackFacts | PackedRecording) -> None:
    """Write a message behind its size."""
    text = encode(message)
    file.write(len(text).to_bytes(_SIZE, "little") + text)
    file.flush()


def expect_same(path: Path, made: PackFacts, wanted: PackFacts) -> None:
    """Refuse a pack that was made of something else."""
    one, other = (_flat(asdict(facts)) for facts in (made, wanted))
    for name in one:
        if one[name] != other[name]:
            raise RunConflictError(
                f"Pack '{path}' was made with {name} {one[name]!r}, and "
                f"{other[name]!r} is asked for. Choose another folder, or delete that "
                "one."
            )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Leave of the data sheet what says which data it is."""
    sheet = facts["info"]
    return {
        **{k: v for k, v in facts.items() if k not in ("info", "provides")},
        "version": sheet["version"],
    }


def _split(text: bytes) -> tuple[list[bytes], int]:
    """Split a journal into its messages; return how many bytes are whole."""
    found, at = [], 0
    while at + _SIZE <= len(text):
        size = int.from_bytes(text[at : at + _SIZE], "little")
        if at + _SIZE + size > len(text):
            break
        found.append(text[at + _SIZE : at + _SIZE + size])
        at += _SIZE + size
    return found, at


def _decode(text: bytes, kind: type[T], path: Path) -> T:
    """Read a message of a kind."""
    try:
        return msgspec.msgpack.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise DataCorruptError(
            f"Pack '{path}' does not say properly what it holds ({error}). Delete it "
            "and make it again."
        ) from error
