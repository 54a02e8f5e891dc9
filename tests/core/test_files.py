from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cardium.core.files import (
    locked_journal,
    plain,
    read_json,
    sha256,
    write_json,
    write_text,
    written_aside,
)
from cardium.errors import DataCorruptError, DataMissingError, RunConflictError


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    write_text(path, "old")

    def fail_halfway() -> None:
        with written_aside(path) as aside:
            assert aside.name.endswith(".nii.gz")
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii.gz"]


def test_json_round_trip_and_its_two_failures(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(
        path, {"x": np.float32(1.5), "y": {"b", "a"}, "z": Path("p"), "n": np.nan}
    )
    assert read_json(path) == {"x": 1.5, "y": ["a", "b"], "z": "p", "n": None}
    path.write_text("{")
    with pytest.raises(DataCorruptError, match=r"a\.json"):
        read_json(path)
    path.write_text("[]")
    with pytest.raises(DataCorruptError, match="list"):
        read_json(path)
    with pytest.raises(DataMissingError, match="does not exist"):
        read_json(tmp_path / "none.json")


def test_sha256_of_abc(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == want


def test_plain_keeps_what_json_has() -> None:
    assert plain({"a": [True, None, 2, "x"]}) == {"a": [True, None, 2, "x"]}


def test_a_journal_is_of_one_process_and_of_its_own_folder(tmp_path) -> None:
    with (
        locked_journal(tmp_path / "pack" / "unfinished"),
        pytest.raises(RunConflictError, match="Another process writes"),
        locked_journal(tmp_path / "pack" / "unfinished"),
    ):
        pass
    (tmp_path / "notes.txt").write_text("mine")
    with (
        pytest.raises(RunConflictError, match="holds files and is no pack"),
        locked_journal(tmp_path / "unfinished"),
    ):
        pass
