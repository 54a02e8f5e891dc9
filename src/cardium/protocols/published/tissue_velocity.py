"""Tissue velocity between B-mode frames, as the paper's code learns and scores it.

Bug for bug: the Doppler frame nearest the middle of each B-mode interval; nearest
samples; the whole square counts, corners outside the fans as well; in the cartesian
domain the velocities lie on the plane of their own fan, not of the B-mode's. The metric
is a share of the Nyquist limit, though the paper prints it as cm/s, and its mean runs
over the zeros that a batch is padded with.
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
    Stream,
)
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.protocols._image_tables import (
    place_from_array,
    place_to_array,
    reshaped,
)
from cardium.protocols._images import (
    check_domain,
    frame_rate,
    model_frames,
    nearest_frames,
    published_plane,
    read_clip,
    sample_from,
    sector_of,
    unit_range,
)
from cardium.protocols._pairing import (
    centre_crop,
    is_between,
    longest_clip,
    pair_intervals,
    sliding_clips,
)
from cardium.tasks import open_task

_NEEDS = ("b_mode", "tissue_velocity")
_METRIC = "velocity_l1_percent"
_METRICS = MappingProxyType(
    {_METRIC: Metric("Mean folded error, padding included", "% of Nyquist", False)}
)
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "target": Field("interval", "signed"),
        "limit": Field("case", "float"),
        "scale": Field("case", "float"),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What else is known of a recording that was opened.

    Parameters
    ----------
    doppler : (T - 1,) int
        The Doppler frame of each B-mode interval; -1 where there is none.
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
    scored_frames: int
    min_rate_hz: float
    max_rate_hz: float
    rows: int
    batch_size: int


def build(
    *,
    domain: str = "beamspace",
    size: int = 256,
    clip_length: int = 32,
    stride: int = 16,
    scored_frames: int = 96,
    min_rate_hz: float = 26.0,
    max_rate_hz: float = 33.0,
    rows: int = 256,
    batch_size: int = 2,
) -> Protocol:
    """Build the protocol; the defaults are the paper's.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees.
    size : int
        Rows and columns of what it sees and answers.
    clip_length : int
        Intervals of a clip that is learnt from; it has one more frame.
    stride : int
        Frames from the start of one clip to that of the next.
    scored_frames : int
        The most B-mode frames that are scored.
    min_rate_hz, max_rate_hz : float [1/s]
        B-mode frames a second, both included.
    rows : int
        Rows of the plane on which the metric is taken.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Metric ``velocity_l1_percent``, lower is better.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Notes
    -----
    The paper scores the middle of the whole recording. Here that is the middle of its
    longest stretch in which every interval has a Doppler frame, which is the same
    unless one lacks.

    Examples
    --------
    >>> protocol = build(domain="cartesian", size=64)
    >>> protocol.primary, protocol.options["size"]
    ('velocity_l1_percent', 64)
    """
    check_domain(domain)
    settings = _Settings(
        domain,
        size,
        clip_length,
        stride,
        scored_frames,
        min_rate_hz,
        max_rate_hz,
        rows,
        batch_size,
    )
    _check(settings)
    return Protocol(
        name="published",
        task=open_task("tissue_velocity", domain=domain),
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
        primary=_METRIC,
        batch_size=batch_size,
        options=MappingProxyType(asdict(settings)),
    )


def answer(case: Case, prediction: NDArray[Any]) -> Answer:
    """Say where and when a predicted velocity lies, as the task scores it.

    Parameters
    ----------
    case : Case
        The recording, as the protocol opened it that the prediction was made under.
    prediction : (1, T - 1, rows, columns) [m/s]
        The velocity in each interval of the scored clip; what comes after is cut off.

    Returns
    -------
    Answer
        On the fan or the plane that the prediction fills.

    Raises
    ------
    AnswerError
        If it has fewer frames than the clip has intervals.
    """
    time = case.recording["b_mode"].time[case.scored.start : case.scored.stop]
    _check_length(prediction, len(time) - 1)
    velocity = np.asarray(prediction[0, : len(time) - 1], np.float32)
    geometry = reshaped(case.plan.answers, velocity.shape[1:])
    middle = (time[1:] + time[:-1]) / 2
    return Answer({"velocity": velocity}, geometry, middle, case.plan.limit)


def read_paired(case: Case, clip: Clip) -> NDArray[np.float32]:
    """Read the Doppler frame of each interval of a clip, (T - 1, range, beam) [m/s]."""
    wanted = case.plan.doppler[clip.start : clip.stop - 1]
    doppler, first = case.recording["tissue_velocity"], int(wanted[0])
    read = read_clip(doppler, Clip(first, int(wanted[-1]) + 1))
    if len(read) != len(wanted):
        read = read[wanted - first]
    return np.asarray(read, np.float32)


def _check(settings: _Settings) -> None:
    """Refuse numbers that leave nothing to learn or to score."""
    least = {"size": 2, "clip_length": 1, "stride": 1, "scored_frames": 2, "rows": 2}
    for name, lowest in {**least, "batch_size": 1}.items():
        value = getattr(settings, name)
        if value < lowest:
            raise InvalidArgumentError(
                f"Protocol of 'tissue_velocity': {name} must be {lowest} at least, "
                f"got {value}."
            )


def _admit(entry: Entry) -> str:
    """Say which of the two streams a recording lacks.

    The frame rate in a catalogue may be that of either, so it is left to the opening.
    """
    lacks = [name for name in _NEEDS if name not in entry.provides]
    return f"no {' and no '.join(lacks)}" if lacks else ""


def _open(settings: _Settings, recording: Recording) -> Case:
    """Pair the two clocks and list the clips."""
    who = f"Recording '{recording.entry.id}'"
    b_mode, doppler = (recording[name] for name in _NEEDS)
    sector, tissue = (sector_of(one, recording.entry.id) for one in (b_mode, doppler))
    if doppler.velocity_limit is None:
        raise NotProvidedError(f"{who} does not say at which velocity it folds.")
    _check_counts(settings, who, b_mode, doppler)
    rate = frame_rate(b_mode.time)
    paired = pair_intervals(b_mode.time, doppler.time)
    longest = longest_clip(paired >= 0)
    length = settings.clip_length
    if longest.stop - longest.start <= length:
        raise NotProvidedError(
            f"{who}: the most B-mode intervals on end that have a Doppler frame are "
            f"{longest.stop - longest.start - 1}, the protocol needs {length}."
        )
    seen, answers = _places(settings, sector, tissue)
    return Case(
        recording,
        sliding_clips(paired >= 0, length, settings.stride),
        centre_crop(longest, settings.scored_frames),
        reshaped(seen, (settings.size, settings.size)),
        Plan(paired, rate, doppler.velocity_limit, answers),
    )


def _check_counts(
    settings: _Settings, who: str, b_mode: Stream, doppler: Stream
) -> None:
    """Refuse a recording that is too short, too slow or too fast."""
    length = settings.clip_length
    if len(b_mode.time) <= length or len(doppler.time) < length:
        raise NotProvidedError(
            f"{who} has {len(b_mode.time)} B-mode and {len(doppler.time)} Doppler "
            f"frames, the protocol needs {length + 1} and {length}."
        )
    rate = frame_rate(b_mode.time)
    low, high = settings.min_rate_hz, settings.max_rate_hz
    if not is_between(rate, low, high):
        raise NotProvidedError(
            f"{who} has {rate:.4g} B-mode frames a second, the protocol takes {low:g} "
            f"to {high:g}."
        )


def _places(
    settings: _Settings, sector: Sector, tissue: Sector
) -> tuple[PlanarGeometry, PlanarGeometry]:
    """Return what the input and what the answer fills; the paper's planes differ."""
    if settings.domain == "beamspace":
        return sector, sector
    rows = settings.rows
    return published_plane(sector, rows), published_plane(tissue, rows)


def _prepare(settings: _Settings, case: Case, clip: Clip) -> Item:
    """Read a clip at the size of a network."""
    b_mode, size, rows = case.recording["b_mode"], settings.size, settings.rows
    sector, tissue = _fans(case)
    frames, measured = read_clip(b_mode, clip), read_paired(case, clip)
    if settings.domain == "cartesian":
        # Two steps of the nearest: to the plane, and from its columns to the square.
        target = case.plan.answers
    else:
        target = reshaped(sector, (size, size))
    return {
        "input": model_frames(frames, sector, settings.domain, size, rows=rows),
        "target": nearest_frames(measured, tissue, target, size=size),
        "limit": np.array(case.plan.limit, np.float32),
        "scale": np.array(case.plan.rate * _row_height(case), np.float32),
    }


def _finish(item: Item) -> Item:
    """Stretch the input over its clip; channels first."""
    stretched = unit_range(item["input"])
    return {**item, "input": stretched[None], "target": item["target"][None]}


def _row_height(case: Case) -> float:
    """Return metres per row as the paper counts them: by rows and not by steps [m]."""
    place = case.geometry
    first, last = place.z if isinstance(place, PlaneGrid) else _fans(case)[0].depth
    return (last - first) / place.shape[0]


def _truth(settings: _Settings, case: Case) -> Item:
    """Return the nearest velocities on the plane of their own fan."""
    _, tissue = _fans(case)
    plane = published_plane(tissue, settings.rows)
    return {
        "target": nearest_frames(read_paired(case, case.scored), tissue, plane),
        "limit": np.array(case.plan.limit, np.float32),
        "plane": place_to_array(plane),
        "answers": place_to_array(case.plan.answers),
    }


def _score(
    predictions: Sequence[NDArray[Any]], truths: Sequence[Item]
) -> dict[str, float]:
    """Average the folded error, by its limit, over a batch padded with zeros."""
    if not truths:
        return {_METRIC: math.nan}
    total, unknown, sizes = 0.0, 0, []
    for prediction, truth in zip(predictions, truths, strict=True):
        _check_length(prediction, len(truth["target"]))
        share, finite, size = _error_of(prediction, truth)
        total, unknown = total + share, unknown + math.prod(size) - finite
        sizes.append(size)
    # What is not there is zero in the prediction and the truth: no error, but counted.
    counted = len(sizes) * math.prod(np.max(sizes, axis=0).tolist()) - unknown
    return {_METRIC: 100 * total / counted if counted else math.nan}


def _error_of(
    prediction: NDArray[Any], truth: Item
) -> tuple[float, int, tuple[int, ...]]:
    """Return the sum of errors by the limit, how many are finite, and their shape."""
    from cardium.protocols._image_kernels import folded_sum

    target, limit = truth["target"], float(truth["limit"])
    rows, columns = target.shape[1:]
    plane = place_from_array(truth["plane"], (rows, columns))
    answers = place_from_array(truth["answers"], (rows, columns))
    sampled = sample_from(prediction[0], answers, plane)
    wanted = np.zeros_like(sampled)
    wanted[: len(target)] = target
    total, finite = folded_sum(sampled.ravel(), wanted.ravel(), limit)
    return total / limit, finite, sampled.shape


def _check_length(prediction: NDArray[Any], intervals: int) -> None:
    """Refuse predictions that end too early."""
    if prediction.ndim != 4 or len(prediction) != 1 or prediction.shape[1] < intervals:
        raise AnswerError(
            f"Tissue velocity: a prediction has shape {prediction.shape}, expected "
            f"(1, {intervals} or more, rows, columns)."
        )


def _fans(case: Case) -> tuple[Sector, Sector]:
    """Return the fans of the B-mode and of the velocity."""
    who = case.recording.entry.id
    b_mode, tissue = (sector_of(case.recording[name], who) for name in _NEEDS)
    return b_mode, tissue
