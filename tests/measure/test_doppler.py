"""Flows in closed form: half sines, triangles, and their gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.core import Mark, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.doppler import (
    flow_period,
    measure_flow,
    pressure_gradient_mmhg,
    stroke_volume_ml,
    traced_flow,
    velocity_time_integral,
)


def envelope(velocity, time) -> Stream:
    return Stream("envelope", np.asarray(velocity), time, ("time",), "m/s")


@given(
    peak=st.floats(0.3, 6.0),
    duration=st.floats(0.15, 0.5),
    sign=st.sampled_from([1, -1]),
)
def test_a_half_sine(peak: float, duration: float, sign: int) -> None:
    time = 2.0 + np.linspace(0, duration, 201)
    flow = measure_flow(time, sign * peak * np.sin(np.linspace(0, np.pi, 201)))
    assert flow.vti_cm == pytest.approx(100 * 2 * peak * duration / math.pi, rel=1e-3)
    assert flow.peak_velocity_cm_s == pytest.approx(100 * peak)
    assert flow.mean_velocity_cm_s == pytest.approx(200 * peak / math.pi, rel=1e-3)
    assert flow.peak_gradient_mmhg == pytest.approx(4 * peak**2)
    # the mean of sin^2, and not the square of the mean of sin
    assert flow.mean_gradient_mmhg == pytest.approx(2 * peak**2, rel=1e-3)
    assert flow.duration_s == pytest.approx(duration)


def test_units_of_an_outflow() -> None:
    """1 m/s for 0.3 s gives 19.1 cm and, through 2 cm, 60 mL."""
    time = np.linspace(0, 0.3, 301)
    vti = velocity_time_integral(time, np.sin(np.pi * time / 0.3))
    assert vti == pytest.approx(0.19099, abs=1e-4)
    assert stroke_volume_ml(0.020, vti) == pytest.approx(60.0, abs=0.05)
    for wrong in ((2.0, vti), (0.02, 100 * vti), (0.0, vti)):
        with pytest.raises(InvalidArgumentError, match="cm"):
            stroke_volume_ml(*wrong)
    assert float(pressure_gradient_mmhg(-4.5)) == 81.0


def test_what_cannot_be_integrated_is_refused() -> None:
    for time, velocity in (
        ([0.0], [1.0]),
        ([0.0, 1.0], [1.0, np.nan]),
        ([1.0, 0.0], [1.0, 1.0]),
        ([0.0, 1.0], [1.0, 1.0, 1.0]),
        ([0.5, 0.5], [1.0, 1.0]),
    ):
        with pytest.raises(InvalidArgumentError):
            measure_flow(np.array(time), np.array(velocity))


def test_a_trace_is_put_in_order() -> None:
    time = np.linspace(0.1, 0.4, 31)
    points = np.stack([time, -1.2 * np.sin(np.pi * (time - 0.1) / 0.3)], axis=-1)
    shuffled = np.random.default_rng(0).permutation(points)
    twice = np.concatenate([shuffled, [(0.25, 0.0), (np.nan, 1.0)]])
    mark = Mark("LVOT trace", "pulsed_wave", ("time", "velocity"), twice)
    flow = measure_flow(*traced_flow(mark))
    assert flow.vti_cm == pytest.approx(100 * 2 * 1.2 * 0.3 / math.pi, rel=2e-3)
    with pytest.raises(NotProvidedError, match="too few"):
        traced_flow(Mark("LVOT trace", "pulsed_wave", mark.dims, points[:2]))
    with pytest.raises(InvalidArgumentError, match="velocity"):
        traced_flow(Mark("LVIDd", "b_mode", ("x", "z"), points))


def test_the_flow_of_a_beat_is_cut_out() -> None:
    time = np.arange(0, 2, 0.005)
    phase = np.mod(time, 1.0)
    ejected = np.where(
        (phase > 0.06) & (phase < 0.36), np.sin(np.pi * (phase - 0.06) / 0.3), 0
    )
    filled = np.where(
        (phase > 0.45) & (phase < 0.65), np.sin(np.pi * (phase - 0.45) / 0.2), 0
    )
    both = envelope(0.6 * filled - 1.1 * ejected, time)
    out = measure_flow(*flow_period(both, (0.0, 1.0), direction=-1))
    assert out.vti_cm == pytest.approx(100 * 2 * 1.1 * 0.3 / math.pi, rel=0.01)
    assert out.duration_s == pytest.approx(0.3, abs=0.025)
    back = measure_flow(*flow_period(both, (1.0, 2.0), direction=1))
    assert back.vti_cm == pytest.approx(100 * 2 * 0.6 * 0.2 / math.pi, rel=0.01)
    with pytest.raises(NotProvidedError, match="beyond the beat"):
        flow_period(both, (0.2, 0.9), direction=-1)
    with pytest.raises(NotProvidedError, match="nothing flows"):
        flow_period(both, (0.7, 1.0), direction=1)
