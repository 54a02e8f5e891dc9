"""R peaks where the phantom put them, and where MIT-BIH's readers saw them."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Entry, Recording, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.phantom.ecg import ecg_12_lead, ecg_trace
from cardium.signal import find_r_peaks, r_peaks

TOLERANCE = 0.0101


def ecg(values, rate: float, start: float = 0.0) -> Stream:
    values = np.asarray(values)
    dims = ("time", "lead")[: values.ndim]
    return Stream("ecg", values, start + np.arange(len(values)) / rate, dims, "")


def recorded(r_times, seconds, rate, *, scale=1.0, noise=0.0, drift=0.0, seed=0):
    time = np.arange(round(seconds * rate)) / rate
    trace = ecg_trace(time, np.asarray(r_times, float))
    trace += noise * np.random.default_rng(seed).standard_normal(len(time))
    trace += drift * np.sin(2 * np.pi * 0.3 * time)
    return ecg((scale * trace).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [100, 200, 500])
@pytest.mark.parametrize("scale", [1.0, -1.0, 3000.0, -0.001])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_peaks_are_found_whatever_scale_and_polarity(rate, scale, noise) -> None:
    true = np.array([0.31, 1.12, 1.95, 2.70, 3.55])
    got = find_r_peaks(recorded(true, 4.0, rate, scale=scale, noise=noise, drift=0.3))
    assert len(got) == len(true)
    assert np.abs(got - true).max() < TOLERANCE


@pytest.mark.parametrize("rate", [200, 500])
@pytest.mark.parametrize("scale", [1.0, -50.0])
@pytest.mark.parametrize("first", [0.15, 0.4, 0.7])
def test_a_clip_of_one_beat_has_one_peak(rate, scale, first) -> None:
    got = find_r_peaks(recorded([first, first + 0.95], 0.9, rate, scale=scale))
    assert got == pytest.approx([first], abs=TOLERANCE)


def test_a_clip_of_two_beats_at_any_place() -> None:
    rng = np.random.default_rng(3)
    for seed in range(12):
        first = rng.uniform(0.06, 0.5)
        true = np.array([first, first + 0.8])
        beats = np.array([first - 0.8, *true, first + 1.6])
        got = find_r_peaks(recorded(beats, first + 1.4, 200, noise=0.03, seed=seed))
        assert got == pytest.approx(true, abs=TOLERANCE)


def test_times_are_on_the_clock_of_the_trace() -> None:
    trace = recorded([0.4, 1.2], 1.6, 200).values
    got = find_r_peaks(ecg(trace, 200, start=100.0))
    assert got == pytest.approx([100.4, 101.2], abs=TOLERANCE)


def test_fast_hearts_and_slow_ones() -> None:
    for rr in (0.33, 1.9):
        true = np.arange(0.2, 6.0, rr)
        assert find_r_peaks(recorded(true, 6.0, 250)) == pytest.approx(true, abs=0.01)


def test_samples_that_are_missing_are_bridged() -> None:
    stream = recorded([0.4, 1.2, 2.0], 2.6, 200)
    stream.values[160:170] = np.nan
    assert find_r_peaks(stream) == pytest.approx([0.4, 1.2, 2.0], abs=TOLERANCE)


@pytest.mark.parametrize(
    "values", [np.zeros(400), np.full(400, np.nan), np.zeros(0), np.ones(2)]
)
def test_a_flat_trace_has_no_peaks(values) -> None:
    assert find_r_peaks(ecg(values, 200)).tolist() == []


def test_several_leads_or_too_few_samples_are_refused() -> None:
    time = np.arange(400) / 200
    leads = ecg_12_lead(time, np.array([0.4, 1.4]))
    with pytest.raises(InvalidArgumentError, match="choose one"):
        find_r_peaks(ecg(leads, 200))
    with pytest.raises(InvalidArgumentError, match="40 samples a second"):
        find_r_peaks(ecg(leads[:, 1], 40))
    for lead in (0, 1, 6, 10):
        got = find_r_peaks(ecg(leads[:, lead], 200))
        assert len(got) == 2, lead


@pytest.mark.parametrize(("record", "least"), [("100", 0.999), ("208", 0.99)])
def test_beats_of_real_records(shared_data, record, least) -> None:
    wfdb = pytest.importorskip("wfdb")
    path = shared_data / "mitdb" / record
    if not path.with_suffix(".dat").is_file():
        pytest.skip(f"no '{path}.dat'")
    stop = 360 * 600
    signal = wfdb.rdrecord(str(path), sampto=stop, channels=[0]).p_signal[:, 0]
    marks = wfdb.rdann(str(path), "atr", sampto=stop)
    beat = np.isin(marks.symbol, list("NLRAaJSVFejnE/fQ"))
    true = marks.sample[beat] / 360
    got = find_r_peaks(ecg(signal, 360))
    gap = np.abs(got[:, None] - true)
    assert (gap.min(axis=0) < 0.15).mean() >= least
    assert (gap.min(axis=1) < 0.15).mean() >= least


def recording(*, streams=(), annotations=()) -> Recording:
    return Recording(
        Entry("exam-1", "p", "", frozenset()),
        {s.name: s for s in streams},
        {a.name: a for a in annotations},
    )


def test_given_triggers_go_before_detected_ones() -> None:
    trace = recorded([0.4, 1.2], 1.8, 200)
    at = np.array([0.41, 1.21])
    qrs = Stream("qrs", at, at, ("time",), "s")
    times, method = r_peaks(recording(streams=[trace], annotations=[qrs]))
    assert (times.tolist(), method) == ([0.41, 1.21], "given")
    times, method = r_peaks(recording(streams=[trace]))
    assert times == pytest.approx([0.4, 1.2], abs=TOLERANCE)
    assert method == "detected"


def test_without_any_the_recording_is_named() -> None:
    with pytest.raises(NotProvidedError, match="'exam-1' has neither"):
        r_peaks(recording())
    with pytest.raises(NotProvidedError, match=r"'exam-1': no R peak"):
        r_peaks(recording(streams=[ecg(np.zeros(400), 200)]))
