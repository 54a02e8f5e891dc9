"""Kaggle's heartbeats: classes, split, padding, the leak said aloud, broken files."""

import shutil
from collections import Counter

import numpy as np
import pytest

from cardium.datasets import kaggle_heartbeat, verify
from cardium.errors import DataCorruptError, DataMissingError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("kaggle_heartbeat")
    kaggle_heartbeat.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "kaggle_heartbeat"
    shutil.copytree(whole, root)
    return root


def change(path, line, edit):
    """Rewrite one line of a file."""
    lines = path.read_text().splitlines()
    lines[line] = edit(lines[line])
    path.write_text("\n".join(lines) + "\n")


def test_the_leak_is_said_where_people_look():
    info = kaggle_heartbeat.DATASET.info
    assert "without patients" in info.summary
    assert "on both sides" in info.summary
    assert "warning::" in kaggle_heartbeat.__doc__


def test_classes_and_split(whole):
    catalog = kaggle_heartbeat.index(whole)
    assert Counter((e.split, e.labels["beat_class"]) for e in catalog) == {
        ("train", "N"): 2, ("train", "S"): 1, ("train", "V"): 2, ("train", "F"): 1,
        ("train", "Q"): 1, ("test", "N"): 1, ("test", "V"): 1, ("test", "S"): 1,
        ("", None): 4,
    }  # fmt: skip
    diagnoses = [e.labels["diagnosis"] for e in catalog if "ptbdb" in e.id]
    assert diagnoses == ["normal", "normal", "abnormal", "abnormal"]
    assert catalog["mitbih_train-000003"].provides == {"ecg", "beat_class"}
    assert catalog["ptbdb_abnormal-000001"].provides == {"ecg", "diagnosis"}


def test_samples_are_those_of_numpy(whole):
    data = kaggle_heartbeat.DATASET.open(whole)
    for name in ("mitbih_train", "mitbih_test", "ptbdb_normal", "ptbdb_abnormal"):
        table = np.loadtxt(whole / f"{name}.csv", delimiter=",")
        for row in range(len(table)):
            ecg = data[f"{name}-{row:06d}"]["ecg"]
            np.testing.assert_array_equal(
                ecg.load()[:, 0], table[row, :187].astype("f4")
            )
            assert (ecg.shape, ecg.rate, ecg.unit) == ((187, 1), 125.0, "")
            np.testing.assert_array_equal(ecg.values[5:9], ecg.load()[5:9])


def test_padding_is_kept(whole):
    ecg = kaggle_heartbeat.DATASET.open(whole)["mitbih_train-000002"]["ecg"]
    assert not ecg.load()[120:].any()
    assert ecg.load()[119] > 0
    assert (ecg.load().min(), ecg.load().max()) == (0.0, 1.0)


@pytest.mark.parametrize("ends", ["\n", "\r\n", None])
def test_line_ends(copy, ends):
    """Windows ends its lines otherwise; the last line may have no end at all."""
    path = copy / "mitbih_test.csv"
    text = path.read_text()
    changed = text.rstrip("\n") if ends is None else text.replace("\n", ends)
    path.write_bytes(changed.encode())
    data = kaggle_heartbeat.DATASET.open(copy)
    rows = [e for e in data.catalog if e.split == "test"]
    assert [e.labels["beat_class"] for e in rows] == ["N", "V", "S"]
    table = np.loadtxt(path, delimiter=",")
    for row, entry in enumerate(rows):
        values = data.load(entry)["ecg"].load()[:, 0]
        np.testing.assert_array_equal(values, table[row, :187].astype("f4"))


def test_any_of_the_files_is_enough(copy):
    for name in ("mitbih_train", "ptbdb_normal", "ptbdb_abnormal"):
        (copy / f"{name}.csv").unlink()
    assert [e.split for e in kaggle_heartbeat.index(copy)] == ["test"] * 3
    (copy / "mitbih_test.csv").unlink()
    with pytest.raises(DataMissingError, match=r"none of mitbih_train\.csv.*kaggle"):
        kaggle_heartbeat.index(copy)


@pytest.mark.parametrize("label", ["5.0", "-1", "N", "", "nan", "inf"])
def test_classes_that_are_none(copy, label):
    path = copy / "mitbih_test.csv"
    change(path, 1, lambda line: line[: line.rfind(",") + 1] + label)
    with pytest.raises(DataCorruptError, match=r"mitbih_test\.csv', line 2: the class"):
        kaggle_heartbeat.index(copy)


def test_an_abnormal_beat_among_the_normal_is_refused(copy):
    shutil.copy(copy / "ptbdb_abnormal.csv", copy / "ptbdb_normal.csv")
    with pytest.raises(
        DataCorruptError, match=r"ptbdb_normal\.csv', line 1: the class"
    ):
        kaggle_heartbeat.index(copy)


def test_rows_that_are_no_beats(copy):
    path = copy / "mitbih_train.csv"
    change(path, 2, lambda line: "x" + line)
    change(path, 3, lambda line: "0.5," + line)
    data = kaggle_heartbeat.DATASET.open(copy)
    with pytest.raises(DataCorruptError, match=r"line 3 holds what is no number"):
        data["mitbih_train-000002"]["ecg"].load()
    with pytest.raises(DataCorruptError, match=r"line 4 has 189 values, expected 188"):
        data["mitbih_train-000003"]["ecg"].load()


def test_a_file_cut_short_is_told(copy):
    path = copy / "mitbih_train.csv"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataCorruptError, match=r"line 4 has \d+ values, expected 188"):
        kaggle_heartbeat.index(copy)
    path.write_bytes(b"")
    with pytest.raises(DataCorruptError, match=r"mitbih_train\.csv' is empty"):
        kaggle_heartbeat.index(copy)


def test_a_changed_file_is_read_again(copy):
    data = kaggle_heartbeat.DATASET.open(copy)
    before = data["mitbih_test-000000"]["ecg"].load()
    path = copy / "mitbih_test.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[1:], lines[0], lines[0]]) + "\n")
    again = kaggle_heartbeat.DATASET.open(copy)
    assert len([e for e in again.catalog if e.split == "test"]) == 4
    np.testing.assert_array_equal(again["mitbih_test-000003"]["ecg"].load(), before)


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(kaggle_heartbeat.DATASET.open(whole)) == []
