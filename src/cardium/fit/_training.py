"""The training of a network, on Lightning: one step, one journal, one checkpoint."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from logging import WARNING, getLogger
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader

from cardium.core import SIGNAL_KINDS, Kind
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.fit._augment import augment
from cardium.fit._folder import CHECKPOINT, write_metrics, write_skipped
from cardium.fit._heads import compute_loss
from cardium.fit._samples import Draws, DrawSampler, stack, unpack
from cardium.fit._tensors import InputFormat, standardise
from cardium.fit._windows import answer_records
from cardium.fit.settings import Machine, TrainingSettings

_WEIGHT_DECAY = 0.01
_WARM_UP = 0.15
_RECORDS_AT_ONCE = 64


class NetworkTraining(LightningModule):
    """One training step: augment, standardise, answer, compare.

    Parameters
    ----------
    network : torch.nn.Module
        What is trained.
    kind : str
        Kind of its answer, which fixes loss and augmentation.
    form : InputFormat
        What the network takes.
    settings : TrainingSettings
        Rate, steps and seed.
    train, val : Draws
        Where samples come from; without `val` nothing is validated.
    machine : Machine
        Number of workers and devices.
    """

    def __init__(
        self,
        network: nn.Module,
        kind: Kind,
        form: InputFormat,
        settings: TrainingSettings,
        train: Draws,
        val: Draws | None,
        machine: Machine,
    ) -> None:
        super().__init__()
        self.network = network
        self._kind = kind
        self._form = form
        self._settings = settings
        self._train = train
        self._val = val
        self._machine = machine

    def on_before_batch_transfer(
        self, batch: dict[str, Any], dataloader_idx: int
    ) -> dict[str, Any]:
        """Take a batch as its worker sent it."""
        return unpack(batch)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Return the loss and the measure of an augmented batch."""
        seed = _seed_of(self._settings.seed, self.global_step, self.global_rank)
        generator = torch.Generator().manual_seed(seed)
        batch = augment(self._kind, batch, generator, self._form)
        with _own_chance(seed, self.device):
            raw = self.network(self._prepared(batch))
            loss, measure = compute_loss(self._kind, raw, batch)
        self.log("loss", measure.detach(), prog_bar=True, logger=False)
        return {"loss": loss, "measure": measure.detach()}

    def validation_step(self, batch: dict[str, Any], batch_idx: int) -> Tensor:
        """Return the measure of a batch as it is."""
        inputs = self._prepared(batch)
        if "length" in batch:
            lengths = batch["length"]
            raw = answer_records(self.network, inputs, lengths, self._form, self._kind)
        else:
            raw = self.network(inputs)
        return compute_loss(self._kind, raw, batch)[1]

    def configure_optimizers(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """AdamW on a one-cycle schedule."""
        rate = self._settings.learning_rate
        optimizer = AdamW(self.network.parameters(), rate, weight_decay=_WEIGHT_DECAY)
        schedule = OneCycleLR(
            optimizer,
            rate,
            total_steps=self._settings.epochs * self._settings.epoch_steps,
            pct_start=_WARM_UP,
            cycle_momentum=False,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def train_dataloader(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return batches of numbered draws; each device has its share of a batch."""
        world, batch_size = self.trainer.world_size, self._settings.batch_size
        if batch_size % world:
            raise InvalidArgumentError(
                f"batch_size {batch_size} cannot be dealt to {world} devices. "
                "Take a multiple."
            )
        sampler = DrawSampler(
            batch_size * self._settings.epoch_steps,
            rank=self.global_rank,
            world=world,
        )
        return self._loader(self._train, batch_size // world, sampler)

    def val_dataloader(self) -> Any:  # noqa: ANN401 - Lightning's own union
        """Return batches of the same samples at every validation."""
        if self._val is None:
            return []
        sampler = range(len(self._val))
        batch_size = self._settings.batch_size
        if self._kind in SIGNAL_KINDS:
            batch_size = max(batch_size, _RECORDS_AT_ONCE)
        return self._loader(self._val, batch_size, sampler)

    def _loader(self, draws: Draws, batch_size: int, sampler: Any) -> Any:  # noqa: ANN401
        """Read batches, in workers that live as long as the training."""
        workers = self._machine.workers
        return DataLoader(
            draws,
            batch_size,
            sampler=sampler,
            collate_fn=stack,
            num_workers=workers,
            persistent_workers=workers > 0,
            # Without one of its own it would draw from everybody's.
            generator=torch.Generator().manual_seed(self._settings.seed),
        )

    def _prepared(self, batch: Mapping[str, Any]) -> Tensor:
        """Standardise images; records are in mV and go in as they are."""
        inputs: Tensor = batch["input"]
        return inputs if self._kind in SIGNAL_KINDS else standardise(inputs)


class Journal(Callback):
    """Keeps what a training has come to, in its one checkpoint and in its tables.

    The checkpoint is the truth, the tables are written from it: a training that is
    killed between two files goes on from a state that fits together.

    Parameters
    ----------
    run : Path
        The run folder.
    patience : int
        Validations without a better loss before the training stops; 0, never.
    validated : bool
        Whether there is a validation side. Without, the last weights are kept.
    """

    def __init__(self, run: Path, *, patience: int, validated: bool) -> None:
        self._run = run
        self._patience = patience
        self.validated = validated
        self._losses: list[Tensor] = []
        self._val_losses: list[tuple[Tensor, int]] = []
        self._start = 0.0
        self.rows: list[list[float]] = []
        self.skipped: dict[str, list[str]] = {}
        self.kept_epoch = 0
        self.weights: dict[str, Tensor] = {}

    @property
    def stopped(self) -> bool:
        """Whether the validation loss has not improved for too long."""
        waited = len(self.rows) - self.kept_epoch
        return self.validated and 0 < self._patience <= waited

    def state_dict(self) -> dict[str, Any]:
        """Return what the checkpoint is to hold."""
        return {
            "rows": self.rows,
            "skipped": self.skipped,
            "kept_epoch": self.kept_epoch,
            "weights": self.weights,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back what a checkpoint held."""
        self.rows = state_dict["rows"]
        self.skipped = state_dict["skipped"]
        self.kept_epoch = state_dict["kept_epoch"]
        self.weights = state_dict["weights"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock where it stopped."""
        self._start = time.monotonic() - (self.rows[-1][-1] if self.rows else 0.0)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401 - Lightning's own union
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Note the loss, and what could not be read."""
        self._losses.append(outputs["measure"])
        self._note_skipped(batch, "train")

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Note the loss, and what could not be read."""
        self._val_losses.append((outputs, len(batch["input"])))
        self._note_skipped(batch, "val")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the row, keep the better weights, stop if it is time, save."""
        row = self._take_row(trainer)
        self.rows.append(row)
        val_losses = [earlier[3] for earlier in self.rows[:-1]]
        if not self.validated or row[3] < min(val_losses, default=float("inf")):
            network: nn.Module = pl_module.network  # type: ignore[assignment]
            self.kept_epoch = len(self.rows)
            self.weights = {
                name: value.detach().cpu().clone()
                for name, value in network.state_dict().items()
            }
        trainer.should_stop = trainer.should_stop or self.stopped
        if trainer.is_global_zero:
            self.write_tables()
        _save(trainer, self._run / CHECKPOINT)

    def write_tables(self) -> None:
        """Write the metrics and the recordings that could not be read."""
        write_metrics(self._run, self.rows)
        rows = [(name, *rest) for name, rest in sorted(self.skipped.items())]
        write_skipped(self._run, [(name, side, why) for name, side, why in rows])

    def _take_row(self, trainer: Trainer) -> list[float]:
        """Return the row of the epoch that has ended."""
        loss = float(torch.stack(self._losses).mean())
        if not loss < float("inf"):
            raise InvalidArgumentError(
                f"The training loss is {loss} after {trainer.global_step} steps. "
                "Take a lower learning rate (now at most "
                f"{trainer.optimizers[0].defaults['lr']:g})."
            )
        val_loss = float("nan")
        if self._val_losses:
            total = sum(float(loss) * count for loss, count in self._val_losses)
            val_loss = total / sum(count for _, count in self._val_losses)
        self._losses, self._val_losses = [], []
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        seconds = round(time.monotonic() - self._start, 3)
        return [trainer.global_step, len(self.rows) + 1, loss, val_loss, rate, seconds]

    def _note_skipped(self, batch: Mapping[str, Any], side: str) -> None:
        """Note which recordings of a batch could not be read."""
        for recording, reason in batch["skipped"]:
            self.skipped[recording] = [side, reason]


def train_network(
    training: LightningModule,
    journal: Journal,
    run: Path,
    finish: Callable[[], None],
    *,
    epochs: int,
    precision: str,
    machine: Machine,
) -> None:
    """Train until the last step, or go on where a checkpoint stopped; then finish.

    Of several processes the first finishes, and the others wait until it has: whoever
    comes back finds a whole run folder.

    Raises
    ------
    DataCorruptError
        If the checkpoint cannot be read.
    """
    checkpoint = run / CHECKPOINT
    if checkpoint.exists():
        journal.load_state_dict(_read_journal(checkpoint))
    if journal.stopped or len(journal.rows) == epochs:
        finish()
        return
    with _quiet():
        trainer = Trainer(
            accelerator=machine.accelerator,
            devices=machine.devices,
            num_nodes=machine.nodes,
            strategy=machine.strategy,
            precision=precision,  # type: ignore[arg-type]
            max_epochs=epochs,
            callbacks=[journal],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=machine.progress,
            num_sanity_val_steps=0,
            limit_val_batches=1.0 if journal.validated else 0,
            use_distributed_sampler=False,
            default_root_dir=run,
        )
        trainer.fit(
            training,
            ckpt_path=checkpoint if checkpoint.exists() else None,
            weights_only=True,
        )
        if trainer.is_global_zero:
            finish()
        trainer.strategy.barrier("finished")


def _read_journal(checkpoint: Path) -> dict[str, Any]:
    """Read what a stopped training had come to."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        journal: dict[str, Any] = state["callbacks"][Journal.__qualname__]
    except (OSError, EOFError, KeyError, RuntimeError, UnpicklingError) as error:
        raise DataCorruptError(
            f"The checkpoint '{checkpoint}' cannot be read: {error}. "
            "Delete it, and the training starts again."
        ) from error
    return journal


def _seed_of(*numbers: int) -> int:
    """Return a seed that follows from some numbers and from nothing else."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


@contextmanager
def _own_chance(seed: int, device: torch.device) -> Iterator[None]:
    """Seed what draws from everybody's generator, as dropout does, and put it back."""
    devices = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(devices, device_type=device.type):
        torch.manual_seed(seed)
        yield


def _save(trainer: Trainer, path: Path) -> None:
    """Save a checkpoint aside, then give it its name; all processes take part."""
    aside = path.with_name(f".part.{path.name}")
    trainer.save_checkpoint(aside)
    if trainer.is_global_zero:
        os.replace(aside, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Lightning says of hardware and workers, which are chosen here."""
    logger = getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            # Lightning 2.6 asks for what torch 2.13 has renamed.
            warnings.filterwarnings("ignore", ".*LeafSpec.*", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
