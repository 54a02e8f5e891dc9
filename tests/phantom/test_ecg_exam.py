"""Electrocardiograms that show what the patient has, measured as a reader would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError
from cardium.phantom.ecg import LEADS, ecg_12_lead
from cardium.phantom.ecg_exam import FINDINGS, read_pattern, simulate_ecg
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.rhythm import Rhythm
from cardium.signal import find_r_peaks

HYPERTROPHIC = Patient(
    edv_ml=100.0, gls_percent=-14.0, wall_mm=16.0, conditions=("hypertrophic",)
)
AMYLOID = Patient(
    edv_ml=90.0,
    ef_percent=52.0,
    gls_percent=-10.0,
    wall_mm=16.0,
    diastolic_grade=3,
    conditions=("amyloid",),
)
DILATED = Patient(
    edv_ml=230.0,
    ef_percent=28.0,
    gls_percent=-8.0,
    wall_mm=8.0,
    twist_degrees=4.0,
    conditions=("dilated",),
)


def after_infarct(territory):
    return Patient(
        edv_ml=130.0,
        ef_percent=45.0,
        gls_percent=-13.5,
        twist_degrees=6.0,
        conditions=("infarct",),
        infarct=Infarct(territory, 0.8),
    )


def lead(exam, name):
    return exam.streams["ecg"].load()[:, LEADS.index(name)]


def exact(patient, **options):
    return simulate_ecg(patient, wander_mv=0.0, muscle_mv=0.0, mains_mv=0.0, **options)


@pytest.mark.parametrize("rhythm", ["sinus", "atrial_fibrillation", "ectopy"])
@pytest.mark.parametrize("number", range(3))
def test_a_detector_finds_the_beats_with_default_noise(rhythm, number):
    patient = Patient(number=number, rhythm=rhythm, heart_rate=60.0 + 12 * number)
    exam = simulate_ecg(patient)
    stream = exam.streams["ecg"]
    one = Stream("ecg", lead(exam, "II"), stream.time, ("time",), "mV")
    found = find_r_peaks(one)
    true = exam.truth.r_times
    inner = true[(true > 0.3) & (true < 9.7)]
    nearest = np.abs(found[:, None] - inner).min(axis=0)
    tolerance = 0.045 if rhythm == "ectopy" else 0.01
    assert nearest.max() < tolerance
    assert len(true) - 2 <= len(found) <= len(true) + 1
    assert exam.truth.heart_rate == pytest.approx(patient.heart_rate, rel=0.2)


def test_without_noise_the_leads_are_exact_and_noise_obeys_einthoven():
    patient = Patient(number=4)
    exam = exact(patient)
    rhythm = Rhythm(exam.truth.r_times, exam.truth.kinds)
    want = ecg_12_lead(exam.streams["ecg"].time, rhythm, pattern=exam.truth.pattern)
    # Only the beats at both ends, whose neighbours are not known here, may differ.
    inner = slice(900, 4000)
    np.testing.assert_allclose(
        exam.streams["ecg"].load()[inner], want[inner], atol=1e-12
    )
    noisy = simulate_ecg(patient, muscle_mv=0.1, mains_mv=0.2)
    i, ii, iii, avr, avl, avf = noisy.streams["ecg"].load().T[:6]
    np.testing.assert_allclose(ii, i + iii, atol=1e-12)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=1e-12)
    hum = np.abs(
        np.fft.rfft((noisy.streams["ecg"].load() - exam.streams["ecg"].load())[:, 6])
    )
    assert np.fft.rfftfreq(5000, 1 / 500)[hum.argmax()] == pytest.approx(50.0)


def sokolow(exam):
    """S in V1 and R in V5 or V6 of the first whole beat that is not ectopic [mV]."""
    at = exam.streams["ecg"].time.searchsorted(exam.truth.r_times[1])
    beat = slice(at - 40, at + 40)
    return -lead(exam, "V1")[beat].min() + max(
        lead(exam, "V5")[beat].max(), lead(exam, "V6")[beat].max()
    )


@pytest.mark.parametrize("number", range(6))
def test_hypertrophy_is_above_the_limit_of_sokolow_and_lyon_and_health_below(number):
    thick = exact(replace(HYPERTROPHIC, number=number))
    assert sokolow(thick) == pytest.approx(thick.truth.sokolow_mv, abs=0.01)
    assert sokolow(thick) > 3.5
    assert {"left_ventricular_hypertrophy", "strain"} <= set(thick.truth.findings)
    healthy = exact(Patient(number=number))
    assert 1.2 < sokolow(healthy) < 3.5
    assert healthy.truth.findings == ("sinus_rhythm",)
    assert -30 <= thick.truth.pattern.axis_degrees < 60
    assert 0 <= healthy.truth.pattern.axis_degrees <= 90


@pytest.mark.parametrize("number", range(4))
def test_amyloid_has_low_limb_voltage_with_a_thick_wall(number):
    exam = exact(replace(AMYLOID, number=number))
    at = exam.streams["ecg"].time.searchsorted(exam.truth.r_times[1])
    qrs = exam.streams["ecg"].load()[at - 40 : at + 40, :6]
    assert np.ptp(qrs, axis=0).max() < 0.5
    assert np.ptp(qrs, axis=0).max() == pytest.approx(exam.truth.limb_mv, abs=0.01)
    assert "low_voltage" in exam.truth.findings
    assert "left_ventricular_hypertrophy" not in exam.truth.findings


def test_amyloid_has_no_r_in_the_right_chest_leads():
    """A pseudo-infarct: Q waves where no artery is shut."""
    exam = exact(AMYLOID)
    at = exam.streams["ecg"].time.searchsorted(exam.truth.r_times[1])
    for name in ("V1", "V2", "V3"):
        assert lead(exam, name)[at - 40 : at + 25].max() < 0.03
    assert not {f for f in exam.truth.findings if f.endswith("infarct")}


@pytest.mark.parametrize(
    ("territory", "finding", "leads"),
    [
        ("lad", "anterior_infarct", ("V1", "V2", "V3", "V4")),
        ("lcx", "lateral_infarct", ("I", "AVL", "V5", "V6")),
        ("rca", "inferior_infarct", ("II", "III", "AVF")),
    ],
)
def test_an_infarct_of_the_patient_is_in_its_leads(territory, finding, leads):
    for number in range(4):
        exam = exact(replace(after_infarct(territory), number=number))
        assert finding in exam.truth.findings
        at = exam.streams["ecg"].time.searchsorted(exam.truth.r_times[1])
        for name in leads:
            beat = lead(exam, name)[at - 40 : at + 25]
            begins = np.flatnonzero(abs(beat) > 0.02)[0]
            q = beat[begins:]
            length = np.argmax(q > 0) or len(q)
            assert q[0] < 0, name
            assert length >= 0.040 * 500, name
            assert -q[:length].min() > 0.25 * max(beat.max(), 0.0), name


def test_some_dilated_hearts_have_bundle_branch_block():
    blocked = [
        read_pattern(replace(DILATED, number=n)).left_bundle_block for n in range(200)
    ]
    assert 0.2 < np.mean(blocked) < 0.4
    assert not any(read_pattern(Patient(number=n)).left_bundle_block for n in range(50))
    exam = exact(replace(DILATED, number=blocked.index(True)))
    assert exam.truth.findings == ("sinus_rhythm", "left_bundle_branch_block")


def test_rhythm_is_the_patients():
    fibrillating = simulate_ecg(Patient(number=1, rhythm="atrial_fibrillation"))
    assert fibrillating.truth.findings[0] == "atrial_fibrillation"
    assert set(fibrillating.truth.kinds) == {"fibrillating"}
    rr = np.diff(fibrillating.truth.r_times)
    assert rr.std() > 0.1 * rr.mean()
    ectopic = simulate_ecg(Patient(number=1, rhythm="ectopy"), seconds=20.0)
    assert ectopic.truth.findings == ("sinus_rhythm", "ventricular_ectopy")
    assert ectopic.truth.kinds.count("ectopic") >= 3


def test_visits_share_the_pattern_and_not_the_beats():
    first, second = (simulate_ecg(Patient(number=5, visit=v)) for v in (0, 1))
    assert first.truth.pattern == second.truth.pattern
    assert not np.array_equal(first.truth.r_times, second.truth.r_times)
    again = simulate_ecg(Patient(number=5))
    np.testing.assert_array_equal(
        first.streams["ecg"].load(), again.streams["ecg"].load()
    )
    assert set(first.truth.findings) <= set(FINDINGS)


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"rate": 50}, {"muscle_mv": -1}, {"seconds": 1e9}]
)
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="ECG"):
        simulate_ecg(Patient(), **wrong)
