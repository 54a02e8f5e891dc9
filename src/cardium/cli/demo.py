"""The demo: the main job from nothing to a report, on a phantom."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer

from cardium.cli.options import Json
from cardium.cli.output import progress


def demo(
    out: Annotated[
        Path, typer.Option("--output", "-o", help="The folder to write.")
    ] = Path("demo"),
    exams: Annotated[
        int, typer.Option(min=5, help="Phantom examinations; a patient each.")
    ] = 30,
    steps: Annotated[
        int, typer.Option(min=1, help="Training steps of the network.")
    ] = 300,
    seed: Annotated[int, typer.Option(help="Of patients, weights and draws.")] = 0,
    as_json: Json = False,
) -> None:
    """Write phantom examinations, fit, predict, score, and end with a report.

    Needs no download. A U-Net learns to outline the left ventricle in B-mode clips and
    is scored on patients it has not seen, beside the training-set mean. Run it again
    and it goes on where it stopped.
    """
    from cardium.cli.steps import Plan, fit_models, print_reports, score_runs
    from cardium.datasets.echoxflow import write_phantom

    root = out / "phantom"
    if not (root / CATALOGUE).is_file():
        rmtree(root, ignore_errors=True)  # what an interrupted demo left
        with progress("Writing phantom examinations") as report:
            write_phantom(root, exams=exams, seed=seed, modes="4ch", progress=report)
    plan = Plan.open("lv_segmentation", "echoxflow", root=root, fold=0)
    runs = fit_models(plan, "unet_2d", out / "run", steps=steps, seed=seed)
    scored = score_runs(plan, runs, "test")
    print_reports(scored, page=out / "report.html", as_json=as_json)


CATALOGUE = "croissant.json"
"""Written last: the examinations are complete when it is there."""
