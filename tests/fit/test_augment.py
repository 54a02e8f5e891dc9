import pytest
import torch

from cardium.core import UNLABELLED
from cardium.fit._augment import augment, blend, change_grey, change_records, move


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


def test_a_record_is_cut_and_changed_a_little() -> None:
    time = torch.arange(1000) / 100
    records = torch.sin(2 * torch.pi * time).expand(6, 12, 1000)
    changed = change_records(records, chance())
    assert changed.shape == (6, 12, 500)
    assert (changed.amax(-1) > 0.6).all()
    assert (changed.amax(-1) < 1.6).all()
    assert (changed[0] != changed[1]).any()


def test_leads_are_cut_alike_and_windows_lie_everywhere() -> None:
    ramp = torch.linspace(0, 1000, 101).expand(200, 2, 101)
    changed = change_records(ramp, chance())
    scale = (changed[..., -1] - changed[..., 0]) / 500
    start = changed[:, :, 0] / scale
    assert changed.shape[2] == 51
    torch.testing.assert_close(start[:, 0], start[:, 1], atol=2, rtol=0)
    assert start.min() < 50
    assert start.max() > 450


def test_truths_are_blended_as_their_records_are() -> None:
    target = torch.eye(4)
    records, blended = blend(target[:, None].clone(), target, chance(1))
    assert torch.equal(records[:, 0], blended)
    torch.testing.assert_close(blended.sum(1), torch.ones(4))
    torch.testing.assert_close(blended.sum(0), torch.ones(4))
    assert ((blended > 0) & (blended < 1)).any()


@pytest.mark.parametrize("kind", ["label_map", "multilabel", "velocity"])
def test_the_same_generator_gives_the_same_batch(kind: str) -> None:
    images, labels = square(frames=1)
    target = torch.zeros(4, 5) if kind == "multilabel" else labels
    inputs = torch.rand(4, 12, 100) if kind == "multilabel" else images
    batch = {"input": inputs, "target": target, "skipped": []}
    first, second = (augment(kind, batch, chance(9)) for _ in range(2))
    other = augment(kind, batch, chance(10))
    assert (first["input"] == second["input"]).all()
    assert (first["target"] == second["target"]).all()
    assert (first["input"] != other["input"]).any()


def test_the_geometry_of_velocities_is_left_alone() -> None:
    images, _ = square(frames=3)
    velocity = torch.rand(4, 2, 60, 60)
    batch = {"input": images, "target": velocity}
    changed = augment("velocity", batch, chance())
    assert changed["target"] is velocity
    still = (changed["input"] > 100) == (images > 100)
    # Softening may take an edge by a pixel.
    assert still.float().mean() > 0.95
