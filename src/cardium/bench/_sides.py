"""Who is learnt from and who is scored in a cell, and where their clips are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cardium.bench.rows import Skipped
from cardium.core import Case, Catalog, Clip, Entry, Item, OpenDataset, Protocol
from cardium.errors import NotProvidedError


class Recordings:
    """Clips read from the recordings as they lie.

    Parameters
    ----------
    data : OpenDataset
        The recordings.
    protocol : Protocol
        What is read of them.
    """

    def __init__(self, data: OpenDataset, protocol: Protocol) -> None:
        self._data = data
        self._protocol = protocol

    def open(self, entry: Entry) -> Case:
        """Open a recording as the protocol sees it.

        Raises
        ------
        NotProvidedError
            If the protocol does not use it.
        """
        if reason := self._protocol.admit(entry):
            raise NotProvidedError(reason)
        return self._protocol.open(self._data.load(entry))

    def item(self, case: Case, clip: Clip) -> Item:
        """Read one clip."""
        return self._protocol.item(case, clip)


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
