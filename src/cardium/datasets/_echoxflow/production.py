"""Simulated patients written as a dataset: examinations side by side, one result."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING

from cardium.core import Progress
from cardium.datasets._echoxflow.beside import write_beside
from cardium.datasets._echoxflow.dense import DENSE, write_dense
from cardium.datasets._echoxflow.exams import exam_name, open_writer
from cardium.datasets._echoxflow.layout import FOLDS
from cardium.datasets._echoxflow.patients import Order, Visit, examine
from cardium.datasets._echoxflow.truth import Row, patient_row, write_truth
from cardium.datasets._echoxflow.writer import Writer
from cardium.datasets._files import move
from cardium.errors import CardiumError

if TYPE_CHECKING:
    from cardium.phantom.patient import Patient

UNFINISHED = ".unfinished"
"""Folder of examinations that are being written; gone when all are."""


def write_patients(
    root: Path,
    patients: Sequence[Patient],
    order: Order,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Write an examination of each patient, or of each visit of one.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    patients : sequence of Patient
        Those with one number are visits of one patient and share a fold.
    order : Order
        What is wanted of each.
    workers : int
        Processes that work at once; with one it is this one. The result is the same.
    progress : function (done, total), optional
        Called after each examination.

    Returns
    -------
    list of dict
        What is true of each examination.

    Raises
    ------
    CardiumError
        If a process ended before its work.

    Notes
    -----
    Each examination is written whole in a folder of its own, stream by stream, and
    moved to the root in the order of the patients. The catalogue comes last.
    """
    visits = _plan(patients)
    rows: list[Row] = []
    aside = root / UNFINISHED
    write = partial(_write_visit, aside, order)
    try:
        with open_writer(root) as writer, _mapping(min(workers, len(visits))) as each:
            for visit, (part, row) in zip(visits, each(write, visits), strict=True):
                writer.adopt(part)
                _move_rest(aside / exam_name(visit.number), root)
                rows.append(row)
                if progress is not None:
                    progress(len(rows), len(visits))
            write_truth(root, rows)
    except BrokenProcessPool as error:
        raise CardiumError(
            f"A process that simulated for '{root}' ended before its work: killed, or "
            f"out of memory. {len(rows)} of {len(visits)} examinations were done; the "
            "root has no catalogue. Empty it and write it again, with fewer workers."
        ) from error
    finally:
        rmtree(aside, ignore_errors=True)
    return rows


_Written = tuple[Writer, Row]
_Map = Callable[[Callable[[Visit], _Written], Iterable[Visit]], Iterable[_Written]]


def _plan(patients: Sequence[Patient]) -> list[Visit]:
    """Count the examinations, and deal the patients to the folds in turn."""
    folds: dict[int, int] = {}
    for patient in patients:
        folds.setdefault(patient.number, len(folds) % FOLDS)
    return [
        Visit(number, patient, folds[patient.number])
        for number, patient in enumerate(patients)
    ]


def _write_visit(aside: Path, order: Order, visit: Visit) -> _Written:
    """Write one examination to a folder of its own; its catalogue stays unwritten."""
    folder = aside / exam_name(visit.number)
    rmtree(folder, ignore_errors=True)
    writer = open_writer(folder)
    row = patient_row(visit)
    for made in examine(visit, order):
        name = writer.add(made.recordings, stitched_beats=made.beats)
        row |= made.truth
        if order.dense and made.films:
            write_dense(folder / DENSE / f"{name}.zarr", made.films)
    if order.modes == "all":
        row |= write_beside(folder, visit, preset=order.other_preset)
    return writer, row


def _move_rest(folder: Path, root: Path) -> None:
    """Move what lies beside the stores of an examination to the root."""
    for source in sorted(folder.glob("*/*")):
        if source.parent.name != "recordings":
            move(source, root / source.relative_to(folder))
    rmtree(folder)


_THREADS = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}
"""Variables that say how many threads linear algebra uses, read when it is loaded."""


@contextmanager
def _mapping(workers: int) -> Iterator[_Map]:
    """Yield what maps a function over visits in order: here, or in other processes."""
    if workers < 2:
        yield map
        return
    # Forking a process with threads, which numba and zarr start, may hang.
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_when_interrupted
    )
    # Workers that each use all cores for a small product wait for each other.
    unset = _THREADS - {*os.environ}
    os.environ |= dict.fromkeys(unset, "1")
    try:
        yield pool.map
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for name in unset:
            del os.environ[name]


def _end_when_interrupted() -> None:
    """Let Ctrl-C, which a terminal sends to all processes, end a worker at once."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
