"""The endocardium of the left ventricle as a closed mesh that moves with the tissue."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement
from cardium.phantom.shapes import LeftVentricle

RINGS, SPOKES = 32, 64
"""Rings of corners between apex and base, and corners around each."""


def mesh_endocardium(
    motion: Motion, times: FloatArray, *, placements: Sequence[Placement]
) -> Mesh:
    """Mesh the endocardium, closed at the base, at some times.

    Parameters
    ----------
    motion : Motion
        How the ventricle moves.
    times : (T,) [s]
        When.
    placements : sequence of T Placement
        Where the heart lies under the probe at each time.

    Returns
    -------
    mesh : Mesh
        ``lv_mesh`` in the frame of the probe: 2050 corners and 4096 triangles that are
        the same at all times, wound outwards. The last two corners are the apex and the
        middle of the base.

    Notes
    -----
    Corners are material points, so that the mesh follows twist and regional motion.
    The base is a fan around the moved middle of the base. It closes the volume that the
    map states also where one wall shortens less than another and the base is not flat.

    Triangles are chords of a curved surface: the mesh holds about 0.3 % less than the
    cavity, in the same proportion at all times.

    Examples
    --------
    >>> from cardium.geometry.mesh import mesh_volume
    >>> from cardium.phantom.build import build_heart
    >>> from cardium.phantom.patient import Patient
    >>> motion = Motion.of(build_heart(Patient(edv_ml=120)))
    >>> held = Placement.apical(apex=(0.0, 0.03), tilt=0.0)
    >>> mesh = mesh_endocardium(motion, np.zeros(1), placements=[held])
    >>> round(1e6 * mesh_volume(*mesh.frame(0)), 1)
    119.7
    """
    corners = _corners(motion.ventricle)
    material, faces = motion.material(corners), _faces()
    frames = []
    for time, placement in zip(times, placements, strict=True):
        points = np.stack(motion.position(material, float(time)), axis=-1, dtype=float)
        frames.append((placement.to_image(points), faces))
    return Mesh.from_frames("lv_mesh", times, frames)


def _corners(lv: LeftVentricle) -> FloatArray:
    """Corners at end-diastole: rings from apex to base, apex, middle of the base."""
    heights, _ = lv.layer_heights(0.0, 2 * RINGS + 1)
    height = heights[RINGS + 1 :, None]
    radius = np.sqrt(lv.layer_radius_squared(height))
    turn = np.arange(SPOKES) * (2 * math.pi / SPOKES)
    x, y = radius * np.cos(turn), radius * np.sin(turn)
    rings = np.stack([x, y, np.broadcast_to(height, x.shape)], axis=-1)
    ends = [(0, 0, 0), (0, 0, lv.length)]
    return lv.from_round(np.concatenate([rings.reshape(-1, 3), ends]))


def _faces() -> NDArray[np.int64]:
    """Triangles between the corners, wound outwards."""
    spoke = np.arange(SPOKES)
    beside = (spoke + 1) % SPOKES
    ring = SPOKES * np.arange(RINGS - 1)[:, None]
    a, b = (ring + spoke).ravel(), (ring + beside).ravel()
    apex = RINGS * SPOKES
    base, last = apex + 1, apex - SPOKES
    corners = [
        (np.full(SPOKES, apex), beside, spoke),
        (a, b, a + SPOKES),
        (b, b + SPOKES, a + SPOKES),
        (np.full(SPOKES, base), last + spoke, last + beside),
    ]
    return np.concatenate([np.stack(face, axis=1) for face in corners])
