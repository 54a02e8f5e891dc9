"""The published losses against closed forms and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cardium.clip_models._paper_losses import dice_loss, flow_error, folded_error

CHANCE = np.random.default_rng(0)


def test_an_error_folds_at_the_limit_of_its_own_clip() -> None:
    target = torch.zeros(2, 1, 1, 1, 4)
    answer = torch.tensor([0.1, 0.5, 0.75, -0.9]).expand(2, 1, 1, 1, 4)
    # Folded at 0.5: 0.1, 0.5, 0.25, 0.1. Folded at 0.8: 0.1, 0.5, 0.75, 0.7.
    loss = folded_error(answer, target, torch.tensor([0.5, 0.8]))
    parts = [0.2, 1.0, 0.5, 0.2, 0.125, 0.625, 0.9375, 0.875]
    assert float(loss) == pytest.approx(np.mean(parts), rel=1e-6)


def test_pixels_without_a_velocity_count_neither_above_nor_below() -> None:
    target = torch.tensor([0.2, torch.nan, torch.inf]).reshape(1, 1, 1, 1, 3)
    answer = torch.zeros_like(target).requires_grad_()
    loss = folded_error(answer, target, torch.tensor([0.4]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.5)
    assert answer.grad.flatten().tolist() == pytest.approx([-2.5, 0, 0])
    nothing = folded_error(answer, target * torch.nan, torch.tensor([0.4]))
    assert float(nothing.detach()) == 0


def test_the_gradient_points_the_short_way_round() -> None:
    answer = torch.full((1, 1, 1, 1, 1), 0.45, requires_grad=True)
    target = torch.full_like(answer, -0.45).detach()
    folded_error(answer, target, torch.tensor([0.5])).backward()
    assert float(answer.grad) < 0  # up, over the limit


def flow_case():
    shape = (2, 3, 4, 5, 6)
    answer = CHANCE.normal(size=shape)
    target = CHANCE.normal(size=shape)
    box = (CHANCE.random((2, 5, 6)) > 0.5).astype(float)
    valid = (CHANCE.random((2, 4, 5, 6)) > 0.3).astype(float)
    weight = np.where(CHANCE.random(valid.shape) > 0.5, 1.0, 0.01) * valid
    target[np.broadcast_to(valid[:, None] == 0, shape)] = np.nan
    return answer, target, box, valid, weight


def torched(values):
    return [torch.from_numpy(value) for value in values]


def test_flow_is_three_weighted_means() -> None:
    values = flow_case()
    answer, target, box, valid, weight = values
    parts = np.zeros((3, 2))
    for b, t, r, a in np.ndindex(valid.shape):
        if not valid[b, t, r, a]:
            continue
        inside = bool(box[b, r, a])
        truth = target[b, :, t, r, a]
        shares = (
            (weight[b, t, r, a], 1.0, weight[b, t, r, a])
            if inside
            else (0.01, 0.01, 0.0)
        )
        for c, share in enumerate(shares):
            wanted = truth[c] if inside or c == 2 else 0.0
            error = abs(answer[b, c, t, r, a] - wanted)
            parts[c] += share * error, share
    expected = sum(total / max(count, 1) for total, count in parts)
    one, other, *masks = torched(values)
    names = dict(zip(("box", "valid", "weight"), masks, strict=True))
    loss = flow_error(one, other, **names)
    assert float(loss) == pytest.approx(expected, rel=1e-9)


def test_little_flow_is_divided_by_one() -> None:
    answer, target = torch.ones(1, 3, 1, 1, 10), torch.zeros(1, 3, 1, 1, 10)
    box, valid = torch.zeros(1, 1, 10), torch.ones(1, 1, 1, 10)
    loss = flow_error(answer, target, box=box, valid=valid, weight=valid)
    # Velocity and power: ten pixels of a hundredth each, over 1. No turbulence.
    assert float(loss) == pytest.approx(0.2)


def test_flow_is_not_folded_and_its_gradient_is_finite() -> None:
    one, other, *masks = torched(flow_case())
    names = dict(zip(("box", "valid", "weight"), masks, strict=True))
    one.requires_grad_()
    flow_error(one, other, **names).backward()
    assert one.grad.isfinite().all()
    assert float(flow_error(one + 100, other, **names).detach()) > 200


def plain_dice(answer, target, valid, weights):
    kept = []
    for b, c in np.ndindex(target.shape[:2]):
        w = valid[b][:, None, None] * weights[:, None]
        p, t = answer[b, 1 + c], target[b, c]
        if (t * w).sum() > 0:
            top = 2 * (p * t * w).sum() + 1e-6
            kept.append(top / (((p + t) * w).sum() + 1e-6))
    return 1 - np.mean(kept)


@pytest.mark.parametrize("weighted", [False, True])
def test_dice_is_the_mean_over_clips_and_structures_that_are_there(weighted) -> None:
    logits = CHANCE.normal(size=(3, 3, 4, 8, 6))
    answer = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = (CHANCE.random((3, 2, 4, 8, 6)) > 0.6).astype(float)
    target[1, 0] = 0
    valid = np.ones((3, 4))
    valid[2, 1:] = 0
    weights = np.linspace(0.001, 1.999, 8) if weighted else np.ones(8)
    expected = plain_dice(answer, target, valid, weights)
    loss = dice_loss(*torched((answer, target, valid)), weighted=weighted)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_what_lies_deep_counts_for_more() -> None:
    target = torch.ones(1, 1, 1, 256, 2)
    missed = {}
    for place in (0, 255):
        answer = torch.ones(1, 2, 1, 256, 2)
        answer[..., place, :] = 0
        missed[place] = float(
            dice_loss(answer, target, torch.ones(1, 1), weighted=True)
        )
    assert missed[255] == pytest.approx(1.999 / (2 * 256 - 1.999), rel=1e-3)
    assert missed[0] == pytest.approx(0.001 / (2 * 256), rel=0.05)


def test_a_batch_without_a_structure_costs_nothing() -> None:
    answer = torch.full((1, 3, 2, 4, 4), 1 / 3, requires_grad=True)
    loss = dice_loss(
        answer, torch.zeros(1, 2, 2, 4, 4), torch.ones(1, 2), weighted=True
    )
    loss.backward()
    assert float(loss.detach()) == 0
    assert not answer.grad.any()
