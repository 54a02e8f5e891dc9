"""Packs of signals: what comes out is what went in, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    OpenDataset,
    Recording,
    Stream,
)
from cardium.datasets import DATASETS, open_dataset
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    NotProvidedError,
    RunConflictError,
)
from cardium.io.signal_packs import (
    is_signal_pack,
    open_signal_pack,
    skipped_of,
    write_signal_pack,
)
from cardium.signal import label_stream, labels_of

LEADS = ("I", "II", "V1")
INFO = Info("Beats", "Two ECGs.", "1", "", "CC0", "", "")


def bits(values: np.ndarray) -> np.ndarray:
    """The bits of single precision, in the order of the axes."""
    return np.ascontiguousarray(values, np.float32).view(np.int32)


def ecg(values, rate=500.0, name="ecg", leads=LEADS) -> Stream:
    values = np.asarray(values, np.float32)
    time = np.arange(len(values)) / rate
    return Stream(name, values, time, ("time", "lead"), "mV", coords={"lead": leads})


def dataset(recordings: dict[str, Recording | Exception]) -> OpenDataset:
    """A dataset in memory; an exception is what opening raises."""

    def load(root: Path, entry: Entry) -> Recording:
        found = recordings[entry.id]
        if isinstance(found, Exception):
            raise found
        return replace(found, entry=entry)

    labels = {"age": float("nan"), "sex": None, "dx": ("AF", "PVC"), "paced": False}
    entries = tuple(
        Entry(k, f"patient-{k}", "train", frozenset({"ecg"}), labels=labels)
        for k in recordings
    )
    made = Dataset(
        "beats", INFO, frozenset({"ecg"}), lambda root: Catalog(entries), load, None
    )
    return OpenDataset(made, Path("memory"))


@pytest.fixture
def two() -> OpenDataset:
    """A record of 1000 units/mV, another of 200 with a gap, beats and a rhythm."""
    chance = np.random.default_rng(0)
    first = (chance.integers(-32767, 32768, (1200, 3)) / 1000.0).astype(np.float32)
    second = (chance.integers(-1024, 1024, (7000, 3)) / 200.0).astype(np.float32)
    second[100:140, 1] = np.nan
    notes = {
        "beats": label_stream("beats", [0.1, 1 / 3, 2.0], "NVN", known="NVQ"),
        "rhythm": label_stream("rhythm", [0.0, 1.25], ["N", "AFIB"]),
    }
    return dataset(
        {
            "a": Recording(None, {"ecg": ecg(first)}),
            "b": Recording(None, {"ecg": ecg(second, 360.0)}, notes),
        }
    )


def test_signals_come_back_to_the_last_bit(two, tmp_path) -> None:
    pack = write_signal_pack(tmp_path / "pack", two, ["ecg"])
    for name in ("a", "b"):
        want, got = two[name]["ecg"], pack[name]["ecg"]
        assert (bits(got.load()) == bits(want.load())).all()
        assert np.array_equal(got.time, want.time)
        assert got.coords == want.coords
        assert (got.unit, got.dims, got.rate) == (want.unit, want.dims, want.rate)
        part = slice(90, 150)
        assert (bits(got.samples(part).load()) == bits(want.load()[part])).all()
    stored = zarr.open_group(tmp_path / "pack", mode="r")["int16-3"]
    assert stored.shape == (8200, 3)
    assert stored.dtype == np.int16
    assert stored[1200 + 100, 1] == -32768


def test_the_catalogue_and_the_annotations_come_back(two, tmp_path) -> None:
    pack = write_signal_pack(tmp_path / "pack", two, ["ecg"])
    assert pack.dataset.name == "beats"
    for want, got in zip(two.catalog, pack.catalog, strict=True):
        assert (got.id, got.patient, got.split) == (want.id, want.patient, want.split)
        assert got.provides == want.provides
        assert got.labels["dx"] == ("AF", "PVC")
        assert np.isnan(got.labels["age"])
        assert got.labels["sex"] is None
        assert got.labels["paced"] is False
    beats = pack["b"].annotations["beats"]
    assert labels_of(beats) == ("N", "V", "N")
    assert beats.coords["label"] == ("N", "V", "Q")
    assert beats.time.tolist() == [0.1, 1 / 3, 2.0]
    assert beats.load().dtype == np.uint8
    assert labels_of(pack["b"].annotations["rhythm"]) == ("N", "AFIB")


def test_values_that_no_gain_gives_back_are_kept_in_single_precision(tmp_path) -> None:
    values = np.random.default_rng(1).normal(size=(100, 3)).astype(np.float32)
    values[0, 0] = -0.0
    data = dataset({"a": Recording(None, {"ecg": ecg(values)})})
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg"])
    assert (bits(pack["a"]["ecg"].load()) == bits(values)).all()
    assert (tmp_path / "pack" / "float32-3").is_dir()


def test_an_uneven_clock_comes_back(tmp_path) -> None:
    stream = replace(ecg(np.zeros((4, 3))), time=np.array([0.0, 0.1, 0.4, 0.5]))
    data = dataset({"a": Recording(None, {"ecg": stream})})
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg"])
    assert pack["a"]["ecg"].time.tolist() == [0.0, 0.1, 0.4, 0.5]


def test_a_recording_that_cannot_be_read_stays_with_its_reason(two, tmp_path) -> None:
    broken = DataCorruptError("'c.dat' has 10 bytes, its header promises 20.")
    data = dataset({"a": two["a"], "c": broken})
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg"])
    assert skipped_of(pack) == [("c", str(broken))]
    assert len(pack) == 2
    with pytest.raises(NotProvidedError, match=r"c\.dat' has 10 bytes"):
        pack["c"]


def test_a_pack_of_nothing_is_refused_and_leaves_nothing(tmp_path) -> None:
    data = dataset({"c": DataCorruptError("'c.dat' is broken.")})
    with pytest.raises(NotProvidedError, match=r"None of the 1 .*c\.dat' is broken"):
        write_signal_pack(tmp_path / "pack", data, ["ecg"])
    assert not (tmp_path / "pack").exists()


def test_a_writer_that_was_stopped_goes_on(two, tmp_path) -> None:
    whole = write_signal_pack(tmp_path / "whole", two, ["ecg"])

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_signal_pack(tmp_path / "pack", two, ["ecg"], progress=stop)
    assert not is_signal_pack(tmp_path / "pack")
    with pytest.raises(DataMissingError, match="no finished pack"):
        open_signal_pack(tmp_path / "pack")
    journal = tmp_path / "pack" / "unfinished.msgpack"
    with journal.open("ab") as file:
        file.write(b"\x40\0\0\0half")  # killed in the middle of the next message
    pack = write_signal_pack(tmp_path / "pack", two, ["ecg"])
    for file in sorted((tmp_path / "whole").rglob("*")):
        if file.is_file():
            other = tmp_path / "pack" / file.relative_to(tmp_path / "whole")
            assert file.read_bytes() == other.read_bytes(), file
    assert len(pack) == len(whole) == 2


def test_a_pack_of_something_else_is_refused(two, tmp_path) -> None:
    write_signal_pack(tmp_path / "pack", two, ["ecg"])
    with pytest.raises(RunConflictError, match="made with streams"):
        write_signal_pack(tmp_path / "pack", two, ["ecg_100hz"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "notes.txt").write_text("mine")
    with pytest.raises(RunConflictError, match="is no pack"):
        write_signal_pack(other, two, ["ecg"])
    with pytest.raises(RunConflictError, match="pack of beats, and ptb_xl"):
        open_dataset("ptb_xl", tmp_path / "pack")


def test_broken_packs_are_corrupt(two, tmp_path) -> None:
    write_signal_pack(tmp_path / "pack", two, ["ecg"])
    index = tmp_path / "pack" / "signals.msgpack"
    whole = index.read_bytes()
    index.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataCorruptError, match="properly what it holds"):
        open_signal_pack(tmp_path / "pack")
    index.write_bytes(whole)
    shard = next((tmp_path / "pack" / "int16-3" / "c").rglob("0"))
    shard = (
        shard if shard.is_file() else next(p for p in shard.rglob("*") if p.is_file())
    )
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(DataCorruptError, match="Shard"):
        open_signal_pack(tmp_path / "pack")["a"]["ecg"].load()


def test_a_pack_opens_as_its_dataset(tmp_path) -> None:
    root = tmp_path / "ptb_xl"
    root.mkdir()
    known = DATASETS.find("ptb_xl").write_fake(root)
    data = open_dataset("ptb_xl", root)
    write_signal_pack(tmp_path / "pack", data, ["ecg", "ecg_100hz"])
    pack = open_dataset("ptb_xl", tmp_path / "pack")
    for answer in known:
        name = answer.recording.entry.id
        for signal in data[name].streams:
            one, other = (source[name][signal].load() for source in (data, pack))
            assert (bits(one) == bits(other)).all()
        want = data.catalog[name].labels["superclass"]
        assert pack.catalog[name].labels["superclass"] == want


def test_real_recordings_come_back(shared_data, tmp_path) -> None:
    data = open_dataset("ptb_xl", shared_data / "ptb_xl")
    chosen = data.catalog.entries[:20]
    pack = write_signal_pack(tmp_path / "pack", data, ["ecg", "ecg_100hz"],
                             entries=chosen)  # fmt: skip
    for entry in chosen:
        for signal in ("ecg", "ecg_100hz"):
            one, other = (s[entry.id][signal].load() for s in (data, pack))
            assert (bits(one) == bits(other)).all()
    assert (tmp_path / "pack" / "int16-12").is_dir()
    assert not (tmp_path / "pack" / "float32-12").exists()
