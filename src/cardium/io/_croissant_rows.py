"""The rows of EchoXFlow's record sets: their types, and how each is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cardium.io._record_sets import Column, Table

_Numbers = dict[str, int | float | None]
_FOLDERS = ("data/", "timestamps/")


def _strict(name: str) -> dict[str, Any]:
    """Let rows have the keys of a record set, with its prefix, and no others."""
    return {
        "rename": lambda column: f"{name}/{column}",
        "forbid_unknown_fields": True,
    }


class Relationship(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """How a recording states that it was derived from another.

    Parameters
    ----------
    source_recording_id : str
        The images; empty for the recording's own source.
    target_recording_id : str
        What was derived from them; empty for the recording itself.
    relationship_type : str
        What kind it is.
    panel_role_id : str
        The part of the derived recording: ``"4ch"``.
    source_array_path, target_array_path : str
        The arrays that belong together.
    """

    source_recording_id: str = ""
    target_recording_id: str = ""
    relationship_type: str = "linked"
    panel_role_id: str = ""
    source_array_path: str = ""
    target_array_path: str = ""


class RecordingRow(msgspec.Struct, frozen=True, gc=False, **_strict("recordings")):
    """One row of the record set ``recordings``.

    Parameters
    ----------
    exam_id, recording_id, zarr_path : str
        Examination, recording, and its store relative to the dataset's root.
    modes, content_types : tuple of str
        What was acquired.
    frame_counts_by_content_type : mapping of str to int
        Number of samples in time, by content type or by name of array.
    median_delta_time_by_content_type : mapping of str to float [s]
        Median step in time, by content type or by name of array.
    array_paths : tuple of str
        Every array in the store.
    stitch_beat_count : int, optional
        Beats that were combined into one volume.
    source_recording_id : str, optional
        The recording it was derived from, if it states one.
    relationships : tuple of Relationship
        Other recordings that it states it belongs to.
    nyquist_mps : float, optional [m/s]
        A hint at the velocity limit.
    velocity_limit_mps_by_content_type : mapping of str to float, optional [m/s]
        The same, by content type.
    prediction_manifest : object, optional
        What a model's predictions were made with, as it stands in the file.
    """

    exam_id: str
    recording_id: str
    zarr_path: str
    modes: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    frame_counts_by_content_type: Mapping[str, int | float | None] = {}
    median_delta_time_by_content_type: Mapping[str, int | float | None] = {}
    array_paths: tuple[str, ...] = ()
    stitch_beat_count: int | None = None
    source_recording_id: str | None = None
    relationships: tuple[Relationship, ...] = ()
    nyquist_mps: float | None = None
    velocity_limit_mps_by_content_type: Mapping[str, int | float | None] | None = None
    prediction_manifest: Any = None


class ArrayRow(msgspec.Struct, frozen=True, gc=False, **_strict("arrays")):
    """One row of the record set ``arrays``.

    Parameters
    ----------
    recording_id, array_path : str
        The recording and the array in its store; without a folder it is in ``data/``.
    content_types : tuple of str
        What it belongs to.
    role, dtype : str
        What it is for, and its type.
    shape : tuple of int
        Length of each axis; empty where the row does not say, or not rightly.
    data_sha256 : str
        Hash of its values in C order, little-endian.
    """

    recording_id: str
    array_path: str
    content_types: tuple[str, ...] = ()
    role: str = ""
    dtype: str = ""
    shape: tuple[int, ...] = ()
    data_sha256: str = ""


class LinkRow(msgspec.Struct, frozen=True, gc=False, **_strict("recording_links")):
    """One row of the record set ``recording_links``.

    The format's names are the reverse of what one expects: its *source* is the derived
    recording, and its *linked* recording is what that was derived from.

    Parameters
    ----------
    source_recording_id : str
        The derived recording: a strain analysis, a mesh.
    linked_recording_id : str
        The images it was derived from.
    exam_id : str
        The examination.
    panel_role_id : str
        The part of the derived recording: ``"4ch"``.
    linked_frame_array_id, linked_timestamp_array_id : str
        The linked arrays, as ``<linked recording id>/<path in the store>``.
    """

    source_recording_id: str
    linked_recording_id: str
    exam_id: str = ""
    panel_role_id: str = ""
    linked_frame_array_id: str = ""
    linked_timestamp_array_id: str = ""


def _make_recording(
    exam: str | None,
    recording: str | None,
    path: str | None,
    modes: tuple[str, ...] | None,
    content: tuple[str, ...] | None,
    counts: _Numbers | None,
    steps: _Numbers | None,
    arrays: tuple[str, ...] | None,
    beats: object,
    source: str | None,
    relationships: list[Any] | None,
    links: list[Any] | None,
    limit: float | None,
    limits: _Numbers | None,
    prediction: object,
) -> RecordingRow:
    """Make a row; a count of beats that is not positive means that there is none."""
    _require(exam_id=exam, recording_id=recording, zarr_path=path)
    stated = relationships or links
    return RecordingRow(
        str(exam),
        str(recording),
        str(path),
        modes or (),
        content or (),
        counts or {},
        steps or {},
        arrays or (),
        beats if type(beats) is int and beats > 0 else None,
        source or None,
        tuple(map(_make_relationship, stated)) if stated else (),
        limit if limit and limit > 0 else None,
        limits or None,
        prediction,
    )


def _are_recordings(rows: Sequence[RecordingRow]) -> bool:
    """Say whether rows have what they need, and no number that cannot be."""
    named = all(
        row.exam_id.strip() and row.recording_id.strip() and row.zarr_path.strip()
        for row in rows
    )
    beats = [row.stitch_beat_count for row in rows]
    limits = [row.nyquist_mps for row in rows]
    return named and all(
        value is None or value > 0 for value in (*set(beats), *set(limits))
    )


def _make_relationship(stated: object) -> Relationship:
    """Make a relationship, whatever its keys are called."""
    if not isinstance(stated, dict):
        raise ValueError(f"expected a relationship, found {stated!r:.200}")
    values = {}
    for name, aliases in _RELATIONSHIP.items():
        value = next((stated[a] for a in aliases if stated.get(a)), "")
        if not isinstance(value, str):
            raise ValueError(f"expected a text as {aliases[0]}, found {value!r:.200}")
        values[name] = value
    if not values["relationship_type"]:
        values["relationship_type"] = "linked"
    return Relationship(**values)


def _make_array(
    recording: str | None,
    path: str | None,
    content: tuple[str, ...] | None,
    role: str | None,
    dtype: str | None,
    shape: object,
    digest: str | None,
) -> ArrayRow:
    """Make a row; a shape with a bad length is no shape."""
    _require(recording_id=recording, array_path=path)
    sizes = tuple(shape) if isinstance(shape, list) else ()
    bad = any(type(n) is not int or n < 0 for n in sizes)
    folder = "" if str(path).startswith(_FOLDERS) else "data/"
    return ArrayRow(
        str(recording),
        f"{folder}{path}",
        content or (),
        role or "",
        dtype or "",
        () if bad else sizes,
        digest or "",
    )


def _are_arrays(rows: Sequence[ArrayRow]) -> bool:
    """Say whether rows have what they need, and no length that cannot be."""
    return all(
        row.recording_id.strip()
        and row.array_path.startswith(_FOLDERS)
        and (not row.shape or min(row.shape) >= 0)
        for row in rows
    )


def _make_link(derived: str | None, images: str | None, *more: str | None) -> LinkRow:
    """Make a row."""
    _require(source_recording_id=derived, linked_recording_id=images)
    return LinkRow(str(derived), str(images), *(text or "" for text in more))


def _are_links(rows: Sequence[LinkRow]) -> bool:
    """Say whether rows have what they need."""
    return all(
        row.source_recording_id.strip() and row.linked_recording_id.strip()
        for row in rows
    )


def _require(**texts: str | None) -> None:
    """Refuse a row that lacks one of these."""
    for name, text in texts.items():
        if not text or not text.strip():
            raise ValueError(f"expected a text as {name}, found {text!r}")


_TEXTS = Column(tuple[str, ...])
_TEXT = Column(str)
_HINTS = ("velocity_limit_mps", "color_doppler_nyquist_mps",
          "color_doppler_velocity_limit_mps")  # fmt: skip
RECORDINGS = Table(
    "recordings",
    {
        "exam_id": _TEXT,
        "recording_id": _TEXT,
        "zarr_path": _TEXT,
        "modes": _TEXTS,
        "content_types": _TEXTS,
        "frame_counts_by_content_type": Column(_Numbers),
        "median_delta_time_by_content_type": Column(_Numbers),
        "array_paths": _TEXTS,
        "stitch_beat_count": Column(object),
        "source_recording_id": Column(
            str, ("derived_from_recording_id", "source_bmode_recording_id")
        ),
        "relationships": Column(list[Any]),
        "links": Column(list[Any]),
        "nyquist_mps": Column(float, _HINTS),
        "velocity_limit_mps_by_content_type": Column(
            _Numbers, ("nyquist_mps_by_content_type",)
        ),
        "prediction_manifest": Column(object),
    },
    _make_recording,
    RecordingRow,
    _are_recordings,
)
ARRAYS = Table(
    "arrays",
    {
        "recording_id": _TEXT,
        "array_path": Column(str, ("name",)),
        "content_types": _TEXTS,
        "role": _TEXT,
        "dtype": _TEXT,
        "shape": Column(object),
        "data_sha256": _TEXT,
    },
    _make_array,
    ArrayRow,
    _are_arrays,
)
LINKS = Table(
    "recording_links",
    dict.fromkeys(msgspec.structs.asdict(LinkRow("", "")), _TEXT),
    _make_link,
    LinkRow,
    _are_links,
)
_RELATIONSHIP: Mapping[str, tuple[str, ...]] = {
    "source_recording_id": ("source_recording_id", "source", "from"),
    "target_recording_id": ("target_recording_id", "target", "to"),
    "relationship_type": ("relationship_type", "type", "name"),
    "panel_role_id": ("panel_role_id",),
    "source_array_path": ("source_array_path", "source_path", "from_path"),
    "target_array_path": ("target_array_path", "target_path", "to_path"),
}
