"""How the left ventricle moves: a map of every point that is exact in closed form.

In the cavity and in the wall the map preserves the volume of all tissue exactly, and
the cavity's volume, the velocities and the inverse map are formulas. Outside them the
displacement fades out smoothly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.errors import CardiumError
from cardium.phantom.anatomy import Heart, LeftVentricle
from cardium.phantom.cycle import Cycle

Floats = NDArray[np.floating[Any]]


class Material(NamedTuple):
    """Material points, with all of the map that does not change in time.

    Each field has the shape of the points. `position` needs nothing else, so a cloud
    of scatterers is prepared once and moved in every frame.

    Parameters
    ----------
    x, y, z : (...) [m]
        Where the points are at end-diastole.
    share : (...)
        Part of the point's squared radius that emptying can take away.
    radial : (...)
        Weight of the displacement across the long axis: 1 in the ventricle.
    axial : (...) [m]
        Height that the axial stretch acts on.
    turn : (...)
        Rotation per rotation of the apex.
    """

    x: Floats
    y: Floats
    z: Floats
    share: Floats
    radial: Floats
    axial: Floats
    turn: Floats


@dataclass(frozen=True, slots=True)
class Motion:
    """The map from end-diastole to any time, its inverse and its velocity.

    Parameters
    ----------
    ventricle : LeftVentricle
        The shape at end-diastole.
    cycle : Cycle
        The course of emptying kappa, stretch lambda and twist tau.

    Notes
    -----
    A point at radius R, angle Theta and height Z at end-diastole goes to

        z = lambda Z,   r^2 = (R^2 - kappa min(R_en(Z)^2, R^2)) / lambda,
        theta = Theta + tau g(Z),

    R_en being the endocardial radius. In the wall the minimum is R_en^2; the gradient
    is then triangular and its determinant is 1 for any kappa, lambda and tau, so the
    myocardium is incompressible. In the cavity r^2 = R^2 (1 - kappa) / lambda, which
    meets the wall and makes the cavity's volume EDV (1 - kappa). This is the
    thick-walled ellipsoid of Rabben et al. 2003 with the cavity added.

    Outside the epicardium and below the base each displacement is weighted by a
    Gaussian of the distance. Radii shrink by a positive factor, never to zero, so what
    lies under the valve ring does not collapse onto the axis.

    Examples
    --------
    >>> from cardium.phantom.anatomy import sample_heart
    >>> motion = Motion.of(sample_heart(1))
    >>> points = np.array([[0.03, 0.0, 0.04]])
    >>> there = motion.forward(points, 0.2)
    >>> bool(np.allclose(motion.inverse(there, 0.2), points, rtol=0, atol=1e-12))
    True
    """

    ventricle: LeftVentricle
    cycle: Cycle

    @classmethod
    def of(cls, heart: Heart, *, first_r: float = 0.0) -> Motion:
        """Build the motion of a heart with an R peak at `first_r` [s]."""
        return cls(heart.ventricle, Cycle(heart.function, first_r))

    def volume(self, time: FloatArray) -> FloatArray:
        """Volume of the cavity at times [s], in m^3: EDV (1 - kappa)."""
        return self.ventricle.cavity_volume * (1 - self.cycle.emptying(time))

    def material(self, points: FloatArray) -> Material:
        """Prepare end-diastolic points (..., 3) [m] for `position`."""
        x, y, z = np.moveaxis(points, -1, 0)
        return Material(x, y, z, *self._weights(np.hypot(x, y), z))

    def position(
        self, material: Material, time: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return x, y and z [m] of material points at one time [s]."""
        kappa, stretch, twist = self._state(time)
        scale = _scale(material, kappa, stretch)
        angle = twist * material.turn
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        return (
            cos * material.x - sin * material.y,
            sin * material.x + cos * material.y,
            material.z + (stretch - 1) * material.axial,
        )

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
            The same material at end-diastole: exact in cavity and wall; by Newton's
            method, to 1e-10 m and better, outside.

        Raises
        ------
        CardiumError
            If Newton's method does not converge.
        """
        x, y, z = np.moveaxis(points, -1, 0)
        kappa, stretch, twist = self._state(time)
        r = np.hypot(x, y)
        radius, height = self._inverse_inside(r, z, kappa, stretch)
        outside = (height > self.ventricle.length) | (
            self.ventricle.epicardial_level(radius, height) > 1
        )
        if outside.any():
            radius[outside], height[outside] = self._inverse_outside(
                r[outside], z[outside], kappa, stretch
            )
        material = Material(x, y, height, *self._weights(radius, height))
        scale = _scale(material, kappa, stretch)
        angle = twist * material.turn
        cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
        return np.stack([cos * x + sin * y, cos * y - sin * x, height], axis=-1)

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
        material = self.material(self.inverse(points, time))
        kappa, stretch, _ = self._state(time)
        at = np.asarray(time)
        kappa_rate = float(self.cycle.emptying_rate(at))
        stretch_rate = float(self.cycle.stretch_rate(at))
        spin = float(self.cycle.twist_rate(at)) * material.turn
        full = np.sqrt((1 - kappa * material.share) / stretch)
        full_rate = (-kappa_rate * material.share - full**2 * stretch_rate) / (
            2 * full * stretch
        )
        growth = material.radial * full_rate / _scale(material, kappa, stretch)
        x, y = points[..., 0], points[..., 1]
        return np.stack(
            [
                growth * x - spin * y,
                growth * y + spin * x,
                stretch_rate * material.axial,
            ],
            axis=-1,
        )

    def contour(
        self, times: FloatArray, *, layers: int = 5, count: int = 61
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

        Returns
        -------
        contour : (T, layers, count, 2) [m]
            x and z of the layers, endocardium first, each from the septal base over
            the apex to the lateral base, open at the base.

        Notes
        -----
        A layer is a material surface. Twist carries its points out of the plane, but
        the surface is round: the outline is where it meets the plane.
        """
        fractions = np.linspace(0, 1, layers)
        flat = np.stack([self.ventricle.layer_points(f, count) for f in fractions])
        points = np.stack([flat[..., 0], np.zeros(flat.shape[:-1]), flat[..., 1]], -1)
        material = self.material(points)
        # Rounding may put an endocardial point on either side of its own surface.
        share = np.where(fractions[:, None] == 0, 1.0, material.share)
        untwisted = material._replace(share=share, turn=np.zeros_like(share))
        frames = [self.position(untwisted, float(time)) for time in times]
        return np.stack([np.stack([x, z], axis=-1) for x, _, z in frames])

    def _state(self, time: float) -> tuple[float, float, float]:
        """Return emptying, stretch and twist at one time."""
        at, cycle = np.asarray(time), self.cycle
        return (
            float(cycle.emptying(at)),
            float(cycle.stretch(at)),
            float(cycle.twist(at)),
        )

    def _weights(self, radius: FloatArray, z: FloatArray) -> tuple[FloatArray, ...]:
        """Fields `share`, `radial`, `axial` and `turn` of material points."""
        lv = self.ventricle
        height = np.clip(z, -lv.wall, lv.length)
        level = lv.epicardial_level(radius, np.minimum(z, lv.length))
        outside = np.maximum(level - 1, 0) * (lv.short_axis + lv.wall)
        below = np.maximum(z - lv.length, 0)
        endocardium = lv.layer_radius_squared(height)
        square = np.maximum(radius**2, _TINY)
        share = np.minimum(endocardium / square, 1)
        radial = np.exp(-((outside / _RADIAL_REACH) ** 2) - (below / _RING_REACH) ** 2)
        axial = height * np.exp(-(outside**2 + below**2) / _AXIAL_REACH**2)
        turn = (1 - _BASE_TURN * np.maximum(height, 0) / lv.length) * radial
        return share, radial, axial, turn

    def _inverse_inside(
        self, r: FloatArray, z: FloatArray, kappa: float, stretch: float
    ) -> tuple[FloatArray, FloatArray]:
        """Radius and height at end-diastole by the formulas of wall and cavity."""
        height = np.asarray(z / stretch)
        below = np.minimum(height, self.ventricle.length)
        endocardium = self.ventricle.layer_radius_squared(below)
        square = stretch * r**2
        cavity = square < (1 - kappa) * endocardium
        square = np.where(cavity, square / (1 - kappa), square + kappa * endocardium)
        return np.sqrt(square), height

    def _inverse_outside(
        self, r: FloatArray, z: FloatArray, kappa: float, stretch: float
    ) -> tuple[FloatArray, FloatArray]:
        """Radius and height at end-diastole where displacements fade out."""

        def move(radius: FloatArray, height: FloatArray) -> FloatArray:
            material = Material(radius, radius, height, *self._weights(radius, height))
            scale = _scale(material, kappa, stretch)
            return np.stack([scale * radius, height + (stretch - 1) * material.axial])

        target = np.stack([r, z])
        guess, step = target.copy(), 1e-7
        for _ in range(_NEWTON_STEPS):
            here = move(*guess)
            error = target - here
            if abs(error).max() < _NEWTON_GOAL:
                return guess[0], guess[1]
            a, c = (move(guess[0] + step, guess[1]) - here) / step
            b, d = (move(guess[0], guess[1] + step) - here) / step
            change = np.stack(
                [d * error[0] - b * error[1], a * error[1] - c * error[0]]
            ) / (a * d - b * c)
            guess += change
            guess[0] = abs(guess[0])
        raise CardiumError(
            f"Motion: the inverse map is {abs(error).max():.1e} m off after "
            f"{_NEWTON_STEPS} Newton steps. Are the points within 1 m of the heart?"
        )


_BASE_TURN = 1.4
_RADIAL_REACH = 0.017
_RING_REACH = 0.012
_AXIAL_REACH = 0.042
_TINY = 1e-30
_NEWTON_STEPS = 60
_NEWTON_GOAL = 1e-11


def _scale(material: Material, kappa: float, stretch: float) -> Floats:
    """Factor by which emptying and stretch change a point's radius."""
    full = np.sqrt((1 - kappa * material.share) / stretch)
    return np.asarray(1 + material.radial * (full - 1))
