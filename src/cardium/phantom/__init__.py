"""A beating heart of known truth: anatomy, motion, flow, and what is recorded of it.

A `Patient`, written down or drawn by `sample_patient`, has one heart and one motion.
The ``simulate_*`` functions record it: `simulate` a view in B-mode with tissue Doppler,
`simulate_flow` in colour, `simulate_m_mode`, `simulate_spectrum`, `simulate_planes`,
`simulate_volume`, `simulate_cine` in magnetic resonance and `simulate_ecg`. Each holds
what is true beside what was recorded.

The parts can be used alone: `begin` makes the heart beat, `Motion` moves any point of
it exactly, `Flow` is the blood in it, `hold_probe` and `outline` place a view,
`dense_truth` states everything at every sample.
"""

from cardium.phantom.acquisition import Acquisition, Truth, begin
from cardium.phantom.build import build_heart
from cardium.phantom.colour import FlowExamination, simulate_flow
from cardium.phantom.cycle import Beat, Cycle, Function
from cardium.phantom.ecg_exam import EcgExamination, simulate_ecg
from cardium.phantom.exam import Examination, simulate
from cardium.phantom.flow import Flow
from cardium.phantom.imaging import b_mode, beam_velocity
from cardium.phantom.m_mode import MModeExamination, simulate_m_mode
from cardium.phantom.motion import Motion
from cardium.phantom.mri import CineExamination, simulate_cine
from cardium.phantom.patient import CONDITIONS, Infarct, Patient
from cardium.phantom.planes import PlanesExamination, simulate_planes
from cardium.phantom.population import sample_patient, sample_population
from cardium.phantom.probe import SPEED_OF_SOUND, Placement, Probe
from cardium.phantom.rhythm import Rhythm
from cardium.phantom.spectrum import (
    SpectrumExamination,
    SpectrumTruth,
    simulate_spectrum,
)
from cardium.phantom.truth import dense_truth
from cardium.phantom.views import VIEWS, hold_probe, outline
from cardium.phantom.volume import VolumeExamination, simulate_volume

__all__ = [
    "CONDITIONS",
    "SPEED_OF_SOUND",
    "VIEWS",
    "Acquisition",
    "Beat",
    "CineExamination",
    "Cycle",
    "EcgExamination",
    "Examination",
    "Flow",
    "FlowExamination",
    "Function",
    "Infarct",
    "MModeExamination",
    "Motion",
    "Patient",
    "Placement",
    "PlanesExamination",
    "Probe",
    "Rhythm",
    "SpectrumExamination",
    "SpectrumTruth",
    "Truth",
    "VolumeExamination",
    "b_mode",
    "beam_velocity",
    "begin",
    "build_heart",
    "dense_truth",
    "hold_probe",
    "outline",
    "sample_patient",
    "sample_population",
    "simulate",
    "simulate_cine",
    "simulate_ecg",
    "simulate_flow",
    "simulate_m_mode",
    "simulate_planes",
    "simulate_spectrum",
    "simulate_volume",
]
