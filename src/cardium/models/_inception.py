"""The layers of `inception1d`; a module of its own, since it imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cardium.models._pooling import PooledClassifier, convolution, normalised

_BRANCHES = 4
_RESIDUAL_EVERY = 3
_HIDDEN = 128


class Inception1d(nn.Module):
    """Modules of parallel convolutions of several lengths, with shortcuts over three.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    depth : int
        Modules.
    width : int
        Channels of each of the four branches of a module, and of its bottleneck.
    kernel : int
        Length of the longest convolution; the others have a half and a quarter.
    dropout : float
        Share of the last features that are dropped.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        depth: int,
        width: int,
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        wide = _BRANCHES * width
        inputs = [channels_in, *[wide] * (depth - 1)]
        self.stack = nn.ModuleList(_Module(n, width, kernel) for n in inputs)
        starts = inputs[: depth // _RESIDUAL_EVERY * _RESIDUAL_EVERY : _RESIDUAL_EVERY]
        self.shortcuts = nn.ModuleList(normalised(n, wide, 1) for n in starts)
        self.head = PooledClassifier(
            wide, channels_out, hidden=_HIDDEN, dropout=dropout
        )

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        features = start = records
        for place, module in enumerate(self.stack):
            features = module(features)
            if place % _RESIDUAL_EVERY == _RESIDUAL_EVERY - 1:
                shortcut = self.shortcuts[place // _RESIDUAL_EVERY]
                features = start = (features + shortcut(start)).relu()
        logits: Tensor = self.head(features)
        return logits


class _Module(nn.Module):
    """Three convolutions of a bottleneck and one of a maximum, side by side."""

    def __init__(self, channels_in: int, width: int, kernel: int) -> None:
        super().__init__()
        lengths = [(kernel >> k) - (1 - (kernel >> k) % 2) for k in range(3)]
        self.bottleneck = convolution(channels_in, width, 1)
        self.branches = nn.ModuleList(convolution(width, width, n) for n in lengths)
        self.pooled = nn.Sequential(
            nn.MaxPool1d(3, 1, 1), convolution(channels_in, width, 1)
        )
        self.finish = nn.Sequential(nn.BatchNorm1d(_BRANCHES * width), nn.ReLU())

    def forward(self, features: Tensor) -> Tensor:
        narrow = self.bottleneck(features)
        branches = [branch(narrow) for branch in self.branches]
        answer: Tensor = self.finish(torch.cat([*branches, self.pooled(features)], 1))
        return answer
