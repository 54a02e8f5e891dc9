from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.acquisition import begin
from cardium.phantom.artefacts import draw_artefacts
from cardium.phantom.build import build_heart
from cardium.phantom.imaging import b_mode, beam_velocity, log_compress, record_iq
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.realism import speckle_statistics
from cardium.phantom.receive import receive
from cardium.phantom.scatterers import draw_scatterers
from cardium.phantom.views import hold_probe

SECTOR = Sector((0.02, 0.10), (-0.4, 0.4), (161, 81))
PROBE = Probe(SECTOR, range_width=0.0006, beam_width=0.012)
PATIENT = Patient(number=2)


@pytest.fixture(scope="module")
def speckle() -> tuple[Probe, np.ndarray]:
    """Homogeneous tissue seen with the resolution and density of the full preset."""
    probe = Probe.matched_to(Sector((0.05, 0.13), (-0.5, 0.5), (256, 112)))
    rng = np.random.default_rng(8)
    angle_margin = 0.2
    depth = np.array([0.045, 0.135])
    cell = math.pi**1.5 * probe.range_width * probe.beam_width
    # As `draw_scatterers` does: equally many per resolution cell at any depth.
    slab = 2.5 * float(probe.elevation(np.array(0.135)))
    number = probe.density * np.diff(depth)[0] * (1 + 2 * angle_margin)
    number *= 2 * slab / cell / float(probe.elevation(np.array(0.09)))
    r = rng.uniform(*depth, int(number))
    angle = rng.uniform(-0.5 - angle_margin, 0.5 + angle_margin, r.size)
    y = rng.uniform(-slab, slab, r.size)
    points = np.stack([r * np.sin(angle), y, r * np.cos(angle)], axis=-1)
    sign = rng.choice(np.array([-1, 1], np.float32), r.size)
    return probe, receive(points, sign, probe=probe)


def test_speckle_of_homogeneous_tissue_is_fully_developed(speckle):
    _, iq = speckle
    # Width and elevation change with depth: look at strips of one depth.
    strips = abs(iq).reshape(8, 32, 112)
    found = np.array([speckle_statistics(strip) for strip in strips]).mean(axis=0)
    assert 1.85 < found[0] < 1.95
    assert 5.3 < found[1] < 5.9


def test_speckle_correlates_as_the_point_spread_does(speckle):
    probe, iq = speckle
    width = probe.beam_width_at(probe.sector.depths)

    def coherence(a, b):
        return abs(np.vdot(a, b)) / np.sqrt(np.vdot(a, a).real * np.vdot(b, b).real)

    for lag in (1, 2, 3):
        shift = lag * probe.sector.range_spacing
        expected = math.exp(-(shift**2) / (4 * probe.range_width**2))
        found = coherence(iq[:-lag], iq[lag:])
        assert found == pytest.approx(expected, abs=0.04)
        turn = lag * probe.sector.beam_spacing
        expected = np.mean(np.exp(-(turn**2) / (4 * width**2)))
        found = coherence(iq[:, :-lag], iq[:, lag:])
        assert found == pytest.approx(expected, abs=0.06)


def test_myocardium_is_drawn_with_mean_power_one_and_developed_speckle():
    heart = build_heart(PATIENT)
    # A heart so large that the whole sector is muscle.
    lv = replace(heart.ventricle, wall=0.5, long_axis=1e-4, short_axis=1e-4)
    giant = replace(heart, ventricle=replace(lv, truncation=0.0))
    placement = Placement.apical(apex=(0.0, 0.15), tilt=0.0)
    cloud = draw_scatterers(
        giant, Motion.of(giant), probe=PROBE, placement=placement, seed=1
    )
    energy = PROBE.beam_profile(SECTOR.depths[:, None], np.linspace(-0.2, 0.2, 2001))
    energy = np.sum(energy**2, axis=1, keepdims=True) * 0.0002
    gain = np.sqrt(math.sqrt(math.pi) * PROBE.beam_width / energy)
    image = abs(receive(cloud.at(0.0), cloud.amplitude, probe=PROBE) * gain)[:, 20:60]
    # The level varies by design, by waves of 1 to 2 dB, about that of myocardium.
    x, y, z = cloud.at(0.0).T
    depth = np.hypot(x, z)
    weight = np.exp(-((y / PROBE.elevation(depth)) ** 2))
    weight *= (abs(np.arctan2(x, z)) < 0.2) & (depth > 0.02) & (depth < 0.10)
    # Scatterers are as dense per cell of the slice at any depth.
    drawn = PROBE.density * np.average(cloud.amplitude**2, weights=weight)
    assert 10 * np.log10(drawn) == pytest.approx(0.0, abs=3.0)
    assert np.mean(image**2) == pytest.approx(drawn, rel=0.25)
    blocks = image.reshape(23, 7, 10, 4).transpose(0, 2, 1, 3).reshape(230, 28)
    ratio = blocks.mean(axis=1) / blocks.std(axis=1)
    assert 1.7 < np.median(ratio) < 2.3


def test_grey_levels_are_decibels():
    plain = replace(PROBE, gamma=1.0, sharpness=0.0)
    white = 10 ** (plain.headroom / 20)
    black = 10 ** ((plain.headroom - plain.dynamic_range) / 20)
    levels = np.array([[white, black, math.sqrt(white * black), 10 * white, 0.0]])
    iq = levels.astype(np.complex64)
    assert log_compress(iq, plain).tolist() == [[255, 0, 128, 255, 0]]
    dark = log_compress(iq, replace(plain, gamma=2.0))
    assert dark.tolist() == [[255, 0, 64, 255, 0]]


def test_sharpness_deepens_and_smoothing_flattens_texture():
    rng = np.random.default_rng(0)
    iq = (rng.normal(size=(60, 60)) + 1j * rng.normal(size=(60, 60))).astype(
        np.complex64
    )
    soft, plain, sharp = (
        log_compress(iq, replace(PROBE, sharpness=s)).std() for s in (-0.5, 0.0, 0.5)
    )
    assert soft < 0.8 * plain < plain < 0.9 * sharp


@pytest.fixture(scope="module")
def still() -> tuple[object, Probe, np.ndarray]:
    """A ventricle, the probe of a small fan without artefacts, and equal times."""
    scene = begin(PATIENT, what="b_mode 4ch", beats=1)
    placement = hold_probe(scene, "4ch")
    probe = replace(
        Probe.matched_to(Sector((0.03, 0.11), (-0.4, 0.4), (128, 48))),
        noise=-200.0,
        haze=-200.0,
        reverberation=-200.0,
        unevenness=0.0,
    )
    cloud = draw_scatterers(
        scene.heart, scene.motion, probe=probe, placement=placement, seed=3
    )
    return cloud, probe, np.full(10, 0.1)


@pytest.mark.parametrize("coherence", [1.0, 0.8, 0.4, 0.0])
def test_frames_of_still_tissue_correlate_by_the_coherence(still, coherence):
    cloud, probe, times = still
    frames = np.stack(list(record_iq(cloud, times, probe=probe, coherence=coherence)))
    # Limited, so that a few bright echoes do not outweigh the rest.
    frames /= np.maximum(abs(frames), 0.5)
    power = np.sum(abs(frames) ** 2)
    # Sums over all pairs of different frames.
    pairs = np.sum(abs(frames.sum(axis=0)) ** 2) - power
    found = pairs / (len(frames) - 1) / power
    assert found == pytest.approx(coherence, abs=0.08)


def test_coherent_power_stays_the_same(still):
    cloud, probe, times = still
    power = [
        np.mean(
            [
                np.mean(abs(f) ** 2)
                for f in record_iq(cloud, times, probe=probe, coherence=c)
            ]
        )
        for c in (1.0, 0.5)
    ]
    assert power[0] == pytest.approx(power[1], rel=0.15)
    np.testing.assert_array_equal(
        cloud.amplitude_at(7, 0.5), cloud.amplitude_at(7, 0.5)
    )
    assert not np.array_equal(cloud.amplitude_at(7, 0.5), cloud.amplitude_at(8, 0.5))


def test_beating_tissue_decorrelates_faster_with_less_coherence(still):
    cloud, probe, _ = still
    beat = cloud.motion.cycle.beats[0]
    times = np.mean(beat.ejection) + np.arange(3) / 400
    alike = []
    for coherence in (1.0, 0.6):
        frames = [
            abs(f) for f in record_iq(cloud, times, probe=probe, coherence=coherence)
        ]
        bright = frames[0] > 0.3
        alike.append(np.corrcoef(frames[0][bright], frames[1][bright])[0, 1])
    assert alike[0] > alike[1] + 0.05


def test_noise_grows_with_depth_and_stays_below_tissue():
    added = draw_artefacts(PROBE, np.random.default_rng(0))
    assert (np.diff(added.noise[:, 0]) > 0).all()
    at = int(abs(SECTOR.depths - 0.10).argmin())
    assert 20 * math.log10(added.noise[at, 0]) == pytest.approx(PROBE.noise, abs=0.1)


def test_haze_has_the_level_that_is_set():
    probe = replace(PROBE, reverberation=-200.0, haze=-20.0)
    levels = []
    for seed in range(6):
        still = draw_artefacts(probe, np.random.default_rng(seed)).still
        at = slice(54, 68)  # 5 cm
        levels.append(np.mean(abs(still[at]) ** 2))
    # Four waves of 2 dB raise the mean power by about 2 dB.
    assert 10 * math.log10(np.mean(levels)) == pytest.approx(-18.0, abs=1.5)


def test_out_of_focus_echoes_are_no_brighter():
    probe = replace(
        PROBE, unevenness=0.0, attenuation=0.0, focus=0.05, side_lobes=-60.0
    )
    added = draw_artefacts(probe, np.random.default_rng(0))
    width = probe.beam_width_at(SECTOR.depths)
    # The power of dense speckle goes with the width of the beam.
    level = added.gain[:, 40] ** 2 * width / probe.beam_width
    assert level == pytest.approx(np.ones(161), rel=0.02)


def test_without_unevenness_all_beams_have_the_same_gain():
    added = draw_artefacts(replace(PROBE, unevenness=0.0), np.random.default_rng(0))
    assert np.ptp(added.gain, axis=1).max() < 1e-6
    uneven = draw_artefacts(PROBE, np.random.default_rng(0))
    assert 20 * np.log10(uneven.gain.max() / uneven.gain.min()) > 6


def test_films_are_reproducible_and_seeds_differ():
    heart = build_heart(PATIENT)
    probe = Probe.matched_to(Sector((0.0, 0.14), (-0.5, 0.5), (96, 32)))
    placement = Placement.apical(apex=(0.0, 0.03), tilt=0.0)
    first, again, other = (
        b_mode(
            heart,
            Motion.of(heart),
            np.array([0.1, 0.3]),
            probe=probe,
            placement=placement,
            seed=seed,
            coherence=0.9,
        )
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_what_is_drawn_covers_the_slice_at_any_time():
    # The base moves a centimetre through a short-axis plane: no gap may open there.
    scene = begin(PATIENT, what="b_mode psax_base", beats=1)
    placement = hold_probe(scene, "psax_base")
    probe = Probe.matched_to(Sector((0.02, 0.13), (-0.6, 0.6), (128, 48)))
    cloud = draw_scatterers(
        scene.heart, scene.motion, probe=probe, placement=placement, seed=0
    )
    beat = scene.motion.cycle.beats[0]
    counts = []
    for time in (beat.r, beat.end_systole, np.mean(beat.early)):
        x, y, z = cloud.at(float(time)).T
        depth = np.hypot(x, z)
        seen = (abs(y) < 2 * probe.elevation(depth)) & (depth < 0.13)
        counts.append(np.sum(seen & (abs(x) < 0.5 * z)))
    assert min(counts) > 0.75 * max(counts)


def test_the_base_moves_towards_the_probe_in_systole_and_away_when_filling():
    heart = build_heart(PATIENT)
    motion, placement = Motion.of(heart), Placement.apical(apex=(0.0, 0.03), tilt=0.0)
    beat = motion.cycle.beats[0]
    base = 0.03 + heart.ventricle.length * 0.9
    sector = Sector((base - 0.002, base + 0.002), (-0.3, 0.3), (3, 31))
    times = np.array([np.mean(beat.ejection), np.mean(beat.early)])
    velocity = beam_velocity(motion, times, sector=sector, placement=placement)
    assert velocity[0].min() > 0.01
    assert velocity[1].max() < -0.01


def test_velocity_is_the_change_of_range_along_a_beam():
    heart = build_heart(PATIENT)
    motion, placement = (
        Motion.of(heart),
        Placement.apical(apex=(0.004, 0.03), tilt=0.06),
    )
    sector = Sector((0.035, 0.11), (-0.4, 0.4), (41, 21))
    time, step = 0.18, 1e-6
    x, z = sector.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    rest = motion.inverse(places, time)
    ahead, behind = (
        np.linalg.norm(placement.to_image(motion.forward(rest, time + s)), axis=-1)
        for s in (step, -step)
    )
    velocity = beam_velocity(
        motion, np.array([time]), sector=sector, placement=placement
    )
    np.testing.assert_allclose(velocity[0], -(ahead - behind) / (2 * step), atol=1e-6)


def test_an_impossible_coherence_is_refused(still):
    cloud, probe, times = still
    with pytest.raises(InvalidArgumentError, match="percent"):
        list(record_iq(cloud, times, probe=probe, coherence=95.0))
