"""Contours of the left ventricle: which frame they belong to, and what they enclose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, PlanarGeometry, Stream
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.signal.clock import nearest
from cardium.tasks.lv_segmentation import match_frames

_DIMS = ("time", "layer", "point", "xz")
_FARTHEST = 1.0  # metres; no heart lies there, and drawing would take for ever


def load_contours(stream: Stream, recording: str) -> FloatArray:
    """Read the layers of a wall in all frames that they were drawn in.

    Parameters
    ----------
    stream : Stream
        ``lv_contour``.
    recording : str
        Whose it is, for the message.

    Returns
    -------
    (N, layer, point, 2) [m]
        x and z, NaN where nothing was drawn.

    Raises
    ------
    NotProvidedError
        If there are no frames, or not the layers of a wall.
    DataCorruptError
        If a point is a metre away.
    """
    if stream.dims != _DIMS or not len(stream.time) or stream.shape[1] < 2:
        raise NotProvidedError(
            f"Recording '{recording}': '{stream.name}' has the axes {stream.dims} of "
            f"size {stream.shape}, and the protocol needs {_DIMS} with a frame and two "
            "layers at least."
        )
    contours = stream.load().astype(np.float64)
    farthest = float(np.max(np.abs(contours), where=np.isfinite(contours), initial=0.0))
    if farthest > _FARTHEST:
        raise DataCorruptError(
            f"Recording '{recording}': '{stream.name}' has a point at {farthest:g} m, "
            f"more than {_FARTHEST:g} m away. Is it in millimetres?"
        )
    return contours


def is_drawn(contours: FloatArray) -> NDArray[np.bool_]:
    """Say which frames have two points that are finite in all layers.

    Parameters
    ----------
    contours : (N, layer, point, 2)
        As `load_contours` reads them.

    Returns
    -------
    (N,) bool
        Frames with fewer hold nothing.
    """
    finite = np.isfinite(contours).all(axis=(1, 3))
    return np.asarray(finite.sum(axis=1) >= 2)


def map_by_phase(
    frames: FloatArray, annotated: FloatArray, qrs: FloatArray
) -> NDArray[np.intp]:
    """Give every frame a contour: the one as far along its clock as the beat has gone.

    Parameters
    ----------
    frames : (T,) [s]
        Times of the frames.
    annotated : (N,) [s]
        Times of the contours, ascending.
    qrs : (K,) [s]
        Times of the QRS complexes, ascending.

    Returns
    -------
    (T,) int
        Index of the contour, the earlier of two. Before the first QRS it is the first
        contour and after the last QRS the last one; with fewer than two QRS it is the
        nearest in time.

    Notes
    -----
    The whole clock of the contours is stretched over one beat, as in the paper's code,
    also where it spans more or less than that.

    Examples
    --------
    >>> contours, qrs = np.array([2.0, 2.1, 2.2, 2.3, 2.4]), np.array([1.0, 2.0, 4.0])
    >>> map_by_phase(np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 9.0]), contours, qrs)
    array([0, 0, 2, 0, 1, 2, 4])
    """
    if len(qrs) < 2:
        return nearest(annotated, frames)
    beat = np.clip(np.searchsorted(qrs, frames, side="right") - 1, 0, len(qrs) - 2)
    phase = np.clip((frames - qrs[beat]) / (qrs[beat + 1] - qrs[beat]), 0.0, 1.0)
    first, last = annotated[0], annotated[-1]
    return nearest(annotated, first + phase * (last - first))


def map_by_time(frames: FloatArray, annotated: FloatArray) -> NDArray[np.intp]:
    """Give each frame the contour that was drawn on it.

    Parameters
    ----------
    frames : (T,) [s]
        Times of the frames, ascending.
    annotated : (N,) [s]
        Times of the contours.

    Returns
    -------
    (T,) int
        Index of the nearest contour within half a frame; -1 where there is none.

    Examples
    --------
    >>> map_by_time(np.arange(4.0), np.array([0.9, 1.2, 2.6]))
    array([-1,  0, -1,  2])
    """
    found = np.full(len(frames), -1, np.intp)
    for frame, contour in match_frames(annotated, frames):
        found[frame] = contour
    return found


def draw_walls(
    contours: FloatArray, geometry: PlanarGeometry, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw cavity and wall as the paper's code does, on a grid of any size.

    Parameters
    ----------
    contours : (T, layer, point, 2) [m]
        x and z of the layers, the endocardium first; NaN where nothing was drawn.
    geometry : Sector or PlaneGrid
        What the grid fills; points are placed among its own samples first.
    shape : (H, W)
        Rows and columns of the grid.

    Returns
    -------
    cavity, wall : (T, H, W) uint8
        1 inside, 0 elsewhere; no sample is in both.

    Examples
    --------
    A wall 3 mm thick on the left of a cavity:

    >>> from cardium.core import PlaneGrid
    >>> plane = PlaneGrid(x=(0.0, 0.008), z=(0.0, 0.005), shape=(6, 9))
    >>> inner, outer = [(4e-3, 1e-3), (4e-3, 4e-3)], [(1e-3, 1e-3), (1e-3, 4e-3)]
    >>> cavity, wall = draw_walls(np.array([[inner, outer]]), plane, (6, 9))
    >>> cavity[0] + 2 * wall[0]
    array([[0, 0, 0, 0, 0, 0, 0, 0, 0],
           [0, 2, 2, 2, 1, 0, 0, 0, 0],
           [0, 2, 2, 2, 1, 0, 0, 0, 0],
           [0, 2, 2, 2, 1, 0, 0, 0, 0],
           [0, 2, 2, 2, 1, 0, 0, 0, 0],
           [0, 0, 0, 0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    from cardium.protocols import _contour_kernels

    cavity, wall = (np.zeros((len(contours), *shape), np.uint8) for _ in range(2))
    steps = [
        (want - 1) / (have - 1)
        for want, have in zip(shape, geometry.shape, strict=True)
    ]
    index = geometry.index_of(contours[..., 0], contours[..., 1])
    places = np.stack([i * step for i, step in zip(index, steps, strict=True)], axis=-1)
    draw: Any = _contour_kernels.draw_walls
    draw(places, cavity, wall)
    return cavity, wall
