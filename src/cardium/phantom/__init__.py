"""A beating heart of known truth: anatomy, motion, images and electrocardiograms.

`simulate` makes a whole examination; `simulate_volume`, `simulate_spectrum`,
`simulate_m_mode` and `simulate_flow` make the recordings that go with it, of the same
patient. The parts can be used alone: `sample_heart` draws a patient, `Motion` moves any
point of it exactly, `CavityFlow` is the blood in it, `b_mode` and `tissue_velocity` see
it with a `Probe` held by a `Placement`.
"""

from cardium.phantom.acquisition import Truth
from cardium.phantom.anatomy import (
    ECHOGENICITY_DB,
    TISSUES,
    Function,
    Heart,
    LeftVentricle,
    sample_heart,
)
from cardium.phantom.colour import FlowExamination, simulate_flow
from cardium.phantom.cycle import Cycle
from cardium.phantom.ecg import ecg_12_lead, ecg_trace
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.flow import CavityFlow
from cardium.phantom.imaging import b_mode, log_compress, receive, tissue_velocity
from cardium.phantom.m_mode import MModeExamination, simulate_m_mode
from cardium.phantom.motion import Motion
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.spectrum import (
    SpectrumExamination,
    SpectrumTruth,
    simulate_spectrum,
)
from cardium.phantom.volume import VolumeExamination, simulate_volume

__all__ = [
    "ECHOGENICITY_DB",
    "SPEED_OF_SOUND",
    "TISSUES",
    "CavityFlow",
    "Cycle",
    "Examination",
    "FlowExamination",
    "Function",
    "Heart",
    "LeftVentricle",
    "MModeExamination",
    "Motion",
    "Placement",
    "Probe",
    "SpectrumExamination",
    "SpectrumTruth",
    "Truth",
    "VolumeExamination",
    "b_mode",
    "ecg_12_lead",
    "ecg_trace",
    "log_compress",
    "receive",
    "sample_heart",
    "simulate",
    "simulate_flow",
    "simulate_m_mode",
    "simulate_spectrum",
    "simulate_volume",
    "tissue_velocity",
]
