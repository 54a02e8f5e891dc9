"""The image tasks on simulated examinations, whose contours and speeds are known."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import UNLABELLED, Entry, Recording
from cardium.phantom.exam import simulate
from cardium.tasks import open_task
from cardium.testing import check_task


@pytest.fixture(scope="module")
def recordings():
    exams = [simulate(patient) for patient in (0, 1)]
    return [
        Recording(
            Entry(f"r{k}", f"p{k}", "", frozenset({*e.streams, *e.annotations})),
            e.streams,
            e.annotations,
        )
        for k, e in enumerate(exams)
    ]


@pytest.mark.parametrize("domain", ["cartesian", "beamspace"])
@pytest.mark.parametrize("name", ["lv_segmentation", "tissue_velocity"])
def test_contract(recordings, name, domain):
    check_task(open_task(name, domain=domain), recordings)


@pytest.mark.parametrize(
    ("name", "metric", "least", "most"),
    [
        ("lv_segmentation", "dice", 0.96, 1.0),
        ("lv_segmentation", "distance_lv_cavity_mm", 0.0, 0.7),
        ("tissue_velocity", "velocity_error_cm_s", 0.0, 0.01),
    ],
)
def test_the_truth_on_beams_is_nearly_the_truth_on_the_plane(
    recordings, name, metric, least, most
):
    task = open_task(name, domain="beamspace")
    sample = task.inputs(recordings[0])
    value = task.target(recordings[0], sample.stream.geometry).values[task.output.name]
    if value.dtype == np.uint8:
        value = np.where(value == UNLABELLED, 0, value)
    answer = task.answer(sample, {task.output.name: np.nan_to_num(value)})
    scores = task.score(answer, task.target(recordings[0], None))
    assert least <= scores[metric] <= most
