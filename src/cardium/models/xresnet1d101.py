"""XResNet-101 for records, the best single network of the benchmark of PTB-XL.

ResNet-D in one dimension: a stem of three convolutions, 3 + 4 + 23 + 3 bottlenecks of
64 channels that widen to 256, all of 5 samples, pooling shortcuts, residuals that start
at nothing, and a classifier with a layer of 128 units on the maximum and the mean over
time. Its mean AUROC there is 0.925 for all 71 statements and 0.928 for the diagnostic
superclasses.

By default it is trained, as there, on random crops of 2.5 s, and answers by the mean of
overlapping windows of that length; ``aggregate="max"`` takes their maximum.

References
----------
He et al.: Bag of Tricks for Image Classification with Convolutional Neural Networks.
CVPR 2019. Strodthoff et al.: Deep Learning for ECG Analysis: Benchmarks and Insights
from PTB-XL. IEEE JBHI 25, 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardium.core import SIGNAL_KINDS, Recipe, need
from cardium.errors import InvalidArgumentError
from cardium.models._records import PUBLISHED, record_settings

if TYPE_CHECKING:
    from torch import nn

_LAYERS = (3, 4, 23, 3)


def build(
    channels_in: int,
    channels_out: int,
    *,
    width: int = 64,
    kernel: int = 5,
    dropout: float = 0.5,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels within a bottleneck; it answers with four times as many.
    kernel : int
        Length of the convolutions, odd.
    dropout : float
        Share of the last features that are dropped in training.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If there is no width, or the kernel has no middle.

    Examples
    --------
    >>> import torch
    >>> network = build(12, 71).eval()
    >>> tuple(network(torch.zeros(2, 12, 250)).shape)
    (2, 71)
    """
    if width <= 0 or kernel <= 0 or kernel % 2 == 0:
        raise InvalidArgumentError(
            f"width must be positive and kernel odd, got {width} and {kernel}."
        )
    need("torch", extra="torch")
    from cardium.models._xresnet import XResNet1d

    return XResNet1d(
        channels_in,
        channels_out,
        layers=_LAYERS,
        width=width,
        kernel=kernel,
        dropout=dropout,
    )


MODEL = Recipe(
    name="xresnet1d101",
    title="1-D XResNet of 101 layers",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(**PUBLISHED, width=64, kernel=5, dropout=0.5),
    reference="Strodthoff et al., IEEE JBHI 2021, doi:10.1109/JBHI.2020.3022989",
)
