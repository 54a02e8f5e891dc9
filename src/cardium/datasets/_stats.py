"""What a dataset on disk amounts to: a table of counts, rates, durations and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from cardium.core import Entry, OpenDataset, Progress, Rows, Stream


@dataclass
class _Tally:
    """What has been counted of one kind of stream in one split."""

    recordings: int = 0
    patients: set[str] = field(default_factory=set)
    samples: int = 0
    rates: list[float] = field(default_factory=list)
    seconds: float = 0.0
    bytes: int = 0

    def add(self, entry: Entry, stream: Stream) -> None:
        """Count one stream; none of its values is read."""
        self.recordings += 1
        self.patients.add(entry.patient)
        self.samples += stream.shape[0]
        self.bytes += prod(stream.shape) * stream.values.dtype.itemsize
        if stream.shape[0] > 1:
            self.rates.append(stream.rate)
            self.seconds += stream.shape[0] / stream.rate


def stats(
    data: OpenDataset, *, progress: Progress | None = None
) -> list[dict[str, str | int | float | None]]:
    """Count recordings, patients, rates, durations and bytes by split and stream.

    Every recording is opened, no value is read.

    Parameters
    ----------
    data : OpenDataset
        The dataset.
    progress : function (done, total), optional
        Called after each recording.

    Returns
    -------
    list of dict
        One row a split and stream, with the keys ``split`` (``"all"`` for all
        together), ``stream`` (``"all files"`` for the recordings as they lie on
        disk), ``recordings``, ``patients``, ``samples`` along time, ``rate_hz``
        (median; None for stills), ``duration_s`` (the sum; a sample lasts one over
        the rate) and ``bytes`` (of the values in memory; of ``"all files"``, on disk).
    """
    tallies: dict[tuple[str, str], _Tally] = {}
    for done, entry in enumerate(data.catalog, start=1):
        recording = data.load(entry)
        for stream in (*recording.streams.values(), *recording.annotations.values()):
            for split in {entry.split, "all"}:
                tallies.setdefault((split, stream.name), _Tally()).add(entry, stream)
        if progress is not None:
            progress(done, len(data.catalog))
    names = list(dict.fromkeys(name for _, name in tallies))
    rows = []
    for split in (*data.catalog.splits, "all"):
        entries = [e for e in data.catalog if split in (e.split, "all")]
        rows.append(_files_row(data, split, entries))
        rows += [
            _stream_row(split, name, tallies[split, name])
            for name in names
            if (split, name) in tallies
        ]
    return rows


def tables(
    data: OpenDataset, *, progress: Progress | None = None
) -> Mapping[str, Rows] | None:
    """Count what a dataset holds by the source's own kinds, if it has any.

    Parameters
    ----------
    data : OpenDataset
        The dataset.
    progress : function (done, total), optional
        Called as counting goes on.

    Returns
    -------
    mapping of str to rows, or None
        Tables by name, as the dataset's page describes them; None if the dataset has
        no kinds beside streams and splits, which `stats` counts.

    Raises
    ------
    DataMissingError, DataCorruptError
        If what is counted cannot be read.
    """
    count = data.dataset.tables
    return None if count is None else count(data.root, progress)


def _files_row(
    data: OpenDataset, split: str, entries: Sequence[Entry]
) -> dict[str, str | int | float | None]:
    """Count the recordings of a split and the bytes of their files, each file once."""
    files = {data.root / file for entry in entries for file in entry.files}
    return {
        "split": split,
        "stream": "all files",
        "recordings": len(entries),
        "patients": len({entry.patient for entry in entries}),
        "samples": None,
        "rate_hz": None,
        "duration_s": None,
        "bytes": sum(map(_size, files)),
    }


def _stream_row(
    split: str, name: str, tally: _Tally
) -> dict[str, str | int | float | None]:
    """Write what was counted of one stream."""
    return {
        "split": split,
        "stream": name,
        "recordings": tally.recordings,
        "patients": len(tally.patients),
        "samples": tally.samples,
        "rate_hz": round(float(np.median(tally.rates)), 6) if tally.rates else None,
        "duration_s": round(tally.seconds, 6) if tally.rates else None,
        "bytes": tally.bytes,
    }


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
