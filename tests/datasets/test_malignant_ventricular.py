"""Malignant ventricular ectopy: rhythms alone, both names of fibrillation as one."""

import numpy as np
import wfdb

from cardium.datasets import malignant_ventricular, verify
from cardium.signal.beat_classes import labels_of


def test_there_are_22_records():
    names = malignant_ventricular.PUBLISHED
    assert len(set(names)) == 22
    assert (names[0], names[12], names[13], names[-1]) == ("418", "430", "602", "615")


def test_rhythms_and_no_beats(tmp_path):
    malignant_ventricular.DATASET.write_fake(tmp_path)
    data = malignant_ventricular.DATASET.open(tmp_path)
    rhythms = {e.id: labels_of(data[e.id]["rhythm"]) for e in data.catalog}
    assert rhythms == {
        "418": ("N", "VT", "VFIB", "N"),
        "419": ("VT", "N", "NOISE", "N"),
        "605": ("VFIB", "N", "VT", "AFIB"),
        "615": ("N", "VFIB", "VT"),
    }
    written = wfdb.rdann(str(tmp_path / "418"), "atr").aux_note
    assert [note.strip("\0") for note in written] == ["(N", "(VT", "(VF", "(N"]
    assert list(data["418"].annotations) == ["rhythm"]
    assert data["418"]["ecg"].coords["lead"] == ("ECG1", "ECG2")
    assert verify(data) == []


def test_fibrillation_of_the_fake_is_where_its_rhythm_says(tmp_path):
    """A wave of 5.1 Hz, and nothing else, between 27 and 39 s of record 418."""
    malignant_ventricular.DATASET.write_fake(tmp_path)
    recording = malignant_ventricular.DATASET.open(tmp_path)["418"]
    np.testing.assert_allclose(
        recording["rhythm"].time, [0.048, 15.048, 27.048, 39.048], atol=1e-9
    )
    ecg = recording["ecg"].between(28, 38).load()[:, 0]
    power = np.abs(np.fft.rfft(ecg)) ** 2
    assert abs(np.fft.rfftfreq(len(ecg), 1 / 250)[power.argmax()] - 5.1) < 0.11
