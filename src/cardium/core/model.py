"""Models: whatever predicts; and the recipe from which a registered one is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from cardium.core.task import SIGNAL_KINDS, Answer, Kind, Sample, Task

Setting = str | float | int | bool


class Model(Protocol):
    """What cardium asks of a model: to predict, and to say what it is.

    Anything with these two methods can be scored; no base class, no framework.
    """

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample: the array that ``task.output`` describes, by its name."""

    def describe(self) -> Mapping[str, object]:
        """Say what it is, in what JSON can hold; it goes into provenance."""


class Baseline(Protocol):
    """A model that is counted, not trained: one pass over the training samples."""

    def update(self, sample: Sample, target: Answer) -> None:
        """Take in one training sample and its truth on the sample's geometry."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was learnt, as named arrays; it is what a run stores."""

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample, as `Model.predict` does."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build a registered model for a task.

    Parameters
    ----------
    name : str
        The name of its module and on the command line.
    title : str
        One line: what it is.
    answers : frozenset of str
        The kinds of output it can give.
    family : {"network", "baseline"}
        A network is a ``torch.nn.Module`` and is trained; a baseline is counted.
    build : function
        Network: ``build(channels_in, channels_out, **settings) -> nn.Module``.
        Baseline: ``build(task, **settings) -> Baseline``.
    input_rank : int
        Network only: how many axes one input has after its channels. 1, a signal
        (batch, lead, time); 2, single frames (batch, 1, z, x); 3, clips
        (batch, 1, time, z, x).
    settings : mapping of str to number or str
        Settings of ``build`` and their defaults, and of how records are cut for it.
    reference : str
        The paper, if there is one.
    suits : function (task) -> bool, optional
        A finer test than the kind of answer, of a model that knows certain classes
        only.
    """

    name: str
    title: str
    answers: frozenset[Kind]
    family: Literal["network", "baseline"]
    build: Callable[..., Any]
    input_rank: int = 0
    settings: Mapping[str, Setting] = field(
        default_factory=lambda: MappingProxyType({})
    )
    reference: str = ""
    suits: Callable[[Task], bool] | None = None

    def can(self, task: Task) -> bool:
        """Say whether the model can answer a task."""
        is_signal = task.output.kind in SIGNAL_KINDS
        fits = self.family == "baseline" or (self.input_rank == 1) == is_signal
        if task.output.kind not in self.answers or not fits:
            return False
        return self.suits is None or self.suits(task)


def models_for(task: Task, recipes: Iterable[Recipe]) -> list[Recipe]:
    """Keep the recipes that can answer a task."""
    return [recipe for recipe in recipes if recipe.can(task)]
