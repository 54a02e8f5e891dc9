"""Kaggle's features of beats: seconds from samples, classes, the split by record."""

import shutil

import numpy as np
import pytest

from cardium.datasets import kaggle_arrhythmia, verify
from cardium.errors import DataCorruptError, DataMissingError
from cardium.signal import labels_of

MIT_BIH = "MIT-BIH Arrhythmia Database.csv"
HEAD = ("record", "type", *kaggle_arrhythmia.INTERVALS, *kaggle_arrhythmia.AMPLITUDES)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("kaggle_arrhythmia")
    kaggle_arrhythmia.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "kaggle_arrhythmia"
    shutil.copytree(whole, root)
    return root


def write(path, rows, head=HEAD):
    """Write a table of rows given by name; what is not named is 1."""
    lines = [",".join(head)]
    lines += [",".join(str(row.get(name, 1)) for name in head) for row in rows]
    path.write_text("\n".join(lines) + "\n")


def test_the_tables_have_34_columns(whole):
    assert len(HEAD) == len(set(HEAD)) == 34
    for path in whole.glob("*.csv"):
        assert set(path.read_text().split("\n", 1)[0].split(",")) == set(HEAD)


@pytest.mark.parametrize(
    ("source", "rate"),
    [
        ("MIT-BIH Arrhythmia Database", 360),
        ("MIT-BIH Supraventricular Arrhythmia Database", 128),
        ("INCART 2-lead Arrhythmia Database", 257),
        ("Sudden Cardiac Death Holter Database", 250),
    ],
)
def test_samples_become_seconds_at_the_rate_of_the_source(tmp_path, source, rate):
    rows = [
        {"record": "x1", "type": "N", "0_pre-RR": rate, "0_qrs_interval": rate / 10,
         "1_st_interval": rate / 5, "0_rPeak": 1.5, "1_qrs_morph4": -0.25},
        {"record": "x1", "type": "VEB", "0_pre-RR": rate / 2,
         "0_qt_interval": 2 * rate},
        {"record": "x1", "type": "N", "0_pre-RR": rate},
    ]  # fmt: skip
    write(tmp_path / f"{source}.csv", rows)
    data = kaggle_arrhythmia.DATASET.open(tmp_path)
    (recording,) = data
    intervals, amplitudes = recording["beat_intervals"], recording["beat_amplitudes"]
    assert (intervals.unit, amplitudes.unit) == ("s", "")
    assert (intervals.shape, amplitudes.shape) == ((3, 12), (3, 20))
    # 1 s before the first beat, which is where the clock begins
    np.testing.assert_allclose(intervals.time, [0, 0.5, 1.5])
    of = dict(zip(intervals.coords["feature"], intervals.load().T, strict=True))
    np.testing.assert_allclose(of["0_pre-RR"], [1, 0.5, 1], rtol=1e-6)
    assert of["0_qrs_interval"][0] == pytest.approx(0.1)
    assert of["1_st_interval"][0] == pytest.approx(0.2)
    assert of["0_qt_interval"][1] == pytest.approx(2)
    of = dict(zip(amplitudes.coords["feature"], amplitudes.load().T, strict=True))
    assert (of["0_rPeak"][0], of["1_qrs_morph4"][0]) == (1.5, -0.25)


def test_classes(whole):
    for recording in kaggle_arrhythmia.DATASET.open(whole):
        beats = recording["beats"]
        assert labels_of(beats) == ("N", "S", "N", "V", "F", "Q")
        np.testing.assert_array_equal(beats.time, recording["beat_intervals"].time)


def test_the_split_is_by_record_and_of_mit_bih_alone(whole):
    catalog = kaggle_arrhythmia.index(whole)
    assert {entry.id: entry.split for entry in catalog} == {
        "mit_bih-101": "train", "mit_bih-100": "test", "mit_bih-102": "",
        "svdb-100": "", "svdb-800": "", "incart-I01": "", "sddb-30": "",
    }  # fmt: skip
    assert all(entry.patient == entry.id for entry in catalog)


def test_the_split_is_that_of_de_chazal():
    splits = kaggle_arrhythmia._SPLITS
    train = {int(name) for name, split in splits.items() if split == "train"}
    test = {int(name) for name, split in splits.items() if split == "test"}
    assert (len(train), len(test), len(train & test)) == (22, 22, 0)
    records = {*range(100, 110), *range(111, 120), *range(121, 125), *range(200, 204)}
    records |= {205, *range(207, 211), *range(212, 216), 217, *range(219, 224)}
    records |= {228, *range(230, 235)}
    assert len(records) == 48
    assert train | test == records - {102, 104, 107, 217}
    assert {201, 106, 230} <= train
    assert {202, 100, 234} <= test
    assert not {102, 104, 107, 217} & (train | test)


def test_rows_of_a_record_need_not_stand_together(copy):
    path = copy / MIT_BIH
    head, *rows = path.read_text().splitlines()
    before = kaggle_arrhythmia.DATASET.open(copy)["mit_bih-100"]
    rows = rows[::2] + rows[1::2]
    path.write_text("\n".join([head, *rows]) + "\n")
    after = kaggle_arrhythmia.DATASET.open(copy)["mit_bih-100"]
    one, other = (r["beat_amplitudes"].load() for r in (before, after))
    np.testing.assert_array_equal(other, one[[0, 2, 4, 1, 3, 5]])


def test_columns_may_stand_in_another_order(tmp_path):
    rows = [{"record": "1", "type": "N", "0_pre-RR": 360, "0_tPeak": 7}] * 2
    write(tmp_path / MIT_BIH, rows, head=HEAD[::-1])
    recording = kaggle_arrhythmia.DATASET.open(tmp_path)["mit_bih-1"]
    amplitudes = recording["beat_amplitudes"]
    column = amplitudes.coords["feature"].index("0_tPeak")
    assert amplitudes.load()[:, column].tolist() == [7, 7]
    assert amplitudes.time.tolist() == [0, 1]


def test_empty_cells_are_nan(tmp_path):
    rows = [{"record": "1", "type": "N", "0_pPeak": ""}] * 2
    write(tmp_path / MIT_BIH, rows)
    recording = kaggle_arrhythmia.DATASET.open(tmp_path)["mit_bih-1"]
    amplitudes = recording["beat_amplitudes"]
    column = amplitudes.coords["feature"].index("0_pPeak")
    assert np.isnan(amplitudes.load()[:, column]).all()
    assert np.isnan(amplitudes.load()).sum() == 2


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"type": "PVC"}, "type of a beat is 'PVC'"),
        ({"type": ""}, "type of a beat is ''"),
        ({"0_qPeak": "high"}, "no number.*'high'"),
        ({"0_pre-RR": 0}, r"0_pre-RR of its beat 1 is 0 s"),
        ({"0_pre-RR": -36}, r"0_pre-RR of its beat 1 is -0\.1 s"),
        ({"0_pre-RR": ""}, r"0_pre-RR of its beat 1 is nan s"),
    ],
)
def test_rows_that_are_refused(tmp_path, cells, message):
    first = {"record": "1", "type": "N"}
    write(tmp_path / MIT_BIH, [first, first | cells])
    data = kaggle_arrhythmia.DATASET.open(tmp_path)
    with pytest.raises(DataCorruptError, match=rf"{MIT_BIH}', record 1.*{message}"):
        data["mit_bih-1"]


def test_names_and_columns_that_are_refused(tmp_path):
    write(tmp_path / MIT_BIH, [{"record": "../1", "type": "N"}])
    with pytest.raises(DataCorruptError, match=r"a record is called '\.\./1'"):
        kaggle_arrhythmia.index(tmp_path)
    write(tmp_path / MIT_BIH, [{"record": "1"}], head=(*HEAD[:-1], "other"))
    with pytest.raises(DataCorruptError, match="has no column '1_qrs_morph4'"):
        kaggle_arrhythmia.index(tmp_path)
    write(tmp_path / MIT_BIH, [{"record": "1"}], head=HEAD[:-1])
    with pytest.raises(DataCorruptError, match="line 1 has 33 values, expected 34"):
        kaggle_arrhythmia.index(tmp_path)


def test_a_table_cut_short_is_told(copy):
    path = copy / MIT_BIH
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataCorruptError, match=r"line 19 has \d+ values, expected 34"):
        kaggle_arrhythmia.index(copy)


def test_any_table_is_enough(copy):
    for path in copy.glob("MIT*.csv"):
        path.unlink()
    catalog = kaggle_arrhythmia.index(copy)
    assert [entry.labels["source"] for entry in catalog] == ["incart", "sddb"]
    for path in copy.glob("*.csv"):
        path.unlink()
    with pytest.raises(DataMissingError, match=rf"none of.*{MIT_BIH}.*kaggle"):
        kaggle_arrhythmia.index(copy)


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(kaggle_arrhythmia.DATASET.open(whole)) == []
