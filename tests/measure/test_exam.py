"""Examinations: biplane volumes, means over views, the outflow tract."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np
import pytest

from cardium.core import Mark, Recording
from cardium.errors import InvalidArgumentError
from cardium.measure.echo import Measurements
from cardium.measure.exam import combine, measure_examination
from measure.conftest import as_contour, beating_heart, recording_of, spheroid_mesh

FILES = (PurePosixPath("a.zarr"),)


def view_of(beating, view: str, *, squeeze=1.0, stretch=1.0, **more) -> Recording:
    """One view of the heart, made narrower and longer."""
    points = beating.motion.contour(beating.time) * (squeeze, stretch)
    contour = as_contour(points, beating.time)
    parts = {"entry_id": f"a.{view.lower()}", "files": FILES, **more}
    return recording_of(view=view, annotations=[contour, beating.qrs()], **parts)


def test_biplane_multiplies_the_diameters_of_both_views(beating) -> None:
    """A ventricle that is a fifth narrower in one view has four fifths the volume."""
    row = measure_examination(
        [view_of(beating, "4CH"), view_of(beating, "2CH", squeeze=0.8)]
    )
    true = 0.8e6 * beating.heart.ventricle.cavity_volume
    assert row.values["volume_method"] == "biplane_discs"
    assert row.values["edv_ml"] == pytest.approx(true, rel=0.002)
    fraction = beating.heart.function.ejection_fraction
    assert row.values["ef_percent"] == pytest.approx(100 * fraction, abs=0.05)
    assert "foreshortened" not in row.flags
    assert (row.view, row.recording) == ("2CH 4CH", "2 recordings")
    assert "ed_time_s" not in row.values


def test_a_short_view_is_flagged(beating) -> None:
    four = view_of(beating, "4CH")
    short = view_of(beating, "2CH", stretch=0.85)
    row = measure_examination([four, short])
    assert "foreshortened" in row.flags
    longer = 1e6 * beating.heart.ventricle.cavity_volume
    assert row.values["edv_ml"] == pytest.approx(longer, rel=0.002)
    nearly = measure_examination([four, view_of(beating, "2CH", stretch=0.95)])
    assert "foreshortened" not in nearly.flags


def test_gls_is_the_mean_of_the_views() -> None:
    weak, strong = beating_heart(3), beating_heart(4)
    rows = [
        view_of(weak, "4CH"),
        view_of(strong, "2CH"),
        view_of(strong, "3CH"),
    ]
    singles = [measure_examination([r]).values["gls_percent"] for r in rows]
    together = measure_examination(rows).values
    assert together["gls_percent"] == pytest.approx(np.mean(singles))
    assert (
        len([c for c in together if "al_" in c and c.startswith("strain_")])
        + len(
            [
                c
                for c in together
                if c.endswith("or_percent") and c.startswith("strain_")
            ]
        )
        >= 18
    )


def test_a_mesh_goes_before_biplane(beating) -> None:
    time = np.linspace(0, 0.8, 20)
    scale = 1 - 0.2 * np.sin(np.pi * np.linspace(0, 1, 20))
    mesh = spheroid_mesh((0.025, 0.025, 0.045), time, scale)
    volume = recording_of(view="", entry_id="b", meshes=[mesh])
    row = measure_examination(
        [view_of(beating, "4CH"), view_of(beating, "2CH"), volume]
    )
    assert row.values["volume_method"] == "mesh"
    assert row.values["edv_ml"] == pytest.approx(117.8, rel=0.004)


def test_views_of_one_analysis_belong_together(beating) -> None:
    other = view_of(
        beating, "2CH", squeeze=0.5, entry_id="b.2ch", files=(PurePosixPath("b.zarr"),)
    )
    row = measure_examination([view_of(beating, "4CH"), other, view_of(beating, "2CH")])
    true = 1e6 * beating.heart.ventricle.cavity_volume
    assert row.values["edv_ml"] == pytest.approx(true, rel=0.002)
    assert "several_analyses" in row.flags


def flow(label: str, velocity: float, entry_id: str) -> Recording:
    points = np.array([(0.1, 0.0), (0.25, velocity), (0.4, 0.0)])
    mark = Mark(f"{label} trace", "pulsed_wave", ("time", "velocity"), points)
    return recording_of(view="", entry_id=entry_id, marks=(mark,))


def test_stroke_volume_of_the_outflow_tract() -> None:
    """A triangle of 1 m/s for 0.3 s through 2 cm: 15 cm, 47.1 mL."""
    line = np.array([(0.0, 0.05), (0.02, 0.05)])
    still = Mark("LVOT Diam", "b_mode", ("x", "z"), line)
    moving = Mark(
        "LVOT diameter", "b_mode", ("x", "z"),
        np.stack([line, line + 0.001, line * np.nan]), np.arange(3.0),
    )  # fmt: skip
    wall = recording_of(view="", entry_id="w", marks=(still, moving))
    row = measure_examination([wall, flow("LVOT", -1.0, "f"), flow("AV", -1.5, "g")])
    assert row.values["lvot_diameter_mm"] == pytest.approx(20)
    assert row.values["sv_doppler_ml"] == pytest.approx(np.pi / 4 * 4 * 15)
    # two flows: no mean of both
    assert "vti_cm" not in row.values
    assert row.values["flow"] == "AV LVOT"
    alone = measure_examination([flow("AV", -1.5, "g"), flow("AV", -2.5, "h")])
    assert alone.values["peak_velocity_cm_s"] == pytest.approx(200)
    without = measure_examination([wall])
    assert any("traced" in reason for reason in without.reasons)


def test_one_examination_at_a_time(beating) -> None:
    with pytest.raises(InvalidArgumentError, match="2 examinations"):
        measure_examination(
            [view_of(beating, "4CH"), view_of(beating, "2CH", exam="other")]
        )
    with pytest.raises(InvalidArgumentError, match="0 examinations"):
        measure_examination([])


def test_what_could_not_be_opened_stays_a_reason(beating) -> None:
    lost = Measurements("x", "p1", "e1", reasons=("DataMissingError: gone",))
    four = view_of(beating, "4CH")
    row = combine([four], [lost, measure_examination([four])])
    assert row.reasons[0] == "x: DataMissingError: gone"
    assert "ef_percent" in row.values
