"""The models that look at no image: their numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.clip_models import CLIP_MODELS, temporal_mean, zero_velocity
from cardium.errors import DataCorruptError, NotProvidedError, UnknownNameError

ROWS, COLUMNS = 5, 7


def item(channels: int, moments: int, frames: int, seed: int):
    chance = np.random.default_rng(seed)
    shape = (channels, moments, ROWS, COLUMNS)
    target = chance.normal(size=shape).astype(np.float32)
    return {"input": np.zeros((1, frames, ROWS, COLUMNS), np.float32), "target": target}


@pytest.mark.parametrize(
    ("task", "channels", "moments"), [("tissue_velocity", 1, 8), ("blood_flow", 3, 16)]
)
def test_the_mean_runs_over_clips_and_time(task, channels, moments) -> None:
    mean = temporal_mean.build(task, "beamspace")
    items = [item(channels, moments, 9, seed) for seed in range(3)]
    items[1]["target"] = items[1]["target"][:, : moments // 2]
    for one in items:
        mean.update(one)
    together = np.concatenate([one["target"] for one in items], axis=1)
    asked = item(channels, 0, 5, 0)
    answer = mean.predict(asked)
    assert answer.dtype == np.float32
    assert answer.shape == (channels, moments // 2, ROWS, COLUMNS)
    for moment in np.moveaxis(answer, 1, 0):
        np.testing.assert_allclose(moment, together.mean(1), atol=1e-6)


def test_what_is_not_finite_is_left_out() -> None:
    mean = temporal_mean.build("tissue_velocity", "cartesian")
    clip = item(1, 4, 5, 0)
    clip["target"][0, :, 0, 0] = [1, np.nan, np.inf, 3]
    clip["target"][0, :, 0, 1] = np.nan
    mean.update(clip)
    answer = mean.predict(clip)
    assert answer[0, 0, 0, :2].tolist() == [2.0, 0.0]


def test_structures_become_probabilities() -> None:
    mean = temporal_mean.build("lv_segmentation", "beamspace")
    clip = item(2, 4, 4, 0)
    clip["target"][:] = 0
    clip["target"][0, :3, 0, 0] = 1
    clip["target"][1, 3:, 0, 0] = 1
    clip["target"][1, :, 0, 1] = 1
    mean.update(clip)
    answer = mean.predict(item(2, 0, 6, 0))
    assert answer.shape == (3, 6, ROWS, COLUMNS)
    np.testing.assert_allclose(answer[:, 2, 0, 0], [0, 0.75, 0.25], atol=1e-6)
    np.testing.assert_allclose(answer[:, 2, 0, 1], [0, 1e-4, 0.9999], atol=1e-6)
    np.testing.assert_allclose(answer[:, 2, 1, 1], [0.9998, 1e-4, 1e-4], atol=1e-6)
    np.testing.assert_allclose(answer.sum(0), 1, atol=1e-6)


def test_a_mean_can_be_stored() -> None:
    mean, again = (temporal_mean.build("blood_flow", "beamspace") for _ in range(2))
    clip = item(3, 4, 3, 0)
    mean.update(clip)
    again.restore(mean.arrays())
    np.testing.assert_array_equal(again.predict(clip), mean.predict(clip))
    again.update(item(3, 4, 3, 1))
    assert (again.arrays()["count"] == 8).all()


def test_a_mean_of_nothing_is_refused() -> None:
    mean = temporal_mean.build("tissue_velocity", "beamspace")
    with pytest.raises(NotProvidedError, match="no target"):
        mean.predict(item(1, 4, 5, 0))
    with pytest.raises(DataCorruptError, match="weight"):
        mean.restore({"weight": np.zeros(3)})


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        ("tissue_velocity", (1, 8, ROWS, COLUMNS)),
        ("blood_flow", (3, 16, ROWS, COLUMNS)),
    ],
)
def test_nothing_moves(task, shape) -> None:
    answer = zero_velocity.build(task, "beamspace").predict(item(1, 8, 9, 0))
    assert answer.shape == shape
    assert answer.dtype == np.float32
    assert not answer.any()


@pytest.mark.parametrize("name", ["temporal_mean", "zero_velocity"])
def test_recipes_build_what_they_name(name: str) -> None:
    recipe = CLIP_MODELS.find(name)
    assert recipe.name == name
    assert recipe.protocol == "published"
    for task in recipe.tasks:
        for domain in recipe.domains:
            recipe.build(task, domain, **recipe.settings)
    with pytest.raises(UnknownNameError):
        recipe.build("nonsense", "beamspace")
