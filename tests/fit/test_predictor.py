from collections.abc import Callable

import numpy as np
import pytest
import torch

from cardium.core import Output, PlaneGrid, Sample, Sector, Stream
from cardium.errors import NotProvidedError
from cardium.fit._predictor import NetworkPredictor
from cardium.fit._tensors import InputFormat

VELOCITY = Output("velocity", "velocity")
SECTOR = Sector((0.02, 0.14), (-0.5, 0.5), (61, 33))
PLANE = PlaneGrid((-0.03, 0.03), (0.02, 0.14), (61, 33))


class Stub(torch.nn.Module):
    """A network that answers what a function of its input says."""

    def __init__(self, answer: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.answer = answer
        self.seen: list[torch.Tensor] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen.append(inputs)
        return self.answer(inputs)


def predictor(answer, output: Output, form: InputFormat) -> NetworkPredictor:
    return NetworkPredictor(Stub(answer), output, form, device="cpu")


def clip(frames: int, geometry=PLANE, *, limit=None, fps: float = 40.0) -> Sample:
    places = ("range", "beam") if isinstance(geometry, Sector) else ("z", "x")
    values = np.random.default_rng(0).uniform(0, 255, (frames, *geometry.shape))
    stream = Stream(
        "b_mode",
        values.astype(np.float32),
        np.arange(frames) / fps,
        ("time", *places),
        "grey",
        geometry,
    )
    return Sample("r1", stream, limit)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("geometry", [PLANE, SECTOR])
@pytest.mark.parametrize("rows", [13, 25])
def test_one_row_a_frame_is_metres_a_row_times_frames_a_second(
    rank: int, geometry, rows: int
) -> None:
    form = InputFormat(rank, size=rows)
    model = predictor(torch.ones_like, VELOCITY, form)
    velocity = model.predict(clip(5, geometry, limit=10.0))["velocity"]
    assert velocity.shape == (4, 61, 33)
    assert velocity.dtype == np.float32
    np.testing.assert_allclose(velocity, 0.12 / (rows - 1) * 40, rtol=1e-5)


def test_velocities_fold_at_the_limit_of_the_sample() -> None:
    form = InputFormat(2, size=13)
    model = predictor(torch.ones_like, VELOCITY, form)
    folded = model.predict(clip(3, limit=0.25))["velocity"]
    np.testing.assert_allclose(folded, 0.4 - 0.5, atol=1e-6)
    with pytest.raises(NotProvidedError, match="'r1' has no velocity limit"):
        model.predict(clip(3))


def test_the_velocity_between_two_frames_is_read_from_the_first() -> None:
    def number(frames: torch.Tensor) -> torch.Tensor:
        return torch.arange(4.0).reshape(4, 1, 1, 1).expand(-1, 1, 13, 13)

    model = predictor(number, VELOCITY, InputFormat(2, size=13))
    velocity = model.predict(clip(4, limit=10.0))["velocity"]
    np.testing.assert_allclose(velocity[:, 30, 16], [0, 0.4, 0.8], rtol=1e-5)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("frames", [1, 2, 20])
def test_classes_come_back_at_the_size_of_the_sample(rank: int, frames: int) -> None:
    def top_left(images: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(images.shape[0], 3, *images.shape[2:])
        logits[:, 1] = 1
        logits[:, 2, ..., :4, :3] = 2
        return logits

    output = Output("labels", "label_map", ("background", "lv_cavity", "myocardium"))
    model = predictor(top_left, output, InputFormat(rank, size=9))
    labels = model.predict(clip(frames))["labels"]
    assert labels.shape == (frames, 61, 33)
    assert labels.dtype == np.uint8
    # Rows are 7.5 samples apart, columns 4; the logits cross half way between two.
    assert (labels[:, :26, :9] == 2).all()
    assert (labels[:, :23, :10] == 2).all()
    assert (labels[:, 27:] == 1).all()
    assert (labels[:, :, 11:] == 1).all()


def test_a_clip_is_standardised_as_a_whole() -> None:
    model = predictor(torch.ones_like, VELOCITY, InputFormat(3, size=61))
    model.predict(clip(20, limit=1.0))
    (seen,) = model.network.seen
    assert seen.shape == (1, 1, 20, 61, 61)
    assert seen.mean() == pytest.approx(0, abs=1e-5)
    assert seen.std(correction=0) == pytest.approx(1, abs=1e-5)


def test_probabilities_of_a_record() -> None:
    def last_lead(records: torch.Tensor) -> torch.Tensor:
        return records[:, -1, :2]

    time = np.arange(200) / 100
    values = np.outer(np.ones(200), [7.0, 9.0]).astype(np.float32)
    values[:2, 1] = [0, np.log(3)]
    stream = Stream(
        "ecg", values, time, ("time", "lead"), "mV", coords={"lead": ("I", "II")}
    )
    form = InputFormat(1, seconds=2.0, rate=100.0, leads=("I", "II"))
    output = Output("probability", "multilabel", ("CD", "HYP"))
    answer = predictor(last_lead, output, form).predict(Sample("r1", stream))
    np.testing.assert_allclose(answer["probability"], [0.5, 0.75], rtol=1e-6)
