"""Closed forms, and neurokit2 on the same intervals."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal.heart_rate_variability import (
    BANDS,
    frequency_domain,
    normal_intervals,
    poincare,
    sample_entropy,
    time_domain,
)


def beats(rr) -> np.ndarray:
    return np.append(0.0, np.cumsum(rr))


def modulated(hertz: float, size: float, *, mean=0.8, seconds=600) -> np.ndarray:
    """Beats whose intervals swing by a sinusoid of the time at which they end."""
    times = [0.0]
    while times[-1] < seconds:
        end = times[-1] + mean
        for _ in range(20):
            end = times[-1] + mean + size * np.sin(2 * np.pi * hertz * end)
        times.append(end)
    return np.array(times)


def random_intervals(count=600, seed=0):
    rng = np.random.default_rng(seed)
    slow = 0.05 * np.sin(np.arange(count) / 9)
    return normal_intervals(beats(0.85 + slow + 0.03 * rng.standard_normal(count)))


def test_a_constant_rhythm_does_not_vary() -> None:
    found = normal_intervals(beats(np.full(200, 0.75)))
    got = time_domain(found) | poincare(found)
    assert got["mean_nn_ms"] == pytest.approx(750)
    for name in ("sdnn_ms", "rmssd_ms", "sdsd_ms", "sd1_ms", "sd2_ms"):
        assert got[name] == pytest.approx(0, abs=1e-9), name
    assert got["pnn50_percent"] == 0
    power = frequency_domain(found)
    assert max(power["vlf_ms2"], power["lf_ms2"], power["hf_ms2"]) < 1e-12


def test_alternation_by_hand() -> None:
    # 2 N intervals of 800 and 860 ms in turn: N - 1 of sample.
    count = 100
    found = normal_intervals(beats(np.tile([0.80, 0.86], count // 2)))
    got = time_domain(found)
    assert got["mean_nn_ms"] == pytest.approx(830)
    assert got["sdnn_ms"] == pytest.approx(30 * np.sqrt(count / (count - 1)))
    assert got["rmssd_ms"] == pytest.approx(60)
    assert got["pnn50_percent"] == pytest.approx(100)
    assert poincare(found)["sd2_ms"] == pytest.approx(0, abs=1e-6)
    assert poincare(found)["sd1_ms"] == pytest.approx(got["sdsd_ms"] / np.sqrt(2))


def test_differences_of_just_fifty_milliseconds_do_not_count() -> None:
    found = normal_intervals(beats(np.tile([0.80, 0.85], 50)))
    assert time_domain(found)["pnn50_percent"] == 0
    found = normal_intervals(beats(np.tile([0.80, 0.851], 50)))
    assert time_domain(found)["pnn50_percent"] == 100


@pytest.mark.parametrize(
    ("hertz", "band"), [(0.02, "vlf"), (0.1, "lf"), (0.25, "hf"), (0.35, "hf")]
)
@pytest.mark.parametrize("size", [0.01, 0.03])
def test_a_swing_has_its_power_in_its_band(hertz, band, size) -> None:
    got = frequency_domain(normal_intervals(modulated(hertz, size)))
    power = 1e6 * size**2 / 2
    assert got[f"{band}_ms2"] == pytest.approx(power, rel=0.08)
    for other in BANDS.keys() - {band}:
        assert got[f"{other}_ms2"] < 0.05 * power


def test_ratios_are_of_the_powers() -> None:
    got = frequency_domain(random_intervals())
    assert got["lf_to_hf"] == pytest.approx(got["lf_ms2"] / got["hf_ms2"])
    share = got["lf_ms2"] / (got["lf_ms2"] + got["hf_ms2"])
    assert got["lf_percent"] == pytest.approx(100 * share)


def test_ectopic_beats_and_what_neighbours_them_are_left_out() -> None:
    rr = np.full(300, 0.8)
    labels = ["N"] * 301
    for k in range(20, 280, 20):
        rr[k - 1], rr[k] = 0.5, 1.1
        labels[k] = "V"
    found = normal_intervals(beats(rr), labels)
    assert len(found.nn) == 300 - 2 * 13
    got = time_domain(found)
    assert got["sdnn_ms"] == pytest.approx(0, abs=1e-9)
    assert got["rmssd_ms"] == pytest.approx(0, abs=1e-9)
    assert time_domain(normal_intervals(beats(rr)))["rmssd_ms"] > 50
    assert (~found.joined).sum() == 14


def test_steps_are_not_taken_across_a_gap() -> None:
    times = beats([0.8, 0.8, 0.5, 1.1, 1.0, 1.0])
    found = normal_intervals(times, "NNNVNNN")
    assert found.nn == pytest.approx([0.8, 0.8, 1.0, 1.0])
    assert found.joined.tolist() == [False, True, False, True]
    assert time_domain(found)["rmssd_ms"] == pytest.approx(0, abs=1e-9)


def test_power_minds_no_gaps() -> None:
    times = modulated(0.1, 0.03)
    labels = np.full(len(times), "N")
    labels[30::40] = "V"
    got = frequency_domain(normal_intervals(times, labels.tolist()))
    assert got["lf_ms2"] == pytest.approx(450, rel=0.15)


def test_the_same_as_neurokit2_in_time() -> None:
    neurokit2 = pytest.importorskip("neurokit2")
    found = random_intervals()
    peaks = np.round(1000 * np.append(0, np.cumsum(found.nn))).astype(int)
    ours = normal_intervals(peaks / 1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = neurokit2.hrv_time(peaks, sampling_rate=1000).iloc[0]
        shape = neurokit2.hrv_nonlinear(peaks, sampling_rate=1000).iloc[0]
    got = time_domain(ours) | poincare(ours)
    assert got["mean_nn_ms"] == pytest.approx(theirs["HRV_MeanNN"])
    assert got["sdnn_ms"] == pytest.approx(theirs["HRV_SDNN"])
    assert got["rmssd_ms"] == pytest.approx(theirs["HRV_RMSSD"])
    assert got["sdsd_ms"] == pytest.approx(theirs["HRV_SDSD"])
    # It divides by the number of intervals where there is one difference fewer.
    count = len(ours.nn)
    assert got["pnn50_percent"] == pytest.approx(
        theirs["HRV_pNN50"] * count / (count - 1), rel=2e-3
    )
    assert got["sd1_ms"] == pytest.approx(shape["HRV_SD1"])
    assert got["sd2_ms"] == pytest.approx(shape["HRV_SD2"])
    assert sample_entropy(ours) == pytest.approx(shape["HRV_SampEn"], rel=0.02)


def test_about_the_same_as_neurokit2_in_frequency() -> None:
    neurokit2 = pytest.importorskip("neurokit2")
    times = modulated(0.1, 0.03)
    times = times + 0.001 * np.random.default_rng(0).standard_normal(len(times))
    found = normal_intervals(np.sort(times))
    peaks = np.round(1000 * times).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = neurokit2.hrv_frequency(
            peaks, sampling_rate=1000, normalize=False, psd_method="welch"
        ).iloc[0]
    got = frequency_domain(found)
    assert got["lf_ms2"] == pytest.approx(theirs["HRV_LF"], rel=0.2)
    assert got["lf_to_hf"] > 50
    assert theirs["HRV_LFHF"] > 50


def test_entropy_of_order_and_of_chance() -> None:
    rng = np.random.default_rng(3)
    chance = normal_intervals(beats(0.8 + 0.05 * rng.standard_normal(800)))
    # A Gaussian pair matches within 0.2 SD with probability erf(0.1).
    from scipy.special import erf

    assert sample_entropy(chance) == pytest.approx(-np.log(erf(0.1)), abs=0.15)
    order = normal_intervals(beats(0.8 + 0.05 * np.sin(np.arange(800) / 5)))
    assert sample_entropy(order) < 0.5
    with pytest.raises(InvalidArgumentError, match="tolerance"):
        sample_entropy(order, tolerance=0.0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_beats_have_no_variability(count) -> None:
    found = normal_intervals(0.8 * np.arange(count))
    assert np.isnan(time_domain(found)["sdnn_ms"])
    assert np.isnan(time_domain(found)["rmssd_ms"])
    assert np.isnan(poincare(found)["sd1_ms"])
    assert np.isnan(sample_entropy(found))


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(NotProvidedError, match="12 normal intervals over 9"):
        frequency_domain(normal_intervals(0.8 * np.arange(13)))
    with pytest.raises(InvalidArgumentError, match="ascending"):
        normal_intervals([0.0, 1.0, 1.0])
    with pytest.raises(InvalidArgumentError, match="3 beats but 2 labels"):
        normal_intervals([0.0, 1.0, 2.0], "NN")
