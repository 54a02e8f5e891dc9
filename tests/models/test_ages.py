"""Models of numbers on a registered task: the option of a task that is not its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cardium.core import OpenDataset, split_catalog
from cardium.datasets import DATASETS
from cardium.evaluate import evaluate
from cardium.fit import fit, load_run
from cardium.models import MODELS
from cardium.tasks import open_task
from cardium.testing import check_model


@pytest.fixture(scope="module")
def people(tmp_path_factory) -> OpenDataset:
    """A fake of PTB-XL."""
    root = tmp_path_factory.mktemp("ptb_xl")
    DATASETS.find("ptb_xl").write_fake(root)
    return DATASETS.find("ptb_xl").open(root)


@pytest.mark.parametrize("name", ["training_mean", "wavelet_features", "resnet_1d"])
def test_ages_are_answered_as_the_contract_asks(people, tmp_path, name: str) -> None:
    check_model(MODELS.find(name), open_task("age_sex", target="age"), people, tmp_path)


def test_the_mean_age_of_the_training_side_is_scored(people, tmp_path: Path) -> None:
    task = open_task("age_sex", target="age")
    split = split_catalog(task.usable(people.catalog), folds=2, fold=0)
    recipe = MODELS.find("training_mean")
    run = fit(task, people, recipe, tmp_path / "run", split=split, progress=False)
    model = load_run(run)
    assert dict(model.task.options) == dict(task.options)
    report = evaluate(model, task, people, folds=2, fold=0, draws=10)
    mean = np.mean([entry.labels["age"] for entry in split.train])
    by_patient: dict[str, list[float]] = {}
    for entry in split.test:
        by_patient.setdefault(entry.patient, []).append(mean - entry.labels["age"])
    error = np.mean([np.mean(np.abs(one)) for one in by_patient.values()])
    bias = np.mean([np.mean(one) for one in by_patient.values()])
    assert report.summary["mae"].value == pytest.approx(error, rel=1e-5)
    assert report.summary["bias"].value == pytest.approx(bias, rel=1e-5)
    assert np.isnan(report.summary["correlation"].value)
    assert report.skipped == ()
