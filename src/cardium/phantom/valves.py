"""The valves: leaflets and cusps in space that open and close in each beat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom._valve_shapes import (
    MITRAL,
    PLACES,
    TRICUSPID,
    aortic_annulus,
    coaptation,
    edge_place,
    line_of_closure,
    pulmonary_annulus,
    ring_frame,
    tent,
)
from cardium.phantom.anatomy import ECHOGENICITY_DB, Heart
from cardium.phantom.cycle import MITRAL_CLOSURE, Beat, Cycle, Window
from cardium.phantom.motion import Material, Motion

if TYPE_CHECKING:
    from cardium.phantom._valve_kernels import AtrioventricularState, SemilunarState

FLAPS = (
    "mitral_anterior",
    "mitral_posterior",
    "tricuspid_septal",
    "tricuspid_anterior",
    "aortic_right",
    "aortic_left",
    "aortic_non",
    "pulmonary_0",
    "pulmonary_1",
    "pulmonary_2",
    "chordae_anterior",
    "chordae_posterior",
)
"""Names of the leaflets, cusps and chordae; `Flaps.kind` holds indices in this."""


class ValveTimes(NamedTuple):
    """When the valves of the left heart move in one beat.

    Parameters
    ----------
    mitral_closure, aortic_opening, aortic_closure, mitral_opening : float [s]
        Times on the recording's clock, in this order.
    """

    mitral_closure: float
    aortic_opening: float
    aortic_closure: float
    mitral_opening: float


class Openings(NamedTuple):
    """How far valves are open at one time: 0 shut, 1 as wide as they ever are.

    Parameters
    ----------
    mitral, aortic, tricuspid, pulmonary : float
        The right heart moves with the left.
    """

    mitral: float
    aortic: float
    tricuspid: float
    pulmonary: float


class Flaps(NamedTuple):
    """Scatterers of leaflets, cusps and chordae, as material.

    Parameters
    ----------
    kind : (N,) uint8
        Index in `FLAPS`.
    place : (N,) float32
        From -1 at one commissure to 1 at the other.
    along : (N,) float32
        0 at the hinge, 1 at the free edge; of a chorda 0 at the papillary muscle.
    offset : (N,) float32 [m]
        Place in the thickness.
    level : (N,) float32 [dB]
        Echo level against myocardium.
    """

    kind: NDArray[np.uint8]
    place: NDArray[np.float32]
    along: NDArray[np.float32]
    offset: NDArray[np.float32]
    level: NDArray[np.float32]


def valve_times(cycle: Cycle) -> tuple[ValveTimes, ...]:
    """State when the valves move in each beat of a recording.

    Parameters
    ----------
    cycle : Cycle
        The beats.

    Returns
    -------
    times : tuple of ValveTimes
        One a beat.

    Examples
    --------
    >>> from cardium.phantom.cycle import Function
    >>> from cardium.phantom.rhythm import Rhythm
    >>> cycle = Cycle(Function(60, 0.6, 0.15, 0.1, 0.6), Rhythm.regular(60, beats=1))
    >>> [round(time, 3) for time in valve_times(cycle)[0]]
    [0.01, 0.055, 0.366, 0.441]
    """
    return tuple(
        ValveTimes(beat.r + MITRAL_CLOSURE, *beat.ejection, beat.early[0])
        for beat in cycle.beats
    )


def openings(cycle: Cycle, time: float) -> Openings:
    """Tell how far the valves are open.

    Parameters
    ----------
    cycle : Cycle
        The beats.
    time : float [s]
        Time on the recording's clock.

    Returns
    -------
    openings : Openings
        All shut in the isovolumic phases. The mitral valve opens with the E wave,
        drifts half shut, opens again with the A wave and is shut just after the R
        peak; without an A wave it stays half open until then.

    Examples
    --------
    >>> from cardium.phantom.cycle import Function
    >>> from cardium.phantom.rhythm import Rhythm
    >>> cycle = Cycle(Function(60, 0.6, 0.15, 0.1, 0.6), Rhythm.regular(60, beats=1))
    >>> openings(cycle, 0.40)[:2], openings(cycle, 0.15)[:2]
    ((0.0, 0.0), (0.0, 1.0))
    """
    beat = cycle.beat_at(time)
    if time < beat.r + MITRAL_CLOSURE:
        before = cycle.beat_at(beat.r - 1e-6)
        mitral = _course(time, _filling_steps(before))
    else:
        mitral = _course(time, _filling_steps(beat))
    aortic = _course(time, _ejection_steps(beat))
    return Openings(mitral, aortic, mitral, aortic)


def leaflets(heart: Heart, motion: Motion) -> Leaflets:
    """Build the leaflets of a heart that moves.

    Parameters
    ----------
    heart : Heart
        Its rings, aortic root and papillary muscles.
    motion : Motion
        How they move.

    Returns
    -------
    leaflets : Leaflets
        Draw scatterers from it, and ask where they are.

    Examples
    --------
    Shut, anterior and posterior leaflet meet at their tips.

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> heart = build_heart(Patient())
    >>> valves = leaflets(heart, Motion.of(heart))
    >>> one = np.ones(2, np.float32)
    >>> tips = Flaps(np.array([0, 1], np.uint8), 0.2 * one, one, 0 * one, 0 * one)
    >>> first, second = valves.position(tips, 0.03)
    >>> bool(np.hypot(*(first - second)[:2]) < 1e-6)
    True
    """
    return Leaflets(heart, motion)


@dataclass(frozen=True, slots=True, eq=False)
class Leaflets:
    """Mitral, aortic, tricuspid and pulmonary valve of a moving heart.

    Parameters
    ----------
    heart : Heart
        Its rings, aortic root and papillary muscles.
    motion : Motion
        How they move.

    Notes
    -----
    An atrioventricular valve has two leaflets, hinged on its moving ring; at each place
    between the commissures both reach straight to a curved line of closure, which lies
    nearer to the apex than the ring, and from there hang together to the apex. The
    tricuspid valve's anterior and posterior leaflets are one here. A semilunar valve
    has three cusps, whose edges are the star of three rays when shut and pass linearly
    to a circle. The area within them is then

        9 / pi (1 - o) o c R + o^2 pi R^2,

    c being the distance of the commissures from the axis and R the circle's radius: the
    place o of the edges is solved for the patient's aortic valve area.
    """

    heart: Heart
    motion: Motion
    _nodes: Material = field(init=False, repr=False)
    _lengths: tuple[FloatArray, FloatArray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        heart, at_rest = self.heart, []
        lengths = []
        for ring, shape in ((heart.mitral, MITRAL), (heart.tricuspid, TRICUSPID)):
            hinges, meeting = line_of_closure(ring, shape)
            size = float(np.linalg.norm(ring.first))
            bridge = np.linalg.norm(meeting - hinges, axis=-1)
            straight = np.hypot(bridge, tent(shape, size))
            lengths.append(straight + coaptation(shape, size))
            at_rest += [*hinges, meeting]
        at_rest += [aortic_annulus(heart), pulmonary_annulus(heart)]
        at_rest.append(
            np.array([[m.first.end, m.second.end] for m in heart.papillaries]).reshape(
                4, 3
            )
        )
        object.__setattr__(self, "_nodes", self.motion.material(np.vstack(at_rest)))
        object.__setattr__(self, "_lengths", tuple(lengths))

    def draw(self, density: float, rng: np.random.Generator) -> Flaps:
        """Fill leaflets, cusps and chordae with scatterers.

        Parameters
        ----------
        density : float [1/m^3]
            Scatterers per volume.
        rng : Generator
            Draws their places.

        Returns
        -------
        flaps : Flaps
            Evenly spread over each surface, as it is at end-diastole.
        """
        stenosed = "aortic_stenosis" in self.heart.patient.conditions
        parts = []
        for kind, (area, thickness) in enumerate(self._sizes()):
            count = rng.poisson(density * area * thickness)
            place, along, offset = rng.uniform(-1, 1, (3, count))
            level = ECHOGENICITY_DB["valve"] - 2.0
            if kind >= len(FLAPS) - 2:
                steps = np.array(_CHORDAE)[rng.integers(len(_CHORDAE), size=count)]
                place, level = np.copysign(steps, place), level - 2
            elif stenosed and 4 <= kind < 7:
                level += 5 + 2 * np.cos(9 * place)
            parts.append(
                (
                    np.full(count, kind),
                    place,
                    (along + 1) / 2,
                    offset * thickness / 2,
                    np.broadcast_to(level, place.shape),
                )
            )
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        kinds = columns[0].astype(np.uint8)
        return Flaps(kinds, *(column.astype(np.float32) for column in columns[1:]))

    def position(self, flaps: Flaps, time: float) -> FloatArray:
        """Return where scatterers are at a time [s], (N, 3) [m], the heart's frame."""
        from cardium.phantom._valve_kernels import place_flaps

        nodes: FloatArray = np.stack(
            self.motion.position(self._nodes, time), axis=-1, dtype=float
        )
        wide = openings(self.motion.cycle, time)
        valves, cusps, tips = self._state(nodes, wide)
        return place_flaps(
            flaps.kind, flaps.place, flaps.along, flaps.offset, valves, cusps, tips
        )

    def velocity(self, flaps: Flaps, time: float) -> FloatArray:
        """Velocity of scatterers at a time [s], (N, 3) [m/s], over one millisecond."""
        before, after = (
            self.position(flaps, time + step) for step in (-_STEP / 2, _STEP / 2)
        )
        return np.asarray((after - before) / _STEP)

    def orifice(self, time: float) -> float:
        """Area within the edges of the aortic cusps at a time, [m^2]."""
        count = 400
        place = np.tile(np.linspace(-1, 1, count, dtype=np.float32), 3)
        kind = np.repeat(np.array([4, 5, 6], np.uint8), count)
        edge = np.ones(3 * count, np.float32)
        points = self.position(Flaps(kind, place, edge, 0 * edge, 0 * edge), time)
        cross = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2
        # The edge is not flat: what counts is its shadow along the axis.
        nodes: FloatArray = np.stack(
            self.motion.position(self._nodes, time), axis=-1, dtype=float
        )
        normal = ring_frame(nodes[6 * PLACES : 6 * PLACES + 4])[3]
        return float(abs(cross @ normal))

    def _state(
        self, nodes: FloatArray, wide: Openings
    ) -> tuple[
        tuple[AtrioventricularState, AtrioventricularState],
        tuple[SemilunarState, SemilunarState],
        FloatArray,
    ]:
        """Valves at one time, as the kernels take them."""
        from cardium.phantom._valve_kernels import AtrioventricularState, SemilunarState

        table, rest = nodes[: 6 * PLACES], nodes[6 * PLACES :]
        valves = [
            AtrioventricularState(
                np.ascontiguousarray(lines[:2]),
                lines[2],
                tent(shape, float(np.linalg.norm(ring.first))),
                lengths,
                opening,
                shape.wide,
            )
            for lines, shape, ring, lengths, opening in zip(
                table.reshape(2, 3, PLACES, 3),
                (MITRAL, TRICUSPID),
                (self.heart.mitral, self.heart.tricuspid),
                self._lengths,
                (wide.mitral, wide.tricuspid),
                strict=True,
            )
        ]
        aortic, pulmonary = ring_frame(rest[:4]), ring_frame(rest[4:8])
        area = self.heart.patient.aortic_valve_area_cm2 * 1e-4
        aortic_radius = self.heart.aorta.annulus
        trunk_radius = self.heart.right_ventricle.trunk.start_radius
        cusps = [
            SemilunarState(frame, radius, opening * edge_place(frame, radius, orifice))
            for frame, radius, orifice, opening in (
                (aortic, aortic_radius, area, wide.aortic),
                (pulmonary, trunk_radius, 2.7 * trunk_radius**2, wide.pulmonary),
            )
        ]
        tips = np.ascontiguousarray(rest[8:]).reshape(2, 2, 3)
        return (valves[0], valves[1]), (cusps[0], cusps[1]), tips

    def _sizes(self) -> list[tuple[float, float]]:
        """Area [m^2] and thickness [m] of each of the `FLAPS`."""
        sizes = []
        for ring, shape, lengths in zip(
            (self.heart.mitral, self.heart.tricuspid),
            (MITRAL, TRICUSPID),
            self._lengths,
            strict=True,
        ):
            hinges, meeting = line_of_closure(ring, shape)
            for hinge, length in zip(hinges, lengths, strict=True):
                steps = np.linalg.norm(np.diff((hinge + meeting) / 2, axis=0), axis=-1)
                middle = (length[1:] + length[:-1]) / 2
                sizes.append((float(steps @ middle), _THICKNESS))
        stenosed = "aortic_stenosis" in self.heart.patient.conditions
        thick = _STENOSED_THICKNESS if stenosed else _THICKNESS
        trunk = self.heart.right_ventricle.trunk.start_radius
        sizes += [(2.2 * self.heart.aorta.annulus**2, thick)] * 3
        sizes += [(2.2 * trunk**2, _THICKNESS)] * 3
        chord = len(_CHORDAE) * 2 * 0.022 * _CHORD_WIDTH
        return [*sizes, (chord, _CHORD_WIDTH), (chord, _CHORD_WIDTH)]


_THICKNESS = 0.0012
_STENOSED_THICKNESS = 0.0035
_CHORD_WIDTH = 0.0009
_CHORDAE = (0.11, 0.22, 0.35, 0.48, 0.61, 0.74, 0.87)
_STEP = 1e-3
_OPENING_TIME = 0.05
_VALVE_TIME = 0.035


def _course(time: float, steps: list[tuple[float, Window]]) -> float:
    """Add up smooth steps at one time, kept in 0..1."""
    total = 0.0
    for height, (start, end) in steps:
        u = min(max((time - start) / (end - start), 0.0), 1.0)
        total += height * u**3 * (10 - 15 * u + 6 * u * u)
    return min(max(total, 0.0), 1.0) if abs(total) > 1e-12 else 0.0


def _filling_steps(beat: Beat) -> list[tuple[float, Window]]:
    """List steps of the mitral valve's opening in the diastole of a beat."""
    (start, end), closure = beat.early, beat.filling[1]
    drift = (start + 0.5 * (end - start), min(end + 0.03, closure))
    steps = [
        (1.0, (start, start + min(_OPENING_TIME, 0.45 * (end - start)))),
        (-0.65, drift),
    ]
    if beat.late is None:
        return [*steps, (-0.35, (closure - 0.06, closure))]
    middle = sum(beat.late) / 2
    return [*steps, (0.45, (beat.late[0], middle)), (-0.8, (middle, closure))]


def _ejection_steps(beat: Beat) -> list[tuple[float, Window]]:
    """List steps of the aortic valve's opening in the systole of a beat."""
    start, end = beat.ejection
    brief = min(_VALVE_TIME, 0.3 * (end - start))
    middle = (start + end) / 2
    steps = [(1.0, (start, start + brief)), (-0.12, (middle, end - brief))]
    return [*steps, (-0.88, (end - brief, end))]
