"""Doppler spectra: the envelope, the mean velocity, and the baseline."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError

Direction = Literal["positive", "negative", "both"]


def trace_envelope(
    spectrum: Stream,
    *,
    direction: Direction = "both",
    level: float = 0.6,
    wall_filter: float = 0.0,
    smoothing: float = 0.015,
) -> Stream:
    """Trace the envelope of a Doppler spectrum: the largest velocity at each time.

    Parameters
    ----------
    spectrum : Stream (T, V) [grey]
        With the velocities of its rows in ``axes["velocity"]``, highest first. If the
        flow is folded, move the baseline with `shift_baseline` first.
    direction : {"positive", "negative", "both"}
        Flow towards the probe, away from it, or at each time the faster of the two.
    level : float
        Where the edge of the flow is, between the noise (0) and the signal (1).
    wall_filter : float [m/s]
        Rows slower than this say nothing: clutter of walls, or the gap of a filter.
    smoothing : float [s]
        Length of the median over time; 10 to 20 ms keep every wave of the heart.

    Returns
    -------
    Stream (T,) [m/s]
        Signed as the spectrum; 0 where nothing flows.

    Raises
    ------
    NotProvidedError
        If the spectrum does not state the velocities of its rows.
    InvalidArgumentError
        If it is no spectrum, or an option is out of its range.

    Notes
    -----
    The noise of each line is a low quantile of its grey levels, its signal the
    brightest row, averaged over 30 ms. A row is under the envelope if enough of what is
    brighter than the edge lies at it or beyond it, so that a dark window beneath a
    narrow band does no harm. The envelope is the path that is best over all lines
    at the least up and down, found by dynamic programming: exact, and without a limit
    to acceleration. What lasts less than 10 ms is not followed. Between two rows it
    lies where the grey level falls through the edge.

    *Bias.* The edge is that of the broadened spectrum. A flat spectrum (parabolic
    flow) has half its power at its true edge. A single velocity, broadened by a
    Gaussian of width s, ends ``s * sqrt(2 ln(1 / level))``, 1.0 s, too high on a linear
    grey scale, and ``s * sqrt(0.46 * (1 - level) * contrast)`` on one in decibels, with
    the contrast between signal and noise: 2.7 s for 40 dB. Window and transit time make
    s some hundredths of the velocity; human tracers read high for the same reason.

    Examples
    --------
    A band up to 0.6 m/s, then nothing, on 201 rows between -1 and 1 m/s:

    >>> rows = np.linspace(1, -1, 201)
    >>> lines = np.where((rows > 0) & (rows < 0.605), 200.0, 20.0) * np.ones((80, 1))
    >>> lines[40:] = 20.0
    >>> spectrum = Stream(
    ...     "pulsed_wave", lines, np.arange(80) / 200, ("time", "velocity"), "grey",
    ...     velocity_limit=1.0, axes={"velocity": rows},
    ... )
    >>> envelope = trace_envelope(spectrum, direction="positive")
    >>> envelope.values[[20, 60]].round(2).tolist(), envelope.unit
    ([0.6, 0.0], 'm/s')
    """
    velocity = _velocities(spectrum)
    if direction not in get_args(Direction):
        raise InvalidArgumentError(
            f"trace_envelope: the direction must be one of "
            f"{', '.join(get_args(Direction))}, got '{direction}'."
        )
    if not (0 < level < 1 and wall_filter >= 0 and smoothing >= 0):
        raise InvalidArgumentError(
            f"trace_envelope: level must lie between 0 and 1, wall_filter and "
            f"smoothing must not be negative; got {level}, {wall_filter} and "
            f"{smoothing}."
        )
    if not len(spectrum.time):
        return _envelope_stream(spectrum, np.zeros(0))
    grey = np.asarray(spectrum.load(), np.float64)
    step = _line_time(spectrum)
    sides = {
        sign: _trace_side(grey, velocity, sign, level, wall_filter, step)
        for name, sign in (("positive", 1), ("negative", -1))
        if direction in (name, "both")
    }
    if direction == "both":
        values = np.where(sides[1] >= sides[-1], sides[1], -sides[-1])
    else:
        ((sign, values),) = sides.items()
        values = sign * values
    return _envelope_stream(spectrum, _median_over(values, smoothing / step))


def mean_velocity(
    spectrum: Stream, *, dynamic_range: float | None = None, level: float = 0.5
) -> Stream:
    """Compute the mean velocity of each line of a Doppler spectrum.

    Parameters
    ----------
    spectrum : Stream (T, V) [grey]
        With the velocities of its rows in ``axes["velocity"]``, highest first.
    dynamic_range : float [dB], optional
        Decibels from grey 0 to 255, if the grey scale is logarithmic; the mean is then
        weighted with power. Without it, grey levels are the weights.
    level : float
        Rows count that lie above this, between the noise (0) and the signal (1), once
        speckle is averaged.

    Returns
    -------
    Stream (T,) [m/s]
        ``sum(p * v) / sum(p)``, the first moment; NaN where there is no signal.

    Raises
    ------
    NotProvidedError
        If the spectrum does not state the velocities of its rows.
    InvalidArgumentError
        If it is no spectrum.

    Notes
    -----
    The first moment of the power spectrum is the mean velocity of the blood in the
    sample volume (Jensen, *Estimation of Blood Velocities Using Ultrasound*, 1996,
    chapter 6), the velocity that colour and tissue Doppler show; the envelope is
    higher.

    Examples
    --------
    A band from 0.2 to 0.6 m/s:

    >>> rows = np.linspace(1, -1, 201)
    >>> band = np.where(abs(rows - 0.4) < 0.205, 100.0, 0.0)
    >>> spectrum = Stream(
    ...     "pulsed_wave", band[None], np.zeros(1), ("time", "velocity"), "grey",
    ...     axes={"velocity": rows},
    ... )
    >>> round(float(mean_velocity(spectrum).values[0]), 3)
    0.4
    """
    velocity = _velocities(spectrum)
    if not len(spectrum.time):
        return replace(_envelope_stream(spectrum, np.zeros(0)), name="mean_velocity")
    grey = np.asarray(spectrum.load(), np.float64)
    weight = grey if dynamic_range is None else 10 ** (grey * dynamic_range / 2550)
    step = _line_time(spectrum)
    smooth = _smooth(grey, step)
    weight = np.where(smooth > _levels(smooth, smooth, step).edge(level), weight, 0.0)
    total = weight.sum(axis=1)
    flows = total > 0
    mean = np.where(flows, weight @ velocity / np.where(flows, total, 1.0), np.nan)
    return replace(_envelope_stream(spectrum, mean), name="mean_velocity")


def shift_baseline(spectrum: Stream, lowest: float) -> Stream:
    """Move the baseline of a folded spectrum, so that all its flow is in one piece.

    Parameters
    ----------
    spectrum : Stream (T, V) [grey]
        With evenly spaced velocities in ``axes["velocity"]``, highest first, and a
        velocity limit.
    lowest : float [m/s]
        Velocity that the last row is to have, to the nearest row: ``-0.2`` shows flow
        towards the probe up to twice the Nyquist limit, less 0.2 m/s.

    Returns
    -------
    Stream
        The same rows, each at the velocity it stands for in the new range.

    Raises
    ------
    NotProvidedError
        If the spectrum states no velocities or no limit.
    InvalidArgumentError
        If its rows are not evenly spaced or do not cover the range of twice the limit.

    Notes
    -----
    A pulsed Doppler knows velocities up to multiples of twice the limit. A spectrum
    repeats with that period, and the baseline chooses which period is shown. It cannot
    show more than one: flow in both directions that is wider than the period overlaps.

    Examples
    --------
    0.75 m/s is seen as -0.25 m/s with a limit of 0.5 m/s:

    >>> rows = np.array([0.25, 0.0, -0.25, -0.5])
    >>> spectrum = Stream(
    ...     "pulsed_wave", np.array([[0, 0, 9, 0]]), np.zeros(1), ("time", "velocity"),
    ...     "grey", velocity_limit=0.5, axes={"velocity": rows},
    ... )
    >>> moved = shift_baseline(spectrum, 0.0)
    >>> moved.axes["velocity"].tolist(), moved.values.tolist()
    ([0.75, 0.5, 0.25, 0.0], [[9, 0, 0, 0]])
    """
    velocity, limit = _velocities(spectrum), spectrum.velocity_limit
    if limit is None:
        raise NotProvidedError(
            f"Stream '{spectrum.name}' states no velocity limit, so it does not fold."
        )
    steps = -np.diff(velocity)
    step = float(np.mean(steps))
    period = 2 * limit / step
    if not np.allclose(steps, step, rtol=1e-3) or period > len(velocity) + 0.5:
        raise InvalidArgumentError(
            f"Stream '{spectrum.name}': to move its baseline, its rows must be even "
            f"and cover twice the limit, {2 * limit:g} m/s; they cover "
            f"{len(velocity) * step:g} m/s."
        )
    moved = round((lowest - velocity[-1]) / step)
    # Row i of the result stands where row i - moved was; a period on, it is the same.
    wanted = np.arange(len(velocity)) - moved
    rows = np.mod(wanted, round(period))
    values = spectrum.load()[:, rows]
    axes = {**spectrum.axes, "velocity": velocity + moved * step}
    return replace(spectrum, values=values, axes=MappingProxyType(axes))


_FLOOR_QUANTILE = 0.2
_SIGNAL_QUANTILE = 0.9
_NOISE_REACH = 8.0
_WEAKEST = 0.25
_ENOUGH = 0.015
_SHORTEST = 0.010


def _velocities(spectrum: Stream) -> FloatArray:
    """Return the velocities of a spectrum's rows, highest first [m/s]."""
    if spectrum.dims != ("time", "velocity"):
        raise InvalidArgumentError(
            f"Stream '{spectrum.name}' has axes {spectrum.dims}; a spectrum has "
            "('time', 'velocity')."
        )
    if "velocity" not in spectrum.axes:
        raise NotProvidedError(
            f"Stream '{spectrum.name}' does not state the velocities of its rows."
        )
    velocity = np.asarray(spectrum.axes["velocity"], np.float64)
    if len(velocity) < 2 or not (np.diff(velocity) < 0).all():
        raise InvalidArgumentError(
            f"Stream '{spectrum.name}': the velocities of the rows must descend from "
            f"the highest, got {velocity}."
        )
    return velocity


def _line_time(spectrum: Stream) -> float:
    """Return the time from line to line [s]."""
    steps = np.diff(spectrum.time)
    return float(np.median(steps)) if len(steps) else _SHORTEST


def _envelope_stream(spectrum: Stream, values: FloatArray) -> Stream:
    """Return velocities on the clock of a spectrum."""
    return Stream("envelope", values, spectrum.time, ("time",), "m/s")


def _odd(length: float) -> int:
    """Return the odd number of samples nearest to a length in samples, one at least."""
    return 2 * max(round((length - 1) / 2), 0) + 1


def _median_over(values: FloatArray, length: float) -> FloatArray:
    """Take the running median over a length in samples."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, _odd(length), mode="nearest"))


def _smooth(grey: FloatArray, step: float) -> FloatArray:
    """Average speckle over 10 ms and three rows."""
    from scipy.ndimage import uniform_filter

    window = (_odd(_SHORTEST / step), 3)
    return np.asarray(uniform_filter(grey, window, mode="nearest"))


class _Levels(NamedTuple):
    """What is taken for noise, and how far signal rises above it, (T,) each [grey]."""

    noise: FloatArray
    height: FloatArray

    def edge(self, level: float) -> FloatArray:
        """Return the grey level at the edge of the flow, as a column (T, 1)."""
        return np.asarray(self.noise + level * self.height)[:, None]


def _levels(grey: FloatArray, side: FloatArray, step: float) -> _Levels:
    """Measure noise on all rows, and signal on those of one side.

    The signal of a weak wave is its own, but a share of that of the strong ones at
    least, and more than noise ever reaches.
    """
    from scipy.ndimage import uniform_filter1d

    noise, middle = np.quantile(grey, [_FLOOR_QUANTILE, 0.5], axis=1)
    least = _NOISE_REACH * np.median(middle - noise)
    strong = np.quantile(grey.max(axis=1) - noise, _SIGNAL_QUANTILE)
    own = uniform_filter1d(side.max(axis=1) - noise, _odd(0.03 / step), mode="nearest")
    return _Levels(noise, np.maximum(own, max(least, _WEAKEST * strong)))


def _trace_side(
    grey: FloatArray,
    velocity: FloatArray,
    sign: int,
    level: float,
    wall_filter: float,
    step: float,
) -> FloatArray:
    """Return the speed at the edge of the flow in one direction, (T,) [m/s]."""
    smooth = _smooth(grey, step)
    rows = np.flatnonzero(sign * velocity > 0)
    rows = rows[np.argsort(sign * velocity[rows])]
    side, speed = smooth[:, rows], sign * velocity[rows]
    told = np.abs(velocity) >= wall_filter
    heard = speed >= wall_filter
    if not told.any() or not heard.any():
        return np.zeros(len(grey))
    levels = _levels(smooth[:, told], side[:, heard], step)
    above = np.where(heard, side - levels.edge(level), -1.0)
    # A spectrum of one grey level has no height; nothing in it speaks for flow.
    reach = np.where(levels.height > 0, (1 - level) * levels.height, 1.0)[:, None]
    flow = np.clip(above / reach, 0, 1)
    # A row is under the envelope if enough flow is at it or beyond it.
    beyond = np.cumsum(flow[:, ::-1], axis=1)[:, ::-1]
    enough = max(_ENOUGH * len(speed), 1.0)
    evidence = np.minimum(beyond / enough, 1.0) - 0.5
    path = _best_path(evidence, max(0.25 * _SHORTEST / step, 0.125))
    return _place_between(path, above, speed)


def _best_path(evidence: FloatArray, cost: float) -> NDArray[np.intp]:
    """Return how many rows each line has under the best path, (T,).

    It gathers the evidence of the rows beneath it and pays `cost` a row up or down.
    """
    lines, rows = evidence.shape
    gathered = np.zeros((lines, rows + 1))
    np.cumsum(evidence, axis=1, out=gathered[:, 1:])
    ramp = cost * np.arange(rows + 1)
    for line in range(1, lines):
        last = gathered[line - 1]
        # The best predecessor of each row, from below and from above.
        rising = np.maximum.accumulate(last + ramp) - ramp
        falling = np.maximum.accumulate((last - ramp)[::-1])[::-1] + ramp
        gathered[line] += np.maximum(rising, falling)
    path = np.empty(lines, np.intp)
    path[-1] = gathered[-1].argmax()
    for line in range(lines - 2, -1, -1):
        there = path[line + 1]
        path[line] = (gathered[line] - np.abs(ramp - ramp[there])).argmax()
    return path


def _place_between(
    path: NDArray[np.intp], above: FloatArray, speed: FloatArray
) -> FloatArray:
    """Return the speed at which the grey level falls through the edge, (T,) [m/s].

    It is the first fall at or beyond the path, not far from it.
    """
    lines, count = np.arange(len(path)), len(speed)
    inner = np.maximum(path - 1, 0)
    for _ in range(max(round(2 * _ENOUGH * count), 2)):
        further = np.minimum(inner + 1, count - 1)
        inner = np.where(above[lines, further] > 0, further, inner)
    outer = np.minimum(inner + 1, count - 1)
    high, low = above[lines, inner], above[lines, outer]
    falls = (high > 0) & (low <= 0)
    share = np.where(falls, high / np.where(falls, high - low, 1.0), 0.5)
    edge = speed[inner] + share * (speed[outer] - speed[inner])
    return np.where(path > 0, edge, 0.0)
