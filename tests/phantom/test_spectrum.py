"""Spectra: their truth in closed form, and that the picture shows it."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.patient import Patient
from cardium.phantom.population import sample_patient
from cardium.phantom.spectrum import SITES, simulate_spectrum
from cardium.signal.doppler import trace_envelope
from cardium.signal.spectrum import shift_baseline

PATIENT = Patient()
MITRAL = sample_patient(3, conditions=("mitral_regurgitation",))
AORTIC = sample_patient(3, conditions=("aortic_regurgitation",))
STENOSIS = sample_patient(9, conditions=("aortic_stenosis",))


def first_beat(exam):
    start, stop = exam.qrs_times[:2]
    return (exam.truth.time >= start) & (exam.truth.time < stop)


def quadrature(exam, values) -> float:
    """Integral of a velocity over the first beat [m]."""
    step = exam.truth.time[1] - exam.truth.time[0]
    return float(values[first_beat(exam)].sum() * step)


@pytest.mark.parametrize("site", ["lvot", "aortic", "mitral"])
@pytest.mark.parametrize("number", [0, 8])
def test_the_integral_of_velocity_is_the_stroke_volume_by_the_area(number, site):
    patient = sample_patient(number, conditions=())
    mode = "continuous_wave" if site == "aortic" else "pulsed_wave"
    exam = simulate_spectrum(patient, mode=mode, site=site)
    truth = exam.truth
    volume = 1e6 * abs(truth.vti) * truth.area / truth.cosine
    # The beats of a recording vary; the first is near the regular one.
    assert volume == pytest.approx(patient.stroke_volume_ml, rel=0.04)
    assert quadrature(exam, truth.velocity) == pytest.approx(truth.vti, rel=5e-3)
    assert np.sign(truth.vti) == {"mitral": 1}.get(site, -1)


def test_peaks_in_closed_form():
    exam = simulate_spectrum(PATIENT, site="lvot")
    truth, heart = exam.truth, exam.heart
    ejection = 0.413 - 0.0017 * 65 - 0.055 + 0.055
    stroke = heart.ventricle.cavity_volume * 0.6
    peak = 1.875 * stroke / ejection / truth.area * truth.cosine
    assert truth.peaks["peak"] == pytest.approx(-peak, rel=0.25)
    wide = simulate_spectrum(PATIENT, site="aortic", mode="continuous_wave").truth
    ratio = truth.area / wide.area * wide.cosine / truth.cosine
    assert wide.peaks["peak"] / truth.peaks["peak"] == pytest.approx(ratio, rel=0.05)


def test_a_narrow_valve_is_fast_by_continuity():
    truth = simulate_spectrum(STENOSIS, site="aortic", mode="continuous_wave").truth
    assert truth.area == pytest.approx(STENOSIS.aortic_valve_area_cm2 * 1e-4)
    peak = abs(truth.peaks["peak"]) / truth.cosine
    assert peak == pytest.approx(STENOSIS.aortic_jet_m_s, rel=0.05)


@pytest.mark.parametrize(
    ("patient", "site", "low", "high"),
    [
        (MITRAL, "mitral_regurgitation", -6.0, -4.5),
        (AORTIC, "aortic_regurgitation", 3.5, 4.5),
    ],
)
def test_leaks_are_as_fast_as_their_pressure(patient, site, low, high):
    exam = simulate_spectrum(patient, site=site, mode="continuous_wave")
    assert low < exam.truth.peaks["peak"] / exam.truth.cosine < high
    envelope = trace_envelope(
        exam.streams["continuous_wave"],
        direction="negative" if high < 0 else "positive",
        level=0.9,
    ).load()
    fastest = abs(exam.truth.velocity) > 0.8 * abs(exam.truth.peaks["peak"])
    bias = np.median(envelope[fastest] / exam.truth.velocity[fastest])
    assert bias == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("side", ["annulus", "annulus_lateral", "annulus_septal"])
def test_the_annulus(side):
    exam = simulate_spectrum(PATIENT, site=side)
    truth = exam.truth
    assert truth.area is None
    assert truth.peaks["s'"] > 0 > truth.peaks["e'"]
    assert truth.peaks["a'"] < 0
    length = exam.heart.ventricle.length
    descent = exam.heart.function.shortening * 0.95 * length * truth.cosine
    assert truth.vti == pytest.approx(descent, rel=0.15)
    times = truth.time
    until = (times >= exam.qrs_times[0]) & (times < truth.peak_times["e'"] - 0.1)
    positive = np.maximum(truth.velocity[until], 0).sum() * 0.005
    assert positive == pytest.approx(truth.vti, rel=0.15)


@pytest.mark.parametrize(
    ("mode", "site"),
    [("pulsed_wave", site) for site in ("mitral", "lvot", "aortic", "annulus")]
    + [("continuous_wave", site) for site in ("mitral", "lvot", "aortic")],
)
def test_the_picture_shows_the_true_velocity(mode, site):
    exam = simulate_spectrum(PATIENT, mode=mode, site=site)
    spectrum, truth = exam.streams[mode], exam.truth
    rows, limit = spectrum.axes["velocity"], spectrum.velocity_limit
    assert rows[0] == limit == -rows[-1]
    peak = max(map(abs, truth.peaks.values()))
    fastest = abs(truth.velocity) > 0.7 * peak
    grey = spectrum.load()
    if mode == "pulsed_wave":
        brightest = rows[grey.argmax(axis=1)]
        apart = abs(brightest - truth.velocity)[fastest]
        assert np.median(apart) < 0.1 * peak
    else:
        line = grey[int(abs(truth.velocity).argmax())]
        inside = rows / truth.velocity[abs(truth.velocity).argmax()]
        filled = line[(inside > 0.15) & (inside < 0.95)]
        assert filled.mean() > line[inside > 1.2].mean() + 60


def test_the_envelope_and_its_integral():
    from cardium.measure.envelope import flow_envelope

    for site, direction in (("lvot", "negative"), ("mitral", "positive")):
        exam = simulate_spectrum(PATIENT, site=site)
        spectrum, truth = exam.streams["pulsed_wave"], exam.truth
        envelope = flow_envelope(spectrum, direction=direction).load()
        flows = abs(truth.velocity) > 0.1 * max(map(abs, truth.peaks.values()))
        found = quadrature(exam, np.where(flows, envelope, 0))
        true = quadrature(exam, np.where(flows, truth.velocity, 0))
        assert found == pytest.approx(true, rel=0.02)


def test_a_pulsed_wave_folds_and_a_continuous_one_does_not():
    limit = 0.5
    pulsed = simulate_spectrum(PATIENT, site="lvot", velocity_limit=limit)
    assert limit < abs(pulsed.truth.peaks["peak"]) < 3 * limit
    top = int(abs(pulsed.truth.velocity).argmax())
    stream = pulsed.streams["pulsed_wave"]
    rows = stream.axes["velocity"]
    lines = stream.load()[top - 2 : top + 3].mean(axis=0)
    folded = (pulsed.truth.velocity[top] + limit) % (2 * limit) - limit
    assert rows[lines.argmax()] == pytest.approx(folded, abs=0.06)
    through = simulate_spectrum(
        PATIENT, mode="continuous_wave", site="lvot", velocity_limit=limit
    ).streams["continuous_wave"]
    grey = through.load()[top]
    assert grey[rows > 0.3].mean() < grey[rows < -0.3].mean() - 40


def test_the_baseline_moves_what_folds():
    plain = simulate_spectrum(PATIENT, site="lvot", velocity_limit=0.8)
    moved = simulate_spectrum(PATIENT, site="lvot", velocity_limit=0.8, baseline=-0.5)
    rows = moved.streams["pulsed_wave"].axes["velocity"]
    assert rows[0] == pytest.approx(0.3)
    assert rows[-1] == pytest.approx(-1.3)
    again = shift_baseline(plain.streams["pulsed_wave"], -1.3)
    one, other = again.load(), moved.streams["pulsed_wave"].load()
    top = int(abs(plain.truth.velocity).argmax())
    brightest = [
        float(again.axes["velocity"][one[top].argmax()]),
        float(rows[other[top].argmax()]),
    ]
    assert brightest[0] == pytest.approx(brightest[1], abs=0.1)
    assert brightest[1] == pytest.approx(plain.truth.velocity[top], abs=0.1)


def test_fibrillating_beats_vary_and_have_no_late_wave():
    patient = Patient(rhythm="atrial_fibrillation", age=70.0)
    exam = simulate_spectrum(patient, preset="full")
    assert set(exam.truth.peaks) == {"E"}
    peaks = [
        exam.truth.velocity[(exam.truth.time >= a) & (exam.truth.time < b)].max()
        for a, b in zip(exam.qrs_times[:-1], exam.qrs_times[1:], strict=True)
    ]
    assert np.std(peaks) > 0.02 * np.mean(peaks)
    assert set(simulate_spectrum(PATIENT).truth.peaks) == {"E", "A"}


def test_gates_marks_clocks_and_seeds():
    pulsed = simulate_spectrum(PATIENT)
    (gate,), (mark,) = pulsed.gates, pulsed.marks
    assert gate.on == mark.on == "pulsed_wave"
    assert 0.05 < gate.depth < 0.15
    assert mark.dims == ("time", "velocity")
    assert mark.points[:, 1].max() == pytest.approx(pulsed.truth.peaks["E"], rel=0.02)
    assert pulsed.streams["pulsed_wave"].rate == pytest.approx(200)
    line = simulate_spectrum(PATIENT, mode="continuous_wave").gates[0]
    assert line.depth is None
    again = simulate_spectrum(PATIENT)
    np.testing.assert_array_equal(
        pulsed.streams["pulsed_wave"].load(), again.streams["pulsed_wave"].load()
    )


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(UnknownNameError, match="mode"):
        simulate_spectrum(PATIENT, mode="colour")
    with pytest.raises(UnknownNameError, match="site"):
        simulate_spectrum(PATIENT, site="aorta")
    with pytest.raises(UnknownNameError, match="preset"):
        simulate_spectrum(PATIENT, preset="tinny")
    with pytest.raises(InvalidArgumentError, match="annulus"):
        simulate_spectrum(PATIENT, mode="continuous_wave", site="annulus")
    with pytest.raises(InvalidArgumentError, match="limit"):
        simulate_spectrum(PATIENT, velocity_limit=-1.0)
    with pytest.raises(InvalidArgumentError, match="does not leak"):
        simulate_spectrum(PATIENT, site=SITES[-1])
