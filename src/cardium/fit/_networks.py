"""Fitting and loading a network; a module of its own, since it imports torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cardium.core import (
    OpenDataset,
    Recipe,
    Sample,
    Setting,
    Split,
    Task,
    provenance,
)
from cardium.core.files import write_json
from cardium.errors import CardiumError, DataCorruptError, NotProvidedError
from cardium.fit._folder import PROVENANCE, Config, write_weights
from cardium.fit._heads import count_channels
from cardium.fit._predictor import NetworkPredictor
from cardium.fit._samples import Draws, item_loader, spread
from cardium.fit._tensors import InputFormat, describe_format
from cardium.fit._training import Journal, NetworkTraining, train_network
from cardium.fit.settings import Machine, TrainingSettings
from cardium.models._records import RECORD_SETTINGS

_VALIDATED = {
    "label_map": 128,
    "multilabel": 2048,
    "quantity": 2048,
    "event_class": 128,
    "velocity": 32,
}
"""Recordings to validate with at most."""

_EVENTS_VALIDATED = 2048
_EVENTS_OF_ONE = 256
_MEASURED = 2048
"""Recordings by which quantities are standardised at most."""


def fit_network(
    task: Task,
    data: OpenDataset,
    recipe: Recipe,
    run: Path,
    config: Config,
    split: Split,
    settings: TrainingSettings,
    machine: Machine,
) -> None:
    """Train a network, or go on training it, and finish its run folder."""
    chosen = {k: v for k, v in config["model"].items() if k != "name"}
    kind = task.output.kind
    form = _describe(task, data, recipe, chosen, split)
    network = _build(recipe, task, form, chosen, seed=settings.seed)
    load = item_loader(task, data, form)
    held = spread(split.val, _VALIDATED[kind])
    passes = math.ceil(_EVENTS_VALIDATED / len(held)) if held else 1
    passes = min(passes, _EVENTS_OF_ONE) if kind == "event_class" else 1
    train, val = (
        Draws(
            load,
            entries,
            form,
            seed=settings.seed,
            shuffled=shuffled,
            workers=machine.workers,
            passes=repeats,
        )
        for entries, shuffled, repeats in (
            (split.train.entries, True, 1),
            (held, False, passes),
        )
    )
    training = NetworkTraining(
        network, kind, form, settings, train, val if held else None, machine
    )
    journal = Journal(run, patience=settings.patience, validated=bool(held))

    def finish() -> None:
        _finish(run, config, split, machine, journal, network, len(held), form)

    train_network(
        training,
        journal,
        run,
        finish,
        epochs=settings.epochs,
        precision=settings.precision,
        machine=machine,
    )


def _describe(
    task: Task,
    data: OpenDataset,
    recipe: Recipe,
    settings: Mapping[str, Setting],
    split: Split,
) -> InputFormat:
    """Say what the network takes, and in what it answers quantities."""
    kind, first = task.output.kind, _first_sample(task, data, split)
    form = describe_format(recipe, settings, first, kind=kind)
    if kind != "quantity":
        return form
    mean, deviation = _measure_quantities(task, data, split)
    return replace(form, mean=mean, deviation=deviation)


def _finish(
    run: Path,
    config: Config,
    split: Split,
    machine: Machine,
    journal: Journal,
    network: nn.Module,
    validated: int,
    form: InputFormat,
) -> None:
    """Write what a training came to; the weights last."""
    journal.write_tables()
    facts = {
        "run": config,
        "patients": {s: len(getattr(split, s).patients) for s in ("train", "val")},
        "recordings": {s: len(getattr(split, s)) for s in ("train", "val")},
        "skipped": len(journal.skipped),
        "steps": int(journal.rows[-1][0]),
        "stopped_early": journal.stopped,
        "weights": _kept(journal, validated),
        "parameters": sum(p.numel() for p in network.parameters()),
        "seconds": journal.rows[-1][-1],
        "machine": asdict(machine),
    }
    write_json(run / PROVENANCE, provenance(**facts))
    write_weights(run, journal.weights, about=json.dumps(asdict(form)))


def load_network(
    task: Task,
    recipe: Recipe,
    settings: Mapping[str, Setting],
    arrays: Mapping[str, NDArray[Any]],
    about: str,
    device: str,
) -> NetworkPredictor:
    """Build the network of a run and give it its weights.

    Raises
    ------
    DataCorruptError
        If the weights are not those of the network that the run describes.
    """
    try:
        form = InputFormat.from_dict(json.loads(about))
        network = _build(recipe, task, form, settings, seed=0)
        network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataCorruptError(
            f"The stored weights do not fit the network '{recipe.name}' with the "
            f"settings {dict(settings)}: {error}"
        ) from error
    return NetworkPredictor(network, task.output, form, device=device)


def _build(
    recipe: Recipe,
    task: Task,
    form: InputFormat,
    settings: Mapping[str, Setting],
    *,
    seed: int,
) -> nn.Module:
    """Build a network whose first weights follow from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = recipe.build(
            form.channels, count_channels(task.output), **_of_build(recipe, settings)
        )
    return network


def _of_build(recipe: Recipe, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Leave out how records are cut, unless the network wants to know."""
    taken = signature(recipe.build).parameters
    return {
        name: value
        for name, value in settings.items()
        if name in taken or name not in RECORD_SETTINGS
    }


def _measure_quantities(
    task: Task, data: OpenDataset, split: Split
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of the truths of the training side.

    A quantity that nobody has, or that is the same for everybody, is left as it is.
    """
    values = []
    for entry in spread(split.train, _MEASURED):
        try:
            truth = task.target(data.load(entry), None)
        except (CardiumError, OSError):
            continue  # it is named as skipped when it is drawn
        values.append(np.asarray(truth.values[task.output.name], np.float64))
    table = np.array(values).reshape(-1, len(task.output.classes))
    known = np.isfinite(table)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, table, 0).sum(0) / count
    spared = np.where(known, table - mean, 0)
    deviation = np.sqrt((spared**2).sum(0) / count)
    deviation[deviation == 0] = 1.0
    return tuple(mean.tolist()), tuple(deviation.tolist())


def _first_sample(task: Task, data: OpenDataset, split: Split) -> Sample:
    """Read the first recording of the training side that can be read."""
    reasons = []
    for entry in split.train:
        try:
            return task.inputs(data.load(entry))
        except (CardiumError, OSError) as error:
            reasons.append(f"'{entry.id}': {error}")
    raise NotProvidedError(
        f"None of the {len(split.train)} recordings of the training side can be read. "
        f"The first, {reasons[0]}"
    )


def _kept(journal: Journal, validated: int) -> str:
    """Say which weights a run keeps."""
    if not validated:
        return "of the last step; there is no validation side"
    return (
        f"of epoch {journal.kept_epoch} of {len(journal.rows)}, the lowest loss on "
        f"{validated} recordings of the validation side"
    )
