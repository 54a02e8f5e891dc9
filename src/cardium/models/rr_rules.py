"""Beats and atrial fibrillation told by the time between R peaks; nothing is learnt.

Of beats: one that comes early is ectopic, supraventricular if its QRS complex is as the
usual one and ventricular if it is wide or of another shape; a beat that is both wide
and of another shape is ventricular at any time. Of rhythm: fibrillation is where the
intervals of thirty beats around differ without order.

The rules are the textbook's. They are what a network that claims to see more than the
pace of a heart has to beat.

References
----------
Dash et al.: Automatic Real Time Detection of Atrial Fibrillation. Annals of Biomedical
Engineering 37, 2009, for the irregularity of successive intervals.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import Answer, FloatArray, Output, Recipe, Sample, Task
from cardium.errors import InvalidArgumentError
from cardium.models._beats import (
    asks_about_beats,
    beat_shapes,
    events_of,
    interval_features,
    qrs_widths,
)
from cardium.signal.ecg import find_r_peaks

_AF_NAMES = ("af", "afib", "atrial_fibrillation")
_REACH = 0.12
_SHAPE_SAMPLES = 61
_EARLY_SOFTNESS = 0.02
_LIKENESS, _LIKENESS_SOFTNESS = 0.8, 0.05
_WIDER, _WIDER_SOFTNESS = 1.35, 0.08
_WINDOW = 30
_FEWEST = 4
_IRREGULAR_SOFTNESS = 0.02


class IntervalRules:
    """Answers events by intervals, and beats by shapes as well.

    Parameters
    ----------
    output : Output
        What the task asks for.
    early : float
        A beat is early whose interval is less than this share of those around it.
    irregular : float
        Rhythm is irregular where successive intervals differ by more than this share of
        their mean, in the median.

    Raises
    ------
    InvalidArgumentError
        If one of them is not within 0..1.
    """

    def __init__(
        self, output: Output, *, early: float = 0.87, irregular: float = 0.09
    ) -> None:
        if not (0 < early < 1 and 0 < irregular < 1):
            raise InvalidArgumentError(
                f"early and irregular must be within 0..1, got {early:g} and "
                f"{irregular:g}."
            )
        self._output = output
        self._early = early
        self._irregular = irregular

    def update(self, sample: Sample, target: Answer) -> None:
        """Take in nothing: the rules are as they are."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Return what was learnt, which is nothing."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back nothing."""

    def predict(self, sample: Sample) -> Mapping[str, NDArray[Any]]:
        """Answer the probability of each class for each event."""
        classes, times = self._output.classes, events_of(sample)
        answer = np.zeros((len(times), len(classes)))
        if fibrillation := _fibrillation(classes):
            chance = self._fibrillation(sample, times)
            others = [name for name in classes if name != fibrillation]
            answer[:, classes.index(fibrillation)] = chance
            answer[:, classes.index(_usual(others))] = 1 - chance
        else:
            early, other = self._beats(sample, times)
            shares = {"V": other, "S": early * (1 - other)}
            for name in shares.keys() & set(classes):
                answer[:, classes.index(name)] = shares[name]
            answer[:, classes.index("N")] = 1 - answer.sum(1)
        return {self._output.name: answer.astype(np.float32)}

    def _beats(
        self, sample: Sample, times: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return how likely each beat is early, and how likely it is ventricular."""
        if not len(times):
            return np.zeros(0), np.zeros(0)
        ratio = np.exp(interval_features(times)[:, 4])
        early = _logistic((self._early - ratio) / _EARLY_SOFTNESS)
        shapes = beat_shapes(
            sample, times, start=-_REACH, stop=_REACH, count=_SHAPE_SAMPLES
        )
        usual = np.median(shapes, axis=0)
        unlike = _logistic((_LIKENESS - _alike(shapes, usual)) / _LIKENESS_SOFTNESS)
        widths = qrs_widths(shapes, 2 * _REACH / (_SHAPE_SAMPLES - 1))
        wider = widths / max(float(np.median(widths)), 1e-3)
        wide = _logistic((wider - _WIDER) / _WIDER_SOFTNESS)
        # Early and one sign of the two, or both signs.
        return early, early * (1 - (1 - unlike) * (1 - wide)) + (1 - early) * (
            unlike * wide
        )

    def _fibrillation(self, sample: Sample, times: FloatArray) -> FloatArray:
        """Return how likely the heart fibrillates at each time."""
        found = irregularity(find_r_peaks(sample.stream), times)
        return _logistic((found - self._irregular) / _IRREGULAR_SOFTNESS)


def irregularity(peaks: FloatArray, times: FloatArray) -> FloatArray:
    """Return how irregular the pace is around some times.

    Parameters
    ----------
    peaks : (N,) [s]
        R peaks.
    times : (K,) [s]
        When it is asked.

    Returns
    -------
    (K,)
        Median absolute difference of successive intervals over their mean, of the
        thirty beats nearest to each time. An early beat with its pause moves a median
        little. 0 where there are fewer than four beats.

    Examples
    --------
    >>> irregularity(np.arange(40.0), np.array([3.0, 20.0])).tolist()
    [0.0, 0.0]
    >>> fast_slow = np.cumsum(np.tile([0.5, 0.75], 20))
    >>> irregularity(fast_slow, np.array([12.0])).tolist()  # 0.25 s of 0.625 s
    [0.4]
    """
    if len(peaks) < _FEWEST:
        return np.zeros(len(times))
    between = np.diff(peaks)
    middle = np.searchsorted(peaks, times)
    count = min(_WINDOW - 1, len(between)) // 2 * 2  # even, and symmetric
    first = np.clip(middle - count // 2, 0, len(between) - count)
    windows = between[first[:, None] + np.arange(count)]
    change = np.median(abs(np.diff(windows, axis=1)), axis=1)
    return np.asarray(change / windows.mean(1))


def _alike(shapes: FloatArray, usual: FloatArray) -> FloatArray:
    """Return the correlation of each beat with the usual one, over all leads."""
    one, other = (
        v.reshape(-1, usual.size) - v.reshape(-1, usual.size).mean(1, keepdims=True)
        for v in (shapes, usual)
    )
    norm = np.linalg.norm(one, axis=1) * np.linalg.norm(other)
    return np.asarray((one @ other[0]) / np.maximum(norm, 1e-12))


def _logistic(x: FloatArray) -> FloatArray:
    """Turn a distance from a threshold into a probability."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))


def _fibrillation(classes: tuple[str, ...]) -> str | None:
    """Name the class that is atrial fibrillation, if there is one."""
    return next((name for name in classes if name.lower() in _AF_NAMES), None)


def _usual(others: list[str]) -> str:
    """Name the class that is left where there is no fibrillation."""
    return next((n for n in others if n.lower() in ("n", "normal", "other")), others[0])


def _suits(task: Task) -> bool:
    """Say whether a task asks about beats or about fibrillation."""
    classes = task.output.classes
    told = _fibrillation(classes) is not None and len(classes) > 1
    return told or asks_about_beats(task)


def build(task: Task, *, early: float = 0.87, irregular: float = 0.09) -> IntervalRules:
    """Build the rules for a task.

    Parameters
    ----------
    task : Task
        A task whose output is of the kind ``event_class``, of beats with a class ``N``
        and ``S`` or ``V``, or of rhythm with a class ``AFIB`` or ``af``.
    early : float
        A beat is early whose interval is less than this share of those around it.
    irregular : float
        Rhythm is irregular where successive intervals differ by more than this share of
        their mean, in the median.

    Returns
    -------
    IntervalRules
        Ready to predict.

    Examples
    --------
    >>> from cardium.core import Stream
    >>> output = Output("beat", "event_class", ("N", "S", "V"))
    >>> rules = build(Task("", "", (), output, *[None] * 4, {}, ""))
    >>> time, beats = np.arange(900) / 100, np.array([1.0, 2, 3, 3.5, 5, 6, 7, 8])
    >>> trace = sum(np.exp(-(((time - beat) / 0.03) ** 2)) for beat in beats)
    >>> ecg = Stream("ecg", trace[:, None], time, ("time", "lead"), "mV")
    >>> rules.predict(Sample("r1", ecg, events=beats))["beat"].argmax(1).tolist()
    [0, 0, 0, 1, 0, 0, 0, 0]
    """
    return IntervalRules(task.output, early=early, irregular=irregular)


MODEL = Recipe(
    name="rr_rules",
    title="Ectopic beats and atrial fibrillation by RR intervals, by rule",
    answers=frozenset({"event_class"}),
    family="baseline",
    build=build,
    settings=MappingProxyType({"early": 0.87, "irregular": 0.09}),
    suits=_suits,
)
