"""Which of EchoXFlow's recordings were derived from which, however it is stated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cardium.datasets._echoxflow.layout import B_MODE_CONTENT, PATHS
from cardium.datasets._echoxflow.roles import normal_role
from cardium.io.croissant import Croissant, LinkRow, RecordingRow, Relationship

_DERIVED = ("annotation", "mesh", "mask", "segmentation")


@dataclass(frozen=True, slots=True)
class Link:
    """A recording that was derived from another: a strain analysis, a mesh, a mask.

    Parameters
    ----------
    source : str
        The recording that was derived from: the images.
    derived : str
        The recording that was derived.
    role : str
        The part of the derived recording: ``"4ch"``; empty for all of it.
    kind : str
        How the catalogue states it: ``"linked_recording"``, ``"derived_from"``, the
        type of a relationship, or ``"inferred_source_bmode"``, see `find_links`.
    frames, times : str
        The arrays in the source's store, where they are stated.
    """

    source: str
    derived: str
    role: str = ""
    kind: str = "linked_recording"
    frames: str = ""
    times: str = ""


def find_links(croissant: Croissant) -> tuple[Link, ...]:
    """List all links of a catalogue, from the source to what was derived from it.

    The format states them in three ways: in the record set ``recording_links``, whose
    *source* is the derived recording, as relationships of a recording, and as the
    source of a recording. Besides, where an examination has exactly one recording with
    2D B-mode, its annotations, meshes and masks are taken to be derived from that one.
    Of links with the same ends and role the first is kept; a source that is stated or
    inferred without a role is kept where nothing else links the two.

    Raises
    ------
    DataCorruptError
        If a row of the catalogue is not what the format says.
    """
    found: dict[tuple[str, str, str], Link] = {}
    pairs: set[tuple[str, str]] = set()
    for link in (*map(_from_row, croissant.links), *_related(croissant.recordings)):
        found.setdefault((link.source, link.derived, link.role), link)
        pairs.add((link.source, link.derived))
    for link in (*_stated(croissant.recordings), *_inferred(croissant.recordings)):
        if (link.source, link.derived) not in pairs:
            found[link.source, link.derived, ""] = link
            pairs.add((link.source, link.derived))
    return tuple(found.values())


def _from_row(row: LinkRow) -> Link:
    """Turn a row of the catalogue, whose source is the derived recording, around."""
    images = row.linked_recording_id
    return Link(
        source=images,
        derived=row.source_recording_id,
        role=normal_role(row.panel_role_id) if row.panel_role_id else "",
        frames=_array_of(row.linked_frame_array_id, images, "/data/"),
        times=_array_of(row.linked_timestamp_array_id, images, "/timestamps/"),
    )


def _array_of(text: str, recording: str, folder: str) -> str:
    """Take the path of an array out of ``<recording id>/<path>``."""
    if text.startswith(f"{recording}/"):
        return text.removeprefix(f"{recording}/")
    before, found, name = text.partition(folder)
    return f"{folder[1:]}{name}" if found else before


def _related(rows: Iterable[RecordingRow]) -> Iterator[Link]:
    """Yield the relationships of recordings."""
    for row in rows:
        for stated in row.relationships:
            yield _from_relationship(row, stated)


def _from_relationship(row: RecordingRow, stated: Relationship) -> Link:
    """Complete a relationship by the recording that states it."""
    path = stated.source_array_path
    is_time = path.startswith("timestamps/")
    return Link(
        source=stated.source_recording_id or row.source_recording_id or "",
        derived=stated.target_recording_id or row.recording_id,
        role=normal_role(stated.panel_role_id) if stated.panel_role_id else "",
        kind=stated.relationship_type,
        frames="" if is_time else path,
        times=path if is_time else "",
    )


def _stated(rows: Iterable[RecordingRow]) -> Iterator[Link]:
    """Yield the sources that recordings state."""
    for row in rows:
        if row.source_recording_id:
            source = row.source_recording_id
            yield Link(source, row.recording_id, kind="derived_from")


def _inferred(rows: Iterable[RecordingRow]) -> Iterator[Link]:
    """Yield what follows where an examination has one recording with B-mode."""
    imaged: dict[str, list[str]] = {}
    path = PATHS["b_mode"]
    for row in rows:
        if B_MODE_CONTENT in row.content_types or path in row.array_paths:
            imaged.setdefault(row.exam_id, []).append(row.recording_id)
    alone = {exam: names[0] for exam, names in imaged.items() if len(names) == 1}
    for row in rows if alone else ():
        source = alone.get(row.exam_id, row.recording_id)
        if source != row.recording_id and _is_derived(row):
            yield Link(source, row.recording_id, kind="inferred_source_bmode")


def _is_derived(row: RecordingRow) -> bool:
    """Say whether a recording holds annotations, meshes or masks."""
    names = "\n".join((*row.content_types, *row.array_paths))
    return any(word in names for word in _DERIVED)
