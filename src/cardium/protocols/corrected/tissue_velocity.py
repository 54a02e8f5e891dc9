"""Tissue velocity between B-mode frames, where it was measured and nowhere else.

The clips are those of the published protocol. A model sees the samples of the B-mode's
own fan, or the plane that the task scores on, and learns from velocities that were
resampled as phasors, inside both fans.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from cardium.core import (
    Case,
    Clip,
    Field,
    Item,
    PlanarGeometry,
    Protocol,
    Recording,
)
from cardium.geometry import inside, resample_velocity
from cardium.protocols._images import read_clip, sector_of
from cardium.protocols.corrected import _by_task
from cardium.protocols.corrected._grid import axes_of, grey_on
from cardium.protocols.published import tissue_velocity as published
from cardium.tasks._clip import scoring_plane

_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "target": Field("interval", "signed"),
        "known": Field("interval", "mask"),
        "limit": Field("case", "float"),
        "interval": Field("interval", "float"),
        "row_spacing": Field("case", "float"),
        "depth": Field("case", "float"),
        "angle": Field("case", "float"),
    }
)


def build(
    *,
    domain: str = "beamspace",
    size: int = 0,
    clip_length: int = 32,
    stride: int = 16,
    scored_frames: int = 96,
    min_rate_hz: float = 26.0,
    max_rate_hz: float = 33.0,
    batch_size: int = 2,
) -> Protocol:
    """Build the protocol; it takes the clips that the paper takes.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees: the beams, or the plane that the task scores on.
    size : int
        Not used: a model sees the samples there are.
    clip_length : int
        Intervals of a clip that is learnt from; it has one more frame.
    stride : int
        Frames from the start of one clip to that of the next.
    scored_frames : int
        The most B-mode frames that are scored.
    min_rate_hz, max_rate_hz : float [1/s]
        B-mode frames a second, both included.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Scored by the task `tissue_velocity`, in cm/s.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Examples
    --------
    >>> protocol = build()
    >>> protocol.primary, protocol.options["domain"]
    ('velocity_error_cm_s', 'beamspace')
    """
    paper = published.build(
        domain=domain,
        clip_length=clip_length,
        stride=stride,
        scored_frames=scored_frames,
        min_rate_hz=min_rate_hz,
        max_rate_hz=max_rate_hz,
        batch_size=batch_size,
    )
    return _by_task.correct(
        paper, partial(_open, paper), _prepare, _finish, _FIELDS, ("size", "rows")
    )


def _open(paper: Protocol, recording: Recording) -> Case:
    """Open a recording as published, on the samples there are."""
    case = paper.open(recording)
    place: PlanarGeometry = sector_of(recording["b_mode"], recording.entry.id)
    if paper.domain == "cartesian":
        place = scoring_plane(recording)
    return replace(case, geometry=place, plan=replace(case.plan, answers=place))


def _prepare(case: Case, clip: Clip) -> Item:
    """Read a clip on its own grid, and the velocities on it as phasors."""
    recording, limit = case.recording, case.plan.limit
    place: PlanarGeometry = case.plan.answers
    b_mode, doppler = recording["b_mode"], recording["tissue_velocity"]
    fans = [sector_of(one, recording.entry.id) for one in (b_mode, doppler)]
    measured = published.read_paired(case, clip)
    velocity = resample_velocity(
        measured, fans[1], place, velocity_limit=limit, outside=np.nan
    )
    known = np.isfinite(velocity) & np.logical_and(*(inside(f, place) for f in fans))
    return {
        "input": grey_on(read_clip(b_mode, clip), fans[0], place),
        "target": np.where(known, velocity, 0).astype(np.float32, copy=False),
        "known": known,
        "limit": np.array(limit, np.float32),
        "interval": np.diff(b_mode.time[clip.start : clip.stop]).astype(np.float32),
        **axes_of(place),
    }


def _finish(item: Item) -> Item:
    """Add the axis of channels."""
    return {
        name: array[None] if name in ("input", "target", "known") else array
        for name, array in item.items()
    }
