"""Blood flow: identities that hold at every point, and what the valves let through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.phantom.build import build_heart
from cardium.phantom.cavity import CavityFlow, off_axis, straight
from cardium.phantom.flow import Flow
from cardium.phantom.fluxes import Fluxes
from cardium.phantom.moment import states_of
from cardium.phantom.motion import Motion
from cardium.phantom.outflow import Outflow
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.population import sample_patient

PATIENTS = {
    "healthy": Patient(),
    "infarct": Patient(
        ef_percent=42,
        gls_percent=-12,
        conditions=("infarct",),
        infarct=Infarct("lad", 0.8),
    ),
    "mitral": sample_patient(3, conditions=("mitral_regurgitation",)),
    "aortic": sample_patient(3, conditions=("aortic_regurgitation",)),
    "amyloid": sample_patient(5, conditions=("amyloid",)),
}


@pytest.fixture(params=PATIENTS, scope="module")
def flow(request) -> Flow:
    heart = build_heart(PATIENTS[request.param])
    return Flow.of(heart, Motion.of(heart))


def moving_times(motion: Motion) -> list[float]:
    """Times of ejection, of both fillings, and between."""
    beat = motion.cycle.beats[0]
    (opens, shuts), (start, end), late = beat.ejection, beat.early, beat.late
    return [
        beat.r + 0.03,
        opens + 0.06,
        (opens + shuts) / 2,
        shuts - 0.03,
        start + 0.05,
        (start + end) / 2,
        (late[0] + late[1]) / 2,
    ]


def wall_points(motion: Motion, z, angle, time: float):
    """Endocardium at heights and angles of end-diastole."""
    lv = motion.ventricle
    radius = np.sqrt(lv.layer_radius_squared(z)) * (1 + 1e-12)
    rest = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)
    return motion.forward(lv.from_round(rest), time)


def cavity_points(flow: Flow, time: float, rng, n: int = 250):
    """Random points of the cavity, clear of its borders."""
    motion = flow.motion
    lv = motion.ventricle
    z = rng.uniform(0.06, 0.93, n) * lv.length
    wall = wall_points(motion, z, rng.uniform(-np.pi, np.pi, n), time)
    share = np.sqrt(rng.uniform(0.01, 0.9, n))[:, None]
    # Between the wall and the axis at the height of the wall.
    return wall * [1, 1, 0] * share + wall * [0, 0, 1]


def test_blood_is_incompressible(flow):
    rng, step = np.random.default_rng(1), 1e-6
    for time in moving_times(flow.motion):
        points = cavity_points(flow, time, rng)
        gradient = np.stack(
            [
                flow.velocity(points + side, time) - flow.velocity(points - side, time)
                for side in step * np.eye(3)
            ],
            axis=-1,
        ) / (2 * step)
        inside = np.isfinite(gradient).all(axis=(1, 2))
        assert inside.mean() > 0.9
        gradient = gradient[inside]
        size = np.sqrt((gradient**2).sum(axis=(1, 2)))
        divergence = abs(np.trace(gradient, axis1=1, axis2=2))
        assert (divergence <= 1e-5 * size + 1e-6).all()


def test_no_blood_goes_through_the_wall(flow):
    motion, rng = flow.motion, np.random.default_rng(2)
    z = rng.uniform(0.06, 0.97, 200) * motion.ventricle.length
    angle, step = rng.uniform(-np.pi, np.pi, 200), 1e-6
    for time in moving_times(motion):
        along, around, later = (
            (
                wall_points(motion, z + a, angle + b, time + c)
                - wall_points(motion, z - a, angle - b, time - c)
            )
            / (2 * step)
            for a, b, c in ((step, 0, 0), (0, step, 0), (0, 0, step))
        )
        normal = np.cross(around, along)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        wall = wall_points(motion, z, angle, time)
        blood = flow.velocity(wall - 1e-9 * normal, time)
        assert np.isfinite(blood).all()
        across = np.sum((blood - later) * normal, axis=1)
        assert abs(across).max() < 2e-6


def test_an_elliptic_section_changes_no_identity():
    heart = build_heart(PATIENTS["infarct"])
    oval = replace(heart.ventricle, eccentricity=1.15)
    motion = replace(Motion.of(heart), ventricle=oval)
    flow = Flow(heart, motion, Fluxes.of(heart.patient, motion))
    test_blood_is_incompressible(flow)
    test_no_blood_goes_through_the_wall(flow)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.98])
def test_the_flow_through_planes_is_the_loss_below_them(share):
    heart = build_heart(Patient())
    flow = Flow.of(heart, Motion.of(heart))
    motion, lv = flow.motion, heart.ventricle
    for time in moving_times(motion):
        (state,) = states_of(motion, np.array([time]))
        z = share * lv.length
        inner = float(lv.layer_radius_squared(np.array(z)))
        u = z / lv.long_axis - 1
        below = np.pi * lv.short_axis**2 * lv.long_axis * (u - u**3 / 3 + 2 / 3)
        stretch = 1 - state.shortening
        area = np.pi * inner * (1 - state.emptying) / stretch
        # Loss below the material height, and what its own movement sweeps.
        expected = state.emptying_rate * below - area * z * state.shortening_rate
        radius = np.sqrt(area / np.pi)
        at, weight = np.polynomial.legendre.leggauss(48)
        r, turn = np.meshgrid(radius * (at + 1) / 2, np.arange(64) * np.pi / 32)
        points = np.stack(
            [r * np.cos(turn), r * np.sin(turn), np.full(r.shape, z * stretch)], -1
        )
        points = lv.from_round(points)
        speed = flow.velocity(points.reshape(-1, 3), time)[:, 2].reshape(r.shape)
        through = (speed * r * weight * radius / 2).sum() * np.pi / 32
        assert through == pytest.approx(expected, rel=1e-6, abs=1e-10)


def test_what_leaves_through_both_valves_is_what_the_cavity_loses(flow):
    fluxes, motion = flow.fluxes, flow.motion
    beat = motion.cycle.beats[0]
    times = np.linspace(beat.r, beat.next_r, 20001)
    loss = -np.gradient(motion.volume(times), times)
    out = flow.aortic_flow(times) - flow.mitral_flow(times)
    np.testing.assert_allclose(out[1:-1], loss[1:-1], atol=2e-9)
    forward = fluxes.aortic_forward(times) + fluxes.mitral_leak(times)
    back = fluxes.mitral_forward(times) + fluxes.aortic_leak(times)
    np.testing.assert_allclose(forward - back, out, atol=1e-15)
    for part in (
        fluxes.aortic_forward(times),
        fluxes.mitral_forward(times),
        fluxes.aortic_leak(times),
        fluxes.mitral_leak(times),
    ):
        assert part.min() >= 0


@pytest.mark.parametrize("valve", ["mitral", "aortic"])
def test_a_leak_has_the_volume_and_speed_of_its_orifice(valve):
    patient = PATIENTS[valve]
    motion = Motion.of(build_heart(patient))
    fluxes = Fluxes.of(patient, motion)
    beat = motion.cycle.beats[0]
    times = beat.end_systole + np.linspace(0, beat.next_r - beat.r, 4001)
    leak, speed = (
        getattr(fluxes, f"{valve}_{name}")(times) for name in ("leak", "leak_speed")
    )
    volume, integral = np.trapezoid(leak, times), np.trapezoid(speed, times)
    orifice = getattr(patient, f"{valve}_regurgitant_orifice_cm2")
    assert 1e4 * volume / integral == pytest.approx(orifice, rel=1e-3)
    assert 1e6 * volume == pytest.approx(patient.regurgitant_volume_ml, rel=0.25)
    low, high = {"mitral": (4.5, 6.0), "aortic": (3.5, 4.5)}[valve]
    assert low < speed.max() < high
    assert speed.min() == 0


def test_the_convergence_on_a_leak_is_that_of_half_spheres():
    heart = build_heart(PATIENTS["mitral"])
    flow = Flow.of(heart, Motion.of(heart))
    time = sum(flow.motion.cycle.beats[0].ejection) / 2
    orifice = flow.mitral_orifice(time)
    leak = float(flow.fluxes.mitral_leak(np.array(time)))
    for radius in (0.005, 0.007):
        point = orifice - [0, 0, radius]
        tight = Flow(heart, flow.motion, Fluxes(flow.motion, 3e-4))
        extra = flow.velocity(point[None], time) - tight.velocity(point[None], time)
        speed = leak / (2 * np.pi * radius**2)
        # What else changes is the slow flow to the base, and less outflow.
        assert extra[0, 2] == pytest.approx(speed, abs=0.25)


def test_flow_through_tract_and_root_is_the_flow_of_the_valve():
    root = build_heart(Patient()).aorta
    axis, across = np.array(root.axis), np.array(root.across)
    for opening in (0.8e-4, 3.2e-4):
        out = Outflow(np.array(root.centre), root, 4e-4, opening)
        for along in (-0.009, -0.002, -0.0005, 0.0005, 0.012, 0.04):
            wall = float(out._radius(np.array([along]))[0])
            edges = np.linspace(0, wall, 8001)
            middle = (edges[1:] + edges[:-1]) / 2
            points = out.centre + along * axis + middle[:, None] * across
            speed = out.velocity(points) @ axis
            through = (speed * np.pi * np.diff(edges**2)).sum()
            assert through == pytest.approx(4e-4, rel=1e-4)
        jet = out.velocity((out.centre + 0.001 * axis)[None])[0] @ axis
        assert jet == pytest.approx(4e-4 / opening, rel=0.25)


def test_peaks_are_those_of_people():
    for number in (0, 1, 3, 8, 10):
        patient = sample_patient(number, conditions=())
        heart = build_heart(patient)
        flow = Flow.of(heart, Motion.of(heart))
        beat = flow.motion.cycle.beats[0]
        material = flow.motion.material(flow.inflow_place()[None])
        peaks = []
        for start, end in (beat.early, beat.late):
            time = (start + end) / 2
            velocity = flow.velocity(flow.position(material, time), time)
            peaks.append(-float(velocity[0, 2]))
        assert 0.4 < peaks[0] < 1.2
        assert 0.35 < peaks[1] < 1.1
        time = sum(beat.ejection) / 2
        out = flow.outflow(time)
        assert 0.6 < out.forward / out.tract_area < 1.4


def test_where_blood_moves(flow):
    lv, time = flow.motion.ventricle, flow.motion.cycle.beats[0].r
    aorta, atrium = flow.heart.aorta, flow.heart.left_atrium
    places = np.array(
        [
            [0, 0, lv.length / 2],
            aorta.centre,
            atrium.centre,
            [0, 0, -0.003],
            [lv.short_axis + 0.004, 0, 0.05],
            [-0.06, 0, 0.05],
        ]
    )
    assert flow.contains(places, time).tolist() == [True] * 3 + [False] * 3
    fast = flow.turbulence(places, sum(flow.motion.cycle.beats[0].ejection) / 2)
    assert (fast >= 0).all()
    assert fast[0] == 0 or flow.fluxes.aortic_orifice


def test_preparing_times_changes_nothing():
    heart = build_heart(Patient())
    times = np.array([0.1, 0.2, 0.5])
    one, other = (Flow.of(heart, Motion.of(heart)) for _ in range(2))
    one.prepare(times)
    points = np.array([[0.0, 0.0, 0.05], [0.004, 0.007, 0.07]])
    for time in times.tolist():
        np.testing.assert_array_equal(
            one.velocity(points, time), other.velocity(points, time)
        )


def test_a_course_is_where_it_is_said_to_be():
    assert off_axis(0.0) == 0
    heart = build_heart(Patient())
    motion = Motion.of(heart)
    cavity, state = CavityFlow(motion), states_of(motion, np.array([0.2]))[0]
    rate = state.emptying_rate
    middle = cavity.velocity(np.array([[0.0, 0.0, 0.07]]), state, [straight(rate)])
    assert middle[0, 2] > 0
    assert abs(middle[0, :2]).max() < 1e-12
