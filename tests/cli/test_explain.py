"""`cardium explain` as typed."""

from __future__ import annotations

import json

import pytest

from cardium.datasets import DATASETS
from cardium.errors import InvalidArgumentError, UnknownNameError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network that was fitted to a fake for a moment, and where the fake lies."""
    from cardium.cli.steps import Plan
    from cardium.fit import fit
    from cardium.models import MODELS

    folder = tmp_path_factory.mktemp("explained")
    DATASETS.find("ptb_xl").write_fake(folder / "ptb_xl")
    plan = Plan.open("ecg_superclass", "ptb_xl", root=folder / "ptb_xl")
    settings = {"width": 4, "blocks": 2}
    made = fit(
        plan.task, plan.data, MODELS.find("resnet_1d"), folder / "run",
        split=plan.split, settings=settings, steps=2, batch_size=2, accelerator="cpu",
    )  # fmt: skip
    return made, folder / "ptb_xl"


@pytest.fixture
def explain(run):
    """Run the command; return what it printed, or raise what it raised."""
    import typer
    from typer.testing import CliRunner

    from cardium.cli.explain import explain as command

    app = typer.Typer()
    app.command()(command)

    def typed(*words: object):
        line = [run[0], "00001", "--root", run[1], "--device", "cpu", *words]
        result = CliRunner().invoke(app, [*map(str, line)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.stdout

    return typed


@pytest.mark.parametrize("method", ["integrated_gradients", "grad_cam"])
def test_the_answer_is_drawn(explain, tmp_path, method) -> None:
    picture = tmp_path / "a.png"
    said = json.loads(explain("-o", picture, "--method", method, "--json"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert said["picture"] == str(picture)
    assert said["class"] in ("CD", "HYP", "MI", "NORM", "STTC")
    other = json.loads(explain("-o", picture, "--class", "HYP", "--json"))
    assert other["class"] == "HYP"
    assert other["answer"] <= said["answer"]


def test_wrong_words_are_refused(explain, tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="No class 'AF'"):
        explain("-o", tmp_path / "a.png", "--class", "AF")
    with pytest.raises(InvalidArgumentError, match="--event 3 names none"):
        explain("-o", tmp_path / "a.png", "--event", 3)
    with pytest.raises(InvalidArgumentError, match="got 'tpu'"):
        explain("-o", tmp_path / "a.png", "--device", "tpu")
    with pytest.raises(InvalidArgumentError, match=r"\.gif"):
        explain("-o", tmp_path / "a.gif")
