"""Cardiac recordings, their geometry, and tasks to score models on.

The names below are loaded when they are first used; importing cardium loads numpy at
most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cardium.core import OpenDataset as OpenDataset
    from cardium.core import PlaneGrid as PlaneGrid
    from cardium.core import Recording as Recording
    from cardium.core import Sector as Sector
    from cardium.core import Stream as Stream
    from cardium.datasets import open_dataset as open_dataset
    from cardium.tasks import open_task as open_task

_WHERE = {
    "OpenDataset": "cardium.core",
    "PlaneGrid": "cardium.core",
    "Recording": "cardium.core",
    "Sector": "cardium.core",
    "Stream": "cardium.core",
    "open_dataset": "cardium.datasets",
    "open_task": "cardium.tasks",
}
__all__ = [*_WHERE, "list_datasets", "list_models", "list_tasks"]


def list_datasets() -> list[str]:
    """List the datasets by name, those of plugins too.

    Returns
    -------
    list of str
        Sorted; nothing is imported.

    Examples
    --------
    >>> [name for name in list_datasets() if name.startswith("p")]
    ['ptb_xl']
    """
    from cardium.datasets import DATASETS

    return DATASETS.names()


def list_tasks() -> list[str]:
    """List the tasks by name, those of plugins too.

    Returns
    -------
    list of str
        Sorted; nothing is imported.

    Examples
    --------
    >>> [name for name in list_tasks() if name.endswith("velocity")]
    ['tissue_velocity']
    """
    from cardium.tasks import TASKS

    return TASKS.names()


def list_models() -> list[str]:
    """List the models by name, those of plugins too.

    Returns
    -------
    list of str
        Sorted; nothing is imported.

    Examples
    --------
    >>> [name for name in list_models() if name.startswith("unet")]
    ['unet_2d', 'unet_3d']
    """
    from cardium.models import MODELS

    return MODELS.names()


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
