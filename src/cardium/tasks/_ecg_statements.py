"""The six tasks of PTB-XL: which statements an ECG deserves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from cardium.core import Answer, Entry, Geometry, Label, Output, Recording, Task
from cardium.errors import DataCorruptError, InvalidArgumentError, NotProvidedError
from cardium.measure.statements import (
    SCP_STATEMENTS,
    StatementKind,
    statement_names,
    statements,
)
from cardium.tasks._ecg_inputs import check_leads, some_leads
from cardium.tasks._multilabel import label_columns, label_metrics, summarize_labels

RATES = (100, 500)
_LABELS: Mapping[StatementKind, str] = MappingProxyType({"rhythm": "rhythm_statements"})
_TITLES: Mapping[StatementKind, str] = MappingProxyType(
    {
        "superclass": "ECG to the 5 diagnostic superclasses of PTB-XL",
        "subclass": "ECG to the 23 diagnostic subclasses of PTB-XL",
        "diagnostic": "ECG to the 44 diagnostic statements of PTB-XL",
        "form": "ECG to the 19 form statements of PTB-XL",
        "rhythm": "ECG to the 12 rhythm statements of PTB-XL",
        "all": "ECG to all 71 statements of PTB-XL",
    }
)


@dataclass(frozen=True, slots=True)
class _Truth:
    """Where a task reads its truth from."""

    kind: StatementKind
    min_likelihood: float

    @property
    def label(self) -> str:
        """The label that is read: the names, or the codes with their likelihoods."""
        if self.min_likelihood > 0:
            return "scp_codes"
        return _LABELS.get(self.kind, self.kind)

    def names(self, entry: Entry) -> tuple[str, ...]:
        """Return the names that an entry's labels amount to; at least one."""
        stated: Label = entry.labels.get(self.label)
        if not isinstance(stated, tuple):
            raise NotProvidedError(
                f"Recording '{entry.id}' has no label '{self.label}': its labels are "
                f"{', '.join(entry.labels) or 'none'}."
            )
        if self.min_likelihood > 0:
            stated = statements(
                _likelihoods(entry.id, stated),
                SCP_STATEMENTS,
                kind=self.kind,
                min_likelihood=self.min_likelihood,
            )
        if not stated:
            raise NotProvidedError(
                f"Recording '{entry.id}' has no {self.kind} statement"
                + (f" of {self.min_likelihood:g} %." if self.min_likelihood else ".")
            )
        return stated


def build_statements(
    name: str, kind: StatementKind, *, rate: int, min_likelihood: float, leads: int
) -> Task:
    """Build the task of one kind of statements.

    Raises
    ------
    InvalidArgumentError
        If an option is out of its range.
    """
    if rate not in RATES:
        raise InvalidArgumentError(
            f"Task '{name}': rate must be 100 or 500 Hz, got {rate}."
        )
    if not 0 <= min_likelihood <= 100:
        raise InvalidArgumentError(
            f"Task '{name}': min_likelihood is in percent, 0..100, got "
            f"{min_likelihood:g}."
        )
    check_leads(name, leads)
    classes, truth = statement_names(kind), _Truth(kind, float(min_likelihood))
    stream = ("ecg_100hz", "ecg") if rate == 100 else "ecg"
    return Task(
        name=name,
        title=_TITLES[kind],
        needs=(stream, *dict.fromkeys((_LABELS.get(kind, kind), truth.label))),
        output=Output("probability", "multilabel", classes),
        inputs=partial(some_leads, leads=leads, rate=rate),
        target=partial(_target, classes=classes, truth=truth),
        score=partial(label_columns, classes=classes),
        summarize=partial(summarize_labels, classes=classes),
        metrics=MappingProxyType(label_metrics(classes)),
        primary="macro_auroc",
        groups=("sex", "age_band"),
        options=MappingProxyType(
            {"rate": rate, "min_likelihood": min_likelihood, "leads": leads}
        ),
    )


def _target(
    recording: Recording,
    geometry: Geometry | None,
    *,
    classes: tuple[str, ...],
    truth: _Truth,
) -> Answer:
    """Return 1 for each class that the entry's label names, else 0."""
    names = truth.names(recording.entry)
    if unknown := sorted(set(names) - set(classes)):
        raise DataCorruptError(
            f"Recording '{recording.entry.id}': the {truth.kind} '{unknown[0]}' is "
            f"none of {', '.join(classes)}."
        )
    return Answer(
        {"probability": np.array([name in names for name in classes], np.float32)}
    )


def _likelihoods(recording: str, stated: tuple[str, ...]) -> dict[str, float]:
    """Read codes and likelihoods, ``"IMI:15"``."""
    codes = {}
    for text in stated:
        code, _, likelihood = text.rpartition(":")
        try:
            codes[code] = float(likelihood)
        except ValueError as error:
            raise DataCorruptError(
                f"Recording '{recording}': the label 'scp_codes' holds '{text}', "
                "expected a code and a likelihood such as 'IMI:15'."
            ) from error
    return codes
