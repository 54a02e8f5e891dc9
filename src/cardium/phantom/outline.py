"""Outlines of the moved wall in planes through the long axis, and their lengths."""

from __future__ import annotations

import math

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.region import Contraction, body_of


def outline(
    contraction: Contraction,
    state: tuple[float, float, float],
    *,
    fractions: FloatArray,
    count: int,
    rotation: float,
) -> FloatArray:
    """Outline layers of a contracted wall in a plane through the long axis.

    Parameters
    ----------
    contraction : Contraction
        The ventricle, and where it contracts.
    state : (emptying, shortening, rotation)
        How far it has contracted, and how far its apex has turned [rad].
    fractions : (layers,)
        Depth of the layers in the wall: 0 is the endocardium, 1 the epicardium.
    count : int
        Points along each layer.
    rotation : float [rad]
        Direction of the plane's right side, from x (lateral) towards y (inferior).

    Returns
    -------
    outline : (layers, count, 2) [m]
        As `Motion.contour` at one time.

    Examples
    --------
    A ventricle that empties by half and keeps its length has 0.71 of its width.

    >>> from cardium.phantom.shapes import LeftVentricle
    >>> still = Contraction(LeftVentricle(0.05, 0.025, 0.009, 0.6), ())
    >>> ends = [
    ...     outline(still, (k, 0, 0), fractions=np.zeros(1), count=3, rotation=0.0)
    ...     for k in (0.0, 0.5)
    ... ]
    >>> round(float(ends[1][0, 2, 0] / ends[0][0, 2, 0]), 4)
    0.7071
    """
    from cardium.phantom._motion_kernels import BASE_TURN, Local, local_all

    lv, (emptying, shortening, twist) = contraction.ventricle, state
    heights, right = zip(*(lv.layer_heights(f, count) for f in fractions), strict=True)
    z, side = np.stack(heights), np.stack(right)
    turn = twist * (1 - BASE_TURN * z / lv.length)
    direction = float(lv.azimuth(np.asarray(rotation)))
    angle = direction + np.where(side, 0, math.pi) - turn
    found = np.empty((9, z.size))
    local_all(body_of(contraction), angle.ravel(), z.ravel(), found)
    here = Local(*found.reshape(9, *z.shape))
    slope = -BASE_TURN / lv.length * twist
    along = 1 - shortening * (here.axial - slope * here.height_angle)
    layer = [
        lv.layer_radius_squared(row, fraction=float(f), theta=at)
        for f, row, at in zip(fractions, z, angle, strict=True)
    ]
    endocardium = lv.layer_radius_squared(z)
    square = (np.stack(layer) - emptying * here.radial * endocardium) / along
    across = lv.round_to_plane(rotation) * np.sqrt(np.maximum(square, 0))
    return np.stack(
        [np.where(side, across, -across), z - shortening * here.height], axis=-1
    )


def arc_length(
    contraction: Contraction,
    state: tuple[float, float, float],
    *,
    fractions: FloatArray,
    rotation: float,
) -> FloatArray:
    """Measure the layers that `outline` outlines.

    Parameters
    ----------
    contraction : Contraction
        The ventricle, and where it contracts.
    state : (emptying, shortening, rotation)
        How far it has contracted, and how far its apex has turned [rad].
    fractions : (layers,)
        Depth of the layers in the wall: 0 is the endocardium, 1 the epicardium.
    rotation : float [rad]
        Direction of the plane's right side, from x (lateral) towards y (inferior).

    Returns
    -------
    length : (layers,) [m]
        From base to base, by 600 chords.

    Examples
    --------
    Half circles of 3 and 4 cm are 3 pi and 4 pi cm long.

    >>> from cardium.phantom.shapes import LeftVentricle
    >>> still = Contraction(LeftVentricle(0.03, 0.03, 0.01, 0.0), ())
    >>> arc_length(still, (0, 0, 0), fractions=np.array([0.0, 1.0]), rotation=0.0)
    array([0.0942..., 0.1256...])
    """
    lines = outline(
        contraction, state, fractions=fractions, count=_CHORDS + 1, rotation=rotation
    )
    steps = np.diff(lines, axis=1)
    return np.asarray(np.hypot(steps[..., 0], steps[..., 1]).sum(axis=1))


_CHORDS = 600
