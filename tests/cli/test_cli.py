"""The command line as typed: exit status, tables, JSON, errors that teach."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from cardium.cli import app, main
from cardium.cli.options import parse_values
from cardium.cli.output import format_rows, print_fields
from cardium.datasets import DATASETS
from cardium.errors import InvalidArgumentError


@pytest.fixture
def cardium(monkeypatch, capsys):
    """Run a command; return its exit status, its output and its errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardium", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture(scope="session")
def roots(tmp_path_factory) -> dict[str, Path]:
    """A fake of every dataset, as `CARDIUM_DATA` would hold them."""
    base = tmp_path_factory.mktemp("data")
    for name in DATASETS.names():
        (base / name).mkdir()
        DATASETS.find(name).write_fake(base / name)
    return {name: base / name for name in DATASETS.names()}


COMMANDS = [c.name or c.callback.__name__ for c in app.registered_commands]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(cardium, command: str) -> None:
    status, out, _ = cardium(command, "--help")
    assert status == 0
    assert "Usage" in out


@pytest.mark.parametrize("command", ["datasets", "tasks", "models"])
def test_lists_are_for_people_and_for_machines(cardium, command: str) -> None:
    status, table, _ = cardium(command)
    rows = json.loads(cardium(command, "--json")[1])
    assert status == 0
    assert rows
    assert all(row["name"] in table for row in rows)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tasks", "beat_class"), ("mapping=dechazal", "mit_bih", "beat_lda", "ecg")),
        (("models", "resnet1d_wang"), ("crop=2.5", "ecg_superclass", "Wang")),
        (("models", "beam_net"), ("network of clips", "tissue_velocity")),
        (("info", "ptb_xl"), ("ecg_superclass", "age_sex")),
    ],
)
def test_one_of_a_list_is_told_whole(cardium, words, said) -> None:
    status, out, err = cardium(*words)
    assert status == 0, err
    assert all(word in out for word in said), out


def test_data_are_found_under_the_variable(cardium, roots, monkeypatch) -> None:
    monkeypatch.setenv("CARDIUM_DATA", str(roots["camus"].parent))
    rows = {row["name"]: row for row in json.loads(cardium("datasets", "--json")[1])}
    assert rows["camus"]["here"] == str(roots["camus"])
    status, out, _ = cardium("show", "camus", "--json", "--where", "phase=ED")
    assert status == 0
    assert {row["labels"]["phase"] for row in json.loads(out)} == {"ED"}


@pytest.mark.parametrize("name", DATASETS.names())
def test_info_verify_stats_show(cardium, roots, name: str, tmp_path) -> None:
    root = ("--root", roots[name])
    assert DATASETS.find(name).info.citation in cardium("info", name)[1]
    status, out, err = cardium("verify", name, *root)
    assert status == 0, out + err
    assert "no findings" in out
    rows = json.loads(cardium("stats", name, *root, "--json")[1])
    assert sum(row["recordings"] for row in rows)
    markdown = cardium("stats", name, *root, "--format", "markdown")[1]
    assert markdown.splitlines()[1].startswith("| --- |")
    listed = json.loads(cardium("show", name, *root, "--json", "--limit", 2)[1])
    assert len(listed) == 2
    first = listed[0]["recording"]
    streams = json.loads(cardium("show", name, first, *root, "--json")[1])
    assert all(row["axes"][0] == "time" for row in streams if row["kind"] == "stream")
    picture = tmp_path / "a.png"
    data = DATASETS.find(name).open(roots[name])
    drawn = {"b_mode", "ecg", "ecg_100hz"}
    whole = next((e.id for e in data.catalog if drawn & e.provides), None)
    status, out, err = cardium("show", name, whole or first, *root, "-o", picture)
    if whole is None:  # a table of numbers
        assert status == 1
        assert "nothing to draw" in err
        return
    assert status == 0, err
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_broken_file_is_a_finding(cardium, tmp_path) -> None:
    DATASETS.find("ptb_xl").write_fake(tmp_path)
    victim = next((tmp_path / "records100").rglob("*.dat"))
    victim.write_bytes(victim.read_bytes()[:-2])
    status, out, _ = cardium("verify", "ptb_xl", "--root", tmp_path, "--json")
    found = json.loads(out)
    assert status == 1
    assert any(victim.stem in row["where"] for row in found)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("info", "cammus"), 2, "did you mean 'camus'"),
        (
            ("fit", "lv_segmentaton", "--data", "camus"),
            2,
            "did you mean 'lv_segmentation'",
        ),
        (
            ("fit", "lv_segmentation", "--data", "camus", "--root", "nowhere"),
            1,
            "nowhere",
        ),
        (("stats", "camus", "--root", "nowhere"), 1, "DataMissingError"),
        (("predict", "nowhere"), 1, "nowhere"),
        (("score", "nowhere"), 1, "nowhere"),
        (("report", "nowhere"), 1, "nowhere"),
        (("fetch", "camus"), 1, "registered"),
        (("nonsense",), 2, "No such command"),
        (("phantom",), 2, "Missing argument"),
    ],
)
def test_errors_teach(cardium, tmp_path, monkeypatch, words, status, said) -> None:
    monkeypatch.chdir(tmp_path)
    got, out, err = cardium(*words)
    assert got == status, out + err
    assert said in err
    assert "Traceback" not in err


def test_what_does_not_fit_is_said(cardium, roots) -> None:
    fit = ("fit", "lv_segmentation", "--data", "ptb_xl", "--root", roots["ptb_xl"])
    status, _, err = cardium(*fit)
    assert status == 1
    assert "needs b_mode" in err
    echo = ("fit", "lv_segmentation", "--data", "camus", "--root", roots["camus"])
    status, _, err = cardium(*echo, "--model", "resnet_1d")
    assert status == 2
    assert "cannot answer" in err
    status, _, err = cardium(*echo, "--where", "view=PLAX")
    assert status == 1
    assert "4CH" in err
    status, _, err = cardium(*echo, "-O", "domain=polar")
    assert status == 2
    assert "beamspace" in err
    status, _, err = cardium(*echo, "-S", "size")
    assert status == 2
    assert "NAME=VALUE" in err


def test_from_fit_to_report(cardium, roots, tmp_path) -> None:
    run, page = tmp_path / "run", tmp_path / "page.html"
    root = ("--root", roots["ptb_xl"])
    fit = ("fit", "ecg_superclass", "--data", "ptb_xl", *root, "-o", run)
    size = ("--steps", 2, "--batch-size", 2, "-S", "width=8", "--draws", 20)
    status, out, err = cardium(*fit, *size, "--json")
    assert status == 0, err
    result = json.loads(out)
    assert [row["model"]["name"] for row in result["scores"]] == [
        "resnet_1d",
        "training_mean",
    ]
    assert "macro_auroc" in result["scores"][0]["summary"]
    assert (
        (run / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    )
    status, out, err = cardium("predict", run, *root, "--split", "val")
    assert status == 0, err
    folder = run / "predictions-val"
    status, out, err = cardium("score", folder, "--draws", 20)
    assert status == 0, err
    assert "AUROC" in out
    status, out, err = cardium("report", folder, "-o", page, "--cases", 1)
    assert status == 0, err
    assert str(page) in out.replace("\n", "")
    status, _, err = cardium(*fit, *size, "--learning-rate", 0.1)
    assert status == 1
    assert "learning_rate" in err


def test_a_trained_patient_is_not_scored_as_unseen(cardium, roots, tmp_path) -> None:
    root = ("--root", roots["camus"])
    run = tmp_path / "run"
    fit = (
        "fit",
        "lv_segmentation",
        "--data",
        "camus",
        *root,
        "--model",
        "training_mean",
    )
    assert cardium(*fit, "-o", run, "--train-only")[0] == 0
    status, _, err = cardium("predict", run, *root, "--split", "all")
    assert status == 1
    assert "SplitLeakError" in err


def test_the_phantom_is_a_dataset(cardium, tmp_path) -> None:
    out = tmp_path / "phantom"
    status, text, err = cardium(
        "phantom", out, "--exams", 2, "--seed", 5, "--modes", "4ch", "--json"
    )
    assert status == 0, err
    truth = json.loads(text)["truth"]
    assert len(truth) == 2
    assert all(20 < row["ef_percent"] < 80 for row in truth)
    assert cardium("verify", "echoxflow", "--root", out)[0] == 0
    status, _, err = cardium("phantom", out)
    assert status == 2
    assert "not an empty folder" in err


ROWS = [{"a": "x_1", "b": 0.5, "c": None}, {"a": "y|z", "b": 2.0, "c": None}]


def test_tables_in_three_languages() -> None:
    assert format_rows(ROWS, "csv") == "a,b\nx_1,0.5\ny|z,2\n"
    assert format_rows(ROWS, "markdown").splitlines()[3] == "| y\\|z | 2 |"
    assert "x\\_1 & 0.5 \\\\" in format_rows(ROWS, "latex")
    with pytest.raises(InvalidArgumentError, match="markdown"):
        format_rows(ROWS, "word")


def test_values_become_numbers() -> None:
    parsed = parse_values(["a=1", "b=0.5", "c=x=y"], of="--option")
    assert parsed == {"a": 1, "b": 0.5, "c": "x=y"}
    with pytest.raises(InvalidArgumentError, match="NAME=VALUE"):
        parse_values(["a"], of="--option")


def test_a_drawn_fold_stays_what_it_was(cardium, roots, tmp_path) -> None:
    """Predicting fewer recordings later does not deal the patients anew."""
    run, root = tmp_path / "run", ("--root", roots["ptb_xl"])
    fit = ("fit", "ecg_superclass", "--data", "ptb_xl", *root, "-o", run)
    fold = ("--model", "training_mean", "--folds", 5, "--fold", 1, "--train-only")
    assert cardium(*fit, *fold)[0] == 0
    with (run / "split.csv").open() as file:
        tested = {r["patient"] for r in csv.DictReader(file) if r["side"] == "test"}
    status, _, err = cardium("predict", run, *root, "--where", "sex=female")
    assert status == 0, err
    with (run / "predictions-test" / "recordings.csv").open() as file:
        predicted = {row["patient"] for row in csv.DictReader(file)}
    assert predicted
    assert predicted <= tested
    status, _, err = cardium("predict", run, *root, "--split", "holdout")
    assert status == 2
    assert "test, train, val" in err


def test_a_baseline_takes_no_steps(cardium, roots, tmp_path) -> None:
    line = ("fit", "beat_class", "--data", "mit_bih", "--root", roots["mit_bih"])
    words = ("--model", "rr_rules", "--steps", 5, "-o", tmp_path / "run")
    status, _, err = cardium(*line, *words)
    assert status == 2
    assert "not trained by steps: leave out steps" in err
    assert not (tmp_path / "run").exists()


def test_fields_are_broken_between_words(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    address = "https://example.org/" + "long/" * 20
    print_fields({"name": "a", "what": "word " * 30, "address": address, "none": None})
    lines = capsys.readouterr().out.splitlines()
    assert f"address  {address}" in lines
    assert max(len(line) for line in lines if address not in line) <= 60
    assert sum(line.count("word") for line in lines) == 30
    assert lines[2].startswith(" " * 9 + "word")
    assert lines[-1] == "none"
