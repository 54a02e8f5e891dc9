"""Recordings of every kind that the format knows, whose values are simple formulas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cardium.core import STRUCTURES, Gate, Mark, Mesh, Recording, Stream
from cardium.datasets._echoxflow.exams import entry, exam_name, qrs_stream
from cardium.datasets._echoxflow.layout import LAYERS, RV_LAYERS
from cardium.datasets._echoxflow.ramps import (
    BEAMSPACE,
    BOX,
    FRAMES,
    SECTOR,
    STEP,
    clock,
    contour,
    fan,
    on_spectrum,
    plane,
    ramp,
    spectrum,
    surface,
    tissue,
    trace,
)

_FLOW_LIMIT = 0.6


def analytic_recordings(number: int) -> list[Recording]:
    """Return what the fake holds of an examination besides what is simulated."""
    kinds = (
        (_colour, _m_mode),
        (_biplane, _pulsed_wave, _marks, _views),
        (_triplane, _continuous_wave, _prediction),
        (_planes, _raw_tissue, _atrium, _mesh_with_volume),
        (_float_tissue, _volume, _mesh, _right_ventricle),
    )
    made: list[Recording] = []
    for make in kinds[number]:
        made += make(number)
    return made


def _colour(number: int) -> Sequence[Recording]:
    """Make flow that is linear in depth, angle and time, and folds at its limit."""
    time = clock(2 * FRAMES, STEP / 2)
    shape = (len(time), *BOX.shape)
    t, r, a = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    moving = _FLOW_LIMIT * (3 * r - 1.5 + 0.3 * t + 0.2 * a)
    folded = (moving + _FLOW_LIMIT) % (2 * _FLOW_LIMIT) - _FLOW_LIMIT
    velocity = Stream(
        "colour_velocity",
        folded.astype(np.float32),
        time,
        BEAMSPACE,
        "m/s",
        geometry=BOX,
        velocity_limit=_FLOW_LIMIT,
    )
    power = Stream(
        "colour_power",
        (0.5 * a + 0.3 * r + 0.2 * t).astype(np.float32),
        time,
        BEAMSPACE,
        "",
        geometry=BOX,
    )
    streams = [plane("b_mode", 4), velocity, power, trace()]
    return [_recording(number, "colour", streams)]


def _m_mode(number: int) -> Sequence[Recording]:
    """Make a cursor line, with the thickness of a wall."""
    lines = Stream(
        "m_mode",
        ramp((64, 32), 5, (1, 3)).astype(np.float32),
        clock(64, 1 / 64),
        ("time", "range"),
        "grey",
        axes={"range": np.linspace(0.0, 0.125, 32)},
    )
    wall = np.array([(0.25, 0.03125), (0.25, 0.046875)])
    return [
        _recording(
            number,
            "mmode",
            [lines, plane("b_mode", 9), trace()],
            marks=[Mark("IVSd", "m_mode", ("time", "range"), wall)],
            gates=[Gate("m_mode", 0.0625)],
        )
    ]


def _biplane(number: int) -> Sequence[Recording]:
    """Make two planes, each a stream."""
    planes = [plane("b_mode_0", 1), plane("b_mode_1", 2)]
    return [_recording(number, "biplane", [*planes, trace()])]


def _triplane(number: int) -> Sequence[Recording]:
    """Make three planes, each a stream."""
    planes = [plane(f"b_mode_{k}", 20 + k) for k in range(3)]
    return [_recording(number, "triplane", [*planes, trace()])]


def _planes(number: int) -> Sequence[Recording]:
    """Make two and three planes, each in one array."""
    made = []
    for name, count in (("biplane", 2), ("triplane", 3)):
        both = Stream(
            f"b_mode_{name}",
            ramp((FRAMES, count, *SECTOR.shape), 3, (5, 11, 3, 2)).astype(np.uint8),
            clock(FRAMES, STEP),
            ("time", "plane", "range", "beam"),
            "grey",
            geometry=SECTOR,
        )
        made.append(_recording(number, f"combined_{name}", [both, trace()]))
    return made


def _pulsed_wave(number: int) -> Sequence[Recording]:
    """Make a spectrum with its gate, an envelope and a peak."""
    waves = spectrum("pulsed_wave", np.linspace(1.0, -1.0, 33), 1.0)
    envelope = np.array([(0.25, 0.0), (0.3125, -0.75), (0.5, 0.0)])
    return [
        _recording(
            number,
            "pw",
            [waves, trace()],
            marks=[
                on_spectrum("LVOT trace", "pulsed_wave", envelope),
                on_spectrum("A", "pulsed_wave", np.array([(0.125, 0.5)])),
            ],
            gates=[Gate("pulsed_wave", -0.0625, 0.078125, 0.00390625)],
        )
    ]


def _continuous_wave(number: int) -> Sequence[Recording]:
    """Make a spectrum whose baseline is not in the middle, with its line."""
    waves = spectrum("continuous_wave", np.linspace(1.5, -4.5, 49), 4.5)
    peaks = [
        on_spectrum("TR Vmax", "continuous_wave", np.array([(t, -3.25)]))
        for t in (0.25, 0.75)
    ]
    return [
        _recording(
            number,
            "cw",
            [waves, trace()],
            marks=peaks,
            gates=[Gate("continuous_wave", 0.125)],
        )
    ]


def _marks(number: int) -> Sequence[Recording]:
    """Make a landmark, a caliper, and a caliper that moves."""
    still = np.array([(-0.015625, 0.0625), (0.015625, 0.0625)])
    moving = still + np.arange(FRAMES)[:, None, None] / 1024
    time = clock(FRAMES, STEP)
    return [
        _recording(
            number,
            "marks",
            [plane("b_mode", 5), trace()],
            marks=[
                Mark("MV E' septal", "b_mode", ("x", "z"), still[:1]),
                Mark("LVIDd", "b_mode", ("x", "z"), still),
                Mark("LVOT diameter", "b_mode", ("x", "z"), moving, time),
            ],
        )
    ]


def _raw_tissue(number: int) -> Sequence[Recording]:
    """Make tissue velocities in the codes of a scanner, with a gate."""
    gate = Gate("tissue_velocity", 0.0625, 0.0625, 0.00390625)
    return [_recording(number, "raw_tissue", [tissue(), trace()], gates=[gate])]


def _float_tissue(number: int) -> Sequence[Recording]:
    """Make tissue velocities in m/s."""
    return [_recording(number, "float_tissue", [tissue(), trace()])]


def _volume(number: int) -> Sequence[Recording]:
    """Make a volume of four beats."""
    return [_recording(number, "volume", [fan(2), trace()])]


def _mesh(number: int) -> Sequence[Recording]:
    """Make a ventricle that was drawn on the volume of another recording."""
    name = f"{exam_name(number)}_volume"
    streams = [fan(2), trace()]
    return [_recording(number, "mesh", streams, mesh=surface(), links=(name,))]


def _mesh_with_volume(number: int) -> Sequence[Recording]:
    """Make a ventricle and its volume in one store."""
    return [_recording(number, "fourd", [fan(7), trace()], mesh=surface())]


def _views(number: int) -> Sequence[Recording]:
    """Make a strain analysis of two views in one store, with curves."""
    made = []
    images = []
    for view, start in (("2ch", 6), ("4ch", 8)):
        name = f"{exam_name(number)}_plane_{view}"
        streams = [plane("b_mode", start), trace()]
        images.append(_recording(number, f"plane_{view}", streams, view=view))
        curve = Stream(
            "lv_strain",
            ramp((FRAMES,), 0.0, (-2.5,)).astype(np.float32),
            clock(FRAMES, STEP),
            ("time",),
            "%",
        )
        analysis = [contour("lv", LAYERS, start), curve]
        made.append(
            _recording(
                number,
                f"views.{view}",
                streams,
                analysis=analysis,
                view=view,
                links=(name,),
            )
        )
    return [*images, *made]


def _atrium(number: int) -> Sequence[Recording]:
    """Make a strain analysis of the left atrium, with a curve a segment."""
    segments = Stream(
        "la_strain",
        ramp((FRAMES, 6), 1.0, (2.0, 0.5)).astype(np.float32),
        clock(FRAMES, STEP),
        ("time", "segment"),
        "%",
    )
    return _analysis(number, "atrium", "4ch", 10, [contour("la", LAYERS, 3), segments])


def _right_ventricle(number: int) -> Sequence[Recording]:
    """Make a strain analysis of the right ventricle, which has three layers."""
    curve = Stream(
        "rv_strain",
        ramp((FRAMES,), -1.0, (-1.5,)).astype(np.float32),
        clock(FRAMES, STEP),
        ("time",),
        "%",
    )
    return _analysis(number, "right", "rv", 11, [contour("rv", RV_LAYERS, 2), curve])


def _analysis(
    number: int, what: str, view: str, start: int, analysis: Sequence[Stream]
) -> Sequence[Recording]:
    """Make a plane, and the analysis that was drawn on it."""
    streams = [plane("b_mode", start), trace()]
    name = f"{exam_name(number)}_{what}_plane"
    drawn = _recording(
        number, f"{what}.{view}", streams, analysis=analysis, view=view, links=(name,)
    )
    return [_recording(number, f"{what}_plane", streams), drawn]


def _prediction(number: int) -> Sequence[Recording]:
    """Make a label map that a model predicted, on images of its own."""
    images = plane("b_mode", 12)
    codes = np.broadcast_to(np.arange(SECTOR.shape[1]) // 4, images.shape)
    mask = Stream(
        "lv_mask",
        codes.astype(np.uint8),
        images.time,
        BEAMSPACE,
        "label",
        geometry=SECTOR,
        coords={"label": STRUCTURES},
    )
    return [_recording(number, "prediction", [images, trace()], analysis=[mask])]


def _recording(
    number: int,
    what: str,
    streams: Sequence[Stream],
    *,
    analysis: Sequence[Stream] = (),
    mesh: Mesh | None = None,
    marks: Sequence[Mark] = (),
    gates: Sequence[Gate] = (),
    links: tuple[str, ...] = (),
    view: str = "",
) -> Recording:
    """Make a recording of an examination, with its QRS times."""
    qrs = qrs_stream(np.array([0.125, 0.5]))
    return Recording(
        entry(number, f"{exam_name(number)}_{what}", view),
        {stream.name: stream for stream in streams},
        {stream.name: stream for stream in (qrs, *analysis)},
        links,
        {} if mesh is None else {mesh.name: mesh},
        tuple(marks),
        tuple(gates),
    )
