"""A heart that beats by a plan, and records written as the sources write them.

The plan is made of episodes; each kind of beat is a sum of Gaussian pulses, so
its R peak lies exactly on a sample and every lead has a shape of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cardium.core.files import write_text

Values = NDArray[np.float64]
Episode = tuple[str, float, str]  # rhythm, seconds, kinds of beats one after another

_ATRIAL = ((-0.16, 0.025, 0.12, 0.05),)
_NARROW = (
    (-0.03, 0.010, -0.10, 0.05),
    (0.0, 0.012, 1.0, 0.0),
    (0.03, 0.012, -0.25, -0.6),
    (0.28, 0.05, 0.25, 0.1),
)
_WIDE = ((0.0, 0.045, 1.4, 0.9), (0.3, 0.07, -0.4, -0.3))
_SPIKE = ((-0.09, 0.003, 0.9, 0.5),)
_Pulse = tuple[float, float, float, float]  # from R [s], width [s], two directions [mV]


def _half(*beats: Sequence[_Pulse]) -> tuple[_Pulse, ...]:
    """Mix two kinds of beats."""
    return tuple((t, w, a / 2, b / 2) for beat in beats for t, w, a, b in beat)


_BEATS: dict[str, tuple[_Pulse, ...]] = {
    "N": (*_ATRIAL, *_NARROW),
    "A": ((-0.13, 0.02, -0.12, -0.05), *_NARROW),
    "J": _NARROW,
    "V": _WIDE,
    "F": _half((*_ATRIAL, *_NARROW), _WIDE),
    "/": (*_SPIKE, *_WIDE),
    "f": _half((*_SPIKE, *_WIDE), _NARROW),
    "Q": ((0.0, 0.03, -0.7, 0.3), (0.2, 0.04, 0.2, -0.2)),
    "L": (*_ATRIAL, (0.0, 0.03, 1.1, -0.8), (0.06, 0.03, 0.6, -0.4)),
}
# how much later than the beat before a beat comes [s]; others come after 0.8 s
_AFTER = {"A": 0.55, "J": 0.6, "V": 0.5, "F": 0.7}
_PAUSE = 1.05  # s after an early beat
_DIRECTIONS = {
    **{"I": (0.6, -0.5), "II": (1.0, 0.1), "MLII": (1.0, 0.1), "V1": (-0.45, 0.9)},
    **{"V2": (-0.3, 1.3), "V3": (0.2, 1.2), "V4": (0.9, 0.6), "V5": (1.1, 0.1)},
    **{"V6": (0.9, -0.2), "III": (0.4, 0.6), "AVR": (-0.8, 0.2), "AVL": (0.1, -0.55)},
    "AVF": (0.7, 0.35),
}
_UNNAMED = ((1.0, 0.1), (-0.45, 0.9))


@dataclass(frozen=True, slots=True)
class Heart:
    """What a plan amounts to."""

    values: Values  # (T, L) mV
    samples: tuple[int, ...]  # of R peaks
    symbols: tuple[str, ...]
    marks: tuple[tuple[int, str], ...]  # where a rhythm begins, and which


@dataclass(frozen=True, slots=True)
class Format:
    """How a source writes its records."""

    rate: float
    fmt: str = "212"
    gain: int = 200
    zero: int = 0
    bits: int = 12
    unit: str = ""
    ends: tuple[str, ...] = (".atr",)
    notes: bool = True  # whether it marks rhythms

    @property
    def steps(self) -> int:
        """Steps a millivolt."""
        return self.gain * (1000 if self.unit == "uV" else 1)


def beat(episodes: Sequence[Episode], leads: Sequence[str], rate: float) -> Heart:
    """Let a heart beat by a plan."""
    total = sum(seconds for _, seconds, _ in episodes)
    values = np.zeros((round(total * rate), len(leads)))
    ways = [_DIRECTIONS.get(n, _UNNAMED[k % 2]) for k, n in enumerate(leads)]
    samples: list[int] = []
    symbols: list[str] = []
    marks = []
    start = 0.0
    for rhythm, seconds, kinds in episodes:
        first, stop = round(start * rate), round((start + seconds) * rate)
        marks.append((first + round(0.05 * rate), rhythm))  # as in the sources, not 0
        time = np.arange(stop - first) / rate
        values[first:stop] += np.outer(_waves(rhythm, time), [w[0] for w in ways])
        for at, kind in _times(rhythm, seconds, kinds):
            sample = first + round(at * rate)
            samples.append(sample)
            symbols.append(kind)
            _add(values, sample, kind, ways, rate)
        start += seconds
    return Heart(values, tuple(samples), tuple(symbols), tuple(marks))


def _times(rhythm: str, seconds: float, kinds: str) -> list[tuple[float, str]]:
    """Say when which beats of an episode come [s]."""
    found: list[tuple[float, str]] = []
    at = 0.4
    while kinds and at < seconds - 0.45:
        kind = kinds[len(found) % len(kinds)]
        found.append((at, kind))
        following = kinds[len(found) % len(kinds)]
        step = _AFTER.get(following, _PAUSE if kind in _AFTER else 0.8)
        if rhythm in ("AFIB", "VT", "AFL"):
            irregular = 0.25 * np.sin(2.4 * len(found))
            step = {"AFIB": 0.65 + irregular, "VT": 0.36, "AFL": 0.6}[rhythm]
        at += step
    return found


def _waves(rhythm: str, time: Values) -> Values:
    """Return what an episode has besides beats [mV]."""
    wobble = 1 + 0.2 * np.sin(2 * np.pi * 0.7 * time)
    match rhythm:
        case "AFIB":
            return 0.08 * wobble * np.sin(2 * np.pi * 6.3 * time)
        case "AFL":
            return 0.15 * (2 * ((5.0 * time) % 1.0) - 1)
        case "VF" | "VFIB":
            return 0.7 * wobble * np.sin(2 * np.pi * 5.1 * time)
        case "NOISE":
            hums = np.array([3.1, 7.7, 17.3, 31.9])
            waves: Values = np.sin(2 * np.pi * np.outer(time, hums) + hums)
            return 0.2 * np.asarray(waves.sum(axis=1))
        case _:
            return np.zeros_like(time)


def _add(
    values: Values,
    sample: int,
    kind: str,
    ways: Sequence[tuple[float, float]],
    rate: float,
) -> None:
    """Add one beat to the leads, in place."""
    first, last = max(sample - round(0.5 * rate), 0), sample + round(0.7 * rate)
    part = values[first:last]
    away = (np.arange(first, first + len(part)) - sample) / rate
    for at, width, main, side in _BEATS[kind]:
        pulse = np.exp(-0.5 * ((away - at) / width) ** 2)
        part += np.outer(pulse, [main * a + side * b for a, b in ways])


def write_record(path: Path, values: Values, leads: Sequence[str], how: Format,
                 comments: Sequence[str] = ()) -> None:  # fmt: skip
    """Write a header in the sources' own words, and its samples."""
    digital = np.rint(values * how.steps).astype(np.int64) + how.zero
    plain = how.fmt == "16"
    content = digital.astype("<i2").tobytes() if plain else _pack_212(digital)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".dat").write_bytes(content)
    unit = f"/{how.unit}" if how.unit else ""
    lines = [f"{path.stem} {len(leads)} {how.rate:g} {len(digital)}"]
    for k, lead in enumerate(leads):
        total = (int(digital[:, k].sum()) + 32768) % 65536 - 32768
        lines.append(
            f"{path.stem}.dat {how.fmt} {how.gain}{unit} {how.bits} {how.zero} "
            f"{digital[0, k]} {total} 0 {lead}"
        )
    lines += [f"# {line}" for line in comments]
    write_text(path.with_suffix(".hea"), "\n".join([*lines, ""]))


def _pack_212(digital: NDArray[np.int64]) -> bytes:
    """Put two samples of 12 bits into three bytes."""
    flat = digital.ravel() & 0xFFF
    if len(flat) % 2:
        flat = np.append(flat, 0)
    low, high = flat[0::2], flat[1::2]
    middle = (low >> 8) | (high >> 8 << 4)
    three = np.stack([low & 0xFF, middle, high & 0xFF], axis=1)
    return three.astype(np.uint8).tobytes()
