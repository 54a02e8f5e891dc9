"""Times of the QRS complexes, in the many places where EchoXFlow has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cardium.core import FloatArray, Stream
from cardium.datasets._echoxflow.attributes import (
    first_of,
    numbers_of,
    object_of,
    path_of,
    semantic_id,
    text_of,
)
from cardium.datasets._echoxflow.roles import normal_role
from cardium.datasets._echoxflow.store import RecordingStore

OpenStream = Callable[[], Stream]


def locate_qrs(opened: RecordingStore, role: str = "") -> OpenStream | None:
    """Find the times of the QRS complexes of a recording, or of one of its views.

    They are in ``timestamps/ecg_qrs``, or without that array in ``data/``, or under
    an older name, or where an annotation refers to, or in the manifest itself.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    role : str
        The view, which precedes the names of its arrays: ``"4ch"``.

    Returns
    -------
    function () -> Stream, or None
        Reads them: a stream whose values are its times [s]. None where there are none.
    """
    prefix = f"{role}_" if role else ""
    # `<role>_qrs` of no role would be `qrs`.
    for name in (f"{prefix}ecg_qrs", f"{prefix}qrs"):
        for folder in ("timestamps", "data"):
            if f"{folder}/{name}" in opened.store:
                return partial(_load, opened, f"{folder}/{name}")
    for annotation in opened.listed("annotations"):
        path = _annotated(opened, annotation, role)
        if path:
            return partial(_load, opened, path)
    stated = object_of(opened.manifest.get("metadata")).get("qrs_trigger_times")
    if role or not stated:
        return None
    return partial(_from_manifest, opened, stated)


def locate_panel_qrs(
    opened: RecordingStore, panel: Mapping[str, Any]
) -> OpenStream | None:
    """Find the QRS times that a panel states of the images it was drawn on."""
    linked = object_of(panel.get("linked_recording"))
    stated = first_of(linked, "ecg_qrs_trigger_times", "qrs_trigger_times")
    if not stated:
        return None
    return partial(_listed, opened, stated, f"'{opened.path}', qrs_trigger_times")


def _annotated(opened: RecordingStore, annotation: Mapping[str, Any], role: str) -> str:
    """Return the path that an annotation states for the QRS times of a role."""
    target = object_of(annotation.get("target"))
    time, value = path_of(annotation.get("time")), path_of(annotation.get("value"))
    is_qrs = "qrs" in text_of(target, "field") or any(
        path.endswith("_ecg_qrs") for path in (time, value)
    )
    whose = semantic_id(target)
    whose = normal_role(whose) if whose else ""
    if not is_qrs or (role and whose != role):
        return ""
    return next((path for path in (time, value) if path and path in opened.store), "")


def _load(opened: RecordingStore, path: str) -> Stream:
    """Read the times in an array."""
    return _stream(opened.load_times(path))


def _from_manifest(opened: RecordingStore, stated: object) -> Stream:
    """Read the times in the manifest, on the recording's clock."""
    what = f"'{opened.path}', qrs_trigger_times"
    time = _listed(opened, stated, what).time
    start = 0.0 if opened.counts_qrs_from_origin else opened.clock_start
    return _stream(time - start if len(time) and time[0] >= start else time)


def _listed(opened: RecordingStore, stated: object, what: str) -> Stream:
    """Read times that are listed."""
    return _stream(opened.check_times(numbers_of(stated, what), what))


def _stream(time: FloatArray) -> Stream:
    """Make the stream of QRS times."""
    return Stream("qrs", time, time, ("time",), "s")
