"""Beats and rhythms as a strip shows them: symbols, colours, and who disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.signal.beat_classes import (
    BEAT_CLASSES,
    BEAT_SYMBOLS,
    aami_class,
    labels_of,
)

MEANINGS = {
    "N": "normal",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion",
    "Q": "unknown or paced",
}
"""What the classes of AAMI EC57 stand for."""

CLASS_COLOURS = {
    "N": "#4b5563",
    "S": "#0063b2",
    "V": "#c2410c",
    "F": "#9b2c86",
    "Q": "#00735c",
}
"""Told apart by colour-blind readers (after Okabe and Ito), dark enough for text."""

_OTHERS = ("#4b5563", "#0063b2", "#c2410c", "#9b2c86", "#00735c", "#8a6100")
_PALE = {
    "sinus": "#e3e6ea",
    "atrial": "#cfe5f8",
    "ventricular": "#fbd9c6",
    "other": "#e6dcf3",
}
_SINUS = frozenset({"N", "NSR", "SBR", "sinus"})
_ATRIAL = frozenset({"AFIB", "AFL", "AF", "AB", "SVTA", "J", "NOD"})
_VENTRICULAR = frozenset(
    {"VT", "VFL", "VF", "VFIB", "VER", "HGEA", "IVR", "B", "T", "ASYS"}
)
PLAIN = "▾"
"""The symbol of a beat of which no more is said than when it is."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A beat: when it is, how it is written, and the class that counts."""

    time: float
    symbol: str
    group: str
    colour: str


@dataclass(frozen=True, slots=True)
class Span:
    """A rhythm and how long it lasts [s]."""

    start: float
    stop: float
    label: str


def read_marks(beats: Stream, start: float, stop: float, mapping: str) -> list[Mark]:
    """Return the beats of an annotation in a stretch of time."""
    if "label" not in beats.coords:
        times = beats.time[(beats.time >= start) & (beats.time < stop)]
        return [Mark(float(t), PLAIN, PLAIN, CLASS_COLOURS["N"]) for t in times]
    names = beats.coords["label"]
    shown = beats.between(start, stop)
    looks = {name: _look(name, k, names, mapping) for k, name in enumerate(names)}
    return [
        Mark(float(time), symbol, *looks[symbol])
        for time, symbol in zip(shown.time, labels_of(shown), strict=True)
    ]


def read_spans(rhythm: Stream, start: float, stop: float) -> list[Span]:
    """Return the rhythms in a stretch of time; one lasts until the next begins."""
    ends = np.append(rhythm.time[1:], np.inf)
    return [
        Span(max(float(begin), start), min(float(end), stop), label)
        for begin, end, label in zip(rhythm.time, ends, labels_of(rhythm), strict=True)
        if begin < stop and end > start
    ]


def differing(
    truth: Sequence[Mark], predicted: Sequence[Mark], tolerance: float
) -> list[tuple[float, Mark | None, Mark | None]]:
    """Return (time, truth, prediction) of beats that one lacks or calls otherwise."""
    pairs = pair_times(
        np.array([one.time for one in truth]),
        np.array([one.time for one in predicted]),
        tolerance,
    )
    by_truth = dict(pairs)
    found = set(by_truth.values())
    wrong: list[tuple[float, Mark | None, Mark | None]] = []
    for k, one in enumerate(truth):
        other = predicted[by_truth[k]] if k in by_truth else None
        if other is None or other.group != one.group:
            wrong.append((one.time, one, other))
    wrong += [(p.time, None, p) for k, p in enumerate(predicted) if k not in found]
    return sorted(wrong, key=lambda row: row[0])


def pair_times(
    truth: FloatArray, predicted: FloatArray, tolerance: float
) -> list[tuple[int, int]]:
    """Pair ascending times one to one, each within the tolerance [s]."""
    pairs = []
    other = 0
    for k, time in enumerate(truth):
        while other < len(predicted) and predicted[other] < time - tolerance:
            other += 1
        near = other
        # A closer one may follow, unless it is closer still to the next beat.
        while near + 1 < len(predicted) and abs(predicted[near + 1] - time) < abs(
            predicted[near] - time
        ):
            near += 1
        if near < len(predicted) and abs(predicted[near] - time) <= tolerance:
            pairs.append((k, near))
            other = near + 1
    return pairs


def differing_spans(truth: Sequence[Span], predicted: Sequence[Span]) -> list[Span]:
    """Return where two lists of rhythms say other things; both must speak."""
    return [
        Span(max(a.start, b.start), min(a.stop, b.stop), f"{a.label} ≠ {b.label}")
        for a in truth
        for b in predicted
        if a.label != b.label and max(a.start, b.start) < min(a.stop, b.stop)
    ]


def pale_colour(rhythm: str) -> str:
    """Return the ground of a band that names a rhythm."""
    for kind, names in (
        ("sinus", _SINUS),
        ("atrial", _ATRIAL),
        ("ventricular", _VENTRICULAR),
    ):
        if rhythm in names:
            return _PALE[kind]
    return _PALE["other"]


def _look(name: str, code: int, names: Sequence[str], mapping: str) -> tuple[str, str]:
    """Return the class of a label, and its colour."""
    if set(names) <= {*BEAT_SYMBOLS, *BEAT_CLASSES}:
        group = aami_class(name, mapping)
        return group, CLASS_COLOURS[group]
    return name, _OTHERS[code % len(_OTHERS)]
