"""Scores: by hand, by group, with reasons; comparisons; the one call."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import OpenDataset
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    SplitLeakError,
    UnknownNameError,
)
from cardium.evaluate import Report, compare, evaluate, load_report, score
from cardium.tasks import open_task

TASK = open_task("lv_segmentation")


def test_perfect_is_one_and_a_shift_is_worse(data, tmp_path, predicted, shift):
    perfect = score(predicted(tmp_path / "a"), data=data, draws=50)
    shifted = score(predicted(tmp_path / "b", model=shift(1)), data=data, draws=50)
    assert perfect.summary["dice"].value == 1.0
    assert perfect.summary["hd95_lv_cavity_mm"].value == 0.0
    assert shifted.summary["dice"].value < 1.0
    # Every cavity is 17 rows high: moved by one, 16 overlap.
    assert shifted.summary["dice_lv_cavity"].value == pytest.approx(16 / 17)
    assert shifted.summary["hd95_lv_cavity_mm"].value == pytest.approx(1.0)
    assert shifted.summary["dice"].n_patients == 3
    assert shifted.summary["dice"].n_recordings == 4


def test_files_and_round_trip(data, tmp_path, predicted, shift):
    out = predicted(tmp_path / "a", model=shift(2), seen={"p2": "val"})
    (out / "training.csv").write_text("step,train_loss,val_loss\n1,0.5,\n2,0.25,0.5\n")
    report = score(out, data=data, draws=20)
    with (out / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["recording", "patient", "phase", "view", "metric", "value"]
    assert len(rows) == 4 * len(TASK.metrics)
    by_key = {(row["recording"], row["metric"]): float(row["value"]) for row in rows}
    assert by_key["r5", "dice"] == report.scores.columns["dice"][2]
    assert load_report(out).to_dict() == report.to_dict()
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()
    again = Report.from_dict(report.to_dict())
    assert again.summary == report.summary
    assert again.metrics == report.metrics
    assert report.training[1] == {"step": 2, "train_loss": 0.25, "val_loss": 0.5}
    assert math.isnan(again.training[0]["val_loss"])
    assert report.dataset == {"name": "toy", "version": "1.0"}
    assert report.provenance["scores"]["draws"] == 20
    with pytest.raises(DataCorruptError, match="Score the predictions again"):
        Report.from_dict({"task": "x"})
    with pytest.raises(DataMissingError):
        load_report(tmp_path)


def test_same_seed_same_report(data, tmp_path, predicted, shift):
    out = predicted(tmp_path / "a", model=shift(1))
    first, second = (score(out, data=data, draws=30, seed=5) for _ in range(2))
    assert first.summary == second.summary


def test_patients_count_the_same(data, tmp_path, predicted, shift):
    report = score(predicted(tmp_path / "a", model=shift(2)), data=data, draws=0)
    dice = dict(
        zip(report.scores.recordings, report.scores.columns["dice"], strict=True)
    )
    mean = ((dice["r3"] + dice["r4"]) / 2 + dice["r5"] + dice["r6"]) / 3
    assert report.summary["dice"].value == pytest.approx(mean)


def test_groups(data, tmp_path, predicted, shift):
    report = score(predicted(tmp_path / "a", model=shift(2)), data=data, draws=20)
    dice = dict(
        zip(report.scores.recordings, report.scores.columns["dice"], strict=True)
    )
    ed, es = (report.groups["phase"][k]["dice"] for k in ("ED", "ES"))
    assert ed.value == pytest.approx((dice["r3"] + dice["r5"]) / 2)
    assert es.value == pytest.approx((dice["r4"] + dice["r6"]) / 2)
    assert (ed.n_patients, ed.n_recordings) == (2, 2)
    assert list(report.groups["view"]) == ["4CH"]


def test_what_cannot_be_scored_is_named(data, tmp_path, predicted):
    (data.root / "broken.txt").write_text("r4")
    out = predicted(tmp_path / "a")
    (data.root / "broken.txt").write_text("r5")
    (out / "arrays" / "r6.npz").unlink()
    report = score(out, data=data, draws=0)
    assert report.scores.recordings == ("r3",)
    reasons = dict(report.skipped)
    assert reasons["r4"].startswith("DataCorruptError: 'r4.nii.gz'")
    assert reasons["r5"].startswith("DataCorruptError: 'r5.nii.gz'")
    assert reasons["r6"].startswith("DataMissingError: Recording 'r6'")
    assert len(report.skipped) == 3
    (data.root / "broken.txt").write_text("r3 r4 r5 r6")
    with pytest.raises(NotProvidedError, match=r"None of the 4.*'r3', DataCorrupt"):
        score(out, data=data)


def test_the_task_and_the_data_must_be_the_predicted_ones(data, tmp_path, predicted):
    out = predicted(tmp_path / "a")
    with pytest.raises(RunConflictError, match="beamspace"):
        score(out, data=data, task=open_task("lv_segmentation", domain="beamspace"))
    info = replace(data.dataset.info, version="2.0")
    newer = OpenDataset(replace(data.dataset, info=info), data.root)
    with pytest.raises(RunConflictError, match=r"toy 1\.0, not of toy 2\.0"):
        score(out, data=newer)
    with pytest.raises(UnknownNameError, match="toy"):
        score(out)
    with pytest.raises(DataMissingError):
        score(tmp_path / "nowhere")


def test_registered_datasets_are_found_by_name(
    data, tmp_path, monkeypatch, predicted, shift
):
    from cardium.datasets import DATASETS

    out = predicted(tmp_path / "a")
    monkeypatch.setattr(DATASETS, "find", {"toy": data.dataset}.__getitem__)
    assert score(out, draws=0).summary["dice"].value == 1.0
    moved = data.root.rename(tmp_path / "moved")
    with pytest.raises(DataMissingError, match="toy"):
        score(out, draws=0)
    assert score(out, root=moved, draws=0).summary["dice"].value == 1.0
    again = evaluate(shift(), "lv_segmentation", "toy", root=moved, draws=0)
    assert again.summary["dice"].value == 1.0


def test_compare_is_paired(data, tmp_path, predicted, shift):
    one, two = (
        score(predicted(tmp_path / str(rows), model=shift(rows)), data=data, draws=10)
        for rows in (1, 2)
    )
    found = compare(one, two, draws=200)
    for name, estimate in found.items():
        expected = one.summary[name].value - two.summary[name].value
        assert estimate.value == pytest.approx(expected)
    # Every recording is better by nearly the same: far surer than each alone.
    assert found["dice_lv_cavity"].low == pytest.approx(1 / 17)
    assert found["dice_lv_cavity"].high == pytest.approx(1 / 17)
    assert found["dice"].n_patients == 3
    assert compare(one, one)["dice"].high == 0.0
    fewer = replace(two, scores=two.scores.take([3, 1]))
    assert compare(one, fewer)["dice"].n_recordings == 2
    backwards = replace(two, scores=two.scores.take([3, 2, 1, 0]))
    assert compare(one, backwards)["dice"].value == found["dice"].value
    with pytest.raises(InvalidArgumentError, match="split is"):
        compare(one, replace(two, split={"name": "val", "origin": ""}))
    with pytest.raises(InvalidArgumentError, match="no recording in common"):
        compare(one, replace(two, scores=two.scores.take([])))


def test_one_call(data, tmp_path, shift):
    report = evaluate(shift(), "lv_segmentation", data, draws=10)
    assert report.scores.recordings == ("r3", "r4", "r5", "r6")
    assert report.split == {"name": "test", "origin": "official"}
    assert report.summary["dice"].value == 1.0
    kept = tmp_path / "kept"
    evaluate(shift(), TASK, data, split="all", out=kept, draws=0)
    assert len(list((kept / "arrays").iterdir())) == 7
    folds = evaluate(shift(), TASK, data, fold=1, folds=3, draws=0)
    assert folds.split["origin"].startswith("fold 1 of 3, drawn by patient")
    with pytest.raises(InvalidArgumentError, match="got 'tset'"):
        evaluate(shift(), TASK, data, split="tset")
    with pytest.raises(SplitLeakError):
        evaluate(shift(), TASK, data, seen={"p3": "train"})
    trained = evaluate(shift(), TASK, data, split="val", seen={"p2": "val"}, draws=0)
    assert trained.seen == {"val": 1}


def test_importing_stays_light():
    import subprocess
    import sys

    code = (
        "import sys, cardium.evaluate, cardium.metrics, cardium.tasks.lv_segmentation,"
        "cardium.tasks.ecg_superclass, cardium.tasks.tissue_velocity;"
        "heavy = {'scipy', 'numba', 'torch', 'pandas', 'zarr', 'matplotlib'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0


def test_nan_scores_stay_nan(data, tmp_path, predicted):
    report = score(predicted(tmp_path / "a"), data=data, draws=0)
    column = np.array([np.nan, 1.0, 1.0, 1.0])
    scores = replace(report.scores, columns={"dice": column})
    back = Report.from_dict(replace(report, scores=scores).to_dict())
    np.testing.assert_array_equal(back.scores.columns["dice"], column)
