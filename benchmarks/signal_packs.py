"""Training batches of 12-lead ECGs from a pack against `wfdb.rdsamp`, in one process.

Run ``python benchmarks/signal_packs.py PTB_XL`` with the folder of PTB-XL, whole or in
part; add ``--json`` for a machine. Contenders take turns in every round, so whatever
slows the machine slows them all; each time is the median of the rounds, for one record.
A batch is what a network takes, (32, 12, samples) in float32 with its targets; nothing
of it is kept from round to round but what the system keeps of the files.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
import wfdb
from torch.utils.data import DataLoader

from cardium.core import Entry, OpenDataset
from cardium.datasets import open_dataset
from cardium.fit._samples import item_loader, stack
from cardium.fit._tensors import describe_format
from cardium.io.signal_packs import write_signal_pack
from cardium.models import MODELS
from cardium.tasks import open_task

BATCH = 32
RATES = {100: ("ecg_100hz", "_lr"), 500: ("ecg", "_hr")}


class Records(torch.utils.data.Dataset):
    """Records of a dataset as a network takes them, read anew each time."""

    def __init__(self, data: OpenDataset, entries: Sequence[Entry], rate: int) -> None:
        task, recipe = open_task("ecg_superclass", rate=rate), MODELS.find("resnet_1d")
        sample = task.inputs(data.load(entries[0]))
        form = describe_format(recipe, dict(recipe.settings), sample)
        self._load, self._entries = item_loader(task, data, form), entries

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, number: int) -> dict[str, object]:
        return {**self._load(self._entries[number]), "skipped": []}


def time_rate(root: Path, rate: int, rounds: int) -> dict[str, float]:
    """Milliseconds a record by each way, at one rate."""
    stream, end = RATES[rate]
    data = open_dataset("ptb_xl", root)
    usable = open_task("ecg_superclass", rate=rate).usable(data.catalog)
    entries = [e for e in usable if stream in e.provides][: 8 * BATCH]
    entries = entries[: len(entries) // BATCH * BATCH]
    stems = [
        str(root / f.with_suffix("")) for e in entries for f in e.files
        if f.name.endswith(f"{end}.hea")
    ]  # fmt: skip
    with TemporaryDirectory() as folder:
        pack = write_signal_pack(Path(folder) / "pack", data, [stream], entries=entries)
        loaders = {
            f"pack, {workers} workers": DataLoader(
                Records(pack, entries, rate), BATCH, collate_fn=stack,
                num_workers=workers, persistent_workers=workers > 0,
            )
            for workers in (0, 2)
        }  # fmt: skip
        contenders: dict[str, Callable[[], object]] = {
            "wfdb.rdsamp": lambda: [wfdb.rdsamp(stem) for stem in stems],
            "files, 0 workers": lambda: run(
                DataLoader(Records(data, entries, rate), BATCH, collate_fn=stack)
            ),
            **{name: lambda one=one: run(one) for name, one in loaders.items()},
        }
        return {k: v / len(entries) for k, v in time_all(contenders, rounds).items()}


def run(loader: DataLoader) -> float:
    """Go through all batches once."""
    return sum(float(batch["input"][0, 0, 0]) for batch in loader)


def time_all(
    contenders: dict[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """Median milliseconds of each contender over the rounds."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        contender()
    for _ in range(rounds):
        for name, contender in contenders.items():
            start = time.perf_counter()
            contender()
            taken[name].append(1e3 * (time.perf_counter() - start))
    return {name: median(times) for name, times in taken.items()}


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="the folder of PTB-XL")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    found = {rate: time_rate(wanted.root, rate, wanted.rounds) for rate in RATES}
    if wanted.json:
        versions = {name: version(name) for name in ("wfdb", "torch", "numpy")}
        print(json.dumps({"ms_a_record": found, "versions": versions}))
        return
    print(f"wfdb {version('wfdb')}, torch {version('torch')}, numpy {np.__version__}")
    for rate, times in found.items():
        print(f"\n12 leads, 10 s at {rate} Hz; batches of {BATCH}")
        for name, value in times.items():
            ratio = times["wfdb.rdsamp"] / value
            print(f"  {name:18} {value:7.3f} ms a record   {ratio:5.1f} x")


if __name__ == "__main__":
    main()
