"""Where a Doppler beam is held, and the velocities that it meets there."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray
from cardium.phantom._spectral_lines import Samples
from cardium.phantom.acquisition import Acquisition
from cardium.phantom.flow import Flow
from cardium.phantom.probe import Placement


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """A beam and its sample volume, which goes with a valve or the wall.

    Parameters
    ----------
    flow : Flow
        What blood does.
    target : callable
        Where the middle of the sample volume is at a time [s], (3,) [m].
    away : (3,)
        Unit vector along the beam, in the ventricle's frame, away from the probe.
    offsets : (P, 3) [m]
        Points of the sample volume about its middle.
    weight : (P,)
        How much each counts.
    angle, depth, length : float
        The gate in the image [rad, m, m]; None depth and length without gate.
    sign : {-1, 0, 1}
        Direction of the flow of interest against the probe; 0 for tissue.
    exact : callable, optional
        Velocity at times [s] in closed form, before the cosine [m/s].
    cosine : float
        Of the angle between beam and flow, positive.
    area : float, optional [m^2]
        Effective area; 0 where it follows from the integral, None for tissue.
    names : (systolic, early, late)
        Names of the peaks; empty where there is none.
    """

    flow: Flow
    target: Callable[[float], FloatArray]
    away: FloatArray
    offsets: FloatArray
    weight: FloatArray
    angle: float
    depth: float | None
    length: float | None
    sign: int
    exact: Callable[[FloatArray], FloatArray] | None
    cosine: float
    area: float | None
    names: tuple[str, str, str]

    @property
    def is_quick(self) -> bool:
        """Whether velocities are known in closed form at many times at once."""
        return self.exact is not None

    def velocity(self, times: FloatArray) -> FloatArray:
        """Fastest velocity towards the probe, (T,) [m/s], in the flow's direction."""
        if self.exact is not None:
            return np.asarray(self.sign * self.cosine * self.exact(times))
        found = self.sample(times).velocity
        if self.sign == 0:
            return np.asarray(found.mean(axis=1))
        fastest = np.nanmax(self.sign * found, axis=1, initial=0.0)
        return np.asarray(self.sign * fastest)

    def excursion(self, start: float, end: float) -> float:
        """Way towards the probe of the middle of the sample volume [m]."""
        return float((self.target(start) - self.target(end)) @ self.away)

    def sample(self, times: FloatArray) -> Samples:
        """Velocities and turbulence at the points of the sample volume."""
        self.flow.prepare(times)
        velocity = np.empty((len(times), len(self.offsets)))
        deviation = np.zeros(velocity.shape)
        if self.sign == 0:
            velocity[:] = self._of_tissue(times)[:, None]
            return Samples(velocity, deviation, self.weight)
        for k, time in enumerate(times.tolist()):
            points = self.target(time) + self.offsets
            velocity[k] = -(self.flow.velocity(points, time) @ self.away)
            deviation[k] = self.flow.turbulence(points, time)
        return Samples(velocity, deviation, self.weight)

    def _of_tissue(self, times: FloatArray) -> FloatArray:
        """Velocity of the target itself (T,) [m/s]."""
        step = _STEP
        self.flow.prepare(np.concatenate([times - step, times + step]))
        return np.array(
            [
                (self.target(t - step) - self.target(t + step)) @ self.away / (2 * step)
                for t in times.tolist()
            ]
        )


def aim_beam(
    scene: Acquisition, site: str, placement: Placement, *, pulsed: bool
) -> Aim:
    """Aim a beam at a site, of `cardium.phantom.spectrum.SITES`.

    Parameters
    ----------
    scene : Acquisition
        Who is examined.
    site : str
        Where.
    placement : Placement
        How the probe is held.
    pulsed : bool
        Whether there is a gate.

    Returns
    -------
    aim : Aim
        The beam meets the site in the middle of ejection, or of the E wave.

    Examples
    --------
    Where the long axis points straight down, a beam meets inflow at its own angle.

    >>> from cardium.phantom.acquisition import begin
    >>> from cardium.phantom.patient import Patient
    >>> scene = begin(Patient(), what="mitral", beats=1)
    >>> upright = Placement.apical(apex=(0.01, 0.03), tilt=0.0)
    >>> aim = aim_beam(scene, "mitral", upright, pulsed=True)
    >>> math.isclose(aim.cosine, math.cos(aim.angle))
    True
    """
    flow = Flow.of(scene.heart, scene.motion)
    place = _place(flow, site)
    beat = scene.motion.cycle.beats[0]
    window = beat.early if site in ("mitral", "aortic_regurgitation") else beat.ejection
    x, _, z = placement.to_image(place.target(sum(window) / 2))
    angle, depth = math.atan2(x, z), math.hypot(x, z)
    beam = np.array([math.sin(angle), 0.0, math.cos(angle)])
    side = np.array([math.cos(angle), 0.0, -math.sin(angle)])
    frame = [
        placement.turn_to_heart(axis)
        for axis in (beam, side, np.array([0.0, 1.0, 0.0]))
    ]
    if pulsed:
        # Near the ends of a gate the sensitivity has fallen.
        along = np.linspace(-0.3, 0.3, 5) * place.length
    else:
        along = np.arange(0.01, _DEEPEST, _SPACING) - depth
    across = _PULSED_WIDTH if pulsed else _ACROSS
    offsets, weight = _volume(np.stack(frame), along, across)
    direction = place.direction
    if direction is None:
        direction = np.array([0.0, 0.0, 1.0])
    exact, area = place.exact, place.area
    if site == "lvot" and not pulsed:
        # The whole beam sees the valve, which is narrower than the tract.
        exact, area = flow.fluxes.aortic_speed, flow.fluxes.aortic_area
    return Aim(
        flow,
        place.target,
        frame[0],
        offsets,
        weight,
        angle,
        depth if pulsed else None,
        place.length if pulsed else None,
        place.sign,
        exact,
        abs(float(direction @ frame[0])),
        area,
        place.names,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A site: see `Aim`; `direction` is that of the flow."""

    target: Callable[[float], FloatArray]
    direction: FloatArray | None
    length: float
    sign: int
    exact: Callable[[FloatArray], FloatArray] | None
    area: float | None
    names: tuple[str, str, str]


_ONE = ("peak", "", "")
_STEP = 1e-4
_SPACING = 0.0015
_DEEPEST = 0.165
_ACROSS = 0.0015
_PULSED_WIDTH = 0.0005
_RINGS = ((0.0, 1, 1.0), (1.0, 4, 0.6))


def _place(flow: Flow, site: str) -> _Place:
    """Describe a site."""
    if site.startswith("annulus"):
        return _annulus(flow, -1.0 if site == "annulus_septal" else 1.0)
    fluxes, aorta = flow.fluxes, np.array(flow.heart.aorta.axis)
    if site == "mitral":
        tissue = flow.motion.material(flow.inflow_place()[None])
        return _Place(
            lambda t: flow.position(tissue, t)[0],
            None,
            0.001,
            1,
            None,
            0.0,
            ("", "E", "A"),
        )
    if site in ("lvot", "aortic"):
        back = _TRACT_GATE if site == "lvot" else -_VALVE_GATE
        out = flow.outflow(0.0)
        return _Place(
            lambda t: flow.outflow(t).centre - back * aorta,
            aorta,
            0.003,
            -1,
            (lambda t: fluxes.aortic_forward(t) / out.tract_area)
            if site == "lvot"
            else fluxes.aortic_speed,
            out.tract_area if site == "lvot" else fluxes.aortic_area,
            _ONE,
        )
    if site == "mitral_regurgitation":
        way = flow.mitral_leak_direction()
        return _Place(
            lambda t: flow.mitral_orifice(t) + _JET_GATE * way,
            way,
            0.003,
            -1,
            fluxes.mitral_leak_speed,
            flow.heart.patient.mitral_regurgitant_orifice_cm2 * 1e-4,
            _ONE,
        )
    way = flow.outflow(0.0).leak_direction
    return _Place(
        lambda t: flow.outflow(t).centre + _JET_GATE * flow.outflow(t).leak_direction,
        way,
        0.003,
        1,
        fluxes.aortic_leak_speed,
        flow.heart.patient.aortic_regurgitant_orifice_cm2 * 1e-4,
        _ONE,
    )


_TRACT_GATE = 0.0055
_VALVE_GATE = 0.003
_JET_GATE = 0.002


def _annulus(flow: Flow, side: float) -> _Place:
    """Describe the lateral (1) or septal (-1) annulus."""
    lv = flow.motion.ventricle
    height = _ANNULUS * lv.length
    across = math.sqrt(lv.layer_radius_squared(np.asarray(height), fraction=0.5))
    rest = lv.from_round(np.array([[side * across, 0.0, height]]))
    tissue = flow.motion.material(rest)
    return _Place(
        lambda t: flow.position(tissue, t)[0],
        None,
        0.006,
        0,
        None,
        None,
        ("s'", "e'", "a'"),
    )


_ANNULUS = 0.95


def _volume(
    frame: FloatArray, along: FloatArray, width: float
) -> tuple[FloatArray, FloatArray]:
    """Points of a sample volume (P, 3) [m] about its middle, and their weights."""
    beam, side, across = frame
    points, weights = [], []
    for radius, count, weight in _RINGS:
        for turn in np.arange(count) * 2 * math.pi / count:
            aside = math.cos(turn) * side + math.sin(turn) * across
            points.append(along[:, None] * beam + radius * width * aside)
            weights.append(np.full(len(along), weight))
    return np.concatenate(points), np.concatenate(weights)
