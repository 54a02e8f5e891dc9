"""What readers add to images besides signals: surfaces, marks, sample volumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core.planar import FloatArray
from cardium.errors import InvalidArgumentError

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A surface that moves: triangles of each frame, in the frame of its volume.

    Frames follow one another in flat arrays, because their numbers of points may
    differ.

    Parameters
    ----------
    name : str
        What it is: ``"lv_mesh"``, the endocardium of the left ventricle.
    time : (T,) [s]
        When each frame was, strictly ascending.
    points : (P, 3) [m]
        x, y and z of the points of all frames.
    faces : (F, 3) int
        Corners of the triangles of all frames, counted within their own frame.
    point_offsets, face_offsets : (T + 1,) int
        Where each frame begins, and the end.

    Raises
    ------
    InvalidArgumentError
        If shapes do not fit, times or offsets do not ascend, a point is not finite, or
        a face names a point that its frame does not have.

    Examples
    --------
    >>> corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    >>> faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    >>> mesh = Mesh.from_frames(
    ...     "lv_mesh", np.array([0.0, 0.5]), [(corners, faces), (2 * corners, faces)]
    ... )
    >>> len(mesh), mesh.frame(1)[0][3].tolist()
    (2, [0.0, 0.0, 2.0])
    """

    name: str
    time: FloatArray
    points: FloatArray
    faces: IntArray
    point_offsets: IntArray
    face_offsets: IntArray

    def __post_init__(self) -> None:
        if self.points.ndim != 2 or self.points.shape[1] != 3:
            self._refuse(f"points must be (P, 3), got {self.points.shape}")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3:
            self._refuse(f"faces must be (F, 3) triangles, got {self.faces.shape}")
        if not np.isfinite(self.points).all():
            self._refuse("points must be finite")
        if not np.isfinite(self.time).all() or (np.diff(self.time) <= 0).any():
            self._refuse("times must be finite and strictly ascending")
        for what, offsets, rows in (
            ("point", self.point_offsets, len(self.points)),
            ("face", self.face_offsets, len(self.faces)),
        ):
            if len(offsets) != len(self.time) + 1:
                self._refuse(
                    f"{len(self.time)} times need one more {what} offset, got "
                    f"{len(offsets)}"
                )
            if offsets[0] != 0 or offsets[-1] != rows or (np.diff(offsets) < 0).any():
                self._refuse(
                    f"{what} offsets must ascend from 0 to {rows}, got {offsets[0]} to "
                    f"{offsets[-1]}"
                )
        counts = np.repeat(np.diff(self.point_offsets), np.diff(self.face_offsets))
        if (self.faces < 0).any() or (self.faces >= counts[:, None]).any():
            self._refuse("a face names a point that its frame does not have")

    @classmethod
    def from_frames(
        cls,
        name: str,
        time: FloatArray,
        frames: Iterable[tuple[FloatArray, NDArray[Any]]],
    ) -> Mesh:
        """Make a mesh from the points (p, 3) [m] and triangles (f, 3) of each frame."""
        pairs: Sequence[tuple[FloatArray, NDArray[Any]]] = list(frames)
        points = [np.asarray(p, np.float64).reshape(-1, 3) for p, _ in pairs]
        faces = [np.asarray(f, np.int64).reshape(-1, 3) for _, f in pairs]
        return cls(
            name,
            np.asarray(time, np.float64),
            np.concatenate(points) if points else np.zeros((0, 3)),
            np.concatenate(faces) if faces else np.zeros((0, 3), np.int64),
            np.cumsum([0, *map(len, points)]),
            np.cumsum([0, *map(len, faces)]),
        )

    def __len__(self) -> int:
        return len(self.time)

    def frame(self, index: int) -> tuple[FloatArray, IntArray]:
        """Return the points (p, 3) [m] and triangles (f, 3) of one frame."""
        at = range(len(self))[index]
        p, f = self.point_offsets, self.face_offsets
        return self.points[p[at] : p[at + 1]], self.faces[f[at] : f[at + 1]]

    def _refuse(self, problem: str) -> None:
        """Say what cannot be a mesh."""
        raise InvalidArgumentError(f"Mesh '{self.name}': {problem}.")


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """Points that a reader put on a stream: a landmark, a caliper, a traced envelope.

    Parameters
    ----------
    label : str
        What the reader called it: ``"LVOT trace"``, ``"MV E' septal"``.
    on : str
        The stream it was put on: ``"b_mode"``, ``"pulsed_wave"``, ``"m_mode"``.
    dims : (first, second)
        What the two numbers of a point are: ``("x", "z")`` on images,
        ``("time", "velocity")`` on spectra, ``("time", "range")`` on an M-mode.
    points : (P, 2), or (T, P, 2) with `time` [m], [s, m/s] or [s, m]
        The points in order: one is a landmark, two are the ends of a caliper, more are
        a trace. NaN where a frame lacks a point.
    time : (T,) [s], optional
        When each frame of moving points was.

    Raises
    ------
    InvalidArgumentError
        If `points` has not the axes that are stated.

    Examples
    --------
    >>> wall = Mark("IVSd", "b_mode", ("x", "z"), np.array([(0, 0.03), (0, 0.04)]))
    >>> round(float(np.linalg.norm(np.diff(wall.points, axis=0))), 6)
    0.01
    """

    label: str
    on: str
    dims: tuple[str, str]
    points: FloatArray
    time: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = self.points.shape
        moving = self.time is not None
        if len(shape) != 2 + moving or shape[-1] != 2:
            raise InvalidArgumentError(
                f"Mark '{self.label}': points must be "
                f"{'(T, P, 2)' if moving else '(P, 2)'}, got {shape}."
            )
        if self.time is not None and len(self.time) != shape[0]:
            raise InvalidArgumentError(
                f"Mark '{self.label}': {shape[0]} frames but {len(self.time)} times."
            )


@dataclass(frozen=True, slots=True)
class Gate:
    """Where along which beam a Doppler or M-mode stream was taken.

    Parameters
    ----------
    on : str
        The stream that it belongs to: ``"pulsed_wave"``, ``"tissue_velocity"``.
    angle : float [rad]
        Angle of the beam in the sector of the B-mode.
    depth : float [m], optional
        Depth of the centre of the sample volume; None for the whole line.
    length : float [m], optional
        Length of the sample volume along the beam.

    Raises
    ------
    InvalidArgumentError
        If a number is not finite, or depth or length are not positive.

    Examples
    --------
    >>> Gate("pulsed_wave", angle=0.1, depth=0.09, length=0.006).depth
    0.09
    """

    on: str
    angle: float
    depth: float | None = None
    length: float | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.angle):
            raise InvalidArgumentError(
                f"Gate on '{self.on}': the angle must be finite, got {self.angle} rad."
            )
        for name in ("depth", "length"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise InvalidArgumentError(
                    f"Gate on '{self.on}': the {name} must be positive, got {value} m."
                )
