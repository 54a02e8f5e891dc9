"""Sines come out where they are; what the lower rate cannot hold does not."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError
from cardium.signal.resampling import resample


def stream(values, rate: float, start: float = 0.0) -> Stream:
    values = np.asarray(values)
    time = start + np.arange(len(values)) / rate
    return Stream("ecg", values, time, ("time", "lead")[: values.ndim], "mV")


def sine(hertz: float, rate: float, seconds: float) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize("given", [100.0, 128.0, 250.0, 257.0, 360.0, 1000.0])
@pytest.mark.parametrize("wanted", [100.0, 125.0, 250.0, 360.0, 500.0])
def test_a_sine_keeps_size_phase_and_time(given, wanted) -> None:
    got = resample(stream(sine(7.0, given, 10), given, start=2.0), wanted)
    assert got.rate == pytest.approx(wanted)
    assert got.time[0] == 2.0
    assert len(got.time) == round(10 * wanted)
    exact = np.sin(2 * np.pi * 7.0 * (got.time - 2.0))
    inner = slice(round(wanted), -round(wanted))
    assert np.abs(got.values - exact)[inner].max() < 0.004


def test_length_is_rounded_up() -> None:
    assert resample(stream(np.zeros(361), 360), 100).shape == (101,)
    assert resample(stream(np.zeros(360), 360), 100).shape == (100,)


def test_what_the_lower_rate_cannot_hold_is_gone() -> None:
    got = resample(stream(sine(80.0, 500, 10), 500), 100)
    # Without a filter it would turn up at 20 Hz at full size.
    assert np.abs(got.values[100:-100]).max() < 0.01


def test_levels_and_slopes_are_kept_to_the_ends() -> None:
    time = np.arange(3600) / 360
    got = resample(stream(5.0 + 0.2 * time, 360), 500)
    assert got.values == pytest.approx(5.0 + 0.2 * got.time, abs=1e-9)


def test_leads_names_and_precision_stay() -> None:
    both = np.stack([sine(3.0, 360, 4), 2 * sine(5.0, 360, 4)], axis=1)
    named = Stream(
        "ecg", both.astype(np.float32), np.arange(1440) / 360, ("time", "lead"), "mV",
        coords={"lead": ("I", "II")},
    )  # fmt: skip
    got = resample(named, 500)
    assert got.shape == (2000, 2)
    assert got.coords["lead"] == ("I", "II")
    assert got.values.dtype == np.float32
    assert np.abs(got.values[:, 1]).max() > 1.9 > 1.1 > np.abs(got.values[:, 0]).max()
    assert resample(stream(both, 360), 500).values.dtype == np.float64
    digits = stream(np.arange(10, dtype=np.int16), 100)
    assert resample(digits, 100).values.dtype == np.float32


def test_the_same_rate_changes_nothing() -> None:
    values = np.random.default_rng(0).standard_normal(500)
    same = resample(stream(values, 500), 500)
    assert np.array_equal(same.values, values)


def test_what_is_missing_stays_missing() -> None:
    values = sine(3.0, 500, 4)
    values[1000:1050] = np.nan
    got = resample(stream(values, 500), 100)
    assert np.flatnonzero(np.isnan(got.values)).tolist() == list(range(200, 210))
    away = np.r_[20:180, 230:380]
    assert np.abs(got.values - np.sin(6 * np.pi * got.time))[away].max() < 0.01


def test_half_an_hour_does_not_drift() -> None:
    count = 257 * 1800
    pulse = np.zeros(count, np.float32)
    pulse[-2570] = 1.0
    got = resample(stream(pulse, 257), 250)
    assert got.time[got.values.argmax()] == pytest.approx(1790.0, abs=1e-6)
    assert len(got.time) == 450_000


def test_what_cannot_be_resampled_is_refused() -> None:
    flat = stream(np.zeros(1000), 500)
    for rate in (0.0, -100.0, float("nan"), float("inf")):
        with pytest.raises(InvalidArgumentError, match="must be positive"):
            resample(flat, rate)
    with pytest.raises(InvalidArgumentError, match="ratio"):
        resample(flat, 0.001)
    time = np.append(np.arange(100), 200 + np.arange(100)) / 500
    with pytest.raises(InvalidArgumentError, match="evenly"):
        resample(Stream("ecg", np.zeros(200), time, ("time",), "mV"), 100)
