"""Samples as tensors of the size a network takes, and its answers at theirs.

Every resizing here is index-centred: first and last sample keep their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cardium.core import (
    UNLABELLED,
    PlaneGrid,
    Recipe,
    Sample,
    Sector,
    Setting,
    Stream,
)
from cardium.errors import NotProvidedError
from cardium.models._resize import nearest_indices, resize_weights

_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class InputFormat:
    """What one input of a network is.

    Parameters
    ----------
    rank : {1, 2, 3}
        Axes after the channels: a record, a frame or a clip.
    size : int
        Rows and columns of an image.
    clip_length : int
        Frames of a training clip.
    seconds : float [s]
        Length of a record.
    rate : float [Hz]
        Sampling rate of a record.
    leads : tuple of str
        Names of the channels of a record, in order.
    """

    rank: int
    size: int = 0
    clip_length: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    leads: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Channels of one input; an image has one."""
        return len(self.leads) or 1


def describe_format(
    recipe: Recipe, settings: Mapping[str, Setting], sample: Sample
) -> InputFormat:
    """Say what a network of a recipe takes, given one sample of the training side."""
    stream = sample.stream
    if recipe.input_rank != 1:
        return InputFormat(
            recipe.input_rank,
            size=int(settings["size"]),
            clip_length=int(settings.get("clip_length", 1)),
        )
    return InputFormat(
        1, seconds=float(settings["seconds"]), rate=stream.rate, leads=_leads(stream)
    )


def input_tensor(sample: Sample, form: InputFormat) -> Tensor:
    """Turn a sample into (lead, time) [mV] or (time, size, size) [grey], float32.

    Raises
    ------
    NotProvidedError
        If a record has other leads or another rate than the network takes.
    """
    if form.rank == 1:
        return _record(sample, form)
    frames = torch.from_numpy(np.ascontiguousarray(sample.stream.load(), np.float32))
    return resize(frames, (form.size, form.size))


def target_tensor(value: NDArray[np.generic], form: InputFormat) -> Tensor:
    """Turn a truth into a tensor; maps and velocities take the nearest sample.

    Folded velocities and codes may not be averaged.
    """
    if form.rank == 1:
        return torch.from_numpy(np.asarray(value, np.float32))
    rows, columns = (nearest_indices(n, form.size) for n in value.shape[-2:])
    return torch.from_numpy(value[:, rows[:, None], columns])


def velocity_scale(stream: Stream, rows: int) -> Tensor:
    """Return the velocity of one row a frame in each interval, (T - 1,) [m/s].

    It is what makes of a displacement in rows of the network's image a velocity: the
    distance between rows over the time between frames.

    Raises
    ------
    NotProvidedError
        If the stream has no geometry, so that rows have no distance.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0, 0.1), z=(0, 0.1), shape=(21, 21))
    >>> clip = Stream("b_mode", np.zeros((3, 21, 21)), np.arange(3) / 50,
    ...               ("time", "z", "x"), "grey", plane)
    >>> velocity_scale(clip, 11)  # 10 mm times 50 Hz
    tensor([0.5000, 0.5000])
    """
    match stream.geometry:
        case Sector(depth=(first, last)) | PlaneGrid(z=(first, last)):
            distance = (last - first) / (rows - 1)
        case _:
            raise NotProvidedError(
                f"Stream '{stream.name}' has no geometry, so no distance in metres "
                "between its rows: velocities cannot be learnt from it."
            )
    return torch.from_numpy((distance / np.diff(stream.time)).astype(np.float32))


def resize(images: Tensor, shape: tuple[int, int]) -> Tensor:
    """Resize the last two axes linearly.

    What shrinks is averaged, see `cardium.models._resize.resize_weights`.
    """
    down, across = (
        _weights(n, wanted).to(images.device)
        for n, wanted in zip(images.shape[-2:], shape, strict=True)
    )
    return down @ images @ across.T


def standardise(clips: Tensor) -> Tensor:
    """Give each image or clip of a batch zero mean and unit deviation."""
    axes = tuple(range(1, clips.dim()))
    centred = clips - clips.mean(axes, keepdim=True)
    deviation = centred.square().mean(axes, keepdim=True).sqrt()
    return centred / deviation.clamp(min=1e-3)


def usable_frames(target: Tensor) -> Tensor:
    """Return the indices of the frames of a truth in which something is known."""
    known = target.isfinite() if target.is_floating_point() else target != UNLABELLED
    return known.flatten(1).any(1).nonzero()[:, 0]


@lru_cache(maxsize=64)
def _weights(length: int, wanted: int) -> Tensor:
    """Keep the resizing matrices of the sizes that a dataset has."""
    return torch.from_numpy(resize_weights(length, wanted).astype(np.float32))


def _leads(stream: Stream) -> tuple[str, ...]:
    """Return the names of a record's channels, or their numbers."""
    numbers = tuple(str(i) for i in range(stream.shape[1]))
    return tuple(stream.coords.get("lead", numbers))


def _record(sample: Sample, form: InputFormat) -> Tensor:
    """Cut or pad a record to the network's length, after a check of what it is."""
    stream = sample.stream
    where = f"Recording '{sample.recording}'"
    if _leads(stream) != form.leads:
        raise NotProvidedError(
            f"{where} has the leads {', '.join(_leads(stream))}; the network takes "
            f"{', '.join(form.leads)}, in this order."
        )
    if not abs(stream.rate / form.rate - 1) <= _RATE_TOLERANCE:
        raise NotProvidedError(
            f"{where} has {stream.rate:g} Hz; the network takes {form.rate:g} Hz. "
            "Resample it, or train at its rate."
        )
    length = round(form.seconds * form.rate)
    values = torch.from_numpy(np.asarray(stream.load()[:length], np.float32).T)
    return functional.pad(values, (0, length - values.shape[1])).contiguous()
