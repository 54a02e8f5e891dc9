"""What the datasets of WFDB records share: lists, headers' comments, annotations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from cardium.core import (
    Catalog,
    Check,
    Entry,
    Finding,
    Info,
    Label,
    Recording,
    Stream,
    is_stated,
    plausible_age,
    sex_of,
)
from cardium.datasets._files import inside, require
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
)
from cardium.io.wfdb import millivolt, open_signal, verify_checksum
from cardium.io.wfdb_annotations import (
    Annotations,
    beats_of,
    read_annotations,
    rhythm_of,
)
from cardium.signal.leads import lead_name

RECORDS = "RECORDS"

PERSON = re.compile(r"(-?\d{1,3})\s+([MF])\b")
"""How MIT-BIH writes age and sex, ``69 M``."""

_AGE = re.compile(r"\bage\b[^\w.-]*(\d{1,3}(?:\.\d+)?)", re.IGNORECASE)
_SEX = re.compile(r"\b(?:sex|gender)\b\W*([a-z]+)", re.IGNORECASE)


def list_records(root: Path, published: Sequence[str]) -> tuple[str, ...]:
    """Name the records of the source: by its list, or as they were published."""
    path = root / RECORDS
    if not path.is_file():
        return tuple(published)
    lines = path.read_text("utf-8", errors="replace").splitlines()
    return tuple(str(inside(line.strip())) for line in lines if line.strip())


def present_records(
    root: Path, info: Info, published: Sequence[str], ends: Sequence[str]
) -> tuple[str, ...]:
    """Name the records whose files are there, in the order of the source."""
    names = list_records(root, published)
    there = tuple(
        name for name in names if all((root / f"{name}{e}").is_file() for e in ends)
    )
    if not there:
        raise DataMissingError(
            f"{info.title}: no record is under '{root}', such as "
            f"'{names[0] if names else published[0]}{ends[0]}'. {info.access}"
        )
    return there


def absent_records(
    root: Path, published: Sequence[str], ends: Sequence[str]
) -> tuple[str, ...]:
    """Name the records that the source lists and that lack a file."""
    return tuple(
        name
        for name in list_records(root, published)
        if not all((root / f"{name}{end}").is_file() for end in ends)
    )


def files_of(root: Path, name: str, ends: Sequence[str]) -> tuple[PurePosixPath, ...]:
    """List the files of a record that are there, in the order of the endings."""
    return tuple(
        PurePosixPath(f"{name}{end}")
        for end in ends
        if (root / f"{name}{end}").is_file()
    )


def age_and_sex(comments: Iterable[str]) -> tuple[float, str | None]:
    """Find the age [years] and the sex that a header states, ``Age: 56``, ``56 M``."""
    lines = tuple(comments)
    if (person := next(filter(None, map(PERSON.match, lines)), None)) is not None:
        return plausible_age(person[1]), sex_of(person[2])
    text = "\n".join(lines)
    age, sex = _AGE.search(text), _SEX.search(text)
    return plausible_age(age[1] if age else ""), sex_of(sex[1] if sex else "")


def stated(labels: MappingProxyType[str, Label]) -> frozenset[str]:
    """Name the labels that say anything."""
    return frozenset(key for key, value in labels.items() if is_stated(value))


def make_entry(
    name: str,
    files: Sequence[PurePosixPath],
    provides: Iterable[str],
    labels: dict[str, Label],
    *,
    patient: str = "",
    split: str = "",
) -> Entry:
    """Make the entry of a record; if no patient is named, the record is the patient."""
    view = MappingProxyType(labels)
    return Entry(
        id=name,
        patient=patient or name,
        split=split,
        provides=frozenset(provides) | stated(view),
        files=tuple(files),
        labels=view,
    )


def load_record(root: Path, entry: Entry, info: Info, *, rate: float) -> Recording:
    """Open a record's signals, and read the annotations that it provides."""
    streams = {}
    if "ecg" in entry.provides:
        header = next(path for path in entry.files if path.suffix == ".hea")
        streams["ecg"] = open_ecg(require(root, header, info), rate=rate)
    return Recording(
        entry,
        MappingProxyType(streams),
        MappingProxyType(load_annotations(root, entry, info, rate=rate)),
    )


def is_voltage(unit: str) -> bool:
    """Whether a unit is one of voltage."""
    try:
        return millivolt(unit) > 0
    except InvalidArgumentError:
        return False


def open_ecg(
    path: Path, *, rate: float | None = None, voltages_only: bool = False
) -> Stream:
    """Open the signals of a record as an ECG in mV; nothing but the header is read."""
    signal = open_signal(path)
    if voltages_only:
        signal = signal.choose([k for k, u in enumerate(signal.units) if is_voltage(u)])
        if not signal.channels:
            raise DataCorruptError(
                f"'{path}' has no signal in mV, uV, nV or V, so it holds no ECG. "
                "Leave it out."
            )
    signal = signal.in_millivolt
    if rate is not None and signal.rate != rate:
        raise DataCorruptError(
            f"'{path}' has {signal.rate:g} Hz; expected {rate:g} Hz. "
            "Get the file again."
        )
    return Stream(
        "ecg",
        signal,
        np.arange(signal.shape[0]) / signal.rate,
        ("time", "lead"),
        "mV",
        coords=MappingProxyType({"lead": lead_names(signal.channels)}),
    )


def lead_names(channels: Sequence[str]) -> tuple[str, ...]:
    """Give leads their names; those that have one name are numbered from 1."""
    names = [lead_name(channel) for channel in channels]
    total, seen = Counter(names), Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(f"{name}{seen[name]}" if total[name] > 1 else name)
    return tuple(found)


def qrs_of(annotations: Annotations) -> Stream | None:
    """Return the times of the beats alone."""
    beats = beats_of(annotations)
    if beats is None:
        return None
    return Stream("qrs", beats.time, beats.time, ("time",), "s")


# annotation, the endings of the files it can be in (the best first), and its reader
_KINDS: tuple[
    tuple[str, tuple[str, ...], Callable[[Annotations], Stream | None]], ...
] = (
    ("beats", (".atr",), beats_of),
    ("rhythm", (".atr",), rhythm_of),
    ("qrs", (".qrsc", ".qrs"), qrs_of),
)


def load_annotations(
    root: Path, entry: Entry, info: Info, *, rate: float
) -> dict[str, Stream]:
    """Read the annotations that an entry provides; each file is read once, whole."""
    there = {path.suffix: path for path in entry.files}
    read: dict[str, Annotations] = {}
    found = {}
    for name, ends, of in _KINDS:
        if name not in entry.provides:
            continue
        end = next(end for end in ends if end in there)
        if end not in read:
            read[end] = read_annotations(require(root, there[end], info), rate=rate)
        if (stream := of(read[end])) is None:
            raise DataCorruptError(
                f"'{root / there[end]}' has no {name} among its "
                f"{len(read[end].symbol)} annotations. Get the file again."
            )
        found[name] = stream
    return found


def kinds_in(root: Path, files: Sequence[PurePosixPath], rate: float) -> set[str]:
    """Name the annotations that a record's files hold; they are read for it."""
    found, there = set(), {path.suffix: path for path in files}
    for name, ends, of in _KINDS:
        end = next((end for end in ends if end in there), None)
        if end and of(read_annotations(root / there[end], rate=rate)) is not None:
            found.add(name)
    return found


def audit_checksums(
    index: Callable[[Path], Catalog], root: Path, limit: int | None
) -> Iterable[Check]:
    """Hold the samples of each record against the checksums in its header."""
    try:
        entries = index(root).entries[:limit]
    except CardiumError:
        return ()  # told of the catalog already
    return [
        (entry.id, partial(_check_samples, root, entry.files[0]))
        for entry in entries
        if "ecg" in entry.provides
    ]


def _check_samples(root: Path, header: PurePosixPath) -> Iterable[Finding]:
    """Raise what is wrong; there is nothing else to tell."""
    verify_checksum(open_signal(root / header))
    return ()
