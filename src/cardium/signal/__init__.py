"""Signals over time: clocks, heart beats, multi-beat volumes, Doppler velocities."""

from cardium.signal.alignment import Aligned, align_phase, annotation_times
from cardium.signal.beats import ANCHOR_PHASES, Anchors, Beats, Phase, is_irregular
from cardium.signal.clock import (
    Bracket,
    bracket,
    interleave,
    interpolate,
    irregularity,
    nearest,
    overlap,
    within_intervals,
)
from cardium.signal.doppler import (
    fold,
    mean_velocity,
    shift_baseline,
    trace_envelope,
    turbulence,
    unfold,
)
from cardium.signal.ecg import find_r_peaks, r_peaks
from cardium.signal.stitching import Stitched, stitch_beats, stitched_geometry

__all__ = [
    "ANCHOR_PHASES",
    "Aligned",
    "Anchors",
    "Beats",
    "Bracket",
    "Phase",
    "Stitched",
    "align_phase",
    "annotation_times",
    "bracket",
    "find_r_peaks",
    "fold",
    "interleave",
    "interpolate",
    "irregularity",
    "is_irregular",
    "mean_velocity",
    "nearest",
    "overlap",
    "r_peaks",
    "shift_baseline",
    "stitch_beats",
    "stitched_geometry",
    "trace_envelope",
    "turbulence",
    "unfold",
    "within_intervals",
]
