"""EchoXFlow's meshes: flat arrays of all frames, turned to the frame of the volume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Mesh
from cardium.datasets._echoxflow.attributes import (
    objects,
    path_of,
    text_of,
)
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.errors import CardiumError, DataCorruptError, DataMissingError
from cardium.io.zarr import ZarrArray

IntArray = NDArray[np.int64]

_FACES = ("_faces", "_face_indices")
_OFFSETS = ("_point_frame_offsets", "_frame_offsets", "_offsets")
_FACE_OFFSETS = ("_face_frame_offsets", "_face_offsets")


def load_meshes(
    opened: RecordingStore, places: Mapping[str, str], origin: float | None = None
) -> dict[str, Mesh]:
    """Read the meshes of a recording: points in the frame of the volume.

    Stored axes are others: ``(x, y, z)`` of the volume is ``(-x, z, y)`` as stored, a
    rotation, so that the faces keep their sides. Quadrilaterals are split along their
    first diagonal.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    places : mapping of str to str
        Where each mesh is: a group, or what the names of its arrays begin with.
    origin : float, optional
        The origin of the volume in another store [s]; times that begin at or after it
        count from it.

    Returns
    -------
    dict of str to Mesh
        By name: ``"lv_mesh"``. Of a mesh of several components, each is one: the first,
        or the one that the manifest names, keeps the name, and the others add theirs:
        ``"lv_mesh_epi"``.

    Raises
    ------
    DataMissingError
        If an array is not there.
    DataCorruptError
        If arrays are not of their type or contradict one another.
    """
    found: dict[str, Mesh] = {}
    for name, place in places.items():
        for mesh in _load_parts(opened, name, place, origin):
            found[mesh.name] = mesh
    return found


def _load_parts(
    opened: RecordingStore, name: str, place: str, origin: float | None
) -> Iterator[Mesh]:
    """Read one mesh, in its components."""
    points, faces, point_ends, face_ends = _load_arrays(opened, place)
    where = f"Recording '{opened.recording}', {name}"
    for ends in (point_ends, face_ends):
        _check_offsets(ends, where)
    if len(point_ends) != len(face_ends):
        raise DataCorruptError(
            f"{where}: {len(point_ends)} offsets of points, {len(face_ends)} of faces."
        )
    frames = len(point_ends) - 1
    time = _load_times(opened, place, frames, origin)
    for part, span in _components(opened, name, place, frames):
        clock = time if len(time) == span.stop - span.start else time[span]
        first, last = point_ends[span.start], point_ends[span.stop]
        face_first, face_last = face_ends[span.start], face_ends[span.stop]
        if last > len(points) or face_last > len(faces):
            raise DataCorruptError(
                f"{where}: the offsets end at {last} points and {face_last} faces, the "
                f"arrays have {len(points)} and {len(faces)}."
            )
        corners, triangle_ends = _triangles(
            faces[face_first:face_last],
            face_ends[span.start : span.stop + 1] - face_first,
        )
        try:
            yield Mesh(
                part,
                clock,
                _to_volume(points[first:last]),
                corners,
                point_ends[span.start : span.stop + 1] - first,
                triangle_ends,
            )
        except CardiumError as error:
            raise DataCorruptError(f"{where}: {error} Restore the store.") from error


def _load_arrays(
    opened: RecordingStore, place: str
) -> tuple[FloatArray, IntArray, IntArray, IntArray]:
    """Read points, faces and where the frames of both begin and end."""
    if f"{place}/point_values" in opened.store:
        names = [f"{place}/{n}" for n in ("point_values", "face_values")]
        ends = f"{place}/point_frame_offsets", f"{place}/face_frame_offsets"
    else:
        names = [f"{place}_points", _present(opened, place, _FACES)]
        ends = (
            _present(opened, place, _OFFSETS, optional=True),
            _present(opened, place, _FACE_OFFSETS, optional=True),
        )
    stored, corners = (opened.store.open_array(name) for name in names)
    points = _load_numbers(stored, "fiu").astype(np.float64)
    faces = _load_numbers(corners, "iu").astype(np.int64)
    dense = points.ndim == 3
    if points.shape[-1] != 3 or points.ndim not in (2, 3):
        raise DataCorruptError(
            f"{stored.where} has shape {stored.shape}, expected (points, 3)."
        )
    if faces.ndim != 2 or faces.shape[1] not in (3, 4):
        raise DataCorruptError(
            f"{corners.where} has shape {corners.shape}, expected (faces, 3 or 4)."
        )
    point_ends, face_ends = (_load_offsets(opened, end) for end in ends)
    if point_ends is None:
        count = points.shape[1] if dense else len(points)
        point_ends = np.arange(0, (len(points) if dense else 1) + 1) * count
    if face_ends is None:
        frames = max(1, len(point_ends) - 1)
        face_ends = np.arange(frames + 1) * len(faces)
        faces = np.tile(faces, (frames, 1))
    return points.reshape(-1, 3), faces, point_ends, face_ends


def _load_numbers(stored: ZarrArray, kinds: str) -> NDArray[Any]:
    """Read an array of numbers of some kind."""
    if stored.dtype.kind not in kinds:
        raise DataCorruptError(f"{stored.where} is {stored.dtype}, expected numbers.")
    return stored[:]


def _load_offsets(opened: RecordingStore, path: str) -> IntArray | None:
    """Read where frames begin and end; None where nothing says it."""
    if not path or path not in opened.store:
        return None
    stored = opened.store.open_array(path, sparse=True)
    values = _load_numbers(stored, "iu").astype(np.int64)
    if values.ndim != 1 or len(values) < 2:
        raise DataCorruptError(f"{stored.where} has shape {stored.shape}.")
    return values


def _check_offsets(ends: IntArray, where: str) -> None:
    """Refuse offsets that do not ascend from zero."""
    if ends[0] != 0 or (np.diff(ends) < 0).any():
        raise DataCorruptError(
            f"{where}: offsets must ascend from 0, found {ends[:5].tolist()} …."
        )


def _load_times(
    opened: RecordingStore, place: str, frames: int, origin: float | None
) -> FloatArray:
    """Read the times of the frames, which count from the volume's origin."""
    stated = [
        path_of(item.get("timestamps"))
        for item in opened.listed("linked_mesh_sequences")
        if path_of(item.get("mesh_data")) in ("", place)
    ]
    by_name = place.replace("data/", "timestamps/", 1)
    path = next((p for p in (*stated, by_name) if p and p in opened.store), "")
    if not path:
        raise DataMissingError(
            f"Recording '{opened.recording}': the mesh '{place}' has no times; looked "
            f"for {', '.join(filter(None, (*stated, by_name)))} in '{opened.path}'."
        )
    time = opened.load_stored_times(path)
    start = opened.origin if origin is None else origin
    if start is not None and len(time) and time[0] >= start:
        return time - start
    return time


def _components(
    opened: RecordingStore, name: str, place: str, frames: int
) -> Iterator[tuple[str, slice]]:
    """Yield the name of each component, and which of the frames are its own."""
    ends = _load_offsets(opened, f"{place}/point_component_offsets")
    other = _load_offsets(opened, f"{place}/face_component_offsets")
    if ends is None:
        yield name, slice(0, frames)
        return
    where = f"Recording '{opened.recording}', {name}"
    _check_offsets(ends, where)
    if ends[-1] != frames or (other is not None and not np.array_equal(ends, other)):
        raise DataCorruptError(
            f"{where}: its components have {ends[-1]} frames, the mesh {frames}, or "
            "differ between points and faces."
        )
    names = _component_names(opened, place, len(ends) - 1)
    keys = [
        text_of(item, "mesh_key").lower()
        for item in objects(opened.manifest.get("linked_mesh_sequences"))
    ]
    main = next((n for n in names if n.lower() in keys), names[0])
    for part, start, stop in zip(names, ends[:-1], ends[1:], strict=True):
        called = name if part == main else f"{name}_{part.lower()}"
        yield called, slice(int(start), int(stop))


def _component_names(opened: RecordingStore, place: str, count: int) -> list[str]:
    """Name the components, by number where the store does not."""
    path = f"{place}/component_names"
    if path not in opened.store:
        return [str(number) for number in range(count)]
    stored = opened.store.open_array(path)
    names = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in stored[:].reshape(-1).tolist()
    ]
    if len(names) != count or len(set(names)) != count:
        raise DataCorruptError(f"{stored.where} holds {names}, expected {count} names.")
    return names


def _triangles(faces: IntArray, ends: IntArray) -> tuple[IntArray, IntArray]:
    """Split quadrilaterals (0, 1, 2, 3) into (0, 1, 2) and (0, 2, 3)."""
    if faces.shape[1] == 3:
        return faces, ends
    return faces[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3), 2 * ends


def _to_volume(points: FloatArray) -> FloatArray:
    """Turn stored axes to the volume's."""
    x, y, z = points.T
    return np.stack([-x, z, y], axis=1)


def _present(
    opened: RecordingStore,
    base: str,
    endings: tuple[str, ...],
    *,
    optional: bool = False,
) -> str:
    """Return the first of some names that the store has."""
    for ending in endings:
        if base + ending in opened.store:
            return base + ending
    if optional:
        return ""
    raise DataMissingError(
        f"Recording '{opened.recording}': the mesh '{base}' has none of "
        f"{', '.join(base + ending for ending in endings)}."
    )
