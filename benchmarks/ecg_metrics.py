"""Areas over many classes and beats matched against their peers, all in one process.

Run ``python benchmarks/ecg_metrics.py``; add ``--json`` for a machine. Contenders take
turns in every round, so whatever slows the machine slows them all; each time is the
median of the rounds. A peer that answers for a part of the work is timed on that part,
and the time is scaled up.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score
from wfdb.processing import compare_annotations

from cardium.evaluate import bootstrap_intervals
from cardium.metrics import count_beats, fmax, macro_areas
from cardium.tasks import open_task

RECORDS = 2203
"""Recordings in fold 10 of PTB-XL."""
DRAWS = 100
DATABASE = 48
"""Records of MIT-BIH, of half an hour at 360 Hz with some 2300 beats each."""
RATE, SAMPLES, BEATS = 360, 650_000, 2300
Contender = tuple[Callable[[], object], float]
"""What is timed, and how many times as much the whole is."""


def answers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw probabilities and truths of 71 classes, from rare ones to common ones."""
    rng = np.random.default_rng(0)
    truth = (rng.random((RECORDS, 71)) < np.geomspace(0.002, 0.6, 71)).astype(float)
    truth[0], truth[1] = 1, 0
    probability = np.clip(0.3 * truth + 0.7 * rng.random((RECORDS, 71)), 0, 1)
    return probability.astype(np.float32).astype(float), truth


def columns(
    probability: NDArray[Any], truth: NDArray[Any], classes: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    """Return what scoring the task leaves: a column for each class and each of both."""
    named = list(enumerate(classes))
    return {
        **{f"probability_{name}": probability[:, k] for k, name in named},
        **{f"truth_{name}": truth[:, k] for k, name in named},
        "log_loss": np.zeros(len(truth)),
    }


def both_by_sklearn(probability: NDArray[Any], truth: NDArray[Any]) -> list[float]:
    """Compute both areas of each class that has both outcomes."""
    return [
        area(truth[:, k], probability[:, k])
        for k in range(truth.shape[1])
        for area in (roc_auc_score, average_precision_score)
        if 0 < truth[:, k].sum() < len(truth)
    ]


def beats() -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Draw the beats of a database, and beats found: moved, some missed or made up."""
    rng = np.random.default_rng(1)
    pairs = []
    for _ in range(DATABASE):
        step = rng.normal(SAMPLES / BEATS, 30, BEATS).clip(120, 800)
        reference = np.cumsum(step).astype(np.int64)
        kept = reference[rng.random(BEATS) > 0.02]
        moved = kept + rng.integers(-20, 21, len(kept))
        found = np.unique(np.append(moved, rng.integers(60, SAMPLES, 50)))
        pairs.append((reference, found))
    return pairs


def contenders() -> dict[str, Contender]:
    """Return what is timed, by name; the first of each group is the project's."""
    task = open_task("ecg_statements")
    probability, truth = answers()
    scored = columns(probability, truth, task.output.classes)
    patients = np.arange(RECORDS)
    database = beats()

    def count_all() -> list[int]:
        return [
            count_beats(true / RATE, found / RATE, start=0).matched
            for true, found in database
        ]

    return {
        "areas of 71 classes: cardium": (
            partial(macro_areas, probability, truth, classes=task.output.classes),
            1,
        ),
        "areas of 71 classes: sklearn": (
            partial(both_by_sklearn, probability, truth),
            1,
        ),
        "Fmax: cardium": (partial(fmax, probability, truth), 1),
        "100 draws of all metrics: cardium": (
            partial(bootstrap_intervals, scored, patients, task.summarize, draws=DRAWS),
            1,
        ),
        "100 draws of all metrics: sklearn, areas alone": (
            partial(both_by_sklearn, probability, truth),
            DRAWS,
        ),
        "beats of 48 records: cardium": (count_all, 1),
        "beats of 48 records: wfdb": (
            lambda: [compare_annotations(*pair, 54).tp for pair in database[:8]],
            DATABASE / 8,
        ),
    }


def measure(rounds: int) -> list[dict[str, Any]]:
    """Time all contenders in turn."""
    running = contenders()
    for run, _ in running.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(rounds):
        for name, (run, whole) in running.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1000 * whole)
    middle = {name: median(values) for name, values in times.items()}
    return [
        {
            "contender": name,
            "ms": middle[name],
            "times_as_long": middle[name] / middle[f"{name.split(':')[0]}: cardium"],
        }
        for name in running
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each (5)")
    arguments = parser.parse_args()
    rows = measure(arguments.rounds)
    packages = ("numpy", "numba", "scikit-learn", "wfdb")
    about = {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
    if arguments.json:
        print(json.dumps({"about": about, "results": rows}, indent=2))
        return
    print(f"{RECORDS} recordings; {DATABASE} records of {BEATS} beats")
    print(", ".join(f"{name} {number}" for name, number in about.items()), end="\n\n")
    for row in rows:
        print(f"{row['contender']:48} {row['ms']:12.2f} ms {row['times_as_long']:9.1f}")


if __name__ == "__main__":
    main()
