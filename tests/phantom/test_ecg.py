from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.phantom.ecg import LEADS, ecg_12_lead, ecg_trace

PEAKS = np.array([0.31, 1.10, 1.74, 2.81])
TIME = np.arange(1600) / 500


def test_r_peaks_are_where_they_are_wanted():
    trace = ecg_trace(TIME, PEAKS)
    high = (trace[1:-1] > trace[:-2]) & (trace[1:-1] >= trace[2:]) & (trace[1:-1] > 0.6)
    np.testing.assert_allclose(TIME[1:-1][high], PEAKS, atol=1 / 500)
    fine = np.arange(0.30, 0.32, 1e-5)
    assert fine[ecg_trace(fine, PEAKS).argmax()] == pytest.approx(0.31, abs=2e-4)
    assert trace.max() == pytest.approx(1.15, abs=0.02)


def test_p_comes_before_and_t_after_r():
    trace = ecg_trace(TIME, np.array([0.6, 1.5]))
    before, after = (TIME > 0.35) & (TIME < 0.52), (TIME > 0.72) & (TIME < 1.0)
    # -70 and +100 degrees of a beat of 0.9 s.
    assert TIME[before][trace[before].argmax()] == pytest.approx(0.425, abs=0.006)
    assert TIME[after][trace[after].argmax()] == pytest.approx(0.85, abs=0.006)


@given(axis=st.floats(-180, 180))
def test_limb_leads_obey_einthoven_and_goldberger(axis):
    i, ii, iii, avr, avl, avf = ecg_12_lead(TIME, PEAKS, axis_degrees=axis).T[:6]
    np.testing.assert_allclose(ii, i + iii, atol=1e-14)
    np.testing.assert_allclose(avr, -(i + ii) / 2, atol=1e-14)
    np.testing.assert_allclose(avl, (i - iii) / 2, atol=1e-14)
    np.testing.assert_allclose(avf, (ii + iii) / 2, atol=1e-14)
    np.testing.assert_allclose(avr + avl + avf, 0, atol=1e-14)


@pytest.mark.parametrize(
    ("axis", "lead", "flat"), [(0, "I", "AVF"), (90, "AVF", "I"), (60, "II", "AVL")]
)
def test_the_axis_points_where_r_is_tallest(axis, lead, flat):
    peak = np.searchsorted(TIME, PEAKS[0])
    values = ecg_12_lead(TIME, PEAKS, axis_degrees=axis)[peak]
    limb = dict(zip(LEADS[:6], values, strict=False))
    scaled = {k: v * (2 / 3**0.5 if k[0] == "A" else 1) for k, v in limb.items()}
    assert max(scaled, key=scaled.__getitem__) == lead
    assert abs(limb[flat]) < 0.03


def test_twelve_leads_in_order_with_r_growing_over_the_chest():
    leads = ecg_12_lead(TIME, PEAKS)
    assert leads.shape == (1600, 12)
    assert LEADS[3:7] == ("AVR", "AVL", "AVF", "V1")
    peak = np.searchsorted(TIME, PEAKS[1])
    assert (np.diff(leads[peak, 6:11]) > 0).all()
    assert leads[:, 6].min() < -0.6


@pytest.mark.parametrize("peaks", [[0.5], [], [0.5, 0.5], [1.0, 0.5]])
def test_r_times_must_be_two_and_ascend(peaks):
    with pytest.raises(InvalidArgumentError, match="R times"):
        ecg_trace(TIME, np.array(peaks))
