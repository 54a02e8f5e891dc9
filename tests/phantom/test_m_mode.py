"""M-mode: the walls lie where the map puts them, and the picture shows them there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import begin
from cardium.phantom.anatomy import TISSUES
from cardium.phantom.m_mode import M_MODE_VIEWS, MModeExamination, simulate_m_mode
from cardium.phantom.patient import Patient

PATIENT = Patient(number=8)
MUSCLE, CAVITY = TISSUES.index("myocardium"), TISSUES.index("lv_cavity")


@pytest.fixture(scope="module")
def exam() -> MModeExamination:
    return simulate_m_mode(PATIENT)


@pytest.fixture(scope="module")
def motion():
    return begin(PATIENT, what="m_mode plax", beats=1).motion


def _tissue(exam, motion, depth, time):
    """Tissue at depths on the line."""
    angle = exam.gates[0].angle
    line = [depth * math.sin(angle), 0 * depth, depth * math.cos(angle)]
    places = exam.placement.to_heart(np.stack(line, axis=-1))
    return exam.heart.classify(motion.inverse(places, time))


def test_the_walls_are_where_the_map_carries_them(exam, motion):
    hair = 1e-7
    for k in range(0, len(exam.walls), 23):
        time = float(exam.streams["m_mode"].time[k])
        before = _tissue(exam, motion, exam.walls[k] - hair, time) == MUSCLE
        behind = _tissue(exam, motion, exam.walls[k] + hair, time) == MUSCLE
        assert before.tolist() == [False, True, False, True]
        assert behind.tolist() == [True, False, True, False]
        inner, far = exam.walls[k, 1:3]
        between = np.linspace(inner + hair, far - hair, 50)
        assert (_tissue(exam, motion, between, time) == CAVITY).all()
    # The septum is on the side of the probe, the posterior wall on the other one.
    septum, posterior = (
        exam.placement.to_heart(np.array([0.0, 0.0, depth]))
        for depth in exam.walls[0, [0, 3]]
    )
    assert septum[0] < 0 < posterior[0]
    assert septum[1] < 0 < posterior[1]


def test_the_diameter_at_end_diastole_is_that_of_the_shape(exam):
    # The line meets the axis at right angles or nearly so: no chord is shorter.
    ed = int(abs(exam.streams["m_mode"].time - exam.qrs_times[0]).argmin())
    ends = np.zeros((2, 3))
    angle = exam.gates[0].angle
    ends[:, 0] = exam.walls[ed, 1:3] * math.sin(angle)
    ends[:, 2] = exam.walls[ed, 1:3] * math.cos(angle)
    height = exam.placement.to_heart(ends)[:, 2].mean()
    radius = math.sqrt(float(exam.heart.ventricle.layer_radius_squared(height)))
    assert np.ptp(exam.walls[ed, 1:3]) == pytest.approx(2 * radius, rel=0.12)


def test_walls_thicken_and_the_cavity_narrows(exam, motion):
    time = exam.streams["m_mode"].time
    es = int(abs(time - motion.cycle.beats[0].end_systole).argmin())
    ed = int(abs(time - exam.qrs_times[0]).argmin())
    steps = np.diff(exam.walls, axis=1)
    assert (steps > 0).all()
    assert steps[ed, 2] == pytest.approx(exam.heart.ventricle.wall, rel=0.15)
    assert steps[es, 0] > 1.05 * steps[ed, 0]
    assert steps[es, 2] > 1.05 * steps[ed, 2]
    assert steps[es, 1] < 0.85 * steps[ed, 1]
    # Borders move without jumps.
    assert abs(np.diff(exam.walls, axis=0)).max() * 200 < 0.25


def test_the_picture_shows_the_walls(exam):
    stream = exam.streams["m_mode"]
    depth, grey = stream.axes["range"], stream.load()
    assert stream.dims == ("time", "range")
    assert grey.dtype == np.float32
    contrast = []
    for k in range(5, len(grey), 11):
        lines = grey[max(k - 3, 0) : k + 4].mean(axis=0)
        outer, inner, far, last = exam.walls[k]
        cavity = np.median(lines[(depth > inner + 0.004) & (depth < far - 0.004)])
        contrast += [
            lines[(depth > start + 0.001) & (depth < stop - 0.001)].mean() - cavity
            for start, stop in ((outer, inner), (far, last))
        ]
    assert np.median(contrast) > 40
    assert np.mean(np.array(contrast) > 20) > 0.9


def test_the_annulus_comes_towards_the_apex(exam):
    apical = simulate_m_mode(PATIENT, view="4ch")
    assert apical.walls.shape[1] == len(M_MODE_VIEWS["4ch"]) == 1
    excursion = np.ptp(apical.walls[:, 0])
    assert 0.007 < excursion < 0.022
    time = apical.streams["m_mode"].time
    shortest = time[apical.walls[:, 0].argmin()] - apical.qrs_times[0]
    assert 0.2 < shortest < 0.5


def test_clock_gate_and_seed(exam):
    stream = exam.streams["m_mode"]
    assert stream.rate == pytest.approx(200)
    assert len(stream.axes["range"]) == stream.shape[1] == 256
    assert len(exam.walls) == len(stream.time)
    (gate,) = exam.gates
    assert (gate.on, gate.depth) == ("m_mode", None)
    assert abs(gate.angle) < 0.4
    again = simulate_m_mode(PATIENT)
    np.testing.assert_array_equal(stream.load(), again.streams["m_mode"].load())
    np.testing.assert_array_equal(exam.walls, again.walls)
    other = simulate_m_mode(Patient(number=8, visit=1))
    assert not np.array_equal(other.walls[:100], exam.walls[:100])
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_m_mode(PATIENT, preset="tinny")
    with pytest.raises(UnknownNameError, match="plax"):
        simulate_m_mode(PATIENT, view="subcostal")
