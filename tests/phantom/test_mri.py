"""A stack whose labels add up to the volumes of the closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import STRUCTURES
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._mri_signal import (
    coil_sensitivity,
    record,
    steady_state,
    tissue_signals,
)
from cardium.phantom.anatomy import ECHO_CLASSES
from cardium.phantom.mri import MUSCLE_DENSITY, simulate_cine
from cardium.phantom.patient import Patient

CAVITY, WALL, RIGHT = (
    STRUCTURES.index(name) for name in ("lv_cavity", "myocardium", "rv_cavity")
)


@pytest.fixture(scope="module")
def stack():
    return simulate_cine(Patient(number=3))


@pytest.fixture(scope="module")
def fine():
    """Slices of 2 mm without a gap at end-diastole and near end-systole.

    Two phases are half a beat apart; at 80 beats a minute the second is 0.375 s after
    the R peak, in the isovolumic phase, when the ventricle is smallest.
    """
    patient = Patient(number=3, heart_rate=80.0, edv_ml=130.0, ef_percent=58.0)
    return simulate_cine(patient, thickness=0.002, gap=0.0, phases=2)


def volumes(exam, code, frames):
    """By summation of slices [mL]."""
    mask = exam.annotations["cine_mask"]
    count = (mask.load()[list(frames)] == code).sum(axis=(1, 2, 3))
    return 1e6 * mask.geometry.voxel_volume * count


def test_labels_of_fine_slices_have_the_volumes_of_the_closed_form(fine):
    truth = fine.truth.ventricle
    got = volumes(fine, CAVITY, (0, 1))
    np.testing.assert_allclose(got, truth.volume_ml, rtol=0.01)
    assert truth.volume_ml == pytest.approx([130.0, 130 * 0.42], rel=0.01)
    ef = 100 * (1 - got[1] / got[0])
    assert ef == pytest.approx(truth.ef_percent, abs=1.0)
    mass = MUSCLE_DENSITY * volumes(fine, WALL, (0, 1))
    np.testing.assert_allclose(mass, fine.truth.mass_g, rtol=0.015)
    # The outflow tract of the right ventricle is higher than the first slice.
    points = fine.heart.chamber_points("rv", step=0.001)
    top = fine.streams["cine"].geometry.origin[2] + 0.001
    below = 1e-3 * (points[:, 2] < top).sum()
    assert volumes(fine, RIGHT, (0,)) == pytest.approx(below, rel=0.01)
    assert fine.truth.rv_edv_ml == pytest.approx(1e-3 * len(points), rel=0.02)


def test_slices_of_8_mm_with_gaps_are_as_good_as_that_can_be(stack):
    """Slices 10 mm apart miss up to half a slice of the base."""
    truth = stack.truth.ventricle
    got = volumes(stack, CAVITY, (stack.ed_frame, stack.es_frame))
    want = truth.volume_ml[[stack.ed_frame, stack.es_frame]]
    area = 1e-6 * math.pi * (1e3 * stack.heart.ventricle.short_axis) ** 2
    assert (abs(got - want) < 1e6 * area * 0.005 + 1).all()
    assert stack.streams["cine"].geometry.spacing[0] == pytest.approx(0.010)


def test_frames_are_evenly_spread_over_the_mean_beat(stack):
    time = stack.streams["cine"].time
    np.testing.assert_allclose(time, np.arange(8) * 60 / 65 / 8)
    assert stack.ed_frame == 0
    es = stack.truth.ventricle.es_time
    assert abs(time[stack.es_frame] - es) == abs(time - es).min()
    smallest = volumes(stack, CAVITY, range(8)).argmin()
    assert smallest == stack.es_frame


def test_it_is_seen_from_the_apex_with_the_right_ventricle_on_the_left(stack):
    """Rows run to the inferior wall, columns to the lateral one, slices to the apex."""
    geometry, labels = (
        stack.streams["cine"].geometry,
        stack.annotations["cine_mask"].load()[0],
    )
    x, y, z = geometry.points()
    assert (np.diff(x[0, 0]) > 0).all()
    assert (np.diff(y[0, :, 0]) > 0).all()
    assert (np.diff(z[:, 0, 0]) < 0).all()
    column = {
        code: np.argwhere(labels == code)[:, 2].mean() for code in (CAVITY, RIGHT)
    }
    assert column[RIGHT] < column[CAVITY] - 10
    # Right times down is away from the reader: towards the base, a right-handed view.
    right, down = np.array(geometry.steps[2]), np.array(geometry.steps[1])
    assert np.cross(right, down)[2] > 0
    assert -geometry.steps[0][2] > 0
    # The outflow tract goes up, anteriorly, at the base.
    base = np.argwhere(labels[:4] == RIGHT)[:, 1].mean()
    middle = np.argwhere(labels[4:] == RIGHT)[:, 1].mean()
    assert base < middle


def test_slices_reach_from_above_the_base_to_the_apex(stack):
    labels = stack.annotations["cine_mask"].load()
    assert not (labels[0, 0] == CAVITY).any()
    assert (labels[0, 1] == CAVITY).any()
    assert (labels[0, -2:] == WALL).any()
    # The base descends: what held the ventricle holds the atrium at end-systole.
    cavity = (labels == CAVITY).any(axis=(2, 3))
    assert cavity[0].sum() > cavity[stack.es_frame].sum()
    assert set(np.unique(labels)) == {0, CAVITY, WALL, RIGHT}


def test_blood_is_bright_muscle_dark_and_papillary_muscles_lie_in_the_cavity(stack):
    picture = stack.streams["cine"].load()[0].astype(float)
    labels = stack.annotations["cine_mask"].load()[0]
    middle = len(labels) // 2
    blood, wall = (picture[middle][labels[middle] == c] for c in (CAVITY, WALL))
    assert np.median(blood) > 2 * np.median(wall)
    assert np.percentile(blood, 2) < np.median(wall) + 25
    assert np.median(picture[middle - 1][labels[middle - 1] == RIGHT]) > 2 * np.median(
        wall
    )


def test_breathing_shifts_slices_and_nothing_else():
    patient = Patient(number=3)
    calm, uneasy = (
        simulate_cine(patient, phases=2, breathing=size) for size in (0.0, 0.006)
    )
    assert not calm.truth.shifts.any()
    pixel = calm.streams["cine"].geometry.spacing[1]
    for k in (3, 4, 5):
        places = [
            np.argwhere(e.annotations["cine_mask"].load()[0, k] == CAVITY).mean(axis=0)
            for e in (calm, uneasy)
        ]
        moved = pixel * (places[1] - places[0])[::-1]
        assert moved == pytest.approx(uneasy.truth.shifts[k], abs=0.3 * pixel)


def test_the_same_patient_gives_the_same_samples(stack):
    again = simulate_cine(Patient(number=3))
    for one, other in ((stack.streams, again.streams),
                       (stack.annotations, again.annotations)):  # fmt: skip
        for name in one:
            np.testing.assert_array_equal(one[name].load(), other[name].load())
    other = simulate_cine(Patient(number=3, visit=1), phases=2)
    assert other.heart == stack.heart or other.heart.ventricle == stack.heart.ventricle


def test_signals_are_those_of_balanced_free_precession():
    """At the best flip angle the signal is half of sqrt(T2/T1) (Scheffler 2003)."""
    t1, t2 = 1.0, 0.1
    best = math.acos((t1 / t2 - 1) / (t1 / t2 + 1))
    peak = steady_state(t1, t2, density=1.0, flip=best)
    assert peak == pytest.approx(0.5 * math.sqrt(t2 / t1))
    angles = np.linspace(0.05, 3.0, 500)
    curve = [steady_state(t1, t2, density=1.0, flip=a) for a in angles]
    assert angles[np.argmax(curve)] == pytest.approx(best, abs=0.01)
    table = dict(zip(ECHO_CLASSES, tissue_signals(), strict=True))
    assert table["lv_cavity"] == 1.0
    assert 0.3 < table["myocardium"] < 0.5 < table["fat"]
    assert math.isnan(table["background"])


def test_noise_is_rician_and_edges_ring_a_little():
    rng = np.random.default_rng(0)
    flat = np.zeros((1, 64, 64), np.float32)
    air = record(flat, noise=8.0, rng=rng).astype(float)
    assert air.mean() == pytest.approx(8.0 * math.sqrt(math.pi / 2), rel=0.03)
    assert air.std() == pytest.approx(8.0 * math.sqrt(2 - math.pi / 2), rel=0.04)
    bright = record(flat + 150, noise=3.0, rng=rng).astype(float)
    assert bright.mean() == pytest.approx(150, abs=0.5)
    assert bright.std() == pytest.approx(3.0, rel=0.05)
    step = np.zeros((1, 64, 64), np.float32)
    step[:, 16:48] = 150.0
    edge = record(step, noise=1e-9, rng=rng)[0, :, 0].astype(int)
    # A cut without a slope before it rings by 9 % (Gibbs).
    assert 151 < edge.max() < 1.089 * 150
    assert (edge[17:47] > 140).all()


def test_the_coil_sees_the_chest_better_than_the_back():
    places = np.array([[0.0, 0.0, 0.0], [-0.03, -0.09, 0.0], [0.02, 0.10, 0.0]])
    heart, front, back = coil_sensitivity(places)
    assert heart == pytest.approx(1.0)
    assert front > 1.1
    assert back < front


def test_wrong_arguments_are_refused():
    with pytest.raises(UnknownNameError, match="preset"):
        simulate_cine(Patient(), preset="huge")
    for wrong in (
        {"thickness": 0.0},
        {"gap": -0.001},
        {"phases": 1},
        {"breathing": -1},
    ):
        with pytest.raises(InvalidArgumentError, match="Cine"):
            simulate_cine(Patient(), **wrong)
