"""`cardium export` as typed."""

from __future__ import annotations

import sys

import nibabel
import numpy as np
import pytest

from cardium.cli import main
from cardium.datasets import DATASETS
from cardium.io.hdf5 import read_hdf5


@pytest.fixture(scope="session")
def fake(tmp_path_factory):
    """A fake of CAMUS: its root, and a recording that it holds."""
    root = tmp_path_factory.mktemp("camus")
    answers = DATASETS.find("camus").write_fake(root)
    return root, answers[0].recording


@pytest.fixture
def export(monkeypatch, capsys, fake):
    """Run the command; return its exit status, its output and its errors."""

    def run(form: str, *words: object) -> tuple[int, str, str]:
        root, recording = fake
        line = ["cardium", "export", form, "camus", recording.entry.id]
        more = [*words, "--root", root]
        monkeypatch.setattr(sys, "argv", [*line, *map(str, more)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return run


def test_a_stream_to_nifti(tmp_path, export, fake):
    path = tmp_path / "a.nii.gz"
    status, out, _ = export("nifti", "-o", path, "--stream", "b_mode")
    assert (status, out.strip()) == (0, str(path))
    stored = np.asarray(nibabel.load(path).dataobj)
    assert np.array_equal(stored[:, :, 0].T, fake[1]["b_mode"].load())


def test_a_recording_to_hdf5(tmp_path, export, fake):
    status, _, _ = export("hdf5", "-o", tmp_path / "a.h5")
    assert status == 0
    back = read_hdf5(tmp_path / "a.h5")
    assert back.entry == fake[1].entry
    assert set(back.streams) == set(fake[1].streams)


def test_a_frame_to_vtk(tmp_path, export):
    path = tmp_path / "a.vti"
    words = ("-o", path, "--stream", "b_mode", "--frame", 0)
    assert export("vtk", *words)[0] == 0
    assert path.read_bytes().startswith(b"<?xml")
    status, _, err = export("vtk", *words, "--geometry", "beamspace")
    assert status == 2
    assert "regular grids" in err


def test_wrong_words_are_told_apart_from_failures(tmp_path, export):
    status, _, err = export("nifty", "-o", tmp_path / "a.nii")
    assert status == 2
    assert "did you mean 'nifti'" in err
    status, _, err = export("nifti", "-o", tmp_path / "a.dcm")
    assert status == 2
    assert ".nii.gz" in err
    status, _, err = export("nifti", "-o", tmp_path / "a.nii", "--stream", "ecg")
    assert status == 1
    assert "no 'ecg'" in err
