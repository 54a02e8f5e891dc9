from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.probe import Placement, Probe

SECTOR = Sector((0.0, 0.16), (-0.7, 0.7), (192, 64))


def test_placement_round_trip_keeps_distances():
    placement = Placement.apical(
        apex=(0.01, 0.03), tilt=math.radians(7), rotation=math.radians(-60)
    )
    points = np.random.default_rng(0).normal(size=(50, 3))
    there = placement.to_image(points)
    np.testing.assert_allclose(placement.to_heart(there), points, atol=1e-14)
    origin = placement.to_image(np.zeros(3))
    np.testing.assert_allclose(origin, [0.01, 0, 0.03], atol=1e-15)
    np.testing.assert_allclose(
        np.linalg.norm(there - origin, axis=-1), np.linalg.norm(points, axis=-1)
    )
    np.testing.assert_allclose(placement.turn_to_image(points), there - origin)
    np.testing.assert_allclose(
        placement.turn_to_heart(there - origin), points, atol=1e-14
    )


def test_tilt_moves_the_base_to_the_right():
    held = Placement.apical(apex=(0.0, 0.03), tilt=math.radians(10))
    base = held.to_image(np.array([0, 0, 0.08]))
    np.testing.assert_allclose(
        base,
        [0.08 * math.sin(math.radians(10)), 0, 0.03 + 0.08 * math.cos(math.pi / 18)],
    )


def test_two_chamber_view_has_the_inferior_wall_on_the_left():
    held = Placement.apical(apex=(0.0, 0.0), tilt=0.0, rotation=math.radians(-60))
    inferior = held.to_image(np.array([0.0, 0.03, 0.05]))
    assert inferior[0] < -0.02


def test_a_reflection_is_no_placement():
    with pytest.raises(InvalidArgumentError, match="rotation"):
        Placement(np.diag([1.0, 1.0, -1.0]), np.zeros(3))


def test_matched_probe_resolves_about_what_is_sampled():
    probe = Probe.matched_to(SECTOR)
    assert 0.5 < probe.range_width / SECTOR.range_spacing < 1.5
    assert 0.5 < probe.beam_width / SECTOR.beam_spacing < 1.5


def test_the_beam_is_narrowest_at_its_focus():
    probe = Probe(SECTOR, 0.0005, 0.02, focus=0.07)
    depth = np.linspace(0.0, 0.16, 161)
    width = probe.beam_width_at(depth)
    assert depth[width.argmin()] == pytest.approx(0.07, abs=0.0011)
    assert width.min() == pytest.approx(0.02)
    assert (width[:20] == width[0]).all()
    assert width.max() == pytest.approx(0.02 * math.sqrt(2))


def test_side_lobes_are_weak_and_broad():
    probe = Probe(SECTOR, 0.0005, 0.02, side_lobes=-30.0)
    depth = np.array(probe.focus)
    level = 20 * np.log10(probe.beam_profile(depth, np.array([0.0, 0.02, 0.08])))
    assert level[0] == pytest.approx(0, abs=1e-9)
    # One width off: exp(-1/2) is -4.3 dB; four widths off only side lobes are left.
    assert level[1] == pytest.approx(-4.3, abs=0.3)
    assert level[2] == pytest.approx(-30 - 4.3, abs=0.3)
    assert 20 * np.log10(probe.beam_profile(depth, np.array(probe.beam_reach))) < -40


def test_styles_keep_the_fan_and_differ():
    probe = Probe.matched_to(SECTOR)
    styles = [probe.styled(np.random.default_rng(k)) for k in range(40)]
    assert all(style.sector == SECTOR for style in styles)
    ranges = np.array([style.dynamic_range for style in styles])
    assert 55 < ranges.min() < 66
    assert 74 < ranges.max() < 82
    assert np.std([style.noise for style in styles]) > 2
    assert probe.styled(np.random.default_rng(3)) == styles[3]


@pytest.mark.parametrize("field", ["range_width", "beam_width", "focus", "gamma"])
def test_impossible_probes_are_refused(field):
    values = {"range_width": 0.0005, "beam_width": 0.01, field: 0.0}
    with pytest.raises(InvalidArgumentError, match=f"positive.*{field}"):
        Probe(SECTOR, **values)
    with pytest.raises(InvalidArgumentError, match="unevenness"):
        Probe(SECTOR, 0.0005, 0.01, unevenness=-1.0)
