"""A small network fitted to the classes of 2021, exported once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from cardium.core import Answer, Output, Sample, Split, Task
from cardium.datasets import DATASETS
from cardium.entries import export_challenge_2021
from cardium.fit import fit
from cardium.metrics.challenge import CLASSES_2021
from cardium.models import MODELS
from cardium.signal import select_leads
from cardium.signal.resampling import resample

BLOCK = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("cardium", "wfdb"):
            raise ImportError(f"an entry may not import {name}")
sys.meta_path.insert(0, Refuse())
"""

# a command typed once for each pair of folders, in one process: torch loads slowly
TYPED = """
import runpy, sys
script, *words = sys.argv[1:]
first = [words.pop(0)] if len(words) % 2 else []
for at in range(0, len(words), 2):
    sys.argv = [script, *first, *words[at : at + 2]]
    runpy.run_path(script, run_name="__main__")
"""


def inputs(recording):
    ecg = resample(select_leads(recording["ecg"], 12), 100.0)
    values = np.nan_to_num(ecg.load())
    return Sample(recording.entry.id, ecg.with_values(values.astype(np.float32)))


def target(recording, geometry):
    names = recording.entry.labels["scored"]
    truth = np.array([name in names for name in CLASSES_2021], np.float32)
    return Answer({"probability": truth})


TASK = Task(
    name="stand_in",
    title="Classes of 2021",
    needs=("ecg",),
    output=Output("probability", "multilabel", CLASSES_2021),
    inputs=inputs,
    target=target,
    score=lambda prediction, truth: {},
    summarize=lambda columns, patients: {},
    metrics={},
    primary="",
)


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """A fake of the challenge's data."""
    root = tmp_path_factory.mktemp("cinc")
    DATASETS.find("cinc_2021").write_fake(root)
    return root


def fit_small(root, out, name="resnet_1d", **settings):
    data = DATASETS.find("cinc_2021").open(root)
    empty = data.catalog[:0]
    split = Split(data.catalog, empty, empty, "all")
    recipe = MODELS.find(name)
    fit(
        TASK, data, recipe, out, split=split, settings=settings,
        steps=3, batch_size=4, accelerator="cpu", progress=False,
    )  # fmt: skip
    return data


@pytest.fixture(scope="session")
def run(records, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "small"
    data = fit_small(records, out, seconds=8.0, width=4, blocks=2)
    return out, data


@pytest.fixture(scope="session")
def entry(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("entries") / "entry"
    out, data = run
    return export_challenge_2021(
        out, folder, task=TASK, data=data, thresholds={"NSR": 0.25, "AF": 0.75}
    )


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """Run a script of an entry where cardium cannot be imported."""
    blocked = tmp_path_factory.mktemp("blocked")
    (blocked / "sitecustomize.py").write_text(BLOCK)
    probe = subprocess.run(
        [sys.executable, "-c", "import cardium"],
        env={**os.environ, "PYTHONPATH": str(blocked)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "may not import cardium" in probe.stderr

    def run_script(folder: Path, script: str, *words: object):
        done = subprocess.run(
            [sys.executable, "-c", TYPED, script, *map(str, words)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(blocked), "OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done

    return run_script


@pytest.fixture
def copied(entry, tmp_path):
    """A copy of the entry, to change."""
    return Path(shutil.copytree(entry, tmp_path / "entry"))


@pytest.fixture
def in_process(monkeypatch):
    """Import the code of an entry here, and forget it afterwards."""
    names = ("helper_code", "team_code", "network")

    def forget() -> None:
        for name in [n for n in sys.modules if n.split(".")[0] in names]:
            del sys.modules[name]

    def load(folder: Path):
        monkeypatch.syspath_prepend(folder)
        forget()
        return import_module("team_code")

    yield load
    forget()


def read_answer(path):
    """The name, classes, labels and probabilities of an answer."""
    name, classes, labels, probabilities = path.read_text().splitlines()
    return (
        name,
        classes.split(","),
        np.array(labels.split(","), int),
        np.array(probabilities.split(","), float),
    )
