"""Relevance by captum; a module of its own, since it imports torch."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from cardium.core import Sample
from cardium.errors import InvalidArgumentError
from cardium.fit._predictor import NetworkPredictor
from cardium.fit._tensors import event_places, input_tensor, pad, record_tensor
from cardium.fit._windows import window_starts

_AT_ONCE = 64


def find_relevance(
    predictor: NetworkPredictor,
    sample: Sample,
    target: int,
    *,
    method: str,
    event: int,
    steps: int,
) -> NDArray[np.float32]:
    """Return the relevance of each sample for one channel of the answer, (T, lead)."""
    cuts, places = _cut(predictor, sample, event)
    cuts = cuts.to(predictor.device)
    network = predictor.network
    # cuDNN has no gradients of recurrent layers that are not being trained.
    with torch.backends.cudnn.flags(enabled=False):
        if method == "integrated_gradients":
            found = IntegratedGradients(network).attribute(
                cuts,
                baselines=0.0,
                target=target,
                n_steps=steps,
                internal_batch_size=max(_AT_ONCE, len(cuts)),
            )
        else:
            found = _grad_cam(network, cuts, target)
    samples, leads = sample.stream.shape
    total = torch.zeros(leads, samples)
    for window, at in zip(found.detach().cpu().float(), places, strict=True):
        first, stop = max(0, at), min(samples, at + window.shape[1])
        total[:, first:stop] += window[:, first - at : stop - at] / len(places)
    array: NDArray[np.float32] = total.T.numpy()
    return array


def _cut(
    predictor: NetworkPredictor, sample: Sample, event: int
) -> tuple[Tensor, list[int]]:
    """Return what the network sees, (B, lead, time), and where each begins."""
    form = predictor.form
    if predictor.output.kind == "event_class":
        centres = event_places(sample)
        if not 0 <= event < len(centres):
            raise InvalidArgumentError(
                f"Recording '{sample.recording}' has the events 0..{len(centres) - 1}, "
                f"not {event}."
            )
        start = int(centres[event]) - form.samples // 2
        record = record_tensor(sample, form, whole=True)
        # Beyond the ends the last sample is held, as in prediction.
        index = (start + torch.arange(form.samples)).clamp(0, record.shape[1] - 1)
        return record[:, index][None], [start]
    record = input_tensor(sample, form)
    crop = form.crop_samples
    if not crop:
        return pad(record, form.samples)[None], [0]
    starts = window_starts(record.shape[1], crop)
    record = pad(record, crop)
    return torch.stack([record[:, at : at + crop] for at in starts]), starts


def _grad_cam(network: nn.Module, cuts: Tensor, target: int) -> Tensor:
    """Return where the last convolution's features speak for a class, for all leads."""
    layer = _last_convolution(network, cuts[:1])
    cam = LayerGradCam(network, layer).attribute(
        cuts, target=target, relu_attributions=True
    )
    wide = functional.interpolate(cam, cuts.shape[2], mode="linear", align_corners=True)
    return wide.expand(-1, cuts.shape[1], -1)


def _last_convolution(network: nn.Module, cut: Tensor) -> nn.Module:
    """Find the convolution that is used last, and leaves a time axis."""
    used: list[nn.Module] = []

    def note(module: nn.Module, inputs: object, output: Tensor) -> None:
        if output.shape[2] > 1:
            used.append(module)

    hooks = [
        module.register_forward_hook(note)
        for module in network.modules()
        if isinstance(module, nn.Conv1d)
    ]
    with torch.no_grad():
        network(cut)
    for hook in hooks:
        hook.remove()
    if not used:
        raise InvalidArgumentError(
            f"The network {type(network).__name__} has no convolution over time, so "
            "Grad-CAM cannot be computed. Take integrated gradients."
        )
    return used[-1]
