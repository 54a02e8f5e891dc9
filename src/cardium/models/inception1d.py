"""InceptionTime for records, as the benchmark of PTB-XL trains it.

Six modules, each of parallel convolutions of 39, 19 and 9 samples of a bottleneck of 32
channels and of a maximum of three samples, with a shortcut over every three; a
classifier with a layer of 128 units on the maximum and the mean over time. Its mean
AUROC there is 0.925 for all 71 statements and 0.921 for the diagnostic superclasses.

By default it is trained, as there, on random crops of 2.5 s, and answers by the mean of
overlapping windows of that length; ``aggregate="max"`` takes their maximum.

References
----------
Ismail Fawaz et al.: InceptionTime: Finding AlexNet for Time Series Classification. Data
Mining and Knowledge Discovery 34, 2020. Strodthoff et al.: Deep Learning for ECG
Analysis: Benchmarks and Insights from PTB-XL. IEEE JBHI 25, 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardium.core import SIGNAL_KINDS, Recipe, need
from cardium.errors import InvalidArgumentError
from cardium.models._records import PUBLISHED, record_settings

if TYPE_CHECKING:
    from torch import nn

_SHORTEST = 8


def build(
    channels_in: int,
    channels_out: int,
    *,
    depth: int = 6,
    width: int = 32,
    kernel: int = 40,
    dropout: float = 0.5,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    depth : int
        Modules; every third is followed by a shortcut.
    width : int
        Channels of each of the four branches of a module, and of its bottleneck.
    kernel : int
        Length of the longest convolution, 8 at least; the others have a half and a
        quarter. Even lengths are shortened by one sample.
    dropout : float
        Share of the last features that are dropped in training.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If a number is too small.

    Examples
    --------
    >>> import torch
    >>> network = build(12, 5).eval()
    >>> tuple(network(torch.zeros(2, 12, 250)).shape)
    (2, 5)
    """
    if min(depth, width) <= 0 or kernel < _SHORTEST:
        raise InvalidArgumentError(
            f"depth and width must be positive and kernel {_SHORTEST} at least, "
            f"got {depth}, {width} and {kernel}."
        )
    need("torch", extra="torch")
    from cardium.models._inception import Inception1d

    return Inception1d(
        channels_in,
        channels_out,
        depth=depth,
        width=width,
        kernel=kernel,
        dropout=dropout,
    )


MODEL = Recipe(
    name="inception1d",
    title="InceptionTime over all leads",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(**PUBLISHED, depth=6, width=32, kernel=40, dropout=0.5),
    reference="Ismail Fawaz et al., DMKD 2020, doi:10.1007/s10618-020-00710-y",
)
