"""Chunks of a Zarr store that are whole, or errors that say which is not."""

from __future__ import annotations

import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zarr.abc.store import Store
from zarr.storage import WrapperStore

from cardium.errors import CardiumError, DataCorruptError

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

_METADATA = frozenset({"zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"})
_DAMAGE = (
    ValueError,
    RuntimeError,  # RecursionError and NotImplementedError among them
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    EOFError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


class WholeChunks(WrapperStore[Store]):
    """A store in which a missing or truncated chunk is an error, not a fill value."""

    def __init__(
        self,
        store: Store,
        blosc: set[str] | None = None,
        sparse: set[str] | None = None,
    ) -> None:
        super().__init__(store)
        self.blosc: set[str] = set() if blosc is None else blosc
        self.sparse: set[str] = set() if sparse is None else sparse

    def _with_store(self, store: Store) -> WholeChunks:
        """Keep the arrays to check when Zarr wraps another view of the store."""
        return type(self)(store, self.blosc, self.sparse)

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
            if not self.sparse.isdisjoint(_parents(key)):
                return None
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
def damage_of(what: str) -> Iterator[None]:
    """Give whatever Zarr and its codecs raise over a broken file one class and name."""
    try:
        yield
    except _DAMAGE as error:
        reason = str(error) if isinstance(error, CardiumError) else repr(error)
        raise DataCorruptError(
            f"{what} cannot be read: {reason}. Restore it from its source."
        ) from error
