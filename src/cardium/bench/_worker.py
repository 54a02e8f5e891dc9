"""The process of one cell: ``python -m cardium.bench._worker WORK WAIT JOB``.

It ends when the process that started it does: that one holds the other end of its
standard input.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from cardium.bench.jobs import CODES, WAIT, Job, perform


def main(work: str, wait: str, job: str) -> int:
    """Compute a cell."""
    Thread(target=_end_with_parent, daemon=True).start()
    outcome = perform(Job.from_json(job), work, wait=wait == WAIT)
    return {name: code for code, name in CODES.items()}[outcome]


def _end_with_parent() -> None:
    """Wait for the end of standard input, then end this process and its own."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    if os.getsid(0) == os.getpgrp():  # a group of its own, as the engines make it
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
