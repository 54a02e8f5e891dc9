from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cardium.core import PlaneGrid
from cardium.errors import InvalidArgumentError
from cardium.phantom.realism import (
    contrast,
    describe_frame,
    match_frames,
    speckle_statistics,
)

PLANE = PlaneGrid((0.0, 0.06), (0.0, 0.09), (181, 121))
EVERYWHERE = np.ones(PLANE.shape, bool)


def test_half_widths_are_those_of_a_gaussian_field():
    # A field smoothed by s has the autocorrelation exp(-lag^2 / (4 s^2)), one half at
    # a lag of 2 s sqrt(ln 2).
    rng = np.random.default_rng(0)
    wide = 0.35
    step = np.array(PLANE.spacing) * 1000
    field = gaussian_filter(
        rng.normal(size=(181, 121)), (wide / step[0], 2 * wide / step[1])
    )
    grey = np.clip(128 + 40 * field / field.std(), 0, 255).astype(np.uint8)
    cavity = np.zeros_like(EVERYWHERE)
    cavity[:2] = True
    look = describe_frame(grey, PLANE, muscle=~cavity, cavity=cavity, fan=EVERYWHERE)
    half = 2 * wide * np.sqrt(np.log(2)) / 1000
    assert look.axial == pytest.approx(half, rel=0.15)
    assert 1.4 < look.lateral / look.axial < 2.2
    assert 25 < look.texture < 42


def test_percentiles_and_quarters_are_of_their_regions():
    grey = np.zeros(PLANE.shape, np.uint8)
    grey[:45], grey[45:90], grey[90:135], grey[135:] = 10, 60, 110, 160
    cavity, muscle = np.zeros_like(EVERYWHERE), np.zeros_like(EVERYWHERE)
    cavity[:45], muscle[90:135] = True, True
    look = describe_frame(grey, PLANE, muscle=muscle, cavity=cavity, fan=EVERYWHERE)
    assert look.cavity.tolist() == [10] * 5
    assert look.muscle.tolist() == [110] * 5
    assert look.rest[0] == 60
    assert look.rest[-1] == 160
    assert look.quarters.tolist() == [10, 60, 110, 160]
    with pytest.raises(InvalidArgumentError, match="in the fan"):
        describe_frame(grey, PLANE, muscle=muscle, cavity=cavity, fan=muscle)


def test_contrast_is_symmetric_and_counts_overlap():
    rng = np.random.default_rng(1)
    one, other = (
        rng.normal(m, 10, 200_000).clip(0, 255).astype(np.uint8) for m in (100, 120)
    )
    # Two normal distributions 2 sd apart overlap by 2 Phi(-1) = 0.3173.
    assert contrast(one, other) == pytest.approx(1 - 0.3173, abs=0.01)
    assert contrast(one, other) == contrast(other, one)


def test_sparse_speckle_is_less_developed():
    rng = np.random.default_rng(2)
    dense = abs(rng.normal(size=100_000) + 1j * rng.normal(size=100_000))
    sparse = dense * rng.gamma(0.5, 2, dense.size) ** 0.5
    assert speckle_statistics(dense)[0] == pytest.approx(1.913, abs=0.02)
    assert speckle_statistics(dense)[1] == pytest.approx(5.57, abs=0.05)
    assert speckle_statistics(sparse)[0] < 1.5


def test_a_block_is_found_where_it_moved_to():
    rng = np.random.default_rng(3)
    still = rng.integers(0, 255, (60, 60))
    moving = np.stack([np.roll(still, (2 * k, k), (0, 1)) for k in range(4)])
    assert match_frames(moving, np.s_[20:40, 20:40], lags=(1, 2))[1] > 0.999
    fresh = rng.integers(0, 255, (4, 60, 60))
    assert match_frames(fresh, np.s_[20:40, 20:40], lags=(1,))[0] < 0.4
