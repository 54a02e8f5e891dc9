"""Contours in metres: the samples they hold, the label map they mean, their area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cardium.core import STRUCTURES, UNLABELLED, FloatArray, PlanarGeometry, Sector
from cardium.errors import InvalidArgumentError


def contour_mask(contour: FloatArray, geometry: PlanarGeometry) -> NDArray[np.bool_]:
    """Say which samples of a geometry lie inside a closed contour.

    Parameters
    ----------
    contour : (N, 2) [m]
        Vertices (x, z) in order; the last is joined to the first. Vertices that are
        not finite are dropped.
    geometry : Sector or PlaneGrid
        The samples asked about.

    Returns
    -------
    (R, A) or (Z, X) bool
        True where the place of a sample is inside by the even-odd rule; False
        everywhere if fewer than three vertices are left.

    Raises
    ------
    InvalidArgumentError
        If the contour is not (N, 2).

    Notes
    -----
    Exact for straight edges in metres, in beamspace too, where they are curves: along
    each row of a plane, and along each beam of a sector, the places where the edges
    cross the line are computed in metres and the samples between them are filled. No
    edge is subdivided, and neither the apex nor an angle of pi is special. The rule is
    half-open, a crossing belongs to the samples behind it, so contours that share an
    edge share no sample and leave none out.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> plane = PlaneGrid(x=(0.0, 0.04), z=(0.0, 0.03), shape=(4, 5))
    >>> triangle = np.array([(0.005, 0.005), (0.035, 0.005), (0.035, 0.025)])
    >>> contour_mask(triangle, plane).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 0, 1, 1, 0],
           [0, 0, 0, 1, 0],
           [0, 0, 0, 0, 0]])
    """
    vertices = _finite_vertices(contour)
    if isinstance(geometry, Sector):
        # Along a beam: the signed distance from the apex. Across: from the beam.
        sine, cosine = (
            np.sin(geometry.angles)[:, None],
            np.cos(geometry.angles)[:, None],
        )
        along = vertices[:, 0] * sine + vertices[:, 1] * cosine
        across = vertices[:, 0] * cosine - vertices[:, 1] * sine
        return _fill(along, across, geometry.depth, geometry.shape[0]).T
    along = np.broadcast_to(vertices[:, 0], (geometry.shape[0], len(vertices)))
    across = vertices[:, 1] - geometry.zs[:, None]
    return _fill(along, across, geometry.x, geometry.shape[1])


def lv_label_map(
    endocardium: FloatArray, epicardium: FloatArray, geometry: PlanarGeometry
) -> NDArray[np.uint8]:
    """Draw the label map that two contours of the left ventricle mean.

    Parameters
    ----------
    endocardium : (N, 2) [m]
        Inner border (x, z), open, from one side of the mitral annulus round the apex
        to the other. Vertices that are not finite are dropped.
    epicardium : (M, 2) [m]
        Outer border, in the same direction.
    geometry : Sector or PlaneGrid
        The samples of the map.

    Returns
    -------
    (R, A) or (Z, X) uint8
        Codes of `cardium.core.STRUCTURES`: ``lv_cavity`` inside the endocardium,
        closed straight across the valve; ``myocardium`` between the borders, never
        across the valve; ``background`` elsewhere. `UNLABELLED` everywhere if either
        contour has fewer than three vertices: such a frame was not labelled.

    Raises
    ------
    InvalidArgumentError
        If a contour is not (N, 2).

    Notes
    -----
    The myocardium is the strip bounded by the endocardium and the reversed epicardium,
    less the cavity.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> plane = PlaneGrid(x=(0.0, 0.06), z=(0.0, 0.04), shape=(5, 7))
    >>> inner = [(0.015, 0.035), (0.015, 0.015), (0.045, 0.015), (0.045, 0.035)]
    >>> outer = [(0.005, 0.035), (0.005, 0.005), (0.055, 0.005), (0.055, 0.035)]
    >>> lv_label_map(np.array(inner), np.array(outer), plane)
    array([[0, 0, 0, 0, 0, 0, 0],
           [0, 2, 2, 2, 2, 2, 0],
           [0, 2, 1, 1, 1, 2, 0],
           [0, 2, 1, 1, 1, 2, 0],
           [0, 0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    inner, outer = _finite_vertices(endocardium), _finite_vertices(epicardium)
    if min(len(inner), len(outer)) < 3:
        return np.full(geometry.shape, UNLABELLED, np.uint8)
    strip = np.concatenate([inner, outer[::-1]])
    labels = np.zeros(geometry.shape, np.uint8)
    labels[contour_mask(strip, geometry)] = STRUCTURES.index("myocardium")
    labels[contour_mask(inner, geometry)] = STRUCTURES.index("lv_cavity")
    return labels


def polygon_area(contour: FloatArray) -> float:
    """Return the area inside a closed contour that does not cross itself.

    Parameters
    ----------
    contour : (N, 2) [m]
        Vertices (x, z) in order, either way round; the last is joined to the first.
        Vertices that are not finite are dropped.

    Returns
    -------
    float [m^2]
        Never negative; zero if fewer than three vertices are left.

    Raises
    ------
    InvalidArgumentError
        If the contour is not (N, 2).

    Notes
    -----
    The shoelace formula, about the first vertex, which keeps its rounding small for a
    small contour far from the origin.

    Examples
    --------
    >>> polygon_area(np.array([(0.0, 0.0), (4.0, 0.0), (4.0, 3.0)]))
    6.0
    """
    vertices = _finite_vertices(contour)
    if len(vertices) < 3:
        return 0.0
    x, z = (vertices - vertices[0]).T
    return float(abs(np.sum(x * np.roll(z, -1) - np.roll(x, -1) * z)) / 2)


def _finite_vertices(contour: FloatArray) -> FloatArray:
    """Check the shape of a contour and drop the vertices that are not finite."""
    vertices = np.asarray(contour, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 2:
        raise InvalidArgumentError(
            f"Contour: must be (N, 2), x and z of each vertex in metres, got shape "
            f"{vertices.shape}. Give one frame and one layer at a time."
        )
    return vertices[np.isfinite(vertices).all(axis=1)]


def _fill(
    along: FloatArray, across: FloatArray, extent: tuple[float, float], samples: int
) -> NDArray[np.bool_]:
    """Fill scan lines between edges, given each vertex (line, N) in a line's frame."""
    lines, vertices = across.shape
    if vertices < 3:
        return np.zeros((lines, samples), np.bool_)
    behind = across <= 0
    line, vertex = np.nonzero(behind != np.roll(behind, -1, axis=1))
    after = (vertex + 1) % vertices
    here, there = across[line, vertex], across[line, after]
    start, stop = along[line, vertex], along[line, after]
    crossing = start + here / (here - there) * (stop - start)
    index = (crossing - extent[0]) / (extent[1] - extent[0]) * (samples - 1)
    first = np.clip(np.ceil(index), 0, samples).astype(np.intp)
    size = lines * (samples + 1)
    crossings = np.bincount(line * (samples + 1) + first, minlength=size)
    passed = crossings.reshape(lines, samples + 1).cumsum(axis=1)
    odd: NDArray[np.bool_] = passed[:, :samples] % 2 == 1
    return odd
