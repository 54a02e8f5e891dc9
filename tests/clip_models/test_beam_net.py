"""The networks in beamspace: what their geometry knows before they have learnt."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import i0
from scipy.stats import vonmises

from cardium.clip_models._beam_net import coarser, compare, correlate, unlikelihood
from cardium.clip_models._blocks import areas, enlarge, even_out, places, shrink
from cardium.clip_models.beam_net import MODEL, build
from cardium.core import Sector
from cardium.errors import InvalidArgumentError

SECTOR = Sector((0.01, 0.11), (-0.4, 0.6), (101, 12))
SMALL = {"width": 8, "levels": 1}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def clip(
    rows_per_frame: float, *, frames: int = 4, rate: float = 40.0, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Speckle that comes towards the probe by some rows a frame."""
    chance = np.random.default_rng(seed)
    rows, beams = SECTOR.shape
    grain = chance.normal(size=(4 * rows, beams))
    smooth = np.stack([np.convolve(g, np.hanning(9), "same") for g in grain.T], 1)
    place = np.arange(4 * rows)
    images = np.stack(
        [
            [
                np.interp(rows + np.arange(rows) + rows_per_frame * t, place, beam)
                for beam in smooth.T
            ]
            for t in range(frames)
        ]
    ).transpose(0, 2, 1)
    images = (images - images.min()) / np.ptp(images)
    spacing = SECTOR.range_spacing
    velocity = rows_per_frame * spacing * rate
    shape = (1, 1, frames - 1, rows, beams)
    return {
        "input": torch.tensor(images[None, None], dtype=torch.float32),
        "target": torch.full(shape, velocity),
        "known": torch.ones(shape),
        "limit": torch.tensor([0.16]),
        "interval": torch.full((1, frames - 1), 1 / rate),
        "row_spacing": torch.tensor([spacing], dtype=torch.float32),
        "depth": torch.tensor(SECTOR.depths[None], dtype=torch.float32),
        "angle": torch.tensor(SECTOR.angles[None], dtype=torch.float32),
    }


@pytest.mark.parametrize("rows", [-3.0, -1.5, 0.0, 1.0, 2.5])
@pytest.mark.parametrize("rate", [25.0, 40.0])
def test_frames_match_best_at_the_velocity_they_move_with(rows, rate) -> None:
    batch = clip(rows, rate=rate)
    alike, guess = correlate(even_out(batch["input"]), batch)
    volume = alike[0, :, :, 20:-20].mean((1, 2, 3))
    assert 0.6 < float(volume.max()) < 1.2  # a correlation
    step = 2 * 0.16 / len(volume)
    best = -0.16 + step * (int(volume.argmax()) + 0.5)
    # between whole rows the comparison is interpolated: the next part is as good
    moved = float(batch["target"].mean())
    assert abs(best - moved) <= step
    # the first guess is refined, and far better than one part
    real, imaginary, likeness = guess[0, :, :, 20:-20]
    refined = torch.atan2(imaginary, real) / math.pi * 0.16
    assert float((refined - moved).abs().median()) < 0.2 * step
    assert float(likeness.median()) > 0.6


def test_the_scale_of_phases_does_not_depend_on_the_frame_rate() -> None:
    slow, fast = clip(2.0, rate=20.0), clip(1.0, rate=40.0)
    assert torch.equal(slow["target"], fast["target"])
    peaks = []
    for batch in (slow, fast):
        alike, _ = correlate(even_out(batch["input"]), batch)
        peaks.append(int(alike[0].mean((1, 2, 3)).argmax()))
    assert peaks[0] == peaks[1]


def test_products_are_of_the_rows_that_meet_halfway() -> None:
    """One sample alone: it shines at row 40, then at row 38, nearer to the probe."""
    batch = clip(0.0, frames=2)
    lone = torch.zeros(1, 1, 2, *SECTOR.shape)
    lone[0, 0, 0, 40, 5] = lone[0, 0, 1, 38, 5] = 1.0
    found = compare(lone, batch)[0]
    phase, frame, row, beam = (
        int(k) for k in np.unravel_index(int(found.argmax()), found.shape)
    )
    velocity = -0.16 + 0.32 / len(found) * (phase + 0.5)
    assert (frame, row, beam) == (0, 39, 5)
    assert velocity == pytest.approx(2 * SECTOR.range_spacing * 40.0, abs=0.011)


@pytest.mark.parametrize("size", [0.0, 0.3, 2.0, 50.0])
def test_unlikelihood_is_that_of_von_mises(size: float) -> None:
    mean, phase = 0.7, -1.1
    found = unlikelihood(
        torch.tensor(size * math.cos(mean), dtype=torch.float64),
        torch.tensor(size * math.sin(mean), dtype=torch.float64),
        torch.tensor(phase, dtype=torch.float64),
    )
    if size == 0:
        wanted = 0.0
    else:
        wanted = -vonmises.logpdf(phase, size, loc=mean) - math.log(2 * math.pi)
    assert float(found) == pytest.approx(wanted, abs=1e-5)
    assert i0(0.0) == 1.0


def test_unlikelihood_learns_that_noise_is_spread() -> None:
    """Of uniform phases the best concentration is none, of alike ones it is high."""
    noise = torch.rand(4000, dtype=torch.float64) * 2 * math.pi
    alike = 0.5 + 0.1 * torch.randn(4000, dtype=torch.float64)
    for phases, bounds in ((noise, (0.0, 0.15)), (alike, (85.0, 115.0))):
        vector = torch.zeros(2, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([vector], max_iter=200)

        def again(vector=vector, phases=phases, optimizer=optimizer):
            optimizer.zero_grad()
            loss = unlikelihood(vector[0], vector[1], phases).mean()
            loss.backward()
            return loss

        optimizer.step(again)
        assert bounds[0] <= float(vector.detach().norm()) <= bounds[1]


def test_samples_weigh_what_they_cover() -> None:
    batch = clip(0.0)
    area = areas(batch)[0, 0, 0].numpy()
    exact = SECTOR.sample_areas()
    np.testing.assert_allclose(area / area.mean(), exact / exact.mean(), rtol=1e-5)


def test_padding_weighs_nothing() -> None:
    batch = clip(0.0)
    batch["depth"] = torch.nn.functional.pad(batch["depth"], (0, 20))
    assert float(areas(batch)[..., -20:, :].sum()) == 0
    assert float(areas(batch).mean()) == pytest.approx(1)


def test_coordinates_run_along_their_axes() -> None:
    depth, angle = places(clip(0.0))[0, :, 0]
    np.testing.assert_allclose(depth[:, 3].numpy(), SECTOR.depths / 0.2, rtol=1e-6)
    np.testing.assert_allclose(angle[5].numpy(), SECTOR.angles, rtol=1e-6)


def test_averaging_and_its_way_back_keep_a_ramp() -> None:
    ramp = torch.arange(24.0).reshape(1, 1, 1, 24, 1).expand(-1, -1, 2, -1, 6)
    back = enlarge(shrink(ramp, (2, 2)), ramp)
    np.testing.assert_allclose(back[..., 2:-2, :], ramp[..., 2:-2, :], rtol=1e-5)


def test_gain_and_brightness_do_not_matter_to_the_pattern() -> None:
    grey = clip(0.0)["input"]
    np.testing.assert_allclose(even_out(grey), even_out(0.6 * grey + 0.2), atol=0.1)


def test_rows_are_averaged_up_to_a_pitch() -> None:
    batch = {"row_spacing": torch.tensor([3e-4, 4e-4]), "angle": torch.zeros(2, 100)}
    assert coarser(batch, 1e-3, 32) == (2, 3)
    assert coarser(batch, 1e-4, 200) == (1, 1)


def train(network: torch.nn.Module, batches, steps: int) -> list[float]:
    optimizer = torch.optim.AdamW(network.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.02, steps)
    losses = []
    for step in range(steps):
        loss = network.loss(batches[step % len(batches)])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return losses


def test_it_learns_velocity_and_carries_it_to_another_frame_rate() -> None:
    """Trained at 40 frames a second; at 20 the same rows are half the velocity."""
    network = build("tissue_velocity", "beamspace", **SMALL)
    speeds = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    train(network, [clip(v, seed=k) for k, v in enumerate(speeds)], 168)
    network.eval()
    for rate in (40.0, 20.0):
        for rows in (2.0, -2.0):
            batch = clip(rows, rate=rate, seed=99)
            with torch.inference_mode():
                answer = network(batch)[..., 10:-10, :]
            wanted = float(batch["target"].mean())
            assert float(answer.median()) == pytest.approx(wanted, abs=0.012)


def test_shapes_and_probabilities_of_segmentation() -> None:
    batch = clip(0.0)
    labels = torch.zeros((1, 4, *SECTOR.shape), dtype=torch.uint8)
    labels[:, :, 30:60, 3:9] = 1
    labels[:, :, 60:70] = 2
    labels[:, 1] = 255
    batch["target"] = labels
    network = build("lv_segmentation", "beamspace", **SMALL)
    losses = train(network, [batch], 60)
    assert losses[-1] < 0.3 * losses[0]
    with torch.inference_mode():
        share = network(batch)
    assert share.shape == (1, 3, 4, *SECTOR.shape)
    np.testing.assert_allclose(share.sum(1), 1, rtol=1e-5)
    found = share.argmax(1)[0, 0]
    assert (found == labels[0, 0]).float().mean() > 0.97


def test_frames_without_labels_teach_nothing() -> None:
    batch = clip(0.0)
    network = build("lv_segmentation", "beamspace", **{**SMALL, "frames": 1})
    batch["target"] = torch.full((1, 4, *SECTOR.shape), 255, dtype=torch.uint8)
    network.loss(batch).backward()
    size = sum(float(p.grad.abs().sum()) for p in network.parameters())
    assert size < 1e-6


def test_flow_answers_twice_an_interval_in_order_of_time() -> None:
    batch = clip(0.0)
    shape = (1, 3, 6, *SECTOR.shape)
    course = torch.linspace(-0.1, 0.1, 6).reshape(1, 1, 6, 1, 1)
    target = torch.zeros(shape)
    target[:, :1] = course
    target[:, 1] = 0.8
    target[:, 2] = 0.04
    batch |= {"target": target, "known": torch.ones(shape[:1] + shape[2:])}
    network = build("blood_flow", "beamspace", **SMALL)
    before = float(network.loss(batch).detach())
    train(network, [batch], 120)
    assert float(network.loss(batch).detach()) < before
    with torch.inference_mode():
        answer = network(batch)
    assert answer.shape == shape
    assert float((answer[:, 1] - 0.8).abs().mean()) < 0.1
    assert float((answer[:, 2] - 0.04).abs().mean()) < 0.02
    first, second = answer[:, 0, 0::2].mean(), answer[:, 0, 1::2].mean()
    assert float(second - first) == pytest.approx(0.04, abs=0.02)


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="cartesian"):
        build("tissue_velocity", "cartesian")
    with pytest.raises(InvalidArgumentError, match="frames odd"):
        build("tissue_velocity", "beamspace", frames=2)


@pytest.mark.parametrize(
    ("task", "paper"),
    [
        ("tissue_velocity", 15_363_930),
        ("blood_flow", 15_095_812),
        ("lv_segmentation", 15_450_994),
    ],
)
def test_it_has_less_than_a_tenth_of_the_weights_of_the_paper(task, paper) -> None:
    network = MODEL.build(task, "beamspace", **MODEL.settings)
    assert sum(p.numel() for p in network.parameters()) < paper / 10
