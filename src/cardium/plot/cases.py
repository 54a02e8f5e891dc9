"""The pictures of a report: the best, the median and the worst case, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, OpenDataset, Task
from cardium.errors import CardiumError
from cardium.plot.page import Case, case_metric, choose_cases

if TYPE_CHECKING:
    from cardium.evaluate.report import Report


def draw_cases(
    predictions: Path, report: Report, *, task: Task, data: OpenDataset, count: int = 3
) -> list[Case]:
    """Draw the best, the median and the worst cases of a report.

    Parameters
    ----------
    predictions : Path
        The predictions folder that was scored.
    report : Report
        Its scores.
    task : Task
        The task.
    data : OpenDataset
        The dataset, for what the model saw and for the truth.
    count : int
        How many cases, at most.

    Returns
    -------
    list of Case
        Pictures with captions. The caption of a case that can no longer be read says
        so, and the others are drawn.
    """
    from cardium.evaluate.predictions import read_answer
    from cardium.plot.case import draw_case

    key = case_metric(report)
    if key is None:
        # Only counts are kept of a recording: summarise each as if it were all.
        key, values = report.primary, _alone(report, task)
        ranked = choose_cases(report, count=count, values=values)
    else:
        values = report.scores.columns[key]
        ranked = choose_cases(report, count=count)
    metric = report.metrics[key]
    row_of = {recording: k for k, recording in enumerate(report.scores.recordings)}
    name = str(report.model.get("name", "model"))
    cases = []
    for rank, recordings in ranked.items():
        for recording in recordings:
            value = values[row_of[recording]]
            title = f"{name}, {rank}: {recording}"
            caption = f"{metric.title} {value:.3g} {metric.unit}".strip()
            picture = b""
            try:
                opened = data[recording]
                picture = draw_case(
                    task,
                    task.inputs(opened),
                    task.target(opened, None),
                    read_answer(predictions, recording),
                    title=title,
                )
            except CardiumError as error:
                caption += f". Not drawn: {error}"
            cases.append(Case(title=title, caption=caption, picture=picture))
    return cases


def _alone(report: Report, task: Task) -> FloatArray:
    """Return the primary metric of each recording alone."""
    found = np.full(len(report.scores), np.nan)
    for k in range(len(found)):
        columns = report.scores.take([k]).columns
        with np.errstate(all="ignore"):
            found[k] = task.summarize(columns, np.zeros(1, np.intp))[report.primary]
    return found
