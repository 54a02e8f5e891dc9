"""The R peaks of one lead, by rule: nothing is learnt.

A baseline for tasks that ask when the heart beats; see `cardium.signal.find_r_peaks`,
whose paper and notes hold for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, Output, Recipe, Sample, Task
from cardium.signal.ecg import find_r_peaks


class RPeakDetector:
    """Answers samples with the R peaks of one lead.

    Parameters
    ----------
    output : Output
        What the task asks for.
    lead : str
        Which lead; empty, that of `cardium.signal.leads.choose_lead`.
    """

    def __init__(self, output: Output, *, lead: str = "") -> None:
        self._output = output
        self._lead = lead

    def update(self, sample: Sample, target: Answer) -> None:
        """Take in nothing: the rule is as it is."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was learnt, which is nothing."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back nothing."""

    def predict(self, sample: Sample) -> Mapping[str, NDArray[np.float64]]:
        """Answer the times of the R peaks [s]."""
        found = find_r_peaks(sample.stream, lead=self._lead or None)
        return {self._output.name: found}


def build(task: Task, *, lead: str = "") -> RPeakDetector:
    """Build the detector for a task.

    Parameters
    ----------
    task : Task
        A task whose output is of the kind ``events``.
    lead : str
        Which lead; empty, that of `cardium.signal.leads.choose_lead`.

    Returns
    -------
    RPeakDetector
        Ready to predict.

    Examples
    --------
    >>> from cardium.core import Stream
    >>> task = Task("", "", (), Output("peaks", "events"), *[None] * 4, {}, "")
    >>> time = np.arange(400) / 200
    >>> beats = np.exp(-((np.minimum(abs(time - 0.5), abs(time - 1.4)) / 0.012) ** 2))
    >>> ecg = Stream("ecg", beats, time, ("time",), "mV")
    >>> build(task).predict(Sample("r1", ecg))["peaks"].tolist()
    [0.5, 1.4]
    """
    return RPeakDetector(task.output, lead=lead)


MODEL = Recipe(
    name="r_peak_detector",
    title="R peaks of one lead, by rule",
    answers=frozenset({"events"}),
    family="baseline",
    build=build,
    settings=MappingProxyType({"lead": ""}),
)
