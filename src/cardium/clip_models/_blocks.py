"""What the networks in beamspace share: coordinates, areas, small convolutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

Batch = Mapping[str, Tensor]

_GROUPS = 4
_AROUND = (31, 9)
_DEEPEST = 0.2


class Convolution(nn.Conv3d):
    """A convolution that stays in 32 bit on the CPU.

    In bfloat16 torch 2.13 writes past its buffers there, on the way back through
    convolutions of long rows, on processors with AMX.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Map features to features."""
        if features.device.type != "cpu":
            return super().forward(features)
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float())


def unit(
    channels_in: int, channels_out: int, *, kernel: tuple[int, int, int]
) -> nn.Sequential:
    """Convolve, normalise, bend."""
    half = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        Convolution(channels_in, channels_out, kernel, padding=half, bias=False),
        nn.GroupNorm(math.gcd(_GROUPS, channels_out), channels_out),
        nn.SiLU(),
    )


class Encoder(nn.Module):
    """A small U-Net over clips (batch, channel, time, range, beam).

    Range and beams are halved at each level, time never. Frames see each other from
    the second level on, where it costs least.

    Parameters
    ----------
    channels_in : int
        Channels of the clip.
    width : int
        Channels of the first level; each further one has half as many more.
    levels : int
        How often it is halved.
    frames : int
        Frames that a convolution in time sees; 1 for none.
    """

    def __init__(
        self, channels_in: int, *, width: int, levels: int, frames: int
    ) -> None:
        super().__init__()
        widths = [width + level * width // 2 for level in range(levels + 1)]
        self.first = unit(channels_in, widths[0], kernel=(1, 3, 3))
        self.down = nn.ModuleList(
            nn.Sequential(
                unit(narrow, wide, kernel=(1, 3, 3)),
                unit(wide, wide, kernel=(frames, 3, 3)),
            )
            for narrow, wide in pairwise(widths)
        )
        self.up = nn.ModuleList(
            unit(narrow + wide, narrow, kernel=(1, 3, 3))
            for narrow, wide in pairwise(widths)
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Return `width` channels of the size of the clip."""
        kept = [self.first(clip)]
        for down in self.down:
            kept.append(down(shrink(kept[-1], (2, 2))))
        features: Tensor = kept.pop()
        for up in reversed(self.up):
            beside = kept.pop()
            features = up(torch.cat([beside, enlarge(features, beside)], 1))
        return features


def shrink(clip: Tensor, by: tuple[int, int]) -> Tensor:
    """Average neighbours in range and beams; what is left over at the end counts."""
    return functional.avg_pool3d(
        clip, (1, *by), ceil_mode=True, count_include_pad=False
    )


def enlarge(clip: Tensor, like: Tensor) -> Tensor:
    """Interpolate range and beams to the size of another clip."""
    frames = clip.transpose(1, 2).flatten(0, 1)
    size = list(like.shape[-2:])
    grown = functional.interpolate(frames, size, mode="bilinear", align_corners=False)
    return as_clips(grown, len(clip))


def as_clips(frames: Tensor, clips: int) -> Tensor:
    """Turn frames (B T, C, R, A) into clips (B, C, T, R, A)."""
    return frames.reshape(clips, -1, *frames.shape[1:]).transpose(1, 2)


def even_out(grey: Tensor) -> Tensor:
    """Take local mean and contrast out of grey levels (B, 1, T, R, A).

    Gain and compression differ between scanners and depths; what moves is the pattern.
    """
    frames = grey.transpose(1, 2).flatten(0, 1)

    def mean(values: Tensor) -> Tensor:
        for around in ((_AROUND[0], 1), (1, _AROUND[1])):
            half = (around[0] // 2, around[1] // 2)
            values = functional.avg_pool2d(
                values, around, 1, half, count_include_pad=False
            )
        return values

    centred = frames - mean(frames)
    even = centred / (mean(centred.square()) + 1e-3).sqrt()
    return as_clips(even, len(grey))


def places(batch: Batch) -> Tensor:
    """Return depth, as a share of 20 cm, and angle of each sample, (B, 2, 1, R, A)."""
    depth, angle = batch["depth"] / _DEEPEST, batch["angle"]
    size = (len(depth), depth.shape[1], angle.shape[1])
    both = [depth[:, :, None].expand(size), angle[:, None].expand(size)]
    return torch.stack(both, 1)[:, :, None]


def areas(batch: Batch) -> Tensor:
    """Return the area that each sample stands for, (B, 1, 1, R, A), 1 in the mean.

    Of beams it grows with depth, r dr dtheta, so that an error weighs as much as it
    will in the image. Samples that only pad a batch lie at no depth and weigh nothing.
    """
    depth = batch["depth"].clamp(min=0)
    area = (
        depth[:, None, None, :, None]
        * torch.ones_like(batch["angle"])[:, None, None, None]
    )
    return area / area.mean((2, 3, 4), keepdim=True).clamp(min=1e-9)
