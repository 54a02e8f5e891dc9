from __future__ import annotations

import numpy as np
import pytest

from cardium.core import PlaneGrid, Sector
from cardium.errors import NotProvidedError
from cardium.plot.plane import picture_plane, place_of
from plot.conftest import ecg


def test_pixels_are_square_and_start_at_the_first_sample() -> None:
    plane = PlaneGrid(x=(-0.03, 0.05), z=(0.01, 0.11), shape=(50, 500))
    shown = picture_plane(plane, size=401)
    assert shown.shape == (401, 321)
    assert np.allclose(shown.spacing, 0.1 / 400)
    assert (shown.x[0], shown.z[0]) == (-0.03, 0.01)
    assert np.allclose((shown.x[1], shown.z[1]), (0.05, 0.11))


def test_a_sector_is_shown_whole() -> None:
    sector = Sector(depth=(0.02, 0.15), angle=(-0.6, 0.6), shape=(50, 30))
    shown = picture_plane(sector)
    dz, dx = shown.spacing
    assert np.isclose(dz, dx)
    assert np.isclose(shown.x[0], -0.15 * np.sin(0.6), atol=dx)
    assert np.isclose(shown.x[1], 0.15 * np.sin(0.6), atol=dx)
    assert np.isclose(shown.z[0], 0.02 * np.cos(0.6), atol=dz)
    assert np.isclose(shown.z[1], 0.15, atol=dz)


def test_a_stream_without_place_is_refused() -> None:
    with pytest.raises(NotProvidedError, match="'ecg' does not say where"):
        place_of(ecg())
