"""Entries, catalogs and recordings: what there is, and what one of it holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import overload

from cardium.core.annotation import Gate, Mark, Mesh
from cardium.core.files import plain
from cardium.core.stream import Stream
from cardium.errors import (
    DataCorruptError,
    NotProvidedError,
    SplitLeakError,
    UnknownNameError,
)

Label = str | float | int | bool | tuple[str, ...] | None
"""What a catalog knows of a recording: a name, a number, several names, or nothing."""


def is_stated(label: Label) -> bool:
    """Say whether a label says anything.

    Parameters
    ----------
    label : Label
        What a catalog knows.

    Returns
    -------
    bool
        False for None, NaN, no text and no names.

    Examples
    --------
    >>> [is_stated(label) for label in (False, 0, "MI", None, float("nan"), "", ())]
    [True, True, True, False, False, False, False]
    """
    return label is not None and label not in ((), "") and label == label


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a catalog: a recording that has not been opened.

    Parameters
    ----------
    id : str
        Name of the recording, unique in its dataset, fit for a file name.
    patient : str
        Whose recording it is. Mandatory: splits, means and intervals are by patient.
    split : str
        The official split it belongs to: ``"train"``, ``"val"``, ``"test"``,
        ``"fold0"`` …, or ``""`` where the source has none.
    provides : frozenset of str
        Names of the streams, annotations and labels that the recording has.
    files : tuple of PurePosixPath
        Files under the dataset's root that hold it.
    labels : mapping of str to Label
        What the catalog knows without opening a file: age, view, phase, diagnosis.
    exam : str, optional
        The examination it was taken in.
    """

    id: str
    patient: str
    split: str
    provides: frozenset[str]
    files: tuple[PurePosixPath, ...] = ()
    labels: Mapping[str, Label] = field(default_factory=lambda: MappingProxyType({}))
    exam: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was acquired together, opened: streams and annotations by name.

    Parameters
    ----------
    entry : Entry
        The row it was opened from.
    streams : mapping of str to Stream
        What the machine recorded, on one clock; values are read when sliced.
    annotations : mapping of str to Stream
        What a reader added: contours, label maps.
    links : tuple of str
        Ids of the recordings that it was derived from.
    meshes : mapping of str to Mesh
        Surfaces that a reader drew, in the frame of the volume.
    marks : sequence of Mark
        Points, calipers and traces that a reader put on the streams.
    gates : sequence of Gate
        Sample volumes and cursor lines of the streams.

    Examples
    --------
    >>> import numpy as np
    >>> ecg = Stream("ecg", np.zeros(3), np.array([0.0, 0.5, 1.0]), ("time",), "mV")
    >>> recording = Recording(Entry("r0", "p0", "", frozenset({"ecg"})), {"ecg": ecg})
    >>> recording["ecg"].rate
    2.0
    """

    entry: Entry
    streams: Mapping[str, Stream]
    annotations: Mapping[str, Stream] = field(
        default_factory=lambda: MappingProxyType({})
    )
    links: tuple[str, ...] = ()
    meshes: Mapping[str, Mesh] = field(default_factory=lambda: MappingProxyType({}))
    marks: Sequence[Mark] = ()
    gates: Sequence[Gate] = ()

    def __getitem__(self, name: str) -> Stream:
        """Return a stream or an annotation by name.

        Raises
        ------
        NotProvidedError
            If the recording has none of that name.
        """
        for streams in (self.streams, self.annotations):
            if name in streams:
                return streams[name]
        there = ", ".join([*self.streams, *self.annotations]) or "nothing"
        raise NotProvidedError(
            f"Recording '{self.entry.id}' has no '{name}'. It has: {there}."
        )


@dataclass(frozen=True, slots=True)
class Catalog:
    """The entries of a dataset, in the order of its source.

    Parameters
    ----------
    entries : tuple of Entry
        One row a recording.

    Raises
    ------
    SplitLeakError
        If a patient has entries in two splits.
    DataCorruptError
        If two entries have one id, or an entry names no patient.

    Examples
    --------
    >>> rows = [Entry(f"r{i}", f"p{i // 2}", "train", frozenset({"ecg"}))
    ...         for i in range(4)]
    >>> catalog = Catalog(tuple(rows))
    >>> len(catalog), catalog.patients, catalog["r3"].patient
    (4, ('p0', 'p1'), 'p1')
    """

    entries: tuple[Entry, ...]
    _by_id: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {entry.id: entry for entry in self.entries})
        sides = {(entry.patient, entry.split) for entry in self.entries}
        patients = {patient for patient, _ in sides}
        unique = len(self._by_id) == len(self.entries)
        if not unique or len(patients) != len(sides) or "" in patients:
            self._refuse()

    def _refuse(self) -> None:
        """Name the first entry that may not be."""
        side: dict[str, str] = {}
        seen: set[str] = set()
        for entry in self.entries:
            if entry.id in seen:
                raise DataCorruptError(f"Two recordings are called '{entry.id}'.")
            if not entry.patient:
                raise DataCorruptError(f"Recording '{entry.id}' names no patient.")
            seen.add(entry.id)
            other = side.setdefault(entry.patient, entry.split)
            if other != entry.split:
                raise SplitLeakError(
                    f"Patient '{entry.patient}' is in '{other}' and, by recording "
                    f"'{entry.id}', in '{entry.split}'. Mend the split: no patient "
                    "may stand on two sides."
                )

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @overload
    def __getitem__(self, key: str) -> Entry: ...
    @overload
    def __getitem__(self, key: slice) -> Catalog: ...
    def __getitem__(self, key: str | slice) -> Entry | Catalog:
        """Return the entry of an id, or the catalog of a slice.

        Raises
        ------
        UnknownNameError
            If no entry has the id.
        """
        if isinstance(key, slice):
            return replace(self, entries=self.entries[key])
        if key not in self._by_id:
            raise UnknownNameError("recording", key, self._by_id)
        return self._by_id[key]

    @property
    def patients(self) -> tuple[str, ...]:
        """The patients, in the order of their first entry."""
        return tuple(dict.fromkeys(entry.patient for entry in self.entries))

    @property
    def splits(self) -> tuple[str, ...]:
        """The official splits that have an entry, sorted by name."""
        return tuple(sorted({entry.split for entry in self.entries if entry.split}))

    def split(self, *names: str) -> Catalog:
        """Keep the entries of the named official splits.

        Raises
        ------
        UnknownNameError
            If a split has no entry.
        """
        for name in names:
            if name not in self.splits:
                raise UnknownNameError("entry in split", name, self.splits)
        return self.where(lambda entry: entry.split in names)

    def where(self, keep: Callable[[Entry], bool]) -> Catalog:
        """Keep the entries that a predicate accepts."""
        return Catalog(tuple(filter(keep, self.entries)))

    def of_patients(self, patients: Iterable[str]) -> Catalog:
        """Keep the entries of some patients."""
        kept = frozenset(patients)
        return self.where(lambda entry: entry.patient in kept)


def fingerprint(entries: Iterable[Entry]) -> str:
    """Hash what a catalogue says: id, patient, split, files and labels of each entry.

    Parameters
    ----------
    entries : iterable of Entry
        A catalogue, or a part of one.

    Returns
    -------
    str
        64 hexadecimal digits. Splits are in it; the samples of the recordings are not:
        ``cardium verify`` holds these against their own hashes.

    Examples
    --------
    >>> fingerprint([Entry("r0", "p0", "fold1", frozenset())])[:8]
    'b131b353'
    """
    rows = [
        [one.id, one.patient, one.split, [*map(str, one.files)], dict(one.labels)]
        for one in entries
    ]
    text = json.dumps(plain(rows), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
