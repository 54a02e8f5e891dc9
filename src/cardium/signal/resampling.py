"""The same signal at another rate."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.signal._ecg_traces import bridge, steady_rate


def resample(stream: Stream, rate: float) -> Stream:
    """Resample a stream without aliasing and without a shift in time.

    Parameters
    ----------
    stream : Stream (T, ...)
        Evenly sampled.
    rate : float [Hz]
        Samples a second that are wanted.

    Returns
    -------
    Stream (ceil(T * rate / stream.rate), ...)
        In memory, float32 unless it was float64. It begins at the same time. A sample
        is NaN where the nearest given one is not finite.

    Raises
    ------
    InvalidArgumentError
        If the rate is not positive, samples are not evenly spaced, or the ratio of the
        rates is not that of two whole numbers up to 10,000 to within a tenth of a
        sample over the stream.

    Notes
    -----
    A zero-phase polyphase filter (`scipy.signal.resample_poly`, a Kaiser window of
    beta 5) that keeps what is below half of the lower rate, after taking out the line
    through the first and the last sample. The ratio may be of any two whole numbers:
    360 to 500 Hz is 25 / 18.

    Examples
    --------
    >>> time = np.arange(720) / 360
    >>> ecg = Stream("ecg", np.sin(2 * np.pi * 5 * time), time, ("time",), "mV")
    >>> other = resample(ecg, 500)
    >>> other.shape, other.rate
    ((1000,), 500.0)
    >>> exact = np.sin(2 * np.pi * 5 * other.time)
    >>> float(np.abs(other.values - exact)[100:900].max()) < 0.002
    True
    """
    if not (rate > 0 and np.isfinite(rate)):
        raise InvalidArgumentError(
            f"Resampling '{stream.name}': the rate must be positive, got {rate}."
        )
    given = steady_rate(stream, "resampling")
    ratio = _ratio(stream.name, rate / given, len(stream.time))
    values = np.asarray(stream.load())
    kind = values.dtype if values.dtype == np.float64 else np.dtype(np.float32)
    if ratio == 1:
        return stream.with_values(values.astype(kind))
    from dataclasses import replace

    columns = values.reshape(len(values), -1).astype(np.float64)
    out = _polyphase(columns, ratio).astype(kind)
    time = stream.time[0] + np.arange(len(out)) / rate
    return replace(stream, values=out.reshape(-1, *values.shape[1:]), time=time)


_LARGEST = (1000, 10_000)
_DRIFT = 0.1  # of a sample, over the whole stream


def _ratio(name: str, wanted: float, count: int) -> Fraction:
    """Return the simplest ratio of whole numbers that drifts too little to matter."""
    for largest in _LARGEST:
        ratio = Fraction(wanted).limit_denominator(largest)
        if ratio and abs(float(ratio) / wanted - 1) * count * max(wanted, 1) < _DRIFT:
            return ratio
    raise InvalidArgumentError(
        f"Resampling '{name}': its rate and the one wanted have the ratio "
        f"{wanted:.9g}, which no two whole numbers up to {_LARGEST[-1]} have. Choose a "
        "rate that is a simple multiple or part of its own."
    )


def _polyphase(columns: FloatArray, ratio: Fraction) -> FloatArray:
    """Resample columns (T, N); what is missing stays missing."""
    from scipy.signal import resample_poly

    missing = ~np.isfinite(columns)
    gaps = bool(missing.any())
    if gaps:
        bridge(columns, missing)
    up, down = ratio.numerator, ratio.denominator
    # Phases of the filter differ by a thousandth in gain, which a level would show.
    steps = max(len(columns) - 1, 1)
    level, slope = columns[0], (columns[-1] - columns[0]) / steps
    line = level + np.arange(len(columns))[:, None] * slope
    out = np.asarray(resample_poly(columns - line, up, down, axis=0))
    out += level + np.arange(len(out))[:, None] * (down / up) * slope
    if gaps:
        nearest = np.rint(np.arange(len(out)) * (down / up)).astype(np.int64)
        out[missing[np.minimum(nearest, len(missing) - 1)]] = np.nan
    return out
