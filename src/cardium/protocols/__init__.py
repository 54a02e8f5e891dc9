"""Benchmarks' protocols: which clips are learnt from and scored, and how.

A task can have two. `published` does as the code of the paper does, bug for bug, so
that numbers compare with the paper's; `corrected` reads the same clips as it should,
and is scored by the task itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from cardium.core import Case, Protocol, Recording, Setting
from cardium.errors import InvalidArgumentError, UnknownNameError

PROTOCOLS = ("published", "corrected")
"""The names of the protocols."""

__all__ = [
    "PROTOCOLS",
    "cut_recording",
    "open_protocol",
    "protocol_options",
    "tasks_of",
]


def tasks_of(protocol: str) -> list[str]:
    """List the tasks that have a protocol of this name.

    Parameters
    ----------
    protocol : {"published", "corrected"}
        The protocol.

    Returns
    -------
    list of str
        Names, sorted.

    Raises
    ------
    UnknownNameError
        If there is no such protocol.

    Examples
    --------
    >>> "lv_volume_3d" in tasks_of("published")  # the paper has no such task
    False
    """
    if protocol not in PROTOCOLS:
        raise UnknownNameError("protocol", protocol, PROTOCOLS)
    package = import_module(f"cardium.protocols.{protocol}")
    found = iter_modules(package.__path__)
    return sorted(one.name for one in found if not one.name.startswith("_"))


def protocol_options(task: str, protocol: str) -> dict[str, Setting]:
    """Return the options of a protocol and their defaults, those of the paper.

    Parameters
    ----------
    task : str
        The task's name.
    protocol : {"published", "corrected"}
        The protocol.

    Returns
    -------
    dict
        Values by name.

    Raises
    ------
    UnknownNameError
        If there is no such protocol, or the task has none of this name.

    Examples
    --------
    >>> protocol_options("tissue_velocity", "published")["clip_length"]
    32
    """
    parameters = inspect.signature(_builder(task, protocol)).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def open_protocol(
    task: str, protocol: str = "published", **options: Setting
) -> Protocol:
    """Build the protocol of a task.

    Parameters
    ----------
    task : str
        The task's name.
    protocol : {"published", "corrected"}
        As the paper's code behaves, or as it should.
    **options : str or number
        Options of that protocol; `protocol_options` lists them with their defaults.

    Returns
    -------
    Protocol
        Its clips, its items and its scores.

    Raises
    ------
    UnknownNameError
        If there is no such protocol, or the task has none of this name.
    InvalidArgumentError
        If it has no such option, or not that value.

    Examples
    --------
    >>> protocol = open_protocol("tissue_velocity", "published", domain="cartesian")
    >>> protocol.domain, protocol.batch_size
    ('cartesian', 2)
    """
    known = protocol_options(task, protocol)
    if unknown := sorted(set(options) - set(known)):
        raise InvalidArgumentError(
            f"Protocol '{protocol}' of task '{task}' has no option '{unknown[0]}'. "
            f"It has: {', '.join(known)}."
        )
    return _builder(task, protocol)(**options)


def cut_recording(case: Case) -> Recording:
    """Return the recording of a case with the B-mode frames that are scored alone.

    Parameters
    ----------
    case : Case
        A recording that a protocol has opened.

    Returns
    -------
    Recording
        Its B-mode is read; all else is as it was.

    Examples
    --------
    >>> import numpy as np
    >>> from cardium.core import Clip, Entry, PlaneGrid, Stream
    >>> plane = PlaneGrid((0, 1), (0, 1), (2, 2))
    >>> film = Stream("b_mode", np.zeros((9, 2, 2)), np.arange(9.0),
    ...               ("time", "z", "x"), "grey", plane)
    >>> entry = Entry("r0", "p0", "", frozenset({"b_mode"}))
    >>> case = Case(Recording(entry, {"b_mode": film}), (), Clip(2, 5), plane)
    >>> cut_recording(case)["b_mode"].time.tolist()
    [2.0, 3.0, 4.0]
    """
    clip, streams = case.scored, dict(case.recording.streams)
    name = "b_mode" if "b_mode" in streams else "b_mode_3d"
    streams[name] = streams[name].samples(slice(clip.start, clip.stop))
    return replace(case.recording, streams=MappingProxyType(streams))


def _builder(task: str, protocol: str) -> Callable[..., Protocol]:
    """Find what builds the protocol of a task."""
    known = tasks_of(protocol)
    if task not in known:
        raise UnknownNameError(f"task of protocol '{protocol}'", task, known)
    module = import_module(f"cardium.protocols.{protocol}.{task}")
    build: Callable[..., Protocol] = module.build
    return build
