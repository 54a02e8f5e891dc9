from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.errors import CardiumError, InvalidArgumentError
from cardium.geometry.mesh import mesh_volume
from cardium.phantom._motion_kernels import Body, Weights, outside, weigh
from cardium.phantom.build import build_heart
from cardium.phantom.cycle import Cycle, Function
from cardium.phantom.motion import Material, Motion
from cardium.phantom.patient import Patient
from cardium.phantom.region import Region, Regions, body_of
from cardium.phantom.rhythm import Rhythm
from cardium.phantom.shapes import LeftVentricle

ROUND = LeftVentricle(0.05, 0.025, 0.0095, 0.64)
OVAL = replace(ROUND, septal_excess=0.005, eccentricity=1.07)
LAD = Region(0.9, 0.9, apex=1.0, end=0.5, azimuth=math.radians(-90))
RCA = Region(1.0, 1.0, azimuth=math.radians(130))
AMYLOID = Region(0.0, 0.75, start=0.15, end=0.95)

CASES: dict[str, tuple[LeftVentricle, float, Regions]] = {
    "healthy": (ROUND, 0.62, ()),
    "oval": (OVAL, 0.60, ()),
    "lad": (OVAL, 0.42, (LAD,)),
    "rca": (ROUND, 0.45, (RCA,)),
    "amyloid": (replace(OVAL, wall=0.015), 0.5, (AMYLOID,)),
    "both": (
        OVAL,
        0.4,
        (replace(RCA, across=0.6, along=0.6), replace(AMYLOID, along=0.3)),
    ),
}
TIMES = (0.12, 0.2, 0.36, 0.5, 0.62)


def build(ventricle: LeftVentricle, emptying: float, regions: Regions) -> Motion:
    function = Function(65, emptying, 0.255 * emptying, 0.16, 0.6)
    return Motion(ventricle, Cycle(function, Rhythm.regular(65, beats=1)), regions)


@pytest.fixture(scope="module", params=CASES)
def motion(request) -> Motion:
    return build(*CASES[request.param])


def end_systole(motion: Motion) -> float:
    return motion.cycle.beats[0].end_systole


def points_between(motion: Motion, low: float, high: float, seed: int, n: int = 600):
    """Random end-diastolic points: 0..1 is the cavity, 1..2 the wall, by volume."""
    lv, rng = motion.ventricle, np.random.default_rng(seed)
    z = rng.uniform(-0.9 * lv.wall if low >= 1 else 0.001, 0.999 * lv.length, n)
    angle = rng.uniform(-np.pi, np.pi, n)
    inner = lv.layer_radius_squared(z)
    outer = lv.layer_radius_squared(z, fraction=1.0, theta=angle)
    place = rng.uniform(low, high, n)
    square = np.where(place < 1, inner * place, inner + (place - 1) * (outer - inner))
    x, y = np.sqrt(square) * np.cos(angle), np.sqrt(square) * np.sin(angle)
    return lv.from_round(np.stack([x, y, z], axis=-1))


def wall_points(motion: Motion, seed: int = 1):
    return points_between(motion, 1.01, 1.99, seed)


def cavity_points(motion: Motion, seed: int = 2):
    return points_between(motion, 0.0, 0.98, seed)


def surroundings() -> np.ndarray:
    """A grid of points through and around the heart, in the frame of the ventricle."""
    x = np.linspace(-0.075, 0.075, 61)
    z = np.linspace(-0.035, 0.15, 75)
    return np.stack(np.meshgrid(x, [0.0, 0.013, -0.04], z, indexing="ij"), axis=-1)


def by_differences(motion: Motion, points: np.ndarray, time: float) -> np.ndarray:
    step = 1e-6
    columns = []
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        ahead = motion.forward(points + shift, time)
        behind = motion.forward(points - shift, time)
        columns.append((ahead - behind) / (2 * step))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("time", TIMES)
def test_the_wall_is_incompressible(motion, time):
    points = wall_points(motion)
    volume = np.linalg.det(by_differences(motion, points, time))
    np.testing.assert_allclose(volume, 1, atol=1e-6)
    exact = motion.gradient(points, time)
    np.testing.assert_allclose(np.linalg.det(exact), 1, atol=1e-12)


@pytest.mark.parametrize("time", TIMES)
def test_the_cavity_shrinks_with_the_wall_around_it(motion, time):
    first = 0.0 if not motion.regions else 0.6**2
    points = points_between(motion, first + 0.001, 0.98, 3)
    # At the height and angle of a point of the cavity the wall takes the share k.
    lv = motion.ventricle
    radius, _, z = lv.cylindrical(points)
    onto = np.sqrt(lv.layer_radius_squared(z)) / radius * (1 - 1e-9)
    local = motion.material(points * np.stack([onto, onto, 1 + 0 * onto], -1)).share
    expected = 1 - float(motion.cycle.emptying(np.array(time))) * local
    found = np.linalg.det(motion.gradient(points, time))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    near = np.linalg.det(by_differences(motion, points, time))
    np.testing.assert_allclose(near, expected, atol=2e-6)


@pytest.mark.parametrize("time", TIMES)
def test_the_gradient_is_the_derivative_of_the_map(motion, time):
    points = np.concatenate([wall_points(motion), cavity_points(motion)])
    near = by_differences(motion, points, time)
    np.testing.assert_allclose(motion.gradient(points, time), near, atol=3e-6)


@pytest.mark.parametrize("time", TIMES)
def test_inverse_is_exact_in_wall_and_cavity(motion, time):
    points = np.concatenate([wall_points(motion), cavity_points(motion)])
    back = motion.inverse(motion.forward(points, time), time)
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("time", [0.2, 0.36, 0.5])
def test_inverse_holds_everywhere_else(motion, time):
    points = surroundings()
    there = motion.forward(motion.inverse(points, time), time)
    np.testing.assert_allclose(there, points, rtol=0, atol=1e-12)
    back = motion.inverse(motion.forward(points, time), time)
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-10)


def test_tissue_around_the_heart_is_never_folded(motion):
    points = surroundings()
    for time in np.linspace(0.05, 0.9, 9):
        assert (np.linalg.det(by_differences(motion, points, time)) > 0.05).all()


@settings(max_examples=25, deadline=None)
@given(
    emptying=st.floats(0.15, 0.65),
    wall=st.floats(0.006, 0.016),
    oval=st.floats(0.9, 1.12),
    azimuth=st.floats(-math.pi, math.pi),
    severity=st.floats(0, 1),
    apex=st.floats(0, 1),
)
def test_no_heart_folds_or_loses_a_point(emptying, wall, oval, azimuth, severity, apex):
    lv = replace(ROUND, wall=wall, eccentricity=oval, septal_excess=0.3 * wall)
    region = Region(severity, severity, apex=apex, end=0.5, azimuth=azimuth)
    try:
        motion = build(lv, emptying, (region,))
    except InvalidArgumentError:
        return
    time, points = end_systole(motion), surroundings()[::4, :, ::4]
    assert (np.linalg.det(by_differences(motion, points, time)) > 0.03).all()
    there = motion.forward(motion.inverse(points, time), time)
    np.testing.assert_allclose(there, points, rtol=0, atol=1e-11)


def test_the_axis_of_the_cavity_is_not_torn():
    motion = build(*CASES["lad"])
    time, z = end_systole(motion), np.linspace(-0.005, 0.11, 60)
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)[:, None]
    near = 1e-7 * np.stack(
        [np.cos(turn) + 0 * z, np.sin(turn) + 0 * z, 0 * turn + 0 * z], -1
    )
    there = motion.forward(near + np.stack([0 * z, 0 * z, z], -1), time)
    assert np.ptp(there, axis=0).max() < 4e-7


def test_material_in_the_valve_ring_does_not_collapse_onto_the_axis(motion):
    base = motion.ventricle.length
    z = base + np.linspace(-0.002, 0.04, 43)
    points = np.stack([np.full_like(z, 0.010), np.zeros_like(z), z], axis=-1)
    x, y, height = motion.forward(points, end_systole(motion)).T
    radius = np.hypot(x, y)
    assert radius.min() > 0.004
    assert abs(np.diff(radius)).max() < 0.0006
    assert (np.diff(height) > 0).all()


def test_the_map_is_continuous_across_the_surfaces(motion):
    lv, es = motion.ventricle, end_systole(motion)
    z = np.linspace(0.1, 0.9, 9) * lv.length
    angle = np.linspace(-3, 3, 9)
    for fraction in (0.0, 1.0):
        radius = np.sqrt(lv.layer_radius_squared(z, fraction=fraction, theta=angle))
        sides = [
            lv.from_round(np.stack([r * np.cos(angle), r * np.sin(angle), z], -1))
            for r in (radius - 1e-9, radius + 1e-9)
        ]
        gap = motion.forward(sides[0], es) - motion.forward(sides[1], es)
        assert abs(gap).max() < 1e-8
        jump = motion.velocity(sides[0], 0.2) - motion.velocity(sides[1], 0.2)
        assert abs(jump).max() < 1e-6


@pytest.mark.parametrize("time", TIMES)
def test_velocity_is_the_derivative_of_the_map(motion, time):
    around = surroundings()[::5, :, ::5].reshape(-1, 3)
    points = np.concatenate([wall_points(motion), cavity_points(motion), around])
    step = 1e-6
    ahead, behind = (motion.forward(points, time + s) for s in (step, -step))
    expected = (ahead - behind) / (2 * step)
    here = motion.forward(points, time)
    np.testing.assert_allclose(motion.velocity(here, time), expected, atol=2e-8)
    rate = motion.rate(motion.material(points), time)
    np.testing.assert_allclose(rate, expected, atol=2e-8)


def moved_mesh_volume(motion: Motion, time: float) -> float:
    """Volume of a fine mesh of the moved endocardium, closed by a fan at the base."""
    lv, spokes, rings = motion.ventricle, 256, 192
    z, _ = lv.layer_heights(0.0, 2 * rings + 1)
    z = z[rings + 1 :]
    angle = np.linspace(-np.pi, np.pi, spokes, endpoint=False)
    radius = np.sqrt(lv.layer_radius_squared(z)) * (1 + 1e-13)
    grid = [radius[:, None] * np.cos(angle), radius[:, None] * np.sin(angle)]
    ring = np.stack([*grid, np.broadcast_to(z[:, None], grid[0].shape)], axis=-1)
    poles = [[[0.0, 0.0, 0.0]], [[0.0, 0.0, lv.length]]]
    corners = np.concatenate([lv.from_round(ring.reshape(-1, 3)), *poles])
    a = np.arange(spokes)
    b = (a + 1) % spokes
    row = spokes * np.arange(rings - 1)[:, None]
    p, q = (row + a).ravel(), (row + b).ravel()
    apex, base, last = rings * spokes, rings * spokes + 1, (rings - 1) * spokes
    faces = [
        np.stack([p, q, p + spokes], 1),
        np.stack([q, q + spokes, p + spokes], 1),
        np.stack([np.full(spokes, apex), b, a], 1),
        np.stack([np.full(spokes, base), last + a, last + b], 1),
    ]
    return mesh_volume(motion.forward(corners, time), np.concatenate(faces))


def test_the_moved_endocardium_holds_what_is_stated(motion):
    edv = motion.ventricle.cavity_volume
    whole = moved_mesh_volume(motion, 0.0)
    # What chords of the surface miss is nearly the same part at any time.
    assert whole == pytest.approx(edv, rel=3e-4)
    for time in TIMES:
        stated = float(motion.volume(np.array(time)))
        assert moved_mesh_volume(motion, time) / whole == pytest.approx(
            stated / edv, rel=1e-4
        )
        emptied = float(motion.cycle.emptying(np.array(time)))
        assert stated == pytest.approx(edv * (1 - emptied), rel=1e-14)


def test_the_volume_of_a_round_heart_is_exact_by_discs():
    motion = build(*CASES["healthy"])
    times = np.array([0.0, *TIMES])
    half = motion.contour(times, layers=2, count=8001)[:, :, 4000:]
    squared = (half[..., 1:, 0] ** 2 + half[..., :-1, 0] ** 2) / 2
    volume = (np.pi * squared * np.diff(half[..., 1], axis=-1)).sum(axis=-1)
    np.testing.assert_allclose(volume[:, 0], motion.volume(times), rtol=1e-6)
    muscle = volume[:, 1] - volume[:, 0]
    np.testing.assert_allclose(muscle, motion.ventricle.myocardial_volume, rtol=1e-5)


def test_the_wall_keeps_its_volume_by_counting(motion):
    """Material points of equal volume stay so: cells that map back into the wall."""
    es, cell = end_systole(motion), 0.0018
    side = np.arange(-0.042, 0.042, cell)
    z = np.arange(-0.018, motion.ventricle.length, cell)
    points = np.stack(np.meshgrid(side, side, z, indexing="ij"), axis=-1)
    radius, theta, height = motion.ventricle.cylindrical(motion.inverse(points, es))
    lv = motion.ventricle
    within = (height < lv.length) & (
        lv.epicardial_level(radius, height, theta=theta) < 1
    )
    cavity = within & (radius**2 < lv.layer_radius_squared(height)) & (height > 0)
    counted = cavity.sum() * cell**3, (within & ~cavity).sum() * cell**3
    expected = float(motion.volume(np.array(es))), lv.myocardial_volume
    np.testing.assert_allclose(counted, expected, rtol=0.025)
    share = motion.cavity_share(points, es)
    np.testing.assert_array_equal(share < 1, cavity)


def test_the_wall_thickens_where_it_contracts():
    motion = build(*CASES["lad"])
    es = end_systole(motion)
    for rotation, alive in ((math.radians(-90), False), (math.radians(90), True)):
        contour = motion.contour(
            np.array([0, es]), layers=2, count=201, rotation=rotation
        )
        wall = np.diff(contour[:, :, 180, 0], axis=1)[:, 0]
        assert (wall[1] > 1.25 * wall[0]) == alive
        assert (wall[1] < 1.12 * wall[0]) != alive


def test_the_base_descends_and_the_apex_stays(motion):
    es = end_systole(motion)
    lost = (1 - float(motion.cycle.stretch(np.array(es)))) * motion.ventricle.length
    even = np.linspace(0, np.pi, 36, endpoint=False)
    turns = np.arctan2(np.sin(even), motion.ventricle.eccentricity**2 * np.cos(even))
    np.testing.assert_allclose(motion.ventricle.azimuth(turns), even, atol=1e-12)
    ends = []
    for rotation in turns:
        contour = motion.contour(np.array([0.0, es]), count=61, rotation=rotation)
        assert abs(contour[:, 0, 30]).max() < 1e-12
        assert contour[0, :, 0, 0].max() < 0 < contour[0, :, -1, 0].min()
        ends.append(contour[0, 0, [0, -1], 1] - contour[1, 0, [0, -1], 1])
    assert np.mean(ends) == pytest.approx(lost, rel=1e-3)


@pytest.mark.parametrize("rotation", [0.0, -1.05, 2.0])
def test_a_contour_is_where_the_moved_layer_meets_the_plane(motion, rotation):
    es, lv = end_systole(motion), motion.ventricle
    contour = motion.contour(np.array([es]), layers=3, count=21, rotation=rotation)[0]
    across = contour[..., 0]
    points = np.stack(
        [across * np.cos(rotation), across * np.sin(rotation), contour[..., 1]], -1
    )
    radius, theta, z = lv.cylindrical(motion.inverse(points * [1, 1, 1 - 1e-12], es))
    for layer, fraction in enumerate((0.0, 0.5, 1.0)):
        expected = lv.layer_radius_squared(
            z[layer], fraction=fraction, theta=theta[layer]
        )
        np.testing.assert_allclose(radius[layer] ** 2, expected, atol=1e-9)
        np.testing.assert_allclose(z[layer, [0, -1]], lv.length, atol=1e-9)
    assert (across[:, :10] < 0).all()
    assert (across[:, 11:] > 0).all()


def test_contours_move_smoothly(motion):
    times = np.linspace(0.1, 0.9, 801)
    contour = motion.contour(times, layers=2, count=41, rotation=0.4)
    assert abs(np.diff(contour, axis=0)).max() < 0.00025
    assert abs(np.diff(contour, n=2, axis=0)).max() < 0.00001


def test_the_right_of_a_contour_is_the_side_the_plane_turns_to():
    motion = build(*CASES["rca"])
    es = end_systole(motion)
    # The inferior wall, at +130 degrees, stands still; its other side contracts.
    inferior = math.radians(130)
    contour = motion.contour(np.array([0, es]), layers=2, count=61, rotation=inferior)
    still, moving = contour[:, 0, 52], contour[:, 0, 8]
    assert abs(still[1, 0] - still[0, 0]) < 0.0012
    assert abs(moving[1, 0]) < 0.8 * abs(moving[0, 0])


def test_twist_turns_apex_and_base_against_each_other():
    motion = build(*CASES["healthy"])
    lv, es = motion.ventricle, end_systole(motion)
    angles = []
    for part in (0.0, 1.0):
        z = part * lv.length
        radius = math.sqrt(lv.layer_radius_squared(np.array(z), fraction=0.5))
        x, y, _ = motion.forward(np.array([radius, 0.0, z]), es)
        angles.append(math.atan2(y, x))
    # Seen from the apex y points down: negative is anticlockwise.
    assert angles[0] < 0 < angles[1]
    assert angles[1] - angles[0] == pytest.approx(motion.cycle.function.twist)


def test_an_ellipse_has_the_same_area_and_its_axes():
    motion = build(*CASES["oval"])
    lv, es = motion.ventricle, end_systole(motion)
    turns = np.linspace(-np.pi, np.pi, 720, endpoint=False)
    ring = [
        math.sqrt(lv.layer_radius_squared(np.array(0.05))) * f(turns)
        for f in (np.cos, np.sin)
    ]
    points = lv.from_round(np.stack([*ring, np.full(720, 0.05)], -1))
    for time in (0.0, es):
        x, y, z = motion.forward(points, time).T
        area = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        k, s = (
            float(f(np.array(time)))
            for f in (motion.cycle.emptying, motion.cycle.stretch)
        )
        assert area == pytest.approx(
            np.pi * lv.layer_radius_squared(np.array(0.05)) * (1 - k) / s, rel=1e-4
        )
        assert x.max() / y.max() == pytest.approx(1.07**2, rel=1e-4)
        assert np.ptp(z) < 1e-12


def test_positions_in_single_precision_are_those_in_double(motion):
    points = np.concatenate([wall_points(motion), surroundings().reshape(-1, 3)])
    double = motion.material(points)
    single = Material(*(part.astype(np.float32) for part in double))
    for time in TIMES:
        x, y, z = motion.position(single, time)
        assert x.dtype == y.dtype == z.dtype == np.float32
        exact = motion.forward(points, time)
        np.testing.assert_allclose(np.stack([x, y, z], -1), exact, atol=5e-8)
        rate = motion.rate(single, time)
        assert rate.dtype == np.float32
        assert rate.shape == points.shape
        np.testing.assert_allclose(rate, motion.rate(double, time), atol=5e-7)


def test_the_loops_know_the_same_shape_as_the_ventricle():
    motion = build(*CASES["lad"])
    lv, body = motion.ventricle, body_of(motion.contraction)
    assert isinstance(body, Body)
    rng = np.random.default_rng(0)
    for _ in range(200):
        radius, angle = rng.uniform(0, 0.05), rng.uniform(-np.pi, np.pi)
        z = rng.uniform(-0.01, lv.length)
        level = lv.epicardial_level(
            np.array(radius), np.array(z), theta=np.array(angle)
        )
        expected = (float(level) - 1) * (lv.short_axis + lv.wall)
        assert outside(body, radius, angle, z) == pytest.approx(expected, abs=1e-15)
    assert Material._fields == ("x", "y", "z", *Weights._fields)
    assert weigh(body, 0.0, 0.03, 0.05).radial == 1.0


@pytest.fixture(scope="module")
def whole() -> Motion:
    """A heart with its right ventricle."""
    return Motion.of(build_heart(Patient()))


def around_the_right(step: float) -> np.ndarray:
    """A grid of points through and around the right ventricle and the atria."""
    x, y = np.arange(-0.095, 0.055, step), np.arange(-0.075, 0.08, step)
    z = np.arange(-0.03, 0.15, step)
    return np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)


def test_the_right_ventricle_changes_no_bit_of_the_left(whole):
    alone = Motion(whole.ventricle, whole.cycle, whole.regions)
    points = np.concatenate([wall_points(whole), cavity_points(whole)])
    for time in TIMES:
        there = whole.forward(points, time)
        np.testing.assert_array_equal(there, alone.forward(points, time))
        np.testing.assert_array_equal(
            whole.inverse(there, time), alone.inverse(there, time)
        )
        np.testing.assert_array_equal(
            whole.gradient(points, time), alone.gradient(points, time)
        )
        for moved in (whole, alone):
            assert not moved.material(points).inward.any()
        rates = [m.rate(m.material(points), time) for m in (whole, alone)]
        np.testing.assert_array_equal(*rates)
    # It begins with its derivatives zero.
    lv, z = whole.ventricle, np.linspace(0.2, 0.95, 40) * whole.ventricle.length
    angle = np.radians(-160.0)
    near = np.sqrt(lv.layer_radius_squared(z, fraction=1.0, theta=angle)) + 1e-4
    flat = [near * np.cos(angle), near * np.sin(angle), z]
    beside = lv.from_round(np.stack(flat, axis=-1))
    gap = whole.forward(beside, 0.36) - alone.forward(beside, 0.36)
    assert abs(gap).max() < 1e-4 * 1e-4


@pytest.mark.parametrize("ef", [25.0, 40.0, 60.0, 68.0])
def test_the_right_ventricle_never_folds(ef):
    patient = Patient(ef_percent=ef, gls_percent=-0.33 * ef, edv_ml=240 - 2 * ef)
    motion = Motion.of(build_heart(patient))
    points = around_the_right(0.005)
    for time in (0.15, end_systole(motion), 0.5):
        assert (np.linalg.det(by_differences(motion, points, time)) > 0.1).all()
        there = motion.forward(motion.inverse(points, time), time)
        np.testing.assert_allclose(there, points, rtol=0, atol=1e-11)
        back = motion.inverse(motion.forward(points, time), time)
        np.testing.assert_allclose(back, points, rtol=0, atol=1e-10)


@pytest.mark.parametrize("time", TIMES)
def test_the_rate_of_the_right_ventricle_is_its_derivative(whole, time):
    points, step = around_the_right(0.012), 1e-6
    ahead, behind = (whole.forward(points, time + s) for s in (step, -step))
    rate = whole.rate(whole.material(points), time)
    np.testing.assert_allclose(rate, (ahead - behind) / (2 * step), atol=3e-8)


def test_the_tricuspid_ring_descends_and_the_descending_aorta_hardly_moves(whole):
    heart, es = build_heart(Patient()), end_systole(whole)
    lateral = heart.tricuspid.points(np.array([0.0]))
    assert 0.017 < (lateral - whole.forward(lateral, es))[0, 2] < 0.025
    tube = heart.descending_aorta
    line = np.linspace(tube.start, tube.end, 9)
    assert np.linalg.norm(whole.forward(line, es) - line, axis=1).max() < 0.008


def test_a_motion_of_a_heart_has_its_regions():
    patient = Patient()
    motion = Motion.of(build_heart(patient))
    assert motion.regions == ()
    assert len(motion.cycle.beats) == 2


def test_what_cannot_be_is_refused():
    with pytest.raises(InvalidArgumentError, match="where the wall is healthy"):
        build(ROUND, 0.62, (LAD,))
    function = Function(65, 0.6, 0.15, 9.0, 0.6)
    with pytest.raises(InvalidArgumentError, match="degrees"):
        Motion(ROUND, Cycle(function, Rhythm.regular(65, beats=1)))
    with pytest.raises(CardiumError, match="finite"):
        build(*CASES["healthy"]).inverse(np.full((1, 3), np.nan), 0.2)
    with pytest.raises(InvalidArgumentError, match="eccentricity"):
        replace(ROUND, eccentricity=2.0)
    with pytest.raises(InvalidArgumentError, match="septal excess"):
        replace(ROUND, septal_excess=0.03)


def test_importing_the_motion_does_not_compile():
    code = "import sys, cardium.phantom.motion; print('numba' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize("ventricle", [ROUND, OVAL])
def test_the_volume_of_the_wall_is_that_between_its_layers(ventricle):
    node, weight = np.polynomial.legendre.leggauss(300)
    angle = np.linspace(-np.pi, np.pi, 2000, endpoint=False)
    total = 0.0
    for low, high in ((-ventricle.wall, 0.0), (0.0, ventricle.length)):
        z = low + (1 + node) / 2 * (high - low)
        outer = ventricle.layer_radius_squared(z, fraction=1.0, theta=angle[:, None])
        ring = np.pi * (outer.mean(axis=0) - ventricle.layer_radius_squared(z))
        total += (weight * ring).sum() * (high - low) / 2
    assert ventricle.myocardial_volume == pytest.approx(total, rel=1e-7)
    assert (ventricle.myocardial_volume > ROUND.myocardial_volume) == (
        ventricle.septal_excess > 0
    )


def test_the_excess_is_of_the_basal_septum():
    z = 0.9 * OVAL.length
    for degrees, expected in ((-168, OVAL.septal_excess), (12, 0.0), (-60, 0.0)):
        theta = np.array(math.radians(degrees))
        outer = OVAL.layer_radius_squared(np.array(z), fraction=1.0, theta=theta)
        plain = OVAL.layer_radius_squared(np.array(z), fraction=1.0)
        assert math.sqrt(outer) - math.sqrt(plain) == pytest.approx(expected)
    assert float(OVAL.septal_swell(np.array(-3.0), np.array(0.3 * OVAL.length))) == 0
