"""The sections of a report page, each from reports to HTML."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import Metric
from cardium.core.files import plain
from cardium.plot.chart import Interval, Line, interval_chart, line_chart
from cardium.plot.style import spoken
from cardium.plot.table import (
    cell,
    decimals_for,
    estimate_cell,
    heading,
    metric_heading,
    name_cell,
    table,
)

if TYPE_CHECKING:
    from cardium.evaluate.bootstrap import Estimate
    from cardium.evaluate.report import Report

_LEGEND = (
    "Each value with its 95 % interval, resampled by patient. ↑ higher is better, "
    "↓ lower is better, ★ best."
)

_UNDEFINED = "not defined"
"""Of a group in which, say, nobody has the finding: there is no pair to rank."""

Models = Mapping[str, "Report"]
"""Reports by the name of their model, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much two models differ on the same patients.

    Parameters
    ----------
    first, second : str
        Names of the models; the difference is the first's value less the second's.
    differences : mapping of str to Estimate
        By metric, as `cardium.evaluate.compare` gives them.
    """

    first: str
    second: str
    differences: Mapping[str, Estimate]


def results(models: Models) -> str:
    """Compare the models: a chart of the primary metric and a table of all."""
    report = next(iter(models.values()))
    metrics, _ = split_metrics(report.metrics)
    decimals = {m: decimals_for(_estimates(models, m)) for m in metrics}
    best = {m: best_model(models, m) for m in metrics}
    rows = [
        [
            metric_heading(metric, scope="row"),
            *(
                estimate_cell(
                    report.summary.get(m), decimals=decimals[m], best=best[m] == name
                )
                for name, report in models.items()
            ),
        ]
        for m, metric in metrics.items()
    ]
    head = [
        heading("Metric"),
        *(
            heading(name, sub=_counts(report.summary.get(report.primary)), number=True)
            for name, report in models.items()
        ),
    ]
    shown = table(head, rows, caption=_LEGEND)
    drawn = [
        Interval(name, e.value, e.low, e.high, hue)
        for hue, (name, e) in enumerate(
            zip(models, _estimates(models, report.primary), strict=True)
        )
        if e is not None
    ]
    label = with_unit(report.metrics[report.primary])
    chart = interval_chart(drawn, x_label=label, title=f"{label} of each model")
    return f"<h2>Results</h2>{_boxed(chart)}{shown}"


def differences(
    comparisons: Sequence[Comparison], metrics: Mapping[str, Metric]
) -> str:
    """Show how much models differ on the same patients."""
    shown, _ = split_metrics(metrics)
    rows = [
        [
            name_cell(with_unit(metric)),
            *(
                _difference_cell(one.differences.get(key), metric)
                for one in comparisons
            ),
        ]
        for key, metric in shown.items()
    ]
    if not comparisons:
        return ""
    head = [heading("Metric")]
    head += [heading(f"{one.first} − {one.second}", number=True) for one in comparisons]
    caption = "Paired: both models on the same patients, with 95 % intervals."
    return f"<h2>Differences between models</h2>{table(head, rows, caption=caption)}"


def groups(models: Models) -> str:
    """Break the results down by phase, view, sex."""
    labels = dict.fromkeys(label for r in models.values() for label in r.groups)
    tables = [
        f"{_group_table(models, label)}<details>"
        f"<summary>All metrics by {escape(spoken(label))}</summary>"
        f"{_whole_group_table(models, label)}</details>"
        for label in labels
    ]
    return f"<h2>By group</h2>{''.join(tables)}" if tables else ""


def classes(models: Models) -> str:
    """Show the metrics that stand for one class, a row a class."""
    _, by_class = split_metrics(next(iter(models.values())).metrics)
    if not by_class:
        return ""
    decimals = decimals_for(e for key in by_class for e in _estimates(models, key))
    rows = [
        [
            name_cell(metric.title),
            *(
                estimate_cell(
                    report.summary.get(key),
                    decimals=decimals,
                    best=best_model(models, key) == name,
                )
                for name, report in models.items()
            ),
        ]
        for key, metric in by_class.items()
    ]
    head = [heading("Class"), *(heading(name, number=True) for name in models)]
    shown = table(head, rows, caption="Each value with its 95 % interval.")
    return f"<h2>By class</h2>{shown}"


def training(models: Models) -> str:
    """Draw the losses of the runs that recorded them."""
    lines = []
    for hue, (name, report) in enumerate(models.items()):
        for column, said in (("train_loss", "training"), ("val_loss", "validation")):
            points = [
                (row["step"], row[column])
                for row in report.training
                if column in row and np.isfinite(row[column])
            ]
            if points:
                x, y = np.array(points, float).T
                label = f"{name}, {said}"
                lines.append(Line(label, x, y, hue, dashed=column == "train_loss"))
    chart = line_chart(lines, x_label="step", y_label="loss", title="Loss by step")
    return f"<h2>Training</h2>{_boxed(chart)}" if chart else ""


def skipped(models: Models) -> str:
    """List what was not scored, counted by reason and then one by one."""
    found = [(name, *pair) for name, r in models.items() for pair in r.skipped]
    if not found:
        return (
            "<h2>Skipped</h2><p>Nothing: every recording of the split was scored.</p>"
        )
    counts = Counter((name, reason) for name, _, reason in found)
    first: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, recording, reason in found:
        first[name, reason].append(recording)
    rows = [
        [
            name_cell(reason),
            cell(name),
            cell(str(count), number=True),
            cell(", ".join(first[name, reason][:3]) + (" …" if count > 3 else "")),
        ]
        for (name, reason), count in counts.most_common()
    ]
    head = [heading("Reason"), heading("Model"), heading("Recordings", number=True)]
    shown = table(
        [*head, heading("Which")], rows, caption="Recordings that were not scored."
    )
    every = [[name_cell(r), cell(name), cell(reason)] for name, r, reason in found]
    whole = table(
        [heading("Recording"), heading("Model"), heading("Reason")],
        every,
        caption="All of them.",
    )
    return (
        f"<h2>Skipped</h2>{shown}<details><summary>All {len(found)} of them</summary>"
        f"{whole}</details>"
    )


def provenance(models: Models) -> str:
    """Say what made the numbers."""
    parts = [
        f"<details><summary>{escape(name)}</summary><pre>"
        + escape(json.dumps(plain(r.provenance), indent=2, ensure_ascii=False))
        + "</pre></details>"
        for name, r in models.items()
    ]
    return f"<h2>Provenance</h2>{''.join(parts)}"


def split_metrics(
    metrics: Mapping[str, Metric],
) -> tuple[dict[str, Metric], dict[str, Metric]]:
    """Part the metrics into those of the whole and those of one class.

    Parameters
    ----------
    metrics : mapping of str to Metric
        Where ``macro_x`` is a mean over classes, ``x_<name>`` is of one of them.

    Returns
    -------
    whole, by_class : dict of str to Metric
        Both in the order of `metrics`.

    Examples
    --------
    >>> names = ("macro_auroc", "auroc_MI", "auroc_NORM", "log_loss")
    >>> whole, by_class = split_metrics({name: Metric(name) for name in names})
    >>> list(whole), list(by_class)
    (['macro_auroc', 'log_loss'], ['auroc_MI', 'auroc_NORM'])
    """
    means = [key.removeprefix("macro_") for key in metrics if key.startswith("macro_")]
    of_class = {
        key: metric
        for key, metric in metrics.items()
        if key.startswith(tuple(f"{mean}_" for mean in means))
    }
    return {k: m for k, m in metrics.items() if k not in of_class}, of_class


def best_model(models: Models, key: str) -> str | None:
    """Return the model with the best value of a metric, where there is a choice."""
    metric = next(iter(models.values())).metrics[key]
    sign = 1 if metric.higher_is_better else -1
    known = {
        name: sign * e.value
        for name, e in zip(models, _estimates(models, key), strict=True)
        if e is not None and math.isfinite(e.value)
    }
    return max(known, key=lambda name: known[name]) if len(known) > 1 else None


def with_unit(metric: Metric) -> str:
    """Write a metric's title with its unit."""
    return f"{metric.title} [{metric.unit}]" if metric.unit else metric.title


def _estimates(models: Models, key: str) -> list[Estimate | None]:
    """Return one metric of each model."""
    return [report.summary.get(key) for report in models.values()]


def _difference_cell(difference: Estimate | None, metric: Metric) -> str:
    """Build a cell that says in words what the interval says of zero."""
    if difference is None or not math.isfinite(difference.low + difference.high):
        return estimate_cell(difference, decimals=3, signed=True)
    if difference.low <= 0 <= difference.high:
        verdict = "no clear difference"
    else:
        better = (difference.low > 0) == metric.higher_is_better
        verdict = "the first is better" if better else "the second is better"
    decimals = decimals_for([difference])
    return estimate_cell(difference, decimals=decimals, signed=True, note=verdict)


def _group_table(models: Models, label: str) -> str:
    """Build the table of the primary metric by one label, a column a model."""
    first = next(iter(models.values()))
    key = first.primary
    found = [r.groups.get(label, {}) for r in models.values()]
    values = sorted({value for group in found for value in group})
    estimates = {v: [group.get(v, {}).get(key) for group in found] for v in values}
    decimals = decimals_for(e for row in estimates.values() for e in row)
    rows = [
        [
            name_cell(value, sub=_counts(next(filter(None, row), None))),
            *(estimate_cell(e, decimals=decimals, undefined=_UNDEFINED) for e in row),
        ]
        for value, row in estimates.items()
    ]
    title = spoken(label).capitalize()
    head = [heading(title), *(heading(name, number=True) for name in models)]
    return table(
        head, rows, caption=f"{with_unit(first.metrics[key])}, by {spoken(label)}."
    )


def _whole_group_table(models: Models, label: str) -> str:
    """Build the table of all metrics by one label, a row a value and model."""
    metrics, _ = split_metrics(next(iter(models.values())).metrics)
    found = [
        (value, name, estimates)
        for name, report in models.items()
        for value, estimates in report.groups.get(label, {}).items()
    ]
    decimals = {m: decimals_for(e.get(m) for _, _, e in found) for m in metrics}
    rows = [
        [
            name_cell(value),
            cell(name),
            *(
                estimate_cell(
                    estimates.get(m), decimals=decimals[m], undefined=_UNDEFINED
                )
                for m in metrics
            ),
        ]
        for value, name, estimates in sorted(found, key=lambda row: row[0])
    ]
    title = spoken(label).capitalize()
    head = [heading(title), heading("Model"), *map(metric_heading, metrics.values())]
    return table(head, rows, caption=_LEGEND)


def _counts(estimate: Estimate | None) -> str:
    """Say from how much a value comes."""
    if estimate is None:
        return "nothing scored"
    return f"{estimate.n_patients} patients, {estimate.n_recordings} recordings"


def _boxed(chart: str) -> str:
    """Put a chart in a frame, if there is one."""
    return f'<div class="chart">{chart}</div>' if chart else ""
