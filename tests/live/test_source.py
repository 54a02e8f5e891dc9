"""Gaps and restarts, each made on purpose and counted to the sample."""

import numpy as np
import pytest
from tests.live.conftest import RATE, FakeBoard

from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.live import Gap, Source

RAMP = np.arange(10_000.0)


def collect(source, time, seconds):
    """Read for some time; returns values with NaN where missing, and the gaps."""
    values, gaps = [], []
    end = time.at + seconds
    while time.at < end - 1e-9:
        time.sleep(0.1)
        for piece in source.poll():
            if isinstance(piece, Gap):
                gaps.append(piece)
                values.append(np.full(piece.missing, np.nan))
            else:
                values.append(piece.values)
    return np.concatenate(values), gaps


@pytest.fixture
def board(time):
    return FakeBoard(time, RAMP)


@pytest.fixture
def source(board, time):
    source = Source(board, clock=time.clock)
    source.start()
    return source


def test_a_whole_stream_has_no_gap(source, time):
    values, gaps = collect(source, time, 4)
    assert gaps == []
    np.testing.assert_array_equal(values, RAMP[:1000])


def test_lost_packages_are_counted_and_left_missing(board, source, time):
    board.drop = {100, 101, 102, 500}
    values, gaps = collect(source, time, 4)
    assert [(g.kind, g.missing) for g in gaps] == [("lost", 3), ("lost", 1)]
    expected = RAMP[:1000].copy()
    expected[[100, 101, 102, 500]] = np.nan
    np.testing.assert_array_equal(values, expected)


def test_a_silence_is_measured_by_the_time_stamps_when_the_counter_went_round(
    board, source, time
):
    board.drop = set(range(300, 300 + 2 * 256))  # the counter sees nothing
    values, gaps = collect(source, time, 5)
    assert [(g.kind, g.missing) for g in gaps] == [("lost", 512)]
    assert gaps[0].after - gaps[0].before == pytest.approx(513 / RATE, abs=1e-5)
    np.testing.assert_array_equal(values[812:], RAMP[812:1250])
    assert np.isnan(values[300:812]).all()


def test_what_was_held_up_and_then_delivered_is_not_missing(board, source, time):
    first, _ = collect(source, time, 1)
    board.held = True
    nothing = [source.poll() for _ in range(20) if time.sleep(0.1) is None]
    assert not any(nothing)
    board.held = False
    rest, gaps = collect(source, time, 1)
    assert [(g.kind, g.missing) for g in gaps] == [("late", 0)]
    np.testing.assert_array_equal(np.concatenate([first, rest]), RAMP[:1000])


def test_what_was_held_up_may_come_in_several_batches(board, source, time):
    first, _ = collect(source, time, 1)
    board.held = True
    assert not any(source.poll() for _ in range(20) if time.sleep(0.1) is None)
    board.held, board.at_most = False, 125
    rest, gaps = collect(source, time, 2)
    assert [(g.kind, g.missing) for g in gaps] == [("late", 0)]
    np.testing.assert_array_equal(np.concatenate([first, rest]), RAMP[:1250])


def test_the_end_gives_what_is_held_back(board, source, time):
    board.drop = set(range(300, 800))
    values, gaps = collect(source, time, 3.4)
    assert (len(values), gaps) == (300, [])
    gap, rows = source.release()
    assert (gap.kind, gap.missing) == ("lost", 500)
    np.testing.assert_array_equal(rows.values, RAMP[800:850])
    assert source.release() == []


def test_a_counter_that_is_set_back_is_a_jump(board, source, time):
    board.jumps = {500: 100}  # as where a played file starts again
    values, gaps = collect(source, time, 4)
    assert [(g.kind, g.missing) for g in gaps] == [("jump", 0)]
    np.testing.assert_array_equal(values, RAMP[:1000])


def test_without_a_counter_the_time_stamps_say_it(board, source, time):
    board.counter_size = None
    board.drop = {50, *range(300, 500)}
    values, gaps = collect(source, time, 4)
    assert [(g.kind, g.missing) for g in gaps] == [("lost", 200)]
    assert len(values) == 999  # one sample is too short a silence to be seen


def test_a_failing_board_is_started_again_and_the_time_between_is_missing(
    board, source, time
):
    collect(source, time, 2)
    board.fails_until, board.refuses_until = 2.6, 4.0
    values, gaps = collect(source, time, 6)
    # refused after 0.5 s and 1 s more; after 2 s more it starts, at 5.6 s
    assert [(g.kind, g.missing) for g in gaps] == [("restart", 900)]
    assert gaps[0].detail == "no dongle"
    assert (source.restarts, board.starts, board.stops) == (1, 2, 1)
    np.testing.assert_array_equal(values[900:], RAMP[1400:2000])


def test_a_board_that_says_nothing_is_started_again(board, source, time):
    collect(source, time, 1)
    board.dead_from = 1.0
    for _ in range(52):
        time.sleep(0.1)
        source.poll()
    assert source.failure == "no sample for 5.1 s"
    board.dead_from = np.inf
    _, gaps = collect(source, time, 2)
    assert [g.kind for g in gaps] == ["restart"]
    assert source.failure is None


def test_the_first_start_may_fail_and_says_so(board, time):
    board.refuses_until = 1.0
    with pytest.raises(NotProvidedError, match="dongle"):
        Source(board, clock=time.clock).start()


def test_it_is_let_go_once(board, source):
    source.stop()
    source.stop()
    assert board.stops == 1


def test_times_must_fit(board):
    with pytest.raises(InvalidArgumentError, match="got 6 and 5 s"):
        Source(board, stall=6)
