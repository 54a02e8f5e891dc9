"""The Challenge 2021: labels, sources, folders, broken headers, and real records."""

import math
import shutil
from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pytest
import wfdb

from cardium.core import split_catalog
from cardium.datasets import cinc_2021, verify
from cardium.datasets._challenge import source_of
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError
from cardium.metrics.challenge import SCORED_2020, SCORED_2021
from cardium.signal import LEADS


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("cinc_2021")
    cinc_2021.DATASET.write_fake(root)
    return root


@pytest.fixture
def copy(whole, tmp_path):
    root = tmp_path / "cinc_2021"
    shutil.copytree(whole, root)
    return root


def header(root, name):
    return next(root.rglob(f"{name}.hea"))


def edit(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("A0001.hea", "cpsc_2018"),
        ("Q0001.hea", "cpsc_2018_extra"),
        ("I0001.hea", "st_petersburg_incart"),
        ("S0001.hea", "ptb"),
        ("HR00001.hea", "ptb_xl"),
        ("E00001.hea", "georgia"),
        ("JS00001.hea", "chapman_shaoxing"),
        ("JS10646.hea", "chapman_shaoxing"),
        ("JS10647.hea", "ningbo"),
        ("JS45551.hea", "ningbo"),
        ("training/ptb-xl/g3/x1.hea", "ptb_xl"),
        ("training/ptb/g1/x1.hea", "ptb"),
        ("training/chapman_shaoxing/g1/JS20000.hea", "chapman_shaoxing"),
        ("elsewhere/X0001.hea", ""),
        ("unnamed.hea", ""),
    ],
)
def test_sources_by_folder_or_name(path, source):
    assert source_of(PurePosixPath(path)) == source


def test_the_two_collections_of_js_are_of_their_published_sizes():
    """10,646 names of Chapman-Shaoxing, and 34,905 of Ningbo."""
    names = (f"JS{number:05d}.hea" for number in range(1, 45552))
    counts = Counter(source_of(PurePosixPath(name)) for name in names)
    assert counts == {"chapman_shaoxing": 10646, "ningbo": 34905}


def test_labels(whole):
    catalog = cinc_2021.index(whole)
    af = catalog["JS10646"].labels
    assert af == {
        "age": 60.0,
        "sex": "male",
        "source": "chapman_shaoxing",
        "dx": ("164889003", "59118001", "164934002"),
        "scored": ("AF", "CRBBB|RBBB", "TAb"),
        "unscored": (),
    }
    # two codes that are scored as one, a code that repeats, one that is not scored
    assert catalog["A0002"].labels["scored"] == ("CRBBB|RBBB",)
    assert catalog["HR00001"].labels["dx"] == ("426783006", "164934002")
    assert catalog["E00001"].labels["unscored"] == ("67741000119109",)
    assert "scored" not in catalog["I0001"].provides
    assert math.isnan(catalog["E00001"].labels["age"])
    assert "age" not in catalog["E00001"].provides
    assert "sex" not in catalog["Q0001"].provides


def test_numbers_of_scored_codes():
    assert (len(SCORED_2020), len(SCORED_2021)) == (27, 30)


def test_g10_comes_after_g2(copy):
    source = copy / "training/cpsc_2018"
    for group, name in (("g10", "A0010"), ("g3", "A0003")):
        (source / group).mkdir()
        for end in (".hea", ".mat"):
            shutil.copy(source / f"g1/A0001{end}", source / group / f"{name}{end}")
    names = [e.id for e in cinc_2021.index(copy) if e.id.startswith("A")]
    assert names == ["A0001", "A0002", "A0003", "A0010"]


def test_there_is_no_split_and_folds_can_be_made(whole):
    catalog = cinc_2021.index(whole)
    assert catalog.splits == ()
    with pytest.raises(NotProvidedError, match="no official split"):
        split_catalog(catalog)
    split = split_catalog(catalog, folds=5)
    assert len(split.train) + len(split.val) + len(split.test) == 10


def test_a_folder_of_records_works_without_folders_above(whole, tmp_path):
    for path in [*whole.rglob("A000*.*"), *whole.rglob("HR*.*")]:
        shutil.copy(path, tmp_path)
    catalog = cinc_2021.index(tmp_path)
    assert [e.id for e in catalog] == ["A0001", "A0002", "HR00001"]
    assert [e.labels["source"] for e in catalog] == ["cpsc_2018"] * 2 + ["ptb_xl"]
    assert cinc_2021.load(tmp_path, catalog["HR00001"])["ecg"].shape == (5000, 12)


def test_the_catalog_opens_no_samples(copy):
    for path in copy.rglob("*.mat"):
        path.write_bytes(b"")
    assert len(cinc_2021.index(copy)) == 10


def test_a_broken_header_is_told_when_its_record_is_opened(copy):
    path = header(copy, "A0001")
    path.write_text("what is this\n# Age: 50\n# Dx: 426783006\n")
    data = cinc_2021.DATASET.open(copy)
    assert data.catalog["A0001"].labels["age"] == 50.0
    with pytest.raises(DataCorruptError, match=r"A0001\.hea"):
        data["A0001"]
    assert data["A0002"]["ecg"].shape == (5000, 12)


def test_a_record_without_samples_provides_its_labels(copy):
    header(copy, "A0001").with_suffix(".mat").unlink()
    data = cinc_2021.DATASET.open(copy)
    entry = data.catalog["A0001"]
    assert "ecg" not in entry.provides
    assert {"age", "dx", "scored"} <= entry.provides
    assert len(entry.files) == 1
    with pytest.raises(DataMissingError, match=r"A0001\.mat"):
        data["A0001"]


def test_an_empty_folder_is_told_with_where_to_get_it(tmp_path):
    with pytest.raises(DataMissingError, match=r"NAME\.hea.*cardium fetch cinc_2021"):
        cinc_2021.index(tmp_path)


def test_one_name_in_two_folders_is_refused(copy):
    shutil.copy(header(copy, "A0001"), copy)
    with pytest.raises(DataCorruptError, match="Two recordings are called 'A0001'"):
        cinc_2021.index(copy)


def test_streams_have_the_record_s_own_rate(whole):
    data = cinc_2021.DATASET.open(whole)
    for name, rate, samples in (
        ("A0001", 500, 3500), ("S0001", 1000, 10000), ("I0001", 257, 7710)
    ):  # fmt: skip
        ecg = data[name]["ecg"]
        assert (ecg.dims, ecg.unit, ecg.shape) == (
            ("time", "lead"), "mV", (samples, 12)
        )  # fmt: skip
        assert ecg.coords["lead"] == LEADS
        assert ecg.time[[0, 1]] == pytest.approx([0, 1 / rate])
        assert ecg.between(1.0, 2.0).shape == (rate, 12)


def test_verification_finds_nothing_in_the_fake_and_what_is_broken(copy):
    assert verify(cinc_2021.DATASET.open(copy)) == []
    edit(header(copy, "A0002"), " 0 II\n", "1 0 II\n")  # another checksum
    findings = verify(cinc_2021.DATASET.open(copy))
    assert sorted(f.kind for f in findings) == ["wrong-checksum", "wrong-hash"]
    assert findings[0].where == "A0002"


def test_real_records(shared_data):
    data = cinc_2021.DATASET.open(shared_data / "cinc2021")
    catalog = data.catalog
    assert len(catalog) == 25
    assert Counter(e.labels["source"] for e in catalog) == {
        "georgia": 10, "ptb_xl": 5, "ningbo": 10
    }  # fmt: skip
    assert sum("NSR" in e.labels["scored"] for e in catalog) == 7
    first = catalog["JS20000"].labels
    assert first["scored"] == ("PAC|SVPB", "STach", "NSIVCB")
    assert first["unscored"] == ("55930002",)
    for entry in catalog:
        assert {"ecg", "age", "sex", "dx"} <= entry.provides
        ecg = data.load(entry)["ecg"]
        stem = shared_data / "cinc2021" / entry.id
        theirs = wfdb.rdsamp(str(stem))[0].astype(np.float32)
        np.testing.assert_array_equal(ecg.load(), theirs)
        assert ecg.coords["lead"] == LEADS


def test_real_limb_leads_obey_einthoven(shared_data):
    """Within rounding: Georgia's steps are 4.88 microvolts, the others' 1 to 5."""
    data = cinc_2021.DATASET.open(shared_data / "cinc2021")
    for name in ("E07500", "HR06000", "JS20000"):
        ecg = data[name]["ecg"]
        lead = dict(zip(ecg.coords["lead"], ecg.load().T, strict=True))
        apart = lead["III"] - (lead["II"] - lead["I"])
        assert np.abs(apart).max() < 0.011
