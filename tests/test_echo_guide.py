"""The echo guide runs as it stands, and what it measures is true."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from typer.testing import CliRunner

from cardium.cli import app
from cardium.phantom.build import build_heart
from cardium.phantom.population import sample_population
from cardium.phantom.views import APICAL_ROTATION

GUIDE = Path(__file__).parents[1] / "docs" / "echo.rst"
TEXT = GUIDE.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The code blocks of the guide, without their indent."""
    found = re.findall(
        rf"^\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", TEXT, flags=re.M
    )
    return [re.sub(r"^   ", "", block, flags=re.M) for block in found]


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The phantom examinations that the guide begins with."""
    folder = tmp_path_factory.mktemp("guide") / "echo"
    first = blocks("sh")[0].splitlines()[0]
    run(first.replace("/tmp/echo", str(folder)))
    return folder


def run(line: str) -> str:
    words = shlex.split(line, comments=True)[1:]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, f"{line}\n{result.output}"
    return result.output


def test_the_commands_run(root, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh")[1:] for line in block.splitlines() if line]
    assert len(lines) > 10
    for line in lines:
        run(line.replace("$ROOT", f"--root {root}"))
    made = {path.suffix for path in tmp_path.iterdir()}
    assert made >= {
        ".csv",
        ".png",
        ".mp4",
        ".gif",
        ".gz",
        ".vts",
        ".pvd",
        ".dcm",
        ".h5",
    }


def test_the_python_runs(root, tmp_path) -> None:
    names: dict[str, object] = {}
    for block in blocks("python"):
        text = block.replace("/tmp/echo", str(root))
        text = text.replace("/tmp/mine", str(tmp_path / "mine"))
        exec(compile(text, GUIDE.name, "exec"), names)
    assert len(names["fast"]) == 6
    assert len(names["derived"]) == 10
    assert (tmp_path / "mine" / "croissant.json").is_file()


def test_what_is_measured_is_true(root, tmp_path) -> None:
    run(f"cardium measure echoxflow --root {root} -o {tmp_path / 'table.csv'}")
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = {row["recording"]: row for row in csv.DictReader(file)}
    truths = parquet.read_table(root / "truth.parquet").to_pylist()
    for truth, patient in zip(truths, sample_population(2), strict=True):
        ventricle = build_heart(patient).ventricle
        for recording in ("strain.4ch", "strain.2ch", "mesh"):
            row = rows[f"{truth['exam_id']}_{recording}"]
            # One plane takes its diameters for those of all: the section is elliptic.
            turned = APICAL_ROTATION.get(recording.removeprefix("strain."))
            wide = 1 if turned is None else ventricle.round_to_plane(turned) ** 2
            assert near(row["edv_ml"], wide * truth["edv_ml"], rel=0.01)
            assert near(row["esv_ml"], wide * truth["esv_ml"], rel=0.01)
            assert near(row["ef_percent"], truth["ef_percent"], abs=0.3)
        row = rows[f"{truth['exam_id']}_strain.4ch"]
        # The truth is that of end-systole, which lies between two frames.
        assert near(row["gls_percent"], truth["strain_midwall_4ch_percent"], abs=0.2)
        assert float(row["gls_percent"]) < 0
        for recording, column, true in (
            ("pw_mitral", "e_cm_s", "mitral_e_cm_s"),
            ("pw_lvot", "peak_velocity_cm_s", "lvot_peak_cm_s"),
            ("pw_lvot", "vti_cm", "lvot_vti_cm"),
            ("cw_lvot", "vti_cm", "cw_lvot_vti_cm"),
            ("pw_annulus", "s_prime_cm_s", "annulus_s_prime_cm_s"),
        ):
            found = rows[f"{truth['exam_id']}_{recording}"][column]
            assert near(found, truth[true], rel=0.08), (recording, column)


def near(found: str, true: float, **how: float) -> bool:
    """Compare sizes; spectra state velocities without their sign."""
    return abs(float(found)) == pytest.approx(abs(float(true)), **how)
