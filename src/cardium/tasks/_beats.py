"""What tasks about beats share: their annotation, and stretches that do not count."""

from __future__ import annotations

import numpy as np

from cardium.core import FloatArray, Recording, Stream
from cardium.errors import NotProvidedError
from cardium.signal import labels_of

FIBRILLATION = frozenset({"VFL", "VF", "VFIB"})
"""Rhythms in which there are no beats to count: EC57 leaves them out."""


def annotation(recording: Recording, *names: str) -> Stream:
    """Return the first of some annotations that a recording has.

    Raises
    ------
    NotProvidedError
        If it has none of them.
    """
    for name in names:
        if name in recording.annotations:
            return recording.annotations[name]
    raise NotProvidedError(
        f"Recording '{recording.entry.id}' has no annotation "
        f"'{' or '.join(names)}'. It has: "
        f"{', '.join(recording.annotations) or 'none'}."
    )


def spans_of(recording: Recording, rhythms: frozenset[str]) -> FloatArray:
    """Return where (E, 2) some rhythms last; a rhythm lasts until the next one."""
    if "rhythm" not in recording.annotations:
        return np.zeros((0, 2))
    rhythm = recording.annotations["rhythm"]
    end = max(float(recording["ecg"].time[-1]), float(rhythm.time[-1]))
    stop = np.append(rhythm.time[1:], end)
    is_one = np.array([label in rhythms for label in labels_of(rhythm)], bool)
    return np.stack([rhythm.time[is_one], stop[is_one]], axis=1)
