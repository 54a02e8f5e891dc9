"""Challenge records: values, headers with defects, broken files; wfdb is the judge."""

import math
import shutil
import struct

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardium.errors import (
    CardiumError,
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.io.challenge import (
    Comments,
    open_record,
    read_comments,
    read_header,
    verify_record,
    write_record,
)

LEADS = ("I", "II", "V1")


def ramp(samples=50, leads=3):
    """Values in mV of which each sample of each lead is another."""
    return 0.01 + np.arange(samples)[:, None] / 1000 + np.arange(leads) / 4


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "A0001.hea"
    values = ramp()
    write_record(path, values, rate=500, leads=LEADS, age=74, sex="male", dx=("5", "7"))
    return path


def edit(path, old, new, count=-1):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def kinds(path):
    return [finding.kind for finding in verify_record(path)]


# values


def test_what_is_written_is_read(record):
    signal = open_record(record)
    assert (signal.rate, signal.channels, signal.shape) == (500.0, LEADS, (50, 3))
    np.testing.assert_array_equal(signal[:], ramp().astype(np.float32))
    assert signal[:].dtype == signal.dtype == np.float32
    for part in (slice(3, 9), slice(40, 99), slice(-5, None), slice(1, 30, 7)):
        np.testing.assert_array_equal(signal[part], ramp()[part].astype(np.float32))
    assert signal[9:9].shape == (0, 3)


def test_the_file_is_that_of_the_challenge(record):
    """MATLAB 4: type 30, leads in rows, no imaginary part, `val`; sample by sample."""
    content = record.with_suffix(".mat").read_bytes()
    assert struct.unpack("<5i", content[:20]) == (30, 3, 50, 0, 4)
    assert content[20:24] == b"val\0"
    assert np.frombuffer(content[24:36], "<i2").tolist() == [
        10, 260, 510, 11, 261, 511
    ]  # fmt: skip
    assert record.read_text().splitlines()[2] == (
        "A0001.mat 16x1+24 1000.0(0)/mV 16 0 260 14225 0 II"
    )
    scipy_io = pytest.importorskip("scipy.io")
    there = scipy_io.loadmat(record.with_suffix(".mat"))
    assert there["val"].shape == (3, 50)


def test_wfdb_reads_the_same(record):
    theirs, fields = wfdb.rdsamp(str(record.with_suffix("")))
    np.testing.assert_array_equal(open_record(record)[:], theirs.astype(np.float32))
    assert fields["sig_name"] == list(LEADS)


def test_missing_samples_are_nan(tmp_path):
    values = ramp()
    values[7, 1] = np.nan
    path = tmp_path / "A0001.hea"
    write_record(path, values, rate=500, leads=LEADS)
    read = open_record(path)[:]
    assert np.argwhere(np.isnan(read)).tolist() == [[7, 1]]
    raw = np.fromfile(path.with_suffix(".mat"), "<i2", offset=24).reshape(50, 3)
    assert raw[7, 1] == -32768
    assert kinds(path) == ["missing-samples"]


@pytest.mark.parametrize(
    ("gain", "millivolts"),
    [
        ("1000/mV", 1.0),
        ("1000.0(0)/mv", 1.0),
        ("1000", 1.0),
        ("1e3(0)/MV", 1.0),
        ("1/uV", 1.0),
        ("1(0)/µV", 1.0),
        ("1000000/V", 1.0),
        ("4880/mV", 1000 / 4880),
        ("200/mV", 5.0),
    ],
)
def test_gains_and_units(record, gain, millivolts):
    edit(record, "1000.0(0)/mV", gain)
    expected = np.rint(1000 * ramp()) / 1000 * millivolts
    np.testing.assert_allclose(open_record(record)[:], expected, rtol=2e-7)


@pytest.mark.parametrize(
    "line", ["1000.0(100)/mV 16 0", "1000.0/mV 16 100", "1000.0(100)/mV 16 -7"]
)
def test_the_baseline_is_subtracted_before_the_gain(record, line):
    edit(record, "1000.0(0)/mV 16 0", line)
    np.testing.assert_allclose(open_record(record)[:], ramp() - 0.1, atol=1e-6)
    theirs = wfdb.rdsamp(str(record.with_suffix("")))[0].astype(np.float32)
    np.testing.assert_array_equal(open_record(record)[:], theirs)


def test_names_of_other_lengths_are_skipped(record):
    """Without a name the samples begin at byte 20, with a longer one later."""
    content = record.with_suffix(".mat").read_bytes()
    for name in (b"", b"signals\0"):
        start = struct.pack("<5i", 30, 3, 50, 0, len(name)) + name
        record.with_suffix(".mat").write_bytes(start + content[24:])
        np.testing.assert_array_equal(open_record(record)[:], ramp().astype("f4"))
        assert kinds(record) == ["other-offset"]


def test_big_endian_files_are_read(record):
    content = record.with_suffix(".mat").read_bytes()
    values = np.frombuffer(content[24:], "<i2").astype(">i2").tobytes()
    start = struct.pack(">5i", 1030, 3, 50, 0, 4) + b"val\0"
    record.with_suffix(".mat").write_bytes(start + values)
    np.testing.assert_array_equal(open_record(record)[:], ramp().astype("f4"))


# defects of headers


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A0001 3 500 50", "A0001.mat 3 500 50 05-May-2020 14:50:55"),
        ("A0001 3 500 50", "A0001 3 500 50 12:00:00 1/2/2020"),
        ("A0001 3 500 50", "A0001 3 500"),
        ("A0001 3 500 50", "A0001 3 500/500(0) 0"),
        ("16x1+24", "16+24"),
        ("16x1+24", "16x1:0+24"),
        ("# Dx: 5,7", "#Dx:"),
        ("# ", "#"),
        ("\n", "\r\n"),
        ("# Rx: Unknown", "# Rx: \xe9t\xe9"),
    ],
)
def test_defects_that_are_survived(record, old, new):
    edit(record, old, new)
    signal = open_record(record)
    assert (signal.rate, signal.header.name) == (500.0, "A0001")
    np.testing.assert_array_equal(signal[:], ramp().astype(np.float32))


def test_bytes_that_are_no_utf8_are_survived(record):
    record.write_bytes(record.read_bytes().replace(b"Rx: Unknown", b"Rx: \xff\xe9"))
    assert open_record(record).shape == (50, 3)


@pytest.mark.parametrize("leads", [1, 11, 15])
def test_any_number_of_leads_is_read(tmp_path, leads):
    path = tmp_path / "A0001.hea"
    names = [f"L{k}" for k in range(leads)]
    write_record(path, ramp(leads=leads), rate=500, leads=names)
    assert open_record(path).channels == tuple(names)
    np.testing.assert_array_equal(
        open_record(path)[:], ramp(leads=leads).astype(np.float32)
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#Age: 74\n#Sex: Male\n#Dx: 1,2", Comments(74.0, "male", ("1", "2"))),
        ("# Age: 74\n# Sex: Female\n# Dx: 1", Comments(74.0, "female", ("1",))),
        ("#Age:74.5\n#Sex:M\n#Dx:1, 2 ,1,,2", Comments(74.5, "male", ("1", "2"))),
        ("#age: 0\n#SEX: F\n#DX: Unknown", Comments(0.0, "female", ())),
    ],
)
def test_comments(tmp_path, text, expected):
    path = tmp_path / "x.hea"
    path.write_text(f"garbage that is no header\n{text}\n#Rx: Unknown\n")
    assert read_comments(path) == expected


@pytest.mark.parametrize("age", ["NaN", "", "Unknown", "300", "-1", "inf", "60Y"])
def test_ages_that_are_none(tmp_path, age):
    path = tmp_path / "x.hea"
    path.write_text(f"#Age: {age}\n#Sex: Unknown\n#Dx: \n")
    comments = read_comments(path)
    assert math.isnan(comments.age)
    assert (comments.sex, comments.dx) == (None, ())


# files that are refused


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 3 500 50\n", " 3 0 50\n", r"rate is '0'"),
        (" 3 500 50\n", " 3 nan 50\n", r"rate is 'nan'"),
        (" 3 500 50\n", " 3 -500 50\n", r"rate is '-500'"),
        (" 3 500 50\n", " 3 1e9 50\n", r"rate is '1e9'"),
        (" 3 500 50\n", " 3 fast 50\n", r"rate is 'fast'"),
        (" 3 500 50\n", " 3\n", "no leads and rate"),
        (" 3 500 50\n", " 0 500 50\n", "0 leads"),
        (" 3 500 50\n", " 2 500 50\n", "says 2 leads and describes 3"),
        (" 3 500 50\n", " 12 500 50\n", "says 12 leads and describes 3"),
        (" 3 500 50\n", " three 500 50\n", "leads is 'three'"),
        (" 3 500 50\n", " 3 500 49\n", r"says 49 samples.*A0001\.mat.*holds 50"),
        (" 3 500 50\n", f" 3 500 {'9' * 5000}\n", "samples is '999"),
        (" 3 500 50\n", f" 3 500 {'9' * 17}\n", "no record's"),
        ("1000.0(0)/mV", "0(0)/mV", r"gain is '0\(0\)/mV'"),
        ("1000.0(0)/mV", "-1000/mV", "gain is '-1000/mV'"),
        ("1000.0(0)/mV", "nan/mV", "gain is 'nan/mV'"),
        ("1000.0(0)/mV", "1e-9/mV", "gain is '1e-9/mV'"),
        ("1000.0(0)/mV", "1e/mV", "gain is '1e/mV'"),
        ("1000.0(0)/mV", "1000.0(0)/mmHg", "unit is 'mmHg'"),
        ("1000.0(0)/mV", "1000.0(99999999999)/mV", "'99999999999' stands"),
        ("16x1+24", "x1+24", "format 'x1"),
        (" 0 II\n", " 0 \n", "has 8 fields"),
        ("A0001.mat", "../A0001.mat", "leads out"),
    ],
)
def test_headers_that_are_refused(record, old, new, message):
    edit(record, old, new)
    with pytest.raises(DataCorruptError, match=rf"A0001\.hea.*{message}"):
        open_record(record)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("A0001 3", "A0001/2 3", "several segments"),
        ("16x1+24", "16x2+24", "'16x2"),
        ("16x1+24", "16:5+24", "'16:5"),
        ("16x1+24", "212", "'212'"),
    ],
)
def test_records_of_other_kinds_are_not_provided(record, old, new, message):
    edit(record, old, new)
    with pytest.raises(NotProvidedError, match=message):
        open_record(record)


def test_leads_in_several_files_are_not_provided(record):
    edit(record, "A0001.mat", "A0002.mat", 1)
    with pytest.raises(NotProvidedError, match=r"A0001\.mat, A0002\.mat"):
        open_record(record)


def test_missing_files_are_named(record):
    with pytest.raises(DataMissingError, match=r"B\.hea"):
        open_record(record.with_name("B.hea"))
    with pytest.raises(DataMissingError, match=r"B\.hea"):
        read_comments(record.with_name("B.hea"))
    record.with_suffix(".mat").unlink()
    with pytest.raises(DataMissingError, match=r"A0001\.mat"):
        open_record(record)


def test_empty_and_endless_headers_are_refused(record):
    record.write_text("# Age: 4\n\n")
    with pytest.raises(DataCorruptError, match="is empty"):
        open_record(record)
    record.write_bytes(b"A" * (1 << 21))
    with pytest.raises(DataCorruptError, match="1048576 bytes"):
        open_record(record)


def test_a_truncated_file_is_told_with_both_sizes(record):
    path = record.with_suffix(".mat")
    content = path.read_bytes()
    signal = open_record(record)
    path.write_bytes(content[:200])
    for read in (lambda: open_record(record), lambda: signal[:2]):
        with pytest.raises(DataCorruptError, match=r"A0001\.mat' has 200 .*need 324"):
            read()
    path.write_bytes(content[:10])
    with pytest.raises(DataCorruptError, match=r"has 10 bytes, its own header"):
        open_record(record)


def test_more_leads_than_the_file_has(record):
    edit(record, "A0001 3", "A0001 4")
    edit(record, "# Age", "A0001.mat 16x1+24 1000.0(0)/mV 16 0 1 1 0 V2\n# Age")
    with pytest.raises(DataCorruptError, match=r"names 4 leads.*\.mat.*holds 3"):
        open_record(record)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ((0, 3, 50, 0, 4), "type is 0"),
        ((20, 3, 50, 0, 4), "type is 20"),
        ((30, 3, 50, 1, 4), "not a MATLAB 4"),
        ((30, 3, 50, 0, 1 << 20), "1048576 bytes of a name"),
        ((30, 3, 50, 0, -1), "-1 bytes of a name"),
        ((30, -3, 50, 0, 4), "-3 leads of 50"),
        ((30, 3, 0, 0, 4), "3 leads of 0"),
        ((30, 3, 2**31 - 1, 0, 4), "has 324 bytes.*need 12884901906"),
    ],
)
def test_other_matlab_files_are_refused(record, start, message):
    path = record.with_suffix(".mat")
    path.write_bytes(struct.pack("<5i", *start) + path.read_bytes()[20:])
    with pytest.raises(DataCorruptError, match=rf"A0001\.mat.*{message}"):
        open_record(record)


def test_matlab_5_is_named(record):
    from scipy.io import savemat

    savemat(record.with_suffix(".mat"), {"val": np.zeros((3, 50), np.int16)})
    with pytest.raises(NotProvidedError, match=r"version 5\.0"):
        open_record(record)


def test_a_file_that_changes_size_is_told(record):
    signal = open_record(record)
    write_record(record, ramp(samples=60), rate=500, leads=LEADS)
    with pytest.raises(DataCorruptError, match=r"has 60 samples.*had 50"):
        signal[:]


# verification


def test_a_sound_record_has_no_finding(record):
    assert verify_record(record) == ()


def test_a_changed_sample_changes_the_checksum(record):
    content = bytearray(record.with_suffix(".mat").read_bytes())
    content[24 + 2 * (3 * 20 + 1)] ^= 1  # sample 20 of lead II
    record.with_suffix(".mat").write_bytes(content)
    (finding,) = verify_record(record)
    assert (finding.severity, finding.kind) == ("error", "wrong-checksum")
    assert finding.problem.startswith("lead II: the samples add up to 142")
    assert finding.where == "A0001"


def test_another_first_sample_is_told_with_both_values(record):
    edit(record, "16 0 260 ", "16 0 -9 ")
    (finding,) = verify_record(record)
    assert finding.kind == "wrong-first-sample"
    assert "first sample is 260, the header states -9" in finding.problem


def test_a_checksum_is_one_of_sixteen_bits(tmp_path):
    """20,000 steps twice are 40,000, which 16 bits write as -25,536."""
    path = tmp_path / "A0001.hea"
    write_record(path, [[20.0], [20.0]], rate=500, leads=["I"])
    assert " 20000 -25536 0 I" in path.read_text()
    edit(path, "-25536", "40000")
    assert "wrong-checksum" not in kinds(path)
    edit(path, "40000", "39999")
    assert "wrong-checksum" in kinds(path)


def test_what_is_unusual_is_a_warning(record):
    edit(record, "A0001 3", "A0002 3")
    edit(record, " 0 V1", " 0 II")
    edit(record, "+24", "+20")
    with record.with_suffix(".mat").open("ab") as file:
        file.write(b"more")
    findings = verify_record(record)
    assert {finding.severity for finding in findings} == {"warning"}
    assert [finding.kind for finding in findings] == [
        "other-name", "other-offset", "more-bytes", "repeated-lead"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "is_told"), [(1.0, False), (5.0, True), (0.02, True), (3.0, False)]
)
def test_amplitudes_of_no_heart_are_told(tmp_path, scale, is_told):
    """The extremes are 2 mV apart: times 5 and 0.02 they are 10 and 0.04."""
    path = tmp_path / "A0001.hea"
    time = np.arange(2000) / 500
    values = scale * np.sin(2 * np.pi * time)[:, None] * np.ones(3)
    values[:, 2] = 0  # a constant lead says nothing of the gain
    write_record(path, values, rate=500, leads=LEADS)
    assert kinds(path) == ["constant-lead", *(["amplitude"] if is_told else [])]


def test_what_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "A0001.hea"
    with pytest.raises(InvalidArgumentError, match=r"\(50, 3\), expected.*2 leads"):
        write_record(path, ramp(), rate=500, leads=["I", "II"])
    for top in (32.768, -32.768, 99.0):
        with pytest.raises(InvalidArgumentError, match="16 bits"):
            write_record(path, [[top]], rate=500, leads=["I"])
    assert not path.exists()
    write_record(path, [[32.767], [-32.767]], rate=500, leads=["I"])
    assert open_record(path)[:, ].ravel().tolist() == [
        np.float32(32.767), np.float32(-32.767)
    ]  # fmt: skip


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_mutated_header_is_read_or_refused(record, data):
    """Bytes are replaced, removed and put in; nothing but CardiumError may come."""
    whole = record.read_bytes()
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.sampled_from(
                [b"", b" ", b"\n", b"-", b"0", b"9" * 30, b"e", b"/", b"(", b"nan",
                 b".", b"+", b":", b"x", b"#", b"\0", b"\xff", b"1e300", b"inf"]
            )
        )  # fmt: skip
        content[at : at + data.draw(st.integers(0, 3))] = piece
    try:
        record.write_bytes(content)
        signal = open_record(record)
        values = signal[:]
        verify_record(record)
        assert values.shape == signal.shape == (50, len(signal.channels))
        assert not np.isinf(values).any()
        assert np.isfinite(np.arange(50) / signal.rate).all()
    except CardiumError:
        pass
    finally:
        record.write_bytes(whole)


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(at=st.integers(0, 23), byte=st.integers(0, 255), cut=st.integers(0, 324))
def test_a_mutated_file_is_read_or_refused(record, at, byte, cut):
    path = record.with_suffix(".mat")
    whole = path.read_bytes()
    content = bytearray(whole)
    content[at] = byte
    try:
        path.write_bytes(content[: len(content) - (cut if cut % 3 else 0)])
        assert open_record(record)[:].shape == (50, 3)
    except CardiumError:
        pass
    finally:
        path.write_bytes(whole)


# real records


def test_real_records_of_2021_are_those_of_wfdb(shared_data):
    paths = sorted((shared_data / "cinc2021").glob("*.hea"))
    assert len(paths) == 25
    for path in paths:
        signal = open_record(path)
        theirs, fields = wfdb.rdsamp(str(path.with_suffix("")))
        np.testing.assert_array_equal(signal[:], theirs.astype(np.float32))
        np.testing.assert_array_equal(
            signal[1000:1100], theirs[1000:1100].astype(np.float32)
        )
        assert list(signal.channels) == fields["sig_name"]
        assert (signal.rate, signal.shape) == (500.0, (5000, 12))
        found = verify_record(path)
        assert {finding.kind for finding in found} <= {"constant-lead"}


def test_real_records_with_defects_are_read(shared_data, tmp_path):
    """All seven; wfdb refuses the two that are called E00001.mat, until renamed."""
    paths = sorted((shared_data / "cinc2020_defects").glob("*.hea"))
    assert len(paths) == 7
    told = {}
    for path in paths:
        signal = open_record(path)
        copy = tmp_path / path.name
        shutil.copy(path.with_suffix(".mat"), tmp_path)
        # wfdb wants neither the name nor the date
        name, *fields = path.read_text().split("\n", 1)[0].split()
        text = path.read_text().replace(
            " ".join([name, *fields]), " ".join([path.stem, *fields[:3]]), 1
        )
        copy.write_text(text)
        theirs = wfdb.rdsamp(str(copy.with_suffix("")))[0]
        np.testing.assert_array_equal(signal[:], theirs.astype(np.float32))
        told[path.stem] = {finding.kind for finding in verify_record(path)}
        assert read_comments(path).dx == ()
    assert told == {
        "A0001": set(),
        "E00001": set(),
        "E00002": set(),
        "HR00001": set(),  # five times too large, which a heart could be
        "HR00002": {"amplitude"},
        "Q0001": set(),
        "S0001": {"amplitude"},
    }
    for name in ("E00001", "E00002"):
        with pytest.raises(wfdb.io.header.HeaderSyntaxError):
            wfdb.rdheader(str(shared_data / "cinc2020_defects" / name))


def test_the_real_gain_that_is_wrong_is_so_by_five(shared_data):
    """HR00001 is record 1 of PTB-XL, of which the true copy is at hand."""
    wrong = open_record(shared_data / "cinc2020_defects" / "HR00001.hea")[:]
    stem = shared_data / "ptb_xl" / "records500" / "00000" / "00001_hr"
    true = wfdb.rdsamp(str(stem))[0]
    np.testing.assert_allclose(wrong, 5 * true, atol=1e-5)


def test_real_headers(shared_data):
    header = read_header(shared_data / "cinc2020_defects" / "E00001.hea")
    assert (header.name, header.rate, header.samples) == ("E00001", 500.0, 5000)
    assert [lead.name for lead in header.leads][3] == "aVR"
    assert {lead.gain for lead in header.leads} == {4880.0}
    assert (header.leads[0].first, header.leads[0].checksum) == (136, -28477)
    assert math.isnan(header.comments.age)
    assert header.comments.sex == "female"
    ningbo = read_comments(shared_data / "cinc2021" / "JS20000.hea")
    assert ningbo == Comments(
        84.0, "female", ("284470004", "427084000", "698252002", "55930002")
    )
