"""What all simulated recordings share: beats, clock, ECG, and what is true."""

from __future__ import annotations

import itertools
import math
import zlib
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.phantom.anatomy import Heart
from cardium.phantom.build import build_heart
from cardium.phantom.cycle import MITRAL_CLOSURE, Beat, Window
from cardium.phantom.ecg import ecg_trace
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm, draw_rhythm
from cardium.phantom.strain import APICAL_PLANES, segmental_strain

FIRST_R = 0.1
"""Time of the first R peak of every recording [s]."""


@dataclass(frozen=True, slots=True)
class Acquisition:
    """A patient whose heart beats while something is recorded.

    Parameters
    ----------
    patient : Patient
        Who is examined.
    heart : Heart
        The patient's heart at end-diastole.
    motion : Motion
        How it moves in these beats.
    rng : Generator
        The random numbers of this recording, apart from those of any other.
    """

    patient: Patient
    heart: Heart
    motion: Motion
    rng: np.random.Generator

    @property
    def rhythm(self) -> Rhythm:
        """The beats of the recording."""
        return self.motion.cycle.rhythm


def begin(
    patient: Patient, *, what: str, beats: int, seconds: float = 0.0
) -> Acquisition:
    """Begin a recording of a patient.

    Parameters
    ----------
    patient : Patient
        Who is examined.
    what : str
        A name of the recording, such as ``"b_mode 4ch"``: each has beats and random
        numbers of its own.
    beats : int
        Number of whole beats, from R peak to R peak.
    seconds : float [s]
        When the last R peak may come at the earliest: there are more beats if these
        end before.

    Returns
    -------
    acquisition : Acquisition
        The same patient, visit, name and number of beats always give the same.

    Examples
    --------
    >>> begin(Patient(), what="b_mode 4ch", beats=2).rhythm.r_times.round(1)
    array([0.1, 1. , 1.9])
    """
    key = [patient.number, patient.visit, zlib.crc32(what.encode())]
    for count in itertools.count(beats):
        rng = np.random.default_rng(key)
        rhythm = draw_rhythm(patient, beats=count, first_r=FIRST_R, rng=rng)
        if rhythm.r_times[-1] >= seconds:
            break
    heart = build_heart(patient)
    return Acquisition(patient, heart, Motion.of(heart, rhythm), rng)


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
        Volume at end-diastole and at end-systole of the first whole beat, whether an
        image meets them or not.
    ef_percent : float [%]
        Ejection fraction of that beat.
    ed_time, es_time : float [s]
        End-diastole and end-systole of the first whole beat.
    endocardial_strain, midwall_strain : (T,) [%]
        Longitudinal strain: the change of the arc length of the endocardium and of the
        middle of the wall in a plane through the long axis, since end-diastole.
    gls_endocardial_percent, gls_percent : float [%]
        The same at end-systole of the first beat, the mean over the three apical
        planes, of the endocardium and of the middle of the wall.
    segment_peaks : (17, 3) [%]
        Radial, circumferential and longitudinal strain of the segments of
        `cardium.phantom.strain.SEGMENTS`: the greatest thickening and the greatest
        shortening in the first beat, since end-diastole.
    beat_edv_ml, beat_esv_ml, beat_ef_percent : (B,)
        Volumes [mL] at R peak and end-systole, and ejection fraction [%], of each
        whole beat.
    mitral_closes, aortic_opens, aortic_closes, mitral_opens : (B,) [s]
        Valve times of each beat, in this order from its R peak.
    mapse_mm : float [mm]
        Greatest way of the annulus towards the apex in the first systole, the mean of
        septal and lateral.
    s_prime, e_prime, a_prime : (2,) [cm/s]
        Greatest velocity of the septal and of the lateral annulus along the long axis
        in ejection, early and late filling of the first beat; all positive. NaN
        without an atrial kick.
    myocardial_mass_g : float [g]
        Mass of the wall, of 1.05 g/mL.
    twist_degrees : float [degree]
        Greatest rotation of the apex against the base in the first beat.
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
    gls_endocardial_percent: float
    gls_percent: float
    segment_peaks: FloatArray
    beat_edv_ml: FloatArray
    beat_esv_ml: FloatArray
    beat_ef_percent: FloatArray
    mitral_closes: FloatArray
    aortic_opens: FloatArray
    aortic_closes: FloatArray
    mitral_opens: FloatArray
    mapse_mm: float
    s_prime: FloatArray
    e_prime: FloatArray
    a_prime: FloatArray
    myocardial_mass_g: float
    twist_degrees: float


def state_truth(motion: Motion, times: FloatArray, *, rotation: float = 0.0) -> Truth:
    """State what is known of a heart at the times of its images.

    Parameters
    ----------
    motion : Motion
        How the heart moves.
    times : (T,) [s]
        When the images were taken.
    rotation : float [rad]
        Which plane through the long axis they show, for the strain over time.

    Returns
    -------
    truth : Truth
        Volumes by formula; arc lengths by 600 chords.

    Examples
    --------
    >>> motion = begin(Patient(), what="b_mode 4ch", beats=1).motion
    >>> truth = state_truth(motion, np.array([FIRST_R]))
    >>> float(truth.volume_ml[0]) == truth.edv_ml, truth.midwall_strain.tolist()
    (True, [0.0])
    """
    beats, beat = motion.cycle.beats, motion.cycle.beats[0]
    edv = 1e6 * motion.volume(np.array([each.r for each in beats]))
    esv = 1e6 * motion.volume(np.array([each.end_systole for each in beats]))
    endocardial, midwall = _arc_strains(motion, beat.r, times, rotation)
    planes = [
        _arc_strains(motion, beat.r, np.array([beat.end_systole]), plane)
        for plane in APICAL_PLANES
    ]
    gls_endocardial, gls = np.mean(planes, axis=0)[:, 0]
    return Truth(
        time=times,
        volume_ml=1e6 * motion.volume(times),
        edv_ml=float(edv[0]),
        esv_ml=float(esv[0]),
        ef_percent=float(100 * (1 - esv[0] / edv[0])),
        ed_time=beat.r,
        es_time=beat.end_systole,
        endocardial_strain=endocardial,
        midwall_strain=midwall,
        gls_endocardial_percent=float(gls_endocardial),
        gls_percent=float(gls),
        segment_peaks=_segment_peaks(motion, beat),
        beat_edv_ml=edv,
        beat_esv_ml=esv,
        beat_ef_percent=100 * (1 - esv / edv),
        mitral_closes=np.array([each.r + MITRAL_CLOSURE for each in beats]),
        aortic_opens=np.array([each.ejection[0] for each in beats]),
        aortic_closes=np.array([each.ejection[1] for each in beats]),
        mitral_opens=np.array([each.early[0] for each in beats]),
        mapse_mm=_mapse(motion, beat),
        s_prime=_annular_peak(motion, beat.ejection, -1),
        e_prime=_annular_peak(motion, beat.early, 1),
        a_prime=_annular_peak(motion, beat.late, 1),
        myocardial_mass_g=_DENSITY * 1e6 * motion.ventricle.myocardial_volume,
        twist_degrees=_greatest_twist(motion, beat),
    )


def reach(places: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and greatest depth [m], and angle [rad], of places (..., 2) in a fan."""
    depth = np.hypot(places[..., 0], places[..., 1])
    angle = np.arctan2(places[..., 0], places[..., 1])
    return (
        np.array([depth.min(), depth.max()]),
        np.array([angle.min(), angle.max()]),
    )


def image_times(r_peaks: FloatArray, rate: float) -> FloatArray:
    """Return times from 0 to a little after the last R peak, at a rate [Hz]."""
    end = r_peaks[-1] + _AFTER_LAST_R
    return np.arange(math.floor(end * rate) + 1) / rate


def ecg_stream(rhythm: Rhythm) -> Stream:
    """Record one lead, in no unit, as ultrasound scanners store it."""
    time = image_times(rhythm.r_times, _ECG_RATE)
    trace = ecg_trace(time, rhythm).astype(np.float32)
    return Stream("ecg", trace, time, ("time",), "")


_AFTER_LAST_R = 0.1
_ECG_RATE = 500.0
_DENSITY = 1.05
_FINE = 801


def _arc_strains(
    motion: Motion, since: float, times: FloatArray, rotation: float
) -> FloatArray:
    """Change of arc length of endocardium and middle of the wall, (2, T) [%]."""
    length = motion.arc_length(
        np.append(since, times), fractions=np.array([0.0, 0.5]), rotation=rotation
    )
    return np.asarray(100 * (length[1:] / length[0] - 1).T)


def _segment_peaks(motion: Motion, beat: Beat) -> FloatArray:
    """Greatest thickening and shortenings of each segment in a beat, (17, 3) [%]."""
    # The long axis leads the volume by 10 ms, and both stand still at the end.
    strain = segmental_strain(motion, beat.end_systole - np.array([0.01, 0.005, 0.0]))
    return np.stack(
        [strain[..., 0].max(0), strain[..., 1].min(0), strain[..., 2].min(0)], axis=-1
    )


def _annulus_reach(motion: Motion) -> FloatArray:
    """Way of the septal and lateral annulus for a shortening of 1, (2,) [m]."""
    lv = motion.ventricle
    ends = lv.layer_points(0.5, 3)[[0, -1]]
    points = np.stack([ends[:, 0], [0.0, 0.0], ends[:, 1]], axis=-1)
    return np.asarray(motion.material(points).axial)


def _mapse(motion: Motion, beat: Beat) -> float:
    """Greatest way of the annulus in a systole [mm]."""
    stretch = motion.cycle.stretch(np.linspace(beat.r, beat.early[0], _FINE))
    return float(1e3 * (stretch[0] - stretch).max() * _annulus_reach(motion).mean())


def _annular_peak(motion: Motion, window: Window | None, sign: int) -> FloatArray:
    """Greatest velocity of the annulus in a window, up (1) or down (-1) [cm/s]."""
    if window is None:
        return np.full(2, np.nan)
    rate = sign * motion.cycle.stretch_rate(np.linspace(*window, _FINE))
    return np.asarray(100 * rate.max() * _annulus_reach(motion))


def _greatest_twist(motion: Motion, beat: Beat) -> float:
    """Greatest rotation of the apex against the base in a beat [degree]."""
    course = abs(motion.cycle.twist(np.linspace(beat.r, beat.next_r, _FINE)))
    return float(np.degrees(course.max()))
