from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.anatomy import sample_heart
from cardium.phantom.imaging import log_compress, receive, tissue_velocity
from cardium.phantom.motion import Motion
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.scatterers import draw_scatterers

SECTOR = Sector((0.02, 0.10), (-0.4, 0.4), (161, 81))
PROBE = Probe(SECTOR, range_width=0.0006, beam_width=0.012)


def one(x: float, y: float, z: float) -> np.ndarray:
    return receive(np.array([[x, y, z]]), np.ones(1, np.float32), probe=PROBE)


def test_a_scatterer_shows_at_its_range_and_beam_with_the_set_widths():
    depth, angle = SECTOR.depths[70], SECTOR.angles[55]
    image = abs(one(depth * math.sin(angle), 0.0, depth * math.cos(angle)))
    assert np.unravel_index(image.argmax(), image.shape) == (70, 55)
    power = image**2
    along = np.sum(power[:, 55] * (SECTOR.depths - depth) ** 2) / power[:, 55].sum()
    across = np.sum(power[70] * (SECTOR.angles - angle) ** 2) / power[70].sum()
    # The power of a Gaussian of width s has the variance s^2 / 2.
    assert math.sqrt(2 * along) == pytest.approx(PROBE.range_width, rel=0.03)
    assert math.sqrt(2 * across) == pytest.approx(PROBE.beam_width, rel=0.03)


def test_the_carrier_phase_is_exact_for_moves_far_below_a_sample():
    # 0.01 mm is a fiftieth of a sample.
    near, far = one(0.0, 0.0, 0.06), one(0.0, 0.0, 0.06001)
    turn = np.angle(far[80, 40] * np.conj(near[80, 40]))
    expected = -4 * math.pi * PROBE.frequency * 1e-5 / SPEED_OF_SOUND
    assert turn == pytest.approx(expected, abs=1e-4)


def test_what_lies_beside_the_slice_is_weaker():
    sigma = float(PROBE.elevation(np.array(0.06)))
    ratio = abs(one(0.0, sigma, 0.06)).max() / abs(one(0.0, 0.0, 0.06)).max()
    assert ratio == pytest.approx(math.exp(-0.5), rel=0.05)
    assert abs(one(0.0, 4 * sigma, 0.06)).max() == 0


def cloud(density: float, rng: np.random.Generator) -> np.ndarray:
    """Scatterers in a slab, equally many in each resolution cell."""
    r = rng.uniform(0.015, 0.105, int(density * 40_000))
    angle = rng.uniform(-0.48, 0.48, r.size)
    y = rng.uniform(-3, 3, r.size) * PROBE.elevation(r)
    return np.stack([r * np.sin(angle), y, r * np.cos(angle)], axis=-1)


def speckle(density: float) -> np.ndarray:
    rng = np.random.default_rng(8)
    points = cloud(density, rng)
    sign = rng.choice([-1, 1], len(points)).astype(np.float32)
    return abs(receive(points, sign, probe=PROBE))


def test_dense_speckle_is_rayleigh_and_sparse_speckle_is_not():
    dense, sparse = speckle(8.0), speckle(0.15)
    # Rayleigh: mean / deviation = sqrt(pi / (4 - pi)) = 1.913.
    assert 1.80 < dense.mean() / dense.std() < 1.98
    assert sparse.mean() / sparse.std() < 1.6
    decibels = 20 * np.log10(dense)
    assert decibels.std() == pytest.approx(5.57, abs=0.35)


def test_myocardium_is_drawn_with_mean_power_one_and_developed_speckle():
    heart = sample_heart(2)
    # A heart so large and still that the whole sector is muscle.
    lv = replace(heart.ventricle, wall=0.5, long_axis=1e-4, short_axis=1e-4)
    giant = replace(heart, ventricle=replace(lv, truncation=0.0))
    placement = Placement((0.0, 0.15), 0.0)
    cloud = draw_scatterers(
        giant, Motion.of(giant), probe=PROBE, placement=placement, seed=1
    )
    image = abs(receive(cloud.at(0.0), cloud.amplitude, probe=PROBE))[:, 20:60]
    # Level varies slowly by design: 6 waves of 1.2 dB, and the wall faces the beam.
    assert 10 * np.log10(np.mean(image**2)) == pytest.approx(1.9, abs=1.0)
    blocks = image.reshape(7, 23, 5, 8)
    ratio = blocks.mean(axis=(1, 3)) / blocks.std(axis=(1, 3))
    assert 1.75 < np.median(ratio) < 2.05


def test_grey_levels_are_decibels():
    white = 10 ** (PROBE.headroom / 20)
    black = 10 ** ((PROBE.headroom - PROBE.dynamic_range) / 20)
    levels = np.array([[white, black, math.sqrt(white * black), 10 * white, 0.0]])
    assert log_compress(levels.astype(np.complex64), PROBE).tolist() == [
        [255, 0, 128, 255, 0]
    ]


def test_phase_of_echoes_tells_the_velocity_towards_the_probe():
    # Kasai's estimator on simulated echoes against the closed form.
    heart, placement = sample_heart(4), Placement((0.004, 0.03), 0.05)
    sector = Sector((0.02, 0.13), (-0.5, 0.5), (221, 61))
    probe = Probe(sector, range_width=0.0006, beam_width=0.014)
    motion = Motion.of(heart)
    cloud = draw_scatterers(heart, motion, probe=probe, placement=placement, seed=3)
    time, step = 0.2, 2e-4
    pulses = np.stack(
        [
            receive(cloud.at(time + k * step), cloud.amplitude, probe=probe)
            for k in (-1.5, -0.5, 0.5, 1.5)
        ]
    )
    lag = np.sum(pulses[1:] * np.conj(pulses[:-1]), axis=0)
    measured = SPEED_OF_SOUND / (4 * math.pi * probe.frequency * step) * np.angle(lag)
    truth = tissue_velocity(
        heart, np.array([time]), sector=sector, placement=placement, velocity_limit=1.0
    )[0]
    x, z = sector.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    muscle = heart.classify(motion.inverse(places, time)) == 2
    error = (measured - truth)[muscle]
    assert np.mean(truth[muscle]) > 0.02
    assert abs(np.median(error)) < 0.001
    assert np.median(abs(error)) < 0.003


def test_the_base_moves_towards_the_probe_in_systole_and_away_when_filling():
    heart, placement = sample_heart(4), Placement((0.0, 0.03), 0.0)
    motion = Motion.of(heart)
    base = 0.03 + heart.ventricle.length * 0.9
    sector = Sector((base - 0.002, base + 0.002), (-0.35, 0.35), (3, 31))
    middle_of_ejection = sum(motion.cycle.ejection) / 2 + 0.025
    middle_of_early = motion.cycle.early[0] + 0.085
    velocity = tissue_velocity(
        heart,
        np.array([middle_of_ejection, middle_of_early]),
        sector=sector,
        placement=placement,
        velocity_limit=0.5,
    )
    assert velocity[0].min() > 0.01
    assert velocity[1].max() < -0.01


def test_velocity_is_the_change_of_range_along_a_beam():
    heart, placement = sample_heart(1), Placement((0.004, 0.03), 0.06)
    sector = Sector((0.035, 0.11), (-0.4, 0.4), (41, 21))
    time, step = 0.18, 1e-6
    motion = Motion.of(heart)
    x, z = sector.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    rest = motion.inverse(places, time)
    ahead, behind = (
        np.linalg.norm(placement.to_image(motion.forward(rest, time + s)), axis=-1)
        for s in (step, -step)
    )
    velocity = tissue_velocity(
        heart, np.array([time]), sector=sector, placement=placement, velocity_limit=1.0
    )[0]
    np.testing.assert_allclose(velocity, -(ahead - behind) / (2 * step), atol=1e-6)


def test_velocities_fold_into_the_half_open_interval():
    heart, placement = sample_heart(4), Placement((0.0, 0.03), 0.0)
    sector = Sector((0.04, 0.12), (-0.3, 0.3), (41, 21))
    times = np.linspace(0.1, 0.6, 9)
    plain, folded = (
        tissue_velocity(
            heart, times, sector=sector, placement=placement, velocity_limit=limit
        )
        for limit in (1.0, 0.03)
    )
    assert abs(plain).max() > 0.06
    assert folded.min() >= np.float32(-0.03)
    assert folded.max() < np.float32(0.03)
    turns = (plain - folded) / 0.06
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-4)


def test_a_limit_of_zero_is_refused():
    with pytest.raises(InvalidArgumentError, match="velocity limit"):
        tissue_velocity(
            sample_heart(1),
            np.zeros(1),
            sector=SECTOR,
            placement=Placement((0.0, 0.03), 0.0),
            velocity_limit=0.0,
        )
