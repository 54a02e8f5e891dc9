"""`cardium score FILE` as typed: a table made elsewhere becomes a report."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cardium.cli import main
from cardium.datasets import DATASETS
from cardium.tasks import open_task


@pytest.fixture
def score(monkeypatch, capsys):
    """Run the command; return its exit status, its output and its errors."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardium", "score", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "240")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A small dataset of known content."""
    folder = tmp_path_factory.mktemp("ptb_xl")
    DATASETS.find("ptb_xl").write_fake(folder)
    return folder


def write(path: Path, root: Path, *, logits: bool = False) -> dict[str, float]:
    """Write random predictions of all recordings; return the area of each class."""
    task = open_task("ecg_superclass")
    side = task.usable(DATASETS.find("ptb_xl").open(root).catalog)
    classes = task.output.classes
    values = np.random.default_rng(0).uniform(size=(len(side), 5)).round(3)
    lines = [
        ",".join([entry.id, *(str(v + 9 * logits) for v in row)])
        for entry, row in zip(side, values, strict=True)
    ]
    path.write_text("\n".join([",".join(["recording", *classes]), *lines]))
    truth = np.array(
        [[name in entry.labels["superclass"] for name in classes] for entry in side]
    )
    return {
        name: roc_auc_score(truth[:, k], values[:, k])
        for k, name in enumerate(classes)
        if 0 < truth[:, k].sum() < len(side)
    }


def words(root: Path) -> tuple[object, ...]:
    return ("--task", "ecg_superclass", "--data", "ptb_xl", "--root", root,
            "--split", "all", "--draws", 0)  # fmt: skip


def test_a_table_is_scored(score, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    expected = write(path, root)
    status, out, err = score(path, *words(root), "--json", "--model", "elsewhere")
    assert status == 0, err
    [found] = json.loads(out)["scores"]
    assert found["model"]["name"] == "elsewhere"
    assert expected
    for name, value in expected.items():
        assert np.isclose(found["summary"][f"auroc_{name}"]["value"], value, atol=1e-6)
    folder = Path(found["predictions"])
    assert folder.parent == tmp_path
    assert (folder / "summary.json").is_file()
    assert "Leakage cannot be checked" in err
    again = json.loads(score(folder, "--draws", 0, "--json")[1])["scores"][0]
    assert again["summary"] == found["summary"]


def test_the_same_command_may_be_given_again(score, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    write(path, root)
    line = (path, *words(root), "-o", tmp_path / "out")
    assert score(*line)[0] == 0
    status, out, err = score(*line)
    assert status == 0, err
    assert "mine.csv" in out  # the model's name, if none is given
    assert "AUROC" in out


def test_errors_teach(score, root: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    write(path, root, logits=True)
    for line, said in (
        ((path,), "give --task and --data"),
        ((path, *words(root)), "apply a sigmoid"),
        ((tmp_path, *words(root)), "knows its own"),
        ((tmp_path, "--split", "all"), "knows its own"),
        ((tmp_path, "-O", "rate=500"), "knows its own"),
        ((tmp_path,), "holds no predictions"),
        ((tmp_path / "no.csv", *words(root)), "does not exist"),
        ((path, *words(root), "--task", "ecg_superklass"), "did you mean"),
    ):
        status, _, err = score(*line)
        assert status in (1, 2)
        assert said in " ".join(err.split())
        assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.csv"]


def test_a_run_says_where_its_predictions_are(score, root, tmp_path) -> None:
    path = tmp_path / "mine.csv"
    write(path, root)
    inside = tmp_path / "run" / "predictions-all"
    assert score(path, *words(root), "-o", inside)[0] == 0
    status, _, err = score(tmp_path / "run")
    assert status == 2
    assert str(inside) in err.replace("\n", "")


def test_metrics_without_a_value_are_counted(score, root, tmp_path) -> None:
    task = open_task("ecg_form")
    side = task.usable(DATASETS.find("ptb_xl").open(root).catalog)
    lines = [",".join(["recording", *task.output.classes])]
    lines += [",".join([e.id, *("0.5" for _ in task.output.classes)]) for e in side]
    path = tmp_path / "form.csv"
    path.write_text("\n".join(lines))
    line = (path, "--task", "ecg_form", "--data", "ptb_xl", "--root", root,
            "--split", "all", "--draws", 0)  # fmt: skip
    found = json.loads(score(*line, "--json")[1])["scores"][0]["summary"]
    absent = [name for name, one in found.items() if one["value"] is None]
    assert absent
    out = score(*line)[1]
    assert f"{len(absent)} more have no value" in out
    assert " nan" not in out
