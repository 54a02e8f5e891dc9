"""Pulsed- and continuous-wave spectra of the valves and the annulus, exactly known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Gate, Mark, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.acquisition import (
    FIRST_R,
    ecg_stream,
    hold_apically,
    image_times,
    qrs_times,
)
from cardium.phantom.anatomy import Heart, sample_heart
from cardium.phantom.cycle import Cycle
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement

SITES = ("mitral", "lvot", "annulus")
"""Where spectra are taken: inflow, outflow, and the wall at the lateral annulus."""

MODES = ("pulsed_wave", "continuous_wave")


@dataclass(frozen=True, slots=True)
class SpectrumTruth:
    """What is known of a spectrum without measuring.

    Parameters
    ----------
    time : (T,) [s]
        Times of its lines.
    velocity : (T,) [m/s]
        Velocity along the beam at the gate, unfolded, positive towards the probe. It is
        the envelope before the spectrum is broadened.
    peaks : mapping of str to float [m/s]
        Signed peaks: ``"E"`` and ``"A"`` of the mitral inflow, ``"peak"`` of the
        outflow, ``"s'"``, ``"e'"`` and ``"a'"`` of the annulus. In a fast heart the
        late wave may be fused with the early one; it is then left out.
    peak_times : mapping of str to float [s]
        When they are, in the first whole beat.
    vti : float [m]
        Integral of the velocity over filling, over ejection, or over systole: stroke
        volume by area, or the excursion of the annulus, along the beam.
    area : float [m^2], optional
        Area that the blood flows through, at a blunt profile; None for the annulus.
    cosine : float
        Of the angle between the beam and the long axis, which velocities hold already.
    """

    time: FloatArray
    velocity: FloatArray
    peaks: Mapping[str, float]
    peak_times: Mapping[str, float]
    vti: float
    area: float | None
    cosine: float


@dataclass(frozen=True, slots=True)
class SpectrumExamination:
    """A simulated spectral Doppler recording.

    Parameters
    ----------
    mode : {"pulsed_wave", "continuous_wave"}
        Name of the spectrum's stream.
    site : {"mitral", "lvot", "annulus"}
        Where it was taken.
    heart : Heart
        The patient's heart.
    streams : mapping of str to Stream
        The spectrum (time, velocity) [grey], its first row the most positive velocity,
        and ``ecg``.
    gates : tuple of Gate
        The sample volume, or the line of a continuous wave.
    marks : tuple of Mark
        The true envelope of the first whole beat as a trace.
    qrs_times : (K,) [s]
        Times of the R peaks.
    truth : SpectrumTruth
        What is exactly known.
    """

    mode: str
    site: str
    heart: Heart
    streams: Mapping[str, Stream]
    gates: tuple[Gate, ...]
    marks: tuple[Mark, ...]
    qrs_times: FloatArray
    truth: SpectrumTruth


def simulate_spectrum(
    patient_seed: int,
    *,
    mode: str = "pulsed_wave",
    site: str = "mitral",
    preset: str = "tiny",
    velocity_limit: float | None = None,
) -> SpectrumExamination:
    """Simulate spectral Doppler from the apex.

    Parameters
    ----------
    patient_seed : int
        Number of the patient; the same number gives the same samples, bit for bit.
    mode : {"pulsed_wave", "continuous_wave"}
        A sample volume, or all velocities along the beam.
    site : {"mitral", "lvot", "annulus"}
        Inflow, outflow or the lateral annulus.
    preset : {"tiny", "full"}
        ``"tiny"``: two beats, 200 lines a second, 129 rows. ``"full"``: four beats, 400
        lines a second, 257 rows.
    velocity_limit : float [m/s], optional
        Velocity of the first row. If not given, a quarter more than the peak and
        upwards to a round number. A pulsed wave folds there; a continuous wave does
        not, and what is faster is not seen.

    Returns
    -------
    examination : SpectrumExamination
        Spectrum and ECG in memory, gate, trace and truth.

    Raises
    ------
    UnknownNameError
        If there is no such mode, site or preset.
    InvalidArgumentError
        If the limit is not positive, or a continuous wave is wanted at the annulus.

    Notes
    -----
    The valves are openings of constant area with a blunt profile: the velocity is the
    rate of filling or emptying by the area, so that its integral is the stroke volume
    by the area. The mitral opening is as wide as the ring by 0.72, the outflow tract by
    0.6. The annulus moves with the long axis, at ``lambda' L``; the gate goes with it.

    A line of the spectrum is a sum of Gaussians, each wide by the analysis window and 4
    % of its velocity: a pulsed wave has nine tenths of its power at the velocity of the
    gate and the rest below it, a continuous wave is filled evenly from zero. Each
    sample is the mean of three independent exponential (chi-squared) powers, over
    a floor of noise 40 dB lower. The wall filter removes blood within six rows of zero.

    Examples
    --------
    >>> exam = simulate_spectrum(3, site="lvot")
    >>> truth, spectrum = exam.truth, exam.streams["pulsed_wave"]
    >>> spectrum.shape[1], bool(truth.peaks["peak"] < 0)
    (129, True)
    >>> heart = exam.heart
    >>> stroke = heart.ventricle.cavity_volume * heart.function.ejection_fraction
    >>> round(truth.vti * truth.area / (stroke * truth.cosine), 12)
    -1.0
    """
    _check(mode, site, preset)
    size, heart = _PRESETS[preset], sample_heart(patient_seed)
    rng = np.random.default_rng([patient_seed, 103, SITES.index(site)])
    placement = hold_apically(heart, rng, rotation=0.0)
    motion = Motion.of(heart, first_r=FIRST_R)
    r_peaks = qrs_times(motion, size.beats)
    times = image_times(r_peaks, size.rate)
    angle, depth, cosine = _aim(motion, placement, site)
    truth = _truth(motion, times, site, cosine)
    limit = velocity_limit
    if limit is None:
        limit = math.ceil(12.5 * max(map(abs, truth.peaks.values()))) / 10
    if not limit > 0:
        raise InvalidArgumentError(
            f"simulate_spectrum: the limit must be positive, got {limit} m/s."
        )
    rows = np.linspace(limit, -limit, size.rows)
    grey = _spectrum(truth.velocity, rows, mode, site != "annulus", rng)
    spectrum = Stream(
        mode,
        grey,
        times,
        ("time", "velocity"),
        "grey",
        velocity_limit=limit,
        axes={"velocity": rows},
    )
    pulsed = mode == "pulsed_wave"
    gate = Gate(mode, angle, depth, _GATES[site]) if pulsed else Gate(mode, angle)
    beat = (times >= r_peaks[0]) & (times <= r_peaks[1])
    line = np.stack([times[beat], truth.velocity[beat]], axis=1)
    return SpectrumExamination(
        mode,
        site,
        heart,
        {mode: spectrum, "ecg": ecg_stream(r_peaks)},
        (gate,),
        (Mark(_LABELS[site], mode, ("time", "velocity"), line),),
        r_peaks,
        truth,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    beats: int
    rate: float
    rows: int


_PRESETS = {"tiny": _Preset(2, 200.0, 129), "full": _Preset(4, 400.0, 257)}
_OPENINGS = {"mitral": 0.72, "lvot": 0.6}
_GATES = {"mitral": 0.003, "lvot": 0.004, "annulus": 0.006}
_LABELS = {"mitral": "MV trace", "lvot": "LVOT trace", "annulus": "TDI trace"}
_NAMES = {
    "mitral": ("", "E", "A"),
    "lvot": ("peak", "", ""),
    "annulus": ("s'", "e'", "a'"),
}
_LOOKS = 3
_WALL_FILTER = 6.0
_NOISE_DB = -40.0
_DYNAMIC_RANGE = 45.0
_TAIL = np.linspace(0.04, 1.0, 25)
_TAIL_SHARE = {"pulsed_wave": 0.1, "continuous_wave": 0.9}


def _check(mode: str, site: str, preset: str) -> None:
    """Refuse what cannot be simulated."""
    for kind, name, known in (
        ("mode", mode, MODES),
        ("site", site, SITES),
        ("preset", preset, _PRESETS),
    ):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    if mode == "continuous_wave" and site == "annulus":
        raise InvalidArgumentError(
            "simulate_spectrum: a continuous wave sees blood, not the annulus. Take "
            "mode='pulsed_wave'."
        )


def _aim(motion: Motion, placement: Placement, site: str) -> tuple[float, float, float]:
    """Angle [rad] and depth [m] of the gate, and the cosine with the long axis."""
    lv = motion.ventricle
    aside = math.sqrt(lv.layer_radius_squared(np.asarray(lv.length), fraction=0.5))
    place = {
        "mitral": (0.0, 0.92 * lv.length),
        "lvot": (-0.3 * aside, 0.97 * lv.length),
        "annulus": (aside, 0.93 * lv.length),
    }[site]
    x, z = placement.plane_to_image(np.array(place))
    angle = math.atan2(x, z)
    return angle, math.hypot(x, z), math.cos(angle - placement.tilt)


def _truth(
    motion: Motion, times: FloatArray, site: str, cosine: float
) -> SpectrumTruth:
    """State velocity, peaks and integral at a site."""
    cycle, lv = motion.cycle, motion.ventricle
    area, vti = None, cycle.function.shortening * lv.length * cosine
    if site != "annulus":
        ring = math.pi * float(lv.layer_radius_squared(np.asarray(lv.length)))
        area = ring * _OPENINGS[site] ** 2
        vti = lv.cavity_volume * cycle.function.ejection_fraction * cosine / area
        vti *= -1 if site == "lvot" else 1

    def velocity(at: FloatArray) -> FloatArray:
        if area is None:
            return np.asarray(-cycle.stretch_rate(at) * lv.length * cosine)
        emptying = cycle.emptying_rate(at)
        flow = np.minimum(emptying, 0) if site == "mitral" else np.maximum(emptying, 0)
        return np.asarray(-lv.cavity_volume * flow * cosine / area)

    beat = cycle.first_r + np.linspace(0, cycle.period, 8001)
    course = velocity(beat)
    tops = _waves(course, beat - cycle.first_r, cycle, _NAMES[site])
    peaks = {name: float(course[top]) for name, top in tops.items()}
    peak_times = {name: float(beat[top]) for name, top in tops.items()}
    return SpectrumTruth(times, velocity(times), peaks, peak_times, vti, area, cosine)


def _waves(
    course: FloatArray, since_r: FloatArray, cycle: Cycle, names: tuple[str, str, str]
) -> dict[str, int]:
    """Find the samples of the systolic, early and late peak that have a name."""
    early, late = (
        int(np.searchsorted(since_r, start + duration / 2))
        for start, duration in (cycle.early, cycle.late)
    )
    end = int(np.searchsorted(since_r, cycle.end_systole))
    size = abs(course)
    dip = early + int(size[early : late + 1].argmin())
    found = {names[0]: int(size[:end].argmax())}
    if early < dip < late:
        found |= {names[1]: end + int(size[end:dip].argmax())}
        found |= {names[2]: dip + int(size[dip:].argmax())}
    else:
        found |= {names[1]: end + int(size[end:].argmax())}
    return {name: top for name, top in found.items() if name}


def _spectrum(
    velocity: FloatArray,
    rows: FloatArray,
    mode: str,
    blood: bool,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Draw the lines (T, V) of a spectrum in grey levels."""
    limit, step = rows[0], rows[0] - rows[1]
    tail = _TAIL_SHARE[mode]
    parts = np.append(_TAIL, 1.0) * velocity[:, None]
    weights = np.append(np.full(len(_TAIL), tail / len(_TAIL)), 1 - tail)
    if mode == "continuous_wave":
        weights = np.full(len(parts.T), 1 / len(parts.T))
    width = np.hypot(1.2 * step, 0.04 * parts)
    apart = rows[None, :, None] - parts[:, None, :]
    if mode == "pulsed_wave":
        apart = np.mod(apart + limit, 2 * limit) - limit
    bell = np.exp(-((apart / width[:, None]) ** 2) / 2) * (step / width[:, None])
    power = np.einsum("tvk,k->tv", bell, weights)
    if blood:
        power *= 1 - np.exp(-((rows / (_WALL_FILTER * step)) ** 8))
    power = power / 0.4 + 10 ** (_NOISE_DB / 10)
    power *= rng.gamma(_LOOKS, 1 / _LOOKS, power.shape)
    level = 1 + 10 * np.log10(power) / _DYNAMIC_RANGE
    return np.asarray(255 * np.clip(level, 0, 1), np.float32)
