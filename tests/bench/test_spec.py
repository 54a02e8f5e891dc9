"""The file of a benchmark: what it may say, and one clear error for what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cardium.bench import _paper as paper
from cardium.bench._paper import paper_columns
from cardium.bench.spec import list_specs, load_spec, training_of
from cardium.core import Training
from cardium.errors import (
    DataCorruptError,
    DataMissingError,
    InvalidArgumentError,
    UnknownNameError,
)
from cardium.protocols import open_protocol


def write(world: Any, more: str, *, old: str = "", new: str = "") -> Path:
    path: Path = world.spec
    path.write_text(path.read_text().replace(old, new) + more)
    return path


def test_defaults_are_those_of_the_papers(world: Any) -> None:
    spec = load_spec(world.spec)
    assert spec.name == "levels"
    assert spec.matrix.folds == "all"
    assert spec.matrix.seeds == [0]
    assert spec.machine.jobs == 1
    assert training_of(spec, "net") == (Training(epochs=3), "bf16-mixed")


def test_training_of_a_model_goes_over_the_common_one(world: Any) -> None:
    write(
        world,
        '[training]\nepochs = 5\nprecision = "32-true"\nlearning_rate = 1\n'
        "[models.wide]\nrecipe = 'net'\n[models.wide.training]\nepochs = 7\n",
        old='"picky"',
        new='"net", "wide"',
    )
    spec = load_spec(world.spec)
    common = Training(epochs=5, learning_rate=1.0)
    assert training_of(spec, "net") == (common, "32-true")
    assert training_of(spec, "wide")[0].epochs == 7


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[machin]\njobs = 1", "section 'machin'; did you mean 'machine'"),
        ("[machine]\njob = 1", r"key in \[machine\] 'job'; did you mean 'jobs'"),
        ("[training]\nepoch = 1", r"\[training\] 'epoch'; did you mean 'epochs'"),
        ('[training]\nprecision = "32"', "precision '32'.*32-true"),
        ("[protocol.level]\nsise = 4", "'level' 'sise'; did you mean 'size'"),
        ("[protocol.levels]\nsize = 4", "task with a protocol 'levels'"),
        ("[models.meen]\n", "model in the matrix 'meen'; did you mean 'mean'"),
        ("[models.mean]\nsetings = {}", r"\[models.mean\] 'setings'"),
        ("[models.mean.settings]\nskale = 2", "model 'mean' 'skale'"),
        ("[models.mean.training]\nrate = 2", r"\[models.mean.training\] 'rate'"),
        ("[models.mean]\nrecipe = 'men'", "clip_model 'men'; did you mean 'mean'"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(
    world: Any, more: str, said: str
) -> None:
    with pytest.raises(UnknownNameError, match=said):
        load_spec(write(world, more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[machine]\njobs = "two"', r"\[machine\].*int.*str.*jobs"),
        ("[machine]\ndevices = 0", "devices must be 1 at least, got 0"),
        ('[training]\nepochs = "many"', r"\[training\].*int.*epochs"),
        ('[training]\noptimizer = "sgd"', r"\[training\].*sgd"),
        ("machine = 3", "must be a section|machine"),
    ],
)
def test_a_wrong_value_is_told(world: Any, more: str, said: str) -> None:
    text = world.spec.read_text()
    is_top = not more.startswith("[")
    world.spec.write_text(more + "\n" + text if is_top else text + more)
    with pytest.raises(InvalidArgumentError, match=said):
        load_spec(world.spec)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"level"', '"levle"', "task with a protocol 'levle'; did you mean 'level'"),
        ('"cartesian"', '"cartesan"', "domain 'cartesan'"),
        ('dataset = "levels"', 'dataset = "level"', "dataset 'level'"),
        ('"picky"', '"piky"', "clip_model 'piky'"),
    ],
)
def test_the_matrix_names_what_exists(
    world: Any, old: str, new: str, said: str
) -> None:
    with pytest.raises(UnknownNameError, match=said):
        load_spec(write(world, "", old=old, new=new))


def test_a_file_must_be_there_and_be_toml(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match="no benchmark file"):
        load_spec(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="did you mean 'echoxflow'"):
        load_spec("echoxflo")
    bad = tmp_path / "bad.toml"
    bad.write_text("[benchmark")
    with pytest.raises(DataCorruptError, match="not TOML"):
        load_spec(bad)
    bad.write_text("[benchmark]\nname = 'a'")
    with pytest.raises(InvalidArgumentError, match=r"needs a section \[data\]"):
        load_spec(bad)
    bad.write_text(
        "[benchmark]\nname = 'a'\n[data]\ndataset = 'b'\nfraction = 2\n[matrix]"
    )
    with pytest.raises(InvalidArgumentError, match="fraction"):
        load_spec(bad)


@pytest.mark.parametrize("name", list_specs())
def test_packaged_benchmarks_name_what_exists(name: str) -> None:
    spec = load_spec(name)
    assert spec.name == name
    assert spec.benchmark.title
    assert spec.output.reference in spec.matrix.models
    for column in paper_columns("published"):
        protocol = open_protocol(column.task, "published")
        assert protocol.metrics[column.metric].unit == column.unit
    for column in paper_columns("corrected"):
        task = open_protocol(column.task, "corrected").task
        assert task.metrics[column.metric].unit == column.unit


def test_the_packaged_benchmark_is_the_papers() -> None:
    spec = load_spec("echoxflow")
    assert (spec.data.limit, spec.data.fraction) == (0, 1.0)
    assert (spec.matrix.folds, spec.matrix.seeds) == ("all", [0])
    assert spec.protocol == {}
    assert training_of(spec, "temporal_unet")[1] == "bf16-mixed"
    papers = paper._paper()["paper"]
    assert set(papers) <= {spec.recipe(model).name for model in spec.matrix.models}
