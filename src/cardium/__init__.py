"""Cardiac recordings, their geometry, and tasks to score models on.

The names below are loaded when they are first used; importing cardium loads numpy at
most.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from cardium.core import OpenDataset as OpenDataset
    from cardium.core import PlaneGrid as PlaneGrid
    from cardium.core import Recording as Recording
    from cardium.core import Sector as Sector
    from cardium.core import Stream as Stream
    from cardium.tasks import open_task as open_task

_WHERE = {
    "OpenDataset": "cardium.core",
    "PlaneGrid": "cardium.core",
    "Recording": "cardium.core",
    "Sector": "cardium.core",
    "Stream": "cardium.core",
    "open_task": "cardium.tasks",
}
__all__ = [*_WHERE, "list_datasets", "list_models", "list_tasks", "open_dataset"]


def open_dataset(name: str, root: str | Path | None = None) -> OpenDataset:
    """Open a dataset by name.

    Parameters
    ----------
    name : str
        One of `list_datasets`.
    root : str or Path, optional
        Its folder. If not given, ``$CARDIUM_DATA/<name>``; without that variable, the
        platform's data folder for cardium.

    Returns
    -------
    OpenDataset
        Its catalog, and its recordings by id.

    Raises
    ------
    UnknownNameError
        If there is no such dataset.
    DataMissingError
        If its folder is not there; the message says how to get the data.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.datasets import DATASETS
    >>> with TemporaryDirectory() as root:
    ...     _ = DATASETS.find("ptb_xl").write_fake(Path(root))
    ...     data = open_dataset("ptb_xl", root=root)
    ...     data["00001"]["ecg"].shape
    (5000, 12)
    """
    from cardium.datasets import DATASETS

    return DATASETS.find(name).open(root)


def list_datasets() -> list[str]:
    """List the datasets by name, those of plugins too.

    Returns
    -------
    list of str
        Sorted; nothing is imported.

    Examples
    --------
    >>> list_datasets()
    ['camus', 'echoxflow', 'ptb_xl']
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
    >>> list_tasks()[:3]
    ['blood_flow', 'ecg_superclass', 'lv_segmentation']
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
    >>> list_models()
    ['resnet_1d', 'training_mean', 'unet_2d', 'unet_3d']
    """
    from cardium.models import MODELS

    return MODELS.names()


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        raise AttributeError(f"module 'cardium' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
