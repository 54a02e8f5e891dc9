from __future__ import annotations

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm, draw_rhythm


def draw(patient: Patient, beats: int = 2000, seed: int = 0) -> Rhythm:
    rng = np.random.default_rng(seed)
    return draw_rhythm(patient, beats=beats, first_r=0.1, rng=rng)


def test_regular_beats_are_regular():
    rhythm = Rhythm.regular(75.0, beats=3, first_r=0.2)
    np.testing.assert_allclose(rhythm.r_times, [0.2, 1.0, 1.8, 2.6])
    np.testing.assert_allclose(rhythm.intervals, 0.8)
    assert set(rhythm.kinds) == {"sinus"}


def test_sinus_intervals_have_the_mean_and_the_deviation():
    rhythm = draw(Patient(heart_rate=75, rr_deviation=0.04))
    assert len(rhythm.r_times) == 2001
    assert rhythm.r_times[0] == 0.1
    assert rhythm.intervals.mean() == pytest.approx(0.8, abs=0.002)
    assert rhythm.intervals.std() == pytest.approx(0.04, rel=0.02)


def test_sinus_intervals_swing_with_pressure_and_breath():
    rhythm = draw(Patient(heart_rate=60, rr_deviation=0.04), beats=2048)
    power = abs(np.fft.rfft(rhythm.intervals - rhythm.intervals.mean())) ** 2
    frequency = np.fft.rfftfreq(2048, d=1.0)
    slow = power[abs(frequency - 0.10) < 0.02].sum()
    breath = power[abs(frequency - 0.25) < 0.02].sum()
    assert slow / breath == pytest.approx(0.5, rel=0.02)
    assert (slow + breath) / power.sum() > 0.99


def test_without_variability_sinus_rhythm_is_regular():
    np.testing.assert_allclose(draw(Patient(rr_deviation=0)).intervals, 60 / 65)


def test_fibrillation_is_irregular_and_has_no_sinus_beat():
    rhythm = draw(Patient(rhythm="atrial_fibrillation", heart_rate=80))
    assert set(rhythm.kinds) == {"fibrillating"}
    assert rhythm.intervals.min() >= 0.36
    assert rhythm.intervals.mean() == pytest.approx(0.75, rel=0.02)
    assert rhythm.intervals.std() / rhythm.intervals.mean() == pytest.approx(
        0.2, abs=0.02
    )
    # One interval tells nothing of the next.
    lag = np.corrcoef(rhythm.intervals[:-1], rhythm.intervals[1:])[0, 1]
    assert abs(lag) < 0.06


def test_an_ectopic_beat_comes_early_and_is_compensated():
    patient = Patient(rhythm="ectopy", heart_rate=60, rr_deviation=0)
    rhythm = draw(patient, beats=12)
    early = [k for k, kind in enumerate(rhythm.kinds) if kind == "ectopic"]
    assert len(early) >= 3
    for k in early:
        np.testing.assert_allclose(rhythm.intervals[k - 1 : k + 1], [0.6, 1.4])
    others = [k for k in range(13) if k not in early]
    off = (rhythm.r_times[others] - 0.1) % 1.0
    np.testing.assert_allclose(np.minimum(off, 1 - off), 0, atol=1e-12)


def test_one_beat_in_four_is_ectopic():
    patient = Patient(rhythm="ectopy")
    for seed in range(20):
        assert "ectopic" in draw(patient, beats=4, seed=seed).kinds


def test_the_same_numbers_draw_the_same_beats():
    first, again, other = (draw(Patient(), beats=5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.r_times, again.r_times)
    assert (first.r_times[1:] != other.r_times[1:]).all()


@pytest.mark.parametrize(
    ("times", "kinds", "message"),
    [
        ([0.1], ("sinus",), "two or more that ascend"),
        ([0.1, 0.1], ("sinus", "sinus"), "two or more that ascend"),
        ([0.1, np.nan], ("sinus", "sinus"), "two or more that ascend"),
        ([0.1, 0.9], ("sinus",), "needs a kind"),
        ([0.1, 0.9], ("sinus", "paced"), "needs a kind"),
    ],
)
def test_senseless_rhythms_are_refused(times, kinds, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Rhythm(np.array(times), kinds)
