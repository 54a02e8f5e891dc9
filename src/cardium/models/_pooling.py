"""The last layers that the published networks of records share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PooledClassifier(nn.Module):
    """Pool features over time by maximum and mean, then classify.

    Parameters
    ----------
    channels_in, channels_out : int
        Features, and classes of the answer.
    hidden : int
        Units of the layer between; 0, there is none.
    dropout : float
        Share of the features that are dropped before the last layer; half of it
        before the one between.
    last, first : int
        How many of the first features are pooled by their last moment too, and how
        many of the last by their first: where a recurrent layer has seen everything.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        hidden: int = 0,
        dropout: float = 0.5,
        last: int = 0,
        first: int = 0,
    ) -> None:
        super().__init__()
        self._last, self._first = last, first
        pooled = 2 * channels_in + last + first
        layers: list[nn.Module] = []
        if hidden:
            layers = [
                nn.BatchNorm1d(pooled),
                nn.Dropout(dropout / 2),
                nn.Linear(pooled, hidden),
                nn.ReLU(),
            ]
            pooled = hidden
        self.classify = nn.Sequential(
            *layers,
            nn.BatchNorm1d(pooled),
            nn.Dropout(dropout),
            nn.Linear(pooled, channels_out),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map features (batch, channel, time) to logits (batch, class)."""
        pooled = [features.amax(-1), features.mean(-1)]
        if self._last:
            pooled.append(features[:, : self._last, -1])
        if self._first:
            pooled.append(features[:, -self._first :, 0])
        logits: Tensor = self.classify(torch.cat(pooled, dim=1))
        return logits


def convolution(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1
) -> nn.Conv1d:
    """Convolve without a bias, which the normalisation that follows would remove."""
    return nn.Conv1d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)


def normalised(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1
) -> nn.Sequential:
    """Convolve, and normalise."""
    return nn.Sequential(
        convolution(channels_in, channels_out, kernel, stride),
        nn.BatchNorm1d(channels_out),
    )


def rectified(
    channels_in: int, channels_out: int, kernel: int, stride: int = 1
) -> nn.Sequential:
    """Convolve, normalise, rectify."""
    return nn.Sequential(
        *normalised(channels_in, channels_out, kernel, stride), nn.ReLU(inplace=True)
    )
