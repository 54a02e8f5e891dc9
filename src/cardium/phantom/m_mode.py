"""M-mode across the left ventricle, with the places of its walls exactly known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardium.core import FloatArray, Gate, Sector, Stream
from cardium.errors import UnknownNameError
from cardium.phantom.acquisition import (
    FIRST_R,
    ecg_stream,
    image_times,
    qrs_times,
)
from cardium.phantom.anatomy import Heart, sample_heart
from cardium.phantom.imaging import b_mode
from cardium.phantom.motion import Motion
from cardium.phantom.probe import Placement, Probe

WALLS = ("septum_outer", "septum_inner", "posterior_inner", "posterior_outer")
"""Borders that the beam meets, from the probe on."""


@dataclass(frozen=True, slots=True)
class MModeExamination:
    """A simulated parasternal M-mode.

    Parameters
    ----------
    heart : Heart
        The patient's heart.
    placement : Placement
        Where it lies under the probe: on its side, the septum towards the probe.
    streams : mapping of str to Stream
        ``m_mode`` (time, range) [grey] and ``ecg``.
    gates : tuple of Gate
        The line.
    qrs_times : (K,) [s]
        Times of the R peaks.
    walls : (T, 4) [m]
        True depths of the `WALLS` at the times of ``m_mode``.
    """

    heart: Heart
    placement: Placement
    streams: Mapping[str, Stream]
    gates: tuple[Gate, ...]
    qrs_times: FloatArray
    walls: FloatArray


def simulate_m_mode(patient_seed: int, *, preset: str = "tiny") -> MModeExamination:
    """Simulate an M-mode across the left ventricle from beside the sternum.

    Parameters
    ----------
    patient_seed : int
        Number of the patient; the same number gives the same samples, bit for bit.
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
        If there is no such preset.

    Notes
    -----
    The beam meets the long axis at right angles, at the height where the ventricle is
    widest at end-diastole, and stands still while the heart moves along it. There the
    borders of the wall have the distances ``r_en^2 = R_en^2 (1 - kappa) / lambda`` and
    ``r_ep^2 = (R_ep^2 - kappa R_en^2) / lambda`` from the axis, the radii R being those
    at Z = z / lambda: thickness and diameter follow in closed form.

    Examples
    --------
    The cavity is round: the inner borders are a diameter apart at end-diastole.

    >>> exam = simulate_m_mode(3)
    >>> at = abs(exam.streams["m_mode"].time - exam.qrs_times[0]).argmin()
    >>> diameter = exam.walls[at, 2] - exam.walls[at, 1]
    >>> round(float(diameter / exam.heart.ventricle.short_axis), 6)
    2.0
    """
    if preset not in _PRESETS:
        raise UnknownNameError("preset", preset, _PRESETS)
    size, heart = _PRESETS[preset], sample_heart(patient_seed)
    rng = np.random.default_rng([patient_seed, 104])
    motion = Motion.of(heart, first_r=FIRST_R)
    r_peaks = qrs_times(motion, size.beats)
    times = image_times(r_peaks, size.rate)
    lv = heart.ventricle
    middle = 0.055 + lv.short_axis + lv.wall + rng.uniform(0.0, 0.01)
    # On its side, with the apex to the left, and turned so that the septum is above.
    placement = Placement((-lv.long_axis, middle), math.pi / 2, rotation=math.pi)
    deepest = math.ceil(100 * (middle + lv.short_axis + 2 * lv.wall + 0.02)) / 100
    sector = Sector((0.0, deepest), (-_SIDE, _SIDE), (size.samples, 3))
    probe = Probe(
        sector,
        range_width=max(0.75 * sector.range_spacing, 0.00030),
        beam_width=math.radians(0.9),
    )
    frames = b_mode(
        heart,
        times,
        probe=probe,
        placement=placement,
        first_r=FIRST_R,
        seed=int(rng.integers(2**32)),
    )
    line = Stream(
        "m_mode",
        frames[:, :, 1].astype(np.float32),
        times,
        ("time", "range"),
        "grey",
        axes={"range": sector.depths},
    )
    return MModeExamination(
        heart,
        placement,
        {"m_mode": line, "ecg": ecg_stream(r_peaks)},
        (Gate("m_mode", 0.0),),
        r_peaks,
        _walls(motion, times, middle),
    )


@dataclass(frozen=True, slots=True)
class _Preset:
    """Size of a recording."""

    beats: int
    rate: float
    samples: int


_PRESETS = {"tiny": _Preset(1, 200.0, 256), "full": _Preset(2, 500.0, 512)}
_SIDE = 0.01


def _walls(motion: Motion, times: FloatArray, middle: float) -> FloatArray:
    """Depths of the borders on the beam, (T, 4) [m]."""
    cycle, lv = motion.cycle, motion.ventricle
    kappa, stretch = cycle.emptying(times), cycle.stretch(times)
    height = lv.long_axis / stretch
    inner = lv.layer_radius_squared(height)
    outer = lv.layer_radius_squared(height, fraction=1.0)
    endocardium = np.sqrt(inner * (1 - kappa) / stretch)
    epicardium = np.sqrt((outer - kappa * inner) / stretch)
    sides = [-epicardium, -endocardium, endocardium, epicardium]
    return middle + np.stack(sides, axis=1)
