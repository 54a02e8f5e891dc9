"""Opening a recording: streams at once, what readers added when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from cardium.core import Entry, Mesh, Recording, Stream
from cardium.datasets._echoxflow.contents import Contents, read_contents
from cardium.datasets._echoxflow.deferred import Deferred, DeferredTuple
from cardium.datasets._echoxflow.gates import load_gates
from cardium.datasets._echoxflow.layout import PATHS
from cardium.datasets._echoxflow.marks import load_marks
from cardium.datasets._echoxflow.masks import open_mask
from cardium.datasets._echoxflow.meshes import load_meshes
from cardium.datasets._echoxflow.qrs import OpenStream, locate_qrs
from cardium.datasets._echoxflow.store import RecordingStore, open_recording
from cardium.datasets._echoxflow.strain import Panel, open_panel
from cardium.datasets._echoxflow.streams import MODALITIES, open_other, open_stream


def open_entry(root: Path, entry: Entry) -> Recording:
    """Open the recording, or the view of a strain analysis, of an entry.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    entry : Entry
        A row of the catalog.
    """
    listed = entry.labels.get("arrays")
    arrays = listed if isinstance(listed, tuple) else ()
    held = read_contents(arrays)
    opened = open_recording(root, entry.files[0], entry.id)
    role = entry.id.rpartition(".")[2]
    if role in held.roles and entry.labels.get("view") == role.upper():
        return _open_view(open_panel(root, opened, role), entry)
    volume = _volume_of(root, opened, entry, held)
    streams = {
        name: _open_named(name, opened, volume)
        for name in (*held.streams, *held.others, *MODALITIES)
        if name in entry.provides
    }
    return Recording(
        entry,
        streams,
        Deferred(partial(_annotations, opened, volume, held)),
        _links_of(entry),
        Deferred(partial(_meshes, opened, volume, held.meshes)),
        DeferredTuple(partial(load_marks, opened, arrays, streams)),
        DeferredTuple(partial(load_gates, opened, tuple(streams))),
    )


def _open_view(panel: Panel, entry: Entry) -> Recording:
    """Open one view of a strain analysis, with the images that it was drawn on."""
    openers: Mapping[str, OpenStream] = {
        "b_mode": panel.open_b_mode,
        "ecg": panel.open_ecg,
    }
    streams = {k: open_() for k, open_ in openers.items() if k in entry.provides}
    links = _links_of(entry)
    if not links and "b_mode" in streams and panel.images is not panel.strain:
        links = (panel.images.recording,)
    return Recording(
        entry, streams, Deferred(partial(_annotations_of, panel, entry)), links
    )


def _annotations_of(panel: Panel, entry: Entry) -> Mapping[str, OpenStream]:
    """Find what an analysis says of a view."""
    found: dict[str, OpenStream] = {}
    if "qrs" in entry.provides or panel.locate_qrs() is not None:
        found["qrs"] = panel.open_qrs
    for chamber in ("lv", "la", "rv", ""):
        prefix = f"{chamber}_".lstrip("_")
        if f"{prefix}contour" in entry.provides:
            name = f"{prefix}contour"
            found[name] = partial(panel.open_contour, name, chamber)
        if f"{prefix}strain" in entry.provides:
            found[f"{prefix}strain"] = partial(panel.open_curve, f"{prefix}strain")
    return found


def _annotations(
    opened: RecordingStore, volume: RecordingStore | None, held: Contents
) -> Mapping[str, OpenStream]:
    """Find what readers, or models, added to a recording."""
    qrs = locate_qrs(opened)
    if qrs is None and volume is not None:
        qrs = locate_qrs(volume)
    found: dict[str, OpenStream] = {} if qrs is None else {"qrs": qrs}
    return found | {name: partial(open_mask, opened, name) for name in held.masks}


def _meshes(
    opened: RecordingStore, volume: RecordingStore | None, places: Mapping[str, str]
) -> Mapping[str, Callable[[], Mesh]]:
    """Read the meshes of a recording."""
    origin = volume.origin if volume is not None and opened.origin is None else None
    meshes = load_meshes(opened, places, origin)
    return {name: partial(_itself, mesh) for name, mesh in meshes.items()}


def _itself(mesh: Mesh) -> Mesh:
    """Return a mesh that has been read."""
    return mesh


def _open_named(
    name: str, opened: RecordingStore, volume: RecordingStore | None
) -> Stream:
    """Open a stream by its name, from the volume's recording if it has none itself."""
    if name not in MODALITIES:
        return open_other(opened, name)
    if volume is None or PATHS[name] in opened.store:
        return open_stream(opened, MODALITIES[name])
    return open_stream(volume, MODALITIES[name])


def _volume_of(
    root: Path, opened: RecordingStore, entry: Entry, held: Contents
) -> RecordingStore | None:
    """Open the recording whose volume a mesh was drawn on; None if it is the same."""
    if len(entry.files) < 2 or not held.meshes:
        return None
    return open_recording(root, entry.files[1], entry.files[1].stem)


def _links_of(entry: Entry) -> tuple[str, ...]:
    """Name the recordings that one was derived from."""
    links = entry.labels.get("sources")
    return links if isinstance(links, tuple) else ()
