"""The point scatterers that tissue is made of, drawn at end-diastole and then moved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.anatomy import BLOOD, ECHO_CLASSES, Heart
from cardium.phantom.motion import Floats, Material, Motion
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.valves import Flaps, Leaflets, leaflets


@dataclass(frozen=True, slots=True)
class Scatterers:
    """A cloud of scatterers in a heart: tissue that follows the map, and leaflets.

    Parameters
    ----------
    motion : Motion
        The map that moves the tissue.
    placement : Placement
        Where the heart lies under the probe.
    tissue : Material
        Scatterers of walls and surroundings.
    valves : Leaflets
        The leaflets, which move by themselves.
    flaps : Flaps
        Scatterers of the leaflets.
    amplitude : (N + M,) float32
        Echo amplitude with a sign, tissue first; the mean power of myocardium is 1.
    seed : int
        Seed of the part of the echoes that is new in each frame.
    """

    motion: Motion
    placement: Placement
    tissue: Material
    valves: Leaflets
    flaps: Flaps
    amplitude: NDArray[np.float32]
    seed: int

    def at(self, time: float) -> Floats:
        """Return where all scatterers are at one time, (N + M, 3) [m], probe frame."""
        parts = self.motion.position(self.tissue, time)
        tissue = len(parts[0])
        points = np.empty((len(self.amplitude), 3), parts[0].dtype)
        for axis, part in enumerate(parts):
            points[:tissue, axis] = part
        points[tissue:] = self.valves.position(self.flaps, time)
        return self.placement.to_image(points)

    def amplitude_at(self, frame: int, coherence: float = 1.0) -> NDArray[np.float32]:
        """Echo amplitudes in a frame, part of which are new in each frame.

        Parameters
        ----------
        frame : int
            Number of the frame; the same number gives the same amplitudes.
        coherence : float
            Part c of the power that stays, 0..1.

        Returns
        -------
        amplitude : (N + M,) float32
            ``sqrt(c) a + sqrt(1 - c) b`` with b of the same size as a and a random
            sign. Two frames of tissue that does not move have a correlation of c.
        """
        if coherence >= 1:
            return self.amplitude
        rng = np.random.default_rng([self.seed, frame])
        size = self.amplitude.size
        bits = np.unpackbits(np.frombuffer(rng.bytes(-(-size // 8)), np.uint8))[:size]
        kept, fresh = math.sqrt(coherence), math.sqrt(1 - coherence)
        factor = np.array([kept - fresh, kept + fresh], np.float32)[bits]
        return np.asarray(self.amplitude * factor)


def draw_scatterers(
    heart: Heart, motion: Motion, *, probe: Probe, placement: Placement, seed: int
) -> Scatterers:
    """Draw the scatterers that a probe can see.

    Parameters
    ----------
    heart : Heart
        The anatomy at end-diastole.
    motion : Motion
        How it moves.
    probe : Probe
        Its fan, slice and resolution.
    placement : Placement
        Where the heart lies under it.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    scatterers : Scatterers
        The cloud. Blood has none: its speckle changes from frame to frame, and
        `cardium.phantom.imaging.b_mode` draws it afresh.

    Notes
    -----
    Places are drawn so that each resolution cell holds equally many scatterers at any
    depth. The slab they are drawn in is as thick as the motion across the image plane
    demands; what never comes into the slice is dropped. Amplitudes are +1 or -1 times
    the tissue's: the speckle of Gaussian amplitudes needs three times as many.

    Examples
    --------
    Twice the density draws twice the scatterers.

    >>> from cardium.core import Sector
    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> heart = build_heart(Patient())
    >>> sector = Sector(depth=(0.0, 0.16), angle=(-0.6, 0.6), shape=(81, 25))
    >>> clouds = [
    ...     draw_scatterers(
    ...         heart, Motion.of(heart), probe=Probe(sector, 0.002, 0.04, density=d),
    ...         placement=Placement.apical(apex=(0.0, 0.03), tilt=0.0), seed=0,
    ...     )
    ...     for d in (1.0, 2.0)
    ... ]
    >>> round(clouds[1].amplitude.size / clouds[0].amplitude.size, 1)
    2.0
    """
    rng = np.random.default_rng(seed)
    points = _draw_points(motion, placement, probe, rng)
    at_rest, level = solid_tissue(heart, points, placement=placement, rng=rng)
    material = motion.material(at_rest)
    seen = _ever_seen(motion, material, placement, probe)
    tissue = Material(*(field[seen].astype(np.float32) for field in material))
    valves = leaflets(heart, motion)
    flaps = valves.draw(_volume_density(placement, probe, motion), rng)
    level = np.append(level[seen], flaps.level)
    sign = rng.choice(np.array([-1, 1], np.float32), level.size)
    amplitude = sign * 10 ** (level / 20) / math.sqrt(probe.density)
    return Scatterers(
        motion,
        placement,
        tissue,
        valves,
        flaps,
        amplitude.astype(np.float32),
        int(rng.integers(2**32)),
    )


def solid_tissue(
    heart: Heart,
    points: FloatArray,
    *,
    placement: Placement,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """Keep the points that are not in blood, and find their echo level.

    Parameters
    ----------
    heart : Heart
        The anatomy at end-diastole.
    points : (N, 3) [m]
        Points in the probe's frame.
    placement : Placement
        Where the heart lies under the probe.
    rng : Generator
        Draws the slow variation of echo level.

    Returns
    -------
    at_rest : (M, 3) [m]
        The points that are left, in the frame of the ventricle.
    level : (M,) [dB]
        Their echo level against myocardium.
    """
    at_rest = placement.to_heart(points)
    echo = heart.echo_class(at_rest)
    kept = np.isin(echo, _BLOOD_CLASSES, invert=True)
    at_rest, echo = at_rest[kept], echo[kept]
    level = heart.echogenicity(at_rest, echo) + _waves(at_rest, rng, _UNEVEN)
    loose = np.isin(echo, _LOOSE_CLASSES)
    level[loose] += _waves(at_rest[loose], rng, _PATCHY)
    muscle = np.isin(echo, _MUSCLE_CLASSES)
    level[muscle] += _fibres(at_rest[muscle], heart, rng)
    cosine = _facing(at_rest, points[kept], heart, placement)
    level[muscle] += 20 * np.log10(0.7 + 0.5 * cosine[muscle])
    shiny = np.isin(echo, _SHINY_CLASSES)
    level[shiny] += 20 * np.log10(0.25 + cosine[shiny] ** 2)
    return at_rest, level


_BLOOD_CLASSES = [ECHO_CLASSES.index(name) for name in BLOOD]
_LOOSE_CLASSES = [ECHO_CLASSES.index(name) for name in ("background", "fat")]
_MUSCLE_CLASSES = [
    ECHO_CLASSES.index(name)
    for name in ("myocardium", "papillary_muscle", "lv_trabeculae")
]
_SHINY_CLASSES = [
    ECHO_CLASSES.index(name) for name in ("pericardium", "la_wall", "ra_wall")
]
_SLICE_WIDTHS = 2.5
_SIDE_MARGIN = 0.012
_SIDE_TURN = 0.25
_DEPTH_MARGIN = 0.014
_PHASES = 9


def _draw_points(
    motion: Motion, placement: Placement, probe: Probe, rng: np.random.Generator
) -> FloatArray:
    """Draw points of the slab that the sector shows, and a margin, (N, 3) [m]."""
    sector = probe.sector
    depth = np.linspace(sector.depth[0], sector.depth[1] + _DEPTH_MARGIN, 513)
    elevation = probe.elevation(depth)
    reach = _SLICE_WIDTHS * elevation
    before, behind, aside, turn = _excursion(motion, placement, probe)
    margin = np.minimum(aside / np.maximum(depth, 1e-9), turn)
    span = np.diff(sector.angle)[0] + 2 * margin
    cell = math.pi**1.5 * probe.range_width * probe.beam_width * elevation
    density = probe.density * (2 * reach + behind - before) * span / cell
    within = np.cumsum(density) - density[0]
    number = int(within[-1] * (depth[1] - depth[0]))
    r = np.interp(rng.random(number), within / within[-1], depth)
    side = np.interp(r, depth, margin)
    angle = rng.uniform(sector.angle[0] - side, sector.angle[1] + side)
    slab = np.interp(r, depth, reach)
    y = rng.uniform(before - slab, behind + slab)
    return np.stack([r * np.sin(angle), y, r * np.cos(angle)], axis=-1)


def _phases(motion: Motion) -> FloatArray:
    """Choose times over the first beat at which motion is looked at."""
    beat = motion.cycle.beats[0]
    return np.append(np.linspace(beat.r, beat.next_r, _PHASES), beat.end_systole)


def _excursion(
    motion: Motion, placement: Placement, probe: Probe
) -> tuple[float, float, float, float]:
    """Where, at rest, is what is ever in the sector.

    Its least and greatest place across the slice [m], and how far it is beside the
    sector, at least the usual margin, as a distance [m] and as an angle [rad].
    """
    (near, far), (left, right) = probe.sector.depth, probe.sector.angle
    depth, angle = np.meshgrid(
        np.linspace(max(near, 0.1 * far), far, 16), np.linspace(left, right, 13)
    )
    x, z = depth * np.sin(angle), depth * np.cos(angle)
    plane = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    rest = [motion.inverse(plane, float(time)) for time in _phases(motion)]
    x, across, z = np.moveaxis(placement.to_image(np.stack(rest)), -1, 0)
    turned = np.arctan2(x, z)
    turn = np.maximum(turned - right, left - turned)
    return (
        min(float(across.min()), 0.0),
        max(float(across.max()), 0.0),
        max(float((turn * np.hypot(x, z)).max()), _SIDE_MARGIN),
        max(float(turn.max()), _SIDE_TURN),
    )


def _ever_seen(
    motion: Motion, material: Material, placement: Placement, probe: Probe
) -> NDArray[np.bool_]:
    """Which material points come into the slice, and to the beams, in a beat."""
    light = Material(*(field.astype(np.float32) for field in material))
    seen = np.zeros(light.x.shape, np.bool_)
    left, right = probe.sector.angle
    left, right = left - probe.beam_reach, right + probe.beam_reach
    for time in _phases(motion):
        place = np.moveaxis(np.asarray(motion.position(light, float(time))), 0, -1)
        x, y, z = np.moveaxis(placement.to_image(place), -1, 0)
        depth, angle = np.hypot(x, z), np.arctan2(x, z)
        aside = np.maximum(left - angle, angle - right) * depth
        within = abs(y) < _SLICE_WIDTHS * probe.elevation(depth) + _LEEWAY
        seen |= within & (aside < _LEEWAY)
    return seen


def _volume_density(placement: Placement, probe: Probe, motion: Motion) -> float:
    """Scatterers per volume [1/m^3] of tissue where the valves are."""
    ring = placement.to_image(np.array([0.0, 0.0, motion.ventricle.length]))
    depth = np.array(math.hypot(ring[0], ring[2]))
    cell = math.pi**1.5 * probe.range_width * probe.beam_width * probe.elevation(depth)
    return float(probe.density / (cell * depth))


_LEEWAY = 0.001


def _facing(
    at_rest: FloatArray, points: FloatArray, heart: Heart, placement: Placement
) -> FloatArray:
    """Cosine of the angle between beam and wall, at points at rest and in the image.

    The wall is that of the left ventricle, and above its base that of the atrium whose
    middle is nearer.
    """
    lv = heart.ventricle
    normal = at_rest - np.array([0.0, 0.0, lv.long_axis])
    normal /= np.array([lv.short_axis, lv.short_axis, lv.long_axis]) ** 2
    atria = [np.array(a.centre) for a in (heart.left_atrium, heart.right_atrium)]
    from_left, from_right = (at_rest - centre for centre in atria)
    left = np.sum(from_left**2, axis=-1) < np.sum(from_right**2, axis=-1)
    out = np.where(left[:, None], from_left, from_right)
    normal = np.where(at_rest[:, 2:] > lv.length, out, normal)
    beam = placement.turn_to_heart(points)
    lengths = np.linalg.norm(normal, axis=-1) * np.linalg.norm(beam, axis=-1)
    return np.asarray(abs(np.sum(normal * beam, axis=-1)) / np.maximum(lengths, 1e-12))


def _waves(
    points: FloatArray, rng: np.random.Generator, look: tuple[int, float, float, float]
) -> FloatArray:
    """Slow random variation of echo level [dB] that moves with the tissue.

    `look` holds the number of waves, their height [dB], and the least and greatest
    wavelength [m].
    """
    count, height, shortest, longest = look
    x, y, z = np.moveaxis(points.astype(np.float32), -1, 0)
    level = np.zeros(x.shape, np.float32)
    for _ in range(count):
        direction = rng.normal(size=3)
        wavelength = rng.uniform(shortest, longest)
        wave = 2 * math.pi / wavelength * direction / np.linalg.norm(direction)
        a, b, c = wave.astype(np.float32)
        phase = a * x + b * y + c * z + np.float32(rng.uniform(0, 2 * math.pi))
        level += np.float32(height) * np.cos(phase)
    return level


def _fibres(at_rest: FloatArray, heart: Heart, rng: np.random.Generator) -> FloatArray:
    """Echo level [dB] of muscle in layers: long along the wall, thin across it."""
    lv = heart.ventricle
    radius, theta, z = lv.cylindrical(at_rest)
    depth = lv.epicardial_level(radius, z) * lv.short_axis
    level = np.zeros(z.shape)
    for turns in (-2, 0, 1, 3):
        across, along = rng.uniform(0.002, 0.0045), rng.uniform(0.012, 0.035)
        phase = 2 * math.pi * (depth / across + z / along) + turns * theta
        level += _FIBRE_DB * np.cos(phase + rng.uniform(0, 2 * math.pi))
    return level


_FIBRE_DB = 2.0
_UNEVEN = (8, 1.9, 0.006, 0.035)
_PATCHY = (6, 2.5, 0.010, 0.040)
