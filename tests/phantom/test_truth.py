from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import Sector, SectorVolume
from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import Acquisition, begin
from cardium.phantom.anatomy import TISSUES
from cardium.phantom.build import build_heart
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement
from cardium.phantom.strain import lengthening, wall_strain
from cardium.phantom.truth import chamber_volumes, dense_truth

FAN = Sector((0.01, 0.13), (-0.55, 0.55), (61, 41))
SOLID = SectorVolume((0.01, 0.12), (-0.5, 0.5), (-0.4, 0.4), (5, 7, 31))
TIMES = np.array([0.1, 0.25, 0.45])


@pytest.fixture(scope="module")
def scene() -> Acquisition:
    return begin(Patient(), what="b_mode 4ch", beats=1)


@pytest.fixture(scope="module")
def placement() -> Placement:
    return Placement.apical(apex=(0.004, 0.03), tilt=0.08, rotation=-0.6)


@pytest.mark.parametrize("geometry", [FAN, SOLID])
def test_streams_have_the_axes_of_the_samples(scene, placement, geometry):
    films = dense_truth(scene, placement, geometry, TIMES)
    assert set(films) == {
        "tissue",
        "velocity",
        "beam_velocity",
        "displacement",
        "strain",
    }
    for film in films.values():
        assert film.geometry is geometry
        values = film.load()
        assert values.shape == film.shape
        assert values.dtype == film.values.dtype
        assert film.shape[-len(geometry.shape) :] == geometry.shape
        np.testing.assert_array_equal(film.values[1:3], values[1:3])
    assert films["tissue"].coords["label"] == TISSUES


@pytest.mark.parametrize("geometry", [FAN, SOLID])
def test_the_tissue_is_that_of_the_material(scene, placement, geometry):
    films = dense_truth(scene, placement, geometry, TIMES)
    parts = geometry.points()
    points = np.stack(
        parts if len(parts) == 3 else (parts[0], 0 * parts[0], parts[1]), axis=-1
    )
    for k, time in enumerate(TIMES):
        rest = scene.motion.inverse(placement.to_heart(points), time)
        expected = scene.heart.classify(rest)
        np.testing.assert_array_equal(films["tissue"].values[k : k + 1][0], expected)


def test_velocity_is_the_change_of_displacement(scene, placement):
    """Follow material by the displacement: it arrives where its velocity leads."""
    films = dense_truth(scene, placement, FAN, np.array([0.25]))
    tissue = films["tissue"].load()[0]
    muscle = tissue == TISSUES.index("myocardium")
    x, z = FAN.points()
    now = np.stack([x, 0 * x, z], axis=-1)[muscle]
    velocity = np.moveaxis(films["velocity"].load()[0], 0, -1)[muscle]
    shift = np.moveaxis(films["displacement"].load()[0], 0, -1)[muscle]
    rest = placement.to_heart(now - shift)
    step = 1e-4
    ahead, behind = (
        placement.to_image(scene.motion.forward(rest, 0.25 + s)) for s in (step, -step)
    )
    np.testing.assert_allclose((ahead + behind) / 2, now, atol=2e-7)
    np.testing.assert_allclose((ahead - behind) / (2 * step), velocity, atol=1e-4)


def test_velocity_is_positive_towards_the_probe(scene, placement):
    films = dense_truth(scene, placement, FAN, np.array([0.25]))
    muscle = films["tissue"].load()[0] == TISSUES.index("myocardium")
    towards = films["beam_velocity"].load()[0]
    # In systole the base comes towards the apex, where the probe is.
    assert towards[muscle][-50:].mean() > 0.02
    angle = FAN.angles
    beams = np.stack([np.sin(angle), 0 * angle, np.cos(angle)])
    expected = -np.einsum("cra,ca->ra", films["velocity"].load()[0], beams)
    np.testing.assert_allclose(towards, expected, atol=1e-7)


def test_beams_of_a_volume_have_their_own_direction(scene, placement):
    films = dense_truth(scene, placement, SOLID, np.array([0.25]))
    expected = -np.einsum(
        "cear,eac->ear", films["velocity"].load()[0], SOLID.directions()
    )
    np.testing.assert_allclose(films["beam_velocity"].load()[0], expected, atol=1e-7)


def test_strain_is_that_of_the_wall_and_nowhere_else(scene, placement):
    films = dense_truth(scene, placement, FAN, np.array([0.1, 0.4]))
    tissue, strain = films["tissue"].load(), films["strain"].load()
    muscle = tissue == TISSUES.index("myocardium")
    assert np.isnan(np.moveaxis(strain, 1, -1)[~muscle]).all()
    assert np.isfinite(np.moveaxis(strain, 1, -1)[muscle]).all()
    assert abs(np.moveaxis(strain[:1], 1, -1)[muscle[:1]]).max() < 0.01
    radial, circumferential, longitudinal = np.moveaxis(strain[1], 0, 0)[:, muscle[1]]
    assert radial.mean() > 20
    assert circumferential.mean() < -5
    assert longitudinal.mean() < -10
    x, z = FAN.points()
    points = placement.to_heart(np.stack([x, 0 * x, z], axis=-1)[muscle[1]])
    parts = wall_strain(scene.motion, scene.motion.inverse(points, 0.4), 0.4)
    np.testing.assert_allclose(
        longitudinal, 100 * lengthening(parts.longitudinal), atol=1e-4
    )


def test_blood_has_no_tissue_velocity(scene, placement):
    films = dense_truth(scene, placement, FAN, np.array([0.3]))
    cavity = films["tissue"].load()[0] == TISSUES.index("lv_cavity")
    assert cavity.sum() > 200
    assert np.isnan(films["velocity"].load()[0][:, cavity]).all()
    assert np.isnan(films["displacement"].load()[0][:, cavity]).all()
    muscle = films["tissue"].load()[0] == TISSUES.index("myocardium")
    assert np.isfinite(films["velocity"].load()[0][:, muscle]).all()


def test_a_film_is_worked_out_frame_by_frame(scene, placement, monkeypatch):
    films = dense_truth(scene, placement, SOLID, np.linspace(0.1, 0.9, 50))
    asked = []
    kind = type(films["tissue"].values.frames)
    work_out = kind._work_out

    def count(frames, time):
        asked.append(time)
        return work_out(frames, time)

    monkeypatch.setattr(kind, "_work_out", count)
    films["tissue"].values[3:5]
    for name in ("velocity", "strain", "tissue"):
        films[name].values[7:8]
    # Two frames, and one that three films share.
    assert len(asked) == 3
    assert math.isclose(asked[-1], films["tissue"].time[7])


@pytest.mark.parametrize(
    ("patient", "low", "high"),
    [
        (Patient(), 48, 56),
        (Patient(number=4, ef_percent=66, gls_percent=-22), 40, 65),
        (Patient(ef_percent=25, gls_percent=-8, edv_ml=220), 15, 25),
    ],
)
def test_the_right_ventricle_empties_with_the_left(patient, low, high):
    heart = build_heart(patient)
    motion = Motion.of(heart)
    beat = motion.cycle.beats[0]
    times = np.array([0.0, *np.linspace(0.06, beat.end_systole, 9), beat.next_r])
    volume = chamber_volumes(heart, motion, "rv", times)
    assert volume[0] == pytest.approx(heart.chamber_volume("rv", step=0.001), rel=0.02)
    assert volume[-1] == pytest.approx(volume[0], rel=1e-6)
    assert (np.diff(volume[1:-1]) < 0).all()
    assert low < 100 * (1 - volume[-2] / volume[0]) < high
    # Atria fill while the base comes down.
    for name in ("la", "ra"):
        rest, filled = chamber_volumes(heart, motion, name, times[[0, -2]])
        assert 1.02 < filled / rest < 1.35


def test_the_volume_of_a_chamber_is_what_counting_finds():
    heart = build_heart(Patient())
    motion = Motion.of(heart)
    time = motion.cycle.beats[0].end_systole
    side = 0.002
    x, y = np.arange(-0.08, 0.03, side), np.arange(-0.075, 0.05, side)
    z = np.arange(-0.01, 0.13, side)
    cubes = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)
    tissue = heart.classify(motion.inverse(cubes, time))
    counted = (tissue == TISSUES.index("rv_cavity")).sum() * side**3
    (found,) = chamber_volumes(heart, motion, "rv", np.array([time]))
    assert found == pytest.approx(counted, rel=0.02)
    (left,) = chamber_volumes(heart, motion, "lv", np.array([time]))
    assert left == motion.volume(np.array(time))
    with pytest.raises(UnknownNameError, match="chamber"):
        chamber_volumes(heart, motion, "xx", np.array([time]))
