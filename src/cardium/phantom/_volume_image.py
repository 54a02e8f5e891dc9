"""From moving scatterers to beamspace volumes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Sector, SectorVolume
from cardium.phantom.acquisition import Acquisition
from cardium.phantom.anatomy import ECHOGENICITY_DB
from cardium.phantom.artefacts import draw_artefacts
from cardium.phantom.imaging import log_compress
from cardium.phantom.motion import Material
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.receive import Complex, white_noise
from cardium.phantom.scatterers import Scatterers, solid_tissue
from cardium.phantom.valves import leaflets

Points = NDArray[np.floating[Any]]


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

    @classmethod
    def matched_to(cls, fan: SectorVolume, *, density: float = 4.0) -> VolumeProbe:
        """Build a probe whose resolution suits the sampling of a fan."""
        rows, columns, samples = fan.shape
        plane, upright = (
            Probe.matched_to(Sector(fan.depth, angle, (samples, count)))
            for angle, count in ((fan.azimuth, columns), (fan.elevation, rows))
        )
        return cls(fan, replace(plane, density=density), upright.beam_width)

    def upright(self) -> Probe:
        """Return the array as seen along the azimuth; the depth is made up for once."""
        sector = Sector(
            self.fan.depth, self.fan.elevation, (self.fan.shape[2], self.fan.shape[0])
        )
        return replace(
            self.plane, sector=sector, beam_width=self.elevation_width, attenuation=0.0
        )

    def widths(self) -> tuple[float, float, float]:
        """Widths across elevation, azimuth (at the focus) and range, in samples."""
        step_e, step_a, step_r = self.fan.spacing
        return (
            self.elevation_width / step_e,
            self.plane.beam_width / step_a,
            self.plane.range_width / step_r,
        )

    def beam_widths(self) -> FloatArray:
        """Widths across elevation and azimuth at each depth, (R, 2) in samples."""
        wider = self.plane.beam_width_at(self.fan.depths) / self.plane.beam_width
        return np.asarray(wider[:, None] * np.array(self.widths()[:2]))

    def rows(self, rows: slice) -> VolumeProbe:
        """Let the probe look at some neighbouring elevations only."""
        ends = self.fan.elevations[rows]
        fan = replace(
            self.fan,
            elevation=(float(ends[0]), float(ends[-1])),
            shape=(len(ends), *self.fan.shape[1:]),
        )
        return replace(self, fan=fan)


def fill_fan(
    scene: Acquisition, probe: VolumeProbe, placement: Placement
) -> Scatterers:
    """Draw the scatterers of a fan, equally many in every resolution cell.

    Parameters
    ----------
    scene : Acquisition
        Who is examined.
    probe : VolumeProbe
        Its fan, resolution and density of scatterers.
    placement : Placement
        Where the heart lies under the probe.

    Returns
    -------
    scatterers : Scatterers
        The cloud; blood has none.
    """
    heart, motion, rng = scene.heart, scene.motion, scene.rng
    points = _draw_points(probe, rng)
    at_rest, level = solid_tissue(heart, points, placement=placement, rng=rng)
    fields = (field.astype(np.float32) for field in motion.material(at_rest))
    valves = leaflets(heart, motion)
    ring = placement.to_image(np.array([0.0, 0.0, motion.ventricle.length]))
    flaps = valves.draw(_density(probe, float(np.linalg.norm(ring))), rng)
    level = np.append(level, flaps.level)
    amplitude = 10 ** (level / 20) / math.sqrt(probe.plane.density)
    amplitude *= rng.choice([-1.0, 1.0], level.size)
    return Scatterers(
        motion,
        placement,
        Material(*fields),
        valves,
        flaps,
        amplitude.astype(np.float32),
        int(rng.integers(2**32)),
    )


def keep_seen(cloud: Scatterers, probe: VolumeProbe, times: FloatArray) -> Scatterers:
    """Keep the tissue that a slab of a fan sees at some time.

    Parameters
    ----------
    cloud : Scatterers
        That of the whole fan; `Scatterers.placement` is that of the beat.
    probe : VolumeProbe
        The probe with the elevations of the slab.
    times : (T,) [s]
        When volumes are taken; every sixth is looked at, with a millimetre to spare.

    Returns
    -------
    scatterers : Scatterers
        Those, and all of the leaflets.
    """
    low, high = probe.fan.elevation
    least = probe.fan.depths[0]
    width = float(probe.plane.beam_width_at(np.array(least))) / probe.plane.beam_width
    reach = _BEAM_WIDTHS * width * probe.elevation_width
    low, high = math.tan(low - reach), math.tan(high + reach)
    seen = np.zeros(cloud.tissue.x.shape, np.bool_)
    for time in times[[*range(0, len(times), _LOOK_EVERY), -1]]:
        place = np.moveaxis(np.asarray(cloud.motion.position(cloud.tissue, time)), 0, 1)
        _, y, z = cloud.placement.to_image(place).T
        seen |= (y > low * z - _LEEWAY) & (y < high * z + _LEEWAY)
    return replace(
        cloud,
        tissue=Material(*(field[seen] for field in cloud.tissue)),
        amplitude=np.append(
            cloud.amplitude[: seen.size][seen], cloud.amplitude[seen.size :]
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Scanner:
    """A probe on a patient's skin: what it adds to all volumes.

    Parameters
    ----------
    probe : VolumeProbe
        The probe.
    gain : (E, A, R) float32
        Amplitude gain of every sample: loss with depth, and uneven contact.
    still : (E, A, R) complex64
        Echoes that stand still: reverberation near the probe, and haze.
    noise : (R,) float32
        Amplitude of electronic noise.
    """

    probe: VolumeProbe
    gain: NDArray[np.float32]
    still: Complex
    noise: NDArray[np.float32]

    @classmethod
    def draw(cls, probe: VolumeProbe, rng: np.random.Generator) -> Scanner:
        """Hold a probe: the artefacts of its two middle planes go through the fan."""
        plane, upright = probe.plane, probe.upright()
        aside, along = (draw_artefacts(each, rng) for each in (plane, upright))
        gain = aside.gain.T * along.gain.T[:, None]
        depth = probe.fan.depths
        level = 10 ** ((plane.reverberation - _NEAR_DB * depth) / 20)
        level += 10 ** ((plane.haze - _HAZE_DB * np.minimum(depth - 0.05, 0.05)) / 20)
        still = level.astype(np.float32) * _speckle(probe, rng)
        return cls(probe, gain, still, aside.noise[:, 0])

    def rows(self, rows: slice, *, gain: float) -> Scanner:
        """Look at some neighbouring elevations only, with another gain [dB]."""
        factor = np.float32(10 ** (gain / 20))
        return Scanner(
            self.probe.rows(rows),
            factor * self.gain[rows],
            factor * self.still[rows],
            self.noise,
        )

    def record(
        self,
        points: Points,
        amplitude: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> NDArray[np.uint8]:
        """Take a volume (E, A, R) [grey 0..255] of scatterers and moving blood."""
        plane = self.probe.plane
        signal = receive_volume(points, amplitude, probe=self.probe)
        blood = 10 ** (ECHOGENICITY_DB["lv_cavity"] / 20)
        signal += np.float32(blood) * _speckle(self.probe, rng)
        signal *= self.gain
        signal += self.still
        signal += self.noise * white_noise(rng, signal.shape)
        return log_compress(signal, plane)


def receive_volume(
    points: Points, amplitude: NDArray[np.float32], *, probe: VolumeProbe
) -> Complex:
    """Receive the demodulated (IQ) signal of point scatterers in space.

    Parameters
    ----------
    points : (N, 3) [m]
        Where the scatterers are, in the probe's frame.
    amplitude : (N,)
        Their echo amplitudes.
    probe : VolumeProbe
        Its fan, carrier and resolution.

    Returns
    -------
    iq : (E, A, R) complex64
        A scatterer of amplitude 1 at a sample has magnitude 1 there.

    Notes
    -----
    The model of `cardium.phantom.receive.receive` with one more angle. The phase and
    the profile across the elevation are those of the exact place, the envelope along
    range and azimuth is placed to a quarter of a sample.
    """
    from cardium.phantom._receive_kernels import convolve
    from cardium.phantom._volume_kernels import add_echoes

    fan, (pulse, beams) = probe.fan, _profiles(probe)
    elevation, azimuth, depth = fan.spacing
    down, across = pulse.size // 2, beams.shape[1] // 2
    rows, columns = 2 * fan.shape[2] - 1 + 2 * down, 2 * fan.shape[1] - 1 + 2 * across
    first = fan.depth[0] - down * depth / 2
    depths = np.maximum(first + np.arange(rows) * depth / 2, 0.0)
    wider = probe.plane.beam_width_at(depths) / probe.plane.beam_width
    grid = np.zeros((rows, columns, fan.shape[0]), np.complex64)
    add_echoes(
        points,
        amplitude,
        (
            (fan.elevation[0], 1 / elevation),
            (fan.azimuth[0] - across * azimuth / 2, 2 / azimuth),
            (first, 2 / depth),
        ),
        wider * probe.widths()[0],
        2 * probe.plane.frequency / SPEED_OF_SOUND,
        grid,
    )
    out = np.empty(fan.shape[::-1], np.complex64)
    convolve(grid.view(np.float32), pulse, beams, out.view(np.float32))
    return np.ascontiguousarray(out.T)


def _profiles(
    probe: VolumeProbe,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pulse, and beam across the azimuth at each depth (R, taps), in half samples."""
    from cardium.phantom._volume_kernels import REACH

    pulse_width, beam_width = 2 * probe.widths()[2], 2 * probe.beam_widths()[:, 1:]
    down, across = (math.ceil(REACH * w) for w in (pulse_width, beam_width.max()))
    pulse = np.exp(-((np.arange(-down, down + 1) / pulse_width) ** 2) / 2)
    beams = np.exp(-((np.arange(-across, across + 1) / beam_width) ** 2) / 2)
    return pulse.astype(np.float32), beams.astype(np.float32)


_ASIDE = 0.06
_BEAM_WIDTHS = 3.0
_LOOK_EVERY = 6
_LEEWAY = 0.001
_BEYOND = 0.008
_NEAR_DB = 1450.0
_HAZE_DB = 250.0


def _density(probe: VolumeProbe, depth: float) -> float:
    """Scatterers per volume [1/m^3] at a depth [m]."""
    plane = probe.plane
    across = plane.beam_width * probe.elevation_width * depth**2
    cell = math.pi**1.5 * plane.range_width * across
    return float(plane.density / cell)


def _draw_points(probe: VolumeProbe, rng: np.random.Generator) -> FloatArray:
    """Draw points of a fan and a margin, equally many in every cell, (N, 3) [m]."""
    fan = probe.fan
    cell = math.prod(math.sqrt(math.pi) * width for width in probe.widths())
    margin = np.array([_ASIDE, _ASIDE, _BEYOND]) / fan.spacing
    sides = np.array(fan.shape) - 1 + 2 * margin
    number = int(probe.plane.density * math.prod(sides) / cell)
    index = rng.random((number, 3)) * sides - margin
    starts = (fan.elevation[0], fan.azimuth[0], fan.depth[0])
    elevation, azimuth, depth = (index * fan.spacing + starts).T
    points = fan.point_at(depth, azimuth, elevation)
    return np.asarray(np.stack(points, axis=-1)[depth > 0])


def _speckle(probe: VolumeProbe, rng: np.random.Generator) -> Complex:
    """Speckle of mean power 1 with the resolution of a probe, (E, A, R)."""
    from scipy.ndimage import gaussian_filter1d

    white = white_noise(rng, probe.fan.shape)
    parts = white.view(np.float32).reshape(*white.shape, 2)
    power = 1.0
    for axis, width in enumerate(probe.widths()):
        # Round the ends, noise is equally strong everywhere.
        parts = gaussian_filter1d(parts, width, axis=axis, mode="wrap", truncate=3)
        power *= 2 * math.sqrt(math.pi) * width
    parts *= np.float32(math.sqrt(power))
    return np.asarray(parts.view(np.complex64)[..., 0])
