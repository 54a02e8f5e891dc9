"""The header of a WFDB record, parsed strictly: what is not a header is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cardium.errors import DataCorruptError, DataMissingError

_AGAIN = "Get the file again."
_INTEGER = re.compile(r"[+-]?\d{1,12}")
_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,2})?")
_NAME = re.compile(r"([^\s/\\]+?)(?:/(\d{1,6}))?")
_RATE = re.compile(r"([^/(]+)(?:/[^(]*)?(?:\(.*\))?")
_FORMAT = re.compile(
    r"(?P<fmt>\d{1,4})(?:x(?P<frame>\d{1,6}))?(?::(?P<skew>\d{1,9}))?"
    r"(?:\+(?P<offset>\d{1,12}))?"
)
_GAIN = re.compile(r"(?P<gain>[^(/]*)(?:\((?P<baseline>[^)]*)\))?(?:/(?P<units>\S+))?")
_DEFAULT_RATE = 250.0  # what the format says of a header that states none


@dataclass(frozen=True, slots=True)
class Line:
    """What a header says of one signal."""

    file: str
    fmt: str
    frame: int  # samples in a frame
    skew: int  # frames
    offset: int  # bytes
    gain: float | None  # units of the file in one of `units`; None: not stated
    baseline: int
    units: str
    checksum: int | None
    block: int  # bytes; 0: not padded
    name: str


@dataclass(frozen=True, slots=True)
class Header:
    """A header: of signals, or of segments that are records themselves."""

    path: Path
    name: str
    rate: float  # Hz
    length: int  # frames; 0 where the header does not say
    count: int  # signals
    lines: tuple[Line, ...]
    segments: tuple[tuple[str, int], ...]
    comments: tuple[str, ...]


def read_text(path: Path) -> str:
    """Read a header, in UTF-8 or, as old ones with a µ are, in Latin-1."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DataMissingError(
            f"'{path}' does not exist. Get the record again."
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def split_comments(text: str) -> tuple[list[str], list[str]]:
    """Part a header's lines from its comments, which may stand before them."""
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    stated = [line for line in lines if line and not line.startswith("#")]
    comments = [line.lstrip("#").strip() for line in lines if line.startswith("#")]
    return stated, comments


def parse_header(path: Path) -> Header:
    """Read and parse a header file."""
    lines, comments = split_comments(read_text(path))
    if not lines:
        _refuse(path, "has no line that describes a record")
    fields = lines[0].split()
    named = _NAME.fullmatch(fields[0])
    if named is None or len(fields) < 2:
        _refuse(path, f"begins with '{lines[0][:80]}', expected a name and a count")
    count = _integer(path, "number of signals", fields[1], least=0)
    rate = _rate(path, fields[2]) if len(fields) > 2 else _DEFAULT_RATE
    length = 0
    if len(fields) > 3:
        length = _integer(path, "number of samples", fields[3], least=0)
    rest, segments = lines[1:], int(named[2]) if named[2] else 0
    promised, what = (segments, "segments") if named[2] else (count, "signals")
    if len(rest) != promised:
        _refuse(path, f"says {promised} {what} and describes {len(rest)}")
    return Header(
        path,
        named[1],
        rate,
        length,
        count,
        () if segments else tuple(_line(path, n, line) for n, line in enumerate(rest)),
        tuple(_segment(path, line) for line in rest) if segments else (),
        tuple(comments),
    )


def _rate(path: Path, field: str) -> float:
    """Parse ``360``, ``360/0.5`` or ``360/0.5(10)``: the first is the rate [Hz]."""
    found = _RATE.fullmatch(field)
    if found is None or _NUMBER.fullmatch(found[1]) is None:
        _refuse(path, f"says '{field[:40]}' samples a second, expected a number")
    if not (rate := float(found[1])) > 0:
        _refuse(path, f"says {rate:g} samples a second, expected more than 0")
    return rate


def _line(path: Path, number: int, text: str) -> Line:
    """Parse the line of one signal; fields from the end may be left out."""
    fields = text.split(None, 8)
    found = _FORMAT.fullmatch(fields[1]) if len(fields) > 1 else None
    if found is None:
        _refuse(path, f"describes a signal as '{text[:80]}', expected a file, a format")
    gain, baseline, units = _gain(path, fields[2] if len(fields) > 2 else "")
    whole = [
        _integer(path, what, field)
        for what, field in zip(_WHOLE, fields[3:8], strict=False)
    ]
    zero = whole[1] if len(whole) > 1 else 0
    return Line(
        file=_inside(path, fields[0]),
        fmt=str(int(found["fmt"])),
        frame=max(int(found["frame"] or 1), 1),
        skew=int(found["skew"] or 0),
        offset=int(found["offset"] or 0),
        gain=gain,
        baseline=zero if baseline is None else baseline,
        units=units,
        checksum=whole[3] if len(whole) > 3 else None,
        block=whole[4] if len(whole) > 4 else 0,
        name=fields[8].strip() if len(fields) > 8 else f"signal {number}",
    )


_WHOLE = ("resolution", "zero", "first value", "checksum", "block size")


def _gain(path: Path, field: str) -> tuple[float | None, int | None, str]:
    """Parse ``200``, ``200/mV`` or ``200(1024)/mV``; nothing and 0 mean not stated."""
    found = _GAIN.fullmatch(field)
    if found is None or (found["gain"] and _NUMBER.fullmatch(found["gain"]) is None):
        _refuse(path, f"has the gain '{field[:40]}', expected such as 200(0)/mV")
    gain = float(found["gain"] or 0)
    if gain < 0:
        _refuse(path, f"has the gain {gain:g}, expected more than 0")
    written = found["baseline"]
    baseline = None if written is None else _integer(path, "baseline", written)
    return gain or None, baseline, found["units"] or "mV"


def _segment(path: Path, text: str) -> tuple[str, int]:
    """Parse the line of one segment: the record's name, and its length."""
    fields = text.split()
    if len(fields) != 2:
        _refuse(path, f"describes a segment as '{text[:80]}', expected name and length")
    name = fields[0] if fields[0] == "~" else _inside(path, fields[0])
    return name, _integer(path, "length of a segment", fields[1], least=0)


def _inside(path: Path, name: str) -> str:
    """Refuse a file's name that leads out of the folder of the header."""
    if "/" in name or "\\" in name or ":" in name or name in (".", "..", "-"):
        _refuse(
            path, f"names the file '{name[:80]}', which is not in the header's folder"
        )
    return name


def _integer(path: Path, what: str, text: str, *, least: int | None = None) -> int:
    """Parse a whole number."""
    if _INTEGER.fullmatch(text) is None or (least is not None and int(text) < least):
        _refuse(path, f"has the {what} '{text[:40]}', expected a whole number")
    return int(text)


def _refuse(path: Path, problem: str) -> NoReturn:
    """Say what is wrong with a header."""
    raise DataCorruptError(f"'{path}' is no sound WFDB header: it {problem}. {_AGAIN}")
