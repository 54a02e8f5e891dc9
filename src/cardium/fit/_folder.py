"""The files of a run, and what makes two runs the same."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cardium.core import Split
from cardium.core.files import write_text, written_aside
from cardium.errors import DataCorruptError, DataMissingError, RunConflictError

CHECKPOINT = Path("checkpoints") / "last.ckpt"
CONFIG = "config.toml"
METRICS = "metrics.csv"
PROVENANCE = "provenance.json"
SKIPPED = "skipped.csv"
SPLIT = "split.csv"
WEIGHTS = "model.safetensors"

METRIC_COLUMNS = (
    "step",
    "epoch",
    "train_loss",
    "val_loss",
    "learning_rate",
    "seconds",
)

Config = dict[str, dict[str, Any]]


def claim_folder(run: Path, config: Config, split: Split) -> None:
    """Write what a run is, or hold it against what the folder says it is.

    Raises
    ------
    RunConflictError
        If the folder holds a run of other settings or of another split.
    """
    rows = _table(("recording", "patient", "side"), _sides(split))
    if not (run / CONFIG).exists():
        import tomli_w

        write_text(run / SPLIT, rows)
        write_text(run / CONFIG, tomli_w.dumps(config))
        return
    there = read_config(run)
    if differences := _differences(there, config):
        raise RunConflictError(
            f"'{run}' holds a run of other settings: {'; '.join(differences)}. "
            "Give another folder, or delete this one."
        )
    if not (run / SPLIT).exists() or (run / SPLIT).read_text("utf-8") != rows:
        raise RunConflictError(
            f"'{run}' holds a run with other recordings on its sides than the "
            f"{len(split.train)} to train on, {len(split.val)} to validate with and "
            f"{len(split.test)} to score given now: see its {SPLIT}. Give another "
            "folder, or delete this one."
        )


def read_config(run: Path) -> Config:
    """Read what a run is.

    Raises
    ------
    DataMissingError
        If the folder holds no run.
    DataCorruptError
        If its description is not TOML.
    """
    path = run / CONFIG
    if not path.is_file():
        raise DataMissingError(f"'{run}' holds no run: there is no {CONFIG} in it.")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise DataCorruptError(f"'{path}' is not TOML: {error}.") from error


def write_metrics(run: Path, rows: Iterable[Sequence[float]]) -> None:
    """Write one row an epoch; see `METRIC_COLUMNS`."""
    cells = ([_cell(value) for value in row] for row in rows)
    write_text(run / METRICS, _table(METRIC_COLUMNS, cells))


def write_skipped(run: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Write which recordings could not be read, of which side, and why."""
    write_text(run / SKIPPED, _table(("recording", "side", "reason"), rows))


def write_weights(run: Path, tensors: Mapping[str, Any], *, about: str) -> None:
    """Write arrays or tensors with a description; this finishes a run.

    The description is one string, because safetensors keeps several in no order and
    the same weights would not give the same file.
    """
    from safetensors.numpy import save_file

    arrays = {name: np.asarray(value, order="C") for name, value in tensors.items()}
    with written_aside(run / WEIGHTS) as aside:
        save_file(arrays, aside, {"cardium": about})


def read_weights(run: Path) -> tuple[dict[str, Any], str]:
    """Read the arrays of a finished run and their description.

    Raises
    ------
    DataMissingError
        If the run is not finished.
    DataCorruptError
        If the file is not what safetensors writes, or was written by another program.
    """
    from safetensors import SafetensorError, safe_open

    path = run / WEIGHTS
    if not path.is_file():
        raise DataMissingError(
            f"The run '{run}' is not finished: there is no {WEIGHTS} in it. "
            "Fit it again with the same settings, and it goes on."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            about = (file.metadata() or {}).get("cardium")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise DataCorruptError(f"'{path}' cannot be read: {error}.") from error
    if about is None:
        raise DataCorruptError(f"'{path}' was not written by cardium.")
    return arrays, about


def _sides(split: Split) -> Iterable[tuple[str, str, str]]:
    """Say of each recording whose it is and on which side it stands."""
    for side in ("train", "val", "test"):
        for entry in getattr(split, side):
            yield entry.id, entry.patient, side


def _differences(there: Config, here: Config) -> list[str]:
    """Name the settings that differ, with both values."""
    found = []
    for section in [*there, *(name for name in here if name not in there)]:
        old, new = there.get(section, {}), here.get(section, {})
        for key in [*old, *(name for name in new if name not in old)]:
            if old.get(key) != new.get(key):
                found.append(
                    f"{section}.{key} is {old.get(key, 'not set')!r} there and "
                    f"{new.get(key, 'not set')!r} here"
                )
    return found


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Lay out a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _cell(value: float) -> str:
    """Write a number so that it reads back the same; NaN is an empty cell."""
    return "" if value != value else repr(value)
