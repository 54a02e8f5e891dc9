"""The binary annotation files of WFDB (MIT format), parsed strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cardium.errors import DataCorruptError, DataMissingError

SYMBOLS = dict(
    enumerate(
        (" ", *"NLRaVFJASEj/Q~", "[15]", "|", "[17]", *'sT*D"=pB^t+u?![]en@xf()r'),
    )
)
"""What each code of an annotation stands for."""

_SKIP, _NUMBER, _SUBTYPE, _CHANNEL, _NOTE = 59, 60, 61, 62, 63
_COMMENT = 22
_RESOLUTION = re.compile(r"## time resolution: (\d{1,12}(?:\.\d{0,12})?)")


@dataclass(slots=True)
class Parsed:
    """The fields of the annotations of a file, one by one."""

    resolution: float | None = None  # ticks a second, where the file states it
    sample: list[int] = field(default_factory=list)
    code: list[int] = field(default_factory=list)
    subtype: list[int] = field(default_factory=list)
    channel: list[int] = field(default_factory=list)
    note: list[str] = field(default_factory=list)


def parse_annotations(path: Path) -> Parsed:
    """Read a file to its end mark, and leave out what describes the file itself."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise DataMissingError(
            f"'{path}' does not exist. Get the file again."
        ) from error
    if len(content) % 2:
        _cut(path, len(content))
    words = np.frombuffer(content, "<u2").tolist()
    found, at = Parsed(), 0
    try:
        while words[at]:
            at = _read_one(words, at, content, found)
    except IndexError:
        _cut(path, len(content))
    return _without_definitions(found)


def _read_one(words: list[int], at: int, content: bytes, found: Parsed) -> int:
    """Read an annotation with the fields that follow it; return where the next is.

    Fields of an annotation follow it; its channel holds until another is given.
    """
    sample = found.sample[-1] if found.sample else 0
    while (code := words[at] >> 10) == _SKIP:
        long = words[at + 1] << 16 | words[at + 2]  # its high half comes first
        sample += long - (1 << 32 if long >> 31 else 0)
        at += 3
    found.sample.append(sample + (words[at] & 0x3FF))
    found.code.append(code)
    found.subtype.append(0)
    found.channel.append(found.channel[-1] if found.channel else 0)
    found.note.append("")
    at += 1
    while (code := words[at] >> 10) > _SKIP:
        low = words[at] & 0xFF
        if code == _SUBTYPE:
            found.subtype[-1] = low - (256 if low > 127 else 0)
        elif code == _CHANNEL:
            found.channel[-1] = low
        elif code == _NOTE:
            begin = 2 * (at + 1)
            found.note[-1] = content[begin : begin + low].decode("latin-1")
            at += (low + 1) // 2
        at += 1
    return at


def _without_definitions(found: Parsed) -> Parsed:
    """Drop comments at 0, which describe the file, and what is no annotation."""
    kept = Parsed()
    for row in zip(
        *(found.sample, found.code, found.subtype, found.channel, found.note),
        strict=True,
    ):
        sample, code, subtype, channel, note = row
        if sample == 0 and code == _COMMENT:
            stated = _RESOLUTION.match(note)
            if stated and float(stated[1]) > 0:
                kept.resolution = float(stated[1])
        elif code:
            kept.sample.append(sample)
            kept.code.append(code)
            kept.subtype.append(subtype)
            kept.channel.append(channel)
            kept.note.append(note.strip(" \t\r\n\0"))
    return kept


def _cut(path: Path, size: int) -> None:
    """Say that a file stops before its end mark."""
    raise DataCorruptError(
        f"'{path}' has {size} bytes and no end mark, two zero bytes: it is cut off or "
        "is no WFDB annotation file. Delete it and get it again."
    )
