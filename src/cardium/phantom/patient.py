"""Who is examined: size, function, rhythm and disease, in a clinician's numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cardium.errors import InvalidArgumentError
from cardium.phantom._consistency import CONDITIONS, problems

__all__ = [
    "CONDITIONS",
    "DiastolicFunction",
    "Infarct",
    "Patient",
    "diastolic_function",
    "ejection_time",
]

Sex = Literal["female", "male"]
RhythmKind = Literal["sinus", "atrial_fibrillation", "ectopy"]
Territory = Literal["lad", "lcx", "rca"]

Severity = Literal["none", "mild", "moderate", "severe"]


@dataclass(frozen=True, slots=True)
class Infarct:
    """A part of the wall that contracts less.

    Parameters
    ----------
    territory : {"lad", "lcx", "rca"}
        The artery that fed it: left anterior descending, left circumflex or right
        coronary artery.
    severity : float
        Part of the contraction that is lost in its middle, 0..1: 1 is akinesia.
    """

    territory: Territory
    severity: float

    def __post_init__(self) -> None:
        if self.territory not in ("lad", "lcx", "rca") or not 0 < self.severity <= 1:
            raise InvalidArgumentError(
                "Infarct: the territory must be lad, lcx or rca and the severity in "
                f"0..1, got {self.territory!r} and {self.severity}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A patient, in the numbers of an echocardiographic report.

    Parameters
    ----------
    number : int
        Which patient; it seeds everything about anatomy that has no parameter here.
    visit : int
        Which examination of the patient. The anatomy stays; the beats, how the probe
        is held and the noise are new.
    sex : {"female", "male"}
        Sex.
    age : float [years]
        Age.
    height_cm, weight_kg : float
        Size of the body.
    edv_ml : float [mL]
        End-diastolic volume of the left ventricle.
    ef_percent : float [%]
        Ejection fraction of the left ventricle.
    gls_percent : float [%]
        Global longitudinal strain at end-systole, negative: the change of the arc
        length of the middle of the wall, the mean over the three apical planes.
    wall_mm : float [mm]
        Thickness of the wall at end-diastole.
    septal_excess_mm : float [mm]
        By how much the basal septum is thicker.
    twist_degrees : float [degree]
        Greatest rotation of the apex against the base.
    heart_rate : float [1/min]
        Mean number of beats a minute.
    rr_deviation : float [s]
        Standard deviation of the time from R to R in sinus rhythm.
    rhythm : {"sinus", "atrial_fibrillation", "ectopy"}
        Sinus rhythm, atrial fibrillation, or sinus rhythm with ventricular ectopic
        beats.
    diastolic_grade : {0, 1, 2, 3}
        Diastolic function: normal, impaired relaxation, pseudonormal, restrictive.
    conditions : tuple of str
        Diseases, of `CONDITIONS`.
    infarct : Infarct, optional
        Where the wall contracts less.
    aortic_valve_area_cm2 : float [cm^2]
        Area that the aortic valve opens to.
    mitral_regurgitant_orifice_cm2, aortic_regurgitant_orifice_cm2 : float [cm^2]
        Effective area through which a shut valve leaks.

    Raises
    ------
    InvalidArgumentError
        If parameters are out of any heart's range or contradict each other: all of it
        is named at once.

    Notes
    -----
    What counts as contradiction, with limits of the guidelines where they have one:

    - a body mass index outside 14..60 kg/m2; an end-diastolic volume outside 20..220 mL
      per m2 of body; an end-systolic one below 10 mL; leaks beyond the stroke, or less
      than 1 L/min per m2 that goes forward;
    - a wall thicker than the cavity's radius; 15 mm of wall without a cause, or
      "hypertrophic" without them; "amyloid" with less than 12 mm, normal strain or
      normal diastole (ESC 2021, 2023);
    - "dilated" below the upper limit of normal, 74 mL/m2 in men and 61 in women
      (ASE/EACVI chamber quantification 2015), or with an ejection fraction of half or
      more;
    - "infarct" without an `Infarct`, a regurgitation without an orifice, "aortic
      stenosis" with an area above 2 cm2, and each the other way round; a jet beyond
      7 m/s, or beyond 3 without stenosis;
    - strain beside 0.20 to 0.42 of the ejection fraction, 0.10 to 0.42 in amyloid and
      hypertrophy, where a good ejection fraction goes with poor strain; twist beyond
      0.4 degrees a percent; an infarct so large that the rest would have to eject more
      than 80 %;
    - a rate that leaves less than 0.1 s to fill; a grade 1 or 2, which the A wave
      tells, in atrial fibrillation.

    Examples
    --------
    >>> patient = Patient(edv_ml=120, ef_percent=60)
    >>> round(patient.body_surface_m2, 2), patient.stroke_volume_ml
    (1.91, 72.0)
    >>> Patient(edv_ml=120, ef_percent=60, conditions=("dilated",))
    Traceback (most recent call last):
    cardium.errors.InvalidArgumentError: Patient: dilated cardiomyopathy has more than
    74 mL/m2 (male) and an EF below 50 %, got 63 and 60.
    """

    number: int = 0
    visit: int = 0
    sex: Sex = "male"
    age: float = 50.0
    height_cm: float = 175.0
    weight_kg: float = 75.0
    edv_ml: float = 120.0
    ef_percent: float = 60.0
    gls_percent: float = -18.5
    wall_mm: float = 9.0
    septal_excess_mm: float = 0.0
    twist_degrees: float = 9.0
    heart_rate: float = 65.0
    rr_deviation: float = 0.02
    rhythm: RhythmKind = "sinus"
    diastolic_grade: Literal[0, 1, 2, 3] = 0
    conditions: tuple[str, ...] = ()
    infarct: Infarct | None = None
    aortic_valve_area_cm2: float = 3.2
    mitral_regurgitant_orifice_cm2: float = 0.0
    aortic_regurgitant_orifice_cm2: float = 0.0

    def __post_init__(self) -> None:
        given: object = self.conditions
        if isinstance(given, str):
            raise InvalidArgumentError(
                f"Patient: conditions are a tuple, ('{given}',) for one."
            )
        object.__setattr__(self, "conditions", tuple(self.conditions))
        if found := problems(self):
            raise InvalidArgumentError(f"Patient: {'; '.join(found)}.")

    @property
    def body_surface_m2(self) -> float:
        """Surface of the body by Mosteller's formula [m^2]."""
        return math.sqrt(self.height_cm * self.weight_kg / 3600)

    @property
    def body_mass_index(self) -> float:
        """Weight over the height squared [kg/m^2]."""
        return self.weight_kg / (self.height_cm / 100) ** 2

    @property
    def esv_ml(self) -> float:
        """End-systolic volume of the left ventricle in a regular beat [mL]."""
        return self.edv_ml - self.stroke_volume_ml

    @property
    def stroke_volume_ml(self) -> float:
        """Volume that the left ventricle empties by in a regular beat [mL]."""
        return self.edv_ml * self.ef_percent / 100

    @property
    def regurgitant_volume_ml(self) -> float:
        """Volume that both shut valves leak in a beat [mL].

        An orifice times the usual integral of its jet's velocity: 150 cm of the mitral
        valve and 200 cm of the aortic valve, with which the limits of severe
        regurgitation by orifice and by volume, 60 mL, are the same (ASE 2017).
        """
        return (
            _MITRAL_VTI * self.mitral_regurgitant_orifice_cm2
            + _AORTIC_VTI * self.aortic_regurgitant_orifice_cm2
        )

    @property
    def forward_volume_ml(self) -> float:
        """Volume that a regular beat brings to the body [mL]."""
        return self.stroke_volume_ml - self.regurgitant_volume_ml

    @property
    def cardiac_output_l_min(self) -> float:
        """Volume that the body gets in a minute [L/min]."""
        return self.forward_volume_ml * self.heart_rate / 1000

    @property
    def ejection_time_s(self) -> float:
        """How long the aortic valve is open at the mean heart rate [s]."""
        return ejection_time(self.heart_rate)

    @property
    def aortic_jet_m_s(self) -> float:
        """Peak velocity through the aortic valve, all of its area [m/s].

        The stroke, less what leaks into the atrium, has a peak rate of 1.875 its mean,
        as `cardium.phantom.cycle.smooth_step` has.
        """
        leaked = _MITRAL_VTI * self.mitral_regurgitant_orifice_cm2
        rate = 1.875 * (self.stroke_volume_ml - leaked) / self.ejection_time_s
        return rate / self.aortic_valve_area_cm2 / 100

    @property
    def aortic_stenosis_severity(self) -> Severity:
        """Severity by area: severe below 1 cm2, mild above 1.5 (EACVI/ASE 2017)."""
        if "aortic_stenosis" not in self.conditions:
            return "none"
        return _grade(-self.aortic_valve_area_cm2, -1.5, -1.0 + 1e-9)

    @property
    def mitral_regurgitation_severity(self) -> Severity:
        """Severity by orifice: severe from 0.4 cm2, mild below 0.2 (ASE 2017)."""
        return _grade(self.mitral_regurgitant_orifice_cm2, 0.2, 0.4)

    @property
    def aortic_regurgitation_severity(self) -> Severity:
        """Severity by orifice: severe from 0.3 cm2, mild below 0.1 (ASE 2017)."""
        return _grade(self.aortic_regurgitant_orifice_cm2, 0.1, 0.3)


_MITRAL_VTI = 150.0
_AORTIC_VTI = 200.0


def _grade(value: float, moderate: float, severe: float) -> Severity:
    """Name how bad a leak, or a narrowing as a negative area, is."""
    if value == 0:
        return "none"
    if value >= severe:
        return "severe"
    return "moderate" if value >= moderate else "mild"


def ejection_time(heart_rate: float) -> float:
    """Return the ejection time at a heart rate.

    Parameters
    ----------
    heart_rate : float [1/min]
        Beats a minute.

    Returns
    -------
    time : float [s]
        ``413 - 1.7 rate`` milliseconds (Weissler 1968), 150 at least.

    Examples
    --------
    >>> round(ejection_time(60), 3)
    0.311
    """
    return max(0.413 - 0.0017 * heart_rate, 0.150)


class DiastolicFunction(NamedTuple):
    """How a ventricle relaxes and fills; the fields are those of `Function`.

    Parameters
    ----------
    early_filling : float
        Part of the filling that comes with the E wave, 0..1.
    early_lengthening : float
        Part of the lengthening of the long axis that comes with the E wave, 0..1.
    relaxation : float [s]
        Isovolumic relaxation time.
    early_duration : float [s]
        Duration of the E wave.
    """

    early_filling: float
    early_lengthening: float
    relaxation: float
    early_duration: float


def diastolic_function(patient: Patient) -> DiastolicFunction:
    """State how the ventricle of a patient fills: by the grade, and by age if normal.

    Parameters
    ----------
    patient : Patient
        Age and diastolic grade.

    Returns
    -------
    function : DiastolicFunction
        The values that `cardium.phantom.cycle.Function` takes.

    Notes
    -----
    With the A wave of 125 ms that `cardium.phantom.cycle.Cycle` has, the ratio of the
    peak rates of filling, E/A, is 1.6 at 25 years, 1.1 at 50 and 0.7 at 75; 0.6 in
    grade 1, 1.3 in grade 2 and 2.7 in grade 3. The limits of the guideline are 0.8 and
    2 (ASE/EACVI 2016). Isovolumic relaxation lasts 60 to 90 ms, longer with age and in
    grade 1, and less in grade 3, where pressure in the atrium opens the valve early.
    In each grade the long axis lengthens less with the E wave than the volume does:
    e' is low where E is not.

    Examples
    --------
    >>> diastolic_function(Patient(age=25)).early_filling
    0.68
    >>> diastolic_function(Patient(age=25, diastolic_grade=1)).early_filling
    0.48
    """
    if patient.diastolic_grade:
        return _IMPAIRED[patient.diastolic_grade]
    years = min(max(patient.age - 25, 0), 50) / 50
    return DiastolicFunction(
        early_filling=0.68 - 0.18 * years,
        early_lengthening=0.70 - 0.24 * years,
        relaxation=0.065 + 0.020 * years,
        early_duration=0.170,
    )


_IMPAIRED = {
    1: DiastolicFunction(0.48, 0.38, 0.105, 0.190),
    2: DiastolicFunction(0.62, 0.42, 0.080, 0.160),
    3: DiastolicFunction(0.75, 0.50, 0.055, 0.140),
}
