"""Axes of EchoXFlow's spectra and M-modes: velocity and depth of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cardium.core import FloatArray
from cardium.datasets._echoxflow.attributes import (
    as_number,
    first_of,
    number_of,
    numbers_of,
    object_of,
    objects,
    semantic_id,
)
from cardium.datasets._echoxflow.layout import PATHS
from cardium.datasets._echoxflow.sectors import read_limit
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.errors import DataCorruptError

TRACKS: Mapping[str, tuple[str, ...]] = {
    "pulsed_wave": (
        "1d_pulsed_wave_doppler",
        "spectral_doppler",
        "pw_doppler",
        "pulsed_wave",
        "pulsed_wave_doppler",
    ),
    "continuous_wave": (
        "1d_continuous_wave_doppler",
        "cw_doppler",
        "continuous_wave",
        "continuous_wave_doppler",
    ),
    "m_mode": ("1d_motion_mode", "motion_mode", "m_mode", "mmode"),
}
"""Semantic ids that tracks of one dimension go by."""

_SPECTRAL = ("spectral_metadata", "spectral", "doppler_spectrum")
_NYQUIST = ("nyquist_mps", "nyquist_limit_mps")
_STATED = (
    *_NYQUIST,
    "velocity_limit_mps",
    "velocity_scale_mps",
    "baseline_row",
    "spectral_row_baseline_frac",
    "baseline_frac",
    "row_velocity_mps",
)
_RANGES = (
    (("y_range_cm", "depth_range_cm", "distance_range_cm"), 0.01),
    (("y_range_m", "depth_range_m", "distance_range_m"), 1.0),
    (("y_range",), 0.01),
)


def read_velocities(
    opened: RecordingStore, name: str, rows: int
) -> tuple[FloatArray | None, float | None]:
    """Return the velocity of each row of a spectrum, and its limit [m/s].

    A list of velocities wins. Otherwise the baseline is at rest, and the limit is half
    of the rows away from it: ``(baseline - row) / ((rows - 1) / 2) * limit``. The
    baseline is in the middle where nothing is stated. Without a limit there are no
    velocities.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    name : {"pulsed_wave", "continuous_wave"}
        The stream.
    rows : int
        Number of rows; the first is the most positive.

    Raises
    ------
    DataCorruptError
        If what is stated is no number, or not of the spectrum's length.
    """
    stated = spectral_metadata(opened, name)
    where = f"Recording '{opened.recording}', {name}"
    limit = read_limit(stated, where, *_NYQUIST)
    if stated.get("row_velocity_mps") is not None:
        velocities = numbers_of(
            stated["row_velocity_mps"], f"{where}, row_velocity_mps"
        )
        if len(velocities) != rows or (np.diff(velocities) >= 0).any():
            raise DataCorruptError(
                f"{where}: row_velocity_mps has {len(velocities)} velocities for "
                f"{rows} rows, or does not descend."
            )
        return velocities, limit
    if limit is None:
        return None, None
    baseline = number_of(stated, where, "baseline_row")
    if baseline is None:
        share = number_of(stated, where, "spectral_row_baseline_frac", "baseline_frac")
        baseline = (0.5 if share is None else share) * (rows - 1)
    half = max(1.0, (rows - 1) / 2)
    steps = (baseline - np.arange(rows, dtype=np.float64)) / half
    return steps * limit, limit


def spectral_metadata(opened: RecordingStore, name: str) -> Mapping[str, Any]:
    """Find what is said of a spectrum: of its recording, its track or its sector."""
    for key in _SPECTRAL:
        stated = object_of(opened.manifest.get(key))
        if _says_something(stated):
            return stated
    track = opened.find_track(PATHS[name], TRACKS[name])
    nested = object_of(first_of(track, *_SPECTRAL))
    for stated in (track, nested):
        if _says_something(stated):
            return {**nested, **track}
    for sector in objects(opened.manifest.get("sectors")):
        if semantic_id(sector).lower() in TRACKS[name] and _says_something(sector):
            return sector
    for sector in objects(opened.manifest.get("sectors")):
        other = any(semantic_id(sector).lower() in ids for ids in TRACKS.values())
        if semantic_id(sector).startswith("1d_") and not other:
            return sector
    return track


def read_depths(
    opened: RecordingStore, sector: Mapping[str, Any], rows: int
) -> FloatArray | None:
    """Return the depth of each row of an M-mode [m]; None where nothing states it.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    sector : mapping
        The sector of the M-mode, if it has one; its geometry wins over its track.
    rows : int
        Number of rows; the first is the shallowest.

    Raises
    ------
    DataCorruptError
        If what is stated are no two ascending depths.
    """
    where = f"Recording '{opened.recording}', m_mode"
    geometry = object_of(sector.get("geometry"))
    stated: object = [
        number_of(geometry, where, "depth_start_m", "DepthStart"),
        number_of(geometry, where, "depth_end_m", "DepthEnd"),
    ]
    if stated != [None, None]:
        return _between(stated, 1.0, rows, where)
    track = opened.find_track(PATHS["m_mode"], TRACKS["m_mode"])
    for names, metres in _RANGES:
        found = first_of(track, *names)
        if found is not None:
            return _between(found, metres, rows, where)
    return None


def _between(stated: object, metres: float, rows: int, where: str) -> FloatArray:
    """Return depths from the first to the last of two."""
    pair = stated if isinstance(stated, list) and len(stated) == 2 else [None, None]
    first, last = map(as_number, pair)
    if first is None or last is None or not first < last:
        raise DataCorruptError(
            f"{where}: its depths are {stated!r:.80}, expected two that ascend."
        )
    return np.linspace(first, last, rows) * metres


def _says_something(stated: Mapping[str, Any]) -> bool:
    """Say whether an object states anything of a spectrum."""
    return first_of(stated, *_STATED) is not None
