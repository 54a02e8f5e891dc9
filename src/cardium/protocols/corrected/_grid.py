"""The grid that a model of the corrected protocols sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Item, PlanarGeometry, Sector
from cardium.geometry import resample


def grey_on(
    frames: NDArray[Any], sector: Sector, place: PlanarGeometry
) -> NDArray[np.float32]:
    """Return grey levels by 255, converted to a plane where one is seen.

    Parameters
    ----------
    frames : (T, R, A) [grey 0..255]
        Beams.
    sector : Sector
        Where they lie.
    place : Sector or PlaneGrid
        Where they are seen.

    Returns
    -------
    (T, *place.shape) float32 [0..1]
        Zero outside of the sector.
    """
    grey = frames.astype(np.float32)
    if place != sector:
        grey = np.asarray(resample(grey, sector, place, outside=0), np.float32)
    grey /= 255
    return grey


def axes_of(place: PlanarGeometry) -> Item:
    """Return the spacing of rows [m], and where rows and columns lie [m, rad or m].

    Examples
    --------
    >>> fan = Sector(depth=(0.0, 0.5), angle=(-0.5, 0.5), shape=(5, 3))
    >>> axes_of(fan)["angle"].tolist(), float(axes_of(fan)["row_spacing"])
    ([-0.5, 0.0, 0.5], 0.125)
    """
    if isinstance(place, Sector):
        found = place.range_spacing, place.depths, place.angles
    else:
        found = place.spacing[0], place.zs, place.xs
    names = ("row_spacing", "depth", "angle")
    return {k: np.asarray(v, np.float32) for k, v in zip(names, found, strict=True)}
