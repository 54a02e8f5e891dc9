"""Blood flow between B-mode frames, where and when it was measured.

The clips are those of the published protocol. A model sees the samples of the B-mode's
own fan, or the plane that the task scores on, and learns from the truth of the task:
Doppler frames that are near in time, velocities resampled as phasors, turbulence of the
velocities as they were acquired.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from cardium.core import Case, Clip, Field, Item, PlanarGeometry, Protocol, Recording
from cardium.core.task import quarter_times
from cardium.protocols._flow_targets import stacked
from cardium.protocols._images import read_clip, sector_of
from cardium.protocols.corrected import _by_task
from cardium.protocols.corrected._grid import axes_of, grey_on
from cardium.protocols.published import blood_flow as published
from cardium.tasks._clip import scoring_plane
from cardium.tasks.blood_flow import CLASSES, measured_flow

_UNUSED = ("size", "rows", "max_grey", "min_power", "little_weight")
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "velocity": Field("half", "signed"),
        "power": Field("half", "unit"),
        "turbulence": Field("half", "signed"),
        "known": Field("half", "mask"),
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
    min_rate_hz: float = 9.0,
    max_rate_hz: float = 13.0,
    min_ratio: float = 0.45,
    max_ratio: float = 1.1,
    two_per_interval: float = 0.75,
    min_limit: float = 0.60,
    max_limit: float = 0.61,
    batch_size: int = 4,
) -> Protocol:
    """Build the protocol; it takes the clips that the paper takes.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees: the beams, or the plane that the task scores on.
    size : int
        Not used: a model sees the samples there are.
    clip_length : int
        Intervals of a clip; it has one more B-mode frame.
    stride : int
        Frames from the start of one clip to that of the next.
    min_rate_hz, max_rate_hz : float [1/s]
        B-mode frames a second, both included.
    min_ratio, max_ratio : float
        B-mode frames by Doppler frames, both included.
    two_per_interval : float
        The highest such ratio at which the paper takes an interval to have two Doppler
        frames. It decides which clips there are; Doppler frames are found by their
        times.
    min_limit, max_limit : float [m/s]
        The Nyquist limit, both included.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Scored by the task `blood_flow`, in cm/s.

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
        min_rate_hz=min_rate_hz,
        max_rate_hz=max_rate_hz,
        min_ratio=min_ratio,
        max_ratio=max_ratio,
        two_per_interval=two_per_interval,
        min_limit=min_limit,
        max_limit=max_limit,
        batch_size=batch_size,
    )
    return _by_task.correct(
        paper, partial(_open, paper), _prepare, _finish, _FIELDS, _UNUSED
    )


def _open(paper: Protocol, recording: Recording) -> Case:
    """Open a recording as published, on the samples there are."""
    case = paper.open(recording)
    place: PlanarGeometry = sector_of(recording["b_mode"], recording.entry.id)
    if paper.domain == "cartesian":
        place = scoring_plane(recording)
    return replace(case, geometry=place, plan=replace(case.plan, answers=place))


def _prepare(case: Case, clip: Clip) -> Item:
    """Read a clip on its own grid, and the flow that was measured on it."""
    recording, place = case.recording, case.plan.answers
    b_mode = recording["b_mode"]
    time = b_mode.time[clip.start : clip.stop]
    measured = measured_flow(recording, quarter_times(time), place).swapaxes(0, 1)
    known = np.isfinite(measured[0])
    flow = np.where(known, measured, np.float32(0))
    sector = sector_of(b_mode, recording.entry.id)
    return {
        "input": grey_on(read_clip(b_mode, clip), sector, place),
        **dict(zip(CLASSES, flow, strict=True)),
        "known": known,
        "limit": np.array(case.plan.limit, np.float32),
        "interval": np.diff(time).astype(np.float32),
        **axes_of(place),
    }


def _finish(item: Item) -> Item:
    """Put the channels of the flow together; channels first."""
    same = ("limit", "interval", "row_spacing", "depth", "angle")
    return {
        "input": item["input"][None],
        "target": stacked([item[name] for name in CLASSES]),
        "known": np.asarray(item["known"], np.bool_),
        **{name: item[name] for name in same},
    }
