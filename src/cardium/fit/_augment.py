"""Random changes of training batches that leave the truth true.

A frame may be turned, scaled and shifted with its label map; a clip moves as one. A
velocity belongs to the direction of its beam and to the metres between its rows, so
clips with velocities keep their geometry and only their grey levels change. Records
are cut, their baseline moves, and pairs of them are blended together with their truths.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cardium.core import UNLABELLED, Kind
from cardium.errors import InvalidArgumentError

_TURN = math.radians(15)
_ZOOM = 0.2
_SHIFT = 0.15
_GAMMA = 0.4
_GAIN = 0.3
_SPECKLE = 0.05
_AMPLITUDE = 0.25
_WANDER = 0.1
_NOISE = 0.03
_BLEND = 0.4


def augment(
    kind: Kind, batch: dict[str, Any], generator: torch.Generator
) -> dict[str, Any]:
    """Return a changed batch; the same generator state gives the same change."""
    inputs, target = batch["input"], batch["target"]
    match kind:
        case "multilabel":
            inputs = change_records(inputs, generator)
            inputs, target = blend(inputs, target, generator)
            return {**batch, "input": inputs, "target": target}
        case "velocity":
            return {**batch, "input": change_grey(inputs, generator)}
        case "label_map":
            inputs, target = move(inputs, target, generator)
            inputs = change_grey(inputs, generator)
            return {**batch, "input": inputs, "target": target}
        case "quantity" | "event_class":
            return {**batch, "input": change_records(inputs, generator)}
        case "events" | "flow" | "volume_map":
            raise InvalidArgumentError(
                f"Answers of the kind '{kind}' are not learnt from recordings one by "
                "one; clips are learnt from by cardium.fit.clips."
            )


def move(
    images: Tensor, labels: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Turn, scale and shift images with their label maps.

    Parameters
    ----------
    images : (B, 1, ..., Z, X) [grey]
        Frames or clips; all frames of a clip move alike.
    labels : (B, ..., Z, X)
        Their codes.
    generator : torch.Generator
        Where chance comes from.

    Returns
    -------
    images, labels
        Of the same shapes. What comes in from outside is black and unlabelled.
    """
    count = len(images)
    angle = _uniform(generator, (count,), _TURN)
    zoom = _uniform(generator, (count, 2), _ZOOM).exp()
    shift = _uniform(generator, (count, 2, 1), 2 * _SHIFT)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1)
    matrix = turn.reshape(count, 2, 2) * zoom[:, None]
    shape = (count, 1, *images.shape[-2:])
    places = functional.affine_grid(
        torch.cat([matrix, shift], 2).to(images.device), list(shape), align_corners=True
    )
    moved = functional.grid_sample(_as_frames(images), places, align_corners=True)
    # Codes are raised by one, so that the zeros from outside can be told apart.
    codes = functional.grid_sample(
        _as_frames(labels).float() + 1, places, mode="nearest", align_corners=True
    )
    codes = torch.where(codes > 0.5, codes - 1, UNLABELLED).to(labels.dtype)
    return moved.reshape(images.shape), codes.reshape(labels.shape)


def change_grey(images: Tensor, generator: torch.Generator) -> Tensor:
    """Change gamma, gain over depth and width, sharpness and noise, (B, 1, ..., Z, X).

    Grey levels stay in 0..255, so that strong gain saturates as it does on a machine.
    """
    frames = _as_frames(images) / 255
    count, _, rows, columns = frames.shape
    one = (count, 1, 1, 1)
    device = frames.device
    gamma = _uniform(generator, one, _GAMMA).exp().to(device)
    tilt = _uniform(generator, (count, 3, 1, 1), _GAIN).to(device)
    down = torch.linspace(-1, 1, rows, device=device)[:, None]
    across = torch.linspace(-1, 1, columns, device=device)
    gain = 1 + tilt[:, :1] + tilt[:, 1:2] * down + tilt[:, 2:] * across
    frames = frames.clamp(0, 1) ** gamma * gain
    softness = torch.rand(one, generator=generator).to(device)
    soft = functional.avg_pool2d(frames, 3, 1, 1)
    frames = frames + softness * (soft - frames)
    level = _SPECKLE * torch.rand(one, generator=generator)
    noise = level * torch.randn(frames.shape, generator=generator)
    return 255 * (frames + noise.to(device)).clamp(0, 1).reshape(images.shape)


def change_records(records: Tensor, generator: torch.Generator) -> Tensor:
    """Cut half of each record; change amplitude, baseline and noise.

    Parameters
    ----------
    records : (B, lead, time) [mV]
        The records.
    generator : torch.Generator
        Where chance comes from.

    Returns
    -------
    (B, lead, time / 2) [mV]
        A window of each, at a place of its own.
    """
    count, leads, whole = records.shape
    device, length = records.device, (whole + 1) // 2
    start = torch.randint(whole - length + 1, (count, 1), generator=generator)
    index = (start + torch.arange(length)).to(device)
    records = records.gather(2, index[:, None].expand(-1, leads, -1))
    amplitude = _uniform(generator, (count, 1, 1), _AMPLITUDE).exp()
    turns = torch.rand((count, 1, 1), generator=generator) * 5
    phase = torch.rand((count, 1, 1), generator=generator)
    height = _uniform(generator, (count, leads, 1), _WANDER)
    moment = torch.linspace(0, 1, length)
    wander = height * torch.sin(2 * math.pi * (turns * moment + phase))
    level = _NOISE * torch.rand((count, 1, 1), generator=generator)
    noise = level * torch.randn(records.shape, generator=generator)
    return records * amplitude.to(device) + (wander + noise).to(device)


def blend(
    records: Tensor, target: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blend each record of a batch, and its truth, with those of another one.

    The share of the first is drawn from Beta(0.4, 0.4) once a batch (Zhang et al.,
    mixup: Beyond Empirical Risk Minimization, ICLR 2018). It keeps a network from
    learning a few hundred records by heart.
    """
    seed = int(torch.randint(1 << 62, (), generator=generator))
    share = np.random.default_rng(seed).beta(_BLEND, _BLEND)
    other = torch.randperm(len(records), generator=generator).to(records.device)
    records = share * records + (1 - share) * records[other]
    return records, share * target + (1 - share) * target[other]


def _as_frames(clips: Tensor) -> Tensor:
    """Put the frames of each clip on one axis, (B, frame, Z, X)."""
    return clips.reshape(len(clips), -1, *clips.shape[-2:])


def _uniform(
    generator: torch.Generator, shape: tuple[int, ...], reach: float
) -> Tensor:
    """Draw from -reach..reach."""
    return (2 * torch.rand(shape, generator=generator) - 1) * reach
