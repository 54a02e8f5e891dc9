"""What a heart does at one time, apart from places; for many times at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray
from cardium.phantom.motion import Material, Motion
from cardium.phantom.region import base_lift

if TYPE_CHECKING:
    from cardium.phantom._motion_kernels import State


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The left heart at one time.

    Parameters
    ----------
    state : State
        How far the ventricle has contracted.
    orifice, ring : (3,) [m]
        Middle of the mitral and of the aortic ring.
    mitral_forward, mitral_leak, mitral_leak_speed : float [m^3/s, m^3/s, m/s]
        Flow through the mitral valve.
    aortic_forward, aortic_leak, aortic_leak_speed : float [m^3/s, m^3/s, m/s]
        Flow through the aortic valve.
    vortex : float
        Strength of the vortex of inflow, 0..1.
    """

    state: State
    orifice: FloatArray
    ring: FloatArray
    mitral_forward: float
    mitral_leak: float
    mitral_leak_speed: float
    aortic_forward: float
    aortic_leak: float
    aortic_leak_speed: float
    vortex: float


def states_of(motion: Motion, times: FloatArray) -> list[State]:
    """Find how far a ventricle has contracted at times (T,) [s], and how fast."""
    from cardium.phantom._motion_kernels import BASE_TURN, State

    cycle = motion.cycle
    parts = (
        cycle.emptying(times),
        1 - cycle.stretch(times),
        cycle.twist(times) / BASE_TURN,
        cycle.emptying_rate(times),
        -cycle.stretch_rate(times),
        cycle.twist_rate(times) / BASE_TURN,
    )
    found = []
    for k, s, twist, *rates in zip(*(part.tolist() for part in parts), strict=True):
        k_rate, s_rate, twist_rate = rates
        lift, lift_rate = base_lift(
            motion.contraction, (k, s, twist), (k_rate, s_rate, twist_rate)
        )
        found.append(State(k, s, twist, lift, k_rate, s_rate, twist_rate, lift_rate))
    return found


def place_material(motion: Motion, material: Material, state: State) -> FloatArray:
    """Move material (N,) to where it is in a state, (N, 3) [m]."""
    from cardium.phantom._motion_kernels import SERIES, place

    stretch = motion.ventricle.eccentricity
    cosine, sine = SERIES
    out = np.empty((3, material.x.size))
    place(*material, tuple(state), (stretch, 1 / stretch), (cosine, sine), out)
    return np.ascontiguousarray(out.T)
