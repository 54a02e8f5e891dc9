"""Waves where and as large as they are said to be, lead by lead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.phantom._ecg_waves import Pattern
from cardium.phantom.ecg import LEADS, ecg_12_lead, ecg_trace
from cardium.phantom.patient import Infarct
from cardium.phantom.rhythm import Rhythm

PEAKS = np.array([0.31, 1.10, 1.74, 2.81])
TIME = np.arange(1600) / 500
FINE = np.arange(-3000, 6000) / 10_000
BEAT = np.array([0.0, 1.0])
"""A beat a second: intervals are as stated."""


def leads_of(pattern=None, time=FINE, beats=BEAT):
    return dict(zip(LEADS, ecg_12_lead(time, beats, pattern=pattern or Pattern()).T,
                    strict=True))  # fmt: skip


def test_r_peaks_are_exactly_where_they_are_wanted():
    trace = ecg_trace(TIME, PEAKS)
    high = (trace[1:-1] > trace[:-2]) & (trace[1:-1] >= trace[2:]) & (trace[1:-1] > 0.6)
    np.testing.assert_allclose(TIME[1:-1][high], PEAKS, atol=1 / 500)
    fine = np.arange(0.30, 0.32, 1e-6)
    assert fine[ecg_trace(fine, PEAKS).argmax()] == pytest.approx(0.31, abs=2e-6)
    assert ecg_trace(PEAKS, PEAKS) == pytest.approx(1.1 * np.cos(np.radians(5)))


def test_intervals_are_as_stated():
    """PR from the first trace of P to that of QRS; QT to the last of T (Bazett)."""
    for rr in (1.0, 0.64):
        time = np.arange(-4000, 6000) / 10_000
        trace = ecg_12_lead(time, rr * np.arange(-1.0, 2), pattern=Pattern(pr=0.18))
        there = abs(trace).max(axis=1) > 1e-6
        edges = time[1:][np.diff(there.astype(int)) != 0]
        p_on, p_off, qrs_on, qrs_off, *_, t_off = edges[(edges > -0.3) & (edges < 0.4)]
        assert qrs_on - p_on == pytest.approx(0.18, abs=0.002)
        assert p_off - p_on == pytest.approx(0.10, abs=0.002)
        assert qrs_off - qrs_on == pytest.approx(0.096, abs=0.002)
        assert t_off - 0.0 == pytest.approx((0.41 - 0.048) * rr**0.5, abs=0.004)


@given(axis=st.floats(-180, 180))
def test_limb_leads_obey_einthoven_and_goldberger(axis):
    values = ecg_12_lead(TIME, PEAKS, pattern=Pattern(axis_degrees=axis))
    i, ii, iii, avr, avl, avf = values.T[:6]
    np.testing.assert_allclose(ii, i + iii, atol=1e-14)
    np.testing.assert_allclose(avr, -(i + ii) / 2, atol=1e-14)
    np.testing.assert_allclose(avl, (i - iii) / 2, atol=1e-14)
    np.testing.assert_allclose(avf, (ii + iii) / 2, atol=1e-14)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=1e-14)


@pytest.mark.parametrize(
    ("axis", "lead", "flat"), [(0, "I", "AVF"), (90, "AVF", "I"), (60, "II", "AVL")]
)
def test_the_axis_points_where_r_is_tallest(axis, lead, flat):
    limb = {k: v[FINE.searchsorted(0)] for k, v in
            leads_of(Pattern(axis_degrees=axis)).items() if k[0] != "V"}  # fmt: skip
    scaled = {k: v * (2 / 3**0.5 if k[0] == "A" else 1) for k, v in limb.items()}
    assert max(scaled, key=scaled.__getitem__) == lead
    assert abs(limb[flat]) < 1e-12
    measured = np.degrees(np.arctan2(limb["AVF"] * 2 / 3**0.5, limb["I"]))
    assert measured == pytest.approx(axis, abs=1e-9)


def test_twelve_leads_in_order_with_r_growing_over_the_chest():
    leads = ecg_12_lead(TIME, PEAKS)
    assert leads.shape == (1600, 12)
    assert LEADS[3:7] == ("AVR", "AVL", "AVF", "V1")
    r = leads[:, 6:].max(axis=0)
    assert (np.diff(r[:4]) > 0).all()
    s = -leads[:, 6:].min(axis=0)
    assert s.argmax() == 1
    assert (np.diff(s[1:]) < 0).all()


def test_voltage_scales_the_complex_and_not_the_rest():
    one, two = leads_of(), leads_of(Pattern(chest_voltage=2.0))
    qrs, rest = abs(FINE) < 0.05, (FINE > 0.06) | (FINE < -0.06)
    np.testing.assert_allclose(two["V5"][qrs], 2 * one["V5"][qrs], atol=1e-12)
    np.testing.assert_allclose(two["V5"][rest], one["V5"][rest], atol=1e-12)
    np.testing.assert_array_equal(two["I"], one["I"])
    assert -one["V1"].min() + one["V5"].max() == pytest.approx(0.70 + 1.25, abs=1e-6)


def q_wave(trace):
    """Duration [s] and depth of the first wave if it is negative, and R after it."""
    qrs = (FINE > -0.1) & (FINE < 0.06)
    time, trace = FINE[qrs], trace[qrs]
    begin = np.flatnonzero(abs(trace) > 0.02)[0]
    if trace[begin] > 0:
        return 0.0, 0.0, trace.max()
    length = np.argmax(trace[begin:] > 0) or len(trace) - begin
    return time[begin + length - 1] - time[begin], -trace[begin : begin + length].min(
    ), max(trace.max(), 0.0)  # fmt: skip


TERRITORIES = {
    "lad": ("V1", "V2", "V3", "V4"),
    "lcx": ("I", "AVL", "V5", "V6"),
    "rca": ("II", "III", "AVF"),
}


@pytest.mark.parametrize("territory", TERRITORIES)
@pytest.mark.parametrize("severity", [0.4, 1.0])
@pytest.mark.parametrize("axis", [20, 75])
def test_an_infarct_shows_in_the_leads_of_its_artery(territory, severity, axis):
    """Q is longer than 40 ms and deeper than a quarter of R; ST up, T down."""
    infarct = Infarct(territory, severity)
    leads = leads_of(Pattern(infarct=infarct, axis_degrees=axis))
    for lead in LEADS:
        duration, depth, r = q_wave(leads[lead])
        pathological = duration > 0.040 and depth > 0.25 * r
        if lead in TERRITORIES[territory]:
            assert pathological, (lead, duration, depth, r)
            assert leads[lead][abs(FINE - 0.10) < 0.005].mean() > 0.005, lead
            assert leads[lead][abs(FINE - 0.28) < 0.005].mean() < -0.03, lead
        elif lead[0] == "V" and lead not in ("V1", "V2"):
            assert not pathological, (lead, duration, depth, r)


def test_a_healthy_heart_has_no_such_q_and_t_goes_with_r():
    leads = leads_of()
    for lead in ("I", "II", "AVF", "V4", "V5", "V6"):
        duration, depth, r = q_wave(leads[lead])
        assert duration < 0.03
        assert depth < 0.15 * r
        assert leads[lead][FINE > 0.2].max() > 0.1


def test_strain_depresses_st_and_turns_t_over():
    leads = leads_of(Pattern(strain=1.0, chest_voltage=2.0, axis_degrees=20))
    for lead in ("I", "AVL", "V5", "V6"):
        assert leads[lead][abs(FINE - 0.12) < 0.005].mean() < -0.04
        assert leads[lead][FINE > 0.2].min() < -0.1
    assert leads["V2"][FINE > 0.2].max() > 0.2


def test_bundle_branch_block_is_wide_without_septal_wave():
    leads = leads_of(Pattern(left_bundle_block=True, pr=0.2))
    for lead in ("I", "V1", "V6"):
        qrs = (abs(leads[lead]) > 0.02) & (FINE > -0.1) & (FINE < 0.11)
        assert 0.12 < np.ptp(FINE[qrs]) < 0.16
    assert leads["V1"][abs(FINE) < 0.08].max() < 0.03
    assert leads["V6"][abs(FINE) < 0.08].min() > -0.03
    # T goes against QRS.
    assert leads["V1"][FINE > 0.2].max() > 0.2
    assert leads["V6"][FINE > 0.2].min() < -0.2


def test_an_ectopic_beat_is_wide_discordant_and_without_p():
    rhythm = Rhythm(np.array([0.0, 0.6, 2.0]), ("sinus", "ectopic", "sinus"))
    time = np.arange(25_000) / 10_000
    leads = dict(zip(LEADS, ecg_12_lead(time, rhythm).T, strict=True))
    assert not leads["II"][(time > 0.40) & (time < 0.529)].any()
    assert leads["II"][(time > 1.78) & (time < 1.9)].max() > 0.1
    wide = (abs(leads["II"]) > 0.03) & (time > 0.5) & (time < 0.69)
    assert 0.12 < np.ptp(time[wide]) < 0.17
    for lead in ("II", "V1", "V5"):
        r = leads[lead][time.searchsorted(0.6)]
        t = leads[lead][time.searchsorted(0.93)]
        assert abs(r) > 0.7
        assert r * t < 0
    assert time[abs(leads["II"]).argmax()] == pytest.approx(0.6, abs=0.03)


def test_fibrillation_has_no_p_and_waves_of_4_to_9_hz_largest_in_v1():
    r_times = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.1, 60))
    time = np.arange(r_times[0], r_times[-1], 1 / 500)
    fibrillating, sinus = (
        ecg_12_lead(time, Rhythm(r_times, (kind,) * 60))
        for kind in ("fibrillating", "sinus")
    )
    # Averaged over beats, what is not tied to them vanishes and P stays.
    before = time.searchsorted(r_times[1:-1])[:, None] + np.arange(-80, -50)
    average = {name: leads[before, 1].mean(axis=0)
               for name, leads in (("none", fibrillating), ("p", sinus))}  # fmt: skip
    assert np.ptp(average["p"]) > 0.12
    assert np.ptp(average["none"]) < 0.03
    # Between T and QRS there is nothing else than these waves.
    waves = fibrillating - ecg_12_lead(time, r_times)
    rest = np.abs(time[:, None] - (r_times - 0.158)).min(axis=1) > 0.051
    size = waves[rest].std(axis=0)
    assert LEADS[size.argmax()] == "V1"
    assert size[1] > 1.5 * size[0]
    power = abs(np.fft.rfft(waves[:, 6] * np.hanning(len(waves)))) ** 2
    hertz = np.fft.rfftfreq(len(waves), 1 / 500)
    power[hertz < 3] = 0  # P waves that were taken away
    assert 4 < hertz[power.argmax()] < 9
    assert power[(hertz >= 4) & (hertz <= 9)].sum() > 0.6 * power.sum()


@pytest.mark.parametrize("peaks", [[0.5], [], [0.5, 0.5], [1.0, 0.5]])
def test_r_times_must_be_two_and_ascend(peaks):
    with pytest.raises(InvalidArgumentError, match="R times"):
        ecg_trace(TIME, np.array(peaks))


@pytest.mark.parametrize(
    "wrong",
    [{"limb_voltage": 0}, {"pr": 160}, {"qtc": 410}, {"strain": 2},
     {"fibrillation_hz": 3}],
)  # fmt: skip
def test_patterns_that_cannot_be_are_refused(wrong):
    with pytest.raises(InvalidArgumentError, match="Pattern"):
        Pattern(**wrong)
