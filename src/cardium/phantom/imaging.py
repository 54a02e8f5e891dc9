"""From moving scatterers to beamspace frames: B-mode, and velocity along the beams."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector
from cardium.errors import InvalidArgumentError
from cardium.phantom.anatomy import Heart
from cardium.phantom.artefacts import draw_artefacts
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.receive import Complex, blur, splat, white_noise
from cardium.phantom.scatterers import Scatterers, draw_scatterers


def b_mode(
    heart: Heart,
    motion: Motion,
    times: FloatArray,
    *,
    probe: Probe,
    placement: Placement,
    seed: int = 0,
    coherence: float = 1.0,
) -> NDArray[np.uint8]:
    """Film a beating heart.

    Parameters
    ----------
    heart : Heart
        What is filmed.
    motion : Motion
        How it moves.
    times : (T,) [s]
        When the frames are taken; all beams of a frame are taken at once.
    probe : Probe
        What it is filmed with.
    placement : Placement
        Where the heart lies under the probe.
    seed : int
        Seed of scatterers, artefacts, blood and noise.
    coherence : float
        Part of the echo power of tissue that stays from frame to frame, 0..1; see
        `film`.

    Returns
    -------
    frames : (T, R, A) uint8 [grey 0..255]
        Log-compressed envelopes in beamspace.

    Raises
    ------
    InvalidArgumentError
        If the coherence is not in 0..1.

    Notes
    -----
    Draws the cloud of scatterers and films it; `film` says how.

    Examples
    --------
    The apex of the ventricle is 3 cm deep: on the middle beam, muscle above it is
    brighter than the blood below.

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> heart = build_heart(Patient())
    >>> probe = Probe.matched_to(Sector((0.0, 0.16), (-0.6, 0.6), shape=(81, 25)))
    >>> frames = b_mode(
    ...     heart, Motion.of(heart), np.array([0.0]), probe=probe,
    ...     placement=Placement.apical(apex=(0.0, 0.03), tilt=0.0),
    ... )
    >>> muscle, blood = frames[0, 12:15, 12], frames[0, 25:40, 12]
    >>> frames.shape, bool(muscle.mean() > 50 + blood.mean())
    ((1, 81, 25), True)
    """
    tissue_seed, image_seed = np.random.SeedSequence(seed).generate_state(2)
    cloud = draw_scatterers(
        heart, motion, probe=probe, placement=placement, seed=int(tissue_seed)
    )
    return film(cloud, times, probe=probe, seed=int(image_seed), coherence=coherence)


def film(
    cloud: Scatterers,
    times: FloatArray,
    *,
    probe: Probe,
    seed: int = 0,
    coherence: float = 1.0,
) -> NDArray[np.uint8]:
    """Film a cloud of scatterers.

    Parameters
    ----------
    cloud : Scatterers
        The heart, as the probe sees it.
    times : (T,) [s]
        When the frames are taken; all beams of a frame are taken at once.
    probe : Probe
        What it is filmed with.
    seed : int
        Seed of artefacts, blood and noise.
    coherence : float
        Part c of the echo power of tissue that stays from frame to frame, 0..1: the
        amplitudes of a frame are ``sqrt(c) a + sqrt(1 - c) b``, b being new in each
        (Judge et al. 2025). Frames of tissue that does not move correlate by c, as
        complex signals.

    Returns
    -------
    frames : (T, R, A) uint8 [grey 0..255]
        Log-compressed envelopes in beamspace.

    Raises
    ------
    InvalidArgumentError
        If the coherence is not in 0..1.

    Notes
    -----
    Blood is speckle that is new in every frame. What body and scanner add stands
    still (`cardium.phantom.artefacts`), but for the electronic noise.
    """
    frames = np.empty((len(times), *probe.sector.shape), np.uint8)
    for frame, signal in zip(
        frames,
        record_iq(cloud, times, probe=probe, seed=seed, coherence=coherence),
        strict=True,
    ):
        frame[...] = log_compress(signal, probe)
    return frames


def record_iq(
    cloud: Scatterers,
    times: FloatArray,
    *,
    probe: Probe,
    seed: int = 0,
    coherence: float = 1.0,
) -> Iterator[Complex]:
    """Yield the demodulated signal (R, A) of each frame of a `film`."""
    if not 0 <= coherence <= 1:
        raise InvalidArgumentError(
            f"film: coherence must be in 0..1, got {coherence}. Was it in percent?"
        )
    rng = np.random.default_rng(seed)
    added = draw_artefacts(probe, rng)
    for number, time in enumerate(times):
        amplitude = cloud.amplitude_at(number, coherence)
        grid = splat(cloud.at(float(time)), amplitude, probe)
        grid += added.blood * white_noise(rng, grid.shape)
        signal = added.gain * blur(grid, probe) + added.still
        signal += added.noise * white_noise(rng, signal.shape)
        yield np.asarray(signal, np.complex64)


def log_compress(iq: Complex, probe: Probe) -> NDArray[np.uint8]:
    """Turn IQ signals into grey levels, decibels spread over the dynamic range.

    Parameters
    ----------
    iq : (..., R, A) complex
        Signals; myocardium has a mean power of 1.
    probe : Probe
        Its dynamic range and headroom, its grey map and sharpness.

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
    share = 1 + (level - probe.headroom) / probe.dynamic_range
    part: NDArray[np.float32] = np.clip(share, 0, 1).astype(np.float32)
    if probe.gamma != 1:
        part **= np.float32(probe.gamma)
    if probe.sharpness != 0:
        part += np.float32(probe.sharpness) * (part - _smooth(part))
    return np.rint(255 * np.clip(part, 0, 1)).astype(np.uint8)


def beam_velocity(
    motion: Motion, times: FloatArray, *, sector: Sector, placement: Placement
) -> NDArray[np.float32]:
    """Velocity along the beam of the tissue at every sample of a sector, exactly.

    Parameters
    ----------
    motion : Motion
        How the heart moves.
    times : (T,) [s]
        When; all beams of a frame are taken at once.
    sector : Sector
        Where.
    placement : Placement
        Where the heart lies under the probe.

    Returns
    -------
    velocity : (T, R, A) float32 [m/s]
        Positive towards the probe, not folded. Inside the cavity it is the velocity of
        the map, not that of blood.

    Examples
    --------
    In systole the base comes towards the probe.

    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> velocity = beam_velocity(
    ...     Motion.of(build_heart(Patient())), np.array([0.2]),
    ...     sector=Sector(depth=(0.08, 0.1), angle=(-0.3, 0.3), shape=(3, 3)),
    ...     placement=Placement.apical(apex=(0.0, 0.03), tilt=0.0),
    ... )
    >>> bool(velocity[0, :, 1].min() > 0.03)
    True
    """
    x, z = sector.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    angle = sector.angles
    beams = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    away = placement.turn_to_heart(beams)
    velocity = np.empty((len(times), *sector.shape), np.float32)
    for frame, time in zip(velocity, times, strict=True):
        moving = motion.velocity(places, float(time))
        frame[...] = -np.sum(moving * away, axis=-1)
    return velocity


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Smooth over range and beams by the weights 1, 2, 1."""
    from scipy.ndimage import convolve1d

    weights = np.array([0.25, 0.5, 0.25], np.float32)
    return np.asarray(
        convolve1d(convolve1d(values, weights, axis=-1), weights, axis=-2)
    )
