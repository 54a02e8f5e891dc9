"""Any geometry, and its description by what JSON can hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from cardium.core.planar import PlaneGrid, Sector
from cardium.core.volumes import SectorVolume, VolumeGrid
from cardium.errors import DataCorruptError, GeometryError

PlanarGeometry = Sector | PlaneGrid
VolumeGeometry = SectorVolume | VolumeGrid
Geometry = PlanarGeometry | VolumeGeometry
"""Where the samples of a stream lie."""


def geometry_to_dict(geometry: Geometry | None) -> dict[str, Any] | None:
    """Describe a geometry by what JSON can hold.

    Parameters
    ----------
    geometry : Sector, PlaneGrid, SectorVolume, VolumeGrid or None
        What is described.

    Returns
    -------
    dict or None
        Its type and its fields; None for None.

    Examples
    --------
    >>> plane = PlaneGrid(x=(0.0, 0.1), z=(0.0, 0.2), shape=(3, 2))
    >>> geometry_to_dict(plane)
    {'type': 'plane', 'x': [0.0, 0.1], 'z': [0.0, 0.2], 'shape': [3, 2]}
    >>> geometry_from_dict(geometry_to_dict(plane)) == plane
    True
    """
    if geometry is None:
        return None
    name = next(k for k, kind in _TYPES.items() if type(geometry) is kind)
    described: dict[str, Any] = {"type": name}
    for column in fields(geometry):
        value = getattr(geometry, column.name)
        if value != column.default:
            described[column.name] = _as_lists(value)
    return described


def geometry_from_dict(value: dict[str, Any] | None) -> Geometry | None:
    """Build the geometry that `geometry_to_dict` described.

    Parameters
    ----------
    value : dict or None
        What `geometry_to_dict` returned.

    Returns
    -------
    Sector, PlaneGrid, SectorVolume, VolumeGrid or None
        The geometry; None for None.

    Raises
    ------
    DataCorruptError
        If the description is of no known type, or lacks a number.
    GeometryError
        If it contradicts itself.

    Examples
    --------
    >>> geometry_from_dict({"type": "plane", "x": [0, 1], "z": [0, 2], "shape": [3, 2]})
    PlaneGrid(x=(0.0, 1.0), z=(0.0, 2.0), shape=(3, 2))
    """
    if value is None:
        return None
    try:
        stated = {k: _as_tuples(v) for k, v in value.items() if k != "type"}
        return _TYPES[value["type"]](**stated)
    except GeometryError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataCorruptError(
            f"Not a geometry: {value!r} ({type(error).__name__}: {error})."
        ) from error


_TYPES: dict[str, Callable[..., Geometry]] = {
    "sector": Sector,
    "plane": PlaneGrid,
    "sector_volume": SectorVolume,
    "volume": VolumeGrid,
}


def _as_lists(value: object) -> object:
    """Turn tuples into lists, at any depth."""
    return [_as_lists(v) for v in value] if isinstance(value, tuple) else value


def _as_tuples(value: object) -> object:
    """Turn lists into tuples, at any depth."""
    return tuple(map(_as_tuples, value)) if isinstance(value, list) else value
