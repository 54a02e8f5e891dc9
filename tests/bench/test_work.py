"""One cell: who is learnt from and scored, what its rows are, and that it goes on."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cardium.bench import _scoring as scoring
from cardium.bench._sides import choose_sides
from cardium.bench.jobs import Job, perform, read_state
from cardium.bench.rows import read_rows, read_skipped
from cardium.bench.run import open_bench
from cardium.bench.work import open_protocols
from cardium.core import Catalog


def job_of(world: Any, model: str, fold: int, domain: str = "beamspace") -> Job:
    bench = open_bench(world.spec, root=world.root, out=world.out)
    for cell in bench.plan.cells:
        if (cell.model, cell.fold, cell.domain) == (model, fold, domain):
            return bench.job(cell)
    raise LookupError(model)


def values(job: Job, protocol: str, metric: str) -> dict[str, float]:
    return {
        ";".join(row.recordings): row.value
        for row in read_rows(Path(job.folder))
        if (row.protocol, row.metric) == (protocol, metric)
    }


def test_rows_of_a_rule_by_hand(world: Any) -> None:
    job = job_of(world, "zero", 0)
    assert perform(job) == "done"
    assert values(job, "corrected", "error") == {"r0": 1, "r1": 2, "r2": 3}
    assert values(job, "published", "loss") == {"r0;r1": 2, "r2": 3}
    row = read_rows(Path(job.folder))[0]
    where = (row.task, row.model, row.domain, row.fold, row.seed, row.batch)
    assert where == ("level", "zero", "beamspace", 0, 0, 0)
    assert row.patients == ("p0a", "p0a")


def test_a_baseline_learns_from_the_other_folds_alone(world: Any) -> None:
    job = job_of(world, "mean", 1)
    assert perform(job) == "done"
    # folds 0 and 2, with one of level 50 that can be learnt from but not be scored
    mean = (1 + 2 + 3 + 7 + 8 + 9 + 50) / 7
    found = values(job, "corrected", "error")
    assert found == pytest.approx({f"r{k}": mean - k - 1 for k in (3, 4, 5)}, rel=1e-6)


def test_a_model_of_the_corrected_protocol_is_scored_by_both(world: Any) -> None:
    job = job_of(world, "picky", 2)
    assert perform(job) == "done"
    assert values(job, "published", "loss") == {"r6;r7": 8, "r8": 9}
    assert values(job, "corrected", "error") == {"r6": 7, "r7": 8, "r8": 9}


def test_what_is_left_out_has_a_reason(world: Any) -> None:
    left = []
    for fold in range(3):
        job = job_of(world, "mean", fold)
        assert perform(job) == "done"
        left.append(
            {(s.recording, s.step, s.reason) for s in read_skipped(Path(job.folder))}
        )
    admitted = ("x_admit", "train", "the catalogue says so")
    opened = ("x_open", "train", "It does not open.")
    assert left[0] == {("x_admit", "predict", "the catalogue says so"), opened}
    assert left[1] == {admitted, ("x_open", "predict", "It does not open.")}
    assert left[2] == {admitted, opened, ("x_read", "predict", "It cannot be read.")}


def test_the_folder_says_what_was_done(world: Any) -> None:
    world.spec.write_text(
        world.spec.read_text().replace("draws", "keep_predictions = true\ndraws")
    )
    job = job_of(world, "mean", 0)
    assert perform(job) == "done"
    folder = Path(job.folder)
    about = tomllib.loads((folder / "cell.toml").read_text())
    assert about["cell"]["key"] == job.cell.key
    assert about["model"] == {
        "recipe": "mean",
        "protocol": "published",
        "settings": {"scale": 1.0},
    }
    assert json.loads((folder / "done.json").read_text())["key"] == job.cell.key
    made = json.loads((folder / "provenance.json").read_text())
    assert made["recordings"] == {"train": 8, "scored": 3}
    assert made["parameters"] == 1
    assert made["fit_seconds"] > 0
    assert made["predict_seconds"] > 0
    assert 1e7 < made["memory_bytes"] < 1e11
    with np.load(folder / "predictions" / "r1.npz") as kept:
        assert kept["prediction"].dtype == np.float16
        assert kept["prediction"].item() == pytest.approx(89 / 7, rel=1e-3)
    assert not list((folder / "batches").glob("*"))


def test_predicting_goes_on_where_it_was(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, calls = job_of(world, "zero", 0), []
    score = scoring.Scoring._score_published

    def stop_at_second(self: Any, number: int, *rest: Any) -> Any:
        calls.append(number)
        if calls == [0, 1]:
            raise KeyboardInterrupt
        return score(self, number, *rest)

    monkeypatch.setattr(scoring.Scoring, "_score_published", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        perform(job)
    assert read_state(Path(job.folder)).state == "begun"
    world.reads.clear()
    assert perform(job) == "done"
    assert calls == [0, 1, 1]
    assert world.reads == [("r2", 3)]  # not the two of the first batch
    assert values(job, "published", "loss") == {"r0;r1": 2, "r2": 3}
    world.reads.clear()
    assert perform(job) == "done"
    assert world.reads == []


def test_a_killed_last_step_costs_nothing(world: Any) -> None:
    job = job_of(world, "zero", 0)
    perform(job)
    (Path(job.folder) / "done.json").unlink()
    world.reads.clear()
    assert perform(job) == "done"
    assert world.reads == []


def test_a_catalogue_that_changed_meanwhile_is_refused(world: Any) -> None:
    job = job_of(world, "zero", 0)
    world.entries = (replace(world.entries[0], labels={"k": 9}), *world.entries[1:])
    assert perform(job) == "failed"
    assert "RunConflictError: The catalogue" in read_state(Path(job.folder)).reason


def test_limit_and_fraction_leave_recordings_out(world: Any) -> None:
    text = world.spec.read_text()
    world.spec.write_text(text.replace("[matrix]", "limit = 2\n[matrix]"))
    job = job_of(world, "zero", 0)
    perform(job)
    assert set(values(job, "corrected", "error")) == {"r0", "r1"}
    world.spec.write_text(text.replace("[matrix]", "fraction = 0.4\n[matrix]"))
    facts = job_of(world, "zero", 0).cell.facts
    protocol = open_protocols(facts)["published"]
    sides = choose_sides(Catalog(world.entries), protocol, facts)
    patients = [entry.patient for entry in (*sides.scored, *sides.train)]
    assert sorted({one[:2] for one in patients}) == ["p0", "p1", "p2"]
    assert len(set(patients)) == 3  # one of the two or three of each fold
    assert {entry.split for entry in sides.scored} == {"fold0"}
