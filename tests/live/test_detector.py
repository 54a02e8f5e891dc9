"""R peaks of a stream: those of the file, once each, whatever the pieces."""

import numpy as np
import pytest
from tests.live.conftest import RATE, beats_at

from cardium.core import Stream
from cardium.errors import InvalidArgumentError
from cardium.io.wfdb import open_signal
from cardium.live import RPeakDetector
from cardium.signal import find_r_peaks


def push_all(detector, trace, size):
    return [
        peak
        for first in range(0, len(trace), size)
        for peak in detector.push(trace[first : first + size])
    ]


@pytest.mark.parametrize("size", [5, 25, 333])
def test_each_peak_is_reported_once_at_its_sample(size):
    times = np.arange(0.4, 20, 0.8)
    found = push_all(RPeakDetector(RATE), beats_at(times, 20), size)
    assert [p.place for p in found] == [round(t * RATE) for t in times][: len(found)]
    assert len(found) >= len(times) - 1
    assert found[-1].heart_rate == pytest.approx(75)


def test_the_rate_follows_the_last_ten_intervals():
    times = np.concatenate([np.arange(0.5, 10, 1.0), 10 + np.arange(0, 10, 0.5)])
    found = push_all(RPeakDetector(RATE), beats_at(times, 20), 25)
    assert found[5].heart_rate == pytest.approx(60)
    assert found[-1].heart_rate == pytest.approx(120)


def test_nothing_goes_over_a_gap():
    detector = RPeakDetector(RATE)
    push_all(detector, beats_at(np.arange(0.4, 5, 0.8), 5), 25)
    detector.skip(500)
    assert np.isnan(detector.heart_rate)
    found = push_all(detector, beats_at(np.arange(0.3, 5, 0.5), 5), 25)
    assert found[0].place == 1250 + 500 + 75
    assert np.isnan(found[0].heart_rate)
    assert found[1].heart_rate == pytest.approx(120)


def test_some_lost_samples_do_not_stop_the_search():
    times = np.arange(0.4, 10, 0.8)
    trace = beats_at(times, 10)
    detector = RPeakDetector(RATE)
    found = push_all(detector, trace[:1225], 25)
    detector.skip(3)
    found += push_all(detector, trace[1228:], 25)
    expected = [round(t * RATE) for t in times]
    assert [p.place for p in found] == expected[: len(found)]
    assert found[-1].heart_rate == pytest.approx(75)


def test_a_flat_line_has_no_peaks():
    detector = RPeakDetector(RATE)
    assert push_all(detector, np.zeros(2000), 50) == []
    assert np.isnan(detector.heart_rate)


def test_a_real_record_gives_the_peaks_of_the_file(shared_data):
    signal = open_signal(shared_data / "mitdb" / "100.hea")
    trace = signal[: 360 * 30][:, 0]
    whole = Stream("ecg", trace, np.arange(len(trace)) / 360, ("time",), "mV")
    expected = np.round(find_r_peaks(whole) * 360).astype(int)
    found = [p.place for p in push_all(RPeakDetector(360.0), trace, 90)]
    assert len(found) >= len(expected) - 1
    assert abs(np.array(found) - expected[: len(found)]).max() <= 2


def test_the_times_must_fit():
    with pytest.raises(InvalidArgumentError, match="delay < warm_up <= window"):
        RPeakDetector(RATE, window=1.0)
