"""Resampling: functions it must reproduce, independent libraries, and refusals."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from cardium.core import UNLABELLED, PlaneGrid, Sector
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import (
    inside,
    plane_around,
    resample,
    resample_labels,
    resample_velocity,
    sampling_table,
    with_shape,
)

SECTOR = Sector(depth=(0.01, 0.12), angle=(-0.7, 0.5), shape=(57, 41))
BOX = Sector(depth=(0.03, 0.09), angle=(-0.3, 0.2), shape=(31, 17))
PLANE = plane_around(SECTOR)
WINDOW = PlaneGrid(x=(-0.02, 0.03), z=(0.03, 0.08), shape=(45, 37))

geometries = st.one_of(
    st.builds(
        lambda d, r, a, w, s: Sector(depth=(d, d + r), angle=(a, a + w), shape=s),
        st.floats(0, 0.05),
        st.floats(0.01, 0.2),
        st.floats(-1.5, 0.5),
        st.floats(0.1, 1.5),
        st.tuples(st.integers(2, 40), st.integers(2, 40)),
    ),
    st.builds(
        lambda x, z, w, h, s: PlaneGrid(x=(x, x + w), z=(z, z + h), shape=s),
        st.floats(-0.2, 0.1),
        st.floats(-0.1, 0.1),
        st.floats(0.01, 0.2),
        st.floats(0.01, 0.2),
        st.tuples(st.integers(2, 40), st.integers(2, 40)),
    ),
)


def polar(geometry):
    x, z = geometry.points()
    return np.hypot(x, z), np.arctan2(x, z)


def smooth(geometry):
    """A picture without symmetry: no mirror and no swap of axes keeps it."""
    x, z = geometry.points()
    return 90 + 60 * np.sin(90 * x + 0.4) * np.cos(50 * z) + 800 * x


@pytest.mark.parametrize("target", [PLANE, BOX, SECTOR], ids=["plane", "box", "self"])
def test_function_linear_in_range_and_angle_is_reproduced(target):
    (r, angle), (r_there, angle_there) = polar(SECTOR), polar(target)
    expected = 3 + 40 * r_there - 7 * angle_there + 50 * r_there * angle_there
    values = 3 + 40 * r - 7 * angle + 50 * r * angle
    result = resample(values, SECTOR, target, outside=np.nan)
    kept = inside(SECTOR, target)
    assert kept.sum() > 300
    np.testing.assert_allclose(result[kept], expected[kept], rtol=0, atol=1e-12)
    assert np.isnan(result[~kept]).all()


@pytest.mark.parametrize("target", [BOX, WINDOW], ids=["sector", "plane"])
def test_function_linear_in_x_and_z_is_reproduced(target):
    x, z = PLANE.points()
    x_there, z_there = target.points()
    result = resample(5 - 30 * x + 80 * z + 9 * x * z, PLANE, target, outside=np.nan)
    expected = 5 - 30 * x_there + 80 * z_there + 9 * x_there * z_there
    kept = inside(PLANE, target)
    assert kept.mean() > 0.9
    np.testing.assert_allclose(result[kept], expected[kept], rtol=0, atol=1e-12)


def test_sample_right_of_the_middle_stays_right_and_deep_stays_deep():
    beams = np.zeros(SECTOR.shape)
    beams[45, 33] = 1.0  # depth 98 mm, angle +0.29 rad
    image = resample(beams, SECTOR, PLANE)
    row, column = np.unravel_index(image.argmax(), image.shape)
    depth, angle = SECTOR.depths[45], SECTOR.angles[33]
    assert PLANE.xs[column] == pytest.approx(depth * np.sin(angle), abs=2e-3)
    assert PLANE.zs[row] == pytest.approx(depth * np.cos(angle), abs=2e-3)
    assert PLANE.xs[column] > 0.02


@pytest.mark.parametrize(
    ("source", "target"),
    [(SECTOR, PLANE), (PLANE, SECTOR), (SECTOR, BOX), (PLANE, WINDOW)],
)
def test_agrees_with_scipy(source, target):
    values = smooth(source)
    index = np.stack(source.index_of(*target.points()))
    expected = map_coordinates(values, index, order=1, mode="nearest")
    kept = inside(source, target)
    result = resample(values, source, target)
    np.testing.assert_allclose(result[kept], expected[kept], atol=1e-9)
    assert (result[~kept] == 0).all()


def test_agrees_with_cv2():
    cv2 = pytest.importorskip("cv2")
    row, column = (a.astype(np.float32) for a in SECTOR.index_of(*PLANE.points()))
    values = smooth(SECTOR).astype(np.float32)
    expected = cv2.remap(values, column, row, cv2.INTER_LINEAR)
    well_inside = np.zeros(PLANE.shape, bool)
    kept = inside(SECTOR, PLANE)
    well_inside[1:-1, 1:-1] = kept[1:-1, :-2] & kept[1:-1, 2:] & kept[:-2, 1:-1]
    well_inside[1:-1, 1:-1] &= kept[2:, 1:-1]
    result = resample(values, SECTOR, PLANE)
    np.testing.assert_allclose(result[well_inside], expected[well_inside], atol=0.01)


def test_bytes_are_within_half_a_grey_level():
    grey = np.random.default_rng(1).integers(0, 256, (3, 2, *SECTOR.shape), np.uint8)
    exact = resample(grey.astype(float), SECTOR, PLANE)
    result = resample(grey, SECTOR, PLANE)
    assert result.dtype == np.uint8
    assert result.shape == (3, 2, *PLANE.shape)
    assert abs(result - exact).max() <= 0.5 + 1e-4
    constant = np.full(SECTOR.shape, 255, np.uint8)
    assert (resample(constant, SECTOR, PLANE, outside=255) == 255).all()


@pytest.mark.parametrize("dtype", ["int16", "uint16", ">i2", "int32"])
def test_other_integers_are_rounded(dtype):
    values = np.random.default_rng(1).integers(0, 9999, SECTOR.shape).astype(dtype)
    exact = resample(values.astype(float), SECTOR, PLANE, outside=7)
    result = resample(values, SECTOR, PLANE, outside=7)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, np.floor(exact + 0.5))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_float_type_is_kept(dtype):
    result = resample(smooth(SECTOR).astype(dtype), SECTOR, PLANE, outside=np.nan)
    assert result.dtype == np.dtype(dtype)
    exact = resample(smooth(SECTOR), SECTOR, PLANE, outside=np.nan)
    np.testing.assert_allclose(result, exact, atol=400 * np.finfo(dtype).eps)


def test_frames_of_a_stack_do_not_mix():
    stack = np.random.default_rng(2).integers(0, 256, (5, *SECTOR.shape), np.uint8)
    result = resample(stack, SECTOR, PLANE)
    for frame, image in zip(stack, result, strict=True):
        np.testing.assert_array_equal(resample(frame, SECTOR, PLANE), image)
    backwards = resample(stack[::-1], SECTOR, PLANE)  # a view that is not contiguous
    np.testing.assert_array_equal(backwards, result[::-1])


def test_empty_stack_and_target_out_of_sight():
    assert resample(np.zeros((0, *SECTOR.shape)), SECTOR, PLANE).shape[0] == 0
    far = PlaneGrid(x=(1, 2), z=(1, 2), shape=(3, 4))
    for dtype in (np.uint8, np.float32, np.int16):
        values = np.ones(SECTOR.shape, dtype)
        assert (resample(values, SECTOR, far, outside=9) == 9).all()
    assert not inside(SECTOR, far).any()
    codes = resample_labels(np.ones(SECTOR.shape, np.uint8), SECTOR, far)
    assert (codes == UNLABELLED).all()


def test_read_only_values():
    values = smooth(SECTOR)
    values.setflags(write=False)
    np.testing.assert_allclose(resample(values, SECTOR, SECTOR), values, atol=1e-9)


def test_round_trip_of_a_smooth_picture():
    fine = with_shape(SECTOR, (225, 161))
    plane = plane_around(fine, rows=450)
    back = resample(resample(smooth(fine), fine, plane, outside=np.nan), plane, fine)
    kept = np.isfinite(back)
    assert kept.mean() > 0.9
    np.testing.assert_allclose(back[kept], smooth(fine)[kept], atol=0.05)


def test_same_geometry_gives_the_same_values():
    at_apex = Sector(depth=(0.0, 0.1), angle=(0.1, 0.9), shape=(20, 30))
    for geometry in (SECTOR, PLANE, at_apex):
        values = np.random.default_rng(0).normal(size=geometry.shape)
        result = resample(values, geometry, geometry, outside=np.nan)
        np.testing.assert_allclose(result, values, atol=1e-10)


def test_nearest_takes_whole_samples():
    line = PlaneGrid(x=(0.0, 0.03), z=(0.0, 0.01), shape=(2, 4))
    finer = PlaneGrid(x=(0.004, 0.026), z=(0.0, 0.01), shape=(2, 12))
    values = np.array([[10, 11, 12, 13], [20, 21, 22, 23]], np.int16)
    result = resample(values, line, finer, method="nearest")
    np.testing.assert_array_equal(result[0], 10 + np.rint(finer.xs / 0.01))
    halves = with_shape(line, (3, 7))
    tied = resample(values, line, halves, method="nearest")
    np.testing.assert_array_equal(tied[1], [10, 10, 11, 11, 12, 12, 13])
    flags = resample(values > 20, line, halves, method="nearest")
    assert flags.dtype == bool


def test_nan_spreads_to_its_neighbours_alone():
    values = np.zeros(PLANE.shape)
    values[20, 10] = np.nan
    result = resample(values, PLANE, with_shape(PLANE, (113, 2 * PLANE.shape[1] - 1)))
    spread = np.argwhere(np.isnan(result))
    assert (abs(spread - [40, 20]) <= 2).all()
    assert np.isnan(result[40, 20])


def test_table_is_made_once_and_cannot_be_changed():
    table = sampling_table(SECTOR, PLANE)
    assert sampling_table(replace(SECTOR), replace(PLANE)) is table
    assert table.pixel.dtype == table.corner.dtype == np.int32
    assert len(table.pixel) == inside(SECTOR, PLANE).sum()
    assert (np.diff(table.pixel) > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        table.weights[0][0] = 0


@given(geometries, geometries)
@settings(max_examples=60, deadline=None)
def test_table_is_in_bounds_and_its_runs_cover_it(source, target):
    table = sampling_table(source, target)
    row, column = np.divmod(table.corner, source.shape[1])
    assert ((row >= 0) & (row <= source.shape[0] - 2)).all()
    assert ((column >= 0) & (column <= source.shape[1] - 2)).all()
    for weight in table.weights:
        assert ((weight >= 0) & (weight <= 1)).all()
    covered = [first + np.arange(n) for first, _, n in table.runs]
    np.testing.assert_array_equal(np.concatenate([*covered, []]), table.pixel)
    expected = resample(smooth(source), source, target, outside=-1)
    single = resample(smooth(source).astype(np.float32), source, target, outside=-1)
    np.testing.assert_allclose(single, expected, atol=2e-3)


@given(geometries, st.tuples(st.integers(2, 50), st.integers(2, 50)))
@settings(max_examples=60, deadline=None)
def test_other_shape_has_the_same_corners_and_all_points_find_their_index(
    geometry, shape
):
    other = with_shape(geometry, shape)
    assert type(other) is type(geometry)
    assert with_shape(other, geometry.shape) == geometry
    for before, after in zip(geometry.points(), other.points(), strict=True):
        np.testing.assert_allclose(after[::-1, ::-1][:1, :1], before[-1:, -1:])
        np.testing.assert_allclose(after[:1, :1], before[:1, :1])
    x, z = other.points()
    row, column = other.index_of(x, z)
    rows, columns = np.indices(shape)
    np.testing.assert_allclose(row, rows, atol=1e-8)
    off_apex = np.hypot(x, z) > 1e-9 if isinstance(other, Sector) else x == x
    np.testing.assert_allclose(column[off_apex], columns[off_apex], atol=1e-8)


CURVED = Sector((0.0, 0.11), (-0.4, 0.6), (57, 41), apex_offset=0.05)
NEARER = Sector((0.0, 0.1), (-0.6, 0.7), (31, 37), apex_offset=0.04)


@pytest.mark.parametrize(
    ("source", "target"),
    [(CURVED, WINDOW), (WINDOW, CURVED), (CURVED, NEARER), (SECTOR, CURVED)],
)
def test_curved_probes_agree_with_scipy(source, target):
    values = smooth(source)
    index = np.stack(source.index_of(*target.points()))
    expected = map_coordinates(values, index, order=1, mode="nearest")
    kept = inside(source, target)
    assert kept.mean() > 0.2
    result = resample(values, source, target)
    np.testing.assert_allclose(result[kept], expected[kept], atol=1e-9)
    assert (result[~kept] == 0).all()


def test_depth_of_a_curved_probe_is_reproduced_and_is_not_the_radius():
    depth, angle = CURVED.polar_of(*CURVED.points())
    values = 40 * depth - 7 * angle
    depth, angle = CURVED.polar_of(*WINDOW.points())
    result = resample(values, CURVED, WINDOW, outside=np.nan)
    kept = inside(CURVED, WINDOW)
    np.testing.assert_allclose(result[kept], (40 * depth - 7 * angle)[kept], atol=1e-12)
    # The same fan with its apex on the face lies elsewhere: they must not be mixed.
    flat = replace(CURVED, apex_offset=0.0)
    moved = resample(values, flat, WINDOW, outside=np.nan)
    assert abs(moved - result)[kept & inside(flat, WINDOW)].max() > 0.5


def test_fans_of_one_apex_keep_their_beams_at_the_apex():
    fan = Sector((-0.05, 0.05), (-0.4, 0.6), (11, 9), apex_offset=0.05)
    values = np.random.default_rng(0).normal(size=fan.shape)
    part = replace(fan, angle=(-0.4, 0.1), shape=(11, 5))
    np.testing.assert_allclose(resample(values, fan, part), values[:, :5], atol=1e-12)


def test_plane_around_a_curved_probe_holds_it():
    plane = plane_around(CURVED, rows=201)
    x, z = CURVED.points()
    assert plane.x == pytest.approx((x.min(), x.max()))
    assert plane.z == pytest.approx((z.min(), 0.11))
    assert plane.z[0] < -0.008
    assert inside(plane, with_shape(CURVED, (9, 9))).all()


def test_beams_return_from_the_plane_by_depth():
    """PSNR of beams that went to pixels and back, in thirds of the depth.

    Speckle of the resolution of an image, three samples wide both ways, and pixels of
    two thirds of the closest samples at the far end.
    """
    from scipy.ndimage import gaussian_filter

    fan = Sector((0.02, 0.12), (-0.6, 0.6), (257, 193))
    noise = np.random.default_rng(4).normal(size=fan.shape)
    speckle = gaussian_filter(noise, 1.5)
    speckle = np.clip(128 + 50 * speckle / speckle.std(), 0, 255)
    pixel = min(fan.range_spacing, 0.12 * fan.beam_spacing) / 1.5

    def quality(pixel):
        plane = plane_around(fan, rows=round(0.12 / pixel))
        back = resample(resample(speckle, fan, plane), plane, fan)[4:-4, 4:-4]
        error = np.array_split((back - speckle[4:-4, 4:-4]) ** 2, 3)
        return [20 * np.log10(255) - 10 * np.log10(part.mean()) for part in error]

    near, middle, far = quality(pixel)
    assert near > 28
    assert middle > 34
    assert far > 36
    assert quality(3 * pixel)[0] < near - 6


def test_velocity_fold_does_not_bleed_through_zero():
    limit = 0.16
    x, _ = PLANE.points()
    true = 4.0 * x + 0.15  # crosses the limit within the plane
    folded = (true + limit) % (2 * limit) - limit
    there = with_shape(PLANE, (113, 301))
    expected = 4.0 * there.points()[0] + 0.15
    result = resample_velocity(folded, PLANE, there, velocity_limit=limit)
    error = (result - expected + limit) % (2 * limit) - limit
    assert abs(error).max() < 1e-4
    assert result.min() >= -limit
    assert result.max() < limit
    naive = resample(folded, PLANE, there)
    wrong = (naive - expected + limit) % (2 * limit) - limit
    assert abs(wrong).max() > 0.5 * limit


def test_velocity_keeps_sign_and_type_and_the_limit_folds():
    values = np.full(SECTOR.shape, -0.05, np.float32)
    plane = resample_velocity(values, SECTOR, PLANE, velocity_limit=np.float64(0.16))
    assert plane.dtype == np.float32
    assert np.isnan(plane[~inside(SECTOR, PLANE)]).all()
    np.testing.assert_allclose(plane[inside(SECTOR, PLANE)], -0.05, atol=1e-7)
    for dtype in (np.float32, np.float64):
        at_limit = np.full(SECTOR.shape, 0.16, dtype)
        back = resample_velocity(at_limit, SECTOR, BOX, velocity_limit=0.16)
        np.testing.assert_allclose(abs(back), 0.16, rtol=1e-6)
        assert (back < dtype(0.16)).all()
        assert (back >= -dtype(0.16)).all()
    shown = resample_velocity(values, SECTOR, PLANE, velocity_limit=0.16, outside=0)
    assert (shown[~inside(SECTOR, PLANE)] == 0).all()


def test_labels_never_invent_a_code_and_follow_the_linear_border():
    x, _ = PLANE.points()
    labels = np.where(x > 0.0101, 4, 1).astype(np.uint8)  # between are 2 and 3
    there = with_shape(PLANE, (100, 401))
    result = resample_labels(labels, PLANE, there)
    assert set(np.unique(result)) == {1, 4}
    share = resample((labels == 4).astype(float), PLANE, there)
    decided = abs(share - 0.5) > 1e-6
    np.testing.assert_array_equal((result == 4)[decided], (share > 0.5)[decided])


def test_labels_agree_with_the_vote_code_by_code():
    labels = np.random.default_rng(3).integers(0, 5, (2, *SECTOR.shape), np.uint8)
    votes = [resample((labels == k).astype(float), SECTOR, PLANE) for k in range(5)]
    expected = np.argmax(votes, axis=0)
    result = resample_labels(labels, SECTOR, PLANE)
    kept = inside(SECTOR, PLANE)
    np.testing.assert_array_equal(result[:, kept], expected[:, kept])
    assert (result[:, ~kept] == UNLABELLED).all()


def test_tie_goes_to_the_lower_code():
    line = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.1), shape=(2, 2))
    middle = with_shape(line, (3, 3))
    labels = np.array([[3, 1], [2, 5]], np.uint8)
    result = resample_labels(labels, line, middle)
    np.testing.assert_array_equal(result, [[3, 1, 1], [2, 1, 1], [2, 2, 5]])


def test_unlabelled_takes_no_part_in_the_vote():
    line = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.1), shape=(2, 2))
    centre = PlaneGrid(x=(0.05, 0.06), z=(0.05, 0.06), shape=(2, 2))
    labels = np.array([[255, 1], [255, 2]], np.uint8)  # at the centre 1/2, 1/4, 1/4
    assert resample_labels(labels, line, centre)[0, 0] == 1
    labels = np.array([[255, 255], [255, 2]], np.uint8)
    assert resample_labels(labels, line, centre)[0, 0] == UNLABELLED


def test_area_of_a_label_survives_scan_conversion():
    x, z = SECTOR.points()
    labels = (np.hypot(x - 0.005, z - 0.07) < 0.025).astype(np.uint8)
    fine = with_shape(PLANE, (400, 420))
    dz, dx = fine.spacing
    area = (resample_labels(labels, SECTOR, fine) == 1).sum() * dz * dx
    assert area == pytest.approx(np.pi * 0.025**2, rel=0.01)


@pytest.mark.parametrize(
    ("angle", "depth", "x", "z"),
    [
        ((-0.5, 0.3), (0.02, 0.1), (-0.1 * np.sin(0.5), 0.1 * np.sin(0.3)), None),
        ((0.2, 0.9), (0.02, 0.1), (0.02 * np.sin(0.2), 0.1 * np.sin(0.9)), None),
        ((-2.0, 2.0), (0.02, 0.1), (-0.1, 0.1), (0.1 * np.cos(2.0), 0.1)),
        ((-np.pi, np.pi), (0.0, 0.1), (-0.1, 0.1), (-0.1, 0.1)),
        ((-0.5, 0.5), (0.05, 0.1), None, (0.05 * np.cos(0.5), 0.1)),
    ],
)
def test_plane_is_the_bounding_box(angle, depth, x, z):
    sector = Sector(depth=depth, angle=angle, shape=(201, 401))
    plane = plane_around(sector)
    for expected, axis in ((x, plane.x), (z, plane.z)):
        if expected is not None:
            assert axis == pytest.approx(expected, abs=1e-12)
    at_x, at_z = sector.points()
    for points, (first, last) in ((at_x, plane.x), (at_z, plane.z)):
        assert points.min() == pytest.approx(first, abs=1e-5)
        assert points.max() == pytest.approx(last, abs=1e-5)
        assert first - 1e-12 <= points.min()
        assert points.max() <= last + 1e-12
    assert plane.shape[0] == 201
    dz, dx = plane.spacing
    assert abs(dx - dz) <= dz / (plane.shape[1] - 1)


def test_rows_of_the_plane_can_be_chosen():
    plane = plane_around(SECTOR, rows=512)
    assert plane.shape[0] == 512
    assert (plane.x, plane.z) == (PLANE.x, PLANE.z)
    with pytest.raises(GeometryError, match="2 rows"):
        plane_around(SECTOR, rows=1)


@pytest.mark.parametrize("convert", [resample, resample_labels])
def test_swapped_axes_are_refused(convert):
    swapped = np.zeros((4, *SECTOR.shape[::-1]), np.uint8)
    with pytest.raises(GeometryError, match=r"\(41, 57\).*\(57, 41\).*transposed"):
        convert(swapped, SECTOR, PLANE)


def test_nonsense_is_refused():
    grey = np.zeros(SECTOR.shape, np.uint8)
    with pytest.raises(InvalidArgumentError, match="'cubic'"):
        resample(grey, SECTOR, PLANE, method="cubic")
    for outside in (np.nan, 256, -1, 0.5):
        with pytest.raises(InvalidArgumentError, match="cannot hold"):
            resample(grey, SECTOR, PLANE, outside=outside)
    with pytest.raises(InvalidArgumentError, match="cannot interpolate"):
        resample(grey > 0, SECTOR, PLANE)
    with pytest.raises(InvalidArgumentError, match=r"numbers .* got complex128"):
        resample(grey.astype(complex), SECTOR, PLANE)
    with pytest.raises(InvalidArgumentError, match="Choose one"):
        resample(grey, SECTOR, PLANE, method="nearest", antialias=True)
    with pytest.raises(InvalidArgumentError, match="float32 or float64"):
        resample_velocity(grey, SECTOR, PLANE, velocity_limit=0.2)
    with pytest.raises(InvalidArgumentError, match="positive"):
        resample_velocity(grey.astype(float), SECTOR, PLANE, velocity_limit=0.0)
    with pytest.raises(InvalidArgumentError, match="uint8, got int64"):
        resample_labels(grey.astype(np.int64), SECTOR, PLANE)


def test_importing_the_layer_stays_light():
    heavy = {"numba", "torch", "scipy"}
    code = f"import sys, cardium.geometry; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
