"""The report of a benchmark: its tables, made of the rows of its cells alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardium.bench._layout import Table
from cardium.bench._paper import Column, paper_columns, paper_value
from cardium.bench.cells import LeftOut, gather_left_out
from cardium.bench.jobs import DONE, read_state
from cardium.bench.rows import Row, Skipped, read_rows, read_skipped
from cardium.bench.run import PLAN, default_out
from cardium.bench.spec import Spec, load_spec
from cardium.bench.tables import (
    FoldMean,
    Place,
    corrected_folds,
    differences,
    over_folds,
    pooled,
    published_folds,
)
from cardium.core.files import plain, read_json
from cardium.errors import DataMissingError, RunConflictError
from cardium.evaluate import Estimate

_NONE = "–"
_SHORT = {"beamspace": "beam", "cartesian": "cart"}


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What a benchmark came to.

    Parameters
    ----------
    title : str
        The benchmark's.
    notes : tuple of str
        How many cells there are, and what is not as in the papers.
    tables : tuple of Table
        For people.
    numbers : tuple of mapping
        The same for machines, one row a number.
    failed : int
        Cells that failed.
    """

    title: str
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    numbers: tuple[Mapping[str, Any], ...]
    failed: int


def report_bench(
    spec: str | Path | Spec,
    *,
    out: str | Path | None = None,
    published: bool = True,
    corrected: bool = True,
) -> BenchReport:
    """Make the tables of a benchmark of the rows of the cells that are done.

    Parameters
    ----------
    spec : str, Path or Spec
        The benchmark.
    out : str or Path, optional
        The folder of its results. If not given, ``bench/<name>``.
    published, corrected : bool
        Which protocols' tables.

    Returns
    -------
    BenchReport
        Neither the dataset nor a model is needed.

    Raises
    ------
    DataMissingError
        If the benchmark was not run.
    RunConflictError
        If the folder is of another spec.
    DataCorruptError
        If a file in it is not what it should be.

    Notes
    -----
    Published numbers are means over batches, corrected ones means within patients and
    then over the patients of a fold; both with the mean and the standard deviation over
    folds. Intervals are of corrected numbers, from drawing patients of all folds.
    Published ones have none: a batch is of several patients, and its padding depends on
    who they are.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    results = _Results.read(spec, default_out(spec, out))
    tables, numbers = [], list[Mapping[str, Any]]()
    if published:
        tables.append(_fold_table(results, "published"))
        numbers += _fold_numbers(results, "published")
    if corrected:
        tables.append(_fold_table(results, "corrected"))
        tables += _patient_tables(results)
        numbers += _fold_numbers(results, "corrected")
    tables += [_costs(results), _missing(results), _left_out(results)]
    return BenchReport(
        spec.benchmark.title or spec.name,
        tuple(results.notes()),
        tuple(table for table in tables if table.rows),
        tuple(numbers),
        sum(state == "failed" for state, _ in results.states.values()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Results:
    """What the folder of a benchmark holds."""

    spec: Spec
    plan: Mapping[str, Any]
    states: Mapping[str, tuple[str, str]]
    rows: Mapping[Place, Sequence[Row]]
    skipped: Mapping[str, Sequence[Skipped]]
    costs: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, spec: Spec, out: Path) -> _Results:
        """Read the rows of all cells that are done."""
        if not (out / PLAN).is_file():
            raise DataMissingError(
                f"'{out}' holds no results: there is no {PLAN}. Run the benchmark "
                f"first: cardium bench run {spec.name} -o {out}."
            )
        plan = read_json(out / PLAN)
        if plan["spec"] != json.loads(json.dumps(plain(spec.decisive()))):
            raise RunConflictError(
                f"'{out}' was run with another spec than '{spec.name}' is now. Run it "
                "again (what did not change is kept), or give its own spec."
            )
        states, skipped, costs = {}, {}, {}
        rows: dict[Place, list[Row]] = {}
        for cell in plan["cells"]:
            folder = out / "cells" / cell["name"]
            state = read_state(folder)
            states[cell["name"]] = (state.state, state.reason)
            if (folder / DONE).is_file():
                place = cell["task"], cell["model"], cell["domain"]
                rows.setdefault(place, []).extend(read_rows(folder))
                skipped[cell["name"]] = read_skipped(folder)
                costs[cell["name"]] = read_json(folder / "provenance.json")
        return cls(spec, plan, states, rows, skipped, costs)

    def lines(self) -> list[tuple[str, str]]:
        """List the model and the domain of each line of a table."""
        there = {(cell["model"], cell["domain"]) for cell in self.plan["cells"]}
        matrix = self.spec.matrix
        whole = [
            (model, domain) for model in matrix.models for domain in matrix.domains
        ]
        return [line for line in whole if line in there]

    def columns(self, protocol: str) -> list[Column]:
        """List the columns of a protocol: those of the paper, or the primary metric."""
        found = []
        for task in self.spec.matrix.tasks:
            about = self.plan["metrics"].get(task, {}).get(protocol)
            if about is None:
                continue
            known = [one for one in paper_columns(protocol) if one.task == task]
            if not known:
                metric = about["metrics"][about["primary"]]
                title = f"{metric['title']} ({task})"
                known = [Column(task, about["primary"], title, metric["unit"], 3)]
            found += known
        return found

    def folds(self, protocol: str, place: Place, column: Column) -> FoldMean:
        """Average a metric over folds."""
        fold = published_folds if protocol == "published" else corrected_folds
        return over_folds(fold(self.rows.get(place, ()), column.metric))

    def planned(self, place: Place) -> int:
        """Count the folds that a line is to have."""
        cells = self.plan["cells"]
        return len({one["fold"] for one in cells if _place(one) == place})

    def notes(self) -> list[str]:
        """Say how much there is, and of what size."""
        count = Counter(state for state, _ in self.states.values())
        said = ", ".join(f"{count[name]} {name}" for name in sorted(count))
        reduced = self.plan["reduced"]
        size = "; ".join(reduced) if reduced else "nothing"
        return [
            f"{len(self.states)} cells: {said}.",
            f"Not as in the papers (theirs in brackets): {size}.",
        ]


def _place(cell: Mapping[str, Any]) -> Place:
    """Return task, model and domain of a cell."""
    return cell["task"], cell["model"], cell["domain"]


def _fold_table(results: _Results, protocol: str) -> Table:
    """Make the layout of the paper's table: mean and SD over folds."""
    columns, rows = results.columns(protocol), []
    for model, domain in results.lines():
        line = {"model": f"{model} {_SHORT.get(domain, domain)}"}
        paper = {"model": "  paper"}
        for column in columns:
            place = column.task, model, domain
            found = results.folds(protocol, place, column)
            lacks = 0 < found.folds < results.planned(place)
            line[column.head] = _fold_cell(found, column) + ("*" if lacks else "")
            paper[column.head] = _paper_cell(results, model, domain, column)
        rows.append(line)
        if protocol == "published" and any(
            value not in (_NONE, "  paper") for value in paper.values()
        ):
            rows.append(paper)
    how = {
        "published": "As the paper's code scores: mean over batches, then mean ± SD "
        "over folds. No intervals by patient: a batch mixes patients.",
        "corrected": "As the tasks score: mean within patients, over the patients of a "
        "fold, then mean ± SD over folds.",
    }[protocol]
    if any(value.endswith("*") for row in rows for value in row.values()):
        how += " * not all folds yet."
    return Table(f"Protocol '{protocol}'", how, tuple(rows) if columns else ())


def _fold_cell(found: FoldMean, column: Column) -> str:
    """Write mean and SD."""
    if math.isnan(found.mean):
        return _NONE
    if math.isnan(found.sd):
        return f"{found.mean:.{column.digits}f}"
    return f"{found.mean:.{column.digits}f} ± {found.sd:.{column.digits}f}"


def _paper_cell(results: _Results, model: str, domain: str, column: Column) -> str:
    """Write what the paper has."""
    value = paper_value(results.plan["recipes"][model], domain, column)
    return _NONE if value is None else _fold_cell(value, column)


def _patient_tables(results: _Results) -> list[Table]:
    """Make the tables of patients: intervals, and differences from one model."""
    columns = results.columns("corrected")
    whole, less = [], []
    draws, reference = results.spec.output.draws, results.spec.output.reference
    for model, domain in results.lines():
        name = {"model": f"{model} {_SHORT.get(domain, domain)}"}
        values, changes = dict(name), dict(name)
        for column in columns:
            rows = results.rows.get((column.task, model, domain), ())
            found = pooled(rows, [column.metric], draws=draws).get(column.metric)
            values[column.head] = _interval_cell(found, column.digits)
            if model != reference:
                there = results.rows.get((column.task, reference, domain), ())
                change = differences(rows, there, column.metric, draws=draws)
                changes[column.head] = _interval_cell(change, column.digits, sign="+")
        whole.append(values)
        if any(value != _NONE for value in list(changes.values())[1:]):
            less.append(changes)
    return [
        Table(
            "All folds together, with intervals",
            "Mean over patients [95 % interval, from drawing patients]; each patient "
            "is scored in one fold.",
            tuple(whole) if columns else (),
        ),
        Table(
            f"Differences from {reference}",
            f"The model less {reference} in the same domain, on the recordings of both "
            "[95 % interval by patient]; one without zero says that they differ.",
            tuple(less),
        ),
    ]


def _interval_cell(found: Estimate | None, digits: int, sign: str = "") -> str:
    """Write a value with its interval."""
    if found is None or math.isnan(found.value):
        return _NONE
    value = f"{found.value:{sign}.{digits}f}"
    if math.isnan(found.low):
        return value
    return f"{value} [{found.low:{sign}.{digits}f}, {found.high:{sign}.{digits}f}]"


def _fold_numbers(results: _Results, protocol: str) -> list[Mapping[str, Any]]:
    """List every metric of every line: for machines."""
    draws = results.spec.output.draws
    numbers = list[Mapping[str, Any]]()
    for place, rows in results.rows.items():
        metrics = {row.metric: None for row in rows if row.protocol == protocol}
        if not metrics:
            continue  # the task has no such protocol
        intervals = {}
        if protocol == "corrected":
            intervals = pooled(rows, list(metrics), draws=draws)
        about = results.plan["metrics"][place[0]][protocol]["metrics"]
        for metric in metrics:
            column = Column(place[0], metric, "", "", 0)
            found, one = results.folds(protocol, place, column), intervals.get(metric)
            recipe = results.plan["recipes"][place[1]]
            paper = paper_value(recipe, place[2], column) if one is None else None
            numbers.append(
                {
                    "protocol": protocol,
                    "task": place[0],
                    "model": place[1],
                    "domain": place[2],
                    "metric": metric,
                    "unit": about.get(metric, {}).get("unit", ""),
                    "folds": found.folds,
                    "mean": found.mean,
                    "sd": found.sd,
                    "paper_mean": paper.mean if paper else None,
                    "paper_sd": paper.sd if paper else None,
                    "patients": one.n_patients if one else None,
                    "recordings": one.n_recordings if one else None,
                    "pooled": one.value if one else None,
                    "low": one.low if one else None,
                    "high": one.high if one else None,
                }
            )
    return numbers


def _costs(results: _Results) -> Table:
    """Say what the cells took."""
    rows = []
    for task in results.spec.matrix.tasks:
        for model, domain in results.lines():
            some = [
                results.costs[cell["name"]]
                for cell in results.plan["cells"]
                if _place(cell) == (task, model, domain)
                and cell["name"] in results.costs
            ]
            if some:
                rows.append(
                    {
                        "model": f"{model} {_SHORT.get(domain, domain)}",
                        "task": task,
                        "cells": str(len(some)),
                        "fit [s]": f"{_average(some, 'fit_seconds'):.1f}",
                        "predict [s]": f"{_average(some, 'predict_seconds'):.1f}",
                        "memory [MB]": _most(some, "memory_bytes", 1e6),
                        "device [MB]": _most(some, "device_memory_bytes", 1e6),
                        "parameters": _most(some, "parameters"),
                    }
                )
    devices = sorted({str(one["device"]) for one in results.costs.values()})
    note = (
        f"Seconds are means a cell, memory is the most of any. On {'; '.join(devices)}."
    )
    return Table("Time and memory", note, tuple(rows))


def _average(some: Sequence[Mapping[str, Any]], name: str) -> float:
    """Average what cells took."""
    return sum(float(one[name]) for one in some) / len(some)


def _most(some: Sequence[Mapping[str, Any]], name: str, unit: float = 1) -> str:
    """Write the most of any cell."""
    return f"{max(one[name] or 0 for one in some) / unit:,.0f}"


def _missing(results: _Results) -> Table:
    """List the cells without a result, and combinations that have none."""
    rows = [
        {"cell": name, "state": state, "reason": reason}
        for name, (state, reason) in results.states.items()
        if state != "done"
    ]
    rows += [
        {
            "cell": f"{one.model}: {one.task} ({one.domain})",
            "state": "left out",
            "reason": one.reason,
        }
        for one in gather_left_out(LeftOut(**row) for row in results.plan["left_out"])
    ]
    return Table("Without a result", "", tuple(rows))


def _left_out(results: _Results) -> Table:
    """Count the recordings that were left out, with the first reason."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for cell in results.plan["cells"]:
        for one in results.skipped.get(cell["name"], ()):
            place = (cell["task"], one.step)
            found.setdefault(place, {}).setdefault(one.recording, one.reason)
    rows = [
        {
            "task": task,
            "of": step,
            "recordings": str(len(reasons)),
            "for instance": f"{next(iter(reasons))}: {next(iter(reasons.values()))}",
        }
        for (task, step), reasons in found.items()
    ]
    note = "All of them, with reasons, stand in skipped.csv of each cell."
    return Table("Recordings left out", note, tuple(rows))
