"""A small CAMUS of known content, in the layout of the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    STRUCTURES,
    Entry,
    FloatArray,
    KnownAnswer,
    Label,
    PlaneGrid,
    Recording,
    Sector,
    Stream,
)
from cardium.core.files import write_text
from cardium.geometry import lv_label_map, plane_around, resample
from cardium.io.nifti import write_planes
from cardium.phantom.anatomy import TISSUES
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.population import sample_patient

_SPLITS = ("train", "train", "train", "train", "val", "test")
_LISTS = {"train": "training", "val": "validation", "test": "testing"}
_SPACING = (0.9e-3, 1.2e-3)  # dz, dx [m]: unlike, so that a swap of axes shows
_ES_FIRST = 3  # the patient whose films run from end-systole to end-diastole


def write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Write six patients, both views: stills at ED and ES and a film of half a cycle.

    Pixels are the beamspace phantom's, scan-converted here; masks are its anatomy.
    """
    known: list[KnownAnswer] = []
    for number, split in enumerate(_SPLITS, start=1):
        for view in ("2CH", "4CH"):
            known += _write_view(root, number, split, view)
    for split, name in _LISTS.items():
        patients = [_patient(n) for n, s in enumerate(_SPLITS, start=1) if s == split]
        path = root / f"database_split/subgroup_{name}.txt"
        write_text(path, "".join(f"{patient}\n" for patient in patients))
    return tuple(known)


def _patient(number: int) -> str:
    """Name a patient as the source does."""
    return f"patient{number:04d}"


@cache
def _examine(number: int, view: str) -> Examination:
    """Simulate once a process: it takes a second."""
    return simulate(sample_patient(number), view=view.lower())


def _write_view(
    root: Path, number: int, split: str, view: str
) -> Iterator[KnownAnswer]:
    """Write the three images of a view, their masks and the Info file."""
    exam = _examine(number, view)
    b_mode, truth = exam.streams["b_mode"], exam.truth
    second_ed = exam.qrs_times[1]
    times = (truth.ed_time, truth.es_time, second_ed)
    ed, es, next_ed = (int(np.argmin(np.abs(b_mode.time - t))) for t in times)
    film = slice(es, next_ed + 1) if number == _ES_FIRST else slice(ed, es + 1)
    last = film.stop - film.start - 1
    position = {"ed_frame": 0, "es_frame": last}
    if number == _ES_FIRST:
        position = {"ed_frame": last, "es_frame": 0}
    stated = {
        "sex": exam.heart.patient.sex,
        "age": float(round(exam.heart.patient.age)),
        "image_quality": ("good", "medium", "poor")[number % 3],
        "ef_percent": float(round(truth.ef_percent)),
        "frame_rate": 30.0,
    }
    folder = PurePosixPath("database_nifti", _patient(number))
    write_text(root / folder / f"Info_{view}.cfg", _info(stated, position, last + 1))
    parts: tuple[tuple[str, slice, Mapping[str, Label]], ...] = (
        ("ED", slice(ed, ed + 1), {"phase": "ED"}),
        ("ES", slice(es, es + 1), {"phase": "ES"}),
        ("half_sequence", film, position),
    )
    drawn = sorted({ed, es, *range(film.start, film.stop)})
    images, masks, grid = _scan_convert(exam, drawn)
    for part, frames, more in parts:
        labels = MappingProxyType({"view": view, **stated, **more})
        stem = f"{_patient(number)}_{view}_{part}"
        files = [folder / name for name in (f"{stem}.nii.gz", f"{stem}_gt.nii.gz")]
        for file, values in zip(files, (images, masks), strict=True):
            write_planes(root / file, values[frames], grid)
        entry = Entry(
            id=stem,
            patient=_patient(number),
            split=split,
            provides=frozenset(labels) | {f"{n}{_suffix(part)}" for n in _NAMES},
            files=(*files, folder / f"Info_{view}.cfg"),
            labels=labels,
        )
        yield KnownAnswer(_recording(entry, images[frames], masks[frames], grid, part))


_NAMES = ("b_mode", "lv_mask")
_ATRIUM_REACH = 0.09


def _suffix(part: str) -> str:
    """Streams of films have names of their own."""
    return "_sequence" if part == "half_sequence" else ""


def _recording(
    entry: Entry,
    images: NDArray[np.uint8],
    masks: NDArray[np.uint8],
    grid: PlaneGrid,
    part: str,
) -> Recording:
    """Say what reading must give back."""
    time, dims = np.arange(len(images)) / 30.0, ("time", "z", "x")
    image, mask = (f"{name}{_suffix(part)}" for name in _NAMES)
    streams = {image: Stream(image, images, time, dims, "grey", grid)}
    coords = MappingProxyType({"label": STRUCTURES})
    labels = Stream(mask, masks, time, dims, "label", grid, coords=coords)
    return Recording(entry, MappingProxyType(streams), MappingProxyType({mask: labels}))


def _scan_convert(
    exam: Examination, frames: Sequence[int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], PlaneGrid]:
    """Draw frames and masks on a plane; frames that no file needs stay empty."""
    b_mode = exam.streams["b_mode"]
    sector = cast(Sector, b_mode.geometry)
    plane = _plane(sector)
    contours = exam.annotations["lv_contour"].load()
    beams = b_mode.load().astype(np.float32)
    images = np.rint(resample(beams, sector, plane)).astype(np.uint8)
    masks = np.zeros_like(images)
    for frame in frames:
        mask, endocardium = masks[frame], contours[frame, 0]
        mask[...] = lv_label_map(endocardium, contours[frame, -1], plane)
        base = endocardium[[0, -1]].mean(axis=0)
        atrium = _atrium(exam, plane, base, float(b_mode.time[frame]))
        mask[(mask == 0) & atrium] = STRUCTURES.index("la_cavity")
    (x0, x1), (z0, z1) = plane.x, plane.z
    return images, masks, PlaneGrid((0.0, x1 - x0), (0.0, z1 - z0), plane.shape)


def _atrium(
    exam: Examination, plane: PlaneGrid, base: FloatArray, time: float
) -> NDArray[np.bool_]:
    """Tell which pixels lie in the left atrium; it is looked for around the base."""
    x, z = np.meshgrid(plane.xs, plane.zs)
    near = np.hypot(x - base[0], z - base[1]) < _ATRIUM_REACH
    found = np.zeros(near.shape, np.bool_)
    points = np.stack([x[near], np.zeros(near.sum()), z[near]], axis=-1)
    at_rest = exam.motion.inverse(exam.placement.to_heart(points), time)
    found[near] = exam.heart.classify(at_rest) == TISSUES.index("la_cavity")
    return found


def _plane(sector: Sector) -> PlaneGrid:
    """Lay a plane of the fake's pixel size over a sector."""
    (x0, x1), (z0, z1) = plane_around(sector).x, plane_around(sector).z
    dz, dx = _SPACING
    rows, columns = round((z1 - z0) / dz) + 1, round((x1 - x0) / dx) + 1
    return PlaneGrid(
        (x0, x0 + (columns - 1) * dx), (z0, z0 + (rows - 1) * dz), (rows, columns)
    )


def _info(stated: Mapping[str, Any], position: Mapping[str, int], frames: int) -> str:
    """Write an Info file; frames count from 1."""
    lines = {
        "ED": position["ed_frame"] + 1,
        "ES": position["es_frame"] + 1,
        "NbFrame": frames,
        "Sex": stated["sex"][0].upper(),
        "Age": round(stated["age"]),
        "ImageQuality": stated["image_quality"].title(),
        "EF": round(stated["ef_percent"]),
        "FrameRate": stated["frame_rate"],
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())
