from __future__ import annotations

import numpy as np
import pytest

from cardium.core import UNLABELLED, PlaneGrid
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry import contour_mask, lv_label_map
from cardium.phantom.exam import Examination, simulate


@pytest.fixture(scope="module", params=[(0, "4ch"), (3, "4ch"), (4, "2ch")])
def exam(request) -> Examination:
    seed, view = request.param
    return simulate(seed, view=view)


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
    volume = disc_volume_ml(contour)
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
        assert wall.mean() - cavity.mean() > 60
        assert np.median(cavity) < 45


def test_the_dark_region_follows_the_contour(exam):
    stream, contour = exam.streams["b_mode"], exam.annotations["lv_contour"].load()
    frames = stream.load().astype(float)
    ed, es = (frame_at(exam, t) for t in (exam.truth.ed_time, exam.truth.es_time))
    masks = [contour_mask(contour[k, 0], stream.geometry) for k in (ed, es)]
    # The valve is bright in both frames: look above it.
    above = stream.geometry.points()[1] < contour[es, 0, [0, -1], 1].min() - 0.02
    left = masks[0] & ~masks[1] & above
    assert frames[es][left].mean() > frames[ed][left].mean() + 20


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


def test_examinations_are_reproducible_and_differ_by_patient_and_view():
    first, again = simulate(5), simulate(5)
    for name, stream in first.streams.items():
        np.testing.assert_array_equal(stream.load(), again.streams[name].load())
    np.testing.assert_array_equal(
        first.annotations["lv_contour"].load(), again.annotations["lv_contour"].load()
    )
    assert first.truth.edv_ml != simulate(6).truth.edv_ml
    other = simulate(5, view="2ch")
    assert other.truth.ef_percent == first.truth.ef_percent
    assert not np.array_equal(
        other.streams["b_mode"].load(), first.streams["b_mode"].load()
    )


def test_four_chambers_show_the_right_ventricle_on_the_left_two_do_not():
    grey = {}
    for view in ("4ch", "2ch"):
        exam = simulate(6, view=view)
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
    assert grey["4ch"] < grey["2ch"] - 20


def test_unknown_names_and_seeds_are_refused():
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate(1, preset="tinny")
    with pytest.raises(UnknownNameError, match="view"):
        simulate(1, view="psax")
    with pytest.raises(InvalidArgumentError, match="seed"):
        simulate(-1)


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
            measured - measured[ed], strain - strain[ed], atol=0.05
        )
        es = frame_at(exam, exam.truth.es_time)
        assert strain.argmin() in (es - 1, es, es + 1)
        assert -25 < strain.min() < -3
    assert exam.truth.endocardial_strain.min() < exam.truth.midwall_strain.min()
    assert len(time) == len(exam.truth.midwall_strain)


def test_the_long_axis_view_turns_further_than_the_two_chamber_view():
    views = [simulate(6, view=view) for view in ("4ch", "2ch", "3ch")]
    shapes = [exam.streams["b_mode"].shape for exam in views]
    assert shapes[0] == shapes[1] == shapes[2]
    frames = [exam.streams["b_mode"].load()[0] for exam in views]
    assert not np.array_equal(frames[1], frames[2])
    assert len({exam.truth.ef_percent for exam in views}) == 1
