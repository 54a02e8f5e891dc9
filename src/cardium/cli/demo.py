"""The demo: the main job from nothing to a report, on a phantom."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer

from cardium.cli.options import Json
from cardium.cli.output import print_json, progress


def demo(
    out: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write.")
    ] = Path("demo"),
    exams: Annotated[
        int, typer.Option(min=5, help="Phantom examinations; a patient each.")
    ] = 20,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Training steps of each network; fewer is faster."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of patients, weights and draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Write phantom examinations, fit, predict, score, and open with a report.

    Needs no download. Two tasks are run: the left ventricle's outline in B-mode, and
    tissue velocity from B-mode, each by a network beside the training-set mean.
    Run it again and it goes on where it stopped.
    """
    from cardium.cli.steps import Plan, fit_models, print_reports, score_runs
    from cardium.datasets.echoxflow import write_phantom

    root = out / "phantom"
    if not (root / CATALOGUE).is_file():
        rmtree(root, ignore_errors=True)  # what an interrupted demo left
        with progress("Writing phantom examinations") as report:
            write_phantom(root, exams=exams, seed=seed, progress=report)
    pages = []
    for task, model, length in DEMO:
        plan = Plan.open(task, "echoxflow", root=root, fold=0, seed=seed)
        runs = fit_models(plan, model, out / task, steps=steps or length, seed=seed)
        pages.append(out / f"{task}.html")
        scored = score_runs(plan, runs, "test")
        print_reports(scored, page=pages[-1], as_json=as_json)
    if as_json:
        print_json({"reports": pages})


CATALOGUE = "croissant.json"
"""Written last: the examinations are complete when it is there."""

DEMO = (("lv_segmentation", "unet_2d", 300), ("tissue_velocity", "unet_3d", 200))
"""Task, network and training steps of the demo: minutes on two cores."""
