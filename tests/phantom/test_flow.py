"""Blood flow: identities that hold at every point, and what colour Doppler shows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry import polygon_area
from cardium.phantom.anatomy import sample_heart
from cardium.phantom.colour import FlowExamination, simulate_flow
from cardium.phantom.flow import CavityFlow
from cardium.phantom.motion import Motion
from cardium.signal.doppler import fold


def moving_times(motion: Motion) -> list[float]:
    """Times of ejection, of both fillings, and between."""
    cycle = motion.cycle
    return [
        0.12,
        0.25,
        cycle.end_systole - 0.02,
        cycle.early[0] + 0.05,
        cycle.early[0] + 0.12,
        cycle.late[0] + 0.05,
        cycle.late[0] + 0.11,
    ]


def places(motion: Motion, time: float, rng: np.random.Generator, n: int = 300):
    """Random points of the cavity, clear of its borders."""
    lv = motion.ventricle
    z = rng.uniform(0.05, 0.95, n) * lv.length
    radius = np.sqrt(lv.layer_radius_squared(z) * rng.uniform(0, 0.95, n))
    turn = rng.uniform(-np.pi, np.pi, n)
    still = np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=-1)
    return motion.forward(still, time)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 5000))
def test_blood_is_incompressible(seed):
    motion = Motion.of(sample_heart(seed))
    flow, step = CavityFlow(motion), 1e-6
    for time in moving_times(motion):
        points = places(motion, time, np.random.default_rng(1))
        gradient = np.stack(
            [
                flow.velocity(points + side, time) - flow.velocity(points - side, time)
                for side in step * np.eye(3)
            ],
            axis=-1,
        ) / (2 * step)
        size = abs(gradient).sum(axis=(1, 2))
        divergence = abs(np.trace(gradient, axis1=1, axis2=2))
        assert (divergence <= 1e-6 * size + 1e-9).all()


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_no_blood_goes_through_the_wall(seed):
    motion = Motion.of(sample_heart(seed))
    flow, lv = CavityFlow(motion), motion.ventricle
    z = np.linspace(0.04, 0.96, 40) * lv.length
    radius = np.sqrt(lv.layer_radius_squared(z))
    rest = np.stack([radius, np.zeros_like(z), z], axis=-1)
    for time in moving_times(motion):
        wall = motion.forward(rest * [1 - 1e-9, 1, 1], time)
        r, height = np.hypot(wall[:, 0], wall[:, 1]), wall[:, 2]
        normal = np.stack([np.gradient(height), -np.gradient(r)], axis=-1)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        across = []
        for velocity in (flow.velocity(wall, time), motion.velocity(wall, time)):
            outward = np.sum(velocity[:, :2] * wall[:, :2], axis=1) / r
            both = np.stack([outward, velocity[:, 2]], axis=-1)
            across.append(np.sum(both * normal, axis=-1))
        # Normals are differences of neighbours, good to their distance squared.
        np.testing.assert_allclose(across[0][1:-1], across[1][1:-1], atol=2e-3)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_what_the_ventricle_loses_goes_through_the_base(seed):
    motion = Motion.of(sample_heart(seed))
    flow, lv = CavityFlow(motion), motion.ventricle
    for time in moving_times(motion):
        stretch = float(motion.cycle.stretch(np.array(time)))
        height = stretch * lv.length * (1 - 1e-12)
        loss = float(motion.cycle.emptying_rate(np.array(time))) * lv.cavity_volume
        kappa = float(motion.cycle.emptying(np.array(time)))
        ring = np.pi * float(lv.layer_radius_squared(np.array(lv.length)))
        ring *= (1 - kappa) / stretch
        moves = float(motion.cycle.stretch_rate(np.array(time))) * lv.length
        flux = float(flow.flux(np.array(height), time))
        assert flux == pytest.approx(loss + ring * moves, abs=1e-12)
        # And it is the integral of the velocity over the plane.
        edges = np.linspace(0, np.sqrt(ring / np.pi), 2001)
        middle = (edges[1:] + edges[:-1]) / 2
        points = np.stack([middle, 0 * middle, 0 * middle + height], axis=-1)
        through = flow.velocity(points, time)[:, 2] * np.pi * np.diff(edges**2)
        assert through.sum() == pytest.approx(flux, rel=1e-5, abs=1e-10)


def test_there_is_no_blood_outside_the_cavity():
    motion = Motion.of(sample_heart(1))
    lv = motion.ventricle
    outside = np.array(
        [(0, 0, -0.001), (0, 0, lv.length + 0.001), (lv.short_axis + 0.001, 0, 0.05)]
    )
    assert np.isnan(CavityFlow(motion).velocity(outside, 0.0)).all()


@pytest.fixture(scope="module")
def exam() -> FlowExamination:
    return simulate_flow(7, velocity_limit=0.4)


def test_the_colour_is_the_folded_truth(exam):
    stream, power = exam.streams["colour_velocity"], exam.streams["colour_power"]
    limit, blood = stream.velocity_limit, np.isfinite(exam.velocity)
    measured = stream.load()
    assert abs(exam.velocity[blood]).max() > limit
    error = fold(measured[blood] - exam.velocity[blood], limit)
    assert abs(error).max() < 0.12 * limit
    assert error.std() == pytest.approx(0.02 * limit, rel=0.1)
    assert abs(measured).max() <= limit
    noise = measured[~blood]
    assert noise.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
    assert power.load()[blood].min() > 0.4
    assert power.load()[~blood].max() < 0.15


def test_the_colour_has_the_right_sign_and_place(exam):
    stream = exam.streams["colour_velocity"]
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    systole = exam.qrs_times[0] + 0.18
    filling = exam.qrs_times[0] + motion.cycle.early[0] + 0.085
    means = [
        np.nanmean(exam.velocity[int(abs(stream.time - time).argmin())])
        for time in (systole, filling)
    ]
    assert means[0] < 0 < means[1]
    # The cavity seen in the box has the area of the contour.
    k = int(abs(stream.time - systole).argmin())
    contour = exam.placement.plane_to_image(
        motion.contour(stream.time[k : k + 1], layers=2, count=401)[0, 0]
    )
    seen = stream.geometry.sample_areas()[np.isfinite(exam.velocity[k])].sum()
    assert seen == pytest.approx(polygon_area(contour), rel=0.03)


def test_clocks_boxes_and_seeds(exam):
    b_mode, velocity = exam.streams["b_mode"], exam.streams["colour_velocity"]
    np.testing.assert_allclose(velocity.time, b_mode.time[:-1] + 0.5 / 13)
    assert velocity.geometry.depth[0] > b_mode.geometry.depth[0]
    assert velocity.geometry.depth[1] < b_mode.geometry.depth[1]
    again = simulate_flow(7, velocity_limit=0.4)
    for name, stream in exam.streams.items():
        np.testing.assert_array_equal(stream.load(), again.streams[name].load())
    with pytest.raises(UnknownNameError, match="'tiny'"):
        simulate_flow(7, preset="tinny")
    with pytest.raises(InvalidArgumentError, match="limit"):
        simulate_flow(7, velocity_limit=0.0)
