"""The tissue velocity task: fields linear in depth, times, folds and sectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Entry, Recording, Sector, Stream
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.tasks import open_task
from cardium.testing import check_task

WIDE = Sector(depth=(0.0, 0.12), angle=(-0.6, 0.6), shape=(61, 61))
NARROW = Sector(depth=(0.02, 0.10), angle=(-0.3, 0.3), shape=(41, 31))
LIMIT = 0.16


def recording(name="r0", patient="p0", *, doppler_times=None, scale=1.0, frames=6):
    """Tissue velocity is 1 cm/s a cm of depth plus 1 cm/s a Doppler frame."""
    time = np.arange(frames) / 30
    middle = (time[1:] + time[:-1]) / 2
    doppler = middle if doppler_times is None else np.asarray(doppler_times)
    depth = np.broadcast_to(NARROW.depths[:, None], NARROW.shape)
    velocity = scale * (depth + 0.01 * np.arange(len(doppler))[:, None, None])
    grey = np.zeros((frames, *WIDE.shape), np.uint8)
    dims = ("time", "range", "beam")
    return Recording(
        Entry(name, patient, "test", frozenset({"b_mode", "tissue_velocity"})),
        {
            "b_mode": Stream("b_mode", grey, time, dims, "grey", WIDE),
            "tissue_velocity": Stream(
                "tissue_velocity",
                velocity.astype(np.float32),
                doppler,
                dims,
                "m/s",
                NARROW,
                LIMIT,
            ),
        },
    )


@pytest.mark.parametrize("domain", ["cartesian", "beamspace"])
def test_contract(domain):
    check_task(
        open_task("tissue_velocity", domain=domain),
        [recording("r0", "p0"), recording("r1", "p1", scale=-1.0)],
    )


@pytest.mark.parametrize("geometry", [None, WIDE])
def test_target_is_the_measured_field(geometry):
    target = open_task("tissue_velocity").target(recording(), geometry)
    velocity = target.values["velocity"]
    assert velocity.shape == (5, *target.geometry.shape)
    assert target.velocity_limit == LIMIT
    np.testing.assert_allclose(target.time, (np.arange(5) + 0.5) / 30)
    x, z = target.geometry.points()
    depth, angle = np.hypot(x, z), np.arctan2(x, z)
    inside = (depth > 0.0201) & (depth < 0.0999) & (np.abs(angle) < 0.299)
    outside = (depth < 0.0199) | (depth > 0.1001) | (np.abs(angle) > 0.301)
    for frame in range(5):
        expected = depth[inside] + 0.01 * frame
        np.testing.assert_allclose(velocity[frame][inside], expected, atol=1e-5)
    assert np.isnan(velocity[:, outside]).all()


def test_doppler_frame_nearest_the_middle_within_half_the_interval():
    middle = (np.arange(5) + 0.5) / 30
    times = [middle[0] - 0.01, middle[0] + 0.002, middle[2] + 0.016, middle[4]]
    velocity = (
        open_task("tissue_velocity")
        .target(recording(doppler_times=times), None)
        .values["velocity"]
    )
    empty = np.isnan(velocity).all(axis=(1, 2))
    # The third Doppler frame is within half an interval of middle 2 alone.
    assert empty.tolist() == [False, True, False, True, False]
    first = np.nanmin(velocity, axis=(1, 2), where=~np.isnan(velocity), initial=9)
    np.testing.assert_allclose(
        first[[0, 2, 4]], 0.02 + np.array([0.01, 0.02, 0.03]), atol=6e-4
    )


def test_error_units_and_folding():
    task = open_task("tissue_velocity")
    truth = task.target(recording(), None)
    perfect = task.score(truth, truth)
    assert perfect == {name: 0 for name in task.metrics}
    off = replace(truth, values={"velocity": truth.values["velocity"] + 0.04})
    scores = task.score(off, truth)
    assert scores["velocity_error_cm_s"] == pytest.approx(4.0, rel=1e-5)
    assert scores["velocity_error_percent"] == pytest.approx(25.0, rel=1e-5)
    assert scores["velocity_bias_size_cm_s"] == pytest.approx(4.0, rel=1e-5)
    turned = replace(truth, values={"velocity": truth.values["velocity"] + 2 * LIMIT})
    assert task.score(turned, truth)["velocity_error_cm_s"] == pytest.approx(
        0, abs=1e-4
    )


def test_beamspace_prediction_is_scored_on_the_plane():
    task = open_task("tissue_velocity", domain="beamspace")
    one = recording()
    sample = task.inputs(one)
    assert sample.stream.geometry == WIDE
    assert sample.velocity_limit == LIMIT
    depth = np.broadcast_to(WIDE.depths[:, None], WIDE.shape)
    field = (depth + 0.01 * np.arange(5)[:, None, None]).astype(np.float32)
    answer = task.answer(sample, {"velocity": field})
    scores = task.score(answer, task.target(one, None))
    assert scores["velocity_error_cm_s"] < 0.01
    worse = task.answer(sample, {"velocity": np.roll(field, 1, axis=0)})
    assert task.score(worse, task.target(one, None))["velocity_error_cm_s"] > 0.9


def test_what_is_missing_is_said():
    task = open_task("tissue_velocity")
    still = recording(frames=2)
    one_frame = replace(still["b_mode"].samples(slice(0, 1)))
    with pytest.raises(NotProvidedError, match="1 B-mode frame"):
        task.inputs(replace(still, streams={**still.streams, "b_mode": one_frame}))
    unlimited = replace(still["tissue_velocity"], velocity_limit=None)
    with pytest.raises(NotProvidedError, match="folds"):
        task.inputs(
            replace(still, streams={**still.streams, "tissue_velocity": unlimited})
        )
    late = recording(doppler_times=np.arange(5) + 10.0)
    truth = task.target(late, None)
    with pytest.raises(NotProvidedError, match="No velocity was measured"):
        task.score(truth, truth)
    truth = task.target(recording(), None)
    short = replace(truth, values={"velocity": truth.values["velocity"][1:]})
    with pytest.raises(AnswerError, match="4 frames of velocity"):
        task.score(short, truth)
    with pytest.raises(InvalidArgumentError, match="domain"):
        open_task("tissue_velocity", domain="")
