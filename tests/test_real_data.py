"""The main job on real recordings, in short: it learns more than the baseline knows.

Nothing is tuned to these few recordings; the numbers are loose bounds that a swapped
axis, a shifted label or a wrong unit would break.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cardium.core import split_catalog
from cardium.datasets import DATASETS
from cardium.evaluate import predict, score
from cardium.fit import fit, load_run
from cardium.models import MODELS
from cardium.tasks import open_task


@pytest.fixture(autouse=True)
def _two_threads():
    """Use the two cores that a small machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def scored(task, data, model: str, split, side, out: Path, **options):
    """Fit a model, score a side that it has not seen."""
    run = fit(
        task,
        data,
        MODELS.find(model),
        out / model,
        split=split,
        accelerator="cpu",
        **options,
    )
    predict(load_run(run), task, data, side, run / "predictions", split_name="test")
    return score(run / "predictions", data=data, draws=200)


def test_ecg_superclass_on_ptb_xl(shared_data, tmp_path) -> None:
    task = open_task("ecg_superclass")
    data = DATASETS.find("ptb_xl").open(shared_data / "ptb_xl")
    catalog = task.usable(data.catalog)
    split = split_catalog(catalog, holdout=0.15)
    unseen = catalog.split("val")
    network = scored(task, data, "resnet_1d", split, unseen, tmp_path, steps=80)
    prior = scored(task, data, "training_mean", split, unseen, tmp_path)
    assert prior.summary["macro_auroc"].value == 0.5
    estimate = network.summary["macro_auroc"]
    assert estimate.value > 0.65
    assert estimate.low < estimate.value < estimate.high
    assert estimate.n_recordings == len(unseen)


def test_lv_segmentation_on_camus(shared_data, tmp_path) -> None:
    task = open_task("lv_segmentation")
    data = DATASETS.find("camus").open(shared_data / "camus")
    split = split_catalog(task.usable(data.catalog), folds=5, fold=0)
    size = {"settings": {"size": 64, "width": 8}}
    options = {"steps": 120, "learning_rate": 1e-2, **size}
    network = scored(task, data, "unet_2d", split, split.test, tmp_path, **options)
    mean = scored(task, data, "training_mean", split, split.test, tmp_path)
    assert 0.5 < mean.summary["dice_lv_cavity"].value < 0.9
    assert network.summary["dice_lv_cavity"].value > 0.75
    assert set(network.groups["phase"]) == {"ED", "ES"}
