"""Volumes to voxels and cuts: closed forms, scipy, VTK, SimpleITK, refusals."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from cardium.core import (
    UNLABELLED,
    PlaneGrid,
    Sector,
    SectorVolume,
    SlicePlane,
    VolumeGrid,
)
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import (
    _sampling,
    apical_plane,
    convert_angles,
    grid_around,
    inside,
    plane_around,
    resample,
    resample_labels,
    resample_velocity,
    sampling_table,
    short_axis_plane,
    standard_planes,
    with_shape,
)

FAN = SectorVolume((0.01, 0.12), (-0.6, 0.4), (-0.3, 0.5), (15, 21, 33))
PYRAMID = replace(FAN, convention="tangent")
INNER = SectorVolume((0.03, 0.1), (-0.4, 0.2), (-0.2, 0.4), (9, 13, 17))
BOX = grid_around(FAN, shape=(31, 25, 27))
WITHIN = VolumeGrid.box(
    x=(-0.02, 0.01), y=(-0.01, 0.03), z=(0.04, 0.09), shape=(11, 9, 7)
)
# Steps that are neither upright nor at right angles.
ASLANT = VolumeGrid(
    (-0.02, 0.0, 0.05),
    ((0.001, 0.0004, 0.003), (0.0003, 0.003, -0.0005), (0.002, -0.001, 0.0)),
    (9, 8, 10),
)
CUT = SlicePlane(
    PlaneGrid(x=(-0.03, 0.02), z=(0.0, 0.06), shape=(19, 23)),
    origin=(0.005, 0.01, 0.04),
    right=(1, 0.3, 0.1),
    down=(0.0, -0.1 * 1.0, 0.3),
)
SOURCES = {"fan": FAN, "pyramid": PYRAMID, "box": BOX, "aslant": ASLANT}
TARGETS = {"box": WITHIN, "aslant": ASLANT, "cut": CUT, "inner": INNER, "self": FAN}
both = [
    pytest.param(s, t, id=f"{i}-{j}")
    for (i, s), (j, t) in itertools.product(SOURCES.items(), TARGETS.items())
]


def smooth(geometry):
    """A volume without symmetry: no mirror and no swap of axes keeps it."""
    x, y, z = geometry.points()
    return 90 + 40 * np.sin(70 * x + 0.4) * np.cos(50 * z) + 700 * y + 300 * x


@pytest.mark.parametrize(("source", "target"), both)
def test_agrees_with_scipy(source, target):
    values = smooth(source)
    index = np.stack(source.index_of(*target.points()))
    expected = map_coordinates(values, index, order=1, mode="nearest")
    kept = inside(source, target)
    assert kept.any()
    result = resample(values, source, target, outside=-5)
    assert result.shape == target.shape
    np.testing.assert_allclose(result[kept], expected[kept], atol=1e-5)
    assert (result[~kept] == -5).all()
    single = resample(values.astype(np.float32), source, target, outside=-5)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, result, atol=1e-4)
    grey = values.astype(np.uint8)
    exact = resample(grey.astype(float), source, target, outside=7)
    result = resample(grey, source, target, outside=7)
    assert result.dtype == np.uint8
    assert abs(result - exact).max() <= 0.5 + 1e-4


@pytest.mark.parametrize("volume", [FAN, PYRAMID], ids=["spherical", "tangent"])
@pytest.mark.parametrize("target", [WITHIN, ASLANT, CUT, INNER])
def test_function_linear_in_depth_and_angles_is_reproduced(volume, target):
    def linear(depth, azimuth, elevation):
        return 3 + 40 * depth - 7 * azimuth + 5 * elevation + 9 * azimuth * elevation

    values = linear(*volume.polar_of(*volume.points()))
    expected = linear(*volume.polar_of(*target.points()))
    result = resample(values, volume, target, outside=np.nan)
    kept = inside(volume, target)
    assert kept.mean() > 0.4
    np.testing.assert_allclose(result[kept], expected[kept], rtol=0, atol=2e-7)
    assert np.isnan(result[~kept]).all()


@pytest.mark.parametrize("target", [WITHIN, CUT, INNER])
def test_function_linear_in_metres_is_reproduced(target):
    def linear(x, y, z):
        return 5 - 30 * x + 80 * y + 7 * z

    values = linear(*BOX.points())
    result = resample(values, BOX, target, outside=np.nan)
    kept = inside(BOX, target)
    assert kept.mean() > 0.6
    expected = linear(*target.points())
    np.testing.assert_allclose(result[kept], expected[kept], rtol=0, atol=1e-6)


def test_a_sample_stays_where_it_was():
    beams = np.zeros(FAN.shape)
    beams[12, 17, 28] = 1.0
    where = [float(p[12, 17, 28]) for p in FAN.points()]
    fine = grid_around(FAN, shape=(80, 80, 80))
    voxels = resample(beams, FAN, fine)
    found = np.unravel_index(voxels.argmax(), voxels.shape)
    np.testing.assert_allclose([p[found] for p in fine.points()], where, atol=2e-3)
    assert where[0] > 0.01
    assert where[1] > 0.02


def test_conventions_place_the_same_samples_millimetres_apart():
    wide = SectorVolume((0.0, 0.12), (-0.6, 0.6), (-0.6, 0.6), (25, 25, 61))
    beams = np.zeros(wide.shape)
    beams[22, 22, 55] = 1.0
    grid = grid_around(wide, spacing=0.001)
    there = []
    for volume in (wide, replace(wide, convention="tangent")):
        voxels = resample(beams, volume, grid)
        centre = [(voxels * p).sum() / voxels.sum() for p in grid.points()]
        exact = volume.point_at(
            volume.depths[55], volume.azimuths[22], volume.elevations[22]
        )
        np.testing.assert_allclose(centre, exact, atol=5e-4)
        there.append(centre)
    assert np.linalg.norm(np.subtract(*there)) > 0.004


@pytest.mark.parametrize("volume", [FAN, PYRAMID, BOX, ASLANT])
def test_same_geometry_gives_the_same_values(volume):
    at_apex = replace(volume, depth=(0.0, 0.1)) if volume in (FAN, PYRAMID) else volume
    values = np.random.default_rng(0).normal(size=at_apex.shape)
    result = resample(values, at_apex, at_apex, outside=np.nan)
    np.testing.assert_allclose(result, values, atol=1e-9)


def test_one_convention_becomes_the_other_and_returns():
    spherical = SectorVolume((0.0, 0.12), (-0.5, 0.5), (-0.4, 0.4), (41, 51, 61))
    wide = SectorVolume(
        (0.0, 0.12), (-0.55, 0.55), (-0.4, 0.4), (41, 61, 61), "tangent"
    )
    values = smooth(spherical)
    there = resample(values, spherical, wide, outside=np.nan)
    back = resample(there, wide, spherical)
    kept = np.isfinite(back)
    assert kept.mean() > 0.85
    np.testing.assert_allclose(back[kept], values[kept], atol=0.3)


def test_agrees_with_vtk_on_an_oblique_cut():
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    values = smooth(BOX)
    image = vtk.vtkImageData()
    image.SetDimensions(*BOX.shape[::-1])
    image.SetOrigin(*BOX.origin)
    image.SetSpacing(*BOX.spacing[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    points, cloud = vtk.vtkPoints(), vtk.vtkPolyData()
    points.SetDataTypeToDouble()
    places = np.stack([p.ravel() for p in CUT.points()], axis=1)
    points.SetData(numpy_to_vtk(places, deep=True))
    cloud.SetPoints(points)
    probe = vtk.vtkProbeFilter()
    probe.SetInputData(cloud)
    probe.SetSourceData(image)
    probe.Update()
    data = probe.GetOutput().GetPointData()
    expected = vtk_to_numpy(data.GetScalars()).reshape(CUT.shape)
    valid = vtk_to_numpy(data.GetArray("vtkValidPointMask")).reshape(CUT.shape) > 0
    np.testing.assert_array_equal(inside(BOX, CUT), valid)
    result = resample(values, BOX, CUT)
    np.testing.assert_allclose(result[valid], expected[valid], atol=1e-5)


def test_agrees_with_simpleitk_between_grids():
    sitk = pytest.importorskip("SimpleITK")
    turned = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    step = 0.002
    # Array axes z, y, x: the columns of the turn are where x, y and z of the grid go.
    steps = tuple(tuple((step * turned[:, k]).tolist()) for k in (2, 1, 0))
    target = VolumeGrid((-0.01, -0.01, 0.03), steps, (12, 11, 10))
    values = smooth(BOX)
    image = sitk.GetImageFromArray(values)
    image.SetOrigin(BOX.origin)
    image.SetSpacing(BOX.spacing[::-1])
    like = sitk.Image(target.shape[::-1], sitk.sitkFloat64)
    like.SetOrigin(target.origin)
    like.SetSpacing((step,) * 3)
    like.SetDirection(turned.ravel().tolist())
    expected = sitk.GetArrayFromImage(
        sitk.Resample(image, like, sitk.Transform(), sitk.sitkLinear, -1.0)
    )
    kept = inside(BOX, target)
    result = resample(values, BOX, target, outside=-1)
    np.testing.assert_allclose(result[kept], expected[kept], atol=1e-5)
    assert kept.mean() > 0.5


def test_frames_of_a_stack_do_not_mix_and_other_types_are_rounded():
    stack = (
        np.random.default_rng(2).integers(0, 999, (2, 3, *FAN.shape)).astype(np.int16)
    )
    result = resample(stack, FAN, WITHIN, outside=-7)
    assert result.shape == (2, 3, *WITHIN.shape)
    assert result.dtype == np.int16
    exact = resample(stack.astype(float), FAN, WITHIN, outside=-7)
    np.testing.assert_array_equal(result, np.floor(exact + 0.5))
    for k in np.ndindex(2, 3):
        np.testing.assert_array_equal(
            resample(stack[k], FAN, WITHIN, outside=-7), result[k]
        )
    assert resample(np.zeros((0, *FAN.shape)), FAN, WITHIN).shape == (0, *WITHIN.shape)


def test_nearest_takes_whole_samples():
    x, y, z = WITHIN.points()
    index = [
        np.clip(np.ceil(i - 0.5).astype(int), 0, n - 1)
        for i, n in zip(FAN.index_of(x, y, z), FAN.shape, strict=True)
    ]
    for dtype in (np.uint8, np.int16, np.float32, np.float64, bool):
        values = np.random.default_rng(0).integers(0, 2**7, FAN.shape).astype(dtype)
        result = resample(values, FAN, WITHIN, method="nearest")
        assert result.dtype == dtype
        kept = inside(FAN, WITHIN)
        np.testing.assert_array_equal(result[kept], values[tuple(index)][kept])


def test_target_out_of_sight():
    far = VolumeGrid.box(x=(1, 2), y=(1, 2), z=(1, 2), shape=(3, 4, 5))
    for dtype in (np.uint8, np.float32, np.float64, np.int16):
        assert (resample(np.ones(FAN.shape, dtype), FAN, far, outside=9) == 9).all()
    assert not inside(FAN, far).any()
    codes = resample_labels(np.ones(FAN.shape, np.uint8), FAN, far)
    assert (codes == UNLABELLED).all()


def test_what_lies_behind_the_probe_is_outside():
    behind = VolumeGrid.box(
        x=(-0.05, 0.05), y=(-0.05, 0.05), z=(-0.1, -0.02), shape=(9, 9, 9)
    )
    for volume in (FAN, PYRAMID):
        assert not inside(volume, behind).any()


def test_labels_agree_with_the_vote_code_by_code():
    labels = np.random.default_rng(3).integers(0, 4, (2, *FAN.shape), np.uint8)
    votes = [resample((labels == k).astype(float), FAN, BOX) for k in range(4)]
    first, second = np.sort(votes, axis=0)[-1:-3:-1]
    decided = inside(FAN, BOX) & (first - second > 1e-5)
    result = resample_labels(labels, FAN, BOX)
    np.testing.assert_array_equal(result[decided], np.argmax(votes, axis=0)[decided])
    assert (result[:, ~inside(FAN, BOX)] == UNLABELLED).all()


def test_ties_go_to_the_lower_code_and_unlabelled_takes_no_part():
    pair = VolumeGrid.box(x=(0, 1), y=(0, 1), z=(0, 1), shape=(2, 2, 2))
    centre = with_shape(pair, (3, 3, 3))
    labels = np.array([[[7, 7], [3, 3]], [[5, 5], [255, 255]]], np.uint8)
    assert resample_labels(labels, pair, centre)[1, 1, 1] == 3
    labels[:] = 255
    labels[0, 0] = 4
    assert resample_labels(labels, pair, centre)[1, 1, 1] == UNLABELLED
    labels[0] = 4
    assert resample_labels(labels, pair, centre)[1, 1, 1] == 4


def test_volume_of_a_label_survives_conversion():
    x, y, z = FAN.points()
    ball = (x + 0.005) ** 2 + (y - 0.005) ** 2 + (z - 0.07) ** 2 < 0.02**2
    grid = grid_around(FAN, spacing=0.001)
    voxels = resample_labels(ball.astype(np.uint8), FAN, grid) == 1
    volume = voxels.sum() * grid.voxel_volume
    assert volume == pytest.approx(FAN.sample_volumes()[ball].sum(), rel=0.03)
    assert volume == pytest.approx(4 / 3 * math.pi * 0.02**3, rel=0.03)


def test_velocity_in_a_volume_folds_at_the_limit():
    limit = 0.6
    x, y, z = BOX.points()
    true = 9 * x + 5 * y - 8 * z
    folded = (true + limit) % (2 * limit) - limit
    x, y, z = WITHIN.points()
    result = resample_velocity(folded, BOX, WITHIN, velocity_limit=limit)
    error = (result - (9 * x + 5 * y - 8 * z) + limit) % (2 * limit) - limit
    assert abs(error).max() < 1e-3


volumes = st.one_of(
    st.builds(
        lambda d, a, e, s, c: SectorVolume(
            (d, d + 0.1), (a, a + 0.7), (e, e + 0.9), s, c
        ),
        st.floats(0, 0.05),
        st.floats(-0.8, 0.1),
        st.floats(-0.8, 0.1),
        st.tuples(*[st.integers(2, 12)] * 3),
        st.sampled_from(["spherical", "tangent"]),
    ),
    st.builds(
        lambda x, y, z, s: VolumeGrid.box(
            x=(x, x + 0.1), y=(y, y + 0.12), z=(z, z + 0.09), shape=s
        ),
        *[st.floats(-0.08, 0.05)] * 3,
        st.tuples(*[st.integers(2, 12)] * 3),
    ),
)


@given(volumes, volumes)
@settings(max_examples=50, deadline=None)
def test_table_is_in_bounds_and_its_runs_cover_it(source, target):
    table = sampling_table(source, target)
    corner = np.unravel_index(table.corner, source.shape)
    for index, count, weight in zip(corner, source.shape, table.weights, strict=True):
        assert ((index >= 0) & (index <= count - 2)).all()
        assert ((weight >= 0) & (weight <= 1)).all()
    covered = [first + np.arange(n) for first, _, n in table.runs]
    np.testing.assert_array_equal(np.concatenate([*covered, []]), table.pixel)


@given(volumes, st.tuples(*[st.integers(2, 12)] * 3))
@settings(max_examples=50, deadline=None)
def test_other_shape_has_the_same_corners(volume, shape):
    other = with_shape(volume, shape)
    assert type(other) is type(volume)
    assert other.shape == shape
    for before, after in zip(volume.points(), other.points(), strict=True):
        for k in itertools.product((0, -1), repeat=3):
            assert after[k] == pytest.approx(before[k], abs=1e-12)


def test_other_shape_of_a_cut_and_of_too_many_axes():
    finer = with_shape(CUT, (37, 45))
    for before, after in zip(CUT.points(), finer.points(), strict=True):
        np.testing.assert_allclose(after[::2, ::2], before, atol=1e-15)
    with pytest.raises(GeometryError, match=r"3 axes.*\(4, 4\)"):
        with_shape(FAN, (4, 4))
    with pytest.raises(GeometryError, match="2 samples"):
        with_shape(BOX, (4, 1, 4))


@pytest.mark.parametrize("function", [inside, sampling_table])
def test_planes_and_volumes_do_not_mix(function):
    sector = Sector((0.0, 0.1), (-0.5, 0.5), (5, 6))
    plane = plane_around(sector)
    for target in (sector, plane):
        with pytest.raises(GeometryError, match=r"lies in space.*SlicePlane"):
            function(FAN, target)
    for target in (FAN, BOX, CUT):
        with pytest.raises(GeometryError, match="lies in a plane"):
            function(sector, target)
    with pytest.raises(GeometryError, match=r"plane\.grid"):
        function(CUT, plane)
    with pytest.raises(GeometryError, match="lies in space"):
        resample(np.zeros(FAN.shape), FAN, plane, antialias=True)


def test_swapped_axes_are_refused():
    swapped = np.zeros((4, *FAN.shape[::-1]), np.uint8)
    for convert in (resample, resample_labels):
        with pytest.raises(GeometryError, match=r"\(33, 21, 15\).*transposed"):
            convert(swapped, FAN, BOX)


@pytest.mark.parametrize("convention", ["spherical", "tangent"])
@pytest.mark.parametrize(
    ("azimuth", "elevation"),
    [
        ((-0.6, 0.4), (-0.3, 0.5)),
        ((0.1, 0.9), (-0.8, -0.2)),
        ((-1.2, 1.3), (-1.4, 1.1)),
    ],
)
def test_grid_around_is_the_bounding_box(convention, azimuth, elevation):
    fan = SectorVolume((0.02, 0.1), azimuth, elevation, (161, 163, 3), convention)
    box = grid_around(fan, shape=(4, 5, 6))
    assert box.shape == (4, 5, 6)
    for places, ends in zip(fan.points(), box.points(), strict=True):
        assert ends.min() == pytest.approx(places.min(), abs=1e-5)
        assert ends.max() == pytest.approx(places.max(), abs=1e-5)
        assert ends.min() <= places.min() + 1e-12
        assert ends.max() >= places.max() - 1e-12


def test_spacing_of_the_grid_around():
    cubic = grid_around(FAN)
    assert cubic.shape[0] == FAN.shape[2]
    np.testing.assert_allclose(cubic.spacing, cubic.spacing[0], rtol=0.03)
    exact = grid_around(FAN, spacing=0.0023)
    np.testing.assert_allclose(exact.spacing, 0.0023, rtol=1e-12)
    for places, ends in zip(FAN.points(), exact.points(), strict=True):
        assert places.min() - 0.00115 - 1e-9 <= ends.min() <= places.min() + 1e-9
        assert places.max() - 1e-9 <= ends.max() <= places.max() + 0.00115 + 1e-9
    upright = grid_around(ASLANT)
    for places, ends in zip(ASLANT.points(), upright.points(), strict=True):
        assert (ends.min(), ends.max()) == pytest.approx((places.min(), places.max()))
    with pytest.raises(InvalidArgumentError, match="Give one"):
        grid_around(FAN, shape=(4, 4, 4), spacing=0.1)
    for nonsense in (0.0, -1.0, math.nan):
        with pytest.raises(InvalidArgumentError, match="positive"):
            grid_around(FAN, spacing=nonsense)


@pytest.mark.parametrize("volume", [FAN, PYRAMID, BOX], ids=["fan", "pyramid", "box"])
def test_planes_hold_their_cut_and_little_else(volume):
    for name, cut in standard_planes(volume).items():
        kept = inside(volume, cut)
        assert kept.any(axis=1)[2:-2].all(), name
        assert kept.any(axis=0)[2:-2].all(), name
        larger = replace(
            cut, grid=PlaneGrid(x=(-0.2, 0.2), z=(-0.2, 0.2), shape=(401, 401))
        )
        x, z = (p[inside(volume, larger)] for p in larger.grid.points())
        assert cut.grid.x[0] <= x.min() <= x.max() <= cut.grid.x[1]
        assert cut.grid.z[0] <= z.min() <= z.max() <= cut.grid.z[1]
        dz, dx = cut.grid.spacing
        assert dx == pytest.approx(dz, rel=1e-9)


def test_apical_planes_turn_about_the_axis():
    planes = standard_planes(FAN)
    assert list(planes) == ["4ch", "2ch", "3ch", "base", "mid", "apex"]
    for name, degrees in (("4ch", 0), ("2ch", 60), ("3ch", 120)):
        turn = math.radians(degrees)
        expected = math.cos(turn), math.sin(turn), 0.0
        np.testing.assert_allclose(planes[name].right, expected, atol=1e-15)
        assert planes[name].down == (0.0, 0.0, 1.0)
    # The plane of azimuth at elevation zero is the sector of those beams.
    flat = Sector(FAN.depth, FAN.azimuth, (FAN.shape[2], FAN.shape[1]))
    centred = replace(FAN, elevation=(-0.4, 0.4))
    values = smooth(centred)
    cut = apical_plane(centred)
    expected = resample(values[7].T, flat, cut.grid, outside=np.nan)
    result = resample(values, centred, cut, outside=np.nan)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_planes_of_an_axis_that_is_given():
    apex, base = (0.004, -0.003, 0.03), (-0.006, 0.011, 0.1)
    along = np.subtract(base, apex)
    length = np.linalg.norm(along)
    planes = standard_planes(FAN, (apex, base))
    for name in ("4ch", "2ch", "3ch"):
        assert planes[name].origin == apex
        np.testing.assert_allclose(planes[name].down, along / length)
        across, down, away = planes[name].project(*base)
        assert (across, down, away) == pytest.approx((0, length, 0), abs=1e-12)
    for name, share in (("base", 5 / 6), ("mid", 1 / 2), ("apex", 1 / 6)):
        np.testing.assert_allclose(planes[name].origin, apex + share * along)
        np.testing.assert_allclose(abs(np.dot(planes[name].normal, along)), length)
    own = short_axis_plane(FAN, 0.02, axis=(apex, base), rows=64)
    assert own.shape[0] == 64
    np.testing.assert_allclose(own.origin, apex + 0.02 * along / length)
    sideways = apical_plane(FAN, axis=((-0.02, 0.0, 0.06), (0.02, 0.0, 0.06)))
    assert sideways.down == (1.0, 0.0, 0.0)


def test_planes_refuse_nonsense():
    with pytest.raises(GeometryError, match="no length"):
        apical_plane(FAN, axis=((0, 0, 0.1), (0, 0, 0.1)))
    with pytest.raises(GeometryError, match="no length"):
        apical_plane(FAN, axis=((0, 0, math.nan), (0, 0, 0.1)))
    with pytest.raises(GeometryError, match="misses"):
        short_axis_plane(FAN, 0.2)


@given(st.floats(-1.4, 1.4), st.floats(-1.4, 1.4), st.floats(0.01, 0.2))
def test_converted_angles_name_the_same_point(azimuth, elevation, depth):
    there = convert_angles(azimuth, elevation, "spherical", "tangent")
    expected = FAN.point_at(depth, azimuth, elevation)
    np.testing.assert_allclose(PYRAMID.point_at(depth, *there), expected, atol=1e-12)
    back = convert_angles(*there, "tangent", "spherical")
    np.testing.assert_allclose(back, (azimuth, elevation), atol=1e-9)
    same = convert_angles(azimuth, elevation, "tangent", "tangent")
    assert tuple(map(float, same)) == (azimuth, elevation)


def test_angles_of_unknown_convention_are_refused():
    with pytest.raises(InvalidArgumentError, match="'polar'"):
        convert_angles(0.1, 0.1, "polar", "tangent")


def test_tables_are_made_once_by_all_threads_and_kept_within_bounds(monkeypatch):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(sampling_table(FAN, BOX)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(table) for table in found}) == 1
    assert sampling_table(FAN, BOX) is found[0]
    monkeypatch.setattr(_sampling, "_BUDGET", found[0].nbytes)
    other = sampling_table(PYRAMID, BOX)
    assert sampling_table(PYRAMID, BOX) is other
    assert sum(t.nbytes for t in _sampling._kept.values()) <= max(
        found[0].nbytes, other.nbytes
    )
    assert sampling_table(FAN, BOX) is not found[0]
