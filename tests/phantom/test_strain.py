from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom.acquisition import FIRST_R, begin, state_truth
from cardium.phantom.cycle import Cycle, Function
from cardium.phantom.motion import Motion
from cardium.phantom.outline import arc_length, outline
from cardium.phantom.patient import Patient
from cardium.phantom.region import Contraction, Region, Regions
from cardium.phantom.rhythm import Rhythm
from cardium.phantom.shapes import LeftVentricle
from cardium.phantom.strain import (
    SEGMENTS,
    global_longitudinal_strain,
    green_strain,
    lengthening,
    segment_of,
    segmental_strain,
    solve_shortening,
    wall_strain,
)

ROUND = LeftVentricle(0.05, 0.025, 0.0095, 0.64)
OVAL = replace(ROUND, septal_excess=0.004, eccentricity=1.05)
LAD = Region(0.9, 0.9, apex=1.0, end=0.5, azimuth=math.radians(-90))
LCX = Region(1.0, 1.0, azimuth=math.radians(30))
RCA = Region(1.0, 1.0, azimuth=math.radians(130))
AMYLOID = Region(0.0, 0.75, start=0.15, end=0.95)


def build(
    ventricle: LeftVentricle,
    emptying: float,
    shortening: float,
    *,
    twist: float = 0.16,
    regions: Regions = (),
) -> Motion:
    function = Function(65, emptying, shortening, twist, 0.6)
    return Motion(ventricle, Cycle(function, Rhythm.regular(65, beats=1)), regions)


def at_end_systole(motion: Motion) -> float:
    return motion.cycle.beats[0].end_systole


def test_the_tensor_of_a_known_gradient():
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1.0]])
    stretch = np.diag([1.1, 0.9, 1.0])
    expected = np.diag([0.105, -0.095, 0.0])
    np.testing.assert_allclose(green_strain(turn @ stretch), expected, atol=1e-15)
    np.testing.assert_allclose(lengthening(np.array([0.105, -0.095])), [0.1, -0.1])


def test_strain_at_the_equator_by_hand():
    """At the equator without twist all three directions are principal."""
    motion = build(ROUND, 0.6, 0.15, twist=0.0)
    lv, radius = motion.ventricle, 0.03
    strain = wall_strain(
        motion, np.array([radius, 0.0, lv.long_axis]), at_end_systole(motion)
    )
    k, along = 0.6, 0.85
    moved = math.sqrt((radius**2 - k * lv.short_axis**2) / along)
    around = moved / radius - 1
    found = [float(lengthening(part)) for part in strain[:3]]
    # Three lengths whose product is one: nothing of the wall is lost.
    np.testing.assert_allclose(
        found, [1 / (along * (1 + around)) - 1, around, along - 1], rtol=1e-12
    )
    np.testing.assert_allclose(strain[3:], 0, atol=1e-12)


def test_torsion_is_radius_times_rotation_per_length():
    motion = build(ROUND, 1e-9, 0.0, twist=0.16)
    radius, lv = 0.03, motion.ventricle
    strain = wall_strain(
        motion, np.array([0.0, radius, lv.long_axis]), at_end_systole(motion)
    )
    # The base turns from x to y against the apex: a positive shear of theta and z.
    assert float(strain.torsion) == pytest.approx(0.5 * radius * 0.16 / lv.length)


@pytest.mark.parametrize("regions", [(), (LCX,)])
@pytest.mark.parametrize("ventricle", [ROUND, OVAL])
def test_directions_are_those_of_the_layers(ventricle, regions):
    motion = build(ventricle, 0.4, 0.1, regions=regions)
    line = motion.contour(np.array([0.0]), layers=5, count=401, rotation=0.7)[0, 2]
    points = np.stack(
        [line[:, 0] * np.cos(0.7), line[:, 0] * np.sin(0.7), line[:, 1]], axis=-1
    )
    np.testing.assert_allclose(ventricle.layer_fraction(points), 0.5, atol=1e-9)
    radial, around, along = ventricle.wall_directions(points)
    for first, second in ((radial, around), (radial, along), (around, along)):
        np.testing.assert_allclose(np.sum(first * second, -1), 0, atol=1e-12)
    step = np.diff(points, axis=0)
    step /= np.linalg.norm(step, axis=-1, keepdims=True)
    middle = (radial[1:] + radial[:-1]) / 2
    assert abs(np.sum(step * middle, -1)).max() < 1e-3
    assert (radial[:, :2] * points[:, :2]).sum(-1).min() > -1e-12
    assert (along[20:180, 2] > 0).all()
    assert np.cross(points, around)[230:, 2].min() > 0


def test_longitudinal_strain_of_points_is_that_of_the_line():
    """Where nothing turns, the midwall's arc is made of its points' strains."""
    motion = build(ROUND, 0.5, 0.12, twist=0.0)
    es = at_end_systole(motion)
    line = ROUND.layer_points(0.5, 4001)
    middle = (line[1:] + line[:-1]) / 2
    points = np.stack([middle[:, 0], 0 * middle[:, 0], middle[:, 1]], -1)
    lengths = np.hypot(*np.diff(line, axis=0).T)
    strain = lengthening(wall_strain(motion, points, es).longitudinal)
    found = 100 * np.sum(strain * lengths) / lengths.sum()
    expected = global_longitudinal_strain(
        motion.contraction, emptying=0.5, shortening=0.12
    )
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("ventricle", "emptying", "gls", "regions"),
    [
        (ROUND, 0.62, -19.0, ()),
        (OVAL, 0.55, -15.0, ()),
        (OVAL, 0.40, -10.0, (LAD,)),
        (OVAL, 0.45, -12.0, (RCA,)),
        (OVAL, 0.50, -9.0, (AMYLOID,)),
    ],
)
def test_the_solved_shortening_gives_the_strain(ventricle, emptying, gls, regions):
    shortening = solve_shortening(
        ventricle,
        ejection_fraction=emptying,
        gls_percent=gls,
        regions=regions,
        twist=0.16,
    )
    motion = build(ventricle, emptying, shortening, regions=regions)
    truth = state_truth(motion, np.array([0.0, 0.2]))
    assert truth.gls_percent == pytest.approx(gls, abs=1e-5)
    assert truth.ef_percent == pytest.approx(100 * emptying, abs=1e-9)
    # By an independent route: the outlines of three planes, finer.
    changes = []
    for degrees in (0, -60, -120):
        lines = motion.contour(
            np.array([0.0, truth.es_time]),
            layers=3,
            count=4001,
            rotation=math.radians(degrees),
        )[:, 1]
        length = np.hypot(*np.moveaxis(np.diff(lines, axis=1), -1, 0)).sum(axis=1)
        changes.append(100 * (length[1] / length[0] - 1))
    assert np.mean(changes) == pytest.approx(gls, abs=1e-4)


def test_an_unreachable_strain_names_both_values():
    with pytest.raises(InvalidArgumentError, match=r"-2\.0 %.*fraction of 65 %"):
        solve_shortening(ROUND, ejection_fraction=0.65, gls_percent=-2.0)
    with pytest.raises(InvalidArgumentError, match="only"):
        solve_shortening(ROUND, ejection_fraction=0.3, gls_percent=-60.0)


def test_arc_lengths_are_those_of_the_outline():
    contraction = Contraction(OVAL, (LAD,))
    state, fractions = (0.3, 0.08, -0.1), np.array([0.0, 0.5])
    lines = outline(contraction, state, fractions=fractions, count=8001, rotation=1.0)
    exact = np.hypot(*np.moveaxis(np.diff(lines, axis=1), -1, 0)).sum(axis=1)
    found = arc_length(contraction, state, fractions=fractions, rotation=1.0)
    np.testing.assert_allclose(found, exact, rtol=5e-6)


def test_segments_are_numbered_as_the_guideline_has_them():
    names = ("anterior", "anteroseptal", "inferoseptal", "inferior", "inferolateral")
    middles = dict(zip(names, (-60, -120, 180, 120, 60), strict=True))
    middles["anterolateral"] = 0
    for level, height in (("basal", 0.9), ("mid", 0.5)):
        for name, degrees in middles.items():
            for aside in (-29, 0, 29):
                angle = math.radians(degrees + aside)
                at = [
                    0.03 * math.cos(angle),
                    0.03 * math.sin(angle),
                    height * ROUND.length,
                ]
                number = int(segment_of(ROUND, np.array(at)))
                assert SEGMENTS[number - 1] == f"{level}_{name}"
    for name, degrees in (
        ("anterior", -60),
        ("septal", -150),
        ("inferior", 120),
        ("lateral", 30),
    ):
        angle = math.radians(degrees + 40)
        at = [0.02 * math.cos(angle), 0.02 * math.sin(angle), 0.1 * ROUND.length]
        assert SEGMENTS[int(segment_of(ROUND, np.array(at))) - 1] == f"apical_{name}"
    assert len(SEGMENTS) == 17


def test_segments_of_an_infarct_strain_less_than_remote_ones():
    for region, dead, alive in (
        (
            LAD,
            ("mid_anterior", "mid_anteroseptal", "apical_anterior"),
            "mid_inferolateral",
        ),
        (LCX, ("mid_inferolateral", "mid_anterolateral"), "mid_anteroseptal"),
        (RCA, ("mid_inferior", "basal_inferior"), "mid_anterior"),
    ):
        motion = build(OVAL, 0.42, 0.11, regions=(region,))
        strain = segmental_strain(motion, np.array([at_end_systole(motion)]))[0]
        remote = strain[SEGMENTS.index(alive)]
        for name in dead:
            infarct = strain[SEGMENTS.index(name)]
            assert abs(infarct[2]) < 0.3 * abs(remote[2])
            assert infarct[0] < 0.3 * remote[0]
            assert infarct[1] > remote[1] + 5


def test_amyloid_spares_the_apex():
    motion = build(replace(ROUND, wall=0.015), 0.5, 0.12, regions=(AMYLOID,))
    strain = segmental_strain(motion, np.array([at_end_systole(motion)]))[0, :, 2]
    ratio = strain[12:16].mean() / (strain[:6].mean() + strain[6:12].mean())
    assert ratio > 1
    healthy = build(replace(ROUND, wall=0.015), 0.5, 0.12)
    strain = segmental_strain(healthy, np.array([at_end_systole(healthy)]))[0, :, 2]
    assert strain[12:16].mean() / (strain[:6].mean() + strain[6:12].mean()) < 0.7


def test_means_of_segments_are_those_of_many_points():
    motion = build(OVAL, 0.45, 0.11, regions=(LCX,))
    es, rng = at_end_systole(motion), np.random.default_rng(0)
    box = rng.uniform([-0.045, -0.045, 0], [0.045, 0.045, OVAL.length], (400_000, 3))
    radius, theta, z = OVAL.cylindrical(box)
    wall = (OVAL.epicardial_level(radius, z, theta=theta) < 1) & (
        radius**2 > OVAL.layer_radius_squared(z)
    )
    points = box[wall]
    number = segment_of(OVAL, points)
    strain = wall_strain(motion, points, es)
    found = segmental_strain(motion, np.array([es]))[0]
    for k in range(1, 17):
        inside = number == k
        for column in range(3):
            mean = 100 * lengthening(strain[column][inside]).mean()
            assert found[k - 1, column] == pytest.approx(mean, abs=0.8)


def test_the_truth_of_an_examination():
    scene = begin(Patient(heart_rate=60), what="b_mode 4ch", beats=3)
    motion, beats = scene.motion, scene.motion.cycle.beats
    times = np.linspace(FIRST_R, beats[-1].next_r, 200)
    truth = state_truth(motion, times)
    assert truth.ed_time == FIRST_R
    volume = truth.volume_ml
    assert truth.edv_ml == pytest.approx(120)
    assert truth.beat_esv_ml[0] == truth.esv_ml == pytest.approx(volume.min(), abs=0.2)
    np.testing.assert_allclose(
        truth.beat_ef_percent, 100 * (1 - truth.beat_esv_ml / truth.beat_edv_ml)
    )
    order = [
        truth.mitral_closes,
        truth.aortic_opens,
        truth.aortic_closes,
        truth.mitral_opens,
    ]
    assert (np.diff(order, axis=0) > 0).all()
    # While all valves are shut the volume stands still; then it does not.
    for shut, opened in ((order[0], order[1]), (order[2], order[3])):
        across = motion.volume(opened) - motion.volume(shut)
        assert abs(across).max() < 1e-12
    assert truth.myocardial_mass_g == pytest.approx(
        1.05e6 * motion.ventricle.myocardial_volume
    )
    assert truth.twist_degrees == pytest.approx(
        math.degrees(motion.cycle.function.twist), rel=1e-6
    )
    at_es = state_truth(motion, np.array([truth.es_time]))
    assert at_es.midwall_strain[0] > at_es.endocardial_strain[0]
    assert truth.gls_endocardial_percent < truth.gls_percent < 0


def test_the_annulus_moves_as_points_of_it_do():
    motion = build(OVAL, 0.42, 0.11, regions=(LCX,))
    beat = motion.cycle.beats[0]
    truth = state_truth(motion, np.array([0.2]))
    times = np.linspace(beat.r, beat.next_r, 2001)
    contour = motion.contour(times, layers=3, count=3)
    ways = contour[0, 1, [0, -1], 1] - contour[:, 1, [0, -1], 1]
    assert truth.mapse_mm == pytest.approx(1e3 * ways.max(axis=0).mean(), rel=0.02)
    rates = 100 * np.gradient(ways, times, axis=0)
    systole = (times > beat.ejection[0]) & (times < beat.ejection[1])
    early = (times > beat.early[0]) & (times < beat.early[1])
    np.testing.assert_allclose(truth.s_prime, rates[systole].max(0), rtol=0.03)
    np.testing.assert_allclose(truth.e_prime, -rates[early].min(0), rtol=0.03)
    # The lateral wall is the infarct: its annulus, the second, hardly moves.
    assert truth.s_prime[1] < 0.5 * truth.s_prime[0]
    assert (truth.a_prime > 0).all()


def test_segment_peaks_are_the_greatest_of_the_beat():
    motion = build(OVAL, 0.5, 0.13, regions=(RCA,))
    beat = motion.cycle.beats[0]
    strain = segmental_strain(motion, np.linspace(beat.r, beat.next_r, 121))
    peaks = state_truth(motion, np.array([0.2])).segment_peaks
    assert peaks.shape == (17, 3)
    normal = [k for k in range(16) if strain[:, k, 2].min() < -5]
    np.testing.assert_allclose(peaks[normal, 2], strain[:, normal, 2].min(0), atol=0.1)
    np.testing.assert_allclose(peaks[normal, 0], strain[:, normal, 0].max(0), atol=0.4)


def test_without_an_atrial_kick_there_is_no_a_wave():
    patient = Patient(rhythm="atrial_fibrillation")
    truth = state_truth(
        begin(patient, what="b_mode 4ch", beats=2).motion, np.array([0.2])
    )
    assert np.isnan(truth.a_prime).all()
    assert (truth.e_prime > 0).all()
