"""Low-passing what a coarser target cannot hold, before it is sampled there.

How many source samples a target sample spans, along each source axis and at each
place, says how much must go: where that is 1 or less, nothing. Beams near the apex are
denser than pixels while far ones are not, so the filter changes from sample to sample.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    Geometry,
    PlaneGrid,
    Sector,
    SectorVolume,
    SlicePlane,
    VolumeGrid,
)
from cardium.geometry._sampling import Target, sampling_table

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_REACH = 3.0  # standard deviations after which a Gaussian is cut off
_BLOCK = 2**14  # samples whose neighbours are listed at a time
_LEAST = 0.1  # samples: a Gaussian narrower than this leaves values as they are


@lru_cache(maxsize=2)
def filters_for(source: Geometry, target: Target) -> tuple[csr_array, ...]:
    """Return the filters as sparse matrices (P, P), one an axis that needs any.

    Along each source axis a sample becomes the mean of its neighbours under a Gaussian
    of ``0.5 sqrt(k^2 - 1)`` samples, k being the samples that a target sample spans.
    Axes end in mirrors, so that no value is lost or gained where k is the same along
    the axis. None is needed where k is 1 or less everywhere.
    """
    sampling_table(source, target)  # refuses a plane and a volume
    spans = spanned(source, target)
    sigmas = 0.5 * np.sqrt(np.maximum(spans**2 - 1, 0))
    return tuple(
        _matrix(sigma, axis)
        for axis, sigma in enumerate(sigmas)
        if sigma.max() > _LEAST
    )


def spanned(source: Geometry, target: Target) -> FloatArray:
    """Count the source samples that a target sample spans, (axes, *source.shape).

    A step to the next target sample moves the place in the source's index space by so
    and so much along each axis; over the axes of the target these add as squares.
    """
    points = np.stack(source.points(), axis=-1)
    inverse = np.linalg.inv(_steps(source, points))
    moved = inverse @ _steps(target, points)
    return np.moveaxis(np.sqrt((moved**2).sum(axis=-1)), -1, 0)


def _steps(geometry: Target, points: FloatArray) -> FloatArray:
    """Return the way to the next sample along each axis, (..., dims, axes) [m]."""
    match geometry:
        case PlaneGrid():
            dz, dx = geometry.spacing
            return np.broadcast_to([[0.0, dx], [dz, 0.0]], (*points.shape, 2))
        case Sector():
            depth, angle = geometry.polar_of(points[..., 0], points[..., 1])
            # Beams meet at the apex: there, take them at a millionth of a step.
            dr = geometry.range_spacing
            across = np.maximum(depth + geometry.apex_offset, 1e-6 * dr)
            across = across * geometry.beam_spacing
            sine, cosine = np.sin(angle), np.cos(angle)
            ways = (dr * sine, dr * cosine), (across * cosine, -across * sine)
            return _as_matrix(ways)
        case SlicePlane():
            dz, dx = geometry.grid.spacing
            columns = np.array(geometry.down) * dz, np.array(geometry.right) * dx
            return np.broadcast_to(np.stack(columns, axis=-1), (*points.shape, 2))
        case VolumeGrid():
            return np.broadcast_to(np.array(geometry.steps).T, (*points.shape, 3))
        case SectorVolume():
            return _fan_steps(geometry, points)


def _fan_steps(fan: SectorVolume, points: FloatArray) -> FloatArray:
    """Return the derivatives of a point of a fan with respect to its index."""
    depth, azimuth, elevation = fan.polar_of(*np.moveaxis(points, -1, 0))
    step_e, step_a, step_r = fan.spacing
    depth = np.maximum(depth, 1e-6 * step_r)
    if fan.convention == "spherical":
        sin_a, cos_a = np.sin(azimuth), np.cos(azimuth)
        sin_e, cos_e = np.sin(elevation), np.cos(elevation)
        around, along = depth * step_a, depth * cos_a * step_e
        return _as_matrix((
            (0 * depth, along * cos_e, -along * sin_e),
            (around * cos_a, -around * sin_a * sin_e, -around * sin_a * cos_e),
            (step_r * sin_a, step_r * cos_a * sin_e, step_r * cos_a * cos_e),
        ))  # fmt: skip
    u, v = np.tan(azimuth), np.tan(elevation)
    s = np.sqrt(1 + u**2 + v**2)
    right, up = depth * step_a * (1 + u**2) / s**3, depth * step_e * (1 + v**2) / s**3
    return _as_matrix((
        (-up * u * v, up * (1 + u**2), -up * v),
        (right * (1 + v**2), -right * u * v, -right * u),
        (step_r * u / s, step_r * v / s, step_r / s),
    ))  # fmt: skip


def _as_matrix(ways: tuple[tuple[FloatArray, ...], ...]) -> FloatArray:
    """Stack ways, one an axis, as the columns of matrices."""
    return np.stack([np.stack(way, axis=-1) for way in ways], axis=-1)


def _matrix(sigma: FloatArray, axis: int) -> csr_array:
    """Make the matrix that blurs each sample along an axis by its own sigma."""
    from scipy.sparse import csr_array

    count, stride = sigma.shape[axis], math.prod(sigma.shape[axis + 1 :])
    width = np.minimum(sigma.ravel(), count / _REACH)
    reach = np.where(width > _LEAST, np.ceil(_REACH * width), 0).astype(np.int64)
    width = np.maximum(width, _LEAST)
    starts = range(0, sigma.size, _BLOCK)
    parts = [
        _taps(start, width[start:][:_BLOCK], reach[start:][:_BLOCK], count, stride)
        for start in starts
    ]
    share, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    rows = np.concatenate([[0], np.cumsum(2 * reach + 1)])
    return csr_array((share, column, rows), (sigma.size, sigma.size))


def _taps(
    first: int, width: FloatArray, reach: NDArray[np.int64], count: int, stride: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the shares and flat indices of the neighbours of a block of samples."""
    sizes = 2 * reach + 1
    starts = np.cumsum(sizes) - sizes
    sample = np.repeat(np.arange(len(width)), sizes)
    offset = np.arange(len(sample)) - (starts + reach)[sample]
    share = np.exp(-0.5 * (offset / width[sample]) ** 2)
    share /= np.add.reduceat(share, starts)[sample]
    sample += first
    own = sample // stride % count
    # Half-sample mirrors at both ends: c b a | a b c | c b a.
    place = (own + offset) % (2 * count)
    place = np.where(place < count, place, 2 * count - 1 - place)
    column = sample + (place - own) * stride
    return share.astype(np.float32), column.astype(np.int32)
