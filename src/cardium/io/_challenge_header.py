"""Headers of challenge records, with the defects that the published ones have."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cardium.core import plausible_age, sex_of
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError

Sex = Literal["male", "female"]

_MOST_BYTES = 1 << 20
_MOST_SAMPLES = 1 << 40
_RATES = (1e-2, 1e6)  # Hz; beyond, times in seconds are no use
_GAINS = (1e-6, 1e12)
_COMMENT = re.compile(rb"^#[ \t]*(age|sex|dx)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M)
_FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
_GAIN = re.compile(r"([-+.\deE]+)(?:\(([-+]?\d+)\))?(?:/(\S+))?")
_MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
_NO_CODE = {"", "nan", "unknown", "none"}


@dataclass(frozen=True, slots=True)
class Comments:
    """What the comment lines of a header say of the patient.

    Parameters
    ----------
    age : float [years]
        NaN if none is stated, or it is none of a person's: below 0 or above 120.
    sex : {"male", "female"} or None
        None if it is not stated, ``Unknown`` or anything else.
    dx : tuple of str
        Diagnoses, as a rule codes of SNOMED CT, in their order and without repeats.
    """

    age: float = math.nan
    sex: Sex | None = None
    dx: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lead:
    """The line of one lead.

    Parameters
    ----------
    name : str
        As it is written.
    file : str
        The file of its samples, which lies beside the header.
    gain : float
        Steps of the converter a unit.
    baseline : int
        The step that is zero.
    millivolts : float [mV]
        How much one unit is: 1, 0.001 for microvolts, 1000 for volts.
    offset : int
        Bytes before the samples, ``16+24``.
    first, checksum : int
        The first sample, and the sum of all modulo 65536.
    """

    name: str
    file: str
    gain: float
    baseline: int = 0
    millivolts: float = 1.0
    offset: int = 0
    first: int = 0
    checksum: int = 0


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a record.

    Parameters
    ----------
    path : Path
        Where it lies.
    name : str
        What it calls the record, without ``.mat``.
    rate : float [Hz]
        Samples a second.
    samples : int or None
        How many samples each lead has, if it is stated.
    leads : tuple of Lead
        One at least, all in one file.
    comments : Comments
        What it says of the patient.
    """

    path: Path
    name: str
    rate: float
    samples: int | None
    leads: tuple[Lead, ...]
    comments: Comments


def read_comments(path: Path) -> Comments:
    r"""Read what a header says of the patient; nothing else of it needs to be right.

    Parameters
    ----------
    path : Path
        The header, ``NAME.hea``. ``#Age: 74`` and ``# Age: 74`` are the same.

    Returns
    -------
    Comments
        Age, sex and diagnoses, as far as they are stated.

    Raises
    ------
    DataMissingError
        If there is no such file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "A0001.hea"
    ...     _ = path.write_text("A0001 12\n#Age: NaN\n# Sex: F\n# Dx: 2,1,2\n")
    ...     read_comments(path)
    Comments(age=nan, sex='female', dx=('2', '1'))
    """
    return _comments(_read(path))


def read_header(path: Path) -> Header:
    r"""Read a header, with the defects that published ones have.

    Parameters
    ----------
    path : Path
        The header, ``NAME.hea``.

    Returns
    -------
    Header
        What it says. Nothing is held against the samples; see `open_record`.

    Raises
    ------
    DataMissingError
        If there is no such file.
    DataCorruptError
        If it does not describe the leads that it says it has, or a rate, a gain or a
        unit is none.
    NotProvidedError
        If the record has several segments, rates or files, or another format than 16.

    Notes
    -----
    What is survived: a record called ``E00001.mat``; dates in words; ``16+24`` and
    ``16x1+24``; ``1000/mV``, ``1000.0(0)/mv`` and no unit at all, which is mV as in
    every WFDB header; any number of leads.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "E00001.hea"
    ...     _ = path.write_text("E00001.mat 1 500 5000 05-May-2020 14:50:55\n"
    ...                         "E00001.mat 16+24 4880/mV 16 0 136 -28477 0 I\n")
    ...     header = read_header(path)
    ...     header.name, header.rate, header.samples, header.leads[0].gain
    ('E00001', 500.0, 5000, 4880.0)
    """
    content = _read(path)
    if len(content) > _MOST_BYTES:
        raise _corrupt(path, f"it has more than {_MOST_BYTES} bytes, a header does not")
    text = content.decode("utf-8", errors="replace")
    rows = [line.strip() for line in text.splitlines()]
    rows = [line for line in rows if line and not line.startswith("#")]
    if not rows:
        raise _corrupt(path, "it is empty, expected a line of the record")
    name, count, rate, samples = _record_line(path, rows[0])
    if len(rows) - 1 != count:
        raise _corrupt(
            path, f"it says {count} leads and describes {len(rows) - 1}", count=True
        )
    leads = tuple(_lead(path, row) for row in rows[1:])
    if len({lead.file for lead in leads}) > 1:
        raise NotProvidedError(
            f"'{path}' has its leads in several files, "
            f"{', '.join(sorted({lead.file for lead in leads}))}; a record of the "
            "challenges has one."
        )
    return Header(path, name, rate, samples, leads, _comments(content))


def _read(path: Path) -> bytes:
    """Read a header, and no more of it than a header can be long."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise DataMissingError(
            f"'{path}' does not exist. Get the record again."
        ) from error


def _comments(content: bytes) -> Comments:
    """Find the three comment lines that are read."""
    age, sex, dx = math.nan, None, dict[str, None]()
    for key, value in _COMMENT.findall(content):
        text = value.decode("utf-8", errors="replace").strip()
        match key.lower():
            case b"age":
                age = plausible_age(text)
            case b"sex":
                sex = sex_of(text)
            case _:
                codes = map(str.strip, text.split(","))
                dx.update((c, None) for c in codes if c.lower() not in _NO_CODE)
    return Comments(age, sex, tuple(dx))


def _record_line(path: Path, row: str) -> tuple[str, int, float, int | None]:
    """Read name, number of leads, rate and number of samples; a date is not read."""
    fields = row.split()
    if "/" in fields[0]:
        raise NotProvidedError(
            f"'{path}' has several segments ({fields[0]}); a record of the challenges "
            "has one."
        )
    if len(fields) < 3:
        raise _corrupt(path, f"its first line '{row[:60]}' has no leads and rate")
    count = _whole(path, "leads", fields[1])
    samples = _whole(path, "samples", fields[3]) if len(fields) > 3 else None
    try:
        rate = float(re.split(r"[/(]", fields[2], maxsplit=1)[0])
    except ValueError:
        rate = math.nan
    if not _RATES[0] <= rate <= _RATES[1]:
        raise _corrupt(
            path, f"its rate is '{fields[2][:40]}', expected 0.01 to 1,000,000 Hz"
        )
    if count < 1:
        raise _corrupt(path, f"it says {count} leads, expected 1 or more")
    return fields[0].removesuffix(".mat"), count, rate, samples or None


def _lead(path: Path, row: str) -> Lead:
    """Read the line of a lead."""
    fields = row.split(maxsplit=8)
    if len(fields) < 9:
        raise _corrupt(
            path,
            f"the line of a lead '{row[:60]}' has {len(fields)} fields, expected 9 "
            "with the lead's name",
        )
    file, form, gain, _, zero, first, checksum, _, name = fields
    if file != Path(file).name or "\\" in file or "\0" in file or file == "..":
        raise _corrupt(path, f"it names '{file[:60]}', which leads out of its folder")
    steps, baseline, millivolts = _amplitude(path, gain)
    if baseline is None:
        baseline = _signed(path, zero)
    return Lead(
        name.strip(),
        file,
        steps,
        baseline,
        millivolts,
        _offset(path, form),
        _signed(path, first),
        _signed(path, checksum),
    )


def _offset(path: Path, form: str) -> int:
    """Read a format, and return the bytes before the samples."""
    found = _FORMAT.fullmatch(form)
    if found is None:
        raise _corrupt(path, f"the format '{form[:40]}' is none, expected '16+24'")
    kind, frames, skew, offset = found.groups()
    if kind != "16" or frames not in (None, "1") or skew not in (None, "0"):
        raise NotProvidedError(
            f"'{path}' has the format '{form[:40]}'; records of the challenges have "
            "16, one sample a frame and no skew. Read it as WFDB."
        )
    return _whole(path, "bytes before the samples", offset or "0")


def _amplitude(path: Path, text: str) -> tuple[float, int | None, float]:
    """Read ``1000.0(0)/mV``: gain, baseline if it is stated, and the unit in mV."""
    found = _GAIN.fullmatch(text)
    try:
        gain = float(found[1]) if found else math.nan
    except ValueError:
        gain = math.nan
    if found is None or not _GAINS[0] <= gain <= _GAINS[1]:
        raise _corrupt(
            path, f"a gain is '{text[:40]}', expected a positive one such as '1000/mV'"
        )
    unit = found[3] or "mV"
    if unit.lower() not in _MILLIVOLTS:
        raise _corrupt(path, f"a unit is '{unit[:40]}', expected mV, uV or V")
    baseline = None if found[2] is None else _signed(path, found[2])
    return gain, baseline, _MILLIVOLTS[unit.lower()]


def _whole(path: Path, what: str, text: str) -> int:
    """Read a count."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise _corrupt(path, f"the number of {what} is '{text[:40]}', expected digits")
    if (number := int(text)) > _MOST_SAMPLES:
        raise _corrupt(path, f"the number of {what} is {number}, which is no record's")
    return number


def _signed(path: Path, text: str) -> int:
    """Read a whole number of at most 32 bits."""
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 11):
        raise _corrupt(path, f"'{text[:40]}' stands where a whole number is expected")
    return int(text) if digits == text else (-1) ** text.startswith("-") * int(digits)


def _corrupt(path: Path, problem: str, *, count: bool = False) -> DataCorruptError:
    """Say what is wrong with a header."""
    hint = " It may be cut short." if count else ""
    return DataCorruptError(
        f"The header '{path}': {problem}.{hint} Get the record again."
    )
