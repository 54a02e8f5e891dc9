from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardium.errors import InvalidArgumentError
from cardium.phantom._motion_kernels import Local, local_all
from cardium.phantom.patient import Infarct, Patient
from cardium.phantom.region import (
    Contraction,
    Region,
    base_lift,
    body_of,
    check_contraction,
    regions_of,
)
from cardium.phantom.shapes import LeftVentricle

SHAPE = LeftVentricle(0.05, 0.025, 0.01, 0.63, septal_excess=0.003, eccentricity=1.05)
ILL = Patient(
    ef_percent=42, gls_percent=-12, conditions=("infarct",), infarct=Infarct("lad", 0.8)
)
AMYLOID = Region(0.0, 0.7, start=0.15, end=0.95)


def territory(name: str, severity: float = 1.0) -> Region:
    (region,) = regions_of(replace(ILL, infarct=Infarct(name, severity)))
    return region


REGIONS = {
    "none": (),
    "lad": (territory("lad", 0.9),),
    "lcx": (territory("lcx"),),
    "rca": (territory("rca"),),
    "amyloid": (AMYLOID,),
    "both": (territory("rca", 0.6), Region(0.1, 0.4, start=0.15, end=0.95)),
}


def local_at(contraction: Contraction, angle, z) -> Local:
    angle, z = np.broadcast_arrays(np.asarray(angle, float), np.asarray(z, float))
    found = np.empty((9, angle.size))
    local_all(body_of(contraction), angle.ravel(), z.ravel(), found)
    return Local(*found.reshape(9, *angle.shape))


@pytest.mark.parametrize("name", REGIONS)
def test_the_mean_of_contraction_over_cavity_and_height_is_one(name):
    contraction = Contraction(SHAPE, REGIONS[name])
    angle = np.linspace(-np.pi, np.pi, 2048, endpoint=False)
    node, weight = np.polynomial.legendre.leggauss(200)
    z, weight = (1 + node) / 2 * SHAPE.length, weight / 2
    here = local_at(contraction, angle[:, None], z)
    volume = weight * SHAPE.layer_radius_squared(z)
    by_volume = (here.radial * volume).sum() / volume.sum() / len(angle)
    assert by_volume == pytest.approx(1, abs=1e-8)
    assert (here.axial * weight).sum() / len(angle) == pytest.approx(1, abs=1e-8)
    edge = local_at(contraction, angle, SHAPE.length)
    assert edge.height.mean() == pytest.approx(SHAPE.length, abs=1e-12)


@pytest.mark.parametrize("name", [n for n in REGIONS if n != "none"])
def test_derivatives_are_those_of_the_values(name):
    contraction = Contraction(SHAPE, REGIONS[name])
    rng = np.random.default_rng(0)
    angle = rng.uniform(-np.pi, np.pi, 500)
    z = rng.uniform(-0.01, SHAPE.length, 500)
    here, step = local_at(contraction, angle, z), 1e-6
    ahead, behind = (local_at(contraction, angle + s, z) for s in (step, -step))

    def slope(field):
        return (getattr(ahead, field) - getattr(behind, field)) / (2 * step)

    np.testing.assert_allclose(here.radial_angle, slope("radial"), atol=1e-8)
    np.testing.assert_allclose(here.axial_angle, slope("axial"), atol=1e-8)
    np.testing.assert_allclose(here.height_angle, slope("height"), atol=1e-9)
    np.testing.assert_allclose(
        here.height_angle_angle, slope("height_angle"), atol=1e-8
    )
    step = 1e-8
    ahead, behind = (local_at(contraction, angle, z + s) for s in (step, -step))
    np.testing.assert_allclose(here.radial_z, slope("radial"), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(here.axial_z, slope("axial"), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(here.axial, slope("height"), atol=1e-7)


@pytest.mark.parametrize("name", REGIONS)
def test_nothing_depends_on_the_angle_around_the_apex(name):
    contraction = Contraction(SHAPE, REGIONS[name])
    z = np.linspace(-SHAPE.wall, 0.1 * SHAPE.length, 5)
    here = local_at(contraction, np.linspace(-3, 3, 9)[:, None], z)
    assert np.ptp(here.radial, axis=0).max() == 0
    assert np.ptp(here.height, axis=0).max() == 0


@pytest.mark.parametrize(
    ("name", "dead", "alive"),
    [
        (
            "lad",
            [(-60, 0.8), (-120, 0.8), (-90, 0.5), (120, 0.1), (0, 0.0)],
            [(90, 0.8)],
        ),
        ("lcx", [(0, 0.8), (60, 0.8), (30, 0.5)], [(-90, 0.8), (180, 0.5), (30, 0.0)]),
        ("rca", [(120, 0.8), (130, 0.5)], [(-60, 0.8), (0, 0.5), (120, 0.0)]),
    ],
)
def test_an_infarct_lies_in_its_territory(name, dead, alive):
    contraction = Contraction(SHAPE, (territory(name),))
    for places, expected in ((dead, 0.0), (alive, contraction.radial)):
        angle, z = np.array(places).T
        here = local_at(contraction, np.radians(angle), z * SHAPE.length)
        np.testing.assert_allclose(here.radial, expected, atol=1e-12)


def test_amyloid_spares_the_apex():
    patient = Patient(
        ef_percent=50,
        gls_percent=-10,
        wall_mm=14,
        diastolic_grade=2,
        conditions=("amyloid",),
        age=75,
    )
    contraction = Contraction(SHAPE, regions_of(patient))
    here = local_at(contraction, 0.0, np.array([0.0, 0.5, 1.0]) * SHAPE.length)
    assert here.radial == pytest.approx(1)
    assert here.axial[0] > here.axial[1] > here.axial[2]
    assert here.axial[2] / here.axial[0] == pytest.approx(0.25)


def test_a_second_disease_takes_of_what_the_first_leaves():
    regions = REGIONS["both"]
    here = local_at(Contraction(SHAPE, regions), np.linspace(-3, 3, 50)[:, None], 0.07)
    assert here.axial.min() > 0
    with pytest.raises(InvalidArgumentError, match=r"lose 1\.70"):
        Contraction(SHAPE, (territory("rca"), AMYLOID))


def test_what_no_wall_can_do_is_refused():
    contraction = Contraction(SHAPE, (territory("lad"),))
    assert contraction.greatest_emptying == pytest.approx(1 / contraction.radial)
    check_contraction(contraction, 0.4, 0.1)
    with pytest.raises(InvalidArgumentError, match=r"emptying by 65 %.*needs 1\d\d %"):
        check_contraction(contraction, 0.65, 0.1)
    with pytest.raises(InvalidArgumentError, match=r"shortening by 40 %"):
        check_contraction(contraction, 0.4, 0.4)
    with pytest.raises(InvalidArgumentError, match="lose 90 % of all"):
        Contraction(SHAPE, (Region(0.9, 0.2, apex=1.0),))


@pytest.mark.parametrize(
    "wrong",
    [{"across": 80}, {"start": 0.5, "end": 0.4}, {"core": 2.0, "edge": 1.0}],
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(InvalidArgumentError):
        Region(**{"across": 0.5, "along": 0.5, **wrong})


def test_the_lift_of_the_base_has_the_stated_rate():
    contraction = Contraction(SHAPE, REGIONS["lad"])
    state, rate = np.array([0.3, 0.08, -0.05]), np.array([1.5, 0.4, -0.3])
    step = 1e-5
    ahead, behind = (
        base_lift(contraction, tuple(state + s * rate), tuple(rate))[0]
        for s in (step, -step)
    )
    lift, found = base_lift(contraction, tuple(state), tuple(rate))
    assert found == pytest.approx((ahead - behind) / (2 * step), rel=1e-7)
    assert 0.0001 < lift < 0.005
