"""From an ECG to the sex or the age of the patient."""

from __future__ import annotations

import math
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
    Task,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.metrics import auroc, average_precision, log_loss, mean_over_patients
from cardium.tasks._ecg_inputs import check_leads, check_rate, some_leads

_SEX_METRICS = {
    "auroc": Metric("AUROC, female"),
    "average_precision": Metric("Average precision, female"),
    "log_loss": Metric("Log loss", "nats", False),
}
_AGE_METRICS = {
    "mae": Metric("Mean absolute error", "years", False),
    "bias": Metric("Bias, predicted minus true", "years", False),
    "correlation": Metric("Pearson correlation"),
}


def build(*, target: str = "sex", rate: int = 100, leads: int = 12) -> Task:
    """Build the task: say the patient's sex, or age, from an ECG.

    Parameters
    ----------
    target : {"sex", "age"}
        What is asked for: the probability of ``female``, or the age in years.
    rate : int [Hz]
        Samples a second that the model sees.
    leads : {12, 6, 4, 3, 2}
        How many leads the model sees: one of `cardium.signal.LEAD_SETS`.

    Returns
    -------
    Task
        Primary metric ``auroc`` for the sex, over all recordings pooled, and ``mae``
        for the age, which is averaged by patient, as ``bias`` is.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.

    Notes
    -----
    A recording without its leads is refused. An age that is not stated as a number,
    such as "over 89" of PTB-XL, is not in the task. That a 12-lead ECG tells both was
    shown by Attia et al., Circulation: Arrhythmia and Electrophysiology 12 (2019).

    Examples
    --------
    >>> build(target="age").output
    Output(name='years', kind='quantity', classes=('age',))
    """
    if target not in ("sex", "age"):
        raise InvalidArgumentError(
            f"Task 'age_sex': target must be 'sex' or 'age', got '{target}'."
        )
    check_rate("age_sex", rate)
    check_leads("age_sex", leads)
    is_sex = target == "sex"
    return Task(
        name="age_sex",
        title=f"ECG to the patient's {target}",
        needs=(("ecg_100hz", "ecg") if rate == 100 else "ecg", target),
        output=Output("probability", "multilabel", ("female",))
        if is_sex
        else Output("years", "quantity", ("age",)),
        inputs=partial(some_leads, leads=leads, rate=rate),
        target=_sex if is_sex else _age,
        score=_score_sex if is_sex else _score_age,
        summarize=_summarize_sex if is_sex else _summarize_age,
        metrics=MappingProxyType(_SEX_METRICS if is_sex else _AGE_METRICS),
        primary="auroc" if is_sex else "mae",
        groups=("age_band",) if is_sex else ("sex",),
        options=MappingProxyType({"target": target, "rate": rate, "leads": leads}),
    )


def _sex(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return 1 for a woman, 0 for a man."""
    sex = recording.entry.labels.get("sex")
    if sex not in ("female", "male"):
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' states no sex: it is {sex!r}."
        )
    return Answer({"probability": np.array([sex == "female"], np.float32)})


def _age(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return the age in years."""
    age = recording.entry.labels.get("age")
    if not isinstance(age, (int, float)) or not math.isfinite(age):
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' states no age in years: it is {age!r}."
        )
    return Answer({"years": np.array([age], np.float32)})


def _score_sex(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Keep the probability and the truth of one recording."""
    probability, true = prediction.values["probability"], truth.values["probability"]
    return {
        "probability_female": float(probability[0]),
        "truth_female": float(true[0]),
        "log_loss": log_loss(probability, true),
    }


def _summarize_sex(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Compute the areas over all recordings, and the mean log loss by patient."""
    probability, truth = columns["probability_female"], columns["truth_female"]
    return {
        "auroc": auroc(probability, truth),
        "average_precision": average_precision(probability, truth),
        **mean_over_patients({"log_loss": columns["log_loss"]}, patients),
    }


def _score_age(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Return the errors of one recording, and what a correlation needs."""
    years, true = (float(one.values["years"][0]) for one in (prediction, truth))
    error = years - true
    return {"mae": abs(error), "bias": error, "predicted": years, "true": true}


def _summarize_age(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Average errors by patient, and correlate over recordings."""
    predicted, true = columns["predicted"], columns["true"]
    means = mean_over_patients({k: columns[k] for k in ("mae", "bias")}, patients)
    spread = float(np.std(predicted) * np.std(true))
    shared = float(np.mean((predicted - predicted.mean()) * (true - true.mean())))
    correlation = shared / spread if spread > 0 else float("nan")
    return {**means, "correlation": correlation}
