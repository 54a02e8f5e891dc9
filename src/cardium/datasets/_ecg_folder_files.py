"""Writers of ECG files of known content, one a format, from the formats' papers.

They share nothing with the readers. Values are (T, L) in mV; each writer rounds to the
step that it states.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from cardium.core import FloatArray
from cardium.core.files import write_text, written_aside

if TYPE_CHECKING:
    import pydicom


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a file is of: number, sex (``"M"`` or ``"F"``), age in years."""

    number: str
    sex: str
    age: int


def digitize(values: FloatArray, step_mv: float) -> np.ndarray:
    """Round to whole steps."""
    return np.rint(np.asarray(values, np.float64) / step_mv).astype("<i2")


def write_csv(path: Path, values: FloatArray, leads: Sequence[str]) -> None:
    """Write a header of lead names and a row a sample, to a microvolt; no time."""
    rows = (",".join(f"{value:.3f}" for value in row) for row in values)
    write_text(path, "\n".join([",".join(leads), *rows]) + "\n")


def write_edf(
    path: Path,
    values: FloatArray,
    leads: Sequence[str],
    person: Person,
    *,
    rate: int,
    bits: int = 16,
) -> None:
    """Write EDF+ (16 bits) or BDF (24 bits), records of a second, 0.5 uV a step."""
    top, width = 2 ** (bits - 1) - 1, bits // 8
    version = b"0       " if bits == 16 else b"\xffBIOSEMI"
    name = f"{person.number} {person.sex} 01-JAN-{2020 - person.age} X"
    fixed = [
        (name, 80),
        ("Startdate 02-FEB-2020 X X X", 80),
        ("02.02.20", 8),
        ("10.00.00", 8),
        (256 * (len(leads) + 1), 8),
        ("EDF+C" if bits == 16 else "24BIT", 44),
        (len(values) // rate, 8),
        (1, 8),
        (len(leads), 4),
    ]
    columns = [
        ([f"ECG {lead}" for lead in leads], 16),
        ("", 80),
        ("uV", 8),
        (-top / 2, 8) if bits == 16 else (-4194303, 8),
        (top / 2, 8) if bits == 16 else (4194303, 8),
        (-top if bits == 16 else -8388606, 8),
        (top if bits == 16 else 8388606, 8),
        ("", 80),
        (rate, 8),
        ("", 32),
    ]
    text = "".join(f"{value!s:<{size}}" for value, size in fixed)
    for value, size in columns:
        cells = value if isinstance(value, list) else [value] * len(leads)
        text += "".join(f"{cell!s:<{size}}"[:size] for cell in cells)
    digital = np.rint(values / 0.5e-3).astype("<i4")
    records = digital.reshape(-1, rate, len(leads)).transpose(0, 2, 1)
    data = np.ascontiguousarray(records).view("u1").reshape(-1, 4)[:, :width]
    write_bytes(path, version + text.encode("ascii") + data.tobytes())


def write_ishne(
    path: Path, values: FloatArray, codes: Sequence[int], person: Person, *, rate: int
) -> None:
    """Write ISHNE 1.0 with a checksum; 1000 nV a step."""
    head = bytearray(522)
    count = len(codes)
    head[:8] = b"ISHNE1.0"
    struct.pack_into("<5i", head, 10, 0, len(values), 522, 522, 1)
    head[26:28] = struct.pack("<h", 1)
    head[28:34] = b"Nobody"
    head[108 : 108 + len(person.number)] = person.number.encode()
    struct.pack_into("<h", head, 128, {"M": 1, "F": 2}[person.sex])
    struct.pack_into("<6h", head, 132, 1, 1, 2020 - person.age, 2, 2, 2020)
    struct.pack_into(f"<h{count}h", head, 156, count, *codes)
    struct.pack_into(f"<{count}h", head, 206, *[1000] * count)
    struct.pack_into("<h", head, 272, rate)
    struct.pack_into("<H", head, 8, binascii.crc_hqx(bytes(head[10:]), 0xFFFF))
    write_bytes(path, bytes(head) + digitize(values, 1e-3).tobytes())


def write_muse(
    path: Path,
    rhythm: FloatArray,
    median: FloatArray,
    leads: Sequence[str],
    person: Person,
    *,
    rate: int,
) -> None:
    """Write MUSE XML with the document type that the vendor writes; 4.88 uV a step."""
    waves = "".join(
        f"<Waveform><WaveformType>{kind}</WaveformType><SampleBase>{rate}</SampleBase>"
        "<SampleExponent>0</SampleExponent>"
        + "".join(_muse_lead(values[:, n], name) for n, name in enumerate(leads))
        + "</Waveform>\n"
        for kind, values in (("Median", median), ("Rhythm", rhythm))
    )
    sex = {"M": "MALE", "F": "FEMALE"}[person.sex]
    write_text(
        path,
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>\n'
        f"<PatientDemographics><PatientID>{escape(person.number)}</PatientID>"
        f"<PatientAge>{person.age}</PatientAge><AgeUnits>YEARS</AgeUnits>"
        f"<Gender>{sex}</Gender><PatientLastName>Nobody</PatientLastName>"
        f"</PatientDemographics>\n{waves}</RestingECG>\n",
    )


def _muse_lead(values: FloatArray, name: str) -> str:
    """Write a lead."""
    data = digitize(values, 4.88e-3).tobytes()
    parts = {
        "LeadByteCountTotal": len(data),
        "LeadSampleCountTotal": len(data) // 2,
        "LeadAmplitudeUnitsPerBit": 4.88,
        "LeadAmplitudeUnits": "MICROVOLTS",
        "LeadID": name,
        "LeadDataCRC32": zlib.crc32(data),
        "LeadSampleSize": 2,
        "WaveFormData": base64.b64encode(data).decode(),
    }
    text = "".join(f"<{key}>{value}</{key}>" for key, value in parts.items())
    return f"<LeadData>{text}</LeadData>\n"


def write_aecg(
    path: Path,
    rhythm: FloatArray,
    beat: FloatArray,
    leads: Sequence[str],
    person: Person,
    *,
    rate: int,
) -> None:
    """Write an HL7 annotated ECG with a representative beat; 2.5 uV a step."""
    wrapped = (
        "<componentOf><timepointEvent><componentOf><subjectAssignment><subject>"
        f"<trialSubject><id extension={quoteattr(person.number)}/>"
        "<subjectDemographicPerson><name>Nobody</name>"
        f'<administrativeGenderCode code="{person.sex}"/>'
        f'<birthTime value="{2020 - person.age}0101"/></subjectDemographicPerson>'
        "</trialSubject></subject></subjectAssignment></componentOf></timepointEvent>"
        "</componentOf>"
    )
    absolute = '<head value="20200202100000.000"/>'
    relative = '<head value="0.000" unit="s"/>'
    series = _aecg_set(rhythm, leads, "TIME_ABSOLUTE", absolute, rate)
    derived = _aecg_set(beat, leads, "TIME_RELATIVE", relative, rate)
    write_text(
        path,
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a simulated ECG -->\n'
        '<AnnotatedECG xmlns="urn:hl7-org:v3" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        '<effectiveTime><low value="20200202100000"/></effectiveTime>\n'
        f'{wrapped}\n<component><series><code code="RHYTHM"/>\n{series}'
        '<derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>\n'
        f"{derived}</derivedSeries></derivation></series></component></AnnotatedECG>\n",
    )


def _aecg_set(
    values: FloatArray, leads: Sequence[str], clock: str, head: str, rate: int
) -> str:
    """Write a sequence set."""
    parts = [
        f'<sequence><code code="{clock}"/><value xsi:type="GLIST">{head}'
        f'<increment value="{1 / rate:g}" unit="s"/></value></sequence>'
    ]
    for n, lead in enumerate(leads):
        digits = " ".join(map(str, digitize(values[:, n], 2.5e-3)))
        parts.append(
            f'<sequence><code code="MDC_ECG_LEAD_{lead.upper()}"/>'
            '<value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/>'
            f'<scale value="2.5" unit="uV"/><digits>{digits}</digits></value>'
            "</sequence>"
        )
    inner = "".join(f"<component>{part}</component>\n" for part in parts)
    return f"<component><sequenceSet>\n{inner}</sequenceSet></component>\n"


def write_scp(
    path: Path,
    rhythm: FloatArray,
    beat: FloatArray,
    codes: Sequence[int],
    person: Person,
    *,
    rate: int,
) -> None:
    """Write SCP-ECG without compression: sections 0, 1, 3, 5 and 6; 2.5 uV a step."""
    tags = [
        (2, person.number.encode() + b"\0"),
        (4, struct.pack("<HB", person.age, 1)),
        (8, bytes([{"M": 1, "F": 2}[person.sex]])),
        (255, b""),
    ]
    first = b"".join(struct.pack("<BH", tag, len(v)) + v for tag, v in tags)
    together = 4 | len(codes) << 3  # all leads were recorded at once
    third = struct.pack("<BB", len(codes), together) + b"".join(
        struct.pack("<IIB", 1, len(rhythm), code) for code in codes
    )
    bodies = {1: first, 3: third, 5: _scp_data(beat, rate), 6: _scp_data(rhythm, rate)}
    write_bytes(path, scp_record(bodies))


def _scp_data(values: FloatArray, rate: int) -> bytes:
    """Write section 5 or 6: 2500 nV a step, microseconds a sample, plain amplitudes."""
    digital = digitize(values, 2.5e-3)
    count = digital.shape[1]
    sizes = struct.pack(f"<{count}H", *[2 * len(digital)] * count)
    return (
        struct.pack("<HHBB", 2500, 1_000_000 // rate, 0, 0)
        + sizes
        + (np.ascontiguousarray(digital.T).tobytes())
    )


def scp_record(bodies: dict[int, bytes]) -> bytes:
    """Put sections together, with pointers and checksums; odd lengths are filled up."""
    padded = {n: body + b"\0" * (len(body) % 2) for n, body in bodies.items()}
    lengths = {0: 16 + 10 * 12} | {n: 16 + len(body) for n, body in padded.items()}
    pointers, at = [], 7
    for number in range(12):
        length = lengths.get(number, 0)
        pointers.append(struct.pack("<HII", number, length, at if length else 0))
        at += length
    padded[0] = b"".join(pointers)
    data = b"".join(_scp_section(n, padded[n]) for n in sorted(padded))
    data = struct.pack("<I", 6 + len(data)) + data
    return struct.pack("<H", binascii.crc_hqx(data, 0xFFFF)) + data


def _scp_section(number: int, body: bytes) -> bytes:
    """Write a section with its header."""
    name = b"SCPECG" if number == 0 else b"\0" * 6
    head = struct.pack("<HIBB", number, 16 + len(body), 20, 20) + name + body
    return struct.pack("<H", binascii.crc_hqx(head, 0xFFFF)) + head


def write_dicom(
    path: Path,
    waves: Iterable[tuple[str, FloatArray]],
    leads: Sequence[str],
    person: Person,
    *,
    rate: int,
) -> None:
    """Write a 12-lead ECG waveform; 1.25 uV a step, ``ORIGINAL`` or ``DERIVED``."""
    from pydicom import Dataset, FileDataset, FileMetaDataset, Sequence
    from pydicom.uid import (
        UID,
        ExplicitVRLittleEndian,
        TwelveLeadECGWaveformStorage,
    )

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = TwelveLeadECGWaveformStorage
    meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.1")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.Modality, data.StudyDate = "ECG", "20200202"
    data.PatientID, data.PatientSex = person.number, person.sex
    data.PatientName, data.PatientAge = "Nobody", f"{person.age:03d}Y"
    groups = []
    for kind, values in waves:
        group = Dataset()
        group.WaveformOriginality = kind
        group.NumberOfWaveformChannels = len(leads)
        group.NumberOfWaveformSamples = len(values)
        group.SamplingFrequency = rate
        group.ChannelDefinitionSequence = Sequence(map(_dicom_channel, leads))
        group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
        group.WaveformData = digitize(values, 1.25e-3).tobytes()
        group["WaveformData"].VR = "OW"
        groups.append(group)
    data.WaveformSequence = Sequence(groups)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        data.save_as(aside, enforce_file_format=True)


def _dicom_channel(lead: str) -> pydicom.Dataset:
    """Describe a lead."""
    from pydicom import Dataset, Sequence

    channel, source, unit = Dataset(), Dataset(), Dataset()
    source.CodeValue, source.CodingSchemeDesignator = "5.6.3-9-0", "SCPECG"
    source.CodeMeaning = "Lead I (Einthoven)" if lead == "I" else f"Lead {lead}"
    unit.CodeValue, unit.CodingSchemeDesignator = "uV", "UCUM"
    unit.CodeMeaning = "microvolt"
    channel.ChannelSourceSequence = Sequence([source])
    channel.ChannelSensitivityUnitsSequence = Sequence([unit])
    channel.ChannelSensitivity = "1.25"
    channel.ChannelSensitivityCorrectionFactor = "1"
    channel.ChannelBaseline, channel.WaveformBitsStored = "0", 16
    return channel


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole."""
    with written_aside(path) as aside:
        aside.write_bytes(data)
