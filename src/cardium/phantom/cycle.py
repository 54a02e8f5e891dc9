"""When the ventricle contracts and fills: time courses with two smooth derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.anatomy import Function

Window = tuple[float, float]
"""Start and duration of an event, counted from the R peak [s]."""


def smooth_step(u: FloatArray) -> FloatArray:
    """Rise from 0 at u = 0 to 1 at u = 1 with two continuous derivatives.

    Parameters
    ----------
    u : (...)
        Share of the time that has passed.

    Returns
    -------
    (...)
        ``u^3 (10 - 15 u + 6 u^2)`` between 0 and 1, and level outside.

    Examples
    --------
    >>> smooth_step(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]))
    array([0. , 0. , 0.5, 1. , 1. ])
    """
    u = np.clip(u, 0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


def smooth_step_rate(u: FloatArray) -> FloatArray:
    """Return the derivative of `smooth_step`; its peak, at u = 1/2, is 1.875."""
    u = np.clip(u, 0, 1)
    return 30 * u**2 * (1 - u) ** 2


@dataclass(frozen=True, slots=True)
class Cycle:
    """The course of emptying, axial stretch and twist over regular beats.

    Parameters
    ----------
    function : Function
        The heart rate and the amplitudes.
    first_r : float [s]
        Time of one R peak on the recording's clock.

    Notes
    -----
    Each event is a `smooth_step`, so that accelerations are continuous. The ejection
    time follows Weissler, 413 ms - 1.7 ms * heart rate, and filling begins 75 ms after
    it. The A wave ends 63 ms before the next R peak. The long axis leads the volume by
    10 ms. Untwisting begins with the end of ejection and ends with the E wave.

    Examples
    --------
    >>> cycle = Cycle(Function(60, 0.6, 0.15, 0.1, 0.6))
    >>> cycle.period, round(cycle.end_systole, 3)
    (1.0, 0.366)
    >>> cycle.emptying(np.array([0.0, 0.366, 1.0])).round(6)
    array([0. , 0.6, 0. ])
    """

    function: Function
    first_r: float = 0.0

    @property
    def period(self) -> float:
        """Time from R peak to R peak [s]."""
        return 60 / self.function.heart_rate

    @property
    def ejection(self) -> Window:
        """When the ventricle empties."""
        return 0.055, 0.413 - 0.0017 * self.function.heart_rate

    @property
    def early(self) -> Window:
        """When the E wave fills it."""
        return self.end_systole + 0.075, 0.170

    @property
    def late(self) -> Window:
        """When the A wave fills it."""
        return self.period - 0.188, 0.125

    @property
    def end_systole(self) -> float:
        """Time from the R peak to the smallest volume [s]."""
        start, duration = self.ejection
        return start + duration

    def emptying(self, time: FloatArray) -> FloatArray:
        """Part of the end-diastolic volume that is missing, kappa, at times [s]."""
        return self.function.ejection_fraction * self._contraction(time)[0]

    def emptying_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `emptying` [1/s]."""
        return self.function.ejection_fraction * self._contraction(time)[1]

    def stretch(self, time: FloatArray) -> FloatArray:
        """Length of the long axis against end-diastole, lambda, at times [s]."""
        return 1 - self.function.shortening * self._contraction(time, lead=_LEAD)[0]

    def stretch_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `stretch` [1/s]."""
        return -self.function.shortening * self._contraction(time, lead=_LEAD)[1]

    def twist(self, time: FloatArray) -> FloatArray:
        """Rotation of the apex from x towards y, tau, at times [rad].

        It is negative in systole: anticlockwise as seen from the apex.
        """
        return -self.function.twist * self._rotation(time)[0]

    def twist_rate(self, time: FloatArray) -> FloatArray:
        """Return the derivative of `twist` [rad/s]."""
        return -self.function.twist * self._rotation(time)[1]

    def events(
        self, time: FloatArray, *windows: tuple[float, Window]
    ) -> tuple[FloatArray, FloatArray]:
        """Add up smooth steps of given heights in given windows of each beat.

        Parameters
        ----------
        time : (...) [s]
            Times on the recording's clock.
        *windows : (height, (start, duration))
            The steps; heights of a whole beat should add up to zero.

        Returns
        -------
        course, rate : (...), (...) [1/s]
            The sum, and its derivative.
        """
        since_r = np.mod(np.asarray(time) - self.first_r, self.period)
        course, rate = np.zeros_like(since_r), np.zeros_like(since_r)
        for height, (start, duration) in windows:
            u = (since_r - start) / duration
            course += height * smooth_step(u)
            rate += height * smooth_step_rate(u) / duration
        return course, rate

    def _contraction(
        self, time: FloatArray, *, lead: float = 0.0
    ) -> tuple[FloatArray, FloatArray]:
        """Course 0..1 of contraction and filling, early by `lead`, and its rate."""
        part = self.function.early_filling
        heights = (1.0, self.ejection), (-part, self.early), (part - 1, self.late)
        moved = [(height, (t - lead, d)) for height, (t, d) in heights]
        return self.events(time, *moved)

    def _rotation(self, time: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Course 0..1 of twisting and untwisting, and its rate."""
        untwisting = (self.end_systole, sum(self.early) - self.end_systole)
        return self.events(time, (1.0, self.ejection), (-1.0, untwisting))


_LEAD = 0.010
