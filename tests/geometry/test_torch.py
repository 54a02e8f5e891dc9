"""Resampling of tensors: the numbers of the numpy path, and true gradients."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import PlaneGrid, Sector, SectorVolume
from cardium.errors import GeometryError, InvalidArgumentError
from cardium.geometry import (
    apical_plane,
    grid_around,
    inside,
    plane_around,
    resample,
    resample_velocity,
)

torch = pytest.importorskip("torch")

SECTOR = Sector(depth=(0.01, 0.12), angle=(-0.7, 0.5), shape=(29, 21))
PLANE = plane_around(SECTOR)
SMALL = Sector(depth=(0.01, 0.12), angle=(-0.7, 0.5), shape=(4, 5))
SMALL_PLANE = plane_around(SMALL)
FAN = SectorVolume((0.0, 0.1), (-0.6, 0.4), (-0.4, 0.5), (5, 7, 9))
VOXELS = grid_around(FAN, shape=(8, 7, 6))
CUT = apical_plane(FAN, 0.4)


@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("uint8", 1), ("int16", 0), ("float32", 1e-4), ("float64", 1e-10)],
)
def test_agrees_with_numpy(method, dtype, tolerance):
    values = np.random.default_rng(0).uniform(0, 255, (2, 3, *SECTOR.shape))
    values = values.astype(dtype)
    expected = resample(values, SECTOR, PLANE, method=method, outside=7)
    tensor = torch.from_numpy(values)
    result = resample(tensor, SECTOR, PLANE, method=method, outside=7)
    assert result.dtype == tensor.dtype
    assert tuple(result.shape) == expected.shape
    difference = abs(result.numpy().astype(float) - expected.astype(float))
    assert difference.max() <= tolerance
    if dtype == "uint8":
        exact = resample(values.astype(float), SECTOR, PLANE, outside=7)
        limit = 0.5 + 1e-4 if method == "linear" else np.inf
        assert abs(result.numpy() - exact).max() <= limit


@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("uint8", 1), ("int16", 0), ("float32", 1e-4), ("float64", 1e-10)],
)
@pytest.mark.parametrize(
    ("source", "target"), [(FAN, VOXELS), (FAN, CUT), (VOXELS, FAN), (VOXELS, CUT)]
)
def test_volumes_agree_with_numpy(source, target, method, dtype, tolerance):
    values = np.random.default_rng(0).uniform(0, 255, (2, *source.shape)).astype(dtype)
    expected = resample(values, source, target, method=method, outside=7)
    result = resample(
        torch.from_numpy(values), source, target, method=method, outside=7
    )
    assert tuple(result.shape) == expected.shape == (2, *target.shape)
    assert str(result.dtype) == f"torch.{dtype}"
    difference = abs(result.numpy().astype(float) - expected.astype(float))
    assert difference.max() <= tolerance


@pytest.mark.parametrize(("source", "target"), [(FAN, CUT), (VOXELS, FAN)])
def test_gradient_of_a_volume_is_that_of_finite_differences(source, target):
    values = torch.rand(*source.shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: resample(v, source, target), values)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(
    ("source", "target"), [(SECTOR, PLANE), (PLANE, SECTOR), (FAN, VOXELS), (FAN, CUT)]
)
@pytest.mark.parametrize("antialias", [False, True])
def test_a_device_gives_the_same_numbers(source, target, antialias):
    values = np.random.default_rng(0).normal(size=(2, *source.shape))
    expected = resample(values, source, target, outside=7, antialias=antialias)
    tensor = torch.from_numpy(values).cuda().requires_grad_(True)
    result = resample(tensor, source, target, outside=7, antialias=antialias)
    assert result.is_cuda
    np.testing.assert_allclose(result.detach().cpu(), expected, atol=1e-6)
    result.sum().backward()
    assert torch.isfinite(tensor.grad).all()


def test_half_precision_stays_half_precision():
    values = torch.full(SECTOR.shape, 3.0, dtype=torch.bfloat16)
    result = resample(values, SECTOR, PLANE, outside=3)
    assert result.dtype == torch.bfloat16
    assert (result == 3).all()


def test_empty_stack_and_target_out_of_sight():
    assert len(resample(torch.zeros(0, *SECTOR.shape), SECTOR, PLANE)) == 0
    far = PlaneGrid(x=(1, 2), z=(1, 2), shape=(3, 4))
    assert (resample(torch.ones(SECTOR.shape), SECTOR, far, outside=9) == 9).all()


def test_gradient_is_that_of_finite_differences():
    values = torch.rand(2, *SMALL.shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: resample(v, SMALL, SMALL_PLANE), values)


def test_gradient_of_velocity_has_no_holes():
    values = torch.rand(2, *SMALL.shape, dtype=torch.float64) * 0.1
    values.requires_grad_(True)

    def convert(v):
        return resample_velocity(v, SMALL, SMALL_PLANE, velocity_limit=0.16, outside=0)

    assert torch.autograd.gradcheck(convert, values)


def test_velocity_agrees_with_numpy():
    values = np.random.default_rng(0).uniform(-0.16, 0.16, SECTOR.shape)
    expected = resample_velocity(values, SECTOR, PLANE, velocity_limit=0.16)
    tensor = torch.from_numpy(values)
    result = resample_velocity(tensor, SECTOR, PLANE, velocity_limit=0.16).numpy()
    kept = inside(SECTOR, PLANE)
    assert np.isnan(result[~kept]).all()
    np.testing.assert_allclose(result[kept], expected[kept], atol=1e-9)


def test_nonsense_is_refused():
    with pytest.raises(GeometryError, match="transposed"):
        resample(torch.zeros(SECTOR.shape[::-1]), SECTOR, PLANE)
    with pytest.raises(InvalidArgumentError, match="cannot interpolate bool"):
        resample(torch.zeros(SECTOR.shape, dtype=torch.bool), SECTOR, PLANE)
    grey = torch.zeros(SECTOR.shape, dtype=torch.uint8)
    with pytest.raises(InvalidArgumentError, match="cannot hold"):
        resample(grey, SECTOR, PLANE, outside=-1)
