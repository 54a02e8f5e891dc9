"""Compiled code for the echo level of points of the heart at end-diastole."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cardium.phantom._anatomy_distances import (
    Parts,
    cover_distance,
    rough,
    spheroid_distance,
)
from cardium.phantom._anatomy_kernels import (
    BACKGROUND,
    LV_TRABECULAE,
    MYOCARDIUM,
    PAPILLARY,
    PERICARDIUM,
)


class Looks(NamedTuple):
    """What of the echo level is not the same in all hearts."""

    sparkle: float
    scar: float
    azimuth: float = 0.0
    core: float = 1.0
    edge: float = 0.0
    apex: float = 0.0
    start: float = 0.0
    end: float = 1.0


@njit(cache=True)
def add_levels(
    level: NDArray[np.float64],
    points: NDArray[np.float64],
    code: NDArray[np.uint8],
    parts: Parts,
    looks: Looks,
    waves: NDArray[np.float64],
) -> None:
    """Add what varies within a tissue to its echo level [dB], in place."""
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if code[i] == MYOCARDIUM:
            level[i] += _muscle_level(x, y, z, parts, looks, waves)
        elif code[i] == BACKGROUND:
            level[i] += _surrounding_level(x, y, z, parts)
        elif code[i] == PERICARDIUM:
            level[i] += _pericardial_level(x, y, z, parts)
        elif code[i] == PAPILLARY or code[i] == LV_TRABECULAE:
            level[i] += 1.5 * rough(3.0 * x, 3.0 * y, 3.0 * z, waves)


@njit(cache=True)
def _muscle_level(
    x: float,
    y: float,
    z: float,
    parts: Parts,
    looks: Looks,
    waves: NDArray[np.float64],
) -> float:
    """Echo level of a point of the left ventricle's wall above the mean [dB]."""
    lv = parts.lv
    angle = math.atan2(y, x)
    r = math.hypot(x / lv.eccentricity, y * lv.eccentricity)
    inner = spheroid_distance(r, z, lv, 0.0)
    outer = -spheroid_distance(r, z, lv, 1.0)
    level = 3.5 * math.exp(-((inner / 0.0009) ** 2))
    level += 3.0 * math.exp(-((outer / 0.0008) ** 2))
    level += 1.5 * math.cos(angle + 2.7)
    # The muscle is thinnest at the apex: what lies over it there is fat.
    level -= 5 * math.exp(-((r / 0.007) ** 2)) * (z < 0) * (inner > 0.0025)
    if looks.sparkle > 0:
        grain = rough(4 * x, 4 * y, 2 * z, waves)
        level += looks.sparkle * (1 + max(grain - 0.5, 0.0) * 2)
    if looks.scar > 0:
        u = (math.cos(angle - looks.azimuth) - looks.edge) / (looks.core - looks.edge)
        v = (z / lv.length - looks.start) / (looks.end - looks.start)
        window = min(max(u, 0.0), 1.0)
        beyond = min(max(v, 0.0), 1.0)
        level += looks.scar * (looks.apex + (window - looks.apex) * beyond)
    return level


@njit(cache=True)
def _surrounding_level(x: float, y: float, z: float, parts: Parts) -> float:
    """Echo level of what is around the heart above the mean [dB]."""
    hull, _ = cover_distance(x, y, z, parts)
    far = min(max(hull, 0.0) / 0.03, 1.0)
    # Lung lies beside the free wall, less of it over the apex and the right heart.
    lung = 0.5 + 0.5 * math.cos(math.atan2(y, x) - 0.5)
    lung *= min(max((z + 0.005) / 0.02, 0.0), 1.0)
    return -far * (4 + 12 * lung) - 3 * far * (z > parts.lv.length)


@njit(cache=True)
def _pericardial_level(x: float, y: float, z: float, parts: Parts) -> float:
    """Echo level of the pericardium above the mean [dB]: brightest posteriorly."""
    posterior = math.cos(math.atan2(y, x) - 1.0)
    apical = math.exp(-max(z, 0.0) / (0.15 * parts.lv.length))
    atrial = min(max((z - parts.lv.length) / 0.01, 0.0), 1.0)
    return 2 * posterior - 7 * apical - 5 * atrial
