"""What the README shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cardium
from cardium.cli import app

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")


def test_the_example_runs(tmp_path, monkeypatch, capsys) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "('time', 'z', 'x')" in out
    assert "Estimate(value=0." in out


@pytest.mark.parametrize("word", re.findall(r"^cardium ([\w|]+)", TEXT, flags=re.M))
def test_every_command_it_names_exists(word: str) -> None:
    there = {c.name or c.callback.__name__ for c in app.registered_commands}
    there |= {group.name for group in app.registered_groups}
    assert set(word.split("|")) <= there


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (README.parent / target).exists(), target


def test_the_version_is_written_once() -> None:
    from importlib.metadata import version

    changes = (README.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {version('cardium')}" in changes
    assert cardium.__doc__
