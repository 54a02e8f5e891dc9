"""A diagonal state-space network over records.

Each channel of a layer is a linear system of a few damped oscillations, which sees the
whole record both ways by one convolution through the FFT. Structured state spaces were
the best supervised networks on PTB-XL after its benchmark; this is a small one, with
0.19 million weights.

References
----------
Gu, Gupta, Goel and Re: On the Parameterization and Initialization of Diagonal State
Space Models. NeurIPS 2022. On ECG: Mehari and Strodthoff, Towards Quantitative
Precision for ECG Analysis: Leveraging State Space Models, Self-Supervision and Patient
Metadata. IEEE JBHI 27, 2023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardium.core import SIGNAL_KINDS, Recipe, need
from cardium.errors import InvalidArgumentError
from cardium.models._records import PUBLISHED, record_settings

if TYPE_CHECKING:
    from torch import nn


def build(
    channels_in: int,
    channels_out: int,
    *,
    width: int = 128,
    states: int = 8,
    layers: int = 4,
    dropout: float = 0.2,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of all layers.
    states : int
        Complex states of each channel and direction.
    layers : int
        Layers.
    dropout : float
        Share of what is dropped between layers in training.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If a number is not positive.

    Examples
    --------
    >>> import torch
    >>> network = build(12, 5).eval()
    >>> tuple(network(torch.zeros(2, 12, 1000)).shape)
    (2, 5)
    """
    if min(width, states, layers) <= 0:
        raise InvalidArgumentError(
            "width, states and layers must be positive, "
            f"got {width}, {states} and {layers}."
        )
    need("torch", extra="torch")
    from cardium.models._s4d import StateSpaceNet

    return StateSpaceNet(
        channels_in,
        channels_out,
        width=width,
        states=states,
        layers=layers,
        dropout=dropout,
    )


MODEL = Recipe(
    name="s4d",
    title="Diagonal state-space network over all leads",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(**PUBLISHED, width=128, states=8, layers=4, dropout=0.2),
    reference="Gu et al., NeurIPS 2022, arXiv:2206.11893",
)
