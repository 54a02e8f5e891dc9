"""Blood in the left heart: from the veins through atrium and ventricle to the aorta.

One model for colour Doppler and for spectra. In the cavity of the ventricle it is exact
(`cardium.phantom.cavity`), through the valves it flows as stated
(`cardium.phantom.fluxes`); leaks and narrow valves have jets (`cardium.phantom.jets`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.anatomy import Heart
from cardium.phantom.cavity import CavityFlow, off_axis, straight
from cardium.phantom.cycle import smooth_step
from cardium.phantom.fluxes import Fluxes
from cardium.phantom.jets import FreeJet, Sink
from cardium.phantom.moment import Moment, place_material, states_of
from cardium.phantom.motion import Material, Motion
from cardium.phantom.outflow import Outflow, leak_jet

if TYPE_CHECKING:
    from cardium.phantom._flow_kernels import Course


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The velocity of blood at any point of the left heart.

    Parameters
    ----------
    heart : Heart
        Its shape.
    motion : Motion
        How it moves.
    fluxes : Fluxes
        How much goes through its valves.

    Notes
    -----
    *Ventricle.* Inflow is a jet with flow back around it, from the mitral ring towards
    the posterolateral side, with a vortex ring that outlasts the E wave and is larger
    on the side of the anterior leaflet; outflow converges on the aortic side. Free of
    divergence, and without flow through the wall. Blood converges on a leak of the
    mitral valve (`Sink`), and a leak of the aortic valve has a jet (`FreeJet`); both
    are turned back before they meet the wall, so what was said still holds.

    *Outflow tract and aorta.* See `Outflow`.

    *Atrium.* Blood comes from the four veins and converges on the mitral ring in
    diastole; a leak has a jet. It moves with the base of the ventricle. Here the flow
    is a sum of simple ones, not free of divergence, and may cross the wall.

    Examples
    --------
    Blood leaves through the tract in systole, and comes in through the valve in early
    diastole:

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> heart = build_heart(Patient())
    >>> flow = Flow.of(heart, Motion.of(heart))
    >>> places = np.array([[-0.005, -0.008, 0.065], [0.004, 0.007, 0.065]])
    >>> [float(flow.velocity(places, t)[i, 2]) > 0.3 for i, t in ((0, 0.2), (1, 0.5))]
    [True, False]
    """

    heart: Heart
    motion: Motion
    fluxes: Fluxes
    _cavity: CavityFlow = field(init=False, repr=False)
    _moments: dict[float, Moment] = field(init=False, repr=False)
    _marks: Material = field(init=False, repr=False)
    _leak_way: FloatArray = field(init=False, repr=False)
    _ring_area: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        heart = self.heart
        way = np.array(heart.left_atrium.centre) - heart.mitral.centre
        object.__setattr__(self, "_leak_way", way / np.linalg.norm(way))
        object.__setattr__(self, "_ring_area", heart.mitral.area)
        marks = np.array([heart.mitral.centre, heart.aorta.centre])
        object.__setattr__(self, "_cavity", CavityFlow(self.motion))
        object.__setattr__(self, "_moments", {})
        object.__setattr__(self, "_marks", self.motion.material(marks))

    @classmethod
    def of(cls, heart: Heart, motion: Motion) -> Flow:
        """Build the flow of a heart that moves."""
        return cls(heart, motion, Fluxes.of(heart.patient, motion))

    def mitral_flow(self, time: FloatArray) -> FloatArray:
        """Net flow into the ventricle through the mitral valve at times, in m^3/s."""
        return self.fluxes.mitral(time)

    def aortic_flow(self, time: FloatArray) -> FloatArray:
        """Net flow out of the ventricle through the aortic valve at times, in m^3/s."""
        return self.fluxes.aortic(time)

    def prepare(self, times: FloatArray) -> None:
        """Work out what does not depend on the place, for many times [s] at once.

        The other functions do so for one time when first asked. It changes no result.
        """
        new = np.setdiff1d(np.asarray(times, float), list(self._moments))
        if not new.size:
            return
        if len(self._moments) + len(new) > _MOST_MOMENTS:
            self._moments.clear()
        fluxes = self.fluxes
        parts = (
            fluxes.mitral_forward(new),
            fluxes.mitral_leak(new),
            fluxes.mitral_leak_speed(new),
            fluxes.aortic_forward(new),
            fluxes.aortic_leak(new),
            fluxes.aortic_leak_speed(new),
            self._vortex(new),
        )
        states = states_of(self.motion, new)
        for time, state, *numbers in zip(
            new.tolist(), states, *(part.tolist() for part in parts), strict=True
        ):
            orifice, ring = place_material(self.motion, self._marks, state)
            self._moments[time] = Moment(state, orifice, ring, *numbers)

    def position(self, material: Material, time: float) -> FloatArray:
        """Where material (N,) of the wall is at a time, (N, 3) [m], as `Motion`."""
        return place_material(self.motion, material, self._at(time).state)

    def contains(self, points: FloatArray, time: float) -> NDArray[np.bool_]:
        """Tell at which points (N, 3) [m] blood moves at a time [s]."""
        return np.isfinite(self.velocity(points, time)[:, 0])

    def velocity(self, points: FloatArray, time: float) -> FloatArray:
        """Velocity of blood at points at one time.

        Parameters
        ----------
        points : (N, 3) [m]
            Points in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        velocity : (N, 3) [m/s]
            NaN where there is no moving blood.
        """
        points, now = np.asarray(points, float), self._at(time)
        base = self._base(now)
        velocity = np.full(points.shape, np.nan)
        near = _below(points, base + _LID, self.motion.ventricle.short_axis)
        velocity[near] = self._in_cavity(points[near], time)
        inside = np.isfinite(velocity[:, 0])
        atrium = ~inside & self._in_atrium(points, base)
        velocity[atrium] = self._atrial(points[atrium], base, time)
        out = self.outflow(time)
        tract = ~inside & out.contains(points) & (points[:, 2] > base - _LID)
        if out.forward < now.mitral_forward:
            tract &= ~atrium
        velocity[tract] = out.velocity(points[tract])
        return velocity

    def turbulence(self, points: FloatArray, time: float) -> FloatArray:
        """Find the standard deviation of the velocity about its mean, in any direction.

        Parameters
        ----------
        points : (N, 3) [m]
            Points in the frame of the left ventricle.
        time : float [s]
            Time on the recording's clock.

        Returns
        -------
        deviation : (N,) [m/s]
            0 outside of jets; also where there is no blood.
        """
        points = np.asarray(points, float)
        total = np.zeros(len(points))
        outflow = self.outflow(time)
        jets = self.mitral_leak_jet(time), outflow.leak_jet, outflow.jet
        for jet in jets:
            if jet is not None:
                total = np.hypot(total, jet.turbulence(points))
        return total

    def mitral_orifice(self, time: float) -> FloatArray:
        """Middle (3,) [m] of the mitral ring, and of its leak, at a time."""
        return self._at(time).orifice

    def mitral_leak_jet(self, time: float) -> FreeJet | None:
        """Jet of a leak of the mitral valve into the atrium; None when there is none.

        The area of its opening is the flow of the leak by its speed.
        """
        now = self._at(time)
        return leak_jet(
            now.orifice, self._leak_way, now.mitral_leak, now.mitral_leak_speed
        )

    def mitral_leak_direction(self) -> FloatArray:
        """Return the unit vector (3,) along the jet of a leak of the mitral valve."""
        return self._leak_way

    def inflow_place(self) -> FloatArray:
        """Where inflow is fastest at the tips of the leaflets, at end-diastole (3,).

        It is the place of the tissue-fixed frame, in the middle of the E wave.
        """
        lv = self.motion.ventricle
        height = lv.length - _TIPS
        inner = math.sqrt(lv.layer_radius_squared(np.asarray(height)))
        radius = np.linspace(0, 0.8, 81) * inner
        x, y = radius * math.cos(_POSTERIOR), radius * math.sin(_POSTERIOR)
        line = lv.from_round(np.stack([x, y, np.full(81, height)], axis=-1))
        time = sum(self.motion.cycle.beats[0].early) / 2
        there = self.position(self.motion.material(line), time)
        return np.asarray(line[int(self.velocity(there, time)[:, 2].argmin())])

    def outflow(self, time: float) -> Outflow:
        """Outflow tract, aortic valve and root at a time [s]."""
        now = self._at(time)
        return Outflow(
            now.ring,
            self.heart.aorta,
            now.aortic_forward,
            self.fluxes.aortic_area,
            now.aortic_leak,
            now.aortic_leak_speed,
        )

    def courses(self, time: float) -> tuple[Course, ...]:
        """Courses of blood through the cavity at a time, for `CavityFlow`."""
        from cardium.phantom._flow_kernels import Course

        now, heart = self._at(time), self.heart
        volume = self.motion.ventricle.cavity_volume
        inflow = -now.mitral_forward / volume
        outflow = now.aortic_forward / volume
        leaks = (now.mitral_leak - now.aortic_leak) / volume
        tract = math.pi * (1.1 * heart.aorta.annulus) ** 2
        # Areas are those of now; the section at the base was wider at end-diastole.
        wider = (1 - now.state.shortening) / (1 - now.state.emptying)
        swirl = -_VORTEX * now.vortex
        return (
            Course(
                inflow,
                *self._bend(_POSTERIOR),
                _JET * self._ring_area * wider,
                0.2,
                0.3,
                swirl,
            ),
            Course(outflow, *self._bend(_AORTIC), tract * wider, 1.5, 0.0, 0.0),
            straight(leaks),
        )

    def _bend(self, angle: float) -> tuple[float, float]:
        """Bend of a course towards an angle."""
        size = off_axis(_OFF_AXIS)
        return size * math.cos(angle), size * math.sin(angle)

    def _at(self, time: float) -> Moment:
        """Look up what does not depend on the place, at one time."""
        if time not in self._moments:
            self.prepare(np.array([time]))
        return self._moments[time]

    def _vortex(self, times: FloatArray) -> FloatArray:
        """Course of the vortex of inflow: it grows with a wave and outlasts it."""
        cycle = self.motion.cycle
        beats = {cycle.beat_at(time) for time in times.tolist()}
        beats |= {cycle.beat_at(beat.r - 1e-6) for beat in beats}
        total = np.zeros(len(times))
        for beat in beats:
            start, end = beat.early
            rise = smooth_step((times - (start + end) / 2) / ((end - start) / 2))
            total += rise - smooth_step((times - end) / (beat.next_r + 0.1 - end))
        return total

    def _in_cavity(self, points: FloatArray, time: float) -> FloatArray:
        """Velocity in the cavity, NaN outside, with the flows of leaks."""
        velocity = self._cavity.velocity(
            points, self._at(time).state, self.courses(time)
        )
        inside, state = np.isfinite(velocity[:, 0]), self._at(time).state
        if inside.any():
            for leak, reach in self._leaks(time):
                part = self._cavity.confine(points[inside], state, leak, reach=reach)
                velocity[inside] += part
        return velocity

    def _leaks(self, time: float) -> list[tuple[FreeJet | Sink, float]]:
        """Flows of leaks in the cavity, and how far they reach."""
        found: list[tuple[FreeJet | Sink, float]] = []
        jet = self.mitral_leak_jet(time)
        if jet is not None:
            area = math.pi / 4 * jet.diameter**2
            down = np.array([0.0, 0.0, -1.0])
            found.append((Sink(jet.origin, down, area, area * jet.speed), _SINK_REACH))
        jet = self.outflow(time).leak_jet
        if jet is not None:
            found.append((jet, _JET_REACH * self.motion.ventricle.length))
        return found

    def _in_atrium(self, points: FloatArray, base: float) -> NDArray[np.bool_]:
        """Tell which points are in the atrium, whose floor moves with the base."""
        atrium = self.heart.left_atrium
        top = atrium.centre[2] + atrium.semi_axes[2]
        rise = (top - points[:, 2]) / (top - base)
        height = top - rise * (top - atrium.floor) - atrium.centre[2]
        x, y = points[:, 0] - atrium.centre[0], points[:, 1] - atrium.centre[1]
        cos, sin = math.cos(atrium.heading), math.sin(atrium.heading)
        a, b, c = atrium.semi_axes
        level = abs((cos * x + sin * y) / a) ** 2.5
        level += abs((cos * y - sin * x) / b) ** 2.5 + abs(height / c) ** 2.5
        inside: NDArray[np.bool_] = (level < 1) & (points[:, 2] > base)
        return inside

    def _atrial(self, points: FloatArray, base: float, time: float) -> FloatArray:
        """Velocity in the atrium."""
        now, atrium = self._at(time), self.heart.left_atrium
        top = atrium.centre[2] + atrium.semi_axes[2]
        velocity = np.zeros(points.shape)
        if not len(points):
            return velocity
        rise = (top - points[:, 2]) / (top - base)
        state, length = now.state, self.motion.ventricle.length
        velocity[:, 2] = rise * (state.lift_rate - state.shortening_rate * length)
        if now.mitral_forward > 0:
            funnel = Sink(now.orifice, np.array(_UP), _FUNNEL, now.mitral_forward)
            velocity += funnel.velocity(points)
        venous = _VENOUS * abs(state.emptying_rate)
        for vein in self.heart.veins[:_VEINS]:
            way = np.array(vein.start) - vein.end
            way /= np.linalg.norm(way)
            mouth = np.array(vein.end) + _VENOUS_WALL * way
            jet = FreeJet(mouth, way, 1.6 * vein.end_radius, venous)
            velocity += jet.velocity(points, reach=_VENOUS_REACH)
        leak = self.mitral_leak_jet(time)
        if leak is not None:
            velocity += leak.velocity(points)
        return velocity

    def _base(self, now: Moment) -> float:
        """Height of the middle of the base [m]."""
        return self.motion.ventricle.length * (1 - now.state.shortening) + (
            now.state.lift
        )


_POSTERIOR = math.radians(60)
_AORTIC = math.radians(-120)
_OFF_AXIS = 0.25
_JET = 0.65
_VORTEX = 0.12
_LID = 0.006
_TIPS = 0.012
_JET_REACH = 0.75
_SINK_REACH = 0.025
_FUNNEL = 9e-4
_VENOUS = 0.12
_VEINS = 4
_VENOUS_WALL = 0.02
_VENOUS_REACH = 0.045
_UP = (0.0, 0.0, 1.0)
_MOST_MOMENTS = 20000


def _below(points: FloatArray, height: float, radius: float) -> NDArray[np.bool_]:
    """Tell which points may be in the cavity at all."""
    square = points[:, 0] ** 2 + points[:, 1] ** 2
    inside: NDArray[np.bool_] = (
        (points[:, 2] > -0.005) & (points[:, 2] < height) & (square < 2.2 * radius**2)
    )
    return inside
