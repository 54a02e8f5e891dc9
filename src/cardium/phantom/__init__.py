"""A beating heart of known truth: anatomy, motion, images and electrocardiograms.

`simulate` writes a whole examination. The parts can be used alone: `sample_heart` draws
a patient, `Motion` moves any point of it exactly, `b_mode` and `tissue_velocity` see it
with a `Probe` held by a `Placement`.
"""

from cardium.phantom.anatomy import (
    ECHOGENICITY_DB,
    TISSUES,
    Function,
    Heart,
    LeftVentricle,
    sample_heart,
)
from cardium.phantom.cycle import Cycle
from cardium.phantom.ecg import ecg_12_lead, ecg_trace
from cardium.phantom.exam import Examination, Truth, simulate
from cardium.phantom.imaging import b_mode, log_compress, receive, tissue_velocity
from cardium.phantom.motion import Motion
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe

__all__ = [
    "ECHOGENICITY_DB",
    "SPEED_OF_SOUND",
    "TISSUES",
    "Cycle",
    "Examination",
    "Function",
    "Heart",
    "LeftVentricle",
    "Motion",
    "Placement",
    "Probe",
    "Truth",
    "b_mode",
    "ecg_12_lead",
    "ecg_trace",
    "log_compress",
    "receive",
    "sample_heart",
    "simulate",
    "tissue_velocity",
]
