"""Compiled code that tells what lies at a point of the heart at end-diastole."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.phantom._anatomy_distances import (
    BLEND,
    Parts,
    Spheroid,
    atrium_distance,
    cover_distance,
    inflow_distance,
    ring_place,
    root_distance,
    rough,
    smooth_min,
    spheroid_distance,
    swell,
    tube_distance,
)

BACKGROUND, LV, MYOCARDIUM, LA, RV, RA, LA_WALL, RV_WALL, RA_WALL = range(9)
AORTA, PULMONARY, VEIN, VESSEL_WALL, VALVE, PERICARDIUM, FAT = range(9, 16)
PAPILLARY, LV_TRABECULAE, RV_TRABECULAE = range(16, 19)

_FIBROUS = 0.0017
_LID = 0.0022


@njit(cache=True)
def classify(
    points: NDArray[np.float64], parts: Parts, waves: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Return the echo class of points (N, 3)."""
    code = np.empty(len(points), np.uint8)
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        code[i] = _left_ventricle(x, y, z, parts.lv)
        if code[i] == LV:
            code[i] = _in_cavity(x, y, z, parts, waves)
        elif code[i] == BACKGROUND:
            code[i] = _around(x, y, z, parts, waves)
    return code


@njit(cache=True)
def _left_ventricle(x: float, y: float, z: float, lv: Spheroid) -> int:
    """Tell cavity and wall of the left ventricle, as `LeftVentricle` has them."""
    if z > lv.length:
        return BACKGROUND
    x, y = x / lv.eccentricity, y * lv.eccentricity
    h = (z - lv.long_axis) / lv.long_axis
    if x * x + y * y < lv.short_axis**2 * (1 - h * h):
        return LV
    r = math.sqrt(x * x + y * y)
    if lv.septal_excess > 0:
        r = max(r - swell(math.atan2(y, x), z, lv), 0.0)
    level = r / (lv.short_axis + lv.wall)
    h = (z - lv.long_axis) / (lv.long_axis + lv.wall)
    return MYOCARDIUM if level * level + h * h <= 1 else BACKGROUND


@njit(cache=True)
def _in_cavity(
    x: float, y: float, z: float, parts: Parts, waves: NDArray[np.float64]
) -> int:
    """Class of a point in the cavity of the left ventricle."""
    lv = parts.lv
    r = math.hypot(x / lv.eccentricity, y * lv.eccentricity)
    depth = -spheroid_distance(r, z, lv, 0.0)
    near = depth < 0.0055
    grain = rough(x, y, z, waves) if near or depth < 0.02 else 0.0
    if near:
        height = z / lv.length
        apical = max(1 - height / 0.5, 0.0)
        septal = 0.5 - 0.5 * math.cos(math.atan2(y, x) + 2.7)
        thick = (0.0011 + 0.0008 * grain) * (0.55 + 0.45 * septal)
        thick *= (1 + 1.2 * apical) * min(1.0, 0.3 + 4 * max(1 - height, 0.0))
        if depth < thick:
            return LV_TRABECULAE
    for muscle in parts.papillaries:
        for tube in (muscle.body, muscle.first, muscle.second):
            if tube_distance(x, y, z, tube)[0] < 0.0004 * grain:
                return PAPILLARY
    return LV


@njit(cache=True)
def _around(
    x: float, y: float, z: float, parts: Parts, waves: NDArray[np.float64]
) -> int:
    """Class of a point outside the left ventricle."""
    lv, root = parts.lv, parts.root
    to_root, height = root_distance(x, y, z, parts)
    if to_root < 0:
        return AORTA
    if z >= lv.length and to_root < root.wall:
        return VALVE if abs(height) < 0.0015 else VESSEL_WALL
    code = _right_ventricle(x, y, z, parts, waves)
    if code != BACKGROUND:
        return code
    code = _atria(x, y, z, parts)
    if code != BACKGROUND:
        return code
    return _vessels_and_cover(x, y, z, parts)


@njit(cache=True)
def _right_ventricle(
    x: float, y: float, z: float, parts: Parts, waves: NDArray[np.float64]
) -> int:
    """Class of a point of the right ventricle and its outflow, or background."""
    rv = parts.rv
    level, from_ring = ring_place(x, y, z, parts.tricuspid)
    if from_ring < _FIBROUS:
        return VALVE
    inflow = inflow_distance(x, y, z, parts)
    outflow, _ = tube_distance(x, y, z, rv.outflow)
    trunk, along = tube_distance(x, y, z, rv.trunk)
    # The plane of the ring itself belongs to the ventricle.
    roof = rv.floor + (1e-9 if level < 1 else -0.0015)
    cavity = smooth_min(max(inflow, z - roof), outflow, BLEND)
    if trunk < 0 and along > 0:
        return PULMONARY
    if cavity < 0:
        side = smooth_min(inflow, outflow, BLEND)
        muscle = outflow > 0 and _is_rv_muscle(x, y, z, side, parts, waves)
        return RV_TRABECULAE if muscle else RV
    if trunk < 0.0013 and along > 0.05:
        return VESSEL_WALL
    if cavity >= rv.wall or (level < 1 and z > rv.floor):
        return BACKGROUND
    atrial = z > rv.floor and atrium_distance(x, y, z, parts.ra) <= 0
    return BACKGROUND if atrial else RV_WALL


@njit(cache=True)
def _is_rv_muscle(
    x: float,
    y: float,
    z: float,
    side: float,
    parts: Parts,
    waves: NDArray[np.float64],
) -> bool:
    """Tell whether a point of the right cavity lies in a trabecula or the band."""
    if tube_distance(x, y, z, parts.band)[0] < 0:
        return True
    if side < -0.008:
        return False
    rv = parts.rv
    apical = 1 - (z - rv.apex) / (rv.floor - rv.apex)
    thick = 0.0010 + 0.0035 * max(apical, 0.0) + 0.0011 * rough(y, z, x, waves)
    return -side < thick


@njit(cache=True)
def _atria(x: float, y: float, z: float, parts: Parts) -> int:
    """Class of a point of the atria, their walls and the mitral ring."""
    lv, la, ra = parts.lv, parts.la, parts.ra
    if z < ra.floor - 0.004:
        return BACKGROUND
    level, from_ring = ring_place(x, y, z - 0.001, parts.mitral)
    if z >= lv.length and from_ring < _FIBROUS:
        return VALVE
    left, right = atrium_distance(x, y, z, la), atrium_distance(x, y, z, ra)
    if z >= lv.length and z < lv.length + 0.003 and level < 1:
        return LA
    base = math.hypot(x / lv.eccentricity, y * lv.eccentricity) < lv.short_axis
    if z >= lv.length and z < lv.length + _LID and (base or left < 0):
        return VALVE if base else LA_WALL
    if min(left, right) < 0:
        fossa = math.sqrt(
            (x - parts.fossa[0]) ** 2
            + (y - parts.fossa[1]) ** 2
            + (z - parts.fossa[2]) ** 2
        )
        thick = parts.septum * (0.35 + 0.65 * min((fossa / 0.009) ** 4, 1.0))
        if abs(left - right) < thick:
            return LA_WALL
        return LA if left < right else RA
    if left >= la.wall and right >= ra.wall:
        return BACKGROUND
    for vein in parts.veins:
        if tube_distance(x, y, z, vein)[0] < 0:
            return VEIN
    return LA_WALL if left < la.wall and left < right else RA_WALL


@njit(cache=True)
def _vessels_and_cover(x: float, y: float, z: float, parts: Parts) -> int:
    """Class of a point outside all chambers."""
    wall = False
    if z > parts.ra.floor:
        for vein in parts.veins:
            distance, _ = tube_distance(x, y, z, vein)
            if distance < 0:
                return VEIN
            wall |= distance < 0.0010
    if wall:
        return VESSEL_WALL
    hull, right = cover_distance(x, y, z, parts)
    fat = 0.0008 + 0.0018 * math.exp(-max(right, 0.0) / 0.008)
    if hull < fat:
        return FAT
    if hull < fat + 0.0014:
        return PERICARDIUM
    distance, _ = tube_distance(x, y, z, parts.descending)
    if distance < 0.0015:
        return AORTA if distance < 0 else VESSEL_WALL
    return BACKGROUND
