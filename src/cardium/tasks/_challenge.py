"""What the tasks of two challenges share: their labels, their score, its absence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

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
from cardium.metrics import exact_match, f_and_g_beta, f_beta, read_weights
from cardium.metrics.challenge import (
    CLASSES_2020,
    CLASSES_2021,
    SCORED_2020,
    SCORED_2021,
    Weights,
    challenge_credit,
    normalised_score,
)
from cardium.tasks._ecg_inputs import check_leads, check_rate, some_leads
from cardium.tasks._multilabel import (
    label_arrays,
    label_columns,
    label_metrics,
    summarize_labels,
)

Year = Literal[2020, 2021]
_CODES: Mapping[Year, Mapping[str, str]] = MappingProxyType(
    {2020: SCORED_2020, 2021: SCORED_2021}
)
_CLASSES: Mapping[Year, tuple[str, ...]] = MappingProxyType(
    {2020: CLASSES_2020, 2021: CLASSES_2021}
)
_CREDIT = ("observed", "perfect", "inactive")
_SCORE = {"challenge_score": Metric("Challenge score")}
_AT_THRESHOLD = {
    "exact_match": Metric("Records with every class right"),
    "macro_f1": Metric("F1, mean over classes"),
    "f_2": Metric("F2, mean over classes, by labels of a record"),
    "g_2": Metric("G2, mean over classes, by labels of a record"),
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """How the answers of a year are scored."""

    year: Year
    threshold: float
    weights: Weights | None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the year."""
        return _CLASSES[self.year]

    def target(self, recording: Recording, geometry: Geometry | None) -> Answer:
        """Return 1 for each scored class among the codes; other codes do not count."""
        codes = recording.entry.labels.get("dx")
        if not isinstance(codes, tuple):
            raise NotProvidedError(
                f"Recording '{recording.entry.id}' has no label 'dx': its labels are "
                f"{', '.join(recording.entry.labels) or 'none'}."
            )
        scored = _CODES[self.year]
        names = {scored[code] for code in codes if code in scored}
        return Answer(
            {"probability": np.array([c in names for c in self.classes], np.float32)}
        )

    def predicted(self, probability: NDArray[Any]) -> NDArray[np.bool_]:
        """Say which classes count as predicted, in the precision of answers."""
        return np.asarray(probability.astype(np.float32) >= np.float32(self.threshold))

    def score(self, prediction: Answer, truth: Answer) -> dict[str, float]:
        """Keep what areas need, and what the record adds to the challenge's score."""
        columns = label_columns(prediction, truth, self.classes)
        if self.weights is None:
            return columns
        given = self.predicted(prediction.values["probability"][None])
        credit = challenge_credit(
            given, truth.values["probability"][None], self.weights
        )
        return columns | dict(zip(_CREDIT, credit[0].tolist(), strict=True))

    def summarize(
        self, columns: Columns, patients: NDArray[np.intp]
    ) -> dict[str, float]:
        """Compute the score, the areas, and what depends on the threshold."""
        probability, truth = label_arrays(columns, self.classes)
        given = self.predicted(probability)
        f_2, g_2 = f_and_g_beta(given, truth, classes=self.classes)
        found = {
            **summarize_labels(columns, patients, self.classes),
            "exact_match": exact_match(given, truth),
            "macro_f1": f_beta(given, truth, classes=self.classes).value,
            "f_2": f_2.value,
            "g_2": g_2.value,
        }
        if self.weights is None:
            return found
        totals = (float(columns[name].sum()) for name in _CREDIT)
        return {"challenge_score": normalised_score(*totals), **found}


def build_challenge(
    name: str, year: Year, *, weights: str, leads: int, rate: int, threshold: float
) -> Task:
    """Build the task of a year.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.
    DataMissingError
        If there is no file of weights where it should be.
    DataCorruptError
        If it is not the file of weights of the year.
    """
    check_leads(name, leads)
    check_rate(name, rate)
    if not 0 < threshold < 1:
        raise InvalidArgumentError(
            f"Task '{name}': threshold must lie between 0 and 1, got {threshold}."
        )
    matrix = read_weights(weights, year=year) if weights else None
    rule = _Rule(year, threshold, matrix)
    title = f"ECG to the {len(rule.classes)} diagnoses of the Challenge {year}"
    if matrix is None:
        title += "; its score needs weights=PATH"
    return Task(
        name=name,
        title=title,
        needs=("ecg", "dx"),
        output=Output("probability", "multilabel", rule.classes),
        inputs=partial(some_leads, leads=leads, rate=rate),
        target=rule.target,
        score=rule.score,
        summarize=rule.summarize,
        metrics=MappingProxyType(
            {
                **({} if matrix is None else _SCORE),
                **label_metrics(rule.classes),
                **_AT_THRESHOLD,
            }
        ),
        primary="macro_auroc" if matrix is None else "challenge_score",
        groups=("sex", "source"),
        options=MappingProxyType(
            {
                "weights": str(Path(weights).absolute()) if weights else "",
                "leads": leads,
                "rate": rate,
                "threshold": threshold,
            }
        ),
    )
