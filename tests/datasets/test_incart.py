"""INCART: twelve leads by their standard names, patients from the comments."""

import numpy as np
import pytest

from cardium.datasets import incart, verify
from cardium.signal.beat_classes import labels_of
from cardium.signal.leads import LEADS


@pytest.fixture
def root(tmp_path):
    incart.DATASET.write_fake(tmp_path)
    return tmp_path


def test_twelve_leads_by_name(root):
    recording = incart.DATASET.open(root)["I01"]
    ecg = recording["ecg"]
    assert ecg.coords["lead"] == LEADS
    assert (ecg.rate, ecg.unit) == (257.0, "mV")
    lead = dict(zip(LEADS, ecg.load().T, strict=True))
    np.testing.assert_allclose(lead["III"], lead["II"] - lead["I"], atol=0.006)
    np.testing.assert_allclose(lead["aVR"], -(lead["I"] + lead["II"]) / 2, atol=0.006)
    assert labels_of(recording["beats"])[:4] == ("N", "N", "V", "N")
    assert list(recording.annotations) == ["beats"]
    assert verify(incart.DATASET.open(root)) == []


def test_two_records_of_one_patient_stay_together(root):
    catalog = incart.index(root)
    patients = {e.id: e.patient for e in catalog}
    assert patients == {
        "I01": "patient01",
        "I02": "patient01",
        "I03": "patient02",
        "I75": "I75",
    }


@pytest.mark.parametrize(
    ("comments", "patient"),
    [
        (["patient 17"], "patient17"),
        (["<patient> 17 </patient>"], "patient17"),
        (["Patient: 3"], "patient03"),
        (["patient has PVCs 17"], ""),
        (["PVCs"], ""),
    ],
)
def test_patients_as_headers_may_write_them(comments, patient):
    assert incart._person(comments)[0] == patient


def test_labels_come_from_the_comments(root):
    labels = incart.index(root)["I01"].labels
    assert (labels["age"], labels["sex"]) == (65.0, "female")
    assert labels["diagnoses"] == (
        "Coronary artery disease",
        "arterial hypertension",
    )
    assert labels["notes"] == "PVCs, noise"
    assert incart.index(root)["I75"].provides == {"ecg", "beats"}
