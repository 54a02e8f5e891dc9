"""Small datasets of WFDB records of known content, in their sources' layouts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from cardium.core import Entry, KnownAnswer, Label, Recording, Stream
from cardium.core.files import write_text
from cardium.datasets._files import write_checksums
from cardium.datasets._wfdb_heart import (
    Episode,
    Format,
    Heart,
    Values,
    beat,
    write_record,
)
from cardium.io.wfdb_annotations import write_annotations
from cardium.signal.beat_classes import BEAT_SYMBOLS, label_stream

_LEADS = ("I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6")
_TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", *_LEADS[6:])
_MIT = Format(360.0, zero=1024, bits=11)
_NAMELESS = ("ECG1", "ECG2")


@dataclass(frozen=True, slots=True)
class Plan:
    """A record that is to be written, and what reading it must give."""

    name: str
    leads: tuple[str, ...]
    episodes: tuple[Episode, ...]
    shown: tuple[str, ...] = ()  # the leads' names, if they are read as others
    comments: tuple[str, ...] = ()
    labels: Mapping[str, Label] = field(default_factory=dict)
    silent: tuple[str, ...] = ()  # labels that say nothing
    patient: str = ""
    split: str = ""


# record, comments, age, sex, medication, notes
_PEOPLE: dict[str, tuple[tuple[str, ...], float, str | None, tuple[str, ...], str]] = {
    "100": (("69 M 1085 1629 x1", "Aldomet, Inderal"), 69.0, "male",
            ("Aldomet", "Inderal"), ""),
    "101": (("75 F 1011 654 x1", "Diapres"), 75.0, "female", ("Diapres",), ""),
    "102": (("84 F 1254 1255 x1", "None", "The rhythm is paced."), 84.0, "female", (),
            "The rhythm is paced."),
    "103": (("-1 M 742 654 x1", "Diapres, Xyloprim"), math.nan, "male",
            ("Diapres", "Xyloprim"), ""),
    "114": (("72 F 1250 1651 x1", "Digoxin", "The PVCs are uniform.", "V5 is first."),
            72.0, "female", ("Digoxin",), "The PVCs are uniform. V5 is first."),
}  # fmt: skip
_NOBODY: tuple[tuple[str, ...], float, str | None, tuple[str, ...], str]
_NOBODY = ((), math.nan, None, (), "")
_MIT_RECORDS = (
    "100", "101", "102", "103", "105", "106", "114", "201", "202", "207", "208",
    "213", "222",
)  # fmt: skip
_MIT_TEST = ("100", "103", "105", "202", "213", "222")
_PATTERNS = (
    "NNNNVNNNANNNFNNNQ",
    "NNVNNNNANNVNNNFNNNNA",
    "NNNANNVNNNNNVNNFNNQNA",
)


def write_mit_bih(root: Path) -> tuple[KnownAnswer, ...]:
    """Write 13 records: both sets, a pacemaker, two of one man, V5 before MLII."""
    plans = []
    for k, name in enumerate(_MIT_RECORDS):
        comments, age, sex, medication, notes = _PEOPLE.get(name, _NOBODY)
        leads = {"114": ("V5", "MLII"), "102": ("V5", "V2")}.get(name, ("MLII", "V1"))
        pattern = "///f//Q/" if name == "102" else _PATTERNS[k % 3]
        episodes: list[Episode] = [("P" if name == "102" else "N", 32.0, pattern)]
        if k % 4 == 1:
            episodes.append(("AFIB", 12.0, "NNNVN"))
        ds = "" if name == "102" else "DS2" if name in _MIT_TEST else "DS1"
        labels: dict[str, Label] = {
            **{"age": age, "sex": sex, "medication": medication},
            "notes": notes or None,
            "subject": "201" if name == "202" else name,
            **{"ds": ds, "paced": name == "102"},
        }
        silent = {key for key, value in labels.items() if value in ("", None, ())}
        silent |= {"age"} if math.isnan(age) else set()
        split = {"DS1": "train", "DS2": "test", "": ""}[ds]
        plans.append(
            Plan(
                *(name, leads, tuple(episodes)),
                comments=comments,
                labels=labels,
                silent=tuple(silent),
                split=split,
            )
        )
    return _write_all(root, plans, _MIT)


def write_svdb(root: Path) -> tuple[KnownAnswer, ...]:
    """Write four records of two leads that have one name and mark no rhythm."""
    how = Format(128.0, bits=10, notes=False)
    return _write_all(
        root,
        [
            Plan(name, ("ECG", "ECG"), (("N", 30.0, pattern),), _NAMELESS)
            for name, pattern in zip(
                ("800", "801", "820", "894"),
                ("NNNANNJNNVNN", "NNAANNNNVNNF", "NNNNNANNNNV", "NNJNNNNAVNNNN"),
                strict=True,
            )
        ],
        how,
    )


def write_incart(root: Path) -> tuple[KnownAnswer, ...]:
    """Write four records of 12 leads: two of one patient, one of nobody named."""
    how = Format(257.0, "16", 306, 0, 16, notes=False)
    first: dict[str, Label] = {
        "age": 65.0,
        "sex": "female",
        "diagnoses": ("Coronary artery disease", "arterial hypertension"),
        "notes": "PVCs, noise",
    }
    text = (
        "<age>: 65 <sex>: F <diagnoses> Coronary artery disease, arterial hypertension"
    )
    nothing: dict[str, Label] = {
        "age": math.nan,
        "sex": None,
        "diagnoses": (),
        "notes": None,
    }
    both = (text, "patient 1", "PVCs, noise")
    other: dict[str, Label] = {
        "age": 58.0,
        "sex": "male",
        "diagnoses": ("Acute MI",),
        "notes": None,
    }
    brief = ("<age>: 58 <sex>: M <diagnoses> Acute MI", "patient 2")
    one, two, none = "patient01", "patient02", tuple(nothing)
    rows: tuple[
        tuple[str, str, tuple[str, ...], dict[str, Label], tuple[str, ...], str], ...
    ] = (
        ("I01", "NNVNNNANNNN", both, first, (), one),
        ("I02", "NNNVNNNNFNN", both, first, (), one),
        ("I03", "NNNNANNVNNN", brief, other, ("notes",), two),
        ("I75", "NNNVNANNNNQ", (), nothing, none, ""),
    )
    return _write_all(
        root,
        [
            Plan(name, _LEADS, (("N", 24.0, kinds),), _TWELVE, told, labels, lacks, who)
            for name, kinds, told, labels, lacks, who in rows
        ],
        how,
    )


def write_af_db(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six records: one without signals, three with corrected beats."""
    how = Format(250.0, ends=(".atr", ".qrs"))
    corrected = Format(250.0, ends=(".atr", ".qrsc", ".qrs"))
    af, sinus = ("AFIB", 22.0, "N"), ("N", 22.0, "N")
    flutter, nodal = ("AFL", 22.0, "N"), ("J", 22.0, "J")
    rows = (
        ("00735", (sinus, af), how),
        ("04015", (sinus, af), corrected),
        ("04043", (af, sinus, af), corrected),
        ("04936", (flutter, sinus), how),
        ("05091", (nodal, sinus, af), corrected),
        ("08455", (af, flutter), how),
    )
    known = []
    for name, episodes, form in rows:
        plan = Plan(name, ("ECG1", "ECG2"), episodes)
        known.append(_write(root, plan, form, signals=name != "00735"))
    _finish(root, [name for name, _, _ in rows])
    return tuple(known)


def write_malignant_ventricular(root: Path) -> tuple[KnownAnswer, ...]:
    """Write four records that begin in several rhythms; two names of fibrillation."""
    how = Format(250.0)
    sinus, tachycardia = ("N", 15.0, "NNNNNV"), ("VT", 12.0, "V")
    rows: tuple[tuple[str, tuple[Episode, ...]], ...] = (
        ("418", (sinus, tachycardia, ("VF", 12.0, ""), sinus)),
        ("419", (tachycardia, sinus, ("NOISE", 11.0, ""), sinus)),
        ("605", (("VFIB", 14.0, ""), sinus, tachycardia, ("AFIB", 16.0, "N"))),
        ("615", (sinus, ("VFIB", 11.0, ""), ("VT", 13.0, "V"))),
    )
    plans = [Plan(name, ("ECG", "ECG"), plan, _NAMELESS) for name, plan in rows]
    return _write_all(root, plans, how, beats=False)


def _write_all(
    root: Path, plans: Sequence[Plan], how: Format, *, beats: bool = True
) -> tuple[KnownAnswer, ...]:
    """Write the records of a dataset, their list and their checksums."""
    known = tuple(_write(root, plan, how, beats=beats) for plan in plans)
    _finish(root, [plan.name for plan in plans])
    return known


def _finish(root: Path, names: Iterable[str]) -> None:
    """Write the list of records, and the checksums of everything."""
    write_text(root / "RECORDS", "".join(f"{name}\n" for name in names))
    write_checksums(root)


def _write(
    root: Path, plan: Plan, how: Format, *, signals: bool = True, beats: bool = True
) -> KnownAnswer:
    """Write one record with its annotations; return what reading must give."""
    heart = beat(plan.episodes, plan.leads, how.rate)
    path = root / f"{plan.name}.hea"
    if signals:
        write_record(path, heart.values, plan.leads, how, plan.comments)
    else:
        write_text(path, f"{plan.name} 0 {how.rate:g} {len(heart.values)}\n")
    named = beats and ".qrs" not in how.ends
    annotations = {**_rhythm(heart, how), **(_beats(heart, how) if named else {})}
    rows = [(at, "+", f"({name}") for at, name in heart.marks if how.notes]
    if named:
        rows += [(s, k, "") for s, k in zip(heart.samples, heart.symbols, strict=True)]
    _write_rows(root / f"{plan.name}.atr", rows)
    if ".qrs" in how.ends:
        annotations["qrs"] = _write_qrs(root, plan.name, heart, how)
    ends = (".hea", *([".dat"] if signals else []), *how.ends)
    streams = {"ecg": ecg(heart.values, how.rate, plan.shown or plan.leads)}
    name = plan.name.replace("/", ".")
    entry = Entry(
        name,
        plan.patient or name,
        plan.split,
        frozenset(
            {*(streams if signals else ()), *annotations, *plan.labels} - {*plan.silent}
        ),
        tuple(PurePosixPath(f"{plan.name}{end}") for end in ends),
        MappingProxyType(dict(plan.labels)),
    )
    recording = Recording(
        entry,
        MappingProxyType(streams if signals else {}),
        MappingProxyType(annotations),
    )
    return KnownAnswer(recording, MappingProxyType({"ecg": 0.501 / how.steps}))


def ecg(values: Values, rate: float, leads: Sequence[str]) -> Stream:
    """Make the stream that reading must give."""
    return Stream(
        "ecg",
        values.astype(np.float32),
        np.arange(len(values)) / rate,
        ("time", "lead"),
        "mV",
        coords={"lead": tuple(leads)},
    )


def _beats(heart: Heart, how: Format) -> dict[str, Stream]:
    """Return the beats as they must be read."""
    time = np.array(heart.samples) / how.rate
    return {"beats": label_stream("beats", time, heart.symbols, known=BEAT_SYMBOLS)}


def _rhythm(heart: Heart, how: Format) -> dict[str, Stream]:
    """Return the rhythms as they must be read."""
    if not how.notes:
        return {}
    names = ["VFIB" if name == "VF" else name for _, name in heart.marks]
    time = np.array([at for at, _ in heart.marks]) / how.rate
    return {"rhythm": label_stream("rhythm", time, names)}


def _write_qrs(root: Path, name: str, heart: Heart, how: Format) -> Stream:
    """Write beats; if they are corrected, others that are late by three samples too."""
    late = 3 if ".qrsc" in how.ends else 0
    for end, shift in ((".qrsc", 0), (".qrs", late)):
        if end in how.ends:
            rows = [(sample + shift, "N", "") for sample in heart.samples]
            _write_rows(root / f"{name}{end}", rows)
    time = np.array(heart.samples) / how.rate
    return Stream("qrs", time, time, ("time",), "s")


def _write_rows(path: Path, rows: Sequence[tuple[int, str, str]]) -> None:
    """Write annotations in the order of time."""
    samples, symbols, notes = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    write_annotations(path, samples, symbols, notes=notes)


def write_folder(root: Path) -> tuple[KnownAnswer, ...]:
    """Write four records: other formats, rates and units, in folders; two segments."""
    person: dict[str, Label] = {"age": 56.0, "sex": "female"}
    nobody: dict[str, Label] = {"age": math.nan, "sex": None}
    first = Plan(
        *("a/r1", ("MLII", "V1"), (("N", 20.0, _PATTERNS[0]),)),
        comments=("Age: 56", "Sex: Female"),
        labels=person,
        patient="p1",
    )
    second = Plan(
        *("a/r2", ("Lead I", "AVF"), (("AFIB", 20.0, "N"), ("N", 12.0, "N"))),
        shown=("I", "aVF"),
        labels=nobody,
        silent=("age", "sex"),
        patient="p1",
    )
    third = Plan(
        *("b.deep/r1", ("II", "V2"), (("N", 18.0, "NNANV"),)),
        comments=("<age>: 71 <sex>: M",),
        labels={"age": 71.0, "sex": "male"},
    )
    micro = Format(250.0, "16", 2, unit="uV", ends=(".atr", ".qrs"))
    known = (
        _write(root, first, _MIT),
        _write(root, second, micro),
        _write(root, third, Format(500.0, "16", 1000, unit="mv", bits=16)),
        _write_segments(root),
    )
    write_text(root / "patients.csv", "record,patient\na/r1,p1\na.r2,p1\n")
    return known


def _write_segments(root: Path) -> KnownAnswer:
    """Write a record whose samples are in two records."""
    plan = Plan(
        *("c/m", ("MLII", "V5"), (("N", 20.0, "NNNNV"),)),
        labels={"age": math.nan, "sex": None},
        silent=("age", "sex"),
    )
    known = _write(root, plan, _MIT)
    heart = beat(plan.episodes, plan.leads, _MIT.rate)
    half = len(heart.values) // 2 + 11
    parts = {"m_1": heart.values[:half], "m_2": heart.values[half:]}
    lines = [f"m/2 2 {_MIT.rate:g} {len(heart.values)}"]
    for name, values in parts.items():
        write_record(root / f"c/{name}.hea", values, plan.leads, _MIT)
        lines.append(f"{name} {len(values)}")
    write_text(root / "c/m.hea", "\n".join([*lines, ""]))
    (root / "c/m.dat").unlink()
    ends = ("m.hea", "m_1.hea", "m_1.dat", "m_2.hea", "m_2.dat", "m.atr")
    entry = replace(
        known.recording.entry, files=tuple(PurePosixPath(f"c/{end}") for end in ends)
    )
    return replace(known, recording=replace(known.recording, entry=entry))
