"""Every dataset, task and model by its contract; a new one needs no test file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardium.core import OpenDataset
from cardium.datasets import DATASETS
from cardium.models import MODELS
from cardium.tasks import TASKS, open_task
from cardium.testing import check_dataset, check_model, check_task


@pytest.fixture(scope="session")
def fakes(tmp_path_factory) -> dict[str, OpenDataset]:
    """One fake of every dataset."""
    opened = {}
    for name in DATASETS.names():
        root = tmp_path_factory.mktemp(name)
        DATASETS.find(name).write_fake(root)
        opened[name] = DATASETS.find(name).open(root)
    return opened


def fitting(task) -> list[str]:
    """The datasets that provide what a task needs."""
    return [n for n in DATASETS.names() if not task.missing(DATASETS.find(n).provides)]


@pytest.mark.parametrize("name", DATASETS.names())
def test_dataset(name: str, tmp_path: Path) -> None:
    assert DATASETS.find(name).name == name
    check_dataset(DATASETS.find(name), tmp_path)


@pytest.mark.parametrize("name", TASKS.names())
def test_task(name: str, fakes) -> None:
    task = open_task(name)
    assert task.name == name
    assert fitting(task), f"no dataset provides what {name} needs"
    for dataset in fitting(task):
        data = fakes[dataset]
        entries = task.usable(data.catalog).entries[:8]
        check_task(task, [data.load(entry) for entry in entries])


PAIRS = [
    (m, t)
    for m in MODELS.names()
    for t in TASKS.names()
    if MODELS.find(m).can(open_task(t))
]


@pytest.mark.parametrize(("model", "name"), PAIRS)
def test_model(model: str, name: str, fakes, tmp_path: Path) -> None:
    task = open_task(name)
    assert MODELS.find(model).name == model
    check_model(MODELS.find(model), task, fakes[fitting(task)[0]], tmp_path)
