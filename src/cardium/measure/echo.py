"""Everything that one recording of an echocardiogram says in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cardium.core import Recording
from cardium.measure._case import Case, find_rhythm
from cardium.measure._images import (
    measure_given_strain,
    measure_la_contour,
    measure_lv_contour,
    measure_mesh,
    measure_rv_contour,
    measure_tissue,
    segment_column,
)
from cardium.measure._spectra import (
    measure_marked_peaks,
    measure_spectrum,
    measure_traces,
)
from cardium.measure.strain import SEGMENTS

COLUMNS = (
    "edv_ml",
    "esv_ml",
    "sv_ml",
    "ef_percent",
    "peak_ejection_rate_ml_s",
    "peak_filling_rate_ml_s",
    "volume_method",
    "gls_percent",
    "gls_peak_percent",
    "gls_endocardium_percent",
    "gls_endocardium_peak_percent",
    "gls_epicardium_percent",
    "gls_epicardium_peak_percent",
    "gls_given_percent",
    "strain_drift_percent",
    *(segment_column(name) for names in SEGMENTS.values() for name in names),
    "la_reservoir_strain_percent",
    "la_reservoir_strain_given_percent",
    "rv_gls_percent",
    "rv_free_wall_strain_percent",
    "rv_strain_given_percent",
    "mapse_mm",
    "mapse_septal_mm",
    "mapse_lateral_mm",
    "s_prime_cm_s",
    "e_prime_cm_s",
    "a_prime_cm_s",
    *(
        f"{wave}_prime_{side}_cm_s"
        for side in ("septal", "lateral")
        for wave in ("s", "e", "a")
    ),
    "flow",
    "envelope_method",
    "peak_velocity_cm_s",
    "mean_velocity_cm_s",
    "vti_cm",
    "peak_gradient_mmhg",
    "mean_gradient_mmhg",
    "e_cm_s",
    "a_cm_s",
    "e_to_a",
    "deceleration_time_ms",
    "lvot_diameter_mm",
    "sv_doppler_ml",
    "heart_rate_bpm",
    "ed_time_s",
    "es_time_s",
    "timing_method",
    "n_beats",
)
"""The measures, in the order of a table; the unit is in each name."""

TEXTS = frozenset({"volume_method", "flow", "envelope_method", "timing_method"})
"""The measures that are words; all others are numbers."""

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "r_peaks_detected": "The R peaks were found in the ECG, not given.",
        "irregular_beat": "A beat departs from the median RR interval by a fifth.",
        "no_whole_beat": "A stream covers no beat from R peak to R peak.",
        "drift_unknown": "Strain holds its drift: the end of the beat is not covered.",
        "strain_drifts": "More than 2 % of drift was taken out of strain.",
        "strain_sign_turned": "A given curve of a ventricle was positive in systole.",
        "folded": "Tissue velocity jumps by more than the velocity limit.",
        "several_flows": "Traces of several sites; the one traced most was taken.",
        "several_analyses": "Several analyses of a view; one was taken for biplane.",
        "foreshortened": "The long axes of two views differ by more than 10 %.",
    }
)
"""What flags mean."""

NOTHING = "nothing to measure"


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured on a recording, or on an examination.

    Parameters
    ----------
    recording : str
        Id of the recording; of an examination, how many recordings it has.
    patient, exam, view : str
        Whose it is, in which examination and in which view it was taken.
    values : mapping of str to float or str
        What was measured, by the names of `COLUMNS`.
    flags : tuple of str
        What to know of the values; see `FLAGS`.
    reasons : tuple of str
        Why something that it holds could not be measured.
    columns : tuple of str
        The measures that there could be, in the order of a table.
    """

    recording: str
    patient: str
    exam: str = ""
    view: str = ""
    values: Mapping[str, float | str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    flags: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    columns: tuple[str, ...] = COLUMNS

    @property
    def measured(self) -> bool:
        """Whether anything was measured besides the heart rate."""
        return bool(self.values.keys() - {"heart_rate_bpm"})

    def row(self) -> dict[str, float | str | None]:
        """Return the row of a table: every column, None where nothing was measured."""
        named: dict[str, float | str | None] = {
            "recording": self.recording,
            "patient": self.patient,
            "exam": self.exam,
            "view": self.view,
        }
        named |= {column: self.values.get(column) for column in self.columns}
        return named | {
            "flags": " ".join(self.flags),
            "reason": "; ".join(self.reasons),
        }


def measure_recording(recording: Recording) -> Measurements:
    """Measure whatever a recording has: volumes, strain, velocities, flows.

    Parameters
    ----------
    recording : Recording
        Streams, contours, meshes, gates and marks, of which any may be absent.

    Returns
    -------
    Measurements
        Values are means over the whole beats. What cannot be measured is empty, with
        the reason; nothing that a file can hold makes the others fail.

    Notes
    -----
    Volumes are those of the mesh if there is one, else of a single plane by the method
    of discs. Strain is end-systolic and without drift. E', A' and the like at a sample
    volume come from colour tissue Doppler, those with a side from a reader's marks on a
    spectrum. A flow that a reader traced is measured as traced, others by the envelope
    of the spectrum. Where only the ECG times a beat, `es_time_s` is a prediction: see
    `cardium.measure.timing.time_by_ecg`.

    Examples
    --------
    >>> from cardium.core import Entry
    >>> from cardium.phantom import Patient, simulate
    >>> exam = simulate(Patient(number=3))
    >>> entry = Entry("r3", "p3", "", frozenset({"lv_contour"}), labels={"view": "4CH"})
    >>> measured = measure_recording(Recording(entry, exam.streams, exam.annotations))
    >>> abs(float(measured.values["ef_percent"]) - exam.truth.ef_percent) < 0.1
    True
    """
    case = Case(recording)
    for what, step in _STEPS:
        case.attempt(what, step)
    if not (case.reasons or case.values.keys() - {"heart_rate_bpm"}):
        held = [*recording.streams, *recording.annotations]
        case.reasons[f"{NOTHING} in: {', '.join(held) or 'nothing'}"] = None
    entry = recording.entry
    return Measurements(
        entry.id,
        entry.patient,
        entry.exam,
        case.view,
        MappingProxyType(case.values),
        tuple(case.flags),
        tuple(case.reasons),
    )


_STEPS: tuple[tuple[str, Callable[[Case], None]], ...] = (
    ("rhythm", find_rhythm),
    ("lv_mesh", measure_mesh),
    ("lv_contour", measure_lv_contour),
    ("la_contour", measure_la_contour),
    ("rv_contour", measure_rv_contour),
    ("strain", measure_given_strain),
    ("tissue_velocity", measure_tissue),
    ("marks", measure_marked_peaks),
    ("traces", measure_traces),
    ("spectrum", measure_spectrum),
)
