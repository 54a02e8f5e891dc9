"""The mitral leaflets: hinged at the moving ring, open in diastole, always coapting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.motion import Motion


@dataclass(frozen=True, slots=True)
class MitralValve:
    """Two leaflets in a plane through the long axis.

    Parameters
    ----------
    motion : Motion
        The motion of the ventricle whose base carries the hinges.

    Notes
    -----
    The leaflets are longer together than the ring at end-diastole. Shut, they tent
    towards the apex until they meet, and what is left of them lies together along the
    axis, more as the ring narrows. They open with the E wave, drift back, open again
    with the A wave and are shut at the R peak.

    Examples
    --------
    >>> from cardium.phantom.anatomy import sample_heart
    >>> motion = Motion.of(sample_heart(1))
    >>> valve = MitralValve(motion)
    >>> x, _ = valve.position(np.array([0, 1]), np.ones(2), 0.0)
    >>> bool(np.isclose(x[0], x[1]))
    True
    """

    motion: Motion

    def opening(self, time: float) -> float:
        """How far the leaflets are open: 0 shut, 1 wide open."""
        cycle = self.motion.cycle
        early, late = cycle.early[0], cycle.late[0]
        shut = late + 0.08
        steps = (
            (1.0, (early, 0.06)),
            (-0.6, (early + 0.09, 0.10)),
            (0.5, (late, 0.06)),
            (-0.9, (shut, cycle.period - shut)),
        )
        return float(np.clip(cycle.events(np.asarray(time), *steps)[0], 0, 1))

    def position(
        self, side: NDArray[np.integer], along: FloatArray, time: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return x and z of points of the leaflets in the frame of the ventricle.

        Parameters
        ----------
        side : (N,)
            0 for the anterior leaflet, on the septal side, 1 for the posterior one.
        along : (N,)
            Place on the leaflet, 0 at the hinge, 1 at the tip.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        x, z : (N,) [m]
            Where the points are.
        """
        lv, (radius, height) = self.motion.ventricle, self._hinge(time)
        ring = 2 * math.sqrt(lv.layer_radius_squared(np.asarray(lv.length)))
        across, tent = np.array(_MEETING)[side] * radius, _TENT * radius
        shut, bridge = np.arctan2(tent, across), np.hypot(tent, across)
        angle = shut + self.opening(time) * (_WIDE - shut)
        length = np.array(_LENGTHS)[side] * ring * along
        reach = np.minimum(length, bridge)
        inward = np.where(side == 0, 1, -1)
        x = inward * (reach * np.cos(angle) - radius)
        return x, height - reach * np.sin(angle) - (length - reach)

    def _hinge(self, time: float) -> tuple[float, float]:
        """Radius and height of the ring at a time [m]."""
        ends = self.motion.contour(np.array([time]), layers=2, count=3)[0, 0]
        return float(ends[-1, 0]), float(ends[-1, 1])


_LENGTHS = (0.66, 0.46)
"""Length of the leaflets in diameters of the ring at end-diastole."""

_MEETING = (1.2, 0.8)
"""Distance from each hinge to where the leaflets meet, in radii of the ring."""

_TENT = 0.35
"""Height of that place above the ring, in radii of the ring."""

_WIDE = math.radians(78)
