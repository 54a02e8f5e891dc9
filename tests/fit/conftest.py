"""Tiny datasets in memory, with tasks whose right answer is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cardium.core import (
    UNLABELLED,
    Answer,
    Catalog,
    Dataset,
    Entry,
    Info,
    OpenDataset,
    Output,
    PlaneGrid,
    Recording,
    Sample,
    Sector,
    Split,
    Stream,
    Task,
)
from cardium.errors import DataCorruptError

INFO = Info("Toy", "Made in memory.", "1", "", "CC0", "", "It is made in memory.")
SIZE = 20


@dataclass(frozen=True)
class Toy:
    """A task, a dataset for it, and its split."""

    task: Task
    data: OpenDataset
    split: Split


def open_toy(
    recordings: dict[str, Recording], *, broken: frozenset[str] = frozenset()
) -> OpenDataset:
    """A dataset of recordings in memory, some of which cannot be read."""

    def load(root: Path, entry: Entry) -> Recording:
        if entry.id in broken:
            raise DataCorruptError(f"'{entry.id}' is half a file. Fetch it again.")
        return recordings[entry.id]

    catalog = Catalog(tuple(r.entry for r in recordings.values()))
    dataset = Dataset(
        "toy", INFO, frozenset(), lambda root: catalog, load, lambda root: ()
    )
    return OpenDataset(dataset, Path())


def sides(data: OpenDataset, train: int, val: int) -> Split:
    """The first to train on, the next to validate with, the rest to score."""
    catalog = data.catalog
    return Split(
        catalog[:train], catalog[train : train + val], catalog[train + val :], "toy"
    )


def make_task(output: Output, inputs: Callable, target: Callable) -> Task:
    """A task of which only inputs and target matter."""
    return Task(
        "toy",
        "toy",
        (),
        output,
        inputs,
        target,
        lambda prediction, truth: {},
        lambda columns, patients: {},
        {},
        "none",
    )


def clip(values: np.ndarray, *, fps: float = 50.0, geometry=None) -> Stream:
    """A B-mode clip on a plane of 1 mm pixels, or on a sector."""
    rows, columns = values.shape[1:]
    if geometry is None:
        geometry = PlaneGrid(
            (0.0, (columns - 1) * 1e-3), (0.0, (rows - 1) * 1e-3), (rows, columns)
        )
    places = ("range", "beam") if isinstance(geometry, Sector) else ("z", "x")
    return Stream(
        "b_mode",
        values.astype(np.float32),
        np.arange(len(values)) / fps,
        ("time", *places),
        "grey",
        geometry,
    )


def recording(name: str, stream: Stream, **annotations: Stream) -> Recording:
    """One recording of a patient of his own."""
    entry = Entry(name, f"patient of {name}", "", frozenset())
    return Recording(entry, {stream.name: stream}, annotations)


def as_sample(limit: float | None = None) -> Callable[[Recording], Sample]:
    """The only stream of a recording is what a model sees."""

    def inputs(opened: Recording) -> Sample:
        return Sample(opened.entry.id, next(iter(opened.streams.values())), limit)

    return inputs


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Networks this small are slower on several threads than on one."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def discs() -> Callable[..., Toy]:
    """Bright discs in noise at random places; only the first frame is labelled."""

    def make(count: int = 12, *, frames: int = 2, broken=frozenset()) -> Toy:
        chance = np.random.default_rng(7)
        z, x = np.mgrid[:SIZE, :SIZE]
        recordings = {}
        for i in range(count):
            centre = chance.uniform(6, 13, 2)
            disc = np.hypot(z - centre[0], x - centre[1]) < 5
            images = 60 + 140 * disc + chance.normal(0, 10, (frames, SIZE, SIZE))
            labels = np.full((frames, SIZE, SIZE), UNLABELLED, np.uint8)
            labels[0] = disc
            image = clip(images.clip(0, 255))
            mask = Stream("mask", labels, image.time, image.dims, "label")
            recordings[f"r{i}"] = recording(f"r{i}", image, mask=mask)
        task = make_task(
            Output("labels", "label_map", ("background", "disc")),
            as_sample(),
            lambda opened, geometry: Answer({"labels": opened["mask"].load()}),
        )
        data = open_toy(recordings, broken=frozenset(broken))
        return Toy(task, data, sides(data, count - 4, 2))

    return make


@pytest.fixture
def beats() -> Callable[..., Toy]:
    """Records of two leads, 2 s at 50 Hz: slow waves, fast waves, or both."""

    def make(count: int = 40) -> Toy:
        chance = np.random.default_rng(3)
        time = np.arange(100) / 50
        recordings, truths = {}, {}
        for i in range(count):
            truth = chance.integers(0, 2, 2).astype(np.float32)
            phase = chance.uniform(0, 2 * np.pi, 2)
            waves = np.sin(2 * np.pi * np.outer(time, [1.5, 8.0]) + phase)
            values = (waves * truth).sum(1)[:, None] * [1.0, -0.5]
            values = values + chance.normal(0, 0.1, values.shape)
            stream = Stream(
                "ecg",
                values.astype(np.float32),
                time,
                ("time", "lead"),
                "mV",
                coords={"lead": ("I", "II")},
            )
            recordings[f"r{i}"] = recording(f"r{i}", stream)
            truths[f"r{i}"] = truth
        task = make_task(
            Output("probability", "multilabel", ("slow", "fast")),
            as_sample(),
            lambda opened, geometry: Answer({"probability": truths[opened.entry.id]}),
        )
        data = open_toy(recordings)
        return Toy(task, data, sides(data, count - 16, 8))

    return make


@pytest.fixture
def marked() -> Callable[..., Toy]:
    """Records of a minute at 50 Hz with a wave at each event: up, or rarely down.

    One event of each has no known class.
    """

    def make(count: int = 8, *, broken=frozenset()) -> Toy:
        chance = np.random.default_rng(11)
        time = np.arange(3000) / 50
        recordings, places, truths = {}, {}, {}
        for i in range(count):
            events = np.arange(1.0, 59.0) + chance.uniform(-0.2, 0.2, 58)
            down = chance.random(58) < 0.2
            shape = np.exp(-(((time[:, None] - events) / 0.06) ** 2))
            values = shape @ np.where(down, -1.0, 1.0)
            values = values + chance.normal(0, 0.1, len(time))
            truth = np.eye(3, dtype=np.float32)[down * 2]
            truth[7] = 0
            stream = Stream(
                "ecg",
                values.astype(np.float32)[:, None],
                time,
                ("time", "lead"),
                "mV",
                coords={"lead": ("MLII",)},
            )
            recordings[f"r{i}"] = recording(f"r{i}", stream)
            places[f"r{i}"], truths[f"r{i}"] = events, truth

        def inputs(opened: Recording) -> Sample:
            name = opened.entry.id
            return Sample(name, opened["ecg"], events=places[name])

        task = make_task(
            Output("beat", "event_class", ("up", "flat", "down")),
            inputs,
            lambda opened, geometry: Answer({"beat": truths[opened.entry.id]}),
        )
        data = open_toy(recordings, broken=frozenset(broken))
        return Toy(task, data, sides(data, count - 4, 2))

    return make


@pytest.fixture
def measured() -> Callable[..., Toy]:
    """Records of 2 s at 50 Hz: how fast a wave is, in 1/min, and how high, in uV.

    The height of every third is not known.
    """

    def make(count: int = 60) -> Toy:
        chance = np.random.default_rng(4)
        time = np.arange(100) / 50
        recordings, truths = {}, {}
        for i in range(count):
            hertz, height = chance.uniform(2, 8), chance.uniform(0.5, 2)
            phase = chance.uniform(0, 2 * np.pi)
            values = height * np.sin(2 * np.pi * hertz * time + phase)
            stream = Stream(
                "ecg",
                values.astype(np.float32)[:, None],
                time,
                ("time", "lead"),
                "mV",
                coords={"lead": ("I",)},
            )
            recordings[f"r{i}"] = recording(f"r{i}", stream)
            known = np.nan if i % 3 == 2 else 1000 * height
            truths[f"r{i}"] = np.array([60 * hertz, known], np.float32)
        task = make_task(
            Output("numbers", "quantity", ("pace", "height")),
            as_sample(),
            lambda opened, geometry: Answer({"numbers": truths[opened.entry.id]}),
        )
        data = open_toy(recordings)
        return Toy(task, data, sides(data, count - 16, 8))

    return make


@pytest.fixture
def moving() -> Callable[..., Toy]:
    """Speckle that moves along z by a known number of rows a frame."""

    def make(count: int = 12, *, frames: int = 5) -> Toy:
        chance = np.random.default_rng(5)
        recordings, speeds = {}, {}
        for i in range(count):
            towards = (-1, 1)[i % 2]
            grain = chance.uniform(0, 255, (SIZE, SIZE))
            speckle = (grain + np.roll(grain, 1, 0) + np.roll(grain, -1, 0)) / 3
            images = np.stack(
                [np.roll(speckle, -towards * t, axis=0) for t in range(frames)]
            )
            recordings[f"r{i}"] = recording(f"r{i}", clip(images))
            speeds[f"r{i}"] = towards * 1e-3 * 50.0

        def target(opened: Recording, geometry: PlaneGrid) -> Answer:
            velocity = np.full((frames - 1, SIZE, SIZE), speeds[opened.entry.id])
            velocity[:, :2] = np.nan
            return Answer({"velocity": velocity.astype(np.float32)})

        task = make_task(Output("velocity", "velocity"), as_sample(0.2), target)
        data = open_toy(recordings)
        return Toy(task, data, sides(data, count - 4, 2))

    return make
