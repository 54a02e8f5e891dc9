"""What all simulated recordings share: the hold, the clock, the ECG and the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.phantom.anatomy import Heart
from cardium.phantom.ecg import ecg_trace
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement

FIRST_R = 0.1
"""Time of the first R peak of every recording [s]."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of an examination without measuring.

    Parameters
    ----------
    time : (T,) [s]
        Times of the images.
    volume_ml : (T,) [mL]
        Volume of the left ventricular cavity at those times.
    edv_ml, esv_ml : float [mL]
        Largest and smallest volume of the cycle, whether an image meets them or not.
    ef_percent : float [%]
        Ejection fraction.
    ed_time, es_time : float [s]
        End-diastole and end-systole of the first whole beat.
    endocardial_strain, midwall_strain : (T,) [%]
        Longitudinal strain: the change of the arc length of the endocardium and of the
        middle of the wall in a plane through the long axis, since end-diastole.
    """

    time: FloatArray
    volume_ml: FloatArray
    edv_ml: float
    esv_ml: float
    ef_percent: float
    ed_time: float
    es_time: float
    endocardial_strain: FloatArray
    midwall_strain: FloatArray


def state_truth(motion: Motion, times: FloatArray) -> Truth:
    """State what is known of a heart at the times of its images.

    Parameters
    ----------
    motion : Motion
        How the heart moves.
    times : (T,) [s]
        When the images were taken.

    Returns
    -------
    truth : Truth
        Volumes by formula; arc lengths by 2000 chords, short of the arc by 1e-6.

    Examples
    --------
    >>> from cardium.phantom.anatomy import sample_heart
    >>> motion = Motion.of(sample_heart(1), first_r=FIRST_R)
    >>> truth = state_truth(motion, np.array([0.1]))
    >>> float(truth.volume_ml[0]) == truth.edv_ml, truth.midwall_strain.tolist()
    (True, [0.0])
    """
    edv = 1e6 * motion.ventricle.cavity_volume
    fraction = motion.cycle.function.ejection_fraction
    r_peak = motion.cycle.first_r
    layers = motion.contour(np.append(r_peak, times), layers=3, count=2001)
    steps = np.diff(layers[:, :2], axis=2)
    length = np.hypot(steps[..., 0], steps[..., 1]).sum(axis=2)
    endocardial, midwall = 100 * (length[1:] / length[0] - 1).T
    return Truth(
        time=times,
        volume_ml=1e6 * motion.volume(times),
        edv_ml=edv,
        esv_ml=edv * (1 - fraction),
        ef_percent=100 * fraction,
        ed_time=r_peak,
        es_time=r_peak + motion.cycle.end_systole,
        endocardial_strain=endocardial,
        midwall_strain=midwall,
    )


def hold_apically(
    heart: Heart, rng: np.random.Generator, *, rotation: float
) -> Placement:
    """Hold the probe over the apex, about 2 cm away, a little off the axis."""
    depth = 0.020 + heart.ventricle.wall + rng.uniform(-0.002, 0.003)
    aside = rng.uniform(0.002, 0.007)
    return Placement((aside, depth), math.radians(rng.uniform(-2, 6)), rotation)


def reach(places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and greatest depth [m], and angle [rad], of places (..., 2) in a fan."""
    depth = np.hypot(places[..., 0], places[..., 1])
    angle = np.arctan2(places[..., 0], places[..., 1])
    return (
        np.array([depth.min(), depth.max()]),
        np.array([angle.min(), angle.max()]),
    )


def qrs_times(motion: Motion, beats: int) -> FloatArray:
    """Return the times of the R peaks that bound whole beats, (beats + 1,) [s]."""
    return motion.cycle.first_r + motion.cycle.period * np.arange(beats + 1.0)


def image_times(r_peaks: FloatArray, rate: float) -> FloatArray:
    """Return times from 0 to a little after the last R peak, at a rate [Hz]."""
    end = r_peaks[-1] + _AFTER_LAST_R
    return np.arange(math.floor(end * rate) + 1) / rate


def ecg_stream(r_peaks: FloatArray) -> Stream:
    """Record one lead, in no unit, as ultrasound scanners store it."""
    time = image_times(r_peaks, _ECG_RATE)
    trace = ecg_trace(time, r_peaks).astype(np.float32)
    return Stream("ecg", trace, time, ("time",), "")


_AFTER_LAST_R = 0.1
_ECG_RATE = 500.0
