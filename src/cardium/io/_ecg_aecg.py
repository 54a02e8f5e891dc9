"""HL7 annotated ECG (PORT_MT020001): series of leads as text.

Read here and not through ecgdatakit 2.0.3, which rounds the rate to whole hertz and
keeps one of several sequence sets: leads that were recorded one after another get
lost so.
"""

from __future__ import annotations

import math
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
    corrupt,
    day_in,
    place,
    positive,
    standard,
    to_millivolts,
    to_number,
    unique,
)
from cardium.io._ecg_xml import attribute, read_xml, text_at

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SUBJECT = (
    "componentOf/timepointEvent/componentOf/subjectAssignment/subject/trialSubject"
)
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
_YEARS = {"a": 1.0, "yr": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
_AGE = ("21612-7", "30525-0")  # LOINC: age as reported, age
_BEAT = "REPRESENTATIVE_BEAT"
_NO_NAME = ("", "?", "UNK", "NA", "N/A")


def read(path: Path, options: Options) -> Content:
    """Read the rhythm series, and the representative beat where there is one."""
    root = read_xml(path)
    if root.tag != "AnnotatedECG":
        raise corrupt(path, f"has the root <{root.tag}>, expected <AnnotatedECG>")
    rhythms, beats = _series(root)
    if len(rhythms) != 1:
        kind = corrupt if not rhythms else _several
        raise kind(path, f"holds {len(rhythms)} rhythm series, expected one")
    subject = root.find(_SUBJECT)
    person = None if subject is None else subject.find("subjectDemographicPerson")
    patient = attribute(subject, "id", "extension")
    return Content(
        _wave(rhythms[0], path, options),
        _wave(beats[0], path, options) if len(beats) == 1 else None,
        patient="" if patient in _NO_NAME else patient,
        age=_age(root, person, rhythms[0]),
        sex=sex_of(attribute(person, "administrativeGenderCode", "code")),
    )


def _several(path: Path, problem: str) -> NotProvidedError:
    """Say that a file holds more than one recording."""
    return NotProvidedError(f"'{path}' {problem}. Split the file.")


def _series(root: Element) -> tuple[list[Element], list[Element]]:
    """Return the series of rhythm and of representative beats."""
    series = root.findall("component/series")
    derived = root.findall("component/series/derivation/derivedSeries")
    beats = [one for one in (*series, *derived) if _code(one) == _BEAT]
    return [one for one in series if _code(one) != _BEAT], beats


def _code(element: Element) -> str:
    """Return the code of a series or sequence."""
    return attribute(element, "code", "code").upper()


def _wave(series: Element, path: Path, options: Options) -> Wave:
    """Read the sequence sets of a series on one clock."""
    pieces, rates = [], set()
    for number, one in enumerate(series.findall("component/sequenceSet")):
        sequences = one.findall("component/sequence")
        clocks = [s for s in sequences if _code(s).startswith("TIME_")]
        if not clocks:
            raise corrupt(path, f"has no time in sequence set {number + 1}")
        start, rate = _clock(clocks[0], path)
        rates.add(round(rate, 6))
        leads = [s for s in sequences if "_ECG_LEAD_" in _code(s)]
        names = unique(_lead(lead) for lead in leads)
        for name, lead in zip(names, leads, strict=True):
            pieces.append(Piece(name, start, _values(lead, name, path, options)))
    if len(rates) > 1:
        raise _several(path, f"has sequence sets of several rates: {sorted(rates)} Hz")
    return place(pieces, rates.pop() if rates else 1.0, path)


def _clock(sequence: Element, path: Path) -> tuple[float, float]:
    """Return when a sequence begins [s] and its rate [Hz]."""
    unit = attribute(sequence, "value/increment", "unit")
    step = attribute(sequence, "value/increment", "value")
    if unit not in _SECONDS:
        raise corrupt(path, f"has a time increment of '{step}' in the unit '{unit}'")
    rate = 1 / (positive(step, "a time increment", path) * _SECONDS[unit])
    if not math.isfinite(rate):
        raise corrupt(path, f"has a time increment of '{step}' {unit}")
    head = attribute(sequence, "value/head", "value")
    if _code(sequence) == "TIME_ABSOLUTE":
        return _seconds(head), _near(rate)
    factor = _SECONDS.get(attribute(sequence, "value/head", "unit") or "s", 1.0)
    start = to_number(head) * factor
    return (start if math.isfinite(start) else 0.0), _near(rate)


def _near(rate: float) -> float:
    """Free a rate from the error of its reciprocal: 1 / 0.002 s is 500 Hz."""
    return float(round(rate, 9))


def _seconds(stamp: str) -> float:
    """Return a time stamp, ``YYYYMMDDhhmmss.fff``, in seconds; 0 if it is none."""
    day = day_in(stamp)
    clock = stamp.strip()[8:].partition("+")[0].partition("-")[0].ljust(6, "0")
    hours, minutes, seconds = to_number(clock[:2]), to_number(clock[2:4]), clock[4:]
    whole = hours * 3600 + minutes * 60 + to_number(seconds)
    return day.toordinal() * 86400 + whole if day and math.isfinite(whole) else 0.0


def _lead(sequence: Element) -> str:
    """Return the standard name of a sequence's lead."""
    return standard(_code(sequence).rpartition("_ECG_LEAD_")[2])


def _values(sequence: Element, lead: str, path: Path, options: Options) -> FloatArray:
    """Return ``origin + scale * digit`` in millivolts."""
    value = sequence.find("value")
    scale = positive(
        attribute(value, "scale", "value"), f"a scale of lead {lead}", path
    )
    origin = to_number(attribute(value, "origin", "value") or "0")
    units = [attribute(value, place, "unit") for place in ("scale", "origin")]
    factors = [
        to_millivolts(unit or units[0], f"lead {lead}", path, options.unit)
        for unit in units
    ]
    try:
        digits = np.array(text_at(value, "digits").split(), np.float64)
    except ValueError as error:
        raise corrupt(path, f"has digits in lead {lead} that are none") from error
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(origin * factors[1] + scale * factors[0] * digits)


def _age(root: Element, person: Element | None, series: Element) -> float:
    """Return the age that is stated, or else the one from the day of birth."""
    for one in root.iter("relatedObservation"):
        if attribute(one, "code", "code") in _AGE:
            years = _YEARS.get(attribute(one, "value", "unit") or "a", math.nan)
            return plausible_age(to_number(attribute(one, "value", "value")) * years)
    places = ("effectiveTime/center", "effectiveTime/low")
    stamps = [attribute(e, p, "value") for e in (root, series) for p in places]
    birth = day_in(attribute(person, "birthTime", "value"))
    return age_between(birth, day_in(next(filter(None, stamps), "")))
