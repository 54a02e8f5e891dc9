"""Numbers of patients as they come: health by sex, age and body, and diseases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cardium.phantom._consistency import TERRITORY_SHARE, UPPER_EDV_INDEX
from cardium.phantom.patient import Infarct, Territory, ejection_time

Draft = dict[str, Any]
Draw = np.random.Generator


def draw_conditions(rng: Draw) -> tuple[str, ...]:
    """Draw what ails a patient of a laboratory; a dilated ring may leak besides."""
    first = str(rng.choice(list(_SHARES), p=list(_SHARES.values())))
    if first == "dilated" and rng.random() < 0.35:
        return first, "mitral_regurgitation"
    return () if first == "none" else (first,)


def draw_fields(rng: Draw, conditions: tuple[str, ...]) -> Draft:
    """Draw all parameters of `Patient`; they may yet contradict each other."""
    draft = _draw_person(rng, conditions)
    _draw_health(rng, draft)
    for name, apply in _DISEASES.items():
        if name in conditions:
            apply(rng, draft)
    _draw_rhythm(rng, draft)
    draft["gls_percent"] = -draft.pop("strain_share") * draft["ef_percent"]
    draft["twist_degrees"] *= draft["ef_percent"] / 62
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in draft.items()}


def draw_rate(rng: Draw, rate: float) -> float:
    """Draw the heart rate of another visit [1/min]."""
    return round(rate + float(np.clip(rng.normal(0, 3.5), -8, 8)), 3)


_SHARES = {
    "none": 0.40,
    "dilated": 0.11,
    "hypertrophic": 0.08,
    "infarct": 0.14,
    "amyloid": 0.04,
    "aortic_stenosis": 0.10,
    "mitral_regurgitation": 0.07,
    "aortic_regurgitation": 0.06,
}
_AGES = {
    "dilated": (55, 13),
    "hypertrophic": (50, 15),
    "infarct": (64, 10),
    "amyloid": (75, 7),
    "aortic_stenosis": (74, 9),
    "mitral_regurgitation": (65, 13),
    "aortic_regurgitation": (58, 14),
}


def _normal(rng: Draw, mean: float, deviation: float, low: float, high: float) -> float:
    """Draw from a normal distribution, kept within limits."""
    return float(np.clip(rng.normal(mean, deviation), low, high))


def _draw_person(rng: Draw, conditions: tuple[str, ...]) -> Draft:
    """Draw sex, age and body."""
    sex = "male" if rng.random() < 0.5 else "female"
    age = float(rng.uniform(20, 82))
    for name in conditions[:1]:
        age = _normal(rng, *_AGES[name], 20, 92)
    mean, deviation = (178, 7) if sex == "male" else (165, 6.5)
    height = _normal(rng, mean - 0.05 * (age - 40), deviation, 145, 205)
    weight = _normal(rng, 25.5, 3.8, 18, 40) * (height / 100) ** 2
    return {
        "sex": sex,
        "age": age,
        "height_cm": height,
        "weight_kg": weight,
        "conditions": conditions,
    }


def _surface(draft: Draft) -> float:
    """Surface of the body [m^2]."""
    return float(np.sqrt(draft["height_cm"] * draft["weight_kg"] / 3600))


def _draw_health(rng: Draw, draft: Draft) -> None:
    """Draw a healthy heart for a body: sizes by sex, slower filling with age."""
    surface, age = _surface(draft), draft["age"]
    if draft["sex"] == "male":
        index = _normal(rng, 54 - 0.1 * (age - 50), 8, 38, 73)
        ef, wall = _normal(rng, 61.5, 4, 53, 70), _normal(rng, 8.8, 0.8, 6.5, 10.4)
    else:
        index = _normal(rng, 46 - 0.1 * (age - 50), 6.5, 33, 60)
        ef, wall = _normal(rng, 63.5, 4, 55, 72), _normal(rng, 7.9, 0.8, 6.0, 9.6)
    draft |= {
        "edv_ml": index * surface,
        "ef_percent": ef,
        "strain_share": _normal(rng, 0.315, 0.018, 0.27, 0.37),
        "wall_mm": wall + 0.01 * (age - 50),
        "septal_excess_mm": _normal(rng, 0.02 * (age - 50), 0.5, 0, 3),
        "twist_degrees": _normal(rng, 10.5 + 0.06 * (age - 50), 2, 6, 17),
        "heart_rate": _normal(rng, 66, 9, 48, 92),
        "rr_deviation": 0.032 * float(np.exp(-(age - 30) / 60 + rng.normal(0, 0.3))),
        "diastolic_grade": int(age > 65 and rng.random() < 0.3),
        "aortic_valve_area_cm2": max(1.75 * surface + rng.normal(0, 0.3), 2.4),
    }


def _dilate(rng: Draw, draft: Draft) -> None:
    """Draw a large ventricle that empties poorly."""
    limit = UPPER_EDV_INDEX[draft["sex"]]
    ef = float(rng.uniform(15, 44))
    # The weaker it is the larger it has grown, or nothing would go forward.
    growth = 1.1 + 0.9 * (44 - ef) / 29 * rng.uniform(0.6, 1.0) + rng.uniform(0, 0.2)
    draft |= {
        "edv_ml": growth * limit * _surface(draft),
        "ef_percent": ef,
        "strain_share": _normal(rng, 0.275, 0.025, 0.22, 0.35),
        "wall_mm": _normal(rng, 8.5, 1.0, 6.5, 11),
        "twist_degrees": 0.7 * draft["twist_degrees"],
        "heart_rate": _normal(rng, 76, 10, 55, 105),
        "diastolic_grade": int(rng.choice([1, 2, 3], p=[0.45, 0.3, 0.25])),
    }


def _thicken(rng: Draw, draft: Draft) -> None:
    """Draw a hypertrophic ventricle, thickest in the septum."""
    wall = float(rng.uniform(10, 14))
    draft |= {
        "edv_ml": 0.88 * draft["edv_ml"],
        "ef_percent": _normal(rng, 66, 5, 56, 76),
        "strain_share": _normal(rng, 0.23, 0.03, 0.15, 0.30),
        "wall_mm": wall,
        "septal_excess_mm": max(15.2 - wall, 2) + float(rng.uniform(0, 6)),
        "twist_degrees": 1.15 * draft["twist_degrees"],
        "diastolic_grade": int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.10])),
    }


def _infarct(rng: Draw, draft: Draft) -> None:
    """Draw an infarct, what it costs, and how far the ventricle has remodelled."""
    territory: Territory = rng.choice(["lad", "rca", "lcx"], p=[0.45, 0.35, 0.20])
    severity = float(rng.uniform(0.5, 1.0))
    lost = TERRITORY_SHARE[territory] * severity
    draft |= {
        "infarct": Infarct(str(territory), round(severity, 3)),  # type: ignore[arg-type]
        "edv_ml": draft["edv_ml"] * (1 + lost * rng.uniform(0.2, 1.6)),
        "ef_percent": draft["ef_percent"] * (1 - lost * rng.uniform(0.95, 1.2)),
        "strain_share": _normal(rng, 0.285, 0.02, 0.23, 0.34),
        "twist_degrees": (1 - 0.5 * lost) * draft["twist_degrees"],
        "heart_rate": _normal(rng, 70, 9, 50, 95),
        "diastolic_grade": int(rng.choice([0, 1, 2, 3], p=[0.15, 0.5, 0.25, 0.1])),
    }


def _stiffen(rng: Draw, draft: Draft) -> None:
    """Draw an amyloid heart: thick, small, and short of longitudinal strain."""
    ef = _normal(rng, 52, 6, 40, 63)
    draft |= {
        "edv_ml": 0.88 * draft["edv_ml"],
        "ef_percent": ef,
        "strain_share": float(rng.uniform(8, 13.5)) / ef,
        "wall_mm": float(rng.uniform(12.5, 17)),
        "twist_degrees": 0.6 * draft["twist_degrees"],
        "heart_rate": _normal(rng, 75, 9, 55, 98),
        "diastolic_grade": int(rng.choice([1, 2, 3], p=[0.2, 0.45, 0.35])),
    }


def _narrow(rng: Draw, draft: Draft) -> None:
    """Draw a stenosis of the aortic valve, and the wall that has grown against it."""
    rate = 1.875 * draft["edv_ml"] * draft["ef_percent"] / 100
    rate /= ejection_time(draft["heart_rate"])
    # Areas that the stroke passes with a jet of 2 to 5.8 m/s, or there is no stenosis.
    area = float(np.clip(rng.uniform(0.55, 1.8), rate / 580, rate / 200))
    load = (1.8 - area) / 1.25
    draft |= {
        "aortic_valve_area_cm2": area,
        "wall_mm": draft["wall_mm"] + 3.5 * load * float(rng.uniform(0.5, 1.2)),
        "strain_share": draft["strain_share"] - 0.045 * load,
        "diastolic_grade": int(rng.choice([1, 2, 3], p=[0.65, 0.28, 0.07])),
    }


def _leak_mitral(rng: Draw, draft: Draft) -> None:
    """Draw a leaking mitral valve: of a dilated ventricle, or one that grew with it."""
    if "dilated" in draft["conditions"] or "infarct" in draft["conditions"]:
        stroke = draft["edv_ml"] * draft["ef_percent"] / 100
        orifice = float(rng.uniform(0.1, 0.3))
        orifice = min(orifice, 0.4 * stroke / 150)
    else:
        orifice = float(rng.uniform(0.08, 0.55))
        _grow(draft, 150 * orifice)
    draft["mitral_regurgitant_orifice_cm2"] = orifice


def _leak_aortic(rng: Draw, draft: Draft) -> None:
    """Draw a leaking aortic valve, and the ventricle that has grown with it."""
    orifice = float(rng.uniform(0.05, 0.40))
    _grow(draft, 200 * orifice)
    draft["aortic_regurgitant_orifice_cm2"] = orifice
    if "aortic_stenosis" not in draft["conditions"]:
        draft["aortic_valve_area_cm2"] += 0.7 * orifice / 0.3


def _grow(draft: Draft, leaked: float) -> None:
    """Let the ventricle take in what leaks [mL], so that as much goes forward."""
    draft["edv_ml"] += 0.92 * leaked / (draft["ef_percent"] / 100)


_DISEASES: dict[str, Callable[[Draw, Draft], None]] = {
    "dilated": _dilate,
    "hypertrophic": _thicken,
    "infarct": _infarct,
    "amyloid": _stiffen,
    "aortic_stenosis": _narrow,
    "mitral_regurgitation": _leak_mitral,
    "aortic_regurgitation": _leak_aortic,
}


def _draw_rhythm(rng: Draw, draft: Draft) -> None:
    """Draw the rhythm: fibrillation with age and disease, and ectopic beats."""
    sick = len(draft["conditions"]) > 0
    risk = float(np.clip((draft["age"] - 45) / 40, 0, 1)) * (0.22 if sick else 0.06)
    chance = rng.random()
    if chance < risk:
        draft["rhythm"] = "atrial_fibrillation"
        draft["heart_rate"] = _normal(rng, 80, 11, 58, 105)
        draft["diastolic_grade"] = 3 if draft["diastolic_grade"] == 3 else 0
    elif chance < risk + (0.08 if sick else 0.03):
        draft["rhythm"] = "ectopy"
