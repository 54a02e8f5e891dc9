"""R peaks where the phantom put them, and where MIT-BIH's readers saw them."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Entry, Recording, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.phantom.ecg import LEADS, ecg_12_lead, ecg_trace
from cardium.phantom.rhythm import Rhythm
from cardium.signal import BEAT_SYMBOLS, find_r_peaks, label_stream, r_peaks
from cardium.signal.ecg import choose_lead, one_lead

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


def named(values, rate: float, leads) -> Stream:
    time = np.arange(len(values)) / rate
    return Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": leads})


def test_of_named_leads_the_usual_one_is_taken() -> None:
    time, true = np.arange(2000) / 200, np.arange(0.4, 10, 0.9)
    leads = ecg_12_lead(time, true)
    stream = named(leads, 200, LEADS)
    assert choose_lead(stream) == "II"
    assert find_r_peaks(stream) == pytest.approx(true, abs=TOLERANCE)
    assert find_r_peaks(stream, lead="v5") == pytest.approx(true, abs=TOLERANCE)
    assert one_lead(stream, "AVR").values.tolist() == leads[:, 3].tolist()
    for name in ("V9", "MLII"):
        with pytest.raises(UnknownNameError, match=name):
            find_r_peaks(stream, lead=name)
    with pytest.raises(InvalidArgumentError, match="no lead 'II'"):
        find_r_peaks(ecg(leads[:, 1], 200), lead="II")


def test_a_lead_that_fell_off_is_passed_over() -> None:
    time, true = np.arange(2000) / 200, np.arange(0.4, 10, 0.9)
    leads = ecg_12_lead(time, true)
    leads[:, 1] = 0.0
    leads[:1200, 0] = np.nan
    stream = named(leads, 200, LEADS)
    assert choose_lead(stream) == "V5"
    assert find_r_peaks(stream) == pytest.approx(true, abs=TOLERANCE)
    assert choose_lead(named(leads[:, [6, 1]], 200, ("MLII", "V1"))) == "MLII"


def test_noise_hum_and_drift_are_no_beats() -> None:
    time = np.arange(60 * 250) / 250
    rng = np.random.default_rng(1)
    white = rng.standard_normal(len(time))
    for trace in (white, white.cumsum(), np.sin(2 * np.pi * 50 * time), time):
        assert len(find_r_peaks(ecg(trace, 250))) < 15


def test_a_stretch_without_contact_has_no_beats() -> None:
    true = np.arange(0.4, 60, 0.8)
    stream = recorded(true, 60, 250, noise=0.02)
    rng = np.random.default_rng(2)
    rounding = 0.005 * rng.integers(0, 2, 5000)
    for silence in (0.0, np.nan, rounding):
        stream.values[5000:10000] = silence
        got = find_r_peaks(stream)
        kept = true[(true < 20) | (true > 40)]
        assert len(got) == pytest.approx(len(kept), abs=1)
        assert np.abs(got[:, None] - true).min(axis=1).max() < TOLERANCE


def test_noise_of_a_third_of_a_millivolt_hides_no_beat() -> None:
    true = np.arange(0.4, 120, 0.8)
    got = find_r_peaks(recorded(true, 120, 360, noise=0.3, seed=4))
    found, wrong = matched(true, got)
    assert found >= 0.99 * len(true)
    assert wrong <= 0.01 * len(true)


def test_ectopic_beats_are_found_beside_normal_ones() -> None:
    kinds = ("sinus", "sinus", "ectopic") * 30
    true = np.cumsum(np.tile([1.0, 0.8, 0.55], 30))
    time = 0.6 + np.arange(70 * 360) / 360
    trace = ecg(ecg_trace(time, Rhythm(true, kinds)), 360, start=0.6)
    assert matched(true, find_r_peaks(trace)) == (len(true), 0)


def matched(true, got, window=0.15) -> tuple[int, int]:
    """Beats that match one to one, and those that are found and match none."""
    i = j = both = 0
    while i < len(true) and j < len(got):
        gap = got[j] - true[i]
        if abs(gap) <= window:
            i, j, both = i + 1, j + 1, both + 1
        elif gap < 0:
            j += 1
        else:
            i += 1
    return both, len(got) - both


def annotated(shared_data, record: str):
    """The first lead of a whole record, and the beats that its readers marked."""
    wfdb = pytest.importorskip("wfdb")
    path = shared_data / record
    if not path.with_suffix(".dat").is_file():
        pytest.skip(f"no '{path}.dat'")
    opened = wfdb.rdrecord(str(path), channels=[0])
    marks = wfdb.rdann(str(path), "atr")
    true = marks.sample[np.isin(marks.symbol, BEAT_SYMBOLS)] / opened.fs
    return ecg(opened.p_signal[:, 0], opened.fs), true


@pytest.mark.parametrize(
    ("record", "sensitivity", "predictive"),
    [
        ("mitdb/100", 0.9995, 0.9995),
        ("mitdb/105", 0.996, 0.992),
        ("mitdb/208", 0.997, 0.999),
        ("svdb/800", 0.9995, 0.999),
    ],
)
def test_beats_of_real_records(shared_data, record, sensitivity, predictive) -> None:
    stream, true = annotated(shared_data, record)
    got = find_r_peaks(stream)
    both, _ = matched(true, got)
    assert both / len(true) >= sensitivity
    assert both / len(got) >= predictive


def test_real_records_together_against_another_detector(shared_data) -> None:
    neurokit2 = pytest.importorskip("neurokit2")
    ours, theirs, beats = np.zeros(2, int), np.zeros(2, int), 0
    for record in ("mitdb/100", "mitdb/105", "mitdb/208", "svdb/800"):
        stream, true = annotated(shared_data, record)
        rate = stream.rate
        found = neurokit2.ecg_findpeaks(stream.load(), sampling_rate=round(rate))
        ours += matched(true, find_r_peaks(stream))
        theirs += matched(true, found["ECG_R_Peaks"] / rate)
        beats += len(true)
    assert ours[0] / beats >= max(0.998, theirs[0] / beats)
    assert ours[0] / ours.sum() >= max(0.997, theirs[0] / theirs.sum())


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


def test_labelled_beats_are_triggers_too() -> None:
    marked = label_stream("beats", [0.42, 1.22], "NV")
    trace = recorded([0.4, 1.2], 1.8, 200)
    times, method = r_peaks(recording(streams=[trace], annotations=[marked]))
    assert (times.tolist(), method) == ([0.42, 1.22], "given")


def test_without_any_the_recording_is_named() -> None:
    with pytest.raises(NotProvidedError, match="'exam-1' has neither"):
        r_peaks(recording())
    with pytest.raises(NotProvidedError, match=r"'exam-1': no R peak"):
        r_peaks(recording(streams=[ecg(np.zeros(400), 200)]))
