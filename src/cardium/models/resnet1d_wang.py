"""The 1-D residual network of Wang et al., as the benchmark of PTB-XL trains it.

Three residual blocks of 128 channels, of convolutions of 5 and 3 samples, behind a stem
of 7 samples that keeps the sampling rate; features are pooled by maximum and mean. With
five classes of 12 leads it has 0.44 million weights. Its mean AUROC there is 0.930 for
the diagnostic superclasses and 0.919 for all 71 statements.

By default it is trained, as there, on random crops of 2.5 s, and answers by the mean of
overlapping windows of that length; ``aggregate="max"`` takes their maximum.

References
----------
Wang, Yan and Oates: Time Series Classification from Scratch with Deep Neural Networks.
IJCNN 2017. Strodthoff et al.: Deep Learning for ECG Analysis: Benchmarks and Insights
from PTB-XL. IEEE JBHI 25, 2021.
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
    blocks: int = 3,
    dropout: float = 0.5,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of all blocks.
    blocks : int
        Residual blocks; all but the first halve the time axis.
    dropout : float
        Share of the pooled features that are dropped in training.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If there is no width or no block.

    Examples
    --------
    >>> sum(weight.numel() for weight in build(12, 5).parameters())
    440837
    """
    if min(width, blocks) <= 0:
        raise InvalidArgumentError(
            f"width and blocks must be positive, got {width} and {blocks}."
        )
    need("torch", extra="torch")
    from cardium.models._resnet_wang import WangResNet

    return WangResNet(
        channels_in, channels_out, width=width, blocks=blocks, dropout=dropout
    )


MODEL = Recipe(
    name="resnet1d_wang",
    title="1-D residual network of three blocks (Wang et al.)",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(**PUBLISHED, width=128, blocks=3, dropout=0.5),
    reference="Wang et al., IJCNN 2017, doi:10.1109/IJCNN.2017.7966039",
)
