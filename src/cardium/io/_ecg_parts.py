"""What the readers of ECG files share: units, ages, leads on one clock."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mark, Stream, plausible_age
from cardium.core.stream import Array
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.signal.leads import LEADS, derive_limb_leads, lead_name

_EIGHT = ("I", "II", *LEADS[6:])
_MILLIVOLTS = {
    **dict.fromkeys(("v", "volt", "volts"), 1e3),
    **dict.fromkeys(("mv", "millivolt", "millivolts"), 1.0),
    **dict.fromkeys(("uv", "µv", "μv", "microvolt", "microvolts"), 1e-3),
    **dict.fromkeys(("nv", "nanovolt", "nanovolts"), 1e-6),
}


@dataclass(frozen=True, slots=True)
class Wave:
    """Leads on one clock: standard names, values (T, L) [mV], time (T,) [s]."""

    leads: tuple[str, ...]
    values: Array
    time: FloatArray


class Columns:
    """Some columns of an array, each times a factor, read when sliced by time."""

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        values: Array,
        columns: Sequence[int],
        factors: Sequence[float] | None = None,
    ) -> None:
        self._values, self._columns = values, list(columns)
        self._factors = None if factors is None else np.array(factors)
        self.shape = (int(values.shape[0]), len(self._columns))

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32."""
        values = self._values[time][:, self._columns]
        return as_float32(values if self._factors is None else values * self._factors)


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller says of a file; see `cardium.io.ecg_file.open_ecg`."""

    channels: tuple[str, ...] | None = None
    rate: float | None = None
    unit: str | None = None
    texts: bool = False
    check: bool = True


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds; the patient is as the file names it."""

    ecg: Wave
    median: Wave | None = None
    patient: str = ""
    age: float = math.nan
    sex: str | None = None
    marks: tuple[Mark, ...] = ()
    computed: tuple[str, ...] = ()
    annotations: Mapping[str, Stream] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """A lead for some time: name, begin [s], values (t,) [mV]."""

    lead: str
    start: float
    values: NDArray[np.floating[Any]]


def corrupt(path: Path, problem: str) -> DataCorruptError:
    """Say that a file is not what it should be."""
    return DataCorruptError(f"'{path}' {problem}. Get the file again.")


def to_millivolts(unit: str, what: str, path: Path, assumed: str | None) -> float:
    """Return the factor that makes millivolts of a unit."""
    written = unit.strip() or (assumed or "").strip()
    if written.casefold() in _MILLIVOLTS:
        return _MILLIVOLTS[written.casefold()]
    if not written:
        raise NotProvidedError(
            f"'{path}' states no unit for {what}. Say which with unit='mV' or 'uV'."
        )
    raise NotProvidedError(
        f"'{path}' has {what} in '{written}', which is no voltage. Choose the ECG with "
        "channels=[…]."
    )


def is_voltage(unit: str) -> bool:
    """Say whether a unit is a voltage."""
    return unit.strip().casefold() in _MILLIVOLTS


def positive(text: object, what: str, path: Path) -> float:
    """Read a number that must be finite and positive."""
    number = to_number(text)
    if not (math.isfinite(number) and number > 0):
        raise corrupt(path, f"states {what} of {text!r}; it must be a positive number")
    return number


def to_number(text: object) -> float:
    """Read a number; NaN if it is none."""
    try:
        return float(str(text))
    except ValueError:
        return math.nan


def even_times(count: int, rate: float) -> FloatArray:
    """Return the times of samples from the record's start [s]."""
    return np.arange(count) / rate


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Convert; what float32 cannot hold becomes infinite, without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def place(pieces: Sequence[Piece], rate: float, path: Path) -> Wave:
    """Put leads on one clock; where a lead was not recorded, it is NaN."""
    if not pieces or not any(len(piece.values) for piece in pieces):
        raise corrupt(path, "holds no ECG samples")
    first = min(piece.start for piece in pieces)
    begins = [round((piece.start - first) * rate) for piece in pieces]
    ends = [b + len(p.values) for b, p in zip(begins, pieces, strict=True)]
    if max(ends) > sum(len(piece.values) for piece in pieces):
        raise corrupt(
            path,
            f"has leads that lie {max(begins) / rate:g} s apart, with gaps between",
        )
    names = tuple(dict.fromkeys(piece.lead for piece in pieces))
    values = np.full((max(ends), len(names)), np.nan, np.float32)
    written = np.zeros(values.shape, bool)
    for piece, begin, end in zip(pieces, begins, ends, strict=True):
        at = slice(begin, end), names.index(piece.lead)
        if written[at].any():
            raise corrupt(path, f"has lead '{piece.lead}' twice")
        values[at], written[at] = as_float32(np.asarray(piece.values)), True
    return Wave(names, values, even_times(len(values), rate))


def complete(wave: Wave) -> tuple[Wave, tuple[str, ...]]:
    """Add the four limb leads where just the other eight are stored.

    Also returns the names of those that were added.
    """
    if set(wave.leads) != set(_EIGHT):
        return wave, ()
    values = np.asarray(wave.values[:])
    named = {name: values[:, n] for n, name in enumerate(wave.leads)}
    computed = derive_limb_leads(named["I"], named["II"])
    whole = np.stack([(named | computed)[name] for name in LEADS], axis=1)
    return Wave(LEADS, as_float32(whole), wave.time), tuple(computed)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Give numbers to names that come again: II, II#2."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return tuple(found)


def standard(name: str) -> str:
    """Name a lead; what an EDF calls EKG is an ECG."""
    text = name.strip()
    return lead_name(f"ECG{text[3:]}" if text[:3].upper() == "EKG" else text)


def age_between(birth: date | None, taken: date | None) -> float:
    """Return whole years from a birth to a day; NaN if one is not known."""
    if birth is None or taken is None:
        return math.nan
    had_birthday = (taken.month, taken.day) >= (birth.month, birth.day)
    return plausible_age(taken.year - birth.year - (not had_birthday))


def day_of(year: int, month: int, day: int) -> date | None:
    """Make a date; None if there is no such day."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def day_in(text: str) -> date | None:
    """Read a date that begins as ``YYYYMMDD``; None if it does not."""
    digits = text.strip()[:8]
    if len(digits) < 8 or not (digits.isascii() and digits.isdecimal()):
        return None
    return day_of(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
