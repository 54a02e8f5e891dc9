import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cardium.core import Catalog, Split
from cardium.core.files import sha256
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    UnknownNameError,
)
from cardium.fit import fit, load_run
from cardium.fit._training import Journal
from cardium.models import MODELS

UNET = {"size": 16, "width": 4, "levels": 2}
CLIPS = {**UNET, "clip_length": 4}
RESNET = {"seconds": 2.0, "window": 1.0, "width": 8, "blocks": 2}
WANG = {"seconds": 2.0, "crop": 0.5, "width": 8, "blocks": 2}
LSTM = {"seconds": 2.0, "crop": 0.5, "hidden": 6, "layers": 1}


def fit_toy(toy, model: str, out: Path, **options) -> Path:
    """Fit on the CPU, and quickly."""
    defaults = {"accelerator": "cpu", "progress": False}
    if model != "training_mean":
        defaults |= {"steps": 100, "learning_rate": 1e-2}
        defaults["settings"] = {
            "unet_2d": UNET,
            "unet_3d": CLIPS,
            "resnet_1d": RESNET,
            "resnet1d_wang": WANG,
            "lstm": LSTM,
        }[model]
    recipe = MODELS.find(model)
    options = {"split": toy.split, **defaults, **options}
    return fit(toy.task, toy.data, recipe, out, **options)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def answers(toy, run: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Predictions and truths of the side that is scored."""
    model, pairs = load_run(run, task=toy.task, device="cpu"), []
    for entry in toy.split.test:
        opened = toy.data.load(entry)
        sample = toy.task.inputs(opened)
        answer = toy.task.answer(sample, model.predict(sample))
        truth = toy.task.target(opened, sample.stream.geometry)
        name = toy.task.output.name
        pairs.append((answer.values[name], truth.values[name]))
    return pairs


def mean_dice(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    scores = [2 * (p[0] & t[0]).sum() / (p[0].sum() + t[0].sum()) for p, t in pairs]
    return float(np.mean(scores))


class KilledError(Exception):
    """Stands for what ends a process."""


@pytest.fixture
def killed_after(monkeypatch):
    """Make a training end with an error after some epochs."""

    def arrange(epochs: int) -> None:
        original = Journal.on_train_batch_end

        def batch_end(self, trainer, *rest) -> None:
            original(self, trainer, *rest)
            if len(self.rows) == epochs and trainer.global_step % 3 == 0:
                raise KilledError

        monkeypatch.setattr(Journal, "on_train_batch_end", batch_end)

    return arrange


@pytest.mark.parametrize("model", ["unet_2d", "unet_3d"])
def test_a_bright_disc_is_learnt_better_than_its_mean_place(
    discs, tmp_path: Path, model: str
) -> None:
    toy = discs()
    learnt = mean_dice(answers(toy, fit_toy(toy, model, tmp_path / "run")))
    mean = mean_dice(answers(toy, fit_toy(toy, "training_mean", tmp_path / "mean")))
    assert learnt > 0.9 > mean


def test_waves_are_told_apart(beats, tmp_path: Path) -> None:
    toy = beats()
    pairs = answers(toy, fit_toy(toy, "resnet_1d", tmp_path / "run"))
    assert all(((p > 0.5) == t).all() for p, t in pairs)
    prior = answers(toy, fit_toy(toy, "training_mean", tmp_path / "mean"))
    truths = [toy.task.target(toy.data.load(e), None) for e in toy.split.train]
    want = np.mean([t.values["probability"] for t in truths], axis=0)
    np.testing.assert_allclose(prior[0][0], want, rtol=1e-6)


def test_waves_are_told_apart_by_windows(beats, tmp_path: Path) -> None:
    toy = beats()
    pairs = answers(toy, fit_toy(toy, "resnet1d_wang", tmp_path / "run"))
    assert all(((p > 0.5) == t).all() for p, t in pairs)


def test_events_are_told_apart(marked, tmp_path: Path) -> None:
    toy = marked()
    run = fit_toy(toy, "resnet_1d", tmp_path / "run", steps=60)
    for answer, truth in answers(toy, run):
        assert answer.shape == truth.shape == (58, 3)
        known = truth.sum(1) > 0
        assert known.sum() == 57
        assert (answer.argmax(1) == truth.argmax(1))[known].all()
    prior = answers(toy, fit_toy(toy, "training_mean", tmp_path / "mean"))
    np.testing.assert_allclose(prior[0][0], [[0.8, 0, 0.2]] * 58, atol=0.1)


def test_quantities_come_back_in_their_units(measured, tmp_path: Path) -> None:
    toy = measured()
    run = fit_toy(toy, "resnet_1d", tmp_path / "run", steps=200)
    pairs = answers(toy, run)
    found, truth = (np.array(values) for values in zip(*pairs, strict=True))
    error = np.nanmean(abs(found - truth), axis=0)
    prior = answers(toy, fit_toy(toy, "training_mean", tmp_path / "mean"))
    spread = np.nanmean(abs(np.array([p for p, _ in prior]) - truth), axis=0)
    assert (error < spread / 2).all(), (error, spread)
    truths = [toy.task.target(toy.data.load(e), None) for e in toy.split.train]
    table = np.array([t.values["numbers"] for t in truths])
    form = load_run(run, task=toy.task).predictor.form
    np.testing.assert_allclose(form.mean, np.nanmean(table, 0), rtol=1e-6)
    np.testing.assert_allclose(form.deviation, np.nanstd(table, 0), rtol=1e-6)


def test_a_setting_of_a_baseline_reaches_it(measured, tmp_path: Path) -> None:
    toy = measured()
    recipe = MODELS.find("wavelet_features")
    settings = {"classifier": "linear"}
    run = fit_toy(
        toy, "training_mean", tmp_path / "mean", split=toy.split
    )  # a baseline without settings has none
    assert load_run(run, task=toy.task).describe()["settings"] == {}
    run = fit(
        toy.task,
        toy.data,
        recipe,
        tmp_path / "run",
        split=toy.split,
        settings=settings,
        progress=False,
    )
    model = load_run(run, task=toy.task)
    assert model.describe()["settings"]["classifier"] == "linear"
    assert model.predictor is None
    with pytest.raises(UnknownNameError, match="classifier 'tree'"):
        fit(
            toy.task,
            toy.data,
            recipe,
            tmp_path / "other",
            split=toy.split,
            settings={"classifier": "tree"},
        )
    assert not (tmp_path / "other").exists()


def test_motion_is_seen_by_the_network_that_sees_time(moving, tmp_path: Path) -> None:
    toy = moving(60)
    settings = {"size": 20, "width": 6, "levels": 1, "clip_length": 4}
    run = fit_toy(
        toy, "unet_3d", tmp_path / "run", steps=250, batch_size=4, settings=settings
    )
    pairs = answers(toy, run)
    error = np.mean([np.nanmean(np.abs(p - t)) for p, t in pairs])
    # The mean of both directions, 0 m/s, is off by 0.05 m/s everywhere.
    assert error < 0.035
    still = answers(toy, fit_toy(toy, "training_mean", tmp_path / "mean"))
    assert np.nanmean(np.abs(still[0][0] - still[0][1])) == pytest.approx(0.05)


def test_a_run_says_what_it_is(discs, tmp_path: Path) -> None:
    toy = discs()
    run = fit_toy(
        toy, "unet_2d", tmp_path / "run", steps=60, split_settings={"folds": 5}
    )
    model = load_run(run, task=toy.task)
    facts = json.loads(json.dumps(model.describe()))
    assert facts["name"] == "unet_2d"
    assert facts["settings"] == UNET
    assert facts["split"] == {"name": "toy", "folds": 5}
    assert facts["training"]["steps"] == 60
    assert facts["weights_sha256"] == sha256(run / "model.safetensors")
    network = MODELS.find("unet_2d").build(1, 2, **UNET)
    assert facts["parameters"] == sum(p.numel() for p in network.parameters())
    assert model.config["data"] == {"name": "toy", "version": "1"}
    metrics = rows(run / "metrics.csv")
    assert [row["step"] for row in metrics] == ["30", "60"]
    assert [row["epoch"] for row in metrics] == ["1", "2"]
    split = rows(run / "split.csv")
    assert split[0] == {"recording": "r0", "patient": "patient of r0", "side": "train"}
    assert [row["side"] for row in split].count("test") == 2
    made = json.loads((run / "provenance.json").read_text())
    assert made["run"]["model"]["name"] == "unet_2d"
    assert "on 2 recordings of the validation side" in made["weights"]
    assert (run / "skipped.csv").read_text() == "recording,side,reason\n"


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("discs", "unet_2d"),
        ("moving", "unet_3d"),
        ("beats", "resnet_1d"),
        ("beats", "lstm"),
        ("marked", "resnet_1d"),
        ("measured", "resnet1d_wang"),
    ],
)
def test_a_training_that_was_killed_ends_in_the_same_weights(
    request, tmp_path: Path, killed_after, monkeypatch, kind: str, model: str
) -> None:
    toy = request.getfixturevalue(kind)()
    options = {"steps": 130, "patience": 0}
    whole = fit_toy(toy, model, tmp_path / "whole", **options)
    part = tmp_path / "part"
    for epochs in (0, 1, 2):
        killed_after(epochs)
        with pytest.raises(KilledError):
            fit_toy(toy, model, part, **options)
        monkeypatch.undo()
        assert not (part / "model.safetensors").exists()
        with pytest.raises(DataMissingError, match="not finished"):
            load_run(part, task=toy.task)
    fit_toy(toy, model, part, **options)
    for name in ("model.safetensors", "split.csv", "config.toml"):
        assert (part / name).read_bytes() == (whole / name).read_bytes(), name
    there, here = rows(whole / "metrics.csv"), rows(part / "metrics.csv")
    assert len(there) == 3
    for row in (*there, *here):
        assert float(row.pop("seconds")) > 0
    assert there == here


def test_another_seed_ends_in_other_weights(discs, tmp_path: Path) -> None:
    toy = discs()
    first, second = (
        fit_toy(toy, "unet_2d", tmp_path / str(seed), steps=2, seed=seed)
        for seed in (0, 1)
    )
    assert sha256(first / "model.safetensors") != sha256(second / "model.safetensors")


def test_fitting_leaves_the_chance_of_others_alone(discs, tmp_path: Path) -> None:
    torch.manual_seed(1)
    want = torch.rand(3)
    torch.manual_seed(1)
    fit_toy(discs(), "unet_2d", tmp_path / "run", steps=2)
    assert (torch.rand(3) == want).all()


def test_a_finished_run_is_left_as_it_is(discs, tmp_path: Path) -> None:
    toy = discs()
    run = fit_toy(toy, "unet_2d", tmp_path / "run", steps=2)
    times = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    assert fit_toy(toy, "unet_2d", tmp_path / "run", steps=2) == run
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == times


@pytest.mark.parametrize("model", ["unet_2d", "training_mean"])
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(
    discs, tmp_path: Path, model: str
) -> None:
    toy = discs(broken={"r0", "r3"})
    run = fit_toy(toy, model, tmp_path / "run")
    skipped = rows(run / "skipped.csv")
    assert [row["recording"] for row in skipped] == ["r0", "r3"]
    assert {row["side"] for row in skipped} == {"train"}
    assert skipped[1]["reason"] == "'r3' is half a file. Fetch it again."
    assert json.loads((run / "provenance.json").read_text())["skipped"] == 2


@pytest.mark.parametrize("model", ["unet_2d", "training_mean"])
def test_nothing_that_can_be_read_is_an_error(
    discs, tmp_path: Path, model: str
) -> None:
    toy = discs(broken={f"r{i}" for i in range(12)})
    with pytest.raises(NotProvidedError, match=r"None of the 8 .*'r0' is half a file"):
        fit_toy(toy, model, tmp_path / "run")


def test_other_settings_in_the_same_folder_are_refused(discs, tmp_path: Path) -> None:
    toy = discs()
    run = fit_toy(toy, "unet_2d", tmp_path / "run", steps=2)
    with pytest.raises(RunConflictError) as caught:
        fit_toy(toy, "unet_2d", run, steps=4, batch_size=3)
    assert "training.steps is 2 there and 4 here" in str(caught.value)
    assert "training.batch_size is 8 there and 3 here" in str(caught.value)
    with pytest.raises(RunConflictError, match=r"model.name is 'unet_2d' there"):
        fit_toy(toy, "training_mean", run)
    other = replace(toy.split, train=toy.split.train[:5])
    with pytest.raises(RunConflictError, match="other recordings on its sides"):
        fit_toy(toy, "unet_2d", run, steps=2, split=other)


def test_without_a_validation_side_the_last_weights_are_kept(
    discs, tmp_path: Path
) -> None:
    toy = discs()
    split = Split(toy.split.train, Catalog(()), toy.split.test, "no val")
    run = fit_toy(toy, "unet_2d", tmp_path / "run", steps=60, patience=1, split=split)
    assert [row["val_loss"] for row in rows(run / "metrics.csv")] == ["", ""]
    made = json.loads((run / "provenance.json").read_text())
    assert made["weights"] == "of the last step; there is no validation side"
    assert not made["stopped_early"]


def test_a_training_that_gets_no_better_is_stopped(
    discs, tmp_path: Path, monkeypatch
) -> None:
    original = Journal._take_row

    def rising(self, trainer) -> list[float]:
        row = original(self, trainer)
        row[3] = float(row[1])
        return row

    monkeypatch.setattr(Journal, "_take_row", rising)
    toy = discs()
    options = {"steps": 300, "patience": 2}
    run = fit_toy(toy, "unet_2d", tmp_path / "run", **options)
    assert len(rows(run / "metrics.csv")) == 3
    made = json.loads((run / "provenance.json").read_text())
    assert made["stopped_early"]
    assert "of epoch 1 of 3" in made["weights"]
    # A process that ends just before the weights are written has no more to train.
    want = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").unlink()
    fit_toy(toy, "unet_2d", run, **options)
    assert (run / "model.safetensors").read_bytes() == want
    assert len(rows(run / "metrics.csv")) == 3


def test_a_loss_that_is_no_number_ends_the_training(beats, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"loss is .* Take a lower learning"):
        fit_toy(beats(), "resnet_1d", tmp_path / "run", learning_rate=1e38)


def test_half_precision_learns_as_well(discs, tmp_path: Path) -> None:
    toy = discs()
    run = fit_toy(toy, "unet_2d", tmp_path / "run", precision="bf16-mixed")
    assert mean_dice(answers(toy, run)) > 0.85
    full = fit_toy(toy, "unet_2d", tmp_path / "full")
    assert sha256(run / "model.safetensors") != sha256(full / "model.safetensors")


def test_recordings_are_read_alike_in_workers(discs, tmp_path: Path) -> None:
    toy = discs()
    runs = [
        fit_toy(toy, "unet_2d", tmp_path / str(n), steps=4, workers=n) for n in (0, 1)
    ]
    assert sha256(runs[0] / "model.safetensors") == sha256(
        runs[1] / "model.safetensors"
    )


def test_wrong_arguments_are_told(discs, beats, tmp_path: Path) -> None:
    toy, out = discs(), tmp_path / "run"
    with pytest.raises(InvalidArgumentError, match="'resnet_1d' cannot answer"):
        fit_toy(toy, "resnet_1d", out)
    with pytest.raises(InvalidArgumentError, match="'unet_2d' cannot answer"):
        fit_toy(beats(), "unet_2d", out)
    with pytest.raises(UnknownNameError, match="did you mean 'width'"):
        fit_toy(toy, "unet_2d", out, settings={"widht": 8})
    with pytest.raises(InvalidArgumentError, match="must be a int like 16, got 'wide'"):
        fit_toy(toy, "unet_2d", out, settings={"width": "wide"})
    with pytest.raises(InvalidArgumentError, match="precision must be one of"):
        fit_toy(toy, "unet_2d", out, precision="8")
    with pytest.raises(InvalidArgumentError, match="steps must be 1 at least, got 0"):
        fit_toy(toy, "unet_2d", out, steps=0)
    with pytest.raises(InvalidArgumentError, match="learning_rate must be positive"):
        fit_toy(toy, "unet_2d", out, learning_rate=-1.0)
    nobody = Split(Catalog(()), Catalog(()), toy.split.test, "nobody")
    with pytest.raises(NotProvidedError, match="nobody to train on"):
        fit_toy(toy, "unet_2d", out, split=nobody)
    assert not out.exists()


def test_files_that_are_not_what_they_should_be(discs, tmp_path: Path) -> None:
    toy = discs()
    with pytest.raises(DataMissingError, match="holds no run"):
        load_run(tmp_path)
    run = fit_toy(toy, "unet_2d", tmp_path / "run", steps=2)
    weights = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes(weights[:100])
    with pytest.raises(DataCorruptError, match="cannot be read"):
        load_run(run, task=toy.task)
    (run / "model.safetensors").unlink()
    (run / "checkpoints" / "last.ckpt").write_bytes(b"PK not a checkpoint")
    with pytest.raises(DataCorruptError, match="Delete it, and the training starts"):
        fit_toy(toy, "unet_2d", run, steps=2)
    (run / "checkpoints" / "last.ckpt").unlink()
    fit_toy(toy, "unet_2d", run, steps=2)
    assert (run / "model.safetensors").read_bytes() == weights
    config = (run / "config.toml").read_text()
    (run / "config.toml").write_text(config.replace("width = 4", "width = 5"))
    with pytest.raises(DataCorruptError, match="do not fit the network 'unet_2d'"):
        load_run(run, task=toy.task)
    (run / "config.toml").write_text("[model")
    with pytest.raises(DataCorruptError, match="is not TOML"):
        load_run(run, task=toy.task)
