"""Simulated volumes: the mesh and the image lie where the formulas say."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import PlaneGrid, SectorVolume, SlicePlane
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry.mesh import mesh_mask, mesh_section, mesh_volume
from cardium.phantom._volume_image import VolumeProbe, receive_volume
from cardium.phantom.acquisition import begin
from cardium.phantom.mesh import mesh_endocardium
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.probe import SPEED_OF_SOUND, Placement
from cardium.phantom.views import outline
from cardium.phantom.volume import VolumeExamination, simulate_volume
from cardium.signal.stitching import stitch_beats

PATIENT = Patient(number=3)
STEADY = Patient(rr_deviation=0.0)
SCARRED = Patient(
    ef_percent=45,
    gls_percent=-13,
    conditions=("infarct",),
    infarct=Infarct("lad", 0.9),
)


@pytest.fixture(scope="module")
def exam() -> VolumeExamination:
    return simulate_volume(PATIENT)


@pytest.fixture(scope="module")
def held() -> VolumeExamination:
    """Three regular beats with a held breath."""
    return simulate_volume(STEADY, beats=3, breathing=0.0)


@pytest.fixture(scope="module")
def breathing() -> VolumeExamination:
    return simulate_volume(STEADY, beats=3, breathing=0.003)


def motion_of(exam: VolumeExamination, patient: Patient) -> Motion:
    return begin(patient, what="volume", beats=exam.beats).motion


def stitched(exam: VolumeExamination):
    return stitch_beats(exam.streams["b_mode_3d"], exam.qrs_times, exam.beats)


def test_the_mesh_holds_the_true_volume(exam):
    mesh = exam.meshes["lv_mesh"]
    volumes = np.array([1e6 * mesh_volume(*mesh.frame(k)) for k in range(len(mesh))])
    # Its corners lie on a curved surface, so it is smaller, by as much at all times.
    np.testing.assert_allclose(volumes / exam.truth.volume_ml, 0.9974, atol=3e-4)
    np.testing.assert_array_equal(mesh.time, exam.streams["b_mode_3d"].time)
    fraction = 100 * (1 - volumes.min() / volumes.max())
    assert fraction == pytest.approx(exam.truth.ef_percent, abs=0.5)


@pytest.mark.parametrize("eccentricity", [0.9, 1.0, 1.12])
@pytest.mark.parametrize("patient", [PATIENT, SCARRED])
def test_the_mesh_of_any_ventricle_holds_its_volume(patient, eccentricity):
    motion = begin(patient, what="volume", beats=1).motion
    ventricle = replace(motion.ventricle, eccentricity=eccentricity)
    motion = Motion(ventricle, motion.cycle, motion.regions)
    beat = motion.cycle.beats[0]
    times = np.linspace(beat.r, beat.next_r, 7)
    rest = Placement(np.eye(3), np.zeros(3))
    mesh = mesh_endocardium(motion, times, placements=[rest] * len(times))
    volumes = [mesh_volume(*mesh.frame(k)) for k in range(len(mesh))]
    np.testing.assert_allclose(volumes / motion.volume(times), 0.9974, atol=8e-4)
    points, _ = mesh.frame(0)
    wide, high = np.ptp(points[:, 0]), np.ptp(points[:, 1])
    assert wide / high == pytest.approx(eccentricity**2, rel=1e-6)


def test_the_mesh_lies_on_the_endocardium(exam):
    motion, mesh = motion_of(exam, PATIENT), exam.meshes["lv_mesh"]
    lv = motion.ventricle
    for k in (0, len(mesh) // 3):
        points, _ = mesh.frame(k)
        at_rest = motion.inverse(
            exam.placements[0].to_heart(points), float(mesh.time[k])
        )
        radius, _, height = lv.cylindrical(at_rest[:-2])
        expected = np.sqrt(lv.layer_radius_squared(height))
        np.testing.assert_allclose(radius, expected, atol=1e-9)
        np.testing.assert_allclose(at_rest[-2:, 2], [0, lv.length], atol=1e-12)


def test_the_section_of_the_mesh_is_the_contour(exam):
    mesh, placement = exam.meshes["lv_mesh"], exam.placements[0]
    # The plane through the long axis, slightly beside the corners that lie in it.
    upright = Placement(placement.rotation, placement.origin * np.array([1.0, 0, 1.0]))
    grid = PlaneGrid((-0.05, 0.05), (0.0, 0.1), (3, 3))
    across = float(placement.origin[1])
    plane = SlicePlane(grid, (0, across + 1e-9, 0), (1, 0, 0), (0, 0, 1))
    (line,) = mesh_section(*mesh.frame(4), plane)
    motion = motion_of(exam, PATIENT)
    contour = outline(motion, upright, mesh.time[4:5], layers=2)[0, 0]
    fine = np.linspace(0, len(contour) - 1, 4001)
    whole = np.arange(len(contour))
    contour = np.stack([np.interp(fine, whole, side) for side in contour.T], axis=-1)
    away = np.hypot(*(line[:, None] - contour).transpose(2, 0, 1)).min(axis=1)
    on_base = line[:, 1] > contour[[0, -1], 1].min() - 1e-3
    assert away[~on_base].max() < 4e-4


def test_the_cavity_in_the_image_is_dark_and_its_wall_bright(exam):
    stream, mesh = exam.streams["b_mode_3d"], exam.meshes["lv_mesh"]
    fan, volumes = stream.geometry, stream.load()
    ed, es = (
        int(abs(stream.time - time).argmin())
        for time in (exam.truth.ed_time, exam.truth.es_time)
    )
    for k in (ed, es):
        points, faces = mesh.frame(k)
        middle = points.mean(axis=0)
        inner = mesh_mask(middle + 0.6 * (points - middle), faces, fan)
        wall = mesh_mask(middle + 1.18 * (points - middle), faces, fan)
        wall &= ~mesh_mask(middle + 1.05 * (points - middle), faces, fan)
        assert inner.sum() > 200
        assert volumes[k][inner].mean() < volumes[k][wall].mean() - 35
        volume = 1e6 * (fan.sample_volumes() * mesh_mask(points, faces, fan)).sum()
        assert volume == pytest.approx(exam.truth.volume_ml[k], rel=0.02)


def test_the_right_ventricle_lies_beyond_the_septum(exam):
    stream, lv = exam.streams["b_mode_3d"], exam.heart.ventricle
    fan, heart = stream.geometry, exam.heart
    k = int(abs(stream.time - exam.truth.ed_time).argmin())

    def grey(points: np.ndarray) -> float:
        places = exam.placements[0].to_image(points)
        index = np.rint(np.stack(fan.index_of(*places.T), axis=-1)).astype(int)
        e, a, r = index[((index >= 0) & (index < fan.shape)).all(axis=1)].T
        return float(stream.load()[k][e, a, r].mean())

    cavity = heart.chamber_points("rv", step=0.003)
    around = 0.004 * np.concatenate([np.eye(3), -np.eye(3)])
    code = heart.classify(cavity[:1])[0]
    deep = np.all([heart.classify(cavity + step) == code for step in around], axis=0)
    level = cavity[:, 2] / lv.length
    cavity = cavity[deep & (level > 0.3) & (level < 0.8)]
    height, angle = np.meshgrid(
        np.linspace(0.35, 0.75, 9) * lv.length, np.radians(np.linspace(-200, -130, 9))
    )
    radius = np.sqrt(lv.layer_radius_squared(height)) + lv.wall / 2
    septum = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), height], axis=-1
    ).reshape(-1, 3)
    # Mirrored in the azimuth, the difference would be 32 grey levels at most.
    assert grey(cavity) < grey(septum) - 40


def test_an_echo_has_the_profile_and_the_phase_of_its_place():
    fan = SectorVolume((0.0, 0.12), (-0.6, 0.6), (-0.5, 0.5), (24, 32, 96))
    probe = VolumeProbe.matched_to(fan)
    # Envelopes are placed to a quarter of a sample along range and azimuth.
    index = np.array([7.3, 18.5, 57.0])
    starts = np.array([fan.elevation[0], fan.azimuth[0], fan.depth[0]])
    elevation, azimuth, distance = starts + index * fan.spacing
    place = np.stack([fan.point_at(distance, azimuth, elevation)])
    iq = receive_volume(place, np.full(1, 2, np.float32), probe=probe)
    distances = np.stack(
        [
            grid - at
            for grid, at in zip(
                np.indices(fan.shape), fan.index_of(*place[0]), strict=True
            )
        ]
    )
    depth = np.linalg.norm(place)
    widths = np.array(probe.widths())
    k = round(float(fan.index_of(*place[0])[2]))
    widths[:2] *= probe.plane.beam_width_at(fan.depths[k]) / probe.plane.beam_width
    squares = (distances / widths[:, None, None, None]) ** 2
    expected = 2 * np.exp(-squares.sum(axis=0) / 2)
    near = expected > 0.03
    np.testing.assert_allclose(abs(iq)[near], expected[near], atol=1e-3)
    turn = np.exp(-4j * math.pi * probe.plane.frequency / SPEED_OF_SOUND * depth)
    np.testing.assert_allclose(iq[near] / abs(iq)[near], turn, atol=5e-3)


def test_tissue_is_fully_developed_speckle_of_the_stated_power():
    fan = SectorVolume((0.06, 0.12), (-0.3, 0.3), (-0.3, 0.3), (20, 20, 60))
    probe, rng = VolumeProbe.matched_to(fan), np.random.default_rng(2)
    cell = math.prod(math.sqrt(math.pi) * width for width in probe.widths())
    margin = 6
    sides = np.array(fan.shape) - 1 + 2 * margin
    number = int(probe.plane.density * math.prod(sides) / cell)
    index = rng.random((number, 3)) * sides - margin
    starts = (fan.elevation[0], fan.azimuth[0], fan.depth[0])
    elevation, azimuth, depth = (index * fan.spacing + starts).T
    points = np.stack(fan.point_at(depth, azimuth, elevation), axis=-1)
    amplitude = rng.choice([-1.0, 1.0], number) / math.sqrt(probe.plane.density)
    iq = receive_volume(points, amplitude.astype(np.float32), probe=probe)
    at_focus = abs(fan.depths - probe.plane.focus) < 0.015
    envelope = abs(iq[..., at_focus])
    assert (envelope**2).mean() == pytest.approx(1, rel=0.1)
    assert envelope.mean() / envelope.std() == pytest.approx(1.9, abs=0.06)


def test_streams_have_their_clocks_and_sizes(exam):
    stream = exam.streams["b_mode_3d"]
    assert stream.values.dtype == np.uint8
    assert stream.shape[1:] == (24, 32, 96)
    assert stream.rate == pytest.approx(18)
    assert abs(stream.time - exam.qrs_times[0]).min() < 1e-9
    assert stream.time[0] <= exam.qrs_times[0]
    assert stream.time[-1] >= exam.qrs_times[-1]
    fan = stream.geometry
    assert fan.convention == "spherical"
    assert fan.azimuth[0] == -fan.azimuth[1]
    corners = exam.meshes["lv_mesh"].points
    for index, count in zip(fan.index_of(*corners.T), fan.shape, strict=True):
        assert index.min() > 0
        assert index.max() < count - 1


def test_recordings_are_reproducible_and_differ_by_patient(exam):
    again, other = simulate_volume(PATIENT), simulate_volume(Patient(number=5))
    np.testing.assert_array_equal(
        exam.streams["b_mode_3d"].load(), again.streams["b_mode_3d"].load()
    )
    np.testing.assert_array_equal(
        exam.meshes["lv_mesh"].points, again.meshes["lv_mesh"].points
    )
    assert (other.heart.ventricle != exam.heart.ventricle) or (
        other.streams["b_mode_3d"].load() != exam.streams["b_mode_3d"].load()
    ).any()


def test_slabs_of_regular_beats_are_the_volume_of_one(held):
    film, single = stitched(held), simulate_volume(STEADY)
    whole = single.streams["b_mode_3d"]
    assert held.streams["b_mode_3d"].shape[1:] == (8, 32, 96)
    np.testing.assert_array_equal(film.order[0], np.argsort(held.slabs))
    np.testing.assert_allclose(
        film.stream.geometry.elevation, whole.geometry.elevation, atol=1e-12
    )
    assert film.seam_score == pytest.approx(1.25, abs=0.1)
    assert not film.irregular.any()
    # Both begin with the same beat, the slabs at twice the rate: blood and noise
    # apart, the volumes are the same.
    first = int(abs(whole.time - single.qrs_times[0]).argmin())
    for k in (0, 5, 10):
        one, put = whole.load()[first + k].ravel(), film.stream.load()[2 * k]
        assert film.stream.time[2 * k] == pytest.approx(whole.time[first + k])
        assert np.corrcoef(one, put.ravel())[0, 1] > 0.9
        assert np.mean(one.astype(float) - put.ravel()) == pytest.approx(0, abs=0.5)
        mixed = np.roll(put, 8, axis=0)
        assert np.corrcoef(one, mixed.ravel())[0, 1] < 0.75


def test_breathing_makes_seams_that_are_stated(held, breathing):
    first, *later = breathing.placements
    for placement in later:
        shift = np.linalg.norm(placement.origin - first.origin)
        turn = placement.rotation @ first.rotation.T
        assert shift == pytest.approx(0.003)
        assert math.acos((np.trace(turn) - 1) / 2) == pytest.approx(0.003 / 0.08)
    np.testing.assert_allclose(abs(breathing.gains), [0, 1.125, 1.125])
    assert len({id(each) for each in held.placements}) == 3
    for placement in held.placements:
        np.testing.assert_array_equal(placement.origin, held.placements[0].origin)
    np.testing.assert_array_equal(held.gains, 0)
    # The order is known, so that the score is that of the same seams.
    slabs = [
        replace(exam.streams["b_mode_3d"], values=exam.streams["b_mode_3d"].load())
        for exam in (held, breathing)
    ]
    scores = [
        stitch_beats(slab, held.qrs_times, held.beats).seam_score for slab in slabs
    ]
    assert scores[1] > scores[0] + 0.15


@pytest.mark.parametrize("beats", [2, 4])
@pytest.mark.parametrize("number", [3, 8])
def test_the_order_of_slabs_is_found_although_the_heart_has_moved(beats, number):
    exam = simulate_volume(Patient(number=number), beats=beats, breathing=0.003)
    order = stitched(exam).order
    np.testing.assert_array_equal(order[0], np.argsort(exam.slabs))
    known = stitch_beats(
        exam.streams["b_mode_3d"], exam.qrs_times, beats, order=int(exam.slabs[0])
    )
    np.testing.assert_array_equal(known.order, order)


def test_the_mesh_lies_where_each_beat_lay(held, breathing):
    still, moved = held.meshes["lv_mesh"], breathing.meshes["lv_mesh"]
    np.testing.assert_array_equal(still.time, moved.time)
    for beat, placement in enumerate(breathing.placements):
        k = int(np.searchsorted(moved.time, breathing.qrs_times[beat] - 1e-9))
        at_heart = held.placements[beat].to_heart(still.frame(k)[0])
        np.testing.assert_allclose(
            placement.to_image(at_heart), moved.frame(k)[0], atol=1e-12
        )


def test_beats_of_atrial_fibrillation_differ():
    patient = Patient(number=1, rhythm="atrial_fibrillation")
    exam = simulate_volume(patient, beats=4, breathing=0.0)
    intervals = np.diff(exam.qrs_times)
    assert np.ptp(intervals) > 0.1
    far = abs(intervals - np.median(intervals)) > 0.2 * np.median(intervals)
    assert stitched(exam).irregular.all() == far.any()
    assert far.any()
    time = exam.truth.time
    beats = [
        exam.truth.volume_ml[(time >= a) & (time < b)].min()
        for a, b in zip(exam.qrs_times, exam.qrs_times[1:], strict=False)
    ]
    assert np.ptp(beats) > 1


def test_coherence_is_what_stays_from_volume_to_volume(exam):
    fresh = simulate_volume(PATIENT, coherence=0.0)
    mesh, stream = exam.meshes["lv_mesh"], exam.streams["b_mode_3d"]
    points, faces = mesh.frame(1)
    middle = points.mean(axis=0)
    wall = mesh_mask(middle + 1.18 * (points - middle), faces, stream.geometry)
    wall &= ~mesh_mask(middle + 1.05 * (points - middle), faces, stream.geometry)
    kept, lost = (
        np.corrcoef(*(each.streams["b_mode_3d"].load()[k][wall] for k in (0, 1)))[0, 1]
        for each in (exam, fresh)
    )
    assert kept > lost + 0.3


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_volume(PATIENT, preset="tinny")
    for beats in (0, 5):
        with pytest.raises(InvalidArgumentError, match="beats"):
            simulate_volume(PATIENT, beats=beats)
    with pytest.raises(InvalidArgumentError, match="millimetres"):
        simulate_volume(PATIENT, beats=2, breathing=2.0)
    with pytest.raises(InvalidArgumentError, match="percent"):
        simulate_volume(PATIENT, coherence=50.0)
