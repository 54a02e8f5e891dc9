"""The layers of `lstm`; a module of its own, since it imports torch."""

from __future__ import annotations

from torch import Tensor, nn

from cardium.models._pooling import PooledClassifier


class RecurrentNet(nn.Module):
    """Normalise the leads, go through time, pool what was seen, classify.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    hidden : int
        Units of a layer, of each direction.
    layers : int
        Recurrent layers.
    bidirectional : bool
        Whether time is gone through both ways.
    dropout : float
        Share of the pooled features that are dropped.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        hidden: int,
        layers: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        # Without weights of its own: the first layer has them.
        self.scale = nn.BatchNorm1d(channels_in, affine=False)
        self.recur = nn.LSTM(
            channels_in, hidden, layers, batch_first=True, bidirectional=bidirectional
        )
        self.head = PooledClassifier(
            hidden * (1 + bidirectional),
            channels_out,
            dropout=dropout,
            last=hidden,
            first=hidden * bidirectional,
        )

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        features, _ = self.recur(self.scale(records).transpose(1, 2))
        logits: Tensor = self.head(features.transpose(1, 2))
        return logits
