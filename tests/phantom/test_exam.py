from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import UNLABELLED, PlaneGrid
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry import contour_mask, lv_label_map
from cardium.phantom.acquisition import begin
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.patient import Patient
from cardium.phantom.views import SHORT_AXIS_VIEWS, VIEWS

PATIENTS = {
    "usual": Patient(number=1),
    "weak": Patient(number=3, edv_ml=165, ef_percent=38, gls_percent=-11),
}


@pytest.fixture(
    scope="module", params=[("usual", "4ch"), ("weak", "4ch"), ("usual", "2ch")]
)
def exam(request) -> Examination:
    name, view = request.param
    return simulate(PATIENTS[name], view=view)


def frame_at(exam: Examination, time: float) -> int:
    return int(abs(exam.streams["b_mode"].time - time).argmin())


def disc_volume_ml(contour: np.ndarray) -> np.ndarray:
    """Volumes of the contours (T, P, 2), turned about the axis from apex to base."""
    apex = contour[:, contour.shape[1] // 2]
    base = (contour[:, 0] + contour[:, -1]) / 2
    axis = (base - apex) / np.linalg.norm(base - apex, axis=-1, keepdims=True)
    half = (contour - apex[:, None])[:, contour.shape[1] // 2 :]
    height = np.sum(half * axis[:, None], axis=-1)
    radius = half[..., 0] * axis[:, None, 1] - half[..., 1] * axis[:, None, 0]
    discs = radius[:, 1:] ** 2 + radius[:, 1:] * radius[:, :-1] + radius[:, :-1] ** 2
    return 1e6 * np.pi / 3 * np.sum(discs * np.diff(height, axis=1), axis=1)


def test_truth_states_the_volumes_of_the_cycle(exam):
    truth = exam.truth
    assert truth.ef_percent == pytest.approx(
        100 * (truth.edv_ml - truth.esv_ml) / truth.edv_ml
    )
    kappa = 1 - truth.volume_ml / truth.edv_ml
    assert 100 * kappa.max() == pytest.approx(truth.ef_percent, abs=0.6)
    assert truth.volume_ml[frame_at(exam, truth.ed_time)] == pytest.approx(
        truth.edv_ml, rel=0.01
    )
    assert truth.ed_time == exam.qrs_times[0]
    assert truth.ed_time < truth.es_time < exam.qrs_times[1]


def test_contours_enclose_the_true_volume(exam):
    contour = exam.annotations["lv_contour"].load()[:, 0].astype(float)
    x, y = exam.placement.rotation[0, :2]
    # The cross-section is an ellipse: in each plane the round one is stretched.
    stretch = exam.heart.ventricle.round_to_plane(math.atan2(y, x))
    volume = disc_volume_ml(contour) / stretch**2
    np.testing.assert_allclose(volume, exam.truth.volume_ml, rtol=0.005)


def test_contours_have_five_layers_from_the_left_base_over_the_apex(exam):
    stream = exam.annotations["lv_contour"]
    contour = stream.load()
    assert stream.dims == ("time", "layer", "point", "xz")
    assert contour.shape[1:] == (5, 61, 2)
    np.testing.assert_array_equal(stream.time, exam.streams["b_mode"].time)
    assert (contour[:, :, 0, 0] < contour[:, :, -1, 0]).all()
    assert contour[:, :, :, 1].argmin(axis=-1).min() > 20
    width = contour[:, :, -1, 0] - contour[:, :, 0, 0]
    assert (np.diff(width, axis=1) > 0).all()


def test_the_image_is_dark_inside_and_bright_in_the_wall(exam):
    stream = exam.streams["b_mode"]
    contour = exam.annotations["lv_contour"].load()
    for time in (exam.truth.ed_time, exam.truth.es_time):
        k = frame_at(exam, time)
        labels = lv_label_map(contour[k, 0], contour[k, 4], stream.geometry)
        frame = stream.values[k : k + 1][0].astype(float)
        wall, cavity = frame[labels == 2], frame[labels == 1]
        assert labels.max() < UNLABELLED
        assert wall.mean() - cavity.mean() > 25
        assert np.median(cavity) < np.percentile(wall, 25)


def test_the_dark_region_follows_the_contour(exam):
    stream, contour = exam.streams["b_mode"], exam.annotations["lv_contour"].load()
    frames = stream.load().astype(float)
    ed, es = (frame_at(exam, t) for t in (exam.truth.ed_time, exam.truth.es_time))
    masks = [contour_mask(contour[k, 0], stream.geometry) for k in (ed, es)]
    # The valve is bright in both frames: look above it.
    above = stream.geometry.points()[1] < contour[es, 0, [0, -1], 1].min() - 0.02
    left = masks[0] & ~masks[1] & above
    assert frames[es][left].mean() > frames[ed][left].mean() + 8


def test_the_wall_stays_inside_both_fans(exam):
    points = exam.annotations["lv_contour"].load().astype(float)
    for name in ("b_mode", "tissue_velocity"):
        sector = exam.streams[name].geometry
        row, beam = sector.index_of(points[..., 0], points[..., 1])
        assert row.min() >= 0
        assert row.max() <= sector.shape[0] - 1
        assert beam.min() >= 0
        assert beam.max() <= sector.shape[1] - 1


def test_streams_have_their_clocks_units_and_sizes(exam):
    b_mode, velocity, ecg = (
        exam.streams[name] for name in ("b_mode", "tissue_velocity", "ecg")
    )
    assert b_mode.values.dtype == np.uint8
    assert b_mode.shape[1:] == (192, 64)
    assert b_mode.rate == pytest.approx(30)
    assert velocity.values.dtype == np.float32
    assert velocity.unit == "m/s"
    np.testing.assert_allclose(velocity.time, b_mode.time[:-1] + 1 / 60)
    assert velocity.geometry != b_mode.geometry
    assert abs(velocity.load()).max() <= velocity.velocity_limit
    assert ecg.dims == ("time",)
    assert ecg.rate == pytest.approx(500)
    for time in exam.qrs_times:
        near = abs(ecg.time - time) < 0.05
        assert ecg.time[near][ecg.load()[near].argmax()] == pytest.approx(
            time, abs=0.003
        )


def test_frames_cover_a_whole_beat(exam):
    time = exam.streams["b_mode"].time
    assert len(exam.qrs_times) == 2
    assert time[0] <= exam.qrs_times[0]
    assert time[-1] >= exam.qrs_times[-1]


@pytest.mark.parametrize("rhythm", ["sinus", "atrial_fibrillation"])
def test_a_recording_has_as_many_beats_as_its_length_takes(rhythm):
    patient = Patient(number=2, heart_rate=120, rhythm=rhythm)
    made = begin(patient, what="film", beats=1, seconds=3.0)
    beats = len(made.rhythm.intervals)
    assert made.rhythm.r_times[-1] >= 3.0
    plain = begin(patient, what="film", beats=beats)
    np.testing.assert_array_equal(plain.rhythm.r_times, made.rhythm.r_times)
    assert plain.rng.random() == made.rng.random()
    fewer = begin(patient, what="film", beats=beats - 1)
    assert fewer.rhythm.r_times[-1] < 3.0


def test_films_for_a_benchmark_have_36_frames_at_any_heart_and_frame_rate():
    for heart_rate, frame_rate in ((150, 30.0), (60, 12.0), (50, 30.0)):
        patient = Patient(number=2, heart_rate=heart_rate)
        made = simulate(patient, preset="bench", frame_rate=frame_rate)
        assert len(made.streams["b_mode"].time) >= 36
        assert len(made.qrs_times) >= 3


def test_examinations_are_reproducible_and_differ_by_patient_and_view():
    patient = Patient(number=5)
    first, again = simulate(patient), simulate(patient)
    for name, stream in first.streams.items():
        np.testing.assert_array_equal(stream.load(), again.streams[name].load())
    np.testing.assert_array_equal(
        first.annotations["lv_contour"].load(), again.annotations["lv_contour"].load()
    )
    other = simulate(patient, view="2ch")
    assert other.truth.ef_percent == first.truth.ef_percent
    assert not np.array_equal(
        other.streams["b_mode"].load(), first.streams["b_mode"].load()
    )
    visit = simulate(Patient(number=5, visit=1))
    assert visit.heart.ventricle == first.heart.ventricle
    assert not np.array_equal(visit.qrs_times, first.qrs_times)


def test_four_chambers_show_the_right_ventricle_on_the_left_two_do_not():
    grey = {}
    for view in ("4ch", "2ch"):
        exam = simulate(Patient(number=6), view=view)
        k = frame_at(exam, exam.truth.ed_time)
        contour = exam.annotations["lv_contour"].load()[k, 4]
        level = contour[:, 1].min() + 0.6 * np.ptp(contour[:, 1])
        edge = contour[: len(contour) // 2][
            abs(contour[: len(contour) // 2, 1] - level).argmin(), 0
        ]
        plane = PlaneGrid((edge - 0.022, edge - 0.008), (level, level + 0.01), (9, 9))
        row, beam = exam.streams["b_mode"].geometry.index_of(*plane.points())
        frame = exam.streams["b_mode"].load()[k]
        grey[view] = frame[np.rint(row).astype(int), np.rint(beam).astype(int)].mean()
    assert grey["4ch"] < grey["2ch"] - 10


def test_unknown_names_and_impossible_numbers_are_refused():
    patient = Patient()
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate(patient, preset="tinny")
    with pytest.raises(UnknownNameError, match="view"):
        simulate(patient, view="psax")
    with pytest.raises(InvalidArgumentError, match="frame rate"):
        simulate(patient, frame_rate=0.0)
    with pytest.raises(InvalidArgumentError, match="coherence"):
        simulate(patient, coherence=95.0)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_the_ventricle_dark_within_its_wall(view):
    exam = simulate(PATIENTS["usual"], view=view, frame_rate=5.0)
    stream = exam.streams["b_mode"]
    contour = exam.annotations["lv_contour"].load().astype(float)
    k = frame_at(exam, exam.truth.ed_time)
    inner, outer = (contour_mask(contour[k, n], stream.geometry) for n in (0, 4))
    frame = stream.load()[k].astype(float)
    assert frame[outer & ~inner].mean() > frame[inner].mean() + 20
    assert ("tissue_velocity" in exam.streams) == (view in ("4ch", "2ch", "3ch"))
    closed = (contour[:, :, 0] == contour[:, :, -1]).all()
    assert closed == (view in SHORT_AXIS_VIEWS)
    row, beam = stream.geometry.index_of(contour[:, 0, :, 0], contour[:, 0, :, 1])
    inside = (beam >= 0) & (beam <= 63) & (row >= 0) & (row <= 191)
    # A parasternal fan may cut off the apex, as fans do.
    assert inside.mean() > (0.8 if view == "plax" else 0.999)


def test_the_motion_given_is_the_motion_of_the_images(exam):
    # Material points of the endocardium stay on the contour at any time.
    k = frame_at(exam, exam.truth.es_time)
    time = float(exam.streams["b_mode"].time[k])
    contour = exam.annotations["lv_contour"].load()[k, 0].astype(float)
    flat = np.stack([contour[:, 0], np.zeros(61), contour[:, 1]], axis=-1)
    rest = exam.motion.inverse(exam.placement.to_heart(flat), time)
    assert exam.heart.ventricle.layer_fraction(rest)[1:-1].max() < 1e-3


def test_foreshortening_shortens_the_ventricle_and_not_the_truth():
    whole, short = (
        simulate(PATIENTS["usual"], foreshortening=angle, frame_rate=5.0)
        for angle in (0.0, 0.2)
    )
    lengths = [
        np.ptp(exam.annotations["lv_contour"].load()[0, 0, :, 1])
        for exam in (whole, short)
    ]
    assert lengths[1] < 0.95 * lengths[0]
    assert whole.truth.edv_ml == short.truth.edv_ml
    assert whole.truth.ef_percent == short.truth.ef_percent


def test_less_coherence_makes_frames_less_alike():
    alike = []
    for coherence in (1.0, 0.5):
        exam = simulate(PATIENTS["usual"], coherence=coherence)
        stream = exam.streams["b_mode"]
        contour = exam.annotations["lv_contour"].load()[:, :, 5:25].astype(float)
        # The first two frames, while the heart stands still: midwall of the septum.
        row, beam = stream.geometry.index_of(contour[0, 2, :, 0], contour[0, 2, :, 1])
        place = np.rint(row).astype(int), np.rint(beam).astype(int)
        around = [(place[0] + i, place[1]) for i in range(-3, 4)]
        first, second = (
            np.concatenate([stream.load()[k][a] for a in around]).astype(float)
            for k in (0, 1)
        )
        alike.append(np.corrcoef(first, second)[0, 1])
    assert alike[0] > alike[1] + 0.15


def test_strain_is_that_of_the_contours(exam):
    contour = exam.annotations["lv_contour"].load().astype(float)
    time = exam.annotations["lv_contour"].time
    length = np.linalg.norm(np.diff(contour, axis=2), axis=-1).sum(axis=2)
    ed = frame_at(exam, exam.truth.ed_time)
    for layer, strain in (
        (0, exam.truth.endocardial_strain),
        (2, exam.truth.midwall_strain),
    ):
        measured = 100 * (length[:, layer] / length[ed, layer] - 1)
        np.testing.assert_allclose(
            measured - measured[ed], strain - strain[ed], atol=0.15
        )
        es = frame_at(exam, exam.truth.es_time)
        assert strain[es] < 0.96 * strain.min()
        assert -25 < strain.min() < -3
    assert exam.truth.endocardial_strain.min() < exam.truth.midwall_strain.min()
    assert len(time) == len(exam.truth.midwall_strain)


def test_the_long_axis_view_turns_further_than_the_two_chamber_view():
    views = [simulate(Patient(number=6), view=view) for view in ("4ch", "2ch", "3ch")]
    turns = [exam.placement.rotation[0, :2] for exam in views]
    angles = [math.degrees(math.atan2(y, x)) for x, y in turns]
    assert angles == pytest.approx([0, -60, -120], abs=5)
    assert len({exam.truth.ef_percent for exam in views}) == 1
