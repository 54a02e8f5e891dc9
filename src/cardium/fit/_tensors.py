"""Samples as tensors of the size a network takes, and its answers at theirs.

Every resizing here is index-centred: first and last sample keep their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cardium.core import (
    UNLABELLED,
    Kind,
    PlaneGrid,
    Recipe,
    Sample,
    Sector,
    Setting,
    Stream,
)
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.models._records import RECORD_SETTINGS
from cardium.models._resize import nearest_indices, resize_weights

_RATE_TOLERANCE = 0.01
_CHOICES = {"aggregate": ("mean", "max"), "augment": ("full", "crop")}


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
        Length of a record, or of what is seen around an event; 0, as it comes.
    rate : float [Hz]
        Sampling rate of a record.
    leads : tuple of str
        Names of the channels of a record, in order.
    crop : float [s]
        Length of the windows by which a record is answered; 0, as a whole.
    aggregate : {"mean", "max"}
        What is taken of the probabilities of the windows.
    balance : float
        Share of the draws of events in which all classes are as likely.
    augment : {"full", "crop"}
        How training records are changed.
    mean, deviation : tuple of float
        Of the quantities on the training side, in the units of the task; a network
        answers in deviations from the mean.
    """

    rank: int
    size: int = 0
    clip_length: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    leads: tuple[str, ...] = ()
    crop: float = 0.0
    aggregate: str = "mean"
    balance: float = 0.0
    augment: str = "full"
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()

    @classmethod
    def from_dict(cls, described: Mapping[str, Any]) -> InputFormat:
        """Take back what `dataclasses.asdict` and JSON made of one."""
        lists = {k: tuple(v) for k, v in described.items() if isinstance(v, list)}
        return cls(**{**described, **lists})

    @property
    def samples(self) -> int:
        """Length of a record in samples."""
        return round(self.seconds * self.rate)

    @property
    def crop_samples(self) -> int:
        """Length of a window in samples; 0, a record is answered as a whole."""
        crop = round(self.crop * self.rate)
        return crop if crop < self.samples or not self.samples else 0

    @property
    def channels(self) -> int:
        """Channels of one input; an image has one."""
        return len(self.leads) or 1


def describe_format(
    recipe: Recipe,
    settings: Mapping[str, Setting],
    sample: Sample,
    *,
    kind: Kind = "multilabel",
) -> InputFormat:
    """Say what a network of a recipe takes, given one sample of the training side.

    Raises
    ------
    InvalidArgumentError
        If a setting of how records are cut is out of its range.
    """
    if recipe.input_rank != 1:
        return InputFormat(
            recipe.input_rank,
            size=int(settings["size"]),
            clip_length=int(settings.get("clip_length", 1)),
        )
    given = {**RECORD_SETTINGS, **settings}
    seconds, crop, window, balance = (
        float(given[name]) for name in ("seconds", "crop", "window", "balance")
    )
    if min(seconds, window) <= 0 or crop < 0 or not 0 <= balance <= 1:
        raise InvalidArgumentError(
            "seconds and window must be positive, crop 0 or more and balance 0..1, "
            f"got {seconds:g}, {window:g}, {crop:g} and {balance:g}."
        )
    for name, known in _CHOICES.items():
        if given[name] not in known:
            raise UnknownNameError(name, str(given[name]), known)
    stream = sample.stream
    return InputFormat(
        1,
        seconds=window if kind == "event_class" else seconds,
        rate=stream.rate,
        leads=_leads(stream),
        crop=0.0 if kind == "event_class" else crop,
        aggregate=str(given["aggregate"]),
        balance=balance,
        augment=str(given["augment"]),
    )


def input_tensor(sample: Sample, form: InputFormat) -> Tensor:
    """Turn a sample into (lead, time) [mV] or (time, size, size) [grey], float32.

    A record is cut to the network's length and not padded; where it has no number it
    is 0 mV.

    Raises
    ------
    NotProvidedError
        If a record has other leads or another rate than the network takes.
    """
    if form.rank == 1:
        return record_tensor(sample, form)
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


def event_places(sample: Sample) -> Tensor:
    """Return the samples nearest to the events of a record, (K,).

    Raises
    ------
    NotProvidedError
        If the sample asks for no events.
    """
    if sample.events is None:
        raise NotProvidedError(
            f"Recording '{sample.recording}' asks for no events to be classified."
        )
    time = sample.stream.time
    after = np.searchsorted(time, sample.events).clip(1, len(time) - 1)
    nearer = sample.events - time[after - 1] <= time[after] - sample.events
    return torch.from_numpy(after - nearer)


def windows_around(record: Tensor, places: Tensor, length: int) -> Tensor:
    """Cut a window around each place of a record, (K, lead, length).

    The place is sample ``length // 2`` of its window. Beyond the ends of the record
    its first or last sample is held.

    Examples
    --------
    >>> windows_around(torch.arange(6.0)[None], torch.tensor([1, 4]), 4).tolist()
    [[[0.0, 0.0, 1.0, 2.0]], [[2.0, 3.0, 4.0, 5.0]]]
    """
    index = places[:, None] + torch.arange(length) - length // 2
    return record[:, index.clamp(0, record.shape[1] - 1)].movedim(0, 1).float()


def pad(record: Tensor, length: int) -> Tensor:
    """Lengthen a record by zeros, (lead, length)."""
    lacking = length - record.shape[-1]
    return functional.pad(record, (0, lacking)) if lacking > 0 else record


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that is read when its place in a batch is there.

    Parameters
    ----------
    values : array with ``read_into(out, start)``
        As `cardium.io.signal_packs.PackedSignal`.
    shape : (lead, time)
        What is read of it.
    """

    values: Any
    shape: tuple[int, int]

    def read(self, out: Tensor) -> None:
        """Read it into its place of a batch, (lead, time)."""
        self.values.read_into(out.numpy())


def stored_record(sample: Sample, form: InputFormat) -> StoredRecord | None:
    """Return a record that can be read later, if it is long enough and has no gap."""
    values, leads = sample.stream.values, len(form.leads)
    if not (form.samples and getattr(values, "whole", False)):
        return None
    if values.shape != (max(form.samples, len(sample.stream.time)), leads):
        return None
    check_record(sample, form)
    return StoredRecord(values, (leads, form.samples))


def check_record(sample: Sample, form: InputFormat) -> None:
    """Refuse a record of other leads or of another rate than the network takes.

    Raises
    ------
    NotProvidedError
        With both.
    """
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


def record_tensor(sample: Sample, form: InputFormat, *, whole: bool = False) -> Tensor:
    """Turn a record, or what the network sees of it, into (lead, time) [mV]."""
    check_record(sample, form)
    stop = len(sample.stream.time) if whole else form.samples or None
    values = np.asarray(sample.stream.values[:stop], np.float32).T
    if not (values.flags.writeable and np.isfinite(values.sum())):
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return torch.from_numpy(values)
