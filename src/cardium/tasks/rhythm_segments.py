"""From a long ECG to where in it the atria fibrillate."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Columns,
    FloatArray,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    Stream,
    Task,
)
from cardium.errors import AnswerError, InvalidArgumentError
from cardium.metrics import count_episodes, episodes_of
from cardium.signal import labels_of
from cardium.tasks._beats import annotation
from cardium.tasks._ecg_inputs import check_rate, one_lead

CLASSES = ("other", "af")
"""Any other rhythm, and the rhythm asked for."""

_POSITIVE = ("AFIB", "AFL", "AFIB+AFL")
_COUNTED = ("both", "missed", "extra", "reference", "detected", "found", "confirmed")
_METRICS = {
    "duration_f1": Metric("F1 of durations"),
    "duration_sensitivity": Metric("Sensitivity of durations"),
    "duration_ppv": Metric("+P of durations"),
    "accuracy": Metric("Accuracy of steps"),
    "episode_sensitivity": Metric("Sensitivity of episodes"),
    "episode_ppv": Metric("+P of episodes"),
    "burden_error": Metric("Burden, found minus true", "% of time", False),
    "burden_error_size": Metric("Error of burden, mean size", "% of time", False),
}


def build(
    *,
    step: float = 1.0,
    positive: str = "AFIB",
    lead: str = "MLII",
    rate: float = 250.0,
) -> Task:
    """Build the task: say for each second of an ECG whether the atria fibrillate.

    Parameters
    ----------
    step : float [s]
        Length of the steps into which a recording is cut, from its start. What is left
        at its end is no step.
    positive : {"AFIB", "AFL", "AFIB+AFL"}
        The rhythm asked for: fibrillation, flutter, or either.
    lead : str
        The lead that the model sees, by name. ``MLII`` is II where there is no MLII,
        and else the first; any other name must be there.
    rate : float [Hz]
        Samples a second that the model sees, whatever the source has.

    Returns
    -------
    Task
        Primary metric ``duration_f1``. Times and episodes of all recordings are
        pooled; the errors of the burden are means over recordings.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    The truth of a step is the rhythm at its centre: the last one that was marked. A
    step before the first mark is not scored. Steps in a row make episodes, which are
    compared as ANSI/AAMI EC57 says (`cardium.metrics.count_episodes`): durations
    second by second, and an episode is detected if an episode found overlaps it.

    Examples
    --------
    >>> build(positive="AFIB+AFL").output.classes
    ('other', 'af')
    """
    if positive not in _POSITIVE:
        raise InvalidArgumentError(
            f"Task 'rhythm_segments': positive must be one of {', '.join(_POSITIVE)}, "
            f"got '{positive}'."
        )
    if not (np.isfinite(step) and step > 0):
        raise InvalidArgumentError(
            f"Task 'rhythm_segments': step must be above 0 s, got {step}."
        )
    check_rate("rhythm_segments", rate)
    options: dict[str, str | float] = {
        "step": step,
        "positive": positive,
        "lead": lead,
        "rate": rate,
    }
    return Task(
        name="rhythm_segments",
        title=f"ECG to where its rhythm is {positive}",
        needs=("ecg", "rhythm"),
        output=Output("rhythm", "event_class", CLASSES),
        inputs=partial(_inputs, step=step, lead=lead, rate=rate),
        target=partial(_target, step=step, positive=frozenset(positive.split("+"))),
        score=partial(_score, step=step),
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="duration_f1",
        groups=("sex",),
        options=MappingProxyType(options),
    )


def _inputs(recording: Recording, *, step: float, lead: str, rate: float) -> Sample:
    """Show one lead and the centres of the steps."""
    ecg = one_lead(recording, lead=lead, rate=rate)
    return Sample(recording.entry.id, ecg, events=_centres(recording["ecg"], step))


def _centres(ecg: Stream, step: float) -> FloatArray:
    """Return the centres of the whole steps of a recording."""
    start, stop = float(ecg.time[0]), float(ecg.time[-1]) + 1 / ecg.rate
    count = int((stop - start) / step + 1e-6)
    return np.asarray(start + step * (np.arange(count) + 0.5), np.float64)


def _target(
    recording: Recording,
    geometry: Geometry | None,
    *,
    step: float,
    positive: frozenset[str],
) -> Answer:
    """Return the rhythm of each step (K, 2); no class before the first mark."""
    rhythm = annotation(recording, "rhythm")
    centres = _centres(recording["ecg"], step)
    place = np.searchsorted(rhythm.time, centres, side="right") - 1
    is_one = np.array([label in positive for label in labels_of(rhythm)], bool)
    truth = np.zeros((len(centres), 2), np.float32)
    known = np.flatnonzero(place >= 0)
    truth[known, is_one[place[known]].astype(np.intp)] = 1
    return Answer({"rhythm": truth}, time=centres)


def _score(prediction: Answer, truth: Answer, *, step: float) -> dict[str, float]:
    """Count episodes and time of one recording."""
    given, true = prediction.values["rhythm"], truth.values["rhythm"]
    if given.shape != true.shape or truth.time is None:
        raise AnswerError(
            f"There are {len(true)} steps but answers {given.shape}: one row a step."
        )
    known = true.sum(axis=1) > 0
    time = truth.time[known]
    is_true, is_given = (one[known, 1] > one[known, 0] for one in (true, given))
    counts = count_episodes(
        episodes_of(time, is_true, step=step), episodes_of(time, is_given, step=step)
    )
    scored = step * len(time)
    share = 100 * counts.burden_error / scored if scored else float("nan")
    return {
        **{name: float(getattr(counts, name)) for name in _COUNTED},
        "scored": scored,
        "burden_error": share,
        "burden_error_size": abs(share),
    }


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Pool times and counts of all recordings."""
    total = {name: float(columns[name].sum()) for name in (*_COUNTED, "scored")}
    wrong = total["missed"] + total["extra"]
    burdens = {
        name: float(np.nanmean(columns[name]))
        if np.isfinite(columns[name]).any()
        else float("nan")
        for name in ("burden_error", "burden_error_size")
    }
    both = total["both"]
    return {
        "duration_f1": _share(2 * both, 2 * both + wrong),
        "duration_sensitivity": _share(both, both + total["missed"]),
        "duration_ppv": _share(both, both + total["extra"]),
        "accuracy": _share(total["scored"] - wrong, total["scored"]),
        "episode_sensitivity": _share(total["detected"], total["reference"]),
        "episode_ppv": _share(total["confirmed"], total["found"]),
        **burdens,
    }


def _share(part: float, whole: float) -> float:
    """Divide; NaN if there is no whole."""
    return part / whole if whole else float("nan")
