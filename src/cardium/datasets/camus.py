"""CAMUS: apical echocardiograms of 500 patients with expert contours.

Layout, as downloaded since 2023 (NIfTI)::

    database_nifti/patient0001/
        patient0001_4CH_ED.nii.gz                 still, (x, z)
        patient0001_4CH_ED_gt.nii.gz              its label map
        patient0001_4CH_ES.nii.gz, …_ES_gt.nii.gz
        patient0001_4CH_half_sequence.nii.gz      film from one to the other, (x, z, t)
        patient0001_4CH_half_sequence_gt.nii.gz
        Info_4CH.cfg                              lines ``key: value``
        the same for 2CH
    database_split/subgroup_{training,validation,testing}.txt    a patient a line

Every still is a recording: stream ``b_mode`` (time, z, x) uint8 with one frame, and
annotation ``lv_mask`` with codes of `cardium.core.STRUCTURES`. Every film is a
recording of its own, ``b_mode_sequence`` and ``lv_mask_sequence``. A film may run from
end-diastole to end-systole or the other way: its labels ``ed_frame`` and ``es_frame``
say which frame is which, from 0.

What is changed: axes are turned to (z, x), pixel size is given in metres, grey levels
and labels, stored as float32, become uint8, and frame numbers count from 0, not 1.
The older release (``training/``, MetaImage files) is another layout and another
numbering of patients; it is not read.

References
----------
Leclerc et al., Deep learning for segmentation using an open large-scale dataset in 2D
echocardiography, IEEE Transactions on Medical Imaging 38:2198-2210, 2019.
https://doi.org/10.1109/TMI.2019.2900516
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np

from cardium.core import (
    STRUCTURES,
    Catalog,
    Dataset,
    Entry,
    Info,
    KnownAnswer,
    Label,
    Recording,
    Stream,
)
from cardium.datasets._files import require
from cardium.errors import DataCorruptError, DataMissingError, SplitLeakError
from cardium.io.nifti import Planes, open_planes

INFO = Info(
    title="CAMUS",
    summary="2- and 4-chamber echocardiograms of 500 patients at end-diastole and "
    "end-systole, with films between them, and contours of the left heart by one "
    "expert.",
    version="CAMUS_public, NIfTI, 2023",
    url="https://www.creatis.insa-lyon.fr/Challenge/camus/",
    license="CC BY-NC-SA 4.0, non-commercial research",
    citation="Leclerc et al. 2019, doi:10.1109/TMI.2019.2900516",
    access="Register at https://www.creatis.insa-lyon.fr/Challenge/camus/, download "
    "CAMUS_public.zip and unpack it; the root is the folder that holds "
    "'database_nifti' and 'database_split'.",
)
IMAGES = "database_nifti"
LISTS = MappingProxyType(
    {
        "train": "database_split/subgroup_training.txt",
        "val": "database_split/subgroup_validation.txt",
        "test": "database_split/subgroup_testing.txt",
    }
)
STORED = MappingProxyType(
    {0: "background", 1: "lv_cavity", 2: "myocardium", 3: "la_cavity"}
)
"""What the values of the source's label maps stand for."""

_CODES = {value: STRUCTURES.index(name) for value, name in STORED.items()}
_FILM = "half_sequence"
_NOT_STATED = frozenset({"", "na", "n/a", "nan"})


def index(root: Path) -> Catalog:
    """List folders and read the split lists and Info files; open no image."""
    folder = _images(root)
    splits = read_splits(root)
    entries = [
        entry
        for patient in sorted(folder.glob("patient[0-9]*"))
        for entry in _entries(patient, splits.get(patient.name, ""))
    ]
    return Catalog(tuple(entries))


def load(root: Path, entry: Entry) -> Recording:
    """Open one still or film; pixels are read when sliced."""
    folder = f"{IMAGES}/{entry.patient}"
    image = open_planes(require(root, f"{folder}/{entry.id}.nii.gz", INFO))
    is_film = entry.id.endswith(_FILM)
    suffix = "_sequence" if is_film else ""
    time = np.arange(image.shape[0]) / (_frame_rate(root, entry) if is_film else 1.0)

    def stream(name: str, unit: str, values: Planes) -> Mapping[str, Stream]:
        made = Stream(
            name,
            values,
            time,
            ("time", "z", "x"),
            unit,
            geometry=values.grid,
            coords={"label": STRUCTURES} if unit == "label" else {},
        )
        return MappingProxyType({name: made})

    annotations: Mapping[str, Stream] = MappingProxyType({})
    if f"lv_mask{suffix}" in entry.provides:
        truth = require(root, f"{folder}/{entry.id}_gt.nii.gz", INFO)
        mask = open_planes(truth, codes=_CODES)
        if (mask.shape, mask.grid) != (image.shape, image.grid):
            raise DataCorruptError(
                f"'{truth}' has {mask.shape} pixels on {mask.grid}, its image has "
                f"{image.shape} on {image.grid}. Get both again."
            )
        annotations = stream(f"lv_mask{suffix}", "label", mask)
    return Recording(entry, stream(f"b_mode{suffix}", "grey", image), annotations)


def absent(root: Path) -> tuple[str, ...]:
    """Name the patients of the split lists that have no folder."""
    folder = _images(root)
    return tuple(name for name in read_splits(root) if not (folder / name).is_dir())


def read_splits(root: Path) -> dict[str, str]:
    """Read which patient is in which official split (400 / 50 / 50).

    Parameters
    ----------
    root : Path
        The folder that holds ``database_split``.

    Returns
    -------
    dict of str to str
        ``"train"``, ``"val"`` or ``"test"`` by patient, in the order of the lists.

    Raises
    ------
    SplitLeakError
        If a patient stands in two lists.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     (Path(folder) / "database_split").mkdir()
    ...     for number, name in enumerate(LISTS.values()):
    ...         _ = (Path(folder) / name).write_text(f"patient000{number}")
    ...     read_splits(Path(folder))
    {'patient0000': 'train', 'patient0001': 'val', 'patient0002': 'test'}
    """
    found: dict[str, str] = {}
    for split, name in LISTS.items():
        for patient in require(root, name, INFO).read_text("utf-8").split():
            if found.setdefault(patient, split) != split:
                raise SplitLeakError(
                    f"'{root / name}': {patient} is in the list of "
                    f"'{found[patient]}' as well. Get the lists again."
                )
    return found


def _images(root: Path) -> Path:
    """Return the folder of images, or say which folder should have been given."""
    if (root / IMAGES).is_dir():
        return root / IMAGES
    inner = sorted(path.parent for path in root.glob(f"*/{IMAGES}"))
    hint = INFO.access
    if inner:
        hint = f"Give the folder '{inner[0]}' instead."
    elif root.name == IMAGES or root.name.startswith("patient"):
        outer = root.parent if root.name == IMAGES else root.parent.parent
        hint = f"Give the folder '{outer}' instead."
    raise DataMissingError(f"{INFO.title}: '{IMAGES}' is not under '{root}'. {hint}")


def _entries(folder: Path, split: str) -> Iterator[Entry]:
    """List the stills and films of one patient."""
    names = {path.name for path in folder.iterdir()}
    patient = folder.name
    for view in ("2CH", "4CH"):
        info = f"Info_{view}.cfg"
        stated = _read_info(folder / info) if info in names else {}
        for part in ("ED", "ES", _FILM):
            stem = f"{patient}_{view}_{part}"
            if f"{stem}.nii.gz" not in names:
                continue
            labels: dict[str, Label] = {"view": view, **stated}
            suffix = "_sequence"
            if part != _FILM:
                suffix = ""
                labels["phase"] = part
                labels = {k: v for k, v in labels.items() if not k.endswith("_frame")}
            truth = f"{stem}_gt.nii.gz"
            files = [n for n in (f"{stem}.nii.gz", truth, info) if n in names]
            streams = {f"b_mode{suffix}"}
            if truth in names:
                streams.add(f"lv_mask{suffix}")
            yield Entry(
                id=stem,
                patient=patient,
                split=split,
                provides=frozenset(streams | labels.keys()),
                files=tuple(PurePosixPath(IMAGES, patient, name) for name in files),
                labels=MappingProxyType(labels),
            )


def _read_info(path: Path) -> dict[str, Label]:
    """Read what an Info file states of a patient and of a film."""
    lines = path.read_text("utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    stated = {key.strip(): value.strip() for key, _, value in pairs}
    found: dict[str, Label] = {}
    for key, (name, convert) in _INFO_KEYS.items():
        text = stated.get(key, "")
        if text.lower() in _NOT_STATED:
            continue
        try:
            found[name] = convert(text)
        except (ValueError, KeyError) as error:
            raise DataCorruptError(
                f"'{path}': {key} is '{text}', which cannot be. Get the file again."
            ) from error
    return found


def _finite(text: str) -> float:
    """Parse a finite number."""
    if not math.isfinite(value := float(text)):
        raise ValueError(text)
    return value


_INFO_KEYS: Mapping[str, tuple[str, Callable[[str], Label]]] = MappingProxyType(
    {
        "Sex": ("sex", lambda text: {"F": "female", "M": "male"}[text]),
        "Age": ("age", _finite),
        "ImageQuality": ("image_quality", str.lower),
        "EF": ("ef_percent", _finite),
        "FrameRate": ("frame_rate", _finite),
        "ED": ("ed_frame", lambda text: int(text) - 1),
        "ES": ("es_frame", lambda text: int(text) - 1),
    }
)


def _frame_rate(root: Path, entry: Entry) -> float:
    """Return the frames a second of a film, without which it has no times."""
    view = entry.labels["view"]
    path = require(root, f"{IMAGES}/{entry.patient}/Info_{view}.cfg", INFO)
    rate = entry.labels.get("frame_rate")
    if not isinstance(rate, float) or rate <= 0:
        raise DataCorruptError(
            f"'{path}' states no FrameRate above 0 (it states {rate}), so the film "
            f"'{entry.id}' has no times. Get the file again."
        )
    return rate


def _write_fake(root: Path) -> tuple[KnownAnswer, ...]:
    """Import the writer when it is wanted: it needs the phantom."""
    from cardium.datasets._camus_fake import write_fake

    return write_fake(root)


DATASET = Dataset(
    name="camus",
    info=INFO,
    provides=frozenset(
        {"b_mode", "lv_mask", "b_mode_sequence", "lv_mask_sequence", "view", "phase"}
        | {name for name, _ in _INFO_KEYS.values()}
    ),
    index=index,
    load=load,
    write_fake=_write_fake,
    absent=absent,
)
