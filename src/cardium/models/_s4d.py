"""The layers of `s4d`; a module of its own, since it imports torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from cardium.models._pooling import PooledClassifier

_SLOWEST, _FASTEST = 1e-3, 1e-1


class StateSpaceNet(nn.Module):
    """Normalise the leads, go through linear state spaces, pool over time, classify.

    Parameters
    ----------
    channels_in, channels_out : int
        Leads of a record and classes of the answer.
    width : int
        Channels of all layers.
    states : int
        Complex states of each channel and direction.
    layers : int
        Layers.
    dropout : float
        Share of what is dropped between layers.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        width: int,
        states: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.scale = nn.BatchNorm1d(channels_in, affine=False)
        self.encode = nn.Conv1d(channels_in, width, 1)
        self.layers = nn.Sequential(
            *(_Layer(width, states, dropout) for _ in range(layers))
        )
        self.head = PooledClassifier(width, channels_out, dropout=dropout)

    def forward(self, records: Tensor) -> Tensor:
        """Map records (batch, lead, time) to logits (batch, class)."""
        logits: Tensor = self.head(self.layers(self.encode(self.scale(records))))
        return logits


class DiagonalStates(nn.Module):
    """A convolution as long as the record, by a linear system of few states, both ways.

    Each channel h and direction has the states of ``x' = A x + u``, ``y = Re(C x)``,
    held over a step dt: its impulse response is
    ``k[n] = 2 Re sum_s C_s (exp(dt A_s) - 1) / A_s exp(dt A_s n)``.

    Parameters
    ----------
    width : int
        Channels.
    states : int
        States of a channel; A starts as ``-1/2 + i pi s`` (S4D-Lin).
    """

    def __init__(self, width: int, states: int) -> None:
        super().__init__()
        share = torch.rand(2, width)
        start, stop = math.log(_SLOWEST), math.log(_FASTEST)
        self.log_step = nn.Parameter(start + share * (stop - start))
        frequency = math.pi * torch.arange(states).float()
        self.log_decay = nn.Parameter(torch.full((2, width, states), math.log(0.5)))
        self.frequency = nn.Parameter(frequency.expand(2, width, -1).clone())
        # Real and imaginary parts, since files of weights hold no complex numbers.
        self.read = nn.Parameter(torch.randn(2, width, states, 2) * math.sqrt(0.5))
        self.direct = nn.Parameter(torch.randn(width))

    def kernels(self, samples: int) -> Tensor:
        """Return the impulse responses forwards and backwards, (2, width, samples)."""
        pole = torch.complex(-self.log_decay.float().exp(), self.frequency.float())
        turn = pole * self.log_step.float().exp()[..., None]
        weight = torch.view_as_complex(self.read.float()) * (turn.exp() - 1) / pole
        powers = (turn[..., None] * torch.arange(samples, device=turn.device)).exp()
        kernels: Tensor = torch.einsum("dhs,dhsn->dhn", weight, powers).real
        return 2 * kernels

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (batch, width, time), in single precision, which the FFT needs."""
        samples = features.shape[2]
        with torch.autocast(features.device.type, enabled=False):
            inputs = features.float()
            ahead, back = self.kernels(samples)
            # Backwards in time is around the circle: k[-n] stands at the end.
            circle = functional.pad(ahead, (0, samples))
            circle = circle + functional.pad(back.flip(1), (samples, 0)).roll(1, 1)
            spectrum = torch.fft.rfft(inputs, 2 * samples) * torch.fft.rfft(circle)
            convolved: Tensor = torch.fft.irfft(spectrum, 2 * samples)[..., :samples]
            return convolved + self.direct.float()[:, None] * inputs


class _Layer(nn.Module):
    """States, a gate and a shortcut; normalised afterwards."""

    def __init__(self, width: int, states: int, dropout: float) -> None:
        super().__init__()
        self.states = DiagonalStates(width, states)
        self.mix = nn.Sequential(
            nn.GELU(), nn.Dropout(dropout), nn.Conv1d(width, 2 * width, 1), nn.GLU(1)
        )
        self.normalise = nn.BatchNorm1d(width)

    def forward(self, features: Tensor) -> Tensor:
        answer: Tensor = self.normalise(features + self.mix(self.states(features)))
        return answer
