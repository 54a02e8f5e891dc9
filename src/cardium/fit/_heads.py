"""What a network's raw output means for each kind of answer, and its loss.

``label_map``: logits, one channel a class. ``multilabel``: logits, one a class.
``event_class``: logits, one a class, of which a softmax makes probabilities.
``quantity``: deviations from the mean of the training side, in its standard deviations.
``velocity``: one channel, the displacement towards the probe in rows of the network's
image from one frame to the next; times the velocity of one row a frame it is m/s, so
that one network serves every frame rate and every depth.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from cardium.core import UNLABELLED, Kind, Output

_NEVER = -1e9
"""A logit of no probability."""


def count_channels(output: Output) -> int:
    """Return how many channels a network answers with."""
    return 1 if output.kind == "velocity" else len(output.classes)


def compute_loss(
    kind: Kind, raw: Tensor, batch: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the loss of a batch's raw output, and the measure of how good it is.

    Parameters
    ----------
    kind : {"label_map", "multilabel", "event_class", "quantity", "velocity"}
        What the output is.
    raw : (B, C, ...)
        What the network gave.
    batch : mapping of str to Tensor
        ``target`` and, for velocities, ``scale`` and ``limit``.

    Returns
    -------
    loss : scalar
        What is minimised, in single precision.
    measure : scalar
        What is written down and chooses the weights; lower is better. For label maps
        the Dice part of the loss alone: cross entropy goes up with confidence, long
        after the borders have stopped to get worse.
    """
    raw, target = raw.float(), batch["target"]
    match kind:
        case "label_map":
            entropy, dice = segmentation_losses(raw, target)
            return entropy + dice, dice
        case "multilabel":
            loss = multilabel_loss(raw, target)
        case "event_class":
            loss = event_loss(raw, target)
        case "quantity":
            loss = quantity_loss(raw, target)
        case "velocity":
            velocity = raw_velocity(raw, batch["scale"])
            loss = velocity_loss(velocity, target, batch["limit"])
    return loss, loss


def segmentation_losses(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cross entropy, and one minus the soft Dice of the structures.

    Parameters
    ----------
    logits : (B, C, ...)
        One channel a class, the background first.
    target : (B, ...)
        Codes; where they are `UNLABELLED` nothing counts.

    Returns
    -------
    entropy, dice : scalar
        Dice is taken over the whole batch, so that a frame without a structure does
        not weigh as much as one that has it.
    """
    labelled = (target != UNLABELLED).unsqueeze(1)
    codes = target.where(labelled[:, 0], 0).long()
    log_probability = functional.log_softmax(logits, dim=1)
    truth = functional.one_hot(codes, logits.shape[1]).movedim(-1, 1) * labelled
    entropy = -(truth * log_probability).sum() / labelled.sum().clamp(min=1)
    probability = log_probability.exp() * labelled
    axes = (0, *range(2, logits.dim()))
    overlap = (probability * truth).sum(axes)
    size = probability.sum(axes) + truth.sum(axes)
    dice = (2 * overlap + 1) / (size + 1)
    return entropy, 1 - dice[1:].mean()


def multilabel_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross entropy of the classes that are known (not NaN), (B, C)."""
    known = target.isfinite()
    losses = functional.binary_cross_entropy_with_logits(
        logits, target.nan_to_num(), reduction="none"
    )
    return (losses * known).sum() / known.sum().clamp(min=1)


def event_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of the events whose class is known, (B, C).

    Parameters
    ----------
    logits : (B, C)
        Of which a softmax makes probabilities.
    target : (B, C)
        Shares of the classes, 1 for one of them as a rule. A class that is NaN was
        not asked about and takes no part in the softmax; a row without a positive
        share is unknown and does not count.

    Returns
    -------
    scalar
        The loss; 0 where nothing is known.
    """
    asked, share = target.isfinite(), target.nan_to_num()
    # A row without any class would be a softmax of nothing.
    hidden = ~asked & asked.any(1, keepdim=True)
    log_probability = functional.log_softmax(
        logits.masked_fill(hidden, _NEVER), dim=1
    ).masked_fill(hidden, 0.0)
    known = share.sum(1) > 0
    losses = -(share * log_probability).sum(1)
    return (losses * known).sum() / known.sum().clamp(min=1)


def quantity_loss(raw: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 of the standardised values that are known (not NaN), (B, C)."""
    known = target.isfinite()
    losses = functional.smooth_l1_loss(raw, target.nan_to_num(), reduction="none")
    return (losses * known).sum() / known.sum().clamp(min=1)


def raw_velocity(raw: Tensor, scale: Tensor) -> Tensor:
    """Turn displacements into velocities.

    Parameters
    ----------
    raw : (B, 1, Z, X) or (B, 1, T, Z, X) [rows a frame]
        The network's output.
    scale : (B,) or (B, T - 1) [m/s]
        Velocity of one row a frame, see `velocity_scale`.

    Returns
    -------
    (B, Z, X) or (B, T - 1, Z, X) [m/s]
        The last frame of a clip opens no interval and is left out.
    """
    moved = raw[:, 0]
    moved = moved[:, : scale.shape[1]] if scale.dim() == 2 else moved
    return moved * scale[..., None, None]


def velocity_loss(velocity: Tensor, target: Tensor, limit: Tensor) -> Tensor:
    """Mean absolute error modulo twice the Nyquist limit, as a share of the limit.

    Parameters
    ----------
    velocity, target : (B, ...) [m/s]
        Prediction and truth; where the truth is NaN nothing counts.
    limit : (B,) [m/s]
        Nyquist limit: velocities that differ by twice of it look the same.

    Returns
    -------
    scalar
        The loss, 0..1.
    """
    limit = limit.reshape(-1, *[1] * (target.dim() - 1))
    known = target.isfinite()
    error = wrap(velocity - target.nan_to_num(), limit).abs() / limit
    return (error * known).sum() / known.sum().clamp(min=1)


def wrap(velocity: Tensor, limit: Tensor | float) -> Tensor:
    """Fold velocities into -limit..limit.

    Examples
    --------
    >>> wrap(torch.tensor([0.1, 0.6, -0.6]), 0.5)
    tensor([ 0.1000, -0.4000,  0.4000])
    """
    return torch.remainder(velocity + limit, 2 * limit) - limit
