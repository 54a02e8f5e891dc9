"""A fitted network as an entry to the PhysioNet/CinC Challenge 2021.

The folder trains and answers by the challenge's two commands, and needs numpy, scipy
and torch alone: the network's layers are copied into it, its weights stored as plain
arrays. See its ``README.md``.
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, OpenDataset, Recipe, Task, need
from cardium.core.files import write_json, write_text
from cardium.errors import (
    CardiumError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
)
from cardium.metrics.challenge import SCORED_2021
from cardium.signal import LEAD_SETS

_TEMPLATES = "challenge_2021"
_COUNTED = 5000
_TRAINING = ("steps", "batch_size", "learning_rate", "seed")


def class_codes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the SNOMED CT codes of classes of 2021, as its ``weights.csv`` heads them.

    Parameters
    ----------
    classes : sequence of str
        Of `cardium.metrics.challenge.CLASSES_2021`.

    Returns
    -------
    tuple of str
        One text a class; codes that are scored as one are joined by ``|``.

    Raises
    ------
    InvalidArgumentError
        If a name is none of the classes.

    Examples
    --------
    >>> class_codes(("AF", "CLBBB|LBBB", "NSR"))
    ('164889003', '733534002|164909002', '426783006')
    """
    codes = []
    for name in classes:
        of_it = [code for code, scored in SCORED_2021.items() if scored == name]
        if not of_it:
            raise InvalidArgumentError(
                f"'{name}' is no class of the Challenge 2021: {', '.join(classes)}. "
                "Fit task challenge_2021."
            )
        codes.append("|".join(of_it))
    return tuple(codes)


def export_challenge_2021(
    run: str | Path,
    folder: str | Path,
    *,
    task: Task | None = None,
    recipe: Recipe | None = None,
    data: OpenDataset | None = None,
    thresholds: float | Mapping[str, float] | None = None,
) -> Path:
    """Write a fitted network as an entry to the Challenge 2021.

    Parameters
    ----------
    run : str or Path
        The run folder of a network that was fitted to the classes of 2021.
    folder : str or Path
        Where to write; it must not be there, or be empty.
    task : Task, optional
        The task it was fitted for, if it is not one of the registered ones.
    recipe : Recipe, optional
        Likewise.
    data : OpenDataset, optional
        What it was fitted to: how often each class is there is counted, for records
        that the entry cannot read. If not given, these get 0.
    thresholds : float or mapping of str to float, optional
        From which probability on a class is answered; one, or one a class by its name.
        If not given, that of the task; of a class that is not named, 0.5.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunConflictError
        If the folder holds something.
    DataMissingError
        If there is no finished run.
    InvalidArgumentError
        If it is no network, its classes are not those of 2021, a threshold is not 0..1,
        or the source of its layers cannot be taken along.
    """
    need("torch", extra="torch")
    from cardium.entries._network_source import network_files
    from cardium.fit import load_run
    from cardium.fit._folder import read_weights
    from cardium.models import MODELS

    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunConflictError(f"'{target}' holds something. Give another folder.")
    model = load_run(run, task=task, recipe=recipe, device="cpu")
    task, config = model.task, model.config
    recipe = recipe or MODELS.find(str(config["model"]["name"]))
    arrays, about = read_weights(Path(run))
    form = _input_of(recipe, task, about)
    settings = _settings_of(recipe, form, config)
    settings["classes"] = list(class_codes(task.output.classes))
    if thresholds is None:
        thresholds = float(task.options.get("threshold", 0.5))
    chosen = _thresholds(thresholds, task.output.classes)
    priors = np.zeros(len(chosen)) if data is None else _count(task, data)
    model_about = {
        "leads": form["leads"],
        "input": settings["input"],
        "network": settings["network"],
        "classes": settings["classes"],
        "thresholds": chosen,
        "priors": priors.tolist(),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(mkdtemp(prefix=f".part.{target.name}.", dir=target.parent))
    try:
        _copy_templates(aside)
        for name, text in network_files(recipe).items():
            write_text(aside / "network" / name, text)
        write_json(aside / "settings.json", settings)
        _save(aside / "model" / f"{'_'.join(form['leads'])}.npz", arrays, model_about)
        aside.chmod(0o755)
        os.replace(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _input_of(recipe: Recipe, task: Task, about: str) -> dict[str, Any]:
    """Return what a run's network takes."""
    if recipe.family != "network" or task.output.kind != "multilabel":
        raise InvalidArgumentError(
            f"Model '{recipe.name}' is a {recipe.family} that answers a "
            f"{task.output.kind}; an entry needs a network that answers a multilabel."
        )
    described: dict[str, Any] = json.loads(about)
    return {"crop": 0.0, "aggregate": "mean", **described}


def _settings_of(
    recipe: Recipe, form: Mapping[str, Any], config: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the settings of an entry, but for the classes."""
    of_build = inspect.signature(recipe.build).parameters
    its_own = {k: v for k, v in config["model"].items() if k in of_build}
    leads = list(form["leads"])
    sets = [leads]
    sets += [[*s] for s in LEAD_SETS.values() if set(s) < set(leads)]
    return {
        "lead_sets": sets,
        "input": {k: form[k] for k in ("seconds", "rate", "crop", "aggregate")},
        "network": {"name": recipe.name, "settings": its_own},
        "training": {k: config["training"][k] for k in _TRAINING},
    }


def _thresholds(
    given: float | Mapping[str, float], classes: Sequence[str]
) -> list[float]:
    """Return one threshold a class."""
    if isinstance(given, Mapping):
        if unknown := sorted(set(given) - set(classes)):
            raise InvalidArgumentError(
                f"There is a threshold for '{unknown[0]}', which is none of the "
                f"classes {', '.join(classes)}."
            )
        chosen = [float(given.get(name, 0.5)) for name in classes]
    else:
        chosen = [float(given)] * len(classes)
    if wrong := [value for value in chosen if not 0 <= value <= 1]:
        raise InvalidArgumentError(f"Thresholds are 0..1, got {wrong[0]:g}.")
    return chosen


def _count(task: Task, data: OpenDataset) -> FloatArray:
    """Return how often each class is there in (some of) the recordings of a dataset."""
    entries = task.usable(data.catalog).entries
    step = max(1, len(entries) // _COUNTED)
    truths = []
    for entry in entries[::step]:
        try:
            truths.append(task.target(data.load(entry), None).values[task.output.name])
        except (CardiumError, OSError):
            continue  # it was not learnt from either
    if not truths:
        raise NotProvidedError(
            f"None of {len(entries[::step])} recordings of dataset "
            f"'{data.dataset.name}' can be read."
        )
    mean: FloatArray = np.nanmean(np.asarray(truths, np.float64), axis=0)
    return mean


def _copy_templates(folder: Path) -> None:
    """Write the files that are the same in every entry."""
    for file in files("cardium.entries").joinpath(_TEMPLATES).iterdir():
        if file.is_file():
            name = file.name.removesuffix(".txt") if ".py." in file.name else file.name
            write_text(folder / name, file.read_text(encoding="utf-8"))


def _save(
    path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]
) -> None:
    """Write weights as plain arrays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = {f"weight/{k}": v for k, v in arrays.items()}
    np.savez(path, about=np.array(json.dumps(about)), **named)
