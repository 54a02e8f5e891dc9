"""The left ventricle in B-mode clips, as the paper's code learns and scores it.

Bug for bug: in training every frame has a contour, also those that nobody drew on,
because the whole clock of the contours is stretched over each beat, and beats before
the first and after the last QRS stand still; polygons are filled half a sample off and
their outlines painted on top, which makes the cavity larger and, as the cavity wins,
the wall thinner inside. The score is a Dice of probabilities, over all annotated frames
of a recording at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Case,
    Clip,
    Entry,
    Field,
    Item,
    Metric,
    PlanarGeometry,
    PlaneGrid,
    Protocol,
    Recording,
    Sector,
)
from cardium.errors import (
    AnswerError,
    GeometryError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.geometry import inside
from cardium.protocols._contours import (
    draw_walls,
    is_drawn,
    load_contours,
    map_by_phase,
    map_by_time,
)
from cardium.protocols._image_tables import (
    place_from_array,
    place_to_array,
    reshaped,
)
from cardium.protocols._images import (
    check_domain,
    model_frames,
    published_plane,
    read_clip,
    sample_from,
    sector_of,
    unit_range_each,
)
from cardium.tasks import open_task

_NEEDS = ("b_mode", "lv_contour")
_CONTENT = "2d_left_ventricular_strain"
_CHANNELS = 3  # background, cavity, myocardium
_SMOOTH = 1e-6
_METRICS = MappingProxyType(
    {
        "dice": Metric("Soft Dice, mean of cavity and myocardium", "%"),
        "dice_lv_cavity": Metric("Soft Dice, LV cavity", "%"),
        "dice_myocardium": Metric("Soft Dice, myocardium", "%"),
    }
)
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "endocardium": Field("frame", "mask"),
        "myocardium": Field("frame", "mask"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Which contour belongs to each B-mode frame.

    Parameters
    ----------
    by_phase : (T,) int
        For learning: every frame has one.
    by_time : (T,) int
        For scoring: the one that was drawn on the frame; -1 where there is none.
    """

    by_phase: NDArray[np.intp]
    by_time: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Settings:
    """How the protocol was set."""

    domain: str
    size: int
    clip_length: int
    stride: int
    context: int
    rows: int
    batch_size: int


def build(
    *,
    domain: str = "beamspace",
    size: int = 256,
    clip_length: int = 32,
    stride: int = 32,
    context: int = 8,
    rows: int = 256,
    batch_size: int = 1,
) -> Protocol:
    """Build the protocol; the defaults are the paper's.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees.
    size : int
        Rows and columns of what it sees and answers.
    clip_length : int
        Frames of a clip that is learnt from. A shorter recording is scored all the
        same.
    stride : int
        Frames from the start of one clip to that of the next.
    context : int
        Frames that are read before and after those that are scored, where there are.
    rows : int
        Rows of the plane on which the metric is taken.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Metric ``dice``, in percent.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Notes
    -----
    A recording is one view of a strain analysis. Its scored clip holds all frames that
    a contour was drawn on, within half a frame; only these count, inside the fan.

    Examples
    --------
    >>> protocol = build(size=64)
    >>> protocol.primary, protocol.options["stride"]
    ('dice', 32)
    """
    check_domain(domain)
    settings = _Settings(domain, size, clip_length, stride, context, rows, batch_size)
    _check(settings)
    return Protocol(
        name="published",
        task=open_task("lv_segmentation", domain=domain),
        domain=domain,
        admit=_admit,
        open=partial(_open, settings),
        prepare=partial(_prepare, settings),
        finish=_finish,
        fields=_FIELDS,
        truth=partial(_truth, settings),
        score=_score,
        answer=answer,
        metrics=_METRICS,
        primary="dice",
        batch_size=batch_size,
        options=MappingProxyType(asdict(settings)),
    )


def answer(case: Case, prediction: NDArray[Any]) -> Answer:
    """Label each sample with the most probable class, as the task scores it.

    Parameters
    ----------
    case : Case
        The recording, as the protocol opened it that the prediction was made under.
    prediction : (3, T, rows, columns)
        Probabilities of background, cavity and myocardium in the frames of the scored
        clip; what comes after is cut off.

    Returns
    -------
    Answer
        Codes of the task's classes, on the fan or the plane that the prediction fills;
        of two that are as probable the one named first.

    Raises
    ------
    AnswerError
        If it has other classes, fewer frames than the clip, or is not finite.
    """
    time = case.recording["b_mode"].time[case.scored.start : case.scored.stop]
    _check_prediction(prediction, len(time))
    codes = prediction[:, : len(time)].argmax(axis=0).astype(np.uint8)
    return Answer({"labels": codes}, reshaped(place_of(case), codes.shape[1:]), time)


def place_of(case: Case) -> PlanarGeometry:
    """Return the fan or the plane that a model sees of a case."""
    if isinstance(case.geometry, Sector | PlaneGrid):
        return case.geometry
    raise GeometryError(
        f"Recording '{case.recording.entry.id}' is seen on a "
        f"{type(case.geometry).__name__}, the protocol has fans and planes."
    )


def contours_of(case: Case, wanted: NDArray[np.intp]) -> NDArray[np.float64]:
    """Read some contours of a case, (len(wanted), layer, point, 2) [m]."""
    recording = case.recording
    return load_contours(recording["lv_contour"], recording.entry.id)[wanted]


def _check(settings: _Settings) -> None:
    """Refuse numbers that leave nothing to learn or to score."""
    least = {"size": 2, "clip_length": 1, "stride": 1, "context": 0, "rows": 2}
    for name, lowest in {**least, "batch_size": 1}.items():
        value = getattr(settings, name)
        if value < lowest:
            raise InvalidArgumentError(
                f"Protocol of 'lv_segmentation': {name} must be {lowest} at least, "
                f"got {value}."
            )


def _admit(entry: Entry) -> str:
    """Say what a recording lacks to be one view of a left ventricle's strain."""
    lacks = [name for name in _NEEDS if name not in entry.provides]
    if lacks:
        return f"no {' and no '.join(lacks)}"
    content = entry.labels.get("content_types")
    if isinstance(content, tuple) and _CONTENT not in content:
        return f"no '{_CONTENT}' among its content types"
    return ""


def _open(settings: _Settings, recording: Recording) -> Case:
    """Give frames their contours and list the clips."""
    who, (b_mode, contour) = recording.entry.id, (recording[name] for name in _NEEDS)
    sector = sector_of(b_mode, who)
    drawn = is_drawn(load_contours(contour, who))
    qrs = recording["qrs"].time if "qrs" in recording.annotations else np.empty(0)
    frames = b_mode.time
    plan = Plan(
        map_by_phase(frames, contour.time, qrs), map_by_time(frames, contour.time)
    )
    matched = np.flatnonzero(plan.by_time >= 0)
    if not drawn[plan.by_time[matched]].any():
        raise NotProvidedError(
            f"Recording '{who}': {drawn.sum()} of its {len(drawn)} contours hold two "
            "points or more, and none of these is within half a frame of one of its "
            f"{len(frames)} B-mode frames."
        )
    first, last = int(matched[0]), int(matched[-1])
    length, context = settings.clip_length, settings.context
    starts = range(0, len(frames) - length + 1, settings.stride)
    place = _place(settings, sector)
    return Case(
        recording,
        tuple(Clip(start, start + length) for start in starts),
        Clip(max(first - context, 0), min(last + 1 + context, len(frames))),
        reshaped(place, (settings.size, settings.size)),
        plan,
    )


def _place(settings: _Settings, sector: PlanarGeometry) -> PlanarGeometry:
    """Return what the input and the answer fill."""
    if settings.domain == "beamspace":
        return sector
    return published_plane(sector, settings.rows)


def _prepare(settings: _Settings, case: Case, clip: Clip) -> Item:
    """Read a clip at the size of a network, and draw the contours of its phases."""
    b_mode, size = case.recording["b_mode"], settings.size
    sector = sector_of(b_mode, case.recording.entry.id)
    grey = model_frames(
        read_clip(b_mode, clip), sector, settings.domain, size, rows=settings.rows
    )
    contours = contours_of(case, case.plan.by_phase[clip.start : clip.stop])
    cavity, wall = draw_walls(contours, _place(settings, sector), (size, size))
    return {"input": unit_range_each(grey), "endocardium": cavity, "myocardium": wall}


def _finish(item: Item) -> Item:
    """Channels first; a frame on which nothing was drawn does not count."""
    masks = [item["endocardium"], item["myocardium"]]
    target = np.empty((len(masks), *masks[0].shape), np.float32)
    for channel, mask in zip(target, masks, strict=True):
        channel[:] = mask
    cavity, wall = (mask.any(axis=(1, 2)) for mask in masks)
    return {
        "input": np.asarray(item["input"], np.float32)[None],
        "target": target,
        "valid": np.asarray(cavity | wall, np.float32),
    }


def _truth(settings: _Settings, case: Case) -> Item:
    """Draw the annotated frames of the scored clip on the plane of the metric."""
    recording, scored = case.recording, case.scored
    sector = sector_of(recording["b_mode"], recording.entry.id)
    plane = published_plane(sector, settings.rows)
    contour = case.plan.by_time[scored.start : scored.stop]
    frame = np.flatnonzero(contour >= 0)
    walls = draw_walls(contours_of(case, contour[frame]), plane, plane.shape)
    target = np.stack(walls).view(np.bool_)
    some = target.any(axis=(0, 2, 3))
    if not some.any():
        raise NotProvidedError(
            f"Recording '{recording.entry.id}': none of its {len(frame)} contours "
            "leaves anything on the plane of the metric. Does it lie in the fan?"
        )
    return {
        "target": target[:, some],
        "frame": frame[some],
        "seen": np.asarray(inside(sector, plane)),
        "plane": place_to_array(plane),
        "answers": place_to_array(_place(settings, sector)),
    }


def _score(
    predictions: Sequence[NDArray[Any]], truths: Sequence[Item]
) -> dict[str, float]:
    """Return the soft Dice of each structure over a batch, and their mean."""
    if not truths:
        return dict.fromkeys(_METRICS, math.nan)
    pairs = zip(predictions, truths, strict=True)
    both, sum_of = np.sum([_overlap(*pair) for pair in pairs], axis=0)
    dice = 100 * (2 * both + _SMOOTH) / (sum_of + _SMOOTH)
    return dict(zip(_METRICS, [float(dice.mean()), *dice.tolist()], strict=True))


def _overlap(prediction: NDArray[Any], truth: Item) -> NDArray[np.float64]:
    """Return sum(p t) and sum(p + t) of cavity and of myocardium, (2, 2).

    What a batch is padded with adds nothing to either.
    """
    target, frame, seen = truth["target"], truth["frame"], truth["seen"]
    _check_prediction(prediction, int(frame[-1]) + 1)
    plane = place_from_array(truth["plane"], seen.shape)
    answers = place_from_array(truth["answers"], prediction.shape[2:])
    sums = np.zeros((2, 2))
    for k, probability in enumerate(prediction[1:]):
        known = sample_from(probability[frame], answers, plane)[:, seen]
        drawn = target[k][:, seen]
        sums[0, k] = known.sum(where=drawn, dtype=np.float64)
        sums[1, k] = known.sum(dtype=np.float64) + np.count_nonzero(drawn)
    return sums


def _check_prediction(prediction: NDArray[Any], frames: int) -> None:
    """Refuse a prediction of other classes, of too few frames, or without a number."""
    shape = prediction.shape
    if len(shape) != 4 or shape[0] != _CHANNELS or shape[1] < frames:
        raise AnswerError(
            f"Task 'lv_segmentation': a prediction must be ({_CHANNELS}, {frames} or "
            f"more, rows, columns), the model returned {shape}."
        )
    if not np.isfinite(prediction).all():
        raise AnswerError(
            "Task 'lv_segmentation': probabilities must be finite, the model returned "
            f"{np.count_nonzero(~np.isfinite(prediction))} that are not."
        )
