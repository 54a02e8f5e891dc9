"""From a B-mode clip to the colour Doppler of the blood between its frames."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Columns,
    FloatArray,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    Stream,
    Task,
)
from cardium.core.task import quarter_times
from cardium.errors import AnswerError, NotProvidedError
from cardium.metrics import mean_over_patients, velocity_error
from cardium.tasks._clip import (
    check_domain,
    check_frames,
    half_step,
    input_clip,
    limit_of,
    nearest_within,
    scoring_plane,
    seen_by,
)

CLASSES = ("velocity", "power", "turbulence")
"""The channels of an answer: m/s, 0..1, m/s."""

MIN_POWER = 0.3
"""A velocity is that of blood where the power is above this; else it is noise."""

_METRICS = {
    "velocity_error_cm_s": Metric("Mean folded error of velocity", "cm/s", False),
    "velocity_error_percent": Metric(
        "Mean folded error of velocity", "% of Nyquist", False
    ),
    "power_error": Metric("Mean error of power", "", False),
    "turbulence_error_cm_s": Metric("Mean error of turbulence", "cm/s", False),
}


def build(*, domain: str = "cartesian") -> Task:
    """Build the task: predict the colour Doppler twice between two B-mode frames.

    Parameters
    ----------
    domain : {"cartesian", "beamspace"}
        What the model sees: an image plane, scan converted where the recording holds
        beams, or the beams as they were acquired. Both are scored on the same plane.

    Returns
    -------
    Task
        Primary metric ``velocity_error_cm_s``, lower is better.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither.

    Notes
    -----
    The truth at a quarter and at three quarters of an interval between two B-mode
    frames is the Doppler frame nearest in time, if one lies within half the median
    step of the Doppler clock; otherwise that frame is NaN and not scored.

    Velocities are resampled as phasors and compared by their folded difference.
    Turbulence is the local standard deviation of the velocities as they were acquired,
    a fold taken for none and no sample beyond the frame. Samples count inside the
    sectors of the B-mode, the velocity and the power. Where the true power is 0.3 or
    less velocities are noise, and neither these nor their turbulence are scored; a
    recording without such a sample has NaN for these scores, and one for its power.

    Examples
    --------
    >>> task = build()
    >>> task.output.classes, task.metrics[task.primary].unit
    (('velocity', 'power', 'turbulence'), 'cm/s')
    """
    check_domain("blood_flow", domain)

    def inputs(recording: Recording) -> Sample:
        limit = limit_of(recording, recording["colour_velocity"])
        clip = input_clip(recording, domain)
        check_frames(recording, clip.time)
        return Sample(recording.entry.id, clip, limit)

    return Task(
        name="blood_flow",
        title="B-mode clip to velocity, power and turbulence of the blood",
        needs=("b_mode", "colour_velocity", "colour_power"),
        output=Output("flow", "flow", CLASSES),
        inputs=inputs,
        target=_target,
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="velocity_error_cm_s",
        groups=("view",),
        options=MappingProxyType({"domain": domain}),
    )


def measured_flow(
    recording: Recording, times: FloatArray, geometry: Geometry
) -> NDArray[np.float32]:
    """Return what was measured nearest to some times, on a geometry.

    Parameters
    ----------
    recording : Recording
        Its colour Doppler is read, no other frames than those that are near.
    times : (N,) [s]
        When, ascending.
    geometry : Sector or PlaneGrid
        Where.

    Returns
    -------
    (N, 3, *geometry.shape) float32
        Velocity in m/s, power 0..1 and turbulence in m/s; all NaN where one is not
        known, because the place is outside of a sector or no frame is near.
    """
    from cardium.geometry import resample, resample_velocity
    from cardium.signal.doppler import turbulence

    velocity, power = recording["colour_velocity"], recording["colour_power"]
    limit = limit_of(recording, velocity)
    fans = [_place(recording, stream) for stream in (velocity, power)]
    near = [_near(stream, times) for stream in (velocity, power)]
    flow = np.full((len(times), len(CLASSES), *geometry.shape), np.nan, np.float32)
    known = np.flatnonzero((near[0] >= 0) & (near[1] >= 0))
    if not len(known):
        return flow
    # A frame that is nearest to two times is read and resampled once.
    frames, again = _read(velocity, near[0][known])
    spread = turbulence(frames, border="corrected", velocity_limit=limit)
    placed = resample_velocity(
        frames, fans[0], geometry, velocity_limit=limit, outside=np.nan
    )
    flow[known, 0] = placed[again]
    placed = resample(spread.astype(np.float32), fans[0], geometry, outside=np.nan)
    flow[known, 2] = placed[again]
    frames, again = _read(power, near[1][known])
    placed = resample(frames, fans[1], geometry, outside=np.nan)
    flow[known, 1] = np.clip(placed, 0, 1)[again]
    there = np.isfinite(flow).all(axis=1) & seen_by(recording, geometry)
    return np.asarray(np.where(there[:, None], flow, np.float32(np.nan)))


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return the measured flow between the B-mode frames; NaN where unknown."""
    limit = limit_of(recording, recording["colour_velocity"])
    if geometry is None:
        geometry = scoring_plane(recording)
    time = recording["b_mode"].time
    check_frames(recording, time)
    times = quarter_times(time)
    flow = measured_flow(recording, times, geometry)
    return Answer({"flow": flow}, geometry, times, limit)


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Compare the flow of one recording wherever it was measured."""
    limit, flow = truth.velocity_limit, truth.values["flow"]
    if limit is None or truth.geometry is None:
        raise NotProvidedError("The truth has no velocity limit or no place.")
    if prediction.geometry is None:
        raise AnswerError("The predicted flow does not say where it lies.")
    predicted = prediction.values["flow"]
    if predicted.shape[:2] != flow.shape[:2]:
        raise AnswerError(
            f"{predicted.shape[0]} frames of {predicted.shape[1]} channels of flow "
            f"were predicted, the truth has {flow.shape[0]} of {flow.shape[1]}: two "
            "between every two B-mode frames."
        )
    if not np.isfinite(flow).any():
        raise NotProvidedError(
            "No flow was measured inside the B-mode sector within half a Doppler step "
            "of a quarter of the way between two frames."
        )
    if prediction.geometry != truth.geometry:
        predicted = _on(predicted, prediction.geometry, truth.geometry, limit)
    blood = flow[:, 1] > MIN_POWER
    error = velocity_error(
        predicted[:, 0][blood], flow[:, 0][blood], velocity_limit=limit
    )
    return {
        "velocity_error_cm_s": 100 * error.mean_absolute,
        "velocity_error_percent": error.percent_of_limit,
        "power_error": _mean_apart(predicted[:, 1], flow[:, 1]),
        "turbulence_error_cm_s": 100
        * _mean_apart(predicted[:, 2][blood], flow[:, 2][blood]),
    }


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Average within, then over, patients."""
    return mean_over_patients(columns, patients)


def _mean_apart(prediction: NDArray[Any], truth: NDArray[Any]) -> float:
    """Average the size of the difference where both are known; NaN if nowhere."""
    apart = np.abs(prediction.astype(np.float64) - truth)
    apart = apart[np.isfinite(apart)]
    return float(apart.mean()) if apart.size else float("nan")


def _on(
    flow: NDArray[Any], source: Geometry, target: Geometry, limit: float
) -> NDArray[np.float32]:
    """Take predicted flow to another geometry; NaN outside of the source."""
    from cardium.geometry import resample, resample_velocity

    values = np.asarray(flow, np.float32)
    placed = np.empty((*values.shape[:2], *target.shape), np.float32)
    placed[:, 0] = resample_velocity(
        values[:, 0], source, target, velocity_limit=limit, outside=np.nan
    )
    placed[:, 1:] = resample(values[:, 1:], source, target, outside=np.nan)
    return placed


def _near(stream: Stream, times: FloatArray) -> NDArray[np.intp]:
    """Return the frame nearest to each time, -1 if none is within half a step."""
    return nearest_within(stream.time, times, half_step(stream.time))


def _read(
    stream: Stream, wanted: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Read each wanted frame once; also return which one each of them is."""
    frames, again = np.unique(wanted, return_inverse=True)
    first = int(frames[0])
    read = np.asarray(stream.values[first : int(frames[-1]) + 1], np.float32)
    return read[frames - first], again


def _place(recording: Recording, stream: Stream) -> Geometry:
    """Return where a stream lies."""
    if stream.geometry is None:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' does not say where its '{stream.name}' "
            "lies."
        )
    return stream.geometry
