"""Compiled code for distances from the parts of the heart at end-diastole."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.phantom.chambers import (
    NOTCH_WIDTH,
    AorticRoot,
    Atrium,
    Papillary,
    RightVentricle,
    Ring,
    Tube,
)
from cardium.phantom.shapes import SWELL

BLEND = 0.012
"""How far inflow and outflow of the right ventricle flow into each other [m]."""

_FAR = 1.0


class Spheroid(NamedTuple):
    """The left ventricle in the numbers that the kernels need."""

    long_axis: float
    short_axis: float
    wall: float
    length: float
    eccentricity: float
    septal_excess: float


class Parts(NamedTuple):
    """All shapes of a heart."""

    lv: Spheroid
    la: Atrium
    ra: Atrium
    rv: RightVentricle
    root: AorticRoot
    mitral: Ring
    tricuspid: Ring
    papillaries: tuple[Papillary, ...]
    band: Tube
    veins: tuple[Tube, ...]
    descending: Tube
    septum: float
    fossa: tuple[float, float, float]


@njit(cache=True)
def tube_distance(x: float, y: float, z: float, tube: Tube) -> tuple[float, float]:
    """Distance [m] from the wall of a tube, negative inside, and place along it."""
    sx, sy, sz = tube.start
    dx, dy, dz = tube.end[0] - sx, tube.end[1] - sy, tube.end[2] - sz
    along = (x - sx) * dx + (y - sy) * dy + (z - sz) * dz
    along /= dx * dx + dy * dy + dz * dz
    kept = min(max(along, 0.0), 1.0)
    px, py, pz = x - sx - kept * dx, y - sy - kept * dy, z - sz - kept * dz
    radius = tube.start_radius + kept * (tube.end_radius - tube.start_radius)
    return math.sqrt(px * px + py * py + pz * pz) - radius, along


@njit(cache=True)
def atrium_distance(x: float, y: float, z: float, atrium: Atrium) -> float:
    """Distance from the inner wall of an atrium along the ray from its centre."""
    px, py, pz = x - atrium.centre[0], y - atrium.centre[1], z - atrium.centre[2]
    cos, sin = math.cos(atrium.heading), math.sin(atrium.heading)
    a, b, c = atrium.semi_axes
    u, v, w = abs(cos * px + sin * py) / a, abs(cos * py - sin * px) / b, abs(pz) / c
    power = u * u * math.sqrt(u) + v * v * math.sqrt(v) + w * w * math.sqrt(w)
    far = math.sqrt(px * px + py * py + pz * pz)
    if power < 1e-6:
        return far - min(a, min(b, c))
    return max(far * (1 - math.pow(power, -0.4)), atrium.floor - z)


@njit(cache=True)
def spheroid_distance(r: float, z: float, lv: Spheroid, layer: float) -> float:
    """Distance from a layer of the ventricle, 0 endocardium, 1 epicardium, uncut."""
    along = lv.long_axis + layer * lv.wall
    across = lv.short_axis + layer * lv.wall
    h = z - lv.long_axis
    level = math.sqrt((r / across) ** 2 + (h / along) ** 2)
    slope = math.sqrt((r / across**2) ** 2 + (h / along**2) ** 2)
    return level * (level - 1) / max(slope, 1.0)


@njit(cache=True)
def rim(z: float, lv: Spheroid) -> float:
    """Radius of the epicardium at a height, and a tenth of it beyond the apex."""
    h = (min(z, lv.length) - lv.long_axis) / (lv.long_axis + lv.wall)
    return (lv.short_axis + lv.wall) * math.sqrt(max(1 - h * h, 0.01))


@njit(cache=True)
def inflow_distance(x: float, y: float, z: float, parts: Parts) -> float:
    """Distance from the crescent of the right ventricle, across the long axis."""
    rv = parts.rv
    t = min(max((z - rv.apex) / (rv.floor - rv.apex), 0.0), 1.0)
    full = math.sin(1.75 * t**0.75)
    edge = rim(z, parts.lv)
    outer, inner = edge + rv.width * full, 0.3 * edge
    a, c = (outer - inner) / 2, (outer + inner) / 2
    b = edge * (0.35 + 0.65 * math.sqrt(full)) + 0.001
    cos, sin = math.cos(rv.heading), math.sin(rv.heading)
    u, v = cos * x + sin * y - c, cos * y - sin * x
    level = math.sqrt((u / a) ** 2 + (v / b) ** 2)
    slope = math.sqrt((u / a**2) ** 2 + (v / b**2) ** 2)
    return max(level * (level - 1) / max(slope, 1.0), rv.apex - z)


@njit(cache=True)
def root_place(
    x: float, y: float, z: float, root: AorticRoot
) -> tuple[float, float, float]:
    """Height above the annulus, distance from the axis, and angle in the root."""
    px, py, pz = x - root.centre[0], y - root.centre[1], z - root.centre[2]
    ax, ay, az = root.axis
    h = px * ax + py * ay + pz * az
    px, py, pz = px - h * ax, py - h * ay, pz - h * az
    qx, qy, qz = root.across
    u = px * qx + py * qy + pz * qz
    v = px * (ay * qz - az * qy) + py * (az * qx - ax * qz) + pz * (ax * qy - ay * qx)
    return h, math.sqrt(u * u + v * v), math.atan2(v, u)


@njit(cache=True)
def root_distance(x: float, y: float, z: float, parts: Parts) -> tuple[float, float]:
    """Distance from the inner wall of the aortic root, and height above the annulus."""
    root = parts.root
    if z < parts.lv.length - 0.01:
        return _FAR, 0.0
    h, rho, angle = root_place(x, y, z, root)
    if h <= 0:
        # Under the annulus the outflow tract goes straight on along the long axis.
        under = z - h / root.axis[2]
        rho = root_place(x, y, under, root)[1]
        radius = root.annulus
    elif h < root.height:
        s = h / root.height
        bulge = math.sin(math.pi * s)
        radius = root.annulus + s * (root.junction - root.annulus)
        lobe = 0.55 + 0.45 * math.cos(3 * angle)
        radius += lobe * bulge * (root.sinus - (root.annulus + root.junction) / 2)
    else:
        s = min((h - root.height) / 0.012, 1.0)
        radius = root.junction + s * (root.ascending - root.junction)
    distance = max(rho - radius, h - root.length)
    return max(distance, parts.lv.length - z), h


@njit(cache=True)
def ring_place(x: float, y: float, z: float, ring: Ring) -> tuple[float, float]:
    """Level of a point in a flat ring, 1 on it, and its distance from the ring."""
    px, py = x - ring.hub[0], y - ring.hub[1]
    ax, ay = ring.first[0], ring.first[1]
    bx, by = ring.second[0], ring.second[1]
    area = ax * by - ay * bx
    u, v = (px * by - py * bx) / area, (ax * py - ay * px) / area
    turn = (math.pi - abs(math.atan2(v, u))) / NOTCH_WIDTH
    radius = 1 - ring.notch * math.exp(-(turn**4))
    level = math.sqrt(u * u + v * v) / radius
    beside = (level - 1) * radius * math.sqrt(area)
    return level, math.hypot(beside, z - ring.hub[2])


@njit(cache=True)
def cover_distance(x: float, y: float, z: float, parts: Parts) -> tuple[float, float]:
    """Distance outside the smooth hull of the heart, and from the right ventricle."""
    lv, rv = parts.lv, parts.rv
    r = math.hypot(x / lv.eccentricity, y * lv.eccentricity)
    left = max(spheroid_distance(r, z, lv, 1.0), z - lv.length)
    inflow = max(inflow_distance(x, y, z, parts), z - rv.floor)
    outflow = tube_distance(x, y, z, rv.outflow)[0]
    right = smooth_min(inflow, outflow, BLEND) - rv.wall
    hull = smooth_min(left, right, 0.004)
    if z < rv.floor - 0.02:
        return hull, right
    hull = smooth_min(hull, atrium_distance(x, y, z, parts.la) - parts.la.wall, 0.012)
    hull = smooth_min(hull, atrium_distance(x, y, z, parts.ra) - parts.ra.wall, 0.012)
    trunk = tube_distance(x, y, z, rv.trunk)[0] - 0.0013
    great = min(root_distance(x, y, z, parts)[0] - parts.root.wall, trunk)
    return smooth_min(hull, great, 0.006), right


@njit(cache=True)
def smooth_min(a: float, b: float, reach: float) -> float:
    """Least of two distances, rounded where they differ by less than `reach`."""
    near = max(reach - abs(a - b), 0.0)
    return min(a, b) - near * near / (4 * reach)


@njit(cache=True)
def swell(angle: float, z: float, lv: Spheroid) -> float:
    """Septal excess at an angle and a height, as `LeftVentricle.septal_swell`."""
    centre, edge, core, start, end = SWELL
    u = min(max((math.cos(angle - centre) - edge) / (core - edge), 0.0), 1.0)
    v = min(max((z / lv.length - start) / (end - start), 0.0), 1.0)
    window = u**3 * (10 - 15 * u + 6 * u * u)
    return lv.septal_excess * window * v**3 * (10 - 15 * v + 6 * v * v)


@njit(cache=True)
def rough(x: float, y: float, z: float, waves: NDArray[np.float64]) -> float:
    """Smooth random field of mean 0 and variance 1."""
    total = 0.0
    for k in range(len(waves)):
        total += math.cos(
            waves[k, 0] * x + waves[k, 1] * y + waves[k, 2] * z + waves[k, 3]
        )
    return total * math.sqrt(2.0 / len(waves))
