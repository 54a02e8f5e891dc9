"""The Challenge 2017: version 3 of the table, both layouts, one lead."""

import shutil

import numpy as np
import pytest
import wfdb

from cardium.datasets import cinc_2017, verify
from cardium.errors import DataCorruptError, DataMissingError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("cinc_2017")
    cinc_2017.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "cinc_2017"
    shutil.copytree(whole, root)
    return root


def test_classes(whole):
    catalog = cinc_2017.index(whole)
    assert [entry.labels["rhythm_class"] for entry in catalog] == [
        "normal", "af", "other", "noise", "normal", "af", "other", "normal"
    ]  # fmt: skip
    assert catalog.splits == ()
    assert all(entry.patient == entry.id for entry in catalog)


def test_the_lead_is_called_i(whole):
    ecg = cinc_2017.DATASET.open(whole)["A00002"]["ecg"]
    assert ecg.coords["lead"] == ("I",)
    assert (ecg.shape, ecg.rate, ecg.unit) == ((3600, 1), 300.0, "mV")
    theirs, fields = wfdb.rdsamp(str(whole / "training2017/A00002"))
    assert fields["sig_name"] == ["ECG"]
    np.testing.assert_array_equal(ecg.load(), theirs.astype(np.float32))


def test_folders_of_a_thousand_are_read_and_validation_is_not(copy):
    (copy / "validation").mkdir()
    for path in (copy / "training2017").glob("A00001.*"):
        shutil.copy(path, copy / "validation")
    (copy / "training").mkdir()
    (copy / "training2017").rename(copy / "training/A00")
    data = cinc_2017.DATASET.open(copy)
    assert len(data) == 8
    assert str(data.catalog["A00001"].files[0]) == "training/A00/A00001.hea"
    assert data["A00001"]["ecg"].shape == (2700, 1)


def test_the_table_may_lie_beside_the_records(copy):
    (copy / "REFERENCE-v3.csv").rename(copy / "training2017/REFERENCE-v3.csv")
    assert len(cinc_2017.index(copy)) == 8
    for path in (copy / "training2017").iterdir():
        path.rename(copy / path.name)
    (copy / "training2017").rmdir()
    assert len(cinc_2017.index(copy)) == 8


@pytest.mark.parametrize("other", ["REFERENCE.csv", "REFERENCE-v2.csv"])
def test_other_versions_of_the_table_are_refused_by_name(copy, other):
    (copy / "REFERENCE-v3.csv").rename(copy / "training2017" / other)
    with pytest.raises(
        DataMissingError,
        match=rf"REFERENCE-v3\.csv' is not.*only training2017/{other}.*labels differ",
    ):
        cinc_2017.index(copy)


def test_no_table_at_all(copy):
    (copy / "REFERENCE-v3.csv").unlink()
    with pytest.raises(DataMissingError, match=r"is not under '.*'\. Version 1\.0\.0"):
        cinc_2017.index(copy)


@pytest.mark.parametrize("row", ["A00009,X", "A00009", "A00001,N", "A00009,N,A"])
def test_rows_that_are_none(copy, row):
    with (copy / "REFERENCE-v3.csv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(DataCorruptError, match=r"line 9 is '.*expected a record"):
        cinc_2017.index(copy)


def test_records_of_the_table_alone_are_absent(copy):
    for path in (copy / "training2017").glob("A00003.*"):
        path.unlink()
    assert len(cinc_2017.index(copy)) == 7
    assert cinc_2017.absent(copy) == ("A00003",)
    kinds = {finding.kind for finding in verify(cinc_2017.DATASET.open(copy))}
    assert kinds == {"not-on-disk"}


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(cinc_2017.DATASET.open(whole)) == []


def test_another_rate_is_refused(copy):
    path = copy / "training2017/A00001.hea"
    path.write_text(path.read_text().replace(" 1 300 ", " 1 250 "))
    with pytest.raises(DataCorruptError, match="1 leads at 250 Hz; expected 1 at 300"):
        cinc_2017.DATASET.open(copy)["A00001"]
