from dataclasses import replace

import numpy as np
import pytest

from cardium.core import UNLABELLED, Answer, Output, PlaneGrid, Sample, Stream, Task
from cardium.models.training_mean import MODEL, TrainingMean

SIZE = 128
LABELS = Output("labels", "label_map", ("background", "lv_cavity", "myocardium"))


def sample(frames: int, shape=(SIZE, SIZE), limit=None) -> Sample:
    grid = PlaneGrid((0.0, 0.1), (0.0, 0.1), shape)
    values = np.zeros((frames, *shape), np.float32)
    time = np.arange(frames) / 50
    stream = Stream("b_mode", values, time, ("time", "z", "x"), "grey", grid)
    return Sample("r", stream, limit)


def maps(*codes: int) -> Answer:
    """Label maps, each of one code."""
    frames = [np.full((SIZE, SIZE), code, np.uint8) for code in codes]
    return Answer({"labels": np.stack(frames)})


def test_the_most_frequent_class_wins_and_each_recording_has_one_vote() -> None:
    mean = TrainingMean(LABELS)
    mean.update(sample(9), maps(*[1] * 9))
    mean.update(sample(1), maps(2))
    mean.update(sample(1), maps(2))
    labels = mean.predict(sample(4, (30, 50)))["labels"]
    assert labels.shape == (4, 30, 50)
    assert labels.dtype == np.uint8
    assert (labels == 2).all()


def test_unlabelled_pixels_have_no_vote_and_background_has() -> None:
    mean = TrainingMean(LABELS)
    half = maps(1, UNLABELLED)
    half.values["labels"][0, :, 64:] = UNLABELLED
    mean.update(sample(2), half)
    for _ in range(2):
        background = maps(0)
        background.values["labels"][0, 64:] = UNLABELLED
        mean.update(sample(1), background)
    labels = mean.predict(sample(1))["labels"][0]
    assert (labels[:64] == 0).all()
    assert (labels[64:, :64] == 1).all()
    assert (labels[64:, 64:] == 0).all()


def test_the_map_lies_where_the_training_maps_lay() -> None:
    mean = TrainingMean(LABELS)
    truth = np.zeros((1, 255, 64), np.uint8)
    truth[:, 190:, 16:] = 1
    mean.update(sample(1, (255, 64)), Answer({"labels": truth}))
    labels = mean.predict(sample(1, (255, 64)))["labels"][0]
    # An edge moves by a sample of the grid at most: 2 rows, half a column.
    assert (labels[192:, 17:] == 1).all()
    assert (labels[:188] == 0).all()
    assert (labels[:, :15] == 0).all()


def test_classes_are_answered_with_their_prevalence() -> None:
    mean = TrainingMean(Output("probability", "multilabel", ("CD", "HYP", "MI")))
    for row in ([1, 0, np.nan], [1, 1, 1], [0, 0, np.nan], [1, 0, 0]):
        mean.update(sample(2), Answer({"probability": np.array(row, np.float32)}))
    prior = mean.predict(sample(2))["probability"]
    np.testing.assert_allclose(prior, [0.75, 0.25, 0.5])


def test_velocities_are_averaged_as_numbers_where_they_were_measured() -> None:
    mean = TrainingMean(Output("velocity", "velocity"))
    for first, second in ((0.1, 0.3), (-0.1, np.nan)):
        velocity = np.full((2, SIZE, SIZE), first, np.float32)
        velocity[1] = second
        velocity[:, 0] = np.nan
        mean.update(sample(3), Answer({"velocity": velocity}))
    velocity = mean.predict(sample(6, limit=0.5))["velocity"]
    assert velocity.shape == (5, SIZE, SIZE)
    np.testing.assert_allclose(velocity[:, 1:], (0.2 - 0.1) / 2, rtol=1e-6)
    assert (velocity[:, 0] == 0).all()


def test_velocities_fold_at_the_limit_of_the_sample() -> None:
    mean = TrainingMean(Output("velocity", "velocity"))
    velocity = np.full((1, SIZE, SIZE), 0.3, np.float32)
    mean.update(sample(2), Answer({"velocity": velocity}))
    folded = mean.predict(sample(2, limit=0.2))["velocity"]
    np.testing.assert_allclose(folded, 0.3 - 2 * 0.2, atol=1e-7)


def test_quantities_are_answered_with_their_mean() -> None:
    mean = TrainingMean(Output("answer", "quantity", ("age", "weight")))
    for row in ([50, 80], [70, np.nan]):
        mean.update(sample(2), Answer({"answer": np.array(row, np.float32)}))
    np.testing.assert_allclose(mean.predict(sample(2))["answer"], [60, 80])


def test_events_are_answered_with_the_share_of_each_class() -> None:
    mean = TrainingMean(Output("beat", "event_class", ("N", "S", "V")))
    unknown = [[0, 0, 0], [np.nan] * 3]
    first = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], *unknown])
    second = np.array([[1, 0, 0], [0, 0, 1]])
    for truth in (first, second):
        mean.update(sample(2), Answer({"beat": truth}))
    asked = replace(sample(2), events=np.array([0.0, 0.01, 0.02]))
    prior = mean.predict(asked)["beat"]
    # Each recording has the same say: (3/4 + 1/2) / 2.
    np.testing.assert_allclose(prior, [[0.625, 0, 0.375]] * 3)
    nobody = TrainingMean(Output("beat", "event_class", ("N", "S")))
    np.testing.assert_allclose(nobody.predict(asked)["beat"], 0.5)


@pytest.mark.parametrize("kind", ["label_map", "multilabel", "velocity"])
def test_what_was_learnt_can_be_stored(kind: str) -> None:
    output = Output("answer", kind, ("background", "lv_cavity"))
    task = Task("", "", (), output, None, None, None, None, {}, "")
    truth = {
        "label_map": np.ones((2, 40, 30), np.uint8),
        "multilabel": np.array([1.0, 0.0], np.float32),
        "velocity": np.full((1, 40, 30), 0.25, np.float32),
    }[kind]
    mean, again = MODEL.build(task), MODEL.build(task)
    mean.update(sample(2, (40, 30)), Answer({"answer": truth}))
    again.restore(mean.arrays())
    ask = sample(2, (40, 30))
    first = task.answer(ask, mean.predict(ask)).values["answer"]
    np.testing.assert_array_equal(first, truth)
    np.testing.assert_array_equal(again.predict(ask)["answer"], truth)
