"""A small 1-D residual network for the standard ECG.

The fast one to start with: it takes any length, and on the CPU a step of training is a
fraction of that of the published networks. Batch normalisation comes first, so that
leads go in as they are, in mV: it learns the scale of each lead from the training
records. The last features are pooled over time by mean and by maximum, since some
findings are in every beat and some in one.

Records are cut to halves for training and answered as a whole, see
`cardium.models._records`.

References
----------
He et al.: Deep Residual Learning for Image Recognition. CVPR 2016. On ECG: Wang, Yan
and Oates, Time Series Classification from Scratch with Deep Neural Networks. IJCNN
2017; Strodthoff et al., Deep Learning for ECG Analysis: Benchmarks and Insights from
PTB-XL. IEEE JBHI 2021.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardium.core import SIGNAL_KINDS, Recipe, need
from cardium.errors import InvalidArgumentError
from cardium.models._records import record_settings

if TYPE_CHECKING:
    from torch import nn


def build(
    channels_in: int,
    channels_out: int,
    *,
    width: int = 48,
    blocks: int = 4,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of the first block; the others have twice as many.
    blocks : int
        Residual blocks, each of which halves the time axis.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If a setting is not positive.

    Examples
    --------
    >>> import torch
    >>> network = build(12, 5).eval()
    >>> tuple(network(torch.zeros(2, 12, 1000)).shape)
    (2, 5)
    """
    if min(width, blocks) <= 0:
        raise InvalidArgumentError(
            f"width and blocks must be positive, got {width} and {blocks}."
        )
    need("torch", extra="torch")
    from cardium.models._resnet import ResNet1d

    return ResNet1d(channels_in, channels_out, width=width, blocks=blocks)


MODEL = Recipe(
    name="resnet_1d",
    title="1-D residual network over all leads",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(width=48, blocks=4),
    reference="Strodthoff et al., IEEE JBHI 2021, doi:10.1109/JBHI.2020.3022989",
)
