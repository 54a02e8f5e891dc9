"""Clocks of streams: which sample belongs to a time, and what lies between two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal.doppler import fold

IntArray = NDArray[np.intp]


class Bracket(NamedTuple):
    """The two samples around each time, and how far between them it lies.

    Parameters
    ----------
    before, after : (M,) int
        Indices of the samples; they are the same where a time is the last sample's.
    weight : (M,) [0..1]
        Share of the way from `before` to `after`.
    inside : (M,) bool
        False where the time lies outside the clock; the weight is then NaN.
    """

    before: IntArray
    after: IntArray
    weight: FloatArray
    inside: NDArray[np.bool_]


def nearest(clock: ArrayLike, times: ArrayLike) -> IntArray:
    """Return the index of the sample nearest to each time; the earlier of two.

    Parameters
    ----------
    clock : (N,) [s]
        Times of the samples, ascending.
    times : (...) [s]
        Times asked for. Before the first and after the last sample, these are the
        nearest; compare with `overlap` where that is not wanted.

    Returns
    -------
    (...) int
        Indices into the clock; a single one for a single time.

    Raises
    ------
    InvalidArgumentError
        If the clock has no samples, or a time is NaN.

    Notes
    -----
    By bisection, M log N. On a tie the earlier sample is taken, as it is the one that
    had been acquired by then.

    Examples
    --------
    >>> nearest([0.0, 0.1, 0.2], [0.04, 0.16, 9.0])
    array([0, 2, 2])
    >>> int(nearest([0.0, 1.0, 2.0], 0.5))
    0
    """
    ticks, wanted = np.asarray(clock, np.float64), np.asarray(times, np.float64)
    if not len(ticks):
        raise InvalidArgumentError("nearest: the clock has no samples.")
    if np.isnan(wanted).any():
        raise InvalidArgumentError("nearest: a time is NaN, so nothing is near it.")
    after = np.minimum(np.searchsorted(ticks, wanted), len(ticks) - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(wanted - ticks[before]) <= np.abs(ticks[after] - wanted)
    return np.asarray(np.where(is_before, before, after))


def bracket(clock: ArrayLike, times: ArrayLike) -> Bracket:
    """Find the samples before and after each time, for linear interpolation.

    Parameters
    ----------
    clock : (N,) [s]
        Times of the samples, ascending.
    times : (M,) [s]
        Times asked for.

    Returns
    -------
    Bracket
        A time that a sample has is bracketed by that sample alone, with weight 0, so
        that a gap beside it does not spoil it. Outside the clock, and for NaN, both
        are the nearest sample, the weight is NaN and `inside` is False.

    Raises
    ------
    InvalidArgumentError
        If the clock has no samples.

    Examples
    --------
    >>> found = bracket([0.0, 0.1, 0.2], [0.05, 0.1, 0.3])
    >>> found.before.tolist(), found.after.tolist(), found.weight.round(6).tolist()
    ([0, 1, 2], [1, 1, 2], [0.5, 0.0, nan])
    """
    ticks, wanted = np.asarray(clock, np.float64), np.asarray(times, np.float64)
    if not len(ticks):
        raise InvalidArgumentError("bracket: the clock has no samples.")
    last = len(ticks) - 1
    inside = (wanted >= ticks[0]) & (wanted <= ticks[last])
    before = np.clip(np.searchsorted(ticks, wanted, side="right") - 1, 0, last)
    between = inside & (wanted > ticks[before])
    after = np.where(between, np.minimum(before + 1, last), before)
    step = np.where(between, ticks[after] - ticks[before], 1.0)
    weight = np.where(inside, (wanted - ticks[before]) / step, np.nan)
    return Bracket(before, after, np.asarray(weight), inside)


def interpolate(stream: Stream, times: ArrayLike) -> Stream:
    """Take a stream to other times, linearly between its samples.

    Parameters
    ----------
    stream : Stream
        What is wanted at other times. Only the samples around them are read.
    times : (M,) [s]
        When it is wanted, ascending, within the stream's own clock.

    Returns
    -------
    Stream
        On the new times. Integers become float32; floats keep their type.

    Raises
    ------
    NotProvidedError
        If a time lies outside the stream's clock: nothing was measured there. Cut the
        times to `overlap` first.

    Notes
    -----
    Velocities that fold (unit m/s with a velocity limit) go along the shorter arc of
    the phase that was measured, ``a + w * fold(b - a)``: linear where nothing folds,
    and never through zero where a sample folds and its neighbour does not. Labels and
    truth values take the nearest sample, the earlier of two. A NaN spreads to the
    times between it and its neighbours, and no further.

    Examples
    --------
    >>> curve = Stream("x", np.array([0.0, 1.0]), np.array([0.0, 0.5]), ("time",), "m")
    >>> interpolate(curve, [0.0, 0.1, 0.5]).values.tolist()
    [0.0, 0.2, 1.0]

    0.55 m/s and, a little faster, -0.55 m/s have 0.60 m/s between them:

    >>> folded = Stream(
    ...     "colour_velocity", np.array([0.55, -0.55]), np.array([0.0, 0.5]),
    ...     ("time",), "m/s", velocity_limit=0.6,
    ... )
    >>> interpolate(folded, [0.125, 0.375]).values.round(6).tolist()
    [0.575, -0.575]
    """
    wanted = np.asarray(times, np.float64)
    clock = stream.time
    outside = ~((wanted >= clock[0]) & (wanted <= clock[-1])) if len(clock) else [True]
    if np.any(outside):
        raise NotProvidedError(_describe_outside(stream, wanted))
    found = bracket(clock, wanted)
    low, high = found.before.min(initial=len(clock) - 1), found.after.max(initial=0)
    values = np.asarray(stream.values[slice(int(low), int(high) + 1)])
    if stream.unit == "label" or values.dtype.kind == "b":
        at = nearest(clock, wanted)
        return replace(stream, values=values[at - low], time=wanted)
    kind = values.dtype if values.dtype.kind in "fc" else np.dtype(np.float32)
    weight = found.weight.reshape(-1, *(1,) * (values.ndim - 1)).astype(kind)
    first, second = (values[i - low].astype(kind) for i in found[:2])
    limit = stream.velocity_limit if stream.unit == "m/s" else None
    return replace(stream, values=_blend(first, second, weight, limit), time=wanted)


def overlap(*clocks: ArrayLike) -> tuple[float, float]:
    """Return the first and the last time at which all clocks have samples around.

    Parameters
    ----------
    *clocks : (N,) [s]
        Times of samples on one common clock, ascending, one array a stream.

    Returns
    -------
    start, stop : float [s]
        The latest first and the earliest last sample; both belong to the window.

    Raises
    ------
    InvalidArgumentError
        If no clock is given.
    NotProvidedError
        If one has no samples, or they have no time in common.

    Examples
    --------
    >>> overlap([0.0, 0.1, 0.9], [0.05, 1.2], [-1.0, 0.8])
    (0.05, 0.8)
    """
    if not clocks:
        raise InvalidArgumentError("overlap: give one clock at least.")
    ticks = [np.asarray(clock, np.float64) for clock in clocks]
    if any(not len(t) for t in ticks):
        raise NotProvidedError("overlap: a clock has no samples.")
    start = max(float(t[0]) for t in ticks)
    stop = min(float(t[-1]) for t in ticks)
    if start > stop:
        raise NotProvidedError(
            f"overlap: the clocks have no time in common; one begins at {start} s and "
            f"another ends at {stop} s."
        )
    return start, stop


def interleave(*clocks: ArrayLike) -> tuple[FloatArray, IntArray]:
    """Merge clocks into one, and say which clock each time is from.

    Parameters
    ----------
    *clocks : (N,) [s]
        Times of samples, ascending, one array a stream.

    Returns
    -------
    times : (M,) [s]
        All times in ascending order; at one and the same time, in the order given.
    which : (M,) int
        Number of the clock each is from. The samples of clock k are in order where
        ``which == k``.

    Examples
    --------
    >>> times, which = interleave([0.0, 0.2], [0.1, 0.2, 0.3])
    >>> times.tolist(), which.tolist()
    ([0.0, 0.1, 0.2, 0.2, 0.3], [0, 1, 0, 1, 1])
    """
    ticks = [np.asarray(clock, np.float64) for clock in clocks]
    times = np.concatenate([np.zeros(0), *ticks])
    which = np.repeat(np.arange(len(ticks)), [len(t) for t in ticks])
    order = np.argsort(times, kind="stable")
    return times[order], which[order]


def within_intervals(clock: ArrayLike, edges: ArrayLike) -> IntArray:
    """Pair each interval between frames with the one sample that belongs to it.

    Parameters
    ----------
    clock : (N,) [s]
        Times of the samples to choose from, ascending: of a Doppler film.
    edges : (K + 1,) [s]
        Times of the frames, ascending: of a B-mode film.

    Returns
    -------
    (K,) int
        Of each interval ``edges[k] <= t < edges[k + 1]`` the sample nearest to its
        middle, the earlier of two; -1 where it holds none. The last interval also
        holds its end.

    Notes
    -----
    As no two intervals share a time, no sample is paired twice.

    Examples
    --------
    >>> within_intervals([0.01, 0.04, 0.10, 0.30], [0.0, 0.1, 0.2, 0.3])
    array([1, 2, 3])
    >>> within_intervals([0.05, 0.25], [0.0, 0.1, 0.2, 0.3])
    array([ 0, -1,  1])
    """
    ticks, frames = np.asarray(clock, np.float64), np.asarray(edges, np.float64)
    if not len(ticks) or len(frames) < 2:
        return np.full(max(len(frames) - 1, 0), -1, np.intp)
    first = np.searchsorted(ticks, frames[:-1])
    stop = np.searchsorted(ticks, frames[1:])
    stop[-1] = np.searchsorted(ticks, frames[-1], side="right")
    middle = nearest(ticks, (frames[:-1] + frames[1:]) / 2)
    # The samples ascend, so the nearest of all, moved into the interval, is its own.
    inside = np.clip(middle, first, np.maximum(stop - 1, first))
    return np.where(first < stop, inside, -1)


def irregularity(clock: ArrayLike) -> float:
    """Return how far the worst step of a clock is from its median step.

    Parameters
    ----------
    clock : (N,) [s]
        Times of the samples, ascending.

    Returns
    -------
    float
        As a share of the median step: 0 for an even clock, 1 where one frame was
        dropped; NaN with fewer than two samples.

    Examples
    --------
    >>> round(irregularity([0.0, 0.1, 0.2, 0.4]), 6)
    1.0
    """
    steps = np.diff(np.asarray(clock, np.float64))
    if not len(steps):
        return float("nan")
    median = np.median(steps)
    return float(np.max(np.abs(steps - median)) / median)


def _describe_outside(stream: Stream, wanted: FloatArray) -> str:
    """Say which times a stream does not have."""
    clock = stream.time
    ends = f"{clock[0]:g} s to {clock[-1]:g} s" if len(clock) else "no time at all"
    asked = f"{np.min(wanted):g} s to {np.max(wanted):g} s" if wanted.size else "none"
    return (
        f"Stream '{stream.name}' has samples from {ends} and was asked for {asked}. "
        "Cut the times to signal.overlap, or leave out those that lie outside."
    )


def _blend(
    first: NDArray[Any], second: NDArray[Any], weight: FloatArray, limit: float | None
) -> NDArray[Any]:
    """Go the share `weight` of the way; along the shorter arc, where values fold."""
    step = second - first
    if limit is None:
        return np.asarray(first + weight * step)
    return fold(first + weight * fold(step, limit), limit)
