"""A folder of records: names, patients, units, segments, and broken records."""

import shutil

import numpy as np
import pytest
import wfdb

from cardium.datasets import verify, wfdb_folder
from cardium.errors import CardiumError, DataCorruptError, DataMissingError
from cardium.io.wfdb import write_signal
from cardium.signal.beat_classes import labels_of


@pytest.fixture
def root(tmp_path):
    wfdb_folder.DATASET.write_fake(tmp_path)
    return tmp_path


def test_names_patients_and_what_there_is(root):
    catalog = wfdb_folder.index(root)
    assert {e.id: e.patient for e in catalog} == {
        "a.r1": "p1",
        "a.r2": "p1",
        "b.deep.r1": "b.deep.r1",
        "c.m": "c.m",
    }
    assert catalog["a.r1"].provides == {"ecg", "beats", "rhythm", "age", "sex"}
    assert catalog["a.r2"].provides == {"ecg", "rhythm", "qrs"}
    assert catalog["b.deep.r1"].labels["age"] == 71.0
    assert catalog["b.deep.r1"].labels["sex"] == "male"


def test_without_a_table_each_record_is_a_patient(root):
    (root / "patients.csv").unlink()
    catalog = wfdb_folder.index(root)
    assert all(e.patient == e.id for e in catalog)


def test_a_table_without_its_columns_is_told(root):
    (root / "patients.csv").write_text("name,who\n")
    with pytest.raises(
        DataCorruptError, match=r"patients\.csv' has no column 'record'"
    ):
        wfdb_folder.index(root)


def test_microvolts_become_millivolts_and_leads_get_their_names(root):
    theirs = wfdb.rdrecord(str(root / "a/r2"))
    assert theirs.units == ["uV", "uV"]
    ecg = wfdb_folder.DATASET.open(root)["a.r2"]["ecg"]
    assert (ecg.unit, ecg.coords["lead"]) == ("mV", ("I", "aVF"))
    np.testing.assert_allclose(ecg.load(), theirs.p_signal / 1000, atol=1e-6)
    assert 0.4 < ecg.load().max() < 1.5


def test_segments_are_one_record(root):
    ecg = wfdb_folder.DATASET.open(root)["c.m"]["ecg"]
    theirs = wfdb.rdrecord(str(root / "c/m")).p_signal.astype(np.float32)
    np.testing.assert_array_equal(ecg.load(), theirs)
    assert not {"c.m_1", "c.m_2"} & {e.id for e in wfdb_folder.index(root)}
    (root / "c/m_2.dat").unlink()
    recording = wfdb_folder.DATASET.open(root)["c.m"]
    with pytest.raises(DataMissingError, match=r"m_2\.dat"):
        recording["ecg"].load()


def test_signals_that_are_no_voltages_are_left_out(root):
    path = root / "d.hea"
    write_signal(path, np.ones((50, 2)) * [1.0, 80], rate=100, gain=100,
                 channels=["II", "ABP"])  # fmt: skip
    text = path.read_text()
    head, tail = text.rsplit("/mV", 1)
    path.write_text(f"{head}/mmHg{tail}")
    ecg = wfdb_folder.DATASET.open(root)["d"]["ecg"]
    assert (ecg.coords["lead"], ecg.shape) == (("II",), (50, 1))
    assert (ecg.load() == 1).all()
    path.write_text(path.read_text().replace("/mV", "/nl"))
    with pytest.raises(DataCorruptError, match=r"d\.hea' has no signal in mV"):
        wfdb_folder.DATASET.open(root)["d"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a/r1.hea", b"\x00\xff\xfe"),
        ("a/r1.hea", b""),
        ("a/r1.hea", b"r1 2 0 7200\nr1.dat 212 200\nr1.dat 212 200\n"),
        ("a/r1.hea", b"r1 1 360 7200\n../r1.dat 16 200\n"),
        ("a/r1.dat", b"\x00"),
        ("a/r1.atr", b"\x12\x70\x03"),
    ],
)
def test_a_broken_record_is_a_row_with_a_reason(root, file, content):
    """It does not stop the others, and its own error is raised when it is opened."""
    (root / file).write_bytes(content)
    data = wfdb_folder.DATASET.open(root)
    assert len(data) == 4
    with pytest.raises(CardiumError, match=r"r1\."):
        data["a.r1"]["ecg"].load()
    assert labels_of(data["a.r2"]["rhythm"]) == ("AFIB", "N")
    found = [f for f in verify(data) if f.severity == "error"]
    assert {f.where for f in found} == {"a.r1"}


def test_annotations_without_signals_are_kept(root):
    (root / "a/r1.hea").write_text("r1 0 360 7200\n")
    recording = wfdb_folder.DATASET.open(root)["a.r1"]
    assert set(recording.entry.provides) == {"beats", "rhythm"}
    assert labels_of(recording["beats"])[:5] == ("N", "N", "N", "N", "V")


def test_a_folder_without_records_is_told(tmp_path):
    with pytest.raises(DataMissingError, match=r"\*\.hea.*Put the records"):
        wfdb_folder.index(tmp_path)


def test_real_records_of_two_sources(shared_data, tmp_path):
    for name in ("mitdb", "svdb"):
        shutil.copytree(shared_data / name, tmp_path / name)
    data = wfdb_folder.DATASET.open(tmp_path)
    assert [e.id for e in data.catalog] == [
        "mitdb.100", "mitdb.105", "mitdb.208", "svdb.800"
    ]  # fmt: skip
    assert len(data["mitdb.100"]["beats"].time) == 2273
    assert data["svdb.800"]["ecg"].rate == 128
    assert "rhythm" not in data.catalog["svdb.800"].provides
    labels = data.catalog["mitdb.105"].labels
    assert (labels["age"], labels["sex"]) == (73.0, "female")
