"""How a network is trained: the numbers, and their defaults for each kind of answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cardium.core import Kind
from cardium.errors import InvalidArgumentError

EPOCH_STEPS = 50
"""Steps between two validations, of a short training."""

MOST_EPOCHS = 30
"""Validations of a long one, so that they do not take longer than the training."""

PRECISIONS = ("32-true", "bf16-mixed")


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What decides the weights, beside the data and the network.

    Parameters
    ----------
    steps : int
        Optimiser steps. They are dealt into epochs of equal length, of
        `EPOCH_STEPS` at most or `MOST_EPOCHS` in number, and rounded up for that.
    batch_size : int
        Frames, clips or records a step, over all devices.
    learning_rate : float
        The highest rate of the one-cycle schedule.
    patience : int
        Validations without a better loss before the training stops; 0, never.
    seed : int
        Of the first weights, the order of the recordings and the augmentation.
    precision : {"32-true", "bf16-mixed"}
        Arithmetic of the network.

    Raises
    ------
    InvalidArgumentError
        If a number is out of its range.

    Examples
    --------
    >>> settings = TrainingSettings(120, 8, 1e-3, 0, 0, "32-true")
    >>> settings.epochs, settings.epoch_steps
    (3, 40)
    """

    steps: int
    batch_size: int
    learning_rate: float
    patience: int
    seed: int
    precision: str

    def __post_init__(self) -> None:
        lowest = {"steps": 1, "batch_size": 1, "patience": 0, "seed": 0}
        for name, low in lowest.items():
            if getattr(self, name) < low:
                raise InvalidArgumentError(
                    f"{name} must be {low} at least, got {getattr(self, name)}."
                )
        if not 0 < self.learning_rate < math.inf:
            raise InvalidArgumentError(
                f"learning_rate must be positive, got {self.learning_rate}."
            )
        if self.precision not in PRECISIONS:
            raise InvalidArgumentError(
                f"precision must be one of {', '.join(PRECISIONS)}, "
                f"got '{self.precision}'."
            )

    @property
    def epochs(self) -> int:
        """How often the network is validated, if it is not stopped."""
        return min(math.ceil(self.steps / EPOCH_STEPS), MOST_EPOCHS)

    @property
    def epoch_steps(self) -> int:
        """Steps from one validation to the next."""
        return math.ceil(self.steps / self.epochs)


@dataclass(frozen=True, slots=True)
class Machine:
    """What a network is trained on; it does not decide what is learnt.

    Parameters
    ----------
    accelerator : str
        As Lightning names them: ``"auto"``, ``"cpu"``, ``"gpu"``.
    devices : int
        How many of them.
    workers : int
        Processes that read recordings; 0, the training's own.
    progress : bool
        Whether to draw a progress bar.
    nodes : int
        Hosts, of which each has so many devices.
    strategy : str
        How several devices work together, as Lightning names it.
    """

    accelerator: str
    devices: int
    workers: int
    progress: bool
    nodes: int = 1
    strategy: str = "auto"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the settings of a training are where the caller says nothing.

    Parameters
    ----------
    steps : int
        Optimiser steps of a training on a small dataset.
    batch_size : int
        See `TrainingSettings`; so are the other two.
    learning_rate : float
        The highest rate.
    patience : int
        Validations without progress.
    """

    steps: int
    batch_size: int
    learning_rate: float
    patience: int

    def steps_for(self, recordings: int, batch_size: int) -> int:
        """Return the steps for a training side: a large one is passed five times.

        Parameters
        ----------
        recordings : int
            How many there are to train on.
        batch_size : int
            How many are taken a step.

        Returns
        -------
        int
            `steps` at least.

        Examples
        --------
        >>> ecg = default_settings("multilabel", 1)
        >>> ecg.steps_for(350, 32), ecg.steps_for(17084, 32)
        (600, 2670)
        """
        return max(self.steps, math.ceil(_PASSES * recordings / batch_size))


_PASSES = 5
_FRAMES = Defaults(steps=1500, batch_size=8, learning_rate=3e-3, patience=20)
_CLIPS = Defaults(steps=600, batch_size=2, learning_rate=2e-3, patience=8)
_RECORDS = Defaults(steps=600, batch_size=32, learning_rate=1e-3, patience=10)
_EVENTS = Defaults(steps=1500, batch_size=64, learning_rate=1e-3, patience=10)


def default_settings(kind: Kind, rank: int) -> Defaults:
    """Return the defaults for a kind of answer and the rank of a network's input."""
    if kind == "event_class":
        return _EVENTS
    if rank == 1:
        return _RECORDS
    return _FRAMES if rank == 2 else _CLIPS
