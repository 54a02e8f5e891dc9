"""What is measured on images: volumes, strain, excursion and tissue velocity."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from cardium.core import FloatArray, Stream
from cardium.errors import NotProvidedError
from cardium.measure._case import Case
from cardium.measure.annulus import annular_excursion_mm
from cardium.measure.strain import (
    SEGMENTS,
    correct_drift,
    drift_percent,
    peak_strain,
    segmental_strain,
    wall_length,
    wall_strain,
)
from cardium.measure.timing import Timing, time_by_ecg
from cardium.measure.velocity import gate_velocity, jumps, tissue_peaks
from cardium.measure.ventricle import (
    contour_volumes,
    ejection,
    mesh_volumes,
    peak_rates,
)

VOLUME_VIEWS = ("", "4CH", "2CH")
"""Views whose outline gives a volume: the guidelines' two, and one without name."""

_LAYERS = {
    "midwall": ("gls_percent", "gls_peak_percent"),
    "endocardium": ("gls_endocardium_percent", "gls_endocardium_peak_percent"),
    "epicardium": ("gls_epicardium_percent", "gls_epicardium_peak_percent"),
}
_DRIFTS = 2.0


def measure_mesh(case: Case) -> None:
    """Measure volumes on the surface of the left ventricle."""
    mesh = case.recording.meshes.get("lv_mesh")
    if mesh is not None:
        curve = mesh_volumes(mesh)
        _put_volumes(case, curve, case.time(curve, "mesh"), "mesh")


def measure_lv_contour(case: Case) -> None:
    """Measure volumes, strain and excursion on contours of the left ventricle."""
    contour = case.recording.annotations.get("lv_contour")
    if contour is None:
        return
    curve = contour_volumes(contour)
    timings = case.time(curve, "contour")
    if case.view in VOLUME_VIEWS:
        _put_volumes(case, curve, timings, "single_plane_discs")
    else:
        case.reasons[
            f"volume: the outline in the view {case.view} gives none; the method of "
            "discs takes the four- and the two-chamber view"
        ] = None
    for layer in _LAYERS:
        case.attempt("strain", lambda c, k=layer: _put_strain(c, contour, timings, k))  # type: ignore[misc]
    case.attempt("segments", lambda c: _put_segments(c, contour, timings))
    excursions = np.array([annular_excursion_mm(contour, t) for t in timings])
    case.put("mapse_mm", excursions.mean(axis=1))
    if case.view == "4CH":
        case.put("mapse_septal_mm", excursions[:, 0])
        case.put("mapse_lateral_mm", excursions[:, 1])


def measure_la_contour(case: Case) -> None:
    """Measure the reservoir strain of the left atrium on its contours."""
    contour = case.recording.annotations.get("la_contour")
    if contour is None:
        return
    beats = case.need_beats(
        contour.time, "at which the strain of an atrium has its zero"
    )
    peaks = []
    for start, stop in beats:
        whole = Timing(start, stop, "ecg", (start, stop))
        curve = wall_strain(contour, whole, layer="endocardium")
        curve = _without_drift(case, curve, whole)
        peaks.append(peak_strain(curve, whole, lengthening=True).peak_systolic_percent)
    case.put("la_reservoir_strain_percent", peaks)
    case.put_timing([time_by_ecg(beat) for beat in beats], beats=len(beats))


def measure_rv_contour(case: Case) -> None:
    """Measure the strain of the right ventricle, whole and of its free wall."""
    contour = case.recording.annotations.get("rv_contour")
    if contour is None:
        return
    timings = case.time(wall_length(contour, layer="midwall"), "contour")
    for column, part in (
        ("rv_gls_percent", "whole"),
        ("rv_free_wall_strain_percent", "left"),
    ):
        found = []
        for timing in timings:
            curve = wall_strain(contour, timing, layer="midwall", part=part)
            curve = _without_drift(case, curve, timing)
            found.append(peak_strain(curve, timing).end_systolic_percent)
        case.put(column, found)


def measure_given_strain(case: Case) -> None:
    """Read peaks off the strain curves that the machine gave."""
    for chamber, column in (
        ("lv", "gls_given_percent"),
        ("rv", "rv_strain_given_percent"),
        ("la", "la_reservoir_strain_given_percent"),
    ):
        given = case.recording.annotations.get(f"{chamber}_strain")
        if given is not None:
            case.attempt(
                f"{chamber}_strain",
                lambda c, s=given, k=column: _put_given(c, s, k),  # type: ignore[misc]
            )


def measure_tissue(case: Case) -> None:
    """Measure s', e' and a' at the sample volumes of tissue Doppler."""
    velocity = case.recording.streams.get("tissue_velocity")
    if velocity is None:
        return
    gates = [g for g in case.recording.gates if g.on == "tissue_velocity"]
    if not gates:
        raise NotProvidedError("no sample volume is stated, so no place to measure at")
    beats = case.need_beats(
        velocity.time, "by which systole is told from early and late diastole"
    )
    found = []
    for gate in gates:
        curve = gate_velocity(velocity, gate)
        if jumps(curve):
            case.flag("folded")
        found += [astuple(tissue_peaks(curve, beat))[:3] for beat in beats]
    for name, values in zip("sea", np.array(found).T, strict=True):
        case.put(f"{name}_prime_cm_s", values)
    case.put_timing([time_by_ecg(beat) for beat in beats], beats=len(beats))


def _put_volumes(case: Case, curve: Stream, timings: list[Timing], method: str) -> None:
    """Fill the columns of volumes, unless a better method has."""
    if "volume_method" in case.values:
        return
    found = [ejection(curve, timing) for timing in timings]
    case.put("volume_method", method)
    for column in ("edv_ml", "esv_ml", "sv_ml", "ef_percent"):
        case.put(column, [getattr(one, column) for one in found])
    if not all(map(case.gated, timings)):
        return
    try:
        rates = 1e6 * np.array([peak_rates(curve, t.beat) for t in timings])
    except NotProvidedError as error:
        case.reasons[f"peak rates: {error}"] = None
        return
    case.put("peak_ejection_rate_ml_s", rates[:, 0])
    case.put("peak_filling_rate_ml_s", rates[:, 1])


def _put_strain(case: Case, contour: Stream, timings: list[Timing], layer: str) -> None:
    """Fill the columns of longitudinal strain of a layer."""
    found, drifts = [], []
    for timing in timings:
        tracked = wall_strain(contour, timing, layer=layer)
        curve = _without_drift(case, tracked, timing)
        found.append(astuple(peak_strain(curve, timing)))
        if curve is not tracked:
            drifts.append(
                float(drift_percent(tracked, timing.beat, ed_time=timing.ed_time))
            )
    for column, values in zip(_LAYERS[layer], np.array(found).T, strict=True):
        case.put(column, values)
    case.put("strain_drift_percent", drifts)
    if drifts and max(map(abs, drifts)) > _DRIFTS:
        case.flag("strain_drifts")


def _put_segments(case: Case, contour: Stream, timings: list[Timing]) -> None:
    """Fill the columns of end-systolic strain of segments, where they have names."""
    if case.view not in SEGMENTS:
        return
    found = []
    for timing in timings:
        tracked = segmental_strain(contour, timing, view=case.view)
        curve = _without_drift(case, tracked, timing)
        frame = abs(curve.time - timing.es_time).argmin()
        found.append(np.asarray(curve.load())[frame])
    for name, values in zip(SEGMENTS[case.view], np.array(found).T, strict=True):
        case.put(segment_column(name), values)


def segment_column(name: str) -> str:
    """Return the column of a segment's strain."""
    return f"strain_{name.replace(' ', '_')}_percent"


def _put_given(case: Case, given: Stream, column: str) -> None:
    """Fill a column from a strain curve; segments are averaged."""
    values = _mean_of_segments(np.asarray(given.load(), np.float64))
    atrium = column.startswith("la_")
    if not np.isfinite(values).any():
        raise NotProvidedError("no value is finite")
    if not atrium and np.nanmax(values) > -np.nanmin(values):
        case.flag("strain_sign_turned")
        values = -values
    curve = Stream(given.name, values, given.time, ("time",), "%")
    if atrium:
        whole = (float(given.time[0]), float(given.time[-1]))
        beats = case.beats(given.time) or (whole,)
        peaks = [
            peak_strain(curve, Timing(*beat, "ecg", beat), lengthening=True)
            for beat in beats
        ]
        case.put(column, [peak.peak_systolic_percent for peak in peaks])
        return
    timings = case.time(curve, "strain")
    found = [peak_strain(curve, timing).end_systolic_percent for timing in timings]
    case.put(column, found)


def _mean_of_segments(values: FloatArray) -> FloatArray:
    """Average segments at each time; NaN where none is finite."""
    if values.ndim == 1:
        return values
    finite = np.isfinite(values)
    count = finite.sum(axis=1)
    total = np.where(finite, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _without_drift(case: Case, curve: Stream, timing: Timing) -> Stream:
    """Take the drift out, where the beat is covered to its end; else flag it."""
    if not case.gated(timing):
        return curve
    try:
        return correct_drift(curve, timing.beat, ed_time=timing.ed_time)
    except NotProvidedError:
        case.flag("drift_unknown")
        return curve
