"""A network's answers to records: as a whole, or by the windows it was trained on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from cardium.core import Kind
from cardium.fit._tensors import InputFormat, windows_around

_AT_ONCE = 256
_NO_DOUBT = 1e-6
"""Distance from 0 and 1 within which log-odds of a probability mean nothing."""


def window_starts(samples: int, length: int) -> list[int]:
    """Return where windows begin: each half a window after the one before.

    The last one ends with the record, so that nothing of it goes unseen.

    Examples
    --------
    >>> window_starts(10, 4), window_starts(11, 4), window_starts(3, 4)
    ([0, 2, 4, 6], [0, 2, 4, 6, 7], [0])
    """
    last = max(0, samples - length)
    starts = list(range(0, last + 1, max(1, length // 2)))
    return starts if starts[-1] == last else [*starts, last]


def answer_records(
    network: Callable[[Tensor], Tensor],
    records: Tensor,
    lengths: Tensor,
    form: InputFormat,
    kind: Kind,
    *,
    logits: bool = True,
) -> Tensor:
    """Answer records, (B, C), as a network does that sees them whole.

    Parameters
    ----------
    network : function (batch, lead, time) -> (batch, C)
        The network, or the network and what makes probabilities of its answers.
    records : (B, lead, time) [mV]
        Padded to one length, and not shorter than a window.
    lengths : (B,)
        How many samples of each are its own.
    form : InputFormat
        Says how long a window is and what is taken of their answers.
    kind : {"multilabel", "quantity"}
        What they are.
    logits : bool
        Whether answers about labels are log-odds, not probabilities.

    Returns
    -------
    (B, C)
        Logits, probabilities or values, as the network gives them. Windows are joined
        by their probabilities; of logits the log-odds of these are returned.
    """
    crop = form.crop_samples
    if not crop:
        return network(records)
    order, answers = [], []
    for length in sorted(set(lengths.tolist())):
        of_it = (lengths == length).nonzero()[:, 0].to(records.device)
        starts = window_starts(length, crop)
        cuts = torch.stack([records[of_it, :, at : at + crop] for at in starts], 1)
        raw = torch.cat([network(p) for p in torch.split(cuts.flatten(0, 1), _AT_ONCE)])
        raw = raw.reshape(len(of_it), len(starts), -1)
        answers.append(join_windows(raw, form, kind, logits=logits))
        order.append(of_it)
    return torch.cat(answers)[torch.cat(order).argsort()]


def join_windows(
    raw: Tensor, form: InputFormat, kind: Kind, *, logits: bool = True
) -> Tensor:
    """Join the answers of windows, (B, window, C) to (B, C).

    Examples
    --------
    >>> raw = torch.tensor([[[0.0], [2.0]]])
    >>> form = InputFormat(1, aggregate="max")
    >>> join_windows(raw, form, "multilabel").tolist()
    [[2.0]]
    """
    if kind == "quantity":
        return raw.mean(1)
    if form.aggregate == "max":
        return raw.amax(1)
    if not logits:
        return raw.mean(1)
    probability = raw.float().sigmoid().mean(1)
    return probability.clamp(_NO_DOUBT, 1 - _NO_DOUBT).logit()


def answer_events(
    network: nn.Module, record: Tensor, places: Tensor, form: InputFormat, device: str
) -> Tensor:
    """Return the logits of all events of a record, (K, C), some at a time."""
    parts = [
        network(windows_around(record, part, form.samples).to(device)).cpu()
        for part in torch.split(places, _AT_ONCE)
    ]
    return torch.cat(parts)
