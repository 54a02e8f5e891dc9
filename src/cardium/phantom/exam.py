"""Whole simulated examinations whose volumes, motion and timing are exactly known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Sector, Stream
from cardium.errors import UnknownNameError
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
from cardium.phantom.anatomy import Heart, sample_heart
from cardium.phantom.imaging import b_mode, tissue_velocity
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement, Probe

LAYERS = ("endocardium", "subendocardium", "midwall", "subepicardium", "epicardium")
"""Names of the layers of ``lv_contour``, from endocardium to epicardium."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One simulated recording of one patient.

    Parameters
    ----------
    view : {"4ch", "2ch", "3ch"}
        Apical four-chamber, two-chamber or long-axis view.
    heart : Heart
        The patient's heart.
    streams : mapping of str to Stream
        ``b_mode`` (grey), ``tissue_velocity`` (m/s, in a sector and on a clock of its
        own) and ``ecg``.
    annotations : mapping of str to Stream
        ``lv_contour`` (time, layer, point, xz) [m] in the frame of the B-mode sector:
        five layers from endocardium to epicardium, each from the base on the left of
        the image over the apex to the base on the right, open at the base.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : Truth
        What is exactly known.
    """

    view: str
    heart: Heart
    streams: Mapping[str, Stream]
    annotations: Mapping[str, Stream]
    qrs_times: FloatArray
    truth: Truth


def simulate(
    patient_seed: int, *, preset: str = "tiny", view: str = "4ch"
) -> Examination:
    """Simulate an apical examination of a patient.

    Parameters
    ----------
    patient_seed : int
        Number of the patient; the same number gives the same samples, bit for bit.
    preset : {"tiny", "full"}
        ``"tiny"``: one beat, 192 x 64 samples, 30 frames a second. ``"full"``: two
        beats, 512 x 160 samples, 60 frames a second.
    view : {"4ch", "2ch", "3ch"}
        Apical four-chamber, two-chamber or long-axis view. The second and the third
        turn the plane by 60 and 120 degrees about the long axis. The left ventricle is
        round: its contours have the same shape in all. The long-axis view shows no
        outflow tract.

    Returns
    -------
    examination : Examination
        Streams in memory, annotations and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset or view.

    Examples
    --------
    >>> exam = simulate(3)
    >>> exam.streams["b_mode"].shape[1:], exam.annotations["lv_contour"].shape[1:]
    ((192, 64), (5, 61, 2))
    >>> round(100 * exam.heart.function.ejection_fraction - exam.truth.ef_percent, 9)
    0.0
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    if view not in _ROTATIONS:
        raise UnknownNameError("view", view, _ROTATIONS)
    size, heart = _PRESETS[preset], sample_heart(patient_seed)
    # One stream of random numbers a view, apart from the patient's own.
    rng = np.random.default_rng([patient_seed, 1 + [*_ROTATIONS].index(view)])
    placement = hold_apically(heart, rng, rotation=_ROTATIONS[view])
    motion = Motion.of(heart, first_r=FIRST_R)
    r_peaks = qrs_times(motion, size.beats)
    times = image_times(r_peaks, size.frame_rate)
    contour = placement.plane_to_image(motion.contour(times))
    sector = _b_mode_sector(contour, size)
    streams = {
        "b_mode": _film(heart, times, sector, placement, int(rng.integers(2**32))),
        "tissue_velocity": _doppler(heart, times, contour, placement, size),
        "ecg": ecg_stream(r_peaks),
    }
    lines = Stream(
        "lv_contour",
        contour.astype(np.float32),
        times,
        ("time", "layer", "point", "xz"),
        "m",
        coords={"layer": LAYERS},
    )
    return Examination(
        view, heart, streams, {"lv_contour": lines}, r_peaks, state_truth(motion, times)
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of an examination."""

    beats: int
    frame_rate: float
    b_mode_shape: tuple[int, int]
    velocity_shape: tuple[int, int]


_PRESETS = {
    "tiny": _Preset(1, 30.0, (192, 64), (128, 40)),
    "full": _Preset(2, 60.0, (512, 160), (320, 96)),
}
_ROTATIONS = {"4ch": 0.0, "2ch": -math.pi / 3, "3ch": -2 * math.pi / 3}
_VELOCITY_LIMIT = 0.16
_LEAST_HALF_ANGLE = 0.6
_BELOW_BASE = 0.055


def _b_mode_sector(contour: FloatArray, size: _Preset) -> Sector:
    """Fan that shows ventricle and atrium, its depth in whole centimetres."""
    deepest, widest = reach(contour)
    depth = math.ceil(100 * (deepest[1] + _BELOW_BASE)) / 100
    half = max(abs(widest).max() + 0.06, _LEAST_HALF_ANGLE)
    return Sector((0.0, depth), (-half, half), size.b_mode_shape)


def _film(
    heart: Heart, times: FloatArray, sector: Sector, placement: Placement, seed: int
) -> Stream:
    """Record the B-mode."""
    frames = b_mode(
        heart,
        times,
        probe=Probe.matched_to(sector),
        placement=placement,
        first_r=FIRST_R,
        seed=seed,
    )
    dims = ("time", "range", "beam")
    return Stream("b_mode", frames, times, dims, "grey", geometry=sector)


def _doppler(
    heart: Heart,
    times: FloatArray,
    contour: FloatArray,
    placement: Placement,
    size: _Preset,
) -> Stream:
    """Record tissue velocity midway between B-mode frames, just around the wall."""
    (near, far), (left, right) = reach(contour)
    sector = Sector(
        (near - 0.005, far + 0.005), (left - 0.02, right + 0.02), size.velocity_shape
    )
    between = (times[:-1] + times[1:]) / 2
    velocity = tissue_velocity(
        heart,
        between,
        sector=sector,
        placement=placement,
        velocity_limit=_VELOCITY_LIMIT,
        first_r=FIRST_R,
    )
    return Stream(
        "tissue_velocity",
        velocity,
        between,
        ("time", "range", "beam"),
        "m/s",
        geometry=sector,
        velocity_limit=_VELOCITY_LIMIT,
    )
