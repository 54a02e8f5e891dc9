"""Simulated examinations of one view whose volumes, motion and timing are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cardium.core import FloatArray, Sector, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.acquisition import (
    Acquisition,
    Truth,
    begin,
    ecg_stream,
    image_times,
    reach,
    state_truth,
)
from cardium.phantom.anatomy import Heart
from cardium.phantom.imaging import film
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.scatterers import draw_scatterers
from cardium.phantom.tissue import record_tissue_velocity
from cardium.phantom.views import (
    APICAL_VIEWS,
    LAYERS,
    VIEWS,
    hold_probe,
    outline,
    turn_about_axis,
)


@dataclass(frozen=True, slots=True)
class Examination:
    """One simulated recording of one patient.

    Parameters
    ----------
    view : str
        One of `cardium.phantom.views.VIEWS`.
    heart : Heart
        The patient's heart.
    motion : Motion
        How it moved in these beats: the truth at any point and time.
    placement : Placement
        Where it lay under the probe.
    streams : mapping of str to Stream
        ``b_mode`` (grey), ``ecg`` and, in apical views, ``tissue_velocity`` (m/s, in a
        sector and on a clock of its own).
    annotations : mapping of str to Stream
        ``lv_contour`` (time, layer, point, xz) [m] in the frame of the B-mode sector:
        five layers from endocardium to epicardium. In views along the long axis each
        runs from one end of the base over the apex to the other, open at the base; in
        short-axis views it is closed. See `cardium.phantom.views.outline`.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : Truth
        What is exactly known.
    """

    view: str
    heart: Heart
    motion: Motion
    placement: Placement
    streams: Mapping[str, Stream]
    annotations: Mapping[str, Stream]
    qrs_times: FloatArray
    truth: Truth


def simulate(
    patient: Patient,
    *,
    view: str = "4ch",
    preset: str = "tiny",
    foreshortening: float = 0.0,
    coherence: float = 0.95,
    frame_rate: float | None = None,
) -> Examination:
    """Simulate an examination of a patient in one view.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    view : str
        One of `cardium.phantom.views.VIEWS`: ``"4ch"``, ``"2ch"``, ``"3ch"``,
        ``"plax"``, ``"psax_base"``, ``"psax_mid"`` or ``"psax_apex"``.
    preset : {"tiny", "bench", "full"}
        ``"tiny"``: one beat, 192 x 64 samples, 30 frames a second. ``"bench"``: the
        same of two beats, or of as many as 36 frames take. ``"full"``: two beats, 512 x
        160 samples, 60 frames a second.
    foreshortening : float [rad]
        Angle by which the plane misses the apex; see
        `cardium.phantom.views.hold_probe`.
    coherence : float
        Part of the echo power of tissue that stays from frame to frame, 0..1.
    frame_rate : float, optional [1/s]
        Frames a second, if not those of the preset.

    Returns
    -------
    examination : Examination
        Streams in memory, annotations and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset or view.
    InvalidArgumentError
        If foreshortening, coherence or frame rate are out of range.

    Examples
    --------
    >>> exam = simulate(Patient(number=3))
    >>> exam.streams["b_mode"].shape[1:], exam.annotations["lv_contour"].shape[1:]
    ((192, 64), (5, 61, 2))
    >>> round(exam.truth.ef_percent, 9)
    60.0
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    if view not in VIEWS:
        raise UnknownNameError("view", view, VIEWS)
    size = _PRESETS[preset]
    rate = size.frame_rate if frame_rate is None else frame_rate
    if not 1 <= rate <= 1000:
        raise InvalidArgumentError(
            f"simulate: the frame rate must be 1 to 1000 a second, got {rate}."
        )
    scene = begin(
        patient,
        what=f"b_mode {view}",
        beats=size.beats,
        seconds=size.least_frames / rate,
    )
    placement = hold_probe(scene, view, foreshortening=foreshortening)
    r_peaks = scene.rhythm.r_times
    times = image_times(r_peaks, rate)
    contour = outline(scene.motion, placement, times)
    lines = Stream(
        "lv_contour",
        contour.astype(np.float32),
        times,
        ("time", "layer", "point", "xz"),
        "m",
        coords={"layer": LAYERS},
    )
    return Examination(
        view,
        scene.heart,
        scene.motion,
        placement,
        _record(scene, view, times, contour, placement, size, coherence),
        {"lv_contour": lines},
        r_peaks,
        state_truth(scene.motion, times, rotation=turn_about_axis(placement)),
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of an examination."""

    beats: int
    frame_rate: float
    b_mode_shape: tuple[int, int]
    velocity_shape: tuple[int, int]
    density: float
    least_frames: int = 0


_PRESETS = {
    "tiny": _Preset(1, 30.0, (192, 64), (128, 40), 2.0),
    "bench": _Preset(2, 30.0, (192, 64), (128, 40), 2.0, 36),
    "full": _Preset(2, 60.0, (512, 160), (320, 96), 4.0),
}
_VELOCITY_LIMIT = 0.16
_HALF_ANGLES = (0.62, 0.74)
_BEYOND = {"apical": 0.055, "plax": 0.030, "psax": 0.022}
_BESIDE = 0.04


def _record(
    scene: Acquisition,
    view: str,
    times: FloatArray,
    contour: FloatArray,
    placement: Placement,
    size: _Preset,
    coherence: float,
) -> dict[str, Stream]:
    """Record B-mode, ECG and, in apical views, tissue velocity."""
    rng = scene.rng
    sector = _fan(view, contour, size, rng)
    probe = replace(Probe.matched_to(sector), density=size.density).styled(rng)
    cloud_seed, film_seed, velocity_seed = rng.integers(2**32, size=3).tolist()
    cloud = draw_scatterers(
        scene.heart, scene.motion, probe=probe, placement=placement, seed=cloud_seed
    )
    frames = film(cloud, times, probe=probe, seed=film_seed, coherence=coherence)
    dims = ("time", "range", "beam")
    streams = {
        "b_mode": Stream("b_mode", frames, times, dims, "grey", geometry=sector),
        "ecg": ecg_stream(scene.rhythm),
    }
    if view in APICAL_VIEWS:
        streams["tissue_velocity"] = record_tissue_velocity(
            cloud,
            (times[:-1] + times[1:]) / 2,
            sector=_box(contour, size),
            velocity_limit=_VELOCITY_LIMIT,
            seed=velocity_seed,
        )
    return streams


def _fan(
    view: str, contour: FloatArray, size: _Preset, rng: np.random.Generator
) -> Sector:
    """Fan that shows what belongs to a view, its depth in whole centimetres."""
    deepest, widest = reach(contour)
    kind = "apical" if view in APICAL_VIEWS else view.partition("_")[0]
    beyond = _BEYOND[kind] + rng.uniform(0, 0.015)
    depth = math.ceil(100 * (deepest[1] + beyond)) / 100
    half = max(abs(widest).max() + _BESIDE, rng.uniform(*_HALF_ANGLES))
    return Sector((0.0, depth), (-half, half), size.b_mode_shape)


def _box(contour: FloatArray, size: _Preset) -> Sector:
    """Fan of the tissue velocity, just around the wall."""
    (near, far), (left, right) = reach(contour)
    return Sector(
        (near - 0.005, far + 0.005), (left - 0.02, right + 0.02), size.velocity_shape
    )
