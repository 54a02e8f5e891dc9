"""Doppler estimates: sign, scale, folding, variance and what the wall filter leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.doppler import filtered_noise, kasai, pulse_rate, wall_filter
from cardium.phantom.probe import SPEED_OF_SOUND, Probe
from cardium.phantom.receive import receive_packet
from cardium.signal.doppler import fold

FREQUENCY, LIMIT = 2.2e6, 0.5
PRF = 4 * FREQUENCY * LIMIT / SPEED_OF_SOUND


def _packet(towards, pulses=6):
    """Signals of a mover: what comes nearer has a phase that grows."""
    distance = 0.05 - np.multiply.outer(np.arange(pulses) / PRF, np.asarray(towards))
    return np.exp(-4j * math.pi * FREQUENCY / SPEED_OF_SOUND * distance)


def test_sign_and_scale_by_a_mover_through_the_probe():
    sector = Sector((0.02, 0.06), (-0.2, 0.2), (81, 21))
    probe = Probe(sector, 0.0005, 0.02, frequency=FREQUENCY)
    for speed in (0.30, -0.12, 0.049):
        iq = receive_packet(
            np.array([[0.0, 0.0, 0.04]]),
            np.array([[0.0, 0.0, -speed]]),
            np.ones(1, np.float32),
            probe=probe,
            interval=1 / PRF,
            pulses=6,
        )
        seen = kasai(iq, prf=PRF, frequency=FREQUENCY)
        assert seen.velocity[40, 10] == pytest.approx(speed, abs=1e-4)


def test_velocities_fold_as_the_limit_says():
    true = np.linspace(-1.9, 1.9, 77).reshape(7, 11)
    seen = kasai(_packet(true), prf=PRF, frequency=FREQUENCY)
    np.testing.assert_allclose(fold(seen.velocity - true, LIMIT), 0, atol=1e-9)
    assert seen.velocity.min() >= -LIMIT
    assert seen.velocity.max() < LIMIT


def test_half_a_turn_is_the_lower_limit():
    iq = np.array([1, -1, 1, -1], complex)[:, None, None]
    seen = kasai(iq, prf=PRF, frequency=FREQUENCY)
    assert seen.velocity[0, 0] == pytest.approx(-LIMIT)


def test_power_and_variance():
    # Many scatterers with normal velocities: |R1| / R0 = exp(-(pi s / v_N)^2 / 2).
    rng = np.random.default_rng(0)
    spread = 0.05
    speeds = rng.normal(0.1, spread, (400, 60, 60))
    sign = rng.choice([-1.0, 1.0], speeds.shape)
    iq = np.stack([(sign * pulse).sum(axis=0) for pulse in _packet(speeds, 3)])
    iq /= math.sqrt(400)
    seen = kasai(iq, prf=PRF, frequency=FREQUENCY, average=(59, 59))
    middle = tuple(values[30, 30] for values in seen)
    alike = math.exp(-((math.pi * spread / LIMIT) ** 2) / 2)
    expected = (LIMIT / math.pi) ** 2 * 2 * (1 - alike)
    assert middle[0] == pytest.approx(0.1, abs=0.003)
    assert middle[1] == pytest.approx(1.0, abs=0.06)
    assert middle[2] == pytest.approx(expected, rel=0.08)
    assert middle[2] == pytest.approx(spread**2, rel=0.15)


def test_noise_has_any_velocity():
    rng = np.random.default_rng(1)
    iq = rng.normal(size=(5, 100, 100)) + 1j * rng.normal(size=(5, 100, 100))
    velocity = kasai(iq, prf=PRF, frequency=FREQUENCY).velocity
    share, _ = np.histogram(velocity, 10, (-LIMIT, LIMIT))
    np.testing.assert_allclose(share / velocity.size, 0.1, atol=0.012)


def test_same_velocity_as_pymust():
    pymust = pytest.importorskip("pymust")
    rng = np.random.default_rng(2)
    shape = (8, 12, 9)
    iq = _packet(rng.uniform(-0.45, 0.45, shape[1:]), shape[0])
    iq = iq + 0.2 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
    param = pymust.utils.Param()
    param.fc, param.c, param.PRF = FREQUENCY, SPEED_OF_SOUND, PRF
    theirs, _ = pymust.iq2doppler(np.moveaxis(iq, 0, -1), param)
    ours = kasai(iq, prf=PRF, frequency=FREQUENCY).velocity
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_the_wall_filter_takes_polynomials_and_leaves_flow():
    count = np.arange(10)
    for order in (0, 1, 2):
        still = sum((1 + 2j) * count[:, None] ** k for k in range(order + 1))
        assert abs(wall_filter(still, order)).max() < 1e-9 * abs(still).max()
    fast = _packet(np.array([[0.4, -0.3]]), 10)
    kept = wall_filter(fast, 1)
    np.testing.assert_allclose(abs(kept).mean(axis=0), 1, atol=0.1)
    seen = kasai(kept, prf=PRF, frequency=FREQUENCY).velocity
    np.testing.assert_allclose(seen, [[0.4, -0.3]], atol=0.02)
    # Half the power is gone at a sixth of the limit.
    slow = wall_filter(_packet(np.array([LIMIT / 10, LIMIT / 6, LIMIT / 4]), 10), 1)
    power = np.mean(abs(slow) ** 2, axis=0)
    assert power[0] < 0.15
    assert power[1] == pytest.approx(0.5, abs=0.06)
    assert power[2] > 0.85


def test_filtered_noise_correlates_as_foretold():
    rng = np.random.default_rng(3)
    shape = (6, 300, 300)
    iq = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    for order in (0, 1, 2):
        left = wall_filter(iq, order)
        found = np.mean(left[1:] * left[:-1].conj()).real / 2
        assert found == pytest.approx(filtered_noise(6, order), abs=0.004)
    # With that taken off, noise has any velocity again.
    offset = 2 * filtered_noise(6, 1)
    parts = [
        abs(kasai(wall_filter(iq, 1), prf=PRF, frequency=FREQUENCY, offset=o).velocity)
        for o in (0.0, offset)
    ]
    assert parts[0].mean() > 0.6 * LIMIT
    assert parts[1].mean() == pytest.approx(0.5 * LIMIT, rel=0.12)


def test_walls_that_move_are_stopped_first():
    wall, blood = _packet(np.array([0.08]), 10), _packet(np.array([-0.35]), 10)
    turn = np.array([math.pi * 0.08 / LIMIT])
    left = wall_filter(30 * wall + blood, 1, turn=turn)
    assert abs(wall_filter(30 * wall, 1, turn=turn)).max() < 1e-9
    seen = kasai(left[:, None], prf=PRF, frequency=FREQUENCY).velocity
    assert seen[0, 0] == pytest.approx(-0.35, abs=0.02)


def test_arguments_that_make_no_sense():
    with pytest.raises(InvalidArgumentError, match="two pulses"):
        kasai(np.ones((1, 2, 2), complex), prf=PRF, frequency=FREQUENCY)
    with pytest.raises(InvalidArgumentError, match="longer packet"):
        wall_filter(np.ones((3, 2), complex), 2)
    with pytest.raises(InvalidArgumentError, match="pulses faster"):
        pulse_rate(1.5, frequency=2e6, depth=0.15)
    with pytest.raises(InvalidArgumentError, match="velocity limit"):
        pulse_rate(0.0, frequency=2e6, depth=0.15)
    assert pulse_rate(LIMIT, frequency=FREQUENCY, depth=0.1) == pytest.approx(PRF)
