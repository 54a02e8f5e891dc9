"""R peaks of an electrocardiogram of unknown scale, polarity and length."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Recording, Stream, need
from cardium.errors import InvalidArgumentError, NotProvidedError


def find_r_peaks(ecg: Stream) -> FloatArray:
    """Find the R peaks of a single-lead electrocardiogram.

    Parameters
    ----------
    ecg : Stream (T,)
        One lead, of any scale and either polarity, at 50 Hz or more. Samples that are
        not finite are bridged.

    Returns
    -------
    (K,) [s]
        Times of the samples at the R peaks, ascending; none for a flat trace. Where S
        is the largest wave of the lead, it is the S peaks.

    Raises
    ------
    InvalidArgumentError
        If there is more than one lead, or fewer than 50 samples a second.

    Notes
    -----
    neurokit2's detector (Makowski et al., Behavior Research Methods 53, 2021), which
    looks for steep stretches against a moving average, on the trace freed from drift.
    Around it, three things that clips of ultrasound machines need. The trace is
    resampled to a fixed rate. It is continued by its mirror image to ten seconds at
    least, so that a clip of a single beat has an average to compare with. Its polarity
    is that of its third moment, which the QRS complex rules. Each peak is then the
    extreme of the trace itself.

    Examples
    --------
    >>> time = np.arange(400) / 200
    >>> apart = np.minimum(abs(time - 0.5), abs(time - 1.4))
    >>> trace = np.exp(-((apart / 0.012) ** 2))
    >>> find_r_peaks(Stream("ecg", -7 * trace, time, ("time",), "")).tolist()
    [0.5, 1.4]
    """
    if ecg.dims != ("time",):
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has axes {ecg.dims}. R peaks are found in one lead: "
            "choose one first."
        )
    trace = np.asarray(ecg.load(), np.float64)
    finite = np.isfinite(trace)
    if finite.sum() < 3 or np.ptp(trace[finite]) == 0:
        return np.zeros(0)
    if ecg.rate < _LOWEST_RATE:
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has {ecg.rate:g} samples a second; R peaks need "
            f"{_LOWEST_RATE:g} at least."
        )
    trace = np.interp(ecg.time, ecg.time[finite], trace[finite])
    found, sign = _detect(ecg.time, trace)
    peaks = _climb(ecg.time, sign * trace, found)
    return np.asarray(ecg.time[peaks], np.float64)


def r_peaks(recording: Recording) -> tuple[FloatArray, Literal["given", "detected"]]:
    """Return the R peaks of a recording: those it states, or else those of its ECG.

    Parameters
    ----------
    recording : Recording
        With an annotation ``"qrs"`` or a stream ``"ecg"``.

    Returns
    -------
    times : (K,) [s]
        Times of the R peaks.
    method : {"given", "detected"}
        Whether the recording states them, or `find_r_peaks` found them.

    Raises
    ------
    NotProvidedError
        If it has neither, or no R peak is found in its ECG.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> at = np.array([0.2, 1.1])
    >>> qrs = Stream("qrs", at, at, ("time",), "s")
    >>> entry = Entry("r0", "p0", "", frozenset({"qrs"}))
    >>> times, method = r_peaks(Recording(entry, {}, {"qrs": qrs}))
    >>> times.tolist(), method
    ([0.2, 1.1], 'given')
    """
    stated = recording.annotations.get("qrs")
    if stated is not None and len(stated.time):
        return np.asarray(stated.time, np.float64), "given"
    if "ecg" not in recording.streams:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has neither R peaks nor an ECG, so it "
            "has no cardiac phase."
        )
    found = find_r_peaks(recording["ecg"])
    if not len(found):
        raise NotProvidedError(
            f"Recording '{recording.entry.id}': no R peak is found in its ECG."
        )
    return found, "detected"


_RATE = 250.0
_LOWEST_RATE = 50.0
_SHORTEST = 10.0
_REFRACTORY = 0.25
_REACH = 0.05
_SMALLEST = 0.4


def _detect(time: FloatArray, trace: FloatArray) -> tuple[FloatArray, float]:
    """Return rough times of QRS complexes [s], and the polarity."""
    need("neurokit2", extra="echo")
    from neurokit2 import ecg_clean, ecg_findpeaks

    count = round((time[-1] - time[0]) * _RATE) + 1
    even = np.interp(time[0] + np.arange(count) / _RATE, time, trace)
    margin = max(round(_RATE), round((_SHORTEST * _RATE - count) / 2))
    mirrored = np.pad(even - np.median(even), margin, mode="reflect")
    clean = ecg_clean(mirrored, sampling_rate=round(_RATE), method="neurokit")
    sign = -1.0 if np.mean(clean[margin : margin + count] ** 3) < 0 else 1.0
    found = ecg_findpeaks(sign * clean, sampling_rate=round(_RATE))["ECG_R_Peaks"]
    places = np.asarray(found, np.int64) - margin
    # A peak near an end may be seen in the mirror only: fold it back.
    near, last = round(_REFRACTORY * _RATE), count - 1
    places = np.where((places < 0) & (places > -near), -places, places)
    beyond = (places > last) & (places < last + near)
    places = np.unique(np.where(beyond, 2 * last - places, places))
    places = places[(places >= 0) & (places <= last)]
    return time[0] + _steep(places, clean[margin : margin + count]) / _RATE, sign


def _steep(places: NDArray[np.int64], clean: FloatArray) -> NDArray[np.int64]:
    """Keep the complexes that rise about as steeply as most; T waves do not."""
    if not len(places):
        return places
    reach = round(_REACH * _RATE)
    window = np.arange(-reach, reach + 1)
    around = clean[np.clip(places[:, None] + window, 0, len(clean) - 1)]
    rise = np.ptp(around, axis=1)
    usual = np.median(np.sort(rise)[len(rise) // 2 :])
    return np.asarray(places[rise >= _SMALLEST * usual])


def _climb(time: FloatArray, trace: FloatArray, found: FloatArray) -> NDArray[np.intp]:
    """Move each peak to the top of the trace near it; of two that meet, keep one.

    A top at an end of the trace is a complex that was cut off.
    """
    tops: list[int] = []
    for at in found:
        first, stop = np.searchsorted(time, [at - _REACH, at + _REACH])
        top = int(first + np.argmax(trace[first:stop]))
        if top in (0, len(trace) - 1):
            continue
        if tops and time[top] - time[tops[-1]] < _REFRACTORY:
            tops[-1] = max(tops[-1], top, key=lambda i: float(trace[i]))
        else:
            tops.append(top)
    return np.asarray(tops, np.intp)
