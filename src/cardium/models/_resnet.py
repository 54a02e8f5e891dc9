"""The layers of `resnet_1d`; a module of its own, since it imports torch."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

_STEM = 15
_KERNEL = 7
_DROPOUT = 0.3


class ResNet1d(nn.Module):
    """Normalise the leads, convolve, pool over time, classify.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of the first block; the others have twice as many.
    blocks : int
        Residual blocks, each of which halves the time axis.
    """

    def __init__(
        self, channels_in: int, channels_out: int, *, width: int, blocks: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.BatchNorm1d(channels_in),
            nn.Conv1d(channels_in, width, _STEM, 2, _STEM // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(2),
        )
        widths = [width, width, *[2 * width] * (blocks - 1)]
        self.blocks = nn.Sequential(*(_Block(*pair) for pair in pairwise(widths)))
        self.classify = nn.Sequential(
            nn.Dropout(_DROPOUT), nn.Linear(2 * widths[-1], channels_out)
        )

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        features = self.blocks(self.stem(records))
        pooled = torch.cat([features.mean(-1), features.amax(-1)], dim=1)
        logits: Tensor = self.classify(pooled)
        return logits


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the time axis is halved."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(channels_in, channels_out, _KERNEL, stride=2),
            nn.BatchNorm1d(channels_out),
            nn.ReLU(),
            _convolution(channels_out, channels_out, _KERNEL, stride=1),
            nn.BatchNorm1d(channels_out),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool1d(2, ceil_mode=True),
            _convolution(channels_in, channels_out, 1, stride=1),
            nn.BatchNorm1d(channels_out),
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.residual(features) + self.shortcut(features))


def _convolution(
    channels_in: int, channels_out: int, kernel: int, *, stride: int
) -> nn.Conv1d:
    """Convolve without a bias, which the normalisation that follows would remove."""
    return nn.Conv1d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False)
