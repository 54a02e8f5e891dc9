"""Datasets: three functions and a data sheet."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from cardium.core.recording import Catalog, Entry, Recording
from cardium.errors import DataMissingError

_VARIABLE = "CARDIUM_DATA"


@dataclass(frozen=True, slots=True)
class Info:
    """Where a dataset comes from, on what terms, and what to know of it.

    Parameters
    ----------
    title : str
        Its name as its authors write it.
    summary : str
        One sentence: what, how many, whose.
    version : str
        The release that the reader was written for.
    url : str
        Its home.
    license : str
        The licence, as short as it can be said.
    citation : str
        The paper to cite, with DOI.
    access : str
        How to get it: the steps a person takes.
    checksums : str, optional
        The source's own SHA-256 list, relative to the root.
    download : str, optional
        Address under which the source serves its files to everybody, if it does.
    """

    title: str
    summary: str
    version: str
    url: str
    license: str
    citation: str
    access: str
    checksums: str | None = None
    download: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a dataset on disk.

    Parameters
    ----------
    severity : {"error", "warning"}
        ``error``: something is broken. ``warning``: something is not there, as is
        normal in a partial copy, or is unusual.
    where : str
        The recording, file or list that it is about.
    problem : str
        What is wrong.
    remedy : str
        What to do.
    kind : str, optional
        What it is, for programs: ``"missing-array"``, ``"wrong-hash"``.
    """

    severity: Literal["error", "warning"]
    where: str
    problem: str
    remedy: str
    kind: str = ""


Check = tuple[str, Callable[[], Iterable[Finding]]]
"""What is checked, and a function that checks it when it is called."""

Rows = Sequence[Mapping[str, str | int | float | None]]
"""A table: a mapping of column to cell for each row."""

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """A recording that a fake dataset was written from: what reading must give back.

    Parameters
    ----------
    recording : Recording
        Entry, streams and annotations, with values in memory.
    tolerance : mapping of str to float
        Largest allowed difference per stream, in the stream's unit, where the
        format rounds; streams not named must agree exactly.
    """

    recording: Recording
    tolerance: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset is three functions and what there is to say about it.

    Parameters
    ----------
    name : str
        The name of its module and on the command line.
    info : Info
        The data sheet.
    provides : frozenset of str
        Streams, annotations and labels that its recordings can have.
    index : function (root) -> Catalog
        Read the catalog; open no recording.
    load : function (root, entry) -> Recording
        Open one recording; values are read when sliced.
    write_fake : function (root) -> tuple of KnownAnswer
        Write a small dataset of known content in the source's own layout.
    absent : function (root) -> tuple of str, optional
        What the source lists and the folder lacks, patients or recordings that for
        that reason have no entry: a partial copy is fine, but should be known.
    audit : function (root, limit) -> iterable of Check, optional
        Hold the source's own tables against its files, without decoding them. Each
        check is of one recording or table; at most `limit` recordings are opened, if
        that is not None.
    tables : function (root, progress) -> mapping of str to rows, optional
        Count what the dataset holds, by the source's own kinds.
    folder : str, optional
        Where it lies by default, if it shares its files with another dataset: the name
        of that one.
    """

    name: str
    info: Info
    provides: frozenset[str]
    index: Callable[[Path], Catalog]
    load: Callable[[Path, Entry], Recording]
    write_fake: Callable[[Path], tuple[KnownAnswer, ...]]
    absent: Callable[[Path], tuple[str, ...]] = lambda root: ()
    audit: Callable[[Path, int | None], Iterable[Check]] = lambda root, limit: ()
    tables: Callable[[Path, Progress | None], Mapping[str, Rows]] | None = None
    folder: str = ""

    def open(self, root: str | Path | None = None) -> OpenDataset:
        """Open the dataset under a root folder; see `find_root` for the default."""
        return OpenDataset(self, find_root(self, root))


class OpenDataset:
    """A dataset on disk: its catalog, and its recordings by id.

    Parameters
    ----------
    dataset : Dataset
        What it is.
    root : Path
        Where it lies.
    """

    def __init__(self, dataset: Dataset, root: Path) -> None:
        self.dataset = dataset
        self.root = root

    @cached_property
    def catalog(self) -> Catalog:
        """All entries, read once."""
        return self.dataset.index(self.root)

    def __len__(self) -> int:
        return len(self.catalog)

    def __iter__(self) -> Iterator[Recording]:
        return (self.load(entry) for entry in self.catalog)

    def __getitem__(self, recording: str) -> Recording:
        return self.load(self.catalog[recording])

    def __repr__(self) -> str:
        return f"<{self.dataset.info.title} at '{self.root}'>"

    def load(self, entry: Entry) -> Recording:
        """Open one recording."""
        return self.dataset.load(self.root, entry)


def find_root(dataset: Dataset, root: str | Path | None = None) -> Path:
    """Say where a dataset lies: the argument, ``CARDIUM_DATA``, or the data folder.

    Parameters
    ----------
    dataset : Dataset
        The dataset looked for.
    root : str or Path, optional
        Its folder. If not given, ``$CARDIUM_DATA/<name>``; without that variable, the
        platform's data folder for cardium.

    Returns
    -------
    Path
        A folder that exists.

    Raises
    ------
    DataMissingError
        If the folder does not exist; the message says how to get the data.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from cardium.datasets.camus import DATASET
    >>> with TemporaryDirectory() as folder:
    ...     find_root(DATASET, folder) == Path(folder)
    True
    """
    path = default_root(dataset) if root is None else Path(root).expanduser()
    if not path.is_dir():
        default = _VARIABLE if _VARIABLE in os.environ else "the default data folder"
        raise DataMissingError(
            f"{dataset.info.title}: there is no folder '{path}' "
            f"(from {default if root is None else 'root'}). "
            f"{dataset.info.access} Then give its folder as root (--root), or set "
            f"CARDIUM_DATA to the folder that holds '{dataset.name}'."
        )
    return path


def default_root(dataset: Dataset) -> Path:
    """Say where a dataset lies, or is to lie, if no root is given.

    Parameters
    ----------
    dataset : Dataset
        The dataset looked for.

    Returns
    -------
    Path
        ``$CARDIUM_DATA/<name>``; without that variable, a folder in the platform's data
        folder for cardium. It may not exist.

    Examples
    --------
    >>> from cardium.datasets.camus import DATASET
    >>> default_root(DATASET).name
    'camus'
    """
    folder = dataset.folder or dataset.name
    if _VARIABLE in os.environ:
        return Path(os.environ[_VARIABLE]).expanduser() / folder
    from platformdirs import user_data_path

    return user_data_path("cardium") / folder
