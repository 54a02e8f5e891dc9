"""Networks that answer clips where they were acquired: along the beams."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from cardium.clip_models._blocks import (
    Batch,
    Convolution,
    Encoder,
    areas,
    enlarge,
    even_out,
    places,
    shrink,
    unit,
)
from cardium.core import UNLABELLED

_STEPS = 8
_FINEST_VELOCITY = 0.85e-3
_FINEST_SHAPE = 1.6e-3
_BEAMS_OF_VELOCITY = 32
_BEAMS_OF_SHAPE = 64
_WINDOW = (0.014, 1)
_TRUST = 2.0
_LIKENESS = 4
_STILL = 0.3
_NOISE = 0.05


class RadialNet(nn.Module):
    """Velocity along the beams from how the pattern of one frame moves to the next.

    Two frames are compared at every displacement along the beam that the Nyquist limit
    allows: their grey patterns, by correlation in a window, and features that are
    learnt. The comparison is put on a scale of phases, so that frame rate, depth and
    limit are in the geometry and not in the weights. The best match is the first
    guess, as in block matching; a small U-Net over space and time says how far to
    trust it and which phases to add. The answer is a direction on the circle with a
    concentration: where Doppler is noise, it learns to be spread.

    Parameters
    ----------
    width : int
        Channels of the first level.
    levels : int
        How often the image is halved.
    frames : int
        Frames that a convolution in time sees.
    match : bool
        Compare displaced frames; otherwise the network sees the features of both
        frames side by side.
    likelihood : bool
        Learn by the likelihood of a von Mises distribution; otherwise by the folded
        absolute error.
    coordinates : bool
        Tell the network depth and angle of each sample.
    weigh : bool
        Weigh samples by their area.
    """

    def __init__(
        self,
        *,
        width: int,
        levels: int,
        frames: int,
        match: bool,
        likelihood: bool,
        coordinates: bool,
        weigh: bool,
    ) -> None:
        super().__init__()
        self._match, self._likelihood = match, likelihood
        self._coordinates, self._weigh = coordinates, weigh
        self.fine = unit(2, width, kernel=(1, 5, 3))
        self.features = Convolution(width, width, (1, 5, 3), padding=(0, 2, 1))
        seen = 4 * _STEPS + 3 if match else 2 * width
        self.head = Encoder(
            seen + 2 * coordinates, width=width, levels=levels, frames=frames
        )
        self.phases = Convolution(width, 2 * _STEPS, 1)
        self.certainty = Convolution(width, 1, 1)
        if match:
            self.trust = Convolution(width, 1, 1)

    def forward(self, batch: Batch) -> Tensor:
        """Return the velocity (B, 1, T - 1, R, A) [m/s], positive towards the probe."""
        real, imaginary = self._answer(batch)
        limit = batch["limit"].reshape(-1, 1, 1, 1, 1)
        return torch.atan2(imaginary, real) / math.pi * limit

    def loss(self, batch: Batch) -> Tensor:
        """Return how unlikely the measured velocities are, or how far they are off."""
        real, imaginary = self._answer(batch)
        limit = batch["limit"].reshape(-1, 1, 1, 1, 1)
        weight = batch["known"].to(real.dtype)
        if self._weigh:
            weight = weight * areas(batch)
        phase = math.pi * batch["target"] / limit
        if self._likelihood:
            error = unlikelihood(real, imaginary, phase)
        else:
            turn = torch.atan2(imaginary, real) - phase
            error = (torch.remainder(turn + math.pi, 2 * math.pi) - math.pi).abs()
        return _mean(error, weight)

    def _answer(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the direction on the circle, as long as it is certain, in float32."""
        grey = batch["input"]
        pattern = even_out(grey)
        down, across = coarser(batch, _FINEST_VELOCITY, _BEAMS_OF_VELOCITY)
        fine = self.fine(torch.cat([pattern, grey - 0.5], 1))
        features = self.features(shrink(fine, (1, across)))
        if self._match:
            alike, guess = correlate(shrink(pattern, (1, across)), batch)
            learnt = compare(functional.normalize(features.float(), dim=1), batch)
            seen = torch.cat([guess, alike, learnt], 1).to(grey.dtype)
        else:
            seen = _pairs(features)
        seen = shrink(seen, (down, 1))
        first = seen[:, :2].float()
        if self._coordinates:
            seen = with_places(seen, batch, (down, across))
        weighed = self.head(seen)
        share = self.phases(weighed).float().softmax(1)
        certain = functional.softplus(self.certainty(weighed).float())
        step = torch.arange(-_STEPS, _STEPS, device=share.device) + 0.5
        angle = (math.pi / _STEPS * step).reshape(1, -1, 1, 1, 1)
        like = grey[:, :, 1:]
        real = certain * (share * angle.cos()).sum(1, keepdim=True)
        imaginary = certain * (share * angle.sin()).sum(1, keepdim=True)
        if self._match:
            trust = functional.softplus(self.trust(weighed).float() + _TRUST)
            real, imaginary = (
                real + trust * first[:, :1],
                imaginary + trust * first[:, 1:],
            )
        return enlarge(real, like), enlarge(imaginary, like)


class BeamUNet(nn.Module):
    """What a U-Net along the beams shares for shapes and for flow.

    Parameters
    ----------
    channels_out : int
        Channels of its answer, one frame each.
    width : int
        Channels of the first level.
    levels : int
        How often the image is halved.
    frames : int
        Frames that a convolution in time sees.
    coordinates : bool
        Tell the network depth and angle of each sample.
    weigh : bool
        Weigh samples by their area.
    """

    def __init__(
        self,
        channels_out: int,
        *,
        width: int,
        levels: int,
        frames: int,
        coordinates: bool,
        weigh: bool,
    ) -> None:
        super().__init__()
        self._coordinates, self._weigh = coordinates, weigh
        self.body = Encoder(
            2 + 2 * coordinates, width=width, levels=levels, frames=frames
        )
        self.last = Convolution(width, channels_out, 1)

    def raw(self, batch: Batch) -> Tensor:
        """Return the answer before it means anything, at the size of the input."""
        grey = batch["input"]
        by = coarser(batch, _FINEST_SHAPE, _BEAMS_OF_SHAPE)
        seen = shrink(torch.cat([even_out(grey), grey - 0.5], 1), by)
        if self._coordinates:
            seen = with_places(seen, batch, by)
        return enlarge(self.last(self.body(seen)).float(), grey)

    def weight(self, batch: Batch) -> Tensor:
        """Return how much each sample counts, (B, 1, 1, R, A)."""
        area = areas(batch)
        return area if self._weigh else (area > 0).to(area.dtype)


class ShapeNet(BeamUNet):
    """Background, cavity and myocardium of the left ventricle."""

    def forward(self, batch: Batch) -> Tensor:
        """Return probabilities (B, 3, T, R, A)."""
        return self.raw(batch).softmax(1)

    def loss(self, batch: Batch) -> Tensor:
        """Return cross entropy plus one minus Dice, where somebody labelled."""
        log_share = self.raw(batch).log_softmax(1)
        codes = batch["target"]
        labelled = (codes != UNLABELLED)[:, None]
        weight = self.weight(batch) * labelled
        known = codes.where(labelled[:, 0], 0).long()
        truth = functional.one_hot(known, log_share.shape[1]).movedim(-1, 1)
        entropy = -(truth * log_share * weight).sum() / weight.sum().clamp(min=1)
        share = log_share.exp()
        axes = (0, 2, 3, 4)
        overlap = (share * truth * weight).sum(axes)
        size = ((share + truth) * weight).sum(axes)
        return entropy + 1 - ((2 * overlap + 1) / (size + 1))[1:].mean()


class FlowNet(BeamUNet):
    """Velocity, power and turbulence of blood, twice between two frames."""

    def forward(self, batch: Batch) -> Tensor:
        """Return (B, 3, 2 (T - 1), R, A): m/s, 0..1, m/s."""
        real, imaginary, power, spread = self._answer(batch)
        limit = batch["limit"].reshape(-1, 1, 1, 1)
        velocity = torch.atan2(imaginary, real) / math.pi * limit
        return torch.stack([velocity, power, spread * limit], 1)

    def loss(self, batch: Batch) -> Tensor:
        """Return how unlikely the velocities are, and how far off the others."""
        real, imaginary, power, spread = self._answer(batch)
        limit = batch["limit"].reshape(-1, 1, 1, 1)
        velocity, true_power, true_spread = batch["target"].unbind(1)
        known = self.weight(batch)[:, 0] * batch["known"].to(real.dtype)
        blood = known * (_NOISE + (true_power > _STILL).to(known.dtype))
        unlikely = unlikelihood(real, imaginary, math.pi * velocity / limit)
        total = (
            _mean(unlikely, blood)
            + _mean((power - true_power).abs(), known)
            + _mean((spread - true_spread / limit).abs(), blood)
        )
        return total

    def _answer(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return phasor, power, and turbulence in units of the limit."""
        raw = self.raw(batch)
        between = (raw[:, :, 1:] + raw[:, :, :-1]) / 2
        halves = between.unflatten(1, (4, 2)).movedim(2, 3).flatten(2, 3)  # type: ignore[no-untyped-call]
        real, imaginary, power, spread = halves.unbind(1)
        return real, imaginary, power.sigmoid(), spread.sigmoid()


def coarser(batch: Batch, pitch: float, beams: int) -> tuple[int, int]:
    """Return by how much rows and beams may be averaged.

    Parameters
    ----------
    batch : mapping
        ``row_spacing`` (B,) [m] and ``angle`` (B, A).
    pitch : float [m]
        Rows are not made longer than this.
    beams : int
        Beams that are left at least.

    Examples
    --------
    >>> batch = {"row_spacing": torch.tensor([3e-4]), "angle": torch.zeros(1, 160)}
    >>> coarser(batch, 1e-3, 64)
    (3, 2)
    """
    longest = float(batch["row_spacing"].max())
    return max(1, int(pitch / longest)), max(1, batch["angle"].shape[1] // beams)


def with_places(seen: Tensor, batch: Batch, by: tuple[int, int]) -> Tensor:
    """Add depth and angle to what a network sees, averaged as it is."""
    where = shrink(places(batch), by).to(seen.dtype)
    return torch.cat([seen, where.expand(-1, -1, seen.shape[2], -1, -1)], 1)


def _mean(error: Tensor, weight: Tensor) -> Tensor:
    """Average an error by weight."""
    return (error * weight).sum() / weight.sum().clamp(min=1)


def unlikelihood(real: Tensor, imaginary: Tensor, phase: Tensor) -> Tensor:
    """Return minus the log of a von Mises density, less log 2 pi.

    Parameters
    ----------
    real, imaginary : Tensor
        The concentration times the cosine and the sine of the mean direction.
    phase : Tensor [rad]
        What was measured.

    Returns
    -------
    Tensor
        ``log I0(k) - k cos(mean - phase)``: zero for a uniform density.

    Examples
    --------
    >>> zero = torch.zeros(())
    >>> round(float(unlikelihood(zero, zero, zero)), 6)
    0.0
    """
    size = (real.square() + imaginary.square() + 1e-12).sqrt()
    # i0e is i0 without its exponential growth.
    spread: Tensor = torch.special.i0e(size).log() + size
    return spread - real * phase.cos() - imaginary * phase.sin()


@torch.no_grad()
def correlate(pattern: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """Correlate neighbouring frames in a window; nothing is learnt here.

    Parameters
    ----------
    pattern : (B, 1, T, R, A)
        Grey levels without their local mean and contrast, so that the mean of products
        is a correlation.
    batch : mapping
        As for `compare`.

    Returns
    -------
    alike : (B, phase, T - 1, R, A)
        Near 1 where a window matches, for the phases of `compare`.
    guess : (B, 3, T - 1, R, A)
        Cosine and sine of the phase that matches best, refined by a parabola and
        averaged over a window by how well it matches; and how well that is.
    """
    window = int(_WINDOW[0] / float(batch["row_spacing"].max())) // 2, _WINDOW[1]
    volume = _window_mean(multiply(pattern.float(), _most_rows(batch)), window)
    best = volume.argmax(1, keepdim=True).clamp(1, volume.shape[1] - 2)
    below, peak, above = (volume.gather(1, best + step) for step in (-1, 0, 1))
    bend = below - 2 * peak + above
    aside = (0.5 * (below - above) / bend.clamp(max=-1e-6)).clamp(-0.5, 0.5)
    rows = best - volume.shape[1] // 2 + aside
    phase = math.pi * rows / _rows_per_limit(batch)[:, None, :, None, None]
    likeness = peak.clamp(0, 1)
    weight = likeness**_LIKENESS + 1e-6
    wide = 2 * window[0], 2 * window[1]
    whole, *parts = (
        # twice a box, which is nearly a Gaussian
        _window_mean(_window_mean(weight * part, wide), wide)
        for part in (torch.ones_like(phase), phase.cos(), phase.sin())
    )
    direction = [part / whole for part in parts]
    return _on_circle(volume, batch), torch.cat([*direction, likeness], 1)


def compare(features: Tensor, batch: Batch) -> Tensor:
    """Multiply neighbouring frames at each velocity, (B, phase, T - 1, R, A).

    Parameters
    ----------
    features : (B, C, T, R, A) float32
        Of each frame.
    batch : mapping
        ``limit`` [m/s], ``interval`` (B, T - 1) [s] and ``row_spacing`` (B,) [m].

    Returns
    -------
    Tensor
        Products, summed over the channels, for velocities that are the middles of equal
        parts of the Nyquist circle: their phases are the same whatever the frame rate,
        the depth and the limit.
    """
    return _on_circle(multiply(features, _most_rows(batch)), batch)


def multiply(features: Tensor, most: int) -> Tensor:
    """Multiply neighbouring frames at each displacement, (B, K, T - 1, R, A).

    Parameters
    ----------
    features : (B, C, T, R, A)
        Of each frame.
    most : int
        Rows that a sample moves at most.

    Returns
    -------
    Tensor
        The k-th of K = 2 most + 1 is for what comes nearer to the probe by k - most
        rows. It stands where that was halfway: half of the rows farther away before,
        and half nearer after.
    """
    before, after = features[:, :, :-1], features[:, :, 1:]
    rows, ends = features.shape[3], (0, 0, most, most)
    # Rows beyond the ends are nobody's: their products are zero.
    after = functional.pad(after, ends)
    products = []
    for moved in range(-most, most + 1):
        there = after[:, :, :, most - moved : most - moved + rows]
        product = functional.pad((before * there).sum(1), ends)
        halfway = most + moved - moved // 2
        products.append(product[:, :, halfway : halfway + rows])
    return torch.stack(products, 1)


def _on_circle(volume: Tensor, batch: Batch) -> Tensor:
    """Interpolate what is at whole rows to phases, linearly."""
    reach, most = _rows_per_limit(batch), volume.shape[1] // 2
    step = torch.arange(-_STEPS, _STEPS, device=reach.device) + 0.5
    wanted = reach[:, None] * step[:, None] / _STEPS
    shift = torch.arange(-most, most + 1, device=reach.device)
    blend = (1 - (wanted[..., None] - shift).abs()).clamp(min=0)
    on_circle: Tensor = torch.einsum("bjtk,bktra->bjtra", blend, volume)
    return on_circle


def _window_mean(volume: Tensor, half: tuple[int, int]) -> Tensor:
    """Average over rows and beams, so many to each side."""
    frames = volume.flatten(0, 2)[:, None]
    for border in ((half[0], 0), (0, half[1])):
        size = [2 * one + 1 for one in border]
        frames = functional.avg_pool2d(
            frames, size, 1, list(border), count_include_pad=False
        )
    return frames.reshape(volume.shape)


def _most_rows(batch: Batch) -> int:
    """Return how many rows the Nyquist limit moves at most, and one more."""
    return int(_rows_per_limit(batch).max().ceil()) + 1


def _rows_per_limit(batch: Batch) -> Tensor:
    """Return by how many rows the Nyquist limit moves in each interval, (B, T - 1)."""
    way = batch["limit"][:, None] * batch["interval"]
    return way / batch["row_spacing"][:, None]


def _pairs(features: Tensor) -> Tensor:
    """Put the features of neighbouring frames side by side."""
    return torch.cat([features[:, :, :-1], features[:, :, 1:]], 1)
