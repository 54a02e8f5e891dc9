from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom.cycle import Cycle, Function, smooth_step, smooth_step_rate
from cardium.phantom.rhythm import Rhythm

RATES = (50.0, 65.0, 90.0, 130.0)
FIRST_R = 0.13
ECTOPIC = Rhythm(
    np.array([0.13, 1.13, 1.73, 3.13, 4.13]),
    ("sinus", "sinus", "ectopic", "sinus", "sinus"),
)
FIBRILLATING = Rhythm(np.array([0.1, 0.9, 1.4, 2.5, 3.2]), ("fibrillating",) * 5)


def function_at(heart_rate: float) -> Function:
    return Function(heart_rate, 0.6, 0.16, 0.15, 0.62, early_lengthening=0.5)


def cycle_at(heart_rate: float) -> Cycle:
    rhythm = Rhythm.regular(heart_rate, beats=3, first_r=FIRST_R)
    return Cycle(function_at(heart_rate), rhythm)


CYCLES = [
    *map(cycle_at, RATES),
    Cycle(function_at(60.0), ECTOPIC),
    Cycle(function_at(77.0), FIBRILLATING),
]
every_cycle = pytest.mark.parametrize("cycle", CYCLES)


def test_the_step_is_twice_smooth():
    u = np.linspace(-0.5, 1.5, 4001)
    np.testing.assert_allclose(
        np.gradient(smooth_step(u), u)[1:-1], smooth_step_rate(u)[1:-1], atol=1e-5
    )
    second = np.gradient(smooth_step_rate(u), u)
    assert abs(np.diff(second)).max() < 0.04
    assert smooth_step_rate(np.array(0.5)) == 1.875


@every_cycle
@pytest.mark.parametrize("name", ["emptying", "stretch", "twist"])
def test_rates_are_the_derivatives(cycle, name):
    time, step = np.linspace(0.0, cycle.beats[-1].next_r, 1777), 1e-6
    course, rate = getattr(cycle, name), getattr(cycle, f"{name}_rate")
    numeric = (course(time + step) - course(time - step)) / (2 * step)
    np.testing.assert_allclose(rate(time), numeric, atol=2e-8)


@pytest.mark.parametrize("heart_rate", RATES)
def test_a_regular_beat_begins_and_ends_at_end_diastole(heart_rate):
    cycle = cycle_at(heart_rate)
    at_r = FIRST_R + 60 / heart_rate * np.arange(4)
    np.testing.assert_allclose(cycle.emptying(at_r), 0, atol=1e-12)
    np.testing.assert_allclose(cycle.stretch(at_r), 1, atol=1e-12)
    np.testing.assert_allclose(cycle.twist(at_r), 0, atol=1e-12)


@pytest.mark.parametrize("heart_rate", RATES)
def test_a_regular_beat_ejects_the_ejection_fraction(heart_rate):
    cycle = cycle_at(heart_rate)
    for beat in cycle.beats:
        kappa = cycle.emptying(np.linspace(beat.r, beat.next_r, 20_001))
        assert kappa.max() == pytest.approx(0.6, abs=1e-12)
        assert kappa.min() >= -1e-12
        assert (beat.filled, beat.emptied) == pytest.approx((0, 0.6), abs=1e-12)


@every_cycle
def test_each_beat_has_its_own_volumes(cycle):
    for beat in cycle.beats:
        at = np.array([beat.r, beat.end_systole, beat.early[0]])
        np.testing.assert_allclose(
            cycle.emptying(at), [beat.filled, beat.emptied, beat.emptied], atol=1e-12
        )
        within = cycle.emptying(np.linspace(beat.r, beat.next_r, 5001))
        assert within.max() == pytest.approx(beat.emptied, abs=1e-12)


@every_cycle
def test_nothing_flows_while_both_valves_are_shut(cycle):
    for beat in cycle.beats:
        last_wave = (beat.late or beat.early)[1]
        shut = (
            (beat.r, beat.ejection[0]),
            (beat.end_systole, beat.early[0]),
            (last_wave, beat.next_r + 0.055),
        )
        for start, end in shut:
            rate = cycle.emptying_rate(np.linspace(start, end, 101))
            np.testing.assert_array_equal(rate, 0)


@every_cycle
def test_the_ventricle_empties_in_ejection_and_fills_in_the_waves(cycle):
    for beat in cycle.beats:
        inside = np.linspace(*beat.ejection, 51)[1:-1]
        assert (cycle.emptying_rate(inside) > 0).all()
        for wave in filter(None, (beat.early, beat.late)):
            assert (cycle.emptying_rate(np.linspace(*wave, 51)[1:-1]) < 0).all()
        assert beat.r < beat.ejection[0] < beat.end_systole < beat.early[0]
        assert beat.early[0] < beat.early[1] <= beat.next_r


def test_the_waves_bring_their_parts_of_the_filling():
    cycle = cycle_at(50.0)
    beat = cycle.beats[1]
    early = -np.diff(cycle.emptying(np.array(beat.early)))
    late = -np.diff(cycle.emptying(np.array(beat.late)))
    assert early == pytest.approx(0.62 * 0.6, abs=1e-12)
    assert late == pytest.approx(0.38 * 0.6, abs=1e-12)
    longer = np.diff(cycle.stretch(np.array(beat.late) - 0.010))
    assert longer == pytest.approx(0.5 * 0.16, abs=1e-12)


def test_the_long_axis_leads_the_volume_and_shortens_as_told():
    cycle = cycle_at(65.0)
    end = cycle.beats[1].end_systole
    assert cycle.stretch(np.array(end - 0.010)) == pytest.approx(1 - 0.16)
    assert cycle.emptying(np.array(end - 0.010)) < 0.6


def test_isovolumic_spikes_move_the_long_axis_alone():
    cycle = cycle_at(65.0)
    beat = cycle.beats[1]
    contraction = np.linspace(beat.r, beat.ejection[0] - 0.010, 201)
    relaxation = np.linspace(beat.end_systole, beat.early[0] - 0.010, 201)
    assert np.ptp(cycle.emptying(contraction)) == 0
    assert 0.002 < 1 - cycle.stretch(contraction).min() < 0.006
    assert cycle.stretch(relaxation).max() > cycle.stretch(relaxation)[0] + 0.001


def test_events_come_when_they_do_at_65_beats_a_minute():
    beat = cycle_at(65.0).beats[0]
    shifted = [
        (start - FIRST_R, end - FIRST_R)
        for start, end in (beat.ejection, beat.early, beat.late)
    ]
    assert shifted[0] == pytest.approx((0.055, 0.055 + 0.413 - 0.0017 * 65))
    assert shifted[1] == pytest.approx((0.4325, 0.6025))
    assert shifted[2] == pytest.approx((0.735, 0.860), abs=0.001)
    assert beat.filling == pytest.approx((beat.early[0], beat.next_r + 0.010))


def test_the_apex_turns_anticlockwise_as_seen_from_the_apex():
    # Seen from the apex x is to the right and y down, so that is from y towards x.
    cycle = cycle_at(65.0)
    assert cycle.twist(np.array(cycle.beats[0].end_systole)) == pytest.approx(-0.15)
    assert cycle.twist(np.array(cycle.beats[0].early[1])) == pytest.approx(0)


def test_an_ectopic_beat_is_weak_and_the_next_one_strong():
    cycle = Cycle(function_at(60.0), ECTOPIC)
    before, ectopic, after = cycle.beats[1:4]
    ends = [beat.emptied for beat in (before, ectopic, after)]
    assert ends == pytest.approx([0.6, 0.6 * 0.6, 0.6 * 1.1])
    assert before.late is None  # no atrial kick comes before an ectopic beat
    assert ectopic.late is not None
    # The short diastole before it left the ventricle less full: of 0.6 of the usual
    # diastole half of what is missing, and of what had been ejected.
    usual = 1 - 0.055 - 0.311
    diastole = 0.6 - 0.055 - 0.311
    missing = 0.5 * (1 - diastole / (0.6 * usual))
    assert ectopic.filled == pytest.approx(0.6 * missing)
    assert after.filled == pytest.approx(0)


def test_fibrillating_beats_have_no_atrial_kick_and_eject_as_they_were_filled():
    cycle = Cycle(function_at(77.0), FIBRILLATING)
    assert all(beat.late is None for beat in cycle.beats)
    mean = 60 / 77
    for before, beat in zip(cycle.beats, cycle.beats[1:], strict=False):
        part = ((before.next_r - before.r) / mean) ** 0.35
        assert beat.emptied == pytest.approx(0.6 * min(part, 1.15))


def test_beats_before_and_after_the_recording_are_known():
    cycle = cycle_at(60.0)
    assert cycle.beat_at(-1.5).r == pytest.approx(FIRST_R - 2)
    assert cycle.beat_at(FIRST_R) == cycle.beats[0]
    assert cycle.beat_at(5.0).r == pytest.approx(FIRST_R + 4)
    assert math.isclose(cycle.emptying(np.array(5.13)), 0, abs_tol=1e-12)


@pytest.mark.parametrize("time", [-1.9, 5.2, np.nan])
def test_times_that_no_beat_covers_are_refused(time):
    cycle = cycle_at(60.0)
    for course in (cycle.emptying, cycle.stretch, cycle.twist, cycle.beat_at):
        with pytest.raises(InvalidArgumentError, match="two beats of the R peaks"):
            course(np.array(time))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((0, 0.6, 0.16, 0.15, 0.6), "heart rate must be positive"),
        ((60, 60, 0.16, 0.15, 0.6), "in percent"),
        ((60, 1.0, 0.16, 0.15, 0.6), "cannot empty or shorten wholly"),
        ((60, 0.6, 0.16, 0.15, 0.6, 0.6, 0.4), "relaxation must be"),
    ],
)
def test_senseless_functions_are_refused(numbers, message):
    with pytest.raises(InvalidArgumentError, match=message):
        Function(*numbers)
