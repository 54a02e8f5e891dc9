"""What the published U-Nets learn to make small; it imports torch."""

from __future__ import annotations

import torch
from torch import Tensor

_OUTSIDE = 0.01
_SMOOTH = 1e-6
_ROW_WEIGHTS = (0.001, 1.999)


def folded_error(answer: Tensor, target: Tensor, limit: Tensor) -> Tensor:
    """Return the mean folded error of a velocity, in parts of the limit.

    Parameters
    ----------
    answer, target : (B, 1, T, H, W) [m/s]
        Velocities; where the target is not finite, there is none.
    limit : (B,) [m/s]
        Where the velocity of each clip folds.

    Returns
    -------
    Tensor
        The mean over all pixels that have a target, 0..1.

    Examples
    --------
    >>> zero, rise = torch.zeros(1, 1, 1, 1, 2), torch.tensor([0.2, 0.9])
    >>> folded_error(zero + rise, zero, torch.tensor([0.5]))  # 0.2 / 0.5, 0.1 / 0.5
    tensor(0.3000)
    """
    limit = limit.reshape(-1, 1, 1, 1, 1)
    known = target.isfinite()
    error = answer - torch.where(known, target, 0)
    folded = torch.remainder(error + limit, 2 * limit) - limit
    return _mean((folded / limit).abs(), known.to(folded.dtype))


def flow_error(
    answer: Tensor, target: Tensor, *, box: Tensor, valid: Tensor, weight: Tensor
) -> Tensor:
    """Return the error of blood flow: velocity [m/s] + power + turbulence [m/s].

    Parameters
    ----------
    answer, target : (B, 3, T, H, W)
        Velocity [m/s], power 0..1, turbulence [m/s].
    box : (B, H, W)
        1 where flow was measured. Outside, velocity and power should be 0, which
        counts for a hundredth; turbulence may be anything.
    valid : (B, T, H, W)
        1 where there is a target.
    weight : (B, T, H, W)
        What velocity and turbulence count for inside of the box.

    Returns
    -------
    Tensor
        The sum of the three means. A velocity is not folded.
    """
    valid = valid.to(answer.dtype)
    box = box.to(answer.dtype)[:, None]
    inside, outside = valid * box, _OUTSIDE * valid * (1 - box)
    target = torch.where(target.isfinite(), target, 0)
    error = (answer - target * box[:, None]).abs()
    return (
        _mean(error[:, 0], weight * inside + outside)
        + _mean(error[:, 1], inside + outside)
        + _mean(error[:, 2], weight * inside)
    )


def dice_loss(
    answer: Tensor, target: Tensor, valid: Tensor, *, weighted: bool
) -> Tensor:
    """Return one minus the mean soft Dice of the structures that are there.

    Parameters
    ----------
    answer : (B, 1 + C, T, H, W)
        Probabilities; those of the background are not looked at.
    target : (B, C, T, H, W)
        1 where a structure is.
    valid : (B, T)
        1 for the frames that have a target.
    weighted : bool
        Whether rows count for the more the deeper they lie, as beams diverge.

    Returns
    -------
    Tensor
        0 if no structure is there at all.

    Examples
    --------
    >>> there = torch.tensor([1.0, 0.0]).expand(1, 1, 1, 1, 2)
    >>> even = torch.full((1, 2, 1, 1, 2), 0.5)
    >>> dice_loss(even, there, torch.ones(1, 1), weighted=False)  # 2 * 0.5 / (1 + 1)
    tensor(0.5000)
    """
    weight = valid.to(answer.dtype)[:, None, :, None, None]
    if weighted:
        rows = torch.linspace(*_ROW_WEIGHTS, target.shape[-2], device=answer.device)
        weight = weight * rows[:, None]
    axes = (2, 3, 4)
    found = answer[:, 1:]
    both = (2 * found * target * weight).sum(axes) + _SMOOTH
    dice = both / (((found + target) * weight).sum(axes) + _SMOOTH)
    there = ((target * weight).sum(axes) > 0).to(dice.dtype)
    return ((1 - dice) * there).sum() / there.sum().clamp(min=1)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Average with weights, which count for 1 in sum at least."""
    return (values * weight).sum() / weight.sum().clamp(min=1)
