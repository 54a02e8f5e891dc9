"""What an image shows at a time: grey levels, velocities on top, label maps on both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    Geometry,
    PlanarGeometry,
    PlaneGrid,
    SlicePlane,
    Stream,
)
from cardium.plot._film.canvas import Picture
from cardium.plot._film.frames import Frames
from cardium.plot.style import (
    colour_of,
    power_table,
    rgb_of,
    velocity_scale,
    velocity_table,
)

Target = PlanarGeometry | SlicePlane

_BLOOD, _WALL = 18.0, 38.0  # grey; blood is darker than the first, tissue over the last
_PATCH = 11  # px; speckle is averaged over so many before it is called tissue
_LEAST_POWER, _POWER_OVER_GREY, _BRIGHTEST = 0.3, 0.12, 230.0
_STILL = np.float32(0.03)  # of the scale; slower flow is not shown
_SAMPLED = 8  # frames that a scale is chosen from where no limit is stated
_BODY, _BORDER = 0.18, 0.9


class GreyLayer:
    """Grey levels on the pixels of a picture.

    Parameters
    ----------
    frames : Frames
        B-mode, planar or a volume.
    target : Sector, PlaneGrid or SlicePlane
        Where the picture's pixels lie.
    """

    def __init__(self, frames: Frames, target: Target) -> None:
        self.frames, self._target = frames, target
        self._shown: tuple[int, Picture] | None = None

    def at(self, time: float) -> Picture:
        """Return the grey levels of the frame nearest to a time [s]."""
        from cardium.geometry.scan import resample

        index = self.frames.index(time)
        if self._shown is None or self._shown[0] != index:
            frame = as_grey(self.frames[index], self.frames.stream)
            grey = resample(frame, _place(self.frames.stream), self._target)
            self._shown = index, np.asarray(grey, np.uint8)
        return self._shown[1]

    def paint(self, image: Picture, time: float) -> None:
        """Write the frame nearest to a time on an image, in place."""
        from cardium.plot._film.kernels import spread_grey

        spread_grey(self.at(time), image)


class VelocityLayer:
    """Velocities in colour, where there is tissue or flow.

    Parameters
    ----------
    frames : Frames
        Tissue or colour Doppler [m/s], or a power (0..1) shown alone.
    target : Sector or PlaneGrid
        Where the picture's pixels lie.
    grey : GreyLayer, optional
        What lies below: tissue velocities are shown on tissue, and flow where the
        echo is weaker than its power.
    power : Frames, optional
        Power of the flow, 0..1.

    Notes
    -----
    Only the rectangle that the colour box needs is computed. Folded velocities are
    interpolated as phasors, so that no band of zero lies along a fold.
    """

    def __init__(
        self,
        frames: Frames,
        target: PlanarGeometry,
        *,
        grey: GreyLayer | None = None,
        power: Frames | None = None,
    ) -> None:
        self.frames, self._grey, self._power = frames, grey, power
        self.scale = scale_of(frames)
        self._box, self._target = _crop(_place(frames.stream), target)
        self._shown: tuple[int, NDArray[np.float32]] | None = None
        self.table = power_table() if self.is_power else velocity_table()

    @property
    def is_power(self) -> bool:
        """Whether this is a power rather than a velocity."""
        return self.frames.stream.unit != "m/s"

    @property
    def is_tissue(self) -> bool:
        """Whether what moves is tissue rather than blood."""
        return "tissue" in self.frames.stream.name

    def paint(self, image: Picture, time: float) -> None:
        """Blend the frame nearest to a time into an image, in place."""
        from cardium.plot._film.kernels import paint_velocity

        velocity = self.at(time)
        weight = self._weight(velocity, time)
        part = image[self._box]
        paint_velocity(velocity, weight, np.float32(self.scale), self.table, part)

    def at(self, time: float) -> NDArray[np.float32]:
        """Return the velocities of the frame nearest to a time, in the box [m/s]."""
        from cardium.geometry.scan import resample, resample_velocity

        index, stream = self.frames.index(time), self.frames.stream
        if self._shown is None or self._shown[0] != index:
            frame = np.asarray(self.frames[index], np.float32)
            place, limit = _place(stream), stream.velocity_limit
            if limit is not None and not self.is_power:
                shown = resample_velocity(
                    frame, place, self._target, velocity_limit=limit
                )
            else:
                shown = resample(frame, place, self._target, outside=np.nan)
            self._shown = index, np.asarray(shown, np.float32)
        return self._shown[1]

    def _weight(
        self, velocity: NDArray[np.float32], time: float
    ) -> NDArray[np.float32]:
        """Say how much of each pixel is colour: tissue by grey, flow by power."""
        there = np.isfinite(velocity)
        grey = None if self._grey is None else self._grey.at(time)[self._box]
        if self._power is not None:
            power = self._power_at(time)
            there &= power > _LEAST_POWER
            if grey is not None:
                over = power - grey * np.float32(1 / 255) > _POWER_OVER_GREY
                there &= over & (grey < _BRIGHTEST)
        elif self.is_tissue and grey is not None:
            speed = np.abs(np.where(there, velocity, 0)) * np.float32(3 / self.scale)
            share = np.float32(0.25) + np.float32(0.6) * np.minimum(speed, 1)
            weight = there * share * self._tissue_share(grey)
            return np.asarray(weight, np.float32)
        if self.is_power:
            return np.asarray(there * np.float32(0.9))
        # As a wall filter does: what hardly moves leaves the image as it is.
        speed = np.abs(np.where(there, velocity, 0)) * np.float32(1 / self.scale)
        shown = np.clip((speed - _STILL) * np.float32(1 / _STILL), 0, 1)
        return np.asarray(shown * np.float32(0.9))

    def _tissue_share(self, grey: Picture) -> NDArray[np.float32]:
        """Say how sure it is that there is tissue, 0..1, by the mean of the speckle."""
        from scipy.ndimage import uniform_filter

        mean = uniform_filter(grey.astype(np.float32), _PATCH)
        return np.asarray(np.clip((mean - _BLOOD) / (_WALL - _BLOOD), 0, 1))

    def _power_at(self, time: float) -> NDArray[np.float32]:
        """Return the power of the flow in the box."""
        from cardium.geometry.scan import resample

        if self._power is None:
            return np.ones(self._target.shape, np.float32)
        frame = np.asarray(self._power[self._power.index(time)], np.float32)
        power = resample(frame, _place(self._power.stream), self._target)
        return np.asarray(power, np.float32)


class LabelLayer:
    """Structures tinted in their colours, with their borders.

    Parameters
    ----------
    frames : Frames
        A label map.
    target : Sector or PlaneGrid
        Where the picture's pixels lie.
    """

    def __init__(self, frames: Frames, target: PlanarGeometry) -> None:
        self._frames, self._target = frames, target
        names = frames.stream.coords.get("label", STRUCTURES)
        named = [*names, *[""] * (256 - len(names))]
        self._colours = np.array(
            [rgb_of(colour_of(name, code)) for code, name in enumerate(named[:256])],
            np.uint8,
        )

    def paint(self, image: Picture, time: float) -> None:
        """Tint the structures of the frame nearest to a time, in place."""
        from cardium.geometry.scan import resample_labels
        from cardium.plot._film.kernels import tint_labels

        frame = np.asarray(self._frames[self._frames.index(time)], np.uint8)
        place = _place(self._frames.stream)
        codes = np.asarray(resample_labels(frame, place, self._target))
        tint_labels(codes, self._colours, _BODY, _BORDER, image)


@dataclass(frozen=True, slots=True)
class Stencil:
    """What is drawn once and laid over every frame: the pixels that it changes.

    Parameters
    ----------
    pixel : (n,) int
        Their places in the flat image.
    colour : (n, 3) [0..255]
        What is added there.
    kept : (n, 3) [0..1]
        How much of the image is kept there.
    """

    pixel: NDArray[np.intp]
    colour: NDArray[np.float32]
    kept: NDArray[np.float32]

    @classmethod
    def cut(cls, on_black: Picture, on_white: Picture) -> Stencil:
        """Take what was drawn alike on a black and on a white image."""
        changed = (on_black != 0).any(axis=-1) | (on_white != 255).any(axis=-1)
        pixel = np.flatnonzero(changed)
        black = on_black.reshape(-1, 3)[pixel].astype(np.float32)
        white = on_white.reshape(-1, 3)[pixel].astype(np.float32)
        return cls(pixel, black, (white - black) / np.float32(255))

    def paint(self, image: Picture) -> None:
        """Lay it over an image, in place."""
        row, column = np.divmod(self.pixel, image.shape[1])
        under = image[row, column]
        image[row, column] = np.round(self.colour + self.kept * under)


def as_grey(frame: NDArray[Any], stream: Stream) -> NDArray[Any]:
    """Return a frame in grey levels 0..255: bytes as they are, others rounded."""
    if frame.dtype == np.uint8:
        return frame
    factor = 1.0 if stream.unit == "grey" else 255.0
    levels = np.nan_to_num(np.asarray(frame, np.float32)) * factor
    return np.asarray(np.round(np.clip(levels, 0, 255)), np.uint8)


def scale_of(frames: Frames) -> float:
    """Return the speed at the ends of a colour bar [m/s]; 1 for a power.

    It is the Nyquist limit, or, where none is stated, what a few frames need.
    """
    stream = frames.stream
    if stream.unit != "m/s":
        return 1.0
    if stream.velocity_limit is not None:
        return stream.velocity_limit
    chosen = np.linspace(0, len(stream.time) - 1, _SAMPLED).astype(int)
    some = [np.asarray(frames[k], np.float32) for k in np.unique(chosen).tolist()]
    return velocity_scale(np.stack(some), None)


def _place(stream: Stream) -> Any:  # noqa: ANN401 - any geometry that resample takes
    """Return where the samples of a stream lie."""
    return stream.geometry


def _crop(
    source: Geometry, target: PlanarGeometry
) -> tuple[tuple[slice, slice], PlanarGeometry]:
    """Return the part of a target that a source reaches, as slices and geometry."""
    from cardium.geometry.scan import inside

    mask = inside(source, target)
    spans = []
    for axis, count in enumerate(target.shape):
        hit = np.flatnonzero(mask.any(axis=1 - axis))
        first, last = (int(hit[0]), int(hit[-1])) if hit.size else (0, 1)
        first = min(first, count - 2)
        spans.append((first, max(last, first + 1)))
    (r0, r1), (c0, c1) = spans
    box = slice(r0, r1 + 1), slice(c0, c1 + 1)
    shape = r1 - r0 + 1, c1 - c0 + 1
    if isinstance(target, PlaneGrid):
        x, z = target.xs[[c0, c1]], target.zs[[r0, r1]]
        part = PlaneGrid((x[0], x[1]), (z[0], z[1]), shape)
        return box, part
    depth, angle = target.depths[[r0, r1]], target.angles[[c0, c1]]
    return box, replace(
        target, depth=(depth[0], depth[1]), angle=(angle[0], angle[1]), shape=shape
    )
