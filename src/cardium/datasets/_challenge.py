"""What the datasets made of challenge records share: finding, opening, checking."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from cardium.core import (
    Catalog,
    Check,
    Entry,
    Info,
    Label,
    Recording,
    Stream,
    is_stated,
)
from cardium.datasets._files import require
from cardium.errors import DataMissingError
from cardium.io.challenge import (
    ChallengeSignal,
    open_record,
    read_comments,
    verify_record,
)
from cardium.signal import lead_name

SOURCES = (
    "cpsc_2018",
    "cpsc_2018_extra",
    "st_petersburg_incart",
    "ptb",
    "ptb_xl",
    "georgia",
    "chapman_shaoxing",
    "ningbo",
)
_BY_PREFIX = {
    "A": "cpsc_2018",
    "Q": "cpsc_2018_extra",
    "I": "st_petersburg_incart",
    "S": "ptb",
    "HR": "ptb_xl",
    "E": "georgia",
}
_LAST_OF_CHAPMAN = 10646  # JS00001 to JS10646; the rest is of Ningbo
_NAME = re.compile(r"([A-Z]+)(\d+)")
_DIGITS = re.compile(r"(\d+)")


class Found(NamedTuple):
    """A header under the root, and whether its samples are beside it."""

    header: PurePosixPath
    whole: bool

    @property
    def files(self) -> tuple[PurePosixPath, ...]:
        """The files of the record that are there."""
        both = (self.header, self.header.with_suffix(".mat"))
        return both if self.whole else both[:1]


def find_records(root: Path, info: Info) -> list[Found]:
    """List the records in a folder and all under it, g2 before g10; open none."""
    found = []
    for folder, _, names in os.walk(root):
        place = PurePosixPath(Path(folder).relative_to(root).as_posix())
        there = set(names)
        found += [
            Found(place / name, f"{name[:-4]}.mat" in there)
            for name in names
            if name.endswith(".hea") and not name.startswith(".")
        ]
    if not found:
        raise DataMissingError(
            f"{info.title}: no record (NAME.hea) is under '{root}'. {info.access}"
        )
    return sorted(found, key=lambda one: [*map(_natural, one.header.parts)])


def index_records(root: Path, info: Info, scored: Mapping[str, str]) -> Catalog:
    """Make the catalog of a challenge's training data; of each header, the comments."""
    return Catalog(tuple(_entry(root, one, scored) for one in find_records(root, info)))


def load_record(root: Path, entry: Entry, info: Info) -> Recording:
    """Open one record as the stream ``ecg``."""
    signal = open_record(require(root, entry.files[0], info))
    return Recording(entry, MappingProxyType({"ecg": ecg_stream(signal)}))


def ecg_stream(signal: ChallengeSignal, leads: tuple[str, ...] | None = None) -> Stream:
    """Make a stream of samples; leads get their standard names if none are given."""
    names = leads or tuple(map(lead_name, signal.channels))
    return Stream(
        "ecg",
        signal,
        np.arange(signal.shape[0]) / signal.rate,
        ("time", "lead"),
        "mV",
        coords=MappingProxyType({"lead": names}),
    )


def audit_records(
    root: Path, found: Iterable[Found], limit: int | None
) -> Iterator[Check]:
    """Hold each record against its own header."""
    for one in [*found][:limit]:
        if one.whole:
            yield one.header.stem, partial(verify_record, root / one.header)


def source_of(header: PurePosixPath) -> str:
    """Name the hospital's collection that a record is of, by its folder or its name."""
    for part in header.parts[:-1]:
        if (name := part.lower().replace("-", "_")) in SOURCES:
            return name
    named = _NAME.fullmatch(header.stem)
    if named is None:
        return ""
    prefix, number = named[1], int(named[2])
    if prefix == "JS":
        return "chapman_shaoxing" if number <= _LAST_OF_CHAPMAN else "ningbo"
    return _BY_PREFIX.get(prefix, "")


def labels_of_record(
    root: Path, header: PurePosixPath, scored: Mapping[str, str]
) -> dict[str, Label]:
    """Read the labels that the comments of a header state."""
    comments = read_comments(root / header)
    names = (scored[code] for code in comments.dx if code in scored)
    return {
        "age": comments.age,
        "sex": comments.sex,
        "source": source_of(header) or None,
        "dx": comments.dx,
        "scored": tuple(dict.fromkeys(names)),
        "unscored": tuple(code for code in comments.dx if code not in scored),
    }


def _entry(root: Path, one: Found, scored: Mapping[str, str]) -> Entry:
    """Make the entry of one record; what is wrong with it is said when it is opened."""
    labels = labels_of_record(root, one.header, scored)
    stated = {name for name, label in labels.items() if is_stated(label)}
    name = one.header.stem
    return Entry(
        id=name,
        patient=name,
        split="",
        provides=frozenset(stated | {"ecg"} if one.whole else stated),
        files=one.files,
        labels=MappingProxyType(labels),
    )


def _natural(text: str) -> list[str | int]:
    """Sort numbers in names as numbers."""
    parts = _DIGITS.split(text)
    return [int(p) if k % 2 else p for k, p in enumerate(parts)]
