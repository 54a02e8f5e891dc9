"""Packs of signals: the recordings of an ECG dataset in few files, to the last bit.

Opening a WFDB record costs a hundred times what its bytes cost. A pack holds all
recordings of a dataset as the numbers that their devices stored, in Zarr shards that
the system maps into memory, with their catalogue and their annotations. It opens as the
dataset that it was made of: whatever takes that takes the pack, by its folder::

    write_signal_pack("pack", data, ["ecg"])
    data = open_signal_pack("pack")
    data["00001"]["ecg"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    KnownAnswer,
    OpenDataset,
    Progress,
    Recording,
    Stream,
    fingerprint,
)
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    NotProvidedError,
)
from cardium.io._signal_pack_index import (
    INDEX,
    PackedAnnotation,
    PackedRecording,
    PackedStream,
    PackFacts,
    PackIndex,
    append,
    discard,
    encode,
    expect_same,
    open_journal,
    read_index,
)
from cardium.io._signal_pack_writing import Store, pack_recording
from cardium.io.shards import ShardedArray, open_shards, write_group


def write_signal_pack(
    path: str | Path,
    data: OpenDataset,
    streams: Sequence[str],
    *,
    entries: Iterable[Entry] | None = None,
    progress: Progress | None = None,
) -> OpenDataset:
    """Pack the signals of a dataset, with its catalogue and its annotations.

    Stopped at any time and called again with the same arguments, it goes on after the
    last recording that was finished. A finished pack is left as it is.

    Parameters
    ----------
    path : str or Path
        The pack's folder.
    data : OpenDataset
        The dataset.
    streams : sequence of str
        Signals ``(time, lead)`` or ``(time,)`` to pack, where a recording has them.
    entries : iterable of Entry, optional
        Which recordings. If not given, all. One that cannot be read stays in the
        catalogue, and opening it raises the reason.
    progress : function (done, total), optional
        Called after each recording.

    Returns
    -------
    OpenDataset
        The finished pack.

    Raises
    ------
    RunConflictError
        If the folder holds another pack, or something else, or another process writes
        it.
    NotProvidedError
        If none of the recordings can be packed.

    Notes
    -----
    Samples are stored as int16 where a gain gives them back to the last bit, which is
    tried on every recording: the one of its reader and some usual ones. Where none
    does, they are stored as they are, in float32.
    """
    folder = Path(path)
    chosen = tuple(data.catalog if entries is None else entries)
    facts = PackFacts(
        data.dataset.name,
        data.dataset.info,
        sorted(data.dataset.provides),
        sorted(streams),
        fingerprint(chosen),
    )
    if (folder / INDEX).is_file():
        expect_same(folder, _read_index(folder).facts, facts)
        return open_signal_pack(folder)
    with open_journal(folder, facts) as (journal, done):
        store = Store(folder, done)
        for entry in chosen[len(done) :]:
            row = pack_recording(data, entry, facts.streams, store)
            append(journal, row)
            done.append(row)
            if progress is not None:
                progress(len(done), len(chosen))
        if not any(row.streams for row in done):
            discard(folder)
            raise NotProvidedError(_why_none(done))
        store.close()
        write_group(folder)
        _write(folder / INDEX, encode(PackIndex(facts, done)))
    return open_signal_pack(folder)


def is_signal_pack(path: str | Path) -> bool:
    """Say whether a folder is a finished pack of signals."""
    return (Path(path) / INDEX).is_file()


def open_signal_pack(path: str | Path) -> OpenDataset:
    """Open a pack as the dataset that it was made of.

    Parameters
    ----------
    path : str or Path
        The pack's folder.

    Returns
    -------
    OpenDataset
        Its recordings have the signals that were packed, and all annotations.

    Raises
    ------
    DataMissingError
        If there is no pack, or its writing was interrupted.
    DataCorruptError
        If it does not say properly what it holds.
    """
    folder = Path(path)
    index = _read_index(folder)
    rows = {row.entry.id: row for row in index.recordings}
    catalog = Catalog(tuple(row.entry.entry() for row in index.recordings))
    shards = open_shards(folder)

    def load(root: Path, entry: Entry) -> Recording:
        row = rows[entry.id]
        if row.reason:
            raise NotProvidedError(f"Recording '{entry.id}': {row.reason}")
        streams = {
            name: _stream(name, packed, shards[packed.array])
            for name, packed in row.streams.items()
        }
        notes = {n: _annotation(n, note) for n, note in row.annotations.items()}
        return Recording(entry, MappingProxyType(streams), MappingProxyType(notes))

    facts = index.facts
    dataset = Dataset(
        name=facts.name,
        info=facts.info,
        provides=frozenset(facts.provides),
        index=lambda root: catalog,
        load=load,
        write_fake=_no_fake,
    )
    return OpenDataset(dataset, folder)


def skipped_of(pack: OpenDataset) -> list[tuple[str, str]]:
    """List the recordings that could not be packed, each with the reason."""
    rows = _read_index(pack.root).recordings
    return [(row.entry.id, row.reason) for row in rows if row.reason]


@dataclass(frozen=True, slots=True)
class PackedSignal:
    """The samples of one signal of a pack; read when sliced by time.

    Parameters
    ----------
    array : ShardedArray
        What holds them.
    start, length : int
        Where.
    gain : tuple of float [1/mV]
        What the codes of each lead are divided by; empty if they are the values.
    flat : bool
        Whether the stream has no axis of leads.
    whole : bool
        Whether every sample is a number.
    """

    array: ShardedArray
    start: int
    length: int
    gain: tuple[float, ...]
    flat: bool
    whole: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples and leads."""
        return (self.length,) if self.flat else (self.length, *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Always float32."""
        return np.dtype(np.float32)

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, float32; leads lie one after another."""
        start, stop, step = time.indices(self.length)
        if step != 1:
            return self[:][time]
        out = np.empty((self.array.shape[1], max(0, stop - start)), np.float32)
        self.read_into(out, start)
        return out[0] if self.flat else out.T

    def read_into(self, out: NDArray[np.float32], start: int = 0) -> None:
        """Read samples into an array (L, T), from the sample `start` on.

        A batch is filled so record by record, without a copy of each.
        """
        first = self.start + start
        codes = self.array[first : first + out.shape[1]]
        if not self.gain:
            out[:] = codes.T
            return
        from cardium.io._signal_pack_kernels import decode, value_tables

        decode(codes, *value_tables(self.gain), out)


def _stream(name: str, packed: PackedStream, array: ShardedArray) -> Stream:
    """Return a signal of a pack."""
    end = packed.start + packed.length
    if end > array.shape[0]:
        raise DataCorruptError(
            f"{array!r} ends before sample {end}, where '{name}' ends. Make the pack "
            "again."
        )
    flat = packed.dims == ["time"]
    time = (
        np.arange(packed.length) / packed.rate
        if packed.time is None
        else np.array(packed.time)
    )
    return Stream(
        name,
        PackedSignal(
            array, packed.start, packed.length, tuple(packed.gain), flat, packed.whole
        ),
        time,
        tuple(packed.dims),
        packed.unit,
        coords=_tuples(packed.coords),
    )


def _annotation(name: str, note: PackedAnnotation) -> Stream:
    """Return an annotation of a pack."""
    values = np.array(note.values).astype(note.dtype)
    coords = _tuples(note.coords)
    time = np.array(note.time, np.float64)
    return Stream(name, values, time, ("time",), note.unit, coords=coords)


def _tuples(coords: Mapping[str, Sequence[str]]) -> Mapping[str, tuple[str, ...]]:
    """Return names along axes as a stream holds them."""
    return MappingProxyType({name: tuple(labels) for name, labels in coords.items()})


def _why_none(rows: Sequence[PackedRecording]) -> str:
    """Say why a pack would hold nothing."""
    first = f" The first, '{rows[0].entry.id}': {rows[0].reason}" if rows else ""
    return f"None of the {len(rows)} recordings can be packed.{first}"


def _read_index(folder: Path) -> PackIndex:
    """Read the index, or say that there is none."""
    try:
        return read_index(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataMissingError(
            f"'{folder}' is no finished pack of signals: it has no {INDEX}. Make it, "
            "or go on with it, by: cardium prepare."
        ) from error


def _write(path: Path, text: bytes) -> None:
    """Write a file aside, then give it its name."""
    from cardium.core.files import written_aside

    with written_aside(path) as aside:
        aside.write_bytes(text)


def _no_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Refuse: a pack is made of a dataset, not of nothing."""
    raise NotProvidedError("A pack of signals has no fake; make one of a fake dataset.")
