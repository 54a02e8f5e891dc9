from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Answer, Metric, Output, PlaneGrid, Sample, Stream, Task
from cardium.errors import AnswerError

PLANE = PlaneGrid(x=(0.0, 0.03), z=(0.0, 0.02), shape=(3, 4))
CLIP = Stream(
    "b_mode",
    np.zeros((5, 3, 4), np.float32),
    np.arange(5) / 10,
    ("time", "z", "x"),
    "grey",
    PLANE,
)
SAMPLE = Sample("r", CLIP, velocity_limit=0.2)


def task(output: Output) -> Task:
    return Task(
        "toy",
        "toy",
        (),
        output,
        lambda r: SAMPLE,
        lambda r, g: Answer({}),
        lambda p, t: {},
        lambda c, p: {},
        {"m": Metric("m")},
        "m",
    )


LABELS = task(Output("labels", "label_map", ("background", "lv_cavity")))
VELOCITY = task(Output("velocity", "velocity"))
CLASSES = task(Output("probability", "multilabel", ("MI", "NORM")))


def test_an_answer_lies_where_the_sample_does() -> None:
    answer = LABELS.answer(SAMPLE, {"labels": np.ones((5, 3, 4), int)})
    assert answer.geometry == PLANE
    assert answer.values["labels"].dtype == np.uint8
    np.testing.assert_array_equal(answer.time, CLIP.time)


def test_velocity_lies_between_frames() -> None:
    answer = VELOCITY.answer(SAMPLE, {"velocity": np.zeros((4, 3, 4))})
    np.testing.assert_allclose(answer.time, [0.05, 0.15, 0.25, 0.35])
    assert answer.velocity_limit == 0.2


@pytest.mark.parametrize(
    ("of", "arrays", "what"),
    [
        (LABELS, {"mask": np.zeros((5, 3, 4))}, "asks for the array 'labels'"),
        (LABELS, {"labels": np.zeros((5, 4, 3))}, r"\(5, 3, 4\).*\(5, 4, 3\)"),
        (LABELS, {"labels": np.full((5, 3, 4), 2)}, r"codes 0..1 .*\[2\]"),
        (LABELS, {"labels": np.full((5, 3, 4), 255)}, "255"),
        (VELOCITY, {"velocity": np.zeros((5, 3, 4))}, r"\(4, 3, 4\)"),
        (VELOCITY, {"velocity": np.full((4, 3, 4), np.nan)}, "not finite"),
        (CLASSES, {"probability": np.array([-3.0, 0.2])}, "sigmoid"),
        (CLASSES, {"probability": np.zeros(3)}, r"\(2,\)"),
    ],
)
def test_a_wrong_answer_is_refused_with_both_values(of, arrays, what) -> None:
    with pytest.raises(AnswerError, match=what):
        of.answer(SAMPLE, arrays)
