"""Strain and excursion against the analytic contour of the phantom."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.annulus import annular_excursion_mm
from cardium.measure.strain import (
    SEGMENTS,
    correct_drift,
    drift_percent,
    peak_strain,
    segmental_strain,
    wall_strain,
)
from cardium.measure.timing import Timing
from cardium.phantom.probe import Placement
from measure.conftest import LAYERS, as_contour, beating_heart

HELD = Placement.apical(apex=(0.012, 0.03), tilt=0.15)


def timing_of(beating) -> Timing:
    return Timing(beating.r_peaks[0], beating.es_time, "truth", tuple(beating.r_peaks))


def arc_lengths(beating, times) -> np.ndarray:
    """Lengths of the layers as curves: 4001 points each."""
    fine = beating.motion.contour(np.asarray(times), count=4001)
    return np.linalg.norm(np.diff(fine, axis=2), axis=-1).sum(axis=-1)


@pytest.mark.parametrize("layer", ["endocardium", "midwall", "epicardium"])
def test_gls_is_the_shortening_of_the_analytic_contour(beating, layer) -> None:
    ed, es = arc_lengths(beating, [beating.r_peaks[0], beating.es_time])
    k = LAYERS.index(layer)
    true = 100 * (es[k] / ed[k] - 1)
    strain = wall_strain(beating.contour(HELD), timing_of(beating), layer=layer)
    found = peak_strain(strain, timing_of(beating))
    assert strain.unit == "%"
    assert found.end_systolic_percent == pytest.approx(true, abs=0.03)
    assert found.peak_systolic_percent == pytest.approx(true, abs=0.03)
    assert -30 < found.end_systolic_percent < -5


def test_layers_are_not_taken_for_one_another(beating) -> None:
    """Inner layers shorten more, as the wall thickens inwards."""
    found = [
        peak_strain(
            wall_strain(beating.contour(), timing_of(beating), layer=layer),
            timing_of(beating),
        ).end_systolic_percent
        for layer in LAYERS
    ]
    assert found == sorted(found)
    assert found[-1] - found[0] > 1


def test_a_symmetric_wall_has_two_like_sides(beating) -> None:
    sides = [
        wall_strain(beating.contour(), timing_of(beating), part=part).load()
        for part in ("left", "right", "whole")
    ]
    assert sides[0] == pytest.approx(sides[1], abs=1e-3)
    assert sides[0] == pytest.approx(sides[2], abs=1e-3)
    with pytest.raises(InvalidArgumentError, match="middle"):
        wall_strain(beating.contour(), timing_of(beating), part="middle")


def marked_wall() -> tuple[np.ndarray, Timing]:
    """A tent of two straight walls of 90 mm; each segment shortens by its own part."""
    wall = np.stack([np.linspace(-0.02, 0.0, 31), np.linspace(0.1, 0.01, 31)], axis=-1)
    still = np.concatenate([wall, (wall * (-1, 1))[-2::-1]])
    parts = np.repeat([0.95, 0.90, 0.85, 0.80, 0.75, 0.70], 10)
    steps = np.diff(still, axis=0) * parts[:, None]
    moved = np.concatenate([still[:1], still[:1] + np.cumsum(steps, axis=0)])
    frames = np.stack([still, moved])[:, None]
    return frames, Timing(0.0, 0.4, "contour", (0.0, 1.0))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("view", list(SEGMENTS))
def test_segments_are_named_from_the_left_of_the_image(view, reverse) -> None:
    frames, timing = marked_wall()
    stored = frames[:, :, ::-1] if reverse else frames
    contour = as_contour(stored, np.array([0.0, 0.4]), layers=("midwall",))
    strain = segmental_strain(contour, timing, view=view)
    assert strain.load()[1] == pytest.approx([-5, -10, -15, -20, -25, -30], abs=1e-6)
    assert strain.coords["segment"] == SEGMENTS[view]
    left = wall_strain(contour, timing, part="left").load()[1]
    assert left == pytest.approx(-10, abs=1e-6)


def test_names_of_segments_are_those_of_the_guideline() -> None:
    assert SEGMENTS["4CH"][0] == "basal inferoseptal"
    assert SEGMENTS["4CH"][-1] == "basal anterolateral"
    assert SEGMENTS["2CH"][:3] == ("basal inferior", "mid inferior", "apical inferior")
    assert SEGMENTS["3CH"][3:] == (
        "apical anteroseptal",
        "mid anteroseptal",
        "basal anteroseptal",
    )
    assert len({name for names in SEGMENTS.values() for name in names}) == 18
    frames, timing = marked_wall()
    contour = as_contour(frames, np.array([0.0, 0.4]), layers=("midwall",))
    with pytest.raises(InvalidArgumentError, match="PLAX"):
        segmental_strain(contour, timing, view="PLAX")


def test_segments_of_the_phantom_are_symmetric(beating) -> None:
    strain = segmental_strain(beating.contour(), timing_of(beating), view="4CH")
    es = strain.load()[abs(beating.time - beating.es_time).argmin()]
    assert es[:3] == pytest.approx(es[:2:-1], abs=1e-2)


def test_drift_is_taken_out_and_nothing_else(beating) -> None:
    timing = timing_of(beating)
    clean = wall_strain(beating.contour(), timing)
    period = timing.beat[1] - timing.beat[0]
    ramp = 3.0 * (clean.time - timing.ed_time) / period
    drifting = clean.with_values(clean.load() + ramp)
    left = drift_percent(drifting, timing.beat, ed_time=timing.ed_time)
    assert float(left) == pytest.approx(3.0, abs=0.02)
    mended = correct_drift(drifting, timing.beat, ed_time=timing.ed_time)
    assert mended.load() == pytest.approx(clean.load(), abs=0.03)
    same = correct_drift(clean, timing.beat, ed_time=timing.ed_time)
    # The beat ends between two frames, in the pulse before ejection.
    assert same.load() == pytest.approx(clean.load(), abs=0.02)


def test_drift_of_half_a_beat_is_not_known(beating) -> None:
    timing = timing_of(beating)
    clean = wall_strain(beating.contour(), timing)
    half = clean.between(0.0, beating.es_time)
    with pytest.raises(NotProvidedError, match="end of the beat"):
        correct_drift(half, timing.beat, ed_time=timing.ed_time)
    with pytest.raises(InvalidArgumentError):
        correct_drift(clean, (1.0, 1.0), ed_time=1.0)


def test_peaks_are_systolic() -> None:
    """Post-systolic shortening is none of the systolic peak."""
    time = np.arange(8) / 10
    values = np.array([0, -8, -15, -14, -18, -9, -2, 0.0])
    strain = Stream("s", values, time, ("time",), "%")
    found = peak_strain(strain, Timing(0.0, 0.3, "mesh", (0.0, 0.8)))
    assert (found.end_systolic_percent, found.peak_systolic_percent) == (-14, -15)
    atrial = strain.with_values(-values)
    found = peak_strain(atrial, Timing(0.0, 0.7, "ecg", (0.0, 0.8)), lengthening=True)
    assert found.peak_systolic_percent == 18
    with pytest.raises(NotProvidedError):
        peak_strain(
            strain.with_values(values * np.nan), Timing(0, 0.3, "mesh", (0.0, 0.8))
        )
    with pytest.raises(InvalidArgumentError, match="segment"):
        peak_strain(
            Stream("s", values[:, None], time, ("time", "segment"), "%"),
            Timing(0.0, 0.3, "mesh", (0.0, 0.8)),
        )


@pytest.mark.parametrize("placement", [None, HELD])
def test_mapse_is_the_stroke_of_the_base(beating, placement) -> None:
    """The base lies at lambda * length, the apex stands still."""
    lv, function = beating.heart.ventricle, beating.heart.function
    true = 1e3 * lv.length * function.shortening
    contour = beating.contour(placement)
    assert annular_excursion_mm(contour, timing_of(beating)) == pytest.approx(
        (true, true), rel=1e-3
    )
    assert 5 < true < 20


def test_a_contour_that_is_not_there_is_no_strain() -> None:
    heart = beating_heart(2)
    points = heart.motion.contour(heart.time)
    timing = timing_of(heart)
    points[abs(heart.time - timing.ed_time).argmin()] = np.nan
    contour = as_contour(points, heart.time)
    with pytest.raises(NotProvidedError, match="whole contour"):
        wall_strain(contour, timing)
    later = Timing(heart.time[10], timing.es_time, "contour", timing.beat)
    strain = wall_strain(contour, later).load()
    assert np.isnan(strain).sum() == 1
