"""Tissue Doppler: estimates against the exact velocity, folding, noise in blood."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.acquisition import begin, reach
from cardium.phantom.anatomy import ECHO_CLASSES
from cardium.phantom.imaging import beam_velocity
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Probe
from cardium.phantom.scatterers import draw_scatterers
from cardium.phantom.tissue import move, record_tissue_velocity
from cardium.phantom.views import hold_probe, outline
from cardium.signal.doppler import fold

LIMIT = 0.16


@pytest.fixture(scope="module")
def scene():
    """A beating heart under a probe, its scatterers, a sector and the exact truth."""
    start = begin(Patient(number=3), what="b_mode 4ch", beats=1)
    placement = hold_probe(start, "4ch")
    beat = start.motion.cycle.beats[0]
    times = np.array(
        [
            beat.r + 0.02,
            np.mean(beat.ejection) - 0.04,
            beat.end_systole,
            np.mean(beat.early),
            np.mean(beat.late),
        ]
    )
    (near, far), (left, right) = reach(outline(start.motion, placement, times))
    sector = Sector((near - 0.005, far + 0.005), (left, right), (128, 40))
    cloud = draw_scatterers(
        start.heart,
        start.motion,
        probe=Probe.matched_to(Sector((0.0, far + 0.02), (-0.7, 0.7), (192, 64))),
        placement=placement,
        seed=1,
    )
    truth = beam_velocity(start.motion, times, sector=sector, placement=placement)
    x, z = sector.points()
    image = np.stack([x, np.zeros_like(x), z], axis=-1).reshape(-1, 3)
    places = placement.to_heart(image)
    tissue = np.stack(
        [
            start.heart.echo_class(start.motion.inverse(places, time))
            for time in times.tolist()
        ]
    ).reshape(truth.shape)
    return cloud, times, sector, truth, tissue


def _inside(tissue, name, edge):
    """Samples of a tissue with nothing else within `edge` samples."""
    return np.stack(
        [
            binary_erosion(frame == ECHO_CLASSES.index(name), iterations=edge)
            for frame in tissue
        ]
    )


def test_the_estimate_is_the_exact_velocity(scene):
    cloud, times, sector, truth, tissue = scene
    stream = record_tissue_velocity(
        cloud, times, sector=sector, velocity_limit=LIMIT, seed=2
    )
    wall = _inside(tissue, "myocardium", 2)
    error = 100 * fold(stream.values - truth, LIMIT)[wall]
    assert wall.sum() > 1000
    assert np.abs(100 * truth[wall]).mean() > 0.5
    assert abs(error.mean()) < 0.05
    assert np.median(abs(error)) < 0.05
    assert stream.values.min() >= -LIMIT
    assert stream.values.max() < LIMIT
    assert (stream.unit, stream.velocity_limit) == ("m/s", LIMIT)


def test_fast_tissue_folds(scene):
    cloud, times, sector, truth, tissue = scene
    limit = 0.035
    stream = record_tissue_velocity(
        cloud, times, sector=sector, velocity_limit=limit, seed=2
    )
    fast = _inside(tissue, "myocardium", 1) & (abs(truth) > 1.05 * limit)
    assert fast.sum() > 200
    assert (abs(stream.values) <= limit).all()
    error = abs(fold(stream.values - truth, limit))[fast]
    assert np.median(error) < 0.08 * limit


def test_blood_is_noise_over_the_whole_range(scene):
    cloud, times, sector, _, tissue = scene
    stream = record_tissue_velocity(
        cloud, times, sector=sector, velocity_limit=LIMIT, seed=2
    )
    blood = _inside(tissue, "lv_cavity", 5)
    velocity = stream.values[blood]
    assert velocity.size > 500
    assert velocity.std() == pytest.approx(LIMIT / np.sqrt(3), rel=0.12)
    share, _ = np.histogram(velocity, 4, (-LIMIT, LIMIT))
    np.testing.assert_allclose(share / velocity.size, 0.25, atol=0.08)


def test_scatterers_move_as_they_are_placed(scene):
    cloud, times, *_ = scene
    time = float(times[1])
    points, velocity = move(cloud, time, duration=0.004)
    ahead = cloud.at(time + 0.002)
    np.testing.assert_allclose(points + 0.002 * velocity, ahead, atol=1e-7)
    # Tissue hardly bends its way in 4 ms; some leaflets do.
    away = abs(points - cloud.at(time)).max(axis=1)
    assert np.quantile(away, 0.99) < 3e-6


def test_same_bits_again_and_other_noise(scene):
    cloud, times, sector, *_ = scene
    runs = [
        record_tissue_velocity(
            cloud, times[:1], sector=sector, velocity_limit=LIMIT, seed=seed
        ).values
        for seed in (5, 5, 6)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    with pytest.raises(InvalidArgumentError, match="velocity limit"):
        record_tissue_velocity(cloud, times, sector=sector, velocity_limit=0.0, seed=0)
