"""What the corrected protocols share: they are scored by the task itself."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, Case, Clip, Field, Item, Protocol, Recording, Task
from cardium.protocols import cut_recording


def truth(case: Case) -> Item:
    """Return an item that carries the recording: a task makes its own truth of it."""
    held = np.empty((), object)
    held[()] = case
    return {"case": held}


def score(
    task: Task,
    answer: Callable[[Case, NDArray[Any]], Answer],
    predictions: Sequence[NDArray[Any]],
    truths: Sequence[Item],
) -> dict[str, float]:
    """Average a task's scores over the recordings of a batch.

    Parameters
    ----------
    task : Task
        Scores one recording.
    answer : function (case, prediction) -> Answer
        That of the protocol.
    predictions : sequence of array
        One a recording.
    truths : sequence of Item
        What `truth` returned for each.

    Returns
    -------
    dict of str to float
        The metrics of the task; NaN where no recording has one. The recordings of a
        batch are of different patients or count one by one: means by patient are made
        of whole data sets, by the task's `summarize`.
    """
    rows = []
    for prediction, item in zip(predictions, truths, strict=True):
        case: Any = item["case"].item()
        wanted = task.target(cut_recording(case), None)
        rows.append(task.score(answer(case, prediction), wanted))
    return {name: _mean([row[name] for row in rows]) for name in task.metrics}


def _mean(values: Sequence[float]) -> float:
    """Average the numbers there are."""
    numbers = [value for value in values if not np.isnan(value)]
    return float(np.mean(numbers)) if numbers else float("nan")


def correct(
    paper: Protocol,
    opening: Callable[[Recording], Case],
    prepare: Callable[[Case, Clip], Item],
    finish: Callable[[Item], Item],
    fields: Mapping[str, Field],
    unused: Container[str],
) -> Protocol:
    """Make of a published protocol the one that is read and scored as it should be.

    Parameters
    ----------
    paper : Protocol
        The published one: its admission, clips and answers are kept.
    opening, prepare, finish, fields
        What differs; see `Protocol`.
    unused : container of str
        Options of the published one that mean nothing here.

    Returns
    -------
    Protocol
        Scored by the task, on the samples there are: its size is 0.
    """
    kept = {k: v for k, v in paper.options.items() if k not in unused}
    return replace(
        paper,
        name="corrected",
        open=opening,
        prepare=prepare,
        finish=finish,
        fields=fields,
        truth=truth,
        score=partial(score, paper.task, paper.answer),
        metrics=paper.task.metrics,
        primary=paper.task.primary,
        options=MappingProxyType({**kept, "size": 0}),
    )
