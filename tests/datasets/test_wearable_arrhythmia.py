"""Wearable ECGs in the documented folder: labels, rates, leads, broken files."""

import shutil

import numpy as np
import pytest

from cardium.datasets import verify, wearable_arrhythmia
from cardium.errors import DataCorruptError, DataMissingError, SplitLeakError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("wearable")
    wearable_arrhythmia.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "wearable"
    shutil.copytree(whole, root)
    return root


@pytest.fixture
def small(tmp_path):
    """Two samples of one record, written by hand."""
    (tmp_path / "labels.csv").write_text("record,patient,rhythm,rate_hz\na,p,AF,2\n")
    (tmp_path / "records").mkdir()
    (tmp_path / "records/a.csv").write_text("lead II,AVR,ECG9\n1,-0.5,0\n2,0.25,1\n")
    return tmp_path


def test_a_record_by_hand(small):
    recording = wearable_arrhythmia.DATASET.open(small)["a"]
    ecg = recording["ecg"]
    assert ecg.coords["lead"] == ("II", "aVR", "ECG9")
    assert ecg.load().tolist() == [[1, -0.5, 0], [2, 0.25, 1]]
    assert (ecg.time.tolist(), ecg.unit, ecg.dims) == (
        [0.0, 0.5], "mV", ("time", "lead")
    )  # fmt: skip
    assert recording.entry.labels == {"rhythm_class": "AF", "rate_hz": 2.0}
    assert (recording.entry.patient, recording.entry.split) == ("p", "")


def test_split_and_patients(whole):
    catalog = wearable_arrhythmia.index(whole)
    assert [entry.split for entry in catalog] == [*["train"] * 3, "val", *["test"] * 2]
    assert len(catalog.patients) == 5
    assert {entry.labels["rate_hz"] for entry in catalog} == {250.0, 400.0}


def test_a_patient_on_two_sides_is_refused(copy):
    path = copy / "labels.csv"
    path.write_text(path.read_text().replace("w0005,p04", "w0005,p01"))
    with pytest.raises(SplitLeakError, match="'p01'"):
        wearable_arrhythmia.index(copy)


def test_a_record_without_a_file_has_no_ecg(copy):
    (copy / "records/w0002.csv").unlink()
    data = wearable_arrhythmia.DATASET.open(copy)
    assert data.catalog["w0002"].provides == {"rhythm_class", "rate_hz"}
    with pytest.raises(DataMissingError, match=r"records/w0002\.csv"):
        data["w0002"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a,p,AF,0", "rate_hz is '0'"),
        ("a,p,AF,fast", "rate_hz is 'fast'"),
        ("a,p,AF,nan", "rate_hz is 'nan'"),
        ("../a,p,AF,2", "record '../a'"),
        (",p,AF,2", "record ''"),
        ("a,,AF,2", "'a' names no patient"),
    ],
)
def test_rows_that_are_refused(small, row, message):
    (small / "labels.csv").write_text(f"record,patient,rhythm,rate_hz\n{row}\n")
    with pytest.raises(DataCorruptError, match=message):
        wearable_arrhythmia.index(small)


def test_splits_that_are_none(copy):
    path = copy / "labels.csv"
    path.write_text(path.read_text().replace(",val", ",validation"))
    with pytest.raises(DataCorruptError, match="split 'validation'"):
        wearable_arrhythmia.index(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("I,II\n1,2\n3\n", "not a table of numbers"),
        ("I,II\n1,2\n3,x\n", "not a table of numbers"),
        ("I\n1,2\n3,4\n", r"shape \(2, 2\).*\(2, 1\)"),
        ("1,2\n3,4\n", "begins with '1,2'"),
        ("I,II\n", "holds 0 samples"),
        ("I,\n1,2\n", "begins with 'I,'"),
        ("", "begins with ''"),
        ("I,II\n1,2\n3,4", "ends within line 3, of which there is '3,4'"),
    ],
)
def test_files_that_are_refused(small, text, message):
    (small / "records/a.csv").write_text(text)
    with pytest.raises(DataCorruptError, match=rf"a\.csv.*{message}"):
        wearable_arrhythmia.DATASET.open(small)["a"]["ecg"].load()


def test_no_table_is_told_with_the_layout(tmp_path):
    with pytest.raises(DataMissingError, match=r"labels\.csv.*records/<record>\.csv"):
        wearable_arrhythmia.index(tmp_path)


def test_no_layout_of_the_authors_is_claimed():
    text = wearable_arrhythmia.__doc__.replace("\n", " ")
    assert "layout of the authors' files is not known to us" in text


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(wearable_arrhythmia.DATASET.open(whole)) == []
    data = wearable_arrhythmia.DATASET.open(whole)
    assert np.ptp(data["w0001"]["ecg"].load()) > 0.5
