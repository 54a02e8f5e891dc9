"""From a film of volumes to the cavity of the left ventricle, and its volume."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    UNLABELLED,
    Answer,
    Columns,
    FloatArray,
    Geometry,
    Metric,
    Output,
    Recording,
    Sample,
    SectorVolume,
    Task,
    VolumeGeometry,
    VolumeGrid,
)
from cardium.errors import (
    AnswerError,
    GeometryError,
    InvalidArgumentError,
    NotProvidedError,
)
from cardium.metrics import dice, mean_over_patients, surface_distances
from cardium.tasks._clip import check_domain, half_step, nearest_within
from cardium.tasks._volumes import (
    fill_meshes,
    input_volumes,
    match_meshes,
    mesh_of,
    place_of,
    whole_volumes,
)

CLASSES = ("background", "lv_cavity")
"""What the codes of the label maps mean."""

SPACING = 0.002
"""Side of the voxels on which everything is scored [m]."""

_CAVITY = 1
_METRICS = {
    "dice": Metric("Dice, LV cavity"),
    "hd95_mm": Metric("95 % Hausdorff, endocardium", "mm", False),
    "volume_error_ml": Metric("Volume error over the cycle", "mL", False),
    "volume_correlation": Metric("Correlation of the volume curves"),
    "edv_error_ml": Metric("Error of the largest volume", "mL", False),
    "esv_error_ml": Metric("Error of the smallest volume", "mL", False),
    "ef_error_points": Metric("Error of the ejection fraction", "points", False),
}


def build(*, domain: str = "beamspace", rows: int = 64) -> Task:
    """Build the task: label the cavity of the left ventricle in every volume.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What the model sees: the beams as they were acquired, or cubic voxels. Both are
        scored on the same grid.
    rows : int
        Voxels along z that a model sees in the Cartesian domain.

    Returns
    -------
    Task
        Primary metric ``dice``, the mean over labelled volumes, then over recordings
        of a patient, then over patients.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or there are fewer than two rows.

    Notes
    -----
    Truth is the inside of the mesh that a reader drew (``lv_mesh``), closed at the base
    if it is open, at the places of the samples. A volume is labelled if a mesh lies
    within half a volume of it in time. Scores are taken on cubic voxels of 2 mm around
    the fan. A part of the cavity that the fan does not show is 255 and counts nowhere,
    also not in a volume: nobody can see it. What is outside and not the cavity is
    background.

    Volumes in mL are counted voxels, for truth and prediction alike; of a ventricle
    that is within 1 % of the volume of the mesh. The largest and the smallest volume
    are each curve's own, as they are for those who have no truth; the ejection fraction
    follows from them. Where the truth does not change the
    correlation is NaN, where the prediction alone does not it is 0. A cavity that is
    in the truth and not in the prediction is the grid's diagonal away.

    What several beats recorded slab by slab is put together first: see
    `cardium.signal.stitching.stitch_beats`.

    Examples
    --------
    >>> task = build()
    >>> task.output.kind, task.output.classes, task.primary
    ('volume_map', ('background', 'lv_cavity'), 'dice')
    """
    check_domain("lv_volume_3d", domain)
    if not rows >= 2:
        raise InvalidArgumentError(
            f"Task 'lv_volume_3d': a grid needs two rows at least, got {rows}."
        )

    def inputs(recording: Recording) -> Sample:
        return Sample(recording.entry.id, input_volumes(recording, domain, rows))

    return Task(
        name="lv_volume_3d",
        title="Film of volumes to LV cavity and its volume curve",
        needs=("b_mode_3d", "lv_mesh"),
        output=Output("labels", "volume_map", CLASSES),
        inputs=inputs,
        target=_target,
        score=_score,
        summarize=_summarize,
        metrics=MappingProxyType(_METRICS),
        primary="dice",
        groups=("stitched_beats",),
        options=MappingProxyType({"domain": domain, "rows": rows}),
    )


def _target(recording: Recording, geometry: Geometry | None) -> Answer:
    """Return the label map of every volume; 255 where nobody drew a mesh."""
    from cardium.geometry import grid_around, inside

    whole = whole_volumes(recording)
    film, source, mesh = whole["b_mode_3d"], place_of(whole), mesh_of(whole)
    if geometry is None:
        geometry = grid_around(source, spacing=SPACING)
    if not isinstance(geometry, SectorVolume | VolumeGrid):
        raise GeometryError(
            "Task 'lv_volume_3d': a mesh lies in space, the answer on a "
            f"{type(geometry).__name__}. Answer on a SectorVolume or a VolumeGrid."
        )
    labels = fill_meshes(mesh, match_meshes(mesh, film.time), geometry)
    if geometry != source:
        unseen = ~np.asarray(inside(source, geometry))
        labels[unseen & (labels == _CAVITY)] = UNLABELLED
    return Answer({"labels": labels}, geometry, film.time)


def _score(prediction: Answer, truth: Answer) -> dict[str, float]:
    """Score the labelled volumes of one recording, and their curve."""
    grid = truth.geometry
    if not isinstance(grid, VolumeGrid) or truth.time is None:
        raise NotProvidedError(
            "Volumes are scored on a grid of voxels with times, the truth is on "
            f"{type(grid).__name__}. Take it as task.target(recording, None)."
        )
    true_maps = truth.values["labels"]
    labelled = np.flatnonzero((true_maps != UNLABELLED).any(axis=(1, 2, 3)))
    if not len(labelled):
        raise NotProvidedError(
            "No volume is labelled: no mesh lies within half a volume of one in time."
        )
    maps, geometry, found = _predicted(prediction, truth.time[labelled])
    rows = [
        _score_volume(_on_grid(maps[mine], geometry, grid), true_maps[theirs], grid)
        for mine, theirs in zip(found, labelled, strict=True)
    ]
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    mine, theirs = (columns.pop(name) for name in ("predicted_ml", "true_ml"))
    # The volumes of one recording stand here as one patient's recordings do below.
    means = mean_over_patients(columns, np.zeros(len(rows), np.intp))
    return means | _score_curve(mine, theirs)


def _predicted(
    prediction: Answer, wanted: FloatArray
) -> tuple[NDArray[np.uint8], VolumeGeometry, NDArray[np.intp]]:
    """Return predicted label maps, where they lie, and which were taken when wanted."""
    time, geometry = prediction.time, prediction.geometry
    if time is None or not isinstance(geometry, SectorVolume | VolumeGrid):
        raise AnswerError("The predicted volumes have no times or no place in space.")
    found = nearest_within(time, wanted, half_step(time))
    if (found < 0).any():
        raise AnswerError(
            f"No volume was predicted at {wanted[found < 0][0]:.4f} s, which is "
            f"labelled; predictions cover {time[0]:.4f} to {time[-1]:.4f} s."
        )
    return prediction.values["labels"], geometry, found


def _on_grid(
    labels: NDArray[np.uint8], geometry: VolumeGeometry, grid: VolumeGrid
) -> NDArray[np.uint8]:
    """Return one label map on the grid of the truth."""
    if geometry == grid:
        return labels
    from cardium.geometry import resample_labels

    return np.asarray(resample_labels(labels, geometry, grid))


def _score_volume(
    predicted: NDArray[np.uint8], true: NDArray[np.uint8], grid: VolumeGrid
) -> dict[str, float]:
    """Compare one volume, and measure both cavities [mL]."""
    diagonal = float(np.linalg.norm((np.array(grid.shape) - 1) * grid.spacing))
    apart = surface_distances(predicted, true, code=_CAVITY, spacing=grid.spacing)
    hausdorff = float(np.minimum(apart.hausdorff(percentile=95.0), diagonal))
    seen = true != UNLABELLED
    mine, theirs = (
        1e6 * grid.voxel_volume * np.count_nonzero(seen & (labels == _CAVITY))
        for labels in (predicted, true)
    )
    return {
        "dice": dice(predicted, true, code=_CAVITY),
        "hd95_mm": 1e3 * hausdorff,
        "volume_error_ml": abs(mine - theirs),
        "predicted_ml": mine,
        "true_ml": theirs,
    }


def _score_curve(predicted: FloatArray, true: FloatArray) -> dict[str, float]:
    """Compare two volume curves (T,) [mL]."""
    (largest, smallest), (edv, esv) = (
        (float(curve.max()), float(curve.min())) for curve in (predicted, true)
    )
    fractions = [
        100 * (1 - low / high) if high else 0.0
        for high, low in ((largest, smallest), (edv, esv))
    ]
    return {
        "volume_correlation": _correlation(predicted, true),
        "edv_error_ml": abs(largest - edv),
        "esv_error_ml": abs(smallest - esv),
        "ef_error_points": abs(fractions[0] - fractions[1]) if edv else float("nan"),
    }


def _correlation(predicted: FloatArray, true: FloatArray) -> float:
    """Return Pearson's correlation; NaN if the truth is constant, else 0 if one is."""
    mine, theirs = predicted - predicted.mean(), true - true.mean()
    if not theirs.any():
        return float("nan")
    size = float(np.linalg.norm(mine) * np.linalg.norm(theirs))
    return float(mine @ theirs) / size if size else 0.0


def _summarize(columns: Columns, patients: NDArray[np.intp]) -> dict[str, float]:
    """Average within, then over, patients."""
    return mean_over_patients(columns, patients)
