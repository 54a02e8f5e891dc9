"""The contract of a task: the truth scores best, and only the truth decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, Recording, Task
from cardium.testing.expect import expect


def check_task(task: Task, recordings: Sequence[Recording]) -> None:
    """Hold a task to its contract, on recordings that provide what it needs.

    Parameters
    ----------
    task : Task
        The task.
    recordings : sequence of Recording
        At least two, of at least two patients.

    Raises
    ------
    ConformanceError
        If the truth does not score best as a prediction, a shifted truth does not
        score worse, the order of the recordings matters, the inputs change when the
        annotations are taken away, or the truth has other shapes than `task.output`
        asks of a prediction.
    """
    expect(task.primary in task.metrics, f"{task.name}: no metric '{task.primary}'.")
    for recording in recordings:
        _check_inputs(task, recording)
    truths = [task.target(recording, None) for recording in recordings]
    patients = _numbered([recording.entry.patient for recording in recordings])
    best = _summary(task, truths, truths, patients)
    worse = _summary(task, [_shifted(truth) for truth in truths], truths, patients)
    sign = 1 if task.metrics[task.primary].higher_is_better else -1
    expect(
        sign * best[task.primary] > sign * worse[task.primary],
        f"{task.name}: the truth scores {best[task.primary]:g} in '{task.primary}', "
        f"a shifted truth {worse[task.primary]:g}.",
    )
    backwards = _summary(task, truths[::-1], truths[::-1], patients[::-1])
    for name, value in best.items():
        expect(
            np.isclose(value, backwards[name], equal_nan=True),
            f"{task.name}: '{name}' depends on the order of the recordings.",
        )
    unknown = set(best) - set(task.metrics)
    expect(not unknown, f"{task.name}: metrics without a title: {sorted(unknown)}.")


def _check_inputs(task: Task, recording: Recording) -> None:
    """Expect what a model sees to be finite and not taken from the truth."""
    sample = task.inputs(recording)
    where = f"{task.name}: the input of '{recording.entry.id}'"
    values = sample.stream.load()
    expect(values.dtype == np.float32, f"{where} is {values.dtype}, not float32.")
    expect(np.isfinite(values).all(), f"{where} is not finite.")
    blind = replace(
        recording, annotations={}, entry=replace(recording.entry, labels={})
    )
    same = np.array_equal(task.inputs(blind).stream.load(), values)
    expect(same, f"{where} depends on annotations or labels.")
    target = task.target(recording, sample.stream.geometry)
    value = target.values[task.output.name]
    if task.output.kind != "multilabel":
        blank = (
            np.nan_to_num(value) if value.dtype.kind == "f" else np.zeros_like(value)
        )
        task.answer(sample, {task.output.name: blank})


def _summary(
    task: Task,
    predictions: Sequence[Answer],
    truths: Sequence[Answer],
    patients: NDArray[np.intp],
) -> dict[str, float]:
    """Score and summarise."""
    rows = [task.score(p, t) for p, t in zip(predictions, truths, strict=True)]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return task.summarize(columns, patients)


def _shifted(truth: Answer) -> Answer:
    """Move the truth by an eighth of its last axis (one class, for probabilities)."""
    values = {
        name: np.roll(value, max(1, value.shape[-1] // 8), axis=-1)
        for name, value in truth.values.items()
    }
    return replace(truth, values=values)


def _numbered(names: Sequence[str]) -> NDArray[np.intp]:
    """Give each name a number, in the order of the names."""
    return np.unique(names, return_inverse=True)[1]
