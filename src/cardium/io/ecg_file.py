"""ECG files of laboratories: nine formats, opened by one call.

==========  ============================================================================
``aecg``    HL7 annotated ECG (XML); with the representative beat
``bdf``     BioSemi BDF and BDF+, 24 bit
``csv``     a header of lead names, a row a sample
``dicom``   12-lead, general and ambulatory ECG waveforms; with the median beat
``edf``     EDF and EDF+, also discontinuous; annotations as marks
``ishne``   ISHNE Holter
``muse``    GE MUSE XML; with the median beat; III, aVR, aVL, aVF are computed
``scp``     SCP-ECG, also compressed; with the reference beat
``wfdb``    PhysioNet records, by their header; with the beats and rhythms of ``.atr``
==========  ============================================================================

The format is found by content. Whatever a file holds, the recording has the stream
``ecg``, (time, lead) in mV, with leads named as `cardium.signal.leads.lead_name` names
them, and where the file has one beat that stands for all, the stream ``median``, on a
clock of its own that begins with the beat. Leads that are missing, constant or NaN stay
so. The twelve leads of a standard ECG come in the usual order, whatever the file's. A
lead that was recorded for part of the time is NaN elsewhere. Leads of one name are
numbered, ``II``, ``II#2``.

Names, addresses, days of birth and days of recording are not taken from a file: only
age in years and sex. What a recording calls the patient is the first twelve digits of
the SHA-256 of the file's patient number, so that recordings of one patient stay
together. That is a pseudonym and no anonymity: who can list all numbers of a hospital
can find the patient's. File names are kept, and so are the texts of annotations if they
are asked for. To de-identify data before sharing them stays with the user.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import cast

import numpy as np

from cardium.core import Entry, Label, Recording, Stream
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.io._ecg_csv import is_table
from cardium.io._ecg_parts import Columns, Content, Options, Wave, corrupt, standard
from cardium.signal.leads import LEADS

FORMATS = ("aecg", "bdf", "csv", "dicom", "edf", "ishne", "muse", "scp", "wfdb")
"""The formats that `open_ecg` reads."""

_HEAD = 65536
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z]\w*)[\s/>]")
_ROOTS = {"annotatedecg": "aecg", "restingecg": "muse"}
_RECORD = re.compile(r"[^\s,;/]+(?:/\d+)?[ \t]+\d+(?:[ \t]+[\d.]|[ \t]*$)")


def open_ecg(
    path: str | Path,
    *,
    channels: Sequence[str] | None = None,
    rate: float | None = None,
    unit: str | None = None,
    texts: bool = False,
    check: bool = True,
) -> Recording:
    r"""Open an ECG file, whatever its format.

    Parameters
    ----------
    path : str or Path
        The file; of a WFDB record the header, ``<record>.hea``.
    channels : sequence of str, optional
        The leads wanted, in this order, by their standard names or as the file has
        them. If not given: all leads, and of an EDF those that are named as one. A file
        of several rates is refused unless those of one rate are chosen.
    rate : float [Hz], optional
        Samples a second, for a CSV file without a column ``time``.
    unit : {"mV", "uV", "V", "nV"}, optional
        What the samples are in where the file does not say. In CSV it is mV otherwise.
    texts : bool
        Whether to read the annotations of EDF+ as marks. They are free text, which may
        name people.
    check : bool
        Whether to hold checksums and stated sizes against the content. Some
        electrocardiographs write wrong ones; without the check what is there is read.

    Returns
    -------
    Recording
        Stream ``ecg``, perhaps ``median``; of WFDB records annotations ``beats`` and
        ``rhythm``; labels ``age`` (years or NaN), ``sex``
        (``"male"``, ``"female"`` or None), ``format``, and ``computed_leads``, which
        are not in the file but follow from others. The samples of EDF, BDF, ISHNE and
        WFDB are read when sliced.

    Raises
    ------
    DataMissingError
        If there is no file.
    DataCorruptError
        If it is truncated or contradicts itself, or an XML file declares entities.
    NotProvidedError
        If it is in none of the formats, or holds several recordings or rates, no ECG,
        or neither a rate nor a unit.
    InvalidArgumentError
        If the path is a folder, or rate or unit are none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "rest.csv"
    ...     _ = file.write_text("time,LEAD I,avr [uV]\n0,0.1,-50\n0.002,0.2,-100\n")
    ...     recording = open_ecg(file)
    >>> ecg = recording["ecg"]
    >>> ecg.coords["lead"], ecg.unit, ecg.rate
    (('I', 'aVR'), 'mV', 500.0)
    >>> (1000 * ecg.values).round().tolist()  # microvolts
    [[100.0, -50.0], [200.0, -100.0]]
    """
    path = Path(path)
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise InvalidArgumentError(f"rate must be positive, got {rate} Hz.")
    chosen = None if channels is None else tuple(channels)
    options = Options(chosen, rate, unit, texts, check)
    kind = detect_format(path)
    reader = import_module(f"cardium.io._ecg_{'edf' if kind == 'bdf' else kind}")
    read = cast("Callable[[Path, Options], Content]", reader.read)
    try:
        content = read(path, options)
    except (OSError, MemoryError) as error:
        if isinstance(error, DataMissingError):
            raise
        raise corrupt(path, f"cannot be read ({error})") from error
    return _recording(path, kind, content, options)


def detect_format(path: str | Path) -> str:
    r"""Say which format a file is in, by what it begins with.

    Parameters
    ----------
    path : str or Path
        The file; its first 64 KiB are looked at.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    DataMissingError
        If there is no file.
    DataCorruptError
        If it is empty.
    NotProvidedError
        If it is in none of the formats.
    InvalidArgumentError
        If it is a folder.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "unnamed"
    ...     _ = file.write_text('<?xml version="1.0"?>\n<RestingECG></RestingECG>')
    ...     detect_format(file)
    'muse'
    """
    path = Path(path)
    if path.is_dir():
        raise InvalidArgumentError(
            f"'{path}' is a folder. Name a file, or open it as the dataset ecg_folder."
        )
    if not path.is_file():
        raise DataMissingError(f"'{path}' does not exist.")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise DataCorruptError(f"'{path}' cannot be read ({error}).") from error
    if not head:
        raise corrupt(path, "is empty")
    kind = _by_bytes(head) or _by_text(path, head)
    if kind is None:
        hint = " Name its header, '.hea'." if path.suffix in (".dat", ".mat") else ""
        raise NotProvidedError(
            f"'{path}' is in none of the formats {', '.join(FORMATS)}; it begins with "
            f"{head[:16]!r}.{hint}"
        )
    return kind


def _by_bytes(head: bytes) -> str | None:
    """Recognize binary formats."""
    if head[128:132] == b"DICM":
        return "dicom"
    if head[:8] == b"ISHNE1.0":
        return "ishne"
    if head[:8] == b"\xffBIOSEMI":
        return "bdf"
    if head[:8] == b"0       " and head[252:256].strip().isdigit():
        return "edf"
    return "scp" if _is_scp(head) else None


def _is_scp(head: bytes) -> bool:
    """Recognize section 0, by its name or by its first pointer, to itself."""
    if len(head) < 32 or head[8:10] != b"\0\0":
        return False
    length = int.from_bytes(head[10:14], "little")
    itself = head[22:24] == b"\0\0" and head[28:32] == b"\7\0\0\0"
    return head[16:22] == b"SCPECG" or (length >= 26 and itself)


def _by_text(path: Path, head: bytes) -> str | None:
    """Recognize XML, WFDB headers and tables."""
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = head.decode("utf-16" if wide else "utf-8-sig", "replace")
    if text.lstrip().startswith("<"):
        return _by_root(path, text)
    if "\0" in text or text.count("\ufffd") > 1:
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    first = next((line for line in lines if not line.startswith("#")), "")
    if path.suffix.lower() == ".hea" and _RECORD.match(first):
        return "wfdb"
    return "csv" if is_table(lines) else None


def _by_root(path: Path, text: str) -> str | None:
    """Recognize an XML file by its root, past comments and the document type."""
    root = _ROOT.match(text, _past_prolog(text))
    name = root[1].lower() if root else ""
    if name == "restingecgdata":
        raise NotProvidedError(
            f"'{path}' is Philips' XML (restingecgdata), which cardium does not read. "
            "Export it as DICOM, SCP-ECG or HL7 aECG."
        )
    return _ROOTS.get(name)


def _past_prolog(text: str) -> int:
    """Find the root element's begin, past comments, instructions and document type."""
    at = text.find("<")
    while at >= 0:
        if text.startswith("<!--", at):
            end = "-->"
        elif text.startswith("<?", at):
            end = "?>"
        elif text.startswith("<!", at):
            inner, close = text.find("[", at), text.find(">", at)
            end = "]" if 0 <= inner < close else ">"
        else:
            return at
        past = text.find(end, at)
        at = text.find("<", past) if past >= 0 else -1
    return len(text)


def _recording(path: Path, kind: str, content: Content, options: Options) -> Recording:
    """Make a recording of what a file holds, without a name of the patient's."""
    chosen = options.channels if kind not in ("edf", "bdf") else None
    streams = {"ecg": _stream("ecg", content.ecg, chosen, path)}
    if content.median is not None:
        streams["median"] = _stream("median", content.median, chosen, path)
    labels: dict[str, Label] = {
        "age": content.age,
        "sex": content.sex,
        "format": kind,
        "computed_leads": content.computed,
    }
    stated = {k for k, v in labels.items() if v not in (None, ()) and v == v}
    entry = Entry(
        id=path.stem,
        patient=pseudonym(content.patient) if content.patient else path.stem,
        split="",
        provides=frozenset(streams) | content.annotations.keys() | stated,
        files=(PurePosixPath(path.name),),
        labels=MappingProxyType(labels),
    )
    return Recording(
        entry,
        MappingProxyType(streams),
        MappingProxyType(dict(content.annotations)),
        marks=content.marks,
    )


def pseudonym(number: str) -> str:
    """Return what a patient is called: twelve digits that stand for the number.

    Parameters
    ----------
    number : str
        The patient's number or name in the file; blanks around it do not count.

    Returns
    -------
    str
        The first twelve hexadecimal digits of its SHA-256.

    Examples
    --------
    >>> pseudonym("642341") == pseudonym(" 642341 ")
    True
    >>> len(pseudonym("642341"))
    12
    """
    return hashlib.sha256(number.strip().encode()).hexdigest()[:12]


def _stream(name: str, wave: Wave, chosen: Sequence[str] | None, path: Path) -> Stream:
    """Make a stream of some leads, or of all; the twelve come in their usual order."""
    wanted = LEADS if set(wave.leads) == set(LEADS) else wave.leads
    if chosen is not None:
        wanted = tuple(n if n in wave.leads else standard(n) for n in chosen)
    if lacking := [n for n in wanted if n not in wave.leads]:
        raise NotProvidedError(
            f"'{path}' has no lead '{lacking[0]}'. There are: {', '.join(wave.leads)}."
        )
    values = wave.values
    if wanted != wave.leads:
        columns = [wave.leads.index(lead) for lead in wanted]
        picked = Columns(values, columns)
        values = picked[:] if isinstance(values, np.ndarray) else picked
    coords = MappingProxyType({"lead": wanted})
    return Stream(name, values, wave.time, ("time", "lead"), "mV", coords=coords)
