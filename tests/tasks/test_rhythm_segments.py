"""Rhythm by the second: steps, labels carried forward, episodes pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Answer, Entry, Recording, Stream
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.signal import label_stream
from cardium.tasks import open_task
from cardium.testing import check_task


def recording(marks=((0.0, "N"), (20.2, "AFIB"), (40.0, "AFL")), seconds=60, rate=250,
              name="r"):  # fmt: skip
    time = np.arange(int(seconds * rate)) / rate
    trace = np.sin(2 * np.pi * time)[:, None] * [1.0, 2.0]
    ecg = Stream("ecg", trace, time, ("time", "lead"), "mV",
                 coords={"lead": ("ECG1", "ECG2")})  # fmt: skip
    rhythm = label_stream("rhythm", [t for t, _ in marks], [n for _, n in marks])
    entry = Entry(name, name, "", frozenset({"ecg", "rhythm"}))
    return Recording(entry, {"ecg": ecg}, {"rhythm": rhythm})


def test_contract():
    task = open_task("rhythm_segments")
    more = recording(((0.0, "AFIB"), (30.0, "N")), name="b")
    check_task(task, [recording(name="a"), more])


def test_steps_and_truth():
    task = open_task("rhythm_segments")
    sample, truth = task.inputs(recording()), task.target(recording(), None)
    np.testing.assert_allclose(sample.events, np.arange(60) + 0.5)
    assert sample.stream.shape == (15000, 1)
    assert sample.stream.coords["lead"] == ("ecg",)
    assert np.flatnonzero(truth.values["rhythm"][:, 1]).tolist() == [*range(20, 40)]
    assert (truth.values["rhythm"].sum(axis=1) == 1).all()


def test_rhythms_asked_for():
    def steps(positive):
        task = open_task("rhythm_segments", positive=positive)
        return np.flatnonzero(task.target(recording(), None).values["rhythm"][:, 1])

    assert steps("AFL").tolist() == [*range(40, 60)]
    assert steps("AFIB+AFL").tolist() == [*range(20, 60)]


def test_a_part_of_a_step_at_the_end_is_none():
    task = open_task("rhythm_segments", step=7.0)
    events = task.inputs(recording(seconds=60.5)).events
    np.testing.assert_allclose(events, 7 * np.arange(8) + 3.5)
    truth = task.target(recording(), None).values["rhythm"]
    assert np.flatnonzero(truth[:, 1]).tolist() == [3, 4, 5]


def test_before_the_first_mark_nothing_is_scored():
    task = open_task("rhythm_segments")
    truth = task.target(recording(((10.0, "N"), (20.0, "AFIB"))), None)
    assert not truth.values["rhythm"][:10].any()
    alarm = np.tile([0.0, 1.0], (60, 1))
    row = task.score(Answer({"rhythm": alarm}), truth)
    assert (row["scored"], row["both"], row["extra"]) == (50, 40, 10)


def test_another_rate_is_resampled_and_keeps_its_steps():
    sample = open_task("rhythm_segments").inputs(recording(rate=360))
    assert sample.stream.rate == pytest.approx(250)
    np.testing.assert_allclose(sample.events, np.arange(60) + 0.5)


def probabilities(positive):
    return np.where(np.array(positive)[:, None], [0.2, 0.8], [0.8, 0.2])


def test_counts_on_paper_are_pooled():
    task = open_task("rhythm_segments")
    found = np.zeros(60, bool)
    found[25:45] = found[50:52] = True  # 15 s right, 5 missed, 7 made up
    first = task.score(
        Answer({"rhythm": probabilities(found)}), task.target(recording(), None)
    )
    calm = task.target(recording(((0.0, "N"),)), None)
    second = task.score(Answer({"rhythm": probabilities(np.zeros(60, bool))}), calm)
    columns = {name: np.array([first[name], second[name]]) for name in first}
    summary = task.summarize(columns, np.array([0, 1]))
    assert set(summary) == set(task.metrics)
    assert summary["duration_sensitivity"] == pytest.approx(15 / 20)
    assert summary["duration_ppv"] == pytest.approx(15 / 22)
    assert summary["duration_f1"] == pytest.approx(30 / 42)
    assert summary["accuracy"] == pytest.approx(108 / 120)
    assert (summary["episode_sensitivity"], summary["episode_ppv"]) == (1.0, 0.5)
    assert summary["burden_error"] == pytest.approx(100 * (2 / 60 + 0) / 2)
    assert summary["burden_error_size"] == pytest.approx(100 * (2 / 60) / 2)


def test_no_episode_at_all_has_no_f1():
    task = open_task("rhythm_segments")
    calm = task.target(recording(((0.0, "N"),)), None)
    row = task.score(Answer({"rhythm": probabilities(np.zeros(60, bool))}), calm)
    columns = {name: np.array([value]) for name, value in row.items()}
    summary = task.summarize(columns, np.array([0]))
    assert math.isnan(summary["duration_f1"])
    assert summary["accuracy"] == 1.0


def test_wrong_options_and_answers_are_refused():
    with pytest.raises(InvalidArgumentError, match="'AF'"):
        open_task("rhythm_segments", positive="AF")
    with pytest.raises(InvalidArgumentError, match="step"):
        open_task("rhythm_segments", step=0)
    with pytest.raises(InvalidArgumentError, match="rate"):
        open_task("rhythm_segments", rate=-1)
    task = open_task("rhythm_segments")
    with pytest.raises(AnswerError, match="60 steps"):
        task.score(
            Answer({"rhythm": np.zeros((59, 2))}), task.target(recording(), None)
        )
    bare = Recording(recording().entry, recording().streams)
    with pytest.raises(NotProvidedError, match="no annotation 'rhythm'"):
        task.target(bare, None)
