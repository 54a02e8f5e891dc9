"""M-mode along one beam, with the places of the walls on it exactly known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cardium.core import FloatArray, Gate, Sector, Stream
from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import (
    Acquisition,
    begin,
    ecg_stream,
    image_times,
)
from cardium.phantom.anatomy import TISSUES, Heart
from cardium.phantom.imaging import b_mode
from cardium.phantom.motion import Motion
from cardium.phantom.patient import Patient
from cardium.phantom.probe import Placement, Probe
from cardium.phantom.views import hold_probe

M_MODE_VIEWS = {
    "plax": ("septum_outer", "septum_inner", "posterior_inner", "posterior_outer"),
    "4ch": ("annulus",),
}
"""Views of an M-mode, and the borders on the line whose depth is known, from the probe.

``"plax"``: across the ventricle from beside the sternum, at the tips of the mitral
valve; septum and posterior wall. ``"4ch"``: from the apex through the lateral side of
the mitral annulus, which is where muscle ends.
"""


@dataclass(frozen=True, slots=True)
class MModeExamination:
    """A simulated M-mode.

    Parameters
    ----------
    view : {"plax", "4ch"}
        How the probe was held.
    heart : Heart
        The patient's heart.
    placement : Placement
        Where it lies under the probe.
    streams : mapping of str to Stream
        ``m_mode`` (time, range) [grey] and ``ecg``.
    gates : tuple of Gate
        The line.
    qrs_times : (K,) [s]
        Times of the R peaks.
    walls : (T, K) [m]
        True depths of the borders, in the order of `M_MODE_VIEWS`, at the times of
        ``m_mode``; NaN while the beam misses one of them.
    """

    view: str
    heart: Heart
    placement: Placement
    streams: Mapping[str, Stream]
    gates: tuple[Gate, ...]
    qrs_times: FloatArray
    walls: FloatArray


def simulate_m_mode(
    patient: Patient, *, view: str = "plax", preset: str = "tiny"
) -> MModeExamination:
    """Simulate an M-mode.

    Parameters
    ----------
    patient : Patient
        Who is examined; the same patient gives the same samples, bit for bit.
    view : {"plax", "4ch"}
        Across the left ventricle from beside the sternum, or from the apex through the
        lateral mitral annulus.
    preset : {"tiny", "full"}
        ``"tiny"``: one beat, 200 lines a second, 256 samples. ``"full"``: two beats,
        500 lines a second, 512 samples.

    Returns
    -------
    examination : MModeExamination
        Streams in memory and truth.

    Raises
    ------
    UnknownNameError
        If there is no such preset or view.

    Notes
    -----
    The beam stands still while the heart moves through it. A border is where the tissue
    changes on the beam; it is found on the exact map, by looking up where the material
    of ever denser samples was at end-diastole, to 1e-8 m.

    Examples
    --------
    The septum lies before the posterior wall, with the cavity between them:

    >>> exam = simulate_m_mode(Patient(number=3))
    >>> at = abs(exam.streams["m_mode"].time - exam.qrs_times[0]).argmin()
    >>> septum, cavity, posterior = np.diff(exam.walls[at])
    >>> bool(0.03 < cavity < 0.07), bool(0.005 < posterior < 0.015)
    (True, True)
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    if view not in M_MODE_VIEWS:
        raise UnknownNameError("view", view, M_MODE_VIEWS)
    size = _PRESETS[preset]
    scene = begin(patient, what=f"m_mode {view}", beats=size.beats)
    placement = hold_probe(scene, view)
    times = image_times(scene.rhythm.r_times, size.rate)
    target, deepest = _aim(scene, view, placement)
    angle = math.atan2(target[0], target[2])
    depth = math.ceil(100 * deepest) / 100
    sector = Sector((0.0, depth), (angle - _SIDE, angle + _SIDE), (size.samples, 3))
    line = _film(scene, times, sector, placement, size.density)
    walls = _walls(scene, view, times, (angle, depth), placement)
    return MModeExamination(
        view,
        scene.heart,
        placement,
        {"m_mode": line, "ecg": ecg_stream(scene.rhythm)},
        (Gate("m_mode", angle),),
        scene.rhythm.r_times,
        walls,
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    beats: int
    rate: float
    samples: int
    density: float


_PRESETS = {
    "tiny": _Preset(1, 200.0, 256, 2.0),
    "full": _Preset(2, 500.0, 512, 4.0),
}
_SIDE = 0.02
_TIPS = 0.72
_UNDER_BASE = 0.82
_BELOW = 0.03
_COARSE = 257
_FINE = 33
_ROUNDS = 3


def _aim(
    scene: Acquisition, view: str, placement: Placement
) -> tuple[FloatArray, float]:
    """Point of the heart that the beam aims at, in the image, and depth to show [m]."""
    lv = scene.heart.ventricle
    if view == "plax":
        # So high that the base does not come up to the beam in systole.
        ends = np.array([beat.end_systole for beat in scene.motion.cycle.beats])
        shortest = float(scene.motion.cycle.stretch(ends).min())
        height = min(_TIPS, _UNDER_BASE * shortest) * lv.length
        target = placement.to_image(np.array([0.0, 0.0, height]))
        return target, float(target[2] + lv.short_axis + 2 * lv.wall + _BELOW)
    rim = math.sqrt(float(lv.layer_radius_squared(np.array(lv.length))))
    x, y, _ = placement.rotation[0]
    across = np.array([x, y]) / math.hypot(x, y) * (rim + lv.wall / 2)
    annulus = placement.to_image(np.array([*across, lv.length]))
    return annulus, float(annulus[2] + _BELOW)


def _film(
    scene: Acquisition,
    times: FloatArray,
    sector: Sector,
    placement: Placement,
    density: float,
) -> Stream:
    """Record the beam in the middle of a sector of three."""
    probe = Probe(
        sector,
        range_width=max(0.75 * sector.range_spacing, 0.00030),
        beam_width=math.radians(0.9),
        density=density,
        unevenness=0.0,
    )
    frames = b_mode(
        scene.heart,
        scene.motion,
        times,
        probe=probe,
        placement=placement,
        seed=int(scene.rng.integers(2**32)),
    )
    return Stream(
        "m_mode",
        frames[:, :, 1].astype(np.float32),
        times,
        ("time", "range"),
        "grey",
        axes={"range": sector.depths},
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A beam through a beating heart."""

    heart: Heart
    motion: Motion
    placement: Placement
    angle: float

    def tissue(self, depth: FloatArray, time: float) -> NDArray[np.uint8]:
        """Look up the tissue at depths on the beam at a time."""
        across, down = math.sin(self.angle), math.cos(self.angle)
        image = np.stack([depth * across, 0 * depth, depth * down], axis=-1)
        places = self.placement.to_heart(image)
        return self.heart.classify(self.motion.inverse(places, time))


def _walls(
    scene: Acquisition,
    view: str,
    times: FloatArray,
    beam: tuple[float, float],
    placement: Placement,
) -> FloatArray:
    """Depths of the borders on the beam, (T, K) [m]."""
    angle, depth = beam
    line = _Line(scene.heart, scene.motion, placement, angle)
    coarse, part = np.linspace(0.0, depth, _COARSE), np.linspace(0, 1, _FINE)
    walls = np.empty((len(times), len(M_MODE_VIEWS[view])))
    for borders, time in zip(walls, times.tolist(), strict=True):
        at = _find_borders(line.tissue(coarse, time), view)
        if at is None:
            borders[...] = np.nan
            continue
        above, below = coarse[at], coarse[at + 1]
        for _ in range(_ROUNDS):
            fine = above[:, None] + (below - above)[:, None] * part
            muscle = line.tissue(fine, time) == _MUSCLE
            last = (muscle != muscle[:, :1]).argmax(axis=1)
            above, below = np.take_along_axis(
                fine, np.stack([last - 1, last], axis=1), axis=1
            ).T
        borders[...] = (above + below) / 2
    return walls


def _find_borders(tissue: NDArray[np.uint8], view: str) -> NDArray[np.intp] | None:
    """Find the samples after which the borders of a view come, if all are there."""
    change = np.flatnonzero(np.diff(tissue == _MUSCLE))
    if view == "4ch":
        return change[-1:] if change.size else None
    # The cavity of the left ventricle is the longest stretch of its own blood.
    edges = np.flatnonzero(np.diff(np.pad(tissue == _CAVITY, 1).astype(np.int8)))
    longest = np.diff(edges)[::2].argmax() if edges.size else 0
    inner = edges[2 * longest : 2 * longest + 2] - 1
    at = np.searchsorted(change, inner)
    wanted = [at[0] - 1, *at, at[-1] + 1] if edges.size else [-1]
    if min(wanted) < 0 or max(wanted) >= len(change) or any(change[at] != inner):
        return None
    return change[wanted]


_MUSCLE = TISSUES.index("myocardium")
_CAVITY = TISSUES.index("lv_cavity")
