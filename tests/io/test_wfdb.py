"""WFDB records against the wfdb library's own reading, and known samples."""

import numpy as np
import pytest
import wfdb

from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError
from cardium.io.wfdb import open_signal, write_signal

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


@pytest.mark.parametrize("fmt", ["16", "212", "24", "80"])
def test_every_format_reads_as_in_wfdb(tmp_path, fmt):
    rng = np.random.default_rng(1)
    wfdb.wrsamp(
        "r", fs=360, units=["mV", "mmHg"], sig_name=["MLII", "ABP"],
        d_signal=rng.integers(-100, 100, (40, 2)), fmt=[fmt] * 2,
        adc_gain=[200.0, 12.5], baseline=[0, -64], write_dir=str(tmp_path),
    )  # fmt: skip
    theirs = wfdb.rdrecord(str(tmp_path / "r"))
    signal = open_signal(tmp_path / "r.hea")
    np.testing.assert_array_equal(signal[:], theirs.p_signal.astype(np.float32))
    np.testing.assert_array_equal(signal[5:9], theirs.p_signal[5:9].astype(np.float32))


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


def test_a_truncated_file_of_another_format_is_corrupt(tmp_path):
    values = np.arange(40)[:, None] * np.ones(2, int)
    wfdb.wrsamp(
        "r", fs=360, units=["mV"] * 2, sig_name=["a", "b"], d_signal=values,
        fmt=["212"] * 2, adc_gain=[200.0] * 2, baseline=[0, 0], write_dir=str(tmp_path),
    )  # fmt: skip
    (tmp_path / "r.dat").write_bytes((tmp_path / "r.dat").read_bytes()[:50])
    with pytest.raises(DataCorruptError, match=r"r\.hea.*40 of 2"):
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


def test_several_segments_are_refused(tmp_path):
    (tmp_path / "m.hea").write_text("m/2 3 250 100\na 50\nb 50\n")
    with pytest.raises(NotProvidedError, match="segments"):
        open_signal(tmp_path / "m.hea")
