"""Cells: which there are, and what changes their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cardium.bench.cells import fingerprint
from cardium.bench.run import Opened, choose_cells, open_bench
from cardium.core import Entry
from cardium.errors import NotProvidedError, UnknownNameError


def opened(world: Any) -> Opened:
    return open_bench(world.spec, root=world.root, out=world.out)


def keys(world: Any) -> list[str]:
    return [cell.key for cell in opened(world).plan.cells]


def test_the_matrix_in_order_and_what_it_lacks(world: Any) -> None:
    plan = opened(world).plan
    names = [cell.name.rpartition("-")[0] for cell in plan.cells]
    assert names == [
        f"level.{model}.{domain}.fold{fold}.seed0"
        for model, domain in (
            ("zero", "beamspace"),
            ("zero", "cartesian"),
            ("mean", "beamspace"),
            ("mean", "cartesian"),
            ("picky", "beamspace"),
        )
        for fold in range(3)
    ]
    (left,) = plan.left_out
    assert (left.model, left.domain) == ("picky", "cartesian")
    assert left.reason == "Levels have no corrected protocol in cartesian."
    assert plan.metrics["level"]["published"]["primary"] == "loss"
    assert plan.metrics["level"]["corrected"]["metrics"]["error"]["unit"] == "m"


def test_the_same_inputs_have_the_same_names(world: Any) -> None:
    first = keys(world)
    assert len(set(first)) == len(first)
    text = world.spec.read_text()
    machine = "[machine]\njobs = 2\nworkers = 3\naccelerator = 'cpu'\n"
    world.spec.write_text(text.replace("draws = 50", "draws = 7") + machine)
    assert keys(world) == first
    # said or not, a default is the same
    world.spec.write_text(text + "[protocol.level]\nsize = 8\n")
    assert keys(world) == first


def add(more: str) -> Callable[[Any], None]:
    return lambda world: world.spec.write_text(world.spec.read_text() + more)


def change_label(world: Any) -> None:
    first = replace(world.entries[0], labels={"k": 17})
    world.entries = (first, *world.entries[1:])


def change_fold(world: Any) -> None:
    world.entries = tuple(
        replace(one, split="fold1") if one.patient == "p0c" else one
        for one in world.entries
    )


@pytest.mark.parametrize(
    "change",
    [
        add("[protocol.level]\nsize = 16\n"),
        lambda w: w.spec.write_text(
            w.spec.read_text().replace("[data]", "[data]\nlimit=2")
        ),
        change_label,
        change_fold,
    ],
    ids=["option", "limit", "label", "fold"],
)
def test_a_changed_input_changes_every_name(
    world: Any, change: Callable[[Any], None]
) -> None:
    first = keys(world)
    change(world)
    assert not set(keys(world)) & set(first)


def test_a_changed_model_changes_its_own_names(world: Any) -> None:
    before = {cell.name for cell in opened(world).plan.cells}
    add("[models.mean.settings]\nscale = 2\n")(world)
    changed = {cell.name for cell in opened(world).plan.cells} - before
    assert len(changed) == 6
    assert all(".mean." in name for name in changed)


def test_training_and_precision_are_of_networks_alone(world: Any) -> None:
    text = world.spec.read_text().replace('"picky"', '"net"')
    world.spec.write_text(text)
    before = opened(world).plan
    world.spec.write_text(text + "[training]\nepochs = 4\nprecision = '32-true'\n")
    after = opened(world).plan
    changed = [
        new.model
        for old, new in zip(before.cells, after.cells, strict=True)
        if old.key != new.key
    ]
    assert changed == ["net"] * 6
    assert before.reduced == ()
    assert after.reduced == ("net epochs 4 (3)", "net precision 32-true (bf16-mixed)")


def test_filters_and_keys_find_cells(world: Any) -> None:
    bench = opened(world)
    some = choose_cells(bench, {"model": ["mean"], "fold": [1], "task": []})
    assert [cell.domain for cell in some] == ["beamspace", "cartesian"]
    assert bench.plan.find(some[0].key) is bench.plan.find(some[0].name)
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        choose_cells(bench, {"model": ["maen"]})
    with pytest.raises(UnknownNameError, match="seed in the matrix '4'"):
        choose_cells(bench, {"seed": [4]})
    with pytest.raises(UnknownNameError, match="cell 'abc'"):
        bench.plan.find("abc")


def test_folds_must_be_there(world: Any) -> None:
    text = world.spec.read_text()
    world.spec.write_text(text.replace("[output]", "folds = [7]\n[output]"))
    with pytest.raises(UnknownNameError, match="fold '7'"):
        opened(world)
    world.spec.write_text(text)
    world.entries = tuple(replace(one, split="") for one in world.entries)
    with pytest.raises(NotProvidedError, match="0 folds"):
        opened(world)


def test_a_dataset_that_lacks_a_stream_leaves_the_task_out(world: Any) -> None:
    world.entries = tuple(
        replace(one, provides=frozenset({"ecg"})) for one in world.entries
    )
    plan = opened(world).plan
    assert plan.cells == ()
    assert "b_mode" in plan.left_out[0].reason


def test_the_fingerprint_follows_what_the_catalogue_says() -> None:
    one = Entry("r", "p", "fold0", frozenset({"b_mode"}), (), {"a": 1, "b": 2})
    again = replace(one, labels={"b": 2, "a": 1}, exam="e")
    assert fingerprint([one]) == fingerprint([again])
    for change in (
        {"id": "s"},
        {"patient": "q"},
        {"split": "fold1"},
        {"files": (Path("a"),)},
        {"labels": {"a": 1, "b": 3}},
    ):
        assert fingerprint([replace(one, **change)]) != fingerprint([one])
