"""The contract of a model: it learns, answers in shape, and answers the same twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from cardium.core import OpenDataset, Recipe, Setting, Task, split_catalog
from cardium.testing.expect import expect

_SMALL: Mapping[str, Setting] = MappingProxyType(
    {"width": 8, "hidden": 8, "states": 2, "window": 1.0}
)
"""Settings that make a network small and quick, where it has them."""


def check_model(recipe: Recipe, task: Task, data: OpenDataset, folder: Path) -> None:
    """Hold a model to its contract, by a very short training.

    Parameters
    ----------
    recipe : Recipe
        The model.
    task : Task
        A task that it can answer.
    data : OpenDataset
        A dataset that provides what the task needs.
    folder : Path
        An empty folder for the run.

    Raises
    ------
    ConformanceError
        If a prediction is not what the task asks for, if two predictions of one
        sample differ, if a stored and reloaded model predicts otherwise, or if its
        description is not JSON.
    AnswerError
        If a prediction has the wrong shape.
    """
    from cardium.fit import fit, load_run

    expect(recipe.can(task), f"{recipe.name} says it cannot answer '{task.name}'.")
    catalog = task.usable(data.catalog)
    split = split_catalog(catalog, folds=2, fold=0)
    small = {k: v for k, v in _SMALL.items() if k in recipe.settings}
    run = fit(
        task,
        data,
        recipe,
        folder / "run",
        split=split,
        settings=small,
        steps=2,
        batch_size=2,
    )
    model, again = load_run(run), load_run(run)
    for entry in split.test.entries[:2]:
        sample = task.inputs(data.load(entry))
        first = task.answer(sample, model.predict(sample))
        for other in (model, again):
            second = task.answer(sample, other.predict(sample))
            for name, value in first.values.items():
                expect(
                    np.array_equal(value, second.values[name]),
                    f"{recipe.name}: two predictions of '{entry.id}' differ.",
                )
    expect(
        json.loads(json.dumps(dict(model.describe()))),
        f"{recipe.name}: describe() says nothing.",
    )
