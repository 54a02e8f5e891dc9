"""What the image tasks share: the domain, the input clip, the plane of scoring."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    FloatArray,
    Geometry,
    PlaneGrid,
    Recording,
    Sector,
    Stream,
)
from cardium.errors import InvalidArgumentError, NotProvidedError
from cardium.signal.clock import nearest

Domain = Literal["cartesian", "beamspace"]

_DOMAINS = ("cartesian", "beamspace")
_MOST_ROWS = 256
_CLOCK_ROUNDING = 1e-6


def check_domain(task: str, domain: str) -> None:
    """Refuse a domain that is neither of the two."""
    if domain not in _DOMAINS:
        raise InvalidArgumentError(
            f"Task '{task}': domain must be one of {', '.join(_DOMAINS)}, "
            f"got '{domain}'."
        )


def input_clip(recording: Recording, domain: str) -> Stream:
    """Read the B-mode clip as float32 grey levels, in the domain asked for."""
    b_mode = recording["b_mode"]
    frames = b_mode.load().astype(np.float32)
    match b_mode.geometry:
        case Sector() if domain == "beamspace":
            return _in_memory(b_mode, frames, b_mode.geometry)
        case Sector():
            from cardium.geometry import resample

            plane = scoring_plane(recording)
            on_plane = resample(frames, b_mode.geometry, plane, outside=0)
            return _in_memory(b_mode, np.asarray(on_plane, np.float32), plane)
        case PlaneGrid() if domain == "cartesian":
            return _in_memory(b_mode, frames, b_mode.geometry)
        case PlaneGrid():
            raise NotProvidedError(
                f"Recording '{recording.entry.id}' has its B-mode on an image plane, "
                "not as beams. Use domain='cartesian'."
            )
    raise _no_plane(recording)


def scoring_plane(recording: Recording) -> PlaneGrid:
    """Return the plane on which a recording is scored, whatever the domain.

    It is the plane of the B-mode itself, or the one around its sector, with as many
    rows as a beam has samples but 256 at most: finer rows would cost memory and hold
    nothing that the wall of a heart shows.
    """
    match recording["b_mode"].geometry:
        case PlaneGrid() as plane:
            return plane
        case Sector() as sector:
            from cardium.geometry import plane_around

            return plane_around(sector, rows=min(sector.shape[0], _MOST_ROWS))
    raise _no_plane(recording)


def seen_by(recording: Recording, geometry: Geometry) -> NDArray[np.bool_]:
    """Say which samples of a geometry the B-mode shows."""
    source = recording["b_mode"].geometry
    if source is None or source == geometry:
        return np.ones(geometry.shape, np.bool_)
    from cardium.geometry import inside

    return np.asarray(inside(source, geometry))


def half_step(time: FloatArray) -> float:
    """Return half the median step of a clock [s], and a little for its rounding."""
    half = float(np.median(np.diff(time))) / 2 if len(time) > 1 else 0.0
    return half + _CLOCK_ROUNDING


def nearest_within(
    time: FloatArray, wanted: FloatArray, tolerance: float | FloatArray
) -> NDArray[np.intp]:
    """Return for each wanted time the index of the nearest one; -1 if none is near."""
    if not len(time):
        return np.full(len(wanted), -1, np.intp)
    found = nearest(time, wanted)
    return np.where(np.abs(time[found] - wanted) <= tolerance, found, -1)


def limit_of(recording: Recording, velocity: Stream) -> float:
    """Return the Nyquist limit of a measured velocity."""
    if velocity.velocity_limit is None:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' does not say at which velocity its "
            f"'{velocity.name}' folds."
        )
    return velocity.velocity_limit


def check_frames(recording: Recording, time: FloatArray) -> None:
    """Refuse a still image: there is nothing between one frame."""
    if len(time) < 2:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' has {len(time)} B-mode frame; a "
            "velocity lies between two."
        )


def _no_plane(recording: Recording) -> NotProvidedError:
    """Say why a B-mode is not one that a task for images can take."""
    who, place = f"Recording '{recording.entry.id}'", recording["b_mode"].geometry
    if place is None:
        return NotProvidedError(f"{who} does not say where its B-mode lies.")
    return NotProvidedError(
        f"{who} has its B-mode on a {type(place).__name__}, not in a plane. "
        "Cut it with a SlicePlane first."
    )


def _in_memory(
    stream: Stream, frames: NDArray[np.float32], geometry: Geometry
) -> Stream:
    """Return the stream with its frames read, on the geometry they lie on now."""
    places = ("range", "beam") if isinstance(geometry, Sector) else ("z", "x")
    return Stream(
        stream.name, frames, stream.time, ("time", *places), stream.unit, geometry
    )
