"""The contract of a task: the truth scores best, and only the truth decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, Output, Recording, Task
from cardium.errors import NotProvidedError
from cardium.testing.expect import expect


def check_task(task: Task, recordings: Sequence[Recording]) -> None:
    """Hold a task to its contract, on recordings that provide what it needs.

    Parameters
    ----------
    task : Task
        The task.
    recordings : sequence of Recording
        At least two, of at least two patients. One that the task refuses with
        `NotProvidedError`, as an ECG without the leads that it shows, is passed over.
        A primary metric that these recordings do not define, as the share found of
        episodes that none of them has, is not compared.

    Raises
    ------
    ConformanceError
        If the truth does not score best as a prediction, a shifted truth does not
        score worse, the order of the recordings matters, the inputs change when the
        annotations are taken away, or the truth has other shapes than `task.output`
        asks of a prediction. Where a task gives the times of events, they may come
        from an annotation; what it says of them may not be seen.
    """
    expect(task.primary in task.metrics, f"{task.name}: no metric '{task.primary}'.")
    recordings = [one for one in recordings if _has_what_is_needed(task, one)]
    if not recordings:
        return
    for recording in recordings:
        _check_inputs(task, recording)
    truths = [task.target(recording, None) for recording in recordings]
    patients = _numbered([recording.entry.patient for recording in recordings])
    best = _summary(task, truths, truths, patients)
    wrong = [_shifted(truth, task.output) for truth in truths]
    worse = _summary(task, wrong, truths, patients)
    sign = 1 if task.metrics[task.primary].higher_is_better else -1
    expect(
        np.isnan(best[task.primary])
        or sign * best[task.primary] > sign * worse[task.primary],
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


def _has_what_is_needed(task: Task, recording: Recording) -> bool:
    """Say whether the task can be asked of a recording that says it provides enough."""
    try:
        task.inputs(recording)
        task.target(recording, None)
    except NotProvidedError:
        return False
    return True


def _check_inputs(task: Task, recording: Recording) -> None:
    """Expect what a model sees to be finite and not taken from the truth."""
    sample = task.inputs(recording)
    where = f"{task.name}: the input of '{recording.entry.id}'"
    values = sample.stream.load()
    expect(values.dtype == np.float32, f"{where} is {values.dtype}, not float32.")
    expect(np.isfinite(values).all(), f"{where} is not finite.")
    seen = task.inputs(_blind(task, recording))
    same = np.array_equal(seen.stream.load(), values)
    if sample.events is not None and seen.events is not None:
        same = same and np.array_equal(sample.events, seen.events)
    expect(same, f"{where} depends on annotations or labels.")
    target = task.target(recording, sample.stream.geometry)
    value = target.values[task.output.name]
    if task.output.kind != "multilabel":
        blank = (
            np.nan_to_num(value) if value.dtype.kind == "f" else np.zeros_like(value)
        )
        task.answer(sample, {task.output.name: blank})


def _blind(task: Task, recording: Recording) -> Recording:
    """Take the labels and the annotations away; of events, only what they are."""
    annotations = {}
    if task.output.kind == "event_class":
        annotations = {
            name: stream.with_values(np.zeros(stream.shape, stream.values.dtype))
            for name, stream in recording.annotations.items()
        }
    entry = replace(recording.entry, labels={})
    return replace(recording, annotations=annotations, entry=entry)


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


def _shifted(truth: Answer, output: Output) -> Answer:
    """Move the truth: by an eighth of its last axis, one class, half a beat, a unit."""
    value = truth.values[output.name]
    match output.kind:
        case "events":
            wrong = value + (np.median(np.diff(value)) / 2 if len(value) > 1 else 1.0)
        case "quantity":
            wrong = value + 1
        case "multilabel" if value.shape[-1] == 1:
            wrong = 1 - value
        case _:
            wrong = np.roll(value, max(1, value.shape[-1] // 8), axis=-1)
    return replace(truth, values={**truth.values, output.name: wrong})


def _numbered(names: Sequence[str]) -> NDArray[np.intp]:
    """Give each name a number, in the order of the names."""
    return np.unique(names, return_inverse=True)[1]
