"""Speckle that moves by a known way is found, on rows and on a phantom's heart."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.ndimage import shift as move

from cardium.clip_models import CLIP_MODELS, block_matching
from cardium.clip_models._matching_kernels import match_rows
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.geometry import resample_velocity
from cardium.geometry.contour import chamber_label_map
from cardium.phantom.exam import simulate
from cardium.phantom.imaging import beam_velocity
from cardium.phantom.patient import Patient
from cardium.signal.doppler import fold

ROWS, BEAMS, REACH = 90, 20, 6
INNER = (slice(20, 70), slice(None))


def speckle(seed: int = 0):
    noise = np.random.default_rng(seed).normal(size=(ROWS + 40, BEAMS))
    smooth = gaussian_filter(noise, (1.5, 0.8))
    return 0.5 + 0.15 * smooth / smooth.std()


def moved(rows: float):
    """Speckle before and after it went deeper by some rows."""
    grown = speckle()
    after = move(grown, (rows, 0), order=3, mode="nearest")
    return grown[20:-20].astype(np.float32), after[20:-20].astype(np.float32)


def correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("rows", [-5, -1, 0, 2, 4])
def test_whole_rows_are_found_exactly(rows: int) -> None:
    before, after = moved(rows)
    shift, likeness = np.empty_like(before), np.empty_like(before)
    match_rows(before, after, 7, 2, REACH, shift, likeness)
    # A parabola is not the curve's shape, so a single patch errs by a part of a row.
    np.testing.assert_allclose(shift[INNER], rows, atol=0.2)
    assert abs(shift[INNER].mean() - rows) < 0.005
    np.testing.assert_allclose(likeness[INNER], 1, atol=1e-3)


@pytest.mark.parametrize("rows", [-2.5, -0.3, 0.4, 1.7])
def test_parts_of_a_row_are_found(rows: float) -> None:
    before, after = moved(rows)
    shift, likeness = np.empty_like(before), np.empty_like(before)
    match_rows(before, after, 7, 2, REACH, shift, likeness)
    np.testing.assert_allclose(shift[INNER], rows, atol=0.2)
    assert abs(shift[INNER].mean() - rows) < 0.02


def test_the_likeness_is_the_correlation_of_the_best_patch() -> None:
    before, after = speckle(1)[:ROWS].astype("f4"), speckle(2)[:ROWS].astype("f4")
    shift, likeness = np.empty_like(before), np.empty_like(before)
    match_rows(before, after, 4, 1, 3, shift, likeness)
    for r, a in ((30, 5), (40, 12), (60, 18)):
        patch = before[r - 4 : r + 5, a - 1 : a + 2]
        curve = [
            correlation(patch, after[r + k - 4 : r + k + 5, a - 1 : a + 2])
            for k in range(-3, 4)
        ]
        best = int(np.argmax(curve))
        assert likeness[r, a] == pytest.approx(max(max(curve), 0), abs=1e-4)
        expected = float(best - 3) if max(curve) > 0 else 0.0
        if max(curve) > 0 and best not in (0, 6):
            left, here, right = curve[best - 1 : best + 2]
            expected += 0.5 * (left - right) / (left - 2 * here + right)
        assert shift[r, a] == pytest.approx(expected, abs=1e-3)


def test_without_contrast_nothing_moves() -> None:
    flat = np.full((30, 8), 0.5, np.float32)
    shift, likeness = np.ones_like(flat), np.ones_like(flat)
    match_rows(flat, flat, 3, 1, 4, shift, likeness)
    assert not shift.any()
    assert not likeness.any()


def item_of(frames, *, limit=0.5, interval=(0.02,), spacing=0.001):
    return {
        "input": frames[None],
        "interval": np.array(interval),
        "row_spacing": np.float32(spacing),
        "limit": np.float32(limit),
        "angle": np.linspace(-0.2, 0.2, frames.shape[2]),
    }


def test_the_velocity_is_towards_the_probe_and_by_the_time_between_frames() -> None:
    before, after = moved(-2)  # two millimetres up
    rule = block_matching.build("tissue_velocity", "beamspace", smoothing_time=0)
    frames = np.stack([before, after, after])
    answer = rule.predict(item_of(frames, limit=0.12, interval=(0.02, 0.04)))
    assert answer.shape == (1, 2, ROWS, BEAMS)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer[0, 0][INNER], 0.002 / 0.02, atol=0.003)
    np.testing.assert_allclose(answer[0, 1][INNER], 0, atol=0.001)


def test_what_is_faster_than_the_limit_folds() -> None:
    before, after = moved(-1)
    rule = block_matching.build("tissue_velocity", "beamspace")
    slow = rule.predict(item_of(np.stack([before, after]), limit=0.04))
    np.testing.assert_allclose(slow[0, 0][INNER], 0.05 - 0.08, atol=0.003)


def test_a_phantoms_heart_is_followed() -> None:
    exam = simulate(Patient(number=0))
    image, doppler = exam.streams["b_mode"], exam.streams["tissue_velocity"]
    sector, limit = image.geometry, doppler.velocity_limit
    grey = image.load()
    item = item_of(
        grey.astype(np.float32) / 255,
        limit=limit,
        interval=np.diff(image.time),
        spacing=(sector.depth[1] - sector.depth[0]) / (sector.shape[0] - 1),
    )
    item["angle"] = np.linspace(*sector.angle, sector.shape[1])
    answer = block_matching.build("tissue_velocity", "beamspace").predict(item)[0]
    middle = (image.time[1:] + image.time[:-1]) / 2
    exact = beam_velocity(exam.motion, middle, sector=sector, placement=exam.placement)
    contours = exam.annotations["lv_contour"].load()[1:]
    wall = np.stack([chamber_label_map(c, sector, chamber="lv") == 2 for c in contours])
    error = np.abs(fold(answer - exact, limit))[wall].mean()
    still = np.abs(fold(exact, limit))[wall].mean()
    assert still > 0.01
    assert error < 0.3 * still
    # Against what a Doppler measures, blood and all, which is noise in the most part.
    nearest = np.abs(doppler.time - middle[:, None]).argmin(1)
    measured = resample_velocity(
        doppler.load()[nearest],
        doppler.geometry,
        sector,
        velocity_limit=limit,
        outside=np.nan,
    )
    seen = np.isfinite(measured)
    error = np.abs(fold(answer - measured, limit))[seen].mean()
    assert error < 0.75 * np.abs(measured)[seen].mean()


def test_what_cannot_be_built_is_refused() -> None:
    recipe = CLIP_MODELS.find("block_matching")
    recipe.build("tissue_velocity", "beamspace", **recipe.settings)
    with pytest.raises(UnknownNameError):
        block_matching.build("tissue_velocity", "cartesian")
    with pytest.raises(UnknownNameError):
        block_matching.build("blood_flow", "beamspace")
    with pytest.raises(InvalidArgumentError, match=r"-0\.01"):
        block_matching.build("tissue_velocity", "beamspace", height=-0.01)
