r"""Records of the PhysioNet/CinC challenges: ``NAME.hea`` and ``NAME.mat``.

The header is WFDB text, the samples are a MATLAB 4 array of int16, leads in rows::

    JS00001 12 500 5000                                   name, leads, Hz, samples
    JS00001.mat 16x1+24 1000.0(0)/mv 16 0 -254 21756 0 I   one line a lead
    ...
    # Age: 85
    # Sex: Male
    # Dx: 164889003,59118001,164934002

A slice of time is read from a memory map. A value is ``(stored - baseline) / gain`` in
float64, turned into mV, then float32; what is stored as -32768 is missing, NaN. That
the gain in a header is *wrong* cannot be seen in the header: the pre-release copies of
PTB-XL state 200/mV and are exactly five times too large. `verify_record` tells where
the amplitude is none of a heart's; a factor of five it may miss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardium.core import Finding
from cardium.core.files import write_text
from cardium.errors import DataCorruptError, InvalidArgumentError
from cardium.io._challenge_header import (
    Comments,
    Header,
    Lead,
    Sex,
    read_comments,
    read_header,
)
from cardium.io._challenge_mat import Matrix, open_matrix, write_matrix

__all__ = [
    "ChallengeSignal",
    "Comments",
    "Header",
    "Lead",
    "Sex",
    "open_record",
    "read_comments",
    "read_header",
    "verify_record",
    "write_record",
]

_MISSING = -32768
_SMALLEST, _LARGEST = 0.05, 7.0  # mV between extremes, median of the leads
_BLOCK = 1 << 16  # samples summed at a time
_AGAIN = "Get the record again; if it stays, tell the source."


class ChallengeSignal:
    """The samples of one record in mV; read when sliced by time.

    Parameters
    ----------
    header : Header
        The record's header.
    matrix : Matrix
        Where its samples lie.

    Attributes
    ----------
    header : Header
        The record's header.
    rate : float
        Samples a second [Hz].
    channels : tuple of str
        Names of the leads, as the header writes them.
    shape : (T, L)
        Samples and leads.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, header: Header, matrix: Matrix) -> None:
        self.header = header
        self.rate = header.rate
        self.channels = tuple(lead.name for lead in header.leads)
        self.shape = (matrix.samples, matrix.leads)
        self._gain = np.array([lead.gain for lead in header.leads])
        self._zero = np.array([float(lead.baseline) for lead in header.leads])
        self._unit = np.array([lead.millivolts for lead in header.leads])
        self._matrix = matrix

    def __getitem__(self, time: slice, /) -> NDArray[np.float32]:
        """Read the samples of a slice of time, (t, L) float32 [mV]."""
        digital = open_matrix(self._matrix.path).map()
        if digital.shape != self.shape:
            raise DataCorruptError(
                f"'{self._matrix.path}' has {digital.shape[0]} samples of "
                f"{digital.shape[1]} leads and had {self.shape[0]} of "
                f"{self.shape[1]} when it was opened. Open the record again."
            )
        part = np.asarray(digital[time])
        values = part.astype(np.float64)
        values -= self._zero
        values /= self._gain
        if (self._unit != 1).any():
            values *= self._unit
        if (missing := part == _MISSING).any():
            values[missing] = np.nan
        return values.astype(np.float32)


def open_record(path: Path) -> ChallengeSignal:
    """Open a record: read its header, and hold it against that of its samples.

    Parameters
    ----------
    path : Path
        The header, ``NAME.hea``.

    Returns
    -------
    ChallengeSignal
        Its samples in mV, read when sliced.

    Raises
    ------
    DataMissingError
        If the header, or the file of samples that it names, is not there.
    DataCorruptError
        If the header cannot be read (see `read_header`), or the file is not a MATLAB 4
        array of int16, is cut short, or has other numbers of leads or samples.
    NotProvidedError
        If it is not a record of one segment, one rate and one file of format 16, or
        the file is of a later version of MATLAB.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "A0001.hea"
    ...     write_record(path, [[0.0, 1.0], [0.25, -1.0]], rate=500, leads=["I", "II"])
    ...     signal = open_record(path)
    ...     signal.rate, signal.channels, signal[1:].tolist()
    (500.0, ('I', 'II'), [[0.25, -1.0]])
    """
    header = read_header(path)
    matrix = open_matrix(path.with_name(header.leads[0].file))
    if (stated := header.samples or matrix.samples) != matrix.samples:
        raise DataCorruptError(
            f"'{path}' says {stated} samples, '{matrix.path.name}' beside it holds "
            f"{matrix.samples}. Get the record again."
        )
    if len(header.leads) != matrix.leads:
        raise DataCorruptError(
            f"'{path}' names {len(header.leads)} leads, '{matrix.path.name}' beside it "
            f"holds {matrix.leads}. Get the record again."
        )
    return ChallengeSignal(header, matrix)


def verify_record(path: Path) -> tuple[Finding, ...]:
    """Hold a record against its own header, and its amplitude against a heart's.

    Parameters
    ----------
    path : Path
        The header, ``NAME.hea``.

    Returns
    -------
    tuple of Finding
        Errors: a first sample or a checksum that differs (the sum of a lead's samples
        modulo 65536; one stated as 0 is taken as not stated). Warnings: another name
        than the file's, another place of the samples, bytes after the samples, names
        of leads that repeat, leads that are constant, samples that are missing, and
        extremes that lie less than 0.05 or more than 7 mV apart in half of the leads,
        which is what a wrong gain makes.

    Raises
    ------
    CardiumError
        If it cannot be opened; see `open_record`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "A0001.hea"
    ...     write_record(path, [[0.0], [1.0], [0.5]], rate=500, leads=["I"])
    ...     sound = verify_record(path)
    ...     _ = path.write_text(path.read_text().replace("1500", "1501"))
    ...     sound, verify_record(path)[0].problem
    ((), 'lead I: the samples add up to 1500 modulo 65536, the header states 1501.')
    """
    signal = open_record(path)
    # `open_record` found the two to agree
    matrix = open_matrix(path.with_name(signal.header.leads[0].file))
    digital = matrix.map()
    where = signal.header.path.stem
    findings = [
        Finding("warning", where, problem, _AGAIN, kind)
        for kind, problem in _header_problems(signal.header, matrix)
    ]
    for number, lead in enumerate(signal.header.leads):
        for severity, kind, problem in _lead_problems(lead, digital[:, number]):
            text = f"lead {lead.name}: {problem}."
            findings.append(Finding(severity, where, text, _AGAIN, kind))
    findings += _amplitude_problems(where, signal)
    return tuple(findings)


def write_record(
    path: Path,
    values: ArrayLike,
    *,
    rate: float,
    leads: Sequence[str],
    age: float | None = None,
    sex: Sex | None = None,
    dx: Sequence[str] = (),
    gain: float = 1000.0,
) -> None:
    """Write a record as the Challenge 2021 does.

    Parameters
    ----------
    path : Path
        The header, ``NAME.hea``; the samples go to ``NAME.mat`` beside it.
    values : (T, L) [mV]
        The samples; rounded to ``1 / gain``. NaN is written as missing.
    rate : float [Hz]
        Samples a second.
    leads : sequence of str
        Names of the leads.
    age : float [years], optional
        The patient's.
    sex : {"male", "female"}, optional
        The patient's.
    dx : sequence of str, optional
        Diagnoses, codes of SNOMED CT.
    gain : float [1/mV]
        Steps a millivolt; the default resolves 1 microvolt.

    Raises
    ------
    InvalidArgumentError
        If there is not one name a lead, no sample, or a value that 16 bits do not hold
        at that gain.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "A0001.hea"
    ...     write_record(path, [[0.5], [-0.001]], rate=500, leads=["I"], age=74)
    ...     print(path.read_text().splitlines()[1])
    ...     path.with_suffix(".mat").read_bytes()[24:].hex(" ")
    A0001.mat 16x1+24 1000.0(0)/mV 16 0 500 499 0 I
    'f4 01 ff ff'
    """
    samples: NDArray[np.float64] = np.asarray(values, np.float64)
    if samples.ndim != 2 or not samples.size or samples.shape[1] != len(leads):
        raise InvalidArgumentError(
            f"values have shape {samples.shape}, expected samples of {len(leads)} "
            "leads, (T, L)."
        )
    steps = np.rint(samples * gain)
    if (np.abs(steps) > -_MISSING - 1).any():
        raise InvalidArgumentError(
            f"values of up to {np.nanmax(np.abs(samples)):g} mV do not fit into 16 "
            f"bits at a gain of {gain:g}/mV. Choose a smaller gain."
        )
    digital = np.where(np.isnan(steps), _MISSING, steps).astype(np.int16)
    file = path.with_suffix(".mat")
    write_matrix(file, digital)
    lines = [f"{path.stem} {len(leads)} {rate:g} {len(digital)}"]
    for number, name in enumerate(leads):
        first, total = digital[0, number], _checksum(digital[:, number])
        lines.append(
            f"{file.name} 16x1+24 {float(gain)}(0)/mV 16 0 {first} {total} 0 {name}"
        )
    lines += [
        f"# Age: {'NaN' if age is None or math.isnan(age) else f'{age:g}'}",
        f"# Sex: {sex.capitalize() if sex else 'Unknown'}",
        f"# Dx: {','.join(dx)}",
        *(f"# {key}: Unknown" for key in ("Rx", "Hx", "Sx")),
    ]
    write_text(path, "\n".join(lines) + "\n")


def _checksum(digital: NDArray[np.int16]) -> int:
    """Sum samples in 16 bits with a sign, as WFDB does."""
    total = sum(
        int(digital[at : at + _BLOCK].sum(dtype=np.int64))
        for at in range(0, len(digital), _BLOCK)
    )
    return (total + 0x8000) % 0x10000 - 0x8000


def _header_problems(header: Header, matrix: Matrix) -> Iterator[tuple[str, str]]:
    """Say what is unusual in a header that can be read."""
    if header.name != header.path.stem:
        yield "other-name", f"the header calls the record '{header.name}'."
    stated = {lead.offset for lead in header.leads}
    if stated != {matrix.offset}:
        yield (
            "other-offset",
            f"the samples begin at byte {matrix.offset}, the header states "
            f"{', '.join(map(str, sorted(stated)))}.",
        )
    if (rest := matrix.size - matrix.promised) > 0:
        yield "more-bytes", f"{rest} bytes follow the {matrix.promised} of the samples."
    names = [lead.name for lead in header.leads]
    if again := sorted({name for name in names if names.count(name) > 1}):
        yield "repeated-lead", f"more than one lead is called {', '.join(again)}."


def _lead_problems(
    lead: Lead, digital: NDArray[np.int16]
) -> Iterator[tuple[Any, str, str]]:
    """Hold the samples of a lead against its line: severity, kind, problem."""
    if lead.first != digital[0]:
        yield (
            "error",
            "wrong-first-sample",
            f"the first sample is {digital[0]}, the header states {lead.first}",
        )
    total = _checksum(digital)
    if lead.checksum and (lead.checksum - total) % 0x10000:
        yield (
            "error",
            "wrong-checksum",
            f"the samples add up to {total} modulo 65536, the header states "
            f"{lead.checksum}",
        )
    if digital.min() == digital.max():
        yield "warning", "constant-lead", f"all samples are {digital[0]}"
    elif missing := int(np.count_nonzero(digital == _MISSING)):
        text = f"{missing} of {len(digital)} samples are missing"
        yield "warning", "missing-samples", text


def _amplitude_problems(where: str, signal: ChallengeSignal) -> Iterator[Finding]:
    """Say whether the amplitude is none of a heart's; constant leads do not count."""
    values = signal[:]
    extremes = [
        float(np.ptp(np.percentile(lead[np.isfinite(lead)], (0.1, 99.9))))
        for lead in values.T
        if np.isfinite(lead).any() and np.nanmin(lead) != np.nanmax(lead)
    ]
    usual = float(np.median(extremes)) if extremes else 1.0
    if len(values) > signal.rate and not _SMALLEST <= usual <= _LARGEST:
        yield Finding(
            "warning",
            where,
            f"the extremes of half of the leads are {usual:.3g} mV apart, usual are "
            f"{_SMALLEST:g} to {_LARGEST:g} mV; gains are "
            f"{', '.join(sorted({f'{lead.gain:g}' for lead in signal.header.leads}))}.",
            "The gain in the header may be wrong; look for a later release.",
            "amplitude",
        )
