"""The 12-lead electrocardiogram of a patient, consistent with heart and rhythm."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.phantom._ecg_waves import Pattern
from cardium.phantom.ecg import LEADS, complete_leads, ecg_12_lead
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm, draw_rhythm

FINDINGS = (
    "sinus_rhythm",
    "atrial_fibrillation",
    "ventricular_ectopy",
    "first_degree_block",
    "left_bundle_branch_block",
    "left_anterior_fascicular_block",
    "left_ventricular_hypertrophy",
    "strain",
    "low_voltage",
    "anterior_infarct",
    "lateral_infarct",
    "inferior_infarct",
)
"""What an electrocardiogram can show, in the order in which it is reported."""


@dataclass(frozen=True, slots=True)
class EcgTruth:
    """What is known of an electrocardiogram without measuring.

    Parameters
    ----------
    r_times : (K,) [s]
        R times within the recording.
    kinds : (K,) tuple of str
        What begins at each, of `cardium.phantom.rhythm.BEAT_KINDS`.
    heart_rate : float [1/min]
        From the mean interval between these R times; NaN for fewer than two.
    pattern : Pattern
        Axis, voltage, intervals and disease that shape the beats.
    sokolow_mv : float [mV]
        Depth of S in V1 and greatest height of R in V5 and V6, together, of a beat
        that is not ectopic, without noise.
    limb_mv : float [mV]
        Greatest size of QRS, from peak to peak, among the limb leads.
    findings : tuple of str
        What it shows, of `FINDINGS`; sinus rhythm alone is a normal one.
    """

    r_times: FloatArray
    kinds: tuple[str, ...]
    heart_rate: float
    pattern: Pattern
    sokolow_mv: float
    limb_mv: float
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EcgExamination:
    """One simulated electrocardiogram of one patient.

    Parameters
    ----------
    patient : Patient
        Whose it is.
    streams : mapping of str to Stream
        ``ecg`` (time, lead) [mV].
    truth : EcgTruth
        What is exactly known.
    """

    patient: Patient
    streams: Mapping[str, Stream]
    truth: EcgTruth


def simulate_ecg(
    patient: Patient,
    *,
    seconds: float = 10.0,
    rate: float = 500.0,
    wander_mv: float = 0.03,
    muscle_mv: float = 0.008,
    mains_mv: float = 0.0,
    pattern: Pattern | None = None,
) -> EcgExamination:
    """Simulate the 12-lead electrocardiogram of a patient.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    seconds : float [s]
        Length of the recording.
    rate : float [Hz]
        Samples a second.
    wander_mv : float [mV]
        Standard deviation of the wander of the baseline with the breath (0.05 to 0.4
        Hz) at each electrode.
    muscle_mv : float [mV]
        Standard deviation of the noise of muscles at each electrode, white up to half
        the rate.
    mains_mv : float [mV]
        Amplitude of the hum of 50 Hz at each electrode. With all three at 0 the leads
        are exact.
    pattern : Pattern, optional
        The shape of the beats if it is not to be that of `read_pattern`.

    Returns
    -------
    examination : EcgExamination
        The leads and what is known of them.

    Raises
    ------
    InvalidArgumentError
        If the recording has no length, the rate is below 100 Hz or noise is negative.

    Notes
    -----
    Noise arises at the nine electrodes, so the limb leads obey Einthoven and Goldberger
    with noise as without.

    Examples
    --------
    >>> exam = simulate_ecg(Patient(number=3))
    >>> exam.streams["ecg"].shape, exam.truth.findings
    ((5000, 12), ('sinus_rhythm',))
    """
    noise = (wander_mv, muscle_mv, mains_mv)
    if not (0 < seconds <= _LONGEST and rate >= _LOWEST_RATE and min(noise) >= 0):
        raise InvalidArgumentError(
            f"ECG: it must last 0..{_LONGEST:g} s at {_LOWEST_RATE:g} Hz or more with "
            f"noise of 0 mV or more, got {seconds} s, {rate} Hz and {noise} mV."
        )
    mean = 60 / patient.heart_rate
    beats = math.ceil(2 * seconds / mean) + 4
    rng = np.random.default_rng([patient.number, patient.visit, _SEED])
    # The recording begins somewhere in the course of the beats.
    first_r = -float(rng.uniform(0.5, 1.5)) * mean
    rhythm = draw_rhythm(patient, beats=beats, first_r=first_r, rng=rng)
    pattern = pattern or read_pattern(patient)
    time = np.arange(round(seconds * rate)) / rate
    leads = ecg_12_lead(time, rhythm, pattern=pattern)
    leads += complete_leads(_electrode_noise(time, noise, rng))
    names = MappingProxyType({"lead": LEADS})
    stream = Stream("ecg", leads, time, ("time", "lead"), "mV", coords=names)
    truth = _state(patient, rhythm, pattern, seconds)
    return EcgExamination(patient, MappingProxyType({"ecg": stream}), truth)


def read_pattern(patient: Patient) -> Pattern:
    """Derive the shape of a patient's beats from size, walls and disease.

    Parameters
    ----------
    patient : Patient
        Who is examined. What has no rule here is drawn from the patient's number.

    Returns
    -------
    pattern : Pattern
        The same in every visit.

    Notes
    -----
    Rules, of textbooks and recommendations:

    - Hypertrophy (13 mm of wall on average, or a hypertrophic patient) raises the index
      of Sokolow and Lyon (1949), S in V1 + R in V5, over its limit of 3.5 mV, turns the
      axis to the left, and strains: ST and T opposite to R in I, AVL, V5 and V6
      (AHA/ACCF/HRS recommendations 2009, part V). Everyone else is below the limit.
    - Amyloid makes the wall thick and the voltage low, QRS below 0.5 mV in all limb
      leads (part II of the same), PR long, and no R in V1 to V3, as after an infarct.
    - An infarct has Q waves longer than 40 ms and deeper than a quarter of R in the
      leads of its artery: V1 to V4 for the left anterior descending, I, AVL, V5 and V6
      for the circumflex, II, III and AVF for the right coronary artery (Fourth
      Universal Definition of Myocardial Infarction 2018, and its older, stricter form).
    - Of dilated ventricles with an ejection fraction below 35 %, three in ten have left
      bundle branch block.

    Examples
    --------
    >>> patient = Patient(
    ...     edv_ml=100, gls_percent=-14, wall_mm=16, conditions=("hypertrophic",)
    ... )
    >>> read_pattern(patient).chest_voltage > 1.8
    True
    """
    rng = np.random.default_rng([patient.number, _SEED])
    axis = float(np.clip(rng.normal(48, 16), 0, 85))
    sokolow = float(np.clip(rng.normal(2.2, 0.35), 1.4, 3.1))
    shares: dict[str, Any] = {
        "qtc": float(np.clip(rng.normal(0.41, 0.012), 0.38, 0.44)),
        "pr": float(np.clip(rng.normal(0.16, 0.015), 0.13, 0.19)),
        "fibrillation_hz": float(rng.uniform(5.0, 7.5)),
        "infarct": patient.infarct,
        "limb_voltage": float(rng.uniform(0.8, 1.1)),
    }
    blocked = bool(rng.random() < _BLOCKED)
    if "amyloid" in patient.conditions:
        shares |= {
            "limb_voltage": 0.30,
            "pr": shares["pr"] + 0.055,
            "pseudo_infarct": True,
        }
        sokolow *= 0.45
    elif _hypertrophied(patient):
        excess = max(patient.wall_mm + patient.septal_excess_mm / 2 - _THICK_MM, 0.0)
        sokolow = 3.85 + 0.10 * min(excess, 8.0) + 0.3 * (sokolow - 2.2)
        shares |= {
            "strain": min(0.6 + 0.1 * excess, 1.0),
            "limb_voltage": 1.4 * shares["limb_voltage"],
        }
        axis -= 30
    dilated = "dilated" in patient.conditions and patient.ef_percent < _WEAK
    shares["left_bundle_block"] = blocked and dilated
    return Pattern(axis_degrees=axis, chest_voltage=sokolow / _SOKOLOW_MV, **shares)


_LONGEST = 3600.0
_SEED = 12
_LOWEST_RATE = 100.0
_SOKOLOW_MV = 0.70 + 1.25  # of a pattern of voltage 1
_THICK_MM = 13.0
_BLOCKED = 0.3
_WEAK = 35.0
_INFARCTS = {
    "lad": "anterior_infarct",
    "lcx": "lateral_infarct",
    "rca": "inferior_infarct",
}


def _hypertrophied(patient: Patient) -> bool:
    """Tell whether the wall is thick by muscle, and not by amyloid."""
    mean = patient.wall_mm + patient.septal_excess_mm / 4
    thick = mean >= _THICK_MM or "hypertrophic" in patient.conditions
    return thick and "amyloid" not in patient.conditions


def _state(
    patient: Patient, rhythm: Rhythm, pattern: Pattern, seconds: float
) -> EcgTruth:
    """State what is known of the recording."""
    within = (rhythm.r_times >= 0) & (rhythm.r_times < seconds)
    r_times = rhythm.r_times[within]
    kinds = tuple(k for k, there in zip(rhythm.kinds, within, strict=True) if there)
    rate = 60 / float(np.diff(r_times).mean()) if len(r_times) > 1 else math.nan
    sokolow, limb = _measure(pattern)
    return EcgTruth(
        r_times=r_times,
        kinds=kinds,
        heart_rate=rate,
        pattern=pattern,
        sokolow_mv=sokolow,
        limb_mv=limb,
        findings=_findings(patient, pattern, kinds, (sokolow, limb)),
    )


def _measure(pattern: Pattern) -> tuple[float, float]:
    """Sokolow-Lyon index and greatest limb QRS of one beat, every 0.1 ms [mV]."""
    time = np.arange(-800, 1000) / 10_000
    leads = ecg_12_lead(time, np.array([0.0, 1.0]), pattern=pattern)
    v1, v5, v6 = (leads[:, LEADS.index(name)] for name in ("V1", "V5", "V6"))
    sokolow = max(float(-v1.min()), 0.0) + max(float(v5.max()), float(v6.max()), 0.0)
    return sokolow, float(np.ptp(leads[:, :6], axis=0).max())


def _findings(
    patient: Patient,
    pattern: Pattern,
    kinds: tuple[str, ...],
    size: tuple[float, float],
) -> tuple[str, ...]:
    """Name what the recording shows, by the criteria and not by the patient."""
    sokolow, limb = size
    block, infarct = pattern.left_bundle_block, pattern.infarct
    fibrillating = "fibrillating" in kinds
    shown = {
        "sinus_rhythm": "sinus" in kinds,
        "atrial_fibrillation": fibrillating,
        "ventricular_ectopy": "ectopic" in kinds,
        "first_degree_block": pattern.pr > 0.2 and not fibrillating,
        "left_bundle_branch_block": block,
        "left_anterior_fascicular_block": pattern.axis_degrees <= -45,
        "left_ventricular_hypertrophy": sokolow > 3.5 and not block,
        "strain": pattern.strain > 0 and not block,
        "low_voltage": limb < 0.5,
    }
    if infarct is not None and not block:
        shown[_INFARCTS[infarct.territory]] = True
    return tuple(name for name in FINDINGS if shown.get(name, False))


def _electrode_noise(
    time: FloatArray, noise: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Noise of nine electrodes in the leads I, II and V1 to V6, (T, 8) [mV]."""
    wander, muscle, mains = noise
    frequency = rng.uniform(0.05, 0.4, (4, 9))
    phase = rng.uniform(0, 2 * math.pi, (5, 9))
    size = math.sqrt(2 / 4) * wander
    electrodes = muscle * rng.standard_normal((len(time), 9))
    for f, start in zip(frequency, phase[:4], strict=True):
        electrodes += size * np.sin(2 * math.pi * time[:, None] * f + start)
    electrodes += mains * np.sin(2 * math.pi * 50 * time[:, None] + phase[4])
    right, left, foot = electrodes[:, 0], electrodes[:, 1], electrodes[:, 2]
    chest = electrodes[:, 3:] - (right + left + foot)[:, None] / 3
    return np.column_stack([left - right, foot - right, chest])
