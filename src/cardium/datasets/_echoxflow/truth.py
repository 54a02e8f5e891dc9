"""The table of what is exactly known of each simulated examination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray
from cardium.core.files import written_aside
from cardium.datasets._echoxflow.exams import exam_name

if TYPE_CHECKING:
    from cardium.datasets._echoxflow.patients import Visit
    from cardium.phantom.exam import Examination
    from cardium.phantom.spectrum import SpectrumExamination

TRUTH = "truth.parquet"
"""What is exactly known, one row an examination."""

Cell = str | int | float | None | list[float] | list[str]
Row = dict[str, Cell]


def patient_row(visit: Visit) -> Row:
    """State who was examined: every parameter, and what follows from them.

    Parameters
    ----------
    visit : Visit
        Whose examination it is.

    Returns
    -------
    row : dict
        ``exam_id``, ``patient_id``, ``fold`` and the fields of
        `cardium.phantom.patient.Patient`, with ``infarct_territory`` and
        ``infarct_severity`` for the infarct. ``edv_ml``, ``ef_percent`` and
        ``gls_percent`` are those of a regular beat.
    """
    patient = visit.patient
    row: Row = {
        "exam_id": exam_name(visit.number),
        "patient_id": visit.patient_id,
        "fold": visit.fold,
    }
    for one in fields(patient):
        value = getattr(patient, one.name)
        if one.name == "infarct":
            row["infarct_territory"] = value.territory if value else None
            row["infarct_severity"] = float(value.severity) if value else None
        elif one.name == "conditions":
            row["conditions"] = list(value)
        elif one.name in _WHOLE or isinstance(value, str):
            row[one.name] = value
        else:
            row[one.name] = float(value)
    return row | {
        "esv_ml": patient.esv_ml,
        "stroke_volume_ml": patient.stroke_volume_ml,
        "body_surface_m2": patient.body_surface_m2,
        "aortic_stenosis_severity": patient.aortic_stenosis_severity,
        "mitral_regurgitation_severity": patient.mitral_regurgitation_severity,
        "aortic_regurgitation_severity": patient.aortic_regurgitation_severity,
    }


def heart_row(made: Examination) -> Row:
    """State what is true of the beats of a recording, and of the wall.

    Parameters
    ----------
    made : Examination
        The four-chamber view, whose beats these are.

    Returns
    -------
    row : dict
        Lists with a value a beat, ``beat_...``: R peak, kind, volumes, ejection
        fraction, what goes through the valves [mL], and when each valve opens and shuts
        [s]. Of the first beat ``true_gls_percent``, lists of the 17 segments
        ``segment_..._percent``, the way and the velocities of the annulus, the rotation
        of the apex, and ``lv_mass_g``.
    """
    truth, beats = made.truth, made.motion.cycle.beats
    row: Row = {
        "beat_kind": [beat.kind for beat in beats],
        "beat_r_s": [beat.r for beat in beats],
        "beat_edv_ml": _numbers(truth.beat_edv_ml),
        "beat_esv_ml": _numbers(truth.beat_esv_ml),
        "beat_ef_percent": _numbers(truth.beat_ef_percent),
        "beat_mitral_closure_s": _numbers(truth.mitral_closes),
        "beat_aortic_opening_s": _numbers(truth.aortic_opens),
        "beat_aortic_closure_s": _numbers(truth.aortic_closes),
        "beat_mitral_opening_s": _numbers(truth.mitral_opens),
        "true_gls_percent": float(truth.gls_percent),
        "true_gls_endocardial_percent": float(truth.gls_endocardial_percent),
        "true_twist_degrees": float(truth.twist_degrees),
        "mapse_mm": float(truth.mapse_mm),
        "lv_mass_g": float(truth.myocardial_mass_g),
    }
    for k, name in enumerate(("radial", "circumferential", "longitudinal")):
        row[f"segment_{name}_percent"] = _numbers(truth.segment_peaks[:, k])
    row |= _volumes_through_valves(made)
    for wave in ("s_prime", "e_prime", "a_prime"):
        for side, value in zip(
            ("septal", "lateral"), getattr(truth, wave), strict=True
        ):
            row[f"{side}_{wave}_cm_s"] = _number(value)
    return row


def _volumes_through_valves(made: Examination) -> Row:
    """Integrate the flow into the aorta and back through leaks over each beat [mL]."""
    from cardium.phantom.fluxes import Fluxes

    fluxes = Fluxes.of(made.heart.patient, made.motion)
    flows = {
        "aortic_forward": fluxes.aortic_forward,
        "mitral_regurgitant": fluxes.mitral_leak,
        "aortic_regurgitant": fluxes.aortic_leak,
    }
    row: Row = {}
    for name, flow in flows.items():
        through = []
        for beat in made.motion.cycle.beats:
            times = np.linspace(beat.r, beat.next_r, _FINE)
            through.append(1e6 * float(np.trapezoid(flow(times), times)))
        row[f"beat_{name}_ml"] = _numbers(np.array(through))
    return row


def strain_row(view: str, made: Examination) -> Row:
    """State the strain of a view at the end of systole of its first beat [%].

    Parameters
    ----------
    view : str
        The apical view.
    made : Examination
        Its recording.

    Returns
    -------
    row : dict
        Longitudinal strain of the middle of the wall and of the endocardium.
    """
    from cardium.phantom.views import turn_about_axis

    length = made.motion.arc_length(
        np.array([made.truth.ed_time, made.truth.es_time]),
        fractions=np.array([0.0, 0.5]),
        rotation=turn_about_axis(made.placement),
    )
    endocardial, midwall = 100 * (length[1] / length[0] - 1)
    return {
        f"strain_midwall_{view}_percent": float(midwall),
        f"strain_endocardial_{view}_percent": float(endocardial),
    }


def spectrum_row(made: SpectrumExamination) -> Row:
    """State the peaks along the beam [cm/s], the integral of a jet [cm], and its area.

    Parameters
    ----------
    made : SpectrumExamination
        A spectrum.

    Returns
    -------
    row : dict
        ``mitral_e_cm_s``, ``annulus_e_prime_cm_s`` and so on, positive towards the
        probe; of a continuous wave with ``cw_`` before them. A beat without an A wave
        has none. The volume that flows in a beat is ``..._vti_cm`` by
        ``..._area_cm2`` by 1 / ``..._cosine``, that of the beam and the flow.
    """
    prefix = f"cw_{made.site}" if made.mode == "continuous_wave" else made.site
    row: Row = {
        f"{prefix}_{name.replace(chr(39), '_prime').lower()}_cm_s": _number(100 * value)
        for name, value in made.truth.peaks.items()
    }
    row[f"{prefix}_cosine"] = float(made.truth.cosine)
    if made.truth.area is not None:
        row[f"{prefix}_vti_cm"] = 100 * abs(float(made.truth.vti))
        row[f"{prefix}_area_cm2"] = 1e4 * float(made.truth.area)
    return row


def write_truth(root: Path, rows: Sequence[Row]) -> None:
    """Write the table, a column for each key of any row; what a row lacks is null.

    Parameters
    ----------
    root : Path
        The dataset's folder.
    rows : sequence of dict
        One an examination.
    """
    import pyarrow as pa
    from pyarrow import parquet

    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    with written_aside(root / TRUTH) as aside:
        parquet.write_table(pa.table(columns), aside)


_FINE = 4001
_WHOLE = ("number", "visit", "diastolic_grade")


def _number(value: float) -> float | None:
    """Make a plain number; what there is not, such as an A wave, is None."""
    return float(value) if np.isfinite(value) else None


def _numbers(values: FloatArray) -> list[float]:
    """Make a list of plain numbers."""
    return [float(value) for value in values]
