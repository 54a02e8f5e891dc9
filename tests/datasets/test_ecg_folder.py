"""A folder of ECG files beyond the contract: no table, broken files, tables."""

import hashlib

import numpy as np
import pytest

from cardium.datasets import _ecg_folder_files as files
from cardium.datasets.ecg_folder import DATASET
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    NotProvidedError,
    SplitLeakError,
)

VALUES = np.linspace(-1, 1, 100).reshape(50, 2)
LEADS = ("I", "II")


def person(number: str) -> files.Person:
    """Make a woman of 50."""
    return files.Person(number, "F", 50)


@pytest.fixture
def root(tmp_path):
    """Two files of one patient, one of another, one broken, and what is no ECG."""
    files.write_muse(tmp_path / "b.xml", VALUES, VALUES, LEADS, person("1"), rate=50)
    files.write_edf(tmp_path / "deep/er/a.edf", VALUES, LEADS, person("1"), rate=50)
    files.write_scp(tmp_path / "c", VALUES, VALUES, (1, 2), person("2"), rate=50)
    (tmp_path / "d.edf").write_bytes(b"0       nothing more")
    (tmp_path / "notes.txt").write_text("The second day was hot.\n")
    (tmp_path / ".hidden.xml").write_text("<RestingECG/>")
    return tmp_path


def pseudonym(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()[:12]


def test_without_a_table_the_files_say_whose_they_are(root):
    data = DATASET.open(root)
    assert [entry.id for entry in data.catalog] == ["b", "c", "d", "deep-er-a"]
    assert [entry.patient for entry in data.catalog] == [
        pseudonym("1"),
        pseudonym("2"),
        "d",
        pseudonym("1"),
    ]
    assert data.catalog["b"].labels["age"] == 50
    assert "median" in data.catalog["c"].provides
    assert "median" not in data.catalog["deep-er-a"].provides
    assert data["deep-er-a"]["ecg"].shape == (50, 2)


def test_a_broken_file_is_listed_and_refused_when_it_is_opened(root):
    data = DATASET.open(root)
    assert data.catalog["d"].labels["format"] is None
    with pytest.raises((DataCorruptError, NotProvidedError), match=r"d\.edf"):
        data["d"]


def test_the_table_says_what_is_known(root):
    (root / "recordings.csv").write_text(
        "file,patient,split,age,sex,diagnosis,qtc,site\n"
        "c,p2,train,71,M,AFIB|LBBB,440,north\n"
        "b.xml,p1,test,,,NORM,,\n"
        "lost.edf,p3,test,,,,401,south\n"
    )
    data = DATASET.open(root)
    first, second, third = data.catalog
    assert (first.id, first.patient, first.split) == ("c", "p2", "train")
    assert (first.labels["age"], first.labels["sex"]) == (71, "male")
    assert first.labels["diagnosis"] == ("AFIB", "LBBB")
    assert second.labels["diagnosis"] == ("NORM",)
    assert (first.labels["qtc"], first.labels["site"]) == (440, "north")
    assert np.isnan(second.labels["qtc"])
    assert (second.labels["age"], second.labels["sex"]) != (50, "female")  # not opened
    assert second.provides == {"ecg", "diagnosis", "format"}
    assert data["b"]["median"].shape == (50, 2)
    with pytest.raises(DataMissingError, match=r"lost\.edf"):
        data[third.id]


def test_rate_and_unit_of_a_table_of_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("I\n100\n200\n")
    (tmp_path / "recordings.csv").write_text("file,patient,rate,unit\na.csv,p,200,uV\n")
    stream = DATASET.open(tmp_path)["a"]["ecg"]
    assert stream.rate == 200
    assert np.allclose(stream.load(), [[0.1], [0.2]])


def test_names_that_differ_only_in_the_extension(tmp_path):
    for name in ("a.edf", "a.scp"):
        files.write_edf(tmp_path / name, VALUES, LEADS, person("1"), rate=50)
    assert [entry.id for entry in DATASET.open(tmp_path).catalog] == ["a.edf", "a.scp"]


@pytest.mark.parametrize(
    ("table", "kind", "message"),
    [
        ("patient\np\n", DataCorruptError, "no column 'file'"),
        ("file,split\nb.xml,training\n", DataCorruptError, "split 'training'"),
        (
            "file,patient,split\nb.xml,p,train\nc,p,test\n",
            SplitLeakError,
            "Patient 'p'",
        ),
        ("file,patient\n../b.xml,p\n", DataCorruptError, "leads out of"),
        ("file,patient,age\nb.xml,p,old\n", DataCorruptError, "column 'age'"),
        ("file,patient\nb.xml,p\nb.xml,p\n", DataCorruptError, "twice"),
    ],
)
def test_tables_that_cannot_be(root, table, kind, message):
    (root / "recordings.csv").write_text(table)
    with pytest.raises(kind, match=message):
        DATASET.open(root).catalog  # noqa: B018


def test_one_patient_of_two_files_cannot_be_split(root):
    """The files tell what the table does not: both are of patient 1."""
    (root / "recordings.csv").write_text(
        "file,split\nb.xml,train\ndeep/er/a.edf,test\n"
    )
    with pytest.raises(SplitLeakError, match=pseudonym("1")):
        DATASET.open(root).catalog  # noqa: B018
