"""Networks made elsewhere: to be fitted here, or scored as they are.

Whatever maps records ``(batch, lead, time)`` to ``(batch, class)`` fits: a
``torch.nn.Module`` of one's own, or a classifier of torch_ecg. `recipe_from_module`
makes a recipe of how it is built, for `cardium.fit.fit`; `TorchModel` makes a model of
one that has its weights, for `cardium.evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from cardium.core import SIGNAL_KINDS, Kind, Recipe, Sample, Setting, Task, need
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.models._records import record_settings

if TYPE_CHECKING:
    from torch import nn

_LABELS: tuple[Kind, ...] = ("multilabel",)
_ACTIVATIONS = ("sigmoid", "softmax", "none")


def recipe_from_module(
    name: str,
    factory: Callable[[int, int], nn.Module],
    *,
    title: str = "",
    answers: Collection[Kind] = _LABELS,
    seconds: float = 10.0,
    crop: float = 0.0,
    window: float = 3.0,
    augment: str = "full",
    reference: str = "",
) -> Recipe:
    """Make a recipe of a network of one's own, to be fitted and reloaded.

    Parameters
    ----------
    name : str
        What runs and reports call it.
    factory : function (leads, classes) -> torch.nn.Module
        Builds the untrained network. It maps records (batch, lead, time) [mV] to
        (batch, class): logits, or for quantities numbers.
    title : str
        One line: what it is.
    answers : collection of {"multilabel", "event_class", "quantity"}
        Kinds of answer it is good for.
    seconds : float [s]
        What records are cut or padded to.
    crop : float [s]
        Length of random crops to train on, and of windows by which a record is
        answered; 0, it is trained on halves and answers whole records.
    window : float [s]
        What is seen around an event.
    augment : {"full", "crop"}
        Whether training records are changed beyond the crop.
    reference : str
        The paper, if there is one.

    Returns
    -------
    Recipe
        For `cardium.fit.fit`, and for `cardium.fit.load_run` as ``recipe``.

    Raises
    ------
    InvalidArgumentError
        If a kind of answer is not one about signals.

    Examples
    --------
    >>> from torch import nn
    >>> def build(leads: int, classes: int) -> nn.Module:
    ...     return nn.Sequential(
    ...         nn.Conv1d(leads, 8, 15, 4), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
    ...         nn.Flatten(), nn.Linear(8, classes),
    ...     )
    >>> recipe = recipe_from_module("small", build, crop=2.5)
    >>> from cardium.tasks import open_task
    >>> recipe.can(open_task("ecg_superclass")), recipe.settings["crop"]
    (True, 2.5)

    A classifier of torch_ecg needs no more than its configuration::

        from torch_ecg.model_configs import ECG_CRNN_CONFIG
        from torch_ecg.models import ECG_CRNN

        def build(leads, classes):
            return ECG_CRNN([str(k) for k in range(classes)], leads, ECG_CRNN_CONFIG)

        recipe = recipe_from_module("ecg_crnn", build)
    """
    kinds = frozenset(answers)
    if not kinds or not kinds <= SIGNAL_KINDS:
        raise InvalidArgumentError(
            f"answers must be some of {', '.join(sorted(SIGNAL_KINDS))}, "
            f"got {', '.join(sorted(kinds)) or 'none'}."
        )

    def build(channels_in: int, channels_out: int) -> nn.Module:
        return factory(channels_in, channels_out)

    return Recipe(
        name=name,
        title=title or name,
        answers=kinds,
        family="network",
        build=build,
        input_rank=1,
        settings=record_settings(
            seconds=seconds, crop=crop, window=window, augment=augment
        ),
        reference=reference,
    )


class TorchModel:
    """A network with its weights as a model that can be scored.

    Parameters
    ----------
    module : torch.nn.Module
        Maps records (batch, lead, time) [mV] to (batch, class).
    task : Task
        What it answers; its classes are in the order of the network's.
    rate : float [Hz]
        Sampling rate that it takes.
    leads : sequence of str
        The leads that it takes, in order. Other records are refused, not reordered.
    activation : {"sigmoid", "softmax", "none"}, optional
        What makes probabilities of its answers. If not given, a sigmoid for labels, a
        softmax for events and none for quantities.
    seconds : float [s], optional
        What records are cut or padded to, or what is seen around an event. If not
        given, a record goes in as it is, and 3 s around an event do.
    crop : float [s]
        Length of windows by which a record is answered; 0, as a whole.
    aggregate : {"mean", "max"}
        What is taken of the windows' probabilities.
    name : str
        What reports call it.
    settings : mapping, optional
        What else it is, for provenance.
    device : str
        Where it computes: ``"cpu"``, ``"cuda"`` or ``"auto"``.

    Raises
    ------
    InvalidArgumentError
        If the task is not about signals.
    UnknownNameError
        If there is no such activation or aggregate.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from cardium.core import Stream
    >>> from cardium.tasks import open_task
    >>> network = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())  # means
    >>> leads = ("I", "II", "III", "aVR", "aVL")
    >>> model = TorchModel(network, open_task("ecg_superclass"), rate=100, leads=leads)
    >>> values = np.log([[1.0, 3.0, 1.0, 1.0, 3.0]] * 1000)
    >>> ecg = Stream("ecg", values, np.arange(1000) / 100, ("time", "lead"), "mV",
    ...              coords={"lead": leads})
    >>> model.predict(Sample("r1", ecg))["probability"].round(2).tolist()
    [0.5, 0.75, 0.5, 0.5, 0.75]
    """

    def __init__(
        self,
        module: nn.Module,
        task: Task,
        *,
        rate: float,
        leads: Sequence[str],
        activation: str | None = None,
        seconds: float | None = None,
        crop: float = 0.0,
        aggregate: str = "mean",
        name: str = "",
        settings: Mapping[str, Setting] | None = None,
        device: str = "auto",
    ) -> None:
        kind = task.output.kind
        if kind not in SIGNAL_KINDS:
            raise InvalidArgumentError(
                f"Task '{task.name}' asks for a {kind}, which is not learnt from "
                "signals."
            )
        for what, given, known in (
            ("activation", activation, (None, *_ACTIVATIONS)),
            ("aggregate", aggregate, ("mean", "max")),
        ):
            if given not in known:
                raise UnknownNameError(what, str(given), filter(None, known))
        need("torch", extra="torch")
        from cardium.fit._predictor import NetworkPredictor
        from cardium.fit._tensors import InputFormat

        seen = 3.0 if kind == "event_class" else 0.0
        form = InputFormat(
            1,
            seconds=seen if seconds is None else seconds,
            rate=float(rate),
            leads=tuple(leads),
            crop=0.0 if kind == "event_class" else crop,
            aggregate=aggregate,
        )
        self.task = task
        self.predictor = NetworkPredictor(
            module, task.output, form, device=device, activation=activation
        )
        self._facts = {
            "name": name or type(module).__name__,
            "parameters": self.predictor.parameters,
            "settings": {
                "rate": float(rate),
                "leads": list(leads),
                "seconds": form.seconds,
                "crop": form.crop,
                **(settings or {}),
            },
        }

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample: the array that ``task.output`` describes, by its name."""
        return self.predictor.predict(sample)

    def describe(self) -> Mapping[str, object]:
        """Say its name, its number of weights and what it takes."""
        return self._facts
