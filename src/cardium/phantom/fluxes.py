"""How much blood goes through the valves of the left heart, forwards and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.cycle import MITRAL_CLOSURE, Beat, Cycle, smooth_step
from cardium.phantom.jets import gradient_of, velocity_of
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm


@dataclass(frozen=True, slots=True, eq=False)
class Fluxes:
    """Flows through the mitral and the aortic valve.

    Parameters
    ----------
    motion : Motion
        How the ventricle empties and fills.
    aortic_area : float [m^2]
        Effective area of the open aortic valve.
    mitral_orifice, aortic_orifice : float [m^2]
        Greatest area of the leak of the shut valves within the beat. `of` finds it.
    aortic_drop : float
        Part of the pressure across the shut aortic valve that is lost in diastole.

    Notes
    -----
    What leaves through both valves is what the cavity loses, at every time:

        aortic(t) - mitral(t) = EDV kappa'(t) = -dV/dt,

    with ``aortic = aortic_forward - aortic_leak``, out of the ventricle, and ``mitral =
    mitral_forward - mitral_leak``, into it. So it empties by what goes into the aorta
    and what leaks into the atrium, and fills by both likewise.

    The speed in a leak is that of the pressure across it, 4 v^2, which has a course of
    its own: ventricle against atrium from the closure of the mitral valve to its
    opening, aorta against ventricle from the closure of the aortic valve to its
    opening, falling as the aorta empties. A leak cannot pass more than the ventricle
    loses or gains: with C the greatest orifice by the speed and x the rate of emptying
    or filling by C,

        leak = C (0.05 + 0.95 x / (1 + x^4)^(1/4)).

    The orifice is greatest, to 2 %, where x is 2 or more; while the volume stands still
    a twentieth is left, and goes forth and back through the other valve. Orifices that
    change within the beat are common (Schwammenthal et al. 1994). The effective orifice
    of a `Patient` is what a report states, the volume of the leak by the integral of
    its velocity, and this holds exactly in a regular beat.

    Examples
    --------
    >>> from cardium.phantom.build import build_heart
    >>> motion = Motion.of(build_heart(Patient()))
    >>> fluxes, times = Fluxes.of(Patient(), motion), np.arange(0, 0.5, 1e-4)
    >>> float(round(1e6 * fluxes.aortic(times).sum() * 1e-4, 3))  # mL
    72.0
    """

    motion: Motion
    aortic_area: float
    mitral_orifice: float = 0.0
    aortic_orifice: float = 0.0
    aortic_drop: float = 0.25

    @classmethod
    def of(cls, patient: Patient, motion: Motion) -> Fluxes:
        """Take the areas of a patient's valves."""
        from scipy.optimize import brentq

        rate = motion.cycle.function.heart_rate
        regular = Cycle(motion.cycle.function, Rhythm.regular(rate, beats=2))
        steady = cls(
            replace(motion, cycle=regular),
            patient.aortic_valve_area_cm2 * 1e-4,
            aortic_drop=_DROP + patient.aortic_regurgitant_orifice_cm2,
        )
        beat = regular.beats[0]
        times = beat.end_systole + np.linspace(0, beat.next_r - beat.r, 4001)
        found = []
        for area, speed, sign in (
            (patient.mitral_regurgitant_orifice_cm2, steady.mitral_leak_speed, 1),
            (patient.aortic_regurgitant_orifice_cm2, steady.aortic_leak_speed, -1),
        ):
            course, moved = speed(times) * area * 1e-4, sign * steady.emptying(times)

            def excess(
                part: float, course: FloatArray = course, moved: FloatArray = moved
            ) -> float:
                return float(np.trapezoid(_leak(part * course, moved) - course))

            part = brentq(excess, 0.5, 50.0) if area else 0.0
            found.append(part * area * 1e-4)
        return replace(
            steady, motion=motion, mitral_orifice=found[0], aortic_orifice=found[1]
        )

    def emptying(self, time: FloatArray) -> FloatArray:
        """Rate at which the cavity loses volume, EDV kappa' [m^3/s]."""
        volume = self.motion.ventricle.cavity_volume
        return np.asarray(volume * self.motion.cycle.emptying_rate(np.asarray(time)))

    def mitral(self, time: FloatArray) -> FloatArray:
        """Net flow into the ventricle through the mitral valve [m^3/s]."""
        return self.mitral_forward(time) - self.mitral_leak(time)

    def aortic(self, time: FloatArray) -> FloatArray:
        """Net flow out of the ventricle through the aortic valve [m^3/s]."""
        return self.aortic_forward(time) - self.aortic_leak(time)

    def mitral_forward(self, time: FloatArray) -> FloatArray:
        """Flow from the atrium into the ventricle [m^3/s]."""
        return np.maximum(-self._outwards(time), 0)

    def aortic_forward(self, time: FloatArray) -> FloatArray:
        """Flow from the ventricle into the aorta [m^3/s]."""
        return np.maximum(self._outwards(time), 0)

    def mitral_leak(self, time: FloatArray) -> FloatArray:
        """Flow back from the ventricle into the atrium [m^3/s]."""
        if not self.mitral_orifice:
            return np.zeros(np.shape(time))
        most = self.mitral_orifice * self.mitral_leak_speed(time)
        return _leak(most, self.emptying(time))

    def aortic_leak(self, time: FloatArray) -> FloatArray:
        """Flow back from the aorta into the ventricle [m^3/s]."""
        if not self.aortic_orifice:
            return np.zeros(np.shape(time))
        most = self.aortic_orifice * self.aortic_leak_speed(time)
        return _leak(most, -self.emptying(time))

    def aortic_speed(self, time: FloatArray) -> FloatArray:
        """Speed in the vena contracta of the aortic valve [m/s]: flow by area."""
        return self.aortic_forward(time) / self.aortic_area

    def mitral_leak_speed(self, time: FloatArray) -> FloatArray:
        """Speed in a leak of the mitral valve, whether it leaks or not [m/s]."""
        cycle = self.motion.cycle
        strength = min(cycle.function.ejection_fraction / _SOUND_EJECTION, 1)
        driven = _SYSTOLIC * (0.75 + 0.25 * strength) - _ATRIAL
        driven += 0.9 * self._aortic_gradient()
        return velocity_of(driven * self._by_beat(time, self._systolic_course))

    def aortic_leak_speed(self, time: FloatArray) -> FloatArray:
        """Speed in a leak of the aortic valve, whether it leaks or not [m/s]."""
        return velocity_of(_DIASTOLIC * self._by_beat(time, self._diastolic_course))

    def _outwards(self, time: FloatArray) -> FloatArray:
        """Forward flow through both valves, positive out of the ventricle."""
        return self.emptying(time) + self.aortic_leak(time) - self.mitral_leak(time)

    def _aortic_gradient(self) -> float:
        """Peak pressure gradient over the open aortic valve [mmHg]."""
        beat = self.motion.cycle.beats[0]
        peak = self.emptying(np.linspace(*beat.ejection, 51)).max()
        return float(gradient_of(np.asarray(peak / self.aortic_area)))

    def _by_beat(
        self, time: FloatArray, course: Callable[[FloatArray, Beat], FloatArray]
    ) -> FloatArray:
        """Evaluate a course, beat by beat, at times on the clock of the recording."""
        flat = np.atleast_1d(np.asarray(time, float))
        out, left = np.zeros(flat.shape), np.ones(flat.shape, bool)
        while left.any():
            beat = self.motion.cycle.beat_at(float(flat[left].min()))
            here = left & (flat < beat.next_r)
            if not here.any():
                here = left
            out[here] = course(flat[here], beat)
            left &= ~here
        return out.reshape(np.shape(time))

    def _systolic_course(self, time: FloatArray, beat: Beat) -> FloatArray:
        """Pressure of the ventricle over that of the atrium, by its greatest."""
        opens, shuts = beat.ejection
        rise = _between(time, beat.r + MITRAL_CLOSURE, opens + 0.01)
        fall = _between(time, shuts - 0.01, beat.early[0])
        middle = np.clip((time - opens) / (shuts - opens), 0, 1)
        return rise * (1 - fall) * (0.78 + 0.22 * np.sin(math.pi * middle))

    def _diastolic_course(self, time: FloatArray, beat: Beat) -> FloatArray:
        """Pressure of the aorta over that of the ventricle, by its greatest."""
        before = self.motion.cycle.beat_at(beat.r - 1e-6)
        values = []
        for this in (before, beat):
            start = this.end_systole
            run = np.clip((time - start) / (1.1 * (this.next_r - start)), 0, 1)
            values.append(
                _between(time, start, this.early[0] + 0.02)
                * (1 - self.aortic_drop * run)
            )
        opened = _between(time, beat.r, beat.ejection[0])
        return np.where(time < beat.ejection[0], values[0] * (1 - opened), values[1])


_SYSTOLIC = 125.0
_ATRIAL = 13.0
_DIASTOLIC = 68.0
_SOUND_EJECTION = 0.55
_DROP = 0.25
_LEFT = 0.05


def _between(time: FloatArray, start: float, end: float) -> FloatArray:
    """Step from 0 to 1 between two times."""
    return smooth_step((time - start) / (end - start))


def _leak(most: FloatArray, rate: FloatArray) -> FloatArray:
    """Flow of a leak that could pass `most`, while volume changes at a rate."""
    x = np.maximum(rate, 0) / np.maximum(most, _TINY)
    return most * (_LEFT + (1 - _LEFT) * x / np.sqrt(np.sqrt(1 + x**4)))


_TINY = 1e-12
