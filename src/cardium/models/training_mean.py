"""The mean of the training targets: what is answered without a look at the input.

A baseline for every kind of answer. A model that does not beat it has learnt nothing
of the recordings. For classes it is the *prior*: how often each one is present, or
which share of the events of a recording is of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    SIGNAL_KINDS,
    UNLABELLED,
    Answer,
    FloatArray,
    Output,
    Recipe,
    Sample,
    Task,
)
from cardium.models._resize import nearest_indices, resize_weights
from cardium.signal.doppler import fold

_GRID = 128


class TrainingMean:
    """Counts targets on one grid, and answers with their mean.

    Each recording has the same say, whatever its number of frames. Pixels without a
    label, velocities that are not a number and classes that are not known are left
    out; where nothing was ever seen, the answer is background, 0 m/s, 0, or of events
    each class as likely.

    Velocities are averaged as numbers, not as phasors: the mean of the folded values
    is the answer that a reader expects under this name, and what EchoXFlow's table
    calls the temporal mean.

    Parameters
    ----------
    output : Output
        What the task asks for.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        shape: tuple[int, ...]
        match output.kind:
            case "label_map":
                shape = (len(output.classes), _GRID, _GRID)
            case "velocity":
                shape = (_GRID, _GRID)
            case _:
                shape = (len(output.classes),)
        self._total: FloatArray = np.zeros(shape)
        self._weight: FloatArray = np.zeros(shape)

    def update(self, sample: Sample, target: Answer) -> None:
        """Take in one training sample and its truth on the sample's geometry."""
        value = target.values[self._output.name]
        if self._output.kind == "event_class":
            value = value[np.nansum(value, axis=1) > 0]  # the others are unknown
        elif self._output.kind in ("multilabel", "quantity"):
            value = value[None]
        else:
            rows, columns = (nearest_indices(n, _GRID) for n in value.shape[-2:])
            value = value[:, rows[:, None], columns]
        if self._output.kind == "label_map":
            codes = np.arange(len(self._output.classes))[:, None, None]
            labelled = np.where(value == UNLABELLED, np.nan, 1.0)[:, None]
            value = (value[:, None] == codes) * labelled
        known = np.isfinite(value)
        frames = known.sum(0)
        mean = np.where(known, value, 0).sum(0) / np.maximum(frames, 1)
        self._total += mean
        self._weight += frames > 0

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was counted: the sum of the means, and of how many."""
        return {"total": self._total, "weight": self._weight}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._total, self._weight = arrays["total"], arrays["weight"]

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer the mean, at the size of the sample."""
        mean = self._total / np.maximum(self._weight, 1)
        if self._output.kind in ("multilabel", "quantity"):
            return {self._output.name: mean.astype(np.float32)}
        if self._output.kind == "event_class":
            count = 0 if sample.events is None else len(sample.events)
            row = mean / mean.sum() if mean.any() else np.full_like(mean, 1 / len(mean))
            return {self._output.name: np.tile(row, (count, 1)).astype(np.float32)}
        frames, *place = sample.stream.shape
        across, down = (resize_weights(_GRID, n) for n in reversed(place))
        mean = down @ mean @ across.T
        if self._output.kind == "label_map":
            frame, count = mean.argmax(0).astype(np.uint8), frames
        else:
            limit, count = sample.velocity_limit, frames - 1
            frame = (mean if limit is None else fold(mean, limit)).astype(np.float32)
        return {self._output.name: np.repeat(frame[None], count, axis=0)}


def build(task: Task) -> TrainingMean:
    """Build the baseline for a task."""
    return TrainingMean(task.output)


MODEL = Recipe(
    name="training_mean",
    title="Mean of the training targets, blind to the input",
    answers=frozenset({"label_map", "velocity", *SIGNAL_KINDS}),
    family="baseline",
    build=build,
)
