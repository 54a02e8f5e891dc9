"""Putting the heart of a patient together."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import NDArray

from cardium.phantom.anatomy import Heart
from cardium.phantom.chambers import (
    AorticRoot,
    Atrium,
    Papillary,
    RightVentricle,
    Ring,
    Tube,
    Vector,
)
from cardium.phantom.cycle import Function
from cardium.phantom.patient import Patient, diastolic_function
from cardium.phantom.region import regions_of
from cardium.phantom.shapes import LeftVentricle
from cardium.phantom.strain import solve_shortening


@functools.lru_cache(maxsize=64)
def build_heart(patient: Patient) -> Heart:
    """Build the heart of a patient at end-diastole.

    Parameters
    ----------
    patient : Patient
        Its volume, function and wall, and the number that seeds the rest.

    Returns
    -------
    heart : Heart
        The same patient always has the same heart, at every visit.

    Examples
    --------
    >>> heart = build_heart(Patient(edv_ml=120))
    >>> round(1e6 * heart.ventricle.cavity_volume, 6)
    120.0
    >>> build_heart(Patient(visit=1)).aorta == heart.aorta
    True
    """
    rng = np.random.default_rng([patient.number, 0])
    ventricle = _left_ventricle(patient, rng)
    function = _function(patient, ventricle)
    size = math.sqrt(patient.body_surface_m2 / 1.9)
    size = math.sqrt(size * ventricle.length / 0.083)
    aorta = _aortic_root(patient, ventricle, size)
    mitral = _mitral_ring(ventricle)
    right = _right_ventricle(patient, ventricle, aorta, size, rng)
    left_atrium = _left_atrium(patient, ventricle, mitral, size, rng)
    right_atrium, tricuspid = _right_inflow(
        patient, ventricle, left_atrium, right, size, rng
    )
    septum = 0.0065 if "amyloid" in patient.conditions else 0.0032
    return Heart(
        patient=patient,
        ventricle=ventricle,
        function=function,
        left_atrium=left_atrium,
        right_atrium=right_atrium,
        right_ventricle=right,
        aorta=aorta,
        mitral=mitral,
        tricuspid=tricuspid,
        papillaries=_papillary_muscles(ventricle, rng),
        moderator_band=_moderator_band(ventricle, right),
        veins=_veins(left_atrium, right_atrium, ventricle),
        descending_aorta=_descending_aorta(left_atrium, size),
        atrial_septum=septum,
        fossa=_fossa(left_atrium, right_atrium),
        texture=_texture(rng),
    )


_AORTIC_ANGLE = math.radians(-120)
_POSTERIOR = math.radians(60)
_AORTIC_TILT = math.radians(33)
_RIGHT_HEADING = math.radians(-160)
_TRICUSPID_DROP = 0.006
_ANTERIOR_HINGE = 0.23
_MITRAL_SHARE = 0.97
_RIGHT_CORONARY = math.radians(-95)


_Spot = NDArray[np.float64]


def _direction(angle: float, raised: float = 0.0) -> _Spot:
    """Point along an angle across z, raised towards z [rad], by one unit."""
    flat = math.cos(raised)
    return np.array([flat * math.cos(angle), flat * math.sin(angle), math.sin(raised)])


def _vector(spot: _Spot) -> Vector:
    """Plain numbers of a place or vector."""
    x, y, z = spot.tolist()
    return x, y, z


def _at(angle: float, radius: float, z: float) -> _Spot:
    """Place at an angle and distance from the long axis, at a height."""
    return np.asarray(radius * _direction(angle) + np.array([0.0, 0.0, z]))


def _rim(lv: LeftVentricle, z: float) -> float:
    """Radius of the epicardium at a height [m]."""
    return math.sqrt(lv.layer_radius_squared(np.asarray(z), fraction=1.0))


def _inner(lv: LeftVentricle, z: float) -> float:
    """Radius of the endocardium at a height [m]."""
    return math.sqrt(lv.layer_radius_squared(np.asarray(z)))


def _left_ventricle(patient: Patient, rng: np.random.Generator) -> LeftVentricle:
    """Choose the ventricle's proportions for its volume."""
    weakness = float(np.clip((60 - patient.ef_percent) / 35, 0, 1))
    slenderness = float(rng.uniform(1.68, 1.9)) - 0.2 * weakness
    truncation = float(rng.uniform(0.50, 0.60))
    eccentricity = float(rng.uniform(0.95, 1.05))
    wall = patient.wall_mm / 1e3
    ratio = (1 + truncation) / (2 * slenderness)
    unit = LeftVentricle(1.0, ratio, wall, truncation).cavity_volume
    long_axis = (patient.edv_ml / 1e6 / unit) ** (1 / 3)
    return LeftVentricle(
        long_axis,
        ratio * long_axis,
        wall,
        truncation,
        septal_excess=patient.septal_excess_mm / 1e3,
        eccentricity=eccentricity,
    )


def _function(patient: Patient, ventricle: LeftVentricle) -> Function:
    """State how the ventricle works: its strain gives the shortening."""
    fraction, twist = patient.ef_percent / 100, math.radians(patient.twist_degrees)
    shortening = solve_shortening(
        ventricle,
        ejection_fraction=fraction,
        gls_percent=patient.gls_percent,
        regions=regions_of(patient),
        twist=twist,
    )
    return Function(
        heart_rate=patient.heart_rate,
        ejection_fraction=fraction,
        shortening=shortening,
        twist=twist,
        **diastolic_function(patient)._asdict(),
    )


def _aortic_root(patient: Patient, lv: LeftVentricle, size: float) -> AorticRoot:
    """Set the aorta on the anteroseptal side of the base, leaning to that side."""
    opening = math.sqrt(patient.aortic_valve_area_cm2 * 1e-4 / math.pi)
    annulus = max(0.0103 * size, 1.01 * opening)
    cos, sin = math.cos(_AORTIC_TILT), math.sin(_AORTIC_TILT)
    side = _ANTERIOR_HINGE * _inner(lv, lv.length) + 0.0015 + annulus * cos
    centre = _at(_AORTIC_ANGLE, side, lv.length + 0.0005 + annulus * sin)
    outward, up = _direction(_AORTIC_ANGLE), np.array([0.0, 0.0, 1.0])
    axis, across = sin * outward + cos * up, _direction(_RIGHT_CORONARY)
    across = across - (across @ axis) * axis
    stenosed = "aortic_stenosis" in patient.conditions
    return AorticRoot(
        centre=_vector(centre),
        axis=_vector(axis),
        across=_vector(across / np.linalg.norm(across)),
        annulus=annulus,
        sinus=1.45 * annulus,
        junction=1.22 * annulus,
        ascending=(1.55 if stenosed else 1.32) * annulus,
        height=1.9 * annulus,
        length=0.080 * size,
        wall=0.0016,
    )


def _mitral_ring(lv: LeftVentricle) -> Ring:
    """Lay the mitral ring along the border of the base, but beside the aorta."""
    size = _MITRAL_SHARE * _inner(lv, lv.length)
    spots = (
        np.array([0.0, 0.0, lv.length]),
        size * _direction(_POSTERIOR),
        size * _direction(_POSTERIOR + math.pi / 2),
    )
    centre, first, second = (_vector(lv.from_round(spot)) for spot in spots)
    return Ring(centre, first, second, 1 - _ANTERIOR_HINGE / _MITRAL_SHARE)


def _right_ventricle(
    patient: Patient,
    lv: LeftVentricle,
    aorta: AorticRoot,
    size: float,
    rng: np.random.Generator,
) -> RightVentricle:
    """Wrap the right ventricle around the septum, its outflow in front of the aorta."""
    wall = 0.0035
    if "amyloid" in patient.conditions:
        wall = 0.007
    elif "hypertrophic" in patient.conditions:
        wall = 0.005
    low = 0.72 * lv.length
    radius = 0.0125 * size
    start = _at(math.radians(-122), _rim(lv, low) + 0.75 * radius, low)
    axis, centre = np.array(aorta.axis), np.array(aorta.centre)
    beside = centre + axis * (lv.length + 0.016 - centre[2]) / axis[2]
    gap = aorta.sinus + aorta.wall + radius
    valve = beside + gap * _direction(math.radians(-95))
    trunk = valve + 0.026 * size * _direction(math.radians(0), math.radians(45))
    return RightVentricle(
        heading=_RIGHT_HEADING,
        apex=float(rng.uniform(0.14, 0.22)) * lv.length,
        floor=lv.length - _TRICUSPID_DROP,
        width=0.031 * size * float(rng.uniform(0.92, 1.08)),
        wall=wall,
        outflow=Tube(_vector(start), _vector(valve), 1.15 * radius, 0.95 * radius),
        trunk=Tube(_vector(valve), _vector(trunk), 0.95 * radius, radius),
    )


def _left_atrial_growth(patient: Patient) -> float:
    """Volume of the left atrium against that of a healthy one."""
    growth = (1.0, 1.1, 1.3, 1.5)[patient.diastolic_grade]
    growth *= 1 + 1.5 * patient.mitral_regurgitant_orifice_cm2
    if patient.rhythm == "atrial_fibrillation":
        growth *= 1.5
    if "amyloid" in patient.conditions:
        growth *= 1.2
    return min(growth, 2.5)


def _left_atrium(
    patient: Patient,
    lv: LeftVentricle,
    mitral: Ring,
    size: float,
    rng: np.random.Generator,
) -> Atrium:
    """Place the left atrium behind the mitral ring, away from the aorta."""
    scale = size * _left_atrial_growth(patient) ** (1 / 3)
    deep, across, high = rng.uniform(0.95, 1.05, 3) * scale * (0.019, 0.022, 0.024)
    behind = 0.004 + 0.6 * max(deep - 0.019, 0.0)
    centre = np.array(mitral.centre) + behind * _direction(_POSTERIOR)
    centre += _at(math.pi, 0.003, 0.60 * high)
    return Atrium(
        centre=_vector(centre),
        heading=_POSTERIOR,
        semi_axes=(float(deep), float(across), float(high)),
        wall=0.0022,
        floor=lv.length,
    )


def _right_inflow(
    patient: Patient,
    lv: LeftVentricle,
    left: Atrium,
    right: RightVentricle,
    size: float,
    rng: np.random.Generator,
) -> tuple[Atrium, Ring]:
    """Place right atrium and tricuspid ring beside the left atrium."""
    growth = 1.4 if patient.rhythm == "atrial_fibrillation" else 1.0
    growth *= 1.3 if patient.diastolic_grade == 3 else 1.0
    scale = size * growth ** (1 / 3) * float(rng.uniform(0.95, 1.05))
    across, deep, high = 0.0245 * scale, 0.0205 * scale, 0.0235 * scale
    angle = math.radians(178)
    beside = left.reach(angle) + across - 0.006
    centre = np.array(left.centre) + beside * _direction(angle)
    centre[2] = right.floor + 0.62 * high
    atrium = Atrium(_vector(centre), angle, (across, deep, high), 0.002, right.floor)
    half, heading = 0.0148 * size, math.radians(-176)
    rim = lv.eccentricity * _rim(lv, right.floor)
    rim += float(lv.septal_swell(np.array(heading), np.array(right.floor)))
    spot = _at(heading, rim + 0.0005 + half, right.floor)
    ring = Ring(
        _vector(spot),
        _vector(half * _direction(heading)),
        _vector(0.95 * half * _direction(heading + math.pi / 2)),
    )
    return atrium, ring


def _papillary_muscles(
    lv: LeftVentricle, rng: np.random.Generator
) -> tuple[Papillary, Papillary]:
    """Raise the two papillary muscles from the lateral and the inferior wall."""
    first, second = (
        _papillary_muscle(lv, math.radians(angle + float(rng.uniform(-6, 6))))
        for angle in (22.0, 130.0)
    )
    return first, second


def _papillary_muscle(lv: LeftVentricle, angle: float) -> Papillary:
    """Raise one papillary muscle at an angle [rad]."""
    thick = 0.0052 * math.sqrt(lv.short_axis / 0.024)
    foot, neck, tip = 0.33 * lv.length, 0.60 * lv.length, 0.68 * lv.length
    start = lv.from_round(_at(angle, 0.96 * _inner(lv, foot), foot))
    end = _vector(lv.from_round(_at(angle, 0.60 * _inner(lv, neck), neck)))
    heads = (
        Tube(
            end,
            _vector(lv.from_round(_at(angle + turn, 0.52 * _inner(lv, tip), tip))),
            0.72 * thick,
            0.40 * thick,
        )
        for turn in (-0.24, 0.24)
    )
    body = Tube(_vector(start), end, 1.05 * thick, 0.85 * thick)
    return Papillary(body, *heads)


def _moderator_band(lv: LeftVentricle, right: RightVentricle) -> Tube:
    """Span the moderator band from the septum to the free wall."""
    low = 0.36 * lv.length
    high = low + 0.006
    return Tube(
        _vector(_at(math.radians(-178), _rim(lv, high), high)),
        _vector(_at(math.radians(179), _rim(lv, low) + right.width, low)),
        0.0024,
        0.0020,
    )


def _veins(left: Atrium, right: Atrium, lv: LeftVentricle) -> tuple[Tube, ...]:
    """Lead veins, the left appendage and the coronary sinus to the atria."""

    def lead(atrium: Atrium, angle: float, raised: float, radius: float) -> Tube:
        turn = math.radians(angle)
        way = atrium.reach(turn) + 0.02
        end = np.array(atrium.centre) + way * _direction(turn, math.radians(raised))
        return Tube(atrium.centre, _vector(end), radius, radius)

    rim = _rim(lv, lv.length) + 0.001
    groove = [
        _vector(_at(math.radians(angle), rim, lv.length + 0.0045))
        for angle in (10, 45, 80, 115, 150)
    ]
    return (
        lead(left, -18, 40, 0.0055),
        lead(left, 25, 8, 0.0050),
        lead(left, 118, 38, 0.0055),
        lead(left, 100, 8, 0.0050),
        lead(left, -48, 2, 0.0062),
        lead(right, -80, 58, 0.0080),
        lead(right, 135, 5, 0.0090),
        *(Tube(a, b, 0.0028, 0.0028) for a, b in itertools.pairwise(groove)),
    )


def _descending_aorta(left: Atrium, size: float) -> Tube:
    """Lead the aorta past the back of the left atrium."""
    radius = 0.0115 * size
    way = left.reach(_POSTERIOR) + left.wall + 0.005 + radius
    spot = np.array(left.centre) + way * _direction(_POSTERIOR)
    spot[2] = left.floor + 0.008
    along = _direction(math.radians(-40), math.radians(28))
    start, end = spot - 0.07 * along, spot + 0.07 * along
    return Tube(_vector(start), _vector(end), radius, radius)


def _fossa(left: Atrium, right: Atrium) -> Vector:
    """Find the middle of the septum between the atria."""
    first, second = np.array(left.centre), np.array(right.centre)
    turn = math.atan2(*(second - first)[1::-1])
    edge = first + left.reach(turn) * _direction(turn)
    edge[2] = left.floor + 1.05 * (first[2] - left.floor)
    return _vector(edge - 0.002 * _direction(turn))


def _texture(rng: np.random.Generator) -> tuple[tuple[float, float, float, float], ...]:
    """Draw waves that are longer along the long axis than across it."""
    waves: list[tuple[float, float, float, float]] = []
    for _ in range(14):
        turn, phase = rng.uniform(0, 2 * math.pi, 2)
        across = 2 * math.pi / rng.uniform(0.005, 0.011)
        along = 2 * math.pi / rng.uniform(0.014, 0.05) * rng.choice([-1, 1])
        kx, ky = across * math.cos(turn), across * math.sin(turn)
        waves.append((float(kx), float(ky), float(along), float(phase)))
    return tuple(waves)
