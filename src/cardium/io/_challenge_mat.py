"""The one kind of MATLAB file that challenge records have: version 4, one int16 array.

Such a file is a header of five whole numbers, a name and the samples, column by column:
with leads in rows, sample by sample. Nothing in it is an object.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core.files import written_aside
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

_FIXED = 20  # bytes before the name
_LONGEST = 64
_INT16 = 30
_BIG_ENDIAN = 1000


class Matrix(NamedTuple):
    """Where the samples of a file lie, and how many there are."""

    path: Path
    offset: int
    leads: int
    samples: int
    dtype: str
    size: int

    @property
    def promised(self) -> int:
        """The bytes that the file must have at least."""
        return self.offset + 2 * self.leads * self.samples

    def map(self) -> NDArray[np.int16]:
        """Map the samples, (T, L)."""
        shape = (self.samples, self.leads)
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, shape)
        except (OSError, ValueError) as error:
            raise DataCorruptError(
                f"'{self.path}' changed while it was read ({error}). Get it again."
            ) from error


def open_matrix(path: Path) -> Matrix:
    """Read the header of a file, and hold its size against it."""
    try:
        with path.open("rb") as file:
            start = file.read(_FIXED + _LONGEST)
        size = path.stat().st_size
    except (FileNotFoundError, IsADirectoryError) as error:
        raise DataMissingError(
            f"'{path}' does not exist. Get the record again."
        ) from error
    if start.startswith((b"MATLAB 5.0", b"MATLAB 7.3")):
        raise NotProvidedError(
            f"'{path}' is a MATLAB file of version {start[7:10].decode()}; records of "
            "the challenges are of version 4. Read it as WFDB, or save it with '-v4'."
        )
    if len(start) < _FIXED:
        raise DataCorruptError(
            f"'{path}' has {size} bytes, its own header alone has {_FIXED}. "
            "Get the record again."
        )
    order = "<" if struct.unpack("<i", start[:4])[0] in range(_BIG_ENDIAN) else ">"
    kind, leads, samples, imaginary, length = struct.unpack(f"{order}5i", start[:20])
    wanted = _INT16 if order == "<" else _BIG_ENDIAN + _INT16
    if kind != wanted or imaginary or not 0 <= length <= _LONGEST:
        raise DataCorruptError(
            f"'{path}' is not a MATLAB 4 array of int16: its type is {kind}, expected "
            f"{_INT16}, and {length} bytes of a name. Get the record again."
        )
    if leads < 1 or samples < 1:
        raise DataCorruptError(
            f"'{path}' says it has {leads} leads of {samples} samples. "
            "Get the record again."
        )
    found = Matrix(path, _FIXED + length, leads, samples, f"{order}i2", size)
    if size < found.promised:
        raise DataCorruptError(
            f"'{path}' has {size} bytes, {leads} leads of {samples} samples need "
            f"{found.promised}. Delete it and get it again."
        )
    return found


def write_matrix(path: Path, digital: NDArray[np.int16]) -> None:
    """Write samples, (T, L), as the variable ``val``, leads in rows."""
    samples, leads = digital.shape
    start = struct.pack("<5i", _INT16, leads, samples, 0, 4) + b"val\0"
    with written_aside(path) as aside:
        aside.write_bytes(start + digital.astype("<i2").tobytes())
