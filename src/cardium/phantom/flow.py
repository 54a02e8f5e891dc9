"""Blood in the left ventricle: a flow that is free of divergence and follows the wall.

It is exact in closed form: what the wall's motion displaces goes through the base.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.motion import Motion


@dataclass(frozen=True, slots=True)
class CavityFlow:
    """The velocity of blood at any point of the cavity.

    Parameters
    ----------
    motion : Motion
        How the wall moves.

    Notes
    -----
    The blood between the apex and a fixed height z has the volume
    ``W = (1 - kappa) W0(z / lambda)``, W0 being that of the cavity at end-diastole. So
    through the height flows

        Q = -dW/dt = kappa' W0(Z) + (1 - kappa) pi R_en(Z)^2 Z lambda' / lambda,

    positive towards the base, with Z = z / lambda. The Stokes stream function
    ``psi = Q / (2 pi) G(s, Z)``, s being the squared radius against that of the wall,
    gives ``u_z = (dpsi/dr) / r`` and ``u_r = -(dpsi/dz) / r``, which has no divergence
    for any G. G(0) = 0, and G(1) = 1 makes blood at the wall move with the wall across
    it: no blood goes through. Along the wall it slips.

    G is that of a Gaussian jet, ``(1 - exp(-q s)) / (1 - exp(-q))``. Its strength q
    grows from the apex to the base; filling has a stronger jet than ejection. There is
    no vortex, and no flow out of the plane.

    Examples
    --------
    In systole blood goes to the base, in early diastole to the apex:

    >>> from cardium.phantom.anatomy import sample_heart
    >>> motion = Motion.of(sample_heart(1))
    >>> flow, middle = CavityFlow(motion), np.array([0.0, 0.0, 0.06])
    >>> times = [sum(window) / 2 for window in ((0.055, 0.3), (0.37, 0.6))]
    >>> [bool(flow.velocity(middle, time)[2] > 0) for time in times]
    [True, False]
    """

    motion: Motion

    def contains(self, points: FloatArray, time: float) -> NDArray[np.bool_]:
        """Say which points (..., 3) [m], ventricle's frame, are in the cavity."""
        kappa, stretch, _, _ = self._state(time)
        height = points[..., 2] / stretch
        wall = self.motion.ventricle.layer_radius_squared(height)
        square = (points[..., 0] ** 2 + points[..., 1] ** 2) * stretch
        inside: NDArray[np.bool_] = (
            (height > 0)
            & (height < self.motion.ventricle.length)
            & (square < wall * (1 - kappa))
        )
        return inside

    def flux(self, height: FloatArray, time: float) -> FloatArray:
        """Flow towards the base through heights z [m] of the ventricle, in m^3/s."""
        kappa, stretch, kappa_rate, stretch_rate = self._state(time)
        place = np.asarray(height) / stretch
        area = math.pi * self.motion.ventricle.layer_radius_squared(place)
        moved = (1 - kappa) * area * place * stretch_rate / stretch
        return np.asarray(kappa_rate * self._volume_below(place) + moved)

    def velocity(self, points: FloatArray, time: float) -> FloatArray:
        """Velocity of blood at points at one time.

        Parameters
        ----------
        points : (..., 3) [m]
            Points in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        velocity : (..., 3) [m/s]
            NaN outside the cavity.
        """
        inside = self.contains(points, time)
        velocity = np.full(points.shape, np.nan)
        velocity[inside] = self._velocity_inside(points[inside], time)
        return velocity

    def _velocity_inside(self, points: FloatArray, time: float) -> FloatArray:
        """Differentiate the stream function at points (N, 3) of the cavity."""
        kappa, stretch, kappa_rate, stretch_rate = self._state(time)
        lv = self.motion.ventricle
        place = points[:, 2] / stretch
        endocardium = lv.layer_radius_squared(place)
        # d(R_en^2)/dZ of the spheroid R^2 = b^2 (1 - ((Z - a) / a)^2).
        slope = -2 * (lv.short_axis / lv.long_axis) ** 2 * (place - lv.long_axis)
        square = endocardium * (1 - kappa) / stretch
        share = (points[:, 0] ** 2 + points[:, 1] ** 2) / square
        flux = self.flux(points[:, 2], time)
        growth = kappa_rate * endocardium + (1 - kappa) * stretch_rate / stretch * (
            endocardium + place * slope
        )
        flux_slope = math.pi * growth / stretch
        jet, jet_share, jet_place = self._profile(share, place, time)
        share_slope = -share * slope / (endocardium * stretch)
        psi_slope = flux_slope * jet + flux * (
            jet_share * share_slope + jet_place / stretch
        )
        # psi_slope / r over r, which stays finite on the axis, where psi goes as r^2.
        spread = -psi_slope / (2 * math.pi * np.maximum(share * square, _TINY))
        along = flux / (math.pi * square) * jet_share
        return np.stack([spread * points[:, 0], spread * points[:, 1], along], axis=-1)

    def _profile(
        self, share: FloatArray, place: FloatArray, time: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Profile G and its derivatives by the squared radius and by the height."""
        length = self.motion.ventricle.length
        total = [np.zeros_like(share) for _ in range(3)]
        filling = self._filling(time)
        for weight, (apex, base) in ((filling, _FILLING), (1 - filling, _EJECTION)):
            strength = apex + (base - apex) * (place / length) ** 2
            strength_slope = 2 * (base - apex) * place / length**2
            whole = -np.expm1(-strength)
            fade = np.exp(-strength * share)
            part = -np.expm1(-strength * share)
            by_strength = (share * fade * whole - part * np.exp(-strength)) / whole**2
            total[0] += weight * part / whole
            total[1] += weight * strength * fade / whole
            total[2] += weight * by_strength * strength_slope
        return total[0], total[1], total[2]

    def _filling(self, time: float) -> float:
        """Share of the filling jet in the profile: it changes while little flows."""
        cycle = self.motion.cycle
        start = cycle.end_systole + 0.01
        stop = sum(cycle.late) - 0.01
        windows = (1.0, (start, 0.05)), (-1.0, (stop, cycle.period - stop))
        return float(cycle.events(np.asarray(time), *windows)[0])

    def _volume_below(self, place: FloatArray) -> FloatArray:
        """Volume of the cavity between the apex and heights at end-diastole [m^3]."""
        lv = self.motion.ventricle
        u = place / lv.long_axis - 1
        cap = u - u**3 / 3 + 2 / 3
        return np.asarray(math.pi * lv.short_axis**2 * lv.long_axis * cap)

    def _state(self, time: float) -> tuple[float, float, float, float]:
        """Return emptying, stretch and their rates at a time."""
        cycle, at = self.motion.cycle, np.asarray(time)
        return (
            float(cycle.emptying(at)),
            float(cycle.stretch(at)),
            float(cycle.emptying_rate(at)),
            float(cycle.stretch_rate(at)),
        )


_FILLING = (0.6, 3.2)
_EJECTION = (0.2, 2.0)
_TINY = 1e-18
