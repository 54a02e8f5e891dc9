"""Zarr stores: formats 2 and 3, folders and zip files, read lazily, written whole.

Zarr itself fills a chunk that is not there with a constant and says nothing, and its
Blosc codec decodes a truncated chunk to wrong numbers. Here the second is an error, and
the first is one unless the reader of the array says that it may be constant there.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import zarr
from numpy.typing import DTypeLike, NDArray
from zarr.abc.store import Store
from zarr.storage import LocalStore, ZipStore

from cardium.core import Array
from cardium.core.files import written_aside
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)
from cardium.io._zarr_chunks import WholeChunks, damage_of
from cardium.io._zarr_direct import find_chunks

_CHUNK_BYTES = 1 << 18

Compressor = Literal["zstd", "blosc", "gzip"]
"""How the chunks of a written store are packed."""

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
    writer leave out chunks that hold nothing but the fill value, and Zarr's own does;
    such a store cannot be told from one that lost files. Where a constant is likelier
    than a loss, open the array with ``sparse=True``. `write_store` leaves nothing out.

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
    with damage_of(f"Zarr store '{path}'"):
        store: Store = (
            LocalStore(path, read_only=True)
            if path.is_dir()
            else ZipStore(path, mode="r")
        )
        whole = WholeChunks(store)
        group = zarr.open_group(whole, mode="r")
        return ZarrStore(path, group, whole.blosc, whole.sparse)


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
    sparse : set of str
        Receives the arrays of which a chunk may be left out.
    """

    def __init__(
        self, path: Path, group: zarr.Group, blosc: set[str], sparse: set[str]
    ) -> None:
        self.path = path
        self.attributes: Mapping[str, Any] = dict(group.attrs)
        self._group = group
        self._blosc = blosc
        self._sparse = sparse

    def __contains__(self, name: str) -> bool:
        with damage_of(f"'{name}' in '{self.path}'"):
            return name in self._group

    def __repr__(self) -> str:
        return f"<Zarr store at '{self.path}'>"

    def open_array(self, name: str, *, sparse: bool = False) -> ZarrArray:
        """Open an array by its path in the group; its values are read when sliced.

        Parameters
        ----------
        name : str
            Its path, ``"data/ecg"``.
        sparse : bool
            Whether a chunk that is not there holds the fill value, as the format has
            it; otherwise it is an error. An array that states no fill value, or NaN,
            is not changed by this: the first is always whole, the second says itself
            where it is undefined.

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
        with damage_of(where):
            found = self._group[name]
        if not isinstance(found, zarr.Array) or not found.shape:
            raise DataCorruptError(f"{where} is a group or a single number.")
        _refuse_pickles(found, where)
        last = [type(codec).__name__ for codec in found.compressors[-1:]]
        if found.shards is None and last and last[0].startswith("Blosc"):
            self._blosc.add(name.strip("/"))
        fill = found.metadata.fill_value
        key = name.strip("/")
        if fill is not None and (sparse or bool(np.any(fill != fill))):
            self._sparse.add(key)
        else:
            self._sparse.discard(key)
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
        self._direct = find_chunks(array)
        self.where = where

    def __repr__(self) -> str:
        return f"<{self.where}: {self.dtype} {self.shape}>"

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self._array.shape)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Length of a chunk, or of a shard of chunks, along each axis."""
        return tuple(self._array.shards or self._array.chunks)

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What the file says of the array."""
        with damage_of(self.where):
            return dict(self._array.attrs)

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
        if self._direct is not None:
            values = self._direct.read(time)
            if values is not None:
                return values
        with damage_of(self.where):
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
    compressor: Compressor | None = "zstd",
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
    compressor : {"zstd", "blosc", "gzip"}, optional
        How chunks are packed; None leaves them as they are.

    Raises
    ------
    InvalidArgumentError
        If the compressor or the format is not known.

    Notes
    -----
    A chunk holds whole frames, as many as fit in 256 KiB but at least one. Opening a
    chunk costs about as much as unpacking 256 KiB, so that smaller chunks make a clip
    slow to read (four times, of one frame each), and larger ones a single frame.
    Chunks of a constant are written too: a chunk that is not there is damage, see
    `open_store`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "one.zip"
    ...     write_store(path, {"data/ecg": np.zeros((3, 2), "f4")}, zipped=True)
    ...     path.is_file(), open_store(path).open_array("data/ecg").shape
    (True, (3, 2))
    """
    codec = _codec(compressor, zarr_format)
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
                compressors=codec,
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


def _refuse_pickles(array: zarr.Array[Any], where: str) -> None:
    """Refuse an array whose chunks would run code when they are read."""
    codecs = (*array.filters, *array.compressors)
    if any(getattr(codec, "codec_id", "") == "pickle" for codec in codecs):
        raise DataCorruptError(f"{where} holds pickled objects, which are not read.")


def _codec(compressor: str | None, zarr_format: int) -> Any:  # noqa: ANN401 - zarr's
    """Make the codec of a compressor in a version of the format."""
    import numcodecs  # type: ignore[import-untyped]
    from zarr import codecs

    if zarr_format not in (2, 3):
        raise InvalidArgumentError(f"Zarr has formats 2 and 3, got {zarr_format!r}.")
    known: Mapping[str | None, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "zstd": (numcodecs.Zstd, codecs.ZstdCodec),
        "blosc": (numcodecs.Blosc, codecs.BloscCodec),
        "gzip": (numcodecs.GZip, codecs.GzipCodec),
        None: (lambda: None, lambda: None),
    }
    if compressor not in known:
        raise InvalidArgumentError(
            f"No compressor {compressor!r}; there are: "
            f"{', '.join(get_args(Compressor))} and None."
        )
    return known[compressor][zarr_format - 2]()


def _frames_in_chunk(values: NDArray[Any]) -> tuple[int, ...]:
    """Choose the shape of a chunk: whole frames, about 256 KiB of them."""
    sample = tuple(max(1, n) for n in values.shape[1:])
    frame = max(1, values.dtype.itemsize * int(np.prod(sample)))
    return (max(1, min(values.shape[0], _CHUNK_BYTES // frame)), *sample)


def _zip_folder(folder: Path, path: Path) -> None:
    """Store the files of a folder in a zip file, uncompressed, sorted by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
