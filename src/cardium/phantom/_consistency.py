"""Which numbers of a patient are no heart's, and which contradict each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from cardium.phantom.patient import Patient

CONDITIONS = (
    "dilated",
    "hypertrophic",
    "infarct",
    "amyloid",
    "aortic_stenosis",
    "mitral_regurgitation",
    "aortic_regurgitation",
)
"""Diseases that a patient can have, several at once where they go together."""

CHOICES = {
    "sex": ("female", "male"),
    "rhythm": ("sinus", "atrial_fibrillation", "ectopy"),
    "diastolic_grade": (0, 1, 2, 3),
}
"""Parameters that are one of a few."""

RANGES = {
    "number": (0, float("inf"), ""),
    "visit": (0, float("inf"), ""),
    "age": (18, 100, "years"),
    "height_cm": (130, 210, "cm"),
    "weight_kg": (35, 200, "kg"),
    "edv_ml": (40, 400, "mL"),
    "ef_percent": (10, 80, "%"),
    "gls_percent": (-30, -1.5, "%"),
    "wall_mm": (5, 25, "mm"),
    "septal_excess_mm": (0, 15, "mm"),
    "twist_degrees": (0, 25, "degrees"),
    "heart_rate": (35, 160, "/min"),
    "rr_deviation": (0, 0.15, "s"),
    "aortic_valve_area_cm2": (0.4, 5.5, "cm2"),
    "mitral_regurgitant_orifice_cm2": (0, 1.0, "cm2"),
    "aortic_regurgitant_orifice_cm2": (0, 0.8, "cm2"),
}
"""Least and greatest value of each number that any heart has, and its unit."""

UPPER_EDV_INDEX = {"male": 74.0, "female": 61.0}
"""Greatest normal end-diastolic volume over body surface [mL/m^2] (ASE/EACVI 2015)."""

TERRITORY_SHARE = {"lad": 0.42, "rca": 0.28, "lcx": 0.22}
"""Part of the ventricle that an artery feeds, for the seventeen segments."""

_LEAST_FILLING = 0.1
_DIVISORS = (
    "height_cm",
    "weight_kg",
    "edv_ml",
    "ef_percent",
    "heart_rate",
    "aortic_valve_area_cm2",
)


def out_of_range(patient: Patient) -> Iterator[str]:
    """Name each parameter that no heart has."""
    for name, (low, high, unit) in RANGES.items():
        value = getattr(patient, name)
        if _is_number(value) and low <= value <= high:
            continue
        limits = f"in {low:g}..{high:g}" if high < 1e9 else f"at least {low:g}"
        yield f"{name} must be {limits} {unit}".rstrip() + f", got {value!r}"
    for name in ("number", "visit"):
        if not isinstance(getattr(patient, name), int):
            yield f"{name} must be a whole number, got {getattr(patient, name)!r}"


def contradictions(patient: Patient) -> Iterator[str]:
    """Name what no patient has together; all divisors must be positive."""
    for check in (_body, _pump, _wall, _valves, _strain, _timing, _muscle, _infarct):
        yield from check(patient)


def problems(patient: Patient) -> list[str]:
    """Name all that is wrong with the numbers of a patient."""
    names = list(_unknown_names(patient))
    found = [*names, *out_of_range(patient)]
    if names or not all(_is_number(getattr(patient, name)) for name in RANGES):
        return found
    if min(getattr(patient, name) for name in _DIVISORS) <= 0:
        return found
    return [*found, *contradictions(patient)]


def _unknown_names(patient: Patient) -> Iterator[str]:
    """Name each word that is none of those there are."""
    for name, known in CHOICES.items():
        if getattr(patient, name) not in known:
            yield f"{name} must be one of {known}, got {getattr(patient, name)!r}"
    if unknown := [one for one in patient.conditions if one not in CONDITIONS]:
        yield f"conditions must be of {CONDITIONS}, got {unknown}"
    if len(set(patient.conditions)) < len(patient.conditions):
        yield f"conditions must be named once each, got {patient.conditions}"
    # What a caller gives may be of any type.
    given: object = patient.infarct
    if given is not None and type(given).__name__ != "Infarct":
        yield f"infarct must be an Infarct, as Infarct('lad', 0.6), got {given!r}"


def _is_number(value: object) -> bool:
    """Tell finite numbers from everything else."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(cast(float, value))


def _body(patient: Patient) -> Iterator[str]:
    """Height against weight."""
    index = patient.body_mass_index
    if not 14 <= index <= 60:
        yield (
            f"{patient.weight_kg:g} kg at {patient.height_cm:g} cm are a body mass "
            f"index of {index:.1f} kg/m2, outside 14..60"
        )


def _pump(patient: Patient) -> Iterator[str]:
    """Volumes against each other and the body."""
    surface = patient.body_surface_m2
    index = patient.edv_ml / surface
    if not 20 <= index <= 220:
        yield (
            f"an EDV of {patient.edv_ml:g} mL is {index:.0f} mL per m2 of body, "
            "outside 20..220"
        )
    if patient.esv_ml < 10:
        yield (
            f"an EDV of {patient.edv_ml:g} mL with an EF of {patient.ef_percent:g} % "
            f"leaves an ESV of {patient.esv_ml:.1f} mL, less than 10"
        )
    leaked = patient.regurgitant_volume_ml
    if leaked >= patient.stroke_volume_ml:
        yield (
            f"the orifices leak {leaked:.0f} mL a beat, the ventricle empties by "
            f"{patient.stroke_volume_ml:.0f}"
        )
        return
    output = patient.cardiac_output_l_min / surface
    if not 1.0 <= output <= 8.0:
        yield (
            f"EDV, EF, heart rate and regurgitation leave {output:.2f} L/min per m2 "
            "of body to go forward, outside 1..8"
        )


def _wall(patient: Patient) -> Iterator[str]:
    """Thickness against the cavity, and against what it should be named."""
    # A bullet of volume 5/6 area * length, 1.75 times as long as it is wide.
    radius = 5 * (patient.edv_ml / (5 / 6 * math.pi / 4 * 1.75)) ** (1 / 3)
    if patient.wall_mm > radius:
        yield (
            f"a wall of {patient.wall_mm:g} mm is thicker than the radius of a cavity "
            f"of {patient.edv_ml:g} mL, {radius:.1f} mm"
        )
    thickest = patient.wall_mm + patient.septal_excess_mm
    causes = {"hypertrophic", "amyloid", "aortic_stenosis"}
    if "hypertrophic" in patient.conditions and thickest < 15:
        yield (
            f"hypertrophic cardiomyopathy has 15 mm or more somewhere, the wall has "
            f"{thickest:g}"
        )
    if "amyloid" in patient.conditions and patient.wall_mm < 12:
        yield f"amyloid has a wall of 12 mm or more, got {patient.wall_mm:g}"
    if thickest >= 15 and not causes & set(patient.conditions):
        yield (
            f"{thickest:g} mm of wall need a cause: hypertrophic, amyloid or "
            "aortic_stenosis among the conditions"
        )


def _muscle(patient: Patient) -> Iterator[str]:
    """Diseases of the muscle against size and function."""
    index = patient.edv_ml / patient.body_surface_m2
    limit = UPPER_EDV_INDEX[patient.sex]
    if "dilated" in patient.conditions:
        if index <= limit or patient.ef_percent >= 50:
            yield (
                f"dilated cardiomyopathy has more than {limit:g} mL/m2 ({patient.sex}) "
                f"and an EF below 50 %, got {index:.0f} and {patient.ef_percent:g}"
            )
        if "hypertrophic" in patient.conditions:
            yield "dilated and hypertrophic exclude each other"
    if "amyloid" in patient.conditions:
        if patient.gls_percent < -16:
            yield f"amyloid lowers GLS to -16 % or less, got {patient.gls_percent:g}"
        if patient.diastolic_grade == 0 and patient.rhythm != "atrial_fibrillation":
            yield "amyloid stiffens: its diastolic grade is not 0"


def _valves(patient: Patient) -> Iterator[str]:
    """Areas and orifices against the conditions, and the jet."""
    area, named = patient.aortic_valve_area_cm2, patient.conditions
    if ("aortic_stenosis" in named) != (area <= 2.0):
        yield (
            "aortic_stenosis is an area of 2 cm2 or less, and only that: got "
            f"{area:g} with the conditions {named}"
        )
    jet = patient.aortic_jet_m_s
    if jet > 7:
        yield f"through {area:g} cm2 the stroke would need a jet of {jet:.1f} m/s, > 7"
    elif jet > 3 and "aortic_stenosis" not in named:
        yield (
            f"a jet of {jet:.1f} m/s through a valve of {area:g} cm2 is a stenosis; "
            "without one it stays below 3 m/s. Give a larger area"
        )
    for valve in ("mitral", "aortic"):
        orifice = getattr(patient, f"{valve}_regurgitant_orifice_cm2")
        if (f"{valve}_regurgitation" in named) != (orifice > 0):
            yield (
                f"{valve}_regurgitation and an orifice go together: got {orifice:g} "
                f"cm2 with the conditions {named}"
            )


def _strain(patient: Patient) -> Iterator[str]:
    """Longitudinal strain and twist against ejection."""
    stiff = {"amyloid", "hypertrophic"} & set(patient.conditions)
    low, high = (0.10 if stiff else 0.20), 0.42
    ef = patient.ef_percent
    if not low <= -patient.gls_percent / ef <= high:
        yield (
            f"with an EF of {ef:g} % GLS lies in {-high * ef:.1f}..{-low * ef:.1f} %, "
            f"got {patient.gls_percent:g}"
        )
    if patient.twist_degrees > 0.4 * ef:
        yield (
            f"with an EF of {ef:g} % the apex twists by {0.4 * ef:.1f} degrees at "
            f"most, got {patient.twist_degrees:g}"
        )


def _timing(patient: Patient) -> Iterator[str]:
    """Heart rate against what has to fit in a beat, and what fibrillates."""
    from cardium.phantom.patient import diastolic_function

    interval = 60 / patient.heart_rate
    relaxation = diastolic_function(patient).relaxation
    rest = interval - 0.055 - patient.ejection_time_s - relaxation
    if rest < _LEAST_FILLING:
        yield (
            f"at {patient.heart_rate:g}/min with diastolic grade "
            f"{patient.diastolic_grade} only {1000 * rest:.0f} ms are left to fill, "
            f"less than {1000 * _LEAST_FILLING:.0f}"
        )
    fibrillating = patient.rhythm == "atrial_fibrillation"
    if fibrillating and patient.diastolic_grade in (1, 2):
        yield (
            f"diastolic grade {patient.diastolic_grade} is told by the A wave, which "
            "atrial fibrillation has not. Give 0, or 3 for restrictive filling"
        )
    if not fibrillating and patient.rr_deviation > 0.15 * interval:
        yield (
            f"at {patient.heart_rate:g}/min sinus intervals vary by "
            f"{0.15 * interval:.3f} s at most, got {patient.rr_deviation:g}"
        )


def _infarct(patient: Patient) -> Iterator[str]:
    """Hold what is lost against what the ventricle still ejects."""
    if ("infarct" in patient.conditions) != (patient.infarct is not None):
        yield (
            "the condition infarct and the parameter infarct go together: got "
            f"{patient.infarct} with the conditions {patient.conditions}"
        )
    if patient.infarct is not None:
        lost = TERRITORY_SHARE[patient.infarct.territory] * patient.infarct.severity
        needed = patient.ef_percent / (1 - lost)
        if needed > 80:
            yield (
                f"with {100 * lost:.0f} % of contraction lost, the rest would have to "
                f"eject {needed:.0f} % for an EF of {patient.ef_percent:g} %, more "
                "than 80"
            )
