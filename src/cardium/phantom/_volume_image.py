"""From moving scatterers to beamspace volumes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, SectorVolume
from cardium.phantom.anatomy import ECHOGENICITY_DB, Heart
from cardium.phantom.imaging import Complex, log_compress, white_noise
from cardium.phantom.motion import Material, Motion
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.scatterers import solid_tissue


@dataclass(frozen=True, slots=True)
class VolumeProbe:
    """A matrix array.

    Parameters
    ----------
    fan : SectorVolume
        Where the samples of a volume lie.
    plane : Probe
        The same array seen along the elevation: pulse, beam across the azimuth, carrier
        and display.
    elevation_width : float [rad]
        Standard deviation of the Gaussian beam profile across the elevation.
    """

    fan: SectorVolume
    plane: Probe
    elevation_width: float

    def widths(self) -> tuple[float, float, float]:
        """Widths across elevation, across azimuth and along the beam, in cells."""
        step_e, step_a, step_r = self.fan.spacing
        return (
            _OVERSAMPLING * self.elevation_width / step_e,
            _OVERSAMPLING * self.plane.beam_width / step_a,
            _OVERSAMPLING * self.plane.range_width / step_r,
        )


def film_volumes(
    heart: Heart,
    motion: Motion,
    times: FloatArray,
    *,
    probe: VolumeProbe,
    placement: Placement,
    seed: int,
    around: SectorVolume | None = None,
    take: int = -1,
) -> NDArray[np.uint8]:
    """Film a beating heart in space.

    Parameters
    ----------
    heart : Heart
        What is filmed.
    motion : Motion
        How it moves.
    times : (T,) [s]
        When; all beams of a volume are taken at once.
    probe : VolumeProbe
        What it is filmed with.
    placement : Placement
        Where the heart lies under the probe.
    seed : int
        Seed of the scatterers, and with `take` of blood and noise.
    around : SectorVolume, optional
        The fan that is filled with scatterers, if `probe` sees a part of it only.
    take : int
        Number of the recording: other blood and noise, the same tissue.

    Returns
    -------
    volumes : (T, E, A, R) uint8 [grey 0..255]
        Log-compressed envelopes in beamspace.
    """
    tissue, amplitude = _draw_tissue(
        heart, motion, around or probe.fan, probe, placement, seed
    )
    rng = np.random.default_rng([seed, 1 + take])
    depth = probe.fan.depths
    gain = (10 ** (-probe.plane.attenuation * depth / 20)).astype(np.float32)
    growth = 0.2 + 0.8 * (depth / 0.10) ** 2.4
    hiss = (10 ** (probe.plane.noise / 20) * growth).astype(np.float32)
    blood = 10 ** (ECHOGENICITY_DB["lv_cavity"] / 20)
    blood /= math.sqrt(math.prod(math.sqrt(math.pi) * w for w in probe.widths()))
    volumes = np.empty((len(times), *probe.fan.shape), np.uint8)
    for volume, time in zip(volumes, times, strict=True):
        points: FloatArray = np.stack(motion.position(tissue, float(time)), axis=-1)
        grid = _splat(placement.to_image(points), amplitude, probe)
        grid += np.float32(blood) * white_noise(rng, grid.shape)
        signal = gain * _blur(grid, probe)
        signal += hiss * white_noise(rng, signal.shape)
        volume[...] = log_compress(signal, probe.plane)
    return volumes


_OVERSAMPLING = 2
_KERNEL_WIDTHS = 3.0
_MARGIN = 2.0


def _draw_tissue(
    heart: Heart,
    motion: Motion,
    fan: SectorVolume,
    probe: VolumeProbe,
    placement: Placement,
    seed: int,
) -> tuple[Material, NDArray[np.float32]]:
    """Fill a fan with scatterers, equally many in every resolution cell."""
    rng = np.random.default_rng(seed)
    cell = math.prod(math.sqrt(math.pi) * w / _OVERSAMPLING for w in probe.widths())
    sides = np.array(fan.shape) - 1 + 2 * _MARGIN
    number = int(probe.plane.density * math.prod(sides) / cell)
    index = rng.random((number, 3)) * sides - _MARGIN
    starts = (fan.elevation[0], fan.azimuth[0], fan.depth[0])
    elevation, azimuth, depth = (index * fan.spacing + starts).T
    depth = np.maximum(depth, 0)
    points = np.stack(fan.point_at(depth, azimuth, elevation), axis=-1)
    at_rest, level = solid_tissue(heart, points, placement=placement, rng=rng)
    sign = rng.choice([-1.0, 1.0], len(level))
    amplitude = sign * 10 ** (level / 20) / math.sqrt(probe.plane.density)
    fields = (field.astype(np.float32) for field in motion.material(at_rest))
    return Material(*fields), amplitude.astype(np.float32)


def _margins(probe: VolumeProbe) -> tuple[int, int, int]:
    """Cells around the fan whose scatterers reach into it."""
    e, a, r = (math.ceil(_KERNEL_WIDTHS * width) for width in probe.widths())
    return e, a, r


def _splat(
    points: NDArray[np.floating[Any]],
    amplitude: NDArray[np.float32],
    probe: VolumeProbe,
) -> Complex:
    """Add the scatterers, with their carrier's phase, to the oversampled grid."""
    margins = _margins(probe)
    shape = tuple(
        _OVERSAMPLING * (n - 1) + 1 + 2 * m
        for n, m in zip(probe.fan.shape, margins, strict=True)
    )
    x, y, z = points.T
    places = probe.fan.index_of(x, y, z)
    cell = np.zeros(len(points), np.int64)
    inside = np.ones(len(points), np.bool_)
    for place, margin, count in zip(places, margins, shape, strict=True):
        n = np.rint(_OVERSAMPLING * place).astype(np.int64) + margin
        inside &= (n >= 0) & (n < count)
        cell = cell * count + n
    distance = np.sqrt(x**2 + y**2 + z**2)[inside]
    phase = distance * (-4 * math.pi * probe.plane.frequency / SPEED_OF_SOUND)
    cell, weight = cell[inside], amplitude[inside]
    grid = np.empty(shape, np.complex64)
    for part, wave in ((grid.real, np.cos(phase)), (grid.imag, np.sin(phase))):
        total = np.bincount(cell, weight * wave, minlength=grid.size)
        part[...] = total.reshape(shape)
    return grid


def _blur(grid: Complex, probe: VolumeProbe) -> Complex:
    """Convolve with pulse and beam profiles, and keep the samples of the fan."""
    from scipy.ndimage import convolve1d

    margins, widths = _margins(probe), probe.widths()
    for axis in (2, 1, 0):
        half, width = margins[axis], widths[axis]
        profile = np.exp(-((np.arange(-half, half + 1) / width) ** 2) / 2)
        smooth = convolve1d(grid, profile, axis=axis, mode="constant")
        kept = [slice(None)] * 3
        kept[axis] = slice(half, smooth.shape[axis] - half, _OVERSAMPLING)
        grid = smooth[tuple(kept)]
    return np.asarray(grid, np.complex64)
