"""Phantom hearts whose contours are closed forms; no image is simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cardium.core import Entry, Mesh, Recording, Stream
from cardium.phantom.anatomy import Heart
from cardium.phantom.build import build_heart
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement
from cardium.phantom.rhythm import Rhythm

LAYERS = ("endocardium", "subendocardium", "midwall", "subepicardium", "epicardium")
FIRST_R = 0.1
PATIENTS = {
    0: Patient(),
    1: Patient(
        number=1,
        edv_ml=190,
        ef_percent=35,
        gls_percent=-10.5,
        heart_rate=80,
        conditions=("dilated",),
    ),
    2: Patient(number=2, edv_ml=140, ef_percent=50, gls_percent=-15, heart_rate=70),
    3: Patient(number=3, edv_ml=110, ef_percent=57, gls_percent=-17, heart_rate=75),
    4: Patient(number=4, edv_ml=95, ef_percent=66, gls_percent=-20.5, heart_rate=55),
}
"""Hearts of unlike size, function and rate."""


@dataclass(frozen=True)
class Beating:
    """A phantom heart with its motion and one clock."""

    heart: Heart
    motion: Motion
    time: np.ndarray

    @property
    def r_peaks(self) -> np.ndarray:
        return self.motion.cycle.rhythm.r_times

    @property
    def es_time(self) -> float:
        return self.motion.cycle.beats[0].end_systole

    def contour(self, placement: Placement | None = None) -> Stream:
        points = self.motion.contour(self.time)
        if placement is not None:
            points = plane_to_image(placement, points)
        return as_contour(points.astype(np.float32), self.time)

    def qrs(self) -> Stream:
        return Stream("qrs", self.r_peaks, self.r_peaks, ("time",), "s")


def plane_to_image(placement: Placement, points: np.ndarray) -> np.ndarray:
    """Put points (..., 2) of the four-chamber plane into the image."""
    across = np.zeros(points.shape[:-1])
    return placement.to_image(np.stack([points[..., 0], across, points[..., 1]], -1))[
        ..., [0, 2]
    ]


def as_contour(points, time, *, name="lv_contour", layers=LAYERS) -> Stream:
    dims = ("time", "layer", "point", "xz")
    return Stream(name, points, time, dims, "m", coords={"layer": layers})


def beating_heart(seed: int, *, rate: float = 60.0) -> Beating:
    heart = build_heart(PATIENTS[seed])
    # Round, so that one view tells the volume.
    heart = replace(heart, ventricle=replace(heart.ventricle, eccentricity=1.0))
    beat = Rhythm.regular(heart.function.heart_rate, beats=1, first_r=FIRST_R)
    motion = Motion.of(heart, beat)
    count = int((beat.r_times[1] + 0.1) * rate) + 1
    return Beating(heart, motion, np.arange(count) / rate)


@pytest.fixture(params=[0, 1, 4])
def beating(request) -> Beating:
    return beating_heart(request.param)


def recording_of(
    *, view="4CH", entry_id="r1", exam="e1", files=(), **parts
) -> Recording:
    """A recording of what is given: streams, annotations, meshes, marks, gates."""
    entry = Entry(
        entry_id, "p1", "", frozenset(), files, labels={"view": view}, exam=exam
    )
    streams = {s.name: s for s in parts.pop("streams", ())}
    annotations = {s.name: s for s in parts.pop("annotations", ())}
    meshes = {m.name: m for m in parts.pop("meshes", ())}
    return Recording(entry, streams, annotations, meshes=meshes, **parts)


def spheroid_mesh(semi_axes, time, scale) -> Mesh:
    """Whole ellipsoids of 48 x 96 cells, scaled along all axes at each time."""
    theta = np.linspace(0, np.pi, 49)
    phi = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    ring = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi),
            np.sin(theta)[:, None] * np.sin(phi),
            np.broadcast_to(np.cos(theta)[:, None], (49, 96)),
        ],
        axis=-1,
    )
    points = np.concatenate([ring[0, :1], ring[1:-1].reshape(-1, 3), ring[-1, :1]])
    faces = []
    for j in range(96):
        k = (j + 1) % 96
        faces += [(0, 1 + j, 1 + k)]
        for i in range(46):
            a, b = 1 + 96 * i, 1 + 96 * (i + 1)
            faces += [(a + j, b + j, b + k), (a + j, b + k, a + k)]
        last = 1 + 96 * 46
        faces += [(last + j, len(points) - 1, last + k)]
    frames = [(s * points * semi_axes, np.array(faces)) for s in scale]
    return Mesh.from_frames("lv_mesh", np.asarray(time), frames)
