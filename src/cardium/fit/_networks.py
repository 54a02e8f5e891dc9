"""Fitting and loading a network; a module of its own, since it imports torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

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

_VALIDATED = {"label_map": 128, "multilabel": 2048, "velocity": 32}


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
    form = describe_format(recipe, chosen, _first_sample(task, data, split))
    network = _build(recipe, task, form, chosen, seed=settings.seed)
    load = item_loader(task, data, form)
    held = spread(split.val, _VALIDATED[task.output.kind])
    train, val = (
        Draws(
            load,
            entries,
            form,
            seed=settings.seed,
            shuffled=shuffled,
            workers=machine.workers,
        )
        for entries, shuffled in ((split.train.entries, True), (held, False))
    )
    training = NetworkTraining(
        network, task.output.kind, settings, train, val if held else None, machine
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
        described = json.loads(about)
        form = InputFormat(**{**described, "leads": tuple(described["leads"])})
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
            form.channels, count_channels(task.output), **settings
        )
    return network


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
