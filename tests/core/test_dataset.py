from __future__ import annotations

from pathlib import Path

import pytest

from cardium.core import Catalog, Dataset, Entry, Info, Recording, find_root
from cardium.errors import DataMissingError

INFO = Info("Toy", "A toy.", "1", "https://example.org", "CC0", "none", "Ask for it.")
ROW = Entry("r", "p", "train", frozenset())
TOY = Dataset(
    "toy",
    INFO,
    frozenset(),
    lambda root: Catalog((ROW,)),
    lambda root, e: Recording(e, {}),
    lambda root: (),
)


def test_root_is_argument_then_variable_then_data_folder(tmp_path, monkeypatch) -> None:
    (tmp_path / "toy").mkdir()
    monkeypatch.setenv("CARDIUM_DATA", str(tmp_path))
    assert find_root(TOY) == tmp_path / "toy"
    assert find_root(TOY, tmp_path) == tmp_path
    monkeypatch.delenv("CARDIUM_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DataMissingError, match="the default data folder"):
        find_root(TOY)


def test_a_missing_root_says_how_to_get_the_data(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"nowhere.*Ask for it\..*--root"):
        TOY.open(tmp_path / "nowhere")


def test_an_open_dataset_is_a_sequence_of_recordings(tmp_path: Path) -> None:
    data = TOY.open(tmp_path)
    assert len(data) == 1
    assert data["r"].entry is ROW
    assert [r.entry.id for r in data] == ["r"]
    assert "Toy" in repr(data)
