"""Streams whose values are simple formulas of their indices.

Every array is a ramp: a start plus a step along each axis, so that an axis that is
swapped, mirrored or shifted shows in the values. Times are multiples of 1/64 s, which
float32 holds exactly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mark, Mesh, Sector, SectorVolume, Stream

SECTOR = Sector((0.0, 0.125), (-0.625, 0.5), (24, 12))
"""Where planes lie: the fan is steered to the left."""

BOX = Sector((0.03125, 0.09375), (-0.25, 0.375), (16, 10))
"""Where Doppler lies: a part of the plane."""

FAN = SectorVolume((0.03125, 0.15625), (-0.5, 0.5), (-0.375, 0.375), (6, 8, 20))
"""Where volumes lie."""

FRAMES = 8
STEP = 1 / 32
BEAMSPACE = ("time", "range", "beam")
_TISSUE_LIMIT = 0.15625


def ramp(
    shape: tuple[int, ...], start: float, steps: Sequence[float]
) -> NDArray[np.float64]:
    """Return ``start`` plus a step for each index along each axis."""
    values = np.full(shape, start, np.float64)
    for step, index in zip(steps, np.indices(shape), strict=True):
        values += step * index
    return values


def clock(count: int, step: float) -> FloatArray:
    """Return times from a sixteenth of a second on."""
    return np.asarray(1 / 16 + step * np.arange(count), np.float64)


def plane(name: str, start: int) -> Stream:
    """Return images that grow with time, depth and angle."""
    grey = ramp((FRAMES, *SECTOR.shape), start, (7, 5, 3)).astype(np.uint8)
    time = clock(FRAMES, STEP)
    return Stream(name, grey, time, BEAMSPACE, "grey", geometry=SECTOR)


def trace() -> Stream:
    """Return an ECG."""
    values = ramp((128,), -0.5, (1 / 128,)).astype(np.float32)
    return Stream("ecg", values, clock(128, 1 / 256), ("time",), "")


def surface() -> Mesh:
    """Return octahedra that grow, the second with one point more than the first."""
    corners = np.array(
        [(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], float
    )
    around = [(0, 1), (1, 2), (2, 3), (3, 0)]
    faces = [(a, b, 4) for a, b in around] + [(b, a, 5) for a, b in around]
    frames = []
    for frame in range(4):
        radius, center = 1 / 64 + frame / 512, np.array([1 / 64, -1 / 128, 3 / 32])
        more = np.zeros((frame % 2, 3))
        frames.append((center + radius * np.vstack([corners, more]), np.array(faces)))
    return Mesh.from_frames("lv_mesh", clock(4, 1 / 16), frames)


def contour(chamber: str, layers: tuple[str, ...], start: int) -> Stream:
    """Return walls whose apex is nearest the probe, one point undefined."""
    points = np.arange(-4, 5)
    layer = np.arange(len(layers))[:, None]
    frame = np.arange(FRAMES)[:, None, None]
    x = points * (4 + layer) / 1024 + 0 * frame
    z = (40 + start + 6 * np.abs(points) - layer + frame) / 1024
    values = np.stack([x, z], axis=-1).astype(np.float32)
    values[1, :, 0] = np.nan
    return Stream(
        f"{chamber}_contour",
        values,
        clock(FRAMES, STEP),
        ("time", "layer", "point", "xz"),
        "m",
        coords={"layer": layers},
    )


def fan(start: int) -> Stream:
    """Return volumes that grow with time, both angles and depth."""
    grey = ramp((4, *FAN.shape), start, (13, 9, 7, 5)).astype(np.uint8)
    dims = ("time", "elevation", "azimuth", "range")
    return Stream("b_mode_3d", grey, clock(4, 1 / 16), dims, "grey", geometry=FAN)


def tissue() -> Stream:
    """Return tissue velocities within their limit."""
    values = ramp((FRAMES, *BOX.shape), -0.125, (1 / 128, 1 / 128, 1 / 256))
    return Stream(
        "tissue_velocity",
        values.astype(np.float32),
        clock(FRAMES, STEP),
        BEAMSPACE,
        "m/s",
        geometry=BOX,
        velocity_limit=_TISSUE_LIMIT,
    )


def spectrum(name: str, velocities: FloatArray, limit: float) -> Stream:
    """Return a spectrum that grows with time and with falling velocity."""
    return Stream(
        name,
        ramp((64, len(velocities)), 2, (1, 2)).astype(np.float32),
        clock(64, 1 / 64),
        ("time", "velocity"),
        "grey",
        velocity_limit=limit,
        axes={"velocity": velocities},
    )


def on_spectrum(label: str, on: str, points: FloatArray) -> Mark:
    """Return a mark on a spectrum."""
    return Mark(label, on, ("time", "velocity"), points)
