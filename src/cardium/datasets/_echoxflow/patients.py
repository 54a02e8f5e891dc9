"""Everything that is recorded of a simulated patient: one whole examination."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from cardium.core import FloatArray, Gate, Mark, Mesh, Recording, Sector, Stream
from cardium.datasets._echoxflow.dense import films_of
from cardium.datasets._echoxflow.exams import (
    as_stored,
    entry,
    exam_name,
    qrs_stream,
    recordings_of,
)
from cardium.datasets._echoxflow.truth import (
    Row,
    heart_row,
    spectrum_row,
    strain_row,
)

if TYPE_CHECKING:
    from cardium.phantom.colour import FlowExamination
    from cardium.phantom.exam import Examination
    from cardium.phantom.patient import Patient
    from cardium.phantom.probe import Placement
    from cardium.phantom.spectrum import SpectrumExamination
    from cardium.phantom.volume import VolumeExamination

APICAL = ("4ch", "2ch", "3ch")
"""Views that are recorded with tissue Doppler and analysed for strain."""

PARASTERNAL = ("plax", "psax_base", "psax_mid", "psax_apex")
"""Views that are recorded in B-mode."""

PRESETS = ("tiny", "bench", "full")
"""Sizes of the recordings: of seconds an examination, long enough for the clips of a
benchmark, or clinical."""

MODES = ("all", "benchmark", "4ch")
"""What can be recorded of a patient: see `Order`."""

STITCHED_BEATS = 4
"""Beats that the second volume is put together from."""

_GATE_LENGTH = 0.006
_ABOVE_ANNULUS = 0.01


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of each examination.

    Parameters
    ----------
    preset : {"tiny", "bench", "full"}
        Size of the recordings.
    modes : {"all", "benchmark", "4ch"}
        Every mode, with cine MRI and an electrocardiogram beside them; three apical
        views with tissue Doppler and strain, colour, and a volume of one beat with its
        mesh; or the four-chamber view, tissue Doppler and strain alone.
    dense : bool
        Write what is true at every point, too.
    coherence : float
        Part of the echo power that stays from frame to frame in apical views, 0..1.
    frame_rate : float, optional [1/s]
        Frames a second of apical views, if not those of the preset.
    """

    preset: str = "tiny"
    modes: str = "all"
    dense: bool = False
    coherence: float = 0.95
    frame_rate: float | None = None

    @property
    def other_preset(self) -> str:
        """Size of recordings whose length is the same in the preset for benchmarks."""
        return "tiny" if self.preset == "bench" else self.preset


@dataclass(frozen=True, slots=True)
class Visit:
    """One examination of a dataset.

    Parameters
    ----------
    number : int
        Which of the dataset.
    patient : Patient
        Who is examined.
    fold : int
        The fold that all examinations of the patient are in.
    """

    number: int
    patient: Patient
    fold: int

    @property
    def patient_id(self) -> str:
        """Name of the patient, the same at each visit."""
        return f"patient{self.patient.number:04d}"


@dataclass(frozen=True, slots=True)
class Made:
    """The recordings of one store, and what they add to the truth.

    Parameters
    ----------
    recordings : sequence of Recording
        One, or the views of a strain analysis.
    truth : mapping
        Columns of the table of what is true.
    beats : int, optional
        Beats that a volume was put together from.
    films : mapping of str to Stream
        What is true at every sample; worked out when it is read.
    """

    recordings: Sequence[Recording]
    truth: Row = field(default_factory=dict)
    beats: int | None = None
    films: Mapping[str, Stream] = field(default_factory=dict)


def examine(visit: Visit, order: Order) -> Iterator[Made]:
    """Record a patient, one store after another.

    Parameters
    ----------
    visit : Visit
        Whose examination it is.
    order : Order
        What is wanted of it.

    Yields
    ------
    Made
        What is simulated when it is asked for: tissue Doppler and B-mode of three
        apical views, and their strain; parasternal B-mode; colour Doppler, M-mode,
        spectra; two planes and three; a volume of one beat and one of several, each
        with a mesh.
    """
    number, patient, other = visit.number, visit.patient, order.other_preset
    views = APICAL[:1] if order.modes == "4ch" else APICAL
    parts = [_apical(number, patient, order, views)]
    if order.modes == "all":
        parts += [
            _parasternal(number, patient, order.preset),
            _flow(number, patient, order.preset),
            _m_mode(number, patient, other),
            _spectra(number, patient, other),
            _planes(number, patient, other),
            _volumes(number, patient, other),
        ]
    elif order.modes == "benchmark":
        parts += [
            _flow(number, patient, order.preset),
            _volumes(number, patient, other, beats=(1,)),
        ]
    for part in parts:
        for made in part:
            yield replace(
                made, recordings=[_own(one, visit) for one in made.recordings]
            )


def _own(recording: Recording, visit: Visit) -> Recording:
    """State the patient and the fold of a recording."""
    mine = replace(recording.entry, patient=visit.patient_id, split=f"fold{visit.fold}")
    return replace(recording, entry=mine)


def _apical(
    number: int, patient: Patient, order: Order, views: Sequence[str]
) -> Iterator[Made]:
    """Record apical views, and analyse their strain in one store."""
    from cardium.phantom.exam import simulate

    analysed: list[Recording] = []
    for view in views:
        made = simulate(
            patient,
            view=view,
            preset=order.preset,
            coherence=order.coherence,
            frame_rate=order.frame_rate,
        )
        tissue, images, strain = recordings_of(number, made)
        if view == APICAL[0]:
            tissue = replace(tissue, gates=(_septal_gate(made),))
        else:
            tissue = _renamed(tissue, f"{tissue.entry.id}_{view}")
            images = _renamed(images, f"{images.entry.id}_{view}")
            strain = replace(strain, links=(images.entry.id,))
        analysed.append(_with_curve(strain, made))
        truth = heart_row(made) if view == APICAL[0] else {}
        truth |= strain_row(view, made)
        yield Made(
            [tissue], truth, films=_films(made, made.placement, "tissue_velocity")
        )
        yield Made([images], films=_films(made, made.placement, "b_mode"))
    yield Made(analysed)


def _parasternal(number: int, patient: Patient, preset: str) -> Iterator[Made]:
    """Record B-mode from beside the breastbone."""
    from cardium.phantom.exam import simulate

    for view in PARASTERNAL:
        made = simulate(patient, view=view, preset=preset)
        images = _recording(number, f"bmode_{view}", made.streams, made.qrs_times)
        yield Made([images], films=_films(made, made.placement, "b_mode"))


def _flow(number: int, patient: Patient, preset: str) -> Iterator[Made]:
    """Record colour Doppler."""
    from cardium.phantom.colour import simulate_flow

    made = simulate_flow(patient, preset=preset)
    seen = _recording(number, "colour", made.streams, made.qrs_times, view="4ch")
    yield Made([seen], films=_films(made, made.placement, "colour_velocity"))


def _m_mode(number: int, patient: Patient, preset: str) -> Iterator[Made]:
    """Record an M-mode."""
    from cardium.phantom.m_mode import simulate_m_mode

    made = simulate_m_mode(patient, preset=preset)
    yield Made(
        [_recording(number, "mmode", made.streams, made.qrs_times, gates=made.gates)]
    )


def _spectra(number: int, patient: Patient, preset: str) -> Iterator[Made]:
    """Record spectra: of each usual site, and of the jets that the patient has."""
    from cardium.phantom.spectrum import simulate_spectrum

    for mode, site in sites_of(patient):
        made = simulate_spectrum(patient, mode=mode, site=site, preset=preset)
        yield Made([_spectrum(number, made)], spectrum_row(made))


def sites_of(patient: Patient) -> list[tuple[str, str]]:
    """List the modes and sites of the spectra that are recorded of a patient."""
    sites = [
        ("pulsed_wave", "mitral"),
        ("pulsed_wave", "lvot"),
        ("pulsed_wave", "annulus"),
        ("pulsed_wave", "annulus_septal"),
        ("continuous_wave", "lvot"),
    ]
    jets = [name for name in _JETS if name in patient.conditions]
    return sites + [("continuous_wave", _JETS[name]) for name in jets]


_JETS = {
    "aortic_stenosis": "aortic",
    "mitral_regurgitation": "mitral_regurgitation",
    "aortic_regurgitation": "aortic_regurgitation",
}


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


def _planes(number: int, patient: Patient, preset: str) -> Iterator[Made]:
    """Record two planes at once, and three."""
    from cardium.phantom.planes import simulate_planes

    kinds: tuple[tuple[Literal[2, 3], str], ...] = ((2, "biplane"), (3, "triplane"))
    for planes, name in kinds:
        made = simulate_planes(patient, planes=planes, preset=preset)
        yield Made([_recording(number, name, made.streams, made.qrs_times)])


def _volumes(
    number: int,
    patient: Patient,
    preset: str,
    beats: Sequence[int] = (1, STITCHED_BEATS),
) -> Iterator[Made]:
    """Record a volume of one beat and one of several, and a mesh drawn on each."""
    from cardium.phantom.volume import simulate_volume

    for count in beats:
        stitched, end = (count, "_stitched") if count > 1 else (None, "")
        made = simulate_volume(patient, preset=preset, beats=count)
        volume = _recording(number, f"volume{end}", made.streams, made.qrs_times)
        # Of several beats each has a placement of its own: no one field is true.
        films = {} if stitched else _films(made, made.placements[0], "b_mode_3d")
        yield Made([volume], beats=stitched, films=films)
        drawn = replace(volume, meshes=_at_stored_times(made.meshes))
        mesh = _renamed(drawn, f"{exam_name(number)}_mesh{end}")
        yield Made([replace(mesh, links=(volume.entry.id,))], beats=stitched)


def _films(
    made: Examination | FlowExamination | VolumeExamination,
    placement: Placement,
    name: str,
) -> dict[str, Stream]:
    """State what is true at the samples of a stream."""
    from cardium.phantom.acquisition import Acquisition

    heart = made.heart
    scene = Acquisition(heart.patient, heart, made.motion, np.random.default_rng(0))
    return films_of(scene, placement, made.streams[name])


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
