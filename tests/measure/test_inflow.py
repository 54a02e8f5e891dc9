"""Mitral inflow of triangles, whose slopes are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import NotProvidedError
from cardium.measure.inflow import measure_inflow


def envelope(velocity, time) -> Stream:
    return Stream("envelope", np.asarray(velocity), time, ("time",), "m/s")


@pytest.mark.parametrize("deceleration", [0.12, 0.18, 0.22])
def test_inflow_of_triangles(deceleration: float) -> None:
    time = np.arange(0, 1, 0.002)
    e = np.interp(time, [0.42, 0.50, 0.50 + deceleration], [0, 0.85, 0])
    a = np.interp(time, [0.79, 0.86, 0.93], [0, 0.55, 0])
    found = measure_inflow(envelope(e + a, time), (0.0, 1.0))
    assert found.e_cm_s == pytest.approx(85)
    assert found.a_cm_s == pytest.approx(55)
    assert found.e_to_a == pytest.approx(85 / 55)
    assert found.deceleration_time_ms == pytest.approx(1e3 * deceleration, abs=2)
    # the velocity falls to 1 / sqrt(2), the gradient to a half
    assert found.pressure_half_time_ms == pytest.approx(293 * deceleration, rel=0.02)


def test_inflow_without_an_a_wave() -> None:
    time = np.arange(0, 1, 0.002)
    e = np.interp(time, [0.42, 0.50, 0.70], [0, 0.85, 0])
    found = measure_inflow(envelope(e, time), (0.0, 1.0))
    assert math.isnan(found.a_cm_s)
    assert math.isnan(found.e_to_a)
    with pytest.raises(NotProvidedError, match="half of diastole"):
        measure_inflow(envelope(e[:100], time[:100]), (0.0, 1.0))
