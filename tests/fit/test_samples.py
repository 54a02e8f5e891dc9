from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.fit.conftest import open_toy
from torch.utils.data import DataLoader

from cardium.core import (
    UNLABELLED,
    Answer,
    Catalog,
    Entry,
    OpenDataset,
    Recording,
    Stream,
)
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.fit._samples import (
    Draws,
    DrawSampler,
    cut,
    item_loader,
    spread,
    stack,
    unpack,
)
from cardium.fit._tensors import InputFormat, StoredRecord
from cardium.io.signal_packs import write_signal_pack
from cardium.signal import LEADS
from cardium.tasks import open_task

FRAME = InputFormat(2, size=4)
CLIP = InputFormat(3, size=4, clip_length=4)


def entries(count: int) -> tuple[Entry, ...]:
    return tuple(Entry(f"r{i}", f"p{i}", "", frozenset()) for i in range(count))


def counted(frames: int, *, velocity: bool = False) -> dict[str, torch.Tensor]:
    """A clip whose frame t is full of t; its truth as well."""
    images = torch.arange(frames, dtype=torch.uint8)[:, None, None].expand(-1, 4, 4)
    item = {"input": images, "target": images}
    if velocity:
        item["target"] = images[:-1].float()
        item["scale"] = torch.arange(frames - 1.0)
        item["limit"] = torch.tensor(0.5)
    return item


def draws(load, count: int, form: InputFormat = FRAME, **options) -> Draws:
    options = {"seed": 0, "shuffled": True} | options
    return Draws(load, entries(count), form, **options)


def test_a_frame_comes_with_its_own_truth() -> None:
    chance = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        part = cut(counted(6, velocity=True), FRAME, chance)
        assert part["input"].shape == (1, 4, 4)
        assert part["target"].shape == (4, 4)
        assert part["input"][0, 0, 0] == part["target"][0, 0] == part["scale"]
        assert part["limit"] == 0.5
        seen.add(int(part["scale"]))
    assert seen == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("velocity", [False, True])
@pytest.mark.parametrize("frames", [2, 4, 11])
def test_a_clip_comes_with_its_own_truth(frames: int, velocity: bool) -> None:
    chance = np.random.default_rng(0)
    starts = set()
    for _ in range(60):
        part = cut(counted(frames, velocity=velocity), CLIP, chance)
        length = min(frames, 4)
        truths = length - velocity
        times = part["input"][0, :, 0, 0]
        assert times.tolist() == list(range(int(times[0]), int(times[0]) + length))
        assert part["target"][:, 0, 0].tolist() == times[:truths].tolist()
        if velocity:
            assert part["scale"].tolist() == times[:truths].tolist()
        starts.add(int(times[0]))
    assert starts == set(range(max(1, frames - 3)))


@pytest.mark.parametrize("form", [FRAME, CLIP])
def test_something_is_labelled_in_every_draw(form: InputFormat) -> None:
    item = counted(12)
    item["target"] = torch.full((12, 4, 4), UNLABELLED, dtype=torch.uint8)
    item["target"][7, 2, 2] = 1
    chance = np.random.default_rng(0)
    for _ in range(30):
        part = cut(item, form, chance)
        assert (part["target"] == 1).any()


def test_short_clips_are_held_without_a_truth() -> None:
    items = [
        {
            **cut(counted(n, velocity=True), CLIP, np.random.default_rng(0)),
            "skipped": [],
        }
        for n in (4, 2)
    ]
    batch = stack(items)
    assert batch["input"].shape == (2, 1, 4, 4, 4)
    assert batch["input"][1, 0, :, 0, 0].tolist() == [0, 1, 1, 1]
    assert batch["target"][1].isnan().all((1, 2)).tolist() == [False, True, True]
    assert batch["scale"][1].tolist() == [0, 0, 0]
    labels = [
        {**cut(counted(n), CLIP, np.random.default_rng(0)), "skipped": []}
        for n in (4, 1)
    ]
    held = stack(labels)["target"][1, :, 0, 0]
    assert held.tolist() == [0, UNLABELLED, UNLABELLED, UNLABELLED]


def test_every_pass_sees_every_recording_in_another_order() -> None:
    def load(entry: Entry) -> dict[str, torch.Tensor]:
        return {"input": torch.tensor(int(entry.id[1:])), "target": torch.zeros(1)}

    form = InputFormat(1)
    drawn = draws(load, 7, form)
    passes = [[int(drawn[7 * k + i]["input"]) for i in range(7)] for k in range(4)]
    assert all(sorted(one) == list(range(7)) for one in passes)
    assert len({tuple(one) for one in passes}) == 4
    still = draws(load, 7, form, shuffled=False)
    assert [int(still[i]["input"]) for i in range(7)] == list(range(7))


def test_a_draw_follows_from_its_number_alone() -> None:
    def load(entry: Entry) -> dict[str, torch.Tensor]:
        return counted(9)

    first, second = draws(load, 5), draws(load, 5)
    forwards = [int(first[i]["input"][0, 0, 0]) for i in range(30)]
    backwards = [int(second[i]["input"][0, 0, 0]) for i in reversed(range(30))]
    assert forwards == backwards[::-1]
    assert forwards != [
        int(draws(load, 5, seed=1)[i]["input"][0, 0, 0]) for i in range(30)
    ]


def test_a_recording_that_cannot_be_read_is_named_and_passed_over() -> None:
    def load(entry: Entry) -> dict[str, torch.Tensor]:
        if entry.id == "r1":
            raise DataCorruptError("half a file")
        return counted(3)

    drawn = [draws(load, 3)[i] for i in range(3)]
    assert [d["skipped"] for d in drawn].count([("r1", "half a file")]) == 1
    assert all(d["input"].shape == (1, 4, 4) for d in drawn)


def test_nothing_that_can_be_read_is_an_error() -> None:
    def load(entry: Entry) -> dict[str, torch.Tensor]:
        raise DataCorruptError(f"{entry.id} is half a file")

    with pytest.raises(NotProvidedError, match=r"None of the 3 .*half a file"):
        draws(load, 3)[0]


def test_recordings_are_read_once_while_there_is_room(monkeypatch) -> None:
    read = []

    def load(entry: Entry) -> dict[str, torch.Tensor]:
        read.append(entry.id)
        return counted(3)

    size = sum(v.nbytes for v in counted(3).values())
    monkeypatch.setattr("cardium.fit._samples._CACHE_BYTES", 2 * size)
    drawn = draws(load, 3, shuffled=False)
    for i in range(6):
        drawn[i]
    assert read == ["r0", "r1", "r2", "r2"]


def test_processes_share_the_draws_of_an_epoch() -> None:
    samplers = [DrawSampler(6, rank=rank, world=2) for rank in (0, 1)]
    for sampler in samplers:
        sampler.set_epoch(2)
        assert len(sampler) == 3
    assert sorted(i for s in samplers for i in s) == [12, 13, 14, 15, 16, 17]


def test_spread_takes_entries_from_everywhere() -> None:
    catalog = Catalog(entries(10))
    assert [e.id for e in spread(catalog, 4)] == ["r0", "r2", "r5", "r7"]
    assert spread(catalog, 10) == catalog.entries


def rare(samples: int = 400) -> dict[str, torch.Tensor]:
    """A ramp with twenty events, two of which are of the second class."""
    place = torch.arange(20) * 20 + 5
    target = torch.tensor([[1.0, 0.0]]).repeat(20, 1)
    target[[3, 11]] = torch.tensor([0.0, 1.0])
    ramp = torch.arange(float(samples))[None].half()
    return {"input": ramp, "target": target, "place": place}


@pytest.mark.parametrize(
    ("balance", "low", "high"),
    [(0.0, 0.06, 0.14), (0.5, 0.26, 0.34), (1.0, 0.46, 0.54)],
)
def test_events_are_drawn_with_their_own_truth_and_as_often_as_asked(
    balance: float, low: float, high: float
) -> None:
    form = InputFormat(1, seconds=1.0, rate=10.0, balance=balance)
    chance, drawn = np.random.default_rng(0), []
    for _ in range(2000):
        part = cut(rare(), form, chance)
        assert part["input"].shape == (1, 10)
        event = (int(part["input"][0, 5]) - 5) // 20
        assert bool(part["target"][1]) == (event in (3, 11))
        drawn.append(event)
    assert set(drawn) == set(range(20))
    assert low < np.isin(drawn, (3, 11)).mean() < high


def test_each_pass_draws_other_events() -> None:
    form = InputFormat(1, seconds=1.0, rate=10.0)
    val = draws(lambda entry: rare(), 2, form, shuffled=False, passes=30)
    assert len(val) == 60
    places = [int(val[i]["input"][0, 5]) for i in range(60)]
    assert len(set(places)) > 15
    assert places == [int(val[i]["input"][0, 5]) for i in range(60)]


def test_a_long_recording_is_read_once(marked, monkeypatch) -> None:
    toy, read = marked(), []
    form = InputFormat(1, seconds=1.0, rate=50.0, leads=("MLII",))
    load = item_loader(toy.task, toy.data, form)

    def noted(entry: Entry) -> dict[str, torch.Tensor]:
        read.append(entry.id)
        return load(entry)

    drawn = Draws(noted, toy.split.train.entries, form, seed=0, shuffled=True)
    for i in range(40):
        assert drawn[i]["input"].shape == (1, 50)
        assert drawn[i]["target"].sum() == 1
    assert sorted(read) == ["r0", "r1", "r2", "r3"]
    item = load(toy.split.train.entries[0])
    assert item["target"].shape == (57, 3)  # the one that is not known is left out
    assert item["input"].dtype == torch.float16
    # At each event the trace is high, up or down.
    height = item["input"][0, item["place"]].float()
    assert (height.sign() == 1 - item["target"].argmax(1)).all()


def test_a_recording_without_known_events_is_named(marked) -> None:
    toy = marked()
    target = toy.task.target
    task = replace(
        toy.task,
        target=lambda recording, geometry: Answer(
            {"beat": 0 * target(recording, geometry).values["beat"]}
        ),
    )
    form = InputFormat(1, seconds=1.0, rate=50.0, leads=("MLII",))
    with pytest.raises(NotProvidedError, match="'r0' has no event of a known class"):
        item_loader(task, toy.data, form)(toy.split.train.entries[0])


def test_records_know_how_much_of_them_is_padding(measured) -> None:
    toy = measured()
    form = InputFormat(
        1, seconds=3.0, rate=50.0, leads=("I",), mean=(300, 1e3), deviation=(10, 100)
    )
    entry = toy.split.train.entries[0]
    item = item_loader(toy.task, toy.data, form)(entry)
    assert item["input"].shape == (1, 150)
    assert item["length"] == 100
    assert (item["input"][0, 100:] == 0).all()
    truth = toy.task.target(toy.data.load(entry), None).values["numbers"]
    np.testing.assert_allclose(
        item["target"], (truth - [300, 1e3]) / [10, 100], rtol=1e-5
    )


def test_items_are_of_the_size_of_the_network(discs, moving) -> None:
    form = InputFormat(2, size=8)
    toy = discs()
    item = item_loader(toy.task, toy.data, form)(toy.split.train.entries[0])
    assert item["input"].shape == item["target"].shape == (2, 8, 8)
    assert item["input"].dtype == item["target"].dtype == torch.uint8
    toy = moving()
    item = item_loader(toy.task, toy.data, form)(toy.split.train.entries[0])
    assert item["target"].shape == (4, 8, 8)
    # 19 mm over 7 steps, 50 times a second.
    np.testing.assert_allclose(item["scale"], 0.019 / 7 * 50, rtol=1e-5)
    assert item["limit"] == pytest.approx(0.2)


def twelve_leads(count: int = 9) -> OpenDataset:
    """Records of 10 s at 100 Hz, some of which are not as the others are."""
    chance = np.random.default_rng(2)
    recordings = {}
    for i in range(count):
        seconds = {1: 7.3, 2: 12.0}.get(i, 10.0)
        rate = 500 if i == 3 else 100
        digits = chance.integers(-900, 900, (round(seconds * rate), 12))
        values = (digits / 1000).astype(np.float32)
        leads: tuple[str, ...] = LEADS
        match i:
            case 4:
                values[[5, 999], 3] = np.nan
            case 5:
                leads = LEADS[::-1]
            case 6:
                leads = (*LEADS[:-1], "V9")
            case 7:
                values += chance.normal(0, 1e-4, values.shape).astype(np.float32)
        time = np.arange(len(values)) / rate
        ecg = Stream(
            "ecg", values, time, ("time", "lead"), "mV", coords={"lead": leads}
        )
        labels = {"superclass": (("NORM",), ("MI", "CD"))[i % 2]}
        entry = Entry(f"r{i}", f"p{i}", "", frozenset({"ecg", *labels}), labels=labels)
        recordings[f"r{i}"] = Recording(entry, {"ecg": ecg})
    return open_toy(recordings)


def batches_of(data: OpenDataset, *, shuffled: bool, workers: int) -> list[dict]:
    """Two passes over a dataset as a training takes them."""
    form = InputFormat(1, seconds=10.0, rate=100.0, leads=LEADS)
    load = item_loader(open_task("ecg_superclass"), data, form)
    drawn = Draws(
        load,
        data.catalog.entries,
        form,
        seed=5,
        shuffled=shuffled,
        workers=workers,
    )
    sampler = DrawSampler(2 * len(data.catalog)) if shuffled else range(len(drawn))
    loader = DataLoader(
        drawn, 4, sampler=sampler, collate_fn=stack, num_workers=workers
    )
    return [unpack(batch) for batch in loader]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("shuffled", [True, False])
def test_a_pack_gives_the_batches_of_its_files(
    tmp_path, shuffled: bool, workers: int
) -> None:
    data = twelve_leads()
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg"])
    from_files = batches_of(data, shuffled=shuffled, workers=0)
    from_pack = batches_of(pack, shuffled=shuffled, workers=workers)
    assert len(from_files) == len(from_pack) > 2
    for one, other in zip(from_files, from_pack, strict=True):
        assert one.keys() == other.keys()
        assert one["skipped"] == other["skipped"]
        for name in ("input", "target", "length"):
            assert one[name].dtype == other[name].dtype
            assert torch.equal(one[name], other[name])
        assert one["input"].isfinite().all()
    skipped = [row for batch in from_pack for row in batch["skipped"]]
    assert {name for name, _ in skipped} == {"r6"}
    assert all("no lead 'V6'" in why for _, why in skipped)
    lengths = torch.cat([batch["length"] for batch in from_pack]).tolist()
    assert set(lengths) == {730, 1000}


def test_whole_records_of_a_pack_are_read_into_their_batch(tmp_path) -> None:
    data = twelve_leads()
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg"])
    form = InputFormat(1, seconds=10.0, rate=100.0, leads=LEADS)
    load = item_loader(open_task("ecg_superclass"), pack, form)
    stored = {
        entry.id
        for entry in pack.catalog
        if entry.id != "r6" and isinstance(load(entry)["input"], StoredRecord)
    }
    # not the short one, that of another rate, that with gaps, nor that turned around
    assert stored == {"r0", "r2", "r7", "r8"}
