"""How the left ventricle moves: a map of every point that is exact in closed form.

In the wall the map preserves volume exactly, and the cavity's volume, the velocities,
the gradient and, without regional disease, the inverse map are formulas. Outside them
the displacement fades out smoothly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import CardiumError, InvalidArgumentError
from cardium.phantom.anatomy import Heart
from cardium.phantom.chambers import RightVentricle
from cardium.phantom.cycle import Cycle
from cardium.phantom.outline import arc_length, outline
from cardium.phantom.region import (
    Contraction,
    Regions,
    base_lift,
    body_of,
    check_contraction,
    regions_of,
)
from cardium.phantom.rhythm import Rhythm
from cardium.phantom.shapes import LeftVentricle

if TYPE_CHECKING:
    from cardium.phantom._motion_kernels import Body, State

Floats = NDArray[np.floating[Any]]


class Material(NamedTuple):
    """Material points, with all of the map that does not change in time.

    Each field has the shape of the points. `Motion.position` and `Motion.rate` need
    nothing else, so a cloud of scatterers is prepared once and moved in every frame.

    Parameters
    ----------
    x, y, z : (...) [m]
        Where the points are at end-diastole, in the round frame of the ventricle.
    share : (...)
        Part of the point's squared radius that emptying can take away.
    radial : (...)
        Weight of the displacement across the long axis: 1 in the ventricle.
    axial : (...) [m]
        Way along the long axis for a shortening of 1.
    contraction : (...)
        Local shortening of the long axis, against the mean.
    shear : (...) [1/rad]
        What twist adds to that where the contraction changes around the axis.
    turn : (...)
        Rotation per rotation of the apex.
    lid : (...)
        Part of the lift of the middle of the base that the point takes.
    inward : (...)
        Part of the radius that the point loses, per emptying, with the free wall of
        the right ventricle.
    """

    x: Floats
    y: Floats
    z: Floats
    share: Floats
    radial: Floats
    axial: Floats
    contraction: Floats
    shear: Floats
    turn: Floats
    lid: Floats
    inward: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """The map from end-diastole to any time, its inverse, velocity and gradient.

    Parameters
    ----------
    ventricle : LeftVentricle
        The shape at end-diastole.
    cycle : Cycle
        The course of emptying kappa, stretch 1 - s and twist tau, of the apex against
        the base.
    regions : Regions
        Where the wall contracts less.
    right : RightVentricle, optional
        The right ventricle, which contracts with the left one. Without it, what lies
        around the left ventricle is only drawn along.

    Raises
    ------
    InvalidArgumentError
        If the wall that is left would have to contract more than a wall can.

    Notes
    -----
    With c_r and c_a, the local weights of contraction (`Contraction`), a point of the
    wall at radius R, angle Theta and height Z of end-diastole goes to

        z = h = Z - s A(Theta, Z),   theta = Theta + tau g(Z),
        r^2 = (R^2 - k R_en(Z)^2) / D,   k = kappa c_r(Theta, Z),
        D = dh/dZ - tau g' dh/dTheta,

    A being the integral of c_a over the height, R_en the radius of the endocardium and
    g linear, from 0.71 at the apex to -0.29 at the base. Angle and height do not depend
    on R, so the determinant of the gradient is that of (Theta, Z) to (theta, z), which
    is D, times d(r^2)/d(R^2), which is 1 / D: it is 1, for any kappa, s, tau and
    weights.
    In the cavity r^2 = R^2 (1 - k) / D, which meets the wall and has the determinant
    1 - k. As the mean of c_r over the cavity is 1, its volume is EDV (1 - kappa).

    Without regions c_r = c_a = 1, and this is the thick-walled ellipsoid of Rabben et
    al. 2003 with the cavity added. With them the axis of the cavity would be torn; so
    within 0.6 of its radius the weights go over to their means around the axis. The
    base does not stay flat either: its edge is higher where the wall shortens less.
    The middle of the base goes to the mean height of its edge, weighted with the
    squared radius; then any smooth lid, and a fan, closes the volume EDV (1 - kappa).

    An elliptic cross-section is a constant stretch of x and 1 / y before and after. An
    excess of wall only moves the epicardium.

    Outside the epicardium and below the base each displacement is weighted by a
    Gaussian of the distance. The right ventricle adds two displacements, which begin,
    with their first two derivatives zero, at the epicardium: its free wall comes
    towards the axis with kappa, and it and the tricuspid ring come down with s. Radii
    shrink by a positive factor, never to zero, so what lies under the valve ring does
    not collapse onto the axis. Behind the heart displacements end sooner, at the aorta.

    Examples
    --------
    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Infarct, Patient
    >>> patient = Patient(
    ...     ef_percent=45, gls_percent=-13,
    ...     conditions=("infarct",), infarct=Infarct("lad", 0.9),
    ... )
    >>> motion = Motion.of(build_heart(patient))
    >>> points = np.array([[0.03, 0.0, 0.04]])
    >>> there = motion.forward(points, 0.2)
    >>> bool(np.allclose(motion.inverse(there, 0.2), points, rtol=0, atol=1e-12))
    True
    >>> round(float(np.linalg.det(motion.gradient(points, 0.2))[0]), 12)
    1.0
    """

    ventricle: LeftVentricle
    cycle: Cycle
    regions: Regions = ()
    right: RightVentricle | None = None
    contraction: Contraction = field(init=False, repr=False)

    def __post_init__(self) -> None:
        contraction = Contraction(self.ventricle, self.regions)
        object.__setattr__(self, "contraction", contraction)
        emptied = max(beat.emptied for beat in self.cycle.beats)
        check_contraction(contraction, emptied, self.cycle.function.shortening)
        if self.cycle.function.twist > _MOST_TWIST:
            raise InvalidArgumentError(
                f"Motion: no apex turns by more than {_MOST_TWIST} rad, got a twist of "
                f"{self.cycle.function.twist}. Was it given in degrees?"
            )

    @classmethod
    def of(cls, heart: Heart, rhythm: Rhythm | None = None) -> Motion:
        """Build the motion of a heart; two regular beats from 0 s if none are given."""
        beats = rhythm or Rhythm.regular(heart.function.heart_rate, beats=2)
        cycle = Cycle(heart.function, beats)
        regions = regions_of(heart.patient)
        return cls(heart.ventricle, cycle, regions, heart.right_ventricle)

    def volume(self, time: FloatArray) -> FloatArray:
        """Volume of the cavity at times [s], in m^3: EDV (1 - kappa)."""
        return self.ventricle.cavity_volume * (1 - self.cycle.emptying(time))

    def material(self, points: FloatArray) -> Material:
        """Prepare end-diastolic points (..., 3) [m] for `position` and `rate`."""
        from cardium.phantom._motion_kernels import weigh_all

        shape = points.shape[:-1]
        there = self.ventricle.to_round(np.asarray(points, float))
        x, y, z = np.ascontiguousarray(there.reshape(-1, 3).T)
        weights = np.empty((8, x.size))
        weigh_all(self.body(), x, y, z, weights)
        return Material(*(part.reshape(shape) for part in (x, y, z, *weights)))

    def position(
        self, material: Material, time: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return x, y and z [m] of material points at one time [s]."""
        from cardium.phantom._motion_kernels import place

        x, y, z = self._run(place, material, time)
        return x, y, z

    def rate(self, material: Material, time: float) -> Floats:
        """Return the velocity (..., 3) [m/s] of material points at one time [s]."""
        from cardium.phantom._motion_kernels import move_rate

        return np.moveaxis(self._run(move_rate, material, time), 0, -1)

    def forward(self, points: FloatArray, time: float) -> FloatArray:
        """Move end-diastolic points (..., 3) [m] to where they are at a time [s]."""
        return np.stack(self.position(self.material(points), time), axis=-1)

    def inverse(self, points: FloatArray, time: float) -> FloatArray:
        """Find where points were at end-diastole.

        Parameters
        ----------
        points : (..., 3) [m]
            Points at `time`, in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        points : (..., 3) [m]
            The same material at end-diastole: by formula in wall and cavity without
            regions; by Newton's method, to 1e-12 m, elsewhere and with them.

        Raises
        ------
        CardiumError
            If Newton's method does not converge.
        """
        from cardium.phantom._inverse_kernels import invert

        there = self.ventricle.to_round(np.asarray(points, float)).reshape(-1, 3)
        back = np.empty(there.shape)
        miss = invert(self.body(), self._state(time), there, back)
        if miss > _MISS or not np.isfinite(back).all():
            raise CardiumError(
                f"Motion: the inverse map is {miss:.1e} m off. Are the points finite "
                "and within 1 m of the heart?"
            )
        return self.ventricle.from_round(back.reshape(points.shape))

    def velocity(self, points: FloatArray, time: float) -> FloatArray:
        """Velocity of whatever tissue is at points at one time.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        velocity : (..., 3) [m/s]
            Derivative of `forward` in time at the material that is there.
        """
        return np.asarray(self.rate(self.material(self.inverse(points, time)), time))

    def gradient(self, points: FloatArray, time: float) -> FloatArray:
        """Deformation gradient F of the map at end-diastolic points.

        Parameters
        ----------
        points : (..., 3) [m]
            Points at end-diastole, in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        gradient : (..., 3, 3)
            ``F[i, j]``, the derivative of coordinate i at `time` by coordinate j at
            end-diastole. In the wall, and in the cavity without regions or beyond 0.6
            of its radius, by formula; elsewhere by central differences, good to 1e-6.
        """
        from cardium.phantom._inverse_kernels import differentiate

        there = self.ventricle.to_round(np.asarray(points, float)).reshape(-1, 3)
        gradient = np.empty((len(there), 3, 3))
        differentiate(self.body(), self._state(time), there, gradient)
        stretch = self.ventricle.from_round(np.ones(3))
        gradient *= stretch[:, None] / stretch
        return gradient.reshape(*points.shape[:-1], 3, 3)

    def cavity_share(self, points: FloatArray, time: float) -> FloatArray:
        """Squared radius, against the endocardium's, of the material at points.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        share : (...)
            0 on the long axis, 1 on the endocardium; infinite above the apex and
            below the base. So it is less than 1 in the cavity, and only there.
        """
        radius, _, z = self.ventricle.cylindrical(self.inverse(points, time))
        inside = (z > 0) & (z <= self.ventricle.length)
        endocardium = self.ventricle.layer_radius_squared(z)
        share = np.full(z.shape, np.inf)
        np.divide(radius**2, endocardium, out=share, where=inside & (endocardium > 0))
        return share

    def contour(
        self,
        times: FloatArray,
        *,
        layers: int = 5,
        count: int = 61,
        rotation: float = 0.0,
    ) -> FloatArray:
        """Outline layers of the wall in a plane through the long axis.

        Parameters
        ----------
        times : (T,) [s]
            Times on the recording's clock.
        layers : int
            Number of layers, evenly spaced from endocardium to epicardium.
        count : int
            Points along each layer.
        rotation : float [rad]
            Direction of the plane's right side, from x (lateral) towards y (inferior).

        Returns
        -------
        contour : (T, layers, count, 2) [m]
            Place across, to the right, and z of the layers, endocardium first, each
            from the base on the left over the apex to the base on the right, open at
            the base.

        Notes
        -----
        A layer is a material surface; the outline is where it meets the plane. Twist
        carries other material into the plane: at each height that of the angle
        ``theta - tau g(Z)``.
        """
        fractions = np.linspace(0, 1, layers)
        return np.stack(
            [
                outline(
                    self.contraction,
                    state,
                    fractions=fractions,
                    count=count,
                    rotation=rotation,
                )
                for state in self._courses(times)
            ]
        )

    def arc_length(
        self, times: FloatArray, *, fractions: FloatArray, rotation: float = 0.0
    ) -> FloatArray:
        """Length of layers, from base to base, in a plane through the long axis.

        Parameters
        ----------
        times : (T,) [s]
            Times on the recording's clock.
        fractions : (layers,)
            Depth of the layers in the wall: 0 is the endocardium, 1 the epicardium.
        rotation : float [rad]
            As in `contour`.

        Returns
        -------
        length : (T, layers) [m]
            By 600 chords: short by 3e-6, and their ratios by less.
        """
        return np.stack(
            [
                arc_length(
                    self.contraction, state, fractions=fractions, rotation=rotation
                )
                for state in self._courses(times)
            ]
        )

    def body(self) -> Body:
        """Numbers of the ventricles for the loops."""
        from cardium.phantom._free_wall import FreeWall, inward_of

        right = self.right
        if right is None:
            return body_of(self.contraction)
        heading = float(self.ventricle.azimuth(np.array(right.heading)))
        inward = inward_of(right.width, self.cycle.function.ejection_fraction)
        wall = FreeWall(heading, right.apex, right.floor, right.width, inward)
        return body_of(self.contraction, wall)

    def _state(self, time: float) -> State:
        """How far the ventricle has contracted at one time, and how fast it does."""
        return _state_of(self, float(time))

    def _courses(self, times: FloatArray) -> list[tuple[float, float, float]]:
        """Find emptying, shortening and rotation of the apex at many times."""
        from cardium.phantom._motion_kernels import BASE_TURN

        cycle, at = self.cycle, np.asarray(times, float)
        turn = cycle.twist(at) / BASE_TURN
        courses = (cycle.emptying(at), 1 - cycle.stretch(at), turn)
        return list(zip(*(course.tolist() for course in courses), strict=True))

    def _run(
        self, loop: Callable[..., None], material: Material, time: float
    ) -> Floats:
        """Run a loop over material in the precision of its fields, into (3, ...)."""
        from cardium.phantom._motion_kernels import SERIES

        kind = material.x.dtype.type
        fields = [np.ascontiguousarray(part).ravel() for part in material]
        out = np.empty((3, fields[0].size), kind)
        stretch = self.ventricle.eccentricity
        numbers = tuple(kind(number) for number in self._state(time))
        series = tuple(tuple(kind(part) for part in row) for row in SERIES)
        loop(*fields, numbers, (kind(stretch), kind(1 / stretch)), series, out)
        return out.reshape(3, *material.x.shape)


_MISS = 1e-12
_MOST_TWIST = 0.9


@lru_cache(maxsize=512)
def _state_of(motion: Motion, time: float) -> State:
    """State of a motion at one time: a frame asks for it several times."""
    from cardium.phantom._motion_kernels import BASE_TURN, State

    at, cycle = np.asarray(time), motion.cycle
    state = (
        float(cycle.emptying(at)),
        1 - float(cycle.stretch(at)),
        float(cycle.twist(at)) / BASE_TURN,
    )
    rate = (
        float(cycle.emptying_rate(at)),
        -float(cycle.stretch_rate(at)),
        float(cycle.twist_rate(at)) / BASE_TURN,
    )
    lift, lift_rate = base_lift(motion.contraction, state, rate)
    return State(*state, lift, *rate, lift_rate)
