"""Tasks: what a model may see, what it answers, and how good the answer is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core.geometry import Geometry
from cardium.core.planar import FloatArray
from cardium.core.recording import Catalog, Entry, Recording
from cardium.core.stream import Stream
from cardium.errors import AnswerError, NotProvidedError

Kind = Literal[
    "label_map",
    "multilabel",
    "quantity",
    "event_class",
    "events",
    "velocity",
    "flow",
    "volume_map",
]
"""What an answer can be; a kind fixes its shape, its loss and its picture."""

SIGNAL_KINDS: frozenset[Kind] = frozenset({"multilabel", "quantity", "event_class"})
"""The kinds that a network learns from signals rather than from images."""


@dataclass(frozen=True, slots=True)
class Output:
    """The array that a model answers with.

    Parameters
    ----------
    name : str
        Its key in the arrays that a model returns.
    kind : str
        ``label_map``: uint8, the shape of the input; code i means ``classes[i]``.
        ``multilabel``: float 0..1, (len(classes),), one probability a class.
        ``quantity``: float, (len(classes),), one number for each name in ``classes``.
        ``event_class``: float 0..1, (K, len(classes)): for each of the K times in
        ``Sample.events`` one probability a class, which add up to 1.
        ``events``: float64 [s], (N,): the times at which something happens, ascending.
        ``velocity``: float m/s, (T - 1, …): one frame between two input frames,
        positive towards the probe.
        ``flow``: float, (2 (T - 1), len(classes), …): two frames between two input
        frames, at a quarter and at three quarters of the way; ``classes`` names the
        channels.
        ``volume_map``: as ``label_map``, of volumes.
    classes : tuple of str
        What the codes or the probabilities stand for.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Metric:
    """How to print and compare one number of a report.

    Parameters
    ----------
    title : str
        What a reader calls it: ``"Dice, LV cavity"``.
    unit : str
        Its unit; empty for a pure number.
    higher_is_better : bool
        Which way is good.
    is_count : bool
        Whether it counts what is there, of which drawing patients again says nothing:
        it has no interval.
    """

    title: str
    unit: str = ""
    higher_is_better: bool = True
    is_count: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model may see of one recording.

    Parameters
    ----------
    recording : str
        The recording's id.
    stream : Stream
        The input, float32: an image clip (time, z, x) or (time, range, beam) in grey
        levels 0..255, or an ECG (time, lead) in mV. In memory, or read by ``load()``.
    velocity_limit : float [m/s], optional
        The Nyquist limit of the velocity asked for, where one is.
    events : (K,) [s], optional
        The times at which an answer of the kind ``event_class`` is asked for, on the
        clock of the stream.
    """

    recording: str
    stream: Stream
    velocity_limit: float | None = None
    events: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Arrays and where they lie: a truth or a prediction, which are alike.

    Parameters
    ----------
    values : mapping of str to array
        By the name of the task's output.
    geometry : Sector or PlaneGrid, optional
        Where the samples of the last two axes lie.
    time : (T,) [s], optional
        When the first axis was taken, where it is time.
    velocity_limit : float [m/s], optional
        Where velocities fold.
    """

    values: Mapping[str, NDArray[Any]]
    geometry: Geometry | None = None
    time: FloatArray | None = None
    velocity_limit: float | None = None


_DTYPES: Mapping[Kind, type] = MappingProxyType(
    {"label_map": np.uint8, "volume_map": np.uint8, "events": np.float64}
)
_ROUNDING = 1e-3

Scores = Mapping[str, float]
Columns = Mapping[str, FloatArray]
Summarize = Callable[[Columns, NDArray[np.intp]], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Task:
    """A question asked of recordings, and how its answers are scored.

    Parameters
    ----------
    name : str
        The name of its module and on the command line.
    title : str
        One line: from what to what.
    needs : tuple
        Names a recording must provide; a tuple among them means any one of these.
    output : Output
        What a model answers with.
    inputs : function (recording) -> Sample
        What a model may see.
    target : function (recording, geometry) -> Answer
        The truth, on a geometry or, if None, where it is scored.
    score : function (prediction, truth) -> dict
        Metrics of one recording. NaN where one cannot be computed.
    summarize : function (columns, patients) -> dict
        Metrics of many recordings: ``columns`` has one array (N,) per score, and
        ``patients`` a number per row that says whose it is.
    metrics : mapping of str to Metric
        Every metric that is printed.
    primary : str
        The one that ranks models.
    groups : tuple of str
        Labels to break results down by, where entries have them.
    options : mapping of str to str or number
        How the task was set when it was built, for provenance.
    """

    name: str
    title: str
    needs: tuple[str | tuple[str, ...], ...]
    output: Output
    inputs: Callable[[Recording], Sample]
    target: Callable[[Recording, Geometry | None], Answer]
    score: Callable[[Answer, Answer], dict[str, float]]
    summarize: Summarize
    metrics: Mapping[str, Metric]
    primary: str
    groups: tuple[str, ...] = ()
    options: Mapping[str, str | float | int] = field(
        default_factory=lambda: MappingProxyType({})
    )

    def missing(self, provided: Iterable[str]) -> tuple[str, ...]:
        """Say which needs are unmet by what a dataset or a recording provides.

        Examples
        --------
        >>> from cardium.tasks import open_task
        >>> open_task("lv_segmentation").missing({"b_mode", "ecg"})
        ('lv_mask or lv_contour',)
        """
        there = frozenset(provided)
        any_of = [(need,) if isinstance(need, str) else need for need in self.needs]
        return tuple(" or ".join(names) for names in any_of if there.isdisjoint(names))

    def usable(self, catalog: Catalog) -> Catalog:
        """Keep the entries that provide what the task needs.

        Raises
        ------
        NotProvidedError
            If none does.
        """
        kept = catalog.where(lambda entry: not self.missing(entry.provides))
        if not len(kept):
            provided: set[str] = set().union(*(e.provides for e in catalog))
            unmet = self.missing(provided) or ("all of its needs in one recording",)
            raise NotProvidedError(
                f"Task '{self.name}' needs {', '.join(unmet)}, which none of the "
                f"{len(catalog)} recordings provides; they provide "
                f"{', '.join(sorted(provided)) or 'nothing'}."
            )
        return kept

    def answer(self, sample: Sample, arrays: Mapping[str, NDArray[Any]]) -> Answer:
        """Check what a model returned for a sample, and say where it lies.

        Parameters
        ----------
        sample : Sample
            What the model saw.
        arrays : mapping of str to array
            What it returned.

        Returns
        -------
        Answer
            The arrays in their final type, with the sample's geometry and times.

        Raises
        ------
        AnswerError
            If the name, the shape or the values are not what the task defines.
        """
        name, kind = self.output.name, self.output.kind
        if set(arrays) != {name}:
            raise AnswerError(
                f"Task '{self.name}' asks for the array '{name}', "
                f"the model returned {sorted(arrays)}."
            )
        value = np.asarray(arrays[name])
        stream = sample.stream
        frames, *place = stream.shape
        shape: tuple[int, ...]
        time: FloatArray | None = None
        match kind:
            case "label_map" | "volume_map":
                shape, time = stream.shape, stream.time
            case "flow":
                shape = (2 * (frames - 1), len(self.output.classes), *place)
                time = quarter_times(stream.time)
            case "velocity":
                shape = (frames - 1, *place)
                time = (stream.time[1:] + stream.time[:-1]) / 2
            case "multilabel" | "quantity":
                shape = (len(self.output.classes),)
            case "event_class":
                time = np.zeros(0) if sample.events is None else sample.events
                shape = (len(time), len(self.output.classes))
            case "events":
                shape = (value.size,)
        if value.shape != shape:
            raise AnswerError(
                f"Task '{self.name}': '{name}' of recording '{sample.recording}' must "
                f"have shape {shape}, the model returned {value.shape}."
            )
        self._check_values(value)
        if kind == "events":
            self._check_events(value, stream)
        dtype = _DTYPES.get(kind, np.float32)
        return Answer(
            {name: value.astype(dtype)}, stream.geometry, time, sample.velocity_limit
        )

    def _check_values(self, value: NDArray[Any]) -> None:
        """Refuse codes, probabilities or velocities that mean nothing."""
        name, kind, classes = self.output.name, self.output.kind, self.output.classes
        last = len(classes) - 1
        if not np.isfinite(value).all():
            raise AnswerError(f"Task '{self.name}': '{name}' is not finite everywhere.")
        if kind.endswith("_map") and not np.isin(value, [*range(last + 1)]).all():
            wrong = np.setdiff1d(value, [*range(last + 1)])[:5]
            raise AnswerError(
                f"Task '{self.name}': '{name}' must hold the codes 0..{last} "
                f"({', '.join(classes)}), the model returned {wrong.tolist()}."
            )
        is_probability = kind in ("multilabel", "event_class")
        if is_probability and ((value < 0) | (value > 1)).any():
            last_step = "a sigmoid" if kind == "multilabel" else "a softmax"
            raise AnswerError(
                f"Task '{self.name}': '{name}' must be probabilities 0..1, the model "
                f"returned {value.min():g}..{value.max():g}; apply {last_step}."
            )
        if kind == "event_class" and (abs(value.sum(-1) - 1) > _ROUNDING).any():
            raise AnswerError(
                f"Task '{self.name}': the probabilities of '{name}' must add up to 1 "
                f"for each event, the model returned sums of {value.sum(-1).min():g}.."
                f"{value.sum(-1).max():g}; apply a softmax."
            )

    def _check_events(self, value: NDArray[Any], stream: Stream) -> None:
        """Refuse times that do not ascend or lie outside the recording."""
        first, last = float(stream.time[0]), float(stream.time[-1])
        beyond = (value < first) | (value > last)
        if (np.diff(value) <= 0).any() or beyond.any():
            raise AnswerError(
                f"Task '{self.name}': '{self.output.name}' must ascend within "
                f"{first:g}..{last:g} s, the model returned {value[:3].tolist()} … "
                f"{value[-3:].tolist()}."
            )

    def group_of(self, entry: Entry) -> dict[str, str]:
        """Return the entry's labels that results are broken down by."""
        return {k: str(entry.labels[k]) for k in self.groups if k in entry.labels}


def quarter_times(time: FloatArray) -> FloatArray:
    """Return the times at a quarter and at three quarters of each interval.

    Parameters
    ----------
    time : (T,) [s]
        A clock.

    Returns
    -------
    (2 (T - 1),) [s]
        Two times an interval.

    Examples
    --------
    >>> quarter_times(np.array([0.0, 1.0, 3.0])).tolist()
    [0.25, 0.75, 1.5, 2.5]
    """
    step = np.diff(time)
    return np.stack([time[:-1] + step / 4, time[:-1] + 3 * step / 4], 1).ravel()
