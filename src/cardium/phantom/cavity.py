"""Blood in the cavity of the left ventricle: no divergence, and none through the wall.

Exact in closed form, also where the wall contracts unevenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.cycle import smooth_step
from cardium.phantom.jets import FreeJet, Sink, fade
from cardium.phantom.motion import Motion

if TYPE_CHECKING:
    from cardium.phantom._flow_kernels import Course, Tables
    from cardium.phantom._motion_kernels import State


@dataclass(frozen=True, slots=True, eq=False)
class CavityFlow:
    """The velocity of blood that goes through the cavity on given courses.

    Parameters
    ----------
    motion : Motion
        How the wall moves.

    Notes
    -----
    Let x = phi(X, t) be any map that takes the cavity of end-diastole to that of time
    t, F its gradient, J its determinant, and w(X) a flow in the cavity of end-diastole
    along its wall with ``Div w = -dJ/dt``. Then

        u = dphi/dt + F w / J

    has no divergence, since ``div(F w / J) = (Div w) / J`` (Piola) and
    ``div(dphi/dt) = (dJ/dt) / J``, and at the wall its part across the wall is that of
    the wall, since F takes what is along the wall to what is along the wall.

    *The map.* With Y = (1 - k) / D of `Motion`, a wall point lies at r^2 = R_en^2 Y and
    z = h. Here r^2 = R^2 Y, theta = Theta + tau g(Z) and z = <h> + S (h - <h>), <h>
    being the mean over the angle and S = R^2 / R_en^2: it meets the wall and leaves the
    axis whole. With eta = h - <h>, e = R_en^2 and ' = d/dZ - tau g' d/dTheta, its
    determinant is ``J = Y d<h>/dZ + S b``, ``b = Y eta' - eta Y' - Y eta e'/e``, and

        J = (1 - k) - (Y eta e)' / (2 e) + (S - 1/2) b.

    *The flow.* Each term of dJ/dt is undone by a part of w. (S - 1/2) b: flow across,
    ``-db/dt R (S - 1) / 4``. The second: flow along, ``S d(Y eta)/dt``, with what keeps
    it along the wall. 1 - k, whose rate is -kappa' c_r: what c_r exceeds its mean over
    the angle flows around the axis, ``R kappa' integral(c_r - <c_r>) dTheta``; the mean
    goes to the base, by ``kappa' <c_r> R / 2`` across and the *courses*: flows without
    divergence, ``grad psi x grad phi`` with ``psi = q W(Z) / 2 pi G(S, Z)``, W being
    the volume below Z weighted with <c_r>. Their rates q must add up to kappa'. G is a
    Gaussian jet with flow back around it,

        G = (1 + c) (1 - exp(-n S)) / (1 - exp(-n)) - c S,   n = pi e / area,

    and S and the angle phi are those of ``P = p - d (1 - |p|^2)``, p = (X, Y) / R_en:
    the jet is off the axis where d is not 0, and P = p on the wall.

    Examples
    --------
    In mid-systole blood goes to the base:

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.moment import states_of
    >>> from cardium.phantom.patient import Patient
    >>> motion = Motion.of(build_heart(Patient()))
    >>> flow, middle = CavityFlow(motion), np.array([[0.0, 0.0, 0.06]])
    >>> rate = float(motion.cycle.emptying_rate(np.array(0.2)))
    >>> (state,) = states_of(motion, np.array([0.2]))
    >>> bool(flow.velocity(middle, state, [straight(rate)])[0, 2] > 0.1)
    True
    """

    motion: Motion
    _tables: Tables = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tables", _tabulate(self.motion))

    def velocity(
        self, points: FloatArray, state: State, courses: Sequence[Course]
    ) -> FloatArray:
        """Velocity of blood at points at one time.

        Parameters
        ----------
        points : (N, 3) [m]
            Points in the frame of the left ventricle.
        state : State
            How far the ventricle has contracted, from `states_of`.
        courses : sequence of Course
            Where it flows; their rates must add up to the rate of emptying.

        Returns
        -------
        velocity : (N, 3) [m/s]
            NaN outside the cavity.
        """
        from cardium.phantom._flow_kernels import blood

        motion, lv = self.motion, self.motion.ventricle
        there = np.ascontiguousarray(lv.to_round(np.asarray(points, float)))
        out = np.empty_like(there)
        blood(motion.body(), state, self._tables, tuple(courses), there, out)
        return lv.from_round(out)

    def confine(
        self, points: FloatArray, state: State, flow: FreeJet | Sink, *, reach: float
    ) -> FloatArray:
        """Velocity of a jet or a sink that the wall turns back.

        Parameters
        ----------
        points : (N, 3) [m]
            Points in the cavity.
        state : State
            How far the ventricle has contracted.
        flow : FreeJet or Sink
            What flows where there is no wall.
        reach : float [m]
            Distance beyond which nothing of it flows.

        Returns
        -------
        velocity : (N, 3) [m/s]
            The curl of the potential times c(S), which falls from 1 at S = 0.65 to 0 at
            the wall: so it has no divergence, and none goes through the wall.
        """
        share = self._share(points, state)
        sides = [
            self._share(points + side, state) - self._share(points - side, state)
            for side in _STEP * np.eye(3)
        ]
        inside, slope = fade(share, _CLEAR, 1.0)
        across = slope[:, None] * np.stack(sides, axis=-1) / (2 * _STEP)
        potential = flow.potential(points, reach=reach)
        velocity = flow.velocity(points, reach=reach)
        return inside[:, None] * velocity + np.cross(across, potential)

    def _share(self, points: FloatArray, state: State) -> FloatArray:
        """Squared radius S against that of the wall (N,)."""
        from cardium.phantom._flow_kernels import shares

        motion, out = self.motion, np.empty(len(points))
        there = np.ascontiguousarray(motion.ventricle.to_round(points))
        shares(motion.body(), state, there, out)
        return out


def straight(rate: float) -> Course:
    """Build a course along the axis that is as wide as the cavity, of a rate [1/s]."""
    from cardium.phantom._flow_kernels import Course

    return Course(rate, 0.0, 0.0, _WIDE, 0.0, 0.0, 0.0)


def off_axis(share: float) -> float:
    """Bend d that puts the middle of a course at a part of the radius, up to 0.414.

    Parameters
    ----------
    share : float
        Distance of the middle from the axis, as a part of the radius of the wall.

    Returns
    -------
    bend : float
        The d of `CavityFlow` for which ``share - d (1 - share^2)`` is 0.

    Examples
    --------
    >>> d = off_axis(0.4)
    >>> round(d, 4), round(0.4 - d * (1 - 0.4**2), 12)
    (0.4762, 0.0)
    """
    return share / (1 - share**2)


_WIDE = 1.0
_CLEAR = 0.65
_STEP = 1e-6
_NODES = 512


def _tabulate(motion: Motion) -> Tables:
    """Integrate the weights of contraction; Gauss quadrature between the nodes."""
    from cardium.phantom._flow_kernels import Tables, mean_all

    lv, body = motion.ventricle, motion.body()

    def area(z: FloatArray) -> FloatArray:
        mean = np.empty_like(z)
        mean_all(body, z, mean)
        return math.pi * lv.layer_radius_squared(z) * mean

    def excess(angle: FloatArray, row: FloatArray) -> FloatArray:
        edge, core, mean = row[6:9]
        if core <= edge:
            return np.zeros_like(angle)
        return np.asarray(smooth_step((np.cos(angle) - edge) / (core - edge)) - mean)

    turned = [_integral(partial(excess, row=row), math.pi) for row in body.regions]
    shape = (len(turned), _NODES + 1, 2)
    return Tables(_integral(area, lv.length), np.reshape(turned, shape))


def _integral(density: Callable[[FloatArray], FloatArray], end: float) -> FloatArray:
    """Integral from 0 at even nodes up to `end`, with its slope by node, (N, 2)."""
    at, weight = np.polynomial.legendre.leggauss(6)
    nodes = np.linspace(0, end, _NODES + 1)
    step = end / _NODES
    inside = nodes[:-1, None] + step * (at + 1) / 2
    parts = density(inside.ravel()).reshape(inside.shape) @ weight * step / 2
    total = np.concatenate([[0.0], np.cumsum(parts)])
    return np.stack([total, density(nodes) * step], axis=1)
