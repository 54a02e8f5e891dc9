import math

import numpy as np
import pytest
import torch

from cardium.core import UNLABELLED, Output
from cardium.fit._heads import (
    compute_loss,
    count_channels,
    event_loss,
    multilabel_loss,
    quantity_loss,
    raw_velocity,
    segmentation_losses,
    velocity_loss,
    wrap,
)

CODES = torch.tensor([[[0, 0, 1], [2, 2, 1]]], dtype=torch.uint8)


def certain(codes: torch.Tensor) -> torch.Tensor:
    """Logits that leave no doubt."""
    return 50.0 * torch.nn.functional.one_hot(codes.long(), 3).movedim(-1, 1)


def test_channels() -> None:
    assert count_channels(Output("a", "label_map", ("background", "x"))) == 2
    assert count_channels(Output("a", "multilabel", ("x", "y", "z"))) == 3
    assert count_channels(Output("a", "velocity")) == 1


def test_the_truth_has_no_segmentation_loss() -> None:
    assert sum(segmentation_losses(certain(CODES), CODES)) == pytest.approx(0, abs=1e-6)


def test_swapped_labels_cost_all_of_the_dice() -> None:
    swapped = torch.tensor([0, 2, 1], dtype=torch.uint8)[CODES.long()]
    # Both structures have 2 pixels and none in common: (0 + 1) / (4 + 1) each. Of six
    # pixels four are wrong, by 50 nats.
    entropy, dice = segmentation_losses(certain(swapped), CODES)
    assert entropy == pytest.approx(4 / 6 * 50, rel=1e-5)
    assert dice == pytest.approx(1 - 1 / 5, rel=1e-5)
    batch = {"target": CODES}
    loss, measure = compute_loss("label_map", certain(swapped), batch)
    assert (loss, measure) == (entropy + dice, dice)


def test_entropy_of_ignorance() -> None:
    # 2 (1/3 * 2) + 1 over 6/3 + 2 + 1: each structure has two of six pixels.
    dice = (2 * 2 / 3 + 1) / (2 + 2 + 1)
    entropy, lost = segmentation_losses(torch.zeros(1, 3, 2, 3), CODES)
    assert entropy == pytest.approx(math.log(3), rel=1e-6)
    assert lost == pytest.approx(1 - dice, rel=1e-6)


def test_unlabelled_pixels_do_not_count() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 2, 3, requires_grad=True)
    target = CODES.clone()
    target[0, 1] = UNLABELLED
    loss = sum(segmentation_losses(logits, target))
    loss.backward()
    assert (logits.grad[:, :, 1] == 0).all()
    assert (logits.grad[:, :, 0] != 0).all()
    known = sum(segmentation_losses(logits[:, :, :1], target[:, :1]))
    torch.testing.assert_close(loss, known)


def test_nothing_labelled_costs_no_more_than_a_constant() -> None:
    logits = torch.randn(1, 3, 2, 3, requires_grad=True)
    loss = sum(segmentation_losses(logits, torch.full_like(CODES, UNLABELLED)))
    loss.backward()
    assert torch.isfinite(loss)
    assert (logits.grad == 0).all()


def test_multilabel_loss_is_the_binary_entropy_of_what_is_known() -> None:
    logits = torch.tensor([[0.0, 2.0], [1.0, -1.0]])
    target = torch.tensor([[1.0, float("nan")], [0.0, 1.0]])
    want = [math.log(2), math.log(1 + math.e), math.log(1 + math.e)]
    assert multilabel_loss(logits, target) == pytest.approx(np.mean(want), rel=1e-6)


def test_event_loss_is_the_cross_entropy_of_the_events_that_are_known() -> None:
    nan = float("nan")
    logits = torch.tensor([[0.0, math.log(3), -50], [5.0, 0, 0], [1, 1, 9], [1, 2, 3]])
    target = torch.tensor([[0, 1, 0], [0, 0, 0], [1, 0, nan], [nan, nan, nan]])
    # 3 of 1 + 3; an unknown row; a class that was not asked about; an unknown row.
    want = [-math.log(3 / 4), math.log(2)]
    logits.requires_grad_()
    loss = event_loss(logits, target)
    assert loss.detach() == pytest.approx(np.mean(want), rel=1e-6)
    loss.backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad[[1, 3]] == 0).all()
    assert logits.grad[2, 2] == 0
    assert event_loss(logits, torch.zeros(4, 3)) == 0


def test_quantity_loss_is_square_near_by_and_linear_far_off() -> None:
    raw = torch.tensor([[0.5, 7.0], [3.0, 0.0]])
    target = torch.tensor([[0.0, float("nan")], [0.0, -3.0]])
    assert quantity_loss(raw, target) == pytest.approx((0.125 + 2.5 + 2.5) / 3)


def test_the_error_of_a_velocity_folds() -> None:
    limit = torch.tensor([0.5])
    target = torch.tensor([[0.45, float("nan"), 0.1]])
    velocity = torch.tensor([[-0.45, 0.3, 0.2]])
    # 0.9 m/s apart are 0.1 m/s apart when 1 m/s is a full turn.
    loss = velocity_loss(velocity, target, limit)
    assert loss == pytest.approx((0.1 / 0.5 + 0.1 / 0.5) / 2, rel=1e-5)


def test_each_clip_of_a_batch_has_its_own_limit() -> None:
    target = torch.zeros(2, 3, 4)
    loss = velocity_loss(target + 0.1, target, torch.tensor([0.5, 0.2]))
    assert loss == pytest.approx((0.2 + 0.5) / 2, rel=1e-5)


def test_rows_a_frame_become_metres_a_second() -> None:
    raw = torch.ones(1, 1, 3, 2, 2) * torch.tensor([1.0, 2, 99])[:, None, None]
    velocity = raw_velocity(raw, torch.tensor([[0.05, 0.1]]))
    assert velocity.shape == (1, 2, 2, 2)
    torch.testing.assert_close(velocity[0, :, 0, 0], torch.tensor([0.05, 0.2]))
    frames = raw_velocity(torch.full((2, 1, 4, 4), 3.0), torch.tensor([0.1, 0.2]))
    torch.testing.assert_close(frames[:, 0, 0], torch.tensor([0.3, 0.6]))


def test_compute_loss_uses_the_scale_of_the_batch() -> None:
    batch = {
        "target": torch.full((1, 4, 4), 0.3),
        "scale": torch.tensor([0.1]),
        "limit": torch.tensor([0.5]),
    }
    raw = torch.full((1, 1, 4, 4), 3.0, dtype=torch.bfloat16)
    loss, measure = compute_loss("velocity", raw, batch)
    assert loss == measure == pytest.approx(0, abs=1e-6)


def test_wrap_keeps_what_is_within_and_folds_what_is_not() -> None:
    velocity = torch.linspace(-2, 2, 81, dtype=torch.float64)
    folded = wrap(velocity, 0.5)
    assert folded.min() >= -0.5
    assert folded.max() < 0.5
    turns = (velocity - folded) / 1.0
    torch.testing.assert_close(turns, turns.round())
