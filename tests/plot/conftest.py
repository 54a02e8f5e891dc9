"""Small recordings and reports of known content."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    Entry,
    Gate,
    Mark,
    Mesh,
    Metric,
    PlaneGrid,
    Recording,
    Sector,
    Stream,
)
from cardium.evaluate.bootstrap import Estimate
from cardium.evaluate.report import Report, ScoreTable
from cardium.plot._film.film import Film

PLANE = PlaneGrid(x=(-0.04, 0.04), z=(0.0, 0.12), shape=(121, 81))
"""Pixels of 1 mm, so that a place in mm is an index."""


SECTOR = Sector(depth=(0.0, 0.12), angle=(-0.6, 0.6), shape=(121, 61))
"""Samples of 1 mm, beams of 0.02 rad."""

BOX = Sector(depth=(0.04, 0.10), angle=(-0.3, 0.3), shape=(61, 31))
"""A colour box within it, of samples of the same size."""

BEAMS = ("time", "range", "beam")


def recording(
    *streams: Stream,
    annotations: tuple[Stream, ...] = (),
    meshes: tuple[Mesh, ...] = (),
    marks: tuple[Mark, ...] = (),
    gates: tuple[Gate, ...] = (),
    name: str = "exam-7",
) -> Recording:
    entry = Entry(name, "patient-1", "test", frozenset())
    return Recording(
        entry,
        {s.name: s for s in streams},
        {a.name: a for a in annotations},
        meshes={m.name: m for m in meshes},
        marks=marks,
        gates=gates,
    )


def image_of(film: Film, time: float, number: int = 0) -> NDArray[np.int64]:
    """The pixels of an image of a film, without what surrounds it."""
    part = film.placed[number]
    rows, columns = part.panel.plane.shape
    top = part.row + part.panel.top
    picture = film.draw(time).astype(int)
    return picture[top : top + rows, part.column : part.column + columns]


def plot_of(film: Film, time: float, number: int) -> NDArray[np.int64]:
    """The pixels of a panel over time, without heading, as wide as the picture."""
    part = film.placed[number]
    top = part.row + part.panel.top
    return film.draw(time).astype(int)[top : top + part.panel.height]


class Counting:
    """An array that counts what is read of it, and at most how much at once."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values, self.frames, self.most = values, 0, 0
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, time: slice) -> NDArray[Any]:
        part = self.values[time]
        self.frames += len(part)
        self.most = max(self.most, len(part))
        return part


def fan(frames: int = 1, rate: float = 20.0, level: int = 60) -> Stream:
    """A sector of one grey level."""
    values = np.full((frames, *SECTOR.shape), level, np.uint8)
    return Stream("b_mode", values, np.arange(frames) / rate, BEAMS, "grey", SECTOR)


def flow(
    speed: float = 0.3, frames: int = 1, limit: float = 0.6
) -> tuple[Stream, Stream]:
    """Towards the probe in the left half of the box, away in the right; power left."""
    values = np.full((frames, *BOX.shape), speed, np.float32)
    values[..., 16:] = -speed
    power = np.ones((frames, *BOX.shape), np.float32)
    power[..., 26:] = 0.1
    time = np.arange(frames) / 20
    return (
        Stream("colour_velocity", values, time, BEAMS, "m/s", BOX, limit),
        Stream("colour_power", power, time, BEAMS, "", BOX),
    )


def qrs(*times: float) -> Stream:
    """R peaks."""
    at = np.array(times)
    return Stream("qrs", at, at, ("time",), "s")


def b_mode(frames: int = 20, rate: float = 20.0) -> Stream:
    """Frame k is dark, with a bright blob at x = +30 mm, z = 20 mm + k mm."""
    values = np.full((frames, *PLANE.shape), 20, np.uint8)
    for k in range(frames):
        values[k, 19 + k : 22 + k, 69:72] = 120
        values[k, 20 + k, 70] = 255
    time = np.arange(frames) / rate
    return Stream("b_mode", values, time, ("time", "z", "x"), "grey", PLANE)


def tissue_velocity(frames: int = 20, rate: float = 20.0) -> Stream:
    """Towards the probe left of the midline, away from it right of it, at 10 cm/s."""
    values = np.full((frames, *PLANE.shape), 0.1, np.float32)
    values[..., 41:] = -0.1
    time = np.arange(frames) / rate
    dims = ("time", "z", "x")
    return Stream(
        "tissue_velocity", values, time, dims, "m/s", PLANE, velocity_limit=0.2
    )


def ecg(seconds: float = 1.0) -> Stream:
    """One spike, at half of the time."""
    time = np.arange(round(seconds * 500)) / 500
    values = np.where(np.abs(time - seconds / 2) < 0.01, 1.0, 0.0)
    return Stream("ecg", values, time, ("time",), "")


def twelve_leads(seconds: float = 10.0) -> Stream:
    """Lead k is k / 10 mV in its second half and 0 before."""
    names = ("I", "II", "III", "AVR", "AVL", "AVF", *(f"V{k}" for k in range(1, 7)))
    time = np.arange(round(seconds * 100)) / 100
    values = np.where(time[:, None] > 0.75 * seconds, np.arange(12) / 10, 0.0)
    return Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": names})


def label_map(box: tuple[slice, slice], code: int = 1, frames: int = 1) -> Stream:
    """A rectangle of one structure, in rows and columns, on one frame at time 0."""
    values = np.zeros((frames, *PLANE.shape), np.uint8)
    values[:, box[0], box[1]] = code
    return Stream(
        "lv_mask", values, np.arange(frames) / 20, ("time", "z", "x"), "label", PLANE,
        coords={"label": STRUCTURES},
    )  # fmt: skip


METRICS = {
    "dice": Metric("Dice"),
    "hd_mm": Metric("95 % Hausdorff", "mm", False),
}


@pytest.fixture
def report() -> Report:
    """Five recordings of three patients; the second cannot be ranked."""
    dice = np.array([0.9, np.nan, 0.7, 0.95, 0.8])
    return Report(
        task="lv_segmentation",
        options={"domain": "cartesian"},
        dataset={"name": "camus", "version": "1"},
        split={"name": "test", "origin": "official"},
        model={"name": "unet", "seed": 0},
        metrics=METRICS,
        primary="dice",
        scores=ScoreTable(
            tuple("abcde"), ("p", "p", "q", "q", "r"), {}, {"dice": dice}
        ),
        summary={
            "dice": Estimate(0.8413, 0.78, 0.91, 300, 600),
            "hd_mm": Estimate(4.25, 3.5, 5.0, 300, 600),
        },
        groups={"view": {"2CH": {"dice": Estimate(0.8, 0.7, 0.9, 150, 300)}}},
        skipped=(),
        seen={},
        training=(),
        provenance={"scores": {"made": "2020-01-01", "software": {"cardium": "9.9"}}},
    )
