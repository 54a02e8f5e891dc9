"""Broken and hostile ECG files: an error that says so, or what is there; no more."""

import base64
import struct
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardium.datasets import _ecg_folder_files as files
from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.io.ecg_file import detect_format, open_ecg

SOMEBODY = files.Person("A-1", "F", 61)
TABLE = np.linspace(-1, 1, 80).reshape(40, 2)


def whole_files(folder: Path) -> dict[str, bytes]:
    """Small files of two leads, by format."""
    at, leads = {"rate": 20}, ("I", "II")
    files.write_aecg(folder / "aecg", TABLE, TABLE, leads, SOMEBODY, **at)
    files.write_muse(folder / "muse", TABLE, TABLE, leads, SOMEBODY, **at)
    files.write_scp(folder / "scp", TABLE, TABLE, (1, 2), SOMEBODY, **at)
    files.write_edf(folder / "edf", TABLE, leads, SOMEBODY, **at)
    files.write_edf(folder / "bdf", TABLE, leads, SOMEBODY, bits=24, **at)
    files.write_ishne(folder / "ishne", TABLE, (5, 6), SOMEBODY, **at)
    rows = [f"{n / 20},{a:.3f},{b:.3f}" for n, (a, b) in enumerate(TABLE)]
    (folder / "csv").write_text("\n".join(["time,I,II", *rows]) + "\n")
    waves = (("ORIGINAL", TABLE), ("DERIVED", TABLE))
    files.write_dicom(folder / "dicom", waves, leads, SOMEBODY, **at)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


KINDS = ("aecg", "bdf", "csv", "dicom", "edf", "ishne", "muse", "scp")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of one small file of each format."""
    return whole_files(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """A file to write over."""
    return tmp_path_factory.mktemp("scratch") / "file"


def read_or_refuse(path: Path, data: bytes, *, check: bool = True) -> bool:
    """Read all of a file; say whether it could be read."""
    path.write_bytes(data)
    try:
        recording = open_ecg(path, check=check)
        for stream in recording.streams.values():
            assert stream.load().dtype == np.float32
            assert stream.shape[1] == len(stream.coords["lead"])
    except CardiumError:
        return False
    return True


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    where=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6
    ),
    cut=st.one_of(st.none(), st.floats(0, 1)),
    more=st.binary(max_size=8),
)
def test_changed_bytes_give_an_error_or_a_recording(
    whole, scratch, kind, check, where, cut, more
):
    data = bytearray(whole[kind])
    for place, value in where:
        # half of the changes fall into the first bytes, where the headers are
        at = place * len(data) if value % 2 else place * min(len(data), 700)
        data[min(int(at), len(data) - 1)] = value
    if cut is not None:
        data = data[: int(cut * len(data))]
    read_or_refuse(scratch, bytes(data) + more, check=check)


@pytest.mark.parametrize("kind", ["scp"])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    changes=st.lists(
        st.tuples(
            st.sampled_from([1, 3, 5, 6]), st.integers(0, 40), st.binary(max_size=4)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_changed_sections_with_right_checksums(kind, changes, tmp_path_factory):
    """What a checksum cannot catch."""
    path = tmp_path_factory.getbasetemp() / "changed.scp"
    data = struct.pack("<HHBBHH", 2500, 4000, 0, 0, 40, 40) + bytes(80)
    bodies = {
        1: bytearray(b"\4\3\0\x3d\0\1\xff\0\0"),
        3: bytearray(struct.pack("<BBIIBIIB", 2, 20, 1, 20, 1, 1, 20, 2)),
        5: bytearray(data),
        6: bytearray(data),
    }
    for number, at, new in changes:
        body = bodies[number]
        body[min(at, len(body)) : at + len(new)] = new
    record = files.scp_record({n: bytes(body) for n, body in bodies.items()})
    read_or_refuse(path, record)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.binary(max_size=600), magic=st.sampled_from(
    [b"", b"ISHNE1.0", b"0       ", b"\xffBIOSEMI", b"<AnnotatedECG ", b"<RestingECG>",
     bytes(128) + b"DICM", b"time,I\n", bytes(16) + b"SCPECG"]
))  # fmt: skip
def test_random_bytes_behind_a_right_beginning(tmp_path_factory, data, magic):
    read_or_refuse(tmp_path_factory.getbasetemp() / "random", magic + data)


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_of_a_file_is_noticed(whole, scratch, kind):
    """By sizes, counts, the end of the XML, checksums; a table has only its rows."""
    data = whole[kind]
    assert read_or_refuse(scratch, data)
    steps = range(1, len(data) - 1, max(1, len(data) // 60))
    readable = [n for n in steps if read_or_refuse(scratch, data[:n])]
    assert not readable or kind == "csv"


def test_no_file_an_empty_one_and_a_folder(tmp_path):
    with pytest.raises(DataMissingError, match="does not exist"):
        open_ecg(tmp_path / "nowhere")
    (tmp_path / "empty").touch()
    with pytest.raises(DataCorruptError, match="is empty"):
        open_ecg(tmp_path / "empty")
    with pytest.raises(InvalidArgumentError, match="is a folder"):
        open_ecg(tmp_path)


def test_other_files_are_told_by_what_they_begin_with(tmp_path):
    for data in (
        b"%PDF-1.7 and so on",
        b"\x89PNG\r\n",
        b"<html></html>",
        b"1,2\n3,4\n",
    ):
        (tmp_path / "other").write_bytes(data)
        with pytest.raises(NotProvidedError, match="in none of the formats aecg, bdf"):
            detect_format(tmp_path / "other")
    (tmp_path / "philips.xml").write_text("<restingecgdata></restingecgdata>")
    with pytest.raises(NotProvidedError, match="Philips"):
        open_ecg(tmp_path / "philips.xml")
    (tmp_path / "a.dat").write_bytes(bytes(range(256)))
    with pytest.raises(NotProvidedError, match=r"header, '\.hea'"):
        open_ecg(tmp_path / "a.dat")


# XML

LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12)
)
HOSTILE = {
    "laughs": f"<!DOCTYPE RestingECG [{LAUGHS}]>",
    "file": '<!DOCTYPE RestingECG [<!ENTITY l11 SYSTEM "file:///etc/hostname">]>',
    "parameter": '<!DOCTYPE RestingECG [<!ENTITY % l11 SYSTEM "http://x.invalid/">]>',
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("root", ["RestingECG", "AnnotatedECG"])
def test_entities_are_refused(tmp_path, kind, root):
    text = f'<?xml version="1.0"?>{HOSTILE[kind]}<{root}>&l11;</{root}>'
    (tmp_path / "a.xml").write_text(text)
    begin = time.perf_counter()
    with pytest.raises(DataCorruptError, match="entity"):
        open_ecg(tmp_path / "a.xml")
    assert time.perf_counter() - begin < 5


def test_a_document_type_without_entities_is_fine(whole, scratch):
    assert b"<!DOCTYPE" in whole["muse"]
    assert read_or_refuse(scratch, whole["muse"])


def test_deep_and_wide_xml_do_not_overflow(tmp_path):
    depth = 100_000
    deep = f"<RestingECG>{'<a>' * depth}{'</a>' * depth}</RestingECG>"
    assert not read_or_refuse(tmp_path / "deep", deep.encode())
    many = f"<!--{'<!-- ' * 10000}<RestingECG></RestingECG>"
    assert not read_or_refuse(tmp_path / "many", many.encode())


# What a file states and cannot be

MUSE = [
    ("<SampleBase>20<", "<SampleBase>0<", "SampleBase of '0'"),
    ("PerBit>4.88<", "PerBit>-4.88<", "of '-4.88'"),
    ("PerBit>4.88<", "PerBit>nan<", "of 'nan'"),
    (
        "<LeadSampleCountTotal>40<",
        "<LeadSampleCountTotal>41<",
        "of 41 in lead I, has 40",
    ),
    ("<WaveFormData>", "<WaveFormData>!", "no base64"),
    ("<LeadID>II<", "<LeadID><", "without a LeadID"),
    ("<SampleExponent>0<", "<SampleExponent>400<", "SampleExponent of 400"),
]


@pytest.mark.parametrize(("old", "new", "message"), MUSE)
def test_muse(whole, tmp_path, old, new, message):
    text = whole["muse"].decode()
    assert old in text
    (tmp_path / "a").write_text(text.replace(old, new))
    with pytest.raises(DataCorruptError, match=message):
        open_ecg(tmp_path / "a")


def test_muse_with_another_sample_in_it(whole, tmp_path):
    text = whole["muse"].decode()
    data = text.partition("<WaveFormData>")[2].partition("<")[0]
    raw = bytearray(base64.b64decode(data))
    raw[0] ^= 1
    (tmp_path / "a").write_text(text.replace(data, base64.b64encode(raw).decode()))
    with pytest.raises(DataCorruptError, match="LeadDataCRC32"):
        open_ecg(tmp_path / "a")
    assert open_ecg(tmp_path / "a", check=False)["ecg"].shape == (40, 2)


AECG = [
    ('increment value="0.05"', 'increment value="0"', DataCorruptError, "of '0'"),
    ('increment value="0.05" unit="s"', 'increment value="1"', DataCorruptError,
     "unit ''"),
    ('scale value="2.5"', 'scale value="-1"', DataCorruptError, "'-1'"),
    ('scale value="2.5" unit="uV"', 'scale value="2.5" unit="Pa"', NotProvidedError,
     "'Pa'"),
    ("<digits>", "<digits>x ", DataCorruptError, "digits in lead I"),
    ("RHYTHM", "REPRESENTATIVE_BEAT", DataCorruptError, "0 rhythm series"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kind", "message"), AECG)
def test_aecg(whole, tmp_path, old, new, kind, message):
    text = whole["aecg"].decode()
    assert old in text
    (tmp_path / "a").write_text(text.replace(old, new))
    with pytest.raises(kind, match=message):
        open_ecg(tmp_path / "a")


ISHNE = [
    (272, 0, "rate of 0 Hz"),
    (206, -5, "resolution of -5 nV for lead 1"),
    (156, 13, "13 leads"),
    (156, 0, "0 leads"),
    (14, 41, "promises 41 samples a lead"),
]


@pytest.mark.parametrize(("at", "value", "message"), ISHNE)
def test_ishne(whole, tmp_path, at, value, message):
    data = bytearray(whole["ishne"])
    struct.pack_into("<h", data, at, value)
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataCorruptError, match="checksum"):
        open_ecg(tmp_path / "a")
    data[8:10] = b"\0\0"  # no checksum
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataCorruptError, match=message):
        open_ecg(tmp_path / "a")


def test_scp_that_promises_more_samples_than_it_has_bits(tmp_path):
    third = struct.pack("<BBIIB", 1, 12, 1, 0xFFFFFFFF, 1)
    sections = {1: b"\xff\0\0", 2: struct.pack("<H", 19999), 3: third, 6: bytes(12)}
    (tmp_path / "a").write_bytes(files.scp_record(sections))
    with pytest.raises(DataCorruptError, match="promises samples 1 to 4294967295"):
        open_ecg(tmp_path / "a")


def test_scp_with_a_wrong_checksum(whole, tmp_path):
    data = bytearray(whole["scp"])
    data[-1] ^= 1
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(DataCorruptError, match="checksum"):
        open_ecg(tmp_path / "a")
    assert open_ecg(tmp_path / "a", check=False)["ecg"].shape == (40, 2)


DICOM = [
    ("SamplingFrequency", 0, "a rate of"),
    ("NumberOfWaveformSamples", 39, "promises 39 samples"),
    ("NumberOfWaveformChannels", 1, "promises 40 samples of 1 channels"),
]


@pytest.mark.parametrize(("name", "value", "message"), DICOM)
def test_dicom(whole, tmp_path, name, value, message):
    (tmp_path / "a").write_bytes(whole["dicom"])
    data = pydicom.dcmread(tmp_path / "a")
    setattr(data.WaveformSequence[0], name, value)
    data.save_as(tmp_path / "a")
    with pytest.raises(DataCorruptError, match=message):
        open_ecg(tmp_path / "a")


def test_dicom_with_a_negative_sensitivity_and_one_without_a_waveform(whole, tmp_path):
    (tmp_path / "a").write_bytes(whole["dicom"])
    data = pydicom.dcmread(tmp_path / "a")
    channel = data.WaveformSequence[0].ChannelDefinitionSequence[0]
    channel.ChannelSensitivity = "-1.25"
    data.save_as(tmp_path / "a")
    with pytest.raises(DataCorruptError, match=r"sensitivity of lead I of '-1\.25'"):
        open_ecg(tmp_path / "a")
    del data.WaveformSequence
    data.save_as(tmp_path / "a")
    with pytest.raises(NotProvidedError, match="without a waveform; it holds 'ECG'"):
        open_ecg(tmp_path / "a")


CSV = [
    ("time,I\n0,1\n0,2\n", "do not ascend"),
    ("time,I\n0,1\n1,x\n", "'x' in line 3"),
    ("time,I\n0,1\n1\n", "1 values in line 3, the header has 2"),
    ("time\n0\n1\n", "no column of a lead"),
    ("time [h],I\n0,1\n1,2\n", "times in 'h'"),
]


@pytest.mark.parametrize(("text", "message"), CSV)
def test_csv(tmp_path, text, message):
    (tmp_path / "a").write_text(text)
    with pytest.raises(DataCorruptError, match=message):
        open_ecg(tmp_path / "a")
