from __future__ import annotations

from dataclasses import replace

import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import (
    CONDITIONS,
    Infarct,
    Patient,
    diastolic_function,
    ejection_time,
)

STENOSIS = {"conditions": ("aortic_stenosis",), "aortic_valve_area_cm2": 0.9}
LEAK = {"conditions": ("mitral_regurgitation",)}


def test_a_report_can_be_typed_in():
    patient = Patient(
        edv_ml=200, ef_percent=30, conditions=("dilated",), gls_percent=-8
    )
    assert patient.esv_ml == pytest.approx(140)
    assert patient.stroke_volume_ml == pytest.approx(60)
    assert patient.cardiac_output_l_min == pytest.approx(60 * 65 / 1000)
    assert Patient(conditions=["infarct"], infarct=Infarct("lad", 0.4)).conditions == (
        "infarct",
    )


def test_the_body_has_its_surface_and_its_index():
    patient = Patient(height_cm=160, weight_kg=90)
    assert patient.body_surface_m2 == pytest.approx(2.0)  # sqrt(160 * 90 / 3600)
    assert patient.body_mass_index == pytest.approx(35.16, abs=0.01)


def test_leaks_take_from_what_goes_forward():
    patient = Patient(
        edv_ml=180, mitral_regurgitant_orifice_cm2=0.4, **LEAK, ef_percent=65
    )
    assert patient.regurgitant_volume_ml == pytest.approx(60)
    assert patient.forward_volume_ml == pytest.approx(57)
    # 57 mL in 0.413 - 0.0017 * 65 s with a peak 1.875 times the mean, through 3.2 cm2
    assert patient.aortic_jet_m_s == pytest.approx(1.875 * 57 / 0.3025 / 320)
    assert ejection_time(65) == pytest.approx(0.3025)
    assert ejection_time(160) == 0.150


@pytest.mark.parametrize(
    ("orifice", "severity"),
    [(0.1, "mild"), (0.2, "moderate"), (0.39, "moderate"), (0.4, "severe")],
)
def test_mitral_regurgitation_is_graded_by_its_orifice(orifice, severity):
    patient = Patient(edv_ml=180, mitral_regurgitant_orifice_cm2=orifice, **LEAK)
    assert patient.mitral_regurgitation_severity == severity
    assert patient.aortic_regurgitation_severity == "none"
    assert patient.aortic_stenosis_severity == "none"


@pytest.mark.parametrize(
    ("orifice", "severity"), [(0.09, "mild"), (0.1, "moderate"), (0.3, "severe")]
)
def test_aortic_regurgitation_is_graded_by_its_orifice(orifice, severity):
    patient = Patient(
        edv_ml=190,
        aortic_regurgitant_orifice_cm2=orifice,
        conditions=("aortic_regurgitation",),
        aortic_valve_area_cm2=4,
    )
    assert patient.aortic_regurgitation_severity == severity


@pytest.mark.parametrize(
    ("area", "severity"),
    [(0.99, "severe"), (1.0, "moderate"), (1.5, "moderate"), (1.6, "mild")],
)
def test_aortic_stenosis_is_graded_by_its_area(area, severity):
    patient = Patient(conditions=("aortic_stenosis",), aortic_valve_area_cm2=area)
    assert patient.aortic_stenosis_severity == severity


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"edv_ml": 30}, "edv_ml must be in 40..400 mL, got 30"),
        ({"ef_percent": 0.6}, "ef_percent must be in 10..80 %"),
        ({"gls_percent": 18}, "gls_percent must be in -30..-1.5 %"),
        ({"wall_mm": float("nan")}, "wall_mm must be in 5..25 mm, got nan"),
        ({"heart_rate": None}, "heart_rate must be in 35..160 /min, got None"),
        ({"number": -1}, "number must be at least 0, got -1"),
        ({"visit": 1.5}, "visit must be a whole number"),
        ({"sex": "f"}, "sex must be one of"),
        ({"rhythm": "flutter"}, "rhythm must be one of"),
        ({"diastolic_grade": 4}, "diastolic_grade must be one of"),
        ({"conditions": ("dilation",)}, r"conditions must be of .*got \['dilation'\]"),
        ({"conditions": "dilated"}, r"a tuple, \('dilated',\) for one"),
        ({"height_cm": 200, "weight_kg": 45}, "body mass index of 11.2"),
        ({"edv_ml": 390, "weight_kg": 50, "height_cm": 140}, "280 mL per m2"),
        ({"edv_ml": 45, "ef_percent": 80}, "an ESV of 9.0 mL"),
        ({"edv_ml": 50, "ef_percent": 50, "heart_rate": 40}, "0.52 L/min per m2"),
        ({"edv_ml": 60, "wall_mm": 19}, "thicker than the radius"),
        ({"wall_mm": 16}, "16 mm of wall need a cause"),
        ({"conditions": ("hypertrophic",), "wall_mm": 8}, "the wall has 8"),
        ({"conditions": ("amyloid",)}, "amyloid has a wall of 12 mm"),
        (
            {"conditions": ("amyloid",), "wall_mm": 14, "gls_percent": -18},
            "amyloid lowers GLS to -16 .*its diastolic grade is not 0",
        ),
        ({"conditions": ("dilated",)}, r"74 mL/m2 \(male\).*got 63 and 60"),
        (
            {"conditions": ("dilated",), "sex": "female", "edv_ml": 130},
            r"61 mL/m2 \(female\) and an EF below 50 %, got 68 and 60",
        ),
        ({"conditions": ("infarct",)}, "infarct and the parameter infarct go together"),
        ({"infarct": Infarct("rca", 0.5)}, "go together"),
        (
            {"conditions": ("infarct",), "infarct": Infarct("lad", 1.0)},
            "would have to eject 103 %",
        ),
        ({"conditions": ("aortic_stenosis",)}, "2 cm2 or less, and only that"),
        ({"aortic_valve_area_cm2": 1.2}, "2 cm2 or less, and only that"),
        (STENOSIS | {"aortic_valve_area_cm2": 0.45}, "jet of 9.9 m/s, > 7"),
        (
            {"edv_ml": 250, "aortic_valve_area_cm2": 2.5, "gls_percent": -18},
            "jet of 3.7 m/s .* is a stenosis",
        ),
        (LEAK, "mitral_regurgitation and an orifice go together: got 0"),
        ({"aortic_regurgitant_orifice_cm2": 0.2}, "aortic_regurgitation and an"),
        (
            LEAK | {"mitral_regurgitant_orifice_cm2": 0.6},
            "leak 90 mL a beat, the ventricle empties by 72",
        ),
        ({"gls_percent": -28}, r"GLS lies in -25.2..-12.0 %, got -28"),
        ({"gls_percent": -10}, r"GLS lies in -25.2..-12.0 %, got -10"),
        ({"twist_degrees": 25}, "twists by 24.0 degrees at most"),
        ({"heart_rate": 158}, "ms are left to fill"),
        ({"rr_deviation": 0.148}, "vary by 0.138 s at most"),
        (
            {"rhythm": "atrial_fibrillation", "diastolic_grade": 1},
            "told by the A wave",
        ),
    ],
)
def test_what_no_patient_has_is_refused(fields, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Patient(**fields)


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(InvalidArgumentError) as caught:
        Patient(
            age=7,
            conditions=("hypertrophic", "infarct"),
            wall_mm=8,
            gls_percent=-28,
            mitral_regurgitant_orifice_cm2=0.2,
        )
    for part in ("age", "the wall has 8", "infarct and the parameter", "GLS", "mitral"):
        assert part in str(caught.value)
    assert str(caught.value).count("; ") == 4


def test_poor_strain_with_a_good_ejection_fraction_is_amyloid():
    poor = {"gls_percent": -9, "ef_percent": 55, "wall_mm": 15, "diastolic_grade": 2}
    Patient(conditions=("amyloid",), **poor)
    with pytest.raises(InvalidArgumentError, match="GLS lies in"):
        Patient(conditions=("aortic_stenosis",), aortic_valve_area_cm2=1, **poor)


def test_a_changed_patient_is_checked_again():
    with pytest.raises(InvalidArgumentError, match="GLS lies in"):
        replace(Patient(), ef_percent=30)


@pytest.mark.parametrize(
    ("fields", "ratio"),
    [
        ({"age": 25}, 1.56),
        ({"age": 50}, 1.06),
        ({"age": 75}, 0.735),
        ({"diastolic_grade": 1}, 0.61),
        ({"diastolic_grade": 2}, 1.27),
        ({"diastolic_grade": 3}, 2.68),
    ],
)
def test_the_waves_of_filling_have_the_ratio_of_their_grade(fields, ratio):
    early, lengthening, relaxation, duration = diastolic_function(Patient(**fields))
    assert (early / duration) / ((1 - early) / 0.125) == pytest.approx(ratio, abs=0.01)
    assert 0 < lengthening < 1
    assert 0.05 < relaxation < 0.11


def test_restrictive_filling_begins_soon_and_is_short():
    grades = [diastolic_function(Patient(diastolic_grade=k)) for k in (0, 1, 3)]
    normal, impaired, restrictive = grades
    assert restrictive.relaxation < normal.relaxation < impaired.relaxation
    assert restrictive.early_duration < normal.early_duration < impaired.early_duration


@pytest.mark.parametrize("bad", [("lv", 0.5), ("lad", 0.0), ("lad", 1.1)])
def test_senseless_infarcts_are_refused(bad):
    with pytest.raises(InvalidArgumentError, match="territory must be"):
        Infarct(*bad)


def test_each_condition_is_in_the_list():
    assert len(set(CONDITIONS)) == 7
