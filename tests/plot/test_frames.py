from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Sector, SectorVolume, Stream
from cardium.errors import NotProvidedError
from cardium.plot._film.frames import Frames, fans_of, plane_of
from plot.conftest import Counting, ecg


def stream(values) -> Stream:
    dims = ("time", "range", "beam")
    return Stream("b_mode", values, np.arange(len(values.values)) / 10, dims, "grey")


def test_each_frame_is_read_once_when_asked_in_turn() -> None:
    values = Counting(np.arange(40)[:, None, None] * np.ones((1, 2, 3), int))
    frames = Frames(stream(values))
    got = [int(frames[frames.index(t)].max()) for t in np.arange(40) / 10]
    assert got == list(range(40))
    assert values.frames == 40
    assert values.most <= 16


def test_one_frame_is_read_when_one_is_asked() -> None:
    values = Counting(np.zeros((40, 2, 3), np.uint8))
    frames = Frames(stream(values))
    for index in (30, 3, 17):
        assert frames[index].shape == (2, 3)
    assert values.frames == 3


def test_large_frames_are_read_singly() -> None:
    values = Counting(np.zeros((6, 1024, 1024 * 5), np.uint8))
    frames = Frames(stream(values))
    for index in range(6):
        _ = frames[index]
    assert values.most == 1


def test_a_plane_of_several_is_that_plane() -> None:
    values = np.arange(4 * 2 * 3 * 5).reshape(4, 2, 3, 5)
    dims = ("time", "plane", "range", "beam")
    place = Sector((0.0, 0.1), (-0.5, 0.5), (3, 5))
    both = Stream("b_mode_biplane", values, np.arange(4.0), dims, "grey", place)
    second = plane_of(both, 1)
    assert second.name == "b_mode_biplane_1"
    assert second.geometry == place
    assert (second.values[2:3] == values[2:3, 1]).all()


def test_fans_are_the_middle_beams_of_a_volume() -> None:
    fan = SectorVolume((0.01, 0.1), (-0.6, 0.6), (-0.4, 0.4), (5, 7, 9))
    e, a, r = np.meshgrid(*(np.arange(n) for n in fan.shape), indexing="ij")
    values = (100 * e + 10 * a + r)[None].repeat(2, axis=0)
    dims = ("time", "elevation", "azimuth", "range")
    volume = Stream("b_mode_3d", values, np.arange(2.0), dims, "grey", fan)
    azimuth, elevation = fans_of(volume)
    # Depth downwards, beams from left to right.
    assert (azimuth.values[0:1][0] == (200 + 10 * a + r)[0].T).all()
    assert (elevation.values[0:1][0] == (100 * e + 30 + r)[:, 0].T).all()
    assert azimuth.geometry == Sector((0.01, 0.1), (-0.6, 0.6), (9, 7))
    assert elevation.geometry == Sector((0.01, 0.1), (-0.4, 0.4), (9, 5))
    x, z = azimuth.geometry.points()
    apart = fan.points()
    assert np.allclose(x, apart[0][2].T)
    assert np.allclose(z, apart[2][2].T)


def test_what_is_no_fan_has_no_beamspace() -> None:
    with pytest.raises(NotProvidedError, match="beamspace"):
        fans_of(replace(ecg(), geometry=None))
