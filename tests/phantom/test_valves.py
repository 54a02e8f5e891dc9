from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.phantom.build import build_heart
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.rhythm import Rhythm, draw_rhythm
from cardium.phantom.valves import (
    FLAPS,
    Flaps,
    Leaflets,
    leaflets,
    openings,
    valve_times,
)


def flaps(kind: str, place, along) -> Flaps:
    place, along = np.broadcast_arrays(
        np.atleast_1d(np.asarray(place, np.float32)), np.asarray(along, np.float32)
    )
    none = np.zeros(place.shape, np.float32)
    kinds = np.full(place.shape, FLAPS.index(kind), np.uint8)
    return Flaps(kinds, place.copy(), along.copy(), none, none)


def scene(**changes) -> Leaflets:
    heart = build_heart(Patient(**changes))
    return leaflets(heart, Motion.of(heart))


PLACES = np.linspace(-0.9, 0.9, 19)


@pytest.mark.parametrize("kind", ["sinus", "atrial_fibrillation", "ectopy"])
def test_valves_follow_the_events_of_every_beat(kind):
    patient = Patient(rhythm=kind, heart_rate=80)
    rhythm = draw_rhythm(patient, beats=8, first_r=0.1, rng=np.random.default_rng(1))
    cycle = Motion.of(build_heart(patient), rhythm).cycle
    for beat, times in zip(cycle.beats, valve_times(cycle), strict=True):
        assert list(times) == sorted(times)
        shut = [
            *np.linspace(times.mitral_closure, times.aortic_opening, 9),
            *np.linspace(times.aortic_closure, times.mitral_opening, 9),
        ]
        for time in shut:
            assert openings(cycle, time) == (0, 0, 0, 0), time
        ejecting = openings(cycle, sum(beat.ejection) / 2)
        assert ejecting == pytest.approx((0, 1, 0, 1))
        filling = [openings(cycle, t) for t in np.linspace(*beat.early, 60)]
        assert max(wide.mitral for wide in filling) > 0.8
        assert max(wide.aortic for wide in filling) == 0


def test_the_mitral_valve_opens_twice_in_sinus_rhythm():
    cycle = Motion.of(build_heart(Patient(heart_rate=55))).cycle
    beat = cycle.beats[0]
    times = np.linspace(beat.early[0], beat.next_r, 400)
    course = np.array([openings(cycle, t).mitral for t in times])
    rising = np.diff(course) > 1e-9
    assert np.count_nonzero(np.diff(rising.astype(int)) == 1) + rising[0] == 2
    assert course.max() == pytest.approx(1)


def test_openings_are_continuous():
    cycle = Motion.of(
        build_heart(Patient(heart_rate=95)), Rhythm.regular(95, beats=4)
    ).cycle
    times = np.arange(0, 2, 0.0005)
    course = np.array([openings(cycle, t) for t in times])
    assert abs(np.diff(course, axis=0)).max() < 0.06


@pytest.mark.parametrize("pair", [("mitral_anterior", "mitral_posterior")])
def test_shut_leaflets_meet_and_hang_together(pair):
    valves = scene()
    time = 0.03
    first, second = (valves.position(flaps(k, PLACES, 1.0), time) for k in pair)
    np.testing.assert_allclose(first, second, atol=0.0008)
    np.testing.assert_allclose(first[:, :2], second[:, :2], atol=1e-9)
    # They meet below the ring, between it and the apex.
    assert (first[:, 2] < valves.heart.ventricle.length - 0.002).all()
    late = 0.3
    first, second = (valves.position(flaps(k, PLACES, 1.0), late) for k in pair)
    np.testing.assert_allclose(first[:, :2], second[:, :2], atol=1e-9)


def test_open_leaflets_are_apart():
    valves = scene()
    beat = valves.motion.cycle.beats[0]
    time = beat.early[0] + 0.06
    first, second = (
        valves.position(flaps(k, 0.0, 1.0), time)
        for k in ("mitral_anterior", "mitral_posterior")
    )
    assert np.linalg.norm(first - second) > 0.012


@pytest.mark.parametrize("time", [0.0, 0.2, 0.45, 0.6])
def test_leaflets_hinge_on_the_moving_ring(time):
    valves = scene(number=2)
    ring = valves.heart.mitral
    turn = np.linspace(0, 2 * math.pi, 4001)
    moved = valves.motion.forward(ring.points(turn), time)
    for kind in ("mitral_anterior", "mitral_posterior"):
        hinge = valves.position(flaps(kind, PLACES, 0.0), time)
        away = np.linalg.norm(hinge[:, None] - moved, axis=-1).min(axis=1)
        assert away.max() < 0.0005
    # The anterior leaflet is the one beside the aorta.
    middle = valves.position(flaps("mitral_anterior", 0.0, 0.0), 0.0)[0]
    x, y, _ = valves.heart.ventricle.to_round(middle)
    angle = math.degrees(math.atan2(y, x))
    assert angle == pytest.approx(-120, abs=4)


def test_cusps_hinge_on_the_annulus_at_their_lowest_point():
    valves = scene()
    root = valves.heart.aorta
    for number, kind in enumerate(("aortic_right", "aortic_left", "aortic_non")):
        nadir = valves.position(flaps(kind, 0.0, 0.0), 0.0) - np.array(root.centre)
        nadir = nadir.reshape(3)
        assert nadir @ np.array(root.axis) == pytest.approx(0, abs=1e-6)
        assert np.linalg.norm(nadir) == pytest.approx(root.annulus, rel=1e-6)
        turn = np.cross(root.axis, root.across) @ nadir, np.array(root.across) @ nadir
        angle = math.degrees(math.atan2(*turn)) % 360
        assert angle == pytest.approx(120 * number, abs=1e-3)


def test_shut_cusps_make_a_star_of_three_rays():
    valves = scene()
    root = valves.heart.aorta
    axis, first = np.array(root.axis), np.array(root.across)
    edges = np.concatenate(
        [
            valves.position(flaps(kind, np.linspace(-1, 1, 41), 1.0), 0.0)
            for kind in ("aortic_right", "aortic_left", "aortic_non")
        ]
    )
    flat = edges - np.array(root.centre)
    u, v = flat @ first, flat @ np.cross(axis, first)
    radius, turn = np.hypot(u, v), np.degrees(np.arctan2(v, u)) % 120
    np.testing.assert_allclose(turn[radius > 1e-5], 60, atol=0.01)
    assert valves.orifice(0.0) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("area", [0.7, 1.2, 2.6, 3.2])
def test_the_aortic_valve_opens_to_the_area_of_the_patient(area):
    sick = {"conditions": ("aortic_stenosis",)} if area < 2 else {}
    valves = scene(aortic_valve_area_cm2=area, **sick)
    start, end = valves.motion.cycle.beats[0].ejection
    widest = max(valves.orifice(t) for t in np.linspace(start, end, 40))
    assert 1e4 * widest == pytest.approx(area, rel=0.01)


def test_stenosed_cusps_are_thick_and_bright():
    rng = np.random.default_rng(0)
    drawn = []
    for changes in (
        {},
        {"conditions": ("aortic_stenosis",), "aortic_valve_area_cm2": 0.9},
    ):
        cloud = scene(**changes).draw(4e9, rng)
        cusp = cloud.kind == FLAPS.index("aortic_left")
        drawn.append((abs(cloud.offset[cusp]).max(), cloud.level[cusp].mean()))
    (thin, plain), (thick, bright) = drawn
    assert thick > 2 * thin
    assert bright > plain + 3


def test_scatterers_fill_all_flaps_in_proportion_to_the_density():
    valves = scene()
    few, many = (
        valves.draw(density, np.random.default_rng(3)) for density in (2e9, 8e9)
    )
    assert set(few.kind) == set(range(len(FLAPS)))
    assert len(many.kind) / len(few.kind) == pytest.approx(4, rel=0.05)
    again = valves.draw(2e9, np.random.default_rng(3))
    for one, other in zip(few, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_chordae_lead_from_the_muscles_to_the_edges():
    valves = scene()
    cord = flaps("chordae_anterior", [-0.35, 0.35], [0.0, 0.0])
    tips = [valves.heart.papillaries[m].second.end for m in (0, 1)]
    np.testing.assert_allclose(valves.position(cord, 0.0), tips, atol=1e-9)
    cord = flaps("chordae_anterior", [-0.35, 0.35], [1.0, 1.0])
    edge = flaps("mitral_anterior", [-0.35, 0.35], [1.0, 1.0])
    np.testing.assert_allclose(
        valves.position(cord, 0.3), valves.position(edge, 0.3), atol=1e-9
    )


def test_velocity_is_the_derivative_of_position():
    valves = scene()
    cloud = valves.draw(5e8, np.random.default_rng(0))
    times = np.linspace(0.46, 0.466, 61)
    path = np.stack([valves.position(cloud, t) for t in times])
    travelled = np.trapezoid(
        np.stack([valves.velocity(cloud, t) for t in times]), times, axis=0
    )
    np.testing.assert_allclose(travelled, path[-1] - path[0], atol=1e-4)


def test_flaps_stay_in_the_heart():
    valves = scene(number=4)
    cloud = valves.draw(1e9, np.random.default_rng(0))
    mitral = Flaps(*(column[cloud.kind < 2] for column in cloud))
    lv = valves.heart.ventricle
    for time in np.linspace(0, 0.9, 19):
        rest = valves.motion.inverse(valves.position(mitral, time), time)
        radius, _, z = lv.cylindrical(rest)
        inside = radius**2 < 1.06 * lv.layer_radius_squared(np.minimum(z, lv.length))
        assert inside.mean() > 0.995
