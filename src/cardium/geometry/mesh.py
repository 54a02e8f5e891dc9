"""Closed surfaces of triangles: their volume, the samples they hold, their sections.

A mesh is given as `cardium.core.Mesh.frame` returns it: points (p, 3) in metres, in the
frame of the volume, and triangles (f, 3) that name their corners. Points at the same
place count as one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    SectorVolume,
    SlicePlane,
    VolumeGeometry,
    VolumeGrid,
)
from cardium.errors import GeometryError
from cardium.geometry._mesh_edges import (
    chain_cuts,
    check_mesh,
    count_edges,
    joined_parts,
    refuse_open,
    weld,
)

IntArray = NDArray[np.int64]


def mesh_volume(points: FloatArray, faces: NDArray[Any]) -> float:
    """Return the volume inside a closed mesh.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles.
    faces : (f, 3) int
        Triangles, all wound the same way round, outwards or inwards.

    Returns
    -------
    float [m^3]
        Never negative.

    Raises
    ------
    GeometryError
        If the mesh is open, or its triangles are not all wound the same way.
    InvalidArgumentError
        If the arrays are no mesh.

    Notes
    -----
    By the divergence theorem the volume is the sum of ``a . (b x c) / 6`` over the
    triangles. That holds only where each edge is run through as often one way as the
    other, which is checked. Corners are taken about their mean, which keeps the
    rounding small.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> round(6 * mesh_volume(corners, faces), 12)
    1.0
    """
    places, triangles = weld(points, faces)
    edges = count_edges(triangles)
    refuse_open(edges)
    if edges.balance.any():
        raise GeometryError(
            f"Mesh: {np.count_nonzero(edges.balance)} edges are run through twice the "
            "same way, so the triangles are not all wound the same way round and the "
            "volume has no meaning. Wind them alike."
        )
    centred = places - places.mean(axis=0) if len(places) else places
    a, b, c = np.moveaxis(centred[triangles], 1, 0)
    return float(abs(np.einsum("fd,fd->", a, np.cross(b, c))) / 6)


def mesh_area(points: FloatArray, faces: NDArray[Any]) -> float:
    """Return the area of a mesh, open or closed.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles.
    faces : (f, 3) int
        Triangles.

    Returns
    -------
    float [m^2]
        Sum of the areas of the triangles.

    Raises
    ------
    InvalidArgumentError
        If the arrays are no mesh.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (3, 0, 0), (0, 4, 0)], float)
    >>> mesh_area(corners, np.array([(0, 1, 2)]))
    6.0
    """
    places, triangles = check_mesh(points, faces)
    a, b, c = np.moveaxis(places[triangles], 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def is_closed(points: FloatArray, faces: NDArray[Any]) -> bool:
    """Say whether a mesh has an inside: every edge belongs to an even number of faces.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles.
    faces : (f, 3) int
        Triangles.

    Returns
    -------
    bool
        False for a mesh with a border, and for one without triangles.

    Raises
    ------
    InvalidArgumentError
        If the arrays are no mesh.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> is_closed(corners, faces), is_closed(corners, faces[:3])
    (True, False)
    """
    _, triangles = weld(points, faces)
    return len(triangles) > 0 and not count_edges(triangles).border.any()


def close_mesh(points: FloatArray, faces: NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """Close every hole of a mesh by a fan around the middle of its border.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles.
    faces : (f, 3) int
        Triangles: a ventricle that is open at the valve.

    Returns
    -------
    points : (p + holes, 3) [m]
        The same points, then the mean of the points of each border.
    faces : (f + edges of the borders, 3) int
        The same triangles, then those of the fans, wound as their neighbours are.

    Raises
    ------
    InvalidArgumentError
        If the arrays are no mesh.

    Notes
    -----
    Where a border is flat, the volume does not depend on the middle of the fan. A mesh
    that is closed comes back as it is.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> closed = close_mesh(corners, faces[:3])
    >>> len(closed[0]), len(closed[1]), round(6 * mesh_volume(*closed), 12)
    (5, 6, 1.0)
    """
    places, triangles = check_mesh(points, faces)
    _, welded = weld(points, faces)
    edges = count_edges(welded)
    face, corner = np.nonzero(edges.border[edges.of_corner].reshape(-1, 3))
    if not len(face):
        return places, triangles
    following = (corner + 1) % 3
    hole = joined_parts(welded[face, corner], welded[face, following])
    start, stop = triangles[face, corner], triangles[face, following]
    size = np.bincount(hole)
    middles = np.stack([np.bincount(hole, w) / size for w in places[start].T], axis=1)
    fans = np.stack([stop, start, len(places) + hole], axis=1)
    return np.concatenate([places, middles]), np.concatenate([triangles, fans])


def mesh_mask(
    points: FloatArray, faces: NDArray[Any], geometry: VolumeGeometry
) -> NDArray[np.bool_]:
    """Say which samples of a volume lie inside a closed mesh.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles, in the frame of the volume.
    faces : (f, 3) int
        Triangles; their winding does not matter.
    geometry : SectorVolume or VolumeGrid
        The samples asked about.

    Returns
    -------
    (E, A, R) or (K, J, I) bool
        True where the place of a sample is inside: a line through it meets the surface
        an odd number of times in front of it.

    Raises
    ------
    GeometryError
        If the mesh is open, or the geometry is not one of a volume.
    InvalidArgumentError
        If the arrays are no mesh.

    Notes
    -----
    The lines are the beams, or the voxels along the last array axis. The beams of one
    elevation lie in a plane through the apex, in both angle conventions. That plane
    cuts the mesh in closed polygons, which are filled along the beams as
    `cardium.geometry.contour_mask` fills them: exact at the places of the samples, for
    any shape, an apex inside the mesh included. Every corner is on one side of each
    plane and of each beam only, so no beam through an edge or a corner is counted
    wrongly, and meshes that share faces share no sample.

    Weighted by ``geometry.sample_volumes()`` the samples add up to the volume of the
    mesh, but for the samples that its surface cuts.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> grid = VolumeGrid.box(x=(0.1, 0.9), y=(0.1, 0.9), z=(0.1, 0.9), shape=(5, 5, 5))
    >>> mesh_mask(corners, faces, grid)[0].astype(int)
    array([[1, 1, 1, 1, 0],
           [1, 1, 1, 0, 0],
           [1, 1, 0, 0, 0],
           [1, 0, 0, 0, 0],
           [0, 0, 0, 0, 0]])
    """
    places, triangles = weld(points, faces)
    refuse_open(count_edges(triangles))
    if isinstance(geometry, SectorVolume):
        return _fill_beams(places, triangles, geometry)
    if isinstance(geometry, VolumeGrid):
        return _fill_voxels(places, triangles, geometry)
    raise GeometryError(
        f"Mesh mask: a mesh needs the samples of a volume, got a "
        f"{type(geometry).__name__}. Cut the mesh with mesh_section first."
    )


def mesh_section(
    points: FloatArray, faces: NDArray[Any], plane: SlicePlane
) -> list[FloatArray]:
    """Cut a mesh by a plane.

    Parameters
    ----------
    points : (p, 3) [m]
        Corners of the triangles, in the frame of the volume.
    faces : (f, 3) int
        Triangles of an open or a closed mesh.
    plane : SlicePlane
        The plane; its pixels do not matter.

    Returns
    -------
    list of (N, 2) [m]
        Lines in the plane's own x (right) and z (down), each in order. One that is
        closed ends with its first point again; one that is open ends on the border of
        the mesh.

    Raises
    ------
    InvalidArgumentError
        If the arrays are no mesh.

    Examples
    --------
    >>> from cardium.core import PlaneGrid
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> grid = PlaneGrid(x=(0.0, 1.0), z=(0.0, 1.0), shape=(2, 2))
    >>> level = SlicePlane(grid, origin=(0, 0, 0.75), right=(1, 0, 0), down=(0, 1, 0))
    >>> (loop,) = mesh_section(corners, faces, level)
    >>> len(loop), sorted(set(map(tuple, loop.tolist())))
    (4, [(0.0, 0.0), (0.0, 0.25), (0.25, 0.0)])
    """
    places, triangles = weld(points, faces)
    normal = np.array(plane.normal)
    form = np.append(normal, -normal @ np.array(plane.origin))
    ahead = places @ form[:3] + form[3] > 0
    no_flip = np.zeros(len(places), np.bool_)
    cuts = _cut(places, triangles, ahead.astype(np.int64), no_flip, form[None])
    flat = np.stack(plane.project(*np.moveaxis(cuts.ends, -1, 0))[:2], axis=-1)
    lines = []
    for chain in chain_cuts(cuts.edges):
        which = tuple(np.array(chain).T)
        line, edge = flat[which], cuts.edges[which]
        if edge[0] == edge[-1]:
            line[-1] = line[0]
        lines.append(line)
    return lines


class _Cuts(NamedTuple):
    """Where planes cut faces."""

    row: IntArray
    ends: FloatArray
    edges: IntArray


def _cut(
    points: FloatArray,
    faces: IntArray,
    rank: IntArray,
    flipped: NDArray[np.bool_],
    planes: FloatArray,
) -> _Cuts:
    """Cut faces by the planes of rows; see `_fill_kernels` for ranks and flips."""
    from cardium.geometry import _fill_kernels

    number = _fill_kernels.count_cuts(faces, rank, flipped, len(planes))
    row, edges = np.empty(number, np.int64), np.empty((number, 2), np.int64)
    ends = np.empty((number, 2, 3))
    _fill_kernels.cut_faces(points, faces, rank, flipped, planes, row, ends, edges)
    return _Cuts(row, ends, edges)


def _fill_beams(
    points: FloatArray, faces: IntArray, fan: SectorVolume
) -> NDArray[np.bool_]:
    """Fill along beams: rows are elevations, and a point of their plane is (x, w)."""
    sine, cosine = np.sin(fan.elevations), np.cos(fan.elevations)
    step_e, step_a, step_r = fan.spacing
    behind = points[:, 2] < 0
    y, z = (np.where(behind, -v, v) for v in (points[:, 1], points[:, 2]))
    rank = _rank((np.arctan2(y, z) - fan.elevation[0]) / step_e, fan.shape[0])
    none = np.zeros_like(sine)
    cuts = _cut(
        points, faces, rank, behind, np.stack([none, cosine, -sine, none], axis=1)
    )
    x, y, z = np.moveaxis(cuts.ends, -1, 0)
    w = y * sine[cuts.row, None] + z * cosine[cuts.row, None]
    # In the plane of a row a beam leans by its azimuth, or by less where the tangent
    # counts along z, which is shorter than w.
    squeeze = cosine if fan.convention == "tangent" else np.ones_like(sine)
    lean = np.arctan(np.tan(fan.azimuths) * squeeze[:, None])
    flip = w < 0
    azimuth = np.arctan2(np.where(flip, -x, x), abs(w) * squeeze[cuts.row, None])
    sin, cos, zero = np.sin(lean), np.cos(lean), np.zeros_like(lean)
    across = np.stack([cos, -sin, zero], axis=-1)
    along = np.stack([sin, cos, zero - fan.depth[0]], axis=-1) / step_r
    line = _rank((azimuth - fan.azimuth[0]) / step_a, fan.shape[1])
    return _fill(cuts.row, np.stack([x, w], -1), line, flip, across, along, fan.shape)


def _fill_voxels(
    points: FloatArray, faces: IntArray, grid: VolumeGrid
) -> NDArray[np.bool_]:
    """Fill along the last axis, in indices: rows are k, and a point is (j, i)."""
    (rows, lines, _), places = grid.shape, np.stack(grid.index_of(*points.T), axis=1)
    planes = np.zeros((rows, 4))
    planes[:, 0], planes[:, 3] = 1, -np.arange(rows)
    rank = _rank(places[:, 0], rows)
    cuts = _cut(places, faces, rank, np.zeros(len(rank), np.bool_), planes)
    ends = cuts.ends[..., 1:]
    across, along = np.zeros((2, rows, lines, 3))
    across[..., 0], across[..., 2], along[..., 1] = 1, -np.arange(lines), 1
    line = _rank(ends[..., 0], lines)
    no_flip = np.zeros(line.shape, np.bool_)
    return _fill(cuts.row, ends, line, no_flip, across, along, grid.shape)


def _fill(
    row: IntArray,
    ends: FloatArray,
    rank: IntArray,
    flipped: NDArray[np.bool_],
    across: FloatArray,
    along: FloatArray,
    shape: tuple[int, int, int],
) -> NDArray[np.bool_]:
    """Fill the sections of a mesh along lines."""
    from cardium.geometry import _fill_kernels

    out = np.zeros(shape, np.uint8)
    ends = np.ascontiguousarray(ends)
    _fill_kernels.fill_sections(row, ends, rank, flipped, across, along, out)
    return out.view(np.bool_)


def _rank(index: FloatArray, count: int) -> IntArray:
    """First of the rows or lines that a fractional index is behind."""
    return np.ceil(np.clip(index, 0, count)).astype(np.int64)
