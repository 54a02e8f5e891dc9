from __future__ import annotations

import math

import numpy as np
import pytest

from cardium.core import STRUCTURES
from cardium.errors import UnknownNameError
from cardium.phantom.anatomy import BLOOD, ECHO_CLASSES, ECHOGENICITY_DB, TISSUES, Heart
from cardium.phantom.build import build_heart
from cardium.phantom.chambers import Ring
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.region import Contraction
from cardium.phantom.strain import global_longitudinal_strain

PATIENTS = {
    "healthy": Patient(),
    "hypertrophic": Patient(
        number=3,
        conditions=("hypertrophic",),
        wall_mm=14,
        septal_excess_mm=5,
    ),
    "small": Patient(number=8, sex="female", height_cm=158, weight_kg=52, edv_ml=75),
}


@pytest.fixture(params=PATIENTS)
def heart(request) -> Heart:
    return build_heart(PATIENTS[request.param])


_AMYLOID = {
    "conditions": ("amyloid",),
    "wall_mm": 15,
    "ef_percent": 50,
    "gls_percent": -12,
    "diastolic_grade": 2,
    "age": 74,
}


def grid(heart: Heart, step: float = 0.0012) -> np.ndarray:
    side = np.arange(-0.05, 0.05, step) + step / 3
    # The base lies between two layers.
    height = heart.ventricle.length + (np.arange(-110, 20) + 0.5) * step
    return np.stack(np.meshgrid(side, side, height, indexing="ij"), axis=-1)


def at(angle: float, radius: float, z: float) -> tuple[float, float, float]:
    turn = math.radians(angle)
    return radius * math.cos(turn), radius * math.sin(turn), z


def names(heart: Heart, points) -> list[str]:
    return [TISSUES[code] for code in heart.classify(np.array(points, float))]


def test_tissues_begin_with_the_structures_and_all_have_a_level():
    assert TISSUES[: len(STRUCTURES)] == STRUCTURES
    assert ECHO_CLASSES[: len(TISSUES)] == TISSUES
    assert set(ECHOGENICITY_DB) == set(ECHO_CLASSES)
    assert len(set(ECHO_CLASSES)) == len(ECHO_CLASSES)


def test_classified_ventricle_is_the_one_of_the_closed_form(heart):
    points, lv = grid(heart), heart.ventricle
    tissue = heart.classify(points)
    assert tissue.dtype == np.uint8
    radius, theta, z = lv.cylindrical(points)
    inside = z <= lv.length
    cavity = inside & (radius**2 < lv.layer_radius_squared(z))
    wall = inside & (lv.epicardial_level(radius, z, theta=theta) <= 1) & ~cavity
    np.testing.assert_array_equal(tissue == TISSUES.index("lv_cavity"), cavity)
    np.testing.assert_array_equal(tissue == TISSUES.index("myocardium"), wall)


def test_classified_volumes_match_the_closed_form(heart):
    step = 0.0012
    count = np.bincount(heart.classify(grid(heart, step)).ravel())
    lv = heart.ventricle
    for name, volume in (
        ("lv_cavity", lv.cavity_volume),
        ("myocardium", lv.myocardial_volume),
    ):
        counted = count[TISSUES.index(name)] * step**3
        assert counted == pytest.approx(volume, rel=0.004)


def test_every_wall_has_its_neighbour(heart):
    lv = heart.ventricle
    half, base = 0.6 * lv.length, lv.length
    rim = math.sqrt(lv.layer_radius_squared(np.array(half), fraction=1.0))
    septum = lv.septal_excess + 0.02
    assert names(heart, [at(-160, rim + septum, half)]) == ["rv_cavity"]
    free = [at(angle, rim + 0.015, half) for angle in (0, 60)]
    assert names(heart, free) == ["background"] * 2
    assert names(heart, [at(60, 0.008, base + 0.02)]) == ["la_cavity"]
    assert names(heart, [at(180, rim + 0.012, base + 0.012)]) == ["ra_cavity"]
    root = np.array(heart.aorta.centre) + 0.02 * np.array(heart.aorta.axis)
    assert names(heart, [root]) == ["aorta"]
    assert math.degrees(math.atan2(root[1], root[0])) == pytest.approx(-120)
    # In the parasternal view the outflow tract is in front of the aorta.
    front = at(-110, np.hypot(*root[:2]) + 0.028, base + 0.004)
    assert names(heart, [front]) == ["rv_cavity"]


def test_the_right_apex_does_not_reach_the_left_one(heart):
    points = grid(heart)
    right = points[heart.classify(points) == TISSUES.index("rv_cavity")]
    assert right[:, 2].min() > 0.1 * heart.ventricle.length


def test_blood_goes_from_chamber_to_chamber(heart):
    """From ventricle to aorta, atrium and the right side: no wall in the way."""
    blood = [TISSUES.index(name) for name in BLOOD]
    base = heart.ventricle.length
    lines = {
        "mitral": np.linspace(at(60, 0.006, base - 0.02), at(60, 0.006, base + 0.02)),
        "aortic": np.linspace(
            at(-120, 0.010, base - 0.01),
            np.array(heart.aorta.centre) + 0.03 * np.array(heart.aorta.axis),
        ),
        "tricuspid": np.array(heart.tricuspid.centre)
        + np.linspace(-0.006, 0.015)[:, None] * np.array([0.0, 0.0, 1.0]),
        "pulmonary": np.linspace(
            heart.right_ventricle.outflow.start, heart.right_ventricle.trunk.end
        ),
    }
    for name, line in lines.items():
        assert np.isin(heart.classify(line), blood).all(), name


def test_atria_are_apart(heart):
    left, right = np.array(heart.left_atrium.centre), heart.right_atrium.centre
    between = names(heart, np.linspace(left, right, 400))
    assert between[0] == "la_cavity"
    assert between[-1] == "ra_cavity"
    assert "la_wall" in between
    wall = np.linalg.norm(left - right) / 399 * between.count("la_wall")
    assert 0.0005 < wall < 0.006


def test_papillary_muscles_echo_but_belong_to_the_cavity(heart):
    lv = heart.ventricle
    for muscle, angle in zip(heart.papillaries, (22, 130), strict=True):
        neck = np.array(muscle.body.end)
        assert names(heart, [neck]) == ["lv_cavity"]
        assert ECHO_CLASSES[heart.echo_class(neck)] == "papillary_muscle"
        x, y, _ = lv.to_round(neck)
        assert math.degrees(math.atan2(y, x)) == pytest.approx(angle, abs=6)
    points = grid(heart)
    echo, tissue = heart.echo_class(points), heart.classify(points)
    outer = tissue != TISSUES.index("lv_cavity")
    muscle = np.isin(echo, [16, 17])
    assert not (muscle & outer).any()
    # The ragged border is some millimetres thick at most.
    ragged = points[echo == ECHO_CLASSES.index("lv_trabeculae")]
    radius, _, z = lv.cylindrical(ragged)
    middle = abs(z / lv.length - 0.6) < 0.2
    inner = np.sqrt(lv.layer_radius_squared(z[middle]))
    assert 0.001 < (inner - radius[middle]).max() < 0.005


def test_chambers_have_physiological_volumes():
    heart = build_heart(Patient())
    volumes = {
        name: 1e6 * heart.chamber_volume(name, step=0.002)
        for name in ["la", "rv", "ra"]
    }
    assert 30 < volumes["la"] < 60
    assert 90 < volumes["rv"] < 180
    assert 35 < volumes["ra"] < 75
    assert heart.chamber_volume("lv") == pytest.approx(120e-6, rel=1e-12)
    with pytest.raises(UnknownNameError, match="chamber"):
        heart.chamber_volume("aorta")


def test_an_ellipsoid_would_be_counted_right():
    """Counting meets the closed form of the left ventricle to 0.3 %."""
    heart = build_heart(Patient())
    counted = len(heart.chamber_points("lv", step=0.0015)) * 0.0015**3
    assert counted == pytest.approx(heart.ventricle.cavity_volume, rel=0.003)


def test_disease_enlarges_and_thickens():
    def volume(name: str, **changes) -> float:
        return build_heart(Patient(**changes)).chamber_volume(name, step=0.002)

    healthy = volume("la")
    assert volume("la", rhythm="atrial_fibrillation") > 1.3 * healthy
    assert volume("la", diastolic_grade=2, gls_percent=-16) > 1.2 * healthy
    assert volume("ra", rhythm="atrial_fibrillation") > 1.2 * volume("ra")
    amyloid = build_heart(Patient(**_AMYLOID))
    assert amyloid.right_ventricle.wall > 0.006
    assert amyloid.atrial_septum > 0.005


def test_the_scar_is_brighter_than_the_muscle_across():
    infarct = Patient(
        conditions=("infarct",),
        infarct=Infarct("rca", 0.8),
        ef_percent=45,
        gls_percent=-13,
    )
    heart = build_heart(infarct)
    lv = heart.ventricle
    z = 0.7 * lv.length
    middle = math.sqrt(lv.layer_radius_squared(np.array(z), fraction=0.5))
    points = lv.from_round(np.array([at(a, middle, z) for a in (130, -50)]))
    scar, far = heart.echogenicity(points, heart.classify(points))
    assert scar > far + 2


def test_the_lung_is_darker_than_the_tissue_over_the_apex():
    heart = build_heart(Patient())
    points = np.array([[0.0, 0.0, -0.018], at(20, 0.09, 0.05)])
    codes = heart.classify(points)
    assert (codes == 0).all()
    over, lung = heart.echogenicity(points, codes)
    assert lung < over - 5


def test_same_patient_same_heart_at_every_visit():
    assert build_heart(Patient(number=5)) == build_heart(Patient(number=5))
    assert build_heart(Patient(number=5)) != build_heart(Patient(number=6))
    first, second = (build_heart(Patient(number=5, visit=v)) for v in (0, 1))
    for name in ("ventricle", "aorta", "left_atrium", "texture", "papillaries"):
        assert getattr(first, name) == getattr(second, name)


@pytest.mark.parametrize("number", range(8))
def test_the_heart_has_the_numbers_of_its_patient(number):
    patient = Patient(number=number, edv_ml=90 + 10 * number, ef_percent=58)
    heart = build_heart(patient)
    function = heart.function
    assert 1e6 * heart.ventricle.cavity_volume == pytest.approx(patient.edv_ml)
    assert function.ejection_fraction == pytest.approx(0.58)
    strain = global_longitudinal_strain(
        Contraction(heart.ventricle, ()),
        emptying=0.58,
        shortening=function.shortening,
        twist=-function.twist,
    )
    assert strain == pytest.approx(patient.gls_percent, abs=1e-3)


def test_a_round_ring_has_the_area_and_the_middle_of_a_circle():
    ring = Ring((0.01, 0.0, 0.08), (0.02, 0.0, 0.0), (0.0, 0.01, 0.0))
    assert ring.area == pytest.approx(math.pi * 0.02 * 0.01)
    assert ring.centre == pytest.approx((0.01, 0.0, 0.08))


def test_the_mitral_ring_spares_the_aorta_and_lies_on_the_posterior_side(heart):
    turn = np.linspace(0, 2 * np.pi, 2001)
    ring, lv = heart.mitral.points(turn), heart.ventricle
    x, y = ring[:-1, 0], ring[:-1, 1]
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    assert heart.mitral.area == pytest.approx(area, rel=1e-4)
    radius, _, z = lv.cylindrical(ring)
    assert radius.max() < math.sqrt(lv.layer_radius_squared(np.array(lv.length)))
    np.testing.assert_allclose(z, lv.length)
    assert np.array(heart.mitral.centre) @ at(60, 1.0, 0.0) > 0.001
    # All of it is outside the aorta, and blood fills it.
    assert "aorta" not in names(heart, ring + np.array([0.0, 0.0, 0.0005]))
    inner = 0.7 * (ring - ring.mean(axis=0)) + heart.mitral.centre
    inner[:, 2] = lv.length + 0.001
    assert set(names(heart, inner)) == {"la_cavity"}
