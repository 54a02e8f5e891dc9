"""Groups and arrays of an HDF5 file that may come from anywhere.

HDF5 follows links to other files and fills what is missing with zeros; here both are
errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cardium.errors import CardiumError, DataCorruptError

if TYPE_CHECKING:
    import h5py

_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    MemoryError,
)
_MOST_TEXTS = 1 << 20
_PLAIN = "biufcS"  # what lies in the file as it is; the rest lies in heaps


class Node:
    """A group of a file: its attributes, and its members without following links.

    Parameters
    ----------
    path : Path
        The file, for messages.
    group : h5py.Group
        The group.
    """

    def __init__(self, path: Path, group: h5py.Group) -> None:
        self.path = path
        self.name: str = group.name
        self._group = group
        self.attrs: dict[str, Any] = {
            name: self._attribute(name) for name in group.attrs
        }

    def names(self, part: str = "") -> list[str]:
        """Name the members of a group, in the order of their names; none if absent."""
        if part and part not in self._group:
            return []
        group = self._find(part) if part else self._group
        return list(group) if hasattr(group, "keys") else []

    def child(self, part: str) -> Node:
        """Return a group by its path in this one."""
        found = self._find(part)
        if not hasattr(found, "keys"):
            raise self._corrupt(part, "is no group")
        return Node(self.path, found)

    def dataset(self, part: str) -> h5py.Dataset:
        """Return an array by its path, all of whose chunks are there."""
        found = self._find(part)
        if not hasattr(found, "dtype") or found.shape is None:
            raise self._corrupt(part, "is no array")
        if found.dtype.kind not in _PLAIN:
            raise self._corrupt(part, f"is of type {found.dtype}")
        if found.external or found.is_virtual:
            raise self._corrupt(part, "keeps its numbers in other files")
        if found.size and not _is_whole(found):
            raise self._corrupt(part, "has lost chunks")
        return found

    def array(self, part: str) -> NDArray[Any]:
        """Read an array of numbers."""
        return np.asarray(self.dataset(part)[...])

    def labels(self, part: str) -> tuple[str, ...]:
        """Read an array of names."""
        return tuple(np.atleast_1d(_decoded(self.array(part))).tolist())

    def text(self, name: str) -> str:
        """Return an attribute that is a text."""
        value = self.attrs.get(name)
        if not isinstance(value, str):
            raise self._corrupt(name, f"is {value!r}, expected a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return an attribute that is a list of texts."""
        if name not in self.attrs:
            raise self._corrupt(name, "is not there")
        return tuple(map(str, np.atleast_1d(self.attrs[name])))

    def number(self, name: str) -> float | None:
        """Return an attribute that is a number; None if it is absent."""
        value = self.attrs.get(name)
        return None if value is None else float(value)

    def _attribute(self, name: str) -> Any:  # noqa: ANN401 - a number or texts
        """Read a number or texts of fixed width, unless there are absurdly many."""
        stored = self._group.attrs.get_id(name)
        if stored.dtype.kind not in _PLAIN or math.prod(stored.shape) > _MOST_TEXTS:
            raise self._corrupt(name, f"is {stored.dtype} of shape {stored.shape}")
        value = self._group.attrs[name]
        return _decoded(value) if stored.dtype.kind == "S" else value

    def _find(self, part: str) -> Any:  # noqa: ANN401 - a group or an array
        """Follow a path, hard links only."""
        import h5py

        found: Any = self._group
        for name in part.split("/"):
            link = found.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise self._corrupt(part, "is not there, or is a link elsewhere")
            found = found[name]
        return found

    def _corrupt(self, part: str, problem: str) -> DataCorruptError:
        """Say what is wrong with a member."""
        where = f"{self.name.rstrip('/')}/{part}"
        return DataCorruptError(
            f"'{where}' in '{self.path}' {problem}. Get the file again."
        )


class StoredArray:
    """An array of a file that is read when sliced; the file is closed in between.

    Parameters
    ----------
    node : Node
        The group that has it.
    name : str
        Its name there.
    """

    def __init__(self, node: Node, name: str) -> None:
        found = node.dataset(name)
        self._path, self._name = node.path, str(found.name)
        self.shape: tuple[int, ...] = tuple(found.shape)
        self.dtype: np.dtype[Any] = np.dtype(found.dtype)

    def __getitem__(self, time: slice, /) -> NDArray[Any]:
        """Read a slice of the first axis.

        Raises
        ------
        DataCorruptError
            If the file is gone, or a chunk cannot be decoded.
        """
        import h5py

        start, stop, step = time.indices(self.shape[0])
        with damage_of(self._path), h5py.File(self._path, "r") as file:
            if step > 0:
                return np.asarray(file[self._name][start:stop:step])
            return np.asarray(file[self._name][...])[time]


@contextmanager
def damage_of(path: Path) -> Iterator[None]:
    """Give whatever h5py raises over a broken file one class and name."""
    try:
        yield
    except CardiumError:
        raise
    except _DAMAGE as error:
        raise DataCorruptError(
            f"'{path}' cannot be read as HDF5 ({error}). Get it again."
        ) from error


def _is_whole(found: h5py.Dataset) -> bool:
    """Tell whether everything that an array promises is in the file."""
    if found.chunks is None:
        needed = found.id.get_type().get_size() * math.prod(found.shape)
        return bool(found.id.get_storage_size() >= needed)
    counts = (-(-n // c) for n, c in zip(found.shape, found.chunks, strict=True))
    return bool(found.id.get_num_chunks() == math.prod(counts))


def _decoded(value: object) -> Any:  # noqa: ANN401 - a text or an array of texts
    """Decode UTF-8."""
    texts = np.char.decode(np.asarray(value), "utf-8")
    return texts if texts.ndim else texts.item()
