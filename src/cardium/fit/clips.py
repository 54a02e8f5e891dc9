"""Training on the clips of a benchmark's protocol, and the models that come of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from typing import Protocol as Shape

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Case,
    Catalog,
    Clip,
    ClipRecipe,
    Entry,
    Item,
    Protocol,
    Setting,
    Split,
    Training,
    need,
    provenance,
)
from cardium.core.files import sha256, write_json
from cardium.errors import CardiumError, InvalidArgumentError, NotProvidedError
from cardium.fit._folder import (
    PROVENANCE,
    WEIGHTS,
    Config,
    claim_folder,
    read_weights,
    write_metrics,
    write_skipped,
    write_weights,
)
from cardium.fit.run import choose_settings
from cardium.fit.settings import PRECISIONS, Machine


class Source(Shape):
    """Where clips come from: the recordings as they lie, or a pack of them."""

    def open(self, entry: Entry) -> Case:
        """Open a recording as the protocol sees it; NotProvidedError says why not."""

    def item(self, case: Case, clip: Clip) -> Item:
        """Read one clip as a model sees and learns it."""


class ClipModel(Shape):
    """What answers the clips of a protocol."""

    def predict(self, items: Sequence[Item]) -> list[NDArray[np.float32]]:
        """Answer the clips of one batch: (channel, time, rows, columns) each."""

    def describe(self) -> Mapping[str, object]:
        """Say what it is, in what JSON can hold."""


def fit_clips(
    recipe: ClipRecipe,
    protocol: Protocol,
    source: Source,
    out: str | Path,
    *,
    entries: Sequence[Entry],
    settings: Mapping[str, Setting] | None = None,
    training: Training | None = None,
    seed: int = 0,
    precision: str = "32-true",
    accelerator: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    strategy: str = "auto",
    workers: int = 0,
    progress: bool | None = None,
) -> Path:
    """Fit a model to the clips of some recordings.

    Stopped at any time and called again with the same arguments, it goes on from the
    last epoch that was finished. A finished run is left as it is.

    Parameters
    ----------
    recipe : ClipRecipe
        What learns: a network, a baseline that is counted, or a rule.
    protocol : Protocol
        What is learnt, of which clips.
    source : Source
        Where the clips are read.
    out : str or Path
        The run folder.
    entries : sequence of Entry
        The recordings to learn from. Those that the protocol does not use, or that
        cannot be read, are named in ``skipped.csv``.
    settings : mapping, optional
        Settings of the recipe that differ from its defaults.
    training : Training, optional
        How a network is trained, if not as the recipe says.
    seed : int
        Of the first weights, and of the order and the place of the clips.
    precision : {"32-true", "bf16-mixed"}
        Arithmetic of the network.
    accelerator, devices, nodes, strategy : str, int, int, str
        As Lightning names them; like the rest, not part of what the run is.
    workers : int
        Processes that read clips.
    progress : bool, optional
        Whether to draw a progress bar; if not said, on a terminal.

    Returns
    -------
    Path
        The run folder.

    Raises
    ------
    InvalidArgumentError
        If the recipe does not answer the task in that domain or learns from another
        protocol, or an argument is out of its range.
    UnknownNameError
        If the recipe has no such setting.
    NotProvidedError
        If none of the recordings can be learnt from.
    RunConflictError
        If the folder holds a run that was asked for otherwise.

    Notes
    -----
    Each epoch takes one clip of each recording, at a place that follows from seed,
    epoch and recording alone, in an order that follows from seed and epoch.
    """
    check_fit(recipe, protocol)
    if precision not in PRECISIONS:
        raise InvalidArgumentError(
            f"precision must be one of {', '.join(PRECISIONS)}, got '{precision}'."
        )
    run, training = Path(out), training or recipe.training
    chosen = choose_settings(recipe.name, recipe.settings, settings or {})
    config: Config = {
        "task": {"name": protocol.task.name, "protocol": protocol.name},
        "protocol": dict(protocol.options),
        "model": {"name": recipe.name, **chosen},
    }
    if recipe.family == "network":
        config["training"] = {**asdict(training), "seed": seed, "precision": precision}
    elif recipe.family == "baseline":
        config["training"] = {"seed": seed}
    everybody, nobody = Catalog(tuple(entries)), Catalog(())
    claim_folder(run, config, Split(everybody, nobody, nobody, "clips"))
    if (run / WEIGHTS).exists():
        return run
    if recipe.family == "rule":
        _finish(run, config, {}, parameters=0)
        return run
    clips = Clips.open(source, entries, seed=seed)
    if recipe.family == "baseline":
        _count(recipe, protocol, clips, run, config, chosen)
        return run
    need("lightning", extra="torch")
    from cardium.fit._clips import fit_clip_network

    show = sys.stderr.isatty() if progress is None else progress
    machine = Machine(accelerator, devices, workers, show, nodes, strategy)
    network = recipe.build
    fit_clip_network(
        lambda: network(protocol.task.name, protocol.domain, **chosen),
        clips,
        run,
        training,
        machine,
        seed=seed,
        precision=precision,
        finish=lambda weights, facts: _finish(
            run, config, weights, recordings=len(clips), **facts
        ),
    )
    return run


def load_clip_model(
    run: str | Path, recipe: ClipRecipe, protocol: Protocol, *, device: str = "auto"
) -> ClipModel:
    """Load the model of a finished run of `fit_clips`.

    Parameters
    ----------
    run : str or Path
        The run folder.
    recipe : ClipRecipe
        The recipe it was built from.
    protocol : Protocol
        The protocol it learnt from.
    device : str
        Where a network computes: ``"cpu"``, ``"cuda"``, or ``"auto"`` for an
        accelerator if there is one.

    Returns
    -------
    ClipModel
        Ready to predict.

    Raises
    ------
    DataMissingError
        If the folder holds no finished run.
    DataCorruptError
        If one of its files is not what it should be.
    """
    from cardium.fit._folder import read_config

    folder = Path(run)
    config = read_config(folder)
    arrays, about = read_weights(folder)
    chosen = {k: v for k, v in config["model"].items() if k != "name"}
    facts = {
        "name": recipe.name,
        "protocol": protocol.name,
        "settings": chosen,
        "training": dict(config.get("training", {})),
        "parameters": json.loads(about)["parameters"],
        "weights_sha256": sha256(folder / WEIGHTS),
    }
    built = (protocol.task.name, protocol.domain)
    if recipe.family == "network":
        need("torch", extra="torch")
        from cardium.fit._clips import load_clip_network

        return load_clip_network(
            lambda: recipe.build(*built, **chosen),
            arrays,
            facts,
            device=device,
            precision=str(config["training"]["precision"]),
            together=recipe.protocol == "published",
        )
    model = recipe.build(*built, **chosen)
    if recipe.family == "baseline":
        model.restore(arrays)
    return _OneByOne(model, facts)


def check_fit(recipe: ClipRecipe, protocol: Protocol) -> None:
    """Refuse a recipe that cannot answer what a protocol asks.

    Parameters
    ----------
    recipe : ClipRecipe
        The recipe.
    protocol : Protocol
        The protocol.

    Raises
    ------
    InvalidArgumentError
        If task, domain or protocol are none of the recipe's.
    """
    for what, asked, there in (
        ("task", protocol.task.name, recipe.tasks),
        ("domain", protocol.domain, recipe.domains),
        ("protocol", protocol.name, {recipe.protocol}),
    ):
        if asked not in there:
            raise InvalidArgumentError(
                f"Model '{recipe.name}' does not go with the {what} '{asked}'; it "
                f"goes with {', '.join(sorted(there))}."
            )


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips that are learnt from: which recording, which frames, at which draw.

    Parameters
    ----------
    source : Source
        Where they are read.
    cases : tuple of Case
        The recordings that are used.
    skipped : tuple of (recording, reason)
        Those that are not.
    seed : int
        Where chance comes from.
    """

    source: Source
    cases: tuple[Case, ...]
    skipped: tuple[tuple[str, str], ...]
    seed: int

    @classmethod
    def open(cls, source: Source, entries: Sequence[Entry], *, seed: int) -> Clips:
        """Open the recordings; what cannot be used is named with the reason.

        Raises
        ------
        NotProvidedError
            If none can be learnt from.
        """
        cases, skipped = [], []
        for entry in entries:
            try:
                case = source.open(entry)
            except (CardiumError, OSError) as error:
                skipped.append((entry.id, str(error)))
                continue
            if case.train:
                cases.append(case)
            else:
                skipped.append((entry.id, "It has no clip that can be learnt from."))
        if not cases:
            first = f" The first, '{skipped[0][0]}': {skipped[0][1]}" if skipped else ""
            raise NotProvidedError(
                f"None of the {len(entries)} recordings can be learnt from.{first}"
            )
        return cls(source, tuple(cases), tuple(skipped), seed)

    def __len__(self) -> int:
        return len(self.cases)

    def draw(self, number: int) -> tuple[Item, list[tuple[str, str]]]:
        """Read one drawn clip; one that cannot be read is passed over for the next.

        Parameters
        ----------
        number : int
            Counted over all epochs, of which each has as many draws as cases.

        Returns
        -------
        item : Item
            The clip.
        skipped : list of (recording, reason)
            What was passed over.
        """
        count, skipped = len(self.cases), list[tuple[str, str]]()
        epoch, place = divmod(number, count)
        order = np.random.default_rng([self.seed, epoch]).permutation(count)
        for step in range(count):
            chosen = int(order[(place + step) % count])
            case = self.cases[chosen]
            chance = np.random.default_rng([self.seed, epoch, chosen])
            clip = case.train[int(chance.integers(len(case.train)))]
            try:
                return self.source.item(case, clip), skipped
            except (CardiumError, OSError) as error:
                skipped.append((case.recording.entry.id, str(error)))
        raise NotProvidedError(
            f"None of the {count} recordings can be read. The first, "
            f"'{skipped[0][0]}': {skipped[0][1]}"
        )


class _OneByOne:
    """A baseline or a rule as a model of batches."""

    def __init__(self, model: Any, facts: Mapping[str, object]) -> None:  # noqa: ANN401
        self._model = model
        self._facts = facts

    def predict(self, items: Sequence[Item]) -> list[NDArray[np.float32]]:
        """Answer the clips of one batch, each by itself."""
        return [np.asarray(self._model.predict(item), np.float32) for item in items]

    def describe(self) -> Mapping[str, object]:
        """Say what it is."""
        return self._facts


def _count(
    recipe: ClipRecipe,
    protocol: Protocol,
    clips: Clips,
    run: Path,
    config: Config,
    chosen: Mapping[str, Setting],
) -> None:
    """Show a baseline one clip of each recording, and finish its run folder."""
    model = recipe.build(protocol.task.name, protocol.domain, **chosen)
    unread = dict(clips.skipped)
    for number in range(len(clips)):
        item, skipped = clips.draw(number)
        model.update(item)
        unread |= dict(skipped)
    write_metrics(run, [])
    write_skipped(run, [(name, "train", why) for name, why in unread.items()])
    arrays = model.arrays()
    size = sum(np.asarray(value).size for value in arrays.values())
    _finish(run, config, arrays, recordings=len(clips), parameters=size)


def _finish(
    run: Path, config: Config, weights: Mapping[str, Any], **facts: object
) -> None:
    """Write what a training came to; the weights last."""
    write_json(run / PROVENANCE, provenance(run=config, **facts))
    write_weights(run, weights, about=json.dumps({"parameters": facts["parameters"]}))
