"""Windows hold the samples around each beat; intervals are those of the formulas."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.phantom.ecg import ecg_trace
from cardium.signal.beat_windows import average_beat, cut_beats, rr_features


def ecg(values, rate: float, start: float = 0.0) -> Stream:
    time = start + np.arange(len(values)) / rate
    return Stream("ecg", values, time, ("time", "lead")[: values.ndim], "mV")


def test_a_window_is_the_samples_around_the_nearest_one() -> None:
    values = np.stack([np.arange(3600.0), -np.arange(3600.0)], axis=1)
    times = np.array([1.0, 2.0013, 5.5]) + 7
    got = cut_beats(ecg(values, 360, start=7.0), times)
    assert got.shape == (3, 90 + 1 + 108, 2)
    assert got.dtype == np.float32
    for window, middle in zip(got, (360, 720, 1980), strict=True):
        assert window[:, 0].tolist() == list(range(middle - 90, middle + 109))
        assert np.array_equal(window[:, 1], -window[:, 0])


def test_one_lead_gives_one_column() -> None:
    got = cut_beats(ecg(np.arange(100.0), 100), [0.5], before=0.1, after=0.2)
    assert got[0, :, 0].tolist() == list(range(40, 71))


def test_beyond_the_ends_there_is_nothing() -> None:
    stream = ecg(np.arange(100.0), 100)
    first, last, outside = cut_beats(stream, [0.01, 0.98, 1.5], before=0.03, after=0.03)
    assert np.array_equal(first[:, 0], [np.nan, np.nan, 0, 1, 2, 3, 4], equal_nan=True)
    assert np.array_equal(
        last[:, 0], [95, 96, 97, 98, 99, np.nan, np.nan], equal_nan=True
    )
    assert np.isnan(outside).all()
    early = cut_beats(stream, [-0.02], before=0.03, after=0.03)
    assert np.array_equal(early[0, :, 0], [np.nan] * 5 + [0, 1], equal_nan=True)
    assert cut_beats(stream, []).shape == (0, 56, 1)


def test_every_beat_of_a_trace_has_its_peak_in_the_middle() -> None:
    time, beats = np.arange(36_000) / 360, np.arange(0.5, 99, 0.8)
    windows = cut_beats(ecg(ecg_trace(time, beats), 360), beats)
    assert (windows[:, :, 0].argmax(axis=1) == 90).all()


def test_windows_that_reach_backwards_are_refused() -> None:
    stream = ecg(np.arange(100.0), 100)
    with pytest.raises(InvalidArgumentError, match=r"before=-0\.1"):
        cut_beats(stream, [0.5], before=-0.1)
    film = Stream("film", np.zeros((4, 2, 2)), np.arange(4), ("time", "z", "x"), "")
    with pytest.raises(InvalidArgumentError, match="leads over time"):
        cut_beats(film, [1.0])


def test_intervals_around_beats_by_hand() -> None:
    rr = np.random.default_rng(0).uniform(0.5, 1.2, 40)
    times = np.append(3.0, 3.0 + np.cumsum(rr))
    got = rr_features(times)
    pre = np.append(rr[0], rr)
    assert got["pre"] == pytest.approx(pre)
    assert got["post"] == pytest.approx(np.append(rr, rr[-1]))
    assert got["mean"] == pytest.approx(np.full(41, rr.mean()))
    for beat in range(41):
        around = [rr[b - 1] for b in range(beat - 5, beat + 5) if 1 <= b <= 40]
        assert got["local"][beat] == pytest.approx(np.mean(around)), beat


def test_a_premature_beat_is_early_with_a_pause_after() -> None:
    times = np.array([0, 0.8, 1.6, 2.1, 3.2, 4.0])
    got = rr_features(times)
    assert (got["pre"] / got["mean"]).argmin() == 3
    assert got["post"].argmax() == 3


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_beats_have_no_intervals(count) -> None:
    got = rr_features(np.zeros(count))
    assert all(len(v) == count and np.isnan(v).all() for v in got.values())


def test_times_that_do_not_ascend_are_refused() -> None:
    for times in ([1.0, 1.0], [2.0, 1.0], [0.0, np.nan]):
        with pytest.raises(InvalidArgumentError, match="ascending"):
            rr_features(times)


def test_the_average_is_the_shape_and_noise_falls() -> None:
    rng = np.random.default_rng(1)
    shape = rng.standard_normal((50, 2))
    windows = shape + 0.5 * rng.standard_normal((400, 50, 2))
    windows[:40] += 30
    windows[40:60, :10] = np.nan
    left = average_beat(windows) - shape
    assert left.std() == pytest.approx(1.25 * 0.5 / 20, rel=0.3)
    assert average_beat([[[np.nan, 1.0]]])[0].tolist()[1] == 1.0
    assert np.isnan(average_beat([[[np.nan, 1.0]]])[0, 0])


def test_no_beat_has_no_average() -> None:
    with pytest.raises(NotProvidedError, match="no beat"):
        average_beat(np.zeros((0, 5, 1)))
    with pytest.raises(InvalidArgumentError, match="shape"):
        average_beat(np.zeros((5, 5)))
