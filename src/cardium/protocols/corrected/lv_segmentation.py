"""The left ventricle in B-mode clips: learnt from the frames that somebody drew on.

The clips are those of the published protocol. A model sees the samples of the B-mode's
own fan, or the plane that the task scores on; contours are drawn on it exactly, in
metres, and a frame without one is unlabelled.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    UNLABELLED,
    Case,
    Clip,
    Field,
    Item,
    PlanarGeometry,
    Protocol,
    Recording,
)
from cardium.geometry import inside, lv_label_map
from cardium.protocols._images import read_clip, sector_of
from cardium.protocols.corrected import _by_task
from cardium.protocols.corrected._grid import axes_of, grey_on
from cardium.protocols.published import lv_segmentation as published
from cardium.tasks._clip import scoring_plane

_CAVITY, _MYOCARDIUM = 1, 2
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "endocardium": Field("frame", "mask"),
        "myocardium": Field("frame", "mask"),
        "labelled": Field("frame", "mask"),
        "seen": Field("case", "mask"),
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
    stride: int = 32,
    context: int = 8,
    batch_size: int = 1,
) -> Protocol:
    """Build the protocol; it takes the clips that the paper takes.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees: the beams, or the plane that the task scores on.
    size : int
        Not used: a model sees the samples there are.
    clip_length : int
        Frames of a clip that is learnt from. In some no frame may be labelled.
    stride : int
        Frames from the start of one clip to that of the next.
    context : int
        Frames that are read before and after those that are scored, where there are.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Scored by the task `lv_segmentation`.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Examples
    --------
    >>> protocol = build()
    >>> protocol.primary, protocol.options["domain"]
    ('dice', 'beamspace')
    """
    paper = published.build(
        domain=domain,
        clip_length=clip_length,
        stride=stride,
        context=context,
        batch_size=batch_size,
    )
    return _by_task.correct(
        paper, partial(_open, paper), _prepare, _finish, _FIELDS, ("size", "rows")
    )


def _open(paper: Protocol, recording: Recording) -> Case:
    """Open a recording as published, on the samples there are."""
    case = paper.open(recording)
    if paper.domain == "cartesian":
        return replace(case, geometry=scoring_plane(recording))
    return replace(case, geometry=sector_of(recording["b_mode"], recording.entry.id))


def _prepare(case: Case, clip: Clip) -> Item:
    """Read a clip on its own grid, and draw on it what was drawn on these frames."""
    b_mode, place = case.recording["b_mode"], published.place_of(case)
    sector = sector_of(b_mode, case.recording.entry.id)
    labels = _draw(case, clip, place)
    return {
        "input": grey_on(read_clip(b_mode, clip), sector, place),
        "endocardium": labels == _CAVITY,
        "myocardium": labels == _MYOCARDIUM,
        "labelled": (labels != UNLABELLED).any(axis=(1, 2)),
        "seen": np.asarray(inside(sector, place)),
        "interval": np.diff(b_mode.time[clip.start : clip.stop]).astype(np.float32),
        **axes_of(place),
    }


def _draw(case: Case, clip: Clip, place: PlanarGeometry) -> NDArray[np.uint8]:
    """Draw the annotated frames of a clip, (T, rows, columns); the others are 255."""
    contour = case.plan.by_time[clip.start : clip.stop]
    frames = np.flatnonzero(contour >= 0)
    labels = np.full((len(contour), *place.shape), UNLABELLED, np.uint8)
    layers = published.contours_of(case, contour[frames])
    for frame, wall in zip(frames.tolist(), layers, strict=True):
        labels[frame] = lv_label_map(wall[0], wall[-1], place)
    return labels


def _finish(item: Item) -> Item:
    """Put the label maps together: 255 where nobody labelled or could have.

    What is outside the fan and not the ventricle is background, also for a model.
    """
    wall = item["myocardium"].astype(np.uint8)
    labels = np.where(item["endocardium"], np.uint8(_CAVITY), _MYOCARDIUM * wall)
    labels[(labels > 0) & ~item["seen"].astype(np.bool_)] = UNLABELLED
    labels[~item["labelled"].astype(np.bool_)] = UNLABELLED
    same = ("interval", "row_spacing", "depth", "angle")
    kept = {name: item[name] for name in same}
    return {"input": item["input"][None], "target": labels, **kept}
