"""Records against the wfdb library, and against what was written."""

import csv
import subprocess
import sys

import numpy as np
import pytest
import wfdb
from tests.live.conftest import RATE, START

from cardium.datasets import DATASETS
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io.wfdb import open_signal
from cardium.live import Gap, Recorder, recover


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_wfdb_reads_samples_gaps_beats_and_the_time_of_day(tmp_path):
    first, second = np.arange(300) / 1000, -np.arange(400) / 1000
    with Recorder(tmp_path, lead="MLII", rate=RATE, comments=["board: fake"]) as it:
        it.write(first, stamp=START)
        it.write_gap(Gap("lost", 5, START, START + 6 / RATE))
        it.write(second, stamp=START + 2)
        for place in (20, 260, 700):
            it.write_beat(place, rate=np.nan, latency=0.4)
    record = wfdb.rdrecord(str(tmp_path / "live_0001"))
    expected = np.concatenate([first, np.full(5, np.nan), second])
    np.testing.assert_allclose(record.p_signal[:, 0], expected, atol=1e-9)
    assert (record.fs, record.sig_name, record.units) == (RATE, ["MLII"], ["mV"])
    assert record.base_datetime.isoformat() == "2023-11-14T22:13:20"
    assert record.comments == ["board: fake"]
    digital = wfdb.rdrecord(str(tmp_path / "live_0001"), physical=False)
    assert digital.checksum[0] % 65536 == digital.calc_checksum()[0] % 65536
    beats = wfdb.rdann(str(tmp_path / "live_0001"), "qrs")
    assert beats.sample.tolist() == [20, 260, 700]
    assert set(beats.symbol) == {"N"}
    ours = open_signal(tmp_path / "live_0001.hea")
    np.testing.assert_allclose(ours[:][:, 0], expected, atol=1e-6)
    (gap,) = rows(tmp_path / "gaps.csv")
    assert gap == {
        "record": "live_0001", "time_s": "1.200", "kind": "lost",
        "missing_samples": "5", "missing_s": "0.020", "detail": "",
    }  # fmt: skip
    assert [r["time_s"] for r in rows(tmp_path / "beats.csv")] == [
        "0.080", "1.040", "2.800",
    ]  # fmt: skip


def test_far_apart_beats_are_written_as_skips(tmp_path):
    places = [10, 1034, 70_000, 140_000]
    with Recorder(tmp_path, lead="I", rate=RATE) as it:
        it.write(np.zeros(150_000), stamp=START)
        for place in places:
            it.write_beat(place, rate=60, latency=0)
    assert wfdb.rdann(str(tmp_path / "live_0001"), "qrs").sample.tolist() == places


def test_a_second_session_begins_a_record_and_changes_nothing(tmp_path):
    for value in (0.1, 0.2):
        with Recorder(tmp_path, lead="I", rate=RATE) as it:
            it.write(np.full(300, value), stamp=START)
            it.write_gap(Gap("jump", 0, START, START))
        assert it.records == [f"live_000{round(10 * value)}"]
    for number, value in ((1, 0.1), (2, 0.2)):
        signal = open_signal(tmp_path / f"live_000{number}.hea")
        np.testing.assert_allclose(signal[:], value, atol=1e-6)
    assert [r["record"] for r in rows(tmp_path / "gaps.csv")] == [
        "live_0001", "live_0002",
    ]  # fmt: skip


def test_a_killed_session_leaves_a_record_that_can_be_read(tmp_path):
    code = (
        "import os, numpy as np; from cardium.live import Recorder;"
        f"it = Recorder({str(tmp_path)!r}, lead='I', rate=250);"
        "it.write(np.full(250, 0.5), stamp=1.7e9);"
        "it.write(np.full(100, -0.25), stamp=1.7e9 + 1); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    # the header counts the first second only
    assert (tmp_path / "live_0001.hea").read_text().split()[3] == "250"
    assert recover(tmp_path) == ["live_0001"]
    assert recover(tmp_path) == []
    values = open_signal(tmp_path / "live_0001.hea")[:][:, 0]
    np.testing.assert_allclose(values, [0.5] * 250 + [-0.25] * 100, atol=1e-6)


def test_a_header_of_something_else_is_refused(tmp_path):
    (tmp_path / "live_0001.dat").write_bytes(bytes(10))
    (tmp_path / "live_0001.hea").write_text("nonsense\n")
    with pytest.raises(DataCorruptError, match="nonsense"):
        recover(tmp_path)


def test_the_folder_is_a_dataset(tmp_path):
    with Recorder(tmp_path, lead="MLII", rate=RATE) as it:
        it.write(np.arange(500) / 1000, stamp=START)
        it.write_gap(Gap("lost", 5, START, START))
        it.write_beat(100, rate=60, latency=0.4)
        it.write_beat(350, rate=60, latency=0.4)
    data = DATASETS.find("wfdb_folder").open(tmp_path)
    (entry,) = data.catalog
    record = data.load(entry)
    ecg = record["ecg"]
    assert (ecg.coords["lead"], ecg.rate, ecg.shape) == (("MLII",), RATE, (505, 1))
    assert np.isnan(ecg.load()[500:]).all()
    np.testing.assert_allclose(record.annotations["qrs"].time, [0.4, 1.4])


def test_an_offset_is_the_zero_and_what_is_out_of_range_is_counted(tmp_path):
    trace = 150 + np.array([0.0, 0.5, -0.5] * 50)  # mV, of an electrode
    with Recorder(tmp_path, lead="I", rate=RATE) as it:
        it.write(trace, stamp=START)
        it.write(trace[:6] + 40, stamp=START)
    values = wfdb.rdrecord(str(tmp_path / "live_0001")).p_signal[:, 0]
    np.testing.assert_allclose(values[:150], trace, atol=1e-9)
    assert it.clipped == 6
    np.testing.assert_allclose(values[150:], 150 + 32.767, atol=1e-9)


def test_a_long_gap_begins_a_record(tmp_path):
    with Recorder(tmp_path, lead="I", rate=RATE) as it:
        it.write(np.zeros(300), stamp=START)
        it.write_gap(Gap("restart", 250_000, START, START + 1000, "cable"))
        it.write(np.ones(300), stamp=START + 1001)
        it.write_beat(300 + 250_000 + 20, rate=60, latency=0.4)
    assert it.records == ["live_0001", "live_0002"]
    second = wfdb.rdrecord(str(tmp_path / "live_0002"))
    assert second.sig_len == 300
    assert second.base_datetime.isoformat() == "2023-11-14T22:30:01"
    assert wfdb.rdann(str(tmp_path / "live_0002"), "qrs").sample.tolist() == [20]
    assert rows(tmp_path / "gaps.csv")[0]["detail"] == "cable (a new record begins)"


def test_no_rate_is_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match="got 0 Hz"):
        Recorder(tmp_path, lead="I", rate=0)
