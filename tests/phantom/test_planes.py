"""Several planes at once: each at its angle, with its contour, of one volume."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry.contour import lv_label_map
from cardium.measure.discs import biplane_volume, long_axis_length
from cardium.phantom.acquisition import begin
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.planes import (
    PLANE_ROTATIONS,
    PlanesExamination,
    simulate_planes,
    turn_plane,
)
from cardium.phantom.probe import Placement
from cardium.phantom.views import outline

PATIENT = Patient(number=3)


@pytest.fixture(scope="module", params=[2, 3], ids=["biplane", "triplane"])
def exam(request) -> PlanesExamination:
    return simulate_planes(PATIENT, planes=request.param)


def endocardia(exam: PlanesExamination) -> list[np.ndarray]:
    count = len(exam.placements)
    return [exam.annotations[f"lv_contour_{k}"].load()[:, 0] for k in range(count)]


def test_the_discs_of_two_planes_hold_the_true_volume():
    for number in (1, 3):
        exam = simulate_planes(Patient(number=number))
        volumes = [
            1e6 * biplane_volume(four, two)
            for four, two in zip(*endocardia(exam), strict=True)
        ]
        np.testing.assert_allclose(volumes, exam.truth.volume_ml, rtol=0.01)


@pytest.mark.parametrize("eccentricity", [0.88, 1.12])
def test_an_elliptic_section_takes_two_planes(eccentricity):
    motion = begin(PATIENT, what="biplane", beats=1).motion
    ventricle = replace(motion.ventricle, eccentricity=eccentricity)
    motion = Motion(ventricle, motion.cycle, motion.regions)
    held = Placement.apical(apex=(0.0, 0.03), tilt=0.0)
    beat = motion.cycle.beats[0]
    times = np.array([beat.r, beat.end_systole])
    across = {}
    for count, rotations in PLANE_ROTATIONS.items():
        contours = [
            outline(motion, turn_plane(held, turn), times)[:, 0] for turn in rotations
        ]
        across[count] = [np.ptp(contour[0, :, 0]) / 2 for contour in contours]
        if count == 2:
            volumes = [biplane_volume(*pair) for pair in zip(*contours, strict=True)]
            np.testing.assert_allclose(volumes, motion.volume(times), rtol=0.005)
    # The radius of an ellipse with the semi-axes e r and r / e at each angle.
    for count, rotations in PLANE_ROTATIONS.items():
        expected = ventricle.short_axis / np.hypot(
            np.cos(rotations) / eccentricity, np.sin(rotations) * eccentricity
        )
        np.testing.assert_allclose(across[count], expected, rtol=2e-3)


def test_planes_turn_about_one_axis_that_no_plane_misses(exam):
    turns = PLANE_ROTATIONS[len(exam.placements)]
    assert exam.rotations == turns
    first = exam.placements[0]
    length = exam.heart.ventricle.length
    for turn, placement in zip(turns, exam.placements, strict=True):
        ends = placement.to_image(np.array([[0, 0, 0], [0, 0, length]], float))
        np.testing.assert_allclose(ends[:, :2], 0, atol=1e-12)
        angle = math.acos(placement.rotation[0] @ first.rotation[0])
        assert angle == pytest.approx(abs(turn), abs=1e-9)
    lengths = [long_axis_length(each[0]) for each in endocardia(exam)]
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-5)


def test_walls_are_on_their_sides(exam):
    lateral, anterior, anteroseptal = (
        np.array([math.cos(angle), math.sin(angle), 0.0])
        for angle in np.radians([0, -90, -120])
    )
    sides = {2: [lateral, anterior], 3: [lateral, None, anteroseptal]}
    for placement, side in zip(
        exam.placements, sides[len(exam.placements)], strict=True
    ):
        if side is not None:
            assert placement.rotation[0] @ side > math.cos(math.radians(6))


def test_each_plane_shows_its_contour(exam):
    for k in range(len(exam.placements)):
        stream = exam.streams[f"b_mode_{k}"]
        lines = exam.annotations[f"lv_contour_{k}"]
        np.testing.assert_array_equal(lines.time, stream.time)
        frames = stream.load()
        ed = int(abs(stream.time - exam.truth.ed_time).argmin())
        endocardium, epicardium = lines.load()[ed][[0, -1]]
        labels = lv_label_map(endocardium, epicardium, stream.geometry)
        cavity, wall = frames[ed][labels == 1], frames[ed][labels == 2]
        assert min(len(cavity), len(wall)) > 300
        assert np.median(cavity) < np.median(wall) - 40


def test_streams_have_their_clocks_and_sizes(exam):
    planes = len(exam.placements)
    names = {f"b_mode_{k}" for k in range(planes)} | {"ecg"}
    assert set(exam.streams) == names
    beams, rate = {2: (48, 20.0), 3: (40, 15.0)}[planes]
    for k in range(planes):
        stream = exam.streams[f"b_mode_{k}"]
        assert stream.shape[1:] == (192, beams)
        assert stream.rate == pytest.approx(rate)
        assert stream.geometry == exam.streams["b_mode_0"].geometry
        contour = exam.annotations[f"lv_contour_{k}"]
        assert contour.shape[1:] == (5, 61, 2)
    assert (exam.streams["b_mode_0"].load() != exam.streams["b_mode_1"].load()).any()


def test_recordings_are_reproducible(exam):
    again = simulate_planes(PATIENT, planes=len(exam.placements))
    for name, stream in exam.streams.items():
        np.testing.assert_array_equal(stream.load(), again.streams[name].load())


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(InvalidArgumentError, match="2 or 3"):
        simulate_planes(PATIENT, planes=4)
    with pytest.raises(UnknownNameError, match="tiny"):
        simulate_planes(PATIENT, preset="small")
