"""The LV task: closed-form contours, label names, frames, domains and scores."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.core import UNLABELLED, Entry, PlaneGrid, Recording, Sector, Stream
from cardium.errors import (
    AnswerError,
    DataCorruptError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.tasks import open_task
from cardium.testing import check_task

SECTOR = Sector(depth=(0.01, 0.13), angle=(-0.6, 0.6), shape=(121, 97))
PLANE = PlaneGrid(x=(-0.05, 0.05), z=(0.0, 0.11), shape=(111, 101))
CENTRE = (0.0, 0.07)


def arch(radius, centre=CENTRE, points=181):
    """A semicircle open towards the right, from below round the left to above."""
    angle = np.linspace(np.pi / 2, 3 * np.pi / 2, points)
    x, z = centre
    return np.stack([x + radius * np.cos(angle), z + radius * np.sin(angle)], axis=-1)


def beam_recording(name="r0", patient="p0", *, frames=5, annotated=(1, 3), offset=0.0):
    time = np.arange(frames) / 30
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (frames, *SECTOR.shape), np.uint8)
    layers = np.stack([arch(r) for r in np.linspace(0.02, 0.03, 5)])
    contour = np.stack([layers] * len(annotated)).astype(np.float32)
    return Recording(
        Entry(name, patient, "test", frozenset({"b_mode", "lv_contour"})),
        {
            "b_mode": Stream(
                "b_mode", grey, time, ("time", "range", "beam"), "grey", SECTOR
            )
        },
        {
            "lv_contour": Stream(
                "lv_contour",
                contour,
                time[list(annotated)] + offset,
                ("time", "layer", "point", "xz"),
                "m",
            )
        },
    )


def plane_recording(name="r0", patient="p0", *, names=None, labels=None, shift=0):
    names = names or ("background", "lv_cavity", "myocardium", "la_cavity")
    if labels is None:
        labels = np.zeros(PLANE.shape, np.uint8)
        labels[30:80, 30:70] = names.index("myocardium")
        labels[40:80, 40:60] = names.index("lv_cavity")
        labels[85:100, 40:60] = names.index("la_cavity")
        labels = np.roll(labels, shift, axis=1)
    grey = np.full(PLANE.shape, 7, np.uint8)
    place = (np.zeros(1), ("time", "z", "x"))
    return Recording(
        Entry(name, patient, "test", frozenset({"b_mode", "lv_mask"})),
        {"b_mode": Stream("b_mode", grey[None], *place, "grey", PLANE)},
        {
            "lv_mask": Stream(
                "lv_mask", labels[None], *place, "label", PLANE, coords={"label": names}
            )
        },
    )


@pytest.mark.parametrize("domain", ["cartesian", "beamspace"])
def test_contract_on_beams(domain):
    recordings = [beam_recording("r0", "p0"), beam_recording("r1", "p1")]
    check_task(open_task("lv_segmentation", domain=domain), recordings)


def test_contract_on_planes():
    recordings = [plane_recording("r0", "p0"), plane_recording("r1", "p1", shift=4)]
    check_task(open_task("lv_segmentation"), recordings)


def test_codes_are_read_by_name():
    task = open_task("lv_segmentation")
    usual = task.target(plane_recording(), None)
    names = ("myocardium", "la_cavity", "background", "lv_cavity")
    other = task.target(plane_recording(names=names), PLANE)
    # The roll of codes moves what was filled as 0 to 'myocardium'.
    filled = plane_recording(names=names)["lv_mask"].load()[0]
    np.testing.assert_array_equal(other.values["labels"][0] == 1, filled == 3)
    np.testing.assert_array_equal(other.values["labels"][0] == 2, filled == 0)
    values = usual.values["labels"][0]
    assert np.count_nonzero(values == 1) == 40 * 20
    assert np.count_nonzero(values == 2) == 50 * 40 - 40 * 20
    assert set(np.unique(values)) == {0, 1, 2}


def test_unlabelled_stays_unlabelled_and_nameless_codes_are_refused():
    task = open_task("lv_segmentation")
    labels = np.zeros(PLANE.shape, np.uint8)
    labels[0], labels[1] = UNLABELLED, 2
    values = task.target(plane_recording(labels=labels), None).values["labels"][0]
    assert (values[0] == UNLABELLED).all()
    assert (values[1] == 2).all()
    labels[2, 5] = 9
    with pytest.raises(DataCorruptError, match="code 9"):
        task.target(plane_recording(labels=labels), None)
    recording = plane_recording()
    nameless = replace(recording["lv_mask"], coords={})
    with pytest.raises(NotProvidedError, match="does not name its codes"):
        task.target(replace(recording, annotations={"lv_mask": nameless}), None)


def test_mask_on_another_plane():
    finer = replace(PLANE, shape=(221, 201))
    labels = open_task("lv_segmentation").target(plane_recording(), finer)
    assert labels.geometry == finer
    assert labels.values["labels"].shape == (1, 221, 201)
    assert labels.values["labels"][0, 2 * 60, 2 * 50] == 1
    assert labels.values["labels"][0, 2 * 35, 2 * 50] == 2


@pytest.mark.parametrize("geometry", [None, SECTOR])
def test_contours_become_the_areas_they_enclose(geometry):
    target = open_task("lv_segmentation").target(beam_recording(), geometry)
    labels, place = target.values["labels"], target.geometry
    if isinstance(place, PlaneGrid):
        area = np.full(place.shape, math.prod(place.spacing))
    else:
        area = place.depths[:, None] * place.range_spacing * place.beam_spacing
        area = np.broadcast_to(area, place.shape)
    cavity = area[labels[1] == 1].sum()
    wall = area[labels[1] == 2].sum()
    assert cavity == pytest.approx(np.pi * 0.02**2 / 2, rel=0.02)
    assert wall == pytest.approx(np.pi * (0.03**2 - 0.02**2) / 2, rel=0.02)
    x, z = place.points()
    assert x[labels[1] == 1].mean() < -0.005  # the arch opens to the right
    cavity_z = np.average(z[labels[1] == 1], weights=area[labels[1] == 1])
    assert cavity_z == pytest.approx(CENTRE[1], abs=2e-4)


def test_only_annotated_frames_and_places_seen_are_labelled():
    target = open_task("lv_segmentation").target(beam_recording(), None)
    labels = target.values["labels"]
    labelled = (labels != UNLABELLED).any(axis=(1, 2))
    assert labelled.tolist() == [False, True, False, True, False]
    np.testing.assert_array_equal(target.time, np.arange(5) / 30)
    assert (labels[1] != UNLABELLED).all()  # the ventricle lies inside


def test_the_ventricle_outside_the_sector_counts_nowhere_the_background_does():
    recording = beam_recording()
    contour = recording["lv_contour"]
    moved = contour.with_values(contour.load() + np.array([0.06, 0.0]))
    recording = replace(recording, annotations={"lv_contour": moved})
    target = open_task("lv_segmentation").target(recording, None)
    labels = target.values["labels"][1]
    x, z = target.geometry.points()
    outside = np.abs(np.arctan2(x, z)) > 0.6 + 1e-6
    assert set(np.unique(labels[outside])) == {0, UNLABELLED}
    assert (labels[x < 0] == 0).all()  # it was moved to the right
    assert {1, 2} <= set(np.unique(labels[~outside]))


@pytest.mark.parametrize(
    ("offset", "labelled"),
    [
        (0.4 / 30, [1, 3]),
        (-0.4 / 30, [1, 3]),
        (1.5 / 30 + 5e-7, [3, 4]),  # 4 by the clock's rounding: 0.5 step after it
        (0.6 / 30, [2, 4]),
        (2.6 / 30, [4]),
    ],
)
def test_an_annotation_belongs_to_the_frame_within_half_a_step(offset, labelled):
    recording = beam_recording(offset=offset)
    target = open_task("lv_segmentation").target(recording, None)
    found = (target.values["labels"] != UNLABELLED).any(axis=(1, 2))
    assert np.flatnonzero(found).tolist() == labelled


def test_the_nearest_of_two_annotations_wins():
    recording = beam_recording(annotated=(1, 2))
    contour = recording["lv_contour"]
    values = contour.load().copy()
    values[0] = np.nan
    near = replace(contour, values=values, time=np.array([2 / 30, 2 / 30 + 0.01]))
    target = open_task("lv_segmentation").target(
        replace(recording, annotations={"lv_contour": near}), None
    )
    assert (target.values["labels"] == UNLABELLED).all()  # the near one is empty


def test_inputs_of_both_domains():
    recording = beam_recording()
    beams = open_task("lv_segmentation", domain="beamspace").inputs(recording).stream
    assert beams.geometry == SECTOR
    assert beams.dims == ("time", "range", "beam")
    np.testing.assert_array_equal(beams.load(), recording["b_mode"].load())
    plane = open_task("lv_segmentation").inputs(recording).stream
    assert plane.dims == ("time", "z", "x")
    assert plane.load().dtype == np.float32
    assert plane.geometry.shape[0] == 121
    assert (
        plane.geometry == open_task("lv_segmentation").target(recording, None).geometry
    )
    x, z = plane.geometry.points()
    assert (plane.load()[:, np.abs(np.arctan2(x, z)) > 0.61] == 0).all()
    assert 0 < plane.load().max() <= 255


def test_many_range_samples_become_256_rows():
    tall = replace(SECTOR, shape=(600, 20))
    recording = beam_recording()
    clip = replace(
        recording["b_mode"], values=np.zeros((5, 600, 20), np.uint8), geometry=tall
    )
    sample = open_task("lv_segmentation").inputs(
        replace(recording, streams={"b_mode": clip})
    )
    assert sample.stream.geometry.shape[0] == 256


def test_beams_cannot_be_made_from_a_plane():
    task = open_task("lv_segmentation", domain="beamspace")
    with pytest.raises(NotProvidedError, match="domain='cartesian'"):
        task.inputs(plane_recording())


def test_wrong_domain_is_refused():
    with pytest.raises(InvalidArgumentError, match="cartesian, beamspace, got 'polar'"):
        open_task("lv_segmentation", domain="polar")


def shifted_prediction(rows):
    """The truth of the plane recording moved down by whole rows of 1 mm."""
    task = open_task("lv_segmentation")
    truth = task.target(plane_recording(), None)
    moved = np.roll(truth.values["labels"], rows, axis=1)
    return task, replace(truth, values={"labels": moved}), truth


def test_scores_of_a_shift_by_hand():
    task, prediction, truth = shifted_prediction(2)
    scores = task.score(prediction, truth)
    assert scores["dice_lv_cavity"] == pytest.approx(2 * 38 / (40 + 40))
    assert scores["dice_epicardium"] == pytest.approx(2 * 48 / (50 + 50))
    assert scores["hd95_lv_cavity_mm"] == pytest.approx(2.0)
    assert scores["hd95_epicardium_mm"] == pytest.approx(2.0)
    assert 0 < scores["distance_lv_cavity_mm"] < 2
    assert scores["area_error_lv_cavity_cm2"] == pytest.approx(0.0)
    assert scores["dice"] == pytest.approx(
        (scores["dice_lv_cavity"] + scores["dice_myocardium"]) / 2
    )


def test_area_error_is_in_square_centimetres():
    task, prediction, truth = shifted_prediction(0)
    labels = prediction.values["labels"].copy()
    labels[0, 85:95, 40:60] = 1  # 10 mm x 20 mm more
    scores = task.score(replace(prediction, values={"labels": labels}), truth)
    assert scores["area_error_lv_cavity_cm2"] == pytest.approx(2.0)


def test_perfect_is_best_and_a_miss_costs_the_diagonal():
    task, prediction, truth = shifted_prediction(0)
    scores = task.score(prediction, truth)
    assert all(scores[name] == 1 for name in scores if name.startswith("dice"))
    assert all(scores[name] == 0 for name in scores if not name.startswith("dice"))
    nothing = replace(truth, values={"labels": np.zeros_like(truth.values["labels"])})
    missed = task.score(nothing, truth)
    assert missed["dice"] == 0
    assert missed["hd95_lv_cavity_mm"] == pytest.approx(np.hypot(110, 100))
    assert set(scores) == set(task.metrics)


def test_a_beamspace_prediction_is_scored_on_the_plane():
    recording = beam_recording()
    task = open_task("lv_segmentation", domain="beamspace")
    sample = task.inputs(recording)
    truth = task.target(recording, None)
    own = task.target(recording, sample.stream.geometry)
    labels = np.where(own.values["labels"] == UNLABELLED, 0, own.values["labels"])
    scores = task.score(task.answer(sample, {"labels": labels}), truth)
    assert scores["dice"] > 0.97
    assert scores["hd95_epicardium_mm"] < 1.5
    moved = task.answer(sample, {"labels": np.roll(labels, 8, axis=1)})
    assert task.score(moved, truth)["dice"] < 0.75


def test_frames_are_matched_by_time():
    recording = beam_recording()
    task = open_task("lv_segmentation")
    truth = task.target(recording, None)
    reversed_part = replace(
        truth, values={"labels": truth.values["labels"][1:]}, time=truth.time[1:]
    )
    assert task.score(reversed_part, truth)["dice"] == 1.0
    late = replace(truth, time=truth.time + 1)
    with pytest.raises(AnswerError, match="No frame was predicted"):
        task.score(late, truth)


def test_nothing_labelled_cannot_be_scored():
    recording = beam_recording(offset=0.5)
    task = open_task("lv_segmentation")
    truth = task.target(recording, None)
    with pytest.raises(NotProvidedError, match="No frame is labelled"):
        task.score(truth, truth)


def test_camus_half_a_millimetre_off(shared_data):
    from cardium.datasets.camus import DATASET

    data = DATASET.open(shared_data / "camus")
    task = open_task("lv_segmentation")
    usable = task.usable(data.catalog)
    entry = next(e for e in usable if e.labels["phase"] == "ED")
    recording = data.load(entry)
    sample, truth = task.inputs(recording), task.target(recording, None)
    assert truth.values["labels"].shape == sample.stream.shape
    dz, _ = truth.geometry.spacing
    rows = round(0.5e-3 / dz)
    moved = np.roll(truth.values["labels"], rows, axis=1)
    scores = task.score(task.answer(sample, {"labels": moved}), truth)
    assert 0.9 < scores["dice_lv_cavity"] < 1
    assert scores["hd95_lv_cavity_mm"] == pytest.approx(1e3 * rows * dz, rel=1e-6)
    assert task.group_of(entry)["phase"] == "ED"
