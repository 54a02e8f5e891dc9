"""The tasks of the Challenges: codes, the score with and without weights, real data."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from sklearn import metrics as oracle

from cardium.core import Answer, Entry, Recording, Stream
from cardium.datasets import DATASETS
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.evaluate import bootstrap_intervals
from cardium.metrics import (
    CLASSES_2021,
    SCORED_2020,
    SCORED_2021,
    challenge_score,
    read_weights,
)
from cardium.signal import LEADS
from cardium.tasks import open_task
from cardium.testing import check_task

CODES = list(SCORED_2021)


def recording(dx, name="r", rate=500, leads=LEADS, seconds=4):
    time = np.arange(int(rate * seconds)) / rate
    ecg = Stream("ecg", np.sin(2 * np.pi * time)[:, None] * np.ones(len(leads)), time,
                 ("time", "lead"), "mV", coords={"lead": leads})  # fmt: skip
    entry = Entry(name, name, "", frozenset({"ecg", "dx"}), labels={"dx": tuple(dx)})
    return Recording(entry, {"ecg": ecg})


@pytest.fixture
def weights(tmp_path):
    """A table in the layout of the challenge, of other numbers."""
    names = {}
    for code, name in SCORED_2021.items():
        names.setdefault(name, []).append(code)
    size = len(names)
    half = np.triu(np.random.default_rng(0).random((size, size)).round(3), 1)
    matrix = half + half.T + np.eye(size)
    joined = ["|".join(codes) for codes in names.values()]
    lines = [",".join(["", *joined])]
    lines += [
        ",".join([name, *map(str, row)])
        for name, row in zip(joined, matrix, strict=True)
    ]
    path = tmp_path / "weights.csv"
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("name", ["challenge_2020", "challenge_2021"])
def test_contract(name, weights):
    recordings = [
        recording([code], f"r{k}")
        for k, code in enumerate(CODES)
        if code in SCORED_2020
    ]
    check_task(open_task(name), recordings)
    if name == "challenge_2021":
        check_task(open_task(name, weights=str(weights)), recordings)


def test_codes_to_classes():
    task = open_task("challenge_2021")
    truth = task.target(recording(["59118001", "713427006", "55930002", "426783006"]),
                        None)  # fmt: skip
    named = [CLASSES_2021[k] for k in np.flatnonzero(truth.values["probability"])]
    assert named == ["CRBBB|RBBB", "NSR"]
    assert not task.target(recording(["55930002"]), None).values["probability"].any()
    older = open_task("challenge_2020")
    assert len(older.output.classes) == 24
    assert not older.target(recording(["6374002"]), None).values["probability"].any()
    bare = Recording(Entry("r", "p", "", frozenset()), {})
    with pytest.raises(NotProvidedError, match="'dx'"):
        task.target(bare, None)


def test_without_weights_the_title_says_what_is_missing(weights):
    bare = open_task("challenge_2021")
    assert bare.primary == "macro_auroc"
    assert "challenge_score" not in bare.metrics
    assert "weights=PATH" in bare.title
    full = open_task("challenge_2021", weights=str(weights.parent))
    assert full.primary == next(iter(full.metrics)) == "challenge_score"
    assert "weights" not in full.title
    assert full.options["weights"] == str(weights.parent.absolute())
    again = open_task("challenge_2021", **full.options)
    assert dict(again.options) == dict(full.options)


def test_weights_that_are_not_there_or_of_another_year(weights, tmp_path):
    with pytest.raises(DataMissingError, match="evaluation-2020"):
        open_task("challenge_2020", weights=str(tmp_path / "none.csv"))
    with pytest.raises(DataCorruptError, match="2020"):
        open_task("challenge_2020", weights=str(weights))


def columns_of(task, probability, truth):
    rows = [
        task.score(Answer({"probability": p}), Answer({"probability": t}))
        for p, t in zip(probability, truth, strict=True)
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def test_summary_agrees_with_the_metric_and_with_sklearn(weights):
    rng = np.random.default_rng(2)
    truth = (rng.random((150, 26)) < 0.15).astype(float)
    probability = np.clip(0.4 * truth + 0.6 * rng.random((150, 26)), 0, 1)
    task = open_task("challenge_2021", weights=str(weights), threshold=0.45)
    found = task.summarize(columns_of(task, probability, truth), np.arange(150))
    assert set(found) == set(task.metrics)
    given = probability >= 0.45
    table = read_weights(weights)
    assert found["challenge_score"] == pytest.approx(
        challenge_score(given, truth, table)
    )
    assert found["exact_match"] == pytest.approx(oracle.accuracy_score(truth, given))
    assert found["macro_f1"] == pytest.approx(
        oracle.f1_score(truth, given, average="macro")
    )
    assert found["macro_auroc"] == pytest.approx(
        oracle.roc_auc_score(truth, probability)
    )
    columns = columns_of(task, probability, truth)
    drawn = bootstrap_intervals(columns, np.arange(150), task.summarize, draws=40)
    score = drawn["challenge_score"]
    assert score.low < score.value < score.high


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.45, 0.7])
def test_a_probability_at_the_threshold_is_predicted_in_every_metric(
    weights, threshold
):
    task = open_task("challenge_2021", weights=str(weights), threshold=threshold)
    truth = np.eye(26)
    # as answers are kept: in single precision, 0.7 is above and 0.45 below itself
    at = np.where(truth > 0, threshold, threshold / 2).astype(np.float32)
    found = task.summarize(columns_of(task, at, truth), np.arange(26))
    for name in ("challenge_score", "exact_match", "macro_f1", "f_2", "g_2"):
        assert found[name] == pytest.approx(1), name


def test_records_without_a_scored_diagnosis_count_but_not_in_the_score(weights):
    """As the challenge's own code: they are rows of zeros, and worth nothing."""
    task = open_task("challenge_2021", weights=str(weights), threshold=0.5)
    others = [recording(["55930002"]), recording(["55930002", "164884008"])]
    answers = np.full((4, 26), 0.1, np.float32)
    answers[[0, 1, 2], [0, 14, 5]] = 0.9  # right, right, made up, nothing
    known = [recording(["164889003"]), recording(["426783006"])]
    truths = [task.target(one, None).values["probability"] for one in known + others]
    assert not np.any(truths[2:])
    two, four = (
        task.summarize(columns_of(task, answers[:n], truths[:n]), np.arange(n))
        for n in (2, 4)
    )
    assert two["challenge_score"] == pytest.approx(1)
    assert four["challenge_score"] == pytest.approx(1)
    assert (two["exact_match"], four["exact_match"]) == (1.0, 0.75)


def test_inputs_at_one_rate_of_some_leads():
    task = open_task("challenge_2021", leads=3)
    sample = task.inputs(recording(CODES[:1], rate=257))
    assert sample.stream.rate == pytest.approx(500)
    assert sample.stream.coords["lead"] == ("I", "II", "V2")
    with pytest.raises(NotProvidedError, match="no lead 'V2'"):
        task.inputs(recording(CODES[:1], leads=("I", "II")))
    six = open_task("challenge_2021", leads=6)
    assert six.inputs(recording(CODES[:1], leads=("I", "II"))).stream.shape[1] == 6


@pytest.mark.parametrize(
    ("options", "match"),
    [({"threshold": 1}, "threshold"), ({"leads": 8}, "leads"), ({"rate": 0}, "rate")],
)
def test_options_out_of_range(options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        open_task("challenge_2021", **options)


def test_real_records(shared_data):
    """25 records: the truth is 1, sinus rhythm throughout is 0."""
    data = DATASETS.find("cinc_2021").open(shared_data / "cinc2021")
    official = str(shared_data / "cinc2021_evaluation")
    task = open_task("challenge_2021", weights=official)
    catalog = task.usable(data.catalog)
    assert len(catalog) == 25
    truths = np.array(
        [task.target(Recording(e, {}), None).values["probability"] for e in catalog]
    )
    rows = csv.DictReader(
        (shared_data / "cinc2021_evaluation" / "dx_mapping_scored.csv")
        .read_text()
        .splitlines()
    )
    scored = {row["SNOMEDCTCode"] for row in rows}
    by_hand = []
    for entry in catalog:
        header = next((shared_data / "cinc2021").rglob(f"{entry.id}.hea")).read_text()
        line = next(x for x in header.splitlines() if "Dx" in x)
        codes = [c.strip() for c in line.split(":")[1].split(",")]
        by_hand.append(len({SCORED_2021[c] for c in codes if c in scored}))
    assert truths.sum(axis=1).tolist() == by_hand
    always = np.zeros_like(truths)
    always[:, CLASSES_2021.index("NSR")] = 1
    patients = np.arange(len(catalog))
    best = task.summarize(columns_of(task, truths, truths), patients)
    least = task.summarize(columns_of(task, always, truths), patients)
    assert best["challenge_score"] == pytest.approx(1)
    assert least["challenge_score"] == pytest.approx(0)
    first = task.inputs(data.load(catalog.entries[0])).stream
    assert first.shape[1] == 12
    assert np.isfinite(first.load()).all()
