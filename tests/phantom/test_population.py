from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.patient import CONDITIONS, Patient
from cardium.phantom.population import sample_patient, sample_population


@pytest.fixture(scope="module")
def population() -> list[Patient]:
    return sample_population(1500, seed=2)


def test_the_same_number_is_the_same_patient(population):
    assert sample_patient(2_000_005) == population[5]
    assert sample_population(3, seed=2) == population[:3]
    assert sample_population(3, seed=1)[0] != population[0]
    assert len({patient.number for patient in population}) == 1500


def test_two_in_five_are_healthy_and_all_diseases_come(population):
    healthy = [patient for patient in population if not patient.conditions]
    assert len(healthy) / 1500 == pytest.approx(0.4, abs=0.04)
    seen = {name for patient in population for name in patient.conditions}
    assert seen == set(CONDITIONS)
    assert {patient.rhythm for patient in population} == {
        "sinus",
        "atrial_fibrillation",
        "ectopy",
    }


def test_health_is_within_the_limits_of_the_guideline(population):
    limits = {"male": (34, 74, 52, 72), "female": (29, 61, 54, 74)}
    for patient in population:
        if not patient.conditions:
            low, high, least, most = limits[patient.sex]
            assert low <= patient.edv_ml / patient.body_surface_m2 <= high
            assert least <= patient.ef_percent <= most
            assert -26 < patient.gls_percent < -14
            assert patient.aortic_jet_m_s < 2.2


def test_sizes_go_with_the_body_and_function_with_strain(population):
    healthy = [patient for patient in population if not patient.conditions]
    volume = [patient.edv_ml for patient in healthy]
    surface = [patient.body_surface_m2 for patient in healthy]
    assert np.corrcoef(volume, surface)[0, 1] > 0.6
    ef = [patient.ef_percent for patient in population]
    gls = [patient.gls_percent for patient in population]
    assert np.corrcoef(ef, gls)[0, 1] < -0.7
    men = [patient.edv_ml for patient in healthy if patient.sex == "male"]
    women = [patient.edv_ml for patient in healthy if patient.sex == "female"]
    assert np.mean(men) > 1.2 * np.mean(women)


def test_visits_share_everything_but_the_rate():
    for number in range(40):
        first, second = (sample_patient(number, visit=visit) for visit in (0, 1))
        same = replace(second, visit=0, heart_rate=first.heart_rate)
        assert same == first
        assert 0 < abs(second.heart_rate - first.heart_rate) <= 8
        assert second.visit == 1


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_patient_of_a_disease_can_be_asked_for(name):
    for patient in sample_population(60, seed=9, conditions=(name,)):
        assert patient.conditions == (name,)


def test_diseases_go_together_where_they_can():
    both = ("aortic_stenosis", "aortic_regurgitation")
    patient = sample_patient(3, conditions=both)
    assert patient.conditions == both
    assert patient.aortic_valve_area_cm2 < 2
    assert patient.aortic_regurgitant_orifice_cm2 > 0
    assert sample_patient(3, conditions=()).conditions == ()
    with pytest.raises(InvalidArgumentError, match="exclude each other"):
        sample_patient(3, conditions=("dilated", "hypertrophic"))


def test_numbers_are_plain():
    kinds = {
        field.name: type(getattr(sample_patient(8), field.name))
        for field in fields(Patient)
    }
    assert kinds["edv_ml"] is float
    assert kinds["diastolic_grade"] is int
    assert kinds["sex"] is str


@pytest.mark.parametrize(
    "bad",
    [
        lambda: sample_patient(-1),
        lambda: sample_patient(0, visit=-1),
        lambda: sample_population(0),
        lambda: sample_population(1, visits=0),
        lambda: sample_population(1, seed=-1),
    ],
)
def test_senseless_requests_are_refused(bad):
    with pytest.raises(InvalidArgumentError, match="got"):
        bad()


def test_an_unknown_condition_is_named_with_those_there_are():
    with pytest.raises(UnknownNameError, match="'infract'; did you mean 'infarct'"):
        sample_patient(0, conditions=("infract",))
