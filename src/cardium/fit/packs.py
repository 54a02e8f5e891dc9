"""Packs: the clips of a protocol, prepared once, so that a network never waits.

A pack holds what `Protocol.prepare` makes of every recording that a protocol uses, as
whole numbers in uncompressed shards that the system maps into memory. What is left to
do for a clip is what depends on the clip: `Protocol.finish`. The recordings themselves
can be read in its place, by the same two functions::

    source = RawSource(protocol, data)              # reads, resizes, resamples
    source = PackSource(open_pack(path), protocol)  # the same items, sooner
    case = source.open(entry)
    source.item(case, case.train[0])
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from cardium.core import (
    Case,
    Clip,
    Entry,
    Field,
    Item,
    OpenDataset,
    Progress,
    Protocol,
    Recording,
    geometry_from_dict,
)
from cardium.errors import (
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.fit._pack_codes import count_of, samples_of
from cardium.fit._pack_finish import Coded, Memory, finish, prepared
from cardium.fit._pack_index import (
    INDEX,
    Index,
    Packed,
    Stretch,
    array_name,
    expect_protocol,
    expect_same,
    facts_of,
    read_index,
)
from cardium.io.shards import ShardGroup, open_shards

_OPENED = 32


class RawSource:
    """Clips read from the recordings as they lie.

    Parameters
    ----------
    protocol : Protocol
        What is read of them.
    data : OpenDataset
        The recordings.
    """

    def __init__(self, protocol: Protocol, data: OpenDataset) -> None:
        self.protocol = protocol
        self.data = data
        self._opened: OrderedDict[str, Case] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Clips of {self.data!r}>"

    def open(self, entry: Entry) -> Case:
        """Open a recording as the protocol sees it; the last ones stay open.

        Raises
        ------
        NotProvidedError
            If the protocol does not use it.
        """
        if entry.id in self._opened:
            self._opened.move_to_end(entry.id)
            return self._opened[entry.id]
        if reason := self.protocol.admit(entry):
            raise NotProvidedError(
                f"Recording '{entry.id}': {reason.removesuffix('.')}."
            )
        case = self.protocol.open(self.data.load(entry))
        self._opened[entry.id] = case
        if len(self._opened) > _OPENED:
            self._opened.popitem(last=False)
        return case

    def item(self, case: Case, clip: Clip) -> Item:
        """Read one clip as a model sees and learns it."""
        return self.protocol.item(case, clip)


class PackSource:
    """Clips read from a pack.

    Parameters
    ----------
    pack : Pack
        The pack.
    protocol : Protocol
        The protocol that it was made for.

    Raises
    ------
    RunConflictError
        If it was made for another, or for one that was set otherwise.
    """

    def __init__(self, pack: Pack, protocol: Protocol) -> None:
        expect_protocol(pack.path, pack.facts, protocol)
        self.pack = pack
        self.protocol = protocol
        self._memory = Memory()

    def __repr__(self) -> str:
        return f"<Clips of {self.pack!r}>"

    def open(self, entry: Entry) -> Case:
        """Return the clips of a recording; its streams are not opened.

        Raises
        ------
        NotProvidedError
            If the pack does not hold it; the reason is that of the packing.
        """
        return self.pack.case(entry)

    def item(self, case: Case, clip: Clip) -> Item:
        """Read one clip as a model sees and learns it.

        The case may be this source's, or one of the recording itself.
        """
        stored = self.pack.stored(case.recording.entry.id, clip)
        return finish(self.protocol, stored, self._memory)


class Pack:
    """Prepared recordings on disk; another process opens them anew, by the path.

    Parameters
    ----------
    path : Path
        The pack's folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[type[Pack], tuple[Path]]:
        return Pack, (self.path,)

    def __repr__(self) -> str:
        return f"<Pack of {len(self)} recordings at '{self.path}'>"

    def __len__(self) -> int:
        return len(self._index.recordings)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was asked for: task, protocol and its options, dataset."""
        return self._index.facts

    @property
    def ids(self) -> tuple[str, ...]:
        """The recordings, in the catalogue's order."""
        return tuple(self._by_id)

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """The recordings that were to be packed and are not, each with the reason."""
        return tuple((left.id, left.reason) for left in self._index.skipped)

    @property
    def clips(self) -> int:
        """How many clips there are to learn from."""
        return sum(len(row.train) for row in self._index.recordings)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        files = self.path.rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    @cached_property
    def _index(self) -> Index:
        return read_index(self.path)

    @cached_property
    def _by_id(self) -> Mapping[str, Packed]:
        return {row.id: row for row in self._index.recordings}

    @cached_property
    def _reasons(self) -> Mapping[str, str]:
        return dict(self.skipped)

    @cached_property
    def _fields(self) -> Mapping[str, Field]:
        fields = self._index.fields.items()
        return {k: Field(*cast("tuple[Any, Any]", v)) for k, v in fields}

    @cached_property
    def _shards(self) -> ShardGroup:
        return open_shards(self.path)

    def expect(self, protocol: Protocol, data: OpenDataset) -> None:
        """Refuse a pack that is not of a protocol, or not of a dataset as it is now.

        Raises
        ------
        RunConflictError
            It names what differs, with both values.
        """
        wanted = facts_of(protocol, data)
        expect_same(self.path, {key: self.facts.get(key) for key in wanted}, wanted)

    def case(self, entry: Entry) -> Case:
        """Return the clips of a recording. It has no streams and no plan.

        Raises
        ------
        NotProvidedError
            If the pack does not hold it.
        """
        row = self._by_id.get(entry.id)
        if row is None:
            reason = self._reasons.get(entry.id, "it was not among those packed.")
            raise NotProvidedError(
                f"Recording '{entry.id}' is not in the pack '{self.path}': {reason}"
            )
        geometry = geometry_from_dict(row.geometry)
        if geometry is None:
            raise DataCorruptError(
                f"Pack '{self.path}' does not say where '{entry.id}' lies. Make it "
                "again."
            )
        train = tuple(Clip(*clip) for clip in row.train)
        return Case(Recording(entry, {}), train, Clip(*row.scored), geometry)

    def prepared(self, recording: str, clip: Clip) -> Item:
        """Read a clip as `Protocol.prepare` returned it, but for the rounding.

        Parameters
        ----------
        recording : str
            Its id.
        clip : Clip
            One of its clips, or a part of one.

        Returns
        -------
        Item
            Numbers from 0 to 1 to within 1 / 131070, velocities to within their limit
            / 65534, or as much of the largest if that is larger; the rest exactly.

        Raises
        ------
        UnknownNameError
            If the pack has no such recording.
        InvalidArgumentError
            If the clip is not within one that was packed.
        DataCorruptError
            If a file of the pack is broken.
        """
        return prepared(self.stored(recording, clip), Memory())

    def stored(self, recording: str, clip: Clip) -> dict[str, Coded]:
        """Read a clip as it is stored: pieces of the mapped files."""
        if recording not in self._by_id:
            raise UnknownNameError("recording in the pack", recording, self._by_id)
        row = self._by_id[recording]
        stretch = self._find(row, clip)
        found = {}
        for name, field in self._fields.items():
            array = self._shards[array_name(name, row.arrays[name])]
            part, first = samples_of(field, clip, stretch.start), stretch.at[name]
            codes = array[first + part.start : first + part.stop]
            if len(codes) != count_of(field, clip.stop - clip.start):
                raise DataCorruptError(
                    f"{array!r} ends before what '{self.path / INDEX}' says. Make the "
                    "pack again."
                )
            found[name] = Coded(field, codes, stretch.scale.get(name, 1.0))
        return found

    def _find(self, row: Packed, clip: Clip) -> Stretch:
        """Find the stretch that a clip is part of."""
        for stretch in row.stretches:
            if stretch.start <= clip.start < clip.stop <= stretch.stop:
                return stretch
        there = ", ".join(f"{one.start} to {one.stop}" for one in row.stretches)
        raise InvalidArgumentError(
            f"Pack '{self.path}': frames {clip.start} to {clip.stop} of '{row.id}' are "
            f"not all in it; it has {there}."
        )


def open_pack(path: str | Path) -> Pack:
    """Open a pack.

    Parameters
    ----------
    path : str or Path
        What `write_pack` was given.

    Returns
    -------
    Pack
        Its recordings; frames are read when they are asked for.

    Raises
    ------
    DataMissingError
        If there is no pack, or its writing was interrupted.
    DataCorruptError
        If it does not say properly what it holds.
    """
    pack = Pack(Path(path))
    len(pack)  # the index is read now, so that what is wrong with it is said now
    return pack


def write_pack(
    path: str | Path,
    source: RawSource,
    entries: Sequence[Entry],
    *,
    workers: int = 0,
    reopen: Callable[[], RawSource] | None = None,
    progress: Progress | None = None,
) -> Pack:
    """Prepare recordings once, and pack them.

    Stopped at any time and called again with the same arguments, it goes on after the
    last recording that was finished. A finished pack is left as it is.

    Parameters
    ----------
    path : str or Path
        The pack's folder.
    source : RawSource
        The protocol and the recordings.
    entries : sequence of Entry
        Which of them. Those that the protocol does not use, or that cannot be read, are
        named in the pack with the reason.
    workers : int
        Processes that prepare; with none it is this one. The pack is the same.
    reopen : function () -> RawSource, optional
        How another process opens the source: a function of a module, or a
        `functools.partial` of one. Needed with workers.
    progress : function (done, total), optional
        Called after each recording.

    Returns
    -------
    Pack
        The finished pack.

    Raises
    ------
    RunConflictError
        If the folder holds a pack that was asked for otherwise, or something else, or
        another process writes it.
    NotProvidedError
        If none of the recordings can be packed.

    Notes
    -----
    Only frames that some clip needs are packed.
    """
    from cardium.fit._pack_writing import write

    folder = Path(path)
    facts = facts_of(source.protocol, source.data, entries)
    if (folder / INDEX).is_file():
        pack = open_pack(folder)
        expect_same(folder, pack.facts, facts)
        return pack
    write(
        folder,
        source,
        entries,
        facts,
        workers=workers,
        reopen=reopen,
        progress=progress,
    )
    return open_pack(folder)
