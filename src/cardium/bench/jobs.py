"""Jobs: a cell, the folder it is computed in, and what it is computed on."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import msgspec

from cardium.bench._locks import locked
from cardium.bench.cells import Cell
from cardium.bench.spec import Machine
from cardium.core.files import read_json, write_json, write_text
from cardium.errors import CardiumError, DataCorruptError, DataMissingError

CELL = "cell.toml"
DONE = "done.json"
FAILED = "failed.json"
LOG = "log.txt"
RUN_CELL = "cardium.bench.work:run_cell"
"""The function that computes a cell: ``module:name``, importable in any process."""

Outcome = Literal["done", "failed", "busy"]

CODES: Mapping[int, Outcome] = {0: "done", 3: "failed", 4: "busy"}
"""What the exit code of a cell's process says; any other is a crash."""

WAIT = "wait"
"""Tells that process to wait for another one that is at the cell."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs to know to compute a cell.

    Parameters
    ----------
    cell : Cell
        The cell.
    folder : str
        Its folder, absolute.
    root : str
        The dataset's folder.
    machine : Machine
        What it is computed on.
    keep : bool
        Whether predictions stay.
    progress : bool
        Whether bars may be drawn on a terminal.

    Examples
    --------
    >>> cell = Cell("blood_flow", "temporal_unet", "cartesian", 0, 0, {"fold": 0})
    >>> job = Job(cell, "/bench/cells/a", "/data", Machine())
    >>> Job.from_json(job.to_json()) == job
    True
    """

    cell: Cell
    folder: str
    root: str
    machine: Machine
    keep: bool = False
    progress: bool = False

    def to_json(self) -> str:
        """Describe it for another process."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Build what `to_json` described.

        Raises
        ------
        DataCorruptError
            If it is not that.
        """
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise DataCorruptError(f"Not a job: {error}.") from error


@dataclass(frozen=True, slots=True)
class State:
    """How far a cell is.

    Parameters
    ----------
    state : {"done", "failed", "begun", "missing"}
        How far.
    reason : str
        Why it failed.
    """

    state: Literal["done", "failed", "begun", "missing"]
    reason: str = ""


def read_state(folder: Path) -> State:
    """Say how far the cell of a folder is."""
    if (folder / DONE).is_file():
        return State("done")
    try:
        return State("failed", str(read_json(folder / FAILED).get("reason", "")))
    except DataMissingError:
        return State("begun" if folder.is_dir() else "missing")


def perform(job: Job, work: str = RUN_CELL, *, wait: bool = True) -> Outcome:
    """Compute a cell in this process, unless it is done or another one is at it.

    Parameters
    ----------
    job : Job
        The cell and its folder. It is made; ``done.json`` is written last.
    work : str
        The function that computes it, ``module:name``.
    wait : bool
        Whether to wait for another process that is at it.

    Returns
    -------
    {"done", "failed", "busy"}
        What came of it; ``failed.json`` has the reason.

    Notes
    -----
    Where several processes train one cell together (torchrun), the first one does all
    of this and the others take part in the training alone.
    """
    folder = Path(job.folder)
    if rank():
        find_work(work)(job)
        return "done"
    with locked(folder / "lock", wait=wait) as mine:
        if not mine:
            return "busy"
        if (folder / DONE).is_file():
            return "done"
        (folder / FAILED).unlink(missing_ok=True)
        _describe(job)
        try:
            find_work(work)(job)
        except (CardiumError, OSError, MemoryError) as error:
            write_failure(folder, f"{type(error).__name__}: {error}")
            return "failed"
        write_json(folder / DONE, {"cell": job.cell.name, "key": job.cell.key})
        return "done"


def find_work(work: str) -> Callable[[Job], None]:
    """Import the function that computes a cell."""
    module, _, name = work.partition(":")
    found: Callable[[Job], None] = getattr(import_module(module), name)
    return found


def write_failure(folder: Path, reason: str) -> None:
    """Write down why a cell has no result."""
    write_json(folder / FAILED, {"reason": reason})


def rank() -> int:
    """Return which of the processes that train together this is; 0 if it is alone."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)


def _describe(job: Job) -> None:
    """Write down what a cell is."""
    import tomli_w

    cell = job.cell
    about: dict[str, Any] = {"key": cell.key, "name": cell.name, "model": cell.model}
    text = tomli_w.dumps({"cell": about, **_without_none(cell.facts)})
    write_text(Path(job.folder) / CELL, text)


def _without_none(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Leave out what TOML has no word for."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value
