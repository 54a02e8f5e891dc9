"""Training samples: which recording, which frame, at which step; never by accident.

Everything a step sees follows from the seed and the number of its draws, so that a
training which was stopped goes on as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, get_worker_info

from cardium.core import UNLABELLED, Catalog, Entry, OpenDataset, Sample, Task
from cardium.errors import CardiumError, NotProvidedError
from cardium.fit._tensors import (
    InputFormat,
    StoredRecord,
    event_places,
    input_tensor,
    pad,
    record_tensor,
    stored_record,
    target_tensor,
    usable_frames,
    velocity_scale,
    windows_around,
)

Item = dict[str, Any]
"""Tensors by name; of a record the input may be a `StoredRecord`."""

_CACHE_BYTES = 1 << 30
_SHARED = 1 << 16
"""Bytes from which on an array leaves a worker through shared memory."""
_HALF_RANGE = 6e4
"""Within what single-precision numbers of half precision hold, in mV."""


class Draws(Dataset[dict[str, Any]]):
    """Numbered draws of training samples from the recordings of one side.

    A recording that cannot be read is passed over for the next one of the same pass,
    and named with the reason under ``"skipped"``.

    Parameters
    ----------
    load : function (entry) -> dict of tensors
        Read one recording at the network's size, see `item_loader`.
    entries : sequence of Entry
        The recordings.
    form : InputFormat
        What the network takes.
    seed : int
        Where chance comes from.
    shuffled : bool
        Whether each pass goes through the recordings in another order.
    workers : int
        Processes that each hold a copy of this; they share 1 GiB of read recordings.
    passes : int
        How often the recordings are gone through before the draws repeat; each pass
        draws other frames or events.
    """

    def __init__(
        self,
        load: Callable[[Entry], Item],
        entries: Sequence[Entry],
        form: InputFormat,
        *,
        seed: int,
        shuffled: bool,
        workers: int = 0,
        passes: int = 1,
    ) -> None:
        self._load = load
        self._entries = entries
        self._form = form
        self._seed = seed
        self._shuffled = shuffled
        self._passes = passes
        self._room = _CACHE_BYTES // max(1, workers)
        self._held: dict[str, Item] = {}
        self._order: tuple[int, Sequence[int]] = (-1, ())

    def __len__(self) -> int:
        return len(self._entries) * self._passes

    def __getitem__(self, draw: int) -> dict[str, Any]:
        count = len(self._entries)
        turn, place = divmod(draw, count)
        order = self._order_of(turn)
        skipped: list[tuple[str, str]] = []
        for step in range(count):
            entry = self._entries[order[(place + step) % count]]
            try:
                item = self._read(entry)
            except (CardiumError, OSError) as error:
                skipped.append((entry.id, str(error)))
                continue
            seed = (self._seed, int(self._shuffled), draw)
            return {**cut(item, self._form, seed), "skipped": skipped}
        raise NotProvidedError(
            f"None of the {count} recordings can be read to train on or to validate "
            f"with. The first, '{skipped[0][0]}': {skipped[0][1]}"
        )

    def _order_of(self, turn: int) -> Sequence[int]:
        """Return the order of the recordings in one pass."""
        if not self._shuffled:
            return range(len(self._entries))
        if self._order[0] != turn:
            chance = np.random.default_rng([self._seed, turn])
            self._order = turn, chance.permutation(len(self._entries)).tolist()
        return self._order[1]

    def _read(self, entry: Entry) -> Item:
        """Read a recording, and keep it while there is room."""
        if entry.id not in self._held:
            item = self._load(entry)
            tensors = [value for value in item.values() if isinstance(value, Tensor)]
            size = sum(value.nbytes for value in tensors)
            if size > self._room:
                return item
            self._room -= size
            self._held[entry.id] = item
        return self._held[entry.id]


class DrawSampler(Sampler[int]):
    """The numbers of the draws of one epoch, in order; each process has its share.

    Parameters
    ----------
    per_epoch : int
        Draws an epoch, over all processes.
    rank, world : int
        Number of this process, and how many there are.

    Examples
    --------
    >>> sampler = DrawSampler(4, rank=1, world=2)
    >>> sampler.set_epoch(3)
    >>> list(sampler)
    [13, 15]
    """

    def __init__(self, per_epoch: int, *, rank: int = 0, world: int = 1) -> None:
        self._per_epoch = per_epoch
        self._rank = rank
        self._world = world
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch; Lightning calls this, after a restart as well."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        first = self._epoch * self._per_epoch
        return iter(range(first + self._rank, first + self._per_epoch, self._world))

    def __len__(self) -> int:
        return self._per_epoch // self._world


def item_loader(
    task: Task, data: OpenDataset, form: InputFormat
) -> Callable[[Entry], Item]:
    """Return the function that reads one recording at the network's size.

    It gives ``input`` and ``target``; for velocities, ``scale`` and ``limit``; for
    records, ``length``, how many samples are not padding; for events, ``place``, the
    sample of each. Grey levels are kept as uint8.
    """

    def load(entry: Entry) -> Item:
        recording = data.load(entry)
        sample = task.inputs(recording)
        truth = task.target(recording, sample.stream.geometry)
        target = target_tensor(truth.values[task.output.name], form)
        match task.output.kind:
            case "event_class":
                return _event_item(entry, sample, target, form)
            case "multilabel" | "quantity":
                return _record_item(sample, target, form)
            case _:
                return _image_item(entry, task, sample, target, form)

    return load


def _record_item(sample: Sample, target: Tensor, form: InputFormat) -> Item:
    """Pad a record to the network's length, and standardise quantities."""
    if form.mean:
        target = (target - torch.tensor(form.mean)) / torch.tensor(form.deviation)
    stored = stored_record(sample, form)
    if stored is not None:
        length = torch.tensor(form.samples)
        return {"input": stored, "target": target, "length": length}
    record = input_tensor(sample, form)
    return {
        "input": pad(record, form.samples).contiguous(),
        "target": target,
        "length": torch.tensor(record.shape[1]),
    }


def _event_item(
    entry: Entry, sample: Sample, target: Tensor, form: InputFormat
) -> Item:
    """Keep a whole record, and the events whose class is known.

    Half precision makes 24 records of ten hours fit the memory; it is 1 uV at 2 mV.
    """
    known = target.nan_to_num().sum(1) > 0
    if not known.any():
        raise NotProvidedError(f"Recording '{entry.id}' has no event of a known class.")
    record = record_tensor(sample, form, whole=True)
    return {
        "input": record.clamp(-_HALF_RANGE, _HALF_RANGE).half().contiguous(),
        "target": target[known],
        "place": event_places(sample)[known],
    }


def _image_item(
    entry: Entry, task: Task, sample: Sample, target: Tensor, form: InputFormat
) -> Item:
    """Resize frames, with what makes velocities of displacements."""
    if not len(usable_frames(target)):
        raise NotProvidedError(f"Recording '{entry.id}' has no labelled frame.")
    image = input_tensor(sample, form)
    item = {"input": image.round().clamp(0, 255).to(torch.uint8), "target": target}
    if task.output.kind == "velocity":
        if sample.velocity_limit is None:
            raise NotProvidedError(
                f"Recording '{entry.id}' has no velocity limit, so that folded "
                "velocities cannot be compared."
            )
        item["scale"] = velocity_scale(sample.stream, form.size)
        item["limit"] = torch.tensor(sample.velocity_limit, dtype=torch.float32)
    return item


def cut(item: Item, form: InputFormat, seed: Sequence[int]) -> Item:
    """Draw one input of the network: a record, an event of one, a frame or a clip.

    A frame, and at least one frame of a clip, has something known in its truth.
    """
    if form.rank == 1 and "place" not in item:
        return item
    chance = np.random.default_rng(seed)
    if form.rank == 1:
        return _draw_event(item, form, chance)
    part: Item = {k: v for k, v in item.items() if k == "limit"}
    frame = int(chance.choice(usable_frames(item["target"]).numpy()))
    if form.rank == 2:
        part |= {k: v[frame] for k, v in item.items() if k != "limit"}
        part["input"] = part["input"][None].float()
        return part
    frames, truths = len(item["input"]), len(item["target"])
    missing = frames - truths  # 1 for velocities, which lie between frames
    longest = form.clip_length
    low = max(0, frame + 1 + missing - longest)
    high = max(low, min(frame, frames - longest))
    start = int(chance.integers(low, high + 1))
    part["input"] = item["input"][None, start : start + longest].float()
    for name in ("target", "scale"):
        if name in item:
            part[name] = item[name][start : start + longest - missing]
    return part


def _draw_event(item: Item, form: InputFormat, chance: np.random.Generator) -> Item:
    """Draw an event of a record, with what is around it.

    In a share of the draws, ``form.balance``, the class is drawn first, of those that
    the record has.
    """
    target = item["target"]
    events = np.arange(len(target))
    if chance.random() < form.balance:
        codes = target.nan_to_num().argmax(1).numpy()
        events = np.flatnonzero(codes == chance.choice(np.unique(codes)))
    event = int(chance.choice(events))
    place = item["place"][event : event + 1]
    return {
        "input": windows_around(item["input"], place, form.samples)[0],
        "target": target[event],
    }


def stack(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Stack samples to a batch; shorter clips are held at their last frame.

    The frames added have no truth. What leaves a worker and is small is numpy's, which
    `unpack` turns back.
    """
    tensors = [{k: v for k, v in item.items() if k != "skipped"} for item in items]
    if len(tensors[0]["input"].shape) == 4:
        longest = max(item["input"].shape[1] for item in tensors)
        tensors = [_hold(item, longest) for item in tensors]
    batch: dict[str, Any] = {
        name: _stack_tensors([item[name] for item in tensors]) for name in tensors[0]
    }
    if get_worker_info() is not None:
        # a tensor that is shared costs as much as a record that is read
        small = {k: v.numpy() for k, v in batch.items() if v.nbytes < _SHARED}
        batch |= small
    batch["skipped"] = [row for item in items for row in item["skipped"]]
    return batch


def unpack(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a batch of a loader with tensors alone, beside what was skipped."""
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in batch.items()
    }


def _stack_tensors(values: Sequence[Tensor | StoredRecord]) -> Tensor:
    """Stack tensors of one shape; a stored record is read into its place."""
    if all(isinstance(value, Tensor) for value in values):
        return torch.stack(values)  # type: ignore[arg-type]
    batch = _room((len(values), *values[0].shape))
    for place, value in zip(batch, values, strict=True):
        if isinstance(value, StoredRecord):
            value.read(place)
        else:
            place.copy_(value)
    return batch


def _room(shape: tuple[int, ...]) -> Tensor:
    """Return room for a batch; in a worker, such that leaves it without a copy.

    As `torch.utils.data.default_collate` does.
    """
    if get_worker_info() is None:
        return torch.empty(shape)
    storage = torch.UntypedStorage._new_shared(4 * math.prod(shape))  # type: ignore[no-untyped-call]
    return torch.empty(0).set_(storage).view(shape)


def spread(catalog: Catalog, count: int) -> Sequence[Entry]:
    """Take some entries, spread evenly over a catalog."""
    if len(catalog) <= count:
        return catalog.entries
    return [catalog.entries[i * len(catalog) // count] for i in range(count)]


def _hold(item: Item, length: int) -> Item:
    """Lengthen a clip by its last frame, without a truth."""
    short = length - item["input"].shape[1]
    fill = {
        "target": float("nan") if item["target"].is_floating_point() else UNLABELLED,
        "scale": 0.0,
    }
    last = item["input"][:, -1:].expand(-1, short, -1, -1)
    held = {**item, "input": torch.cat([item["input"], last], 1)}
    for name, value in fill.items():
        if name in item:
            added = item[name].new_full((short, *item[name].shape[1:]), value)
            held[name] = torch.cat([item[name], added])
    return held
