"""`cardium export challenge-2021` as typed, of a run of the registered task."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from cardium.cli import main
from cardium.core import Split
from cardium.datasets import DATASETS
from cardium.fit import fit
from cardium.models import MODELS
from cardium.tasks import open_task


@pytest.fixture
def typed(monkeypatch, capsys):
    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardium", "export", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def registered(records, tmp_path_factory):
    """A run of task challenge_2021 for two leads."""
    data = DATASETS.find("cinc_2021").open(records)
    empty = data.catalog[:0]
    return fit(
        open_task("challenge_2021", rate=100, leads=2, threshold=0.25),
        data,
        MODELS.find("resnet_1d"),
        tmp_path_factory.mktemp("registered") / "run",
        split=Split(data.catalog, empty, empty, "all"),
        settings={"width": 4, "blocks": 1},
        steps=1, batch_size=2, accelerator="cpu", progress=False,
    )  # fmt: skip


def test_a_run_becomes_an_entry(typed, registered, records, tmp_path):
    folder = tmp_path / "entry"
    status, out, err = typed("challenge-2021", registered, folder, "--root", records)
    assert (status, out.strip(), err) == (0, str(folder), "")
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["lead_sets"] == [["I", "II"]]
    assert settings["input"]["rate"] == 100
    assert settings["classes"][4] == "733534002|164909002"
    with np.load(folder / "model" / "I_II.npz") as file:
        about = json.loads(str(file["about"]))
    assert about["thresholds"] == [0.25] * 26
    assert max(about["priors"]) == pytest.approx(0.4)  # NSR, 4 of 10 records
    status, _, err = typed("challenge-2021", registered, folder, "--root", records)
    assert status == 1
    assert "holds something" in err


def test_without_the_data_it_says_what_that_means(
    typed, registered, tmp_path, monkeypatch
):
    monkeypatch.setenv("CARDIUM_DATA", str(tmp_path / "nowhere"))
    status, _, err = typed("challenge-2021", registered, tmp_path / "entry")
    assert status == 0
    assert "probabilities of 0" in err
    missing = typed(
        "challenge-2021", registered, tmp_path / "b", "--root", tmp_path / "no"
    )
    assert missing[0] == 1


def test_options_of_recordings_are_refused(typed, registered, tmp_path):
    words = ("challenge-2021", registered, tmp_path / "e", "-o", "a.nii")
    assert typed(*words)[0] == 2
    status, _, err = typed("nifti", "camus", "patient0001_2CH")
    assert status == 2
    assert "--output" in err
