"""The models of volumes: what they weigh, what they average, and that they learn."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from cardium.clip_models import CLIP_MODELS, volume_mean, volume_unet
from cardium.clip_models._volume_unet import places
from cardium.clip_models.volume_mean import VolumeMean, stretch
from cardium.core import UNLABELLED, SectorVolume
from cardium.errors import InvalidArgumentError

FAN = SectorVolume((0.0, 0.12), (-0.7, 0.5), (-0.4, 0.6), (7, 9, 21))
SMALL = {"width": 4, "levels": 1}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def item(fan: SectorVolume = FAN, *, frames: int = 3, seed: int = 0):
    """A dark ball in bright surroundings that moves along the azimuth."""
    x, y, z = fan.points()
    chance = np.random.default_rng(seed)
    middles = chance.uniform(-0.02, 0.02, frames)
    inside = [
        (x - m) ** 2 + (y - 0.005) ** 2 + (z - 0.07) ** 2 < 0.025**2 for m in middles
    ]
    target = np.stack(inside).astype(np.uint8)
    noise = 0.2 * chance.random(target.shape)
    return {
        "input": (0.7 * (1 - target) + noise).astype(np.float32)[None],
        "target": target,
        "content": (1e6 * fan.sample_volumes()).astype(np.float32),
        "first_axis": fan.elevations.astype(np.float32),
        "second_axis": fan.azimuths.astype(np.float32),
        "third_axis": fan.depths.astype(np.float32),
    }


def batch_of(*items):
    """Stack clips as a training does: padded with 0, label maps with 255."""
    batch = {}
    for name in items[0]:
        arrays = [one[name] for one in items]
        shape = np.max([array.shape for array in arrays], axis=0)
        fill = UNLABELLED if name == "target" else 0
        stacked = np.full((len(arrays), *shape), fill, arrays[0].dtype)
        for place, array in zip(stacked, arrays, strict=True):
            place[tuple(map(slice, array.shape))] = array
        batch[name] = torch.from_numpy(stacked)
    return batch


def undecided(network, bias: float):
    """Make a network that says the same of every sample, and return how sure it is."""
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.copy_(torch.tensor([0.0, bias]))
    return 1 / (1 + math.exp(-bias))


@pytest.mark.parametrize("weigh", [True, False])
def test_the_loss_weighs_samples_by_their_volume(weigh):
    network = volume_unet.build("lv_volume_3d", "beamspace", weigh=weigh, **SMALL)
    sure, one = undecided(network, 0.4), item(frames=1)
    one["target"][0, :, :, :6] = UNLABELLED
    cavity, known = one["target"] == 1, one["target"] != UNLABELLED
    content = one["content"] if weigh else np.ones(FAN.shape)
    held, whole = (content * cavity[0]).sum(), (content * known[0]).sum()
    entropy = -(held * math.log(sure) + (whole - held) * math.log(1 - sure)) / whole
    dice = 2 * sure * held / (sure * whole + held)
    found = network.loss(batch_of(one)).item()
    assert found == pytest.approx(entropy + 1 - dice, rel=1e-4)


def test_what_pads_a_batch_weighs_nothing():
    network = volume_unet.build("lv_volume_3d", "beamspace", **SMALL)
    sure = undecided(network, -0.3)
    wide = SectorVolume((0.01, 0.12), FAN.azimuth, FAN.elevation, (8, 12, 30))
    entropies, overlaps, counts = [], [], []
    clips = item(frames=2), item(wide, frames=3)
    for one in clips:
        weight = one["content"] / one["content"].mean()
        held = np.array([(weight * labels).sum() for labels in one["target"]])
        whole = weight.sum()
        entropies += [-(held * math.log(sure) + (whole - held) * math.log(1 - sure))]
        overlaps += [2 * sure * held / (sure * whole + held)]
        counts.append(one["target"].size)
    entropy = np.concatenate(entropies).sum() / sum(counts)
    wanted = entropy + 1 - np.concatenate(overlaps).mean()
    # At the apex a sample stands for next to nothing, but for more than padding does.
    assert (clips[0]["content"] > 0).all()
    assert network.loss(batch_of(*clips)).item() == pytest.approx(wanted, rel=1e-4)


def test_a_volume_without_a_cavity_has_no_dice():
    network = volume_unet.build("lv_volume_3d", "beamspace", weigh=False, **SMALL)
    sure, one = undecided(network, 0.4), item(frames=1)
    one["target"][:] = 0
    assert network.loss(batch_of(one)).item() == pytest.approx(-math.log(1 - sure))
    one["target"][:] = UNLABELLED
    assert network.loss(batch_of(one)).item() == 0


def test_places_lie_along_their_own_axes():
    where = places(batch_of(item()), (1.0, 1.0, 10.0))[0].numpy()
    np.testing.assert_allclose(where[0, :, 2, 5], FAN.elevations, atol=1e-6)
    np.testing.assert_allclose(where[1, 3, :, 5], FAN.azimuths, atol=1e-6)
    np.testing.assert_allclose(where[2, 3, 2], 10 * FAN.depths, atol=1e-6)


@pytest.mark.parametrize("domain", ["beamspace", "cartesian"])
@pytest.mark.parametrize("coordinates", [True, False])
def test_answers_are_probabilities_and_volumes_do_not_see_each_other(
    domain, coordinates
):
    network = volume_unet.build(
        "lv_volume_3d", domain, coordinates=coordinates, **SMALL
    ).eval()
    one = item(frames=11)
    with torch.inference_mode():
        found = network(batch_of(one))
        single = network(batch_of({**one, "input": one["input"][:, 9:10]}))
        swapped = network(batch_of({**one, "first_axis": -one["first_axis"]}))
    assert found.shape == (1, 2, 11, *FAN.shape)
    torch.testing.assert_close(found.sum(1), torch.ones(1, 11, *FAN.shape))
    torch.testing.assert_close(found[:, :, 9:10], single)
    assert torch.equal(found, swapped) != coordinates


def test_a_network_learns_to_find_a_ball():
    network = volume_unet.build("lv_volume_3d", "beamspace", width=8, levels=1)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-2)
    for step in range(40):
        loss = network.loss(batch_of(item(frames=4, seed=step)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    held = item(frames=6, seed=1000)
    with torch.inference_mode():
        found = network.eval()(batch_of(held))[0, 1].numpy() > 0.5
    truth = held["target"] == 1
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9


def test_interpolation_is_that_of_torch():
    values = np.random.default_rng(0).normal(size=(5, 6, 7))
    shape = (9, 3, 20)
    wanted = functional.interpolate(
        torch.from_numpy(values)[None, None],
        shape,
        mode="trilinear",
        align_corners=True,
    )
    np.testing.assert_allclose(stretch(values, shape), wanted[0, 0], atol=1e-12)
    np.testing.assert_allclose(stretch(values, values.shape), values, atol=1e-12)


def test_the_mean_is_that_of_what_is_known():
    model = VolumeMean((2, 3, 4))
    one, other = np.zeros((2, 2, 3, 4), np.uint8), np.ones((1, 2, 3, 4), np.uint8)
    one[1, 1] = 1
    one[0, 0, 0] = UNLABELLED
    for target in (one, other):
        model.update({"target": target})
    found = model.predict({"input": np.zeros((1, 5, 2, 3, 4), np.float32)})
    assert found.shape == (2, 5, 2, 3, 4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-6)
    wanted = np.full((2, 3, 4), 1 / 3)
    wanted[1], wanted[0, 0] = 2 / 3, 1 / 2
    np.testing.assert_allclose(found[1, 4], wanted, atol=1e-6)


def test_a_mean_is_restored():
    model = volume_mean.build("lv_volume_3d", "beamspace", first=4, second=5, third=6)
    model.update(item())
    again = volume_mean.build("lv_volume_3d", "beamspace", first=4, second=5, third=6)
    again.restore(model.arrays())
    np.testing.assert_array_equal(again.predict(item()), model.predict(item()))
    middle = model.predict(item())[1, 0]
    assert middle[:, :, 11].max() > 0.5
    assert middle[:, :, :4].max() == 0


@pytest.mark.parametrize("name", ["volume_unet", "volume_mean"])
def test_recipes_say_what_they_can(name):
    recipe = CLIP_MODELS.find(name)
    assert recipe.tasks == {"lv_volume_3d"}
    assert recipe.domains == {"beamspace", "cartesian"}
    assert recipe.protocol == "corrected"
    stated = {
        k: p.default
        for k, p in inspect.signature(recipe.build).parameters.items()
        if p.default is not p.empty
    }
    assert dict(recipe.settings) == stated
    with pytest.raises(InvalidArgumentError, match="lv_volume_3d"):
        recipe.build("tissue_velocity", "beamspace")
    with pytest.raises(InvalidArgumentError, match="got 0"):
        recipe.build("lv_volume_3d", "beamspace", **{next(iter(stated)): 0})
