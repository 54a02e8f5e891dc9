"""`cardium live` as typed, over a board of BrainFlow that needs no hardware."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from cardium.cli import main
from cardium.core import Stream
from cardium.io.wfdb import open_signal
from cardium.live import write_playback

pytestmark = pytest.mark.skipif(
    find_spec("brainflow") is None, reason="brainflow is not installed"
)


@pytest.fixture
def typed(monkeypatch, capsys):
    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["cardium", "live", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def played(tmp_path):
    """A file of beats at 0.4 s and then every 0.6 s."""
    time = np.arange(0, 8, 1 / 250)
    trace = np.exp(-((((time - 0.1) % 0.6 - 0.3) / 0.012) ** 2))
    path = tmp_path / "p.csv"
    write_playback(path, Stream("ecg", trace, time, ("time",), "mV"))
    return path


def test_a_played_file_is_shown_and_recorded_twice(typed, played, tmp_path):
    words = ("--board", "playback", "--file", played, "--seconds", "4")
    status, out, err = typed(*words, "-o", tmp_path / "rec", "--json")
    assert (status, err) == (0, "")
    lines = [json.loads(line) for line in out.splitlines()]
    assert lines[-1]["ended"]
    assert lines[-1]["heart_rate"] == pytest.approx(100, rel=0.01)
    assert lines[-1]["missing"] == 0
    assert lines[-1]["records"] == ["live_0001"]
    peaks = [at for line in lines[:-1] for at in line["r_peaks"]]
    np.testing.assert_allclose(peaks, 0.4 + 0.6 * np.arange(len(peaks)), atol=0.005)
    status, out, _ = typed(*words[:-1], "1", "-o", tmp_path / "rec")
    assert status == 0
    assert "latency" in out
    assert "live_0002" in out
    signal = open_signal(tmp_path / "rec" / "live_0001.hea")
    assert signal.channels == ("ECG1",)
    assert signal.rate == 250
    assert (tmp_path / "rec" / "live_0001.qrs").exists()


def test_a_recording_of_a_dataset_is_played_by_its_lead(typed, shared_data):
    status, out, _ = typed(
        "--board", "playback", "--data", "mit_bih", "--root", shared_data / "mitdb",
        "--recording", "100", "--lead", "MLII", "--seconds", "4", "--json",
    )  # fmt: skip
    assert status == 0
    peaks = [
        at for line in out.splitlines() for at in json.loads(line).get("r_peaks", ())
    ]
    # the reference annotations of record 100
    reference = np.array([77, 370, 662, 946, 1231]) / 360
    assert len(peaks) >= 3
    np.testing.assert_allclose(peaks, reference[: len(peaks)], atol=0.02)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--board", "playback"), "needs a file"),
        (("--board", "playback", "--file", "no.csv"), "none at 'no.csv'"),
        (("--loop", "--seconds", "1"), "for a playback"),
        (("--master", "cyton", "--seconds", "1"), "for a playback"),
        (("--root", "x", "--seconds", "1"), "no use without --data"),
        (("--board", "cyton", "--lead", "V1"), "must be a number"),
        (("--rate", "500"), "has 250 Hz, --rate says 500"),
        (("--data", "mit_bih"), "--recording"),
        (("--board", "no_such"), "No board of BrainFlow"),
    ],
)
def test_what_makes_no_sense_is_refused(typed, words, said):
    status, _, err = typed(*words)
    assert status in (1, 2)
    assert said in err
