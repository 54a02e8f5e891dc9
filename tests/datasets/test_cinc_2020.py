"""The Challenge 2020: its own codes, comments without blanks, and real defects."""

import math

import pytest

from cardium.datasets import cinc_2020, cinc_2021, verify


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("cinc_2020")
    cinc_2020.DATASET.write_fake(root)
    return root


def test_comments_have_no_blank(whole):
    text = (whole / "training/cpsc_2018/g1/A0001.hea").read_text()
    assert "\n#Age: 74\n#Sex: Male\n#Dx: 426783006\n" in text


def test_the_codes_scored_are_those_of_2020(whole):
    """BBB is scored in 2021 only, and LBBB by another name."""
    catalog, later = cinc_2020.index(whole), cinc_2021.index(whole)
    assert catalog["E00001"].labels["scored"] == ("STach",)
    assert catalog["E00001"].labels["unscored"] == ("6374002",)
    assert later["E00001"].labels["scored"] == ("STach", "BBB")
    assert catalog["HR00001"].labels["scored"] == ("NSR", "LBBB")
    assert later["HR00001"].labels["scored"] == ("NSR", "CLBBB|LBBB")


def test_without_diagnoses_none_is_provided(whole):
    entry = cinc_2020.index(whole)["E00002"]
    assert entry.labels["dx"] == entry.labels["scored"] == ()
    assert not {"dx", "scored", "unscored"} & entry.provides
    assert {"ecg", "age", "source"} <= entry.provides


def test_collections_and_patients(whole):
    catalog = cinc_2020.index(whole)
    assert [e.labels["source"] for e in catalog] == [
        "cpsc_2018", "cpsc_2018", "cpsc_2018_extra", "georgia", "georgia", "ptb",
        "ptb_xl", "ptb_xl", "st_petersburg_incart",
    ]  # fmt: skip
    assert all(entry.patient == entry.id for entry in catalog)
    assert catalog.splits == ()


def test_real_defects(shared_data):
    """Seven records from before the release: all are read, two amplitudes are told."""
    data = cinc_2020.DATASET.open(shared_data / "cinc2020_defects")
    assert [e.labels["source"] for e in data.catalog] == [
        "cpsc_2018", "georgia", "georgia", "ptb_xl", "ptb_xl", "cpsc_2018_extra", "ptb"
    ]  # fmt: skip
    ages = {e.id: e.labels["age"] for e in data.catalog}
    assert (ages["A0001"], ages["S0001"]) == (74.0, 81.0)
    assert math.isnan(ages["E00001"])
    assert {e.labels["sex"] for e in data.catalog} == {"male", "female"}
    assert all("dx" not in entry.provides for entry in data.catalog)
    shapes = {e.id: data.load(e)["ecg"].shape for e in data.catalog}
    assert shapes["A0001"] == (7500, 12)
    assert shapes["S0001"] == (38400, 12)
    assert data["S0001"]["ecg"].rate == 1000.0
    findings = verify(data)
    told = {f.where for f in findings if f.kind == "amplitude"}
    assert told == {"HR00002", "S0001"}
    assert {f.severity for f in findings} == {"warning"}
