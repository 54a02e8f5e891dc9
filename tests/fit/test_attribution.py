from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cardium.core import Output, Sample, Stream, Task
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.fit import fit, load_run
from cardium.fit.adapters import TorchModel
from cardium.fit.attribution import attribute
from cardium.models import MODELS

LEADS = ("I", "II", "V1")
LABELS = Output("probability", "multilabel", ("first", "second"))
BEATS = Output("beat", "event_class", ("N", "V"))


class Weighted(nn.Module):
    """The sums of w x and of -2 w x, of a weight for each lead and sample."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(3)
        self.weight = nn.Parameter(torch.randn(3, samples, generator=chance))

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        total = (self.weight * records).sum((1, 2))
        return torch.stack([total, -2 * total], 1)


class Bumps(nn.Module):
    """Finds what looks like a bump in the second lead."""

    def __init__(self) -> None:
        super().__init__()
        self.convolve = nn.Conv1d(3, 2, 5, padding=2, bias=False)
        with torch.no_grad():
            self.convolve.weight.zero_()
            self.convolve.weight[0, 1] = 1
            self.convolve.weight[1, 0] = 1

    def forward(self, records: torch.Tensor) -> torch.Tensor:
        return self.convolve(records).relu().mean(-1)


def task(output: Output) -> Task:
    return Task("toy", "", (), output, None, None, None, None, {}, "")


def record(samples: int = 100, *, events=None) -> Sample:
    values = np.random.default_rng(0).normal(size=(samples, 3)).astype(np.float32)
    ecg = Stream(
        "ecg",
        values,
        5.0 + np.arange(samples) / 50,
        ("time", "lead"),
        "mV",
        coords={"lead": LEADS},
    )
    return Sample("r1", ecg, events=events)


def model(module: nn.Module, output: Output = LABELS, **options) -> TorchModel:
    return TorchModel(
        module, task(output), rate=50, leads=LEADS, device="cpu", **options
    )


def test_relevance_of_a_linear_network_is_weight_times_sample() -> None:
    sample, network = record(), Weighted(100)
    weight = network.weight.detach().numpy().T
    for name, factor in (("first", 1), ("second", -2)):
        found = attribute(model(network), sample, name)
        assert (found.name, found.unit, found.dims) == (
            "relevance",
            "",
            ("time", "lead"),
        )
        assert found.coords["lead"] == LEADS
        np.testing.assert_array_equal(found.time, sample.stream.time)
        want = factor * weight * sample.stream.values
        np.testing.assert_allclose(found.values, want, rtol=1e-4, atol=1e-5)


def test_what_is_cut_away_or_padded_has_none() -> None:
    sample, network = record(), Weighted(60)
    found = attribute(model(network, seconds=1.2), sample, "first").values
    want = network.weight.detach().numpy().T * sample.stream.values[:60]
    np.testing.assert_allclose(found[:60], want, rtol=1e-4, atol=1e-5)
    assert (found[60:] == 0).all()
    longer = attribute(model(Weighted(150), seconds=3.0), sample, "first").values
    assert longer.shape == (100, 3)
    assert (longer != 0).all()


def test_windows_share_what_they_see() -> None:
    sample, network = record(100), Weighted(40)
    found = attribute(model(network, crop=0.8), sample, "first").values
    weight, values = network.weight.detach().numpy().T, sample.stream.values
    want = np.zeros((100, 3))
    for at in (0, 20, 40, 60):
        want[at : at + 40] += weight * values[at : at + 40] / 4
    np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)


def test_relevance_of_an_event_lies_around_it() -> None:
    sample, network = record(events=np.array([5.02, 6.0])), Weighted(20)
    asked = model(network, BEATS, seconds=0.4)
    found = attribute(asked, sample, "N", event=1).values
    want = network.weight.detach().numpy().T * sample.stream.values[40:60]
    np.testing.assert_allclose(found[40:60], want, rtol=1e-4, atol=1e-5)
    assert (np.delete(found, np.s_[40:60], 0) == 0).all()
    edge = attribute(asked, sample, "N", event=0).values
    assert (edge[11:] == 0).all()
    with pytest.raises(InvalidArgumentError, match=r"events 0..1, not 2"):
        attribute(asked, sample, "N", event=2)


def test_grad_cam_lights_up_where_the_bump_is() -> None:
    values = np.zeros((100, 3), np.float32)
    values[30:35, 1] = 1.0
    values[70:75, 0] = 1.0
    ecg = Stream(
        "ecg",
        values,
        np.arange(100) / 50,
        ("time", "lead"),
        "mV",
        coords={"lead": LEADS},
    )
    sample = Sample("r1", ecg)
    for name, place in (("first", 32), ("second", 72)):
        found = attribute(model(Bumps()), sample, name, method="grad_cam").values
        assert (found >= 0).all()
        assert (found == found[:, :1]).all()
        assert found[:, 0].argmax() == place
        assert (found[place - 10 : place + 10].sum()) == pytest.approx(found.sum())


def test_relevance_of_a_run_adds_up_to_its_logit(beats, tmp_path: Path) -> None:
    toy = beats()
    run = fit(
        toy.task,
        toy.data,
        MODELS.find("resnet_1d"),
        tmp_path / "run",
        split=toy.split,
        settings={"seconds": 2.0, "width": 8, "blocks": 2},
        steps=20,
        accelerator="cpu",
        progress=False,
    )
    fitted = load_run(run, task=toy.task, device="cpu")
    sample = toy.task.inputs(toy.data.load(toy.split.test.entries[0]))
    found = attribute(fitted, sample, "fast", steps=200)
    network = fitted.predictor.network
    inputs = torch.from_numpy(sample.stream.values.T)[None]
    with torch.inference_mode():
        apart = (network(inputs) - network(torch.zeros_like(inputs)))[0, 1]
    assert found.values.sum() == pytest.approx(float(apart), rel=0.02, abs=0.01)
    cam = attribute(fitted, sample, "fast", method="grad_cam")
    assert cam.shape == sample.stream.shape


def test_what_cannot_be_shown_is_told(discs, tmp_path: Path) -> None:
    sample = record()
    with pytest.raises(UnknownNameError, match="'third'"):
        attribute(model(Weighted(100)), sample, "third")
    with pytest.raises(UnknownNameError, match="'saliency'"):
        attribute(model(Weighted(100)), sample, "first", method="saliency")
    with pytest.raises(InvalidArgumentError, match="steps must be 1"):
        attribute(model(Weighted(100)), sample, "first", steps=0)
    with pytest.raises(InvalidArgumentError, match="no convolution over time"):
        attribute(model(Weighted(100)), sample, "first", method="grad_cam")
    toy = discs()
    run = fit(
        toy.task, toy.data, MODELS.find("training_mean"), tmp_path, split=toy.split
    )
    baseline = load_run(run, task=toy.task)
    with pytest.raises(InvalidArgumentError, match="networks of records"):
        attribute(baseline, sample, "disc")
