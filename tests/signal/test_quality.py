"""A clean trace is told from noise, hum, drift, clipping and a lead that fell off."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError
from cardium.phantom.ecg import ecg_12_lead, ecg_trace
from cardium.signal.quality import assess_quality, is_usable

RATE = 250.0
TIME = np.arange(int(30 * RATE)) / RATE
BEATS = np.arange(0.4, 30, 0.8)


def assess(values):
    (found,) = assess_quality(
        Stream("ecg", np.asarray(values, float), TIME, ("time",), "mV")
    )
    return found


def clean(noise: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(1)
    return ecg_trace(TIME, BEATS) + noise * rng.standard_normal(len(TIME))


@pytest.mark.parametrize("scale", [1.0, -1.0, 2000.0])
def test_a_clean_lead_is_usable(scale) -> None:
    found = assess(scale * clean())
    assert is_usable(found)
    assert found.kurtosis > 5
    assert found.agreement > 0.97
    assert 0.4 < found.qrs_power < 0.95
    assert found.baseline > 0.8
    assert (found.flat, found.clipped, found.missing) == (0.0, 0.0, 0.0)


def test_kurtosis_is_that_of_known_distributions() -> None:
    white = np.random.default_rng(0).standard_normal(len(TIME))
    assert assess(white).kurtosis == pytest.approx(3.0, abs=0.25)
    assert assess(np.sin(2 * np.pi * 10 * TIME)).kurtosis == pytest.approx(1.5, abs=0.1)


def test_powers_are_shares_of_sines() -> None:
    # Powers 1, 4 and 9 at 0.5, 10 and 20 Hz.
    sines = [k * np.sin(2 * np.pi * f * TIME) for k, f in ((1, 0.5), (2, 10), (3, 20))]
    found = assess(sum(sines))
    assert found.qrs_power == pytest.approx(4 / 13, abs=0.01)
    assert found.baseline == pytest.approx(13 / 14, abs=0.01)


@pytest.mark.parametrize("kind", ["white", "brown", "hum"])
def test_noise_is_not_usable(kind) -> None:
    white = np.random.default_rng(2).standard_normal(len(TIME))
    trace = {
        "white": white,
        "brown": white.cumsum(),
        "hum": np.sin(2 * np.pi * 50 * TIME),
    }[kind]
    found = assess(trace)
    assert found.agreement < 0.5
    assert not is_usable(found)


def test_drift_shows_in_the_baseline() -> None:
    drift = 3 * np.sin(2 * np.pi * 0.2 * TIME)
    assert assess(clean() + drift).baseline < 0.2 < 0.8 < assess(clean()).baseline


def test_flat_stretches_are_measured() -> None:
    trace = clean()
    trace[1000:4000] = trace[1000]
    found = assess(trace)
    assert found.flat == pytest.approx(3000 / len(TIME), abs=1e-3)
    assert not is_usable(found)
    still = assess(np.full(len(TIME), 0.3))
    assert (still.flat, still.agreement, still.clipped) == (1.0, 0.0, 0.0)
    assert np.isnan(still.kurtosis)
    assert not is_usable(still)


def test_clipping_is_measured() -> None:
    trace = clean()
    trace += 0.8 * np.sin(2 * np.pi * 2 * TIME)
    cut = np.clip(trace, -0.5, 0.4)
    at_ends = ((cut == 0.4) | (cut == -0.5)).mean()
    assert at_ends > 0.2
    # Runs of one or two samples do not count.
    assert assess(cut).clipped == pytest.approx(at_ends, abs=0.03)
    assert not is_usable(assess(cut))
    assert assess(trace).clipped == 0.0


def test_missing_samples_are_counted_and_bridged() -> None:
    trace = clean()
    trace[500:1250] = np.nan
    found = assess(trace)
    assert found.missing == pytest.approx(750 / len(TIME))
    assert found.flat == 0.0
    assert is_usable(found)
    trace[500:3000] = np.nan
    assert not is_usable(assess(trace))
    nothing = assess(np.full(len(TIME), np.nan))
    assert (nothing.missing, nothing.flat) == (1.0, 0.0)
    assert not is_usable(nothing)


def test_leads_are_assessed_apart_by_name() -> None:
    leads = ecg_12_lead(TIME, BEATS)[:, :2] + 0.01 * np.random.default_rng(
        3
    ).standard_normal((len(TIME), 2))
    leads[:, 0] = 0.0
    stream = Stream(
        "ecg", leads, TIME, ("time", "lead"), "mV", coords={"lead": ("I", "II")}
    )
    one, two = assess_quality(stream)
    assert (one.lead, is_usable(one)) == ("I", False)
    assert (two.lead, is_usable(two)) == ("II", True)


def test_other_signals_are_refused() -> None:
    film = Stream("b_mode", np.zeros((4, 2, 2)), np.arange(4), ("time", "z", "x"), "")
    with pytest.raises(InvalidArgumentError, match="leads over time"):
        assess_quality(film)


def test_most_leads_of_real_records_are_usable(shared_data) -> None:
    wfdb = pytest.importorskip("wfdb")
    for record in ("mitdb/100", "svdb/800"):
        path = shared_data / record
        if not path.with_suffix(".dat").is_file():
            pytest.skip(f"no '{path}.dat'")
        opened = wfdb.rdrecord(str(path), sampto=30_000)
        time = np.arange(30_000) / opened.fs
        found = assess_quality(
            Stream("ecg", opened.p_signal, time, ("time", "lead"), "mV")
        )
        assert all(is_usable(lead) for lead in found)
