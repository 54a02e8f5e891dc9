"""Whether a dataset on disk is whole: present, readable, consistent, as published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    UNLABELLED,
    Check,
    Entry,
    Finding,
    OpenDataset,
    Progress,
    Stream,
)
from cardium.core.files import sha256
from cardium.datasets._files import read_checksums, require
from cardium.errors import CardiumError, DataMissingError, MissingLibraryError

_AGAIN = "Get its files again; if it stays, tell the source."
_UNREADABLE = "unreadable"


def verify(
    data: OpenDataset, *, limit: int | None = None, progress: Progress | None = None
) -> list[Finding]:
    """Check that every recording can be read and every file is as it was published.

    One bad recording does not hide the next: whatever cannot be read is a finding.

    Parameters
    ----------
    data : OpenDataset
        The dataset.
    limit : int, optional
        Read only this many recordings and check only this many files. If not given,
        all.
    progress : function (done, total), optional
        Called after each recording and each file.

    Returns
    -------
    list of Finding
        What was found, in the order: the catalog (tables, ids, patients that cross a
        split), patients and recordings that the source lists and the folder lacks,
        the source's own tables against its files, the recordings, and the files
        against the source's SHA-256 list.

    Raises
    ------
    MissingLibraryError
        If a library that reads the files is not installed.

    Notes
    -----
    Of each recording every stream is read whole: values must be finite, where NaN is
    allowed in contours, whose points may be missing; codes of a label map must have a
    name or be `UNLABELLED`. What the source's tables tell of a recording already is
    not told again because the recording cannot be opened for it.
    """
    catalog = _attempt("catalog", partial(_check_catalog, data))
    broken = any(finding.severity == "error" for finding in catalog)
    entries = () if broken else data.catalog.entries[:limit]
    sums, more = _open_checksums(data)
    there = [name for name in sums if (data.root / name).is_file()]
    lists = [*more, *_not_on_disk(sums.keys() - {*there})]
    audits = list(data.dataset.audit(data.root, limit))
    told: set[str] = set()
    owners = {} if broken or not audits else _owners(data.catalog)

    def made_of(entry: Entry) -> set[str]:
        return set().union(*(owners.get(file, ()) for file in entry.files))

    checks: list[Check] = [
        *audits,
        *((e.id, partial(_check_untold, data, e, made_of(e), told)) for e in entries),
        *((n, partial(_check_file, data, n, sums[n])) for n in there[:limit]),
    ]
    findings: list[Finding] = []
    for done, (where, check) in enumerate(checks, start=1):
        found = _attempt(where, check)
        findings += found
        if done <= len(audits):
            told |= {f.where for f in found if f.severity == "error"}
        if progress is not None:
            progress(done, len(checks))
    return [*(() if broken and told else catalog), *lists, *findings]


def _attempt(where: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Make a finding of what a reader raises; its message says what to do."""
    found: list[Finding] = []
    try:
        found.extend(check())
    except MissingLibraryError:
        raise
    except (CardiumError, OSError) as error:
        found.append(Finding("error", where, str(error), _AGAIN, _UNREADABLE))
    return found


def _check_catalog(data: OpenDataset) -> list[Finding]:
    """Read the catalog; tell in one finding what the source lists beyond it."""
    _ = data.catalog
    names = data.dataset.absent(data.root)
    return [_partial("source's lists", "listed by the source", names)] if names else []


def _check_untold(
    data: OpenDataset, entry: Entry, names: set[str], told: set[str]
) -> list[Finding]:
    """Read one recording, unless what it is made of is known not to be readable.

    `names` are the recordings it is made of, `told` those that are known as broken.
    """
    found = _attempt(entry.id, partial(_check_recording, data, entry))
    if told.isdisjoint(names):
        return found
    return [finding for finding in found if finding.kind != _UNREADABLE]


def _owners(entries: Iterable[Entry]) -> dict[PurePosixPath, set[str]]:
    """Name the recordings of each file; an entry may be a part, ``"<id>.<part>"``."""
    owners: dict[PurePosixPath, set[str]] = {}
    for entry in entries:
        names = {entry.id, entry.id.rpartition(".")[0]} - {""}
        for file in entry.files[:1]:
            owners.setdefault(file, set()).update(names)
    return owners


def _check_recording(data: OpenDataset, entry: Entry) -> list[Finding]:
    """Open one recording and read each of its streams."""
    recording = data.load(entry)
    streams = {**recording.streams, **recording.annotations}
    there = streams.keys() | recording.meshes.keys() | entry.labels.keys()
    there |= {what for what in ("marks", "gates") if getattr(recording, what)}
    findings = [
        Finding(
            "error",
            entry.id,
            f"'{name}' is listed and is not there.",
            _AGAIN,
            "missing-stream",
        )
        for name in sorted(entry.provides - there)
    ]
    for stream in streams.values():
        findings += _attempt(entry.id, partial(_check_stream, entry.id, stream))
    return findings


_VOLTAGE = "mV"


def _check_stream(where: str, stream: Stream) -> list[Finding]:
    """Read one stream whole."""
    values = stream.load()
    found = [
        Finding("error", where, f"'{stream.name}' {problem}.", _AGAIN, "bad-values")
        for problem in _problems(stream, values)
    ]
    if stream.unit == _VOLTAGE and (absent := int(np.isnan(values).sum())):
        # as where an electrode was off
        problem = f"'{stream.name}' is missing in {absent} of {values.size}"
        remedy = "Nothing, if the source has gaps."
        found.append(
            Finding("warning", where, f"{problem} values.", remedy, "missing-samples")
        )
    return found


def _problems(stream: Stream, values: NDArray[Any]) -> Iterator[str]:
    """Say what the values of a stream cannot be."""
    if values.shape != stream.shape:
        yield f"has shape {values.shape}, its header says {stream.shape}"
    if not values.size:
        yield "holds no samples"
    if values.dtype.kind == "f":
        may_lack = "point" in stream.dims or stream.unit in ("%", _VOLTAGE)
        wrong = np.isinf(values) if may_lack else ~np.isfinite(values)
        if wrong.any():
            yield f"is not finite in {int(wrong.sum())} of {values.size} values"
    if stream.unit == "label":
        names = stream.coords.get("label", ())
        undefined = np.setdiff1d(values, [*range(len(names)), UNLABELLED])
        if undefined.size:
            yield f"holds the codes {undefined[:5].tolist()}, which have no name"


def _open_checksums(data: OpenDataset) -> tuple[dict[str, str], list[Finding]]:
    """Read the source's list of checksums, if it has one."""
    info = data.dataset.info
    if info.checksums is None:
        return {}, []
    try:
        return read_checksums(require(data.root, info.checksums, info)), []
    except DataMissingError as error:
        remedy = "Get the list."
        return {}, [
            Finding("warning", info.checksums, str(error), remedy, "missing-file")
        ]
    except (CardiumError, OSError) as error:
        return {}, [Finding("error", info.checksums, str(error), _AGAIN, _UNREADABLE)]


def _check_file(data: OpenDataset, name: str, expected: str) -> list[Finding]:
    """Hold one file against its checksum."""
    found = sha256(data.root / name)
    if found == expected:
        return []
    problem = f"SHA-256 is {found[:12]}…, the source lists {expected[:12]}…."
    remedy = "Delete the file and get it again."
    return [Finding("error", name, problem, remedy, "wrong-hash")]


def _not_on_disk(names: Iterable[str]) -> list[Finding]:
    """Tell in one finding a folder which listed files are not there."""
    tops: dict[str, list[str]] = {}
    for name in sorted(names):
        tops.setdefault(name.partition("/")[0], []).append(name)
    return [
        _partial(top, "listed with a checksum", found) for top, found in tops.items()
    ]


def _partial(where: str, how: str, names: Sequence[str]) -> Finding:
    """Tell what a partial copy lacks, by the first three names."""
    some = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return Finding(
        "warning",
        where,
        f"{len(names)} {how} and not on disk: {some}.",
        "Nothing, if this is meant to be a part of the dataset.",
        "not-on-disk",
    )
