from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cardium.core import (
    UNLABELLED,
    Answer,
    Geometry,
    PlaneGrid,
    Sample,
    Sector,
)
from cardium.errors import NotProvidedError
from cardium.plot import draw_case
from cardium.plot.case import choose_frames
from cardium.tasks import open_task
from plot.conftest import PLANE, b_mode, twelve_leads

SEGMENTATION = open_task("lv_segmentation")
VELOCITY = open_task("tissue_velocity")
ECG = open_task("ecg_superclass")


def pixels(png: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def clip(frames: int) -> Sample:
    return Sample("exam-7", b_mode(frames))


def labels(
    box: tuple[slice, slice] | None, frames: int = 1, geometry: Geometry = PLANE
) -> Answer:
    values = np.zeros((frames, *geometry.shape), np.uint8)
    if box:
        values[:, box[0], box[1]] = 1
    return Answer({"labels": values}, geometry, np.arange(frames) / 20)


def amber(image: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where the cavity's solid border is; the legend is cut off."""
    red, green, blue = np.moveaxis(image[:-60], -1, 0)
    return (red > 220) & (green > 120) & (blue < 60)


def test_a_lone_frame_is_drawn_bare_and_with_borders_in_their_place() -> None:
    truth = labels((slice(20, 41), slice(60, 71)))
    image = pixels(draw_case(SEGMENTATION, clip(1), truth, labels(None)))
    assert image.shape[1] == 1200
    rows, columns = np.nonzero(amber(image))
    # 121 mm fill 600 pixels below a margin of 15; the middle of the plane is the
    # middle of the right one of two panels.
    per_mm, top, middle = 600 / 121, 15, 1200 * (0.506 + 0.479 / 2)
    left = middle - 40.5 * per_mm
    assert np.isclose(rows.min(), top + 20 * per_mm, atol=3)
    assert np.isclose(rows.max(), top + 41 * per_mm, atol=3)
    assert np.isclose(columns.min(), left + 60 * per_mm, atol=3)
    assert np.isclose(columns.max(), left + 71 * per_mm, atol=3)


def test_a_prediction_is_not_drawn_as_the_truth_is() -> None:
    box = (slice(20, 41), slice(60, 71))
    with_truth = draw_case(SEGMENTATION, clip(1), labels(box), labels(None))
    as_prediction = draw_case(SEGMENTATION, clip(1), labels(None), labels(box))
    assert amber(pixels(with_truth)).sum() > 500
    assert amber(pixels(as_prediction)).sum() < 50


def test_a_clip_shows_three_labelled_frames() -> None:
    box = (slice(20, 41), slice(20, 61))
    truth = labels(box, 6)
    truth.values["labels"][3, 20:30] = 0  # the smallest cavity
    truth.values["labels"][4:] = UNLABELLED
    assert choose_frames(truth.values["labels"]) == [0, 3]
    truth.values["labels"][5] = truth.values["labels"][0]
    assert choose_frames(truth.values["labels"]) == [0, 3, 5]
    image = pixels(draw_case(SEGMENTATION, clip(6), truth, labels(None, 6), title="x"))
    columns = np.flatnonzero(amber(image).any(axis=0))
    thirds = {int(column // 400) for column in columns}
    assert thirds == {0, 1, 2}


def test_truth_and_prediction_may_lie_on_different_geometries() -> None:
    sector = Sector(depth=(0.0, 0.12), angle=(-0.5, 0.5), shape=(120, 80))
    coarse = PlaneGrid(x=PLANE.x, z=PLANE.z, shape=(61, 41))
    truth = labels((slice(10, 21), slice(30, 36)), geometry=coarse)
    on_beams = labels((slice(30, 60), slice(50, 70)), geometry=sector)
    fine = labels((slice(20, 41), slice(60, 71)))
    both = amber(pixels(draw_case(SEGMENTATION, clip(1), truth, on_beams)))
    same = amber(pixels(draw_case(SEGMENTATION, clip(1), fine, on_beams)))
    # Half as many samples, the same place; a border is half a sample further out.
    for one, other in zip(np.nonzero(both), np.nonzero(same), strict=True):
        assert np.isclose(one.min(), other.min(), atol=8)
        assert np.isclose(one.max(), other.max(), atol=8)


def test_nothing_labelled_is_refused() -> None:
    empty = labels(None)
    empty.values["labels"][:] = UNLABELLED
    with pytest.raises(NotProvidedError, match="'exam-7': no frame is labelled"):
        draw_case(SEGMENTATION, clip(1), empty, labels(None))


def velocity(value: float, geometry: Geometry = PLANE) -> Answer:
    values = np.full((4, *geometry.shape), value, np.float32)
    return Answer({"velocity": values}, geometry, np.arange(4) / 20 + 0.025, 0.2)


def test_measured_is_red_in_the_middle_and_predicted_blue_on_the_right() -> None:
    image = pixels(draw_case(VELOCITY, clip(5), velocity(0.1), velocity(-0.1)))
    red, blue = image[200, :, 0], image[200, :, 2]
    grey, measured, predicted = slice(100, 330), slice(450, 650), slice(800, 1000)
    assert (red[grey] == blue[grey]).all()
    assert (red[measured] > blue[measured] + 60).all()
    assert (blue[predicted] > red[predicted] + 60).all()


def test_prediction_is_hidden_where_nothing_was_measured() -> None:
    truth = velocity(0.1)
    truth.values["velocity"][:, :, 40:] = np.nan
    image = pixels(draw_case(VELOCITY, clip(5), truth, velocity(-0.1)))
    blue = image[200, 750:1100, 2] - image[200, 750:1100, 0] > 60
    middle = 750 + 0.5 * (1080 - 750)
    assert blue[: int(middle - 750) - 20].any()
    assert not blue[int(middle - 750) + 20 :].any()


def test_a_velocity_on_beams_is_brought_onto_the_plane_of_the_truth() -> None:
    sector = Sector(depth=(0.0, 0.13), angle=(-1.5, 1.5), shape=(60, 60))
    image = pixels(draw_case(VELOCITY, clip(5), velocity(0.1), velocity(0.1, sector)))
    assert image[250, 550, 0] > image[250, 550, 2] + 60
    assert np.abs(image[250, 550] - image[250, 900]).max() < 40


def test_a_velocity_without_limit_is_refused() -> None:
    nowhere = replace(velocity(0.1), velocity_limit=None)
    with pytest.raises(NotProvidedError, match="velocity limit"):
        draw_case(VELOCITY, clip(5), nowhere, velocity(0.1))


def test_true_classes_have_their_own_colour() -> None:
    sample = Sample("7", twelve_leads())
    probability = Answer({"probability": np.array([0.9, 0.1, 0.5, 0.2, 0.3])})

    def orange(true: list[float]) -> NDArray[np.int64]:
        truth = Answer({"probability": np.array(true)})
        image = pixels(draw_case(ECG, sample, truth, probability, title="ECG <7>"))
        red, green, blue = np.moveaxis(image, -1, 0)
        rows, columns = np.nonzero((red > 180) & (green < 90) & (blue < 40))
        return np.array([len(rows), columns.max(initial=0), rows.min(initial=9999)])

    assert orange([0, 0, 0, 0, 0])[0] == 0
    first, third = orange([1, 0, 0, 0, 0]), orange([0, 0, 1, 0, 0])
    assert first[0] > third[0] > 1000  # 0.9 is a longer bar than 0.5
    assert third[2] - first[2] == pytest.approx(80, abs=6)  # two rows of 8 mm


def test_figures_leave_no_global_state() -> None:
    import matplotlib.pyplot as plt

    draw_case(SEGMENTATION, clip(1), labels((slice(2, 9), slice(2, 9))), labels(None))
    assert plt.get_fignums() == []


def test_flow_is_drawn_as_the_velocity_of_blood_alone() -> None:
    """What has no power is not drawn: the same picture as without it."""
    flow = open_task("blood_flow")
    chance = np.random.default_rng(0)
    velocity = chance.uniform(-0.5, 0.5, (4, *PLANE.shape)).astype(np.float32)
    power = np.zeros_like(velocity)
    power[:, 20:40, 50:80] = 0.8
    times = np.arange(4) / 20
    values = np.stack([velocity, power, 0 * velocity], axis=1)
    truth = Answer({"flow": values}, PLANE, times, 0.6)
    other = values.copy()
    other[:, 0][power == 0] = 0.1
    sample = replace(clip(3), velocity_limit=0.6)
    drawn = draw_case(flow, sample, truth, truth)
    assert drawn == draw_case(
        flow, sample, replace(truth, values={"flow": other}), truth
    )
    assert pixels(drawn).shape[1] == 1200
    swapped = replace(truth, values={"flow": -values})
    assert drawn != draw_case(flow, sample, truth, swapped)


def test_volumes_have_no_picture() -> None:
    with pytest.raises(NotProvidedError, match="'volume_map' have no picture"):
        draw_case(open_task("lv_volume_3d"), clip(1), labels(None), labels(None))
