from __future__ import annotations

import numpy as np
import pytest

from cardium.phantom.anatomy import Function
from cardium.phantom.cycle import Cycle, smooth_step, smooth_step_rate

RATES = (50.0, 65.0, 90.0)


def cycle_at(heart_rate: float) -> Cycle:
    return Cycle(Function(heart_rate, 0.6, 0.16, 0.15, 0.62), first_r=0.13)


def test_the_step_is_twice_smooth():
    u = np.linspace(-0.5, 1.5, 4001)
    np.testing.assert_allclose(
        np.gradient(smooth_step(u), u)[1:-1], smooth_step_rate(u)[1:-1], atol=1e-5
    )
    second = np.gradient(smooth_step_rate(u), u)
    assert abs(np.diff(second)).max() < 0.04
    assert smooth_step_rate(np.array(0.5)) == 1.875


@pytest.mark.parametrize("heart_rate", RATES)
@pytest.mark.parametrize("name", ["emptying", "stretch", "twist"])
def test_rates_are_the_derivatives(heart_rate, name):
    cycle = cycle_at(heart_rate)
    time, step = np.linspace(0.0, 2.5, 1777), 1e-6
    course, rate = getattr(cycle, name), getattr(cycle, f"{name}_rate")
    numeric = (course(time + step) - course(time - step)) / (2 * step)
    np.testing.assert_allclose(rate(time), numeric, atol=1e-8)


@pytest.mark.parametrize("heart_rate", RATES)
def test_a_beat_begins_and_ends_at_end_diastole(heart_rate):
    cycle = cycle_at(heart_rate)
    at_r = 0.13 + cycle.period * np.arange(3)
    np.testing.assert_allclose(cycle.emptying(at_r), 0, atol=1e-12)
    np.testing.assert_allclose(cycle.stretch(at_r), 1, atol=1e-12)
    np.testing.assert_allclose(cycle.twist(at_r), 0, atol=1e-12)
    for course in (cycle.emptying, cycle.stretch, cycle.twist):
        around = course(np.array([0.13 - 1e-6, 0.13 + 1e-6]))
        assert around[0] == pytest.approx(around[1], abs=1e-9)


@pytest.mark.parametrize("heart_rate", RATES)
def test_emptying_peaks_at_the_ejection_fraction_at_end_systole(heart_rate):
    cycle = cycle_at(heart_rate)
    time = np.linspace(0.13, 0.13 + cycle.period, 20_001)
    kappa = cycle.emptying(time)
    assert kappa.max() == pytest.approx(0.6, abs=1e-12)
    assert kappa.min() >= -1e-12
    first = time[np.argmax(kappa > 0.6 - 1e-9)]
    assert first == pytest.approx(0.13 + cycle.end_systole, abs=0.001)


def test_events_come_when_they_do_at_65_beats_a_minute():
    cycle = cycle_at(65.0)
    assert cycle.ejection == pytest.approx((0.055, 0.3025))
    assert cycle.early[0] == pytest.approx(0.430, abs=0.005)
    assert sum(cycle.late) == pytest.approx(0.860, abs=0.001)


def test_the_apex_turns_anticlockwise_as_seen_from_the_apex():
    # Seen from the apex x is to the right and y down, so that is from y towards x.
    cycle = cycle_at(65.0)
    assert cycle.twist(np.array(0.13 + cycle.end_systole)) == pytest.approx(-0.15)
