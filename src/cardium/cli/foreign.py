"""What `cardium score` does with a file of predictions that was made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from cardium.errors import InvalidArgumentError


def is_file(path: Path) -> bool:
    """Say whether a path means a file of predictions, not a folder."""
    return not path.is_dir() and path.suffix.lower() in (".csv", ".npy", ".npz")


def refuse_for_folder(path: Path, *chosen: object) -> None:
    """Refuse options that only a file needs: a folder knows its own."""
    if any(one is not None for one in chosen):
        raise InvalidArgumentError(
            f"'{path}' is no .csv, .npy or .npz: --task, --data, --split, --model, "
            "--output and --option are for files of predictions. A predictions folder "
            "knows its own."
        )


def import_file(
    file: Path,
    task: str | None,
    data: str | None,
    *,
    split: str,
    model: str | None,
    out: Path | None,
    options: Mapping[str, str | int | float],
    root: Path | None,
) -> Path:
    """Write the predictions folder of a file, and say what cannot be known of it."""
    from cardium.core.files import read_json, sha256
    from cardium.datasets import DATASETS
    from cardium.evaluate import import_predictions
    from cardium.tasks import open_task

    if task is None or data is None:
        raise InvalidArgumentError(
            f"'{file}' does not say what it predicts: give --task and --data, as "
            "`cardium tasks` and `cardium datasets` list them."
        )
    the_task, opened = open_task(task, **options), DATASETS.find(data).open(root)
    if out is None and file.is_file():
        parts = (file.stem, the_task.name, split, sha256(file)[:8])
        out = file.with_name("-".join(parts))
    folder = import_predictions(
        file, the_task, opened, out or file, split=split, model=model or ""
    )
    typer.echo(
        f"Predictions: {folder}\nLeakage cannot be checked: which patients the model "
        f"of '{file.name}' was made with is not known.",
        err=True,
    )
    if count := read_json(folder / "provenance.json")["left_out"]:
        typer.echo(
            f"{count} recordings of '{file.name}' were left out: they are not on the "
            f"side '{split}', or lack what the task needs.",
            err=True,
        )
    return folder
