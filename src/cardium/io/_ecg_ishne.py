"""ISHNE Holter files: a header of 522 bytes, then 16-bit samples, lead by lead.

Badilini, The ISHNE Holter Standard Output File Format, Annals of Noninvasive
Electrocardiology 3:263-266, 1998. Read here and not through ecgdatakit 2.0.3, which
loads a day's recording into memory for a slice of a second, and takes a truncated file
for a whole one.
"""

from __future__ import annotations

import binascii
import struct
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.io._ecg_parts import (
    Content,
    Options,
    Wave,
    age_between,
    as_float32,
    corrupt,
    day_of,
    even_times,
    unique,
)
from cardium.signal.leads import LEADS

_HEADER = 522
_CHECKED_FROM = 10
_NANO = 1e-6  # nV in mV
_FAULT = -32768
_NAMES = dict(
    enumerate(("X", "Y", "Z", *LEADS, "ES", "AS", "AI"), start=2),
)


class Samples:
    """Interleaved 16-bit samples on disk, read when sliced by time, in mV."""

    dtype = np.dtype(np.float32)

    def __init__(
        self, path: Path, offset: int, shape: tuple[int, int], steps: FloatArray
    ) -> None:
        self._path, self._offset, self.shape, self._steps = path, offset, shape, steps

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time; where a lead was off, they are NaN."""
        digital = np.memmap(
            self._path, "<i2", mode="r", offset=self._offset, shape=self.shape
        )[time]
        values = as_float32(digital * self._steps)
        values[digital == _FAULT] = np.nan
        return values


def read(path: Path, options: Options) -> Content:
    """Read the header; samples are read when sliced."""
    with path.open("rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:8] != b"ISHNE1.0":
            raise corrupt(path, f"has no ISHNE header of {_HEADER} bytes")
        checksum, more, stated = struct.unpack_from("<Hii", header, 8)
        size = path.stat().st_size
        if not 0 <= more <= size - _HEADER:
            raise corrupt(path, f"states {more} bytes of text, has {size} in all")
        if options.check and checksum:
            _check_sum(checksum, header[_CHECKED_FROM:] + file.read(more), path)
    count, rate = _short(header, 156), _short(header, 272)
    if not 1 <= count <= 12:
        raise corrupt(path, f"states {count} leads; the format has 1 to 12")
    if rate <= 0:
        raise corrupt(path, f"states a rate of {rate} Hz")
    data = size - _HEADER - more
    length = data // (2 * count)
    whole = stated in (length, length * count) and data == 2 * count * length
    if not length or (options.check and not whole):
        raise corrupt(
            path,
            f"promises {stated} samples a lead and has {data} bytes for {count} leads, "
            f"which are {data / 2 / count:g}",
        )
    steps = _steps(header, count, path)
    samples = Samples(path, _HEADER + more, (length, count), steps)
    return Content(
        Wave(_leads(header, count), samples, even_times(length, float(rate))),
        patient=header[108:128].split(b"\0")[0].decode("latin-1").strip(),
        age=age_between(_day(header, 132), _day(header, 138)),
        sex={1: "male", 2: "female"}.get(_short(header, 128)),
    )


def _short(header: bytes, at: int) -> int:
    """Read a 16-bit number."""
    return int(struct.unpack_from("<h", header, at)[0])


def _check_sum(stated: int, checked: bytes, path: Path) -> None:
    """Hold the checksum against the header; the paper leaves its byte order open."""
    found = binascii.crc_hqx(checked, 0xFFFF)
    if stated not in (found, (found & 0xFF) << 8 | found >> 8):
        raise corrupt(path, f"states the checksum {stated:#06x}, has {found:#06x}")


def _steps(header: bytes, count: int, path: Path) -> FloatArray:
    """Return the step of each lead in mV."""
    steps = [_short(header, 206 + 2 * n) for n in range(count)]
    for number, step in enumerate(steps, start=1):
        if step <= 0:
            raise corrupt(path, f"states a resolution of {step} nV for lead {number}")
    return np.array(steps) * _NANO


def _leads(header: bytes, count: int) -> tuple[str, ...]:
    """Name the leads by their codes, or by their numbers."""
    codes = (_short(header, 158 + 2 * n) for n in range(count))
    return unique(_NAMES.get(c, f"lead {n}") for n, c in enumerate(codes, start=1))


def _day(header: bytes, at: int) -> date | None:
    """Read a date: day, month, year."""
    day, month, year = struct.unpack_from("<3h", header, at)
    return day_of(year, month, day)
