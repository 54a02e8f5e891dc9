"""WFDB records as ECG files: leads in mV, age and sex from the comments, beats."""

from __future__ import annotations

import math
import re
from pathlib import Path

from cardium.core import Stream, plausible_age, sex_of
from cardium.io._ecg_parts import (
    Content,
    Options,
    Wave,
    even_times,
    is_voltage,
    standard,
    to_millivolts,
    to_number,
    unique,
)
from cardium.io.wfdb import open_signal
from cardium.io.wfdb_annotations import beats_of, read_annotations, rhythm_of

# "Age: 56", "Sex: Female", "<age>: 69 <sex>: M", and MIT-BIH's "69 M 1085 1629 x1"
_AGE = re.compile(r"\bage\b\W*([\d.]+)", re.IGNORECASE)
_SEX = re.compile(r"\b(?:sex|gender)\b\W*(\w+)", re.IGNORECASE)
_MIT = re.compile(r"^\s*(\d{1,3}|-1)\s+([MF])\b", re.MULTILINE)


def read(path: Path, options: Options) -> Content:
    """Open a record; its channels that are no voltages are left out."""
    signal = open_signal(path)
    chosen = [n for n, unit in enumerate(signal.units) if is_voltage(unit)]
    if not chosen:
        what = f"channel '{signal.channels[0]}'"
        to_millivolts(signal.units[0], what, path, options.unit)
        chosen = list(range(len(signal.units)))
    ecg = signal.choose(chosen).in_millivolt
    text = "\n".join(signal.comments)
    mit, age, sex = _MIT.search(text), _AGE.search(text), _SEX.search(text)
    years = to_number(age[1] if age else mit[1] if mit else math.nan)
    letter = sex[1] if sex else mit[2] if mit else ""
    names = unique(map(standard, ecg.channels))
    return Content(
        Wave(names, ecg, even_times(ecg.shape[0], ecg.rate)),
        age=plausible_age(years),
        sex=sex_of(letter),
        annotations=_annotations(path, signal.rate),
    )


def _annotations(path: Path, rate: float) -> dict[str, Stream]:
    """Read beats and rhythms of the reference annotations, if they are there."""
    if not path.with_suffix(".atr").is_file():
        return {}
    found = read_annotations(path.with_suffix(".atr"), rate=rate)
    streams = beats_of(found), rhythm_of(found)
    return {stream.name: stream for stream in streams if stream is not None}
