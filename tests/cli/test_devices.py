"""A training on several devices, as a user starts it: two processes on the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cardium.datasets import DATASETS
from cardium.fit import load_run


def test_two_processes_end_in_one_run(tmp_path: Path) -> None:
    root, run = tmp_path / "ptb_xl", tmp_path / "run"
    root.mkdir()
    DATASETS.find("ptb_xl").write_fake(root)
    words = ["fit", "ecg_superclass", "--data", "ptb_xl", "--root", root, "-o", run]
    size = ["--steps", 4, "--batch-size", 4, "-S", "width=8", "--draws", 20]
    devices = ["--accelerator", "cpu", "--devices", 2]
    done = subprocess.run(
        [sys.executable, "-m", "cardium", *map(str, [*words, *size, *devices])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("The report:") == 1
    assert load_run(run).describe()["name"] == "resnet_1d"
