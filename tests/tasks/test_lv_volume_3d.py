"""The task of volumes: spheres of known size, axes, times, what no fan shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.core import (
    UNLABELLED,
    Answer,
    Entry,
    Mesh,
    PlaneGrid,
    Recording,
    SectorVolume,
    Stream,
    VolumeGrid,
)
from cardium.errors import (
    AnswerError,
    GeometryError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.tasks import open_task
from cardium.tasks._volumes import cubes_around, whole_volumes
from cardium.testing import check_task

FAN = SectorVolume((0.0, 0.12), (-0.6, 0.6), (-0.6, 0.6), (40, 40, 97))
CENTRE = (0.0163, -0.0047, 0.0707)
RADII = (0.0257, 0.0212, 0.0184, 0.0233)
DIMS = ("time", "elevation", "azimuth", "range")


def ball(radius, centre=CENTRE, *, lid=True):
    """A sphere of triangles around the z axis; without a lid, open at the far end."""
    turn = np.arange(48) * (2 * np.pi / 48)
    tilt = np.linspace(0, np.pi, 49)[1:-1, None]
    rings = np.stack(
        [
            np.sin(tilt) * np.cos(turn),
            np.sin(tilt) * np.sin(turn),
            np.broadcast_to(-np.cos(tilt), (47, 48)),
        ],
        axis=-1,
    )
    points = np.concatenate([rings.reshape(-1, 3), [(0, 0, -1), (0, 0, 1)]])
    here = np.arange(48)
    beside = (here + 1) % 48
    faces = [np.stack([np.full(48, 47 * 48), beside, here], axis=1)]
    for ring in range(0, 46 * 48, 48):
        a, b, c, d = ring + here, ring + beside, ring + 48 + here, ring + 48 + beside
        faces += [np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)]
    if lid:
        faces.append(
            np.stack([np.full(48, 47 * 48 + 1), 46 * 48 + here, 46 * 48 + beside], 1)
        )
    return radius * points + np.array(centre), np.concatenate(faces)


def recording(
    name="r0",
    patient="p0",
    *,
    radii=RADII,
    centre=CENTRE,
    fan=FAN,
    drawn=None,
    lid=True,
):
    time = np.arange(len(radii)) / 20
    drawn = time if drawn is None else np.asarray(drawn)
    frames = [ball(radius, centre, lid=lid) for radius in radii[: len(drawn)]]
    grey = np.random.default_rng(0).integers(0, 256, (len(time), *fan.shape), np.uint8)
    return Recording(
        Entry(name, patient, "test", frozenset({"b_mode_3d", "lv_mesh"})),
        {"b_mode_3d": Stream("b_mode_3d", grey, time, DIMS, "grey", fan)},
        meshes={"lv_mesh": Mesh.from_frames("lv_mesh", drawn, frames)},
    )


def content_ml(radius):
    return 1e6 * 4 / 3 * np.pi * np.asarray(radius) ** 3


def answer_of(source, geometry=None):
    """What is true of a recording, as a model would say it: nothing is unlabelled."""
    truth = open_task("lv_volume_3d").target(source, geometry)
    labels = truth.values["labels"]
    return replace(truth, values={"labels": np.where(labels == UNLABELLED, 0, labels)})


def score(prediction, source):
    task = open_task("lv_volume_3d")
    return task.score(prediction, task.target(source, None))


@pytest.mark.parametrize("options", [{}, {"domain": "cartesian", "rows": 32}])
def test_contract(options):
    recordings = [
        recording("r0", "p0"),
        recording("r1", "p1", centre=(0.0, 0.01, 0.065)),
    ]
    check_task(open_task("lv_volume_3d", **options), recordings)


def test_the_truth_holds_the_volume_of_the_spheres_in_ml():
    truth = open_task("lv_volume_3d").target(recording(), None)
    grid = truth.geometry
    np.testing.assert_allclose(grid.spacing, 0.002)
    labels = truth.values["labels"]
    counted = 1e6 * grid.voxel_volume * (labels == 1).sum(axis=(1, 2, 3))
    # The triangles are chords: they hold 0.6 % less than the sphere.
    np.testing.assert_allclose(counted, 0.994 * content_ml(RADII), rtol=0.01)
    places = np.stack(grid.points(), axis=-1)
    middle = places[labels[0] == 1].mean(axis=0)
    np.testing.assert_allclose(middle, CENTRE, atol=2e-4)
    assert set(np.unique(labels)) == {0, 1}


def test_a_larger_sphere_has_the_scores_of_the_formulas():
    grown = recording(radii=tuple(1.1 * r for r in RADII))
    found = score(answer_of(grown), recording())
    assert found["dice"] == pytest.approx(2 / (1 + 1.1**3), abs=0.01)
    assert found["hd95_mm"] == pytest.approx(100 * np.mean(RADII), abs=1.0)
    volume, growth = content_ml(RADII), 1.1**3 - 1
    assert found["volume_error_ml"] == pytest.approx(growth * volume.mean(), rel=0.03)
    assert found["edv_error_ml"] == pytest.approx(growth * volume.max(), rel=0.03)
    assert found["esv_error_ml"] == pytest.approx(growth * volume.min(), rel=0.03)
    assert found["ef_error_points"] == pytest.approx(0, abs=0.5)
    assert found["volume_correlation"] == pytest.approx(1, abs=1e-3)


def test_the_ejection_fraction_is_that_of_each_curve():
    still = recording(radii=(RADII[0],) * 4)
    ef = 100 * (1 - (RADII[2] / RADII[0]) ** 3)
    found = score(answer_of(still), recording())
    assert found["ef_error_points"] == pytest.approx(ef, abs=0.5)
    assert found["volume_correlation"] == 0
    backwards = replace(answer_of(recording()), time=np.arange(4) / 20)
    turned = backwards.values["labels"][::-1]
    found = score(replace(backwards, values={"labels": turned}), recording())
    assert found["ef_error_points"] == 0
    order = np.array(content_ml(RADII))
    assert found["volume_correlation"] == pytest.approx(
        np.corrcoef(order, order[::-1])[0, 1], abs=0.01
    )
    assert np.isnan(score(answer_of(still), still)["volume_correlation"])


@pytest.mark.parametrize("domain", ["beamspace", "cartesian"])
def test_an_answer_in_either_domain_is_scored_on_the_grid(domain):
    source = recording()
    sample = open_task("lv_volume_3d", domain=domain).inputs(source)
    found = score(answer_of(source, sample.stream.geometry), source)
    assert found["dice"] > 0.95
    assert found["volume_error_ml"] < 0.03 * content_ml(RADII).mean()
    assert found["ef_error_points"] < 1


def test_an_answer_with_elevation_and_azimuth_swapped_is_wrong():
    source = recording()
    right = answer_of(source, FAN)
    swapped = {"labels": right.values["labels"].swapaxes(1, 2)}
    found = score(replace(right, values=swapped), source)
    # In this square fan the swap mirrors the sphere at the plane x = y.
    apart = np.sqrt(2) * abs(CENTRE[0] - CENTRE[1])
    overlap = [
        (4 * r + apart) * max(2 * r - apart, 0) ** 2 / (16 * r**3) for r in RADII
    ]
    assert found["dice"] == pytest.approx(np.mean(overlap), abs=0.04)
    assert found["dice"] < 0.4


def test_what_the_fan_does_not_show_counts_nowhere():
    beside = (np.tan(0.6) * 0.07, 0.0, 0.07)
    source = recording(centre=beside)
    truth = open_task("lv_volume_3d").target(source, None)
    labels = truth.values["labels"]
    whole = 1e6 * truth.geometry.voxel_volume * (labels > 0).sum(axis=(1, 2, 3))
    seen = 1e6 * truth.geometry.voxel_volume * (labels == 1).sum(axis=(1, 2, 3))
    # The outermost beams lie in a plane that halves the sphere.
    np.testing.assert_allclose(seen, content_ml(RADII) / 2, rtol=0.05)
    assert (whole > 1.2 * seen).all()
    full = replace(truth, values={"labels": (labels > 0).astype(np.uint8)})
    found = score(full, source)
    assert (found["dice"], found["volume_error_ml"]) == (1, 0)


def test_volumes_are_labelled_where_a_mesh_is_near_in_time():
    source = recording(drawn=[0.02, 0.1])
    labels = open_task("lv_volume_3d").target(source, FAN).values["labels"]
    assert (labels == UNLABELLED).all(axis=(1, 2, 3)).tolist() == [
        False,
        True,
        False,
        True,
    ]
    assert (labels[0] == 1).sum() > (labels[2] == 1).sum()
    assert score(answer_of(source), source)["dice"] == 1
    with pytest.raises(NotProvidedError, match="no mesh lies within half"):
        score(answer_of(source), recording(drawn=[7.0]))


def test_an_open_mesh_is_closed():
    labels = [
        open_task("lv_volume_3d").target(recording(lid=lid), FAN).values["labels"]
        for lid in (True, False)
    ]
    # A flat lid of the last ring, of a 24th of the way round.
    assert (labels[0] == 1).sum() == pytest.approx((labels[1] == 1).sum(), rel=0.01)


def test_slabs_of_two_beats_are_put_together():
    rows = FAN.shape[0] // 2
    half = FAN.spacing[0] * (rows - 1) / 2
    slab = replace(FAN, elevation=(-half, half), shape=(rows, *FAN.shape[1:]))
    radii = tuple(0.02 + 0.004 * np.cos(2 * np.pi * np.arange(24) / 12))
    whole = recording(radii=radii)
    film = whole["b_mode_3d"]
    inner = open_task("lv_volume_3d").target(whole, FAN).values["labels"] == 1
    grey = np.where(inner, 20, 200).astype(np.uint8)
    # The first beat saw the far half, as the machine sweeps against the elevation.
    slabs = np.concatenate([grey[:12, rows:], grey[12:, :rows]])
    qrs = Stream("qrs", np.zeros(3), np.array([0.0, 0.6, 1.2]), ("time",), "")
    stitched = replace(
        whole,
        entry=replace(whole.entry, labels={"stitched_beats": 2, "view": "apical"}),
        streams={"b_mode_3d": replace(film, values=slabs, geometry=slab)},
        annotations={"qrs": qrs},
    )
    task = open_task("lv_volume_3d")
    sample = task.inputs(stitched)
    assert sample.stream.shape == (12, *FAN.shape)
    np.testing.assert_array_equal(sample.stream.load(), grey[:12])
    np.testing.assert_allclose(sample.stream.geometry.elevation, FAN.elevation)
    labels = (sample.stream.load() < 100).astype(np.uint8)
    prediction = task.answer(sample, {"labels": labels})
    assert score(prediction, stitched)["dice"] > 0.95
    once = whole_volumes(stitched)
    assert whole_volumes(once) is once
    assert dict(once.entry.labels) == {"view": "apical"}
    with pytest.raises(NotProvidedError, match="qrs"):
        task.inputs(replace(stitched, annotations={}))


def test_voxels_are_taken_as_they_are():
    grid = VolumeGrid.box(
        x=(-0.06, 0.06), y=(-0.05, 0.05), z=(0.0, 0.12), shape=(49, 41, 49)
    )
    source = recording()
    values = np.zeros((4, *grid.shape), np.uint8)
    stream = Stream(
        "b_mode_3d", values, np.arange(4) / 20, ("time", "z", "y", "x"), "grey", grid
    )
    source = replace(source, streams={"b_mode_3d": stream})
    sample = open_task("lv_volume_3d", domain="cartesian").inputs(source)
    assert sample.stream.geometry == grid
    assert score(answer_of(source, grid), source)["dice"] > 0.95
    with pytest.raises(NotProvidedError, match="domain='cartesian'"):
        open_task("lv_volume_3d").inputs(source)


def test_cubes_hold_the_fan_with_the_rows_asked_for():
    grid = cubes_around(FAN, 25)
    assert grid.shape[0] == 25
    np.testing.assert_allclose(grid.spacing, 0.12 / 24)
    sample = open_task("lv_volume_3d", domain="cartesian", rows=25).inputs(recording())
    assert sample.stream.geometry == grid
    assert sample.stream.dims == ("time", "z", "y", "x")


def test_what_cannot_be_scored_is_refused():
    task, source = open_task("lv_volume_3d"), recording()
    with pytest.raises(InvalidArgumentError, match="domain must be"):
        open_task("lv_volume_3d", domain="polar")
    with pytest.raises(InvalidArgumentError, match="two rows"):
        open_task("lv_volume_3d", rows=1)
    with pytest.raises(GeometryError, match="PlaneGrid"):
        task.target(source, PlaneGrid(x=(0, 1), z=(0, 1), shape=(4, 4)))
    with pytest.raises(NotProvidedError, match="no 'lv_mesh'"):
        task.target(replace(source, meshes={}), None)
    film = source["b_mode_3d"]
    nowhere = replace(source, streams={"b_mode_3d": replace(film, geometry=None)})
    with pytest.raises(NotProvidedError, match="does not say where"):
        task.inputs(nowhere)
    truth = task.target(source, None)
    with pytest.raises(NotProvidedError, match=r"target\(recording, None\)"):
        task.score(truth, task.target(source, FAN))
    late = replace(truth, time=truth.time + 1)
    with pytest.raises(AnswerError, match=r"No volume was predicted at 0\.0000 s"):
        task.score(late, truth)
    with pytest.raises(AnswerError, match="no place in space"):
        task.score(Answer(truth.values), truth)
