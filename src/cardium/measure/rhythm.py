"""Everything that an electrocardiogram says in numbers about rate and intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cardium.core import FloatArray, Recording, Stream
from cardium.errors import CardiumError, NotProvidedError
from cardium.signal.beat_classes import labels_of
from cardium.signal.delineation import WAVES, delineate
from cardium.signal.ecg import choose_lead, find_r_peaks
from cardium.signal.heart_rate_variability import (
    frequency_domain,
    normal_intervals,
    poincare,
    time_domain,
)

COLUMNS = (
    "lead",
    "r_peak_method",
    "n_beats",
    "heart_rate_bpm",
    "rr_ms",
    "p_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_bazett_ms",
    "qtc_fridericia_ms",
    "qtc_framingham_ms",
    "qtc_hodges_ms",
    "mean_nn_ms",
    "sdnn_ms",
    "rmssd_ms",
    "sdsd_ms",
    "pnn50_percent",
    "sd1_ms",
    "sd2_ms",
    "vlf_ms2",
    "lf_ms2",
    "hf_ms2",
    "lf_to_hf",
    "lf_percent",
    "reason",
)
"""The measures, in the order of a table; the unit is in each name."""

TEXTS = frozenset({"lead", "r_peak_method", "reason"})
"""The measures that are words; all others are numbers."""


def measure_ecg(
    recording: Recording, *, lead: str | None = None
) -> dict[str, float | str]:
    """Measure rate, intervals and variability of an electrocardiogram.

    Parameters
    ----------
    recording : Recording
        With a stream ``"ecg"`` (or ``"ecg_100hz"``), an annotation of its beats
        (``"beats"`` with labels, or ``"qrs"``), or both.
    lead : str, optional
        In which lead. If not given, that of `cardium.signal.ecg.choose_lead`.

    Returns
    -------
    dict of str to float or str
        Every one of `COLUMNS`; NaN, or ``""``, where it cannot be measured, and
        ``reason`` says why.

    Raises
    ------
    NotProvidedError
        If the recording has neither an ECG nor its beats.
    UnknownNameError
        If there is no lead of that name.

    Notes
    -----
    R peaks are annotated ones if there are, else those of `find_r_peaks`. Rate and
    `rr_ms` are of the median interval. `p_ms`, `pr_ms` (beginning of P to beginning of
    QRS), `qrs_ms` and `qt_ms` are medians over the beats of the first minute, as
    `delineate` finds them. QT is corrected by `qtc`. Variability is over all intervals
    between normal beats: beats with other labels are left out, but where beats have no
    labels ectopic ones raise it. Powers take 25 s at least, and their meaning minutes.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> from cardium.phantom.ecg import ecg_trace
    >>> time = np.arange(10000) / 500
    >>> trace = ecg_trace(time, np.arange(0.3, 20, 0.8))
    >>> ecg = Stream("ecg", trace, time, ("time",), "mV")
    >>> found = measure_ecg(Recording(Entry("r", "p", "", frozenset()), {"ecg": ecg}))
    >>> round(found["heart_rate_bpm"]), round(found["rr_ms"]), found["n_beats"]
    (75, 800, 25.0)
    """
    beats, labels, method = _find_beats(recording, lead)
    ecg = _find_ecg(recording)
    reasons: list[str] = []
    found: dict[str, float | str] = {
        column: "" if column in TEXTS else float("nan") for column in COLUMNS
    }
    found |= {"r_peak_method": method, "n_beats": float(len(beats))}
    intervals = normal_intervals(beats, labels)
    found |= time_domain(intervals) | poincare(intervals)
    rr = float(np.median(np.diff(beats))) if len(beats) > 1 else float("nan")
    found |= {"heart_rate_bpm": 60 / rr, "rr_ms": 1000 * rr}
    try:
        found |= frequency_domain(intervals)
    except CardiumError as error:
        reasons.append(str(error))
    if ecg is not None:
        found["lead"] = _name_lead(ecg, lead)
        try:
            found |= _measure_waves(ecg, beats, lead)
        except CardiumError as error:
            reasons.append(str(error))
    found["reason"] = "; ".join(reasons)
    return found


class CorrectedQt(NamedTuple):
    """QT as it would be at 60 beats a minute, by four formulas.

    Parameters
    ----------
    bazett, fridericia, framingham, hodges : float [s]
        By whose formula.
    """

    bazett: float
    fridericia: float
    framingham: float
    hodges: float


def qtc(qt: float, rr: float) -> CorrectedQt:
    """Correct a QT interval for the heart rate.

    Parameters
    ----------
    qt : float [s]
        From the beginning of QRS to the end of T.
    rr : float [s]
        The interval from R to R.

    Returns
    -------
    CorrectedQt
        NaN where the RR interval is not positive.

    Notes
    -----
    Bazett 1920: ``QT / sqrt(RR)``. Fridericia 1920: ``QT / cbrt(RR)``. Framingham
    (Sagie et al. 1992): ``QT + 0.154 (1 - RR)``. Hodges 1983:
    ``QT + 0.00175 (60 / RR - 60)``. AHA/ACCF/HRS recommendations 2009, part IV, advise
    against Bazett where the rate is far from 60.

    Examples
    --------
    >>> [round(value, 3) for value in qtc(0.36, 0.64)]
    [0.45, 0.418, 0.415, 0.419]
    """
    if not rr > 0:
        return CorrectedQt(*[float("nan")] * 4)
    return CorrectedQt(
        qt / rr**0.5,
        qt / rr ** (1 / 3),
        qt + 0.154 * (1 - rr),
        qt + 0.00175 * (60 / rr - 60),
    )


_DELINEATED = 60.0  # [s]


def _find_ecg(recording: Recording) -> Stream | None:
    """Return the ECG of a recording, at its own rate if there are several."""
    for name in ("ecg", "ecg_100hz"):
        if name in recording.streams:
            return recording.streams[name]
    return None


def _find_beats(
    recording: Recording, lead: str | None
) -> tuple[FloatArray, tuple[str, ...] | None, str]:
    """Return R peaks, their labels if they have some, and where they come from."""
    for name in ("beats", "qrs"):
        stated = recording.annotations.get(name)
        if stated is not None and len(stated.time):
            labels = labels_of(stated) if "label" in stated.coords else None
            return np.asarray(stated.time, np.float64), labels, "given"
    ecg = _find_ecg(recording)
    if ecg is None:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has neither an ECG nor its beats."
        )
    return find_r_peaks(ecg, lead=lead), None, "detected"


def _name_lead(ecg: Stream, lead: str | None) -> str:
    """Name the lead that is measured; a lone one may have no name."""
    if lead is not None:
        return lead
    return choose_lead(ecg) if ecg.coords.get("lead") else ""


def _measure_waves(
    ecg: Stream, beats: FloatArray, lead: str | None
) -> dict[str, float]:
    """Measure the intervals between the waves of the first minute [ms]."""
    start = float(ecg.time[0]) if len(ecg.time) else 0.0
    part = ecg.between(start, start + _DELINEATED)
    within = beats[(beats >= start) & (beats < start + _DELINEATED)]
    waves = delineate(part, within, lead=lead).load()
    at = {name: waves[:, k] for k, name in enumerate(WAVES)}
    rr = float(np.median(np.diff(within)))
    qt = _median(at["t_off"] - at["qrs_on"])
    corrected = qtc(qt, rr)._asdict()
    seconds = {
        "p_ms": _median(at["p_off"] - at["p_on"]),
        "pr_ms": _median(at["qrs_on"] - at["p_on"]),
        "qrs_ms": _median(at["qrs_off"] - at["qrs_on"]),
        "qt_ms": qt,
        **{f"qtc_{name}_ms": value for name, value in corrected.items()},
    }
    return {column: 1000 * value for column, value in seconds.items()}


def _median(values: FloatArray) -> float:
    """Median of the finite values, NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")
