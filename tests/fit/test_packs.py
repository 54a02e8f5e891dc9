"""Packs against the recordings they were made of, frame by frame."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest
import zarr

from cardium.core import (
    Case,
    Catalog,
    Clip,
    Entry,
    Field,
    PlaneGrid,
    Protocol,
    Recording,
)
from cardium.core.files import read_json, write_json
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    UnknownNameError,
)
from cardium.fit._pack_finish import _AT_ONCE, Memory
from cardium.fit.clips import Clips
from cardium.fit.packs import Pack, PackSource, RawSource, open_pack, write_pack
from cardium.protocols import PROTOCOLS, open_protocol, protocol_options, tasks_of

LIMIT = 0.6
FIELDS = {
    "input": Field("frame", "unit"),
    "target": Field("interval", "signed"),
    "power": Field("half", "unit"),
    "known": Field("half", "mask"),
    "interval": Field("interval", "float"),
    "box": Field("case", "mask"),
    "limit": Field("case", "float"),
    "depth": Field("case", "float"),
}
SHAPES = {"r1": (6, 5), "r4": (3, 4)}
CLIPS = {
    # stretches 0..8 and 8..12: the interval from 7 to 8 is in no clip
    "r0": ((Clip(0, 5), Clip(3, 8)), Clip(8, 12)),
    # longer than what is prepared at once
    "r1": ((Clip(10, 100), Clip(60, 150), Clip(200, 204)), Clip(90, 160)),
    "r4": ((Clip(1, 4),), Clip(0, 6)),
    "r5": ((), Clip(0, 4)),  # nothing to learn from, but it is scored
    "loud": ((Clip(0, 70),), Clip(0, 3)),
    "nan": ((Clip(0, 3),), Clip(0, 3)),
}
ENTRIES = tuple(
    Entry(name, f"p-{name}", "fold0", frozenset({"b_mode"}))
    for name in ("r0", "r1", "other", "silent", "r4", "r5", "loud", "nan")
)


def signal(name: str, samples: int, factor: float) -> np.ndarray:
    """Numbers from 0 to 1 that tell recording, sample, row and column apart."""
    number = [entry.id for entry in ENTRIES].index(name)
    t, r, a = np.ogrid[:samples, : (SHAPES.get(name) or (2, 3))[0], : frame(name)[1]]
    return np.modf(0.1 * number + 0.0137 * factor * t + 0.11 * r + 0.023 * a)[0]


def frame(name: str) -> tuple[int, int]:
    return SHAPES.get(name, (2, 3))


def whole(name: str) -> dict[str, np.ndarray]:
    """What is prepared of 300 frames of a recording."""
    target = LIMIT * (2 * signal(name, 299, 3) - 1)
    if name == "loud":
        target[68] *= 3  # beyond the limit, in the second block
    if name == "nan":
        target[1, 0, 0] = np.nan
    return {
        "input": signal(name, 300, 1).astype(np.float32),
        "target": target.astype(np.float32),
        "power": signal(name, 598, 2).astype(np.float32),
        "known": signal(name, 598, 5) > 0.4,
        "interval": (np.arange(299) / 7).astype(np.float32),
        "box": (signal(name, 1, 1)[0] > 0.3).astype(np.uint8),
        "limit": np.array(LIMIT, np.float32),
        "depth": np.linspace(0.1, 0.2, frame(name)[0]).astype(np.float32),
    }


@dataclass
class Toy:
    """A protocol and a dataset, and what was asked of them."""

    asked: list[tuple[str, Clip]] = field(default_factory=list)
    entries: tuple[Entry, ...] = ENTRIES
    options: tuple[tuple[str, int], ...] = (("size", 8),)
    fields: dict[str, Field] = field(default_factory=lambda: dict(FIELDS))

    def admit(self, entry: Entry) -> str:
        return "no tissue velocity" if entry.id == "other" else ""

    def open(self, recording: Recording) -> Case:
        name = recording.entry.id
        if name not in CLIPS:
            raise NotProvidedError(f"Recording '{name}' has 3 frames.")
        place = PlaneGrid((0, 1), (0, 2), frame(name))
        return Case(recording, *CLIPS[name], place, "planned")

    def prepare(self, case: Case, clip: Clip):
        name = case.recording.entry.id
        self.asked.append((name, clip))
        parts = {
            "frame": slice(clip.start, clip.stop),
            "interval": slice(clip.start, clip.stop - 1),
            "half": slice(2 * clip.start, 2 * (clip.stop - 1)),
            "case": ...,
        }
        found = whole(name)
        return {k: found[k][parts[f.per]] for k, f in FIELDS.items()}

    def finish(self, item):
        low, high = item["input"].min(), item["input"].max()
        return {**item, "input": ((item["input"] - low) / (high - low))[None]}

    def protocol(self) -> Protocol:
        unused = dict.fromkeys(
            ("truth", "score", "answer", "metrics", "primary", "batch_size"), None
        )
        return Protocol(
            name="published",
            task=SimpleNamespace(name="toy", usable=lambda catalog: catalog),
            domain="beamspace",
            admit=self.admit,
            open=self.open,
            prepare=self.prepare,
            finish=self.finish,
            fields=MappingProxyType(self.fields),
            options=MappingProxyType(dict(self.options)),
            **unused,
        )

    def source(self) -> RawSource:
        data = SimpleNamespace(
            dataset=SimpleNamespace(name="toys", info=SimpleNamespace(version="1.0.0")),
            catalog=Catalog(self.entries),
            load=lambda entry: Recording(entry, {}),
        )
        return RawSource(self.protocol(), data)


def files_of(path: Path) -> dict[str, bytes]:
    found = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in found}


@pytest.fixture
def small_blocks(monkeypatch):
    """Prepare and store little at once, so that pieces must be put together."""
    monkeypatch.setattr("cardium.fit._pack_writing._BLOCK", 16)
    monkeypatch.setattr("cardium.io._shard_files._CHUNK_BYTES", 256)


@pytest.fixture
def toy(tmp_path, small_blocks):
    """A pack and what it was made of."""
    made = Toy()
    source = made.source()
    return made, source, write_pack(tmp_path / "pack", source, ENTRIES)


def test_items_are_those_of_the_recordings(toy) -> None:
    _, raw, pack = toy
    packed = PackSource(pack, raw.protocol)
    count = 0
    for name in ("r0", "r1", "r4", "r5", "loud"):
        entry = next(entry for entry in ENTRIES if entry.id == name)
        case, same = packed.open(entry), raw.open(entry)
        assert (case.train, case.scored) == CLIPS[name] == (same.train, same.scored)
        assert case.geometry == same.geometry
        for clip in (*case.train, case.scored):
            wanted, found = raw.item(same, clip), packed.item(case, clip)
            assert list(wanted) == list(found)
            span = np.ptp(raw.protocol.prepare(same, clip)["input"])
            most = 3 * LIMIT if name == "loud" else LIMIT
            within = {
                "input": 1 / 65535 / span,
                "target": most / 65534,
                "power": 1 / 131070,
            }
            for key, value in wanted.items():
                assert found[key].dtype == value.dtype
                np.testing.assert_allclose(
                    found[key], value, rtol=0, atol=1.02 * within.get(key, 0)
                )
                assert found[key].flags.writeable
            count += 1
    assert count == 12


def test_what_rounds_is_within_half_a_step(toy) -> None:
    _, raw, pack = toy
    clip = Clip(100, 150)
    found = pack.prepared("r1", clip)
    wanted = raw.protocol.prepare(raw.open(ENTRIES[1]), clip)
    step = np.abs(found["power"] - wanted["power"]).max() * 65535
    assert 0.4 < step < 0.51
    step = np.abs(found["target"] - wanted["target"]).max() / LIMIT * 32767
    assert 0.4 < step < 0.51


def test_a_case_of_the_recording_itself_reads_from_the_pack(toy) -> None:
    made, raw, pack = toy
    case = raw.open(ENTRIES[0])
    asked = len(made.asked)
    item = PackSource(pack, raw.protocol).item(case, case.scored)
    assert item["input"].shape == (1, 4, 2, 3)
    assert len(made.asked) == asked


def test_grey_levels_come_back_to_the_bit(tmp_path) -> None:
    made = Toy()
    protocol = made.protocol()
    grey = (np.arange(256, dtype=np.float32) / 255).reshape(4, 8, 8)
    fields = {"input": Field("frame", "unit")}
    only = replace(
        protocol, prepare=lambda case, clip: {"input": grey}, fields=fields
    )  # fmt: skip
    raw = RawSource(only, made.source().data)
    entry = ENTRIES[5]
    pack = write_pack(tmp_path / "pack", raw, [entry])
    np.testing.assert_array_equal(pack.prepared("r5", Clip(0, 4))["input"], grey)


def test_only_frames_of_clips_are_prepared_and_each_once(toy) -> None:
    made, _, _ = toy
    asked = [clip for name, clip in made.asked if name == "r1"]
    frames = [set(range(clip.start, clip.stop)) for clip in asked]
    assert set.union(*frames) == {*range(10, 160), *range(200, 204)}
    assert all(len(block) <= 17 for block in frames)
    intervals = [t for clip in asked for t in range(clip.start, clip.stop - 1)]
    assert len(intervals) == len(set(intervals))
    # no block of r0 spans what no clip spans
    assert not [c for n, c in made.asked if n == "r0" and c.start < 8 < c.stop]


def test_what_is_not_packed_has_a_reason(toy) -> None:
    _, raw, pack = toy
    assert pack.ids == ("r0", "r1", "r4", "r5", "loud")
    reasons = dict(pack.skipped)
    assert reasons["other"] == "Recording 'other': no tissue velocity."
    assert reasons["silent"] == "Recording 'silent' has 3 frames."
    assert "nan" in reasons["nan"]
    source = PackSource(pack, raw.protocol)
    with pytest.raises(NotProvidedError, match="has 3 frames"):
        source.open(ENTRIES[3])
    with pytest.raises(NotProvidedError, match="not among those packed"):
        source.open(Entry("new", "p", "", frozenset()))


def test_a_trainer_draws_the_same_clips_from_both(toy) -> None:
    _, raw, pack = toy
    both = [
        Clips.open(source, ENTRIES[:-1], seed=3)
        for source in (raw, PackSource(pack, raw.protocol))
    ]
    assert len(both[0]) == len(both[1]) == 4
    for number in range(12):
        one, other = (clips.draw(number)[0] for clips in both)
        np.testing.assert_array_equal(one["known"], other["known"])
        np.testing.assert_array_equal(one["interval"], other["interval"])


def test_zarr_opens_a_pack(toy) -> None:
    _, _, pack = toy
    group = zarr.open_group(pack.path, mode="r")
    assert "input-6x5" in group
    stored = group["input-2x3"][:4] / 65535
    np.testing.assert_allclose(stored, whole("r0")["input"][:4], atol=1e-5)
    assert group["known-2x3"].dtype == np.bool_
    np.testing.assert_array_equal(group["limit"][...], np.float32(LIMIT))


@pytest.mark.parametrize("when", range(1, len(ENTRIES) + 1))
def test_stopped_anywhere_it_goes_on(tmp_path, toy, when) -> None:
    def stop(done: int, total: int) -> None:
        assert total == len(ENTRIES)
        if done == when:
            raise KeyboardInterrupt

    path, first = tmp_path / "again", Toy()
    with pytest.raises(KeyboardInterrupt):
        write_pack(path, first.source(), ENTRIES, progress=stop)
    with pytest.raises(DataMissingError, match="no finished pack"):
        open_pack(path)
    # what a killed process may leave: half a line, and frames that no line names
    with (path / "unfinished.jsonl").open("ab") as file:
        file.write(b'{"id": "r')
    for part in path.rglob(".part*"):
        part.write_bytes(part.read_bytes() + b"rest")
    second = Toy()
    write_pack(path, second.source(), ENTRIES)
    assert files_of(path) == files_of(toy[2].path)
    done = {name for name, _ in first.asked}
    assert done.isdisjoint({name for name, _ in second.asked})


def test_a_finished_pack_is_left_as_it_is(toy) -> None:
    made, _, pack = toy
    asked = list(made.asked)
    before = files_of(pack.path)
    assert len(write_pack(pack.path, made.source(), ENTRIES)) == 5
    assert made.asked == asked
    assert files_of(pack.path) == before


def test_a_pack_of_something_else_is_refused(tmp_path, toy) -> None:
    _, raw, pack = toy
    other = Toy(options=(("size", 16),))
    with pytest.raises(RunConflictError, match=r"options\.size 8, and 16 is asked"):
        PackSource(pack, other.protocol())
    with pytest.raises(RunConflictError, match=r"options\.size 8, and 16"):
        write_pack(pack.path, other.source(), ENTRIES)
    with pytest.raises(RunConflictError, match="with protocol 'published', and 'corr"):
        PackSource(pack, replace(raw.protocol, name="corrected"))
    with pytest.raises(RunConflictError, match="made with entries"):
        write_pack(pack.path, raw, ENTRIES[:3])
    pack.expect(raw.protocol, raw.data)
    moved = replace(ENTRIES[0], split="fold1")
    changed = Toy(entries=(moved, *ENTRIES[1:])).source()
    with pytest.raises(RunConflictError, match=r"dataset\.fingerprint '\w+', and '\w+"):
        pack.expect(changed.protocol, changed.data)
    # also while it is not finished
    with pytest.raises(KeyboardInterrupt):
        write_pack(tmp_path / "half", raw, ENTRIES, progress=interrupt)
    with pytest.raises(RunConflictError, match=r"options\.size 8, and 16"):
        write_pack(tmp_path / "half", other.source(), ENTRIES)


def interrupt(done: int, total: int) -> None:
    raise KeyboardInterrupt


def test_one_process_writes_at_a_time(tmp_path) -> None:
    source = Toy().source()

    def again(done: int, total: int) -> None:
        write_pack(tmp_path / "pack", source, ENTRIES)

    with pytest.raises(RunConflictError, match="Another process"):
        write_pack(tmp_path / "pack", source, ENTRIES, progress=again)


def test_a_folder_of_other_files_is_not_touched(tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunConflictError, match="is no pack"):
        write_pack(tmp_path, Toy().source(), ENTRIES)
    assert files_of(tmp_path) == {"mine.txt": b"mine"}


def test_nothing_to_pack_leaves_nothing(tmp_path) -> None:
    with pytest.raises(NotProvidedError, match=r"None of the 2 .* 'other'.*no tissue"):
        write_pack(tmp_path / "pack", Toy().source(), ENTRIES[2:4])
    assert not (tmp_path / "pack").exists()


def test_a_clip_outside_is_refused(toy) -> None:
    pack = toy[2]
    for clip in (Clip(7, 9), Clip(11, 14), Clip(3, 3)):
        with pytest.raises(InvalidArgumentError, match="it has 0 to 8, 8 to 12"):
            pack.prepared("r0", clip)
    with pytest.raises(UnknownNameError, match="r9"):
        pack.prepared("r9", Clip(0, 1))


def test_a_pack_travels_by_its_path(toy) -> None:
    pack = toy[2]
    pack.prepared("r0", Clip(0, 5))
    packed = pickle.dumps(pack)
    assert len(packed) < 400
    again = pickle.loads(packed)
    assert again.ids == pack.ids
    np.testing.assert_array_equal(
        again.prepared("r4", Clip(0, 6))["power"],
        pack.prepared("r4", Clip(0, 6))["power"],
    )


def test_damage_is_named(toy) -> None:
    path = toy[2].path
    shard = path / "power-6x5" / "c" / "0" / "0" / "0"
    kept = shard.read_bytes()
    shard.write_bytes(kept[:-7])
    with pytest.raises(DataCorruptError, match=str(shard)):
        open_pack(path).prepared("r1", Clip(20, 40))
    shard.unlink()
    with pytest.raises(DataMissingError, match=str(shard)):
        open_pack(path).prepared("r1", Clip(20, 40))
    shard.write_bytes(kept)
    about = path / "power-6x5" / "zarr.json"
    stated = read_json(about)
    write_json(about, {**stated, "shape": [40, 6, 5]})
    with pytest.raises(DataCorruptError, match=r"ends before what .*pack\.json"):
        open_pack(path).prepared("r1", Clip(20, 40))
    index = path / "pack.json"
    for text in ("{", '{"facts": 3}', json.dumps({**read_json(index), "fields": []})):
        index.write_text(text)
        with pytest.raises(DataCorruptError, match="does not say properly"):
            open_pack(path)


def test_a_protocol_that_contradicts_itself_is_refused(tmp_path) -> None:
    made = Toy()
    for change, words in (
        ({"input": Field("interval", "unit")}, "'input' has 65 samples for 65 frames"),
        ({"more": Field("frame", "unit")}, "names the fields .*'more'"),
    ):
        made.fields = FIELDS | change
        with pytest.raises(NotProvidedError, match=words):
            write_pack(tmp_path / "pack", made.source(), ENTRIES[1:2])
    prepared = {"target": np.zeros((3, 2, 2))}
    for limit, words in (({}, "which is None"), ({"limit": np.array(0.0)}, "is 0.0")):
        fields = {"target": Field("interval", "signed")}
        fields |= {name: Field("case", "float") for name in limit}
        protocol = replace(
            made.protocol(),
            fields=fields,
            prepare=lambda case, clip, more=limit: prepared | more,
        )
        raw = RawSource(protocol, made.source().data)
        with pytest.raises(CardiumError, match=words):
            write_pack(tmp_path / "pack", raw, ENTRIES[5:6])


def test_recordings_stay_open_but_not_all_of_them(monkeypatch) -> None:
    monkeypatch.setattr("cardium.fit.packs._OPENED", 2)
    source = Toy().source()
    first = source.open(ENTRIES[0])
    assert source.open(ENTRIES[0]) is first
    for entry in (ENTRIES[1], ENTRIES[0], ENTRIES[4]):
        source.open(entry)
    assert source.open(ENTRIES[0]) is first  # it was used after the second
    source.open(ENTRIES[1])
    source.open(ENTRIES[4])
    assert source.open(ENTRIES[0]) is not first


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """A dataset that has something for every protocol."""
    from cardium.datasets.echoxflow import DATASET, write_phantom

    root = tmp_path_factory.mktemp("phantom")
    write_phantom(root, exams=1, modes="benchmark")
    return DATASET.open(root)


SMALL = {"size": 24, "rows": 32, "clip_length": 3, "stride": 1}
WIDE = {
    "min_rate_hz": 1.0,
    "max_rate_hz": 1000.0,
    "min_limit_m_s": 0.01,
    "max_limit_m_s": 10.0,
    "min_ratio": 0.01,
    "max_ratio": 10.0,
}
EVERY = [(task, name) for name in PROTOCOLS for task in tasks_of(name)]


@pytest.mark.parametrize(("task", "name"), EVERY)
@pytest.mark.parametrize("domain", ["beamspace", "cartesian"])
def test_each_protocol_gives_the_same_from_a_pack(
    tmp_path, phantom, task, name, domain
) -> None:
    there = protocol_options(task, name)
    options = {k: v for k, v in (SMALL | WIDE).items() if there.get(k)}
    protocol = open_protocol(task, name, **options, domain=domain)
    raw = RawSource(protocol, phantom)
    entries = protocol.task.usable(phantom.catalog).entries[:2]
    pack = write_pack(tmp_path / "pack", raw, entries)
    packed = PackSource(pack, protocol)
    for entry in entries:
        if entry.id not in pack.ids:
            continue
        case = raw.open(entry)
        assert packed.open(entry).train == case.train
        for clip in (*case.train[:2], case.scored):
            hold(protocol, raw, packed, case, clip)
    assert len(pack)


def hold(protocol, raw, packed, case: Case, clip: Clip) -> None:
    """Hold an item of a pack against that of the recording, and against `finish`."""
    prepared = packed.pack.prepared(case.recording.entry.id, clip)
    slow = protocol.finish(prepared)
    wanted, found = raw.item(case, clip), packed.item(case, clip)
    assert list(wanted) == list(found)
    limit = float(wanted.get("limit", 1))
    for key, value in wanted.items():
        assert found[key].shape == value.shape
        assert found[key].dtype == value.dtype
        if key == "weight":  # a pixel at a threshold may fall to either side
            assert np.mean(found[key] != slow[key]) < 1e-3
            assert np.mean(found[key] != value) < 1e-3
            continue
        scale = limit if key == "target" else 1
        np.testing.assert_allclose(found[key], slow[key], rtol=1e-6, atol=2e-6 * scale)
        np.testing.assert_allclose(found[key], value, rtol=1e-6, atol=1e-4 * scale)


def test_memory_is_used_again_when_nobody_holds_it() -> None:
    memory = Memory(least=0)
    shape = (3, 4, 5)
    first = memory.empty(shape, np.float32)
    place, part = first.ctypes.data, first[1]
    del first
    other = memory.empty(shape, np.float32)
    assert not np.shares_memory(other, part)
    del part
    assert memory.empty(shape, np.float32).ctypes.data == place
    assert memory.empty((3, 4, 6), np.float32).shape == (3, 4, 6)
    assert memory.empty(shape, np.bool_).dtype == np.bool_
    kept = [memory.empty(shape, np.float32) for _ in range(40)]
    assert len({one.ctypes.data for one in kept}) == 40
    assert len(memory) == 24


def test_items_that_are_held_do_not_change(toy) -> None:
    _, raw, pack = toy
    source = PackSource(pack, raw.protocol)
    source._memory = Memory(least=0)
    case = source.open(ENTRIES[1])
    clips = [Clip(10 + k, 20 + k) for k in range(12)]
    held = [source.item(case, clip) for clip in clips]
    for item, clip in zip(held, clips, strict=True):
        wanted = pack.prepared("r1", clip)
        np.testing.assert_array_equal(item["target"], wanted["target"])
        np.testing.assert_array_equal(item["power"], wanted["power"])


class Unread:
    """Values of a film that may not be read."""

    def __init__(self, values) -> None:
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, time):
        raise RuntimeError("an image was read")


@pytest.mark.parametrize(("task", "name"), EVERY)
def test_opening_reads_times_and_no_image(phantom, task, name) -> None:
    there = protocol_options(task, name)
    options = {k: v for k, v in (SMALL | WIDE).items() if there.get(k)}
    protocol = open_protocol(task, name, **options)
    entry = protocol.task.usable(phantom.catalog).entries[0]
    recording = phantom.load(entry)
    unread = {
        key: replace(stream, values=Unread(stream.values))
        for key, stream in recording.streams.items()
        if stream.geometry is not None
    }
    assert unread
    streams = {**recording.streams, **unread}
    case = protocol.open(replace(recording, streams=streams))
    assert case.scored.stop > case.scored.start
    with pytest.raises(RuntimeError, match="an image was read"):
        protocol.prepare(case, case.scored)


def test_only_protocols_that_exist_are_finished_at_once() -> None:
    assert {(task, name) for name, task in _AT_ONCE} <= set(EVERY)


def test_a_pack_says_what_it_is(toy) -> None:
    _, _, pack = toy
    assert isinstance(pack, Pack)
    assert pack.facts["task"] == "toy"
    assert pack.facts["dataset"]["name"] == "toys"
    assert pack.clips == 2 + 3 + 1 + 0 + 1
    assert pack.nbytes == sum(map(len, files_of(pack.path).values()))
