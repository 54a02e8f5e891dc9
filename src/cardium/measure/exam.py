"""What an examination says in numbers, once its recordings are put together."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np

from cardium.core import FloatArray, Recording
from cardium.errors import CardiumError, InvalidArgumentError, NotProvidedError
from cardium.measure._case import Case, find_rhythm
from cardium.measure._contour import layer_points
from cardium.measure._spectra import plain_label
from cardium.measure.discs import FORESHORTENED, axis_difference, biplane_volume
from cardium.measure.doppler import stroke_volume_ml
from cardium.measure.echo import COLUMNS, NOTHING, Measurements, measure_recording
from cardium.measure.ventricle import Ejection, contour_volumes

_VOLUMES = (
    "edv_ml",
    "esv_ml",
    "sv_ml",
    "ef_percent",
    "peak_ejection_rate_ml_s",
    "peak_filling_rate_ml_s",
)
_FLOW = (
    "peak_velocity_cm_s",
    "mean_velocity_cm_s",
    "vti_cm",
    "peak_gradient_mmhg",
    "mean_gradient_mmhg",
)
_OWN_CLOCK = ("ed_time_s", "es_time_s", "timing_method", "n_beats")


def measure_examination(recordings: Sequence[Recording]) -> Measurements:
    """Measure an examination: its recordings, and what needs several of them.

    Parameters
    ----------
    recordings : sequence of Recording
        All recordings of one examination, one at least.

    Returns
    -------
    Measurements
        Volumes by the best method there is: of a mesh, else biplane from contours of
        the four- and the two-chamber view, else of the single planes. Other values are
        means over the recordings that have them: GLS is the mean of the apical views.

    Raises
    ------
    InvalidArgumentError
        If there is no recording, or they are of several patients or examinations.

    Notes
    -----
    Biplane volumes take ED and ES of each view from its own first beat. Flows are
    averaged only where all are of one site. Stroke volume by Doppler takes traces in
    the outflow tract and the diameter that a reader measured there.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> from cardium.phantom import Patient, simulate
    >>> names = ("4CH", "2CH")
    >>> views = {name: simulate(Patient(), view=name.lower()) for name in names}
    >>> measured = measure_examination([
    ...     Recording(
    ...         Entry(v, "p3", "", frozenset(), labels={"view": v}, exam="e3"),
    ...         {}, exam.annotations,
    ...     ) for v, exam in views.items()
    ... ])
    >>> measured.values["volume_method"]
    'biplane_discs'
    >>> error = float(measured.values["ef_percent"]) - views["4CH"].truth.ef_percent
    >>> abs(error) < 0.1
    True
    """
    rows = [measure_recording(recording) for recording in recordings]
    return combine(recordings, rows)


def combine(
    recordings: Sequence[Recording], rows: Sequence[Measurements]
) -> Measurements:
    """Put the recordings of an examination together that were measured one by one.

    Parameters
    ----------
    recordings : sequence of Recording
        Recordings of one examination.
    rows : sequence of Measurements
        What `measure_recording` gave for each, and for others of the examination that
        could not be opened.

    Returns
    -------
    Measurements
        As of `measure_examination`.

    Raises
    ------
    InvalidArgumentError
        If there is no row, or they are of several patients or examinations.
    """
    whose = {(row.patient, row.exam) for row in rows}
    if len(whose) != 1:
        raise InvalidArgumentError(
            f"Examination: {len(rows)} recordings of {len(whose)} examinations; give "
            "all recordings of one."
        )
    values: dict[str, float | str] = {}
    flags = dict.fromkeys(flag for row in rows for flag in row.flags)
    reasons = [
        f"{row.recording}: {reason}"
        for row in rows
        for reason in row.reasons
        if not reason.startswith(NOTHING)
    ]
    meshes = [r for r in rows if r.values.get("volume_method") == "mesh"]
    _put_means(values, meshes, (*_VOLUMES, "volume_method"))
    for what, step in (("biplane", _put_biplane), ("outflow", _put_outflow)):
        try:
            flags.update(dict.fromkeys(step(values, recordings, rows)))
        except CardiumError as error:
            reasons.append(f"{what}: {error}")
    if values.get("volume_method") == "biplane_discs":
        rows = [_without(row, _VOLUMES) for row in rows]
    flows = {row.values["flow"] for row in rows if "flow" in row.values}
    apart = (*_OWN_CLOCK, *(() if len(flows) == 1 else _FLOW))
    _put_means(values, rows, [c for c in COLUMNS if c not in apart])
    ((patient, exam),) = whose
    return Measurements(
        f"{len(rows)} recordings",
        patient,
        exam,
        " ".join(sorted({row.view for row in rows if row.view})),
        MappingProxyType(values),
        tuple(flags),
        tuple(reasons),
    )


def _put_means(
    values: dict[str, float | str], rows: Sequence[Measurements], columns: Sequence[str]
) -> None:
    """Fill empty columns with means of numbers, or with the texts there are."""
    for column in columns:
        found = [row.values[column] for row in rows if column in row.values]
        numbers = [value for value in found if isinstance(value, float)]
        if column in values or not found:
            continue
        if len(numbers) == len(found):
            values[column] = float(np.mean(numbers))
        else:
            values[column] = " ".join(sorted(set(map(str, found))))


def _without(row: Measurements, columns: Sequence[str]) -> Measurements:
    """Leave values out of a row."""
    kept = {k: v for k, v in row.values.items() if k not in columns}
    return Measurements(
        row.recording, row.patient, row.exam, row.view, MappingProxyType(kept)
    )


def _put_biplane(
    values: dict[str, float | str],
    recordings: Sequence[Recording],
    rows: Sequence[Measurements],
) -> list[str]:
    """Fill the columns of volumes from two views, unless a mesh has; return flags."""
    views = {
        view: [
            r
            for r in recordings
            if str(r.entry.labels.get("view") or "").upper() == view
            and "lv_contour" in r.annotations
        ]
        for view in ("4CH", "2CH")
    }
    if "volume_method" in values or not all(views.values()):
        return []
    four, two = _pair(views["4CH"], views["2CH"])
    (ed4, es4), (ed2, es2) = _ends(four), _ends(two)
    found = Ejection(1e6 * biplane_volume(ed4, ed2), 1e6 * biplane_volume(es4, es2))
    values["volume_method"] = "biplane_discs"
    for column in ("edv_ml", "esv_ml", "sv_ml", "ef_percent"):
        values[column] = getattr(found, column)
    flags = ["foreshortened"] if axis_difference(ed4, ed2) > FORESHORTENED else []
    if max(map(len, views.values())) > 1:
        flags.append("several_analyses")
    return flags


def _pair(
    fours: Sequence[Recording], twos: Sequence[Recording]
) -> tuple[Recording, Recording]:
    """Take two views of one analysis, which share their files, or else the first."""
    for four in fours:
        for two in twos:
            if four.entry.files[:1] and four.entry.files[:1] == two.entry.files[:1]:
                return four, two
    return fours[0], twos[0]


def _ends(recording: Recording) -> tuple[FloatArray, FloatArray]:
    """Return the endocardium of one view at end-diastole and at end-systole."""
    contour = recording.annotations["lv_contour"]
    case = Case(recording)
    case.attempt("rhythm", find_rhythm)
    timing = case.time(contour_volumes(contour), "contour")[0]
    frames = layer_points(contour, "endocardium")
    ed, es = (
        frames[abs(contour.time - at).argmin()]
        for at in (timing.ed_time, timing.es_time)
    )
    return ed, es


def _put_outflow(
    values: dict[str, float | str],
    recordings: Sequence[Recording],
    rows: Sequence[Measurements],
) -> list[str]:
    """Fill the columns of the outflow tract; return no flags."""
    diameters = [
        1e3 * float(np.median(np.linalg.norm(np.diff(points, axis=-2), axis=-1)))
        for points in _diameters(recordings)
    ]
    if not diameters:
        return []
    values["lvot_diameter_mm"] = float(np.mean(diameters))
    vti = [
        float(row.values["vti_cm"])
        for row in rows
        if row.values.get("flow") == "LVOT" and "vti_cm" in row.values
    ]
    if not vti:
        raise NotProvidedError("no flow in the outflow tract was traced")
    mean = float(np.mean(diameters)) / 1e3
    values["sv_doppler_ml"] = stroke_volume_ml(mean, float(np.mean(vti)) / 100)
    return []


def _diameters(recordings: Sequence[Recording]) -> list[FloatArray]:
    """Return the calipers (..., 2, 2) [m] across the outflow tract."""
    return [
        mark.points[np.isfinite(mark.points).all(axis=(-2, -1))]
        if mark.points.ndim == 3
        else mark.points
        for recording in recordings
        for mark in recording.marks
        if mark.dims == ("x", "z")
        and mark.points.shape[-2] == 2
        and plain_label(mark.label).upper().startswith("LVOT D")
        and np.isfinite(mark.points).all(axis=(-2, -1)).any()
    ]
