"""Other modalities of a simulated patient, written beside the echocardiogram."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cardium.datasets._echoxflow.exams import exam_name
from cardium.datasets._echoxflow.truth import Row

if TYPE_CHECKING:
    from cardium.datasets._echoxflow.patients import Visit

CINE = "cine_mri"
"""Folder of the short-axis stacks and their labels."""

LEADS = "ecg_12_lead"
"""Folder of the electrocardiograms."""


def write_beside(folder: Path, visit: Visit, *, preset: str) -> Row:
    """Write the other modalities of a patient.

    Parameters
    ----------
    folder : Path
        Where the folders `CINE` and `LEADS` are.
    visit : Visit
        Whose examination it is.
    preset : {"tiny", "full"}
        Size of the recordings.

    Returns
    -------
    row : dict
        What they add to the table of what is true.
    """
    row = _write_cine(folder / CINE, visit, preset)
    return row | _write_leads(folder / LEADS, visit)


def _write_cine(folder: Path, visit: Visit, preset: str) -> Row:
    """Write the stack ``<exam>.nii.gz`` and its labels, codes of `STRUCTURES`."""
    from cardium.io.nifti import write_nifti
    from cardium.phantom.mri import simulate_cine

    folder.mkdir(parents=True, exist_ok=True)
    made, name = simulate_cine(visit.patient, preset=preset), exam_name(visit.number)
    write_nifti(folder / f"{name}.nii.gz", made.streams["cine"])
    write_nifti(folder / f"{name}_labels.nii.gz", made.annotations["cine_mask"])
    return {
        "cine_ed_frame": made.ed_frame,
        "cine_es_frame": made.es_frame,
        "cine_rv_edv_ml": float(made.truth.rv_edv_ml),
        "cine_rv_esv_ml": float(made.truth.rv_esv_ml),
    }


def _write_leads(folder: Path, visit: Visit) -> Row:
    """Write the electrocardiogram as a WFDB record."""
    from cardium.io.wfdb import write_signal
    from cardium.phantom.ecg_exam import simulate_ecg

    made = simulate_ecg(visit.patient)
    stream = made.streams["ecg"]
    rate = (len(stream.time) - 1) / float(stream.time[-1] - stream.time[0])
    write_signal(
        folder / f"{exam_name(visit.number)}.hea",
        stream.load(),
        rate=round(rate, 6),
        channels=stream.coords["lead"],
    )
    return {
        "ecg_r_s": [float(time) for time in made.truth.r_times],
        "ecg_findings": list(made.truth.findings),
    }
