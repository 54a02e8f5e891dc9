"""From an ECG and the times of its beats to the class of each beat."""

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
from cardium.errors import AnswerError, NotProvidedError, UnknownNameError
from cardium.metrics import class_rates, cohen_kappa, ectopic_rates, j_kappa
from cardium.signal import AAMI_MAPPINGS, BEAT_CLASSES, aami_class, labels_of
from cardium.tasks._beats import annotation
from cardium.tasks._ecg_inputs import check_rate, one_lead

_RATED = ("N", "S", "V", "F")
_COUNTS = tuple(f"{true}_as_{given}" for true in BEAT_CLASSES for given in BEAT_CLASSES)
_METRICS = {
    "j_kappa": Metric("j-kappa"),
    "accuracy": Metric("Accuracy"),
    "kappa": Metric("Cohen's kappa"),
    "macro_f1": Metric("F1, mean of N, S and V"),
    "mean_sensitivity": Metric("Sensitivity, mean of N, S, V and F"),
    **{
        f"{rate}_{name}": Metric(f"{title}, {name}")
        for name in BEAT_CLASSES
        for rate, title in (("sensitivity", "Sensitivity"), ("ppv", "+P"), ("f1", "F1"))
    },
    **{
        f"{rate}_{name}_ec57": Metric(f"{title}, {name}, by EC57", "", better)
        for name in ("S", "V")
        for rate, title, better in (
            ("ppv", "+P", True),
            ("fpr", "False positive rate", False),
        )
    },
}


def build(
    *, mapping: str = "dechazal", lead: str = "MLII", rate: float = 360.0
) -> Task:
    """Build the task: say of which AAMI class each beat is.

    Parameters
    ----------
    mapping : {"dechazal", "bxb"}
        Which class a symbol is of: `cardium.signal.AAMI_MAPPINGS`. They differ in
        escape beats.
    lead : str
        The lead that the model sees, by name. ``MLII`` is II where there is no MLII,
        and else the first; any other name must be there.
    rate : float [Hz]
        Samples a second that the model sees, whatever the source has.

    Returns
    -------
    Task
        Primary metric ``j_kappa``. Beats of all recordings are pooled.

    Raises
    ------
    UnknownNameError
        If there is no such mapping.
    InvalidArgumentError
        If the rate is not positive.

    Notes
    -----
    The task of de Chazal et al., IEEE Transactions on Biomedical Engineering 51 (2004):
    times of beats are given, as annotated, and never their labels. On MIT-BIH with its
    split, j-kappa is between 0.61 and 0.77 in print. An accuracy of 99 % comes from
    beats of one patient on both sides of a split, which cardium does not make.

    Recordings of paced patients (label ``paced``) are left out, as EC57 asks. Metrics
    that end in ``ec57`` leave aside true F and Q that are called V, and true Q that
    are called S (`cardium.metrics.ectopic_rates`).

    Examples
    --------
    >>> build().output
    Output(name='beat', kind='event_class', classes=('N', 'S', 'V', 'F', 'Q'))
    """
    if mapping not in AAMI_MAPPINGS:
        raise UnknownNameError("mapping of beats", mapping, AAMI_MAPPINGS)
    check_rate("beat_class", rate)
    return Task(
        name="beat_class",
        title=f"ECG and times of beats to their AAMI classes ('{mapping}')",
        needs=("ecg", "beats"),
        output=Output("beat", "event_class", BEAT_CLASSES),
        inputs=partial(_inputs, lead=lead, rate=rate),
        target=partial(_target, mapping=mapping),
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="j_kappa",
        groups=("sex",),
        options=MappingProxyType({"mapping": mapping, "lead": lead, "rate": rate}),
    )


def _inputs(recording: Recording, *, lead: str, rate: float) -> Sample:
    """Show one lead and when the beats are."""
    beats = annotation(recording, "beats")
    ecg = one_lead(recording, lead=lead, rate=rate)
    return Sample(recording.entry.id, ecg, events=np.asarray(beats.time, np.float64))


def _target(recording: Recording, geometry: Geometry | None, *, mapping: str) -> Answer:
    """Return 1 for the class of each beat (K, 5)."""
    if recording.entry.labels.get("paced") is True:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' is of a paced patient, which EC57 "
            "leaves out of the classes of beats."
        )
    beats = annotation(recording, "beats")
    classes = [aami_class(symbol, mapping) for symbol in labels_of(beats)]
    place = np.array([BEAT_CLASSES.index(name) for name in classes], np.intp)
    one_hot = np.eye(len(BEAT_CLASSES), dtype=np.float32)[place]
    return Answer({"beat": one_hot}, time=np.asarray(beats.time, np.float64))


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Count what each beat was called: a column for each true and given class."""
    given, true = prediction.values["beat"], truth.values["beat"]
    if given.shape != true.shape:
        raise AnswerError(
            f"There are {len(true)} beats but answers {given.shape}: one row a beat."
        )
    size = len(BEAT_CLASSES)
    pairs = size * true.argmax(axis=1) + given.argmax(axis=1)
    counts = np.bincount(pairs, minlength=size * size)
    return dict(zip(_COUNTS, map(float, counts), strict=True))


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Pool the counts of all recordings."""
    size = len(BEAT_CLASSES)
    table = np.array([columns[name].sum() for name in _COUNTS]).reshape(size, size)
    rates = class_rates(table, classes=BEAT_CLASSES)
    total = table.sum()
    by_class = {
        f"{rate}_{name}": getattr(rates[name], rate)
        for name in BEAT_CLASSES
        for rate in ("sensitivity", "ppv", "f1")
    }
    by_standard = {
        f"{short}_{name}_ec57": getattr(one, rate)
        for name, one in ectopic_rates(table).items()
        for short, rate in (("ppv", "ppv"), ("fpr", "false_positive_rate"))
    }
    return {
        "j_kappa": j_kappa(table, classes=BEAT_CLASSES),
        "accuracy": float(table.trace() / total) if total else float("nan"),
        "kappa": cohen_kappa(table),
        "macro_f1": _mean([rates[name].f1 for name in ("N", "S", "V")]),
        "mean_sensitivity": _mean([rates[name].sensitivity for name in _RATED]),
        **by_class,
        **by_standard,
    }


def _mean(values: list[float]) -> float:
    """Average the numbers that there are."""
    there = [value for value in values if not np.isnan(value)]
    return float(np.mean(there)) if there else float("nan")
