"""Commands that fit, predict, score and report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cardium.cli.options import (
    Json,
    Limit,
    Option,
    Root,
    Where,
    check_device,
    parse_values,
    select,
)
from cardium.cli.output import print_json

TaskName = Annotated[str, typer.Argument(help="A task's name; `cardium tasks`.")]
Predictions = Annotated[Path, typer.Argument(help="A predictions folder.")]
Draws = Annotated[
    int, typer.Option(min=0, help="Bootstrap draws of the patients; 0: no intervals.")
]
Fold = Annotated[int | None, typer.Option(min=0, help="The fold that is scored.")]
Folds = Annotated[
    int | None,
    typer.Option(min=2, help="Make this many folds by patient; leaves the official "
                 "split aside."),
]  # fmt: skip


def fit(
    task: TaskName,
    data: Annotated[str, typer.Option(help="A dataset's name.")],
    model: Annotated[
        str | None,
        typer.Option(help="A model's name. Default: the usual one for the task."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Run folder. Default: runs/TASK-DATA-MODEL."
        ),
    ] = None,
    root: Root = None,
    holdout: Annotated[
        float | None,
        typer.Option(
            help="Validate on this share of the training patients; the official 'val' "
            "then stays unseen and is scored where there is no 'test'."
        ),
    ] = None,
    folds: Folds = None,
    fold: Fold = None,
    where: Where = None,
    limit: Limit = None,
    option: Option = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--setting",
            "-S",
            metavar="NAME=VALUE",
            help="A setting of the model; `cardium models` lists them.",
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1)] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The highest.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=0, help="Validations without progress before it stops; 0: never."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Of weights, order and augmentation; not of the split.")
    ] = 0,
    precision: Annotated[str, typer.Option(help="32-true or bf16-mixed.")] = "32-true",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu.")] = "auto",
    devices: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read.")] = 0,
    train_only: Annotated[
        bool, typer.Option("--train-only", help="Do not score when it is trained.")
    ] = False,
    draws: Draws = 1000,
    as_json: Json = False,
) -> None:
    """Fit a model, then score it on the unseen side beside the training-set mean.

    Stopped at any time, the same command goes on where it was and ends in the same
    result. The run folder holds the model, its predictions, and report.html.
    """
    from cardium.cli.steps import Plan, fit_models, print_reports, score_runs

    check_device(accelerator, option="--accelerator")
    plan = Plan.open(
        task,
        data,
        root=root,
        options=parse_values(option, of="--option"),
        where=where,
        limit=limit,
        folds=folds,
        fold=fold,
        holdout=holdout,
    )
    runs = fit_models(
        plan,
        model,
        out,
        baseline=not train_only,
        settings=parse_values(setting, of="--setting"),
        steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        seed=seed,
        precision=precision,
        accelerator=accelerator,
        devices=devices,
        workers=workers,
    )
    side = None if train_only else plan.unseen_side()
    if side is None:
        if as_json:
            print_json({"run": runs[0]})
            return
        typer.echo(f"The run: {runs[0]}")
        if not train_only:
            typer.echo(plan.why_unscored(), err=True)
        return
    scored = score_runs(plan, runs, side, draws=draws)
    print_reports(scored, page=runs[0] / "report.html", as_json=as_json)


def predict(
    run: Annotated[Path, typer.Argument(help="A run folder that `cardium fit` wrote.")],
    data: Annotated[
        str | None, typer.Option(help="A dataset. Default: the one it was fitted to.")
    ] = None,
    split: Annotated[
        str, typer.Option(help="test, val or train; all: every recording.")
    ] = "test",
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Default: RUN/predictions-SPLIT."),
    ] = None,
    root: Root = None,
    where: Where = None,
    limit: Limit = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: Json = False,
) -> None:
    """Predict the recordings of one side of a split; goes on where it was left."""
    from cardium.cli.steps import predict_run
    from cardium.datasets import open_dataset
    from cardium.fit import load_run

    check_device(device)
    model = load_run(run, device=device)
    name = data or str(model.config["data"]["name"])
    opened = open_dataset(name, root)
    catalog = select(model.task.usable(opened.catalog), where, limit)
    folder = predict_run(model, run, opened, catalog, split, out=out)
    if as_json:
        print_json({"predictions": folder})
    else:
        typer.echo(f"Predictions: {folder}\nNext: cardium score {folder}")


def score(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="A predictions folder; or a .csv, .npy or .npz of predictions made "
            "elsewhere, with --task and --data."
        ),
    ],
    task: Annotated[
        str | None, typer.Option(help="Of a file: the task it answers.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Of a file: the dataset it is about.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Of a file: test, val or train; all: every recording. Default: test."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Of a file: the model's name. Default: that of the file."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Of a file: the predictions folder to write. Default: beside the "
            "file, by its name, task, split and hash.",
        ),
    ] = None,
    option: Option = None,
    root: Root = None,
    draws: Draws = 1000,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    as_json: Json = False,
) -> None:
    """Score predictions against the truth: a row a recording, intervals by patient.

    A file holds a row a recording, with a column 'recording' and one a class.
    """
    from cardium.cli.foreign import import_file, is_file, refuse_for_folder
    from cardium.cli.steps import print_reports, score_predictions

    if is_file(predictions):
        options = parse_values(option, of="--option")
        predictions = import_file(
            predictions, task, data, split=split or "test", model=model, out=out,
            options=options, root=root,
        )  # fmt: skip
    else:
        refuse_for_folder(predictions, task, data, split, model, out, option)
    scored = score_predictions(predictions, root=root, draws=draws, seed=seed)
    print_reports([scored], as_json=as_json)


def report(
    predictions: Annotated[
        list[Path], typer.Argument(help="Predictions of one task, one a model.")
    ],
    out: Annotated[
        Path, typer.Option("--output", "-o", help="The HTML file to write.")
    ] = Path("report.html"),
    root: Root = None,
    draws: Draws = 1000,
    cases: Annotated[int, typer.Option(min=0, help="Pictures of cases a model.")] = 3,
    as_json: Json = False,
) -> None:
    """Write one self-contained page: tables, curves, cases, what was skipped and why.

    Predictions that were not scored yet are scored first.
    """
    from cardium.cli.steps import print_reports, score_predictions

    scored = [
        score_predictions(folder, root=root, draws=draws, again=False)
        for folder in predictions
    ]
    print_reports(scored, page=out, cases=cases, as_json=as_json)
