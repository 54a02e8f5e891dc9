"""Training batches of 12-lead ECGs from a pack against `wfdb.rdsamp`, in one process.

Run ``python benchmarks/signal_packs.py PTB_XL`` with the folder of PTB-XL, whole or in
part; add ``--json`` for a machine. Contenders take turns in every round, so whatever
slows the machine slows them all; each time is the median of the rounds, for one record.
A batch is what a network takes, (32, 12, samples) in float32 with its targets; samples
are read anew each time, from files that the system keeps in memory.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
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
from cardium.fit._samples import (
    Draws,
    DrawSampler,
    item_loader,
    stack,
    unpack,
)
from cardium.fit._tensors import describe_format
from cardium.io.signal_packs import is_signal_pack, write_signal_pack
from cardium.models import MODELS
from cardium.tasks import open_task

BATCH, BATCHES = 32, 32
RATES = {100: ("ecg_100hz", "_lr"), 500: ("ecg", "_hr")}


def draws(data: OpenDataset, entries: Sequence[Entry], rate: int) -> Draws:
    """Return the draws of a training, in which no sample is kept in memory.

    Of a pack they keep where samples lie, as in every training; of files, nothing.
    """
    task, recipe = open_task("ecg_superclass", rate=rate), MODELS.find("resnet_1d")
    sample = task.inputs(data.load(entries[0]))
    form = describe_format(recipe, dict(recipe.settings), sample)
    made = Draws(item_loader(task, data, form), entries, form, seed=0, shuffled=True)
    if not is_signal_pack(data.root):
        made._room = 0
    return made


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
        contenders: dict[str, Callable[[], object]] = {
            "wfdb.rdsamp": lambda: [wfdb.rdsamp(stem) for stem in stems],
            "files, 0 workers": partial(run, loader(data, entries, rate, 0)),
            **{
                f"pack, {workers} workers": partial(
                    run, loader(pack, entries, rate, workers)
                )
                for workers in (0, 2)
            },
        }
        found = time_all(contenders, rounds)
    return {
        name: value / (len(stems) if name == "wfdb.rdsamp" else BATCHES * BATCH)
        for name, value in found.items()
    }


def loader(
    data: OpenDataset, entries: Sequence[Entry], rate: int, workers: int
) -> DataLoader:
    """Return a loader of one epoch as `cardium fit` makes it."""
    return DataLoader(
        draws(data, entries, rate), BATCH, sampler=DrawSampler(BATCHES * BATCH),
        collate_fn=stack, num_workers=workers, persistent_workers=workers > 0,
    )  # fmt: skip


def run(loader: DataLoader) -> float:
    """Go through all batches once."""
    return sum(float(batch["input"][0, 0, 0]) for batch in map(unpack, loader))


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
