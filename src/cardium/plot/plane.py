"""Where pixels of a picture lie."""

from __future__ import annotations

from cardium.core import PlanarGeometry, PlaneGrid, Sector, Stream
from cardium.errors import NotProvidedError


def picture_plane(geometry: PlanarGeometry, *, size: int = 640) -> PlaneGrid:
    """Return the plane of square pixels that a geometry is shown on.

    Parameters
    ----------
    geometry : Sector or PlaneGrid
        Where samples lie. A sector is shown whole, with the room beside it.
    size : int
        Pixels along the longer side.

    Returns
    -------
    PlaneGrid
        Its pixels are the picture's: row 0 is the shallowest, column 0 the leftmost.

    Examples
    --------
    >>> plane = PlaneGrid(x=(-0.03, 0.03), z=(0.0, 0.12), shape=(25, 61))
    >>> picture_plane(plane, size=241).shape
    (241, 121)
    """
    from cardium.geometry.scan import plane_around

    shown = plane_around(geometry) if isinstance(geometry, Sector) else geometry
    (x0, x1), (z0, z1) = shown.x, shown.z
    spacing = max(x1 - x0, z1 - z0) / (size - 1)
    rows, columns = round((z1 - z0) / spacing) + 1, round((x1 - x0) / spacing) + 1
    # A pixel count is whole, so the far edges move by less than half a pixel.
    return PlaneGrid(
        x=(x0, x0 + (columns - 1) * spacing),
        z=(z0, z0 + (rows - 1) * spacing),
        shape=(rows, columns),
    )


def place_of(stream: Stream) -> PlanarGeometry:
    """Return the geometry of a stream that must have one to be drawn.

    Parameters
    ----------
    stream : Stream
        What is to be drawn.

    Returns
    -------
    Sector or PlaneGrid
        Where its samples lie.

    Raises
    ------
    NotProvidedError
        If it has none.

    Examples
    --------
    >>> import numpy as np
    >>> grid = PlaneGrid(x=(-0.02, 0.02), z=(0.0, 0.04), shape=(5, 5))
    >>> frames, dims = np.zeros((1, 5, 5)), ("time", "z", "x")
    >>> still = Stream("b_mode", frames, np.zeros(1), dims, "grey", geometry=grid)
    >>> place_of(still).spacing
    (0.01, 0.01)
    """
    if not isinstance(stream.geometry, Sector | PlaneGrid):
        raise NotProvidedError(
            f"Stream '{stream.name}' does not say where its samples lie, so it cannot "
            "be drawn in metres. Give it a Sector or a PlaneGrid."
        )
    return stream.geometry
