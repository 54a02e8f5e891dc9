from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.probe import Placement, Probe


def test_placement_round_trip_keeps_distances():
    placement = Placement((0.01, 0.03), math.radians(7), math.radians(-60))
    points = np.random.default_rng(0).normal(size=(50, 3))
    there = placement.to_image(points)
    np.testing.assert_allclose(placement.to_heart(there), points, atol=1e-14)
    origin = placement.to_image(np.zeros(3))
    np.testing.assert_allclose(origin, [0.01, 0, 0.03], atol=1e-15)
    np.testing.assert_allclose(
        np.linalg.norm(there - origin, axis=-1), np.linalg.norm(points, axis=-1)
    )


def test_tilt_moves_the_base_to_the_right():
    base = Placement((0.0, 0.03), math.radians(10)).to_image(np.array([0, 0, 0.08]))
    np.testing.assert_allclose(
        base,
        [0.08 * math.sin(math.radians(10)), 0, 0.03 + 0.08 * math.cos(math.pi / 18)],
    )


def test_plane_and_space_agree():
    placement = Placement((0.01, 0.03), math.radians(7))
    flat = np.random.default_rng(1).normal(size=(20, 2))
    points = np.stack([flat[:, 0], np.zeros(20), flat[:, 1]], axis=-1)
    np.testing.assert_allclose(
        placement.plane_to_image(flat), placement.to_image(points)[:, [0, 2]]
    )


def test_two_chamber_view_has_the_inferior_wall_on_the_left():
    placement = Placement((0.0, 0.0), 0.0, math.radians(-60))
    inferior = placement.to_image(np.array([0.0, 0.03, 0.05]))
    assert inferior[0] < -0.02


def test_matched_probe_resolves_about_what_is_sampled():
    sector = Sector((0.0, 0.16), (-0.7, 0.7), (192, 64))
    probe = Probe.matched_to(sector)
    assert 0.5 < probe.range_width / sector.range_spacing < 1.5
    assert 0.5 < probe.beam_width / sector.beam_spacing < 1.5


def test_impossible_probes_are_refused():
    sector = Sector((0.0, 0.16), (-0.7, 0.7), (192, 64))
    with pytest.raises(InvalidArgumentError, match="positive"):
        Probe(sector, range_width=0.0, beam_width=0.01)
