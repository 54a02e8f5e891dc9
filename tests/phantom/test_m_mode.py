"""M-mode: the walls lie where the map puts them, and the picture shows them there."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.errors import UnknownNameError
from cardium.phantom.m_mode import MModeExamination, simulate_m_mode
from cardium.phantom.motion import Motion


@pytest.fixture(scope="module")
def exam() -> MModeExamination:
    return simulate_m_mode(8)


def test_the_walls_are_where_the_map_carries_them(exam):
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    lv = motion.ventricle
    for k in range(0, len(exam.walls), 23):
        time = float(exam.streams["m_mode"].time[k])
        depth = exam.walls[k]
        image = np.stack([0 * depth, 0 * depth, depth], axis=-1)
        # A hair inside each border, so that rounding cannot put it outside.
        image[:, 2] += np.array([1, -1, 1, -1]) * 1e-9
        rest = motion.inverse(exam.placement.to_heart(image), time)
        radius = np.hypot(rest[:, 0], rest[:, 1])
        fractions = (1.0, 0.0, 0.0, 1.0)
        expected = [
            float(np.sqrt(lv.layer_radius_squared(z, fraction=f)))
            for z, f in zip(rest[:, 2], fractions, strict=True)
        ]
        np.testing.assert_allclose(radius, expected, atol=1e-7)
    # The septum is the side of the right ventricle, at negative x.
    septum = exam.placement.to_heart(np.array([0.0, 0.0, exam.walls[0, 0]]))
    assert septum[0] < 0


def test_walls_thicken_and_the_cavity_narrows(exam):
    time = exam.streams["m_mode"].time
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    es = int(abs(time - exam.qrs_times[0] - motion.cycle.end_systole).argmin())
    ed = int(abs(time - exam.qrs_times[0]).argmin())
    steps = np.diff(exam.walls, axis=1)
    assert (steps > 0).all()
    np.testing.assert_allclose(steps[ed], steps[ed][::-1], rtol=1e-12)
    assert steps[ed, 0] == pytest.approx(exam.heart.ventricle.wall, rel=1e-6)
    assert steps[es, 0] > 1.05 * steps[ed, 0]
    assert steps[es, 1] < 0.97 * steps[ed, 1]


def test_the_picture_shows_the_walls(exam):
    stream = exam.streams["m_mode"]
    depth, grey = stream.axes["range"], stream.load()
    assert stream.dims == ("time", "range")
    assert grey.dtype == np.float32
    for k in range(5, len(grey), 31):
        lines = grey[max(k - 3, 0) : k + 4].mean(axis=0)
        outer, inner, far, last = exam.walls[k]
        cavity = lines[(depth > inner + 0.004) & (depth < far - 0.004)].mean()
        for start, stop in ((outer, inner), (far, last)):
            wall = lines[(depth > start + 0.001) & (depth < stop - 0.001)].mean()
            assert wall > cavity + 50


def test_clock_gate_and_seed(exam):
    stream = exam.streams["m_mode"]
    assert stream.rate == pytest.approx(200)
    assert len(stream.axes["range"]) == stream.shape[1] == 256
    assert len(exam.walls) == len(stream.time)
    (gate,) = exam.gates
    assert (gate.on, gate.angle, gate.depth) == ("m_mode", 0.0, None)
    again = simulate_m_mode(8)
    np.testing.assert_array_equal(stream.load(), again.streams["m_mode"].load())
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_m_mode(5, preset="tinny")
