"""The layers of `resnet1d_wang`; a module of its own, since it imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cardium.models._pooling import PooledClassifier, normalised, rectified

_STEM = 7
_KERNELS = (5, 3)


class WangResNet(nn.Module):
    """A stem that keeps the sampling rate, residual blocks of one width, a classifier.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of all blocks.
    blocks : int
        Residual blocks; all but the first halve the time axis.
    dropout : float
        Share of the pooled features that are dropped.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        width: int,
        blocks: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = rectified(channels_in, width, _STEM)
        self.blocks = nn.Sequential(
            *(_Block(width, stride=2 if k else 1) for k in range(blocks))
        )
        self.head = PooledClassifier(width, channels_out, dropout=dropout)

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        logits: Tensor = self.head(self.blocks(self.stem(records)))
        return logits


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int, *, stride: int) -> None:
        super().__init__()
        first, second = _KERNELS
        self.residual = nn.Sequential(
            *rectified(width, width, first, stride), *normalised(width, width, second)
        )
        self.shortcut = (
            normalised(width, width, 1, stride) if stride > 1 else nn.Identity()
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.residual(features) + self.shortcut(features))
