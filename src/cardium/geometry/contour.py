"""Contours in metres: the samples they hold, the label map they mean, their area."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    UNLABELLED,
    FloatArray,
    PlanarGeometry,
    PlaneGrid,
    Sector,
)
from cardium.errors import GeometryError, InvalidArgumentError

Chamber = Literal["lv", "la", "rv"]
"""Left ventricle, left atrium, right ventricle: the chambers that readers outline."""


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
    GeometryError
        If the geometry is not one of a plane.

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
    _refuse_volume(geometry)
    if len(vertices) < 3:
        return np.zeros(geometry.shape, np.bool_)
    return _fill(vertices, np.arange(len(vertices))[None], geometry)


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
    GeometryError
        If the geometry is not one of a plane.

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
    _refuse_volume(geometry)
    if min(len(inner), len(outer)) < 3:
        return np.full(geometry.shape, UNLABELLED, np.uint8)
    strip = np.concatenate([inner, outer[::-1]])
    labels = np.zeros(geometry.shape, np.uint8)
    labels[contour_mask(strip, geometry)] = STRUCTURES.index("myocardium")
    labels[contour_mask(inner, geometry)] = STRUCTURES.index("lv_cavity")
    return labels


def chamber_label_map(
    contour: FloatArray, geometry: PlanarGeometry, *, chamber: Chamber
) -> NDArray[np.uint8]:
    """Draw the label map that the layers of a chamber's wall mean.

    Parameters
    ----------
    contour : (layer, point, 2) [m]
        x and z of the layers of the wall in one frame, the endocardium first: five of
        the left ventricle and atrium, three of the right ventricle. Each is open, from
        one side of the valve to the other. A point that is not finite in one layer is
        dropped from all.
    geometry : Sector or PlaneGrid
        The samples of the map.
    chamber : {"lv", "la", "rv"}
        Left ventricle, left atrium or right ventricle.

    Returns
    -------
    (R, A) or (Z, X) uint8
        Codes of `cardium.core.STRUCTURES`: the cavity (``lv_cavity``, ``la_cavity``,
        ``rv_cavity``) inside the first layer, closed straight across the valve; the
        wall (``myocardium``, ``la_wall``, ``rv_wall``) between the layers, never across
        the valve; ``background`` elsewhere. `UNLABELLED` everywhere if fewer than two
        points are left: such a frame was not labelled.

    Raises
    ------
    InvalidArgumentError
        If there are not two layers at least, or the chamber is not known.
    GeometryError
        If the geometry is not one of a plane.

    Notes
    -----
    The wall is the union of the quads between neighbouring points of neighbouring
    layers, less the cavity: where a wall folds onto itself no hole opens.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> plane = PlaneGrid(x=(0.0, 0.06), z=(0.0, 0.04), shape=(5, 7))
    >>> inner = [(0.015, 0.035), (0.015, 0.015), (0.045, 0.015), (0.045, 0.035)]
    >>> outer = [(0.005, 0.035), (0.005, 0.005), (0.055, 0.005), (0.055, 0.035)]
    >>> chamber_label_map(np.array([inner, outer]), plane, chamber="rv")
    array([[0, 0, 0, 0, 0, 0, 0],
           [0, 7, 7, 7, 7, 7, 0],
           [0, 7, 4, 4, 4, 7, 0],
           [0, 7, 4, 4, 4, 7, 0],
           [0, 0, 0, 0, 0, 0, 0]], dtype=uint8)
    """
    if chamber not in get_args(Chamber):
        raise InvalidArgumentError(
            f"Contour: the chamber must be one of {', '.join(get_args(Chamber))}, got "
            f"'{chamber}'."
        )
    layers = np.asarray(contour, dtype=np.float64)
    if layers.ndim != 3 or layers.shape[2] != 2 or len(layers) < 2:
        raise InvalidArgumentError(
            f"Contour: must be (layer, point, 2) of two layers at least, got shape "
            f"{layers.shape}. Give one frame at a time."
        )
    layers = layers[:, np.isfinite(layers).all(axis=(0, 2))]
    number = layers.shape[1]
    _refuse_volume(geometry)
    if number < 2:
        return np.full(geometry.shape, UNLABELLED, np.uint8)
    names = np.arange(layers.shape[0] * number).reshape(-1, number)
    corners = [names[:-1, :-1], names[:-1, 1:], names[1:, 1:], names[1:, :-1]]
    quads = np.stack(corners, axis=-1).reshape(-1, 4)
    vertices = layers.reshape(-1, 2)
    cavity, wall = _CODES[chamber]
    labels = np.zeros(geometry.shape, np.uint8)
    labels[_fill(vertices, quads, geometry)] = wall
    labels[_fill(vertices, names[:1], geometry)] = cavity
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
    vertices: FloatArray, polygons: NDArray[np.int64], geometry: PlanarGeometry
) -> NDArray[np.bool_]:
    """Fill polygons (P, corners) along the beams or the rows of a geometry."""
    from cardium.geometry import _fill_kernels

    out = np.zeros(geometry.shape, np.uint8)
    if isinstance(geometry, Sector):
        lines, forms = out.T, _beam_forms(geometry)
    else:
        lines, forms = out, _row_forms(geometry)
    _fill_kernels.fill_polygons(vertices, polygons, *forms, lines)
    return out.view(np.bool_)


def _beam_forms(sector: Sector) -> tuple[FloatArray, FloatArray]:
    """Linear forms of (x, z, 1), (A, 3): beside each beam, and sample along it."""
    sine, cosine = np.sin(sector.angles), np.cos(sector.angles)
    lift, first = sector.apex_offset, sector.depth[0] + sector.apex_offset
    across = np.stack([cosine, -sine, -lift * sine], axis=1)
    along = np.stack([sine, cosine, lift * cosine - first], axis=1)
    return across, along / sector.range_spacing


def _row_forms(plane: PlaneGrid) -> tuple[FloatArray, FloatArray]:
    """Linear forms of (x, z, 1), (Z, 3): above each row, and sample along it."""
    zero, one = np.zeros(plane.shape[0]), np.ones(plane.shape[0])
    across = np.stack([zero, one, -plane.zs], axis=1)
    along = np.stack([one, zero, -plane.x[0] * one], axis=1)
    return across, along / plane.spacing[1]


def _refuse_volume(geometry: object) -> None:
    """Refuse a geometry that a contour in a plane cannot lie in."""
    if not isinstance(geometry, Sector | PlaneGrid):
        raise GeometryError(
            f"Contour: x and z need the samples of a plane, got a "
            f"{type(geometry).__name__}. Cut the volume by a plane first."
        )


_CODES: dict[str, tuple[int, int]] = {
    chamber: (STRUCTURES.index(cavity), STRUCTURES.index(wall))
    for chamber, cavity, wall in (
        ("lv", "lv_cavity", "myocardium"),
        ("la", "la_cavity", "la_wall"),
        ("rv", "rv_cavity", "rv_wall"),
    )
}
