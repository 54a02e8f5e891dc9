"""`cardium measure` as typed: tables, files, JSON, exit status."""

from __future__ import annotations

import csv
import json
import sys

import numpy as np
import pytest

from cardium.cli import main
from cardium.datasets.echoxflow import write_phantom
from cardium.phantom.build import build_heart
from cardium.phantom.population import sample_population


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """Two examinations of known truth, as EchoXFlow stores them."""
    root = tmp_path_factory.mktemp("phantom")
    return root, write_phantom(root, exams=2, modes="4ch")


@pytest.fixture
def cardium(monkeypatch, capsys):
    """Run a command; return its exit status, its output and its errors."""

    def run(*words: object, columns: int = 200) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardium", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_examinations_have_the_phantoms_truth(cardium, phantom) -> None:
    root, truth = phantom
    status, out, err = cardium(
        "measure", "echoxflow", "--root", root, "--by", "exam", "--json"
    )
    assert status == 0, err
    rows = {row["exam"]: row for row in json.loads(out)}
    assert len(rows) == len(truth)
    for true, patient in zip(truth, sample_population(2), strict=True):
        row = rows[true["exam_id"]]
        # One view of an elliptic ventricle takes its diameter for both.
        wide = build_heart(patient).ventricle.eccentricity ** 2
        assert row["ef_percent"] == pytest.approx(true["ef_percent"], abs=0.1)
        assert row["edv_ml"] == pytest.approx(wide * true["edv_ml"], rel=0.005)
        assert row["esv_ml"] == pytest.approx(wide * true["esv_ml"], rel=0.005)


def test_recordings_as_a_table_and_a_file(cardium, phantom, tmp_path) -> None:
    root, _ = phantom
    path = tmp_path / "table.csv"
    status, out, err = cardium(
        "measure", "echoxflow", "--root", root, "--where", "view=4CH", "-o", path
    )
    assert status == 0, err
    assert ", EF " in out
    assert str(path) in out
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    measured = [row for row in rows if row["ef_percent"]]
    assert measured
    assert {row["view"] for row in rows} == {"4CH"}
    assert all(40 < float(row["edv_ml"]) < 300 for row in measured)
    assert all(-30 < float(row["gls_percent"]) < -5 for row in measured)
    assert max(map(len, out.splitlines())) <= 200


def test_a_table_fits_a_terminal(cardium, phantom) -> None:
    root, _ = phantom
    status, out, _ = cardium("measure", "echoxflow", "--root", root, columns=80)
    assert status == 0
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    for name in ("exam0000_strain.4ch", "exam0001_strain.4ch"):
        assert f" {name} " in out
    assert out.count("GLS -") == 2
    assert "rows have a measure" in out
    assert "x nothing to measure" in out


def test_a_dataset_without_anything_to_measure(cardium, tmp_path) -> None:
    from cardium.datasets import DATASETS

    DATASETS.find("camus").write_fake(tmp_path)
    status, out, _ = cardium("measure", "camus", "--root", tmp_path, "--limit", 1)
    assert status == 1
    assert "0 of 1 rows have a measure" in out


def test_an_ecg_has_its_own_table(cardium, tmp_path) -> None:
    from cardium.datasets import DATASETS

    DATASETS.find("mit_bih").write_fake(tmp_path / "mitdb")
    table = tmp_path / "table.csv"
    status, out, err = cardium(
        "measure", "mit_bih", "--root", tmp_path / "mitdb", "-o", table
    )
    assert status == 0, out + err
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    data = DATASETS.find("mit_bih").open(tmp_path / "mitdb")
    assert [row["recording"] for row in rows] == [e.id for e in data.catalog]
    assert "ef_percent" not in rows[0]
    for row in rows:
        beats = data[row["recording"]]["beats"].time
        assert float(row["n_beats"]) == len(beats)
        expected = 60 / np.median(np.diff(beats))
        assert float(row["heart_rate_bpm"]) == pytest.approx(expected, rel=1e-4)
        assert row["r_peak_method"] == "given"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--by", "patient"), 2, "'recording'"),
        (("-o", "a.xlsx"), 2, ".parquet"),
        (("--workers", "0"), 2, "workers"),
        (("--where", "view=PLAX"), 1, "No recording"),
        (("--root", "nowhere"), 1, "nowhere"),
    ],
)
def test_errors_teach(cardium, phantom, words, status, said) -> None:
    root = () if "--root" in words else ("--root", phantom[0])
    got, out, err = cardium("measure", "echoxflow", *root, *words)
    assert got == status, out + err
    assert said in err
    assert "Traceback" not in err


def test_what_is_too_short_to_measure_has_no_measure(cardium, tmp_path) -> None:
    from cardium.datasets import DATASETS

    DATASETS.find("kaggle_heartbeat").write_fake(tmp_path)
    status, out, _ = cardium("measure", "kaggle_heartbeat", "--root", tmp_path)
    assert status == 1
    assert "0 of " in out
    assert "waves need 3 beats" in out


def test_ecgs_have_no_views_to_put_together(cardium, tmp_path) -> None:
    from cardium.datasets import DATASETS

    DATASETS.find("ptb_xl").write_fake(tmp_path)
    words = ("measure", "ptb_xl", "--root", tmp_path, "--by", "exam", "--limit", 1)
    status, _, err = cardium(*words)
    assert status == 2
    assert "measured by 'recording'" in err
