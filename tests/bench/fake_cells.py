"""Cells that take a moment and whose rows are known; processes import this by name."""

import os
import signal
import time
from pathlib import Path

from cardium.bench.jobs import Job
from cardium.bench.rows import Row, write_rows
from cardium.core.files import write_text
from cardium.errors import NotProvidedError


def count(job: Job) -> None:
    """Write one batch after another, and the rows of all of them."""
    facts, cell, folder = job.cell.facts, job.cell, Path(job.folder)
    with (folder / "starts.txt").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    rows = []
    for batch in range(facts.get("batches", 3)):
        path = folder / "batches" / f"{batch}.txt"
        if not path.exists():
            time.sleep(facts.get("pause", 0.0))
            write_text(path, repr(cell.fold + batch / 10))
            with (folder / "computed.txt").open("a") as computed:
                computed.write(f"{batch}\n")
        value = float(path.read_text())
        where = (cell.task, cell.model, cell.domain, cell.fold, cell.seed)
        rows.append(Row(*where, "published", batch, ("r",), ("p",), "loss", value))
        end_badly(facts.get("end", ""), folder)
    write_rows(folder, rows)


def end_badly(end: str, folder: Path) -> None:
    """End as a test asks."""
    died = folder / "died"
    if end == "killed" or (end == "killed once" and not died.exists()):
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "refuses":
        raise NotProvidedError("It has no clips.")
    if end == "crashes":
        raise RuntimeError("out of memory, as it were")
