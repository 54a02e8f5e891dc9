"""The protocol of volumes: what is learnt from, what a model sees, what scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from cardium.core import (
    UNLABELLED,
    Case,
    Clip,
    Entry,
    Mesh,
    Recording,
    SectorVolume,
    Stream,
    VolumeGrid,
)
from cardium.errors import (
    AnswerError,
    InvalidArgumentError,
    NotProvidedError,
    UnknownNameError,
)
from cardium.phantom.patient import Patient
from cardium.phantom.volume import VolumeExamination, simulate_volume
from cardium.protocols import cut_recording, open_protocol

FAN = SectorVolume((0.01, 0.11), (-0.5, 0.6), (-0.4, 0.5), (14, 18, 41))
DIMS = ("time", "elevation", "azimuth", "range")
CUBE = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
SIDES = np.array(
    [
        *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
        *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
    ]
)


def box(x=(-0.012, 0.026), y=(-0.006, 0.016), z=(0.04, 0.09)):
    low, high = np.array([x, y, z]).T
    return low + CUBE * (high - low), SIDES


def recording(frames=10, *, fan=FAN, drawn=None, corners=None):
    time = np.arange(frames) / 20
    drawn = time if drawn is None else np.asarray(drawn)
    grey = np.random.default_rng(0).integers(0, 256, (frames, *fan.shape), np.uint8)
    mesh = [box() if corners is None else corners] * len(drawn)
    return Recording(
        Entry("r0", "p0", "test", frozenset({"b_mode_3d", "lv_mesh"})),
        {"b_mode_3d": Stream("b_mode_3d", grey, time, DIMS, "grey", fan)},
        meshes={"lv_mesh": Mesh.from_frames("lv_mesh", drawn, mesh)},
    )


def sure(target):
    """Probabilities of 0 and 1, as true as samples can be."""
    cavity = (target == 1).astype(np.float32)
    return np.stack([1 - cavity, cavity])


def score(protocol, case, prediction):
    return protocol.score([prediction], [protocol.truth(case)])


@pytest.mark.parametrize("domain", ["beamspace", "cartesian"])
def test_what_a_model_sees_is_the_recording_on_its_samples(domain):
    protocol = open_protocol("lv_volume_3d", "corrected", domain=domain, rows=33)
    source = recording()
    case = protocol.open(source)
    item = protocol.item(case, Clip(3, 7))
    sample, target = (
        protocol.task.inputs(source).stream,
        protocol.task.target(source, case.geometry).values["labels"],
    )
    np.testing.assert_allclose(item["input"][0], sample.load()[3:7] / 255, atol=1e-6)
    np.testing.assert_array_equal(item["target"], target[3:7])
    assert item["target"].dtype == np.uint8
    np.testing.assert_allclose(
        item["content"], 1e6 * case.geometry.sample_volumes(), rtol=1e-5
    )
    axes = [item[f"{name}_axis"] for name in ("first", "second", "third")]
    if domain == "beamspace":
        wanted = [FAN.elevations, FAN.azimuths, FAN.depths]
    else:
        x, y, z = case.geometry.points()
        wanted = [z[:, 0, 0], y[0, :, 0], x[0, 0]]
    for axis, places in zip(axes, wanted, strict=True):
        np.testing.assert_allclose(axis, places, atol=1e-6)


def test_the_samples_of_the_cavity_hold_its_volume():
    protocol = open_protocol("lv_volume_3d", "corrected")
    item = protocol.item(protocol.open(recording()), Clip(0, 1))
    held = (item["content"] * (item["target"][0] == 1)).sum()
    assert held == pytest.approx(38 * 22 * 50 / 1000, rel=0.08)


def test_a_clip_is_the_same_part_of_a_longer_one():
    protocol = open_protocol("lv_volume_3d", "corrected", domain="cartesian", rows=24)
    case = protocol.open(recording(drawn=[0.0, 0.1, 0.15, 0.3]))
    whole, part = (protocol.prepare(case, clip) for clip in (Clip(0, 10), Clip(2, 6)))
    assert set(whole) == set(protocol.fields)
    for name, field in protocol.fields.items():
        same = whole[name] if field.per == "case" else whole[name][2:6]
        np.testing.assert_array_equal(part[name], same)


def test_clips_follow_one_another_and_the_middle_is_scored():
    options = {"clip_length": 4, "stride": 3, "scored_frames": 5}
    protocol = open_protocol("lv_volume_3d", "corrected", **options)
    case = protocol.open(recording())
    assert case.train == (Clip(0, 4), Clip(3, 7), Clip(6, 10))
    assert case.scored == Clip(2, 7)
    assert len(cut_recording(case)["b_mode_3d"].time) == 5
    every = open_protocol("lv_volume_3d", "corrected").open(recording(3))
    assert (every.train, every.scored) == ((Clip(0, 3),), Clip(0, 3))


def test_volumes_without_a_mesh_are_unknown_and_no_clip_lacks_them_all():
    protocol = open_protocol("lv_volume_3d", "corrected")
    case = protocol.open(recording(drawn=[0.05, 0.1]))
    assert case.train == (Clip(0, 4),)
    target = protocol.item(case, Clip(0, 4))["target"]
    known = (target != UNLABELLED).all(axis=(1, 2, 3))
    assert known.tolist() == [False, True, True, False]
    with pytest.raises(NotProvidedError, match="no mesh lies within half"):
        protocol.open(recording(drawn=[9.0]))


def test_what_the_fan_does_not_show_is_unknown():
    protocol = open_protocol("lv_volume_3d", "corrected", domain="cartesian", rows=40)
    source = recording(corners=box(x=(0.02, 0.06)))
    case = protocol.open(source)
    target = protocol.item(case, Clip(0, 1))["target"][0]
    x, y, z = case.geometry.points()
    depth, azimuth, elevation = FAN.polar_of(x, y, z)
    outside = (azimuth > 0.6) | (abs(elevation - 0.05) > 0.45) | (depth > 0.11)
    within = (x > 0.02) & (x < 0.06) & (y > -0.006) & (y < 0.016)
    within &= (z > 0.04) & (z < 0.09)
    assert (target[outside & within] == UNLABELLED).all()
    assert (target[~outside & within] == 1).all()
    assert (target[~within] == 0).all()
    assert (outside & within).sum() > 50


@pytest.mark.parametrize("domain", ["beamspace", "cartesian"])
def test_a_sure_and_right_answer_has_the_scores_of_the_task(domain):
    protocol = open_protocol("lv_volume_3d", "corrected", domain=domain)
    source = recording()
    case = protocol.open(source)
    right = sure(protocol.item(case, case.scored)["target"])
    found = score(protocol, case, right)
    assert found["dice"] > 0.9
    again = protocol.task.score(
        protocol.answer(case, right), protocol.task.target(source, None)
    )
    assert found == pytest.approx(again, nan_ok=True)
    longer = np.concatenate([right, right[:, :3]], axis=1)
    assert score(protocol, case, longer) == pytest.approx(found, nan_ok=True)
    none = score(protocol, case, right[::-1])
    assert none["dice"] < 0.1
    for wrong in (right[:, :4], right.swapaxes(2, 3)):
        with pytest.raises(AnswerError, match="10 volumes of"):
            protocol.answer(case, wrong)


@pytest.fixture(scope="module")
def stitched() -> VolumeExamination:
    return simulate_volume(Patient(number=3), beats=2, breathing=0.0)


def test_slabs_are_learnt_and_scored_as_whole_volumes(stitched):
    names = frozenset({"b_mode_3d", "lv_mesh", "qrs"})
    qrs = np.asarray(stitched.qrs_times)
    slabs = Recording(
        Entry("r0", "p0", "test", names, labels={"stitched_beats": 2}),
        stitched.streams,
        {"qrs": Stream("qrs", np.zeros(len(qrs)), qrs, ("time",), "")},
        meshes=stitched.meshes,
    )
    protocol = open_protocol("lv_volume_3d", "corrected", scored_frames=6)
    assert protocol.admit(slabs.entry) == ""
    case = protocol.open(slabs)
    assert case.geometry.shape == (24, 32, 96)
    target = protocol.item(case, case.scored)["target"]
    assert target.shape == (6, 24, 32, 96)
    assert score(protocol, case, sure(target))["dice"] > 0.94
    # The wall around the blood is bright: image and mesh lie in the same place. With
    # the slabs the other way round it would be brighter by 0.05 at most.
    grey = protocol.item(case, case.scored)["input"][0]
    cavity = target == 1
    around = [binary_dilation(volume, iterations=2) & ~volume for volume in cavity]
    assert grey[np.stack(around)].mean() > grey[cavity].mean() + 0.1


def test_voxels_are_learnt_as_they_are():
    grid = VolumeGrid.box(
        x=(-0.05, 0.05), y=(-0.04, 0.04), z=(0.0, 0.1), shape=(26, 21, 27)
    )
    source = recording()
    values = np.zeros((10, *grid.shape), np.uint8)
    time = source["b_mode_3d"].time
    film = Stream("b_mode_3d", values, time, ("time", "z", "y", "x"), "grey", grid)
    source = replace(source, streams={"b_mode_3d": film})
    protocol = open_protocol("lv_volume_3d", "corrected", domain="cartesian")
    case = protocol.open(source)
    assert isinstance(case, Case)
    assert case.geometry == grid
    item = protocol.item(case, Clip(0, 2))
    np.testing.assert_allclose(item["first_axis"], np.linspace(0, 0.1, 26), atol=1e-8)
    np.testing.assert_allclose(
        item["third_axis"], np.linspace(-0.05, 0.05, 27), atol=1e-8
    )
    with pytest.raises(NotProvidedError, match="not as beams"):
        open_protocol("lv_volume_3d", "corrected").open(source)


def test_what_is_not_admitted_has_a_reason():
    protocol = open_protocol("lv_volume_3d", "corrected")
    plain = Entry("r1", "p1", "test", frozenset({"b_mode_3d"}))
    assert protocol.admit(plain) == "It has no lv_mesh."
    assert protocol.admit(recording().entry) == ""
    with pytest.raises(InvalidArgumentError, match="must be positive"):
        open_protocol("lv_volume_3d", "corrected", stride=0)
    with pytest.raises(InvalidArgumentError, match="domain"):
        open_protocol("lv_volume_3d", "corrected", domain="polar")
    with pytest.raises(UnknownNameError):
        open_protocol("lv_volume_3d", "published")
