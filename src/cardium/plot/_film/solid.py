"""The panel of a mesh: its triangles shaded, from the farthest to the nearest."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh
from cardium.errors import GeometryError
from cardium.plot._film.canvas import Picture, blank, draw_lines, write_text
from cardium.plot.style import DARK, FAINT, INK, rgb_of, spoken
from cardium.signal.clock import nearest

Vector = tuple[float, float, float]

_HEAD = 22  # px
_TURN, _TILT = math.radians(35), math.radians(18)  # the eye: from the side, from above
_LIGHT = np.array([-0.45, -0.55, 0.70])  # right, down, towards the eye
_COLOUR = "#ffa21f"
_AMBIENT = 0.36
_FINE = 2  # triangles are drawn so many times larger, and reduced
_MARGIN = 0.10


class MeshPanel:
    """A mesh over time, with its volume and the outline of its largest frame behind.

    Parameters
    ----------
    mesh : Mesh
        Points in the frame of the volume: x right, y to the eye, z down.
    size : int [px]
        Height and width of the image.
    volumes : (T,) [m^3]
        Volume of each frame; NaN where there is none.
    """

    def __init__(self, mesh: Mesh, size: int, volumes: FloatArray) -> None:
        self._mesh, self._volumes = mesh, volumes
        self.size = (_HEAD + size, size)
        self._side = size
        seen = _turned(mesh.points)
        low, high = (f(seen[:, :2], axis=0) for f in (np.min, np.max))
        reach = float((high - low).max()) or 1.0
        self._scale = size * (1 - 2 * _MARGIN) / reach
        self._middle = (low + high) / 2
        self._shown: tuple[int, Picture] | None = None
        self._ground = self._draw_ground()

    def paint(self, picture: Picture, time: float) -> None:
        """Draw the mesh of a time [s], in place."""
        at = int(nearest(self._mesh.time, time))
        if self._shown is None or self._shown[0] != at:
            self._shown = at, self._draw(at)
        picture[:] = self._shown[1]

    def _draw(self, at: int) -> Picture:
        """Draw one frame."""
        from PIL import Image, ImageDraw

        points, faces = self._mesh.frame(at)
        seen = _turned(points)
        place = self._place(seen)
        corners = seen[faces]
        light = _shades(seen, faces)
        base = np.array(rgb_of(_COLOUR), float)
        colours = np.clip(light[:, :1] * base + light[:, 1:] * 255, 0, 255).astype(int)
        image = Image.fromarray(self._ground).resize(
            (self._side * _FINE, self.size[0] * _FINE), Image.Resampling.NEAREST
        )
        draw = ImageDraw.Draw(image)
        fine = ((place + np.array([0, _HEAD]) + 0.5) * _FINE - 0.5)[faces]
        order = np.argsort(corners[..., 2].mean(axis=1))
        shapes = fine[order].reshape(-1, 6).tolist()
        for shape, colour in zip(shapes, colours[order].tolist(), strict=True):
            draw.polygon(shape, fill=tuple(colour), outline=tuple(colour))
        picture = np.asarray(image.reduce(_FINE)).copy()
        picture[:_HEAD] = self._ground[:_HEAD]
        self._write_volume(picture, at)
        return picture

    def _write_volume(self, picture: Picture, at: int) -> None:
        """Write the volume of a frame."""
        volume = float(self._volumes[at]) * 1e6
        if math.isfinite(volume):
            place = (self._side - 8, _HEAD + 14)
            write_text(picture, place, f"{volume:.0f} mL", size=16, anchor="right")

    def _place(self, seen: FloatArray) -> FloatArray:
        """Return columns and rows of turned points."""
        away = np.asarray(seen[:, :2] - self._middle)
        return np.asarray(away * self._scale + self._side / 2)

    def _draw_ground(self) -> Picture:
        """Draw the heading, a scale of 2 cm, and the largest frame as a web."""
        ground = blank(*self.size, DARK)
        heading = spoken(self._mesh.name)
        room = self._side - 8
        write_text(ground, (4, 10), heading, colour=FAINT, size=12, room=room)
        known = np.nan_to_num(self._volumes, nan=-1.0)
        points, faces = self._mesh.frame(int(known.argmax()) if len(known) else 0)
        place = self._place(_turned(points)) + np.array([0, _HEAD])
        edges = np.unique(
            np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0
        )
        draw_lines(ground, list(place[edges]), FAINT, 1, opacity=0.22)
        length, row = 0.02 * self._scale, self.size[0] - 12.0
        draw_lines(ground, [np.array([(8.0, row), (8.0 + length, row)])], INK, 2)
        write_text(ground, (14 + length, row), "2 cm", colour=FAINT, size=12)
        return ground


def mesh_volumes(mesh: Mesh) -> FloatArray:
    """Return the volume of each frame of a mesh, its base closed; NaN if it has none.

    Parameters
    ----------
    mesh : Mesh
        Open at the base or closed.

    Returns
    -------
    (T,) [m^3]
    """
    from cardium.geometry.mesh import close_mesh, mesh_volume

    volumes = np.full(len(mesh), np.nan)
    for k in range(len(mesh)):
        try:
            volumes[k] = mesh_volume(*close_mesh(*mesh.frame(k)))
        except GeometryError:
            # A surface that cannot be closed is still worth looking at.
            continue
    return volumes


def mesh_axis(mesh: Mesh) -> tuple[Vector, Vector]:
    """Return apex and base of the first frame of a ventricle.

    Parameters
    ----------
    mesh : Mesh
        Open at the base, or closed with its base below.

    Returns
    -------
    apex, base : (x, y, z) [m]
        The base is the middle of the border, or of the deepest points where the mesh
        is closed; the apex is the point farthest from it.
    """
    from cardium.geometry.mesh import close_mesh

    points, faces = mesh.frame(0)
    closed, _ = close_mesh(points, faces)
    depth = points[:, 2]
    base = points[depth >= np.quantile(depth, 0.95)].mean(axis=0)
    if len(closed) > len(points):
        base = closed[-1]
    apex = points[np.linalg.norm(points - base, axis=1).argmax()]
    ends = [(float(p[0]), float(p[1]), float(p[2])) for p in (apex, base)]
    return ends[0], ends[1]


def _turned(points: FloatArray) -> FloatArray:
    """Turn points for the eye: right, down and towards it, (p, 3) [m]."""
    x, y, z = points.T
    right = x * math.cos(_TURN) - y * math.sin(_TURN)
    near = x * math.sin(_TURN) + y * math.cos(_TURN)
    down = z * math.cos(_TILT) + near * math.sin(_TILT)
    return np.stack(
        [right, down, near * math.cos(_TILT) - z * math.sin(_TILT)], axis=-1
    )


def _shades(seen: FloatArray, faces: NDArray[np.int64]) -> FloatArray:
    """Return how much of its own colour and of white each triangle shows, (f, 2)."""
    a, b, c = (seen[faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    # Corners share the mean of their triangles' normals, so that facets run together.
    corner = np.zeros_like(seen)
    for k in range(3):
        np.add.at(corner, faces[:, k], normal)
    smooth = _unit(_unit(normal) + _unit(corner)[faces].mean(axis=1))
    # Wound either way: the side that is seen is the one that faces the eye.
    smooth *= np.where(smooth[:, 2:] < 0, -1.0, 1.0)
    light = _LIGHT / np.linalg.norm(_LIGHT)
    diffuse = np.clip(smooth @ light, 0, 1)
    half = _unit((light + np.array([0.0, 0.0, 1.0]))[None])[0]
    gloss = 0.25 * np.clip(smooth @ half, 0, 1) ** 24
    return np.stack([_AMBIENT + (1 - _AMBIENT) * diffuse, gloss], axis=-1)


def _unit(vectors: FloatArray) -> FloatArray:
    """Scale vectors to length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
