"""Everything that is recorded of a simulated patient: one whole examination."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cardium.core import FloatArray, Gate, Mark, Mesh, Recording, Sector, Stream
from cardium.datasets._echoxflow.exams import (
    as_stored,
    entry,
    exam_name,
    open_writer,
    qrs_stream,
    recordings_of,
    truth_of,
    write_truth,
)

if TYPE_CHECKING:
    from cardium.phantom import Examination, SpectrumExamination

SITES = {"mitral": "pulsed_wave", "lvot": "pulsed_wave", "annulus": "pulsed_wave"}
"""Where pulsed waves are recorded; the outflow has a continuous one too."""

_GATE_LENGTH = 0.006
_ABOVE_ANNULUS = 0.01


def write_patients(
    root: Path,
    seeds: Sequence[int],
    *,
    preset: str,
    progress: Callable[[int], None] | None = None,
) -> list[dict[str, str | float]]:
    """Write a whole examination of each patient, and return what is true of them."""
    truths = []
    with open_writer(root) as writer:
        for number, seed in enumerate(seeds):
            stores, truth = examine(number, seed, preset=preset)
            for recordings in stores:
                writer.add(recordings)
            truths.append(truth)
            if progress is not None:
                progress(number + 1)
        write_truth(root, truths)
    return truths


def examine(
    number: int, seed: int, *, preset: str
) -> tuple[list[Sequence[Recording]], dict[str, str | float]]:
    """Record a patient in every mode, and state what is true of the heart.

    Parameters
    ----------
    number : int
        Which examination of the dataset it is.
    seed : int
        Number of the patient.
    preset : {"tiny", "full"}
        See `cardium.phantom.simulate`.

    Returns
    -------
    stores : list of sequences of Recording
        The recordings, those of one store together: tissue Doppler with its gate,
        B-mode of two views, a strain analysis of both, colour Doppler, M-mode,
        spectra, a volume, and a mesh of it.
    truth : dict
        A row of the table of what is true.
    """
    from cardium import phantom

    four = phantom.simulate(seed, preset=preset)
    two = phantom.simulate(seed, preset=preset, view="2ch")
    tissue, four_images, four_strain = recordings_of(number, four)
    _, two_images, two_strain = recordings_of(number, two)
    two_images = _renamed(two_images, f"{exam_name(number)}_bmode_2ch")
    two_strain = replace(two_strain, links=(two_images.entry.id,))
    spectra = {
        (mode, site): phantom.simulate_spectrum(
            seed, mode=mode, site=site, preset=preset
        )
        for mode, site in (
            *((mode, site) for site, mode in SITES.items()),
            ("continuous_wave", "lvot"),
        )
    }
    stores: list[Sequence[Recording]] = [
        [replace(tissue, gates=(_septal_gate(four),))],
        [four_images],
        [two_images],
        [_with_curve(four_strain, four), _with_curve(two_strain, two)],
        [_flow(number, seed, preset)],
        [_m_mode(number, seed, preset)],
        *([_spectrum(number, spectrum)] for spectrum in spectra.values()),
        *([recording] for recording in _volume(number, seed, preset)),
    ]
    truth = truth_of(number, four) | _strain_truth(four)
    for site in SITES:
        truth |= _flow_truth(site, spectra["pulsed_wave", site])
    return stores, truth


def _renamed(recording: Recording, name: str) -> Recording:
    """Give a recording another id."""
    return replace(recording, entry=replace(recording.entry, id=name))


def _with_curve(recording: Recording, examination: Examination) -> Recording:
    """Add the curve of longitudinal strain of the wall's middle."""
    values = np.asarray(examination.truth.midwall_strain, np.float32)
    time = recording["lv_contour"].time
    curve = Stream("lv_strain", values, time, ("time",), "%")
    return replace(recording, annotations={**recording.annotations, "lv_strain": curve})


def _septal_gate(examination: Examination) -> Gate:
    """Put a sample volume in the wall on the left of the image, above the annulus."""
    contour = examination.annotations["lv_contour"]
    midwall = np.asarray(contour.values[0:1][0][2], float)
    along = midwall - midwall[0]
    point = midwall[np.searchsorted(np.hypot(*along.T), _ABOVE_ANNULUS)]
    sector = examination.streams["tissue_velocity"].geometry
    if not isinstance(sector, Sector):
        raise TypeError("Tissue Doppler of the phantom lies in a sector.")
    depth, angle = sector.polar_of(point[0], point[1])
    return Gate("tissue_velocity", float(angle), float(depth), _GATE_LENGTH)


def _flow(number: int, seed: int, preset: str) -> Recording:
    """Record colour Doppler."""
    from cardium.phantom import simulate_flow

    made = simulate_flow(seed, preset=preset)
    return _recording(number, "colour", made.streams, made.qrs_times, view="4ch")


def _m_mode(number: int, seed: int, preset: str) -> Recording:
    """Record an M-mode."""
    from cardium.phantom import simulate_m_mode

    made = simulate_m_mode(seed, preset=preset)
    return _recording(number, "mmode", made.streams, made.qrs_times, gates=made.gates)


def _spectrum(number: int, made: SpectrumExamination) -> Recording:
    """Record a spectrum, with the trace of a reader where there is one."""
    short = {"pulsed_wave": "pw", "continuous_wave": "cw"}[made.mode]
    return _recording(
        number,
        f"{short}_{made.site}",
        made.streams,
        made.qrs_times,
        gates=made.gates,
        marks=made.marks,
    )


def _volume(number: int, seed: int, preset: str) -> Iterator[Recording]:
    """Record a volume, and a mesh that was drawn on it."""
    from cardium.phantom import simulate_volume

    made = simulate_volume(seed, preset=preset)
    volume = _recording(number, "volume", made.streams, made.qrs_times)
    yield volume
    drawn = replace(volume, meshes=_at_stored_times(made.meshes))
    yield replace(
        _renamed(drawn, f"{exam_name(number)}_mesh"), links=(volume.entry.id,)
    )


def _recording(
    number: int,
    what: str,
    streams: Mapping[str, Stream],
    qrs_times: FloatArray,
    *,
    view: str = "",
    gates: Iterable[Gate] = (),
    marks: Iterable[Mark] = (),
) -> Recording:
    """Make a recording of what was simulated."""
    return Recording(
        entry(number, f"{exam_name(number)}_{what}", view),
        {name: as_stored(stream) for name, stream in streams.items()},
        {"qrs": qrs_stream(qrs_times)},
        gates=tuple(gates),
        marks=tuple(marks),
    )


def _at_stored_times(meshes: Mapping[str, Mesh]) -> dict[str, Mesh]:
    """Round times to what the format's float32 holds."""
    return {
        name: replace(mesh, time=mesh.time.astype(np.float32).astype(np.float64))
        for name, mesh in meshes.items()
    }


def _strain_truth(examination: Examination) -> dict[str, str | float]:
    """State the strain of the wall's middle at the end of systole."""
    return {"gls_percent": float(np.min(examination.truth.midwall_strain))}


def _flow_truth(site: str, made: SpectrumExamination) -> dict[str, str | float]:
    """State the peaks along the beam, and the integral of the outflow."""
    prime = "'"
    peaks: dict[str, str | float] = {
        f"{site}_{name.replace(prime, '_prime').lower()}_cm_s": 100 * float(value)
        for name, value in made.truth.peaks.items()
    }
    if site == "lvot":
        peaks["lvot_vti_cm"] = 100 * abs(float(made.truth.vti))
    return peaks
