"""One module a task; the module's name is the task's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any

from cardium.core import Registry, Task
from cardium.errors import InvalidArgumentError

# A task module offers a function that builds the task, so that its options are plain
# keyword arguments with defaults: `def build(*, domain: str = "cartesian") -> Task`.
TASKS: Registry[Callable[..., Task]] = Registry("task", "build", FunctionType)
"""The functions that build the tasks there are, by name."""


def open_task(name: str, **options: str | float) -> Task:
    """Build a task by name, with its options set.

    Parameters
    ----------
    name : str
        The task's name.
    **options : str or number
        Options of that task; `task_options` lists them with their defaults.

    Returns
    -------
    Task
        The task.

    Raises
    ------
    UnknownNameError
        If there is no such task.
    InvalidArgumentError
        If the task has no such option, or not that value.

    Examples
    --------
    >>> open_task("lv_segmentation", domain="beamspace").options["domain"]
    'beamspace'
    """
    known = task_options(name)
    if unknown := sorted(set(options) - set(known)):
        raise InvalidArgumentError(
            f"Task '{name}' has no option '{unknown[0]}'. "
            f"It has: {', '.join(known) or 'none'}."
        )
    return TASKS.find(name)(**options)


def task_options(name: str) -> dict[str, Any]:
    """Return the options of a task and their defaults."""
    parameters = inspect.signature(TASKS.find(name)).parameters
    return {k: p.default for k, p in parameters.items()}
