"""A folder with an ECG of known content in every format that can be opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from cardium.core import Entry, FloatArray, KnownAnswer, Label, Recording, Stream
from cardium.core.files import write_text
from cardium.datasets import _ecg_folder_files as files
from cardium.datasets.ecg_folder import TABLE
from cardium.io.ecg_file import pseudonym
from cardium.io.wfdb import write_signal
from cardium.phantom.ecg_exam import simulate_ecg
from cardium.phantom.patient import Patient
from cardium.signal.leads import LEADS

_RATE = 500
_EIGHT = ("I", "II", *LEADS[6:])
_IN_FILE = (0, 1, *range(6, 12))
_SCP_CODES = (1, 2, 61, 62, 63, 64, *range(3, 9))
_ISHNE_CODES = tuple(range(5, 17))
_STEPS = {  # mV
    **{"aecg": 2.5e-3, "muse": 4.88e-3, "dicom": 1.25e-3, "scp": 2.5e-3},
    **{"edf": 0.5e-3, "bdf": 0.5e-3, "ishne": 1e-3, "csv": 1e-3, "wfdb": 1e-3},
}
_WITH_MEDIAN = ("aecg", "muse", "dicom", "scp")


@dataclass(frozen=True)
class _Case:
    """A row of the table; without a patient there, it is the file's."""

    kind: str
    file: str
    split: str
    person: files.Person
    patient: str = ""


_CASES = (
    _Case("aecg", "cart/rest_1.xml", "train", files.Person("A-1", "F", 61)),
    _Case("muse", "cart/rest_2.xml", "train", files.Person("A-1", "F", 61)),
    _Case("dicom", "pacs/0001", "train", files.Person("A-2", "M", 40)),
    _Case("scp", "cart/rest_3.scp", "val", files.Person("A-3", "M", 55)),
    _Case("edf", "holter/day.edf", "test", files.Person("A-4", "F", 33), "p4"),
    _Case("bdf", "holter/day.bdf", "test", files.Person("A-4", "F", 33), "p4"),
    _Case("ishne", "holter/night.ecg", "train", files.Person("A-5", "M", 70), "p5"),
    _Case("csv", "hand/rest.csv", "val", files.Person("A-6", "M", 48), "p6"),
    _Case("wfdb", "research/r01.hea", "test", files.Person("A-7", "F", 25), "p7"),
)


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write a file in each format and the table; return what reading must give."""
    rows = ["file,patient,split,rate,age,sex"]
    known = []
    for number, case in enumerate(_CASES):
        ecg = _simulated(number)
        median = ecg[100:700]
        _WRITERS[case.kind](root / case.file, ecg, median, case.person)
        rate = _RATE if case.kind == "csv" else ""
        facts = f"{case.person.age},{case.person.sex}" if case.patient else ","
        rows.append(f"{case.file},{case.patient},{case.split},{rate},{facts}")
        waves = {"ecg": ecg, "median": median}
        if case.kind not in _WITH_MEDIAN:
            del waves["median"]
        streams = {name: _stream(name, wave) for name, wave in waves.items()}
        # III is the difference of two rounded leads
        steps = 1.001 if case.kind == "muse" else 0.501
        allowed = dict.fromkeys(waves, steps * _STEPS[case.kind] + 1e-6)
        entry = _entry(case, frozenset(streams) if not case.patient else None)
        recording = Recording(entry, MappingProxyType(streams))
        known.append(KnownAnswer(recording, MappingProxyType(allowed)))
    write_text(root / TABLE, "\n".join(rows) + "\n")
    return tuple(known)


def _simulated(number: int) -> FloatArray:
    """Return the twelve leads of a simulated patient, (5000, 12) [mV]."""
    patient = Patient(heart_rate=60.0 + 4 * number, number=number)
    ecg = simulate_ecg(patient).streams["ecg"].load()[: 10 * _RATE]
    return np.asarray(ecg, np.float64)


def _stream(name: str, values: FloatArray) -> Stream:
    """Make the stream that a file must give."""
    coords = MappingProxyType({"lead": LEADS})
    time = np.arange(len(values)) / _RATE
    return Stream(name, values, time, ("time", "lead"), "mV", coords=coords)


def _entry(case: _Case, streams: frozenset[str] | None) -> Entry:
    """Say what the catalog must say; what it did not open has no median beat."""
    name = PurePosixPath(case.file)
    with_samples = (name.with_suffix(".dat"),) if case.kind == "wfdb" else ()
    labels: dict[str, Label] = {
        "age": float(case.person.age),
        "sex": {"M": "male", "F": "female"}[case.person.sex],
        "format": case.kind,
    }
    stated = frozenset(labels)
    if case.kind == "csv":
        labels["rate"] = float(_RATE)
    identity = "-".join(name.with_suffix("").parts)
    if case.kind in ("edf", "bdf"):
        identity = "-".join(name.parts)
    return Entry(
        id=identity,
        patient=case.patient or pseudonym(case.person.number),
        split=case.split,
        provides=(streams or frozenset({"ecg"})) | stated,
        files=(name, *with_samples),
        labels=MappingProxyType(labels),
    )


Writer = Callable[[Path, FloatArray, FloatArray, files.Person], None]


def _aecg(path: Path, ecg: FloatArray, median: FloatArray, who: files.Person) -> None:
    """Write the format."""
    files.write_aecg(path, ecg, median, LEADS, who, rate=_RATE)


def _muse(path: Path, ecg: FloatArray, median: FloatArray, who: files.Person) -> None:
    """Write the format: eight leads."""
    eight = ecg[:, _IN_FILE], median[:, _IN_FILE]
    files.write_muse(path, *eight, _EIGHT, who, rate=_RATE)


def _dicom(path: Path, ecg: FloatArray, median: FloatArray, who: files.Person) -> None:
    """Write the format."""
    waves = (("ORIGINAL", ecg), ("DERIVED", median))
    files.write_dicom(path, waves, LEADS, who, rate=_RATE)


def _scp(path: Path, ecg: FloatArray, median: FloatArray, who: files.Person) -> None:
    """Write the format."""
    files.write_scp(path, ecg, median, _SCP_CODES, who, rate=_RATE)


def _edf(path: Path, ecg: FloatArray, _: FloatArray, who: files.Person) -> None:
    """Write the format."""
    files.write_edf(path, ecg, LEADS, who, rate=_RATE)


def _bdf(path: Path, ecg: FloatArray, _: FloatArray, who: files.Person) -> None:
    """Write the format."""
    files.write_edf(path, ecg, LEADS, who, rate=_RATE, bits=24)


def _ishne(path: Path, ecg: FloatArray, _: FloatArray, who: files.Person) -> None:
    """Write the format."""
    files.write_ishne(path, ecg, _ISHNE_CODES, who, rate=_RATE)


def _csv(path: Path, ecg: FloatArray, _: FloatArray, __: files.Person) -> None:
    """Write the format."""
    files.write_csv(path, ecg, LEADS)


def _wfdb(path: Path, ecg: FloatArray, _: FloatArray, __: files.Person) -> None:
    """Write the format."""
    write_signal(path, ecg, rate=_RATE, channels=LEADS)


_WRITERS: dict[str, Writer] = {
    **{"aecg": _aecg, "muse": _muse, "dicom": _dicom, "scp": _scp, "edf": _edf},
    **{"bdf": _bdf, "ishne": _ishne, "csv": _csv, "wfdb": _wfdb},
}
