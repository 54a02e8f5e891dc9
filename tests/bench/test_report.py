"""The report: every number of its tables worked out by hand."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cardium.bench import _paper as paper
from cardium.bench._paper import Column
from cardium.bench.cells import Cell
from cardium.bench.jobs import perform
from cardium.bench.report import report_bench
from cardium.bench.rows import Row
from cardium.bench.run import Opened, open_bench
from cardium.bench.tables import (
    corrected_folds,
    differences,
    over_folds,
    pooled,
    published_folds,
)
from cardium.cli.bench import app
from cardium.errors import DataMissingError, RunConflictError


def row(fold: int, patient: str, recording: str, value: float, seed: int = 0) -> Row:
    of = ("t", "m", "d", fold, seed, "corrected", 0, (recording,), (patient,))
    return Row(*of, "error", value)


def test_means_by_hand() -> None:
    rows = [row(0, "a", "1", 1.0), row(0, "a", "2", 3.0), row(0, "b", "3", 5.0)]
    rows += [row(1, "c", "4", 6.0), row(1, "d", "5", math.nan)]
    assert corrected_folds(rows, "error") == {0: 3.5, 1: 6.0}
    found = over_folds({0: 3.5, 1: 6.0})
    assert (found.mean, found.folds) == (4.75, 2)
    assert found.sd == pytest.approx(2.5 / math.sqrt(2))
    whole = pooled(rows, ["error"], draws=100)["error"]
    assert whole.value == pytest.approx((2 + 5 + 6) / 3)  # of patients, not of folds
    assert (whole.n_patients, whole.n_recordings) == (3, 4)
    assert 2 <= whole.low < whole.value < whole.high <= 6
    assert published_folds(rows, "error") == {}
    assert math.isnan(over_folds({0: 1.0}).sd)
    assert math.isnan(over_folds({}).mean)


def test_seeds_are_averaged_within_a_fold() -> None:
    rows = [row(0, "a", "1", 1.0), row(0, "a", "1", 3.0, seed=1), row(1, "b", "2", 4.0)]
    assert corrected_folds(rows, "error") == {0: 2.0, 1: 4.0}
    assert pooled(rows, ["error"], draws=0)["error"].n_recordings == 2


def test_differences_are_paired() -> None:
    hard = {"1": 0.0, "2": 10.0, "3": 20.0, "4": 30.0}
    ours = [row(0, f"p{k}", k, v + 1) for k, v in hard.items()]
    theirs = [row(0, f"p{k}", k, v) for k, v in hard.items() if k != "4"]
    found = differences(ours, theirs, "error", draws=200)
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert found.n_recordings == 3
    assert differences(ours, [], "error", draws=10) is None


def run_all(world: Any, but: set[str] = frozenset()) -> Opened:  # type: ignore[assignment]
    bench = open_bench(world.spec, root=world.root, out=world.out)
    bench.write_plan()
    for cell in bench.plan.cells:
        if short(cell) not in but:
            assert perform(bench.job(cell)) == "done"
    return bench


def short(cell: Cell) -> str:
    return f"{cell.model}.{cell.domain}.{cell.fold}"


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the levels a column and a paper."""
    about = {
        "column": [dict(task="level", metric="loss", title="Loss", unit="m", digits=2)],
        "corrected": [
            dict(task="level", metric="error", title="Error", unit="m", digits=2)
        ],
        "paper": {"zero": {"beamspace": {"level.loss": [5.25, 0.5]}}},
    }
    monkeypatch.setattr(paper, "_paper", lambda: about)


@pytest.mark.usefixtures("columns")
def test_tables_by_hand(world: Any) -> None:
    run_all(world)
    found = report_bench(world.spec, out=world.out)
    tables = {table.title: table.rows for table in found.tables}
    # zero, fold 0: batches (1, 2) and (3): (2 + 3) / 2; folds 2.5, 5.5, 8.5
    lines = {one["model"]: one["Loss [m]"] for one in tables["Protocol 'published'"]}
    assert lines["zero beam"] == lines["zero cart"] == "5.50 ± 3.00"
    assert list(lines)[:2] == ["zero beam", "  paper"]
    assert lines["  paper"] == "5.25 ± 0.50"
    # corrected, fold 0: patients (1.5, 3); folds 2.25, 5.25, 8.25
    lines = {one["model"]: one["Error [m]"] for one in tables["Protocol 'corrected'"]}
    assert lines["zero beam"] == "5.25 ± 3.00"
    # each fold's means of the others: 95 / 7, 80 / 7 and, without the one of level
    # 50, 21 / 6; errors of a patient are as far from it as his mean level
    means = {0: (39 + 50) / 7, 1: (30 + 50) / 7, 2: 21 / 6}
    errors = [abs(means[k] - 2.25 - 3 * k) for k in range(3)]
    expected = f"{np.mean(errors):.2f} ± {np.std(errors, ddof=1):.2f}"
    assert lines["mean beam"] == expected
    assert "picky cart" not in lines
    whole = tables["All folds together, with intervals"]
    assert whole[0]["Error [m]"].startswith("5.25 [")
    less = {one["model"]: one for one in tables["Differences from mean"]}
    assert set(less) == {"zero beam", "zero cart", "picky beam"}
    change = 5.25 - np.mean(errors)
    assert less["zero beam"]["Error [m]"].startswith(f"{change:+.2f} [")
    costs = tables["Time and memory"]
    assert [one["cells"] for one in costs] == ["3"] * 5
    assert tables["Without a result"] == (
        {
            "cell": "picky: level (cartesian)",
            "state": "left out",
            "reason": "Levels have no corrected protocol in cartesian.",
        },
    )
    left = {(one["of"], one["recordings"]) for one in tables["Recordings left out"]}
    assert left == {("predict", "3"), ("train", "2")}
    assert found.failed == 0
    assert found.notes[1] == "Not as in the papers (theirs in brackets): nothing."


@pytest.mark.usefixtures("columns")
def test_the_numbers_can_be_made_again_from_rows_csv(world: Any) -> None:
    """Independently: the standard library and the files alone."""
    bench = run_all(world)
    folds: dict[str, list[float]] = {"published": [], "corrected": []}
    for fold in range(3):
        (cell,) = [c for c in bench.plan.cells if short(c) == f"mean.cartesian.{fold}"]
        with (bench.folder(cell) / "rows.csv").open() as file:
            rows = list(csv.DictReader(file))
        batches = [float(r["value"]) for r in rows if r["metric"] == "loss"]
        folds["published"].append(sum(batches) / len(batches))
        patients: dict[str, list[float]] = {}
        for r in rows:
            if r["metric"] == "error":
                patients.setdefault(r["patients"], []).append(float(r["value"]))
        each = [sum(v) / len(v) for v in patients.values()]
        folds["corrected"].append(sum(each) / len(each))
    numbers = {
        (one["protocol"], one["metric"]): one
        for one in report_bench(world.spec, out=world.out).numbers
        if (one["model"], one["domain"]) == ("mean", "cartesian")
    }
    for protocol, metric in (("published", "loss"), ("corrected", "error")):
        one, values = numbers[protocol, metric], folds[protocol]
        assert one["mean"] == pytest.approx(sum(values) / 3)
        assert one["sd"] == pytest.approx(np.std(values, ddof=1))
        assert one["unit"] == "m"


@pytest.mark.usefixtures("columns")
def test_what_is_missing_is_said(world: Any) -> None:
    run_all(world, but={"zero.beamspace.2"})
    found = report_bench(world.spec, out=world.out)
    tables = {table.title: table.rows for table in found.tables}
    lines = {one["model"]: one["Error [m]"] for one in tables["Protocol 'corrected'"]}
    assert lines["zero beam"] == "3.75 ± 2.12*"  # folds 0 and 1
    assert found.notes[0] == "15 cells: 14 done, 1 missing."
    assert tables["Without a result"][0]["state"] == "missing"


def test_a_task_without_columns_shows_its_primary_metric(world: Any) -> None:
    run_all(world)
    found = report_bench(world.spec, out=world.out, published=False)
    assert found.tables[0].title == "Protocol 'corrected'"
    assert "Error of the level (level) [m]" in found.tables[0].rows[0]


def test_a_folder_of_another_spec_is_refused(world: Any) -> None:
    with pytest.raises(DataMissingError, match="cardium bench run"):
        report_bench(world.spec, out=world.out)
    run_all(world)
    text = world.spec.read_text()
    world.spec.write_text(text.replace("draws = 50", "draws = 3"))
    report_bench(world.spec, out=world.out)
    world.spec.write_text(text + "[protocol.level]\nsize = 3\n")
    with pytest.raises(RunConflictError, match="another spec"):
        report_bench(world.spec, out=world.out)


def in_process(jobs: Any, work: str, **_: Any) -> None:
    for job in jobs:
        perform(job, work)


@pytest.mark.usefixtures("columns")
def test_the_commands(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardium.bench.engines.run_local", in_process)
    runner = CliRunner()
    where = [str(world.spec), "-o", str(world.out)]
    run = ["run", *where, "--root", str(world.root)]
    said = runner.invoke(app, [*run, "--dry-run"])
    assert said.output.count("missing") == 15
    assert "Left out: picky, level (cartesian)" in said.output
    assert not world.out.exists()
    said = runner.invoke(app, [*run, "--model", "zero", "--fold", "0", "--json"])
    assert said.exit_code == 0, said.output
    assert said.stdout.count('"done"') == 2
    bench = open_bench(world.spec, root=world.root, out=world.out)
    key = bench.plan.cells[1].key
    said = runner.invoke(app, [*run, "--cell", key])
    assert said.exit_code == 0, said.output
    assert key in said.output
    said = runner.invoke(app, run)
    assert said.exit_code == 0, said.output
    assert "cardium bench report" in said.output
    said = runner.invoke(app, ["report", *where])
    assert said.exit_code == 0, said.output
    assert max(map(len, said.output.splitlines())) <= 100
    assert "5.50 ± 3.00" in said.output
    said = runner.invoke(app, ["report", *where, "--format", "csv", "--no-published"])
    rows = list(csv.DictReader(io.StringIO(said.output)))
    assert {one["protocol"] for one in rows} == {"corrected"}
    for style, sign in (("markdown", "| zero beam |"), ("latex", "zero beam & 5.25")):
        said = runner.invoke(app, ["report", *where, "--format", style])
        assert sign in said.output, said.output


def test_a_failed_cell_is_a_row_and_exit_status_one(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cardium.bench.engines.run_local", in_process)
    bench = open_bench(world.spec, root=world.root, out=world.out)
    bad = bench.plan.cells[0]
    (bench.folder(bad)).mkdir(parents=True)
    (bench.folder(bad) / "run").write_text("a file where a folder should be")
    where = [str(world.spec), "-o", str(world.out)]
    said = CliRunner().invoke(app, ["run", *where, "--root", str(world.root), "--json"])
    assert said.exit_code == 1
    assert said.stdout.count('"done"') == 14
    said = CliRunner().invoke(app, ["report", *where])
    assert said.exit_code == 1
    assert "1 failed" in said.output
    assert "FileExistsError" in said.output or "NotADirectoryError" in said.output


def test_the_papers_numbers_have_a_column() -> None:
    columns = {f"{c.task}.{c.metric}" for c in paper.paper_columns("published")}
    for recipe in paper._paper()["paper"].values():
        for line in recipe.values():
            assert set(line) == columns
    tissue = Column("tissue_velocity", "velocity_l1_percent", "", "", 2)
    found = paper.paper_value("temporal_unet", "cartesian", tissue)
    assert found is not None
    assert (found.mean, found.sd) == (5.46, 0.25)
    assert paper.paper_value("nobody", "cartesian", tissue) is None


def test_rows_of_a_path(tmp_path: Path) -> None:
    from cardium.bench.rows import read_rows, write_rows

    rows = [row(0, "a", "1", 0.1), row(0, "b", "2", math.nan)]
    write_rows(tmp_path, rows)
    first, second = read_rows(tmp_path)
    assert first == rows[0]
    assert math.isnan(second.value)
