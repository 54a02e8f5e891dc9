"""A trained network as a model: samples in, answers of their size out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    input_tensor,
    resize,
    standardise,
    velocity_scale,
)

_FRAMES_AT_ONCE = 16


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
    """

    def __init__(
        self, network: nn.Module, output: Output, form: InputFormat, *, device: str
    ) -> None:
        if device == "auto":
            found = torch.accelerator.current_accelerator(check_available=True)
            device = str(found or "cpu")
        self._network = network.eval().to(device)
        self._output = output
        self._form = form
        self._device = device
        self.parameters = sum(p.numel() for p in network.parameters())

    @torch.inference_mode()
    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer one sample: the array that the task's output describes, by name."""
        value = input_tensor(sample, self._form)
        if self._form.rank == 1:
            logits = self._network(value[None].to(self._device))[0]
            return {self._output.name: logits.sigmoid().cpu().numpy()}
        raw = self._answer_frames(standardise(value[None])[0])
        if self._output.kind == "velocity":
            return {self._output.name: self._velocities(raw, sample)}
        frames = [logits.argmax(1) for logits in self._at_size_of(raw, sample)]
        codes = torch.cat(frames).to(torch.uint8)
        return {self._output.name: codes.cpu().numpy()}

    def _answer_frames(self, clip: Tensor) -> Tensor:
        """Run the network over a clip (T, Z, X); returns (T, C, Z, X)."""
        clip = clip.to(self._device)
        if self._form.rank == 3:
            answer: Tensor = self._network(clip[None, None])[0]
            return answer.movedim(1, 0)
        parts = torch.split(clip[:, None], _FRAMES_AT_ONCE)
        return torch.cat([self._network(part) for part in parts])

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
        scale = velocity_scale(sample.stream, self._form.size).to(self._device)
        velocity = raw_velocity(raw[:-1], scale)[:, None]
        frames = [part[:, 0] for part in self._at_size_of(velocity, sample)]
        folded = wrap(torch.cat(frames), sample.velocity_limit)
        array: NDArray[np.float32] = folded.cpu().numpy()
        return array
