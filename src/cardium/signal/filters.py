"""Filters of the electrocardiogram that shift nothing in time."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError, UnknownNameError
from cardium.signal._ecg_traces import filtered, steady_rate


def band_pass(
    stream: Stream, low: float | None, *, high: float | None = None, order: int = 2
) -> Stream:
    """Keep a band of frequencies, with a Butterworth filter run there and back.

    Parameters
    ----------
    stream : Stream (T, ...)
        Evenly sampled.
    low, high : float [Hz], optional
        The edges of the band. Without `low` it is a low-pass filter, without `high` a
        high-pass filter.
    order : int
        Of the filter that is run in each direction; together they have twice the
        order.

    Returns
    -------
    Stream (T, ...)
        In memory, float32 unless it was float64. Samples that are not finite are
        bridged by straight lines for the filter and are NaN in the result.

    Raises
    ------
    InvalidArgumentError
        If there is no edge, the edges are not 0 < low < high < rate / 2, the order is
        not positive, or samples are not evenly spaced.

    Notes
    -----
    Run in both directions a filter has no phase, and its gain counts twice: an edge is
    where the gain is 1/2 (-6 dB). Before and after the trace it is continued by its
    reflection in its end point (`scipy.signal.sosfiltfilt`), for as long as the filter
    remembers: waves near the ends are not pulled to zero.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> wave = np.sin(2 * np.pi * 10 * time)
    >>> ecg = Stream("ecg", wave + 2 + time, time, ("time",), "mV")
    >>> kept = band_pass(ecg, 0.5, high=100)
    >>> float(np.abs(kept.values - wave)[1000:4000].max()) < 0.01
    True
    """
    rate = steady_rate(stream, "a filter")
    edges = [edge for edge in (low, high) if edge is not None]
    fit = all(0 < edge < rate / 2 for edge in edges) and edges == sorted(set(edges))
    if not edges or not fit or order < 1:
        raise InvalidArgumentError(
            f"Filter of '{stream.name}': edges must be 0 < low < high < {rate / 2:g} "
            f"Hz, half its rate, and the order 1 at least; got low={low}, high={high}, "
            f"order={order}."
        )
    from scipy.signal import butter

    kind = "bandpass" if len(edges) == 2 else ("lowpass" if low is None else "highpass")
    sections = butter(order, edges if len(edges) == 2 else edges[0], kind, fs=rate,
                      output="sos")  # fmt: skip
    memory = round(_MEMORY * rate / min(edges))
    return filtered(stream, lambda columns: _there_and_back(sections, columns, memory))


def notch(stream: Stream, frequency: float = 50.0, *, quality: float = 30.0) -> Stream:
    """Take one frequency out: the hum of the mains.

    Parameters
    ----------
    stream : Stream (T, ...)
        Evenly sampled.
    frequency : float [Hz]
        50 in most of the world, 60 in North America; see `mains_frequency`.
    quality : float
        The frequency over the width of the notch at half of its depth in power.

    Returns
    -------
    Stream (T, ...)
        As that of `band_pass`.

    Raises
    ------
    InvalidArgumentError
        If the frequency is not below half of the rate, the quality is not positive, or
        samples are not evenly spaced.

    Notes
    -----
    A second-order notch (`scipy.signal.iirnotch`), run in both directions. A narrow one
    rings longer after a steep wave: with a quality of 30 at 50 Hz for about 0.2 s.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> slow, hum = np.sin(2 * np.pi * 5 * time), np.sin(2 * np.pi * 50 * time)
    >>> clean = notch(Stream("ecg", slow + hum, time, ("time",), "mV"), 50)
    >>> float(np.abs(clean.values - slow)[1000:4000].max()) < 0.01
    True
    """
    rate = steady_rate(stream, "a filter")
    if not (0 < frequency < rate / 2 and quality > 0):
        raise InvalidArgumentError(
            f"Notch of '{stream.name}': the frequency must be in 0..{rate / 2:g} Hz, "
            f"half its rate, and the quality positive; got {frequency:g} Hz and "
            f"{quality:g}."
        )
    from scipy.signal import iirnotch, tf2sos

    sections = tf2sos(*iirnotch(frequency, quality, fs=rate))
    memory = round(2 * quality * rate / frequency)
    return filtered(stream, lambda columns: _there_and_back(sections, columns, memory))


def remove_baseline(
    stream: Stream,
    *,
    method: Literal["high_pass", "median"] = "high_pass",
    cutoff: float = 0.5,
) -> Stream:
    """Take the slow wander of the baseline out.

    Parameters
    ----------
    stream : Stream (T, ...)
        Evenly sampled.
    method : {"high_pass", "median"}
        ``"high_pass"``: `band_pass` above the cutoff. ``"median"``: minus its running
        median over 200 ms, which takes P waves and QRS complexes out of the baseline,
        and then over 600 ms, which takes T waves out.
    cutoff : float [Hz]
        Of the high-pass filter.

    Returns
    -------
    Stream (T, ...)
        As that of `band_pass`.

    Raises
    ------
    UnknownNameError
        If there is no such method.
    InvalidArgumentError
        If the cutoff is out of range, or samples are not evenly spaced.

    Notes
    -----
    The medians are those of de Chazal et al., IEEE Transactions on Biomedical
    Engineering 51 (2004). They leave ST segments as they are, which a high-pass filter
    of 0.5 Hz that shifts phase would not; this one shifts none (AHA/ACCF/HRS
    recommendations 2007, part I, allow 0.67 Hz for such filters).

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> drift = Stream("ecg", 2 + 0.1 * time, time, ("time",), "mV")
    >>> flat = remove_baseline(drift, method="median")
    >>> float(np.abs(flat.values).max()) < 0.05
    True
    """
    if method == "high_pass":
        return band_pass(stream, cutoff)
    if method != "median":
        raise UnknownNameError("method", method, ("high_pass", "median"))
    rate = steady_rate(stream, "a baseline")
    sizes = [2 * round(width * rate / 2) + 1 for width in _MEDIANS]
    return filtered(stream, lambda columns: columns - _medians(columns, sizes))


def mains_frequency(stream: Stream) -> float | None:
    """Find out whether the mains hum in a trace, and at which frequency.

    Parameters
    ----------
    stream : Stream (T, ...)
        Evenly sampled; a second of it at least.

    Returns
    -------
    float [Hz] or None
        50 or 60, whichever stands out most of all leads, or None if neither does by a
        factor of 10 in power over its surroundings, 2 to 5 Hz away.

    Raises
    ------
    InvalidArgumentError
        If samples are not evenly spaced.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> noise = np.random.default_rng(0).standard_normal(5000)
    >>> quiet = Stream("ecg", noise, time, ("time",), "mV")
    >>> hum = quiet.with_values(noise + np.sin(2 * np.pi * 60 * time))
    >>> mains_frequency(quiet), mains_frequency(hum)
    (None, 60.0)
    """
    rate = steady_rate(stream, "a spectrum")
    if len(stream.time) < rate:
        return None
    from scipy.signal import welch

    steady = filtered(stream, lambda columns: columns).load()
    columns = np.nan_to_num(steady.reshape(len(steady), -1).astype(np.float64))
    columns = columns - columns.mean(axis=0)
    size = min(len(columns), round(4 * rate))
    at, power = welch(columns, rate, nperseg=size, axis=0)
    found = {hum: _excess(at, power, hum) for hum in (50.0, 60.0) if hum + 5 < rate / 2}
    best = max(found, key=lambda hum: found[hum], default=None)
    return best if best is not None and found[best] > _STANDS_OUT else None


_MEDIANS = (0.2, 0.6)
_STANDS_OUT = 10.0
_MEMORY = 1.0  # periods of the lowest edge after which a filter has forgotten


def _there_and_back(
    sections: NDArray[Any], columns: FloatArray, memory: int
) -> FloatArray:
    """Run a filter in both directions over columns that are continued at the ends."""
    from scipy.signal import sosfiltfilt

    least = 3 * (2 * len(sections) + 1)
    length = min(max(memory, least), len(columns) - 1)
    return np.asarray(sosfiltfilt(sections, columns, axis=0, padlen=length))


def _medians(columns: FloatArray, sizes: list[int]) -> FloatArray:
    """Run medians of several sizes over columns, one after the other."""
    from scipy.ndimage import median_filter

    out = columns
    for size in sizes:
        out = median_filter(out, (size, 1), mode="nearest")
    return np.asarray(out)


def _excess(at: FloatArray, power: FloatArray, hum: float) -> float:
    """Power at a frequency over that around it, of the lead that hums most."""
    away = np.abs(at - hum)
    inside, outside = away <= 0.5, (away >= 2) & (away <= 5)
    usual = np.median(power[outside], axis=0)
    peak = power[inside].max(axis=0)
    ratio = np.divide(peak, usual, out=np.zeros_like(peak), where=usual > 0)
    return float(ratio.max(initial=0.0))
