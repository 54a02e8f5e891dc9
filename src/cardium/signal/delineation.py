"""Where the waves of each beat begin, peak and end."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import FloatArray, Stream, need
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal._ecg_qrs import qrs_ends
from cardium.signal._ecg_traces import steady_rate
from cardium.signal.ecg import find_r_peaks, one_lead
from cardium.signal.filters import band_pass

WAVES = (
    "p_on",
    "p_peak",
    "p_off",
    "qrs_on",
    "qrs_off",
    "t_on",
    "t_peak",
    "t_off",
)
"""Points of a beat, in the order in which they come."""


def delineate(
    ecg: Stream, times: ArrayLike | None = None, *, lead: str | None = None
) -> Stream:
    """Find the beginning, peak and end of P and T, and the ends of QRS.

    Parameters
    ----------
    ecg : Stream (T,) or (time, lead)
        Evenly sampled at 100 Hz or more, two seconds and three beats at least.
    times : (K,) [s], optional
        Times of the R peaks. If not given, `find_r_peaks` finds them.
    lead : str, optional
        Which of several leads. If not given, that of `choose_lead`.

    Returns
    -------
    Stream (time, wave) [s]
        Times of the `WAVES` of each beat, NaN where one is not found or does not lie
        between its neighbours' R peaks; its own times are those of the R peaks.

    Raises
    ------
    NotProvidedError
        If the record is too short, or has fewer than three beats.
    InvalidArgumentError
        If there are several leads without names, or fewer than 100 samples a second, or
        they are not evenly spaced.
    UnknownNameError
        If there is no lead of that name.

    Notes
    -----
    P and T by the wavelet transform (Martínez et al., IEEE Transactions on Biomedical
    Engineering 51, 2004) as neurokit2 has it (Makowski et al., Behavior Research
    Methods 53, 2021), on the trace between 0.5 and 40 Hz. Its thresholds put the ends
    of a wave where it is steep, 10 to 20 ms inside of where it leaves the baseline. A
    beat without a P wave, as in atrial fibrillation, may get one where it would be.

    A QRS complex begins and ends where the trace has been level for 10 ms, less steep
    than 6 % of its steepest place: in this one lead, so that it looks shorter than the
    complex of all leads together, which guidelines mean.

    Examples
    --------
    >>> time = np.arange(3000) / 500
    >>> def wave(middle, half, size):
    ...     u = ((time - 0.5) % 0.8 - 0.4 - middle) / half
    ...     return size * np.clip(1 - u**2, 0, None) ** 3
    >>> trace = wave(-0.16, 0.05, 0.13) + wave(0, 0.035, 1.1) + wave(0.25, 0.1, 0.26)
    >>> ecg = Stream("ecg", trace, time, ("time",), "mV")
    >>> waves = delineate(ecg)
    >>> after_r = np.nanmedian(waves.values - waves.time[:, None], axis=0)
    >>> {name: round(after_r[WAVES.index(name)], 2) for name in ("p_peak", "t_peak")}
    {'p_peak': np.float64(-0.16), 't_peak': np.float64(0.25)}
    """
    trace = one_lead(ecg, lead)
    rate = steady_rate(trace, "delineation")
    if rate < _LOWEST_RATE:
        raise InvalidArgumentError(
            f"Stream '{ecg.name}' has {rate:g} samples a second; waves need "
            f"{_LOWEST_RATE:g} at least."
        )
    given = find_r_peaks(trace) if times is None else times
    peaks = np.asarray(given, np.float64)
    peaks = peaks[(peaks >= trace.time[0]) & (peaks <= trace.time[-1])]
    if len(peaks) < _FEWEST or trace.duration < _SHORTEST:
        raise NotProvidedError(
            f"Stream '{ecg.name}': {len(peaks)} beats in {trace.duration:.3g} s; waves "
            f"need {_FEWEST} beats and {_SHORTEST:g} s at least."
        )
    high = min(_BAND[1], 0.45 * rate)
    narrow = band_pass(trace, _BAND[0], high=high).load()
    steady = np.nan_to_num(narrow.astype(np.float64))
    places = np.searchsorted(trace.time, peaks - 0.5 / rate)
    found = _by_wavelets(ecg.name, steady, places, rate)
    found["qrs_on"], found["qrs_off"] = qrs_ends(steady, places, rate)
    waves = np.stack([found[name] for name in WAVES], axis=1) / rate + trace.time[0]
    return Stream(
        "waves",
        _within_beats(waves, peaks),
        peaks,
        ("time", "wave"),
        "s",
        coords={"wave": WAVES},
    )


_LOWEST_RATE = 100.0
_SHORTEST = 2.0
_FEWEST = 3
_BAND = (0.5, 40.0)
_MARGIN = 4.0  # [s]
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "p_on": "ECG_P_Onsets",
        "p_peak": "ECG_P_Peaks",
        "p_off": "ECG_P_Offsets",
        "t_on": "ECG_T_Onsets",
        "t_peak": "ECG_T_Peaks",
        "t_off": "ECG_T_Offsets",
    }
)


def _by_wavelets(
    name: str, steady: FloatArray, places: NDArray[np.int64], rate: float
) -> dict[str, FloatArray]:
    """Return the sample of each point of each beat, NaN where it is not found."""
    need("neurokit2", extra="ecg")
    from neurokit2 import ecg_delineate

    # The library needs samples around the first and the last beat.
    margin = round(_MARGIN * rate)
    held = np.pad(steady, margin, mode="edge")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, found = ecg_delineate(
                held, places + margin, sampling_rate=round(rate), method="dwt"
            )
    except (ValueError, IndexError, ZeroDivisionError, KeyError) as error:
        raise NotProvidedError(
            f"Stream '{name}': its waves cannot be told apart with {len(places)} beats "
            f"in {len(steady) / rate:.3g} s ({error})."
        ) from error
    waves = {
        wave: np.asarray(found[theirs], np.float64) - margin
        for wave, theirs in _NAMES.items()
    }
    if uneven := [wave for wave, at in waves.items() if len(at) != len(places)]:
        raise NotProvidedError(
            f"Stream '{name}': neurokit2 finds {len(waves[uneven[0]])} of "
            f"'{uneven[0]}' for {len(places)} beats. Give other R peaks, or a lead."
        )
    return waves


def _within_beats(waves: FloatArray, peaks: FloatArray) -> FloatArray:
    """Drop what lies beyond the neighbouring R peaks, or within QRS."""
    before = np.append(-np.inf, peaks[:-1])
    after = np.append(peaks[1:], np.inf)
    out = waves.copy()
    begin, end = (out[:, WAVES.index(name)] for name in ("qrs_on", "qrs_off"))
    limits = {
        "p": (before, np.where(np.isfinite(begin), begin, peaks)),
        "t": (np.where(np.isfinite(end), end, peaks), after),
    }
    for k, name in enumerate(WAVES):
        if name[:2] in ("p_", "t_"):
            first, last = limits[name[0]]
            inside = (out[:, k] >= first) & (out[:, k] <= last)
            out[~inside, k] = np.nan
    return out
