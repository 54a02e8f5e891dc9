"""What is measured on spectra: flows that a reader traced, or else the envelope's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields

import numpy as np

from cardium.core import FloatArray, Mark, Stream
from cardium.errors import NotProvidedError
from cardium.measure._case import Case
from cardium.measure.doppler import (
    Flow,
    flow_period,
    measure_flow,
    pressure_gradient_mmhg,
    traced_flow,
)
from cardium.measure.envelope import flow_envelope
from cardium.measure.inflow import measure_inflow
from cardium.measure.timing import Beat, time_by_ecg
from cardium.measure.velocity import tissue_peaks

SPECTRA = ("pulsed_wave", "continuous_wave")
"""Streams that hold a spectrum."""

_PEAKS = {
    "E": "e_cm_s",
    "A": "a_cm_s",
    **{
        f"{wave}'{side}": f"{wave.lower()}_prime{side.replace(' ', '_')}_cm_s"
        for wave in "SEA"
        for side in ("", " septal", " lateral")
    },
}
"""Peaks that readers mark with one point, and their columns."""

_TRACE_STEP = 0.004  # s

TISSUE_LIMIT = 0.4
"""Velocity limit [m/s] below which a spectrum shows tissue: blood needs more."""


def measure_marked_peaks(case: Case) -> None:
    """Fill the columns of peaks that a reader marked on a spectrum."""
    for label, marks in _by_label(case, points=1).items():
        speeds = [100 * abs(float(p[1])) for mark in marks for p in mark.points]
        if label in _PEAKS:
            case.put(_PEAKS[label], speeds)
        elif label.endswith((" Vmax", " max")) and "flow" not in case.values:
            case.put("flow", label.rpartition(" ")[0])
            case.put("peak_velocity_cm_s", speeds)
            gradients = pressure_gradient_mmhg(np.array(speeds) / 100)
            case.put("peak_gradient_mmhg", list(gradients))
            case.put("envelope_method", "marked")
    if "e_cm_s" in case.values and "a_cm_s" in case.values:
        e, a = (float(case.values[column]) for column in ("e_cm_s", "a_cm_s"))
        case.put("e_to_a", e / a if a else np.nan)


def measure_traces(case: Case) -> None:
    """Measure the flows that a reader traced; those of one label are averaged."""
    if _shows_tissue(case):
        return
    traced = {
        label.removesuffix(" trace"): marks
        for label, marks in _by_label(case, points=3).items()
    }
    if not traced or "flow" in case.values:
        return
    name = max(traced, key=lambda label: len(traced[label]))
    if len(traced) > 1:
        case.flag("several_flows")
    flows = [traced_flow(mark) for mark in traced[name]]
    _put_flows(case, name, [measure_flow(*flow) for flow in flows])
    case.put("envelope_method", "traced")
    if name == "MV" and "e_cm_s" not in case.values:
        _put_traced_inflow(case, traced[name][0].on, flows)


def measure_spectrum(case: Case) -> None:
    """Measure the stronger flow of a spectrum that no reader has measured."""
    name = next((n for n in SPECTRA if n in case.recording.streams), None)
    if name is None or {"flow", *_PEAKS.values()} & case.values.keys():
        return
    spectrum = case.recording.streams[name]
    beats = case.need_beats(
        spectrum.time, "so that no flow can be cut out of the trace"
    )
    case.put_timing([time_by_ecg(beat) for beat in beats], beats=len(beats))
    case.put("envelope_method", "automatic")
    if _shows_tissue(case):
        _put_tissue(case, flow_envelope(spectrum), beats)
        return
    towards = flow_envelope(spectrum, direction="positive")
    away = flow_envelope(spectrum, direction="negative")
    stronger = max(towards, away, key=_strength)
    side = "towards" if stronger is towards else "away"
    phase = _put_flow_of_beats(case, stronger, beats, side)
    if (name, side, phase) == ("pulsed_wave", "towards", "diastole"):
        _put_inflow(case, ((towards, beat) for beat in beats))


def plain_label(label: str) -> str:
    """Return what a reader's mark is about, without folders and vendors' words.

    Examples
    --------
    >>> plain_label("Cardiac/SD/LVOT trace/Manual"), plain_label("MV E' septal")
    ('LVOT trace', "E' septal")
    >>> plain_label("MV E Velocity"), plain_label("Eprime lateral")
    ('E', "E' lateral")
    """
    parts = [p.strip() for p in label.split("/") if p.strip().lower() != "manual"]
    name = parts[-1] if parts else label
    name = re.sub(r"([SEA])prime", r"\1'", name)
    name = re.sub(r"\b(?:CAD|Velocity)\b", "", name)
    name = re.sub(r"^MV (?=[SEA](?:'|\s|$))", "", " ".join(name.split()))
    return name.strip()


def _by_label(case: Case, *, points: int) -> dict[str, list[Mark]]:
    """Group marks on spectra by label: peaks of one point, or traces of three."""
    groups: dict[str, list[Mark]] = {}
    for mark in case.recording.marks:
        count = mark.points.shape[-2]
        fits = count == 1 if points == 1 else count >= points
        on_spectrum = mark.dims == ("time", "velocity") and mark.on in SPECTRA
        if on_spectrum and mark.time is None and fits:
            groups.setdefault(plain_label(mark.label), []).append(mark)
    return groups


def _shows_tissue(case: Case) -> bool:
    """Say whether the spectrum's scale is that of tissue."""
    spectrum = case.recording.streams.get("pulsed_wave")
    limit = None if spectrum is None else spectrum.velocity_limit
    return limit is not None and limit < TISSUE_LIMIT


def _strength(envelope: Stream) -> float:
    """Return how much flows in the direction of an envelope."""
    return float(abs(np.asarray(envelope.load(), np.float64)).sum())


def _put_flow_of_beats(
    case: Case, envelope: Stream, beats: Sequence[Beat], side: str
) -> str:
    """Fill the columns of flow with the mean of the beats; return its phase."""
    direction = 1 if side == "towards" else -1
    flows, problems = [], []
    phase = _phase_of_peak(envelope, beats)
    for beat in beats:
        try:
            found = flow_period(
                envelope, beat, direction=direction, pauses=phase == "diastole"
            )
        except NotProvidedError as error:
            problems.append(error)
            continue
        flows.append(measure_flow(*found))
    if not flows:
        raise problems[0]
    _put_flows(case, f"{side}_in_{phase}", flows)
    return phase


def _phase_of_peak(envelope: Stream, beats: Sequence[Beat]) -> str:
    """Say whether most beats have their greatest velocity in systole or diastole."""
    systolic = []
    for beat in beats:
        part = envelope.between(*beat)
        peak = float(part.time[abs(np.asarray(part.load())).argmax()])
        systolic.append(peak < time_by_ecg(beat).es_time)
    return "systole" if 2 * sum(systolic) >= len(systolic) else "diastole"


def _put_tissue(case: Case, envelope: Stream, beats: Sequence[Beat]) -> None:
    """Fill the columns of s', e' and a' from the envelope of a tissue spectrum."""
    found = np.array([astuple(tissue_peaks(envelope, beat))[:3] for beat in beats])
    for wave, values in zip("sea", found.T, strict=True):
        case.put(f"{wave}_prime_cm_s", values)


def _put_flows(case: Case, name: str, flows: Sequence[Flow]) -> None:
    """Fill the columns of flow with the mean of several."""
    case.put("flow", name)
    table = np.array([astuple(flow) for flow in flows])
    for column, values in zip(fields(Flow), table.T, strict=True):
        if column.name != "duration_s":
            case.put(column.name, values)


def _put_traced_inflow(
    case: Case, on: str, flows: Sequence[tuple[FloatArray, FloatArray]]
) -> None:
    """Read E and A off a traced inflow, in the beat that it was traced in."""
    clock = case.recording[on].time
    beats = case.need_beats(clock, "so that E and A cannot be told apart")
    pairs = []
    for time, velocity in flows:
        # Readers put a point where the line bends; the slope of E needs more.
        fine = np.arange(time[0], time[-1], _TRACE_STEP)
        speed = abs(np.interp(fine, time, velocity))
        envelope = Stream("envelope", speed, fine, ("time",), "m/s")
        middle = (time[0] + time[-1]) / 2
        pairs += [(envelope, beat) for beat in beats if beat[0] <= middle < beat[1]]
    if not pairs:
        raise NotProvidedError("no traced inflow lies in a whole beat")
    _put_inflow(case, pairs)


def _put_inflow(case: Case, pairs: Iterable[tuple[Stream, Beat]]) -> None:
    """Fill the columns of mitral inflow with the mean of several beats."""
    found = [measure_inflow(envelope, beat) for envelope, beat in pairs]
    case.put("e_cm_s", [one.e_cm_s for one in found])
    case.put("a_cm_s", [one.a_cm_s for one in found])
    case.put("e_to_a", [one.e_to_a for one in found])
    case.put("deceleration_time_ms", [one.deceleration_time_ms for one in found])
