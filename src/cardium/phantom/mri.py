"""Cine magnetic resonance imaging of a simulated heart: short-axis stacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import STRUCTURES, FloatArray, Stream, VolumeGrid
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._mri_signal import (
    BLOOD_LEVEL,
    coil_sensitivity,
    record,
    tissue_signals,
    torso_signal,
)
from cardium.phantom.acquisition import Truth, state_truth
from cardium.phantom.anatomy import ECHO_CLASSES, Heart
from cardium.phantom.build import build_heart
from cardium.phantom.chambers import Tube
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm
from cardium.phantom.truth import chamber_volumes

MUSCLE_DENSITY = 1.05
"""Density of the myocardium [g/mL]."""


@dataclass(frozen=True, slots=True)
class CineTruth:
    """What is known of a stack without measuring.

    Parameters
    ----------
    ventricle : Truth
        Volumes and strain of the left ventricle at the times of the phases.
    mass_g : float [g]
        Mass of the left ventricle's wall.
    rv_edv_ml, rv_esv_ml : float [mL]
        Volume of the right ventricle at the end-diastole and end-systole of the left,
        from cubes, to about 1 %. Its outflow tract reaches above the stack.
    rv_volume_ml : (T,) [mL]
        The same at the times of the phases.
    shifts : (K, 2) [m]
        By how much the breath moved the heart along x and y in each slice.
    """

    ventricle: Truth
    mass_g: float
    rv_edv_ml: float
    rv_esv_ml: float
    rv_volume_ml: FloatArray
    shifts: FloatArray

    @property
    def rv_ef_percent(self) -> float:
        """Ejection fraction of the right ventricle [%]."""
        return 100 * (1 - self.rv_esv_ml / self.rv_edv_ml)


@dataclass(frozen=True, slots=True)
class CineExamination:
    """A short-axis stack of one patient.

    Parameters
    ----------
    heart : Heart
        The patient's heart.
    streams : mapping of str to Stream
        ``cine`` (time, z, y, x) [grey]: a phase of the mean beat, a slice from base to
        apex, a row, a column. Its `VolumeGrid` is in the frame of the left ventricle,
        so slices are seen from the apex: the right ventricle on the left of the image,
        the anterior wall at the top.
    annotations : mapping of str to Stream
        ``cine_mask``, labels on the same grid: ``lv_cavity`` with papillary muscles and
        trabeculae, ``myocardium``, ``rv_cavity``, and ``background``, to which
        everything above the valves belongs.
    ed_frame, es_frame : int
        The phases at end-diastole and nearest to end-systole.
    truth : CineTruth
        What is exactly known.
    """

    heart: Heart
    streams: Mapping[str, Stream]
    annotations: Mapping[str, Stream]
    ed_frame: int
    es_frame: int
    truth: CineTruth


def simulate_cine(
    patient: Patient,
    *,
    preset: str = "tiny",
    thickness: float = 0.008,
    gap: float = 0.002,
    phases: int | None = None,
    breathing: float = 0.0,
) -> CineExamination:
    """Simulate the short-axis cine stack of a patient.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    preset : {"tiny", "full"}
        ``"tiny"``: 8 phases, 1.8 mm. ``"full"``: 30 phases, 1.5 mm.
    thickness, gap : float [m]
        Thickness of a slice, and the space between two.
    phases : int, optional
        Number of phases, evenly over the mean beat; that of the preset if not given.
    breathing : float [m]
        Standard deviation of the heart's place across the slices, which differs from
        one breath-hold, and so from one slice, to the next.

    Returns
    -------
    examination : CineExamination
        Streams in memory, labels and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    InvalidArgumentError
        If a slice has no thickness, or there are fewer than two phases.

    Notes
    -----
    The signal of each tissue is that of balanced steady-state free precession at 1.5 T.
    A voxel is the mean of samples spread over the thickness of the slice and the pixel,
    so borders that are not at right angles to the slice blur. The label of a voxel is
    what most of them are. Papillary muscles are dark in the image and cavity in the
    labels, as guidelines of contouring (Schulz-Menger et al. 2020) and the public data
    sets have them.

    Examples
    --------
    >>> exam = simulate_cine(Patient(number=3))
    >>> [round(1e3 * step, 1) for step in exam.streams["cine"].geometry.spacing]
    [10.0, 1.8, 1.8]
    >>> exam.ed_frame, round(exam.truth.ventricle.ef_percent)
    (0, 60)
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    size = _PRESETS[preset]
    count = size.phases if phases is None else phases
    if not (thickness > 0 and gap >= 0 and breathing >= 0 and count >= 2):
        raise InvalidArgumentError(
            "Cine: it needs slices of some thickness, no negative gap or breathing and "
            f"two phases, got {thickness} m, {gap} m, {breathing} m and {count}."
        )
    rng = np.random.default_rng([patient.number, patient.visit, _SEED])
    heart = build_heart(patient)
    beat = 60 / patient.heart_rate
    motion = Motion.of(heart, _mean_beat(patient))
    times = np.arange(count) * beat / count
    grid = _prescribe(heart, size, thickness + gap, rng)
    shifts = breathing * rng.standard_normal((grid.shape[0], 2))
    samples = _Samples(grid, thickness, size.samples, shifts)
    pictures, masks = _take(heart, motion, times, samples)
    noise = BLOOD_LEVEL / _SIGNAL_TO_NOISE
    truth = _state(heart, motion, times, shifts)
    streams = {
        "cine": Stream(
            "cine", record(pictures, noise=noise, rng=rng), times, _DIMS, "grey", grid
        )
    }
    labels = MappingProxyType({"label": STRUCTURES})
    mask = Stream("cine_mask", masks, times, _DIMS, "label", grid, coords=labels)
    return CineExamination(
        heart,
        MappingProxyType(streams),
        MappingProxyType({"cine_mask": mask}),
        0,
        int(np.argmin(abs(times - truth.ventricle.es_time))),
        truth,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a stack."""

    phases: int
    pixel: float
    shape: tuple[int, int]
    samples: int


_PRESETS = {
    "tiny": _Preset(8, 0.0018, (96, 112), 3),
    "full": _Preset(30, 0.0015, (192, 224), 5),
}
_DIMS = ("time", "z", "y", "x")
_SEED = 6
_MIDDLE = (-0.012, 0.008)
_SIGNAL_TO_NOISE = 48.0
_REACH = 0.004
_DESCENT = 0.35
# Where samples lie: z in thicknesses, x and y in pixels; the middle one comes first.
_SPREAD = {
    3: ((0, 0, 0), (-1 / 3, 0.25, -0.25), (1 / 3, -0.25, 0.25)),
    5: (
        (0, 0, 0),
        (-0.4, 0.30, -0.15),
        (-0.2, -0.15, -0.30),
        (0.2, 0.15, 0.30),
        (0.4, -0.30, 0.15),
    ),
}
_LABELLED = ("lv_cavity", "myocardium", "rv_cavity")
_LABEL_OF = np.array(
    [
        {
            "lv_cavity": 1,
            "papillary_muscle": 1,
            "lv_trabeculae": 1,
            "myocardium": 2,
            "rv_cavity": 3,
            "rv_trabeculae": 3,
        }.get(name, 0)
        for name in ECHO_CLASSES
    ]
)
_CODES = np.array([0, *(STRUCTURES.index(name) for name in _LABELLED)], np.uint8)
_FAR = Tube((1.0, 1.0, 1.0), (1.0, 1.0, 2.0), 0.01, 0.01)


@dataclass(frozen=True, slots=True)
class _Samples:
    """The points that are asked for what is there, some in each voxel."""

    grid: VolumeGrid
    thickness: float
    count: int
    shifts: FloatArray

    def points(self) -> FloatArray:
        """Points relative to the heart, (S, K, Y, X, 3) [m]."""
        centres = np.stack(self.grid.points(), axis=-1)
        centres[..., :2] -= self.shifts[:, None, None]
        _, dy, dx = self.grid.spacing
        return np.stack(
            [
                centres + np.array([x * dx, y * dy, z * self.thickness])
                for z, x, y in _SPREAD[self.count]
            ]
        )


def _mean_beat(patient: Patient) -> Rhythm:
    """Two R times of the beat that retrospective gating makes of all."""
    kind = "sinus"
    if patient.rhythm == "atrial_fibrillation":
        kind = "fibrillating"
    return Rhythm(np.array([0.0, 60 / patient.heart_rate]), (kind, kind))


def _prescribe(
    heart: Heart, size: _Preset, distance: float, rng: np.random.Generator
) -> VolumeGrid:
    """Lay slices from above the base to below the apex."""
    lv = heart.ventricle
    first = lv.length + distance * float(rng.uniform(0.0, 1.0))
    slices = int(np.ceil((first + lv.wall) / distance))
    rows, columns = size.shape
    x, y = (
        middle - (count - 1) / 2 * size.pixel
        for middle, count in zip(_MIDDLE, (columns, rows), strict=True)
    )
    steps = ((0.0, 0.0, -distance), (0.0, size.pixel, 0.0), (size.pixel, 0.0, 0.0))
    return VolumeGrid((x, y, first), steps, (max(slices, 2), rows, columns))


def _take(
    heart: Heart, motion: Motion, times: FloatArray, samples: _Samples
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Signal [grey] and label of every voxel in every phase; the first is at time 0."""
    points, signals = samples.points(), tissue_signals()
    # The aorta on the spine stays where it is, so it is part of the torso.
    torso = torso_signal(points, heart)
    heart = replace(heart, descending_aorta=_FAR)
    whole = np.ones(samples.grid.shape, bool)
    middle, tissue = _look(heart, motion, 0.0, points, np.zeros(whole.shape), whole)
    shape = (-1, *whole.shape)
    still = _brightness(signals[tissue].reshape(shape), torso)
    labels = _vote(_LABEL_OF[tissue].reshape(shape))
    # Every phase begins as a copy of end-diastole; what the heart reaches is redone.
    pictures = np.repeat(still[None], len(times), axis=0)
    masks = np.repeat(labels[None], len(times), axis=0)
    moving = _moving(middle, samples.grid)
    for phase, time in enumerate(times[1:], start=1):
        _, here = _look(heart, motion, float(time), points, middle, moving)
        pictures[phase, moving] = _brightness(signals[here], torso[:, moving])
        masks[phase, moving] = _vote(_LABEL_OF[here])
    centres = np.stack(samples.grid.points(), axis=-1)
    pictures *= (BLOOD_LEVEL * coil_sensitivity(centres)).astype(np.float32)
    return pictures, masks


def _look(
    heart: Heart,
    motion: Motion,
    time: float,
    points: FloatArray,
    before: NDArray[np.generic],
    moving: NDArray[np.bool_],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Echo classes at the middle of all voxels and, (S, N), of moving ones' samples.

    Where the middle of a voxel and those of all its neighbours are in one tissue, the
    other samples need not be asked for.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    middle = before.astype(np.uint8)
    middle[moving] = _classes(heart, motion, time, points[0, moving])
    uneven = moving & (maximum_filter(middle, 3) != minimum_filter(middle, 3))
    here = np.repeat(middle[None, moving], len(points), axis=0)
    here[1:, uneven[moving]] = _classes(heart, motion, time, points[1:, uneven])
    return middle, here


def _classes(
    heart: Heart, motion: Motion, time: float, points: FloatArray
) -> NDArray[np.uint8]:
    """Echo classes of what is at points at a time."""
    return heart.echo_class(motion.inverse(points, time) if time else points)


def _moving(tissue: NDArray[np.uint8], grid: VolumeGrid) -> NDArray[np.bool_]:
    """Say which voxels (K, Y, X) the heart can reach in a beat.

    Its outline is largest at end-diastole, and what comes into a slice along the axis
    was at most a third higher.
    """
    from scipy.ndimage import binary_dilation

    heart = tissue != ECHO_CLASSES.index("background")
    distance, pixel, _ = grid.spacing
    heights = grid.origin[2] - distance * np.arange(len(tissue))
    reach = heights + _DESCENT * np.maximum(heights, 0) + distance
    swept = [
        heart[(heights >= z) & (heights < top)].any(axis=0)
        for z, top in zip(heights, reach, strict=True)
    ]
    steps = int(np.ceil(_REACH / pixel))
    flat = np.zeros((3, 3, 3), bool)
    flat[1] = True
    return np.asarray(binary_dilation(np.array(swept), flat, iterations=steps))


def _brightness(signals: FloatArray, torso: FloatArray) -> NDArray[np.float32]:
    """Mean signal of the samples of each voxel; what is no heart is the torso."""
    seen = np.where(np.isnan(signals), torso, signals)
    return np.asarray(seen.mean(axis=0), np.float32)


def _vote(labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Code of the label that most samples of each voxel have; the middle one decides.

    It decides between labels that have as many samples.
    """
    votes = np.stack(
        [
            2 * (labels == label).sum(axis=0) + (labels[0] == label)
            for label in range(len(_CODES))
        ]
    )
    return np.asarray(_CODES[votes.argmax(axis=0)])


def _state(
    heart: Heart, motion: Motion, times: FloatArray, shifts: FloatArray
) -> CineTruth:
    """State what is known of the stack."""
    ventricle = state_truth(motion, times)
    asked = np.array([ventricle.ed_time, ventricle.es_time, *times])
    edv, esv, *course = 1e6 * chamber_volumes(heart, motion, "rv", asked)
    mass = MUSCLE_DENSITY * 1e6 * heart.ventricle.myocardial_volume
    return CineTruth(ventricle, mass, float(edv), float(esv), np.array(course), shifts)
