"""Episodes: durations, overlaps and burden on paper and second by second."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.metrics import count_episodes, episodes_of


def test_on_paper():
    counts = count_episodes([[0, 100], [200, 300]], [[50, 120], [210, 220], [400, 410]])
    assert (counts.both, counts.missed, counts.extra) == (60, 140, 30)
    assert (counts.reference, counts.detected) == (2, 2)
    assert (counts.found, counts.confirmed) == (3, 2)
    assert counts.duration_sensitivity == 60 / 200
    assert counts.duration_ppv == 60 / 90
    assert counts.duration_f1 == pytest.approx(120 / 290)
    assert counts.episode_sensitivity == 1
    assert counts.episode_ppv == pytest.approx(2 / 3)
    assert counts.burden_error == 90 - 200


def test_touching_is_not_overlapping():
    counts = count_episodes([[0, 10]], [[10, 20]])
    assert (counts.detected, counts.confirmed, counts.both) == (0, 0, 0)


def test_no_episodes():
    nothing = count_episodes([], [])
    rates = (nothing.duration_sensitivity, nothing.duration_ppv, nothing.duration_f1,
             nothing.episode_sensitivity, nothing.episode_ppv)  # fmt: skip
    assert all(math.isnan(rate) for rate in rates)
    assert nothing.burden_error == 0
    alarm = count_episodes([], [[1, 3]])
    assert (alarm.duration_ppv, alarm.episode_ppv, alarm.extra) == (0, 0, 2)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_second_by_second(seed):
    rng = np.random.default_rng(seed)
    time = np.arange(60) + 0.5
    true, found = rng.random((2, 60)) < rng.random()
    counts = count_episodes(
        episodes_of(time, true, step=1.0), episodes_of(time, found, step=1.0)
    )
    assert counts.both == (true & found).sum()
    assert counts.missed == (true & ~found).sum()
    assert counts.extra == (~true & found).sum()
    starts = true & ~np.append(False, true[:-1])
    assert counts.reference == starts.sum()


def test_steps_become_episodes():
    time = np.array([0.5, 1.5, 2.5, 3.5, 7.5])
    so = [True, True, False, True, True]
    assert episodes_of(time, so, step=1.0).tolist() == [[0, 2], [3, 4], [7, 8]]
    assert episodes_of(time, [False] * 5, step=1.0).shape == (0, 2)
    assert episodes_of([], [], step=1.0).shape == (0, 2)


def test_wrong_episodes_are_refused():
    with pytest.raises(InvalidArgumentError, match="reference episodes overlap"):
        count_episodes([[0, 10], [5, 20]], [])
    with pytest.raises(InvalidArgumentError, match="found episodes"):
        count_episodes([], [[3, 1]])
    with pytest.raises(InvalidArgumentError, match="a start and a stop"):
        count_episodes([[0, 1, 2]], [])
    with pytest.raises(InvalidArgumentError, match="step"):
        episodes_of([0.5], [True], step=0)


@pytest.mark.parametrize("step", [0.1, 0.3, 0.7, 1.0, 2.5])
@pytest.mark.parametrize("start", [0.0, 1.3])
def test_episodes_that_only_touch_do_not_overlap(step, start):
    """The end of one step and the start of the next differ by rounding."""
    time = start + step * (np.arange(1800) + 0.5)
    true = np.arange(1800) // 3 % 3 == 0
    after = np.roll(true, 3)
    counts = count_episodes(
        episodes_of(time, true, step=step), episodes_of(time, after, step=step)
    )
    assert (counts.both, counts.detected, counts.confirmed) == (0, 0, 0)
    assert (counts.reference, counts.found) == (200, 200)
    assert counts.missed == pytest.approx(step * true.sum())
