"""Velocity of tissue at a sample volume, and its peaks s', e' and a'."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Gate, Sector, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.measure.timing import Beat, time_by_ecg

GATE_LENGTH = 0.006
"""Length of a sample volume that does not state its own [m]."""


@dataclass(frozen=True, slots=True)
class TissuePeaks:
    """Peak velocities of the annulus in one beat, all positive in their own direction.

    Parameters
    ----------
    s_prime_cm_s : float [cm/s]
        Systolic peak, towards the probe.
    e_prime_cm_s, a_prime_cm_s : float [cm/s]
        Early and late diastolic peaks, away from the probe. NaN where the half of
        diastole has no peak of its own, as when both waves are fused.
    s_time, e_time, a_time : float [s]
        When they are reached.
    """

    s_prime_cm_s: float
    e_prime_cm_s: float
    a_prime_cm_s: float
    s_time: float
    e_time: float
    a_time: float


def gate_velocity(velocity: Stream, gate: Gate) -> Stream:
    """Average tissue velocity over a sample volume.

    Parameters
    ----------
    velocity : Stream (time, range, beam) [m/s]
        ``tissue_velocity`` in its sector.
    gate : Gate
        The sample volume: angle, depth and length. Without a length, `GATE_LENGTH`.

    Returns
    -------
    Stream (time,) [m/s]
        Positive towards the probe.

    Raises
    ------
    InvalidArgumentError
        If the stream has no sector or other axes.
    NotProvidedError
        If the gate has no depth, or its middle lies outside the sector.

    Notes
    -----
    Between beams velocities are interpolated, along the beam they are averaged over all
    samples of the gate. Where a velocity limit is stated that is done with phasors,
    ``exp(i pi v / limit)``, whose mean has no jump where velocities fold.

    Examples
    --------
    >>> sector = Sector((0.0, 0.1), (-0.5, 0.5), (11, 5))
    >>> values = np.zeros((2, 11, 5))
    >>> values[1, :, 4] = 0.08
    >>> velocity = Stream(
    ...     "tissue_velocity", values, np.array([0.0, 0.1]), ("time", "range", "beam"),
    ...     "m/s", geometry=sector,
    ... )
    >>> gate = Gate("tissue_velocity", angle=0.375, depth=0.05, length=0.02)
    >>> gate_velocity(velocity, gate).load().round(6).tolist()
    [0.0, 0.04]
    """
    sector = velocity.geometry
    if velocity.dims != ("time", "range", "beam") or not isinstance(sector, Sector):
        raise InvalidArgumentError(
            f"Stream '{velocity.name}': a gate is measured in a sector with the axes "
            f"(time, range, beam), got {velocity.dims} and "
            f"{type(sector).__name__ if sector else 'no geometry'}."
        )
    rows, beam = _place(sector, gate)
    left = min(int(beam), sector.shape[1] - 2)
    share = beam - left
    values = np.asarray(velocity.load(), np.float64)[:, rows, left : left + 2]
    weights = np.array([1 - share, share]) / values.shape[1]
    limit = velocity.velocity_limit
    if limit is None:
        mean = values.sum(axis=1) @ weights
    else:
        mean = np.angle(np.exp(1j * np.pi / limit * values).sum(axis=1) @ weights)
        mean *= limit / np.pi
    return Stream(
        velocity.name, mean, velocity.time, ("time",), "m/s", velocity_limit=limit
    )


def jumps(velocity: Stream) -> int:
    """Count the steps in time that are greater than the Nyquist limit.

    Parameters
    ----------
    velocity : Stream (time,) [m/s]
        From `gate_velocity`.

    Returns
    -------
    int
        Each is either a fold or tissue too fast for the frame rate: a peak that is
        read off such a curve is not to be trusted. Zero without a limit.

    Examples
    --------
    >>> v = np.array([0.10, 0.15, -0.14, 0.12])
    >>> jumps(Stream("v", v, np.arange(4.0), ("time",), "m/s", velocity_limit=0.16))
    2
    """
    if velocity.velocity_limit is None:
        return 0
    steps = abs(np.diff(np.asarray(velocity.load(), np.float64)))
    return int(np.count_nonzero(steps > velocity.velocity_limit))


def tissue_peaks(
    velocity: Stream, beat: Beat, *, es_time: float | None = None
) -> TissuePeaks:
    """Find s', e' and a' of a beat in the velocity of the annulus.

    Parameters
    ----------
    velocity : Stream (time,) [m/s]
        Velocity along the beam in an apical view, positive towards the probe; from
        `gate_velocity`.
    beat : (start, stop) [s]
        R peaks.
    es_time : float [s], optional
        End-systole. If not given, that of `time_by_ecg`.

    Returns
    -------
    TissuePeaks
        In cm/s; times are those of samples.

    Raises
    ------
    InvalidArgumentError
        If end-systole lies outside the beat.
    NotProvidedError
        If systole or a half of diastole has no finite sample.

    Notes
    -----
    The windows follow the phases of the beat: s' is the greatest velocity from 60 ms
    after the R peak, when isovolumic contraction is over, to end-systole; e' the
    greatest away from the probe in the first half of diastole, a' that in the second.
    A greatest value at the border between both halves is the flank of the other wave
    and no peak. Colour tissue Doppler holds mean velocities and reads lower than the
    envelope of a pulsed spectrum.

    Examples
    --------
    >>> time = np.arange(11) / 10
    >>> v = np.array([0, 4, 8, 3, 0, -6, -10, -2, -5, -1, 0]) / 100
    >>> peaks = tissue_peaks(Stream("v", v, time, ("time",), "m/s"), (0.0, 1.0))
    >>> peaks.s_prime_cm_s, peaks.e_prime_cm_s, peaks.a_prime_cm_s, peaks.e_time
    (8.0, 10.0, 5.0, 0.6)
    """
    start, stop = beat
    es = time_by_ecg(beat).es_time if es_time is None else es_time
    if not start < es < stop:
        raise InvalidArgumentError(
            f"End-systole at {es} s lies outside the beat from {start} to {stop} s."
        )
    middle = (es + stop) / 2
    values = np.asarray(velocity.load(), np.float64)
    opening = min(start + _ISOVOLUMIC, es)
    s, s_time = _peak(velocity, values, (opening, es))
    e, e_time = _peak(velocity, -values, (es, middle), border=middle)
    a, a_time = _peak(velocity, -values, (middle, stop), border=middle)
    return TissuePeaks(100 * s, 100 * e, 100 * a, s_time, e_time, a_time)


_ISOVOLUMIC = 0.060


def _place(sector: Sector, gate: Gate) -> tuple[slice, float]:
    """Return the rows of a gate and its fractional beam."""
    if gate.depth is None:
        raise NotProvidedError(
            f"Gate on '{gate.on}': it states no depth, so that it is a line and not a "
            "sample volume."
        )
    row = (gate.depth - sector.depth[0]) / sector.range_spacing
    beam = (gate.angle - sector.angle[0]) / sector.beam_spacing
    # A gate on the rim may lie a rounding error outside.
    if not (-1e-6 <= beam <= sector.shape[1] - 1 + 1e-6) or not (
        -0.5 <= row <= sector.shape[0] - 0.5
    ):
        raise NotProvidedError(
            f"Gate on '{gate.on}': depth {gate.depth} m and angle {gate.angle} rad lie "
            f"outside the sector with depths {sector.depth} m and angles "
            f"{sector.angle} rad."
        )
    half = (gate.length or GATE_LENGTH) / 2 / sector.range_spacing
    first = max(math.ceil(row - half - 1e-9), 0)
    last = min(math.floor(row + half + 1e-9), sector.shape[0] - 1)
    if first > last:
        first = last = min(round(row), sector.shape[0] - 1)
    return slice(first, last + 1), min(max(beam, 0.0), sector.shape[1] - 1.0)


def _peak(
    velocity: Stream,
    values: FloatArray,
    window: Beat,
    *,
    border: float | None = None,
) -> tuple[float, float]:
    """Return the greatest value in a window and its time; NaN on the border."""
    start, stop = window
    part = np.flatnonzero(
        (velocity.time >= start) & (velocity.time <= stop) & np.isfinite(values)
    )
    if not len(part):
        raise NotProvidedError(
            f"Stream '{velocity.name}': no finite sample from {start:.3f} to "
            f"{stop:.3f} s, where a peak is looked for."
        )
    peak = int(part[values[part].argmax()])
    beyond = peak + 1 if border == stop else peak - 1
    flank = (
        border is not None
        and peak == part[-1 if border == stop else 0]
        and 0 <= beyond < len(values)
        and values[beyond] > values[peak]
    )
    if flank or values[peak] <= 0:
        return math.nan, math.nan
    return float(values[peak]), float(velocity.time[peak])
