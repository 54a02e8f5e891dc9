"""Commands about what there is: datasets, tasks, models, and the files of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cardium.cli.options import Json, Limit, Root
from cardium.cli.output import (
    format_rows,
    print_fields,
    print_json,
    print_rows,
    progress,
)

if TYPE_CHECKING:
    from cardium.core import Dataset, Output

Name = Annotated[str, typer.Argument(help="A dataset's name; `cardium datasets`.")]


def datasets(as_json: Json = False) -> None:
    """List the datasets, and what lies here; `cardium info NAME` tells more of one."""
    from cardium.core import find_root
    from cardium.datasets import DATASETS
    from cardium.errors import DataMissingError

    rows = []
    for name in DATASETS.names():
        dataset = DATASETS.find(name)
        try:
            root: Path | None = find_root(dataset)
        except DataMissingError:
            root = None
        row = {
            "name": name,
            "what": dataset.info.summary,
            "here": str(root) if root else None,
        }
        rows.append({**row, "tasks": tasks_of(dataset)} if as_json else row)
    print_rows(rows, as_json=as_json)


def tasks(
    name: Annotated[
        str | None, typer.Argument(help="A task's name, to know all of it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the tasks; of one, what it needs, its options and metrics, who can answer.

    An option is set by -O NAME=VALUE.
    """
    from cardium.tasks import TASKS

    names = TASKS.names() if name is None else [name]
    rows = [_describe_task(one) for one in names]
    if name is not None:
        print_fields(rows[0], as_json=as_json)
        return
    if not as_json:
        rows = [{k: row[k] for k in ("name", "what", "scored by")} for row in rows]
    print_rows(rows, as_json=as_json)


def models(
    name: Annotated[
        str | None, typer.Argument(help="A model's name, to know all of it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the models; of one, the tasks that it can answer, and its settings.

    A setting is set by -S NAME=VALUE. Models of clips are run by `cardium bench`; the
    others by `cardium fit`.
    """
    from cardium.clip_models import CLIP_MODELS
    from cardium.models import MODELS

    if name is not None:
        clips = name in CLIP_MODELS.names() and name not in MODELS.names()
        row = _describe_clip_model(name) if clips else _describe_model(name)
        print_fields(row, as_json=as_json)
        return
    rows = [_describe_model(one) for one in MODELS.names()]
    rows += [_describe_clip_model(one) for one in CLIP_MODELS.names()]
    if not as_json:
        rows = [{k: row[k] for k in ("name", "what", "family")} for row in rows]
    print_rows(rows, as_json=as_json)


def tasks_of(dataset: Dataset) -> list[str]:
    """List the tasks that a dataset has what they need for."""
    from cardium.tasks import TASKS, open_task

    opened = (open_task(name) for name in TASKS.names())
    return [task.name for task in opened if not task.missing(dataset.provides)]


def _describe_task(name: str) -> dict[str, object]:
    """Say all of a task."""
    from cardium.datasets import DATASETS
    from cardium.models import MODELS
    from cardium.tasks import open_task, task_options

    task = open_task(name)
    metric = task.metrics[task.primary]
    every = [DATASETS.find(data) for data in DATASETS.names()]
    return {
        "name": name,
        "what": task.title,
        "needs": [n if isinstance(n, str) else " or ".join(n) for n in task.needs],
        "answers": _describe_output(task.output),
        "scored by": f"{metric.title} [{metric.unit}]" if metric.unit else metric.title,
        "metrics": list(task.metrics),
        "options": task_options(name),
        "data": [one.name for one in every if not task.missing(one.provides)],
        "models": [m for m in MODELS.names() if MODELS.find(m).can(task)],
    }


def _describe_output(output: Output) -> str:
    """Say what an answer is: its kind, and the names of what it holds, in order."""
    kind = output.kind.replace("_", " ")
    return f"{kind}: {', '.join(output.classes)}" if output.classes else kind


def _describe_model(name: str) -> dict[str, object]:
    """Say all of a model."""
    from cardium.models import MODELS
    from cardium.tasks import TASKS, open_task

    recipe = MODELS.find(name)
    opened = (open_task(task) for task in TASKS.names())
    return {
        "name": name,
        "what": recipe.title,
        "family": recipe.family,
        "tasks": [task.name for task in opened if recipe.can(task)],
        "settings": dict(recipe.settings),
        "reference": recipe.reference,
    }


def _describe_clip_model(name: str) -> dict[str, object]:
    """Say all of a model of clips."""
    from cardium.clip_models import CLIP_MODELS

    clips = CLIP_MODELS.find(name)
    return {
        "name": name,
        "what": clips.title,
        "family": f"{clips.family} of clips",
        "tasks": sorted(clips.tasks),
        "settings": dict(clips.settings),
    }


def info(name: Name, as_json: Json = False) -> None:
    """Print a dataset's data sheet: contents, layout, licence, paper, access."""
    import inspect
    from dataclasses import asdict
    from importlib import import_module

    from cardium.datasets import DATASETS

    dataset = DATASETS.find(name)
    layout = inspect.getdoc(import_module(dataset.load.__module__)) or ""
    fields = {
        **asdict(dataset.info),
        "provides": sorted(dataset.provides),
        "tasks": tasks_of(dataset),
    }
    if as_json:
        print_json({"name": name, **fields, "layout": layout})
        return
    print_fields({k: v for k, v in fields.items() if v})
    typer.echo(f"\n{layout}")


def fetch(
    name: Name,
    root: Annotated[
        Path | None, typer.Option(help="Where to put it. Default: as for reading.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="PREFIX", help="Fetch only files whose path begins so."),
    ] = None,
) -> None:
    """Download a dataset whose licence allows it, or print how to get it."""
    from cardium.datasets import DATASETS, fetch

    with progress(f"Fetching {name}") as report:
        folder = fetch(
            DATASETS.find(name), root, only=tuple(only or ()), progress=report
        )
    typer.echo(folder)


def verify(
    name: Name, root: Root = None, limit: Limit = None, as_json: Json = False
) -> None:
    """Check that every file is present, readable and consistent.

    Exit status 1 if there is an error; a partial copy is a warning.
    """
    from dataclasses import asdict

    from cardium.datasets import open_dataset, verify

    data = open_dataset(name, root)
    with progress(f"Verifying {name}") as report:
        findings = verify(data, limit=limit, progress=report)
    rows = [asdict(finding) for finding in findings]
    for row in () if as_json else rows:
        row.pop("kind")  # for programs; a table with it does not fit a terminal
    if rows or as_json:
        print_rows(rows, title=f"{name} at {data.root}", as_json=as_json)
    else:
        typer.echo(f"{name} at {data.root}: no findings.")
    broken = any(finding.severity == "error" for finding in findings)
    raise typer.Exit(1 if broken else 0)


def stats(
    name: Name,
    root: Root = None,
    style: Annotated[
        str, typer.Option("--format", help="text, csv, markdown, latex or json.")
    ] = "text",
    as_json: Json = False,
) -> None:
    """Count recordings, patients, rates, durations and bytes, by the source's kinds."""
    from cardium.datasets import open_dataset, stats, tables

    data = open_dataset(name, root)
    with progress(f"Counting {name}") as report:
        counted = tables(data, progress=report)
        found = {"": stats(data, progress=report)} if counted is None else counted
    # programs get one list, in which each row says what table it is of
    rows = [
        {"table": title, **row} if title else dict(row)
        for title, table in found.items()
        for row in table
    ]
    if as_json or style == "json":
        print_json(rows)
    elif style == "csv":
        typer.echo(format_rows(rows, style), nl=False)
    elif style == "text":
        for title, table in found.items():
            print_rows([_short(row) for row in table], title=title)
    else:
        parts = [format_rows(table, style) for table in found.values()]
        typer.echo("\n".join(parts), nl=False)


def _short(row: Mapping[str, object]) -> dict[str, object]:
    """Say a row of counts in what fits a terminal: short names, ranges, megabytes."""
    named = {_SHORT.get(k, k): v for k, v in row.items() if k not in _LEFT_OUT}
    for name, (first, last) in _RANGES.items():
        if first in row:
            ends = [
                f"{row[end]:g}" if isinstance(row[end], float) else row[end]
                for end in (first, last)
            ]
            named[name] = "-".join(str(end) for end in dict.fromkeys(ends) if end)
    if "content" in named:  # so that it can be broken between words
        named["content"] = str(named["content"]).replace("_", " ")
    for size, factor in (("bytes", 1e-6), ("gb", 1e3)):
        value = row.get(size)
        if isinstance(value, (int, float)):
            named["MB"] = value * factor
    return named


_SHORT = {"rate_hz": "Hz", "duration_s": "seconds"}
_RANGES = {
    "Hz range": ("rate_min_hz", "rate_max_hz"),
    "frame": ("frame_min", "frame_max"),
}
_LEFT_OUT = {"repeated", "total_s", "bytes", "gb", *sum(_RANGES.values(), ())}


def phantom(
    out: Annotated[Path, typer.Argument(help="The folder to write; it must be empty.")],
    exams: Annotated[int, typer.Option(min=1, help="Number of examinations.")] = 10,
    preset: Annotated[
        str,
        typer.Option(
            help="tiny (seconds an examination), bench (as small, of several beats) or "
            "full (clinical size)."
        ),
    ] = "tiny",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the patients.")] = 0,
    visits: Annotated[
        int, typer.Option(min=1, help="Examinations of each patient.")
    ] = 1,
    condition: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A disease that all patients have, or none: dilated, hypertrophic, "
            "infarct, amyloid, aortic_stenosis, mitral_regurgitation, "
            "aortic_regurgitation. May be repeated. Default: as they come.",
        ),
    ] = None,
    modes: Annotated[
        str,
        typer.Option(
            help="all; benchmark (apical views, their strain, colour, a volume and its "
            "mesh); or 4ch (a four-chamber view and its strain)."
        ),
    ] = "all",
    dense: Annotated[
        bool, typer.Option("--dense", help="Write what is true at every point, too.")
    ] = False,
    coherence: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Echo power that stays from frame to frame, apical views.",
        ),
    ] = 0.95,
    frame_rate: Annotated[
        float | None,
        typer.Option(help="Frames a second of apical views. Default: the preset's."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that work at once. Default: one a core."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write phantom examinations with known truth, in the layout of echoxflow."""
    import os

    from cardium.datasets.echoxflow import write_phantom

    if condition and "none" in condition and len(condition) > 1:
        raise typer.BadParameter(
            "none stands alone: a patient cannot have a disease and none.",
            param_hint="'--condition'",
        )
    named = None if condition is None else tuple(c for c in condition if c != "none")
    with progress("Simulating") as report:
        truth = write_phantom(
            out,
            exams=exams,
            preset=preset,
            seed=seed,
            visits=visits,
            conditions=named,
            modes=modes,
            dense=dense,
            coherence=coherence,
            frame_rate=frame_rate,
            workers=workers or os.cpu_count() or 1,
            progress=report,
        )
    if as_json:
        print_json({"root": out, "truth": truth})
    else:
        rows = [{k: _shown(row[k]) for k in _TRUTH_SHOWN} for row in truth]
        print_rows(rows, title=f"What is true; all of it in {out / 'truth.parquet'}")
        typer.echo(f"Read it with: cardium stats echoxflow --root {out}")


_TRUTH_SHOWN = ("exam_id", "patient_id", "conditions", "edv_ml", "ef_percent")


def _shown(value: object) -> object:
    """Write the names of a list in one cell."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value
