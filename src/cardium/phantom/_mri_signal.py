"""What a balanced gradient echo makes of tissues: signal, torso, coils and k-space."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray
from cardium.phantom.anatomy import ECHO_CLASSES, Heart

BLOOD_LEVEL = 150.0
"""Grey level of blood in the middle of the picture."""

Picture = NDArray[np.float32]

# T1 and T2 at 1.5 T [s] and proton density against blood.
_TISSUES = {
    "blood": (1.55, 0.250, 1.00),
    "muscle": (1.03, 0.045, 0.90),
    "fat": (0.26, 0.085, 0.85),
    "fibre": (1.00, 0.010, 0.60),
    "liver": (0.59, 0.046, 0.85),
    "lung": (1.20, 0.040, 0.06),
    "bone": (0.55, 0.050, 0.35),
    "air": (1.00, 0.050, 0.00),
}
_MADE_OF = {
    **dict.fromkeys(ECHO_CLASSES, "blood"),
    **dict.fromkeys(
        (
            "myocardium",
            "la_wall",
            "rv_wall",
            "ra_wall",
            "vessel_wall",
            "papillary_muscle",
            "lv_trabeculae",
            "rv_trabeculae",
        ),
        "muscle",
    ),
    "valve": "fibre",
    "pericardium": "fibre",
    "fat": "fat",
}
_FLIP = math.radians(60)


def steady_state(t1: float, t2: float, *, density: float, flip: float = _FLIP) -> float:
    """Signal of balanced steady-state free precession.

    Parameters
    ----------
    t1, t2 : float [s]
        Relaxation times of the tissue, long against the repetition time.
    density : float
        Proton density.
    flip : float [rad]
        Flip angle.

    Returns
    -------
    signal : float
        ``density sin(a) / ((T1/T2 + 1) - cos(a) (T1/T2 - 1))`` (Scheffler and Lehnhardt
        2003, eq. 3), without the decay until the echo.

    Examples
    --------
    Where T1 = T2 and the flip angle is 90 degrees, half of the protons' signal is seen.

    >>> round(steady_state(1.0, 1.0, density=1.0, flip=math.pi / 2), 6)
    0.5
    """
    ratio = t1 / t2
    return density * math.sin(flip) / ((ratio + 1) - math.cos(flip) * (ratio - 1))


def tissue_signals() -> FloatArray:
    """Signal of each of `ECHO_CLASSES` against blood; NaN for the background."""
    table = [_signal(_MADE_OF[name]) for name in ECHO_CLASSES]
    table[ECHO_CLASSES.index("background")] = math.nan
    return np.array(table)


def torso_signal(points: FloatArray, heart: Heart) -> FloatArray:
    """Signal of what surrounds the heart: a stylised chest that does not move.

    Parameters
    ----------
    points : (..., 3) [m]
        Points in the frame of the left ventricle.
    heart : Heart
        Whose descending aorta it has; the patient's number places the vessels of lung
        and liver.

    Returns
    -------
    signal : (...)
        Signal against blood, as `tissue_signals`.
    """
    x, y, z = np.moveaxis(points, -1, 0)
    across, down = (x - 0.025) / (0.130 + 0.10 * z), (y - 0.042) / 0.122
    angle = np.arctan2(down, across)
    rim = 0.125 * (np.hypot(across, down) - 1)  # depth outside the ribs, about [m]
    liver = _liver(x, y, z)
    cases = {
        "air": rim > 0.030 + 0.006 * np.sin(3 * angle),
        "fat": rim > 0.014,
        "bone": (rim > 0) & (rim < 0.009) & (np.sin(11 * angle + 40 * z) > 0.2),
        "muscle": rim > 0,
        "blood": _aorta(points, heart),
        "liver": liver,
    }
    values = [_signal(name) for name in (*cases, "lung")]
    signal = np.select([*cases.values()], values[:-1], values[-1])
    vessels = _vessels(points, heart.patient.number) * (rim <= 0)
    return np.asarray(signal + np.where(liver, 0.45, 0.16) * vessels * (1 - signal))


def coil_sensitivity(points: FloatArray) -> FloatArray:
    """Sensitivity of a coil on the chest and one under the back, 1 at the heart."""
    total, at_heart = np.zeros(points.shape[:-1]), 0.0
    for (x, y), weight in _COILS:
        away = np.hypot(points[..., 0] - x, points[..., 1] - y)
        total += weight / (1 + (away / 0.15) ** 2)
        at_heart += weight / (1 + (math.hypot(x, y) / 0.15) ** 2)
    return total / at_heart


def record(
    pictures: Picture, *, noise: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Turn ideal slices into the pictures of a scanner.

    Parameters
    ----------
    pictures : (..., Y, X) [grey]
        Signal of each voxel.
    noise : float [grey]
        Standard deviation of the noise of each of the two channels.
    rng : Generator
        Draws the noise.

    Returns
    -------
    pictures : (..., Y, X) uint8 [grey 0..255]
        Magnitude: the noise is Rician. The outer 12 % of k-space along y were not
        measured, and the rest is apodised, so edges ring a little.
    """
    rows, columns = pictures.shape[-2:]
    window = np.outer(_apodise(rows, 0.88), _apodise(columns, 1.0))
    sigma = noise / math.sqrt(float(np.mean(window**2)))
    out = np.empty(pictures.shape, np.uint8)
    for index in np.ndindex(pictures.shape[:-2]):
        channels = rng.standard_normal((2, rows, columns))
        field = pictures[index] + sigma * (channels[0] + 1j * channels[1])
        field = np.fft.ifft2(np.fft.fft2(field) * window)
        out[index] = np.clip(np.rint(abs(field)), 0, 255)
    return out


_COILS = (((-0.05, -0.15), 0.62), ((0.04, 0.20), 0.38))
"""Where the coils lie, x and y [m], and their weights."""


def _signal(name: str) -> float:
    """Signal of a tissue against blood."""
    t1, t2, density = _TISSUES[name]
    blood = steady_state(*_TISSUES["blood"][:2], density=1.0)
    return steady_state(t1, t2, density=density) / blood


def _liver(x: FloatArray, y: FloatArray, z: FloatArray) -> NDArray[np.bool_]:
    """Tell where liver and stomach are: under the two domes of the diaphragm."""
    right = np.hypot((x + 0.055) / 1.2, y - 0.112 - 0.28 * z) < 0.090
    left = np.hypot((x - 0.050) / 1.2, y - 0.106 - 0.28 * z) < 0.066
    return np.asarray(right | left)


def _aorta(points: FloatArray, heart: Heart) -> NDArray[np.bool_]:
    """Tell where the descending aorta is, without end."""
    tube = heart.descending_aorta
    along = np.array(tube.end) - np.array(tube.start)
    away = points - np.array(tube.start)
    part = away @ along / (along @ along)
    beside = away - part[..., None] * along
    return np.asarray(np.linalg.norm(beside, axis=-1) < tube.start_radius)


def _vessels(points: FloatArray, seed: int) -> FloatArray:
    """Vessels of lung and liver: where a random field of waves is near its crests."""
    rng = np.random.default_rng([seed, 77])
    waves = rng.normal(0, 190, (7, 3)) * np.array([1, 1, 0.4])
    phases = rng.uniform(0, 2 * math.pi, 7)
    field = sum(
        np.cos(points @ wave + phase) for wave, phase in zip(waves, phases, strict=True)
    )
    return np.clip((np.asarray(field) - 3.0) / 1.0, 0, 1)


def _apodise(count: int, measured: float) -> FloatArray:
    """Window of k-space: nothing beyond a part, and a slope towards its end."""
    k = abs(np.fft.fftfreq(count)) / 0.5
    slope = np.clip((k / measured - 0.3) / 0.7, 0, 1)
    return np.where(k <= measured, 0.55 + 0.45 * np.cos(math.pi * slope), 0.0)
