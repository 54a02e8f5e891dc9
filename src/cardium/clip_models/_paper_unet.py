"""The network that `temporal_unet` and `frame_unet` share; it imports torch."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from cardium.clip_models import _paper_losses as losses
from cardium.errors import InvalidArgumentError, UnknownNameError

_FLAT_STAGES = {"tissue_velocity": 1, "blood_flow": 3, "lv_segmentation": 0}
_FIELDS = {"tissue_velocity": 1, "blood_flow": 3}
_CLASSES = 3
_EPSILON = 1e-5
_LONG_ROW = 64
_COLUMNS_PER_FRAME = 8


def build_network(
    task: str, domain: str, *, widths: str, temporal: bool
) -> PublishedUnet:
    """Build the network for a task.

    Parameters
    ----------
    task, domain : str
        What it answers and sees.
    widths : str
        Channels of the stages, with commas between them.
    temporal : bool
        Whether kernels reach into neighbouring frames.

    Returns
    -------
    PublishedUnet
        Untrained.

    Raises
    ------
    UnknownNameError
        If it does not know the task.
    InvalidArgumentError
        If the widths are not two or more positive numbers.
    """
    if task not in _FLAT_STAGES:
        raise UnknownNameError("task of the published U-Net", task, _FLAT_STAGES)
    try:
        channels = tuple(int(width) for width in widths.split(","))
    except ValueError:
        channels = ()
    if len(channels) < 2 or min(channels) < 1:
        raise InvalidArgumentError(
            f"The widths of a U-Net must be two or more positive numbers like "
            f"'32,64,128', got '{widths}'."
        )
    return PublishedUnet(task, domain, channels, temporal=temporal)


class PublishedUnet(nn.Module):
    """A U-Net and what makes its output the answer of a task.

    Parameters
    ----------
    task : str
        What it answers.
    domain : str
        What it sees.
    widths : tuple of int
        Channels of the stages.
    temporal : bool
        Whether kernels reach into neighbouring frames.
    """

    def __init__(
        self, task: str, domain: str, widths: tuple[int, ...], *, temporal: bool
    ) -> None:
        super().__init__()
        self.task = task
        self.weighted = domain == "beamspace"
        fields = _FIELDS.get(task, widths[0])
        flat = _FLAT_STAGES[task]
        self.unet = Unet(
            widths,
            [3 if temporal and stage >= flat else 1 for stage in range(len(widths))],
            fields,
            temporal=temporal,
            refined=task != "tissue_velocity",
        )
        self.classify = (
            Convolution(fields, _CLASSES, (1, 1, 1))
            if task == "lv_segmentation"
            else nn.Identity()
        )

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Answer a batch: m/s, 0..1 and m/s, or probabilities."""
        raw = self.classify(self.unet(batch["input"])).float()
        answer: Tensor
        match self.task:
            case "tissue_velocity":
                answer = raw[:, :, :-1] * _per_clip(batch["scale"], raw)
            case "blood_flow":
                halves = at_quarters(raw)
                velocity = halves[:, :1] * _per_clip(batch["limit"], raw)
                answer = torch.cat([velocity, halves[:, 1:]], dim=1)
            case _:
                answer = raw.softmax(1)
        return answer

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the loss of a batch."""
        answer = self(batch)
        target = batch["target"]
        match self.task:
            case "tissue_velocity":
                return losses.folded_error(answer, target, batch["limit"])
            case "blood_flow":
                named = {name: batch[name] for name in ("box", "valid", "weight")}
                return losses.flow_error(answer, target, **named)
            case _:
                return losses.dice_loss(
                    answer, target, batch["valid"], weighted=self.weighted
                )


class Unet(nn.Module):
    """A residual U-Net over clips (batch, 1, time, rows, columns).

    Each stage is one residual unit, and all but the last halve the image. On the way
    up, what a stage made is joined to what comes from below.

    Parameters
    ----------
    widths : sequence of int
        Channels of the stages.
    times : sequence of int
        Frames that the kernels of a stage span.
    channels_out : int
        Channels of the answer.
    temporal : bool
        Whether the kernels that enlarge the image span three frames, or one.
    refined : bool
        Whether each enlarged image is smoothed, channel by channel, as it learns to.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        times: list[int],
        channels_out: int,
        *,
        temporal: bool,
        refined: bool,
    ) -> None:
        super().__init__()
        steps = [2] * (len(widths) - 1) + [1]
        self.down = nn.ModuleList(
            _ResidualUnit(*pair, time, step=step)
            for pair, time, step in zip(
                pairwise((1, *widths)), times, steps, strict=True
            )
        )
        below = [*widths[:-2], widths[-1]]
        joined = [sum(pair) for pair in zip(widths[:-1], below, strict=True)]
        self.up = nn.ModuleList(
            _Enlarge(
                channels,
                (channels_out, *widths)[stage],
                times[stage],
                span=3 if temporal else 1,
                refined=refined,
                last=stage == 0,
            )
            for stage, channels in enumerate(joined)
        )

    def forward(self, clip: Tensor) -> Tensor:
        """Map a clip to as many frames of the same size."""
        rows, columns = clip.shape[-2:]
        unit = 2 ** len(self.up)
        features = replicate(clip, (0, -columns % unit, 0, -rows % unit, 0, 0))
        passed = []
        for stage in self.down:
            features = stage(features)
            passed.append(features)
        for stage, beside in zip(reversed(self.up), passed[-2::-1], strict=True):
            features = stage(torch.cat([beside, features], dim=1))
        cropped: Tensor = features[..., :rows, :columns]
        return cropped


class _ResidualUnit(nn.Module):
    """A convolution, normalised and activated, beside a shortcut."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        time: int,
        *,
        step: int = 1,
        activated: bool = True,
    ) -> None:
        super().__init__()
        self.convolve = Convolution(channels_in, channels_out, (time, 3, 3), step=step)
        self.activate = _Activation() if activated else nn.Identity()
        self.shortcut = (
            nn.Identity()
            if step == 1 and channels_in == channels_out
            else Convolution(channels_in, channels_out, (1, 1, 1), step=step)
        )

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.activate(self.convolve(features)) + self.shortcut(features)
        return out


class _Enlarge(nn.Module):
    """Twice the rows and columns, and a residual unit at the new size."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        time: int,
        *,
        span: int,
        refined: bool,
        last: bool,
    ) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose3d(
            channels_in,
            channels_out,
            (span, 3, 3),
            stride=(1, 2, 2),
            padding=(span // 2, 1, 1),
            output_padding=(0, 1, 1),
        )
        self.activate = _Activation()
        self.refine = _refinement(channels_out) if refined else nn.Identity()
        self.unit = _ResidualUnit(channels_out, channels_out, time, activated=not last)

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.unit(self.refine(self.activate(self.enlarge(features))))
        return out


class _Activation(nn.PReLU):
    """Each channel of each clip to mean 0 and variance 1, then PReLU of one weight."""

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type != "cpu":
            normal = F.instance_norm(features, eps=_EPSILON)
            return F.prelu(normal, self.weight.to(normal.dtype))
        # The same by other kernels of torch, which take half of the time there; a whole
        # training step gains about a twentieth (benchmarks/training_step.py).
        normal = F.group_norm(features, features.shape[1], eps=_EPSILON)
        rectify: Any = _LeakyRectifier.apply
        activated: Tensor = rectify(normal, self.weight)
        return activated


class _LeakyRectifier(torch.autograd.Function):
    """PReLU of one weight, from the faster kernels for a slope that is a number."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor) -> Tensor:  # noqa: ANN401
        ctx.save_for_backward(features)
        ctx.slope, ctx.kind = weight.item(), weight.dtype
        return F.leaky_relu(features, ctx.slope)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        (features,) = ctx.saved_tensors
        below = features.clamp(max=0).reshape(-1).to(ctx.kind)
        along = torch.ops.aten.leaky_relu_backward(gradient, features, ctx.slope, False)
        return along, torch.dot(gradient.reshape(-1).to(ctx.kind), below)[None]


class Convolution(nn.Conv3d):
    """A convolution that goes on beyond the border with the outermost samples.

    Parameters
    ----------
    channels_in, channels_out : int
        Channels.
    kernel : (time, rows, columns)
        Its extent, odd.
    step : int
        Rows and columns from one output to the next.
    groups : int
        Into how many groups channels fall.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: tuple[int, int, int],
        *,
        step: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            channels_in, channels_out, kernel, (1, step, step), groups=groups
        )
        self._border = [
            side for extent in reversed(kernel) for side in (extent // 2,) * 2
        ]

    def forward(self, features: Tensor) -> Tensor:
        """Map features to as many frames."""
        kind = features.device.type
        if kind != "cpu" or not torch.is_autocast_enabled(kind):
            return super().forward(replicate(features, self._border))
        with torch.autocast(kind, enabled=not self._fails_in_16_bit(features.shape)):
            if not torch.is_autocast_enabled(kind):
                features = features.float()
            return super().forward(replicate(features, self._border))

    def _fails_in_16_bit(self, shape: torch.Size) -> bool:
        """Whether torch on the CPU cannot be trusted with a convolution in bfloat16.

        oneDNN 3.12 writes past its buffers on the way back, on processors with AMX,
        where rows are long and frames few; the limits were found by trial, with room
        to spare. And it computes nonsense for one column that comes of a step of two.
        """
        frames, step = shape[2], self.stride[-1]
        columns = -(-shape[-1] // step)
        long = columns > _LONG_ROW and columns > _COLUMNS_PER_FRAME * frames
        return frames < 2 or long or columns < step


def _refinement(channels: int) -> Convolution:
    """Smooth each channel by itself, which at first changes nothing."""
    refine = Convolution(channels, channels, (1, 3, 3), groups=channels)
    nn.init.dirac_(refine.weight, groups=channels)
    if refine.bias is not None:
        nn.init.zeros_(refine.bias)
    return refine


def replicate(features: Tensor, border: tuple[int, ...] | list[int]) -> Tensor:
    """Repeat the outermost samples: (left, right, top, bottom, before, after)."""
    if not any(border):
        return features
    # Autocast would make it float32 on the CPU, only to be rounded again.
    with torch.autocast(features.device.type, enabled=False):
        return F.pad(features, tuple(border), mode="replicate")


def at_quarters(frames: Tensor) -> Tensor:
    """Interpolate T frames at 1/4 and 3/4 of each interval between them: 2 (T - 1).

    It is the trilinear interpolation to 2 T frames without its first and last frame,
    where only the size of time changes.

    Examples
    --------
    >>> at_quarters(torch.tensor([0.0, 4.0, 8.0]).reshape(1, 1, 3, 1, 1)).flatten()
    tensor([1., 3., 5., 7.])
    """
    before, after = frames[:, :, :-1], frames[:, :, 1:]
    pairs = [torch.lerp(before, after, part) for part in (0.25, 0.75)]
    return torch.stack(pairs, dim=3).flatten(2, 3)


def _per_clip(numbers: Tensor, like: Tensor) -> Tensor:
    """Give one number a clip the axes of the clips."""
    return numbers.to(like.dtype).reshape(-1, *[1] * (like.ndim - 1))
