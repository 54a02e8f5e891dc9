"""The cavity of the left ventricle in films of volumes, learnt from drawn meshes.

No paper's code has this protocol. A model sees some volumes that follow one another,
as the beams that were acquired or on cubic voxels, and learns the inside of the mesh at
its samples. All volumes of a recording are scored, so that its volume curve is whole.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    UNLABELLED,
    Answer,
    Case,
    Clip,
    Entry,
    Field,
    FloatArray,
    Item,
    Protocol,
    Recording,
    SectorVolume,
    Task,
    VolumeGeometry,
    VolumeGrid,
)
from cardium.errors import AnswerError, InvalidArgumentError, NotProvidedError
from cardium.geometry import inside, resample
from cardium.protocols._images import check_domain, read_clip
from cardium.protocols.corrected import _by_task
from cardium.tasks import open_task
from cardium.tasks._volumes import (
    cubes_around,
    fill_meshes,
    match_meshes,
    mesh_of,
    place_of,
    whole_volumes,
)

_CAVITY = 1
_AXES = ("first_axis", "second_axis", "third_axis")
_FIELDS = MappingProxyType(
    {
        "input": Field("frame", "unit"),
        "cavity": Field("frame", "mask"),
        "labelled": Field("frame", "mask"),
        "seen": Field("case", "mask"),
        "content": Field("case", "float"),
        **{name: Field("case", "float") for name in _AXES},
    }
)


def build(
    *,
    domain: str = "beamspace",
    size: int = 0,
    clip_length: int = 4,
    stride: int = 4,
    scored_frames: int = 0,
    rows: int = 64,
    batch_size: int = 1,
) -> Protocol:
    """Build the protocol.

    Parameters
    ----------
    domain : {"beamspace", "cartesian"}
        What a model sees: the beams, or cubic voxels around the fan.
    size : int
        Not used: a model sees the samples there are, or `rows`.
    clip_length : int
        Volumes of a clip that is learnt from; a shorter film is one clip.
    stride : int
        Volumes from the start of one clip to that of the next.
    scored_frames : int
        The most volumes that are scored, from the middle of the film; 0 for all.
    rows : int
        Voxels along z in the Cartesian domain.
    batch_size : int
        Recordings that are scored together.

    Returns
    -------
    Protocol
        Scored by the task `lv_volume_3d`.

    Raises
    ------
    InvalidArgumentError
        If the domain is neither, or a number is too small.

    Notes
    -----
    An item has ``input`` (1, T, E, A, R), grey levels by 255; ``target`` (T, E, A, R)
    uint8, 1 for the cavity and 255 where nobody knows; ``content`` (E, A, R) [mL], the
    volume that each sample stands for; and ``first_axis`` (E,), ``second_axis`` (A,)
    and ``third_axis`` (R,), where the samples lie along each axis: elevation [rad],
    azimuth [rad] and depth [m], or z, y and x [m]. An answer is (2, T, E, A, R),
    probabilities of background and cavity.

    Examples
    --------
    >>> protocol = build(domain="cartesian", rows=32)
    >>> protocol.primary, protocol.options["rows"], sorted(protocol.fields)[:3]
    ('dice', 32, ['cavity', 'content', 'first_axis'])
    """
    check_domain(domain)
    if min(clip_length, stride, batch_size) < 1 or scored_frames < 0:
        raise InvalidArgumentError(
            "Protocol of 'lv_volume_3d': clip_length, stride and batch_size must be "
            f"positive and scored_frames not negative, got {clip_length}, {stride}, "
            f"{batch_size} and {scored_frames}."
        )
    task = open_task("lv_volume_3d", domain=domain, rows=rows)
    options: dict[str, Any] = {
        "domain": domain,
        "size": size,
        "clip_length": clip_length,
        "stride": stride,
        "scored_frames": scored_frames,
        "rows": rows,
        "batch_size": batch_size,
    }
    return Protocol(
        name="corrected",
        task=task,
        domain=domain,
        admit=partial(_admit, task),
        open=partial(_open, MappingProxyType(options)),
        prepare=_prepare,
        finish=_finish,
        fields=_FIELDS,
        truth=_by_task.truth,
        score=partial(_by_task.score, task, _answer),
        answer=_answer,
        metrics=task.metrics,
        primary=task.primary,
        batch_size=batch_size,
        options=MappingProxyType(options | {"size": 0}),
    )


def _admit(task: Task, entry: Entry) -> str:
    """Ask for volumes and a mesh."""
    missing = task.missing(entry.provides)
    return f"It has no {' and no '.join(missing)}." if missing else ""


def _open(options: MappingProxyType[str, Any], recording: Recording) -> Case:
    """Stitch slabs, pair volumes with meshes, and choose the clips."""
    whole = whole_volumes(recording)
    source, time = place_of(whole), whole["b_mode_3d"].time
    found = match_meshes(mesh_of(whole), time)
    if not (found >= 0).any():
        raise NotProvidedError(
            f"Recording '{whole.entry.id}': no mesh lies within half a volume of one "
            "in time."
        )
    place: VolumeGeometry = source
    if isinstance(source, SectorVolume):
        if options["domain"] == "cartesian":
            place = cubes_around(source, options["rows"])
    elif options["domain"] == "beamspace":
        raise NotProvidedError(
            f"Recording '{whole.entry.id}' has its volumes as voxels, not as beams."
        )
    length = min(options["clip_length"], len(time))
    starts = range(0, len(time) - length + 1, options["stride"])
    clips = (Clip(start, start + length) for start in starts)
    train = tuple(c for c in clips if (found[c.start : c.stop] >= 0).any())
    scored = min(options["scored_frames"] or len(time), len(time))
    first = (len(time) - scored) // 2
    return Case(whole, train, Clip(first, first + scored), place, found)


def _prepare(case: Case, clip: Clip) -> Item:
    """Read some volumes on the samples of the case, and fill their meshes there."""
    recording, place = case.recording, _place(case)
    source, found = place_of(recording), case.plan[clip.start : clip.stop]
    grey = read_clip(recording["b_mode_3d"], clip).astype(np.float32)
    if place != source:
        grey = np.asarray(resample(grey, source, place), np.float32)
    labels = fill_meshes(mesh_of(recording), found, place)
    axes = dict(zip(_AXES, _axes(place), strict=True))
    return {
        "input": grey / 255,
        "cavity": labels == _CAVITY,
        "labelled": found >= 0,
        "seen": np.asarray(inside(source, place)),
        "content": (1e6 * place.sample_volumes()).astype(np.float32),
        **{name: axis.astype(np.float32) for name, axis in axes.items()},
    }


def _finish(item: Item) -> Item:
    """Put the label maps together: 255 where nobody drew, or no cavity is shown."""
    labels = item["cavity"].astype(np.uint8)
    labels[(labels == _CAVITY) & ~item["seen"].astype(np.bool_)] = UNLABELLED
    labels[~item["labelled"].astype(np.bool_)] = UNLABELLED
    kept = {name: item[name] for name in ("content", *_AXES)}
    return {"input": item["input"][None], "target": labels, **kept}


def _answer(case: Case, prediction: NDArray[Any]) -> Answer:
    """Take the most probable class of each sample of the volumes that are scored."""
    place, clip = _place(case), case.scored
    count = clip.stop - clip.start
    if prediction.shape[2:] != place.shape or prediction.shape[1] < count:
        raise AnswerError(
            f"The probabilities of {count} volumes of {place.shape} samples are asked "
            f"for, the model returned an array of shape {prediction.shape}."
        )
    labels = prediction[:, :count].argmax(axis=0).astype(np.uint8)
    time = case.recording["b_mode_3d"].time[clip.start : clip.stop]
    return Answer({"labels": labels}, place, time)


def _place(case: Case) -> VolumeGeometry:
    """Return where the samples that a model sees lie."""
    if isinstance(case.geometry, SectorVolume | VolumeGrid):
        return case.geometry
    raise TypeError("A case of volumes lies in space.")


def _axes(place: VolumeGeometry) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return where the samples lie along each array axis."""
    if isinstance(place, SectorVolume):
        return place.elevations, place.azimuths, place.depths
    first, second, third = (
        np.dot(place.origin, step) / spacing + spacing * np.arange(count)
        for step, spacing, count in zip(
            place.steps, place.spacing, place.shape, strict=True
        )
    )
    return first, second, third
