"""Where EchoXFlow says that samples lie: sectors, fans in space, velocity limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardium.core import Sector, SectorVolume
from cardium.datasets._echoxflow.attributes import first_of, number_of
from cardium.errors import DataCorruptError, GeometryError

_DEPTH_START = ("depth_start_m", "DepthStart")
_DEPTH_END = ("depth_end_m", "DepthEnd")
_ANGLE_START = ("angle_start_rad", "AngleStart")
_ANGLE_END = ("angle_end_rad", "AngleEnd")
_WIDTH = ("width_rad", "Width")
_TILT = ("tilt_rad", "Tilt", "Angle")
_LIMIT = ("velocity_limit_mps", "velocity_scale_mps")


def read_sector(stated: object, shape: tuple[int, ...], where: str) -> Sector | None:
    """Build the sector that a stored geometry describes; None where there is none.

    Parameters
    ----------
    stated : object
        The geometry in the manifest, whatever it is.
    shape : tuple of int
        Shape of the array; its last two axes are range and beam.
    where : str
        What it belongs to, for messages.

    Raises
    ------
    GeometryError
        If it lacks a number or contradicts itself.
    """
    if stated is None:
        return None
    geometry = _expect_object(stated, where)
    if geometry.get("coordinate_system") == "spherical_sector_3d":
        raise GeometryError(f"{where}: the geometry of a volume stands with a plane.")
    depth = _need(geometry, where, _DEPTH_START), _need(geometry, where, _DEPTH_END)
    try:
        return Sector(depth, _read_angles(geometry, where), (shape[-2], shape[-1]))
    except GeometryError as error:
        raise GeometryError(f"{where}: {error}") from error


def read_volume(
    stated: object, shape: tuple[int, ...], where: str
) -> SectorVolume | None:
    """Build the fan in space that a stored geometry describes.

    Both fans are centred; a fan that states one width has it both ways. The first item
    of a list counts, as scanners write one item a beam group.

    Parameters
    ----------
    stated : object
        The geometry in the manifest, whatever it is.
    shape : tuple of int
        Shape of the array; its last axes are elevation, azimuth and range.
    where : str
        What it belongs to, for messages.

    Raises
    ------
    GeometryError
        If it lacks a number or contradicts itself.
    """
    if stated is None:
        return None
    geometry = {k: _first(v) for k, v in _expect_object(stated, where).items()}
    depth = _need(geometry, where, _DEPTH_START), _need(geometry, where, _DEPTH_END)
    width = _need(geometry, where, _WIDTH)
    names = ("ElevationWidth", "elevation_width_rad")
    other = number_of(geometry, f"{where}, geometry", *names, error=GeometryError)
    height = width if other is None else other
    try:
        return SectorVolume(
            depth,
            (-width / 2, width / 2),
            (-height / 2, height / 2),
            (shape[-3], shape[-2], shape[-1]),
            convention="spherical",
        )
    except GeometryError as error:
        raise GeometryError(f"{where}: {error}") from error


def read_limit(sector: Mapping[str, Any], where: str, *more: str) -> float | None:
    """Return the velocity limit that is stated [m/s]; None if none is.

    Parameters
    ----------
    sector : mapping
        What states it.
    where : str
        What it belongs to, for messages.
    *more : str
        Names that it may have besides the usual ones, and before them.

    Raises
    ------
    DataCorruptError
        If it is not a positive number.
    """
    limit = number_of(sector, f"{where}, velocity limit", *more, *_LIMIT)
    if limit is not None and limit <= 0:
        raise DataCorruptError(
            f"{where}: the velocity limit is {limit}, expected a positive number in "
            "m/s."
        )
    return limit


def _read_angles(stated: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Return the first and last angle, stated as such or as a centre and a width."""
    if first_of(stated, *_WIDTH) is None or first_of(stated, *_ANGLE_START) is not None:
        return _need(stated, where, _ANGLE_START), _need(stated, where, _ANGLE_END)
    tilt = number_of(stated, f"{where}, geometry", *_TILT, error=GeometryError) or 0.0
    half = _need(stated, where, _WIDTH) / 2
    return tilt - half, tilt + half


def _need(item: Mapping[str, Any], where: str, names: tuple[str, ...]) -> float:
    """Return a number that a geometry cannot do without."""
    value = number_of(item, f"{where}, geometry", *names, error=GeometryError)
    if value is None:
        raise GeometryError(
            f"{where}: the geometry's {' or '.join(names)} is None, expected a number."
        )
    return value


def _first(value: object) -> object:
    """Return the first item of a list, or the value itself."""
    return value[0] if isinstance(value, list) and value else value


def _expect_object(stated: object, where: str) -> Mapping[str, Any]:
    """Refuse a geometry that is no object."""
    if not isinstance(stated, Mapping):
        raise GeometryError(
            f"{where}: the geometry is {stated!r:.80}, expected an object."
        )
    return stated
