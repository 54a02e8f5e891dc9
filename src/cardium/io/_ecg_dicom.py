"""ECG waveforms of DICOM files: rhythm, and the median beat where it is stored.

PS3.3 C.10.9: a value is ``(raw + baseline) * sensitivity * correction factor``.
"""

from __future__ import annotations

import math
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, need, plausible_age, sex_of
from cardium.errors import CardiumError, NotProvidedError
from cardium.io._ecg_parts import (
    Content,
    Options,
    Piece,
    Wave,
    age_between,
    corrupt,
    day_in,
    place,
    positive,
    standard,
    to_millivolts,
    to_number,
    unique,
)

if TYPE_CHECKING:
    import pydicom

_TYPES = {("SS", 16): "<i2", ("US", 16): "<u2", ("SB", 8): "i1", ("UB", 8): "u1",
          ("SL", 32): "<i4", ("UL", 32): "<u4"}  # fmt: skip
_YEARS = {"Y": 1.0, "M": 1 / 12, "W": 7 / 365.25, "D": 1 / 365.25}
_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_BROKEN = (
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    ArithmeticError,
    OSError,
    EOFError,
    NotImplementedError,
    RecursionError,
    AssertionError,
    struct.error,
)
"""What pydicom raises of broken files, beside its own errors."""


def read(path: Path, options: Options) -> Content:
    """Read the waveforms of a file."""
    need("pydicom", extra="ecg")
    from pydicom.errors import BytesLengthException, InvalidDicomError

    with warnings.catch_warnings():
        # pydicom warns of values against the standard, of which old files are full
        warnings.simplefilter("ignore")
        try:
            data = _parse(path)
            groups = list(data.get("WaveformSequence") or ())
            described = [_described(group, path, options) for group in groups]
            person = _person(data)
            modality = str(data.get("Modality") or "nothing that it names")
        except CardiumError:
            raise
        except (InvalidDicomError, BytesLengthException, *_BROKEN) as error:
            raise corrupt(path, f"cannot be read as DICOM ({error})") from error
    if not groups:
        raise NotProvidedError(
            f"'{path}' is a DICOM file without a waveform; it holds '{modality}'."
        )
    original = [pieces for kind, pieces in described if kind == "ORIGINAL"]
    derived = [pieces for kind, pieces in described if kind == "DERIVED"]
    patient, age, sex = person
    return Content(
        _joined(original or derived[:1], path),
        _joined(derived, path) if original and len(derived) == 1 else None,
        patient=patient,
        age=age,
        sex=sex,
    )


def _parse(path: Path) -> pydicom.Dataset:
    """Parse a file of bounded size."""
    import pydicom
    from pydicom.filereader import read_file_meta_info

    syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
    if syntax in (_DEFLATED, _BIG_ENDIAN):
        raise NotProvidedError(
            f"'{path}' is deflated or big-endian DICOM ({syntax}), which "
            "cardium does not read. Convert it to Explicit VR Little Endian."
        )
    return pydicom.dcmread(path)


Described = tuple[str, tuple[float, list[Piece]]]


def _described(group: pydicom.Dataset, path: Path, options: Options) -> Described:
    """Read a multiplex group: whether it is original, its rate, its leads."""
    count = int(group.NumberOfWaveformChannels)
    rate = positive(group.get("SamplingFrequency"), "a rate", path)
    kind = str(group.WaveformSampleInterpretation), int(group.WaveformBitsAllocated)
    if kind not in _TYPES:
        raise NotProvidedError(f"'{path}' has samples of the kind {kind}.")
    raw = np.frombuffer(group.WaveformData, _TYPES[kind])
    length = int(group.NumberOfWaveformSamples)
    # a waveform of odd length is filled up with one byte
    if count < 1 or length < 0 or not 0 <= len(raw) - count * length < 2:
        raise corrupt(
            path,
            f"promises {length} samples of {count} channels and has {len(raw)} values",
        )
    channels = list(group.ChannelDefinitionSequence)
    if len(channels) != count:
        raise corrupt(path, f"defines {len(channels)} of {count} channels")
    table = raw[: count * length].reshape(length, count).astype(np.float64)
    padding = group.get("WaveformPaddingValue")
    if isinstance(padding, bytes) and len(padding) == raw.itemsize:
        table[table == float(np.frombuffer(padding, _TYPES[kind])[0])] = np.nan
    names = unique(_lead(c, n) for n, c in enumerate(channels, start=1))
    start = to_number(group.get("MultiplexGroupTimeOffset") or 0) / 1e3
    pieces = [
        Piece(name, start if math.isfinite(start) else 0.0,
              _values(channel, table[:, n], name, path, options))
        for n, (name, channel) in enumerate(zip(names, channels, strict=True))
    ]  # fmt: skip
    derived = str(group.get("WaveformOriginality", "")).upper() == "DERIVED"
    return "DERIVED" if derived else "ORIGINAL", (rate, pieces)


def _joined(groups: list[tuple[float, list[Piece]]], path: Path) -> Wave:
    """Put multiplex groups on one clock."""
    rates = {rate for rate, _ in groups}
    if len(rates) > 1:
        raise NotProvidedError(
            f"'{path}' has waveforms of several rates: {sorted(rates)} Hz. cardium "
            "reads files of one."
        )
    return place([piece for _, pieces in groups for piece in pieces], rates.pop(), path)


def _values(
    channel: pydicom.Dataset, raw: FloatArray, lead: str, path: Path, options: Options
) -> FloatArray:
    """Return ``(raw + baseline) * sensitivity * correction`` in millivolts."""
    units = channel.get("ChannelSensitivityUnitsSequence")
    unit = str(units[0].get("CodeValue", "")) if units else ""
    factor = to_millivolts(unit, f"lead {lead}", path, options.unit)
    what = f"a sensitivity of lead {lead}"
    step = positive(channel.get("ChannelSensitivity"), what, path)
    factors = channel.get("ChannelSensitivityCorrectionFactor")
    step *= positive(1 if factors is None else factors, f"a corrected {what[2:]}", path)
    baseline = to_number(channel.get("ChannelBaseline") or 0)
    return (raw + (baseline if math.isfinite(baseline) else 0.0)) * (step * factor)


def _lead(channel: pydicom.Dataset, number: int) -> str:
    """Name a lead by its coded source, or its label, or its number."""
    source = channel.get("ChannelSourceSequence")
    meaning = str(source[0].get("CodeMeaning", "")) if source else ""
    label = str(channel.get("ChannelLabel") or "")
    if "unspecified" in meaning.lower():
        meaning = ""
    return standard(meaning or label or f"lead {number}")


def _person(data: pydicom.Dataset) -> tuple[str, float, str | None]:
    """Return patient id, age and sex."""
    text = str(data.get("PatientAge") or "")
    years = to_number(text[:3]) * _YEARS.get(text[3:4].upper(), math.nan)
    if not math.isfinite(years):
        taken = data.get("AcquisitionDateTime") or data.get("StudyDate") or ""
        birth = day_in(str(data.get("PatientBirthDate") or ""))
        years = age_between(birth, day_in(str(taken)))
    sex = sex_of(str(data.get("PatientSex") or ""))
    return str(data.get("PatientID") or "").strip(), plausible_age(years), sex
