"""What in a record speaks for an answer of a network, sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from cardium.core import Sample, Stream, Task, need
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.fit.run import load_run

if TYPE_CHECKING:
    from cardium.fit._predictor import NetworkPredictor

Method = Literal["integrated_gradients", "grad_cam"]
METHODS: tuple[Method, ...] = ("integrated_gradients", "grad_cam")
"""How relevance can be found."""


class Attributable(Protocol):
    """What a model must have: `FittedModel` of a network, and `TorchModel`, do."""

    @property
    def task(self) -> Task:
        """What it answers."""

    @property
    def predictor(self) -> NetworkPredictor | None:
        """The network with what it takes."""


def attribute(
    model: str | Path | Attributable,
    sample: Sample,
    class_name: str,
    *,
    method: Method = "integrated_gradients",
    event: int = 0,
    steps: int = 32,
) -> Stream:
    """Say how much each sample of each lead speaks for a class.

    Parameters
    ----------
    model : str, Path, FittedModel or TorchModel
        A finished run of a network of records, or a model that was loaded.
    sample : Sample
        What it is asked about.
    class_name : str
        One of the classes of the task's output.
    method : {"integrated_gradients", "grad_cam"}
        Integrated gradients (Sundararajan et al., ICML 2017) from a flat record of
        0 mV: they add up to the difference of the two logits. Grad-CAM (Selvaraju et
        al., ICCV 2017) of the last convolution: where its features speak for the class,
        the same for all leads, and not negative.
    event : int
        Which of ``sample.events``, where the answer is about events.
    steps : int
        Points at which gradients are taken between the flat record and this one.

    Returns
    -------
    Stream (time, lead)
        Relevance on the clock of the sample, in logits (of quantities, in standard
        deviations). What the network does not see is 0. Of a network that answers by
        windows it is that of the mean of the windows' logits.

    Raises
    ------
    InvalidArgumentError
        If the model is not a network of records, there is no such event, or no
        convolution for Grad-CAM.
    UnknownNameError
        If there is no such class or method.

    Notes
    -----
    Relevance is about the network, not about the heart: it shows what moved this
    answer, right or wrong. Computed by captum (Kokhlikyan et al., arXiv:2009.07896).

    Examples
    --------
    A network whose logit is the sum of w x has the relevance w x:

    >>> import numpy as np
    >>> import torch
    >>> from cardium.core import Output
    >>> from cardium.fit.adapters import TorchModel
    >>> output = Output("probability", "multilabel", ("high",))
    >>> task = Task("toy", "", (), output, *[None] * 4, {}, "")
    >>> network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 1))
    >>> with torch.no_grad():
    ...     _ = network[1].weight.copy_(torch.tensor([[1.0, -2.0, 3.0]]))
    >>> model = TorchModel(network, task, rate=10, leads=("I",), device="cpu")
    >>> ecg = Stream("ecg", np.array([[1.0], [1.0], [2.0]]), np.arange(3) / 10,
    ...              ("time", "lead"), "mV", coords={"lead": ("I",)})
    >>> attribute(model, Sample("r1", ecg), "high").values.round(3).ravel().tolist()
    [1.0, -2.0, 6.0]
    """
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    if isinstance(model, (str, Path)):
        model = load_run(model)
    classes = model.task.output.classes
    if class_name not in classes:
        raise UnknownNameError("class", class_name, classes)
    if model.predictor is None or model.predictor.form.rank != 1:
        raise InvalidArgumentError(
            f"Relevance is found for networks of records; this model of task "
            f"'{model.task.name}' is none."
        )
    if steps < 1:
        raise InvalidArgumentError(f"steps must be 1 at least, got {steps}.")
    need("captum", extra="torch")
    from cardium.fit._attribution import find_relevance

    values = find_relevance(
        model.predictor,
        sample,
        classes.index(class_name),
        method=method,
        event=event,
        steps=steps,
    )
    stream = sample.stream
    return Stream(
        "relevance", values, stream.time, stream.dims, "", coords=stream.coords
    )
