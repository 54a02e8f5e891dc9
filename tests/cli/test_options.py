"""What `--where` keeps."""

from __future__ import annotations

import pytest

from cardium.cli.options import check_device, select
from cardium.core import Catalog, Entry
from cardium.errors import InvalidArgumentError, NotProvidedError, UnknownNameError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    labels = (
        {"view": "4CH", "rate_hz": 30.0, "modes": ("2d", "aps")},
        {"view": "2CH", "rate_hz": 60.0, "modes": ("2d",)},
        {"rate_hz": 25, "stitched_beats": 4},
    )
    return Catalog(
        tuple(
            Entry(f"r{i}", f"p{i}", "", frozenset(), labels=row)
            for i, row in enumerate(labels)
        )
    )


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        (None, ["r0", "r1", "r2"]),
        (["view=4ch"], ["r0"]),
        (["modes=2d"], ["r0", "r1"]),
        (["modes=aps"], ["r0"]),
        (["rate_hz>=30"], ["r0", "r1"]),
        (["rate_hz<=30"], ["r0", "r2"]),
        (["rate_hz >= 26", "rate_hz<=59.5"], ["r0"]),
        (["stitched_beats=4"], ["r2"]),
        (["modes=2d", "view=2CH"], ["r1"]),
    ],
)
def test_conditions_keep_what_fits(catalog, where, kept) -> None:
    assert [entry.id for entry in select(catalog, where)] == kept


def test_the_first_few_are_taken_of_what_fits(catalog) -> None:
    assert [entry.id for entry in select(catalog, ["rate_hz<=30"], 1)] == ["r0"]


@pytest.mark.parametrize(
    ("where", "error", "said"),
    [
        (["view"], InvalidArgumentError, "LABEL=VALUE"),
        (["rate_hz>=fast"], InvalidArgumentError, "no number"),
        (["view=PLAX"], NotProvidedError, "view: 2CH, 4CH"),
        (["view>=3"], NotProvidedError, "view: 2CH, 4CH"),
        (["vieuw=4CH"], UnknownNameError, "did you mean 'view'"),
    ],
)
def test_what_keeps_nothing_teaches(catalog, where, error, said) -> None:
    with pytest.raises(error, match=said):
        select(catalog, where)


def test_a_long_list_of_values_is_cut() -> None:
    many = Catalog(
        tuple(
            Entry(f"r{i}", f"p{i}", "", frozenset(), labels={"age": i})
            for i in range(40)
        )
    )
    with pytest.raises(NotProvidedError, match=r"… \(40 in all\)"):
        select(many, ["age=99"])


@pytest.mark.parametrize(
    ("name", "option", "error", "said"),
    [
        ("gpu", "--device", InvalidArgumentError, "auto, cpu, cuda, got 'gpu'"),
        ("foo", "--accelerator", InvalidArgumentError, "auto, cpu, gpu, got 'foo'"),
        ("cuda:0", "--device", NotProvidedError, "no such device here"),
        ("gpu", "--accelerator", NotProvidedError, "no such device here"),
    ],
)
def test_a_device_that_is_not_here_is_refused(
    monkeypatch, name, option, error, said
) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(
        torch.accelerator, "current_accelerator", lambda check_available: None
    )
    check_device("auto", option=option)
    check_device("cpu", option=option)
    with pytest.raises(error, match=said):
        check_device(name, option=option)
