"""Strain of the wall, exactly: the tensor, its means by segment, and the global one."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.motion import Motion
from cardium.phantom.outline import arc_length
from cardium.phantom.region import Contraction, Regions, check_contraction
from cardium.phantom.shapes import LeftVentricle

Directions = tuple[FloatArray, FloatArray, FloatArray]

SEGMENTS = (
    "basal_anterior",
    "basal_anteroseptal",
    "basal_inferoseptal",
    "basal_inferior",
    "basal_inferolateral",
    "basal_anterolateral",
    "mid_anterior",
    "mid_anteroseptal",
    "mid_inferoseptal",
    "mid_inferior",
    "mid_inferolateral",
    "mid_anterolateral",
    "apical_anterior",
    "apical_septal",
    "apical_inferior",
    "apical_lateral",
    "apex",
)
"""The 17 segments of Cerqueira et al. 2002, in their order."""

APICAL_PLANES = (0.0, math.radians(-60), math.radians(-120))
"""Rotations of the four-chamber, two-chamber and apical long-axis plane [rad]."""


class WallStrain(NamedTuple):
    """Green-Lagrange strain in the directions of the wall.

    Parameters
    ----------
    radial, circumferential, longitudinal : (...)
        Normal strains ``(l^2 - l0^2) / (2 l0^2)`` of a length l along the direction:
        see `lengthening`.
    torsion : (...)
        Shear between the circumferential and the longitudinal direction.
    radial_circumferential, radial_longitudinal : (...)
        The other shears.
    """

    radial: FloatArray
    circumferential: FloatArray
    longitudinal: FloatArray
    torsion: FloatArray
    radial_circumferential: FloatArray
    radial_longitudinal: FloatArray


def green_strain(gradient: FloatArray) -> FloatArray:
    """Strain tensor of deformation gradients, ``E = (F^T F - 1) / 2``.

    Parameters
    ----------
    gradient : (..., 3, 3)
        Deformation gradients F: row i is the gradient of coordinate i of where material
        is, by where it was at end-diastole.

    Returns
    -------
    green : (..., 3, 3)
        Green-Lagrange strain, symmetric; zero where material only turns.

    Examples
    --------
    Stretched by 1.2 it is (1.44 - 1) / 2, shortened to 0.8 it is (0.64 - 1) / 2.

    >>> green_strain(np.diag([1.2, 1.0, 0.8])).round(9).diagonal().tolist()
    [0.22, 0.0, -0.18]
    """
    square = np.swapaxes(gradient, -1, -2) @ gradient
    return np.asarray((square - np.eye(3)) / 2)


def lengthening(green: FloatArray) -> FloatArray:
    """Change of length against the length at end-diastole, of a normal strain.

    Parameters
    ----------
    green : (...)
        Green-Lagrange strain along a direction.

    Returns
    -------
    lengthening : (...)
        ``l / l0 - 1``, which echocardiography calls Lagrangian strain.

    Examples
    --------
    >>> round(float(lengthening(np.array(-0.18))), 9)
    -0.2
    """
    return np.asarray(np.sqrt(1 + 2 * green) - 1)


def wall_strain(motion: Motion, points: FloatArray, time: float) -> WallStrain:
    """Strain of the wall since end-diastole.

    Parameters
    ----------
    motion : Motion
        How the ventricle moves.
    points : (..., 3) [m]
        End-diastolic points of the wall, in the frame of the ventricle.
    time : float [s]
        Time on the recording's clock.

    Returns
    -------
    strain : WallStrain
        Its fields have the shape of the points.

    Examples
    --------
    In systole the wall thickens and shortens both ways.

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> motion = Motion.of(build_heart(Patient()))
    >>> radius = motion.ventricle.short_axis + 0.004
    >>> strain = wall_strain(motion, np.array([radius, 0.0, 0.05]), 0.36)
    >>> [bool(part > 0) for part in strain[:3]]
    [True, False, False]
    """
    directions = motion.ventricle.wall_directions(points)
    return _strain_along(directions, motion.gradient(points, time))


def segment_of(ventricle: LeftVentricle, points: FloatArray) -> NDArray[np.uint8]:
    """Tell in which segment, 1..17, end-diastolic points of the wall lie.

    Parameters
    ----------
    ventricle : LeftVentricle
        Whose wall it is.
    points : (..., 3) [m]
        Points in the frame of the ventricle.

    Returns
    -------
    segment : (...) uint8
        ``segment - 1`` is the index in `SEGMENTS`. The apex is what lies above the
        cavity; the rest is cut in thirds of the length.

    Examples
    --------
    >>> lv = LeftVentricle(0.05, 0.025, 0.009, 0.6)
    >>> wall = [[0.02, 0, 0.07], [-0.02, 0, 0.04], [0, 0.02, 0.01], [0, 0, -0.005]]
    >>> [SEGMENTS[k - 1] for k in segment_of(lv, np.array(wall))]
    ['basal_anterolateral', 'mid_inferoseptal', 'apical_inferior', 'apex']
    """
    turn = np.degrees(np.arctan2(points[..., 1], points[..., 0]))
    # Segments count from anterior (-60) over septal (-120) against the angle.
    sixth = np.floor(((-30 - turn) % 360) / 60)
    quarter = np.floor(((-15 - turn) % 360) / 90)
    height = points[..., 2] / ventricle.length
    cases = [height < 0, height < 1 / 3, height < 2 / 3]
    number = np.select(cases, [17 + 0 * turn, 13 + quarter, 7 + sixth], 1 + sixth)
    return number.astype(np.uint8)


def segmental_strain(motion: Motion, times: FloatArray) -> FloatArray:
    """Mean strain of each segment since end-diastole.

    Parameters
    ----------
    motion : Motion
        How the ventricle moves.
    times : (T,) [s]
        Times on the recording's clock.

    Returns
    -------
    strain : (T, 17, 3) [%]
        Radial, circumferential and longitudinal change of length (`lengthening`), the
        mean over the volume of the wall of the segment at end-diastole.

    Examples
    --------
    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> motion = Motion.of(build_heart(Patient()))
    >>> abs(segmental_strain(motion, np.array([0.0]))).max() < 1e-9
    np.True_
    """
    points, weight, directions = _segment_points(motion.ventricle)
    frames = []
    for time in times:
        strain = _strain_along(directions, motion.gradient(points, float(time)))
        parts = lengthening(np.stack(strain[:3], axis=-1))
        frames.append(100 * (weight[..., None] * parts).sum(axis=1))
    return np.array(frames)


def global_longitudinal_strain(
    contraction: Contraction,
    *,
    emptying: float,
    shortening: float,
    twist: float = 0.0,
    fraction: float = 0.5,
) -> float:
    """Change of a layer's arc length, the mean over the three apical planes.

    Parameters
    ----------
    contraction : Contraction
        The ventricle, and where it contracts.
    emptying, shortening, twist : float
        How far it has contracted, as in `Cycle`: twist is the rotation of the apex
        against the base [rad].
    fraction : float
        Depth of the layer in the wall: 0 is the endocardium, 0.5 the middle.

    Returns
    -------
    strain : float [%]
        Against end-diastole, negative where the layer is shorter.

    Examples
    --------
    >>> round_one = Contraction(LeftVentricle(0.05, 0.025, 0.009, 0.6), ())
    >>> strain = global_longitudinal_strain(round_one, emptying=0.6, shortening=0.20)
    >>> round(strain, 1)
    -17.8
    """
    from cardium.phantom._motion_kernels import BASE_TURN

    state = (emptying, shortening, twist / BASE_TURN)
    layer = np.array([fraction])
    now, before = (
        [
            arc_length(contraction, at, fractions=layer, rotation=r)
            for r in APICAL_PLANES
        ]
        for at in (state, (0.0, 0.0, 0.0))
    )
    return 100 * float(np.mean(np.divide(now, before) - 1))


def solve_shortening(
    ventricle: LeftVentricle,
    *,
    ejection_fraction: float,
    gls_percent: float,
    regions: Regions = (),
    twist: float = 0.0,
) -> float:
    """Find the shortening of the long axis that gives a longitudinal strain.

    Parameters
    ----------
    ventricle : LeftVentricle
        The shape at end-diastole.
    ejection_fraction : float
        Emptying at end-systole, 0..1.
    gls_percent : float [%]
        Strain of the middle of the wall at end-systole, negative: the mean over the
        three apical planes.
    regions : Regions
        Where the wall contracts less.
    twist : float [rad]
        Rotation of the apex against the base at end-systole, as in `Function`. It
        matters only where the ventricle is not round: other material then lies in the
        planes.

    Returns
    -------
    shortening : float
        Part of the long axis that is lost, 0..1, for `Function`.

    Raises
    ------
    InvalidArgumentError
        If no shortening gives this strain with this ejection fraction.

    Examples
    --------
    >>> ventricle = LeftVentricle(0.05, 0.025, 0.009, 0.6)
    >>> found = solve_shortening(ventricle, ejection_fraction=0.6, gls_percent=-18.0)
    >>> round(found, 2)
    0.2
    """
    from scipy.optimize import brentq

    contraction = Contraction(ventricle, regions)
    check_contraction(contraction, ejection_fraction, 0.0)
    most = _MOST_LOCAL / contraction.axial

    def miss(shortening: float) -> float:
        strain = global_longitudinal_strain(
            contraction, emptying=ejection_fraction, shortening=shortening, twist=-twist
        )
        return strain - gls_percent

    least, greatest = miss(0.0), miss(most)
    if not greatest <= 0 <= least:
        raise InvalidArgumentError(
            f"solve_shortening: a longitudinal strain of {gls_percent:.1f} % cannot go "
            f"with an ejection fraction of {100 * ejection_fraction:.0f} % in this "
            f"ventricle, only {greatest + gls_percent:.1f} to "
            f"{least + gls_percent:.1f} %. Change one of them."
        )
    return float(brentq(miss, 0.0, most, xtol=1e-9))


_MOST_LOCAL = 0.55
_NODES = (8, 4, 3)


def _strain_along(directions: Directions, gradient: FloatArray) -> WallStrain:
    """Components of the strain tensor in the directions of the wall."""
    tensor = green_strain(gradient)
    radial, around, along = directions

    def between(first: FloatArray, second: FloatArray) -> FloatArray:
        return np.asarray(np.einsum("...i,...ij,...j", first, tensor, second))

    return WallStrain(
        between(radial, radial),
        between(around, around),
        between(along, along),
        between(around, along),
        between(radial, around),
        between(radial, along),
    )


def _segment_bounds(number: int) -> tuple[float, float, float, float]:
    """Angles [degree] and heights [part of the length] between which a segment lies."""
    if number == 17:
        return -180.0, 180.0, -1.0, 0.0
    if number > 12:
        middle = -60 - 90 * (number - 13)
        return middle - 45, middle + 45, 0.0, 1 / 3
    middle = -60 - 60 * ((number - 1) % 6)
    low = 1 / 3 if number > 6 else 2 / 3
    return middle - 30, middle + 30, low, low + 1 / 3


@lru_cache(maxsize=4)
def _segment_points(lv: LeftVentricle) -> tuple[FloatArray, FloatArray, Directions]:
    """Gauss' points in each segment, (17, P, 3) [m], weights of sum 1, directions."""
    rules = [np.polynomial.legendre.leggauss(count) for count in _NODES]
    nodes = np.meshgrid(*((1 + node) / 2 for node, _ in rules), indexing="ij")
    u, v, w = (part.ravel() for part in nodes)
    share = np.prod(np.meshgrid(*(rule[1] for rule in rules), indexing="ij"), axis=0)
    points, weights = [], []
    for number in range(1, len(SEGMENTS) + 1):
        left, right, low, high = _segment_bounds(number)
        low = low * lv.length if number < len(SEGMENTS) else -lv.wall
        z = low + v * (high * lv.length - low)
        azimuth = np.radians(left + u * (right - left))
        inner = lv.layer_radius_squared(z)
        outer = lv.layer_radius_squared(z, fraction=1.0, theta=lv.azimuth(azimuth))
        # Even in the squared radius is even in volume.
        radius = np.sqrt(inner + w * (outer - inner)) * lv.round_to_plane(azimuth)
        points.append(
            np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), z], axis=-1)
        )
        part = share.ravel() * (outer - inner)
        weights.append(part / part.sum())
    places = np.stack(points)
    return places, np.stack(weights), lv.wall_directions(places)
