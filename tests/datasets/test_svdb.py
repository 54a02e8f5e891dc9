"""MIT-BIH Supraventricular: leads of one name, beats alone, and the real record."""

from collections import Counter

import numpy as np
import pytest
import wfdb

from cardium.datasets import svdb, verify
from cardium.signal.beat_classes import aami_class, labels_of


def test_there_are_78_records():
    assert len(set(svdb.PUBLISHED)) == 78
    assert svdb.PUBLISHED[12:14] == ("812", "820")
    assert svdb.PUBLISHED[22:24] == ("829", "840")


def test_leads_of_one_name_are_told_apart_and_no_rhythm_is_promised(tmp_path):
    svdb.DATASET.write_fake(tmp_path)
    data = svdb.DATASET.open(tmp_path)
    recording = data["800"]
    assert recording["ecg"].coords["lead"] == ("ECG1", "ECG2")
    assert recording["ecg"].rate == 128
    assert list(recording.annotations) == ["beats"]
    assert {e.split for e in data.catalog} == {""}
    assert verify(data) == []
    values = recording["ecg"].load()
    place = round(recording["beats"].time[0] * 128)
    assert values[place].tolist() == pytest.approx([1.0, -0.45], abs=0.03)


def test_the_real_record(shared_data):
    data = svdb.DATASET.open(shared_data / "svdb")
    recording = data["800"]
    found = Counter(map(aami_class, labels_of(recording["beats"])))
    assert found == {"N": 1846, "S": 30, "V": 6, "F": 1}
    ecg = recording["ecg"]
    assert (ecg.shape, ecg.rate) == ((230400, 2), 128.0)
    assert ecg.coords["lead"] == ("ECG1", "ECG2")
    theirs = wfdb.rdrecord(str(shared_data / "svdb" / "800"))
    np.testing.assert_array_equal(ecg.load(), theirs.p_signal.astype(np.float32))
    np.testing.assert_allclose(ecg.samples(slice(0, 1)).load(), [[-0.505, 0.615]])
    assert len(svdb.absent(shared_data / "svdb")) == 77
    assert recording.entry.patient == "800"
