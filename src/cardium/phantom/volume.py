"""Films of volumes, of one beat or of slabs of several, with the ventricle's mesh."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh, SectorVolume, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._volume_image import (
    Scanner,
    VolumeProbe,
    fill_fan,
    keep_seen,
)
from cardium.phantom.acquisition import (
    Acquisition,
    Truth,
    begin,
    ecg_stream,
    image_times,
    state_truth,
)
from cardium.phantom.anatomy import Heart
from cardium.phantom.mesh import mesh_endocardium
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement
from cardium.phantom.scatterers import Scatterers
from cardium.phantom.views import hold_probe

BEATS = (1, 2, 3, 4, 6)
"""Of how many beats a volume may be put together."""


@dataclass(frozen=True, slots=True, eq=False)
class VolumeExamination:
    """A simulated apical recording of volumes.

    Parameters
    ----------
    heart : Heart
        The patient's heart.
    motion : Motion
        How it moved in these beats: the truth at any point and time.
    streams : mapping of str to Stream
        ``b_mode_3d`` (time, elevation, azimuth, range) [grey] and ``ecg``. Of several
        beats the volumes are those that the scanner took: each beat shows one slab, and
        the geometry is that of a slab in the middle of the fan.
    meshes : mapping of str to Mesh
        ``lv_mesh``: the endocardium, closed at the base, at the times of the volumes,
        where it was in the frame of the whole fan.
    qrs_times : (B + 1,) [s]
        Times of the R peaks that bound the beats.
    truth : Truth
        What is exactly known. The mesh has its corners on the endocardium, so it holds
        a little less: see `cardium.phantom.mesh.mesh_endocardium`.
    placements : tuple of B Placement
        Where the heart lay under the probe in each beat; breathing moves it.
    gains : (B,) [dB]
        How much brighter each beat was than the first.
    slabs : (B,) int
        Which slab each beat shows, counted along the elevation.
    """

    heart: Heart
    motion: Motion
    streams: Mapping[str, Stream]
    meshes: Mapping[str, Mesh]
    qrs_times: FloatArray
    truth: Truth
    placements: tuple[Placement, ...]
    gains: FloatArray
    slabs: NDArray[np.int64]

    @property
    def beats(self) -> int:
        """Of how many beats a volume is put together."""
        return len(self.slabs)


def simulate_volume(
    patient: Patient,
    *,
    preset: str = "tiny",
    beats: int = 1,
    breathing: float = 0.002,
    coherence: float = 1.0,
) -> VolumeExamination:
    """Simulate an apical recording of volumes of a patient.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    preset : {"tiny", "full"}
        ``"tiny"``: 24 x 32 beams of 96 samples, 18 volumes a second. ``"full"``:
        48 x 64 beams of 256 samples, 25 volumes a second. Slabs are narrower and taken
        twice as often.
    beats : {1, 2, 3, 4, 6}
        Over how many beats the elevations are recorded, one slab a beat.
    breathing : float [m]
        How far the heart lies in each later beat from where it lay in the first; it is
        turned by 1.4 degrees and the gain changed by 0.75 dB for each 2 mm. Zero is a
        held breath.
    coherence : float
        Part of the echo power of tissue that stays from volume to volume, 0..1; see
        `cardium.phantom.imaging.film`.

    Returns
    -------
    examination : VolumeExamination
        Streams in memory, mesh and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    InvalidArgumentError
        If `beats` is not one of those, `breathing` not within 0..2 cm, or `coherence`
        not in 0..1.

    Notes
    -----
    The image is that of `cardium.phantom.imaging.b_mode` in space: moving point
    scatterers with an exact carrier phase, a Gaussian pulse and a Gaussian beam across
    both angles. All beams of a volume are taken at once.

    Slabs are swept against the elevation, one a beat, each begun at its R peak; which
    one is the first is drawn. Stitching shows what it shows in patients: the beats of
    an uneven rhythm differ in the timing of diastole and, in fibrillation, in volume;
    breathing shifts, turns and dims them; blood and noise never repeat. A held breath
    and a regular rhythm leave blood and noise only. `stitch_beats` of
    `cardium.signal.stitching` puts the slabs together; the more the heart has shifted,
    the less do the seams tell which slab was the first. `slabs` says it.

    Recordings of one beat and of several are of the same tissue under the same probe,
    and in sinus rhythm begin with the same beat: the one is the truth of the other.

    Examples
    --------
    >>> exam = simulate_volume(Patient(), beats=4)
    >>> exam.streams["b_mode_3d"].shape[1:], sorted(exam.slabs.tolist())
    ((6, 32, 96), [0, 1, 2, 3])
    >>> from cardium.signal.stitching import stitch_beats
    >>> film = stitch_beats(exam.streams["b_mode_3d"], exam.qrs_times, exam.beats)
    >>> film.stream.shape[1:], film.seam_excess > 0
    ((24, 32, 96), True)
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    if beats not in BEATS:
        raise InvalidArgumentError(
            f"simulate_volume: beats must be one of {BEATS}, got {beats}."
        )
    if not 0 <= breathing <= _LONGEST_SHIFT:
        raise InvalidArgumentError(
            f"simulate_volume: breathing must be in 0..{_LONGEST_SHIFT} m, got "
            f"{breathing}. Was it given in millimetres?"
        )
    if not 0 <= coherence <= 1:
        raise InvalidArgumentError(
            f"simulate_volume: coherence must be in 0..1, got {coherence}. Was it in "
            "percent?"
        )
    size = _PRESETS[preset]
    scene = begin(patient, what="volume", beats=beats)
    held = hold_probe(scene, "4ch")
    fan = _fan(scene, held, size.shape)
    probe = VolumeProbe.matched_to(fan, density=size.density)
    cloud = fill_fan(scene, probe, held)
    scanner = Scanner.draw(probe, scene.rng)
    sweep = _plan(scene, held, size.rate, breathing)
    fan = _middle_slab(probe.fan, beats)
    volumes = _record(scene, cloud, scanner, sweep, coherence)
    dims = ("time", "elevation", "azimuth", "range")
    where = [sweep.placements[beat] for beat in sweep.beat]
    mesh = mesh_endocardium(scene.motion, sweep.times, placements=where)
    return VolumeExamination(
        heart=scene.heart,
        motion=scene.motion,
        streams={
            "b_mode_3d": Stream("b_mode_3d", volumes, sweep.times, dims, "grey", fan),
            "ecg": ecg_stream(scene.rhythm),
        },
        meshes={"lv_mesh": mesh},
        qrs_times=scene.rhythm.r_times,
        truth=state_truth(scene.motion, sweep.times),
        placements=sweep.placements,
        gains=sweep.gains,
        slabs=sweep.slabs,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording; the number of rows can be divided by all of `BEATS`."""

    rate: float
    shape: tuple[int, int, int]
    density: float


@dataclass(frozen=True, slots=True, eq=False)
class _Sweep:
    """When volumes are taken, in which beat each, and what each beat shows where."""

    times: FloatArray
    beat: NDArray[np.int64]
    slabs: NDArray[np.int64]
    placements: tuple[Placement, ...]
    gains: FloatArray


_PRESETS = {
    "tiny": _Preset(18.0, (24, 32, 96), 2.0),
    "full": _Preset(25.0, (48, 64, 256), 4.0),
}
_SLAB_RATE = 2.0
_BELOW_BASE = 0.02
_ASIDE = 0.12
_LONGEST_SHIFT = 0.02
_LEVER = 0.08
_GAIN_STEP = 375.0
_ROUNDING = 1e-9


def _fan(
    scene: Acquisition, placement: Placement, shape: tuple[int, int, int]
) -> SectorVolume:
    """Fan, centred in both angles, that shows the filled ventricle and its wall."""
    lv = scene.heart.ventricle
    rest = Placement(np.eye(3), np.zeros(3))
    r_peaks = scene.rhythm.r_times[:1]
    corners, _ = mesh_endocardium(scene.motion, r_peaks, placements=[rest]).frame(0)
    thick = 1 + lv.wall / lv.short_axis
    outside = placement.to_image(corners * np.array([thick, thick, 1.0]))
    x, y, z = outside.T
    widest = max(abs(np.arctan2(x, np.hypot(y, z))).max(), abs(np.arctan2(y, z)).max())
    half = float(widest) + _ASIDE
    deepest = float(np.linalg.norm(outside, axis=1).max())
    depth = math.ceil(100 * (deepest + _BELOW_BASE)) / 100
    return SectorVolume((0.0, depth), (-half, half), (-half, half), shape)


def _middle_slab(fan: SectorVolume, beats: int) -> SectorVolume:
    """Fan of one slab, in the middle."""
    rows, half = fan.shape[0] // beats, fan.spacing[0] * (fan.shape[0] // beats - 1) / 2
    return SectorVolume(fan.depth, fan.azimuth, (-half, half), (rows, *fan.shape[1:]))


def _plan(
    scene: Acquisition, placement: Placement, rate: float, breathing: float
) -> _Sweep:
    """Draw which slab is taken first, and where the heart lies in each beat."""
    from scipy.spatial.transform import Rotation

    times, beat = _schedule(scene.rhythm.r_times, rate)
    beats, rng = len(scene.rhythm.intervals), scene.rng
    slabs = (int(rng.integers(beats)) - np.arange(beats)) % beats
    placements, gains = [placement], np.zeros(beats)
    for later in range(1, beats):
        along, about = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
        turn = Rotation.from_rotvec(breathing / _LEVER * about).as_matrix()
        origin = placement.origin + breathing * along
        placements.append(Placement(turn @ placement.rotation, origin))
        gains[later] = _GAIN_STEP * breathing * rng.choice([-1, 1])
    return _Sweep(times, beat, slabs, tuple(placements), gains)


def _schedule(r_peaks: FloatArray, rate: float) -> tuple[FloatArray, NDArray[np.int64]]:
    """Lay out the times of volumes, one at the first R peak, and the beat of each."""
    if len(r_peaks) == 2:
        times = image_times(r_peaks, rate)
        times = times + (r_peaks[0] - times[times <= r_peaks[0] + _ROUNDING][-1])
        return times, np.zeros(len(times), np.int64)
    parts = []
    for first, last in itertools.pairwise(r_peaks):
        count = math.ceil((last - first) * _SLAB_RATE * rate - _ROUNDING)
        parts.append(first + np.arange(count) / (_SLAB_RATE * rate))
    beat = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return np.concatenate(parts), beat


def _record(
    scene: Acquisition,
    cloud: Scatterers,
    scanner: Scanner,
    sweep: _Sweep,
    coherence: float,
) -> NDArray[np.uint8]:
    """Take all volumes (T, E / B, A, R), each of the slab of its beat."""
    rows, *rest = scanner.probe.fan.shape
    rows //= len(sweep.slabs)
    scanners = [
        scanner.rows(slice(slab * rows, (slab + 1) * rows), gain=float(gain))
        for slab, gain in zip(sweep.slabs, sweep.gains, strict=True)
    ]
    volumes = np.empty((len(sweep.times), rows, *rest), np.uint8)
    for beat, (slab, placement) in enumerate(
        zip(scanners, sweep.placements, strict=True)
    ):
        frames = np.flatnonzero(sweep.beat == beat)
        seen = replace(cloud, placement=placement)
        if len(scanners) > 1:
            seen = keep_seen(seen, slab.probe, sweep.times[frames])
        for k in frames.tolist():
            points = seen.at(float(sweep.times[k]))
            amplitude = seen.amplitude_at(k, coherence)
            volumes[k] = slab.record(points, amplitude, scene.rng)
    return volumes
