"""Age and sex: labels that count, areas and errors against peers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn import metrics as oracle

from cardium.core import Answer, Entry, Recording, Stream
from cardium.datasets import DATASETS
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal import LEADS
from cardium.tasks import open_task
from cardium.testing import check_task


def recording(name="r", leads=LEADS, **labels):
    ecg = Stream("ecg", np.ones((5000, len(leads))), np.arange(5000) / 500,
                 ("time", "lead"), "mV", coords={"lead": leads})  # fmt: skip
    provides = frozenset({"ecg", *labels})
    return Recording(Entry(name, name, "", provides, labels=labels), {"ecg": ecg})


@pytest.mark.parametrize("target", ["sex", "age"])
def test_contract(target):
    people = [("female", 40.0), ("male", 60.0), ("female", 71.0)]
    recordings = [
        recording(f"r{k}", sex=sex, age=age) for k, (sex, age) in enumerate(people)
    ]
    check_task(open_task("age_sex", target=target), recordings)


def test_truths():
    sex = open_task("age_sex")
    assert sex.target(recording(sex="female"), None).values["probability"] == 1
    assert sex.target(recording(sex="male"), None).values["probability"] == 0
    age = open_task("age_sex", target="age")
    assert age.target(recording(age=61.0), None).values["years"] == 61
    assert (sex.primary, age.primary) == ("auroc", "mae")
    assert not age.metrics["mae"].higher_is_better


@pytest.mark.parametrize("age", [math.nan, None, "old"])
def test_what_is_not_stated_is_refused(age):
    with pytest.raises(NotProvidedError, match="no age"):
        open_task("age_sex", target="age").target(recording(age=age), None)
    with pytest.raises(NotProvidedError, match="no sex"):
        open_task("age_sex").target(recording(sex=None), None)


def test_leads_that_are_not_there_are_refused():
    with pytest.raises(NotProvidedError, match="no lead 'I'"):
        open_task("age_sex").inputs(recording(leads=("MLII", "V1"), sex="male"))
    two = open_task("age_sex", leads=2)
    seen = two.inputs(recording(leads=("II", "I"), sex="male")).stream
    assert seen.coords["lead"] == ("I", "II")


def columns_of(task, name, given, true):
    rows = [
        task.score(Answer({name: np.array([g])}), Answer({name: np.array([t])}))
        for g, t in zip(given, true, strict=True)
    ]
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def test_sex_agrees_with_sklearn():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 80).astype(float)
    given = np.clip(0.3 * true + 0.7 * rng.random(80), 0, 1)
    task = open_task("age_sex")
    columns = columns_of(task, "probability", given, true)
    found = task.summarize(columns, np.arange(80))
    assert set(found) == set(task.metrics)
    assert found["auroc"] == pytest.approx(oracle.roc_auc_score(true, given))
    expected = oracle.average_precision_score(true, given)
    assert found["average_precision"] == pytest.approx(expected)
    assert found["log_loss"] == pytest.approx(oracle.log_loss(true, given))


def test_age_agrees_with_scipy_and_counts_patients():
    rng = np.random.default_rng(1)
    true = rng.uniform(20, 90, 60)
    given = true + rng.normal(2, 8, 60)
    task = open_task("age_sex", target="age")
    columns = columns_of(task, "years", given, true)
    found = task.summarize(columns, np.arange(60))
    assert set(found) == set(task.metrics)
    assert found["mae"] == pytest.approx(np.abs(given - true).mean())
    assert found["bias"] == pytest.approx((given - true).mean())
    assert found["correlation"] == pytest.approx(pearsonr(given, true).statistic)
    two = columns_of(task, "years", [50, 50, 90], [40, 40, 60])
    assert task.summarize(two, np.array([0, 0, 1]))["mae"] == 20
    same = columns_of(task, "years", [50.0, 50.0], [40.0, 60.0])
    assert math.isnan(task.summarize(same, np.arange(2))["correlation"])


def test_wrong_options_are_refused():
    with pytest.raises(InvalidArgumentError, match="'sex' or 'age', got 'height'"):
        open_task("age_sex", target="height")
    with pytest.raises(InvalidArgumentError, match="leads"):
        open_task("age_sex", leads=1)


def test_a_code_for_over_89_is_no_age(tmp_path):
    DATASETS.find("ptb_xl").write_fake(tmp_path)
    data = DATASETS.find("ptb_xl").open(tmp_path)
    catalog = open_task("age_sex", target="age").usable(data.catalog)
    assert all(entry.labels["age"] < 120 for entry in catalog)
    over = [e.id for e in data.catalog if e.labels["age_over_89"]]
    assert over == ["00003"]
    assert not {entry.id for entry in catalog} & {*over, "00004"}
    assert "00003" in {e.id for e in open_task("age_sex").usable(data.catalog)}


def test_real_ages(shared_data):
    """434 records; ages of 90 and 91 are stated as such, four are not stated."""
    data = DATASETS.find("ptb_xl").open(shared_data / "ptb_xl")
    catalog = open_task("age_sex", target="age").usable(data.catalog)
    ages = sorted(entry.labels["age"] for entry in catalog)
    assert (len(ages), ages[0], ages[-1]) == (430, 17, 91)
    assert len(open_task("age_sex").usable(data.catalog)) == 434
