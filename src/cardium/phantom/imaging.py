"""From moving scatterers to beamspace frames: B-mode and tissue velocity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.anatomy import ECHOGENICITY_DB, Heart
from cardium.phantom.motion import Motion
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.scatterers import draw_scatterers
from cardium.signal.doppler import fold

Complex = NDArray[np.complex64]


def b_mode(
    heart: Heart,
    times: FloatArray,
    *,
    probe: Probe,
    placement: Placement,
    first_r: float = 0.0,
    seed: int = 0,
) -> NDArray[np.uint8]:
    """Film a beating heart.

    Parameters
    ----------
    heart : Heart
        What is filmed.
    times : (T,) [s]
        When the frames are taken; all beams of a frame are taken at once.
    probe : Probe
        What it is filmed with.
    placement : Placement
        Where the heart lies under the probe.
    first_r : float [s]
        Time of an R peak.
    seed : int
        Seed of scatterers, blood and noise.

    Returns
    -------
    frames : (T, R, A) uint8 [grey 0..255]
        Log-compressed envelopes in beamspace.

    Notes
    -----
    Tissue is a cloud of moving scatterers (see `receive`); blood is speckle that is
    new in every frame. Reverberation near the probe and a faint haze stand still.
    Each beam has its own slowly varying gain. Noise grows with depth, as the gain
    that makes up for attenuation does.

    Examples
    --------
    The apex of the ventricle is 3 cm deep: on the middle beam, muscle above it is
    brighter than the blood below.

    >>> from cardium.phantom.anatomy import sample_heart
    >>> probe = Probe.matched_to(Sector((0.0, 0.16), (-0.6, 0.6), shape=(81, 25)))
    >>> frames = b_mode(
    ...     sample_heart(1), np.array([0.0]), probe=probe,
    ...     placement=Placement(apex=(0.0, 0.03), tilt=0.0),
    ... )
    >>> muscle, blood = frames[0, 12:15, 12], frames[0, 25:40, 12]
    >>> frames.shape, bool(muscle.mean() > 50 + blood.mean())
    ((1, 81, 25), True)
    """
    tissue_seed, image_seed = np.random.SeedSequence(seed).generate_state(2)
    motion = Motion.of(heart, first_r=first_r)
    cloud = draw_scatterers(
        heart, motion, probe=probe, placement=placement, seed=int(tissue_seed)
    )
    rng = np.random.default_rng(image_seed)
    still = _standing_echoes(probe, rng)
    gain = _gain(probe, rng)
    hiss = _noise_level(probe)
    frames = np.empty((len(times), *probe.sector.shape), np.uint8)
    for frame, time in zip(frames, times, strict=True):
        grid = _splat(cloud.at(float(time)), cloud.amplitude, probe)
        grid += _blood_level(probe) * white_noise(rng, grid.shape)
        signal = gain * _blur(grid, probe) + still
        signal += hiss * white_noise(rng, signal.shape)
        frame[...] = log_compress(signal, probe)
    return frames


def receive(
    points: NDArray[np.floating[Any]], amplitude: NDArray[np.float32], *, probe: Probe
) -> Complex:
    """Receive the demodulated (IQ) signal of point scatterers.

    Parameters
    ----------
    points : (N, 3) [m]
        Where the scatterers are, in the probe's frame.
    amplitude : (N,)
        Their echo amplitudes.
    probe : Probe
        Its fan, carrier and resolution.

    Returns
    -------
    iq : (R, A) complex64
        A scatterer of amplitude 1 at a sample has magnitude 1 there.

    Notes
    -----
    A scatterer at distance r adds ``exp(-i 4 pi f r / c)`` times the Gaussian pulse
    and beam profiles, the COLE model of Gao et al. 2009: the carrier's phase is exact,
    the envelope is placed to a quarter of a sample, which keeps moving speckle from
    flickering (Storve et al. 2017). In beamspace the profile is the same everywhere,
    so two one-dimensional convolutions make the image.

    Examples
    --------
    >>> sector = Sector(depth=(0.02, 0.06), angle=(-0.2, 0.2), shape=(81, 21))
    >>> probe = Probe(sector, range_width=0.0005, beam_width=0.02)
    >>> iq = receive(np.array([[0.0, 0.0, 0.04]]), np.ones(1, np.float32), probe=probe)
    >>> np.unravel_index(abs(iq).argmax(), iq.shape), round(float(abs(iq).max()), 3)
    ((np.int64(40), np.int64(10)), 1.0)
    """
    return _blur(_splat(points, amplitude, probe), probe)


def log_compress(iq: Complex, probe: Probe) -> NDArray[np.uint8]:
    """Turn IQ signals into grey levels, decibels spread over the dynamic range.

    Parameters
    ----------
    iq : (..., R, A) complex
        Signals; myocardium has a mean power of 1.
    probe : Probe
        Its dynamic range and headroom.

    Returns
    -------
    grey : (..., R, A) uint8 [grey 0..255]
        255 at the headroom above myocardium, 0 the dynamic range below that.

    Examples
    --------
    Myocardium lies 27 dB below white, 255 (1 - 27 / 70) = 157.

    >>> sector = Sector(depth=(0.02, 0.06), angle=(-0.2, 0.2), shape=(81, 21))
    >>> probe = Probe(sector, 0.0005, 0.02, dynamic_range=70.0, headroom=27.0)
    >>> log_compress(np.array([[0, 1, 100]], np.complex64), probe)
    array([[  0, 157, 255]], dtype=uint8)
    """
    floor = np.float32(1e-6)
    level = 20 * np.log10(np.maximum(np.abs(iq), floor))
    part = 1 + (level - probe.headroom) / probe.dynamic_range
    return np.rint(255 * np.clip(part, 0, 1)).astype(np.uint8)


def tissue_velocity(
    heart: Heart,
    times: FloatArray,
    *,
    sector: Sector,
    placement: Placement,
    velocity_limit: float,
    first_r: float = 0.0,
) -> NDArray[np.float32]:
    """Velocity along the beam of the tissue at every sample of a sector, exactly.

    Parameters
    ----------
    heart : Heart
        What moves.
    times : (T,) [s]
        When; all beams of a frame are taken at once.
    sector : Sector
        Where.
    placement : Placement
        Where the heart lies under the probe.
    velocity_limit : float [m/s]
        Nyquist limit at which velocities fold.
    first_r : float [s]
        Time of an R peak.

    Returns
    -------
    velocity : (T, R, A) float32 [m/s]
        Positive towards the probe, folded into -limit <= velocity < limit. It holds
        no noise. Inside the cavity it is the velocity of the map, not that of blood.

    Raises
    ------
    InvalidArgumentError
        If the limit is not positive.

    Examples
    --------
    Muscle rests at the R peak; in systole the base comes towards the probe.

    >>> from cardium.phantom.anatomy import sample_heart
    >>> velocity = tissue_velocity(
    ...     sample_heart(1), np.array([0.0, 0.2]), velocity_limit=0.16,
    ...     sector=Sector(depth=(0.08, 0.1), angle=(-0.3, 0.3), shape=(3, 3)),
    ...     placement=Placement(apex=(0.0, 0.03), tilt=0.0),
    ... )
    >>> float(abs(velocity[0]).max()), bool(velocity[1, :, 1].min() > 0.03)
    (0.0, True)
    """
    if not velocity_limit > 0:
        raise InvalidArgumentError(
            f"tissue_velocity: the velocity limit must be positive, got "
            f"{velocity_limit} m/s."
        )
    motion = Motion.of(heart, first_r=first_r)
    x, z = sector.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    angle = sector.angles
    beams = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    away = Placement((0, 0), placement.tilt, placement.rotation).to_heart(beams)
    velocity = np.empty((len(times), *sector.shape), np.float32)
    for frame, time in zip(velocity, times, strict=True):
        moving = motion.velocity(places, float(time))
        towards = -np.sum(moving * away, axis=-1)
        frame[...] = fold(towards.astype(np.float32), velocity_limit)
    return velocity


_OVERSAMPLING = 2
_KERNEL_WIDTHS = 3.0
_SLICE_WIDTHS = 2.5
_REVERBERATION_DB = 4.0
_REVERBERATION_REACH = 0.006
_HAZE_DB = -50.0


def _widths(probe: Probe) -> tuple[float, float]:
    """Express the widths of pulse and beam in cells of the oversampled grid."""
    sector = probe.sector
    return (
        _OVERSAMPLING * probe.range_width / sector.range_spacing,
        _OVERSAMPLING * probe.beam_width / sector.beam_spacing,
    )


def _margins(probe: Probe) -> tuple[int, int]:
    """Cells around the sector whose scatterers reach into it."""
    down, across = (math.ceil(_KERNEL_WIDTHS * width) for width in _widths(probe))
    return down, across


def _grid_shape(probe: Probe) -> tuple[int, int]:
    """Size of the oversampled grid with its margins."""
    (rows, columns), (down, across) = probe.sector.shape, _margins(probe)
    return (
        _OVERSAMPLING * (rows - 1) + 1 + 2 * down,
        _OVERSAMPLING * (columns - 1) + 1 + 2 * across,
    )


def _splat(
    points: NDArray[np.floating[Any]], amplitude: NDArray[np.float32], probe: Probe
) -> Complex:
    """Add the scatterers, with their carrier's phase, to the oversampled grid."""
    sector = probe.sector
    (down, across), (rows, columns) = _margins(probe), _grid_shape(probe)
    x, y, z = points.T
    reach = np.hypot(x, z)
    width = probe.elevation(reach)
    near = np.flatnonzero(abs(y) < _SLICE_WIDTHS * width)
    x, y, z, reach, width = (v[near] for v in (x, y, z, reach, width))
    distance = np.sqrt(reach**2 + y**2)
    row = (distance - sector.depth[0]) * (_OVERSAMPLING / sector.range_spacing)
    column = (np.arctan2(x, z) - sector.angle[0]) * (
        _OVERSAMPLING / sector.beam_spacing
    )
    i = np.rint(row).astype(np.int32) + down
    j = np.rint(column).astype(np.int32) + across
    inside = (i >= 0) & (i < rows) & (j >= 0) & (j < columns)
    cell = (i * columns + j)[inside]
    weight = (amplitude[near] * np.exp(-((y / width) ** 2) / 2))[inside]
    phase = distance[inside] * (-4 * math.pi * probe.frequency / SPEED_OF_SOUND)
    grid = np.empty((rows, columns), np.complex64)
    for part, wave in ((grid.real, np.cos(phase)), (grid.imag, np.sin(phase))):
        total = np.bincount(cell, weight * wave, minlength=rows * columns)
        part[...] = total.reshape(rows, columns)
    return grid


def _blur(grid: Complex, probe: Probe) -> Complex:
    """Convolve with pulse and beam profiles, and keep the samples of the sector."""
    from scipy.ndimage import convolve1d

    (down, across), shape = _margins(probe), probe.sector.shape
    pulse, beam = (_gaussian(width) for width in _widths(probe))
    ranged = convolve1d(grid, pulse, axis=0, mode="constant")
    ranged = ranged[down::_OVERSAMPLING][: shape[0]]
    beamed = convolve1d(ranged, beam, axis=1, mode="constant")
    return np.asarray(beamed[:, across::_OVERSAMPLING][:, : shape[1]], np.complex64)


def _gaussian(width: float) -> FloatArray:
    """Gaussian of a standard deviation in cells, 1 at its middle."""
    half = math.ceil(_KERNEL_WIDTHS * width)
    return np.exp(-((np.arange(-half, half + 1) / width) ** 2) / 2)


def white_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Complex:
    """Complex white noise of mean power 1."""
    parts = rng.standard_normal((*shape, 2), np.float32)
    return np.asarray(parts.view(np.complex64)[..., 0] * math.sqrt(0.5), np.complex64)


def _blood_level(probe: Probe) -> np.float32:
    """Amplitude of white noise on the grid that blurs to the level of blood."""
    down, across = _widths(probe)
    level = 10 ** (ECHOGENICITY_DB["lv_cavity"] / 20)
    return np.float32(level / math.sqrt(math.pi * down * across))


def _standing_echoes(probe: Probe, rng: np.random.Generator) -> Complex:
    """Reverberation near the probe and haze everywhere, the same in all frames."""
    down, across = _widths(probe)
    depth = probe.sector.depths[:, None]
    level = 10 ** (_REVERBERATION_DB / 20) * np.exp(-depth / _REVERBERATION_REACH)
    level += 10 ** (_HAZE_DB / 20)
    white = white_noise(rng, _grid_shape(probe))
    speckle = _blur(white, probe) / math.sqrt(math.pi * down * across)
    return (level * speckle).astype(np.complex64)


def _gain(probe: Probe, rng: np.random.Generator) -> NDArray[np.float32]:
    """Amplitude gain of every sample: loss with depth, and uneven contact."""
    depth, angle = probe.sector.depths[:, None], probe.sector.angles
    level = -probe.attenuation * depth * np.ones_like(angle)
    for waves in (1, 2, 3, 5):
        phase = rng.uniform(0, 2 * math.pi)
        turns = waves * (angle - angle[0]) / (angle[-1] - angle[0])
        level += rng.uniform(0.3, 1.2) * np.cos(2 * math.pi * turns + phase)
    return np.asarray(10 ** (level / 20), np.float32)


def _noise_level(probe: Probe) -> NDArray[np.float32]:
    """Amplitude of electronic noise at every depth, (R, 1)."""
    depth = probe.sector.depths[:, None]
    growth = 0.2 + 0.8 * (depth / 0.10) ** 2.4
    return np.asarray(10 ** (probe.noise / 20) * growth, np.float32)
