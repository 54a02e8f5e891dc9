"""SCP-ECG (EN 1064, ISO 11073-91064), decoded by ecgdatakit.

The library decodes Huffman codes, differences and reference-beat subtraction. Around
it: it allocates as many samples as a lead states before it reads any, so they are held
against the file's size first; it takes a wrong checksum for a warning; it rounds rates
and ages to whole numbers; and it leaves leads with different begins unaligned.
"""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cardium.core import need, plausible_age
from cardium.errors import NotProvidedError
from cardium.io._ecg_parts import (
    Content,
    Options,
    Piece,
    Wave,
    complete,
    corrupt,
    place,
    positive,
    standard,
    to_millivolts,
    unique,
)

_LARGEST = 16 << 20
_YEARS = {1: 1.0, 2: 1 / 12, 3: 7 / 365.25, 4: 1 / 365.25, 5: 1 / 8766}


def read(path: Path, options: Options) -> Content:
    """Read the rhythm, and the reference beat where there is one."""
    need("ecgdatakit", extra="ecg")
    from ecgdatakit.exceptions import ECGDataKitError, UnsupportedFormatError
    from ecgdatakit.parsing.parser import FileParser

    if (size := path.stat().st_size) > _LARGEST:
        raise NotProvidedError(
            f"'{path}' has {size} bytes; cardium reads SCP-ECG files up to {_LARGEST}."
        )
    sections = dict(_sections(path.read_bytes(), path))
    _check_lengths(sections, size, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it warns of is checked below
        try:
            record = FileParser.parse(path, auto_scale=False)
        except UnsupportedFormatError as error:
            raise NotProvidedError(f"'{path}': {error}.") from error
        except ECGDataKitError as error:
            raise corrupt(path, f"cannot be decoded ({error})") from error
    facts: dict[str, Any] = record.raw_metadata
    if record.source_format != "scp_ecg":
        raise corrupt(path, "has no section 0 that points to itself")
    if options.check and not facts["checksum_valid"]:
        raise corrupt(path, "has another checksum than it states")
    ecg = _wave(record.leads, facts["rhythm_sample_interval_us"], path)
    ecg, computed = complete(ecg)
    median = None
    if record.median_beats:
        step = facts["median_sample_interval_us"]
        median, _ = complete(_wave(record.median_beats, step, path))
    sex = {"M": "male", "F": "female"}.get(record.patient.sex)
    age = _age(sections.get(1, b""), record.patient.age)
    return Content(
        ecg, median, record.patient.patient_id.strip(), age, sex, computed=computed
    )


def _wave(leads: list[Any], step: float, path: Path) -> Wave:
    """Put the leads on one clock, in millivolts."""
    rate = 1e6 / positive(step, "a sample interval", path)
    names = unique(standard(lead.label) for lead in leads)
    pieces = []
    for name, lead in zip(names, leads, strict=True):
        if not lead.resolution_unit:
            raise corrupt(path, f"states an amplitude multiplier of 0 for lead {name}")
        factor = to_millivolts(lead.resolution_unit, f"lead {name}", path, None)
        factor *= positive(lead.resolution, f"a step of lead {name}", path)
        start = (int(lead.annotations.get("start_sample", 1)) - 1) / rate
        pieces.append(Piece(name, start, np.asarray(lead.samples) * factor))
    return place(pieces, rate, path)


def _sections(data: bytes, path: Path) -> Iterator[tuple[int, bytes]]:
    """Return the sections that the pointers of section 0 name, without headers."""
    if len(data) < 32 or struct.unpack_from("<I", data, 10)[0] + 6 > len(data):
        raise corrupt(path, f"has {len(data)} bytes, fewer than its section 0")
    end = 6 + struct.unpack_from("<I", data, 10)[0]
    for at in range(22, end - 9, 10):
        number, length, begin = struct.unpack_from("<HII", data, at)
        if length >= 16 and 0 < begin <= len(data):
            yield number, data[begin + 15 : begin - 1 + length]


def _check_lengths(sections: dict[int, bytes], size: int, path: Path) -> None:
    """Refuse leads that state more samples than the file has bits."""
    table = sections.get(3, b"")
    count = table[0] if table else 0
    if len(table) < 2 + 9 * count or not count:
        raise corrupt(path, f"defines {count} leads in {len(table)} bytes")
    for number in range(count):
        first, last = struct.unpack_from("<II", table, 2 + 9 * number)
        if last - first >= 8 * size:
            raise corrupt(path, f"promises samples {first} to {last} in {size} bytes")


def _age(body: bytes, whole: int | None) -> float:
    """Return the age of tag 4 with its fraction, or the one of the library."""
    at = 0
    while at + 3 <= len(body):
        tag, length = struct.unpack_from("<BH", body, at)
        if tag == 4 and length == 3 and at + 6 <= len(body):
            number, unit = struct.unpack_from("<HB", body, at + 3)
            if number and unit in _YEARS:
                return plausible_age(number * _YEARS[unit])
        at += 3 + length
    return math.nan if whole is None else plausible_age(float(whole))
