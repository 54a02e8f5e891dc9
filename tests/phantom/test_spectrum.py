"""Spectra: their truth in closed form, and that the picture shows it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.phantom.anatomy import sample_heart
from cardium.phantom.motion import Motion
from cardium.phantom.spectrum import SITES, simulate_spectrum
from cardium.signal.spectrum import trace_envelope

SEED = 3
"""A heart slow enough for two separate waves of filling."""


def quadrature(exam) -> float:
    """Integral of the true velocity over one beat [m]."""
    truth, (start, stop) = exam.truth, exam.qrs_times[:2]
    beat = (truth.time >= start) & (truth.time < stop)
    return float(truth.velocity[beat].sum() * (truth.time[1] - truth.time[0]))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 5000), site=st.sampled_from(["mitral", "lvot"]))
def test_the_integral_of_velocity_is_the_stroke_volume_by_the_area(seed, site):
    exam = simulate_spectrum(seed, site=site)
    heart, truth = exam.heart, exam.truth
    stroke = heart.ventricle.cavity_volume * heart.function.ejection_fraction
    sign = {"mitral": 1, "lvot": -1}[site]
    expected = sign * stroke * truth.cosine / truth.area
    assert truth.vti == pytest.approx(expected, rel=1e-12)
    assert quadrature(exam) == pytest.approx(expected, rel=2e-3)


def test_peaks_in_closed_form():
    heart = sample_heart(SEED)
    cycle, lv, work = Motion.of(heart).cycle, heart.ventricle, heart.function
    stroke = lv.cavity_volume * work.ejection_fraction
    mitral = simulate_spectrum(SEED, site="mitral").truth
    part = {"E": work.early_filling, "A": 1 - work.early_filling}
    windows = {"E": cycle.early, "A": cycle.late}
    for name, (start, duration) in windows.items():
        peak = 1.875 * stroke * part[name] / duration * mitral.cosine / mitral.area
        assert mitral.peaks[name] == pytest.approx(peak, rel=1e-5)
        assert mitral.peak_times[name] == pytest.approx(
            0.1 + start + duration / 2, abs=1e-3
        )
    outflow = simulate_spectrum(SEED, site="lvot").truth
    peak = 1.875 * stroke / cycle.ejection[1] * outflow.cosine / outflow.area
    assert outflow.peaks == {"peak": pytest.approx(-peak, rel=1e-5)}
    wall = simulate_spectrum(SEED, site="annulus").truth
    excursion = work.shortening * lv.length * wall.cosine
    assert wall.vti == pytest.approx(excursion, rel=1e-12)
    assert wall.peaks["s'"] == pytest.approx(1.875 * excursion / cycle.ejection[1])
    early = 1.875 * excursion * part["E"] / cycle.early[1]
    assert wall.peaks["e'"] == pytest.approx(-early, rel=1e-5)
    late = 1.875 * excursion * part["A"] / cycle.late[1]
    assert wall.peaks["a'"] == pytest.approx(-late, rel=1e-5)


def test_the_annulus_moves_as_the_wall_does():
    exam = simulate_spectrum(SEED, site="annulus")
    motion = Motion.of(exam.heart, first_r=exam.qrs_times[0])
    lv = motion.ventricle
    edge = np.sqrt(lv.layer_radius_squared(np.array(lv.length), fraction=0.5))
    rest = np.array([edge, 0.0, lv.length * (1 - 1e-9)])
    for time in (0.25, 0.32, 0.62):
        velocity = motion.velocity(motion.forward(rest, time), time)
        at = np.interp(time, exam.truth.time, exam.truth.velocity)
        assert at == pytest.approx(-velocity[2] * exam.truth.cosine, abs=5e-4)


def test_in_a_fast_heart_the_late_wave_is_fused():
    works = [sample_heart(seed).function for seed in range(300)]
    fast = next(
        seed
        for seed, work in enumerate(works)
        if work.heart_rate > 89 and work.early_filling > 0.6
    )
    assert set(simulate_spectrum(fast).truth.peaks) == {"E"}
    assert set(simulate_spectrum(fast, site="annulus").truth.peaks) == {"s'", "e'"}
    assert set(simulate_spectrum(SEED).truth.peaks) == {"E", "A"}


@pytest.mark.parametrize(
    ("mode", "site"),
    [("pulsed_wave", site) for site in SITES]
    + [("continuous_wave", site) for site in ("mitral", "lvot")],
)
def test_the_picture_shows_the_true_velocity(mode, site):
    exam = simulate_spectrum(SEED, mode=mode, site=site)
    spectrum, truth = exam.streams[mode], exam.truth
    rows, limit = spectrum.axes["velocity"], spectrum.velocity_limit
    assert rows[0] == limit == -rows[-1]
    peak = max(map(abs, truth.peaks.values()))
    fastest = abs(truth.velocity) > 0.7 * peak
    grey = spectrum.load()
    brightest = rows[grey.argmax(axis=1)]
    if mode == "pulsed_wave":
        np.testing.assert_allclose(
            brightest[fastest], truth.velocity[fastest], atol=0.1 * peak
        )
    else:
        line = grey[int(abs(truth.velocity).argmax())]
        inside = rows / truth.velocity[abs(truth.velocity).argmax()]
        filled = line[(inside > 0.15) & (inside < 0.95)]
        assert filled.mean() > line[(inside < -0.1) | (inside > 1.2)].mean() + 60
    envelope = trace_envelope(spectrum).load()
    bias = abs(envelope[fastest]) - abs(truth.velocity[fastest])
    assert (np.sign(envelope[fastest]) == np.sign(truth.velocity[fastest])).all()
    assert -0.01 * peak < np.median(bias) < 0.2 * peak


def test_a_pulsed_wave_folds_and_a_continuous_one_does_not():
    limit = 0.3
    pulsed = simulate_spectrum(SEED, site="lvot", velocity_limit=limit)
    peak = pulsed.truth.peaks["peak"]
    assert limit < abs(peak) < 3 * limit
    top = int(abs(pulsed.truth.velocity).argmax())
    rows = pulsed.streams["pulsed_wave"].axes["velocity"]
    lines = pulsed.streams["pulsed_wave"].load()[top - 2 : top + 3].mean(axis=0)
    folded = (pulsed.truth.velocity[top] + limit) % (2 * limit) - limit
    assert rows[lines.argmax()] == pytest.approx(folded, abs=0.05)
    through = simulate_spectrum(
        SEED, mode="continuous_wave", site="lvot", velocity_limit=limit
    ).streams["continuous_wave"]
    grey = through.load()[top]
    assert grey[rows > 0.1].mean() < grey[rows < -0.1].mean() - 60


def test_gates_marks_clocks_and_seeds():
    pulsed = simulate_spectrum(SEED)
    (gate,), (mark,) = pulsed.gates, pulsed.marks
    assert gate.on == mark.on == "pulsed_wave"
    assert 0.05 < gate.depth < 0.15
    assert mark.dims == ("time", "velocity")
    assert mark.points[:, 1].max() == pytest.approx(pulsed.truth.peaks["E"], rel=5e-3)
    assert pulsed.streams["pulsed_wave"].rate == pytest.approx(200)
    line = simulate_spectrum(SEED, mode="continuous_wave").gates[0]
    assert line.depth is None
    assert line.angle == gate.angle
    again = simulate_spectrum(SEED)
    np.testing.assert_array_equal(
        pulsed.streams["pulsed_wave"].load(), again.streams["pulsed_wave"].load()
    )


def test_what_cannot_be_simulated_is_refused():
    with pytest.raises(UnknownNameError, match="mode"):
        simulate_spectrum(1, mode="colour")
    with pytest.raises(UnknownNameError, match="site"):
        simulate_spectrum(1, site="aorta")
    with pytest.raises(UnknownNameError, match="preset"):
        simulate_spectrum(1, preset="tinny")
    with pytest.raises(InvalidArgumentError, match="annulus"):
        simulate_spectrum(1, mode="continuous_wave", site="annulus")
    with pytest.raises(InvalidArgumentError, match="limit"):
        simulate_spectrum(1, velocity_limit=-1.0)
