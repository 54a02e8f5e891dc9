"""Colour Doppler on the grid of a network or a metric, as the paper's code has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import Clip, PlanarGeometry, Recording, Sector
from cardium.geometry import inside, sampling_table
from cardium.protocols._image_tables import TABLES, Axis
from cardium.protocols._images import read_clip, sector_of

_CHANNELS = 3
_MEASURED = ("colour_velocity", "colour_power")


class _Source(NamedTuple):
    """The rectangle that a fan covers of a target; its axes, if they are apart."""

    box: NDArray[np.int64]
    rows: Axis | None = None
    columns: Axis | None = None


def flow_on(
    recording: Recording, wanted: NDArray[np.intp], target: PlanarGeometry
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Read Doppler frames and interpolate them.

    Parameters
    ----------
    recording : Recording
        Its velocity and power lie on fans, and have as many frames.
    wanted : (N,) int
        Frames that follow one another: each once, or each twice.
    target : Sector or PlaneGrid
        Where they are wanted.

    Returns
    -------
    flow : (3, N, rows, columns) float32
        Velocity, power and turbulence, in one block of memory. Zero where not valid;
        velocity and power also outside of the box.
    valid : (N, rows, columns) bool
        Where all three are finite.
    box : (rows, columns) bool
        Inside both fans.

    Notes
    -----
    Velocities are interpolated as numbers. Turbulence comes after, from velocities that
    are zero outside of their fan, so it has a rim, of which one sample lies outside.
    """
    from cardium.protocols import _flow_kernels

    span = Clip(int(wanted[0]), int(wanted[-1]) + 1)
    each = len(wanted) // (span.stop - span.start)
    fans = [sector_of(recording[name], recording.entry.id) for name in _MEASURED]
    boxes = [_source(fan, target).box for fan in fans]
    flow = np.zeros((_CHANNELS, len(wanted), *target.shape), np.float32)
    finite = True
    for channel, (name, fan) in enumerate(zip(_MEASURED, fans, strict=True)):
        measured = np.ascontiguousarray(read_clip(recording[name], span), np.float32)
        finite &= math.isfinite(float(measured.sum()))
        _sample(measured, fan, target, each, flow[channel])
    _flow_kernels.clip_to_unit(flow[1], boxes[1], each)
    _flow_kernels.spread_of(flow[0], boxes[0], each, flow[2])
    within = [np.asarray(inside(fan, target)) for fan in fans]
    box: NDArray[np.bool_] = within[0] & within[1]
    if fans[0] != fans[1]:
        flow[:2] *= box
    if each > 1:
        _repeat(flow, boxes[0])
    valid = np.ones(flow.shape[1:], np.bool_)
    if not finite:
        valid = np.asarray(np.isfinite(flow).all(axis=0))
        flow[:, ~valid] = 0
    return flow, valid, box


def weight_of(
    grey: NDArray[np.float32],
    power: NDArray[Any],
    counts: NDArray[np.bool_],
    max_grey: float,
    min_power: float,
    little: float,
) -> NDArray[np.float32]:
    """Weigh velocities: those of blood that is seen count as 1, others a little.

    Parameters
    ----------
    grey : (T, H, W) float32 [0..1]
        B-mode frames, stretched over their clip.
    power : (2 (T - 1), H, W) [0..1]
        Doppler power.
    counts : (2 (T - 1), H, W) bool
        Where there is a weight at all.
    max_grey, min_power : float
        Blood is seen where the mean of the two frames around is below the one, and the
        power above the other.
    little : float
        The weight of other velocities.

    Returns
    -------
    (2 (T - 1), H, W) float32
        1, `little` or 0.

    Examples
    --------
    >>> grey = np.array([[[0.1, 0.5]], [[0.3, 0.7]]], np.float32)
    >>> power = np.array([[[0.9, 0.9]], [[0.2, 0.9]]])
    >>> weight_of(grey, power, np.ones((2, 1, 2), bool), 0.4, 0.3, 0.25).tolist()
    [[[1.0, 0.25]], [[0.25, 0.25]]]
    """
    from cardium.protocols import _flow_kernels

    out = np.empty(counts.shape, np.float32)
    weigh: Any = _flow_kernels.weigh
    weigh(
        grey.reshape(len(grey), -1),
        np.ascontiguousarray(power, np.float32).reshape(len(power), -1),
        counts.reshape(len(counts), -1),
        *map(np.float32, (max_grey, min_power, little)),
        out.reshape(len(out), -1),
    )
    return out


def stacked(channels: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return channels as one array; without a copy, if they are the parts of one.

    Examples
    --------
    >>> block = np.zeros((3, 2, 4), np.float32)
    >>> stacked(list(block)) is block, stacked(list(block[:, 1:])).shape
    (True, (3, 1, 4))
    """
    whole = channels[0].base
    if not isinstance(whole, np.ndarray) or whole.dtype != np.float32:
        return np.stack(channels).astype(np.float32, copy=False)
    parts = list(whole) if whole.shape == (len(channels), *channels[0].shape) else []
    places = [part.__array_interface__ for part in parts]
    if places == [channel.__array_interface__ for channel in channels]:
        return whole
    return np.stack(channels).astype(np.float32, copy=False)


def _sample(
    frames: NDArray[np.float32],
    fan: Sector,
    target: PlanarGeometry,
    each: int,
    out: NDArray[np.float32],
) -> None:
    """Interpolate frames (T, R, A) to every each-th frame of a target."""
    from cardium.protocols import _flow_kernels

    source = _source(fan, target)
    if source.rows is not None and source.columns is not None:
        place: Any = _flow_kernels.place_beams
        corner = int(source.box[0]), int(source.box[2])
        place(frames, source.rows, source.columns, corner, each, out)
        return
    table = sampling_table(fan, target)
    place = _flow_kernels.place_samples
    place(
        frames.reshape(len(frames), -1),
        fan.shape[1],
        table.corner.view(np.uint32),
        table.single_weights,
        table.runs,
        each,
        out.reshape(len(out), -1),
    )


def _repeat(flow: NDArray[np.float32], box: NDArray[np.int64]) -> None:
    """Copy the even frames to the odd ones, in a rectangle and its rim."""
    top, bottom, left, right = box.tolist()
    rows, columns = (
        slice(max(first - 1, 0), stop + 1)
        for first, stop in ((top, bottom), (left, right))
    )
    flow[:, 1::2, rows, columns] = flow[:, ::2, rows, columns]


@lru_cache(maxsize=TABLES)
def _source(fan: Sector, target: PlanarGeometry) -> _Source:
    """Find the rectangle that a fan covers of a target.

    Between fans of one apex rows and columns are apart: a beam is interpolated from two
    beams, and a range from two ranges.
    """
    table = sampling_table(fan, target)
    if not len(table.pixel):
        return _Source(np.zeros(4, np.int64))
    row, column = np.divmod(table.pixel.astype(np.int64), target.shape[1])
    box = np.array([row.min(), row.max() + 1, column.min(), column.max() + 1])
    one_apex = isinstance(target, Sector) and fan.apex_offset == target.apex_offset
    if not one_apex:
        return _Source(box)
    size = box[1] - box[0], box[3] - box[2]
    above, left = np.divmod(table.corner.reshape(size), fan.shape[1])
    down, across = (weight.reshape(size) for weight in table.single_weights)
    return _Source(box, _axis(above[:, 0], down[:, 0]), _axis(left[0], across[0]))


def _axis(low: NDArray[np.int32], share: NDArray[np.float32]) -> Axis:
    """Return the two neighbours along an axis, and the share of the second."""
    first = low.astype(np.uint32)
    return first, first + np.uint32(1), np.ascontiguousarray(share)
