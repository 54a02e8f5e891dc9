"""Clips through a network: batches, one training step, answers. It imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, Dataset

from cardium.core import UNLABELLED, Item, Training
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.fit._samples import DrawSampler
from cardium.fit._training import Journal, train_network
from cardium.fit.clips import ClipModel, Clips
from cardium.fit.settings import Machine

_WARM_UP = 0.15


def stack_clips(items: Sequence[Item]) -> dict[str, Tensor]:
    """Stack clips to a batch; what is smaller than the largest is padded at the end.

    Parameters
    ----------
    items : sequence of Item
        Clips of one protocol.

    Returns
    -------
    dict of str to Tensor
        Zeros are padded, codes (uint8) with `UNLABELLED`.

    Examples
    --------
    >>> one, two = {"input": np.ones((1, 2), "f4")}, {"input": np.ones((1, 3), "f4")}
    >>> stack_clips([one, two])["input"].tolist()
    [[[1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0]]]
    """
    return {name: _stack([item[name] for item in items]) for name in items[0]}


def fit_clip_network(
    build: Callable[[], nn.Module],
    clips: Clips,
    run: Path,
    training: Training,
    machine: Machine,
    *,
    seed: int,
    precision: str,
    finish: Callable[[Mapping[str, Tensor], Mapping[str, object]], None],
) -> None:
    """Train a network on clips, or go on training it, and finish its run folder."""
    network = _seeded(build, seed)
    journal = Journal(run, patience=0, validated=False)
    journal.skipped = {name: ["train", why] for name, why in clips.skipped}
    size = sum(p.numel() for p in network.parameters())

    def end() -> None:
        journal.write_tables()
        facts = {
            "parameters": size,
            "steps": int(journal.rows[-1][0]),
            "seconds": journal.rows[-1][-1],
            "machine": asdict(machine),
        }
        finish(journal.weights, facts)

    train_network(
        ClipTraining(network, clips, training, machine, seed=seed),
        journal,
        run,
        end,
        epochs=training.epochs,
        precision=precision,
        machine=machine,
    )


def load_clip_network(
    build: Callable[[], nn.Module],
    arrays: Mapping[str, NDArray[Any]],
    facts: Mapping[str, object],
    *,
    device: str,
    precision: str,
    together: bool,
) -> ClipModel:
    """Build the network of a run and give it its weights.

    With `together` it answers the clips of a batch in one padded array, as the code of
    a paper does; otherwise one after the other, whatever else is in the batch.

    Raises
    ------
    DataCorruptError
        If the weights are not those of the network that the run describes.
    """
    network = _seeded(build, 0)
    try:
        network.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataCorruptError(
            f"The stored weights do not fit the network '{facts['name']}' with the "
            f"settings {facts['settings']}: {error}"
        ) from error
    return ClipNetwork(
        network, facts, device=device, precision=precision, together=together
    )


class ClipNetwork:
    """A trained network as a model of batches of clips.

    Parameters
    ----------
    network : torch.nn.Module
        With its weights.
    facts : mapping
        What `describe` tells.
    device : str
        Where it computes.
    precision : {"32-true", "bf16-mixed"}
        Arithmetic.
    together : bool
        Whether a batch is answered as one padded array.
    """

    def __init__(
        self,
        network: nn.Module,
        facts: Mapping[str, object],
        *,
        device: str,
        precision: str,
        together: bool,
    ) -> None:
        if device == "auto":
            found = torch.accelerator.current_accelerator(check_available=True)
            device = str(found or "cpu")
        self._network = network.eval().to(device)
        self._facts = facts
        self._device = torch.device(device)
        self._mixed = precision == "bf16-mixed"
        self._together = together

    def predict(self, items: Sequence[Item]) -> list[NDArray[np.float32]]:
        """Answer one batch; together, frames that only pad it are answered as well."""
        if self._together:
            return self._answer(items)
        return [answer for item in items for answer in self._answer([item])]

    @torch.inference_mode()
    def _answer(self, items: Sequence[Item]) -> list[NDArray[np.float32]]:
        """Answer clips in one padded array."""
        batch = {k: v.to(self._device) for k, v in stack_clips(items).items()}
        kind = self._device.type
        with torch.autocast(kind, torch.bfloat16, enabled=self._mixed):
            answers = self._network(batch).float().cpu().numpy()
        places = [item["input"].shape[2:] for item in items]
        return [
            np.ascontiguousarray(answer[(..., *map(slice, place))])
            for answer, place in zip(answers, places, strict=True)
        ]

    def describe(self) -> Mapping[str, object]:
        """Say what it is."""
        return self._facts


class ClipTraining(LightningModule):
    """One training step: read, answer, compare.

    Parameters
    ----------
    network : torch.nn.Module
        What is trained; it has ``loss(batch)``.
    clips : Clips
        What is learnt from.
    training : Training
        Rate, epochs and optimiser.
    machine : Machine
        Number of workers and devices.
    seed : int
        Of the order of the clips.
    """

    def __init__(
        self,
        network: nn.Module,
        clips: Clips,
        training: Training,
        machine: Machine,
        *,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self._clips = clips
        self._plan = training
        self._machine = machine
        self._seed = seed

    def forward(self, batch: dict[str, Any]) -> Tensor:
        """Return the loss of a batch."""
        loss: Tensor = self.network.loss(  # type: ignore[operator]
            {k: v for k, v in batch.items() if k != "skipped"}
        )
        return loss

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Return the loss of a batch, which is its measure too."""
        loss = self(batch)
        self.log("loss", loss.detach(), prog_bar=True, logger=False)
        return {"loss": loss, "measure": loss.detach()}

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return the optimiser, and its schedule if it has one."""
        optimizer = _optimizer(self.network, self._plan)
        if self._plan.schedule == "constant":
            return optimizer
        schedule = OneCycleLR(
            optimizer,
            self._plan.learning_rate,
            total_steps=self._plan.epochs * self._steps(),
            pct_start=_WARM_UP,
            cycle_momentum=False,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def train_dataloader(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return batches of numbered draws; each device has its share of a batch."""
        world, workers = self.trainer.world_size, self._machine.workers
        return DataLoader(
            _Draws(self._clips),
            self._share(),
            sampler=_EpochSampler(len(self._clips), self.global_rank, world),
            collate_fn=_collate,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator().manual_seed(self._seed),
        )

    def _share(self) -> int:
        """Return how many clips of a batch are this device's."""
        world, batch_size = self.trainer.world_size, self._plan.batch_size
        if batch_size % world:
            raise InvalidArgumentError(
                f"batch_size {batch_size} cannot be dealt to {world} devices. "
                "Take a multiple."
            )
        return batch_size // world

    def _steps(self) -> int:
        """Return the steps of one epoch."""
        return ceil(ceil(len(self._clips) / self.trainer.world_size) / self._share())


class _Draws(Dataset[dict[str, Any]]):
    """Numbered draws as a dataset of torch."""

    def __init__(self, clips: Clips) -> None:
        self._clips = clips

    def __getitem__(self, number: int) -> dict[str, Any]:
        item, skipped = self._clips.draw(number)
        return {**item, "skipped": skipped}


class _EpochSampler(DrawSampler):
    """Every draw of an epoch once; the devices that lack one begin again.

    Examples
    --------
    >>> list(_EpochSampler(3, 1, 2)), list(_EpochSampler(3, 0, 2))
    ([1, 0], [0, 2])
    """

    def __init__(self, count: int, rank: int, world: int) -> None:
        super().__init__(count, rank=rank, world=world)

    def __iter__(self) -> Any:  # noqa: ANN401 - an iterator of numbers
        first = self._epoch * self._per_epoch
        mine = range(self._rank, len(self) * self._world, self._world)
        return (first + number % self._per_epoch for number in mine)

    def __len__(self) -> int:
        return ceil(self._per_epoch / self._world)


def _collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack drawn clips, and join what was passed over."""
    arrays = [{k: v for k, v in item.items() if k != "skipped"} for item in items]
    skipped = [(name, reason) for item in items for name, reason in item["skipped"]]
    return {**stack_clips(arrays), "skipped": skipped}


def _stack(arrays: Sequence[NDArray[Any]]) -> Tensor:
    """Stack arrays of one kind."""
    first = np.asarray(arrays[0])
    shape = tuple(np.max([np.shape(array) for array in arrays], axis=0).astype(int))
    if all(np.shape(array) == shape for array in arrays):
        return torch.from_numpy(np.stack(arrays))
    fill = UNLABELLED if first.dtype == np.uint8 else 0
    stacked = np.full((len(arrays), *shape), fill, first.dtype)
    for place, array in zip(stacked, arrays, strict=True):
        place[tuple(map(slice, array.shape))] = array
    return torch.from_numpy(stacked)


def _seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Build a network whose first weights follow from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()


def _optimizer(network: nn.Module, training: Training) -> Optimizer:
    """Make the optimiser that a training names."""
    rate, decay = training.learning_rate, training.weight_decay
    if training.optimizer == "adamw":
        return AdamW(network.parameters(), rate, weight_decay=decay)
    from cardium.fit.optimizers import AdamMuon

    return AdamMuon(network.parameters(), rate, weight_decay=decay)
