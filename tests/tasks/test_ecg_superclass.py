"""The ECG task: rates, labels, pooled areas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as oracle

from cardium.core import Answer, Entry, Recording, Stream
from cardium.errors import (
    AnswerError,
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.signal import LEADS
from cardium.tasks import open_task
from cardium.tasks.ecg_superclass import CLASSES
from cardium.testing import check_task

WRITTEN = ("I", "II", "III", "AVR", "AVL", "AVF", *(f"V{k}" for k in range(1, 7)))


def sine(rate, hertz=4.0):
    time = np.arange(10 * rate) / rate
    wave = np.sin(2 * np.pi * hertz * time)
    return time, wave[:, None] * np.arange(1, 13)


def recording(name="r0", patient="p0", labels=("NORM",), rates=(500,)):
    streams = {}
    for rate in rates:
        key = "ecg_100hz" if rate == 100 else "ecg"
        time, values = sine(rate)
        if rate == 100:
            values = values + 1  # so that a test sees which one was taken
        streams[key] = Stream(
            key, values, time, ("time", "lead"), "mV", coords={"lead": WRITTEN}
        )
    provides = frozenset({*streams, "superclass"})
    return Recording(
        Entry(name, patient, "test", provides, labels={"superclass": labels}), streams
    )


@pytest.mark.parametrize("rate", [100, 500])
def test_contract(rate):
    kinds = (("NORM",), ("MI", "STTC"), ("CD",), ("HYP",))
    recordings = [
        recording(f"r{k}", f"p{k}", names, (500, 100)) for k, names in enumerate(kinds)
    ]
    check_task(open_task("ecg_superclass", rate=rate), recordings)


def test_the_official_copy_is_taken_where_there_is_one():
    task = open_task("ecg_superclass")
    official = task.inputs(recording(rates=(500, 100))).stream
    assert official.shape == (1000, 12)
    np.testing.assert_allclose(official.load(), sine(100)[1] + 1, rtol=1e-6)


def test_500_hz_is_resampled_to_100_hz_without_a_shift():
    stream = open_task("ecg_superclass").inputs(recording()).stream
    assert stream.shape == (1000, 12)
    assert stream.rate == pytest.approx(100)
    assert stream.coords["lead"] == LEADS
    assert stream.load().dtype == np.float32
    _, expected = sine(100)
    np.testing.assert_allclose(stream.load()[100:-100], expected[100:-100], atol=0.02)


def test_500_hz_stays_as_it_is():
    stream = open_task("ecg_superclass", rate=500).inputs(recording()).stream
    np.testing.assert_array_equal(stream.load(), sine(500)[1].astype(np.float32))
    assert stream.time[-1] == pytest.approx(9.998)


def test_an_offset_does_not_droop_at_the_ends():
    time = np.arange(5000) / 500
    names = {"lead": LEADS}
    flat = Stream(
        "ecg", np.full((5000, 12), 2.0), time, ("time", "lead"), "mV", coords=names
    )
    entry = Entry("r", "p", "", frozenset({"ecg"}))
    values = open_task("ecg_superclass").inputs(Recording(entry, {"ecg": flat})).stream
    np.testing.assert_allclose(values.load(), 2.0, atol=1e-5)


def test_target_by_name():
    task = open_task("ecg_superclass")
    truth = task.target(recording(labels=("STTC", "MI")), None)
    assert truth.values["probability"].tolist() == [0, 0, 1, 0, 1]
    assert task.output.classes == ("CD", "HYP", "MI", "NORM", "STTC")
    with pytest.raises(DataCorruptError, match="'AF'"):
        task.target(recording(labels=("AF",)), None)
    with pytest.raises(NotProvidedError, match="superclass"):
        task.target(recording(labels=None), None)
    with pytest.raises(NotProvidedError, match="has no superclass statement"):
        task.target(recording(labels=()), None)


def scored(count=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, (count, 5))
    probability = np.clip(0.3 * truth + rng.random((count, 5)) * 0.7, 0, 1)
    task = open_task("ecg_superclass")
    rows = [
        task.score(Answer({"probability": p}), Answer({"probability": t}))
        for p, t in zip(probability.astype(np.float32), truth, strict=True)
    ]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return task, columns, probability.astype(np.float32), truth


def test_summary_agrees_with_sklearn():
    task, columns, probability, truth = scored()
    found = task.summarize(columns, np.arange(len(truth)))
    assert set(found) == set(task.metrics)
    assert found["macro_auroc"] == pytest.approx(
        oracle.roc_auc_score(truth, probability, average="macro")
    )
    assert found["macro_average_precision"] == pytest.approx(
        oracle.average_precision_score(truth, probability, average="macro")
    )
    for k, name in enumerate(CLASSES):
        assert found[f"auroc_{name}"] == pytest.approx(
            oracle.roc_auc_score(truth[:, k], probability[:, k])
        )
    losses = [
        oracle.log_loss(truth[:, k], probability[:, k].astype(float)) for k in range(5)
    ]
    assert found["log_loss"] == pytest.approx(np.mean(losses), rel=1e-5)


def test_a_class_nobody_has_is_left_out_by_name():
    task, columns, probability, truth = scored()
    columns["truth_HYP"] = np.zeros(len(truth))
    found = task.summarize(columns, np.arange(len(truth)))
    assert math.isnan(found["auroc_HYP"])
    kept = [0, 2, 3, 4]
    assert found["macro_auroc"] == pytest.approx(
        oracle.roc_auc_score(truth[:, kept], probability[:, kept])
    )


def test_wrong_options_and_answers_are_refused():
    with pytest.raises(InvalidArgumentError, match="100 or 500 Hz, got 250"):
        open_task("ecg_superclass", rate=250)
    task = open_task("ecg_superclass")
    sample = task.inputs(recording())
    with pytest.raises(AnswerError, match="sigmoid"):
        task.answer(sample, {"probability": np.full(5, 3.0)})
    with pytest.raises(AnswerError, match=r"\(5,\)"):
        task.answer(sample, {"probability": np.full(4, 0.5)})
