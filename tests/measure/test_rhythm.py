"""Rates and intervals of phantoms that are known; formulas by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Entry, Recording, Stream
from cardium.errors import NotProvidedError, UnknownNameError
from cardium.measure.rhythm import COLUMNS, TEXTS, measure_ecg, qtc
from cardium.phantom._ecg_waves import Pattern
from cardium.phantom.ecg import LEADS, ecg_12_lead
from cardium.signal import label_stream

pytest.importorskip("neurokit2")


def record(*, streams=(), annotations=()) -> Recording:
    return Recording(
        Entry("r1", "p1", "", frozenset()),
        {s.name: s for s in streams},
        {a.name: a for a in annotations},
    )


def twelve(rr: float, seconds: float = 20, *, rate=500, pattern=None, name="ecg"):
    time, beats = np.arange(round(seconds * rate)) / rate, np.arange(0.6, seconds, rr)
    leads = ecg_12_lead(time, beats, pattern=pattern or Pattern())
    leads += 0.003 * np.random.default_rng(0).standard_normal(leads.shape)
    stream = Stream(name, leads, time, ("time", "lead"), "mV", coords={"lead": LEADS})
    return stream, beats


@pytest.mark.parametrize("rr", [0.6, 0.8, 1.0])
def test_rate_and_intervals_are_the_phantoms(rr) -> None:
    ecg, beats = twelve(rr)
    found = measure_ecg(record(streams=[ecg]))
    assert tuple(found) == COLUMNS
    assert {k for k, v in found.items() if isinstance(v, str)} == TEXTS
    assert (found["lead"], found["r_peak_method"]) == ("II", "detected")
    assert found["n_beats"] == len(beats)
    assert found["heart_rate_bpm"] == pytest.approx(60 / rr, rel=0.005)
    assert found["rr_ms"] == pytest.approx(1000 * rr, abs=3)
    assert found["pr_ms"] == pytest.approx(160, abs=20)
    assert found["qrs_ms"] == pytest.approx(96, abs=15)
    # The phantom's QT goes with the root of RR, as Bazett's does.
    qt = 0.048 + np.sqrt(rr) * (0.41 - 0.048)
    assert found["qt_ms"] == pytest.approx(1000 * qt, abs=30)
    assert found["qtc_bazett_ms"] == pytest.approx(
        found["qt_ms"] / np.sqrt(rr), rel=0.01
    )
    assert found["mean_nn_ms"] == pytest.approx(1000 * rr, abs=3)
    assert found["sdnn_ms"] < 5
    assert "25 s" in found["reason"]


def test_a_first_degree_block_and_a_long_qt_show() -> None:
    usual = measure_ecg(record(streams=[twelve(0.9)[0]]))
    long = measure_ecg(
        record(streams=[twelve(0.9, pattern=Pattern(pr=0.24, qtc=0.48))[0]])
    )
    assert long["pr_ms"] - usual["pr_ms"] == pytest.approx(80, abs=10)
    assert long["qt_ms"] - usual["qt_ms"] == pytest.approx(70 * np.sqrt(0.9), abs=15)


def test_corrections_by_hand() -> None:
    # QT 400 ms at 75 beats a minute, RR 0.8 s.
    got = qtc(0.4, 0.8)
    assert got.bazett == pytest.approx(0.4472, abs=1e-4)
    assert got.fridericia == pytest.approx(0.4309, abs=1e-4)
    assert got.framingham == pytest.approx(0.4308, abs=1e-4)
    assert got.hodges == pytest.approx(0.42625, abs=1e-5)
    assert qtc(0.4, 1.0) == (0.4, 0.4, 0.4, 0.4)
    assert np.isnan(qtc(0.4, float("nan"))).all()
    assert np.isnan(qtc(0.4, 0.0)).all()


def test_given_beats_go_first_and_ectopic_ones_do_not_count_as_variability() -> None:
    rr = np.full(100, 0.8)
    labels = ["N"] * 101
    for k in range(10, 100, 10):
        rr[k - 1], rr[k] = 0.5, 1.1
        labels[k] = "V"
    times = np.append(0.2, 0.2 + np.cumsum(rr))
    found = measure_ecg(record(annotations=[label_stream("beats", times, labels)]))
    assert (found["r_peak_method"], found["lead"]) == ("given", "")
    assert found["heart_rate_bpm"] == pytest.approx(75)
    assert found["sdnn_ms"] == pytest.approx(0, abs=1e-6)
    assert np.isnan(found["qt_ms"])
    bare = Stream("qrs", times, times, ("time",), "s")
    assert measure_ecg(record(annotations=[bare]))["sdnn_ms"] > 50


def test_variability_is_that_of_the_beats() -> None:
    times = [0.0]
    while times[-1] < 300:
        times.append(times[-1] + 0.8 + 0.04 * np.sin(2 * np.pi * 0.25 * times[-1]))
    bare = Stream("qrs", np.array(times), np.array(times), ("time",), "s")
    found = measure_ecg(record(annotations=[bare]))
    assert found["hf_ms2"] == pytest.approx(800, rel=0.1)
    assert found["lf_to_hf"] < 0.1
    assert found["reason"] == ""


def test_a_lead_may_be_chosen_and_the_slow_copy_used() -> None:
    ecg, beats = twelve(0.8, rate=100, name="ecg_100hz")
    found = measure_ecg(record(streams=[ecg]), lead="V5")
    assert (found["lead"], found["n_beats"]) == ("V5", len(beats))
    assert found["qrs_ms"] == pytest.approx(96, abs=30)
    with pytest.raises(UnknownNameError, match="V9"):
        measure_ecg(record(streams=[ecg]), lead="V9")


def test_what_cannot_be_measured_says_why() -> None:
    with pytest.raises(NotProvidedError, match="'r1' has neither"):
        measure_ecg(record())
    flat = Stream("ecg", np.zeros(5000), np.arange(5000) / 500, ("time",), "mV")
    found = measure_ecg(record(streams=[flat]))
    assert found["n_beats"] == 0
    assert np.isnan(found["heart_rate_bpm"])
    assert "0 beats" in found["reason"]
    short, _ = twelve(0.8, 1.8)
    found = measure_ecg(record(streams=[short]))
    assert found["heart_rate_bpm"] == pytest.approx(75, rel=0.01)
    assert np.isnan(found["qt_ms"])


def test_real_records_have_plausible_intervals(shared_data) -> None:
    folder = shared_data / "ptb_xl"
    if not folder.is_dir():
        pytest.skip(f"no '{folder}'")
    from cardium.datasets.ptb_xl import DATASET

    data = DATASET.open(folder)
    entries = [e for e in data.catalog if "ecg" in e.provides][:20]
    rows = [measure_ecg(DATASET.load(data.root, entry)) for entry in entries]
    usual = {
        name: np.nanmedian([row[name] for row in rows])
        for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_fridericia_ms")
    }
    assert 55 < usual["heart_rate_bpm"] < 85
    assert 100 < usual["pr_ms"] < 200
    assert 60 < usual["qrs_ms"] < 120
    assert 340 < usual["qtc_fridericia_ms"] < 450
