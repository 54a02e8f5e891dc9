"""Classes of beats: leads, rates, mappings, pooled counts, real records."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb
from sklearn import metrics as oracle

from cardium.core import Answer, Entry, Recording, Stream
from cardium.datasets import DATASETS
from cardium.errors import (
    AnswerError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.signal import BEAT_CLASSES, BEAT_SYMBOLS, aami_class, label_stream
from cardium.tasks import open_task
from cardium.testing import check_task


def recording(
    symbols="NNVNAFN/j", leads=("V1", "MLII"), rate=360, seconds=10, name="r", **labels
):
    """Lead k is a sine of k + 1 Hz; beats are a second apart from 0.5 s."""
    time = np.arange(seconds * rate) / rate
    hertz = np.arange(1, len(leads) + 1)
    ecg = Stream(
        "ecg",
        np.sin(2 * np.pi * time[:, None] * hertz),
        time,
        ("time", "lead"),
        "mV",
        coords={"lead": leads},
    )
    beats = label_stream(
        "beats", 0.5 + np.arange(len(symbols)), symbols, known=BEAT_SYMBOLS
    )
    entry = Entry(name, name, "", frozenset({"ecg", "beats"}), labels=labels)
    return Recording(entry, {"ecg": ecg}, {"beats": beats})


def test_contract():
    check_task(
        open_task("beat_class"),
        [recording(name="a"), recording("NNAVVVNFQ", name="b"), recording(name="c")],
    )


def test_truth_of_symbols():
    task = open_task("beat_class")
    truth = task.target(recording(), None)
    named = [BEAT_CLASSES[k] for k in truth.values["beat"].argmax(axis=1)]
    assert named == ["N", "N", "V", "N", "S", "F", "N", "Q", "N"]
    assert truth.values["beat"].sum(axis=1).tolist() == [1] * 9
    np.testing.assert_allclose(truth.time, 0.5 + np.arange(9))
    other = open_task("beat_class", mapping="bxb").target(recording(), None)
    assert BEAT_CLASSES[other.values["beat"][-1].argmax()] == "S"
    assert task.options["mapping"] == "dechazal"
    assert "dechazal" in task.title


def test_what_a_model_sees():
    sample = open_task("beat_class").inputs(recording())
    assert sample.stream.coords["lead"] == ("ecg",)
    assert sample.stream.shape == (3600, 1)
    np.testing.assert_allclose(sample.events, 0.5 + np.arange(9))
    np.testing.assert_allclose(
        sample.stream.load()[:, 0], recording()["ecg"].load()[:, 1], atol=1e-6
    )


@pytest.mark.parametrize(
    ("leads", "hertz"),
    [(("V1", "MLII"), 2), (("V5", "ii"), 2), (("V5", "V2"), 1), (("ECG1", "ECG2"), 1)],
)
def test_the_usual_lead(leads, hertz):
    found = open_task("beat_class").inputs(recording(leads=leads)).stream.load()[:, 0]
    time = np.arange(3600) / 360
    np.testing.assert_allclose(found, np.sin(2 * np.pi * hertz * time), atol=1e-6)


def test_another_lead_by_name():
    task = open_task("beat_class", lead="v1")
    seen = task.inputs(recording()).stream.load()[:, 0]
    np.testing.assert_allclose(seen, recording()["ecg"].load()[:, 0], atol=1e-6)
    with pytest.raises(NotProvidedError, match=r"no lead 'V6'.*V1, MLII"):
        open_task("beat_class", lead="V6").inputs(recording())


@pytest.mark.parametrize("rate", [128, 250, 257])
def test_sources_of_all_rates_look_alike(rate):
    sample = open_task("beat_class").inputs(recording(rate=rate))
    assert sample.stream.rate == pytest.approx(360)
    time = sample.stream.time
    exact = np.sin(2 * np.pi * 2 * time)
    inside = slice(180, -180)
    found = sample.stream.load()[inside, 0]
    np.testing.assert_allclose(found, exact[inside], atol=0.01)


def test_paced_patients_are_refused():
    task = open_task("beat_class")
    paced = recording(paced=True)
    task.inputs(paced)
    with pytest.raises(NotProvidedError, match="paced"):
        task.target(paced, None)
    task.target(recording(paced=False), None)
    bare = Recording(paced.entry, paced.streams)
    with pytest.raises(NotProvidedError, match="no annotation 'beats'"):
        task.inputs(bare)


def test_counts_are_pooled_and_agree_with_sklearn():
    task = open_task("beat_class")
    rng = np.random.default_rng(0)
    rows, all_true, all_given = [], [], []
    for count in (200, 50, 400):
        true = rng.choice(5, count, p=[0.7, 0.1, 0.1, 0.05, 0.05])
        given = np.where(rng.random(count) < 0.8, true, rng.integers(0, 5, count))
        noise = 0.01 * rng.random((count, 5))
        soft = (np.eye(5)[given] + noise) / (1 + noise.sum(1, keepdims=True))
        rows.append(
            task.score(Answer({"beat": soft}), Answer({"beat": np.eye(5)[true]}))
        )
        all_true.append(true)
        all_given.append(given)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found = task.summarize(columns, np.arange(3))
    assert set(found) == set(task.metrics)
    true, given = np.concatenate(all_true), np.concatenate(all_given)
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(true, given))
    assert found["kappa"] == pytest.approx(oracle.cohen_kappa_score(true, given))
    ppv, se, f1, _ = oracle.precision_recall_fscore_support(true, given)
    for k, name in enumerate(BEAT_CLASSES):
        assert found[f"sensitivity_{name}"] == pytest.approx(se[k])
        assert found[f"ppv_{name}"] == pytest.approx(ppv[k])
        assert found[f"f1_{name}"] == pytest.approx(f1[k])
    assert found["mean_sensitivity"] == pytest.approx(se[:4].mean())
    assert found["macro_f1"] == pytest.approx(f1[:3].mean())
    expected = found["kappa"] / 2 + (se[1] + se[2] + ppv[1] + ppv[2]) / 8
    assert found["j_kappa"] == pytest.approx(expected)
    spared = ~((given == 2) & np.isin(true, [3, 4]))
    hits = ((given == 2) & (true == 2)).sum()
    assert found["ppv_V_ec57"] == pytest.approx(hits / ((given == 2) & spared).sum())


def test_wrong_options_and_answers_are_refused():
    with pytest.raises(UnknownNameError, match="'aami'"):
        open_task("beat_class", mapping="aami")
    with pytest.raises(InvalidArgumentError, match="rate"):
        open_task("beat_class", rate=0)
    task = open_task("beat_class")
    truth = task.target(recording(), None)
    with pytest.raises(AnswerError, match="9 beats"):
        task.score(Answer({"beat": np.zeros((8, 5))}), truth)
    with pytest.raises(AnswerError, match="softmax"):
        task.answer(task.inputs(recording()), {"beat": np.full((9, 5), 0.5)})


def test_real_records(shared_data):
    """Beats of three records as wfdb reads them; 105 has 46 that are not N."""
    data = DATASETS.find("mit_bih").open(shared_data / "mitdb")
    task = open_task("beat_class")
    counts = {}
    for name in ("100", "105", "208"):
        opened = data[name]
        truth = task.target(opened, None).values["beat"]
        counts[name] = dict(zip(BEAT_CLASSES, truth.sum(0).astype(int), strict=True))
        marks = wfdb.rdann(str(shared_data / "mitdb" / name), "atr")
        classes = [aami_class(s) for s in marks.symbol if s in BEAT_SYMBOLS]
        assert [BEAT_CLASSES[k] for k in truth.argmax(axis=1)] == classes
        sample = task.inputs(opened)
        signal = wfdb.rdrecord(str(shared_data / "mitdb" / name))
        place = signal.sig_name.index("MLII")
        np.testing.assert_allclose(
            sample.stream.load()[:, 0], signal.p_signal[:, place], atol=1e-6
        )
    assert counts["100"] == {"N": 2239, "S": 33, "V": 1, "F": 0, "Q": 0}
    assert counts["105"] == {"N": 2526, "S": 0, "V": 41, "F": 0, "Q": 5}
    assert counts["208"] == {"N": 1586, "S": 2, "V": 992, "F": 373, "Q": 2}


def test_a_real_record_of_128_hz(shared_data):
    data = DATASETS.find("svdb").open(shared_data / "svdb")
    sample = open_task("beat_class").inputs(data["800"])
    assert sample.stream.rate == 360
    truth = open_task("beat_class").target(data["800"], None).values["beat"]
    assert truth.sum(axis=0).tolist() == [1846, 30, 6, 1, 0]
