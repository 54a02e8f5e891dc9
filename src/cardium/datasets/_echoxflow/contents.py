"""What the names of a recording's arrays say that it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from cardium.datasets._echoxflow.layout import MESH, PATHS
from cardium.datasets._echoxflow.roles import roles_in

_STREAMS: Mapping[str, str] = {path: name for name, path in PATHS.items()}
_ANNOTATION = re.compile(
    r"_annotation_|_overlay_physical_points_|_(?:contour|curve|qrs)$|^line_|/"
)
_MASK = re.compile(r"_mask$|segmentation_mask|annotation_mask")
_FACES = ("_faces", "_face_indices")
_SHARED = ("_velocity", "_power")
_CLOCKED = ("_annotation_", "_overlay_physical_points_")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the arrays of one recording hold.

    Parameters
    ----------
    streams : tuple of str
        Streams that have a name of their own in cardium.
    others : tuple of str
        Arrays with a clock that the format does not describe, by their stored name.
    masks : tuple of str
        Label maps and predictions, by their stored name.
    meshes : mapping of str to str
        Where each mesh is: a group, or what its arrays begin with.
    roles : tuple of str
        Views that have a contour or a curve.
    qrs : tuple of str
        What precedes ``ecg_qrs`` in the names of QRS times: ``""``, ``"4ch_"``.
    names : frozenset of str
        What a recording of these arrays provides on its own, but for its views.
    """

    streams: tuple[str, ...]
    others: tuple[str, ...]
    masks: tuple[str, ...]
    meshes: Mapping[str, str]
    roles: tuple[str, ...]
    qrs: tuple[str, ...]
    names: frozenset[str]


@lru_cache(maxsize=4096)
def read_contents(arrays: tuple[str, ...]) -> Contents:
    """Say what a recording holds, from the paths of its arrays.

    Examples
    --------
    >>> held = read_contents(("data/ecg", "data/new", "timestamps/new", "data/a_mask"))
    >>> held.streams, held.others, held.masks
    (('ecg',), ('new',), ('a_mask',))
    """
    there = frozenset(arrays)
    meshes = _meshes_in(there)
    left = [
        path.removeprefix("data/")
        for path in dict.fromkeys(arrays)
        if path.startswith("data/") and path not in _STREAMS
    ]
    streams = tuple(name for name, path in PATHS.items() if path in there)
    masks = tuple(name for name in left if _MASK.search(name))
    others = tuple(
        name
        for name in left
        if name not in masks
        and not _ANNOTATION.search(name)
        and not there.isdisjoint(times_by_name(f"data/{name}"))
    )
    qrs = _qrs_in(there)
    own = ("qrs",) if "" in qrs else ()
    return Contents(
        streams=streams,
        others=others,
        masks=masks,
        meshes=MappingProxyType(meshes),
        roles=roles_in(there),
        qrs=qrs,
        names=frozenset((*streams, *others, *masks, *meshes, *own)),
    )


def times_by_name(array: str) -> tuple[str, ...]:
    """List where the times of an array are by the names alone, the nearest first.

    Examples
    --------
    >>> times_by_name("data/2d_color_doppler_power")
    ('timestamps/2d_color_doppler_power', 'timestamps/2d_color_doppler')
    """
    name = array.removeprefix("data/")
    names = [name]
    for ending in _SHARED:
        names.append(name.removesuffix(ending))
    for middle in _CLOCKED:
        names.append(name.partition(middle)[0])
    return tuple(f"timestamps/{n}" for n in dict.fromkeys(names))


def _meshes_in(there: frozenset[str]) -> dict[str, str]:
    """Find the meshes: the group of the format, or arrays of one beginning."""
    found = {}
    if f"{MESH}/point_values" in there:
        found["lv_mesh"] = MESH
    for path in sorted(there):
        base = path.removesuffix("_points")
        flat = base != path and not there.isdisjoint(base + end for end in _FACES)
        if flat and path.startswith("data/"):
            name = "lv_mesh" if base == MESH else base.removeprefix("data/")
            found.setdefault(name, base)
    return found


def _qrs_in(there: frozenset[str]) -> tuple[str, ...]:
    """Find the QRS times of the recording and of its views."""
    found: dict[str, None] = {}
    for path in there:
        name = path.partition("/")[2]
        for ending in ("ecg_qrs", "_qrs"):
            if name.endswith(ending):
                prefix = name.removesuffix(ending)
                found["" if prefix in ("", "_") else f"{prefix.rstrip('_')}_"] = None
                break
    return tuple(sorted(found))
