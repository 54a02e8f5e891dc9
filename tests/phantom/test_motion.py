from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.phantom.anatomy import sample_heart
from cardium.phantom.motion import Motion

TIMES = (0.12, 0.2, 0.36, 0.5, 0.62)


def wall_points(motion: Motion, rng: np.random.Generator, n: int = 400):
    """Random end-diastolic points well inside the wall."""
    lv = motion.ventricle
    z = rng.uniform(0.05, 0.95, n) * lv.length
    inner = np.sqrt(lv.layer_radius_squared(z))
    outer = np.sqrt(lv.layer_radius_squared(z, fraction=1.0))
    radius = inner + rng.uniform(0.05, 0.95, n) * (outer - inner)
    angle = rng.uniform(-np.pi, np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)


def cavity_points(motion: Motion, rng: np.random.Generator, n: int = 400):
    lv = motion.ventricle
    z = rng.uniform(0.05, 0.95, n) * lv.length
    radius = np.sqrt(lv.layer_radius_squared(z) * rng.uniform(0, 0.95, n))
    angle = rng.uniform(-np.pi, np.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)


def surroundings() -> np.ndarray:
    """A grid of points through and around the heart, in the frame of the ventricle."""
    x = np.linspace(-0.075, 0.075, 76)
    z = np.linspace(-0.035, 0.15, 94)
    return np.stack(np.meshgrid(x, [0.0, 0.013], z, indexing="ij"), axis=-1)


def jacobian(motion: Motion, points: np.ndarray, time: float) -> np.ndarray:
    step = 1e-6
    columns = []
    for axis in range(3):
        shift = step * np.eye(3)[axis]
        ahead = motion.forward(points + shift, time)
        behind = motion.forward(points - shift, time)
        columns.append((ahead - behind) / (2 * step))
    return np.linalg.det(np.stack(columns, axis=-1))


@pytest.fixture(scope="module", params=[0, 4, 11])
def motion(request) -> Motion:
    return Motion.of(sample_heart(request.param))


@pytest.mark.parametrize("time", TIMES)
def test_the_wall_is_incompressible(motion, time):
    points = wall_points(motion, np.random.default_rng(1))
    np.testing.assert_allclose(jacobian(motion, points, time), 1, atol=1e-6)


@pytest.mark.parametrize("time", TIMES)
def test_the_cavity_shrinks_evenly(motion, time):
    points = cavity_points(motion, np.random.default_rng(2))
    kappa = motion.cycle.emptying(np.array(time))
    np.testing.assert_allclose(jacobian(motion, points, time), 1 - kappa, atol=1e-6)


@pytest.mark.parametrize("time", TIMES)
def test_inverse_is_exact_in_wall_and_cavity(motion, time):
    rng = np.random.default_rng(3)
    points = np.concatenate([wall_points(motion, rng), cavity_points(motion, rng)])
    back = motion.inverse(motion.forward(points, time), time)
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-12)


@pytest.mark.parametrize("time", TIMES)
def test_inverse_holds_everywhere_else(motion, time):
    points = surroundings()
    there = motion.forward(motion.inverse(points, time), time)
    np.testing.assert_allclose(there, points, rtol=0, atol=1e-9)
    back = motion.inverse(motion.forward(points, time), time)
    np.testing.assert_allclose(back, points, rtol=0, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 5000), phase=st.floats(0, 1))
def test_no_patient_folds_the_tissue_around_the_heart(seed, phase):
    motion = Motion.of(sample_heart(seed))
    time = phase * motion.cycle.period
    points = surroundings()[::3, :, ::3]
    assert (jacobian(motion, points, time) > 0.15).all()
    there = motion.forward(motion.inverse(points, time), time)
    np.testing.assert_allclose(there, points, rtol=0, atol=1e-9)


def test_material_in_the_valve_ring_does_not_collapse_onto_the_axis(motion):
    base = motion.ventricle.length
    z = base + np.linspace(-0.002, 0.04, 43)
    points = np.stack([np.full_like(z, 0.010), np.zeros_like(z), z], axis=-1)
    es = motion.cycle.end_systole
    x, _, height = motion.forward(points, es).T
    assert x.min() > 0.004
    assert abs(np.diff(x)).max() < 0.0006
    assert (np.diff(height) > 0).all()


def test_the_map_is_continuous_across_the_surfaces(motion):
    lv, es = motion.ventricle, motion.cycle.end_systole
    z = np.linspace(0.1, 0.9, 9) * lv.length
    for fraction in (0.0, 1.0):
        radius = np.sqrt(lv.layer_radius_squared(z, fraction=fraction))
        sides = [
            np.stack([radius + side, np.zeros_like(z), z], axis=-1)
            for side in (-1e-9, 1e-9)
        ]
        gap = motion.forward(sides[0], es) - motion.forward(sides[1], es)
        assert abs(gap).max() < 1e-8


@pytest.mark.parametrize("time", TIMES)
def test_velocity_is_the_derivative_of_the_map(motion, time):
    rng = np.random.default_rng(5)
    around = surroundings()[::5, :, ::5].reshape(-1, 3)
    points = np.concatenate([wall_points(motion, rng, 200), around])
    step = 1e-6
    ahead, behind = (motion.forward(points, time + s) for s in (step, -step))
    here = motion.forward(points, time)
    np.testing.assert_allclose(
        motion.velocity(here, time), (ahead - behind) / (2 * step), atol=2e-8
    )


def test_the_volume_of_the_moved_cavity_is_what_is_stated(motion):
    times = np.array([0.0, *TIMES])
    rings = motion.contour(times, layers=2, count=4001)[:, 0]
    half = rings[:, 2000:]
    squared = (half[:, 1:, 0] ** 2 + half[:, :-1, 0] ** 2) / 2
    discs = np.pi * squared * np.diff(half[..., 1], axis=1)
    np.testing.assert_allclose(discs.sum(axis=1), motion.volume(times), rtol=1e-5)
    edv = motion.ventricle.cavity_volume
    kappa = motion.cycle.emptying(times)
    np.testing.assert_allclose(motion.volume(times), edv * (1 - kappa), rtol=1e-14)


def test_counted_cells_have_the_stated_volume(motion):
    es, cell = motion.cycle.end_systole, 0.0010
    side = np.arange(-0.035, 0.035, cell)
    z = np.arange(-0.002, motion.ventricle.length, cell)
    points = np.stack(np.meshgrid(side, side, z, indexing="ij"), axis=-1)
    x, y, height = np.moveaxis(motion.inverse(points, es), -1, 0)
    inside = x**2 + y**2 < motion.ventricle.layer_radius_squared(height)
    inside &= (height > 0) & (height < motion.ventricle.length)
    volume = inside.sum() * cell**3
    assert volume == pytest.approx(float(motion.volume(np.array(es))), rel=0.015)


def test_the_wall_thickens_and_keeps_its_volume(motion):
    es = motion.cycle.end_systole
    contour = motion.contour(np.array([0.0, es]), layers=2, count=2001)
    middle = contour[:, :, 300, 0]
    thickness = abs(middle[:, 1] - middle[:, 0])
    assert thickness[1] > 1.1 * thickness[0]
    half = contour[:, :, 1000:]
    squared = (half[..., 1:, 0] ** 2 + half[..., :-1, 0] ** 2) / 2
    volume = (np.pi * squared * np.diff(half[..., 1], axis=-1)).sum(axis=-1)
    muscle = volume[:, 1] - volume[:, 0]
    np.testing.assert_allclose(muscle, motion.ventricle.myocardial_volume, rtol=1e-4)


def test_the_base_descends_and_the_apex_stays(motion):
    es = motion.cycle.end_systole
    contour = motion.contour(np.array([0.0, es]), layers=5, count=61)
    stretch = float(motion.cycle.stretch(np.array(es)))
    lost = (1 - stretch) * motion.ventricle.length
    np.testing.assert_allclose(
        contour[0, :, [0, -1], 1] - contour[1, :, [0, -1], 1], lost, rtol=1e-9
    )
    assert abs(contour[:, 0, 30]).max() < 1e-12
    assert contour[0, :, 0, 0].max() < 0 < contour[0, :, -1, 0].min()


def test_contour_points_are_material(motion):
    es = motion.cycle.end_systole
    contour = motion.contour(np.array([es]), layers=3, count=9)[0]
    flat = contour.reshape(-1, 2)
    points = np.stack([flat[:, 0], np.zeros(len(flat)), flat[:, 1]], axis=-1)
    # A hair inside the wall, so that rounding cannot put them outside.
    back = motion.inverse(points * [1 - 1e-9, 1, 1 - 1e-9], es)
    radius = np.hypot(back[:, 0], back[:, 1]).reshape(3, 9)
    rest = [motion.ventricle.layer_points(f, 9) for f in (0.0, 0.5, 1.0)]
    np.testing.assert_allclose(radius, abs(np.array(rest)[..., 0]), atol=1e-6)


def test_twist_turns_apex_and_base_against_each_other(motion):
    lv, es = motion.ventricle, motion.cycle.end_systole
    angles = []
    for part in (0.02, 0.98):
        z = part * lv.length
        radius = np.sqrt(lv.layer_radius_squared(np.array(z), fraction=0.5))
        x, y, _ = motion.forward(np.array([radius, 0.0, z]), es)
        angles.append(np.degrees(np.arctan2(y, x)))
    # Seen from the apex y points down: negative is anticlockwise.
    assert angles[0] < 0 < angles[1]
    assert 2 < angles[1] - angles[0] < 20
