"""EDF, EDF+ and BDF: a header in ASCII, then records of 16- or 24-bit samples.

Kemp et al., Electroencephalography and Clinical Neurophysiology 82:391-393, 1992;
Kemp and Olivan, Clinical Neurophysiology 114:1755-1761, 2003. Read here and not
through edfio 0.4.18, which joins the pieces of a discontinuous file (EDF+D) without
their gaps, takes a truncated file for a whole one with a warning, and reads a BDF
into memory whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mark, sex_of
from cardium.errors import NotProvidedError
from cardium.io._ecg_parts import (
    Content,
    Options,
    Wave,
    age_between,
    as_float32,
    corrupt,
    day_of,
    is_voltage,
    positive,
    standard,
    to_millivolts,
    to_number,
    unique,
)
from cardium.signal.leads import LEADS

_FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # bytes of each field of a signal
_MONTHS = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
_ECG = re.compile(r"(^|[^A-Z])(ECG|EKG|MLI{1,3}|MV[1-6])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Channel:
    """A signal of the header: where it lies in a record, and how it is scaled."""

    label: str
    unit: str
    low: float  # at the lowest digital value
    step: float
    bottom: int  # the lowest digital value
    begin: int  # sample in the record
    count: int  # samples in the record

    @property
    def notes(self) -> bool:
        """Whether it holds annotations and no samples."""
        return self.label in ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says."""

    width: int  # bytes of a sample
    offset: int
    records: int
    seconds: float  # of a record
    discontinuous: bool
    channels: tuple[Channel, ...]
    patient: str
    started: date | None

    @property
    def length(self) -> int:
        """Samples of all channels in a record."""
        return sum(channel.count for channel in self.channels)

    def rate(self, channel: Channel) -> float:
        """Return the rate of a channel [Hz]."""
        return channel.count / self.seconds


class Samples:
    """Channels of one rate on disk, read when sliced by time, in mV."""

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        path: Path,
        header: Header,
        chosen: Sequence[Channel],
        factors: Sequence[float],
    ) -> None:
        self._path, self._header = path, header
        self._chosen, self._factors = tuple(chosen), tuple(factors)
        self.shape = (header.records * chosen[0].count, len(chosen))

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32."""
        start, stop, step = time.indices(self.shape[0])
        if step != 1:
            return self[:][time]
        each = self._chosen[0].count
        first, last = start // each, -(-max(start, stop) // each)
        records = map_records(self._path, self._header)[first:last]
        columns = []
        for channel, factor in zip(self._chosen, self._factors, strict=True):
            digital = digits(records, channel, self._header.width).ravel()
            steps = digital[start - first * each : max(start, stop) - first * each]
            low = channel.low * factor
            columns.append((steps - channel.bottom) * (channel.step * factor) + low)
        return as_float32(np.stack(columns, axis=1))


def read(path: Path, options: Options) -> Content:
    """Read the header; samples are read when sliced."""
    header = read_header(path, check=options.check)
    chosen = _choose(header, options.channels, path)
    _check_calibration(chosen, path)
    factors = [
        to_millivolts(channel.unit, f"channel '{channel.label}'", path, options.unit)
        for channel in chosen
    ]
    samples = Samples(path, header, chosen, factors)
    notes = list(_notes(path, header)) if options.texts or header.discontinuous else []
    time = _times(header, chosen[0], [note[:2] for note in notes], path)
    code, sex, birth = _person(header.patient)
    return Content(
        Wave(unique(standard(c.label) for c in chosen), samples, time),
        patient=code,
        sex=sex,
        age=age_between(birth, header.started),
        marks=_marks(notes) if options.texts else (),
    )


def read_header(path: Path, *, check: bool) -> Header:
    """Read the header of a file, and hold it against the file's size."""
    with path.open("rb") as file:
        fixed = file.read(256)
        count = _whole(fixed[252:256], "a number of signals", path)
        offset = _whole(fixed[184:192], "a length of the header", path)
        if count < 1 or offset != 256 * (count + 1):
            raise corrupt(
                path, f"states {count} signals and a header of {offset} bytes"
            )
        table = file.read(256 * count)
    if len(table) < 256 * count:
        raise corrupt(path, f"ends in its header of {offset} bytes")
    width = 3 if fixed[:8] == b"\xffBIOSEMI" else 2
    channels = tuple(_channels(table, count, path))
    size = width * sum(channel.count for channel in channels)
    if not size:
        raise corrupt(path, "states no samples in a record")
    seconds = to_number(_text(fixed[244:252]))
    if not 0 <= seconds < np.inf or (
        not seconds and not all(c.notes for c in channels)
    ):
        raise corrupt(path, f"states records of {_text(fixed[244:252])!r} s")
    records = _records(path, fixed, offset, size, check=check)
    return Header(
        width,
        offset,
        records,
        seconds,
        _text(fixed[192:236])[:5] in ("EDF+D", "BDF+D"),
        channels,
        _text(fixed[8:88]),
        _started(_text(fixed[88:168]), _text(fixed[168:176])),
    )


def map_records(path: Path, header: Header) -> NDArray[Any]:
    """Map the records of a file: (record, sample), or bytes where these are 24 bits."""
    shape = header.records, header.length
    if header.width == 2:
        return np.memmap(path, "<i2", mode="r", offset=header.offset, shape=shape)
    return np.memmap(path, "u1", mode="r", offset=header.offset, shape=(*shape, 3))


def digits(records: NDArray[Any], channel: Channel, width: int) -> NDArray[np.int32]:
    """Return the digital values of a channel, (record, sample)."""
    part = records[:, channel.begin : channel.begin + channel.count]
    if width == 2:
        return part.astype(np.int32)
    low, middle, high = (part[..., n].astype(np.int32) for n in range(3))
    return low | middle << 8 | high.astype(np.int8).astype(np.int32) << 16


def _text(field: bytes) -> str:
    """Read a field of the header."""
    return field.decode("latin-1").strip(" \0")


def _whole(field: bytes, what: str, path: Path) -> int:
    """Read a whole number."""
    try:
        return int(_text(field))
    except ValueError:
        raise corrupt(path, f"states {what} of {_text(field)!r}") from None


def _records(path: Path, fixed: bytes, offset: int, size: int, *, check: bool) -> int:
    """Count the records; -1 in the header means that nobody counted them."""
    stated = _whole(fixed[236:244], "a number of records", path)
    there = path.stat().st_size - offset
    if stated != -1 and check and stated * size != there:
        raise corrupt(
            path,
            f"promises {stated} records of {size} bytes, {stated * size} bytes, and "
            f"has {there}",
        )
    records = there // size
    if records < 1:
        raise corrupt(path, f"has {there} bytes after its header, no record of {size}")
    return records


def _channels(table: bytes, count: int, path: Path) -> Iterator[Channel]:
    """Read the signals' part of the header, which is field by field."""
    columns, at = [], 0
    for width in _FIELDS:
        part = table[at : at + width * count]
        columns.append([_text(part[k * width : (k + 1) * width]) for k in range(count)])
        at += width * count
    begin = 0
    for k in range(count):
        label, _, unit, *limits = (columns[n][k] for n in range(7))
        low, high, bottom, top = map(to_number, limits)
        samples = to_number(columns[8][k])
        if not (0 <= samples < 2**31 and samples == int(samples)):
            raise corrupt(path, f"states {columns[8][k]!r} samples of '{label}'")
        digital = np.isfinite([bottom, top]).all() and abs(bottom) < 2**31
        step = (high - low) / (top - bottom) if digital and top > bottom else np.nan
        floor = int(bottom) if digital else 0
        yield Channel(label, unit, low, step, floor, begin, int(samples))
        begin += int(samples)


def _check_calibration(chosen: Sequence[Channel], path: Path) -> None:
    """Refuse channels without a scale; a negative one, which EDF+ allows, is fine."""
    for channel in chosen:
        if not np.isfinite(channel.low * channel.step) or not channel.step:
            raise corrupt(
                path,
                f"has a gain of {channel.step:g} {channel.unit} a step in channel "
                f"'{channel.label}': its physical or digital limits are equal, turned "
                "round or no numbers",
            )


def _choose(
    header: Header, wanted: Sequence[str] | None, path: Path
) -> tuple[Channel, ...]:
    """Choose the channels of the ECG; refuse to choose between rates."""
    there = [c for c in header.channels if not c.notes and c.count]
    if wanted is None:
        chosen = [channel for channel in there if _is_ecg(channel)]
    else:
        by_name = {standard(c.label): c for c in reversed(there)}
        by_name |= {c.label: c for c in reversed(there)}
        wanted = [name if name in by_name else standard(name) for name in wanted]
        if lacking := [n for n in wanted if n not in by_name]:
            raise NotProvidedError(
                f"'{path}' has no channel '{lacking[0]}'. {_listed(header, there)}"
            )
        chosen = [by_name[name] for name in wanted]
    if not chosen:
        raise NotProvidedError(
            f"'{path}' has no channel that is called as an ECG. "
            f"{_listed(header, there)} Choose with channels=[…]."
        )
    if len({channel.count for channel in chosen}) > 1:
        raise NotProvidedError(
            f"'{path}' has ECG channels of several rates. {_listed(header, chosen)} "
            "Choose those of one rate with channels=[…]."
        )
    return tuple(chosen)


def _is_ecg(channel: Channel) -> bool:
    """Say whether a channel is named as a lead or an ECG, and not in another unit."""
    named = standard(channel.label) in LEADS or _ECG.search(channel.label)
    return bool(named) and (not channel.unit or is_voltage(channel.unit))


def _listed(header: Header, channels: Sequence[Channel]) -> str:
    """List channels with their rates."""
    rows = (
        f"{c.label} ({header.rate(c):g} Hz, {c.unit or 'no unit'})" for c in channels
    )
    return f"There are: {', '.join(rows) or 'none'}."


def _times(
    header: Header,
    channel: Channel,
    notes: Sequence[tuple[int, float]],
    path: Path,
) -> FloatArray:
    """Return the times of a channel's samples from the record's start [s]."""
    rate = positive(header.rate(channel), "a rate", path)
    if not header.discontinuous:
        return np.arange(header.records * channel.count) / rate
    begins: dict[int, float] = {}
    for record, onset in notes:
        begins.setdefault(record, onset)  # the first of a record keeps the time
    if len(begins) < header.records:
        raise corrupt(
            path,
            f"is discontinuous, and {header.records - len(begins)} of its "
            f"{header.records} records state no time",
        )
    starts = np.array([begins[n] for n in range(header.records)])
    times = (starts - starts[0])[:, None] + np.arange(channel.count) / rate
    if (np.diff(times.ravel()) <= 0).any():
        raise corrupt(path, "is discontinuous, and its records overlap in time")
    return np.asarray(times.ravel(), np.float64)


def _notes(path: Path, header: Header) -> Iterator[tuple[int, float, float, str]]:
    """Read annotations: the record, onset [s], duration [s], text; empty keeps time."""
    records = map_records(path, header)
    for channel in header.channels:
        if not channel.notes:
            continue
        part = records[:, channel.begin : channel.begin + channel.count]
        for number, row in enumerate(np.ascontiguousarray(part)):
            for piece in row.tobytes().split(b"\0"):
                stamp, *texts = piece.decode("utf-8", "replace").split("\x14")
                begin, _, duration = stamp.partition("\x15")
                onset = to_number(begin)
                if np.isfinite(onset):
                    for text in texts[:-1]:
                        yield number, onset, to_number(duration), text


def _marks(notes: Sequence[tuple[int, float, float, str]]) -> tuple[Mark, ...]:
    """Make marks of annotations: a point in time, or its two ends."""
    marks = []
    for _, onset, duration, text in notes:
        if text:
            ends = [onset] if not duration > 0 else [onset, onset + duration]
            points = np.array([(end, np.nan) for end in ends])
            marks.append(Mark(text, "ecg", ("time", "value"), points))
    return tuple(marks)


def _person(text: str) -> tuple[str, str | None, date | None]:
    """Read code, sex and birth from an EDF+ patient field; only a code from others."""
    code, *rest = (*text.split(), "")
    if len(rest) < 3 or rest[0] not in ("M", "F", "X"):
        return ("" if text in ("X", "") else text), None, None
    return ("" if code == "X" else code), sex_of(rest[0]), _named_day(rest[1])


def _started(recording: str, day: str) -> date | None:
    """Return the day of a recording: that of EDF+, or ``dd.mm.yy``."""
    words = recording.split()
    if len(words) > 1 and words[0] == "Startdate" and _named_day(words[1]):
        return _named_day(words[1])
    parts = day.split(".")
    if len(parts) != 3 or not all(p.isascii() and p.isdecimal() for p in parts):
        return None
    year = int(parts[2])
    return day_of(year + (1900 if year >= 85 else 2000), int(parts[1]), int(parts[0]))


def _named_day(text: str) -> date | None:
    """Read a day as EDF+ writes it, ``02-MAY-1951``."""
    day, month, year = (*text.upper().split("-"), "", "")[:3]
    if month not in _MONTHS or not (day + year).isdecimal() or not day or not year:
        return None
    return day_of(int(year[:6]), _MONTHS.index(month) + 1, int(day[:4]))
