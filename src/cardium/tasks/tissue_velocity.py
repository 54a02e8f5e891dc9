"""From a B-mode clip to the velocity of the tissue between its frames."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Answer,
    Columns,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    Task,
)
from cardium.errors import AnswerError, NotProvidedError
from cardium.metrics import mean_over_patients, velocity_error
from cardium.tasks._clip import (
    check_domain,
    check_frames,
    input_clip,
    limit_of,
    nearest_within,
    scoring_plane,
    seen_by,
)

_METRICS = {
    "velocity_error_cm_s": Metric("Mean folded error", "cm/s", False),
    "velocity_error_percent": Metric("Mean folded error", "% of Nyquist", False),
    "velocity_bias_size_cm_s": Metric("Size of the bias", "cm/s", False),
}
_CLOCK_ROUNDING = 1e-6


def build(*, domain: str = "cartesian") -> Task:
    """Build the task: predict the tissue Doppler between every two B-mode frames.

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
    The truth at the middle of two B-mode frames is the Doppler frame nearest to it,
    if one lies within half the interval; otherwise that frame is NaN and not scored.
    Velocities fold at the Nyquist limit, so they are resampled as phasors and
    compared by their folded difference. Samples are scored where both sectors lie.

    Examples
    --------
    >>> task = build()
    >>> task.needs, task.metrics[task.primary].higher_is_better
    (('b_mode', 'tissue_velocity'), False)
    """
    check_domain("tissue_velocity", domain)

    def inputs(recording: Recording) -> Sample:
        doppler = recording["tissue_velocity"]
        clip = input_clip(recording, domain)
        check_frames(recording, clip.time)
        return Sample(recording.entry.id, clip, limit_of(recording, doppler))

    return Task(
        name="tissue_velocity",
        title="B-mode clip to tissue velocity along the beams",
        needs=("b_mode", "tissue_velocity"),
        output=Output("velocity", "velocity"),
        inputs=inputs,
        target=_target,
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="velocity_error_cm_s",
        groups=("view",),
        options=MappingProxyType({"domain": domain}),
    )


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return the measured velocity between the B-mode frames; NaN where unknown."""
    doppler = recording["tissue_velocity"]
    limit = limit_of(recording, doppler)
    if geometry is None:
        geometry = scoring_plane(recording)
    if doppler.geometry is None:
        raise NotProvidedError(
            f"Recording '{recording.entry.id}' does not say where its "
            "'tissue_velocity' lies."
        )
    time = recording["b_mode"].time
    check_frames(recording, time)
    middle = (time[1:] + time[:-1]) / 2
    found = nearest_within(doppler.time, middle, np.diff(time) / 2 + _CLOCK_ROUNDING)
    velocity = np.full((len(middle), *geometry.shape), np.nan, np.float32)
    frames = np.flatnonzero(found >= 0)
    if len(frames):
        wanted = found[frames]
        read = np.asarray(doppler.values[int(wanted[0]) : int(wanted[-1]) + 1])
        measured = read[wanted - wanted[0]]
        velocity[frames] = _on(measured, doppler.geometry, geometry, limit)
    velocity[:, ~seen_by(recording, geometry)] = np.nan
    return Answer({"velocity": velocity}, geometry, middle, limit)


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Compare the velocities of one recording wherever one was measured."""
    limit, velocity = truth.velocity_limit, prediction.values["velocity"]
    if limit is None or truth.geometry is None:
        raise NotProvidedError("The truth has no velocity limit or no place.")
    if prediction.geometry is None:
        raise AnswerError("The predicted velocity does not say where it lies.")
    if len(velocity) != len(truth.values["velocity"]):
        raise AnswerError(
            f"{len(velocity)} frames of velocity were predicted, the truth has "
            f"{len(truth.values['velocity'])}: one between every two B-mode frames."
        )
    if prediction.geometry != truth.geometry:
        velocity = _on(velocity, prediction.geometry, truth.geometry, limit)
    error = velocity_error(velocity, truth.values["velocity"], velocity_limit=limit)
    if not error.samples:
        raise NotProvidedError(
            "No velocity was measured inside the B-mode sector within half a frame of "
            "the middle of two frames."
        )
    return {
        "velocity_error_cm_s": 100 * error.mean_absolute,
        "velocity_error_percent": error.percent_of_limit,
        "velocity_bias_size_cm_s": 100 * abs(error.bias),
    }


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Average within, then over, patients."""
    return mean_over_patients(columns, patients)


def _on(
    velocity: NDArray[np.float32],
    source: Geometry,
    target: Geometry,
    limit: float,
) -> NDArray[np.float32]:
    """Resample velocities as phasors; NaN outside of the source."""
    if source == target:
        return velocity
    from cardium.geometry import resample_velocity

    resampled = resample_velocity(
        velocity, source, target, velocity_limit=limit, outside=np.nan
    )
    return np.asarray(resampled)
