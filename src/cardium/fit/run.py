"""Fitting: from a task, a dataset and a recipe to a run folder that can be loaded.

A run folder holds ``config.toml`` (what was asked for), ``split.csv`` (who was on which
side), ``metrics.csv`` (one row an epoch), ``skipped.csv`` (recordings that could not be
read), ``checkpoints/``, ``provenance.json`` and, when the run is finished and not
before, ``model.safetensors``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

from cardium.core import (
    Baseline,
    OpenDataset,
    Recipe,
    Sample,
    Setting,
    Split,
    Task,
    need,
    provenance,
)
from cardium.core.files import sha256, write_json
from cardium.errors import (
    CardiumError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.fit._folder import (
    PROVENANCE,
    WEIGHTS,
    Config,
    claim_folder,
    read_config,
    read_weights,
    write_metrics,
    write_skipped,
    write_weights,
)
from cardium.fit.settings import Machine, TrainingSettings, default_settings
from cardium.models import MODELS
from cardium.tasks import open_task

if TYPE_CHECKING:
    from cardium.fit._predictor import NetworkPredictor

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model that was fitted, ready to predict; it is a `core.Model`.

    Parameters
    ----------
    task : Task
        What it answers.
    config : mapping
        What the run was asked for, by section: task, data, model, split, training.
    facts : mapping
        What `describe` tells.
    answer : function (sample) -> dict of arrays
        Answers one sample.
    predictor : object, optional
        The network with what it takes, if it is one; see `cardium.fit.attribution`.
    """

    task: Task
    config: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, object]
    answer: Callable[[Sample], Mapping[str, NDArray[Any]]]
    predictor: NetworkPredictor | None = None

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample: the array that ``task.output`` describes, by its name."""
        return self.answer(sample)

    def describe(self) -> Mapping[str, object]:
        """Say its name, its number of weights, its settings and its hash."""
        return self.facts


def fit(
    task: Task,
    data: OpenDataset,
    recipe: Recipe,
    out: str | Path,
    *,
    split: Split,
    split_settings: Mapping[str, Setting] | None = None,
    settings: Mapping[str, Setting] | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    patience: int | None = None,
    seed: int = 0,
    precision: str = "32-true",
    accelerator: str = "auto",
    devices: int = 1,
    workers: int = 0,
    progress: bool | None = None,
) -> Path:
    """Fit a model to the training side of a split.

    Stopped at any time and called again with the same arguments, it goes on from the
    last epoch that was finished and, on the CPU, ends in the same weights to the bit.
    A finished run is left as it is.

    Parameters
    ----------
    task : Task
        What to learn.
    data : OpenDataset
        What to learn from.
    recipe : Recipe
        What learns: a network, or a baseline that is counted.
    out : str or Path
        The run folder.
    split : Split
        Who is trained on, and who validates. The weights of the best validation are
        kept; without a validation side, the last ones.
    split_settings : mapping, optional
        How the split was made, to be written down: ``{"folds": 5, "fold": 0}``.
    settings : mapping, optional
        Settings of the recipe that differ from its defaults.
    steps, batch_size : int, optional
        See `TrainingSettings`. If not given, the default for the kind of answer; a
        baseline has none of them.
    learning_rate : float, optional
        The highest rate of the schedule.
    patience : int, optional
        Validations without progress before it stops; 0: never.
    seed : int
        Of the first weights, the order of the recordings and the augmentation.
    precision : {"32-true", "bf16-mixed"}
        Arithmetic of the network.
    accelerator : str
        ``"auto"``, ``"cpu"``, ``"gpu"``; like the next two, not part of what the run
        is.
    devices : int
        How many of them.
    workers : int
        Processes that read recordings.
    progress : bool, optional
        Whether to draw a progress bar; if not said, on a terminal.

    Returns
    -------
    Path
        The run folder.

    Raises
    ------
    InvalidArgumentError
        If the model cannot answer the task, or a setting is out of its range.
    UnknownNameError
        If the recipe has no such setting.
    NotProvidedError
        If no recording of the training side can be read.
    RunConflictError
        If the folder holds a run that was asked for otherwise.
    """
    if not recipe.can(task):
        raise InvalidArgumentError(
            f"Model '{recipe.name}' cannot answer task '{task.name}', whose output is "
            f"a {task.output.kind}; it answers {', '.join(sorted(recipe.answers))}"
            f"{', of signals' if recipe.input_rank == 1 else ''}."
        )
    if not len(split.train):
        raise NotProvidedError(f"Split '{split.name}' has nobody to train on.")
    chosen = choose_settings(recipe.name, recipe.settings, settings or {})
    config: Config = {
        "task": {"name": task.name, **task.options},
        "data": {"name": data.dataset.name, "version": data.dataset.info.version},
        "model": {"name": recipe.name, **chosen},
        "split": {"name": split.name, **(split_settings or {})},
    }
    run = Path(out)
    show = sys.stderr.isatty() if progress is None else progress
    if recipe.family == "baseline":
        built: Baseline = recipe.build(task, **chosen)
        claim_folder(run, config, split)
        if not (run / WEIGHTS).exists():
            _count(task, data, built, run, config, split, progress=show)
        return run
    defaults = default_settings(task.output.kind, recipe.input_rank)
    batch_size = _either(batch_size, defaults.batch_size)
    training = TrainingSettings(
        steps=_either(steps, defaults.steps_for(len(split.train), batch_size)),
        batch_size=batch_size,
        learning_rate=_either(learning_rate, defaults.learning_rate),
        patience=_either(patience, defaults.patience),
        seed=seed,
        precision=precision,
    )
    config["training"] = asdict(training)
    claim_folder(run, config, split)
    if not (run / WEIGHTS).exists():
        need("lightning", extra="torch")
        from cardium.fit._networks import fit_network

        machine = Machine(accelerator, devices, workers, show)
        fit_network(task, data, recipe, run, config, split, training, machine)
    return run


def load_run(
    run: str | Path,
    *,
    task: Task | None = None,
    recipe: Recipe | None = None,
    device: str = "auto",
) -> FittedModel:
    """Load the model of a finished run.

    Parameters
    ----------
    run : str or Path
        The run folder.
    task : Task, optional
        The task it was fitted for, if it is not one of the registered ones.
    recipe : Recipe, optional
        The recipe it was built from, if it is not one of the registered ones.
    device : str
        Where a network computes: ``"cpu"``, ``"cuda"``, or ``"auto"`` for an
        accelerator if there is one.

    Returns
    -------
    FittedModel
        Ready to predict.

    Raises
    ------
    DataMissingError
        If the folder holds no finished run.
    DataCorruptError
        If one of its files is not what it should be.
    UnknownNameError
        If the task or the model is not registered, and not given.
    """
    folder = Path(run)
    config = read_config(folder)
    arrays, about = read_weights(folder)
    options = {k: v for k, v in config["task"].items() if k != "name"}
    settings = {k: v for k, v in config["model"].items() if k != "name"}
    if task is None:
        task = open_task(config["task"]["name"], **options)
    if recipe is None:
        recipe = MODELS.find(config["model"]["name"])
    if recipe.family == "baseline":
        baseline: Baseline = recipe.build(task, **settings)
        baseline.restore(arrays)
        predictor: NetworkPredictor | None = None
        answer, parameters = baseline.predict, sum(v.size for v in arrays.values())
    else:
        need("torch", extra="torch")
        from cardium.fit._networks import load_network

        network = load_network(task, recipe, settings, arrays, about, device)
        answer, parameters = network.predict, network.parameters
        predictor = network
    facts = {
        "name": recipe.name,
        "parameters": parameters,
        "settings": settings,
        "task": dict(config["task"]),
        "data": dict(config["data"]),
        "split": dict(config["split"]),
        "training": dict(config.get("training", {})),
        "weights_sha256": sha256(folder / WEIGHTS),
    }
    return FittedModel(task, config, facts, answer, predictor)


def _count(
    task: Task,
    data: OpenDataset,
    baseline: Baseline,
    run: Path,
    config: Config,
    split: Split,
    *,
    progress: bool,
) -> None:
    """Show a baseline every training recording once, and finish its run folder."""
    from rich.progress import track

    skipped = []
    entries = track(split.train.entries, "Counting", disable=not progress)
    for entry in entries:
        try:
            recording = data.load(entry)
            sample = task.inputs(recording)
            baseline.update(sample, task.target(recording, sample.stream.geometry))
        except (CardiumError, OSError) as error:
            skipped.append((entry.id, "train", str(error)))
    if len(skipped) == len(split.train):
        raise NotProvidedError(
            f"None of the {len(skipped)} recordings of the training side can be read. "
            f"The first, '{skipped[0][0]}': {skipped[0][2]}"
        )
    write_metrics(run, [])
    write_skipped(run, skipped)
    facts = {
        "run": config,
        "patients": {"train": len(split.train.patients)},
        "recordings": {"train": len(split.train)},
        "skipped": len(skipped),
    }
    write_json(run / PROVENANCE, provenance(**facts))
    write_weights(run, baseline.arrays(), about="baseline")


def choose_settings(
    model: str, defaults: Mapping[str, Setting], settings: Mapping[str, Setting]
) -> dict[str, Setting]:
    """Put the caller's settings over a model's, each in the type of its default.

    Parameters
    ----------
    model : str
        The model's name, for messages.
    defaults : mapping
        What there is to set.
    settings : mapping
        What the caller set.

    Returns
    -------
    dict
        All settings.

    Raises
    ------
    UnknownNameError
        If the model has no such setting.
    InvalidArgumentError
        If a value is not of the type of the default.
    """
    chosen = dict(defaults)
    for name, value in settings.items():
        if name not in chosen:
            raise UnknownNameError(f"setting of model '{model}'", name, chosen)
        try:
            chosen[name] = type(chosen[name])(value)
        except ValueError as error:
            raise InvalidArgumentError(
                f"Setting '{name}' of model '{model}' must be a "
                f"{type(chosen[name]).__name__} like {chosen[name]!r}, got {value!r}."
            ) from error
    return chosen


def _either(value: Number | None, default: Number) -> Number:
    """Return the default where nothing was said."""
    return default if value is None else value
