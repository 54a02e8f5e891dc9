"""Arrays that grow by frames: Zarr format 3 in shards, written once, read mapped.

Each array is a Zarr array with the sharding codec and without compression. Frames lie
one after the other in a shard, so that a run of them is a piece of a file that the
system maps into memory: no chunk is copied, decoded or looked up. Any reader of Zarr
opens the same files::

    pack/zarr.json            a group
    pack/input/zarr.json      an array (T, rows, columns)
    pack/input/c/0/0/0        its first shard: frames, then the index of the chunks
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cardium.core.files import read_json, write_json
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)
from cardium.io._shard_files import (
    ABSENT,
    SHARD_BYTES,
    Layout,
    checksum,
    describe,
    layout_of,
    read_shard,
)

_MAPPED = 128
_METADATA = "zarr.json"
_PART = ".part."


class ShardWriter:
    """Append frames to an array; what is in it is fixed when it is closed.

    Parameters
    ----------
    folder : Path
        The array's folder, named as the array.
    frame : tuple of int
        Shape of one frame.
    dtype : dtype
        ``bool``, ``uint8``, ``uint16``, ``int16`` or ``float32``.
    length : int
        Frames that are kept of what an interrupted writer left.
    shard_bytes : int
        How large a shard becomes, about.

    Raises
    ------
    DataCorruptError
        If there is less than `length`.

    Notes
    -----
    A shard is written under a name that begins with ``.part`` and takes its own when
    it is full. Without ``zarr.json``, which comes last, the folder is no array.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     writer = ShardWriter(Path(folder) / "grey", (2, 2), np.uint8)
    ...     writer.append(np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
    ...     writer.close()
    ...     write_group(Path(folder))
    ...     open_shards(Path(folder))["grey"][1:2].tolist()
    [[[4, 5], [6, 7]]]
    """

    def __init__(
        self,
        folder: Path,
        frame: tuple[int, ...],
        dtype: DTypeLike,
        *,
        length: int = 0,
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self.folder = folder
        self.layout = Layout.of(frame, dtype, shard_bytes=shard_bytes)
        self.length = length
        (folder / _METADATA).unlink(missing_ok=True)
        self._cut()

    def append(self, frames: NDArray[Any]) -> None:
        """Write frames (n, ...) behind those there are.

        Raises
        ------
        InvalidArgumentError
            If they are of another shape or type.
        """
        layout = self.layout
        if frames.shape[1:] != layout.frame or frames.dtype != layout.dtype:
            raise InvalidArgumentError(
                f"Array '{self.folder}' takes frames of {layout.frame} {layout.dtype}, "
                f"got {frames.shape[1:]} {frames.dtype}."
            )
        stored = np.ascontiguousarray(frames, layout.dtype.newbyteorder("<"))
        while len(stored):
            shard, held = divmod(self.length, layout.frames)
            now, stored = np.split(stored, [layout.frames - held])
            part = self._part(shard)
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("ab") as file:
                file.write(now.data)
            self.length += len(now)
            if not self.length % layout.frames:
                self._seal(shard, layout.frames)

    def close(self) -> None:
        """Finish the last shard, and say what the array is."""
        shard, held = divmod(self.length, self.layout.frames)
        if held:
            self._seal(shard, held)
        write_json(self.folder / _METADATA, describe(self.layout, self.length))

    def _part(self, shard: int) -> Path:
        """Say where a shard is written while it is not full."""
        path = self.layout.file(self.folder, shard)
        return path.with_name(f"{_PART}{path.name}")

    def _seal(self, shard: int, frames: int) -> None:
        """Add the index to a shard, and give it its name."""
        layout, part = self.layout, self._part(shard)
        used, size = -(-frames // layout.chunk), layout.chunk * layout.frame_bytes
        index = np.full((layout.chunks, 2), ABSENT, "<u8")
        index[:used, 0] = np.arange(used) * size
        index[:used, 1] = size
        packed = index.tobytes()
        with part.open("ab") as file:
            file.write(bytes(used * size - file.tell()))
            file.write(packed + checksum(packed))
        os.replace(part, layout.file(self.folder, shard))

    def _cut(self) -> None:
        """Keep the first frames of what is there and remove the rest."""
        shard, held = divmod(self.length, self.layout.frames)
        for number in range(shard):
            if not self.layout.file(self.folder, number).is_file():
                raise self._lost(number)
        names = [path.name.removeprefix(_PART) for path in self.folder.glob("c/*")]
        numbers = [int(name) for name in names]
        for number in range(shard, max(numbers, default=-1) + 1):
            path, part = self.layout.file(self.folder, number), self._part(number)
            if number == shard and held:
                if path.is_file():
                    os.replace(path, part)
                continue
            path.unlink(missing_ok=True)
            part.unlink(missing_ok=True)
        if held:
            part, kept = self._part(shard), held * self.layout.frame_bytes
            if not part.is_file() or part.stat().st_size < kept:
                raise self._lost(shard)
            os.truncate(part, kept)

    def _lost(self, shard: int) -> DataCorruptError:
        """Say that less is there than was written."""
        return DataCorruptError(
            f"Array '{self.folder}' is to go on after frame {self.length}, but shard "
            f"{shard} does not hold what was written. Delete the folder and begin anew."
        )


def write_group(folder: Path, attributes: Mapping[str, Any] | None = None) -> None:
    """Say that the arrays in a folder are a Zarr group.

    Parameters
    ----------
    folder : Path
        The folder; an array of it is a folder in it.
    attributes : mapping, optional
        What JSON can hold.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import zarr
    >>> with TemporaryDirectory() as folder:
    ...     write_group(Path(folder), {"made": "here"})
    ...     dict(zarr.open_group(folder, mode="r").attrs)
    {'made': 'here'}
    """
    about = {"zarr_format": 3, "node_type": "group"}
    write_json(folder / _METADATA, {**about, "attributes": dict(attributes or {})})


def open_shards(folder: Path) -> ShardGroup:
    """Open a group of sharded arrays for reading; nothing is read yet.

    Parameters
    ----------
    folder : Path
        What `write_group` was called for.

    Returns
    -------
    ShardGroup
        Its arrays by name.

    Raises
    ------
    DataMissingError
        If there is no such group.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     writer = ShardWriter(Path(folder) / "times", (), np.float32)
    ...     writer.append(np.arange(4, dtype=np.float32))
    ...     writer.close()
    ...     write_group(Path(folder))
    ...     open_shards(Path(folder))["times"][2:].tolist()
    [2.0, 3.0]
    """
    if not (folder / _METADATA).is_file():
        raise DataMissingError(f"'{folder}' is no Zarr group: it has no {_METADATA}.")
    return ShardGroup(folder)


class ShardGroup:
    """Sharded arrays of a folder by name; another process opens them anew.

    Parameters
    ----------
    folder : Path
        Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[str, ShardedArray] = {}
        self._mapped: OrderedDict[Path, NDArray[Any]] = OrderedDict()

    def __repr__(self) -> str:
        return f"<Sharded arrays at '{self.folder}'>"

    def __reduce__(self) -> tuple[type[ShardGroup], tuple[Path]]:
        return ShardGroup, (self.folder,)

    def __getitem__(self, name: str) -> ShardedArray:
        """Open an array.

        Raises
        ------
        DataMissingError
            If the group has none of that name.
        DataCorruptError
            If it is stored otherwise than `ShardWriter` does.
        """
        if name not in self._arrays:
            self._arrays[name] = ShardedArray(self, self.folder / name)
        return self._arrays[name]

    def map(self, path: Path, layout: Layout, used: int) -> NDArray[Any]:
        """Map the frames of a shard, in order; the last ones used stay mapped."""
        if path in self._mapped:
            self._mapped.move_to_end(path)
            return self._mapped[path]
        frames = read_shard(path, layout, used)
        self._mapped[path] = frames
        # Each mapping holds a file open, of which a process may have about 1000.
        if len(self._mapped) > _MAPPED:
            self._mapped.popitem(last=False)
        return frames


class ShardedArray:
    """An array in shards, sliced along its first axis.

    Parameters
    ----------
    group : ShardGroup
        What holds its files open.
    folder : Path
        Where it lies.
    """

    def __init__(self, group: ShardGroup, folder: Path) -> None:
        self._group = group
        self.folder = folder
        if not (folder / _METADATA).is_file():
            raise DataMissingError(
                f"Array '{folder}' does not exist. Was its writing interrupted?"
            )
        about = read_json(folder / _METADATA)
        try:
            self._layout, length = layout_of(about)
        except (KeyError, TypeError, ValueError, LookupError) as error:
            raise DataCorruptError(
                f"Array '{folder}' is not stored as cardium stores shards: {error!r}."
            ) from error
        self.shape: tuple[int, ...] = (length, *self._layout.frame)
        self.dtype = self._layout.dtype
        self._files: dict[int, Path] = {}

    def __repr__(self) -> str:
        return f"<Sharded array '{self.folder}': {self.dtype} {self.shape}>"

    def __getitem__(self, time: slice) -> NDArray[Any]:
        """Return a run of frames, (n, ...); not to be written to.

        Raises
        ------
        DataMissingError
            If a shard is not there.
        DataCorruptError
            If one is not whole.
        InvalidArgumentError
            If the frames do not follow one another.
        """
        start, stop, step = time.indices(self.shape[0])
        if step != 1:
            raise InvalidArgumentError(f"Frames are read one by one, not by {step}.")
        per, pieces = self._layout.frames, []
        while start < stop:
            shard, first = divmod(start, per)
            last = min(first + stop - start, per)
            pieces.append(self._shard(shard)[first:last])
            start += last - first
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([np.empty((0, *self.shape[1:]), self.dtype), *pieces])

    def _shard(self, shard: int) -> NDArray[Any]:
        """Return the frames of a shard."""
        layout = self._layout
        used = min(layout.frames, self.shape[0] - shard * layout.frames)
        if shard not in self._files:
            self._files[shard] = layout.file(self.folder, shard)
        return self._group.map(self._files[shard], layout, used)
