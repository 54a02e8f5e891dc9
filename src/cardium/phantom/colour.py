"""Colour Doppler of the blood in the left ventricle, with its unfolded truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
from cardium.phantom.flow import CavityFlow
from cardium.phantom.imaging import b_mode
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement, Probe
from cardium.signal.doppler import fold


@dataclass(frozen=True, slots=True)
class FlowExamination:
    """A simulated apical recording of colour Doppler.

    Parameters
    ----------
    heart : Heart
        The patient's heart.
    placement : Placement
        Where it lies under the probe.
    streams : mapping of str to Stream
        ``b_mode`` (grey), ``colour_velocity`` (m/s), ``colour_power`` (0..1) in a box
        of its own, midway between the images, and ``ecg``.
    velocity : (T, R, A) [m/s]
        The true velocity of blood along the beam, unfolded, positive towards the probe;
        NaN outside the cavity of the left ventricle.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : Truth
        What is exactly known of the ventricle, at the times of ``b_mode``.
    """

    heart: Heart
    placement: Placement
    streams: Mapping[str, Stream]
    velocity: FloatArray
    qrs_times: FloatArray
    truth: Truth


def simulate_flow(
    patient_seed: int, *, preset: str = "tiny", velocity_limit: float = 0.6
) -> FlowExamination:
    """Simulate colour Doppler of the left ventricle.

    Parameters
    ----------
    patient_seed : int
        Number of the patient; the same number gives the same samples, bit for bit.
    preset : {"tiny", "full"}
        ``"tiny"``: one beat, a box of 64 x 28 samples, 13 frames a second. ``"full"``:
        two beats, 180 x 70 samples.
    velocity_limit : float [m/s]
        Nyquist limit at which velocities fold.

    Returns
    -------
    examination : FlowExamination
        Streams in memory and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset.
    InvalidArgumentError
        If the limit is not positive.

    Notes
    -----
    The velocity is that of `CavityFlow` along the beam, with an error of 2 % of the
    limit and folded. Where there is no blood of the left ventricle the velocity is
    noise over the whole range, as an autocorrelation of noise gives it, and the power
    is below 0.15; in blood it is above 0.4. The atria have no flow.

    Examples
    --------
    >>> exam = simulate_flow(3)
    >>> velocity, power = (exam.streams[f"colour_{n}"] for n in ("velocity", "power"))
    >>> velocity.shape[1:], velocity.velocity_limit
    ((64, 28), 0.6)
    >>> blood = np.isfinite(exam.velocity)
    >>> bool(power.load()[blood].min() > 0.4), bool(power.load()[~blood].max() < 0.15)
    (True, True)
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    size, heart = _PRESETS[preset], sample_heart(patient_seed)
    rng = np.random.default_rng([patient_seed, 102])
    placement = hold_apically(heart, rng, rotation=0.0)
    motion = Motion.of(heart, first_r=FIRST_R)
    r_peaks = qrs_times(motion, size.beats)
    times = image_times(r_peaks, _RATE)
    between = (times[:-1] + times[1:]) / 2
    (near, far), (left, right) = reach(
        placement.plane_to_image(motion.contour(times, layers=2))
    )
    box = Sector((near, far), (left, right), size.box)
    fan = _fan(far, max(-left, right), size.b_mode)
    grey = b_mode(
        heart,
        times,
        probe=Probe.matched_to(fan),
        placement=placement,
        first_r=FIRST_R,
        seed=int(rng.integers(2**32)),
    )
    velocity = _along_beams(CavityFlow(motion), between, box, placement)
    measured, power = _measure(velocity, velocity_limit, rng)
    dims = ("time", "range", "beam")
    streams = {
        "b_mode": Stream("b_mode", grey, times, dims, "grey", geometry=fan),
        "colour_velocity": Stream(
            "colour_velocity",
            measured,
            between,
            dims,
            "m/s",
            geometry=box,
            velocity_limit=velocity_limit,
        ),
        "colour_power": Stream("colour_power", power, between, dims, "", geometry=box),
        "ecg": ecg_stream(r_peaks),
    }
    truth = state_truth(motion, times)
    return FlowExamination(heart, placement, streams, velocity, r_peaks, truth)


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    beats: int
    b_mode: tuple[int, int]
    box: tuple[int, int]


_PRESETS = {
    "tiny": _Preset(1, (192, 64), (64, 28)),
    "full": _Preset(2, (512, 160), (180, 70)),
}
_RATE = 13.0
_VELOCITY_ERROR = 0.02
_BELOW = 0.04
_LEAST_HALF_ANGLE = 0.6


def _fan(deepest: float, widest: float, shape: tuple[int, int]) -> Sector:
    """Fan of the B-mode, its depth in whole centimetres."""
    depth = math.ceil(100 * (deepest + _BELOW)) / 100
    half = max(widest + 0.06, _LEAST_HALF_ANGLE)
    return Sector((0.0, depth), (-half, half), shape)


def _along_beams(
    flow: CavityFlow, times: FloatArray, box: Sector, placement: Placement
) -> FloatArray:
    """Velocity of blood towards the probe at every sample, NaN where there is none."""
    x, z = box.points()
    places = placement.to_heart(np.stack([x, np.zeros_like(x), z], axis=-1))
    angle = box.angles
    beams = np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=-1)
    away = Placement((0, 0), placement.tilt, placement.rotation).to_heart(beams)
    moving = [flow.velocity(places, float(time)) for time in times]
    return np.asarray(-np.sum(np.stack(moving) * away, axis=-1))


def _measure(
    velocity: FloatArray, limit: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fold what is measured, with its error; noise where nothing flows."""
    blood = np.isfinite(velocity)
    error = rng.normal(0, _VELOCITY_ERROR * limit, velocity.shape)
    noise = rng.uniform(-limit, limit, velocity.shape)
    measured = np.where(blood, np.nan_to_num(velocity) + error, noise)
    strength = rng.beta(4, 4, velocity.shape)
    power = np.where(blood, 0.45 + 0.5 * strength, 0.14 * strength)
    return fold(measured.astype(np.float32), limit), power.astype(np.float32)
