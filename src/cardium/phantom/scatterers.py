"""The point scatterers that tissue is made of, drawn at end-diastole and then moved."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.anatomy import BLOOD, ECHOGENICITY_DB, TISSUES, Heart
from cardium.phantom.motion import Floats, Material, Motion
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.valve import MitralValve


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
    leaflets : (4, M) float32
        Scatterers of the mitral leaflets: side, place along, offset and y [m].
    amplitude : (N + M,) float32
        Echo amplitude with a sign; the mean power of myocardium is 1.
    """

    motion: Motion
    placement: Placement
    tissue: Material
    leaflets: NDArray[np.float32]
    amplitude: NDArray[np.float32]

    def at(self, time: float) -> Floats:
        """Return where all scatterers are at one time, (N + M, 3) [m], probe frame."""
        tissue = np.stack(self.motion.position(self.tissue, time), axis=-1)
        side, along, offset, across = self.leaflets
        x, z = MitralValve(self.motion).position(side.astype(np.intp), along, time)
        flaps = np.stack([x + offset, across, z - offset], axis=-1)
        c, s = math.cos(self.placement.rotation), math.sin(self.placement.rotation)
        # The leaflets stay in the image plane, whichever way it is turned.
        flaps[:, 0], flaps[:, 1] = (
            c * flaps[:, 0] - s * flaps[:, 1],
            s * flaps[:, 0] + c * flaps[:, 1],
        )
        cloud = np.concatenate([tissue, flaps.astype(np.float32)])
        return self.placement.to_image(cloud)


def draw_scatterers(
    heart: Heart, motion: Motion, *, probe: Probe, placement: Placement, seed: int
) -> Scatterers:
    """Fill what a probe sees of a heart with random scatterers.

    Parameters
    ----------
    heart : Heart
        The anatomy at end-diastole.
    motion : Motion
        Its motion.
    probe : Probe
        Its fan, resolution and density of scatterers.
    placement : Placement
        Where the heart lies under the probe.
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
    depth, in a slab thick enough for what twist brings into the slice. Amplitudes are
    +1 or -1 times the tissue's: the speckle of Gaussian amplitudes needs three times
    as many.

    Examples
    --------
    Twice the density draws twice the scatterers.

    >>> from cardium.core import Sector
    >>> from cardium.phantom.anatomy import sample_heart
    >>> heart = sample_heart(1)
    >>> sector = Sector(depth=(0.0, 0.16), angle=(-0.6, 0.6), shape=(81, 25))
    >>> clouds = [
    ...     draw_scatterers(
    ...         heart, Motion.of(heart), probe=Probe(sector, 0.002, 0.04, density=d),
    ...         placement=Placement(apex=(0.0, 0.03), tilt=0.0), seed=0,
    ...     )
    ...     for d in (1.0, 2.0)
    ... ]
    >>> round(clouds[1].amplitude.size / clouds[0].amplitude.size, 1)
    2.0
    """
    rng = np.random.default_rng(seed)
    points = _draw_points(probe, rng)
    at_rest, level = solid_tissue(heart, points, placement=placement, rng=rng)
    flaps = _draw_leaflets(motion, placement, probe, rng)
    level = np.append(level, np.full(flaps.shape[1], ECHOGENICITY_DB["valve"]))
    sign = rng.choice([-1.0, 1.0], level.size)
    amplitude = sign * 10 ** (level / 20) / math.sqrt(probe.density)
    material = motion.material(at_rest)
    return Scatterers(
        motion,
        placement,
        Material(*(field.astype(np.float32) for field in material)),
        flaps,
        amplitude.astype(np.float32),
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
    tissue = heart.classify(at_rest)
    kept = ~np.isin(tissue, [TISSUES.index(name) for name in BLOOD])
    at_rest, tissue = at_rest[kept], tissue[kept]
    level = heart.echogenicity(at_rest, tissue) + _unevenness(at_rest, rng)
    muscle = tissue == TISSUES.index("myocardium")
    level[muscle] += _anisotropy(
        at_rest[muscle], points[kept][muscle], heart, placement
    )
    return at_rest, level


_SLAB_WIDTHS = 2.0
_TWIST_MARGIN = 0.003
_SIDE_MARGIN = 0.08
_DEPTH_MARGIN = 0.006
_LEAFLET_THICKNESS = 0.0007
_POSTERIOR_PART = 0.4


def _density(probe: Probe, depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Scatterers per range and angle [1/(m rad)] and half the slab [m] at depths."""
    elevation = probe.elevation(depth)
    slab = _SLAB_WIDTHS * elevation + _TWIST_MARGIN
    cell = math.pi**1.5 * probe.range_width * probe.beam_width * elevation
    return probe.density * 2 * slab / cell, slab


def _draw_points(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Draw points of the slab that the sector shows, and a margin, (N, 3) [m]."""
    sector = probe.sector
    depth = np.linspace(sector.depth[0], sector.depth[1] + _DEPTH_MARGIN, 513)
    left, right = sector.angle[0] - _SIDE_MARGIN, sector.angle[1] + _SIDE_MARGIN
    density, slab = _density(probe, depth)
    within = np.cumsum(density) - density[0]
    number = int(within[-1] * (depth[1] - depth[0]) * (right - left))
    r = np.interp(rng.random(number), within / within[-1], depth)
    angle = rng.uniform(left, right, number)
    y = rng.uniform(-1, 1, number) * np.interp(r, depth, slab)
    return np.stack([r * np.sin(angle), y, r * np.cos(angle)], axis=-1)


def _draw_leaflets(
    motion: Motion, placement: Placement, probe: Probe, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw scatterers of the leaflets, as dense as those of the tissue around."""
    lv = motion.ventricle
    depth = placement.apex[1] + lv.length
    density, slab = _density(probe, np.asarray(depth))
    area = 2 * _LEAFLET_THICKNESS * 2 * lv.short_axis
    number = int(area * density / depth)
    columns = [
        rng.random(number) < _POSTERIOR_PART,
        rng.random(number),
        rng.uniform(-1, 1, number) * _LEAFLET_THICKNESS,
        rng.uniform(-1, 1, number) * slab,
    ]
    return np.stack(columns).astype(np.float32)


def _anisotropy(
    at_rest: FloatArray, points: FloatArray, heart: Heart, placement: Placement
) -> FloatArray:
    """Echo level [dB] of muscle by the angle between beam and wall."""
    lv = heart.ventricle
    normal = at_rest - np.array([0.0, 0.0, lv.long_axis])
    normal /= np.array([lv.short_axis, lv.short_axis, lv.long_axis]) ** 2
    beam = Placement((0, 0), placement.tilt, placement.rotation).to_heart(points)
    lengths = np.linalg.norm(normal, axis=-1) * np.linalg.norm(beam, axis=-1)
    cosine = abs(np.sum(normal * beam, axis=-1)) / lengths
    return np.asarray(20 * np.log10(0.8 + 0.45 * cosine))


def _unevenness(points: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Slow random variation of echo level [dB] that moves with the tissue."""
    level = np.zeros(points.shape[:-1])
    for _ in range(6):
        direction = rng.normal(size=3)
        wavelength = rng.uniform(0.012, 0.04)
        wave = 2 * math.pi / wavelength * direction / np.linalg.norm(direction)
        level += 1.2 * np.cos(points @ wave + rng.uniform(0, 2 * math.pi))
    return level
