"""From a 12-lead ECG to the five diagnostic superclasses of PTB-XL."""

from __future__ import annotations

from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Columns,
    Entry,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    Stream,
    Task,
)
from cardium.errors import DataCorruptError, InvalidArgumentError, NotProvidedError
from cardium.metrics import (
    log_loss,
    macro_auroc,
    macro_average_precision,
    mean_over_patients,
)

CLASSES = ("CD", "HYP", "MI", "NORM", "STTC")
"""Conduction disturbance, hypertrophy, infarction, normal, ST/T change."""

_RATES = (100, 500)
_NEEDS: dict[int, tuple[str | tuple[str, ...], ...]] = {
    100: (("ecg_100hz", "ecg"), "superclass"),
    500: ("ecg", "superclass"),
}
_METRICS = {
    "macro_auroc": Metric("AUROC, mean over classes"),
    **{f"auroc_{name}": Metric(f"AUROC, {name}") for name in CLASSES},
    "macro_average_precision": Metric("Average precision, mean over classes"),
    "log_loss": Metric("Log loss", "nats", False),
}


def build(*, rate: int = 100) -> Task:
    """Build the task: say which diagnostic superclasses an ECG belongs to.

    Parameters
    ----------
    rate : {100, 500} [Hz]
        Samples a second that the model sees.

    Returns
    -------
    Task
        Primary metric ``macro_auroc``. A class without both outcomes among the scored
        recordings is NaN by its name and not in the mean.

    Raises
    ------
    InvalidArgumentError
        If the rate is neither.

    Notes
    -----
    The task of Strodthoff et al., "Deep learning for ECG analysis: benchmarks and
    insights from PTB-XL", IEEE JBHI 25 (2021), where the mean AUROC of the
    superclasses on fold 10 is between 0.874 and 0.930.

    At 100 Hz the dataset's own copy (``ecg_100hz``) is used where there is one, as in
    the paper. Otherwise ``ecg`` is resampled by a zero-phase polyphase filter
    (`scipy.signal.resample_poly`) after removing the line through its ends.

    The areas are over recordings, all pooled, as published; ``log_loss`` is averaged
    by patient.

    Examples
    --------
    >>> build(rate=500).needs
    ('ecg', 'superclass')
    """
    if rate not in _RATES:
        raise InvalidArgumentError(
            f"Task 'ecg_superclass': rate must be 100 or 500 Hz, got {rate}."
        )

    def inputs(recording: Recording) -> Sample:
        name = (
            "ecg_100hz" if rate == 100 and "ecg_100hz" in recording.streams else "ecg"
        )
        return Sample(recording.entry.id, _at_rate(recording[name], rate))

    return Task(
        name="ecg_superclass",
        title="12-lead ECG to diagnostic superclasses",
        needs=_NEEDS[rate],
        output=Output("probability", "multilabel", CLASSES),
        inputs=inputs,
        target=_target,
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="macro_auroc",
        groups=("sex",),
        options=MappingProxyType({"rate": rate}),
    )


def _at_rate(ecg: Stream, rate: int) -> Stream:
    """Read an ECG as float32 (time, lead) at a rate."""
    if len(ecg.time) < 2:
        raise DataCorruptError(f"The ECG '{ecg.name}' has {len(ecg.time)} samples.")
    values = ecg.load().astype(np.float32)
    ratio = Fraction(rate) / Fraction(ecg.rate).limit_denominator(1000)
    time = ecg.time
    if ratio != 1:
        from scipy.signal import resample_poly

        values = resample_poly(
            values, ratio.numerator, ratio.denominator, axis=0, padtype="line"
        ).astype(np.float32)
        time = ecg.time[0] + np.arange(len(values)) / rate
    return Stream("ecg", values, time, ecg.dims, ecg.unit, coords=ecg.coords)


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return 1 for each superclass the entry's label names, else 0."""
    names = _superclasses(recording.entry)
    truth = np.array([name in names for name in CLASSES], np.float32)
    return Answer({"probability": truth})


def _superclasses(entry: Entry) -> tuple[str, ...]:
    """Return the names in an entry's label."""
    names = entry.labels.get("superclass")
    if not isinstance(names, tuple):
        raise NotProvidedError(
            f"Recording '{entry.id}' has no label 'superclass': its labels are "
            f"{', '.join(entry.labels) or 'none'}."
        )
    if unknown := sorted(set(names) - set(CLASSES)):
        raise DataCorruptError(
            f"Recording '{entry.id}': superclass '{unknown[0]}' is none of "
            f"{', '.join(CLASSES)}."
        )
    return names


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Keep probabilities and truths, which areas need of all recordings together."""
    probability, true = prediction.values["probability"], truth.values["probability"]
    named = list(zip(CLASSES, probability.tolist(), true.tolist(), strict=True))
    return {
        **{f"probability_{name}": p for name, p, _ in named},
        **{f"truth_{name}": t for name, _, t in named},
        "log_loss": log_loss(probability, true),
    }


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Compute the areas over all recordings, and the mean log loss."""
    probability, truth = (
        np.stack([columns[f"{kind}_{name}"] for name in CLASSES], axis=1)
        for kind in ("probability", "truth")
    )
    area = macro_auroc(probability, truth, classes=CLASSES)
    precision = macro_average_precision(probability, truth, classes=CLASSES)
    loss = mean_over_patients({"log_loss": columns["log_loss"]}, patients)
    return {
        "macro_auroc": area.value,
        **{f"auroc_{name}": value for name, value in area.per_class.items()},
        "macro_average_precision": precision.value,
        **loss,
    }
