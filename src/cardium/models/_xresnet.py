"""The layers of `xresnet1d101`; a module of its own, since it imports torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cardium.models._pooling import PooledClassifier, normalised, rectified

_STEM = (32, 32, 64)
_EXPANSION = 4
_HIDDEN = 128


class XResNet1d(nn.Module):
    """Three convolutions, four stages of bottlenecks, a classifier of two layers.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    layers : sequence of int
        Bottlenecks of each stage; all stages but the first halve the time axis.
    width : int
        Channels within a bottleneck; it answers with four times as many.
    kernel : int
        Length of the convolutions.
    dropout : float
        Share of the last features that are dropped.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        layers: Sequence[int],
        width: int,
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        first, second, third = _STEM
        self.stem = nn.Sequential(
            rectified(channels_in, first, kernel, 2),
            rectified(first, second, kernel),
            rectified(second, third, kernel),
            nn.MaxPool1d(3, 2, 1),
        )
        wide = _EXPANSION * width
        blocks: list[nn.Module] = []
        before = third
        for stage, count in enumerate(layers):
            for place in range(count):
                stride = 2 if stage and not place else 1
                blocks.append(_Bottleneck(before, width, kernel, stride))
                before = wide
        self.blocks = nn.Sequential(*blocks)
        self.head = PooledClassifier(
            wide, channels_out, hidden=_HIDDEN, dropout=dropout
        )
        _start_at_shortcuts(self.blocks)

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        logits: Tensor = self.head(self.blocks(self.stem(records)))
        return logits


class _Bottleneck(nn.Module):
    """Narrow, convolve, widen; beside a shortcut that pools rather than skips."""

    def __init__(self, before: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = _EXPANSION * width
        self.residual = nn.Sequential(
            *rectified(before, width, 1),
            *rectified(width, width, kernel, stride),
            *normalised(width, wide, 1),
        )
        shortcut: list[nn.Module] = []
        if stride > 1:
            shortcut.append(nn.AvgPool1d(2, ceil_mode=True))
        if before != wide:
            shortcut.append(normalised(before, wide, 1))
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, features: Tensor) -> Tensor:
        return torch.relu(self.residual(features) + self.shortcut(features))


def _start_at_shortcuts(blocks: nn.Sequential) -> None:
    """Let the residuals be nothing at first, so that so many layers can be trained."""
    for block in blocks:
        last = list(block.residual)[-1]  # type: ignore[arg-type]
        nn.init.zeros_(last.weight)
