"""Running a benchmark: plan its cells, deal them to an engine, say how far they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cardium.bench.cells import Cell, Filters, Plan, check_filters, plan_cells
from cardium.bench.jobs import RUN_CELL, Job, State, perform, rank, read_state
from cardium.bench.spec import Spec, load_spec
from cardium.core import OpenDataset
from cardium.core.files import write_json
from cardium.errors import InvalidArgumentError, UnknownNameError

ENGINES = ("local", "dask")
PLAN = "plan.json"
Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A benchmark on a dataset, and the folder of its results.

    Parameters
    ----------
    spec : Spec
        The benchmark.
    data : OpenDataset
        The recordings.
    out : Path
        The folder.
    plan : Plan
        The cells.
    """

    spec: Spec
    data: OpenDataset
    out: Path
    plan: Plan

    def folder(self, cell: Cell) -> Path:
        """Return where a cell is computed."""
        return self.out / "cells" / cell.name

    def states(self, cells: Sequence[Cell]) -> list[tuple[Cell, State]]:
        """Say how far some cells are."""
        return [(cell, read_state(self.folder(cell))) for cell in cells]

    def job(self, cell: Cell, *, progress: bool = False) -> Job:
        """Describe a cell to the process that computes it."""
        return Job(
            cell,
            str(self.folder(cell).absolute()),
            str(self.data.root.absolute()),
            self.spec.machine,
            self.spec.output.keep_predictions,
            progress,
        )

    def write_plan(self) -> None:
        """Write down the cells of the benchmark, for the report."""
        write_json(
            self.out / PLAN,
            {
                "spec": self.spec.decisive(),
                "cells": [
                    {"name": one.name, "key": one.key, "task": one.task,
                     "model": one.model, "domain": one.domain, "fold": one.fold,
                     "seed": one.seed}
                    for one in self.plan.cells
                ],
                "left_out": [asdict(one) for one in self.plan.left_out],
                "reduced": self.plan.reduced,
                "metrics": self.plan.metrics,
                "recipes": self.plan.recipes,
            },
        )  # fmt: skip


def open_bench(
    spec: str | Path | Spec,
    *,
    root: str | Path | None = None,
    out: str | Path | None = None,
    jobs: int | None = None,
    workers: int | None = None,
) -> Opened:
    """Read a benchmark, open its dataset and list its cells; nothing is written.

    Parameters
    ----------
    spec : str, Path or Spec
        One of `list_specs`, a file, or what `load_spec` returned.
    root : str or Path, optional
        The dataset's folder, if it is not where the spec says.
    out : str or Path, optional
        Folder of the results. If not given, ``bench/<name>``.
    jobs, workers : int, optional
        Over ``[machine]``: cells at once, and processes that read, a cell.

    Returns
    -------
    Opened
        See `run_bench` for what can be raised.
    """
    spec = spec if isinstance(spec, Spec) else load_spec(spec)
    machine = spec.machine
    if jobs is not None:
        machine = replace(machine, jobs=jobs)
    if workers is not None:
        machine = replace(machine, workers=workers)
    spec = replace(spec, machine=machine)
    from cardium.datasets import DATASETS

    data = DATASETS.find(spec.data.dataset).open(root or spec.data.root or None)
    return Opened(spec, data, default_out(spec, out), plan_cells(spec, data))


def default_out(spec: Spec, out: str | Path | None) -> Path:
    """Return the folder of a benchmark's results."""
    return Path("bench") / spec.name if out is None else Path(out)


def run_bench(
    bench: Opened,
    *,
    filters: Filters | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    resource: str | None = None,
    work: str = RUN_CELL,
    bar: Bar | None = None,
) -> list[tuple[Cell, State]]:
    """Compute the cells of a benchmark that are not done yet.

    Parameters
    ----------
    bench : Opened
        What `open_bench` returned.
    filters : mapping of str to sequence, optional
        Which cells: ``{"task": ["blood_flow"], "fold": [0]}``.
    engine : {"local", "dask"}
        Processes on this machine, or a cluster of Dask.
    scheduler : str, optional
        The cluster's address, or its file.
    resource : str, optional
        What a cell takes of a worker; see `cardium.bench.engines.run_dask`.
    work : str
        The function that computes a cell, ``module:name``.
    bar : function (title), optional
        A context manager that gives a function (done, total).

    Returns
    -------
    list of (Cell, State)
        The cells asked for. One that failed has a reason, and is tried again next time.

    Raises
    ------
    UnknownNameError
        If there is no such engine, or the matrix does not hold what a filter names.
    InvalidArgumentError
        If the engine and the other arguments contradict each other.
    NotProvidedError
        If the dataset has no folds.

    Notes
    -----
    What is there is not computed again: a cell's folder is named by everything that
    decides its result, so changed inputs have another folder.
    """
    if engine not in ENGINES:
        raise UnknownNameError("engine", engine, ENGINES)
    if (engine == "dask") != (scheduler is not None):
        raise InvalidArgumentError(
            "A scheduler and the engine 'dask' go together, got engine "
            f"'{engine}' and scheduler {scheduler!r}."
        )
    cells = choose_cells(bench, filters or {})
    bench.write_plan()
    (bench.out / "cells").mkdir(parents=True, exist_ok=True)
    left = [cell for cell, state in bench.states(cells) if state.state != "done"]
    jobs = [bench.job(cell) for cell in left]
    with (bar or _no_bar)(f"{bench.spec.name}: {len(left)} cells") as progress:
        if scheduler is not None:
            from cardium.bench.engines import run_dask

            run_dask(
                jobs, work, scheduler=scheduler, resource=resource, progress=progress
            )
        elif jobs:
            from cardium.bench.engines import run_local

            slots = min(bench.spec.machine.jobs, len(jobs))
            run_local(jobs, work, slots=slots, progress=progress)
    return bench.states(cells)


def run_one(bench: Opened, key: str, *, work: str = RUN_CELL) -> tuple[Cell, State]:
    """Compute one cell in this process; what torchrun starts several times.

    Parameters
    ----------
    bench : Opened
        What `open_bench` returned.
    key : str
        The cell's key, or the name of its folder.
    work : str
        The function that computes it, ``module:name``.

    Returns
    -------
    cell : Cell
        The cell.
    state : State
        How far it is now.

    Raises
    ------
    UnknownNameError
        If the benchmark has no such cell.
    """
    cell = bench.plan.find(key)
    if not rank():
        bench.write_plan()
    perform(bench.job(cell, progress=True), work)
    return cell, read_state(bench.folder(cell))


def choose_cells(bench: Opened, filters: Filters) -> list[Cell]:
    """Return the cells that pass the filters; see `run_bench` for what is raised."""
    check_filters(bench.spec, filters)
    return [cell for cell in bench.plan.cells if cell.is_wanted(filters)]


def _no_bar(
    title: str,
) -> AbstractContextManager[Callable[[int, int], None] | None]:
    """Draw nothing."""
    return nullcontext()
