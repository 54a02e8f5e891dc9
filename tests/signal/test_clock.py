"""Clocks: hand-made cases, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardium.core import STRUCTURES, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal import (
    bracket,
    interleave,
    interpolate,
    irregularity,
    nearest,
    overlap,
    within_intervals,
)

TICKS = st.lists(st.integers(0, 1000), min_size=1, max_size=30, unique=True).map(
    lambda ticks: np.sort(np.array(ticks) / 8)
)
TIMES = st.lists(st.integers(-100, 1100), min_size=1, max_size=30).map(
    lambda times: np.array(times) / 8
)


def curve(values, time, **options) -> Stream:
    values = np.asarray(values)
    dims = ("time", "x", "y", "z")[: values.ndim]
    return Stream("curve", values, np.asarray(time, float), dims, **options)


@given(TICKS, TIMES)
def test_nearest_is_the_first_of_the_smallest_gaps(clock, times) -> None:
    brute = np.abs(clock - times[:, None]).argmin(axis=1)
    assert (nearest(clock, times) == brute).all()


def test_nearest_keeps_the_shape_of_what_is_asked() -> None:
    assert nearest([0.0, 1.0, 2.0], 0.5) == 0
    assert nearest([0.0, 1.0], [[0.2, 0.9]]).tolist() == [[0, 1]]
    assert nearest([3.0], [-9.0, 9.0]).tolist() == [0, 0]


@pytest.mark.parametrize(("clock", "times"), [([], [0.0]), ([0.0, 1.0], [np.nan])])
def test_nearest_to_nothing_is_refused(clock, times) -> None:
    with pytest.raises(InvalidArgumentError, match="nearest"):
        nearest(clock, times)


@given(TICKS, TIMES)
def test_bracket_interpolates_as_numpy_does(clock, times) -> None:
    before, after, weight, inside = bracket(clock, times)
    assert (inside == ((times >= clock[0]) & (times <= clock[-1]))).all()
    mixed = (1 - weight) * clock[before] + weight * clock[after]
    assert np.allclose(mixed[inside], times[inside])
    assert np.isnan(weight[~inside]).all()


def test_interpolation_is_linear_in_time() -> None:
    time = np.array([0.0, 0.1, 0.4])
    frames = time[:, None, None] * np.arange(6).reshape(2, 3)
    out = interpolate(curve(frames, time, unit="m"), [0.0, 0.05, 0.3, 0.4])
    expected = np.array([0, 0.05, 0.3, 0.4])[:, None, None] * np.arange(6).reshape(2, 3)
    assert np.allclose(out.values, expected)
    assert out.time.tolist() == [0.0, 0.05, 0.3, 0.4]


def test_grey_levels_become_float32_and_keep_their_place() -> None:
    sector = Sector((0.0, 0.1), (-0.5, 0.5), (2, 2))
    frames = np.stack([np.full((2, 2), 0, np.uint8), np.full((2, 2), 255, np.uint8)])
    dims = ("time", "range", "beam")
    film = Stream("b_mode", frames, np.array([0.0, 1.0]), dims, "grey", sector)
    out = interpolate(film, [0.5])
    assert out.values.dtype == np.float32
    assert (out.values == 127.5).all()
    assert out.geometry == sector


def test_labels_take_the_nearest_and_the_earlier_of_two() -> None:
    codes = np.array([[0], [2], [255]], np.uint8)
    coords = {"label": STRUCTURES}
    maps = curve(codes, [0.0, 0.1, 0.2], unit="label", coords=coords)
    out = interpolate(maps, [0.05, 0.06, 0.2])
    assert out.values.dtype == np.uint8
    assert out.values[:, 0].tolist() == [0, 2, 255]


def test_folded_velocities_never_pass_through_zero() -> None:
    folded = curve([0.55, -0.55], [0.0, 1.0], unit="m/s", velocity_limit=0.6)
    out = interpolate(folded, np.linspace(0, 1, 11)).values
    assert np.abs(out).min() >= 0.55 - 1e-9
    numbers = curve([0.55, -0.55], [0.0, 1.0], unit="m/s")
    assert interpolate(numbers, [0.5]).values == pytest.approx(0)


@given(st.floats(-3, 3), st.floats(-0.55, 0.55), st.floats(0, 1))
def test_a_true_velocity_is_found_again_up_to_folds(first, step, weight) -> None:
    seen = np.mod(np.array([first, first + step]) + 0.6, 1.2) - 0.6
    stream = curve(seen, [0.0, 1.0], unit="m/s", velocity_limit=0.6)
    got = interpolate(stream, [weight]).values[0]
    assert np.mod(got - (first + weight * step) + 0.6, 1.2) == pytest.approx(0.6)
    assert -0.6 <= got < 0.6


def test_the_limit_of_a_spectrum_does_not_fold_its_grey_levels() -> None:
    rows = {"x": np.array([0.5, -0.5])}
    spectrum = curve(
        [[0.0, 200.0], [100.0, 0.0]],
        [0.0, 1.0],
        unit="grey",
        velocity_limit=0.6,
        axes=rows,
    )
    assert interpolate(spectrum, [0.5]).values.tolist() == [[50.0, 100.0]]


def test_a_gap_spreads_to_its_neighbours_only() -> None:
    contour = curve([0.0, np.nan, 2.0, 3.0], [0, 1, 2, 3], unit="m")
    out = interpolate(contour, [0.0, 0.5, 1.5, 2.0, 2.5]).values
    assert np.isnan(out).tolist() == [False, True, True, False, False]


def test_only_the_samples_around_are_read() -> None:
    class Lazy:
        shape, dtype = (1000, 2), np.dtype(np.float32)
        read: slice | None = None

        def __getitem__(self, part):
            self.read = part
            return np.zeros((part.stop - part.start, 2), np.float32)

    lazy = Lazy()
    stream = Stream("x", lazy, np.arange(1000) / 10, ("time", "x"), "m")
    interpolate(stream, [50.0, 50.05])
    assert lazy.read == slice(500, 502)


@pytest.mark.parametrize("times", [[-0.01], [0.5, 1.01], [np.nan]])
def test_outside_the_clock_there_is_nothing(times) -> None:
    with pytest.raises(NotProvidedError, match=r"'curve' has samples from 0 s to 1 s"):
        interpolate(curve([0.0, 1.0], [0.0, 1.0], unit="m"), times)


def test_no_times_give_no_samples() -> None:
    out = interpolate(curve([[0.0, 1.0], [2.0, 3.0]], [0.0, 1.0], unit="m"), [])
    assert out.shape == (0, 2)


def test_overlap_is_what_all_have() -> None:
    assert overlap([0.0, 2.0], [1.0, 3.0]) == (1.0, 2.0)
    assert overlap([0.0, 1.0], [1.0, 2.0]) == (1.0, 1.0)
    with pytest.raises(NotProvidedError, match=r"begins at 2.0 s .* ends at 1.0 s"):
        overlap([0.0, 1.0], [2.0, 3.0])
    with pytest.raises(NotProvidedError, match="no samples"):
        overlap([0.0], [])
    with pytest.raises(InvalidArgumentError, match="one clock"):
        overlap()


@given(st.lists(TICKS, min_size=1, max_size=4))
def test_interleaved_clocks_come_apart_again(clocks) -> None:
    times, which = interleave(*clocks)
    assert (np.diff(times) >= 0).all()
    for k, clock in enumerate(clocks):
        assert (times[which == k] == clock).all()
    same = np.diff(times) == 0
    assert (np.diff(which)[same] > 0).all()


@given(TICKS, TICKS)
def test_an_interval_takes_the_sample_nearest_to_its_middle(clock, edges) -> None:
    got = within_intervals(clock, edges)
    for k in range(len(edges) - 1):
        last = k == len(edges) - 2
        inside = (clock >= edges[k]) & (
            (clock <= edges[k + 1]) if last else (clock < edges[k + 1])
        )
        if not inside.any():
            assert got[k] == -1
            continue
        gap = np.abs(clock - (edges[k] + edges[k + 1]) / 2)
        assert got[k] == np.flatnonzero(inside)[gap[inside].argmin()]
    used = got[got >= 0]
    assert len(np.unique(used)) == len(used)


def test_intervals_without_samples_or_edges() -> None:
    assert within_intervals([], [0.0, 1.0]).tolist() == [-1]
    assert within_intervals([0.5], [0.0]).tolist() == []


def test_irregularity_counts_dropped_frames() -> None:
    assert irregularity(np.arange(9) / 8) == 0
    assert irregularity(np.delete(np.arange(9) / 8, [3, 4])) == pytest.approx(2)
    assert np.isnan(irregularity([0.0]))
