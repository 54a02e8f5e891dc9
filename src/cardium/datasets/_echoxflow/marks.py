"""EchoXFlow's landmarks, calipers and traces: points in metres, seconds and m/s."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from cardium.core import FloatArray, Mark, Stream
from cardium.datasets._echoxflow.attributes import (
    as_number,
    first_of,
    object_of,
    path_of,
    semantic_id,
    text_of,
)
from cardium.datasets._echoxflow.contents import times_by_name
from cardium.datasets._echoxflow.layout import PATHS
from cardium.datasets._echoxflow.spectra import TRACKS, spectral_metadata
from cardium.datasets._echoxflow.store import RecordingStore
from cardium.errors import DataCorruptError, NotProvidedError
from cardium.io.zarr import ZarrArray

_IMAGES: Mapping[str, str] = {
    "bmode": "b_mode",
    "b_mode": "b_mode",
    "tissue_doppler": "tissue_velocity",
    "color_doppler": "colour_velocity",
    "2d_color_doppler": "colour_velocity",
    **{path.removeprefix("data/"): name for name, path in PATHS.items()},
}
_ON: Mapping[str, str] = {
    **_IMAGES,
    **{alias: name for name, aliases in TRACKS.items() for alias in aliases},
}
_DIMS: Mapping[str, tuple[str, str]] = {
    "pulsed_wave": ("time", "velocity"),
    "continuous_wave": ("time", "velocity"),
    "m_mode": ("time", "range"),
}
_AXES = {"pulsed_wave": "velocity", "continuous_wave": "velocity", "m_mode": "range"}
_UNIT_KEYS = tuple(
    f"{stem}{ending}"
    for stem in ("y_unit", "velocity_unit", "value_unit", "unit")
    for ending in ("", "s")
)
_COORDINATE_KEYS = (
    "y_coordinate_system",
    "coordinate_system",
    "coordinate_kind",
    "value_coordinate_system",
)
_UNITS = {"m/s": 1.0, "mps": 1.0, "cm/s": 0.01, "cmps": 0.01, "mm/s": 0.001,
          "m": 1.0, "cm": 0.01, "mm": 0.001}  # fmt: skip
_OTHER = ("contour", "curve", "qrs", "mesh")
_PHYSICAL = "_overlay_physical_points_"
_TRACE = "_annotation_"


def load_marks(
    opened: RecordingStore, arrays: Iterable[str], streams: Mapping[str, Stream]
) -> tuple[Mark, ...]:
    """Read the points that readers put on the streams of a recording.

    Parameters
    ----------
    opened : RecordingStore
        The recording.
    arrays : iterable of str
        The paths of its arrays.
    streams : mapping of str to Stream
        The streams that the points are on, whose axes place them.

    Returns
    -------
    tuple of Mark
        First those that annotations describe, in their order, then arrays that no
        annotation names. On images points are (x, z) in metres, on spectra (s, m/s),
        on an M-mode (s, m).

    Raises
    ------
    DataMissingError
        If an array is not there.
    DataCorruptError
        If it does not hold points, or nothing tells in which unit.
    NotProvidedError
        If points are in rows of a spectrum whose rows have no velocities.
    """
    reader = _Reader(opened, streams)
    marks: list[Mark] = []
    seen: set[str] = set()
    for annotation in opened.listed("annotations"):
        path = path_of(annotation.get("value"))
        if path and path not in seen and _is_mark(annotation, path):
            seen.add(path)
            marks += reader.read(annotation, path)
    for path in arrays:
        name = path.removeprefix("data/")
        named = _PHYSICAL in name or _TRACE in name
        if (
            path.startswith("data/")
            and named
            and path not in seen
            and not _is_mask(name)
        ):
            marks += reader.read({}, path)
    return tuple(marks)


def plain_label(label: str) -> str:
    """Take what a workstation adds off a label.

    Examples
    --------
    >>> plain_label("Cardiac/SD/MV E' septal/Manual")
    "MV E' septal"
    """
    return label.strip().removeprefix("Cardiac/SD/").removesuffix("/Manual")


class _Reader:
    """Reads the marks of one recording."""

    def __init__(self, opened: RecordingStore, streams: Mapping[str, Stream]) -> None:
        self._opened = opened
        self._streams = streams

    def read(self, annotation: Mapping[str, Any], path: str) -> Iterator[Mark]:
        """Read one mark; nothing, if its array does not hold points."""
        stored = self._opened.store.open_array(path)
        if stored.dtype.kind not in "fiu" or len(stored.shape) not in (2, 3):
            raise DataCorruptError(
                f"{stored.where} is {stored.dtype} {stored.shape}, expected points."
            )
        if stored.shape[-1] < 2:
            raise DataCorruptError(
                f"{stored.where} has shape {stored.shape}, expected pairs."
            )
        name = path.removeprefix("data/")
        on = self._target(annotation, name)
        points = stored[:][..., :2].astype(np.float64)
        if np.isinf(points).any():
            raise DataCorruptError(f"{stored.where} has points that are infinite.")
        label = plain_label(text_of(annotation, "label", "name") or _label_in(name))
        if on not in _DIMS:
            time = self._times(annotation, path, stored) if points.ndim == 3 else None
            yield Mark(label, on, ("x", "z"), points, time)
            return
        if points.ndim != 2:
            raise DataCorruptError(f"{stored.where} has shape {stored.shape}.")
        points[:, 0] -= self._opened.clock_start
        points[:, 1] = self._scale(points[:, 1], on, annotation, stored)
        yield Mark(label, on, _DIMS[on], points)

    def _target(self, annotation: Mapping[str, Any], name: str) -> str:
        """Say which stream a mark is on, by its target, or else by its array's name."""
        target = object_of(annotation.get("target"))
        stated = path_of(annotation.get("target_data")).removeprefix("data/")
        stem = name.partition(_PHYSICAL)[0].partition(_TRACE)[0]
        for text in (semantic_id(target), stated, stem):
            if text.lower() in _ON:
                return _ON[text.lower()]
        return "b_mode"

    def _times(
        self, annotation: Mapping[str, Any], path: str, stored: ZarrArray
    ) -> FloatArray:
        """Read the times of points that move."""
        places = [path_of(annotation.get("time")), *times_by_name(path)]
        places.append("timestamps/2d_brightness_mode")
        for place in places:
            if place and place in self._opened.store:
                return self._opened.load_times(place, stored.shape[0])
        raise DataCorruptError(f"{stored.where} moves, but has no times.")

    def _scale(
        self,
        values: FloatArray,
        on: str,
        annotation: Mapping[str, Any],
        stored: ZarrArray,
    ) -> FloatArray:
        """Turn the second number of points into m/s, or m."""
        hints = (
            annotation,
            *(object_of(annotation.get(k)) for k in ("target", "links", "value")),
            stored.attributes,
        )
        unit = _hint(hints, _UNIT_KEYS).lower().replace(" ", "")
        if unit in _UNITS:
            return values * _UNITS[unit]
        axis = self._axis(on)
        where = f"Recording '{self._opened.recording}', {stored.where}"
        if axis is None:
            raise NotProvidedError(
                f"{where}: its points state no unit, and the rows of '{on}' have no "
                "places."
            )
        system = _hint(hints, (*_COORDINATE_KEYS, "geometry_kind", "field")).lower()
        if any(word in system for word in ("row", "pixel", "image")):
            panel = "panel" in system or "row" in system
            box = None if panel else self._cursor_box(on)
            return _at_rows(axis, values if box is None else _in_box(values, box, axis))
        guess = _guess(values, axis, self._cursor_box(on), on)
        if guess is None:
            raise DataCorruptError(
                f"{where}: points from {np.nanmin(values):g} to {np.nanmax(values):g} "
                f"are neither on the axis of '{on}', {axis.min():g} to {axis.max():g}, "
                "nor in centimetres or rows of it."
            )
        return guess

    def _axis(self, on: str) -> FloatArray | None:
        """Return the places of the rows of a stream."""
        stream = self._streams.get(on)
        return None if stream is None else stream.axes.get(_AXES[on])

    def _cursor_box(self, on: str) -> tuple[float, float] | None:
        """Return the top and the height of a spectrum in the picture [pixels]."""
        if on == "m_mode":
            return None
        box = spectral_metadata(self._opened, on).get("cursor_box")
        if isinstance(box, list) and len(box) == 4:
            box = dict(zip(("x", "y", "width", "height"), box, strict=True))
        top, height = (as_number(object_of(box).get(key)) for key in ("y", "height"))
        return None if top is None or height is None or height <= 0 else (top, height)


def _is_mark(annotation: Mapping[str, Any], path: str) -> bool:
    """Say whether an annotation is none of the kinds that are read elsewhere."""
    field = text_of(object_of(annotation.get("target")), "field").lower()
    kind = text_of(annotation, "kind").lower()
    names = (field, kind, path.rpartition("_")[2])
    is_other = any(word in name for word in _OTHER for name in names)
    return path.startswith("data/") and not is_other and not _is_mask(path)


def _is_mask(name: str) -> bool:
    """Say whether a name is that of a label map."""
    return name.endswith("_mask") or "annotation_mask" in name


def _label_in(name: str) -> str:
    """Take the label out of the name of an array."""
    for middle in (_TRACE, _PHYSICAL):
        before, found, after = name.partition(middle)
        if found:
            return after.replace("_", " ") if middle == _TRACE else f"{before} {after}"
    return name


def _hint(places: Iterable[Mapping[str, Any]], keys: tuple[str, ...]) -> str:
    """Return the first text that any of some objects states under any of some keys."""
    texts = (
        text_of(place, key) for place in places for key in keys if first_of(place, key)
    )
    return next((text for text in texts if text), "")


def _guess(
    values: FloatArray, axis: FloatArray, box: tuple[float, float] | None, on: str
) -> FloatArray | None:
    """Find what values of no stated unit are; None if nothing fits.

    On a spectrum they are velocities if they lie on its axis, or else rows of it, or
    rows of the picture it is shown in, or centimetres a second if they are large. On an
    M-mode they are metres, or else centimetres, or rows.
    """
    if _on_axis(values, axis):
        return values
    hundredth = values / 100
    if on == "m_mode" and _on_axis(hundredth, axis):
        return hundredth
    in_box = [] if box is None else [_in_box(values, box, axis)]
    for rows in (values, *in_box):
        defined = rows[~np.isnan(rows)]
        if ((defined >= 0) & (defined <= len(axis) - 1)).all():
            return _at_rows(axis, rows)
    large = np.nanmax(np.abs(values)) >= max(10, 4 * np.abs(axis).max())
    return hundredth if large and _on_axis(hundredth, axis) else None


def _on_axis(values: FloatArray, axis: FloatArray) -> bool:
    """Say whether values lie on an axis, but for a twentieth of it to either side."""
    margin = 0.05 * float(np.ptp(axis))
    low, high = float(axis.min()) - margin, float(axis.max()) + margin
    defined = values[~np.isnan(values)]
    return bool(((defined >= low) & (defined <= high)).all())


def _at_rows(axis: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the places of rows, which may lie between samples."""
    found: FloatArray = np.interp(rows, np.arange(len(axis)), axis)
    found[(rows < -0.5) | (rows > len(axis) - 0.5) | np.isnan(rows)] = np.nan
    return found


def _in_box(
    values: FloatArray, box: tuple[float, float], axis: FloatArray
) -> FloatArray:
    """Turn rows of a picture into rows of the spectrum that is shown in it."""
    top, height = box
    rows: FloatArray = (values - top) / height * (len(axis) - 1)
    return rows
