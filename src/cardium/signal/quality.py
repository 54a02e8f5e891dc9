"""How far the leads of an electrocardiogram can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Stream
from cardium.errors import InvalidArgumentError
from cardium.signal._ecg_traces import bridge, steady_rate
from cardium.signal.ecg import find_r_peaks


@dataclass(frozen=True, slots=True)
class LeadQuality:
    """Indices of the quality of one lead.

    Parameters
    ----------
    lead : str
        Its name, or ``""`` where it has none.
    kurtosis : float
        Fourth moment over the squared variance (kSQI). Noise and hum have 3 and less,
        an ECG more than 5; NaN for a flat lead.
    agreement : float
        Of the beats that two detectors find, the share that both find within 150 ms
        (bSQI), 0..1.
    qrs_power : float
        Power from 5 to 15 Hz over that from 5 to 40 Hz (pSQI): 0.5 to 0.8 in an ECG.
        NaN below 80 samples a second, and where there is no power.
    baseline : float
        One less the power up to 1 Hz over that up to 40 Hz (basSQI): near 1 without
        drift. NaN where there is no power.
    flat : float
        Share of the time within half a second or more of the same value.
    clipped : float
        Share of the samples in runs of three or more at the largest or the smallest
        value of the lead, unless they are flat.
    missing : float
        Share of the samples that are not finite.
    """

    lead: str
    kurtosis: float
    agreement: float
    qrs_power: float
    baseline: float
    flat: float
    clipped: float
    missing: float


def assess_quality(ecg: Stream) -> tuple[LeadQuality, ...]:
    """Compute indices of the quality of each lead.

    Parameters
    ----------
    ecg : Stream (T,) or (time, lead)
        Evenly sampled, at 50 Hz or more, of any scale.

    Returns
    -------
    tuple of LeadQuality
        One for each lead, in the order of the leads.

    Raises
    ------
    InvalidArgumentError
        If the stream has other axes, or its samples are not evenly spaced or fewer than
        50 a second.

    Notes
    -----
    kSQI, pSQI and bSQI are those of Li, Mark and Clifford, Physiological Measurement 29
    (2008), and Clifford et al., Physiological Measurement 33 (2012), basSQI that of the
    latter. Kurtosis is taken without what lies below 0.5 Hz. The second detector is
    that of two moving averages (Elgendi, PLOS ONE 8, 2013). The share that both find
    counts each beat once, as bSQI does: both over either.

    Examples
    --------
    >>> time = np.arange(5000) / 500
    >>> beats = np.exp(-((((time - 0.5) % 0.8) - 0.4) / 0.012) ** 2)
    >>> (found,) = assess_quality(Stream("ecg", beats, time, ("time",), "mV"))
    >>> found.kurtosis > 5, found.agreement, found.missing
    (True, 1.0, 0.0)
    """
    if ecg.dims not in (("time",), ("time", "lead")):
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has axes {ecg.dims}; quality is that of leads over "
            "time."
        )
    rate = steady_rate(ecg, "an index of quality")
    columns = np.asarray(ecg.load(), np.float64).reshape(len(ecg.time), -1)
    names = ecg.coords.get("lead") or ("",) * columns.shape[1]
    return tuple(
        _assess(name, ecg.time, columns[:, k], rate) for k, name in enumerate(names)
    )


def is_usable(quality: LeadQuality) -> bool:
    """Say whether a lead is fit for finding beats and measuring intervals.

    Parameters
    ----------
    quality : LeadQuality
        Of `assess_quality`.

    Returns
    -------
    bool
        True if less than a fifth is missing or flat and less than a twentieth is
        clipped, at least three in four beats are found by both detectors, and kurtosis
        is at least 4. A rule of thumb, not a published one.

    Examples
    --------
    >>> good = LeadQuality("II", 12.0, 1.0, 0.6, 0.99, 0.0, 0.0, 0.0)
    >>> bad = LeadQuality("V1", 2.9, 0.2, 0.4, 0.99, 0.0, 0.0, 0.0)
    >>> is_usable(good), is_usable(bad)
    (True, False)
    """
    whole = quality.missing < _LOST and quality.flat < _LOST
    return bool(
        whole
        and quality.clipped < _CLIPPED
        and quality.agreement >= _AGREED
        and quality.kurtosis >= _PEAKED
    )


_LOST = 0.2
_CLIPPED = 0.05
_AGREED = 0.75
_PEAKED = 4.0
_FLAT = 0.5  # [s]
_RUN = 3
_MATCH = 0.15  # [s]
_TOP = 40.0  # [Hz]
_AVERAGES = (0.097, 0.611)  # of a QRS complex, and of a beat [s]
_OFFSET = 0.08
_BAND = (8.0, 20.0)


def _assess(name: str, time: FloatArray, trace: FloatArray, rate: float) -> LeadQuality:
    """Compute the indices of one lead."""
    missing = ~np.isfinite(trace)
    filled = trace.copy()[:, None]
    bridge(filled, missing[:, None])
    trace = filled[:, 0]
    lost = float(missing.mean())
    flat = _runs(np.diff(trace) == 0, max(round(_FLAT * rate), 2)) & ~missing
    if np.ptp(trace) == 0:
        nan = float("nan")
        still = float((~missing).mean())
        return LeadQuality(name, nan, 0.0, nan, nan, still, 0.0, lost)
    qrs_power, baseline = _powers(trace, rate)
    return LeadQuality(
        name,
        _kurtosis(trace, rate),
        _agreement(time, trace, rate),
        qrs_power,
        baseline,
        float(flat.mean()),
        float((_clipped(trace) & ~flat & ~missing).mean()),
        lost,
    )


def _runs(same: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Mark the samples of runs of so many that are the same, given for each step."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.view(np.int8), [0]])))
    out = np.zeros(len(same) + 1, np.bool_)
    for first, stop in edges.reshape(-1, 2):
        if stop - first + 1 >= least:
            out[first : stop + 1] = True
    return out


def _clipped(trace: FloatArray) -> NDArray[np.bool_]:
    """Mark runs at the ends of the range of a trace."""
    out = np.zeros(len(trace), np.bool_)
    for end in (trace.min(), trace.max()):
        at_end = trace == end
        out |= _runs(at_end[1:] & at_end[:-1], _RUN)
    return out


def _kurtosis(trace: FloatArray, rate: float) -> float:
    """Fourth moment over the squared variance, without drift."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(2, 0.5, "highpass", fs=rate, output="sos")
    steady = sosfiltfilt(sections, trace, padlen=min(round(2 * rate), len(trace) - 1))
    square = (steady - steady.mean()) ** 2
    variance = float(square.mean())
    return float((square * square).mean()) / variance**2 if variance else float("nan")


def _powers(trace: FloatArray, rate: float) -> tuple[float, float]:
    """Return pSQI and basSQI."""
    from scipy.signal import welch

    size = min(len(trace), round(8 * rate))
    at, power = welch(trace - trace.mean(), rate, nperseg=size, detrend=False)

    def within(low: float, high: float) -> float:
        return float(power[(at >= low) & (at <= high)].sum())

    upper, whole = within(5, _TOP), within(0, _TOP)
    known = upper > 0 and rate >= 2 * _TOP
    qrs = within(5, 15) / upper if known else float("nan")
    return qrs, 1 - within(0, 1) / whole if whole else float("nan")


def _agreement(time: FloatArray, trace: FloatArray, rate: float) -> float:
    """Share of beats that two detectors find, of those that either finds."""
    one = find_r_peaks(Stream("ecg", trace, time, ("time",), ""))
    other = time[_by_two_averages(trace, rate)]
    if not (len(one) and len(other)):
        return 0.0
    after = np.searchsorted(other, one)
    ends = np.concatenate([[-np.inf], other, [np.inf]])
    nearest = np.minimum(ends[after + 1] - one, one - ends[after])
    both = min(int((nearest <= _MATCH).sum()), len(other))
    return both / (len(one) + len(other) - both)


def _by_two_averages(trace: FloatArray, rate: float) -> NDArray[np.int64]:
    """Find QRS complexes where a short average of the energy exceeds a long one."""
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import butter, sosfiltfilt

    band = (_BAND[0], min(_BAND[1], 0.45 * rate))
    sections = butter(1, band, "bandpass", fs=rate, output="sos")
    pad = min(round(rate), len(trace) - 1)
    energy = sosfiltfilt(sections, trace, padlen=pad) ** 2
    widths = [max(round(width * rate), 1) for width in _AVERAGES]
    short, long = (uniform_filter1d(energy, width) for width in widths)
    above = short > long + _OFFSET * energy.mean()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], above.view(np.int8), [0]])))
    blocks = [(a, b) for a, b in edges.reshape(-1, 2) if b - a >= widths[0]]
    peaks = [int(a + np.argmax(energy[a:b])) for a, b in blocks]
    return np.asarray(peaks, np.int64)
