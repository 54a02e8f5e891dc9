"""An entry, run where there is no cardium, against cardium's own predictions."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from tests.conftest import BESIDE
from tests.entries.conftest import TASK, fit_small, read_answer

from cardium.datasets import DATASETS
from cardium.entries import class_codes, export_challenge_2021
from cardium.entries._network_source import network_files
from cardium.errors import InvalidArgumentError, RunConflictError
from cardium.fit import load_run
from cardium.io.challenge import write_record
from cardium.metrics.challenge import (
    CLASSES_2021,
    SCORED_2021,
    challenge_score,
    read_weights,
)
from cardium.models import MODELS
from cardium.signal import LEADS

RECIPES = [MODELS.find(name) for name in MODELS.names()]
NETWORKS = [r.name for r in RECIPES if r.family == "network" and r.input_rank == 1]


def write_made_up(folder):
    """Four records that cannot be read, and one record in three ways."""
    folder.mkdir()
    (folder / "A1.hea").write_text("nonsense")
    write_record(folder / "A2.hea", np.zeros((500, 1)), rate=500, leads=["I"])
    (folder / "A2.mat").write_bytes((folder / "A2.mat").read_bytes()[:99])
    write_record(folder / "A3.hea", np.zeros((500, 1)), rate=500, leads=["X"])
    (folder / "A4.hea").write_bytes((folder / "A3.hea").read_bytes())
    time = np.arange(1000) / 100
    one, two = np.sin(7 * time), np.cos(5 * time)
    chest = [np.sin(k * time) for k in range(1, 7)]
    limb = [two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    whole, eight = np.array([one, two, *limb, *chest]), np.array([one, two, *chest])
    write_record(folder / "B1.hea", whole.T, rate=100, leads=LEADS, gain=10_000)
    names = ("I", "II", *LEADS[6:])
    write_record(folder / "B2.hea", eight.T, rate=100, leads=names, gain=10_000)
    write_record(
        folder / "B3.hea", whole[::-1].T, rate=100, gain=10_000,
        leads=[name.upper() for name in LEADS[::-1]],
    )  # fmt: skip


@pytest.fixture(scope="session")
def answered(entry, alone, records, tmp_path_factory):
    """What the entry answers about fake, made-up and, where they are, real records."""
    base = tmp_path_factory.mktemp("answers")
    write_made_up(base / "in")
    folders = {"fake": records, "made_up": base / "in"}
    real = beside()
    if real.is_dir():
        folders["real"] = real
    words = [w for name, folder in folders.items() for w in (folder, base / name)]
    done = alone(entry, "run_model.py", "model", *words)
    return base, done


def beside():
    """The folder of real records, which may not be there."""
    return Path(os.environ.get("CARDIUM_TEST_DATA", BESIDE)) / "cinc2021"


def agree(folder, run, data):
    """Hold answers against cardium's own; return labels and truths."""
    model = load_run(run, task=TASK, device="cpu")
    labels, truths = [], []
    limits = np.full(26, 0.5)
    limits[CLASSES_2021.index("NSR")] = 0.25
    limits[CLASSES_2021.index("AF")] = 0.75
    for record in data:
        name, classes, answered, found = read_answer(folder / f"{record.entry.id}.csv")
        expected = model.predict(TASK.inputs(record))["probability"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(answered, found >= limits)
        assert name == f"#{record.entry.id}"
        assert classes == list(class_codes(CLASSES_2021))
        labels.append(answered)
        truths.append(TASK.target(record, None).values["probability"])
    assert len([*folder.iterdir()]) == len(labels)
    return np.array(labels), np.array(truths)


def test_codes_are_those_of_the_weights(shared_data):
    file = shared_data / "cinc2021_evaluation" / "weights.csv"
    header = file.read_text().splitlines()[0].split(",")[1:]
    assert list(class_codes(CLASSES_2021)) == header


def test_predictions_are_those_of_cardium(run, answered):
    agree(answered[0] / "fake", *run)


def test_real_records_are_answered_as_by_cardium_and_scored(run, answered, shared_data):
    data = DATASETS.find("cinc_2021").open(shared_data / "cinc2021")
    labels, truths = agree(answered[0] / "real", run[0], data)
    assert len(labels) == 25
    weights = read_weights(shared_data / "cinc2021_evaluation" / "weights.csv")
    assert -1 < challenge_score(labels, truths, weights) < 1


def test_what_cannot_be_read_is_answered_with_the_frequencies(answered, run):
    base, done = answered
    truths = [
        [name in entry.labels["scored"] for name in CLASSES_2021]
        for entry in run[1].catalog
    ]
    for name in ("A1", "A2", "A3", "A4"):
        _, _, labels, found = read_answer(base / "made_up" / f"{name}.csv")
        assert not labels.any()
        np.testing.assert_allclose(found, np.mean(truths, axis=0), atol=1e-12)
    reasons = re.findall(r"(\w+) cannot be read: (.*)", done.stderr)
    assert [name for name, _ in reasons] == ["A1", "A2", "A3", "A4"]
    assert "no line of the record" in reasons[0][1]
    assert "cut short" in reasons[1][1]
    assert "none of the leads" in reasons[2][1]
    assert "No such file" in reasons[3][1]


def test_limb_leads_that_lack_are_computed_and_order_does_not_matter(answered):
    folder = answered[0] / "made_up"
    one, two, three = (read_answer(folder / f"B{k}.csv")[3] for k in (1, 2, 3))
    np.testing.assert_allclose(two, one, atol=1e-4)
    np.testing.assert_array_equal(three, one)


def test_it_trains_alone_and_again_the_same(copied, alone, records, tmp_path):
    settings = json.loads((copied / "settings.json").read_text())
    assert [len(s) for s in settings["lead_sets"]] == [12, 6, 4, 3, 2]
    settings["lead_sets"] = [settings["lead_sets"][0], settings["lead_sets"][4]]
    settings["training"] |= {"steps": 40, "learning_rate": 0.02}
    (copied / "settings.json").write_text(json.dumps(settings))
    done = alone(copied, "train_model.py", records, "first", records, "second")
    losses = [float(x) for x in re.findall(r"step 40: loss ([\d.]+)", done.stdout)]
    assert len(losses) == 4
    assert max(losses) < 0.3  # log 2 before it has learnt
    assert losses[:2] == losses[2:]
    for name in ("I_II.npz", "_".join(LEADS) + ".npz"):
        one, two = (np.load(copied / k / name) for k in ("first", "second"))
        assert one.files == two.files
        assert all(np.array_equal(one[key], two[key]) for key in one.files)


def test_each_record_has_the_network_of_its_leads(copied, in_process):
    entry = in_process(copied)
    made = {}
    for leads in (("I", "II"), LEADS):
        network = entry.build(len(leads), 26, width=4, blocks=1)
        about = {
            **json.loads((copied / "settings.json").read_text()),
            "leads": leads, "thresholds": [0.5] * 26, "priors": [0.1] * 26,
            "network": {"settings": {"width": 4, "blocks": 1}},
        }  # fmt: skip
        entry.save_one(entry.path_of(copied, leads), network, about)
        made[leads] = network
    for leads, taken in (
        (("II", "I"), ("I", "II")),
        (("I", "II", "V2"), ("I", "II")),
        (("I", "II", *LEADS[6:]), LEADS),
        (("V1",), LEADS),
    ):
        model = entry.load_model(copied, leads)
        assert tuple(model["leads"]) == taken
        for key, value in made[taken].state_dict().items():
            assert bool((model["network"].state_dict()[key] == value).all())
    assert len(entry.load_two_lead_model(copied)["leads"]) == 2
    assert len(entry.load_twelve_lead_model(copied)["leads"]) == 12


@pytest.mark.parametrize("there", [True, False])
def test_without_a_model_it_says_so_and_writes_nothing(
    copied, in_process, records, tmp_path, there: bool
):
    in_process(copied)
    if there:
        (tmp_path / "none").mkdir()
    text = (copied / "run_model.py").read_text(encoding="utf-8")
    names: dict = {"__name__": "run_model"}
    exec(compile(text, "run_model.py", "exec"), names)
    with pytest.raises(SystemExit, match="nothing to answer with"):
        names["answer_folder"](tmp_path / "none", records, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_weights_are_pickled_and_nothing_is_left_aside(entry):
    assert not [p for p in entry.parent.iterdir() if p.name.startswith(".part")]
    (file,) = (entry / "model").iterdir()
    with np.load(file, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["about"]))
        assert all(arrays[name].dtype != object for name in arrays.files)
    assert about["leads"] == list(LEADS)
    for path in entry.rglob("*.py"):
        text = path.read_text()
        assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
        assert not re.search(r"^\s*(from|import) cardium", text, re.M)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_of_every_network_can_be_taken_along(name):
    files = network_files(MODELS.find(name))
    assert {"__init__.py", "_build.py", "_stand_ins.py"} < files.keys()
    for file, text in files.items():
        compile(text, file, "exec")
        assert not re.search(r"^\s*(from|import) cardium", text, re.M)


def test_windows_are_joined_as_in_cardium(records, in_process, tmp_path):
    data = fit_small(
        records, tmp_path / "run", "inception1d",
        depth=1, width=4, crop=2.5, seconds=9.0,
    )  # fmt: skip
    folder = export_challenge_2021(tmp_path / "run", tmp_path / "entry", task=TASK)
    entry = in_process(folder)
    model = load_run(tmp_path / "run", task=TASK, device="cpu")
    for record in data:
        path = records / record.entry.files[0]
        header = path.read_text()
        recording = entry.load_recording(path.with_suffix(".mat"))
        loaded = entry.load_model(folder / "model", LEADS)
        found = entry.run_model(loaded, header, recording)[2]
        expected = model.predict(TASK.inputs(record))["probability"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_what_cannot_be_exported_is_refused(run, entry, tmp_path):
    with pytest.raises(RunConflictError, match="holds something"):
        export_challenge_2021(run[0], entry, task=TASK)
    with pytest.raises(InvalidArgumentError, match="no class of the Challenge 2021"):
        class_codes(("CD", "HYP"))
    with pytest.raises(InvalidArgumentError, match="Thresholds are 0"):
        export_challenge_2021(run[0], tmp_path / "x", task=TASK, thresholds=2)
    with pytest.raises(InvalidArgumentError, match="none of the"):
        export_challenge_2021(run[0], tmp_path / "x", task=TASK, thresholds={"Q": 0.1})
    assert not (tmp_path / "x").exists()


def test_every_scored_code_is_in_one_class():
    joined = class_codes(CLASSES_2021)
    assert sorted(c for one in joined for c in one.split("|")) == sorted(SCORED_2021)
