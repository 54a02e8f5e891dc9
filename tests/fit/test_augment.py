from dataclasses import replace

import pytest
import torch

from cardium.core import SIGNAL_KINDS, UNLABELLED
from cardium.fit._augment import augment, blend, change_grey, move
from cardium.fit._tensors import InputFormat


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def records(count: int, samples: int) -> dict[str, torch.Tensor]:
    """Noise on two leads, with truths that a blend would change."""
    return {
        "input": torch.randn(count, 2, samples, generator=chance(5)),
        "target": torch.eye(count),
        "length": torch.full((count,), samples),
        "skipped": [],
    }


def square(*, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Bright squares, each labelled 2."""
    labels = torch.zeros(4, frames, 60, 60, dtype=torch.uint8)
    labels[..., 20:45, 18:36] = 2
    return labels[:, None].float() * 100, labels


@pytest.mark.parametrize("frames", [1, 3])
def test_labels_move_with_their_images(frames: int) -> None:
    images, labels = square(frames=frames)
    moved, codes = move(images, labels, chance())
    assert moved.shape == images.shape
    assert codes.shape == labels.shape
    assert codes.dtype == torch.uint8
    assert (codes != labels).any()
    inside = codes != UNLABELLED
    agree = (moved[:, 0] > 100) == (codes == 2)
    # Linear and nearest samples part at the corners of a square.
    assert agree[inside].float().mean() > 0.998


def test_each_image_moves_by_itself_and_a_clip_as_one() -> None:
    images, labels = square(frames=3)
    moved, codes = move(images, labels, chance())
    assert (codes == codes[:, :1]).all()
    assert (moved == moved[:, :, :1]).all()
    assert (codes[0] != codes[1]).any()


def test_what_comes_in_from_outside_is_unlabelled() -> None:
    _, codes = move(*square(frames=1), chance(3))
    assert set(codes.unique().tolist()) == {0, 2, UNLABELLED}
    kept = torch.full((2, 1, 60, 60), UNLABELLED, dtype=torch.uint8)
    assert (move(kept[:, None].float(), kept, chance())[1] == UNLABELLED).all()


def test_grey_levels_stay_in_their_range_and_in_their_order() -> None:
    ramp = torch.linspace(0, 255, 64).expand(5, 1, 64, 64).contiguous()
    changed = change_grey(ramp, chance())
    assert changed.min() >= 0
    assert changed.max() <= 255
    columns = changed.mean((1, 2))
    assert (columns[:, 48] > columns[:, 8]).all()
    assert (columns.std(0) > 0).any()


@pytest.mark.parametrize(
    ("crop", "samples"), [(0.0, 500), (2.5, 250), (10.0, 1000), (20.0, 1000)]
)
@pytest.mark.parametrize("kind", ["multilabel", "quantity"])
def test_records_are_cut_to_what_the_format_says(
    kind: str, crop: float, samples: int
) -> None:
    form = InputFormat(1, seconds=10.0, rate=100.0, leads=("I", "II"), crop=crop)
    batch = records(4, 1000)
    changed = augment(kind, batch, chance(), form)
    assert changed["input"].shape == (4, 2, samples)
    assert (changed["target"] == batch["target"]).all() == (kind == "quantity")


def test_crops_alone_change_nothing_but_the_place() -> None:
    form = InputFormat(1, seconds=10.0, rate=100.0, crop=2.5, augment="crop")
    batch = records(6, 1000)
    changed = augment("multilabel", batch, chance(), form)
    assert changed["target"] is batch["target"]
    windows = batch["input"].unfold(2, 250, 1)
    for cut, choices in zip(changed["input"], windows.movedim(2, 1), strict=True):
        assert (choices == cut).all((1, 2)).any()


def test_events_stay_in_the_middle_of_their_windows() -> None:
    form = InputFormat(1, seconds=3.0, rate=100.0, leads=("MLII",))
    pulse = torch.exp(-(((torch.arange(300) - 150) / 3.0) ** 2))
    batch = {"input": pulse.expand(64, 1, -1), "target": torch.zeros(64, 2)}
    changed = augment("event_class", batch, chance(), form)
    assert changed["target"] is batch["target"]
    assert changed["input"].shape == (64, 1, 300)
    assert ((changed["input"][:, 0].argmax(1) - 150).abs() <= 1).all()
    assert (changed["input"] != batch["input"]).any()
    plain = augment("event_class", batch, chance(), replace(form, augment="crop"))
    assert (plain["input"] == batch["input"]).all()


def test_truths_are_blended_as_their_records_are() -> None:
    target = torch.eye(4)
    records, blended = blend(target[:, None].clone(), target, chance(1))
    assert torch.equal(records[:, 0], blended)
    torch.testing.assert_close(blended.sum(1), torch.ones(4))
    torch.testing.assert_close(blended.sum(0), torch.ones(4))
    assert ((blended > 0) & (blended < 1)).any()


@pytest.mark.parametrize(
    "kind", ["label_map", "multilabel", "velocity", "quantity", "event_class"]
)
def test_the_same_generator_gives_the_same_batch(kind: str) -> None:
    images, labels = square(frames=1)
    batch = {"input": images, "target": labels, "skipped": []}
    if kind in SIGNAL_KINDS:
        batch = records(4, 100)
    form = InputFormat(1, seconds=1.0, rate=100.0)
    first, second = (augment(kind, batch, chance(9), form) for _ in range(2))
    other = augment(kind, batch, chance(10), form)
    assert (first["input"] == second["input"]).all()
    assert (first["target"] == second["target"]).all()
    assert (first["input"] != other["input"]).any()


def test_the_geometry_of_velocities_is_left_alone() -> None:
    images, _ = square(frames=3)
    velocity = torch.rand(4, 2, 60, 60)
    batch = {"input": images, "target": velocity}
    changed = augment("velocity", batch, chance(), InputFormat(3))
    assert changed["target"] is velocity
    still = (changed["input"] > 100) == (images > 100)
    # Softening may take an edge by a pixel.
    assert still.float().mean() > 0.95
