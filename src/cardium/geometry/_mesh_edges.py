"""What belongs together in a mesh: its corners, its edges and the cuts through it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import GeometryError, InvalidArgumentError

IntArray = NDArray[np.int64]


class Edges(NamedTuple):
    """The edges of a mesh: how they are run through."""

    of_corner: IntArray
    """Edge from each corner of each face to the next, (3 f,)."""
    border: NDArray[np.bool_]
    """Whether an odd number of faces has it."""
    balance: IntArray
    """How much oftener it is run through upwards than downwards."""


def check_mesh(points: FloatArray, faces: NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """Refuse arrays that are no mesh."""
    places, triangles = np.asarray(points, np.float64), np.asarray(faces)
    if places.ndim != 2 or places.shape[1] != 3:
        raise InvalidArgumentError(
            f"Mesh: points must be (p, 3) in metres, got shape {places.shape}."
        )
    if not np.isfinite(places).all():
        raise InvalidArgumentError(
            f"Mesh: {np.count_nonzero(~np.isfinite(places).all(axis=1))} of "
            f"{len(places)} points are not finite. A mesh cannot lack points."
        )
    whole = triangles.dtype.kind in "ui"
    if triangles.ndim != 2 or triangles.shape[1] != 3 or not whole:
        raise InvalidArgumentError(
            f"Mesh: faces must be (f, 3) whole numbers, got shape {triangles.shape} of "
            f"{triangles.dtype}. Split a quad (a, b, c, d) in (a, b, c) and (a, c, d)."
        )
    if triangles.size and not 0 <= triangles.min() <= triangles.max() < len(places):
        raise InvalidArgumentError(
            f"Mesh: faces name corners {triangles.min()} to {triangles.max()}, but "
            f"there are {len(places)} points."
        )
    return places, triangles.astype(np.int64)


def weld(points: FloatArray, faces: NDArray[Any]) -> tuple[FloatArray, IntArray]:
    """Check a mesh, and make points at the same place one."""
    places, triangles = check_mesh(points, faces)
    if not len(places):
        return places, triangles
    order = np.lexsort(places.T)
    ordered = places[order]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))
    name = np.empty(len(places), np.int64)
    name[order] = np.cumsum(new) - 1
    return ordered[new], name[triangles]


def count_edges(faces: IntArray) -> Edges:
    """Count how often each edge is run through, and which way."""
    start, stop = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    _, edge, count = np.unique(
        low * (high.max(initial=0) + 1) + high, return_inverse=True, return_counts=True
    )
    balance = np.bincount(edge, np.sign(stop - start), len(count)).astype(np.int64)
    # An edge from a corner to itself bounds nothing.
    loops = np.bincount(edge, start == stop, len(count)) > 0
    return Edges(edge, (count % 2 == 1) & ~loops, balance)


def refuse_open(edges: Edges) -> None:
    """Refuse a mesh that has no inside."""
    if not len(edges.of_corner):
        raise GeometryError("Mesh: it has no faces, so it has no inside.")
    if edges.border.any():
        raise GeometryError(
            f"Mesh: it is open, {np.count_nonzero(edges.border)} of "
            f"{len(edges.border)} edges belong to one face only, so it has no inside. "
            "Close it with close_mesh first."
        )


def joined_parts(start: IntArray, stop: IntArray) -> IntArray:
    """Tell for each edge which connected part it belongs to, by number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes, names = np.unique(np.stack([start, stop]), return_inverse=True)
    one, other = names.reshape(2, -1)
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(nodes),) * 2)
    part: IntArray = connected_components(links, directed=False)[1][one]
    return part.astype(np.int64)


def chain_cuts(edges: IntArray) -> list[list[tuple[int, int]]]:
    """Order cuts (M, 2) into chains: which end (0 or 1) of which cut comes next."""
    at: dict[int, list[tuple[int, int]]] = {}
    for cut, pair in enumerate(edges.tolist()):
        for end, edge in enumerate(pair):
            at.setdefault(edge, []).append((cut, end))
    unused = set(range(len(edges)))
    # Open chains begin where an edge is met by a single cut.
    loose = [met[0] for met in at.values() if len(met) == 1]
    chains = []
    for first in [*loose, *((cut, 0) for cut in range(len(edges)))]:
        if first[0] not in unused:
            continue
        here, chain = first, [first]
        while True:
            cut, end = here
            unused.discard(cut)
            chain.append((cut, 1 - end))
            onward = [m for m in at[int(edges[cut, 1 - end])] if m[0] in unused]
            if not onward:
                break
            here = onward[0]
        chains.append(chain)
    return chains
