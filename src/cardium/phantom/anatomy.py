"""The shape of a heart at end-diastole, and the tissue at every point of it.

Everything here is in the frame of the left ventricle: the origin is the endocardial
apex, z runs along the long axis to the base, x to the lateral wall, y to the inferior
wall. How the heart moves is in `cardium.phantom.motion`, how it is seen in
`cardium.phantom.imaging`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError

TISSUES = (
    "background",
    "lv_cavity",
    "myocardium",
    "la_cavity",
    "rv_cavity",
    "ra_cavity",
    "rv_wall",
    "atrial_wall",
    "pericardium",
    "valve",
)
"""Names of the tissues; `Heart.classify` returns indices in this tuple.

The first six are `cardium.core.STRUCTURES`, in that order.
"""

BLOOD = ("lv_cavity", "la_cavity", "rv_cavity", "ra_cavity")
"""The tissues that are blood."""

ECHOGENICITY_DB = {
    "background": -12.0,
    "myocardium": 0.0,
    "rv_wall": -1.0,
    "atrial_wall": -2.0,
    "pericardium": 12.0,
    "valve": 8.0,
    **dict.fromkeys(BLOOD, -36.0),
}
"""Mean echo power of each tissue, against myocardium [dB]."""


@dataclass(frozen=True, slots=True)
class LeftVentricle:
    """A thick-walled spheroid, cut off at the base.

    The endocardium has the semi-axes `long_axis` and `short_axis` around the point
    ``z = long_axis``; the epicardium has both longer by `wall`. Both end at the base,
    ``z = long_axis * (1 + truncation)``.

    Parameters
    ----------
    long_axis : float [m]
        Semi-axis of the endocardium from apex to base.
    short_axis : float [m]
        Semi-axis of the endocardium across.
    wall : float [m]
        Thickness of the wall at the equator and at the apex.
    truncation : float
        Where the base lies beyond the equator, as a part of `long_axis`, 0..1.

    Raises
    ------
    InvalidArgumentError
        If a length is not positive or the truncation not between 0 and 1.

    Examples
    --------
    Half a sphere of 3 cm has 2/3 pi 3^3 = 56.5 mL.

    >>> half = LeftVentricle(long_axis=0.03, short_axis=0.03, wall=0.01, truncation=0.0)
    >>> round(half.cavity_volume * 1e6, 1), round(half.myocardial_volume * 1e6, 1)
    (56.5, 77.5)
    """

    long_axis: float
    short_axis: float
    wall: float
    truncation: float

    def __post_init__(self) -> None:
        if min(self.long_axis, self.short_axis, self.wall) <= 0:
            raise InvalidArgumentError(
                "LeftVentricle: semi-axes and wall must be positive metres, got "
                f"{self.long_axis}, {self.short_axis} and {self.wall}."
            )
        if not 0 <= self.truncation < 1:
            raise InvalidArgumentError(
                f"LeftVentricle: truncation must be in 0..1, got {self.truncation}."
            )

    @property
    def length(self) -> float:
        """Distance from the endocardial apex to the base [m]."""
        return self.long_axis * (1 + self.truncation)

    @property
    def cavity_volume(self) -> float:
        """Volume inside the endocardium, the end-diastolic volume [m^3]."""
        return self._layer_volume(0.0)

    @property
    def myocardial_volume(self) -> float:
        """Volume between endocardium and epicardium [m^3]."""
        return self._layer_volume(1.0) - self._layer_volume(0.0)

    def layer_radius_squared(
        self, z: FloatArray, *, fraction: float = 0.0
    ) -> FloatArray:
        """Squared radius of a layer at heights along the long axis.

        Parameters
        ----------
        z : (...) [m]
            Heights above the endocardial apex; the spheroid is not cut off here.
        fraction : float
            Depth in the wall: 0 is the endocardium, 1 the epicardium.

        Returns
        -------
        squared : (...) [m^2]
            Squared radius; zero beyond the poles of the spheroid.
        """
        along, across = self._semi_axes(fraction)
        height = (z - self.long_axis) / along
        return np.maximum(across**2 * (1 - height**2), 0.0)

    def epicardial_level(self, radius: FloatArray, z: FloatArray) -> FloatArray:
        """Where points lie against the epicardial spheroid: 1 on it, less inside.

        Parameters
        ----------
        radius : (...) [m]
            Distances from the long axis.
        z : (...) [m]
            Heights above the endocardial apex.

        Returns
        -------
        level : (...)
            Distance from the centre in units of the semi-axes.
        """
        along, across = self._semi_axes(1.0)
        return np.hypot(radius / across, (z - self.long_axis) / along)

    def layer_points(self, fraction: float, count: int) -> FloatArray:
        """Points of one layer in the plane y = 0, from septal to lateral base.

        Parameters
        ----------
        fraction : float
            Depth in the wall: 0 is the endocardium, 1 the epicardium.
        count : int
            Number of points; odd numbers have one on the long axis.

        Returns
        -------
        points : (count, 2) [m]
            x and z; x grows from the septal to the lateral side. Both ends lie on the
            base exactly; points are evenly spaced in the spheroid's eccentric angle.
        """
        along, across = self._semi_axes(fraction)
        end = math.acos((self.long_axis - self.length) / along)
        angle = np.linspace(-end, end, count)
        x, z = across * np.sin(angle), self.long_axis - along * np.cos(angle)
        z[[0, -1]] = self.length
        return np.stack([x, z], axis=-1)

    def _semi_axes(self, fraction: float) -> tuple[float, float]:
        """Semi-axes of a layer along and across the long axis [m]."""
        growth = fraction * self.wall
        return self.long_axis + growth, self.short_axis + growth

    def _layer_volume(self, fraction: float) -> float:
        """Volume inside a layer, from its apex to the base [m^3]."""
        along, across = self._semi_axes(fraction)
        end = (self.length - self.long_axis) / along
        return math.pi * across**2 * along * (end - end**3 / 3 + 2 / 3)


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """An ellipsoid with axes along x, y and z: the shape of the other chambers.

    Parameters
    ----------
    centre : (x, y, z) [m]
        Its middle.
    semi_axes : (x, y, z) [m]
        Its half lengths.
    """

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]

    def contains(self, points: FloatArray, *, wall: float = 0.0) -> NDArray[np.bool_]:
        """Tell which points (..., 3) lie inside, with a wall [m] around it or not."""
        scaled = (points - np.array(self.centre)) / (np.array(self.semi_axes) + wall)
        inside: NDArray[np.bool_] = np.sum(scaled**2, axis=-1) <= 1
        return inside


@dataclass(frozen=True, slots=True)
class Function:
    """How the left ventricle works, in numbers.

    Parameters
    ----------
    heart_rate : float [1/min]
        Beats a minute.
    ejection_fraction : float
        Part of the end-diastolic volume that is ejected, 0..1.
    shortening : float
        Part of the long axis that is lost from end-diastole to end-systole, 0..1.
    twist : float [rad]
        Greatest rotation of the apex, anticlockwise as seen from the apex.
    early_filling : float
        Part of the filling that comes with the E wave, 0..1; the A wave brings the
        rest.
    """

    heart_rate: float
    ejection_fraction: float
    shortening: float
    twist: float
    early_filling: float

    def __post_init__(self) -> None:
        parts = (self.ejection_fraction, self.shortening, self.early_filling)
        if not (self.heart_rate > 0 and all(0 <= part <= 1 for part in parts)):
            raise InvalidArgumentError(
                "Function: the heart rate must be positive, and ejection fraction, "
                "shortening and early filling in 0..1, got "
                f"{self.heart_rate} and {parts}. Were they given in percent?"
            )
        if not max(self.ejection_fraction, self.shortening) < 1:
            raise InvalidArgumentError(
                "Function: a ventricle cannot empty or shorten wholly, got "
                f"{self.ejection_fraction} and {self.shortening}."
            )


@dataclass(frozen=True, slots=True)
class Heart:
    """A heart at end-diastole: chambers, walls, and how its ventricle works.

    Parameters
    ----------
    ventricle : LeftVentricle
        The chamber whose motion and volume are exact.
    function : Function
        How it works.
    left_atrium, right_ventricle, right_atrium : Ellipsoid
        The chambers around it. The right ventricle is what the left one leaves of its
        ellipsoid above the base.
    """

    ventricle: LeftVentricle
    function: Function
    left_atrium: Ellipsoid
    right_ventricle: Ellipsoid
    right_atrium: Ellipsoid

    def echogenicity(self, points: FloatArray, tissue: NDArray[np.uint8]) -> FloatArray:
        """Mean echo level of points of the end-diastolic heart.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.
        tissue : (...) uint8
            Their tissues, from `classify`.

        Returns
        -------
        level : (...) [dB]
            Level against myocardium: that of the tissue, and for the background less
            and less beside the heart, where the lung is.
        """
        level = np.array([ECHOGENICITY_DB[name] for name in TISSUES])[tissue]
        lv = self.ventricle
        beside = np.hypot(points[..., 0], points[..., 1]) - lv.short_axis - lv.wall
        lung = _LUNG_DB * np.clip(beside / _LUNG_DEPTH, 0, 1)
        return np.where(tissue == 0, level + lung, level)

    def classify(self, points: FloatArray) -> NDArray[np.uint8]:
        """Tell the tissue at points of the end-diastolic heart.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.

        Returns
        -------
        tissue : (...) uint8
            Indices in `TISSUES`.

        Examples
        --------
        >>> heart = sample_heart(1)
        >>> axis = np.array([[0, 0, -0.02], [0, 0, -0.004], [0, 0, 0.03], [0, 0, 0.1]])
        >>> [TISSUES[i] for i in heart.classify(axis)]
        ['background', 'myocardium', 'lv_cavity', 'la_cavity']
        """
        lv = self.ventricle
        x, z = points[..., 0], points[..., 2]
        radius = np.hypot(x, points[..., 1])
        ring, rim = _base_radii(lv)
        below = z - lv.length
        in_lv = (below <= 0) & (lv.epicardial_level(radius, z) <= 1)
        endocardium = lv.layer_radius_squared(z)
        shell = lv.epicardial_level(radius - _PERICARDIUM, z) <= 1
        right = self.right_ventricle.contains(points)
        right_wall = self.right_ventricle.contains(points, wall=_RIGHT_WALL)
        under_ring = (radius < ring) & (z < self.left_atrium.centre[2])
        cases = {
            "lv_cavity": in_lv & (radius**2 < endocardium),
            "myocardium": in_lv,
            "valve": (np.hypot(radius - (ring + rim) / 2, below) < 0.0025)
            | (right_wall & (abs(below) < 0.001) & (radius > rim)),
            "la_cavity": (below > 0) & (self.left_atrium.contains(points) | under_ring),
            "ra_cavity": (below > 0) & self.right_atrium.contains(points),
            "rv_cavity": (below < 0) & right,
            "rv_wall": (below < 0) & right_wall,
            "atrial_wall": (below > 0)
            & (
                self.left_atrium.contains(points, wall=_ATRIAL_WALL)
                | self.right_atrium.contains(points, wall=_ATRIAL_WALL)
            ),
            "pericardium": shell & (below <= 0) & (z > 0.15 * lv.length),
        }
        codes = [np.uint8(TISSUES.index(name)) for name in cases]
        return np.select(list(cases.values()), codes, np.uint8(0)).astype(np.uint8)


def sample_heart(seed: int) -> Heart:
    """Draw a patient whose volumes, wall and function belong together.

    Parameters
    ----------
    seed : int
        Number of the patient, not negative; the same number gives the same heart.

    Returns
    -------
    heart : Heart
        End-diastolic volume 60..200 mL, ejection fraction 25..70 %, wall 7..12 mm,
        heart rate 50..90 a minute. Weak ventricles are drawn larger, rounder, with
        less shortening and twist.

    Notes
    -----
    Ranges follow the chamber quantification guideline of ASE and EACVI (Lang 2015)
    from normal to severely reduced function. Shortening of the long axis is close to
    a quarter of the ejection fraction, which puts the strain of the endocardial
    contour near -19 % at an ejection fraction of 60 %.

    Examples
    --------
    >>> heart = sample_heart(7)
    >>> 60 <= heart.ventricle.cavity_volume * 1e6 <= 200
    True
    >>> heart == sample_heart(7), heart == sample_heart(8)
    (True, False)
    """
    if seed < 0:
        raise InvalidArgumentError(f"sample_heart: seed must be >= 0, got {seed}.")
    rng = np.random.default_rng(seed)
    fraction = float(rng.uniform(0.25, 0.70))
    weakness = (0.60 - fraction) / 0.35
    volume = float(
        np.clip(112e-6 + 45e-6 * weakness + rng.normal(0, 20e-6), 6e-5, 2e-4)
    )
    ventricle = _ventricle_of_volume(
        volume,
        slenderness=float(rng.uniform(1.68, 1.9) - 0.15 * weakness),
        truncation=float(rng.uniform(0.60, 0.70)),
        wall=float(rng.uniform(0.007, 0.012)),
    )
    function = Function(
        heart_rate=float(rng.uniform(50, 90)),
        ejection_fraction=fraction,
        shortening=float(0.255 * fraction + rng.uniform(-0.012, 0.012)),
        twist=math.radians(float(rng.uniform(7, 11)) * fraction / 0.6),
        early_filling=float(rng.uniform(0.5, 0.72)),
    )
    return _heart_around(ventricle, function, size=float(rng.uniform(0.9, 1.1)))


_LUNG_DB = -14.0
_LUNG_DEPTH = 0.03
_PERICARDIUM = 0.0022
_RIGHT_WALL = 0.004
_ATRIAL_WALL = 0.003


def _base_radii(lv: LeftVentricle) -> tuple[float, float]:
    """Radius of endocardium and epicardium at the base [m]."""
    base = np.array(lv.length)
    inner, outer = (lv.layer_radius_squared(base, fraction=f) for f in (0.0, 1.0))
    return math.sqrt(inner), math.sqrt(outer)


def _ventricle_of_volume(
    volume: float, *, slenderness: float, truncation: float, wall: float
) -> LeftVentricle:
    """Build the ventricle of a volume [m^3] and a ratio of length to diameter."""
    ratio = (1 + truncation) / (2 * slenderness)
    unit = LeftVentricle(1.0, ratio, wall, truncation).cavity_volume
    long_axis = (volume / unit) ** (1 / 3)
    return LeftVentricle(long_axis, ratio * long_axis, wall, truncation)


def _heart_around(lv: LeftVentricle, function: Function, *, size: float) -> Heart:
    """Place the other chambers around a ventricle; `size` scales the atria."""
    rim, base = lv.short_axis + lv.wall, lv.length
    ring, _ = _base_radii(lv)
    atrium = (1.15 * ring * size, 1.15 * ring * size, 0.026 * size)
    right = (0.019 * size, 0.020 * size, 0.023 * size)
    return Heart(
        ventricle=lv,
        function=function,
        left_atrium=Ellipsoid((0.002, 0.0, base + 0.95 * atrium[2]), atrium),
        right_ventricle=Ellipsoid(
            (-rim - 0.006, 0.0, 0.78 * base), (0.025, 0.026, 0.62 * base)
        ),
        right_atrium=Ellipsoid((-rim - 0.012, 0.0, base + 0.95 * right[2]), right),
    )
