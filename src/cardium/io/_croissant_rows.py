"""The rows of EchoXFlow's record sets: their types, and how each is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cardium.io._record_sets import Column, Table

_Numbers = dict[str, int | float | None]


class Relationship(msgspec.Struct, frozen=True, gc=False):
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


class RecordingRow(msgspec.Struct, frozen=True, gc=False):
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
    source_recording_id : str
        The recording it was derived from, if it states one.
    relationships : tuple of Relationship
        Other recordings that it states it belongs to.
    nyquist_mps : float, optional [m/s]
        A hint at the velocity limit.
    nyquist_mps_by_content_type : mapping of str to float [m/s]
        The same, by content type.
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
    source_recording_id: str = ""
    relationships: tuple[Relationship, ...] = ()
    nyquist_mps: float | None = None
    nyquist_mps_by_content_type: Mapping[str, int | float | None] = {}


class ArrayRow(msgspec.Struct, frozen=True, gc=False):
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


class LinkRow(msgspec.Struct, frozen=True, gc=False):
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
) -> RecordingRow:
    """Make a row; a count of beats that is not positive means that there is none."""
    if not (
        exam
        and exam.strip()
        and recording
        and recording.strip()
        and path
        and path.strip()
    ):
        _require(exam_id=exam, recording_id=recording, zarr_path=path)
    stated = relationships or links
    return RecordingRow(
        exam,  # type: ignore[arg-type] - `_require` has seen to it
        recording,  # type: ignore[arg-type]
        path,  # type: ignore[arg-type]
        modes or (),
        content or (),
        counts or {},
        steps or {},
        arrays or (),
        beats if type(beats) is int and beats > 0 else None,
        source or "",
        tuple(map(_make_relationship, stated)) if stated else (),
        limit if limit and limit > 0 else None,
        limits or {},
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
    folder = "" if str(path).startswith(("data/", "timestamps/")) else "data/"
    return ArrayRow(
        str(recording),
        f"{folder}{path}",
        content or (),
        role or "",
        dtype or "",
        () if bad else sizes,
        digest or "",
    )


def _make_link(derived: str | None, images: str | None, *more: str | None) -> LinkRow:
    """Make a row."""
    _require(source_recording_id=derived, linked_recording_id=images)
    return LinkRow(str(derived), str(images), *(text or "" for text in more))


def _require(**texts: str | None) -> None:
    """Refuse a row that lacks one of these."""
    for name, text in texts.items():
        if not text or not text.strip():
            raise ValueError(f"expected a text as {name}, found {text!r}")


_TEXTS = Column(tuple[str, ...], shared=True)
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
        "nyquist_mps_by_content_type": Column(
            _Numbers, ("velocity_limit_mps_by_content_type",)
        ),
    },
    _make_recording,
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
)
LINKS = Table(
    "recording_links",
    dict.fromkeys(msgspec.structs.asdict(LinkRow("", "")), _TEXT),
    _make_link,
)
_RELATIONSHIP: Mapping[str, tuple[str, ...]] = {
    "source_recording_id": ("source_recording_id", "source", "from"),
    "target_recording_id": ("target_recording_id", "target", "to"),
    "relationship_type": ("relationship_type", "type", "name"),
    "panel_role_id": ("panel_role_id",),
    "source_array_path": ("source_array_path", "source_path", "from_path"),
    "target_array_path": ("target_array_path", "target_path", "to_path"),
}
