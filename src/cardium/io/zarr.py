"""Zarr stores: formats 2 and 3, folders and zip files, read lazily, written whole.

Zarr itself fills a chunk that is not there with a constant and says nothing, and its
Blosc codec decodes a truncated chunk to wrong numbers. Here both are errors.
"""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import zarr
from numpy.typing import DTypeLike, NDArray
from zarr.abc.store import Store
from zarr.storage import LocalStore, WrapperStore, ZipStore

from cardium.core import Array
from cardium.core.files import written_aside
from cardium.errors import CardiumError, DataCorruptError, DataMissingError

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

_METADATA = frozenset({"zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"})
_DAMAGE = (
    ValueError,
    RuntimeError,
    TypeError,
    KeyError,
    EOFError,
    FileNotFoundError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
_CHUNK_BYTES = 1 << 16
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def open_store(path: Path) -> ZarrStore:
    """Open a Zarr group for reading; no array is read.

    Parameters
    ----------
    path : Path
        A folder, or a zip file of one, of Zarr format 2 or 3.

    Returns
    -------
    ZarrStore
        Its attributes and its arrays.

    Raises
    ------
    DataMissingError
        If there is nothing at the path.
    DataCorruptError
        If what is there is not a Zarr group.

    Notes
    -----
    A chunk file that is not there is an error when it is read. The format lets a
    writer leave out chunks that hold nothing but the fill value, and such a store
    cannot be told from one that lost files; write it anew with all its chunks
    (``write_empty_chunks`` in Zarr's configuration), as `write_store` does.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.zarr"
    ...     write_store(path, {"data/ecg": np.arange(5)}, attributes={"exam": "e1"})
    ...     store = open_store(path)
    ...     store.attributes["exam"], store.open_array("data/ecg")[3:].tolist()
    ('e1', [3, 4])
    """
    if not path.exists():
        raise DataMissingError(f"Zarr store '{path}' does not exist.")
    with _damage_of(f"Zarr store '{path}'"):
        store: Store = (
            LocalStore(path, read_only=True)
            if path.is_dir()
            else ZipStore(path, mode="r")
        )
        whole = _WholeChunks(store)
        return ZarrStore(path, zarr.open_group(whole, mode="r"), whole.blosc)


class ZarrStore:
    """An opened Zarr group: attributes, and arrays that are read when sliced.

    Parameters
    ----------
    path : Path
        Where it lies, for messages.
    group : zarr.Group
        The opened group.
    blosc : set of str
        Receives the arrays whose chunks carry a Blosc header, to be checked.
    """

    def __init__(self, path: Path, group: zarr.Group, blosc: set[str]) -> None:
        self.path = path
        self.attributes: Mapping[str, Any] = dict(group.attrs)
        self._group = group
        self._blosc = blosc

    def __contains__(self, name: str) -> bool:
        with _damage_of(f"'{name}' in '{self.path}'"):
            return name in self._group

    def __repr__(self) -> str:
        return f"<Zarr store at '{self.path}'>"

    def open_array(self, name: str) -> ZarrArray:
        """Open an array by its path in the group; its values are read when sliced.

        Parameters
        ----------
        name : str
            Its path, ``"data/ecg"``.

        Returns
        -------
        ZarrArray
            Shape and type, and the values on demand.

        Raises
        ------
        DataMissingError
            If the group has no such path.
        DataCorruptError
            If what is there is no array that can be read.
        """
        where = f"Array '{name}' in '{self.path}'"
        if name not in self:
            raise DataMissingError(f"{where} does not exist. Restore the store.")
        with _damage_of(where):
            found = self._group[name]
        if not isinstance(found, zarr.Array) or not found.shape:
            raise DataCorruptError(f"{where} is a group or a single number.")
        last = [type(codec).__name__ for codec in found.compressors[-1:]]
        if found.shards is None and last and last[0].startswith("Blosc"):
            self._blosc.add(name.strip("/"))
        return ZarrArray(found, where)


class ZarrArray:
    """An array on disk that is read when sliced along its first axis.

    Parameters
    ----------
    array : zarr.Array
        The opened array.
    where : str
        What to call it in messages.
    """

    def __init__(self, array: zarr.Array[Any], where: str) -> None:
        self._array = array
        self.where = where

    def __repr__(self) -> str:
        return f"<{self.where}: {self.dtype} {self.shape}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of one stored sample."""
        return np.dtype(self._array.dtype)

    def __getitem__(self, time: slice) -> NDArray[Any]:
        """Read the chunks that hold a slice of the first axis, and no others.

        Raises
        ------
        DataCorruptError
            If a chunk is missing, truncated or cannot be decoded.
        """
        with _damage_of(self.where):
            return np.asarray(self._array[time])


class DecodedArray:
    """A lazy array whose stored codes become physical values when it is sliced.

    Parameters
    ----------
    source : array-like (T, ...)
        What is stored.
    decode : function
        From stored samples (t, ...) to values (t, ...), whatever the slice of time.
    dtype : dtype
        Type of the values.
    sample_shape : tuple of int, optional
        Shape of one decoded sample, where decoding changes it.

    Examples
    --------
    >>> codes = np.array([[0], [100]], dtype=np.uint8)
    >>> decoded = DecodedArray(codes, lambda code: code * np.float32(0.5), np.float32)
    >>> decoded.shape, decoded[1:].tolist()
    ((2, 1), [[50.0]])
    """

    def __init__(
        self,
        source: Array,
        decode: Callable[[NDArray[Any]], NDArray[Any]],
        dtype: DTypeLike,
        *,
        sample_shape: tuple[int, ...] | None = None,
    ) -> None:
        self._source = source
        self._decode = decode
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        sample = source.shape[1:] if sample_shape is None else sample_shape
        self.shape: tuple[int, ...] = (source.shape[0], *sample)

    def __getitem__(self, time: slice) -> NDArray[Any]:
        """Read and decode a slice of the first axis."""
        return self._decode(self._source[time])


def write_store(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    *,
    attributes: Mapping[str, Any] = _NOTHING,
    array_attributes: Mapping[str, Mapping[str, Any]] = _NOTHING,
    zarr_format: Literal[2, 3] = 3,
    zipped: bool = False,
) -> None:
    """Write a Zarr group whole, aside first; an older one of that name is replaced.

    Parameters
    ----------
    path : Path
        Where it is to be.
    arrays : mapping of str to array
        By path in the group: ``"data/ecg"``.
    attributes : mapping, optional
        Attributes of the group; what JSON can hold.
    array_attributes : mapping of str to mapping, optional
        Attributes of single arrays.
    zarr_format : {2, 3}
        The format's version.
    zipped : bool
        Write one zip file rather than a folder.

    Notes
    -----
    A chunk holds whole frames, as many as fit in 64 KiB but at least one, so that
    reading a frame reads no more than it must. Chunks of a constant are written too:
    a chunk that is not there is damage, see `open_store`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.zip"
    ...     write_store(path, {"data/ecg": np.zeros((3, 2), "f4")}, zipped=True)
    ...     path.is_file(), open_store(path).open_array("data/ecg").shape
    (True, (3, 2))
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_name(f".part{os.getpid()}.{path.name}.folder")
    try:
        store = LocalStore(folder)
        group = zarr.create_group(
            store, attributes=dict(attributes), zarr_format=zarr_format
        )
        for name, values in arrays.items():
            array = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                chunks=_frames_in_chunk(values),
                attributes=dict(array_attributes.get(name, {})),
                config={"write_empty_chunks": True},
            )
            array[...] = values
        if zipped:
            with written_aside(path) as aside:
                _zip_folder(folder, aside)
        else:
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(folder, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _WholeChunks(WrapperStore[Store]):
    """A store in which a missing or truncated chunk is an error, not a fill value."""

    def __init__(self, store: Store, blosc: set[str] | None = None) -> None:
        super().__init__(store)
        self.blosc: set[str] = set() if blosc is None else blosc

    def _with_store(self, store: Store) -> _WholeChunks:
        """Keep the arrays to check when Zarr wraps another view of the store."""
        return type(self)(store, self.blosc)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a file of the store; only metadata may be absent."""
        value = await self._store.get(key, prototype, byte_range)
        if key.rpartition("/")[2] in _METADATA:
            return value
        if value is None:
            raise DataCorruptError(f"chunk '{key}' is not there")
        if byte_range is None and not self.blosc.isdisjoint(_parents(key)):
            _check_blosc(key, value.to_bytes())
        return value


def _parents(key: str) -> Iterator[str]:
    """Yield the paths that a key lies under."""
    parts = key.split("/")
    return ("/".join(parts[:i]) for i in range(1, len(parts)))


def _check_blosc(key: str, chunk: bytes) -> None:
    """Hold the length that a Blosc header states against the chunk's own."""
    stated = int.from_bytes(chunk[12:16], "little")
    if len(chunk) < 16 or stated != len(chunk):
        raise DataCorruptError(
            f"chunk '{key}' has {len(chunk)} bytes, its Blosc header says {stated}"
        )


@contextmanager
def _damage_of(what: str) -> Iterator[None]:
    """Give whatever Zarr and its codecs raise over a broken file one class and name."""
    try:
        yield
    except _DAMAGE as error:
        reason = str(error) if isinstance(error, CardiumError) else repr(error)
        raise DataCorruptError(
            f"{what} cannot be read: {reason}. Restore it from its source."
        ) from error


def _frames_in_chunk(values: NDArray[Any]) -> tuple[int, ...]:
    """Choose the shape of a chunk: whole frames, about 64 KiB of them."""
    sample = tuple(max(1, n) for n in values.shape[1:])
    frame = max(1, values.dtype.itemsize * int(np.prod(sample)))
    return (max(1, min(values.shape[0], _CHUNK_BYTES // frame)), *sample)


def _zip_folder(folder: Path, path: Path) -> None:
    """Store the files of a folder in a zip file, uncompressed, sorted by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
