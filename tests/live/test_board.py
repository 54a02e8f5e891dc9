"""BrainFlow itself, without hardware: a known ECG in, the same ECG out."""

from importlib.util import find_spec

import numpy as np
import pytest
from tests.live.conftest import RATE, beats_at

from cardium.core import Stream
from cardium.errors import DataMissingError, InvalidArgumentError, UnknownNameError
from cardium.io.wfdb import open_signal
from cardium.live import (
    BrainFlowBoard,
    Clock,
    Monitor,
    Recorder,
    Source,
    write_playback,
)

pytestmark = pytest.mark.skipif(
    find_spec("brainflow") is None, reason="brainflow is not installed"
)


def stream(values, rate=RATE):
    return Stream("ecg", values, np.arange(len(values)) / rate, ("time",), "mV")


def test_a_playback_file_has_the_columns_of_the_board(tmp_path):
    values = np.stack([np.arange(300) / 1000, -np.arange(300) / 500], 1)
    ecg = Stream(
        "ecg", values, np.arange(300) / RATE, ("time", "lead"), "mV",
        coords={"lead": ("I", "II")},
    )  # fmt: skip
    write_playback(tmp_path / "p.csv", ecg)
    table = np.loadtxt(tmp_path / "p.csv", delimiter="\t")
    assert table.shape == (300, 32)
    np.testing.assert_allclose(table[:, 1:3], 1000 * values, atol=1e-6)  # in µV
    np.testing.assert_array_equal(table[:, 0], np.arange(300) % 256)
    np.testing.assert_allclose(np.diff(table[:, 30]), 1 / RATE, atol=1e-6)
    assert not table[:, 3:30].any()


def test_a_lead_is_resampled_to_the_board(tmp_path):
    time = np.arange(3600) / 360
    write_playback(tmp_path / "p.csv", stream(np.sin(2 * np.pi * time), 360))
    table = np.loadtxt(tmp_path / "p.csv", delimiter="\t")
    expected = np.sin(2 * np.pi * np.arange(2500) / RATE)
    np.testing.assert_allclose(table[100:-100, 1] / 1000, expected[100:-100], atol=2e-3)


def test_what_cannot_be_played_is_refused(tmp_path):
    holey = np.array([0.0, np.nan])
    with pytest.raises(InvalidArgumentError, match="missing"):
        write_playback(tmp_path / "p.csv", stream(holey))
    with pytest.raises(InvalidArgumentError, match="250 Hz, a file of 500"):
        write_playback(tmp_path / "p.csv", stream(np.zeros(9)), rate=500)
    assert not list(tmp_path.iterdir())


def test_boards_are_known_by_name_and_number():
    board = BrainFlowBoard("-1", lead=3)
    assert (board.name, board.rate, board.lead) == ("synthetic", 250, "ECG3")
    assert BrainFlowBoard("CYTON_BOARD").name == "cyton"
    assert BrainFlowBoard("ganglion").counter_size is None
    with pytest.raises(UnknownNameError, match="did you mean 'cyton'"):
        BrainFlowBoard("cytton")
    with pytest.raises(InvalidArgumentError, match="16 channels"):
        BrainFlowBoard("synthetic", lead=17)
    with pytest.raises(DataMissingError, match="nothere"):
        BrainFlowBoard("playback", file="nothere.csv")
    with pytest.raises(InvalidArgumentError, match="plays no file"):
        BrainFlowBoard("synthetic", file="p.csv")


def test_the_synthetic_board_delivers_without_a_gap():
    summary = Monitor(Source(BrainFlowBoard("synthetic"))).run(1.5)
    assert 1.0 < summary.seconds < 2.5
    assert summary.missing == 0


def test_a_played_ecg_gives_its_peaks_in_time_and_on_disk(tmp_path):
    times = np.array([0.5, 1.3, 2.05, 2.9, 3.8, 4.6, 5.3, 6.1, 6.9])
    trace = beats_at(times, 8)
    write_playback(tmp_path / "p.csv", stream(trace))
    board = BrainFlowBoard("playback", file=tmp_path / "p.csv", name="MLII")
    recorder = Recorder(tmp_path / "out", lead="MLII", rate=RATE)
    monitor = Monitor(Source(board), recorder=recorder)
    summary = monitor.run(8)
    found = np.array([beat.time for beat in monitor.beats])
    assert len(found) >= len(times) - 1
    np.testing.assert_allclose(found, times[: len(found)], atol=0.02)
    assert summary.heart_rate == pytest.approx(
        60 / np.median(np.diff(times[: len(found)])), rel=0.01
    )
    assert 0.3 < summary.latency_median < 2
    assert summary.missing == 0
    signal = open_signal(tmp_path / "out" / "live_0001.hea")
    np.testing.assert_allclose(signal[:][:, 0], trace[: signal.shape[0]], atol=1.1e-3)


def test_the_end_of_a_file_is_a_silence_and_a_loop_is_a_jump(tmp_path):
    trace = beats_at(np.array([0.4, 1.0]), 1.4)
    write_playback(tmp_path / "p.csv", stream(trace))
    board = BrainFlowBoard("playback", file=tmp_path / "p.csv")
    monitor = Monitor(Source(board))
    summary = monitor.run(2.5)
    assert summary.seconds == pytest.approx(1.4)
    assert summary.silence > 0.5
    looped = BrainFlowBoard("playback", file=tmp_path / "p.csv", loop=True)
    monitor = Monitor(Source(looped, clock=Clock()))
    summary = monitor.run(2.5)
    assert summary.seconds > 1.6
    assert {gap.kind for _, gap in monitor.gaps} == {"jump"}
    assert summary.missing == 0
