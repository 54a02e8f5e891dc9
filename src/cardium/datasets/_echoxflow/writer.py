"""Simulated examinations written in EchoXFlow's layout, one at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from cardium.core import (
    Entry,
    FloatArray,
    KnownAnswer,
    Label,
    Recording,
    Stream,
)
from cardium.core.files import write_text
from cardium.datasets._echoxflow.encoding import (
    ROUNDED,
    describe_sector,
    describe_strain,
    encode,
    make_flow,
    qrs_arrays,
)
from cardium.datasets._echoxflow.layout import (
    B_MODE_CONTENT,
    CATALOGUE,
    COLOUR_CONTENT,
    FOLD_COLUMNS,
    FOLD_FILES,
    FOLDS,
    LAYERS,
    LV_STRAIN,
    PATHS,
    TIMES,
    TISSUE_CONTENT,
)
from cardium.errors import InvalidArgumentError
from cardium.io.croissant import ArrayRow, LinkRow, RecordingRow, write_croissant

if TYPE_CHECKING:
    from cardium.phantom.exam import Examination

_CONTENT: Mapping[str, str] = {
    "b_mode": B_MODE_CONTENT,
    "tissue_velocity": TISSUE_CONTENT,
    "colour_velocity": COLOUR_CONTENT,
    "colour_power": COLOUR_CONTENT,
}


def write_examinations(
    root: Path,
    examinations: Iterable[Examination],
    *,
    zarr_format: Literal[2, 3] = 3,
    zipped: bool = False,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write simulated examinations as a dataset in EchoXFlow's layout.

    Parameters
    ----------
    root : Path
        The dataset's folder; made if need be.
    examinations : iterable of Examination
        Apical examinations. They are taken one by one, so that memory does not
        grow with their number.
    zarr_format : {2, 3}
        Version of the stores; the release has 2.
    zipped : bool
        Write each store as one zip file.
    progress : function (number of examinations written), optional
        Called after each examination.

    Notes
    -----
    Each examination becomes three recordings: B-mode with tissue Doppler, B-mode, and
    a strain analysis of the latter. Examinations are dealt to the five folds in turn.
    ``truth.csv`` has the volumes that the heart was made with. The catalogue is
    written last: a root without one was not finished.
    """
    release = _Release(root)
    for number, examination in enumerate(examinations):
        release.add(number, examination, _Kind(zarr_format, zipped))
        if progress is not None:
            progress(number + 1)
    release.finish()


def write_known_examinations(
    root: Path, examinations: Iterable[Examination]
) -> tuple[KnownAnswer, ...]:
    """Write examinations in every kind of store, and return what they hold.

    The first has a colour Doppler recording besides: a velocity that is linear in
    depth, angle and time, folded at its Nyquist limit.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    examinations : iterable of Examination
        What to write; all are kept in memory.

    Returns
    -------
    tuple of KnownAnswer
        What reading must give, in the catalogue's order.
    """
    release = _Release(root)
    answers: list[KnownAnswer] = []
    for number, examination in enumerate(examinations):
        kind = _KINDS[number % len(_KINDS)]
        answers += release.add(number, examination, kind)
        if number == 0:
            answers.append(release.add_flow(number, examination, kind))
    release.finish()
    return tuple(answers)


TRUTH = "truth.csv"
"""What is exactly known of each examination."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What kind of store to write."""

    zarr_format: Literal[2, 3]
    zipped: bool


_KINDS = (_Kind(2, False), _Kind(3, False), _Kind(3, True), _Kind(2, True))


@dataclass(frozen=True, slots=True)
class _Release:
    """A release that is being written: its rows so far."""

    root: Path
    recordings: list[RecordingRow] = field(default_factory=list)
    arrays: list[ArrayRow] = field(default_factory=list)
    links: list[LinkRow] = field(default_factory=list)
    folds: dict[str, int] = field(default_factory=dict)
    truths: list[str] = field(default_factory=list)

    def add(
        self, number: int, examination: Examination, kind: _Kind
    ) -> tuple[KnownAnswer, ...]:
        """Write the stores of one examination."""
        exam = _exam_id(number)
        self.folds[exam] = number % FOLDS
        truth, view = examination.truth, examination.view
        volumes = (truth.edv_ml, truth.esv_ml, truth.ef_percent)
        self.truths.append(",".join([exam, *(repr(float(v)) for v in volumes)]))
        streams = {k: _as_stored(v) for k, v in examination.streams.items()}
        qrs = _qrs_stream(examination.qrs_times)
        plain = {k: streams[k] for k in ("b_mode", "ecg")}
        tissue = {**plain, "tissue_velocity": streams["tissue_velocity"]}
        contour = _as_stored(examination.annotations["lv_contour"])
        return (
            self._add_images(exam, "tissue", tissue, qrs, kind),
            self._add_images(exam, "bmode", plain, qrs, kind, view=view.upper()),
            self._add_strain(exam, plain, qrs, contour, kind, role=view),
        )

    def add_flow(
        self, number: int, examination: Examination, kind: _Kind
    ) -> KnownAnswer:
        """Write a colour Doppler recording of a known flow."""
        b_mode, ecg = (_as_stored(examination.streams[k]) for k in ("b_mode", "ecg"))
        velocity, power = map(_as_stored, make_flow(b_mode))
        streams = {
            "b_mode": b_mode,
            "ecg": ecg,
            "colour_velocity": velocity,
            "colour_power": power,
        }
        qrs = _qrs_stream(examination.qrs_times)
        return self._add_images(_exam_id(number), "colour", streams, qrs, kind)

    def finish(self) -> None:
        """Write the tables, and last of all the catalogue."""
        folds = [f"{exam},{fold}" for exam, fold in self.folds.items()]
        header = f"exam_id,{FOLD_COLUMNS[0]}"
        write_text(self.root / FOLD_FILES[0], "\n".join([header, *folds]) + "\n")
        header = "exam_id,edv_ml,esv_ml,ef_percent"
        write_text(self.root / TRUTH, "\n".join([header, *self.truths]) + "\n")
        write_croissant(
            self.root / CATALOGUE,
            name="cardium-phantom",
            description="Simulated examinations of a phantom heart in the layout of "
            "EchoXFlow. No person was examined.",
            license="https://creativecommons.org/publicdomain/zero/1.0/",
            url="https://cardium.readthedocs.io",
            version="1.0.0",
            cite_as="cardium phantom",
            date_published="2026-01-01",
            recordings=self.recordings,
            arrays=self.arrays,
            links=self.links,
        )

    def _add_images(
        self,
        exam: str,
        name: str,
        streams: Mapping[str, Stream],
        qrs: Stream,
        kind: _Kind,
        *,
        view: str = "",
    ) -> KnownAnswer:
        """Write a recording of images and an ECG."""
        recording = f"{exam}_{name}"
        arrays: dict[str, NDArray[Any]] = {}
        for stream in streams.values():
            arrays[PATHS[stream.name]] = encode(stream)
            arrays[TIMES[stream.name]] = stream.time.astype(np.float32)
        arrays |= qrs_arrays(qrs, "")
        manifest = {
            "manifest_type": "2d",
            "schema_version": 4,
            "sectors": [describe_sector(s) for s in streams.values() if s.geometry],
            "tracks": [],
            "metadata": {"qrs_trigger_times": qrs.time.tolist()},
        }
        content = {_CONTENT.get(k, k): s for k, s in streams.items()}
        self._write(exam, recording, arrays, manifest, content, kind)
        entry = self._known_entry(exam, recording, recording, {*streams, "qrs"}, view)
        limit = {k: s.velocity_limit for k, s in streams.items() if k in ROUNDED}
        return KnownAnswer(
            Recording(entry, streams, {"qrs": qrs}),
            # Half a code, and a part in a million for the float32 that it becomes.
            {k: (v or 0.0) * (1 / 255 + 1e-6) for k, v in limit.items()},
        )

    def _add_strain(
        self,
        exam: str,
        streams: Mapping[str, Stream],
        qrs: Stream,
        contour: Stream,
        kind: _Kind,
        *,
        role: str,
    ) -> KnownAnswer:
        """Write the strain analysis of the examination's B-mode recording."""
        recording, images = f"{exam}_strain", f"{exam}_bmode"
        values = contour.load()
        points = np.swapaxes(values, 1, 2).reshape(len(values), -1, 2)
        path, times = f"data/{role}_contour", f"timestamps/{role}_contour"
        arrays = {
            path: np.ascontiguousarray(points, dtype=np.float32),
            times: contour.time.astype(np.float32),
            **qrs_arrays(qrs, f"{role}_"),
        }
        store = _store_path(exam, images)
        manifest = describe_strain(role, images, store, streams["b_mode"], qrs)
        self._write(exam, recording, arrays, manifest, {LV_STRAIN: contour}, kind)
        self.links.append(
            LinkRow(
                exam_id=exam,
                source_recording_id=recording,
                linked_recording_id=images,
                panel_role_id=role,
                linked_frame_array_id=f"{images}/{PATHS['b_mode']}",
                linked_timestamp_array_id=f"{images}/{TIMES['b_mode']}",
            )
        )
        names = {*streams, "qrs", "lv_contour"}
        entry = self._known_entry(
            exam, recording, f"{recording}.{role}", names, role.upper()
        )
        known = Recording(
            replace(entry, files=(*entry.files, PurePosixPath(store))),
            streams,
            {"qrs": qrs, "lv_contour": replace(contour, coords={"layer": LAYERS})},
            (images,),
        )
        return KnownAnswer(known)

    def _write(
        self,
        exam: str,
        recording: str,
        arrays: Mapping[str, NDArray[Any]],
        manifest: Mapping[str, Any],
        content: Mapping[str, Stream],
        kind: _Kind,
    ) -> None:
        """Write one store and note its rows."""
        from cardium.io.zarr import write_store

        path = _store_path(exam, recording)
        write_store(
            self.root / path,
            arrays,
            attributes={
                "exam_id": exam,
                "recording_id": recording,
                "source_recording_id": None,
                "recording_manifest": manifest,
            },
            zarr_format=kind.zarr_format,
            zipped=kind.zipped,
        )
        types = tuple(name for name in content if name != "ecg")
        self.recordings.append(
            RecordingRow(
                exam_id=exam,
                recording_id=recording,
                zarr_path=path,
                modes=types,
                content_types=types,
                frame_counts_by_content_type={
                    k: len(s.time) for k, s in content.items()
                },
                median_delta_time_by_content_type={
                    k: float(np.median(np.diff(s.time))) for k, s in content.items()
                },
                array_paths=tuple(arrays),
            )
        )
        self.arrays.extend(
            _array_row(recording, path, values) for path, values in arrays.items()
        )

    def _known_entry(
        self, exam: str, recording: str, name: str, provides: set[str], view: str
    ) -> Entry:
        """Say what the catalog must list for a recording that was just written."""
        types = self.recordings[-1].content_types
        labels: dict[str, Label] = {"content_types": types, "modes": types}
        if view:
            labels["view"] = view
        return Entry(
            id=name,
            patient=exam,
            split=f"fold{self.folds[exam]}",
            provides=frozenset(provides) | labels.keys(),
            files=(PurePosixPath(_store_path(exam, recording)),),
            labels=MappingProxyType(labels),
            exam=exam,
        )


def _exam_id(number: int) -> str:
    """Name an examination."""
    return f"exam{number:04d}"


def _store_path(exam: str, recording: str) -> str:
    """Say where the store of a recording lies under the root."""
    return f"recordings/{exam}/{recording}.zarr"


def _as_stored(stream: Stream) -> Stream:
    """Round times to what the format's float32 holds, and read the values."""
    time = stream.time.astype(np.float32).astype(np.float64)
    if (np.diff(time) <= 0).any():
        raise InvalidArgumentError(
            f"Stream '{stream.name}': at {stream.rate:g} Hz and up to {time[-1]:g} s, "
            "times stored as float32 do not ascend. Start the clock nearer to 0."
        )
    return replace(stream, values=stream.load(), time=time)


def _qrs_stream(times: FloatArray) -> Stream:
    """Make the stream of QRS times that reading gives."""
    time = np.asarray(times, np.float32).astype(np.float64)
    return Stream("qrs", time, time, ("time",), "s")


def _array_row(recording: str, path: str, values: NDArray[Any]) -> ArrayRow:
    """Describe an array in the catalogue."""
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return ArrayRow(
        recording_id=recording,
        array_path=path,
        role="timestamps" if path.startswith("timestamps/") else "frames",
        dtype=values.dtype.name,
        shape=values.shape,
        data_sha256=hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest(),
    )
