"""The report: one HTML file that needs nothing else, neither network nor script."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray
from cardium.core.files import write_text
from cardium.errors import InvalidArgumentError
from cardium.plot import section
from cardium.plot.calibration import calibration
from cardium.plot.glossary import glossary
from cardium.plot.section import Comparison
from cardium.plot.style import spoken

if TYPE_CHECKING:
    from cardium.core import Task
    from cardium.evaluate.report import Report

_FEW_PATIENTS = 30
_WIDE = 0.2  # of the value
# The browser itself refuses whatever is not in the file.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class Case:
    """A picture of the report.

    Parameters
    ----------
    title : str
        Which recording, and how well it went.
    caption : str
        What there is to see; it is the text for readers who do not see it, too.
    picture : bytes
        A PNG, as `cardium.plot.case.draw_case` makes it; empty if it could not be
        drawn, which the caption then says.
    """

    title: str
    caption: str
    picture: bytes


def write_report(
    reports: Sequence[Report],
    out: Path,
    *,
    title: str = "",
    cases: Sequence[Case] = (),
    comparisons: Sequence[Comparison] = (),
) -> None:
    """Write what models scored as one HTML page.

    Parameters
    ----------
    reports : sequence of Report
        One a model, of one task, dataset and split.
    out : Path
        The file; it is whole or not there.
    title : str
        Heading, such as the title of the task. If not given, its name.
    cases : sequence of Case
        Pictures, in their order.
    comparisons : sequence of Comparison
        Paired differences between the models, as `compare_models` makes them.

    Raises
    ------
    InvalidArgumentError
        If there is no report, or they are of other tasks, datasets or splits.
    """
    _check(reports)
    models = dict(zip(name_models(reports), reports, strict=True))
    metrics = reports[0].metrics
    title = title or spoken(reports[0].task)
    body = "".join(
        (
            _notices(models),
            section.results(models),
            section.differences(comparisons, metrics),
            section.classes(models),
            calibration(models),
            section.groups(models),
            _pictures(cases),
            section.training(models),
            section.skipped(models),
            glossary(metrics),
            section.provenance(models),
        )
    )
    style = files("cardium.plot").joinpath("page.css").read_text(encoding="utf-8")
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} · {escape(_dataset(reports[0]))}</title>\n"
        f"<style>\n{style}</style>\n</head>\n<body>\n{_header(models, title)}"
        f"<main>{body}</main>\n<footer>{_footer(reports[0])}</footer>\n"
        "</body>\n</html>\n"
    )
    write_text(out, page)


def compare_models(
    reports: Sequence[Report], *, task: Task | None = None, seed: int = 0
) -> list[Comparison]:
    """Compare the best model by the primary metric with each of the others.

    Parameters
    ----------
    reports : sequence of Report
        One a model, of one task, dataset and split.
    task : Task, optional
        The task, if it is not a registered one.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of Comparison
        In the order of the reports; empty for one model.
    """
    from cardium.evaluate import compare

    models = dict(zip(name_models(reports), reports, strict=True))
    best = section.best_model(models, reports[0].primary)
    if best is None:
        return []
    return [
        Comparison(best, name, compare(models[best], report, task=task, seed=seed))
        for name, report in models.items()
        if name != best
    ]


def name_models(reports: Sequence[Report]) -> list[str]:
    """Name the model of each report; equal names are told apart.

    Parameters
    ----------
    reports : sequence of Report
        Whose ``model`` describes the model, with its ``name``.

    Returns
    -------
    list of str
        ``"unet"``; where two models share a name, with what differs between them:
        ``"unet (seed 1)"``; where nothing does, with a number.
    """
    names = [str(report.model.get("name", "model")) for report in reports]
    told = [_told_apart(reports, names, k) for k in range(len(names))]
    return [
        name if told.count(name) == 1 else f"{name} #{told[: k + 1].count(name)}"
        for k, name in enumerate(told)
    ]


def choose_cases(
    report: Report, *, count: int = 3, values: FloatArray | None = None
) -> dict[str, list[str]]:
    """Choose recordings that show how well and how badly it goes.

    Parameters
    ----------
    report : Report
        Its primary metric ranks the recordings; where that is not one of single
        recordings, the first metric that is.
    count : int
        How many recordings in all, at most.
    values : (N,), optional
        What ranks the recordings of the report instead: the primary metric of each
        alone.

    Returns
    -------
    dict
        ``"best"``, ``"median"`` and ``"worst"``: ids of recordings, none twice, the
        most extreme first. With few recordings a list may be empty; the worst are
        taken before the median and the best.

    Raises
    ------
    InvalidArgumentError
        If count is not positive.
    """
    if count < 1:
        raise InvalidArgumentError(f"count must be 1 or more, got {count}.")
    ranked = _ranked(report, values)
    middle = (len(ranked) - 1) / 2
    orders = {
        "worst": ranked[::-1],
        "median": [
            ranked[k] for k in np.argsort(np.abs(np.arange(len(ranked)) - middle))
        ],
        "best": ranked,
    }
    chosen: dict[str, list[str]] = {"best": [], "median": [], "worst": []}
    for k, (name, order) in enumerate(orders.items()):
        taken = [recording for part in chosen.values() for recording in part]
        free = [recording for recording in order if recording not in taken]
        chosen[name] = free[: (count + 2 - k) // 3]
    return chosen


def case_metric(report: Report) -> str | None:
    """Return the metric that ranks single recordings.

    Parameters
    ----------
    report : Report
        With a column for every score that single recordings have.

    Returns
    -------
    str or None
        The primary metric, unless it is one of all recordings together, as an area
        under a curve is; then the first one that is not. None if there is none.
    """
    names = (report.primary, *report.metrics)
    return next((name for name in names if name in report.scores.columns), None)


def _ranked(report: Report, given: FloatArray | None) -> list[str]:
    """Return the recordings from the best to the worst; those without value not."""
    key = case_metric(report) if given is None else report.primary
    if key is None:
        return []
    values = np.asarray(report.scores.columns[key] if given is None else given, float)
    if report.metrics[key].higher_is_better:
        values = -values
    known = np.isfinite(values).sum()
    order = np.argsort(values, kind="stable")[:known]
    return [report.scores.recordings[k] for k in order]


def _check(reports: Sequence[Report]) -> None:
    """Refuse what cannot stand in one table."""
    if not reports:
        raise InvalidArgumentError("A report page needs one report at least, got none.")
    for what in ("task", "dataset", "split", "primary"):
        first = getattr(reports[0], what)
        for report in reports[1:]:
            if (other := getattr(report, what)) != first:
                raise InvalidArgumentError(
                    f"The reports do not compare: {what} is {_said(first)} in one and "
                    f"{_said(other)} in another. Write one page for each."
                )


def _said(value: object) -> str:
    """Write a name, or a mapping of names, for a reader."""
    if isinstance(value, Mapping):
        return "'" + " ".join(str(v) for v in value.values()) + "'"
    return f"'{value}'"


def _told_apart(reports: Sequence[Report], names: Sequence[str], k: int) -> str:
    """Add to a name what differs among the models of that name."""
    said = [
        {**report.options, **report.model}
        for report, name in zip(reports, names, strict=True)
        if name == names[k]
    ]
    own = {**reports[k].options, **reports[k].model}
    differing = [
        f"{key} {value}"
        for key, value in own.items()
        if isinstance(value, (str, int, float))
        and len({repr(one.get(key)) for one in said}) > 1
    ]
    return f"{names[k]} ({', '.join(differing[:3])})" if differing else names[k]


def _dataset(report: Report) -> str:
    """Name the dataset with its version."""
    return " ".join(str(part) for part in report.dataset.values() if part)


def _header(models: section.Models, title: str) -> str:
    """Build title and key facts."""
    first = next(iter(models.values()))
    every = [r.summary.get(r.primary) for r in models.values()]
    side, origin = first.split.get("name", ""), first.split.get("origin", "")
    facts = {
        "Dataset": _dataset(first),
        "Scored on": ", ".join(filter(None, (side, origin))) or "not stated",
        "Models": str(len(models)),
        "Patients": str(max((e.n_patients for e in every if e), default=0)),
        "Recordings": str(max((e.n_recordings for e in every if e), default=0)),
        "Not scored": str(max(len(r.skipped) for r in models.values())),
    }
    items = "".join(
        f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>"
        for name, value in facts.items()
    )
    shared = set.intersection(*(set(r.options.items()) for r in models.values()))
    options = ", ".join(f"{key} {value}" for key, value in sorted(shared))
    lead = f'<p class="lead">{escape(options)}</p>' if options else ""
    return (
        f'<header><p class="eyebrow">{escape(spoken(first.task))}</p>'
        f'<h1>{escape(title)}</h1>{lead}<dl class="facts">{items}</dl></header>\n'
    )


def _notices(models: section.Models) -> str:
    """Warn of what would make the numbers look better or surer than they are."""
    said: dict[str, list[str]] = {}
    for name, report in models.items():
        for text in _warnings(report):
            said.setdefault(text, []).append(name)
    return "".join(
        f'<p class="notice"><strong>{escape(", ".join(names))}</strong> '
        f"{escape(text)}</p>"
        for text, names in said.items()
    )


def _warnings(report: Report) -> list[str]:
    """Say in what a report is weak."""
    said = []
    if count := report.seen.get("train"):
        said.append(
            f"{count} of the scored recordings are of patients the model was trained "
            "on. These numbers say nothing about new patients."
        )
    if count := report.seen.get("val"):
        said.append(
            f"{count} of the scored recordings were used to choose the checkpoint. "
            "Expect somewhat worse on new patients."
        )
    if "sha256" in report.model and "file" in report.model:
        said.append(
            f"The predictions were made elsewhere ({report.model['file']}). Which "
            "patients the model was made with is not known: leakage cannot be checked."
        )
    estimate = report.summary.get(report.primary)
    if estimate is None or not np.isfinite(estimate.value):
        return [*said, "The primary metric could not be computed."]
    if estimate.n_patients < _FEW_PATIENTS:
        said.append(
            f"Few patients were scored ({estimate.n_patients}). The intervals "
            "themselves are rough, and other patients may give other numbers."
        )
    elif estimate.high - estimate.low > _WIDE * abs(estimate.value):
        said.append("The interval of the primary metric is wide.")
    return said


def _pictures(cases: Sequence[Case]) -> str:
    """Embed the pictures; a case that was not drawn is its caption alone."""
    figures = "".join(
        f"<figure>{_image(case) if case.picture else ''}<figcaption><strong>"
        f"{escape(case.title)}</strong> {escape(case.caption)}</figcaption></figure>"
        for case in cases
    )
    return f"<h2>Cases</h2>{figures}" if figures else ""


def _image(case: Case) -> str:
    """Embed one picture."""
    alt = escape(f"{case.title}. {case.caption}")
    code = base64.b64encode(case.picture).decode("ascii")
    return f'<img loading="lazy" alt="{alt}" src="data:image/png;base64,{code}">'


def _footer(report: Report) -> str:
    """Say which version made the numbers, and when."""
    scores = report.provenance.get("scores", {})
    version = scores.get("software", {}).get("cardium", "")
    made = str(scores.get("made", ""))
    return escape(" · ".join(filter(None, (f"cardium {version}".strip(), made))))
