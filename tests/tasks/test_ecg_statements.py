"""The six tasks of PTB-XL: classes, likelihoods, leads, Fmax and speed."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pytest
from sklearn import metrics as oracle

from cardium.core import Answer, Entry, Recording, Stream
from cardium.datasets import DATASETS, ptb_xl
from cardium.errors import DataCorruptError, InvalidArgumentError, NotProvidedError
from cardium.evaluate import bootstrap_intervals
from cardium.signal import LEAD_SETS, LEADS
from cardium.tasks import open_task
from cardium.testing import check_task

SIZES = {
    "ecg_superclass": 5,
    "ecg_subclass": 23,
    "ecg_diagnostic": 44,
    "ecg_form": 19,
    "ecg_rhythm": 12,
    "ecg_statements": 71,
}


def recording(values=None, **labels):
    """Twelve leads of 10 s; lead k is k + 1 mV throughout."""
    if values is None:
        values = np.tile(np.arange(1.0, 13.0), (5000, 1))
    ecg = Stream(
        "ecg",
        values,
        np.arange(len(values)) / 500,
        ("time", "lead"),
        "mV",
        coords={"lead": LEADS},
    )
    entry = Entry("r", "p", "", frozenset({"ecg", *labels}), labels=labels)
    return Recording(entry, {"ecg": ecg})


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_classes_are_those_of_the_release_in_the_order_of_names(
    shared_data, name, size
):
    table = ptb_xl.read_statements(shared_data / "ptb_xl")
    chosen = {
        "ecg_superclass": {s.superclass for s in table.values()} - {""},
        "ecg_subclass": {s.subclass for s in table.values()} - {""},
        "ecg_diagnostic": {code for code, s in table.items() if s.diagnostic},
        "ecg_form": {code for code, s in table.items() if s.form},
        "ecg_rhythm": {code for code, s in table.items() if s.rhythm},
        "ecg_statements": set(table),
    }[name]
    task = open_task(name)
    assert task.output.classes == tuple(sorted(chosen))
    assert len(task.output.classes) == size


@pytest.mark.parametrize("name", SIZES)
def test_metrics_can_be_read_in_a_terminal(name):
    task = open_task(name)
    assert len(task.metrics) <= 27
    assert next(iter(task.metrics)) == task.primary == "macro_auroc"
    by_class = [key for key in task.metrics if key.startswith("auroc_")]
    assert len(by_class) in (0, len(task.output.classes))
    assert ("classes" in task.metrics) == (not by_class)


def test_names_with_strokes_and_brackets():
    task = open_task("ecg_statements")
    truth = task.target(recording(all=("LAO/LAE", "NST_", "PRC(S)")), None)
    named = [c for c, t in zip(task.output.classes, truth.values["probability"]) if t]  # noqa: B905
    assert named == ["LAO/LAE", "NST_", "PRC(S)"]
    row = task.score(truth, truth)
    assert row["truth_LAO/LAE"] == row["probability_PRC(S)"] == 1.0
    assert row["truth_NORM"] == 0.0
    sub = open_task("ecg_subclass")
    assert "auroc_LAFB/LPFB" in sub.metrics


STATED = ("IMI:15", "NDT:80", "LVH:0", "ABQRS:0", "SR:0", "LAO/LAE:35")


@pytest.mark.parametrize(
    ("name", "least", "names"),
    [
        ("ecg_superclass", 10, ["HYP", "MI", "STTC"]),
        ("ecg_superclass", 50, ["HYP", "STTC"]),  # LVH stays: 0 is not stated
        ("ecg_subclass", 20, ["LAO/LAE", "LVH", "STTC"]),
        ("ecg_diagnostic", 50, ["LVH", "NDT"]),
        ("ecg_form", 100, ["ABQRS", "NDT"]),  # no threshold on form codes
        ("ecg_rhythm", 100, ["SR"]),
        ("ecg_statements", 50, ["ABQRS", "LVH", "NDT", "SR"]),
    ],
)
def test_a_likelihood_is_asked_of_diagnoses_alone(name, least, names):
    task = open_task(name, min_likelihood=least)
    assert "scp_codes" in task.needs
    truth = task.target(recording(scp_codes=STATED), None).values["probability"]
    assert [task.output.classes[k] for k in np.flatnonzero(truth)] == names


def test_without_a_likelihood_the_label_is_read():
    task = open_task("ecg_diagnostic")
    assert task.needs == (("ecg_100hz", "ecg"), "diagnostic")
    assert open_task("ecg_rhythm").needs[1] == "rhythm_statements"
    truth = task.target(recording(diagnostic=("NORM",)), None)
    assert truth.values["probability"].sum() == 1


def test_no_statement_that_is_likely_enough():
    task = open_task("ecg_superclass", min_likelihood=50)
    with pytest.raises(NotProvidedError, match=r"no superclass statement of 50 %"):
        task.target(recording(scp_codes=("IMI:15", "SR:0")), None)
    with pytest.raises(DataCorruptError, match="'IMI'"):
        task.target(recording(scp_codes=("IMI",)), None)
    with pytest.raises(NotProvidedError, match="'scp_codes'"):
        task.target(recording(), None)


@pytest.mark.parametrize("leads", [12, 6, 4, 3, 2])
def test_sets_of_leads(leads):
    stream = open_task("ecg_form", leads=leads, rate=500).inputs(recording()).stream
    assert stream.coords["lead"] == LEAD_SETS[leads]
    number = [LEADS.index(name) + 1 for name in LEAD_SETS[leads]]
    np.testing.assert_array_equal(stream.load()[7], number)
    assert stream.load().dtype == np.float32


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"leads": 5}, "12, 6, 4, 3, 2, got 5"),
        ({"rate": 250}, "100 or 500 Hz, got 250"),
        ({"min_likelihood": 101}, "0..100, got 101"),
    ],
)
@pytest.mark.parametrize("name", ["ecg_superclass", "ecg_statements"])
def test_options_out_of_range(name, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        open_task(name, **options)


def test_options_are_kept_for_provenance():
    given = {"rate": 500, "min_likelihood": 50.0, "leads": 6}
    assert dict(open_task("ecg_form", **given).options) == given


@pytest.mark.parametrize("rate", [100, 500])
def test_samples_that_are_no_number_are_0(rate):
    values = np.full((5000, 12), 1.0)
    values[1000:2000, 3] = np.nan
    values[:, 7] = np.nan
    stream = open_task("ecg_form", rate=rate).inputs(recording(values)).stream
    found = stream.load()
    assert np.isfinite(found).all()
    assert not found[:, 7].any()
    assert not found[int(2.1 * rate) : int(3.9 * rate), 3].any()
    np.testing.assert_allclose(found[:, 0], 1, atol=1e-5)
    np.testing.assert_allclose(found[int(5 * rate) :, 3], 1, atol=1e-5)


def columns_of(task, probability, truth):
    rows = [
        task.score(Answer({"probability": p}), Answer({"probability": t}))
        for p, t in zip(probability, truth, strict=True)
    ]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def drawn(task, count, seed=0):
    rng = np.random.default_rng(seed)
    size = len(task.output.classes)
    truth = (rng.random((count, size)) < np.geomspace(0.01, 0.6, size)).astype(float)
    truth[truth.sum(axis=1) == 0, -1] = 1
    probability = np.clip(0.3 * truth + 0.7 * rng.random((count, size)), 0, 1)
    return probability.astype(np.float32), truth


def test_all_71_areas_agree_with_sklearn():
    task = open_task("ecg_statements")
    probability, truth = drawn(task, 400)
    truth[:, 10] = 0
    found = task.summarize(columns_of(task, probability, truth), np.arange(400))
    kept = [k for k in range(71) if 0 < truth[:, k].sum() < 400]
    assert found["classes"] == len(kept) < 71
    assert found["macro_auroc"] == pytest.approx(
        oracle.roc_auc_score(truth[:, kept], probability[:, kept], average="macro")
    )
    assert found["macro_average_precision"] == pytest.approx(
        oracle.average_precision_score(truth[:, kept], probability[:, kept])
    )
    assert set(found) == set(task.metrics)


def test_a_hundred_draws_of_71_classes_are_quick():
    """2203 recordings, the size of fold 10; one draw is some milliseconds."""
    task = open_task("ecg_statements")
    probability, truth = drawn(task, 2203)
    columns = {f"probability_{c}": probability[:, k].astype(float)
               for k, c in enumerate(task.output.classes)}  # fmt: skip
    columns |= {f"truth_{c}": truth[:, k] for k, c in enumerate(task.output.classes)}
    columns["log_loss"] = np.zeros(2203)
    task.summarize(columns, np.arange(2203))  # compiles
    taken = []
    for _ in range(3):  # the best of three, as other programs may run
        start = time.perf_counter()
        found = bootstrap_intervals(columns, np.arange(2203), task.summarize, draws=100)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 2.5
    assert found["macro_auroc"].low < found["macro_auroc"].value
    assert found["fmax"].low < found["fmax"].value < found["fmax"].high


@pytest.mark.parametrize(("name", "size"), SIZES.items())
def test_real_records(shared_data, name, size):
    """Counted over the 434 records of the sample, by tables of the release alone."""
    data = DATASETS.find("ptb_xl").open(shared_data / "ptb_xl")
    task = open_task(name)
    catalog = task.usable(data.catalog)
    number = {"ecg_form": 110, "ecg_rhythm": 406, "ecg_statements": 434}.get(name, 424)
    assert len(catalog) == number
    truths = np.array(
        [
            task.target(Recording(entry, {}), None).values["probability"]
            for entry in catalog
        ]
    )
    assert truths.shape == (number, size)
    assert (truths.sum(axis=1) >= 1).all()
    if name == "ecg_superclass":
        assert truths.sum(axis=0).tolist() == [67, 33, 65, 261, 80]
    codes = Counter(c for held in ptb_xl.read_codes(data.root).values() for c in held)
    if size in (44, 19, 12, 71):
        expected = [codes[c] for c in task.output.classes]
        assert truths.sum(axis=0).tolist() == expected


def test_real_likelihoods_and_signals(shared_data):
    data = DATASETS.find("ptb_xl").open(shared_data / "ptb_xl")
    task = open_task("ecg_superclass", min_likelihood=100)
    total = np.zeros(5)
    for entry in task.usable(data.catalog):
        try:
            total += task.target(Recording(entry, {}), None).values["probability"]
        except NotProvidedError:
            continue
    assert total.tolist() == [65, 23, 22, 218, 74]
    check_task(open_task("ecg_superclass"), [data.load(e) for e in data.catalog[:12]])
    # the authors' copy at 100 Hz is filtered: it is not every fifth sample
    first = data["00001"]
    own = open_task("ecg_form").inputs(first).stream.load()
    np.testing.assert_array_equal(own, first["ecg_100hz"].load())
    assert np.abs(own - first["ecg"].load()[::5]).max() > 0.01
