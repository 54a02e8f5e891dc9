"""A world of nine recordings whose benchmark can be worked out by hand.

Recording rK has the level K + 1; three folds of two patients, who have two and one
recordings. A model answers a level. Published, a batch of two counts its largest
error; corrected, each recording counts the size of its error. A third patient has one
recording of level 50 in each fold, which is left out: by the catalogue, when it is
opened, and when it is read to be scored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cardium.core import (
    Answer,
    Case,
    Catalog,
    Clip,
    ClipRecipe,
    Dataset,
    Entry,
    Field,
    Info,
    Item,
    Metric,
    Output,
    PlaneGrid,
    Protocol,
    Recording,
    Stream,
    Task,
    Training,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.metrics import mean_over_patients

PLACE = PlaneGrid(z=(0.0, 1.0), x=(0.0, 1.0), shape=(2, 2))
BAD = ("admit", "open", "read")
SPEC = """
[benchmark]
name = "levels"
title = "Levels, by hand"
[data]
dataset = "levels"
[matrix]
tasks = ["level"]
models = ["zero", "mean", "picky"]
domains = ["beamspace", "cartesian"]
[output]
draws = 50
reference = "mean"
"""


def make_entries() -> tuple[Entry, ...]:
    found = []
    for fold in range(3):
        names = [f"r{3 * fold + k}" for k in range(3)] + [f"x_{BAD[fold]}"]
        owners = [f"p{fold}a", f"p{fold}a", f"p{fold}b", f"p{fold}c"]
        found += [
            Entry(name, owner, f"fold{fold}", frozenset({"b_mode"}), labels={"k": k})
            for k, (name, owner) in enumerate(zip(names, owners, strict=True))
        ]
    return tuple(found)


def level(entry: Entry) -> float:
    return float(entry.id[1:]) + 1 if entry.id.startswith("r") else 50.0


def load(root: Path, entry: Entry) -> Recording:
    values = np.full((4, 2, 2), level(entry), np.float32)
    time = np.arange(4.0)
    b_mode = Stream("b_mode", values, time, ("time", "z", "x"), "", PLACE)
    return Recording(entry, {"b_mode": b_mode})


def build_task() -> Task:
    return Task(
        name="level",
        title="The level of a recording",
        needs=("b_mode",),
        output=Output("level", "velocity"),
        inputs=lambda recording: pytest.fail("not asked for"),
        target=lambda recording, geometry: Answer(
            {"level": recording["b_mode"].load()[:1, 0, 0]}
        ),
        score=lambda one, truth: {
            "error": float(abs(one.values["level"] - truth.values["level"])[0]),
            "error_percent": 1.0,
        },
        summarize=mean_over_patients,
        metrics={"error": Metric("Error of the level", "m", False)},
        primary="error",
    )


READS: list[tuple[str, int]] = []
"""What was read: recording, and how many frames."""


def build_protocol(
    name: str, *, domain: str = "beamspace", size: int = 8, rows: int | None = None
) -> Protocol:
    if domain == "cartesian" and name == "corrected":
        raise InvalidArgumentError("Levels have no corrected protocol in cartesian.")

    def open_case(recording: Recording) -> Case:
        if recording.entry.id == "x_open":
            raise NotProvidedError("It does not open.")
        return Case(recording, (Clip(0, 2),), Clip(0, 3), PLACE)

    def prepare(case: Case, clip: Clip) -> Item:
        READS.append((case.recording.entry.id, clip.stop - clip.start))
        if case.recording.entry.id == "x_read" and clip == case.scored:
            raise NotProvidedError("It cannot be read.")
        frames = case.recording["b_mode"].values[clip.start : clip.stop]
        return {"input": frames, "target": frames[:1, :1, :1]}

    def score(answers: Sequence[Any], truths: Sequence[Item]) -> dict[str, float]:
        errors = [
            float(abs(one - truth["target"]).max())
            for one, truth in zip(answers, truths, strict=True)
        ]
        return {"loss": max(errors)}

    return Protocol(
        name=name,  # type: ignore[arg-type]
        task=build_task(),
        domain=domain,
        admit=lambda e: "the catalogue says so" if e.id == "x_admit" else "",
        open=open_case,
        prepare=prepare,
        finish=lambda item: {key: value[None] for key, value in item.items()},
        fields={"input": Field("frame", "float"), "target": Field("case", "float")},
        truth=lambda case: {"target": np.float32(level(case.recording.entry))},
        score=score,
        answer=lambda case, answer: Answer({"level": answer[0, :, 0, 0]}),
        metrics={"loss": Metric("Largest error", "m", False)},
        primary="loss",
        batch_size=2,
        options={"domain": domain, "size": size},
    )


class Mean:
    """The mean of the training levels."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def update(self, item: Item) -> None:
        self.seen.append(float(item["target"].mean()))

    def arrays(self) -> Mapping[str, Any]:
        return {"mean": np.array([np.mean(self.seen[:])])}

    def restore(self, arrays: Mapping[str, Any]) -> None:
        self.seen = [float(arrays["mean"][0])]

    def predict(self, item: Item) -> Any:
        return np.full((1, 1, 1, 1), np.mean(self.seen), np.float32)


def build_mean(task: str, domain: str, *, scale: float = 1.0) -> Mean:
    return Mean()


def build_zero(task: str, domain: str) -> Any:
    return SimpleNamespace(predict=lambda item: np.zeros((1, 1, 1, 1)))


BOTH = frozenset({"beamspace", "cartesian"})
RECIPES = {
    "zero": ClipRecipe("zero", "Zero", frozenset({"level"}), BOTH, "published", "rule",
                       build_zero),
    "mean": ClipRecipe("mean", "Mean", frozenset({"level"}), BOTH, "published",
                       "baseline", build_mean, MappingProxyType({"scale": 1.0})),
    "picky": ClipRecipe("picky", "Of one domain", frozenset({"level"}), BOTH,
                        "corrected", "rule", build_zero),
    "net": ClipRecipe("net", "Trained", frozenset({"level"}), BOTH, "published",
                      "network", build_zero, training=Training(epochs=3)),
}  # fmt: skip


class World:
    """The catalogue, which a test may change, and the file of the benchmark."""

    def __init__(self, folder: Path) -> None:
        self.entries = make_entries()
        self.root = folder / "data"
        self.root.mkdir()
        self.spec = folder / "levels.toml"
        self.spec.write_text(SPEC)
        self.out = folder / "out"
        self.reads = READS


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Put the nine recordings, the protocols and the models in the registries."""
    from cardium import protocols
    from cardium.clip_models import CLIP_MODELS
    from cardium.datasets import DATASETS

    made = World(tmp_path)
    READS.clear()
    info = Info("Levels", "Nine.", "1", "", "", "", "")
    dataset = Dataset(
        "levels",
        info,
        frozenset({"b_mode"}),
        lambda root: Catalog(made.entries),
        load,
        lambda root: (),
    )
    registry: dict[Any, dict[str, Any]] = {
        DATASETS: {"levels": dataset},
        CLIP_MODELS: RECIPES,
    }
    for where, known in registry.items():
        monkeypatch.setattr(where, "_where", lambda known=known: known)
        monkeypatch.setattr(where, "find", known_of(where.kind, known))
    defaults = {"domain": "beamspace", "size": 8, "rows": None}
    monkeypatch.setattr(protocols, "tasks_of", lambda name: ["level"])
    monkeypatch.setattr(protocols, "protocol_options", lambda task, name: defaults)
    monkeypatch.setattr(
        protocols, "open_protocol", lambda task, name, **o: build_protocol(name, **o)
    )
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return made


def known_of(kind: str, known: Mapping[str, Any]) -> Callable[[str], Any]:
    from cardium.errors import UnknownNameError

    def find(name: str) -> Any:
        if name not in known:
            raise UnknownNameError(kind, name, known)
        return known[name]

    return find
