"""Low-passing before a coarser target: what must vanish, and what must stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import PlaneGrid, Sector, SectorVolume, SlicePlane, VolumeGrid
from cardium.geometry import (
    grid_around,
    inside,
    plane_around,
    resample,
    resample_velocity,
    with_shape,
)
from cardium.geometry._antialias import filters_for, spanned

SECTOR = Sector((0.0, 0.12), (-0.6, 0.6), (241, 193))
INNER = Sector((0.01, 0.115), (-0.5, 0.5), (9, 9))
FAN = SectorVolume((0.0, 0.12), (-0.5, 0.5), (-0.4, 0.4), (25, 31, 61))
PYRAMID = replace(FAN, convention="tangent")
COARSE = PlaneGrid((-0.068, 0.068), (0.0, 0.12), (61, 69))  # pixels of 2 mm


def test_beams_that_alternate_alias_without_and_vanish_with():
    beams = np.zeros(SECTOR.shape) + np.where(np.arange(193) % 2, 1.0, -1.0)
    plain = resample(beams, SECTOR, COARSE)
    smooth = resample(beams, SECTOR, COARSE, antialias=True)
    # Beams are 6.25 mrad apart: at 12 cm a pixel of 2 mm still spans 2.7 of them. The
    # outermost ones have no neighbours to cancel with.
    kept = inside(SECTOR, COARSE) & inside(INNER, COARSE)
    assert plain[kept].std() > 0.4
    assert abs(smooth[kept]).max() < 1e-2


def test_samples_that_alternate_along_the_range_vanish_too():
    beams = np.zeros(SECTOR.shape) + np.where(np.arange(241) % 2, 1.0, -1.0)[:, None]
    kept = inside(SECTOR, COARSE) & inside(INNER, COARSE)
    assert resample(beams, SECTOR, COARSE)[kept].std() > 0.4
    smooth = resample(beams, SECTOR, COARSE, antialias=True)
    assert abs(smooth[kept]).max() < 1e-2


def test_zone_plate_keeps_what_the_target_holds():
    fine = PlaneGrid(x=(-0.05, 0.05), z=(-0.05, 0.05), shape=(401, 401))
    coarse = with_shape(fine, (101, 101))
    # The wave grows shorter outwards: 2 pixels of the coarse grid at 2.5 cm.
    bend = np.pi / (2 * 0.025 * 0.001)

    def plate(plane):
        x, z = plane.points()
        return np.cos(bend * (x**2 + z**2)), np.hypot(x, z)

    values, _ = plate(fine)
    expected, radius = plate(coarse)
    plain = resample(values, fine, coarse)
    smooth = resample(values, fine, coarse, antialias=True)
    held, lost = radius < 0.006, radius > 0.04
    assert np.corrcoef(smooth[held], expected[held])[0, 1] > 0.99
    assert plain[lost].std() > 0.5
    assert smooth[lost].std() < 0.05


def test_constant_and_sum_are_kept():
    grey = np.full(SECTOR.shape, 200, np.uint8)
    result = resample(grey, SECTOR, COARSE, antialias=True, outside=200)
    assert result.dtype == np.uint8
    assert (result == 200).all()
    # Pixels are square, so the filter is the same along every row and every beam.
    for matrix in filters_for(SECTOR, COARSE):
        ones = np.ones(matrix.shape[0])
        np.testing.assert_allclose(matrix @ ones, 1, atol=1e-5)
        np.testing.assert_allclose(matrix.T @ ones, 1, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "finer"),
    [
        (SECTOR, with_shape(SECTOR, (242, 400))),
        (COARSE, PlaneGrid((0, 0.05), (0, 0.05), (60, 70))),
        (grid_around(FAN, shape=(9, 9, 9)), grid_around(FAN, shape=(18, 18, 18))),
        (FAN, with_shape(FAN, (50, 62, 122))),
    ],
)
def test_nothing_changes_on_a_finer_target(source, finer):
    values = np.random.default_rng(0).normal(size=source.shape)
    assert filters_for(source, finer) == ()
    plain = resample(values, source, finer)
    np.testing.assert_array_equal(
        resample(values, source, finer, antialias=True), plain
    )


def test_far_beams_are_left_as_they_are():
    plane = plane_around(SECTOR, rows=481)  # 0.25 mm, the spacing of beams at 4 cm
    values = np.random.default_rng(0).normal(size=SECTOR.shape)
    changed = resample(values, SECTOR, plane, antialias=True) != resample(
        values, SECTOR, plane
    )
    x, z = plane.points()
    assert not changed[np.hypot(x, z) > 0.045].any()
    near = inside(SECTOR, plane) & (np.hypot(x, z) < 0.03)
    assert changed[near].mean() > 0.9


ASLANT = VolumeGrid(
    (-0.02, 0.0, 0.05),
    ((0.001, 0.0004, 0.003), (0.0003, 0.003, -0.0005), (0.002, -0.001, 0.0)),
    (9, 8, 10),
)
CUT = SlicePlane(
    PlaneGrid((-0.01, 0.01), (0.0, 0.02), (9, 9)),
    (0.0, 0.01, 0.06),
    (1, 1, 0),
    (0, 0, 1),
)
CURVED = Sector((0.0, 0.1), (-0.5, 0.5), (30, 20), apex_offset=0.05)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (SECTOR, PlaneGrid((-0.02, 0.03), (0.04, 0.09), (40, 30))),
        (PlaneGrid((-0.06, 0.06), (0.0, 0.12), (90, 80)), CURVED),
        (SECTOR, CURVED),
        (FAN, ASLANT),
        (PYRAMID, ASLANT),
        (ASLANT, FAN),
        (ASLANT, PYRAMID),
        (FAN, CUT),
    ],
)
def test_spans_are_those_of_finite_differences(source, target):
    """Count the source samples between neighbours of the target, the slow way."""
    index = np.stack(source.index_of(*target.points()))
    axes = tuple(range(1, index.ndim))
    slopes = np.stack(np.gradient(index, axis=axes))
    expected = np.sqrt((slopes**2).sum(axis=0))
    kept = inside(source, target)
    for axis, spans in enumerate(spanned(source, target)):
        found = resample(spans, source, target, outside=np.nan)
        middle = (slice(1, -1),) * len(target.shape)
        ratio = (found / expected[axis])[middle][kept[middle]]
        assert len(ratio) > 20
        assert np.nanmedian(ratio) == pytest.approx(1, abs=0.02)


def test_a_cut_does_not_blur_across_itself():
    rows = np.where(np.arange(25) % 2, 1.0, -1.0)[:, None, None]
    values = np.broadcast_to(rows, FAN.shape)
    grid = PlaneGrid((-0.02, 0.02), (0.03, 0.1), (15, 9))
    along = SlicePlane(grid, (0, 0, 0), (1, 0, 0), (0, 0, 1))
    across = SlicePlane(grid, (0, 0, 0), (0, 1, 0), (0, 0, 1))
    kept = resample(values, FAN, along, antialias=True)
    np.testing.assert_allclose(kept[inside(FAN, along)], -1, atol=1e-6)
    assert abs(resample(values, FAN, across, antialias=True)[:4]).max() < 0.35
    assert resample(values, FAN, across)[:4].std() > 0.4


def test_volume_is_smoothed_along_all_axes():
    e, a, r = np.indices(FAN.shape) % 2
    coarse = grid_around(FAN, shape=(9, 9, 9))
    kept = inside(FAN, coarse)
    for axis in (e, a, r):
        values = (200 * axis).astype(np.uint8)
        plain = resample(values, FAN, coarse)[kept].astype(float)
        smooth = resample(values, FAN, coarse, antialias=True)[kept].astype(float)
        assert plain.std() > 40
        assert abs(smooth - 100).max() < 20


def test_folded_velocities_are_smoothed_as_phasors():
    values = np.full(SECTOR.shape, 0.15)
    values[:, ::2] = -0.15  # the two sides of a fold at 0.16
    options = {"velocity_limit": 0.16, "outside": 0.16}
    result = resample_velocity(values, SECTOR, COARSE, antialias=True, **options)
    kept = inside(SECTOR, COARSE) & inside(INNER, COARSE)
    assert (abs(result[kept]) > 0.159).all()


def test_tensors_give_the_same_numbers_and_gradients():
    torch = pytest.importorskip("torch")
    small = Sector((0.0, 0.1), (-0.5, 0.5), (9, 13))
    plane = plane_around(small, rows=5)
    stack = np.random.default_rng(0).normal(size=(2, 3, *small.shape))
    expected = resample(stack, small, plane, antialias=True)
    tensor = torch.from_numpy(stack)
    result = resample(tensor, small, plane, antialias=True)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-6)
    grey = torch.from_numpy((stack * 20 + 100).astype(np.uint8))
    whole = resample(grey, small, plane, antialias=True)
    assert whole.dtype == torch.uint8
    same = resample(grey.numpy(), small, plane, antialias=True)
    assert abs(whole.numpy().astype(int) - same).max() <= 1
    tensor.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda v: resample(v, small, plane, antialias=True), tensor
    )
