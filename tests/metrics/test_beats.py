"""Beats matched: on paper, against wfdb on real beats, and by class."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from wfdb.processing import compare_annotations

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.metrics import (
    confuse_beats,
    count_beats,
    ectopic_rates,
    match_beats,
)
from cardium.signal import BEAT_SYMBOLS


@pytest.mark.parametrize(
    ("reference", "found", "pairs"),
    [
        ([1, 2, 3], [1, 2, 3], [[0, 0], [1, 1], [2, 2]]),
        ([1, 2, 3], [], []),
        ([], [1], []),
        ([1.0], [1.15], [[0, 0]]),
        ([1.0], [0.85], [[0, 0]]),
        ([1.0], [1.151], []),
        ([1.0], [0.9, 1.05], [[0, 1]]),  # two for one: the nearer
        ([0.9, 1.05], [1.0], [[1, 0]]),
        ([1.0], [0.9, 1.1], [[0, 0]]),  # a tie: the earlier
        ([0.9, 1.1], [1.0], [[0, 0]]),
        ([1.0, 1.2], [0.9, 1.06], [[0, 1]]),  # the nearer is not given away
    ],
)
def test_pairs_on_paper(reference, found, pairs):
    assert match_beats(reference, found).tolist() == pairs


def test_150_ms_are_54_samples_at_360_hz():
    sample = np.arange(100, 650_000, 300)
    inside = match_beats(sample / 360, (sample + 54) / 360)
    outside = match_beats(sample / 360, (sample + 55) / 360)
    assert (len(inside), len(outside)) == (len(sample), 0)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_pairs_are_one_to_one_in_order_and_near(seed):
    rng = np.random.default_rng(seed)
    reference, found = (np.sort(rng.random(n) * 10) for n in rng.integers(0, 40, 2))
    pairs = match_beats(reference, found)
    assert (np.diff(pairs, axis=0) > 0).all()
    apart = np.abs(reference[pairs[:, 0]] - found[pairs[:, 1]])
    assert (apart <= 0.15 + 1e-9).all()
    mirrored = match_beats(found, reference)
    assert len(mirrored) == len(pairs)
    # no two beats that were left alone are each other's nearest within the window
    alone = np.setdiff1d(np.arange(len(reference)), pairs[:, 0])
    other = np.setdiff1d(np.arange(len(found)), pairs[:, 1])
    for i in alone:
        for j in other:
            gap = abs(reference[i] - found[j])
            nearest = gap <= np.abs(reference - found[j]).min()
            mutual = gap <= np.abs(found - reference[i]).min()
            assert not (gap <= 0.15 and nearest and mutual)


def test_the_learning_period_and_flutter_do_not_count():
    reference = np.arange(0.5, 1000.0, 1.0)
    found = np.delete(reference, [10, 400, 700]) + 0.01
    found = np.sort(np.append(found, [100.0, 500.0, 701.0]))
    whole = count_beats(reference, found, start=0)
    assert (whole.matched, whole.missed, whole.extra) == (997, 3, 3)
    late = count_beats(reference, found)
    assert (late.matched, late.missed, late.extra) == (698, 2, 2)
    spared = count_beats(reference, found, leave_out=[(690.0, 710.0)])
    assert (spared.matched, spared.missed, spared.extra) == (679, 1, 1)
    assert whole.offset == pytest.approx(0.01)


def test_a_limit_does_not_part_a_pair():
    counts = count_beats([299.95, 301.0], [300.05, 301.0], start=300)
    assert (counts.matched, counts.missed, counts.extra) == (1, 0, 0)
    counts = count_beats([300.05], [299.95], start=300)
    assert (counts.matched, counts.missed, counts.extra) == (1, 0, 0)


def test_rates():
    counts = count_beats([1, 2, 3, 4], [1, 2, 3.5], start=0)
    assert counts.sensitivity == 0.5
    assert counts.ppv == pytest.approx(2 / 3)
    assert counts.f1 == pytest.approx(4 / 7)
    nothing = count_beats([], [], start=0)
    values = (nothing.sensitivity, nothing.ppv, nothing.f1, nothing.offset)
    assert all(math.isnan(value) for value in values)


def test_wrong_beats_are_refused():
    with pytest.raises(InvalidArgumentError, match="Found beats"):
        match_beats([1, 2], [2, 1])
    with pytest.raises(InvalidArgumentError, match="Reference beats"):
        match_beats([1, np.nan], [1])
    with pytest.raises(InvalidArgumentError, match="window"):
        match_beats([1], [1], window=-1)
    with pytest.raises(InvalidArgumentError, match="2 found beats but 1 names"):
        confuse_beats(([1], "N"), ([1, 2], "N"))
    with pytest.raises(UnknownNameError, match="'L'"):
        confuse_beats(([1], "L"), ([1], "N"))


@pytest.mark.parametrize("record", ["100", "105", "208"])
@pytest.mark.parametrize("jitter", [20, 53, 70])
def test_real_beats_are_counted_as_by_wfdb(shared_data, record, jitter):
    """Beats moved, dropped and made up; wfdb's window is strict: below 54 samples."""
    marks = wfdb.rdann(str(shared_data / "mitdb" / record), "atr")
    is_beat = np.isin(marks.symbol, BEAT_SYMBOLS)
    reference = np.asarray(marks.sample)[is_beat]
    rng = np.random.default_rng(int(record) + jitter)
    kept = reference[rng.random(len(reference)) > 0.05]
    moved = kept + rng.integers(-jitter, jitter + 1, len(kept))
    found = np.unique(np.append(moved, rng.integers(1, 650_000, 100)))
    found = found[found > 0]
    theirs = compare_annotations(reference, found, 54)
    ours = count_beats(reference / 360, found / 360, window=53.5 / 360, start=0)
    assert (ours.matched, ours.missed, ours.extra) == (theirs.tp, theirs.fn, theirs.fp)


def test_a_whole_database_is_matched_in_no_time():
    rng = np.random.default_rng(0)
    lists = [np.cumsum(rng.uniform(0.6, 1.0, 2300)) for _ in range(48)]
    match_beats(lists[0], lists[0])
    start = time.perf_counter()
    for times in lists:
        match_beats(times, times + 0.01)
    assert time.perf_counter() - start < 1


def test_classes_of_beats_that_had_to_be_found():
    true = ([1.0, 2.0, 3.0, 4.0, 5.0], "NVSVF")
    found = ([1.0, 2.0, 3.05, 4.5, 5.0], "NVNSV")
    table = confuse_beats(true, found, start=0)
    expected = np.zeros((6, 6), int)
    expected[0, 0] = expected[2, 2] = 1
    expected[1, 0] = 1  # S called N
    expected[2, 5] = 1  # V missed
    expected[5, 1] = 1  # S made up
    expected[3, 2] = 1  # fusion called V
    assert table.tolist() == expected.tolist()
    late = confuse_beats(true, found, start=2.5, leave_out=[(4.4, 4.6)])
    assert late.sum() == 3


def test_ectopic_rates_on_paper():
    """Rows N S V F Q; what is not counted as false is left out of both rates."""
    table = np.array(
        [
            [900, 10, 20, 5, 1],
            [6, 80, 4, 0, 0],
            [3, 7, 60, 2, 1],
            [2, 8, 9, 30, 0],
            [1, 4, 11, 0, 12],
        ]
    )
    rates = ectopic_rates(table)
    assert rates["S"].sensitivity == pytest.approx(80 / 90)
    assert rates["S"].ppv == pytest.approx(80 / (80 + 10 + 7 + 8))
    right = table.sum() - table[1].sum() - (10 + 7 + 8 + 4)
    assert rates["S"].false_positive_rate == pytest.approx(25 / (25 + right))
    assert rates["V"].sensitivity == pytest.approx(60 / 73)
    assert rates["V"].ppv == pytest.approx(60 / (60 + 20 + 4))
    right = table.sum() - table[2].sum() - (20 + 4 + 9 + 11)
    assert rates["V"].false_positive_rate == pytest.approx(24 / (24 + right))


def test_missed_and_made_up_beats_count_as_errors():
    table = np.zeros((6, 6))
    table[2, 2], table[2, 5], table[5, 2], table[0, 0] = 6, 2, 4, 10
    rates = ectopic_rates(table)["V"]
    assert (rates.sensitivity, rates.ppv) == (0.75, 0.6)
    assert math.isnan(ectopic_rates(table)["S"].sensitivity)
    with pytest.raises(InvalidArgumentError, match=r"\(4, 4\)"):
        ectopic_rates(np.eye(4))
