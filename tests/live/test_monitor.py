"""The whole on a clock of its own: peaks, latency, gaps, the record, a model."""

import numpy as np
import pytest
from tests.live.conftest import RATE, FakeBoard, beats_at

from cardium.core import Output, Task
from cardium.errors import InvalidArgumentError
from cardium.io.wfdb import open_signal
from cardium.live import LiveModel, Monitor, Recorder, Source

TIMES = np.arange(0.4, 40, 0.8)


@pytest.fixture
def board(time):
    return FakeBoard(time, beats_at(TIMES, 40))


def watch(board, time, seconds=20.0, **more):
    monitor = Monitor(Source(board, clock=time.clock), clock=time.clock, **more)
    return monitor, monitor.run(seconds)


def places(monitor):
    return [beat.place for beat in monitor.beats]


def test_peaks_rate_and_latency_are_known(board, time):
    monitor, summary = watch(board, time)
    expected = np.round(TIMES * RATE).astype(int)
    assert places(monitor) == expected[: summary.beats].tolist()
    assert summary.beats == 25  # the last at 19.6 s, reported at 20.0 s
    assert summary.heart_rate == pytest.approx(75)
    assert summary.seconds == 20
    # a peak is reported at the first reading 0.3 s after it, every 0.1 s
    assert 0.3 <= summary.latency_median <= 0.401
    assert summary.latency_worst <= 0.401
    assert (summary.gaps, summary.missing, summary.restarts) == (0, 0, 0)
    assert board.stops == 1


def test_a_gap_is_recorded_and_nothing_is_found_in_it(board, time, tmp_path):
    board.drop = set(range(2000, 2500))
    recorder = Recorder(tmp_path, lead=board.lead, rate=board.rate)
    monitor, summary = watch(board, time, recorder=recorder)
    assert (summary.gaps, summary.missing) == (1, 500)
    values = open_signal(tmp_path / "live_0001.hea")[:][:, 0]
    trace = board.trace[: len(values)].copy()
    trace[2000:2500] = np.nan
    np.testing.assert_allclose(values, trace, atol=6e-4)
    found = np.array(places(monitor))
    assert not ((found >= 1990) & (found < 2500)).any()
    expected = np.round(TIMES * RATE)
    assert np.isin(found, expected).all()
    # of the 25 peaks to 20 s, those in the gap, less than 0.3 s before it and less
    # than 0.15 s after it are not there
    lost = ((expected >= 1925) & (expected < 2500 + 38)).sum()
    assert summary.beats == 25 - lost
    assert summary.latency_worst <= 0.401


def test_a_restart_is_survived(board, time, tmp_path):
    recorder = Recorder(tmp_path, lead=board.lead, rate=board.rate)
    time.before_sleep = [
        lambda at: setattr(board, "fails_until", 8.4) if at == 8.0 else None
    ]
    monitor, summary = watch(board, time, recorder=recorder)
    assert summary.restarts == 1
    assert summary.gaps == 1
    assert monitor.gaps[0][1].kind == "restart"
    values = open_signal(tmp_path / "live_0001.hea")[:][:, 0]
    assert len(values) == pytest.approx(20 * RATE, abs=1)
    after = np.arange(len(values)) >= 2500
    np.testing.assert_allclose(
        values[after], board.trace[: len(values)][after], atol=6e-4
    )
    assert np.isin(places(monitor), np.round(TIMES * RATE)).all()


def test_no_beat_is_lost_when_samples_come_late(board, time):
    time.before_sleep = [lambda at: setattr(board, "held", 6 < at < 7.5)]
    monitor, summary = watch(board, time)
    assert [gap.kind for _, gap in monitor.gaps] == ["late"]
    assert places(monitor) == np.round(TIMES * RATE)[: summary.beats].tolist()
    assert summary.beats == 25


def test_ctrl_c_lets_go_and_keeps_the_record(board, time, tmp_path):
    def interrupt(at):
        if at == 5.0:
            raise KeyboardInterrupt

    time.before_sleep = [interrupt]
    recorder = Recorder(tmp_path, lead=board.lead, rate=board.rate)
    _, summary = watch(board, time, recorder=recorder)
    assert summary.seconds == 5
    assert board.stops == 1
    assert open_signal(tmp_path / "live_0001.hea").shape == (1250, 1)


def test_memory_is_bounded(time):
    board = FakeBoard(time, np.tile(beats_at(np.arange(0.4, 8, 0.8), 8), 10))
    monitor, summary = watch(board, time, 80)
    assert summary.seconds == 80
    assert len(monitor.values) == 10 * RATE
    assert monitor._detector._values.nbytes <= 4 * 10 * RATE


class Tall:
    """Calls a beat V if the sample at its peak is above 1.5 mV."""

    def __init__(self):
        self.seen = []

    def predict(self, sample):
        at = np.searchsorted(sample.stream.time, sample.events - 1e-9)
        values = sample.stream.load()[at, 0]
        self.seen.append(sample.stream)
        tall = (values > 1.5).astype(np.float32)
        return {"probability": np.stack([1 - tall, tall], 1)}

    def describe(self):
        return {}


def task_of(kind):
    output = Output("probability", kind, ("N", "V"))
    return Task("t", "T", (), output, None, None, None, None, {}, "")


def test_a_model_classifies_each_beat_when_enough_has_come(time):
    trace = beats_at(TIMES, 40)
    board = FakeBoard(time, trace)
    near = [slice(round(t * RATE) - 20, round(t * RATE) + 20) for t in TIMES]
    for part in near[4::5]:
        board.trace[part] *= 2
    model = LiveModel(
        Tall(), task_of("event_class"), lead="MLII", rate=125.0, seconds=2.0
    )
    monitor, summary = watch(board, time, model=model)
    labels = {beat.place: beat.label for beat in monitor.beats}
    for number, at in enumerate(TIMES[: len(labels)]):
        assert labels[round(at * RATE)] == ("V" if number % 5 == 4 else "N")
    assert 1.0 <= summary.latency_median <= 1.101
    assert model._model.seen[0].rate == 125
    assert model._model.seen[0].coords["lead"] == ("MLII",)


class MeanIsPositive:
    def predict(self, sample):
        positive = float(sample.stream.load().mean() > 0)
        return {"probability": np.array([1 - positive, positive], np.float32)}

    def describe(self):
        return {}


def test_a_model_of_records_answers_the_last_seconds(board, time):
    model = LiveModel(
        MeanIsPositive(), task_of("multilabel"), lead="I", rate=100.0, seconds=5.0
    )
    _, summary = watch(board, time, model=model)
    assert summary.classes == {"N": 0.0, "V": 1.0}


def test_a_model_of_another_kind_is_refused():
    with pytest.raises(InvalidArgumentError, match="label_map"):
        LiveModel(Tall(), task_of("label_map"), lead="I", rate=100.0, seconds=1.0)
