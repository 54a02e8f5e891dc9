"""The samples of a WFDB record, by a memory map where they lie plainly."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cardium.core import need
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError
from cardium.io._wfdb_header import Header, Line, parse_header

Factors = NDArray[np.float64] | None
Samples = NDArray[np.float32]

_NO_SAMPLE = {"16": -32768, "212": -2048}  # what stands where the signal is missing
_CODES = 4096  # values of format 212
# bytes a sample; FLAC is compressed, its files have no size that could be promised
_BYTES = {
    **{"8": Fraction(1), "80": Fraction(1), "16": Fraction(2), "61": Fraction(2)},
    **{"160": Fraction(2), "24": Fraction(3), "32": Fraction(4), "212": Fraction(3, 2)},
    **{"310": Fraction(4, 3), "311": Fraction(4, 3)},
}
_FLAC = ("508", "516", "524")
_PADDED = {"212": 3, "310": 4, "311": 4}  # bytes in which samples come together
_STEP = 1 << 20  # samples of a checksum at a time


class Reader(Protocol):
    """Where the samples of a record come from."""

    def physical(self, start: int, stop: int, factors: Factors) -> Samples:
        """Read (t, L) in physical units, times a factor a signal."""

    def check(self) -> None:
        """Hold the samples against the header's checksums."""


def open_reader(header: Header) -> Reader:
    """Choose how a record of one segment is read, once its header makes sense."""
    lines = header.lines
    if not lines or not header.length:
        raise NotProvidedError(
            f"'{header.path}' is not one array of samples: it has {len(lines)} signals "
            f"of {header.length or 'unstated'} samples."
        )
    frames = [line.frame for line in lines]
    if set(frames) != {1}:
        raise NotProvidedError(
            f"'{header.path}' has signals of several rates: {frames} samples a frame. "
            "cardium reads records of one rate."
        )
    for line in lines:
        if line.gain is None:
            raise DataCorruptError(
                f"'{header.path}': signal '{line.name}' has a gain of 0 or none, so "
                "its amplitude is not known; expected more than 0. Get the file again "
                "or write the gain into it."
            )
        if line.fmt not in _BYTES and line.fmt not in _FLAC:
            raise DataCorruptError(
                f"'{header.path}': signal '{line.name}' has format {line.fmt}; there "
                f"are {', '.join([*_BYTES, *_FLAC])}. Get the file again."
            )
    return _Mapped(header) if _is_plain(lines) else _Library(header)


def _is_plain(lines: tuple[Line, ...]) -> bool:
    """Whether all samples lie in one file of one format, frame by frame."""
    first = lines[0]
    same = {(line.file, line.fmt, line.offset) for line in lines}
    return first.fmt in _NO_SAMPLE and len(same) == 1 and not any(x.skew for x in lines)


class _Mapped:
    """Samples in format 16 or 212, from a memory map."""

    def __init__(self, header: Header) -> None:
        self._header = header
        self._path = header.path.with_name(header.lines[0].file)
        self._shape = header.length, len(header.lines)
        self._gain = np.array([line.gain for line in header.lines])
        self._zero = np.array([line.baseline for line in header.lines])
        self._tables: dict[tuple[float, ...] | None, Samples] = {}

    def physical(self, start: int, stop: int, factors: Factors) -> Samples:
        """Read; the arithmetic is that of ``wfdb.rdrecord``."""
        codes = self._codes(start, stop)
        if self._header.lines[0].fmt == "16":
            return self._scale(codes, factors).astype(np.float32)
        table = self._table(factors)
        found = np.empty(codes.shape, np.float32)
        for k in range(self._shape[1]):
            # No code is out of range; "clip" is only the fastest way to say so.
            found[:, k] = np.take(table[k], codes[:, k], mode="clip")
        return found

    def _table(self, factors: Factors) -> Samples:
        """Compute the few values that format 212 can hold, (L, 4096), once."""
        key = None if factors is None else tuple(factors.tolist())
        if key not in self._tables:
            every = np.arange(_CODES)
            digital = np.where(every > 2047, every - _CODES, every)[:, None]
            values = self._scale(digital, factors).astype(np.float32)
            self._tables[key] = np.ascontiguousarray(values.T)
        return self._tables[key]

    def check(self) -> None:
        """Sum up the samples of each signal, 16 bits wide."""
        total = np.zeros(self._shape[1], np.int64)
        for start in range(0, self._shape[0], _STEP):
            codes = self._codes(start, min(start + _STEP, self._shape[0]))
            digital = codes.astype(np.int64)
            if self._header.lines[0].fmt == "212":
                digital -= _CODES * (digital > 2047)
            total += digital.sum(0)
        _hold(self._header, total)

    def _scale(
        self, digital: NDArray[np.integer], factors: Factors
    ) -> NDArray[np.float64]:
        """Turn stored numbers into physical units; what marks no sample is NaN."""
        values = (digital - self._zero) / self._gain
        if factors is not None:
            values *= factors
        missing = digital == _NO_SAMPLE[self._header.lines[0].fmt]
        values[np.broadcast_to(missing, values.shape)] = np.nan
        return np.asarray(values, np.float64)

    def _codes(self, start: int, stop: int) -> NDArray[np.integer]:
        """Read (t, L) as stored: int16, or the 12 bits of format 212 unsigned."""
        check_sizes(self._header)
        offset, (length, count) = self._header.lines[0].offset, self._shape
        if self._header.lines[0].fmt == "16":
            whole = np.memmap(self._path, "<i2", "r", offset, (length, count))
            return whole[start:stop]
        first, last = start * count, stop * count
        skipped = first % 2  # two samples come in three bytes
        begin, end = (first - skipped) // 2 * 3, math.ceil(last * 3 / 2)
        raw = np.memmap(self._path, np.uint8, "r", offset + begin, (end - begin,))
        flat = _unpack_212(raw)
        return flat[skipped : skipped + last - first].reshape(-1, count)


def _unpack_212(raw: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Turn bytes into the 12-bit numbers in them, unsigned."""
    if lacking := -len(raw) % 3:
        raw = np.append(raw, np.zeros(lacking, np.uint8))
    three = raw.reshape(-1, 3)
    four = np.empty((len(three), 4), np.uint8)  # two little-endian numbers
    four[:, 0], four[:, 2] = three[:, 0], three[:, 2]
    np.bitwise_and(three[:, 1], 0x0F, out=four[:, 1])
    np.right_shift(three[:, 1], 4, out=four[:, 3])
    return four.view("<u2").ravel()


class _Library:
    """Samples in any other format or in several files, from the wfdb library."""

    def __init__(self, header: Header) -> None:
        self._header = header

    def physical(self, start: int, stop: int, factors: Factors) -> Samples:
        """Read in physical units."""
        values = self._read(start, stop, physical=True)
        return (values if factors is None else values * factors).astype(np.float32)

    def check(self) -> None:
        """Sum up the samples of each signal, 16 bits wide."""
        digital = self._read(0, self._header.length, physical=False)
        _hold(self._header, digital.astype(np.int64).sum(0))

    def _read(self, start: int, stop: int, *, physical: bool) -> NDArray[np.float64]:
        """Read through the library, whose errors on broken files are of many kinds."""
        need("wfdb", extra="ecg")
        import wfdb

        header = self._header
        check_sizes(header)
        stem = str(header.path.with_suffix(""))
        try:
            record = wfdb.rdrecord(stem, sampfrom=start, sampto=stop, physical=physical)
        except FileNotFoundError as error:
            raise DataMissingError(
                f"'{error.filename}', which '{header.path}' names, is not there. "
                "Get the record again."
            ) from error
        except (
            *(ValueError, LookupError, OSError, TypeError, AttributeError),
            *(ArithmeticError, RuntimeError, MemoryError),
        ) as error:
            raise DataCorruptError(
                f"The samples of '{header.path}' cannot be read as its header says, "
                f"{header.length} of {header.count} signals ({error}). "
                "Get the record again."
            ) from error
        values: NDArray[np.float64] = record.p_signal if physical else record.d_signal
        if values.shape != (stop - start, header.count):
            raise DataCorruptError(
                f"The samples {start} to {stop} of '{header.path}' have shape "
                f"{values.shape}, its header says {header.count} signals. "
                "Get the record again."
            )
        return values


class Segments:
    """The samples of a record that is made of records, one after the other.

    Parts that are not there, and signals that a part lacks, are NaN.
    """

    def __init__(self, header: Header, model: Header) -> None:
        self._header, self._model = header, model
        ends = np.cumsum([length for _, length in header.segments])
        self._starts = [0, *ends[:-1].tolist()]

    def physical(self, start: int, stop: int, factors: Factors) -> Samples:
        """Read; only the segments that the slice meets are opened."""
        found = np.full((stop - start, len(self._model.lines)), np.nan, np.float32)
        for (name, length), at in zip(self._header.segments, self._starts, strict=True):
            first, last = max(start, at), min(stop, at + length)
            if first >= last or name == "~":
                continue
            part = self._open(name, length)
            columns = [self._column(part, line, k) for k, line in enumerate(part.lines)]
            scale = None if factors is None else factors[columns]
            values = open_reader(part).physical(first - at, last - at, scale)
            found[first - start : last - start, columns] = values
        return found

    def check(self) -> None:
        """Hold the samples of each segment against its own header."""
        for name, length in self._header.segments:
            if name != "~" and length:
                open_reader(self._open(name, length)).check()

    def _open(self, name: str, length: int) -> Header:
        """Read the header of a segment and hold it against the record's."""
        part = parse_header(self._header.path.with_name(f"{name}.hea"))
        if part.segments:
            raise DataCorruptError(
                f"'{part.path}' is a segment of '{self._header.path}' and has segments "
                "itself. Get the record again."
            )
        if (part.length, part.rate) != (length, self._header.rate):
            raise DataCorruptError(
                f"'{part.path}' has {part.length} samples at {part.rate:g} Hz; "
                f"'{self._header.path}' says {length} at {self._header.rate:g} Hz. "
                "Get the record again."
            )
        return part

    def _column(self, part: Header, line: Line, place: int) -> int:
        """Say which signal of the record a signal of a segment is."""
        names = [(known.name, known.units) for known in self._model.lines]
        fixed = self._header.segments[0][1] > 0
        if fixed and len(part.lines) != len(names):
            raise DataCorruptError(
                f"'{part.path}' has {len(part.lines)} signals, its record "
                f"'{self._header.path}' has {len(names)}. Get the record again."
            )
        wanted = line.name, line.units
        if fixed and names[place] == wanted:
            return place
        if wanted not in names or fixed:
            raise DataCorruptError(
                f"'{part.path}' has a signal '{line.name}' in {line.units}; its record "
                f"has {', '.join(f'{n} in {u}' for n, u in names)}. "
                "Get the record again."
            )
        return names.index(wanted)


def open_segments(header: Header) -> tuple[Header, Segments]:
    """Find the header that names the signals of a record of segments."""
    named = [name for name, _ in header.segments if name != "~"]
    total = sum(length for _, length in header.segments)
    if not named or total != header.length or not header.length:
        raise DataCorruptError(
            f"'{header.path}' says {header.length} samples; its segments have {total}. "
            "Get the record again."
        )
    model = parse_header(header.path.with_name(f"{named[0]}.hea"))
    if model.segments or len(model.lines) != header.count or not header.count:
        raise DataCorruptError(
            f"'{header.path}' says {header.count} signals; '{model.path}' describes "
            f"{len(model.lines)}. Get the record again."
        )
    if model.length:
        open_reader(model)  # a rate or a gain that cannot be read is told now
    return model, Segments(header, model)


def check_sizes(header: Header) -> None:
    """Hold the size of each sample file against the header's promise."""
    for name in dict.fromkeys(line.file for line in header.lines):
        path = header.path.with_name(name)
        if not path.is_file():
            raise DataMissingError(f"'{path}' does not exist. Get the record again.")
        lines = [line for line in header.lines if line.file == name]
        first = lines[0]
        if len({(line.fmt, line.offset) for line in lines}) > 1:
            raise DataCorruptError(
                f"'{header.path}' gives the signals of '{name}' several formats or "
                f"places: {', '.join(f'{x.fmt}+{x.offset}' for x in lines)}. "
                "Get the file again."
            )
        if first.fmt not in _BYTES:
            continue
        count = header.length * len(lines)
        promised = first.offset + math.ceil(count * _BYTES[first.fmt])
        if first.fmt == "310" and count % 3 == 2:
            promised += 1  # its second sample of three ends in the fourth byte
        together = max(_PADDED.get(first.fmt, 1), first.block)
        size = path.stat().st_size
        if size < promised or (not first.offset and size >= promised + together):
            raise DataCorruptError(
                f"'{path}' has {size} bytes, its header promises {promised}. "
                "Delete it and get it again."
            )


def _hold(header: Header, total: NDArray[np.int64]) -> None:
    """Compare sums with those a header states; they are 16 bits wide."""
    for line, found in zip(header.lines, total.tolist(), strict=True):
        if line.checksum is not None and (found - line.checksum) % 65536:
            raise DataCorruptError(
                f"'{header.path.with_name(line.file)}': the samples of '{line.name}' "
                f"have the checksum {found % 65536}, the header states "
                f"{line.checksum % 65536}. Delete both files and get them again."
            )
