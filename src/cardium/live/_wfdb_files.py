"""The bytes of a WFDB record that grows: header, format 16 samples, annotations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

GAIN = 1000
"""Steps a millivolt: one is 1 microvolt."""

NO_SAMPLE = -32768
"""What format 16 writes where the signal is missing."""

_NORMAL, _SKIP = 1, 59
_LONGEST_STEP = 1023


def digitise(values: NDArray[np.floating], zero: int) -> tuple[NDArray[np.int16], int]:
    """Turn millivolts into format 16, and say how many samples were beyond its range.

    `zero` is the step that stands for 0 mV. What is not finite is written as missing;
    what is out of range is held at the end of it.
    """
    steps = np.rint(np.asarray(values, np.float64) * GAIN) + zero
    missing = ~np.isfinite(steps)
    low, high = NO_SAMPLE + 1, -(NO_SAMPLE + 1)
    beyond = int(((steps < low) | (steps > high)).sum())
    digital = np.clip(np.where(missing, 0, steps), low, high).astype("<i2")
    digital[missing] = NO_SAMPLE
    return digital, beyond


def header_text(
    name: str,
    *,
    lead: str,
    rate: float,
    samples: int,
    zero: int,
    first: int,
    checksum: int,
    start: float,
    comments: Iterable[str],
) -> str:
    """Write the header of a record of one signal; `start` is in UTC."""
    began = datetime.fromtimestamp(start, UTC)
    signed = (checksum + 32768) % 65536 - 32768
    lines = [
        f"{name} 1 {rate:g} {samples} {began:%H:%M:%S.%f} {began:%d/%m/%Y}",
        f"{name}.dat 16 {GAIN}({zero})/mV 16 0 {first} {signed} 0 {lead}",
        *(f"# {comment}" for comment in comments),
    ]
    return "\n".join(lines) + "\n"


def annotation_bytes(places: Iterable[int]) -> bytes:
    """Encode beats at some samples as an MIT annotation file."""
    words: list[int] = []
    last = 0
    for place in places:
        step, last = place - last, place
        if step > _LONGEST_STEP:
            words += [_SKIP << 10, step >> 16, step & 0xFFFF]
            step = 0
        words.append(_NORMAL << 10 | step)
    return np.array([*words, 0], "<u2").tobytes()
