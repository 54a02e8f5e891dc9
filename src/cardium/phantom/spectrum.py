"""Pulsed- and continuous-wave spectra of valves and annulus, with known velocities."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Gate, Mark, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom._spectral_lines import draw_lines
from cardium.phantom.acquisition import Acquisition, begin, ecg_stream, image_times
from cardium.phantom.anatomy import Heart
from cardium.phantom.beams import Aim, aim_beam
from cardium.phantom.cycle import Beat
from cardium.phantom.patient import Patient
from cardium.phantom.views import hold_probe

SITES = (
    "mitral",
    "lvot",
    "aortic",
    "annulus",
    "annulus_lateral",
    "annulus_septal",
    "mitral_regurgitation",
    "aortic_regurgitation",
)
"""Where spectra are taken; ``annulus`` is the lateral one."""

MODES = ("pulsed_wave", "continuous_wave")


@dataclass(frozen=True, slots=True)
class SpectrumTruth:
    """What is known of a spectrum without measuring.

    Parameters
    ----------
    time : (T,) [s]
        Times of its lines.
    velocity : (T,) [m/s]
        Fastest velocity along the beam in the sample volume, in the direction of the
        flow of that site, unfolded, positive towards the probe; 0 where none flows. It
        is the envelope before the spectrum is broadened. Of the annulus, its velocity.
    peaks : mapping of str to float [m/s]
        Signed peaks in the first whole beat: ``"E"`` and ``"A"`` of the mitral inflow,
        ``"peak"`` of other flows, ``"s'"``, ``"e'"`` and ``"a'"`` of the annulus. In a
        fast heart the late wave may be fused with the early one, and without atrial
        kick there is none; it is then left out.
    peak_times : mapping of str to float [s]
        When they are.
    vti : float [m]
        Integral of the velocity over the first whole beat; of the annulus over systole:
        its excursion along the beam.
    area : float [m^2], optional
        Effective area that the blood flows through: volume by integral, in the
        direction of the flow. None for the annulus.
    cosine : float
        Of the angle between the beam and the flow, which velocities hold already; of
        the annulus, with the long axis.
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
    site : str
        Where it was taken, of `SITES`.
    heart : Heart
        The patient's heart.
    streams : mapping of str to Stream
        The spectrum (time, velocity) [grey], its first row the most positive velocity,
        and ``ecg``.
    gates : tuple of Gate
        The sample volume in mid-flow, or the line of a continuous wave.
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
    patient: Patient,
    *,
    mode: str = "pulsed_wave",
    site: str = "mitral",
    preset: str = "tiny",
    velocity_limit: float | None = None,
    baseline: float = 0.0,
) -> SpectrumExamination:
    """Simulate spectral Doppler from the apex.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    mode : {"pulsed_wave", "continuous_wave"}
        A sample volume, or all velocities along the beam.
    site : str
        Of `SITES`: inflow at the tips of the mitral leaflets, outflow tract, aortic
        valve, lateral or septal annulus, and the jets of leaking valves.
    preset : {"tiny", "full"}
        ``"tiny"``: two beats, 200 lines a second, 129 rows. ``"full"``: four beats, 400
        lines a second, 257 rows.
    velocity_limit : float [m/s], optional
        Half of the span of velocities. If not given, a quarter more than the peak and
        upwards to a round number. A pulsed wave folds there; a continuous wave does
        not, and what is faster is not seen.
    baseline : float [m/s]
        Velocity of the middle row: 0.3 leaves more room for flow towards the probe.

    Returns
    -------
    examination : SpectrumExamination
        Spectrum and ECG in memory, gate, trace and truth.

    Raises
    ------
    UnknownNameError
        If there is no such mode, site or preset.
    InvalidArgumentError
        If the limit is not positive, a continuous wave is wanted at the annulus, or the
        valve does not leak.

    Notes
    -----
    The velocities are those of `Flow`, or of the wall, along the beam at points of the
    sample volume: 0.5 mm across the beam by the length of the gate, or 1.5 mm by the
    whole beam. The sample volume goes with the valve.

    A line is a sum of Gaussians, one for each point, wide by the window of analysis
    (1.2 rows), the transit of scatterers (4 % of the velocity, 2 % without gate) and
    turbulence. It is
    multiplied with the mean of three exponential (chi-squared) powers, correlated over
    neighbouring lines and rows, over noise 40 dB lower. The wall filter removes blood
    within six rows of zero.

    The truth of outflow and of leaks is the flow of `Fluxes` by the area, or the
    pressure, with the cosine of the beam; that of inflow is the fastest of the points.

    Examples
    --------
    >>> exam = simulate_spectrum(Patient(), site="lvot")
    >>> truth, spectrum = exam.truth, exam.streams["pulsed_wave"]
    >>> spectrum.shape[1], bool(truth.peaks["peak"] < 0)
    (129, True)
    >>> stroke = 1e6 * -truth.vti * truth.area / truth.cosine
    >>> round(stroke, 3) == Patient().stroke_volume_ml
    True
    """
    _check(mode, site, preset, patient)
    size = _PRESETS[preset]
    scene = begin(patient, what=f"{mode} {site}", beats=size.beats)
    view = "4ch" if site.startswith("annulus") else "3ch"
    aim = aim_beam(scene, site, hold_probe(scene, view), pulsed=mode == "pulsed_wave")
    r_peaks = scene.rhythm.r_times
    times = image_times(r_peaks, size.rate)
    samples = aim.sample(times)
    truth = _state(scene, aim, times)
    limit = velocity_limit
    if limit is None:
        limit = math.ceil(12.5 * max(map(abs, truth.peaks.values()))) / 10
    if not limit > 0:
        raise InvalidArgumentError(
            f"simulate_spectrum: the limit must be positive, got {limit} m/s."
        )
    rows = baseline + np.linspace(limit, -limit, size.rows)
    grey = draw_lines(
        samples,
        rows,
        folds=mode == "pulsed_wave",
        wall_filter=0.0 if aim.area is None else _WALL_FILTER * 2 * limit / size.rows,
        rng=scene.rng,
    )
    spectrum = Stream(
        mode,
        grey,
        times,
        ("time", "velocity"),
        "grey",
        velocity_limit=limit,
        axes={"velocity": rows},
    )
    beat = (times >= r_peaks[0]) & (times <= r_peaks[1])
    line = np.stack([times[beat], truth.velocity[beat]], axis=1)
    return SpectrumExamination(
        mode,
        site,
        scene.heart,
        {mode: spectrum, "ecg": ecg_stream(scene.rhythm)},
        (Gate(mode, aim.angle, aim.depth, aim.length),),
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
_LABELS = {
    "mitral": "MV trace",
    "lvot": "LVOT trace",
    "aortic": "AV trace",
    "mitral_regurgitation": "MR trace",
    "aortic_regurgitation": "AR trace",
    **{site: "TDI trace" for site in SITES if site.startswith("annulus")},
}
_WALL_FILTER = 6.0
_DENSE = 4001


def _check(mode: str, site: str, preset: str, patient: Patient) -> None:
    """Refuse what cannot be simulated."""
    for kind, name, known in (
        ("mode", mode, MODES),
        ("site", site, SITES),
        ("preset", preset, _PRESETS),
    ):
        if name not in known:
            raise UnknownNameError(kind, name, known)
    if mode == "continuous_wave" and site.startswith("annulus"):
        raise InvalidArgumentError(
            "simulate_spectrum: a continuous wave sees blood, not the annulus. Take "
            "mode='pulsed_wave'."
        )
    if site.endswith("regurgitation"):
        valve = site.split("_")[0]
        if not getattr(patient, f"{valve}_regurgitant_orifice_cm2"):
            raise InvalidArgumentError(
                f"simulate_spectrum: the {valve} valve of patient {patient.number} "
                "does not leak. Take another patient, or another site."
            )


def _state(scene: Acquisition, aim: Aim, times: FloatArray) -> SpectrumTruth:
    """State velocity, peaks and integral at a site."""
    beat = scene.motion.cycle.beats[0]
    dense = np.linspace(beat.r, beat.next_r, _DENSE if aim.is_quick else 401)
    course = aim.velocity(dense)
    tops = _waves(course, dense, beat, aim.names)
    peaks, peak_times = {}, {}
    for name, top in tops.items():
        peaks[name], peak_times[name] = _vertex(dense, course, top)
    if aim.area is None:
        vti = aim.excursion(beat.r, beat.end_systole)
    else:
        vti = float(np.trapezoid(course, dense))
    area = aim.area
    if area == 0:
        volume = float(np.trapezoid(aim.flow.fluxes.mitral_forward(dense), dense))
        area = volume * aim.cosine / abs(vti)
    return SpectrumTruth(
        times, aim.velocity(times), peaks, peak_times, vti, area, aim.cosine
    )


def _waves(
    course: FloatArray, times: FloatArray, beat: Beat, names: tuple[str, str, str]
) -> dict[str, int]:
    """Find the samples of the systolic, early and late peak that have a name."""
    size = abs(course)
    first, end = np.searchsorted(times, [beat.ejection[0], beat.end_systole])
    if not names[1]:
        return {names[0]: int(size.argmax())}
    found = {}
    if names[0]:
        found[names[0]] = int(first + size[first:end].argmax())
    start, early = np.searchsorted(times, [beat.early[0], sum(beat.early) / 2])
    stop = len(times)
    if beat.late is not None:
        late = int(np.searchsorted(times, sum(beat.late) / 2))
        dip = early + int(size[early : late + 1].argmin())
        if early < dip < late:
            stop = dip
            found[names[2]] = dip + int(size[dip:].argmax())
    found[names[1]] = int(start + size[start:stop].argmax())
    return {name: found[name] for name in names if name in found}


def _vertex(times: FloatArray, course: FloatArray, top: int) -> tuple[float, float]:
    """Height and time of the parabola through a peak and its neighbours."""
    if not 0 < top < len(course) - 1:
        return float(course[top]), float(times[top])
    low, middle, high = course[top - 1 : top + 2]
    bend = low - 2 * middle + high
    shift = 0.0 if bend == 0 else float(np.clip((low - high) / (2 * bend), -1, 1))
    peak = middle - (low - high) * shift / 4
    return float(peak), float(times[top] + shift * (times[1] - times[0]))
