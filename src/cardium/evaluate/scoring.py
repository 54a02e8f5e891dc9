"""Score predictions against the dataset's truth, and compare two models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cardium.core import OpenDataset, Task, provenance
from cardium.core.files import read_json, write_json
from cardium.core.task import Columns, Summarize
from cardium.errors import (
    CardiumError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    UnknownNameError,
)
from cardium.evaluate.bootstrap import Estimate, bootstrap_intervals
from cardium.evaluate.predictions import (
    COLUMNS,
    Progress,
    read_answer,
)
from cardium.evaluate.report import SUMMARY, Report, ScoreTable
from cardium.evaluate.tables import read_table, write_table


def score(
    predictions: str | Path,
    *,
    root: str | Path | None = None,
    task: Task | None = None,
    data: OpenDataset | None = None,
    draws: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Score a folder of predictions; the model is not needed.

    Parameters
    ----------
    predictions : str or Path
        A predictions folder.
    root : str or Path, optional
        Where the dataset lies now. If not given, where it lay when predicting.
    task : Task, optional
        The task, if it is not a registered one.
    data : OpenDataset, optional
        The dataset, if it is not a registered one.
    draws : int
        Bootstrap draws of the patients; 0 for no intervals.
    seed : int
        Of the bootstrap.
    progress : function (done, total), optional
        Called after each recording.

    Returns
    -------
    Report
        Also written into the folder: ``scores.csv``, one row a recording and metric,
        and ``summary.json``.

    Raises
    ------
    DataMissingError
        If predicting was not finished, or the dataset is not there.
    RunConflictError
        If the task or the data given is not the one that was predicted.
    NotProvidedError
        If no recording could be scored.

    Notes
    -----
    The truth is read from the dataset again, on the geometry on which it is scored. A
    recording that was not predicted, or cannot be scored, is named with its reason in
    ``Report.skipped``.
    """
    folder = Path(predictions)
    made = read_json(folder / "provenance.json")
    rows = read_table(folder / "recordings.csv", COLUMNS)
    task = _the_task(made, task, folder)
    data = _the_data(made, data, root, folder)
    scored, skipped = _score_rows(folder, rows, task, data, progress)
    if not scored:
        first = f" The first: '{skipped[0][0]}', {skipped[0][1]}" if skipped else ""
        raise NotProvidedError(
            f"None of the {len(rows)} recordings in '{folder}' could be scored.{first}"
        )
    table = _table([row for row, _ in scored], [scores for _, scores in scored], task)
    report = Report(
        task=task.name,
        options=dict(task.options),
        dataset=made["dataset"],
        split=made["split"],
        model=made["model"],
        metrics=dict(task.metrics),
        primary=task.primary,
        scores=table,
        summary=_estimates(table, task, draws, seed),
        groups=_group_estimates(table, task, draws, seed),
        skipped=tuple(skipped),
        seen=dict(Counter(row["seen"] for row, _ in scored if row["seen"])),
        training=_training(folder / "training.csv"),
        provenance={
            "predictions": made,
            "scores": provenance(draws=draws, seed=seed, root=data.root.absolute()),
        },
    )
    columns = ("recording", "patient", *task.groups, "metric", "value")
    write_table(folder / "scores.csv", columns, table.rows())
    write_json(folder / SUMMARY, report.to_dict())
    return report


def compare(
    report_a: Report,
    report_b: Report,
    *,
    task: Task | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Estimate]:
    """Estimate the difference *a minus b* of two models on the recordings of both.

    Parameters
    ----------
    report_a, report_b : Report
        Two models' reports of one task, dataset and split.
    task : Task, optional
        The task, if it is not a registered one.
    draws : int
        Bootstrap draws of the patients.
    seed : int
        Of the bootstrap.
    level : float
        Share of the draws between the ends.

    Returns
    -------
    dict of str to Estimate
        The difference of each metric, with its interval: one that does not hold zero
        says that the models differ.

    Raises
    ------
    InvalidArgumentError
        If the reports are of different tasks, datasets or splits, or share no
        recording.

    Notes
    -----
    Paired: each draw takes the same patients for both models, so that what makes a
    patient hard for both cancels. Two intervals that overlap do not say that two
    models are alike; this one does not need to be compared with another.
    """
    for what in ("task", "dataset", "split"):
        a, b = getattr(report_a, what), getattr(report_b, what)
        if a != b:
            raise InvalidArgumentError(
                f"The reports cannot be compared: {what} is {a} in one, {b} in the "
                "other."
            )
    if task is None:
        from cardium.tasks import open_task

        task = open_task(report_a.task, **report_a.options)
    a, b = report_a.scores, report_b.scores
    row_of = {recording: k for k, recording in enumerate(b.recordings)}
    both = [k for k, recording in enumerate(a.recordings) if recording in row_of]
    if not both:
        raise InvalidArgumentError("The two reports have no recording in common.")
    a, b = a.take(both), b.take([row_of[a.recordings[k]] for k in both])
    columns = {
        **{f"a {name}": column for name, column in a.columns.items()},
        **{f"b {name}": column for name, column in b.columns.items()},
    }
    return bootstrap_intervals(
        columns,
        a.patients,
        _difference(task.summarize),
        draws=draws,
        seed=seed,
        level=level,
    )


def _difference(summarize: Summarize) -> Summarize:
    """Return a function that summarises both halves of the columns and subtracts."""

    def difference(columns: Columns, patients: Any) -> dict[str, float]:  # noqa: ANN401
        a, b = (
            summarize(
                {
                    name.removeprefix(side): column
                    for name, column in columns.items()
                    if name.startswith(side)
                },
                patients,
            )
            for side in ("a ", "b ")
        )
        return {name: value - b[name] for name, value in a.items() if name in b}

    return difference


def _the_task(made: Mapping[str, Any], task: Task | None, folder: Path) -> Task:
    """Return the task that was predicted."""
    name, options = made["task"]["name"], made["task"]["options"]
    if task is None:
        from cardium.tasks import open_task

        return open_task(name, **options)
    if (task.name, dict(task.options)) != (name, options):
        raise RunConflictError(
            f"'{folder}' holds predictions of the task {name} {options}, not of "
            f"{task.name} {dict(task.options)}."
        )
    return task


def _the_data(
    made: Mapping[str, Any],
    data: OpenDataset | None,
    root: str | Path | None,
    folder: Path,
) -> OpenDataset:
    """Return the dataset that was predicted."""
    known = made["dataset"]
    if data is None:
        from cardium.datasets import open_dataset

        data = open_dataset(known["name"], root or made["root"])
    dataset = data.dataset
    if (dataset.name, dataset.info.version) != (known["name"], known["version"]):
        raise RunConflictError(
            f"'{folder}' holds predictions of {known['name']} {known['version']}, not "
            f"of {dataset.name} {dataset.info.version}. Predict again."
        )
    return data


Row = Mapping[str, str]


def _score_rows(
    folder: Path,
    rows: list[dict[str, str]],
    task: Task,
    data: OpenDataset,
    progress: Progress | None,
) -> tuple[list[tuple[Row, dict[str, float]]], list[tuple[str, str]]]:
    """Score each recording; what cannot be scored is returned with its reason."""
    entries = {entry.id: entry for entry in data.catalog}
    scored: list[tuple[Row, dict[str, float]]] = []
    skipped: list[tuple[str, str]] = []
    for done, row in enumerate(rows, start=1):
        name = row["recording"]
        try:
            if row["status"] == "failed":
                skipped.append((name, row["reason"]))
            elif name not in entries:
                raise UnknownNameError("recording", name, entries)
            else:
                truth = task.target(data.load(entries[name]), None)
                scored.append((row, task.score(read_answer(folder, name), truth)))
        except (CardiumError, OSError) as error:
            skipped.append((name, f"{type(error).__name__}: {error}"))
        if progress is not None:
            progress(done, len(rows))
    return scored, skipped


def _table(rows: list[Row], scores: list[dict[str, float]], task: Task) -> ScoreTable:
    """Turn scored rows into columns."""
    names = list(dict.fromkeys(name for one in scores for name in one))
    return ScoreTable(
        recordings=tuple(row["recording"] for row in rows),
        patients=tuple(row["patient"] for row in rows),
        labels={k: tuple(row.get(k, "") for row in rows) for k in task.groups},
        columns={
            name: np.array([one.get(name, np.nan) for one in scores]) for name in names
        },
    )


def _estimates(
    table: ScoreTable, task: Task, draws: int, seed: int
) -> dict[str, Estimate]:
    """Summarise a table with intervals, where a metric has one."""
    found = bootstrap_intervals(
        table.columns, table.patients, task.summarize, draws=draws, seed=seed
    )
    nan = float("nan")
    return {
        name: replace(one, low=nan, high=nan) if task.metrics[name].is_count else one
        for name, one in found.items()
    }


def _group_estimates(
    table: ScoreTable, task: Task, draws: int, seed: int
) -> dict[str, dict[str, dict[str, Estimate]]]:
    """Summarise by each value of each label; recordings without it are left out."""
    groups: dict[str, dict[str, dict[str, Estimate]]] = {}
    for label, values in table.labels.items():
        for value in sorted(set(values) - {""}):
            rows = [k for k, one in enumerate(values) if one == value]
            part = _estimates(table.take(rows), task, draws, seed)
            groups.setdefault(label, {})[value] = part
    return groups


def _training(path: Path) -> tuple[dict[str, float], ...]:
    """Read the training curve, if there is one; an empty cell is NaN."""
    if not path.is_file():
        return ()
    return tuple(
        {k: float(v) if v else float("nan") for k, v in row.items()}
        for row in read_table(path, ("step",))
    )
