"""What the image tasks share: clocks and places."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Entry, Recording, SectorVolume, Stream
from cardium.errors import GeometryError, NotProvidedError
from cardium.tasks import open_task
from cardium.tasks._clip import half_step, nearest_within


def test_nearest_within():
    time = np.array([0.0, 1.0, 3.0])
    wanted = np.array([-0.5, 0.4, 0.6, 2.0, 2.1, 3.4, 3.6])
    assert nearest_within(time, wanted, 0.5).tolist() == [0, 0, 1, -1, -1, 2, -1]
    assert nearest_within(time, wanted, 9.0).tolist() == [0, 0, 1, 1, 2, 2, 2]
    assert nearest_within(np.array([1.0]), wanted, 0.5).tolist() == [
        -1,
        -1,
        0,
        -1,
        -1,
        -1,
        -1,
    ]
    assert nearest_within(np.empty(0), wanted[:2], 0.5).tolist() == [-1, -1]
    each = np.array([0.4, 0.5])
    assert nearest_within(time, np.array([0.45, 2.5]), each).tolist() == [-1, 2]


def test_half_step():
    assert half_step(np.array([0.0, 0.1, 0.2, 1.0])) == pytest.approx(0.05, abs=2e-6)
    assert 0 < half_step(np.array([3.0])) < 1e-5


def test_a_clip_without_a_place_is_refused():
    clip = Stream(
        "b_mode", np.zeros((2, 4, 4), np.uint8), np.arange(2.0), ("time", "z", "x"), ""
    )
    recording = Recording(Entry("r", "p", "", frozenset()), {"b_mode": clip})
    with pytest.raises(NotProvidedError, match="where its B-mode lies"):
        open_task("lv_segmentation").inputs(recording)
    with pytest.raises(NotProvidedError, match="where its B-mode lies"):
        open_task("lv_segmentation").target(recording, None)


def test_a_clip_of_volumes_is_refused():
    fan = SectorVolume((0.0, 0.1), (-0.5, 0.5), (-0.4, 0.4), (3, 4, 5))
    dims = ("time", "elevation", "azimuth", "range")
    clip = Stream("b_mode", np.zeros((2, 3, 4, 5)), np.arange(2.0), dims, "grey", fan)
    recording = Recording(Entry("r", "p", "", frozenset()), {"b_mode": clip})
    task = open_task("lv_segmentation")
    for ask in (task.inputs, lambda r: task.target(r, None)):
        with pytest.raises(NotProvidedError, match="on a SectorVolume, not in a plane"):
            ask(recording)
    contour = Stream(
        "lv_contour",
        np.zeros((2, 5, 9, 2)),
        np.arange(2.0),
        ("time", "layer", "point", "xz"),
        "m",
    )
    recording = Recording(
        Entry("r", "p", "", frozenset()), {"b_mode": clip}, {"lv_contour": contour}
    )
    with pytest.raises(GeometryError, match="contours lie in the image plane"):
        task.target(recording, fan)
