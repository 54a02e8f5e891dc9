"""Names come from files and entry points; nothing is imported before it is used."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from cardium.core import Dataset, Info, Registry
from cardium.errors import InvalidArgumentError, UnknownNameError

INFO = Info("Toy", "A toy.", "1", "https://example.org", "CC0", "none", "Ask.")
TOY = Dataset(
    "toy",
    INFO,
    frozenset(),
    lambda root: None,
    lambda root, entry: None,
    lambda root: (),
)
NOT_ONE = "a text"


@pytest.fixture
def registry(monkeypatch) -> Registry[Dataset]:
    """Datasets as if a package had declared three more."""
    monkeypatch.setitem(sys.modules, "my_package", sys.modules[__name__])
    values = {
        "toy": "my_package:TOY",
        "broken": "my_package:NOT_ONE",
        "camus": "my_package:TOY",
    }
    points = [EntryPoint(k, v, "cardium.datasets") for k, v in values.items()]
    monkeypatch.setattr("cardium.core.registry.entry_points", lambda group: points)
    return Registry("dataset", "DATASET", Dataset)


def test_a_plugin_stands_beside_the_built_in_ones(registry) -> None:
    assert {"toy", "camus", "ptb_xl"} <= set(registry.names())
    assert registry.find("toy") is TOY


def test_a_plugin_does_not_replace_what_is_built_in(registry) -> None:
    assert registry.find("camus").info.title == "CAMUS"


def test_a_plugin_that_is_no_dataset_is_refused(registry) -> None:
    with pytest.raises(InvalidArgumentError, match=r"my_package:NOT_ONE.*found str"):
        registry.find("broken")


def test_unknown_names_suggest_the_nearest(registry) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ptb_xl'"):
        registry.find("ptbxl")
