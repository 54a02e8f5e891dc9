"""From a B-mode clip to the cavity and the myocardium of the left ventricle."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    UNLABELLED,
    Answer,
    Columns,
    FloatArray,
    Geometry,
    Metric,
    Output,
    PlaneGrid,
    Recording,
    Sample,
    Sector,
    Stream,
    Task,
)
from cardium.errors import (
    AnswerError,
    DataCorruptError,
    GeometryError,
    NotProvidedError,
)
from cardium.metrics import dice, mean_over_patients, surface_distances
from cardium.tasks._clip import (
    check_domain,
    half_step,
    input_clip,
    nearest_within,
    scoring_plane,
    seen_by,
)

CLASSES = ("background", "lv_cavity", "myocardium")
"""What the codes of the label maps mean."""

_CAVITY, _MYOCARDIUM = 1, 2
# Outlines as the field draws them: the epicardium bounds cavity and wall together.
_OUTLINES = {"lv_cavity": (_CAVITY,), "epicardium": (_CAVITY, _MYOCARDIUM)}
_METRICS = {
    "dice": Metric("Dice, mean of cavity and myocardium"),
    "dice_lv_cavity": Metric("Dice, LV cavity"),
    "dice_myocardium": Metric("Dice, myocardium"),
    "dice_epicardium": Metric("Dice, cavity and myocardium together"),
    "hd95_lv_cavity_mm": Metric("95 % Hausdorff, endocardium", "mm", False),
    "hd95_epicardium_mm": Metric("95 % Hausdorff, epicardium", "mm", False),
    "distance_lv_cavity_mm": Metric("Mean distance, endocardium", "mm", False),
    "distance_epicardium_mm": Metric("Mean distance, epicardium", "mm", False),
    "area_error_lv_cavity_cm2": Metric("Area error, LV cavity", "cm²", False),
}


def build(*, domain: str = "cartesian") -> Task:
    """Build the task: label the left ventricle in every frame of a B-mode clip.

    Parameters
    ----------
    domain : {"cartesian", "beamspace"}
        What the model sees: an image plane, scan converted where the recording holds
        beams, or the beams as they were acquired. Both are scored on the same plane.

    Returns
    -------
    Task
        Primary metric ``dice``, the mean over labelled frames, then over recordings
        of a patient, then over patients.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither.

    Notes
    -----
    Truth is either a label map (``lv_mask``), whose codes are read by the names the
    stream gives them, or contours (``lv_contour``), which are drawn directly on the
    geometry asked for: layer 0 is the endocardium, the last layer the epicardium. A
    frame is labelled if an annotation lies within half a frame of it; other frames,
    and parts of the ventricle that the sector does not show, are 255 and count nowhere.

    A structure that is in the truth and not in the prediction is the image's diagonal
    away, so that a miss worsens the mean distance and is not left out of it.

    Examples
    --------
    >>> task = build(domain="beamspace")
    >>> task.output.classes, task.primary
    (('background', 'lv_cavity', 'myocardium'), 'dice')
    """
    check_domain("lv_segmentation", domain)

    def inputs(recording: Recording) -> Sample:
        return Sample(recording.entry.id, input_clip(recording, domain))

    return Task(
        name="lv_segmentation",
        title="B-mode clip to LV cavity and myocardium",
        needs=("b_mode", ("lv_mask", "lv_contour")),
        output=Output("labels", "label_map", CLASSES),
        inputs=inputs,
        target=_target,
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="dice",
        groups=("phase", "view"),
        options=MappingProxyType({"domain": domain}),
    )


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return the label map of every B-mode frame; 255 where nobody labelled."""
    there = {**recording.streams, **recording.annotations}
    mask = there.get("lv_mask")
    if geometry is None:
        own = mask.geometry if mask is not None else None
        geometry = own if isinstance(own, PlaneGrid) else scoring_plane(recording)
    time = recording["b_mode"].time
    labels = np.full((len(time), *geometry.shape), UNLABELLED, np.uint8)
    annotation = mask if mask is not None else recording["lv_contour"]
    values = annotation.load()
    for frame, source in match_frames(annotation.time, time):
        if mask is not None:
            labels[frame] = _from_mask(values[source], mask, geometry)
        else:
            labels[frame] = _from_contour(values[source], geometry)
    if mask is None:
        # what is outside and not the ventricle is background, also for a model
        unseen = ~seen_by(recording, geometry) & (labels > 0)
        labels[unseen] = UNLABELLED
    return Answer({"labels": labels}, geometry, time)


def match_frames(annotated: FloatArray, frames: FloatArray) -> list[tuple[int, int]]:
    """Pair each frame with the nearest annotation that is within half a frame of it.

    Parameters
    ----------
    annotated : (N,) [s]
        When somebody annotated.
    frames : (T,) [s]
        Times of the frames, ascending.

    Returns
    -------
    list of (frame, annotation)
        In order of the frames, those without an annotation left out. An annotation
        belongs to its own nearest frame alone, so that one drawn between two frames
        does not count twice.

    Examples
    --------
    >>> match_frames(np.array([0.9, 1.2, 2.6]), np.arange(4.0))
    [(1, 0), (3, 2)]
    """
    own_frame = nearest_within(frames, annotated, half_step(frames))
    distance = np.abs(annotated - frames[own_frame])
    best: dict[int, int] = {}
    for source in np.argsort(distance, kind="stable").tolist():
        if own_frame[source] >= 0:
            best.setdefault(int(own_frame[source]), source)
    return sorted(best.items())


def _from_mask(
    frame: NDArray[Any], mask: Stream, geometry: Geometry
) -> NDArray[np.uint8]:
    """Give one annotated frame of a label map this task's codes, on a geometry."""
    if "label" not in mask.coords:
        raise NotProvidedError(
            f"Label map '{mask.name}' does not name its codes (coords['label'])."
        )
    labels = _recode(frame, mask.coords["label"])
    if mask.geometry == geometry:
        return labels
    if mask.geometry is None:
        raise NotProvidedError(f"Label map '{mask.name}' does not say where it lies.")
    from cardium.geometry import resample_labels

    return np.asarray(resample_labels(labels, mask.geometry, geometry))


def _from_contour(frame: NDArray[Any], geometry: Geometry) -> NDArray[np.uint8]:
    """Draw one annotated frame of contours on a geometry."""
    if not isinstance(geometry, Sector | PlaneGrid):
        raise GeometryError(
            "Task 'lv_segmentation': contours lie in the image plane, the answer on a "
            f"{type(geometry).__name__}. Answer on a Sector or a PlaneGrid."
        )
    from cardium.geometry import lv_label_map

    layers = np.asarray(frame, np.float64)
    return _recode(lv_label_map(layers[0], layers[-1], geometry), STRUCTURES)


def _recode(labels: NDArray[Any], names: Sequence[str]) -> NDArray[np.uint8]:
    """Turn codes that stand for some names into this task's; others are background."""
    codes = np.full(256, -1)
    codes[UNLABELLED] = UNLABELLED
    codes[: len(names)] = [
        CLASSES.index(name) if name in CLASSES else 0 for name in names
    ]
    # A code outside 0..255 would wrap when cast; it has no name either.
    known = np.isin(labels, np.flatnonzero(codes >= 0))
    if not known.all():
        raise DataCorruptError(
            f"A label map holds the code {labels[~known].flat[0]}, but names only "
            f"0..{len(names) - 1} ({', '.join(names)})."
        )
    recoded: NDArray[np.uint8] = codes[labels.astype(np.intp)].astype(np.uint8)
    return recoded


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Score the labelled frames of one recording, and average over them."""
    plane = truth.geometry
    if not isinstance(plane, PlaneGrid) or truth.time is None:
        raise NotProvidedError(
            "Label maps are scored on an image plane with frame times, the truth is "
            f"on {type(plane).__name__}. Take it as task.target(recording, None)."
        )
    true_maps = truth.values["labels"]
    labelled = np.flatnonzero((true_maps != UNLABELLED).any(axis=(1, 2)))
    if not len(labelled):
        raise NotProvidedError(
            "No frame is labelled: no annotation lies within half a frame of one."
        )
    true_maps = true_maps[labelled]
    predicted_maps = _predicted_maps(prediction, truth.time[labelled], plane)
    frames = [
        _score_frame(predicted, true, plane)
        for predicted, true in zip(predicted_maps, true_maps, strict=True)
    ]
    # The frames of one recording stand here as one patient's recordings do below.
    columns = {name: np.array([frame[name] for frame in frames]) for name in frames[0]}
    return mean_over_patients(columns, np.zeros(len(frames), np.intp))


def _predicted_maps(
    prediction: Answer, wanted: FloatArray, plane: PlaneGrid
) -> NDArray[np.uint8]:
    """Return the predicted label maps at some times, on the plane of the truth."""
    maps, time, geometry = (
        prediction.values["labels"],
        prediction.time,
        prediction.geometry,
    )
    if time is None or geometry is None:
        raise AnswerError("The predicted label maps have no frame times or no place.")
    found = nearest_within(time, wanted, half_step(time))
    if (found < 0).any():
        raise AnswerError(
            f"No frame was predicted at {wanted[found < 0][0]:.4f} s, which is "
            f"labelled; predictions cover {time[0]:.4f} to {time[-1]:.4f} s."
        )
    maps = maps[found]
    if geometry == plane:
        return maps
    from cardium.geometry import resample_labels

    return np.asarray(resample_labels(maps, geometry, plane))


def _score_frame(
    predicted: NDArray[np.uint8], true: NDArray[np.uint8], plane: PlaneGrid
) -> dict[str, float]:
    """Score one frame."""
    dz, dx = plane.spacing
    diagonal = float(np.hypot(dz * (plane.shape[0] - 1), dx * (plane.shape[1] - 1)))
    cavity, wall = (dice(predicted, true, code=c) for c in (_CAVITY, _MYOCARDIUM))
    defined = [value for value in (cavity, wall) if not np.isnan(value)]
    scores = {
        "dice": float(np.mean(defined)) if defined else float("nan"),
        "dice_lv_cavity": cavity,
        "dice_myocardium": wall,
        "dice_epicardium": dice(predicted, true, code=(_CAVITY, _MYOCARDIUM)),
    }
    for name, codes in _OUTLINES.items():
        apart = surface_distances(predicted, true, code=codes, spacing=(dz, dx))
        hausdorff, mean = apart.hausdorff(percentile=95.0), apart.mean()
        scores[f"hd95_{name}_mm"] = 1e3 * float(np.minimum(hausdorff, diagonal))
        scores[f"distance_{name}_mm"] = 1e3 * float(np.minimum(mean, diagonal))
    labelled = true != UNLABELLED
    more = np.count_nonzero(labelled & (predicted == _CAVITY))
    less = np.count_nonzero(labelled & (true == _CAVITY))
    scores["area_error_lv_cavity_cm2"] = 1e4 * abs(more - less) * dz * dx
    return scores


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Average within, then over, patients."""
    return mean_over_patients(columns, patients)
