"""The U-Net over volumes. It imports torch."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from cardium.clip_models._blocks import Batch, Convolution, unit
from cardium.core import UNLABELLED

_CAVITY = 1
_CUBE = (3, 3, 3)
_AT_ONCE = 8
_LITTLE = 1e-6


class VolumeNet(nn.Module):
    """Label each volume of a clip by itself.

    Parameters
    ----------
    beams : bool
        Whether the axes are elevation, azimuth and range, of which the first step
        halves the range, or those of voxels, all of which it halves. The answer is
        interpolated back.
    width : int
        Channels of the first level.
    levels : int
        How often the volume is halved after that.
    coordinates : bool
        Tell the network where each sample lies.
    weigh : bool
        Weigh errors by the volume of the samples.
    """

    def __init__(
        self,
        *,
        beams: bool,
        width: int,
        levels: int,
        coordinates: bool,
        weigh: bool,
    ) -> None:
        super().__init__()
        self._coordinates, self._weigh = coordinates, weigh
        self._first = (1, 1, 2) if beams else (2, 2, 2)
        # Radians and decimetres are about as large as each other.
        self._units = (1.0, 1.0, 10.0) if beams else (10.0, 10.0, 10.0)
        widths = [width + level * width // 2 for level in range(levels + 1)]
        self.stem = nn.Sequential(
            unit(4 if coordinates else 1, width, kernel=_CUBE),
            unit(width, width, kernel=_CUBE),
        )
        self.down = nn.ModuleList(
            nn.Sequential(unit(a, b, kernel=_CUBE), unit(b, b, kernel=_CUBE))
            for a, b in pairwise(widths)
        )
        self.up = nn.ModuleList(
            unit(a + b, a, kernel=_CUBE) for a, b in pairwise(widths)
        )
        self.head = Convolution(width, 2, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return probabilities of background and cavity, (B, 2, T, E, A, R)."""
        return self._scores(batch).softmax(1)

    def loss(self, batch: Batch) -> Tensor:
        """Return cross entropy plus one minus Dice, of the samples that are known."""
        scores, target = self._scores(batch).float(), batch["target"]
        weight = self._weight(batch)
        wanted = torch.where(target == UNLABELLED, 0, target).long()
        entropy = functional.cross_entropy(scores, wanted, reduction="none")
        total = (weight * entropy).sum() / weight.sum().clamp(min=_LITTLE)
        # A volume with nothing to find would have a Dice of nothing.
        found, sought = scores.softmax(1)[:, _CAVITY], (wanted == _CAVITY).float()
        space = (2, 3, 4)
        both = (weight * found * sought).sum(space)
        either = (weight * (found + sought)).sum(space)
        there = (weight * sought).sum(space) > 0
        dice = (2 * both / either.clamp(min=_LITTLE))[there]
        return total + (1 - dice.mean() if len(dice) else 0.0)

    def _scores(self, batch: Batch) -> Tensor:
        """Return what the softmax is taken of; volumes are seen some at a time."""
        clips = batch["input"]
        volumes = clips.transpose(1, 2).flatten(0, 1)
        if self._coordinates:
            where = places(batch, self._units).repeat_interleave(clips.shape[2], 0)
            volumes = torch.cat([volumes, where.to(volumes)], 1)
        # Features of a whole film would fill the memory; none sees another volume.
        step = len(volumes) if self.training else _AT_ONCE
        parts = [volumes[k : k + step] for k in range(0, len(volumes), step)]
        scores = torch.cat([self._label(part) for part in parts])
        return scores.reshape(len(clips), -1, *scores.shape[1:]).transpose(1, 2)

    def _label(self, volumes: Tensor) -> Tensor:
        """Return two scores of each sample of volumes (N, C, E, A, R)."""
        features = [self.stem(_shrink(volumes, self._first))]
        for down in self.down:
            features.append(down(_shrink(features[-1], (2, 2, 2))))
        last = features.pop()
        for up in reversed(self.up):
            beside = features.pop()
            last = up(torch.cat([beside, _enlarge(last, beside)], 1))
        return _enlarge(self.head(last), volumes)

    def _weight(self, batch: Batch) -> Tensor:
        """Return the weight of each sample, 1 in the mean; 0 where nobody knows."""
        known = (batch["target"] != UNLABELLED).float()
        if not self._weigh:
            return known
        content = batch["content"]
        space = (1, 2, 3)
        samples = (content > 0).sum(space, keepdim=True)  # others pad the batch
        mean = content.sum(space, keepdim=True) / samples.clamp(min=1)
        return known * (content / mean.clamp(min=_LITTLE))[:, None]


def places(batch: Batch, units: tuple[float, float, float]) -> Tensor:
    """Return the place of each sample along its axes by a unit, (B, 3, E, A, R)."""
    named = ("first_axis", "second_axis", "third_axis")
    axes = [batch[name] * unit for name, unit in zip(named, units, strict=True)]
    shape = (len(axes[0]), *(axis.shape[1] for axis in axes))
    first, second, third = axes
    spread = (first[:, :, None, None], second[:, None, :, None], third[:, None, None])
    return torch.stack([axis.expand(shape) for axis in spread], 1)


def _shrink(volumes: Tensor, by: tuple[int, int, int]) -> Tensor:
    """Average neighbours; what is left over at the end counts."""
    return functional.avg_pool3d(volumes, by, ceil_mode=True, count_include_pad=False)


def _enlarge(volumes: Tensor, like: Tensor) -> Tensor:
    """Interpolate to the size of another volume."""
    size = list(like.shape[2:])
    return functional.interpolate(volumes, size, mode="trilinear", align_corners=False)
