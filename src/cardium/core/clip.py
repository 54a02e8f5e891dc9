"""Clips: what a benchmark's protocol learns from and scores, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from numpy.typing import NDArray

from cardium.core.geometry import Geometry
from cardium.core.model import Setting
from cardium.core.recording import Entry, Recording
from cardium.core.task import Answer, Metric, Task

Item = dict[str, NDArray[Any]]
"""The arrays of one clip by name, channels first: ``input`` (1, T, rows, columns) …"""

ProtocolName = Literal["published", "corrected"]


@dataclass(frozen=True, slots=True)
class Clip:
    """Some B-mode frames of a recording that follow one another.

    Parameters
    ----------
    start, stop : int
        The first frame, and the one behind the last.
    """

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Case:
    """A recording as a protocol sees it: opened and paired, no image read.

    Parameters
    ----------
    recording : Recording
        The recording.
    train : tuple of Clip
        The clips that can be learnt from, in order of time.
    scored : Clip
        The one that is scored.
    geometry : Geometry
        Where the samples of the last axes of ``input`` lie.
    plan : object
        What else the protocol worked out: which frames belong together.
    """

    recording: Recording
    train: tuple[Clip, ...]
    scored: Clip
    geometry: Geometry
    plan: Any = None


@dataclass(frozen=True, slots=True)
class Field:
    """How an array of a prepared clip runs along time, and how it is packed.

    Parameters
    ----------
    per : {"frame", "interval", "half", "case"}
        Its first axis: one entry a B-mode frame, one or two an interval between two
        frames; or none, it is the same for all frames.
    store : {"unit", "signed", "mask", "float"}
        What it holds: numbers 0..1, kept as uint16; numbers from minus to plus
        ``limit``, kept as int16; true and false, kept as uint8; numbers, kept as
        float32.
    """

    per: Literal["frame", "interval", "half", "case"]
    store: Literal["unit", "signed", "mask", "float"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """Which clips of which recordings are learnt from and scored, and how.

    Parameters
    ----------
    name : {"published", "corrected"}
        As a paper's code behaves, or as it should.
    task : Task
        The question. Its scores are the corrected ones.
    domain : {"beamspace", "cartesian"}
        What a model sees.
    admit : function (entry) -> str
        Why the catalogue alone rules a recording out; empty if it does not.
    open : function (recording) -> Case
        Pair the streams, list the clips; reads times but no images. Raises
        NotProvidedError with the reason, if the recording is not used.
    prepare : function (case, clip) -> Item
        Read some frames at the size a model takes, before what depends on the clip
        they are seen in. The arrays that `fields` names, time first.
    finish : function (item) -> Item
        Make of prepared frames what a model sees and learns: channels first.
    fields : mapping of str to Field
        What `prepare` returns.
    truth : function (case) -> Item
        What the answers are scored against in this protocol's own metric.
    score : function (predictions, truths) -> dict
        The protocol's metric of one batch of scored cases, as the paper's code pads
        and averages it; NaN where there is nothing to average. Predictions are
        (channel, time, rows, columns), of any number of rows and columns.
    answer : function (case, prediction) -> Answer
        A prediction as the task scores it: geometry, times, codes.
    metrics : mapping of str to Metric
        What `score` returns.
    primary : str
        The one that ranks models.
    batch_size : int
        Cases that are scored together.
    options : mapping
        How it was set, for provenance and for the name of what was made with it.
    """

    name: ProtocolName
    task: Task
    domain: str
    admit: Callable[[Entry], str]
    open: Callable[[Recording], Case]
    prepare: Callable[[Case, Clip], Item]
    finish: Callable[[Item], Item]
    fields: Mapping[str, Field]
    truth: Callable[[Case], Item]
    score: Callable[[Sequence[NDArray[Any]], Sequence[Item]], dict[str, float]]
    answer: Callable[[Case, NDArray[Any]], Answer]
    metrics: Mapping[str, Metric]
    primary: str
    batch_size: int
    options: Mapping[str, Setting]

    def item(self, case: Case, clip: Clip) -> Item:
        """Read one clip as a model sees and learns it."""
        return self.finish(self.prepare(case, clip))


@dataclass(frozen=True, slots=True)
class Training:
    """How a network of a benchmark is trained.

    Parameters
    ----------
    epochs : int
        Passes over the recordings; one clip of each a pass.
    batch_size : int
        Clips a step, over all devices.
    optimizer : {"adam_muon", "adamw"}
        See `cardium.fit.optimizers`.
    learning_rate : float
        The highest.
    schedule : {"constant", "one_cycle"}
        How it changes.
    weight_decay : float
        Of the optimiser, decoupled.
    """

    epochs: int = 8
    batch_size: int = 4
    optimizer: Literal["adam_muon", "adamw"] = "adam_muon"
    learning_rate: float = 0.0037
    schedule: Literal["constant", "one_cycle"] = "constant"
    weight_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class ClipRecipe:
    """How to build a model that answers the clips of a protocol.

    Parameters
    ----------
    name : str
        The name of its module, on the command line and in tables.
    title : str
        One line: what it is.
    tasks : frozenset of str
        The tasks it can answer.
    domains : frozenset of str
        The domains it can see.
    protocol : {"published", "corrected"}
        Whose items it learns from and answers.
    family : {"network", "baseline", "rule"}
        A network is trained; a baseline is counted, one pass over the training items;
        a rule knows nothing of them.
    build : function (task, domain, settings by name)
        Network: a ``torch.nn.Module`` with ``forward(batch) -> Tensor``, the answer
        (batch, channel, time, rows, columns) in the task's units, and
        ``loss(batch) -> Tensor``. Baseline and rule: an object with
        ``predict(item) -> array`` (channel, time, rows, columns); a baseline also has
        ``update(item)``, ``arrays()`` and ``restore(arrays)``.
    settings : mapping of str to number or str
        Settings of ``build`` and their defaults.
    training : Training
        How a network is trained if nothing else is said.
    reference : str
        The paper.
    """

    name: str
    title: str
    tasks: frozenset[str]
    domains: frozenset[str]
    protocol: ProtocolName
    family: Literal["network", "baseline", "rule"]
    build: Callable[..., Any]
    settings: Mapping[str, Setting] = field(
        default_factory=lambda: MappingProxyType({})
    )
    training: Training = field(default_factory=Training)
    reference: str = ""
