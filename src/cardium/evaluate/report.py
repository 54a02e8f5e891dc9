"""The report: scores, how sure they are, what was skipped, and what made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cardium.core import FloatArray, Metric
from cardium.core.files import plain, read_json
from cardium.errors import DataCorruptError
from cardium.evaluate.bootstrap import Estimate

Estimates = Mapping[str, Estimate]
SUMMARY = "summary.json"


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """One row a scored recording.

    Parameters
    ----------
    recordings : (N,) str
        Ids.
    patients : (N,) str
        Whose they are.
    labels : mapping of str to (N,) str
        What results are broken down by: ``{"view": ("2CH", …)}``; empty where an
        entry has no such label.
    columns : mapping of str to (N,)
        Every number that `Task.score` returned.
    """

    recordings: tuple[str, ...]
    patients: tuple[str, ...]
    labels: Mapping[str, tuple[str, ...]]
    columns: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.recordings)

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield one row a recording and score: the long form of ``scores.csv``.

        Yields
        ------
        dict
            Recording, patient, each label, metric and value.

        Examples
        --------
        >>> scores = ScoreTable(("r0",), ("p0",), {}, {"dice": np.array([0.9])})
        >>> next(scores.rows())
        {'recording': 'r0', 'patient': 'p0', 'metric': 'dice', 'value': 0.9}
        """
        for k, recording in enumerate(self.recordings):
            who = {"recording": recording, "patient": self.patients[k]}
            labels = {name: values[k] for name, values in self.labels.items()}
            for metric, column in self.columns.items():
                yield {**who, **labels, "metric": metric, "value": float(column[k])}

    def take(self, rows: list[int]) -> ScoreTable:
        """Take some rows.

        Parameters
        ----------
        rows : list of int
            Their numbers, in any order.

        Returns
        -------
        ScoreTable
            Those rows, in the order given.

        Examples
        --------
        >>> scores = ScoreTable(("r0", "r1"), ("p0", "p1"), {}, {})
        >>> scores.take([1]).patients
        ('p1',)
        """
        return ScoreTable(
            tuple(self.recordings[k] for k in rows),
            tuple(self.patients[k] for k in rows),
            {k: tuple(v[row] for row in rows) for k, v in self.labels.items()},
            {k: column[rows] for k, column in self.columns.items()},
        )


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The result of scoring a model's predictions of one side of a dataset.

    Parameters
    ----------
    task : str
        The task's name.
    options : mapping
        How it was set.
    dataset : mapping of str to str
        Name and version.
    split : mapping of str to str
        ``name``, the side that was scored, and ``origin``, how the split was made.
    model : mapping
        What the model says it is.
    metrics : mapping of str to Metric
        How to print each number of the summary.
    primary : str
        The metric that ranks models.
    scores : ScoreTable
        One row a recording.
    summary : mapping of str to Estimate
        Each metric over all recordings.
    groups : mapping of str to mapping of str to mapping of str to Estimate
        The same by label and value: ``groups["view"]["2CH"]["dice"]``.
    skipped : tuple of (recording, reason)
        What is not in the numbers, and why.
    seen : mapping of str to int
        How many scored recordings are of patients the model was made with, by side.
    training : tuple of mapping
        Rows of the training curve, if the model was trained here.
    provenance : mapping
        What made the predictions and the scores.
    """

    task: str
    options: Mapping[str, str | float | int]
    dataset: Mapping[str, str]
    split: Mapping[str, str]
    model: Mapping[str, object]
    metrics: Mapping[str, Metric]
    primary: str
    scores: ScoreTable
    summary: Estimates
    groups: Mapping[str, Mapping[str, Estimates]]
    skipped: tuple[tuple[str, str], ...]
    seen: Mapping[str, int]
    training: tuple[Mapping[str, float], ...]
    provenance: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Describe the report by what JSON can hold; `from_dict` is its inverse.

        Returns
        -------
        dict
            NaN is None in it.
        """
        plainly = {name: getattr(self, name) for name in _PLAIN}
        value: dict[str, Any] = plain(
            {
                **plainly,
                "metrics": {name: asdict(m) for name, m in self.metrics.items()},
                "summary": _estimates_to_dict(self.summary),
                "groups": {
                    label: {v: _estimates_to_dict(e) for v, e in values.items()}
                    for label, values in self.groups.items()
                },
                "scores": asdict(self.scores),
            }
        )
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Report:
        """Build the report that `to_dict` described.

        Raises
        ------
        DataCorruptError
            If it is not the description of a report.
        """
        try:
            return cls(
                **{name: value[name] for name in _PLAIN if name not in _LISTS},
                metrics={k: Metric(**v) for k, v in value["metrics"].items()},
                summary=_estimates_from_dict(value["summary"]),
                groups={
                    label: {v: _estimates_from_dict(e) for v, e in values.items()}
                    for label, values in value["groups"].items()
                },
                scores=_scores_from_dict(value["scores"]),
                skipped=tuple((name, why) for name, why in value["skipped"]),
                training=tuple(_numbers(row) for row in value["training"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataCorruptError(
                f"Not the description of a report ({type(error).__name__}: {error}). "
                "Score the predictions again."
            ) from error


_LISTS = ("skipped", "training")
_PLAIN = (
    "task",
    "options",
    "dataset",
    "split",
    "model",
    "primary",
    "seen",
    "provenance",
    *_LISTS,
)


def load_report(predictions: Path) -> Report:
    """Read the report of predictions that were scored.

    Parameters
    ----------
    predictions : Path
        A predictions folder.

    Returns
    -------
    Report
        What `cardium.evaluate.score` returned and wrote there.

    Raises
    ------
    DataMissingError
        If the predictions were not scored.
    DataCorruptError
        If ``summary.json`` is not the description of a report.
    """
    return Report.from_dict(read_json(predictions / SUMMARY))


def _estimates_to_dict(estimates: Estimates) -> dict[str, Any]:
    """Describe estimates by name."""
    return {name: asdict(estimate) for name, estimate in estimates.items()}


def _estimates_from_dict(value: Mapping[str, Any]) -> dict[str, Estimate]:
    """Build the estimates that `_estimates_to_dict` described."""
    return {name: Estimate(**_numbers(one)) for name, one in value.items()}


def _scores_from_dict(value: Mapping[str, Any]) -> ScoreTable:
    """Build the table that `dataclasses.asdict` described."""
    return ScoreTable(
        recordings=tuple(value["recordings"]),
        patients=tuple(value["patients"]),
        labels={k: tuple(v) for k, v in value["labels"].items()},
        columns={k: np.array(v, np.float64) for k, v in value["columns"].items()},
    )


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the nulls that JSON holds for NaN back into NaN."""
    return {k: float("nan") if v is None else v for k, v in value.items()}
