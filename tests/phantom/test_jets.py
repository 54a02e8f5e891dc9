"""Free jets and sinks: conservation of volume and of momentum, and known speeds."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom.jets import (
    CORE_LENGTH,
    FreeJet,
    Sink,
    fade,
    gradient_of,
    velocity_of,
)

UP = np.array([0.0, 0.0, 1.0])
JET = FreeJet(np.array([0.01, -0.02, 0.03]), UP, 0.005, 4.0)
SINK = Sink(np.array([0.01, -0.02, 0.03]), UP, 4e-5, 2e-4)


def divergence(field, points, step=1e-7):
    """Divergence by central differences, and the norm of the gradient."""
    gradient = np.stack(
        [(field(points + e) - field(points - e)) / (2 * step) for e in step * np.eye(3)]
    )
    size = np.sqrt((gradient**2).sum(axis=(0, 2)))
    return np.trace(gradient, axis1=0, axis2=2), size


def section(jet: FreeJet, x: float) -> tuple[np.ndarray, np.ndarray]:
    """Speed along the jet in rings of a section, and the areas of the rings."""
    edges = np.linspace(0, 0.08, 40001)
    middle = (edges[1:] + edges[:-1]) / 2
    points = jet.origin + np.stack([middle, 0 * middle, 0 * middle + x], axis=-1)
    return jet.velocity(points)[:, 2], np.pi * np.diff(edges**2)


@pytest.mark.parametrize("x", [0.002, 0.015, 0.03, 0.032, 0.06, 0.1])
def test_a_jet_keeps_its_momentum(x):
    speed, area = section(JET, x)
    momentum = JET.speed**2 * np.pi / 4 * JET.diameter**2
    assert (speed**2 * area).sum() == pytest.approx(momentum, rel=1e-6)
    assert (speed * area).sum() == pytest.approx(float(JET.flux(x)), rel=1e-6)


def test_a_jet_starts_with_the_flow_of_its_opening():
    opening = np.pi / 4 * JET.diameter**2 * JET.speed
    assert float(JET.flux(1e-9)) == pytest.approx(opening, rel=1e-4)


def test_a_jet_decays_and_widens_as_known():
    for lengths in (2.0, 3.0):
        x = lengths * CORE_LENGTH * JET.diameter
        half = 0.1 * x * (np.sqrt(2 * np.log(2)) / 0.1 / CORE_LENGTH / 2)
        points = JET.origin + np.array([[0, 0, x], [half, 0, x]])
        axis, side = JET.velocity(points)[:, 2]
        assert axis == pytest.approx(6.2 * JET.speed * JET.diameter / x)
        assert side == pytest.approx(axis / 2)
        assert half == pytest.approx(0.1 * x, rel=0.06)
        assert JET.turbulence(points)[0] == pytest.approx(0.25 * axis, rel=0.06)


def test_neither_a_jet_nor_a_sink_has_divergence():
    rng = np.random.default_rng(1)
    points = JET.origin + rng.uniform(-1, 1, (400, 3)) * [0.01, 0.01, 0.07]
    points[:, 2] = JET.origin[2] + abs(points[:, 2] - JET.origin[2]) + 1e-4
    fields = (
        JET.velocity,
        SINK.velocity,
        lambda at: SINK.velocity(at, reach=0.012),
    )
    for field in fields:
        sum_, size = divergence(field, points)
        assert (abs(sum_) <= 1e-5 * size + 1e-5).all()


def test_nothing_flows_before_the_opening_of_a_jet_or_behind_a_sink():
    behind = JET.origin + np.array([[0.001, 0, -0.002]])
    assert (JET.velocity(behind) == 0).all()
    assert (SINK.velocity(behind) == 0).all()


def test_the_flow_through_spheres_around_a_sink():
    # Half spheres: cosines evenly spaced have equal areas.
    cos = (np.arange(2000) + 0.5) / 2000
    ray = np.stack([np.sqrt(1 - cos**2), 0 * cos, cos], axis=-1)
    for radius, whole in ((0.004, 1.0), (0.007, 1.0), (0.02, 0.0)):
        for reach in (0.012, np.inf):
            velocity = SINK.velocity(SINK.origin + radius * ray, reach=reach)
            flow = -np.sum(velocity * ray, axis=1).mean() * 2 * np.pi * radius**2
            expected = 1.0 if np.isinf(reach) else whole
            assert flow == pytest.approx(expected * SINK.flow, rel=1e-9, abs=1e-12)
    assert SINK.flow / (2 * np.pi * SINK.inner_radius**2) == pytest.approx(5.0)


def test_bernoulli_and_what_is_refused():
    speeds = np.array([0.0, 2.5, 5.0])
    assert gradient_of(speeds).tolist() == [0.0, 25.0, 100.0]
    assert velocity_of(gradient_of(speeds)).tolist() == speeds.tolist()
    assert velocity_of(np.array(-3.0)) == 0
    value, slope = fade(np.linspace(0, 3, 3001), 1.0, 2.0)
    np.testing.assert_allclose(np.gradient(value, 1e-3), slope, atol=1e-5)
    with pytest.raises(InvalidArgumentError, match="length 1"):
        FreeJet(np.zeros(3), 2 * UP, 0.004, 1.0)
    with pytest.raises(InvalidArgumentError, match="diameter"):
        FreeJet(np.zeros(3), UP, 0.0, 1.0)
