"""CODE-15%: the table, the rows of its files, padding, and broken files."""

import shutil

import h5py
import numpy as np
import pytest

from cardium.datasets import code_15, verify
from cardium.datasets.code_15 import without_padding
from cardium.errors import DataCorruptError, DataMissingError
from cardium.signal import LEADS, find_r_peaks, select_leads


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("code_15")
    code_15.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "code_15"
    shutil.copytree(whole, root)
    return root


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_labels(whole):
    catalog = code_15.index(whole)
    assert [entry.labels["diagnoses"] for entry in catalog] == [
        (), ("RBBB", "AF"), ("ST",), ("SB",), ("1dAVb", "LBBB"), ()
    ]  # fmt: skip
    first = catalog["1169160"]
    assert first.labels == {
        "age": 38.0, "sex": "male", "diagnoses": (), "normal_ecg": True,
        "death": False, "follow_up": 2.1,
    }  # fmt: skip
    # none of the six was found in it, which is known of it
    assert "diagnoses" in first.provides
    assert catalog["2873686"].labels["death"] is True
    assert catalog["384368"].labels["death"] is None
    assert not {"death", "follow_up"} & catalog["384368"].provides
    assert "age" not in catalog["271011"].provides


def test_exams_of_one_patient_are_known_as_such(whole):
    catalog = code_15.index(whole)
    assert (len(catalog), len(catalog.patients)) == (6, 5)
    assert catalog["1169160"].patient == catalog["271012"].patient == "523632"
    assert catalog.splits == ()


def test_rows_are_found_by_exam_and_not_by_place(whole):
    """The files have their exams in another order than the table."""
    data = code_15.DATASET.open(whole)
    with h5py.File(whole / "exams_part0.hdf5") as file:
        exams, tracings = file["exam_id"][:].tolist(), file["tracings"][:]
    assert exams == [271011, 168405, 2873686, 1169160, 0]
    for exam in exams[:4]:
        ecg = data[str(exam)]["ecg"]
        np.testing.assert_array_equal(ecg.load(), tracings[exams.index(exam)])
        np.testing.assert_array_equal(
            ecg.values[900:1000],
            tracings[exams.index(exam), 900:1000],
        )
    assert (ecg.shape, ecg.rate, ecg.unit) == ((4096, 12), 400.0, "mV")
    assert ecg.coords["lead"] == LEADS


def test_padding_is_kept_and_can_be_cut_off(whole):
    """Seven seconds are 2800 of 4096 samples: 648 zeros before and after."""
    data = code_15.DATASET.open(whole)
    for exam, samples in (("168405", 2800), ("1169160", 4000)):
        ecg = data[exam]["ecg"]
        before = (4096 - samples) // 2
        assert not ecg.load()[:before].any()
        assert not ecg.load()[before + samples :].any()
        cut = without_padding(ecg)
        assert abs(cut.shape[0] - samples) <= 2
        assert cut.time[0] == 0.0
        assert cut.rate == 400.0
        assert cut.coords["lead"] == LEADS


def test_an_exam_of_zeros_stays(whole):
    ecg = code_15.DATASET.open(whole)["168405"]["ecg"]
    empty = ecg.samples(slice(0, 100))
    assert without_padding(empty) is empty


def test_the_heart_rate_is_that_of_the_diagnosis(whole):
    data = code_15.DATASET.open(whole)
    for exam, low, high in (("168405", 105, 135), ("271011", 40, 52)):
        ecg = select_leads(without_padding(data[exam]["ecg"]), ["II"])
        peaks = find_r_peaks(
            type(ecg)("ecg", ecg.load()[:, 0], ecg.time, ("time",), "mV")
        )
        assert low < 60 / np.mean(np.diff(peaks)) < high


def test_a_part_that_is_not_there_is_no_error(copy):
    (copy / "exams_part1.hdf5").unlink()
    data = code_15.DATASET.open(copy)
    assert len(data) == 6
    assert "ecg" not in data.catalog["384368"].provides
    assert "ecg" in data.catalog["168405"].provides
    with pytest.raises(DataMissingError, match=r"'384368'.*zenodo"):
        data["384368"]


def test_the_catalog_opens_no_file(copy):
    for path in copy.glob("*.hdf5"):
        path.write_bytes(b"")
    assert len(code_15.index(copy)) == 6


def test_an_exam_that_its_file_does_not_hold(copy):
    edit(copy / "exams.csv", "1169160,38", "1169161,38")
    with pytest.raises(DataCorruptError, match=r"part0\.hdf5' holds 4 .*'1169161'"):
        code_15.DATASET.open(copy)["1169161"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1169160,38", "x,38"),
        ("1169160,38", "1169160,old"),
        ("38,True", "38,yes"),
        ("523632,False", "who,False"),
    ],
)
def test_rows_that_cannot_be_read_are_named(copy, old, new):
    edit(copy / "exams.csv", old, new)
    with pytest.raises(DataCorruptError, match=r"exams\.csv', exam .*cannot be read"):
        code_15.index(copy)


def test_the_table_cannot_lead_out_of_the_root(copy):
    edit(copy / "exams.csv", "exams_part0", "../exams_part0")
    with pytest.raises(DataCorruptError, match="leads out"):
        code_15.index(copy)


def test_files_of_other_shapes_are_refused(copy):
    path = copy / "exams_part0.hdf5"
    with h5py.File(path, "a") as file:
        tracings = file["tracings"][:]
        del file["tracings"]
        file["tracings"] = tracings.transpose(0, 2, 1)
    with pytest.raises(DataCorruptError, match=r"\(5, 12, 4096\).*expected \(N, 4096"):
        code_15.DATASET.open(copy)["1169160"]
    with h5py.File(path, "a") as file:
        del file["tracings"]
    with pytest.raises(DataCorruptError, match=r"has no 'tracings'\. It has: exam_id"):
        code_15.DATASET.open(copy)["1169160"]


def test_links_to_other_files_are_not_followed(copy):
    with h5py.File(copy / "exams_part0.hdf5", "a") as file:
        del file["tracings"]
        file["tracings"] = h5py.ExternalLink("exams_part1.hdf5", "tracings")
    with pytest.raises(DataCorruptError, match="has no 'tracings'"):
        code_15.DATASET.open(copy)["1169160"]


def test_a_file_cut_short_is_named(copy):
    path = copy / "exams_part0.hdf5"
    recording = code_15.DATASET.open(copy)["1169160"]
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataCorruptError, match=r"exams_part0\.hdf5"):
        recording["ecg"].load()
    with pytest.raises(DataCorruptError, match=r"exams_part0\.hdf5"):
        code_15.DATASET.open(copy)["1169160"]


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(code_15.DATASET.open(whole)) == []


def test_no_table_is_told_with_where_to_get_it(tmp_path):
    with pytest.raises(DataMissingError, match=r"exams\.csv.*zenodo"):
        code_15.index(tmp_path)
