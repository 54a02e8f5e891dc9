"""The panels below the images: spectra, M-modes, strain, volume and the ECG."""

from __future__ import annotations

import numpy as np

from cardium.core import FloatArray, Mesh, Recording, Stream
from cardium.errors import CardiumError
from cardium.plot._film.curves import Curve, CurvePanel
from cardium.plot._film.matrix import MatrixPanel
from cardium.plot._film.scene import Scene
from cardium.plot._film.solid import mesh_volumes
from cardium.plot._film.sweep import EcgPanel, Span, SweepPanel
from cardium.plot.style import spoken

_HUES = ("#ffb000", "#2ec4e6", "#f06bd0", "#8bd450", "#ff7a59", "#b79bff", "#ffd7a8",
         "#9fe8d0")  # fmt: skip
_GLOBAL = "#f2f4f8"

Moments = list[tuple[str, float]]


def trace_panels(scene: Scene, recording: Recording, span: Span) -> list[SweepPanel]:
    """Make the panels that have time from left to right.

    Parameters
    ----------
    scene : Scene
        What is shown.
    recording : Recording
        Its ECG, R peaks, marks and envelopes go with it.
    span : Span
        Time and width that all of them share.

    Returns
    -------
    list of SweepPanel
        The last has the seconds written below.
    """
    alone = not (scene.images or scene.volumes or scene.meshes)
    height = 420 if alone and len(scene.sweeps) == 1 else 240
    peaks = given_r_peaks(recording)
    panels: list[SweepPanel] = []
    for stream in scene.sweeps:
        marks = [mark for mark in recording.marks if mark.on == stream.name]
        traces = _envelopes(stream, recording)
        panels.append(MatrixPanel(span, height, stream, marks=marks, traces=traces))
    for stream in scene.curves:
        panels.append(_strain_panel(stream, recording, peaks, span))
    for mesh in scene.meshes:
        panels.append(_volume_panel(mesh, peaks, span))
    ecg = recording.streams.get("ecg")
    if ecg is not None and len(ecg.between(span.start, span.stop + 1e-9).time):
        panels.append(EcgPanel(span, ecg, peaks))
    if panels:
        panels[-1].write_seconds()
    return panels


def given_r_peaks(recording: Recording) -> FloatArray:
    """Return the R peaks that a recording states, (K,) [s]; none are looked for."""
    stated = recording.annotations.get("qrs")
    return np.zeros(0) if stated is None else np.asarray(stated.time, np.float64)


def _envelopes(stream: Stream, recording: Recording) -> list[Stream]:
    """Return the curves over time that were traced on a spectrum."""
    drawn = recording.annotations.items()
    return [
        trace
        for name, trace in drawn
        if trace.dims == ("time",)
        and trace.unit in ("m/s", "m")
        and name.startswith(stream.name)
    ]


def _strain_panel(
    stream: Stream, recording: Recording, peaks: FloatArray, span: Span
) -> CurvePanel:
    """Draw strain, a curve a segment."""
    values = np.asarray(stream.load(), np.float64)
    columns = values.reshape(len(values), -1).T
    named = stream.coords.get("segment", ())
    count = len(columns)
    curves = []
    for k, column in enumerate(columns):
        label = named[k] if k < len(named) else f"segment {k + 1}"
        colour = _HUES[k % len(_HUES)] if count > 1 else _GLOBAL
        curves.append(
            Curve(spoken(label) if count > 1 else "global", stream.time, column, colour)
        )
    moments = _contour_moments(recording, peaks)
    moments = moments or [("ED", float(peak)) for peak in peaks]
    return CurvePanel(span, 170, spoken(stream.name), "%", curves, moments=moments)


def _volume_panel(mesh: Mesh, peaks: FloatArray, span: Span) -> CurvePanel:
    """Draw the volume of a mesh over time."""
    volumes = mesh_volumes(mesh) * 1e6
    curve = Curve(spoken(mesh.name), mesh.time, volumes, _HUES[0])
    moments = _moments_of(volumes, mesh.time, peaks, "mesh")
    heading = f"{spoken(mesh.name.removesuffix('_mesh'))} volume"
    if moments:
        first = dict(moments[:2])
        most, least = np.interp([first["ED"], first["ES"]], mesh.time, volumes)
        ejected = 100 * (most - least) / most
        heading += f"   EDV {most:.0f} mL   ESV {least:.0f} mL   EF {ejected:.0f} %"
    return CurvePanel(span, 130, heading, "mL", [curve], moments=moments)


def _contour_moments(recording: Recording, peaks: FloatArray) -> Moments:
    """Return ED and ES of the contour of the left ventricle, by its area."""
    from cardium.geometry.contour import polygon_area

    contour = recording.annotations.get("lv_contour")
    if contour is None or len(contour.time) < 3:
        return []
    points = np.asarray(contour.load(), np.float64)
    inner = points[:, 0] if points.ndim == 4 else points
    areas = np.full(len(inner), np.nan)
    for k, line in enumerate(inner):
        kept = line[np.isfinite(line).all(axis=1)]
        if len(kept) > 2:
            areas[k] = polygon_area(kept)
    return _moments_of(areas, contour.time, peaks, "contour")


def _moments_of(
    values: FloatArray, time: FloatArray, peaks: FloatArray, method: str
) -> Moments:
    """Return ED and ES of each beat of a curve that falls in systole."""
    from cardium.measure.timing import time_by_curve, whole_beats

    curve = Stream(method, values, time, ("time",), "")
    try:
        found = time_by_curve(curve, whole_beats(peaks, time), method=method)
    except CardiumError:
        # A curve without a beat is drawn without marks.
        return []
    return [pair for t in found for pair in (("ED", t.ed_time), ("ES", t.es_time))]
