"""Engines: how the cells of a matrix are dealt to processes, here or on a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from cardium.bench.jobs import (
    CODES,
    DONE,
    LOG,
    RUN_CELL,
    WAIT,
    Job,
    write_failure,
)
from cardium.bench.spec import Machine
from cardium.core import need
from cardium.errors import (
    CardiumError,
    DataMissingError,
    InvalidArgumentError,
    UnknownNameError,
)

Progress = Callable[[int, int], None]
Environment = Mapping[str, str]
_PAUSE = 0.05  # seconds between two looks at the processes
_GRACE = 10.0  # seconds that a process has to end when it is asked to
_TRIES = 2


class CrashError(CardiumError):
    """The process of a cell ended without a result."""


def run_local(
    jobs: Sequence[Job],
    work: str = RUN_CELL,
    *,
    slots: int = 1,
    progress: Progress | None = None,
) -> None:
    """Compute cells on this machine, each in a process of its own.

    Parameters
    ----------
    jobs : sequence of Job
        The cells, in the order they are begun. What became of each stands in its
        folder: ``done.json``, or ``failed.json`` with the reason.
    work : str
        The function that computes one, ``module:name``.
    slots : int
        Cells at once.
    progress : function (done, total), optional
        Called when a cell ends.

    Raises
    ------
    InvalidArgumentError
        If a cell wants several hosts.

    Notes
    -----
    GPUs are dealt round robin, to each cell as many as it asks for; without a GPU the
    cores are shared. A process that is killed is started once more, and takes the cell
    up where it was. A cell that another run is at is put off to the end. When this
    process ends, however it does, so do those it started.
    """
    _check_nodes(jobs)
    environments = deal_devices(slots, jobs[0].machine if jobs else Machine())
    waiting = deque(_Try(job) for job in jobs)
    free, done = deque(range(slots)), 0
    with _children() as children:
        while waiting or children:
            while waiting and free:
                one, slot = waiting.popleft(), free.popleft()
                children[slot] = _start(one, work, environments[slot]), one
            ended = [k for k, (one, _) in children.items() if one.poll() is not None]
            for slot in ended:
                process, one = children.pop(slot)
                _close(process)
                free.append(slot)
                if (again := _after(process, one)) is not None:
                    waiting.append(again)
                    continue
                done += 1
                if progress is not None:
                    progress(done, len(jobs))
            if not ended:
                time.sleep(_PAUSE)


def run_dask(
    jobs: Sequence[Job],
    work: str = RUN_CELL,
    *,
    scheduler: str,
    resource: str | None = None,
    retries: int = 2,
    progress: Progress | None = None,
) -> None:
    """Compute cells on a Dask cluster that is already there.

    Parameters
    ----------
    jobs : sequence of Job
        The cells. Their folders and the dataset lie on a disk that workers see under
        the same path.
    work : str
        The function that computes one, ``module:name``.
    scheduler : str
        The scheduler's address, or its file.
    resource : str, optional
        The resource of the workers that a cell takes one of, so that a worker computes
        one at a time. If not given, ``cell`` where workers announce it.
    retries : int
        How often a cell whose process crashed is tried again. One whose worker is lost
        goes to another worker as the scheduler is set.
    progress : function (done, total), optional
        Called when a cell ends.

    Raises
    ------
    InvalidArgumentError
        If no scheduler answers, or a cell wants several hosts.
    UnknownNameError
        If no worker announces the resource asked for.
    MissingLibraryError
        If ``distributed`` is not installed.

    Notes
    -----
    Each cell runs in a process that its worker starts, so a crash costs no worker. A
    worker that is lost takes that process with it, and another one takes the cell up.
    """
    _check_nodes(jobs)
    need("distributed", extra="cluster")
    distributed: Any = import_module("distributed")
    with _connect(distributed, scheduler) as client:
        client.wait_for_workers(1)  # what workers announce is not known before
        taken = _resource(client.run_on_scheduler(_announced), resource)
        cell_of = {
            client.submit(
                run_apart,
                job.to_json(),
                work,
                key=job.cell.name,
                pure=False,
                retries=retries,
                resources=taken,
            ): job
            for job in jobs
        }
        ended = distributed.as_completed(list(cell_of))
        try:
            for done, future in enumerate(ended, start=1):
                _conclude(Path(cell_of[future].folder), future.exception())
                if progress is not None:
                    progress(done, len(jobs))
        except KeyboardInterrupt:
            client.cancel(list(cell_of))
            raise


def run_apart(job: str, work: str) -> str:
    """Compute one cell in a process of its own, and wait for it.

    Parameters
    ----------
    job : str
        What `Job.to_json` returned.
    work : str
        The function that computes it, ``module:name``.

    Returns
    -------
    {"done", "failed"}
        What came of it.

    Raises
    ------
    CrashError
        If the process ended without a result.
    DataMissingError
        If this host does not see the folder of the benchmark.
    """
    one = Job.from_json(job)
    if not Path(one.folder).parent.is_dir():
        raise DataMissingError(
            f"This worker does not see '{Path(one.folder).parent}'. Give --output on a "
            "disk that all workers share."
        )
    attempt = _Try(one, wait=True)
    with _children() as children:
        children[0] = _start(attempt, work, {}), attempt
        code = children[0][0].wait()
    if code not in CODES:
        raise CrashError(_last_words(Path(one.folder), code))
    return CODES[code]


def deal_devices(slots: int, machine: Machine) -> list[Environment]:
    """Say what each of the processes that run at once sees of the machine.

    Parameters
    ----------
    slots : int
        How many there are.
    machine : Machine
        How many GPUs each asks for, if it may have any.

    Returns
    -------
    list of mapping
        What is added to the environment of each.

    Examples
    --------
    >>> from cardium.bench.engines import share_gpus
    >>> share_gpus(["0", "1", "2"], slots=2, devices=2)
    [['0', '1'], ['2', '0']]
    """
    gpus = [] if machine.accelerator == "cpu" else _gpus()
    cores = str(max(1, _cores() // (slots * machine.devices)))
    wanted = {"OMP_NUM_THREADS": cores, "NUMBA_NUM_THREADS": cores}
    threads = {k: v for k, v in wanted.items() if k not in os.environ}
    if not gpus:
        return [threads] * slots
    shares = share_gpus(gpus, slots=slots, devices=machine.devices)
    return [{**threads, "CUDA_VISIBLE_DEVICES": ",".join(one)} for one in shares]


def share_gpus(gpus: Sequence[str], *, slots: int, devices: int) -> list[list[str]]:
    """Deal GPUs round robin, so many to each slot."""
    if devices > len(gpus):
        raise InvalidArgumentError(
            f"A cell asks for {devices} devices, this machine has {len(gpus)} GPUs."
        )
    return [
        [gpus[(slot * devices + k) % len(gpus)] for k in range(devices)]
        for slot in range(slots)
    ]


@dataclass(frozen=True, slots=True)
class _Try:
    """A cell that is to be computed: how often it was killed, whether it is waited for.

    The first time round, a cell that another run is at is passed over.
    """

    job: Job
    killed: int = 0
    wait: bool = False


Children = dict[int, tuple[subprocess.Popen[bytes], _Try]]


@contextmanager
def _children() -> Iterator[Children]:
    """Keep processes; those that are left at the end are ended."""
    children: Children = {}
    try:
        yield children
    finally:
        for process, _ in children.values():
            if process.poll() is None:
                _signal(process, signal.SIGINT)
        until = time.monotonic() + _GRACE
        for process, _ in children.values():
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            _close(process)


def _start(one: _Try, work: str, environment: Environment) -> subprocess.Popen[bytes]:
    """Start the process of a cell; what it prints goes to a file."""
    folder = Path(one.job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    words = (work, WAIT if one.wait else "", one.job.to_json())
    with (folder / LOG).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "cardium.bench._worker", *words],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=os.environ | environment,
            start_new_session=True,
        )


def _close(process: subprocess.Popen[bytes]) -> None:
    """Let go of a process that ended."""
    if process.stdin is not None:
        process.stdin.close()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a process and to those that it started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _after(process: subprocess.Popen[bytes], one: _Try) -> _Try | None:
    """Say whether a cell whose process ended is to be started again, and how."""
    code, folder = process.returncode, Path(one.job.folder)
    if CODES.get(code) == "busy":
        return replace(one, wait=True)
    if code in CODES:
        return None
    if code < 0 and one.killed + 1 < _TRIES:
        return replace(one, killed=one.killed + 1)
    _conclude(folder, CrashError(_last_words(folder, code)))
    return None


def _conclude(folder: Path, error: BaseException | None) -> None:
    """Write down why a cell has no result, if its process could not."""
    if error is not None and not (folder / DONE).is_file():
        write_failure(folder, f"{type(error).__name__}: {error}")


def _last_words(folder: Path, code: int) -> str:
    """Say how a process ended, with the last line that it printed."""
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    lines = (folder / LOG).read_text("utf-8", "replace").splitlines()
    said = next((line for line in reversed(lines) if line.strip()), "nothing")
    return f"The process {how}. It last said: {said.strip()} See {LOG}."


def _check_nodes(jobs: Sequence[Job]) -> None:
    """Refuse cells of several hosts, which no engine can start."""
    for job in jobs:
        if job.machine.nodes > 1:
            raise InvalidArgumentError(
                f"[machine] nodes is {job.machine.nodes}: start each cell on every "
                "host, torchrun … -m cardium bench run SPEC --cell KEY."
            )


def _gpus() -> list[str]:
    """List the GPUs that this process may use."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [one.strip() for one in named.split(",") if one.strip()]
    from importlib.util import find_spec

    if find_spec("torch") is None:
        return []
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _connect(distributed: Any, scheduler: str) -> Any:  # noqa: ANN401 - its client
    """Connect to a scheduler."""
    by = "scheduler_file" if Path(scheduler).is_file() else "address"
    try:
        return distributed.Client(**{by: scheduler})
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(
            f"No Dask scheduler answers at '{scheduler}': {error}"
        ) from error


def _announced(dask_scheduler: Any) -> list[str]:  # noqa: ANN401 - of distributed
    """List what workers announce; runs in the scheduler."""
    workers: Iterable[Any] = dask_scheduler.workers.values()
    return sorted({name for worker in workers for name in worker.resources})


def _resource(there: Sequence[str], asked: str | None) -> dict[str, float] | None:
    """Say what a cell takes of a worker."""
    if asked is not None and asked not in there:
        raise UnknownNameError("resource of a worker", asked, there)
    name = asked or "cell"
    return {name: 1.0} if name in there else None
