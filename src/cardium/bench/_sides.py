"""Who is learnt from and who is scored in a cell, and where their clips are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cardium.bench._locks import locked
from cardium.bench.cells import canonical_hash
from cardium.bench.jobs import Job
from cardium.bench.rows import Skipped
from cardium.core import Catalog, Entry, Protocol, Setting
from cardium.fit.packs import PackSource, RawSource, write_pack


def open_source(
    task: str,
    protocol: str,
    options: Mapping[str, Setting],
    dataset: str,
    root: str,
) -> RawSource:
    """Open the recordings of a dataset by a protocol; each process does so itself."""
    from cardium.datasets import DATASETS
    from cardium.protocols import open_protocol

    opened = open_protocol(task, protocol, **options)
    return RawSource(opened, DATASETS.find(dataset).open(root))


def prepared_source(job: Job, source: RawSource, usable: Catalog) -> PackSource:
    """Open the pack of a cell's protocol; make it, if no cell has done so before.

    Parameters
    ----------
    job : Job
        The cell.
    source : RawSource
        The recordings.
    usable : Catalog
        Those that the task can use.

    Returns
    -------
    PackSource
        Every recording that the protocol uses, whatever its fold.
    """
    protocol, facts = source.protocol, job.cell.facts
    options = facts["protocols"][protocol.name]
    name = ".".join((protocol.task.name, protocol.name, protocol.domain))
    key = canonical_hash([options, facts["data"]["fingerprint"]])[:12]
    path = Path(job.folder).parents[1] / "packs" / f"{name}-{key}"
    where = facts["data"]["name"], str(source.data.root)
    reopen = partial(open_source, protocol.task.name, protocol.name, options, *where)
    with locked(path.with_suffix(".lock"), wait=True):
        workers = job.machine.workers
        pack = write_pack(path, source, usable.entries, workers=workers, reopen=reopen)
    return PackSource(pack, protocol)


@dataclass(frozen=True, slots=True)
class Sides:
    """Who is learnt from, and who is scored.

    Parameters
    ----------
    train, scored : tuple of Entry
        Recordings that the protocol admits, in the catalogue's order.
    refused : tuple of Skipped
        Those it does not.
    """

    train: tuple[Entry, ...]
    scored: tuple[Entry, ...]
    refused: tuple[Skipped, ...]


def choose_sides(
    usable: Catalog, protocol: Protocol, facts: Mapping[str, Any]
) -> Sides:
    """Decide who is learnt from and who is scored.

    Parameters
    ----------
    usable : Catalog
        What the task can use.
    protocol : Protocol
        Which of them it admits, by the catalogue alone.
    facts : mapping
        The cell's: fold, and which share of the patients and how many recordings.

    Returns
    -------
    Sides
        The fold, and all others.
    """
    refused, admitted = [], []
    scored = f"fold{facts['fold']}"
    for entry in usable:
        if reason := protocol.admit(entry):
            step = "predict" if entry.split == scored else "train"
            refused.append(Skipped(entry.id, entry.patient, step, reason))
        else:
            admitted.append(entry)
    patients = _share(admitted, facts["data"]["fraction"])
    chosen = [entry for entry in admitted if entry.patient in patients]
    most = facts["data"]["limit"] or None
    return Sides(
        tuple([entry for entry in chosen if entry.split != scored][:most]),
        tuple([entry for entry in chosen if entry.split == scored][:most]),
        tuple(refused),
    )


def _share(entries: Sequence[Entry], fraction: float) -> frozenset[str]:
    """Draw a share of the patients of each fold, alike for all cells."""
    chosen: list[str] = []
    for number, fold in enumerate(sorted({entry.split for entry in entries})):
        patients = sorted({one.patient for one in entries if one.split == fold})
        count = max(1, round(fraction * len(patients)))
        order = np.random.default_rng([0, number]).permutation(len(patients))
        chosen += [patients[k] for k in order[:count]]
    return frozenset(chosen)
