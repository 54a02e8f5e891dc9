"""From an ECG to the times of its beats."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Columns,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    Task,
)
from cardium.errors import InvalidArgumentError
from cardium.metrics import count_beats, mean_over_patients
from cardium.tasks._beats import FIBRILLATION, annotation, spans_of
from cardium.tasks._ecg_inputs import one_lead

_METRICS = {
    "f1": Metric("F1, gross"),
    "sensitivity": Metric("Sensitivity, gross"),
    "ppv": Metric("+P, gross"),
    "mean_sensitivity": Metric("Sensitivity, average"),
    "mean_ppv": Metric("+P, average"),
    "offset": Metric("Offset, found minus true", "ms", False),
    "missed": Metric("Beats missed", "", False),
    "extra": Metric("Beats made up", "", False),
}


def build(*, window: float = 0.15, start: float = 0.0, lead: str = "MLII") -> Task:
    """Build the task: find the R peaks of an ECG.

    Parameters
    ----------
    window : float [s]
        How far a beat may lie from the true one; 150 ms in EC57.
    start : float [s]
        Beats before are not counted. EC57 wants 300: a detector may learn for five
        minutes.
    lead : str
        The lead that the model sees, by name. ``MLII`` is II where there is no MLII,
        and else the first; any other name must be there.

    Returns
    -------
    Task
        Primary metric ``f1``, of the counts of all recordings pooled (gross). The
        average rates are means over the recordings of each patient, then over patients.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    Beats are matched and counted as ANSI/AAMI EC57 says (`cardium.metrics.count_beats`)
    at the rate of the source. The truth is the annotation ``beats``, or ``qrs`` where
    there is none. Stretches of ventricular flutter and fibrillation, by the annotation
    ``rhythm``, are not counted.

    Examples
    --------
    >>> build(start=300).needs
    ('ecg', ('beats', 'qrs'))
    """
    if not (np.isfinite(window) and window > 0 and np.isfinite(start) and start >= 0):
        raise InvalidArgumentError(
            "Task 'r_peaks': window must be above 0 s and start not below, got "
            f"{window} and {start}."
        )
    return Task(
        name="r_peaks",
        title="ECG to the times of its R peaks",
        needs=("ecg", ("beats", "qrs")),
        output=Output("peaks", "events"),
        inputs=partial(_inputs, lead=lead),
        target=_target,
        score=partial(_score, window=window, start=start),
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="f1",
        groups=("sex",),
        options=MappingProxyType({"window": window, "start": start, "lead": lead}),
    )


def _inputs(recording: Recording, *, lead: str) -> Sample:
    """Show one lead at its own rate."""
    return Sample(recording.entry.id, one_lead(recording, lead=lead))


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return when the beats are, and where they do not count."""
    beats = np.asarray(annotation(recording, "beats", "qrs").time, np.float64)
    return Answer({"peaks": beats, "left_out": spans_of(recording, FIBRILLATION)})


def _score(
    prediction: Answer, truth: Answer, *, window: float, start: float
) -> dict[str, float]:
    """Count the beats of one recording."""
    counts = count_beats(
        truth.values["peaks"],
        prediction.values["peaks"],
        window=window,
        start=start,
        leave_out=[(float(a), float(b)) for a, b in truth.values["left_out"]],
    )
    return {
        "matched": float(counts.matched),
        "missed": float(counts.missed),
        "extra": float(counts.extra),
        "offset": 1000 * counts.offset,
        "mean_sensitivity": counts.sensitivity,
        "mean_ppv": counts.ppv,
    }


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Pool the counts of all recordings, and average their rates."""
    matched, missed, extra = (
        float(columns[name].sum()) for name in ("matched", "missed", "extra")
    )
    late = float(np.nansum(columns["matched"] * columns["offset"]))
    averages = {name: columns[name] for name in ("mean_sensitivity", "mean_ppv")}
    return {
        "f1": _share(2 * matched, 2 * matched + missed + extra),
        "sensitivity": _share(matched, matched + missed),
        "ppv": _share(matched, matched + extra),
        **mean_over_patients(averages, patients),
        "offset": _share(late, matched),
        "missed": missed,
        "extra": extra,
    }


def _share(part: float, whole: float) -> float:
    """Divide; NaN if there is no whole."""
    return part / whole if whole else float("nan")
