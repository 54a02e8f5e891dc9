"""Large tables in CSV, one line read at a time: where each line lies in its file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.errors import DataCorruptError

_BLOCK = 1 << 24


class Lines(NamedTuple):
    """The lines of a file: where each begins, and where the last one ends."""

    path: Path
    starts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def read(self, first: int, count: int = 1) -> list[list[str]]:
        """Read the fields of some lines."""
        start, stop = int(self.starts[first]), int(self.starts[first + count])
        with self.path.open("rb") as file:
            file.seek(start)
            text = file.read(stop - start).decode("utf-8", errors="replace")
        return [line.split(",") for line in text.splitlines()]

    def fields(self, column: int) -> list[str]:
        """Read one field of every line; -1 is the last."""
        with self.path.open("rb") as file:
            if column < 0:
                found = [line[line.rfind(b",") + 1 :] for line in file]
            else:
                found = [line.split(b",", column + 1)[column] for line in file]
        return [field.strip().decode("utf-8", errors="replace") for field in found]


def find_lines(path: Path, *, columns: int) -> Lines:
    """Find the lines of a table; the file is read once, as long as it stays as it is.

    That the first and the last line have that many fields is checked: a file that was
    cut short ends within a line.
    """
    status = path.stat()
    found = _scan(path, status.st_mtime_ns, status.st_size)
    for number in {0, len(found) - 1} if len(found) else ():
        if (count := len(found.read(number)[0])) != columns:
            raise DataCorruptError(
                f"'{path}', line {number + 1} has {count} values, expected {columns}. "
                "The file may be cut short: get it again."
            )
    if not len(found):
        raise DataCorruptError(f"'{path}' is empty. Get the file again.")
    return found


@lru_cache(maxsize=16)
def _scan(path: Path, _modified: int, size: int) -> Lines:
    """Find where each line begins."""
    starts = [np.zeros(1, np.int64)]
    with path.open("rb") as file:
        at = 0
        while block := file.read(_BLOCK):
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
            starts.append(ends + (at + 1))
            at += len(block)
    found = np.concatenate(starts)
    if found[-1] != size:  # no line end after the last line
        found = np.append(found, size)
    return Lines(path, found)
