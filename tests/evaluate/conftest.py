"""A dataset in memory whose LV is a rectangle, and models that know the answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from cardium.core import (
    Catalog,
    Dataset,
    Entry,
    Info,
    OpenDataset,
    PlaneGrid,
    Recording,
    Stream,
)
from cardium.errors import DataCorruptError
from cardium.evaluate import predict
from cardium.tasks import open_task

PLANE = PlaneGrid(x=(0.0, 0.039), z=(0.0, 0.029), shape=(30, 40))
NAMES = ("background", "lv_cavity", "myocardium")
PROVIDES = frozenset({"b_mode", "lv_mask", "view", "phase"})
INFO = Info("Toy", "Rectangles.", "1.0", "", "CC0", "", "It is in memory.")


def draw(entry):
    """A wall of 3 mm around a cavity whose width tells the recordings apart."""
    labels = np.zeros((1, *PLANE.shape), np.uint8)
    width = 8 + int(entry.id[-1])
    labels[:, 4:24, 5 : 5 + width + 6] = 2
    labels[:, 7:24, 8 : 8 + width] = 1
    return labels


def load(root, entry):
    if entry.id in (root / "broken.txt").read_text().split():
        raise DataCorruptError(f"'{entry.id}.nii.gz' is truncated. Get it again.")
    labels = draw(entry)
    place = (np.zeros(1), ("time", "z", "x"))
    grey = (labels * 100).astype(np.uint8)
    return Recording(
        entry,
        {"b_mode": Stream("b_mode", grey, *place, "grey", PLANE)},
        {
            "lv_mask": Stream(
                "lv_mask", labels, *place, "label", PLANE, coords={"label": NAMES}
            )
        },
    )


def index(root):
    """Six patients: three to train, one to validate, four recordings to test."""
    rows = [
        (f"r{k}", patient, split, phase)
        for k, (patient, split, phase) in enumerate(
            [
                ("p0", "train", "ED"),
                ("p1", "train", "ES"),
                ("p2", "val", "ED"),
                ("p3", "test", "ED"),
                ("p3", "test", "ES"),
                ("p4", "test", "ED"),
                ("p5", "test", "ES"),
            ]
        )
    ]
    return Catalog(
        tuple(
            Entry(
                name, patient, split, PROVIDES, labels={"phase": phase, "view": "4CH"}
            )
            for name, patient, split, phase in rows
        )
    )


@dataclass
class Shift:
    """Answers with the true labels, moved down by some rows (grey = 100 x code)."""

    rows: int = 0
    calls: int = 0

    def predict(self, sample):
        self.calls += 1
        labels = (sample.stream.load() / 100).round().astype(np.uint8)
        return {"labels": np.roll(labels, self.rows, axis=1)}

    def describe(self):
        return {"name": "shift", "rows": self.rows}


@pytest.fixture
def data(tmp_path: Path) -> OpenDataset:
    root = tmp_path / "toy"
    root.mkdir()
    (root / "broken.txt").write_text("")
    return OpenDataset(Dataset("toy", INFO, PROVIDES, index, load, lambda _: ()), root)


@pytest.fixture
def shift() -> type[Shift]:
    """The class of the model, to build from or to derive from."""
    return Shift


@pytest.fixture
def predicted(data):
    """A function that predicts the toy dataset into a folder."""

    def run(out: Path, *, model=None, split="test", **options) -> Path:
        catalog = data.catalog.split(split)
        task = open_task("lv_segmentation")
        model = model or Shift()
        return predict(model, task, data, catalog, out, split_name=split, **options)

    return run
