"""Atrial fibrillation: rhythm held on, corrected beats preferred, two lack signals."""

import numpy as np
import pytest
import wfdb

from cardium.datasets import af_db, verify
from cardium.errors import DataCorruptError, DataMissingError, NotProvidedError
from cardium.signal.beat_classes import labels_of


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("af_db")
    af_db.DATASET.write_fake(root)
    return af_db.DATASET.open(root)


def test_there_are_25_records_23_with_signals():
    assert len(set(af_db.PUBLISHED)) == 25
    assert set(af_db.WITHOUT_SIGNALS) == {"00735", "03665"}


def test_a_record_without_signals_has_its_annotations(data):
    recording = data["00735"]
    assert recording.entry.provides == {"rhythm", "qrs"}
    assert not recording.streams
    assert labels_of(recording["rhythm"]) == ("N", "AFIB")
    with pytest.raises(NotProvidedError, match="no 'ecg'"):
        recording["ecg"]


def test_a_list_of_the_23_still_gives_the_other_two(tmp_path):
    af_db.DATASET.write_fake(tmp_path)
    (tmp_path / "RECORDS").write_text("04015\n04043\n04048\n")
    assert [e.id for e in af_db.index(tmp_path)] == ["00735", "04015", "04043"]
    assert af_db.absent(tmp_path) == ("04048",)


def test_rhythm_is_carried_forward_from_the_start(data):
    """The rhythm of a part is that of the last mark before it."""
    rhythm = data["04043"]["rhythm"]
    assert labels_of(rhythm) == ("AFIB", "N", "AFIB")
    np.testing.assert_allclose(rhythm.time, np.array([12, 5512, 11012]) / 250)
    assert not len(rhythm.between(25.0, 40.0).time)
    at = np.searchsorted(rhythm.time, 30.0, side="right") - 1
    assert labels_of(rhythm)[at] == "N"


def test_all_four_rhythms_are_there(data):
    found = {name for e in data.catalog for name in labels_of(data[e.id]["rhythm"])}
    assert found == {"AFIB", "AFL", "J", "N"}


def test_corrected_beats_are_preferred(data):
    """Those that are not corrected come three samples late in the fake."""
    corrected = wfdb.rdann(str(data.root / "04015"), "qrsc").sample
    rough = wfdb.rdann(str(data.root / "04015"), "qrs").sample
    assert set(rough - corrected) == {3}
    qrs = data["04015"]["qrs"]
    np.testing.assert_allclose(qrs.time, corrected / 250)
    assert (qrs.unit, qrs.dims) == ("s", ("time",))
    np.testing.assert_array_equal(qrs.values, qrs.time)
    only = data["04936"]
    rough = wfdb.rdann(str(data.root / "04936"), "qrs").sample
    np.testing.assert_allclose(only["qrs"].time, rough / 250)


def test_beats_of_the_fake_are_irregular_only_in_fibrillation(data):
    recording = data["04015"]
    start = recording["rhythm"].time[1]
    times = recording["qrs"].time
    sinus, fibrillation = np.diff(times[times < 22]), np.diff(times[times > start])
    assert sinus.std() < 0.01 < 0.1 < fibrillation.std()


def test_without_samples_the_annotations_stay(tmp_path):
    af_db.DATASET.write_fake(tmp_path)
    (tmp_path / "04015.dat").unlink()
    assert af_db.index(tmp_path)["04015"].provides == {"rhythm", "qrs"}
    (tmp_path / "04043.atr").unlink()
    assert "04043" not in {e.id for e in af_db.index(tmp_path)}
    assert af_db.absent(tmp_path) == ("04043",)


def test_verify(data):
    assert verify(data) == []


def test_an_empty_folder_and_a_broken_file_are_told(tmp_path):
    with pytest.raises(DataMissingError, match="cardium fetch af_db"):
        af_db.index(tmp_path)
    af_db.DATASET.write_fake(tmp_path)
    path = tmp_path / "04015.qrsc"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(DataCorruptError, match=r"04015\.qrsc.*end mark"):
        af_db.DATASET.open(tmp_path)["04015"]
