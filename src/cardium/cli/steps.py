"""The steps that several commands share: plan, fit, predict, score, write the page."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cardium.cli.options import select
from cardium.cli.output import print_json, print_rows, progress
from cardium.core import (
    Catalog,
    Kind,
    Metric,
    OpenDataset,
    Recipe,
    Setting,
    Split,
    Task,
    split_catalog,
)
from cardium.errors import DataMissingError, InvalidArgumentError

if TYPE_CHECKING:
    from cardium.evaluate.bootstrap import Estimate
    from cardium.evaluate.report import Report
    from cardium.fit.run import FittedModel

BASELINE = "training_mean"
USUAL: Mapping[Kind, str] = {
    "label_map": "unet_2d",
    "velocity": "unet_3d",
    "multilabel": "resnet_1d",
    "event_class": "resnet_1d",
    "quantity": "resnet_1d",
    "events": "r_peak_detector",
}
"""The model that is fitted where none is named, by the kind of answer."""
_TRAINING = ("steps", "batch_size", "learning_rate", "patience")


@dataclass(frozen=True, slots=True)
class Plan:
    """A task on a dataset, with its recordings split by patient.

    Parameters
    ----------
    task : Task
        What is asked.
    data : OpenDataset
        Of what.
    catalog : Catalog
        The recordings the task can use and the caller wants.
    split : Split
        Their sides.
    made : mapping
        How the split was made, for the run's config.
    """

    task: Task
    data: OpenDataset
    catalog: Catalog
    split: Split
    made: Mapping[str, Setting]

    @classmethod
    def open(
        cls,
        task: str,
        data: str,
        *,
        root: Path | None = None,
        options: Mapping[str, str | int | float] | None = None,
        where: Sequence[str] | None = None,
        limit: int | None = None,
        folds: int | None = None,
        fold: int | None = None,
        holdout: float | None = None,
    ) -> Plan:
        """Open the dataset, keep what the task can use, and split it.

        Folds and held-out patients are drawn alike whatever the seed of a training, so
        that trainings of several seeds can be compared.
        """
        from cardium.datasets import open_dataset
        from cardium.tasks import open_task

        the_task = open_task(task, **(options or {}))
        opened = open_dataset(data, root)
        catalog = select(the_task.usable(opened.catalog), where, limit)
        split = split_catalog(catalog, fold=fold, folds=folds, holdout=holdout)
        facts = {
            "folds": folds,
            "fold": fold,
            "holdout": holdout,
            "where": " ".join(where or ()) or None,
            "limit": limit,
        }
        made = {key: value for key, value in facts.items() if value is not None}
        return cls(the_task, opened, catalog, split, made)

    def unseen_side(self) -> str | None:
        """Name the side that nothing has seen and that can be scored."""
        if len(self.split.test):
            return "test"
        spared = "holdout" in self.made and "val" in self.catalog.splits
        return "val" if spared and "folds" not in self.made else None

    def why_unscored(self) -> str:
        """Say why nothing was scored, and what to do."""
        return (
            f"Not scored: {self.data.dataset.info.title} has no recordings in 'test' "
            "here, and 'val' chose the weights. Give --holdout 0.15 to validate on "
            "training patients and score 'val', or --folds 5 to cross-validate."
        )


def fit_models(
    plan: Plan,
    model: str | None,
    out: Path | None,
    *,
    baseline: bool = True,
    **training: Any,  # noqa: ANN401 - handed on to `fit`
) -> list[Path]:
    """Fit the model and, beside it, the training-set mean; return their run folders."""
    from cardium.fit import fit
    from cardium.models import MODELS

    if plan.task.output.kind not in USUAL:
        raise InvalidArgumentError(
            f"Task '{plan.task.name}' is learnt from clips, by models of a benchmark: "
            "see `cardium bench run --help` and `cardium models`."
        )
    recipe = MODELS.find(model or USUAL[plan.task.output.kind])
    given = [name for name in _TRAINING if training.get(name) is not None]
    if recipe.family == "baseline" and given:
        raise InvalidArgumentError(
            f"Model '{recipe.name}' is not trained by steps: leave out "
            f"{', '.join(given)}."
        )
    name = f"{plan.task.name}-{plan.data.dataset.name}-{recipe.name}"
    run = out or Path("runs") / "-".join([name, *_suffix(plan.made)])
    chosen: list[tuple[Recipe, Path, dict[str, Any]]] = [(recipe, run, training)]
    floor = MODELS.find(BASELINE)
    if baseline and recipe.name != BASELINE and floor.can(plan.task):
        chosen.append((floor, run / "baseline", {}))
    for one, folder, options in chosen:
        try:
            fit(
                plan.task,
                plan.data,
                one,
                folder,
                split=plan.split,
                split_settings=plan.made,
                **options,
            )
        except SystemExit:  # how Lightning ends a training that was interrupted
            typer.echo("Interrupted. The same command goes on from here.", err=True)
            raise
        if int(os.environ.get("LOCAL_RANK", "0")):
            # one of several processes that trained together; the first goes on alone
            raise typer.Exit
    return [folder for _, folder, _ in chosen]


def score_runs(
    plan: Plan, runs: Sequence[Path], side: str, *, draws: int = 1000
) -> list[tuple[Path, Report]]:
    """Predict one side with each run's model, and score it."""
    from cardium.fit import load_run

    scored = []
    for run in runs:
        model = load_run(run)
        folder = predict_run(model, run, plan.data, plan.catalog, side)
        scored.append(score_predictions(folder, root=plan.data.root, draws=draws))
    return scored


def predict_run(
    model: FittedModel,
    run: Path,
    data: OpenDataset,
    catalog: Catalog,
    side: str,
    *,
    out: Path | None = None,
) -> Path:
    """Predict one side of the split that a run was fitted on."""
    from cardium.evaluate import choose_side, predict

    made = model.config["split"]
    fitted_to = model.config["data"]["name"] == data.dataset.name
    sides = _read_sides(run) if fitted_to else {}
    if fitted_to and "folds" in made and side != "all":
        # drawn of the patients there were then, who need not be those of now
        origin = str(made["name"])
        chosen = catalog.where(lambda entry: sides.get(entry.patient) == side)
        if not len(chosen):
            there = ", ".join(sorted({*sides.values()}))
            raise InvalidArgumentError(
                f"None of the {len(catalog)} recordings is on the side '{side}' of the "
                f"run ({origin}). Its sides: {there}."
            )
    else:
        fold = made.get("fold") if fitted_to else None
        chosen, origin = choose_side(catalog, side, fold=fold)
    parts = ["predictions", *([] if fitted_to else [data.dataset.name]), side]
    folder = out or run / "-".join(parts)
    with progress(f"Predicting {side}") as report:
        predict(
            model,
            model.task,
            data,
            chosen,
            folder,
            split_name=side,
            split_origin=origin,
            seen={p: s for p, s in sides.items() if s in ("train", "val")},
            run=run,
            progress=report,
        )
    return folder


def score_predictions(
    predictions: Path,
    *,
    root: Path | None = None,
    draws: int = 1000,
    seed: int = 0,
    again: bool = True,
) -> tuple[Path, Report]:
    """Score a predictions folder, or read the scores it has."""
    from cardium.evaluate import load_report, score
    from cardium.evaluate.report import SUMMARY

    _check_predictions(predictions)
    if not again and (predictions / SUMMARY).is_file():
        return predictions, load_report(predictions)
    with progress("Scoring") as report:
        return predictions, score(
            predictions, root=root, draws=draws, seed=seed, progress=report
        )


def _check_predictions(folder: Path) -> None:
    """Refuse what holds no predictions; of a run, say where they are."""
    if (folder / "recordings.csv").is_file():
        return
    if inside := sorted(path.parent for path in folder.glob("*/recordings.csv")):
        names = ", ".join(f"'{path}'" for path in inside)
        raise InvalidArgumentError(
            f"'{folder}' holds no predictions itself. Name one of those in it: {names}."
        )
    if not (folder / "provenance.json").is_file():
        raise DataMissingError(
            f"'{folder}' holds no predictions: there is no provenance.json in it. "
            "`cardium fit` and `cardium predict` write such folders."
        )


def print_reports(
    scored: Sequence[tuple[Path, Report]],
    *,
    page: Path | None = None,
    cases: int = 3,
    as_json: bool = False,
) -> None:
    """Print a table of models by metrics, and write the page."""
    if page is not None:
        write_page(scored, page, cases=cases)
    if as_json:
        print_json(
            {
                "report": page,
                "scores": [
                    {"predictions": folder, **_plain(report)}
                    for folder, report in scored
                ],
            }
        )
        return
    from cardium.plot.page import name_models

    reports = [report for _, report in scored]
    names = name_models(reports)
    first = reports[0]
    known, unknown = _printed(reports)
    rows = [
        {
            "metric": _said(first.metrics[metric]),
            **{
                name: _interval(report.summary[metric])
                for name, report in zip(names, reports, strict=True)
            },
        }
        for metric in known
    ]
    count = first.summary[first.primary]
    print_rows(
        rows,
        title=f"{first.task} on {first.dataset['name']}, '{first.split['name']}': "
        f"{count.n_recordings} recordings of {count.n_patients} patients; "
        "value [95 % interval by patient]",
    )
    if unknown:
        typer.echo(
            f"{len(unknown)} more have no value on these recordings, such as "
            f"'{_said(first.metrics[unknown[0]])}'; --json lists them."
        )
    for folder, report in scored:
        if report.skipped:
            recording, reason = report.skipped[0]
            typer.echo(
                f"{len(report.skipped)} not scored in {folder}; the first: "
                f"'{recording}': {reason}",
                err=True,
            )
    if page is not None:
        typer.echo(f"The report: {page.resolve()}")


def write_page(
    scored: Sequence[tuple[Path, Report]], page: Path, *, cases: int = 3
) -> Path:
    """Write the page of several models' reports of one task."""
    from cardium.datasets import open_dataset
    from cardium.plot.cases import draw_cases
    from cardium.plot.page import compare_models, write_report
    from cardium.tasks import open_task

    reports = [report for _, report in scored]
    first = reports[0]
    task = open_task(first.task, **first.options)
    root = first.provenance["scores"]["root"]
    data = open_dataset(first.dataset["name"], root)
    pictures = [
        case
        for folder, report in scored
        if cases
        for case in draw_cases(folder, report, task=task, data=data, count=cases)
    ]
    write_report(
        reports,
        page,
        title=task.title,
        cases=pictures,
        comparisons=compare_models(reports),
    )
    return page


def _printed(reports: Sequence[Report]) -> tuple[list[str], list[str]]:
    """Name the metrics, the primary one first, and those that have no value."""
    first = reports[0]
    others = [name for name in first.summary if name != first.primary]
    known = {n for n in others for r in reports if not isnan(r.summary[n].value)}
    return (
        [first.primary, *(name for name in others if name in known)],
        [name for name in others if name not in known],
    )


def _said(metric: Metric) -> str:
    """Name a metric with its unit."""
    return f"{metric.title} [{metric.unit}]" if metric.unit else metric.title


def _interval(estimate: Estimate) -> str:
    """Write a value with its interval, where there is one: not of a single patient."""
    if estimate.low != estimate.low:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _plain(report: Report) -> dict[str, Any]:
    """Describe what a report says, without its rows."""
    value = report.to_dict()
    return {
        key: value[key]
        for key in ("task", "dataset", "split", "model", "summary", "groups", "skipped")
    }


def _suffix(made: Mapping[str, Setting]) -> list[str]:
    """Tell runs of several folds apart."""
    return [f"fold{made['fold']}"] if "fold" in made else []


def _read_sides(run: Path) -> dict[str, str]:
    """Read which patients were on which side when a run was fitted."""
    path = run / "split.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["patient"]: row["side"] for row in csv.DictReader(file)}
    except (OSError, KeyError) as error:
        raise InvalidArgumentError(
            f"'{path}' does not say who was trained on ({error}). Fit again."
        ) from error
