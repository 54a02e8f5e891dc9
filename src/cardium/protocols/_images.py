"""Clips at the size of a network, and answers back on a plane, as in the paper's code.

Two pixel conventions meet here, as in that code: maps between geometries put the first
and the last sample on the ends of an axis; resizes of images put the edges of the outer
pixels there, as PyTorch does by default.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Clip,
    FloatArray,
    PlanarGeometry,
    PlaneGrid,
    Sector,
    Stream,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.geometry import plane_around, resample
from cardium.protocols._image_tables import (
    TABLES,
    conversion,
    pick_table,
    reshaped,
    resize_axes,
    ringed_table,
)

PUBLISHED_ROWS = 256
"""Rows of the plane on which the paper's metrics are taken."""

DOMAINS = ("beamspace", "cartesian")


def check_domain(domain: str) -> None:
    """Refuse a domain that is neither of the two."""
    if domain not in DOMAINS:
        raise InvalidArgumentError(
            f"Protocol: domain must be one of {', '.join(DOMAINS)}, got '{domain}'."
        )


def frame_rate(time: FloatArray) -> float:
    """Return frames a second as the paper counts them: by the mean positive step.

    Parameters
    ----------
    time : (T,) [s]
        A clock.

    Returns
    -------
    float [1/s]
        NaN if no step is positive.

    Examples
    --------
    >>> round(frame_rate(np.array([0.0, 0.02, 0.06])), 6)
    33.333333
    """
    step = np.diff(time)
    step = step[step > 0]
    return float(1 / step.mean()) if len(step) else math.nan


def sector_of(stream: Stream, recording: str) -> Sector:
    """Return the fan of a stream.

    Raises
    ------
    NotProvidedError
        If it does not lie on one.
    """
    if isinstance(stream.geometry, Sector):
        return stream.geometry
    raise NotProvidedError(
        f"Recording '{recording}': '{stream.name}' lies on "
        f"{type(stream.geometry).__name__}, and the protocol needs a Sector."
    )


def read_clip(stream: Stream, clip: Clip) -> NDArray[Any]:
    """Read the frames of a clip, and no others.

    Parameters
    ----------
    stream : Stream
        A film.
    clip : Clip
        Which of its frames.

    Returns
    -------
    (T, ...)
        Its values.
    """
    return np.asarray(stream.values[clip.start : clip.stop])


def resize(
    frames: NDArray[Any], shape: tuple[int, int], *, factor: float = 1.0
) -> NDArray[np.float32]:
    """Resize frames bilinearly by the edges of their pixels, without a low-pass.

    Parameters
    ----------
    frames : (T, R, A)
        uint8 or float32.
    shape : (H, W)
        Rows and columns wanted.
    factor : float
        What the values are multiplied with.

    Returns
    -------
    (T, H, W) float32
        As PyTorch's ``interpolate(mode="bilinear", align_corners=False)``.

    Examples
    --------
    >>> resize(np.array([[[0, 4], [0, 4]]], np.uint8), (1, 4))
    array([[[0., 1., 3., 4.]]], dtype=float32)
    """
    from cardium.protocols import _image_kernels

    out = np.empty((len(frames), *shape), np.float32)
    rows, columns = resize_axes(frames.shape[1:], shape)
    values = _compiled(frames)
    _image_kernels.resize_frames(values, rows, columns, np.float32(factor), out)
    return out


def unit_range(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Bring an array to 0..1 by its own least and greatest value; 0 if they are one.

    Parameters
    ----------
    frames : (...)
        Finite values.

    Returns
    -------
    (...) float32
        From 0 to 1.

    Examples
    --------
    >>> unit_range(np.array([2.0, 3.0, 6.0])).tolist()
    [0.0, 0.25, 1.0]
    """
    values = np.ascontiguousarray(frames, np.float32)
    low, high = values.min(), values.max()
    if not high > low:
        return np.zeros_like(values)
    from cardium.protocols import _image_kernels

    out = np.empty(values.shape, np.float32)
    _image_kernels.stretch(values.reshape(-1), low, high - low, out.reshape(-1))
    return out


def unit_range_each(frames: NDArray[Any]) -> NDArray[np.float32]:
    """Bring each frame to 0..1 by itself.

    Parameters
    ----------
    frames : (T, ...)
        Finite values.

    Returns
    -------
    (T, ...) float32
        Each frame from 0 to 1, or 0 where it is constant.

    Examples
    --------
    >>> unit_range_each(np.array([[0.0, 4.0], [5.0, 5.0]])).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    out = np.empty(frames.shape, np.float32)
    for t, frame in enumerate(frames):
        out[t] = unit_range(frame)
    return out


@lru_cache(maxsize=TABLES)
def published_plane(sector: Sector, rows: int = PUBLISHED_ROWS) -> PlaneGrid:
    """Make the plane around a sector as the paper's code does.

    Parameters
    ----------
    sector : Sector
        What it is to hold.
    rows : int
        Number of rows.

    Returns
    -------
    PlaneGrid
        The bounding box of the sector. It has ``round(rows * width / height)`` columns,
        by the number of pixels and not of steps, one less than `plane_around` has.

    Examples
    --------
    >>> half = Sector(depth=(0.0, 0.1), angle=(-np.pi / 2, np.pi / 2), shape=(101, 64))
    >>> published_plane(half, 100).shape
    (100, 200)
    """
    box = plane_around(sector, rows=rows)
    width, height = box.x[1] - box.x[0], box.z[1] - box.z[0]
    return PlaneGrid(box.x, box.z, (rows, max(round(rows * width / height), 2)))


def to_plane(frames: NDArray[Any], sector: Sector, plane: PlaneGrid) -> NDArray[Any]:
    """Convert beams to a plane bilinearly; zero outside.

    Parameters
    ----------
    frames : (T, R, A)
        uint8 or float32.
    sector : Sector
        Where they lie.
    plane : PlaneGrid
        Where they are wanted.

    Returns
    -------
    (T, Z, X)
        Of the type of `frames`; integers are rounded, halves to even.
    """
    if frames.dtype != np.uint8:
        return np.asarray(resample(frames, sector, plane, outside=0))
    from cardium.protocols import _image_kernels

    out = np.zeros((len(frames), math.prod(plane.shape)), np.uint8)
    convert: Any = _image_kernels.convert_frames
    convert(_flat(frames), *conversion(sector, plane), out)
    return out.reshape(-1, *plane.shape)


def model_frames(
    frames: NDArray[Any],
    sector: Sector,
    domain: str,
    size: int,
    *,
    rows: int = PUBLISHED_ROWS,
) -> NDArray[np.float32]:
    """Bring grey frames to the square that the paper's networks see.

    Parameters
    ----------
    frames : (T, R, A) uint8 [grey 0..255]
        Beams.
    sector : Sector
        Where they lie.
    domain : {"beamspace", "cartesian"}
        Resize the beams; or convert them to `published_plane`, to whole grey levels,
        and resize that.
    size : int
        Rows and columns wanted.
    rows : int
        Rows of the plane.

    Returns
    -------
    (T, size, size) float32 [0..1]
        Grey levels by 255; not stretched.
    """
    shape, factor = (size, size), 1 / 255
    if domain == "beamspace":
        return resize(frames, shape, factor=factor)
    plane = published_plane(sector, rows)
    if frames.dtype != np.uint8:
        return resize(to_plane(frames, sector, plane), shape, factor=factor)
    from cardium.protocols import _image_kernels

    out = np.empty((len(frames), *shape), np.float32)
    convert: Any = _image_kernels.convert_and_resize
    convert(
        _flat(frames),
        *conversion(sector, plane),
        *resize_axes(plane.shape, shape),
        np.float32(factor),
        np.zeros(plane.shape, np.uint8),
        out,
    )
    return out


def nearest_frames(
    frames: NDArray[Any],
    source: Sector,
    target: PlanarGeometry,
    *,
    size: int = 0,
) -> NDArray[np.float32]:
    """Take the nearest sample of beams at each place of a target; zero outside.

    Parameters
    ----------
    frames : (T, R, A)
        Beams.
    source : Sector
        Where they lie.
    target : Sector or PlaneGrid
        Where they are wanted. On a tie the sample with the even index is taken.
    size : int
        Rows and columns to which the target is resized, nearest as PyTorch has it;
        0 leaves it as it is.

    Returns
    -------
    (T, rows, columns) float32
        No value comes out that was not in, but zero.
    """
    from cardium.protocols import _image_kernels

    shape = (size, size) if size else target.shape
    out = np.empty((len(frames), math.prod(shape)), np.float32)
    values = _flat(np.asarray(frames, np.float32))
    pick: Any = _image_kernels.pick_runs
    pick(values, *pick_table(source, target, shape), out)
    return out.reshape(-1, *shape)


def sample_on_plane(
    prediction: NDArray[Any], domain: str, sector: Sector, plane: PlaneGrid
) -> NDArray[np.float32]:
    """Bring a prediction of any number of rows and columns to a plane.

    Parameters
    ----------
    prediction : (..., H, W)
        On the sector, in beamspace; on the plane, stretched to it, otherwise.
    domain : {"beamspace", "cartesian"}
        Which of the two.
    sector : Sector
        The fan of the prediction, of any shape.
    plane : PlaneGrid
        Where it is wanted.

    Returns
    -------
    (..., Z, X) float32
        Bilinear, index-centred, with zeros around: within one sample of the rim it
        fades, as PyTorch's ``grid_sample(align_corners=True)`` does.
    """
    source = sector if domain == "beamspace" else plane
    return sample_from(prediction, source, plane)


def sample_from(
    prediction: NDArray[Any], source: PlanarGeometry, plane: PlanarGeometry
) -> NDArray[np.float32]:
    """Bring a prediction that fills a fan or a plane to another.

    Parameters
    ----------
    prediction : (..., H, W)
        Over the whole extent of the source, of any number of rows and columns.
    source : Sector or PlaneGrid
        Where it lies; its own shape does not matter.
    plane : PlaneGrid or Sector
        Where it is wanted.

    Returns
    -------
    (..., Z, X) float32
        As `sample_on_plane` has it.
    """
    from cardium.protocols import _image_kernels

    *leading, rows, columns = prediction.shape
    table = ringed_table(reshaped(source, (rows, columns)), plane)
    ringed = np.zeros((math.prod(leading), rows + 2, columns + 2), np.float32)
    ringed[:, 1:-1, 1:-1] = prediction.reshape(-1, rows, columns)
    out = np.zeros((len(ringed), math.prod(plane.shape)), np.float32)
    blend: Any = _image_kernels.blend_ringed
    blend(_flat(ringed), columns + 2, *table, out)
    return out.reshape(*leading, *plane.shape)


def _compiled(frames: NDArray[Any]) -> NDArray[Any]:
    """Return frames in memory, of a type the kernels are compiled for."""
    dtype = np.uint8 if frames.dtype == np.uint8 else np.float32
    return np.ascontiguousarray(frames, dtype)


def _flat(frames: NDArray[Any]) -> NDArray[Any]:
    """Return frames (T, R, A) as (T, P)."""
    return np.ascontiguousarray(frames).reshape(len(frames), -1)
