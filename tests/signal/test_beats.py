"""Cardiac phase: hand-made beats, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.errors import InvalidArgumentError
from cardium.phantom.cycle import Beat, Cycle, Function
from cardium.phantom.rhythm import Rhythm
from cardium.signal import (
    ANCHOR_PHASES,
    Anchors,
    Beats,
    align_phase,
    annotation_times,
    is_irregular,
)

EVENTS = Anchors(aortic_closure=0.35, mitral_opening=0.42, atrial_onset=0.18)
PEAKS = st.lists(st.floats(0.3, 2.0), min_size=1, max_size=6).map(
    lambda rr: 0.7 + np.cumsum([0.0, *rr])
)


def test_phase_is_linear_from_r_to_r() -> None:
    beats = Beats(np.array([1.0, 2.0, 2.5]))
    beat, fraction, inside = beats.phase([1.0, 1.25, 2.0, 2.375])
    assert beat.tolist() == [0, 0, 1, 1]
    assert fraction.tolist() == [0.0, 0.25, 0.0, 0.75]
    assert inside.all()


def test_beats_go_on_at_the_median_and_say_so() -> None:
    beats = Beats(np.array([1.0, 2.0, 3.0, 3.5]))
    beat, fraction, inside = beats.phase([-0.5, 0.5, 3.5, 4.75])
    assert beat.tolist() == [-2, -1, 3, 4]
    assert fraction.tolist() == [0.5, 0.5, 0.0, 0.25]
    assert not inside.any()
    assert beats.starts([-2, 0, 3, 5]).tolist() == [-1.0, 1.0, 3.5, 5.5]


@given(PEAKS, st.lists(st.floats(-3, 12), min_size=1, max_size=20), st.booleans())
def test_times_come_back_from_their_phase(peaks, times, held) -> None:
    beats, anchors = Beats(peaks), EVENTS if held else None
    beat, fraction, _ = beats.phase(times, anchors=anchors)
    assert (fraction >= 0).all()
    assert (fraction < 1).all()
    back = beats.times_at(fraction, beat, anchors=anchors)
    assert np.allclose(back, times, atol=1e-9)


@given(PEAKS)
def test_phase_ascends_with_time(peaks) -> None:
    beat, fraction, _ = Beats(peaks).phase(np.linspace(-1, 12, 999), anchors=EVENTS)
    assert (np.diff(beat + fraction) > 0).all()


def test_anchors_have_one_phase_in_beats_of_any_length() -> None:
    beats = Beats(np.array([0.0, 0.8, 2.0, 2.9]))
    for k, (start, rr) in enumerate(zip(beats.r_peaks[:-1], beats.rr, strict=True)):
        times = start + np.array([0.35, 0.42, rr - 0.18])
        phase = beats.phase(times, anchors=EVENTS)
        assert phase.beat.tolist() == [k] * 3
        assert phase.fraction == pytest.approx(ANCHOR_PHASES)


def test_a_beat_too_short_for_its_anchors_is_linear() -> None:
    beats = Beats(np.array([0.0, 1.0, 1.5, 2.5]))
    assert beats.phase([1.25], anchors=EVENTS).fraction.tolist() == [0.5]


def test_irregular_beats_are_flagged() -> None:
    beats = Beats(np.cumsum([0.0, 1.0, 1.19, 0.7, 1.3, 1.0]))
    assert beats.irregular.tolist() == [False, False, True, True, False]
    assert beats.typical == 0
    assert len(beats) == 5
    assert is_irregular(np.array([0.81, 0.79]), 1.0).tolist() == [False, True]


@pytest.mark.parametrize(
    "peaks", [[], [1.0], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan], [[0.0, 1.0]]]
)
def test_what_makes_no_beats_is_refused(peaks) -> None:
    with pytest.raises(InvalidArgumentError, match="Beats"):
        Beats(np.array(peaks))


def test_times_without_phase_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="finite"):
        Beats(np.array([0.0, 1.0])).phase([np.nan])


def test_anchors_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"opens, at 0.3 s, before"):
        Anchors(aortic_closure=0.4, mitral_opening=0.3)
    with pytest.raises(InvalidArgumentError, match="positive"):
        Anchors(atrial_onset=-0.2)


def phantom_cycle(rate: float, first_r: float) -> tuple[Cycle, Beats, Anchors]:
    rhythm = Rhythm.regular(rate, beats=3, first_r=first_r)
    cycle = Cycle(Function(rate, 0.6, 0.15, 0.1, 0.6), rhythm)
    beat = cycle.beats[0]
    anchors = Anchors(
        aortic_closure=beat.end_systole - beat.r,
        mitral_opening=beat.early[0] - beat.r,
        atrial_onset=beat.next_r - beat.late[0],
    )
    return cycle, Beats(rhythm.r_times), anchors


def systole(cycle: Cycle) -> float:
    beat: Beat = cycle.beats[0]
    return beat.end_systole - beat.r


def test_piecewise_alignment_lays_one_heart_on_another() -> None:
    slow, slow_beats, slow_events = phantom_cycle(55, 0.2)
    fast, fast_beats, fast_events = phantom_cycle(80, 7.0)
    times = np.linspace(0.2, 0.2 + systole(slow), 200)
    piecewise = align_phase(
        times, slow_beats, fast_beats, anchors=(slow_events, fast_events)
    )
    linear = align_phase(times, slow_beats, fast_beats)
    wanted = slow.emptying(times)
    # Ejection begins 55 ms after R at any rate, which is no anchor.
    assert np.abs(fast.emptying(piecewise.times) - wanted).max() < 0.04
    assert np.abs(fast.emptying(linear.times) - wanted).max() > 0.15
    assert piecewise.times[-1] == pytest.approx(
        fast_beats.r_peaks[fast_beats.typical] + systole(fast)
    )
    assert piecewise.inside.all()


def test_alignment_stays_in_the_beat_that_is_asked_for() -> None:
    own, other = Beats(np.array([0.0, 1.0])), Beats(np.array([5.0, 6.0, 6.8, 7.8]))
    assert align_phase([0.5], own, other).times.tolist() == [5.5]
    assert align_phase([0.5], own, other, beat=1).times == pytest.approx([6.4])
    outside = align_phase([1.5], own, other)
    assert outside.times.tolist() == [5.5]
    assert not outside.inside.any()
    with pytest.raises(InvalidArgumentError, match="beats 0 to 2, not 3"):
        align_phase([0.5], own, other, beat=3)
    with pytest.raises(InvalidArgumentError, match="same events"):
        align_phase([0.5], own, other, anchors=(EVENTS, Anchors()))


def test_annotations_of_one_beat_serve_every_beat() -> None:
    beats = Beats(np.array([0.0, 1.0, 3.0]))
    found = annotation_times([0.0, 0.5, 2.0, 3.5, -0.75], beats, [10.0, 10.1, 10.8])
    # The median RR interval is 1.5 s.
    expected = [10.0, 10.4, 10.4, 10 + 0.8 / 3, 10.4]
    assert found.times == pytest.approx(expected)
    assert found.inside.tolist() == [True, True, True, False, False]
    with pytest.raises(InvalidArgumentError, match="no samples"):
        annotation_times([0.0], beats, [])
