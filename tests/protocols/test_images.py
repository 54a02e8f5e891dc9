"""Resizes against PyTorch, conversions against plain loops, pairings by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from cardium.core import Clip, PlaneGrid, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.protocols import _images as images
from cardium.protocols import _pairing as pairing
from cardium.protocols._image_tables import nearest_axis

SECTOR = Sector(depth=(0.01, 0.09), angle=(-0.5, 0.7), shape=(23, 17))
BOX = Sector(depth=(0.02, 0.07), angle=(-0.4, 0.3), shape=(11, 9))


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def torch_resize(frames, shape):
    return functional.interpolate(
        torch.as_tensor(np.float32(frames))[:, None], shape, mode="bilinear"
    )[:, 0].numpy()


def index_in(sector, x, z):
    """Fractional row and column of one point, spelled out."""
    (r0, r1), (a0, a1), (rows, beams) = sector.depth, sector.angle, sector.shape
    row = (math.hypot(x, z) - r0) / (r1 - r0) * (rows - 1)
    column = (math.atan2(x, z) - a0) / (a1 - a0) * (beams - 1)
    there = -1e-9 <= row <= rows - 1 + 1e-9 and -1e-9 <= column <= beams - 1 + 1e-9
    return row, column, there


def bilinear(frame, row, column):
    i = min(max(int(row), 0), frame.shape[0] - 2)
    j = min(max(int(column), 0), frame.shape[1] - 2)
    u, v = row - i, column - j
    (a, b), (c, d) = np.float64(frame[i : i + 2, j : j + 2])
    return (1 - u) * ((1 - v) * a + v * b) + u * ((1 - v) * c + v * d)


@pytest.mark.parametrize("shape", [(256, 256), (7, 40), (23, 17), (1, 3)])
def test_resize_is_that_of_torch(rng, shape):
    frames = rng.integers(0, 256, (3, 23, 17), dtype=np.uint8)
    found = images.resize(frames, shape, factor=1 / 255)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, torch_resize(frames / 255, shape), atol=1e-6)
    signed = rng.normal(size=(2, 300, 120)).astype(np.float32)
    found = images.resize(signed, shape)
    np.testing.assert_allclose(found, torch_resize(signed, shape), atol=3e-6)


@pytest.mark.parametrize(
    ("have", "want"), [(300, 256), (341, 256), (40, 256), (5, 10), (9, 9), (7, 3)]
)
def test_nearest_resize_is_that_of_torch(have, want):
    row = torch.arange(float(have))[None, None]
    expected = functional.interpolate(row, want, mode="nearest")[0, 0].numpy()
    np.testing.assert_array_equal(nearest_axis(have, want), expected)


def test_range_of_a_clip_and_of_each_frame():
    frames = np.float32([[[2, 4]], [[6, 6]]])
    assert images.unit_range(frames).ravel().tolist() == [0, 0.5, 1, 1]
    assert images.unit_range_each(frames).ravel().tolist() == [0, 1, 0, 0]
    assert not images.unit_range(np.full((2, 3), 7.0)).any()


def test_published_plane_counts_pixels_not_steps():
    plane = images.published_plane(SECTOR, 256)
    left, right = 0.09 * math.sin(-0.5), 0.09 * math.sin(0.7)
    top = 0.01 * math.cos(0.7)
    assert plane.x == pytest.approx((left, right))
    assert plane.z == pytest.approx((top, 0.09))  # straight down is in the fan
    assert plane.shape == (256, round(256 * (right - left) / (0.09 - top)))
    # A fan that looks to the right ends at its first beam, not straight down.
    steered = Sector(depth=(0.0, 0.1), angle=(0.2, 0.6), shape=(5, 5))
    assert images.published_plane(steered, 10).z == pytest.approx(
        (0.0, 0.1 * math.cos(0.2))
    )


def test_conversion_to_the_plane_is_a_plain_double_loop(rng):
    frames = rng.integers(0, 256, (2, *SECTOR.shape), dtype=np.uint8)
    plane = images.published_plane(SECTOR, 20)
    expected = np.zeros((2, *plane.shape))
    for i, z in enumerate(plane.zs):
        for j, x in enumerate(plane.xs):
            row, column, there = index_in(SECTOR, x, z)
            if there:
                expected[:, i, j] = [bilinear(f, row, column) for f in frames]
    found = images.to_plane(frames, SECTOR, plane)
    assert found.dtype == np.uint8
    assert np.abs(found - expected).max() < 0.5 + 1e-3
    smooth = images.to_plane(frames.astype(np.float32), SECTOR, plane)
    np.testing.assert_allclose(smooth, expected, atol=1e-3)
    seen = images.model_frames(frames, SECTOR, "cartesian", 32, rows=20)
    np.testing.assert_allclose(seen, torch_resize(found / 255, (32, 32)), atol=1e-6)
    wide = images.model_frames(frames.astype(np.float32), SECTOR, "cartesian", 32)
    assert np.abs(wide - images.model_frames(frames, SECTOR, "cartesian", 32)).max() < (
        0.5 / 255 + 1e-5
    )


def test_halves_are_rounded_to_even():
    sector = Sector(depth=(0.0, 0.2), angle=(-0.25, 0.25), shape=(3, 3))
    plane = PlaneGrid(x=(-0.01, 0.01), z=(0.05, 0.15), shape=(3, 3))
    frames = np.array([[[10] * 3, [11] * 3, [12] * 3]], np.uint8)
    middle = images.to_plane(frames, sector, plane)[0, :, 1]
    assert middle[[0, 2]].tolist() == [10, 12]  # 10.5 and 11.5


@pytest.mark.parametrize("on_plane", [False, True])
def test_nearest_target_is_a_plain_double_loop(rng, on_plane):
    values = rng.normal(size=(2, *BOX.shape)).astype(np.float32)
    target = images.published_plane(BOX, 14) if on_plane else SECTOR
    x, z = target.points()
    expected = np.zeros((2, *target.shape), np.float32)
    for i, j in np.ndindex(target.shape):
        row, column, there = index_in(BOX, x[i, j], z[i, j])
        if there:
            expected[:, i, j] = values[:, round(row), round(column)]
    assert 0.2 < np.count_nonzero(expected) / expected.size < 0.9
    np.testing.assert_array_equal(images.nearest_frames(values, BOX, target), expected)
    resized = functional.interpolate(
        torch.as_tensor(expected)[:, None], (19, 19), mode="nearest"
    )[:, 0]
    found = images.nearest_frames(values, BOX, target, size=19)
    np.testing.assert_array_equal(found, resized)


def test_a_tie_goes_to_the_even_sample():
    fan = Sector(depth=(0.0, 0.4), angle=(-0.25, 0.25), shape=(5, 2))
    finer = Sector(depth=(0.0, 0.4), angle=(-0.25, 0.25), shape=(9, 2))
    rows = np.broadcast_to(np.arange(5.0)[:, None], (1, 5, 2))
    found = images.nearest_frames(rows, fan, finer)[0, 1::2, 0]
    exact = [row % 1 == 0.5 for row in (finer.depths[1::2] / fan.range_spacing)]
    wanted = np.array([0, 2, 2, 4])
    np.testing.assert_array_equal(found[exact], wanted[exact])
    assert any(exact)


@pytest.mark.parametrize("shape", [(23, 17), (32, 32)])
def test_sampling_is_the_grid_sample_of_torch(rng, shape):
    prediction = rng.normal(size=(2, 3, *shape)).astype(np.float32)
    plane = images.published_plane(BOX, 40)
    x, z = plane.points()
    for domain in images.DOMAINS:
        if domain == "beamspace":
            v = 2 * (np.hypot(x, z) - 0.01) / 0.08 - 1
            u = 2 * (np.arctan2(x, z) + 0.5) / 1.2 - 1
        else:
            v, u = np.meshgrid(
                *(np.linspace(-1, 1, n) for n in plane.shape), indexing="ij"
            )
        grid = torch.as_tensor(np.stack([u, v], -1)[None].repeat(2, 0))
        expected = functional.grid_sample(
            torch.as_tensor(prediction).double(), grid, align_corners=True
        )
        found = images.sample_on_plane(prediction, domain, SECTOR, plane)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_sampling_fades_within_a_sample_of_the_rim():
    """Zeros lie around, so that half a sample outside half of the value is left."""
    fan = Sector(depth=(0.02, 0.06), angle=(-0.5, 0.5), shape=(5, 5))
    below = PlaneGrid(x=(-1e-9, 1e-9), z=(0.06, 0.08), shape=(5, 2))
    found = images.sample_on_plane(np.ones((1, 1, 5, 5)), "beamspace", fan, below)
    np.testing.assert_allclose(found[0, 0, :, 0], [1, 0.5, 0, 0, 0], atol=1e-6)


def test_only_the_clip_is_read():
    class Recorded:
        shape, dtype, asked = (9, 2), np.dtype(np.float32), None

        def __getitem__(self, part):
            self.asked = part
            return np.zeros((9, 2), np.float32)[part]

    values = Recorded()
    stream = Stream("b_mode", values, np.arange(9.0), ("time", "range"), "grey")
    assert images.read_clip(stream, Clip(2, 5)).shape == (3, 2)
    assert values.asked == slice(2, 5)
    with pytest.raises(NotProvidedError, match="needs a Sector"):
        images.sector_of(stream, "r0")


def test_rate_is_by_the_mean_positive_step():
    assert images.frame_rate(np.array([0.0, 0.1, 0.1, 0.5])) == pytest.approx(4)
    assert math.isnan(images.frame_rate(np.array([1.0])))
    with pytest.raises(InvalidArgumentError, match="polar"):
        images.check_domain("polar")


def test_pairing_worked_by_hand():
    frames = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    stamps = [0.2, 0.4, 0.9, 1.0, 3.4, 3.6, 4.0]
    # 0.4 is nearest 0.5; 1.0 opens the second interval; the third has none;
    # 3.4 and 3.6 are as near to 3.5, and the earlier is taken.
    found = pairing.pair_intervals(frames, np.array(stamps))
    assert found.tolist() == [1, 3, -1, 4]
    # 4.0 is in the last interval, which is closed; 2.0 is not in the second.
    found = pairing.pair_intervals(frames, np.array([0.0, 2.0, 4.0]))
    assert found.tolist() == [0, -1, 1, 2]
    assert pairing.pair_intervals(frames, np.array([])).tolist() == [-1] * 4


def test_clips_by_hand():
    usable = np.ones(10, bool)
    usable[4] = False
    assert pairing.sliding_clips(usable, 3, 2) == (Clip(0, 4), Clip(6, 10))
    assert pairing.sliding_clips(usable, 11, 1) == ()
    assert pairing.longest_clip(usable) == Clip(5, 11)
    assert pairing.longest_clip(np.zeros(3, bool)) == Clip(0, 1)
    assert pairing.centre_crop(Clip(5, 11), 3) == Clip(6, 9)
    assert pairing.centre_crop(Clip(5, 11), 6) == Clip(5, 11)
