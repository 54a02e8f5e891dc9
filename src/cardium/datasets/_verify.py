"""Whether a dataset on disk is whole: present, readable, consistent, as published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from cardium.core import UNLABELLED, Entry, OpenDataset, Stream
from cardium.core.files import sha256
from cardium.datasets._files import read_checksums, require
from cardium.errors import CardiumError, DataMissingError, MissingLibraryError

_AGAIN = "Get its files again; if it stays, tell the source."

Progress = Callable[[int, int], None]
"""Called as ``progress(done, total)``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing, about a dataset on disk.

    Parameters
    ----------
    severity : {"error", "warning"}
        ``error``: something is broken. ``warning``: something is not there, as is
        normal in a partial copy.
    where : str
        The recording, file or list that it is about.
    problem : str
        What is wrong.
    remedy : str
        What to do.
    """

    severity: Literal["error", "warning"]
    where: str
    problem: str
    remedy: str


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
        the recordings, and the files against the source's SHA-256 list.

    Raises
    ------
    MissingLibraryError
        If a library that reads the files is not installed.

    Notes
    -----
    Of each recording every stream is read whole: values must be finite, where NaN is
    allowed in contours, whose points may be missing; codes of a label map must have a
    name or be `UNLABELLED`.
    """
    findings = _attempt("catalog", partial(_check_catalog, data))
    broken = any(finding.severity == "error" for finding in findings)
    entries = () if broken else data.catalog.entries[:limit]
    sums, more = _open_checksums(data)
    there = [name for name in sums if (data.root / name).is_file()]
    findings += [*more, *_not_on_disk(sums.keys() - {*there})]
    checks: list[tuple[str, Callable[[], list[Finding]]]] = [
        *((entry.id, partial(_check_recording, data, entry)) for entry in entries),
        *(
            (name, partial(_check_file, data, name, sums[name]))
            for name in there[:limit]
        ),
    ]
    for done, (where, check) in enumerate(checks, start=1):
        findings += _attempt(where, check)
        if progress is not None:
            progress(done, len(checks))
    return findings


def _attempt(where: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    """Make a finding of what a reader raises; its message says what to do."""
    try:
        return check()
    except MissingLibraryError:
        raise
    except (CardiumError, OSError) as error:
        return [Finding("error", where, str(error), _AGAIN)]


def _check_catalog(data: OpenDataset) -> list[Finding]:
    """Read the catalog; tell in one finding what the source lists beyond it."""
    _ = data.catalog
    names = data.dataset.absent(data.root)
    return [_partial("source's lists", "listed by the source", names)] if names else []


def _check_recording(data: OpenDataset, entry: Entry) -> list[Finding]:
    """Open one recording and read each of its streams."""
    recording = data.load(entry)
    streams = {**recording.streams, **recording.annotations}
    findings = [
        Finding("error", entry.id, f"'{name}' is listed and is not there.", _AGAIN)
        for name in sorted(entry.provides - streams.keys() - entry.labels.keys())
    ]
    for stream in streams.values():
        findings += _attempt(entry.id, partial(_check_stream, entry.id, stream))
    return findings


def _check_stream(where: str, stream: Stream) -> list[Finding]:
    """Read one stream whole."""
    return [
        Finding("error", where, f"'{stream.name}' {problem}.", _AGAIN)
        for problem in _problems(stream)
    ]


def _problems(stream: Stream) -> Iterator[str]:
    """Read a stream and say what its values cannot be."""
    values = stream.load()
    if values.shape != stream.shape:
        yield f"has shape {values.shape}, its header says {stream.shape}"
    if not values.size:
        yield "holds no samples"
    if values.dtype.kind == "f":
        is_contour = "point" in stream.dims
        wrong = np.isinf(values) if is_contour else ~np.isfinite(values)
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
        return {}, [Finding("warning", info.checksums, str(error), "Get the list.")]
    except (CardiumError, OSError) as error:
        return {}, [Finding("error", info.checksums, str(error), _AGAIN)]


def _check_file(data: OpenDataset, name: str, expected: str) -> list[Finding]:
    """Hold one file against its checksum."""
    found = sha256(data.root / name)
    if found == expected:
        return []
    problem = f"SHA-256 is {found[:12]}…, the source lists {expected[:12]}…."
    return [Finding("error", name, problem, "Delete the file and get it again.")]


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
    )
