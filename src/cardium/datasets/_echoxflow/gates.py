"""EchoXFlow's sample volumes and cursor lines, in the many places where they are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cardium.core import Gate
from cardium.datasets._echoxflow.attributes import (
    as_number,
    number_of,
    object_of,
    objects,
    semantic_id,
    text_of,
)
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.errors import CardiumError, DataCorruptError

_TISSUE = "tissue_doppler_gate"
_GATE = "sampling_gate_metadata"
_LINES = ("sampling_line_metadata", "cursor_line_metadata")
_TILT = ("gate_tilt_rad", "tilt_rad", "tilt")
_OWN_LINES: Mapping[str, tuple[str, ...]] = {
    "pulsed_wave": ("line_cf_gate", "pulsed_wave_", "pw_cursor_line"),
    "continuous_wave": ("continuous_wave_", "cw_cursor_line"),
    "m_mode": ("m_mode_cursor_line", "mmode_", "motion_mode_"),
}
_ANY_LINE = ("sampling_line", "cursor_line")


def load_gates(opened: RecordingStore, streams: Collection[str]) -> tuple[Gate, ...]:
    """Find the sample volumes and cursor lines of the streams of a recording.

    A pulsed-wave spectrum and tissue Doppler have a sample volume, a continuous-wave
    spectrum and an M-mode a line, which has no depth. The angle of a sample volume is
    its own, that of a line the one it is drawn at, before any that is stated. What is
    not stated of a sample volume is None.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    streams : collection of str
        The streams that it has.

    Raises
    ------
    DataCorruptError
        If an angle, a depth or a length is no number, or not positive.
    """
    where = f"Recording '{opened.recording}', sample gate"
    found: list[Gate] = []
    try:
        for on in ("pulsed_wave", "continuous_wave", "m_mode"):
            if on in streams:
                found += _spectral(opened, on, where)
        if "tissue_velocity" in streams:
            found += _tissue(opened, where)
    except CardiumError as error:
        raise DataCorruptError(f"{where}: {error}") from error
    return tuple(found)


def _spectral(opened: RecordingStore, on: str, where: str) -> Iterator[Gate]:
    """Yield the gate or the line of a stream of one dimension."""
    gates = [*_stated(opened, _GATE, tissue=False)]
    lines = [line for key in _LINES for line in _stated(opened, key)]
    drawn = _drawn_angle(opened, on)
    of_gates = [number_of(gate, where, *_TILT) for gate in gates]
    of_lines = [drawn, *(number_of(line, where, *_TILT) for line in lines)]
    # A sample volume lies on its own beam, a line is where it was drawn.
    sampled = on == "pulsed_wave"
    angles = (*of_gates, *of_lines) if sampled else (*of_lines, *of_gates)
    angle = next((angle for angle in angles if angle is not None), None)
    if angle is not None:
        yield _gate(on, angle, gates[0] if gates and sampled else {}, where)


def _tissue(opened: RecordingStore, where: str) -> Iterator[Gate]:
    """Yield the sample volumes of tissue Doppler."""
    for track in opened.listed("tracks"):
        source = object_of(track.get("derived_from"))
        named = _TISSUE in (semantic_id(track), text_of(source, "kind"))
        stated = source or track
        angle = number_of(stated, where, *_TILT) if named else None
        if angle is not None:
            yield _gate("tissue_velocity", angle, stated, where)
            return
    for gate in _stated(opened, _GATE, tissue=True):
        angle = number_of(gate, where, *_TILT)
        if angle is not None:
            yield _gate("tissue_velocity", angle, gate, where)
            return


def _gate(on: str, angle: float, stated: Mapping[str, Any], where: str) -> Gate:
    """Make a gate of what is stated of it."""
    return Gate(
        on,
        angle,
        number_of(stated, where, "gate_center_depth_m"),
        number_of(stated, where, "gate_sample_volume_m"),
    )


def _stated(
    opened: RecordingStore, key: str, *, tissue: bool = False
) -> Iterator[Mapping[str, Any]]:
    """Yield what is stated under a key: of the recording, its tracks and its sectors.

    What is of tissue Doppler says so, or stands with its sector.
    """
    for document in opened.documents:
        places = (
            document,
            *objects(document.get("tracks")),
            *objects(document.get("sectors")),
        )
        for place in places:
            found = object_of(place.get(key))
            names = (text_of(found, "kind", "sector_semantic_id"), semantic_id(place))
            if found and tissue == any("tissue_doppler" in name for name in names):
                yield found


def _drawn_angle(opened: RecordingStore, on: str) -> float | None:
    """Return the angle of a line that is drawn for a stream [rad]."""
    others = [t for name, tokens in _OWN_LINES.items() if name != on for t in tokens]
    for tokens in (_OWN_LINES[on], _ANY_LINE):
        for line in _drawn(opened):
            label = text_of(line, "label", "semantic_id", "name").lower()
            another = tokens is _ANY_LINE and any(token in label for token in others)
            if any(token in label for token in tokens) and not another:
                return _angle_of(line.get("points"), label)
    return None


def _drawn(opened: RecordingStore) -> Iterator[Mapping[str, Any]]:
    """Yield the lines that are drawn on the recording and on its sectors."""
    for document in opened.documents:
        for place in (document, *objects(document.get("sectors"))):
            overlays = object_of(place.get("overlays"))
            yield from objects(overlays.get("physical_lines"))


def _angle_of(points: object, label: str) -> float:
    """Return the angle of a beam, from the end of its line that is further away."""
    ends = []
    for point in points if isinstance(points, list) else ():
        pair = point if isinstance(point, list) and len(point) >= 2 else (None, None)
        x, z = as_number(pair[0]), as_number(pair[1])
        if x is None or z is None:
            break
        ends.append((math.hypot(x, z), x, z))
    if not ends or len(ends) != len(points) or max(ends)[0] <= 0:  # type: ignore[arg-type]
        raise DataCorruptError(
            f"the line '{label}' is {points!r:.80}, expected points."
        )
    _, x, z = max(ends)
    return math.atan2(x, z)
