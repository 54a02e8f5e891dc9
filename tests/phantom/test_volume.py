"""Simulated volumes: the mesh and the image lie where the formulas say."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import PlaneGrid, SlicePlane
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry.mesh import mesh_mask, mesh_section, mesh_volume
from cardium.phantom.motion import Motion
from cardium.phantom.volume import VolumeExamination, simulate_volume
from cardium.signal.stitching import stitch_beats


@pytest.fixture(scope="module")
def exam() -> VolumeExamination:
    return simulate_volume(3)


def test_the_mesh_holds_the_true_volume(exam):
    mesh = exam.meshes["lv_mesh"]
    volumes = np.array([1e6 * mesh_volume(*mesh.frame(k)) for k in range(len(mesh))])
    # Its corners lie on a curved surface, so it is smaller, by as much at all times.
    np.testing.assert_allclose(volumes / exam.truth.volume_ml, 0.9973, atol=2e-4)
    np.testing.assert_array_equal(mesh.time, exam.streams["b_mode_3d"].time)
    fraction = 100 * (1 - volumes / exam.truth.edv_ml).max()
    assert fraction == pytest.approx(exam.truth.ef_percent, abs=1.2)


def test_the_mesh_lies_on_the_endocardium(exam):
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    lv, mesh = exam.heart.ventricle, exam.meshes["lv_mesh"]
    for k in (0, len(mesh) // 3):
        points, _ = mesh.frame(k)
        at_rest = motion.inverse(exam.placement.to_heart(points), float(mesh.time[k]))
        square = (at_rest[:-2, :2] ** 2).sum(axis=1)
        height = at_rest[:-2, 2]
        np.testing.assert_allclose(
            np.sqrt(square), np.sqrt(lv.layer_radius_squared(height)), atol=1e-9
        )
        np.testing.assert_allclose(at_rest[-2:, 2], [0, lv.length], atol=1e-12)


def test_the_section_of_the_mesh_is_the_contour(exam):
    mesh = exam.meshes["lv_mesh"]
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    grid = PlaneGrid((-0.05, 0.05), (0.0, 0.1), (3, 3))
    plane = SlicePlane(grid, (0, 1e-9, 0), (1, 0, 0), (0, 0, 1))
    (line,) = mesh_section(*mesh.frame(4), plane)
    contour = exam.placement.plane_to_image(
        motion.contour(mesh.time[4:5], layers=2, count=2001)[0, 0]
    )
    away = np.hypot(*(line[:, None] - contour).transpose(2, 0, 1)).min(axis=1)
    on_base = line[:, 1] > contour[[0, -1], 1].min() - 1e-3
    assert away[~on_base].max() < 3e-4


def test_the_cavity_in_the_image_is_dark_and_its_wall_bright(exam):
    stream, mesh = exam.streams["b_mode_3d"], exam.meshes["lv_mesh"]
    fan, volumes = stream.geometry, stream.load()
    es = int(abs(stream.time - exam.truth.es_time).argmin())
    for k in (0, es):
        points, faces = mesh.frame(k)
        middle = points.mean(axis=0)
        inner = mesh_mask(middle + 0.75 * (points - middle), faces, fan)
        wall = mesh_mask(middle + 1.18 * (points - middle), faces, fan)
        wall &= ~mesh_mask(middle + 1.05 * (points - middle), faces, fan)
        assert inner.sum() > 400
        assert volumes[k][inner].mean() < volumes[k][wall].mean() - 60
        volume = 1e6 * (fan.sample_volumes() * mesh_mask(points, faces, fan)).sum()
        assert volume == pytest.approx(exam.truth.volume_ml[k], rel=0.02)


def test_swapped_axes_do_not_find_the_right_ventricle(exam):
    # It lies at negative x: on the left at azimuths below zero, in the middle of the
    # elevations.
    stream = exam.streams["b_mode_3d"]
    fan, volume = stream.geometry, stream.load()[0].astype(float)
    centre = np.array(exam.heart.right_ventricle.centre)
    place = exam.placement.to_image(centre)
    index = tuple(round(float(v)) for v in fan.index_of(*place))
    assert index[1] < fan.shape[1] / 2 - 4
    assert abs(index[0] - (fan.shape[0] - 1) / 2) < 2
    around = np.s_[index[0] - 1 : index[0] + 2, index[1] - 1 : index[1] + 2]
    here = volume[around][..., index[2] - 2 : index[2] + 3].mean()
    mirrored = volume[around[0], fan.shape[1] - 1 - index[1]]
    assert here < mirrored[..., index[2] - 2 : index[2] + 3].mean() - 20


def test_streams_have_their_clocks_and_sizes(exam):
    stream = exam.streams["b_mode_3d"]
    assert stream.values.dtype == np.uint8
    assert stream.shape[1:] == (24, 32, 96)
    assert 15 <= stream.rate <= 20
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
    again, other = simulate_volume(3), simulate_volume(5)
    np.testing.assert_array_equal(
        exam.streams["b_mode_3d"].load(), again.streams["b_mode_3d"].load()
    )
    np.testing.assert_array_equal(
        exam.meshes["lv_mesh"].points, again.meshes["lv_mesh"].points
    )
    assert other.truth.edv_ml != exam.truth.edv_ml


def test_slabs_of_several_beats_are_the_volume():
    exam = simulate_volume(3, beats=3)
    whole = exam.streams["b_mode_3d"]
    assert exam.slabs.shape[1:] == (8, 32, 96)
    assert len(exam.slab_r_peaks) == 4
    film = stitch_beats(exam.slabs, exam.slab_r_peaks, 3)
    np.testing.assert_array_equal(film.order[0], [2, 1, 0])
    assert film.stream.shape[1:] == whole.shape[1:]
    np.testing.assert_allclose(
        film.stream.geometry.elevation, whole.geometry.elevation, atol=1e-12
    )
    assert film.seam_score == pytest.approx(1.25, abs=0.15)
    # Nothing moves at the R peak: blood and noise apart, the volumes are the same.
    near = int(abs(whole.time - exam.qrs_times[0]).argmin())
    same = np.corrcoef(whole.load()[near].ravel(), film.stream.load()[0].ravel())
    assert same[0, 1] > 0.95
    mixed = np.roll(film.stream.load()[0], 8, axis=0)
    assert np.corrcoef(whole.load()[near].ravel(), mixed.ravel())[0, 1] < 0.7


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_volume(1, preset="tinny")
    for beats in (0, 5):
        with pytest.raises(InvalidArgumentError, match="beats"):
            simulate_volume(1, beats=beats)
    with pytest.raises(InvalidArgumentError, match="seed"):
        simulate_volume(-1)
