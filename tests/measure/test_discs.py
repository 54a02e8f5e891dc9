"""Volumes from outlines against spheroids and ellipsoids in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.discs import (
    area_length_volume,
    axis_difference,
    biplane_volume,
    disc_volume,
    long_axis_length,
)


def half_ellipse(across: float, along: float, count: int = 401) -> np.ndarray:
    """The outline of half a spheroid, base below, apex above, in metres."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, count)
    return np.stack([across * np.sin(angle), along * (1 - np.cos(angle))], axis=-1)


def turned(contour: np.ndarray, angle: float) -> np.ndarray:
    c, s = math.cos(angle), math.sin(angle)
    return contour @ np.array([[c, s], [-s, c]])


def test_a_cone_by_hand() -> None:
    """Two discs of 1.5 and 0.5 cm across on an axis of 4 cm."""
    cone = np.array([(-2, 0), (-1, -2), (0, -4), (1, -2), (2, 0)]) * 0.5e-2
    by_hand = math.pi / 4 * (0.015**2 + 0.005**2) * 0.02 / 2
    assert disc_volume(cone, discs=2) == pytest.approx(by_hand, rel=1e-12)
    assert long_axis_length(cone) == pytest.approx(0.02, rel=1e-12)


@given(
    across=st.floats(0.015, 0.035),
    stretch=st.floats(1.2, 2.5),
    angle=st.floats(-3, 3),
    shift=st.floats(-0.1, 0.1),
    reverse=st.booleans(),
)
def test_a_half_spheroid_wherever_it_lies(
    across, stretch, angle, shift, reverse
) -> None:
    along = stretch * across
    outline = turned(half_ellipse(across, along), angle) + shift
    outline = outline[::-1] if reverse else outline
    true = 2 / 3 * math.pi * across**2 * along
    # The midpoint rule of 20 discs is h^2 / 24 f' = 1 / 3200 of 2 / 3 high.
    assert disc_volume(outline) == pytest.approx(true * (1 + 1 / 1600), rel=5e-4)
    assert area_length_volume(outline) == pytest.approx(true, rel=2e-4)
    assert long_axis_length(outline) == pytest.approx(along, rel=1e-5)


def test_biplane_of_an_ellipsoid_needs_both_views() -> None:
    a, b, c = 0.03, 0.02, 0.06
    four, two = half_ellipse(a, c), half_ellipse(b, c)
    true = 2 / 3 * math.pi * a * b * c
    assert biplane_volume(four, two) == pytest.approx(true, rel=2e-3)
    assert disc_volume(four) == pytest.approx(true * a / b, rel=2e-3)
    assert 1e6 * biplane_volume(four, two) == pytest.approx(75.4, abs=0.2)


def test_biplane_takes_the_longer_axis_and_counts_from_the_base() -> None:
    four, two = half_ellipse(0.02, 0.08), half_ellipse(0.02, 0.06)
    longer = biplane_volume(four, four)
    assert biplane_volume(four, two) == pytest.approx(longer, rel=1e-6)
    assert biplane_volume(two, four) == pytest.approx(longer, rel=1e-6)
    upside = two * (1, -1)
    assert biplane_volume(four, upside) == pytest.approx(longer, rel=1e-6)
    assert axis_difference(four, two) == pytest.approx(0.25, rel=1e-6)


def test_a_slanted_base_is_cut_off() -> None:
    """A box of 4 x 6 cm whose base slants by 2 cm: discs end at the slanted line."""
    left, right = (-0.02, 0.07), (0.02, 0.05)
    walls = [left, (-0.02, 0.03), (-0.02, 0.0), (0.0, 0.0), (0.02, 0.0), (0.02, 0.03)]
    box = np.array([*walls, right])
    # The axis runs from (0, 6) to the farther corner; whatever it is, no disc is wider
    # than the diagonal and none is negative.
    volume = disc_volume(box)
    assert 0 < volume < math.pi / 4 * 0.04**2 * 0.07 * 1.2


def test_points_without_place_are_bridged_but_ends_are_needed() -> None:
    outline = half_ellipse(0.02, 0.05, 101)
    holed = outline.copy()
    holed[[20, 21, 70]] = np.nan
    assert disc_volume(holed) == pytest.approx(disc_volume(outline), rel=5e-3)
    holed[0] = np.nan
    with pytest.raises(NotProvidedError, match="annulus"):
        disc_volume(holed)
    with pytest.raises(InvalidArgumentError, match=r"\(N, 2\)"):
        disc_volume(outline.T)
    with pytest.raises(InvalidArgumentError, match="same"):
        disc_volume(np.full((9, 2), 0.1))
