"""CPSC 2018: the classes of the table, those of the codes, and a real record."""

import shutil

import numpy as np
import pytest

from cardium.datasets import cpsc_2018, verify
from cardium.errors import DataCorruptError, DataMissingError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("cpsc_2018")
    cpsc_2018.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "cpsc_2018"
    shutil.copytree(whole, root)
    return root


def test_numbers_of_the_table_are_classes(whole):
    classes = [e.labels["cpsc_classes"] for e in cpsc_2018.index(whole)]
    assert classes == [
        ("Normal",), ("AF",), ("AF", "PVC"), ("RBBB",), ("STD", "PAC", "I-AVB"),
        ("LBBB", "STE"),
    ]  # fmt: skip


def test_each_number_is_its_class(tmp_path):
    head = "Recording,First_label,Second_label,Third_label\n"
    rows = "".join(f"A{k:04d},{k},,\n" for k in range(1, 10))
    (tmp_path / "REFERENCE.csv").write_text(head + rows)
    assert [names[0] for names in cpsc_2018.read_reference(tmp_path).values()] == [
        "Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"
    ]  # fmt: skip


def test_without_the_table_the_codes_say_the_classes(copy):
    (copy / "REFERENCE.csv").unlink()
    catalog = cpsc_2018.index(copy)
    assert catalog["A0003"].labels["cpsc_classes"] == ("AF", "PVC")
    assert catalog["A0006"].labels["cpsc_classes"] == ("LBBB", "STE")
    # the header of the fifth has one of three codes: the table had been used
    assert catalog["A0005"].labels["cpsc_classes"] == ("STD",)
    assert cpsc_2018.absent(copy) == ()


def test_the_codes_are_those_that_this_collection_uses(shared_data):
    """Each of the nine is counted in it; the counts are the published ones."""
    counts = {}
    for part in ("scored", "unscored"):
        path = shared_data / "cinc2021_evaluation" / f"dx_mapping_{part}.csv"
        for line in path.read_text().splitlines()[1:]:
            _, code, _, count, *_ = line.split(",")
            counts[code] = int(count)
    there = {name: counts[code] for code, name in cpsc_2018._CODES.items()}
    assert there == {
        "Normal": 918, "AF": 1221, "I-AVB": 722, "LBBB": 236, "RBBB": 1857,
        "PAC": 616, "PVC": 700, "STD": 869, "STE": 220,
    }  # fmt: skip
    assert tuple(there) == cpsc_2018.CLASSES
    assert sum(1 for code in counts if counts[code]) == 9


def test_other_collections_are_passed_over(copy):
    for end in (".hea", ".mat"):
        for name in ("Q0001", "JS00001", "A00001"):
            shutil.copy(copy / f"A0001{end}", copy / f"{name}{end}")
    assert len(cpsc_2018.index(copy)) == 6


def test_records_of_the_table_alone_are_absent(copy):
    (copy / "A0002.hea").unlink()
    assert "A0002" not in [entry.id for entry in cpsc_2018.index(copy)]
    assert cpsc_2018.absent(copy) == ("A0002",)


@pytest.mark.parametrize("label", ["10", "0", "AF", "1.0"])
def test_labels_that_are_none(copy, label):
    path = copy / "REFERENCE.csv"
    path.write_text(path.read_text().replace("A0002,2,", f"A0002,{label},"))
    with pytest.raises(DataCorruptError, match=rf"A0002: the labels are .*{label}"):
        cpsc_2018.index(copy)


def test_the_first_release_is_told(tmp_path):
    """Its files hold a structure and have no headers."""
    (tmp_path / "A0001.mat").write_bytes(b"MATLAB 5.0 MAT-file")
    with pytest.raises(DataMissingError, match=r"no record \(NAME\.hea\).*cinc_2021"):
        cpsc_2018.index(tmp_path)


def test_verification_finds_nothing_in_the_fake(whole):
    assert verify(cpsc_2018.DATASET.open(whole)) == []


def test_a_real_record(shared_data):
    data = cpsc_2018.DATASET.open(shared_data / "cinc2020_defects")
    (entry,) = data.catalog
    assert (entry.id, entry.labels["age"], entry.labels["sex"]) == (
        "A0001", 74.0, "male"
    )  # fmt: skip
    assert "cpsc_classes" not in entry.provides  # its diagnoses are empty
    assert data["A0001"]["ecg"].load()[0, :3].tolist() == [
        np.float32(0.028), np.float32(0.007), np.float32(-0.021)
    ]  # fmt: skip
