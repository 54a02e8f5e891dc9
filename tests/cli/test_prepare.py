"""`cardium prepare` as typed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cardium.cli.prepare import open_source, prepare
from cardium.datasets import DATASETS, open_dataset
from cardium.datasets.echoxflow import write_phantom
from cardium.errors import (
    InvalidArgumentError,
    NotProvidedError,
    RunConflictError,
    UnknownNameError,
)
from cardium.fit.packs import open_pack, write_pack

OPTIONS = ("-O", "clip_length=4", "-O", "size=16", "-O", "min_rate_hz=20")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two patients of a phantom."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, exams=2, modes="4ch")
    return folder


@pytest.fixture
def run(root):
    """Run the command; return what it printed, or raise what it raised."""
    app = typer.Typer()
    app.command()(prepare)

    def typed(*words: object, task: str = "tissue_velocity", data: str = "echoxflow"):
        line = [task, "--data", data, "--root", root, *words]
        result = CliRunner().invoke(app, [*map(str, line)], env={"COLUMNS": "200"})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return typed


def test_a_pack_is_made_and_said(tmp_path, run) -> None:
    out = tmp_path / "pack"
    result = run("-o", out, *OPTIONS, "--json")
    said, pack = json.loads(result.stdout), open_pack(out)
    assert said["pack"] == str(out)
    assert (said["recordings"], said["clips"]) == (len(pack), pack.clips) == (2, 4)
    assert said["bytes"] == pack.nbytes
    assert said["skipped"] == []
    assert (said["task"], said["protocol"]) == ("tissue_velocity", "published")
    assert said["options"]["domain"] == "beamspace"
    assert said["options"]["size"] == 16
    assert said["dataset"]["name"] == "echoxflow"
    again = run("-o", out, *OPTIONS).stdout
    assert "recordings  2" in again
    assert "skipped     0" in again


def test_processes_make_the_same_pack(tmp_path, root, run) -> None:
    run("-o", tmp_path / "one", *OPTIONS)
    run("-o", tmp_path / "two", *OPTIONS, "--workers", 2)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    opened = partial(open_source, "tissue_velocity", "published", {}, "echoxflow", root)
    source = opened()
    with pytest.raises(InvalidArgumentError, match="Give reopen"):
        write_pack(
            tmp_path / "three", source, source.data.catalog.entries, workers=1
        )  # fmt: skip


def files_of(path: Path) -> dict[str, bytes]:
    found = [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in found}


def test_what_is_left_out_has_its_reason(tmp_path, run) -> None:
    with pytest.raises(NotProvidedError, match="20 to 21"):
        run("-o", tmp_path / "none", *OPTIONS, "-O", "max_rate_hz=21")
    result = run(
        "-o", tmp_path / "some", *OPTIONS, "--limit", 1, "--protocol", "corrected",
        "--domain", "cartesian",
    )  # fmt: skip
    assert "recordings  1" in result.stdout
    assert open_pack(tmp_path / "some").facts["options"]["domain"] == "cartesian"


def test_wrong_words_are_refused(tmp_path, run) -> None:
    out = tmp_path / "pack"
    with pytest.raises(UnknownNameError, match="tissue_velocity"):
        run("-o", out, task="tissue_velocities")
    with pytest.raises(UnknownNameError, match="echoxflow"):
        run("-o", out, data="echoflow")
    with pytest.raises(InvalidArgumentError, match="no option 'colour'"):
        run("-o", out, "-O", "colour=1")
    assert not out.exists()
    run("-o", out, *OPTIONS)
    with pytest.raises(RunConflictError, match=r"options\.size 16, and 32 is"):
        run("-o", out, *OPTIONS, "-O", "size=32")


def test_signals_of_a_task_are_packed_and_open_by_their_root(tmp_path, run) -> None:
    DATASETS.find("ptb_xl").write_fake(tmp_path / "ptb_xl")
    words = ("-o", tmp_path / "pack", "--root", tmp_path / "ptb_xl")
    said = json.loads(
        run(*words, "--json", task="ecg_superclass", data="ptb_xl").stdout
    )
    pack = open_dataset("ptb_xl", tmp_path / "pack")
    assert said["signals"] == "ecg_100hz"
    assert said["recordings"] == len(pack)
    assert said["skipped"] == []
    assert "ecg_100hz" in pack["00001"].streams
    assert "ecg" not in pack["00001"].streams
    again = run(*words, task="ecg_superclass", data="ptb_xl").stdout
    assert f"Next: cardium fit ecg_superclass --data ptb_xl --root {tmp_path}" in again


def test_signals_at_another_rate_and_wrong_options(tmp_path, run) -> None:
    DATASETS.find("ptb_xl").write_fake(tmp_path / "ptb_xl")
    words = ("-o", tmp_path / "pack", "--root", tmp_path / "ptb_xl")
    task = {"task": "ecg_superclass", "data": "ptb_xl"}
    with pytest.raises(InvalidArgumentError, match="has no option 'size'"):
        run(*words, "-O", "size=3", **task)
    for given in (
        ("--workers", 2),
        ("--protocol", "corrected"),
        ("--domain", "cartesian"),
    ):
        said = f"{given[0]} {given[1]}: 'ecg_superclass' is a task of signals"
        with pytest.raises(InvalidArgumentError, match=said):
            run(*words, *given, **task)
    with pytest.raises(NotProvidedError, match="needs dx"):
        run(*words, task="challenge_2021", data="ptb_xl")
    assert not (tmp_path / "pack").exists()
    run(*words, "-O", "rate=500", **task)
    pack = open_dataset("ptb_xl", tmp_path / "pack")
    assert "ecg" in pack["00001"].streams
    # what was not packed is not promised either
    assert "ecg_100hz" not in pack.catalog["00001"].provides
    assert {"ecg", "superclass"} <= pack.catalog["00001"].provides
