"""GE MUSE XML (RestingECG): leads as base64 of little-endian integers.

Eight leads are stored; III, aVR, aVL and aVF follow from I and II. Read here and not
through ecgdatakit 2.0.3, which returns the eight, rounds rates and ages to whole
numbers, and reads the first of several rhythm waveforms without a choice.
"""

from __future__ import annotations

import base64
import binascii
import math
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, plausible_age, sex_of
from cardium.errors import NotProvidedError
from cardium.io._ecg_parts import (
    Content,
    Options,
    Piece,
    Wave,
    age_between,
    complete,
    corrupt,
    day_of,
    place,
    positive,
    standard,
    to_millivolts,
    to_number,
    unique,
)
from cardium.io._ecg_xml import read_xml, text_at

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_YEARS = {
    "YEARS": 1.0,
    "MONTHS": 1 / 12,
    "WEEKS": 7 / 365.25,
    "DAYS": 1 / 365.25,
    "HOURS": 1 / 8766,
}
_TYPES = {"1": "<i1", "2": "<i2", "4": "<i4"}


def read(path: Path, options: Options) -> Content:
    """Read the rhythm, and the median beat where there is one."""
    root = read_xml(path)
    if root.tag != "RestingECG":
        raise corrupt(path, f"has the root <{root.tag}>, expected <RestingECG>")
    waves: dict[str, list[Element]] = {"rhythm": [], "median": []}
    for one in root.findall("Waveform"):
        kind = text_at(one, "WaveformType").lower() or "rhythm"
        waves.setdefault(kind, []).append(one)
    if not waves["rhythm"]:
        raise corrupt(path, "holds no rhythm waveform")
    if len(waves["rhythm"]) > 1:
        raise NotProvidedError(
            f"'{path}' holds {len(waves['rhythm'])} rhythm waveforms; cardium reads "
            "files of one. Export them one by one."
        )
    ecg, computed = complete(_wave(waves["rhythm"][0], path, options))
    median = None
    if len(waves["median"]) == 1:
        median, _ = complete(_wave(waves["median"][0], path, options))
    person = root.find("PatientDemographics")
    return Content(
        ecg,
        median,
        patient=text_at(person, "PatientID"),
        age=_age(person, root.find("TestDemographics")),
        sex=sex_of(text_at(person, "Gender")),
        computed=computed,
    )


def _wave(waveform: Element, path: Path, options: Options) -> Wave:
    """Read the leads of a waveform."""
    base = positive(text_at(waveform, "SampleBase"), "a SampleBase", path)
    exponent = to_number(text_at(waveform, "SampleExponent") or "0")
    if not -6 <= exponent <= 6:
        raise corrupt(path, f"states a SampleExponent of {exponent:g}")
    rate = base * 10.0**exponent
    leads = waveform.findall("LeadData")
    names = unique(_name(lead, path) for lead in leads)
    pieces = [
        Piece(name, 0.0, _values(lead, name, path, options))
        for name, lead in zip(names, leads, strict=True)
    ]
    _check_lengths(pieces, path)
    return place(pieces, rate, path)


def _name(lead: Element, path: Path) -> str:
    """Return the standard name of a lead."""
    if not (name := text_at(lead, "LeadID")):
        raise corrupt(path, "has a lead without a LeadID")
    return standard(name)


def _check_lengths(pieces: Sequence[Piece], path: Path) -> None:
    """Refuse leads of different lengths: one of them is cut."""
    lengths = {len(piece.values) for piece in pieces}
    if len(lengths) > 1:
        raise corrupt(path, f"has leads of {sorted(lengths)} samples in one waveform")


def _values(lead: Element, name: str, path: Path, options: Options) -> FloatArray:
    """Decode a lead to millivolts."""
    what = f"a LeadAmplitudeUnitsPerBit of lead {name}"
    step = positive(text_at(lead, "LeadAmplitudeUnitsPerBit"), what, path)
    unit = text_at(lead, "LeadAmplitudeUnits")
    factor = to_millivolts(unit, f"lead {name}", path, options.unit)
    try:
        data = base64.b64decode(
            "".join(text_at(lead, "WaveFormData").split()), validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise corrupt(path, f"has no base64 text in lead {name} ({error})") from error
    size = text_at(lead, "LeadSampleSize") or "2"
    if size not in _TYPES or len(data) % int(size):
        raise corrupt(
            path, f"has {len(data)} bytes of samples of {size} in lead {name}"
        )
    values = np.frombuffer(data, _TYPES[size]).astype(np.float64)
    if options.check:
        _check(lead, name, data, len(values), path)
    return values * (step * factor)


def _check(lead: Element, name: str, data: bytes, count: int, path: Path) -> None:
    """Hold what a lead says of its data against them."""
    stated = {
        "LeadByteCountTotal": len(data),
        "LeadSampleCountTotal": count,
        "LeadDataCRC32": zlib.crc32(data),
    }
    for place_, there in stated.items():
        said = text_at(lead, place_)
        if said.isascii() and said.isdecimal() and int(said[:20]) != there:
            raise corrupt(
                path, f"states a {place_} of {said} in lead {name}, has {there}"
            )


def _age(person: Element | None, test: Element | None) -> float:
    """Return the age that is stated, or else the one from the day of birth."""
    stated = to_number(text_at(person, "PatientAge"))
    years = _YEARS.get(text_at(person, "AgeUnits").upper() or "YEARS", math.nan)
    if math.isfinite(stated):
        return plausible_age(stated * years)
    days = text_at(person, "DateofBirth"), text_at(test, "AcquisitionDate")
    return age_between(*map(_day, days))


def _day(text: str) -> date | None:
    """Read a day as MUSE writes it, ``MM-DD-YYYY``."""
    parts = text.replace("/", "-").split("-")
    if len(parts) != 3 or not all(p.isascii() and p.isdecimal() for p in parts):
        return None
    return day_of(int(parts[2][:6]), int(parts[0][:6]), int(parts[1][:6]))
