"""Gains against scipy's own frequency response; nothing is shifted in time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfreqz

from cardium.core import Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.ecg import ecg_trace
from cardium.signal.filters import (
    band_pass,
    mains_frequency,
    notch,
    remove_baseline,
)

RATE = 500.0
TIME = np.arange(10_000) / RATE
MIDDLE = slice(3000, 7000)


def ecg(values, time=TIME) -> Stream:
    values = np.asarray(values)
    return Stream("ecg", values, time, ("time", "lead")[: values.ndim], "mV")


def sine(hertz: float, phase: float = 0.3) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * TIME + phase)


def response(stream: Stream, hertz: float) -> complex:
    """Amplitude and phase against the sine that was put in."""
    there = np.exp(-1j * (2 * np.pi * hertz * TIME[MIDDLE] + 0.3))
    return 2j * np.mean(np.asarray(stream.values)[MIDDLE] * there)


@pytest.mark.parametrize("hertz", [0.25, 0.5, 1.0, 10.0, 40.0, 80.0])
@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [(0.5, 40.0, "bandpass"), (0.5, None, "highpass"), (None, 40.0, "lowpass")],
)
def test_gain_is_the_square_of_the_filters_and_phase_zero(
    hertz, low, high, kind
) -> None:
    edges = [edge for edge in (low, high) if edge]
    sections = butter(3, edges if len(edges) == 2 else edges[0], kind, fs=RATE,
                      output="sos")  # fmt: skip
    _, gain = sosfreqz(sections, [hertz], fs=RATE)
    got = response(band_pass(ecg(sine(hertz)), low, high=high, order=3), hertz)
    assert abs(got) == pytest.approx(abs(gain[0]) ** 2, abs=0.01)
    if abs(got) > 0.1:
        assert abs(np.angle(got)) < 0.01


def test_the_edge_is_where_half_is_left() -> None:
    got = response(band_pass(ecg(sine(40.0)), None, high=40.0), 40.0)
    assert abs(got) == pytest.approx(0.5, abs=0.01)


def test_leads_are_filtered_apart_along_time() -> None:
    both = np.stack([sine(1.0), sine(100.0)], axis=1)
    got = band_pass(ecg(both), None, high=20.0).values
    assert np.abs(got[MIDDLE, 0] - both[MIDDLE, 0]).max() < 0.01
    assert np.abs(got[MIDDLE, 1]).max() < 0.01
    assert got.dtype == np.float64
    assert band_pass(ecg(both.astype(np.float32)), 1.0).values.dtype == np.float32


def test_what_is_missing_stays_missing_and_does_not_spread() -> None:
    values = np.stack([sine(5.0), np.full(len(TIME), np.nan)], axis=1)
    values[4000:4010, 0] = np.nan
    got = band_pass(ecg(values), 0.5, high=40.0).values
    assert np.isnan(got[:, 0]).sum() == 10
    assert np.isnan(got[4000:4010, 0]).all()
    assert np.isnan(got[:, 1]).all()
    away = np.r_[3000:3900, 4110:7000]
    assert np.abs(got[away, 0] - sine(5.0)[away]).max() < 0.05


def test_ends_are_not_pulled_to_zero() -> None:
    level = ecg(np.full(2000, 3.0) + sine(10.0)[:2000], TIME[:2000])
    got = band_pass(level, 0.5, high=40.0).values
    assert np.abs(got - sine(10.0)[:2000]).max() < 0.4
    low = band_pass(level, None, high=3.0).values
    assert np.abs(low - 3.0).max() < 0.3


@pytest.mark.parametrize("hum", [50.0, 60.0])
def test_a_notch_takes_one_frequency_out(hum) -> None:
    assert abs(response(notch(ecg(sine(hum)), hum), hum)) < 0.01
    for near in (hum - 5, hum + 5, 10.0):
        got = response(notch(ecg(sine(near)), hum), near)
        assert abs(got) == pytest.approx(1, abs=0.1)
        assert abs(np.angle(got)) < 0.01
    # Half of the depth in power is the half width, so 1/2 there and back.
    edge = hum + hum / 30 / 2
    assert abs(response(notch(ecg(sine(edge)), hum), edge)) == pytest.approx(
        0.5, abs=0.03
    )


def test_the_hum_is_named() -> None:
    rng = np.random.default_rng(0)
    trace = ecg_trace(TIME, np.arange(0.4, 20, 0.8)) + 0.02 * rng.standard_normal(
        len(TIME)
    )
    assert mains_frequency(ecg(trace)) is None
    for hum in (50.0, 60.0):
        leads = np.stack([trace, trace + 0.1 * sine(hum)], axis=1)
        assert mains_frequency(ecg(leads)) == hum
        assert mains_frequency(notch(ecg(leads), hum)) is None
    assert mains_frequency(ecg(trace[:100], TIME[:100])) is None


@pytest.mark.parametrize("method", ["high_pass", "median"])
def test_the_baseline_goes_and_the_beats_stay(method) -> None:
    # Beats whose mean is small against R; a drift of ten times their size.
    trace = ecg_trace(TIME, np.arange(0.4, 20, 0.8))
    drift = 5 * np.sin(2 * np.pi * 0.05 * TIME)
    got = remove_baseline(ecg(trace + drift), method=method).values
    left = got - trace
    assert np.abs(left - np.median(left))[MIDDLE].max() < 0.25
    at = got[MIDDLE].argmax() + 3000
    assert np.abs(TIME[at] - np.arange(0.4, 20, 0.8)).min() < 0.0021


def test_running_medians_leave_a_step_of_st_as_it_is() -> None:
    # 140 ms of a raised segment is shorter than half of the second median.
    trace = np.where((TIME % 1 > 0.4) & (TIME % 1 < 0.54), 0.3, 0.0)
    got = remove_baseline(ecg(trace), method="median").values
    assert np.array_equal(got[MIDDLE], trace[MIDDLE])


def test_what_cannot_be_filtered_is_refused() -> None:
    stream = ecg(sine(5.0))
    for low, high in ((None, None), (40.0, 0.5), (0.0, 40.0), (0.5, 250.0)):
        with pytest.raises(InvalidArgumentError, match="0 < low < high < 250"):
            band_pass(stream, low, high=high)
    with pytest.raises(InvalidArgumentError, match=r"0\.\.250 Hz"):
        notch(stream, 300.0)
    with pytest.raises(UnknownNameError, match="method"):
        remove_baseline(stream, method="spline")
    uneven = np.delete(TIME, slice(100, 200))
    with pytest.raises(InvalidArgumentError, match=r"gap of 0\.202 s"):
        band_pass(ecg(np.zeros(len(uneven)), uneven), 0.5)
    with pytest.raises(InvalidArgumentError, match="1 samples"):
        band_pass(ecg(np.zeros(1), np.zeros(1)), 0.5)
