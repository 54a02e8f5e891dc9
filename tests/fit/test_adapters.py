from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cardium.core import Output, Sample, Stream, Task
from cardium.core.files import sha256
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.fit import fit, load_run
from cardium.fit.adapters import TorchModel, recipe_from_module

LEADS = ("I", "II")
LABELS = Output("probability", "multilabel", ("slow", "fast"))


class Foreign(nn.Module):
    """As the classifiers of torch_ecg are used: classes, leads, a configuration."""

    def __init__(self, classes: list[str], n_leads: int, config: dict) -> None:
        super().__init__()
        self.classes = classes
        self.extract = nn.Sequential(
            nn.Conv1d(n_leads, config["width"], 9, padding=4), nn.ReLU()
        )
        self.clf = nn.Linear(config["width"], len(classes))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.clf(self.extract(inputs).square().mean(-1))


def build(leads: int, classes: int) -> nn.Module:
    return Foreign([str(k) for k in range(classes)], leads, {"width": 16})


class Means(nn.Module):
    """Answers with the mean of each lead."""

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        return records.mean(-1)


def task(output: Output) -> Task:
    return Task("toy", "", (), output, None, None, None, None, {}, "")


def record(first: float, second: float, *, seconds: float = 4.0, events=None) -> Sample:
    time = np.arange(round(seconds * 100)) / 100
    values = np.tile(np.float32([first, second]), (len(time), 1))
    ecg = Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": LEADS})
    return Sample("r1", ecg, events=events)


def model(output: Output, module: nn.Module | None = None, **options) -> TorchModel:
    return TorchModel(
        module or Means(), task(output), rate=100, leads=LEADS, device="cpu", **options
    )


def test_a_network_of_ones_own_is_fitted_and_reloaded(beats, tmp_path: Path) -> None:
    toy = beats()
    recipe = recipe_from_module("foreign", build, seconds=2.0, crop=0.8)
    run = fit(
        toy.task,
        toy.data,
        recipe,
        tmp_path / "run",
        split=toy.split,
        steps=200,
        learning_rate=2e-2,
        accelerator="cpu",
        progress=False,
    )
    fitted = load_run(run, task=toy.task, recipe=recipe, device="cpu")
    assert fitted.describe()["name"] == "foreign"
    for entry in toy.split.test:
        opened = toy.data.load(entry)
        answer = fitted.predict(toy.task.inputs(opened))["probability"]
        truth = toy.task.target(opened, None).values["probability"]
        assert ((answer > 0.5) == truth).all()
    with pytest.raises(UnknownNameError, match="'foreign'"):
        load_run(run, task=toy.task)
    assert sha256(run / "model.safetensors") == fitted.describe()["weights_sha256"]


def test_recipes_answer_about_signals_only() -> None:
    recipe = recipe_from_module("foreign", build, answers=("event_class",), window=1.0)
    assert recipe.can(task(Output("beat", "event_class", ("N", "V"))))
    assert not recipe.can(task(LABELS))
    assert recipe.settings["window"] == 1.0
    for answers in ((), ("label_map",), ("multilabel", "events")):
        with pytest.raises(InvalidArgumentError, match="must be some of event_class"):
            recipe_from_module("foreign", build, answers=answers)


@pytest.mark.parametrize(
    ("activation", "want"),
    [
        (None, [0.5, 0.75]),
        ("sigmoid", [0.5, 0.75]),
        ("softmax", [0.25, 0.75]),
    ],
)
def test_logits_become_probabilities(activation: str | None, want: list) -> None:
    sample = record(0.0, np.log(3))
    answer = model(LABELS, activation=activation).predict(sample)["probability"]
    np.testing.assert_allclose(answer, want, rtol=1e-5)


def test_probabilities_stay_as_they_are() -> None:
    answer = model(LABELS, activation="none").predict(record(0.2, 0.9))
    np.testing.assert_allclose(answer["probability"], [0.2, 0.9], rtol=1e-5)
    numbers = Output("numbers", "quantity", ("age", "weight"))
    answer = model(numbers).predict(record(50.0, 80.0))["numbers"]
    np.testing.assert_allclose(answer, [50, 80], rtol=1e-5)


@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
def test_windows_are_joined_by_whatever_makes_their_probabilities(
    activation: str, aggregate: str
) -> None:
    time = np.arange(400) / 100
    values = np.stack([time / 8, 0.9 - time / 5], 1).astype(np.float32)
    ecg = Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": LEADS})
    means = np.stack([values[at : at + 200].mean(0) for at in (0, 100, 200)])
    match activation:
        case "sigmoid":
            means = 1 / (1 + np.exp(-means))
        case "softmax":
            means = np.exp(means) / np.exp(means).sum(1, keepdims=True)
    want = means.mean(0) if aggregate == "mean" else means.max(0)
    joined = model(LABELS, activation=activation, crop=2.0, aggregate=aggregate)
    answer = joined.predict(Sample("r1", ecg))["probability"]
    np.testing.assert_allclose(answer, want, rtol=1e-5)


def test_numbers_of_windows_are_averaged() -> None:
    time = np.arange(400) / 100
    values = np.stack([10 * time, 80 - time], 1).astype(np.float32)
    ecg = Stream("ecg", values, time, ("time", "lead"), "mV", coords={"lead": LEADS})
    numbers = Output("numbers", "quantity", ("age", "weight"))
    joined = model(numbers, crop=2.0, aggregate="max").predict(Sample("r1", ecg))
    np.testing.assert_allclose(joined["numbers"], values.mean(0), rtol=1e-5)


def test_events_are_answered_one_by_one() -> None:
    output = Output("beat", "event_class", ("N", "V"))
    sample = record(0.0, np.log(3), events=np.array([0.1, 2.0, 3.9]))
    answer = task(output).answer(sample, model(output, seconds=1.0).predict(sample))
    np.testing.assert_allclose(answer.values["beat"], [[0.25, 0.75]] * 3, rtol=1e-5)
    none = replace(sample, events=np.zeros(0))
    assert model(output).predict(none)["beat"].shape == (0, 2)


@pytest.mark.parametrize(
    ("options", "lengths"),
    [
        ({}, [400]),
        ({"seconds": 2.5}, [250]),
        ({"seconds": 6.0}, [600]),
        ({"crop": 2.0}, [200] * 3),
        ({"crop": 9.0}, [900]),
    ],
)
def test_a_network_sees_as_much_as_it_is_said_to(options: dict, lengths: list) -> None:
    seen = []

    class Noting(Means):
        def forward(self, records: torch.Tensor) -> torch.Tensor:
            seen.extend([records.shape[2]] * len(records))
            return super().forward(records)

    model(LABELS, Noting(), **options).predict(record(1.0, 2.0))
    assert seen == lengths


def test_a_model_says_what_it_is() -> None:
    facts = model(LABELS, build(2, 2), name="mine", settings={"epochs": 3}).describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["name"] == "mine"
    assert facts["parameters"] == 2 * 16 * 9 + 16 + 16 * 2 + 2
    assert facts["settings"]["leads"] == ["I", "II"]
    assert facts["settings"]["epochs"] == 3
    assert model(LABELS).describe()["name"] == "Means"


def test_other_records_and_tasks_are_refused() -> None:
    swapped = record(1.0, 2.0)
    ecg = replace(swapped.stream, coords={"lead": ("II", "I")})
    with pytest.raises(NotProvidedError, match="leads II, I; the network takes I, II"):
        model(LABELS).predict(replace(swapped, stream=ecg))
    slow = replace(swapped.stream, time=swapped.stream.time * 2)
    with pytest.raises(NotProvidedError, match="50 Hz; the network takes 100 Hz"):
        model(LABELS).predict(replace(swapped, stream=slow))
    with pytest.raises(InvalidArgumentError, match="asks for a label_map"):
        model(Output("labels", "label_map", ("background", "x")))
    with pytest.raises(UnknownNameError, match="'relu'"):
        model(LABELS, activation="relu")
    with pytest.raises(UnknownNameError, match="'median'"):
        model(LABELS, aggregate="median")


def test_a_classifier_of_torch_ecg() -> None:
    pytest.importorskip("torch_ecg")
    from torch_ecg.model_configs import ECG_CRNN_CONFIG
    from torch_ecg.models import ECG_CRNN

    network = ECG_CRNN(["slow", "fast"], 2, ECG_CRNN_CONFIG)
    answer = model(LABELS, network).predict(record(0.1, 0.2, seconds=10.0))
    assert answer["probability"].shape == (2,)
