"""WFDB records against the wfdb library's own reading, and known samples."""

import numpy as np
import pytest
import wfdb

from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.io.wfdb import (
    millivolt,
    open_signal,
    read_comments,
    verify_checksum,
    write_signal,
)

LEADS = ("I", "II", "V1")
# mV; a step of 0.001 is one unit, lead 2 is ten times lead 1, lead 3 is falling
MILLIVOLT = np.arange(50)[:, None] * np.array([0.001, 0.01, -0.002])


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "r1.hea"
    write_signal(path, MILLIVOLT, rate=250.0, channels=LEADS)
    return path


def test_a_record_reads_back_with_rate_names_and_units(record):
    signal = open_signal(record)
    assert signal.rate == 250.0
    assert signal.channels == LEADS
    assert signal.units == ("mV", "mV", "mV")
    assert signal.shape == (50, 3)
    assert signal[:].dtype == np.float32
    np.testing.assert_allclose(signal[:], MILLIVOLT, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(signal[10:12], signal[:][10:12])
    np.testing.assert_array_equal(signal[40:5:-5], signal[:][40:5:-5])
    assert signal[7:7].shape == signal[60:].shape == (0, 3)


def test_what_is_written_is_what_wfdb_reads(record):
    theirs = wfdb.rdrecord(str(record.with_suffix("")))
    assert theirs.fs == 250
    assert theirs.sig_name == [*LEADS]
    np.testing.assert_allclose(theirs.p_signal, MILLIVOLT, rtol=0, atol=1e-12)
    assert record.with_suffix(".dat").stat().st_size == 2 * 50 * 3


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212"])
def test_every_format_reads_as_in_wfdb(tmp_path, fmt):
    rng = np.random.default_rng(1)
    wfdb.wrsamp(
        "r", fs=360, units=["mV", "mmHg"], sig_name=["MLII", "ABP"],
        d_signal=rng.integers(-100, 100, (41, 2)), fmt=[fmt] * 2,
        adc_gain=[200.0, 12.5], baseline=[0, -64], write_dir=str(tmp_path),
    )  # fmt: skip
    theirs = wfdb.rdrecord(str(tmp_path / "r"))
    signal = open_signal(tmp_path / "r.hea")
    np.testing.assert_array_equal(signal[:], theirs.p_signal.astype(np.float32))
    np.testing.assert_array_equal(signal[5:9], theirs.p_signal[5:9].astype(np.float32))


@pytest.mark.parametrize(
    ("fmt", "size"), [("8", 80), ("61", 160), ("160", 160), ("310", 108), ("311", 107)]
)
def test_formats_that_wfdb_does_not_write_read_as_in_wfdb(tmp_path, fmt, size):
    content = np.random.default_rng(3).integers(0, 256, size, np.uint8).tobytes()
    path = by_hand(
        tmp_path, "r", ["r 2 360 40", f"{fmt} 200", f"{fmt} 100(7)"], content
    )
    theirs = wfdb.rdrecord(str(tmp_path / "r")).p_signal.astype(np.float32)
    np.testing.assert_array_equal(open_signal(path)[:], theirs)
    path.with_suffix(".dat").write_bytes(content[:-1])
    with pytest.raises(DataCorruptError, match=rf"{size - 1} bytes.* {size}"):
        open_signal(path)[:]


def test_real_format_212(shared_data):
    """The first samples of MIT-BIH record 100 are 995 and 1011 units (zero 1024)."""
    signal = open_signal(shared_data / "mitdb" / "100.hea")
    assert (signal.shape, signal.rate) == ((650000, 2), 360.0)
    assert signal.channels == ("MLII", "V5")
    first = signal[:1][0]
    np.testing.assert_allclose(first, [(995 - 1024) / 200, (1011 - 1024) / 200])


def test_missing_samples_are_nan(record):
    dat = record.with_suffix(".dat")
    digital = np.fromfile(dat, "<i2").reshape(50, 3)
    digital[4, 1] = -32768
    digital.tofile(dat)
    values = open_signal(record)[:]
    assert np.argwhere(np.isnan(values)).tolist() == [[4, 1]]


def test_a_truncated_file_is_told_with_both_sizes(record):
    dat = record.with_suffix(".dat")
    dat.write_bytes(dat.read_bytes()[:100])
    with pytest.raises(DataCorruptError, match=r"r1\.dat.* 100 bytes.* 300"):
        open_signal(record)[:]


@pytest.mark.parametrize(("fmt", "size"), [("212", 120), ("24", 240), ("80", 80)])
def test_a_truncated_file_of_another_format_is_told_too(tmp_path, fmt, size):
    values = np.arange(40)[:, None] * np.ones(2, int)
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * 2, sig_name=["a", "b"], d_signal=values,
        fmt=[fmt] * 2, adc_gain=[200.0] * 2, baseline=[0, 0], write_dir=str(tmp_path),
    )  # fmt: skip
    (tmp_path / "r.dat").write_bytes((tmp_path / "r.dat").read_bytes()[:50])
    with pytest.raises(DataCorruptError, match=rf"r\.dat.* 50 bytes.* {size}"):
        open_signal(tmp_path / "r.hea")[:]
    (tmp_path / "r.dat").unlink()
    with pytest.raises(DataMissingError, match=r"r\.dat"):
        open_signal(tmp_path / "r.hea")[:]


def test_missing_files_are_named(record):
    record.with_suffix(".dat").unlink()
    with pytest.raises(DataMissingError, match=r"r1\.dat"):
        open_signal(record)[:]
    record.unlink()
    with pytest.raises(DataMissingError, match=r"r1\.hea"):
        open_signal(record)


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_a_header_without_all_its_lines_is_corrupt(record, lines):
    text = [line for line in record.read_text().splitlines() if line[:1] != "#"]
    record.write_text("\n".join(text[:lines]))
    with pytest.raises(DataCorruptError, match=r"r1\.hea"):
        open_signal(record)


def test_no_header_at_all_is_corrupt(record):
    record.write_bytes(bytes(range(256)))
    with pytest.raises(DataCorruptError, match=r"r1\.hea"):
        open_signal(record)


def test_a_header_cannot_lead_out_of_its_folder(record):
    record.write_text(record.read_text().replace("r1.dat", "../r1.dat"))
    with pytest.raises(DataCorruptError, match=r"r1\.hea"):
        open_signal(record)


def test_several_rates_are_refused(record):
    record.write_text(record.read_text().replace("r1.dat 16 ", "r1.dat 16x2 ", 1))
    with pytest.raises(NotProvidedError, match="several rates"):
        open_signal(record)


# --- what the memory map must get right -------------------------------------------


def by_hand(folder, name, lines, content, comments=()):
    """Write a header and its samples, byte for byte."""
    text = [lines[0], *(f"{name}.dat {line}" for line in lines[1:]), *comments]
    (folder / f"{name}.hea").write_text("\n".join(text) + "\n", "utf-8")
    (folder / f"{name}.dat").write_bytes(content)
    return folder / f"{name}.hea"


def test_format_212_by_hand(tmp_path):
    """Two samples of 12 bits in three bytes, the second one's high bits first."""
    # 0x123 and -2 = 0xFFE; then 2047 = 0x7FF and -2048 = 0x800, which is no sample
    content = bytes([0x23, 0xF1, 0xFE, 0xFF, 0x87, 0x00])
    path = by_hand(tmp_path, "r", ["r 2 360 2", "212 200", "212 100(2)"], content)
    first, second = open_signal(path)[:]
    assert first.tolist() == [np.float32(0x123 / 200), np.float32((-2 - 2) / 100)]
    assert second[0] == np.float32(2047 / 200)
    assert np.isnan(second[1])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("fmt", ["16", "212"])
def test_every_slice_is_that_of_wfdb(tmp_path, fmt, count):
    rng = np.random.default_rng(count)
    low = -2048 if fmt == "212" else -32768
    digital = rng.integers(low, -low, (23, count))
    digital[[3, 7], [0, count - 1]] = low
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * count, sig_name=[f"s{k}" for k in range(count)],
        d_signal=digital, fmt=[fmt] * count, write_dir=str(tmp_path),
        adc_gain=[200.0 + 3.7 * k for k in range(count)],
        baseline=[1024 - k for k in range(count)],
    )  # fmt: skip
    theirs = wfdb.rdrecord(str(tmp_path / "r")).p_signal.astype(np.float32)
    assert np.isnan(theirs).sum() >= 1
    signal = open_signal(tmp_path / "r.hea")
    for start in range(23):
        for stop in (start, start + 1, start + 2, start + 5, 23):
            np.testing.assert_array_equal(signal[start:stop], theirs[start:stop])
    verify_checksum(signal)


@pytest.mark.parametrize("name", ["mitdb/100", "mitdb/105", "mitdb/208", "svdb/800"])
def test_real_samples_are_those_of_wfdb_bit_for_bit(shared_data, name):
    theirs = wfdb.rdrecord(str(shared_data / name))
    signal = open_signal(shared_data / f"{name}.hea")
    assert (signal.rate, [*signal.channels]) == (theirs.fs, theirs.sig_name)
    np.testing.assert_array_equal(signal[:], theirs.p_signal.astype(np.float32))
    part = wfdb.rdrecord(str(shared_data / name), sampfrom=777, sampto=5432)
    np.testing.assert_array_equal(signal[777:5432], part.p_signal.astype(np.float32))
    verify_checksum(signal)


def test_a_matlab_file_is_read_past_its_own_header(shared_data):
    """Challenge records are WFDB at an offset of 24 bytes."""
    paths = sorted((shared_data / "cinc2021").rglob("*.hea"))[:3]
    assert paths
    for path in paths:
        theirs = wfdb.rdrecord(str(path.with_suffix("")))
        signal = open_signal(path)
        np.testing.assert_array_equal(signal[:], theirs.p_signal.astype(np.float32))


def test_a_skewed_record_is_read_as_in_wfdb(tmp_path):
    digital = np.arange(40, dtype="<i2").reshape(20, 2)
    lines = ["r 2 100 20", "16:3 100", "16 100"]
    path = by_hand(tmp_path, "r", lines, digital.tobytes())
    theirs = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    assert np.isnan(theirs[-3:, 0]).all()
    np.testing.assert_array_equal(open_signal(path)[:], theirs.astype(np.float32))


def test_signals_in_two_files_are_read_as_in_wfdb(tmp_path):
    for name, start in (("a", 0), ("b", 100)):
        np.arange(start, start + 12, dtype="<i2").tofile(tmp_path / f"{name}.dat")
    (tmp_path / "r.hea").write_text("r 2 100 12\na.dat 16 100\nb.dat 16 50\n")
    signal = open_signal(tmp_path / "r.hea")
    np.testing.assert_allclose(signal[2:4], [[0.02, 2.04], [0.03, 2.06]], rtol=1e-6)
    (tmp_path / "b.dat").unlink()
    with pytest.raises(DataMissingError, match=r"b\.dat"):
        signal[:]


# --- segments ---------------------------------------------------------------------


def segments(folder, layout=""):
    """Two parts of 50 and 30 samples; with a layout a hole between, and one swapped."""
    rng = np.random.default_rng(2)
    for name, length, names in (("a", 50, ["I", "V1"]), ("b", 30, ["V1", "I"])):
        names = names if layout else ["I", "V1"]
        wfdb.wrsamp(
            name, fs=100, units=["mV"] * 2, sig_name=names, fmt=["16"] * 2,
            d_signal=rng.integers(-900, 900, (length, 2)), adc_gain=[200.0, 100.0],
            baseline=[0, 5], write_dir=str(folder),
        )  # fmt: skip
    parts = [layout, "a 50", "~ 5", "b 30"] if layout else ["a 50", "b 30"]
    head = f"m/{len(parts)} 2 100 {85 if layout else 80}"
    (folder / "m.hea").write_text("\n".join([head, *parts]) + "\n")
    lines = ["lay 2 100 0", "~ 0 200 16 0 0 0 0 I", "~ 0 200 16 0 0 0 0 V1"]
    (folder / "lay.hea").write_text("\n".join(lines) + "\n")
    return folder / "m.hea"


@pytest.mark.parametrize("layout", ["", "lay 0"])
def test_segments_read_as_one_as_in_wfdb(tmp_path, layout):
    path = segments(tmp_path, layout)
    signal = open_signal(path)
    assert (signal.channels, signal.shape) == (("I", "V1"), (85 if layout else 80, 2))
    theirs = wfdb.rdrecord(str(tmp_path / "m")).p_signal.astype(np.float32)
    assert np.isnan(theirs).sum() == (10 if layout else 0)
    for part in (slice(None), slice(45, 60), slice(51, 54), slice(60, 61)):
        np.testing.assert_array_equal(signal[part], theirs[part])
    verify_checksum(signal)


def test_a_segment_may_lack_a_signal(tmp_path):
    path = segments(tmp_path, "lay 0")
    write_signal(tmp_path / "b.hea", np.full((30, 1), 0.5), rate=100, channels=["V1"])
    values = open_signal(path)[55:]
    assert np.isnan(values[:, 0]).all()
    assert (values[:, 1] == 0.5).all()


@pytest.mark.parametrize(
    ("file", "old", "new", "match"),
    [
        ("m.hea", "100 80", "100 95", "95 samples.* 80"),
        ("m.hea", "a 50", "a 49", "80 samples.* 79"),
        ("m.hea", "b 30", "../b 30", "not in the header's folder"),
        ("a.hea", " 100 50", " 200 50", "50 samples at 200 Hz.* 50 at 100 Hz"),
        ("b.hea", " 2 100 30", " 2 100 31", "31 samples at 100 Hz.* 30 at 100 Hz"),
        ("b.hea", "b 2", "b/1 2", "describes 2"),
        ("b.hea", "/mV", "/uV", "'I' in uV"),
    ],
)
def test_segments_that_contradict_are_told(tmp_path, file, old, new, match):
    path = segments(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1))
    with pytest.raises(DataCorruptError, match=match):
        open_signal(path)[:]


def test_a_segment_that_is_not_there_is_named(tmp_path):
    path = segments(tmp_path)
    (tmp_path / "b.hea").unlink()
    signal = open_signal(path)
    assert signal[:50].shape == (50, 2)
    with pytest.raises(DataMissingError, match=r"b\.hea"):
        signal[:]


def test_segments_within_segments_are_refused(tmp_path):
    (tmp_path / "m.hea").write_text("m/1 1 100 50\nm 50\n")
    with pytest.raises(DataCorruptError, match="describes 0"):
        open_signal(tmp_path / "m.hea")


# --- headers that cannot be -------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (" 250 50", " 0 50", "0 samples a second"),
        (" 250 50", " -250 50", "-250"),
        (" 250 50", " fast 50", "'fast' samples a second"),
        (" 3 250", " 4 250", "says 4 signals and describes 3"),
        (" 3 250", " 2 250", "says 2 signals and describes 3"),
        ("1000.0(0)/mV", "0/mV", "'I' has a gain of 0 or none"),
        ("1000.0(0)/mV", "-200/mV", "gain -200, expected more than 0"),
        ("1000.0(0)/mV", "abc", "gain 'abc'"),
        ("1000.0(0)/mV", "200(x)/mV", "baseline 'x'"),
        ("r1.dat 16 ", "/etc/passwd 16 ", "'/etc/passwd'"),
        ("r1.dat 16 ", "..\\r1.dat 16 ", "not in the header's folder"),
        ("r1.dat 16 ", "r1.dat 99 ", "format 99"),
        ("r1.dat 16 ", "r1.dat x ", "expected a file, a format"),
        ("r1.dat 16 ", "r1.dat 16+24 ", "several formats or places"),
    ],
)
def test_what_a_header_cannot_say_is_told_with_the_value(record, old, new, match):
    text = record.read_text()
    assert old in text
    record.write_text(text.replace(old, new, 1))
    with pytest.raises(DataCorruptError, match=match) as error:
        open_signal(record)[:]
    assert "r1.hea" in str(error.value)


def test_a_signal_without_a_gain_is_not_taken_for_millivolts(tmp_path):
    path = by_hand(tmp_path, "r", ["r 1 100 2", "16"], bytes(4))
    with pytest.raises(DataCorruptError, match="gain of 0 or none"):
        open_signal(path)


def test_what_a_header_leaves_out_has_the_defaults_of_the_format(tmp_path):
    """250 Hz, mV, and the zero of the converter for the baseline."""
    content = np.array([1034, 1014], "<i2").tobytes()
    path = by_hand(tmp_path, "r", ["r 1 250 2", "16 100 11 1024"], content)
    signal = open_signal(path)
    assert (signal.units, signal[:].ravel().tolist()) == (
        ("mV",),
        [np.float32(0.1), np.float32(-0.1)],
    )
    assert wfdb.rdrecord(str(tmp_path / "r")).p_signal.ravel().tolist() == [0.1, -0.1]


def test_no_length_and_no_signals_are_not_provided(tmp_path):
    for head in ("r 1 250", "r 1 250 0"):
        path = by_hand(tmp_path, "r", [head, "16 100"], bytes(4))
        with pytest.raises(NotProvidedError, match="not one array"):
            open_signal(path)
    (tmp_path / "r.hea").write_text("r 0 250 9205760\n")
    with pytest.raises(NotProvidedError, match="0 signals"):
        open_signal(tmp_path / "r.hea")


def test_a_file_longer_than_its_header_says_is_told(record):
    dat = record.with_suffix(".dat")
    dat.write_bytes(dat.read_bytes() + bytes(6))
    with pytest.raises(DataCorruptError, match=r"306 bytes.* 300"):
        open_signal(record)[:]


@pytest.mark.parametrize(("fmt", "pair"), [("16", 4), ("212", 3), ("24", 6)])
def test_samples_that_were_changed_have_another_checksum(tmp_path, fmt, pair):
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * 2, sig_name=["a", "b"], fmt=[fmt] * 2,
        d_signal=np.arange(-40, 40).reshape(40, 2), adc_gain=[200.0] * 2,
        baseline=[0, 0], write_dir=str(tmp_path),
    )  # fmt: skip
    signal = open_signal(tmp_path / "r.hea")
    verify_checksum(signal)
    content = bytearray((tmp_path / "r.dat").read_bytes())
    content[pair * 5] ^= 1
    (tmp_path / "r.dat").write_bytes(content)
    with pytest.raises(DataCorruptError, match=r"'a' have the checksum \d+.* \d+"):
        verify_checksum(signal)


# --- units and comments -----------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "per_unit"),
    [("mV", 1.0), ("mv", 1.0), ("uV", 1e-3), ("µV", 1e-3), ("V", 1e3), ("nV", 1e-6)],
)
@pytest.mark.parametrize("fmt", ["16", "212", "24"])
def test_units_become_millivolts(tmp_path, unit, per_unit, fmt):
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * 2, sig_name=["a", "b"], fmt=[fmt] * 2,
        d_signal=np.array([[100, 40], [-7, 3]]), adc_gain=[2.0, 4.0], baseline=[0, 0],
        write_dir=str(tmp_path),
    )  # fmt: skip
    path = tmp_path / "r.hea"
    path.write_text(path.read_text().replace("/mV", f"/{unit}", 1), "utf-8")
    signal = open_signal(path)
    assert signal.units == (unit, "mV")
    same = signal.in_millivolt
    assert same.units == ("mV", "mV")
    want = [[50 * per_unit, 10.0], [-3.5 * per_unit, 0.75]]
    np.testing.assert_allclose(same[:], want, rtol=1e-6)
    np.testing.assert_allclose(same.choose([1, 0])[:], np.fliplr(want), rtol=1e-6)
    np.testing.assert_allclose(
        signal.choose([1]).in_millivolt[:], np.array(want)[:, 1:], rtol=1e-6
    )
    assert signal[0:1][0, 0] == 50


def test_a_unit_that_is_no_voltage_is_refused_with_its_file(record):
    record.write_text(record.read_text().replace("/mV", "/mmHg", 1))
    with pytest.raises(DataCorruptError, match=r"r1\.hea.*'mmHg'"):
        _ = open_signal(record).in_millivolt
    assert open_signal(record).choose([1, 2]).in_millivolt.shape == (50, 2)
    with pytest.raises(InvalidArgumentError, match="'mmHg'"):
        millivolt("mmHg")


def test_comments_are_read_wherever_they_stand_and_however_written(tmp_path):
    """Record 100 has one before the record's line; old ones are in Latin-1."""
    text = "# first\nr 1 250 2\n  # 69 M\nr.dat 16 100/µV\n#Müller\n"
    for encoding in ("utf-8", "latin-1", "utf-8-sig"):
        (tmp_path / "r.hea").write_bytes(text.encode(encoding))
        assert read_comments(tmp_path / "r.hea") == ("first", "69 M", "Müller")
        signal = open_signal(tmp_path / "r.hea")
        assert (signal.comments, signal.units) == (
            ("first", "69 M", "Müller"),
            ("µV",),
        )
    with pytest.raises(DataMissingError, match=r"q\.hea"):
        read_comments(tmp_path / "q.hea")
