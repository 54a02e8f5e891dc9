"""The image tasks on simulated examinations, whose contours and speeds are known."""

from __future__ import annotations

import numpy as np
import pytest

from cardium.core import UNLABELLED, Entry, Recording, Stream
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.imaging import beam_velocity
from cardium.phantom.patient import Patient
from cardium.signal.doppler import fold
from cardium.tasks import open_task
from cardium.testing import check_task


@pytest.fixture(scope="module")
def recordings():
    exams = [simulate(Patient(number=number)) for number in (0, 1)]
    return [
        Recording(
            Entry(f"r{k}", f"p{k}", "", frozenset({*e.streams, *e.annotations})),
            {**e.streams, "tissue_velocity": without_noise(e)},
            e.annotations,
        )
        for k, e in enumerate(exams)
    ]


def without_noise(exam: Examination) -> Stream:
    """The velocity that tissue Doppler estimates, by its formula: smooth everywhere."""
    measured = exam.streams["tissue_velocity"]
    sector, limit = measured.geometry, measured.velocity_limit
    exact = beam_velocity(
        exam.motion, measured.time, sector=sector, placement=exam.placement
    )
    return measured.with_values(fold(exact, limit))


@pytest.mark.parametrize("domain", ["cartesian", "beamspace"])
@pytest.mark.parametrize("name", ["lv_segmentation", "tissue_velocity"])
def test_contract(recordings, name, domain):
    check_task(open_task(name, domain=domain), recordings)


@pytest.mark.parametrize(
    ("name", "metric", "least", "most"),
    [
        ("lv_segmentation", "dice", 0.96, 1.0),
        ("lv_segmentation", "distance_lv_cavity_mm", 0.0, 0.7),
        ("tissue_velocity", "velocity_error_cm_s", 0.0, 0.012),
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
