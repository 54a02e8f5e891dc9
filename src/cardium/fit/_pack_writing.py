"""A pack is written: recordings prepared side by side, one writer, a journal."""

from __future__ import annotations

import json
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BufferedRandom
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Case,
    Clip,
    Entry,
    Field,
    Item,
    Progress,
    Protocol,
    geometry_to_dict,
)
from cardium.core.files import locked_journal, plain, write_json
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.fit._pack_codes import (
    blocks_of,
    count_of,
    encode,
    largest,
    range_of,
    stretches_of,
)
from cardium.fit._pack_index import (
    INDEX,
    Index,
    Left,
    Packed,
    Stored,
    Stretch,
    array_name,
    expect_same,
    read_facts,
    read_row,
)
from cardium.io.shards import ShardWriter, write_group

if TYPE_CHECKING:
    from cardium.fit.packs import RawSource

_JOURNAL = "unfinished.jsonl"
_BLOCK = 64  # frames that are prepared at once: what they need of memory is bounded

Codes = dict[str, NDArray[Any]]
Reopen = Callable[[], "RawSource"]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A recording that can be written: its row, and the codes of each stretch."""

    row: Packed
    codes: tuple[Codes, ...]


def write(
    path: Path,
    source: RawSource,
    entries: Sequence[Entry],
    facts: Mapping[str, Any],
    *,
    workers: int,
    reopen: Reopen | None,
    progress: Progress | None,
) -> None:
    """Write a pack, or what an interrupted writer left to do of it."""
    with _journal(path, facts) as (journal, done):
        store = _Store(path)
        for known, entry in zip(done, entries, strict=False):
            if known.id != entry.id:
                raise DataCorruptError(
                    f"Pack '{path}' was begun with recording '{known.id}' where there "
                    f"is now '{entry.id}'. Delete it and begin anew."
                )
            if isinstance(known, Packed):
                store.count(known)
        rest = entries[len(done) :]
        for result in _prepare_all(source, rest, workers, reopen, path):
            row = store.add(result) if isinstance(result, _Prepared) else result
            line = json.dumps(plain(asdict(row)), separators=(",", ":"))
            journal.write(line.encode() + b"\n")
            journal.flush()
            done.append(row)
            if progress is not None:
                progress(len(done), len(entries))
        packed = tuple(row for row in done if isinstance(row, Packed))
        left = tuple(row for row in done if isinstance(row, Left))
        if not packed:
            (path / _JOURNAL).unlink()
            path.rmdir()
            first = f" The first, '{left[0].id}': {left[0].reason}" if left else ""
            raise NotProvidedError(
                f"None of the {len(entries)} recordings can be packed.{first}"
            )
        store.close()
        fields = {k: (f.per, f.store) for k, f in source.protocol.fields.items()}
        write_group(path)
        write_json(path / INDEX, asdict(Index(dict(facts), {**fields}, packed, left)))
    (path / _JOURNAL).unlink()


def prepare(source: RawSource, entry: Entry) -> _Prepared | Left:
    """Read a recording as it is packed, or say why it is not."""
    try:
        case = source.open(entry)
        return _prepare_case(source.protocol, case)
    except (CardiumError, OSError) as error:
        return Left(entry.id, entry.patient, str(error))


def _prepare_case(protocol: Protocol, case: Case) -> _Prepared:
    """Prepare the frames that the clips of a case need."""
    entry = case.recording.entry
    codes, stretches = list[Codes](), list[Stretch]()
    for clip in stretches_of([*case.train, case.scored]):
        scale, values = _prepare_stretch(protocol, case, clip)
        codes.append(values)
        stretches.append(Stretch(clip.start, clip.stop, {}, scale))
    row = Packed(
        entry.id,
        entry.patient,
        entry.split,
        tuple((clip.start, clip.stop) for clip in case.train),
        (case.scored.start, case.scored.stop),
        geometry_to_dict(case.geometry),
        {k: Stored(v.dtype.name, v.shape[1:]) for k, v in codes[0].items()},
        tuple(stretches),
    )
    return _Prepared(row, tuple(codes))


def _prepare_stretch(
    protocol: Protocol, case: Case, clip: Clip
) -> tuple[dict[str, float], Codes]:
    """Prepare a stretch block by block; once more if values exceed what is usual."""
    fields, scale = protocol.fields, dict[str, float]()
    while True:
        pieces, beyond = list[Codes](), dict[str, float]()
        for block in blocks_of(clip, _BLOCK):
            item = _checked(protocol, protocol.prepare(case, block), block)
            scale = scale or {name: range_of(name, fields, item) for name in fields}
            for name, field in fields.items():
                found = largest(field, item[name])
                if found > max(scale[name], beyond.get(name, 0)):
                    beyond[name] = found
            if not beyond:
                pieces.append(_encoded(fields, item, scale, block.stop < clip.stop))
        if not beyond:
            break
        scale |= beyond
    coded = {k: v for k, v in scale.items() if fields[k].store in ("unit", "signed")}
    return coded, {
        name: pieces[0][name]
        if field.per == "case"
        else np.concatenate([piece[name] for piece in pieces])
        for name, field in fields.items()
    }


def _encoded(
    fields: Mapping[str, Field], item: Item, scale: Mapping[str, float], shared: bool
) -> Codes:
    """Encode a block, without the frame that it shares with the next one."""
    return {
        name: encode(
            field,
            item[name][:-1] if shared and field.per == "frame" else item[name],
            scale[name],
        )
        for name, field in fields.items()
    }


def _checked(protocol: Protocol, item: Item, clip: Clip) -> Item:
    """Hold prepared arrays against what the protocol says of them.

    Raises
    ------
    InvalidArgumentError
        If there are others, or one is not as long as the clip.
    """
    if set(item) != set(protocol.fields):
        raise InvalidArgumentError(
            f"Protocol '{protocol.name}' names the fields {sorted(protocol.fields)} "
            f"and prepares {sorted(item)}."
        )
    frames, held = clip.stop - clip.start, dict[str, NDArray[Any]]()
    for name, field in protocol.fields.items():
        values = np.asarray(item[name])
        held[name] = values[None] if field.per == "case" else values
        expected = count_of(field, frames)
        if len(held[name]) != expected:
            raise InvalidArgumentError(
                f"Protocol '{protocol.name}': '{name}' has {len(held[name])} samples "
                f"for {frames} frames, expected {expected}."
            )
    return held


class _Store:
    """The arrays of a pack while it is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lengths: dict[str, int] = {}
        self._frames: dict[str, Stored] = {}
        self._writers: dict[str, ShardWriter] = {}

    def count(self, row: Packed) -> None:
        """Note what a recording has that was written before."""
        for name, stored in row.arrays.items():
            array = array_name(name, stored)
            self._frames[array] = stored
            stretch = row.stretches[-1]
            self._lengths[array] = stretch.at[name] + stretch.length[name]

    def add(self, prepared: _Prepared) -> Packed:
        """Append a recording, and say where it lies."""
        row = prepared.row
        for stretch, codes in zip(row.stretches, prepared.codes, strict=True):
            for name, values in codes.items():
                writer = self._writer(array_name(name, row.arrays[name]), values)
                stretch.at[name] = writer.length
                stretch.length[name] = len(values)
                writer.append(values)
        return row

    def close(self) -> None:
        """Finish all arrays, also those that nothing was added to."""
        for array, stored in self._frames.items():
            self._writer(array, np.empty((0, *stored.frame), stored.dtype))
        for writer in self._writers.values():
            writer.close()

    def _writer(self, array: str, like: NDArray[Any]) -> ShardWriter:
        """Return the writer of an array; it goes on where the last one stood."""
        if array not in self._writers:
            self._writers[array] = ShardWriter(
                self._path / array,
                like.shape[1:],
                like.dtype,
                length=self._lengths.get(array, 0),
            )
        return self._writers[array]


def _prepare_all(
    source: RawSource,
    entries: Sequence[Entry],
    workers: int,
    reopen: Reopen | None,
    path: Path,
) -> Iterator[_Prepared | Left]:
    """Prepare recordings in order: here, or in other processes."""
    if workers < 1 or not entries:
        yield from (prepare(source, entry) for entry in entries)
        return
    if reopen is None:
        raise InvalidArgumentError(
            "Pack: other processes can only prepare if they are told how to open the "
            "recordings. Give reopen, or no workers."
        )
    # Forking a process with threads, which numba and zarr start, may hang.
    pool = ProcessPoolExecutor(
        min(workers, len(entries)),
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(reopen,),
    )
    waiting: deque[Future[_Prepared | Left]] = deque()
    try:
        for entry in entries:
            waiting.append(pool.submit(_prepare_there, entry.id))
            if len(waiting) > 2 * workers:  # what waits to be written takes memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise CardiumError(
            f"A process that prepared for '{path}' ended before its work: killed, out "
            "of memory, or unable to open the recordings. Call again to go on, with "
            "fewer workers."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_HELD: list[RawSource] = []


def _begin(reopen: Reopen) -> None:
    """Open the recordings in a worker; Ctrl-C, which all processes get, ends it."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    _HELD.append(reopen())


def _prepare_there(entry: str) -> _Prepared | Left:
    """Prepare a recording in a worker."""
    return prepare(_HELD[0], _HELD[0].data.catalog[entry])


@contextmanager
def _journal(
    path: Path, facts: Mapping[str, Any]
) -> Iterator[tuple[BufferedRandom, list[Packed | Left]]]:
    """Yield the journal of a pack, locked, and what it says is written."""
    with locked_journal(path / _JOURNAL) as file:
        whole = file.read().split(b"\n")[:-1]  # a line that was not ended is not one
        if whole:
            expect_same(path, read_facts(path, whole[0]), facts)
        else:
            whole = [json.dumps(plain(dict(facts))).encode()]
        file.truncate(0)
        file.write(b"".join(line + b"\n" for line in whole))
        file.flush()
        yield file, [read_row(path, line) for line in whole[1:]]
