"""Training on clips: a toy protocol whose answer is the input times a number."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from cardium.core import Case, Clip, ClipRecipe, Entry, PlaneGrid, Recording, Training
from cardium.core.files import sha256
from cardium.errors import (
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    UnknownNameError,
)
from cardium.fit._clips import _EpochSampler, stack_clips
from cardium.fit._training import Journal
from cardium.fit.clips import Clips, fit_clips, load_clip_model

FACTOR = 3.0
PLANE = PlaneGrid((0, 1), (0, 1), (2, 2))


class Times(nn.Module):
    """Multiplies its input by the one number that it learns."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((1,), start))

    def forward(self, batch):
        return batch["input"] * self.factor

    def loss(self, batch):
        return (self(batch) - batch["target"]).abs().mean()


class Mean:
    """Counts the mean of the targets."""

    def __init__(self) -> None:
        self.total, self.count = np.zeros(1), np.zeros(1)

    def update(self, item) -> None:
        self.total += item["target"].mean()
        self.count += 1

    def arrays(self):
        return {"total": self.total, "count": self.count}

    def restore(self, arrays) -> None:
        self.total, self.count = arrays["total"], arrays["count"]

    def predict(self, item):
        return np.full(item["input"].shape, self.total / self.count)


def recipe(family: str = "network", **changes) -> ClipRecipe:
    built = {
        "network": lambda task, domain, *, start: Times(start),
        "baseline": lambda task, domain, *, start: Mean(),
        "rule": lambda task, domain, *, start: SimpleNamespace(
            predict=lambda item: item["input"] * start
        ),
    }
    values = {
        "name": "times",
        "title": "toy",
        "tasks": frozenset({"toy"}),
        "domains": frozenset({"beamspace"}),
        "protocol": "published",
        "family": family,
        "build": built[family],
        "settings": {"start": 1.0},
        "training": Training(
            epochs=30, batch_size=2, optimizer="adamw", learning_rate=0.1
        ),
    }
    return ClipRecipe(**{**values, **changes})


def protocol(name: str = "published"):
    """What `fit_clips` asks of a protocol."""
    return SimpleNamespace(
        name=name,
        task=SimpleNamespace(name="toy"),
        domain="beamspace",
        options={"size": 2},
    )


class Toys:
    """A source of clips: recording i has i + 1 of them."""

    def __init__(self, broken=(), refused=()) -> None:
        self.broken, self.refused = broken, refused

    def open(self, entry: Entry) -> Case:
        if entry.id in self.refused:
            raise NotProvidedError(f"'{entry.id}' is too slow.")
        count = int(entry.id[1:]) + 1
        clips = tuple(Clip(k, k + 1) for k in range(count))
        return Case(Recording(entry, {}), clips, clips[0], PLANE)

    def item(self, case: Case, clip: Clip):
        name = case.recording.entry.id
        if name in self.broken:
            raise DataCorruptError(f"'{name}' is half a file.")
        chance = np.random.default_rng([int(name[1:]), clip.start])
        value = chance.uniform(1, 2, (1, 1, 2, 2)).astype(np.float32)
        return {"input": value, "target": FACTOR * value}


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


ENTRIES = [Entry(f"r{i}", f"p{i}", "", frozenset()) for i in range(5)]


def fit(out: Path, family: str = "network", source=None, **options) -> Path:
    options = {"entries": ENTRIES, "accelerator": "cpu", "progress": False, **options}
    made = options.pop("recipe", recipe(family))
    return fit_clips(made, protocol(), source or Toys(), out, **options)


def test_a_network_learns_and_is_loaded_again(tmp_path: Path) -> None:
    run = fit(tmp_path)
    model = load_clip_model(run, recipe(), protocol(), device="cpu")
    item = Toys().item(Toys().open(ENTRIES[0]), Clip(0, 1))
    (answer,) = model.predict([item])
    np.testing.assert_allclose(answer, FACTOR * item["input"], rtol=0.05)
    assert model.describe()["parameters"] == 1
    assert json.dumps(dict(model.describe()))


def test_each_epoch_takes_one_clip_of_each_recording() -> None:
    clips = Clips.open(Toys(), ENTRIES, seed=1)
    for epoch in range(3):
        seen = [clips.draw(epoch * 5 + k)[0]["input"] for k in range(5)]
        owners = set()
        for value in seen:
            for case in clips.cases:
                for clip in case.train:
                    if np.array_equal(clips.source.item(case, clip)["input"], value):
                        owners.add(case.recording.entry.id)
        assert len(owners) == 5


def test_seed_and_epoch_alone_decide_the_clips() -> None:
    def drawn(seed: int) -> list[float]:
        clips = Clips.open(Toys(), ENTRIES, seed=seed)
        return [float(clips.draw(k)[0]["input"][0, 0, 0, 0]) for k in range(20)]

    assert drawn(0) == drawn(0)
    assert drawn(0) != drawn(1)
    assert drawn(0)[:5] != drawn(0)[5:10]


def test_what_was_stopped_goes_on_to_the_same_weights(tmp_path, monkeypatch) -> None:
    whole = fit(tmp_path / "whole")
    after = Journal.on_train_epoch_end

    def stop_in_the_fourth(self, trainer, module) -> None:
        after(self, trainer, module)
        if len(self.rows) == 4:
            raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "on_train_epoch_end", stop_in_the_fourth)
        with pytest.raises(RuntimeError, match="killed"):
            fit(tmp_path / "part")
    assert not (tmp_path / "part" / "model.safetensors").exists()
    part = fit(tmp_path / "part")
    files = [sha256(run / "model.safetensors") for run in (whole, part)]
    assert files[0] == files[1]
    epochs = [row["epoch"] for row in read_csv(part / "metrics.csv")]
    assert epochs == [str(k) for k in range(1, 31)]


def test_a_finished_run_is_left_and_another_is_refused(tmp_path: Path) -> None:
    run = fit(tmp_path)
    before = (run / "model.safetensors").stat().st_mtime_ns
    assert fit(tmp_path) == run
    assert (run / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(RunConflictError, match=r"training\.seed is 0 there and 1 here"):
        fit(tmp_path, seed=1)


def test_a_baseline_is_counted_and_a_rule_knows_its_rule(tmp_path: Path) -> None:
    item = Toys().item(Toys().open(ENTRIES[0]), Clip(0, 1))
    run = fit(tmp_path / "mean", "baseline")
    (answer,) = load_clip_model(run, recipe("baseline"), protocol()).predict([item])
    clips = Clips.open(Toys(), ENTRIES, seed=0)
    mean = np.mean([clips.draw(k)[0]["target"].mean() for k in range(5)])
    np.testing.assert_allclose(answer, mean, rtol=1e-6)
    run = fit(tmp_path / "rule", "rule", settings={"start": 7.0})
    (answer,) = load_clip_model(run, recipe("rule"), protocol()).predict([item])
    np.testing.assert_allclose(answer, 7 * item["input"])


def test_what_cannot_be_used_is_a_row_with_a_reason(tmp_path: Path) -> None:
    run = fit(tmp_path, source=Toys(broken=("r1",), refused=("r2",)))
    rows = read_csv(run / "skipped.csv")
    assert {row["recording"]: row["reason"] for row in rows} == {
        "r1": "'r1' is half a file.",
        "r2": "'r2' is too slow.",
    }
    with pytest.raises(NotProvidedError, match=r"None of the 5 recordings.*too slow"):
        fit(tmp_path / "none", source=Toys(refused=[e.id for e in ENTRIES]))
    with pytest.raises(NotProvidedError, match="None of the 5 recordings can be read"):
        fit(tmp_path / "bad", source=Toys(broken=[e.id for e in ENTRIES]))


def test_wrong_wishes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="setting of model 'times' 'begin'"):
        fit(tmp_path, settings={"begin": 1})
    with pytest.raises(InvalidArgumentError, match="protocol 'published'"):
        fit(tmp_path, recipe=recipe(protocol="corrected"))
    with pytest.raises(InvalidArgumentError, match="domain 'beamspace'"):
        fit(tmp_path, recipe=recipe(domains=frozenset({"cartesian"})))
    with pytest.raises(InvalidArgumentError, match="precision"):
        fit(tmp_path, precision="16")


def test_a_batch_is_padded_with_zeros_and_with_unlabelled() -> None:
    small = {"x": np.ones((1, 2), np.float32), "labels": np.ones((1, 2), np.uint8)}
    large = {"x": np.ones((1, 3), np.float32), "labels": np.ones((1, 3), np.uint8)}
    batch = stack_clips([small, large])
    assert batch["x"].tolist() == [[[1, 1, 0]], [[1, 1, 1]]]
    assert batch["labels"].tolist() == [[[1, 1, 255]], [[1, 1, 1]]]


@pytest.mark.parametrize(("count", "world"), [(5, 1), (5, 2), (1, 2), (7, 3)])
def test_devices_share_an_epoch_in_equal_parts(count: int, world: int) -> None:
    parts = []
    for rank in range(world):
        sampler = _EpochSampler(count, rank, world)
        sampler.set_epoch(2)
        parts.append(list(sampler))
        assert len(parts[-1]) == len(sampler)
    assert len({len(part) for part in parts}) == 1
    drawn = {number for part in parts for number in part}
    assert drawn == set(range(2 * count, 3 * count))


def test_the_answers_of_a_batch_keep_their_places(tmp_path: Path) -> None:
    """Corrected items do not know of each other, published ones share an array."""
    items = [
        {"input": np.ones((1, t, r, 2), np.float32), "target": np.ones(1, np.float32)}
        for t, r in ((2, 3), (4, 2))
    ]
    run = fit(tmp_path)
    together = load_clip_model(run, recipe(), protocol(), device="cpu").predict(items)
    assert [answer.shape for answer in together] == [(1, 4, 3, 2), (1, 4, 2, 2)]
    alone = load_clip_model(
        run, recipe(protocol="corrected"), protocol("corrected"), device="cpu"
    ).predict(items)
    assert [answer.shape for answer in alone] == [(1, 2, 3, 2), (1, 4, 2, 2)]


TWO = """
import sys
sys.path.insert(0, sys.argv[2])
from test_clips import fit
from pathlib import Path
fit(Path(sys.argv[1]), devices=2, strategy="ddp")
"""


def test_two_processes_under_torchrun_end_in_one_run(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO)
    words = ["--standalone", "--nproc-per-node", "2", script, tmp_path / "run"]
    words.append(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    model = load_clip_model(tmp_path / "run", recipe(), protocol(), device="cpu")
    item = Toys().item(Toys().open(ENTRIES[0]), Clip(0, 1))
    np.testing.assert_allclose(
        model.predict([item])[0], FACTOR * item["input"], rtol=0.05
    )
