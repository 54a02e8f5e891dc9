"""Cells dealt to processes: killed, crashed, interrupted, twice at once; resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cardium.bench._locks import locked
from cardium.bench.cells import Cell
from cardium.bench.engines import deal_devices, run_dask, run_local
from cardium.bench.jobs import Job, perform, read_state
from cardium.bench.spec import Machine
from cardium.errors import InvalidArgumentError, UnknownNameError

HERE = Path(__file__).parent
WORK = "fake_cells:count"


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes import the cells of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.syspath_prepend(str(HERE))


def make_jobs(out: Path, count: int = 3, **facts: object) -> list[Job]:
    (out / "cells").mkdir(parents=True, exist_ok=True)
    jobs = []
    for fold in range(count):
        asked = {"batches": 3, "pause": 0.0, "fold": fold, **facts}
        cell = Cell("task", "model", "beamspace", fold, 0, asked)
        folder = str(out / "cells" / cell.name)
        jobs.append(Job(cell, folder, str(out), Machine(accelerator="cpu")))
    return jobs


def rows_of(jobs: list[Job]) -> list[str]:
    return [(Path(job.folder) / "rows.csv").read_text() for job in jobs]


def starts(job: Job) -> int:
    return len((Path(job.folder) / "starts.txt").read_text().split())


def states(jobs: list[Job]) -> list[str]:
    return [read_state(Path(job.folder)).state for job in jobs]


def expected(fold: int) -> str:
    """The rows of a cell, by hand."""
    head = "task,model,domain,fold,seed,protocol,batch,recordings,patients,metric,value"
    lines = [
        f"task,model,beamspace,{fold},0,published,{b},r,p,loss,{fold + b / 10}"
        for b in range(3)
    ]
    return "\n".join([head, *lines]) + "\n"


def test_every_cell_is_computed_once(tmp_path: Path) -> None:
    jobs, seen = make_jobs(tmp_path), []
    run_local(jobs, WORK, slots=2, progress=lambda *done: seen.append(done))
    assert rows_of(jobs) == [expected(fold) for fold in range(3)]
    assert seen == [(1, 3), (2, 3), (3, 3)]
    run_local(jobs, WORK, slots=2)
    assert [starts(job) for job in jobs] == [1, 1, 1]


def test_a_killed_process_is_started_again_and_a_bad_one_is_a_row(
    tmp_path: Path,
) -> None:
    jobs = [
        make_jobs(tmp_path, 1, end=end)[0]
        for end in ("killed once", "killed", "refuses", "crashes", "")
    ]
    run_local(jobs, WORK, slots=2)
    assert states(jobs) == ["done", "failed", "failed", "failed", "done"]
    assert [starts(job) for job in jobs] == [2, 2, 1, 1, 1]
    # the batch that was there when it was killed is not computed again
    computed = (Path(jobs[0].folder) / "computed.txt").read_text().split()
    assert computed == ["0", "1", "2"]
    reasons = [read_state(Path(job.folder)).reason for job in jobs]
    assert "ended by signal 9" in reasons[1]
    assert reasons[2] == "NotProvidedError: It has no clips."
    assert "code 1" in reasons[3]
    assert "RuntimeError: out of memory, as it were" in reasons[3]
    assert rows_of([jobs[0], jobs[4]]) == [expected(0), expected(0)]


def test_a_cell_that_failed_is_tried_again(tmp_path: Path) -> None:
    (job,) = make_jobs(tmp_path, 1, end="refuses")
    assert perform(job, WORK) == "failed"
    assert perform(job, WORK) == "failed"
    assert starts(job) == 2


DRIVER = """
import sys
from pathlib import Path
from cardium.bench.engines import run_local
from cardium.bench.jobs import Job
jobs = [Job.from_json(line) for line in Path(sys.argv[1]).read_text().splitlines()]
run_local(jobs, "fake_cells:count", slots=2)
"""


def start_run(jobs: list[Job], where: Path) -> subprocess.Popen[bytes]:
    listed = where / "jobs.txt"
    listed.write_text("\n".join(job.to_json() for job in jobs))
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(listed)],
        stderr=subprocess.PIPE,
        # what a shell starts in the background ignores SIGINT, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def pids(jobs: list[Job]) -> list[int]:
    found = []
    for job in jobs:
        path = Path(job.folder) / "starts.txt"
        found += [int(pid) for pid in path.read_text().split()] if path.exists() else []
    return found


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_goes_on_and_its_processes_end(
    tmp_path: Path, number: signal.Signals
) -> None:
    jobs = make_jobs(tmp_path, 4, pause=0.25)
    run = start_run(jobs, tmp_path)
    wait_for(lambda: pids(jobs))
    time.sleep(random.Random(int(number)).uniform(0.2, 0.6))
    run.send_signal(number)
    run.communicate(timeout=30)
    wait_for(lambda: not any(map(is_running, pids(jobs))))
    assert "done" not in states(jobs[3:])  # it was ended in the middle
    if number == signal.SIGINT:
        assert not list(tmp_path.rglob(".part*"))
    run_local(jobs, WORK, slots=2)
    assert rows_of(jobs) == [expected(fold) for fold in range(4)]
    for job in jobs:  # nothing that was there was computed again
        computed = (Path(job.folder) / "computed.txt").read_text().split()
        assert sorted(computed) == ["0", "1", "2"]


def test_two_runs_at_once_compute_each_cell_once(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, 4, pause=0.1)
    other = start_run(jobs, tmp_path)
    run_local(jobs, WORK, slots=2)
    assert other.communicate(timeout=60)[1] == b""
    assert [starts(job) for job in jobs] == [1, 1, 1, 1]
    assert states(jobs) == ["done"] * 4


def test_a_lock_is_let_go_when_its_process_dies(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, time; from pathlib import Path; "
        "from cardium.bench._locks import locked\n"
        "with locked(Path(sys.argv[1]), wait=True):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with locked(path, wait=False) as mine:
        assert not mine
    holder.kill()
    holder.communicate()
    with locked(path, wait=False) as mine:
        assert mine


def test_a_process_that_trains_with_others_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = make_jobs(tmp_path, 1)
    Path(job.folder).mkdir()
    monkeypatch.setenv("LOCAL_RANK", "1")
    with locked(Path(job.folder) / "lock", wait=False):  # the first process has it
        assert perform(job, WORK) == "done"
    assert not (Path(job.folder) / "done.json").exists()


def test_devices_are_dealt_round_robin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5,7")
    seen = [env["CUDA_VISIBLE_DEVICES"] for env in deal_devices(4, Machine())]
    assert seen == ["2", "5", "7", "2"]
    seen = [e["CUDA_VISIBLE_DEVICES"] for e in deal_devices(2, Machine(devices=2))]
    assert seen == ["2,5", "7,2"]
    with pytest.raises(InvalidArgumentError, match=r"4 devices.*3 GPUs"):
        deal_devices(1, Machine(devices=4))
    assert deal_devices(2, Machine("cpu"))[0].keys() <= {"NUMBA_NUM_THREADS"}


def test_cores_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cardium.bench.engines._cores", lambda: 9)
    threads = {"OMP_NUM_THREADS": "4", "NUMBA_NUM_THREADS": "4"}
    assert deal_devices(2, Machine()) == [threads, threads]
    with pytest.raises(InvalidArgumentError, match="nodes is 2"):
        run_local([Job(make_cell(), "", "", Machine(nodes=2))])


def make_cell() -> Cell:
    return Cell("task", "model", "beamspace", 0, 0, {})


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers, each a process."""
    pytest.importorskip("distributed")
    file, run = tmp_path / "scheduler.json", [sys.executable, "-m", "distributed.cli"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    here = ["--scheduler-file", str(file), "--no-dashboard"]
    head = [*run[:-1], "distributed.cli.dask_scheduler", "--port", "0", *here]
    processes = [subprocess.Popen([*head, "--host", "127.0.0.1"], **quiet)]
    for name in ("one", "two"):
        hand = [*run[:-1], "distributed.cli.dask_worker", "--no-nanny", *here]
        size = ["--nthreads", "4", "--resources", "cell=1", "--name", name]
        place = ["--local-directory", str(tmp_path / name)]
        processes.append(subprocess.Popen([*hand, *size, *place], **quiet))
    try:
        wait_for(file.exists)
        yield str(file), processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_a_cluster_that_loses_a_worker_computes_all(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    file, workers = cluster
    out = tmp_path / "bench"
    jobs = make_jobs(out, 5, pause=0.3)
    jobs += make_jobs(out, 1, end="refuses") + make_jobs(out, 1, end="crashes")
    code = DRIVER.replace("run_local(", "run_dask(").replace("run_local", "run_dask")
    code = code.replace("slots=2", f"scheduler={file!r}")
    (tmp_path / "jobs.txt").write_text("\n".join(job.to_json() for job in jobs))
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "jobs.txt")],
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: len(pids(jobs)) >= 2)  # both workers are in the middle of a cell
    began = pids(jobs)
    workers[0].send_signal(signal.SIGKILL)
    _, said = run.communicate(timeout=100)
    assert run.returncode == 0, said.decode()
    assert rows_of(jobs[:5]) == [expected(fold) for fold in range(5)]
    assert states(jobs) == ["done"] * 5 + ["failed"] * 2
    assert sum(starts(job) for job in jobs[:5]) == 6  # one was begun twice
    assert not any(map(is_running, began))
    reasons = [read_state(Path(job.folder)).reason for job in jobs[5:]]
    assert reasons[0] == "NotProvidedError: It has no clips."
    assert "CrashError" in reasons[1]
    assert "out of memory, as it were" in reasons[1]
    assert starts(jobs[6]) == 3


def test_a_resource_must_be_announced(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    jobs = make_jobs(tmp_path, 1)
    with pytest.raises(UnknownNameError, match=r"'gpu'.*cell"):
        run_dask(jobs, WORK, scheduler=cluster[0], resource="gpu")
    assert not os.listdir(tmp_path / "cells")
    with pytest.raises(InvalidArgumentError, match="No Dask scheduler"):
        run_dask(jobs, WORK, scheduler="nonsense")


def test_a_job_goes_through_json(tmp_path: Path) -> None:
    (job,) = make_jobs(tmp_path, 1, options={"stride": 16, "domain": "beamspace"})
    assert Job.from_json(job.to_json()) == job
    assert json.loads(job.to_json())["cell"]["facts"]["options"]["stride"] == 16
