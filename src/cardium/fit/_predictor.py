"""A trained network as a model: samples in, answers of their size out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cardium.core import Output, Sample
from cardium.errors import NotProvidedError
from cardium.fit._heads import raw_velocity, wrap
from cardium.fit._tensors import (
    InputFormat,
    event_places,
    input_tensor,
    pad,
    record_tensor,
    resize,
    standardise,
    velocity_scale,
)
from cardium.fit._windows import answer_events, answer_records

_FRAMES_AT_ONCE = 16
_USUAL = {"multilabel": "sigmoid", "event_class": "softmax", "quantity": "none"}
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "softmax": partial(torch.softmax, dim=-1),
    "none": torch.nn.Identity(),
}


class NetworkPredictor:
    """Answers samples with a network.

    Parameters
    ----------
    network : torch.nn.Module
        With its weights.
    output : Output
        What the task asks for.
    form : InputFormat
        What the network takes.
    device : str
        Where it computes: ``"cpu"``, ``"cuda"``, or ``"auto"`` for an accelerator
        if there is one.
    activation : {"sigmoid", "softmax", "none"}, optional
        What makes probabilities of its answers about records. If not given, a sigmoid
        for labels, a softmax for events and none for quantities.
    """

    def __init__(
        self,
        network: nn.Module,
        output: Output,
        form: InputFormat,
        *,
        device: str,
        activation: str | None = None,
    ) -> None:
        if device == "auto":
            found = torch.accelerator.current_accelerator(check_available=True)
            device = str(found or "cpu")
        self.network = network.eval().to(device)
        self.output = output
        self.form = form
        self.device = device
        self._activate = _ACTIVATIONS[activation or _USUAL.get(output.kind, "none")]
        self.parameters = sum(p.numel() for p in network.parameters())

    @torch.inference_mode()
    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample: the array that the task's output describes, by name."""
        if self.output.kind == "event_class":
            return {self.output.name: self._answer_events(sample)}
        if self.form.rank == 1:
            return {self.output.name: self._answer_record(sample)}
        value = input_tensor(sample, self.form)
        raw = self._answer_frames(standardise(value[None])[0])
        if self.output.kind == "velocity":
            return {self.output.name: self._velocities(raw, sample)}
        frames = [logits.argmax(1) for logits in self._at_size_of(raw, sample)]
        codes = torch.cat(frames).to(torch.uint8)
        return {self.output.name: codes.cpu().numpy()}

    def _answer_record(self, sample: Sample) -> NDArray[np.float32]:
        """Answer a record as a whole, or by windows, (C,)."""
        record, form = input_tensor(sample, self.form), self.form
        length = torch.tensor([record.shape[1]])
        padded = pad(record, form.samples or form.crop_samples)
        answer = answer_records(
            self._answer_windows,
            padded[None].to(self.device),
            length,
            form,
            self.output.kind,
            logits=False,
        )[0].cpu()
        if form.mean:
            answer = answer * torch.tensor(form.deviation) + torch.tensor(form.mean)
        array: NDArray[np.float32] = answer.numpy()
        return array

    def _answer_windows(self, windows: Tensor) -> Tensor:
        """Answer what a network sees at once, by probabilities or numbers."""
        return self._activate(self.network(windows).float())

    def _answer_events(self, sample: Sample) -> NDArray[np.float32]:
        """Answer each event by what is around it, (K, C)."""
        places = event_places(sample)
        if not len(places):
            return np.zeros((0, len(self.output.classes)), np.float32)
        record = record_tensor(sample, self.form, whole=True)
        raw = answer_events(self.network, record, places, self.form, self.device)
        array: NDArray[np.float32] = self._activate(raw.float()).numpy()
        return array

    def _answer_frames(self, clip: Tensor) -> Tensor:
        """Run the network over a clip (T, Z, X); returns (T, C, Z, X)."""
        clip = clip.to(self.device)
        if self.form.rank == 3:
            answer: Tensor = self.network(clip[None, None])[0]
            return answer.movedim(1, 0)
        parts = torch.split(clip[:, None], _FRAMES_AT_ONCE)
        return torch.cat([self.network(part) for part in parts])

    def _at_size_of(self, raw: Tensor, sample: Sample) -> Iterator[Tensor]:
        """Give the raw output at the sample's size, some frames at a time."""
        rows, columns = sample.stream.shape[1:]
        return (
            resize(part, (rows, columns)) for part in torch.split(raw, _FRAMES_AT_ONCE)
        )

    def _velocities(self, raw: Tensor, sample: Sample) -> NDArray[np.float32]:
        """Turn displacements into folded velocities, (T - 1, Z, X) [m/s]."""
        if sample.velocity_limit is None:
            raise NotProvidedError(
                f"Recording '{sample.recording}' has no velocity limit to fold at."
            )
        scale = velocity_scale(sample.stream, self.form.size).to(self.device)
        velocity = raw_velocity(raw[:-1], scale)[:, None]
        frames = [part[:, 0] for part in self._at_size_of(velocity, sample)]
        folded = wrap(torch.cat(frames), sample.velocity_limit)
        array: NDArray[np.float32] = folded.cpu().numpy()
        return array
