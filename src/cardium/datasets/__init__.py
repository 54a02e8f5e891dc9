"""One module a dataset; the module's name is the dataset's."""

from __future__ import annotations

from pathlib import Path

from cardium.core import Dataset, Finding, OpenDataset, Registry
from cardium.datasets._fetch import fetch
from cardium.datasets._stats import stats, tables
from cardium.datasets._verify import verify
from cardium.errors import RunConflictError

__all__ = [
    "DATASETS",
    "Finding",
    "fetch",
    "open_dataset",
    "stats",
    "tables",
    "verify",
]

DATASETS: Registry[Dataset] = Registry("dataset", "DATASET", Dataset)
"""The datasets there are, by name."""


def open_dataset(name: str, root: str | Path | None = None) -> OpenDataset:
    """Open a dataset by name, where it lies or in a pack of its signals.

    Parameters
    ----------
    name : str
        The dataset's name.
    root : str or Path, optional
        Its folder, or that of a pack of it (`cardium.io.signal_packs`). If not given,
        ``$CARDIUM_DATA/<name>``; without that variable, the platform's data folder for
        cardium.

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
    RunConflictError
        If the folder is a pack of another dataset.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as root:
    ...     _ = DATASETS.find("ptb_xl").write_fake(Path(root))
    ...     open_dataset("ptb_xl", root)["00001"]["ecg"].shape
    (5000, 12)
    """
    from cardium.io.signal_packs import is_signal_pack, open_signal_pack

    dataset = DATASETS.find(name)
    if root is None or not is_signal_pack(root):
        return dataset.open(root)
    pack = open_signal_pack(root)
    if pack.dataset.name != name:
        raise RunConflictError(
            f"'{root}' is a pack of {pack.dataset.name}, and {name} is asked for. "
            "Name the pack's dataset, or another folder."
        )
    return pack
