"""The blood flow task: fields linear in depth, times, folds, noise and sectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import Entry, Recording, Sector, Stream
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.geometry import inside
from cardium.signal.doppler import turbulence
from cardium.tasks import open_task
from cardium.testing import check_task

WIDE = Sector(depth=(0.0, 0.12), angle=(-0.6, 0.6), shape=(61, 41))
BOX = Sector(depth=(0.02, 0.10), angle=(-0.3, 0.4), shape=(41, 29))
POWER_BOX = Sector(depth=(0.03, 0.11), angle=(-0.4, 0.3), shape=(33, 21))
LIMIT, RATE = 0.6, 10.0
DIMS = ("time", "range", "beam")
NAMES = ("b_mode", "colour_velocity", "colour_power")


def speed(depth, angle, frame):
    """4 cm/s a cm of depth, 2 cm/s a tenth of a radian, 1 cm/s a Doppler frame."""
    return 4 * depth + 0.2 * angle + 0.01 * frame


def strength(depth, angle, frame):
    """Noise on the left, blood on the right."""
    return 0.4 + 0.5 * angle + 0 * (depth + frame)


def film(name, function, box, stamps, unit, limit=None):
    number = np.arange(len(stamps))[:, None, None]
    values = function(box.depths[:, None], box.angles, number)
    values = np.broadcast_to(values, (len(stamps), *box.shape)).astype(np.float32)
    return Stream(name, values, stamps, DIMS, unit, box, velocity_limit=limit)


def recording(
    name="r0",
    patient="p0",
    *,
    stamps=None,
    velocity=speed,
    power=strength,
    limit=LIMIT,
    power_box=BOX,
    frames=5,
):
    time = np.arange(frames) / RATE
    if stamps is None:
        stamps = (np.arange(2 * (frames - 1)) + 0.5) / (2 * RATE)
    stamps = np.asarray(stamps, np.float64)
    grey = np.zeros((frames, *WIDE.shape), np.uint8)
    streams = (
        Stream("b_mode", grey, time, DIMS, "grey", WIDE),
        film("colour_velocity", velocity, BOX, stamps, "m/s", limit),
        film("colour_power", power, power_box, stamps, ""),
    )
    entry = Entry(name, patient, "test", frozenset(NAMES))
    return Recording(entry, {one.name: one for one in streams})


def turned(truth, **channels):
    """Add something to channels of a truth."""
    flow = truth.values["flow"].copy()
    for name, more in channels.items():
        flow[:, ("velocity", "power", "turbulence").index(name)] += np.float32(more)
    return replace(truth, values={"flow": flow})


@pytest.mark.parametrize("domain", ["cartesian", "beamspace"])
def test_contract(domain):
    other = recording("r1", "p1", velocity=lambda *at: -speed(*at))
    check_task(open_task("blood_flow", domain=domain), [recording(), other])


@pytest.mark.parametrize("geometry", [None, WIDE])
@pytest.mark.parametrize("power_box", [BOX, POWER_BOX])
def test_target_is_the_measured_field(geometry, power_box):
    task, one = open_task("blood_flow"), recording(power_box=power_box)
    target = task.target(one, geometry)
    flow, place = target.values["flow"], target.geometry
    assert flow.shape == (8, 3, *place.shape)
    assert target.velocity_limit == LIMIT
    np.testing.assert_allclose(target.time, (np.arange(8) + 0.5) / (2 * RATE))
    x, z = place.points()
    at = np.hypot(x, z), np.arctan2(x, z), np.arange(8)[:, None, None]
    both = inside(BOX, place) & inside(power_box, place)
    assert both.sum() > 100
    np.testing.assert_allclose(flow[:, 0, both], speed(*at)[:, both], atol=1e-4)
    np.testing.assert_allclose(flow[:, 1, both], strength(*at)[:, both], atol=1e-5)
    assert np.isnan(flow[:, :, ~both]).all()
    # Of a plane that is sampled every 2 mm and 25 mrad: sqrt(2/3) of each step.
    step = np.hypot(4 * BOX.range_spacing, 0.2 * BOX.beam_spacing) * np.sqrt(2 / 3)
    middle = both & (np.abs(at[0] - 0.06) < 0.02) & (np.abs(at[1]) < 0.2)
    np.testing.assert_allclose(flow[:, 2, middle], step, rtol=1e-4)


def test_doppler_frame_nearest_within_half_a_step():
    """Quarters at 25, 75, 125 … ms; Doppler frames every 50 ms but for a gap."""
    stamps = np.array([20, 70, 120, 270, 320, 376]) / 1000
    flow = open_task("blood_flow").target(recording(stamps=stamps), None).values["flow"]
    empty = np.isnan(flow).all(axis=(1, 2, 3))
    assert empty.tolist() == [False, False, False, True, True, False, False, False]
    there = np.isfinite(flow[0, 0])
    first = flow[:, 0, there][~empty].mean(axis=1)
    np.testing.assert_allclose(np.diff(first), 0.01, atol=1e-6)
    # One frame midway in each interval is near to both of its quarters.
    slow = recording(stamps=(np.arange(4) + 0.5) / RATE)
    flow = open_task("blood_flow").target(slow, WIDE).values["flow"]
    np.testing.assert_array_equal(flow[::2], flow[1::2])
    assert np.isfinite(flow).any(axis=(1, 2, 3)).all()


def test_velocities_and_turbulence_fold():
    """Beams at +0.9 and -0.9 of the limit differ by a fifth of it, and not by 1.8."""

    def alternating(depth, angle, frame):
        beams = np.arange(len(angle)) % 2
        return 0.9 * LIMIT * (1 - 2 * beams) + 0 * (depth + frame)

    one = recording(velocity=alternating)
    flow = open_task("blood_flow").target(one, None).values["flow"]
    known = np.isfinite(flow[0, 0])
    assert np.abs(flow[:, 0, known]).min() > 0.89 * LIMIT
    assert flow[:, 2, known].max() < 0.11 * LIMIT
    measured = one["colour_velocity"].load()[0]
    assert turbulence(measured)[5, 5] > 0.8 * LIMIT  # as the paper has it


def test_errors_their_units_and_what_counts():
    task, one = open_task("blood_flow"), recording()
    truth = task.target(one, None)
    assert task.score(truth, truth) == {name: 0 for name in task.metrics}
    noise = truth.values["flow"][:, 1] <= 0.3
    assert noise.any()
    off = turned(truth, velocity=0.06, power=-0.2, turbulence=0.03)
    scores = task.score(off, truth)
    assert scores["velocity_error_cm_s"] == pytest.approx(6, rel=1e-4)
    assert scores["velocity_error_percent"] == pytest.approx(10, rel=1e-4)
    assert scores["power_error"] == pytest.approx(0.2, rel=1e-4)
    assert scores["turbulence_error_cm_s"] == pytest.approx(3, rel=1e-4)
    same = task.score(turned(truth, velocity=2 * LIMIT), truth)
    assert same["velocity_error_cm_s"] == pytest.approx(0, abs=1e-4)
    # Velocity and turbulence of noise do not count, its power does.
    only = turned(truth, velocity=0.3 * noise, turbulence=noise, power=0.1 * noise)
    scores = task.score(only, truth)
    assert scores["velocity_error_cm_s"] == scores["turbulence_error_cm_s"] == 0
    known = np.isfinite(truth.values["flow"][:, 1])
    share = noise.sum() / known.sum()
    assert scores["power_error"] == pytest.approx(0.1 * share, rel=1e-4)


def test_beamspace_prediction_is_scored_on_the_plane():
    task, one = open_task("blood_flow", domain="beamspace"), recording()
    sample = task.inputs(one)
    assert sample.stream.geometry == WIDE
    assert sample.velocity_limit == LIMIT
    at = WIDE.depths[:, None], WIDE.angles, np.arange(8)[:, None, None]
    flow = np.zeros((8, 3, *WIDE.shape), np.float32)
    flow[:, 0], flow[:, 1] = speed(*at), strength(*at)
    truth = task.target(one, None)
    scores = task.score(task.answer(sample, {"flow": flow}), truth)
    assert scores["velocity_error_cm_s"] < 0.01
    assert scores["power_error"] < 1e-4
    for wrong in (
        np.roll(flow, 1, axis=0),
        flow[..., ::-1],
        flow[:, :, ::-1],
        flow[:, [1, 0, 2]],
        100 * flow,
    ):
        worse = task.score(task.answer(sample, {"flow": wrong}), truth)
        assert worse["velocity_error_cm_s"] > 0.9


def test_only_noise_has_no_velocity():
    task = open_task("blood_flow")
    quiet = recording(power=lambda *at: 0.25 + 0 * sum(at))
    truth = task.target(quiet, None)
    scores = task.score(turned(truth, power=0.1), truth)
    assert np.isnan(scores["velocity_error_cm_s"])
    assert np.isnan(scores["turbulence_error_cm_s"])
    assert scores["power_error"] == pytest.approx(0.1, rel=1e-4)
    columns = {k: np.array([v, 2.0]) for k, v in scores.items()}
    mean = task.summarize(columns, np.array([0, 1]))
    assert mean["velocity_error_cm_s"] == 2.0


def test_what_is_missing_is_said():
    task, one = open_task("blood_flow"), recording()
    assert task.missing({"b_mode", "colour_velocity"}) == ("colour_power",)
    with pytest.raises(NotProvidedError, match="1 B-mode frame"):
        task.inputs(recording(frames=1, stamps=[0.0, 0.1]))
    with pytest.raises(NotProvidedError, match="folds"):
        task.inputs(recording(limit=None))
    bare = replace(one["colour_power"], geometry=None)
    nowhere = replace(one, streams={**one.streams, "colour_power": bare})
    with pytest.raises(NotProvidedError, match="'colour_power' lies"):
        task.target(nowhere, None)
    late = task.target(recording(stamps=np.arange(5) + 10.0), None)
    with pytest.raises(NotProvidedError, match="No flow was measured"):
        task.score(late, late)
    truth = task.target(one, None)
    short = replace(truth, values={"flow": truth.values["flow"][1:]})
    with pytest.raises(AnswerError, match="7 frames of 3 channels"):
        task.score(short, truth)
    with pytest.raises(AnswerError, match="where it lies"):
        task.score(replace(truth, geometry=None), truth)
    with pytest.raises(InvalidArgumentError, match="domain"):
        open_task("blood_flow", domain="")
