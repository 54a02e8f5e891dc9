"""Blood flow between B-mode frames, as the paper's code learns and scores it.

Bug for bug: Doppler frames belong to B-mode intervals by their number, whatever their
times; velocities are interpolated as numbers, so that a fold passes through zero; the
turbulence is taken after that, and counts zeros beyond the rim of the box; errors do
not wrap. The weight of a velocity is that of blood seen: dark in the B-mode, and of
some power.
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
    Protocol,
    Recording,
    Sector,
    Stream,
)
from cardium.core.task import quarter_times
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.protocols._flow_targets import flow_on, stacked, weight_of
from cardium.protocols._image_tables import (
    place_from_array,
    place_to_array,
    reshaped,
)
from cardium.protocols._images import (
    check_domain,
    frame_rate,
    model_frames,
    published_plane,
    read_clip,
    sample_from,
    sector_of,
    to_plane,
    unit_range,
)
from cardium.protocols._pairing import is_between, sliding_clips
from cardium.tasks import open_task
from cardium.tasks.blood_flow import CLASSES

_NEEDS = ("b_mode", "colour_velocity", "colour_power")
_CHANNELS = len(CLASSES)
_METRICS = MappingProxyType(
    {
        "velocity_l1_cm_s": Metric("Weighted error of velocity", "cm/s", False),
        "power_l1": Metric("Mean error of power in the box", "", False),
        "turbulence_l1_cm_s": Metric("Weighted error of turbulence", "cm/s", False),
    }
)
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "velocity": Field("half", "signed"),
        "power": Field("half", "unit"),
        "turbulence": Field("half", "signed"),
        "box": Field("case", "mask"),
        "valid": Field("half", "mask"),
        "limit": Field("case", "float"),
        "rate": Field("case", "float"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What else is known of a recording that was opened.

    Parameters
    ----------
    doppler : (2 K,) int
        The Doppler frame of each half of the first K B-mode intervals.
    rate : float [1/s]
        B-mode frames a second.
    limit : float [m/s]
        The Nyquist limit.
    answers : Sector or PlaneGrid
        What a prediction fills, whatever its rows and columns.
    """

    doppler: NDArray[np.intp]
    rate: float
    limit: float
    answers: PlanarGeometry


@dataclass(frozen=True, slots=True)
class _Settings:
    """How the protocol was set."""

    domain: str
    size: int
    clip_length: int
    stride: int
    min_rate_hz: float
    max_rate_hz: float
    min_ratio: float
    max_ratio: float
    two_per_interval: float
    min_limit: float
    max_limit: float
    max_grey: float
    min_power: float
    little_weight: float
    rows: int
    batch_size: int


def build(
    *,
    domain: str = "beamspace",
    size: int = 256,
    clip_length: int = 32,
    stride: int = 16,
    min_rate_hz: float = 9.0,
    max_rate_hz: float = 13.0,
    min_ratio: float = 0.45,
    max_ratio: float = 1.1,
    two_per_interval: float = 0.75,
    min_limit: float = 0.60,
    max_limit: float = 0.61,
    max_grey: float = 0.4,
    min_power: float = 0.3,
    little_weight: float = 0.01,
    rows: int = 256,
    batch_size: int = 4,
) -> Protocol:
    """Build the protocol; the defaults are the paper's.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees.
    size : int
        Rows and columns of what it sees and answers.
    clip_length : int
        Intervals of a clip; it has one more B-mode frame.
    stride : int
        Frames from the start of one clip to that of the next.
    min_rate_hz, max_rate_hz : float [1/s]
        B-mode frames a second, both included.
    min_ratio, max_ratio : float
        B-mode frames by Doppler frames, both included.
    two_per_interval : float
        The highest such ratio at which an interval has two Doppler frames; above it
        has one, which counts twice.
    min_limit, max_limit : float [m/s]
        The Nyquist limit, both included.
    max_grey, min_power : float [0..1]
        Blood is seen where a clip, stretched to 0..1, is darker and the power higher.
    little_weight : float
        Weight of velocity and turbulence where it is not.
    rows : int
        Rows of the plane on which the metric is taken.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Metric ``velocity_l1_cm_s``, lower is better.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Notes
    -----
    The clip in the middle of the list is scored, the later of two. Targets of the
    cartesian domain are sampled straight at the square that stands for the plane of
    the B-mode.

    Examples
    --------
    >>> protocol = build(domain="cartesian", size=64)
    >>> protocol.primary, protocol.options["size"]
    ('velocity_l1_cm_s', 64)
    """
    check_domain(domain)
    settings = _Settings(
        domain,
        size,
        clip_length,
        stride,
        min_rate_hz,
        max_rate_hz,
        min_ratio,
        max_ratio,
        two_per_interval,
        min_limit,
        max_limit,
        max_grey,
        min_power,
        little_weight,
        rows,
        batch_size,
    )
    _check(settings)
    return Protocol(
        name="published",
        task=open_task("blood_flow", domain=domain),
        domain=domain,
        admit=_admit,
        open=partial(_open, settings),
        prepare=partial(_prepare, settings),
        finish=partial(_finish, settings),
        fields=_FIELDS,
        truth=partial(_truth, settings),
        score=_score,
        answer=answer,
        metrics=_METRICS,
        primary="velocity_l1_cm_s",
        batch_size=batch_size,
        options=MappingProxyType(asdict(settings)),
    )


def answer(case: Case, prediction: NDArray[Any]) -> Answer:
    """Say where and when predicted flow lies, as the task scores it.

    Parameters
    ----------
    case : Case
        The recording, as the protocol opened it that the prediction was made under.
    prediction : (3, 2 (T - 1), rows, columns)
        Velocity in m/s, power and turbulence in m/s in each half interval of the
        scored clip; what comes after is cut off.

    Returns
    -------
    Answer
        Time first, on the fan or the plane that the prediction fills.

    Raises
    ------
    AnswerError
        If it has other channels, or fewer frames than the clip has half intervals.
    """
    time = case.recording["b_mode"].time[case.scored.start : case.scored.stop]
    times = quarter_times(time)
    _check_shape(prediction, len(times))
    flow = np.asarray(prediction[:, : len(times)], np.float32).swapaxes(0, 1)
    geometry = reshaped(case.plan.answers, flow.shape[2:])
    return Answer({"flow": flow}, geometry, times, case.plan.limit)


def _check(settings: _Settings) -> None:
    """Refuse numbers that leave nothing to learn or to score."""
    least = {"size": 2, "clip_length": 1, "stride": 1, "rows": 2, "batch_size": 1}
    for name, lowest in least.items():
        value = getattr(settings, name)
        if value < lowest:
            raise InvalidArgumentError(
                f"Protocol of 'blood_flow': {name} must be {lowest} at least, "
                f"got {value}."
            )


def _admit(entry: Entry) -> str:
    """Say what a recording lacks, or that it is one of tissue.

    Rates and frames in a catalogue may be those of any stream, so they are left to the
    opening.
    """
    lacks = [name for name in _NEEDS if name not in entry.provides]
    if lacks:
        return f"no {' and no '.join(lacks)}"
    content = entry.labels.get("content_types")
    types = content if isinstance(content, tuple) else (content or "",)
    tissue = [one for one in types if "tissue" in str(one).lower()]
    return f"its content types hold '{tissue[0]}'" if tissue else ""


def _open(settings: _Settings, recording: Recording) -> Case:
    """Pair the frames by their number and list the clips."""
    b_mode, velocity = recording["b_mode"], recording["colour_velocity"]
    sector, *_ = _fans(recording)
    limit = _check_counts(settings, recording)
    counts = len(b_mode.time), len(velocity.time)
    each = 2 if counts[0] / counts[1] <= settings.two_per_interval else 1
    intervals = min(counts[0] - 1, counts[1] // each)
    length = settings.clip_length
    if intervals < length:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}': {counts[0]} B-mode frames and "
            f"{counts[1]} Doppler frames, {each} an interval, make {intervals} "
            f"intervals, the protocol needs {length}."
        )
    clips = sliding_clips(np.ones(intervals, np.bool_), length, settings.stride)
    place = _place(settings, sector)
    return Case(
        recording,
        clips,
        clips[len(clips) // 2],
        reshaped(place, (settings.size, settings.size)),
        Plan(
            np.arange(2 * intervals) // (3 - each),
            frame_rate(b_mode.time),
            limit,
            place,
        ),
    )


def _check_counts(settings: _Settings, recording: Recording) -> float:
    """Refuse a recording outside of the ranges; return its Nyquist limit."""
    who, low, high = f"Recording '{recording.entry.id}'", 0.0, 0.0
    b_mode, velocity, power = (recording[name] for name in _NEEDS)
    limit = velocity.velocity_limit
    if limit is None:
        raise NotProvidedError(f"{who} does not say at which velocity it folds.")
    if len(velocity.time) != len(power.time) or not len(velocity.time):
        raise NotProvidedError(
            f"{who} has {len(velocity.time)} frames of velocity and {len(power.time)} "
            "of power, the protocol needs as many of both."
        )
    low, high = settings.min_ratio, settings.max_ratio
    ratio = len(b_mode.time) / len(velocity.time)
    if not low <= ratio <= high:
        raise NotProvidedError(
            f"{who} has {ratio:.4g} B-mode frames a Doppler frame, the protocol takes "
            f"{low:g} to {high:g}."
        )
    low, high = settings.min_rate_hz, settings.max_rate_hz
    rate = frame_rate(b_mode.time)
    if not is_between(rate, low, high):
        raise NotProvidedError(
            f"{who} has {rate:.4g} B-mode frames a second, the protocol takes {low:g} "
            f"to {high:g}."
        )
    low, high = settings.min_limit, settings.max_limit
    if not low <= limit <= high:
        raise NotProvidedError(
            f"{who} folds at {limit:.4g} m/s, the protocol takes {low:g} to {high:g}."
        )
    return limit


def _place(settings: _Settings, sector: Sector) -> PlanarGeometry:
    """Return what the input and the answer fill."""
    if settings.domain == "beamspace":
        return sector
    return published_plane(sector, settings.rows)


def _prepare(settings: _Settings, case: Case, clip: Clip) -> Item:
    """Read a clip at the size of a network."""
    size, recording = settings.size, case.recording
    sector, *_ = _fans(recording)
    target = reshaped(_place(settings, sector), (size, size))
    flow, valid, box = flow_on(recording, _frames(case, clip), target)
    grey = model_frames(
        read_clip(recording["b_mode"], clip),
        sector,
        settings.domain,
        size,
        rows=settings.rows,
    )
    return {
        "input": grey,
        "velocity": flow[0],
        "power": flow[1],
        "turbulence": flow[2],
        "box": box,
        "valid": valid,
        "limit": np.array(case.plan.limit, np.float32),
        "rate": np.array(case.plan.rate, np.float32),
    }


def _finish(settings: _Settings, item: Item) -> Item:
    """Stretch the input over its clip and weigh the targets; channels first."""
    grey = unit_range(item["input"])
    valid = np.ascontiguousarray(item["valid"], np.bool_)
    return {
        "input": grey[None],
        "target": stacked([item[name] for name in CLASSES]),
        "box": np.asarray(item["box"], np.float32),
        "valid": valid,
        "weight": weight_of(grey, item["power"], valid, *_thresholds(settings)),
        "limit": item["limit"],
        "rate": item["rate"],
    }


def _thresholds(settings: _Settings) -> tuple[float, float, float]:
    """Return what tells blood that is seen, and the weight of what is not."""
    return settings.max_grey, settings.min_power, settings.little_weight


def _frames(case: Case, clip: Clip) -> NDArray[np.intp]:
    """Return the Doppler frame of each half interval of a clip."""
    frames: NDArray[np.intp] = case.plan.doppler[2 * clip.start : 2 * (clip.stop - 1)]
    return frames


def _truth(settings: _Settings, case: Case) -> Item:
    """Return the flow of the scored clip on the plane of the B-mode."""
    recording, clip = case.recording, case.scored
    sector, *_ = _fans(recording)
    plane = published_plane(sector, settings.rows)
    flow, valid, box = flow_on(recording, _frames(case, clip), plane)
    grey = unit_range(to_plane(read_clip(recording["b_mode"], clip), sector, plane))
    return {
        "target": flow,
        "inside": valid & box,
        "weight": weight_of(grey, flow[1], valid & box, *_thresholds(settings)),
        "plane": place_to_array(plane),
        "answers": place_to_array(case.plan.answers),
    }


def _score(
    predictions: Sequence[NDArray[Any]], truths: Sequence[Item]
) -> dict[str, float]:
    """Average the weighted errors over a batch; what pads it has no weight."""
    if not truths:
        return dict.fromkeys(_METRICS, math.nan)
    pairs = zip(predictions, truths, strict=True)
    total, weight = np.sum([_sums(*pair) for pair in pairs], axis=0)
    velocity, power, turbulence = (total / np.maximum(weight, 1)).tolist()
    found = 100 * velocity, power, 100 * turbulence
    return dict(zip(_METRICS, found, strict=True))


def _sums(prediction: NDArray[Any], truth: Item) -> NDArray[np.float64]:
    """Return weighted errors and weights of the three channels, (2, 3)."""
    from cardium.protocols._flow_kernels import weighted_sums

    target, weight = truth["target"], truth["weight"]
    halves, *shape = weight.shape
    _check_shape(prediction, halves)
    plane = place_from_array(truth["plane"], (shape[0], shape[1]))
    answers = place_from_array(truth["answers"], (shape[0], shape[1]))
    there = truth["inside"].astype(np.float32)
    sums = np.zeros((2, _CHANNELS))
    for k, by in enumerate((weight, there, weight)):
        sampled = sample_from(prediction[k, :halves], answers, plane)
        sums[:, k] = weighted_sums(sampled.ravel(), target[k].ravel(), by.ravel())
    return sums


def _check_shape(prediction: NDArray[Any], halves: int) -> None:
    """Refuse predictions of other channels, or that end too early."""
    shape = prediction.shape
    if len(shape) != 4 or shape[0] != _CHANNELS or shape[1] < halves:
        raise AnswerError(
            f"Blood flow: a prediction has shape {shape}, expected "
            f"({_CHANNELS}, {halves} or more, rows, columns)."
        )


def _fans(recording: Recording) -> tuple[Sector, Sector, Sector]:
    """Return the fans of the B-mode, of the velocity and of the power."""
    who = recording.entry.id
    streams: list[Stream] = [recording[name] for name in _NEEDS]
    b_mode, velocity, power = (sector_of(one, who) for one in streams)
    return b_mode, velocity, power
