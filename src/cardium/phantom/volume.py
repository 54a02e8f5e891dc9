"""Films of volumes with the mesh of the ventricle, exactly known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh, Sector, SectorVolume, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._volume_image import VolumeProbe, film_volumes
from cardium.phantom.acquisition import (
    FIRST_R,
    Truth,
    ecg_stream,
    hold_apically,
    image_times,
    qrs_times,
    reach,
    state_truth,
)
from cardium.phantom.anatomy import Heart, LeftVentricle, sample_heart
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement, Probe

BEATS = (1, 2, 3, 4, 6)
"""Of how many beats a volume may be put together."""


@dataclass(frozen=True, slots=True)
class VolumeExamination:
    """A simulated apical recording of volumes.

    Parameters
    ----------
    heart : Heart
        The patient's heart.
    placement : Placement
        Where it lies under the probe.
    streams : mapping of str to Stream
        ``b_mode_3d`` (time, elevation, azimuth, range) [grey] and ``ecg``.
    meshes : mapping of str to Mesh
        ``lv_mesh``: the endocardium, closed at the base, in the frame of the volume
        and at the times of the volumes.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : Truth
        What is exactly known. The mesh has its corners on the endocardium, so it holds
        a little less: see `simulate_volume`.
    slabs : Stream, optional
        What the scanner recorded if it took several beats: volumes of which those of
        each beat show one slab of elevations. ``b_mode_3d`` is then what they show
        when put together rightly, over one beat.
    slab_r_peaks : (B + 1,) [s]
        R peaks that bound the beats of `slabs`.
    """

    heart: Heart
    placement: Placement
    streams: Mapping[str, Stream]
    meshes: Mapping[str, Mesh]
    qrs_times: FloatArray
    truth: Truth
    slabs: Stream | None = None
    slab_r_peaks: FloatArray | None = None


def simulate_volume(
    patient_seed: int, *, preset: str = "tiny", beats: int = 1
) -> VolumeExamination:
    """Simulate an apical recording of volumes of a patient over one beat.

    Parameters
    ----------
    patient_seed : int
        Number of the patient; the same number gives the same samples, bit for bit.
    preset : {"tiny", "full"}
        ``"tiny"``: 24 x 32 beams of 96 samples, 18 volumes a second. ``"full"``:
        48 x 64 beams of 256 samples, 25 volumes a second.
    beats : {1, 2, 3, 4, 6}
        Over how many beats the slabs are recorded as well; 1 leaves them out.

    Returns
    -------
    examination : VolumeExamination
        Streams in memory, mesh and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    InvalidArgumentError
        If `beats` is not one of those, or does not divide the elevations.

    Notes
    -----
    The image is that of `cardium.phantom.b_mode` in space: moving point scatterers with
    an exact carrier phase, a Gaussian pulse and a Gaussian beam across both angles. It
    has no leaflets, no reverberation and no uneven contact, and all beams of a volume
    are taken at once.

    Slabs are taken one a beat against the elevation, the last slab first, as regular
    beats of a heart that does not shift: put together they are the volume, but for the
    noise and the blood, which are new in each beat.

    The mesh moves with the material. Its 4096 triangles are chords of a curved surface:
    its volume is 0.26 to 0.28 % below the true one at every time.

    Examples
    --------
    >>> exam = simulate_volume(3)
    >>> exam.streams["b_mode_3d"].shape[1:], len(exam.meshes["lv_mesh"].frame(0)[1])
    ((24, 32, 96), 4096)
    >>> from cardium.geometry.mesh import mesh_volume
    >>> volume = 1e6 * mesh_volume(*exam.meshes["lv_mesh"].frame(0))
    >>> bool(0.997 < volume / exam.truth.volume_ml[0] < 0.999)
    True
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    size, heart = _PRESETS[preset], sample_heart(patient_seed)
    if beats not in BEATS or size.shape[0] % beats:
        raise InvalidArgumentError(
            f"simulate_volume: beats must be one of {BEATS}, got {beats}."
        )
    rng = np.random.default_rng([patient_seed, 101])
    placement = hold_apically(heart, rng, rotation=0.0)
    motion = Motion.of(heart, first_r=FIRST_R)
    r_peaks = qrs_times(motion, 1)
    times = image_times(r_peaks, size.rate)
    fan = _fan(motion, placement, times, size.shape)
    probe = _probe(fan)
    seeds = rng.integers(2**32, size=2)
    volumes = film_volumes(
        heart, motion, times, probe=probe, placement=placement, seed=int(seeds[0])
    )
    streams = {
        "b_mode_3d": _stream(volumes, times, fan),
        "ecg": ecg_stream(r_peaks),
    }
    corners, faces = _endocardium(motion.ventricle)
    frames = [(placement.to_image(motion.forward(corners, t)), faces) for t in times]
    slabs = slab_r_peaks = None
    if beats > 1:
        slab_r_peaks = qrs_times(motion, beats)
        slabs = _record_slabs(
            heart, motion, probe, placement, size.rate, beats, int(seeds[0])
        )
    return VolumeExamination(
        heart,
        placement,
        streams,
        {"lv_mesh": Mesh.from_frames("lv_mesh", times, frames)},
        r_peaks,
        state_truth(motion, times),
        slabs,
        slab_r_peaks,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    rate: float
    shape: tuple[int, int, int]


_PRESETS = {
    "tiny": _Preset(18.0, (24, 32, 96)),
    "full": _Preset(25.0, (48, 64, 256)),
}
_BELOW_BASE = 0.02
_ASIDE = 0.12
_RINGS, _SPOKES = 32, 64


def _fan(
    motion: Motion,
    placement: Placement,
    times: FloatArray,
    shape: tuple[int, int, int],
) -> SectorVolume:
    """Fan, centred in both angles, that shows the ventricle in every volume."""
    contour = placement.plane_to_image(motion.contour(times, layers=2))
    (_, deepest), angles = reach(contour)
    lv = motion.ventricle
    aside = math.atan2(lv.short_axis + lv.wall, placement.apex[1] + lv.long_axis)
    half = max(abs(angles).max(), aside) + _ASIDE
    depth = math.ceil(100 * (deepest + _BELOW_BASE)) / 100
    return SectorVolume((0.0, depth), (-half, half), (-half, half), shape)


def _probe(fan: SectorVolume) -> VolumeProbe:
    """Build a probe whose resolution suits the sampling of a fan."""
    rows, columns, samples = fan.shape
    plane = Probe.matched_to(Sector(fan.depth, fan.azimuth, (samples, columns)))
    across = Probe.matched_to(Sector(fan.depth, fan.elevation, (samples, rows)))
    return VolumeProbe(fan, plane, across.beam_width)


def _stream(volumes: NDArray[np.uint8], times: FloatArray, fan: SectorVolume) -> Stream:
    """Give volumes their clock and place."""
    dims = ("time", "elevation", "azimuth", "range")
    return Stream("b_mode_3d", volumes, times, dims, "grey", geometry=fan)


def _record_slabs(
    heart: Heart,
    motion: Motion,
    probe: VolumeProbe,
    placement: Placement,
    rate: float,
    beats: int,
    seed: int,
) -> Stream:
    """Record one slab a beat, the last elevations first."""
    fan, period = probe.fan, motion.cycle.period
    rows = fan.shape[0] // beats
    step = fan.spacing[0]
    since_r = np.arange(math.ceil(period * rate - 1e-9)) / rate
    parts, times = [], []
    for beat in range(beats):
        first = fan.elevation[0] + (beats - 1 - beat) * rows * step
        ends = (first, first + (rows - 1) * step)
        slab = SectorVolume(fan.depth, fan.azimuth, ends, (rows, *fan.shape[1:]))
        parts.append(
            film_volumes(
                heart,
                motion,
                motion.cycle.first_r + since_r,
                probe=VolumeProbe(slab, probe.plane, probe.elevation_width),
                placement=placement,
                seed=seed,
                around=fan,
                take=beat,
            )
        )
        times.append(motion.cycle.first_r + beat * period + since_r)
    half = (rows - 1) * step / 2
    middle = SectorVolume(fan.depth, fan.azimuth, (-half, half), (rows, *fan.shape[1:]))
    return _stream(np.concatenate(parts), np.concatenate(times), middle)


def _endocardium(lv: LeftVentricle) -> tuple[FloatArray, NDArray[np.int64]]:
    """Mesh the endocardium at end-diastole, closed at the base, wound outwards."""
    radius, height = lv.layer_points(0.0, 2 * _RINGS + 1)[_RINGS + 1 :].T
    turn = np.arange(_SPOKES) * (2 * math.pi / _SPOKES)
    rings = np.stack(
        [
            radius[:, None] * np.cos(turn),
            radius[:, None] * np.sin(turn),
            np.broadcast_to(height[:, None], (_RINGS, _SPOKES)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    points = np.concatenate([rings, [(0, 0, 0), (0, 0, lv.length)]])
    spoke = np.arange(_SPOKES)
    beside = (spoke + 1) % _SPOKES
    ring = _SPOKES * np.arange(_RINGS - 1)[:, None]
    a, b = (ring + spoke).ravel(), (ring + beside).ravel()
    apex, base, last = len(rings), len(rings) + 1, len(rings) - _SPOKES
    corners = [
        (np.full(_SPOKES, apex), beside, spoke),
        (a, b, a + _SPOKES),
        (b, b + _SPOKES, a + _SPOKES),
        (np.full(_SPOKES, base), last + spoke, last + beside),
    ]
    return points, np.concatenate([np.stack(face, axis=1) for face in corners])
