"""Predictions: resumed alike, refused when made otherwise, failures as rows."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Catalog, Entry, Sample, Sector, Stream
from cardium.errors import (
    AnswerError,
    DataCorruptError,
    DataMissingError,
    RunConflictError,
    SplitLeakError,
)
from cardium.evaluate import predict
from cardium.evaluate.predictions import read_answer
from cardium.evaluate.tables import read_table
from cardium.tasks import open_task

TASK = open_task("lv_segmentation")


def table(folder):
    with (folder / "recordings.csv").open(newline="") as file:
        return {row["recording"]: row for row in csv.DictReader(file)}


def contents(folder):
    """Everything but the provenance, which holds times."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder): p.read_bytes() for p in files if p.suffix != ".json"}


def test_what_is_written(data, tmp_path, predicted):
    done = []
    training = tmp_path / "run"
    training.mkdir()
    (training / "metrics.csv").write_text("step,train_loss\n1,0.5\n")
    out = predicted(
        tmp_path / "out",
        seen={"p0": "train", "p1": "train", "p2": "val"},
        run=training,
        progress=lambda k, n: done.append((k, n)),
    )
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]
    rows = table(out)
    assert list(rows) == ["r3", "r4", "r5", "r6"]
    assert rows["r4"] == {
        "recording": "r4",
        "patient": "p3",
        "status": "predicted",
        "reason": "",
        "seen": "",
        "phase": "ES",
        "view": "4CH",
    }
    made = json.loads((out / "provenance.json").read_text())
    assert made["task"] == {
        "name": "lv_segmentation",
        "options": {"domain": "cartesian"},
    }
    assert made["dataset"] == {"name": "toy", "version": "1.0"}
    assert made["model"] == {"name": "shift", "rows": 0}
    assert made["seen"] == {"train": 2, "val": 1}
    assert (out / "training.csv").read_text() == "step,train_loss\n1,0.5\n"
    answer = read_answer(out, "r5")
    np.testing.assert_array_equal(answer.values["labels"], data["r5"]["lv_mask"].load())
    assert answer.geometry == data["r5"]["b_mode"].geometry
    assert answer.time.tolist() == [0.0]
    assert answer.velocity_limit is None


def test_interrupted_and_resumed_is_the_same(tmp_path, predicted, shift):
    whole = predicted(tmp_path / "whole")

    class Interrupted(shift):
        def predict(self, sample):
            if self.calls == 2:
                raise KeyboardInterrupt
            return super().predict(sample)

    out = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        predicted(out, model=Interrupted())
    assert sorted(p.name for p in (out / "arrays").iterdir()) == ["r3.npz", "r4.npz"]
    assert not (out / "recordings.csv").exists()
    with pytest.raises(DataMissingError, match="interrupted"):
        read_table(out / "recordings.csv", ())
    model = shift()
    predicted(out, model=model)
    assert model.calls == 2
    assert contents(out) == contents(whole)


def test_an_unreadable_prediction_is_made_again(tmp_path, predicted, shift):
    out = predicted(tmp_path / "out")
    before = contents(out)
    path = out / "arrays" / "r4.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataCorruptError, match="predict again"):
        read_answer(out, "r4")
    model = shift()
    predicted(out, model=model)
    assert model.calls == 1
    assert contents(out) == before


def test_a_recording_that_cannot_be_read_is_a_row_and_is_tried_again(
    data, tmp_path, predicted
):
    (data.root / "broken.txt").write_text("r4 r6")
    out = predicted(tmp_path / "out")
    rows = table(out)
    assert [rows[k]["status"] for k in rows] == [
        "predicted",
        "failed",
        "predicted",
        "failed",
    ]
    assert rows["r4"]["reason"] == (
        "DataCorruptError: 'r4.nii.gz' is truncated. Get it again."
    )
    (data.root / "broken.txt").write_text("")
    predicted(out)
    assert {row["status"] for row in table(out).values()} == {"predicted"}


def test_a_wrong_answer_stops_at_once(tmp_path, predicted, shift):
    class Wrong(shift):
        def predict(self, sample):
            return {"labels": super().predict(sample)["labels"][:, 1:]}

    model = Wrong()
    with pytest.raises(AnswerError, match=r"\(1, 30, 40\).*\(1, 29, 40\)"):
        predicted(tmp_path / "out", model=model)
    assert model.calls == 1


def test_other_settings_are_refused_by_name_and_value(tmp_path, predicted, shift):
    out = predicted(tmp_path / "out")
    with pytest.raises(RunConflictError, match=r"model\.rows was 0, is 3"):
        predicted(out, model=shift(3))
    with pytest.raises(RunConflictError, match=r"split\.name was 'test', is 'val'"):
        predicted(out, split="val")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("")
    with pytest.raises(RunConflictError, match="not empty"):
        predicted(other)


def test_patients_that_were_trained_on_are_refused(tmp_path, predicted):
    with pytest.raises(SplitLeakError, match=r"'p4' \(1 such"):
        predicted(tmp_path / "out", seen={"p4": "train"})
    assert not (tmp_path / "out").exists()
    predicted(tmp_path / "train", split="train", seen={"p0": "train", "p1": "train"})
    out = predicted(tmp_path / "val", split="val", seen={"p2": "val"})
    assert table(out)["r2"]["seen"] == "val"


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "", "C:x", "a\\b"])
def test_ids_do_not_lead_out_of_the_folder(data, tmp_path, name, shift):
    catalog = Catalog((Entry(name, "p", "", data.dataset.provides),))
    out = predict(shift(), TASK, data, catalog, tmp_path / "out")
    assert "not fit for a file name" in table(out)[name]["reason"]
    assert not (tmp_path / "evil.npz").exists()
    with pytest.raises(DataCorruptError):
        read_answer(out, name)


def test_nothing_is_unpickled(tmp_path):
    (tmp_path / "arrays").mkdir()
    np.savez(tmp_path / "arrays" / "r.npz", labels=np.array([{"a": 1}], object))
    with pytest.raises(DataCorruptError, match="allow_pickle"):
        read_answer(tmp_path, "r")
    with pytest.raises(DataMissingError, match="no prediction"):
        read_answer(tmp_path, "s")


def test_a_sector_and_a_limit_come_back(data, tmp_path):
    sector = Sector(depth=(0.01, 0.1), angle=(-0.1, 0.2), shape=(3, 4))
    velocity = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 100
    place = (np.arange(3) / 30, ("time", "range", "beam"))
    clip = Stream("b_mode", np.zeros((3, 3, 4), np.float32), *place, "grey", sector)
    task = replace(
        open_task("tissue_velocity", domain="beamspace"),
        inputs=lambda recording: Sample(recording.entry.id, clip, 0.16),
    )

    class Doppler:
        def predict(self, sample):
            return {"velocity": velocity}

        def describe(self):
            return {}

    out = predict(Doppler(), task, data, data.catalog.split("val"), tmp_path / "out")
    back = read_answer(out, "r2")
    assert back.geometry == sector
    assert back.velocity_limit == 0.16
    np.testing.assert_allclose(back.time, [0.5 / 30, 1.5 / 30])
    np.testing.assert_array_equal(back.values["velocity"], velocity)
