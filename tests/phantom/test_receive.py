"""Signals of scatterers: phase, envelope, packets and the same bits each time."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.probe import SPEED_OF_SOUND, Probe
from cardium.phantom.receive import (
    blur,
    grid_shape,
    receive,
    receive_packet,
    splat,
    white_noise,
)

SECTOR = Sector(depth=(0.02, 0.06), angle=(-0.2, 0.2), shape=(81, 21))
PROBE = Probe(SECTOR, range_width=0.0005, beam_width=0.02, side_lobes=-200.0)
WAVE = 4 * math.pi * PROBE.frequency / SPEED_OF_SOUND


def _at(depth, angle, y=0.0):
    """Point at a distance and an angle in the image plane."""
    return np.array([[depth * math.sin(angle), y, depth * math.cos(angle)]])


def _one(count=1):
    return np.ones(count, np.float32)


def test_phase_and_envelope_are_those_of_the_formula():
    # A scatterer at a sample: distance and angle count from there.
    depth, angle = float(SECTOR.depths[40]), float(SECTOR.angles[12])
    iq = receive(_at(depth, angle), _one(), probe=PROBE)
    down = np.exp(-(((SECTOR.depths - depth) / PROBE.range_width) ** 2) / 2)
    beams = PROBE.beam_profile(SECTOR.depths[:, None], SECTOR.angles - angle)
    profile = down[:, None] * beams
    expected = profile * np.exp(-1j * WAVE * depth)
    kept = profile > 0.02
    np.testing.assert_allclose(iq[kept], expected[kept], rtol=0, atol=2e-5)
    assert abs(iq[~kept]).max() <= 0.02


def test_elevation_lowers_the_echo():
    depth = float(SECTOR.depths[40])
    aside = 0.0012
    here = math.sqrt(depth**2 - aside**2)
    iq = receive(_at(here, 0.0, aside), _one(), probe=PROBE)
    width = PROBE.elevation(np.array(depth))
    assert abs(iq[40, 10]) == pytest.approx(math.exp(-((aside / width) ** 2) / 2))
    far = receive(_at(here, 0.0, 4 * float(width)), _one(), probe=PROBE)
    assert not far.any()


def test_echoes_add_up_and_those_outside_are_not_heard():
    rng = np.random.default_rng(0)
    depth, angle = rng.uniform(0.02, 0.06, 200), rng.uniform(-0.2, 0.2, 200)
    points = np.stack([depth * np.sin(angle), 0 * depth, depth * np.cos(angle)], -1)
    amplitude = rng.normal(size=200).astype(np.float32)
    both = receive(points, amplitude, probe=PROBE)
    parts = [
        receive(points[half], amplitude[half], probe=PROBE)
        for half in (slice(0, 90), slice(90, None))
    ]
    np.testing.assert_allclose(both, parts[0] + parts[1], atol=1e-5)
    lost = np.array([[0.0, 0.0, 0.09], [0.05, 0.0, 0.04], [0.0, 0.0, -0.04]])
    lost = np.concatenate([lost, np.full((1, 3), np.nan)])
    assert not receive(lost, _one(4), probe=PROBE).any()


def test_float32_and_slices_of_arrays_give_the_same():
    rng = np.random.default_rng(1)
    points = rng.uniform(-0.01, 0.01, (50, 3)).astype(np.float32)
    points[:, 2] += 0.04
    amplitude = rng.normal(size=50).astype(np.float32)
    expected = receive(points.astype(float), amplitude, probe=PROBE)
    transposed = np.asfortranarray(points)
    np.testing.assert_array_equal(receive(transposed, amplitude, probe=PROBE), expected)


def test_beams_widen_away_from_the_focus():
    sector = Sector((0.01, 0.15), (-0.3, 0.3), (281, 121))
    probe = Probe(sector, 0.0005, 0.015, focus=0.09, side_lobes=-200.0)
    depths = sector.depths[[40, 100, 160, 220]]
    points = np.concatenate([_at(depth, 0.0) for depth in depths])
    iq = abs(receive(points, _one(4), probe=probe))
    for row, depth in zip((40, 100, 160, 220), depths, strict=True):
        weight = iq[row] ** 2
        width = math.sqrt(2 * np.sum(weight * sector.angles**2) / weight.sum())
        assert width == pytest.approx(float(probe.beam_width_at(depth)), rel=0.01)


def test_side_lobes_are_as_weak_as_configured():
    probe = Probe(SECTOR, 0.0005, 0.01, side_lobes=-30.0, focus=0.04)
    iq = abs(receive(_at(float(SECTOR.depths[40]), 0.0), _one(), probe=probe))
    # Two beams aside, four widths: the main lobe has gone, the broad one has not.
    expected = 10 ** (-30 / 20) * math.exp(-1 / 2)
    assert iq[40, 12] == pytest.approx(expected, rel=0.02)


def test_speckle_is_rayleigh_and_has_the_configured_correlation():
    rng = np.random.default_rng(2)
    sector = Sector((0.02, 0.1), (-0.5, 0.5), (321, 101))
    probe = Probe(sector, 0.0005, 0.02, focus=0.06, side_lobes=-200.0)
    iq = blur(white_noise(rng, grid_shape(probe)), probe)[140:200]
    amplitude = abs(iq)
    assert amplitude.mean() / amplitude.std() == pytest.approx(1.913, abs=0.15)
    # The correlation of two Gaussians of width s at a shift d is exp(-d^2 / 4 s^2).
    power = np.mean(abs(iq) ** 2)
    cells = (0.0005 / sector.range_spacing, 0.02 / sector.beam_spacing)
    for axis, width in enumerate(cells):
        a = np.moveaxis(iq, axis, 0)
        found = np.mean(a[2:] * a[:-2].conj()).real / power
        assert found == pytest.approx(math.exp(-((2 / width) ** 2) / 4), abs=0.06)
    # White noise of power 1 in each cell becomes the profiles' squared sum.
    assert power == pytest.approx(math.pi * 4 * math.prod(cells), rel=0.15)


def test_a_packet_is_pulses_one_by_one():
    rng = np.random.default_rng(3)
    count, pulses, interval = 300, 6, 2e-4
    points = rng.uniform(-0.004, 0.004, (count, 3)) * np.array([1, 0.3, 1])
    points[:, 2] += 0.04
    velocity = rng.normal(0, 0.5, (count, 3))
    amplitude = rng.normal(size=count).astype(np.float32)
    packet = receive_packet(
        points, velocity, amplitude, probe=PROBE, interval=interval, pulses=pulses
    )
    assert packet.shape == (pulses, *SECTOR.shape)
    assert packet.dtype == np.complex64
    angles, depths = SECTOR.angles, SECTOR.depths
    cells = (SECTOR.range_spacing / 2, SECTOR.beam_spacing / 2)
    for p in range(pulses):
        now = points + velocity * interval * (p - 2.5)
        distance = np.linalg.norm(now, axis=1)
        angle = np.arctan2(now[:, 0], now[:, 2])
        weight = amplitude * np.exp(-((now[:, 1] / PROBE.elevation(distance)) ** 2) / 2)
        echo = weight * np.exp(-1j * WAVE * distance)
        # Sharing an echo out widens the profiles by 1/6 cell squared.
        pulse = np.hypot(PROBE.range_width, cells[0] / math.sqrt(6))
        beam = np.hypot(PROBE.beam_width_at(depths), cells[1] / math.sqrt(6))[:, None]
        height = PROBE.range_width / pulse * PROBE.beam_width_at(depths) / beam[:, 0]
        away = (depths[:, None] - distance) / pulse
        aside = (angles[:, None] - angle) / beam[:, None]
        expected = height[:, None] * np.einsum(
            "n,rn,ran->ra", echo, np.exp(-(away**2) / 2), np.exp(-(aside**2) / 2)
        )
        error = abs(packet[p] - expected).std() / expected.std()
        assert error < 0.03
        assert np.angle(np.vdot(expected, packet[p])) == pytest.approx(0, abs=0.003)


def test_phase_of_a_packet_is_exact_for_fast_and_sideways_motion():
    place = _at(0.04, 0.05)
    velocity = np.array([[1.5, 0.4, 0.9]])
    packet = receive_packet(
        place, velocity, _one(), probe=PROBE, interval=2e-4, pulses=7
    )
    at = np.unravel_index(abs(packet[3]).argmax(), SECTOR.shape)
    for p in range(7):
        distance = np.linalg.norm(place + velocity * 2e-4 * (p - 3))
        turned = packet[p][at] * np.exp(1j * WAVE * distance)
        assert np.angle(turned) == pytest.approx(0, abs=6e-3)


def test_same_bits_again():
    rng = np.random.default_rng(4)
    points = rng.uniform(-0.02, 0.02, (1000, 3)) + np.array([0, 0, 0.04])
    first, second = (splat(points, _one(1000), PROBE) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_packets_that_are_none_are_refused():
    with pytest.raises(InvalidArgumentError, match="two pulses"):
        receive_packet(
            _at(0.04, 0), np.zeros((1, 3)), _one(), probe=PROBE, interval=1e-3, pulses=1
        )
    with pytest.raises(InvalidArgumentError, match="interval"):
        receive_packet(
            _at(0.04, 0), np.zeros((1, 3)), _one(), probe=PROBE, interval=0.0, pulses=3
        )
