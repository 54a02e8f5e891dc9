"""When a beat begins and when the ventricle is smallest: ED and ES, method named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError

Beat = tuple[float, float]
"""Times of the R peak that begins a beat and of the next one [s]."""


@dataclass(frozen=True, slots=True)
class Timing:
    """End-diastole and end-systole of one beat.

    Parameters
    ----------
    ed_time, es_time : float [s]
        End-diastole and end-systole, on the recording's clock.
    method : str
        How they were found: the name of the curve whose greatest and smallest value
        they are, ``"mesh"`` or ``"contour"``, or ``"ecg"``.
    beat : (start, stop) [s]
        The R peaks around it; without R peaks, the first and the last sample.
    """

    ed_time: float
    es_time: float
    method: str
    beat: Beat


def whole_beats(
    r_peaks: FloatArray, time: FloatArray, *, missing: float = 0.0
) -> tuple[Beat, ...]:
    """List the beats that a clock covers from R peak to R peak.

    Parameters
    ----------
    r_peaks : (K,) [s]
        Times of the R peaks, ascending.
    time : (T,) [s]
        Times of the samples.
    missing : float
        Part of a beat that may lack at its begin and at its end.

    Returns
    -------
    tuple of (start, stop) [s]
        Beats whose R peaks both lie within the samples, or at most one sampling step
        and a half, or the missing part, outside: the frame nearest to an R peak may be
        on either side.

    Examples
    --------
    >>> whole_beats(np.array([0.1, 1.0, 1.9]), np.arange(60) / 30)
    ((0.1, 1.0), (1.0, 1.9))
    >>> whole_beats(np.array([0.1, 1.0, 1.9]), np.arange(30) / 30)
    ((0.1, 1.0),)
    """
    if len(time) < 2:
        return ()
    slack = 1.5 * float(np.median(np.diff(time)))
    first, last = float(time[0]), float(time[-1])
    found = []
    for start, stop in pairwise(float(t) for t in r_peaks):
        spare = max(slack, missing * (stop - start))
        if first - spare <= start and stop <= last + spare:
            found.append((start, stop))
    return tuple(found)


def time_by_curve(
    curve: Stream, beats: Sequence[Beat] = (), *, method: str
) -> tuple[Timing, ...]:
    """Take ED and ES where a curve is greatest and smallest within each beat.

    Parameters
    ----------
    curve : Stream (time,)
        A volume or a length, great at end-diastole and small at end-systole. Samples
        that are not finite are left out.
    beats : sequence of (start, stop) [s]
        The beats, from `whole_beats`. Without any, all samples count as one window, in
        which ED may come after ES.
    method : str
        What the curve was made from, for `Timing.method`.

    Returns
    -------
    tuple of Timing
        One a beat.

    Raises
    ------
    InvalidArgumentError
        If the stream has other axes than time.
    NotProvidedError
        If a beat has fewer than three finite samples, or the curve never falls.

    Notes
    -----
    ES is the smallest value of the beat, ED the greatest from its R peak to ES; of
    samples that are alike to 0.1 % of the fall, as on an isovolumic plateau, the first.
    The frame nearest to an R peak belongs to the beat that begins there. The guidelines
    of ASE and EACVI (Lang et al. 2015) define end-diastole as the frame of the largest,
    end-systole as the frame of the smallest ventricle. Times are those of samples:
    nothing is interpolated.

    Examples
    --------
    >>> time = np.arange(9) / 8
    >>> volume = np.array([90, 100, 80, 50, 40, 60, 80, 95, 101]) * 1e-6
    >>> curve = Stream("lv_volume", volume, time, ("time",), "m^3")
    >>> found = time_by_curve(curve, [(0.125, 1.125)], method="mesh")[0]
    >>> found.ed_time, found.es_time
    (0.125, 0.5)
    """
    if curve.dims != ("time",):
        raise InvalidArgumentError(
            f"Stream '{curve.name}': one value a time is needed, got the axes "
            f"{curve.dims}."
        )
    values = np.asarray(curve.load(), np.float64)
    finite = np.isfinite(values)
    time, values = curve.time[finite], values[finite]
    if len(time) < 3:
        raise NotProvidedError(
            f"Stream '{curve.name}': {len(time)} finite samples of {len(finite)}, "
            "too few to find end-diastole and end-systole."
        )
    if not beats:
        window = (float(time[0]), float(time[-1]))
        return (_extremes(time, values, window, method, curve.name, ordered=False),)
    half = float(np.median(np.diff(time))) / 2
    found = []
    for start, stop in beats:
        part = (time >= start - half) & (time < stop - half)
        found.append(
            _extremes(time[part], values[part], (start, stop), method, curve.name)
        )
    return tuple(found)


def time_by_ecg(
    beat: Beat, *, heart_rate_bpm: float | None = None, closure: float | None = None
) -> Timing:
    """Take ED at the R peak and ES at the closure of the aortic valve.

    Parameters
    ----------
    beat : (start, stop) [s]
        R peaks.
    heart_rate_bpm : float [1/min], optional
        Heart rate that the systolic time is predicted from. If not given, the beat's.
    closure : float [s], optional
        Aortic valve closure counted from the R peak, where it was measured, as on a
        spectrum of the outflow. If not given it is predicted.

    Returns
    -------
    Timing
        With the method ``"ecg"``.

    Raises
    ------
    InvalidArgumentError
        If the closure does not lie within the beat.

    Notes
    -----
    An ECG shows the onset of ventricular activation; it does not show the closure of
    the valve. The prediction is total electromechanical systole by heart rate,
    QS2 = 541 ms - 2.2 HR in men and 540 ms - 2.0 HR in women without heart disease
    (Boudoulas et al., Chest 80:613, 1981), here 540 ms - 2.1 HR, less 40 ms from the
    onset of QRS to its peak. It is good enough to tell systole from diastole, and no
    measurement of end-systole. It is kept between a quarter and a half of the beat.

    Examples
    --------
    >>> timing = time_by_ecg((0.0, 1.0))
    >>> timing.ed_time, round(timing.es_time, 3)
    (0.0, 0.374)
    """
    start, stop = beat
    period = stop - start
    if not period > 0:
        raise InvalidArgumentError(f"Beat {beat}: it must end after it begins.")
    if closure is None:
        rate = 60 / period if heart_rate_bpm is None else heart_rate_bpm
        predicted = _QS2 - _QS2_PER_BPM * rate - _Q_TO_R
        closure = min(max(predicted, period / 4), period / 2)
    if not 0 < closure < period:
        raise InvalidArgumentError(
            f"Aortic valve closure {closure} s after the R peak lies outside the beat "
            f"of {period} s. Is it counted from the R peak, in seconds?"
        )
    return Timing(start, start + closure, "ecg", beat)


_QS2 = 0.540
_QS2_PER_BPM = 0.0021
_Q_TO_R = 0.040
_ALIKE = 1e-3


def _extremes(
    time: FloatArray,
    values: FloatArray,
    beat: Beat,
    method: str,
    name: str,
    *,
    ordered: bool = True,
) -> Timing:
    """Find the smallest value, and the greatest: before it, or anywhere."""
    if len(time) < 3:
        raise NotProvidedError(
            f"Stream '{name}': the beat from {beat[0]:.3f} to {beat[1]:.3f} s has "
            f"{len(time)} finite samples, too few to find ED and ES."
        )
    least = int(values.argmin())
    before = values[: least + 1] if ordered else values
    alike = _ALIKE * (before.max() - values[least])
    ed = int(np.argmax(before >= before.max() - alike))
    after = time > time[ed] if ordered else np.ones(len(time), np.bool_)
    es = int(np.argmax(after & (values <= values[least] + alike)))
    if not values[ed] > values[es]:
        raise NotProvidedError(
            f"Stream '{name}': it never falls between {beat[0]:.3f} and {beat[1]:.3f} "
            "s, so that it shows no systole."
        )
    return Timing(float(time[ed]), float(time[es]), method, beat)
