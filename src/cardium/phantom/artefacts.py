"""What body and scanner add to echoes: uneven gain, shadow, clutter, haze, noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.anatomy import ECHOGENICITY_DB
from cardium.phantom.probe import Probe
from cardium.phantom.receive import Complex, blur, grid_shape, white_noise


@dataclass(frozen=True, slots=True, eq=False)
class Artefacts:
    """The artefacts of one recording.

    Parameters
    ----------
    gain : (R, A) float32
        Amplitude gain of every sample.
    still : (R, A) complex64
        Echoes that stand still: reverberation at the probe, and haze.
    noise : (R, 1) float32
        Amplitude of electronic noise.
    blood : float32
        Amplitude of white noise on the grid of scatterers that is seen as blood.
    """

    gain: NDArray[np.float32]
    still: Complex
    noise: NDArray[np.float32]
    blood: np.float32


def draw_artefacts(probe: Probe, rng: np.random.Generator) -> Artefacts:
    """Draw the artefacts of a recording.

    Parameters
    ----------
    probe : Probe
        How strong they are.
    rng : Generator
        Draws them.

    Returns
    -------
    artefacts : Artefacts
        Of the samples of the probe's sector.

    Notes
    -----
    Gain: what attenuation is not made up for; slow waves over the beams, as of uneven
    contact; one weak fan of beams where a rib lies near (dropout); and the shadow of
    lung at one or both edges, from some depth on. Where the beam is wider it sums up
    more echoes, which the gain takes back.

    Still echoes: layers of the chest wall next to the probe, fading within a
    centimetre; and haze, the side-lobe and multiple echoes of all that is around,
    strongest in the first centimetres.

    Noise grows with depth, as the gain that makes up for attenuation does.

    Examples
    --------
    Noise of -40 dB at 10 cm is a hundredth of the amplitude of myocardium.

    >>> from cardium.core import Sector
    >>> sector = Sector(depth=(0.05, 0.15), angle=(-0.2, 0.2), shape=(11, 5))
    >>> probe = Probe(sector, range_width=0.002, beam_width=0.04, noise=-40.0)
    >>> found = draw_artefacts(probe, np.random.default_rng(0))
    >>> float(sector.depths[5].round(3)), round(float(found.noise[5, 0]), 4)
    (0.1, 0.01)
    """
    pulse, energy = _energies(probe)
    level = _slow_gain(probe, rng) + _dropout(probe, rng) + _shadow(probe, rng)
    level -= 10 * np.log10(energy / (math.sqrt(math.pi) * probe.beam_width))
    speckle = blur(white_noise(rng, grid_shape(probe)), probe)
    still = (_chest_wall(probe, rng) + _haze(probe, rng)) * speckle
    cells = _OVERSAMPLING**2 * pulse * energy
    cells /= probe.sector.range_spacing * probe.sector.beam_spacing
    focal = math.pi * probe.range_width * probe.beam_width * _OVERSAMPLING**2
    focal /= probe.sector.range_spacing * probe.sector.beam_spacing
    blood = 10 ** (ECHOGENICITY_DB["lv_cavity"] / 20) / math.sqrt(focal)
    return Artefacts(
        gain=(10 ** (level / 20)).astype(np.float32),
        still=(still / np.sqrt(cells)).astype(np.complex64),
        noise=_noise(probe),
        blood=np.float32(blood),
    )


_OVERSAMPLING = 2
_NEAR_REACH = 0.006
_HAZE_REACH = 0.025
_LAYERS = 4


def _energies(probe: Probe) -> tuple[float, FloatArray]:
    """Integrals of the squared pulse [m], and beam at each depth, (R, 1) [rad]."""
    angle = np.linspace(-probe.beam_reach, probe.beam_reach, 801)
    profile = probe.beam_profile(probe.sector.depths[:, None], angle)
    beam = np.sum(profile**2, axis=1, keepdims=True) * (angle[1] - angle[0])
    return math.sqrt(math.pi) * probe.range_width, beam


def _across(probe: Probe) -> FloatArray:
    """Place of the beams across the fan, -1 to 1."""
    first, last = probe.sector.angle
    return np.asarray(2 * (probe.sector.angles - first) / (last - first) - 1)


def _slow_gain(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Gain [dB] that varies slowly: loss with depth, contact, gain settings."""
    depth, place = probe.sector.depths[:, None], _across(probe)
    level = -probe.attenuation * depth * np.ones_like(place)
    for waves in (0.5, 1, 1.5, 2.5):
        phase = rng.uniform(0, 2 * math.pi)
        size = probe.unevenness * rng.uniform(0.6, 2.0)
        level += size * np.cos(math.pi * waves * place + phase)
    for waves in (1, 2):
        phase = rng.uniform(0, 2 * math.pi)
        turns = waves * depth / probe.sector.depth[1]
        level += (
            probe.unevenness
            * rng.uniform(0.5, 1.5)
            * np.cos(2 * math.pi * turns + phase)
        )
    return level


def _dropout(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Loss [dB] of a few neighbouring beams behind a rib, from some depth on."""
    place, depth = _across(probe), probe.sector.depths[:, None]
    middle, width = rng.uniform(-0.9, 0.9), rng.uniform(0.08, 0.22)
    loss = probe.unevenness * rng.uniform(2.0, 9.0)
    start = rng.uniform(0.01, 0.05)
    behind = 1 / (1 + np.exp(-(depth - start) / 0.006))
    return np.asarray(-loss * behind * np.exp(-(((place - middle) / width) ** 2)))


def _shadow(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Loss [dB] at the edges of the fan, where lung lies in the way."""
    place, depth = _across(probe), probe.sector.depths[:, None]
    level = np.zeros((depth.size, place.size))
    for side in (-1, 1):
        edge = rng.uniform(0.6, 1.1)
        loss = probe.unevenness * rng.uniform(4.0, 14.0)
        start = rng.uniform(0.01, 0.06)
        behind = 1 / (1 + np.exp(-(depth - start) / 0.01))
        level -= loss * behind / (1 + np.exp(-(side * place - edge) / 0.07))
    return level


def _chest_wall(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Amplitude of the layers next to the probe and of their reverberations."""
    depth = probe.sector.depths[:, None]
    level = probe.reverberation - 8.7 * depth / _NEAR_REACH
    for _ in range(_LAYERS):
        place, width = rng.uniform(0.001, 0.018), rng.uniform(0.0005, 0.0012)
        level += rng.uniform(3, 9) * np.exp(-(((depth - place) / width) ** 2))
    return np.asarray(10 ** (level / 20))


def _haze(probe: Probe, rng: np.random.Generator) -> FloatArray:
    """Amplitude of faint echoes from all around, more near the probe, and uneven."""
    depth, place = probe.sector.depths[:, None], _across(probe)
    near = 10 * np.exp(-depth / _HAZE_REACH) - 10 * math.exp(-0.05 / _HAZE_REACH)
    far = 8 * np.clip((depth - 0.09) / 0.06, 0, 1)
    level = probe.haze + near + far
    for _ in range(4):
        along, aside = rng.uniform(20, 90), rng.uniform(1, 5)
        phase = rng.uniform(0, 2 * math.pi)
        level = level + 2.0 * np.cos(along * depth + aside * place + phase)
    return np.asarray(10 ** (level / 20))


def _noise(probe: Probe) -> NDArray[np.float32]:
    """Amplitude of electronic noise at every depth, (R, 1)."""
    depth = probe.sector.depths[:, None]
    growth = 0.2 + 0.8 * (depth / 0.10) ** 2.4
    # The gain settings stop growing where the deepest echoes are.
    return np.asarray(10 ** (probe.noise / 20) * np.minimum(growth, 2.5), np.float32)
