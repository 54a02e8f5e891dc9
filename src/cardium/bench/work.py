"""The work of one cell: fit on all other folds, predict one, score it twice."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from cardium.bench._scoring import Scoring, peak_memory
from cardium.bench._sides import Sides, choose_sides, prepared_source
from cardium.bench.jobs import Job, rank
from cardium.core import (
    ClipRecipe,
    OpenDataset,
    Protocol,
    Training,
    fingerprint,
    provenance,
)
from cardium.core.files import read_json, write_json
from cardium.errors import RunConflictError
from cardium.fit.clips import Source
from cardium.fit.packs import RawSource

_FIT = "fit.json"
_PROVENANCE = "provenance.json"


def run_cell(job: Job) -> None:
    """Compute a cell in its folder; what is there of it is kept.

    Parameters
    ----------
    job : Job
        The cell, its folder, and the machine.

    Raises
    ------
    RunConflictError
        If the dataset is not the one that the cell was planned for.
    NotProvidedError
        If no recording can be learnt from, or none be scored.

    Notes
    -----
    ``run/`` is the run folder of `cardium.fit.clips.fit_clips`, ``batches/`` holds the
    rows of what was scored so far, ``rows.csv`` and ``skipped.csv`` all of them, and
    ``provenance.json`` what it took.
    """
    from cardium.clip_models import CLIP_MODELS
    from cardium.datasets import DATASETS

    facts, folder = job.cell.facts, Path(job.folder)
    if (folder / _PROVENANCE).is_file():
        return  # it was killed on the last step
    recipe = CLIP_MODELS.find(facts["model"]["recipe"])
    protocols = open_protocols(facts)
    learning = protocols[recipe.protocol]
    data = DATASETS.find(facts["data"]["name"]).open(job.root)
    usable = learning.task.usable(data.catalog)
    if fingerprint(usable) != facts["data"]["fingerprint"]:
        raise RunConflictError(
            f"The catalogue in '{data.root}' is not the one that cell "
            f"'{job.cell.name}' was planned for. Plan again: cardium bench run."
        )
    sides = choose_sides(usable, learning, facts)
    source = RawSource(learning, data)
    learnt: Source = source
    if facts["data"].get("prepared") and recipe.family != "rule":
        learnt = prepared_source(job, source, usable)
    _fit(job, recipe, learning, learnt, sides)
    if rank():
        return
    Scoring(job, recipe, protocols, source).run(sides)
    _write_provenance(job, data, sides)
    for path in (folder / "batches").glob("*.json"):
        path.unlink()


def open_protocols(facts: Mapping[str, Any]) -> dict[str, Protocol]:
    """Open the protocols of a cell with all their options."""
    from cardium.protocols import open_protocol

    return {
        name: open_protocol(facts["task"], name, **options)
        for name, options in facts["protocols"].items()
    }


def _fit(
    job: Job, recipe: ClipRecipe, learning: Protocol, source: Source, sides: Sides
) -> None:
    """Fit the model of a cell, and remember how long it took."""
    from cardium.fit.clips import fit_clips

    model, machine = job.cell.facts["model"], job.machine
    training = model.get("training")
    begun = time.perf_counter()
    devices, nodes = _together(machine.devices, machine.nodes)
    fit_clips(
        recipe,
        learning,
        source,
        Path(job.folder) / "run",
        entries=sides.train,
        settings=model["settings"],
        training=None if training is None else msgspec.convert(training, Training),
        seed=job.cell.seed,
        precision=model.get("precision", "32-true"),
        accelerator=machine.accelerator,
        devices=devices,
        nodes=nodes,
        strategy=machine.strategy,
        workers=machine.workers,
        progress=None if job.progress else False,
    )
    path = Path(job.folder) / _FIT
    if not rank() and not path.is_file():
        write_json(path, {"seconds": time.perf_counter() - begun, **peak_memory()})


def _together(devices: int, nodes: int) -> tuple[int, int]:
    """Say how many devices and hosts train: as torchrun started them, if it did."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE") or 0)
    if not local:
        return devices, nodes
    return local, int(os.environ["WORLD_SIZE"]) // local


def _write_provenance(job: Job, data: OpenDataset, sides: Sides) -> None:
    """Write down what a cell took."""
    folder = Path(job.folder)
    fit, predict = read_json(folder / _FIT), read_json(folder / "predict.json")
    seconds = float(fit["seconds"])
    trained = folder / "run" / _PROVENANCE
    if trained.is_file():  # a training that was taken up again counts from its start
        seconds = max(seconds, float(read_json(trained).get("seconds") or 0))
    memory = {
        name: max(fit[name], predict[name]) for name in ("memory", "device_memory")
    }
    write_json(
        folder / _PROVENANCE,
        provenance(
            cell=job.cell.facts,
            root=data.root.absolute(),
            machine=asdict(job.machine),
            device=_device(),
            recordings={"train": len(sides.train), "scored": len(sides.scored)},
            fit_seconds=seconds,
            predict_seconds=predict["seconds"],
            memory_bytes=memory["memory"],
            device_memory_bytes=memory["device_memory"],
            parameters=predict["model"].get("parameters"),
            model=predict["model"],
        ),
    )


def _device() -> str:
    """Name what was computed on."""
    import platform

    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return f"{platform.machine()}, {os.cpu_count()} cores"
