"""Where the wall contracts less: infarcts and infiltration, smooth and normalised.

A `Region` says which part of its contraction the wall loses where. What the others
contract more for that is found here, so that the ventricle empties as stated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray
from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import Patient
from cardium.phantom.shapes import SWELL, LeftVentricle

if TYPE_CHECKING:
    from cardium.phantom._free_wall import FreeWall
    from cardium.phantom._motion_kernels import Body


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the wall that contracts less.

    Parameters
    ----------
    across, along : float
        Part of the contraction across and along the long axis that is lost, 0..1.
    apex : float
        How much of that is lost at the apex, all around it, 0..1.
    start, end : float
        Between these heights, in parts of the ventricle's length, the loss changes
        from that of the apex to that of `window`.
    azimuth : float, optional
        Direction of its middle [rad], as in the frame of the ventricle: 0 is lateral,
        pi / 2 inferior. None is all around.
    core, edge : float
        Angles from its middle up to which it is whole, and from which there is none
        [rad].

    Raises
    ------
    InvalidArgumentError
        If a part is not in 0..1, or a step has no width.

    Notes
    -----
    The loss is ``apex + (window - apex) step``, the step rising from `start` to `end`
    and the window falling from 1 to 0 between `core` and `edge`. Both are steps
    ``u^3 (10 - 15 u + 6 u^2)``, the window's in the cosine of the angle, so two
    derivatives are continuous, and around the apex nothing depends on the angle.
    """

    across: float
    along: float
    apex: float = 0.0
    start: float = 0.10
    end: float = 0.40
    azimuth: float | None = None
    core: float = math.radians(35)
    edge: float = math.radians(85)

    def __post_init__(self) -> None:
        parts = (self.across, self.along, self.apex)
        if not all(0 <= part <= 1 for part in parts):
            raise InvalidArgumentError(
                f"Region: parts that are lost must be in 0..1, got {parts}. "
                "Were they given in percent?"
            )
        steps = (self.start, self.end, self.core, self.edge)
        if not (0 <= self.start < self.end and 0 <= self.core < self.edge <= math.pi):
            raise InvalidArgumentError(
                "Region: needs 0 <= start < end and 0 <= core < edge <= pi, got "
                f"{steps}."
            )


Regions = tuple[Region, ...]
"""Regions whose losses add up; none for a ventricle that contracts evenly."""


def regions_of(patient: Patient) -> Regions:
    """Find where the ventricle of a patient contracts less.

    Parameters
    ----------
    patient : Patient
        Whose `infarct` and conditions count.

    Returns
    -------
    regions : Regions
        The infarct's, in the territory of its artery; that of amyloid, which takes
        three quarters of the contraction along the axis at the base and none at the
        apex, of what an infarct leaves.

    Notes
    -----
    Territories follow the 17 segments of Cerqueira et al. 2002: left anterior
    descending, the anteroseptal and anterior wall and the apex; left circumflex, the
    lateral wall; right coronary artery, the inferior wall and half of the inferior
    septum. Apical sparing follows Phelan et al. 2012.

    Examples
    --------
    >>> from cardium.phantom.patient import Infarct
    >>> ill = Patient(
    ...     ef_percent=42, gls_percent=-12,
    ...     conditions=("infarct",), infarct=Infarct("lad", 0.8),
    ... )
    >>> [region.apex for region in regions_of(ill)]
    [1.0]
    >>> regions_of(Patient())
    ()
    """
    regions: list[Region] = []
    left = 1.0
    if patient.infarct is not None:
        azimuth, apex, end = _TERRITORIES[patient.infarct.territory]
        lost = patient.infarct.severity
        left -= lost
        regions.append(
            Region(lost, lost, apex=apex, end=end, azimuth=math.radians(azimuth))
        )
    if "amyloid" in patient.conditions and left > 0:
        regions.append(Region(0.0, _AMYLOID_LOSS * left, start=0.15, end=0.95))
    return tuple(regions)


@dataclass(frozen=True, slots=True, eq=False)
class Contraction:
    """Weights of contraction that keep the ventricle's emptying and shortening.

    Parameters
    ----------
    ventricle : LeftVentricle
        The shape, over whose cavity the mean is taken.
    regions : Regions
        Where contraction is lost.

    Attributes
    ----------
    radial, axial : float
        Greatest c_r and c_a: contraction of the healthy wall against the mean.
    table : (N, 9)
        A row of each region: across, along, apex, start, end, azimuth, the cosines of
        edge and core, and the mean of the window over all angles. A region all around
        has equal cosines.

    Raises
    ------
    InvalidArgumentError
        If the regions together lose more than there is, or than others can make up for.

    Notes
    -----
    At an angle and a height the wall empties by ``c_r`` times the mean and shortens by
    ``c_a`` times the mean:

        c = (1 - sum of losses) / (1 - mean of the losses).

    For c_r the mean is over the volume of the cavity at end-diastole, for c_a over
    height and angle. So the cavity empties as a whole, and the base descends on
    average, as if there were no region.

    Examples
    --------
    With half of the wall akinetic the rest must do twice as much.

    >>> half = Region(1.0, 1.0, start=0, end=1e-9, azimuth=0, core=1.57, edge=1.5716)
    >>> ventricle = LeftVentricle(0.05, 0.025, 0.009, 0.6)
    >>> round(Contraction(ventricle, (half,)).radial, 2)
    2.0
    """

    ventricle: LeftVentricle
    regions: Regions
    radial: float = field(init=False)
    axial: float = field(init=False)
    table: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("across", "along"):
            total = sum(getattr(region, name) for region in self.regions)
            if total > 1 + 1e-12:
                raise InvalidArgumentError(
                    f"Contraction: {len(self.regions)} regions lose {total:.2f} of the "
                    f"contraction {name} the long axis, more than all of it. "
                    "Lower their parts."
                )
        across, along = self._lost()
        if max(across, along) > _MOST_LOST:
            raise InvalidArgumentError(
                f"Contraction: the regions lose {100 * max(across, along):.0f} % of "
                f"all contraction; the rest cannot make up for more than "
                f"{100 * _MOST_LOST:.0f} %. Make them smaller or weaker."
            )
        object.__setattr__(self, "radial", 1 / (1 - across))
        object.__setattr__(self, "axial", 1 / (1 - along))
        rows = [
            (r.across, r.along, r.apex, r.start, r.end, *_cosines(r), _mean_window(r))
            for r in self.regions
        ]
        object.__setattr__(self, "table", np.array(rows, float).reshape(-1, 9))

    @property
    def greatest_emptying(self) -> float:
        """Emptying at which the healthy wall would meet the long axis."""
        return 1 / self.radial

    def _lost(self) -> tuple[float, float]:
        """Part of the contraction across and along the axis that is lost in all."""
        return (
            sum(r.across * self._mean(r, by_volume=True) for r in self.regions),
            sum(r.along * self._mean(r, by_volume=False) for r in self.regions),
        )

    def _mean(self, region: Region, *, by_volume: bool) -> float:
        """Mean of the loss over the cavity, or over height and angle."""
        lv = self.ventricle
        cuts = np.unique(np.clip([0, region.start, region.end, 1], 0, 1))
        height, weight = _gauss_in(cuts, 8)
        if by_volume:
            weight = weight * lv.layer_radius_squared(height * lv.length)
        u = np.clip((height - region.start) / (region.end - region.start), 0, 1)
        rise = u**3 * (10 - 15 * u + 6 * u**2)
        loss = region.apex + (_mean_window(region) - region.apex) * rise
        return float((weight * loss).sum() / weight.sum())


def check_contraction(
    contraction: Contraction, emptying: float, shortening: float
) -> None:
    """Refuse a contraction that would turn the wall inside out.

    Parameters
    ----------
    contraction : Contraction
        Where the wall contracts.
    emptying, shortening : float
        The greatest of the whole ventricle.

    Raises
    ------
    InvalidArgumentError
        If the healthy wall would empty by more than 95 % or shorten by more than 60 %.

    Examples
    --------
    With half of the wall akinetic the rest must do twice as much.

    >>> half = Region(1.0, 1.0, start=0, end=1e-9, azimuth=0, core=1.57, edge=1.5716)
    >>> uneven = Contraction(LeftVentricle(0.05, 0.025, 0.009, 0.6), (half,))
    >>> check_contraction(uneven, 0.45, 0.1)
    >>> check_contraction(uneven, 0.5, 0.1)
    Traceback (most recent call last):
    cardium.errors.InvalidArgumentError: Motion: emptying by 50 % in all needs 100 %
    where the wall is healthy, and no wall does more than 95 %...
    """
    for name, whole, weight, most in (
        ("emptying", emptying, contraction.radial, _MOST_EMPTYING),
        ("shortening", shortening, contraction.axial, _MOST_SHORTENING),
    ):
        if whole * weight > most:
            raise InvalidArgumentError(
                f"Motion: {name} by {100 * whole:.0f} % in all needs "
                f"{100 * whole * weight:.0f} % where the wall is healthy, and no wall "
                f"does more than {100 * most:.0f} %: with these regions at most "
                f"{100 * most / weight:.0f} % in all. Lower the ejection fraction, "
                "the strain or the severity."
            )


def body_of(contraction: Contraction, free_wall: FreeWall | None = None) -> Body:
    """Collect the numbers of a ventricle and of the other's wall for the loops."""
    from cardium.phantom._free_wall import NO_WALL
    from cardium.phantom._motion_kernels import Body

    lv = contraction.ventricle
    return Body(
        lv.long_axis,
        lv.short_axis,
        lv.wall,
        lv.length,
        lv.septal_excess,
        SWELL,
        contraction.radial,
        contraction.axial,
        contraction.table,
        NO_WALL if free_wall is None else free_wall,
    )


def base_lift(
    contraction: Contraction,
    state: tuple[float, float, float],
    rate: tuple[float, float, float],
) -> tuple[float, float]:
    """Height of the middle of the base above the mean of its edge [m], and its rate.

    Parameters
    ----------
    contraction : Contraction
        Where the ventricle contracts.
    state, rate : (emptying, shortening, rotation of the apex)
        How far and how fast it does; see `cardium.phantom.motion.Motion`.

    Returns
    -------
    lift, lift_rate : float [m], float [m/s]
        What brings the middle to the mean weighted with the squared radius of the
        edge. Both are zero without regions.

    Examples
    --------
    A ventricle 80 mm long shortens by 20 %: with half of its wall akinetic, the base
    comes down by 0 on one side and by 32 mm on the other, by 16 mm on average. That
    side has 1 / 0.6 times the squared radius, so that the middle comes down by 20 mm,
    4 mm more than the edge.

    >>> half = Region(1.0, 1.0, start=0, end=1e-9, azimuth=0, core=1.57, edge=1.5716)
    >>> uneven = Contraction(LeftVentricle(0.05, 0.025, 0.009, 0.6), (half,))
    >>> lift, _ = base_lift(uneven, (0.0, 0.2, 0.0), (0.0, 0.0, 0.0))
    >>> round(lift, 3)
    -0.004
    """
    if not contraction.regions:
        return 0.0, 0.0
    from cardium.phantom._motion_kernels import BASE_TURN, Local, local_all

    length = contraction.ventricle.length
    angle = np.linspace(-math.pi, math.pi, _EDGE_POINTS, endpoint=False)
    found = np.empty((9, _EDGE_POINTS))
    local_all(body_of(contraction), angle, np.full(_EDGE_POINTS, length), found)
    edge = Local(*found)
    shear = -BASE_TURN / length * edge.height_angle
    (k, s, twist), (k_rate, s_rate, twist_rate) = state, rate
    sheared = edge.axial - twist * shear
    across, along = 1 - k * edge.radial, 1 - s * sheared
    weight = across / along / np.sum(across / along)
    growth = (s_rate * sheared - s * twist_rate * shear) / along
    growth -= k_rate * edge.radial / across
    mean = np.sum(weight * edge.height)
    mean_rate = np.sum(weight * growth * (edge.height - mean))
    level = np.mean(edge.height)
    return (
        float(s * (level - mean)),
        float(s_rate * (level - mean) - s * mean_rate),
    )


_TERRITORIES = {"lad": (-90.0, 1.0, 0.5), "lcx": (30.0, 0.0, 0.4), "rca": (130, 0, 0.4)}
_AMYLOID_LOSS = 0.75
_MOST_LOST = 0.8
_MOST_EMPTYING = 0.95
_MOST_SHORTENING = 0.6
_EDGE_POINTS = 360


def _cosines(region: Region) -> tuple[float, float, float]:
    """Azimuth, and the cosines of edge and core."""
    if region.azimuth is None:
        return 0.0, 1.0, 1.0
    return region.azimuth, math.cos(region.edge), math.cos(region.core)


def _mean_window(region: Region) -> float:
    """Mean of a region's window over all angles."""
    if region.azimuth is None:
        return 1.0
    _, edge, core = _cosines(region)
    angle, weight = _gauss_in(np.array([region.core, region.edge]), 48)
    u = (np.cos(angle) - edge) / (core - edge)
    step = u**3 * (10 - 15 * u + 6 * u**2)
    return float((region.core + (weight * step).sum()) / math.pi)


def _gauss_in(cuts: FloatArray, order: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights of the intervals between cuts."""
    node, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(cuts)[:, None] / 2
    middle = (cuts[1:] + cuts[:-1])[:, None] / 2
    return (middle + half * node).ravel(), (half * weight).ravel()
