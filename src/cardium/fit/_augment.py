"""Random changes of training batches that leave the truth true.

A frame may be turned, scaled and shifted with its label map; a clip moves as one. A
velocity belongs to the direction of its beam and to the metres between its rows, so
clips with velocities keep their geometry and only their grey levels change. Records
are cut and changed as `_record_changes` says, and pairs of them are blended together
with their truths.
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
from cardium.fit._record_changes import (
    change_records,
    crop_records,
    stretch_around_middle,
    uniform,
)
from cardium.fit._tensors import InputFormat

_TURN = math.radians(15)
_ZOOM = 0.2
_SHIFT = 0.15
_GAMMA = 0.4
_GAIN = 0.3
_SPECKLE = 0.05
_BLEND = 0.4


def augment(
    kind: Kind, batch: dict[str, Any], generator: torch.Generator, form: InputFormat
) -> dict[str, Any]:
    """Return a changed batch; the same generator state gives the same change."""
    inputs, target = batch["input"], batch["target"]
    match kind:
        case "multilabel":
            inputs = cut_and_change(batch, generator, form, stretched=True)
            if form.augment == "full":
                inputs, target = blend(inputs, target, generator)
            return {**batch, "input": inputs, "target": target}
        case "quantity":
            # It may be a rate or a voltage, which are left as they are.
            inputs = cut_and_change(batch, generator, form, stretched=False)
            return {**batch, "input": inputs}
        case "event_class":
            if form.augment == "full":
                inputs = stretch_around_middle(inputs, generator)
                inputs = _change(inputs, generator, form, scaled=True)
            return {**batch, "input": inputs}
        case "velocity":
            return {**batch, "input": change_grey(inputs, generator)}
        case "label_map":
            inputs, target = move(inputs, target, generator)
            inputs = change_grey(inputs, generator)
            return {**batch, "input": inputs, "target": target}
        case "events" | "flow" | "volume_map":
            raise InvalidArgumentError(
                f"Answers of the kind '{kind}' are not learnt from recordings one by "
                "one; clips are learnt from by cardium.fit.clips."
            )


def cut_and_change(
    batch: dict[str, Any],
    generator: torch.Generator,
    form: InputFormat,
    *,
    stretched: bool,
) -> Tensor:
    """Cut a window out of each record of a batch, and change it.

    Parameters
    ----------
    batch : dict
        ``input`` (B, lead, time) [mV] and ``length`` (B,).
    generator : torch.Generator
        Where chance comes from.
    form : InputFormat
        Says how long a window is, half of a record if it does not, and whether more
        is changed than its place.
    stretched : bool
        Whether the pace and the size of the heart beats may change.

    Returns
    -------
    (B, lead, window) [mV]
        The windows.
    """
    records, full = batch["input"], form.augment == "full"
    length = form.crop_samples or (
        records.shape[2] if form.crop else (records.shape[2] + 1) // 2
    )
    records = crop_records(
        records,
        batch["length"],
        generator,
        length=length,
        stretched=stretched and full,
    )
    return _change(records, generator, form, scaled=stretched) if full else records


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
    angle = uniform(generator, (count,), _TURN)
    zoom = uniform(generator, (count, 2), _ZOOM).exp()
    shift = uniform(generator, (count, 2, 1), 2 * _SHIFT)
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
    gamma = uniform(generator, one, _GAMMA).exp().to(device)
    tilt = uniform(generator, (count, 3, 1, 1), _GAIN).to(device)
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


def _change(
    records: Tensor, generator: torch.Generator, form: InputFormat, *, scaled: bool
) -> Tensor:
    """Change records of the leads and the rate that a network takes."""
    return change_records(
        records, generator, leads=form.leads, rate=form.rate, scaled=scaled
    )


def _as_frames(clips: Tensor) -> Tensor:
    """Put the frames of each clip on one axis, (B, frame, Z, X)."""
    return clips.reshape(len(clips), -1, *clips.shape[-2:])
