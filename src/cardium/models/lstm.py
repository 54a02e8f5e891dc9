"""A recurrent network over records, as the benchmark of PTB-XL trains it.

Two layers of 256 units of long short-term memory, and a classifier on the maximum, the
mean and the last of what they say over time. Its mean AUROC there is 0.907 for all 71
statements and 0.927 for the diagnostic superclasses; of the bidirectional one, 0.914
and 0.921. The leads are scaled to unit deviation by the training records first.

By default it is trained, as there, on random crops of 2.5 s, and answers by the mean of
overlapping windows of that length; ``aggregate="max"`` takes their maximum.

References
----------
Hochreiter and Schmidhuber: Long Short-Term Memory. Neural Computation 9, 1997.
Strodthoff et al.: Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL.
IEEE JBHI 25, 2021.
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
    hidden: int = 256,
    layers: int = 2,
    bidirectional: int = 0,
    dropout: float = 0.5,
) -> nn.Module:
    """Build the network for records of ``(batch, lead, time)`` [mV].

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    hidden : int
        Units of a layer, of each direction.
    layers : int
        Recurrent layers.
    bidirectional : {0, 1}
        Whether time is gone through both ways.
    dropout : float
        Share of the pooled features that are dropped in training.

    Returns
    -------
    torch.nn.Module
        The untrained network; it answers ``(batch, channels_out)`` logits.

    Raises
    ------
    InvalidArgumentError
        If a number is out of its range.

    Examples
    --------
    >>> sum(w.numel() for w in build(12, 5).recur.parameters())  # 4 (n + h + 2) h twice
    802816
    """
    if min(hidden, layers) <= 0 or bidirectional not in (0, 1):
        raise InvalidArgumentError(
            "hidden and layers must be positive and bidirectional 0 or 1, "
            f"got {hidden}, {layers} and {bidirectional}."
        )
    need("torch", extra="torch")
    from cardium.models._lstm import RecurrentNet

    return RecurrentNet(
        channels_in,
        channels_out,
        hidden=hidden,
        layers=layers,
        bidirectional=bool(bidirectional),
        dropout=dropout,
    )


MODEL = Recipe(
    name="lstm",
    title="Recurrent network (LSTM) over all leads",
    answers=SIGNAL_KINDS,
    family="network",
    build=build,
    input_rank=1,
    settings=record_settings(
        **PUBLISHED, hidden=256, layers=2, bidirectional=0, dropout=0.5
    ),
    reference="Strodthoff et al., IEEE JBHI 2021, doi:10.1109/JBHI.2020.3022989",
)
