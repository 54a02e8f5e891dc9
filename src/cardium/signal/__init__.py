"""Signals over time: clocks, heart beats, multi-beat volumes, Doppler velocities."""

from cardium.signal.alignment import Aligned, align_phase, annotation_times
from cardium.signal.beat_classes import (
    AAMI_MAPPINGS,
    BEAT_CLASSES,
    BEAT_SYMBOLS,
    aami_class,
    label_stream,
    labels_of,
)
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
from cardium.signal.leads import (
    LEAD_SETS,
    LEADS,
    derive_limb_leads,
    lead_name,
    select_leads,
)
from cardium.signal.stitching import Stitched, stitch_beats, stitched_geometry

__all__ = [
    "AAMI_MAPPINGS",
    "ANCHOR_PHASES",
    "BEAT_CLASSES",
    "BEAT_SYMBOLS",
    "LEADS",
    "LEAD_SETS",
    "Aligned",
    "Anchors",
    "Beats",
    "Bracket",
    "Phase",
    "Stitched",
    "aami_class",
    "align_phase",
    "annotation_times",
    "bracket",
    "derive_limb_leads",
    "find_r_peaks",
    "fold",
    "interleave",
    "interpolate",
    "irregularity",
    "is_irregular",
    "label_stream",
    "labels_of",
    "lead_name",
    "mean_velocity",
    "nearest",
    "overlap",
    "r_peaks",
    "select_leads",
    "shift_baseline",
    "stitch_beats",
    "stitched_geometry",
    "trace_envelope",
    "turbulence",
    "unfold",
    "within_intervals",
]
