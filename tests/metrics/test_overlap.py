"""Overlap and surface distances: closed forms, MONAI, SimpleITK and scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.metrics import (
    dice,
    hausdorff_95,
    mean_surface_distance,
    surface_distances,
)


def disc(radius, centre=(40.0, 40.0), spacing=(1.0, 1.0), shape=(81, 81)):
    z, x = np.indices(shape)
    z, x = z * spacing[0], x * spacing[1]
    return (np.hypot(z - centre[0], x - centre[1]) <= radius).astype(np.uint8)


def blobs(seed):
    rng = np.random.default_rng(seed)
    return [
        disc(rng.uniform(6, 12), rng.uniform(20, 40, 2), shape=(60, 64))
        for _ in range(2)
    ]


def test_dice_of_two_rectangles():
    truth, prediction = np.zeros((10, 10), np.uint8), np.zeros((10, 10), np.uint8)
    truth[:, :6] = 1
    prediction[:, 4:] = 1
    assert dice(prediction, truth, code=1) == pytest.approx(2 * 20 / 120)


def test_dice_knows_codes_and_unions():
    truth = np.array([0, 1, 1, 2, 2, 3])
    prediction = np.array([0, 1, 2, 2, 2, 3])
    assert dice(prediction, truth, code=1) == pytest.approx(2 / 3)
    assert dice(prediction, truth, code=2) == pytest.approx(4 / 5)
    assert dice(prediction, truth, code=(1, 2)) == 1.0


def test_dice_ignores_what_nobody_labelled():
    truth = np.array([1, 1, 0, 255, 255])
    assert dice(np.array([1, 1, 0, 1, 0]), truth, code=1) == 1.0
    assert dice(np.array([1, 1, 255, 255, 0]), truth, code=1) == 1.0


def test_dice_of_nothing_and_of_a_miss():
    empty, full = np.zeros((3, 3), int), np.ones((3, 3), int)
    assert math.isnan(dice(empty, empty, code=1))
    assert dice(empty, full, code=1) == dice(full, empty, code=1) == 0.0


@given(st.integers(0, 10_000))
def test_dice_is_symmetric_and_bounded(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 3, (2, 6, 7))
    value = dice(one, other, code=1)
    assert math.isnan(value) or 0 <= value <= 1
    assert value == pytest.approx(dice(other, one, code=1), nan_ok=True)


@pytest.mark.filterwarnings("ignore:monai:FutureWarning")
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.154, 0.308)])
def test_distances_agree_with_monai(seed, spacing):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    prediction, truth = blobs(seed)
    tensors = [torch.from_numpy(m)[None, None].float() for m in (prediction, truth)]
    theirs = metrics.compute_hausdorff_distance(
        *tensors, include_background=True, percentile=95, spacing=list(spacing)
    )
    mine = hausdorff_95(prediction, truth, code=1, spacing=spacing)
    assert mine == pytest.approx(float(theirs), rel=1e-5)
    theirs = metrics.compute_average_surface_distance(
        *tensors, include_background=True, symmetric=True, spacing=list(spacing)
    )
    mine = mean_surface_distance(prediction, truth, code=1, spacing=spacing)
    assert mine == pytest.approx(float(theirs), rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_hausdorff_agrees_with_simpleitk_and_skimage(seed):
    sitk = pytest.importorskip("SimpleITK")
    skimage = pytest.importorskip("skimage.metrics")
    prediction, truth = blobs(seed)
    outlines = []
    for labels in (prediction, truth):
        image = sitk.GetImageFromArray(labels)
        image.SetSpacing((0.3, 0.5))  # x first
        outlines.append(sitk.LabelContour(image, fullyConnected=False))
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(*outlines)
    apart = surface_distances(prediction, truth, code=1, spacing=(0.5, 0.3))
    assert apart.hausdorff() == pytest.approx(measure.GetHausdorffDistance())
    apart = surface_distances(prediction, truth, code=1, spacing=(1.0, 1.0))
    assert apart.hausdorff() == pytest.approx(
        skimage.hausdorff_distance(*map(sitk.GetArrayFromImage, outlines))
    )


def test_concentric_discs_are_their_radii_apart():
    large, small = disc(30.0), disc(20.0)
    assert hausdorff_95(large, small, code=1, spacing=(1, 1)) == pytest.approx(
        10, abs=1
    )
    assert mean_surface_distance(large, small, code=1, spacing=(1, 1)) == pytest.approx(
        10, abs=0.3
    )


def test_spacing_belongs_to_its_own_axis():
    truth = np.pad(np.ones((4, 4), int), 6)
    down, right = np.roll(truth, 3, axis=0), np.roll(truth, 3, axis=1)
    spacing = (0.5, 0.25)
    assert surface_distances(down, truth, code=1, spacing=spacing).hausdorff() == 1.5
    assert surface_distances(right, truth, code=1, spacing=spacing).hausdorff() == 0.75


def test_a_missing_structure_is_infinitely_far():
    empty, full = np.zeros((4, 4), int), np.ones((4, 4), int)
    for pair in ((empty, full), (full, empty)):
        assert hausdorff_95(*pair, code=1, spacing=(1, 1)) == math.inf
        assert mean_surface_distance(*pair, code=1, spacing=(1, 1)) == math.inf
    assert math.isnan(hausdorff_95(empty, empty, code=1, spacing=(1, 1)))
    assert math.isnan(mean_surface_distance(empty, empty, code=1, spacing=(1, 1)))
    assert hausdorff_95(full, full, code=1, spacing=(1, 1)) == 0.0


def test_distances_ignore_what_nobody_labelled():
    truth, prediction = np.zeros((9, 9), int), np.zeros((9, 9), int)
    truth[2:5, 2:5] = prediction[2:5, 2:5] = 1
    prediction[8, 8] = 1
    assert surface_distances(prediction, truth, code=1, spacing=(1, 1)).hausdorff() > 5
    truth[8, 8] = 255
    assert surface_distances(prediction, truth, code=1, spacing=(1, 1)).hausdorff() == 0


def test_distances_work_in_three_dimensions():
    truth = np.pad(np.ones((2, 3, 4), int), 4)
    moved = np.roll(truth, 1, axis=0)
    apart = surface_distances(moved, truth, code=1, spacing=(8.0, 1.0, 1.0))
    assert apart.hausdorff() <= 8.0
    assert apart.hausdorff() > 1.0


def test_wrong_arguments_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"\(2, 2\) and \(2, 3\)"):
        dice(np.zeros((2, 2), int), np.zeros((2, 3), int), code=1)
    with pytest.raises(InvalidArgumentError, match="2 positive numbers"):
        surface_distances(
            np.ones((2, 2), int), np.ones((2, 2), int), code=1, spacing=(1.0,)
        )
    with pytest.raises(InvalidArgumentError, match="positive"):
        surface_distances(
            np.ones((2, 2), int), np.ones((2, 2), int), code=1, spacing=(1.0, 0.0)
        )
