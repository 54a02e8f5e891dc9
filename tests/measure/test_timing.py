"""ED and ES of curves with known extremes."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.timing import time_by_curve, time_by_ecg, whole_beats
from cardium.measure.ventricle import contour_volumes


def curve(values, rate=20.0) -> Stream:
    values = np.asarray(values, float)
    return Stream("lv_volume", values, np.arange(len(values)) / rate, ("time",), "m^3")


def test_the_phantom_is_timed_to_a_frame(beating) -> None:
    contour = beating.contour()
    beats = whole_beats(beating.r_peaks, beating.time)
    (timing,) = time_by_curve(contour_volumes(contour), beats, method="contour")
    assert timing.method == "contour"
    assert timing.beat == tuple(beating.r_peaks)
    assert abs(timing.ed_time - beating.r_peaks[0]) <= 1 / 60
    assert abs(timing.es_time - beating.es_time) <= 1 / 60


def test_every_beat_has_its_own() -> None:
    beat = [10, 8, 5, 4, 6, 8, 9, 9.5]
    found = time_by_curve(
        curve([*beat, *np.array(beat) + 1, 11]), [(0, 0.4), (0.4, 0.8)], method="mesh"
    )
    assert [(t.ed_time, t.es_time) for t in found] == [(0.0, 0.15), (0.4, 0.55)]


def test_of_a_plateau_the_first_sample_counts() -> None:
    (timing,) = time_by_curve(
        curve([10, 9.9999, 7, 4.0001, 4, 4.00005, 8]), [(0, 0.35)], method="mesh"
    )
    assert (timing.ed_time, timing.es_time) == (0.0, 0.15)


def test_a_late_maximum_is_not_end_diastole() -> None:
    """Before the next R peak the ventricle may be larger than at its own."""
    (timing,) = time_by_curve(curve([9, 9, 4, 6, 8, 10, 10]), [(0, 0.35)], method="m")
    assert timing.ed_time == 0.0
    (loose,) = time_by_curve(curve([9, 9, 4, 6, 8, 10, 10]), method="m")
    assert loose.ed_time == 0.25


@pytest.mark.parametrize("values", [[np.nan] * 9, [5, 5, 5, 5], [1, 2, 3, 4]])
def test_what_shows_no_systole_is_refused(values) -> None:
    with pytest.raises(NotProvidedError):
        time_by_curve(curve(values), [(0, 0.2)], method="mesh")


def test_beats_must_be_covered() -> None:
    peaks = np.array([0.0, 1.0, 2.0, 3.0])
    assert whole_beats(peaks, 0.9 + np.arange(30) / 20) == ((1.0, 2.0),)
    assert whole_beats(peaks[:1], np.arange(99) / 20) == ()
    assert whole_beats(peaks, np.zeros(0)) == ()
    assert whole_beats(peaks, np.arange(20) / 20) == ((0.0, 1.0),)
    assert whole_beats(peaks, np.arange(19) / 20) == ()
    assert whole_beats(peaks, np.arange(19) / 20, missing=0.1) == ((0.0, 1.0),)
    assert whole_beats(peaks, np.arange(17) / 20, missing=0.1) == ()


@pytest.mark.parametrize("rate", [45, 60, 90, 110])
def test_predicted_systole_is_that_of_the_publication(rate: float) -> None:
    """Boudoulas 1981: QS2 = 541 - 2.2 HR (men), 540 - 2.0 HR (women) [ms]."""
    es = time_by_ecg((0.0, 60 / rate)).es_time
    low, high = 0.541 - 0.0022 * rate, 0.540 - 0.0020 * rate
    assert low - 0.042 < es < high - 0.038
    assert time_by_ecg((1.0, 1.0 + 60 / rate)).ed_time == 1.0


def test_a_given_closure_counts_from_the_r_peak() -> None:
    assert time_by_ecg((2.0, 3.0), closure=0.35).es_time == pytest.approx(2.35)
    with pytest.raises(InvalidArgumentError, match="seconds"):
        time_by_ecg((2.0, 3.0), closure=350)
    with pytest.raises(InvalidArgumentError):
        time_by_ecg((2.0, 2.0))
    fast = time_by_ecg((0.0, 60 / 240))
    assert 0.25 / 4 <= fast.es_time <= 0.25 / 2
