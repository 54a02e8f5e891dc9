"""R peaks of an electrocardiogram of unknown scale, polarity and length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Recording, Stream
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError
from cardium.signal.leads import lead_name


def find_r_peaks(ecg: Stream, *, lead: str | None = None) -> FloatArray:
    """Find the R peaks of an electrocardiogram in one lead.

    Parameters
    ----------
    ecg : Stream (T,) or (time, lead)
        Of any scale and either polarity, at 50 Hz or more. Samples that are not finite
        are bridged.
    lead : str, optional
        Which of several named leads. If not given, that of `choose_lead`.

    Returns
    -------
    (K,) [s]
        Times of the samples at the R peaks, ascending; none for a flat trace. Where S
        is the largest wave of the lead, it is the S peaks.

    Raises
    ------
    InvalidArgumentError
        If there are several leads without names, or fewer than 50 samples a second.
    UnknownNameError
        If there is no lead of that name.

    Notes
    -----
    The envelope (root mean square over a QRS complex, 100 ms) of the trace at 250 Hz
    between 8 and 25 Hz, where QRS complexes stand out most (Elgendi, PLOS ONE 8, 2013,
    on 8 to 20 Hz). What is largest within 120 ms on either side is a candidate. Its
    score is the square root of its height times its contrast, the height over the mean
    of the surrounding 0.75 s. As in Pan and Tompkins (IEEE Transactions on Biomedical
    Engineering 32, 1985), levels of beats and of other candidates follow the trace:
    medians within 8 s on either side, between whose logarithms the threshold lies
    half-way; T waves go by their time and size; and where 1.5 RR intervals hold no beat
    a lower threshold counts. A weak candidate between two beats that are hardly more
    than one RR interval apart is dropped. Where the contrast of the beats, in the
    median of 17, is below 1.6, which that of noise is, there are none.

    A trace of less than ten seconds is continued by its mirror image, so that a clip of
    a single beat has something to compare with. Its polarity is that of its third
    moment, which the QRS complex rules. Each peak is then the extreme of the trace.

    On the first leads of MIT-BIH records 100, 105 and 208 and of the supraventricular
    record 800, 9,683 beats within 150 ms, sensitivity is 99.8 % and positive predictive
    value 99.8 % (``benchmarks/r_peaks.py`` shows each, beside other detectors). Widths
    and thresholds were chosen on these records, so that others are likely to score
    lower.

    Examples
    --------
    >>> time = np.arange(400) / 200
    >>> apart = np.minimum(abs(time - 0.5), abs(time - 1.4))
    >>> trace = np.exp(-((apart / 0.012) ** 2))
    >>> find_r_peaks(Stream("ecg", -7 * trace, time, ("time",), "")).tolist()
    [0.5, 1.4]
    """
    trace = np.asarray(one_lead(ecg, lead).values[:], np.float64)
    finite = np.isfinite(trace)
    whole = bool(finite.all())
    there = trace if whole else trace[finite]
    if len(there) < 3 or np.ptp(there) == 0:
        return np.zeros(0)
    # The median step, which `rate` is, takes as long as a filter.
    rate = (len(trace) - 1) / ecg.duration
    if rate < _LOWEST_RATE:
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has {rate:.3g} samples a second; R peaks need "
            f"{_LOWEST_RATE:g} at least."
        )
    if not whole:
        trace = np.interp(ecg.time, ecg.time[finite], there)
    found, sign = _detect(ecg.time, trace)
    return np.asarray(ecg.time[_climb(ecg.time, sign * trace, found)], np.float64)


def choose_lead(ecg: Stream) -> str:
    """Choose the lead in which to look for R peaks.

    Parameters
    ----------
    ecg : Stream (time, lead)
        With the names of its leads.

    Returns
    -------
    str
        The first of II, MLII, I, V5 and then the others, as stored, that has samples in
        half of its time at least and is not flat; if none has, the first of them.

    Raises
    ------
    InvalidArgumentError
        If the leads have no names.

    Examples
    --------
    >>> names = {"lead": ("V1", "AVR", "II")}
    >>> values = np.array([[0.1, 0.2, 0.0], [0.3, 0.1, 1.0]])
    >>> ecg = Stream("ecg", values, np.arange(2) / 500, ("time", "lead"), "mV",
    ...              coords=names)
    >>> choose_lead(ecg), choose_lead(ecg.with_values(values * [1, 1, 0]))
    ('II', 'V1')
    """
    names = _lead_names(ecg)
    return names[_choose(names, ecg.load())]


def one_lead(ecg: Stream, lead: str | None = None) -> Stream:
    """Read one lead of an electrocardiogram.

    Parameters
    ----------
    ecg : Stream (T,) or (time, lead)
        One lead, or several with names.
    lead : str, optional
        Which; read as `lead_name` reads it. If not given, that of `choose_lead`.

    Returns
    -------
    Stream (T,)
        In memory.

    Raises
    ------
    InvalidArgumentError
        If there are several leads without names, or one that has no name to choose.
    UnknownNameError
        If there is no lead of that name.

    Examples
    --------
    >>> ecg = Stream("ecg", np.array([[0.1, 0.2], [0.3, 0.4]]), np.arange(2) / 500,
    ...              ("time", "lead"), "mV", coords={"lead": ("V1", "AVR")})
    >>> one_lead(ecg, "aVR").values.tolist()
    [0.2, 0.4]
    """
    if ecg.dims == ("time",):
        if lead is not None:
            raise InvalidArgumentError(
                f"Stream '{ecg.name}' has axes {ecg.dims}: it has no lead '{lead}' to "
                "choose."
            )
        return ecg.with_values(ecg.load())
    names = _lead_names(ecg)
    values = ecg.load()
    if lead is None:
        chosen = _choose(names, values)
    else:
        known = [lead_name(name) for name in names]
        if lead_name(lead) not in known:
            raise UnknownNameError("lead", lead, names)
        chosen = known.index(lead_name(lead))
    return Stream(ecg.name, values[:, chosen], ecg.time, ("time",), ecg.unit)


def r_peaks(recording: Recording) -> tuple[FloatArray, Literal["given", "detected"]]:
    """Return the R peaks of a recording: those it states, or else those of its ECG.

    Parameters
    ----------
    recording : Recording
        With an annotation ``"qrs"`` or ``"beats"``, or a stream ``"ecg"``.

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
    for name in ("qrs", "beats"):
        stated = recording.annotations.get(name)
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
_BAND = (8.0, 25.0)
_QRS = 0.05  # half of the envelope's window [s]
_APART = 0.12
_CONTRAST = 0.375  # half of the window of the mean around a candidate [s]
_BLOCK = 1.5  # holds a beat above 40 a minute [s]
_BLOCKS = 17
_NOISE = 1.6  # median contrast: noise has 1.3 to 1.45, poor leads 1.7, good ones 5
_NEIGHBOURS = 17
_FAINT = 0.04  # of the usual height: less is the rounding of a lead that fell off
_AROUND = 8.0
_REFRACTORY = 0.25
_NEAREST = 0.2
_STEADY = 0.5  # half of the window of the mean that drift is [s]
_T_WAVE = 0.36
_REACH = 0.06
_FIRST = ("II", "MLII", "I", "V5")


def _lead_names(ecg: Stream) -> tuple[str, ...]:
    """Return the names of the leads of a stream that has some."""
    if ecg.dims != ("time", "lead") or not ecg.coords.get("lead"):
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has axes {ecg.dims} and no names of leads. R peaks "
            "are found in one lead: choose one first."
        )
    return ecg.coords["lead"]


def _choose(names: Sequence[str], values: NDArray[Any]) -> int:
    """Return the index of the lead to look at."""
    known = [lead_name(name) for name in names]
    order = [known.index(name) for name in _FIRST if name in known]
    order += [k for k in range(len(known)) if k not in order]
    for k in order:
        there = values[:, k][np.isfinite(values[:, k])]
        if 2 * len(there) >= len(values) and len(there) and np.ptp(there) > 0:
            return k
    return order[0]


def _detect(time: FloatArray, trace: FloatArray) -> tuple[FloatArray, float]:
    """Return rough times of QRS complexes [s], and the polarity."""
    from scipy.signal import butter, sosfiltfilt

    count = round((time[-1] - time[0]) * _RATE) + 1
    even = np.interp(time[0] + np.arange(count) / _RATE, time, trace)
    margin = max(round(_RATE), round((_SHORTEST * _RATE - count) / 2))
    mirrored = np.pad(even - np.median(even), margin, mode="reflect")
    inside = slice(margin, margin + count)
    sections = butter(1, _BAND, "bandpass", fs=_RATE, output="sos")
    narrow = sosfiltfilt(sections, mirrored)
    places = _complexes(narrow) - margin
    # A complex near an end may be seen in the mirror only: fold it back.
    near, last = round(_REFRACTORY * _RATE), count - 1
    places = np.where((places < 0) & (places > -near), -places, places)
    beyond = (places > last) & (places < last + near)
    places = np.unique(np.where(beyond, 2 * last - places, places))
    places = places[(places >= 0) & (places <= last)]
    return time[0] + places / _RATE, _polarity(mirrored, inside)


def _polarity(mirrored: FloatArray, inside: slice) -> float:
    """Return -1 where the largest waves point down."""
    from cardium.signal._ecg_kernels import moving_mean

    steady = (mirrored - moving_mean(mirrored, round(_STEADY * _RATE)))[inside]
    return -1.0 if np.dot(steady * steady, steady) < 0 else 1.0


def _complexes(narrow: FloatArray) -> NDArray[np.int64]:
    """Return the samples in the middle of QRS complexes of a band-passed trace."""
    from scipy.ndimage import median_filter

    from cardium.signal._ecg_kernels import choose, envelope, find_tops, moving_mean

    height = envelope(narrow, round(_QRS * _RATE))
    at = find_tops(height, round(_APART * _RATE))
    if not len(at):
        return at
    usual = _usual_in_blocks(at, height[at])
    at = at[height[at] > _FAINT * np.quantile(usual, 0.75)]
    around = moving_mean(height, round(_CONTRAST * _RATE))[at]
    score = np.sqrt(height[at]) * height[at] / around
    kept = choose(
        at,
        score,
        _usual_in_blocks(at, score),
        round(_AROUND * _RATE),
        round(_NEAREST * _RATE),
        round(_T_WAVE * _RATE),
    )
    contrast = (height[at] / around)[kept]
    # What stands out no more than the tops of noise do is noise.
    beats = median_filter(contrast, _NEIGHBOURS, mode="reflect") > _NOISE
    return np.asarray(at[kept][beats], np.int64)


def _usual_in_blocks(at: NDArray[np.int64], values: FloatArray) -> FloatArray:
    """Median over neighbouring blocks of time of the largest value in each."""
    from scipy.ndimage import median_filter

    block = at // round(_BLOCK * _RATE)
    largest = np.zeros(int(block[-1]) + 1)
    np.maximum.at(largest, block, values)
    usual = median_filter(largest, _BLOCKS, mode="nearest")
    return np.asarray(usual[block], np.float64)


def _climb(time: FloatArray, trace: FloatArray, found: FloatArray) -> NDArray[np.int64]:
    """Move each complex to the top of the trace near it; of two that meet, keep one."""
    from cardium.signal._ecg_kernels import climb

    first, stop = (np.searchsorted(time, found + s * _REACH) for s in (-1, 1))
    apart = round(_REFRACTORY * len(time) / (time[-1] - time[0]))
    return np.asarray(climb(trace, first, stop, apart, 1), np.int64)
